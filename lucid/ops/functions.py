"""Powers, exponentials, logarithms, trigonometric and hyperbolic functions, elementwise."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value
from lucid.engine import NoKernel
from lucid.errors import ArgumentError
from lucid.ops.arithmetic import add, div, eq, ge, gt, logical_and, logical_or, lt, mul, neg, sign, sub, where
from lucid.ops.elementwise import Binary, Unary, binary, is_number, need_tensor, unary
from lucid.ops.limits import clamp
from lucid.types import Operand, Tensor

TWO_OVER_SQRT_PI = 2 / math.sqrt(math.pi)


def pow(input: Operand, exponent: Operand) -> Tensor:
    """input to the power of exponent, elementwise with broadcasting.

    Derivatives: exponent · input^(exponent − 1), and input^exponent · log(input) (0 where input is 0 and the exponent
    is not negative).

    Example:
        >>> import lucid
        >>> (lucid.tensor([1.0, 2.0, 3.0]) ** 2).tolist()
        [1.0, 4.0, 9.0]
    """
    if not isinstance(exponent, Value) and is_number(exponent) and isinstance(input, Value):
        if exponent == 2 and input.dtype is not engine.bool_:
            return mul(input, input)
        if exponent == 0.5 and input.dtype.is_floating_point:
            return sqrt(input)
        if exponent == -0.5 and input.dtype.is_floating_point:
            return rsqrt(input)
        if exponent < 0 and not input.dtype.is_floating_point and isinstance(exponent, numbers.Integral):
            raise ArgumentError(
                "pow: an integer tensor to a negative integer power is not an integer; use .float() first"
            )
    return binary(_pow, input, exponent)


def _pow_left(grad: Tensor, a: Operand, b: Operand) -> Tensor:
    if not isinstance(b, Value):
        return mul(grad, mul(pow(a, b - 1), b)) if b != 0 else mul(grad, 0.0)
    return mul(grad, where(eq(b, 0), 0.0, mul(b, pow(a, sub(b, 1)))))


def _pow_right(grad: Tensor, a: Operand, b: Tensor) -> Tensor:
    if not isinstance(a, Value):
        return mul(grad, mul(pow(a, b), math.log(a) if a > 0 else (0.0 if a == 0 else math.nan)))
    zero = logical_and(eq(a, 0), ge(b, 0))
    return mul(grad, where(zero, 0.0, mul(pow(a, b), log(where(zero, 1.0, a)))))


def _integer_power(a: Any, b: Any) -> Any:
    """a^b of integers; 1 / a^|b| without its fraction where b is negative. Of bools to a number only."""
    if isinstance(b, bool) and a.dtype == bool:
        return np.logical_or(a, not b)
    if np.asarray(a).dtype == np.asarray(b).dtype == bool:
        raise NoKernel("pow", engine.bool_)
    positive = np.power(a, np.abs(b))
    return np.where(np.less(b, 0), np.where(np.abs(a) == 1, positive, 0), positive)


_pow = Binary("pow", _pow_left, _pow_right, integers=_integer_power)


def rpow(input: Operand, other: Operand) -> Tensor:
    """other to the power of input."""
    return pow(other, input)


def square(input: Tensor) -> Tensor:
    """input², elementwise; of bools in int64."""
    need_tensor("square", input)
    return pow(input, 2)


def sqrt(input: Tensor) -> Tensor:
    """The square root, elementwise; NaN below 0. Derivative: 1 / (2 √input)."""
    return unary(_sqrt, input)


_sqrt = Unary("sqrt", lambda grad, out: div(grad, mul(out, 2)), "output")


def rsqrt(input: Tensor) -> Tensor:
    """1 / √input, elementwise. Derivative: −½ input^(−3/2)."""
    return unary(_rsqrt, input)


_rsqrt = Unary("rsqrt", lambda grad, out: mul(grad, mul(mul(out, mul(out, out)), -0.5)), "output")


def reciprocal(input: Tensor) -> Tensor:
    """1 / input, elementwise."""
    return unary(_reciprocal, input)


_reciprocal = Unary("reciprocal", lambda grad, out: neg(mul(grad, mul(out, out))), "output")


def exp(input: Tensor) -> Tensor:
    """e to the power of each element.

    Example:
        >>> import lucid
        >>> lucid.tensor([0.0]).exp().tolist()
        [1.0]
    """
    return unary(_exp, input)


_exp = Unary("exp", lambda grad, out: mul(grad, out), "output")


def exp2(input: Tensor) -> Tensor:
    """2 to the power of each element."""
    return unary(_exp2, input)


_exp2 = Unary("exp2", lambda grad, out: mul(grad, mul(out, math.log(2))), "output")


def expm1(input: Tensor) -> Tensor:
    """eˣ − 1, exact also near 0."""
    return unary(_expm1, input)


_expm1 = Unary("expm1", lambda grad, out: mul(grad, add(out, 1)), "output")


def log(input: Tensor) -> Tensor:
    """The natural logarithm, elementwise; −∞ at 0, NaN below."""
    return unary(_log, input)


_log = Unary("log", lambda grad, x: div(grad, x), "input")


def log2(input: Tensor) -> Tensor:
    """The logarithm to base 2."""
    return unary(_log2, input)


_log2 = Unary("log2", lambda grad, x: div(grad, mul(x, math.log(2))), "input")


def log10(input: Tensor) -> Tensor:
    """The logarithm to base 10."""
    return unary(_log10, input)


_log10 = Unary("log10", lambda grad, x: div(grad, mul(x, math.log(10))), "input")


def log1p(input: Tensor) -> Tensor:
    """log(1 + x), exact also near 0."""
    return unary(_log1p, input)


_log1p = Unary("log1p", lambda grad, x: div(grad, add(x, 1)), "input")


def sin(input: Tensor) -> Tensor:
    """The sine of each element, in radians."""
    return unary(_sin, input)


_sin = Unary("sin", lambda grad, x: mul(grad, cos(x)), "input")


def cos(input: Tensor) -> Tensor:
    """The cosine of each element, in radians."""
    return unary(_cos, input)


_cos = Unary("cos", lambda grad, x: neg(mul(grad, sin(x))), "input")


def tan(input: Tensor) -> Tensor:
    """The tangent of each element, in radians. Derivative: 1 + tan²."""
    return unary(_tan, input)


_tan = Unary("tan", lambda grad, out: mul(grad, add(mul(out, out), 1)), "output")


def asin(input: Tensor) -> Tensor:
    """The arcsine in radians, from −π/2 to π/2; NaN outside [−1, 1]."""
    return unary(_asin, input)


_asin = Unary("asin", lambda grad, x: mul(grad, rsqrt(sub(1, mul(x, x)))), "input")


def acos(input: Tensor) -> Tensor:
    """The arccosine in radians, from 0 to π; NaN outside [−1, 1]."""
    return unary(_acos, input)


_acos = Unary("acos", lambda grad, x: neg(mul(grad, rsqrt(sub(1, mul(x, x))))), "input")


def atan(input: Tensor) -> Tensor:
    """The arctangent in radians, from −π/2 to π/2."""
    return unary(_atan, input)


_atan = Unary("atan", lambda grad, x: div(grad, add(mul(x, x), 1)), "input")


def sinh(input: Tensor) -> Tensor:
    """The hyperbolic sine."""
    return unary(_sinh, input)


_sinh = Unary("sinh", lambda grad, x: mul(grad, cosh(x)), "input")


def cosh(input: Tensor) -> Tensor:
    """The hyperbolic cosine."""
    return unary(_cosh, input)


_cosh = Unary("cosh", lambda grad, x: mul(grad, sinh(x)), "input")


def asinh(input: Tensor) -> Tensor:
    """The inverse hyperbolic sine."""
    return unary(_asinh, input)


_asinh = Unary("asinh", lambda grad, x: mul(grad, rsqrt(add(mul(x, x), 1))), "input")


def acosh(input: Tensor) -> Tensor:
    """The inverse hyperbolic cosine; NaN below 1."""
    return unary(_acosh, input)


_acosh = Unary("acosh", lambda grad, x: mul(grad, rsqrt(sub(mul(x, x), 1))), "input")


def atanh(input: Tensor) -> Tensor:
    """The inverse hyperbolic tangent; NaN outside [−1, 1]."""
    return unary(_atanh, input)


_atanh = Unary("atanh", lambda grad, x: div(grad, sub(1, mul(x, x))), "input")


def erf(input: Tensor) -> Tensor:
    """The error function 2/√π ∫₀ˣ e^(−t²) dt."""
    return unary(_erf, input)


_erf = Unary("erf", lambda grad, x: mul(grad, mul(exp(neg(mul(x, x))), TWO_OVER_SQRT_PI)), "input")


def erfc(input: Tensor) -> Tensor:
    """1 − erf(x), exact also for large x."""
    return unary(_erfc, input)


_erfc = Unary("erfc", lambda grad, x: mul(grad, mul(exp(neg(mul(x, x))), -TWO_OVER_SQRT_PI)), "input")


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent. Derivative: 1 − tanh².

    Example:
        >>> import lucid
        >>> lucid.tensor([0.0]).tanh().tolist()
        [0.0]
    """
    return unary(_tanh, input)


_tanh = Unary("tanh", lambda grad, out: tanh_backward(grad, out), "output")


def tanh_backward(grad: Tensor, out: Tensor) -> Tensor:
    """grad · (1 − out²): the derivative of tanh, from its result."""
    return binary(_tanh_backward, grad, out)


_tanh_backward = Binary(
    "tanh_backward",
    lambda g, grad, out: tanh_backward(g, out),
    lambda g, grad, out: mul(mul(g, mul(grad, out)), -2),
)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + e⁻ˣ). Derivative: σ (1 − σ)."""
    return unary(_sigmoid, input)


_sigmoid = Unary("sigmoid", lambda grad, out: sigmoid_backward(grad, out), "output")


def sigmoid_backward(grad: Tensor, out: Tensor) -> Tensor:
    """grad · out · (1 − out): the derivative of the sigmoid, from its result."""
    return binary(_sigmoid_backward, grad, out)


_sigmoid_backward = Binary(
    "sigmoid_backward",
    lambda g, grad, out: sigmoid_backward(g, out),
    lambda g, grad, out: mul(mul(g, grad), sub(1, mul(out, 2))),
)


def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """log(x / (1 − x)), the inverse of the sigmoid.

    Args:
        input: probabilities; NaN outside [0, 1].
        eps: when given, the input is first limited to [eps, 1 − eps].

    Derivative: 1 / (x (1 − x)).

    Example:
        >>> import lucid
        >>> lucid.logit(lucid.tensor([0.5, 0.0]), eps=0.5).tolist()
        [0.0, 0.0]
    """
    return unary(_logit, input if eps is None else clamp(input, eps, 1 - eps))


def _logit_rule(grad: Tensor, x: Tensor) -> Tensor:
    outside = logical_or(lt(x, 0), gt(x, 1))
    return where(outside, math.nan, div(grad, mul(x, sub(1, x))))


_logit = Unary("logit", _logit_rule, "input")


def logaddexp(input: Operand, other: Operand) -> Tensor:
    """log(e^input + e^other), elementwise with broadcasting, without overflow.

    Derivatives: σ(input − other) and σ(other − input).

    Example:
        >>> import lucid
        >>> lucid.logaddexp(lucid.tensor([1000.0]), lucid.tensor([0.0])).tolist()
        [1000.0]
    """
    return binary(_logaddexp, input, other)


_logaddexp = Binary(
    "logaddexp",
    lambda grad, a, b: mul(grad, sigmoid(sub(a, b))),
    lambda grad, a, b: mul(grad, sigmoid(sub(b, a))),
)


def xlogy(input: Operand, other: Operand) -> Tensor:
    """input · log(other), elementwise with broadcasting; 0 where input is 0, NaN where other is.

    Derivatives: log(other) (0 where input is 0 and other is not positive), and input / other.

    Example:
        >>> import lucid
        >>> lucid.xlogy(lucid.tensor([0.0, 2.0]), lucid.tensor([0.0, 1.0])).tolist()
        [0.0, 0.0]
    """
    return binary(_xlogy, input, other)


def _xlogy_left(grad: Tensor, a: Tensor, b: Operand) -> Tensor:
    nothing = logical_and(eq(a, 0), b <= 0)
    return where(nothing, 0.0, xlogy(where(nothing, 0.0, grad), b))


_xlogy = Binary("xlogy", _xlogy_left, lambda grad, a, b: mul(grad, div(a, b)), floats=True)


def hypot(input: Operand, other: Operand) -> Tensor:
    """√(input² + other²), elementwise with broadcasting, without overflow. Derivative: input / hypot, other / hypot."""
    return binary(_hypot, input, other)


_hypot = Binary(
    "hypot",
    lambda grad, a, b: mul(grad, div(a, hypot(a, b))),
    lambda grad, a, b: mul(grad, div(b, hypot(a, b))),
)


def copysign(input: Operand, other: Operand) -> Tensor:
    """|input| with the sign of ``other``, which −0.0 has too. No gradient for ``other``.

    Example:
        >>> import lucid
        >>> lucid.copysign(lucid.tensor([1.0, -2.0]), -0.0).tolist()
        [-1.0, -2.0]
    """
    return binary(_copysign, input, other)


def _copysign_left(grad: Tensor, a: Tensor, b: Operand) -> Tensor:
    one = copysign(1.0, b) if isinstance(b, Value) else math.copysign(1.0, b)
    return mul(grad, mul(sign(a), one))


_copysign = Binary("copysign", _copysign_left, lambda grad, a, b: mul(grad, 0.0), floats=True)


def frac(input: Tensor) -> Tensor:
    """Each element without its integer part: x − trunc(x). The derivative is 1.

    Raises:
        TypeError: for integers.
    """
    need_tensor("frac", input)
    if not input.dtype.is_floating_point:
        raise NoKernel("frac", input.dtype)
    return unary(_frac, input)


_frac = Unary("frac", lambda grad: grad)


def deg2rad(input: Tensor) -> Tensor:
    """Degrees as radians."""
    need_tensor("deg2rad", input)
    return mul(input, math.pi / 180)


def rad2deg(input: Tensor) -> Tensor:
    """Radians as degrees."""
    need_tensor("rad2deg", input)
    return mul(input, 180 / math.pi)
