"""Records how optimizers' states go from PyTorch to lucid and back, as torch_states.npz, for tests without PyTorch.

Run with PyTorch and lucid installed: ``python tests/optim/record_torch_states.py``.

For each case, in float64 and float32: PyTorch's state_dict after SAVED steps, and its parameters at CHECKPOINTS of the
continued run ("from_torch"); and the state_dict that lucid wrote after as many steps, and the parameters when PyTorch
loaded it and went on ("from_lucid"). A state_dict is kept as its layout in JSON, and all its numbers in one array.
Start and gradients are those of record_torch_trajectories.py.
"""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("torch_states.npz")
RUN = runpy.run_path(str(Path(__file__).with_name("record_torch_trajectories.py")))
SAVED = 6
CHECKPOINTS = (7, 20)
LATE = 8  # the last parameter has no gradient until after this step, and so no state in what is saved
KINDS = ("float64", "float32")
GROUPS = (((5, 7), (9,)), ((4,), (3,)))  # shapes; the second group's lr is twice the first's
SHAPES = [shape for group in GROUPS for shape in group]

# For each rule: options, and with them options that PyTorch alone has.
OPTIONS: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {
    "SGD": [
        ({"lr": 0.01}, {}),
        ({"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}, {"foreach": True}),
        ({"lr": 0.01, "momentum": 0.8, "dampening": 0.5, "maximize": True}, {"foreach": False}),
    ],
    "Adam": [
        ({"lr": 0.01}, {}),
        ({"lr": 0.01, "amsgrad": True, "weight_decay": 0.05}, {"fused": True}),
        ({"lr": 0.01, "betas": (0.5, 0.95), "eps": 1e-3, "maximize": True}, {"foreach": True}),
        ({"lr": 0.01, "weight_decay": 0.05, "decoupled_weight_decay": True}, {"foreach": False}),
    ],
    "AdamW": [
        ({"lr": 0.01}, {}),
        ({"lr": 0.01, "amsgrad": True, "weight_decay": 0.1, "maximize": True}, {"foreach": True}),
    ],
    "RMSprop": [
        ({"lr": 0.01}, {}),
        ({"lr": 0.01, "momentum": 0.9, "weight_decay": 0.01}, {"foreach": True}),
        ({"lr": 0.01, "alpha": 0.9, "eps": 1e-3, "centered": True, "maximize": True}, {"foreach": False}),
        ({"lr": 0.01, "momentum": 0.5, "centered": True}, {}),
    ],
    "Adafactor": [
        ({"lr": 0.01}, {}),
        ({"lr": 0.01, "eps": (1e-3, 1e-2), "d": 2.0, "weight_decay": 0.1, "beta2_decay": -0.5}, {"foreach": True}),
    ],
}
CASES = {f"{name} {options}": (name, options, of_torch) for name, rule in OPTIONS.items() for options, of_torch in rule}


def parameters(library: Any, kind: str, values: np.ndarray | None = None) -> list[Any]:
    """Parameters of SHAPES in PyTorch or lucid, at the start or with these numbers."""
    if values is None:
        values = np.concatenate([RUN["start"](i, shape).reshape(-1) for i, shape in enumerate(SHAPES)])
    pieces = np.split(values, np.cumsum([int(np.prod(shape)) for shape in SHAPES])[:-1])
    return [
        library.nn.Parameter(library.tensor(piece.reshape(shape).astype(kind)))
        for piece, shape in zip(pieces, SHAPES, strict=True)
    ]


def optimizer_of(library: Any, name: str, params: list[Any], options: dict[str, Any] | None = None) -> Any:
    """The optimizer with two groups. AdamW's parameters have names."""
    options = options or {}
    mine: list[Any] = [(f"p{i}", p) for i, p in enumerate(params)] if name == "AdamW" else params
    cut = len(GROUPS[0])
    second = {"lr": 2 * options["lr"]} if options else {}
    return getattr(library.optim, name)([{"params": mine[:cut]}, {"params": mine[cut:], **second}], **options)


def values_of(params: list[Any]) -> np.ndarray:
    """All their numbers."""
    return np.concatenate([p.detach().numpy().reshape(-1) for p in params])


def go_on(library: Any, params: list[Any], optimizer: Any, first: int, last: int) -> list[np.ndarray]:
    """Makes steps first..last. Returns the parameters at CHECKPOINTS."""
    seen = []
    for t in range(first, last + 1):
        for i, p in enumerate(params):
            g = None if p is params[-1] and t <= LATE else RUN["gradient"](i, SHAPES[i], t)
            p.grad = None if g is None else library.tensor(g.astype(p.detach().numpy().dtype))
        optimizer.step()
        if t in CHECKPOINTS:
            seen.append(values_of(params))
    return seen


def packed(state_dict: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """A state_dict as its layout in JSON and the numbers of all tensors.

    In the layout tensors are {"dtype", "shape"} and tuples {"tuple"}.
    """
    numbers = [np.empty(0)]

    def layout(x: Any) -> Any:
        if isinstance(x, dict):
            return {key: layout(value) for key, value in x.items()}
        if isinstance(x, list):
            return [layout(value) for value in x]
        if isinstance(x, tuple):
            return {"tuple": layout(list(x))}
        if not hasattr(x, "numpy"):
            return x
        array = x.detach().numpy()
        numbers.append(array.reshape(-1).astype(np.float64))
        return {"dtype": array.dtype.name, "shape": list(array.shape)}

    text = json.dumps(layout(state_dict))
    return np.array(text), np.concatenate(numbers)


def unpacked(text: np.ndarray, numbers: np.ndarray, tensor: Any = np.asarray) -> dict[str, Any]:
    """The state_dict again, its tensors made by ``tensor`` from arrays."""
    place = 0

    def rebuilt(x: Any) -> Any:
        nonlocal place
        if isinstance(x, list):
            return [rebuilt(value) for value in x]
        if not isinstance(x, dict):
            return x
        if set(x) == {"tuple"}:
            return tuple(rebuilt(x["tuple"]))
        if set(x) == {"dtype", "shape"}:
            size = int(np.prod(x["shape"]))
            place += size
            return tensor(numbers[place - size : place].astype(x["dtype"]).reshape(x["shape"]))
        return {int(key) if key.isdigit() else key: rebuilt(value) for key, value in x.items()}

    found: dict[str, Any] = rebuilt(json.loads(str(text)))
    return found


def saved_run(library: Any, case: str, kind: str, more: dict[str, Any]) -> tuple[list[Any], Any]:
    """Parameters and optimizer after SAVED steps."""
    name, options, _ = CASES[case]
    params = parameters(library, kind)
    optimizer = optimizer_of(library, name, params, options | more)
    go_on(library, params, optimizer, 1, SAVED)
    return params, optimizer


def main() -> None:
    """Writes the file."""
    import torch

    import lucid

    found = {"torch_version": np.array(torch.__version__)}
    for case, (name, options, of_torch) in CASES.items():
        for kind in KINDS:
            # PyTorch saves and goes on.
            params, optimizer = saved_run(torch, case, kind, of_torch)
            key = f"{case}/{kind}/from_torch"
            found[f"{key}/layout"], found[f"{key}/numbers"] = packed(optimizer.state_dict())
            found[f"{key}/start"] = values_of(params)
            found[f"{key}/continued"] = np.stack(go_on(torch, params, optimizer, SAVED + 1, CHECKPOINTS[-1]))

            # lucid saves, PyTorch loads it into an optimizer with other options and goes on.
            mine, optimizer = saved_run(lucid, case, kind, {})
            key = f"{case}/{kind}/from_lucid"
            found[f"{key}/layout"], found[f"{key}/numbers"] = packed(optimizer.state_dict())
            found[f"{key}/start"] = values_of(mine)
            params = parameters(torch, kind, values_of(mine))
            loaded = optimizer_of(torch, name, params, {"lr": 1.0})
            loaded.load_state_dict(unpacked(found[f"{key}/layout"], found[f"{key}/numbers"], torch.tensor))
            assert [group["lr"] for group in loaded.param_groups] == [options["lr"], 2 * options["lr"]]
            found[f"{key}/continued"] = np.stack(go_on(torch, params, loaded, SAVED + 1, CHECKPOINTS[-1]))
            # What PyTorch saves then loads here again: it has kept the keys that only lucid knows.
            optimizer.load_state_dict(unpacked(*packed(loaded.state_dict())))
    np.savez_compressed(FILE, **found)
    print(f"{FILE.name}: {FILE.stat().st_size} bytes, PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
