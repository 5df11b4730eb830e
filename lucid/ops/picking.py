"""``x[...]`` read and written. Numbers, slices, ``...`` and None give views; arrays of numbers and masks pick.

Whatever the arrays, a picking index becomes one vector of places along one (joined) dimension of x[outer, n, inner]:
reading is then one engine call, and so is its derivative, which adds to the places picked from.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.grad_mode import mode
from lucid.autograd.graph import Node, Value, describe, edge_of, record
from lucid.errors import ArgumentError, KindError, PositionError
from lucid.ops.broadcast import expand
from lucid.ops.elementwise import is_number
from lucid.ops.rebase import changed, may_change
from lucid.ops.refusal import refuses
from lucid.ops.slicing import located, sliced
from lucid.ops.view import reshape, to_dtype
from lucid.types import Tensor

_index_select, _index_add = engine.kernels("index_select"), engine.kernels("index_add")
_index_copy = engine.kernels("index_copy")


# ---------------------------------------------------------------------------------------------------------------------
# What a user wrote, as slices and arrays


def _plain(key: Any) -> Any:
    """One part of an index: an int, a slice of ints, ``...``, None, or an array of int64 or bool."""
    if key is None or key is ... or key.__class__ is int:
        return key
    if isinstance(key, slice):
        return slice(*(None if p is None else p.__index__() for p in (key.start, key.stop, key.step)))
    if isinstance(key, bool | np.bool_):
        return np.array(bool(key))
    if isinstance(key, Value):
        key = key.array if key.shape or key.dtype in (engine.bool_, engine.uint8) else key.array[()]
    if isinstance(key, list | tuple | range):
        key = np.asarray(key) if len(key) else np.zeros(0, np.int64)
    if isinstance(key, np.ndarray | np.generic):
        if key.dtype == np.bool_:
            return key
        if key.dtype == np.uint8 and isinstance(key, np.ndarray):
            warnings.warn("indexing with dtype uint8 is deprecated; use bool for a mask", UserWarning, stacklevel=4)
            return np.asarray(key != 0)
        if key.dtype.kind not in "iu":
            raise PositionError(f"tensors used as indices must be integers or bool, got {key.dtype}")
        return key.astype(np.int64) if key.ndim else int(key)
    if hasattr(key, "__index__"):
        return key.__index__()
    raise PositionError(
        f"{type(key).__name__} cannot be an index; use ints, slices, ..., None, tensors, arrays or lists"
    )


def _split_index(key: Any, shape: tuple[int, ...]) -> tuple[Any, list[Any]]:
    """An index in two steps: slices and single numbers first, as a view; then, for the view's first dimensions, the
    arrays of numbers that pick, None where none does.

    NumPy counts single numbers among the arrays that pick, and puts their dimensions elsewhere than PyTorch:
    x[0, :, [1, 2]] is [2, n] there, [n, 2] here.
    """
    parts = [_plain(k) for k in (key if isinstance(key, tuple) else (key,))]
    if not any(isinstance(part, np.ndarray) for part in parts):
        return tuple(parts), []
    used = sum(
        0 if part is None or part is ... else part.ndim if isinstance(part, np.ndarray) and part.dtype == bool else 1
        for part in parts
    )
    if used > len(shape):
        raise PositionError(f"too many indices: {used} for {len(shape)} dimensions")
    basic: list[Any] = []
    picks: list[Any] = []
    dim = 0  # of the tensor
    for part in parts:
        if not isinstance(part, np.ndarray):
            basic.append(part)
            skipped = len(shape) - used if part is ... else 0 if part is None else 1
            picks.extend([None] * (skipped if part is ... or isinstance(part, slice) else part is None))
            dim += skipped
        elif part.dtype != bool:
            basic.append(slice(None))
            picks.append(part)
            dim += 1
        elif part.ndim == 0:  # True or False: a dimension of size 1, picked or not
            basic.append(None)
            picks.append(np.zeros(int(part), np.int64))
        else:
            if part.shape != shape[dim : dim + part.ndim]:
                raise PositionError(
                    f"the shape of the mask {part.shape} does not match the dimensions {shape[dim : dim + part.ndim]} "
                    f"that it is to pick from (from dimension {dim} on)"
                )
            basic.extend([slice(None)] * part.ndim)
            picks.extend(part.nonzero())
            dim += part.ndim
    return tuple(basic), picks


class Places:
    """Where an index with arrays picks: one vector of places along joined dimensions.

    Args:
        shape: that of the tensor picked from.
        picks: for its first dimensions the array of numbers, or None.

    Raises:
        IndexError: for a number out of range, or arrays that do not broadcast.

    Attributes:
        order: None, or the order that brings the dimensions picked from to the front.
        outer, n, inner: sizes before, of and after the joined dimensions.
        index: the places, one contiguous int64 tensor.
        shape: the shape of the result.
        dim: the first dimension picked from.
        strict: None, and negative numbers count from the end; or the operation for which they are out of range.
    """

    __slots__ = ("dim", "index", "inner", "n", "order", "outer", "shape", "strict")

    def __init__(self, shape: tuple[int, ...], picks: list[Any]) -> None:
        dims = [d for d, part in enumerate(picks) if part is not None]
        first, last = dims[0], dims[-1]
        self.order: tuple[int, ...] | None = None
        if last - first + 1 != len(dims):
            self.order = (*dims, *(d for d in range(len(shape)) if d not in dims))
            shape = tuple(shape[d] for d in self.order)
            first, last = 0, len(dims) - 1
        sizes = shape[first : last + 1]
        arrays = [picks[d] for d in dims]
        index = arrays[0]
        if len(arrays) > 1:
            index = _joined(arrays, sizes)
        if index is None:
            arrays = [_counted_from_front(a, d, size) for a, d, size in zip(arrays, dims, sizes, strict=True)]
            try:
                arrays = list(np.broadcast_arrays(*arrays))
            except ValueError:
                shapes = ", ".join(str(a.shape) for a in arrays)
                raise PositionError(f"shape mismatch: index tensors of shapes {shapes} do not broadcast") from None
            index = np.zeros(arrays[0].shape, np.int64)
            for part, size in zip(arrays, sizes, strict=True):
                index = index * size + part
        self._set(shape, first, last, engine.wrap(np.asarray(index, order="C")))
        self.dim = dims[0]

    def _set(self, shape: tuple[int, ...], first: int, last: int, index: Tensor, strict: str | None = None) -> None:
        self.strict, self.dim, self.index = strict, first, index
        self.outer, self.n, self.inner = engine.reduce_shape(shape, first, last)
        self.shape = (*shape[:first], *index.shape, *shape[last + 1 :])

    @classmethod
    def at(cls, shape: tuple[int, ...], first: int, last: int, index: Tensor, strict: str | None = None) -> Places:
        """Places along the joined dimensions first..last, which ``index`` numbers; its memory must not change."""
        self = cls.__new__(cls)
        self.order = None
        self._set(shape, first, last, index, strict)
        return self

    def check(self) -> None:
        """Refuses numbers out of range, and counts negative ones from the front, where no kernel has found all well."""
        if self.strict is not None:
            check_range(self.strict, self.index, self.n)
        self.index = engine.wrap(_counted_from_front(self.index.array, self.dim, self.n))

    def block(self, x: Tensor) -> Tensor:
        """``x`` in contiguous memory, as [outer, n, inner] lies in it."""
        if self.order is not None:
            x = engine.same_start(x, x.array.transpose(self.order))
        return engine.contiguous(x)


def check_range(operation: str, index: Tensor, size: int) -> None:
    """Refuses numbers out of [0, size), where no kernel does."""
    outside = ((index.array < 0) | (index.array >= size)).reshape(-1)
    engine.check_index(int(outside.argmax()) if outside.any() else -1, index, size, operation)


def _joined(arrays: list[np.ndarray], sizes: tuple[int, ...]) -> Any:
    """Numbers of several dimensions as one of the joined dimension; None where that is not so simple."""
    try:
        return np.ravel_multi_index(tuple(arrays), sizes)
    except ValueError:  # negative, out of range, or not of one shape
        return None


def _counted_from_front(index: np.ndarray, dim: int, size: int) -> np.ndarray:
    """Numbers in [0, size), for numbers in [-size, size)."""
    if not index.size:
        return index
    low, high = index.min(), index.max()
    if low < -size or high >= size:
        wrong = low if low < -size else high
        raise PositionError(f"index {wrong} is out of bounds for dimension {dim} with size {size}")
    return index if low >= 0 else np.where(index < 0, index + size, index)


# ---------------------------------------------------------------------------------------------------------------------
# Reading

WHOLE = slice(None)


def getitem(input: Tensor, key: Any) -> Tensor:
    """``input[key]``: numbers, slices, ``...`` and None give a view; index or mask tensors give a copy.

    Args:
        input: [any shape].
        key: ints, slices with positive steps, ``...``, None, integer tensors, arrays and lists, masks of any
            neighbouring dimensions (bool), or a tuple of these. The dimensions picked by arrays stay where they are
            when these are neighbours, and move to the front when not.

    Raises:
        IndexError: for an index out of range, masks of another shape, arrays that do not broadcast.
        ValueError: for a slice with a step that is not positive.

    Example:
        >>> import lucid
        >>> x = lucid.arange(6).reshape(2, 3)
        >>> x[1].tolist(), x[:, -1].tolist(), x[x > 3].tolist()
        ([3, 4, 5], [2, 5], [4, 5])
    """
    try:
        kind = key.__class__
        if kind is int or kind is slice:
            last = None
        else:
            last = key[-1] if kind is tuple and key else key
        if isinstance(last, Value) and last.shape:
            places = _places_at(input.shape, key, last)
            if places is not None:
                return pick(input, places)
        out: Tensor | None = sliced(input, key)
        if out is not None:
            return out
        basic, picks = _split_index(key, input.shape)
        if not (all(part == slice(None) if isinstance(part, slice) else part is ... for part in basic) and picks):
            input = sliced(input, basic)
        return pick(input, Places(input.shape, picks)) if picks else input
    except (IndexError, ValueError) as error:
        raise _explained("index", error, input) from None


def _places_at(shape: tuple[int, ...], key: Any, last: Any) -> Places | None:
    """The short way for x[:, :, index], x[index, index] and x[mask]; None for other keys, which end with ``last``."""
    if last.dtype is engine.bool_:
        count = len(last.shape)
        if last is key and last.shape == shape[:count]:
            return Places.at(shape, 0, count - 1, engine.wrap(last.array.reshape(-1).nonzero()[0]))
    elif last.dtype is engine.int64:
        if last is key:
            return Places.at(shape, 0, 0, engine.contiguous(last)) if shape else None
        before = key[:-1]
        if len(before) < len(shape):
            if all([part.__class__ is slice and part == WHOLE for part in before]):
                return Places.at(shape, len(before), len(before), engine.contiguous(last))
            if all([isinstance(part, Value) and part.shape and part.dtype is engine.int64 for part in before]):
                return Places(shape, [part.array for part in key])
    return None


def _explained(operation: str, error: Exception, x: Tensor) -> Exception:
    kind = IndexError if isinstance(error, IndexError) else ValueError
    return kind(f"{operation}: {error} (tensor of shape {x.shape})")


def pick(input: Tensor, places: Places) -> Tensor:
    """The numbers at ``places``, copied. (Of integers and bools by NumPy.)"""
    block, index = places.block(input), places.index
    kernel = _index_select.get(input.dtype)
    outer, n, inner = places.outer, places.n, places.inner
    if kernel is None:
        places.check()
        array = np.take(block.array.reshape(outer, n, inner), places.index.array.reshape(-1), 1)
        return engine.wrap(array.reshape(places.shape))
    out = engine.empty(places.shape, input.dtype)
    if kernel(outer, n, inner, index.array.size, block.pointer, index.pointer, out.pointer) >= 0:
        places.check()
        return pick(input, places)
    shape = input.shape
    # The index is saved, so that backward notices when it was changed since.
    return record("index", out, (input,), (lambda grad, index: pick_into_zeros(grad, places, shape),), (index,))


def pick_into_zeros(grad: Tensor, places: Places, shape: tuple[int, ...]) -> Tensor:
    """Zeros of ``shape`` with ``grad`` added at ``places``; places picked several times get the sum."""
    out = engine.zeros(shape, grad.dtype)
    write_at(out, places, grad, accumulate=True)
    return record("pick_into_zeros", out, (grad,), (lambda g: pick(g, places),))


# ---------------------------------------------------------------------------------------------------------------------
# Writing


def write_at(out: Tensor, places: Places, values: Any, accumulate: bool) -> None:
    """Writes (or adds) ``values``, a tensor of the places' shape or a number, into the memory of ``out``."""
    block, index = places.block(out), places.index
    outer, n, inner, m = places.outer, places.n, places.inner, index.array.size
    number = not isinstance(values, Value)
    dense: Any = None if number else engine.contiguous(values)
    if out.dtype not in _index_copy:
        places.check()
        index = places.index
        array = block.array.reshape(outer, n, inner)
        at: Any = (slice(None), index.array.reshape(-1))
        source = values if number else dense.array.reshape(outer, m, inner)
        if accumulate:
            np.add.at(array, at, source)
        else:
            array[at] = source
    else:
        if accumulate:
            bad = _index_add[out.dtype](outer, n, inner, m, dense.pointer, index.pointer, block.pointer)
        else:
            value, pointer = (values, engine.NULL) if number else (0.0, dense.pointer)
            bad = _index_copy[out.dtype](outer, n, inner, m, pointer, value, index.pointer, block.pointer)
        if bad >= 0:
            places.check()
            write_at(out, places, values, accumulate)
            return
    target = out if places.order is None else engine.same_start(out, out.array.transpose(places.order))
    if block.pointer != target.pointer:
        engine.copy_into(target, block)


def put(input: Tensor, places: Places, values: Any, accumulate: bool = False) -> Tensor:
    """A copy of ``input`` with ``values`` written at (or added to) ``places``."""
    out = engine.copy(input)
    write_at(out, places, values, accumulate)
    return record("index_put", out, (input, values), put_rules(places, accumulate))


def put_rules(places: Places, accumulate: bool) -> Any:
    """The gradient of what stays: with zeros where something else was written. That of what was written: from there."""
    stays = (lambda grad: grad) if accumulate else (lambda grad: put(grad, places, 0.0))
    return (stays, lambda grad: pick(grad, places))


def fitting(operation: str, values: Any, kind: engine.dtype, shape: tuple[int, ...]) -> Any:
    """Values to be written, in the number type and (tensors) the shape of the place."""
    if not isinstance(values, Value):
        if is_number(values):
            return number_in(operation, values, kind)
        array = np.asarray(values)
        if array.dtype.kind not in "biuf":
            raise KindError(f"{operation}: expected a tensor or numbers, got {type(values).__name__}")
        values = engine.wrap(np.array(array, kind.numpy, order="C"))
    values = to_dtype(values, kind)
    surplus = max(len(values.shape) - len(shape), 0)
    if surplus and set(values.shape[:surplus]) == {1}:  # dimensions of size 1 in front fit too
        values = reshape(values, values.shape[surplus:])
    try:
        return values if values.shape == shape else expand(values, shape)
    except ValueError:
        raise ArgumentError(f"{operation}: values of shape {values.shape} do not broadcast to {shape}") from None


def number_in(operation: str, value: Any, kind: engine.dtype) -> float:
    """A number as the type would hold it; a fraction is cut off for integers."""
    try:
        if kind.is_floating_point:
            return float(value)
        held: float = kind.numpy.type(bool(value) if kind is engine.bool_ else int(value)).item()
        return held
    except (OverflowError, ValueError) as error:
        raise ArgumentError(f"{operation}: {value!r} does not fit into {kind} ({error})") from None


def write_places(operation: str, input: Tensor, places: Places, values: Any, accumulate: bool) -> Tensor:
    """Writes into ``input`` itself, in place, at ``places`` of it."""
    recorded = may_change(operation, input, values)
    values = fitting(operation, values, input.dtype, places.shape)
    source = values
    if isinstance(values, Value) and np.may_share_memory(values.array, input.array):
        source = engine.wrap(values.array.copy())
    try:
        write_at(input, places, source, accumulate)
    except IndexError as error:
        raise _explained(operation, error, input) from None
    input.version[0] += 1
    if recorded:
        edges = (edge_of(input), edge_of(values) if isinstance(values, Value) else None)
        changed(input, Node("index_put", put_rules(places, accumulate), edges, (), 0))
    return input


def setitem(input: Tensor, key: Any, value: Any) -> None:
    """``input[key] = value``: writes into the tensor's memory; recorded, when ``input`` or ``value`` has a gradient.

    Args:
        input: the tensor to write to.
        key: an index, as for reading. Of places named several times the last value stays.
        value: a tensor or numbers, broadcast to the shape of ``input[key]`` and converted to its number type.

    Raises:
        RuntimeError: while recording, for a leaf that requires a gradient; for a view that cannot be changed.
        IndexError: for an index out of range.
        ValueError: when value does not broadcast.

    Example:
        >>> import lucid
        >>> x = lucid.zeros(2, 3)
        >>> x[:, 1] = lucid.tensor([5.0, 6.0])
        >>> x.tolist()
        [[0.0, 5.0, 0.0], [0.0, 6.0, 0.0]]
    """
    operation = "index assignment"
    try:
        found = located(input, key)
        if found is not None and not (
            mode.recording and (input.requires_grad or getattr(value, "requires_grad", False))
        ):
            _assign(operation, input, found[0], value)
            return
        picks: list[Any] = []
        if found is None:
            key, picks = _split_index(key, input.shape)
        target = sliced(input, key)
        places = Places(target.shape, picks) if picks else None
    except (IndexError, ValueError) as error:
        raise _explained(operation, error, input) from None
    if places is not None:
        write_places(operation, target, places, value, False)
    else:
        _write_over(operation, target, value)


SMALL = 4096  # numbers, below which NumPy's copy is the quicker one


def _assign(operation: str, x: Tensor, part: np.ndarray, value: Any) -> None:
    """Writes a value over a part of x's memory, when nothing is recorded."""
    if not part.flags.writeable:
        engine.check_writable(engine.view(x, part), operation)
    kind = x.dtype
    if value.__class__ is float and kind.is_floating_point:
        part[...] = value
    elif isinstance(value, Value) and value.dtype is kind and part.size <= SMALL:
        try:
            part[...] = value.array
        except ValueError:
            raise ArgumentError(f"values of shape {value.shape} do not broadcast to {part.shape}") from None
    else:
        values = fitting(operation, value, kind, part.shape)
        if isinstance(values, Value):
            engine.copy_into(engine.view(x, part), values)
        else:
            part[...] = values
    x.version[0] += 1


def _write_over(operation: str, target: Tensor, value: Any) -> None:
    """Writes a value over a view, in place."""
    recorded = may_change(operation, target, value)
    values = fitting(operation, value, target.dtype, target.shape)
    if not isinstance(values, Value):
        target.array[...] = values
        edge = None
    elif values.pointer == target.pointer and values.strides == target.strides:
        return  # x[i] += 1 assigns the view x[i] to itself
    else:
        engine.copy_into(target, values)
        edge = edge_of(values)
    target.version[0] += 1
    if recorded:
        changed(target, edge)


@refuses
def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of the tensor with ``values`` written at ``indices``: ``x[indices] = values`` out of place.

    Args:
        input: [any shape].
        indices: a tuple of integer or bool tensors (None: a whole dimension), as in ``x[indices]``.
        values: a tensor that broadcasts to ``x[indices]``, of the same number type.
        accumulate: add instead; places named several times then get the sum.

    Raises:
        IndexError: for an index out of range.
        ValueError: when values does not broadcast.

    Example:
        >>> import lucid
        >>> x, at = lucid.zeros(3), lucid.tensor([0, 2, 0])
        >>> lucid.index_put(x, (at,), lucid.tensor([1.0, 2.0, 3.0]), accumulate=True).tolist()
        [4.0, 0.0, 2.0]
    """
    places = _places_of("index_put", input, indices, values)
    return put(input, places, fitting("index_put", values, input.dtype, places.shape), accumulate)


@refuses
def index_put_(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """In-place form of :func:`index_put`: the tensor itself is written to."""
    places = _places_of("index_put_", input, indices, values)
    return write_places("index_put_", input, places, values, accumulate)


def _places_of(operation: str, input: Tensor, indices: Any, values: Any) -> Places:
    if not isinstance(indices, tuple | list):
        raise KindError(f"{operation}: indices must be a tuple of tensors, got {type(indices).__name__}")
    if not isinstance(values, Value) or values.dtype is not input.dtype:
        raise KindError(f"{operation}: values must be a {input.dtype} tensor, got {describe(values)}")
    try:
        basic, picks = _split_index(tuple(slice(None) if i is None else i for i in indices), input.shape)
        if not picks or any(part is None or isinstance(part, int) for part in basic):
            raise PositionError("expected tensors with dimensions as indices")
        return Places(input.shape, picks)
    except (IndexError, ValueError) as error:
        raise _explained(operation, error, input) from None
