"""RMSprop: what rounding does to a variance. The numbers are in test_rules.py."""

from __future__ import annotations

import numpy as np
import pytest

from lucid.optim import RMSprop
from tests.optim.one_parameter import parameter, steps


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_a_variance_below_zero_counts_as_zero(kind, simd_level):
    """The same gradient for long: rounding leaves mean square - mean² at about 0, on either side of it."""
    p = parameter(np.ones(1000), kind)
    g = np.linspace(0.1, 2, 1000)
    optimizer = RMSprop([p], lr=1e-9, alpha=0.5, centered=True)
    below = 0
    for _ in range(80):
        steps(optimizer, p, [g])
        state = {key: value.numpy().astype(np.longdouble) for key, value in optimizer.state[p].items()}
        below += np.count_nonzero(state["square_avg"] < state["grad_avg"] ** 2)
    assert below > 0, "the case this is about"
    assert np.isfinite(p.detach().numpy()).all()


def test_state_that_an_option_asks_for_later():
    p = parameter([1.0, 2.0])
    optimizer = RMSprop([p])
    steps(optimizer, p, [[1.0, -1.0]])
    assert list(optimizer.state[p]) == ["step", "square_avg"]
    optimizer.param_groups[0].update(momentum=0.5, centered=True)
    steps(optimizer, p, [[1.0, -1.0]])
    assert set(optimizer.state[p]) == {"step", "square_avg", "momentum_buffer", "grad_avg"}
    np.testing.assert_allclose(optimizer.state[p]["grad_avg"].numpy(), [0.01, -0.01], rtol=1e-6)


def test_eps_of_zero_divides_by_zero_where_there_was_never_a_gradient():
    p = parameter([1.0, 1.0])
    steps(RMSprop([p], eps=0.0, lr=0.25, alpha=0.75), p, [[0.0, 2.0]])
    assert np.isnan(p.tolist()[0]) and p.tolist()[1] == 0.5
