"""Broadcasting and summing: each is the other's derivative.

An elementwise operation on two shapes is written as ``expand`` (a view by strides of 0) followed by the operation on
one shape, so that no other derivative rule has to think of broadcasting.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import record
from lucid.autograd.views import view_of
from lucid.errors import ArgumentError
from lucid.ops.refusal import refuses
from lucid.ops.view import reshape, sizes, to_dtype, wrap_dim
from lucid.types import Tensor

Dims = Any  # int, a sequence of ints, or None for all

_sum = engine.kernels("sum")


@functools.lru_cache(maxsize=4096)
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
                    raise ArgumentError(
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
    shape = _expanded_shape(input.shape, sizes(size))
    return spread(input, shape) if shape != input.shape else reshape(input, shape)


@functools.lru_cache(maxsize=4096)
def _expanded_shape(before: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[int, ...]:
    lead = len(wanted) - len(before)
    shape = tuple(before[i - lead] if s == -1 and i >= lead else s for i, s in enumerate(wanted))
    if lead < 0 or any(s < 0 for s in shape) or any(b not in (1, s) for b, s in zip(before, shape[lead:], strict=True)):
        raise ArgumentError(f"expand: shape {before} cannot be expanded to {wanted}")
    return shape


def spread(input: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The tensor expanded to a shape that is known to fit."""
    before = input.shape
    array, strides = engine.expanded(input, shape)
    return view_of("expand", input, array, shape, strides, 0, lambda grad: sum_to_size(grad, before))


def broadcast_to(input: Tensor, shape: Any) -> Tensor:
    """As :func:`expand`, with the shape as one sequence."""
    return expand(input, shape)


@refuses
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor expanded to the shape of ``other``."""
    return expand(input, other.shape)


@refuses
def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors expanded to the shape they broadcast to."""
    shape = broadcast_shapes(*(x.shape for x in tensors))
    return tuple(expand(x, shape) for x in tensors)


class Reduction:
    """How one reduction of one shape is laid out.

    Attributes:
        dims: the dimensions reduced over, in order.
        shape: the shape of the result.
        kept: that shape with the reduced dimensions as 1.
        outer, n, inner: the sizes before, of, and after the reduced dimensions.
        order: None when those are next to each other, else the order of dimensions that brings them to the end.
        steps: (outer, n, inner) of the groups of reduced dimensions that are next to each other, the last group first,
            each as it is when the groups after it are gone.
        spreads: whether the result, as it is, broadcasts back to the input's shape.
    """

    __slots__ = ("dims", "inner", "kept", "n", "order", "outer", "shape", "spreads", "steps")

    def __init__(self, operation: str, shape: tuple[int, ...], dim: Dims, keepdim: bool) -> None:
        ndim = len(shape)
        dims = [dim] if isinstance(dim, int) else [] if dim is None else list(dim)
        found = sorted(wrap_dim(operation, d, ndim) for d in dims) or list(range(ndim))
        if len(set(found)) < len(found):
            raise ArgumentError(f"{operation}: a dimension appears twice in dim={dim}")
        self.dims = tuple(found) if ndim else ()
        self.kept = tuple(1 if i in self.dims else s for i, s in enumerate(shape))
        self.shape = self.kept if keepdim else tuple(s for i, s in enumerate(shape) if i not in self.dims)
        self.spreads = keepdim or self.dims == tuple(range(len(self.dims)))
        self.order: tuple[int, ...] | None = None
        self.steps: tuple[tuple[int, int, int], ...] = ()
        if self.dims and self.dims[-1] - self.dims[0] + 1 != len(self.dims):
            self.order = self.to_the_end(ndim)
            self.steps = self._groups(shape)
            shape = tuple(shape[d] for d in self.order)
        first = ndim - len(self.dims) if self.order else self.dims[0] if self.dims else 0
        self.outer, self.n, self.inner = engine.reduce_shape(shape, first, first + len(self.dims) - 1)

    def _groups(self, shape: tuple[int, ...]) -> tuple[tuple[int, int, int], ...]:
        found, sizes, last = [], list(shape), len(self.dims) - 1
        while last >= 0:
            first = last
            while first and self.dims[first - 1] == self.dims[first] - 1:
                first -= 1
            begin, end = self.dims[first], self.dims[last]
            found.append(engine.reduce_shape(tuple(sizes), begin, end))
            sizes[begin : end + 1] = [1] * (end + 1 - begin)
            last = first - 1
        return tuple(found)

    def run(self, kernel: Any, input: Tensor, out: Tensor) -> None:
        """Calls ``kernel(outer, n, inner, x, out)``, group by group where that saves a copy in another order."""
        if self.order is None or input.strides is not None:
            kernel(self.outer, self.n, self.inner, self.block(input).pointer, out.pointer)
            return
        for outer, n, inner in self.steps[:-1]:
            part = engine.empty((outer, inner), input.dtype)
            kernel(outer, n, inner, input.pointer, part.pointer)
            input = part
        kernel(*self.steps[-1], input.pointer, out.pointer)

    def to_the_end(self, ndim: int) -> tuple[int, ...]:
        """The order of dimensions that brings the reduced ones to the end."""
        return (*(d for d in range(ndim) if d not in self.dims), *self.dims)

    def block(self, input: Tensor) -> Tensor:
        """The tensor in contiguous memory with the reduced dimensions next to each other."""
        if self.order is None and input.strides is None:
            return input
        if self.order is not None:
            input = engine.same_start(input, input.array.transpose(self.order))
        return engine.contiguous(input)

    def back(self, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        """A result of the reduction, expanded to the input's shape."""
        return spread(x if self.spreads else reshape(x, self.kept), shape)


_known_reduction = functools.lru_cache(maxsize=4096)(Reduction)


def reduction(operation: str, shape: tuple[int, ...], dim: Dims, keepdim: bool) -> Reduction:
    """The layout of reducing ``shape`` over ``dim``: an int, several, or all when None or empty.

    Raises:
        IndexError: for a dimension that is not there.
        ValueError: for one named twice.
    """
    try:
        return _known_reduction(operation, shape, dim, keepdim)
    except TypeError:
        if not isinstance(dim, list):
            raise
        return _known_reduction(operation, shape, tuple(dim), keepdim)


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
    plan = reduction("sum", before, dim, keepdim)
    kernel = _sum.get(input.dtype)
    if kernel is None:
        kind = engine.int64 if dtype is None else input.dtype
        return engine.wrap(np.asarray(input.array.sum(plan.dims, kind.numpy)).reshape(plan.shape))
    out = engine.empty(plan.shape, input.dtype)
    if plan.order is None:
        kernel(plan.outer, plan.n, plan.inner, plan.block(input).pointer, out.pointer)
    else:
        plan.run(kernel, input, out)
    return record("sum", out, (input,), (lambda grad: plan.back(grad, before),))


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
    if shape == wanted:
        return input
    dims, keepdim = _dims_to_sum(shape, wanted)
    if not dims:
        return reshape(input, wanted)
    out = sum(input, dims, keepdim)
    return out if out.shape == wanted else reshape(out, wanted)


@functools.lru_cache(maxsize=4096)
def _dims_to_sum(shape: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[tuple[int, ...], bool]:
    """The dimensions in which ``wanted`` was broadcast to ``shape``, and whether they stay as 1."""
    lead = len(shape) - len(wanted)
    if lead < 0 or any(w not in (1, s) for s, w in zip(shape[lead:], wanted, strict=True)):
        raise ArgumentError(f"sum_to_size: {wanted} does not broadcast to {shape}")
    inside = (i for i in range(lead, len(shape)) if wanted[i - lead] == 1 and shape[i] != 1)
    return (*range(lead), *inside), not lead
