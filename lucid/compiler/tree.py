"""Arguments and results: tensors in nested tuples, lists and dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def leaves(x: Any) -> Iterator[Any]:
    """What stands in the nested containers, in order."""
    if isinstance(x, (tuple, list)):
        for item in x:
            yield from leaves(item)
    elif isinstance(x, dict):
        for item in x.values():
            yield from leaves(item)
    else:
        yield x


def mapped(function: Callable[[Any], Any], x: Any) -> Any:
    """The same containers with ``function(leaf)`` in the place of each leaf."""
    if isinstance(x, tuple):
        items = [mapped(function, item) for item in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    if isinstance(x, list):
        return type(x)(mapped(function, item) for item in x)
    if isinstance(x, dict):
        return type(x)((key, mapped(function, item)) for key, item in x.items())
    return function(x)


def structure(x: Any) -> Any:
    """How the containers are nested: equal for two that differ only in their leaves."""
    if isinstance(x, (tuple, list)):
        return (type(x), *(structure(item) for item in x))
    if isinstance(x, dict):
        return (type(x), tuple(x), *(structure(item) for item in x.values()))
    return None
