"""Matrix products and the linear map: values against NumPy in float64, derivatives by finite differences."""

import math

import numpy as np
import pytest
from scipy import special

import lucid
from lucid.autograd import gradcheck, gradgradcheck
from lucid.nn import functional as F

rng = np.random.default_rng(14)
TOLERANCE = {np.float32: 1e-6, np.float64: 1e-14}


def double(*shape):
    return lucid.tensor(rng.standard_normal(shape), requires_grad=True)


def close(got, want, scale, dtype):
    """Within the rounding of sums of so many products: ``scale`` is |a| @ |b|."""
    assert got.dtype == dtype and got.shape == want.shape
    assert (np.abs(got - want) <= TOLERANCE[dtype] * (scale + 1e-30) * 4).all()


SHAPES = [
    ((3,), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3,)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3,)),
    ((3,), (5, 3, 2)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((5, 2, 3), (1, 3, 4)),
    ((1, 2, 3), (5, 3, 4)),
    ((6, 1, 2, 3), (5, 3, 4)),
    ((6, 5, 2, 3), (5, 3, 4)),
    ((2, 3), (6, 5, 3, 4)),
    ((6, 5, 2, 3), (3,)),
    ((1, 1), (1, 1)),
    ((0, 3), (3, 4)),
    ((2, 0), (0, 4)),
    ((2, 3), (3, 0)),
    ((0,), (0,)),
    ((0, 2, 3), (3, 4)),
    ((0, 2, 3), (0, 3, 4)),
    ((5, 2, 0), (5, 0, 4)),
    ((5, 0, 3), (3,)),
    ((2, 0), (0,)),
]
LARGE = [
    ((70, 129), (129, 65)),
    ((257, 300), (300, 33)),
    ((9, 65, 40), (40, 70)),
    ((6, 33, 70), (6, 70, 31)),
    ((300,), (300, 257)),
    ((1, 4000), (4000, 1)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_matmul_values(dtype, simd_level, both_thread_counts):
    for shape_a, shape_b in SHAPES + LARGE:
        a, b = (rng.standard_normal(s).astype(dtype) for s in (shape_a, shape_b))
        want = a.astype(np.float64) @ b.astype(np.float64)
        scale = np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64)
        for x in {id(v): v for v in (a, _last_two_transposed(a))}.values():
            for y in (b, _last_two_transposed(b), _spread(b)):
                got = both_thread_counts(
                    lambda x=x, y=y: lucid.matmul(lucid.from_numpy(x), lucid.from_numpy(y)).numpy()
                )
                close(got, np.asarray(want), scale, dtype)


def _last_two_transposed(a):
    """The same numbers, in memory transposed."""
    return a.swapaxes(-1, -2).copy().swapaxes(-1, -2) if a.ndim > 1 else a


def _spread(a):
    """The same numbers, with gaps between them."""
    return np.repeat(a, 2, -1)[..., ::2]


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_matmul_derivatives(shapes):
    a, b = (double(*s) for s in shapes)
    if a.numel() * b.numel() > 3000:  # the batches only need to be seen once
        a, b = double(2, 1, 2, 2), double(3, 2, 1)
    assert gradcheck(lucid.matmul, (a, b)) and gradgradcheck(lucid.matmul, (a, b))
    for operand in (a, b):
        if operand.ndim > 1:
            t = lucid.tensor(np.ascontiguousarray(operand.detach().numpy().swapaxes(-1, -2)), requires_grad=True)
            f = (lambda t, b=b: t.mT @ b) if operand is a else (lambda t, a=a: a @ t.mT)
            assert gradcheck(f, (t,)) and gradgradcheck(f, (t,))


def test_expanded_operands():
    row, column, one = double(3), double(3, 1), double(1, 1)
    for f, inputs in [
        (lambda r, c: r.expand(4, 3) @ c.expand(3, 5), (row, column)),
        (lambda o, c: o.expand(2, 3) @ c, (one, column)),
        (lambda r: r.expand(2, 4, 3) @ r.expand(2, 4, 3).mT, (row,)),
    ]:
        assert gradcheck(f, inputs) and gradgradcheck(f, inputs)
    got = row.expand(4, 3) @ column.expand(3, 5)
    np.testing.assert_allclose(got.detach().numpy(), np.full((4, 5), float((row.reshape(1, 3) @ column).item())))


def test_other_products():
    a, b, v, w, batch = double(2, 3), double(3, 4), double(3), double(2), double(2, 3, 4)
    for f, inputs, want in [
        (lucid.mm, (a, b), lambda a, b: a @ b),
        (lucid.bmm, (batch, double(2, 4, 2)), lambda a, b: a @ b),
        (lambda x, y: lucid.bmm(x.mT, y), (batch, double(2, 3, 2)), lambda x, y: x.swapaxes(1, 2) @ y),
        (lucid.mv, (a, v), lambda a, v: a @ v),
        (lucid.dot, (v, double(3)), np.dot),
        (lucid.outer, (v, w), np.outer),
        (
            lambda c, a, b: lucid.addmm(c, a, b, beta=0.5, alpha=2),
            (double(4), a, b),
            lambda c, a, b: 0.5 * c + 2 * (a @ b),
        ),
        (lucid.addmm, (double(2, 4), a, b), lambda c, a, b: c + a @ b),
        (
            lambda a, b: lucid.addmm(lucid.full((2, 4), math.nan, dtype=lucid.float64), a, b, beta=0),
            (a, b),
            lambda a, b: a @ b,
        ),
        (lambda a, b: 1.0 * np.ones((2, 2)) @ a @ b, (a, b), lambda a, b: np.ones((2, 2)) @ a @ b),
    ]:
        np.testing.assert_allclose(f(*inputs).detach().numpy(), want(*(x.detach().numpy() for x in inputs)), rtol=1e-13)
        assert gradcheck(f, inputs) and gradgradcheck(f, inputs)


def test_nan_and_infinities(simd_level):
    for dtype in (lucid.float32, lucid.float64):
        a = lucid.tensor([[1.0, math.nan, 0.0], [math.inf, 2.0, 1.0], [0.0, 0.0, 0.0]], dtype=dtype)
        out = a @ lucid.ones(3, 40, dtype=dtype)
        assert np.isnan(out[0].numpy()).all() and (out[1].numpy() == math.inf).all() and (out[2].numpy() == 0).all()
        assert np.isnan((a @ lucid.zeros(3, 40, dtype=dtype)).numpy()[:2]).all()  # ∞ · 0


def test_errors():
    a, b = lucid.ones(2, 3), lucid.ones(4, 5)
    for f, kind, message in [
        (lambda: a @ b, ValueError, r"matmul.*\(2, 3\).*\(4, 5\)"),
        (lambda: lucid.tensor(1.0) @ a, ValueError, r"matmul.*\(\).*\(2, 3\)"),
        (lambda: a @ lucid.tensor(1.0), ValueError, r"matmul.*\(2, 3\).*\(\)"),
        (lambda: lucid.ones(2, 2, 3) @ lucid.ones(3, 3, 4), ValueError, "matmul: batch.*2 and 3"),
        (lambda: a @ lucid.ones(3, 2, dtype=lucid.float64), TypeError, "float32.*float64"),
        (lambda: a @ 2.0, TypeError, "matmul.*float"),
        (lambda: a.bool() @ a.bool().T, TypeError, "matmul.*bool"),
        (lambda: lucid.mm(a, lucid.ones(3)), ValueError, r"mm.*\(2, 3\).*\(3,\)"),
        (lambda: lucid.bmm(a, a), ValueError, r"bmm.*\(2, 3\)"),
        (lambda: lucid.bmm(lucid.ones(2, 3, 4), lucid.ones(2, 3, 4)), ValueError, r"bmm.*\(2, 3, 4\)"),
        (lambda: lucid.mv(a, lucid.ones(2)), ValueError, r"mv.*\(2, 3\).*\(2,\)"),
        (lambda: lucid.dot(lucid.ones(3), lucid.ones(2)), ValueError, r"dot.*\(3,\).*\(2,\)"),
        (lambda: lucid.dot(lucid.ones(3), 2.0), TypeError, "dot.*float"),
        (lambda: lucid.outer(a, lucid.ones(2)), ValueError, r"outer.*\(2, 3\)"),
        (lambda: lucid.addmm(lucid.ones(3), a, lucid.ones(3, 4)), ValueError, r"addmm.*\(3,\).*\(2, 4\)"),
        (lambda: lucid.addmm(lucid.ones(1, 2, 4), a, lucid.ones(3, 4)), ValueError, r"addmm.*\(1, 2, 4\)"),
    ]:
        with pytest.raises(kind, match=message):
            f()


# ---------------------------------------------------------------------------------------------------------------------
# Linear


ACTIVATIONS = {
    None: lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "gelu": lambda x: 0.5 * x * (1 + special.erf(x / math.sqrt(2))),
    "gelu_tanh": lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_linear_values(activation, dtype, simd_level, both_thread_counts):
    for lead, n_in, n_out in [
        ((), 3, 4),
        ((5,), 3, 4),
        ((0,), 3, 4),
        ((2, 0), 3, 4),
        ((2, 5), 7, 1),
        ((5,), 0, 4),
        ((5,), 3, 0),
        ((33,), 130, 67),
        ((300,), 64, 48),
    ]:
        x, w, b = (rng.standard_normal(s).astype(dtype) for s in ((*lead, n_in), (n_out, n_in), (n_out,)))
        for bias in (b, None):
            exact = x.astype(np.float64) @ w.astype(np.float64).T + (0 if bias is None else b.astype(np.float64))
            scale = np.abs(x).astype(np.float64) @ np.abs(w).astype(np.float64).T + 2
            for array in (x, _last_two_transposed(x), _spread(x)):
                for weight in (w, w.T.copy().T):
                    got = both_thread_counts(
                        lambda x=array, w=weight, b=bias: F.linear(
                            lucid.from_numpy(x),
                            lucid.from_numpy(w),
                            None if b is None else lucid.from_numpy(b),
                            activation=activation,
                        ).numpy()
                    )
                    close(got, ACTIVATIONS[activation](exact), scale, dtype)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("lead", [(), (3,), (0,), (2, 2)], ids=str)
def test_linear_derivatives(activation, lead):
    x, w, b = double(*lead, 3), double(4, 3), double(4)
    f = lambda *args: F.linear(*args, activation=activation)  # noqa: E731
    for inputs in ((x, w, b), (x, w)):
        assert gradcheck(f, inputs) and gradgradcheck(f, inputs)
    assert gradgradcheck(lambda x, w, b: f(x * x, w * 2, b * b), (x, w, b))
    plain = lucid.tensor(rng.standard_normal((*lead, 3)))  # a constant input, as of a first layer
    assert gradcheck(lambda w, b: f(plain, w, b), (w, b)) and gradgradcheck(lambda w, b: f(plain, w, b), (w, b))
    wt = double(3, 4)
    assert gradcheck(lambda x, wt: f(x, wt.T, b), (x, wt)) and gradgradcheck(
        lambda wt: f(x, wt.T, b[:1].expand(4)), (wt,)
    )


def test_linear_errors():
    x, w, b = lucid.ones(32, 63), lucid.ones(10, 64), lucid.ones(10)
    for args, kind, message in [
        (
            (x, w, b),
            ValueError,
            r"linear: input has 63 features \(shape \(32, 63\)\) but weight expects 64 \(shape \(10, 64\)\)",
        ),
        ((lucid.ones(32, 64), w, lucid.ones(9)), ValueError, r"linear: bias.*\(9,\).*10"),
        ((lucid.tensor(1.0), w), ValueError, r"linear.*\(\)"),
        ((lucid.ones(64), lucid.ones(2, 3, 64)), ValueError, r"linear: expected weight.*\(2, 3, 64\)"),
        ((lucid.ones(64), lucid.ones(64), lucid.ones(1)), ValueError, r"linear: expected weight.*\(64,\)"),
        ((lucid.ones(2, 64, dtype=lucid.float64), w), TypeError, "linear.*float64.*float32"),
        ((lucid.ones(2, 64), w, b.double()), TypeError, "linear.*bias.*float64"),
        ((lucid.ones(2, 64, dtype=lucid.int64), lucid.ones(10, 64, dtype=lucid.int64)), TypeError, "linear.*int64"),
        ((1.0, w), TypeError, "linear.*float"),
        ((lucid.ones(2, 64), w, 1.0), TypeError, "linear.*float"),
    ]:
        with pytest.raises(kind, match=message):
            F.linear(*args)
    with pytest.raises(ValueError, match="linear: activation.*'tanh'"):
        F.linear(lucid.ones(2, 64), w, activation="tanh")
