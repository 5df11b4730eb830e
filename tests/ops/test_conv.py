"""Convolution and max-pooling: values against a plain NumPy transcription, derivatives by finite differences."""

import itertools
import math

import numpy as np
import pytest

import lucid
from lucid.autograd import gradcheck, gradgradcheck
from lucid.nn import functional as F

rng = np.random.default_rng(15)
nan, inf = math.nan, math.inf


def double(*shape):
    return lucid.tensor(rng.standard_normal(shape), requires_grad=True)


def windows(x, kernel, stride, dilation, out):
    """x[..., h, w] → [..., out_h, out_w, kernel_h, kernel_w], as a view."""
    steps = x.strides
    return np.lib.stride_tricks.as_strided(
        x,
        (*x.shape[:-2], *out, *kernel),
        (*steps[:-2], steps[-2] * stride[0], steps[-1] * stride[1], steps[-2] * dilation[0], steps[-1] * dilation[1]),
    )


def conv2d(x, w, b, stride=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), groups=1):
    """The formula, in float64."""
    x, w = np.pad(x.astype(np.float64), ((0, 0), (0, 0), *padding)), w.astype(np.float64)
    out = [
        (s - d * (k - 1) - 1) // t + 1 for s, d, k, t in zip(x.shape[2:], dilation, w.shape[2:], stride, strict=True)
    ]
    parts = [
        np.einsum("bcijuv,ocuv->boij", windows(part, w.shape[2:], stride, dilation, out), kernel)
        for part, kernel in zip(np.split(x, groups, 1), np.split(w, groups, 0), strict=True)
    ]
    return np.concatenate(parts, 1) + (0 if b is None else b.astype(np.float64).reshape(1, -1, 1, 1))


# input, weight, options, the padding as NumPy writes it
CONVOLUTIONS = {
    "plain": ((2, 3, 5, 6), (4, 3, 3, 2), {}, None),
    "one by one": ((2, 3, 4, 5), (4, 3, 1, 1), {}, None),
    "padding": ((2, 2, 4, 5), (3, 2, 3, 3), {"padding": 1}, ((1, 1), (1, 1))),
    "paddings": ((1, 2, 4, 3), (3, 2, 3, 3), {"padding": (0, 2)}, ((0, 0), (2, 2))),
    "stride": ((2, 2, 7, 6), (3, 2, 3, 2), {"stride": 2}, None),
    "strides": ((1, 2, 7, 8), (3, 2, 2, 3), {"stride": [3, 2]}, None),
    "stride beyond": ((2, 1, 3, 3), (2, 1, 3, 3), {"stride": 5}, None),
    "dilation": ((1, 2, 7, 7), (2, 2, 3, 3), {"dilation": 2}, None),
    "groups": ((2, 4, 4, 5), (6, 2, 3, 3), {"groups": 2, "padding": 1}, ((1, 1), (1, 1))),
    "depthwise": ((2, 3, 4, 4), (3, 1, 3, 3), {"groups": 3}, None),
    "everything": (
        (2, 4, 7, 8),
        (2, 2, 3, 2),
        {"groups": 2, "stride": (2, 1), "padding": (1, 2), "dilation": (2, 3)},
        ((1, 1), (2, 2)),
    ),
    "same": ((1, 2, 4, 5), (2, 2, 3, 3), {"padding": "same"}, ((1, 1), (1, 1))),
    "same, even kernel": ((1, 2, 4, 5), (2, 2, 2, 4), {"padding": "same"}, ((0, 1), (1, 2))),
    "same, dilated": ((1, 1, 6, 5), (2, 1, 2, 3), {"padding": "same", "dilation": (3, 2)}, ((1, 2), (2, 2))),
    "valid": ((1, 2, 4, 5), (2, 2, 3, 3), {"padding": "valid", "stride": 2}, None),
    "kernel as large": ((2, 2, 3, 4), (3, 2, 3, 4), {}, None),
    "no images": ((0, 2, 4, 5), (3, 2, 3, 3), {}, None),
}
LARGE = {
    "first layer": ((9, 1, 28, 28), (16, 1, 5, 5), {"padding": 2}, ((2, 2), (2, 2))),
    "inner layer": ((5, 16, 14, 14), (33, 16, 3, 3), {"padding": 1}, ((1, 1), (1, 1))),
}


def numpy_options(options, padding):
    pair = lambda v: (v, v) if isinstance(v, int) else tuple(v)  # noqa: E731
    return {
        "stride": pair(options.get("stride", 1)),
        "dilation": pair(options.get("dilation", 1)),
        "groups": options.get("groups", 1),
        "padding": padding or ((0, 0), (0, 0)),
    }


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [*CONVOLUTIONS, *LARGE])
def test_conv2d_values(name, dtype, simd_level, both_thread_counts):
    x_shape, w_shape, options, padding = {**CONVOLUTIONS, **LARGE}[name]
    x, w, b = (rng.standard_normal(s).astype(dtype) for s in (x_shape, w_shape, w_shape[:1]))
    for bias in (b, None):
        want = conv2d(x, w, bias, **numpy_options(options, padding))
        for layout in (x, x.transpose(3, 2, 1, 0).copy().transpose(3, 2, 1, 0), np.repeat(x, 2, 1)[:, ::2]):
            got = both_thread_counts(
                lambda x=layout, b=bias: F.conv2d(
                    lucid.from_numpy(x), lucid.from_numpy(w), None if b is None else lucid.from_numpy(b), **options
                ).numpy()
            )
            assert got.dtype == dtype and got.shape == want.shape
            np.testing.assert_allclose(
                got, want, rtol=0, atol=(3e-5 if dtype == np.float32 else 5e-14) * max(1, math.prod(w_shape[1:]) / 9)
            )


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_conv2d_derivatives(name):
    x_shape, w_shape, options, _ = CONVOLUTIONS[name]
    x, w, b = double(min(x_shape[0], 1), *x_shape[1:]), double(*w_shape), double(w_shape[0])
    f = lambda *args: F.conv2d(*args, **options)  # noqa: E731
    assert gradcheck(f, (x, w, b)) and gradgradcheck(f, (x, w, b))
    assert gradcheck(f, (x, w))
    constant = x.detach()
    assert gradcheck(lambda w, b: f(constant, w, b), (w, b)) and gradgradcheck(lambda w: f(constant, w), (w,))


def test_conv2d_layouts_derivatives():
    x, w, b = double(1, 2, 4, 5), double(2, 2, 3, 2), double(2)
    for f in (
        lambda x, w, b: F.conv2d(x.transpose(2, 3), w, b),
        lambda x, w, b: F.conv2d(x[:, :, ::2, 1:], w[:, :, :2].transpose(2, 3), b.flip(0)),
        lambda x, w, b: F.conv2d(x[:, :1].expand(2, 2, 4, 5), w, b[:1].expand(2), padding=1),
        lambda x, w, b: F.conv2d(x * x, w * w, b * b),
    ):
        assert gradcheck(f, (x, w, b)) and gradgradcheck(f, (x, w, b))
    alone = double(2, 4, 5)  # without batch
    assert F.conv2d(alone, w, b).shape == (2, 2, 4)
    assert gradcheck(F.conv2d, (alone, w, b)) and gradgradcheck(F.conv2d, (alone, w, b))


def test_conv2d_nan_and_infinities(simd_level):
    for dtype in (np.float32, np.float64):
        x = np.zeros((1, 1, 6, 40), dtype)
        x[0, 0, 2, 3], x[0, 0, 4, 30] = nan, inf
        out = F.conv2d(lucid.from_numpy(x), lucid.from_numpy(np.ones((1, 1, 3, 3), dtype)), padding=1).numpy()[0, 0]
        want = np.zeros((6, 40))
        want[1:4, 2:5], want[3:6, 29:32] = nan, inf
        np.testing.assert_array_equal(out, want)


def test_conv2d_errors():
    x, w = lucid.ones(1, 2, 5, 5), lucid.ones(4, 2, 3, 3)
    for args, options, kind, message in [
        (
            (x, lucid.ones(4, 3, 3, 3)),
            {},
            ValueError,
            r"conv2d: input has 2 channels.*\(1, 2, 5, 5\).*3.*\(4, 3, 3, 3\)",
        ),
        ((lucid.ones(5, 5), w), {}, ValueError, r"conv2d.*\(5, 5\)"),
        ((x, lucid.ones(3, 3)), {}, ValueError, r"conv2d.*\(3, 3\)"),
        ((x, w, lucid.ones(3)), {}, ValueError, r"conv2d: bias.*\(3,\).*4"),
        ((x, lucid.ones(4, 2, 6, 3)), {}, ValueError, "conv2d.*6×3.*5×5"),
        ((x, w), {"stride": 0}, ValueError, "conv2d: stride.*0"),
        ((x, w), {"stride": (1, 2, 3)}, ValueError, r"conv2d: stride.*\(1, 2, 3\)"),
        ((x, w), {"padding": -1}, ValueError, "conv2d: padding.*-1"),
        ((x, w), {"padding": "full"}, ValueError, "conv2d: padding.*'full'"),
        ((x, w), {"padding": "same", "stride": 2}, ValueError, "conv2d: padding='same'.*stride"),
        ((x, w), {"dilation": 0}, ValueError, "conv2d: dilation.*0"),
        ((x, w), {"groups": 2}, ValueError, "conv2d: input has 2 channels.*4.*groups=2"),
        ((x, w), {"groups": 0}, ValueError, "conv2d: groups.*0"),
        ((x, lucid.ones(3, 1, 3, 3)), {"groups": 2}, ValueError, "conv2d: 3 out_channels.*2 groups"),
        ((x, w.double()), {}, TypeError, "conv2d.*float32.*float64"),
        ((x.long(), w.long()), {}, TypeError, "conv2d.*int64"),
        ((x, 1.0), {}, TypeError, "conv2d.*float"),
    ]:
        with pytest.raises(kind, match=message):
            F.conv2d(*args, **options)


# ---------------------------------------------------------------------------------------------------------------------
# Max-pooling


def max_pool2d(x, kernel, stride, padding, dilation, ceil_mode):
    """Values and positions by plain loops: the first of equals, NaN before all."""
    *lead, h, w = x.shape
    sizes = []
    for size, k, s, p, d in zip((h, w), kernel, stride, padding, dilation, strict=True):
        room = size + 2 * p - d * (k - 1) - 1
        count = (math.ceil(room / s) if ceil_mode else room // s) + 1
        sizes.append(count - (ceil_mode and (count - 1) * s >= size + p))
    values, positions = np.empty((*lead, *sizes), x.dtype), np.empty((*lead, *sizes), np.int64)
    for place in np.ndindex(*lead):
        for i, j in np.ndindex(*sizes):
            best = None
            for u, v in itertools.product(range(kernel[0]), range(kernel[1])):
                row, column = i * stride[0] - padding[0] + u * dilation[0], j * stride[1] - padding[1] + v * dilation[1]
                if 0 <= row < h and 0 <= column < w:
                    value = x[(*place, row, column)]
                    if best is None or value > best[0] or (np.isnan(value) and not np.isnan(best[0])):
                        best = value, row * w + column
            values[(*place, i, j)], positions[(*place, i, j)] = best
    return values, positions


POOLS = {
    "two by two": {"kernel_size": 2},
    "stride": {"kernel_size": (3, 2), "stride": (1, 2)},
    "overlap": {"kernel_size": 3, "stride": 1, "padding": 1},
    "padding": {"kernel_size": 3, "stride": 2, "padding": 1},
    "ceil": {"kernel_size": 3, "stride": 2, "padding": (1, 0), "ceil_mode": True},
    "ceil beyond": {"kernel_size": 2, "stride": 3, "ceil_mode": True},
    "dilation": {"kernel_size": 2, "dilation": (2, 3), "stride": 1},
    "dilated padding": {"kernel_size": 2, "dilation": 3, "padding": 2, "stride": 2},
    "everything": {"kernel_size": (2, 3), "stride": (2, 1), "padding": (1, 1), "dilation": (2, 1), "ceil_mode": True},
    "whole": {"kernel_size": (7, 6)},
    "one": {"kernel_size": 1},
}


def all_options(options):
    pair = lambda v: (v, v) if isinstance(v, int) else tuple(v)  # noqa: E731
    kernel = pair(options["kernel_size"])
    return (
        kernel,
        pair(options.get("stride", kernel)),
        pair(options.get("padding", 0)),
        pair(options.get("dilation", 1)),
        options.get("ceil_mode", False),
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", POOLS)
def test_max_pool2d_values(name, dtype, simd_level, both_thread_counts):
    options = POOLS[name]
    plain = rng.standard_normal((2, 3, 7, 6)).astype(dtype)
    special = np.round(plain)  # with equals
    special[0, 0, 2, 2], special[0, 1, 0, 0], special[0, 1, 6, 5] = nan, nan, inf
    special[1] = -inf
    for x in (
        plain,
        special,
        plain[:, :, ::-1],
        plain.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2),
        plain[0],
        plain[:0],
    ):
        for place in ("values", "positions"):
            got = both_thread_counts(
                lambda x=x, p=place: F.max_pool2d(lucid.from_numpy(x), return_indices=True, **options)[
                    p == "positions"
                ].numpy()
            )
            want = max_pool2d(x, *all_options(options))[place == "positions"]
            assert got.dtype == want.dtype and got.shape == want.shape
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("name", POOLS)
def test_max_pool2d_derivatives(name):
    options = POOLS[name]
    f = lambda x: F.max_pool2d(x, **options)  # noqa: E731
    for shape in [(2, 2, 7, 6), (1, 7, 6), (0, 2, 7, 6)]:
        x = lucid.tensor(rng.permutation(math.prod(shape)).reshape(shape) * 0.1, requires_grad=True)
        assert gradcheck(f, (x,)) and gradgradcheck(lambda x: f(x * x), (x,))
    y = lucid.tensor(rng.permutation(84).reshape(2, 6, 7) * 0.1, requires_grad=True)
    assert gradgradcheck(lambda y: F.max_pool2d(y.mT, **options), (y,))


def test_max_pool2d_gives_equals_to_the_first():
    x = lucid.ones(1, 4, 4, requires_grad=True)
    values, index = F.max_pool2d(x, 2, return_indices=True)
    assert index.tolist() == [[[0, 2], [8, 10]]] and not index.requires_grad
    values.sum().backward()
    assert x.grad.tolist() == [[[1, 0, 1, 0], [0] * 4, [1, 0, 1, 0], [0] * 4]]


def test_max_pool2d_errors():
    x = lucid.ones(1, 2, 5, 5)
    for input, options, kind, message in [
        (x, {"kernel_size": 6}, ValueError, r"max_pool2d: kernel_size 6.*\(1, 2, 5, 5\)"),
        (x, {"kernel_size": 0}, ValueError, "max_pool2d: kernel_size.*0"),
        (x, {"kernel_size": 2, "stride": 0}, ValueError, "max_pool2d: stride.*0"),
        (x, {"kernel_size": 3, "padding": 2}, ValueError, "max_pool2d: padding 2.*half.*kernel_size 3"),
        (x, {"kernel_size": 2, "dilation": 0}, ValueError, "max_pool2d: dilation.*0"),
        (lucid.ones(5, 5), {"kernel_size": 2}, ValueError, r"max_pool2d.*\(5, 5\)"),
        (x.long(), {"kernel_size": 2}, TypeError, "max_pool2d.*int64"),
        (1.0, {"kernel_size": 2}, TypeError, "max_pool2d.*float"),
    ]:
        with pytest.raises(kind, match=message):
            F.max_pool2d(input, **options)
