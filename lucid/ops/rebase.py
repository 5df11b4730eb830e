"""In-place changes and the graph: a changed tensor gets a new place there, and so do all that show the same memory.

``x.add_(y)`` is recorded like ``x + y``, and x takes the place of the result. Where x is a view, its base is what
changed: the base's new place has two ways back, one for what the view does not show (the gradient with zeros where the
view stands) and one for what was written (the gradient where the view stands). Every view of the base is then a view
of the changed base.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lucid import engine
from lucid.autograd.graph import Node, Value, edge_of, needs_graph, record
from lucid.autograd.views import views_of
from lucid.errors import KindError
from lucid.ops.view import clone
from lucid.types import Tensor

_gather_rows, _scatter_add_rows = engine.kernels("gather_rows"), engine.kernels("scatter_add_rows")
_index_copy = engine.kernels("index_copy")


# ---------------------------------------------------------------------------------------------------------------------
# A part of a tensor, by where it stands: three operations, each the derivative of another or of itself


class Window(NamedTuple):
    """Where a view stands in its base.

    Attributes:
        whole: the shape of the base.
        shape: the shape of the view.
        strides: the view's steps in a contiguous tensor of the base's shape.
        offset: the number of its first element there.
        index: instead of strides and offset, where those do not tell: the number of each element.
    """

    whole: tuple[int, ...]
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    index: Any = None


def window_of(view: Tensor, base: Tensor) -> Window | None:
    """Where ``view`` stands in ``base``; None when its memory is not the base's any more."""
    offset = engine.offset_in(base, view)
    if offset is None:
        return None
    strides = view.strides or engine.dense_strides(view.shape)
    if base.strides is None and not engine.may_overlap(view.shape, strides):
        return Window(base.shape, view.shape, strides, offset)
    # The numbers 0, 1, ... of the base's elements, written into memory of the same layout and read as the view reads.
    base_strides = base.strides or engine.dense_strides(base.shape)
    reach = 1 + sum((n - 1) * step for n, step in zip(base.shape, base_strides, strict=True) if n)
    numbers = np.zeros(reach, np.int64)
    as_strided = np.lib.stride_tricks.as_strided
    count = int(np.prod(base.shape))
    as_strided(numbers, base.shape, [8 * s for s in base_strides])[...] = np.arange(count).reshape(base.shape)
    index = np.array(as_strided(numbers[offset:], view.shape, [8 * s for s in strides]), order="C")
    return Window(base.shape, view.shape, strides, offset, engine.wrap(index))


def window(x: Tensor, place: Window) -> Tensor:
    """The part of ``x`` at ``place``."""
    x_dense = engine.contiguous(x)
    if place.index is None:
        out = engine.contiguous(engine.strided(x_dense, place.shape, place.strides, place.offset))
    else:
        out = engine.empty(place.shape, x.dtype)
        size = x_dense.array.size
        _gather_rows[x.dtype](out.array.size, 1, size, x_dense.pointer, place.index.pointer, out.pointer)
    return record("window", out, (x,), (lambda grad: window_into_zeros(grad, place),))


def window_into_zeros(x: Tensor, place: Window) -> Tensor:
    """Zeros with ``x`` added at ``place``."""
    out = engine.zeros(place.whole, x.dtype)
    if place.index is None:
        engine.copy_into(engine.strided(out, place.shape, place.strides, place.offset), x)
    else:
        dense, index = engine.contiguous(x), place.index
        size = out.array.size
        _scatter_add_rows[x.dtype](index.array.size, 1, size, dense.pointer, index.pointer, -1, out.pointer)
    return record("window_into_zeros", out, (x,), (lambda grad: window(grad, place),))


def window_cleared(x: Tensor, place: Window) -> Tensor:
    """A copy of ``x`` with zeros at ``place``."""
    out = engine.copy(x)
    if place.index is None:
        engine.fill(engine.strided(out, place.shape, place.strides, place.offset), 0)
    else:
        index, size = place.index, out.array.size
        _index_copy[x.dtype](1, size, 1, index.array.size, engine.NULL, 0.0, index.pointer, out.pointer)
    return record("window_cleared", out, (x,), (lambda grad: window_cleared(grad, place),))


# ---------------------------------------------------------------------------------------------------------------------
# The change


def may_change(name: str, input: Tensor, *others: Any) -> bool:
    """Checks that ``input`` may be written to; says whether the change must be recorded.

    Raises:
        RuntimeError: for read-only and expanded memory; while recording, for a leaf that requires a gradient, a view
            of one, and a view that cannot be followed.
    """
    if not isinstance(input, Value):
        raise KindError(f"{name}: expected a tensor, got {type(input).__name__}")
    engine.check_writable(input, name)
    recorded = needs_graph(input, *others)
    if not recorded or not input.dtype.is_floating_point:
        return False
    if input.base is not None and (reason := getattr(input, "restriction", None)):
        raise RuntimeError(f"{name}: {reason}")
    root = input if input.base is None else input.base
    if root.requires_grad and root.node is None:
        what = "a leaf" if root is input else "a view of a leaf"
        raise RuntimeError(
            f"{name}: {what} that requires grad cannot be changed in place while recording; use lucid.no_grad()"
        )
    if input.requires_grad and input.node is None:
        raise RuntimeError(
            f"{name}: a leaf that requires grad cannot be changed in place while recording; use lucid.no_grad()"
        )
    return True


def changed(input: Tensor, edge: Any) -> None:
    """Gives ``input``, which was changed while recording, its new place in the graph; its base and their views too.

    Args:
        input: the tensor.
        edge: where its numbers come from now: a Node, or None when they are constants.
    """
    root = input if input.base is None else input.base
    if root is input:
        if edge is None:
            edge = Node("constant", (zeros_like,), (edge_of(input),), (), 0)
        _move(input, edge)
    else:
        place = window_of(input, root)
        if place is None:
            raise RuntimeError("in-place: the memory of the view's base was replaced, so the view cannot be followed")
        rules = (lambda grad: window_cleared(grad, place), lambda grad: window(grad, place))
        _move(root, Node("copy_slices", rules, (edge_of(root), edge), (), 0))
    for view in views_of(root) if len(root.version) > 2 else ():
        _follow(view, root)


def _follow(view: Tensor, root: Tensor) -> None:
    """Gives a view its place behind its changed base."""
    place = window_of(view, root)
    if place is not None:
        _move(view, Node("view", (lambda grad: window_into_zeros(grad, place),), (root.node,), (), 0))


def zeros_like(grad: Tensor) -> Tensor:
    """Zeros: the gradient of numbers that were written over."""
    out = engine.zeros(grad.shape, grad.dtype)
    return record("zeros", out, (grad,), (zeros_like,))


def _move(x: Tensor, node: Node) -> None:
    """Puts a tensor at another place in the graph; a gradient it retains is retained there."""
    before = x.node
    if before is not None and before.retained is not None and before.retained() is x:
        node.retained, before.retained = before.retained, None
    x.requires_grad, x.node = True, node


def take_over(input: Tensor, result: Tensor, recorded: bool) -> Tensor:
    """Writes ``result`` into ``input`` and gives ``input`` its place in the graph."""
    if recorded and result.base is None:  # made of what stood on other memory; see as_before
        engine.copy_fresh(input, result)
    else:
        engine.copy_into(input, result)
    input.version[0] += 1
    if recorded:
        if result.requires_grad and result.node is None:
            result = clone(result)
        changed(input, edge_of(result))
    return input


def as_before(input: Tensor) -> Tensor:
    """The tensor as it stands now, at its place in the graph, on memory that the change does not touch."""
    before = engine.copy(input)
    before.requires_grad, before.node = input.requires_grad, input.node
    return before
