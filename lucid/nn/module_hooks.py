"""What a module with hooks does when it is called: functions of the user before, after and on the way back."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

from lucid import engine
from lucid.autograd.grad_mode import is_grad_enabled
from lucid.autograd.graph import RemovableHandle, Value, add_hook, describe, needs_graph, record
from lucid.autograd.views import register
from lucid.ops import create

SEEN_BY_HOOK = "this tensor is a view through which a module's backward hook sees gradients; clone() it to change it"


class CallHook(NamedTuple):
    """A function to run at a call of a module.

    Attributes:
        kind: ``"forward_pre"``, ``"forward"``, ``"backward_pre"`` or ``"backward"``.
        function: the user's.
        with_kwargs: whether it is given the keyword arguments too.
        always: whether it runs when ``forward`` raised.
    """

    kind: str
    function: Callable[..., Any]
    with_kwargs: bool = False
    always: bool = False


def register_forward_pre_hook(
    module: Any, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
) -> RemovableHandle:
    """Calls ``hook(module, args)`` before ``forward``; what it returns (if not None) replaces the arguments.

    Args:
        hook: the function.
        prepend: before the other pre-hooks, and not after them.
        with_kwargs: call ``hook(module, args, kwargs)``, which returns None or both: ``(args, kwargs)``.
    """
    return add_hook(module._call_hooks, CallHook("forward_pre", hook, with_kwargs), prepend)


def register_forward_hook(
    module: Any,
    hook: Callable[..., Any],
    *,
    prepend: bool = False,
    with_kwargs: bool = False,
    always_call: bool = False,
) -> RemovableHandle:
    """Calls ``hook(module, args, result)`` after ``forward``; what it returns (if not None) replaces the result.

    Args:
        hook: the function.
        prepend: before the other forward hooks, and not after them.
        with_kwargs: call ``hook(module, args, kwargs, result)``.
        always_call: call it also when ``forward`` raised.
    """
    return add_hook(module._call_hooks, CallHook("forward", hook, with_kwargs, always_call), prepend)


def register_full_backward_pre_hook(module: Any, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
    """Calls ``hook(module, grad_output)`` when the gradients of the outputs are known.

    ``grad_output`` is a tuple; what the hook returns (if not None) replaces it.
    """
    return add_hook(module._call_hooks, CallHook("backward_pre", hook), prepend)


def register_full_backward_hook(module: Any, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
    """Calls ``hook(module, grad_input, grad_output)`` when the gradients of the inputs are known.

    Both are tuples, with None for what has no gradient; ``grad_input`` speaks of the positional arguments. What the
    hook returns (if not None) goes on in place of ``grad_input``. Inputs and outputs of a module with such hooks
    are views, so they cannot be changed in place while recording.

    Example:
        >>> import lucid
        >>> layer = lucid.nn.Linear(2, 1)
        >>> with layer.register_full_backward_hook(lambda module, grad_input, grad_output: print(grad_output)):
        ...     layer(lucid.ones(1, 2)).sum().backward()
        (tensor([[1.]]),)
    """
    return add_hook(module._call_hooks, CallHook("backward", hook), prepend)


def call_with_hooks(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``module.forward(*args, **kwargs)`` with the hooks in ``module._call_hooks`` around it."""
    hooks = tuple(module._call_hooks.values())
    waiting = [hook for hook in hooks if hook.kind == "forward"]
    result = None
    try:
        for hook in hooks:
            if hook.kind == "forward_pre":
                args, kwargs = _changed_arguments(hook, module, args, kwargs)
        backward = _BackwardHooks.of(module, hooks)
        if backward is not None:
            args = backward.watch_inputs(args)
        result = module.forward(*args, **kwargs)
        while waiting:
            changed = _call_forward_hook(waiting.pop(0), module, args, kwargs, result)
            result = result if changed is None else changed
        return result if backward is None else backward.watch_output(result)
    except Exception:
        for hook in waiting:
            if hook.always:
                try:
                    _call_forward_hook(hook, module, args, kwargs, result)
                except Exception as problem:
                    warnings.warn(
                        f"a forward hook of {type(module).__name__} raised {problem!r} after forward had failed",
                        stacklevel=3,
                    )
        raise


def _call_forward_hook(hook: CallHook, module: Any, args: Any, kwargs: dict[str, Any], result: Any) -> Any:
    return hook.function(module, args, kwargs, result) if hook.with_kwargs else hook.function(module, args, result)


def _changed_arguments(
    hook: CallHook, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if not hook.with_kwargs:
        changed = hook.function(module, args)
        return args if changed is None else changed if isinstance(changed, tuple) else (changed,), kwargs
    changed = hook.function(module, args, kwargs)
    if changed is None:
        return args, kwargs
    if not isinstance(changed, tuple) or len(changed) != 2:
        raise RuntimeError(
            f"a forward pre-hook with kwargs must return None or (args, kwargs), got {describe(changed)}"
        )
    return changed


class _BackwardHooks:
    """The backward hooks of one call.

    All positional inputs pass one node of the graph and all outputs another, so that the gradients of all of them are
    known together: at the later node the hooks see (and may replace) the gradients of the outputs, at the earlier one
    those of the inputs.
    """

    def __init__(self, module: Any, before: list[Callable[..., Any]], after: list[Callable[..., Any]]) -> None:
        self.module = module
        self.before = before
        self.after = after
        self.inputs: tuple[Any, ...] = ()  # what is known of each, see _kind
        self.inputs_are_watched = False
        self.grad_output: tuple[Any, ...] | None = None

    @staticmethod
    def of(module: Any, hooks: tuple[CallHook, ...]) -> _BackwardHooks | None:
        before = [hook.function for hook in hooks if hook.kind == "backward_pre"]
        after = [hook.function for hook in hooks if hook.kind == "backward"]
        return _BackwardHooks(module, before, after) if before or after else None

    def watch_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.inputs = tuple(map(_kind, args))
        if not self.after:
            return args
        args, self.inputs_are_watched = _through_one_node(args, self.at_inputs)
        return args

    def watch_output(self, result: Any) -> Any:
        several = isinstance(result, tuple)
        watched, _ = _through_one_node(result if several else (result,), self.at_outputs)
        if not several:
            return watched[0]
        return watched if type(result) is tuple else type(result)(*watched)

    def at_outputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in self.before:
            grads = _replaced("grad_output", grads, hook(self.module, grads))
        if self.inputs_are_watched:
            self.grad_output = grads
        else:
            for hook in self.after:
                changed = hook(self.module, (None,) * len(self.inputs), grads)
                if changed is not None and not (isinstance(changed, tuple) and all(g is None for g in changed)):
                    raise RuntimeError(
                        f"backward hook of {type(self.module).__name__}: no input requires a gradient, so there is "
                        "none to replace; return None"
                    )
        return grads

    def at_inputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.grad_output is None:  # not through the outputs: a second derivative, or a side way out of the module
            return grads
        grads = _with_zeros(grads, self.inputs)
        grad_output, self.grad_output = self.grad_output, None
        for hook in self.after:
            grads = _replaced("grad_input", grads, hook(self.module, grads, grad_output))
        return _with_zeros(grads, self.inputs)


def _replaced(name: str, grads: tuple[Any, ...], changed: Any) -> tuple[Any, ...]:
    """The gradients that a hook returned, or those it was given when it returned None."""
    if changed is None:
        return grads
    given: tuple[Any, ...] = changed if isinstance(changed, tuple) else (changed,)
    if len(given) != len(grads):
        raise RuntimeError(f"backward hook: it returned {len(given)} of {name}, expected {len(grads)}")
    for old, new in zip(grads, given, strict=True):
        if new is not None and not (isinstance(new, Value) and (old is None or new.shape == old.shape)):
            raise RuntimeError(f"backward hook: {name} is {describe(old)}; it cannot be replaced by {describe(new)}")
    return given


def _kind(value: Any) -> Any:
    """Shape and number type of a tensor; None for anything else."""
    return (value.shape, value.dtype) if isinstance(value, Value) else None


def _with_zeros(grads: Any, kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    """``grads`` with zeros in place of None where there is a tensor: one that nothing depends on."""
    return tuple(
        create.zeros(kind[0], dtype=kind[1]) if grad is None and kind is not None else grad
        for grad, kind in zip(grads, kinds, strict=True)
    )


def _through_one_node(values: tuple[Any, ...], rule: Callable[..., Any]) -> tuple[tuple[Any, ...], bool]:
    """``values`` with those that require a gradient seen through one node of the graph, and whether there are any.

    ``rule`` takes the gradients of all values (None where there is none) and gives what goes on in their place.
    """
    places = [i for i, value in enumerate(values) if isinstance(value, Value) and value.requires_grad]
    if not needs_graph(*values):
        return values, False

    size = len(values)

    def joint(grads: list[Any]) -> list[Any]:
        arrived: list[Any] = [None] * size
        for place, grad in zip(places, grads, strict=True):
            arrived[place] = grad
        passed = rule(tuple(arrived))
        # views, because the hook may have kept the gradients: a leaf then takes a copy and not the tensor itself
        return [
            g if g is None or is_grad_enabled() else engine.view(g, g.array)
            for g in (passed[place] for place in places)
        ]

    inputs = tuple(values[place] for place in places)
    seen = record("module_hook", tuple(engine.view(x, x.array) for x in inputs), inputs, joint)
    watched = list(values)
    for place, alias in zip(places, seen, strict=True):
        alias.restriction = SEEN_BY_HOOK
        register(alias)
        watched[place] = alias
    return tuple(watched), True
