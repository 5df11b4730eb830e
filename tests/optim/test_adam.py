"""Adam and AdamW: what a step does and does not, changes between steps, bad input. The numbers are in test_rules.py."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lucid
from lucid.nn import Parameter
from lucid.optim import Adam, AdamW
from tests.optim.one_parameter import parameter

KINDS = {"float32": lucid.float32, "float64": lucid.float64}


def give(p, gradient):
    p.grad = None if gradient is None else lucid.tensor(np.asarray(gradient, p.dtype.name))


def numbers(*tensors):
    return [t.detach().numpy().copy() for t in tensors]


def everything(optimizer):
    """All numbers an optimizer could change, to show that it did not."""
    found = [(copy.deepcopy(dict(group, params=None))) for group in optimizer.param_groups]
    for group in optimizer.param_groups:
        for p in group["params"]:
            found.append(p.detach().numpy().tobytes())
            found.append({k: t.numpy().tobytes() for k, t in optimizer.state.get(p, {}).items()})
    return found


def test_matches_its_formula_on_a_real_loss():
    w = parameter([3.0, -3.0])
    optimizer = Adam([w], lr=0.5)
    (w * w).sum().backward()
    optimizer.step()
    assert w.tolist() == [2.5, -2.5]


# ---------------------------------------------------------------------------------------------------------------------
# What a step does and does not


def test_closure_runs_first_with_gradients_enabled():
    w = parameter([1.0])
    optimizer = Adam([w], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with lucid.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 1.0 and abs(w.item() - 0.9) < 1e-6
    assert optimizer.step() is None


def test_parameter_without_gradient_is_left_alone():
    a, b, c = (parameter(np.ones(3)) for _ in range(3))
    optimizer = Adam([a, b, c], weight_decay=0.1)
    for t in range(6):
        give(a, np.ones(3))
        give(b, np.ones(3) if t % 3 == 0 else None)
        optimizer.step()
    assert optimizer.state[a]["step"].item() == 6 and optimizer.state[b]["step"].item() == 2
    assert c.tolist() == [1, 1, 1] and c not in optimizer.state and c._version == 0
    assert a._version == 6 and b._version == 2


def test_step_without_any_gradient():
    w = parameter([1.0])
    optimizer = Adam([w])
    optimizer.step()
    assert w.item() == 1 and len(optimizer.state) == 0


def test_inplace_change_is_seen_by_backward():
    w = parameter([2.0])
    optimizer = Adam([w])
    loss = (w * w).sum()
    give(w, [1.0])
    optimizer.step()
    with pytest.raises(RuntimeError):
        loss.backward()
    loss = (w * optimizer.state[w]["exp_avg"]).sum()
    optimizer.step()
    with pytest.raises(RuntimeError):
        loss.backward()


@pytest.mark.parametrize("layout", ["transposed", "expanded", "strided"])
def test_gradient_of_any_layout(layout):
    p, q = parameter(np.ones((4, 6))), parameter(np.ones((4, 6)))
    values = np.arange(24, dtype=np.float32).reshape(4, 6)
    if layout == "transposed":
        p.grad = lucid.tensor(values.T.copy()).T
    elif layout == "strided":
        p.grad = lucid.tensor(np.repeat(values, 2, axis=1))[:, ::2]
    else:
        values = np.repeat(values[:1], 4, axis=0)
        p.grad = lucid.tensor(values[:1]).expand(4, 6)
    assert not p.grad.is_contiguous()
    give(q, values)
    one, other = Adam([p]), Adam([q])
    for _ in range(3):
        one.step()
        other.step()
    assert p.tolist() == q.tolist()


def test_parameter_that_is_not_contiguous():
    base = lucid.tensor(np.arange(24, dtype=np.float32).reshape(4, 6))
    p, q = Parameter(base.T), parameter(np.arange(24).reshape(4, 6).T)
    assert not p.is_contiguous()
    one, other = AdamW([p], lr=0.1), AdamW([q], lr=0.1)
    for t in range(3):
        for x in (p, q):
            give(x, np.arange(24).reshape(6, 4) - t)
        one.step()
        other.step()
    assert p.tolist() == q.tolist() and base.T.tolist() == q.tolist()


def test_mixed_number_types_in_one_group():
    values = np.linspace(-1, 1, 10)
    mixed = [parameter(values, "float32"), parameter(values, "float64"), parameter(values, "float32")]
    alone = [parameter(values, "float32"), parameter(values, "float64"), parameter(values, "float32")]
    together, apart = Adam(mixed), [Adam([p]) for p in alone]
    for _ in range(5):
        for p in (*mixed, *alone):
            give(p, values)
        together.step()
        for optimizer in apart:
            optimizer.step()
    for p, q in zip(mixed, alone, strict=True):
        assert p.dtype is q.dtype and p.tolist() == q.tolist()


# ---------------------------------------------------------------------------------------------------------------------
# Changes between steps


def pair(**options):
    """Two equal optimizers; one is changed, the other is the control."""
    made = []
    for _ in range(2):
        p = parameter(np.linspace(-1, 1, 20), "float64")
        made.append((p, Adam([p], **options)))
    return made


def run(p, optimizer, steps, seed=0):
    random = np.random.default_rng(seed)
    for _ in range(steps):
        give(p, random.standard_normal(p.shape))
        optimizer.step()


@pytest.mark.parametrize(
    "change",
    [
        {"lr": 0.5},
        {"beta1": 0.3},
        {"betas": (0.2, 0.4)},
        {"eps": 0.1},
        {"weight_decay": 0.2},
        {"maximize": True},
        {"amsgrad": True},
    ],
    ids=str,
)
def test_changed_option_takes_effect_at_the_next_step(change):
    (p, one), (q, other) = pair()
    run(p, one, 3)
    run(q, other, 3)
    one.param_groups[0].update(change)
    run(p, one, 3, seed=1)
    saved = other.state_dict()
    fresh = Adam([q], **({"betas": (change["beta1"], 0.999)} if "beta1" in change else change))
    if "amsgrad" in change:
        saved["state"][0]["max_exp_avg_sq"] = lucid.tensor(np.zeros(20), dtype=lucid.float64)
    fresh.load_state_dict({"state": saved["state"], "param_groups": fresh.state_dict()["param_groups"]})
    run(q, fresh, 3, seed=1)
    assert p.tolist() == q.tolist()


def test_lr_may_be_a_tensor_that_changes():
    (p, one), (q, other) = pair()
    rate = lucid.tensor(0.25)
    one.param_groups[0]["lr"] = rate
    other.param_groups[0]["lr"] = 0.25
    run(p, one, 2)
    run(q, other, 2)
    with lucid.no_grad():
        rate.fill_(0.5)
    other.param_groups[0]["lr"] = 0.5
    run(p, one, 2)
    run(q, other, 2)
    assert p.tolist() == q.tolist()
    one.param_groups[0]["lr"] = 0.125
    other.param_groups[0]["lr"] = 0.125
    run(p, one, 2)
    run(q, other, 2)
    assert p.tolist() == q.tolist()


@pytest.mark.parametrize("name", ["step", "exp_avg", "exp_avg_sq"])
def test_replaced_state_is_used(name):
    (p, one), (q, other) = pair()
    run(p, one, 2)
    run(q, other, 2)
    before = other.state[q][name].numpy()
    replacement = lucid.tensor(before * 2 + 1, dtype=lucid.float32 if name == "step" else lucid.float64)
    one.state[p][name] = replacement
    before[...] = before * 2 + 1  # the control's: written in place
    run(p, one, 2)
    run(q, other, 2)
    assert p.tolist() == q.tolist()
    assert one.state[p][name] is replacement and replacement.tolist() == other.state[q][name].tolist()


def test_state_whose_memory_is_replaced():
    (p, one), (q, other) = pair()
    run(p, one, 2)
    run(q, other, 2)
    one.state[p]["exp_avg"].data = lucid.tensor(np.full(20, 3.0))
    other.state[q]["exp_avg"].numpy()[...] = 3
    run(p, one, 2)
    run(q, other, 2)
    assert p.tolist() == q.tolist()


def test_deleted_state_starts_again():
    (p, one), (q, other) = pair()
    run(p, one, 3)
    del one.state[p]
    q.data = lucid.tensor(p.detach().numpy().copy())
    run(p, one, 3, seed=1)
    run(q, other, 3, seed=1)
    assert p.tolist() == q.tolist()
    one.state = {}
    run(p, one, 1)
    assert one.state[p]["step"].item() == 1


def test_parameter_with_new_memory():
    (p, one), (q, other) = pair()
    for t in range(4):
        p.data = lucid.tensor(p.detach().numpy().copy())
        run(p, one, 1, seed=t)
        run(q, other, 1, seed=t)
    assert p.tolist() == q.tolist()


def test_parameter_of_new_shape_is_refused():
    p = parameter(np.ones(4))
    optimizer = Adam([p])
    give(p, np.ones(4))
    optimizer.step()
    p.data = lucid.tensor(np.ones(6, np.float32))
    p.grad = lucid.tensor(np.ones(6, np.float32))
    with pytest.raises(ValueError, match="exp_avg"):
        optimizer.step()
    assert p.tolist() == [1] * 6
    del optimizer.state[p]
    optimizer.step()
    assert p.tolist() != [1] * 6


def test_group_added_later():
    a, b = parameter(np.ones(3)), parameter(np.ones(3))
    optimizer = Adam([a], lr=0.5)
    give(a, np.ones(3))
    optimizer.step()
    optimizer.add_param_group({"params": [b], "lr": 0.25})
    give(b, np.ones(3))
    optimizer.step()
    assert optimizer.state[a]["step"].item() == 2 and optimizer.state[b]["step"].item() == 1
    np.testing.assert_allclose(b.tolist(), 0.75, rtol=1e-6)


def test_params_list_changed_by_hand():
    a, b = parameter(np.ones(3)), parameter(np.ones(3))
    optimizer = Adam([a], lr=0.5)
    for p in (a, b):
        give(p, np.ones(3))
    optimizer.step()
    optimizer.param_groups[0]["params"][0] = b
    optimizer.step()
    assert optimizer.state[a]["step"].item() == 1 and optimizer.state[b]["step"].item() == 1
    optimizer.param_groups[0]["params"].append(a)
    optimizer.step()
    assert optimizer.state[a]["step"].item() == 2 and optimizer.state[b]["step"].item() == 2


def test_plain_dict_as_a_group():
    a = parameter(np.ones(3))
    optimizer = Adam([a], lr=0.5)
    optimizer.param_groups[0] = dict(optimizer.param_groups[0], lr=0.25)
    give(a, np.ones(3))
    optimizer.step()
    np.testing.assert_allclose(a.tolist(), 0.75, rtol=1e-6)
    optimizer.param_groups[0]["betas"] = (0.5, 0.5)
    assert optimizer.param_groups[0]["beta1"] == 0.5


# ---------------------------------------------------------------------------------------------------------------------
# Bad input


BAD = [
    ({"lr": -1e-3}, ValueError, "lr"),
    ({"lr": float("nan")}, ValueError, "lr"),
    ({"lr": "0.1"}, TypeError, "lr"),
    ({"lr": None}, TypeError, "lr"),
    ({"eps": -1e-8}, ValueError, "eps"),
    ({"eps": float("nan")}, ValueError, "eps"),
    ({"betas": (1.0, 0.9)}, ValueError, "beta1"),
    ({"betas": (0.9, 1.0)}, ValueError, "beta2"),
    ({"betas": (-0.1, 0.9)}, ValueError, "beta1"),
    ({"betas": (0.9, float("nan"))}, ValueError, "beta2"),
    ({"betas": (0.9,)}, ValueError, "betas"),
    ({"betas": 0.9}, TypeError, "betas"),
    ({"weight_decay": -0.1}, ValueError, "weight_decay"),
    ({"weight_decay": float("nan")}, ValueError, "weight_decay"),
    ({"amsgrad": "yes"}, TypeError, "amsgrad"),
    ({"maximize": 0.5}, TypeError, "maximize"),
]


@pytest.mark.parametrize(("options", "error", "name"), BAD, ids=str)
@pytest.mark.parametrize("rule", [Adam, AdamW])
def test_bad_option(rule, options, error, name):
    p, q = parameter(np.ones(3)), parameter(np.ones(3))
    with pytest.raises(error, match=name):
        rule([p], **options)
    with pytest.raises(error, match=name):
        rule([{"params": [p], **options}])
    optimizer = rule([p])
    with pytest.raises(error, match=name):
        optimizer.add_param_group({"params": [q], **options})
    assert len(optimizer.param_groups) == 1
    give(p, np.ones(3))
    optimizer.step()
    if name == "betas":
        with pytest.raises(error, match=name):
            optimizer.param_groups[0].update(options)
        return
    optimizer.param_groups[0].update(options)
    before = everything(optimizer)
    for _ in range(2):
        with pytest.raises(error, match=name):
            optimizer.step()
    assert everything(optimizer) == before or "nan" in str(options)
    assert optimizer.state[p]["step"].item() == 1


def test_bad_gradient_changes_nothing():
    """Also when it is found after good parameters, in a later group, at their first step."""
    a, b, c = (parameter(np.ones(3)) for _ in range(3))
    optimizer = Adam([{"params": [a, b]}, {"params": [c]}])
    for p in (a, b):
        give(p, np.ones(3))
    c._grad = lucid.tensor(np.ones(4, np.float32))
    with pytest.raises(ValueError, match="group 1"):
        optimizer.step()
    c._grad = lucid.tensor(np.ones(3), dtype=lucid.float64)
    with pytest.raises(TypeError, match="group 1"):
        optimizer.step()
    assert [p.tolist() for p in (a, b, c)] == [[1, 1, 1]] * 3 and len(optimizer.state) == 0
    give(c, np.ones(3))
    optimizer.step()
    assert all(optimizer.state[p]["step"].item() == 1 for p in (a, b, c))


@pytest.mark.parametrize("kind", ["shape", "dtype", "layout", "no tensor"])
def test_bad_state_changes_nothing(kind):
    (p, optimizer), (q, _) = pair()
    optimizer.add_param_group({"params": [q]})
    run(p, optimizer, 1)
    give(q, np.ones(20))
    optimizer.step()
    optimizer.state[q]["exp_avg"] = {
        "shape": lucid.tensor(np.zeros(19)),
        "dtype": lucid.tensor(np.zeros(20, np.float32)),
        "layout": lucid.tensor(np.zeros(40))[::2],
        "no tensor": np.zeros(20),
    }[kind]
    values = numbers(p, q)
    with pytest.raises((TypeError, ValueError), match="exp_avg"):
        optimizer.step()
    assert all(np.array_equal(a, b) for a, b in zip(values, numbers(p, q), strict=True))
    assert optimizer.state[p]["step"].item() == 2


def test_read_only_parameter_is_refused():
    p = parameter(np.ones(3))
    p.data = lucid.tensor(np.ones(1, np.float32)).expand(3)
    give(p, np.ones(3))
    with pytest.raises(RuntimeError):
        Adam([p]).step()


shapes = st.lists(st.integers(0, 5), max_size=3).map(tuple)
kinds = st.sampled_from(["float32", "float64"])


@settings(max_examples=150, deadline=None)
@given(own=st.lists(st.tuples(shapes, kinds), min_size=1, max_size=4), data=st.data())
def test_any_gradient_is_refused_or_right(own, data):
    params = [parameter(np.ones(shape), kind) for shape, kind in own]
    optimizer = Adam(params, lr=0.5)
    fits = True
    for p, (shape, kind) in zip(params, own, strict=True):
        choice = data.draw(st.sampled_from(["none", "own", "own", "other"]))
        if choice == "own":
            give(p, np.ones(shape))
        elif choice == "other":
            other_shape, other_kind = data.draw(shapes), data.draw(kinds)
            p._grad = lucid.tensor(np.ones(other_shape, other_kind))
            fits = fits and (other_shape, other_kind) == (shape, kind)
    if fits:
        optimizer.step()
        for p in params:
            wanted = 1 if p.grad is None else 0.5
            np.testing.assert_allclose(p.detach().numpy(), np.full(p.shape, wanted), rtol=1e-6)
    else:
        with pytest.raises((TypeError, ValueError)):
            optimizer.step()
        assert all((p.detach().numpy() == 1).all() for p in params) and len(optimizer.state) == 0


anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.lists(st.floats(), max_size=3)
)


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(["lr", "beta1", "beta2", "betas", "eps", "weight_decay", "amsgrad", "maximize"]),
    value=anything,
)
def test_any_option_is_refused_or_used(name, value):
    p = parameter(np.ones(3), "float64")
    give(p, np.ones(3))
    optimizer = Adam([p])
    try:
        optimizer.param_groups[0][name] = value
        optimizer.step()
    except (TypeError, ValueError, OverflowError) as problem:
        assert name.rstrip("12") in str(problem).replace("betas", "beta") or name == "betas"
        assert p.tolist() == [1, 1, 1] and len(optimizer.state) == 0
    else:
        assert optimizer.state[p]["step"].item() == 1
