"""Cases of data sets, samplers, collating and DataLoader. Random orders differ: what holds of any is compared."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np

Case = Callable[[Any, Any], Any]
Point = namedtuple("Point", "x y")


def _numbers(T: Any, n: int, stop: int | None = None) -> Any:
    class Numbers(T.utils.data.IterableDataset):  # type: ignore[misc, name-defined]
        def __iter__(self) -> Any:
            return iter(range(n))

        def __len__(self) -> int:
            return n if stop is None else stop

    return Numbers()


def _rows(T: Any, x: Any, n: int) -> Any:
    return T.utils.data.TensorDataset(x(n, 3), x.int(n))


def _data(make: Callable[[Any], Any]) -> Case:
    """What the data module (D) gives."""
    return lambda T, x: make(T.utils.data)


def _collate(*samples: Any) -> Case:
    return lambda T, x: T.utils.data.default_collate(list(samples))


def _converted(sample: Any) -> Case:
    return lambda T, x: T.utils.data.default_convert(sample)


def _loaded(n: int, **options: Any) -> Case:
    return lambda T, x: list(T.utils.data.DataLoader(_rows(T, x, n), **options))


def _samples(n: int, **options: Any) -> Case:
    def case(T: Any, x: Any) -> Any:
        loader = T.utils.data.DataLoader([(i, float(i), str(i)) for i in range(n)], **options)
        return len(loader), list(loader), len(list(loader))

    return case


def _iterated(n: int, **options: Any) -> Case:
    def case(T: Any, x: Any) -> Any:
        loader = T.utils.data.DataLoader(_numbers(T, n), **options)
        return list(loader), len(loader)

    return case


def _options(**options: Any) -> Case:
    return lambda T, x: bool(T.utils.data.DataLoader([1, 2, 3], **options))


CASES: dict[str, list[Case]] = {
    "utils.data.TensorDataset": [
        lambda T, x: _rows(T, x, 4)[2],
        lambda T, x: _rows(T, x, 4)[-1],
        lambda T, x: _rows(T, x, 4)[1:3],
        lambda T, x: _rows(T, x, 4)[4],
        lambda T, x: len(_rows(T, x, 4)),
    ],
    "utils.data.ConcatDataset": [
        lambda T, x: (_rows(T, x, 2) + _rows(T, x, 3))[3],
        _data(lambda D: [D.ConcatDataset([[1, 2], [], [3]])[i] for i in (0, 1, 2, -1, -3)]),
        _data(lambda D: D.ConcatDataset([[1, 2], [], [3]]).cumulative_sizes),
        _data(lambda D: D.ConcatDataset([[1, 2]])[2]),
        _data(lambda D: D.ConcatDataset([[1, 2]])[-3]),
    ],
    "utils.data.ChainDataset": [
        lambda T, x: list(_numbers(T, 2) + _numbers(T, 3)),
        lambda T, x: len(_numbers(T, 2) + _numbers(T, 3)),
    ],
    "utils.data.StackDataset": [
        _data(lambda D: D.StackDataset([1, 2], "ab")[1]),
        _data(lambda D: D.StackDataset(p=[1, 2], q="ab")[-1]),
        _data(lambda D: D.StackDataset(p=[1, 2], q="ab").__getitems__([1, 0])),
        _data(lambda D: len(D.StackDataset([1, 2], "ab"))),
        _data(lambda D: D.StackDataset([1, 2], "abc")),
        _data(lambda D: D.StackDataset()),
        _data(lambda D: D.StackDataset([1], q=[1])),
    ],
    "utils.data.Subset": [
        _data(lambda D: list(D.Subset("abcd", [3, 1]))),
        _data(lambda D: D.Subset("abcd", [3, 1])[2]),
        _data(lambda D: D.Subset("abcd", [3, 1]).__getitems__([1, 0])),
        lambda T, x: T.utils.data.Subset(_rows(T, x, 4), [3, 1])[[1, 0]],
    ],
    "utils.data.random_split": [
        *[
            _data(lambda D, n=n, lengths=lengths: [len(part) for part in D.random_split(range(n), lengths)])
            for n, lengths in [
                (10, [7, 3]),
                (10, [0.75, 0.25]),
                (11, [0.3, 0.3, 0.4]),
                (11, [0.5, 0.1, 0.1, 0.3]),
                (1, [0.5, 0.5]),
                (3, [3, 0]),
                (10, [7, 4]),
                (10, [0.5, 0.4]),
                (10, [1.5, -0.5]),
                (0, [0.5, 0.5]),
                (1, [1]),
            ]
        ],
        _data(lambda D: sorted(i for part in D.random_split(range(10), [7, 3]) for i in part)),
    ],
    "utils.data.SequentialSampler": [
        _data(lambda D: (list(D.SequentialSampler("abc")), len(D.SequentialSampler("a"))))
    ],
    "utils.data.RandomSampler": [
        _data(lambda D: sorted(D.RandomSampler(range(7)))),
        _data(lambda D: sorted(D.RandomSampler(range(3), num_samples=9))),
        _data(lambda D: len(list(D.RandomSampler(range(3), num_samples=2)))),
        _data(lambda D: len(list(D.RandomSampler(range(50), replacement=True)))),
        _data(lambda D: set(D.RandomSampler(range(2), True, 200)) == {0, 1}),
        _data(lambda D: len(D.RandomSampler(range(5), num_samples=7))),
        _data(lambda D: D.RandomSampler([])),
        _data(lambda D: D.RandomSampler(range(3), replacement=1)),
        _data(lambda D: D.RandomSampler(range(3), num_samples=0)),
        _data(lambda D: D.RandomSampler(range(3), num_samples=1.5)),
    ],
    "utils.data.SubsetRandomSampler": [
        _data(lambda D: sorted(D.SubsetRandomSampler([5, 3, 8]))),
        _data(lambda D: len(D.SubsetRandomSampler([5, 3, 8]))),
        _data(lambda D: list(D.SubsetRandomSampler([]))),
    ],
    "utils.data.WeightedRandomSampler": [
        _data(lambda D: list(D.WeightedRandomSampler([0, 0, 1.0], 4))),
        _data(lambda D: sorted(D.WeightedRandomSampler([1, 5, 0, 1.0], 3, replacement=False))),
        lambda T, x: set(T.utils.data.WeightedRandomSampler(x.tensor([0.0, 2.0, 3.0]), 200)) == {1, 2},
        _data(lambda D: len(D.WeightedRandomSampler([1.0], 4))),
        _data(lambda D: list(D.WeightedRandomSampler([1.0, -1.0], 4))),
        _data(lambda D: list(D.WeightedRandomSampler([0.0, 0.0], 4))),
        _data(lambda D: list(D.WeightedRandomSampler([1.0, 1.0], 4, False))),
        _data(lambda D: D.WeightedRandomSampler([1.0], 0)),
        _data(lambda D: D.WeightedRandomSampler([[1.0]], 1)),
        _data(lambda D: D.WeightedRandomSampler([1.0], True)),
        _data(lambda D: D.WeightedRandomSampler([1.0], 1, 3)),
    ],
    "utils.data.BatchSampler": [
        _data(lambda D: (list(D.BatchSampler(range(7), 3, False)), len(D.BatchSampler(range(7), 3, False)))),
        _data(lambda D: (list(D.BatchSampler(range(7), 3, True)), len(D.BatchSampler(range(7), 3, True)))),
        _data(lambda D: list(D.BatchSampler([], 3, True))),
        *[_data(lambda D, a=a: D.BatchSampler(range(3), *a)) for a in [(0, True), (1.5, True), (True, True), (2, 1)]],
    ],
    "utils.data.default_collate": [
        lambda T, x: T.utils.data.default_collate([x(2, 3), x(2, 3)]),
        lambda T, x: T.utils.data.default_collate([(x(2), x.int(1)), (x(2), x.int(1))]),
        lambda T, x: T.utils.data.default_collate([x(2), x(3)]),
        _collate(1, 2),
        _collate(1.5, 2.5),
        _collate(True, False),
        _collate("a", "b"),
        _collate(b"a", b"b"),
        _collate(np.float32(1), np.float32(2)),
        _collate(np.float64(1), np.float64(2)),
        _collate(np.int32(1), np.int32(2)),
        _collate(np.bool_(True), np.bool_(False)),
        _collate(np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)),
        _collate(np.array(3), np.array(4)),
        _collate(np.array("a"), np.array("b")),
        _collate({"a": 1, "b": [2.0, "x"]}, {"a": 3, "b": [4.0, "y"]}),
        _collate(OrderedDict(a=1), OrderedDict(a=2)),
        _collate(Point(1, 2.0), Point(3, 4.0)),
        _collate((1, (2, [3])), (4, (5, [6]))),
        _collate([1, 2], [3]),
        _collate((1, 2), (3,)),
        _collate(None, None),
        _collate({1}, {2}),
        _collate(object(), object()),
        _collate(range(2), range(2)),
        _collate([], []),
        _collate({}, {}),
        _collate({"a": 1}, {"b": 1}),
        _collate(1, 2.5),
        lambda T, x: type(T.utils.data.default_collate([OrderedDict(a=1)])).__name__,
        lambda T, x: T.utils.data.default_collate([]),
    ],
    "utils.data.default_convert": [
        _converted(np.ones(2)),
        _converted(np.float32(2)),
        _converted([np.ones(2), "a", 3, None]),
        _converted((1, np.zeros(1))),
        _converted({"a": np.ones(1), "b": (1,)}),
        _converted(Point(np.ones(1), 2)),
        _converted("text"),
        _converted(2.5),
    ],
    "utils.data.DataLoader": [
        _loaded(7, batch_size=3),
        _loaded(7, batch_size=3, drop_last=True),
        _loaded(7, batch_size=None),
        _loaded(7, sampler=[3, 1, -1], batch_size=2),
        _loaded(7, sampler=[3, 9], batch_size=2),
        _loaded(7, batch_sampler=[[0, 1], [5], [6, 6]]),
        _loaded(7, batch_sampler=[slice(0, 2), slice(3, 5)]),
        _loaded(7, sampler=[[0, 1], [5]], batch_size=None),
        _loaded(6, collate_fn=lambda batch: len(batch), batch_size=4),
        _loaded(5, batch_size=2, num_workers=2),
        lambda T, x: sorted(y for b in T.utils.data.DataLoader(range(9), 4, shuffle=True) for y in b.tolist()),
        lambda T, x: list(T.utils.data.DataLoader(T.utils.data.Subset(_rows(T, x, 5), [4, 0, 2]), batch_size=2)),
        lambda T, x: list(T.utils.data.DataLoader({0: 1, 1: 2})),
        _samples(7, batch_size=3),
        _samples(7, batch_size=3, num_workers=2),
        _samples(7, batch_size=3, num_workers=1, persistent_workers=True, prefetch_factor=1),
        _samples(7, batch_size=None, num_workers=2),
        _iterated(7, batch_size=3),
        _iterated(7, batch_size=3, drop_last=True),
        _iterated(7, batch_size=None),
        _iterated(7, batch_size=3, num_workers=2),
        _iterated(7, batch_size=3, num_workers=2, drop_last=True),
        *[
            _options(**options)
            for options in (
                {"num_workers": -1},
                {"timeout": -1},
                {"prefetch_factor": 2},
                {"persistent_workers": True},
                {"prefetch_factor": -1, "num_workers": 1},
                {"shuffle": True, "sampler": [1]},
                {"batch_sampler": [[1]], "batch_size": 2},
                {"batch_sampler": [[1]], "shuffle": True},
                {"batch_sampler": [[1]], "drop_last": True},
                {"batch_size": None, "drop_last": True},
                {"batch_size": 0},
                {"batch_size": 1.5},
                {"multiprocessing_context": "fork"},
                {"multiprocessing_context": "nosuch", "num_workers": 1},
                {"multiprocessing_context": 3, "num_workers": 1},
                {"pin_memory": False, "timeout": 0, "in_order": False},
            )
        ],
        *[
            lambda T, x, options=options: T.utils.data.DataLoader(_numbers(T, 3), **options)
            for options in ({"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]})
        ],
        lambda T, x: len(T.utils.data.DataLoader(_numbers(T, 7), batch_size=3, drop_last=True, shuffle=False)),
        lambda T, x: setattr(T.utils.data.DataLoader([1]), "batch_size", 3),
        lambda T, x: len(iter(T.utils.data.DataLoader(range(7), batch_size=3))),
    ],
    "utils.data.get_worker_info": [lambda T, x: T.utils.data.get_worker_info()],
}
