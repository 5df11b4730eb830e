"""Linear systems, inverses and determinants of square matrices, and least squares. Computed by NumPy (LAPACK)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from lucid import engine
from lucid.autograd.graph import record
from lucid.errors import ArgumentError, KindError
from lucid.ops.arithmetic import add, lt, mul, neg, sub, where
from lucid.ops.broadcast import expand, sum
from lucid.ops.factor import _eigh, _svd
from lucid.ops.matmul import matmul
from lucid.ops.reduce import prod
from lucid.ops.refusal import refuses
from lucid.ops.triangular import (
    LinAlgError,
    as_columns,
    batch_name,
    broadcast_batches,
    check_matrices,
    mT,
    wrapped,
)
from lucid.ops.view import reshape, unsqueeze
from lucid.types import Tensor


class SlogDet(NamedTuple):
    """What slogdet gives: det = sign · exp(logabsdet)."""

    sign: Any
    logabsdet: Any


class LeastSquares(NamedTuple):
    """What lstsq gives; see :func:`lstsq`."""

    solution: Any
    residuals: Any
    rank: Any
    singular_values: Any


def _singular(a: np.ndarray) -> str:
    """Which matrix of a batch has no inverse."""
    for where_ in np.ndindex(a.shape[:-2]):
        try:
            np.linalg.inv(a[where_])
        except np.linalg.LinAlgError:
            return f"{batch_name(where_)}the matrix is singular"
    return "the matrix is singular"


# ---------------------------------------------------------------------------------------------------------------------
# Systems and inverses


@refuses
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:  # noqa: N803
    """X with A X = B, for square invertible matrices. By LU factorization, in NumPy.

    Args:
        A: [..., n, n].
        B: [..., n, k] matrices, or [..., k, n] for ``left=False``; or [..., n] vectors, when B has one dimension or the
            shape of A without its last. The dimensions in front of matrices broadcast.
        left: False solves X A = B.

    Raises:
        LinAlgError: when a matrix is singular; the message says which one of a batch.
        ValueError: when the shapes do not fit.

    Derivative: B̄ = A⁻ᵀ X̄, Ā = −B̄ Xᵀ.

    Example:
        >>> import lucid
        >>> lucid.linalg.solve(lucid.tensor([[2.0, 0.0], [0.0, 4.0]]), lucid.tensor([2.0, 8.0])).tolist()
        [1.0, 2.0]
    """
    name = "linalg.solve"
    columns, vectors = as_columns(A, B)
    check_matrices(name, A, columns, square=True)
    if vectors and not left:
        raise ArgumentError(f"{name}: left=False needs matrices on the right, got shape {B.shape}")
    if A.shape[-1] != columns.shape[-2 if left else -1]:
        raise ArgumentError(f"{name}: shapes {A.shape} and {B.shape} do not fit (left={left})")
    A, columns = broadcast_batches(name, A, columns)
    out = _solve(name, A, columns) if left else mT(_solve(name, mT(A), mT(columns)))
    return reshape(out, out.shape[:-1]) if vectors else out


def _solve(operation: str, A: Tensor, B: Tensor) -> Tensor:  # noqa: N803
    try:
        out = wrapped(B, np.linalg.solve(A.array, B.array))
    except np.linalg.LinAlgError:
        raise LinAlgError(f"{operation}: {_singular(A.array)}") from None

    def rules(grad: Tensor, A: Tensor, X: Tensor) -> Any:  # noqa: N803
        grad_B = _solve(operation, mT(A), grad)  # noqa: N806
        return neg(matmul(grad_B, mT(X))), grad_B

    return record("solve", out, (A, B), rules, (A, None), output=1)


def linalg_inv(A: Tensor) -> Tensor:  # noqa: N803
    """The inverse of square matrices. Computed by NumPy. To solve A X = B, :func:`lucid.linalg.solve` is better.

    Args:
        A: [..., n, n].

    Raises:
        LinAlgError: when a matrix is singular; the message says which one of a batch.

    Derivative: Ā = −A⁻ᵀ X̄ A⁻ᵀ for X = A⁻¹.

    Example:
        >>> import lucid
        >>> lucid.linalg.inv(lucid.tensor([[2.0, 0.0], [0.0, 4.0]])).tolist()
        [[0.5, 0.0], [0.0, 0.25]]
    """
    return _inverse("linalg.inv", A)


def inverse(input: Tensor) -> Tensor:
    """As :func:`lucid.linalg.inv`."""
    return _inverse("inverse", input)


def _inverse(operation: str, A: Tensor) -> Tensor:  # noqa: N803
    check_matrices(operation, A, square=True)
    try:
        out = wrapped(A, np.linalg.inv(A.array))
    except np.linalg.LinAlgError:
        raise LinAlgError(f"{operation}: {_singular(A.array)}") from None

    def rule(grad: Tensor, X: Tensor) -> Tensor:  # noqa: N803
        return neg(matmul(mT(X), matmul(grad, mT(X))))

    return record("inverse", out, (A,), (rule,), (None,), output=0)


@refuses
def matrix_power(A: Tensor, n: int) -> Tensor:  # noqa: N803
    """A multiplied by itself: Aⁿ by squaring; for negative n of the inverse; for 0 the identity.

    Args:
        A: [..., k, k].
        n: an integer.

    Raises:
        LinAlgError: for a singular matrix and negative n.

    Example:
        >>> import lucid
        >>> lucid.linalg.matrix_power(lucid.tensor([[1.0, 1.0], [0.0, 1.0]]), 5).tolist()
        [[1.0, 5.0], [0.0, 1.0]]
    """
    if not isinstance(n, int):
        raise KindError(f"linalg.matrix_power: n must be an integer, got {n!r}")
    if len(A.shape) < 2 or A.shape[-1] != A.shape[-2]:
        raise ArgumentError(f"linalg.matrix_power: expects square matrices, got shape {A.shape}")
    if n == 0:
        ones = np.broadcast_to(np.eye(A.shape[-1]), A.shape)
        return record("matrix_power", wrapped(A, ones), (A,), (lambda grad: mul(grad, 0.0),))
    square = A if n > 0 else _inverse("linalg.matrix_power", A)
    out: Any = None
    left = n if n > 0 else -n
    while True:
        if left % 2:
            out = square if out is None else matmul(out, square)
        left //= 2
        if not left:
            break
        square = matmul(square, square)
    return reshape(out, A.shape) if out is A else out


# ---------------------------------------------------------------------------------------------------------------------
# Determinants


def det(A: Tensor) -> Tensor:  # noqa: N803
    """The determinant of square matrices: [..., n, n] → [...]. By LU factorization, in NumPy.

    Derivative: Ā = grad · the matrix of cofactors: det(A) A⁻ᵀ; at singular matrices by the singular values (there
    a second derivative is finite only where those differ from each other).

    Example:
        >>> import lucid
        >>> lucid.linalg.det(lucid.tensor([[2.0, 0.0], [0.0, 4.0]])).item()
        8.0
    """
    check_matrices("linalg.det", A, square=True)
    out = wrapped(A, np.linalg.det(A.array))

    def rule(grad: Tensor, A: Tensor, out: Tensor) -> Tensor:
        return mul(_cofactors(A, out), _as_matrices(grad))

    return record("det", out, (A,), (rule,), (A, None), output=1)


def _as_matrices(x: Tensor) -> Tensor:
    """[...] → [..., 1, 1]."""
    return reshape(x, (*x.shape, 1, 1))


def _cofactors(A: Tensor, determinant: Tensor) -> Tensor:  # noqa: N803
    if determinant.array.all():
        try:
            return mul(mT(_inverse("linalg.det", A)), _as_matrices(determinant))
        except LinAlgError:
            pass
    # A = U diag(s) Vh has the cofactors of diag(s), which are the products of all other singular values
    U, S, Vh = _svd("linalg.det", A, False)  # noqa: N806
    turned = wrapped(A, np.round(np.linalg.det(U.array) * np.linalg.det(Vh.array)))
    n = S.shape[-1]
    own = engine.wrap(np.eye(n, dtype=bool))
    others = prod(where(own, 1.0, expand(unsqueeze(S, -2), (*S.shape, n))), -1)
    return mul(matmul(mul(U, unsqueeze(others, -2)), Vh), _as_matrices(turned))


def slogdet(A: Tensor) -> SlogDet:  # noqa: N803
    """The sign (−1, 0 or 1) and the logarithm of the size of the determinant: no overflow. Computed by NumPy.

    For a singular matrix the sign is 0 and the logarithm −∞; there is no derivative then.

    Args:
        A: [..., n, n].

    Raises:
        LinAlgError: in backward, for a singular matrix.

    Derivative of the logarithm: A⁻ᵀ.

    Example:
        >>> import lucid
        >>> sign, logabsdet = lucid.linalg.slogdet(lucid.tensor([[-1.0, 0.0], [0.0, 1.0]]))
        >>> sign.item(), logabsdet.item()
        (-1.0, 0.0)
    """
    return _slogdet("linalg.slogdet", A)


def _slogdet(operation: str, A: Tensor) -> SlogDet:  # noqa: N803
    check_matrices(operation, A, square=True)
    out = SlogDet(*(wrapped(A, x) for x in np.linalg.slogdet(A.array)))

    def rules(grads: list[Any], A: Tensor) -> Any:  # noqa: N803
        grad = grads[1]
        if grad is None:  # only the sign was used, which is constant
            return (mul(A, 0.0),)
        return (mul(mT(_inverse(operation, A)), _as_matrices(grad)),)

    record("slogdet", out, (A,), rules, (A,))
    return out


def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant; NaN where that is negative, −∞ where it is 0. As :func:`linalg.slogdet`.

    Example:
        >>> import lucid
        >>> lucid.logdet(lucid.eye(3)).item()
        0.0
    """
    sign, size = _slogdet("logdet", input)
    return where(lt(sign, 0.0), math.nan, size)


# ---------------------------------------------------------------------------------------------------------------------
# Matrices of any shape


def _tolerance(A: Tensor, sizes: np.ndarray, atol: Any, rtol: Any) -> np.ndarray:  # noqa: N803
    """Below which size a singular value counts as zero: the larger of atol and rtol times the largest one."""
    atol, rtol = (x.array if hasattr(x, "array") else x for x in (atol, rtol))
    if rtol is None:
        rtol = np.where(np.asarray(atol or 0) > 0, 0.0, np.finfo(A.dtype.numpy).eps * max(A.shape[-2:]))
    largest = sizes.max(-1, initial=0.0)
    tolerance: np.ndarray = np.maximum(0.0 if atol is None else atol, np.asarray(rtol) * largest).astype(sizes.dtype)
    return tolerance[..., None]


def pinv(A: Tensor, *, atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Tensor:  # noqa: N803
    """The pseudoinverse (Moore and Penrose) of matrices, by their singular values: [..., m, n] → [..., n, m].

    Args:
        A: the matrices.
        atol: singular values up to this size count as zero; a number or a tensor of the batch's shape. Default 0.
        rtol: the same as a share of the largest one. Default: max(m, n) times the spacing of numbers at 1, or 0 when
            atol is given.
        hermitian: A is symmetric (its lower triangle is read), which is faster.

    Raises:
        LinAlgError: for NaN and infinities.

    The derivative exists while the rank stays the same (Golub and Pereyra 1973).

    Example:
        >>> import lucid
        >>> lucid.linalg.pinv(lucid.tensor([[2.0, 0.0], [0.0, 0.0]])).tolist()
        [[0.5, 0.0], [0.0, 0.0]]
    """
    check_matrices("linalg.pinv", A, square=hermitian)
    plain = A.detach()
    if hermitian:
        L, V = _eigh("linalg.pinv", plain, "L")  # noqa: N806
        u, s, vh = V.array, L.array, V.array.swapaxes(-1, -2)
    else:
        u, s, vh = (x.array for x in _svd("linalg.pinv", plain, False))
    kept = np.abs(s) > _tolerance(A, np.abs(s), atol, rtol)
    inverted = np.divide(1, s, out=np.zeros_like(s), where=kept)
    out = wrapped(A, (vh.swapaxes(-1, -2) * inverted[..., None, :]) @ u.swapaxes(-1, -2))

    def rule(grad: Tensor, A: Tensor, X: Tensor) -> Tensor:  # noqa: N803
        # dX = −X dA X + X Xᵀ dAᵀ (1 − A X) + (1 − X A) dAᵀ Xᵀ X
        g, x = mT(grad), mT(X)
        outside_rows = sub(g, matmul(matmul(g, X), A))
        outside_columns = sub(g, matmul(A, matmul(X, g)))
        whole = neg(matmul(x, matmul(grad, x)))
        whole = add(whole, matmul(matmul(x, X), outside_rows))
        return add(whole, matmul(outside_columns, matmul(X, x)))

    return record("pinv", out, (A,), (rule,), (A, None), output=1)


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """As :func:`lucid.linalg.pinv` with ``rtol=rcond``."""
    return pinv(input, rtol=rcond)


def matrix_rank(
    A: Tensor,
    tol: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,  # noqa: N803
) -> Tensor:
    """How many singular values are larger than a tolerance: [..., m, n] → [...], int64.

    Args:
        A: the matrices.
        tol: the tolerance as in NumPy: ``atol`` with ``rtol=0``.
        hermitian: A is symmetric (its lower triangle is read).
        atol: see :func:`pinv`.
        rtol: see :func:`pinv`.

    Example:
        >>> import lucid
        >>> lucid.linalg.matrix_rank(lucid.ones(3, 2)).item()
        1
    """
    check_matrices("linalg.matrix_rank", A, square=hermitian)
    if tol is not None:
        if atol is not None or rtol is not None:
            raise ArgumentError("linalg.matrix_rank: give tol, or atol and rtol")
        atol, rtol = tol, 0.0
    plain = A.detach()
    found = _eigh("linalg.matrix_rank", plain, "L")[0] if hermitian else _svd("linalg.matrix_rank", plain, False)[1]
    sizes = np.abs(found.array)
    return engine.wrap(np.asarray((sizes > _tolerance(A, sizes, atol, rtol)).sum(-1, dtype=np.int64)))


@refuses
def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> LeastSquares:  # noqa: N803
    """The X of smallest norm that makes ‖A X − B‖ smallest, by the pseudoinverse.

    Args:
        A: [..., m, n].
        B: [..., m, k] matrices, or [..., m] vectors, when B has the shape of A without its last dimension. The
            dimensions in front of matrices broadcast.
        rcond: singular values up to this share of the largest count as zero. Default: max(m, n) times the spacing of
            numbers at 1.
        driver: which of PyTorch's ways decides what is there besides the solution; that is computed in one way.

    Returns:
        A named tuple: ``solution`` [..., n, k]; ``residuals`` [..., k], the squared distances of the columns, for the
        drivers ``"gels"``, ``"gelsd"``, ``"gelss"`` when m > n and all A have rank n, else empty; ``rank`` [...],
        int64, empty for ``"gels"``; ``singular_values`` [..., min(m, n)] for ``"gelsd"`` and ``"gelss"``, else empty.

    Raises:
        ValueError: when the shapes do not fit.

    Example:
        >>> import lucid
        >>> A = lucid.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
        >>> lucid.linalg.lstsq(A, lucid.tensor([[1.0], [3.0], [5.0]])).solution.round(decimals=3).tolist()
        [[1.0], [2.0]]
    """
    name = "linalg.lstsq"
    if driver not in (None, "gelsy", "gels", "gelsd", "gelss"):
        raise ArgumentError(f"{name}: driver must be None, 'gelsy', 'gels', 'gelsd' or 'gelss', got {driver!r}")
    vectors = len(A.shape) - 1 == len(B.shape) and A.shape[:-1] == B.shape
    columns = unsqueeze(B, -1) if vectors else B
    check_matrices(name, A, columns)
    m, n = A.shape[-2:]
    if columns.shape[-2] != m:
        raise ArgumentError(f"{name}: shapes {A.shape} and {B.shape} do not fit")
    A, columns = broadcast_batches(name, A, columns)
    solution = matmul(pinv(A, rtol=rcond), columns)
    rank = matrix_rank(A, rtol=rcond)
    nothing = np.zeros((0,))
    residuals, singular_values = wrapped(A, nothing), wrapped(A, nothing)
    if driver in ("gels", "gelsd", "gelss") and m > n and (rank.array == n).all():
        distance = sub(matmul(A, solution), columns)
        residuals = sum(mul(distance, distance), -2)
    solution = reshape(solution, solution.shape[:-1]) if vectors else solution
    if driver in ("gelsd", "gelss"):
        singular_values = _svd(name, A.detach(), False)[1]
    return LeastSquares(solution, residuals, wrapped(rank, nothing) if driver == "gels" else rank, singular_values)
