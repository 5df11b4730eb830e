"""Lookahead around other optimizers, against its paper in NumPy float64."""

from __future__ import annotations

import copy
import pickle
import runpy
from pathlib import Path

import numpy as np
import pytest

import lucid
from lucid.nn import Parameter
from lucid.optim import SGD, Adam, Lookahead

TRANSCRIPTIONS = {
    name: rule["transcription"]
    for path in Path(__file__).with_name("rules").glob("*.py")
    for name, rule in runpy.run_path(str(path))["RULES"].items()
}
SHAPES = ((3, 5), (17,), (), (70_000,))


def parameters(kind, seed=0):
    random = np.random.default_rng(seed)
    return [Parameter(lucid.tensor(random.standard_normal(s).astype(kind))) for s in SHAPES]


def gradients(step, kind):
    random = np.random.default_rng(100 + step)
    return [random.standard_normal(s).astype(kind) for s in SHAPES]


def give(params, values):
    for p, g in zip(params, values, strict=True):
        p.grad = lucid.tensor(g)


def values(params):
    return np.concatenate([p.detach().numpy().reshape(-1) for p in params])


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize(("inner", "options"), [("SGD", {"momentum": 0.9, "lr": 0.05}), ("Adam", {"lr": 0.1})])
@pytest.mark.parametrize(("k", "alpha"), [(5, 0.5), (1, 0.8), (3, 0.0), (2, 1.0)])
def test_formula(kind, inner, options, k, alpha, simd_level, both_thread_counts):
    expected = [TRANSCRIPTIONS[inner](p.detach().numpy(), **options) for p in parameters(kind)]
    slow = [e.p for e in expected]

    def compute():
        params = parameters(kind)
        optimizer = Lookahead(getattr(lucid.optim, inner)(params, **options), k=k, alpha=alpha)
        for t in range(11):
            give(params, gradients(t, kind))
            optimizer.step()
        return values(params)

    found = both_thread_counts(compute)
    for t in range(11):
        for i, (e, g) in enumerate(zip(expected, gradients(t, kind), strict=True)):
            e.step(g.astype(np.float64))
            if (t + 1) % k == 0:
                slow[i] = e.p = slow[i] + alpha * (e.p - slow[i])
    tolerance = 1e-12 if kind == "float64" else 2e-5
    wanted = np.concatenate([e.p.reshape(-1) for e in expected])
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


def run(optimizer, steps):
    params = [p for group in optimizer.param_groups for p in group["params"]]
    for t in steps:
        give(params, gradients(t, "float32"))
        optimizer.step()
    return values(params).tobytes()


@pytest.mark.parametrize("way", ["state_dict", "pickle", "deepcopy"])
def test_continues_the_run(way):
    whole = Lookahead(Adam(parameters("float32"), lr=0.1), k=3)
    run(whole, range(4))
    if way == "state_dict":
        params = parameters("float32", seed=1)
        for p, q in zip(params, [p for g in whole.param_groups for p in g["params"]], strict=True):
            p.data = q.detach().clone()
        other = Lookahead(Adam(params), k=7)
        other.load_state_dict(whole.state_dict())
        assert other.k == 3
    else:
        other = pickle.loads(pickle.dumps(whole)) if way == "pickle" else copy.deepcopy(whole)
    assert run(whole, range(4, 9)) == run(other, range(4, 9))


def test_state_of_the_optimizer_inside_alone_can_be_loaded():
    params = parameters("float32")
    optimizer = Lookahead(SGD(params, lr=0.1, momentum=0.5), k=2)
    run(optimizer, range(3))
    optimizer.load_state_dict(SGD(parameters("float32"), lr=0.25, momentum=0.5).state_dict())
    assert optimizer.param_groups[0]["lr"] == 0.25
    assert optimizer.state_dict()["lookahead"]["slow_param"] == {}


def test_state_that_does_not_fit_changes_nothing():
    params = parameters("float32")
    optimizer = Lookahead(SGD(params, lr=0.1), k=2)
    run(optimizer, range(1))
    good = optimizer.state_dict()
    for bad in ({"k": 0}, {"alpha": 2}, {"slow_param": {0: lucid.zeros(3)}}):
        with pytest.raises((ValueError, TypeError)):
            optimizer.load_state_dict({**good, "lookahead": {**good["lookahead"], **bad}})
        assert optimizer.k == 2 and len(optimizer.state_dict()["lookahead"]["slow_param"]) == len(params)


def test_group_added_later_and_parameters_without_gradient():
    first, late = Parameter(lucid.zeros(3)), Parameter(lucid.zeros(2))
    optimizer = Lookahead(SGD(None, lr=1.0), k=2, alpha=0.5)
    optimizer.register_trainable_weights([first])
    first.grad = lucid.ones(3)
    optimizer.step()
    optimizer.add_param_group({"params": [late]})
    optimizer.step()
    assert first.tolist() == [-1.0] * 3 and late.tolist() == [0.0] * 2
    late.grad = lucid.ones(2)
    optimizer.step()
    optimizer.step()
    assert first.tolist() == [-2.0] * 3 and late.tolist() == [-1.0] * 2


def test_options_go_to_the_optimizer_inside():
    w = Parameter(lucid.zeros(1))
    inner = SGD([w], lr=1.0)
    optimizer = Lookahead(inner)
    optimizer.param_groups[0]["lr"] = 0.5
    called = []
    optimizer.register_step_post_hook(lambda *_: called.append(1))
    optimizer.step(grads=[lucid.ones(1)])
    assert w.item() == -0.5 and called == [1] and inner.param_groups is optimizer.param_groups
    assert optimizer.step(lambda: lucid.tensor(3.0)).item() == 3.0


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"k": 0}, ValueError),
        ({"k": 1.5}, ValueError),
        ({"alpha": -0.1}, ValueError),
        ({"alpha": 1.1}, ValueError),
        ({"alpha": "half"}, TypeError),
        ({"optimizer": [1]}, TypeError),
    ],
)
def test_bad_arguments(arguments, error):
    with pytest.raises(error):
        Lookahead(**{"optimizer": SGD([Parameter(lucid.zeros(1))]), **arguments})
