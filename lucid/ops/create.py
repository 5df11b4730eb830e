"""Making tensors."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, detached_alias, record
from lucid.devices import check_device
from lucid.errors import ArgumentError, KindError
from lucid.ops.elementwise import default_dtype, is_number, need_tensor, result_type
from lucid.ops.view import clone, sizes, to_dtype
from lucid.types import Tensor


def finish(out: Tensor, requires_grad: bool, device: Any = None) -> Tensor:
    """The tensor, requiring a gradient if asked; the device is checked."""
    check_device(device)
    if requires_grad:
        if not out.dtype.is_floating_point:
            raise KindError(f"requires_grad: only floating-point tensors have gradients, not {out.dtype}")
        out.requires_grad = True
    return out


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor with a copy of ``data``.

    Args:
        data: a number, nested sequences of numbers, a NumPy array or a tensor.
        dtype: the number type. Default: that of an array; else float32 for Python floats, int64 for ints, bool.
        device: ``"cpu"``.
        requires_grad: whether it is a leaf that gets a gradient.

    Raises:
        ValueError: for ragged sequences.
        TypeError: for a number type that lucid does not have.

    Example:
        >>> import lucid
        >>> lucid.tensor([[1, 2], [3, 4]]).dtype
        lucid.int64
    """
    return finish(_copied(data, dtype), requires_grad, device)


def _copied(data: Any, dtype: Any) -> Tensor:
    if isinstance(data, Value):
        source = clone(detached_alias(data))
        return source if dtype is None else to_dtype(source, dtype)
    array = _as_array(data)
    if dtype is not None:
        return engine.wrap(np.array(array, dtype=engine.dtype_of(dtype).numpy, order="C"))
    if not isinstance(data, np.ndarray | np.generic) and array.dtype == np.float64 and not _holds_numpy(data):
        return engine.wrap(np.array(array, dtype=default_dtype[0].numpy, order="C"))
    return engine.wrap(np.array(array, order="C"))


def _without_graph(data: Any) -> Any:
    """Nested sequences with arrays in the place of tensors that require a gradient; others as they are."""
    if isinstance(data, Value):
        return data.array if data.requires_grad else data
    if isinstance(data, list | tuple) and any(isinstance(x, list | tuple | Value) for x in data):
        return [_without_graph(x) for x in data]
    return data


def _as_array(data: Any) -> np.ndarray:
    """What a user gave as an array, with a message for what is none."""
    if isinstance(data, np.ndarray):
        return data
    try:
        array = np.asarray(_without_graph(data) if isinstance(data, list | tuple) else data)
    except ValueError as error:
        raise ArgumentError(f"tensor: the sequences are not of equal lengths ({error})") from None
    if array.size == 0 and not isinstance(data, np.generic):
        return array
    if array.dtype == object or array.dtype.kind not in "biuf":
        raise KindError(f"tensor: cannot make numbers of {type(data).__name__} {str(data)[:60]!r}")
    return array


def _holds_numpy(data: Any) -> bool:
    """Whether nested sequences hold NumPy values, whose types are kept."""
    while isinstance(data, list | tuple) and data:
        data = data[0]
    return isinstance(data, np.ndarray | np.generic)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of ``data``: itself, or on the memory of an array, when nothing has to change; else a copy."""
    if is_tensor(data):
        return data if dtype is None else to_dtype(data, dtype)
    if isinstance(data, np.ndarray) and (dtype is None or engine.dtype_of(dtype).numpy == data.dtype):
        return finish(from_numpy(data), False, device)
    return tensor(data, dtype=dtype, device=device)


def is_tensor(obj: Any) -> TypeGuard[Tensor]:
    """Whether something is a tensor.

    Example:
        >>> import lucid
        >>> lucid.is_tensor(lucid.zeros(2)), lucid.is_tensor([0.0, 0.0])
        (True, False)
    """
    return isinstance(obj, Value)


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor on the memory of an array: writes to one are seen in the other.

    Raises:
        TypeError: for what is not an array, or a number type that lucid does not have.
        ValueError: for unaligned memory.

    Example:
        >>> import lucid, numpy
        >>> a = numpy.zeros(2)
        >>> x = lucid.from_numpy(a)
        >>> a[0] = 3
        >>> x.tolist()
        [3.0, 0.0]
    """
    if not isinstance(ndarray, np.ndarray):
        raise KindError(f"from_numpy: expected a NumPy array, got {type(ndarray).__name__}")
    return engine.wrap(ndarray.view(np.ndarray))


def _new(shape: tuple[int, ...], dtype: Any) -> Tensor:
    for s in shape:
        if s < 0:
            raise ArgumentError(f"a tensor cannot have the negative size {s} (shape {shape})")
    return engine.empty(shape, default_dtype[0] if dtype is None else engine.dtype_of(dtype))


def given_sizes(shape: tuple[Any, ...], size: Any) -> tuple[int, ...]:
    """The sizes from ``f(2, 3)``, ``f((2, 3))`` or ``f(size=(2, 3))``."""
    return sizes(shape if size is None else (*shape, size))


def empty(*shape: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of the given sizes whose numbers are not set."""
    return finish(_new(given_sizes(shape, size), dtype), requires_grad, device)


def full(size: Any, fill_value: float, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor filled with one number; its type is the number's unless given."""
    if isinstance(fill_value, Value):
        fill_value = fill_value.array.item()
    if not is_number(fill_value):
        raise KindError(f"full: fill_value must be a number, got {type(fill_value).__name__}")
    if isinstance(fill_value, np.generic):
        fill_value = fill_value.item()
    out = _new(sizes((size,)), result_type(fill_value) if dtype is None else dtype)
    fill_with(out, fill_value)
    return finish(out, requires_grad, device)


def fill_with(out: Tensor, value: float) -> None:
    """Writes one number over all of a tensor's memory."""
    engine.check_writable(out)
    try:
        engine.fill(out, value)
    except (OverflowError, ValueError, TypeError) as error:
        raise ArgumentError(f"fill: {value!r} does not fit into {out.dtype} ({error})") from None


def zeros(*shape: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros.

    Example:
        >>> import lucid
        >>> lucid.zeros(2, 3).shape
        (2, 3)
    """
    out = _new(given_sizes(shape, size), dtype)
    fill_with(out, 0)
    return finish(out, requires_grad, device)


def ones(*shape: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones."""
    out = _new(given_sizes(shape, size), dtype)
    fill_with(out, 1)
    return finish(out, requires_grad, device)


def zeros_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros in the shape and number type of another tensor."""
    need_tensor("zeros_like", input)
    return zeros(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones in the shape and number type of another tensor."""
    need_tensor("ones_like", input)
    return ones(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor in the shape and number type of another, its numbers not set."""
    need_tensor("empty_like", input)
    return empty(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def full_like(
    input: Tensor, fill_value: float, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """One number in the shape and number type of another tensor."""
    need_tensor("full_like", input)
    return full(input.shape, fill_value, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def arange(
    *args: Any,
    start: Any = None,
    end: Any = None,
    step: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from ``start`` (0) up to but not including ``end``, ``step`` (1) apart.

    Called as arange(end), arange(start, end) or arange(start, end, step), or with names.

    Integers when all three are, else the default floating-point type. With an integer ``dtype`` the three numbers lose
    their fractions first.

    Raises:
        ValueError: for step 0, or one that leads away from the end.
        TypeError: without an end, or with a number given twice.

    Example:
        >>> import lucid
        >>> lucid.arange(1, 2, 0.5).tolist()
        [1.0, 1.5]
    """
    named = {"start": start, "end": end, "step": step}
    for name, value in zip(("end",) if len(args) == 1 and end is None else named, args, strict=False):
        if named[name] is not None:
            raise KindError(f"arange: {name} is given twice")
        named[name] = value
    if named["end"] is None or len(args) > 3:
        raise KindError(f"arange: expected end, or start and end, or start, end and step, got {len(args)} numbers")
    start, end, step = (x.array.item() if isinstance(x, Value) else x for x in named.values())
    start, step = 0 if start is None else start, 1 if step is None else step
    if dtype is not None and not engine.dtype_of(dtype).is_floating_point:
        start, end, step = int(start), int(end), int(step)
    if step == 0 or (end - start) / step < 0:
        raise ArgumentError(f"arange: step {step} does not lead from {start} to {end}")
    floats = any(isinstance(v, float | np.floating) for v in (start, end, step))
    if dtype is None:
        dtype = default_dtype[0] if floats else engine.int64
    kind = engine.dtype_of(dtype)
    count = math.ceil((end - start) / step) if floats else -((start - end) // step)
    values64 = start + step * np.arange(count, dtype=np.float64 if kind.is_floating_point else np.int64)
    return finish(engine.wrap(values64.astype(kind.numpy)), requires_grad, device)


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """``steps`` numbers evenly spaced from ``start`` to ``end``, both included."""
    if steps < 0:
        raise ArgumentError(f"linspace: steps must not be negative, got {steps}")
    kind = default_dtype[0] if dtype is None else engine.dtype_of(dtype)
    return finish(engine.wrap(np.linspace(start, end, steps).astype(kind.numpy)), requires_grad, device)


def logspace(
    start: float,
    end: float,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` numbers from base^start to base^end, both included; the exponents are evenly spaced.

    Example:
        >>> import lucid
        >>> lucid.logspace(0, 2, 3).tolist()
        [1.0, 10.0, 100.0]
    """
    if steps < 0:
        raise ArgumentError(f"logspace: steps must not be negative, got {steps}")
    kind = default_dtype[0] if dtype is None else engine.dtype_of(dtype)
    with np.errstate(all="ignore"):
        powers = np.logspace(start, end, steps, base=base).astype(kind.numpy)
    return finish(engine.wrap(powers), requires_grad, device)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The identity matrix, [n, n], or [n, m] with ones on the diagonal."""
    kind = default_dtype[0] if dtype is None else engine.dtype_of(dtype)
    if n < 0 or (m is not None and m < 0):
        raise ArgumentError(f"eye: sizes must not be negative, got {n if m is None else (n, m)}")
    return finish(engine.wrap(np.eye(n, m, dtype=kind.numpy)), requires_grad, device)


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The matrix with zeros above the given diagonal."""
    return _triangle_of("tril", input, diagonal)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The matrix with zeros below the given diagonal."""
    return _triangle_of("triu", input, diagonal)


def _triangle_of(operation: str, input: Tensor, diagonal: int) -> Tensor:
    if len(input.shape) < 2:
        raise ArgumentError(f"{operation}: expects at least 2 dimensions, got shape {input.shape}")
    out = engine.triangle(input, diagonal, operation == "triu")
    return record(operation, out, (input,), (lambda grad: _triangle_of(operation, grad, diagonal),))


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Where the elements on and below a diagonal stand in a [row, col] matrix: row and column numbers, [2, n].

    Args:
        row: rows of the matrix.
        col: its columns.
        offset: the diagonal; 0 the main one, positive above it.
        dtype: an integer type; int64 unless given.
        device: ``"cpu"``.

    Example:
        >>> import lucid
        >>> lucid.tril_indices(2, 2).tolist()
        [[0, 1, 1], [0, 0, 1]]
    """
    return _triangle("tril_indices", np.tril_indices, row, col, offset, dtype, device)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Where the elements on and above a diagonal stand in a [row, col] matrix; as :func:`tril_indices`."""
    return _triangle("triu_indices", np.triu_indices, row, col, offset, dtype, device)


def _triangle(name: str, function: Any, row: int, col: int, offset: int, dtype: Any, device: Any) -> Tensor:
    if row < 0 or col < 0:
        raise ArgumentError(f"{name}: a matrix cannot have the sizes {row} and {col}")
    kind = engine.int64 if dtype is None else engine.dtype_of(dtype)
    if kind.category != 1:
        raise KindError(f"{name}: positions are integers, not {kind}")
    places = np.ascontiguousarray(function(row, offset, col), kind.numpy)
    return finish(engine.wrap(places), False, device)


# ---------------------------------------------------------------------------------------------------------------------
# Methods: a new tensor of this one's number type


def new_tensor(
    input: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor with a copy of ``data``, of this tensor's number type unless another is given."""
    return tensor(data, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def new_empty(
    input: Tensor, *shape: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of the given sizes and this tensor's number type, its numbers not set."""
    return empty(*shape, size=size, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def new_zeros(
    input: Tensor, *shape: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Zeros of the given sizes and this tensor's number type.

    Example:
        >>> import lucid
        >>> lucid.tensor([1, 2]).new_zeros(2, 2).tolist()
        [[0, 0], [0, 0]]
    """
    return zeros(*shape, size=size, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def new_ones(
    input: Tensor, *shape: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Ones of the given sizes and this tensor's number type."""
    return ones(*shape, size=size, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def new_full(
    input: Tensor,
    size: Any,
    fill_value: float,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """One number in the given sizes and this tensor's number type."""
    return full(size, fill_value, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)
