"""The older way to make tensors: ``lucid.Tensor(2, 3)``, ``lucid.LongTensor([1, 2])``. New code: ``lucid.tensor``."""

from __future__ import annotations

import math
from typing import Any

from lucid import engine
from lucid.autograd.graph import Value, describe
from lucid.errors import KindError
from lucid.ops import create
from lucid.types import Tensor


class _SizeType(type):
    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, tuple) and all(isinstance(size, int) for size in x)


class Size(tuple[int, ...], metaclass=_SizeType):
    """A shape, as ``x.size()`` gives it: a tuple of numbers that can also count.

    ``x.shape`` is a plain tuple; for ``isinstance`` that is a Size too.

    Example:
        >>> import lucid
        >>> lucid.zeros(2, 3).size().numel(), lucid.Size([2, 3])
        (6, (2, 3))
    """

    __slots__ = ()

    def numel(self) -> int:
        """How many elements a tensor of this shape has."""
        return math.prod(self)


def made(kind: engine.dtype, args: tuple[Any, ...]) -> Tensor:
    """What ``FloatTensor(*args)`` and its like make.

    Args:
        kind: the number type.
        args: sizes, whose numbers are not set; a :class:`Size`; or numbers (sequences, an array, a tensor).

    Raises:
        TypeError: for anything else, and for a tensor of another number type.
    """
    if len(args) != 1 or type(args[0]) in (int, Size):
        if not all(isinstance(size, int) for size in args[: None if len(args) > 1 else 0]):
            raise KindError(f"{_class_of(kind)}: expected sizes or one sequence of numbers, got {args!r}")
        return create.empty(*args if args else (0,), dtype=kind)
    data = args[0]
    if isinstance(data, Value):
        if data.dtype is not kind:
            raise KindError(f"{_class_of(kind)}: got {describe(data)}; convert it with .to({kind})")
        given: Any = data
        alias: Tensor = given.detach()
        return alias
    if not hasattr(data, "__len__") and not hasattr(data, "__array__"):
        raise KindError(f"{_class_of(kind)}: expected sizes or numbers, got {type(data).__name__}; use lucid.tensor")
    return create.tensor(data, dtype=kind)


def _class_of(kind: engine.dtype) -> str:
    return next(name for name, of in NAMED.items() if of.dtype is kind)


class TypedTensor(type):
    """The class of FloatTensor and its like: tensors of one number type, by another name."""

    dtype: engine.dtype

    def __call__(cls, *args: Any) -> Tensor:
        return made(cls.dtype, args)

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, Value) and x.dtype is cls.dtype


class FloatTensor(metaclass=TypedTensor):
    """Tensors of float32: ``FloatTensor(2, 3)`` by sizes, ``FloatTensor([1, 2])`` by numbers.

    Example:
        >>> import lucid
        >>> lucid.FloatTensor([1, 2]), isinstance(lucid.ones(1), lucid.FloatTensor)
        (tensor([1., 2.]), True)
    """

    dtype = engine.float32


class DoubleTensor(metaclass=TypedTensor):
    """Tensors of float64, as :class:`FloatTensor`."""

    dtype = engine.float64


class LongTensor(metaclass=TypedTensor):
    """Tensors of int64, as :class:`FloatTensor`."""

    dtype = engine.int64


class IntTensor(metaclass=TypedTensor):
    """Tensors of int32, as :class:`FloatTensor`."""

    dtype = engine.int32


class ByteTensor(metaclass=TypedTensor):
    """Tensors of uint8, as :class:`FloatTensor`."""

    dtype = engine.uint8


class BoolTensor(metaclass=TypedTensor):
    """Tensors of bool, as :class:`FloatTensor`."""

    dtype = engine.bool_


NAMED = {x.__name__: x for x in (FloatTensor, DoubleTensor, LongTensor, IntTensor, ByteTensor, BoolTensor)}
