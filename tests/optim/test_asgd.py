"""ASGD: its rates and its average. The numbers are in test_rules.py."""

from __future__ import annotations

import numpy as np
import pytest

import lucid
from lucid.optim import ASGD
from tests.optim.one_parameter import parameter, steps


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_the_average_is_the_parameter_first_and_then_the_mean(kind, simd_level):
    p = parameter(np.linspace(-1, 1, 37), kind)
    optimizer = ASGD([p], lr=0.1, t0=4)
    seen = []
    for t in range(1, 12):
        steps(optimizer, p, [np.cos(np.arange(37.0) + t)])
        average = optimizer.state[p]["ax"].numpy()
        if t <= 6:
            assert average.tobytes() == p.detach().numpy().tobytes()
        if t >= 6:
            seen.append(p.detach().numpy().astype(np.float64))
            np.testing.assert_allclose(average, np.mean(seen, axis=0), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_rates_are_float32_numbers_and_one_step_ahead(kind):
    p = parameter([0.0], kind)
    optimizer = ASGD([p], lr=0.1, lambd=0.0, t0=0)
    p.grad = lucid.tensor(np.asarray([1.0], kind))
    optimizer.step()
    state = optimizer.state[p]
    assert state["eta"].dtype is state["mu"].dtype is lucid.float32
    assert p.item() == -float(np.float32(0.1))
    optimizer.param_groups[0]["lr"] = 0.5
    optimizer.step()
    np.testing.assert_allclose(p.item(), -0.2, rtol=1e-7)
    assert state["eta"].item() == 0.5
    optimizer.step()
    np.testing.assert_allclose(p.item(), -0.7, rtol=1e-7)
    assert state["mu"].item() == np.float32(1 / 3)


def test_a_rate_written_into_the_state_is_the_next_one():
    p = parameter([1.0])
    optimizer = ASGD([p], lambd=0.0)
    steps(optimizer, p, [[1.0]])
    before = p.item()
    optimizer.state[p]["eta"].fill_(0.25)
    steps(optimizer, p, [[1.0]])
    assert p.item() == np.float32(before - 0.25)


def test_a_state_with_plain_numbers_can_be_loaded():
    p, q = parameter([1.0, 2.0]), parameter([1.0, 2.0])
    one, other = (ASGD([x], lr=0.1, lambd=0.5, t0=1) for x in (p, q))
    for optimizer, x in ((one, p), (other, q)):
        steps(optimizer, x, [[1.0, -1.0], [0.5, 2.0]])
    saved = one.state_dict()
    saved["state"][0] |= {name: saved["state"][0][name].item() for name in ("step", "eta", "mu")}
    one = ASGD([p])
    one.load_state_dict(saved)
    for optimizer, x in ((one, p), (other, q)):
        steps(optimizer, x, [[1.0, 3.0]] * 3)
    assert p.tolist() == q.tolist() and one.state[p]["ax"].tolist() == other.state[q]["ax"].tolist()
