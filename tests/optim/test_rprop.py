"""Rprop: which signs count. The numbers are in test_rules.py."""

from __future__ import annotations

import numpy as np

import lucid
from lucid.optim import Rprop
from tests.optim.one_parameter import parameter, steps


def test_signs_count_however_small_the_gradients_are(simd_level):
    """1e-30 · 1e-30 is 0 in float32, but both are positive."""
    p, q = parameter(np.zeros(40)), parameter(np.zeros(40))
    signs = [[1.0] * 40, np.resize([1.0, -1.0], 40), np.resize([1.0, -1.0, -1.0], 40)]
    large, small = Rprop([p]), Rprop([q])
    steps(large, p, [np.asarray(s) for s in signs])
    steps(small, q, [1e-30 * np.asarray(s) for s in signs])
    assert p.tolist() == q.tolist()
    assert large.state[p]["step_size"].tolist() == small.state[q]["step_size"].tolist()


def test_the_learning_rate_is_the_step_size_at_the_start():
    p, late = parameter([0.0]), parameter([0.0])
    optimizer = Rprop([p, late], lr=0.5)
    steps(optimizer, p, [[1.0]])
    optimizer.param_groups[0]["lr"] = 0.25
    late.grad = lucid.tensor([1.0])
    optimizer.step()
    np.testing.assert_allclose([p.item(), late.item()], [-0.5 - 0.6, -0.25], rtol=1e-6)


def test_step_sizes_stay_between_their_bounds():
    p = parameter([0.0, 0.0])
    optimizer = Rprop([p], lr=0.5, step_sizes=(0.25, 0.75))
    steps(optimizer, p, [[1.0, (-1.0) ** t] for t in range(9)])
    assert optimizer.state[p]["step_size"].tolist() == [0.75, 0.25]


def test_a_gradient_that_is_nan_is_no_direction(simd_level):
    """As in PyTorch: the parameter stays, and so does its step size at the next step."""
    p = parameter(np.zeros(20))
    optimizer = Rprop([p], lr=0.5)
    steps(optimizer, p, [np.full(20, np.nan), np.ones(20)])
    assert p.tolist() == [-0.5] * 20 and optimizer.state[p]["step_size"].tolist() == [0.5] * 20
