"""DataLoader: what it gives, the same for any number of workers, and what happens when something goes wrong."""

import gc
import itertools
import multiprocessing
import os
import pickle
import random
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import lucid
from lucid.utils import data as D  # noqa: N812


class Squares(D.Dataset):
    """Numbers of several kinds, made by whatever process asks."""

    def __init__(self, n, spoil=None):
        self.n = n
        self.spoil = spoil

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        if self.spoil is not None:
            self.spoil(index)
        return {"x": lucid.full((2, 3), float(index)), "square": index * index, "text": str(index), "empty": np.ones(0)}


class Shared(D.IterableDataset):
    """0 to n − 1, each worker its share."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        info = D.get_worker_info()
        return iter(range(self.n) if info is None else range(info.id, self.n, info.num_workers))


def plain(batch):
    if isinstance(batch, dict):
        return {key: plain(value) for key, value in batch.items()}
    return batch.tolist() if isinstance(batch, lucid.Tensor) else batch


def batches(loader):
    return [plain(batch) for batch in loader]


@pytest.fixture(autouse=True)
def no_process_is_left():
    yield
    gc.collect()
    assert not multiprocessing.active_children()


# ---- what it gives ----


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("options", [{"batch_size": 4}, {"batch_size": 4, "drop_last": True}, {"batch_size": None}])
def test_batches_in_order(workers, options):
    loader = D.DataLoader(Squares(10), num_workers=workers, **options)
    size = options["batch_size"] or 1
    expected = [list(range(i, min(i + size, 10))) for i in range(0, 10, size)][: 2 if "drop_last" in options else None]
    if options["batch_size"] is None:
        assert [b["square"] for b in loader] == [i * i for i in range(10)] and len(loader) == 10
    else:
        assert [b["square"] for b in batches(loader)] == [[i * i for i in e] for e in expected]
        assert [b["text"] for b in loader] == [[str(i) for i in e] for e in expected]
        assert len(loader) == len(expected)
    for batch in loader:
        batch["x"] += 1  # the memory is the batch's own


@pytest.mark.parametrize("workers", [0, 2])
def test_order_follows_the_seed(workers):
    def orders(**options):
        loader = D.DataLoader(range(50), 8, shuffle=True, num_workers=workers, **options)
        return [sum(batches(loader), []) for _ in range(2)]

    first, second = orders(generator=lucid.Generator().manual_seed(4))
    assert sorted(first) == sorted(second) == list(range(50)) and first != second and first != list(range(50))
    assert orders(generator=lucid.Generator().manual_seed(4)) == [first, second]
    lucid.manual_seed(4)
    some = orders()
    lucid.manual_seed(4)
    assert orders() == some


@pytest.mark.parametrize(
    "options", [{"shuffle": True}, {"sampler": [3, -1, 5, 3]}, {"batch_sampler": [[1], [2, -3]]}, {}]
)
@pytest.mark.parametrize("workers", [0, 2])
def test_tensors_are_read_by_rows_with_the_same_result(options, workers):
    x = lucid.randn(11, 2, 3).transpose(1, 2)
    data = D.TensorDataset(x, lucid.arange(11), x > 0, x.double(), (x * 50).to(lucid.uint8), lucid.ones(11, 0))
    if "batch_sampler" not in options:
        options = {**options, "batch_size": 4}

    def read(dataset, **more):
        generator = lucid.Generator().manual_seed(5)
        return [
            [(t.dtype, t.tolist()) for t in batch]
            for batch in D.DataLoader(dataset, generator=generator, num_workers=workers, **options, **more)
        ]

    slow = read(data, collate_fn=lambda samples: D.default_collate(samples))
    assert read(data) == slow and len(slow[0]) == 6
    assert read(D.Subset(D.Subset(data, range(11)), list(range(11)))) == slow


def test_rows_keep_their_graph_and_are_copies():
    x = lucid.ones(4, 2, requires_grad=True)
    for shuffle in (True, False):
        x.grad = None
        for (batch,) in D.DataLoader(D.TensorDataset(x), 3, shuffle=shuffle):
            (batch * 2).sum().backward()
        assert x.grad.tolist() == [[2, 2]] * 4
    plain_x = lucid.zeros(4)
    for (batch,) in D.DataLoader(D.TensorDataset(plain_x), 4, shuffle=True):
        batch.add_(1)
    assert plain_x.tolist() == [0] * 4
    many = D.RandomSampler(range(4), num_samples=10)
    sizes = [len(b) for (b,) in D.DataLoader(D.TensorDataset(plain_x), 3, sampler=many)]
    assert sizes == [3, 3, 3, 1]


def test_a_dataset_of_rows_that_was_changed_is_asked():
    class Doubled(D.TensorDataset):
        def __getitem__(self, index):
            return tuple(2 * row for row in super().__getitem__(index))

    class Reversed(D.Subset):
        def __getitem__(self, index):
            return super().__getitem__(len(self) - 1 - index)

        __getitems__ = None

    data = Doubled(lucid.arange(4))
    assert [b.tolist() for (b,) in D.DataLoader(data, 2)] == [[0, 2], [4, 6]]
    assert [b.tolist() for (b,) in D.DataLoader(Reversed(D.TensorDataset(lucid.arange(4)), [0, 1, 2]), 3)] == [
        [2, 1, 0]
    ]


def test_samples_asked_for_together():
    class Together(Squares):
        def __getitems__(self, indices):
            return [{"square": -i} for i in indices][: self.n]

    assert batches(D.DataLoader(Together(4), 2)) == [{"square": [0, -1]}, {"square": [-2, -3]}]
    with pytest.raises(ValueError, match="Together.__getitems__ gave 1 samples for 2 numbers"):
        next(iter(D.DataLoader(Together(1), sampler=[0, 0], batch_size=2)))


def test_iterable_datasets():
    assert batches(D.DataLoader(Shared(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert batches(D.DataLoader(Shared(7), 3, drop_last=True)) == [[0, 1, 2], [3, 4, 5]]
    assert list(D.DataLoader(Shared(3), None)) == [0, 1, 2]
    loader = D.DataLoader(Shared(11), 3, num_workers=2, persistent_workers=True)
    for _ in range(2):
        assert batches(loader) == [[0, 2, 4], [1, 3, 5], [6, 8, 10], [7, 9]]
    del loader
    assert batches(D.DataLoader(Shared(1), 3, num_workers=3)) == [[0]]
    assert batches(D.DataLoader(Shared(0), 3, num_workers=2)) == []


def test_iterable_length_that_was_wrong():
    class Liar(Shared):
        def __len__(self):
            return 2

    loader = D.DataLoader(Liar(5), None)
    list(loader)
    assert len(loader) == 2
    with pytest.warns(UserWarning, match="Liar was reported to be 2 .* but 3 batches"):
        assert len(list(loader)) == 5


# ---- workers ----


def test_what_a_worker_knows_and_its_random_numbers():
    def look(samples):
        info = D.get_worker_info()
        numbers = (random.random(), np.random.rand(), lucid.rand(1).item())
        return (
            info.id,
            info.num_workers,
            info.seed,
            len(info.dataset),
            lucid.get_num_threads(),
            lucid.initial_seed(),
            numbers,
        )

    def epoch(seed):
        generator = lucid.Generator().manual_seed(seed)
        return list(D.DataLoader(Squares(3), num_workers=3, collate_fn=look, generator=generator))

    seen = epoch(1)
    base = seen[0][2]
    assert [s[:6] for s in seen] == [(i, 3, base + i, 3, 1, base + i) for i in range(3)]
    for kind in range(3):
        assert len({s[6][kind] for s in seen}) == 3
    assert epoch(1) == seen != epoch(2)
    assert D.get_worker_info() is None
    with pytest.raises(AttributeError):
        D.WorkerInfo(0, 1, 2, None).id = 3


def test_worker_init_and_persistent_workers():
    def calls(worker):
        random.counter = itertools.count(10 * worker)

    def count(samples):
        return os.getpid(), next(random.counter)

    options = {"num_workers": 2, "worker_init_fn": calls, "collate_fn": count}
    loader = D.DataLoader(Squares(4), persistent_workers=True, **options)
    first, second = list(loader), list(loader)
    assert [n for _, n in first + second] == [0, 10, 1, 11, 2, 12, 3, 13]
    assert {pid for pid, _ in first} == {pid for pid, _ in second}
    for _ in loader:  # left early
        break
    assert [n for _, n in loader] == [6, 16, 7, 17]  # what was made and not taken is thrown away
    loader = D.DataLoader(Squares(4), **options)
    assert [n for _, n in list(loader) + list(loader)] == [0, 10, 1, 11] * 2


def test_batches_as_they_are_ready():
    def slow_first(index):
        if index == 0:
            time.sleep(0.5)

    loader = D.DataLoader(Squares(6, slow_first), 1, num_workers=2, in_order=False)
    order = [batch["square"].item() for batch in loader]
    assert sorted(order) == [i * i for i in range(6)] and order[0] != 0


def test_large_batches_and_any_object():
    def sample(samples):
        array = np.arange(300_000, dtype=np.float64) + samples[0]["square"]
        return lucid.from_numpy(array), array[::2], array[:0], {"deep": [array[1]]}, samples[0]["text"] * 100_000

    for i, (tensor, strided, empty, deep, text) in enumerate(
        D.DataLoader(Squares(5), num_workers=2, collate_fn=sample, prefetch_factor=3)
    ):
        assert tensor.tolist()[-1] == 299_999 + i * i and strided.shape == (150_000,) and empty.shape == (0,)
        assert deep["deep"][0] == 1 + i * i and text == str(i) * 100_000
        tensor.add_(1)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_ways_to_start(tmp_path, method):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
        import lucid
        from lucid.utils.data import DataLoader, TensorDataset

        if __name__ == "__main__":
            data = TensorDataset(lucid.arange(6.0), lucid.arange(6))
            loader = DataLoader(data, 3, num_workers=2, multiprocessing_context="{method}")
            print([[t.tolist() for t in batch] for batch in loader])
        """)
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, env=environment())
    assert done.stdout == "[[[0.0, 1.0, 2.0], [0, 1, 2]], [[3.0, 4.0, 5.0], [3, 4, 5]]]\n", done.stderr


def environment():
    return {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(lucid.__file__))}


# ---- what goes wrong ----


class TwoArguments(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


def raiser(error, at=2):
    def spoil(index):
        if index == at:
            raise error

    return spoil


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("bad sample"), ValueError),
        (KeyError("bad sample"), KeyError),
        (TwoArguments("bad sample", 1), RuntimeError),
        (type("Local", (Exception,), {})("bad sample"), RuntimeError),
    ],
)
def test_exceptions_come_back_with_their_traceback(error, kind):
    loader = D.DataLoader(Squares(5, raiser(error)), num_workers=2)
    taken = iter(loader)
    assert [next(taken)["square"].item() for _ in range(2)] == [0, 1]
    with pytest.raises(kind) as caught:
        next(taken)
    text = str(caught.value)
    assert f"Caught {type(error).__name__} in DataLoader worker process 0.\nOriginal Traceback" in text
    assert "in spoil" in text and "bad sample" in text
    assert [batch["square"].item() for batch in taken] == [9, 16]  # what comes after it is still to be had


def test_other_failures_in_workers():
    def fail(worker):
        raise OSError(f"no room for {worker}")

    with pytest.raises(OSError, match="(?s)worker process 0.*no room for 0"):
        list(D.DataLoader(Squares(2), num_workers=1, worker_init_fn=fail))
    with pytest.raises(Exception, match="(?s)worker process 0.*[Cc]an't pickle|pickle"):
        list(D.DataLoader(Squares(2), num_workers=1, collate_fn=lambda samples: lambda: 3))
    with pytest.raises(RuntimeError, match="timed out after 0.2 seconds"):
        list(D.DataLoader(Squares(2, lambda i: time.sleep(1)), num_workers=1, timeout=0.2))

    class NoIterator(D.IterableDataset):
        pass

    with pytest.raises(NotImplementedError, match="(?s)worker process 0.*__iter__"):
        list(D.DataLoader(NoIterator(), num_workers=1))


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "was killed by signal SIGKILL"),
        (lambda: os._exit(3), "exited with code 3"),
    ],
)
def test_a_worker_that_dies(end, message):
    loader = D.DataLoader(
        Squares(8, lambda index: end() if index == 5 else None), num_workers=2, persistent_workers=True
    )
    taken = []
    with pytest.raises(RuntimeError, match=rf"DataLoader worker \(pid \d+\) {message}"):
        for batch in loader:
            taken.append(batch["square"].item())
    # What the worker had made before but not sent yet (its batch 3) may be lost with it.
    assert taken in ([0, 1, 4], [0, 1, 4, 9, 16]) and not multiprocessing.active_children()
    with pytest.raises(RuntimeError, match=message):
        list(loader)  # with new workers


def test_leaving_early_ends_the_workers():
    for _ in D.DataLoader(Squares(1000), num_workers=2):
        break
    assert not multiprocessing.active_children()
    iterator = iter(D.DataLoader(Squares(1000), num_workers=2))
    next(iterator)
    del iterator
    assert not multiprocessing.active_children()
    loader = D.DataLoader(Squares(10), num_workers=2, persistent_workers=True)
    next(iter(loader))
    assert len(multiprocessing.active_children()) == 2
    del loader
    assert not multiprocessing.active_children()


def test_a_stuck_worker_is_killed(monkeypatch):
    monkeypatch.setattr("lucid.utils.data.iterators.SECONDS_TO_END", 0.2)
    iterator = iter(D.DataLoader(Squares(4, lambda index: index > 1 and time.sleep(60)), num_workers=2))
    next(iterator)
    del iterator
    assert not multiprocessing.active_children()


def test_interrupt_and_death_of_the_main_process(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        import os, time
        from lucid.utils.data import DataLoader, Dataset

        class Slow(Dataset):
            def __len__(self):
                return 1000
            def __getitem__(self, index):
                time.sleep(0.05)
                return index

        loader = DataLoader(Slow(), num_workers=2)
        batches = iter(loader)
        next(batches)
        try:
            print(*(worker.process.pid for worker in batches._workers), flush=True)
            list(batches)
        except KeyboardInterrupt:
            print("interrupted", len(batches._workers), flush=True)
        """)
    )
    for number, said in ((signal.SIGINT, "interrupted 0\n"), (signal.SIGKILL, "")):
        process = subprocess.Popen(
            [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
            start_new_session=True,
        )  # fmt: skip
        pids = [int(pid) for pid in process.stdout.readline().split()]
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as Ctrl-C does: to the workers too
        else:
            os.kill(process.pid, number)
        out, problems = process.communicate(timeout=60)
        assert out == said and problems == ""
        deadline = time.monotonic() + 30
        while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(alive(pid) for pid in pids)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as status:
            return (
                status.read().rpartition(")")[2].split()[0] != "Z"
            )  # a zombie waits for init, in some containers for ever
    except FileNotFoundError:
        return False


def test_options_that_exclude_each_other():
    for options, message in [
        ({"num_workers": -1}, "num_workers must not be negative, got -1"),
        ({"timeout": -1}, "timeout must not be negative"),
        ({"prefetch_factor": 2}, "prefetch_factor speaks of workers"),
        ({"prefetch_factor": 0, "num_workers": 1}, "prefetch_factor must be 1 or more, got 0"),
        ({"persistent_workers": True}, "needs num_workers above 0"),
        ({"shuffle": True, "sampler": [1]}, "sampler and shuffle exclude"),
        ({"batch_sampler": [[1]], "batch_size": 2}, "batch_sampler excludes"),
        ({"batch_sampler": [[1]], "drop_last": True}, "batch_sampler excludes"),
        ({"batch_size": None, "drop_last": True}, "none for drop_last"),
        ({"batch_size": 0}, "batch_size must be a positive int, got 0"),
        ({"multiprocessing_context": "fork"}, "speaks of workers"),
        ({"multiprocessing_context": "nosuch", "num_workers": 1}, "not 'nosuch'"),
    ]:
        with pytest.raises(ValueError, match=message):
            D.DataLoader([1, 2], **options)
    for options in ({"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]}):
        with pytest.raises(ValueError, match=f"has its own order; {next(iter(options))}="):
            D.DataLoader(Shared(3), **options)
    with pytest.raises(TypeError, match="multiprocessing_context"):
        D.DataLoader([1], num_workers=1, multiprocessing_context=3)
    loader = D.DataLoader([1])
    with pytest.raises(ValueError, match="batch_size cannot be changed"):
        loader.batch_size = 3
    with pytest.warns(UserWarning, match="no GPU"):
        D.DataLoader([1], pin_memory=True)
    with pytest.warns(UserWarning, match="1000 worker processes share"):
        D.DataLoader([1], num_workers=1000)


def test_pickled_generators_go_on_alike():
    generator = lucid.Generator().manual_seed(3)
    lucid.rand(2, generator=generator)
    twin = pickle.loads(pickle.dumps(generator))
    assert lucid.rand(3, generator=twin).tolist() == lucid.rand(3, generator=generator).tolist()
