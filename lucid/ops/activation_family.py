"""Activations with numbers to set, and those made of pieces: one kernel each for value and gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.composed import composed_gradients
from lucid.autograd.grad_mode import mode
from lucid.autograd.graph import Value, describe, record
from lucid.errors import ArgumentError, KindError
from lucid.ops.arithmetic import abs, add, div, ge, gt, lt, minimum, mul, sign, sub, where
from lucid.ops.elementwise import default_dtype, need_tensor
from lucid.ops.functions import exp, sigmoid, tanh
from lucid.ops.index import chunk
from lucid.ops.inplace import copy_, inplace_form
from lucid.ops.view import reshape, to_dtype, wrap_dim
from lucid.types import Tensor

_prelu, _prelu_backward = engine.kernels("prelu"), engine.kernels("prelu_backward")
_glu, _glu_backward = engine.kernels("glu"), engine.kernels("glu_backward")


class Activation:
    """An activation f(x; a, b): its kernels for value and gradient, and its second derivative.

    Args:
        name: the C name of the kernels.
        second: ``second(x, a, b)``, f″ written with operations; None where it is 0.
    """

    __slots__ = ("gradient", "into", "name", "second", "value")

    def __init__(self, name: str, second: Callable[[Tensor, float, float], Tensor] | None = None) -> None:
        self.name = name
        self.value = engine.kernels(f"{name}_activation")
        self.gradient = engine.kernels(f"{name}_gradient")
        self.second = second
        self.into = inplace_form(f"{name}_", lambda x, a, b: activate(self, x, a, b))


def activate(op: Activation, x: Tensor, a: float = 0.0, b: float = 0.0, inplace: bool = False) -> Tensor:
    """f(x; a, b), elementwise; written over x when asked."""
    kernel = op.value.get(x.dtype) if isinstance(x, Value) else None
    if kernel is None:
        need_tensor(op.name, x)
        raise engine.NoKernel(op.name, x.dtype)
    if inplace:
        return op.into(x, a, b)
    out = engine.mapped(kernel, x, a, b)
    return record(op.name, out, (x,), (lambda grad, x: _gradient(op, grad, x, a, b),), (x,))


def _gradient(op: Activation, grad: Tensor, x: Tensor, a: float, b: float) -> Tensor:
    """grad · f′(x; a, b)."""
    out = engine.mapped_two(op.gradient[x.dtype], grad, x, a, b)
    second = op.second
    by_x = None if second is None else lambda g, grad, x: mul(mul(g, grad), second(x, a, b))
    rules = (lambda g, grad, x: _gradient(op, g, x, a, b), by_x)
    return record(f"{op.name}_backward", out, (grad, x), rules, (grad, x))


def _number(operation: str, name: str, x: Any) -> float:
    if isinstance(x, Value) or not isinstance(x, int | float):
        raise KindError(f"{operation}: {name} must be a number, got {describe(x)}")
    return float(x)


def _holds_integers(x: Tensor) -> bool:
    return isinstance(x, Value) and x.dtype.category == 1


def _of_integers(
    operation: str, function: Callable[..., Any], input: Tensor, numbers: tuple[float, ...], inplace: bool
) -> Tensor:
    """``function`` of integers and numbers without their fraction, which must fit into the integer type. By NumPy."""
    limits = np.iinfo(input.dtype.numpy)
    if not all(math.isfinite(number) and limits.min <= int(number) <= limits.max for number in numbers):
        raise ArgumentError(f"{operation}: {numbers} do not fit into {input.dtype}")
    out = engine.wrap(np.asarray(function(input.array, *map(int, numbers)), input.dtype.numpy))
    return copy_(input, out) if inplace else out


SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def _cube(x: Tensor) -> Tensor:
    return mul(mul(x, x), x)


def _softplus_second(x: Tensor, beta: float, threshold: float) -> Tensor:
    """beta σ (1 − σ) of beta · x."""
    s = sigmoid(mul(x, beta))
    return where(gt(mul(x, beta), threshold), 0.0, mul(mul(s, sub(1, s)), beta))


def _mish_second(x: Tensor, a: float, b: float) -> Tensor:
    """(1 − t²) σ (2 + x (1 − σ − 2 t σ)), t = tanh(softplus(x))."""
    t, s = tanh(activate(_softplus, x, 1.0, 20.0)), sigmoid(x)
    inside = sub(sub(1, s), mul(mul(t, s), 2))
    return mul(mul(sub(1, mul(t, t)), s), add(mul(x, inside), 2))


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x for x > 0, else alpha (eˣ − 1) (Clevert, Unterthiner, Hochreiter 2016).

    Args:
        input: [any shape].
        alpha: minus the limit at −∞.
        inplace: write the result over the input.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.elu(lucid.tensor([-100.0, 2.0])).tolist()
        [-1.0, 2.0]
    """
    return activate(_elu, input, _number("elu", "alpha", alpha), 1.0, inplace=inplace)


_elu = Activation("elu", lambda x, a, b: where(ge(x, 0), 0.0, mul(exp(mul(minimum(x, 0.0), b)), a * b * b)))


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x for x > 0, else alpha (e^(x / alpha) − 1) (Barron 2017).

    Args:
        input: [any shape].
        alpha: minus the limit at −∞; not 0.
        inplace: write the result over the input.

    Raises:
        ValueError: for alpha 0.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.celu(lucid.tensor([-100.0, 2.0]), 0.5).tolist()
        [-0.5, 2.0]
    """
    if alpha == 0:
        raise ArgumentError("celu: alpha must not be 0")
    return activate(_elu, input, alpha, 1 / alpha, inplace=inplace)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """1.0507 times ELU with alpha 1.6733, which keeps mean 0 and variance 1 (Klambauer et al. 2017).

    Args:
        input: [any shape].
        inplace: write the result over the input.

    Example:
        >>> import lucid
        >>> round(lucid.nn.functional.selu(lucid.tensor(1.0)).item(), 4)
        1.0507
    """
    return activate(_selu, input, SELU_SCALE, SELU_SCALE * SELU_ALPHA, inplace=inplace)


_selu = Activation("selu", lambda x, a, b: where(ge(x, 0), 0.0, mul(exp(minimum(x, 0.0)), b)))


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x for x > 0, else negative_slope · x (Maas, Hannun, Ng 2013).

    Args:
        input: [any shape].
        negative_slope: the slope below 0.
        inplace: write the result over the input.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.leaky_relu(lucid.tensor([-2.0, 2.0]), 0.5).tolist()
        [-1.0, 2.0]
    """
    return activate(_leaky_relu, input, _number("leaky_relu", "negative_slope", negative_slope), 0.0, inplace=inplace)


_leaky_relu = Activation("leaky_relu")


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x, but at least min_val and at most max_val. The derivative at the limits is 0. Integers stay integers.

    Args:
        input: [any shape].
        min_val: the least result.
        max_val: the largest result.
        inplace: write the result over the input.

    Raises:
        ValueError: for limits in the wrong order.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.hardtanh(lucid.tensor([-2.0, 0.5])).tolist()
        [-1.0, 0.5]
    """
    if min_val > max_val:
        raise ArgumentError(f"hardtanh: min_val {min_val} is above max_val {max_val}")
    if _holds_integers(input):
        return _of_integers("hardtanh", np.clip, input, (min_val, max_val), inplace)
    return activate(_hardtanh, input, min_val, max_val, inplace=inplace)


_hardtanh = Activation("hardtanh")


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(6, max(0, x)) (Krizhevsky 2010). Integers stay integers.

    Args:
        input: [any shape].
        inplace: write the result over the input.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.relu6(lucid.tensor([-1.0, 8.0])).tolist()
        [0.0, 6.0]
    """
    return hardtanh(input, 0.0, 6.0, inplace)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x for x > threshold, else value. Integers stay integers.

    Args:
        input: [any shape].
        threshold: what x must exceed.
        value: the result otherwise.
        inplace: write the result over the input.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.threshold(lucid.tensor([1.0, 3.0]), 2.0, -1.0).tolist()
        [-1.0, 3.0]
    """
    limit = _number("threshold", "threshold", threshold)
    if _holds_integers(input):
        return _of_integers("threshold", lambda x, limit, y: np.where(x > limit, x, y), input, (limit, value), inplace)
    return activate(_threshold, input, limit, value, inplace=inplace)


_threshold = Activation("threshold")


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x where |x| > lambd, else 0.

    Args:
        input: [any shape].
        lambd: the size up to which numbers become 0.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.hardshrink(lucid.tensor([-1.0, 0.25])).tolist()
        [-1.0, 0.0]
    """
    return activate(_hardshrink, input, lambd, 0.0)


_hardshrink = Activation("hardshrink")


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x moved by lambd towards 0, and 0 where |x| ≤ lambd.

    Args:
        input: [any shape].
        lambd: how far; not negative.

    Raises:
        ValueError: for a negative lambd.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.softshrink(lucid.tensor([-1.0, 0.25])).tolist()
        [-0.5, 0.0]
    """
    if not lambd >= 0:
        raise ArgumentError(f"softshrink: lambd must not be negative, got {lambd}")
    return activate(_softshrink, input, lambd, 0.0)


_softshrink = Activation("softshrink")


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """min(6, max(0, x + 3)) / 6.

    Args:
        input: [any shape].
        inplace: write the result over the input.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.hardsigmoid(lucid.tensor([-4.0, 0.0])).tolist()
        [0.0, 0.5]
    """
    return activate(_hardsigmoid, input, inplace=inplace)


_hardsigmoid = Activation("hardsigmoid")


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x · min(6, max(0, x + 3)) / 6 (Howard et al. 2019).

    Args:
        input: [any shape].
        inplace: write the result over the input.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.hardswish(lucid.tensor([-4.0, 3.0])).tolist()
        [0.0, 3.0]
    """
    return activate(_hardswish, input, inplace=inplace)


_hardswish = Activation("hardswish", lambda x, a, b: mul(to_dtype(gt(3.0, abs(x)), x.dtype), 1 / 3))


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + e^(beta x)) / beta, without overflow.

    Args:
        input: [any shape].
        beta: how sharp the bend at 0 is.
        threshold: x itself where beta · x is larger.

    Example:
        >>> import lucid
        >>> round(lucid.nn.functional.softplus(lucid.tensor(0.0)).item(), 4)
        0.6931
    """
    return activate(_softplus, input, beta, threshold)


_softplus = Activation("softplus_beta", _softplus_second)


def logsigmoid(input: Tensor) -> Tensor:
    """log(1 / (1 + e⁻ˣ)), without overflow.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.logsigmoid(lucid.tensor(-100.0)).item()
        -100.0
    """
    return activate(_logsigmoid, input)


_logsigmoid = Activation("log_sigmoid", lambda x, a, b: mul(mul(sigmoid(x), sigmoid(mul(x, -1.0))), -1.0))


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x · tanh(log(1 + eˣ)) (Misra 2020).

    Args:
        input: [any shape].
        inplace: write the result over the input.

    Example:
        >>> import lucid
        >>> round(lucid.nn.functional.mish(lucid.tensor(1.0)).item(), 4)
        0.8651
    """
    return activate(_mish, input, inplace=inplace)


_mish = Activation("mish", _mish_second)


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|).

    Example:
        >>> import lucid
        >>> lucid.nn.functional.softsign(lucid.tensor([-1.0, 3.0])).tolist()
        [-0.5, 0.75]
    """
    return activate(_softsign, to_dtype(input, default_dtype[0]) if _holds_integers(input) else input)


_softsign = Activation("softsign", lambda x, a, b: div(mul(sign(x), -2.0), _cube(add(abs(x), 1))))


def huber_of(x: Tensor, delta: float, factor: float) -> Tensor:
    """factor · (½ x² for |x| ≤ delta, else delta (|x| − ½ delta))."""
    return activate(_huber, x, float(delta), float(factor))


_huber = Activation("huber", lambda x, a, b: mul(to_dtype(lt(abs(x), a), x.dtype), b))


# ---------------------------------------------------------------------------------------------------------------------
# Made of other operations


def tanhshrink(input: Tensor) -> Tensor:
    """x − tanh(x).

    Example:
        >>> import lucid
        >>> lucid.nn.functional.tanhshrink(lucid.tensor(0.0)).item()
        0.0
    """
    return sub(input, tanh(input))


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a · σ(b), a and b the halves of the input along ``dim`` (Dauphin et al. 2017).

    Args:
        input: [any shape], of even size along dim.
        dim: the dimension that is cut in two.

    Raises:
        ValueError: for an odd size, or a 0-d tensor.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.glu(lucid.tensor([4.0, 0.0])).tolist()
        [2.0]
    """
    if not isinstance(input, Value):
        raise KindError(f"glu: expected a tensor, got {type(input).__name__}")
    dim = wrap_dim("glu", dim, len(input.shape))
    if not input.shape or input.shape[dim] % 2:
        raise ArgumentError(f"glu: needs an even size to cut in two along dimension {dim}, got shape {input.shape}")
    if input.shape[dim] == 0:
        return input
    dense = engine.contiguous(input)
    kernel, shape = engine.kernel_for(_glu, input.dtype, "glu"), input.shape
    out = engine.empty((*shape[:dim], shape[dim] // 2, *shape[dim + 1 :]), input.dtype)
    outer, n, inner = engine.reduce_shape(out.shape, dim, dim)
    kernel(outer, n * inner, dense.pointer, out.pointer)

    def rule(grad: Tensor, x: Tensor) -> Any:
        if mode.recording:
            return composed_gradients(lambda x: (_glu_of_halves(*chunk(x, 2, dim)),), (x,), [grad])
        dense_grad, dense_x, found = engine.contiguous(grad), engine.contiguous(x), engine.empty(shape, x.dtype)
        _glu_backward[x.dtype](outer, n * inner, dense_grad.pointer, dense_x.pointer, found.pointer)
        return (found,)

    return record("glu", out, (input,), rule, (input,))


def _glu_of_halves(a: Tensor, b: Tensor) -> Tensor:
    return mul(a, sigmoid(b))


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x for x > 0, else weight · x (He et al. 2015).

    Args:
        input: [any shape]; with several weights [batch, channels, ...].
        weight: [1] or [channels]: the slopes below 0.

    Raises:
        ValueError: when the weights are not as many as the channels.
        TypeError: for two number types.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.prelu(lucid.tensor([-2.0, 2.0]), lucid.tensor([0.25])).tolist()
        [-0.5, 2.0]
    """
    for x in (input, weight):
        if not isinstance(x, Value):
            raise KindError(f"prelu: expected a tensor, got {type(x).__name__}")
    if input.dtype is not weight.dtype:
        raise KindError(f"prelu: input is {input.dtype} but weight is {weight.dtype}")
    shape = input.shape
    channels = shape[1] if len(shape) > 1 else 1
    if len(weight.shape) > 1 or weight.array.size not in (1, channels):
        raise ArgumentError(
            f"prelu: weight must have 1 number or one for each of {channels} channels, got {weight.shape}"
        )
    sizes = (1, 1, input.array.size)  # of [outer, channels, inner]
    if weight.array.size > 1:
        sizes = (shape[0], channels, math.prod(shape[2:]))
    kernel = engine.kernel_for(_prelu, input.dtype, "prelu")
    dense, slopes = engine.contiguous(input), engine.contiguous(weight)
    out = engine.empty(shape, input.dtype)
    kernel(*sizes, dense.pointer, slopes.pointer, out.pointer)

    def rule(grad: Tensor, x: Tensor, weight: Tensor) -> Any:
        if mode.recording:
            return composed_gradients(lambda x, weight: (_composed_prelu(x, weight),), (x, weight), [grad])
        parts = [engine.empty(p.shape, p.dtype) if p.requires_grad else None for p in (x, weight)]
        operands = [engine.contiguous(p) for p in (grad, x, weight)]
        _prelu_backward[x.dtype](*sizes, *(p.pointer for p in operands), *map(engine.pointer_or_null, parts))
        return parts

    return record("prelu", out, (input, weight), rule, (input, weight))


def _composed_prelu(input: Tensor, weight: Tensor) -> Tensor:
    """The same with plain operations."""
    several = weight.array.size > 1
    slopes = reshape(weight, (weight.array.size, *(1,) * (len(input.shape) - 2)) if several else ())
    positive = gt(input, 0)
    return where(positive, input, mul(where(positive, 0.0, input), slopes))
