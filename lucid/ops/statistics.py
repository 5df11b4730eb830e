"""Medians, and reductions that pass over NaN or count."""

from __future__ import annotations

from typing import Any, overload

import numpy as np

from lucid import engine, return_types
from lucid.autograd.graph import record
from lucid.ops.arithmetic import div, eq, logical_or, mul, where
from lucid.ops.broadcast import Dims, reduction, sum
from lucid.ops.index import gather
from lucid.ops.predicates import isnan
from lucid.ops.reduce import _need_elements, mean, refuse_bools
from lucid.ops.slicing import select
from lucid.ops.view import to_dtype, wrap_dim
from lucid.types import Tensor


def nansum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum over ``dim`` with 0 in place of NaN; arguments as :func:`sum`.

    Example:
        >>> import lucid
        >>> lucid.tensor([1.0, float("nan"), 2.0]).nansum().item()
        3.0
    """
    if input.dtype.is_floating_point:
        input = where(isnan(input), 0.0, input)
    return sum(input, dim, keepdim, dtype=dtype)


def nanmean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The arithmetic mean over ``dim`` of what is not NaN; arguments as :func:`mean`."""
    if dtype is not None:
        input = to_dtype(input, dtype)
    if not input.dtype.is_floating_point:
        return mean(input, dim, keepdim)  # which says what is wrong
    return div(nansum(input, dim, keepdim), sum(to_dtype(eq(input, input.detach()), input.dtype), dim, keepdim))


def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many elements over ``dim`` are not zero, as int64. Computed by NumPy."""
    plan = reduction("count_nonzero", input.shape, dim, False)
    found = np.count_nonzero(input.array, None if len(plan.dims) == len(input.shape) else plan.dims)
    return engine.wrap(np.asarray(found, np.int64).reshape(plan.shape))


def _median_places(array: np.ndarray[Any, Any], skip_nan: bool) -> np.ndarray[Any, Any]:
    """Where the medians along the last dimension stand: the lower of two middles, equals in the order they stand in.

    Where NaN counts, and where there is nothing else, the first NaN.
    """
    missing = np.isnan(array)
    if missing.any():
        counted = array.shape[-1] - (missing.sum(-1) if skip_nan else 0)
        ordered = np.sort(array, -1)  # NaN comes last
        middle = np.broadcast_to((np.maximum(counted, 1) - 1) // 2, array.shape[:-1])[..., None]
        values = np.take_along_axis(ordered, middle, -1)
        if not skip_nan:
            values = np.where(missing.any(-1, keepdims=True), np.nan, values)
    else:
        half = (array.shape[-1] - 1) // 2
        middle = np.full((*array.shape[:-1], 1), half)
        values = np.partition(array, half, -1)[..., half : half + 1]
    unknown = np.isnan(values)
    which = np.where(unknown, 0, middle - (array < values).sum(-1, keepdims=True))  # of the equals
    places: np.ndarray = (np.where(unknown, missing, array == values).cumsum(-1) == which + 1).argmax(-1)
    return places


def _median(name: str, input: Tensor, dim: int | None, keepdim: bool) -> Any:
    skip_nan = name == "nanmedian"
    if dim is None:
        flat = input.array.reshape(-1)
        if not flat.size:
            nothing = engine.wrap(np.asarray(np.nan, input.dtype.numpy))
            return record(name, nothing, (input,), (lambda grad, x: mul(x, 0.0),), (input,))
        refuse_bools(name, input)
        out = engine.wrap(np.array(flat[_median_places(flat, skip_nan)]))

        def rule(grad: Tensor, x: Tensor, out: Tensor) -> Tensor:  # equals share the gradient
            chosen = eq(x, out)
            if np.isnan(out.array):
                chosen = logical_or(chosen, isnan(x))
            share = to_dtype(chosen, x.dtype)
            return mul(share, div(grad, sum(share)))

        return record(name, out, (input,), (rule,), (input, None), output=1)
    dim = wrap_dim(name, dim, len(input.shape))
    plan = reduction(name, input.shape, dim, True)
    _need_elements(name, input, plan)
    refuse_bools(name, input)
    array = input.array.reshape(input.shape or (1,))
    places = np.expand_dims(_median_places(np.moveaxis(array, dim, -1), skip_nan), dim)
    indices = engine.wrap(np.ascontiguousarray(places, np.int64).reshape(plan.shape))
    values = gather(input, dim, indices)
    if not keepdim and input.shape:
        values, indices = select(values, dim, 0), select(indices, dim, 0)
    return (return_types.nanmedian if skip_nan else return_types.median)(values, indices)


@overload
def median(input: Tensor, dim: None = None, keepdim: bool = False) -> Tensor: ...
@overload
def median(input: Tensor, dim: int, keepdim: bool = False) -> return_types.median: ...
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor | return_types.median:
    """The middle number in order of size, the lower one of two; NaN where there is one. Sorted by NumPy.

    Without ``dim`` one number of all elements, and equals share the gradient; with ``dim`` the tuple (values, indices)
    along it, and the gradient goes to one index.

    Raises:
        ValueError: along a dimension of size 0.

    Example:
        >>> import lucid
        >>> lucid.tensor([[3.0, 1.0, 2.0], [6.0, 5.0, 4.0]]).median(1).values.tolist()
        [2.0, 5.0]
    """
    found: Tensor | return_types.median = _median("median", input, dim, keepdim)
    return found


@overload
def nanmedian(input: Tensor, dim: None = None, keepdim: bool = False) -> Tensor: ...
@overload
def nanmedian(input: Tensor, dim: int, keepdim: bool = False) -> return_types.nanmedian: ...
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor | return_types.nanmedian:
    """The median of what is not NaN; as :func:`median`."""
    found: Tensor | return_types.nanmedian = _median("nanmedian", input, dim, keepdim)
    return found
