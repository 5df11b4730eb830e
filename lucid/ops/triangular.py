"""What every operation of linear algebra checks first, and systems with a triangular matrix.

The factorizations and solvers in these modules are NumPy's (LAPACK): no training step repeats them. They take batches
in the dimensions before the last two.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, record
from lucid.errors import ArgumentError, KindError
from lucid.ops.arithmetic import neg
from lucid.ops.broadcast import broadcast_shapes, expand
from lucid.ops.create import tril, triu
from lucid.ops.matmul import matmul
from lucid.ops.refusal import refuses
from lucid.ops.view import reshape, transpose
from lucid.types import Tensor


class LinAlgError(RuntimeError):
    """A matrix for which the result does not exist: singular, not positive definite, or not finite."""


def check_matrices(operation: str, *tensors: Any, square: bool = False) -> None:
    """Refuses what is not a floating-point tensor of matrices.

    Raises:
        TypeError: for another number type, or two of them.
        ValueError: for fewer than two dimensions, or for matrices that should be square and are not.
    """
    for x in tensors:
        if not isinstance(x, Value):
            raise KindError(f"{operation}: expected a tensor, got {type(x).__name__}")
        if not x.dtype.is_floating_point:
            raise KindError(f"{operation}: expects floating-point numbers, got {x.dtype}; convert with .float() first")
        if x.dtype is not tensors[0].dtype:
            raise KindError(f"{operation}: operands are {tensors[0].dtype} and {x.dtype}; convert one with .to()")
        if len(x.shape) < 2:
            raise ArgumentError(f"{operation}: expects at least 2 dimensions, got shape {x.shape}")
    shape = tensors[0].shape
    if square and shape[-1] != shape[-2]:
        raise ArgumentError(f"{operation}: expects square matrices, got shape {shape}")


def mT(x: Tensor) -> Tensor:  # noqa: N802
    """The matrices transposed."""
    return transpose(x, -2, -1)


def wrapped(x: Tensor, result: Any) -> Tensor:
    """NumPy's result as a tensor of ``x``'s number type, in contiguous memory."""
    return engine.wrap(np.ascontiguousarray(result, x.dtype.numpy).reshape(np.shape(result)))


def batch_name(where: tuple[int, ...]) -> str:
    """Which matrix of a batch a message speaks of."""
    return f"(batch element {', '.join(map(str, where))}) " if where else ""


def broadcast_batches(operation: str, A: Tensor, B: Tensor) -> tuple[Tensor, Tensor]:  # noqa: N803
    """Two tensors of matrices with the same dimensions before the last two."""
    if A.shape[:-2] == B.shape[:-2]:
        return A, B
    try:
        batch = broadcast_shapes(A.shape[:-2], B.shape[:-2])
    except ValueError as error:
        raise ArgumentError(f"{operation}: batch {error}") from None
    return expand(A, (*batch, *A.shape[-2:])), expand(B, (*batch, *B.shape[-2:]))


def solve_triangular(
    A: Tensor,
    B: Tensor,
    *,
    upper: bool,
    left: bool = True,
    unitriangular: bool = False,  # noqa: N803
) -> Tensor:
    """X with A X = B, for triangular matrices A; the other triangle is not looked at. By substitution, in NumPy.

    Args:
        A: [..., n, n].
        B: [..., n, k], or [..., k, n] for ``left=False``; the dimensions in front broadcast.
        upper: whether A is upper triangular, else lower.
        left: False solves X A = B.
        unitriangular: take the diagonal of A as ones, whatever is there.

    A zero on the diagonal gives infinities and NaN, not an error.

    Raises:
        ValueError: when the shapes do not fit.

    Derivative: B̄ = A⁻ᵀ X̄, Ā = −B̄ Xᵀ in A's triangle.

    Example:
        >>> import lucid
        >>> A = lucid.tensor([[2.0, 0.0], [1.0, 4.0]])
        >>> lucid.linalg.solve_triangular(A, lucid.tensor([[2.0], [9.0]]), upper=False).tolist()
        [[1.0], [2.0]]
    """
    check_matrices("linalg.solve_triangular", A, B, square=True)
    if A.shape[-1] != B.shape[-2 if left else -1]:
        raise ArgumentError(f"linalg.solve_triangular: shapes {A.shape} and {B.shape} do not fit (left={left})")
    A, B = broadcast_batches("linalg.solve_triangular", A, B)
    if not left:
        turned = solve_triangular(mT(A), mT(B), upper=not upper, unitriangular=unitriangular)
        return mT(turned)
    out = wrapped(B, _substituted(A.array, B.array, upper, unitriangular))

    def rules(grad: Tensor, A: Tensor, X: Tensor) -> Any:  # noqa: N803
        grad_B = solve_triangular(mT(A), grad, upper=not upper, unitriangular=unitriangular)  # noqa: N806
        whole = neg(matmul(grad_B, mT(X)))
        inside = int(unitriangular)
        return (triu(whole, inside) if upper else tril(whole, -inside)), grad_B

    return record("solve_triangular", out, (A, B), rules, (A, None), output=1)


def _substituted(a: np.ndarray, b: np.ndarray, upper: bool, unitriangular: bool) -> np.ndarray:
    """Row by row, from the row with one unknown on."""
    x = np.array(b)
    n = a.shape[-1]
    with np.errstate(all="ignore"):
        for i in reversed(range(n)) if upper else range(n):
            known = slice(i + 1, n) if upper else slice(i)
            x[..., i, :] -= (a[..., i : i + 1, known] @ x[..., known, :])[..., 0, :]
            if not unitriangular:
                x[..., i, :] /= a[..., i, i, None]
    return x


def as_columns(A: Tensor, B: Tensor) -> tuple[Tensor, bool]:  # noqa: N803
    """The right-hand sides as matrices; and whether they were vectors: B [..., n] beside A [..., n, n]."""
    vectors = len(B.shape) == 1 or (len(A.shape) - 1 == len(B.shape) and A.shape[:-1] == B.shape)
    return (reshape(B, (*B.shape, 1)) if vectors else B), vectors


@refuses
def cholesky_solve(input: Tensor, L: Tensor, upper: bool = False) -> Tensor:  # noqa: N803
    """X with A X = B, from the Cholesky factor of A: A = L Lᵀ, or Uᵀ U.

    Args:
        input: B, [..., n, k].
        L: the factor, [..., n, n].
        upper: whether it is U.

    Example:
        >>> import lucid
        >>> A = lucid.tensor([[4.0, 2.0], [2.0, 5.0]])
        >>> lucid.cholesky_solve(lucid.tensor([[8.0], [12.0]]), lucid.linalg.cholesky(A)).tolist()
        [[1.0], [2.0]]
    """
    lower = transpose(L, -2, -1) if upper else L
    half = solve_triangular(lower, input, upper=False)
    return solve_triangular(transpose(lower, -2, -1), half, upper=True)
