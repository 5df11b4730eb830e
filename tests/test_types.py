"""What a type checker, and with it an editor, knows of the package: a typed program passes mypy's strict mode."""

from __future__ import annotations

import importlib.util
import math
import re
from pathlib import Path

import pytest
from mypy import api

import lucid

HERE = Path(__file__).resolve().parent
PROGRAM = HERE / "typed_training.py"
TENSOR = "lucid.Tensor"

# expression -> its type; x is a tensor
TYPES = {
    "lucid.tensor([1.0])": TENSOR,
    "x + 1": TENSOR,
    "2 / x": TENSOR,
    "x @ x": TENSOR,
    "x == x": TENSOR,
    "x[0, 1:]": TENSOR,
    "-x": TENSOR,
    "x.sum(dim=0)": TENSOR,
    "x.clamp_(0, 1)": TENSOR,
    "x.float()": TENSOR,
    "x.to(lucid.float64)": TENSOR,
    "x.max()": TENSOR,
    "x.max(dim=0).indices": TENSOR,
    "x.median(1).values": TENSOR,
    "x.grad": f"{TENSOR} | None",
    "x.nonzero(as_tuple=True)": f"tuple[{TENSOR}, ...]",
    "lucid.where(x > 0)": f"tuple[{TENSOR}, ...]",
    "lucid.where(x > 0, x, 0)": TENSOR,
    "lucid.linalg.eigh(x).eigenvalues": TENSOR,
    "x.shape": "tuple[int, ...]",
    "x.size()": "tuple[int, ...]",
    "x.size(0)": "int",
    "x.dtype": "lucid.dtype",
    "F.relu(x)": TENSOR,
    "F.cross_entropy(x, x)": TENSOR,
    "nn.Linear(2, 3)": "nn.Linear",
    "nn.Linear(2, 3)(x)": TENSOR,
    "nn.Linear(2, 3).weight": "nn.Parameter",
    "nn.LSTM(2, 3).train()": "nn.LSTM",
    "nn.MSELoss()(x, x)": TENSOR,
}
# what is wrong in it -> the kind of mypy's error
WRONG = {
    "x.summ()": "attr-defined",
    "x + 'a'": "arg-type",
    "nn.Linear(2, 3)(x, x)": "call-arg",
    "nn.Linear('2', 3)": "arg-type",
    "lucid.relu(1.0)": "arg-type",
}
START = """
import lucid
import lucid.nn.functional as F
from lucid import nn
from typing_extensions import assert_type

x = lucid.ones(2, 2)
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("mypy_cache")


def run_mypy(cache, path):
    """mypy's lines for a program outside of the project, in strict mode."""
    text, trouble, _ = api.run(["--strict", "--config-file=", f"--cache-dir={cache}", "--no-pretty", str(path)])
    assert not trouble
    return text.splitlines()


@pytest.mark.slow
def test_a_typed_training_program_passes_strict_mode(cache, monkeypatch):
    monkeypatch.setenv("MYPYPATH", str(Path(lucid.__file__).parents[1]))
    assert run_mypy(cache, PROGRAM) == ["Success: no issues found in 1 source file"]


@pytest.mark.slow
def test_expressions_have_the_types_that_editors_complete(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("MYPYPATH", str(Path(lucid.__file__).parents[1]))
    program = tmp_path / "expressions.py"
    program.write_text(START + "".join(f"assert_type({e}, {kind})\n" for e, kind in TYPES.items()))
    assert run_mypy(cache, program) == ["Success: no issues found in 1 source file"]


@pytest.mark.slow
@pytest.mark.parametrize("expression", WRONG)
def test_mistakes_are_found(cache, tmp_path, monkeypatch, expression):
    monkeypatch.setenv("MYPYPATH", str(Path(lucid.__file__).parents[1]))
    program = tmp_path / "mistake.py"
    program.write_text(f"{START}{expression}\n")
    errors = [m[1] for line in run_mypy(cache, program) if (m := re.search(r"error: .*\[([a-z-]+)\]$", line))]
    assert errors == [WRONG[expression]]


def test_the_typed_training_program_runs(tmp_path):
    spec = importlib.util.spec_from_file_location("typed_training", PROGRAM)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    assert math.isfinite(program.train(str(tmp_path / "model.safetensors")))


def test_exported_names_are_there():
    missing = [name for name in lucid.__all__ if not hasattr(lucid, name)]
    assert not missing
    assert len(set(lucid.__all__)) == len(lucid.__all__)
