"""Module: what it registers and in which order, its state, modes, hooks, copies and how it prints."""

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import lucid
from lucid import nn


class Model(nn.Module):
    """Parameters, buffers and modules in an order that a naive walk would get wrong."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(lucid.ones(2))
        self.register_buffer("count", lucid.zeros(3))
        self.register_buffer("scratch", lucid.zeros(1), persistent=False)
        self.fc = nn.Linear(2, 3)
        self.body = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
        self.late = nn.Parameter(lucid.ones(1))
        self.register_parameter("nothing", None)
        self.tied = self.fc
        self.plain = 5

    def forward(self, x, extra=0.0):
        return self.body(self.tied(x * self.scale)) * self.late + extra


@pytest.fixture
def model():
    return Model()


NAMES = ["scale", "late", "fc.weight", "fc.bias", "body.0.weight", "body.0.bias"]
STATE = ["scale", "late", "count", "fc.weight", "fc.bias", "body.0.weight", "body.0.bias", "tied.weight", "tied.bias"]


def test_names_and_order(model):
    assert [n for n, _ in model.named_parameters()] == NAMES
    assert [n for n, _ in model.named_parameters(remove_duplicate=False)] == [*NAMES, "tied.weight", "tied.bias"]
    assert [n for n, _ in model.named_parameters(prefix="x", recurse=False)] == ["x.scale", "x.late"]
    assert [n for n, _ in model.named_buffers()] == ["count", "scratch"] and len(list(model.buffers())) == 2
    assert [n for n, _ in model.named_modules()] == ["", "fc", "body", "body.0", "body.1"]
    assert [n for n, _ in model.named_children()] == ["fc", "body"] and list(model.children()) == [model.fc, model.body]
    assert list(model.state_dict()) == STATE and list(model.state_dict(prefix="p.")) == ["p." + n for n in STATE]
    assert [p.shape for p in model.parameters()] == [(2,), (1,), (3, 2), (3,), (3, 3), (3,)]
    assert model.get_submodule("body.0") is model.body[0] and model.get_submodule("") is model
    assert model.get_parameter("body.0.bias") is model.body[0].bias
    for f, message in (
        (model.get_submodule, "Sequential has no module '7'.*'body.7'"),
        (model.get_parameter, "'body.7.bias'|has no"),
    ):
        with pytest.raises(AttributeError, match=message):
            f("body.7" if f == model.get_submodule else "body.7.bias")
    with pytest.raises(AttributeError, match="no parameter 'scales'"):
        model.get_parameter("scales")


def test_registration(model):
    new = nn.Parameter(lucid.zeros(2))
    model.scale = new
    assert dict(model.named_parameters())["scale"] is new
    for name, value, message in [
        ("scale", lucid.zeros(2), "Model.scale is a Parameter.*float32"),
        ("scale", 3, "Parameter.*int"),
        ("fc", lucid.zeros(2), "Model.fc is a Module"),
        ("count", 3, "Model.count is a buffer.*int"),
    ]:
        before = getattr(model, name)
        with pytest.raises(TypeError, match=message):
            setattr(model, name, value)
        assert getattr(model, name) is before
    model.count = lucid.ones(3)
    assert model.state_dict()["count"].tolist() == [1] * 3
    model.scale = None
    assert "scale" not in dict(model.named_parameters()) and "scale" not in model.state_dict()
    model.scale = nn.Parameter(lucid.ones(2))
    assert "scale" in model.state_dict()
    del model.late
    assert "late" not in model.state_dict() and not hasattr(model, "late")
    model.extra = nn.Linear(1, 1)
    assert list(model.state_dict())[-2:] == ["extra.weight", "extra.bias"]
    with pytest.raises(AttributeError, match="nosuch"):
        _ = model.nosuch

    class Early(nn.Module):
        def __init__(self):
            self.w = nn.Parameter(lucid.ones(1))

    with pytest.raises(AttributeError, match=r"Early: call super\(\).__init__\(\).*'w'"):
        Early()
    for f, kind, message in [
        (lambda: model.register_buffer("a.b", lucid.ones(1)), KeyError, "dot"),
        (lambda: model.register_buffer("", lucid.ones(1)), KeyError, "empty"),
        (lambda: model.register_buffer(3, lucid.ones(1)), TypeError, "int"),
        (lambda: model.register_buffer("plain", lucid.ones(1)), KeyError, "plain.*already"),
        (lambda: model.register_buffer("forward", lucid.ones(1)), KeyError, "forward.*already"),
        (lambda: model.register_buffer("b", [1]), TypeError, "b.*list"),
        (lambda: model.register_parameter("p", lucid.ones(1)), TypeError, "p.*Parameter.*float32"),
        (lambda: model.add_module("m", 3), TypeError, "m.*Module.*int"),
        (lambda: nn.Parameter([1.0]), TypeError, "Parameter.*list"),
        (lambda: nn.Parameter(lucid.ones(2, dtype=lucid.int64)), TypeError, "Parameter.*int64"),
        (lambda: nn.Sequential(nn.ReLU(), lucid.relu), TypeError, "Sequential: '1'.*function"),
        (lambda: nn.Module()(1), NotImplementedError, "forward"),
    ]:
        before = list(model.state_dict())
        with pytest.raises(kind, match=message):
            f()
        assert list(model.state_dict()) == before
    assert not nn.Parameter(lucid.ones(2, dtype=lucid.int64), requires_grad=False).requires_grad


def test_state_dict_shares_and_load_copies(model):
    state = model.state_dict()
    assert not state["scale"].requires_grad and type(state["scale"]) is lucid.Tensor
    with lucid.no_grad():
        model.scale.fill_(7)
    assert state["scale"].tolist() == [7, 7]
    assert model.state_dict(keep_vars=True)["scale"] is model.scale
    other = Model()
    identities = [id(p) for p in other.parameters()]
    result = other.load_state_dict(model.state_dict())
    assert result == ([], []) and [id(p) for p in other.parameters()] == identities
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        assert a.tolist() == b.tolist() and not np.shares_memory(a.detach().numpy(), b.detach().numpy())
    arrays = {name: value.numpy().astype(np.float64) * 2 for name, value in model.state_dict().items()}
    other.load_state_dict(arrays)
    assert other.scale.tolist() == [14, 14] and other.scale.dtype is lucid.float32 and other.scale.requires_grad
    taken = {"scale": lucid.full((2,), 3.0)}
    other.load_state_dict(taken, strict=False, assign=True)
    taken["scale"].fill_(4)
    assert other.scale.tolist() == [4, 4] and isinstance(other.scale, nn.Parameter) and other.scale.requires_grad
    assert [id(p) for p in other.parameters()][1:] == identities[1:]


def test_load_state_dict_errors_change_nothing(model):
    def state(**changes):
        return {**{k: v + 1 for k, v in model.state_dict().items()}, **changes}

    missing = state()
    del missing["fc.bias"], missing["count"]
    result = Model().load_state_dict({**missing, "more": lucid.ones(1)}, strict=False)
    assert result.missing_keys == ["count", "fc.bias"] and result.unexpected_keys == ["more"]
    before = {k: v.tolist() for k, v in model.state_dict().items()}
    for given, strict, kind, message in [
        (missing, True, RuntimeError, r'Model:\n\tMissing key\(s\) in state_dict: "count", "fc.bias". $'),
        (state(more=lucid.ones(1)), True, RuntimeError, r'\tUnexpected key\(s\) in state_dict: "more". $'),
        (
            state(scale=lucid.ones(3)),
            False,
            RuntimeError,
            r"size mismatch for scale: .* shape \(3,\) from checkpoint, .* current model is \(2,\)\.$",
        ),
        (
            state(**{"scale": lucid.ones(3), "tied.bias": lucid.ones(4)}),
            True,
            RuntimeError,
            r"for scale: .*\n\tsize mismatch for tied.bias: .* shape \(4,\)",
        ),
        (state(scale="a"), True, RuntimeError, 'named "scale", expected a tensor .* received str'),
        ([1], True, TypeError, "mapping.*list"),
    ]:
        with pytest.raises(kind, match=message):
            model.load_state_dict(given, strict=strict)
        assert {k: v.tolist() for k, v in model.state_dict().items()} == before


def test_modes(model):
    assert model.training and model.eval() is model
    assert not any(m.training for m in model.modules())
    model.body.train()
    assert model.body[1].training and not model.fc.training and model.train() is model and model.fc.training
    with pytest.raises(ValueError, match="train.*1"):
        model.train(1)
    net = nn.Sequential(nn.Dropout(0.5))
    x = lucid.ones(100)
    assert net.eval()(x) is x and net.train()(x).tolist() != x.tolist()


def test_apply(model):
    seen = []
    assert model.apply(lambda m: seen.append(type(m).__name__)) is model
    assert seen == ["Linear", "Linear", "ReLU", "Sequential", "Model"]  # what is inside first

    def ones(module):
        if isinstance(module, nn.Linear):
            nn.init.ones_(module.weight)

    assert model.apply(ones).fc.weight.tolist() == [[1, 1]] * 3


def test_hooks(model):
    x, seen = lucid.ones(4, 2), []
    plain = model(x).tolist()
    pre = model.register_forward_pre_hook(lambda m, args: seen.append(("pre", m is model, len(args))))
    post = model.register_forward_hook(lambda m, args, out: seen.append(("post", args[0] is x, out.shape)))
    assert model(x).tolist() == plain and seen == [("pre", True, 1), ("post", True, (4, 3))]
    change = model.register_forward_hook(lambda m, args, out: out * 2)
    np.testing.assert_allclose(model(x).tolist(), np.array(plain) * 2, rtol=1e-6)
    change.remove()
    replace = model.register_forward_pre_hook(lambda m, args: (args[0] * 0,))
    zero = model(x).tolist()
    assert zero == model(x * 5).tolist()
    replace.remove()
    single = model.register_forward_pre_hook(lambda m, args: args[0] * 0)
    assert model(x).tolist() == zero and model(x, extra=1.0).shape == (4, 3)
    for handle in (single, pre, post, post):
        handle.remove()
    count = len(seen)
    assert model(x).tolist() == plain and len(seen) == count
    with model.register_forward_hook(lambda m, args, out: out + 1):
        assert model(x).tolist() != plain
    assert model(x).tolist() == plain


def test_gradients(model):
    model(lucid.randn(4, 2)).sum().backward()
    assert all(p.grad is not None and p.grad.shape == p.shape for p in model.parameters())
    grads = [p.grad for p in model.parameters()]
    model.zero_grad(set_to_none=False)
    assert all(p.grad is not None and (p.grad.numpy() == 0).all() for p in model.parameters()) and len(grads) == 6
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())
    assert model.requires_grad_(False) is model and not any(p.requires_grad for p in model.parameters())
    assert not model(lucid.ones(1, 2)).requires_grad


def test_shared_parameters():
    """A parameter used twice gets the sum of both gradients, and is one parameter."""
    net = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Tanh(), nn.Linear(3, 3, bias=False)).double()
    net[2].weight = net[0].weight
    assert len(list(net.parameters())) == 1 and list(net.state_dict()) == ["0.weight", "2.weight"]
    x = lucid.randn(4, 3, dtype=lucid.float64)
    assert lucid.autograd.gradcheck(lambda w: net(x), (net[0].weight,))
    for again in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert again[0].weight is again[2].weight and again[0].weight is not net[0].weight
        assert again.float()[2].weight.dtype is lucid.float32
    net.float()
    assert net[0].weight is net[2].weight and net[0].weight.dtype is lucid.float32


def test_conversion(model):
    identities = [id(p) for p in model.parameters()]
    model(lucid.ones(1, 2)).sum().backward()
    model.register_buffer("steps", lucid.tensor(3))
    assert model.to(lucid.float64) is model and [id(p) for p in model.parameters()] == identities
    assert all(p.dtype is p.grad.dtype is lucid.float64 and p.requires_grad and p.is_leaf for p in model.parameters())
    assert model.count.dtype is lucid.float64 and model.steps.dtype is lucid.int64
    assert model(lucid.ones(1, 2, dtype=lucid.float64)).dtype is lucid.float64
    assert model.float().scale.dtype is lucid.float32 and model.double().scale.dtype is lucid.float64
    assert (
        model.to("cpu") is model
        and model.to(dtype=lucid.float32, device="cpu").scale.dtype is lucid.float32
        and model.cpu() is model
    )
    for f, kind, message in [
        (lambda: model.to(lucid.int64), TypeError, "to.*int64"),
        (lambda: model.to("cuda"), ValueError, "cuda"),
        (lambda: model.to(lucid.float64, device="cuda"), ValueError, "cuda"),
    ]:
        with pytest.raises(kind, match=message):
            f()
        assert model.scale.dtype is lucid.float32


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_copies(model, copied):
    x = lucid.ones(4, 2)
    model.eval()
    twin = copied(model)
    assert list(twin.state_dict()) == STATE and twin(x).tolist() == model(x).tolist() and twin.plain == 5
    assert not twin.training and not twin.body[0].training and twin.tied is twin.fc and repr(twin) == repr(model)
    assert all(isinstance(p, nn.Parameter) and p.requires_grad for p in twin.parameters())
    with lucid.no_grad():
        twin.scale.zero_()
    assert model.scale.tolist() == [1, 1]
    twin(x).sum().backward()
    assert model.scale.grad is None and twin.scale.grad is not None
    twin.more = nn.Linear(1, 1)
    assert "more.weight" in twin.state_dict() and "more.weight" not in model.state_dict()


def test_pickle_and_deepcopy_of_parameters():
    p = nn.Parameter(lucid.randn(3, 2).T.contiguous())
    p.grad = lucid.ones(2, 3)
    q = copy.deepcopy(p)
    assert (
        type(q) is nn.Parameter
        and q.tolist() == p.tolist()
        and q.grad.tolist() == p.grad.tolist()
        and q.grad is not p.grad
    )
    r = pickle.loads(pickle.dumps(p))
    assert type(r) is nn.Parameter and r.tolist() == p.tolist() and r.requires_grad
    with pytest.raises(RuntimeError, match="deepcopy.*leaves"):
        copy.deepcopy(p * 2)
    with pytest.raises(RuntimeError, match="pickle.*leaves"):
        pickle.dumps(p * 2)


def test_sequential():
    a, b, c = nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)
    net = nn.Sequential(a, b, c)
    assert len(net) == 3 and list(net) == [a, b, c] and net[0] is a and net[-1] is c and list(net[1:]) == [b, c]
    assert list(net[1:].state_dict()) == ["2.weight", "2.bias"]
    x = lucid.randn(4, 2)
    assert net(x).tolist() == c(b(a(x))).tolist() and nn.Sequential()(x) is x
    assert net.append(nn.Tanh()) is net and len(net) == 4 and net(x).tolist() == c(b(a(x))).tanh().tolist()
    net[1] = nn.SiLU()
    assert isinstance(net[1], nn.SiLU) and list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    named = nn.Sequential(OrderedDict([("first", a), ("second", c)]))
    assert (
        list(named.state_dict()) == ["first.weight", "first.bias", "second.weight", "second.bias"] and named.first is a
    )
    named.register_buffer("steps", lucid.zeros(1))
    assert len(named) == 2 and named(x).tolist() == c(a(x)).tolist()
    with pytest.raises(IndexError):
        net[9]


MODULES_AS_PRINTED = [
    (lambda: nn.Linear(3, 4), "Linear(in_features=3, out_features=4, bias=True)"),
    (lambda: nn.Linear(3, 4, bias=False), "Linear(in_features=3, out_features=4, bias=False)"),
    (lambda: nn.Conv2d(1, 4, 3), "Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1))"),
    (
        lambda: nn.Conv2d(2, 4, (3, 2), stride=2, padding=(1, 0), dilation=2, groups=2, bias=False),
        "Conv2d(2, 4, kernel_size=(3, 2), stride=(2, 2), padding=(1, 0), dilation=(2, 2), groups=2, bias=False)",
    ),
    (lambda: nn.Conv2d(1, 4, 3, padding="same"), "Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1), padding=same)"),
    (lambda: nn.Conv2d(1, 4, 3, padding="valid"), "Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1), padding=valid)"),
    (lambda: nn.MaxPool2d(2), "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)"),
    (
        lambda: nn.MaxPool2d((3, 2), 1, 1),
        "MaxPool2d(kernel_size=(3, 2), stride=1, padding=1, dilation=1, ceil_mode=False)",
    ),
    (nn.ReLU, "ReLU()"),
    (lambda: nn.ReLU(inplace=True), "ReLU(inplace=True)"),
    (nn.GELU, "GELU(approximate='none')"),
    (lambda: nn.GELU("tanh"), "GELU(approximate='tanh')"),
    (nn.Tanh, "Tanh()"),
    (nn.Sigmoid, "Sigmoid()"),
    (nn.SiLU, "SiLU()"),
    (nn.Flatten, "Flatten(start_dim=1, end_dim=-1)"),
    (lambda: nn.Dropout(0.2), "Dropout(p=0.2, inplace=False)"),
    (nn.Identity, "Identity()"),
    (lambda: nn.Embedding(10, 3), "Embedding(10, 3)"),
    (nn.CrossEntropyLoss, "CrossEntropyLoss()"),
    (nn.MSELoss, "MSELoss()"),
    (nn.BCEWithLogitsLoss, "BCEWithLogitsLoss()"),
    (nn.Sequential, "Sequential()"),
    (
        lambda: nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Linear(3, 1))),
        "Sequential(\n  (0): Linear(in_features=2, out_features=3, bias=True)\n  (1): Sequential(\n    (0): ReLU()\n"
        "    (1): Linear(in_features=3, out_features=1, bias=True)\n  )\n)",
    ),
]


@pytest.mark.parametrize("make, text", MODULES_AS_PRINTED, ids=[t[:40] for _, t in MODULES_AS_PRINTED])
def test_repr_as_pytorch(make, text):
    assert repr(make()) == text


def test_repr_of_own_modules(model):
    class Two(nn.Module):
        def extra_repr(self):
            return "one\ntwo"

    class WithExtra(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Identity()
            self.add_module("c", None)

        def extra_repr(self):
            return "k=1"

    assert (
        repr(Two()) == "Two(\n  one\n  two\n)"
        and repr(WithExtra()) == "WithExtra(\n  k=1\n  (a): Identity()\n  (c): None\n)"
    )
    assert repr(model).splitlines()[:3] == [
        "Model(",
        "  (fc): Linear(in_features=2, out_features=3, bias=True)",
        "  (body): Sequential(",
    ]
    assert repr(nn.Parameter(lucid.ones(2))) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"
