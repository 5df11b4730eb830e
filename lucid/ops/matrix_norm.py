"""Norms of vectors and matrices, under the names of ``lucid.linalg``."""

from __future__ import annotations

import math
from typing import Any

from lucid.errors import ArgumentError, KindError
from lucid.ops.arithmetic import abs
from lucid.ops.broadcast import Dims, reduction, sum
from lucid.ops.elementwise import need_tensor
from lucid.ops.factor import svdvals
from lucid.ops.norm import p_norm
from lucid.ops.reduce import amax, amin
from lucid.ops.refusal import refuses
from lucid.ops.view import permute, reshape, to_dtype, wrap_dim
from lucid.types import Tensor


def _floating(operation: str, x: Tensor, dtype: Any) -> Tensor:
    need_tensor(operation, x)
    if dtype is not None:
        x = to_dtype(x, dtype)
    if not x.dtype.is_floating_point:
        raise KindError(f"{operation}: expects floating-point numbers, got {x.dtype}; convert with .float() first")
    return x


def vector_norm(x: Tensor, ord: Any = 2, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) over ``dim``: the p-norm of all these numbers together.

    Args:
        x: floating point.
        ord: p, any number: 2 is the Euclidean norm, ∞ the largest and −∞ the smallest size, 0 how many are not zero.
        dim: a dimension or several; all when None.
        keepdim: keep the reduced dimensions with size 1.
        dtype: convert to this number type first.

    Raises:
        TypeError: for integers, and for an ord that is not a number.
        ValueError: for the largest or smallest of no numbers.

    Derivative: sign(x) · (|x| / norm)^(p − 1); 0 where the norm is 0. Equal extremes share the gradient evenly.

    Example:
        >>> import lucid
        >>> lucid.linalg.vector_norm(lucid.tensor([[3.0, 4.0], [6.0, 8.0]]), dim=1).tolist()
        [5.0, 10.0]
    """
    x = _floating("linalg.vector_norm", x, dtype)
    if isinstance(ord, bool) or not isinstance(ord, int | float):
        raise KindError(f"linalg.vector_norm: ord must be a number, got {ord!r}")
    p = float(ord)
    if math.isfinite(p) and p < 0 and reduction("linalg.vector_norm", x.shape, dim, keepdim).n == 0:
        raise ArgumentError(f"linalg.vector_norm: ord {ord} of no numbers, in shape {x.shape}")
    return p_norm("linalg.vector_norm", x, p, dim, keepdim)


def matrix_norm(
    A: Tensor,
    ord: Any = "fro",
    dim: Any = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,  # noqa: N803
) -> Tensor:
    """The norm of matrices.

    Args:
        A: floating point, at least two dimensions.
        ord: ``"fro"`` √Σ a² (Frobenius); ``"nuc"`` the sum of the singular values; 2 and −2 the largest and the
            smallest singular value; 1 and −1 the largest and the smallest sum of sizes of a column, ∞ and −∞ of a row.
        dim: the dimensions of the rows and columns.
        keepdim: keep them with size 1.
        dtype: convert to this number type first.

    Raises:
        ValueError: for another ord, for dimensions that are one, and for the smallest of nothing.

    Example:
        >>> import lucid
        >>> A = lucid.tensor([[1.0, -2.0], [3.0, 4.0]])
        >>> lucid.linalg.matrix_norm(A, 1).item(), lucid.linalg.matrix_norm(A, float("inf")).item()
        (6.0, 7.0)
    """
    name = "linalg.matrix_norm"
    A = _floating(name, A, dtype)
    ndim = len(A.shape)
    if ndim < 2:
        raise ArgumentError(f"{name}: expects at least 2 dimensions, got shape {A.shape}")
    if not isinstance(dim, tuple | list) or len(dim) != 2:
        raise ArgumentError(f"{name}: dim must be two dimensions, got {dim!r}")
    rows, columns = (wrap_dim(name, d, ndim) for d in dim)
    if rows == columns:
        raise ArgumentError(f"{name}: the two dimensions of {dim!r} are one")
    if ord == "fro":
        return vector_norm(A, 2, (rows, columns), keepdim)
    if ord == "nuc" or ord in (2, -2):
        moved = permute(A, *(d for d in range(ndim) if d not in (rows, columns)), rows, columns)
        values = svdvals(moved)
        out = sum(values, -1) if ord == "nuc" else _extreme(values, ord, -1)
        kept = [1 if d in (rows, columns) else size for d, size in enumerate(A.shape)]
        return reshape(out, kept) if keepdim else out
    if ord not in (1, -1, math.inf, -math.inf):
        raise ArgumentError(f"{name}: ord must be 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, got {ord!r}")
    along, over = (rows, columns) if ord in (1, -1) else (columns, rows)
    out = _extreme(sum(abs(A), along, True), ord, over, True)
    return out if keepdim else reshape(out, [size for d, size in enumerate(A.shape) if d not in (rows, columns)])


def _extreme(sizes: Tensor, ord: float, dim: int, keepdim: bool = False) -> Tensor:
    """The largest, or for negative ord the smallest; the largest of no sizes is 0."""
    if ord > 0 and sizes.shape[dim] == 0:
        return sum(sizes, dim, keepdim)
    return (amax if ord > 0 else amin)(sizes, dim, keepdim)


@refuses
def norm(A: Tensor, ord: Any = None, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:  # noqa: N803
    """The norm of vectors or matrices, by how many dimensions there are.

    Args:
        A: floating point.
        ord: of one dimension see :func:`vector_norm`, of two :func:`matrix_norm`. None is the Euclidean norm of all
            numbers over ``dim``.
        dim: one or two dimensions; None means all of A, which then has one or two (any number when ord is None).
        keepdim: keep the reduced dimensions with size 1.
        dtype: convert to this number type first.

    Raises:
        ValueError: for more dimensions, or an ord that does not go with them.

    Example:
        >>> import lucid
        >>> lucid.linalg.norm(lucid.tensor([[3.0, 0.0], [0.0, 4.0]])).item()
        5.0
    """
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    dims = [dim] if isinstance(dim, int) else list(range(len(A.shape))) if dim is None else list(dim)
    if len(dims) == 2:
        return matrix_norm(A, ord, tuple(dims), keepdim, dtype=dtype)
    if len(dims) != 1 or isinstance(ord, str):
        raise ArgumentError(f"linalg.norm: ord {ord!r} does not go with dim={dim} of shape {A.shape}")
    return vector_norm(A, ord, dims, keepdim, dtype=dtype)
