"""Reductions beyond the plain sum, and softmax."""

from __future__ import annotations

import math
from typing import Any, overload

import numpy as np

from lucid import engine, return_types
from lucid.autograd.grad_mode import mode
from lucid.autograd.graph import record
from lucid.errors import KindError, PositionError
from lucid.ops.arithmetic import div, eq, maximum, minimum, mul, sub, where
from lucid.ops.broadcast import Dims, Reduction, reduction, sum
from lucid.ops.elementwise import default_dtype, need_tensor
from lucid.ops.functions import _sqrt, exp
from lucid.ops.index import gather, scatter_into_zeros
from lucid.ops.joining import cat, stack
from lucid.ops.slicing import narrow, select
from lucid.ops.view import permute, reshape, to_dtype, wrap_dim
from lucid.types import Tensor


def _need_floating(operation: str, input: Tensor) -> None:
    need_tensor(operation, input)
    if not input.dtype.is_floating_point:
        raise KindError(f"{operation}: expects floating-point numbers, got {input.dtype}; convert with .float() first")


def _need_elements(operation: str, input: Tensor, plan: Reduction) -> None:
    if plan.n == 0:
        raise PositionError(f"{operation}: no elements to choose from in shape {input.shape}")


_mean = engine.kernels("mean")


def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The arithmetic mean over ``dim`` (all dimensions when None); NaN of no elements.

    Raises:
        TypeError: for integers.

    Example:
        >>> import lucid
        >>> lucid.tensor([[1.0, 2.0], [3.0, 4.0]]).mean(0).tolist()
        [2.0, 3.0]
    """
    if dtype is not None:
        input = to_dtype(input, dtype)
    _need_floating("mean", input)
    plan = reduction("mean", input.shape, dim, keepdim)
    out = engine.empty(plan.shape, input.dtype)
    plan.run(_mean[input.dtype], input, out)
    return _record_mean(input, plan, out)


def _record_mean(input: Tensor, plan: Reduction, out: Tensor) -> Tensor:
    before, share = input.shape, 1 / (plan.n or 1)
    return record("mean", out, (input,), (lambda grad: plan.back(mul(grad, share), before),))


def var(
    input: Tensor, dim: Dims = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float = 1
) -> Tensor:
    """The variance Σ (x − mean)² / max(0, n − correction) over ``dim``.

    Args:
        input: floating point.
        dim: a dimension or several; all when None.
        unbiased: the older way to say correction 1 or 0; ``var(x, False)`` says it too.
        keepdim: keep the reduced dimensions with size 1.
        correction: 1 for the sample variance, 0 for that of a whole population.

    Raises:
        TypeError: for integers.

    Derivative: 2 (x − mean) / (n − correction).

    Example:
        >>> import lucid
        >>> lucid.tensor([1.0, 3.0]).var().item()
        2.0
    """
    return _variance("var", input, dim, unbiased, keepdim, correction)[0]


def _variance(
    name: str, input: Tensor, dim: Dims, unbiased: bool | None, keepdim: bool, correction: float
) -> tuple[Tensor, Tensor]:
    """The variance, or the standard deviation where the name says so; and the mean, which is not recorded."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None:
        correction = int(unbiased)
    _need_floating(name, input)
    before = input.shape
    plan = reduction(name, before, dim, keepdim)
    out, average = engine.empty(plan.shape, input.dtype), engine.empty(plan.shape, input.dtype)
    block = plan.block(input)
    _mean_var[input.dtype](plan.outer, plan.n, plan.inner, block.pointer, correction, average.pointer, out.pointer)
    freedom = plan.n - correction if plan.n > correction else 0

    def rule_var(grad: Tensor, x: Tensor) -> Tensor:
        share = mul(grad, 2 / freedom if freedom else math.inf)
        return mul(plan.back(share, before), sub(x, mean(x, plan.dims, True)))

    def rule_std(grad: Tensor, x: Tensor, out: Tensor) -> Tensor:
        zero = eq(out, 0.0)
        share = div(where(zero, 0.0, grad), mul(where(zero, 1.0, out), freedom))
        return mul(plan.back(share, before), sub(x, mean(x, plan.dims, True)))

    if name.startswith("var"):
        return record(name, out, (input,), (rule_var,), (input,)), average
    out = engine.unary(_sqrt.family, out)
    return record(name, out, (input,), (rule_std,), (input, None), output=1), average


_mean_var = engine.kernels("mean_var")


def std(
    input: Tensor, dim: Dims = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float = 1
) -> Tensor:
    """The standard deviation √var over ``dim``; arguments as :func:`var`. Where it is 0 the gradient is 0."""
    return _variance("std", input, dim, unbiased, keepdim, correction)[0]


def var_mean(
    input: Tensor, dim: Dims = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float = 1
) -> tuple[Tensor, Tensor]:
    """The variance and the mean over ``dim``, found together; arguments as :func:`var`."""
    return _with_mean("var_mean", input, dim, unbiased, keepdim, correction)


def std_mean(
    input: Tensor, dim: Dims = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float = 1
) -> tuple[Tensor, Tensor]:
    """The standard deviation and the mean over ``dim``, found together; arguments as :func:`var`."""
    return _with_mean("std_mean", input, dim, unbiased, keepdim, correction)


def _with_mean(
    name: str, input: Tensor, dim: Dims, unbiased: bool | None, keepdim: bool, correction: float
) -> tuple[Tensor, Tensor]:
    spread, average = _variance(name, input, dim, unbiased, keepdim, correction)
    return spread, _record_mean(
        input, reduction(name, input.shape, None if isinstance(dim, bool) else dim, keepdim), average
    )


def _extreme(name: str, input: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    """amax or amin; equal extremes share the gradient evenly."""
    plan = reduction(name, input.shape, dim, keepdim)
    _need_elements(name, input, plan)
    if not input.dtype.is_floating_point:
        function = np.max if name == "amax" else np.min
        return engine.wrap(np.asarray(function(input.array, axis=plan.dims)).reshape(plan.shape))
    out = engine.empty(plan.shape, input.dtype)
    plan.run(_extremes[name][input.dtype], input, out)

    def rule(grad: Tensor, x: Tensor, out: Tensor) -> Tensor:
        if mode.recording or plan.order is not None:
            chosen = to_dtype(eq(x, reshape(out, plan.kept)), x.dtype)
            return mul(chosen, div(reshape(grad, plan.kept), sum(chosen, plan.dims, True)))
        dense, x = engine.contiguous(grad), engine.contiguous(x)
        found = engine.empty(x.shape, x.dtype)
        kernel = _extreme_backward[x.dtype]
        kernel(plan.outer, plan.n, plan.inner, dense.pointer, x.pointer, out.pointer, found.pointer)
        return found

    return record(name, out, (input,), (rule,), (input, None), output=1)


_extreme_backward = engine.kernels("extreme_backward")
_extremes = {"amax": engine.kernels("amax"), "amin": engine.kernels("amin")}


def amax(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """The largest element over ``dim`` (all when empty); NaN if there is one. Equal ones share the gradient.

    Raises:
        ValueError: when there are no elements.
    """
    return _extreme("amax", input, dim, keepdim)


def amin(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """The smallest element over ``dim`` (all when empty); NaN if there is one. Equal ones share the gradient."""
    return _extreme("amin", input, dim, keepdim)


def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> return_types.aminmax:
    """The smallest and the largest element over ``dim`` (all when None), as the tuple (min, max).

    Example:
        >>> import lucid
        >>> lucid.aminmax(lucid.tensor([2.0, 1.0, 3.0])).max.item()
        3.0
    """
    if not (dim is None or isinstance(dim, int)):
        raise KindError(f"aminmax: dim must be an integer or None, got {dim!r}")
    dims = () if dim is None else dim
    return return_types.aminmax(amin(input, dims, keepdim), amax(input, dims, keepdim))


def _arg_extreme(name: str, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    plan = reduction(name, input.shape, dim, keepdim)
    _need_elements(name, input, plan)
    if not input.dtype.is_floating_point:
        function = np.argmax if name == "argmax" else np.argmin
        found = function(input.array.reshape(plan.outer, plan.n, plan.inner), axis=1)
        return engine.wrap(np.asarray(found, np.int64).reshape(plan.shape))
    out = engine.empty(plan.shape, engine.int64)
    _arg_extremes[name][input.dtype](plan.outer, plan.n, plan.inner, plan.block(input).pointer, out.pointer)
    return out


_arg_extremes = {"argmax": engine.kernels("argmax"), "argmin": engine.kernels("argmin")}


def refuse_bools(name: str, input: Tensor) -> None:
    """Raises NoKernel for a bool tensor."""
    if input.dtype is engine.bool_:
        raise engine.NoKernel(name, input.dtype)


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest element stands, as int64: along ``dim``, or in the flattened tensor.

    The first of equals; NaN counts as largest.

    Example:
        >>> import lucid
        >>> lucid.tensor([[1.0, 3.0], [2.0, 0.0]]).argmax(1).tolist()
        [1, 0]
    """
    refuse_bools("argmax", input)
    return _arg_extreme("argmax", input, dim, keepdim)


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the smallest element stands, as int64; as :func:`argmax`."""
    refuse_bools("argmin", input)
    return _arg_extreme("argmin", input, dim, keepdim)


def _extreme_along(name: str, input: Tensor, dim: int, keepdim: bool) -> tuple[Tensor, Tensor]:
    before, kind = input.shape, input.dtype
    dim = wrap_dim(name, dim, len(before))
    if not before:
        return reshape(input, ()), _arg_extreme("arg" + name, input, None, True)
    if not kind.is_floating_point:
        index = _arg_extreme("arg" + name, input, dim, True)
        found, shape = gather(input, dim, index), reduction(name, before, dim, keepdim).shape
        return reshape(found, shape), reshape(index, shape)
    plan = reduction(name, before, dim, keepdim)
    _need_elements(name, input, plan)
    out, index = engine.empty(plan.shape, kind), engine.empty(plan.shape, engine.int64)
    kernel = _indexed_extremes[name][kind]
    kernel(plan.outer, plan.n, plan.inner, plan.block(input).pointer, out.pointer, index.pointer)

    def rule(grad: Tensor, index: Tensor) -> Tensor:
        return scatter_into_zeros(reshape(grad, plan.kept), dim, reshape(index, plan.kept), before)

    return record(name, out, (input,), (rule,), (index,)), index


_indexed_extremes = {"max": engine.kernels("max_index"), "min": engine.kernels("min_index")}


@overload
def max(input: Tensor, dim: None = None, keepdim: bool = False) -> Tensor: ...
@overload
def max(input: Tensor, dim: int, keepdim: bool = False) -> return_types.max: ...
@overload
def max(input: Tensor, dim: Tensor) -> Tensor: ...
def max(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Tensor | return_types.max:
    """The largest element; with ``dim`` the pair (values, indices) along it; with a tensor as :func:`maximum`.

    Example:
        >>> import lucid
        >>> lucid.tensor([[1.0, 3.0], [2.0, 0.0]]).max(1).values.tolist()
        [3.0, 2.0]
    """
    if dim is None:
        return amax(input)
    if not isinstance(dim, int):
        return maximum(input, dim)
    return return_types.max(*_extreme_along("max", input, dim, keepdim))


@overload
def min(input: Tensor, dim: None = None, keepdim: bool = False) -> Tensor: ...
@overload
def min(input: Tensor, dim: int, keepdim: bool = False) -> return_types.min: ...
@overload
def min(input: Tensor, dim: Tensor) -> Tensor: ...
def min(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Tensor | return_types.min:
    """The smallest element; with ``dim`` the pair (values, indices) along it; with a tensor as :func:`minimum`."""
    if dim is None:
        return amin(input)
    if not isinstance(dim, int):
        return minimum(input, dim)
    return return_types.min(*_extreme_along("min", input, dim, keepdim))


_prod, _prod_backward = engine.kernels("prod"), engine.kernels("prod_backward")


def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The product over ``dim`` (all elements when None)."""
    if dtype is not None:
        input = to_dtype(input, dtype)
    plan = reduction("prod", input.shape, dim, keepdim)
    if not input.dtype.is_floating_point:
        kind = np.int64 if dtype is None else input.dtype.numpy
        return engine.wrap(np.asarray(input.array.prod(plan.dims, kind)).reshape(plan.shape))
    out = engine.empty(plan.shape, input.dtype)
    plan.run(_prod[input.dtype], input, out)

    def rule(grad: Tensor, x: Tensor) -> Tensor:
        if mode.recording or plan.order is not None:
            return mul(plan.back(grad, x.shape), _product_of_the_others(x, plan))
        dense, x = engine.contiguous(grad), engine.contiguous(x)
        found = engine.empty(x.shape, x.dtype)
        _prod_backward[x.dtype](plan.outer, plan.n, plan.inner, dense.pointer, x.pointer, found.pointer)
        return found

    return record("prod", out, (input,), (rule,), (input,))


def _product_of_the_others(x: Tensor, plan: Reduction) -> Tensor:
    """For each element the product of all the others it meets: no division, so zeros need no case of their own."""
    order = plan.to_the_end(len(x.shape))
    moved = permute(x, order)
    others = reshape(_others_in_row(reshape(moved, x.array.size // (plan.n or 1), plan.n)), moved.shape)
    return permute(others, tuple(order.index(d) for d in range(len(order))))


def _others_in_row(x: Tensor) -> Tensor:
    """x[rows, n] → for each element the product of the others in its row.

    The others of an element are its neighbour and the others of the pair: about 3 n multiplications on log₂ n levels.
    """
    rows, n = x.shape
    if n < 2:
        return engine.wrap(np.ones(x.shape, x.dtype.numpy))
    if n % 2:
        odd = cat([x, engine.wrap(np.ones((rows, 1), x.dtype.numpy))], 1)
        return narrow(_others_in_row(odd), 1, 0, n)
    pairs = reshape(x, rows, n // 2, 2)
    left, right = select(pairs, 2, 0), select(pairs, 2, 1)
    outside = _others_in_row(mul(left, right))
    return reshape(stack([mul(outside, right), mul(outside, left)], 2), x.shape)


def _truth(operation: str, input: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    """any or all. No dimensions, ``dim=()``, mean none here: PyTorch's any and all are alone in this."""
    kind = input.dtype if input.dtype is engine.uint8 else engine.bool_
    if dim is not None and not isinstance(dim, int) and not tuple(dim):
        return to_dtype(to_dtype(input, engine.bool_), kind)
    plan = reduction(operation, input.shape, dim, keepdim)
    function = np.logical_or if operation == "any" else np.logical_and
    found = function.reduce(input.array, None if len(plan.dims) == len(input.shape) else plan.dims)
    return engine.wrap(np.asarray(found, kind.numpy).reshape(plan.shape))


def any(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether any element over ``dim`` is true (not zero); a bool tensor, of uint8 a uint8 one."""
    return _truth("any", input, dim, keepdim)


def all(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether all elements over ``dim`` are true (not zero); a bool tensor, of uint8 a uint8 one."""
    return _truth("all", input, dim, keepdim)


def logsumexp(input: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """log Σ exp(x) over ``dim``, without overflow; −∞ of no elements. Integers are converted to floating point.

    Derivative: softmax(x).
    """
    if not input.dtype.is_floating_point:
        input = to_dtype(input, default_dtype[0])
    plan = reduction("logsumexp", input.shape, dim, keepdim)
    out = engine.empty(plan.shape, input.dtype)
    plan.run(_logsumexp[input.dtype], input, out)

    def rule(grad: Tensor, x: Tensor) -> Tensor:
        if len(plan.dims) == 1:
            return mul(plan.back(grad, x.shape), softmax(x, plan.dims[0]))
        parts = exp(sub(x, logsumexp(x, plan.dims, True)))  # together 1, within the rounding of the logarithm
        return mul(plan.back(grad, x.shape), div(parts, sum(parts, plan.dims, True)))

    return record("logsumexp", out, (input,), (rule,), (input,))


_logsumexp = engine.kernels("logsumexp")


# ---------------------------------------------------------------------------------------------------------------------
# Softmax


def _along(name: str, table: engine.Kernels, dim: int, *inputs: Tensor) -> Tensor:
    """A kernel along one dimension, of tensors of one shape."""
    first = inputs[0]
    shape, kind = first.shape, first.dtype
    _need_floating(name, first)
    dim = wrap_dim(name, dim, len(shape))
    if len(inputs) > 1:
        engine.same_shape(name, ("grad", "out"), *inputs)
    dense = [x.pointer if x.strides is None else engine.contiguous(x).pointer for x in inputs]
    out = engine.empty(shape, kind)
    table[kind](*engine.reduce_shape(shape or (1,), dim, dim), *dense, out.pointer)
    return out


_softmax, _softmax_backward = engine.kernels("softmax"), engine.kernels("softmax_backward")
_log_softmax, _log_softmax_backward = engine.kernels("log_softmax"), engine.kernels("log_softmax_backward")


def softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """exp(xᵢ) / Σⱼ exp(xⱼ) along ``dim``, without overflow.

    Example:
        >>> import lucid
        >>> lucid.softmax(lucid.tensor([0.0, 0.0]), dim=0).tolist()
        [0.5, 0.5]
    """
    need_tensor("softmax", input)
    if dtype is not None:
        input = to_dtype(input, dtype)
    out = _along("softmax", _softmax, dim, input)
    return record("softmax", out, (input,), (lambda grad, out: softmax_backward(grad, out, dim),), (None,), output=0)


def softmax_backward(grad: Tensor, out: Tensor, dim: int) -> Tensor:
    """out · (grad − Σ grad · out): the derivative of softmax, from its result."""
    found = _along("softmax_backward", _softmax_backward, dim, grad, out)

    def rule_out(g: Tensor, grad: Tensor, out: Tensor) -> Tensor:
        along = sum(mul(grad, out), dim, True)
        return sub(mul(g, sub(grad, along)), mul(grad, sum(mul(g, out), dim, True)))

    rules = (lambda g, grad, out: softmax_backward(g, out, dim), rule_out)
    return record("softmax_backward", found, (grad, out), rules, (grad, out))


def log_softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """xᵢ − log Σⱼ exp(xⱼ) along ``dim``, without overflow."""
    need_tensor("log_softmax", input)
    if dtype is not None:
        input = to_dtype(input, dtype)
    out = _along("log_softmax", _log_softmax, dim, input)
    rules = (lambda grad, out: log_softmax_backward(grad, out, dim),)
    return record("log_softmax", out, (input,), rules, (None,), output=0)


def log_softmax_backward(grad: Tensor, out: Tensor, dim: int) -> Tensor:
    """grad − exp(out) · Σ grad: the derivative of log-softmax, from its result."""
    found = _along("log_softmax_backward", _log_softmax_backward, dim, grad, out)

    def rule_grad(g: Tensor, grad: Tensor, out: Tensor) -> Tensor:
        return sub(g, sum(mul(g, exp(out)), dim, True))

    def rule_out(g: Tensor, grad: Tensor, out: Tensor) -> Tensor:
        return mul(mul(g, exp(out)), mul(sum(grad, dim, True), -1.0))

    return record("log_softmax_backward", found, (grad, out), (rule_grad, rule_out), (grad, out))
