"""Arithmetic and comparisons, elementwise with broadcasting and type promotion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import numpy as np

from lucid import engine
from lucid.autograd.grad_mode import no_grad
from lucid.autograd.graph import Value, record
from lucid.engine import Elementwise, NoKernel
from lucid.errors import ArgumentError, DivisionError, KindError
from lucid.ops.broadcast import expand, sum_to_size
from lucid.ops.elementwise import (
    Binary,
    Unary,
    binary,
    common_shape,
    is_number,
    match,
    match_all,
    need_tensor,
    no_bools,
    operand,
    result_type,
    unary,
)
from lucid.ops.view import to_dtype
from lucid.types import Operand, Tensor


def add(input: Operand, other: Operand, *, alpha: float = 1) -> Tensor:
    """input + alpha · other, elementwise with broadcasting.

    Example:
        >>> import lucid
        >>> lucid.add(lucid.tensor([1.0, 2.0]), 10).tolist()
        [11.0, 12.0]
    """
    return binary(_add, input, other) if alpha == 1 else _add_scaled("add", input, other, alpha)


_add_scaled_kernels = engine.kernels("add_scaled")


def _add_scaled(name: str, input: Operand, other: Operand, alpha: float) -> Tensor:
    """input + alpha · other; in one pass for two tensors of one shape and type."""
    a, b = match_all(name, (input, other))
    kind = a.dtype
    if not kind.is_floating_point:
        if not isinstance(alpha, int):
            raise KindError(f"{name}: for {kind} operands alpha must be an integer, got {alpha!r}")
        return binary(_add, a, mul(b, alpha))
    out = engine.empty(a.shape, kind)
    dense_a, dense_b = engine.contiguous(a), engine.contiguous(b)
    _add_scaled_kernels[kind](out.array.size, dense_a.pointer, dense_b.pointer, alpha, out.pointer)
    return record(name, out, (a, b), (lambda grad: grad, lambda grad: mul(grad, alpha)))


_add = Binary("add", lambda grad: grad, lambda grad: grad, saves=False, integers=np.add)


def neg(input: Tensor) -> Tensor:
    """−input, elementwise."""
    return unary(_neg, input)


_neg = Unary("neg", lambda grad: neg(grad), integers=np.negative)


def positive(input: Tensor) -> Tensor:
    """The tensor itself."""
    need_tensor("positive", input)
    if input.dtype is engine.bool_:
        raise NoKernel("positive", input.dtype)
    return input


def abs(input: Tensor) -> Tensor:
    """|input|, elementwise. The derivative at 0 is 0.

    Example:
        >>> import lucid
        >>> lucid.tensor([-2.0, 3.0]).abs().tolist()
        [2.0, 3.0]
    """
    return unary(_abs, input)


_abs = Unary("abs", lambda grad, x: mul(grad, sign(x)), "input", no_bools("abs", np.abs))


def sign(input: Tensor) -> Tensor:
    """−1, 0 or 1 by the sign of each element. The gradient is zero."""
    return unary(_sign, input)


def _zero(grad: Tensor) -> Tensor:
    """The derivative of a step function: zero everywhere."""
    return engine.zeros(grad.shape, grad.dtype)


_sign = Unary("sign", _zero, integers=lambda a: np.sign(a.astype(np.int8)) if a.dtype == bool else np.sign(a))


def floor(input: Tensor) -> Tensor:
    """The largest integer not above each element. The gradient is zero."""
    return unary(_floor, input)


_floor = Unary("floor", _zero, integers=no_bools("floor", np.copy))


def ceil(input: Tensor) -> Tensor:
    """The smallest integer not below each element. The gradient is zero."""
    return unary(_ceil, input)


_ceil = Unary("ceil", _zero, integers=no_bools("ceil", np.copy))


def trunc(input: Tensor) -> Tensor:
    """Each element without its fraction. The gradient is zero."""
    return unary(_trunc, input)


_trunc = Unary("trunc", _zero, integers=no_bools("trunc", np.copy))


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest integer, halves to the even one; or to ``decimals`` places. The gradient is zero."""
    need_tensor("round", input)
    if decimals == 0:
        return unary(_round, input)
    return div(unary(_round, mul(input, 10.0**decimals)), 10.0**decimals)


_round = Unary("round", _zero, integers=no_bools("round", np.copy))


def sub(input: Operand, other: Operand, *, alpha: float = 1) -> Tensor:
    """input − alpha · other, elementwise with broadcasting."""
    return binary(_sub, input, other) if alpha == 1 else _add_scaled("sub", input, other, -alpha)


_sub = Binary("sub", lambda grad: grad, lambda grad: neg(grad), saves=False, integers=np.subtract)


def rsub(input: Operand, other: Operand, *, alpha: float = 1) -> Tensor:
    """other − alpha · input."""
    return sub(other, input, alpha=alpha)


def mul(input: Operand, other: Operand) -> Tensor:
    """input · other, elementwise with broadcasting.

    Example:
        >>> import lucid
        >>> (lucid.tensor([[1.0], [2.0]]) * lucid.tensor([3.0, 4.0])).tolist()
        [[3.0, 4.0], [6.0, 8.0]]
    """
    return binary(_mul, input, other)


_mul = Binary("mul", lambda grad, a, b: mul(grad, b), lambda grad, a, b: mul(grad, a), integers=np.multiply)


def div(input: Operand, other: Operand, *, rounding_mode: str | None = None) -> Tensor:
    """input / other, elementwise with broadcasting; integers give floating point.

    Args:
        input: the dividend.
        other: the divisor.
        rounding_mode: ``None``, or round the quotient: ``"floor"`` down, ``"trunc"`` towards zero. The result then
            keeps an integer type, and its gradient is zero.

    Raises:
        ValueError: for another rounding mode.
        ZeroDivisionError: for integers divided by zero with a rounding mode.
    """
    if rounding_mode is None:
        return binary(_div, input, other)
    if rounding_mode not in ("floor", "trunc"):
        raise ArgumentError(f"div: rounding_mode must be None, 'floor' or 'trunc', got {rounding_mode!r}")
    with no_grad():
        if rounding_mode == "floor":
            quotient = floor_divide(input, other)
        elif result_type(input, other).is_floating_point:
            quotient = trunc(div(input, other))
        else:
            quotient = floor_divide(sub(input, fmod(input, other)), other)
    return _step("div", quotient, input, other)


def _step(name: str, out: Tensor, *operands: Operand) -> Tensor:
    """The result of a step function: its derivatives are zero."""

    def zero(x: Operand) -> Callable[..., Any] | None:
        return (lambda grad: sum_to_size(_zero(grad), x.shape)) if isinstance(x, Value) else None

    return record(name, out, operands, tuple(zero(x) for x in operands)) if out.dtype.is_floating_point else out


_div = Binary(
    "div",
    lambda grad, a, b: div(grad, b),
    lambda grad, a, b: neg(div(mul(grad, a), mul(b, b))),
    floats=True,
)


def rdiv(input: Operand, other: Operand) -> Tensor:
    """other / input."""
    return div(other, input)


def floor_divide(input: Operand, other: Operand) -> Tensor:
    """⌊input / other⌋, elementwise with broadcasting. The gradient is zero.

    Raises:
        ZeroDivisionError: for integers divided by zero.
    """
    return binary(_floor_divide, input, other)


def _integer_division(function: Callable[..., Any]) -> Callable[..., Any]:
    def divide(a: Any, b: Any) -> Any:
        if np.any(np.equal(b, 0)):
            raise DivisionError(f"{function.__name__}: integer division by zero")
        return function(a, b)

    return no_bools(function.__name__, divide)


_floor_divide = Binary("floor_divide", _zero, _zero, saves=False, integers=_integer_division(np.floor_divide))


def rfloor_divide(input: Operand, other: Operand) -> Tensor:
    """⌊other / input⌋."""
    return floor_divide(other, input)


def remainder(input: Operand, other: Operand) -> Tensor:
    """input − other · ⌊input / other⌋: the remainder with the sign of the divisor, as Python's %."""
    return binary(_remainder, input, other)


_remainder = Binary(
    "remainder",
    lambda grad, a, b: grad,
    lambda grad, a, b: neg(mul(grad, floor_divide(a, b))),
    integers=_integer_division(np.remainder),
)


def rremainder(input: Operand, other: Operand) -> Tensor:
    """other % input."""
    return remainder(other, input)


def fmod(input: Operand, other: Operand) -> Tensor:
    """input − other · trunc(input / other): the remainder with the sign of the dividend, as C's fmod."""
    return binary(_fmod, input, other)


_fmod = Binary(
    "fmod",
    lambda grad, a, b: grad,
    lambda grad, a, b: neg(mul(grad, trunc(div(a, b)))),
    integers=_integer_division(np.fmod),
)


def _half_where_equal(grad: Tensor, wins: Tensor, a: Tensor, b: Operand) -> Tensor:
    """The gradient of a maximum or minimum: all of it to the winner, half of it to each of two equals."""
    return mul(grad, add(to_dtype(wins, grad.dtype), mul(to_dtype(eq(a, b), grad.dtype), 0.5)))


def maximum(input: Operand, other: Operand) -> Tensor:
    """The larger of the two, elementwise; NaN if either is. At equality each operand gets half the gradient."""
    return binary(_maximum, input, other)


_maximum = Binary(
    "maximum",
    lambda grad, a, b: _half_where_equal(grad, gt(a, b), a, b),
    lambda grad, a, b: _half_where_equal(grad, lt(a, b), a, b),
    integers=np.maximum,
)


def minimum(input: Operand, other: Operand) -> Tensor:
    """The smaller of the two, elementwise; NaN if either is. At equality each operand gets half the gradient."""
    return binary(_minimum, input, other)


_minimum = Binary(
    "minimum",
    lambda grad, a, b: _half_where_equal(grad, lt(a, b), a, b),
    lambda grad, a, b: _half_where_equal(grad, gt(a, b), a, b),
    integers=np.minimum,
)


def _square_size(a: Operand, b: Operand) -> Tensor:
    """a² + b², but 1 at the origin, where the gradient of the angle is taken as 0."""
    size = add(mul(a, a), mul(b, b))
    return where(eq(size, 0), 1.0, size)


def atan2(input: Operand, other: Operand) -> Tensor:
    """The angle, in radians from −π to π, of the point (other, input)."""
    return binary(_atan2, input, other)


_atan2 = Binary(
    "atan2",
    lambda grad, a, b: mul(grad, div(b, _square_size(a, b))),
    lambda grad, a, b: neg(mul(grad, div(a, _square_size(a, b)))),
    floats=True,
)


# ---------------------------------------------------------------------------------------------------------------------
# Comparisons: bool results, no gradient


def _compare(family: Elementwise, a: Any, b: Any) -> Tensor:
    try:
        if b.__class__ is float or b.__class__ is int:
            return engine.compare_number(family, a, b)
        out = engine.compare(family, a, b)
    except AttributeError:  # one of them is no tensor
        return _compare_number(family, operand(family.name, a), operand(family.name, b))
    if out is not None:
        return out
    if not (isinstance(a, Value) and isinstance(b, Value)):
        return _compare_number(family, operand(family.name, a), operand(family.name, b))
    with no_grad():
        return _compare(family, *match(family.name, a, b))


def _compare_number(family: Elementwise, a: Operand, b: Operand) -> Tensor:
    """A comparison where an operand is a number, or something to be converted."""
    if not isinstance(a, Value):
        if not isinstance(b, Value):
            raise KindError(f"{family.name}: expected at least one tensor")
        a, b, family = b, a, _mirrored[family.name]
    return _compare(family, a, b) if isinstance(b, Value) else engine.compare_number(family, a, b)


def eq(input: Operand, other: Operand) -> Tensor:
    """Where the two are equal, elementwise with broadcasting; a bool tensor."""
    return _compare(_eq, input, other)


def ne(input: Operand, other: Operand) -> Tensor:
    """Where the two differ."""
    return _compare(_ne, input, other)


def lt(input: Operand, other: Operand) -> Tensor:
    """Where input < other."""
    return _compare(_lt, input, other)


def le(input: Operand, other: Operand) -> Tensor:
    """Where input ≤ other."""
    return _compare(_le, input, other)


def gt(input: Operand, other: Operand) -> Tensor:
    """Where input > other."""
    return _compare(_gt, input, other)


def ge(input: Operand, other: Operand) -> Tensor:
    """Where input ≥ other."""
    return _compare(_ge, input, other)


_eq, _ne = Elementwise("eq", np.equal, engine.bool_), Elementwise("ne", np.not_equal, engine.bool_)
_lt, _le = Elementwise("lt", np.less, engine.bool_), Elementwise("le", np.less_equal, engine.bool_)
_gt, _ge = Elementwise("gt", np.greater, engine.bool_), Elementwise("ge", np.greater_equal, engine.bool_)
_mirrored = {"eq": _eq, "ne": _ne, "lt": _gt, "le": _ge, "gt": _lt, "ge": _le}


def equals(self: Tensor, other: Any) -> Tensor:
    """``==``: as :func:`eq`; for what is neither tensor nor number Python decides."""
    return eq(self, other) if isinstance(other, Value | np.ndarray) or is_number(other) else NotImplemented


def differs(self: Tensor, other: Any) -> Tensor:
    """``!=``: as :func:`ne`; for what is neither tensor nor number Python decides."""
    return ne(self, other) if isinstance(other, Value | np.ndarray) or is_number(other) else NotImplemented


def as_step(comparison: Callable[..., Any]) -> Callable[..., Any]:
    """The comparison with 0 and 1 in the number type of the first operand, and a gradient of zero: what ``x.eq_(y)``
    leaves in x."""

    def step(input: Tensor, *others: Operand) -> Tensor:
        return _step(comparison.__name__, to_dtype(comparison(input, *others), input.dtype), input, *others)

    return step


def _logical(function: Callable[..., Any]) -> Callable[[Operand, Operand], Tensor]:
    def operation(input: Operand, other: Operand) -> Tensor:
        a, b = operand(function.__name__, input), operand(function.__name__, other)
        try:
            found = function(a.array if isinstance(a, Value) else bool(a), b.array if isinstance(b, Value) else bool(b))
            return engine.wrap(np.asarray(found))
        except ValueError as error:
            raise ArgumentError(f"{function.__name__}: {error}") from None

    operation.__name__ = function.__name__
    operation.__doc__ = (
        f"{function.__name__.replace('_', ' ').capitalize()} of the truth of each element; a bool tensor."
    )
    return operation


logical_and = _logical(np.logical_and)
logical_or = _logical(np.logical_or)
logical_xor = _logical(np.logical_xor)


def _bitwise(name: str, function: Callable[..., Any]) -> Callable[[Operand, Operand], Tensor]:
    def operation(input: Operand, other: Operand) -> Tensor:
        for x in (input, other):
            if isinstance(x, Value) and x.dtype.is_floating_point:
                raise KindError(f"{name}: works on integer and bool tensors, got {x.dtype}")
        kind = result_type(input, other)
        if kind.is_floating_point:
            raise KindError(f"{name}: works on integers and bools, got a {kind} number")
        arrays = (x.array if isinstance(x, Value) else x for x in (input, other))
        try:
            return engine.wrap(np.asarray(function(*arrays), kind.numpy))
        except (ValueError, OverflowError) as error:
            raise ArgumentError(f"{name}: {error} ({kind})") from None

    operation.__name__ = name
    operation.__doc__ = f"{name.replace('_', ' ').capitalize()} of integers, logical for bools."
    return operation


bitwise_and = _bitwise("bitwise_and", np.bitwise_and)
bitwise_or = _bitwise("bitwise_or", np.bitwise_or)
bitwise_xor = _bitwise("bitwise_xor", np.bitwise_xor)
bitwise_left_shift = _bitwise("bitwise_left_shift", np.left_shift)
bitwise_right_shift = _bitwise("bitwise_right_shift", np.right_shift)


def logical_not(input: Tensor) -> Tensor:
    """True where the element is zero or False."""
    need_tensor("logical_not", input)
    return engine.wrap(np.asarray(np.logical_not(input.array)))


def bitwise_not(input: Tensor) -> Tensor:
    """The bits of integers turned over; ``not`` for bools."""
    if input.dtype.is_floating_point:
        raise KindError(f"bitwise_not: works on integer and bool tensors, got {input.dtype}")
    return engine.wrap(np.asarray(np.invert(input.array)))


_where = engine.kernels("where")


@overload
def where(condition: Tensor) -> tuple[Tensor, ...]: ...
@overload
def where(condition: Tensor, input: Operand, other: Operand) -> Tensor: ...
def where(condition: Tensor, input: Operand | None = None, other: Operand | None = None) -> Tensor | tuple[Tensor, ...]:
    """``input`` where the condition is true, else ``other``; all broadcast.

    Args:
        condition: a bool tensor.
        input: a tensor or a number.
        other: a tensor or a number.

    Returns:
        A tensor of their common number type. With the condition alone: the positions where it is true, a tuple of
        int64 tensors, one per dimension.

    Example:
        >>> import lucid
        >>> lucid.where(lucid.tensor([True, False]), lucid.tensor([1.0, 2.0]), 0.0).tolist()
        [1.0, 0.0]
    """
    if not isinstance(condition, Value):
        raise KindError(f"where: condition must be a tensor, got {type(condition).__name__}")
    if input is None and other is None:
        return tuple(engine.wrap(positions) for positions in np.nonzero(condition.array))
    if condition.dtype is not engine.bool_:
        raise KindError(f"where: condition must be bool, got {condition.dtype}; compare with 0 first")
    if isinstance(input, Value) or isinstance(other, Value):
        try:
            out = engine.select(condition, input, other)
        except AttributeError:  # one is neither a tensor nor a float
            out = None
        if out is not None:
            mask = engine.contiguous(condition)
            rules = (lambda grad: where(mask, grad, 0.0), lambda grad: where(mask, 0.0, grad))
            return record("where", out, (input, other), rules)
    return _where_unlike(condition, input, other)


def _where_unlike(condition: Tensor, input: Operand | None, other: Operand | None) -> Tensor:
    """:func:`where` on operands of several shapes or number types."""
    kind = result_type(operand("where", input), operand("where", other))
    a, b = (
        to_dtype(x, kind) if isinstance(x, Value) else engine.wrap(np.asarray(operand("where", x), kind.numpy))
        for x in (input, other)
    )
    shape = common_shape("where", condition, a, b)
    mask = (
        engine.contiguous(engine.expand(condition, shape)) if condition.shape != shape else engine.contiguous(condition)
    )
    kernel = _where.get(kind)
    if kernel is None:
        return engine.wrap(np.where(mask.array, a.array, b.array))
    a_step, b_step = int(a.array.size != 1), int(b.array.size != 1)
    full_a = a if not a_step or a.shape == shape else expand(a, shape)
    full_b = b if not b_step or b.shape == shape else expand(b, shape)
    out = engine.empty(shape, kind)
    dense_a, dense_b = engine.contiguous(full_a), engine.contiguous(full_b)
    kernel(out.array.size, mask.pointer, dense_a.pointer, a_step, dense_b.pointer, b_step, out.pointer)
    rules = (
        lambda grad: sum_to_size(where(mask, grad, 0.0), full_a.shape),
        lambda grad: sum_to_size(where(mask, 0.0, grad), full_b.shape),
    )
    return record("where", out, (full_a, full_b), rules)
