"""Average, adaptive and power-mean pooling: values against NumPy in float64, derivatives by finite differences."""

import math

import numpy as np
import pytest

import lucid
from lucid.autograd import gradcheck, gradgradcheck
from lucid.nn import functional as F

rng = np.random.default_rng(21)
nan, inf = math.nan, math.inf


def distinct(*shape):
    """Numbers far enough from each other for finite differences of a maximum."""
    return lucid.tensor(rng.permutation(math.prod(shape)).reshape(shape) * 0.1 + 0.05, requires_grad=True)


def layouts(x):
    """The same numbers contiguous, transposed in memory, and as every second row of a larger array."""
    order = tuple(range(x.ndim))[::-1]
    return x, x.transpose(order).copy().transpose(order), np.repeat(x, 2, -2)[..., ::2, :]


def average(x, kernel, stride, padding, ceil_mode=False, include=True, divisor=None):
    """Means by plain loops over padded images."""
    x = x.astype(np.float64)
    *lead, height, width = x.shape
    sizes = []
    for size, k, s, p in zip((height, width), kernel, stride, padding, strict=True):
        room = (size + 2 * p - k) / s
        count = (math.ceil(room) if ceil_mode else math.floor(room)) + 1
        sizes.append(count - (ceil_mode and (count - 1) * s >= size + p))
    out = np.empty((*lead, *sizes))
    for i, j in np.ndindex(*sizes):
        top, left = i * stride[0] - padding[0], j * stride[1] - padding[1]
        bottom, right = min(top + kernel[0], height + padding[0]), min(left + kernel[1], width + padding[1])
        inside = x[..., max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
        count = (bottom - top) * (right - left) if include else inside.shape[-1] * inside.shape[-2]
        out[..., i, j] = inside.sum((-1, -2)) / (divisor or count)
    return out


AVERAGES = {
    "plain": ((2, 2), (2, 2), (0, 0), {}),
    "overlap": ((3, 2), (1, 2), (1, 1), {}),
    "ceil": ((3, 3), (2, 2), (1, 0), {"ceil_mode": True}),
    "without padding": ((3, 3), (2, 2), (1, 1), {"ceil_mode": True, "include": False}),
    "divisor": ((3, 2), (2, 2), (1, 1), {"divisor": 7}),
    "negative divisor": ((2, 3), (2, 1), (0, 1), {"divisor": -3, "ceil_mode": True}),
}


def average_options(name):
    kernel, stride, padding, more = AVERAGES[name]
    names = {"include": "count_include_pad", "divisor": "divisor_override"}
    options = {names.get(key, key): value for key, value in more.items()}
    return {"kernel_size": kernel, "stride": stride, "padding": padding, **options}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", AVERAGES)
def test_avg_pool_values(name, dtype, simd_level, both_thread_counts):
    for shape in [(2, 3, 9, 21), (3, 7, 40), (0, 2, 7, 6)]:
        plain = rng.standard_normal(shape).astype(dtype)
        want = average(plain, *AVERAGES[name][:3], **AVERAGES[name][3])
        for x in layouts(plain):
            got = both_thread_counts(lambda x=x: F.avg_pool2d(lucid.from_numpy(x), **average_options(name)).numpy())
            assert got.dtype == dtype and got.shape == want.shape
            np.testing.assert_allclose(got, want, rtol=0, atol=2e-6 if dtype == np.float32 else 1e-14)


@pytest.mark.parametrize("name", AVERAGES)
def test_avg_pool_derivatives(name):
    f = lambda x: F.avg_pool2d(x * x, **average_options(name))  # noqa: E731
    for shape in [(1, 2, 5, 6), (2, 6, 5)]:
        x = distinct(*shape)
        assert gradcheck(f, (x,)) and gradgradcheck(f, (x,))
    assert gradcheck(lambda x: f(x.mT), (distinct(1, 6, 5),))


def test_signals_are_images_of_one_row():
    x = distinct(2, 3, 11)
    row = lambda x: x.reshape(2, 3, 1, 11)  # noqa: E731
    for one, two in [
        (F.avg_pool1d(x, 3, 2, 1, True, False), F.avg_pool2d(row(x), (1, 3), (1, 2), (0, 1), True, False)),
        (F.max_pool1d(x, 3, 2, 1, 2, True), F.max_pool2d(row(x), (1, 3), (1, 2), (0, 1), (1, 2), True)),
        (F.max_pool1d(x, 2, return_indices=True)[1], F.max_pool2d(row(x), (1, 2), return_indices=True)[1]),
        (F.adaptive_avg_pool1d(x, 4), F.adaptive_avg_pool2d(row(x), (1, 4))),
        (F.adaptive_max_pool1d(x, 4, True)[1], F.adaptive_max_pool2d(row(x), (None, 4), True)[1]),
        (F.lp_pool1d(x, 3, 2, 3, True), F.lp_pool2d(row(x), 3, (1, 2), (1, 3), True)),
    ]:
        np.testing.assert_array_equal(one.detach().numpy(), two.detach().numpy()[:, :, 0])
    for f in (
        lambda x: F.avg_pool1d(x * x, 3, 2, 1),
        lambda x: F.max_pool1d(x * x, 3, 2, 1),
        lambda x: F.adaptive_avg_pool1d(x * x, 4),
        lambda x: F.adaptive_max_pool1d(x * x, 4),
        lambda x: F.lp_pool1d(x, 3, 2),
    ):
        assert gradcheck(f, (x,)) and gradgradcheck(f, (x,))


def adaptive(x, sizes, function):
    out = np.empty((*x.shape[:-2], *sizes), np.float64)
    for place in np.ndindex(*sizes):
        window = tuple(
            slice(i * n // m, -(-(i + 1) * n // m)) for i, n, m in zip(place, x.shape[-2:], sizes, strict=True)
        )
        out[(..., *place)] = function(x[(..., *window)].astype(np.float64), (-1, -2))
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [(1, 1), (2, 3), (7, 5), (3, 1), (9, 40), (14, 45), (0, 2), (1, 40)])
def test_adaptive_pool_values(sizes, dtype, simd_level, both_thread_counts):
    plain = rng.standard_normal((2, 3, 9, 40)).astype(dtype)
    for x in layouts(plain):
        mean = both_thread_counts(lambda x=x: F.adaptive_avg_pool2d(lucid.from_numpy(x), sizes).numpy())
        np.testing.assert_allclose(
            mean, adaptive(plain, sizes, np.mean), rtol=0, atol=1e-6 if dtype == np.float32 else 1e-14
        )
        largest = both_thread_counts(lambda x=x: F.adaptive_max_pool2d(lucid.from_numpy(x), sizes).numpy())
        np.testing.assert_array_equal(largest, adaptive(plain, sizes, np.max))
        index = F.adaptive_max_pool2d(lucid.from_numpy(x), sizes, True)[1].numpy()
        picked = np.take_along_axis(plain.reshape(2, 3, 360), index.reshape(2, 3, -1), 2).reshape(largest.shape)
        np.testing.assert_array_equal(picked, largest)


@pytest.mark.parametrize("sizes", [(1, 1), (2, 3), (4, 7), (6, 2), (0, 1)])
def test_adaptive_pool_derivatives(sizes, simd_level):
    for f in (lambda x: F.adaptive_avg_pool2d(x * x, sizes), lambda x: F.adaptive_max_pool2d(x * x, sizes)):
        for shape in [(1, 2, 4, 5), (2, 5, 4)]:
            x = distinct(*shape)
            assert gradcheck(f, (x,)) and gradgradcheck(f, (x,))


def test_nan_and_equals_in_adaptive_max_pool(simd_level):
    for dtype in (lucid.float32, lucid.float64):
        x = lucid.tensor([[[1.0, nan, 3.0, nan], [2.0, 2.0, -inf, -inf]]], dtype=dtype)
        values, index = F.adaptive_max_pool2d(x, (2, 1), return_indices=True)
        assert math.isnan(values[0, 0, 0].item()) and values[0, 1, 0].item() == 2
        assert index.tolist() == [[[3], [4]]]  # the last NaN, the first of equals
        values, index = F.adaptive_max_pool2d(x, (2, 2), return_indices=True)
        assert values[0, 1, 1].item() == -inf and index[0, 1, 1].item() == 6


@pytest.mark.parametrize("p", [1, 2, 3, 1.5])
def test_lp_pool(p):
    x = lucid.tensor(rng.uniform(0.2, 2, (2, 3, 6, 8)), requires_grad=True)
    windows = x.detach().numpy().reshape(2, 3, 3, 2, 2, 4)
    got = F.lp_pool2d(x, p, (2, 4))
    np.testing.assert_allclose(got.detach().numpy(), (windows**p).sum((3, 5)) ** (1 / p), rtol=1e-12)
    small = lucid.tensor(rng.uniform(0.2, 2, (1, 5, 5)), requires_grad=True)
    f = lambda x: F.lp_pool2d(x, p, 3, 2, ceil_mode=True)  # noqa: E731
    assert gradcheck(f, (small,)) and gradgradcheck(f, (small,))


def test_errors():
    x = lucid.ones(1, 2, 5, 5)
    for call, kind, message in [
        (lambda: F.avg_pool2d(x, 6), ValueError, r"avg_pool2d: kernel_size 6.*\(1, 2, 5, 5\)"),
        (lambda: F.avg_pool2d(x, 3, padding=2), ValueError, "avg_pool2d: padding 2.*half.*3"),
        (lambda: F.avg_pool2d(x, 2, divisor_override=0), ValueError, "divisor_override.*0"),
        (lambda: F.avg_pool2d(x, 2, divisor_override=2**64), ValueError, "divisor_override"),
        (lambda: F.avg_pool2d(x.long(), 2), TypeError, "avg_pool2d.*int64"),
        (lambda: F.avg_pool1d(x, 2), ValueError, r"avg_pool1d.*length.*\(1, 2, 5, 5\)"),
        (lambda: F.max_pool1d(x[0], (2, 2)), ValueError, r"max_pool1d: kernel_size.*\(2, 2\)"),
        (lambda: F.max_pool2d(x, 2**40, stride=2**70, ceil_mode=True), ValueError, "max_pool2d.*too large"),
        (lambda: F.adaptive_avg_pool2d(x, (1, 2, 3)), ValueError, r"adaptive_avg_pool2d: output_size.*\(1, 2, 3\)"),
        (lambda: F.adaptive_avg_pool2d(x, -1), ValueError, "output_size.*-1"),
        (lambda: F.adaptive_max_pool2d(x[:, :, :0], 1), ValueError, r"adaptive_max_pool2d.*\(1, 2, 0, 5\)"),
        (lambda: F.adaptive_max_pool2d(x.long(), 1), TypeError, "adaptive_max_pool2d.*int64"),
        (lambda: F.adaptive_avg_pool1d(1.0, 1), TypeError, "adaptive_avg_pool1d.*float"),
        (lambda: F.lp_pool2d(x, 0, 2), ValueError, "lp_pool2d: norm_type"),
    ]:
        with pytest.raises(kind, match=message):
            call()
