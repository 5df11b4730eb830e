"""Rows of a table of vectors, looked up by number."""

from __future__ import annotations

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, describe, record
from lucid.errors import ArgumentError
from lucid.ops.arithmetic import mul
from lucid.ops.index import gather_rows, need_indices, scatter_rows_into_zeros
from lucid.types import Tensor


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Rows of a table by number: input [...] of integers, weight [rows, width] → [..., width].

    Args:
        input: row numbers, int64 or int32.
        weight: the table.
        padding_idx: a row that gets no gradient; a negative number counts from the end.
        max_norm: rows looked up whose norm is larger are first scaled down to it, in the table itself.
        norm_type: the p of that norm.
        scale_grad_by_freq: divide the gradient of a row by how often it is looked up.
        sparse: True is refused; gradients are dense here.

    Raises:
        IndexError: for a row that is not there.
        ValueError: for a padding_idx out of range, or a table that is not a matrix.
        NotImplementedError: for ``sparse``.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.embedding(lucid.tensor([1, 0]), lucid.eye(2)).tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    if not isinstance(weight, Value) or len(weight.shape) != 2:
        raise ArgumentError(f"embedding: weight must be [rows, width], got {describe(weight)}")
    if sparse:
        raise NotImplementedError("embedding: sparse gradients do not exist here; leave sparse=False")
    skip = -1 if padding_idx is None else padding_row("embedding", padding_idx, weight.shape[0])
    if max_norm is not None:
        _limit_rows(weight, input, max_norm, norm_type)
    if scale_grad_by_freq:
        return _gather_shared(weight, need_indices("embedding", input), skip)
    return gather_rows(weight, input, skip)


def padding_row(operation: str, padding_idx: int, rows: int) -> int:
    """The row meant by ``padding_idx``.

    Raises:
        ValueError: when it is not there.
    """
    if not -rows <= padding_idx < rows:
        raise ArgumentError(f"{operation}: padding_idx must be within the {rows} rows, got {padding_idx}")
    return padding_idx % rows


def _limit_rows(weight: Tensor, input: Tensor, max_norm: float, norm_type: float) -> None:
    """Scales the rows looked up down to ``max_norm``, in memory; nothing is recorded. Computed by NumPy."""
    engine.check_writable(weight, "embedding")
    index = need_indices("embedding", input).array
    if index.size and not 0 <= index.min() <= index.max() < weight.shape[0]:
        return  # the look-up says which number is wrong
    rows = np.unique(index)
    norms = np.linalg.norm(weight.array[rows], norm_type, axis=1)
    large = norms > max_norm
    if large.any():
        weight.array[rows[large]] *= (max_norm / (norms[large] + 1e-7)).astype(weight.dtype.numpy)[:, None]
        weight.version[0] += 1


def _gather_shared(table: Tensor, index: Tensor, skip: int) -> Tensor:
    """Rows of a table; the gradient of each is divided by how often it is looked up."""
    shape = table.shape

    def rule(grad: Tensor, index: Tensor) -> Tensor:
        counts = np.bincount(index.array.reshape(-1), minlength=shape[0])[index.array]
        share = engine.wrap(np.asarray(1 / counts, grad.dtype.numpy)[..., None])
        return scatter_rows_into_zeros(mul(grad, share), index, shape, skip)

    return record("embedding", gather_rows(table.detach(), index), (table,), (rule,), (index,))
