"""Records how PyTorch trains two small models, as torch_training.json, for tests that run without PyTorch.

Run with PyTorch installed: ``python tests/nn/record_torch_training.py``.

For each model and number type: the loss before each of 20 steps, and the sum of squares of each parameter at the end.
Data and first weights come from integer arithmetic, so they are the same bits on every machine.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("torch_training.json")
STEPS = 20
BATCH = 24
CLASSES = 5


def uniform(seed: int, *shape: int) -> np.ndarray:
    """Numbers in [-1, 1) that float32 holds exactly (splitmix64)."""
    with np.errstate(over="ignore"):
        z = (np.arange(int(np.prod(shape)), dtype=np.uint64) + np.uint64(seed * 1_000_003)) * np.uint64(
            0x9E3779B97F4A7C15
        )
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(41)).astype(np.float64) / 2.0**22 - 1).reshape(shape)


def data(model: str) -> tuple[np.ndarray, np.ndarray]:
    """Inputs, and classes that follow from them: which of five sums is the largest."""
    shape = (BATCH, 12) if model == "mlp" else (BATCH, 1, 8, 8)
    x = uniform(1, *shape)
    return x, np.abs(x.reshape(BATCH, -1)[:, : 2 * CLASSES]).reshape(BATCH, CLASSES, 2).sum(2).argmax(1)


def first_weights(model: Any) -> dict[str, np.ndarray]:
    """A value for each parameter of a model, in PyTorch or lucid, by name."""
    found = {}
    for number, (name, parameter) in enumerate(model.named_parameters()):
        shape = tuple(parameter.shape)
        found[name] = uniform(10 + number, *shape) * 2.0 ** -round(np.log2(max(1, np.prod(shape[1:]))) / 2)
    return found


def build(nn: Any, model: str) -> Any:
    """The model, by the names that PyTorch and lucid share."""
    if model == "mlp":
        return nn.Sequential(
            nn.Linear(12, 16),
            nn.ReLU(),
            nn.Linear(16, 16),
            nn.GELU(),
            nn.Linear(16, 8),
            nn.Tanh(),
            nn.Linear(8, CLASSES),
        )
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, bias=False),
        nn.GELU("tanh"),
        nn.Flatten(),
        nn.Linear(24, CLASSES),
    )


def train(library: Any, nn: Any, optim: Any, name: str, dtype: Any) -> dict[str, list[float]]:
    """Trains in PyTorch or lucid."""
    model = build(nn, name).to(dtype)
    model.load_state_dict({key: library.tensor(value, dtype=dtype) for key, value in first_weights(model).items()})
    x, t = data(name)
    x, t = library.tensor(x, dtype=dtype), library.tensor(t)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.1 if name == "mlp" else 0.0)
    kinds = {"mlp": lambda p: optim.AdamW(p, lr=1e-2, weight_decay=0.1), "cnn": lambda p: optim.Adam(p, lr=1e-2)}
    optimizer = kinds[name](model.parameters())
    losses = []
    for _ in range(STEPS):
        loss = loss_of(model(x), t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {"losses": losses, "squares": [(p * p).sum().item() for p in model.parameters()]}


def main() -> None:
    """Writes the file."""
    import torch

    found: dict[str, Any] = {"torch_version": torch.__version__}
    for name in ("mlp", "cnn"):
        for dtype in ("float64", "float32"):
            found[f"{name} {dtype}"] = train(torch, torch.nn, torch.optim, name, getattr(torch, dtype))
    FILE.write_text(json.dumps(found, indent=1) + "\n")
    print(f"{FILE.name}: {FILE.stat().st_size} bytes, PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
