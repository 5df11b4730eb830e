"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict. (tests/conformance compares them with PyTorch.)"""

from collections import OrderedDict

import pytest

import lucid
from lucid import nn


def kinds(modules):
    return [type(m).__name__ for m in modules]


def names(module):
    return [name for name, _ in module.named_children()]


@pytest.fixture(params=[lambda *m: nn.Sequential(*m), lambda *m: nn.ModuleList(m)], ids=["Sequential", "ModuleList"])
def three(request):
    return request.param(nn.ReLU(), nn.Tanh(), nn.GELU())


def test_lists_of_modules(three):
    assert len(three) == 3 and kinds(three) == ["ReLU", "Tanh", "GELU"] and type(three[-1]) is nn.GELU
    assert type(three[1:]) is type(three) and kinds(three[::-1]) == ["GELU", "Tanh", "ReLU"]
    assert three.append(nn.Identity()) is three and three.extend([nn.SiLU()]) is three
    three.insert(1, nn.Sigmoid())
    assert kinds(three) == ["ReLU", "Sigmoid", "Tanh", "GELU", "Identity", "SiLU"] and names(three) == list("012345")
    assert type(three.pop(1)) is nn.Sigmoid and names(three) == list("01234")
    del three[-1], three[1:3]
    assert kinds(three) == ["ReLU", "Identity"] and names(three) == ["0", "1"]
    three[-1] = nn.Tanh()
    assert kinds(three) == ["ReLU", "Tanh"]
    three += type(three)()
    for change, kind, message in [
        (lambda: three[2], IndexError, "index 2 is out of range for 2 modules"),
        (lambda: three.pop(-3), IndexError, "index -3"),
        (lambda: three.__delitem__(5), IndexError, "index 5"),
        (lambda: three.append(3), TypeError, "must be a Module, got int"),
        (lambda: three.extend([nn.ReLU(), lucid.relu]), TypeError, "3 must be a Module, got function"),
        (lambda: three.extend(nn.ReLU()), TypeError, "extend: expected modules, got ReLU"),
        (lambda: three.__setitem__(0, "x"), TypeError, "got str"),
        (lambda: three.insert(0, 1), TypeError, "got int"),
    ]:
        with pytest.raises(kind, match=message):
            change()
        assert kinds(three) == ["ReLU", "Tanh"] and names(three) == ["0", "1"]


def test_sequential():
    named = nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh(), c=nn.GELU()))
    assert names(named[1:]) == ["b", "c"] and names(named.append(nn.ReLU())) == ["a", "b", "c", "3"]
    numbered = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.GELU())
    assert kinds(numbered[1:].append(nn.SiLU())) == ["Tanh", "GELU", "SiLU"]  # though a "2" is there already
    assert kinds(numbered + numbered[:1]) == ["ReLU", "Tanh", "GELU", "ReLU"] and len(2 * numbered) == 6
    numbered *= 2
    assert len(numbered) == 6 and kinds(numbered) == ["ReLU", "Tanh", "GELU"] * 2
    x = lucid.randn(3)
    assert nn.Sequential()(x) is x
    for f, kind, message in [
        (lambda: numbered * 0, ValueError, "not 0 times"),
        (lambda: numbered * "a", TypeError, "not str"),
        (lambda: numbered + [nn.ReLU()], ValueError, "must be a Sequential, got list"),
        (lambda: numbered.insert(9, nn.ReLU()), IndexError, "index 9 is out of range for 6"),
        (lambda: nn.Sequential(None), TypeError, "must be a Module, got NoneType"),
    ]:
        with pytest.raises(kind, match=message):
            f()


def test_module_list():
    modules = nn.ModuleList([nn.Sequential(nn.ReLU()), nn.Sequential(nn.ReLU()), None, nn.Tanh()])
    assert repr(modules) == (
        "ModuleList(\n  (0-1): 2 x Sequential(\n    (0): ReLU()\n  )\n  (2): None\n  (3): Tanh()\n)"
    )
    assert repr(nn.ModuleList()) == "ModuleList()" and kinds(modules + [nn.GELU()])[-1] == "GELU"
    modules.insert(100, nn.SiLU())
    assert kinds(modules)[-1] == "SiLU"
    with pytest.raises(NotImplementedError, match="ModuleList"):
        modules(lucid.ones(1))


def test_module_dict():
    held = nn.ModuleDict({"a": nn.Linear(1, 2), "b": nn.ReLU()})
    assert list(held) == list(held.keys()) == ["a", "b"] and len(held) == 2 and "a" in held and "c" not in held
    assert list(held.state_dict()) == ["a.weight", "a.bias"] and held["b"] is held.b is list(held.values())[1]
    assert repr(held) == "ModuleDict(\n  (a): Linear(in_features=1, out_features=2, bias=True)\n  (b): ReLU()\n)"
    held.update([("c", nn.Tanh())])
    held.update(nn.ModuleDict({"b": nn.GELU()}))
    assert [(k, type(m).__name__) for k, m in held.items()] == [("a", "Linear"), ("b", "GELU"), ("c", "Tanh")]
    del held["a"]
    assert type(held.pop("b")) is nn.GELU and list(held) == ["c"]
    for f, kind, message in [
        (lambda: held["a"], KeyError, "a"),
        (lambda: held.__delitem__("training"), KeyError, "training"),
        (lambda: held.__setitem__("keys", nn.ReLU()), KeyError, "attribute 'keys' already"),
        (lambda: held.__setitem__("d", 3), TypeError, "Module or None, got int"),
        (lambda: held.update([("e",)]), ValueError, "element 0 has length 1"),
        (lambda: held.update([3]), TypeError, "element 0 is no pair but int"),
        (lambda: held.update(3), TypeError, "mapping or pairs, got int"),
    ]:
        with pytest.raises(kind, match=message):
            f()
        assert list(held) == ["c"]
    held.clear()
    assert not len(held) and held.training


def test_parameter_list():
    weights = nn.ParameterList([lucid.ones(2), "text", nn.Parameter(lucid.zeros(3))])
    assert [n for n, _ in weights.named_parameters()] == ["0", "2"] == list(weights.state_dict())
    assert isinstance(weights[0], nn.Parameter) and weights[1] == "text" and weights[-1].shape == (3,)
    weights += [lucid.ones(1)]
    weights[1] = lucid.ones(4)
    assert len(weights) == 4 and [p.shape for p in weights] == [(2,), (4,), (3,), (1,)] and len(weights[1:3]) == 2
    assert repr(nn.ParameterList([lucid.ones(2, 3), 5])) == (
        "ParameterList(\n    (0): Parameter containing: [lucid.float32 of size 2x3]\n    (1): Object of type: int\n)"
    )
    for f, kind, message in [
        (lambda: weights[4], IndexError, "index 4 is out of range for 4 entries"),
        (lambda: weights.extend(lucid.ones(2)), TypeError, "iterable of parameters, got lucid.float32"),
        (lambda: weights(1), RuntimeError, "cannot be called"),
    ]:
        with pytest.raises(kind, match=message):
            f()


def test_parameter_dict():
    weights = nn.ParameterDict({"a": lucid.ones(2), "n": 3})
    assert list(weights) == ["a", "n"] and list(weights.state_dict()) == ["a"] and weights.get("x", 5) == 5
    weights["b"] = lucid.zeros(1)
    assert weights["b"].requires_grad and list(reversed(weights)) == ["b", "n", "a"] and len(weights) == 3
    assert weights.setdefault("c", lucid.ones(3)).shape == (3,) and weights.pop("n") == 3
    assert list(weights | {"d": lucid.ones(1)}) == ["a", "b", "c", "d"] and list({"d": 1} | weights)[0] == "d"
    assert weights.copy()["a"] is weights["a"] and weights.popitem()[0] == "c"
    weights |= {"a": lucid.ones(7)}
    assert {k: v.shape for k, v in weights.items()} == {"a": (7,), "b": (1,)} and len(list(weights.values())) == 2
    assert dict(weights.fromkeys(["p"], 1).items()) == {"p": 1}
    for f, kind, message in [
        (lambda: weights["x"], KeyError, "x"),
        (lambda: weights[1], TypeError, "keys are strings, got 1"),
        (lambda: weights.__setitem__("keys", 1), KeyError, "name of an attribute"),
        (lambda: weights.update([("a", 1, 2)]), ValueError, "length 3"),
        (lambda: weights(1), RuntimeError, "cannot be called"),
    ]:
        with pytest.raises(kind, match=message):
            f()
    weights.clear()
    assert not len(weights) and not list(weights.parameters())
    with pytest.raises(KeyError, match="empty"):
        weights.popitem()


def test_unflatten():
    x = lucid.arange(12.0).reshape(2, 6)
    assert nn.Unflatten(-1, (2, -1))(x).tolist() == x.reshape(2, 2, 3).tolist()
    assert repr(nn.Unflatten(1, (2, 3))) == "Unflatten(dim=1, unflattened_size=(2, 3))"
    with pytest.raises(ValueError, match=r"dimension 1 of shape \(2, 6\) cannot be split into \(4, 2\)"):
        nn.Unflatten(1, (4, 2))(x)
    for arguments in ((1, 6), ("name", (2, 3)), (1, (2, "a"))):
        with pytest.raises(TypeError, match="Unflatten"):
            nn.Unflatten(*arguments)
