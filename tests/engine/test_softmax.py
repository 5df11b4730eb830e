"""Softmax and log-softmax, forward and backward, against float64 NumPy."""

import numpy as np
import pytest

from lucid._engine import ffi, lib

TYPES = [np.float32, np.float64]
ROWS = [(5, n, 1) for n in (0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 15, 16, 17, 31, 33, 65, 100, 1000)] + [
    (0, 3, 1), (64, 10, 1), (1024, 65, 1), (3, 20_011, 1), (1001, 33, 1),
]  # fmt: skip
COLUMNS = [
    (1, 1, 2), (2, 3, 5), (4, 10, 7), (3, 0, 5), (3, 4, 0), (2, 17, 16), (2, 5, 63), (2, 6, 64), (1, 7, 65), (9, 11,
    200),
    (3, 100, 129),
]  # fmt: skip


def pointer(array):
    return ffi.from_buffer("float[]" if array.dtype == np.float32 else "double[]", array)


def unary(name, x):
    out = np.full_like(x, 77)
    suffix = "f32" if x.dtype == np.float32 else "f64"
    getattr(lib, f"{name}_{suffix}")(*x.shape, pointer(x), pointer(out))
    return out


def backward(name, grad, out):
    grad_x = np.full_like(out, 77)
    suffix = "f32" if out.dtype == np.float32 else "f64"
    getattr(lib, f"{name}_backward_{suffix}")(*out.shape, pointer(grad), pointer(out), pointer(grad_x))
    return grad_x


def log_softmax(x):
    x = x.astype(np.float64)
    if x.size == 0:
        return x
    shifted = x - x.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def numbers(shape, dtype, scale=3.0, seed=0):
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(dtype)


def eps(dtype):
    return np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", ROWS + COLUMNS)
def test_values(simd, each_thread_count, shape, dtype):
    x, g = numbers(shape, dtype), numbers(shape, dtype, 1, 1)
    log_p = log_softmax(x)
    p = np.exp(log_p)

    out = each_thread_count(lambda: unary("softmax", x))
    np.testing.assert_allclose(out, p, rtol=30 * eps(dtype), atol=0)
    log_out = each_thread_count(lambda: unary("log_softmax", x))
    np.testing.assert_allclose(log_out, log_p, rtol=4 * eps(dtype), atol=20 * eps(dtype))

    y, g64 = out.astype(np.float64), g.astype(np.float64)
    got = each_thread_count(lambda: backward("softmax", g, out))
    np.testing.assert_allclose(got, y * (g64 - (g64 * y).sum(1, keepdims=True)), rtol=0, atol=20 * eps(dtype))
    ly = log_out.astype(np.float64)
    total = g64.sum(1, keepdims=True)
    tolerance = 10 * eps(dtype) * (1 + np.abs(g64).sum(1, keepdims=True).max(initial=0))
    got = each_thread_count(lambda: backward("log_softmax", g, log_out))
    np.testing.assert_allclose(got, g64 - np.exp(ly) * total, rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("inner", [1, 3, 70])
@pytest.mark.parametrize("n", [3, 5, 16, 40])
def test_masked_and_not_finite(simd, dtype, n, inner):
    """Rows with -inf, of -inf alone, with +inf, with NaN: what the formulas give, and what PyTorch does."""
    inf = np.inf
    x = numbers((6, n, inner), dtype)
    x[0, 1:] = -inf
    x[1, ::2] = -inf
    x[2] = -inf
    x[3, n - 1] = inf
    x[4, 1] = np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = log_softmax(x)
    assert np.isnan(expected[2:5]).all() and not np.isnan(expected[[0, 1, 5]]).any()
    np.testing.assert_allclose(unary("softmax", x), np.exp(expected), rtol=1e-5 if dtype == np.float32 else 1e-13)
    out = unary("log_softmax", x)
    np.testing.assert_allclose(out, expected, rtol=1e-5 if dtype == np.float32 else 1e-13, atol=1e-6)
    assert (unary("softmax", x)[1, ::2] == 0).all() and (out[1, ::2] == -inf).all()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(4, 9, 1), (4, 40, 1), (2, 9, 20)])
def test_far_from_zero(simd, dtype, shape):
    x = (numbers(shape, np.float64, 1) + 10_000).astype(dtype)
    np.testing.assert_allclose(unary("softmax", x), np.exp(log_softmax(x)), rtol=30 * eps(dtype))
    np.testing.assert_allclose(unary("log_softmax", x), log_softmax(x), rtol=0, atol=20 * eps(dtype))
    x = numbers(shape, dtype, 1e4)
    np.testing.assert_allclose(unary("softmax", x), np.exp(log_softmax(x)), rtol=30 * eps(dtype), atol=1e-37)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(3, 10, 1), (3, 100, 1), (3, 10, 12)])
def test_gradient_in_place(simd, dtype, shape):
    x, g = numbers(shape, dtype), numbers(shape, dtype, 1, 1)
    for name in ("softmax", "log_softmax"):
        out, grad = unary(name, x), g.copy()
        expected = backward(name, grad, out)
        suffix = "f32" if dtype == np.float32 else "f64"
        getattr(lib, f"{name}_backward_{suffix}")(*shape, pointer(grad), pointer(out), pointer(grad))
        np.testing.assert_array_equal(grad, expected)


@pytest.mark.parametrize("dtype", TYPES)
def test_a_row_does_not_depend_on_its_place(simd, dtype):
    x = numbers((70, 37, 1), dtype)
    for name in ("softmax", "log_softmax"):
        whole = unary(name, x)
        for r in (0, 1, 30, 69):
            np.testing.assert_array_equal(whole[r : r + 1], unary(name, x[r : r + 1].copy()))
