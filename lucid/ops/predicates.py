"""Questions about the elements of tensors: finite, infinite, NaN, negative, close, equal. Bool results, no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from lucid import engine
from lucid.engine import Elementwise
from lucid.errors import ArgumentError, KindError
from lucid.ops.arithmetic import eq
from lucid.ops.elementwise import common_shape, need_tensor
from lucid.types import Tensor

_isnan = Elementwise("isnan", np.isnan, engine.bool_)
_isinf = Elementwise("isinf", np.isinf, engine.bool_)
_isfinite = Elementwise("isfinite", np.isfinite, engine.bool_)
_signbit = Elementwise("signbit", np.signbit, engine.bool_)


def _ask(family: Elementwise, input: Tensor) -> Tensor:
    need_tensor(family.name, input)
    return engine.predicate(family, input)


def isnan(input: Tensor) -> Tensor:
    """Where an element is NaN; a bool tensor.

    Example:
        >>> import lucid
        >>> lucid.isnan(lucid.tensor([1.0, float("nan")])).tolist()
        [False, True]
    """
    return _ask(_isnan, input)


def isinf(input: Tensor) -> Tensor:
    """Where an element is ∞ or −∞."""
    return _ask(_isinf, input)


def isfinite(input: Tensor) -> Tensor:
    """Where an element is neither infinite nor NaN."""
    return _ask(_isfinite, input)


def isposinf(input: Tensor) -> Tensor:
    """Where an element is ∞."""
    need_tensor("isposinf", input)
    return eq(input, np.inf)


def isneginf(input: Tensor) -> Tensor:
    """Where an element is −∞."""
    need_tensor("isneginf", input)
    return eq(input, -np.inf)


def signbit(input: Tensor) -> Tensor:
    """Where the sign of an element is set: for negative numbers, −0.0 and a NaN with a sign."""
    return _ask(_signbit, input)


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Where |input − other| ≤ atol + rtol · |other|, or the two are equal. Computed by NumPy.

    Args:
        input: [any shape].
        other: of the same number type; broadcast.
        rtol: the difference allowed, as a share of ``other``; not negative.
        atol: the difference allowed besides; not negative.
        equal_nan: whether NaN is close to NaN.

    Raises:
        TypeError: for two number types.
        ValueError: for a negative tolerance, or shapes that do not broadcast.

    Example:
        >>> import lucid
        >>> lucid.isclose(lucid.tensor([1.0, 2.0]), lucid.tensor([1.0, 2.1])).tolist()
        [True, False]
    """
    a, b = _alike("isclose", input, other)
    if not (rtol >= 0 and atol >= 0):
        raise ArgumentError(f"isclose: rtol and atol must not be negative, got {rtol} and {atol}")
    common_shape("isclose", input, other)
    with np.errstate(all="ignore"):
        return engine.wrap(np.asarray(np.isclose(a, b, rtol, atol, equal_nan)))


def _alike(operation: str, input: Tensor, other: Tensor) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The arrays of two tensors of one number type."""
    need_tensor(operation, input)
    need_tensor(operation, other)
    if input.dtype is not other.dtype:
        raise KindError(f"{operation}: the tensors are {input.dtype} and {other.dtype}; convert one of them")
    return input.array, other.array


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close; arguments and errors as :func:`isclose`."""
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and equal elements. NaN equals nothing.

    Example:
        >>> import lucid
        >>> lucid.equal(lucid.tensor([1, 2]), lucid.tensor([1, 2]))
        True
    """
    need_tensor("equal", input)
    need_tensor("equal", other)
    return input.shape == other.shape and bool(eq(input, other).array.all())
