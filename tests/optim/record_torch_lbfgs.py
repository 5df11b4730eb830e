"""Records what torch.optim.LBFGS does, as torch_lbfgs.npz, for tests that run without PyTorch.

Run with PyTorch installed: ``python tests/optim/record_torch_lbfgs.py``.

For each case and number type: all parameters and the returned loss after each step. For float32 also how far rounding
carries: the largest distance from the float64 trajectory after each step, over starts that differ in their last bits.
For the cases of EXCHANGE the state after half of the steps in float64, from which a test goes on.

The cases of SPOILED have a loss or a gradient that is not finite from some evaluation on: parameters and counts at the
end, where PyTorch gets there without an error.

The problems are written once, for any library that has PyTorch's operations; their data come from integer arithmetic,
so they are the same bits on every machine.
"""

from __future__ import annotations

import itertools
import runpy
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("torch_lbfgs.npz")
uniform = runpy.run_path(str(Path(__file__).with_name("record_torch_trajectories.py")))["uniform"]
WOLFE = {"line_search_fn": "strong_wolfe"}
STEPS = 4
RUNS = 20  # in float32
SHAPES: dict[str, list[tuple[int, ...]]] = {
    "rosenbrock": [(2,)],
    "quadratic": [(4, 5), (), (17,), (3, 2, 2)],
    "network": [(6, 3), (6,), (2, 6), (2,)],
}
# (problem, options)
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "rosenbrock": ("rosenbrock", {"lr": 0.1, "max_iter": 8}),
    "rosenbrock_wolfe": ("rosenbrock", {"max_iter": 4, **WOLFE}),
    "rosenbrock_small_history": ("rosenbrock", {"max_iter": 4, "history_size": 2, **WOLFE}),
    "rosenbrock_long_first_look": ("rosenbrock", {"lr": 30.0, "max_iter": 3, **WOLFE}),
    "rosenbrock_short_first_look": ("rosenbrock", {"lr": 1e-4, "max_iter": 3, **WOLFE}),
    "rosenbrock_few_evaluations": ("rosenbrock", {"lr": 5.0, "max_iter": 4, "max_eval": 5, **WOLFE}),
    "rosenbrock_coarse": ("rosenbrock", {"lr": 30.0, "max_iter": 3, "tolerance_change": 0.5, **WOLFE}),
    "quadratic": ("quadratic", {"max_iter": 3}),
    "quadratic_wolfe": ("quadratic", {"max_iter": 3, **WOLFE}),
    "quadratic_small_history": ("quadratic", {"max_iter": 4, "history_size": 3}),
    "quadratic_one_pair_wolfe": ("quadratic", {"max_iter": 5, "history_size": 1, **WOLFE}),
    "quadratic_to_the_end": ("quadratic", {"max_iter": 40, "tolerance_grad": 1e-2, **WOLFE}),
    "quadratic_tolerance": ("quadratic", {"tolerance_change": 1e-2}),
    "network": ("network", {"lr": 0.5, "max_iter": 4}),
    "network_wolfe": ("network", {"max_iter": 4, **WOLFE}),
    "network_small_history_wolfe": ("network", {"max_iter": 4, "history_size": 5, **WOLFE}),
}
EXCHANGE = ("rosenbrock_wolfe", "quadratic_small_history", "network_small_history_wolfe")
# (line search, what is spoiled, with what, from which evaluation on)
SPOILED = list(itertools.product((None, "strong_wolfe"), ("loss", "gradient"), (np.nan, np.inf, -np.inf), (1, 2, 3, 5)))
SPOILED_OPTIONS = {"lr": 0.5, "max_iter": 6}
VECTORS = ("old_dirs", "old_stps", "ro")


def start(problem: str) -> list[np.ndarray]:
    """Where the parameters begin."""
    if problem == "rosenbrock":
        return [np.array([-1.5, 1.25])]
    return [uniform(31 + i, int(np.prod(shape))).reshape(shape) for i, shape in enumerate(SHAPES[problem])]


def loss(problem: str, params: list[Any], tensor: Any) -> Any:
    """The loss, where ``tensor`` makes a library's tensor from an array."""
    if problem == "rosenbrock":
        x, y = params[0][0], params[0][1]
        return 100 * (y - x * x) ** 2 + (1 - x) ** 2
    if problem == "quadratic":  # each number with its own curvature, all coupled through their sum
        total, mean = 0.0, 0.0
        for i, p in enumerate(params):
            shape = SHAPES[problem][i]
            size = int(np.prod(shape))
            curvature = tensor((0.5 + (np.arange(size) * 7 % 11) / 8).reshape(shape))
            target = tensor(uniform(51 + i, size).reshape(shape))
            total = total + (curvature * (p - target) ** 2).sum()
            mean = mean + p.sum()
        return total + mean * mean / 64
    x, target = tensor(uniform(71, 60).reshape(20, 3)), tensor(uniform(72, 40).reshape(20, 2))
    hidden = (x @ params[0].T + params[1]).tanh()
    return ((hidden @ params[2].T + params[3] - target) ** 2).mean()


def spoiled(optimizer: Any, p: Any, tensor: Any, what: str, value: float, since: int) -> Any:
    """The closure of a case of SPOILED."""
    calls = 0

    def closure() -> Any:
        nonlocal calls
        calls += 1
        optimizer.zero_grad()
        found = loss("rosenbrock", [p], tensor)
        found.backward()
        if calls < since:
            return found
        if what == "loss":
            return value
        p.grad = tensor(np.array([value, 1.0]))
        return found

    return closure


def main() -> None:
    """Writes the file."""
    import torch

    def numbers(x: Any) -> np.ndarray:
        return np.array(x.detach().numpy() if torch.is_tensor(x) else x)

    def run(case: str, name: str, moved: int = 0) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """What is recorded, and the state in the middle. ``moved``: the last bits of the start, 0 for none."""
        problem, options = CASES[case]

        def tensor(array: np.ndarray) -> torch.Tensor:
            return torch.tensor(array, dtype=getattr(torch, name))

        starts = [a * (1 + np.sign(uniform(900 * moved + i, a.size)).reshape(a.shape) * 2.0**-23 * (moved > 0))
                  for i, a in enumerate(start(problem))]  # fmt: skip
        params = [torch.nn.Parameter(tensor(a)) for a in starts]
        optimizer = torch.optim.LBFGS(params, **options)

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            value = loss(problem, params, tensor)
            value.backward()
            return value

        seen, losses, counts, middle = [], [], [], {}
        for t in range(STEPS):
            if t == STEPS // 2:
                for key, value in optimizer.state[params[0]].items():
                    if isinstance(value, list):
                        value = np.array([numbers(np.nan if x is None else x) for x in value])
                    middle[key] = numbers(value)
            losses.append(optimizer.step(closure).item())
            seen.append(torch.cat([p.detach().reshape(-1) for p in params]).numpy().copy())
            counts.append([optimizer.state[params[0]][key] for key in ("func_evals", "n_iter")])
        return {"": np.stack(seen), "/loss": np.array(losses), "/counts": np.array(counts)}, middle

    found = {"torch_version": np.array(torch.__version__)}
    for case in CASES:
        exact, middle = run(case, "float64")
        found |= {f"{case}/float64{key}": value for key, value in exact.items()}
        if case in EXCHANGE:
            found |= {f"{case}/state/{key}": value for key, value in middle.items()}
        runs = [run(case, "float32", moved)[0][""] for moved in range(RUNS)]
        found[f"{case}/float32"] = runs[0]
        found[f"{case}/float32/spread"] = np.max([np.abs(x - exact[""]).max(axis=1) for x in runs], axis=0)
    for number, (line_search, what, value, since) in enumerate(SPOILED):
        p = torch.nn.Parameter(torch.tensor(start("rosenbrock")[0]))
        optimizer = torch.optim.LBFGS([p], line_search_fn=line_search, **SPOILED_OPTIONS)
        evaluate = spoiled(optimizer, p, lambda a: torch.tensor(a), what, value, since)
        try:
            for _ in range(2):
                optimizer.step(evaluate)
        except IndexError:  # its line search, at a first point that is flat enough and has a NaN for a loss
            continue
        counts = [optimizer.state[p][key] for key in ("func_evals", "n_iter")]
        found[f"spoiled/{number}"] = np.array([*p.tolist(), *counts])
    np.savez_compressed(FILE, **found)
    print(f"{FILE.name}: {FILE.stat().st_size} bytes, PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
