"""Adam and AdamW: against the formulas in NumPy, PyTorch's recorded trajectories, and what a step may not do."""

from __future__ import annotations

import copy
import gc
import runpy
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lucid
from lucid._engine import ffi, lib
from lucid.nn import Parameter
from lucid.optim import Adam, AdamW

RECORD = runpy.run_path(str(Path(__file__).with_name("record_torch_trajectories.py")))
TORCH = np.load(RECORD["FILE"])
KINDS = {"float32": lucid.float32, "float64": lucid.float64}
LEVELS = [i for i in range(8) if lib.simd_level_name(i) != ffi.NULL]


def parameter(values, kind="float32"):
    return Parameter(lucid.tensor(np.asarray(values, kind)))


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


class Transcription:
    """The formulas of the issue, in NumPy float64."""

    def __init__(
        self, start, decoupled, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=None, amsgrad=False, maximize=False
    ):
        self.p = np.array(start, np.float64)
        self.m, self.v, self.largest = np.zeros((3, *self.p.shape))
        self.t = 0
        self.lr, (self.beta1, self.beta2), self.eps = lr, betas, eps
        self.weight_decay = (1e-2 if decoupled else 0) if weight_decay is None else weight_decay
        self.decoupled, self.amsgrad, self.maximize = decoupled, amsgrad, maximize

    def step(self, gradient):
        g = np.asarray(gradient, np.float64) * (-1 if self.maximize else 1)
        self.t += 1
        if self.decoupled:
            self.p = self.p - self.lr * self.weight_decay * self.p
        elif self.weight_decay:
            g = g + self.weight_decay * self.p
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        self.largest = np.maximum(self.largest, self.v)
        v = self.largest if self.amsgrad else self.v
        m_hat, v_hat = self.m / (1 - self.beta1**self.t), v / (1 - self.beta2**self.t)
        self.p = self.p - self.lr * m_hat / (np.sqrt(v_hat) + self.eps)


def recorded_run(case, kind):
    """Both parameters after each checkpoint, and the optimizer at the end."""
    name, options = RECORD["CASES"][case]
    params = [parameter(RECORD["start"](i), kind) for i in range(2)]
    optimizer = getattr(lucid.optim, name)(params, **options)
    seen = []
    for t in range(1, RECORD["STEPS"] + 1):
        for i, p in enumerate(params):
            give(p, RECORD["gradient"](i, t))
        optimizer.step()
        if t in RECORD["CHECKPOINTS"]:
            seen.append(np.concatenate(numbers(*params)))
    return seen, params, optimizer


@pytest.mark.parametrize("case", RECORD["CASES"])
def test_recorded_trajectories_in_float64(case):
    seen, params, optimizer = recorded_run(case, "float64")
    for mine, theirs in zip(seen, TORCH[f"{case}/float64"], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-13)
    for name in optimizer.state[params[0]]:
        mine = np.concatenate([np.atleast_1d(optimizer.state[p][name].numpy()) for p in params])
        np.testing.assert_allclose(mine, TORCH[f"{case}/{name}"], rtol=1e-11, atol=1e-300)
        assert optimizer.state[params[0]][name].dtype is (lucid.float32 if name == "step" else lucid.float64)


@pytest.mark.parametrize("case", RECORD["CASES"])
@pytest.mark.parametrize("level", LEVELS)
def test_float32_error_is_not_larger_than_torch(case, level):
    """After 1,000 steps, against float64, over all numbers of the case: ours ≤ PyTorch's plain and fused loops."""
    exact = TORCH[f"{case}/float64"][-1]

    def error(x):
        return np.sqrt(np.mean((x.astype(np.float64) - exact) ** 2))

    before = lib.simd_level()
    lib.set_simd_level(level)
    try:
        mine = recorded_run(case, "float32")[0][-1]
    finally:
        lib.set_simd_level(before)
    assert error(mine) <= min(error(TORCH[f"{case}/float32"]), error(TORCH[f"{case}/float32_fused"]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", [Adam, AdamW])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.1, "betas": (0.5, 0.6), "eps": 1e-2},
        {"weight_decay": 0.3},
        {"amsgrad": True},
        {"maximize": True},
        {"betas": (0.0, 0.0)},
        {"lr": 0.0},
        {"amsgrad": True, "maximize": True, "weight_decay": 0.03, "lr": 3e-3},
    ],
    ids=str,
)
def test_formulas_over_1000_steps(rule, options, kind):
    random = np.random.default_rng(0)
    starts = [random.standard_normal(s) for s in ((3, 5), (), (0, 4), (70,))]
    params = [parameter(s, kind) for s in starts]
    optimizer = rule(params, **options)
    expected = [Transcription(p.detach().numpy(), rule is AdamW, **options) for p in params]
    for _ in range(1000):
        for p, e in zip(params, expected, strict=True):
            gradient = (random.standard_normal(e.p.shape) + 0.3).astype(kind)
            give(p, gradient)
            e.step(gradient)
        optimizer.step()
    tolerance = 1e-11 if kind == "float64" else 1e-4
    for p, e in zip(params, expected, strict=True):
        state = optimizer.state[p]
        np.testing.assert_allclose(p.detach().numpy(), e.p, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(state["exp_avg"].numpy(), e.m, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(state["exp_avg_sq"].numpy(), e.v, rtol=tolerance, atol=tolerance)
        assert ("max_exp_avg_sq" in state) == bool(options.get("amsgrad"))
        assert state["step"].item() == 1000


def test_matches_its_formula_on_a_real_loss():
    w = parameter([3.0, -3.0])
    optimizer = Adam([w], lr=0.5)
    (w * w).sum().backward()
    optimizer.step()
    assert w.tolist() == [2.5, -2.5]


# ---------------------------------------------------------------------------------------------------------------------
# What a step does and does not


class CountingLibrary:
    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        function = getattr(lib, name)

        def counted(*arguments):
            self.calls.append(name)
            return function(*arguments)

        return counted


def test_each_group_is_one_call(monkeypatch):
    counting = CountingLibrary()
    monkeypatch.setattr("lucid.optim.engine_optimizer.lib", counting)
    groups = [[parameter(np.ones(n)) for n in sizes] for sizes in ([3, 4, 5], [6], [7] * 100)]
    optimizer = Adam([{"params": g} for g in groups])
    for _ in range(3):
        for g in groups:
            for p in g:
                give(p, np.ones(p.shape))
        optimizer.step()
    assert counting.calls == ["adam_update_f32"] * 9


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


def test_second_step_allocates_nothing():
    params = [parameter(np.ones(n)) for n in (3, 100_000, 50)]
    optimizer = Adam([{"params": params[:2]}, {"params": params[2:], "amsgrad": True}])
    for p in params:
        give(p, np.ones(p.shape))
    optimizer.step()
    buffers = [id(t) for p in params for t in optimizer.state[p].values()]
    addresses = [t.data_ptr() for p in params for t in optimizer.state[p].values()]
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(3):  # the interpreter's own free lists fill
            optimizer.step()
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(10):
            optimizer.step()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 256 and peak - before < 4096, "only small passing objects of the interpreter"
    assert buffers == [id(t) for p in params for t in optimizer.state[p].values()]
    assert addresses == [t.data_ptr() for p in params for t in optimizer.state[p].values()]


def test_state_is_exactly_what_the_rule_needs():
    p = parameter(np.ones((50, 40)))
    give(p, np.ones(p.shape))
    for amsgrad, tensors in ((False, 2), (True, 3)):
        optimizer = Adam([p], amsgrad=amsgrad)
        optimizer.step()
        assert sum(t.numpy().nbytes for t in optimizer.state[p].values()) == tensors * p.numel() * 4 + 4


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
