"""Memory for time: what a part of a model saves for its derivatives is thrown away, and computed again when needed.

Source: Chen, Xu, Zhang and Guestrin 2016, Training Deep Nets with Sublinear Memory Cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lucid import autograd
from lucid.autograd.grad_mode import enable_grad, mode
from lucid.autograd.graph import Node, Value, detached_alias, needs_graph
from lucid.errors import ArgumentError, KindError
from lucid.nn.container import Sequential
from lucid.ops.random import get_rng_state, set_rng_state
from lucid.types import Tensor


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """``function(*args, **kwargs)``, without keeping what its operations save: backward runs the function again.

    Args:
        function: a module or a function of tensors. It must compute the same when it is called again.
        args: its arguments.
        use_reentrant: PyTorch has two ways to do this; here is one, which does what both can do.
        preserve_rng_state: the second run gets the random numbers of the first one, so that dropout is the same.
        kwargs: its named arguments.

    Raises:
        TypeError: when the function returns something else than a tensor or a tuple of tensors.
        RuntimeError: when it uses a result of recorded operations that is not among its arguments: pass it
            as one. (Leaves, as the parameters of a module, are found.)

    Example:
        >>> import lucid
        >>> from lucid.utils.checkpoint import checkpoint
        >>> layer, x = lucid.nn.Linear(3, 3), lucid.ones(1, 3, requires_grad=True)
        >>> checkpoint(layer, x, use_reentrant=False).sum().backward()
        >>> layer.weight.grad.shape, x.grad.shape
        ((3, 3), (1, 3))
    """
    if not mode.recording:
        return function(*args, **kwargs)
    state = get_rng_state() if preserve_rng_state else None
    start = Node("checkpoint", (), (), (), 0).order
    inputs: list[Any] = [x for x in args if isinstance(x, Value) and x.requires_grad]
    copies = {id(x): _copy(x) for x in inputs}
    results = function(*(copies.get(id(x), x) for x in args), **kwargs)
    several = results if isinstance(results, tuple) else (results,)
    if not all(isinstance(x, Value) for x in several):
        raise KindError("checkpoint: the function must return a tensor or a tuple of tensors")
    leaves = _leaves(several, list(copies.values()), start)
    if not needs_graph(*inputs, *leaves):
        return results
    plain = tuple(x.detach() for x in several)  # the graph of the first run ends here

    class Checkpoint(autograd.Function):
        @staticmethod
        def forward(ctx: Any, *tensors: Tensor) -> Any:
            ctx.save_for_backward(*tensors)  # an argument that is changed in place is noticed
            return plain if len(plain) > 1 else plain[0]

        @staticmethod
        def backward(ctx: Any, *grads: Tensor) -> Any:
            return _gradients(function, args, kwargs, state, ctx.saved_tensors, len(inputs), grads)

    found = Checkpoint.apply(*inputs, *leaves)
    return (found,) if isinstance(results, tuple) and len(plain) == 1 else found


def _gradients(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    state: Tensor | None,
    tensors: Sequence[Tensor],
    count: int,
    grads: Sequence[Tensor],
) -> tuple[Tensor | None, ...]:
    """The second run, and the gradients of the inputs (the first ``count`` tensors) and of the leaves after them."""
    again = mode.recording  # the gradients themselves will be differentiated, so the inputs keep their place
    wanted = [x if again else _copy(x) for x in tensors[:count]]
    given = {id(x): new for x, new in zip(tensors[:count], wanted, strict=True)}
    before = get_rng_state()
    if state is not None:
        set_rng_state(state)
    try:
        with enable_grad():
            results = function(*(given.get(id(x), x) for x in args), **kwargs)
    finally:
        set_rng_state(before)
    several = results if isinstance(results, tuple) else (results,)
    pairs = [(y, g) for y, g in zip(several, grads, strict=True) if y.requires_grad]
    roots, starts = [y for y, _ in pairs], [g for _, g in pairs]
    return autograd.grad(roots, (*wanted, *tensors[count:]), starts, create_graph=again, allow_unused=True)


def _copy(x: Tensor) -> Tensor:
    """The tensor as a leaf of its own, on the same memory."""
    leaf = detached_alias(x)
    leaf.base, leaf.requires_grad = None, True
    return leaf


def _leaves(results: tuple[Any, ...], inputs: list[Tensor], start: int) -> list[Tensor]:
    """The leaves that the results depend on, without the inputs.

    Raises:
        RuntimeError: when there is a way out of the function, to a node that is older than ``start``.
    """
    found: dict[int, Tensor] = {}
    seen: set[int] = set()
    stack: list[Any] = [x.node or x for x in results if x.requires_grad]
    own = {id(x) for x in inputs}
    while stack:
        edge = stack.pop()
        if id(edge) in seen or id(edge) in own:
            continue
        seen.add(id(edge))
        if isinstance(edge, Node):
            if edge.order > start:
                raise RuntimeError(
                    f"checkpoint: the function uses a result of {edge.name} that is not among its arguments; "
                    "pass it as an argument"
                )
            stack.extend(x for x in edge.edges if x is not None)
        else:
            found[id(edge)] = edge
    return list(found.values())


def checkpoint_sequential(
    functions: Any, segments: int, input: Tensor, use_reentrant: bool | None = None, **options: Any
) -> Any:
    """The modules of a Sequential (or a list of functions) one after another, in ``segments`` checkpointed parts.

    Args:
        functions: a Sequential, or functions of one tensor.
        segments: how many parts; of the last one everything is kept.
        input: for the first.
        use_reentrant: see :func:`checkpoint`.
        options: ``preserve_rng_state``.

    Raises:
        ValueError: when there are not as many functions as parts.

    Example:
        >>> import lucid
        >>> model = lucid.nn.Sequential(lucid.nn.Linear(2, 2), lucid.nn.ReLU(), lucid.nn.Linear(2, 1))
        >>> lucid.utils.checkpoint.checkpoint_sequential(model, 2, lucid.ones(1, 2)).shape
        (1, 1)
    """
    parts = list(functions.children()) if isinstance(functions, Sequential) else list(functions)
    if not 1 <= segments <= max(len(parts), 1):
        raise ArgumentError(f"checkpoint_sequential: {len(parts)} functions cannot be cut into {segments} parts")
    size = len(parts) // segments

    def run(some: list[Any]) -> Callable[[Any], Any]:
        def one_after_another(x: Any) -> Any:
            for part in some:
                x = part(x)
            return x

        return one_after_another

    for start in range(0, size * (segments - 1), size):
        input = checkpoint(run(parts[start : start + size]), input, use_reentrant=use_reentrant, **options)
    return run(parts[size * (segments - 1) :])(input)
