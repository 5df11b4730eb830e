"""Norms of the numbers of a tensor, along any dimensions."""

from __future__ import annotations

import math
from typing import Any

from lucid import engine
from lucid.autograd.grad_mode import no_grad
from lucid.autograd.graph import record
from lucid.errors import ArgumentError, KindError
from lucid.ops.arithmetic import abs, div, eq, mul, ne, sign, sub, where
from lucid.ops.broadcast import Dims, reduction, sum
from lucid.ops.elementwise import need_tensor
from lucid.ops.functions import _sqrt, pow
from lucid.ops.reduce import amax, amin
from lucid.ops.view import to_dtype
from lucid.types import Tensor

_sum_squares = engine.kernels("sum_squares")


def norm(input: Tensor, p: Any = "fro", dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) over ``dim``: the p-norm of all these numbers together.

    Args:
        input: floating point.
        p: any number: 2 (also ``"fro"`` and None) the Euclidean norm, 1 the sum of sizes, ∞ the largest and −∞ the
            smallest size, 0 how many are not zero.
        dim: a dimension or several; all when None.
        keepdim: keep the reduced dimensions with size 1.
        dtype: convert to this number type first.

    Raises:
        TypeError: for integers.
        ValueError: for another p, or p = ±∞ of no elements.

    Derivative: sign(x) · (|x| / norm)^(p − 1); 0 where the norm is 0. Equal extremes share the gradient evenly.

    Example:
        >>> import lucid
        >>> lucid.tensor([3.0, 4.0]).norm().item()
        5.0
    """
    if dtype is not None:
        input = to_dtype(input, dtype)
    p = 2.0 if p is None or p == "fro" else p
    if isinstance(p, str) or p != p:
        raise ArgumentError(
            f"norm: p must be a number or 'fro', got {p!r}; for matrix norms see lucid.linalg.matrix_norm"
        )
    return p_norm("norm", input, p, dim, keepdim)


def p_norm(operation: str, input: Tensor, p: float, dim: Dims, keepdim: bool = False) -> Tensor:
    """The p-norm of floating-point numbers, for any number p; errors name ``operation``."""
    need_tensor(operation, input)
    if not input.dtype.is_floating_point:
        raise KindError(f"{operation}: expects floating-point numbers, got {input.dtype}; convert with .float() first")
    if p in (math.inf, -math.inf):
        return (amax if p > 0 else amin)(abs(input), () if dim is None else dim, keepdim)
    if p == 1:
        return sum(abs(input), dim, keepdim)
    if p == 2:
        return _euclidean(operation, input, dim, keepdim)
    return _general(operation, input, float(p), dim, keepdim)


def _euclidean(operation: str, input: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    plan = reduction(operation, input.shape, dim, keepdim)
    squares = engine.empty(plan.shape, input.dtype)
    _sum_squares[input.dtype](plan.outer, plan.n, plan.inner, plan.block(input).pointer, squares.pointer)
    out = engine.unary(_sqrt.family, squares)

    def rule(grad: Tensor, x: Tensor, out: Tensor) -> Tensor:
        zero = eq(out, 0)
        return mul(x, plan.back(div(where(zero, 0.0, grad), where(zero, 1.0, out)), x.shape))

    return record("norm", out, (input,), (rule,), (input, None), output=1)


def _general(operation: str, input: Tensor, p: float, dim: Dims, keepdim: bool) -> Tensor:
    plan = reduction(operation, input.shape, dim, keepdim)
    with no_grad():
        if p == 0:
            out = sum(to_dtype(ne(input, 0), input.dtype), dim, keepdim)
        else:
            out = pow(sum(pow(abs(input), p), dim, keepdim), 1 / p)

    def rule(grad: Tensor, x: Tensor, out: Tensor) -> Tensor:
        if p == 0:
            return mul(x, 0.0)
        zero, nothing = eq(x, 0), eq(out, 0)
        own = mul(sign(x), pow(where(zero, 1.0, abs(x)), p - 1))
        whole = mul(where(nothing, 0.0, grad), pow(where(nothing, 1.0, out), 1 - p))
        return mul(own, plan.back(whole, x.shape))

    return record("norm", out, (input,), (rule,), (input, None), output=1)


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of input − other, which broadcast.

    Example:
        >>> import lucid
        >>> lucid.dist(lucid.tensor([1.0, 1.0]), lucid.tensor([4.0, 5.0])).item()
        5.0
    """
    return norm(sub(input, other), p)
