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

import weakref
from collections.abc import Callable
from typing import Any

from lucid.autograd.grad_mode import mode
from lucid.autograd.graph import Node, OutputNode
from lucid.types import Tensor

FIRST_LIMIT = 24
MADE_UNRECORDED = (
    "this view was made under no_grad, so the graph does not know what it shows; "
    "make the view while recording, or change it under no_grad too"
)
ONE_OF_SEVERAL = (
    "this view is one of several that {name} returned; make it by indexing, or with narrow or select, to change it"
)


def attach(name: str, out: Tensor, input: Any, rule: Callable[..., Any]) -> Tensor:
    """Gives ``out``, a view of ``input``, its place in the graph; returns it.

    Args:
        name: the operation's name.
        out: the view, as ``lucid.engine`` made it.
        input: what it shows.
        rule: takes the gradient of ``out`` to that of ``input``.
    """
    if not mode.recording:
        out.restriction = MADE_UNRECORDED
    elif out.dtype.is_floating_point:
        if input.base is None or _follows(out, input):
            register(out)
        if input.requires_grad:
            out.requires_grad = True
            out.node = Node(name, (rule,), (input.node or input,), (), 0)
    return out


def attach_several(name: str, outs: tuple[Any, ...], input: Any, rule: Callable[..., Any]) -> tuple[Any, ...]:
    """As :func:`attach`, for several views that one operation gives; the rule takes the list of their gradients."""
    if not mode.recording:
        for out in outs:
            out.restriction = MADE_UNRECORDED
    elif input.dtype.is_floating_point:
        restriction = ONE_OF_SEVERAL.format(name=name)
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


def _follows(out: Any, input: Any) -> bool:
    """Whether a view of a view is to be known to their base; it inherits a restriction."""
    restriction = getattr(input, "restriction", None)
    if restriction is not None:
        out.restriction = restriction
    return restriction is not MADE_UNRECORDED


def register(view: Any) -> None:
    """Makes a view known to all that share its memory."""
    version = view.version
    count = len(version)
    if count == 1:
        version.append(FIRST_LIMIT)
    elif count > version[1]:
        living = [reference for reference in version[2:] if reference() is not None]
        version[1:] = (FIRST_LIMIT + 2 * len(living), *living)
    version.append(weakref.ref(view))


def views_of(base: Any) -> list[Any]:
    """The living views that follow ``base`` through its changes."""
    found = (reference() for reference in base.version[2:])
    return [view for view in found if view is not None and view.base is base]
