"""``lucid.compile``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lucid.compiler.compiled import CompiledFunction
from lucid.compiler.module import CompiledModule
from lucid.errors import KindError
from lucid.nn.module import Module

_OF_PYTORCH = {"backend", "mode", "options"}  # how its compiler works


def compile(  # noqa: A001 (PyTorch's name)
    model: Callable[..., Any] | None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    disable: bool = False,
    **options: Any,
) -> Any:
    """A function that is recorded once, and from then on made again from C, with the same bits as result.

    The first call with arguments of given shapes and number types runs the function and records every call of the
    engine; calls after it make these again on the new arguments, without Python in between: forward, backward,
    clipping, the update, running statistics, fresh random numbers. Parameters, gradients and optimizer state are the
    live tensors, so compiled and eager steps may follow each other in any order, and ``param_groups`` and schedules
    act as always.

    **What Python does besides does not happen again**: printing, counting, appending, numbers taken from attributes
    are as they were in the recorded call. Arguments that are numbers or texts are part of what is recorded.

    What cannot be made again (``item()``, ``numpy()``, a branch on a number in a tensor, an operation that computes in
    NumPy, the step of a schedule, a rule written in Python) is found while recording: a warning names the line, and
    the function runs eagerly with such arguments from then on.

    Args:
        model: a function, or a Module. A Module's forward is replayed where no gradients are recorded; to compile
            training, compile the function that makes a step. None: the result is a decorator.
        fullgraph: raise in the place of that warning.
        dynamic: only None and False: each shape is recorded for itself.
        disable: give the function back as it is.
        options: PyTorch's backend, mode and options, which choose how its compiler works; there is one way here.

    Raises:
        TypeError: for what cannot be called, an option that there is not, or dynamic=True.
        RuntimeError: from a call, with fullgraph.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.ones(2))
        >>> optimizer = lucid.optim.SGD([w], lr=0.25)
        >>> @lucid.compile
        ... def step(x):
        ...     optimizer.zero_grad()
        ...     loss = (w * x).sum().square()
        ...     loss.backward()
        ...     optimizer.step()
        ...     return loss
        >>> [round(step(lucid.tensor([0.5, 0.5])).item(), 4) for _ in range(4)]
        [1.0, 0.5625, 0.3164, 0.178]
        >>> step.replays
        3
    """
    unknown = options.keys() - _OF_PYTORCH
    if unknown:
        raise KindError(f"compile: there is no option {', '.join(sorted(unknown))}")
    if dynamic:
        raise KindError("compile: dynamic=True is not possible: each shape is recorded for itself; leave it out")
    if model is None:
        return lambda function: compile(function, fullgraph=fullgraph, disable=disable)
    if not callable(model):
        raise KindError(f"compile: expected a function or a Module, got {type(model).__name__}")
    if disable:
        return model
    return CompiledModule(model, fullgraph) if isinstance(model, Module) else CompiledFunction(model, fullgraph)
