"""Order: the largest, sorting, different values, places in a sorted sequence.

topk is the engine's; the rest no training step repeats, and is NumPy's. NaN counts as larger than every number.
"""

from __future__ import annotations

from typing import Any, Literal, overload

import numpy as np

from lucid import engine, return_types
from lucid.autograd.graph import Value, record
from lucid.errors import ArgumentError, KindError, PositionError
from lucid.ops.elementwise import is_number
from lucid.ops.index import gather, scatter_into_zeros
from lucid.ops.view import contiguous, reshape, transpose, wrap_dim
from lucid.types import Tensor

_topk = engine.kernels("topk")


def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> return_types.topk:
    """The k largest elements along ``dim``, the largest first, and where they stand.

    Args:
        input: [any shape].
        k: how many.
        dim: the dimension.
        largest: False for the smallest, the smallest first.
        sorted: they are always sorted.

    Returns:
        (values, indices), a named tuple. Of equal elements the first comes first.

    Raises:
        ValueError: when there are fewer than k.

    Example:
        >>> import lucid
        >>> lucid.tensor([3.0, 1.0, 4.0, 1.0]).topk(2)
        lucid.return_types.topk(
        values=tensor([4., 3.]),
        indices=tensor([2, 0]))
    """
    shape = input.shape
    dim = wrap_dim("topk", dim, len(shape))
    size = shape[dim] if shape else 1
    if isinstance(k, bool) or not 0 <= int(k) <= size:
        raise ArgumentError(f"topk: k {k} is out of range for size {size} (dim {dim}, shape {shape})")
    k = int(k)
    if not shape:
        values, indices = topk(reshape(input, 1), k, 0, largest, sorted)
        if k:
            values, indices = reshape(values, ()), reshape(indices, ())
        return return_types.topk(values, indices)
    kernel = _topk.get(input.dtype)
    if kernel is None:
        order = _order(input.array, dim, largest)
        index = engine.wrap(np.ascontiguousarray(order[(slice(None),) * dim + (slice(0, k),)]))
        return return_types.topk(gather(input, dim, index), index)
    last = len(shape) - 1
    rows = engine.contiguous(input if dim == last else engine.same_start(input, input.array.swapaxes(dim, last)))
    found = (*rows.shape[:-1], k)
    values, index = engine.empty(found, input.dtype), engine.empty(found, engine.int64)
    count = rows.array.size // size if size else 0
    kernel(count, size, k, int(bool(largest)), rows.pointer, values.pointer, index.pointer)
    if dim != last:
        values, index = (contiguous(transpose(x, dim, last)) for x in (values, index))
    rules = (lambda grad, index: scatter_into_zeros(grad, dim, index, shape),)
    return return_types.topk(record("topk", values, (input,), rules, (index,)), index)


def _order(array: np.ndarray, dim: int, descending: bool) -> np.ndarray:
    """The places of the elements in order; equal ones as they stand."""
    if not descending:
        order: np.ndarray = np.argsort(array, dim, kind="stable")
    else:
        order = array.shape[dim] - 1 - np.flip(np.argsort(np.flip(array, dim), dim, kind="stable"), dim)
    return order


def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> return_types.sort:
    """The elements in order along ``dim``, and where they stood.

    Args:
        input: [any shape].
        dim: the dimension.
        descending: the largest first.
        stable: equal elements always stay as they stood.

    Returns:
        (values, indices), a named tuple.

    Example:
        >>> import lucid
        >>> lucid.tensor([3.0, 1.0, 2.0]).sort()
        lucid.return_types.sort(
        values=tensor([1., 2., 3.]),
        indices=tensor([1, 2, 0]))
    """
    dim = wrap_dim("sort", dim, len(input.shape))
    if not input.shape:
        values, index = sort(reshape(input, 1), 0, descending)
        return return_types.sort(reshape(values, ()), reshape(index, ()))
    index = engine.wrap(np.ascontiguousarray(_order(input.array, dim, descending)))
    return return_types.sort(gather(input, dim, index), index)


def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """Where the elements stand, in their order along ``dim``; arguments as :func:`sort`.

    Example:
        >>> import lucid
        >>> lucid.argsort(lucid.tensor([3.0, 1.0, 2.0])).tolist()
        [1, 2, 0]
    """
    return sort(input.detach(), dim, descending, stable).indices


def msort(input: Tensor) -> Tensor:
    """The elements in order along dimension 0."""
    return sort(input, 0).values


def _results(*given: tuple[bool, Any]) -> Any:
    found = tuple(x for wanted, x in given if wanted)
    return found[0] if len(found) == 1 else found


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different elements, in order. Each NaN is different.

    Args:
        input: [any shape].
        sorted: they are always in order.
        return_inverse: also give, for each element, its place among the different ones.
        return_counts: also give how often each occurs.
        dim: compare whole slices along this dimension; None: elements.

    Returns:
        The different elements, or a tuple with what was asked for.

    Example:
        >>> import lucid
        >>> lucid.unique(lucid.tensor([3, 1, 3]), return_counts=True)
        (tensor([1, 3]), tensor([1, 2]))
    """
    if dim is not None:
        dim = wrap_dim("unique", dim, len(input.shape))
    array = input.array if input.shape else input.array.reshape(1)
    values, inverse, counts = np.unique(
        array, return_inverse=True, return_counts=True, axis=dim if input.shape else None, equal_nan=False
    )
    inverse = inverse.reshape(input.shape if dim is None else -1).astype(np.int64)
    wrapped = (engine.wrap(np.ascontiguousarray(x)) for x in (values, inverse, counts.astype(np.int64)))
    return _results(*zip((True, return_inverse, return_counts), wrapped, strict=True))


def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements without those that repeat the one before; arguments as :func:`unique`.

    Example:
        >>> import lucid
        >>> lucid.unique_consecutive(lucid.tensor([1, 1, 2, 1])).tolist()
        [1, 2, 1]
    """
    if dim is None:
        array = input.array.reshape(-1)
        rows = array.reshape(-1, 1)
    else:
        dim = wrap_dim("unique_consecutive", dim, len(input.shape))
        array = np.moveaxis(input.array, dim, 0) if input.shape else input.array.reshape(1)
        rows = array.reshape(len(array), -1) if array.size else np.zeros((len(array), 0))
    first = np.ones(len(rows), bool)
    first[1:] = (rows[1:] != rows[:-1]).any(1)
    values = array[first] if dim is None or not input.shape else np.moveaxis(array[first], 0, dim)
    inverse = np.cumsum(first) - 1
    counts = np.diff(np.append(np.flatnonzero(first), len(rows)))
    parts = (values, inverse.reshape(input.shape if dim is None else -1), counts.astype(np.int64))
    wrapped = (engine.wrap(np.array(x, order="C")) for x in parts)
    return _results(*zip((True, return_inverse, return_counts), wrapped, strict=True))


def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where each number would have to be put in a sorted sequence, to keep it sorted.

    Args:
        sorted_sequence: [n], or [..., n] with the other dimensions of ``input``; along the last it ascends.
        input: a number or a tensor.
        out_int32: int32 results instead of int64.
        right: behind equal numbers, not before them.
        side: ``"left"`` or ``"right"``, another way to say it.
        sorter: where the numbers of an unsorted sequence stand in order, as argsort gives them.

    Raises:
        ValueError: when the shapes do not fit.

    Example:
        >>> import lucid
        >>> lucid.searchsorted(lucid.tensor([1, 3, 5]), lucid.tensor([3, 6])).tolist()
        [1, 3]
    """
    if side not in (None, "left", "right") or (side == "left" and right):
        raise ArgumentError(
            f"searchsorted: side must be 'left' or 'right' (and agree with right={right}), got {side!r}"
        )
    if not isinstance(input, Value):
        if not is_number(input):
            raise KindError(f"searchsorted: expected a tensor or a number, got {type(input).__name__}")
        input = engine.wrap(np.asarray(input))
    sequence = sorted_sequence.array
    if not sequence.ndim:
        raise ArgumentError("searchsorted: the sequence must have at least one dimension")
    if sorter is not None:
        if sorter.shape != sorted_sequence.shape or sorter.dtype is not engine.int64:
            raise ArgumentError(
                f"searchsorted: sorter must be int64 {sorted_sequence.shape}, got {sorter.dtype} {sorter.shape}"
            )
        size = sequence.shape[-1]
        if sorter.array.size and (sorter.array.min() < 0 or sorter.array.max() >= size):
            raise PositionError(f"searchsorted: sorter has numbers out of range for size {size}")
        sequence = np.take_along_axis(sequence, sorter.array, -1)
    where: Any = "right" if right or side == "right" else "left"
    kind = np.int32 if out_int32 else np.int64
    if sequence.ndim == 1:
        return engine.wrap(np.asarray(np.searchsorted(sequence, input.array, where), kind))
    if sequence.shape[:-1] != input.shape[:-1] or len(input.shape) != sequence.ndim:
        raise ArgumentError(
            f"searchsorted: sequence {sequence.shape} and input {input.shape} differ before the last dimension"
        )
    out = np.empty(input.shape, kind)
    for place in np.ndindex(*sequence.shape[:-1]):
        out[place] = np.searchsorted(sequence[place], input.array[place], where)
    return engine.wrap(out)


def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """In which interval between ``boundaries`` (ascending) each number lies: see :func:`searchsorted`.

    Example:
        >>> import lucid
        >>> lucid.bucketize(lucid.tensor([0.5, 2.0, 9.0]), lucid.tensor([1.0, 2.0, 3.0])).tolist()
        [0, 1, 3]
    """
    if len(boundaries.shape) != 1:
        raise ArgumentError(f"bucketize: boundaries must be a vector, got shape {boundaries.shape}")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements lie in each of ``bins`` intervals of equal width from ``min`` to ``max``.

    Args:
        input: floating point.
        bins: how many intervals; the last contains max.
        min: the lower end. When both ends are equal, those of the data are taken.
        max: the upper end. Elements outside, and NaN, count nowhere.

    Raises:
        ValueError: for bins that are not positive, ends in the wrong order, or ends that are not finite.

    Example:
        >>> import lucid
        >>> lucid.histc(lucid.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3).tolist()
        [0.0, 2.0, 1.0, 0.0]
    """
    if not input.dtype.is_floating_point:
        raise KindError(f"histc: expects floating-point numbers, got {input.dtype}")
    if bins <= 0:
        raise ArgumentError(f"histc: bins must be positive, got {bins}")
    x = input.array.reshape(-1)
    low, high = float(min), float(max)
    if low == high and x.size:
        low, high = float(x.min()), float(x.max())
    if low == high:
        low, high = low - 1, high + 1
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ArgumentError(f"histc: the range from {low} to {high} is not finite")
    if low > high:
        raise ArgumentError(f"histc: max {max} must be larger than min {min}")
    inside = x[(x >= low) & (x <= high)].astype(np.float64)
    place = np.minimum(((inside - low) * (bins / (high - low))).astype(np.int64), bins - 1)
    return engine.wrap(np.bincount(place, minlength=bins).astype(input.dtype.numpy))


@overload
def nonzero(input: Tensor, *, as_tuple: Literal[False] = False) -> Tensor: ...
@overload
def nonzero(input: Tensor, *, as_tuple: Literal[True]) -> tuple[Tensor, ...]: ...
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Tensor | tuple[Tensor, ...]:
    """Where the elements are not zero.

    Args:
        input: [any shape].
        as_tuple: a tuple with the numbers of each dimension, which is an index for ``x[...]``.

    Returns:
        int64 [count, dimensions], or that tuple.

    Example:
        >>> import lucid
        >>> lucid.nonzero(lucid.tensor([[0, 2], [3, 0]])).tolist()
        [[0, 1], [1, 0]]
    """
    if as_tuple:
        array = input.array if input.shape else input.array.reshape(1)
        return tuple(engine.wrap(np.ascontiguousarray(part, np.int64)) for part in array.nonzero())
    if not input.shape:
        return engine.wrap(np.zeros((int(bool(input.array)), 0), np.int64))
    return engine.wrap(np.ascontiguousarray(np.argwhere(input.array), np.int64))
