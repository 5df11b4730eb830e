"""Activation functions."""

from __future__ import annotations

import math

import numpy as np

from lucid.errors import ArgumentError
from lucid.ops.arithmetic import add, mul, sub
from lucid.ops.elementwise import Binary, Unary, binary, no_bools, no_integers, unary
from lucid.ops.functions import exp, sigmoid, tanh
from lucid.types import Tensor


def relu(input: Tensor) -> Tensor:
    """max(input, 0), elementwise; integers stay integers. The derivative at 0 is 0.

    Example:
        >>> import lucid
        >>> lucid.relu(lucid.tensor([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """
    return unary(_relu, input)


_relu = Unary(
    "relu",
    lambda grad, out: relu_backward(grad, out),
    "output",
    no_bools("relu", lambda a: np.maximum(a, a.dtype.type(0))),
)


def relu_backward(grad: Tensor, out: Tensor) -> Tensor:
    """grad where out > 0, else 0: the derivative of ReLU, from its result (or its input)."""
    return binary(_relu_backward, grad, out)


_relu_backward = Binary("relu_backward", lambda g, grad, out: relu_backward(g, out), None)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x · Φ(x), Φ the distribution function of the normal distribution (Hendrycks and Gimpel 2016).

    Args:
        input: [any shape].
        approximate: ``"none"``: Φ(x) = ½ (1 + erf(x / √2)); ``"tanh"``: ½ (1 + tanh(√(2/π) (x + 0.044715 x³))).

    Raises:
        ValueError: for another ``approximate``.
    """
    if approximate == "none":
        return unary(_gelu, input)
    if approximate == "tanh":
        return unary(_gelu_tanh, input)
    raise ArgumentError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")


_gelu = Unary("gelu", lambda grad, x: gelu_backward(grad, x), "input", no_integers("gelu"))
_gelu_tanh = Unary("gelu_tanh", lambda grad, x: gelu_tanh_backward(grad, x), "input", no_integers("gelu"))


def gelu_backward(grad: Tensor, x: Tensor) -> Tensor:
    """grad · (Φ(x) + x φ(x)): the derivative of GELU."""
    return binary(_gelu_backward, grad, x)


def _gelu_second(x: Tensor) -> Tensor:
    """The second derivative of GELU, (2 − x²) φ(x)."""
    squared = mul(x, x)
    return mul(mul(sub(2, squared), exp(mul(squared, -0.5))), 1 / math.sqrt(2 * math.pi))


_gelu_backward = Binary(
    "gelu_backward",
    lambda g, grad, x: gelu_backward(g, x),
    lambda g, grad, x: mul(mul(g, grad), _gelu_second(x)),
)


def gelu_tanh_backward(grad: Tensor, x: Tensor) -> Tensor:
    """The derivative of the tanh form of GELU, times grad."""
    return binary(_gelu_tanh_backward, grad, x)


def _gelu_tanh_second(x: Tensor) -> Tensor:
    """The second derivative of x · ½ (1 + tanh u), u = a (x + b x³): t' + ½ x t'', with t = tanh u."""
    a, b = math.sqrt(2 / math.pi), 0.044715
    squared = mul(x, x)
    t = tanh(mul(mul(x, add(mul(squared, b), 1)), a))
    slope = mul(add(mul(squared, 3 * b), 1), a)  # u'
    first = mul(sub(1, mul(t, t)), slope)  # t'
    second = mul(sub(1, mul(t, t)), sub(mul(x, 6 * a * b), mul(mul(t, mul(slope, slope)), 2)))  # t''
    return add(first, mul(mul(x, second), 0.5))


_gelu_tanh_backward = Binary(
    "gelu_tanh_backward",
    lambda g, grad, x: gelu_tanh_backward(g, x),
    lambda g, grad, x: mul(mul(g, grad), _gelu_tanh_second(x)),
)


def silu(input: Tensor) -> Tensor:
    """x · σ(x), also called swish."""
    return unary(_silu, input)


_silu = Unary("silu", lambda grad, x: silu_backward(grad, x), "input", no_integers("silu"))


def silu_backward(grad: Tensor, x: Tensor) -> Tensor:
    """grad · σ(x) (1 + x (1 − σ(x))): the derivative of SiLU."""
    return binary(_silu_backward, grad, x)


def _silu_second(x: Tensor) -> Tensor:
    s = sigmoid(x)
    slope = mul(s, sub(1, s))
    return mul(slope, add(mul(x, sub(1, mul(s, 2))), 2))


_silu_backward = Binary(
    "silu_backward",
    lambda g, grad, x: silu_backward(g, x),
    lambda g, grad, x: mul(mul(g, grad), _silu_second(x)),
)
