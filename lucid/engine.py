"""The one door to the C engine: pointers, number types, sizes and checks stop here.

The rooms above hand over tensors (anything with ``array``, ``pointer``, ``shape``, ``strides``, ``dtype``) and get
tensors back. What a function here passes to C is sized from the arrays themselves, and cffi refuses a pointer of
another number type, so nothing above can make a kernel read or write outside an array.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lucid._engine import ffi as ffi
from lucid._engine import lib as lib
from lucid.dtypes import DTYPES as DTYPES
from lucid.dtypes import MissingType as MissingType
from lucid.dtypes import bfloat16 as bfloat16
from lucid.dtypes import bool_ as bool_
from lucid.dtypes import dtype as dtype
from lucid.dtypes import dtype_of as dtype_of
from lucid.dtypes import float16 as float16
from lucid.dtypes import float32 as float32
from lucid.dtypes import float64 as float64
from lucid.dtypes import int32 as int32
from lucid.dtypes import int64 as int64
from lucid.dtypes import of_numpy
from lucid.dtypes import uint8 as uint8
from lucid.errors import ArgumentError, KindError, PositionError
from lucid.settings import get_num_threads as get_num_threads
from lucid.settings import get_simd as get_simd
from lucid.settings import kept_memory as kept_memory
from lucid.settings import release_memory as release_memory
from lucid.settings import set_kept_memory_limit as set_kept_memory_limit
from lucid.settings import set_num_threads as set_num_threads
from lucid.settings import set_simd as set_simd
from lucid.settings import simd_levels as simd_levels
from lucid.types import Tensor

empty_array = np.empty
new_array = np.ndarray
zero_array = np.zeros
from_buffer = ffi.from_buffer
NULL = ffi.NULL
prod = math.prod
copy_rows = lib.copy_rows


# ---------------------------------------------------------------------------------------------------------------------
# Tensors from memory. tensor.py says which class they are of.

new: Callable[..., Tensor]


recording: Any = None  # the run that is being recorded (lucid.compiler), or None


def register_tensor_class(tensor_class: type) -> None:
    """Makes every result a ``tensor_class(array, pointer, shape, dtype, strides=None)``."""
    global new
    new = tensor_class


LARGE = 16384  # numbers: from here on memory comes from the engine, which keeps it (engine/runtime/memory.c)

_take = ffi.new_allocator(lib.take_memory, lib.give_memory, should_clear_after_alloc=False)
_memory = ffi.buffer


def memory(shape: tuple[int, ...], kind: dtype) -> tuple[np.ndarray, Any]:
    """An array of fresh memory, contents undefined, and the pointer to it."""
    n = prod(shape)
    if n >= LARGE:
        try:
            pointer = _take(kind.array_type, n)  # goes back to the engine when the array and its views are gone
        except (MemoryError, OverflowError):
            pass  # NumPy finds the words
        else:
            return np.ndarray(shape, kind.numpy, _memory(pointer)), pointer
    try:
        array = empty_array(shape, kind.numpy)
    except (MemoryError, ValueError) as error:
        if min(shape, default=0) < 0:
            raise ArgumentError(f"a tensor cannot have negative dimensions: {shape}") from None
        raise RuntimeError(f"no memory for a {kind} tensor of shape {shape} ({error})") from None
    return array, from_buffer(kind.array_type, array)


def empty(shape: tuple[int, ...], kind: dtype) -> Tensor:
    """A tensor of fresh memory.

    Raises:
        RuntimeError: when there is not so much, as PyTorch.
        ValueError: for a negative size.
    """
    array, pointer = memory(shape, kind)
    return new(array, pointer, shape, kind)


def zeros(shape: tuple[int, ...], kind: dtype) -> Tensor:
    """A tensor of zeros."""
    array, pointer = memory(shape, kind)
    lib.fill_items(kind.itemsize, array.size, 0, pointer)
    return new(array, pointer, shape, kind)


def owns_memory(array: np.ndarray) -> bool:
    """Whether the array is not a view of another one."""
    return array.base is None or type(array.base) is _memory


def fill(x: Tensor, value: float) -> None:
    """Writes one number over a tensor.

    Raises:
        OverflowError: for a number that its type cannot hold.
    """
    if x.strides is not None:
        one = empty((), x.dtype)
        fill(one, value)
        copy_into(x, expand(one, x.shape))
        return
    kernel = _fill.get(x.dtype)
    if kernel is not None:
        kernel(x.array.size, value, x.pointer)
    else:
        bits = np.asarray(value, x.dtype.numpy).tobytes().ljust(8, b"\0")
        lib.fill_items(x.dtype.itemsize, x.array.size, int.from_bytes(bits, "little", signed=True), x.pointer)


def wrap(array: np.ndarray) -> Tensor:
    """A tensor on the memory of a NumPy array, whatever its strides.

    Raises:
        TypeError: for an array type the engine does not have.
        ValueError: for memory that C cannot read as it is (unaligned, foreign byte order, strides between elements).
    """
    kind = of_numpy.get(array.dtype)
    if kind is None:
        raise KindError(f"dtype {array.dtype} is not supported; lucid has {', '.join(d.name for d in DTYPES)}")
    if array.flags.c_contiguous and array.flags.aligned:
        return new(array, from_buffer(kind.array_type, array), array.shape, kind)
    if not array.flags.aligned or any(s % kind.itemsize for s in array.strides):
        raise ArgumentError("the array's memory is not aligned to its numbers; copy it first (array.copy())")
    strides = tuple(s // kind.itemsize for s in array.strides)
    return new(array, ffi.cast(kind.pointer_type, array.ctypes.data), array.shape, kind, strides)


def view(base: Any, array: np.ndarray, offset: int | None = None) -> Tensor:
    """A tensor on a NumPy view of ``base``'s array; it shares the version counter.

    Args:
        base: the tensor it shows.
        array: the view.
        offset: how many numbers after base's first it begins; None when the caller does not know.
    """
    kind = base.dtype
    if offset is None:
        offset = (array.ctypes.data - base.array.ctypes.data) // kind.itemsize if array.size else 0
    strides = strides_of(array, kind)
    result = new(array, base.pointer + offset if offset else base.pointer, array.shape, kind, strides)
    result.version = base.version
    result.base = base if base.base is None else base.base
    return result


def strides_of(array: np.ndarray, kind: dtype) -> tuple[int, ...] | None:
    """The steps of an array in elements; None when it is contiguous."""
    return None if array.flags.c_contiguous else _in_elements(array.strides, kind.itemsize)


@functools.lru_cache(maxsize=4096)
def _in_elements(strides: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    return tuple(step // itemsize for step in strides)


def same_start(base: Any, array: np.ndarray) -> Tensor:
    """As :func:`view`, for a view that begins at the same number: a reshape or a change of the order of dimensions."""
    return view(base, array, 0)


def strided(base: Any, shape: tuple[int, ...], strides: tuple[int, ...], offset: int) -> Tensor:
    """The numbers of ``base`` (contiguous) that stand at ``offset`` and in steps of ``strides``, as a view.

    Raises:
        ValueError: when they are not all inside base.
    """
    kind = base.dtype
    size = kind.itemsize
    if math.prod(shape):
        last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
        if base.strides is not None or offset < 0 or min(strides, default=0) < 0 or last >= base.array.size:
            raise ArgumentError(f"strides {strides} of {shape} from {offset} on lead out of {base.array.size} numbers")
        array: np.ndarray = np.ndarray(shape, kind.numpy, base.array, offset * size, [step * size for step in strides])
    else:
        array, offset = empty_array(shape, kind.numpy), 0
    if may_overlap(shape, strides):
        array.flags.writeable = False
    elif not base.array.flags.writeable:
        array.flags.writeable = False
    return view(base, array, offset)


def may_overlap(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Whether two elements of a view may be one number in memory: steps that do not lead over all that is inside."""
    reach = 0
    for step, size in sorted(zip(strides, shape, strict=True)):
        if size > 1:
            if step <= reach:
                return True
            reach += step * (size - 1)
    return False


def offset_in(base: Any, x: Any) -> int | None:
    """How many numbers after base's first ``x`` begins; None when its memory is not inside that of ``base``."""
    if not x.array.size:
        return 0
    try:
        offset = int((x.pointer + 0) - (base.pointer + 0))  # + 0: an array as a pointer
    except ValueError:  # not a whole number of steps
        return None
    low, high = _span(x.shape, x.strides)
    base_low, base_high = _span(base.shape, base.strides)
    return offset if base_low <= offset + low and offset + high <= base_high else None


@functools.lru_cache(maxsize=4096)
def _span(shape: tuple[int, ...], strides: tuple[int, ...] | None) -> tuple[int, int]:
    """The lowest and the highest element that a tensor reaches, counted from its first."""
    if strides is None:
        return 0, math.prod(shape) - 1
    ends = [(size - 1) * step for size, step in zip(shape, strides, strict=True)]
    return sum([end for end in ends if end < 0]), sum([end for end in ends if end > 0])


@functools.lru_cache(maxsize=4096)
def dense_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides, in elements, of a contiguous array."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def expanded(x: Any, shape: tuple[int, ...]) -> tuple[np.ndarray, tuple[int, ...]]:
    """x's array seen as ``shape``, by strides of 0, without a copy; and its strides. The shapes are known to fit."""
    kind = x.dtype
    strides, steps = _expanded_strides(x.shape, x.strides, shape, kind.itemsize)
    if x.strides is None and x.array.size:
        array: np.ndarray = new_array(shape, kind.numpy, x.array, 0, steps)
        array.flags.writeable = False
    else:
        array = np.broadcast_to(x.array, shape)
    return array, strides


def expand(x: Any, shape: tuple[int, ...]) -> Any:
    """``x`` seen as ``shape``, as a tensor."""
    array, strides = expanded(x, shape)
    result = new(array, x.pointer, shape, x.dtype, strides)
    result.version = x.version
    result.base = x if x.base is None else x.base
    return result


@functools.lru_cache(maxsize=4096)
def _expanded_strides(
    before: tuple[int, ...], own: tuple[int, ...] | None, shape: tuple[int, ...], itemsize: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The strides of an expanded view, in elements and in bytes."""
    lead = len(shape) - len(before)
    steps = zip(before, shape[lead:], own or dense_strides(before), strict=True)
    strides = (0,) * lead + tuple(0 if size != want else step for size, want, step in steps)
    return strides, tuple(step * itemsize for step in strides)


def contiguous(x: Tensor) -> Tensor:
    """``x`` itself when its memory is contiguous, else a copy that is."""
    return x if x.strides is None else copy(x)


def copy(x: Any) -> Tensor:
    """The numbers of ``x`` in contiguous memory of their own."""
    out = empty(x.shape, x.dtype)
    copy_fresh(out, x)
    return out


def copy_into(out: Any, x: Any) -> None:
    """Writes ``x`` over ``out``: same shape and dtype, any strides; memory must not overlap in part."""
    if out.shape != x.shape or out.dtype is not x.dtype:
        raise ArgumentError(f"copy: {x.dtype} {x.shape} does not fit into {out.dtype} {out.shape}")
    check_writable(out)
    if x.array is out.array:
        return
    if np.may_share_memory(out.array, x.array) and np.shares_memory(out.array, x.array):
        x = copy(x)
    copy_fresh(out, x)


def copy_fresh(out: Any, x: Any) -> None:
    """As :func:`copy_into`, where it is known that the shapes and types are the same and that no memory is shared."""
    size = x.dtype.itemsize
    if x.strides is None and out.strides is None:
        copy_rows(size, 1, x.array.size, x.pointer, 0, out.pointer, 0)
    else:
        shape = x.shape
        lib.copy_strided(
            size,
            len(shape),
            shape,
            x.pointer,
            _in_bytes(x.strides or dense_strides(shape), size),
            out.pointer,
            _in_bytes(out.strides or dense_strides(shape), size),
        )


@functools.lru_cache(maxsize=4096)
def _in_bytes(strides: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    return tuple(step * itemsize for step in strides)


def joined(parts: Sequence[Any], shape: tuple[int, ...], dim: int) -> Tensor:
    """Tensors of one number type one after the other along ``dim``, in ``shape``: each fills the part of it that its
    size tells.

    Raises:
        ValueError: when they do not fill it.
    """
    kind = parts[0].dtype
    out = empty(shape, kind)
    outer, n, inner = reduce_shape(shape, dim, dim)
    whole, start, target = n * inner, 0, out.pointer
    for x in parts:
        if x.strides is not None:
            x = contiguous(x)
        count = x.array.size
        width = count // outer if outer else 0
        if x.dtype is not kind or width * outer != count or start + width > whole:
            raise ArgumentError(f"joined: {x.dtype} {x.shape} does not fit into {kind} {shape}")
        copy_rows(kind.itemsize, outer, width, x.pointer, width, target + start, whole)
        start += width
    if start != whole and outer:
        raise ArgumentError(f"joined: the parts do not fill {shape}")
    return out


def rolled(x: Any, cut: int, dim: int) -> Tensor:
    """The slices of ``x`` along ``dim`` from number ``cut`` on, and then those before it."""
    x = contiguous(x)
    shape, kind = x.shape, x.dtype
    out = empty(shape, kind)
    outer, n, inner = reduce_shape(shape, dim, dim)
    first, rest, whole = cut * inner, (n - cut) * inner, n * inner
    if not 0 <= cut <= n:
        raise ArgumentError(f"rolled: {cut} is not in a dimension of size {n}")
    copy_rows(kind.itemsize, outer, rest, x.pointer + first, whole, out.pointer, whole)
    copy_rows(kind.itemsize, outer, first, x.pointer, whole, out.pointer + rest, whole)
    return out


def repeated(x: Any, times: tuple[int, ...]) -> Tensor:
    """``x`` so many times along each dimension."""
    x = contiguous(x)
    out = empty(tuple([n * size for n, size in zip(times, x.shape, strict=True)]), x.dtype)
    spread, steps = [], []
    for n, size, step in zip(times, x.shape, dense_strides(x.shape), strict=True):
        spread += [n, size]
        steps += [0, step * x.dtype.itemsize]
    to = _in_bytes(dense_strides(tuple(spread)), x.dtype.itemsize)
    lib.copy_strided(x.dtype.itemsize, len(spread), spread, x.pointer, steps, out.pointer, to)
    return out


def check_writable(x: Any, operation: str = "in-place") -> None:
    """Refuses to write into read-only or self-overlapping (expanded) memory."""
    if not x.array.flags.writeable and not _made_writable(x):
        raise RuntimeError(
            f"{operation}: this tensor is read-only memory, or an expanded view where one number stands for several; "
            "clone() it before writing to it"
        )


def _made_writable(x: Any) -> bool:
    """Makes a part of an expanded view writable, where no number of it stands for several and its base is writable."""
    if x.base is None or not x.base.array.flags.writeable:
        return False
    if may_overlap(x.shape, x.strides or dense_strides(x.shape)):
        return False
    try:
        x.array.flags.writeable = True
    except ValueError:
        return False
    return True


def triangle(x: Any, diagonal: int, upper: bool) -> Tensor:
    """Matrices with zeros above a diagonal; ``upper``: below it."""
    x = contiguous(x)
    out = empty(x.shape, x.dtype)
    rows, columns = x.shape[-2:]
    batch = math.prod(x.shape[:-2])
    diagonal = max(-rows, min(diagonal, columns))  # farther off, it is outside all the same
    lib.copy_triangle(x.dtype.itemsize, batch, rows, columns, diagonal, upper, x.pointer, out.pointer)
    return out


def convert(x: Tensor, kind: dtype) -> Tensor:
    """A copy of ``x`` in another number type."""
    x = contiguous(x)
    out = empty(x.shape, kind)
    lib.cast(x.array.size, x.dtype.code, x.pointer, kind.code, out.pointer)
    return out


# ---------------------------------------------------------------------------------------------------------------------
# Kernels. A kernel table maps a number type to the C function for it.

Kernels = dict[dtype, Any]


def kernels(name: str) -> Kernels:
    """The C functions called ``name``, by number type."""
    return {float32: getattr(lib, f"{name}_f32"), float64: getattr(lib, f"{name}_f64")}


def kernel_addresses(name: str) -> Kernels:
    """Pointers to them, for the C functions that take a kernel."""
    return {float32: ffi.addressof(lib, f"{name}_f32"), float64: ffi.addressof(lib, f"{name}_f64")}


class NoKernel(TypeError, NotImplementedError):
    """The operation has no kernel for this number type. (A RuntimeError too, as NotImplementedError is one.)"""

    def __init__(self, operation: str, kind: dtype) -> None:
        super().__init__(f"{operation}: not implemented for {kind}; convert with .float() or .double() first")


def kernel_for(table: Kernels, kind: dtype, operation: str) -> Any:
    """The C function for ``kind``.

    Raises:
        NoKernel: (a TypeError) that names the operation and the type.
    """
    found = table.get(kind)
    if found is None:
        raise NoKernel(operation, kind)
    return found


_fill = kernels("fill")
_add = kernels("add")
_fill = kernels("fill")
_binary_scalar = kernels("binary_scalar")
_scalar_binary = kernels("scalar_binary")
_binary_strided = kernels("binary_strided")
_compare_scalar = kernels("compare_scalar")
_compare_strided = kernels("compare_strided")
_bool_array, _bool_pointer = bool_.numpy, bool_.array_type


class Elementwise:
    """A family of elementwise kernels: the C functions of one name, and what stands in for them on integers.

    Args:
        name: the C name.
        integers: the NumPy function that computes it for integer and bool tensors, or None where there is none.
            (Integers appear in indices and counts, not in the arithmetic of a training step.)
        result: the number type of the result; None for that of the inputs.
    """

    __slots__ = ("addresses", "integers", "name", "result", "table")

    def __init__(self, name: str, integers: Callable[..., Any] | None = None, result: dtype | None = None) -> None:
        self.name = name
        self.table = kernels(name)
        self.addresses = kernel_addresses(name)
        self.integers = integers
        self.result = result

    def on_integers(self, *operands: Any) -> Tensor:
        """The result for number types without kernels of their own: the engine's for whole numbers, else by NumPy."""
        kind = next(x for x in operands if hasattr(x, "dtype")).dtype
        operation = _INTEGER_OPERATIONS.get(self.name)
        if operation is not None and len(operands) == 2:
            a, b = (_whole(x, kind) for x in operands)
            if a is not None and b is not None and (operation[1] or kind is not bool_):
                return _integer_binary(*operation, a, b)
        if self.integers is None:
            raise NoKernel(self.name, kind)
        with np.errstate(all="ignore"):
            try:
                result = self.integers(*(x.array if hasattr(x, "array") else x for x in operands))
            except OverflowError as error:
                raise ArgumentError(f"{self.name}: {error} ({kind})") from None
            except NoKernel:
                raise
            except TypeError:  # NumPy has it for other number types only
                raise NoKernel(self.name, kind) from None
        return wrap(np.asarray(result, (self.result or kind).numpy))


# (the engine's number, whether bools have it, whether the result is a bool)
_INTEGER_OPERATIONS = {
    "add": (lib.INTEGER_ADD, False, False),
    "sub": (lib.INTEGER_SUB, False, False),
    "mul": (lib.INTEGER_MUL, False, False),
    "maximum": (lib.INTEGER_MAXIMUM, True, False),
    "minimum": (lib.INTEGER_MINIMUM, True, False),
    "bitwise_and": (lib.INTEGER_AND, True, False),
    "bitwise_or": (lib.INTEGER_OR, True, False),
    "bitwise_xor": (lib.INTEGER_XOR, True, False),
    "eq": (lib.INTEGER_EQ, True, True),
    "ne": (lib.INTEGER_NE, True, True),
    "lt": (lib.INTEGER_LT, True, True),
    "le": (lib.INTEGER_LE, True, True),
    "gt": (lib.INTEGER_GT, True, True),
    "ge": (lib.INTEGER_GE, True, True),
}


def _whole(x: Any, kind: dtype) -> Any:
    """An operand as a tensor of a type of whole numbers; None when it is a number that this type does not hold."""
    if hasattr(x, "array"):
        return x
    if not isinstance(x, int) or (kind is not bool_ and not _LIMITS[kind][0] <= x <= _LIMITS[kind][1]):
        return None
    if kind is bool_ and x not in (0, 1):
        return None
    return wrap(np.asarray(x, kind.numpy))


_LIMITS = {kind: (np.iinfo(kind.numpy).min, np.iinfo(kind.numpy).max) for kind in (int64, int32, uint8)}


def _integer_binary(operation: int, on_bools: bool, is_comparison: bool, a: Tensor, b: Tensor) -> Tensor:
    """Whole numbers or truth values, elementwise; one of the operands may be a single number."""
    kind = a.dtype
    shape = a.shape or b.shape
    a, b = contiguous(a), contiguous(b)
    out = empty(shape, bool_ if is_comparison else kind)
    kernel = lib.integer_comparison if is_comparison else lib.integer_arithmetic
    kernel(
        operation, kind.code, out.array.size, a.pointer, int(a.shape == shape), b.pointer, int(b.shape == shape),
        out.pointer,
    )  # fmt: skip
    return out


def unary(family: Elementwise, x: Tensor) -> Tensor:
    """f(x), elementwise."""
    kind = x.dtype
    kernel = family.table.get(kind)
    if kernel is None:
        return family.on_integers(x)
    if x.strides is not None:
        x = contiguous(x)
    shape, n = x.shape, x.array.size
    if n < LARGE:
        array = empty_array(shape, kind.numpy)
        pointer = from_buffer(kind.array_type, array)
    else:
        array, pointer = memory(shape, kind)
    kernel(n, x.pointer, pointer)
    return new(array, pointer, shape, kind)


def mapped(kernel: Any, x: Any, *numbers: float) -> Tensor:
    """The result of an elementwise kernel(n, x, *numbers, out) of the type of ``x``."""
    if x.strides is not None:
        x = contiguous(x)
    kind, shape = x.dtype, x.shape
    if x.array.size < LARGE:
        array = empty_array(shape, kind.numpy)
        pointer = from_buffer(kind.array_type, array)
    else:
        array, pointer = memory(shape, kind)
    kernel(array.size, x.pointer, *numbers, pointer)
    return new(array, pointer, shape, kind)


def mapped_two(kernel: Any, a: Any, b: Any, *numbers: float) -> Tensor:
    """The result of an elementwise kernel(n, a, b, *numbers, out) of the type of ``a``, and of its shape.

    Raises:
        ValueError: when b is of another shape or number type.
    """
    kind, shape = a.dtype, a.shape
    if b.dtype is not kind or b.shape != shape:
        raise ArgumentError(f"{kind} {shape} and {b.dtype} {b.shape} differ")
    a, b = contiguous(a), contiguous(b)
    if a.array.size < LARGE:
        array = empty_array(shape, kind.numpy)
        pointer = from_buffer(kind.array_type, array)
    else:
        array, pointer = memory(shape, kind)
    kernel(array.size, a.pointer, b.pointer, *numbers, pointer)
    return new(array, pointer, shape, kind)


def unary_into(family: Elementwise, x: Any) -> bool:
    """x ← f(x), elementwise, straight in its memory; False, and nothing done, where that cannot be."""
    kernel = family.table.get(x.dtype)
    if kernel is None or x.strides is not None:
        return False
    check_writable(x)
    kernel(x.array.size, x.pointer, x.pointer)
    return True


def binary(family: Elementwise, a: Any, b: Any) -> Any:
    """f(a, b), elementwise, for two tensors of one shape and one number type; None when they are not."""
    kind, shape = a.dtype, a.shape
    if kind is not b.dtype or shape != b.shape:
        return None
    kernel = family.table.get(kind)
    if kernel is None:
        return family.on_integers(a, b)
    n = a.array.size
    if n < LARGE:
        array = empty_array(shape, kind.numpy)
        pointer = from_buffer(kind.array_type, array)
    else:
        array, pointer = memory(shape, kind)
    if a.strides is None and b.strides is None:
        kernel(n, a.pointer, 1, b.pointer, 1, pointer)
    else:
        _strided(_binary_strided[kind], family.addresses[kind], a, b, pointer)
    return new(array, pointer, shape, kind)


def binary_broadcast(family: Elementwise, a: Any, b: Any, shape: tuple[int, ...]) -> Tensor:
    """f(a, b), elementwise, for two tensors of one number type that broadcast to ``shape``; there is a kernel."""
    kind = a.dtype
    array, pointer = memory(shape, kind)
    steps_a, _ = _expanded_strides(a.shape, a.strides, shape, 1)
    steps_b, _ = _expanded_strides(b.shape, b.strides, shape, 1)
    _binary_strided[kind](family.addresses[kind], len(shape), shape, a.pointer, steps_a, b.pointer, steps_b, pointer)
    return new(array, pointer, shape, kind)


def accumulate(total: Any, part: Any) -> None:
    """total ← total + part, for a total that nothing else shows: the summing of gradients."""
    kernel = _add.get(total.dtype)
    if (
        part.dtype is total.dtype
        and part.shape == total.shape
        and part.strides is None
        and total.strides is None
        and kernel
    ):
        kernel(total.array.size, total.pointer, 1, part.pointer, 1, total.pointer)
    else:
        copy_into(total, total + part)


def binary_into(family: Elementwise, a: Any, b: Any) -> None:
    """a ← f(a, b), elementwise; b a tensor of a's shape and number type, or a number."""
    check_writable(a)
    kind = a.dtype
    kernel = family.table.get(kind)
    if kernel is None:
        copy_fresh(a, family.on_integers(a, b))
    elif not hasattr(b, "array"):
        if a.strides is None:
            _binary_scalar[kind](family.addresses[kind], a.array.size, a.pointer, b, a.pointer)
        else:
            copy_into(a, binary_number(family, a, b))
    elif kind is not b.dtype or a.shape != b.shape:
        raise ArgumentError(f"{family.name}: {kind} {a.shape} and {b.dtype} {b.shape} differ")
    elif a.strides is None and b.strides is None and not overlap_in_part(a, b):
        kernel(a.array.size, a.pointer, 1, b.pointer, 1, a.pointer)
    else:
        copy_into(a, binary(family, a, b))


def overlap_in_part(a: Any, b: Any) -> bool:
    """Whether two tensors share memory, but do not begin at the same number."""
    return a.pointer != b.pointer and np.may_share_memory(a.array, b.array)


def _strided(driver: Any, kernel: Any, a: Any, b: Any, out: Any) -> None:
    shape = a.shape
    driver(
        kernel,
        len(shape),
        shape,
        a.pointer,
        a.strides or dense_strides(shape),
        b.pointer,
        b.strides or dense_strides(shape),
        out,
    )


def binary_number(family: Elementwise, a: Tensor, number: float) -> Tensor:
    """f(a, number), elementwise."""
    kind = a.dtype
    driver = _binary_scalar.get(kind)
    if driver is None:
        return family.on_integers(a, number)
    if a.strides is not None:
        a = contiguous(a)
    n = a.array.size
    if n < LARGE:
        array = empty_array(a.shape, kind.numpy)
        pointer = from_buffer(kind.array_type, array)
    else:
        array, pointer = memory(a.shape, kind)
    driver(family.addresses[kind], n, a.pointer, number, pointer)
    return new(array, pointer, a.shape, kind)


def number_binary(family: Elementwise, number: float, b: Tensor) -> Tensor:
    """f(number, b), elementwise."""
    kind = b.dtype
    driver = _scalar_binary.get(kind)
    if driver is None:
        return family.on_integers(number, b)
    if b.strides is not None:
        b = contiguous(b)
    n = b.array.size
    if n < LARGE:
        array = empty_array(b.shape, kind.numpy)
        pointer = from_buffer(kind.array_type, array)
    else:
        array, pointer = memory(b.shape, kind)
    driver(family.addresses[kind], n, number, b.pointer, pointer)
    return new(array, pointer, b.shape, kind)


_where = kernels("where")
_where_number = kernels("where_number")


def select(condition: Any, a: Any, b: Any) -> Tensor | None:
    """a where the condition is true, else b, elementwise; None where they are not tensors of one shape, a and b (of
    which one may be a number) floating point of one type.
    """
    x, both = (b, False) if a.__class__ is float else (a, b.__class__ is not float)
    kind, shape = x.dtype, x.shape
    kernel = _where.get(kind)
    if kernel is None or condition.shape != shape or (both and (b.dtype is not kind or b.shape != shape)):
        return None
    mask = contiguous(condition)
    if mask.array.size < LARGE:
        array = empty_array(shape, kind.numpy)
        pointer = from_buffer(kind.array_type, array)
    else:
        array, pointer = memory(shape, kind)
    dense = contiguous(x)
    if both:
        other = contiguous(b)
        kernel(array.size, mask.pointer, dense.pointer, 1, other.pointer, 1, pointer)
    else:
        _where_number[kind](array.size, mask.pointer, x is a, dense.pointer, b if x is a else a, pointer)
    return new(array, pointer, shape, kind)


def compare(family: Elementwise, a: Any, b: Any) -> Tensor | None:
    """f(a, b) as a bool tensor, for two tensors of one shape and one number type; None when they are not."""
    kind = a.dtype
    kernel = family.table.get(kind)
    if kernel is None:
        return family.on_integers(a, b) if kind is b.dtype and a.shape == b.shape else None
    shape = a.shape
    if kind is not b.dtype or shape != b.shape:
        return None
    array = empty_array(shape, _bool_array)
    pointer = from_buffer(_bool_pointer, array)
    if a.strides is None and b.strides is None:
        kernel(array.size, a.pointer, 1, b.pointer, 1, pointer)
    else:
        _strided(_compare_strided[kind], family.addresses[kind], a, b, pointer)
    return new(array, pointer, shape, bool_)


def compare_number(family: Elementwise, a: Any, number: float) -> Tensor:
    """f(a, number) as a bool tensor."""
    driver = _compare_scalar.get(a.dtype)
    if driver is None:
        return family.on_integers(a, number)
    if a.strides is not None:
        a = contiguous(a)
    array = empty_array(a.shape, _bool_array)
    pointer = from_buffer(_bool_pointer, array)
    driver(family.addresses[a.dtype], array.size, a.pointer, number, pointer)
    return new(array, pointer, a.shape, bool_)


def predicate(family: Elementwise, x: Tensor) -> Tensor:
    """f(x) as a bool tensor, elementwise."""
    kernel = family.table.get(x.dtype)
    if kernel is None:
        return family.on_integers(x)
    if x.strides is not None:
        x = contiguous(x)
    shape = x.shape
    array = empty_array(shape, _bool_array)
    pointer = from_buffer(_bool_pointer, array)
    kernel(array.size, x.pointer, pointer)
    return new(array, pointer, shape, bool_)


@functools.lru_cache(maxsize=4096)
def reduce_shape(shape: tuple[int, ...], first: int, last: int) -> tuple[int, int, int]:
    """(outer, n, inner) when dimensions first..last of ``shape`` are the ones reduced over."""
    return math.prod(shape[:first]), math.prod(shape[first : last + 1]), math.prod(shape[last + 1 :])


def pointer_or_null(x: Any) -> Any:
    """The pointer of a contiguous tensor, or NULL for None."""
    return NULL if x is None else x.pointer


def check_index(position: int, index: Any, size: int, operation: str) -> None:
    """Raises IndexError when a kernel reported that ``index`` at ``position`` is out of range (-1: all was well)."""
    if position >= 0:
        value = index.array.reshape(-1)[position]
        raise PositionError(f"{operation}: index {value} at position {position} is out of range for size {size}")


def same_shape(operation: str, names: Sequence[str], *tensors: Any) -> None:
    """Raises ValueError unless all tensors have one shape and one number type."""
    first = tensors[0]
    for name, x in zip(names[1:], tensors[1:], strict=True):
        if x.shape != first.shape or x.dtype is not first.dtype:
            raise ArgumentError(
                f"{operation}: {names[0]} is {first.dtype} {first.shape} but {name} is {x.dtype} {x.shape}"
            )
