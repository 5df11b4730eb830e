"""Basic indexing: single numbers, slices, ``...`` and None give views."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, record
from lucid.autograd.views import view_of
from lucid.engine import dense_strides, strides_of
from lucid.errors import ArgumentError, KindError, PositionError
from lucid.ops.view import wrap_dim
from lucid.types import Tensor


def located(x: Tensor, key: Any) -> tuple[np.ndarray, int] | None:
    """The part of x's array at ``key`` and the number of its first element; None where a key is not that simple.

    Args:
        x: the tensor.
        key: an int, a slice of ints, ``...`` or None, or a tuple of these.

    Raises:
        IndexError: for a number out of range, or more parts than dimensions.
        ValueError: for a slice whose step is not positive.
    """
    shape = x.shape
    steps = x.strides or dense_strides(shape)
    parts = key if key.__class__ is tuple else (key,)
    offset = dim = 0
    array_key = None
    for part in parts:
        kind = part.__class__
        if kind is slice:
            start, stop, step = part.start, part.stop, part.step
            if stop is not None and stop.__class__ is not int:
                return None
            if start is not None or step is not None:
                if not (start is None or start.__class__ is int) or not (step is None or step.__class__ is int):
                    return None
                if step is not None and step <= 0:
                    raise ArgumentError(f"slice step must be greater than zero, got {step}; use flip to reverse")
                if start and dim < len(shape):
                    offset += _clipped(start, shape[dim]) * steps[dim]
            dim += 1
        elif kind is int:
            if dim < len(shape):
                size = shape[dim]
                if not -size <= part < size:
                    raise PositionError(f"index {part} is out of bounds for dimension {dim} with size {size}")
                offset += (part if part >= 0 else part + size) * steps[dim]
            dim += 1
        elif part is ...:
            if array_key is not None:
                raise PositionError("an index can have one ellipsis (...) only")
            array_key = parts
            used = 0
            for other in parts:
                kind = other.__class__
                if kind is int or kind is slice:
                    used += 1
                elif other is not None and other is not ...:
                    return None
            dim += max(len(shape) - used, 0)
        elif part is not None:
            return None
    if dim > len(shape):
        if not shape:
            raise PositionError("invalid index of a 0-d tensor; use x.item() for its number")
        raise PositionError(f"too many indices: {dim} for {len(shape)} dimensions")
    return x.array[(*parts, ...) if array_key is None else parts], offset


def sliced(input: Tensor, key: Any) -> Any:
    """The view at a key that :func:`located` knows; None for another."""
    shape = input.shape
    rows = _rows(input, key) if input.strides is None and shape else None
    if rows is not None:
        array, offset = rows
        return view_of(
            "slice", input, array, array.shape, None, offset, lambda grad: slice_into_zeros(grad, shape, key)
        )
    found = located(input, key)
    return None if found is None else _view_at(input, key, *found)


def _view_at(input: Tensor, key: Any, array: np.ndarray, offset: int) -> Tensor:
    """The view at a key, from what :func:`located` gives for it."""
    shape = input.shape
    strides = strides_of(array, input.dtype)
    return view_of("slice", input, array, array.shape, strides, offset, lambda grad: slice_into_zeros(grad, shape, key))


def _rows(x: Tensor, key: Any) -> tuple[np.ndarray, int] | None:
    """As :func:`located`, the short way for a row, or neighbouring rows, of contiguous memory."""
    shape = x.shape
    size = shape[0]
    if key.__class__ is int:
        if len(shape) > 1 and -size <= key < size:
            array = x.array[key]
            return array, (key if key >= 0 else key + size) * array.size
    elif key.__class__ is slice and key.step is None:
        start, stop = key.start, key.stop
        if (start is None or start.__class__ is int) and (stop is None or stop.__class__ is int):
            first = _clipped(start, size) if start else 0
            return x.array[key], first * dense_strides(shape)[0]
    return None


def _clipped(start: int, size: int) -> int:
    """Where a slice that begins at ``start`` begins, counted from the front."""
    if start < 0:
        start += size
        return start if start > 0 else 0
    return start if start < size else size


def slice_into_zeros(grad: Tensor, shape: tuple[int, ...], key: Any) -> Tensor:
    """Zeros of ``shape`` with ``grad`` at ``key``: the derivative of a slice."""
    out = engine.zeros(shape, grad.dtype)
    found = (_rows(out, key) if shape else None) or located(out, key)
    assert found is not None
    engine.copy_fresh(engine.view(out, *found), grad)
    return record("slice_into_zeros", out, (grad,), (lambda g: sliced(g, key),))


def size_along(operation: str, input: Tensor, dim: int) -> int:
    """The size of a dimension; a 0-d tensor has none to cut."""
    if not isinstance(input, Value):
        raise KindError(f"{operation}: expected a tensor, got {type(input).__name__}")
    if not input.shape:
        raise PositionError(f"{operation}: a 0-d tensor has no dimension to cut")
    size: int = input.shape[wrap_dim(operation, dim, len(input.shape))]
    return size


def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """``length`` slices along ``dim`` from ``start`` on, as a view.

    Args:
        input: [any shape].
        dim: the dimension.
        start: an int, or an integer tensor of one number; negative ones count from the end.
        length: how many.

    Raises:
        ValueError: when there are not that many.

    Example:
        >>> import lucid
        >>> lucid.arange(6).narrow(0, 2, 3).tolist()
        [2, 3, 4]
    """
    size = size_along("narrow", input, dim)
    dim = wrap_dim("narrow", dim, len(input.shape))
    start, length = operator.index(start), operator.index(length)
    first = start + size if start < 0 else start
    if length < 0 or not 0 <= first <= first + length <= size:
        raise ArgumentError(f"narrow: start {start} and length {length} do not fit into size {size}")
    key = (slice(None),) * dim + (slice(first, first + length),)
    return _view_at(input, key, input.array[key], first * (input.strides or dense_strides(input.shape))[dim])


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The slice number ``index`` along ``dim``, as a view without that dimension.

    Raises:
        IndexError: when there is no such slice.

    Example:
        >>> import lucid
        >>> lucid.tensor([[1, 2], [3, 4]]).select(1, 0).tolist()
        [1, 3]
    """
    size = size_along("select", input, dim)
    dim, index = wrap_dim("select", dim, len(input.shape)), operator.index(index)
    if not -size <= index < size:
        raise PositionError(f"select: index {index} is out of range for size {size} (dim {dim}, shape {input.shape})")
    key: Any = (*(slice(None),) * dim, index, ...)
    first = index if index >= 0 else index + size
    return _view_at(input, key, input.array[key], first * (input.strides or dense_strides(input.shape))[dim])
