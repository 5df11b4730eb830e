"""Records what PyTorch's optimizers do, as torch_trajectories.npz, for tests that run without PyTorch.

Run with PyTorch installed: ``python tests/optim/record_torch_trajectories.py``.

For each case of the rules in rules/: both parameters after the steps of CHECKPOINTS in float64; the state at the end;
and in float32 the parameters at the end from PyTorch's plain loop and its fastest one. Start and gradients come from
integer arithmetic, so they are the same bits on every machine.
"""

from __future__ import annotations

import inspect
import runpy
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("torch_trajectories.npz")
STEPS = 1000
CHECKPOINTS = (1, 2, 10, 100, 1000)
SHAPES = ((96,), (17,))
RULES: dict[str, dict[str, Any]] = {}
for path in sorted(Path(__file__).with_name("rules").glob("*.py")):
    RULES |= runpy.run_path(str(path))["RULES"]
CASES = {
    f"{name} {options}": (name, options, rule.get("shapes", SHAPES)[:2])
    for name, rule in RULES.items()
    for options in [*rule.get("torch", []), *rule.get("torch_in_bfloat16", [])]
}


def uniform(seed: int, size: int) -> np.ndarray:
    """Numbers in [-1, 1) that float32 holds exactly (splitmix64)."""
    with np.errstate(over="ignore"):
        z = (np.arange(size, dtype=np.uint64) + np.uint64(seed * 1_000_003)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(41)).astype(np.float64) / 2.0**22 - 1


def start(parameter: int, shape: tuple[int, ...]) -> np.ndarray:
    """Where a parameter begins."""
    return uniform(7 + parameter, int(np.prod(shape))).reshape(shape)


def gradient(parameter: int, shape: tuple[int, ...], t: int) -> np.ndarray | None:
    """Its gradient at step t = 1, 2, ...: noise around a mean that is large for some numbers and 0 for others, at sizes
    from 2^-8 to 2^4. The second parameter has none at every third step."""
    if parameter == 1 and t % 3 == 0:
        return None
    size = int(np.prod(shape))
    mean = np.round(uniform(100 + parameter, size) * 4) / 4
    scale = 2.0 ** (np.arange(size) % 13 - 8)
    noise = uniform(1000 + 10 * t + parameter, size)
    return ((noise + mean) * scale).astype(np.float32).astype(np.float64).reshape(shape)


def main() -> None:
    """Writes the file."""
    import torch

    def run(name: str, options: dict, shapes: Any, dtype: torch.dtype, **how: bool) -> tuple[list, list]:
        params = [torch.nn.Parameter(torch.tensor(start(i, shape), dtype=dtype)) for i, shape in enumerate(shapes)]
        optimizer = getattr(torch.optim, name)(params, **options, **how)
        seen = []
        for t in range(1, STEPS + 1):
            for i, p in enumerate(params):
                g = gradient(i, shapes[i], t)
                p.grad = None if g is None else torch.tensor(g, dtype=dtype)
            optimizer.step()
            if t in CHECKPOINTS:
                seen.append(torch.cat([p.detach().reshape(-1) for p in params]).numpy().copy())
        return seen, [optimizer.state[p] for p in params]

    found = {"torch_version": np.array(torch.__version__)}
    for case, (name, options, shapes) in CASES.items():
        arguments = inspect.signature(getattr(torch.optim, name)).parameters
        plain = {"foreach": False} if "foreach" in arguments else {}
        fast = {"fused": True} if "fused" in arguments else {"foreach": True} if "foreach" in arguments else {}
        seen, states = run(name, options, shapes, torch.float64, **plain)
        found[f"{case}/float64"] = np.stack(seen)
        for key in dict.fromkeys(key for s in states for key in s):
            values = [s[key].numpy().reshape(-1) for s in states if s.get(key) is not None]
            if values:
                found[f"{case}/{key}"] = np.concatenate(values)
        found[f"{case}/float32"] = run(name, options, shapes, torch.float32, **plain)[0][-1]
        found[f"{case}/float32_fast"] = run(name, options, shapes, torch.float32, **fast)[0][-1]
    np.savez_compressed(FILE, **found)
    print(f"{FILE.name}: {FILE.stat().st_size} bytes, PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
