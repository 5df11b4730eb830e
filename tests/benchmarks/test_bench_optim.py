"""Adam and AdamW alone, all gradients in place; and the bare loop with the memory traffic of the largest case."""

import importlib.util
from pathlib import Path

import pytest

specification = importlib.util.spec_from_file_location(
    "optimizer_cases", Path(__file__).with_name("optimizer_cases.py")
)
cases = importlib.util.module_from_spec(specification)
specification.loader.exec_module(cases)


@pytest.mark.parametrize("rule", ["Adam", "AdamW"])
@pytest.mark.parametrize("case", cases.CASES)
def test_step(benchmark, case, rule):
    benchmark(cases.lucid_step(case, rule))


@pytest.mark.parametrize("threads", [1, 2])
def test_bare_loop(benchmark, threads):
    run = cases.bare_loop(33_554_432, "Adam")
    if run is None:
        pytest.skip("no C compiler")
    run.set_threads(threads)
    benchmark(run)
