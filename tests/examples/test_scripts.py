"""The training scripts that run under lucid and PyTorch, here under lucid: they learn, stop, go on, and draw."""

import importlib.util
import math
import re
from pathlib import Path

import numpy as np
import pytest

import lucid

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
SMALL = {
    "regression": "--samples 320",
    "mlp": "--batch-size 128",
    "cnn": "--batch-size 128 --lr 0.02",
    "vae": "--batch-size 128",
    "char_lstm": "--letters 6000 --hidden 24 --length 20 --batch-size 8",
    "gpt": "--letters 6000 --width 16 --layers 1 --length 16 --batch-size 8 --dropout 0.1",
    "gan": "--batch-size 256",
}


def load(name):
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=SMALL)
def example(request, monkeypatch):
    """A function of arguments that runs an example, small; it returns the losses of its epochs."""
    monkeypatch.delenv("FRAMEWORK", raising=False)
    module = load(request.param)

    def run(*arguments):
        return module.main([*SMALL[request.param].split(), *map(str, arguments)])

    run.module, run.name = module, request.param
    return run


def tensors_of(state):
    """All tensors and numbers of a checkpoint, by their place."""
    if isinstance(state, dict):
        items = state.items()
    elif isinstance(state, (list, tuple)):
        items = enumerate(state)
    else:
        return {"": state.numpy() if isinstance(state, lucid.Tensor) else state}
    return {f"{key}.{rest}": value for key, part in items for rest, value in tensors_of(part).items()}


def test_the_loss_falls(example, capsys):
    losses = example("--epochs", 3)
    assert len(losses) == 3 and all(map(math.isfinite, losses)) and losses[-1] < losses[0]
    printed = capsys.readouterr().out
    assert "lucid" in printed and re.search(r"epoch +3/3", printed)


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(example, tmp_path, monkeypatch):
    """Interrupted after its first epoch and resumed: the same losses and the same last checkpoint, to the bit."""
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    expected = example("--epochs", 2, "--checkpoint", whole)

    save = lucid.save

    def save_and_stop(*arguments):
        save(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(lucid, "save", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            example("--epochs", 2, "--checkpoint", parts)
    lucid.manual_seed(1234)  # what happens in between does not matter
    lucid.rand(5)
    losses = example("--epochs", 2, "--checkpoint", parts, "--resume")
    assert losses == expected
    once, twice = tensors_of(lucid.load(whole)), tensors_of(lucid.load(parts))
    assert once.keys() == twice.keys() and any("step" in key for key in once)
    for key, value in once.items():
        assert np.array_equal(value, twice[key]), key


def test_the_seed_decides(example):
    first, again, other = example("--epochs", 1), example("--epochs", 1), example("--epochs", 1, "--seed", 1)
    assert first == again != other


def test_resume_without_a_checkpoint(example, capsys):
    with pytest.raises(SystemExit):
        example("--resume")
    assert "--resume needs --checkpoint" in capsys.readouterr().err


def test_tensorboard(example, tmp_path):
    pytest.importorskip("tensorboard")
    example("--epochs", 1, "--logdir", tmp_path)
    assert list(tmp_path.rglob("events.out.tfevents.*"))


@pytest.mark.parametrize("name", ["vae", "gan"])
def test_pictures(name, tmp_path):
    pytest.importorskip("matplotlib")
    load(name).main(["--epochs", "1", "--batch-size", "256", "--picture", str(tmp_path / "digits.png")])
    assert (tmp_path / "digits.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["char_lstm", "gpt"])
def test_writing(name, capsys):
    load(name).main([*SMALL[name].split(), "--epochs", "1", "--sample", "50"])
    written = capsys.readouterr().out.split(" s\n", 1)[1]
    assert len(written.removesuffix("\n")) == 70, "20 letters to begin with and 50 more"


def test_gradients_of_the_lstm_end_at_the_border_of_a_part():
    module = load("char_lstm")
    state = module.detach((lucid.ones(2, requires_grad=True) * 2, lucid.ones(2)))
    assert not any(part.requires_grad for part in state)


def test_batchify():
    inputs, targets = zip(*load("char_lstm").batchify(lucid.arange(23), batch_size=2, length=4), strict=True)
    assert [part.tolist() for part in inputs[:1]] == [[[0, 1, 2, 3], [11, 12, 13, 14]]]
    assert lucid.equal(lucid.cat(targets, dim=1), lucid.cat(inputs, dim=1) + 1)
    assert lucid.cat(targets, dim=1).shape == (2, 11)


def test_windows():
    windows = load("gpt").Windows(lucid.arange(10), length=3)
    assert [(x.tolist(), y.tolist()) for x, y in (windows[i] for i in range(len(windows)))] == [
        ([0, 1, 2], [1, 2, 3]),
        ([3, 4, 5], [4, 5, 6]),
        ([6, 7, 8], [7, 8, 9]),
    ]


def test_the_gpt_does_not_see_what_follows():
    module = load("gpt")
    lucid.manual_seed(0)
    model = module.GPT(20, length=8, width=16, layers=2)
    idx = lucid.randint(0, 20, (1, 8))
    other = idx.clone()
    other[0, 5:] = (other[0, 5:] + 1) % 20
    before, after = model(idx)[0], model(other)[0]
    assert lucid.equal(before[:, :5], after[:, :5]) and not lucid.equal(before[:, 5], after[:, 5])


def test_schedule_of_the_gpt():
    factor = load("gpt").schedule(steps=100, warmup=10)
    assert [factor(0), factor(9), factor(10)] == [0.1, 1.0, 1.0]
    assert factor(55) == pytest.approx(0.55) and factor(100) == factor(500) == pytest.approx(0.1)


def test_energy_distance():
    """Against its definition in NumPy, without the pairs of an image with itself."""
    random = np.random.default_rng(0)
    a, b = random.random((7, 1, 2, 2)), random.random((5, 1, 2, 2)) + 0.3

    def mean_distance(x, y, skip):
        pairs = [np.linalg.norm(p - q) for i, p in enumerate(x) for j, q in enumerate(y) if not (skip and i == j)]
        return np.mean(pairs)

    expected = 2 * mean_distance(a, b, False) - mean_distance(a, a, True) - mean_distance(b, b, True)
    got = load("gan").energy_distance(lucid.from_numpy(a), lucid.from_numpy(b))
    assert got == pytest.approx(expected, abs=1e-6)


@pytest.fixture
def compare(monkeypatch):
    """examples/compare.py where PyTorch is not installed, with runs of a moment."""
    monkeypatch.setenv("FRAMEWORK", "lucid")
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    module = load("compare")
    monkeypatch.setitem(module.SETTINGS, "regression", "--samples 320 --epochs 2")
    return module


def test_compare_runs_lucid_alone_without_pytorch(compare, capsys):
    assert compare.main(["regression", "--seeds", "2"]) == 0
    printed = capsys.readouterr().out
    assert "PyTorch is not installed" in printed and re.search(r"\| regression \| 0\.\d+ ± 0\.\d+ \|", printed)


def test_compare_fails_when_an_example_does_not_learn(compare, capsys, monkeypatch):
    monkeypatch.setitem(compare.SETTINGS, "regression", "--samples 320 --epochs 2 --lr 0")
    assert compare.main(["regression", "--seeds", "2"]) == 2
    assert "FAILED regression, lucid, seed 0: the loss went from" in capsys.readouterr().err


def test_every_example_is_compared(compare):
    assert set(compare.SETTINGS) == set(SMALL)
    assert all(callable(getattr(compare, name)) for name in SMALL)


def other_framework(compare, change):
    """Lets lucid stand in for PyTorch too; `change` is done to the second module."""

    def load_either(name, framework):
        module = load(name)
        if framework == "torch":
            change(module)
        return module

    compare.load = load_either


def test_compare_weights(compare, capsys):
    other_framework(compare, lambda module: None)
    assert compare.compare_weights(["regression", "gan"]) == []
    assert "| gan | float64 | 0e+00 | 0e+00 | 0e+00 | 0e+00 |" in capsys.readouterr().out


def test_compare_weights_sees_another_function(compare):
    def change(module):
        module.nn = type("nn", (), dict(vars(module.nn), SiLU=lucid.nn.GELU))

    other_framework(compare, change)
    failed = compare.compare_weights(["regression"])
    assert any(line.startswith("regression, float64: gradients differ by") for line in failed), failed


@pytest.mark.parametrize(("shift", "fails"), [(0.0, False), (0.01, False), (0.5, True)])
def test_compare_training_knows_noise_from_difference(compare, shift, fails):
    def change(module):
        run = module.main
        module.main = lambda arguments: [loss + shift for loss in run(arguments)]

    other_framework(compare, change)
    failed = compare.compare_training(["regression"], ["lucid", "torch"], seeds=3)
    assert bool(failed) is fails and all("differ by more than the seeds" in line for line in failed)
