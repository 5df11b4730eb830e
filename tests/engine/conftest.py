"""Every engine test runs at each SIMD level the machine has, with 1 and 2 threads."""

import pytest

from lucid._engine import ffi, lib

LEVELS = [i for i in range(8) if lib.simd_level_name(i) != ffi.NULL]


@pytest.fixture(params=LEVELS, ids=lambda i: ffi.string(lib.simd_level_name(i)).decode())
def simd(request):
    """Runs the test at one SIMD level."""
    before = lib.simd_level()
    lib.set_simd_level(request.param)
    yield request.param
    lib.set_simd_level(before)


@pytest.fixture
def each_thread_count():
    """A function that runs `compute` with 1 and 2 threads and checks that the results are the same bits."""
    import numpy as np

    def run(compute):
        before = lib.num_threads()
        try:
            lib.set_num_threads(1)
            one = compute()
            lib.set_num_threads(2)
            two = compute()
        finally:
            lib.set_num_threads(before)
        for a, b in zip(
            one if isinstance(one, tuple) else (one,), two if isinstance(two, tuple) else (two,), strict=True
        ):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes(), "results differ between 1 and 2 threads"
        return two

    return run
