"""Making tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, detached_alias
from lucid.devices import check_device
from lucid.ops.arithmetic import where
from lucid.ops.elementwise import Tensor, default_dtype, is_number
from lucid.ops.view import clone, sizes, to_dtype

_fill = engine.kernels("fill")


def finish(out: Tensor, requires_grad: bool, device: Any = None) -> Tensor:
    """The tensor, requiring a gradient if asked; the device is checked."""
    check_device(device)
    if requires_grad:
        if not out.dtype.is_floating_point:
            raise TypeError(f"requires_grad: only floating-point tensors have gradients, not {out.dtype}")
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


def _as_array(data: Any) -> np.ndarray:
    """What a user gave as an array, with a message for what is none."""
    if isinstance(data, np.ndarray):
        return data
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ValueError(f"tensor: the sequences are not of equal lengths ({error})") from None
    if array.size == 0 and not isinstance(data, np.generic):
        return array
    if array.dtype == object or array.dtype.kind not in "biuf":
        raise TypeError(f"tensor: cannot make numbers of {type(data).__name__} {str(data)[:60]!r}")
    return array


def _holds_numpy(data: Any) -> bool:
    """Whether nested sequences hold NumPy values, whose types are kept."""
    while isinstance(data, list | tuple) and data:
        data = data[0]
    return isinstance(data, np.ndarray | np.generic)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of ``data``: itself, or on the memory of an array, when nothing has to change; else a copy."""
    if isinstance(data, Value):
        return data if dtype is None else to_dtype(data, dtype)
    if isinstance(data, np.ndarray) and (dtype is None or engine.dtype_of(dtype).numpy == data.dtype):
        return finish(from_numpy(data), False, device)
    return tensor(data, dtype=dtype, device=device)


def is_tensor(obj: Any) -> bool:
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
        raise TypeError(f"from_numpy: expected a NumPy array, got {type(ndarray).__name__}")
    return engine.wrap(ndarray.view(np.ndarray))


def _new(shape: tuple[int, ...], dtype: Any) -> Tensor:
    for s in shape:
        if s < 0:
            raise ValueError(f"a tensor cannot have the negative size {s} (shape {shape})")
    return engine.empty(shape, default_dtype[0] if dtype is None else engine.dtype_of(dtype))


def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of the given sizes whose numbers are not set."""
    return finish(_new(sizes(size), dtype), requires_grad, device)


def full(size: Any, fill_value: float, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor filled with one number; its type is the number's unless given."""
    if isinstance(fill_value, Value):
        fill_value = fill_value.array.item()
    if not is_number(fill_value):
        raise TypeError(f"full: fill_value must be a number, got {type(fill_value).__name__}")
    if dtype is None and not isinstance(fill_value, float):
        dtype = engine.bool_ if isinstance(fill_value, bool) else engine.int64
    out = _new(sizes((size,)), dtype)
    fill_with(out, fill_value)
    return finish(out, requires_grad, device)


def fill_with(out: Tensor, value: float) -> None:
    """Writes one number over all of a tensor's memory."""
    engine.check_writable(out)
    kernel = _fill.get(out.dtype)
    if kernel is None or out.strides is not None:
        try:
            out.array.fill(value)
        except (OverflowError, ValueError, TypeError) as error:
            raise ValueError(f"fill: {value!r} does not fit into {out.dtype} ({error})") from None
    else:
        kernel(out.array.size, value, out.pointer)


def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros.

    Example:
        >>> import lucid
        >>> lucid.zeros(2, 3).shape
        (2, 3)
    """
    out = _new(sizes(size), dtype)
    fill_with(out, 0)
    return finish(out, requires_grad, device)


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones."""
    out = _new(sizes(size), dtype)
    fill_with(out, 1)
    return finish(out, requires_grad, device)


def _need_tensor(operation: str, input: Any) -> None:
    if not isinstance(input, Value):
        raise TypeError(f"{operation}: expected a tensor, got {type(input).__name__}")


def zeros_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros in the shape and number type of another tensor."""
    _need_tensor("zeros_like", input)
    return zeros(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones in the shape and number type of another tensor."""
    _need_tensor("ones_like", input)
    return ones(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor in the shape and number type of another, its numbers not set."""
    _need_tensor("empty_like", input)
    return empty(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def full_like(
    input: Tensor, fill_value: float, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """One number in the shape and number type of another tensor."""
    _need_tensor("full_like", input)
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

    Called as arange(end), arange(start, end) or arange(start, end, step), or with these names.

    Integers when all three are, else the default floating-point type. With an integer ``dtype`` the three numbers lose
    their fractions first.

    Raises:
        ValueError: for step 0, or one that leads away from the end.
    """
    given = dict(zip(("end",) if len(args) == 1 else ("start", "end", "step"), args, strict=False))
    given |= {name: x for name, x in (("start", start), ("end", end), ("step", step)) if x is not None}
    if len(args) > 3 or given.get("end") is None:
        raise TypeError(f"arange: expected (end), (start, end) or (start, end, step), got {len(args)} numbers")
    values = {name: x.array.item() if isinstance(x, Value) else x for name, x in given.items()}
    start, end, step = values.get("start", 0), values["end"], values.get("step", 1)
    if dtype is not None and not engine.dtype_of(dtype).is_floating_point:
        start, end, step = int(start), int(end), int(step)
    if step == 0 or (end - start) / step < 0:
        raise ValueError(f"arange: step {step} does not lead from {start} to {end}")
    if dtype is None:
        dtype = default_dtype[0] if any(isinstance(v, float) for v in (start, end, step)) else engine.int64
    kind = engine.dtype_of(dtype)
    floats = isinstance(start, float) or isinstance(end, float) or isinstance(step, float)
    count = math.ceil((end - start) / step) if floats else -((start - end) // step)
    values64 = start + step * np.arange(count, dtype=np.float64 if kind.is_floating_point else np.int64)
    return finish(engine.wrap(values64.astype(kind.numpy)), requires_grad, device)


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """``steps`` numbers evenly spaced from ``start`` to ``end``, both included."""
    if steps < 0:
        raise ValueError(f"linspace: steps must not be negative, got {steps}")
    kind = default_dtype[0] if dtype is None else engine.dtype_of(dtype)
    return finish(engine.wrap(np.linspace(start, end, steps).astype(kind.numpy)), requires_grad, device)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The identity matrix, [n, n], or [n, m] with ones on the diagonal."""
    kind = default_dtype[0] if dtype is None else engine.dtype_of(dtype)
    return finish(engine.wrap(np.eye(n, m, dtype=kind.numpy)), requires_grad, device)


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The matrix with zeros above the given diagonal."""
    return where(_below("tril", input, diagonal), input, zeros((), dtype=input.dtype))


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The matrix with zeros below the given diagonal."""
    return where(_below("triu", input, diagonal - 1), zeros((), dtype=input.dtype), input)


def _below(operation: str, input: Tensor, diagonal: int) -> Tensor:
    """A bool matrix: True on and below a diagonal."""
    if len(input.shape) < 2:
        raise ValueError(f"{operation}: expects at least 2 dimensions, got shape {input.shape}")
    return engine.wrap(np.tri(input.shape[-2], input.shape[-1], diagonal, dtype=bool))
