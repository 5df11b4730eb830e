"""Images made larger or smaller, and rearranged between channels and pixels."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, record
from lucid.engine import pointer_or_null
from lucid.errors import ArgumentError, KindError
from lucid.ops.conv import LARGEST_IMAGE
from lucid.ops.pool import adaptive_avg_pool1d, adaptive_avg_pool2d
from lucid.ops.view import contiguous, permute, reshape
from lucid.types import Tensor

_resample, _resample_backward = engine.kernels("resample"), engine.kernels("resample_backward")


def resample(input: Tensor, dim: int, index: Tensor, weight: Tensor | None = None) -> Tensor:
    """Weighted sums along a dimension: out[..., i, ...] = Σ_t weight[i, t] · input[..., index[i, t], ...].

    Args:
        input: [any shape]; without weights of any number type (integers are NumPy's work).
        dim: the dimension, counted from the front.
        index: int64 [places, taps].
        weight: float64 [places, taps]; None with one tap: numbers are copied.

    Raises:
        IndexError: for an index out of range.
    """
    if weight is None and not input.dtype.is_floating_point:
        return engine.wrap(np.take(input.array, index.array[:, 0], dim))
    dense = engine.contiguous(input)
    places, taps = index.shape
    outer, n, inner = engine.reduce_shape(input.shape, dim, dim)
    out = engine.empty((*input.shape[:dim], places, *input.shape[dim + 1 :]), input.dtype)
    position = engine.kernel_for(_resample, input.dtype, "interpolate")(
        outer, n, inner, places, taps, index.pointer, pointer_or_null(weight), dense.pointer, out.pointer
    )
    engine.check_index(position, index, n, "resample")
    return record("resample", out, (input,), (lambda grad: _resample_grad(grad, dim, index, weight, n),))


def _resample_grad(grad: Tensor, dim: int, index: Tensor, weight: Tensor | None, n: int) -> Tensor:
    """Each gradient added, weighted, to the ``n`` places its number was made of."""
    dense = engine.contiguous(grad)
    places, taps = index.shape
    outer, _, inner = engine.reduce_shape(grad.shape, dim, dim)
    out = engine.empty((*grad.shape[:dim], n, *grad.shape[dim + 1 :]), grad.dtype)
    position = _resample_backward[grad.dtype](
        outer, n, inner, places, taps, index.pointer, pointer_or_null(weight), dense.pointer, out.pointer
    )
    engine.check_index(position, index, n, "resample_backward")
    return record("resample_backward", out, (grad,), (lambda g: resample(g, dim, index, weight),))


# ---------------------------------------------------------------------------------------------------------------------
# Where a number of the result lies in the input. Positions are worked out in PyTorch's precision, because rounding
# decides which neighbour is the nearest.


@functools.lru_cache(maxsize=256)
def _nearest(size: int, places: int, scale: float | None, exact: bool) -> Tensor:
    step = np.float32(1 / scale if scale else size / places)
    place = np.arange(places, dtype=np.float32) + np.float32(0.5 if exact else 0)
    found = np.minimum(np.floor(place * step).astype(np.int64), size - 1)
    if not exact and places in (size, 2 * size):
        found = np.arange(places) * size // places
    return engine.wrap(found.reshape(-1, 1))


@functools.lru_cache(maxsize=256)
def _taps(
    size: int, places: int, scale: float | None, align_corners: bool, cubic: bool, precision: str
) -> tuple[Tensor, Tensor]:
    """Indices and weights [places, taps]: two taps for straight lines, four for cubic curves."""
    real = np.dtype(precision).type
    place = np.arange(places).astype(real)
    if align_corners:
        at = place * real((size - 1) / (places - 1) if places > 1 else 0)
    else:
        at = (place + real(0.5)) * real(1 / scale if scale else size / places) - real(0.5)
        at = at if cubic else np.maximum(at, real(0))
    first = np.minimum(np.floor(at).astype(np.int64), size - 1)
    part = (at - first.astype(real)).clip(0, 1)
    if places == size and not cubic:
        first, part = np.arange(size), np.zeros(size, real)
    beside = first if places == size else np.minimum(first + 1, size - 1)
    if cubic:
        index = (first[:, None] + np.arange(-1, 3)).clip(0, size - 1)
        weight = np.stack([_far(part + 1), _near(part), _near(1 - part), _far(2 - part)], 1)
    else:
        index = np.stack([first, beside], 1)
        weight = np.stack([1 - part, part], 1)
    return engine.wrap(np.ascontiguousarray(index)), engine.wrap(weight.astype(np.float64))


CUBIC = -0.75  # the slope at distance 1 of Keys's kernel


def _near(distance: np.ndarray) -> np.ndarray:
    """Keys's cubic kernel up to distance 1."""
    near: np.ndarray = ((CUBIC + 2) * distance - (CUBIC + 3)) * distance * distance + 1
    return near


def _far(distance: np.ndarray) -> np.ndarray:
    """Keys's cubic kernel from distance 1 to 2."""
    far: np.ndarray = ((CUBIC * distance - 5 * CUBIC) * distance + 8 * CUBIC) * distance - 4 * CUBIC
    return far


# ---------------------------------------------------------------------------------------------------------------------

_OF_DIMENSIONS = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
MODES = ("nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area")


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Signals, images or volumes made larger or smaller.

    Args:
        input: [batch, channels, length], [batch, channels, height, width] or [batch, channels, depth, height, width].
        size: of the result, one number or one a side.
        scale_factor: instead of it, what the sides are multiplied by (rounded down), one number or one a side.
        mode: "nearest" (the number at ⌊i·size / new size⌋), "nearest-exact" (the nearest to the middle of each new
            pixel), "linear" (signals), "bilinear" or "bicubic" (images), "trilinear" (volumes), or "area" (means, as
            adaptive_avg_pool; signals and images).
        align_corners: for the modes between "linear" and "trilinear": the middles of the outermost pixels stay where
            they are, and not their outer edges; False when None.
        recompute_scale_factor: positions are worked out from the sizes and not from ``scale_factor``.
        antialias: False; filtering before making smaller is not there and refused.

    Returns:
        [batch, channels, *size].

    Raises:
        ValueError: for another mode, or options that do not fit.

    Source: bicubic: Keys, "Cubic Convolution Interpolation for Digital Image Processing", IEEE TASSP 29 (1981), with
    slope −0.75.

    Example:
        >>> import lucid
        >>> x = lucid.tensor([[[0.0, 4.0]]])
        >>> lucid.nn.functional.interpolate(x, 4).tolist()
        [[[0.0, 0.0, 4.0, 4.0]]]
        >>> lucid.nn.functional.interpolate(x, scale_factor=2, mode="linear").tolist()
        [[[0.0, 1.0, 3.0, 4.0]]]
    """
    if not isinstance(input, Value):
        raise KindError(f"interpolate: expected a tensor, got {type(input).__name__}")
    sides = input.shape[2:]
    if mode not in MODES:
        raise ArgumentError(f"interpolate: mode must be one of {', '.join(MODES)}, got {mode!r}")
    if len(sides) not in (1, 2, 3) or len(sides) != _OF_DIMENSIONS.get(mode, len(sides)):
        raise ArgumentError(f"interpolate: mode {mode!r} does not go with input of shape {input.shape}")
    if align_corners is not None and mode not in _OF_DIMENSIONS:
        raise ArgumentError(
            f"interpolate: mode {mode!r} knows no align_corners; it goes with {', '.join(_OF_DIMENSIONS)}"
        )
    if antialias:
        raise ArgumentError("interpolate: antialias is not there; smooth the input first, or use mode='area'")
    places, scales = _sizes(sides, size, scale_factor, recompute_scale_factor)
    if min(*places, *sides) < 1:
        raise ArgumentError(f"interpolate: sizes must be positive; shape {input.shape} would become {places}")
    if math.prod(places) > LARGEST_IMAGE:
        raise ArgumentError(f"interpolate: shape {input.shape} would become {places}, which is too large")
    if mode == "area":
        if len(sides) == 3:
            raise ArgumentError(f"interpolate: mode 'area' is for signals and images, got shape {input.shape}")
        return (adaptive_avg_pool1d if len(sides) == 1 else adaptive_avg_pool2d)(input, places)
    out = input
    for dim, (side, count, scale) in reversed(list(enumerate(zip(sides, places, scales, strict=True), 2))):
        if mode.startswith("nearest"):
            out = resample(out, dim, _nearest(side, count, scale, mode == "nearest-exact"))
        else:
            taps = _taps(side, count, scale, bool(align_corners), mode == "bicubic", input.dtype.name)
            out = resample(out, dim, *taps)
    return out


def _sizes(
    sides: tuple[int, ...], size: Any, scale_factor: Any, recompute_scale_factor: bool | None
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The new sizes; and the scales that positions are worked out from, None where from the sizes."""
    if (size is None) == (scale_factor is None):
        raise ArgumentError(f"interpolate: give either size or scale_factor, got {size} and {scale_factor}")
    given = size if scale_factor is None else scale_factor
    each = tuple(given) if isinstance(given, tuple | list) else (given,) * len(sides)
    if len(each) != len(sides):
        raise ArgumentError(f"interpolate: {given} does not go with {len(sides)} sides {sides}")
    if scale_factor is None:
        if recompute_scale_factor:
            raise ArgumentError("interpolate: recompute_scale_factor goes with scale_factor, not with size")
        try:
            return tuple(operator.index(n) for n in each), (None,) * len(sides)
        except TypeError:
            raise KindError(f"interpolate: size must be integers, got {size!r}") from None
    if not all(isinstance(f, int | float) and 0 < f < math.inf for f in each):
        raise ArgumentError(f"interpolate: scale_factor must be positive, got {scale_factor}")
    places = tuple(math.floor(side * float(f)) for side, f in zip(sides, each, strict=True))
    return places, ((None,) * len(sides) if recompute_scale_factor else tuple(float(f) for f in each))


# ---------------------------------------------------------------------------------------------------------------------
# Between channels and pixels


def _need_image(operation: str, input: Tensor, name: str, factor: Any) -> tuple[tuple[int, ...], int, int, int]:
    if not isinstance(input, Value):
        raise KindError(f"{operation}: expected a tensor, got {type(input).__name__}")
    if len(input.shape) < 3:
        raise ArgumentError(f"{operation}: expects [..., channels, height, width], got shape {input.shape}")
    if not isinstance(factor, int) or factor < 1:
        raise ArgumentError(f"{operation}: {name} must be a positive integer, got {factor!r}")
    *lead, channels, height, width = input.shape
    return tuple(lead), channels, height, width


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Channels become pixels: [..., c·r², h, w] → [..., c, h·r, w·r].

    out[..., c, h·r + i, w·r + j] = input[..., c·r² + i·r + j, h, w]

    Args:
        input: [..., channels, height, width].
        upscale_factor: r.

    Raises:
        ValueError: when the channels do not divide by r².

    Source: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional
    Neural Network", CVPR 2016.

    Example:
        >>> import lucid
        >>> lucid.pixel_shuffle(lucid.arange(4).reshape(4, 1, 1), 2).tolist()
        [[[0, 1], [2, 3]]]
    """
    r = upscale_factor
    lead, channels, height, width = _need_image("pixel_shuffle", input, "upscale_factor", r)
    if channels % (r * r):
        raise ArgumentError(f"pixel_shuffle: {channels} channels (shape {input.shape}) do not divide by {r}²")
    k = len(lead)
    apart = reshape(input, (*lead, channels // (r * r), r, r, height, width))
    mixed = permute(apart, (*range(k), k, k + 3, k + 1, k + 4, k + 2))
    return reshape(contiguous(mixed), (*lead, channels // (r * r), height * r, width * r))


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Pixels become channels, the reverse of :func:`pixel_shuffle`: [..., c, h·r, w·r] → [..., c·r², h, w].

    Args:
        input: [..., channels, height, width].
        downscale_factor: r.

    Raises:
        ValueError: when height or width does not divide by r.

    Example:
        >>> import lucid
        >>> lucid.pixel_unshuffle(lucid.arange(4).reshape(1, 2, 2), 2).tolist()
        [[[0]], [[1]], [[2]], [[3]]]
    """
    r = downscale_factor
    lead, channels, height, width = _need_image("pixel_unshuffle", input, "downscale_factor", r)
    if height % r or width % r:
        raise ArgumentError(f"pixel_unshuffle: {height}×{width} pixels (shape {input.shape}) do not divide by {r}")
    k = len(lead)
    apart = reshape(input, (*lead, channels, height // r, r, width // r, r))
    mixed = permute(apart, (*range(k), k, k + 2, k + 4, k + 1, k + 3))
    return reshape(contiguous(mixed), (*lead, channels * r * r, height // r, width // r))


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Channels [batch, groups · n, ...] dealt out anew, one of each group in turn.

    Args:
        input: [batch, channels, ...].
        groups: how many groups of channels there are.

    Raises:
        ValueError: when the channels do not divide by groups.

    Source: Zhang et al., "ShuffleNet", CVPR 2018.

    Example:
        >>> import lucid
        >>> lucid.channel_shuffle(lucid.arange(6).reshape(1, 6, 1), 2).flatten().tolist()
        [0, 3, 1, 4, 2, 5]
    """
    _need_image("channel_shuffle", input, "groups", groups)
    batch, channels, *rest = input.shape
    if channels % groups:
        raise ArgumentError(
            f"channel_shuffle: {channels} channels (shape {input.shape}) do not divide by groups={groups}"
        )
    apart = reshape(input, (batch, groups, channels // groups, *rest))
    mixed = permute(apart, (0, 2, 1, *range(3, len(apart.shape))))
    return reshape(contiguous(mixed), input.shape)
