"""Adamax, NAdam, RAdam, Yogi, AdaBelief, Lion: what is theirs alone. The formulas are in test_rules.py."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

import lucid
from lucid.optim import AdaBelief, Adamax, Lion, NAdam, RAdam, Yogi
from tests.optim.one_parameter import parameter

RELATIVES = [AdaBelief, Adamax, Lion, NAdam, RAdam, Yogi]


def run(optimizer, p, gradients):
    """The first number of p after each step."""
    seen = []
    for g in gradients:
        p.grad = lucid.tensor(np.full(p.shape, g, p.dtype.name))
        optimizer.step()
        seen.append(p.detach().numpy().flat[0])
    return seen


# ---------------------------------------------------------------------------------------------------------------------
# Options


def test_arguments_have_the_order_and_defaults_of_pytorch():
    """As in PyTorch 2.13, without those that GradientOptions names."""
    adam = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0}
    expected = {
        Adamax: adam | {"lr": 2e-3, "foreach": None, "maximize": False},
        NAdam: adam | {"lr": 2e-3, "momentum_decay": 4e-3, "decoupled_weight_decay": False, "maximize": False},
        RAdam: adam | {"decoupled_weight_decay": False, "maximize": False},
    }
    for rule, arguments in expected.items():
        found = inspect.signature(rule).parameters
        assert {k: found[k].default for k in arguments} == arguments
        assert list(found)[1:-1] == list(arguments)
        assert [k for k in found if found[k].kind is inspect.Parameter.KEYWORD_ONLY] == ["maximize"]


@pytest.mark.parametrize("rule", RELATIVES)
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"lr": -1e-3}, ValueError),
        ({"lr": math.nan}, ValueError),
        ({"lr": "0.1"}, TypeError),
        ({"eps": -1e-8}, ValueError),
        ({"betas": (1.0, 0.9)}, ValueError),
        ({"betas": (0.9, -0.1)}, ValueError),
        ({"betas": (0.9,)}, ValueError),
        ({"betas": 0.9}, TypeError),
        ({"weight_decay": -0.1}, ValueError),
        ({"maximize": "yes"}, TypeError),
        ({"momentum_decay": -1.0}, ValueError),
        ({"initial_accumulator": -1e-6}, ValueError),
        ({"initial_accumulator": None}, TypeError),
        ({"decoupled_weight_decay": 0.5}, TypeError),
        ({"amsgrad": "yes"}, TypeError),
        ({"rectify": None}, TypeError),
        ({"capturable": True}, ValueError),
        ({"differentiable": True}, ValueError),
        ({"no_such_option": 1}, TypeError),
    ],
    ids=str,
)
def test_bad_option(rule, options, error):
    (name,) = options
    known = inspect.signature(rule).parameters
    if name in ("eps", "momentum_decay", "initial_accumulator", "decoupled_weight_decay", "amsgrad", "rectify"):
        error = error if name in known else TypeError  # an option of another rule
    p, q = parameter(np.ones(3)), parameter(np.ones(3))
    with pytest.raises(error, match="beta" if name == "betas" else name):
        rule([p], **options)
    if name not in known:
        return
    optimizer = rule([p])
    with pytest.raises(error, match="beta" if name == "betas" else name):
        optimizer.add_param_group({"params": [q], **options})
    if name == "betas":
        return
    optimizer.param_groups[0].update(options)
    with pytest.raises(error, match=name):
        run(optimizer, p, [1.0])
    assert p.tolist() == [1, 1, 1] and len(optimizer.state) == 0


def test_foreach_of_adamax_may_be_given_by_place():
    p, q = parameter(np.ones(3)), parameter(np.ones(3))
    run(Adamax([p], 0.1, (0.9, 0.99), 1e-8, 0.1, True), p, [1.0, 2.0])
    run(Adamax([q], 0.1, (0.9, 0.99), 1e-8, 0.1), q, [1.0, 2.0])
    assert p.tolist() == q.tolist()


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        (Adamax, {"weight_decay": 0.3}),
        (NAdam, {"momentum_decay": 0.5}),
        (NAdam, {"weight_decay": 0.3, "decoupled_weight_decay": True}),
        (RAdam, {"weight_decay": 0.3, "decoupled_weight_decay": True}),
        (Yogi, {"weight_decay": 0.3}),
        (AdaBelief, {"rectify": True}),
        (AdaBelief, {"decoupled_weight_decay": False, "weight_decay": 0.3}),
        (Lion, {"weight_decay": 0.3}),
        (Lion, {"betas": (0.999, 0.2)}),
    ],
    ids=str,
)
def test_changed_option_takes_effect_at_the_next_step(rule, change):
    """As in an optimizer that has it from the start, and loads the state."""
    gradients = [1.0, -0.5, 0.25]
    p, q = parameter([1.0, 2.0], "float64"), parameter([1.0, 2.0], "float64")
    one, before = rule([p], lr=0.1), rule([q], lr=0.1)
    assert run(one, p, gradients) == run(before, q, gradients)
    one.param_groups[0].update(change)
    after = rule([q], lr=0.1, **change)
    saved = before.state_dict()["state"]
    after.load_state_dict({"state": saved, "param_groups": after.state_dict()["param_groups"]})
    unchanged = parameter(q.detach().numpy(), "float64")
    control = rule([unchanged], lr=0.1)
    control.load_state_dict(before.state_dict())
    seen = run(one, p, gradients)
    assert seen == run(after, q, gradients)
    assert seen != run(control, unchanged, gradients)


# ---------------------------------------------------------------------------------------------------------------------
# State


def test_state_names_and_starts():
    names = {
        Adamax: ["step", "exp_avg", "exp_inf"],
        NAdam: ["step", "mu_product", "exp_avg", "exp_avg_sq"],
        RAdam: ["step", "exp_avg", "exp_avg_sq"],
        Yogi: ["step", "exp_avg", "exp_avg_sq"],
        AdaBelief: ["step", "exp_avg", "exp_avg_var"],
        Lion: ["exp_avg"],
    }
    for rule, expected in names.items():
        p = parameter(np.ones(3))
        optimizer = rule([p])
        run(optimizer, p, [0.0])
        assert list(optimizer.state[p]) == expected
    p = parameter(np.ones(3))
    optimizer = AdaBelief([p], amsgrad=True)
    run(optimizer, p, [0.0])
    assert list(optimizer.state[p]) == ["step", "exp_avg", "exp_avg_var", "max_exp_avg_var"]


def test_mu_product_is_a_product_of_float32_numbers():
    p = parameter([1.0], "float64")
    optimizer = NAdam([p], betas=(0.8, 0.9), momentum_decay=0.5)
    run(optimizer, p, [1.0] * 3)
    expected = np.float32(1)
    for t in (1, 2, 3):
        expected *= np.float32(0.8 * (1 - 0.5 * 0.96 ** (0.5 * t)))
    found = optimizer.state[p]["mu_product"]
    assert found.dtype is lucid.float32 and found.item() == expected


def test_each_group_of_yogi_has_its_start():
    a, b = parameter([1.0], "float64"), parameter([1.0], "float64")
    rate = lucid.tensor(0.25)
    optimizer = Yogi([{"params": [a], "initial_accumulator": rate}, {"params": [b]}], betas=(0.5, 0.5))
    for p in (a, b):
        p.grad = lucid.tensor(np.zeros(1))
    optimizer.step()
    assert optimizer.state[a]["exp_avg"].item() == 0.125 and optimizer.state[a]["exp_avg_sq"].item() == 0.25
    assert optimizer.state[b]["exp_avg"].item() == 5e-7 and optimizer.state[b]["exp_avg_sq"].item() == 1e-6
    rate.fill_(4.0)  # state that is there stays
    optimizer.step()
    assert optimizer.state[a]["exp_avg_sq"].item() == 0.25


def test_a_parameter_counts_its_own_steps():
    """RAdam's divisor comes with the parameter's own sixth gradient."""
    early, late = parameter([1.0]), parameter([1.0])
    optimizer = RAdam([early, late], lr=0.125)
    for t in range(7):
        early.grad = lucid.tensor(np.full(1, 4.0, np.float32))
        late.grad = None if t < 2 else lucid.tensor(np.full(1, 4.0, np.float32))
        optimizer.step()
    np.testing.assert_allclose(late.item(), 1 - 5 * 0.5, rtol=1e-6)
    assert -1.5 - early.item() < 0.1  # two steps of less than lr, not of 0.5


# ---------------------------------------------------------------------------------------------------------------------
# What is particular


def test_the_second_moment_of_yogi_stays_near(simd_level):
    """After one large gradient Adam forgets at the rate of beta2; Yogi by (1 - beta2) of small squares."""
    p = parameter(np.ones(20), "float64")
    optimizer = Yogi([p], betas=(0.9, 0.5), initial_accumulator=0.0)
    run(optimizer, p, [4.0, 1.0, 1.0])
    assert set(optimizer.state[p]["exp_avg_sq"].tolist()) == {8.0 - 0.5 - 0.5}
    run(optimizer, p, [math.sqrt(7.0)])
    assert abs(optimizer.state[p]["exp_avg_sq"].tolist()[0] - 7) <= 3.5
    optimizer.state[p]["exp_avg_sq"].fill_(4.0)
    run(optimizer, p, [2.0])
    assert set(optimizer.state[p]["exp_avg_sq"].tolist()) == {4.0}, "v = g² stays"


def test_lion_steps_are_exactly_lr(simd_level):
    p = parameter(np.zeros(37))
    optimizer = Lion([p], lr=0.25)
    p.grad = lucid.tensor(np.array([1e-38, -1e38, 0.0, -0.0, 3.0] + [0.0] * 32, np.float32))
    optimizer.step()
    assert p.tolist() == [-0.25, 0.25, 0.0, 0.0, -0.25] + [0.0] * 32
    p.grad = lucid.tensor(np.zeros(37, np.float32))
    optimizer.step()
    assert p.tolist()[1:5] == [0.5, 0.0, 0.0, -0.5]


def test_adabelief_takes_large_steps_where_gradients_are_steady():
    p, q = parameter([1.0], "float64"), parameter([1.0], "float64")
    steady = run(AdaBelief([p], lr=1e-3), p, [1.0] * 300)
    unsteady = run(AdaBelief([q], lr=1e-3), q, [1.0, -0.9] * 150)
    assert 1 - steady[-1] > 20 * abs(1 - unsteady[-1])


# What PyTorch 2.13 does from 1.0 on (its plain loop, float32).
ODD = [
    (Adamax, {}, [math.nan, 1.0], [math.nan, math.nan]),
    (Adamax, {}, [math.inf, 1.0], [math.nan, math.nan]),
    (Adamax, {}, [1.0, math.inf], [0.998, math.nan]),
    (Adamax, {}, [3e38, 1.0], [0.998, 0.997052]),
    (Adamax, {"eps": 0.0}, [0.0, 1.0], [math.nan, math.nan]),
    (Adamax, {"eps": 0.0}, [1e-30, 1e-30], [0.998, 0.996]),
    (Adamax, {"lr": 0.0}, [1.0, math.inf], [1.0, math.nan]),
    (NAdam, {}, [math.nan, 1.0], [math.nan, math.nan]),
    (NAdam, {}, [math.inf, 1.0], [math.nan, math.nan]),
    (NAdam, {}, [3e38, 1.0], [1.0, 1.0]),
    (NAdam, {"eps": 0.0}, [0.0, 1.0], [math.nan, math.nan]),
    (NAdam, {"eps": 0.0}, [1e-30, 1e-30], [-math.inf, -math.inf]),
    (NAdam, {"eps": 0.0, "lr": 0.0}, [1e-30], [math.nan]),
    (NAdam, {"lr": 0.0}, [1.0, math.inf], [1.0, math.nan]),
    (RAdam, {}, [math.nan, 1.0], [math.nan, math.nan]),
    (RAdam, {}, [1.0, math.inf], [0.999, -math.inf]),
    (RAdam, {}, [3e38, 1.0], [-3e35, -4.42105e35]),
    (RAdam, {}, [1.0] * 7 + [3e38], [0.999, 0.998, 0.997, 0.996, 0.995, 0.994974, 0.994942, 0.994942]),
    (RAdam, {"eps": 0.0}, [0.0, 0.0], [1.0, 1.0]),
    (RAdam, {"lr": 0.0}, [1.0, math.inf], [1.0, math.nan]),
]


@pytest.mark.parametrize(("rule", "options", "gradients", "expected"), ODD, ids=str)
def test_odd_numbers_do_as_in_pytorch(rule, options, gradients, expected, simd_level):
    for n in (1, 37):
        p = parameter(np.ones(n))
        np.testing.assert_allclose(run(rule([p], **options), p, gradients), expected, rtol=2e-6)


def test_infinite_gradients_stay_infinite_in_state(simd_level):
    """An average that is infinite does not turn into NaN at the next step, nor does the largest gradient."""
    p = parameter(np.ones(20))
    optimizer = Adamax([p])
    run(optimizer, p, [math.inf, 1.0, 1.0])
    assert set(optimizer.state[p]["exp_inf"].tolist()) == set(optimizer.state[p]["exp_avg"].tolist()) == {math.inf}
