"""The base class: groups, state, state_dict, copies, and rules written in plain Python."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import lucid
from lucid.nn import Parameter
from lucid.optim import Adam, AdamW, Optimizer
from tests.optim.one_parameter import parameter


def give(p, gradient):
    p.grad = None if gradient is None else lucid.tensor(np.asarray(gradient, p.dtype.name))


def run(optimizer, steps, seed=0):
    random = np.random.default_rng(seed)
    for _ in range(steps):
        for group in optimizer.param_groups:
            for p in group["params"]:
                give(p, random.standard_normal(p.shape))
        optimizer.step()


def all_numbers(optimizer):
    return [p.detach().numpy().tolist() for group in optimizer.param_groups for p in group["params"]]


class Momentum(Optimizer):
    """A user's own rule, in plain Python."""

    def __init__(self, params, lr=0.1, momentum=0.5):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def step(self, closure=None):
        with lucid.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    state = self.state[p]
                    if not state:
                        state["velocity"] = lucid.tensor(np.zeros(p.shape, np.float32))
                    state["velocity"] = state["velocity"] * group["momentum"] + p.grad
                    p -= state["velocity"] * group["lr"]


# ---------------------------------------------------------------------------------------------------------------------
# Groups


def test_groups_and_defaults():
    a, b, c = (parameter(np.ones(n)) for n in (2, 3, 4))
    optimizer = Adam([{"params": [a, b], "lr": 0.5}, {"params": c, "betas": (0.1, 0.2), "mine": "kept"}], eps=1e-3)
    first, second = optimizer.param_groups
    names = ["params", "lr", "beta1", "beta2", "eps", "weight_decay", "amsgrad", "maximize"]
    assert list(first) == [*names, "decoupled_weight_decay", "eps_hat"]
    assert first["params"][0] is a and first["params"][1] is b and second["params"][0] is c
    assert first["lr"] == 0.5 and second["lr"] == 1e-3 and first["eps"] == 1e-3
    assert second["betas"] == (0.1, 0.2) and second["beta1"] == 0.1 and second["mine"] == "kept"
    assert optimizer.defaults["lr"] == 1e-3 and optimizer.defaults["betas"] == (0.9, 0.999)
    assert AdamW([a]).defaults["weight_decay"] == 1e-2 and Adam([a]).defaults["weight_decay"] == 0


def test_betas_are_a_pair():
    group = Adam([parameter([1.0])]).param_groups[0]
    group["betas"] = [0.5, 0.6]
    assert (group["beta1"], group["beta2"]) == (0.5, 0.6)
    group["beta2"] = 0.7
    assert group["betas"] == (0.5, 0.7) == group.get("betas") and "betas" in group and "betas" not in list(group)
    group.update(betas=(0.1, 0.2))
    assert group["beta1"] == 0.1
    group |= {"betas": (0.3, 0.4)}
    assert group["beta1"] == 0.3
    with pytest.raises(KeyError):
        group["beta3"]


def test_generator_of_parameters():
    params = [parameter(np.ones(2)) for _ in range(3)]
    assert len(Adam(p for p in params).param_groups[0]["params"]) == 3


def test_named_parameters():
    a, b = parameter(np.ones(2)), parameter(np.ones(3))
    optimizer = Adam([("a", a), ("b", b)])
    assert optimizer.param_groups[0]["param_names"] == ["a", "b"] and optimizer.param_groups[0]["params"][1] is b
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["a", "b"]
    b._grad = lucid.tensor(np.ones(7, np.float32))
    with pytest.raises(ValueError, match="parameter b of group 0"):
        optimizer.step()
    with pytest.raises(ValueError, match="names"):
        optimizer.add_param_group({"params": [parameter([1.0])]})
    with pytest.raises(ValueError, match="pairs"):
        Adam([("a", a), b])


def test_callers_dict_is_left_alone():
    given = {"params": (p for p in [parameter([1.0])]), "lr": 0.5}
    Adam([given])
    assert set(given) == {"params", "lr"}


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        (lambda: [], ValueError, "empty"),
        (lambda: iter([]), ValueError, "empty"),
        (lambda: parameter([1.0]), TypeError, "iterable"),
        (lambda: lucid.tensor([1.0]), TypeError, "iterable"),
        (lambda: 3, TypeError, "iterable"),
        (lambda: [1.0], TypeError, "float"),
        (lambda: ["weight"], TypeError, "str"),
        (lambda: [parameter([1.0]) * 2], ValueError, "leaves"),
        (lambda: [{"params": [parameter([1.0]) * 2]}], ValueError, "leaves"),
        (lambda: [lucid.tensor([1, 2])], TypeError, "int64"),
        (lambda: [{"lr": 0.1}], ValueError, "params"),
        (lambda: [{"params": {parameter([1.0])}}], TypeError, "order"),
        (lambda: [{"params": 5}], TypeError, "iterable"),
        (lambda: [{"params": [parameter([1.0])]}, [parameter([1.0])]], TypeError, "dict"),
        (lambda: [parameter([1.0])] * 2, ValueError, "more than once"),
        (lambda: [{"params": [p]} for p in [parameter([1.0])] * 2], ValueError, "more than once"),
    ],
)
def test_bad_parameters(params, error, words):
    with pytest.raises(error, match=words):
        Adam(params())


def test_bad_group_is_not_added():
    a, b = parameter([1.0]), parameter([1.0])
    optimizer = Adam([a])
    for bad in ({"params": [b, a]}, {"params": [b * 1]}, {"params": [b], "lr": -1}, {"params": [b, 1]}, [b]):
        with pytest.raises((TypeError, ValueError)):
            optimizer.add_param_group(bad)
        assert len(optimizer.param_groups) == 1
    optimizer.add_param_group({"params": [b]})


def test_repr():
    more = ("decoupled_weight_decay: False", "eps: 1e-08", "eps_hat: False")
    assert repr(Adam([{"params": [parameter([1.0])]}, {"params": [parameter([1.0])], "lr": 0.5}])) == "\n".join(
        [
            "Adam (",
            "Parameter Group 0",
            *(f"    {line}" for line in ("amsgrad: False", "beta1: 0.9", "beta2: 0.999", *more, "lr: 0.001")),
            "    maximize: False",
            "    weight_decay: 0",
            "",
            "Parameter Group 1",
            *(f"    {line}" for line in ("amsgrad: False", "beta1: 0.9", "beta2: 0.999", *more, "lr: 0.5")),
            "    maximize: False",
            "    weight_decay: 0",
            ")",
        ]
    )


def test_zero_grad():
    a, b = parameter([1.0, 2.0]), parameter([1.0])
    optimizer = Adam([a, b])
    give(a, [3.0, 4.0])
    gradient = a.grad
    optimizer.zero_grad(set_to_none=False)
    assert a.grad is gradient and a.grad.tolist() == [0, 0] and b.grad is None
    optimizer.zero_grad()
    assert a.grad is None


# ---------------------------------------------------------------------------------------------------------------------
# state_dict


@pytest.mark.parametrize("rule", [Adam, AdamW])
@pytest.mark.parametrize("amsgrad", [False, True])
def test_state_dict_continues_the_run(rule, amsgrad):
    starts = [np.linspace(-1, 1, n) for n in (3, 40, 5)]

    def made():
        a, b, c = (parameter(s) for s in starts)
        return rule([{"params": [a, b], "lr": 0.25}, {"params": [c], "betas": (0.5, 0.75)}], amsgrad=amsgrad)

    one, other = made(), made()
    run(one, 5)
    saved = copy.deepcopy(one.state_dict())
    for mine, theirs in zip(one.param_groups, other.param_groups, strict=True):
        for p, q in zip(mine["params"], theirs["params"], strict=True):
            q.data = lucid.tensor(p.detach().numpy().copy())
    other.load_state_dict(saved)
    run(one, 5, seed=1)
    run(other, 5, seed=1)
    assert all_numbers(one) == all_numbers(other)
    assert other.param_groups[0]["lr"] == 0.25 and other.param_groups[1]["betas"] == (0.5, 0.75)


def test_state_dict_layout():
    a, b = parameter(np.ones((2, 3))), parameter(np.ones(4))
    optimizer = Adam([{"params": [a]}, {"params": [b], "amsgrad": True}])
    assert optimizer.state_dict()["state"] == {}
    run(optimizer, 2)
    saved = optimizer.state_dict()
    assert list(saved["state"]) == [0, 1] and type(saved["state"]) is dict and type(saved["state"][0]) is dict
    assert list(saved["state"][0]) == ["step", "exp_avg", "exp_avg_sq"]
    assert list(saved["state"][1]) == ["step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"]
    assert saved["state"][0]["exp_avg"] is optimizer.state[a]["exp_avg"]
    assert saved["state"][0]["step"].shape == () and saved["state"][0]["step"].dtype is lucid.float32
    assert [g["params"] for g in saved["param_groups"]] == [[0], [1]]
    assert saved["param_groups"][0]["betas"] == (0.9, 0.999) and type(saved["param_groups"][0]) is dict


def test_loaded_state_is_a_copy_in_the_parameters_number_type():
    p, q = parameter(np.ones(4), "float64"), parameter(np.ones(4), "float32")
    one, other = Adam([p]), Adam([q])
    run(one, 2)
    other.load_state_dict(one.state_dict())
    assert other.state[q]["exp_avg"].dtype is lucid.float32 and other.state[q]["step"].item() == 2
    before = one.state[p]["exp_avg"].tolist()
    run(other, 1)
    assert one.state[p]["exp_avg"].tolist() == before and one.state[p]["step"].item() == 2


def test_state_of_pytorch():
    """Its layout, with tensors as arrays: no beta1 and beta2, options that are not ours."""
    p = parameter(np.ones(2))
    optimizer = Adam([p])
    optimizer.load_state_dict(
        {
            "state": {0: {"step": np.float32(3), "exp_avg": np.ones(2), "exp_avg_sq": np.ones(2, np.float32)}},
            "param_groups": [
                {"lr": 0.5, "betas": (0.5, 0.25), "eps": 0.1, "weight_decay": 0, "amsgrad": False, "maximize": False}
                | {"foreach": None, "fused": None, "params": [0]}
            ],
        }
    )
    group = optimizer.param_groups[0]
    assert group["betas"] == (0.5, 0.25) and group["lr"] == 0.5 and group["foreach"] is None
    give(p, np.zeros(2))
    optimizer.step()
    m, v = 0.5 / (1 - 0.5**4), 0.25 / (1 - 0.25**4)
    np.testing.assert_allclose(p.tolist(), 1 - 0.5 * m / (np.sqrt(v) + 0.1), rtol=1e-6)


def change(saved, *path, value):
    """A deep copy with one entry replaced (or, with value None, deleted)."""
    changed = copy.deepcopy(saved)
    place = changed
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("state",), None, "state"),
        (("param_groups",), None, "param_groups"),
        (("state",), [], "state"),
        (("param_groups",), [], "groups"),
        (("param_groups", 0, "params"), [0], "groups"),
        (("param_groups", 0, "params"), [0, 0], "more than once"),
        (("param_groups", 0, "params"), None, "params"),
        (("param_groups", 1, "lr"), -1.0, "lr"),
        (("param_groups", 1, "betas"), (0.9, 1.0), "beta"),
        (("param_groups", 1, "beta1"), 0.5, "contradict"),
        (("param_groups", 1, "amsgrad"), True, "max_exp_avg_sq"),
        (("state", 2, "exp_avg"), None, "exp_avg"),
        (("state", 2, "exp_avg"), np.zeros(3, np.float32), "exp_avg"),
        (("state", 2, "exp_avg"), "zeros", "exp_avg"),
        (("state", 2, "step"), np.zeros(3, np.float32), "step"),
        (("state", 2), 5, "dict"),
    ],
    ids=str,
)
def test_bad_state_dict_changes_nothing(path, value, words):
    a, b, c = (parameter(np.ones(n)) for n in (1, 2, 5))
    optimizer = Adam([{"params": [a, b]}, {"params": [c]}])
    run(optimizer, 2)
    saved = change(optimizer.state_dict(), *path, value=value)
    run(optimizer, 1)
    state = {p: {k: (x, x.tolist()) for k, x in of_p.items()} for p, of_p in optimizer.state.items()}
    groups = [dict(group) for group in optimizer.param_groups]
    with pytest.raises((TypeError, ValueError), match=words):
        optimizer.load_state_dict(saved)
    assert [dict(group) for group in optimizer.param_groups] == groups
    for p, of_p in state.items():
        for name, (x, values) in of_p.items():
            assert optimizer.state[p][name] is x and x.tolist() == values


def test_state_dict_of_another_rule():
    p = parameter(np.ones(3))
    own = Momentum([p])
    run(own, 1)
    with pytest.raises(ValueError, match="another rule"):
        Adam([p]).load_state_dict(own.state_dict())


# ---------------------------------------------------------------------------------------------------------------------
# Copies


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("rule", [Adam, Momentum])
def test_copy_goes_its_own_way(copied, rule):
    optimizer = rule([parameter(np.linspace(-1, 1, 10)), parameter(np.ones(3))])
    run(optimizer, 3)
    twin = copied(optimizer)
    before = all_numbers(optimizer)
    run(twin, 2, seed=1)
    assert all_numbers(optimizer) == before != all_numbers(twin)
    run(optimizer, 2, seed=1)
    assert all_numbers(optimizer) == all_numbers(twin)
    twin.param_groups[0]["lr"] = 0.0
    assert optimizer.param_groups[0]["lr"] != 0


# ---------------------------------------------------------------------------------------------------------------------
# A rule in plain Python


def test_own_rule():
    p = parameter([1.0])
    optimizer = Momentum([{"params": [p], "lr": 0.5}])
    for wanted in (0.5, -0.25, -1.125):
        give(p, [1.0])
        optimizer.step()
        assert p.tolist() == [wanted]
    assert optimizer.state_dict()["state"][0]["velocity"].tolist() == [1.75]
    other = Momentum([p])
    other.load_state_dict(optimizer.state_dict())
    assert other.param_groups[0]["lr"] == 0.5 and other.state[p]["velocity"].tolist() == [1.75]


def test_base_class_has_no_rule():
    with pytest.raises(NotImplementedError, match="Optimizer"):
        Optimizer([parameter([1.0])], {}).step()


def test_state_is_made_when_asked_for():
    p = parameter([1.0])
    optimizer = Optimizer([p], {})
    assert (
        p not in optimizer.state
        and optimizer.state.get(p) is None
        and optimizer.state[p] == {}
        and p in optimizer.state
    )


# ---------------------------------------------------------------------------------------------------------------------
# Gradients given to step, sums of gradients, options of all optimizers


def named_pair():
    a, b = parameter([1.0]), parameter([2.0])
    return a, b, lucid.optim.SGD({"a": a, "b": b}, lr=1.0)


@pytest.mark.parametrize(
    ("grads", "error", "words"),
    [
        ([1.0], TypeError, "gradient 0 must be a tensor"),
        ("one", ValueError, "1 gradients, but there are 2 parameters"),
        ("tensor", TypeError, "not one tensor"),
        ({"c": None}, ValueError, "no parameter has this name"),
        ("wrong shape", ValueError, "parameter b of group 0"),
        ("wrong type", TypeError, "parameter b of group 0"),
    ],
)
def test_bad_gradients_given_to_step(grads, error, words):
    one = lucid.ones(1)
    shapes = {
        "one": [one],
        "tensor": one,
        "wrong shape": [one, lucid.ones(2)],
        "wrong type": [one, one.double()],
    }
    a, b, optimizer = named_pair()
    given = shapes[grads] if isinstance(grads, str) else grads * 2 if isinstance(grads, list) else grads
    with pytest.raises(error, match=words):
        optimizer.step(grads=given)
    assert a.item() == 1 and b.item() == 2


def test_names_of_gradients_must_be_clear():
    a, b, optimizer = named_pair()
    optimizer.add_param_group({"params": [("a", parameter([5.0]))]})
    with pytest.raises(ValueError, match="several parameters have this name"):
        optimizer.step(grads={"a": lucid.ones(1)})
    optimizer.step(grads={"b": np.ones(1, np.float32)})
    assert a.item() == 1 and b.item() == 1
    with pytest.raises(ValueError, match="have no names"):
        Adam([parameter([1.0])]).step(grads={"a": lucid.ones(1)})


def test_sum_of_gradients():
    """Three rounds of y = x + 1 from x = 1, twice, under SGD(lr=0.1), end at 0.4."""
    x = Parameter(lucid.tensor(1.0, dtype=lucid.float64))
    optimizer = lucid.optim.SGD([x], lr=0.1)
    for _ in range(2):
        for _ in range(3):
            (x + 1).backward()
            optimizer.sum_grad()
            assert x.grad is None
        optimizer.step()
    assert abs(x.item() - 0.4) < 1e-15


def test_gradient_that_is_there_counts_with_the_sum():
    x = parameter([0.0])
    optimizer = lucid.optim.SGD([x], lr=1.0)
    (2 * x).sum().backward()
    optimizer.sum_grad()
    (3 * x).sum().backward()
    with pytest.raises(RuntimeError, match="sum_grad"):
        optimizer.step(grads=[lucid.ones(1)])
    optimizer.param_groups[0]["lr"] = -1
    with pytest.raises(ValueError):
        optimizer.step()
    optimizer.param_groups[0]["lr"] = 1.0
    optimizer.step()
    assert x.item() == -5 and x.grad.item() == 3
    optimizer.zero_grad()
    optimizer.step()
    assert x.item() == -5


def test_sum_grad_refuses_what_does_not_fit():
    x = parameter([0.0])
    optimizer = lucid.optim.SGD([x], lr=1.0)
    x._grad = lucid.ones(2)
    with pytest.raises(ValueError, match="sum_grad"):
        optimizer.sum_grad()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"grad_clip_norm": -1}, ValueError),
        ({"grad_clip_norm": "1"}, TypeError),
        ({"grad_clip_value": -0.5}, ValueError),
        ({"grad_clip_value": float("nan")}, ValueError),
        ({"grad_scale": 0}, ValueError),
        ({"grad_scale": float("inf")}, ValueError),
        ({"error_if_nonfinite": "yes"}, TypeError),
        ({"differentiable": True}, ValueError),
        ({"capturable": True}, ValueError),
        ({"momentom": 1}, TypeError),
        ({"beta1": 1.0}, ValueError),
    ],
    ids=str,
)
def test_bad_option_of_all_optimizers(options, error):
    with pytest.raises(error):
        Adam([parameter([1.0])], **options)


def test_beta1_and_beta2_override_betas():
    group = Adam([parameter([1.0])], betas=(0.1, 0.2), beta2=0.7, fused=True, foreach=None).param_groups[0]
    assert group["betas"] == (0.1, 0.7)
    with pytest.raises(TypeError, match="rules that have betas"):
        lucid.optim.SGD([parameter([1.0])], beta1=0.5)


def test_gradient_options_may_change():
    x = parameter([0.0])
    optimizer = lucid.optim.SGD([x], lr=1.0)
    for name, value, moved in [
        ("grad_scale", 2.0, -2.0),
        ("grad_clip_value", 0.5, -2.5),
        ("grad_clip_norm", 0.25, -2.75),
    ]:
        setattr(optimizer, name, value)
        x.grad = lucid.tensor([4.0])
        optimizer.step()
        assert abs(x.item() - moved) < 1e-6
    optimizer.grad_clip_norm = optimizer.grad_clip_value = None
    with pytest.raises(ValueError):
        optimizer.grad_clip_norm = -1
    assert optimizer.grad_clip_norm is None
    optimizer.step()
    assert abs(x.item() + 4.75) < 1e-6


def test_a_schedule_as_lr_with_late_groups():
    schedule = lucid.optim.StepLR(base_lr=0.5, step_size=1, gamma=0.5)
    optimizer = Adam(lr=schedule)
    optimizer.add_param_group({"params": [parameter([1.0])]})
    assert schedule.optimizer is optimizer and optimizer.param_groups[0]["initial_lr"] == 0.5
    optimizer.step()
    schedule.step()
    optimizer.register_trainable_weights([{"params": [parameter([1.0])], "lr": 0.1}])
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.05]
    with pytest.raises(TypeError, match="for the whole optimizer"):
        Adam([{"params": [parameter([1.0])], "lr": lucid.optim.StepLR(step_size=1)}])
    with pytest.raises(ValueError):
        Adam([parameter([1.0])], lr=schedule)
