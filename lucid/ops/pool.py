"""Pooling: one number for each window of a plane. The layout is [batch, channels, height, width].

Signals [batch, channels, length] are planes of one row.
"""

from __future__ import annotations

import functools
import math
from typing import Any

from lucid import engine
from lucid.autograd.graph import detached_alias, record
from lucid.engine import ffi
from lucid.errors import ArgumentError, PositionError
from lucid.ops.activation import relu
from lucid.ops.arithmetic import abs, mul, sign
from lucid.ops.conv import LARGEST_IMAGE, check_types, pair
from lucid.ops.functions import pow
from lucid.ops.index import gather
from lucid.ops.view import reshape
from lucid.types import Tensor

_max_pool2d, _max_pool2d_backward = engine.kernels("max_pool2d"), engine.kernels("max_pool2d_backward")
_avg_pool2d, _avg_pool2d_backward = engine.kernels("avg_pool2d"), engine.kernels("avg_pool2d_backward")
_adaptive_max_pool2d = engine.kernels("adaptive_max_pool2d")
_adaptive_avg_pool2d = engine.kernels("adaptive_avg_pool2d")
_adaptive_avg_pool2d_backward = engine.kernels("adaptive_avg_pool2d_backward")


class _Planes:
    """The planes of inputs of one shape, checked once; and the windows laid over them, with the C structure for both.

    Attributes:
        dims: 1 for signals, 2 for images.
        before: the shape of the input.
        lead: its dimensions before the plane.
        sides: (height, width).
        out: the shape of the result.
    """

    __slots__ = ("before", "c", "dims", "flat", "lead", "operation", "out", "sides")

    def __init__(self, operation: str, shape: tuple[int, ...]) -> None:
        dims = 1 if operation.endswith("1d") else 2
        if len(shape) not in (dims + 1, dims + 2):
            layout = "[batch, channels, length]" if dims == 1 else "[batch, channels, height, width]"
            raise PositionError(f"{operation}: expects {layout}, or without batch, got shape {shape}")
        self.operation, self.dims = operation, dims
        self.before, self.lead = shape, shape[:-dims]
        self.flat = (*self.lead, math.prod(shape[-dims:]))
        self.sides: tuple[int, int] = (1, shape[-1]) if dims == 1 else (shape[-2], shape[-1])
        if min(self.sides) < 1:
            raise ArgumentError(f"{operation}: a plane without numbers has no windows (shape {shape})")

    def lay(self, windows: tuple[int, ...], kernel: Any, stride: Any, padding: Any, dilation: Any) -> None:
        """Sets the number of windows in each direction, and what they look like."""
        self.out = (*self.lead, *windows[-self.dims :])
        self.c = ffi.new(
            "pool2d_shape *",
            (math.prod(self.lead), *self.sides, *kernel, *stride, *padding, *dilation, *windows),
        )

    def fit(self, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> None:
        """Lays as many windows as fit."""
        operation = self.operation
        kernel, pad = pair(operation, "kernel_size", kernel_size, 1), pair(operation, "padding", padding, 0)
        whole = stride is None or (isinstance(stride, tuple | list) and not stride)
        steps = kernel if whole else pair(operation, "stride", stride, 1)
        apart = pair(operation, "dilation", dilation, 1)
        reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, apart, strict=True))
        if any(2 * p > r for p, r in zip(pad, reach, strict=True)):
            raise ArgumentError(
                f"{operation}: padding {padding} is more than half of kernel_size {kernel_size} "
                f"with dilation {dilation}"
            )
        if math.prod(size + 2 * p + r for size, p, r in zip(self.sides, pad, reach, strict=True)) > LARGEST_IMAGE:
            raise ArgumentError(f"{operation}: kernel_size {kernel_size} over shape {self.before} is too large")
        windows = tuple(
            _windows(size, r, s, p, ceil_mode) for size, r, s, p in zip(self.sides, reach, steps, pad, strict=True)
        )
        if min(windows) < 1:
            raise ArgumentError(
                f"{operation}: kernel_size {kernel_size} does not fit into the input of shape {self.before}"
            )
        useful = tuple(s if n > 1 else 1 for s, n in zip(steps, windows, strict=True))  # one window needs no step
        self.lay(windows, kernel, useful, pad, tuple(d if k > 1 else 1 for d, k in zip(apart, kernel, strict=True)))

    def divide(self, output_size: Any) -> None:
        """Lays a given number of windows, that together cover the plane."""
        each = tuple(output_size) if isinstance(output_size, tuple | list) else (output_size,)
        each = each * self.dims if len(each) == 1 else each
        wanted = tuple(s if n is None else n for n, s in zip(each, self.sides[-self.dims :], strict=False))
        wanted = pair(self.operation, "output_size", wanted if len(each) == self.dims else output_size, 0)
        if math.prod(wanted) > LARGEST_IMAGE:
            raise ValueError(f"{self.operation}: output_size {output_size} is too large")
        self.lay(wanted, (1, 1), (1, 1), (0, 0), (1, 1))


def _fitted(operation: str, input: Tensor, *options: Any) -> _Planes:
    """The planes of an input with as many windows as fit; for the options see :meth:`_Planes.fit`."""
    check_types(operation, input)
    return (_known_fit if all([_is_plain(option) for option in options]) else _fit)(operation, input.shape, *options)


def _fit(operation: str, shape: tuple[int, ...], *options: Any) -> _Planes:
    planes = _Planes(operation, shape)
    planes.fit(*options)
    return planes


def _divided(operation: str, input: Tensor, output_size: Any) -> _Planes:
    """The planes of an input, covered by a given number of windows."""
    check_types(operation, input)
    return (_known_division if _is_plain(output_size) else _divide)(operation, input.shape, output_size)


def _divide(operation: str, shape: tuple[int, ...], output_size: Any) -> _Planes:
    planes = _Planes(operation, shape)
    planes.divide(output_size)
    return planes


_known_fit = functools.lru_cache(maxsize=1024, typed=True)(_fit)
_known_division = functools.lru_cache(maxsize=1024, typed=True)(_divide)


def _is_plain(option: Any) -> bool:
    """Whether options that are equal to this one mean the same: not so where 2.0 == 2."""
    if option.__class__ is tuple:
        return all([part is None or part.__class__ is int for part in option])
    return option is None or option.__class__ is int or option.__class__ is bool


def _windows(size: int, reach: int, stride: int, padding: int, ceil_mode: bool) -> int:
    """How many windows there are along a dimension."""
    room = size + 2 * padding - reach
    count = -(-room // stride) + 1 if ceil_mode else room // stride + 1
    if ceil_mode and (count - 1) * stride >= size + padding:  # the last must begin inside the input or its left padding
        count -= 1
    return count


# ---------------------------------------------------------------------------------------------------------------------
# Maximum


def max_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element in each window of signals [batch, channels, length]; see :func:`max_pool2d`.

    Example:
        >>> import lucid
        >>> lucid.max_pool1d(lucid.tensor([[1.0, 3.0, 2.0, 0.0]]), 2).tolist()
        [[3.0, 2.0]]
    """
    planes = _fitted("max_pool1d", input, kernel_size, stride, padding, dilation, ceil_mode)
    return _max_pool(planes, _max_pool2d, input, return_indices)


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
        return_indices: also give the position in the plane that was picked (int64): of equals the first.

    Raises:
        ValueError: when shapes or options do not fit.

    Example:
        >>> import lucid
        >>> lucid.max_pool2d(lucid.arange(8.0).reshape(1, 2, 4), 2).tolist()
        [[[5.0, 7.0]]]
    """
    planes = _fitted("max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode)
    return _max_pool(planes, _max_pool2d, input, return_indices)


def _max_pool(planes: _Planes, kernel: engine.Kernels, input: Tensor, return_indices: bool) -> Any:
    dense = engine.contiguous(input)
    out, index = engine.empty(planes.out, input.dtype), engine.empty(planes.out, engine.int64)
    engine.kernel_for(kernel, input.dtype, planes.operation)(planes.c, dense.pointer, out.pointer, index.pointer)
    places = detached_alias(index)  # the index goes to the user, who may put other memory into it
    record(planes.operation, out, (input,), (lambda grad: _max_pool_grad(planes, grad, places),))
    return (out, index) if return_indices else out


def _max_pool_grad(planes: _Planes, grad: Tensor, index: Tensor) -> Tensor:
    """The gradient put where the largest elements stood."""
    dense = engine.contiguous(grad)
    out = engine.empty(planes.before, grad.dtype)
    _max_pool2d_backward[grad.dtype](planes.c, dense.pointer, index.pointer, out.pointer)

    def rule(g: Tensor) -> Tensor:
        places = reshape(index, (*planes.lead, math.prod(planes.out[len(planes.lead) :])))
        return reshape(gather(reshape(g, planes.flat), -1, places), index.shape)

    return record("max_pool_backward", out, (grad,), (rule,))


# ---------------------------------------------------------------------------------------------------------------------
# Average


def avg_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of signals [batch, channels, length]; see :func:`avg_pool2d`.

    Example:
        >>> import lucid
        >>> lucid.avg_pool1d(lucid.tensor([[1.0, 3.0, 2.0, 0.0]]), 2).tolist()
        [[2.0, 1.0]]
    """
    planes = _fitted("avg_pool1d", input, kernel_size, stride, padding, 1, ceil_mode)
    return _avg_pool(planes, input, count_include_pad, 0)


def avg_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window.

    Args:
        input: [batch, channels, height, width], or without batch.
        kernel_size: the window, one number or (height, width).
        stride: steps between windows; the window's size when None.
        padding: rows and columns of zeros around the input, at most half the window.
        ceil_mode: let a last window that begins inside reach over the edge.
        count_include_pad: whether the zeros count as numbers of the window.
        divisor_override: divide the sums by this, and not by how many numbers there are.

    Raises:
        ValueError: when shapes or options do not fit.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.avg_pool2d(lucid.arange(8.0).reshape(1, 2, 4), 2).tolist()
        [[[2.5, 4.5]]]
    """
    divisor = 0 if divisor_override is None else divisor_override
    if divisor_override == 0 or not isinstance(divisor, int) or not -(2**63) <= divisor < 2**63:
        raise ArgumentError(f"avg_pool2d: divisor_override must be an integer other than 0, got {divisor_override!r}")
    planes = _fitted("avg_pool2d", input, kernel_size, stride, padding, 1, ceil_mode)
    return _avg_pool(planes, input, count_include_pad, divisor)


def _avg_pool(planes: _Planes, input: Tensor, include: bool, divisor: int) -> Tensor:
    dense = engine.contiguous(input)
    out = engine.empty(planes.out, input.dtype)
    kernel = engine.kernel_for(_avg_pool2d, input.dtype, planes.operation)
    kernel(planes.c, bool(include), divisor, dense.pointer, out.pointer)
    rule = lambda grad: _avg_pool_grad(planes, grad, include, divisor)  # noqa: E731
    return record(planes.operation, out, (input,), (rule,))


def _avg_pool_grad(planes: _Planes, grad: Tensor, include: bool, divisor: int) -> Tensor:
    """The gradient of each mean shared out evenly over its window."""
    dense = engine.contiguous(grad)
    out = engine.empty(planes.before, grad.dtype)
    _avg_pool2d_backward[grad.dtype](planes.c, bool(include), divisor, dense.pointer, out.pointer)
    return record("avg_pool_backward", out, (grad,), (lambda g: _avg_pool(planes, g, include, divisor),))


# ---------------------------------------------------------------------------------------------------------------------
# Power mean


def lp_pool1d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The norm of each window of signals [batch, channels, length]; see :func:`lp_pool2d`.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.lp_pool1d(lucid.tensor([[3.0, 4.0]]), 2, 2).tolist()
        [[5.0]]
    """
    return _norm("lp_pool1d", input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """(Σ xᵖ)^(1/p) over each window.

    Args:
        input: [batch, channels, height, width], or without batch.
        norm_type: p, not 0. The powers are of x itself, as PyTorch's: for an odd p give positive numbers.
        kernel_size: the window, one number or (height, width).
        stride: steps between windows; the window's size when None.
        ceil_mode: let a last window that begins inside reach over the edge. Its sum is scaled up to a whole window.

    Raises:
        ValueError: when shapes or options do not fit.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.lp_pool2d(lucid.ones(1, 2, 4), 2, 2).tolist()
        [[[2.0, 2.0]]]
    """
    return _norm("lp_pool2d", input, norm_type, kernel_size, stride, ceil_mode)


def _norm(operation: str, input: Tensor, p: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Tensor:
    if p == 0:
        raise ArgumentError(f"{operation}: norm_type must not be 0")
    planes = _fitted(operation, input, kernel_size, stride, 0, 1, ceil_mode)
    means = _avg_pool(planes, pow(input, p), True, 0)
    powers = mul(mul(sign(means), relu(abs(means))), math.prod(pair(operation, "kernel_size", kernel_size, 1)))
    return pow(powers, 1 / p)


# ---------------------------------------------------------------------------------------------------------------------
# A given number of windows


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """The means of ``output_size`` windows over signals [batch, channels, length]; see :func:`adaptive_avg_pool2d`.

    Example:
        >>> import lucid
        >>> lucid.adaptive_avg_pool1d(lucid.tensor([[1.0, 3.0, 2.0, 0.0]]), 2).tolist()
        [[2.0, 1.0]]
    """
    planes = _divided("adaptive_avg_pool1d", input, output_size)
    return _adaptive_avg_pool(planes, input)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The means of a given number of windows, whatever the size of the images.

    Window i reaches from ⌊i·size / windows⌋ to ⌈(i + 1)·size / windows⌉: neighbours overlap where size is no multiple.

    Args:
        input: [batch, channels, height, width], or without batch.
        output_size: windows, one number or (height, width); None for as many as there are rows or columns.

    Raises:
        ValueError: when shapes do not fit.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.adaptive_avg_pool2d(lucid.ones(8, 64, 9, 7), (1, None)).shape
        (8, 64, 1, 7)
    """
    planes = _divided("adaptive_avg_pool2d", input, output_size)
    return _adaptive_avg_pool(planes, input)


def _adaptive_avg_pool(planes: _Planes, input: Tensor) -> Tensor:
    dense = engine.contiguous(input)
    out = engine.empty(planes.out, input.dtype)
    kernel = engine.kernel_for(_adaptive_avg_pool2d, input.dtype, planes.operation)
    kernel(planes.c, dense.pointer, out.pointer)
    return record(planes.operation, out, (input,), (lambda grad: _adaptive_avg_pool_grad(planes, grad),))


def _adaptive_avg_pool_grad(planes: _Planes, grad: Tensor) -> Tensor:
    dense = engine.contiguous(grad)
    out = engine.empty(planes.before, grad.dtype)
    _adaptive_avg_pool2d_backward[grad.dtype](planes.c, dense.pointer, out.pointer)
    return record("adaptive_avg_pool_backward", out, (grad,), (lambda g: _adaptive_avg_pool(planes, g),))


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest elements of ``output_size`` windows over signals; see :func:`adaptive_max_pool2d`.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.adaptive_max_pool1d(lucid.tensor([[1.0, 3.0, 2.0]]), 2).tolist()
        [[3.0, 3.0]]
    """
    planes = _divided("adaptive_max_pool1d", input, output_size)
    return _max_pool(planes, _adaptive_max_pool2d, input, return_indices)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest elements of a given number of windows, laid as in :func:`adaptive_avg_pool2d`.

    Args:
        input: [batch, channels, height, width], or without batch.
        output_size: windows, one number or (height, width); None for as many as there are rows or columns.
        return_indices: also give the position in the plane that was picked (int64): of equals the first.

    Raises:
        ValueError: when shapes do not fit.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.adaptive_max_pool2d(lucid.arange(12.0).reshape(1, 3, 4), (1, 2)).tolist()
        [[[9.0, 11.0]]]
    """
    planes = _divided("adaptive_max_pool2d", input, output_size)
    return _max_pool(planes, _adaptive_max_pool2d, input, return_indices)
