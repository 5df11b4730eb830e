"""What number types are like, and which one is the default."""

from __future__ import annotations

from typing import Any

import numpy as np

from lucid import engine
from lucid.ops.elementwise import default_dtype


class finfo:  # noqa: N801
    """The limits of a floating-point type.

    Args:
        type: float32 or float64; the default type when None.

    Attributes:
        bits: how many bits a number has.
        eps: the distance from 1 to the next number.
        max, min: the largest number, and the one below zero.
        tiny, smallest_normal: the smallest positive number of full precision.
        resolution: the decimal resolution.
        dtype: the name of the type.

    Raises:
        TypeError: for an integer type.

    Example:
        >>> import lucid
        >>> lucid.finfo(lucid.float32).eps
        1.1920928955078125e-07
    """

    def __init__(self, type: Any = None) -> None:
        kind = default_dtype[0] if type is None else engine.dtype_of(type)
        if not kind.is_floating_point:
            raise TypeError(f"finfo: expected a floating-point type, got {kind}; use iinfo")
        found = np.finfo(kind.numpy)
        self.bits = int(found.bits)
        self.eps, self.max, self.min = float(found.eps), float(found.max), float(found.min)
        self.tiny = self.smallest_normal = float(found.tiny)
        self.resolution = 10.0 ** -int(found.precision)
        self.dtype = kind.name

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution}, min={self.min}, max={self.max}, eps={self.eps}, dtype={self.dtype})"
        )


class iinfo:  # noqa: N801
    """The limits of an integer type.

    Args:
        type: int64, int32 or uint8.

    Attributes:
        bits: how many bits a number has.
        max, min: the largest and the smallest number.
        dtype: the name of the type.

    Raises:
        TypeError: for another type.

    Example:
        >>> import lucid
        >>> lucid.iinfo(lucid.uint8).max
        255
    """

    def __init__(self, type: Any) -> None:
        kind = engine.dtype_of(type)
        if kind.category != 1:
            raise TypeError(f"iinfo: expected an integer type, got {kind}")
        found = np.iinfo(kind.numpy)
        self.bits, self.max, self.min = int(found.bits), int(found.max), int(found.min)
        self.dtype = kind.name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


def get_default_dtype() -> engine.dtype:
    """The number type of tensors made from Python floats, and of quotients of integers: float32 at first."""
    return default_dtype[0]


def set_default_dtype(d: Any) -> None:
    """Sets the default number type: float32 or float64.

    Raises:
        TypeError: for another type.

    Example:
        >>> import lucid
        >>> lucid.set_default_dtype(lucid.float64)
        >>> lucid.tensor(1.5).dtype
        lucid.float64
        >>> lucid.set_default_dtype(lucid.float32)
    """
    kind = engine.dtype_of(d)
    if not kind.is_floating_point:
        raise TypeError(f"set_default_dtype: expected float32 or float64, got {kind}")
    default_dtype[0] = kind


def promote_types(type1: Any, type2: Any) -> engine.dtype:
    """The number type that holds both: the higher category (bool, integer, floating), the wider type of one.

    Example:
        >>> import lucid
        >>> lucid.promote_types(lucid.int64, lucid.float32)
        lucid.float32
    """
    one, other = engine.dtype_of(type1), engine.dtype_of(type2)
    higher: engine.dtype = max(one, other, key=lambda kind: (kind.category, kind.itemsize))
    return higher


def can_cast(from_: Any, to: Any) -> bool:
    """Whether numbers of one type may be written into the other: not from a higher category to a lower one.

    Example:
        >>> import lucid
        >>> lucid.can_cast(lucid.int64, lucid.float32), lucid.can_cast(lucid.float32, lucid.int64)
        (True, False)
    """
    return bool(engine.dtype_of(from_).category <= engine.dtype_of(to).category)
