"""Tensors taken apart along a dimension: several views at once, whose gradients are joined again."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from lucid import engine
from lucid.autograd.graph import Value
from lucid.autograd.views import attach_several
from lucid.errors import ArgumentError, KindError
from lucid.ops.joining import cat, stack
from lucid.ops.slicing import size_along, sliced
from lucid.ops.view import wrap_dim
from lucid.types import Tensor


def _pieces(name: str, input: Tensor, dim: int, bounds: Sequence[int]) -> tuple[Tensor, ...]:
    """Views between neighbouring bounds along ``dim``."""
    array, kind, before = input.array, input.dtype, (slice(None),) * dim
    step = (input.strides or engine.dense_strides(input.shape))[dim]
    views = tuple([engine.view(input, array[before + (slice(a, b),)], a * step) for a, b in pairwise(bounds)])
    shapes = [view.shape for view in views]

    def rule(grads: list[Any]) -> Tensor:
        return cat([_zeros_for(g, s, kind) for g, s in zip(grads, shapes, strict=True)], dim)

    return attach_several(name, views, input, rule)


def _zeros_for(grad: Tensor | None, shape: tuple[int, ...], kind: engine.dtype) -> Tensor:
    """The gradient of a view, or zeros where it was not used."""
    if grad is None:
        grad = engine.zeros(shape, kind)
    return grad


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of ``split_size`` slices each along ``dim`` (the last may be shorter), or of the listed lengths.

    Raises:
        ValueError: for lengths that do not add up to the size.

    Example:
        >>> import lucid
        >>> [x.tolist() for x in lucid.arange(5).split(2)]
        [[0, 1], [2, 3], [4]]
    """
    size = size_along("split", tensor, dim)
    if not isinstance(split_size_or_sections, int):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    step = split_size_or_sections
    if step < 0 or (step == 0 and size):
        raise ArgumentError(f"split: split_size must be positive, got {step}")
    bounds = [*range(0, size, step or 1), size] if size else [0, 0]
    return _pieces("split", tensor, wrap_dim("split", dim, len(tensor.shape)), bounds)


def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of the listed lengths along ``dim``; they add up to its size.

    Raises:
        ValueError: when they do not.
    """
    size = size_along("split", input, dim)
    lengths = [operator.index(n) for n in split_sizes]
    if sum(lengths) != size or min(lengths, default=0) < 0:
        raise ArgumentError(f"split: sections {lengths} do not add up to size {size}")
    bounds = [0]
    for n in lengths:
        bounds.append(bounds[-1] + n)
    return _pieces("split", input, wrap_dim("split", dim, len(input.shape)), bounds)


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most ``chunks`` views of equal length along ``dim`` (the last may be shorter).

    Example:
        >>> import lucid
        >>> [x.tolist() for x in lucid.arange(5).chunk(2)]
        [[0, 1, 2], [3, 4]]
    """
    if chunks <= 0:
        raise ArgumentError(f"chunk: chunks must be positive, got {chunks}")
    size = size_along("chunk", input, dim)
    return split(input, -(-size // chunks) if size else [0] * chunks, dim)


def tensor_split(
    input: Tensor, indices_or_sections: Any = None, dim: int = 0, *, indices: Any = None, sections: Any = None
) -> tuple[Tensor, ...]:
    """Views along ``dim``: of nearly equal lengths (the longer ones first), or cut at the listed places.

    Args:
        input: [at least one dimension].
        indices_or_sections: how many, as a number; or where to cut, as a sequence of numbers; or a tensor of either.
        dim: the dimension.
        indices: where to cut.
        sections: how many.

    Raises:
        ValueError: for a number that is not positive.

    Example:
        >>> import lucid
        >>> [x.tolist() for x in lucid.arange(5).tensor_split(3)]
        [[0, 1], [2, 3], [4]]
        >>> [x.tolist() for x in lucid.arange(5).tensor_split((1, 3))]
        [[0], [1, 2], [3, 4]]
    """
    given = [x for x in (indices_or_sections, indices, sections) if x is not None]
    if len(given) != 1:
        raise KindError("tensor_split: give a number of sections or the indices to cut at")
    return _split_as_numpy("tensor_split", input, given[0], dim)


def _split_as_numpy(name: str, input: Tensor, where: Any, dim: int) -> tuple[Tensor, ...]:
    size = size_along(name, input, dim)
    dim = wrap_dim(name, dim, len(input.shape))
    if isinstance(where, Value):
        if where.dtype.is_floating_point or len(where.shape) > 1:
            raise ArgumentError(f"{name}: expected integers, one or a vector, got {where.dtype} {where.shape}")
        where = where.array.tolist()
    if isinstance(where, int):
        if where <= 0:
            raise ArgumentError(f"{name}: the number of sections must be positive, got {where}")
        part, more = divmod(size, where)
        bounds = [i * part + min(i, more) for i in range(where + 1)]
        return _pieces(name, input, dim, bounds)
    # Cuts that go back give empty parts; such lists are not bounds of pieces, so each part is a slice of its own.
    cuts = [slice(None, operator.index(i)).indices(size)[1] for i in where]
    if cuts == sorted(cuts):
        return _pieces(name, input, dim, [0, *cuts, size])
    before, ends = (slice(None),) * dim, [0, *cuts, size]
    return tuple(sliced(input, (*before, slice(a, max(a, b)))) for a, b in pairwise(ends))


def _even_split(name: str, input: Tensor, where: Any, dim: int, needed: int) -> tuple[Tensor, ...]:
    """hsplit and its like: a number must divide the size."""
    if len(input.shape) < needed:
        raise ArgumentError(f"{name}: expects at least {needed} dimensions, got shape {input.shape}")
    if isinstance(where, int) and (where <= 0 or input.shape[dim] % where):
        raise ArgumentError(
            f"{name}: size {input.shape[dim]} of dimension {dim} cannot be cut into {where} equal parts"
        )
    return _split_as_numpy(name, input, where, dim)


def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """As :func:`tensor_split` along dimension 1 (0 of a vector), in equal parts or cut at the listed places.

    Raises:
        ValueError: when the number does not divide the size.
    """
    return _even_split("hsplit", input, indices_or_sections, 1 if len(input.shape) > 1 else 0, 1)


def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """As :func:`tensor_split` along dimension 0 of at least two, in equal parts or cut at the listed places.

    Raises:
        ValueError: when the number does not divide the size.
    """
    return _even_split("vsplit", input, indices_or_sections, 0, 2)


def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """As :func:`tensor_split` along dimension 2, in equal parts or cut at the listed places.

    Raises:
        ValueError: when the number does not divide the size.
    """
    return _even_split("dsplit", input, indices_or_sections, 2, 3)


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """All slices along ``dim``, as views without that dimension.

    Example:
        >>> import lucid
        >>> [x.tolist() for x in lucid.tensor([[1, 2], [3, 4]]).unbind()]
        [[1, 2], [3, 4]]
    """
    size = size_along("unbind", input, dim)
    dim = wrap_dim("unbind", dim, len(input.shape))
    array, kind, before = input.array, input.dtype, (slice(None),) * dim
    step = (input.strides or engine.dense_strides(input.shape))[dim]
    shape = (*input.shape[:dim], *input.shape[dim + 1 :])
    views = tuple([engine.view(input, array[before + (i, ...)], i * step) for i in range(size)])

    def rule(grads: list[Any]) -> Tensor:
        return stack([_zeros_for(g, shape, kind) for g in grads], dim)

    return attach_several("unbind", views, input, rule)
