"""Parameters in a list or a dict, found by the module that holds it."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any

from lucid.autograd.graph import Value, describe
from lucid.nn.module import Module
from lucid.tensor import Parameter


def _as_parameter(value: Any) -> Any:
    """A tensor as a Parameter on its memory; anything else as it is."""
    return Parameter(value) if isinstance(value, Value) and not isinstance(value, Parameter) else value


def _entry(name: object, value: Any) -> str:
    """How an entry is printed."""
    if not isinstance(value, Value):
        return f"  ({name}): Object of type: {type(value).__name__}"
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    return f"  ({name}): {kind} containing: [{value.dtype} of size {'x'.join(map(str, value.shape))}]"


class ParameterList(Module):
    """Parameters in a list. Tensors become Parameters; other objects can be held too, and are not part of the state.

    Args:
        values: an iterable of them.

    Example:
        >>> import lucid
        >>> from lucid import nn
        >>> weights = nn.ParameterList([lucid.ones(2), lucid.zeros(3, 2)])
        >>> weights
        ParameterList(
            (0): Parameter containing: [lucid.float32 of size 2]
            (1): Parameter containing: [lucid.float32 of size 3x2]
        )
        >>> list(weights.state_dict())
        ['0', '1']
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def _name_at(self, index: Any) -> str:
        i = index.__index__()
        if not -self._size <= i < self._size:
            raise IndexError(f"ParameterList: index {index} is out of range for {self._size} entries")
        return str(i % self._size)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(self[i] for i in range(*index.indices(self._size)))
        return getattr(self, self._name_at(index))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, self._name_at(index), _as_parameter(value))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(self._size))

    def append(self, value: Any) -> ParameterList:
        """Adds an entry at the end; returns the list."""
        setattr(self, str(self._size), _as_parameter(value))
        self._size += 1
        return self

    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Adds entries at the end; returns the list.

        Raises:
            TypeError: for a single tensor, or what cannot be iterated.
        """
        if not isinstance(values, Iterable) or isinstance(values, Value):
            raise TypeError(f"ParameterList.extend: expected an iterable of parameters, got {describe(values)}")
        for value in list(values):
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Any]) -> ParameterList:
        return self.extend(values)

    def extra_repr(self) -> str:
        """The entries, a line each."""
        return "\n".join(_entry(i, value) for i, value in enumerate(self))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("ParameterList: it holds parameters and cannot be called")


class ParameterDict(Module):
    """Parameters by name. Tensors become Parameters; other objects can be held too, and are not part of the state.

    Args:
        parameters: a mapping of names to them, or pairs of both.

    Example:
        >>> import lucid
        >>> from lucid import nn
        >>> weights = nn.ParameterDict({"left": lucid.ones(2), "right": lucid.zeros(3)})
        >>> list(weights), weights["right"].shape
        (['left', 'right'], (3,))
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def _check_key(self, key: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(f"ParameterDict: keys are strings, got {key!r}")

    def __getitem__(self, key: str) -> Any:
        self._check_key(key)
        if key not in self._keys:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        self._check_key(key)
        if key not in self._keys and hasattr(self, key):
            raise KeyError(f"ParameterDict: {key!r} is the name of an attribute and cannot be a key")
        setattr(self, key, _as_parameter(value))
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        self._check_key(key)
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self._keys))

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def _entries(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in self._keys}

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._keys.keys()

    def items(self) -> ItemsView[str, Any]:
        """The pairs of name and entry."""
        return self._entries().items()

    def values(self) -> ValuesView[Any]:
        """The entries."""
        return self._entries().values()

    def get(self, key: str, default: Any = None) -> Any:
        """The entry under a name, or ``default``."""
        return self[key] if key in self else default

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The entry under a name, which ``default`` becomes if there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str) -> Any:
        """Takes an entry out and returns it."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Takes the last entry out and returns it with its name."""
        if not self._keys:
            raise KeyError("ParameterDict.popitem: it is empty")
        key = next(reversed(self))
        return key, self.pop(key)

    def clear(self) -> None:
        """Takes all entries out."""
        for key in list(self._keys):
            del self[key]

    def copy(self) -> ParameterDict:
        """Another dict of the same parameters."""
        return type(self)(self.items())

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A new dict with one entry under each of these names."""
        return type(self)((key, default) for key in keys)

    def update(self, parameters: Any) -> None:
        """Adds entries by name; one that is there under a name is replaced.

        Raises:
            TypeError: for anything but a mapping or pairs.
            ValueError: for a pair of another length.
        """
        if isinstance(parameters, Mapping | ParameterDict):
            pairs: list[Any] = list(parameters.items())
        elif isinstance(parameters, Iterable) and not isinstance(parameters, Value):
            pairs = list(parameters)
        else:
            raise TypeError(f"ParameterDict.update: expected a mapping or pairs, got {describe(parameters)}")
        for i, pair in enumerate(pairs):
            if not isinstance(pair, Iterable):
                raise TypeError(f"ParameterDict.update: element {i} is no pair but {describe(pair)}")
            if len(tuple(pair)) != 2:
                raise ValueError(f"ParameterDict.update: element {i} has length {len(tuple(pair))}; a pair is needed")
        for key, value in pairs:
            self[key] = value

    def __or__(self, other: Any) -> ParameterDict:
        copied = self.copy()
        copied.update(other)
        return copied

    def __ror__(self, other: Mapping[str, Any]) -> ParameterDict:
        copied = type(self)(other)
        copied.update(self)
        return copied

    def __ior__(self, other: Any) -> ParameterDict:
        self.update(other)
        return self

    def extra_repr(self) -> str:
        """The entries, a line each."""
        return "\n".join(_entry(key, value) for key, value in self.items())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("ParameterDict: it holds parameters and cannot be called")
