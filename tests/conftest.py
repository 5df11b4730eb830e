"""Fixtures for all tests: every SIMD level the machine has, 1 and 2 threads, a fixed seed."""

import numpy as np
import pytest

import lucid
from lucid import engine


@pytest.fixture(params=engine.simd_levels())
def simd_level(request):
    """Runs the test at one SIMD level."""
    before = engine.get_simd()
    engine.set_simd(request.param)
    yield request.param
    engine.set_simd(before)


@pytest.fixture(autouse=True)
def seeded():
    """The same random numbers in every test, whatever ran before."""
    lucid.manual_seed(0)
    np.random.seed(0)


@pytest.fixture
def both_thread_counts():
    """A function that runs ``compute`` with 1 and with 2 threads and asserts that the results are the same bits."""

    def run(compute):
        before = lucid.get_num_threads()
        try:
            lucid.set_num_threads(1)
            one = compute()
            lucid.set_num_threads(2)
            two = compute()
        finally:
            lucid.set_num_threads(before)
        assert np.asarray(one).tobytes() == np.asarray(two).tobytes(), "1 and 2 threads give different bits"
        return two

    return run
