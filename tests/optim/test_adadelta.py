"""Adadelta: gradients of extreme sizes. The numbers are in test_rules.py."""

from __future__ import annotations

import numpy as np

from lucid.optim import Adadelta
from tests.optim.one_parameter import parameter, steps


def test_a_rho_of_one_forgets_nothing_and_learns_nothing():
    p = parameter([1.0])
    optimizer = Adadelta([p], rho=1.0, eps=0.25)
    steps(optimizer, p, [[0.5], [-0.25]])
    assert p.item() == 0.75
    assert [optimizer.state[p][key].item() for key in ("step", "square_avg", "acc_delta")] == [2.0, 0.0, 0.0]


def test_a_large_gradient_makes_an_exact_step(simd_level):
    """u / v is 1e-44 here, of which float32 holds few digits; its root is 1e-22."""
    p = parameter(np.zeros(40))
    g = np.linspace(1e19, 5e19, 40, dtype=np.float32)
    steps(Adadelta([p], eps=1e-6), p, [g])
    np.testing.assert_allclose(p.detach().numpy(), -np.sqrt(1e-6) / np.sqrt(0.1), rtol=1e-6)
