"""Normalisation against float64 NumPy: values, gradients, second derivatives, layouts, both thread counts."""

import itertools

import numpy as np
import pytest

import lucid
from lucid.autograd import gradcheck, gradgradcheck
from lucid.nn import functional as F

SHAPES = [(2, 6), (3, 4, 5), (2, 8, 3, 3), (1, 4, 64, 33), (2, 12, 7, 11), (130, 66)]


def numbers(*shape, dtype=np.float64, mean=0.0, seed=0):
    return (np.random.default_rng(seed).standard_normal(shape) + mean).astype(dtype)


def reference(x, grad, axes, weight, bias, eps, centred=True):
    """The result and the gradients of x, weight and bias; weight and bias broadcast to x."""
    x, grad = x.astype(np.float64), grad.astype(np.float64)
    n = np.prod([x.shape[a] for a in axes])
    d = x - x.mean(axes, keepdims=True) if centred else x
    rstd = 1 / np.sqrt((d * d).mean(axes, keepdims=True) + eps)
    normal, g = d * rstd, grad * weight
    grad_x = g - normal * (g * normal).sum(axes, keepdims=True) / n
    if centred:
        grad_x = grad_x - g.sum(axes, keepdims=True) / n
    return normal * weight + bias, rstd * grad_x, grad * normal, grad


def close(got, want, dtype):
    eps = np.finfo(dtype).eps
    want = np.asarray(want)
    scale = max(1.0, np.abs(want).max()) if want.size else 1.0
    np.testing.assert_allclose(got.numpy(), want.reshape(got.shape), rtol=64 * eps, atol=64 * eps * scale)


def run(function, x, grad, *parameters):
    leaves = [None if p is None else lucid.tensor(p, requires_grad=True) for p in (x, *parameters)]
    out = function(*leaves)
    out.backward(lucid.tensor(grad))
    return [out.detach(), *(None if p is None else p.grad for p in leaves)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("rows", "n"), [(1, 2), (3, 5), (7, 64), (33, 129), (200, 17), (2, 9001), (0, 4)])
def test_layer_and_rms_norm(simd_level, both_thread_counts, rows, n, dtype):
    x, grad = numbers(rows, n, dtype=dtype, mean=2), numbers(rows, n, dtype=dtype, seed=1)
    for with_weight, with_bias in itertools.product((True, False), repeat=2):
        w = numbers(n, dtype=dtype, seed=2) if with_weight else None
        b = numbers(n, dtype=dtype, seed=3) if with_bias else None
        layer = lambda x, w, b: F.layer_norm(x, (n,), w, b, 1e-3)  # noqa: E731
        both_thread_counts(lambda: run(layer, x, grad, w, b)[1].numpy())  # noqa: B023
        got = run(layer, x, grad, w, b)
        out, grad_x, grad_w, grad_b = reference(x, grad, (1,), 1 if w is None else w, 0 if b is None else b, 1e-3)
        close(got[0], out, dtype)
        close(got[1], grad_x, dtype)
        if w is not None:
            close(got[2], grad_w.sum(0), dtype)
        if b is not None:
            close(got[3], grad_b.sum(0), dtype)
        got = run(lambda x, w: F.rms_norm(x, n, w, 1e-3), x, grad, w)  # noqa: B023
        out, grad_x, grad_w, _ = reference(x, grad, (1,), 1 if w is None else w, 0, 1e-3, centred=False)
        close(got[0], out, dtype)
        close(got[1], grad_x, dtype)
        if w is not None:
            close(got[2], grad_w.sum(0), dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_group_norm(simd_level, both_thread_counts, shape, dtype):
    batch, channels = shape[:2]
    x, grad = numbers(*shape, dtype=dtype, mean=3), numbers(*shape, dtype=dtype, seed=1)
    w, b = numbers(channels, dtype=dtype, seed=2), numbers(channels, dtype=dtype, seed=3)
    for groups in (1, 2, channels):
        if groups == channels and len(shape) == 2:
            continue
        view = (batch, groups, channels // groups, -1)
        wide = lambda p: p.reshape(1, groups, channels // groups, 1)  # noqa: E731, B023
        want = reference(x.reshape(view), grad.reshape(view), (2, 3), wide(w), wide(b), 1e-5)
        function = lambda x, w, b: F.group_norm(x, groups, w, b)  # noqa: E731, B023
        both_thread_counts(lambda: run(function, x, grad, w, b)[2].numpy())  # noqa: B023
        got = run(function, x, grad, w, b)
        for found, wanted in zip(got, (want[0], want[1], want[2].sum((0, 3)), want[3].sum((0, 3))), strict=True):
            close(found, wanted, dtype)
        close(run(lambda x: F.group_norm(x, groups), x, grad)[0], reference(  # noqa: B023
            x.reshape(view), grad.reshape(view), (2, 3), 1, 0, 1e-5
        )[0], dtype)  # fmt: skip
    if len(shape) > 2:
        close(F.instance_norm(lucid.tensor(x), weight=lucid.tensor(w)), F.group_norm(
            lucid.tensor(x), channels, lucid.tensor(w)
        ).numpy(), dtype)  # fmt: skip


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape",
    [(9, 6), *SHAPES[1:], (300, 1), (33, 2, 1, 1), (4, 3, 50, 50)]
    + [(2, 1, 40000), (70000, 1), (700, 130), (600, 2, 60), (1, 2, 130, 131)],  # cut into pieces
)
def test_batch_norm(simd_level, both_thread_counts, shape, dtype, training):
    channels = shape[1]
    x, grad = numbers(*shape, dtype=dtype, mean=3), numbers(*shape, dtype=dtype, seed=1)
    w, b = numbers(channels, dtype=dtype, seed=2), numbers(channels, dtype=dtype, seed=3)
    mean, var = numbers(channels, dtype=dtype, seed=4), numbers(channels, dtype=dtype, seed=5) ** 2 + 0.5
    axes = (0, *range(2, len(shape)))
    wide = (1, channels, *(1,) * (len(shape) - 2))
    running = []

    def function(x, w, b):
        running[:] = lucid.tensor(mean), lucid.tensor(var)
        return F.batch_norm(x, *running, w, b, training, 0.25, 1e-4)

    both_thread_counts(lambda: run(function, x, grad, w, b)[1].numpy())
    got = run(function, x, grad, w, b)
    if training:
        want = reference(x, grad, axes, w.reshape(wide), b.reshape(wide), 1e-4)
        x64, n = x.astype(np.float64), x.size // channels
        close(running[0], 0.75 * mean + 0.25 * x64.mean(axes), dtype)
        close(running[1], 0.75 * var + 0.25 * x64.var(axes) * n / (n - 1), dtype)
    else:
        rstd = 1 / np.sqrt(var.astype(np.float64) + 1e-4).reshape(wide)
        normal = (x - mean.astype(np.float64).reshape(wide)) * rstd
        want = normal * w.reshape(wide) + b.reshape(wide), grad * rstd * w.reshape(wide), grad * normal, grad
        np.testing.assert_array_equal(running[0].numpy(), mean)
        np.testing.assert_array_equal(running[1].numpy(), var)
    for found, wanted in zip(got, (want[0], want[1], want[2].sum(axes), want[3].sum(axes)), strict=True):
        close(found, wanted, dtype)


def test_instance_norm_statistics():
    x, mean, var = numbers(3, 2, 5), numbers(2, seed=1), numbers(2, seed=2) ** 2
    running = lucid.tensor(mean), lucid.tensor(var)
    F.instance_norm(lucid.tensor(x), *running, momentum=0.25)
    close(running[0], 0.75 * mean + 0.25 * x.mean((0, 2)), np.float64)
    close(running[1], 0.75 * var + 0.25 * x.var(2, ddof=1).mean(0), np.float64)
    fixed = F.instance_norm(lucid.tensor(x), *running, use_input_stats=False)
    close(fixed, F.batch_norm(lucid.tensor(x), *running).numpy(), np.float64)


@pytest.mark.parametrize("name", ["layer", "rms", "group", "batch", "batch_columns", "batch_eval", "instance"])
def test_derivatives(name):
    """First and second derivatives by finite differences."""
    x = lucid.tensor(numbers(3, 4, 2), requires_grad=True)
    w, b = (lucid.tensor(numbers(4, seed=s), requires_grad=True) for s in (1, 2))
    mean, var = lucid.tensor(numbers(4, seed=3)), lucid.tensor(numbers(4, seed=4) ** 2 + 0.5)
    functions = {
        "layer": lambda x, w, b: F.layer_norm(x.transpose(1, 2), (4,), w, b),
        "rms": lambda x, w, b: F.rms_norm(x.transpose(1, 2), (4,), w, 1e-3) + b,
        "group": lambda x, w, b: F.group_norm(x, 2, w, b),
        "batch": lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
        "batch_columns": lambda x, w, b: F.batch_norm(x[:, :, 0], None, None, w, b, True),
        "batch_eval": lambda x, w, b: F.batch_norm(x, mean, var, w, b),
        "instance": lambda x, w, b: F.instance_norm(x, None, None, w, b),
    }
    assert gradcheck(functions[name], (x, w, b), rtol=1e-3, atol=1e-5)
    assert gradgradcheck(functions[name], (x, w, b), rtol=1e-3, atol=1e-4)


def test_layouts_nan_and_partial_gradients():
    x = lucid.tensor(numbers(5, 6), requires_grad=True)
    turned = F.layer_norm(x.T, (5,))
    close(turned.detach(), reference(x.detach().numpy().T, numbers(6, 5), (1,), 1, 0, 1e-5)[0], np.float64)
    spread = lucid.tensor(numbers(1, 6)).expand(3, 6)
    close(F.layer_norm(spread, (6,)), np.repeat(F.layer_norm(spread[:1], 6).numpy(), 3, 0), np.float64)
    w = lucid.ones(6, dtype=lucid.float64, requires_grad=True)
    F.layer_norm(x.detach(), (6,), w).sum().backward()  # only the weight wants a gradient
    assert w.grad is not None and x.grad is None
    bad = numbers(2, 6)
    bad[0, 1] = np.nan
    out = F.layer_norm(lucid.tensor(bad), (6,)).numpy()
    assert np.isnan(out[0]).all() and np.isfinite(out[1]).all()
    bad[0, 1] = np.inf
    assert np.isnan(F.batch_norm(lucid.tensor(bad), None, None, training=True).numpy()[:, 1]).any()


def test_far_from_zero():
    """A mean a thousand times the deviation costs no more than its own digits."""
    x = numbers(4, 20_000, dtype=np.float32, mean=1000)
    want = reference(x, x, (1,), 1, 0, 1e-5)[0]
    np.testing.assert_allclose(F.layer_norm(lucid.tensor(x), (20_000,)).numpy(), want, atol=2e-4)
    turned = np.ascontiguousarray(x.T)[:, :, None]
    np.testing.assert_allclose(
        F.batch_norm(lucid.tensor(turned), None, None, training=True).numpy()[:, :, 0].T, want, atol=2e-4
    )


def test_errors():
    x = lucid.ones(2, 4, 3)
    cases = [
        (lambda: F.layer_norm(x, (4,)), ValueError, r"layer_norm: input \(2, 4, 3\) does not end in .*\(4,\)"),
        (lambda: F.layer_norm(x, (4, 3), lucid.ones(12)), ValueError, r"weight must have shape \(4, 3\), got \(12,\)"),
        (lambda: F.layer_norm(x, ()), ValueError, "normalized_shape"),
        (lambda: F.layer_norm(x.long(), (3,)), TypeError, "layer_norm: not implemented for lucid.int64"),
        (lambda: F.rms_norm(x, (3,), lucid.ones(3).double()), TypeError, "weight must be a lucid.float32 tensor"),
        (lambda: F.group_norm(x, 3), ValueError, "4 channels cannot be cut into 3"),
        (lambda: F.group_norm(x[:, :, 0][:1], 4), ValueError, "a single number"),
        (lambda: F.group_norm(lucid.ones(3), 1), ValueError, r"at least 2 dimensions.*\(3,\)"),
        (lambda: F.batch_norm(x, None, None), ValueError, "running_mean and running_var are needed"),
        (lambda: F.batch_norm(x[:1, :, :1], None, None, training=True), ValueError, "more than 1 value per channel"),
        (lambda: F.batch_norm(x, lucid.ones(3), lucid.ones(4)), ValueError, "running_mean must hold 4 numbers"),
        (lambda: F.batch_norm(x, None, None, training=True, eps=0), ValueError, "eps must be positive"),
        (lambda: F.instance_norm(x[:, :, :1]), ValueError, "more than 1 spatial element"),
        (lambda: F.layer_norm([1.0], (1,)), TypeError, "expected a tensor, got list"),
    ]
    for call, error, message in cases:
        with pytest.raises(error, match=message):
            call()


def test_changed_running_statistics_are_noticed():
    """Evaluation saves the running statistics: a training step in between makes backward refuse."""
    x, mean, var = lucid.ones(2, 3, requires_grad=True), lucid.zeros(3), lucid.ones(3)
    out = F.batch_norm(x, mean, var).sum()
    mean.add_(1)
    with pytest.raises(RuntimeError, match="changed in place"):
        out.backward()
