"""Adagrad: where sums begin. The numbers are in test_rules.py."""

from __future__ import annotations

import numpy as np

import lucid
from lucid.optim import Adagrad
from tests.optim.one_parameter import parameter, steps


def test_sums_begin_with_the_initial_value_of_their_group():
    p, q, late = (parameter([1.0]) for _ in range(3))
    groups = [{"params": [p, late]}, {"params": [q], "initial_accumulator_value": 15.0}]
    optimizer = Adagrad(groups, lr=1.0, initial_accumulator_value=3.0)
    for x in (p, q):
        x.grad = lucid.tensor([1.0])
    optimizer.step()
    assert late not in optimizer.state
    late.grad = lucid.tensor([1.0])
    optimizer.step()
    assert [optimizer.state[x]["sum"].item() for x in (p, q, late)] == [5.0, 17.0, 4.0]
    assert [optimizer.state[x]["step"].item() for x in (p, q, late)] == [2.0, 2.0, 1.0]
    assert late.item() == 0.5


def test_the_rate_falls_by_each_parameters_own_count():
    p, q = parameter([0.0]), parameter([0.0])
    optimizer = Adagrad([p, q], lr=1.0, lr_decay=1.0, eps=0.0)
    p.grad, q.grad = lucid.tensor([1.0]), None
    optimizer.step()
    before = p.item()
    p.grad, q.grad = lucid.tensor([2.0]), lucid.tensor([2.0])
    optimizer.step()
    np.testing.assert_allclose(p.item() - before, -0.5 * 2 / np.sqrt(5), rtol=1e-6)
    assert q.item() == -1.0


def test_eps_of_zero_divides_by_zero_where_there_was_never_a_gradient():
    p = parameter([1.0, 1.0])
    steps(Adagrad([p], eps=0.0, lr=0.5), p, [[0.0, 2.0]])
    assert np.isnan(p.tolist()[0]) and p.tolist()[1] == 0.5
