"""Two-dimensional convolution and max-pooling. The layout is [batch, channels, height, width]."""

from __future__ import annotations

from typing import Any

from lucid import engine
from lucid.autograd.graph import Value, record
from lucid.engine import ffi, pointer_or_null
from lucid.ops.broadcast import sum
from lucid.ops.elementwise import Tensor
from lucid.ops.index import gather
from lucid.ops.picking import getitem
from lucid.ops.view import reshape

_conv2d = engine.kernels("conv2d")
_conv2d_backward_input = engine.kernels("conv2d_backward_input")
_conv2d_backward_weight = engine.kernels("conv2d_backward_weight")
_max_pool2d, _max_pool2d_backward = engine.kernels("max_pool2d"), engine.kernels("max_pool2d_backward")


def pair(operation: str, name: str, value: Any, least: int) -> tuple[int, int]:
    """One number for both directions, or one for each.

    Raises:
        ValueError: for another count of numbers, or one below ``least``.
    """
    both = (value, value) if isinstance(value, int) else tuple(value)
    if len(both) == 1:
        both = both * 2
    if len(both) != 2 or any(not isinstance(v, int) or isinstance(v, bool) for v in both) or min(both) < least:
        raise ValueError(f"{operation}: {name} must be one or two integers of at least {least}, got {value!r}")
    return both


LARGEST_IMAGE = 2**30  # numbers in a padded channel; the engine's working memory grows with it


class _Geometry:
    """The sizes of one convolution, checked once; the C structure lives as long as this."""

    __slots__ = ("c", "out", "weight", "x")

    def __init__(
        self, x: tuple[int, ...], weight: tuple[int, ...], stride: Any, padding: Any, dilation: Any, groups: int
    ) -> None:
        operation = "conv2d"
        if len(x) != 4 or len(weight) != 4:
            raise ValueError(
                f"{operation}: expects input [batch, channels, height, width] and weight [out_channels, "
                f"in_channels / groups, height, width], got shapes {x} and {weight}"
            )
        if not isinstance(groups, int) or groups < 1:
            raise ValueError(f"{operation}: groups must be a positive integer, got {groups!r}")
        if x[1] != weight[1] * groups:
            raise ValueError(
                f"{operation}: input has {x[1]} channels (shape {x}) but weight expects {weight[1] * groups} "
                f"(shape {weight}, groups={groups})"
            )
        if weight[0] % groups:
            raise ValueError(f"{operation}: {weight[0]} out_channels cannot be split into {groups} groups")
        (sh, sw), (dh, dw) = pair(operation, "stride", stride, 1), pair(operation, "dilation", dilation, 1)
        ph, pw = pair(operation, "padding", padding, 0)
        reach_h, reach_w = dh * (weight[2] - 1) + 1, dw * (weight[3] - 1) + 1
        out_h, out_w = (x[2] + 2 * ph - reach_h) // sh + 1, (x[3] + 2 * pw - reach_w) // sw + 1
        if (x[2] + 2 * ph) * (x[3] + 2 * pw) > LARGEST_IMAGE:
            raise ValueError(f"{operation}: an input of {x[2]}×{x[3]} with padding {padding} is too large")
        if min(weight[2:]) < 1 or out_h < 1 or out_w < 1:
            raise ValueError(
                f"{operation}: a kernel that reaches over {reach_h}×{reach_w} does not fit into the padded input "
                f"of {x[2] + 2 * ph}×{x[3] + 2 * pw}"
            )
        sh, sw = sh if out_h > 1 else 1, sw if out_w > 1 else 1  # one place needs no step, however long
        self.x, self.weight, self.out = x, weight, (x[0], weight[0], out_h, out_w)
        self.c = ffi.new(
            "conv2d_shape *", (*x, weight[0], weight[2], weight[3], sh, sw, ph, pw, dh, dw, groups, out_h, out_w)
        )


def _check_types(operation: str, *tensors: Tensor | None) -> None:
    given = [x for x in tensors if x is not None]
    for x in given:
        if not isinstance(x, Value):
            raise TypeError(f"{operation}: expected a tensor, got {type(x).__name__}")
    if len({x.dtype for x in given}) > 1:
        raise TypeError(
            f"{operation}: operands are {', '.join(map(str, (x.dtype for x in given)))}; convert with .to()"
        )


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
    """
    _check_types("conv2d", input, weight, bias)
    if len(input.shape) == 3:
        out = conv2d(reshape(input, (1, *input.shape)), weight, bias, stride, padding, dilation, groups)
        return reshape(out, out.shape[1:])
    extra = (0, 0)
    if isinstance(padding, str):
        padding, extra = _named_padding(padding, weight, stride, dilation)
    geometry = _Geometry(input.shape, weight.shape, stride, padding, dilation, groups)
    if bias is not None and bias.shape != (weight.shape[0],):
        raise ValueError(f"conv2d: bias has shape {bias.shape} but weight gives {weight.shape[0]} channels")
    out = _forward(geometry, input, weight, bias)
    return getitem(out, (..., slice(extra[0], None), slice(extra[1], None))) if any(extra) else out


def _named_padding(padding: str, weight: Tensor, stride: Any, dilation: Any) -> tuple[Any, tuple[int, int]]:
    """Padding in numbers; and how many rows and columns of the result are to be dropped in front, because the same
    number of zeros was put on both sides."""
    if padding == "valid":
        return 0, (0, 0)
    if padding != "same":
        raise ValueError(f"conv2d: padding must be numbers, 'same' or 'valid', got {padding!r}")
    if pair("conv2d", "stride", stride, 1) != (1, 1):
        raise ValueError(f"conv2d: padding='same' needs stride 1, got {stride}")
    total = [d * (k - 1) for d, k in zip(pair("conv2d", "dilation", dilation, 1), weight.shape[2:], strict=True)]
    height, width = total
    return ((height + 1) // 2, (width + 1) // 2), (height % 2, width % 2)


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


def max_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element in each window; NaN if there is one.

    Args:
        input: [batch, channels, height, width], or without batch.
        kernel_size: the window, one number or (height, width).
        stride: steps between windows; the window's size when None.
        padding: rows and columns of −∞ around the input, at most half the window (what it reaches over).
        dilation: steps between the window's elements.
        ceil_mode: let a last window that begins inside reach over the edge.
        return_indices: also give the position in the plane that was picked (int64).

    Raises:
        ValueError: when shapes or options do not fit.
    """
    _check_types("max_pool2d", input)
    if len(input.shape) not in (3, 4):
        raise ValueError(f"max_pool2d: expects [batch, channels, height, width], got shape {input.shape}")
    (kh, kw), (ph, pw) = pair("max_pool2d", "kernel_size", kernel_size, 1), pair("max_pool2d", "padding", padding, 0)
    sh, sw = (kh, kw) if stride is None else pair("max_pool2d", "stride", stride, 1)
    dh, dw = pair("max_pool2d", "dilation", dilation, 1)
    if 2 * ph > dh * (kh - 1) + 1 or 2 * pw > dw * (kw - 1) + 1:
        raise ValueError(
            f"max_pool2d: padding {padding} is more than half of kernel_size {kernel_size} with dilation {dilation}"
        )
    *lead, height, width = input.shape
    out_h = _windows(height, kh, sh, ph, dh, ceil_mode)
    out_w = _windows(width, kw, sw, pw, dw, ceil_mode)
    if out_h < 1 or out_w < 1:
        raise ValueError(f"max_pool2d: kernel_size {kernel_size} does not fit into the input of shape {input.shape}")
    dense = engine.contiguous(input)
    shape = (*lead, out_h, out_w)
    out, index = engine.empty(shape, input.dtype), engine.empty(shape, engine.int64)
    planes = out.array.size // (out_h * out_w)
    geometry = ffi.new("pool2d_shape *", (planes, height, width, kh, kw, sh, sw, ph, pw, dh, dw, out_h, out_w))
    engine.kernel_for(_max_pool2d, input.dtype, "max_pool2d")(geometry, dense.pointer, out.pointer, index.pointer)
    before = input.shape
    record("max_pool2d", out, (input,), (lambda grad: _max_pool2d_grad(geometry, grad, index, before),))
    return (out, index) if return_indices else out


def _windows(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """How many windows there are along a dimension."""
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    count = -(-room // stride) + 1 if ceil_mode else room // stride + 1
    if ceil_mode and (count - 1) * stride >= size + padding:  # the last must begin inside the input or its left padding
        count -= 1
    return count


def _max_pool2d_grad(geometry: Any, grad: Tensor, index: Tensor, before: tuple[int, ...]) -> Tensor:
    """The gradient put where the largest elements stood."""
    dense = engine.contiguous(grad)
    out = engine.empty(before, grad.dtype)
    _max_pool2d_backward[grad.dtype](geometry, dense.pointer, index.pointer, out.pointer)

    def rule(g: Tensor) -> Tensor:
        planes = reshape(g, (*before[:-2], before[-2] * before[-1]))
        return reshape(gather(planes, -1, reshape(index, (*index.shape[:-2], -1))), index.shape)

    return record("max_pool2d_backward", out, (grad,), (rule,))
