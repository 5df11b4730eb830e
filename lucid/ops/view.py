"""Views and casts: the same numbers seen in another shape, and the same shape in another number type.

Shapes and strides are NumPy's work; no number is touched, except by ``contiguous``, ``clone`` and ``to``.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, record
from lucid.autograd.views import view_of
from lucid.devices import check_device, names_device
from lucid.engine import strides_of
from lucid.errors import ArgumentError, KindError, PositionError
from lucid.types import Tensor


def wrap_dim(operation: str, dim: int, ndim: int) -> int:
    """``dim`` counted from the front.

    Raises:
        IndexError: when there is no such dimension.
    """
    if dim.__class__ is int and -ndim <= dim < ndim:
        return dim if dim >= 0 else dim + ndim
    dim = operator.index(dim)
    size = max(ndim, 1)
    if not -size <= dim < size:
        raise PositionError(
            f"{operation}: dim {dim} is out of range for a tensor of {ndim} dimensions ({-size} to {size - 1})"
        )
    return dim % size


def sizes(args: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape given as several numbers or as one sequence."""
    if len(args) == 1 and not isinstance(args[0], int) and hasattr(args[0], "__iter__"):
        args = tuple(args[0])
    for size in args:
        if size.__class__ is not int:
            return tuple(map(operator.index, args))
    return args


def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The same numbers in order, in another shape; a view where the memory allows, else a copy.

    Args:
        input: [any shape].
        shape: the new sizes, as numbers or one sequence; one may be -1 and is found from the rest.

    Raises:
        ValueError: when the number of elements does not fit.

    Example:
        >>> import lucid
        >>> lucid.arange(6).reshape(2, -1).tolist()
        [[0, 1, 2], [3, 4, 5]]
    """
    before = input.shape
    return _reshaped(input, resolve_shape("reshape", before, sizes(shape)))


def _reshaped(input: Tensor, wanted: tuple[int, ...], name: str = "reshape") -> Tensor:
    """The tensor in a shape that is known to fit."""
    before = input.shape
    rule = lambda grad: _reshaped(grad, before)  # noqa: E731
    if input.strides is None:
        return view_of(name, input, input.array.reshape(wanted), wanted, None, 0, rule)
    if reshape_strides(before, input.strides, wanted) is None:
        dense = engine.contiguous(input)
        copy = engine.view(dense, dense.array.reshape(wanted), 0)
        copy.base = None
        return record(name, copy, (input,), (rule,))
    array = input.array.reshape(wanted)
    return view_of(name, input, array, wanted, strides_of(array, input.dtype), 0, rule)


@functools.lru_cache(maxsize=4096)
def reshape_strides(
    shape: tuple[int, ...], strides: tuple[int, ...], wanted: tuple[int, ...]
) -> tuple[int, ...] | None:
    """The strides with which memory of this shape can be seen as ``wanted``; None when it has to be copied."""
    if not math.prod(shape):
        return engine.dense_strides(wanted)
    runs: list[tuple[int, int]] = []  # (numbers, step) of neighbouring dimensions that are one in memory, last first
    for size, step in reversed([pair for pair in zip(shape, strides, strict=True) if pair[0] != 1]):
        if runs and step == runs[-1][0] * runs[-1][1]:
            runs[-1] = runs[-1][0] * size, runs[-1][1]
        else:
            runs.append((size, step))
    found: list[int] = []
    left, step, place = 1, 1, 0
    for size in reversed(wanted):
        if left == 1 and size != 1:
            left, step = runs[place]
            place += 1
        if left % size:
            return None
        found.append(step)
        left, step = left // size, step * size
    return tuple(reversed(found))


@functools.lru_cache(maxsize=4096)
def resolve_shape(operation: str, before: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[int, ...]:
    """``wanted`` with its -1 filled in.

    Raises:
        ValueError: when it cannot hold as many elements as ``before``.
    """
    count = math.prod(before)
    if wanted.count(-1) == 1:
        known = math.prod(s for s in wanted if s != -1)
        if known > 0 and count % known == 0:
            wanted = tuple(count // known if s == -1 else s for s in wanted)
        elif known == 0 and count == 0:
            raise ArgumentError(
                f"{operation}: -1 in {wanted} is ambiguous, because the other sizes already give 0 elements"
            )
    if any(s < 0 for s in wanted) or math.prod(wanted) != count:
        raise ArgumentError(f"{operation}: shape {before} has {count} elements and cannot become {wanted}")
    return wanted


def view(input: Tensor, *shape: Any) -> Tensor:
    """As :func:`reshape`, but always a view.

    Raises:
        RuntimeError: when the memory layout does not allow it; use ``reshape``.
        TypeError: for a dtype: the memory is not seen as other numbers; use ``to``.

    Example:
        >>> import lucid
        >>> lucid.zeros(4, 2).view(8).shape
        (8,)
    """
    if len(shape) == 1 and type(shape[0]) is engine.dtype:
        if shape[0] is input.dtype:
            return _reshaped(input, input.shape)
        raise KindError(f"view: {input.dtype} memory cannot be seen as {shape[0]}; use to({shape[0]}) to convert")
    wanted = resolve_shape("view", input.shape, sizes(shape))
    if (
        input.strides is not None
        and input.array.size
        and not np.may_share_memory(input.array.reshape(wanted), input.array)
    ):
        raise RuntimeError(
            f"view: shape {input.shape} with strides {input.strides} cannot become {wanted} without a copy; use reshape"
        )
    return _reshaped(input, wanted)


def permute(input: Tensor, *dims: Any) -> Tensor:
    """The dimensions in another order, as a view: dimension i of the result is ``dims[i]`` of the input.

    Raises:
        ValueError: when dims is not an order of all dimensions.

    Example:
        >>> import lucid
        >>> lucid.zeros(2, 3, 4).permute(2, 0, 1).shape
        (4, 2, 3)
    """
    order, back = _order(input.shape, sizes(dims))
    return _permuted(input, order, back)


def _permuted(input: Tensor, order: tuple[int, ...], back: tuple[int, ...]) -> Tensor:
    """The dimensions in an order that is known to be one."""
    array = input.array.transpose(order)
    strides = strides_of(array, input.dtype)
    return view_of("permute", input, array, array.shape, strides, 0, lambda grad: _permuted(grad, back, order))


@functools.lru_cache(maxsize=4096)
def _order(shape: tuple[int, ...], dims: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """An order of dimensions counted from the front, and the one that undoes it."""
    ndim = len(shape)
    order = tuple(wrap_dim("permute", d, ndim) for d in dims) if ndim else ()
    if sorted(order) != list(range(ndim)) or len(dims) != ndim:
        raise ArgumentError(f"permute: {dims} is not an order of the {ndim} dimensions of shape {shape}")
    return order, tuple(order.index(d) for d in range(ndim))


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged, as a view.

    Example:
        >>> import lucid
        >>> lucid.zeros(2, 3, 4).transpose(0, -1).shape
        (4, 3, 2)
    """
    ndim = len(input.shape)
    if not (dim0.__class__ is dim1.__class__ is int and -ndim <= dim0 < ndim and -ndim <= dim1 < ndim):
        dim0, dim1 = wrap_dim("transpose", dim0, ndim), wrap_dim("transpose", dim1, ndim)
    array = input.array.swapaxes(dim0, dim1) if ndim else input.array.view()
    rule = lambda grad: transpose(grad, dim0, dim1)  # noqa: E731
    return view_of("transpose", input, array, array.shape, strides_of(array, input.dtype), 0, rule)


def reverse(input: Tensor) -> Tensor:
    """The dimensions in reverse order, as a view: ``x.T``."""
    array = input.array.T
    return view_of("permute", input, array, array.shape, strides_of(array, input.dtype), 0, reverse)


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; a vector or a scalar stays as it is.

    Raises:
        ValueError: for more than two dimensions; use ``transpose`` or ``permute``.
    """
    if len(input.shape) > 2:
        raise ArgumentError(f"t: expects at most 2 dimensions, got shape {input.shape}; use transpose or permute")
    return reverse(input) if len(input.shape) == 2 else reshape(input, input.shape)


def flip(input: Tensor, *axes: Any, dims: Any = None) -> Tensor:
    """The elements in reverse order along ``dims``, one or several, as a copy.

    Args:
        input: [any shape].
        axes: the dimensions, as numbers or one sequence.
        dims: the same, by name.

    Example:
        >>> import lucid
        >>> lucid.tensor([[1, 2], [3, 4]]).flip(0).tolist()
        [[3, 4], [1, 2]]
    """
    wanted = sizes(axes if dims is None else (dims,))
    along = {wrap_dim("flip", d, len(input.shape)) for d in wanted}
    if len(along) < len(wanted):
        raise ArgumentError(f"flip: a dimension appears twice in {wanted}")
    reverse: Any = (*(slice(None, None, -1 if d in along else 1) for d in range(len(input.shape))), ...)
    out = engine.wrap(input.array[reverse].copy(order="C"))
    return record("flip", out, (input,), (lambda grad: flip(grad, wanted),))


def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Dimensions of size 1 left out: all of them, or those of ``dim`` that have size 1.

    Example:
        >>> import lucid
        >>> lucid.zeros(2, 1, 3, 1).squeeze().shape, lucid.zeros(2, 1, 3, 1).squeeze(1).shape
        ((2, 3), (2, 3, 1))
    """
    return _reshaped(input, _squeezed(input.shape, tuple(dim) if isinstance(dim, list) else dim), "squeeze")


@functools.lru_cache(maxsize=4096)
def _squeezed(shape: tuple[int, ...], dim: Any) -> tuple[int, ...]:
    if dim is None:
        drop = set(range(len(shape)))
    else:
        dims = dim if isinstance(dim, tuple) else (dim,)
        drop = {wrap_dim("squeeze", d, len(shape)) for d in dims}
        if len(drop) < len(dims):
            raise ArgumentError(f"squeeze: a dimension appears twice in {dim}")
    return tuple(s for i, s in enumerate(shape) if s != 1 or i not in drop)


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A dimension of size 1 put in at ``dim``.

    Example:
        >>> import lucid
        >>> lucid.zeros(2, 3).unsqueeze(-1).shape
        (2, 3, 1)
    """
    shape = input.shape
    if dim.__class__ is not int or not 0 <= dim <= len(shape):
        dim = wrap_dim("unsqueeze", dim, len(shape) + 1)
    return _reshaped(input, (*shape[:dim], 1, *shape[dim:]), "unsqueeze")


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions start_dim to end_dim joined into one.

    Raises:
        ValueError: when start_dim comes after end_dim.

    Example:
        >>> import lucid
        >>> lucid.zeros(2, 3, 4).flatten(1).shape
        (2, 12)
    """
    wanted = _flattened(input.shape, start_dim, end_dim)
    return input if wanted == input.shape else _reshaped(input, wanted)


@functools.lru_cache(maxsize=4096)
def _flattened(shape: tuple[int, ...], start_dim: int, end_dim: int) -> tuple[int, ...]:
    start, end = wrap_dim("flatten", start_dim, len(shape)), wrap_dim("flatten", end_dim, len(shape))
    if start > end:
        raise ArgumentError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    return (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])


def contiguous(input: Tensor) -> Tensor:
    """The tensor itself when its memory is contiguous, else a contiguous copy."""
    return input if input.strides is None else clone(input)


_UNCHANGED = (lambda grad: grad,)


def clone(input: Tensor) -> Tensor:
    """A copy, in the graph: gradients of the copy flow to the original.

    Example:
        >>> import lucid
        >>> x = lucid.ones(2)
        >>> y = x.clone()
        >>> y[0] = 5.0
        >>> x.tolist()
        [1.0, 1.0]
    """
    return record("clone", engine.copy(input), (input,), _UNCHANGED)


def to_dtype(input: Tensor, dtype: Any) -> Tensor:
    """The tensor in another number type; itself when it has that type already.

    Floating-point numbers become integers by cutting off the fraction. The gradient is cast back.

    Example:
        >>> import lucid
        >>> lucid.tensor([1.7, -1.7]).to(lucid.int64).tolist()
        [1, -1]
    """
    kind = engine.dtype_of(dtype)
    before = input.dtype
    if kind is before:
        return input
    out = engine.convert(input, kind)
    if not kind.is_floating_point:
        return out
    return record("to", out, (input,), (lambda grad: to_dtype(grad, before),))


def to(input: Tensor, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False, **options: Any) -> Tensor:
    """The tensor in another number type: ``x.to(lucid.float64)``, ``x.to(other)``, ``x.to("cpu")``.

    Args:
        args: a dtype, a device (``"cpu"``) or a tensor whose dtype is meant, in any number.
        dtype: the number type.
        device: ``"cpu"``, the only one there is.
        copy: copy even when nothing changes.
        options: ``non_blocking`` is understood and makes no difference on the CPU.

    Raises:
        ValueError: for another device.
    """
    if set(options) - {"non_blocking"}:
        raise KindError(f"to: unknown option {sorted(set(options) - {'non_blocking'})[0]!r}")
    for arg in args:
        if isinstance(arg, Value):
            dtype = arg.dtype
        elif names_device(arg):
            device = arg
        elif not isinstance(arg, bool):
            dtype = arg
    check_device(device, "to")
    out = input if dtype is None else to_dtype(input, dtype)
    return clone(out) if copy and out is input else out


@overload
def type_(input: Tensor, dtype: None = None, non_blocking: bool = False) -> str: ...
@overload
def type_(input: Tensor, dtype: Any, non_blocking: bool = False) -> Tensor: ...
def type_(input: Tensor, dtype: Any = None, non_blocking: bool = False) -> Tensor | str:
    """The name of the tensor's type; or, given a number type, the tensor in it.

    Args:
        input: [any shape].
        dtype: a number type, or a name such as ``"lucid.DoubleTensor"``.
        non_blocking: makes no difference on the CPU.

    Example:
        >>> import lucid
        >>> lucid.zeros(2).type(), lucid.zeros(2).type(lucid.int64).type()
        ('lucid.FloatTensor', 'lucid.LongTensor')
    """
    if dtype is None:
        return f"lucid.{_TYPE_NAMES[input.dtype]}"
    by_name = {name: kind for kind, name in _TYPE_NAMES.items()}
    return to_dtype(input, by_name.get(dtype.rpartition(".")[2], dtype) if isinstance(dtype, str) else dtype)


_TYPE_NAMES = {
    engine.float32: "FloatTensor",
    engine.float64: "DoubleTensor",
    engine.int64: "LongTensor",
    engine.int32: "IntTensor",
    engine.uint8: "ByteTensor",
    engine.bool_: "BoolTensor",
}


def half(input: Tensor) -> Tensor:
    """Would give the tensor in half precision.

    Raises:
        TypeError: always; half precision is not there.
    """
    return to_dtype(input, engine.float16)


def bfloat16(input: Tensor) -> Tensor:
    """Would give the tensor in bfloat16.

    Raises:
        TypeError: always; half precision is not there.
    """
    return to_dtype(input, engine.bfloat16)


def float_(input: Tensor) -> Tensor:
    """The tensor as float32."""
    return to_dtype(input, engine.float32)


def double(input: Tensor) -> Tensor:
    """The tensor as float64."""
    return to_dtype(input, engine.float64)


def long(input: Tensor) -> Tensor:
    """The tensor as int64."""
    return to_dtype(input, engine.int64)


def int_(input: Tensor) -> Tensor:
    """The tensor as int32."""
    return to_dtype(input, engine.int32)


def bool_(input: Tensor) -> Tensor:
    """The tensor as bool: True where it is not zero."""
    return to_dtype(input, engine.bool_)
