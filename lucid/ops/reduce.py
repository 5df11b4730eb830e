"""Reductions beyond the plain sum, and softmax."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from lucid import engine
from lucid.autograd.graph import record
from lucid.ops.arithmetic import add, div, eq, maximum, minimum, mul, sub, where
from lucid.ops.broadcast import Dims, as_block, expand, reduced_dims, reduced_shape, sum
from lucid.ops.elementwise import Tensor
from lucid.ops.functions import exp, log, sqrt
from lucid.ops.index import gather
from lucid.ops.view import reshape, to_dtype, wrap_dim


def _need_floating(operation: str, input: Tensor) -> None:
    if not input.dtype.is_floating_point:
        raise TypeError(f"{operation}: expects floating-point numbers, got {input.dtype}; convert with .float() first")


def _need_elements(operation: str, input: Tensor, dims: tuple[int, ...]) -> None:
    if input.array.size == 0 and math.prod(input.shape[d] for d in dims) == 0:
        raise ValueError(f"{operation}: no elements to choose from in shape {input.shape}")


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
    before = input.shape
    dims = reduced_dims("mean", dim, len(before))
    block, outer, n, inner = as_block(input, dims)
    out = engine.empty(reduced_shape(before, dims, keepdim), input.dtype)
    _mean[input.dtype](outer, n, inner, block.pointer, out.pointer)
    kept = reduced_shape(before, dims, True)
    return record("mean", out, (input,), (lambda grad: expand(reshape(mul(grad, 1 / (n or 1)), kept), before),))


def var(input: Tensor, dim: Dims = None, *, correction: float = 1, keepdim: bool = False, unbiased: bool | None = None) -> Tensor:
    """The variance Σ (x − mean)² / max(0, n − correction) over ``dim``.

    Args:
        input: floating point.
        dim: a dimension or several; all when None.
        correction: 1 for the sample variance, 0 for that of a whole population.
        keepdim: keep the reduced dimensions with size 1.
        unbiased: the older way to say correction 1 or 0.
    """
    return _variance("var", input, dim, correction if unbiased is None else int(unbiased), keepdim)


def _variance(operation: str, input: Tensor, dim: Dims, correction: float, keepdim: bool) -> Tensor:
    _need_floating(operation, input)
    dims = reduced_dims(operation, dim, len(input.shape))
    n = math.prod(input.shape[d] for d in dims)
    centred = sub(input, mean(input, dims, True)) if dims else sub(input, input)
    return div(sum(mul(centred, centred), dims, keepdim) if dims else mul(centred, centred), n - correction if n > correction else 0)


def std(input: Tensor, dim: Dims = None, *, correction: float = 1, keepdim: bool = False, unbiased: bool | None = None) -> Tensor:
    """The standard deviation √var over ``dim``; arguments as :func:`var`."""
    return sqrt(_variance("std", input, dim, correction if unbiased is None else int(unbiased), keepdim))


class values_and_indices(NamedTuple):  # noqa: N801
    """What max and min give with a dimension: the values, and where they stood."""

    values: Any
    indices: Any


def _extreme(name: str, input: Tensor, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    """amax or amin; equal extremes share the gradient evenly."""
    _need_elements(name, input, dims)
    shape = reduced_shape(input.shape, dims, keepdim)
    if not input.dtype.is_floating_point:
        function = np.max if name == "amax" else np.min
        return engine.wrap(np.asarray(function(input.array, axis=dims, keepdims=keepdim)))
    block, outer, n, inner = as_block(input, dims)
    out = engine.empty(shape, input.dtype)
    engine.kernel_for(_extremes[name], input.dtype, name)(outer, n, inner, block.pointer, out.pointer)
    kept = reduced_shape(input.shape, dims, True)

    def rule(grad: Tensor, x: Tensor, out: Tensor) -> Tensor:
        chosen = to_dtype(eq(x, reshape(out, kept)), x.dtype)
        return mul(chosen, div(reshape(grad, kept), sum(chosen, dims, True)))

    return record(name, out, (input,), (rule,), (input, None), output=1)


_extremes = {"amax": engine.kernels("amax"), "amin": engine.kernels("amin")}


def amax(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """The largest element over ``dim`` (all when empty); NaN if there is one. Equal ones share the gradient.

    Raises:
        ValueError: when there are no elements.
    """
    return _extreme("amax", input, reduced_dims("amax", dim, len(input.shape)), keepdim)


def amin(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """The smallest element over ``dim`` (all when empty); NaN if there is one. Equal ones share the gradient."""
    return _extreme("amin", input, reduced_dims("amin", dim, len(input.shape)), keepdim)


def _arg_extreme(name: str, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    ndim = len(input.shape)
    dims = reduced_dims(name, dim, ndim)
    _need_elements(name, input, dims)
    shape = reduced_shape(input.shape, dims, keepdim)
    if not input.dtype.is_floating_point:
        function = np.argmax if name == "argmax" else np.argmin
        flat = input.array.reshape(-1) if dim is None else input.array
        return engine.wrap(np.asarray(function(flat, axis=None if dim is None else dims[0] if dims else None)).reshape(shape))
    block, outer, n, inner = as_block(input, dims)
    out = engine.empty(shape, engine.int64)
    _arg_extremes[name][input.dtype](outer, n, inner, block.pointer, out.pointer)
    return out


_arg_extremes = {"argmax": engine.kernels("argmax"), "argmin": engine.kernels("argmin")}


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest element stands, as int64: along ``dim``, or in the flattened tensor. The first of equals; NaN counts as largest.

    Example:
        >>> import lucid
        >>> lucid.tensor([[1.0, 3.0], [2.0, 0.0]]).argmax(1).tolist()
        [1, 0]
    """
    return _arg_extreme("argmax", input, dim, keepdim)


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the smallest element stands, as int64; as :func:`argmax`."""
    return _arg_extreme("argmin", input, dim, keepdim)


def _extreme_along(name: str, input: Tensor, dim: int, keepdim: bool) -> values_and_indices:
    dim = wrap_dim(name, dim, len(input.shape))
    where_it_is = _arg_extreme("arg" + name, input, dim if input.shape else None, True)
    if not input.shape:
        return values_and_indices(reshape(input, ()), where_it_is)
    found = gather(input, dim, where_it_is)
    if keepdim:
        return values_and_indices(found, where_it_is)
    shape = reduced_shape(input.shape, (dim,), False)
    return values_and_indices(reshape(found, shape), reshape(where_it_is, shape))


def max(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
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
    return _extreme_along("max", input, dim, keepdim)


def min(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest element; with ``dim`` the pair (values, indices) along it; with a tensor as :func:`minimum`."""
    if dim is None:
        return amin(input)
    if not isinstance(dim, int):
        return minimum(input, dim)
    return _extreme_along("min", input, dim, keepdim)


_prod = engine.kernels("prod")


def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The product over ``dim`` (all elements when None)."""
    if dtype is not None:
        input = to_dtype(input, dtype)
    dims = reduced_dims("prod", dim, len(input.shape))
    shape = reduced_shape(input.shape, dims, keepdim)
    if not input.dtype.is_floating_point:
        kind = np.int64 if dtype is None else input.dtype.numpy
        return engine.wrap(np.asarray(input.array.prod(dims, kind)).reshape(shape))
    block, outer, n, inner = as_block(input, dims)
    out = engine.empty(shape, input.dtype)
    _prod[input.dtype](outer, n, inner, block.pointer, out.pointer)
    kept = reduced_shape(input.shape, dims, True)

    def rule(grad: Tensor, x: Tensor) -> Tensor:
        return mul(expand(reshape(grad, kept), x.shape), _product_of_the_others(x, dims))

    return record("prod", out, (input,), (rule,), (input,))


def _product_of_the_others(x: Tensor, dims: tuple[int, ...]) -> Tensor:
    """For each element the product of all the others over ``dims``, right where there are zeros too.

    Without the zeros the product P of the rest is found once; with one zero, only its place gets P; with two, none.
    """
    zero = eq(x, 0.0)
    zeros = sum(to_dtype(zero, x.dtype), dims, True)
    filled = where(zero, 1.0, x)
    rest = prod(filled, None, True) if len(dims) == len(x.shape) else _prod_over(filled, dims)
    rest = expand(rest, x.shape)
    no_zero, one_zero = expand(eq(zeros, 0.0), x.shape), expand(eq(zeros, 1.0), x.shape)
    return add(where(no_zero, div(rest, filled), 0.0), where(one_zero, where(zero, rest, 0.0), 0.0))


def _prod_over(x: Tensor, dims: tuple[int, ...]) -> Tensor:
    for d in dims:
        x = prod(x, d, True)
    return x


def any(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether any element over ``dim`` is true (not zero); a bool tensor."""
    dims = reduced_dims("any", dim, len(input.shape))
    return engine.wrap(np.asarray(np.any(input.array, axis=dims, keepdims=keepdim)))


def all(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether all elements over ``dim`` are true (not zero); a bool tensor."""
    dims = reduced_dims("all", dim, len(input.shape))
    return engine.wrap(np.asarray(np.all(input.array, axis=dims, keepdims=keepdim)))


def logsumexp(input: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """log Σ exp(x) over ``dim``, without overflow."""
    _need_floating("logsumexp", input)
    dims = reduced_dims("logsumexp", dim, len(input.shape))
    _need_elements("logsumexp", input, dims)
    largest = amax(input.detach(), dims, True)
    largest = where(eq(mul(largest, 0.0), 0.0), largest, 0.0)  # not infinite, not NaN
    out = add(log(sum(exp(sub(input, largest)), dims, True)), largest)
    return out if keepdim else reshape(out, reduced_shape(input.shape, dims, False))


def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Running sums along ``dim``.

    Example:
        >>> import lucid
        >>> lucid.tensor([1.0, 2.0, 3.0]).cumsum(0).tolist()
        [1.0, 3.0, 6.0]
    """
    if dtype is not None:
        input = to_dtype(input, dtype)
    dim = wrap_dim("cumsum", dim, len(input.shape))
    if not input.dtype.is_floating_point:
        kind = np.int64 if dtype is None else input.dtype.numpy
        return engine.wrap(np.cumsum(input.array, dim if input.shape else None, kind).reshape(input.shape))
    dense = engine.contiguous(input)
    out = engine.empty(input.shape, input.dtype)
    shape = input.shape or (1,)
    _cumsum[input.dtype](*engine.reduce_shape(shape, dim, dim), dense.pointer, out.pointer)

    def rule(grad: Tensor) -> Tensor:  # sums from the end
        if not grad.shape:
            return grad
        total = expand(sum(grad, dim, True), grad.shape)
        return add(sub(total, cumsum(grad, dim)), grad)

    return record("cumsum", out, (input,), (rule,))


_cumsum = engine.kernels("cumsum")


# ---------------------------------------------------------------------------------------------------------------------
# Softmax


def _along(name: str, table: engine.Kernels, dim: int, *inputs: Tensor) -> Tensor:
    """A kernel along one dimension, of tensors of one shape."""
    first = inputs[0]
    _need_floating(name, first)
    dim = wrap_dim(name, dim, len(first.shape))
    engine.same_shape(name, ("grad", "out")[: len(inputs)], *inputs)
    dense = [engine.contiguous(x) for x in inputs]
    out = engine.empty(first.shape, first.dtype)
    table[first.dtype](
        *engine.reduce_shape(first.shape or (1,), dim, dim), *(x.pointer for x in dense), out.pointer
    )
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
