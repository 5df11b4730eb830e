"""Options of update rules: functions (name, value) -> what C is told, which refuse bad values."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from lucid.autograd.graph import Value, describe

Check = Callable[[str, Any], Any]


def number(name: str, value: Any) -> float:
    """Any number that is not NaN; a tensor of one element stands for its number."""
    if type(value) is float and value == value:
        return value
    if isinstance(value, Value) and value.array.size == 1:
        value = value.array.item()
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {describe(value)}")
    found = float(value)
    if math.isnan(found):
        raise ValueError(f"{name} is NaN")
    return found


def not_negative(name: str, value: Any) -> float:
    """A number of 0 or more."""
    found = number(name, value)
    if found < 0:
        raise ValueError(f"{name} must not be negative, got {found}")
    return found


def positive(name: str, value: Any) -> float:
    """A number above 0."""
    found = number(name, value)
    if found <= 0:
        raise ValueError(f"{name} must be above 0, got {found}")
    return found


def fraction(name: str, value: Any) -> float:
    """A number in [0, 1)."""
    found = number(name, value)
    if not 0 <= found < 1:
        raise ValueError(f"{name} must lie in [0, 1), got {found}")
    return found


def portion(name: str, value: Any) -> float:
    """A number in [0, 1]."""
    found = number(name, value)
    if not 0 <= found <= 1:
        raise ValueError(f"{name} must lie in [0, 1], got {found}")
    return found


def switch(name: str, value: Any) -> int:
    """True or False."""
    if not isinstance(value, (bool, int, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {describe(value)}")
    return int(bool(value))


def numbers_of(count: int, check: Check = number) -> Check:
    """A tuple or list of so many numbers, each of which ``check`` accepts."""

    def checked(name: str, value: Any) -> list[Any]:
        if not isinstance(value, (tuple, list)):
            raise TypeError(f"{name} must be a tuple of {count} numbers, got {describe(value)}")
        if len(value) != count:
            raise ValueError(f"{name} must have {count} numbers, got {value!r}")
        return [check(name, item) for item in value]

    return checked
