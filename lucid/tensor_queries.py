"""What a tensor answers about itself, and what older or portable programs ask one to do: the less used methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value
from lucid.dtypes import strided_layout
from lucid.errors import ArgumentError, KindError
from lucid.ops import broadcast, inplace, legacy, random
from lucid.ops.create import fill_with
from lucid.ops.rebase import may_change
from lucid.ops.refusal import refuses
from lucid.ops.shape import diagonal
from lucid.types import Tensor

Self = TypeVar("Self", bound="Queries")


class Queries(Value):
    """The part of :class:`lucid.Tensor` that asks and answers."""

    __slots__ = ()

    is_cpu = True
    is_cuda = is_mps = is_sparse = is_quantized = is_meta = is_nested = False

    def nelement(self) -> int:
        """How many elements it has."""
        return int(self.array.size)

    def ndimension(self) -> int:
        """How many dimensions it has."""
        return len(self.shape)

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return int(self.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return int(self.array.size * self.dtype.itemsize)

    @property
    def layout(self) -> Any:
        """``lucid.strided``: the only one there is."""
        return strided_layout

    def storage_offset(self) -> int:
        """How many numbers before its first one are in its memory: those of its base."""
        return 0 if self.base is None else engine.offset_in(self.base, self) or 0

    def is_complex(self) -> bool:
        """False: there are no complex tensors."""
        return False

    def is_signed(self) -> bool:
        """Whether its number type has negative numbers."""
        return self.dtype not in (engine.uint8, engine.bool_)

    @refuses
    def is_same_size(self, other: Tensor) -> bool:
        """Whether another tensor has the same shape."""
        return bool(self.shape == other.shape)

    def is_nonzero(self) -> bool:
        """Whether the only element is not zero.

        Raises:
            RuntimeError: when there is more than one, or none.
        """
        if self.array.size != 1:
            raise RuntimeError(f"is_nonzero: the truth of a tensor of shape {self.shape} is ambiguous")
        return bool(self.array.item())

    def is_inference(self) -> bool:
        """False: a tensor made under inference_mode is an ordinary one."""
        return False

    def is_pinned(self) -> bool:
        """False: there is no device that would need it."""
        return False

    def pin_memory(self: Self) -> Self:
        """The tensor itself: there is no device that would read it faster."""
        return self

    def new(self, *args: Any) -> Tensor:
        """A tensor of the same number type, by sizes or by numbers; newer: ``new_empty``, ``new_tensor``."""
        return legacy.made(self.dtype, args)

    def byte(self) -> Tensor:
        """The tensor in uint8."""
        own: Any = self
        bytes_of: Tensor = own.to(engine.uint8)
        return bytes_of

    def _no_type(self, name: str) -> NoReturn:
        raise KindError(f"{name}: lucid has {', '.join(kind.name for kind in engine.DTYPES)}")

    def short(self) -> NoReturn:
        """Would be the tensor in int16, which is not there; int32 is.

        Raises:
            TypeError: always.
        """
        self._no_type("short")

    def char(self) -> NoReturn:
        """Would be the tensor in int8, which is not there; int32 is.

        Raises:
            TypeError: always.
        """
        self._no_type("char")

    def apply_(self, function: Callable[[Any], Any]) -> Tensor:
        """Puts ``function(number)`` in the place of each number, one after another: slow.

        Example:
            >>> import lucid
            >>> lucid.tensor([1.0, 2.0]).apply_(lambda x: x + 10)
            tensor([11., 12.])
        """
        return self._filled("apply_", [function(x) for x in self.array.ravel().tolist()])

    @refuses
    def map_(self, other: Tensor, function: Callable[[Any, Any], Any]) -> Tensor:
        """Puts ``function(number, number of other)`` in the place of each number, one after another: slow."""
        others = broadcast.expand(other, self.shape).array
        pairs = zip(self.array.ravel().tolist(), others.ravel().tolist(), strict=True)
        return self._filled("map_", [function(x, y) for x, y in pairs])

    def random_(self, low: int = 0, to: int | None = None, *, generator: Any = None) -> Tensor:
        """Takes random whole numbers from ``low`` (0) to ``to`` − 1; ``random_(to)`` counts from 0.

        Without an end they go up to what the number type holds exactly: 2^24 for float32, 2^53 for float64.

        Raises:
            ValueError: when there is no number in between.

        Example:
            >>> import lucid
            >>> set(lucid.zeros(100).random_(1, 3).tolist()) == {1.0, 2.0}
            True
        """
        if to is None and low:
            low, to = 0, low
        ends = {engine.float32: 2**24 + 1, engine.float64: 2**53 + 1, engine.uint8: 256, engine.bool_: 2}
        end = to if to is not None else ends.get(self.dtype, 2 ** (8 * self.dtype.itemsize - 1) - 1)
        if low >= end:
            raise ArgumentError(f"random_: there is no number from {low} to below {end}")
        drawn = random.randint(low, end, self.shape, generator=generator)
        return self._filled("random_", drawn.array)

    def bernoulli_(self, p: Any = 0.5, *, generator: Any = None) -> Tensor:
        """Takes 1 with probability p, else 0; p is a number or a tensor of probabilities."""
        if isinstance(p, Value):
            given: Any = p
            chances = broadcast.expand(given, self.shape)
        else:
            chances = engine.empty(self.shape, engine.float64)
            fill_with(chances, p)
        return self._filled("bernoulli_", random.bernoulli(chances, generator=generator).array)

    def exponential_(self, lambd: float = 1.0, *, generator: Any = None) -> Tensor:
        """Takes random numbers of the density λ exp(−λ x).

        Raises:
            ValueError: for a λ that is not positive.
        """
        if not lambd > 0:
            raise ArgumentError(f"exponential_: lambd must be positive, got {lambd}")
        uniform = random.rand(*self.shape, dtype=engine.float64, generator=generator).array
        return self._filled("exponential_", -np.log1p(-uniform) / lambd)

    def fill_diagonal_(self: Self, fill_value: float, wrap: bool = False) -> Self:
        """Puts a number at all places [i, i, ...].

        Args:
            fill_value: the number.
            wrap: go on at the top of a tall matrix, after a row without.

        Raises:
            ValueError: for fewer than two dimensions, or more than two of different sizes.

        Example:
            >>> import lucid
            >>> lucid.zeros(2, 3).fill_diagonal_(1).tolist()
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
        """
        n = len(self.shape)
        if n < 2 or (n > 2 and len(set(self.shape)) > 1):
            raise ArgumentError(f"fill_diagonal_: expected a matrix, or dimensions of one size; got shape {self.shape}")
        own: Any = self
        if n == 2 and not wrap:
            inplace.fill_(diagonal(own), fill_value)
        else:
            places = np.zeros(self.shape, bool)
            np.fill_diagonal(places, True, wrap)
            own.masked_fill_(engine.wrap(places), fill_value)
        return self

    def _filled(self, name: str, numbers: Any) -> Tensor:
        """Numbers written over all elements; they are constants from now on."""

        def write() -> None:
            self.array[...] = np.asarray(numbers).reshape(self.shape)

        own: Any = self
        may_change(name, own)
        return inplace._overwrite(name, own, write)
