"""Indexing: views, rows and elements picked by number, and their derivatives, which add to the places picked from."""

from __future__ import annotations

from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, record
from lucid.ops.broadcast import sum_to_size
from lucid.ops.elementwise import Tensor
from lucid.ops.view import clone, reshape, to_dtype, wrap_dim


def _plain(key: Any) -> Any:
    """One part of an index as NumPy takes it."""
    if isinstance(key, Value):
        if key.dtype.is_floating_point or key.dtype is engine.uint8:
            raise IndexError(f"a {key.dtype} tensor cannot be an index; use int64 for numbers or bool for a mask")
        return key.array if key.shape or key.dtype is engine.bool_ else int(key.array)
    if isinstance(key, np.ndarray | np.generic) and not key.ndim:
        return key.item()
    if isinstance(key, list | range):
        return np.asarray(key) if key else np.asarray(key, np.int64)
    if isinstance(key, slice):
        parts = (p.array.item() if isinstance(p, Value) else p for p in (key.start, key.stop, key.step))
        key = slice(*parts)
        if key.step is not None and key.step <= 0:
            raise ValueError(f"slice step must be positive, got {key.step}; use flip to reverse")
    return key


def plain_index(key: Any) -> Any:
    """A user's index as NumPy takes it."""
    return tuple(_plain(k) for k in key) if isinstance(key, tuple) else _plain(key)


def _picks(part: Any) -> bool:
    """Whether a part of an index picks by numbers or a mask (a copy), and not only by slices (a view)."""
    return isinstance(part, bool | np.bool_) or (isinstance(part, np.ndarray) and (part.ndim > 0 or part.dtype == bool))


def split_index(key: Any, ndim: int) -> tuple[Any, Any]:
    """An index in two steps: slices and single numbers first, as a view; then what picks from that view, or None.

    NumPy counts single numbers among the arrays that pick, and puts their dimensions elsewhere than PyTorch:
    x[0, :, [1, 2]] is [2, n] there, [n, 2] here.
    """
    key = plain_index(key)
    parts = key if isinstance(key, tuple) else (key,)
    if not any(map(_picks, parts)):
        return key, None
    used = sum(_width(part) for part in parts)
    if used > ndim:
        raise IndexError(f"{used} dimensions are indexed, but there are {ndim}")
    basic: list[Any] = []
    picks: list[Any] = []
    for part in parts:
        if not _picks(part):
            basic.append(part)
            skipped = max(ndim - used, 0) if part is ... else 1 if part is None or isinstance(part, slice) else 0
            picks.extend([slice(None)] * skipped)
        elif np.ndim(part) == 0:  # True or False: a dimension of size 1, picked or not
            basic.append(None)
            picks.append(np.array([part]))
        else:
            basic.extend([slice(None)] * _width(part))
            picks.append(part.copy())  # backward needs it as it is now
    while isinstance(picks[-1], slice):
        picks.pop()
    return tuple(basic), tuple(picks)


def _width(part: Any) -> int:
    """How many dimensions of the tensor a part of an index speaks of."""
    if part is None or part is ...:
        return 0
    if _picks(part):
        return np.ndim(part) if np.asarray(part).dtype == bool else 1
    return 1


def getitem(input: Tensor, key: Any) -> Tensor:
    """``input[key]``: numbers, slices, ``...`` and None give a view; index or mask tensors give a copy.

    Raises:
        IndexError: for an index out of range.

    Example:
        >>> import lucid
        >>> x = lucid.arange(6).reshape(2, 3)
        >>> x[1].tolist(), x[:, -1].tolist(), x[x > 3].tolist()
        ([3, 4, 5], [2, 5], [4, 5])
    """
    if (
        isinstance(key, Value)
        and key.dtype is engine.int64
        and key.shape
        and input.shape
        and input.dtype in _gather_rows
    ):
        try:
            return gather_rows(input, key)
        except IndexError:  # a negative number, which is counted from the end, or one out of range
            pass
    try:
        key, picks = split_index(key, len(input.shape))
        if picks is None:
            return _slice(input, key)
        return _pick(input if all(part is ... or part == slice(None) for part in key) else _slice(input, key), picks)
    except (IndexError, ValueError) as error:
        kind = IndexError if isinstance(error, IndexError) else ValueError
        raise kind(f"index: {error} (tensor of shape {input.shape})") from None


def _slice(input: Tensor, key: Any) -> Tensor:
    """A view by numbers, slices, ``...`` and None."""
    shape = input.shape
    out = engine.view(input, view_at(input.array, key))
    return record("index", out, (input,), (lambda grad: _slice_into_zeros(grad, shape, key),))


def _slice_into_zeros(grad: Tensor, shape: tuple[int, ...], key: Any) -> Tensor:
    """Zeros of ``shape`` with ``grad`` at ``key``: the derivative of a slice."""
    out = engine.empty(shape, grad.dtype)
    out.array.fill(0)
    engine.copy_into(engine.view(out, view_at(out.array, key)), grad)
    return record("slice_into_zeros", out, (grad,), (lambda g: _slice(g, key),))


def view_at(array: np.ndarray, key: Any) -> np.ndarray:
    """``array[key]`` for numbers, slices, ``...`` and None, as a view also where NumPy would give a number."""
    key = key if isinstance(key, tuple) else (key,)
    view: np.ndarray = array[key if any(k is ... for k in key) else (*key, ...)]
    return view


def _pick(input: Tensor, picks: tuple[Any, ...]) -> Tensor:
    """What arrays of numbers and masks pick, copied. Rows picked by numbers are the engine's work, the rest NumPy's."""
    first, shape = picks[0], input.shape
    if isinstance(first, np.ndarray) and first.dtype.kind == "i" and len(picks) == 1 and input.dtype in _gather_rows:
        rows = first.astype(np.int64, copy=False)
        return gather_rows(input, engine.wrap(np.where((rows < 0) & (rows >= -shape[0]), rows + shape[0], rows)))
    out = engine.wrap(np.ascontiguousarray(input.array[picks]))
    return record("index", out, (input,), (lambda grad: _pick_into_zeros(grad, shape, picks),))


def index_put(input: Tensor, key: Any, value: Any) -> Tensor:
    """A copy of ``input`` with ``value`` (a tensor or a number) at ``key``: what ``input[key] = value`` records.

    Raises:
        IndexError: for an index out of range.
        ValueError: when value does not broadcast to what the key speaks of.
    """
    out = clone(input.detach())
    values = to_dtype(value, input.dtype) if isinstance(value, Value) else value
    taken = write_at(out, key, values)
    if isinstance(values, Value):  # dimensions of size 1 in front fit too
        surplus = max(len(values.shape) - len(taken), 0)
        values = reshape(values, values.shape[surplus:])
        before = values.shape
        rules = (lambda grad: index_put(grad, key, 0.0), lambda grad: sum_to_size(getitem(grad, key), before))
        return record("index_put", out, (input, values), rules)
    return record("index_put", out, (input,), (lambda grad: index_put(grad, key, 0.0),))


def write_at(out: Tensor, key: Any, value: Any) -> tuple[int, ...]:
    """Writes ``value`` into the memory of ``out`` at ``key``, converted and broadcast; returns the shape written to."""
    source = value.array if isinstance(value, Value) else np.asarray(value)
    if source.dtype.kind not in "biuf":
        raise TypeError(f"index assignment: expected a tensor or numbers, got {type(value).__name__}")
    try:
        basic, picks = split_index(key, len(out.shape))
        target = view_at(out.array, basic)
        place = ... if picks is None else picks
        shape: tuple[int, ...] = target[place].shape if source.ndim else ()
        surplus = source.ndim - len(shape)
        if surplus > 0 and set(source.shape[:surplus]) == {1}:
            source = source.reshape(source.shape[surplus:])
        target[place] = source
        return shape
    except (IndexError, ValueError, OverflowError) as error:
        kind = IndexError if isinstance(error, IndexError) else ValueError
        raise kind(f"index assignment: {error} (tensor of shape {out.shape})") from None


def _pick_into_zeros(grad: Tensor, shape: tuple[int, ...], picks: tuple[Any, ...]) -> Tensor:
    """Zeros of ``shape`` with ``grad`` added at ``picks``; places picked several times get the sum."""
    out = engine.empty(shape, grad.dtype)
    out.array.fill(0)
    np.add.at(out.array, picks, grad.array)
    return record("pick_into_zeros", out, (grad,), (lambda g: _pick(g, picks),))


# ---------------------------------------------------------------------------------------------------------------------
# Rows of a table, for embeddings and batches

_gather_rows, _scatter_add_rows = engine.kernels("gather_rows"), engine.kernels("scatter_add_rows")
_gather, _scatter_add = engine.kernels("gather"), engine.kernels("scatter_add")


def _need_indices(operation: str, index: Tensor) -> Tensor:
    """The indices as contiguous int64."""
    if not isinstance(index, Value):
        raise TypeError(f"{operation}: index must be a tensor, got {type(index).__name__}")
    if index.dtype not in (engine.int64, engine.int32, engine.uint8):
        raise TypeError(f"{operation}: index must be an integer tensor, got {index.dtype}")
    return engine.contiguous(to_dtype(index, engine.int64))


def gather_rows(table: Tensor, index: Tensor) -> Tensor:
    """Row ``index[i, ...]`` of ``table`` at place [i, ...].

    Table [rows, ...] and index [...] give [*index.shape, *table.shape[1:]].

    Raises:
        IndexError: for a row that is not there.
    """
    index = _need_indices("gather_rows", index)
    rows, rest = table.shape[0], table.shape[1:]
    dense = engine.contiguous(table)
    out = engine.empty((*index.shape, *rest), table.dtype)
    width = dense.array.size // rows if rows else 0
    kernel = engine.kernel_for(_gather_rows, table.dtype, "gather_rows")
    position = kernel(index.array.size, width, rows, dense.pointer, index.pointer, out.pointer)
    engine.check_index(position, index, rows, "index")
    shape = table.shape
    return record(
        "gather_rows", out, (table,), (lambda grad, index: scatter_rows_into_zeros(grad, index, shape),), (index,)
    )


def scatter_rows_into_zeros(grad: Tensor, index: Tensor, shape: tuple[int, ...], skip: int = -1) -> Tensor:
    """A table of zeros with the rows of ``grad`` added at ``index``: the derivative of :func:`gather_rows`.

    Args:
        grad: [*index.shape, *shape[1:]].
        index: int64, contiguous.
        shape: that of the table.
        skip: rows to be added here are left out (the padding row of an embedding).
    """
    dense = engine.contiguous(grad)
    out = engine.empty(shape, grad.dtype)
    out.array.fill(0)
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


def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Elements picked along ``dim``: out[i, j, ...] = input[index[i, j, ...], j, ...] for dim 0, and so on.

    Args:
        input: [any shape].
        dim: the dimension picked along.
        index: integers, with the input's sizes in the other dimensions (smaller ones are allowed).

    Raises:
        ValueError: when the shapes do not fit.
        IndexError: for an index out of range.

    Example:
        >>> import lucid
        >>> lucid.gather(lucid.tensor([[1.0, 2.0], [3.0, 4.0]]), 1, lucid.tensor([[1], [0]])).tolist()
        [[2.0], [3.0]]
    """
    index = _need_indices("gather", index)
    dim = wrap_dim("gather", dim, len(input.shape))
    if len(input.shape) + len(index.shape) == 1:  # a number counts as a vector of one
        return reshape(gather(reshape(input, -1), dim, reshape(index, -1)), index.shape)
    before = input.shape
    source = _cut_to_index("gather", input, dim, index)
    if source.dtype not in _gather:
        checked = np.asarray(index.array)
        size = source.shape[dim] if source.shape else 1
        if checked.size and (checked.min() < 0 or checked.max() >= size):
            raise IndexError(f"gather: an index is out of range for size {size}")
        if not source.shape:
            return engine.wrap(source.array.copy())
        return engine.wrap(np.take_along_axis(source.array, checked, dim))
    dense = engine.contiguous(source)
    out = engine.empty(index.shape, input.dtype)
    outer, n, inner = engine.reduce_shape(dense.shape or (1,), dim, dim)
    m = index.shape[dim] if index.shape else 1
    position = _gather[input.dtype](outer, n, inner, m, dense.pointer, index.pointer, out.pointer)
    engine.check_index(position, index, n, "gather")
    return record(
        "gather", out, (input,), (lambda grad, index: scatter_into_zeros(grad, dim, index, before),), (index,)
    )


def _cut_to_index(operation: str, input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The part of ``input`` that an index with smaller sizes in the other dimensions speaks of."""
    if len(index.shape) != len(input.shape) or any(
        i != dim and index.shape[i] > size for i, size in enumerate(input.shape)
    ):
        raise ValueError(
            f"{operation}: index shape {index.shape} does not fit input shape {input.shape} along dim {dim}"
        )
    if all(i == dim or index.shape[i] == size for i, size in enumerate(input.shape)):
        return input
    cut = tuple(slice(None) if i == dim else slice(index.shape[i]) for i in range(len(input.shape)))
    return engine.view(input, input.array[cut])


def scatter_into_zeros(source: Tensor, dim: int, index: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Zeros of ``shape`` with ``source`` added where :func:`gather` picked: its derivative."""
    out = engine.empty(shape, source.dtype)
    out.array.fill(0)
    target = _cut_to_index("scatter", out, dim, index)
    dense = engine.contiguous(source)
    block = target if target.strides is None else engine.contiguous(target)
    outer, n, inner = engine.reduce_shape(block.shape or (1,), dim, dim)
    m = index.shape[dim] if index.shape else 1
    position = _scatter_add[source.dtype](outer, n, inner, m, dense.pointer, index.pointer, block.pointer)
    engine.check_index(position, index, n, "scatter")
    if block is not target:
        engine.copy_into(target, block)
    return record("scatter_into_zeros", out, (source,), (lambda g: gather(g, dim, index),))


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices of ``input`` along ``dim`` whose numbers stand in the vector ``index``."""
    index = _need_indices("index_select", index)
    dim = wrap_dim("index_select", dim, len(input.shape))
    if len(index.shape) > 1:
        raise ValueError(f"index_select: index must be a vector, got shape {index.shape}")
    size = input.shape[dim] if input.shape else 1
    outside = ((index.array < 0) | (index.array >= size)).reshape(-1)
    engine.check_index(int(outside.argmax()) if outside.any() else -1, index, size, "index_select")
    if not input.shape:
        if index.array.size != 1:
            raise ValueError(f"index_select: from a 0-d tensor one number can be picked, not {index.array.size}")
        return clone(input)
    return getitem(input, (slice(None),) * dim + (reshape(index, -1),))


# ---------------------------------------------------------------------------------------------------------------------
# Joining


def cat(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors joined along ``dim``; their other sizes are the same.

    Raises:
        ValueError: for no tensors, or sizes that differ.

    Example:
        >>> import lucid
        >>> lucid.cat([lucid.ones(1, 2), lucid.zeros(2, 2)]).shape
        (3, 2)
    """
    tensors = tuple(tensors)
    if not tensors:
        raise ValueError("cat: expected at least one tensor")
    for x in tensors:
        if not isinstance(x, Value):
            raise TypeError(f"cat: expected tensors, got {type(x).__name__}")
    parts = [x for x in tensors if x.shape != (0,)] or [tensors[0]]  # PyTorch lets empty vectors pass
    first = parts[0]
    dim = wrap_dim("cat", dim, len(first.shape))
    if not first.shape:
        raise ValueError("cat: 0-d tensors cannot be joined; use stack")
    for x in parts:
        if len(x.shape) != len(first.shape) or any(
            a != b for i, (a, b) in enumerate(zip(x.shape, first.shape, strict=True)) if i != dim
        ):
            raise ValueError(f"cat: shapes {first.shape} and {x.shape} differ in a dimension other than {dim}")
    kind = max((x.dtype for x in tensors), key=lambda k: (k.category, k.itemsize))
    parts = [to_dtype(x, kind) for x in parts]
    ends = np.cumsum([x.shape[dim] for x in parts]).tolist()
    out = engine.empty((*first.shape[:dim], ends[-1], *first.shape[dim + 1 :]), kind)
    keys = []
    for x, end in zip(parts, ends, strict=True):
        key = (slice(None),) * dim + (slice(end - x.shape[dim], end),)
        engine.copy_into(engine.view(out, out.array[key]), x)
        keys.append(key)
    rules = [lambda grad, key=key: getitem(grad, key) for key in keys]
    skipped = [x for x in tensors if x.shape == (0,) != first.shape]
    rules += [lambda grad, x=x: engine.empty(x.shape, x.dtype) for x in skipped]
    return record("cat", out, (*parts, *skipped), tuple(rules))


def stack(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors of one shape joined along a new dimension.

    Raises:
        ValueError: for no tensors, or shapes that differ.
    """
    tensors = tuple(tensors)
    if not tensors:
        raise ValueError("stack: expected at least one tensor")
    for x in tensors:
        if not isinstance(x, Value):
            raise TypeError(f"stack: expected tensors, got {type(x).__name__}")
    shape = tensors[0].shape
    for x in tensors:
        if x.shape != shape:
            raise ValueError(f"stack: shapes {shape} and {x.shape} differ")
    dim = wrap_dim("stack", dim, len(shape) + 1)
    return cat([reshape(x, (*shape[:dim], 1, *shape[dim:])) for x in tensors], dim)


def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """``length`` slices along ``dim`` from ``start`` on, as a view."""
    size = _size_along("narrow", input, dim)
    dim = wrap_dim("narrow", dim, len(input.shape))
    first = start + size if start < 0 else start
    if not 0 <= first <= first + length <= size:
        raise ValueError(f"narrow: start {start} and length {length} do not fit into size {size}")
    start = first
    return getitem(input, (slice(None),) * dim + (slice(start, start + length),))


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The slice number ``index`` along ``dim``, as a view without that dimension."""
    _size_along("select", input, dim)
    return getitem(input, (slice(None),) * wrap_dim("select", dim, len(input.shape)) + (index,))


def _size_along(operation: str, input: Tensor, dim: int) -> int:
    """The size of a dimension; a 0-d tensor has none to cut."""
    if not input.shape:
        raise ValueError(f"{operation}: a 0-d tensor has no dimension to cut")
    size: int = input.shape[wrap_dim(operation, dim, len(input.shape))]
    return size


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of ``split_size`` slices each along ``dim`` (the last may be shorter), or of the listed lengths."""
    size = _size_along("split", tensor, dim)
    dim = wrap_dim("split", dim, len(tensor.shape))
    if isinstance(split_size_or_sections, int):
        step = split_size_or_sections
        if step < 0 or (step == 0 and size):
            raise ValueError(f"split: split_size must be positive, got {step}")
        lengths = [min(step, size - i) for i in range(0, size, step or 1)] or [0]
    else:
        lengths = list(split_size_or_sections)
        if sum(lengths) != size or min(lengths, default=0) < 0:
            raise ValueError(f"split: sections {lengths} do not add up to size {size}")
    starts = np.cumsum([0, *lengths]).tolist()
    return tuple(narrow(tensor, dim, start, length) for start, length in zip(starts, lengths, strict=False))


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most ``chunks`` views of equal length along ``dim`` (the last may be shorter)."""
    if chunks <= 0:
        raise ValueError(f"chunk: chunks must be positive, got {chunks}")
    size = _size_along("chunk", input, dim)
    return split(input, -(-size // chunks) if size else [0] * chunks, dim)


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """All slices along ``dim``, as views without that dimension."""
    return tuple(select(input, dim, i) for i in range(_size_along("unbind", input, dim)))
