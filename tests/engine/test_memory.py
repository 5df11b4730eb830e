"""Memory of large results: taken, given back, taken again; limits, threads and forks."""

import gc
import os
import pickle
import random
import threading

import numpy as np
import pytest

import lucid
from lucid import engine
from lucid._engine import ffi, lib

LARGE = engine.LARGE
LIMIT = 1 << 28


@pytest.fixture(autouse=True)
def limit():
    """Nothing kept at the start, and a limit of 256 MiB."""
    gc.collect()
    before = engine.set_kept_memory_limit(LIMIT)
    engine.release_memory()
    if lib.kept_memory_limit() != LIMIT:
        pytest.skip("a sanitized engine keeps no memory")
    yield
    engine.set_kept_memory_limit(before)


def address(x):
    return x.array.ctypes.data


def test_memory_is_taken_again():
    x = engine.empty((4, LARGE), engine.float32)
    first = address(x)
    assert engine.kept_memory() == 0
    del x
    assert engine.kept_memory() >= 16 * LARGE
    y = engine.empty((2, LARGE), engine.float64)
    assert address(y) == first and engine.kept_memory() == 0


def test_the_newest_of_its_size_comes_first():
    tensors = [engine.empty((LARGE,), engine.float32) for _ in range(3)]
    places = [address(x) for x in tensors]
    while tensors:
        del tensors[0]
    again = [engine.empty((LARGE,), engine.float32) for _ in range(4)]
    assert [address(x) for x in again[:3]] == places[::-1]
    assert address(again[3]) not in places


@pytest.mark.parametrize("bytes", [1, 4095, 4096, 4097, 5120, 5121, 8192, 8193, 10**5, 4 << 20, (4 << 20) + 1])
def test_sizes_and_alignment(bytes):
    """A block of a class is large enough for every size of the class, and not much larger."""
    p = lib.take_memory(bytes)
    assert int(ffi.cast("intptr_t", p)) % 64 == 0
    ffi.memmove(p, b"x" * bytes, bytes)
    lib.give_memory(p)
    assert bytes <= engine.kept_memory() <= max(4096, 1.25 * bytes)


def test_refused_sizes():
    assert lib.take_memory(-1) == ffi.NULL
    assert lib.take_memory(2**46 + 1) == ffi.NULL
    for shape in ((2**45,), (2**40, 2**40)):
        with pytest.raises(RuntimeError, match="no memory for a lucid.float32 tensor of shape"):
            engine.empty(shape, engine.float32)
    with pytest.raises(ValueError, match="negative"):
        engine.empty((-300, -300), engine.float32)


def test_no_two_live_results_share_memory():
    """Random lives of many sizes; each holds its own number until its end."""
    choose = random.Random(0)
    live = {}
    for step in range(3000):
        if live and choose.random() < 0.5:
            number = choose.choice(list(live))
            x = live.pop(number)
            assert x.array[0] == x.array[-1] == number
        else:
            x = engine.empty((choose.randint(LARGE, 4 * LARGE),), engine.float32)
            x.array.fill(step)
            live[step] = x
    assert all((x.array == number).all() for number, x in live.items())


def test_views_and_arrays_keep_it():
    x = lucid.ones(LARGE + 8)
    part, array = x[8:], x.numpy()
    del x
    other = lucid.zeros(LARGE + 8)
    assert engine.kept_memory() == 0
    assert (array == 1).all() and (part.array == 1).all()
    del array
    assert engine.kept_memory() == 0
    del part
    assert engine.kept_memory() > 0
    assert not other.array.any()


def test_pickle_and_copy():
    x = lucid.arange(2.0 * LARGE) + 1
    assert np.array_equal(pickle.loads(pickle.dumps(x)).numpy(), x.numpy())
    assert np.array_equal(x.clone().numpy(), np.arange(1, 2 * LARGE + 1))


def test_gradients_become_leaves_without_a_copy():
    """The first gradient of a large leaf is the very memory that the derivative was written to."""
    w = lucid.ones(LARGE, requires_grad=True)
    seen = []
    w.register_hook(lambda grad: None)
    y = lucid.exp(w)
    y.register_hook(seen.append)
    y.sum().backward()
    assert np.allclose(w.grad.numpy(), np.e)
    assert engine.owns_memory(w.grad.array)
    assert not engine.owns_memory(w.grad.array[1:])


def test_limit():
    blocks = [engine.empty((LARGE,), engine.float32) for _ in range(8)]
    size = 4 * LARGE
    places = [address(x) for x in blocks]
    assert engine.set_kept_memory_limit(3 * size) == LIMIT
    while blocks:
        del blocks[0]
    assert engine.kept_memory() == 3 * size  # the oldest went to the system
    again = [engine.empty((LARGE,), engine.float32) for _ in range(3)]
    assert [address(x) for x in again] == places[:4:-1]
    del again
    assert engine.set_kept_memory_limit(size) == 3 * size
    assert engine.kept_memory() == size
    assert engine.set_kept_memory_limit(0) == size
    assert engine.kept_memory() == 0
    del engine.empty((LARGE,), engine.float32).array
    assert engine.kept_memory() == 0


def test_the_oldest_of_several_sizes_goes_first():
    sizes = [LARGE, 2 * LARGE, LARGE, 4 * LARGE]
    blocks = [engine.empty((size,), engine.float32) for size in sizes]
    while blocks:
        del blocks[0]
    assert engine.kept_memory() == 4 * sum(sizes)
    engine.set_kept_memory_limit(4 * sum(sizes) - 1)
    assert engine.kept_memory() == 4 * sum(sizes[1:])
    engine.set_kept_memory_limit(4 * 5 * LARGE)
    assert engine.kept_memory() == 4 * sum(sizes[2:])
    taken = engine.empty((LARGE,), engine.float32)
    assert engine.kept_memory() == 4 * sizes[3]
    assert engine.release_memory() == 4 * sizes[3]
    assert engine.kept_memory() == 0
    del taken


@pytest.mark.parametrize("asked", [-1, 1.5, True, None, 2**63])
def test_bad_limits(asked):
    with pytest.raises(ValueError, match="set_kept_memory_limit"):
        engine.set_kept_memory_limit(asked)
    assert lib.kept_memory_limit() == LIMIT


def test_small_results_are_numpys():
    before = engine.kept_memory()
    del engine.empty((LARGE - 1,), engine.float32).array
    x = engine.empty((LARGE - 1,), engine.float32)
    assert x.array.base is None
    del x
    assert engine.kept_memory() == before


def test_zeros_after_use():
    for kind in engine.DTYPES:
        for shape in ((LARGE,), (3, LARGE), (5,), (), (0, 4)):
            engine.empty(shape, kind).array.fill(1)
            zero = engine.zeros(shape, kind)
            assert zero.shape == shape and zero.dtype is kind and not zero.array.any()


def test_threads():
    """Memory taken in one thread and given back in another."""
    wrong, handed = [], []

    def work(number):
        choose = random.Random(number)
        for step in range(400):
            x = engine.empty((choose.randint(LARGE, 2 * LARGE),), engine.float32)
            x.array.fill(number + step)
            handed.append((x, number + step))
            x, value = handed.pop(0)
            if x.array[0] != value or x.array[-1] != value:
                wrong.append(value)

    threads = [threading.Thread(target=work, args=(1000 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    handed.clear()
    assert engine.kept_memory() == engine.release_memory()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_fork():
    """A child forked while other threads take and give memory can do so too, and changes nothing of the parent's."""
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            p = lib.take_memory(1 << 16)
            lib.give_memory(p)

    thread = threading.Thread(target=busy)
    thread.start()
    mine = lucid.ones(LARGE)
    try:
        for _ in range(20):
            child = os.fork()
            if not child:
                mine.array.fill(2)
                x = lucid.ones(LARGE) + mine
                os._exit(0 if (x.array == 3).all() else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop.set()
        thread.join()
    assert (mine.array == 1).all()
