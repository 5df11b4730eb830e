"""Learning-rate schedules against what PyTorch's were recorded to do: see record_torch_schedules.py.

Nothing but +, -, *, /, cos and pow is used, in PyTorch's order, so the numbers are the same bits where cos and pow are.
Those come from the C library of the machine and may differ in the last place from one to another; recursive schedules
carry that on. So cases with cos or pow are compared to 1e-13 of the group's largest number, all others with ==.
"""

from __future__ import annotations

import copy
import io
import json
import runpy
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import lucid
from lucid.nn import Parameter
from lucid.optim import lr_scheduler

RECORD = runpy.run_path(str(Path(__file__).with_name("record_torch_schedules.py")))
TORCH = np.load(RECORD["FILE"])
STATES = json.loads(TORCH["states"].tobytes())
CASES, WHEN = RECORD["CASES"], RECORD["WHEN"]
build, run, options_of = RECORD["build"], RECORD["run"], RECORD["options_of"]


class Momentum(lucid.optim.Optimizer):
    """Has the options of SGD, and leaves its parameters alone."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr, "momentum": 0.9})

    def step(self, closure=None):
        """Nothing to do."""


def make(kind, groups):
    """An optimizer whose groups have these options."""
    groups = [{"params": [Parameter(lucid.zeros(1))], **options} for options in groups]
    if kind == "sgd":
        return Momentum(groups)
    return lucid.optim.Adam(groups, lr=0.1, betas=(0.9, 0.99))


def begin(name, tensor=False):
    """The optimizer of a case and its schedule."""
    kind, lrs = CASES[name]["optimizer"]
    optimizer = make(kind, [{"lr": lucid.tensor(lr) if tensor else lr} for lr in lrs])
    return optimizer, build(lr_scheduler, optimizer, CASES[name]["schedule"])


POWERS_AND_COSINES = ("Cosine", "OneCycle", "Polynomial", "MultiStep", "decay", "exp_range")


def check(name, rows, expected, closed=False, within=1e-13):
    """Closed forms have powers."""
    rows, told = np.asarray(rows, np.float64), json.dumps(CASES[name]["schedule"])
    if not closed and not any(word in told for word in POWERS_AND_COSINES):
        np.testing.assert_array_equal(rows, expected)
        return
    assert rows.shape == expected.shape
    assert (np.abs(rows - expected) <= within * np.abs(expected).max(axis=0)).all(), np.abs(rows - expected).max()


@pytest.fixture(autouse=True)
def quiet():
    """Inner schedules of nested ones warn of the order, as PyTorch's do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


@pytest.mark.parametrize("name", CASES)
def test_every_step(name):
    optimizer, schedule = begin(name)
    rows = run(optimizer, schedule)
    check(name, rows, TORCH[f"run {name}"])
    assert schedule.get_last_lr() == rows[-1][0]


@pytest.mark.parametrize("name", CASES)
def test_lr_that_is_a_tensor(name):
    """It keeps its place, and float32 arithmetic is that of PyTorch."""
    optimizer, schedule = begin(name, tensor=True)
    tensors = [group["lr"] for group in optimizer.param_groups]
    rows = run(optimizer, schedule, 40)
    check(name, rows, TORCH[f"tensor {name}"], within=3e-6)
    assert all(group["lr"] is tensor for group, tensor in zip(optimizer.param_groups, tensors, strict=True))
    last = schedule.get_last_lr()
    assert all(isinstance(lr, lucid.Tensor) for lr in last)
    last[0].fill_(5.0)
    assert optimizer.param_groups[0]["lr"].item() == schedule.get_last_lr()[0].item() == pytest.approx(rows[-1][0][0])


@pytest.mark.parametrize("name", RECORD["EPOCH_CASES"])
def test_step_with_epoch(name):
    optimizer, schedule = begin(name)
    check(name, RECORD["run_epochs"](optimizer, schedule, RECORD["EPOCHS"]), TORCH[f"epochs {name}"], closed=True)


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("restarts")])
def test_step_between_two_epochs(name):
    optimizer, schedule = begin(name)
    check(name, RECORD["run_epochs"](optimizer, schedule, RECORD["FRACTIONS"]), TORCH[f"fractions {name}"])


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("name", RECORD["RESUME_CASES"])
def test_resume_with_last_epoch(name, when):
    kind = CASES[name]["optimizer"][0]
    optimizer = make(kind, STATES[f"{name} {when}"][1])
    schedule = build(lr_scheduler, optimizer, CASES[name]["schedule"], last_epoch=when)
    check(name, run(optimizer, schedule, 40), TORCH[f"resumed {name} {when}"])


def restored(value):
    """What ``plain`` of the recording made of it, back."""
    if isinstance(value, dict) and set(value) == {"Counter"}:
        return Counter(dict(value["Counter"]))
    if isinstance(value, dict) and set(value) == {"inf"}:
        return value["inf"] * np.inf
    if isinstance(value, dict):
        return {key: restored(item) for key, item in value.items()}
    return [restored(item) for item in value] if isinstance(value, list) else value


def keys_of(state):
    return {key: [keys_of(s) for s in value] if key == "_schedulers" else None for key, value in state.items()}


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("name", CASES)
def test_state_of_torch_goes_on(name, when):
    """A state that PyTorch saved has our keys, and leads to PyTorch's further steps."""
    state, groups = restored(STATES[f"{name} {when}"][0]), STATES[f"{name} {when}"][1]
    optimizer, schedule = begin(name)
    assert keys_of(schedule.state_dict()) == keys_of(state)
    for group, options in zip(optimizer.param_groups, groups, strict=True):
        group.update(options)
    given = copy.deepcopy(state)
    schedule.load_state_dict(given)
    assert given == state
    assert schedule.get_last_lr() == state["_last_lr"]
    rows = run(optimizer, schedule, RECORD["STEPS"] - when, first=when)
    check(name, rows, TORCH[f"run {name}"][when:])


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("name", CASES)
def test_own_state_goes_on(name, when):
    """A schedule that is saved to a file and loaded goes on with the same bits; the first one is not touched."""
    optimizer, schedule = begin(name)
    run(optimizer, schedule, when)
    state, options = schedule.state_dict(), copy.deepcopy(options_of(optimizer))
    file = io.BytesIO()
    lucid.save(state, file)
    file.seek(0)
    expected = run(optimizer, schedule, 30, first=when)
    again, loaded = begin(name)
    for group, saved_options in zip(again.param_groups, options, strict=True):
        group.update(saved_options)
    loaded.load_state_dict(lucid.load(file))
    assert loaded.state_dict() == state != schedule.state_dict()
    np.testing.assert_array_equal(run(again, loaded, 30, first=when), expected)


def freed(description, base_lr):
    """A free schedule as told: without optimizer, with a base_lr where it takes one."""
    name, arguments = description
    arguments = {key: RECORD["argument"](value) for key, value in arguments.items()}
    if "schedulers" in arguments:
        arguments["schedulers"] = [freed(inner, base_lr) for inner in arguments["schedulers"]]
    elif name not in ("CyclicLR", "OneCycleLR"):
        arguments["base_lr"] = base_lr
    return getattr(lr_scheduler, name)(**arguments)


@pytest.mark.parametrize("name", CASES)
def test_free_schedule_as_lr(name):
    """A free schedule given as lr does what the bound one does, groups with their own lr included."""
    kind, lrs = CASES[name]["optimizer"]
    schedule = freed(CASES[name]["schedule"], lrs[0])
    groups = [{"params": [Parameter(lucid.zeros(1))]}] + [
        {"params": [Parameter(lucid.zeros(1))], "lr": lr} for lr in lrs[1:]
    ]
    if kind == "sgd":
        optimizer = Momentum(groups, lr=schedule)
    else:
        optimizer = lucid.optim.Adam(groups, lr=schedule, betas=(0.9, 0.99))
    check(name, run(optimizer, schedule), TORCH[f"run {name}"])


@pytest.mark.parametrize("name", [name for name in CASES if "plateau" not in name])
def test_curve(name):
    """The curve from the beginning, of a bound schedule in the middle of things and of a free one."""
    optimizer, schedule = begin(name)
    run(optimizer, schedule, 17)
    before = copy.deepcopy(schedule.state_dict()), copy.deepcopy(options_of(optimizer))
    expected = TORCH[f"run {name}"][:, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if "seq" in name else "error")
        curve = np.asarray(schedule.curve(RECORD["STEPS"] + 1))
        lone = np.asarray(freed(CASES[name]["schedule"], CASES[name]["optimizer"][1][0]).curve(30))
    check(name, curve, expected)
    check(name, lone[:, :1], expected[:30, :1])
    assert schedule.lr_at(60) == curve[60].tolist()
    assert RECORD["plain"](schedule.state_dict()) == RECORD["plain"](before[0])
    assert options_of(optimizer) == before[1]
