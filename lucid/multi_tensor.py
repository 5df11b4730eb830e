"""The door to the engine for many tensors in one call: norms, scaling, clamping, copies.

As in ``lucid.engine``, sizes come from the arrays themselves and cffi refuses pointers of another number type.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lucid import engine
from lucid.engine import ffi, lib

_norms = engine.kernels("norms_of_order")
_scale = engine.kernels("scale_all")
_clamp = engine.kernels("clamp_all")
_copy = engine.kernels("copy_all")


def total_norm(operation: str, tensors: Sequence[Any], order: float) -> float:
    """The norm of the tensors' norms.

    Args:
        operation: its name, for messages.
        tensors: float32 and float64 in any mixture, of any strides.
        order: any number; inf and -inf for the largest and smallest absolute value, 0 for how many are not 0.

    Raises:
        NoKernel: for another number type.
        ValueError: for a tensor without numbers where the norm of none does not exist: order inf, or below 0.
    """
    norms = ffi.new("double[]", len(tensors))
    at = 0
    for kind, same in _by_kind(operation, tensors).items():
        same = [x if _is_gapless(x) else engine.contiguous(x) for x in same]
        sizes = [x.array.size for x in same]
        if (order < 0 or order == math.inf) and 0 in sizes:
            raise ValueError(f"{operation}: the norm of order {order} of a tensor without numbers does not exist")
        _norms[kind](len(same), sizes, [x.pointer for x in same], order, norms + at)
        at += len(same)
    result = ffi.new("double[1]")
    lib.norms_of_order_f64(1, [at], [norms], order, result)
    return float(result[0])


def scale_all(operation: str, tensors: Sequence[Any], factor: float) -> None:
    """x ← factor · x for all x, in place. One that is there twice is scaled twice.

    Raises:
        NoKernel: for a number type other than float32 and float64.
        RuntimeError: for memory that cannot be written to. Then nothing is changed.
    """
    _change_all(operation, _scale, tensors, factor)


def clamp_all(operation: str, tensors: Sequence[Any], low: float, high: float) -> None:
    """x ← min(high, max(low, x)) for all x, in place. NaN stays, and a limit that is NaN makes all numbers NaN.

    Raises:
        As :func:`scale_all`.
    """
    _change_all(operation, _clamp, tensors, low, high)


def _change_all(operation: str, table: engine.Kernels, tensors: Sequence[Any], *numbers: float) -> None:
    groups = _by_kind(operation, tensors)
    for x in tensors:
        engine.check_writable(x, operation)
    for kind, same in groups.items():
        rows = [x for x in same if _is_gapless(x)]
        table[kind](len(rows), [x.array.size for x in rows], [x.pointer for x in rows], *numbers)
        if len(rows) < len(same):
            for x in same:
                if not _is_gapless(x):
                    row = engine.contiguous(x)
                    table[kind](1, [row.array.size], [row.pointer], *numbers)
                    engine.copy_into(x, row)
    for x in tensors:
        x.version[0] += 1


def copies(tensors: Sequence[Any]) -> list[Any]:
    """New contiguous tensors with the same numbers, float32 and float64 in any mixture."""
    results = [engine.empty(x.shape, x.dtype) for x in tensors]
    for kind in dict.fromkeys([x.dtype for x in tensors]):
        pairs = [(engine.contiguous(x), y) for x, y in zip(tensors, results, strict=True) if x.dtype is kind]
        pointers = [x.pointer for x, _ in pairs], [y.pointer for _, y in pairs]
        engine.kernel_for(_copy, kind, "copies")(len(pairs), [y.array.size for _, y in pairs], *pointers)
    return results


def _by_kind(operation: str, tensors: Sequence[Any]) -> dict[engine.dtype, Sequence[Any]]:
    """The tensors of each number type."""
    kinds = dict.fromkeys([x.dtype for x in tensors])
    for kind in kinds:
        engine.kernel_for(_norms, kind, operation)
    if len(kinds) == 1:
        return dict.fromkeys(kinds, tensors)
    return {kind: [x for x in tensors if x.dtype is kind] for kind in kinds}


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
