"""Tensors put together: along a dimension that they have, or along a new one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lucid import engine
from lucid.autograd.graph import Value, record
from lucid.errors import ArgumentError, KindError
from lucid.ops.elementwise import result_type
from lucid.ops.slicing import select, sliced
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


def _of_one_type(tensors: tuple[Tensor, ...], kind: engine.dtype) -> tuple[Tensor, ...]:
    """The tensors in their common number type; ``kind`` is that of the first."""
    for x in tensors:
        if x.dtype is not kind:
            kind = result_type(*tensors)
            return tuple([to_dtype(x, kind) for x in tensors])
    return tensors


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
    first = tensors[0]
    if first.shape == (0,):  # PyTorch lets empty vectors pass
        first = next((x for x in tensors if x.shape != (0,)), first)
    shape, kind = first.shape, first.dtype
    dim = wrap_dim("cat", dim, len(shape))
    if not shape:
        raise ArgumentError("cat: 0-d tensors cannot be joined; use stack")
    before, after = shape[:dim], shape[dim + 1 :]
    total, widths = 0, []
    for x in tensors:
        size = x.shape
        if size == shape or (len(size) == len(shape) and size[:dim] == before and size[dim + 1 :] == after):
            total += size[dim]
            widths.append((size[dim], x.requires_grad))
        elif size == (0,):
            widths.append((None, x.requires_grad))
        else:
            raise ArgumentError(f"cat: shapes {shape} and {size} differ in a dimension other than {dim}")
    tensors = _of_one_type(tensors, kind)
    out = engine.joined(tensors, (*before, total, *after), dim)
    return record("cat", out, tensors, lambda grad: _taken_apart(grad, widths, dim))


def _taken_apart(grad: Tensor, widths: list[tuple[int | None, bool]], dim: int) -> list[Tensor]:
    """The gradient of each joined tensor, by its size along ``dim`` (None: it was passed over), where it is wanted."""
    whole, start = (slice(None),) * dim, 0
    found: list[Any] = []
    for width, wanted in widths:
        stop = start + (width or 0)
        if not wanted:
            found.append(None)
        elif width is None:
            found.append(sliced(reshape(grad, -1), slice(0, 0)))
        else:
            found.append(sliced(grad, (*whole, slice(start, stop))))
        start = stop
    return found


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
    tensors = _of_one_type(tensors, tensors[0].dtype)
    out = engine.joined(tensors, (*shape[:dim], len(tensors), *shape[dim:]), dim)
    wanted = [x.requires_grad for x in tensors]
    rules = lambda grad: [select(grad, dim, i) if wants else None for i, wants in enumerate(wanted)]  # noqa: E731
    return record("stack", out, tensors, rules)


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
