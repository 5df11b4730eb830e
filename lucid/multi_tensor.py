"""The door to the engine for many tensors in one call: norms, scaling, clamping, copies.

As in ``lucid.engine``, sizes come from the arrays themselves and cffi refuses pointers of another number type.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from lucid import engine
from lucid.engine import ffi, lib
from lucid.types import Tensor

_norms = engine.kernels("norms_of_order")
_clamp = engine.kernels("clamp_all")
_clip = engine.kernels("clip_all")
_copy = engine.kernels("copy_all")
_pointer_arrays = {kind: ffi.typeof(f"{kind.array_type.item.cname} *[]") for kind in _norms}


class Row(NamedTuple):
    """Tensors of one number type, as a call wants them.

    Attributes:
        kind: the number type.
        length: how many tensors.
        sizes, pointers: C arrays of their sizes and addresses. The tensors must outlive it.
    """

    kind: engine.dtype
    length: int
    sizes: Any
    pointers: Any


def row_of(kind: engine.dtype, tensors: Sequence[Any]) -> Row:
    """A row of contiguous (or gapless) tensors of this number type."""
    sizes = ffi.new("int64_t[]", [x.array.size for x in tensors])
    pointers = ffi.new(_pointer_arrays[kind], [x.pointer for x in tensors])
    return Row(kind, len(tensors), sizes, pointers)


class TensorList:
    """Tensors gathered for operations on all of them: a row for each number type.

    Those with gaps in their memory (slices, expanded views) are gone through one by one, by way of copies.

    Args:
        operation: its name, for messages.
        tensors: float32 and float64 in any mixture, of any strides.

    Raises:
        NoKernel: (a TypeError) for another number type.
    """

    def __init__(self, operation: str, tensors: Sequence[Any]) -> None:
        self.operation, self.tensors = operation, tensors
        self.gapped = [x for x in tensors if x.strides is not None and not _is_gapless(x)]
        self.rows = []
        self.kinds = list(dict.fromkeys([x.dtype for x in tensors]))
        for kind in self.kinds:
            engine.kernel_for(_norms, kind, operation)
            same = tensors if len(self.kinds) == 1 else [x for x in tensors if x.dtype is kind]
            if self.gapped:
                same = [x for x in same if x.strides is None or _is_gapless(x)]
            self.rows.append(row_of(kind, same))

    def total_norm(self, order: float) -> Tensor:
        """The norm of the tensors' norms, a 0-d float64 tensor; 0 if there are none.

        Args:
            order: any number; inf and -inf for the largest and smallest absolute value, 0 for how many are not 0.

        Raises:
            ValueError: for a tensor without numbers where the norm of none does not exist: order inf, or below 0.
        """
        if (order < 0 or order == math.inf) and any(x.array.size == 0 for x in self.tensors):
            raise ValueError(f"{self.operation}: the norm of order {order} of a tensor without numbers does not exist")
        count = len(self.tensors)
        norms = engine.empty((count,), engine.float64)
        copies = [engine.contiguous(x) for x in self.gapped]
        at = 0
        for row in [*self.rows, *(row_of(x.dtype, [x]) for x in copies)]:
            _norms[row.kind](row.length, row.sizes, row.pointers, order, norms.pointer + at)
            at += row.length
        result = engine.empty((), engine.float64)
        lib.norms_of_order_f64(1, [count], [norms.pointer], order, result.pointer)
        return result

    def clip(self, norm: Tensor, max_norm: float) -> None:
        """x ← x · min(1, max_norm / (norm + 10⁻⁶)), in place; ``norm`` is a 0-d float64 tensor.

        A tensor that is there twice is scaled twice.

        Raises:
            RuntimeError: for memory that cannot be written to. Then nothing is changed.
        """
        self._change(_clip, norm.pointer, max_norm)

    def clamp(self, low: float, high: float) -> None:
        """x ← min(high, max(low, x)), in place. NaN stays, and a limit that is NaN makes all numbers NaN.

        Raises:
            RuntimeError: as :meth:`clip`.
        """
        self._change(_clamp, low, high)

    def _change(self, table: engine.Kernels, *numbers: Any) -> None:
        for x in self.tensors:
            if not x.array.flags.writeable:
                engine.check_writable(x, self.operation)
        for row in self.rows:
            table[row.kind](row.length, row.sizes, row.pointers, *numbers)
        for x in self.gapped:
            copy = engine.contiguous(x)
            table[x.dtype](1, [copy.array.size], [copy.pointer], *numbers)
            engine.copy_into(x, copy)
        for x in self.tensors:
            x.version[0] += 1


def copies(kind: engine.dtype, tensors: Sequence[Any]) -> tuple[list[Any], Row]:
    """New contiguous tensors with the numbers of these, which are of this number type; and the row of the new ones."""
    sources = [x if x.strides is None else engine.contiguous(x) for x in tensors]
    results = [engine.empty(x.shape, kind) for x in sources]
    row = row_of(kind, results)
    _copy[kind](row.length, row.sizes, [x.pointer for x in sources], row.pointers)
    return results, row


def _is_gapless(x: Any) -> bool:
    """Whether its numbers are one piece of memory, each there once, that begins at its pointer: in any order."""
    if x.strides is None:
        return True
    expected = 1
    for step, size in sorted(zip(x.strides, x.shape, strict=True)):
        if size != 1:
            if step != expected:
                return False
            expected *= size
    return True
