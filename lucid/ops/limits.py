"""Numbers kept within limits: clamp, the maximum and minimum that pass NaN over, and numbers in place of NaN."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, record
from lucid.errors import ArgumentError
from lucid.ops.arithmetic import _maximum, _minimum, ge, gt, le, logical_and, logical_or, lt, mul, where
from lucid.ops.elementwise import Binary, binary, match_all, need_tensor, operand, result_type
from lucid.ops.predicates import isfinite
from lucid.ops.view import clone, to_dtype
from lucid.types import Operand, Tensor

_clamp, _clamp_backward = engine.kernels("clamp"), engine.kernels("clamp_backward")


def clamp(input: Tensor, min: Operand | None = None, max: Operand | None = None) -> Tensor:
    """Each element, but not below ``min`` and not above ``max``; NaN stays.

    Args:
        input: [any shape].
        min: a number, a tensor that broadcasts, or None for no limit.
        max: likewise; it wins where it is below ``min``.

    Raises:
        ValueError: when neither limit is given, or a limit does not fit into an integer type.

    The gradient is that of the result where the element is within the limits (they included), else 0 for the element
    and that of the result for the tensor that limits it.

    Example:
        >>> import lucid
        >>> lucid.clamp(lucid.tensor([-2.0, 0.5, 3.0]), 0, 1).tolist()
        [0.0, 0.5, 1.0]
    """
    need_tensor("clamp", input)
    if min is None and max is None:
        raise ArgumentError("clamp: give min, max or both")
    low = -math.inf if min is None else operand("clamp", min)
    high = math.inf if max is None else operand("clamp", max)
    if isinstance(low, Value) or isinstance(high, Value):
        return _clamp_by_tensors(input, None if min is None else low, None if max is None else high)
    kernel = _clamp.get(input.dtype)
    if kernel is None:
        return _clamp_integers(input, None if min is None else low, None if max is None else high)
    if low != low or high != high:
        out = engine.empty(input.shape, input.dtype)
        engine.fill(out, math.nan)
    else:
        out = engine.mapped(kernel, input, low, high)
    return record("clamp", out, (input,), (lambda grad, x: clamp_backward(grad, x, low, high),), (input,))


def clamp_backward(grad: Tensor, input: Tensor, low: float, high: float) -> Tensor:
    """grad where low ≤ input ≤ high, else 0: the derivative of clamp."""
    out = engine.mapped_two(_clamp_backward[input.dtype], grad, input, low, high)
    return record("clamp_backward", out, (grad,), (lambda g, x: clamp_backward(g, x, low, high),), (input,))


def _clamp_integers(input: Tensor, low: float | None, high: float | None) -> Tensor:
    kind = result_type(input, *(limit for limit in (low, high) if limit is not None))
    if kind.is_floating_point:
        return clamp(to_dtype(input, kind), low, high)
    try:
        return engine.wrap(np.asarray(np.clip(input.array, low, high), kind.numpy))
    except OverflowError as error:
        raise ArgumentError(f"clamp: {error} ({kind})") from None


def _clamp_by_tensors(input: Tensor, low: Any, high: Any) -> Tensor:
    kind = result_type(input, *(limit for limit in (low, high) if limit is not None))
    if low is None or high is None:
        x, limit = match_all("clamp", (input, low if high is None else high), kind)
        family, within, beyond = (_maximum.family, ge, lt) if high is None else (_minimum.family, le, gt)
        pair = (
            lambda grad, x, limit: where(within(x, limit), grad, 0.0),
            lambda grad, x, limit: where(beyond(x, limit), grad, 0.0),
        )
        one_sided: Tensor = engine.binary(family, x, limit)
        return record("clamp", one_sided, (x, limit), pair, (x, limit))
    x, low, high = match_all("clamp", (input, low, high), kind)
    out: Tensor = engine.binary(_minimum.family, engine.binary(_maximum.family, x, low), high)
    rules = (
        lambda grad, x, low, high: where(logical_and(ge(x, low), le(x, high)), grad, 0.0),
        lambda grad, x, low, high: where(logical_and(lt(x, low), lt(low, high)), grad, 0.0),
        lambda grad, x, low, high: where(logical_or(gt(x, high), gt(low, high)), grad, 0.0),
    )
    return record("clamp", out, (x, low, high), rules, (x, low, high))


def clamp_into(input: Tensor, min: Operand | None = None, max: Operand | None = None) -> bool:
    """input ← clamp(input), straight in its memory; False, and nothing done, where that cannot be."""
    low, high = -math.inf if min is None else min, math.inf if max is None else max
    numbers = all(isinstance(limit, int | float) and limit == limit for limit in (low, high))
    if not numbers or (min is None and max is None) or not input.dtype.is_floating_point or input.strides is not None:
        return False
    _clamp[input.dtype](input.array.size, input.pointer, low, high, input.pointer)
    return True


def clamp_min(input: Tensor, min: Operand) -> Tensor:
    """Each element, but not below ``min``; as :func:`clamp`."""
    return clamp(input, min)


def clamp_max(input: Tensor, max: Operand) -> Tensor:
    """Each element, but not above ``max``; as :func:`clamp`."""
    return clamp(input, None, max)


def fmax(input: Operand, other: Operand) -> Tensor:
    """The larger of the two, elementwise; NaN only where both are. At equality ``input`` gets the gradient.

    Example:
        >>> import lucid
        >>> lucid.fmax(lucid.tensor([1.0, float("nan")]), lucid.tensor([2.0, 3.0])).tolist()
        [2.0, 3.0]
    """
    return binary(_fmax, input, other)


def fmin(input: Operand, other: Operand) -> Tensor:
    """The smaller of the two, elementwise; NaN only where both are. At equality ``input`` gets the gradient."""
    return binary(_fmin, input, other)


# b != b says where b is NaN, of a tensor and of a number.
_fmax = Binary(
    "fmax",
    lambda grad, a, b: where(logical_or(a >= b, b != b), grad, 0.0),
    lambda grad, a, b: where(logical_or(a >= b, b != b), 0.0, grad),
    integers=np.fmax,
)
_fmin = Binary(
    "fmin",
    lambda grad, a, b: where(logical_or(a <= b, b != b), grad, 0.0),
    lambda grad, a, b: where(logical_or(a <= b, b != b), 0.0, grad),
    integers=np.fmin,
)

_nan_to_num = engine.kernels("nan_to_num")


def nan_to_num(
    input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """Each element, but numbers in place of NaN and infinities, which get no gradient.

    Args:
        input: [any shape]; integers stay as they are.
        nan: for NaN; 0 when None.
        posinf: for ∞; the largest number of the type when None.
        neginf: for −∞; the smallest number of the type when None.

    Example:
        >>> import lucid
        >>> lucid.nan_to_num(lucid.tensor([float("nan"), float("inf")]), posinf=9.0).tolist()
        [0.0, 9.0]
    """
    need_tensor("nan_to_num", input)
    if not input.dtype.is_floating_point:
        return clone(input)
    largest = float(np.finfo(input.dtype.numpy).max)
    x = engine.contiguous(input)
    out = engine.empty(x.shape, x.dtype)
    _nan_to_num[x.dtype](
        out.array.size,
        x.pointer,
        0.0 if nan is None else nan,
        largest if posinf is None else posinf,
        -largest if neginf is None else neginf,
        out.pointer,
    )
    rule = lambda grad, x: mul(grad, to_dtype(isfinite(x), grad.dtype))  # noqa: E731
    return record("nan_to_num", out, (input,), (rule,), (input,))
