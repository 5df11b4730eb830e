"""What is said to a caller who gives something else where a tensor belongs.

Operations do not look at the type of each argument first: that would cost every call. They ask it for its shape, and
the AttributeError that follows is put into words here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from lucid.autograd.graph import Value

Operation = TypeVar("Operation", bound=Callable[..., Any])


def refusal(operation: str, given: tuple[Any, ...], error: AttributeError) -> Exception:
    """A TypeError that names the operation, when the error is about one of the arguments; else the error itself."""
    culprit = error.obj
    inside = [x for one in given if isinstance(one, tuple | list) for x in one]
    if not isinstance(culprit, Value) and any(x is culprit for x in (*given, *inside)):
        return TypeError(f"{operation}: expected a tensor, got {type(culprit).__name__}")
    return error


def refuses(operation: Operation) -> Operation:
    """``operation`` with that error in words."""

    @functools.wraps(operation)
    def call(*args: Any, **options: Any) -> Any:
        try:
            return operation(*args, **options)
        except AttributeError as error:
            raise refusal(operation.__name__, (*args, *options.values()), error) from None

    return cast(Operation, call)
