"""From what a sampler gives to a batch: the same in the main process and in a worker."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from lucid.utils.data.collate import default_collate
from lucid.utils.data.dataset import IterableDataset, take_batch, take_samples


class MapFetcher:
    """Batches of a data set with samples by number."""

    def __init__(self, dataset: Any, collate_fn: Callable[[Any], Any], batched: bool) -> None:
        self.dataset = dataset
        self.collate_fn = collate_fn
        self.batched = batched

    def fetch(self, index: Any) -> Any:
        if not self.batched:
            return self.collate_fn(self.dataset[index])
        if self.collate_fn is default_collate:
            batch = take_batch(self.dataset, index)
            if batch is not None:
                return batch
        return self.collate_fn(take_samples(self.dataset, index))


class IterableFetcher:
    """Batches of samples that come one after the other; StopIteration when there are no more."""

    def __init__(self, dataset: Any, collate_fn: Callable[[Any], Any], batched: bool, drop_last: bool) -> None:
        self.samples = iter(dataset)
        self.collate_fn = collate_fn
        self.batched = batched
        self.drop_last = drop_last
        self.ended = False

    def fetch(self, index: Any) -> Any:
        """One sample; or a batch of as many as ``index`` has entries."""
        if not self.batched:
            return self.collate_fn(next(self.samples))
        if self.ended:
            raise StopIteration
        samples = list(itertools.islice(self.samples, len(index)))
        self.ended = len(samples) < len(index)
        if not samples or (self.ended and self.drop_last):
            raise StopIteration
        return self.collate_fn(samples)


def make_fetcher(dataset: Any, collate_fn: Callable[[Any], Any], batched: bool, drop_last: bool) -> Any:
    """The fetcher for a kind of data set."""
    if isinstance(dataset, IterableDataset):
        return IterableFetcher(dataset, collate_fn, batched, drop_last)
    return MapFetcher(dataset, collate_fn, batched)
