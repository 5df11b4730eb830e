"""SM3: shapes, cuts, its state, odd numbers, bad options. More of its numbers are in test_rules.py."""

from __future__ import annotations

import math
import runpy
from pathlib import Path

import numpy as np
import pytest

import lucid
from lucid.nn import Parameter
from lucid.optim import SM3

Transcribed = runpy.run_path(str(Path(__file__).parent / "rules" / "sm3.py"))["SM3"]

# Few and many lines and columns, one and many blocks both ways, short last dimensions, dimensions of size 1.
SHAPES = [
    (),
    (1,),
    (30_001,),
    (1, 1),
    (7, 1),
    (1, 7),
    (5, 3),
    (3, 20_011),
    (9_001, 9),
    (100, 3_001),
    (40, 1, 33),
    (3, 2, 40_003),
    (64, 17, 3, 3),
    (2, 3, 4, 5, 6),
    (4_001, 2, 2),
    (3, 0, 2),
]


def drawn(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("momentum", [0, 0.9])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_shapes(momentum, kind, simd_level, both_thread_counts):
    """All shapes in one group: the formulas, and the same bits for 1 and 2 threads."""
    gradients = [[drawn(shape, t).astype(np.float32) for shape in SHAPES] for t in range(1, 4)]

    def compute():
        params = [Parameter(lucid.tensor(drawn(shape).astype(kind))) for shape in SHAPES]
        optimizer = SM3(params, momentum=momentum)
        for gradient in gradients:
            for p, g in zip(params, gradient, strict=True):
                p.grad = lucid.tensor(g.astype(kind))
            optimizer.step()
        values = [p.detach().numpy().reshape(-1) for p in params]
        return np.concatenate(values + [optimizer.state[p]["accumulator"].numpy() for p in params])

    expected = [Transcribed(drawn(shape).astype(kind), momentum=momentum) for shape in SHAPES]
    for gradient in gradients:
        for e, g in zip(expected, gradient, strict=True):
            e.step(g.astype(np.float64))
    wanted = np.concatenate([e.p.reshape(-1) for e in expected] + [e.state()["accumulator"] for e in expected])
    tolerance = 1e-14 if kind == "float64" else 2e-6
    np.testing.assert_allclose(both_thread_counts(compute), wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_state_is_one_number_for_each_index(shape):
    p = Parameter(lucid.zeros(*shape) if shape else lucid.tensor(0.0))
    p.grad = lucid.tensor(np.ones(shape, np.float32))
    optimizer = SM3([p])
    optimizer.step()
    assert optimizer.state[p]["accumulator"].shape == ((sum(shape) if shape else 1),)


def test_a_vector_is_adagrad(simd_level):
    start, gradients = drawn(100), [drawn(100, t) for t in range(1, 5)]
    p = Parameter(lucid.tensor(start))
    optimizer = SM3([p], lr=0.1, eps=0)
    total, expected = np.zeros(100), start.copy()
    for g in gradients:
        p.grad = lucid.tensor(g)
        optimizer.step()
        total += g * g
        expected -= 0.1 * g / np.sqrt(total)
    np.testing.assert_allclose(p.detach().numpy(), expected, rtol=1e-13)


def test_nan_stays_in_its_lines_and_columns(simd_level):
    p = Parameter(lucid.zeros(40, 50))
    optimizer = SM3([p])
    g = np.ones((40, 50), np.float32)
    g[3, 7] = math.nan
    for bad in (g, np.ones((40, 50), np.float32)):
        p.grad = lucid.tensor(bad)
        optimizer.step()
    accumulator = optimizer.state[p]["accumulator"].numpy()
    touched = np.isnan(accumulator)
    assert touched.nonzero()[0].tolist() == [3, 47] or touched.all()  # the smallest with NaN is NaN: it spreads
    assert np.isnan(p.detach().numpy()[3, :]).all()
    assert np.isnan(p.detach().numpy()[:, 7]).all()
    assert np.isfinite(p.detach().numpy()[:3, :7]).all()


def test_without_eps_a_number_that_never_had_a_gradient_stays():
    p = Parameter(lucid.tensor([[1.0, 2.0], [3.0, 4.0]]))
    optimizer = SM3([p], lr=1.0, eps=0)
    p.grad = lucid.tensor([[0.0, 0.0], [0.0, 5.0]])
    optimizer.step()
    assert p.tolist() == [[1.0, 2.0], [3.0, 3.0]]


def test_momentum_can_be_turned_on_later():
    p = Parameter(lucid.ones(3, 4))
    p.grad = lucid.ones(3, 4)
    optimizer = SM3([p])
    optimizer.step()
    before = optimizer.state[p]["accumulator"].tolist()
    optimizer.param_groups[0]["momentum"] = 0.5
    optimizer.step()
    assert set(optimizer.state[p]) == {"accumulator", "momentum_buffer"}
    assert optimizer.state[p]["accumulator"].tolist() == [x + 1 for x in before]


def test_a_parameter_without_gradient_is_left_alone():
    p, q, r = (Parameter(lucid.ones(30, 40)) for _ in range(3))
    optimizer = SM3([p, q, r])
    for x in (p, q, r):
        x.grad = lucid.ones(30, 40)
    optimizer.step()
    kept, state = q.tolist(), optimizer.state[q]["accumulator"].tolist()
    q.grad = None
    optimizer.step()
    assert q.tolist() == kept
    assert optimizer.state[q]["accumulator"].tolist() == state
    assert p.tolist() == r.tolist() != kept


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"lr": -0.1}, ValueError),
        ({"momentum": 1.0}, ValueError),
        ({"beta": 1.0}, ValueError),
        ({"beta": -0.1}, ValueError),
        ({"eps": -1e-30}, ValueError),
        ({"weight_decay": -1.0}, ValueError),
        ({"maximize": "no"}, TypeError),
        ({"betas": (0.9, 0.9)}, TypeError),
    ],
    ids=str,
)
def test_bad_options(options, error):
    with pytest.raises(error, match="SM3"):
        SM3([Parameter(lucid.zeros(2))], **options)


def test_state_of_another_shape_is_refused():
    p = Parameter(lucid.ones(3, 4))
    p.grad = lucid.ones(3, 4)
    optimizer = SM3([p])
    optimizer.step()
    optimizer.state[p]["accumulator"] = lucid.zeros(8)
    before = p.tolist()
    with pytest.raises(ValueError, match=r"of shape \(7,\)"):
        optimizer.step()
    assert p.tolist() == before
