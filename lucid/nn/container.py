"""Modules made of other modules."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from lucid.nn import functional as F  # noqa: N812
from lucid.nn.activation import GELU, ReLU
from lucid.nn.linear import Linear
from lucid.nn.module import Module
from lucid.tensor import Tensor


def _fused_activation(module: Module) -> str | None:
    """What :func:`lucid.nn.functional.linear` calls this activation, if it can take it over."""
    if module._pre_hooks or module._forward_hooks:
        return None
    if type(module) is ReLU:
        return "relu"
    # (GELU's tanh form rounds differently in the product's epilogue; results must not depend on what is joined)
    return "gelu" if type(module) is GELU and module.approximate == "none" else None


class Sequential(Module):
    """Modules run one after the other.

    Args:
        args: the modules, or one OrderedDict of them by name.

    Example:
        >>> import lucid
        >>> from lucid import nn
        >>> model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))
        >>> model(lucid.ones(3, 2)).shape
        (3, 1)
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            named = list(args[0].items())
        else:
            named = [(str(i), module) for i, module in enumerate(args)]
        for name, module in named:
            if not isinstance(module, Module):
                raise TypeError(f"Sequential: {name!r} must be a Module, got {type(module).__name__}")
            self.add_module(name, module)

    def forward(self, input: Tensor) -> Any:
        """The result of the last module.

        A Linear and the ReLU or GELU after it are computed in one pass over memory, with the same result, unless a hook
        wants to see what is between them.
        """
        own = self.__dict__
        linear = None  # a Linear that waits to see whether an activation follows
        for name, kind in self._kinds.items():
            if kind != "module":
                continue
            module = own[name]
            if linear is not None:
                activation = _fused_activation(module)
                input = F.linear(input, linear.weight, linear.bias, activation)
                linear = None
                if activation is not None:
                    continue
            if type(module) is Linear and not module._pre_hooks and not module._forward_hooks:
                linear = module
            else:
                input = module(input)
        return input if linear is None else F.linear(input, linear.weight, linear.bias)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __getitem__(self, index: Any) -> Any:
        modules = self._modules
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(modules.items())[index]))
        return list(modules.values())[index]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, list(self._modules)[index], module)

    def append(self, module: Module) -> Sequential:
        """Adds a module at the end; returns the container."""
        self.add_module(str(len(self)), module)
        return self
