"""Diagonals of matrices: their sum, and what linear algebra calls them."""

from __future__ import annotations

from lucid.errors import ArgumentError
from lucid.ops.broadcast import sum
from lucid.ops.refusal import refuses
from lucid.ops.shape import diagonal, diagonal_into_zeros
from lucid.types import Tensor


def on_diagonal(values: Tensor) -> Tensor:
    """[..., n] → [..., n, n]: zeros with the values on the diagonal."""
    ndim, n = len(values.shape), values.shape[-1]
    return diagonal_into_zeros(values, (*values.shape, n), 0, ndim - 1, ndim)


def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix; of integers in int64.

    Raises:
        ValueError: when it is not a matrix.

    Example:
        >>> import lucid
        >>> lucid.trace(lucid.tensor([[1.0, 2.0], [3.0, 4.0]])).item()
        5.0
    """
    if len(input.shape) != 2:
        raise ArgumentError(f"trace: expects a matrix, got shape {input.shape}")
    return sum(diagonal(input))


@refuses
def linalg_diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:  # noqa: N803
    """The diagonals of matrices, as a view: as :func:`lucid.diagonal`, of the last two dimensions if not told others.

    Args:
        A: at least two dimensions.
        offset: the diagonal: above the main one when positive, below when negative.
        dim1: the dimension of the rows.
        dim2: the dimension of the columns.

    Example:
        >>> import lucid
        >>> lucid.linalg.diagonal(lucid.tensor([[[1, 2], [3, 4]]])).tolist()
        [[1, 4]]
    """
    return diagonal(A, offset, dim1, dim2)
