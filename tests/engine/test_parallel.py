"""The thread pool: the same results from any thread, in a forked child, and while its size changes."""

import os
import threading
import time

import numpy as np
import pytest

from lucid._engine import ffi, lib

N = 1 << 20


def pointer(array):
    return ffi.from_buffer("float[]", array)


def work():
    """A kernel that is cut into many chunks, checked."""
    x, out = np.arange(N, dtype=np.float32), np.empty(N, np.float32)
    lib.add_f32(N, pointer(x), 1, pointer(x), 1, pointer(out))
    return bool((out == x + x).all())


@pytest.fixture(autouse=True)
def threads():
    before = lib.num_threads()
    lib.set_num_threads(4)  # more than there are processors: chunks then wait for each other
    yield
    lib.set_num_threads(before)


def test_bounds():
    for n in (0, -1, 257, 1 << 20):
        assert lib.set_num_threads(n) == -1
        assert lib.num_threads() == 4


def test_many_launches():
    assert all(work() for _ in range(200))


def test_after_the_workers_fell_asleep():
    work()
    for _ in range(5):
        time.sleep(0.01)
        assert work()


def test_size_changes_between_launches():
    for i in range(200):
        lib.set_num_threads(1 + i % 5)
        assert work()


def test_from_several_threads_at_once():
    """One of them gets the pool, the others compute by themselves."""
    good = []

    def many():
        good.append(all(work() for _ in range(50)))

    callers = [threading.Thread(target=many) for _ in range(4)]
    resizer_stops = threading.Event()

    def resize():
        n = 1
        while not resizer_stops.is_set():
            lib.set_num_threads(n)
            n = n % 4 + 1

    resizer = threading.Thread(target=resize)
    resizer.start()
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    resizer_stops.set()
    resizer.join()
    assert good == [True] * 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_children():
    """A child has none of its parent's workers: it starts its own."""
    for asleep in (False, True):
        assert work()
        if asleep:
            time.sleep(0.01)
        children = []
        for _ in range(3):
            child = os.fork()
            if child == 0:
                os._exit(0 if all(work() for _ in range(20)) else 1)
            children.append(child)
        assert work()
        for child in children:
            deadline = time.monotonic() + 60
            while True:
                pid, status = os.waitpid(child, os.WNOHANG)
                if pid:
                    break
                if time.monotonic() > deadline:
                    os.kill(child, 9)
                    os.waitpid(child, 0)
                    pytest.fail("a forked child hangs in the thread pool")
                time.sleep(0.01)
            assert os.waitstatus_to_exitcode(status) == 0
