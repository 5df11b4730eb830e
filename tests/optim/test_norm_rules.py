"""Lars, Lamb, NovoGrad and Fromage: norms that are 0 or out of float's range, options, bad input.

The numbers are in test_rules.py.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import lucid
from lucid.nn import Parameter
from lucid.optim import Fromage, Lamb, Lars, NovoGrad


def after_step(rule, start, gradient, kind="float32", **options):
    """The parameter after one step from ``start``, and its optimizer."""
    p = Parameter(lucid.tensor(np.asarray(start, kind)))
    optimizer = rule([p], **options)
    p.grad = lucid.tensor(np.asarray(gradient, kind))
    optimizer.step()
    return p.detach().numpy().astype(np.float64), optimizer, p


def test_a_parameter_of_zeros_moves_as_if_the_ratio_were_one():
    g = [0.5, -2.0, 0.0]
    np.testing.assert_allclose(after_step(Lars, [0, 0, 0], g, lr=0.1)[0], [-0.05, 0.2, 0], rtol=1e-6)
    np.testing.assert_allclose(after_step(Lamb, [0, 0, 0], g, lr=0.1, eps=0)[0], [-0.1, 0.1, np.nan], rtol=1e-6)
    np.testing.assert_allclose(after_step(Lamb, [0, 0, 0], g, lr=0.1)[0], [-0.1, 0.1, 0], rtol=1e-5)
    moved = np.array([-0.05, 0.2, 0]) / math.sqrt(1.01)
    np.testing.assert_allclose(after_step(Fromage, [0, 0, 0], g, lr=0.1)[0], moved, rtol=1e-6)


def test_a_gradient_of_zeros_leaves_weight_decay_alone():
    p = np.array([3.0, -4.0])
    zeros = [0.0, 0.0]
    np.testing.assert_allclose(after_step(Lars, p, zeros, lr=0.5, weight_decay=0.1)[0], p * 0.95, rtol=1e-6)
    np.testing.assert_array_equal(after_step(Lars, p, zeros, lr=0.5)[0], p)
    np.testing.assert_allclose(after_step(Lamb, p, zeros, lr=0.5, weight_decay=0.1)[0], p * 0.5, rtol=1e-6)
    np.testing.assert_array_equal(after_step(Lamb, p, zeros, lr=0.5, weight_decay=0)[0], p)
    np.testing.assert_allclose(after_step(Fromage, p, zeros, lr=0.75)[0], p / 1.25, rtol=1e-6)
    np.testing.assert_array_equal(after_step(NovoGrad, p, zeros, lr=0.5)[0], p)


@pytest.mark.parametrize("size", [1e-30, 1e-25, 1e25, 1e36])
def test_squares_beyond_the_range_of_float32(size, simd_level):
    """The norms of gradients whose squares are 0 or infinite in float32 are right all the same."""
    p, g = np.array([3.0] + [0.0] * 39), np.full(40, size)
    moved = after_step(Fromage, p, g, lr=0.1)[0]
    np.testing.assert_allclose(moved, (p - 0.1 * 3 / math.sqrt(40)) / math.sqrt(1.01), rtol=1e-5)
    moved = after_step(Lars, p, g, lr=0.1, trust_coefficient=1.0, eps=0)[0]
    np.testing.assert_allclose(moved, p - 0.1 * 3 / math.sqrt(40), rtol=1e-5)


def test_sums_keep_their_digits(simd_level):
    """A million equal numbers: a sum in float32 would be off by far more."""
    n = 1_000_003
    start, g = np.full(n, 0.1, np.float32), np.full(n, 0.3, np.float32)
    _, optimizer, p = after_step(NovoGrad, start, g)
    v = optimizer.state[p]["exp_avg_sq"].item()
    assert v == np.float32(n * float(np.float32(0.3)) ** 2)
    moved = after_step(Fromage, start, g, lr=1.0)[0]
    assert np.abs(moved).max() <= 2**-26  # p - |p| / |g| g is 0, but for roundings at the size of p


def test_numbers_that_are_not_finite_reach_the_norm():
    """A norm that is NaN makes NaN of the whole parameter, one that is infinite stops all numbers but the infinite."""
    start = [1.0, 2.0, 3.0]
    for rule in (Lars, Fromage, NovoGrad):
        assert np.isnan(after_step(rule, start, [0.5, math.nan, 0.5])[0]).all()
        stopped = after_step(rule, start, [0.5, math.inf, 0.5], lr=1e-9)[0]
        np.testing.assert_allclose(stopped, [1, np.nan, 3])
    assert np.isnan(after_step(Lamb, start, [0.5, math.nan, 0.5])[0]).all()


def test_novograd_gradients_of_zero_at_first_do_not_count():
    p = Parameter(lucid.tensor([1.0, 1.0]))
    optimizer = NovoGrad([p], lr=1.0, betas=(0.0, 0.9), eps=0.5)
    for g in ([0.0, 0.0], [3.0, 4.0], [0.0, 10.0]):
        p.grad = lucid.tensor(g)
        optimizer.step()
        if g == [3.0, 4.0]:
            assert optimizer.state[p]["exp_avg_sq"].item() == 25
            np.testing.assert_allclose(p.detach().numpy(), [1 - 3 / 5.5, 1 - 4 / 5.5], rtol=1e-6)
    assert optimizer.state[p]["exp_avg_sq"].item() == pytest.approx(0.9 * 25 + 10)


def test_novograd_keeps_v_in_the_parameters_type():
    for kind in (lucid.float32, lucid.float64):
        _, optimizer, p = after_step(NovoGrad, [1.0, 2.0], [1 / 3, 1 / 7], kind.name, amsgrad=True)
        for name in ("exp_avg_sq", "max_exp_avg_sq"):
            v = optimizer.state[p][name]
            assert v.dtype is kind
            assert v.shape == ()
            assert v.item() == kind.numpy.type(p.grad[0].item() ** 2 + p.grad[1].item() ** 2)


def test_novograd_amsgrad_can_be_turned_on_later():
    _, optimizer, p = after_step(NovoGrad, [1.0, 2.0], [3.0, 4.0])
    optimizer.param_groups[0]["amsgrad"] = True
    optimizer.step()
    assert optimizer.state[p]["max_exp_avg_sq"].item() == pytest.approx(25)


def test_lamb_limits_of_the_ratio():
    p, g = np.array([30.0, -40.0]), [1.0, 1.0]
    options = {"lr": 0.1, "weight_decay": 0, "eps": 0}
    half = math.sqrt(0.5)  # of u = (1, 1), divided by its norm
    np.testing.assert_allclose(after_step(Lamb, p, g, **options)[0], p - 0.1 * 50 * half, rtol=1e-6)
    np.testing.assert_allclose(after_step(Lamb, p, g, clamp_value=10, **options)[0], p - 0.1 * 10 * half, rtol=1e-6)
    np.testing.assert_allclose(after_step(Lamb, p, g, trust_clip=True, **options)[0], p - 0.1, rtol=1e-6)


@pytest.mark.parametrize(
    ("rule", "options", "error"),
    [
        (Lars, {"lr": -1.0}, ValueError),
        (Lars, {"momentum": -0.1}, ValueError),
        (Lars, {"weight_decay": -0.1}, ValueError),
        (Lars, {"trust_coefficient": 0.0}, ValueError),
        (Lars, {"eps": -1e-8}, ValueError),
        (Lars, {"nesterov": True, "momentum": 0}, ValueError),
        (Lars, {"nesterov": "yes"}, TypeError),
        (Lars, {"beta1": 0.9}, TypeError),
        (Lamb, {"lr": math.nan}, ValueError),
        (Lamb, {"betas": (0.9, 1.0)}, ValueError),
        (Lamb, {"betas": 0.9}, TypeError),
        (Lamb, {"eps": -1.0}, ValueError),
        (Lamb, {"weight_decay": -1.0}, ValueError),
        (Lamb, {"clamp_value": 0.0}, ValueError),
        (Lamb, {"clamp_value": None}, TypeError),
        (Lamb, {"trust_clip": 1.5}, TypeError),
        (NovoGrad, {"lr": "fast"}, TypeError),
        (NovoGrad, {"betas": (-0.1, 0.9)}, ValueError),
        (NovoGrad, {"eps": -1.0}, ValueError),
        (NovoGrad, {"weight_decay": math.nan}, ValueError),
        (NovoGrad, {"grad_averaging": None}, TypeError),
        (Fromage, {"lr": -0.1}, ValueError),
        (Fromage, {"weight_decay": -0.1}, ValueError),
        (Fromage, {"momentum": 0.9}, TypeError),
    ],
    ids=str,
)
def test_bad_options(rule, options, error):
    with pytest.raises(error, match=rf"{rule.__name__}|betas"):
        rule([Parameter(lucid.zeros(2))], **options)
