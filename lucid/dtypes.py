"""The number types of tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from lucid._engine import ffi
from lucid.errors import KindError


class dtype:
    """A number type. There is one object per type, so ``is`` compares them.

    Attributes:
        name: ``"float32"`` and so on.
        itemsize: bytes per number.
        is_floating_point: whether gradients can flow.
        numpy: the NumPy dtype.
    """

    __slots__ = (
        "array_type",
        "category",
        "code",
        "is_floating_point",
        "itemsize",
        "name",
        "numpy",
        "pointer_type",
        "suffix",
    )

    def __init__(self, name: str, code: int, category: int, c_name: str, suffix: str | None) -> None:
        self.name = name
        self.numpy = np.dtype(name)
        self.itemsize = self.numpy.itemsize
        self.code = code  # the engine's number for it, see lucid_engine.h
        self.category = category  # 0 bool, 1 integer, 2 floating point: promotion goes up
        self.is_floating_point = category == 2
        self.array_type = ffi.typeof(f"{c_name}[]")
        self.pointer_type = ffi.typeof(f"{c_name} *")
        self.suffix = suffix  # of the kernels for it; None where there are none

    def __repr__(self) -> str:
        return f"lucid.{self.name}"

    def __reduce__(self) -> str:
        return self.name if self.name != "bool" else "bool_"

    @property
    def is_complex(self) -> bool:
        """False: there are no complex tensors."""
        return False


float32 = dtype("float32", 0, 2, "float", "f32")
float64 = dtype("float64", 1, 2, "double", "f64")
int64 = dtype("int64", 2, 1, "int64_t", None)
int32 = dtype("int32", 3, 1, "int32_t", None)
uint8 = dtype("uint8", 4, 1, "uint8_t", None)
bool_ = dtype("bool", 5, 0, "uint8_t", None)

DTYPES = (float32, float64, int64, int32, uint8, bool_)
of_numpy = {d.numpy: d for d in DTYPES}
_of_name = {d.name: d for d in DTYPES} | {"float": float32, "double": float64, "long": int64, "int": int32}


class MissingType:
    """The name of a number type that is not there: it can be compared and printed; using it raises a TypeError."""

    is_floating_point = True

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"lucid.{self.name}"

    def __reduce__(self) -> str:
        return self.name


float16, bfloat16 = MissingType("float16"), MissingType("bfloat16")


def dtype_of(kind: Any) -> dtype:
    """The number type meant by a lucid dtype, a NumPy dtype, a Python type or a name.

    Raises:
        TypeError: when the engine has no such type.
    """
    if type(kind) is dtype:
        return kind
    if isinstance(kind, MissingType):
        raise KindError(f"{kind} is not there: lucid computes in float32 and float64; use one of them")
    if kind is float:
        return float32
    if type(getattr(kind, "dtype", None)) is dtype and isinstance(kind, type):  # lucid.LongTensor
        meant: dtype = kind.dtype  # type: ignore[attr-defined]
        return meant
    try:
        found = _of_name.get(kind) if isinstance(kind, str) else of_numpy.get(np.dtype(kind))
    except TypeError:
        found = None
    if found is None:
        raise KindError(f"dtype {kind!r} is not supported; lucid has {', '.join(d.name for d in DTYPES)}")
    return found


class _Layout:
    def __repr__(self) -> str:
        return "lucid.strided"


strided_layout = _Layout()  # how all tensors lie in memory
