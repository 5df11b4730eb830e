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
from_buffer = ffi.from_buffer
NULL = ffi.NULL
prod = math.prod


# ---------------------------------------------------------------------------------------------------------------------
# Tensors from memory. tensor.py says which class they are of.

new: Callable[..., Tensor]


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
    if array.size >= LARGE and kind in _fill:
        _fill[kind](array.size, 0.0, pointer)
    else:
        array.fill(0)
    return new(array, pointer, shape, kind)


def owns_memory(array: np.ndarray) -> bool:
    """Whether the array is not a view of another one."""
    return array.base is None or type(array.base) is _memory


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
    if array.flags.c_contiguous:
        strides = None
    else:
        size = kind.itemsize
        strides = tuple([step // size for step in array.strides])
    result = new(array, base.pointer + offset if offset else base.pointer, array.shape, kind, strides)
    result.version = base.version
    result.base = base if base.base is None else base.base
    return result


def dense_view(base: Any, array: np.ndarray, shape: tuple[int, ...], offset: int = 0) -> Tensor:
    """As :func:`view`, for an array that is known to be contiguous."""
    result = new(array, base.pointer + offset if offset else base.pointer, shape, base.dtype)
    result.version = base.version
    result.base = base if base.base is None else base.base
    return result


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
    if not _inside(x.array, base.array):
        return None
    return int(x.array.ctypes.data - base.array.ctypes.data) // int(x.dtype.itemsize)


def _inside(part: np.ndarray, whole: np.ndarray) -> bool:
    ends = [np.lib.array_utils.byte_bounds(array) for array in (part, whole)]
    return bool(ends[1][0] <= ends[0][0] and ends[0][1] <= ends[1][1])


@functools.lru_cache(maxsize=4096)
def dense_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides, in elements, of a contiguous array."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def expand(x: Any, shape: tuple[int, ...]) -> Tensor:
    """``x`` seen as ``shape``, by strides of 0, without a copy. The shapes are known to fit."""
    kind = x.dtype
    strides, steps = _expanded_strides(x.shape, x.strides, shape, kind.itemsize)
    if x.strides is None and x.array.size:
        array = np.ndarray(shape, kind.numpy, x.array, 0, steps)
        array.flags.writeable = False
    else:
        array = np.broadcast_to(x.array, shape)
    result = new(array, x.pointer, shape, kind, strides)
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
    if x.strides is None:
        return x
    out = empty(x.shape, x.dtype)
    copy_into(out, x)
    return out


def copy_into(out: Any, x: Any) -> None:
    """Writes ``x`` over ``out``: same shape and dtype, any strides; memory must not overlap in part."""
    if out.shape != x.shape or out.dtype is not x.dtype:
        raise ArgumentError(f"copy: {x.dtype} {x.shape} does not fit into {out.dtype} {out.shape}")
    check_writable(out)
    if x.array is out.array:
        return
    if np.may_share_memory(out.array, x.array) and np.shares_memory(out.array, x.array):
        x = wrap(x.array.copy())
    size = x.dtype.itemsize
    lib.copy_strided(size, len(x.shape), x.shape, x.pointer, _bytes(x, size), out.pointer, _bytes(out, size))


def _bytes(x: Any, size: int) -> tuple[int, ...]:
    return tuple(step * size for step in (x.strides or dense_strides(x.shape)))


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
_binary_scalar = kernels("binary_scalar")
_scalar_binary = kernels("scalar_binary")
_binary_strided = kernels("binary_strided")
_compare_scalar = kernels("compare_scalar")
_compare_strided = kernels("compare_strided")


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
        """The result by NumPy, for number types without kernels."""
        kind = next(x for x in operands if hasattr(x, "dtype")).dtype
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


def unary_into(family: Elementwise, x: Tensor) -> bool:
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
        copy_into(a, family.on_integers(a, b))
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


def compare(family: Elementwise, a: Any, b: Any) -> Tensor:
    """f(a, b) as a bool tensor, for two tensors of one shape and type, or a tensor and a number."""
    kind = a.dtype
    kernel = family.table.get(kind)
    if kernel is None:
        return family.on_integers(a, b)
    out = empty(a.shape, bool_)
    if not hasattr(b, "array"):
        a = contiguous(a)
        _compare_scalar[kind](family.addresses[kind], a.array.size, a.pointer, b, out.pointer)
    elif kind is not b.dtype or a.shape != b.shape:
        raise ArgumentError(f"{family.name}: {kind} {a.shape} and {b.dtype} {b.shape} differ")
    elif a.strides is None and b.strides is None:
        kernel(a.array.size, a.pointer, 1, b.pointer, 1, out.pointer)
    else:
        _strided(_compare_strided[kind], family.addresses[kind], a, b, out.pointer)
    return out


def predicate(family: Elementwise, x: Tensor) -> Tensor:
    """f(x) as a bool tensor, elementwise."""
    kernel = family.table.get(x.dtype)
    if kernel is None:
        return family.on_integers(x)
    x = contiguous(x)
    out = empty(x.shape, bool_)
    kernel(x.array.size, x.pointer, out.pointer)
    return out


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
