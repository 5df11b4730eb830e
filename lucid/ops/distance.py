"""Distances of every row of one set of vectors to every row of another."""

from __future__ import annotations

import math
from typing import Any

from lucid.autograd.grad_mode import no_grad
from lucid.autograd.graph import Value, record
from lucid.errors import ArgumentError, KindError
from lucid.ops.arithmetic import abs, add, div, eq, maximum, mul, sign, sub, where
from lucid.ops.broadcast import sum
from lucid.ops.functions import sqrt
from lucid.ops.matmul import matmul
from lucid.ops.matrix_norm import vector_norm
from lucid.ops.reduce import amax
from lucid.ops.triangular import broadcast_batches, mT
from lucid.ops.view import unsqueeze
from lucid.types import Tensor

_MODES = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = _MODES[0]) -> Tensor:
    """The p-norm distance of every row of x1 to every row of x2: [..., P, M], [..., R, M] → [..., P, R].

    The Euclidean distance can be had from a product of matrices, |a|² + |b|² − 2 a·b, which is fast but loses digits
    where rows are close to each other. The other distances, and the Euclidean one without the product, make all
    differences first: they take P · R · M numbers of memory.

    Args:
        x1: floating point; the dimensions in front broadcast.
        x2: of the same number type.
        p: from 0 (how many numbers differ) over 1 and 2 to infinity (the largest difference).
        compute_mode: for p = 2: ``"use_mm_for_euclid_dist_if_necessary"`` takes the product when P > 25 or R > 25,
            ``"use_mm_for_euclid_dist"`` always, ``"donot_use_mm_for_euclid_dist"`` never.

    Raises:
        ValueError: when the shapes do not fit, for a negative p, and for another mode.
        TypeError: for integers and for two number types.

    The gradient at distance 0 is 0.

    Example:
        >>> import lucid
        >>> lucid.cdist(lucid.tensor([[0.0, 0.0]]), lucid.tensor([[3.0, 4.0], [0.0, 1.0]])).tolist()
        [[5.0, 1.0]]
    """
    for x in (x1, x2):
        if not isinstance(x, Value):
            raise KindError(f"cdist: expected a tensor, got {type(x).__name__}")
    if x1.dtype is not x2.dtype or not x1.dtype.is_floating_point:
        raise KindError(f"cdist: expects two floating-point tensors of one type, got {x1.dtype} and {x2.dtype}")
    if len(x1.shape) < 2 or len(x2.shape) < 2 or x1.shape[-1] != x2.shape[-1]:
        raise ArgumentError(f"cdist: shapes {x1.shape} and {x2.shape} do not fit; expected [..., P, M] and [..., R, M]")
    if not p >= 0:
        raise ArgumentError(f"cdist: p must be at least 0, got {p}")
    if compute_mode not in _MODES:
        raise ArgumentError(f"cdist: compute_mode must be one of {list(_MODES)}, got {compute_mode!r}")
    a, b = broadcast_batches("cdist", x1, x2)
    if p == 2:
        many = a.shape[-2] > 25 or b.shape[-2] > 25
        return _euclidean(a, b, compute_mode == _MODES[1] or (compute_mode == _MODES[0] and many))
    differences = sub(unsqueeze(a, -2), unsqueeze(b, -3))
    return _largest(differences) if p == math.inf else vector_norm(differences, p, -1)


def _euclidean(a: Tensor, b: Tensor, by_product: bool) -> Tensor:
    """The Euclidean distances: with the derivative ā = Σⱼ (a − bⱼ) · grad/distance, without the differences."""
    with no_grad():
        if by_product:
            squares = add(sum(mul(a, a), -1, True), unsqueeze(sum(mul(b, b), -1), -2))
            out = sqrt(maximum(add(squares, mul(matmul(a, mT(b)), -2.0)), 0.0))
        else:
            difference = sub(unsqueeze(a, -2), unsqueeze(b, -3))
            out = sqrt(sum(mul(difference, difference), -1))

    def rules(grad: Tensor, a: Tensor, b: Tensor, out: Tensor) -> Any:
        zero = eq(out, 0)
        share = div(where(zero, 0.0, grad), where(zero, 1.0, out))
        back = mT(share)
        return (
            sub(mul(a, sum(share, -1, True)), matmul(share, b)),
            sub(mul(b, sum(back, -1, True)), matmul(back, a)),
        )

    return record("cdist", out, (a, b), rules, (a, b, None), output=2)


def _largest(differences: Tensor) -> Tensor:
    """The largest size along the last dimension. Each of several equal ones gets the whole gradient, as in PyTorch."""
    with no_grad():
        sizes = abs(differences)
        out = amax(sizes, -1) if sizes.shape[-1] else sum(sizes, -1)

    def rule(grad: Tensor, x: Tensor, out: Tensor) -> Tensor:
        return where(eq(abs(x), unsqueeze(out, -1)), mul(sign(x), unsqueeze(grad, -1)), 0.0)

    return record("cdist", out, (differences,), (rule,), (differences, None), output=1)
