"""Slices and masked elements written: index_add, index_copy, index_fill, masked_fill, masked_scatter.

Each has an in-place form, which writes into the tensor's own memory; the ordinary one writes into a copy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import Node, Value, edge_of
from lucid.errors import ArgumentError, KindError, PositionError
from lucid.ops.arithmetic import mul, where
from lucid.ops.broadcast import expand, sum
from lucid.ops.elementwise import need_tensor
from lucid.ops.index import need_mask, slices_along
from lucid.ops.picking import Places, number_in, put, write_places
from lucid.ops.rebase import changed, may_change
from lucid.ops.refusal import refuses
from lucid.ops.slicing import sliced
from lucid.ops.view import reshape, to_dtype
from lucid.types import Operand, Tensor

_where = engine.kernels("where")


# ---------------------------------------------------------------------------------------------------------------------
# Whole slices


def _write_slices(
    operation: str, input: Tensor, dim: int, index: Tensor, source: Operand, accumulate: bool, in_place: bool
) -> Tensor:
    if not input.shape:  # a number counts as a vector of one
        flat = reshape(input, 1)
        part = reshape(source, 1) if isinstance(source, Value) and not source.shape else source
        out = _write_slices(operation, flat, dim, index, part, accumulate, in_place)
        return input if in_place else reshape(out, ())
    places = slices_along(operation, input, dim, index, negative=not isinstance(source, Value))
    if isinstance(source, Value):
        if source.dtype is not input.dtype:
            raise KindError(f"{operation}: source is {source.dtype} but the tensor is {input.dtype}")
        count = places.index.shape[0]
        if len(source.shape) > dim >= 0 and source.shape[dim] != count:
            raise PositionError(
                f"{operation}: source has {source.shape[dim]} slices along dim {dim} for {count} places"
            )
        if source.shape != places.shape and not (source.shape == () and places.shape == (1,)):
            raise ArgumentError(
                f"{operation}: source must have shape {places.shape} to be written along dim {dim} of {input.shape} "
                f"at {count} places, got {source.shape}"
            )
        if source.shape != places.shape:
            source = reshape(source, places.shape)
    if in_place:
        return write_places(operation, input, places, source, accumulate)
    return put(input, places, source, accumulate)


def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """A copy with the slices of ``source`` added: slice i, times alpha, to slice index[i] along ``dim``.

    Args:
        input: [any shape].
        dim: the dimension.
        index: a vector of int64 or int32.
        source: a tensor of the same number type, with as many slices along dim as index has numbers.
        alpha: a factor.

    Raises:
        ValueError: when the shapes do not fit.
        IndexError: for a number out of range.

    Example:
        >>> import lucid
        >>> x, at = lucid.zeros(3, 2), lucid.tensor([2, 2])
        >>> lucid.index_add(x, 0, at, lucid.ones(2, 2)).tolist()
        [[0.0, 0.0], [0.0, 0.0], [2.0, 2.0]]
    """
    return _index_add("index_add", input, dim, index, source, alpha, False)


def index_add_(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """In-place form of :func:`index_add`: the tensor itself is added to."""
    return _index_add("index_add_", input, dim, index, source, alpha, True)


def _index_add(
    operation: str, input: Tensor, dim: int, index: Tensor, source: Tensor, alpha: float, in_place: bool
) -> Tensor:
    need_tensor(operation, source)
    return _write_slices(operation, input, dim, index, source if alpha == 1 else mul(source, alpha), True, in_place)


def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy with the slices of ``source`` written: slice i to slice index[i] along ``dim``.

    Args:
        input: [any shape].
        dim: the dimension.
        index: a vector of int64 or int32; of slices named several times the last stays.
        source: a tensor of the same number type, with as many slices along dim as index has numbers.

    Raises:
        ValueError: when the shapes do not fit.
        IndexError: for a number out of range.
    """
    need_tensor("index_copy", source)
    return _write_slices("index_copy", input, dim, index, source, False, False)


def index_copy_(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """In-place form of :func:`index_copy`: the tensor itself is written to."""
    need_tensor("index_copy_", source)
    return _write_slices("index_copy_", input, dim, index, source, False, True)


def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy with one number in the slices named by ``index`` along ``dim``.

    Args:
        input: [any shape].
        dim: the dimension.
        index: a vector of int64 or int32; negative numbers count from the end.
        value: a number, or a 0-d tensor, which gets a gradient.

    Raises:
        IndexError: for a number out of range.

    Example:
        >>> import lucid
        >>> lucid.zeros(2, 3).index_fill(1, lucid.tensor([0, 2]), 1.0).tolist()
        [[1.0, 0.0, 1.0], [1.0, 0.0, 1.0]]
    """
    return _index_fill("index_fill", input, dim, index, value, False)


def index_fill_(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """In-place form of :func:`index_fill`: the tensor itself is written to."""
    return _index_fill("index_fill_", input, dim, index, value, True)


def _index_fill(operation: str, input: Tensor, dim: int, index: Tensor, value: Operand, in_place: bool) -> Tensor:
    if isinstance(value, Value):
        if value.shape:
            raise ArgumentError(f"{operation}: value must be a number or a 0-d tensor, got shape {value.shape}")
        if input.shape:
            places = slices_along(operation, input, dim, index, negative=True)
            value = expand(to_dtype(value, input.dtype), places.shape)
            return (write_places if in_place else _put_named)(operation, input, places, value, False)
        return _write_slices(operation, input, dim, index, to_dtype(value, input.dtype), False, in_place)
    return _write_slices(operation, input, dim, index, number_in(operation, value, input.dtype), False, in_place)


def _put_named(operation: str, input: Tensor, places: Places, values: Any, accumulate: bool) -> Tensor:
    return put(input, places, values, accumulate)


# ---------------------------------------------------------------------------------------------------------------------
# Masks


def _filling(operation: str, input: Tensor, mask: Tensor, value: Operand) -> Operand:
    """The value of a masked_fill, in the tensor's number type."""
    need_mask(operation, mask)
    if not isinstance(value, Value):
        return number_in(operation, value, input.dtype)
    if value.shape:
        raise RuntimeError(f"{operation}: value must be a number or a 0-d tensor, got shape {value.shape}")
    return to_dtype(value, input.dtype)


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """A copy with one number where ``mask`` is true; both broadcast.

    Args:
        input: [any shape].
        mask: bool.
        value: a number, or a 0-d tensor, which gets a gradient.

    Raises:
        TypeError: when the mask is not bool.
        ValueError: when the shapes do not broadcast.

    Example:
        >>> import lucid
        >>> x = lucid.tensor([1.0, 2.0, 3.0])
        >>> x.masked_fill(x > 1.5, 0.0).tolist()
        [1.0, 0.0, 0.0]
    """
    value = _filling("masked_fill", input, mask, value)
    if not isinstance(value, Value):
        value = engine.wrap(np.asarray(value, input.dtype.numpy))
    return where(mask, value, input)


def masked_fill_(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """In-place form of :func:`masked_fill`: the tensor itself takes the numbers; the mask broadcasts to it."""
    value = _filling("masked_fill_", input, mask, value)
    recorded = may_change("masked_fill_", input, value)
    mask = _mask_of("masked_fill_", input, mask)
    kernel = _where.get(input.dtype)
    if kernel is None or input.strides is not None:
        np.copyto(input.array, value.array if isinstance(value, Value) else value, where=mask.array)
    else:
        one = engine.wrap(np.array(value.array if isinstance(value, Value) else value, input.dtype.numpy))
        dense = engine.contiguous(mask)
        kernel(input.array.size, dense.pointer, one.pointer, 0, input.pointer, 1, input.pointer)
    input.version[0] += 1
    if recorded:
        rules = (
            lambda grad, mask: masked_fill(grad, mask, 0.0),
            lambda grad, mask: sum(where(mask, grad, 0.0)),
        )
        edges = (edge_of(input), edge_of(value) if isinstance(value, Value) else None)
        changed(input, Node("masked_fill", rules, edges, (mask,), mask.version[0]))
    return input


def _mask_of(operation: str, input: Tensor, mask: Tensor) -> Tensor:
    try:
        return expand(mask, input.shape)
    except ValueError:
        raise ArgumentError(
            f"{operation}: mask {mask.shape} does not broadcast to the tensor's {input.shape}"
        ) from None


def _masked_places(operation: str, input: Tensor, mask: Tensor, source: Tensor) -> tuple[Places, Tensor]:
    """The places where the mask is true, and the first so many numbers of the source."""
    need_mask(operation, mask)
    need_tensor(operation, source)
    if source.dtype is not input.dtype:
        raise KindError(f"{operation}: source is {source.dtype} but the tensor is {input.dtype}")
    where_true = _mask_of(operation, input, mask).array.nonzero()
    places = Places(input.shape, list(where_true))
    count = places.index.array.size
    if source.array.size < count:
        raise ArgumentError(f"{operation}: the mask is true {count} times, but source has {source.array.size} numbers")
    return places, sliced(reshape(source, -1), slice(0, count))


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy with the numbers of ``source``, one after the other, where ``mask`` is true.

    Args:
        input: [any shape]; mask and input broadcast.
        mask: bool.
        source: at least as many numbers as the mask has true places, of the same number type.

    Raises:
        ValueError: when source has too few numbers.

    Example:
        >>> import lucid
        >>> mask = lucid.tensor([True, False, True])
        >>> lucid.zeros(3).masked_scatter(mask, lucid.tensor([5.0, 6.0, 7.0])).tolist()
        [5.0, 0.0, 6.0]
    """
    need_mask("masked_scatter", mask)
    shape = np.broadcast_shapes(input.shape, mask.shape)
    if not shape:
        return reshape(masked_scatter(reshape(input, 1), reshape(mask, 1), source), ())
    whole = expand(input, shape)
    return put(whole, *_masked_places("masked_scatter", whole, mask, source))


@refuses
def masked_scatter_(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """In-place form of :func:`masked_scatter`: the tensor itself is written to; the mask broadcasts to it."""
    if not input.shape:
        masked_scatter_(reshape(input, 1), reshape(mask, 1), source)
        return input
    places, values = _masked_places("masked_scatter_", input, mask, source)
    return write_places("masked_scatter_", input, places, values, False)
