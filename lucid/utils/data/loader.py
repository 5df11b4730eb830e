"""DataLoader: a data set, an order and a way to make batches, as an iterable of batches."""

from __future__ import annotations

import copy
import itertools
import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from lucid.ops.random import Generator
from lucid.utils.data.collate import default_collate, default_convert
from lucid.utils.data.dataset import IterableDataset
from lucid.utils.data.iterators import BatchIterator, InProcess, InWorkers, Rows
from lucid.utils.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

T_co = TypeVar("T_co", covariant=True)


class _Endless(Sampler[None]):
    """For an IterableDataset, which has its own order: None without end."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


class _Indexable(Protocol[T_co]):
    """A dataset, or a list that serves as one."""

    def __getitem__(self, index: int, /) -> T_co: ...


class DataLoader(Generic[T_co]):
    """Batches of a data set, in order or shuffled, made here or ahead of time in worker processes.

    Batches of a :class:`TensorDataset` (and of a Subset of one) with the default ``collate_fn`` are read by one index
    operation a tensor.

    Worker processes are forked on Linux, and started as Python does by default elsewhere (then what they are given must
    be picklable). Each computes with one thread, and the random numbers of Python, NumPy and lucid are seeded with a
    seed drawn from ``generator`` plus its number. Batches come in the same order for any number of workers. What a
    worker raises is raised here, with the worker's traceback as its text; a worker that dies is a RuntimeError.

    Args:
        dataset: a data set: samples by number, or an IterableDataset.
        batch_size: samples of a batch; None for single samples.
        shuffle: whether to read in a new random order in each epoch.
        sampler: the order, as an iterable of numbers; excludes shuffle.
        batch_sampler: the order, as an iterable of lists of numbers; excludes batch_size, shuffle, sampler, drop_last.
        num_workers: how many worker processes; 0 for none.
        collate_fn: makes a batch of a list of samples; :func:`default_collate`, or for single samples
            :func:`default_convert`.
        pin_memory: memory for copies to a GPU. There is none here: True gives a warning, and ordinary memory.
        drop_last: whether a last batch that is not full is left out.
        timeout: seconds to wait for a worker's batch; 0 for no limit.
        worker_init_fn: called with the worker's number in each worker, after its random numbers are seeded.
        multiprocessing_context: "fork", "spawn", "forkserver", or such a context.
        generator: where the order and the workers' seeds come from; None for the default random numbers.
        prefetch_factor: batches each worker makes ahead of time; 2.
        persistent_workers: keep the workers from one epoch to the next.
        pin_memory_device: "" only; see pin_memory.
        in_order: False to take batches in the order in which workers finish them.

    Raises:
        ValueError: for options that exclude each other, or values out of range.

    Example:
        >>> import lucid
        >>> from lucid.utils.data import DataLoader, TensorDataset
        >>> data = TensorDataset(lucid.arange(5.0), lucid.arange(5))
        >>> for x, y in DataLoader(data, batch_size=2):
        ...     print(x, y)
        tensor([0., 1.]) tensor([0, 1])
        tensor([2., 3.]) tensor([2, 3])
        tensor([4.]) tensor([4])
    """

    _FIXED = frozenset({"dataset", "batch_size", "sampler", "batch_sampler", "drop_last", "persistent_workers"})
    _iterator: InWorkers | None = None
    _ready = False

    def __init__(
        self,
        dataset: _Indexable[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if num_workers < 0:
            raise ValueError(f"DataLoader: num_workers must not be negative, got {num_workers}")
        if timeout < 0:
            raise ValueError(f"DataLoader: timeout must not be negative, got {timeout}")
        if num_workers == 0 and prefetch_factor is not None:
            raise ValueError("DataLoader: prefetch_factor speaks of workers; give num_workers too")
        if num_workers == 0 and persistent_workers:
            raise ValueError("DataLoader: persistent_workers needs num_workers above 0")
        if prefetch_factor is not None and prefetch_factor < 1:
            raise ValueError(f"DataLoader: prefetch_factor must be 1 or more, got {prefetch_factor}")
        if pin_memory or pin_memory_device:
            warnings.warn("DataLoader: there is no GPU to pin memory for; batches are in ordinary memory", stacklevel=2)
        self.dataset: Any = dataset
        self.num_workers = num_workers
        self.prefetch_factor = 2 if num_workers > 0 and prefetch_factor is None else prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.generator = generator
        self.persistent_workers = persistent_workers
        self.in_order = in_order
        self._promised: int | None = None  # the length that len() was told, of an IterableDataset
        self._set_order(batch_size, shuffle, sampler, batch_sampler, drop_last)
        self.collate_fn = collate_fn or (default_collate if self._batched else default_convert)
        self._ready = True
        self._warn_of_too_many_workers()

    def _set_order(self, batch_size: Any, shuffle: Any, sampler: Any, batch_sampler: Any, drop_last: bool) -> None:
        iterable = isinstance(self.dataset, IterableDataset)
        if iterable:
            for name, value in (("shuffle", shuffle or None), ("sampler", sampler), ("batch_sampler", batch_sampler)):
                if value is not None:
                    raise ValueError(
                        f"DataLoader: an IterableDataset has its own order; {name}={value!r} cannot be used"
                    )
        if sampler is not None and shuffle:
            raise ValueError("DataLoader: sampler and shuffle exclude each other")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError("DataLoader: batch_sampler excludes batch_size, shuffle, sampler and drop_last")
            batch_size, drop_last = None, False
        elif batch_size is None and drop_last:
            raise ValueError("DataLoader: without batches (batch_size=None) there is none for drop_last to leave out")
        if sampler is None:
            if iterable:
                sampler = _Endless()
            elif shuffle:
                sampler = RandomSampler(self.dataset, generator=self.generator)
            else:
                sampler = SequentialSampler(self.dataset)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler

    @property
    def _batched(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.batch_sampler if self._batched else self.sampler

    def __setattr__(self, name: str, value: Any) -> None:
        if self._ready and name in self._FIXED:
            raise ValueError(f"DataLoader: {name} cannot be changed any more; make another DataLoader")
        super().__setattr__(name, value)

    @property
    def multiprocessing_context(self) -> Any:
        """How worker processes are started; None for the default."""
        return self._given_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: Any) -> None:
        if context is not None:
            if self.num_workers == 0:
                raise ValueError("DataLoader: multiprocessing_context speaks of workers; give num_workers too")
            if isinstance(context, str):
                methods = multiprocessing.get_all_start_methods()
                if context not in methods:
                    raise ValueError(f"DataLoader: multiprocessing_context is one of {methods}, not {context!r}")
                context = multiprocessing.get_context(context)
            elif not isinstance(context, multiprocessing.context.BaseContext):
                raise TypeError(f"DataLoader: multiprocessing_context is a name or a context, got {context!r}")
        self._given_context = context

    @property
    def _context(self) -> Any:
        if self._given_context is not None:
            return self._given_context
        return multiprocessing.get_context("fork" if sys.platform == "linux" else None)

    def __iter__(self) -> BatchIterator:
        if self.num_workers == 0:
            return Rows(self) if Rows.can_read(self) else InProcess(self)
        if not self.persistent_workers:
            return InWorkers(self)
        if self._iterator is None or self._iterator.closed:
            self._iterator = None
            self._iterator = InWorkers(copy.copy(self))  # a copy: no circle that would keep the workers alive
        else:
            self._iterator.restart(self._promised)
        return self._iterator

    def __len__(self) -> int:
        """How many batches there are; of an IterableDataset, as far as its own length says."""
        if not isinstance(self.dataset, IterableDataset):
            return len(self._index_sampler)
        length: int = len(self.dataset)  # type: ignore[arg-type]  # an IterableDataset may have one
        self._promised = length
        if self.batch_size is None:
            return length
        batches: int = length // self.batch_size if self.drop_last else -(-length // self.batch_size)
        return batches

    def _warn_of_too_many_workers(self) -> None:
        processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        if self.num_workers > processors:
            warnings.warn(
                f"DataLoader: {self.num_workers} worker processes share {processors} processors; more workers than "
                "processors can be slower than fewer",
                stacklevel=3,
            )
