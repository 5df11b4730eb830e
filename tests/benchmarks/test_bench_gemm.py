"""Matrix products of the engine, float32; gemm_table.py puts OpenBLAS and PyTorch beside them."""

import pytest
from gemm_table import engine_call, operands

import lucid

SIZES = [(64, 64, 128), (64, 128, 64), (256, 256, 256), (1024, 1024, 1024)]  # m, n, k


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", ["NN", "NT", "TN"])
@pytest.mark.parametrize("size", SIZES, ids=lambda s: "x".join(map(str, s)))
def test_gemm(benchmark, size, kind, threads):
    before = lucid.get_num_threads()
    lucid.set_num_threads(threads)
    try:
        benchmark(engine_call(*operands(kind, *size)))
    finally:
        lucid.set_num_threads(before)
