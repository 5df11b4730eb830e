"""Functions that run around an optimizer's step, and around its way into and out of a state_dict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lucid import engine
from lucid.autograd.graph import RemovableHandle, add_hook

Hook = Callable[..., Any]


class OptimizerHooks:
    """The part of an optimizer that keeps hooks. Each ``register_*`` returns a handle whose ``remove()`` ends it."""

    def __init__(self) -> None:
        self._before_step: dict[int, Hook] = {}
        self._after_step: dict[int, Hook] = {}
        self._before_save: dict[int, Hook] = {}
        self._after_save: dict[int, Hook] = {}
        self._before_load: dict[int, Hook] = {}
        self._after_load: dict[int, Hook] = {}
        self._has_step_hooks = False  # had some once
        self._in_step = False

    def register_step_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Calls ``hook(optimizer, args, kwargs)`` before each step.

        ``args`` begins with the optimizer. A hook may return ``(args, kwargs)`` to replace them, or None.
        """
        self._has_step_hooks = True
        return add_hook(self._before_step, hook)

    def register_step_post_hook(self, hook: Hook) -> RemovableHandle:
        """Calls ``hook(optimizer, args, kwargs)`` after each step."""
        self._has_step_hooks = True
        return add_hook(self._after_step, hook)

    def register_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Calls ``hook(optimizer)`` before ``state_dict`` is made."""
        return add_hook(self._before_save, hook, prepend)

    def register_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Calls ``hook(optimizer, state_dict)``; what it returns (if not None) is the ``state_dict`` given out."""
        return add_hook(self._after_save, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Calls ``hook(optimizer, state_dict)``; what it returns (if not None) is loaded in its place."""
        return add_hook(self._before_load, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Calls ``hook(optimizer)`` after a ``state_dict`` was loaded."""
        return add_hook(self._after_load, hook, prepend)

    def _step_between_hooks(self, step: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """One step with its hooks; a step within it (``super().step()``) runs none."""
        if engine.recording is not None:
            engine.recording.cannot("the hooks of an optimizer's step are Python")
        args = (self, *args)
        for hook in tuple(self._before_step.values()):
            changed = hook(self, args, kwargs)
            if changed is not None:
                if not isinstance(changed, tuple) or len(changed) != 2:
                    raise RuntimeError(
                        f"a step pre-hook must return None or a tuple (args, kwargs), got {type(changed).__name__}"
                    )
                args, kwargs = changed
        self._in_step = True
        try:
            result = step(*args, **kwargs)
        finally:
            self._in_step = False
        for hook in tuple(self._after_step.values()):
            hook(self, args, kwargs)
        return result
