"""PReLU and GLU against float64 NumPy: every layout of channels, instruction set and number of threads."""

import numpy as np
import pytest

import lucid
from lucid.autograd import gradcheck, gradgradcheck
from lucid.nn import functional as F

PRELU_SHAPES = [
    ((5,), 1), ((7, 3), 1), ((4, 3, 5, 6), 1), ((70000,), 1), ((), 1),
    ((7, 3), 3), ((300, 129), 129), ((2, 3, 4), 3), ((3, 5, 28, 28), 5), ((2, 2, 4097), 2), ((1, 3, 20000), 3),
    ((0, 3, 2), 3), ((2, 3, 0), 3), ((5000, 2), 2), ((65, 4, 1), 4),
]  # fmt: skip


def tolerances(dtype):
    return {"rtol": 1e-5, "atol": 1e-4} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-11}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("shape", "slopes"), PRELU_SHAPES)
def test_prelu(simd_level, both_thread_counts, shape, slopes, dtype):
    rng = np.random.default_rng(1)
    x, grad, w = (rng.standard_normal(size).astype(dtype) for size in (shape, shape, (slopes,)))
    x = np.asarray(x)
    each = w.astype(np.float64).reshape(slopes, *(1,) * max(len(shape) - 2, 0)) if slopes > 1 else float(w[0])

    def run():
        tensors = [lucid.tensor(a, requires_grad=True) for a in (x, w)]
        out = F.prelu(*tensors)
        out.backward(lucid.tensor(np.asarray(grad)))
        return np.concatenate([t.numpy().ravel() for t in (out.detach(), tensors[0].grad, tensors[1].grad)])

    found = both_thread_counts(run)
    x64, g64 = x.astype(np.float64), np.asarray(grad, np.float64)
    below = np.where(x64 > 0, 0, x64 * g64)
    if slopes > 1:
        below = below.sum(tuple(d for d in range(len(shape)) if d != 1))
    want = [
        np.where(x64 > 0, x64, each * x64),
        np.where(x64 > 0, g64, each * g64),
        below.sum() if slopes == 1 else below,
    ]
    np.testing.assert_allclose(found, np.concatenate([np.ravel(a) for a in want]), **tolerances(dtype))


def test_prelu_special_numbers_layouts_and_wishes(simd_level):
    x = lucid.tensor([[np.nan, np.inf, -np.inf, 0.0, -0.0, -2.0]]).t().requires_grad_()  # not contiguous, one channel
    w = lucid.tensor([0.5])
    out = F.prelu(x, w)
    np.testing.assert_array_equal(out.detach().numpy().ravel(), [np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0])
    out.backward(lucid.full((1, 1), 2.0).expand(6, 1))
    assert x.grad.flatten().tolist() == [1.0, 2.0, 1.0, 1.0, 1.0, 1.0] and w.grad is None
    w.requires_grad_()
    F.prelu(lucid.tensor([-2.0, float("nan")]), w).sum().backward()
    assert np.isnan(w.grad.item())
    columns = lucid.tensor(np.arange(12.0, dtype=np.float32).reshape(3, 4) - 6).t()
    slopes = lucid.tensor([1.0, 9.0, 2.0, 9.0, 3.0, 9.0])[::2]
    want = np.where(columns.numpy() > 0, columns.numpy(), columns.numpy() * [1, 2, 3])
    np.testing.assert_array_equal(F.prelu(columns, slopes).numpy(), want)


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4), (2, 3, 2, 2), (6,)])
def test_prelu_derivatives(shape):
    x = lucid.tensor(np.random.default_rng(2).standard_normal(shape), requires_grad=True)
    for slopes in {1, shape[1] if len(shape) > 1 else 1}:
        w = lucid.tensor(np.linspace(0.1, 0.9, slopes), requires_grad=True)
        assert gradcheck(F.prelu, (x, w)) and gradgradcheck(F.prelu, (x, w))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("shape", "dim"),
    [
        ((6,), 0),
        ((3, 10), 1),
        ((4, 3), 0),
        ((2, 6, 5), 1),
        ((3, 9000), -1),
        ((300, 66), 1),
        ((2, 70000), 0),
        ((0, 4), 1),
    ],
)
def test_glu(simd_level, both_thread_counts, shape, dim, dtype):
    rng = np.random.default_rng(3)
    x = rng.standard_normal(shape).astype(dtype)
    a, b = np.split(x.astype(np.float64), 2, dim)
    grad = rng.standard_normal(a.shape).astype(dtype)

    def run():
        t = lucid.tensor(x, requires_grad=True)
        out = F.glu(t, dim)
        out.backward(lucid.tensor(grad))
        return np.concatenate([out.detach().numpy().ravel(), t.grad.numpy().ravel()])

    found = both_thread_counts(run)
    gate = 1 / (1 + np.exp(-b))
    want = [a * gate, np.concatenate([grad * gate, grad * a * gate * (1 - gate)], dim)]
    np.testing.assert_allclose(found, np.concatenate([w.ravel() for w in want]), **tolerances(dtype))


def test_glu_extremes_and_derivatives(simd_level):
    x = lucid.tensor([3.0, 2.0, np.nan, 1.0, 1000.0, -1000.0, 0.0, np.nan], requires_grad=True)
    out = F.glu(x)
    np.testing.assert_array_equal(out.detach().numpy(), [3, 0, np.nan, np.nan])
    out.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy()[[0, 1, 2, 4, 5]], [1, 0, 0.5, 0, 0])
    for shape, dim in (((2, 4), 1), ((4, 3), 0), ((2, 4, 3), 1)):
        t = lucid.tensor(np.random.default_rng(4).standard_normal(shape), requires_grad=True)
        assert gradcheck(lambda x, dim=dim: F.glu(x, dim), (t,)) and gradgradcheck(
            lambda x, dim=dim: F.glu(x, dim), (t,)
        )
        assert gradcheck(lambda x, dim=dim: F.glu(x.transpose(0, 1), 1 - dim if dim < 2 else dim), (t,))
