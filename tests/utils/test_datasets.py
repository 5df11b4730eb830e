"""Data sets, samplers and collating. (tests/conformance compares them with PyTorch.)"""

import collections

import numpy as np
import pytest
from scipy import stats

import lucid
from lucid.utils import data as D  # noqa: N812


class Letters(D.Dataset):
    def __init__(self, text):
        self.text = text

    def __len__(self):
        return len(self.text)

    def __getitem__(self, index):
        return self.text[index]


class Count(D.IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self):
        return self.n


def test_datasets_by_number():
    x, y = lucid.arange(6.0).reshape(3, 2), lucid.arange(3)
    rows = D.TensorDataset(x, y)
    assert len(rows) == 3 and rows[-1][0].tolist() == [4, 5] and rows[1:][1].tolist() == [1, 2]
    both = Letters("ab") + Letters("") + Letters("cd")
    assert len(both) == 4 and [both[i] for i in (0, 1, 2, 3, -1, -4)] == list("abcdda")
    part = D.Subset(both, [3, 0])
    assert list(part) == ["d", "a"] and len(part) == 2 and part.__getitems__([1, 1]) == ["a", "a"]
    named = D.StackDataset(letter=Letters("ab"), number=[1, 2])
    assert named[1] == {"letter": "b", "number": 2} and D.StackDataset(Letters("ab"), [1, 2])[0] == ("a", 1)
    for f, kind, message in [
        (lambda: both[4], IndexError, "index 4 is out of range for 4"),
        (lambda: both[-5], ValueError, "index -5"),
        (lambda: D.TensorDataset(x, y[:2]), ValueError, r"first sizes differ: \(3, 2\), \(2,\)"),
        (lambda: D.TensorDataset(), ValueError, "one tensor or more"),
        (lambda: D.TensorDataset(lucid.tensor(3)), ValueError, "first dimension"),
        (lambda: D.TensorDataset([1]), ValueError, "got list"),
        (lambda: D.ConcatDataset([]), ValueError, "one data set or more"),
        (lambda: D.ConcatDataset([Count(3)]), ValueError, "ChainDataset"),
        (lambda: D.StackDataset(Letters("a"), Letters("ab")), ValueError, r"lengths differ: \[1, 2\]"),
        (lambda: D.StackDataset(), ValueError, "all by place or all by name"),
        (lambda: D.Dataset()[0], NotImplementedError, "__getitem__"),
    ]:
        with pytest.raises(kind, match=message):
            f()


def test_datasets_one_after_the_other():
    chain = Count(2) + Count(3)
    assert list(chain) == [0, 1, 0, 1, 2] and len(chain) == 5
    with pytest.raises(TypeError, match="IterableDataset, got list"):
        list(D.ChainDataset([[1, 2]]))
    with pytest.raises(NotImplementedError, match="__iter__"):
        iter(D.IterableDataset())


def test_random_split():
    parts = D.random_split(range(11), [0.5, 0.1, 0.4], lucid.Generator().manual_seed(3))
    assert [len(p) for p in parts] == [6, 1, 4] and sorted(i for p in parts for i in p) == list(range(11))
    again = D.random_split(range(11), [6, 1, 4], lucid.Generator().manual_seed(3))
    assert [list(p) for p in again] == [list(p) for p in parts] != [[*range(6)], [6], [*range(7, 11)]]
    with pytest.warns(UserWarning, match="part at place 1 is empty"):
        D.random_split(range(1), [0.5, 0.5])
    for lengths, message in [([7, 3], "do not sum to .* 11"), ([1.5, -0.5], "place 0 is 1.5"), ([0.5, 0.4], "not sum")]:
        with pytest.raises(ValueError, match=message):
            D.random_split(range(11), lengths)


def seeded():
    return lucid.Generator().manual_seed(7)


def test_random_sampler():
    order = list(D.RandomSampler(range(100), generator=seeded()))
    assert sorted(order) == list(range(100)) != order == list(D.RandomSampler(range(100), generator=seeded()))
    lucid.manual_seed(1)
    first, second = (list(D.RandomSampler(range(100))) for _ in range(2))
    assert first != second
    lucid.manual_seed(1)
    assert list(D.RandomSampler(range(100))) == first
    rounds = list(D.RandomSampler(range(5), num_samples=12))
    assert sorted(rounds[:5]) == sorted(rounds[5:10]) == list(range(5)) and len(set(rounds[10:])) == 2
    drawn = list(D.RandomSampler(range(5), replacement=True, num_samples=5000, generator=seeded()))
    assert stats.chisquare(np.bincount(drawn, minlength=5)).pvalue > 1e-3
    positions = np.array([list(D.RandomSampler(range(4), generator=g)) for g in [seeded()] for _ in range(2000)])
    counts = [np.bincount(positions[:, place], minlength=4) for place in range(4)]
    assert all(stats.chisquare(count).pvalue > 1e-4 for count in counts)


def test_weighted_sampler():
    weights = [1.0, 0.0, 3.0, 6.0]
    drawn = list(D.WeightedRandomSampler(weights, 20000, generator=seeded()))
    count = np.bincount(drawn, minlength=4)
    assert count[1] == 0 and stats.chisquare(count[[0, 2, 3]], [2000, 6000, 12000]).pvalue > 1e-3
    sampler = D.WeightedRandomSampler(lucid.tensor(weights), 2, replacement=False, generator=seeded())
    pairs = collections.Counter(tuple(sampler) for _ in range(4000))
    expected = {
        (a, b): weights[a] / 10 * weights[b] / (10 - weights[a]) for a in (0, 2, 3) for b in (0, 2, 3) if a != b
    }
    assert set(pairs) == set(expected)
    assert stats.chisquare([pairs[p] for p in expected], [4000 * p for p in expected.values()]).pvalue > 1e-3
    assert sorted(D.WeightedRandomSampler(weights, 3, replacement=False)) == [0, 2, 3]
    for arguments, message in [
        (([1.0, -1.0], 1), "not negative"),
        (([0.0, 0.0], 1), "not all zero"),
        (([float("nan")], 1), "finite"),
        (([], 1), "not all zero"),
        (([[1.0]], 1), r"vector, got shape \(1, 1\)"),
        ((weights, 0), "positive int, got 0"),
        ((weights, True), "positive int, got True"),
        ((weights, 4, False), "4 samples cannot be drawn without replacement from the 3"),
        ((weights, 4, 1), "True or False, got 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            D.WeightedRandomSampler(*arguments)


def test_other_samplers():
    assert list(D.SequentialSampler("abc")) == [0, 1, 2] and len(D.SequentialSampler("abc")) == 3
    subset = D.SubsetRandomSampler([9, 4, 7], generator=seeded())
    assert sorted(subset) == [4, 7, 9] and len(subset) == 3
    assert list(D.BatchSampler("abcde", 2, False)) == [["a", "b"], ["c", "d"], ["e"]]
    assert list(D.BatchSampler("abcde", 2, True)) == [["a", "b"], ["c", "d"]]
    assert [len(D.BatchSampler(range(n), 2, drop)) for n in (0, 5) for drop in (False, True)] == [0, 0, 3, 2]
    with pytest.raises(NotImplementedError, match="__iter__"):
        iter(D.Sampler())


Point = collections.namedtuple("Point", "x y")


def test_collate():
    """What PyTorch gives for the same samples, number types included."""
    for samples, dtype, values in [
        ([1, 2], lucid.int64, [1, 2]),
        ([1.5, 2], lucid.float64, [1.5, 2.0]),
        ([True, False], lucid.bool, [True, False]),
        ([np.float32(1), np.float32(2)], lucid.float32, [1.0, 2.0]),
        ([np.array(3), np.array(4)], lucid.int64, [3, 4]),
        ([np.ones(2, np.float32)] * 2, lucid.float32, [[1.0, 1.0]] * 2),
        ([lucid.ones(2), lucid.zeros(2)], lucid.float32, [[1.0, 1.0], [0.0, 0.0]]),
    ]:
        batch = D.default_collate(samples)
        assert batch.dtype is dtype and batch.tolist() == values
    nested = D.default_collate([{"a": (1, "x"), "p": Point(1, [2])}, {"a": (3, "y"), "p": Point(4, [5])}])
    assert nested["a"][0].tolist() == [1, 3] and nested["a"][1] == ["x", "y"] and type(nested["a"]) is list
    assert type(nested["p"]) is Point and nested["p"].y[0].tolist() == [2, 5]
    ordered = D.default_collate([collections.OrderedDict(a=1)])
    assert type(ordered) is collections.OrderedDict
    kept = collections.defaultdict(list, a=1)
    assert D.default_collate([kept]).default_factory is list and kept == {"a": 1}
    for samples in ([None], [{1}], [np.array("a")], [object()]):
        with pytest.raises(TypeError, match="default_collate"):
            D.default_collate(samples)
    with pytest.raises(RuntimeError, match=r"lengths \[1, 2\]"):
        D.default_collate([[1], [2, 3]])
    with pytest.raises(TypeError, match="int16"):
        D.default_collate([np.ones(1, np.int16)])


def test_convert():
    array = np.zeros(2)
    converted = D.default_convert({"a": array, "b": (Point(array, "x"), None)})
    converted["a"][0] = 5
    assert array[0] == 5 and converted["b"][0].x.tolist() == [5, 0] and converted["b"][1] is None
    assert D.default_convert(np.array("a")).tolist() == "a"
