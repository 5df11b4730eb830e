"""Tensors put together in particular ways, and sums over pairs: composed of other operations, so all is recorded."""

from __future__ import annotations

from typing import Any

from lucid import engine
from lucid.errors import ArgumentError
from lucid.ops.arithmetic import add, div, mul, sub
from lucid.ops.broadcast import sum
from lucid.ops.elementwise import need_tensor
from lucid.ops.functions import sqrt
from lucid.ops.joining import cat, stack
from lucid.ops.limits import clamp
from lucid.ops.matmul import matmul
from lucid.ops.reduce import mean
from lucid.ops.shape import diag, meshgrid
from lucid.ops.slicing import narrow
from lucid.ops.view import flip, reshape, to_dtype, transpose, wrap_dim
from lucid.types import Tensor


def block_diag(*tensors: Tensor) -> Tensor:
    """The matrices along the diagonal of one matrix, with zeros elsewhere; vectors are rows.

    Example:
        >>> import lucid
        >>> lucid.block_diag(lucid.ones(1, 2), lucid.tensor(3.0)).tolist()
        [[1.0, 1.0, 0.0], [0.0, 0.0, 3.0]]
    """
    blocks = [x if len(x.shape) == 2 else reshape(x, 1, -1) for x in tensors]
    if any(len(x.shape) > 2 for x in tensors):
        raise ArgumentError(f"block_diag: expected matrices, got shapes {[x.shape for x in tensors]}")
    width, rows, before = 0, [], 0
    for block in blocks:
        width += block.shape[1]
    for block in blocks:
        after = width - before - block.shape[1]
        rows.append(cat([_zeros(block, before), block, _zeros(block, after)], 1))
        before += block.shape[1]
    return cat(rows, 0)


def _zeros(like: Tensor, width: int) -> Tensor:
    return engine.zeros((like.shape[0], width), like.dtype)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All choices of one element from each vector: [n₁ · n₂ · ..., how many vectors]; of one vector itself.

    Example:
        >>> import lucid
        >>> lucid.cartesian_prod(lucid.tensor([1, 2]), lucid.tensor([3, 4])).tolist()
        [[1, 3], [1, 4], [2, 3], [2, 4]]
    """
    if len(tensors) == 1:
        return tensors[0]
    return stack([reshape(x, -1) for x in meshgrid(*tensors, indexing="ij")], 1)


def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """Turned by k quarters in the plane of two dimensions, from the first to the second.

    Raises:
        ValueError: for dimensions that are not two different ones.

    Example:
        >>> import lucid
        >>> lucid.rot90(lucid.tensor([[1, 2], [3, 4]])).tolist()
        [[2, 4], [1, 3]]
    """
    need_tensor("rot90", input)
    if len(dims) != 2:
        raise ArgumentError(f"rot90: dims must be two dimensions, got {dims}")
    one, other = (wrap_dim("rot90", d, len(input.shape)) for d in dims)
    if one == other:
        raise ArgumentError(f"rot90: dims must differ, got {dims}")
    k %= 4
    if k == 2:
        return flip(input, (one, other))
    turned = transpose(input, one, other) if k else input.clone()
    return turned if not k else flip(turned, (one if k == 1 else other,))


def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """The covariances of the rows: Σ wᵢ (x − mean)(y − mean) / (Σ wᵢ − correction).

    Args:
        input: [variables, observations], or [observations] of one variable.
        correction: 1 for the covariance of a sample.
        fweights: [observations], how often each was seen, integers.
        aweights: [observations], how much each weighs; the divisor is Σ w − correction · Σ w a / Σ w with w = f · a.

    Example:
        >>> import lucid
        >>> lucid.cov(lucid.tensor([[0.0, 2.0], [1.0, 5.0]])).tolist()
        [[2.0, 4.0], [4.0, 8.0]]
    """
    if len(input.shape) > 2:
        raise ArgumentError(f"cov: expected [variables, observations], got shape {input.shape}")
    x = input if len(input.shape) == 2 else reshape(input, 1, -1)
    x = x if x.dtype.is_floating_point else to_dtype(x, engine.float32)
    count = x.shape[1]
    if fweights is None and aweights is None:
        centred = sub(x, mean(x, 1, True))
        found = div(matmul(centred, transpose(centred, 0, 1)), max(count - correction, 0))
    else:
        parts = [to_dtype(w, x.dtype) for w in (fweights, aweights) if w is not None]
        weights = mul(*parts) if len(parts) == 2 else parts[0]
        total = sum(weights)
        centred = sub(x, div(sum(mul(x, weights), 1, True), total))
        share = total if aweights is None else div(sum(mul(weights, parts[-1])), 1.0)
        norm = sub(total, mul(div(share, total), float(correction)) if aweights is not None else float(correction))
        found = div(matmul(mul(centred, weights), transpose(centred, 0, 1)), clamp(norm, min=0.0))
    return found if len(input.shape) == 2 else reshape(found, ())


def corrcoef(input: Tensor) -> Tensor:
    """The correlations of the rows: cov(x, y) / (σ_x σ_y), within −1 and 1.

    Example:
        >>> import lucid
        >>> lucid.corrcoef(lucid.tensor([[0.0, 1.0, 2.0], [0.0, -1.0, -2.0]])).tolist()
        [[1.0, -1.0], [-1.0, 1.0]]
    """
    found = cov(input)
    if not found.shape:
        return div(found, found)
    spread = sqrt(diag(found))
    return clamp(div(div(found, reshape(spread, -1, 1)), spread), -1.0, 1.0)


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1) -> Tensor:
    """The integral of y along ``dim`` by trapezoids: Σ (xᵢ₊₁ − xᵢ)(yᵢ + yᵢ₊₁) / 2.

    Args:
        y: the values.
        x: where they are, [n] or of y's shape; else they are ``dx`` (1) apart.
        dx: the distance.
        dim: the dimension.

    Example:
        >>> import lucid
        >>> lucid.trapezoid(lucid.tensor([1.0, 2.0, 3.0])).item()
        4.0
    """
    if x is not None and dx is not None:
        raise ArgumentError("trapezoid: give x or dx, not both")
    dim = wrap_dim("trapezoid", dim, len(y.shape))
    n = y.shape[dim]
    if n < 2:
        return mul(sum(y, dim), 0.0)
    pairs = add(narrow(y, dim, 0, n - 1), narrow(y, dim, 1, n - 1))
    if x is None:
        return mul(sum(pairs, dim), (1.0 if dx is None else dx) / 2)
    if len(x.shape) == 1:
        x = reshape(x, *(n if d == dim else 1 for d in range(len(y.shape))))
    steps = sub(narrow(x, dim, 1, n - 1), narrow(x, dim, 0, n - 1))
    return div(sum(mul(steps, pairs), dim), 2.0)
