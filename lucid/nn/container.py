"""Modules made of other modules: Sequential, ModuleList, ModuleDict."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, SupportsIndex, TypeVar

from lucid.autograd.graph import describe
from lucid.nn import functional as F  # noqa: N812
from lucid.nn.activation import GELU, ReLU
from lucid.nn.linear import Linear
from lucid.nn.module import Module
from lucid.tensor import Tensor

Self = TypeVar("Self", bound="_Numbered")


def _fused_activation(module: Module) -> str | None:
    """What :func:`lucid.nn.functional.linear` calls this activation, if it can take it over."""
    if module._call_hooks:
        return None
    if type(module) is ReLU:
        return "relu"
    # (GELU's tanh form rounds differently in the product's epilogue; results must not depend on what is joined)
    return "gelu" if type(module) is GELU and module.approximate == "none" else None


class _Numbered(Module):
    """Modules in an order, as a list has them; their names are numbers unless they were given others."""

    _holds_none = False

    def _check_module(self, name: Any, module: Any) -> None:
        if not isinstance(module, Module) and not (module is None and self._holds_none):
            raise TypeError(f"{type(self).__name__}: {name!r} must be a Module, got {describe(module)}")

    def _name_at(self, index: SupportsIndex) -> str:
        names = list(self._modules)
        try:
            return names[index]
        except IndexError:
            raise IndexError(f"{type(self).__name__}: index {index} is out of range for {len(names)} modules") from None

    def _replace_all(self, modules: Iterable[Module]) -> None:
        """Holds these modules and no others, under the names 0, 1, 2 ..."""
        modules = list(modules)
        for name in self._modules:
            delattr(self, name)
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._part(list(self._modules.items())[index])
        return self._modules[self._name_at(index)]

    def _part(self, items: list[tuple[str, Module]]) -> Any:
        raise NotImplementedError

    def __setitem__(self, index: int, module: Module) -> None:
        self._check_module(index, module)
        setattr(self, self._name_at(index), module)

    def __delitem__(self, index: Any) -> None:
        names = list(self._modules)[index] if isinstance(index, slice) else [self._name_at(index)]
        for name in names:
            delattr(self, name)
        self._replace_all(self._modules.values())

    def append(self: Self, module: Module) -> Self:
        """Adds a module at the end; returns the container."""
        self._check_module(len(self), module)
        number, names = len(self), self._modules
        while str(number) in names:  # part of another container, with its names there
            number += 1
        self.add_module(str(number), module)
        return self

    def extend(self: Self, modules: Iterable[Module]) -> Self:
        """Adds modules at the end; returns the container.

        Raises:
            TypeError: for what cannot be iterated, or holds something else; nothing is added then.
        """
        if not isinstance(modules, Iterable):
            raise TypeError(f"{type(self).__name__}.extend: expected modules, got {describe(modules)}")
        modules = list(modules)
        for i, module in enumerate(modules):
            self._check_module(len(self) + i, module)
        for module in modules:
            self.append(module)
        return self

    def _insert(self, index: int, module: Module) -> None:
        self._check_module(index, module)
        modules = list(self._modules.values())
        modules.insert(index, module)
        self._replace_all(modules)

    def pop(self, key: Any) -> Module:
        """Takes the module at a place out and returns it."""
        module: Module = self[key]
        del self[key]
        return module


class Sequential(_Numbered):
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
            self._check_module(name, module)
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
            if type(module) is Linear and not module._call_hooks:
                linear = module
            else:
                input = module(input)
        return input if linear is None else F.linear(input, linear.weight, linear.bias)

    def _part(self, items: list[tuple[str, Module]]) -> Any:
        return type(self)(OrderedDict(items))

    def insert(self, index: int, module: Module) -> Sequential:
        """Puts a module before the one at ``index``; returns the container.

        Raises:
            IndexError: for a place beyond the ends.
        """
        self._check_module(index, module)
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Sequential.insert: index {index} is out of range for {len(self)} modules")
        self._insert(index, module)
        return self

    def __add__(self, other: Sequential) -> Sequential:
        self._check_sequential("+", other)
        return Sequential(*self, *other)

    def __iadd__(self, other: Sequential) -> Sequential:
        self._check_sequential("+=", other)
        return self.extend(other)

    def __mul__(self, other: int) -> Sequential:
        return Sequential(*list(self) * self._check_count(other))

    __rmul__ = __mul__

    def __imul__(self, other: int) -> Sequential:
        return self.extend(list(self) * (self._check_count(other) - 1))

    def _check_sequential(self, operator: str, other: Any) -> None:
        if not isinstance(other, Sequential):
            raise ValueError(f"Sequential: the other operand of {operator} must be a Sequential, got {describe(other)}")

    def _check_count(self, count: Any) -> int:
        if not isinstance(count, int):
            raise TypeError(f"Sequential: it can be repeated an int times, not {describe(count)}")
        if count <= 0:
            raise ValueError(f"Sequential: it can be repeated once or more, not {count} times")
        return count


class ModuleList(_Numbered):
    """Modules in a list, which the module that holds it finds. It has no ``forward``.

    Args:
        modules: an iterable of modules; None can stand in the place of one.

    Example:
        >>> import lucid
        >>> from lucid import nn
        >>> layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
        >>> layers
        ModuleList(
          (0-2): 3 x Linear(in_features=2, out_features=2, bias=True)
        )
        >>> len(list(layers.parameters()))
        6
    """

    _holds_none = True

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _part(self, items: list[tuple[str, Module]]) -> Any:
        return type(self)([module for _, module in items])

    def insert(self, index: int, module: Module) -> None:
        """Puts a module before the one at ``index``; places beyond the ends mean the ends, as with a list."""
        self._insert(index, module)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __iadd__(self, modules: Iterable[Module]) -> ModuleList:
        return self.extend(modules)

    def __repr__(self) -> str:
        runs: list[list[Any]] = []  # [first, last, text] of neighbours that print the same
        for i, text in enumerate(map(repr, self)):
            if runs and runs[-1][2] == text:
                runs[-1][1] = i
            else:
                runs.append([i, i, text])
        if not runs:
            return f"{self._get_name()}()"
        lines = [
            f"({first}): {text}" if first == last else f"({first}-{last}): {last - first + 1} x {text}"
            for first, last, text in runs
        ]
        body = "\n  ".join(line.replace("\n", "\n  ") for line in lines)
        return f"{self._get_name()}(\n  {body}\n)"


class ModuleDict(Module):
    """Modules by name, which the module that holds it finds. It has no ``forward``.

    Args:
        modules: a mapping of names to modules, or pairs of both.

    Example:
        >>> from lucid import nn
        >>> choice = nn.ModuleDict({"relu": nn.ReLU(), "tanh": nn.Tanh()})
        >>> list(choice), choice["tanh"]
        (['relu', 'tanh'], Tanh())
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        if key not in self._modules:
            raise KeyError(key)
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Takes all modules out."""
        for key in self._modules:
            delattr(self, key)

    def pop(self, key: str) -> Module:
        """Takes a module out and returns it."""
        module: Module = self[key]
        del self[key]
        return module

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._modules.keys()

    def items(self) -> ItemsView[str, Module]:
        """The pairs of name and module."""
        return self._modules.items()

    def values(self) -> ValuesView[Module]:
        """The modules."""
        return self._modules.values()

    def update(self, modules: Any) -> None:
        """Adds modules by name; one that is there under a name is replaced.

        Raises:
            TypeError: for anything but a mapping or pairs.
            ValueError: for a pair of another length.
        """
        if isinstance(modules, Mapping | ModuleDict):
            pairs: list[Any] = list(modules.items())
        elif isinstance(modules, Iterable):
            pairs = list(modules)
        else:
            raise TypeError(f"ModuleDict.update: expected a mapping or pairs, got {describe(modules)}")
        for i, pair in enumerate(pairs):
            if not isinstance(pair, Iterable):
                raise TypeError(f"ModuleDict.update: element {i} is no pair but {describe(pair)}")
            if len(tuple(pair)) != 2:
                raise ValueError(f"ModuleDict.update: element {i} has length {len(tuple(pair))}; a pair is needed")
        for key, module in pairs:
            self[key] = module
