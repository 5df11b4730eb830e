"""Cross entropy, negative log-likelihood and binary cross entropy against float64 NumPy."""

import itertools

import numpy as np
import pytest

from lucid._engine import ffi, lib

TYPES = [np.float32, np.float64]
SHAPES = [(1, 1), (3, 2), (5, 7), (17, 8), (64, 10), (33, 16), (40, 17), (300, 65), (70, 1000), (2, 20_011)]
NONE, MEAN, SUM = 0, 1, 2
IGNORE = -100


def pointer(array):
    if array is None:
        return ffi.NULL
    return ffi.from_buffer(
        {"f": "float[]", "d": "double[]", "l": "int64_t[]", "q": "int64_t[]"}[array.dtype.char], array
    )


def function(name, dtype):
    return getattr(lib, f"{name}_{'f32' if dtype == np.float32 else 'f64'}")


def forward(x, target, weight=None, smoothing=0.0, reduction=MEAN, ignore=IGNORE):
    rows, classes = x.shape
    loss = np.full(rows if reduction == NONE else 1, 77, x.dtype)
    log_sum, total = np.full(rows, 77, x.dtype), np.full(1, 77, x.dtype)
    bad = function("cross_entropy", x.dtype)(
        rows, classes, pointer(x), pointer(target), pointer(weight), ignore, smoothing, reduction,
        pointer(loss), pointer(log_sum), pointer(total),
    )  # fmt: skip
    return loss, log_sum, total, bad


def backward(x, target, kept, grad_loss, weight=None, smoothing=0.0, reduction=MEAN, ignore=IGNORE):
    grad = np.full_like(x, 77)
    function("cross_entropy_backward", x.dtype)(
        *x.shape, pointer(x), pointer(target), pointer(weight), ignore, smoothing, reduction, pointer(grad_loss),
        pointer(kept[1]), pointer(kept[2]), pointer(grad),
    )  # fmt: skip
    return grad


def nll_forward(log_p, target, weight=None, reduction=MEAN, ignore=IGNORE):
    rows, classes = log_p.shape
    loss, total = np.full(rows if reduction == NONE else 1, 77, log_p.dtype), np.full(1, 77, log_p.dtype)
    bad = function("nll_loss", log_p.dtype)(
        rows,
        classes,
        pointer(log_p),
        pointer(target),
        pointer(weight),
        ignore,
        reduction,
        pointer(loss),
        pointer(total),
    )
    return loss, total, bad


def nll_backward(log_p, target, total, grad_loss, weight=None, reduction=MEAN, ignore=IGNORE):
    grad = np.full_like(log_p, 77)
    function("nll_loss_backward", log_p.dtype)(
        *log_p.shape,
        pointer(target),
        pointer(weight),
        ignore,
        reduction,
        pointer(grad_loss),
        pointer(total),
        pointer(grad),
    )
    return grad


def expected(x, target, weight, smoothing, reduction, grad_loss, ignore=IGNORE):
    """Loss and gradient by the formulas, in float64."""
    x = x.astype(np.float64)
    rows, classes = x.shape
    w = np.ones(classes) if weight is None else weight.astype(np.float64)
    log_p = x - x.max(1, keepdims=True)
    log_p = log_p - np.log(np.exp(log_p).sum(1, keepdims=True))
    counted = target != ignore
    t = np.where(counted, target, 0)
    spread = smoothing / classes * w + (1 - smoothing) * w[t][:, None] * (np.arange(classes) == t[:, None])
    spread = spread * counted[:, None]
    loss, grad = -(spread * log_p).sum(1), np.exp(log_p) * spread.sum(1, keepdims=True) - spread
    if reduction == NONE:
        return loss, grad * grad_loss[:, None]
    divisor = (w[t] * counted).sum() if reduction == MEAN else 1.0
    return loss.sum(keepdims=True) / divisor, grad * grad_loss / divisor


def case(shape, dtype, ignored=True, seed=0):
    rng = np.random.default_rng(seed)
    x = (rng.standard_normal(shape) * 3).astype(dtype)
    target = rng.integers(0, shape[1], shape[0])
    if ignored and shape[0] > 2:
        target[1::5] = IGNORE
    return x, target, (rng.random(shape[1]) + 0.25).astype(dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_values(simd, each_thread_count, shape, dtype):
    x, target, weights = case(shape, dtype)
    rng = np.random.default_rng(9)
    eps = np.finfo(dtype).eps
    for weight, smoothing, reduction in itertools.product((None, weights), (0.0, 0.1), (NONE, MEAN, SUM)):
        grad_loss = rng.standard_normal(shape[0] if reduction == NONE else 1).astype(dtype)
        options = {"weight": weight, "smoothing": smoothing, "reduction": reduction}
        kept = each_thread_count(lambda: forward(x, target, **options))
        grad = each_thread_count(lambda: backward(x, target, kept, grad_loss, **options))
        loss, grad_x = expected(x, target, grad_loss=grad_loss, **options)
        assert kept[3] == -1
        np.testing.assert_allclose(kept[0], loss, rtol=20 * eps, atol=20 * eps)
        np.testing.assert_allclose(grad, grad_x, rtol=30 * eps, atol=10 * eps * max(1, np.abs(grad_loss).max()))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_nll_values(simd, each_thread_count, shape, dtype):
    x, target, weights = case(shape, dtype)
    rng = np.random.default_rng(9)
    counted = target != IGNORE
    t = np.where(counted, target, 0)
    for weight, reduction in itertools.product((None, weights), (NONE, MEAN, SUM)):
        grad_loss = rng.standard_normal(shape[0] if reduction == NONE else 1).astype(dtype)
        options = {"weight": weight, "reduction": reduction}
        loss, total, bad = each_thread_count(lambda: nll_forward(x, target, **options))
        assert bad == -1
        w = (np.ones(shape[0]) if weight is None else weight[t].astype(np.float64)) * counted
        rows, scale = -w * x[np.arange(len(t)), t].astype(np.float64), grad_loss.astype(np.float64)
        if reduction != NONE:
            divisor = w.sum() if reduction == MEAN else 1.0
            rows, scale = rows.sum(keepdims=True) / divisor, scale / divisor
        rtol = 4 * np.finfo(dtype).eps
        np.testing.assert_allclose(loss, rows, rtol=5 * rtol, atol=5 * rtol)
        grad = np.zeros(shape)
        grad[np.arange(len(t)), t] = -w * scale
        got = each_thread_count(lambda: nll_backward(x, target, total, grad_loss, **options))
        np.testing.assert_allclose(got, grad, rtol=rtol)


@pytest.mark.parametrize("dtype", TYPES)
def test_nothing_to_count(simd, dtype):
    """No rows, or only ignored ones: sum 0, mean NaN (as PyTorch's), gradient 0."""
    for rows in (0, 3):
        x, target = np.ones((rows, 4), dtype), np.full(rows, IGNORE)
        for reduction, loss in ((MEAN, np.nan), (SUM, 0.0)):
            kept = forward(x, target, reduction=reduction)
            np.testing.assert_array_equal(kept[0], loss)
            assert kept[2] == 0 and kept[3] == -1
            np.testing.assert_array_equal(backward(x, target, kept, np.ones(1, dtype), reduction=reduction), 0 * x)
            np.testing.assert_array_equal(nll_forward(x, target, reduction=reduction)[0], loss)
        kept = forward(x, target, reduction=NONE)
        np.testing.assert_array_equal(kept[0], np.zeros(rows))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("wrong", [-1, 10, 2**62, -(2**63)])
def test_target_out_of_range(simd, each_thread_count, dtype, wrong):
    x, target, weight = case((3000, 10), dtype)
    for where in ([0], [2999], [2500, 1234, 1235]):
        bad = target.copy()
        bad[where] = wrong
        for w in (None, weight):
            assert each_thread_count(lambda: forward(x, bad, w, 0.1))[3] == min(where)
            assert each_thread_count(lambda: nll_forward(x, bad, w))[2] == min(where)
        # The backward, should it be called all the same, leaves such rows out.
        kept = forward(x, bad)
        assert (backward(x, bad, kept, np.ones(1, dtype))[where] == 0).all()
        assert (nll_backward(x, bad, kept[2], np.ones(1, dtype))[where] == 0).all()
    assert forward(x, np.where(target == IGNORE, wrong, target), ignore=wrong)[3] == -1


def test_ignored_class_within_range():
    x, target, _ = case((50, 4), np.float64, ignored=False)
    kept = forward(x, target, ignore=2)
    loss, grad = expected(x, target, None, 0.0, MEAN, np.ones(1), ignore=2)
    np.testing.assert_allclose(kept[0], loss)
    np.testing.assert_allclose(backward(x, target, kept, np.ones(1), ignore=2), grad, atol=1e-16)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("classes", [3, 40])
def test_masked_and_not_finite(simd, dtype, classes):
    inf = np.inf
    x = np.zeros((6, classes), dtype)
    x[0, 1] = -inf  # target masked: infinite loss
    x[1, 2] = -inf  # another class masked
    x[2] = -inf
    x[3, 1] = inf
    x[4, 0] = np.nan
    target = np.ones(6, np.int64)
    kept = forward(x, target, reduction=NONE)
    expect = [inf, np.log(classes - 1), np.nan, np.nan, np.nan, np.log(classes)]
    np.testing.assert_allclose(kept[0], expect, rtol=1e-6)
    grad = backward(x, target, kept, np.ones(6, dtype), reduction=NONE)
    p = 1 / (classes - 1)
    np.testing.assert_allclose(grad[0], [p, -1] + [p] * (classes - 2), rtol=1e-6)
    np.testing.assert_allclose(grad[1], [p, p - 1, 0] + [p] * (classes - 3), rtol=1e-6)
    assert np.isnan(grad[2:5]).all() and np.isfinite(grad[5]).all()
    smooth = forward(x, target, smoothing=0.1, reduction=NONE)[0]
    np.testing.assert_array_equal(smooth[:5], [inf, inf, np.nan, np.nan, np.nan])


@pytest.mark.parametrize("dtype", TYPES)
def test_far_from_zero(simd, dtype):
    """A common offset of the logits changes nothing but what their own rounding does."""
    x = (np.random.default_rng(1).standard_normal((20, 30)) + 30_000).astype(dtype)
    target = np.arange(20)
    kept = forward(x, target)
    loss, grad = expected(x, target, None, 0.0, MEAN, np.ones(1))
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(kept[0], loss, rtol=10 * eps)
    np.testing.assert_allclose(backward(x, target, kept, np.ones(1, dtype)), grad, rtol=20 * eps, atol=eps)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("n", [0, 1, 3, 4, 5, 8, 15, 16, 17, 1000, 50_001])
def test_binary(simd, each_thread_count, dtype, n):
    rng = np.random.default_rng(2)
    x, target = (rng.standard_normal(n) * 6).astype(dtype), rng.random(n).astype(dtype)
    x[::7] *= 20
    grad = rng.standard_normal(n).astype(dtype)
    eps, x64 = np.finfo(dtype).eps, x.astype(np.float64)

    def loss():
        out = np.full_like(x, 77)
        function("bce_with_logits", dtype)(n, pointer(x), pointer(target), pointer(out))
        return out

    def gradient(grad):
        out = np.full_like(x, 77)
        step = int(grad.size == n and n != 1)
        function("bce_with_logits_backward", dtype)(n, pointer(grad), step, pointer(x), pointer(target), pointer(out))
        return out

    expect = np.maximum(x64, 0) - x64 * target + np.log1p(np.exp(-np.abs(x64)))
    assert (np.abs(each_thread_count(loss) - expect) <= 4 * eps * (expect + np.abs(x64))).all()
    sigmoid = np.exp(-np.logaddexp(0, -x64))
    for g in (grad, np.full(1, 0.5, dtype)):
        got = each_thread_count(lambda: gradient(g))
        np.testing.assert_allclose(got, g * (sigmoid - target), rtol=4 * eps, atol=4 * eps)


@pytest.mark.parametrize("dtype", TYPES)
def test_binary_limits(simd, dtype):
    """Confident and right costs next to nothing, to the last digit; infinities and NaN."""
    x = np.array([80, -80, 20, -20, 1e30, -1e30, np.inf, -np.inf, np.nan], dtype)
    target = np.array([1, 0, 1, 0, 0, 1, 0, 1, 0], dtype)
    out = np.zeros_like(x)
    function("bce_with_logits", dtype)(x.size, pointer(x), pointer(target), pointer(out))
    expect = [np.exp(-80.0), np.exp(-80.0), np.exp(-20.0), np.exp(-20.0), 1e30, 1e30, np.inf, np.inf, np.nan]
    np.testing.assert_allclose(out[:4], np.log1p(expect[:4]), rtol=1e-5 if dtype == np.float32 else 1e-13)
    np.testing.assert_allclose(out[4:], expect[4:], rtol=1e-6)
