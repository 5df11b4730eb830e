"""The diagonal of two dimensions, as a view, and its sum."""

from __future__ import annotations

import operator

import numpy as np

from lucid import engine
from lucid.autograd.graph import record
from lucid.ops.broadcast import sum
from lucid.ops.elementwise import Tensor
from lucid.ops.refusal import refuses
from lucid.ops.view import wrap_dim


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of two dimensions, as a view with the diagonal last.

    Args:
        input: at least two dimensions.
        offset: the diagonal: above the main one when positive, below when negative.
        dim1: the dimension of the rows.
        dim2: the dimension of the columns.

    Raises:
        IndexError: when there are no such dimensions.
        ValueError: when the two are one.
    """
    shape = input.shape
    if len(shape) < 2:
        raise IndexError(f"diagonal: expects at least 2 dimensions, got shape {shape}")
    first, second = wrap_dim("diagonal", dim1, len(shape)), wrap_dim("diagonal", dim2, len(shape))
    if first == second:
        raise ValueError(f"diagonal: dim1 and dim2 are both {first}")
    out = _diagonal_of(input, offset, first, second)
    return record("diagonal", out, (input,), (lambda g: diagonal_into_zeros(g, shape, offset, first, second),))


def _diagonal_of(x: Tensor, offset: int, dim1: int, dim2: int) -> Tensor:
    array = x.array.diagonal(operator.index(offset), dim1, dim2)
    array.flags.writeable = x.array.flags.writeable
    return engine.view(x, array)


def diagonal_into_zeros(grad: Tensor, shape: tuple[int, ...], offset: int, dim1: int, dim2: int) -> Tensor:
    """Zeros of ``shape`` with ``grad`` on a diagonal: the derivative of :func:`diagonal`, and the other way round."""
    out = engine.wrap(np.zeros(shape, grad.dtype.numpy))
    engine.copy_into(_diagonal_of(out, offset, dim1, dim2), grad)
    return record("diag_embed", out, (grad,), (lambda g: diagonal(g, offset, dim1, dim2),))


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
        raise ValueError(f"trace: expects a matrix, got shape {input.shape}")
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
