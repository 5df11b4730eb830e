"""Scans along a dimension: running sums, products and extremes, and differences. Of integers by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from lucid import engine, return_types
from lucid.autograd.graph import record
from lucid.errors import ArgumentError
from lucid.ops.arithmetic import logical_xor, mul, sub
from lucid.ops.index import scatter_into_zeros
from lucid.ops.joining import cat
from lucid.ops.slicing import narrow
from lucid.ops.view import clone, flip, to_dtype, wrap_dim
from lucid.types import Tensor


def _scan(table: engine.Kernels, input: Tensor, dim: int) -> Tensor:
    """A scan kernel on a floating-point tensor."""
    dense = engine.contiguous(input)
    out = engine.empty(input.shape, input.dtype)
    table[input.dtype](*engine.reduce_shape(input.shape or (1,), dim, dim), dense.pointer, out.pointer)
    return out


def _scan_integers(function: Any, input: Tensor, dim: int, dtype: Any) -> Tensor:
    """A scan of integers or bools, in int64 unless another type was asked for."""
    kind = engine.int64 if dtype is None else input.dtype
    array = input.array.reshape(input.shape or (1,))
    return engine.wrap(function(array, dim, kind.numpy).astype(kind.numpy, copy=False).reshape(input.shape))


_cumsum, _cumprod = engine.kernels("cumsum"), engine.kernels("cumprod")
_linear_scan = engine.kernels("linear_scan")


def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Running sums along ``dim``; of integers in int64.

    Args:
        input: [any shape].
        dim: the dimension.
        dtype: convert to this number type first.

    Example:
        >>> import lucid
        >>> lucid.tensor([1.0, 2.0, 3.0]).cumsum(0).tolist()
        [1.0, 3.0, 6.0]
    """
    if dtype is not None:
        input = to_dtype(input, dtype)
    dim = wrap_dim("cumsum", dim, len(input.shape))
    if not input.dtype.is_floating_point:
        return _scan_integers(np.cumsum, input, dim, dtype)

    def rule(grad: Tensor) -> Tensor:  # sums from the end
        return flip(cumsum(flip(grad, dim), dim), dim) if grad.shape else grad

    return record("cumsum", _scan(_cumsum, input, dim), (input,), (rule,))


def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Running products along ``dim``; of integers in int64.

    The derivative divides by nothing, so zeros have it too: with P the products before an element, its gradient is
    P · R, where R = grad + next element · next R runs from the end.

    Example:
        >>> import lucid
        >>> lucid.tensor([1.0, 2.0, 3.0]).cumprod(0).tolist()
        [1.0, 2.0, 6.0]
    """
    if dtype is not None:
        input = to_dtype(input, dtype)
    dim = wrap_dim("cumprod", dim, len(input.shape))
    if not input.dtype.is_floating_point:
        return _scan_integers(np.cumprod, input, dim, dtype)

    def rule(grad: Tensor, x: Tensor) -> Tensor:
        if not x.array.size or not x.shape:
            return grad
        before = _shifted(cumprod(x, dim), dim, 1.0)
        return mul(before, linear_scan(grad, x, dim, reverse=True))

    return record("cumprod", _scan(_cumprod, input, dim), (input,), (rule,), (input,))


def _shifted(x: Tensor, dim: int, first: float) -> Tensor:
    """The tensor moved by one along ``dim``, ``first`` in front."""
    front = engine.wrap(np.full((*x.shape[:dim], 1, *x.shape[dim + 1 :]), first, x.dtype.numpy))
    return cat([front, narrow(x, dim, 0, x.shape[dim] - 1)], dim)


def linear_scan(input: Tensor, factor: Tensor, dim: int, reverse: bool = False) -> Tensor:
    """outᵢ = inputᵢ + factorᵢ · outᵢ₋₁ along ``dim``; the first factor is not used.

    Args:
        input: floating point.
        factor: of the same shape and type.
        dim: the dimension, not negative.
        reverse: from the end, outᵢ = inputᵢ + factorᵢ₊₁ · outᵢ₊₁: the derivative of the scan with respect to input.
    """
    engine.same_shape("linear_scan", ("input", "factor"), input, factor)
    dense_input, dense_factor = engine.contiguous(input), engine.contiguous(factor)
    out = engine.empty(input.shape, input.dtype)
    layout = engine.reduce_shape(input.shape, dim, dim)
    _linear_scan[input.dtype](*layout, dense_input.pointer, dense_factor.pointer, int(reverse), out.pointer)

    def rule_input(grad: Tensor, factor: Tensor, out: Tensor) -> Tensor:
        return linear_scan(grad, factor, dim, not reverse)

    def rule_factor(grad: Tensor, factor: Tensor, out: Tensor) -> Tensor:
        back = linear_scan(grad, factor, dim, not reverse)
        return mul(_shifted(back, dim, 0.0), out) if reverse else mul(back, _shifted(out, dim, 0.0))

    return record("linear_scan", out, (input, factor), (rule_input, rule_factor), (factor, None), output=1)


_cummax, _cummin = engine.kernels("cummax"), engine.kernels("cummin")


def _running_extreme(name: str, input: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    dim = wrap_dim(name, dim, len(input.shape))
    before = input.shape
    if not input.dtype.is_floating_point:
        array = input.array.reshape(before or (1,))
        values = (np.maximum if name == "cummax" else np.minimum).accumulate(array, dim)
        places = np.arange(array.shape[dim]).reshape([-1 if d == dim else 1 for d in range(array.ndim)])
        indices = np.maximum.accumulate(np.where(array == values, places, 0), dim)
        return engine.wrap(values.reshape(before)), engine.wrap(indices.astype(np.int64).reshape(before))
    dense = engine.contiguous(input)
    out, index = engine.empty(before, input.dtype), engine.empty(before, engine.int64)
    layout = engine.reduce_shape(before or (1,), dim, dim)
    (_cummax if name == "cummax" else _cummin)[input.dtype](*layout, dense.pointer, out.pointer, index.pointer)

    def rule(grad: Tensor) -> Tensor:
        return scatter_into_zeros(grad, dim, index, before) if before and grad.array.size else grad

    return record(name, out, (input,), (rule,)), index


def cummax(input: Tensor, dim: int) -> return_types.cummax:
    """The largest element so far along ``dim``, and where it stood: the last of equals. NaN counts as largest.

    Returns:
        The tuple (values, indices).

    Example:
        >>> import lucid
        >>> lucid.tensor([1.0, 3.0, 2.0]).cummax(0).values.tolist()
        [1.0, 3.0, 3.0]
    """
    return return_types.cummax(*_running_extreme("cummax", input, dim))


def cummin(input: Tensor, dim: int) -> return_types.cummin:
    """The smallest element so far along ``dim``, and where it stood; as :func:`cummax`."""
    return return_types.cummin(*_running_extreme("cummin", input, dim))


def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """The differences of neighbours along ``dim``, taken ``n`` times; of bools, where neighbours differ.

    Args:
        input: at least one dimension.
        n: how often; the result is shorter by that much.
        dim: the dimension.
        prepend: what is put in front of the input along ``dim`` first.
        append: what is put behind it.

    Raises:
        ValueError: for a 0-d tensor, or a negative n.

    Example:
        >>> import lucid
        >>> lucid.tensor([1, 4, 9]).diff().tolist()
        [3, 5]
    """
    if not input.shape:
        raise ArgumentError("diff: expects at least one dimension, got a 0-d tensor")
    if n < 0:
        raise ArgumentError(f"diff: n must not be negative, got {n}")
    dim = wrap_dim("diff", dim, len(input.shape))
    parts = [x for x in (prepend, input, append) if x is not None]
    found = cat(parts, dim) if len(parts) > 1 else clone(input) if n == 0 else input
    step = logical_xor if found.dtype is engine.bool_ else sub
    for _ in range(min(n, found.shape[dim])):
        left = max(found.shape[dim] - 1, 0)
        found = step(narrow(found, dim, found.shape[dim] - left, left), narrow(found, dim, 0, left))
    return found
