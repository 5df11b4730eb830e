"""Counting, choosing by rank, and tests of membership. The numbers are NumPy's work, the gradients flow as recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

from lucid import engine, return_types
from lucid.autograd.graph import Value
from lucid.errors import ArgumentError, KindError
from lucid.ops.combine import lerp
from lucid.ops.create import as_tensor
from lucid.ops.elementwise import need_tensor
from lucid.ops.index import gather
from lucid.ops.shape import movedim
from lucid.ops.sorting import nonzero, sort
from lucid.ops.view import reshape, squeeze, unsqueeze, wrap_dim
from lucid.types import Tensor


def argwhere(input: Tensor) -> Tensor:
    """Where the elements are not zero: int64 [count, dimensions]; as :func:`lucid.nonzero`.

    Example:
        >>> import lucid
        >>> lucid.argwhere(lucid.tensor([0, 5, 6])).tolist()
        [[1], [2]]
    """
    found: Tensor = nonzero(input)
    return found


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each number 0, 1, ... occurs; with weights, how much it weighs.

    Args:
        input: [n] of integers, not negative.
        weights: [n]; the result is then float64, for float32 weights float32.
        minlength: at least so many numbers are counted.

    Raises:
        ValueError: for negative numbers, or shapes that are not [n].
        TypeError: for numbers that are not integers.

    Example:
        >>> import lucid
        >>> lucid.bincount(lucid.tensor([1, 3, 1])).tolist()
        [0, 2, 0, 1]
    """
    need_tensor("bincount", input)
    if input.dtype.category != 1:
        raise KindError(f"bincount: expected integers, got {input.dtype}")
    if input.ndim != 1 or minlength < 0 or (input.array.size and input.array.min() < 0):
        raise ArgumentError(
            f"bincount: expected [n] of numbers 0 and up, and minlength 0 or more; got shape {input.shape}"
        )
    if weights is None:
        return engine.wrap(np.bincount(input.array, None, minlength).astype(np.int64))
    if weights.shape != input.shape:
        raise ArgumentError(f"bincount: weights have shape {weights.shape}, the input {input.shape}")
    kind = np.float32 if weights.dtype is engine.float32 else np.float64
    return engine.wrap(np.bincount(input.array, weights.array, minlength).astype(kind))


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element is one of ``test_elements``.

    Args:
        elements: a tensor or a number.
        test_elements: a tensor or a number.
        assume_unique: both have no number twice: faster.
        invert: whether it is none of them.

    Example:
        >>> import lucid
        >>> lucid.isin(lucid.tensor([[1, 2], [3, 4]]), lucid.tensor([2, 3])).tolist()
        [[False, True], [True, False]]
    """
    one, other = (x.array if isinstance(x, Value) else np.asarray(x) for x in (elements, test_elements))
    return engine.wrap(np.asarray(np.isin(one, other, assume_unique=assume_unique, invert=invert)))


def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> return_types.kthvalue:
    """The k-th smallest element along ``dim`` (k from 1), and where it stands; NaN counts as largest.

    Raises:
        ValueError: for a k that is not there.

    Example:
        >>> import lucid
        >>> lucid.kthvalue(lucid.tensor([3.0, 1.0, 2.0]), 2).values.item()
        2.0
    """
    dim = wrap_dim("kthvalue", dim, len(input.shape))
    size = input.shape[dim] if input.shape else 1
    if not 1 <= k <= size:
        raise ArgumentError(f"kthvalue: k must be from 1 to {size}, got {k}")
    values, indices = sort(input, dim, stable=True)
    if input.shape:
        here = (slice(None),) * dim + (slice(k - 1, k) if keepdim else k - 1,)
        values, indices = values[here], indices[here]
    return return_types.kthvalue(values, indices)


def quantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The numbers below which a share q of the elements lies.

    Args:
        input: float32 or float64.
        q: from 0 to 1; one, or [n] of them: then the result has a first dimension of n.
        dim: the dimension; all elements when None.
        keepdim: keep the dimension with size 1.
        interpolation: between the two elements around q · (n − 1): ``"linear"``, ``"lower"``, ``"higher"``,
            ``"nearest"`` or ``"midpoint"``.

    Raises:
        TypeError: for integers.
        ValueError: for a q or an interpolation that is not there, or no elements.

    A slice with a NaN has NaN for its quantiles.

    Example:
        >>> import lucid
        >>> lucid.quantile(lucid.tensor([1.0, 2.0, 4.0]), lucid.tensor([0.5, 0.75])).tolist()
        [2.0, 3.0]
    """
    need_tensor("quantile", input)
    if not input.dtype.is_floating_point:
        raise KindError(f"quantile: expects floating-point numbers, got {input.dtype}; convert with .float() first")
    shares: Any = q if isinstance(q, Value) else as_tensor(q, dtype=input.dtype)
    if shares.dtype is not input.dtype or len(shares.shape) > 1:
        raise ArgumentError("quantile: q must be a number or [n] of the input's number type")
    if not ((shares.array >= 0) & (shares.array <= 1)).all():
        raise ArgumentError("quantile: q must be from 0 to 1")
    x = reshape(input, -1) if dim is None else movedim(input, dim, -1)
    x = reshape(x, 1) if not x.shape else x
    if not x.shape[-1]:
        raise ArgumentError(f"quantile: there are no elements in shape {input.shape}")
    ordered = sort(x, -1).values
    place = np.atleast_1d(shares.array).astype(np.float64) * (x.shape[-1] - 1)
    low, high = np.floor(place), np.ceil(place)
    share = place - low
    if interpolation in ("lower", "higher", "nearest"):
        low = high = {"lower": low, "higher": high, "nearest": np.rint(place)}[interpolation]
    elif interpolation == "midpoint":
        share = np.where(share > 0, 0.5, 0.0)
    elif interpolation != "linear":
        raise ArgumentError(f"quantile: interpolation {interpolation!r} is not there; see its documentation")
    spoiled = np.isnan(x.array).any(-1, keepdims=True)  # NaN is the largest, so there it is the last
    low, high = (np.where(spoiled, x.shape[-1] - 1, one) for one in (low, high))
    found = lerp(_at(ordered, low), _at(ordered, high), engine.wrap(share.astype(input.dtype.numpy)))
    found = movedim(found, -1, 0)
    if keepdim and dim is None:
        found = reshape(found, found.shape[0], *(1 for _ in input.shape))
    elif keepdim:
        found = unsqueeze(found, wrap_dim("quantile", dim or 0, len(input.shape)) + 1)
    return found if shares.shape else squeeze(found, 0)


def _at(ordered: Tensor, place: np.ndarray) -> Tensor:
    """The elements at given places of the last dimension."""
    return gather(ordered, -1, engine.wrap(np.ascontiguousarray(place, np.int64)))
