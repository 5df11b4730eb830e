"""Whole training steps of lucid; `make bench-peers` puts other frameworks beside them."""

import pytest
from cases import CASES, Lucid, eager_step

import lucid


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_step(benchmark, case, threads):
    before = lucid.get_num_threads()
    lucid.set_num_threads(threads)
    try:
        benchmark(eager_step(Lucid, case))
    finally:
        lucid.set_num_threads(before)
