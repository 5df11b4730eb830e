"""Data sets: samples by number (Dataset) or one after the other (IterableDataset), and what is made of several."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, describe
from lucid.ops.random import Generator, randperm
from lucid.tensor import Tensor

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Samples by number: write ``__getitem__(self, index)`` and ``__len__(self)``.

    With a method ``__getitems__(self, indices)`` too, a DataLoader asks for the samples of a batch at once.

    Example:
        >>> from lucid.utils.data import Dataset
        >>> class Squares(Dataset):
        ...     def __len__(self):
        ...         return 10
        ...     def __getitem__(self, index):
        ...         return index * index
        >>> len(Squares() + Squares()), Squares()[3]
        (20, 9)
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__}: write a method __getitem__(self, index)")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co]):
    """Samples one after the other: write ``__iter__(self)``.

    In worker processes each has a copy of the data set; :func:`get_worker_info` tells it which share to give.
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__}: write a method __iter__(self)")

    def __add__(self, other: Dataset[Any]) -> ChainDataset[Any]:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Sample i is row i of each tensor. A DataLoader reads a batch by one index operation a tensor.

    Args:
        tensors: tensors of the same first size.

    Raises:
        ValueError: when their first sizes differ.

    Example:
        >>> import lucid
        >>> from lucid.utils.data import TensorDataset
        >>> data = TensorDataset(lucid.ones(3, 2), lucid.arange(3))
        >>> len(data), data[2]
        (3, (tensor([1., 1.]), tensor(2)))
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            raise ValueError("TensorDataset: it needs one tensor or more")
        for tensor in tensors:
            if not isinstance(tensor, Value) or not tensor.shape:
                raise ValueError(f"TensorDataset: expected tensors with a first dimension, got {describe(tensor)}")
        if len({tensor.shape[0] for tensor in tensors}) != 1:
            raise ValueError(f"TensorDataset: the first sizes differ: {', '.join(str(t.shape) for t in tensors)}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].shape[0]


class StackDataset(Dataset[Any]):
    """Sample i is the sample i of each data set: as a tuple, or as a dict where they were given by name.

    Args:
        args: data sets of the same length; or
        kwargs: the same by name.

    Raises:
        ValueError: for both, none, or lengths that differ.
    """

    datasets: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError("StackDataset: give data sets, either all by place or all by name")
        self.datasets = args or kwargs
        sizes = [len(dataset) for dataset in self._each()]
        if len(set(sizes)) != 1:
            raise ValueError(f"StackDataset: the lengths differ: {sizes}")
        self._length = sizes[0]

    def _each(self) -> Iterable[Any]:
        return self.datasets.values() if isinstance(self.datasets, dict) else self.datasets

    def _joined(self, samples: Iterable[Any]) -> Any:
        if isinstance(self.datasets, dict):
            return dict(zip(self.datasets, samples, strict=True))
        return tuple(samples)

    def __getitem__(self, index: Any) -> Any:
        return self._joined(dataset[index] for dataset in self._each())

    def __getitems__(self, indices: Sequence[Any]) -> list[Any]:
        """The samples of a batch."""
        columns = [take_samples(dataset, indices) for dataset in self._each()]
        return [self._joined(samples) for samples in zip(*columns, strict=True)]

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """Data sets one after the other.

    Args:
        datasets: an iterable of data sets with lengths.

    Raises:
        ValueError: for none, or an IterableDataset (use :class:`ChainDataset`).
    """

    datasets: list[Dataset[T_co]]
    cumulative_sizes: list[int]

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: it needs one data set or more")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise ValueError("ConcatDataset: an IterableDataset has no samples by number; use ChainDataset")
        self.cumulative_sizes = list(itertools.accumulate(len(d) for d in self.datasets))  # type: ignore[arg-type]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> T_co:
        if not -len(self) <= index:
            raise ValueError(f"ConcatDataset: index {index} is out of range for {len(self)} samples")
        index = index + len(self) if index < 0 else index
        place = bisect.bisect_right(self.cumulative_sizes, index)
        if place == len(self.datasets):
            raise IndexError(f"ConcatDataset: index {index} is out of range for {len(self)} samples")
        return self.datasets[place][index - (self.cumulative_sizes[place - 1] if place else 0)]


class ChainDataset(IterableDataset[T_co]):
    """Iterable data sets one after the other.

    Args:
        datasets: an iterable of them.
    """

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        self.datasets = datasets

    def _checked(self) -> Iterator[Any]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise TypeError(f"ChainDataset: expected an IterableDataset, got {describe(dataset)}")
            yield dataset

    def __iter__(self) -> Iterator[Any]:
        for dataset in self._checked():
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self._checked())


class Subset(Dataset[T_co]):
    """Some samples of a data set.

    Args:
        dataset: the data set.
        indices: the numbers of the samples, in their new order.
    """

    dataset: Dataset[T_co]
    indices: Sequence[int]

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> list[T_co]:
        """The samples of a batch."""
        return take_samples(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


def random_split(
    dataset: Dataset[T_co], lengths: Sequence[int | float], generator: Generator | None = None
) -> list[Subset[T_co]]:
    """Cuts a data set at random into parts that have no sample in common.

    Args:
        dataset: the data set.
        lengths: how many samples each part gets; or fractions that sum to 1: each part gets the whole number below its
            share, and what is left over goes to the first parts, one each.
        generator: where the random numbers come from; None for the default ones.

    Raises:
        ValueError: for lengths that do not sum to that of the data set, or fractions outside [0, 1].

    Example:
        >>> import lucid
        >>> from lucid.utils.data import random_split
        >>> [len(part) for part in random_split(range(10), [0.75, 0.25], lucid.Generator().manual_seed(1))]
        [8, 2]
    """
    total = len(dataset)  # type: ignore[arg-type]
    counts: list[Any] = list(lengths)
    if math.isclose(sum(counts), 1) and sum(counts) <= 1:
        for i, fraction in enumerate(counts):
            if not 0 <= fraction <= 1:
                raise ValueError(f"random_split: the fraction at place {i} is {fraction}, not from 0 to 1")
        counts = [math.floor(total * fraction) for fraction in lengths]
        for i in range(total - sum(counts)):
            counts[i % len(counts)] += 1
        for i, count in enumerate(counts):
            if count == 0:
                warnings.warn(f"random_split: the part at place {i} is empty", stacklevel=2)
    if sum(counts) != total:
        raise ValueError(f"random_split: the lengths {list(lengths)} do not sum to the data set's length {total}")
    order = randperm(total, generator=generator).tolist()
    ends = itertools.accumulate(counts)
    return [Subset(dataset, order[end - count : end]) for end, count in zip(ends, counts, strict=True)]


def take_samples(dataset: Any, indices: Sequence[Any]) -> list[Any]:
    """The samples with these numbers, asked for at once where the data set can do that."""
    together = getattr(dataset, "__getitems__", None)
    if together is None:
        return [dataset[i] for i in indices]
    samples: list[Any] = together(indices)
    if len(samples) != len(indices):
        raise ValueError(
            f"{type(dataset).__name__}.__getitems__ gave {len(samples)} samples for {len(indices)} numbers"
        )
    return samples


def take_batch(dataset: Any, indices: Sequence[Any]) -> list[Tensor] | None:
    """A batch of a TensorDataset, or of a Subset of one, without taking it apart into samples; None for others."""
    while isinstance(dataset, Subset) and _is_plain(type(dataset), Subset):
        indices = [dataset.indices[i] for i in indices]
        dataset = dataset.dataset
    tensors = tensors_of(dataset)
    if tensors is None or set(map(type, indices)) != {int}:
        return None
    return take_rows(tensors, np.array(indices, np.int64))


def take_rows(tensors: Sequence[Tensor], numbers: np.ndarray) -> list[Tensor]:
    """The rows with these numbers (int64) of each tensor."""
    index = engine.wrap(numbers)
    return [
        tensor[index] if tensor.dtype.is_floating_point else engine.wrap(tensor.array.take(numbers, 0))
        for tensor in tensors
    ]


def tensors_of(dataset: Any) -> Sequence[Tensor] | None:
    """The tensors of a plain TensorDataset; None for any other data set."""
    if isinstance(dataset, TensorDataset) and _is_plain(type(dataset), TensorDataset):
        return dataset.tensors
    return None


def _is_plain(kind: Any, base: Any) -> bool:
    """Whether a class reads its samples as ``base`` does."""
    return kind.__getitem__ is base.__getitem__ and (
        getattr(kind, "__getitems__", None) is getattr(base, "__getitems__", None)
    )
