"""What recording costs: an elementwise operation on 8 numbers, in a chain y = y * w.

A round is a chain of 100 operations: its time divided by 100 is that of one.
"""

import pytest
from cases import Lucid, chain

ROUNDS = 1000


@pytest.mark.parametrize("learned", [False, True], ids=["w constant", "w learned"])
def test_forward(benchmark, learned):
    forward, _ = chain(Lucid, learned)
    benchmark.pedantic(forward, rounds=ROUNDS, warmup_rounds=50)


@pytest.mark.parametrize("learned", [False, True], ids=["w constant", "w learned"])
def test_backward(benchmark, learned):
    forward, backward = chain(Lucid, learned)
    benchmark.pedantic(backward, setup=lambda: ((forward(),), {}), rounds=ROUNDS, warmup_rounds=50)
