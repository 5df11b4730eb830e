"""Update rules as functions: the bits of the class for every rule, and nothing given is changed."""

from __future__ import annotations

import collections
import copy
import inspect
import math
import pickle
import runpy
import threading
from pathlib import Path

import numpy as np
import pytest

import lucid
from lucid.nn import Parameter
from lucid.optim import functional
from lucid.optim.engine_optimizer import EngineOptimizer

RULES = runpy.run_path(str(Path(__file__).with_name("record_torch_trajectories.py")))["RULES"]
CASES = [
    (name, options) for name, rule in RULES.items() for options in [*rule.get("torch", []), *rule.get("other", [])]
]
SHAPES = ((3, 5), (17,), (), (0, 4), (70,), (2, 3, 4))
GRADIENT_OPTIONS = {"grad_scale": 0.5, "grad_clip_norm": 2.0, "grad_clip_value": 0.25}

every_case = pytest.mark.parametrize(("name", "options"), CASES, ids=str)
every_rule = pytest.mark.parametrize("name", RULES)


def form(name):
    return getattr(functional, name.lower())


def drawn(name, kinds=("float32",), steps=7, seed=0):
    """Starts, and gradients of so many steps. The second parameter has none at every third step, the third none at the
    first two; the fourth never has one."""
    random = np.random.default_rng(seed)
    shapes = RULES[name].get("shapes", SHAPES)
    starts = [random.standard_normal(s).astype(kinds[i % len(kinds)]) for i, s in enumerate(shapes)]

    def gradient(i, t):
        if (i == 1 and t % 3 == 2) or (i == 2 and t < 2) or i == 3:
            return None
        return np.asarray(random.standard_normal(shapes[i]) * 10.0 ** random.integers(-2, 2), starts[i].dtype)

    return starts, [[gradient(i, t) for i in range(len(shapes))] for t in range(steps)]


def tensors(arrays):
    return [None if x is None else lucid.tensor(np.asarray(x)) for x in arrays]


def class_run(name, options, starts, steps, lrs=None):
    """The class: its parameters and its state after the steps."""
    params = [Parameter(x) for x in tensors(starts)]
    optimizer = getattr(lucid.optim, name)(params, **options)
    for t, gradients in enumerate(steps):
        if lrs is not None:
            optimizer.param_groups[0]["lr"] = lrs[t]
        optimizer.step(grads=tensors(gradients))
    return params, optimizer


def assert_same(new, state, params, optimizer):
    for i, (mine, p) in enumerate(zip(new, params, strict=True)):
        assert mine.dtype is p.dtype and mine.shape == p.shape
        assert mine.detach().numpy().tobytes() == p.detach().numpy().tobytes(), i
        theirs = optimizer.state.get(p, {})
        names = set(state) - {"count", "fresh"}
        assert state["fresh"][i] == (not theirs) or not names
        for key in theirs:
            value = state[key][i]
            if isinstance(value, float):
                assert value == theirs[key].item(), key
            else:
                assert value.numpy().tobytes() == theirs[key].numpy().tobytes(), key


@every_case
@pytest.mark.parametrize("kinds", [("float32",), ("float64",), ("float32", "float64")], ids=["f32", "f64", "mixed"])
def test_the_bits_of_the_class(name, options, kinds):
    starts, steps = drawn(name, kinds)
    params, state = tensors(starts), None
    rule = form(name)(**options)
    state = rule.init(params)
    for gradients in steps:
        params, state = rule.update(tensors(gradients), state, params)
    assert state["count"] == len(steps)
    assert_same(params, state, *class_run(name, options, starts, steps))


@every_rule
def test_gradient_options_and_a_rate_for_each_update(name, simd_level):
    starts, steps = drawn(name)
    has_lr = "lr" in inspect.signature(getattr(lucid.optim, name)).parameters
    lrs = [0.02, 0.5, 0.01, 0.25, 0.03, 0.125, 0.0625] if has_lr else None
    found = []
    for way in ("per call", "schedule", "tensor", "schedule per call") if has_lr else ("",):
        first = {"lr": lambda count: lrs[count]} if way == "schedule" else {}
        rule = form(name)(**GRADIENT_OPTIONS, **first)
        params = tensors(starts)
        state = rule.init(params)
        for t, gradients in enumerate(steps):
            lr = {
                "per call": lambda t: lrs[t],
                "tensor": lambda t: lucid.tensor(lrs[t], dtype=lucid.float64),
                "schedule per call": lambda t: lambda count: lrs[count],
            }.get(way, lambda t: None)(t)
            params, state = rule.update(tensors(gradients), state, params, lr=lr)
        found.append((params, state))
    expected = class_run(name, GRADIENT_OPTIONS, starts, steps, lrs)
    for params, state in found:
        assert_same(params, state, *expected)


@every_rule
def test_nothing_given_is_changed_and_no_memory_is_shared(name):
    starts, steps = drawn(name, ("float32", "float64"), 3)
    params = tensors(starts)
    rule = form(name)(**GRADIENT_OPTIONS)
    state = rule.init(params)
    for gradients in steps:
        given = params, state, tensors(gradients)
        before = copy.deepcopy(given)
        versions = [x._version for x in arrays_of(given)]
        params, state = rule.update(given[2], given[1], given[0])
        assert str(before) == str(given) and versions == [x._version for x in arrays_of(given)]
        for x, y in zip(arrays_of(given), arrays_of(before), strict=True):
            assert x.numpy().tobytes() == y.numpy().tobytes()
        olds = [x.numpy() for x in arrays_of(given)]
        news = arrays_of((params, state))
        assert not any(np.may_share_memory(x.numpy(), y) for x in news for y in olds if y.size)
        for x in news:  # nor with each other: a change to one leaves the others
            assert sum(np.may_share_memory(x.numpy(), y.numpy()) for y in news) <= 1


def arrays_of(tree):
    if isinstance(tree, lucid.Tensor):
        return [tree]
    if isinstance(tree, (list, tuple, dict)):
        return [x for y in (tree.values() if isinstance(tree, dict) else tree) for x in arrays_of(y)]
    return []


@every_rule
def test_the_same_update_twice_gives_the_same(name):
    """Whatever was computed in between: there is no hidden state."""
    starts, steps = drawn(name, steps=3)
    rule, other = form(name)(), form(name)()
    params = tensors(starts)
    state = rule.init(params)
    kept = []
    for gradients in steps:
        kept.append((tensors(gradients), state, params))
        params, state = rule.update(*kept[-1])
    for i in (2, 0, 1, 0):
        rule.update(*kept[2], **({"lr": 0.7} if "lr" in inspect.signature(form(name)).parameters else {}))
        again, fresh = rule.update(*kept[i]), other.update(*kept[i])
        wanted = (kept[i + 1][2], kept[i + 1][1]) if i < 2 else (params, state)
        for found in (again, fresh):
            assert str(found) == str(wanted)
            for x, y in zip(arrays_of(found), arrays_of(wanted), strict=True):
                assert x.numpy().tobytes() == y.numpy().tobytes()
    assert str(rule.init(tensors(starts))) == str(form(name)().init(tensors(starts)))


@every_rule
def test_a_saved_state_continues_the_run(name, tmp_path):
    starts, steps = drawn(name)
    rule = form(name)()
    params = tensors(starts)
    state = rule.init(params)
    for t, gradients in enumerate(steps):
        if t == 3:
            lucid.save({"params": params, "state": state}, tmp_path / "run.lucid")
            loaded = lucid.load(tmp_path / "run.lucid")
            params, state = loaded["params"], loaded["state"]
            rule = pickle.loads(pickle.dumps(rule))
        params, state = rule.update(tensors(gradients), state, params)
    assert_same(params, state, *class_run(name, {}, starts, steps))


# ---------------------------------------------------------------------------------------------------------------------
# Every rule is there


def every_class():
    exported = (getattr(lucid.optim, name) for name in lucid.optim.__all__)
    return [x for x in exported if isinstance(x, type) and issubclass(x, EngineOptimizer)]


@pytest.mark.parametrize("rule", every_class(), ids=lambda rule: rule.__name__)
def test_every_class_has_its_documented_function(rule):
    name = rule.__name__.lower()
    function = getattr(functional, name)
    assert name in dir(functional) and function is getattr(functional, name)
    assert function.__name__ == name and rule.__name__ in function.__doc__
    assert inspect.getdoc(rule).splitlines()[0] in function.__doc__
    of_class, mine = inspect.signature(rule).parameters, inspect.signature(function).parameters
    assert list(of_class) == ["params", *mine]
    assert all(mine[key] == of_class[key] for key in mine)
    made = function()
    assert repr(made) == f"{name}()" and isinstance(made, functional.FunctionalRule)
    state = made.init([lucid.ones(2, 2)])
    assert list(state)[:2] == ["count", "fresh"] and state["count"] == 0 and state["fresh"] == [True]
    assert not {"count", "fresh", "params", "grads"} & set(rule.state_fields), "names that the state has already"


def test_a_rule_of_your_own_has_its_function():
    class QuickSGD(lucid.optim.SGD):
        """Fast."""

    rule = functional.functional_form(QuickSGD)(0.5)
    params, _ = rule.update([lucid.ones(1)], rule.init([lucid.ones(1)]), [lucid.ones(1)])
    assert params[0].item() == 0.5 and repr(rule) == "quicksgd(lr=0.5)"
    for name in ("quicksgd", "nothing"):
        with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
            getattr(functional, name)


def test_many_shapes():
    rule = functional.sgd(lr=1.0, momentum=0.5)
    for n in [*range(functional.MOST_PLANS + 5), 3, 0]:
        params = [lucid.ones(n)]
        new, _ = rule.update(params, rule.init(params), params)
        assert new[0].tolist() == [0.0] * n and len(rule._plans) <= functional.MOST_PLANS


def test_other_classes_are_refused():
    for bad in (lucid.optim.Optimizer, "adam", len):
        with pytest.raises(TypeError, match="functional_form"):
            functional.functional_form(bad)


# ---------------------------------------------------------------------------------------------------------------------
# Structures


Pair = collections.namedtuple("Pair", "weight bias")


def test_structures():
    leaves = [lucid.full((2,), float(i)) for i in range(1, 8)]
    params = {
        "layers": [Pair(leaves[0], leaves[1]), (leaves[2],), [], {}],
        "head": collections.OrderedDict(w=leaves[3], b=[leaves[4], {"x": leaves[5]}]),
        7: leaves[6],
    }
    rule = functional.sgd(lr=1.0, momentum=0.5)
    state = rule.init(params)
    reordered = {key: params[key] for key in (7, "head", "layers")}  # keys count, not their order
    reordered["head"] = {"b": params["head"]["b"], "w": params["head"]["w"]}
    new, state = rule.update(reordered, state, params)
    assert list(new) == list(params) and all(x.tolist() == [0.0, 0.0] for x in arrays_of(new))
    assert type(new["layers"][0]) is Pair and type(new["layers"][1]) is tuple and new["layers"][2:] == [[], {}]
    assert type(new["head"]) is collections.OrderedDict and list(new["head"]) == ["w", "b"]
    assert str(state["momentum_buffer"]) == str(params)
    assert state["fresh"]["head"]["b"] == [False, {"x": False}]
    state["momentum_buffer"]["layers"][0] = list(state["momentum_buffer"]["layers"][0])  # as some formats load it
    again, _ = rule.update(reordered, state, new)
    assert [x.tolist()[0] for x in arrays_of(again)] == [-1.5 * i for i in range(1, 8)]
    alone, state = rule.update(lucid.ones(2), rule.init(lucid.ones(2)), lucid.ones(2))
    assert alone.tolist() == [0, 0] and state["fresh"] is False


def test_parameters_stay_parameters_and_leaves():
    model = lucid.nn.Linear(2, 3)
    params = dict(model.named_parameters())
    rule = functional.adam()
    x = lucid.ones(2, requires_grad=True)
    given = {**params, "plain": lucid.ones(2), "leaf": x, "result": x * 2}
    new, state = rule.update({key: lucid.ones(p.shape) for key, p in given.items()}, rule.init(given), given)
    assert type(new["weight"]) is Parameter and type(new["plain"]) is lucid.Tensor
    assert [new[key].requires_grad for key in ("weight", "plain", "leaf", "result")] == [True, False, True, True]
    assert all(p.is_leaf for p in new.values())
    assert not any(s.requires_grad for s in arrays_of(state))


def test_a_training_loop():
    x, y = lucid.randn(64, 3), lucid.tensor([[1.0], [-2.0], [0.5]])
    target = x @ y
    params = {"w": lucid.zeros(3, 1, requires_grad=True)}
    rule = functional.adam(lr=0.1)
    state = rule.init(params)
    for _ in range(300):
        loss = ((x @ params["w"] - target) ** 2).mean()
        (gradient,) = lucid.autograd.grad(loss, [params["w"]])
        params, state = rule.update({"w": gradient}, state, params)
    np.testing.assert_allclose(params["w"].detach().numpy(), y.numpy(), atol=1e-3)


def test_values_of_any_layout():
    start, gradient = np.arange(12.0).reshape(3, 4), np.cos(np.arange(12.0)).reshape(3, 4)
    rule = functional.adam(lr=0.1)
    plain, turned = [lucid.tensor(start)], [lucid.tensor(start.T.copy()).T]
    first = rule.update([lucid.tensor(gradient)], rule.init(plain), plain)
    state = rule.init(turned)
    state["exp_avg"] = [lucid.zeros(4, 3, dtype=lucid.float64).T]
    second = rule.update([lucid.tensor(gradient.T.copy()).T], state, turned)
    assert first[0][0].tolist() == second[0][0].tolist() and second[0][0].is_contiguous()
    (third,), _ = functional.sgd(lr=1.0).update(
        [lucid.ones(1).expand(3)], {"count": 0, "fresh": [True]}, [lucid.ones(3)]
    )
    assert third.tolist() == [0, 0, 0]


def test_large_parameters_and_threads(both_thread_counts):
    starts = [np.random.default_rng(i).standard_normal(n).astype(np.float32) for i, n in enumerate((300_001, 7, 5000))]

    def run():
        params = tensors(starts)
        rule = functional.adamw(grad_clip_norm=1.0)
        state = rule.init(params)
        for _ in range(3):
            params, state = rule.update(tensors(starts), state, params)
        return np.concatenate([p.numpy() for p in params])

    found = both_thread_counts(run)
    theirs, _ = class_run("AdamW", {"grad_clip_norm": 1.0}, starts, [starts] * 3)
    assert found.tobytes() == np.concatenate([p.detach().numpy() for p in theirs]).tobytes()


def test_one_rule_in_several_threads():
    rule = functional.adam(lr=0.1)
    found = {}

    def run(seed):
        params = [lucid.full((1000,), float(seed))]
        state = rule.init(params)
        for _ in range(50):
            params, state = rule.update(params, state, params)
        found[seed] = params[0].numpy().tobytes()

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = dict(found)
    for seed in range(1, 7):
        run(seed)
    assert together == found


def test_the_shapes_it_has_met_hold_no_memory():
    rule = functional.adam()
    params = [lucid.ones(4, 4)]
    before = params[0].array
    state = rule.init(params)
    new, state = rule.update(params, state, params)
    plan = next(iter(rule._plans.values()))
    assert plan.group["params"] == [] and all(part.made == [] and part.group.params == [] for part in plan.parts)
    assert not np.shares_memory(before, new[0].numpy())


# ---------------------------------------------------------------------------------------------------------------------
# What is refused


def test_options_are_refused_at_once():
    for call, error, message in (
        (lambda: functional.adam(lr=-1.0), ValueError, "lr must not be negative"),
        (lambda: functional.adam(lr=lambda count: -1.0), ValueError, "lr must not be negative"),
        (lambda: functional.adam(rate=1.0), TypeError, "rate"),
        (lambda: functional.adam(0.1, lr=0.1), TypeError, "multiple values"),
        (lambda: functional.sgd(nesterov=True), ValueError, "nesterov"),
        (lambda: functional.sgd(beta1=0.5), TypeError, "betas"),
        (lambda: functional.adam(grad_clip_norm=-1.0), ValueError, "grad_clip_norm"),
    ):
        with pytest.raises(error, match=message):
            call()


def test_what_does_not_fit_is_refused_by_its_place():
    rule = functional.adam()
    params = {"w": [lucid.ones(2), lucid.ones(3)], "b": lucid.ones(1)}
    state = rule.init(params)
    good = {"w": [lucid.ones(2), None], "b": lucid.ones(1)}

    def grads(**changes):
        return {**good, **changes}

    def changed(name, value):
        return {**state, name: value}

    for gradients, of_state, error, message in (
        (
            grads(b=lucid.ones(2)),
            state,
            ValueError,
            r"adam.update: grads\['b'\] must be a lucid.float32 tensor of shape",
        ),
        (grads(b=lucid.ones(1).double()), state, TypeError, r"grads\['b'\] must be a lucid.float32"),
        (grads(w=[lucid.ones(2), 3.0]), state, TypeError, r"grads\['w'\]\[1\] must be"),
        (grads(w=[lucid.ones(2)]), state, ValueError, r"grads\['w'\] must be a list or tuple of 2 as params, got 1"),
        (grads(w=lucid.ones(2)), state, ValueError, r"grads\['w'\] must be a list or tuple of 2"),
        (grads(c=None), state, ValueError, r"grads must be a dict of \['w', 'b'\] as params, got \['w', 'b', 'c'\]"),
        ([None] * 3, state, ValueError, "grads must be a dict"),
        (good, changed("exp_avg", good), TypeError, r"state\['exp_avg'\]\['w'\]\[1\] must be a lucid.float32 tensor"),
        (
            good,
            changed("step", {"w": [0.0, "a"], "b": 0.0}),
            TypeError,
            r"state\['step'\]\['w'\]\[1\] must be a number",
        ),
        (good, changed("fresh", [True]), ValueError, r"state\['fresh'\] must be a dict"),
        (good, {"count": 0}, ValueError, "state must be a dict of .*'exp_avg'.*, got .'count'."),
        (good, functional.sgd().init(params), ValueError, "state must be a dict of"),
        (good, None, ValueError, "state must be a dict of"),
    ):
        with pytest.raises(error, match=message):
            rule.update(gradients, of_state, params)
    for bad in (lucid.tensor([1, 2]), [], {}, [[]], "w", [1.0], None, [lucid.ones(1), [None]]):
        with pytest.raises((TypeError, ValueError), match="[Aa]dam"):
            rule.init(bad)
    for lr, error in ((-1.0, ValueError), ("a", TypeError), (math.nan, ValueError)):
        with pytest.raises(error, match="lr"):
            rule.update(good, state, params, lr=lr)
    new, _ = rule.update(good, state, params)
    assert new["b"].item() == pytest.approx(1 - 1e-3)


def test_gradients_that_are_not_finite():
    rule = functional.adam(error_if_nonfinite=True)
    params = [lucid.ones(2), [lucid.ones(2, dtype=lucid.float64)]]
    bad = [lucid.ones(2), [lucid.tensor([1.0, math.nan], dtype=lucid.float64)]]
    with pytest.raises(RuntimeError, match=r"adam.update: grads\[1\]\[0\] has NaN or infinity"):
        rule.update(bad, rule.init(params), params)
    new, _ = functional.adam().update(bad, rule.init(params), params)
    assert np.isnan(new[1][0].numpy()).tolist() == [False, True]
