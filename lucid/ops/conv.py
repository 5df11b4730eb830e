"""Convolution and transposed convolution. The layout is [batch, channels, height, width].

Signals [batch, channels, length] are images of one row.
A transposed convolution is the input gradient of a convolution.
"""

from __future__ import annotations

import functools
from typing import Any

from lucid import engine
from lucid.autograd.graph import record
from lucid.engine import ffi, pointer_or_null
from lucid.errors import ArgumentError, KindError
from lucid.ops.arithmetic import add
from lucid.ops.broadcast import sum
from lucid.ops.elementwise import need_tensor
from lucid.ops.picking import getitem
from lucid.ops.view import reshape
from lucid.types import Tensor

_conv2d = engine.kernels("conv2d")
_conv2d_backward_input = engine.kernels("conv2d_backward_input")
_conv2d_backward_weight = engine.kernels("conv2d_backward_weight")


def several(operation: str, name: str, value: Any, count: int, least: int) -> tuple[int, ...]:
    """One number for all ``count`` directions, or one for each.

    Raises:
        ValueError: for another count of numbers, or one below ``least``.
    """
    if value.__class__ is int and value >= least:
        return (value,) * count
    each = tuple(value) if isinstance(value, tuple | list) else (value,)
    if len(each) == 1:
        each = each * count
    if len(each) != count or any(not isinstance(v, int) or isinstance(v, bool) for v in each) or min(each) < least:
        counts = "one integer" if count == 1 else "one or two integers"
        raise ArgumentError(f"{operation}: {name} must be {counts} of at least {least}, got {value!r}")
    return each


def pair(operation: str, name: str, value: Any, least: int) -> tuple[int, int]:
    """One number for both directions, or (height, width).

    An operation on signals is given the width alone: its images have one row, and so have its windows.
    """
    if operation.endswith("1d"):
        (width,) = several(operation, name, value, 1, least)
        return (0 if name in ("padding", "output_padding") else 1), width
    height, width = several(operation, name, value, 2, least)
    return height, width


def shown(operation: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape as the user of the operation knows it: signals have no height."""
    return (*shape[:-2], shape[-1]) if operation.endswith("1d") else shape


def as_images(x: Tensor) -> Tensor:
    """Signals [..., length] as images of one row."""
    return reshape(x, (*x.shape[:-1], 1, x.shape[-1]))


def as_signals(x: Tensor) -> Tensor:
    """Images of one row as signals [..., length]."""
    return reshape(x, (*x.shape[:-2], x.shape[-1]))


LARGEST_IMAGE = 2**30  # numbers in a padded channel; the engine's working memory grows with it


class _Geometry:
    """The sizes of one convolution, checked once; the C structure lives as long as this."""

    __slots__ = ("c", "out", "weight", "x")

    def __init__(
        self,
        operation: str,
        x: tuple[int, ...],
        weight: tuple[int, ...],
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int],
        groups: int,
        places: tuple[int, ...] | None = None,
    ) -> None:
        """``places`` says how many places of the kernel there are, where not as many as fit."""
        (sh, sw), (ph, pw), (dh, dw) = stride, padding, dilation
        reach_h, reach_w = dh * (weight[2] - 1) + 1, dw * (weight[3] - 1) + 1
        fitting = (x[2] + 2 * ph - reach_h) // sh + 1, (x[3] + 2 * pw - reach_w) // sw + 1
        out_h, out_w = places or fitting
        if (x[2] + 2 * ph) * (x[3] + 2 * pw) > LARGEST_IMAGE:
            raise ArgumentError(f"{operation}: an image of {x[2]}×{x[3]} with padding {padding} is too large")
        if min(weight[2:]) < 1 or out_h < 1 or out_w < 1:
            raise ArgumentError(
                f"{operation}: a kernel that reaches over {reach_h}×{reach_w} does not fit into the padded input "
                f"of {x[2] + 2 * ph}×{x[3] + 2 * pw}"
            )
        sh, sw = sh if out_h > 1 else 1, sw if out_w > 1 else 1  # one place needs no step, however long
        self.x, self.weight, self.out = x, weight, (x[0], weight[0], out_h, out_w)
        self.c = ffi.new(
            "conv2d_shape *", (*x, weight[0], weight[2], weight[3], sh, sw, ph, pw, dh, dw, groups, out_h, out_w)
        )


def check_types(operation: str, input: Tensor, *others: Tensor | None) -> None:
    """Tensors of one number type; the first must be there, the others may be None."""
    given = [input, *[x for x in others if x is not None]]
    alike = True
    for x in given:
        need_tensor(operation, x)
        alike = alike and x.dtype is input.dtype
    if not alike:
        raise KindError(f"{operation}: operands are {', '.join([str(x.dtype) for x in given])}; convert with .to()")


_geometry = functools.lru_cache(maxsize=1024)(_Geometry)


def _check_shapes(operation: str, input: Tensor, weight: Tensor, bias: Tensor | None, groups: Any, layout: str) -> None:
    need_tensor(operation, weight)
    check_types(operation, input, weight, bias)
    engine.kernel_for(_conv2d, input.dtype, operation)
    sides = 1 if operation.endswith("1d") else 2
    if len(input.shape) not in (sides + 1, sides + 2) or len(weight.shape) != sides + 2:
        side = "length" if sides == 1 else "height, width"
        raise ArgumentError(
            f"{operation}: expects input [batch, channels, {side}], or without batch, and weight [{layout}, {side}], "
            f"got shapes {input.shape} and {weight.shape}"
        )
    if not isinstance(groups, int) or groups < 1:
        raise ArgumentError(f"{operation}: groups must be a positive integer, got {groups!r}")


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlation of signals with kernels: :func:`conv2d` in one dimension.

    Args:
        input: [batch, in_channels, length], or without batch.
        weight: [out_channels, in_channels / groups, kernel_size].
        bias: [out_channels], or None.
        stride: steps between places.
        padding: zeros put at both ends; or ``"valid"`` (none) or ``"same"`` (as many as keep the length).
        dilation: steps between the kernel's elements.
        groups: the channels are split into so many groups that do not mix.

    Returns:
        [batch, out_channels, ⌊(length + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋ + 1].

    Raises:
        ValueError: when shapes or options do not fit.
        TypeError: for tensors of different number types, or integers.

    Example:
        >>> import lucid
        >>> lucid.conv1d(lucid.arange(5.0).reshape(1, 1, 5), lucid.tensor([[[-1.0, 1.0]]])).tolist()
        [[[1.0, 1.0, 1.0, 1.0]]]
    """
    _check_shapes("conv1d", input, weight, bias, groups, "out_channels, in_channels / groups")
    return as_signals(_conv("conv1d", as_images(input), as_images(weight), bias, stride, padding, dilation, groups))


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlation of images with kernels, as PyTorch's conv2d.

    out[b, o, i, j] = bias[o] + Σ_{c, u, v} weight[o, c, u, v] · x[b, c, i·stride + u·dilation − padding, ...]

    Args:
        input: [batch, in_channels, height, width], or without batch.
        weight: [out_channels, in_channels / groups, kernel_height, kernel_width].
        bias: [out_channels], or None.
        stride: steps between places, one number or (height, width).
        padding: zeros put around the input; or ``"valid"`` (none) or ``"same"`` (as many as keep the size; where they
            cannot be split evenly, one more at the end).
        dilation: steps between the kernel's elements.
        groups: the channels are split into so many groups that do not mix.

    Returns:
        [batch, out_channels, out_height, out_width], of sizes
        ⌊(size + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1.

    Raises:
        ValueError: when shapes or options do not fit.
        TypeError: for tensors of different number types, or integers.

    Example:
        >>> import lucid
        >>> lucid.conv2d(lucid.ones(1, 1, 3, 3), lucid.ones(1, 1, 2, 2), padding="same").tolist()
        [[[[4.0, 4.0, 2.0], [4.0, 4.0, 2.0], [2.0, 2.0, 1.0]]]]
    """
    _check_shapes("conv2d", input, weight, bias, groups, "out_channels, in_channels / groups")
    return _conv("conv2d", input, weight, bias, stride, padding, dilation, groups)


def _conv(
    operation: str,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Tensor:
    """The convolution of images."""
    if len(input.shape) == 3:
        return _without_batch(_conv, operation, input, weight, bias, stride, padding, dilation, groups)
    if input.shape[1] != weight.shape[1] * groups:
        raise ArgumentError(
            f"{operation}: input has {input.shape[1]} channels (shape {shown(operation, input.shape)}) but weight "
            f"expects {weight.shape[1] * groups} (shape {shown(operation, weight.shape)}, groups={groups})"
        )
    if weight.shape[0] % groups:
        raise ArgumentError(f"{operation}: {weight.shape[0]} out_channels cannot be split into {groups} groups")
    stride, dilation = pair(operation, "stride", stride, 1), pair(operation, "dilation", dilation, 1)
    extra = (0, 0)
    if isinstance(padding, str):
        padding, extra = _named_padding(operation, padding, weight, stride, dilation)
    else:
        padding = pair(operation, "padding", padding, 0)
    geometry = _geometry(operation, input.shape, weight.shape, stride, padding, dilation, groups)
    if bias is not None and bias.shape != (weight.shape[0],):
        raise ArgumentError(f"{operation}: bias has shape {bias.shape} but weight gives {weight.shape[0]} channels")
    out = _forward(geometry, input, weight, bias)
    return getitem(out, (..., slice(extra[0], None), slice(extra[1], None))) if any(extra) else out


def _without_batch(function: Any, operation: str, input: Tensor, *options: Any) -> Tensor:
    """One image, as a batch of one."""
    out = function(operation, reshape(input, (1, *input.shape)), *options)
    return reshape(out, out.shape[1:])


def _named_padding(
    operation: str, padding: str, weight: Tensor, stride: tuple[int, int], dilation: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Padding in numbers; and how many rows and columns of the result are to be dropped in front, because the same
    number of zeros was put on both sides."""
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding != "same":
        raise ArgumentError(f"{operation}: padding must be numbers, 'same' or 'valid', got {padding!r}")
    if stride != (1, 1):
        raise ArgumentError(f"{operation}: padding='same' needs stride 1, got {shown(operation, stride)}")
    height, width = (d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True))
    return ((height + 1) // 2, (width + 1) // 2), (height % 2, width % 2)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Each number of the signals spread by a kernel: :func:`conv_transpose2d` in one dimension.

    Args:
        input: [batch, in_channels, length], or without batch.
        weight: [in_channels, out_channels / groups, kernel_size].
        bias: [out_channels], or None.
        stride: steps between the places of neighbours in the result.
        padding: numbers cut off at both ends of the result.
        output_padding: numbers fewer cut off at its end; smaller than stride or dilation.
        groups: the channels are split into so many groups that do not mix.
        dilation: steps between the kernel's elements.

    Returns:
        [batch, out_channels,
        (length − 1)·stride − 2·padding + dilation·(kernel_size − 1) + output_padding + 1].

    Raises:
        ValueError: when shapes or options do not fit.
        TypeError: for tensors of different number types, or integers.

    Example:
        >>> import lucid
        >>> lucid.conv_transpose1d(lucid.tensor([[[1.0, 2.0]]]), lucid.ones(1, 1, 3), stride=2).tolist()
        [[[1.0, 1.0, 3.0, 2.0, 2.0]]]
    """
    _check_shapes("conv_transpose1d", input, weight, bias, groups, "in_channels, out_channels / groups")
    images, kernels = as_images(input), as_images(weight)
    return as_signals(
        _conv_transpose("conv_transpose1d", images, kernels, bias, stride, padding, output_padding, groups, dilation)
    )


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Each number of the images spread by a kernel: what takes conv2d's output gradient to its input gradient.

    out[b, o, i·stride + u·dilation − padding, ...] = bias[o] + Σ weight[c, o, u, v] · x[b, c, i, j],
    summed over all c, i, j, u, v that come to that place.

    Args:
        input: [batch, in_channels, height, width], or without batch.
        weight: [in_channels, out_channels / groups, kernel_height, kernel_width].
        bias: [out_channels], or None.
        stride: steps between the places of neighbours in the result, one number or (height, width).
        padding: rows and columns cut off at all sides of the result.
        output_padding: rows and columns fewer cut off at its end; smaller than stride or dilation.
        groups: the channels are split into so many groups that do not mix.
        dilation: steps between the kernel's elements.

    Returns:
        [batch, out_channels, out_height, out_width], of sizes
        (size − 1)·stride − 2·padding + dilation·(kernel − 1) + output_padding + 1.

    Raises:
        ValueError: when shapes or options do not fit.
        TypeError: for tensors of different number types, or integers.

    Source: Zeiler et al., "Deconvolutional Networks", CVPR 2010.

    Example:
        >>> import lucid
        >>> lucid.conv_transpose2d(lucid.ones(1, 4, 5, 5), lucid.ones(4, 2, 3, 3), stride=2, output_padding=1).shape
        (1, 2, 12, 12)
    """
    operation = "conv_transpose2d"
    _check_shapes(operation, input, weight, bias, groups, "in_channels, out_channels / groups")
    return _conv_transpose(operation, input, weight, bias, stride, padding, output_padding, groups, dilation)


def _conv_transpose(
    operation: str,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    """The transposed convolution of images."""
    if len(input.shape) == 3:
        options = (weight, bias, stride, padding, output_padding, groups, dilation)
        return _without_batch(_conv_transpose, operation, input, *options)
    if input.shape[1] != weight.shape[0]:
        raise ArgumentError(
            f"{operation}: input has {input.shape[1]} channels (shape {shown(operation, input.shape)}) but weight "
            f"expects {weight.shape[0]} (shape {shown(operation, weight.shape)})"
        )
    if weight.shape[0] % groups:
        raise ArgumentError(f"{operation}: {weight.shape[0]} in_channels cannot be split into {groups} groups")
    channels = weight.shape[1] * groups
    if bias is not None and bias.shape != (channels,):
        raise ArgumentError(f"{operation}: bias has shape {bias.shape} but weight gives {channels} channels")
    stride, dilation = pair(operation, "stride", stride, 1), pair(operation, "dilation", dilation, 1)
    padding, more = pair(operation, "padding", padding, 0), pair(operation, "output_padding", output_padding, 0)
    if any(m >= s and m >= d for m, s, d in zip(more, stride, dilation, strict=True)):
        raise ArgumentError(f"{operation}: output_padding {output_padding} must be smaller than stride or dilation")
    sizes = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + m + 1
        for n, s, p, d, k, m in zip(input.shape[2:], stride, padding, dilation, weight.shape[2:], more, strict=True)
    )
    if min(sizes) < 1 or min(input.shape[2:]) < 1:
        raise ArgumentError(
            f"{operation}: input of shape {shown(operation, input.shape)} with padding {shown(operation, padding)} "
            f"gives a result of size {shown(operation, sizes)}; it must have at least one number"
        )
    out_shape = (input.shape[0], channels, *sizes)
    geometry = _geometry(operation, out_shape, weight.shape, stride, padding, dilation, groups, input.shape[2:])
    engine.kernel_for(_conv2d_backward_input, input.dtype, operation)
    out = _backward_input(geometry, input, weight)
    return out if bias is None else add(out, reshape(bias, (-1, 1, 1)))


def _forward(geometry: _Geometry, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    dense, dense_weight = engine.contiguous(x), engine.contiguous(weight)
    dense_bias = None if bias is None else engine.contiguous(bias)
    out = engine.empty(geometry.out, x.dtype)
    engine.kernel_for(_conv2d, x.dtype, "conv2d")(
        geometry.c, dense.pointer, dense_weight.pointer, pointer_or_null(dense_bias), 0, out.pointer
    )
    return record("conv2d", out, (x, weight, bias), _rules(geometry), (x, weight))


def _rules(geometry: _Geometry) -> tuple[Any, ...]:
    """Convolution is linear in the input and in the weight, so its derivatives are each other's."""
    return (
        lambda grad, x, weight: _backward_input(geometry, grad, weight),
        lambda grad, x, weight: _backward_weight(geometry, x, grad),
        lambda grad, x, weight: sum(grad, (0, 2, 3)),
    )


def _backward_input(geometry: _Geometry, grad: Tensor, weight: Tensor) -> Tensor:
    dense, dense_weight = engine.contiguous(grad), engine.contiguous(weight)
    out = engine.empty(geometry.x, grad.dtype)
    _conv2d_backward_input[grad.dtype](geometry.c, dense.pointer, dense_weight.pointer, out.pointer)
    rules = (
        lambda g, grad, weight: _forward(geometry, g, weight, None),
        lambda g, grad, weight: _backward_weight(geometry, g, grad),
    )
    return record("conv2d_backward_input", out, (grad, weight), rules, (grad, weight))


def _backward_weight(geometry: _Geometry, x: Tensor, grad: Tensor) -> Tensor:
    dense, dense_grad = engine.contiguous(x), engine.contiguous(grad)
    out = engine.empty(geometry.weight, grad.dtype)
    _conv2d_backward_weight[grad.dtype](geometry.c, dense.pointer, dense_grad.pointer, out.pointer, engine.NULL)
    rules = (
        lambda g, x, grad: _backward_input(geometry, grad, g),
        lambda g, x, grad: _forward(geometry, x, g, None),
    )
    return record("conv2d_backward_weight", out, (x, grad), rules, (x, grad))
