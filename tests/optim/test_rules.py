"""Every update rule: against its formulas in NumPy, PyTorch's recorded numbers, and what all rules promise."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import runpy
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import lucid
from lucid._engine import lib
from lucid.nn import Parameter
from lucid.optim.engine_optimizer import EngineOptimizer
from tests.optim.one_parameter import parameter

RECORD = runpy.run_path(str(Path(__file__).with_name("record_torch_trajectories.py")))
TORCH = np.load(RECORD["FILE"])
RULES = RECORD["RULES"]
KINDS = {"float32": lucid.float32, "float64": lucid.float64}
CASES = [
    (name, options) for name, rule in RULES.items() for options in [*rule.get("torch", []), *rule.get("other", [])]
]
SHAPES = ((3, 5), (17,), (), (0, 4), (70,), (2, 3, 4))

every_case = pytest.mark.parametrize(("name", "options"), CASES, ids=str)
every_recorded_case = pytest.mark.parametrize(
    "case", [case for case, (name, options, _) in RECORD["CASES"].items() if options in RULES[name].get("torch", [])]
)
every_rule = pytest.mark.parametrize("name", RULES)
every_kind = pytest.mark.parametrize("kind", KINDS)


def shapes_of(name):
    return RULES[name].get("shapes", SHAPES)


def give(params, gradients):
    for p, g in zip(params, gradients, strict=True):
        p.grad = None if g is None else lucid.tensor(np.asarray(g, p.dtype.name))


def values(params):
    return np.concatenate([p.detach().numpy().reshape(-1) for p in params])


def optimizer_of(name, params, options=None):
    return getattr(lucid.optim, name)(params, **(options or {}))


def drawn(shapes, steps=0, seed=0):
    """Starts, and gradients of so many steps: noise of many sizes; the second has none at every third step."""
    random = np.random.default_rng(seed)
    starts = [random.standard_normal(s) for s in shapes]
    steps = [
        [
            None
            if i == 1 and t % 3 == 2
            else ((random.standard_normal(s) + 0.3) * 10.0 ** random.integers(-2, 2)).astype(np.float32)
            for i, s in enumerate(shapes)
        ]
        for t in range(steps)
    ]
    return starts, steps


def assert_state(state, expected, names, tolerance):
    assert set(names) == set(state), "state names"
    for key, wanted in expected.items():
        np.testing.assert_allclose(state[key].numpy(), wanted, rtol=tolerance, atol=tolerance, err_msg=key)


# ---------------------------------------------------------------------------------------------------------------------
# Numbers


@every_case
@every_kind
def test_formulas(name, options, kind, simd_level):
    starts, steps = drawn(shapes_of(name), 200)
    params = [parameter(s, kind) for s in starts]
    optimizer = optimizer_of(name, params, options)
    expected = [RULES[name]["transcription"](p.detach().numpy(), **options) for p in params]
    for gradients in steps:
        give(params, gradients)
        optimizer.step()
        for e, g in zip(expected, gradients, strict=True):
            if g is not None:
                e.step(g.astype(np.float64))
    tolerance = 1e-10 if kind == "float64" else RULES[name].get("tolerance", 2e-4)
    for p, e in zip(params, expected, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), e.p, rtol=tolerance, atol=tolerance)
        assert_state(optimizer.state[p], e.state(), e.state(), tolerance * max(1, np.abs(e.p).max(initial=0)))


def recorded_run(case, kind):
    """Both parameters after each checkpoint, and the optimizer at the end."""
    name, options, shapes = RECORD["CASES"][case]
    params = [parameter(RECORD["start"](i, shape), kind) for i, shape in enumerate(shapes)]
    optimizer = optimizer_of(name, params, options)
    seen = []
    for t in range(1, RECORD["STEPS"] + 1):
        give(params, [RECORD["gradient"](i, shape, t) for i, shape in enumerate(shapes)])
        optimizer.step()
        if t in RECORD["CHECKPOINTS"]:
            seen.append(values(params))
    return seen, params, optimizer


@every_recorded_case
def test_recorded_trajectories_in_float64(case):
    tolerance = RULES[RECORD["CASES"][case][0]].get("torch_tolerance", 1e-12)
    seen, params, optimizer = recorded_run(case, "float64")
    for mine, theirs in zip(seen, TORCH[f"{case}/float64"], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance / 10)
    recorded = [key.split("/")[1] for key in TORCH if key.startswith(f"{case}/")]
    states = [optimizer.state[p] for p in params]
    assert {key for s in states for key in s} == {key for key in recorded if not key.startswith("float")}
    for key in {key for s in states for key in s}:
        tensors = [s[key] for s in states if key in s]
        mine = np.concatenate([x.numpy().reshape(-1) for x in tensors])
        np.testing.assert_allclose(mine, TORCH[f"{case}/{key}"], rtol=max(10 * tolerance, 1e-11), atol=1e-300)
        is_number = optimizer.state_fields[key].is_number
        assert all(x.dtype is (lucid.float32 if is_number else lucid.float64) for x in tensors)


@every_recorded_case
def test_float32_error_is_not_larger_than_torch(case, simd_level):
    """After 1,000 steps, against float64, over all numbers of the case: ours ≤ that of PyTorch's loops."""
    exact = TORCH[f"{case}/float64"][-1]

    def error(x):
        return np.sqrt(np.mean((x.astype(np.float64) - exact) ** 2))

    mine = recorded_run(case, "float32")[0][-1]
    theirs = min(error(TORCH[f"{case}/float32"]), error(TORCH[f"{case}/float32_fast"]))
    assert error(mine) <= theirs * (1 + RULES[RECORD["CASES"][case][0]].get("noise", 0))


@every_rule
@every_kind
@pytest.mark.parametrize("offset", [0, 1, 3])
def test_cuts_and_threads(name, kind, offset, simd_level, both_thread_counts):
    """Large and many parameters, anywhere in memory: the formulas, and the same bits for 1 and 2 threads."""
    matrices = "shapes" in RULES[name]
    shapes = [(257, 130), (3, 5), (64, 64)] if matrices else [(70_003,), (3,), (8192,), *[(500,)] * 40]
    starts, steps = drawn(shapes, 3)

    def compute():
        memory = [np.zeros(s.size + offset, kind) for s in starts]
        params = []
        for room, start in zip(memory, starts, strict=True):
            room[offset:] = start.reshape(-1)
            params.append(Parameter(lucid.from_numpy(room[offset:].reshape(start.shape))))
        optimizer = optimizer_of(name, params)
        for gradients in steps:
            give(params, gradients)
            optimizer.step()
        return values(params)

    found = both_thread_counts(compute)
    expected = []
    for i, start in enumerate(starts):
        e = RULES[name]["transcription"](start.astype(kind))
        for gradients in steps:
            if gradients[i] is not None:
                e.step(gradients[i].astype(np.float64))
        expected.append(e.p.reshape(-1))
    tolerance = 1e-12 if kind == "float64" else RULES[name].get("tolerance", 1e-5)
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=tolerance, atol=tolerance)


@every_rule
def test_maximize_is_minimize_of_the_negative(name):
    starts, steps = drawn(shapes_of(name), 5)
    up, down = ([parameter(s) for s in starts] for _ in range(2))
    one, other = optimizer_of(name, up, {"maximize": True}), optimizer_of(name, down)
    for gradients in steps:
        give(up, gradients)
        give(down, [None if g is None else -g for g in gradients])
        one.step()
        other.step()
    assert values(up).tobytes() == values(down).tobytes()


@every_rule
def test_a_number_that_is_not_finite_does_not_crash(name, simd_level):
    """NaN and infinity go through: no error, and what they touch is not finite or unchanged, never anything else."""
    shape = shapes_of(name)[0]
    for bad in (math.nan, math.inf, -math.inf, 3e38):
        p = parameter(np.ones(shape))
        optimizer = optimizer_of(name, [p])
        for _ in range(2):
            g = np.full(shape, 0.5)
            g.flat[1] = bad
            give([p], [g])
            optimizer.step()
        if math.isnan(bad):
            touched = p.detach().numpy().flat[1]
            assert touched == 1 if RULES[name].get("nan_is_no_direction") else not np.isfinite(touched)


# ---------------------------------------------------------------------------------------------------------------------
# What a step needs


class CountingLibrary:
    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        function = getattr(lib, name)

        def counted(*arguments):
            self.calls.append(name)
            return function(*arguments)

        return counted


@every_rule
def test_each_group_is_one_call(name, monkeypatch):
    counting = CountingLibrary()
    monkeypatch.setattr("lucid.optim.engine_group.lib", counting)
    groups = [[parameter(np.ones((2, n))) for n in sizes] for sizes in ([3, 4, 5], [6], [7] * 100)]
    optimizer = optimizer_of(name, [{"params": g} for g in groups])
    for _ in range(3):
        for g in groups:
            give(g, [np.ones(p.shape) for p in g])
        optimizer.step()
    assert counting.calls == [f"{optimizer.family}_update_f32"] * 9


@every_case
def test_second_step_allocates_nothing(name, options):
    params = [parameter(np.ones(shape)) for shape in ((3, 2), (100, 1000), (10, 5))]
    optimizer = optimizer_of(name, params, options)
    give(params, [np.ones(p.shape) for p in params])
    optimizer.step()
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
    assert addresses == [t.data_ptr() for p in params for t in optimizer.state[p].values()]


@every_case
@every_kind
def test_state_is_exactly_what_the_rule_needs(name, options, kind):
    p = parameter(np.ones((50, 40)), kind)
    optimizer = optimizer_of(name, [p], options)
    give([p], [np.ones(p.shape)])
    optimizer.step()
    tensors = [t.numpy() for key, t in optimizer.state[p].items() if not optimizer.state_fields[key].is_number]
    assert sum(t.size for t in tensors) == RULES[name]["state_numbers"](options, p.numel())
    assert all(t.dtype == kind for t in tensors)
    numbers = [t for key, t in optimizer.state[p].items() if optimizer.state_fields[key].is_number]
    assert all(t.dtype is lucid.float32 and t.shape == () for t in numbers)


# ---------------------------------------------------------------------------------------------------------------------
# Options and ways that all rules share


@pytest.mark.parametrize(
    ("name", "options", "error"), [(name, *case) for name, rule in RULES.items() for case in rule.get("refused", [])]
)
def test_bad_options_are_refused(name, options, error):
    """By the constructor, for a new group and when they are set later; and then nothing is changed."""
    p, option = parameter(np.ones(2)), next(iter(options))
    with pytest.raises(error, match=f"{name}: {option}"):
        optimizer_of(name, [p], options)
    optimizer = optimizer_of(name, [p])
    with pytest.raises(error, match=option):
        optimizer.add_param_group({"params": parameter(np.ones(2)), **options})
    assert len(optimizer.param_groups) == 1
    optimizer.param_groups[0].update(options)
    give([p], [np.ones(2)])
    with pytest.raises(error, match=option):
        optimizer.step()
    assert p.tolist() == [1.0, 1.0] and not optimizer.state


@every_rule
@every_kind
@pytest.mark.parametrize(
    "options",
    [
        {"grad_scale": 4.0},
        {"grad_clip_value": 0.3},
        {"grad_clip_norm": 0.5},
        {"grad_clip_norm": 1e9},
        {"grad_scale": 0.5, "grad_clip_norm": 2.0, "grad_clip_value": 0.25},
    ],
    ids=str,
)
def test_gradient_options(name, kind, options):
    """As if the gradients had been divided and clipped before; themselves they stay as they are."""
    starts, steps = drawn(shapes_of(name), 6)
    params, others = ([parameter(s, kind) for s in starts] for _ in range(2))
    half = len(params) // 2
    one = optimizer_of(name, [{"params": params[:half]}, {"params": params[half:]}], options)
    other = optimizer_of(name, others)
    assert {key: getattr(one, key) for key in options} == options
    for gradients in steps:
        give(params, gradients)
        clipped = [None if g is None else g.astype(np.float64) / options.get("grad_scale", 1) for g in gradients]
        norm = math.sqrt(sum((g**2).sum() for g in clipped if g is not None))
        factor = min(1, options.get("grad_clip_norm", math.inf) / (norm + 1e-6))
        limit = options.get("grad_clip_value", math.inf)
        give(others, [None if g is None else np.clip(g * factor, -limit, limit) for g in clipped])
        one.step()
        other.step()
        for p, g in zip(params, gradients, strict=True):
            assert p.grad is None if g is None else np.array_equal(p.grad.numpy(), g)
    tolerance = 1e-11 if kind == "float64" else RULES[name].get("tolerance", 1e-4)
    np.testing.assert_allclose(values(params), values(others), rtol=tolerance, atol=tolerance)


@every_rule
def test_gradients_given_to_step(name):
    starts, steps = drawn(shapes_of(name), 4)
    names = [f"p{i}" for i in range(len(starts))]
    mine, listed, named = ([parameter(s) for s in starts] for _ in range(3))
    optimizers = (
        optimizer_of(name, mine),
        optimizer_of(name, listed),
        optimizer_of(name, list(zip(names, named, strict=True))),
    )
    for gradients in steps:
        give(mine, gradients)
        for others in (listed, named):
            give(others, [np.full(s.shape, np.nan) for s in starts])
        tensors = [p.grad for p in mine]
        optimizers[0].step()
        optimizers[1].step(grads=tensors)
        optimizers[2].step(grads={n: g for n, g in zip(names, tensors, strict=True) if g is not None})
    assert values(mine).tobytes() == values(listed).tobytes() == values(named).tobytes()


@every_rule
def test_sum_grad(name):
    starts, steps = drawn(shapes_of(name), 8)
    mine, others = ([parameter(s, "float64") for s in starts] for _ in range(2))
    one, other = optimizer_of(name, mine), optimizer_of(name, others)
    for first, second in zip(steps[::2], steps[1::2], strict=True):
        for gradients in (first, second):
            give(mine, gradients)
            one.sum_grad()
            assert all(p.grad is None for p in mine)
        one.step()
        sums = [
            b if a is None else a if b is None else a.astype(np.float64) + b for a, b in zip(first, second, strict=True)
        ]
        give(others, sums)
        other.step()
    assert values(mine).tobytes() == values(others).tobytes()


@every_case
@every_kind
def test_state_dict_continues_the_run(name, options, kind):
    starts, steps = drawn(shapes_of(name), 8)
    params = [parameter(s, kind) for s in starts]
    optimizer = optimizer_of(name, params, options)
    for gradients in steps[:4]:
        give(params, gradients)
        optimizer.step()
    copies = [parameter(p.detach().numpy(), kind) for p in params]
    loaded = optimizer_of(name, copies)
    loaded.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    whole = pickle.loads(pickle.dumps(optimizer))
    pickled = [p for group in whole.param_groups for p in group["params"]]
    for gradients in steps[4:]:
        for mine, its in ((params, optimizer), (copies, loaded), (pickled, whole)):
            give(mine, gradients)
            its.step()
    assert values(params).tobytes() == values(copies).tobytes() == values(pickled).tobytes()


@every_rule
def test_parameters_may_come_later(name):
    starts, steps = drawn(shapes_of(name), 2)
    mine, others = ([parameter(s) for s in starts] for _ in range(2))
    one, other = optimizer_of(name, None), optimizer_of(name, others)
    with pytest.raises(RuntimeError, match="register_trainable_weights"):
        one.step()
    one.register_trainable_weights({f"p{i}": p for i, p in enumerate(mine)})
    for gradients in steps:
        give(mine, gradients)
        give(others, gradients)
        one.step()
        other.step()
    assert values(mine).tobytes() == values(others).tobytes()


@every_rule
def test_step_records_nothing_and_works_under_no_grad(name):
    starts, steps = drawn(shapes_of(name), 1)
    params = [parameter(s) for s in starts]
    give(params, steps[0])
    with lucid.no_grad():
        optimizer_of(name, params).step()
    assert all(p.is_leaf and p.requires_grad for p in params)


@every_rule
def test_parameters_and_gradients_of_any_layout(name):
    shape = (6, 4)
    start, gradient = np.arange(24.0).reshape(shape) / 8 - 1, np.cos(np.arange(24.0)).reshape(shape)
    plain, turned = parameter(start), Parameter(lucid.tensor(start.T.copy().astype(np.float32)).T)
    assert not turned.is_contiguous()
    one, other = optimizer_of(name, [plain]), optimizer_of(name, [turned])
    for _ in range(3):
        give([plain], [gradient])
        turned.grad = lucid.tensor(gradient.T.copy().astype(np.float32)).T
        one.step()
        other.step()
    assert plain.tolist() == turned.tolist()


@every_rule
def test_error_if_nonfinite_changes_nothing(name):
    starts, steps = drawn(shapes_of(name), 2)
    params = [parameter(s) for s in starts]
    optimizer = optimizer_of(name, [(f"p{i}", p) for i, p in enumerate(params)], {"error_if_nonfinite": True})
    for gradients in steps:
        before, state = values(params).tobytes(), copy.deepcopy(optimizer.state_dict()["state"])
        bad = [np.array(g) for g in gradients]
        bad[1].flat[-1] = np.inf
        give(params, bad)
        with pytest.raises(RuntimeError, match=r"parameter p1 of group 0 has NaN or infinity"):
            optimizer.step()
        assert values(params).tobytes() == before
        assert str(optimizer.state_dict()["state"]) == str(state)
        give(params, gradients)
        optimizer.step()


def test_every_rule_has_its_transcription():
    exported = {getattr(lucid.optim, name) for name in lucid.optim.__all__}
    rules = {x.__name__ for x in exported if isinstance(x, type) and issubclass(x, EngineOptimizer)}
    assert rules == set(RULES)
