"""Tensors put together: along a dimension that they have, or along a new one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lucid import engine
from lucid.autograd.graph import Value, record
from lucid.errors import ArgumentError, KindError
from lucid.ops.elementwise import result_type
from lucid.ops.slicing import sliced
from lucid.ops.view import reshape, to_dtype, wrap_dim
from lucid.types import Tensor


def _tensors(operation: str, tensors: Any) -> tuple[Tensor, ...]:
    """What is to be joined, at least one tensor."""
    if isinstance(tensors, Value):
        raise KindError(f"{operation}: expected a sequence of tensors, got one tensor")
    found = tuple(tensors)
    if not found:
        raise ArgumentError(f"{operation}: expected at least one tensor")
    for x in found:
        if not isinstance(x, Value):
            raise KindError(f"{operation}: expected tensors, got {type(x).__name__}")
    return found


def cat(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors joined along ``dim``; their other sizes are the same.

    Args:
        tensors: a sequence; empty vectors among them are passed over.
        dim: the dimension.

    Returns:
        A tensor of their common number type (see :func:`lucid.result_type`).

    Raises:
        ValueError: for no tensors, or sizes that differ.

    Example:
        >>> import lucid
        >>> lucid.cat([lucid.ones(1, 2), lucid.zeros(2, 2)]).shape
        (3, 2)
    """
    tensors = _tensors("cat", tensors)
    parts = [x for x in tensors if x.shape != (0,)] or [tensors[0]]  # PyTorch lets empty vectors pass
    first = parts[0]
    dim = wrap_dim("cat", dim, len(first.shape))
    if not first.shape:
        raise ArgumentError("cat: 0-d tensors cannot be joined; use stack")
    for x in parts:
        if len(x.shape) != len(first.shape) or any(
            a != b for i, (a, b) in enumerate(zip(x.shape, first.shape, strict=True)) if i != dim
        ):
            raise ArgumentError(f"cat: shapes {first.shape} and {x.shape} differ in a dimension other than {dim}")
    kind = first.dtype
    if any(x.dtype is not kind for x in tensors):
        kind = result_type(*tensors)
        tensors = tuple(to_dtype(x, kind) for x in tensors)
    total = sum([x.shape[dim] for x in parts])
    out = engine.empty((*first.shape[:dim], total, *first.shape[dim + 1 :]), kind)
    inner = engine.dense_strides(out.shape)[dim]
    before = (slice(None),) * dim
    rules: list[Callable[..., Any]] = []
    start = 0
    for x in tensors:
        if x.shape == (0,) and len(first.shape) > 1:
            rules.append(_nothing)
            continue
        key = (*before, slice(start, start + x.shape[dim]))
        engine.copy_into(engine.view(out, out.array[key], start * inner), x)
        rules.append(lambda grad, key=key: sliced(grad, key))
        start += x.shape[dim]
    return record("cat", out, tensors, tuple(rules))


def _nothing(grad: Tensor) -> Tensor:
    """The gradient of an empty vector."""
    nothing: Tensor = sliced(reshape(grad, -1), slice(0, 0))
    return nothing


concat = concatenate = cat


def stack(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors of one shape joined along a new dimension.

    Raises:
        ValueError: for no tensors, or shapes that differ.

    Example:
        >>> import lucid
        >>> lucid.stack([lucid.tensor([1, 2]), lucid.tensor([3, 4])], dim=1).tolist()
        [[1, 3], [2, 4]]
    """
    tensors = _tensors("stack", tensors)
    shape = tensors[0].shape
    for x in tensors:
        if x.shape != shape:
            raise ArgumentError(f"stack: shapes {shape} and {x.shape} differ")
    dim = wrap_dim("stack", dim, len(shape) + 1)
    return cat([reshape(x, (*shape[:dim], 1, *shape[dim:])) for x in tensors], dim)


def _at_least(operation: str, ndim: int, place: Callable[[tuple[int, ...]], tuple[int, ...]]) -> Callable[..., Any]:
    def apply(*tensors: Any) -> Any:
        several = len(tensors) != 1 or not isinstance(tensors[0], Value)
        given = tensors[0] if several and len(tensors) == 1 else tensors
        for x in given:
            if not isinstance(x, Value):
                raise KindError(f"{operation}: expected tensors, got {type(x).__name__}")
        found = tuple(x if len(x.shape) >= ndim else reshape(x, place(x.shape)) for x in given)
        return found if several else found[0]

    apply.__name__ = apply.__qualname__ = operation
    apply.__doc__ = f"""The tensor, or each of several, with at least {ndim} dimensions: those it lacks have size 1."""
    return apply


def _three(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (1, *shape, 1) if len(shape) == 1 else (*shape, 1) if shape else (1, 1, 1)


atleast_1d = _at_least("atleast_1d", 1, lambda shape: (1,))
atleast_2d = _at_least("atleast_2d", 2, lambda shape: (1, *shape) if shape else (1, 1))
atleast_3d = _at_least("atleast_3d", 3, _three)


def hstack(tensors: Any) -> Tensor:
    """Tensors joined along dimension 1 (vectors and numbers: 0).

    Example:
        >>> import lucid
        >>> lucid.hstack([lucid.ones(2, 1), lucid.zeros(2, 2)]).tolist()
        [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """
    found = [atleast_1d(x) for x in _tensors("hstack", tensors)]
    return cat(found, 0 if len(found[0].shape) == 1 else 1)


def vstack(tensors: Any) -> Tensor:
    """Tensors joined along dimension 0, vectors as rows.

    Example:
        >>> import lucid
        >>> lucid.vstack([lucid.ones(2), lucid.zeros(2)]).tolist()
        [[1.0, 1.0], [0.0, 0.0]]
    """
    return cat([atleast_2d(x) for x in _tensors("vstack", tensors)], 0)


row_stack = vstack


def dstack(tensors: Any) -> Tensor:
    """Tensors joined along dimension 2, vectors as [1, n, 1] and matrices as [n, m, 1].

    Example:
        >>> import lucid
        >>> lucid.dstack([lucid.ones(2), lucid.zeros(2)]).tolist()
        [[[1.0, 0.0], [1.0, 0.0]]]
    """
    return cat([atleast_3d(x) for x in _tensors("dstack", tensors)], 2)


def column_stack(tensors: Any) -> Tensor:
    """Tensors joined along dimension 1, vectors and numbers as columns.

    Example:
        >>> import lucid
        >>> lucid.column_stack([lucid.ones(2), lucid.zeros(2)]).tolist()
        [[1.0, 0.0], [1.0, 0.0]]
    """
    return hstack([x if len(x.shape) > 1 else reshape(x, (-1, 1)) for x in _tensors("column_stack", tensors)])
