"""The example that `make train` runs."""

import importlib.util
from pathlib import Path

import pytest

import lucid

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def example():
    spec = importlib.util.spec_from_file_location("digits_example", ROOT / "examples" / "digits.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("model", "at_least"), [("mlp", 0.97), ("cnn", 0.985)])
def test_it_learns(example, tmp_path, capsys, model, at_least):
    result = example.main(["--model", model, "--output", str(tmp_path)])
    assert result >= at_least
    printed = capsys.readouterr().out
    assert f"{result:.2%}" in printed and printed.count("epoch ") == example.EPOCHS[model]
    assert set(lucid.load(tmp_path / "checkpoint.safetensors")) == {"options", "model"}


def test_same_seed_same_bits(example, tmp_path):
    def run(folder, seed, threads):
        before = lucid.get_num_threads()
        lucid.set_num_threads(threads)
        try:
            result = example.main(["--epochs", "2", "--seed", str(seed), "--output", str(tmp_path / folder)])
        finally:
            lucid.set_num_threads(before)
        return result, (tmp_path / folder / "checkpoint.safetensors").read_bytes()

    first, again, other = run("a", 1, 1), run("b", 1, 2), run("c", 2, 2)
    assert first == again, "one seed gave two results with 1 and 2 threads"
    assert first[1] != other[1]


def test_picture(example, tmp_path):
    pytest.importorskip("matplotlib")
    example.main(["--epochs", "1", "--output", str(tmp_path)])
    assert (tmp_path / "digits.png").read_bytes().startswith(b"\x89PNG")


def test_it_runs_without_the_extras(example, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(example, "tqdm", None)

    def absent(*_):
        raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")

    monkeypatch.setattr(example, "draw", absent)
    example.main(["--epochs", "1", "--output", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "tqdm is not installed (pip install tqdm)" in printed
    assert "matplotlib is not installed (pip install matplotlib)" in printed


def test_wrong_options(example, capsys):
    for options in (["--epochs", "0"], ["--batch-size", "0"], ["--model", "gpt"]):
        with pytest.raises(SystemExit):
            example.main(options)
    assert "must be at least 1" in capsys.readouterr().err
