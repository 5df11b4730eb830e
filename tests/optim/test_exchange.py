"""States of optimizers go from PyTorch to lucid and back, and runs continue to the same numbers.

PyTorch is there as recorded files: see record_torch_states.py.
"""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

import lucid

RECORD = runpy.run_path(str(Path(__file__).with_name("record_torch_states.py")))
STATES = np.load(RECORD["FILE"])
CASES = list(RECORD["CASES"])
# After 14 more steps, each of which rounds: 1e-16 and 6e-8 of the largest numbers.
TOLERANCES = {"float64": 1e-13, "float32": 2e-6}

every_case = pytest.mark.parametrize("case", CASES)
every_kind = pytest.mark.parametrize("kind", RECORD["KINDS"])


def recorded(key):
    return RECORD["unpacked"](STATES[f"{key}/layout"], STATES[f"{key}/numbers"])


def continued(key, case, kind, state_dict):
    """A run with ``state_dict``, loaded into an optimizer that was made with the rule's defaults."""
    params = RECORD["parameters"](lucid, kind, STATES[f"{key}/start"])
    optimizer = RECORD["optimizer_of"](lucid, RECORD["CASES"][case][0], params)
    optimizer.load_state_dict(state_dict)
    return RECORD["go_on"](lucid, params, optimizer, RECORD["SAVED"] + 1, RECORD["CHECKPOINTS"][-1]), optimizer


def assert_same_numbers(mine, theirs, kind):
    tolerance = TOLERANCES[kind]
    np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)


@every_case
@every_kind
def test_state_of_pytorch_continues_here(case, kind):
    """Tensors as arrays, None and options that only PyTorch has: all of it loads."""
    key = f"{case}/{kind}/from_torch"
    state_dict = recorded(key)
    mine, optimizer = continued(key, case, kind, state_dict)
    assert_same_numbers(mine, STATES[f"{key}/continued"], kind)
    for group, theirs in zip(optimizer.state_dict()["param_groups"], state_dict["param_groups"], strict=True):
        assert {option: group[option] for option in theirs} == theirs


@every_case
@every_kind
def test_state_of_lucid_continues_in_pytorch(case, kind):
    """What PyTorch was given is what lucid saves, and PyTorch's continued run is ours, gone on with or loaded again."""
    key = f"{case}/{kind}/from_lucid"
    params, optimizer = RECORD["saved_run"](lucid, case, kind, {})
    layout, numbers = RECORD["packed"](optimizer.state_dict())
    assert json.loads(str(layout)) == json.loads(str(STATES[f"{key}/layout"])), "record again: the layout has changed"
    np.testing.assert_allclose(numbers, STATES[f"{key}/numbers"], rtol=10 * TOLERANCES[kind], atol=1e-30)
    mine = RECORD["go_on"](lucid, params, optimizer, RECORD["SAVED"] + 1, RECORD["CHECKPOINTS"][-1])
    assert_same_numbers(mine, STATES[f"{key}/continued"], kind)
    assert_same_numbers(continued(key, case, kind, recorded(key))[0], STATES[f"{key}/continued"], kind)


@every_case
def test_both_save_the_same_names(case):
    """The same state, in shape and number type too; options of PyTorch that are not here change no number."""
    for kind in RECORD["KINDS"]:
        theirs, mine = (
            json.loads(str(STATES[f"{case}/{kind}/{source}/layout"])) for source in ("from_torch", "from_lucid")
        )
        assert mine["state"] == theirs["state"]
        for group, other in zip(mine["param_groups"], theirs["param_groups"], strict=True):
            unknown = set(other) - set(group)
            assert unknown <= {"foreach", "fused", "capturable", "differentiable"}
            assert {name: group[name] for name in group if name in other} == {
                name: other[name] for name in group if name in other
            }


def test_tensors_as_options_load():
    """PyTorch's lr may be a tensor."""
    case = "SGD {'lr': 0.01}"
    key = f"{case}/float64/from_torch"
    state_dict = recorded(key)
    for group in state_dict["param_groups"]:
        group["lr"] = np.asarray(group["lr"])
    mine, _ = continued(key, case, "float64", state_dict)
    assert_same_numbers(mine, STATES[f"{key}/continued"], "float64")
