"""NumPy's names of arguments, which PyTorch takes too: ``axis`` for ``dim``, ``keepdims`` for ``keepdim``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from lucid.errors import KindError

_NAMES = {"axis": "dim", "keepdims": "keepdim"}


def renamed(operation: str, options: dict[str, Any]) -> dict[str, Any]:
    """Named arguments with PyTorch's names.

    Raises:
        TypeError: when one is given under both names.
    """
    if "axis" not in options and "keepdims" not in options:
        return options
    found = {_NAMES.get(name, name): value for name, value in options.items()}
    if len(found) < len(options):
        raise KindError(f"{operation}: an argument is given twice, by PyTorch's name and by NumPy's")
    return found


def takes_numpy_names(operation: Callable[..., Any]) -> Callable[..., Any]:
    """``operation``, which has an argument ``dim``, with NumPy's names of its arguments besides."""
    name = operation.__name__

    @functools.wraps(operation)
    def call(*args: Any, **options: Any) -> Any:
        return operation(*args, **renamed(name, options)) if options else operation(*args)

    return call
