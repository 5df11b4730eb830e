"""Hooks around the call of a module and around its state. (tests/conformance compares the same with PyTorch.)"""

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import lucid
from lucid import nn


class Scaled(nn.Module):
    """Two inputs, a keyword, several outputs; linear, so that gradients are seen at a glance."""

    def forward(self, a, b, *, factor=1.0):
        if factor == 0:
            raise ZeroDivisionError("factor")
        return a * 2 * factor, a * b


def tensors(*values):
    return tuple(lucid.tensor(value, requires_grad=True) for value in values)


def test_forward_hooks_with_keywords_and_their_order():
    m, seen = Scaled(), []
    (a, b) = tensors([1.0], [3.0])
    m.register_forward_pre_hook(lambda m, args, kwargs: seen.append(kwargs), with_kwargs=True)
    m.register_forward_pre_hook(lambda m, args, kwargs: (args, {"factor": 5.0}), with_kwargs=True)
    m.register_forward_hook(lambda m, args, kwargs, out: seen.append(kwargs), with_kwargs=True)
    m.register_forward_hook(lambda m, args, out: seen.append("first"), prepend=True)
    assert m(a, b, factor=2.0)[0].item() == 10.0
    assert seen == [{"factor": 2.0}, "first", {"factor": 5.0}]
    m.register_forward_pre_hook(lambda m, args, kwargs: args, with_kwargs=True)
    m.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="forward pre-hook with kwargs must return None or .* got"):
        m(a, b)


def test_hooks_that_are_always_called():
    m, seen = Scaled(), []
    m.register_forward_hook(lambda *_: seen.append("plain"))
    m.register_forward_hook(lambda m, args, out: seen.append(out), always_call=True)
    m.register_forward_hook(lambda m, args, out: 1 / 0, always_call=True)
    with pytest.warns(UserWarning, match="Scaled raised ZeroDivisionError.* after forward had failed"):
        with pytest.raises(ZeroDivisionError, match="factor"):
            m(*tensors(1.0, 2.0), factor=0)
    assert seen == [None]


def test_backward_hooks_see_and_change_gradients():
    m, seen = Scaled(), []
    a, b = tensors([1.0, 2.0], [3.0, 4.0])
    with m.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go))):
        doubled, product = m(a, b)
        (doubled.sum() + product.sum()).backward()
    (gi, go), *rest = seen
    assert not rest and [g.tolist() for g in gi] == [[5, 6], [1, 2]] and [g.tolist() for g in go] == [[1, 1]] * 2
    assert a.grad.tolist() == [5, 6] and b.grad.tolist() == [1, 2]
    a.grad.zero_()
    assert gi[0].tolist() == [5, 6]  # what the hook keeps is its own
    with (
        m.register_full_backward_pre_hook(lambda m, go: (go[0] * 10, None)),
        m.register_full_backward_hook(lambda m, gi, go: (gi[0] + 1, gi[1])),
    ):
        a.grad = b.grad = None
        doubled, product = m(a, b)
        (doubled.sum() + product.sum()).backward()
    assert a.grad.tolist() == [21, 21] and b.grad.tolist() == [0, 0]


def test_backward_hooks_without_gradients_of_inputs():
    layer, seen = nn.Linear(2, 1), []
    layer.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go[0].tolist())))
    layer(lucid.ones(1, 2)).sum().backward()
    assert seen == [((None,), [[1.0]])] and layer.weight.grad.tolist() == [[1, 1]]
    with lucid.no_grad():
        layer(lucid.ones(1, 2))
    assert len(seen) == 1
    layer.register_full_backward_hook(lambda m, gi, go: (go[0],))
    with pytest.raises(RuntimeError, match="Linear: no input requires a gradient"):
        layer(lucid.ones(1, 2)).sum().backward()


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        (lambda m, gi, go: (gi[0],), "returned 1 of grad_input, expected 2"),
        (
            lambda m, gi, go: (gi[0], lucid.ones(3)),
            r"grad_input is lucid.float32 \(2,\).* replaced by lucid.float32 \(3,\)",
        ),
        (lambda m, gi, go: (gi[0], "text"), "replaced by str"),
    ],
)
def test_backward_hooks_that_return_something_else(hook, message):
    m = Scaled()
    m.register_full_backward_hook(hook)
    with pytest.raises(RuntimeError, match=message):
        m(*tensors([1.0, 2.0], [3.0, 4.0]))[1].sum().backward()


def test_outputs_of_hooked_modules():
    """A named tuple stays one; second derivatives pass; what is a view cannot be changed in place."""
    m = nn.Identity()
    m.register_full_backward_hook(lambda m, gi, go: None)
    x = lucid.tensor([1.0, 2.0], requires_grad=True)
    values = m(lucid.max(x.reshape(1, 2), dim=1))
    assert values.values.tolist() == [2.0] and values.indices.tolist() == [1]
    assert lucid.autograd.gradgradcheck(lambda x: m(x) * m(x) * x, lucid.ones(2, dtype=lucid.float64).requires_grad_())
    with pytest.raises(RuntimeError, match="view"):
        m(x * 1).add_(1)


def test_a_change_of_what_a_hooked_module_passed_on_is_followed():
    m = nn.Identity()
    m.register_full_backward_hook(lambda m, gi, go: None)
    x = lucid.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    seen = m(y)
    y.mul_(3)
    seen.sum().backward()
    assert seen.tolist() == [3, 6] and x.grad.tolist() == [3, 3]


def test_hooks_between_joined_layers_are_seen():
    net, seen = nn.Sequential(nn.Linear(2, 2), nn.ReLU()), []
    plain = net(lucid.ones(1, 2))
    for layer in net:
        layer.register_full_backward_hook(lambda m, gi, go: seen.append(type(m).__name__))
    x = lucid.ones(1, 2, requires_grad=True)
    out = net(x)
    out.sum().backward()
    assert seen == ["ReLU", "Linear"] and out.tolist() == plain.tolist()


def test_state_hooks_change_what_is_saved_and_loaded():
    m, seen = nn.Sequential(nn.Linear(2, 1)), []
    m[0].register_state_dict_pre_hook(lambda m, prefix, keep_vars: seen.append((prefix, keep_vars)))
    m.register_state_dict_post_hook(lambda m, state, prefix, metadata: state.update(more=lucid.ones(1)))
    state = m.state_dict()
    assert seen == [("0.", False)] and list(state) == ["0.weight", "0.bias", "more"]
    assert state._metadata == OrderedDict([("", {"version": 1}), ("0", {"version": 1})])
    with m.register_state_dict_post_hook(lambda m, state, prefix, metadata: state):
        with pytest.raises(RuntimeError, match="returns None"):
            m.state_dict()

    def rename(module, state, prefix, metadata, strict, missing, unexpected, problems):
        assert module is m and metadata["version"] == 1 and strict
        state["0.weight"] = state.pop("old") * 2
        del state["more"]

    state["old"] = state.pop("0.weight").clone()
    handle = m.register_load_state_dict_pre_hook(rename)
    assert repr(m.load_state_dict(state)) == "<All keys matched successfully>"
    assert np.array_equal(m[0].weight.detach().numpy(), state["old"].numpy() * 2) and "more" in state
    handle.remove()
    m.register_load_state_dict_post_hook(lambda m, keys: keys.unexpected_keys.clear())
    with pytest.raises(RuntimeError, match='Missing key.*"0.weight". $'):
        m.load_state_dict(state)
    del state["old"]
    m.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.remove("0.weight"))
    assert m.load_state_dict(state) == ([], [])


class Counted(nn.Module):
    def __init__(self):
        super().__init__()
        self.calls, self.total = 0, nn.Parameter(lucid.zeros(()))

    def get_extra_state(self):
        return {"calls": self.calls}

    def set_extra_state(self, state):
        self.calls = state["calls"]


def test_extra_state_and_old_scalars():
    a, b = Counted(), Counted()
    a.calls = 3
    state = a.state_dict()
    assert state["_extra_state"] == {"calls": 3}
    b.load_state_dict({**state, "total": lucid.ones(1)})  # scalars were once written as vectors of one
    assert b.calls == 3 and b.total.item() == 1
    with pytest.raises(RuntimeError, match="_extra_state"):
        b.load_state_dict({"total": state["total"]})
    with pytest.raises(RuntimeError, match="size mismatch for total"):
        b.load_state_dict({**state, "total": lucid.ones(2), "_extra_state": {"calls": 9}})
    assert b.calls == 3


def test_a_module_that_loads_itself_takes_part():
    class Renamed(nn.Linear):
        def _load_from_state_dict(self, state, prefix, *rest):
            state[prefix + "weight"] = state.pop(prefix + "kernel")
            super()._load_from_state_dict(state, prefix, *rest)

    net = nn.Sequential(Renamed(1, 1, bias=False))
    net.load_state_dict({"0.kernel": lucid.full((1, 1), 4.0)})
    assert net[0].weight.item() == 4
    net[0]._load_from_state_dict({"kernel": lucid.full((1, 1), 5.0)}, "", {}, True, [], [], [])
    assert net[0].weight.item() == 5


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["copy", "deepcopy", "pickle"]
)
def test_copies_have_tables_of_their_own(copied):
    m = nn.Linear(2, 1)
    twin = copied(m)
    twin.register_forward_hook(lambda m, args, out: out * 0)
    twin.extra = nn.Linear(1, 1)
    assert twin(lucid.ones(1, 2)).item() == 0 and not m._call_hooks
    assert len(twin.state_dict()) == 4 and len(m.state_dict()) == 2


def test_modules_override_train():
    class Frozen(nn.Module):
        def train(self, mode=True):
            return super().train(False)

    net = nn.Sequential(Frozen(), nn.ReLU())
    assert [m.training for m in net.train().modules()] == [True, False, True]


def test_number_types():
    net = nn.Linear(2, 1).double()
    assert net.to("cpu").weight.dtype is lucid.float64 and net.to(lucid.ones(1)).weight.dtype is lucid.float32
    assert net.type(lucid.float64).bias.dtype is lucid.float64
    with pytest.raises(TypeError, match="type: .*int64"):
        net.type(lucid.int64)
    assert net.requires_grad_(False).type(lucid.int64).weight.dtype is lucid.int64
