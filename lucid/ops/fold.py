"""Windows of images laid out as columns, and their way back (im2col, col2im)."""

from __future__ import annotations

import math
from typing import Any

from lucid import engine
from lucid.autograd.graph import record
from lucid.engine import ffi
from lucid.errors import ArgumentError, PositionError
from lucid.ops.conv import LARGEST_IMAGE, check_types, pair
from lucid.ops.view import reshape
from lucid.types import Tensor

_unfold2d, _fold2d = engine.kernels("unfold2d"), engine.kernels("fold2d")


class _Windows:
    """The windows over images [batch, channels, height, width], checked once.

    Attributes:
        images: the shape of the images.
        columns: [batch, channels · kernel_height · kernel_width, windows].
    """

    __slots__ = ("c", "columns", "images")

    def __init__(
        self, operation: str, images: tuple[int, ...], kernel_size: Any, dilation: Any, padding: Any, stride: Any
    ) -> None:
        kernel, apart = pair(operation, "kernel_size", kernel_size, 1), pair(operation, "dilation", dilation, 1)
        pad, steps = pair(operation, "padding", padding, 0), pair(operation, "stride", stride, 1)
        sides = images[2:]
        if math.prod(size + 2 * p for size, p in zip(sides, pad, strict=True)) > LARGEST_IMAGE:
            raise ArgumentError(f"{operation}: an image of {sides[0]}×{sides[1]} with padding {padding} is too large")
        windows = tuple(
            (size + 2 * p - d * (k - 1) - 1) // s + 1
            for size, p, d, k, s in zip(sides, pad, apart, kernel, steps, strict=True)
        )
        if min(*windows, *sides) < 1:
            raise ArgumentError(
                f"{operation}: kernel_size {kernel_size} with dilation {dilation} does not fit into the image of "
                f"{sides[0]}×{sides[1]} with padding {padding}"
            )
        useful = (  # one window needs no step, one element no distance
            *(s if n > 1 else 1 for s, n in zip(steps, windows, strict=True)),
            *pad,
            *(d if k > 1 else 1 for d, k in zip(apart, kernel, strict=True)),
        )
        self.images, self.columns = images, (images[0], images[1] * math.prod(kernel), math.prod(windows))
        self.c = ffi.new("pool2d_shape *", (images[0] * images[1], *sides, *kernel, *useful, *windows))


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """All windows of images, each as a column (im2col).

    Args:
        input: [batch, channels, height, width], or without batch.
        kernel_size: the window, one number or (height, width).
        dilation: steps between the window's elements.
        padding: zeros around the input.
        stride: steps between windows.

    Returns:
        [batch, channels · kernel_height · kernel_width, windows].

    Raises:
        ValueError: when shapes or options do not fit.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.unfold(lucid.arange(6.0).reshape(1, 2, 3), 2).tolist()
        [[0.0, 1.0], [1.0, 2.0], [3.0, 4.0], [4.0, 5.0]]
    """
    check_types("unfold", input)
    if len(input.shape) == 3:
        out = unfold(reshape(input, (1, *input.shape)), kernel_size, dilation, padding, stride)
        return reshape(out, out.shape[1:])
    if len(input.shape) != 4:
        raise PositionError(f"unfold: expects [batch, channels, height, width], or without batch, got {input.shape}")
    return _unfold(_Windows("unfold", input.shape, kernel_size, dilation, padding, stride), input)


def _unfold(windows: _Windows, images: Tensor) -> Tensor:
    dense = engine.contiguous(images)
    out = engine.empty(windows.columns, images.dtype)
    engine.kernel_for(_unfold2d, images.dtype, "unfold")(windows.c, dense.pointer, out.pointer)
    return record("unfold", out, (images,), (lambda grad: _fold(windows, grad),))


def fold(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Columns added up to images, where :func:`unfold` would have taken them from (col2im).

    Args:
        input: [batch, channels · kernel_height · kernel_width, windows], or without batch.
        output_size: of the images, one number or (height, width).
        kernel_size: the window, one number or (height, width).
        dilation: steps between the window's elements.
        padding: zeros around the images, what falls on them is dropped.
        stride: steps between windows.

    Returns:
        [batch, channels, height, width].

    Raises:
        ValueError: when shapes or options do not fit.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.fold(lucid.ones(1, 4, 2), (2, 3), 2).tolist()
        [[[[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]]]
    """
    check_types("fold", input)
    if len(input.shape) == 2:
        out = fold(reshape(input, (1, *input.shape)), output_size, kernel_size, dilation, padding, stride)
        return reshape(out, out.shape[1:])
    if len(input.shape) != 3:
        raise ArgumentError(
            "fold: expects [batch, channels * kernel_height * kernel_width, windows], or without batch, "
            f"got {input.shape}"
        )
    taps = math.prod(pair("fold", "kernel_size", kernel_size, 1))
    if input.shape[1] % taps:
        raise ArgumentError(
            f"fold: {input.shape[1]} rows (shape {input.shape}) do not divide by the {taps} of a window"
        )
    images = (input.shape[0], input.shape[1] // taps, *pair("fold", "output_size", output_size, 1))
    windows = _Windows("fold", images, kernel_size, dilation, padding, stride)
    if windows.columns != input.shape:
        raise ArgumentError(
            f"fold: an output of {images[2]}×{images[3]} has {windows.columns[2]} windows, but input of shape "
            f"{input.shape} has {input.shape[2]}"
        )
    return _fold(windows, input)


def _fold(windows: _Windows, columns: Tensor) -> Tensor:
    dense = engine.contiguous(columns)
    out = engine.empty(windows.images, columns.dtype)
    engine.kernel_for(_fold2d, columns.dtype, "fold")(windows.c, dense.pointer, out.pointer)
    return record("fold", out, (columns,), (lambda grad: _unfold(windows, grad),))
