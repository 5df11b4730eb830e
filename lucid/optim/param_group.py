"""The dicts an optimizer keeps: its options by group, its state by parameter. Both count their changes."""

from __future__ import annotations

from typing import Any

_MISSING: Any = object()


class CountedDict(dict[Any, Any]):
    """A dict that counts its changes.

    What the engine was told of a group stays true until somebody writes into one of these dicts. Comparing one number
    at each step is the cheapest way to know that nobody did.

    Attributes:
        changes: a list of one number, raised at each change; dicts may share it.
    """

    __slots__ = ("changes",)
    changes: list[int]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        self = super().__new__(cls)
        self.changes = [0]
        return self

    def __reduce__(self) -> Any:
        return type(self), (dict(self),)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.changes[0] += 1
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:
        self.changes[0] += 1
        super().__delitem__(key)

    # The other ways to change a dict, by way of these two.

    def update(self, *args: Any, **kwargs: Any) -> None:
        """As dict.update."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc,override,unused-ignore]
        self.update(other)
        return self

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """As dict.setdefault."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: Any, default: Any = _MISSING) -> Any:
        """As dict.pop."""
        if key not in self and default is not _MISSING:
            return default
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[Any, Any]:
        """As dict.popitem."""
        key, value = super().popitem()
        self.changes[0] += 1
        return key, value

    def clear(self) -> None:
        """As dict.clear."""
        self.changes[0] += 1
        super().clear()


class ParamGroup(CountedDict):
    """The options of a param group. ``group["betas"]`` reads and writes the pair of ``beta1`` and ``beta2``.

    Example:
        >>> group = ParamGroup({"lr": 0.1, "beta1": 0.9, "beta2": 0.99})
        >>> group["betas"] = (0.8, 0.88)
        >>> group["beta1"], group["betas"]
        (0.8, (0.8, 0.88))
    """

    __slots__ = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.update(*args, **kwargs)

    def _has_pair(self, key: Any) -> bool:
        return key == "betas" and dict.__contains__(self, "beta1") and dict.__contains__(self, "beta2")

    def __contains__(self, key: Any) -> bool:
        return super().__contains__(key) or self._has_pair(key)

    def __missing__(self, key: Any) -> Any:
        if self._has_pair(key):
            return self["beta1"], self["beta2"]
        raise KeyError(key)

    def get(self, key: Any, default: Any = None) -> Any:
        """As dict.get."""
        return self[key] if key in self else default

    def __setitem__(self, key: Any, value: Any) -> None:
        if self._has_pair(key):
            first, second = pair_of_betas(value)
            super().__setitem__("beta1", first)
            super().__setitem__("beta2", second)
        else:
            super().__setitem__(key, value)


def pair_of_betas(betas: Any) -> tuple[Any, Any]:
    """The two numbers of ``betas``.

    Raises:
        TypeError: when it is no sequence.
        ValueError: when it has not two items.
    """
    if not isinstance(betas, (tuple, list)):
        raise TypeError(f"betas: expected a pair of numbers, got {betas!r}")
    if len(betas) != 2:
        raise ValueError(f"betas: expected two numbers, got {betas!r}")
    return betas[0], betas[1]


class State(CountedDict):
    """What an optimizer remembers of each parameter: a dict of dicts, made when first asked for.

    All of them share one count of changes.
    """

    __slots__ = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.update(*args, **kwargs)

    def __missing__(self, key: Any) -> Any:
        self[key] = {}
        return self[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        if type(value) is dict or isinstance(value, CountedDict):
            counted = CountedDict()
            dict.update(counted, value)
            counted.changes = self.changes
            value = counted
        super().__setitem__(key, value)

    def pop(self, key: Any, default: Any = _MISSING) -> Any:
        """As dict.pop: asking makes no entry."""
        if key not in self and default is _MISSING:
            raise KeyError(key)
        return super().pop(key, default)
