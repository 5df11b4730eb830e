"""Shapes made of other shapes: dimensions moved, diagonals, repetitions, padding. Views where the memory allows."""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, describe, record
from lucid.autograd.views import view_of
from lucid.errors import ArgumentError, KindError, PositionError
from lucid.ops.broadcast import expand
from lucid.ops.broadcast import sum as sum_over
from lucid.ops.picking import Places, pick
from lucid.ops.rebase import Window, window_into_zeros
from lucid.ops.refusal import refuses
from lucid.ops.slicing import narrow
from lucid.ops.view import clone, flatten, flip, permute, reshape, resolve_shape, sizes, transpose, view, wrap_dim
from lucid.types import Tensor


def _dims(operation: str, dims: Any, ndim: int) -> list[int]:
    """One dimension or several, counted from the front, each once."""
    found = [wrap_dim(operation, d, ndim) for d in ((dims,) if isinstance(dims, int) else dims)]
    if len(set(found)) < len(found):
        raise ArgumentError(f"{operation}: a dimension appears twice in {dims}")
    return found


# ---------------------------------------------------------------------------------------------------------------------
# Dimensions moved, cut and joined


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Dimensions moved to other places, as a view; the rest keep their order.

    Args:
        input: [any shape].
        source: a dimension, or several.
        destination: where they go, as many.

    Raises:
        ValueError: when a dimension is named twice, or the numbers differ.

    Example:
        >>> import lucid
        >>> lucid.zeros(2, 3, 4).movedim(0, -1).shape
        (3, 4, 2)
    """
    source, destination = (tuple(d) if isinstance(d, list) else d for d in (source, destination))
    order = _moved(len(input.shape), source, destination)
    return permute(input, order) if order else reshape(input, ())


@functools.lru_cache(maxsize=1024, typed=True)
def _moved(ndim: int, source: Any, destination: Any) -> tuple[int, ...]:
    """The order of dimensions after :func:`movedim`."""
    from_dims, to_dims = _dims("movedim", source, ndim), _dims("movedim", destination, ndim)
    if len(from_dims) != len(to_dims):
        raise ArgumentError(f"movedim: {len(from_dims)} dimensions cannot go to {len(to_dims)} places")
    rest = iter([d for d in range(ndim) if d not in from_dims])
    placed = dict(zip(to_dims, from_dims, strict=True)) if ndim else {}
    return tuple(placed[d] if d in placed else next(rest) for d in range(ndim))


moveaxis = movedim
swapaxes = swapdims = transpose


def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions exchanged, as a view."""
    return transpose(input, -2, -1)


def ravel(input: Tensor) -> Tensor:
    """All dimensions joined into one; a view where the memory allows."""
    return flatten(input)


@refuses
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor in the shape of another."""
    return reshape(input, other.shape)


@refuses
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """A view of the tensor in the shape of another."""
    return view(input, other.shape)


def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """One dimension cut into several; one of their sizes may be -1.

    Raises:
        ValueError: when the sizes do not multiply to that of the dimension.

    Example:
        >>> import lucid
        >>> lucid.zeros(2, 6).unflatten(1, (-1, 2)).shape
        (2, 3, 2)
    """
    shape = input.shape
    dim = wrap_dim("unflatten", dim, len(shape))
    wanted = tuple(operator.index(s) for s in sizes)
    if not wanted:
        raise ArgumentError("unflatten: sizes must not be empty")
    return reshape(input, (*shape[:dim], *resolve_shape("unflatten", (shape[dim],), wanted), *shape[dim + 1 :]))


def fliplr(input: Tensor) -> Tensor:
    """The columns (dimension 1) in reverse order, as a copy.

    Raises:
        ValueError: for fewer than two dimensions.
    """
    if len(input.shape) < 2:
        raise ArgumentError(f"fliplr: expects at least 2 dimensions, got shape {input.shape}")
    return flip(input, 1)


def flipud(input: Tensor) -> Tensor:
    """The rows (dimension 0) in reverse order, as a copy.

    Raises:
        ValueError: for a 0-d tensor.
    """
    if not input.shape:
        raise ArgumentError("flipud: expects at least 1 dimension, got a 0-d tensor")
    return flip(input, 0)


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All windows of ``size`` elements along a dimension, ``step`` apart, as a view with the windows' elements last.

    Args:
        input: [any shape].
        dimension: the dimension.
        size: the elements of a window.
        step: from the start of a window to that of the next.

    Returns:
        [..., (n - size) // step + 1, ..., size]. Where windows overlap it cannot be written to.

    Raises:
        ValueError: for a window larger than the dimension, or a step that is not positive.

    Example:
        >>> import lucid
        >>> lucid.arange(5).unfold(0, 3, 2).tolist()
        [[0, 1, 2], [2, 3, 4]]
    """
    if not input.shape:
        input = reshape(input, 1)
        if size == 0:
            return narrow(input, 0, 0, 0)
        unfolded = unfold(input, dimension, size, step)
        return reshape(unfolded, 1)
    shape = input.shape
    dim = wrap_dim("unfold", dimension, len(shape))
    size, step = operator.index(size), operator.index(step)
    if not 0 <= size <= shape[dim]:
        raise ArgumentError(
            f"unfold: a window of {size} does not fit into size {shape[dim]} (dim {dim}, shape {shape})"
        )
    if step <= 0:
        raise ArgumentError(f"unfold: step must be positive, got {step}")
    count = (shape[dim] - size) // step + 1
    wanted = (*shape[:dim], count, *shape[dim + 1 :], size)

    def spread(steps: tuple[int, ...]) -> tuple[int, ...]:
        return (*steps[:dim], steps[dim] * step, *steps[dim + 1 :], steps[dim])

    array = np.lib.stride_tricks.as_strided(input.array, wanted, spread(input.array.strides))
    if engine.may_overlap(wanted, spread(input.stride())):
        array.flags.writeable = False

    def rule(grad: Tensor) -> Tensor:
        steps = spread(engine.dense_strides(shape))
        if step >= size:
            return window_into_zeros(grad, Window(shape, wanted, steps, 0))
        numbers = np.arange(input.array.size).reshape(shape)
        index = np.lib.stride_tricks.as_strided(numbers, wanted, spread(numbers.strides))
        return window_into_zeros(grad, Window(shape, wanted, steps, 0, engine.wrap(np.array(index, order="C"))))

    return view_of("unfold", input, array, wanted, engine.strides_of(array, input.dtype), 0, rule)


def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """The elements moved along dimensions; what leaves at the end comes in at the front.

    Args:
        input: [any shape].
        shifts: how far, a number or one for each of ``dims``.
        dims: a dimension or several; None: the tensor is flattened for it.

    Example:
        >>> import lucid
        >>> lucid.arange(4).roll(1).tolist()
        [3, 0, 1, 2]
    """
    shifts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    dims = () if dims is None else (dims,) if isinstance(dims, int) else tuple(dims)
    if not dims and len(shifts) == 1:
        return reshape(roll(reshape(input, -1), shifts, 0), input.shape)
    if len(shifts) != len(dims) or not shifts:
        raise ArgumentError(f"roll: {len(shifts)} shifts for {len(dims)} dims")
    out = input
    for shift, d in zip(shifts, dims, strict=True):
        dim = wrap_dim("roll", d, len(input.shape))
        size = input.shape[dim]
        cut = size - operator.index(shift) % size if size else 0
        out = engine.rolled(out, cut, dim) if size else out
    back = tuple([-operator.index(shift) for shift in shifts])
    return record("roll", engine.copy(input) if out is input else out, (input,), (lambda grad: roll(grad, back, dims),))


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The grid of vectors: for each, its numbers spread over a dimension of its own, as expanded views.

    Args:
        tensors: vectors or numbers, or one sequence of them.
        indexing: ``"ij"``: result [n0, n1, ...]; ``"xy"``: the first two dimensions exchanged. None is ``"ij"``.

    Raises:
        ValueError: for tensors of more dimensions or another indexing.

    Example:
        >>> import lucid
        >>> rows, columns = lucid.meshgrid(lucid.arange(2), lucid.arange(3), indexing="ij")
        >>> rows.tolist(), columns.tolist()
        ([[0, 0, 0], [1, 1, 1]], [[0, 1, 2], [0, 1, 2]])
    """
    given = tuple(tensors[0]) if len(tensors) == 1 and not isinstance(tensors[0], Value) else tensors
    if indexing not in (None, "ij", "xy"):
        raise ArgumentError(f"meshgrid: indexing must be 'ij' or 'xy', got {indexing!r}")
    if not given:
        raise ArgumentError("meshgrid: expected at least one tensor")
    for x in given:
        if not isinstance(x, Value) or len(x.shape) > 1:
            raise ArgumentError(f"meshgrid: expected vectors, got {describe(x)}")
        if x.dtype is not given[0].dtype:
            raise KindError(f"meshgrid: number types differ: {given[0].dtype} and {x.dtype}")
    shape = tuple(x.array.size for x in given)
    grid = []
    for d, x in enumerate(given):
        grid.append(expand(reshape(x, (1,) * d + (-1,) + (1,) * (len(given) - d - 1)), shape))
    if indexing == "xy" and len(given) > 1:
        return tuple(transpose(x, 0, 1) for x in grid)
    return tuple(grid)


# ---------------------------------------------------------------------------------------------------------------------
# Repetitions


def repeat(input: Tensor, *repeats: Any) -> Tensor:
    """The tensor repeated along each dimension, as a copy.

    Args:
        input: [any shape].
        repeats: how often, for each dimension; more numbers than dimensions make new ones in front.

    Raises:
        ValueError: for fewer numbers than dimensions, or negative ones.

    Example:
        >>> import lucid
        >>> lucid.tensor([1, 2]).repeat(2, 2).tolist()
        [[1, 2, 1, 2], [1, 2, 1, 2]]
    """
    if not repeats:
        raise KindError("repeat: say how often, for each dimension")
    times = sizes(repeats)
    lead = len(times) - len(input.shape)
    if lead < 0:
        raise ArgumentError(
            f"repeat: {len(times)} numbers for the {len(input.shape)} dimensions of shape {input.shape}"
        )
    if any(n < 0 for n in times):
        raise ArgumentError(f"repeat: a tensor cannot be repeated {min(times)} times")
    before = input.shape
    x = input if not lead else engine.view(input, input.array.reshape((1,) * lead + before), 0)
    spread = [size for pair in zip(times, x.shape, strict=True) for size in pair]
    rule = lambda grad: reshape(sum_over(reshape(grad, spread), range(0, len(spread), 2)), before)  # noqa: E731
    return record("repeat", engine.repeated(x, times), (input,), (rule if times else lambda grad: grad,))


def tile(input: Tensor, *dims: Any) -> Tensor:
    """As :func:`repeat`, but fewer numbers than dimensions mean the last ones.

    Example:
        >>> import lucid
        >>> lucid.tensor([[1], [2]]).tile(2).tolist()
        [[1, 1], [2, 2]]
    """
    times = sizes(dims)
    return repeat(input, (1,) * (len(input.shape) - len(times)) + times)


def repeat_interleave(input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: Any = None) -> Tensor:
    """Each element (or slice along ``dim``) repeated, next to itself.

    Args:
        input: [any shape]. Alone, it is a vector of counts: the result has number i so many times as entry i says.
        repeats: how often: a number, or a vector of int64 or int32 with one number for each slice.
        dim: the dimension; None: the flattened tensor.
        output_size: the size of the result, if known; checked.

    Raises:
        ValueError: for negative numbers, or as many as do not fit.

    Example:
        >>> import lucid
        >>> lucid.tensor([1, 2]).repeat_interleave(2).tolist()
        [1, 1, 2, 2]
        >>> lucid.tensor([1, 2]).repeat_interleave(lucid.tensor([1, 3])).tolist()
        [1, 2, 2, 2]
    """
    if repeats is None:
        numbers = engine.wrap(np.arange(input.array.size))
        return repeat_interleave(numbers, input, 0, output_size=output_size)
    if dim is None:
        input, dim = reshape(input, -1), 0
    dim = wrap_dim("repeat_interleave", dim, len(input.shape))
    if not input.shape:
        input = reshape(input, 1)
    size = input.shape[dim]
    if isinstance(repeats, Value):
        if repeats.dtype not in (engine.int64, engine.int32) or len(repeats.shape) > 1:
            raise ArgumentError(
                f"repeat_interleave: repeats must be integers, one or a vector, got {describe(repeats)}"
            )
        times = repeats.array.reshape(-1)
    else:
        times = np.array([operator.index(repeats)])
    if times.size not in (1, size):
        raise ArgumentError(f"repeat_interleave: {times.size} repeats for size {size}")
    if (times < 0).any():
        raise ArgumentError(f"repeat_interleave: repeats must not be negative, got {times.min()}")
    index = np.repeat(np.arange(size), times)
    if output_size is not None and output_size != index.size:
        raise ArgumentError(f"repeat_interleave: output_size {output_size} is not the {index.size} that repeats give")
    return pick(input, Places(input.shape, [*(None,) * dim, index]))


# ---------------------------------------------------------------------------------------------------------------------
# Diagonals


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of two dimensions, as a view with the diagonal last.

    Args:
        input: [at least two dimensions].
        offset: the diagonal: above the main one when positive, below when negative.
        dim1: the dimension of the rows.
        dim2: the dimension of the columns.

    Raises:
        ValueError: when the dimensions are one.

    Example:
        >>> import lucid
        >>> lucid.arange(9).reshape(3, 3).diagonal(1).tolist()
        [1, 5]
    """
    shape = input.shape
    dim1, dim2 = _two("diagonal", len(shape), dim1, dim2)
    rule = lambda grad: diagonal_into_zeros(grad, shape, offset, dim1, dim2)  # noqa: E731
    array, first = diagonal_of(input, offset, dim1, dim2)
    return view_of("diagonal", input, array, array.shape, engine.strides_of(array, input.dtype), first, rule)


def diagonal_of(x: Tensor, offset: int, dim1: int, dim2: int) -> tuple[np.ndarray, int]:
    """The diagonal of x's array, and the number of its first element."""
    offset = operator.index(offset)
    array = x.array.diagonal(offset, dim1, dim2)
    array.flags.writeable = x.array.flags.writeable
    steps = x.strides or engine.dense_strides(x.shape)
    return array, (steps[dim2] * offset if offset > 0 else -steps[dim1] * offset) if array.size else 0


def _two(operation: str, ndim: int, dim1: int, dim2: int) -> tuple[int, int]:
    if ndim < 2:
        raise PositionError(f"{operation}: expects at least 2 dimensions, got {ndim}")
    first, second = wrap_dim(operation, dim1, ndim), wrap_dim(operation, dim2, ndim)
    if first == second:
        raise ArgumentError(f"{operation}: dim1 and dim2 are both {first}")
    return first, second


def diagonal_into_zeros(grad: Tensor, shape: tuple[int, ...], offset: int, dim1: int, dim2: int) -> Tensor:
    """Zeros of ``shape`` with ``grad`` on a diagonal: the derivative of :func:`diagonal`, and the other way round."""
    out = engine.zeros(shape, grad.dtype)
    engine.copy_fresh(engine.view(out, *diagonal_of(out, offset, dim1, dim2)), grad)
    return record("diag_embed", out, (grad,), (lambda g: diagonal(g, offset, dim1, dim2),))


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices of zeros with the last dimension of the input on a diagonal.

    Args:
        input: [..., n].
        offset: the diagonal: above the main one when positive, below when negative.
        dim1: the dimension of the rows, in the result.
        dim2: the dimension of the columns, in the result.

    Example:
        >>> import lucid
        >>> lucid.diag_embed(lucid.tensor([1, 2])).tolist()
        [[1, 0], [0, 2]]
    """
    if not input.shape:
        raise ArgumentError("diag_embed: expects at least 1 dimension, got a 0-d tensor")
    dim1, dim2 = _two("diag_embed", len(input.shape) + 1, dim1, dim2)
    size = input.shape[-1] + abs(offset)
    rest = list(input.shape[:-1])
    for d in sorted((dim1, dim2)):
        rest.insert(d, size)
    return diagonal_into_zeros(input, tuple(rest), offset, dim1, dim2)


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """A vector on the diagonal of a matrix of zeros; or the diagonal of a matrix, as a copy.

    Raises:
        ValueError: for other numbers of dimensions.

    Example:
        >>> import lucid
        >>> lucid.diag(lucid.tensor([[1, 2], [3, 4]])).tolist()
        [1, 4]
    """
    if len(input.shape) not in (1, 2):
        raise ArgumentError(f"diag: expects a vector or a matrix, got shape {input.shape}")
    return diag_embed(input, diagonal) if len(input.shape) == 1 else clone(_diagonal(input, diagonal))


_diagonal = diagonal


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The flattened tensor on the diagonal of a matrix of zeros."""
    return diag_embed(flatten(input), offset)


# ---------------------------------------------------------------------------------------------------------------------
# Padding
