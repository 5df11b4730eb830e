"""Runs the examples under lucid and, where it is installed, under PyTorch, and compares the two: `make examples`.

    python examples/compare.py                    all of them
    python examples/compare.py mlp cnn --seeds 3  some, with fewer seeds

1. The same weights. A model is built in lucid, saved, and its file loaded into PyTorch's model: the names must be the
   same, and on one batch the outputs, the loss and every gradient; then the losses of ten steps of training and the
   outputs of the trained models in eval mode. In float64 nothing but the order of sums may differ (10^-9 of the largest
   number), in float32 rounding (10^-4).
2. The same training. Random numbers differ between the frameworks, so each script runs with several seeds, small, and
   the mean losses must agree as far as the seeds do: Student's t of the two means stays below the value that chance
   exceeds once in a thousand times. Under lucid alone each loss has to fall.
"""

import argparse
import contextlib
import importlib.util
import io
import math
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import lucid

HERE = Path(__file__).resolve().parent

# The settings of the second part, a second or two a run.
SETTINGS = {
    "regression": "--epochs 20",
    "mlp": "--epochs 20",
    "cnn": "--epochs 4",
    "vae": "--epochs 6",
    "char_lstm": "--letters 50000 --hidden 64 --epochs 4",
    "gpt": "--letters 50000 --length 32 --width 32 --layers 2 --epochs 4",
    "gan": "--epochs 8 --batch-size 64",
}
TOLERANCE = {"float32": 1e-4, "float64": 1e-9}
STUDENT = {2: 31.6, 3: 8.61, 4: 5.96, 5: 5.04, 6: 4.59, 7: 4.32, 8: 4.14}  # by seeds: 2n - 2 degrees, 0.1 %, both sides


def load(name, framework):
    """An example as a module, with its imports switched to `framework`."""
    os.environ["FRAMEWORK"] = framework
    spec = importlib.util.spec_from_file_location(f"{name}_{framework}", HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- 1. the same weights: for each example its model without dropout, and the outputs and the loss of a batch ----


def regression(m, batch):
    model = m.Regressor()
    x, y = batch.floats(32, 10), batch.floats(32, 1)
    return model, lambda: outputs_and_loss(model(x), lambda out: m.F.mse_loss(out, y))


def mlp(m, batch):
    model = m.MLP(dropout=0.0)
    x, y = batch.floats(32, 1, 8, 8), batch.integers(10, 32)
    return model, lambda: outputs_and_loss(model(x), lambda out: m.F.cross_entropy(out, y, label_smoothing=0.05))


def cnn(m, batch):
    model = m.CNN()
    x, y = batch.floats(16, 1, 8, 8), batch.integers(10, 16)
    return model, lambda: outputs_and_loss(model(x), lambda out: m.F.cross_entropy(out, y))


def vae(m, batch):
    model = m.VAE()
    x, noise = batch.uniform(16, 1, 8, 8), batch.floats(16, 8)
    model.reparameterize = lambda mu, logvar: mu + m.torch.exp(0.5 * logvar) * noise

    def run():
        logits, mu, logvar = model(x)
        return logits, m.loss_function(logits, x, mu, logvar)

    return model, run


def char_lstm(m, batch):
    model = m.CharLSTM(30, hidden=48, dropout=0.0)
    x, y = batch.integers(30, 8, 20), batch.integers(30, 8 * 20)
    return model, lambda: outputs_and_loss(model(x)[0], lambda out: m.F.cross_entropy(out.reshape(-1, 30), y))


def gpt(m, batch):
    model = m.GPT(30, length=24, width=32, layers=2)
    x, y = batch.integers(30, 8, 24), batch.integers(30, 8, 24)
    return model, lambda: model(x, y)


def gan(m, batch):
    model = m.nn.ModuleDict({"generator": m.Generator(), "discriminator": m.Discriminator(dropout=0.0)})
    z, ones = batch.floats(16, 32, 1, 1), batch.uniform(16)

    def run():
        drawn = model["generator"](z)
        return drawn, m.nn.BCEWithLogitsLoss()(model["discriminator"](drawn), ones)

    return model, run


def outputs_and_loss(outputs, loss):
    return outputs, loss(outputs)


class Batch:
    """Numbers for inputs and targets, the same in both frameworks."""

    def __init__(self, torch, dtype):
        self.torch, self.dtype, self.random = torch, dtype, np.random.RandomState(0)

    def floats(self, *shape):
        return self.torch.from_numpy(self.random.randn(*shape).astype(self.dtype))

    def uniform(self, *shape):
        return self.torch.from_numpy(self.random.rand(*shape).astype(self.dtype))

    def integers(self, high, *shape):
        return self.torch.from_numpy(self.random.randint(0, high, shape))


def train_ten_steps(m, model, run):
    """What comes out of a model: the outputs, the gradients and the losses of ten steps, the outputs at the end."""
    optimizer = m.torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    losses, seen = [], {}
    for step in range(10):
        outputs, loss = run()
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            seen["outputs"] = outputs.detach().numpy().copy()
            seen["gradients"] = {name: p.grad.numpy().copy() for name, p in model.named_parameters()}
        m.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with m.torch.no_grad():
        seen["outputs, trained"] = run()[0].numpy().copy()
    return seen | {"losses": np.array(losses)}


def largest(arrays):
    return max(float(np.abs(array).max()) for array in arrays)


def same_weights(name, dtype):
    """Moves the weights of an example's model into PyTorch; returns the largest differences, each relative."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.safetensors"
        for framework in ("lucid", "torch"):
            m = load(name, framework)
            m.torch.manual_seed(0)
            model, run = globals()[name](m, Batch(m.torch, dtype))
            if framework == "lucid":
                lucid.save(model.state_dict(), file)
            else:
                weights = {key: m.torch.from_numpy(value.numpy()) for key, value in lucid.load(file).items()}
                if list(weights) != list(model.state_dict()):
                    raise AssertionError(f"{name}: the names of the weights differ: {list(weights)}")
                model.load_state_dict(weights, strict=True)
            if dtype == "float64":
                model.double()
            found[framework] = train_ten_steps(m, model, run)
    differences = {}
    for what, expected in found["torch"].items():
        if isinstance(expected, dict):
            got = [found["lucid"][what][key] - value for key, value in expected.items()]
            differences[what] = largest(got) / largest(expected.values())
        else:
            differences[what] = largest([found["lucid"][what] - expected]) / largest([expected])
    return differences


def compare_weights(names):
    """Prints the first table; returns what failed."""
    failed = []
    print("The weights of lucid's model in PyTorch's: the largest difference, relative to the largest number\n")
    print("| example | numbers | outputs | gradients | losses of 10 steps | outputs then |")
    print("|---|---|---|---|---|---|")
    for name in names:
        for dtype, tolerance in TOLERANCE.items():
            differences = same_weights(name, dtype)
            columns = [differences[what] for what in ("outputs", "gradients", "losses", "outputs, trained")]
            print(f"| {name} | {dtype} | " + " | ".join(f"{value:.0e}" for value in columns) + " |", flush=True)
            failed += [
                f"{name}, {dtype}: {what} differ by {value:.1e}, more than {tolerance:.0e}"
                for what, value in differences.items()
                if not value <= tolerance
            ]
    return failed


# ---- 2. the same training ----


def run_once(module, name, seed):
    """The losses of a run, and its seconds."""
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        losses = module.main([*SETTINGS[name].split(), "--seed", str(seed)])
    return losses, time.perf_counter() - start


def compare_training(names, frameworks, seeds):
    """Prints the second table; returns what failed."""
    failed = []
    print(f"The loss on held-out data after a short training with {seeds} seeds, mean ± standard deviation,")
    print("and the seconds of the quickest run\n")
    titles = {"lucid": "lucid", "torch": "PyTorch"}
    columns = [f"loss, {titles[f]}" for f in frameworks] + [f"s, {titles[f]}" for f in frameworks]
    columns += [f"t (at most {STUDENT[seeds]})"] if len(frameworks) == 2 else []
    print(f"| example | {' | '.join(columns)} |")
    print("|---" * (1 + len(columns)) + "|")
    for name in names:
        modules = {framework: load(name, framework) for framework in frameworks}
        last, seconds = {f: [] for f in frameworks}, {f: [] for f in frameworks}
        for seed in range(seeds):
            for framework, module in modules.items():  # in turns, so that what else the machine does disturbs both
                losses, duration = run_once(module, name, seed)
                last[framework].append(losses[-1])
                seconds[framework].append(duration)
                if not losses[-1] < losses[0]:
                    failed.append(f"{name}, {framework}, seed {seed}: the loss went from {losses[0]} to {losses[-1]}")
        mean = {f: statistics.mean(last[f]) for f in frameworks}
        deviation = {f: statistics.stdev(last[f]) for f in frameworks}
        cells = [f"{mean[f]:.4f} ± {deviation[f]:.4f}" for f in frameworks]
        cells += [f"{min(seconds[f]):.2f}" for f in frameworks]
        if len(frameworks) == 2:
            error = math.hypot(*deviation.values()) / math.sqrt(seeds)
            t = abs(mean["lucid"] - mean["torch"]) / error
            cells.append(f"{t:.1f}")
            if not t <= STUDENT[seeds]:
                failed.append(
                    f"{name}: the losses {cells[0]} and {cells[1]} differ by more than the seeds (t = {t:.1f})"
                )
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    return failed


def main(arguments=None):
    """Compares; returns how many things failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("examples", nargs="*", metavar="example", help=f"of {', '.join(SETTINGS)} (default: all)")
    parser.add_argument("--seeds", type=int, choices=STUDENT, default=5, help="runs of each (default: %(default)s)")
    parser.add_argument("--threads", type=int, help="of both frameworks (default: what each chooses itself)")
    args = parser.parse_args(arguments)
    names = args.examples or list(SETTINGS)
    if unknown := set(names) - set(SETTINGS):
        parser.error(f"no example is called {', '.join(sorted(unknown))}; there are {', '.join(SETTINGS)}")

    frameworks = ["lucid"]
    try:
        import torch

        frameworks.append("torch")
        print(f"lucid {lucid.__version__} beside PyTorch {torch.__version__}\n")
    except ImportError:
        print("PyTorch is not installed (.venv/bin/python -m pip install torch): lucid alone\n")
    if args.threads:
        for framework in frameworks:
            sys.modules[framework].set_num_threads(args.threads)

    failed = []
    if "torch" in frameworks:
        failed += compare_weights(names)
        print()
    failed += compare_training(names, frameworks, args.seeds)
    for line in failed:
        print(f"FAILED {line}", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    sys.exit(bool(main()))
