"""A Module whose forward is compiled."""

from __future__ import annotations

from typing import Any

from lucid.autograd.grad_mode import mode
from lucid.compiler.compiled import CompiledFunction
from lucid.nn.module import Module


class CompiledModule(Module):
    """What :func:`lucid.compile` gives for a Module: called like it, with its parameters and attributes.

    Without gradients (under ``no_grad``) the forward is replayed. While gradients are recorded it runs as it is: what a
    training step does is compiled as a whole, by compiling the step. As in PyTorch, the names in its ``state_dict``
    begin with ``_orig_mod.``.
    """

    def __init__(self, module: Module, fullgraph: bool) -> None:
        super().__init__()
        self._orig_mod = module
        self.replayed = CompiledFunction(module, fullgraph)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """That of the module."""
        if mode.recording:
            return self._orig_mod(*args, **kwargs)
        return self.replayed(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name in ("_orig_mod", "replayed"):
            raise AttributeError(name)
        return getattr(self._orig_mod, name)
