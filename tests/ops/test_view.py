"""Views and casts: shapes, strides and memory as PyTorch has them, derivatives by finite differences."""

import math

import numpy as np
import pytest

import lucid
from lucid.autograd import gradcheck, gradgradcheck

rng = np.random.default_rng(12)


def double(*shape):
    return lucid.tensor(rng.standard_normal(shape), requires_grad=True)


def shares_memory(a, b):
    return np.shares_memory(a.detach().numpy(), b.detach().numpy())


# operation on a (2, 3, 4) tensor, the same in NumPy, whether it is a view
VIEWS = {
    "reshape": (lambda x: x.reshape(6, 4), lambda x: x.reshape(6, 4), True),
    "reshape -1": (lambda x: x.reshape(-1), lambda x: x.reshape(-1), True),
    "reshape one sequence": (lambda x: x.reshape((4, -1, 1)), lambda x: x.reshape(4, 6, 1), True),
    "reshape transposed": (lambda x: x.transpose(0, 1).reshape(3, 8), lambda x: x.swapaxes(0, 1).reshape(3, 8), False),
    "reshape sliced": (lambda x: x[:, :, ::2].reshape(6, 2), lambda x: x[:, :, ::2].reshape(6, 2), True),
    "view": (lambda x: x.view(2, 12), lambda x: x.reshape(2, 12), True),
    "view sliced": (lambda x: x[1:].view(3, 2, 2), lambda x: x[1:].reshape(3, 2, 2), True),
    "view split of strided": (lambda x: x[..., :2].view(2, 3, 2, 1), lambda x: x[..., :2].reshape(2, 3, 2, 1), True),
    "permute": (lambda x: x.permute(2, 0, 1), lambda x: x.transpose(2, 0, 1), True),
    "permute negative": (lambda x: x.permute((-1, 0, -2)), lambda x: x.transpose(2, 0, 1), True),
    "transpose": (lambda x: x.transpose(0, -1), lambda x: x.swapaxes(0, -1), True),
    "transpose same": (lambda x: x.transpose(1, 1), lambda x: x, True),
    "T": (lambda x: x.T, lambda x: x.T, True),
    "mT": (lambda x: x.mT, lambda x: x.swapaxes(-1, -2), True),
    "t": (lambda x: x[0].t(), lambda x: x[0].T, True),
    "squeeze": (lambda x: x[:1].squeeze(), lambda x: x[0], True),
    "squeeze dims": (lambda x: x[:1, :1].squeeze((0, 2)), lambda x: x[0, :1], True),
    "unsqueeze": (lambda x: x.unsqueeze(-2), lambda x: x[:, :, None], True),
    "flatten": (lambda x: x.flatten(), lambda x: x.reshape(-1), True),
    "flatten some": (lambda x: x.flatten(1), lambda x: x.reshape(2, 12), True),
    "flatten one": (lambda x: x.flatten(1, 1), lambda x: x, True),
    "expand": (lambda x: x[:, :1].expand(5, 2, -1, 4), lambda x: np.broadcast_to(x[:, :1], (5, 2, 1, 4)), True),
    "expand to size": (lambda x: x[:, 1:2].expand(2, 7, 4), lambda x: np.broadcast_to(x[:, 1:2], (2, 7, 4)), True),
    "broadcast_to": (lambda x: x.broadcast_to((2, 2, 3, 4)), lambda x: np.broadcast_to(x, (2, 2, 3, 4)), True),
    "expand_as": (lambda x: x[0].expand_as(lucid.ones(2, 3, 4)), lambda x: np.broadcast_to(x[0], (2, 3, 4)), True),
    "flip": (lambda x: x.flip(0, -1), lambda x: x[::-1, :, ::-1], False),
    "flip none": (lambda x: x.flip(()), lambda x: x, False),
    "clone": (lambda x: x.clone(), lambda x: x, False),
    "clone transposed": (lambda x: x.T.clone(), lambda x: x.T, False),
    "contiguous": (lambda x: x.permute(1, 2, 0).contiguous(), lambda x: x.transpose(1, 2, 0), False),
    "to itself": (lambda x: x.to(x.dtype), lambda x: x, True),
    "to copy": (lambda x: x.to(x.dtype, copy=True), lambda x: x, False),
}


@pytest.mark.parametrize("name", VIEWS)
def test_values_memory_and_derivatives(name):
    operation, reference, is_view = VIEWS[name]
    for dtype in (lucid.float32, lucid.float64, lucid.int64, lucid.int32, lucid.uint8, lucid.bool):
        x = lucid.tensor(rng.integers(0, 9, (2, 3, 4)), dtype=dtype)
        out = operation(x)
        want = reference(x.numpy())
        assert out.dtype is dtype and out.shape == want.shape and out.is_contiguous() == out.numpy().flags.c_contiguous
        np.testing.assert_array_equal(out.numpy(), want)
        assert shares_memory(out, x) == is_view
    x = double(2, 3, 4)
    assert gradcheck(operation, (x,)) and gradgradcheck(operation, (x,))
    assert gradgradcheck(lambda x: operation(x * x) * 2, (x,))
    if is_view:  # a write to one is seen in the other, and by the version counter
        x = x.detach()
        out = operation(x)
        version = x._version
        x.fill_(7)
        assert (out.numpy() == 7).all() and out._version == version + 1


@pytest.mark.parametrize(
    "name", ["reshape", "permute", "transpose", "unsqueeze", "flatten", "clone", "flip", "contiguous", "T"]
)
def test_empty(name):
    operation, reference, _ = {
        **VIEWS,
        "reshape": (lambda x: x.reshape(4, 0, 5), lambda x: x.reshape(4, 0, 5), True),
        "flatten": (lambda x: x.flatten(1), lambda x: x.reshape(2, 0), True),
    }[name]
    x = double(2, 0, 4)
    assert operation(x).shape == reference(x.detach().numpy()).shape
    assert gradcheck(operation, (x,)) and gradgradcheck(operation, (x,))
    s = double()
    for f in (
        lambda s: s.reshape(1),
        lambda s: s.view(1, 1),
        lambda s: s.unsqueeze(0),
        lambda s: s.flatten(),
        lambda s: s.expand(2, 3),
        lambda s: s.squeeze(),
        lambda s: s.transpose(0, -1),
        lambda s: s.t(),
        lambda s: s.permute(),
        lambda s: s.clone(),
    ):
        assert gradcheck(f, (s,)) and gradgradcheck(f, (s,))


def test_shapes():
    x = lucid.zeros(1, 3, 1, 2)
    assert (
        x.squeeze().shape == (3, 2)
        and x.squeeze(0).shape == (3, 1, 2)
        and x.squeeze(1).shape == x.shape
        and x.squeeze(()).shape == x.shape
    )
    assert x.unsqueeze(0).shape == x.unsqueeze(-5).shape == (1, 1, 3, 1, 2) and x.unsqueeze(4).shape == (1, 3, 1, 2, 1)
    assert lucid.zeros(0, 3).reshape(3, -1).shape == (3, 0) and lucid.zeros(0, 3).reshape(-1).shape == (0,)
    assert lucid.tensor(1.0).flatten().shape == (1,) and lucid.tensor(1.0).reshape(()).shape == ()
    assert lucid.zeros(3, 1).expand(2, -1, 4).shape == (2, 3, 4) and lucid.zeros(1).expand(0).shape == (0,)
    assert lucid.zeros(3).expand(2, 3).stride() == (0, 1) and not lucid.zeros(3).expand(2, 3).is_contiguous()
    assert lucid.zeros(2, 3).T.stride() == (1, 3) and lucid.zeros(2, 3).T.T.is_contiguous()
    a, b = lucid.broadcast_tensors(lucid.zeros(3, 1), lucid.zeros(2))
    assert a.shape == b.shape == (3, 2)
    x = lucid.zeros(2, 3)
    assert x.contiguous() is x and x.T.contiguous().is_contiguous() and x.T.contiguous() is not x


def test_errors():
    x = lucid.zeros(2, 3, 4)
    for f, kind, message in [
        (lambda: x.reshape(5, 5), ValueError, r"reshape.*\(2, 3, 4\).*24.*\(5, 5\)"),
        (lambda: x.reshape(-1, -1), ValueError, r"reshape.*\(-1, -1\)"),
        (lambda: x.reshape(-2, 12), ValueError, r"reshape.*\(-2, 12\)"),
        (lambda: lucid.zeros(0, 3).reshape(0, -1), ValueError, "reshape.*-1.*ambiguous"),
        (lambda: x.reshape(2.0, 12), TypeError, "float"),
        (lambda: x.view(5, 5), ValueError, r"view.*\(5, 5\)"),
        (lambda: x.transpose(0, 1).view(6, 4), RuntimeError, r"view.*\(6, 4\).*reshape"),
        (lambda: x[:, :2].view(4, 4), RuntimeError, "view.*strides"),
        (lambda: lucid.zeros(3, 1).expand(3, 4).view(12), RuntimeError, "view.*strides"),
        (lambda: x.permute(0, 1), ValueError, r"permute.*\(0, 1\).*\(2, 3, 4\)"),
        (lambda: x.permute(0, 0, 1), ValueError, r"permute"),
        (lambda: x.transpose(0, 3), IndexError, "transpose: dim 3 is out of range.*-3 to 2"),
        (lambda: x.t(), ValueError, r"t: .*\(2, 3, 4\)"),
        (lambda: x.mT[0, 0].mT, IndexError, "transpose"),
        (lambda: x.squeeze(3), IndexError, "squeeze: dim 3"),
        (lambda: x.unsqueeze(4), IndexError, "unsqueeze: dim 4"),
        (lambda: x.flatten(2, 1), ValueError, "flatten: start_dim 2 comes after end_dim 1"),
        (lambda: x.flip(0, 0), ValueError, "flip.*twice"),
        (lambda: x.flip(3), IndexError, "flip: dim 3"),
        (lambda: x.expand(3, 3, 4), ValueError, r"expand.*\(2, 3, 4\).*\(3, 3, 4\)"),
        (lambda: x.expand(3, 4), ValueError, "expand"),
        (lambda: x.expand(-1, 2, 3, 4), ValueError, "expand"),
        (lambda: lucid.broadcast_tensors(x, lucid.zeros(3)), ValueError, "broadcast.*4 and 3"),
        (lambda: x.to("cuda"), ValueError, "to.*cuda.*CPU"),
        (lambda: x.to("float99"), TypeError, "float99"),
        (lambda: x.to(copied=True), TypeError, "copied"),
        (lambda: x.size(3), IndexError, "size: dim 3"),
    ]:
        with pytest.raises(kind, match=message):
            f()


def test_conversions():
    x = lucid.tensor([1.7, -1.7, 0.0, 3e9, 0.5], dtype=lucid.float64)
    assert x.to(lucid.int64).tolist() == [1, -1, 0, 3000000000, 0] and x.long().dtype is lucid.int64
    assert x.bool().tolist() == [True, True, False, True, True] and lucid.tensor([math.nan]).bool().tolist() == [True]
    assert x.float().dtype is lucid.float32 and x.float().double().tolist() == np.float32(x.numpy()).tolist()
    assert lucid.tensor([0.1]).double().item() == float(np.float32(0.1)) and x.int()[:3].tolist() == [1, -1, 0]
    assert lucid.tensor([True, False]).float().tolist() == [1, 0] and lucid.tensor([300]).to(lucid.uint8).item() == 44
    assert x.to("float32").dtype is lucid.float32 and x.to("cpu", lucid.float32).dtype is lucid.float32
    assert (
        x.to(lucid.ones(1)).dtype is lucid.float32 and x.type_as(lucid.ones(1, dtype=lucid.int32)).dtype is lucid.int32
    )
    assert x.to() is x and x.to("cpu") is x and x.to(dtype=lucid.float64, device="cpu", non_blocking=True) is x
    assert x.double() is x and x.cpu() is x
    assert lucid.tensor([1e40, -1e40], dtype=lucid.float64).float().tolist() == [math.inf, -math.inf]
    for shape in [(), (0, 2), (3, 2)]:
        y = double(*shape)
        assert gradcheck(lambda y: y.T.to(lucid.float32).to(lucid.float64) * 0 + y.T, (y,))
    y = lucid.tensor([1.0, 2.0], requires_grad=True)
    (y.double() * lucid.tensor([3.0, 4.0], dtype=lucid.float64)).sum().backward()
    assert y.grad.dtype is lucid.float32 and y.grad.tolist() == [3, 4] and not y.long().requires_grad


def test_views_and_graph():
    """A view of a leaf is in the graph; writing through an expanded view is refused."""
    x = double(2, 3)
    y = x.view(6)
    assert y.requires_grad and y.base is x and not x.detach().view(6).requires_grad
    with lucid.no_grad():
        x.view(6)[0] = 5.0
    assert x[0, 0].item() == 5.0
    e = lucid.zeros(1, 3).expand(2, 3)
    for write in (lambda: e.add_(1), lambda: e.zero_(), lambda: e.__setitem__((slice(None), 0), 1.0)):
        with pytest.raises(RuntimeError, match="expanded"):
            write()
    assert e.tolist() == [[0] * 3] * 2
