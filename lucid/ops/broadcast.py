"""Broadcasting and summing: each is the other's derivative.

An elementwise operation on two shapes is written as ``expand`` (a view by strides of 0) followed by the operation on one
shape, so that no other derivative rule has to think of broadcasting.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import record
from lucid.ops.view import reshape, sizes, to_dtype, wrap_dim

Tensor = Any
Dims = Any  # int, a sequence of ints, or None for all

_sum = engine.kernels("sum")


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that all the given ones broadcast to.

    Raises:
        ValueError: when they do not fit.

    Example:
        >>> import lucid
        >>> lucid.broadcast_shapes((3, 1), (4,))
        (3, 4)
    """
    ndim = max(map(len, shapes), default=0)
    result = [1] * ndim
    for shape in shapes:
        for i, size in enumerate(shape, ndim - len(shape)):
            if size != 1 and size != result[i]:
                if result[i] != 1:
                    raise ValueError(
                        f"shapes {' and '.join(map(str, shapes))} do not broadcast: "
                        f"sizes {result[i]} and {size} meet in dimension {i - ndim}"
                    )
                result[i] = size
    return tuple(result)


def expand(input: Tensor, *size: Any) -> Tensor:
    """A view in which dimensions of size 1 (and new ones in front) are repeated without copying.

    Args:
        input: [any shape].
        size: the new shape, as numbers or one sequence; -1 keeps a size.

    Raises:
        ValueError: when a dimension to be repeated is not of size 1.

    Example:
        >>> import lucid
        >>> lucid.tensor([[1.0], [2.0]]).expand(2, 3).tolist()
        [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]
    """
    before, wanted = input.shape, sizes(size)
    lead = len(wanted) - len(before)
    shape = tuple(before[i - lead] if s == -1 and i >= lead else s for i, s in enumerate(wanted))
    if lead < 0 or any(s < 0 for s in shape) or any(b not in (1, s) for b, s in zip(before, shape[lead:], strict=True)):
        raise ValueError(f"expand: shape {before} cannot be expanded to {wanted}")
    if shape == before:
        return reshape(input, before)
    return record("expand", engine.expand(input, shape), (input,), (lambda grad: sum_to_size(grad, before),))


def broadcast_to(input: Tensor, shape: Any) -> Tensor:
    """As :func:`expand`, with the shape as one sequence."""
    return expand(input, shape)


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor expanded to the shape of ``other``."""
    return expand(input, other.shape)


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors expanded to the shape they broadcast to."""
    shape = broadcast_shapes(*(x.shape for x in tensors))
    return tuple(expand(x, shape) for x in tensors)


def reduced_dims(operation: str, dim: Dims, ndim: int) -> tuple[int, ...]:
    """The dimensions to reduce over, in order.

    Raises:
        IndexError: for a dimension that is not there.
        ValueError: for one named twice.
    """
    if dim is None:
        return tuple(range(ndim))
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    if not dims:
        return tuple(range(ndim))
    found = sorted(wrap_dim(operation, d, ndim) for d in dims)
    if len(set(found)) < len(found):
        raise ValueError(f"{operation}: a dimension appears twice in dim={dim}")
    return tuple(found) if ndim else ()


def reduced_shape(shape: tuple[int, ...], dims: tuple[int, ...], keepdim: bool) -> tuple[int, ...]:
    """The shape after reducing over ``dims``."""
    if keepdim:
        return tuple(1 if i in dims else s for i, s in enumerate(shape))
    return tuple(s for i, s in enumerate(shape) if i not in dims)


def as_block(input: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, int, int, int]:
    """The tensor, contiguous, with the dimensions to reduce next to each other; and (outer, n, inner).

    Dimensions that are apart are brought together at the end, by a copy.
    """
    ndim = len(input.shape)
    if not dims:
        return engine.contiguous(input), input.array.size, 1, 1
    first, last = dims[0], dims[-1]
    if last - first + 1 != len(dims):
        kept = [d for d in range(ndim) if d not in dims]
        input = engine.view(input, input.array.transpose([*kept, *dims]))
        first, last = len(kept), ndim - 1
    return engine.contiguous(input), *engine.reduce_shape(input.shape, first, last)


def sum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum over ``dim`` (all dimensions when None). Integers and bools are summed in int64.

    Args:
        input: [any shape].
        dim: a dimension or several.
        keepdim: keep the reduced dimensions with size 1.
        dtype: convert to this number type first.

    Example:
        >>> import lucid
        >>> x = lucid.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> x.sum().item(), x.sum(0).tolist(), x.sum(1, keepdim=True).tolist()
        (10.0, [4.0, 6.0], [[3.0], [7.0]])
    """
    if dtype is not None:
        input = to_dtype(input, dtype)
    before = input.shape
    dims = reduced_dims("sum", dim, len(before))
    shape = reduced_shape(before, dims, keepdim)
    if not input.dtype.is_floating_point:
        kind = engine.int64 if dtype is None else input.dtype
        return engine.wrap(np.asarray(input.array.sum(dims, kind.numpy)).reshape(shape))
    block, outer, n, inner = as_block(input, dims)
    out = engine.empty(shape, input.dtype)
    _sum[input.dtype](outer, n, inner, block.pointer, out.pointer)
    kept = reduced_shape(before, dims, True)
    return record("sum", out, (input,), (lambda grad: expand(reshape(grad, kept), before),))


def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """Sums the dimensions in which ``size`` was broadcast to the input's shape.

    Raises:
        ValueError: when ``size`` does not broadcast to it.

    Example:
        >>> import lucid
        >>> lucid.ones(2, 3).sum_to_size(1, 3).tolist()
        [[2.0, 2.0, 2.0]]
    """
    shape, wanted = input.shape, sizes(size)
    lead = len(shape) - len(wanted)
    if lead < 0 or any(w not in (1, s) for s, w in zip(shape[lead:], wanted, strict=True)):
        raise ValueError(f"sum_to_size: {wanted} does not broadcast to {shape}")
    if shape == wanted:
        return input
    dims = tuple(range(lead)) + tuple(i for i in range(lead, len(shape)) if wanted[i - lead] == 1 and shape[i] != 1)
    if not dims:
        return reshape(input, wanted)
    out = sum(input, dims, keepdim=not lead)
    return out if out.shape == wanted else reshape(out, wanted)

