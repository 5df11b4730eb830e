"""Samplers: iterables of the numbers of samples, in the order in which they are to be read."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value
from lucid.errors import ArgumentError
from lucid.ops import random
from lucid.ops.random import Generator

T_co = TypeVar("T_co", covariant=True)


def draw_seed(generator: Generator | None = None) -> int:
    """A random seed."""
    return int(random.randint(0, 2**63 - 1, (), generator=generator).item())


def _own_stream(generator: Generator | None) -> Generator:
    """The generator given; else a new one, seeded from the default random numbers."""
    return Generator().manual_seed(draw_seed()) if generator is None else generator


def _check_count(sampler: str, name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ArgumentError(f"{sampler}: {name} must be a positive int, got {value!r}")


class Sampler(Generic[T_co]):
    """Base class: write ``__iter__(self)``, and ``__len__(self)`` where the number is known."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__}: write a method __iter__(self)")


class SequentialSampler(Sampler[int]):
    """0, 1, 2, ...

    Args:
        data_source: the data set, for its length.
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """All numbers in random order; or drawn with replacement.

    Args:
        data_source: the data set, for its length.
        replacement: whether a number may come again before all have come.
        num_samples: how many to give; None for the length of the data set. Without replacement, more than that begin
            another round.
        generator: where the random numbers come from; None for a stream seeded anew, from the default ones, each time.

    Raises:
        TypeError: when replacement is not a bool.
        ValueError: when num_samples is not a positive int.

    Example:
        >>> import lucid
        >>> from lucid.utils.data import RandomSampler
        >>> sorted(RandomSampler(range(4), num_samples=8, generator=lucid.Generator().manual_seed(0)))
        [0, 0, 1, 1, 2, 2, 3, 3]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if not isinstance(replacement, bool):
            raise TypeError(f"RandomSampler: replacement must be True or False, got {replacement!r}")
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        _check_count("RandomSampler", "num_samples (the length of the data set if not given)", self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many numbers it gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def rounds(self) -> Iterator[np.ndarray]:
        """The numbers as int64 arrays: as many at a time as the data set has samples."""
        n, count = len(self.data_source), self.num_samples
        stream = _own_stream(self.generator)
        while count > 0:
            size = min(count, n)
            if self.replacement:
                yield random.randint(n, (size,), generator=stream).array
            else:
                yield random.randperm(n, generator=stream).array[:size]
            count -= size

    def __iter__(self) -> Iterator[int]:
        for numbers in self.rounds():
            yield from numbers.tolist()

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given numbers in random order.

    Args:
        indices: the numbers.
        generator: where the random numbers come from; None for the default ones.
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for i in random.randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Numbers drawn with the probabilities wᵢ / Σw.

    Without replacement the numbers are the first of an exponential race: the smallest Eᵢ / wᵢ with Eᵢ from the
    exponential distribution (Efraimidis and Spirakis 2006), as if drawn one by one in proportion to what is left.

    Args:
        weights: a weight for each number, not negative; they need not sum to 1.
        num_samples: how many to draw.
        replacement: whether a number may come more than once.
        generator: where the random numbers come from; None for the default ones.

    Raises:
        ValueError: for weights that are no vector, negative or not finite, all zero, or (without replacement) when
            fewer are positive than there are samples to draw.

    Example:
        >>> import lucid
        >>> from lucid.utils.data import WeightedRandomSampler
        >>> list(WeightedRandomSampler([0.0, 3.0], 4))
        [1, 1, 1, 1]
    """

    def __init__(
        self, weights: Any, num_samples: int, replacement: bool = True, generator: Generator | None = None
    ) -> None:
        _check_count("WeightedRandomSampler", "num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ArgumentError(f"WeightedRandomSampler: replacement must be True or False, got {replacement!r}")
        array = weights.array if isinstance(weights, Value) else np.asarray(weights)
        if array.ndim != 1:
            raise ArgumentError(f"WeightedRandomSampler: weights must be a vector, got shape {array.shape}")
        array = array.astype(np.float64)
        if not (np.isfinite(array).all() and (array >= 0).all() and array.any()):
            raise ArgumentError("WeightedRandomSampler: weights must be finite, not negative and not all zero")
        positive = int(np.count_nonzero(array))
        if not replacement and num_samples > positive:
            raise ArgumentError(
                f"WeightedRandomSampler: {num_samples} samples cannot be drawn without replacement from the {positive} "
                "with a positive weight"
            )
        self.weights = engine.wrap(array)
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        weights = self.weights.array
        count = self.num_samples if self.replacement else len(weights)
        uniform = random.rand(count, dtype="float64", generator=self.generator).array
        if self.replacement:
            ends = np.cumsum(weights)
            drawn = np.searchsorted(ends, uniform * ends[-1], side="right")
            return iter(np.minimum(drawn, np.flatnonzero(weights)[-1]).tolist())  # (u · Σw may round up to Σw)
        with np.errstate(divide="ignore", invalid="ignore"):
            race = -np.log1p(-uniform) / weights
        race[weights == 0] = np.inf
        return iter(np.argsort(race, kind="stable")[: self.num_samples].tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of ``batch_size`` numbers from another sampler.

    Args:
        sampler: an iterable of numbers.
        batch_size: how many a list has.
        drop_last: whether a last list that is not full is left out.

    Raises:
        ValueError: when batch_size is not a positive int, or drop_last not a bool.

    Example:
        >>> from lucid.utils.data import BatchSampler
        >>> list(BatchSampler(range(5), 2, drop_last=False))
        [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool) -> None:
        _check_count("BatchSampler", "batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ArgumentError(f"BatchSampler: drop_last must be True or False, got {drop_last!r}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        numbers = iter(self.sampler)
        while batch := list(itertools.islice(numbers, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)
