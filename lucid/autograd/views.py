"""What a view needs so that changes of its memory reach its place in the graph.

A change of a tensor in place gives the tensor a new place in the graph. Its views show the changed numbers, so they get
a new place too (``lucid/ops/inplace.py`` does it); a changed view gives one to its base, and so to all others. For that
the views of a memory are known to it: the list ``version``, which they share, is [changes, limit, reference, ...], with
weak references to the views and the length at which those of dead views are next thrown out. Other operations look at
none of this.

Two kinds of views are restricted, as in PyTorch: those made under ``no_grad``, which are constants that nobody follows,
and the results of operations that give several views at once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from weakref import ref as reference_to

from lucid import engine
from lucid.autograd.grad_mode import mode
from lucid.autograd.graph import Node, OutputNode
from lucid.types import Tensor

FIRST_LIMIT = 24
MADE_UNRECORDED = (
    "this view was made under no_grad, so the graph does not know what it shows; "
    "make the view while recording, or change it under no_grad too"
)


def view_of(
    name: str,
    input: Any,
    array: Any,
    shape: tuple[int, ...],
    strides: tuple[int, ...] | None,
    offset: int,
    rule: Callable[..., Any],
) -> Tensor:
    """A view of ``input`` at its place in the graph.

    Args:
        name: the operation's name.
        input: what it shows.
        array: the view of the input's array.
        shape: that of the array.
        strides: its steps in elements; None when it is contiguous.
        offset: how many numbers after the input's first it begins.
        rule: takes the gradient of the view to that of ``input``.
    """
    kind = input.dtype
    out = engine.new(array, input.pointer + offset if offset else input.pointer, shape, kind, strides)
    base = input.base
    out.base = input if base is None else base
    out.version = version = input.version
    if not mode.recording:
        out.restriction = MADE_UNRECORDED
    elif kind.is_floating_point:
        if base is None or _follows(out, input):
            if len(version) == 1 or len(version) > version[1]:  # as in register
                _make_room(version)
            version.append(reference_to(out))
        if input.requires_grad:
            out.requires_grad = True
            out.node = Node(name, (rule,), (input.node or input,), (), 0)
    return out


def attach_several(name: str, outs: tuple[Any, ...], input: Any, rule: Callable[..., Any]) -> tuple[Any, ...]:
    """Gives views that one operation made of ``input`` their place in the graph; returns them.

    The rule takes the list of their gradients.
    """
    if not mode.recording:
        for out in outs:
            out.restriction = MADE_UNRECORDED
    elif input.dtype.is_floating_point:
        restriction = _one_of_several(name)
        node = Node(name, (rule,), (input.node or input,), (), 0) if input.requires_grad else None
        for i, out in enumerate(outs):
            out.restriction = restriction
            if input.base is None or _follows(out, input):
                register(out)
            if node is not None:
                out.requires_grad = True
                out.node = OutputNode(node, i)
        if node is not None:
            node.outputs = len(outs)
    return outs


@functools.lru_cache
def _one_of_several(name: str) -> str:
    return (
        f"this view is one of several that {name} returned; make it by indexing, or with narrow or select, to change it"
    )


def _follows(out: Any, input: Any) -> bool:
    """Whether a view of a view is to be known to their base; it inherits a restriction."""
    restriction = getattr(input, "restriction", None)
    if restriction is not None:
        out.restriction = restriction
    return restriction is not MADE_UNRECORDED


def register(view: Any) -> None:
    """Makes a view known to all that share its memory."""
    version = view.version
    if len(version) == 1 or len(version) > version[1]:
        _make_room(version)
    version.append(reference_to(view))


def _make_room(version: list[Any]) -> None:
    """Before the list takes its first view, and when it is full: throws the references to dead views out."""
    living = [reference for reference in version[2:] if reference() is not None]
    version[1:] = (FIRST_LIMIT + 2 * len(living), *living)


def views_of(base: Any) -> list[Any]:
    """The living views that follow ``base`` through its changes."""
    found = (reference() for reference in base.version[2:])
    return [view for view in found if view is not None and view.base is base]
