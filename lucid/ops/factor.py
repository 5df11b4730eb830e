"""Matrix factorizations: Cholesky, QR, singular values, eigenvalues of symmetric matrices. The factors are NumPy's.

When a derivative is itself recorded, for second derivatives, the factors in it are computed once more, as operations.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lucid import engine
from lucid.autograd.grad_mode import mode
from lucid.autograd.graph import detached_alias, needs_graph, record
from lucid.errors import ArgumentError
from lucid.ops.arithmetic import add, div, mul, sub
from lucid.ops.create import tril
from lucid.ops.diagonal import on_diagonal
from lucid.ops.index import cat, narrow
from lucid.ops.matmul import matmul
from lucid.ops.triangular import LinAlgError, batch_name, check_matrices, mT, solve_triangular, wrapped
from lucid.ops.view import unsqueeze
from lucid.types import Tensor


class QR(NamedTuple):
    """What QR gives: Q with orthonormal columns, R upper triangular."""

    Q: Any
    R: Any


class SVD(NamedTuple):
    """What :func:`linalg_svd` gives: A = U diag(S) Vh."""

    U: Any
    S: Any
    Vh: Any


class SVDWithV(NamedTuple):
    """What :func:`svd` gives: A = U diag(S) Vᵀ."""

    U: Any
    S: Any
    V: Any


class Eigh(NamedTuple):
    """What :func:`eigh` gives: A = V diag(L) Vᵀ, the eigenvalues L ascending, the eigenvectors in the columns of V."""

    eigenvalues: Tensor
    eigenvectors: Tensor


# ---------------------------------------------------------------------------------------------------------------------
# Cholesky


def linalg_cholesky(A: Tensor, *, upper: bool = False) -> Tensor:  # noqa: N803
    """The lower triangular L with A = L Lᵀ, for symmetric positive definite matrices. Computed by NumPy.

    Args:
        A: [..., n, n]; only the lower triangle is read, or the upper one for ``upper``.
        upper: give Lᵀ.

    Raises:
        LinAlgError: when a matrix is not positive definite; the message says which leading minor is not.

    Derivative: Ā = L⁻ᵀ Φ(Lᵀ L̄) L⁻¹, where Φ makes a lower triangle symmetric (Murray 2016).

    Example:
        >>> import lucid
        >>> lucid.linalg.cholesky(lucid.tensor([[4.0, 2.0], [2.0, 5.0]])).tolist()
        [[2.0, 0.0], [1.0, 2.0]]
    """
    return _cholesky("linalg.cholesky", A, upper)


def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """As :func:`lucid.linalg.cholesky`."""
    return _cholesky("cholesky", input, upper)


def _cholesky(operation: str, A: Tensor, upper: bool) -> Tensor:  # noqa: N803
    check_matrices(operation, A, square=True)
    if upper:
        return mT(_cholesky(operation, mT(A), False))
    factors = _plain_cholesky(A.array)
    if factors is None:
        raise LinAlgError(f"{operation}: {_not_positive(A.array)}; is it symmetric with positive eigenvalues?")
    out = wrapped(A, factors)

    def rule(grad: Tensor, L: Tensor) -> Tensor:  # noqa: N803
        below = tril(matmul(mT(L), grad))
        middle = mul(add(below, mT(tril(below, -1))), 0.5)
        return solve_triangular(L, solve_triangular(mT(L), middle, upper=True), upper=False, left=False)

    return record("cholesky", out, (A,), (rule,), (None,), output=0)


def _plain_cholesky(a: np.ndarray) -> Any:
    """NumPy's factors; None when a matrix is not positive definite, or has NaN."""
    try:
        factors = np.linalg.cholesky(a)
    except np.linalg.LinAlgError:
        return None
    return None if np.isnan(factors.diagonal(0, -2, -1)).any() else factors


def _not_positive(a: np.ndarray) -> str:
    """Which leading minor of which matrix is not positive definite."""
    for where in np.ndindex(a.shape[:-2]):
        for n in range(1, a.shape[-1] + 1):
            if _plain_cholesky(a[where][:n, :n]) is None:
                return f"{batch_name(where)}the leading minor of order {n} is not positive definite"
    return "the matrix is not positive definite"


# ---------------------------------------------------------------------------------------------------------------------
# QR


def linalg_qr(A: Tensor, mode: str = "reduced") -> QR:  # noqa: N803
    """A = Q R with orthonormal columns in Q and R upper triangular. Computed by NumPy (Householder reflections).

    Args:
        A: [..., m, n]; k = min(m, n).
        mode: ``"reduced"`` gives Q [..., m, k] and R [..., k, n]; ``"complete"`` gives Q [..., m, m] and
            R [..., m, n]; ``"r"`` only R, and an empty Q.

    Raises:
        ValueError: for another mode.

    Differentiable where the first k columns are independent; not in mode ``"r"``, and not in mode ``"complete"`` for
    m > n, where the last columns of Q are arbitrary: backward says so.

    Derivative for m ≥ n: Ā = (Q̄ + Q copyltu(R R̄ᵀ − Q̄ᵀ Q)) R⁻ᵀ (Walter and Lehmann 2018). For m < n the last
    columns of R are Qᵀ times those of A.

    Example:
        >>> import lucid
        >>> Q, R = lucid.linalg.qr(lucid.tensor([[3.0, 1.0], [4.0, 2.0]]))
        >>> (Q @ R).round(decimals=4).tolist()
        [[3.0, 1.0], [4.0, 2.0]]
    """
    return QR(*_qr("linalg.qr", A, mode))


def qr(input: Tensor, some: bool = True) -> QR:
    """As :func:`lucid.linalg.qr`, in the mode ``"reduced"`` for ``some``, else ``"complete"``."""
    return QR(*_qr("qr", input, "reduced" if some else "complete"))


def _qr(operation: str, A: Tensor, kind: str) -> tuple[Tensor, Tensor]:  # noqa: N803
    if kind not in ("reduced", "complete", "r"):
        raise ArgumentError(f"{operation}: mode must be 'reduced', 'complete' or 'r', got {kind!r}")
    check_matrices(operation, A)
    m, n = A.shape[-2:]
    if m < n and kind != "r" and needs_graph(A):
        square, rest = narrow(A, -1, 0, m), narrow(A, -1, m, n - m)
        Q, R = _qr(operation, square, kind)  # noqa: N806
        return Q, cat([R, matmul(mT(Q), rest)], -1)
    r: Any
    if 0 in A.shape:  # nothing to factor, but the shapes are there
        k = m if kind == "complete" else min(m, n)
        q, r = np.broadcast_to(np.eye(m, k), (*A.shape[:-2], m, k)), np.zeros((*A.shape[:-2], k, n))
    elif kind == "complete":
        q, r = np.linalg.qr(A.array, "complete")
    else:
        q, r = np.linalg.qr(A.array)
    if kind == "r":
        q = np.zeros((0,))
    out = wrapped(A, q), wrapped(A, r)

    def rules(grads: list[Any], A: Tensor, Q: Tensor, R: Tensor) -> Any:  # noqa: N803
        if kind == "r" or (kind == "complete" and m > n):
            raise RuntimeError(
                f"{operation}: the derivative in mode {kind!r} for shape {A.shape} does not exist; use mode='reduced'"
            )
        grad_Q, grad_R = grads  # noqa: N806
        if mode.recording:
            Q, R = _qr(operation, A, "reduced")  # noqa: N806
        middle: Any = None if grad_R is None else matmul(R, mT(grad_R))
        if grad_Q is not None:
            own = matmul(mT(grad_Q), Q)
            middle = mul(own, -1.0) if middle is None else sub(middle, own)
        below = tril(middle)
        whole = matmul(Q, add(below, mT(tril(below, -1))))
        if grad_Q is not None:
            whole = add(whole, grad_Q)
        return (solve_triangular(mT(R), whole, upper=False, left=False),)

    return record("qr", out, (A,), rules, (A, *map(detached_alias, out)))


# ---------------------------------------------------------------------------------------------------------------------
# Singular values


def linalg_svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> SVD:  # noqa: N803
    """A = U diag(S) Vh, with orthonormal columns in U, rows in Vh, and S ≥ 0 in descending order. Computed by NumPy.

    Args:
        A: [..., m, n]; k = min(m, n).
        full_matrices: U [..., m, m] and Vh [..., n, n]; else U [..., m, k] and Vh [..., k, n].
        driver: only None: there is one way of computing it (divide and conquer).

    Raises:
        LinAlgError: for NaN and infinities.

    The derivative through U and Vh is finite only where the singular values differ from each other, and for m ≠ n
    from zero. It is that of the first k vectors: the rest, in the full matrices, is arbitrary. The derivative of S
    alone, also :func:`lucid.linalg.svdvals`, always exists.

    Derivative: Ā = U ((skew(Uᵀ Ū)/E) S + S (skew(Vᵀ V̄)/E) + S̄) Vᵀ, Eᵢⱼ = sⱼ² − sᵢ², and what lies outside the
    first k vectors (Townsend 2016).

    Example:
        >>> import lucid
        >>> lucid.linalg.svd(lucid.tensor([[3.0, 0.0], [0.0, 4.0]])).S.tolist()
        [4.0, 3.0]
    """
    if driver is not None:
        raise ArgumentError(f"linalg.svd: driver must be None on the CPU, got {driver!r}")
    return SVD(*_svd("linalg.svd", A, full_matrices))


def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> SVDWithV:
    """As :func:`lucid.linalg.svd`, with V instead of Vh.

    Args:
        input: [..., m, n]; k = min(m, n).
        some: U [..., m, k] and V [..., n, k]; else the full ones.
        compute_uv: False gives zeros for U and V.
    """
    if compute_uv:
        U, S, Vh = _svd("svd", input, not some)  # noqa: N806
        return SVDWithV(U, S, mT(Vh))
    S = _svd("svd", input, False)[1]  # noqa: N806
    batch, (m, n) = input.shape[:-2], input.shape[-2:]
    return SVDWithV(wrapped(input, np.zeros((*batch, m, m))), S, wrapped(input, np.zeros((*batch, n, n))))


def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:  # noqa: N803
    """The singular values in descending order: [..., m, n] → [..., min(m, n)]. Computed by NumPy.

    Args:
        A: the matrices.
        driver: only None.

    Raises:
        LinAlgError: for NaN and infinities.

    Example:
        >>> import lucid
        >>> lucid.linalg.svdvals(lucid.tensor([[3.0, 0.0], [0.0, 4.0]])).tolist()
        [4.0, 3.0]
    """
    if driver is not None:
        raise ArgumentError(f"linalg.svdvals: driver must be None on the CPU, got {driver!r}")
    if needs_graph(A):
        return _svd("linalg.svdvals", A, False)[1]
    check_matrices("linalg.svdvals", A)
    return wrapped(A, _finite("linalg.svdvals", A, np.linalg.svd, compute_uv=False))


def _finite(operation: str, A: Tensor, function: Any, **options: Any) -> Any:  # noqa: N803
    """NumPy's iterative factorizations, which do not converge on NaN and infinities."""
    try:
        if np.isfinite(A.array).all():
            return function(A.array, **options)
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"{operation}: {error}") from None
    raise LinAlgError(f"{operation}: the matrix has NaN or infinite numbers")


def _svd(operation: str, A: Tensor, full: bool) -> tuple[Tensor, Tensor, Tensor]:  # noqa: N803
    check_matrices(operation, A)
    m, n = A.shape[-2:]
    k = min(m, n)
    u, s, vh = _finite(operation, A, np.linalg.svd, full_matrices=full)
    out = wrapped(A, u), wrapped(A, s), wrapped(A, vh)

    def rules(grads: list[Any], A: Tensor, U: Tensor, S: Tensor, Vh: Tensor) -> Any:  # noqa: N803
        grad_U, grad_S, grad_Vh = grads  # noqa: N806
        if mode.recording:
            U, S, Vh = _svd(operation, A, False)  # noqa: N806
        U, Vh = narrow(U, -1, 0, k), narrow(Vh, -2, 0, k)  # noqa: N806
        if grad_U is None and grad_Vh is None:
            return (matmul(mul(U, unsqueeze(grad_S, -2)), Vh),)
        row, column = unsqueeze(S, -2), unsqueeze(S, -1)
        gaps = _without_diagonal(sub(mul(row, row), mul(column, column)))
        middle: Any = None if grad_S is None else on_diagonal(grad_S)
        outside = None
        if grad_U is not None:
            grad_U = narrow(grad_U, -1, 0, k)  # noqa: N806
            inside = matmul(mT(U), grad_U)
            middle = _plus(middle, mul(div(sub(inside, mT(inside)), gaps), row))
            if m > k:
                beyond = div(sub(grad_U, matmul(U, inside)), row)
                outside = matmul(beyond, Vh)
        if grad_Vh is not None:
            grad_V = mT(narrow(grad_Vh, -2, 0, k))  # noqa: N806
            inside = matmul(Vh, grad_V)
            middle = _plus(middle, mul(column, div(sub(inside, mT(inside)), gaps)))
            if n > k:
                beyond = div(sub(grad_V, matmul(mT(Vh), inside)), row)
                outside = _plus(outside, matmul(U, mT(beyond)))
        return (_plus(outside, matmul(matmul(U, middle), Vh)),)

    return record("svd", out, (A,), rules, (A, *map(detached_alias, out)))


def _plus(a: Tensor | None, b: Tensor) -> Tensor:
    return b if a is None else add(a, b)


def _without_diagonal(x: Tensor) -> Tensor:
    """Square matrices with ones on the diagonal, so that they may divide what has zeros there."""
    return add(x, engine.wrap(np.eye(x.shape[-1], dtype=x.dtype.numpy)))


# ---------------------------------------------------------------------------------------------------------------------
# Eigenvalues of symmetric matrices


def eigh(A: Tensor, UPLO: str = "L") -> Eigh:  # noqa: N803
    """A = V diag(L) Vᵀ for symmetric matrices: eigenvalues in ascending order, eigenvectors as columns. By NumPy.

    Args:
        A: [..., n, n]; only one triangle is read.
        UPLO: the triangle: ``"L"`` the lower, ``"U"`` the upper one.

    Raises:
        LinAlgError: for NaN and infinities.

    The derivative through the eigenvectors is finite only where the eigenvalues differ from each other.

    Derivative: Ā = V (L̄ + ½ skew(Vᵀ V̄)/E) Vᵀ, Eᵢⱼ = lⱼ − lᵢ off the diagonal: symmetric.

    Example:
        >>> import lucid
        >>> lucid.linalg.eigh(lucid.tensor([[2.0, 1.0], [1.0, 2.0]])).eigenvalues.round(decimals=4).tolist()
        [1.0, 3.0]
    """
    return _eigh("linalg.eigh", A, UPLO)


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:  # noqa: N803
    """The eigenvalues of symmetric matrices in ascending order; as :func:`lucid.linalg.eigh`.

    Example:
        >>> import lucid
        >>> lucid.linalg.eigvalsh(lucid.tensor([[2.0, 1.0], [1.0, 2.0]])).round(decimals=4).tolist()
        [1.0, 3.0]
    """
    return _eigh("linalg.eigvalsh", A, UPLO).eigenvalues


def _eigh(operation: str, A: Tensor, UPLO: str) -> Eigh:  # noqa: N803
    check_matrices(operation, A, square=True)
    if not isinstance(UPLO, str) or UPLO.upper() not in ("L", "U"):
        raise ArgumentError(f"{operation}: UPLO must be 'L' or 'U', got {UPLO!r}")
    out = Eigh(*(wrapped(A, x) for x in _finite(operation, A, np.linalg.eigh, UPLO=UPLO.upper())))

    def rules(grads: list[Any], A: Tensor, L: Tensor, V: Tensor) -> Any:  # noqa: N803
        grad_L, grad_V = grads  # noqa: N806
        if mode.recording:
            L, V = _eigh(operation, A, UPLO)  # noqa: N806
        middle: Any = None if grad_L is None else on_diagonal(grad_L)
        if grad_V is not None:
            inside = matmul(mT(V), grad_V)
            inside = mul(sub(inside, mT(inside)), 0.5)  # so that Ā is symmetric, as A is
            middle = _plus(middle, div(inside, _without_diagonal(sub(unsqueeze(L, -2), unsqueeze(L, -1)))))
        return (matmul(matmul(V, middle), mT(V)),)

    record("eigh", tuple(out), (A,), rules, (A, *map(detached_alias, out)))
    return out
