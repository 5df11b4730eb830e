"""LBFGS: PyTorch's recorded trajectories and states, what a step may not do, and closures that fail."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import runpy
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import lucid
from lucid import engine
from lucid.nn import Parameter
from lucid.optim import LBFGS, Adam

RECORD = runpy.run_path(str(Path(__file__).with_name("record_torch_lbfgs.py")))
TORCH = np.load(RECORD["FILE"])
STEPS = RECORD["STEPS"]
WOLFE = "strong_wolfe"


class Problem:
    """A recorded problem, with an optimizer and its closure."""

    def __init__(self, case, kind="float64", params=None, **changed):
        self.name, options = RECORD["CASES"][case]
        self.kind = kind
        self.params = params or [Parameter(self.tensor(a)) for a in RECORD["start"](self.name)]
        self.optimizer = LBFGS(self.params, **(options | changed))
        self.calls = 0
        self.fail_at = None

    def tensor(self, array):
        return lucid.tensor(np.asarray(array, self.kind))

    def closure(self):
        self.calls += 1
        if self.calls == self.fail_at:
            raise RuntimeError("the closure fails here")
        self.optimizer.zero_grad()
        value = RECORD["loss"](self.name, self.params, self.tensor)
        value.backward()
        return value

    def step(self):
        return self.optimizer.step(self.closure).item()

    def numbers(self):
        return np.concatenate([p.detach().numpy().reshape(-1) for p in self.params])

    @property
    def state(self):
        return self.optimizer.state[self.params[0]]

    def counts(self):
        return [self.state["func_evals"], self.state["n_iter"]]


def quadratic(*sizes, kind="float32", **options):
    """An optimizer of Σ c x² / 2, with c from 1 to 2, and its closure."""
    params = [Parameter(lucid.tensor(np.linspace(-1, 1, n).astype(kind))) for n in sizes]
    curvatures = [lucid.tensor(np.linspace(1, 2, n).astype(kind)) for n in sizes]
    optimizer = LBFGS(params, **options)

    def closure():
        optimizer.zero_grad()
        loss = sum((c * p * p).sum() for c, p in zip(curvatures, params, strict=True)) / 2
        loss.backward()
        return loss

    return params, optimizer, closure


def bits(state):
    """All that a state holds, as something to compare."""
    if isinstance(state, dict):
        return {key: bits(value) for key, value in state.items()}
    if isinstance(state, list):
        return [bits(value) for value in state]
    return state.numpy().tobytes() if isinstance(state, lucid.Tensor) else state


# ---------------------------------------------------------------------------------------------------------------------
# PyTorch


@pytest.mark.parametrize("case", RECORD["CASES"])
def test_recorded_trajectories_in_float64(case, simd_level):
    problem = Problem(case)
    for t in range(STEPS):
        assert problem.step() == pytest.approx(TORCH[f"{case}/float64/loss"][t], rel=1e-11)
        np.testing.assert_allclose(problem.numbers(), TORCH[f"{case}/float64"][t], rtol=1e-10, atol=1e-12)
        assert problem.counts() == TORCH[f"{case}/float64/counts"][t].tolist()


@pytest.mark.parametrize("case", RECORD["CASES"])
def test_recorded_trajectories_in_float32(case, simd_level):
    """No further from the float64 trajectory than twice as far as rounding carries PyTorch's float32."""
    problem = Problem(case, "float32")
    for t in range(STEPS):
        problem.step()
        exact = TORCH[f"{case}/float64"][t]
        allowed = 2 * TORCH[f"{case}/float32/spread"][t] + 1e-6 * np.abs(exact).max()
        assert np.abs(problem.numbers() - exact).max() <= allowed


def torch_state(case):
    """The recorded state in PyTorch's layout, its tensors as arrays."""
    found = {key.split("/")[2]: TORCH[key] for key in TORCH.files if key.startswith(f"{case}/state/")}
    for key in RECORD["VECTORS"]:
        found[key] = list(found[key])
    found["al"] = [None if np.isnan(x) else x for x in found["al"]]
    for key in ("func_evals", "n_iter"):
        found[key] = int(found[key])
    return found


@pytest.mark.parametrize("case", RECORD["EXCHANGE"])
def test_goes_on_from_a_state_of_pytorch(case, simd_level):
    problem = Problem(case)
    start = TORCH[f"{case}/float64"][STEPS // 2 - 1]
    offset = 0
    with lucid.no_grad():
        for p in problem.params:
            p.copy_(lucid.tensor(start[offset : offset + p.numel()].reshape(p.shape)))
            offset += p.numel()
    saved = problem.optimizer.state_dict()
    problem.optimizer.load_state_dict({"state": {0: torch_state(case)}, "param_groups": saved["param_groups"]})
    for t in range(STEPS // 2, STEPS):
        problem.step()
        np.testing.assert_allclose(problem.numbers(), TORCH[f"{case}/float64"][t], rtol=1e-10, atol=1e-12)
        assert problem.counts() == TORCH[f"{case}/float64/counts"][t].tolist()


@pytest.mark.parametrize("case", RECORD["EXCHANGE"])
def test_state_is_what_pytorch_keeps(case):
    """Names, kinds, shapes and numbers: so PyTorch can go on from ours."""
    problem = Problem(case)
    for _ in range(STEPS // 2):
        problem.step()
    mine, theirs = problem.optimizer.state_dict()["state"], torch_state(case)
    assert list(mine) == [0] and set(mine[0]) == set(theirs)
    for key, want in theirs.items():
        got = mine[0][key]
        assert isinstance(got, list) == isinstance(want, list)
        pairs = list(zip(got, want, strict=True)) if isinstance(want, list) else [(got, want)]
        for a, b in pairs:
            if b is None:
                assert a is None
                continue
            a = a.numpy() if isinstance(a, lucid.Tensor) else np.asarray(a)
            assert a.shape == np.shape(b)
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


# ---------------------------------------------------------------------------------------------------------------------
# The state's way out and in


@pytest.mark.parametrize("way", ["state_dict", "pickle", "save", "deepcopy"])
@pytest.mark.parametrize("case", RECORD["EXCHANGE"])
def test_saved_in_the_middle_goes_on_with_the_same_bits(case, way):
    straight = Problem(case)
    for _ in range(STEPS // 2):
        straight.step()
    saved = copy.deepcopy(straight.optimizer.state_dict())
    if way == "pickle":
        saved = pickle.loads(pickle.dumps(saved))
    elif way == "save":
        file = io.BytesIO()
        lucid.save(saved, file)
        file.seek(0)
        saved = lucid.load(file)
    again = Problem(case)
    if way == "deepcopy":
        again.params, again.optimizer = copy.deepcopy((straight.params, straight.optimizer))
    else:
        with lucid.no_grad():
            for p, q in zip(again.params, straight.params, strict=True):
                p.copy_(q)
        again.optimizer.load_state_dict(saved)
    for _ in range(STEPS // 2):
        assert straight.step() == again.step()
        assert straight.numbers().tobytes() == again.numbers().tobytes()
    assert bits(straight.optimizer.state_dict()) == bits(again.optimizer.state_dict())


def test_float64_state_into_float32_parameters():
    problem, other = Problem("network_wolfe"), Problem("network_wolfe", "float32")
    problem.step()
    other.optimizer.load_state_dict(problem.optimizer.state_dict())
    assert other.state["d"].dtype is lucid.float32 and other.state["old_dirs"][0].dtype is lucid.float32
    other.step()


def test_loaded_state_that_does_not_fit_changes_nothing():
    problem = Problem("quadratic")
    problem.step()
    before = bits(problem.optimizer.state_dict())
    good = problem.optimizer.state_dict()

    def refused(error, match, **changed):
        state = {**good["state"][0], **changed}
        state = {key: value for key, value in state.items() if value is not None}
        with pytest.raises(error, match=match):
            problem.optimizer.load_state_dict({**good, "state": {0: state}})
        assert bits(problem.optimizer.state_dict()) == before

    refused(ValueError, "'d'", d=lucid.ones(3, dtype=lucid.float64))
    refused(TypeError, "'d'", d="north")
    refused(ValueError, "prev_flat_grad", prev_flat_grad=None)
    refused(ValueError, "old_stps", old_stps=[])
    refused(ValueError, "old_dirs", old_dirs=[np.ones((2, 2))] * len(good["state"][0]["old_dirs"]))
    refused(ValueError, "ro", ro=3.0)
    refused(TypeError, "H_diag", H_diag="large")
    refused(ValueError, "another rule", n_iter=None)
    adam = Adam(problem.params)
    problem.closure()
    adam.step()
    with pytest.raises(ValueError, match="another rule"):
        problem.optimizer.load_state_dict({**good, "state": adam.state_dict()["state"]})


def test_state_replaced_by_hand_is_checked():
    problem = Problem("quadratic")
    problem.step()
    start = problem.numbers()
    problem.state["d"] = lucid.ones(3)
    calls = problem.calls
    with pytest.raises(TypeError, match="'d'"):
        problem.step()
    assert problem.calls == calls and problem.numbers().tobytes() == start.tobytes()


@pytest.mark.parametrize("name", ["d", "prev_flat_grad", "old_dirs", "old_stps", "ro"])
@pytest.mark.parametrize("line_search", [None, WOLFE])
def test_closure_that_replaces_the_state(name, line_search):
    """The engine is never given memory of another size (with a sanitized engine this shows at once)."""
    problem = Problem("network", max_iter=20, history_size=4, line_search_fn=line_search, tolerance_change=0)
    problem.step()

    def closure():
        found = problem.state[name]
        for x in found if isinstance(found, list) else [found]:
            x.data = lucid.ones(2, dtype=lucid.float64)
        return problem.closure()

    for _ in range(3):
        with pytest.raises((ValueError, TypeError)):
            for _ in range(3):
                problem.optimizer.step(closure)


def test_changed_history_size():
    problem = Problem("network_wolfe", history_size=6)
    problem.step()
    problem.step()
    assert len(problem.state["old_dirs"]) == 6 and len(problem.state["al"]) == 6
    problem.optimizer.param_groups[0]["history_size"] = 3
    newest = problem.state["old_dirs"][-1].clone()
    problem.optimizer.param_groups[0]["max_iter"] = 1
    problem.step()
    assert len(problem.state["old_dirs"]) == 3 and len(problem.state["al"]) == 3
    assert problem.state["old_dirs"][-2].tolist() == newest.tolist()
    problem.optimizer.param_groups[0].update(history_size=50, max_iter=4, max_eval=100)
    problem.step()
    assert len(problem.state["old_dirs"]) == 7 and len(problem.state["al"]) == 50


# ---------------------------------------------------------------------------------------------------------------------
# Closures that fail, and what is not finite


def test_closure_that_raises_at_once_changes_nothing():
    for line_search in (None, WOLFE):
        problem = Problem("quadratic", line_search_fn=line_search)
        start = problem.numbers()
        problem.fail_at = 1
        with pytest.raises(RuntimeError, match="fails here"):
            problem.step()
        assert problem.numbers().tobytes() == start.tobytes() and not problem.optimizer.state
        problem.step()
        problem.fail_at = problem.calls + 1
        start, before = problem.numbers(), bits(problem.optimizer.state_dict())
        with pytest.raises(RuntimeError):
            problem.step()
        assert problem.numbers().tobytes() == start.tobytes()
        assert bits(problem.optimizer.state_dict()) == before


@pytest.mark.parametrize("complete", [1, 2, 3, 5])
@pytest.mark.parametrize("case", ["rosenbrock", "network_small_history_wolfe"])
def test_closure_that_raises_later_leaves_complete_iterations(case, complete):
    """As if max_iter had been reached there: what comes after is bit for bit the same."""
    stopped = Problem(case, max_iter=complete, max_eval=1000)
    stopped.step()
    stopped.optimizer.param_groups[0]["max_iter"] = 6
    failed = Problem(case, max_iter=6, max_eval=1000)
    # Without search the evaluation after the last complete iteration fails, with it the first one of the next search.
    failed.fail_at = stopped.calls + 1
    with pytest.raises(RuntimeError, match="fails here"):
        failed.step()
    assert failed.numbers().tobytes() == stopped.numbers().tobytes()
    assert failed.state["n_iter"] == complete
    for _ in range(2):
        assert failed.step() == stopped.step()
        assert failed.numbers().tobytes() == stopped.numbers().tobytes()
    for name in ("old_dirs", "old_stps", "d", "prev_flat_grad"):
        assert bits(failed.state[name]) == bits(stopped.state[name])


def test_first_line_search_that_fails():
    failed, straight = Problem("rosenbrock_long_first_look"), Problem("rosenbrock_long_first_look")
    start = failed.numbers()
    failed.fail_at = 3
    with pytest.raises(RuntimeError):
        failed.step()
    assert failed.numbers().tobytes() == start.tobytes() and failed.state["n_iter"] == 0
    assert failed.step() == straight.step()
    assert failed.numbers().tobytes() == straight.numbers().tobytes()


@pytest.mark.parametrize("number", range(len(RECORD["SPOILED"])))
def test_what_is_not_finite(number):
    """As in PyTorch nothing is judged, and the limits of evaluations and iterations hold all the same."""
    line_search, what, value, since = RECORD["SPOILED"][number]
    p = Parameter(lucid.tensor(RECORD["start"]("rosenbrock")[0]))
    optimizer = LBFGS([p], line_search_fn=line_search, **RECORD["SPOILED_OPTIONS"])
    closure = RECORD["spoiled"](optimizer, p, lucid.tensor, what, value, since)
    for _ in range(2):
        optimizer.step(closure)
    state = optimizer.state[p]
    assert state["func_evals"] <= 2 * 8 and state["n_iter"] <= 2 * 6
    if f"spoiled/{number}" in TORCH:
        wanted = TORCH[f"spoiled/{number}"]
        np.testing.assert_allclose(p.tolist(), wanted[:2], rtol=1e-10)
        assert [state["func_evals"], state["n_iter"]] == wanted[2:].tolist()


@pytest.mark.parametrize("value", [None, "low", lucid.ones(2), [1.0]], ids=str)
@pytest.mark.parametrize("at", [1, 2])
def test_loss_that_is_no_number(at, value):
    problem = Problem("network_wolfe")
    start = problem.numbers()

    def closure():
        loss = problem.closure()
        return loss if problem.calls < at else value

    with pytest.raises(TypeError, match="the closure must return the loss"):
        problem.optimizer.step(closure)
    assert problem.calls == at and problem.numbers().tobytes() == start.tobytes()


def test_gradient_that_does_not_fit():
    problem = Problem("quadratic")
    start = problem.numbers()

    def closure():
        loss = problem.closure()
        problem.params[0]._grad = lucid.ones(3, dtype=lucid.float64)
        return loss

    with pytest.raises(ValueError, match="parameter 0 of group 0"):
        problem.optimizer.step(closure)
    assert problem.numbers().tobytes() == start.tobytes() and not problem.optimizer.state


def test_parameter_that_changes_its_size_in_the_closure():
    problem = Problem("quadratic")

    def closure():
        loss = problem.closure()
        problem.params[2].data = lucid.ones(3, dtype=lucid.float64)
        problem.params[2].grad = None
        return loss

    with pytest.raises(ValueError, match="parameter 2 of group 0"):
        problem.optimizer.step(closure)


def test_lr_zero_and_flat_lines_end():
    for line_search in (None, WOLFE):
        _, optimizer, closure = quadratic(5, lr=0.0, line_search_fn=line_search)
        for _ in range(3):
            optimizer.step(closure)
    w = Parameter(lucid.ones(3))
    optimizer = LBFGS([w], line_search_fn=WOLFE, tolerance_grad=-1, tolerance_change=0)

    def flat():
        optimizer.zero_grad()
        loss = (w * 0).sum()
        loss.backward()
        return loss

    optimizer.step(flat)
    assert w.tolist() == [1, 1, 1]


# ---------------------------------------------------------------------------------------------------------------------
# What a step does and does not


def test_one_group_only():
    a, b = Parameter(lucid.ones(2)), Parameter(lucid.ones(2))
    with pytest.raises(ValueError, match=r"LBFGS doesn't support per-parameter options \(parameter groups\)"):
        LBFGS([{"params": [a]}, {"params": [b]}])
    optimizer = LBFGS([{"params": [a], "lr": 0.5}])
    assert optimizer.param_groups[0]["lr"] == 0.5
    with pytest.raises(ValueError, match="LBFGS doesn't support per-parameter options"):
        optimizer.add_param_group({"params": [b]})
    assert len(optimizer.param_groups) == 1


def test_defaults_are_those_of_pytorch():
    group = LBFGS([Parameter(lucid.ones(2))]).state_dict()["param_groups"][0]
    assert group == {
        "lr": 1, "max_iter": 20, "max_eval": 25, "tolerance_grad": 1e-7, "tolerance_change": 1e-9,
        "history_size": 100, "line_search_fn": None, "params": [0],
    }  # fmt: skip
    assert LBFGS([Parameter(lucid.ones(2))], max_iter=7).defaults["max_eval"] == 8


@pytest.mark.parametrize(
    ("option", "error"),
    [
        ({"lr": -0.1}, ValueError),
        ({"lr": float("nan")}, ValueError),
        ({"lr": lucid.ones(2)}, TypeError),
        ({"lr": "fast"}, TypeError),
        ({"max_iter": -1}, ValueError),
        ({"max_iter": 2.5}, TypeError),
        ({"max_iter": None}, TypeError),
        ({"max_eval": True}, TypeError),
        ({"history_size": 0}, ValueError),
        ({"history_size": 10**9}, ValueError),
        ({"tolerance_grad": "small"}, TypeError),
        ({"tolerance_change": float("nan")}, ValueError),
        ({"line_search_fn": "armijo"}, ValueError),
        ({"line_search_fn": 1}, ValueError),
    ],
    ids=str,
)
def test_options_are_checked(option, error):
    (name,) = option
    with pytest.raises(error, match=f"LBFGS: {name}"):
        LBFGS([Parameter(lucid.ones(2))], **option)
    params, optimizer, closure = quadratic(3)
    optimizer.param_groups[0].update(option)
    with pytest.raises(error, match=f"LBFGS: {name}"):
        optimizer.step(closure)
    assert params[0].grad is None and not optimizer.state


def test_parameters_that_make_no_vector():
    with pytest.raises(TypeError, match="one number type"):
        LBFGS([Parameter(lucid.ones(2)), Parameter(lucid.ones(2, dtype=lucid.float64))])
    with pytest.raises(TypeError, match="only float32 and float64"):
        LBFGS([lucid.tensor([1, 2])])
    with pytest.raises(ValueError, match="no parameters"):
        LBFGS([{"params": []}])


def test_step_needs_a_closure():
    params, optimizer, _ = quadratic(3)
    before = params[0].tolist()
    for nothing in (None, 3.0):
        with pytest.raises(TypeError, match="LBFGS.step needs a closure"):
            optimizer.step(nothing)
    assert params[0].tolist() == before


@pytest.mark.parametrize("line_search", [None, WOLFE])
def test_closure_runs_with_gradients_enabled(line_search):
    params, optimizer, closure = quadratic(30, line_search_fn=line_search)
    with lucid.no_grad():
        first = optimizer.step(closure)
        assert not (params[0] * 2).requires_grad
    assert first.item() > 1 and closure().item() < 1e-10


def test_max_iter_zero_only_evaluates():
    params, optimizer, closure = quadratic(3, max_iter=0)
    before = params[0].tolist()
    optimizer.step(closure)
    assert params[0].tolist() == before and optimizer.state[params[0]]["func_evals"] == 1


def test_parameter_without_gradient_counts_as_zeros():
    a, b = Problem("rosenbrock_wolfe"), Problem("rosenbrock_wolfe")
    idle = [Parameter(a.tensor(np.arange(3.0))) for _ in range(2)]
    for problem, p in zip((a, b), idle, strict=True):
        problem.optimizer = LBFGS([p, *problem.params], max_iter=4, line_search_fn=WOLFE)
    evaluate = b.closure

    def with_zeros():
        loss = evaluate()
        idle[1].grad = lucid.zeros(3, dtype=lucid.float64)
        return loss

    b.closure = with_zeros
    for _ in range(3):
        assert a.step() == b.step()
    assert idle[0].grad is None and idle[0].tolist() == [0, 1, 2]
    assert a.numbers().tobytes() == b.numbers().tobytes()


@pytest.mark.parametrize("line_search", [None, WOLFE])
def test_parameters_and_gradients_that_are_not_contiguous(line_search):
    dense = Problem("network", line_search_fn=line_search)
    arrays = [p.detach().numpy() for p in dense.params]
    strided = [
        Parameter(dense.tensor(arrays[0].T.copy()).T),
        Parameter(dense.tensor(np.repeat(arrays[1], 2))[::2]),
        Parameter(dense.tensor(arrays[2].T.copy()).T),
        Parameter(dense.tensor(arrays[3])),
    ]
    assert [p.is_contiguous() for p in strided] == [False, False, False, True]
    other = Problem("network", params=strided, line_search_fn=line_search)
    evaluate = other.closure

    def with_strided_gradient():
        loss = evaluate()
        strided[3].grad = other.tensor(np.repeat(strided[3].grad.numpy(), 3))[::3]
        return loss

    other.closure = with_strided_gradient
    for _ in range(3):
        dense.step()
        other.step()
        np.testing.assert_allclose(other.numbers(), dense.numbers(), rtol=1e-11, atol=1e-13)


def test_change_is_seen_by_backward():
    params, optimizer, closure = quadratic(4)
    loss = (params[0] * params[0]).sum()
    optimizer.step(closure)
    with pytest.raises(RuntimeError):
        loss.backward()
    loss = (params[0] * optimizer.state[params[0]]["prev_flat_grad"]).sum()
    with lucid.no_grad():
        params[0] += 1
    optimizer.step(closure)
    with pytest.raises(RuntimeError):
        loss.backward()


def test_lr_may_be_a_tensor_that_changes():
    one, other = Problem("rosenbrock"), Problem("rosenbrock")
    rate = lucid.tensor(0.25)
    one.optimizer.param_groups[0]["lr"] = rate
    for value in (0.25, 0.5):
        with lucid.no_grad():
            rate.fill_(value)
        other.optimizer.param_groups[0]["lr"] = value
        one.step()
        other.step()
        assert one.numbers().tobytes() == other.numbers().tobytes()


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("line_search", [None, WOLFE])
def test_bits_do_not_depend_on_threads(kind, line_search, simd_level, both_thread_counts):
    def compute():
        params, optimizer, closure = quadratic(
            30_001, 7, 20_000, kind=kind, max_iter=4, history_size=2, line_search_fn=line_search, tolerance_change=0
        )
        optimizer.step(closure)
        optimizer.step(closure)
        return np.concatenate([p.detach().numpy() for p in params])

    both_thread_counts(compute)


@pytest.mark.parametrize("line_search", [None, WOLFE])
def test_full_history_allocates_nothing(line_search):
    """Beside what the closure takes, a step makes small passing objects only."""
    size = 200_000
    params = [Parameter(lucid.tensor(np.linspace(-1, 1, size, dtype=np.float32)))]
    curvature = np.linspace(1, 50, size, dtype=np.float32)
    gradient, room = np.zeros(size, np.float32), np.zeros(size, np.float32)
    params[0].grad = lucid.from_numpy(gradient)
    optimizer = LBFGS(
        params, history_size=3, max_iter=4, line_search_fn=line_search, tolerance_grad=0, tolerance_change=0
    )

    def closure():
        x = params[0].detach().numpy()
        np.multiply(curvature, x, out=gradient)
        np.multiply(gradient, x, out=room)
        return float(room.sum()) / 2

    for _ in range(3):
        optimizer.step(closure)
    state = optimizer.state[params[0]]
    assert len(state["old_dirs"]) == 3

    def places():
        rows = [state["d"], state["prev_flat_grad"], *state["old_dirs"], *state["old_stps"]]
        return {x.data_ptr() for x in rows}

    before_places = places()
    gc.collect()
    tracemalloc.start()
    try:
        optimizer.step(closure)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        n_iter = state["n_iter"]
        for _ in range(2):
            optimizer.step(closure)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert state["n_iter"] == n_iter + 8
    assert after - before < 20_000 and peak - before < 50_000
    assert len(places() - before_places) <= 2, "one pair in turn lies outside of the history"


def test_calls_of_the_engine(monkeypatch):
    """An iteration without line search: the pair, the direction, the move, the gradient."""
    calls = []

    class Counting:
        def __getattr__(self, name):
            function = getattr(engine.lib, name)

            def counted(*arguments):
                calls.append(name.removesuffix("_f32"))
                return function(*arguments)

            return counted

    monkeypatch.setattr("lucid.optim.lbfgs_vectors.lib", Counting())
    _, optimizer, closure = quadratic(5, 6, 7, max_iter=3, max_eval=10)
    optimizer.step(closure)
    assert calls == [
        "lbfgs_gather",
        *("lbfgs_direction", "lbfgs_move", "lbfgs_gather"),
        *("lbfgs_difference", "lbfgs_direction", "lbfgs_move", "lbfgs_gather"),
        *("lbfgs_difference", "lbfgs_direction", "lbfgs_move"),
    ]


def test_empty_parameters():
    p, q = Parameter(lucid.zeros(0)), Parameter(lucid.tensor([3.0]))
    for params in ([p, q, Parameter(lucid.zeros(0, 4))], [q], [p]):
        optimizer = LBFGS(params)

        def closure(optimizer=optimizer):
            optimizer.zero_grad()
            loss = (q * q).sum()
            loss.backward()
            return loss

        optimizer.step(closure)
    assert abs(q.item()) < 1e-6


# ---------------------------------------------------------------------------------------------------------------------
# Options that all optimizers share


@pytest.mark.parametrize("options", [{"grad_scale": 4.0}, {"grad_clip_norm": 0.5}, {"grad_clip_value": 0.2}], ids=str)
def test_gradient_options(options, simd_level):
    """As if the gradients had been divided and clipped before LBFGS saw them; themselves they stay as they are."""
    target = np.linspace(-2, 3, 7)

    def run(read, **options):
        params = [Parameter(lucid.zeros(3, dtype=lucid.float64)), Parameter(lucid.zeros(4, dtype=lucid.float64))]
        optimizer = lucid.optim.LBFGS(params, max_iter=3, **options)

        def closure():
            flat = (np.concatenate([p.detach().numpy() for p in params]) - target) * np.arange(1, 8)
            gradients = [flat[:3], flat[3:]]
            for p, g in zip(params, read(gradients), strict=True):
                p.grad = lucid.tensor(g)
            return float((flat**2 / np.arange(1, 8)).sum() / 2)

        optimizer.step(closure)
        last = optimizer.state[params[0]]["prev_flat_grad"].numpy()
        return np.stack([np.concatenate([p.detach().numpy() for p in params]), last])

    def clipped(gradients):
        gradients = [g / options.get("grad_scale", 1) for g in gradients]
        norm = np.sqrt(sum((g**2).sum() for g in gradients))
        factor = min(1, options.get("grad_clip_norm", np.inf) / (norm + 1e-6))
        limit = options.get("grad_clip_value", np.inf)
        return [np.clip(g * factor, -limit, limit) for g in gradients]

    mine = run(lambda gradients: gradients, **options)
    np.testing.assert_allclose(mine, run(clipped), rtol=1e-12, atol=1e-13)
    assert not np.allclose(mine[1], run(lambda gradients: gradients)[1])


def test_error_if_nonfinite_names_the_parameter():
    w = Parameter(lucid.ones(3))
    optimizer = lucid.optim.LBFGS([("weight", w)], error_if_nonfinite=True)

    def closure():
        w.grad = lucid.tensor([1.0, float("nan"), 1.0])
        return 1.0

    with pytest.raises(RuntimeError, match="parameter weight of group 0 has NaN"):
        optimizer.step(closure)
    assert w.tolist() == [1.0] * 3


def test_parameters_may_come_later():
    w = Parameter(lucid.ones(3))
    optimizer = lucid.optim.LBFGS(lr=0.5)
    with pytest.raises(RuntimeError, match="register_trainable_weights"):
        optimizer.step(lambda: 1.0)
    optimizer.register_trainable_weights([w])

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 3.0 and abs(w[0].item()) < 0.1
