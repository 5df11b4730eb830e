"""Gather and scatter, rows and slices picked by number, masks: the functions beside ``x[...]``.

An operation that writes has an in-place form, which writes into the tensor's own memory, and an ordinary one, which
writes into a copy. Its derivative rules need no number of the tensor, so the in-place form keeps none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import Node, Value, describe, edge_of, needs_graph, record
from lucid.errors import ArgumentError, KindError, PositionError
from lucid.ops.broadcast import broadcast_shapes, expand
from lucid.ops.elementwise import common_shape, need_tensor
from lucid.ops.joining import cat as cat
from lucid.ops.joining import stack as stack
from lucid.ops.picking import Places, check_range, number_in, pick
from lucid.ops.picking import getitem as getitem
from lucid.ops.rebase import changed, may_change
from lucid.ops.slicing import narrow as narrow
from lucid.ops.slicing import select as select
from lucid.ops.slicing import sliced
from lucid.ops.splitting import chunk as chunk
from lucid.ops.splitting import split as split
from lucid.ops.splitting import unbind as unbind
from lucid.ops.view import reshape, wrap_dim
from lucid.types import Operand, Tensor

_gather_rows, _scatter_add_rows = engine.kernels("gather_rows"), engine.kernels("scatter_add_rows")
_gather, _scatter_add, _scatter = engine.kernels("gather"), engine.kernels("scatter_add"), engine.kernels("scatter")
_where = engine.kernels("where")


def need_indices(operation: str, index: Tensor) -> Tensor:
    """The indices as contiguous int64.

    Raises:
        TypeError: for what is not an int64 or int32 tensor.
    """
    if not isinstance(index, Value):
        raise KindError(f"{operation}: index must be a tensor, got {type(index).__name__}")
    if index.dtype is engine.int64:
        return index if index.strides is None else engine.contiguous(index)
    if index.dtype is not engine.int32:
        raise KindError(f"{operation}: index must be an int64 or int32 tensor, got {index.dtype}")
    return engine.convert(index, engine.int64)


# ---------------------------------------------------------------------------------------------------------------------
# Rows of a table, for embeddings


def gather_rows(table: Tensor, index: Tensor, skip: int = -1) -> Tensor:
    """Row ``index[i, ...]`` of ``table`` at place [i, ...].

    Table [rows, ...] and index [...] give [*index.shape, *table.shape[1:]]. Row ``skip`` gets no gradient.

    Raises:
        IndexError: for a row that is not there.
    """
    index = need_indices("gather_rows", index)
    rows, rest = table.shape[0], table.shape[1:]
    dense = engine.contiguous(table)
    out = engine.empty((*index.shape, *rest), table.dtype)
    width = dense.array.size // rows if rows else 0
    kernel = engine.kernel_for(_gather_rows, table.dtype, "gather_rows")
    position = kernel(index.array.size, width, rows, dense.pointer, index.pointer, out.pointer)
    engine.check_index(position, index, rows, "index")
    shape = table.shape
    rule = lambda grad, index: scatter_rows_into_zeros(grad, index, shape, skip)  # noqa: E731
    return record("gather_rows", out, (table,), (rule,), (index,))


def scatter_rows_into_zeros(grad: Tensor, index: Tensor, shape: tuple[int, ...], skip: int = -1) -> Tensor:
    """A table of zeros with the rows of ``grad`` added at ``index``: the derivative of :func:`gather_rows`.

    Args:
        grad: [*index.shape, *shape[1:]].
        index: int64, contiguous.
        shape: that of the table.
        skip: rows to be added here are left out (the padding row of an embedding).
    """
    if grad.shape != (*index.shape, *shape[1:]):
        raise RuntimeError(f"index: the gradient has shape {grad.shape}, but the index now has {index.shape}")
    dense = engine.contiguous(grad)
    out = engine.zeros(shape, grad.dtype)
    width = out.array.size // shape[0] if shape[0] else 0
    position = _scatter_add_rows[grad.dtype](
        index.array.size, width, shape[0], dense.pointer, index.pointer, skip, out.pointer
    )
    engine.check_index(position, index, shape[0], "index")

    def rule(g: Tensor) -> Tensor:
        found = gather_rows(g, index)
        if skip >= 0:
            kept = engine.convert(engine.wrap(index.array != skip), g.dtype)
            found = found * reshape(kept, (*index.shape, *(1,) * (len(shape) - 1)))
        return found

    return record("scatter_rows_into_zeros", out, (grad,), (rule,))


# ---------------------------------------------------------------------------------------------------------------------
# Reading


def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Elements picked along ``dim``: out[i, j, ...] = input[index[i, j, ...], j, ...] for dim 0, and so on.

    Args:
        input: [any shape].
        dim: the dimension picked along.
        index: int64 or int32, with the input's sizes in the other dimensions (smaller ones are allowed).

    Raises:
        ValueError: when the shapes do not fit.
        IndexError: for an index out of range.

    Example:
        >>> import lucid
        >>> lucid.gather(lucid.tensor([[1.0, 2.0], [3.0, 4.0]]), 1, lucid.tensor([[1], [0]])).tolist()
        [[2.0], [3.0]]
    """
    index = need_indices("gather", index)
    dim = wrap_dim("gather", dim, len(input.shape))
    if not index.array.size and len(index.shape) != len(input.shape):
        return gather(reshape(input, -1)[:0], 0, reshape(index, -1)).reshape(index.shape)
    if len(input.shape) + len(index.shape) == 1:  # a number counts as a vector of one
        return reshape(gather(reshape(input, -1), dim, reshape(index, -1)), index.shape)
    before = input.shape
    source = _part("gather", input, dim, index)
    size = source.shape[dim] if source.shape else 1
    if source.dtype not in _gather:
        check_range("gather", index, size)
        if not source.shape:
            return engine.wrap(source.array.copy())
        return engine.wrap(np.take_along_axis(source.array, index.array, dim))
    dense = engine.contiguous(source)
    out = engine.empty(index.shape, input.dtype)
    outer, n, inner = engine.reduce_shape(dense.shape or (1,), dim, dim)
    m = index.shape[dim] if index.shape else 1
    position = _gather[input.dtype](outer, n, inner, m, dense.pointer, index.pointer, out.pointer)
    engine.check_index(position, index, n, "gather")
    return record(
        "gather", out, (input,), (lambda grad, index: scatter_into_zeros(grad, dim, index, before),), (index,)
    )


def _part(operation: str, x: Tensor, dim: int, index: Tensor) -> Tensor:
    """The part of ``x`` that an index with smaller sizes in the other dimensions speaks of."""
    if index.shape == x.shape:
        return x
    if len(index.shape) != len(x.shape) or any(i != dim and index.shape[i] > size for i, size in enumerate(x.shape)):
        raise ArgumentError(
            f"{operation}: index shape {index.shape} does not fit input shape {x.shape} along dim {dim}"
        )
    if all(i == dim or index.shape[i] == size for i, size in enumerate(x.shape)):
        return x
    cut = tuple(slice(None) if i == dim else slice(index.shape[i]) for i in range(len(x.shape)))
    return engine.view(x, x.array[cut], 0)


def scatter_into_zeros(source: Tensor, dim: int, index: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Zeros of ``shape`` with ``source`` added where :func:`gather` picked: its derivative."""
    if source.shape != index.shape:
        raise RuntimeError(f"scatter: the gradient has shape {source.shape}, but the index now has {index.shape}")
    out = engine.zeros(shape, source.dtype)
    _write_scattered("scatter", out, dim, index, source, "add")
    return record("scatter_into_zeros", out, (source,), (lambda g: gather(g, dim, index),))


def take(input: Tensor, index: Tensor) -> Tensor:
    """Elements picked by their number in the flattened tensor.

    Args:
        input: [any shape].
        index: int64 or int32 [any shape]; negative numbers count from the end.

    Raises:
        IndexError: for a number out of range.

    Example:
        >>> import lucid
        >>> lucid.tensor([[1, 2], [3, 4]]).take(lucid.tensor([3, 0])).tolist()
        [4, 1]
    """
    index = need_indices("take", index)
    return pick(reshape(input, -1), Places((input.array.size,), [index.array.copy()]))


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Elements picked along ``dim`` as by :func:`gather`, all other dimensions broadcast: what argsort gives picks so.

    Args:
        input: [any shape].
        indices: int64 or int32, as many dimensions.
        dim: the dimension; None: input and indices are flattened.

    Raises:
        ValueError: when the other dimensions do not broadcast.
        IndexError: for an index out of range.

    Example:
        >>> import lucid
        >>> x = lucid.tensor([[3.0, 1.0], [2.0, 4.0]])
        >>> lucid.take_along_dim(x, x.argmax(1, keepdim=True), 1).tolist()
        [[3.0], [4.0]]
    """
    indices = need_indices("take_along_dim", indices)
    if dim is None:
        return gather(reshape(input, -1), 0, reshape(indices, -1))
    ndim = len(input.shape)
    if len(indices.shape) != ndim:
        raise ArgumentError(f"take_along_dim: indices {indices.shape} and input {input.shape} differ in dimensions")
    dim = wrap_dim("take_along_dim", dim, ndim)
    one = [(*s[:dim], 1, *s[dim + 1 :]) for s in (input.shape, indices.shape)]
    try:
        common = broadcast_shapes(*one)
    except ValueError as error:
        raise ArgumentError(f"take_along_dim: {error}") from None
    source, at = ((*common[:dim], x.shape[dim], *common[dim + 1 :]) for x in (input, indices))
    return gather(
        input if input.shape == source else expand(input, source),
        dim,
        indices if indices.shape == at else expand(indices, at),
    )


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices of ``input`` along ``dim`` whose numbers stand in the vector ``index``.

    Raises:
        IndexError: for a number out of range.

    Example:
        >>> import lucid
        >>> lucid.tensor([[1.0, 2.0], [3.0, 4.0]]).index_select(1, lucid.tensor([1, 1])).tolist()
        [[2.0, 2.0], [4.0, 4.0]]
    """
    if not input.shape:
        index = need_indices("index_select", index)
        if index.array.size != 1:
            raise ArgumentError(f"index_select: from a 0-d tensor one number can be picked, not {index.array.size}")
        return reshape(index_select(reshape(input, 1), dim, index), ())
    index, dim = _slices("index_select", index), wrap_dim("index_select", dim, len(input.shape))
    return pick(input, Places.at(input.shape, dim, dim, index, "index_select"))


def _slices(operation: str, index: Tensor) -> Tensor:
    """The numbers of slices, as a vector."""
    index = need_indices(operation, index)
    if len(index.shape) > 1:
        raise PositionError(f"{operation}: index must be a vector, got shape {index.shape}")
    return index if index.shape else reshape(index, 1)


def slices_along(operation: str, input: Tensor, dim: int, index: Tensor, negative: bool = False) -> Places:
    """The places of whole slices along ``dim``."""
    dim = wrap_dim(operation, dim, len(input.shape))
    own = engine.copy(_slices(operation, index))  # it may be changed before backward
    return Places.at(input.shape, dim, dim, own, None if negative else operation)


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where ``mask`` is true, as a vector; both broadcast.

    Raises:
        TypeError: when the mask is not bool.

    Example:
        >>> import lucid
        >>> lucid.tensor([1.0, 2.0, 3.0]).masked_select(lucid.tensor([True, False, True])).tolist()
        [1.0, 3.0]
    """
    need_mask("masked_select", mask)
    shape = common_shape("masked_select", input, mask)
    input, mask = (x if x.shape == shape else expand(x, shape) for x in (input, mask))
    return getitem(reshape(input, -1), reshape(mask, -1)) if not shape else getitem(input, mask)


def need_mask(operation: str, mask: Any) -> None:
    if not isinstance(mask, Value) or mask.dtype is not engine.bool_:
        raise KindError(f"{operation}: mask must be a bool tensor, got {describe(mask)}")


# ---------------------------------------------------------------------------------------------------------------------
# Writing along a dimension: scatter


def _written(
    operation: str, input: Tensor, index: Tensor, source: Operand, write: Any, rules: Any, in_place: bool
) -> Tensor:
    """``write(out, index, source)`` into the tensor's own memory or into a copy, and recorded.

    The rules are those of the tensor and of the source; they take the gradient and the index.
    """
    if not in_place:
        out = engine.copy(input)
        write(out, index, source)
        return record(operation, out, (input, source), rules, (index,))
    recorded = may_change(operation, input, source)
    write(input, _apart(index, input), _apart(source, input) if isinstance(source, Value) else source)
    input.version[0] += 1
    if recorded:
        edges = (edge_of(input), edge_of(source) if isinstance(source, Value) else None)
        changed(input, Node(operation, rules, edges, (index,), index.version[0]))
    return input


def _apart(x: Tensor, written: Tensor) -> Tensor:
    """The numbers of ``x``, in memory that is not written to."""
    return engine.wrap(x.array.copy(order="C")) if np.may_share_memory(x.array, written.array) else x


def _write_scattered(operation: str, out: Tensor, dim: int, index: Tensor, source: Any, reduce: str | None) -> None:
    """Writes, adds or multiplies ``source`` (a tensor of the index's shape, or a number) where ``index`` names."""
    if not index.array.size:
        return
    target = _part(operation, out, dim, index)
    block = engine.contiguous(target)
    outer, n, inner = engine.reduce_shape(block.shape or (1,), dim, dim)
    m = index.shape[dim] if index.shape else 1
    number = not isinstance(source, Value)
    dense: Any = None if number else engine.contiguous(source)
    if out.dtype in _scatter and reduce is None:
        value, pointer = (source, engine.NULL) if number else (0.0, dense.pointer)
        position = _scatter[out.dtype](outer, n, inner, m, pointer, value, index.pointer, block.pointer)
        engine.check_index(position, index, n, operation)
    elif out.dtype in _scatter and reduce == "add" and not number:
        position = _scatter_add[out.dtype](outer, n, inner, m, dense.pointer, index.pointer, block.pointer)
        engine.check_index(position, index, n, operation)
    else:
        check_range(operation, index, n)
        at = np.ogrid[:outer, :m, :inner]
        places = (at[0], index.array.reshape(outer, m, inner), at[2])
        values = source if number else dense.array.reshape(outer, m, inner)
        array = block.array.reshape(outer, n, inner)
        if reduce is None:
            array[places] = values
        else:
            (np.add if reduce == "add" else np.multiply).at(array, places, values)
    if block is not target:
        engine.copy_into(target, block)


def _scattered(
    operation: str, input: Tensor, dim: int, index: Tensor, source: Operand, reduce: str | None, in_place: bool
) -> Tensor:
    index = need_indices(operation, index)
    dim = wrap_dim(operation, dim, len(input.shape))
    if reduce not in (None, "add", "multiply"):
        raise ArgumentError(f"{operation}: reduce must be 'add' or 'multiply', got {reduce!r}")
    if not isinstance(source, Value):
        source = number_in(operation, source, input.dtype)
    elif source.dtype is not input.dtype:
        raise KindError(f"{operation}: src is {source.dtype} but the tensor is {input.dtype}")
    elif not index.array.size:
        pass
    elif len(source.shape) != len(index.shape) or any(i > s for i, s in zip(index.shape, source.shape, strict=True)):
        if len(source.shape) + len(index.shape) > 1 or index.array.size > source.array.size:
            raise ArgumentError(f"{operation}: index shape {index.shape} does not fit src shape {source.shape}")
    if reduce == "multiply" and needs_graph(input, source):
        raise NotImplementedError(f"{operation}: reduce='multiply' has no derivative; detach() the tensors")
    if index.array.size and len(input.shape) + len(index.shape) == 1:
        flat = reshape(input, -1)
        part = reshape(source, -1) if isinstance(source, Value) else source
        out = _scattered(operation, flat, dim, reshape(index, -1), part, reduce, in_place)
        return input if in_place else reshape(out, input.shape)
    if isinstance(source, Value) and source.shape != index.shape:
        source = sliced(source, tuple(slice(0, n) for n in index.shape)) if index.shape else reshape(source, ())
        source = reshape(source, index.shape)

    def write(out: Tensor, index: Tensor, source: Any) -> None:
        _write_scattered(operation, out, dim, index, source, reduce)

    if reduce is None:
        rules: Any = (lambda grad, index: scatter(grad, dim, index, 0.0), lambda grad, index: gather(grad, dim, index))
    else:
        rules = (lambda grad, index: grad, lambda grad, index: gather(grad, dim, index))
    return _written(operation, input, index, source, write, rules, in_place)


def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """A copy with ``src`` written along ``dim``: out[index[i, j, ...], j, ...] = src[i, j, ...] for dim 0, and so on.

    Args:
        input: [any shape].
        dim: the dimension.
        index: int64 or int32, no larger than input in the other dimensions.
        src: a tensor of the same number type, no smaller than index; or a number.
        value: a number, instead of src.
        reduce: None: of several written to one place the last stays; ``"add"``; ``"multiply"`` (without derivative).

    Raises:
        ValueError: when the shapes do not fit.
        IndexError: for an index out of range.

    Example:
        >>> import lucid
        >>> lucid.zeros(2, 3).scatter(1, lucid.tensor([[2], [0]]), 1.0).tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    return _scattered("scatter", input, dim, index, _one_of("scatter", src, value), reduce, False)


def scatter_(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """In-place form of :func:`scatter`: the tensor itself is written to."""
    return _scattered("scatter_", input, dim, index, _one_of("scatter_", src, value), reduce, True)


def _one_of(operation: str, src: Any, value: Any) -> Any:
    if (src is None) == (value is None):
        raise KindError(f"{operation}: give src or value")
    return value if src is None else src


def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy with ``src`` added along ``dim``: out[index[i, j, ...], j, ...] += src[i, j, ...] for dim 0, and so on.

    Args:
        input: [any shape].
        dim: the dimension.
        index: int64 or int32, no larger than input in the other dimensions.
        src: a tensor of the same number type, no smaller than index.

    Raises:
        ValueError: when the shapes do not fit.
        IndexError: for an index out of range.

    Example:
        >>> import lucid
        >>> lucid.zeros(2).scatter_add(0, lucid.tensor([1, 1, 0]), lucid.tensor([1.0, 2.0, 3.0])).tolist()
        [3.0, 3.0]
    """
    need_tensor("scatter_add", src)
    return _scattered("scatter_add", input, dim, index, src, "add", False)


def scatter_add_(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """In-place form of :func:`scatter_add`: the tensor itself is added to."""
    need_tensor("scatter_add_", src)
    return _scattered("scatter_add_", input, dim, index, src, "add", True)
