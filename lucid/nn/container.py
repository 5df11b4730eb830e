"""Modules made of other modules."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from lucid.nn.module import Module
from lucid.tensor import Tensor


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
        """The result of the last module."""
        own = self.__dict__
        for name, kind in self._kinds.items():
            if kind == "module":
                input = own[name](input)
        return input

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
