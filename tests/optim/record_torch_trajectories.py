"""Records what torch.optim.Adam and AdamW do, as torch_trajectories.npz, for tests that run without PyTorch.

Run with PyTorch installed: ``python tests/optim/record_torch_trajectories.py``.

For each case: both parameters after the steps of CHECKPOINTS in float64; the state at the end; and in float32 the
parameters at the end from PyTorch's plain and fused loops. Start and gradients come from integer arithmetic, so they
are the same bits on every machine.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("torch_trajectories.npz")
STEPS = 1000
CHECKPOINTS = (1, 2, 10, 100, 1000)
SIZES = (96, 17)
CASES = {
    "adam": ("Adam", {}),
    "adam_l2": ("Adam", {"weight_decay": 0.05}),
    "adam_amsgrad": ("Adam", {"amsgrad": True}),
    "adam_maximize": ("Adam", {"maximize": True}),
    "adam_betas": ("Adam", {"betas": (0.5, 0.95), "eps": 1e-3, "lr": 3e-3}),
    "adam_everything": ("Adam", {"weight_decay": 0.05, "amsgrad": True, "maximize": True}),
    "adamw": ("AdamW", {}),
    "adamw_amsgrad": ("AdamW", {"amsgrad": True, "weight_decay": 0.1}),
    "adamw_everything": ("AdamW", {"weight_decay": 0.1, "amsgrad": True, "maximize": True, "betas": (0.95, 0.99)}),
}


def uniform(seed: int, size: int) -> np.ndarray:
    """Numbers in [-1, 1) that float32 holds exactly (splitmix64)."""
    with np.errstate(over="ignore"):
        z = (np.arange(size, dtype=np.uint64) + np.uint64(seed * 1_000_003)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(41)).astype(np.float64) / 2.0**22 - 1


def start(parameter: int) -> np.ndarray:
    """Where a parameter begins."""
    return uniform(7 + parameter, SIZES[parameter])


def gradient(parameter: int, t: int) -> np.ndarray | None:
    """Its gradient at step t = 1, 2, ...: noise around a mean that is large for some numbers and 0 for others, at sizes
    from 2^-8 to 2^4. The second parameter has none at every third step."""
    if parameter == 1 and t % 3 == 0:
        return None
    size = SIZES[parameter]
    mean = np.round(uniform(100 + parameter, size) * 4) / 4
    scale = 2.0 ** (np.arange(size) % 13 - 8)
    return ((uniform(1000 + 10 * t + parameter, size) + mean) * scale).astype(np.float32).astype(np.float64)


def main() -> None:
    """Writes the file."""
    import torch

    def run(name: str, options: dict, dtype: torch.dtype, **how: bool) -> tuple[list, list]:
        params = [torch.nn.Parameter(torch.tensor(start(i), dtype=dtype)) for i in range(2)]
        optimizer = getattr(torch.optim, name)(params, **options, **how)
        seen = []
        for t in range(1, STEPS + 1):
            for i, p in enumerate(params):
                g = gradient(i, t)
                p.grad = None if g is None else torch.tensor(g, dtype=dtype)
            optimizer.step()
            if t in CHECKPOINTS:
                seen.append(torch.cat([p.detach() for p in params]).numpy().copy())
        return seen, [optimizer.state[p] for p in params]

    found = {"torch_version": np.array(torch.__version__)}
    for case, (name, options) in CASES.items():
        seen, states = run(name, options, torch.float64, foreach=False)
        found[f"{case}/float64"] = np.stack(seen)
        for key in states[0]:
            found[f"{case}/{key}"] = np.concatenate([np.atleast_1d(s[key].numpy()) for s in states])
        found[f"{case}/float32"] = run(name, options, torch.float32, foreach=False)[0][-1]
        found[f"{case}/float32_fused"] = run(name, options, torch.float32, fused=True)[0][-1]
    np.savez_compressed(FILE, **found)
    print(f"{FILE.name}: {FILE.stat().st_size} bytes, PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
