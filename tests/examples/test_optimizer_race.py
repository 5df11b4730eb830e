"""The example that shows the ways of all update rules."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

import lucid

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def example():
    spec = importlib.util.spec_from_file_location("race_example", ROOT / "examples" / "optimizer_race.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def titles_of(rule, titles):
    return [title for title in titles if title == rule or title.startswith((f"{rule},", f"{rule} of "))]


@pytest.mark.parametrize(("suffix", "steps"), [(".png", 100), (".svg", 5)])
def test_all_rules_run(example, tmp_path, capsys, suffix, steps):
    pytest.importorskip("matplotlib")
    out = tmp_path / f"race{suffix}"
    losses = example.main(["--steps", str(steps), "--out", str(out)])
    exported = {name: getattr(lucid.optim, name) for name in lucid.optim.__all__}
    rules = [n for n, x in exported.items() if isinstance(x, type) and issubclass(x, lucid.optim.Optimizer)]
    for rule in set(rules) - {"Optimizer"}:
        assert titles_of(rule, losses), f"{rule} does not run"
    printed = capsys.readouterr().out
    for title, three in losses.items():
        assert len(three) == 3 and title in printed
        for loss, surface in zip(three, example.SURFACES.values(), strict=True):
            assert steps < 100 or loss < surface.loss(*surface.start), f"{title} does not come down"
    start = out.read_bytes()[:200]
    assert start.startswith(b"\x89PNG") if suffix == ".png" else b"<?xml" in start


def test_every_rule_has_its_rates(example):
    """Else each run searches for them."""
    assert set(example.contestants()) <= set(example.LEARNING_RATES)


def test_minima(example):
    for surface in example.SURFACES.values():
        assert surface.loss(*surface.minimum) == pytest.approx(0, abs=1e-30)
        assert example.stays(surface, np.array([surface.start, surface.minimum]))


def test_search_avoids_what_gets_lost(example):
    surface, make = example.SURFACES["Ravine"], lucid.optim.SGD
    lost = example.run("SGD", make, surface, 1.0, 300)  # the largest rate that converges is 2 / 100
    assert len(lost) < 300 and example.final_loss(surface, lost) == math.inf
    assert example.best_rate("SGD", make, surface) == 0.01


def test_a_way_is_that_of_the_rule(example):
    surface, lr = example.SURFACES["Rosenbrock"], 0.001
    x, y = surface.start
    expected = [(x, y)]
    for _ in range(5):
        x, y = x - lr * (2 * (x - 1) - 400 * x * (y - x**2)), y - lr * 200 * (y - x**2)
        expected.append((x, y))
    points = example.run("SGD", lucid.optim.SGD, surface, lr, 5)
    np.testing.assert_allclose(points, expected, rtol=1e-12)


def test_it_runs_without_matplotlib(example, tmp_path, capsys, monkeypatch):
    def absent(*_):
        raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")

    monkeypatch.setattr(example, "draw", absent)
    example.main(["--steps", "2", "--out", str(tmp_path / "race.png")])
    assert "matplotlib is not installed (pip install matplotlib)" in capsys.readouterr().out


@pytest.mark.parametrize("options", [["--steps", "0"], ["--out", "race.pdf"]])
def test_wrong_options(example, capsys, options):
    with pytest.raises(SystemExit):
        example.main(options)
    assert "must" in capsys.readouterr().err
