"""Interpolation, shuffles, unfold and fold: values against NumPy, derivatives by finite differences."""

import itertools
import math

import numpy as np
import pytest

import lucid
from lucid.autograd import gradcheck, gradgradcheck
from lucid.nn import functional as F
from lucid.ops.resample import resample

rng = np.random.default_rng(23)


def double(*shape):
    return lucid.tensor(rng.standard_normal(shape), requires_grad=True)


def cubic(distance):
    d, a = abs(distance), -0.75
    near, far = (a + 2) * d**3 - (a + 3) * d**2 + 1, a * (d**3 - 5 * d**2 + 8 * d - 4)
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


def weights(size, places, mode, align_corners):
    """The matrix [places, size] of an interpolation along one side: the kernel at the distances, edges held."""
    at = (np.arange(places) + 0.5) * size / places - 0.5
    if align_corners:
        at = np.arange(places) * ((size - 1) / (places - 1) if places > 1 else 0.0)
    matrix = np.zeros((places, size))
    for row, position in enumerate(at):
        if mode in ("nearest", "nearest-exact"):
            where = row * size // places if mode == "nearest" else (2 * row + 1) * size // (2 * places)
            matrix[row, where] = 1
            continue
        for i in range(math.floor(position) - 1, math.floor(position) + 3):
            weight = cubic(position - i) if mode == "bicubic" else max(0, 1 - abs(position - i))
            matrix[row, min(max(i, 0), size - 1)] += weight
    return matrix


MODES = [
    ("nearest", False),
    ("nearest-exact", False),
    ("bilinear", False),
    ("bilinear", True),
    ("bicubic", False),
    ("bicubic", True),
]
SIZES = [(5, 6), (10, 12), (3, 3), (1, 1), (7, 40), (4, 11)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("mode", "align_corners"), MODES)
def test_interpolate_values(mode, align_corners, dtype, simd_level, both_thread_counts):
    plain = rng.standard_normal((2, 3, 5, 6)).astype(dtype)
    for size in SIZES:
        rows, columns = (weights(n, m, mode, align_corners) for n, m in zip((5, 6), size, strict=True))
        want = np.einsum("ih,jw,bchw->bcij", rows, columns, plain.astype(np.float64))
        options = {"align_corners": align_corners} if mode.startswith("bi") else {}
        for x in (plain, plain.transpose(3, 2, 1, 0).copy().transpose(3, 2, 1, 0), np.repeat(plain, 2, 2)[:, :, ::2]):
            got = both_thread_counts(
                lambda x=x, s=size, o=options: F.interpolate(lucid.from_numpy(x), s, mode=mode, **o).numpy()
            )
            assert got.dtype == dtype
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-5 if dtype == np.float32 else 1e-13)


@pytest.mark.parametrize(("mode", "align_corners"), MODES)
def test_interpolate_derivatives(mode, align_corners, simd_level):
    options = {"align_corners": align_corners} if mode.startswith("bi") else {}
    for size in [(7, 5), (2, 3), (3, 4)]:
        f = lambda x: F.interpolate(x * x, size, mode=mode, **options)  # noqa: E731
        x = double(1, 2, 3, 4)
        assert gradcheck(f, (x,)) and gradgradcheck(f, (x,))


def test_interpolate_scales():
    x = double(1, 1, 7)
    assert F.interpolate(x, scale_factor=1.5).shape == (1, 1, 10)
    ramp = lucid.arange(7.0).reshape(1, 1, 7)
    # positions by the factor 1.5 itself, and by 10 / 7
    assert F.interpolate(ramp, scale_factor=1.5).flatten().tolist() == [0, 0, 1, 2, 2, 3, 4, 4, 5, 6]
    again = F.interpolate(ramp, scale_factor=1.5, recompute_scale_factor=True)
    assert again.flatten().tolist() == [0, 0, 1, 2, 2, 3, 4, 4, 5, 6]
    linear = [F.interpolate(ramp, scale_factor=1.5, mode="linear", recompute_scale_factor=r) for r in (False, True)]
    np.testing.assert_allclose(linear[0].numpy()[0, 0, 4], 4.5 / 1.5 - 0.5, rtol=1e-6)
    np.testing.assert_allclose(linear[1].numpy()[0, 0, 4], 4.5 * 0.7 - 0.5, rtol=1e-6)
    assert gradcheck(lambda x: F.interpolate(x, 4, mode="area"), (x,))
    volume = double(1, 1, 2, 3, 2)
    assert gradcheck(lambda x: F.interpolate(x, (3, 2, 4), mode="trilinear"), (volume,))


def test_interpolate_errors():
    x = lucid.ones(1, 2, 3, 4)
    for options, message in [
        ({}, "either size or scale_factor"),
        ({"size": 2, "scale_factor": 2}, "either size or scale_factor"),
        ({"size": (2, 3, 4)}, r"\(2, 3, 4\).*\(3, 4\)"),
        ({"size": 0}, "positive"),
        ({"scale_factor": 0.1}, "positive"),
        ({"scale_factor": -1.0}, "scale_factor.*-1.0"),
        ({"scale_factor": math.inf}, "scale_factor.*inf"),
        ({"size": 2, "mode": "linear"}, r"'linear'.*\(1, 2, 3, 4\)"),
        ({"size": 2, "mode": "cubic"}, "'cubic'"),
        ({"size": 2, "align_corners": True}, "'nearest'.*align_corners"),
        ({"size": 2, "mode": "bilinear", "antialias": True}, "antialias"),
        ({"size": 2, "recompute_scale_factor": True}, "recompute_scale_factor"),
    ]:
        with pytest.raises(ValueError, match=f"interpolate.*{message}"):
            F.interpolate(x, **options)
    with pytest.raises(TypeError, match="interpolate.*int64"):
        F.interpolate(x.long(), 2, mode="bilinear")


@pytest.mark.parametrize("wrong", [-1, 4, 2**40, -(2**63)])
def test_a_wrong_index_is_not_followed(wrong):
    for weight in (None, lucid.ones(3, 1, dtype=lucid.float64)):
        index = lucid.tensor([[0], [wrong], [1]])
        with pytest.raises(IndexError, match="resample.*size 4"):
            resample(lucid.ones(2, 4), 1, index, weight)


def test_shuffles():
    x = lucid.arange(2 * 8 * 3 * 4).reshape(2, 8, 3, 4)
    up = F.pixel_shuffle(x, 2)
    for b, c, h, w, i, j in itertools.product(range(2), range(2), range(3), range(4), range(2), range(2)):
        assert up.array[b, c, 2 * h + i, 2 * w + j] == x.array[b, 4 * c + 2 * i + j, h, w]
    assert (F.pixel_unshuffle(up, 2) == x).all().item()
    mixed = F.channel_shuffle(x, 4)
    assert (F.channel_shuffle(mixed, 2) == x).all().item()
    np.testing.assert_array_equal(mixed.numpy()[:, :3], x.numpy()[:, [0, 2, 4]])
    y = double(1, 4, 2, 2)
    for f in (lambda y: F.pixel_shuffle(y, 2), lambda y: F.pixel_unshuffle(y, 2), lambda y: F.channel_shuffle(y, 2)):
        assert gradcheck(f, (y,)) and gradgradcheck(lambda y: f(y * y), (y,))
    for call, message in [
        (lambda: F.pixel_shuffle(x, 3), r"pixel_shuffle: 8 channels.*\(2, 8, 3, 4\).*3²"),
        (lambda: F.pixel_shuffle(x[0, 0], 2), r"pixel_shuffle.*\(3, 4\)"),
        (lambda: F.pixel_unshuffle(x, 2), "pixel_unshuffle: 3×4"),
        (lambda: F.channel_shuffle(x, 3), "channel_shuffle: 8 channels.*groups=3"),
        (lambda: F.channel_shuffle(x, 0), "channel_shuffle: groups.*0"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()


# kernel, dilation, padding, stride
WINDOWS = [(2, 1, 0, 1), ((3, 2), 1, 1, 2), (2, (2, 3), (3, 0), (1, 2)), (1, 1, 4, 3), ((2, 5), (1, 2), (0, 4), (2, 1))]


def unfolded(x, kernel, dilation, padding, stride):
    two = lambda v: (v, v) if isinstance(v, int) else v  # noqa: E731
    kernel, dilation, padding, stride = map(two, (kernel, dilation, padding, stride))
    x = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))
    counts = [(n - d * (k - 1) - 1) // s + 1 for n, k, d, s in zip(x.shape[2:], kernel, dilation, stride, strict=True)]
    columns = np.empty((*x.shape[:2], math.prod(kernel), math.prod(counts)), x.dtype)
    for tap, (u, v) in enumerate(np.ndindex(*kernel)):
        for window, (i, j) in enumerate(np.ndindex(*counts)):
            columns[:, :, tap, window] = x[:, :, i * stride[0] + u * dilation[0], j * stride[1] + v * dilation[1]]
    return columns.reshape(len(x), -1, math.prod(counts))


@pytest.mark.parametrize("options", WINDOWS)
def test_unfold_and_fold(options, simd_level, both_thread_counts):
    for dtype in (np.float32, np.float64):
        plain = rng.integers(-9, 9, (2, 3, 9, 20)).astype(dtype)
        want = unfolded(plain, *options)
        for x in (plain, plain.transpose(3, 2, 1, 0).copy().transpose(3, 2, 1, 0)):
            got = both_thread_counts(lambda x=x: F.unfold(lucid.from_numpy(x), *options).numpy())
            np.testing.assert_array_equal(got, want)
        np.testing.assert_array_equal(F.unfold(lucid.from_numpy(plain[0]), *options).numpy(), want[0])
        # fold is the transpose of unfold: <unfold(x), c> = <x, fold(c)>, here in whole numbers
        columns = rng.integers(-9, 9, want.shape).astype(dtype)
        image = both_thread_counts(lambda: F.fold(lucid.from_numpy(columns), (9, 20), *options).numpy())
        assert image.shape == plain.shape and (want * columns).sum() == (plain * image).sum()
    x = double(1, 2, 5, 6)
    f = lambda x: F.unfold(x * x, *options)  # noqa: E731
    if f(x).shape[-1] > 40:
        return
    assert gradcheck(f, (x,)) and gradgradcheck(f, (x,))
    back = lambda c: F.fold(c * c, (5, 6), *options)  # noqa: E731
    c = double(*f(x).shape)
    assert gradcheck(back, (c,)) and gradgradcheck(back, (c,))


def test_unfold_and_fold_errors():
    x = lucid.ones(1, 2, 5, 5)
    for call, kind, message in [
        (lambda: F.unfold(x, 6), ValueError, "unfold: kernel_size 6.*5×5"),
        (lambda: F.unfold(x, 0), ValueError, "unfold: kernel_size.*0"),
        (lambda: F.unfold(x[0, 0], 2), ValueError, r"unfold.*\(5, 5\)"),
        (lambda: F.unfold(x, 2, padding=2**40), ValueError, "unfold.*too large"),
        (lambda: F.unfold(x.long(), 2), TypeError, "unfold.*int64"),
        (lambda: F.fold(lucid.ones(1, 7, 4), 3, 2), ValueError, r"fold: 7 rows.*\(1, 7, 4\).*4"),
        (lambda: F.fold(lucid.ones(1, 8, 5), 3, 2), ValueError, "fold: an output of 3×3 has 4 windows.*5"),
        (lambda: F.fold(x, 3, 2), ValueError, r"fold.*\(1, 2, 5, 5\)"),
    ]:
        with pytest.raises(kind, match=message):
            call()
