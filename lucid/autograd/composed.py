"""The gradients of a fused operation when they are to be differentiated again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lucid.autograd.grad_mode import enable_grad, mode
from lucid.autograd.graph import Value, detached_alias, edge_of, record, run_backward


def composed_gradients(
    function: Callable[..., tuple[Any, ...]], inputs: Sequence[Any], grads: Sequence[Any]
) -> tuple[Any, ...]:
    """The gradients of ``function(*inputs)``; recorded (while recording), so that they can be differentiated.

    A fused backward kernel is fast but cannot be differentiated. Where that is asked for (``create_graph``), its rule
    computes the operation again with ``function``, which is written with plain operations, and goes back through them.

    Args:
        function: the operation; gives a tuple of results.
        inputs: its arguments; None stays None.
        grads: the gradient of each result, None where there is none.

    Returns:
        One gradient per input, None where none is wanted or the result does not depend on it.
    """
    again = mode.recording
    with enable_grad():
        # Aliases of its own end the way back at the inputs, wherever those came from.
        own = [_alias(x) if isinstance(x, Value) and x.requires_grad else x for x in inputs]
        results = function(*own)
    pairs = [(r, g) for r, g in zip(results, grads, strict=True) if g is not None and r.requires_grad]
    wanted = [x for x in own if isinstance(x, Value) and x.requires_grad]
    found = run_backward([r for r, _ in pairs], [g for _, g in pairs], again, again, wanted)
    return tuple(found[edge_of(x)] if isinstance(x, Value) and x.requires_grad else None for x in own)


def _alias(x: Value) -> Any:
    return record("alias", detached_alias(x), (x,), (lambda grad: grad,))
