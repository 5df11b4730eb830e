"""Convolution of signals and transposed convolution: values against NumPy in float64, derivatives by differences."""

import math

import numpy as np
import pytest

import lucid
from lucid.autograd import gradcheck, gradgradcheck
from lucid.nn import functional as F

rng = np.random.default_rng(24)


def double(*shape):
    return lucid.tensor(rng.standard_normal(shape), requires_grad=True)


def conv_transpose2d(x, w, stride, padding, more, groups, dilation):
    """Each number spread by its kernel, one tap at a time, in float64."""
    x, w = x.astype(np.float64), w.astype(np.float64)
    (n, c, height, width), (_, o, kh, kw) = x.shape, w.shape
    (sh, sw), (dh, dw) = stride, dilation
    full = np.zeros(
        (n, o * groups, (height - 1) * sh + dh * (kh - 1) + 1 + more[0], (width - 1) * sw + dw * (kw - 1) + 1 + more[1])
    )
    for g in range(groups):
        own, into = slice(g * c // groups, (g + 1) * c // groups), slice(g * o, (g + 1) * o)
        for u, v in np.ndindex(kh, kw):
            rows, columns = u * dh + sh * np.arange(height), v * dw + sw * np.arange(width)
            full[:, into, rows[:, None], columns] += np.einsum("nchw,co->nohw", x[:, own], w[own, :, u, v])
    return full[:, :, padding[0] : full.shape[2] - padding[0], padding[1] : full.shape[3] - padding[1]]


# input, weight, stride, padding, output_padding, groups, dilation
TRANSPOSED = {
    "plain": ((2, 3, 4, 5), (3, 4, 3, 2), (1, 1), (0, 0), (0, 0), 1, (1, 1)),
    "stride": ((2, 3, 4, 5), (3, 2, 3, 3), (2, 3), (1, 1), (1, 2), 1, (1, 1)),
    "more than the stride": ((1, 2, 3, 4), (2, 3, 2, 2), (2, 1), (1, 0), (2, 3), 1, (3, 4)),
    "groups": ((2, 4, 5, 4), (4, 2, 3, 3), (2, 2), (1, 1), (0, 1), 2, (1, 1)),
    "depthwise": ((1, 3, 4, 4), (3, 1, 2, 2), (2, 2), (0, 0), (0, 0), 3, (1, 1)),
    "dilation": ((1, 2, 4, 4), (2, 2, 3, 2), (1, 2), (2, 1), (0, 0), 1, (2, 3)),
    "one place": ((1, 2, 1, 1), (2, 3, 3, 3), (5, 7), (0, 1), (1, 0), 1, (1, 1)),
    "padding beyond the kernel": ((1, 2, 6, 6), (2, 2, 2, 2), (1, 1), (2, 2), (0, 0), 1, (1, 1)),
    "no images": ((0, 2, 3, 3), (2, 3, 2, 2), (2, 2), (0, 0), (1, 1), 1, (1, 1)),
}
LARGE = {"upsampling": ((3, 17, 14, 14), (17, 9, 4, 4), (2, 2), (1, 1), (0, 0), 1, (1, 1))}


def options_of(name):
    return dict(
        zip(
            ("stride", "padding", "output_padding", "groups", "dilation"),
            {**TRANSPOSED, **LARGE}[name][2:],
            strict=True,
        )
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [*TRANSPOSED, *LARGE])
def test_conv_transpose2d_values(name, dtype, simd_level, both_thread_counts):
    x_shape, w_shape, *options = {**TRANSPOSED, **LARGE}[name]
    x, w = rng.standard_normal(x_shape).astype(dtype), rng.standard_normal(w_shape).astype(dtype)
    b = rng.standard_normal(w_shape[1] * options[3]).astype(dtype)
    want = conv_transpose2d(x, w, *options) + b.astype(np.float64)[:, None, None]
    for layout in (x, x.transpose(3, 2, 1, 0).copy().transpose(3, 2, 1, 0)):
        got = both_thread_counts(
            lambda x=layout: F.conv_transpose2d(
                lucid.from_numpy(x), lucid.from_numpy(w), lucid.from_numpy(b), **options_of(name)
            ).numpy()
        )
        assert got.dtype == dtype and got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=0, atol=(1e-5 if dtype == np.float32 else 1e-14) * x_shape[1] * 4)


@pytest.mark.parametrize("name", TRANSPOSED)
def test_conv_transpose2d_derivatives(name):
    x_shape, w_shape, *options = TRANSPOSED[name]
    x, w, b = double(min(x_shape[0], 1), *x_shape[1:]), double(*w_shape), double(w_shape[1] * options[3])
    f = lambda x, w, b: F.conv_transpose2d(x * x, w, b, **options_of(name))  # noqa: E731
    assert gradcheck(f, (x, w, b)) and gradgradcheck(f, (x, w, b))
    one = lambda x: F.conv_transpose2d(x[0], w, **options_of(name))  # noqa: E731
    if len(x):
        assert gradcheck(one, (x,)) and one(x).shape == f(x, w, b).shape[1:]


SIGNALS = [
    {},
    {"stride": 2, "padding": 1},
    {"padding": 2, "dilation": 3},
    {"padding": "same"},
    {"padding": "same", "dilation": (3,)},
    {"padding": "valid", "stride": (2,)},
]


@pytest.mark.parametrize("options", SIGNALS)
def test_signals_are_images_of_one_row(options, simd_level):
    for dtype in (lucid.float32, lucid.float64):
        x, w, b = double(2, 4, 11).to(dtype), double(6, 4, 4).to(dtype), double(6).to(dtype)
        wide = {
            key: value
            if isinstance(value, str)
            else (int(key != "padding"), *value)
            if isinstance(value, tuple)
            else (int(key != "padding"), value)
            for key, value in options.items()
        }
        got = F.conv1d(x, w, b, **options)
        want = F.conv2d(x.unsqueeze(2), w.unsqueeze(2), b, **wide).squeeze(2)
        assert got.tolist() == want.tolist() and F.conv1d(x[0], w, b, **options).shape == got.shape[1:]
    x, w, b = double(1, 4, 9), double(2, 2, 3), double(2)
    f = lambda x, w, b: F.conv1d(x * x, w, b, groups=2, **options)  # noqa: E731
    assert gradcheck(f, (x, w, b)) and gradgradcheck(f, (x, w, b))


def test_conv_transpose1d():
    x, w, b = double(2, 4, 5), double(4, 3, 3), double(6)
    f = lambda x, w, b: F.conv_transpose1d(x, w, b, 3, 1, 2, 2, 2)  # noqa: E731
    want = conv_transpose2d(
        x.detach().numpy()[:, :, None], w.detach().numpy()[:, :, None], (1, 3), (0, 1), (0, 2), 2, (1, 2)
    )
    np.testing.assert_allclose(
        f(x, w, b).detach().numpy(), want[:, :, 0] + b.detach().numpy()[:, None], rtol=0, atol=1e-13
    )
    assert gradcheck(f, (x, w, b)) and gradgradcheck(f, (x, w, b))


def test_transposed_is_the_transpose_of_conv2d():
    x, w = double(2, 3, 7, 8), double(4, 3, 3, 2)
    options = {"stride": 2, "padding": (1, 2)}
    ahead = F.conv2d(x, w, **options)
    y = double(*ahead.shape)
    back = F.conv_transpose2d(y, w, **options)
    assert back.shape == x.shape
    left, right = (ahead * y).sum().item(), (back * x).sum().item()
    assert math.isclose(left, right, rel_tol=1e-12)


def test_errors():
    x, w = lucid.ones(1, 2, 5, 5), lucid.ones(2, 3, 3, 3)
    signal, kernel = lucid.ones(1, 2, 5), lucid.ones(2, 3, 3)
    for call, kind, message in [
        (lambda: F.conv_transpose2d(x, lucid.ones(4, 2, 3, 3)), ValueError, r"2 channels.*\(1, 2, 5, 5\).*4.*\(4, 2"),
        (lambda: F.conv_transpose2d(x, w, lucid.ones(2)), ValueError, r"bias.*\(2,\).*3"),
        (lambda: F.conv_transpose2d(x, w, groups=3), ValueError, "2 in_channels.*3 groups"),
        (lambda: F.conv_transpose2d(x, w, output_padding=1), ValueError, "output_padding 1.*stride or dilation"),
        (lambda: F.conv_transpose2d(x, w, padding=4), ValueError, r"\(1, 2, 5, 5\).*\(4, 4\).*\(-1, -1\)"),
        (lambda: F.conv_transpose2d(x[:, :, :0], w), ValueError, r"\(1, 2, 0, 5\)"),
        (lambda: F.conv_transpose2d(x, w, stride=2**40), ValueError, "too large"),
        (lambda: F.conv_transpose2d(x.long(), w.long()), TypeError, "conv_transpose2d.*int64"),
        (lambda: F.conv_transpose2d(x, w.double()), TypeError, "conv_transpose2d.*float32.*float64"),
        (lambda: F.conv_transpose1d(x, kernel), ValueError, r"conv_transpose1d.*length.*\(1, 2, 5, 5\)"),
        (lambda: F.conv_transpose1d(signal, kernel, stride=(1, 2)), ValueError, r"conv_transpose1d: stride.*\(1, 2\)"),
        (lambda: F.conv1d(signal, kernel), ValueError, r"conv1d: input has 2 channels \(shape \(1, 2, 5\)\).*3"),
        (lambda: F.conv1d(signal, lucid.ones(3, 2, 3), stride=0), ValueError, "conv1d: stride.*0"),
        (
            lambda: F.conv1d(signal, lucid.ones(3, 2, 3), padding="same", stride=2),
            ValueError,
            r"conv1d.*'same'.*\(2,\)",
        ),
        (lambda: F.conv1d(signal, lucid.ones(3, 2, 6)), ValueError, "conv1d.*does not fit"),
        (lambda: F.conv1d(signal, 1.0), TypeError, "conv1d.*float"),
    ]:
        with pytest.raises(kind, match=message):
            call()
