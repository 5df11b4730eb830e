"""The optimizer cases of the benchmarks, and the bare loop that is the floor under the largest."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

# The mlp's 6 tensors; one tensor that stays in cache; one that does not; and many small ones.
CASES = {
    "mlp": [(128, 64), (128,), (128, 128), (128,), (10, 128), (10,)],
    "262144": [(262_144,)],
    "33554432": [(33_554_432,)],
    "1000x1024": [(1024,)] * 1000,
}
REPEATS = {"mlp": 2000, "262144": 300, "33554432": 12, "1000x1024": 60}
SOURCE = Path(__file__).with_name("bare_traffic.c")
# What a large step of a rule must move, with the options of RULE_OPTIONS: arrays of the parameter's size that are read,
# and how many of them are written too.
TRAFFIC = {
    "SGD": (2, 1),
    "SGD momentum": (3, 2),
    "Adam": (4, 3),
    "Adam amsgrad": (5, 4),
    "AdamW": (4, 3),
}
RULE_OPTIONS: dict[str, dict[str, Any]] = {
    "SGD momentum": {"momentum": 0.9},
    "Adam amsgrad": {"amsgrad": True},
}


def arrays(case: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Parameters and gradients of a case, float32."""
    random = np.random.default_rng(0)
    return tuple([random.standard_normal(shape, dtype=np.float32) for shape in CASES[case]] for _ in range(2))


def lucid_step(case: str, rule: str = "AdamW", **options: Any):
    """A function that makes one step of lucid's optimizer, warmed up. ``rule`` may be a key of RULE_OPTIONS."""
    import lucid

    parameters, gradients = arrays(case)
    params = [lucid.nn.Parameter(lucid.from_numpy(p)) for p in parameters]
    for p, g in zip(params, gradients, strict=True):
        p.grad = lucid.from_numpy(g)
    options = {**RULE_OPTIONS.get(rule, {}), **options}
    optimizer = getattr(lucid.optim, rule.split()[0])(params, lr=1e-4, **options)
    for _ in range(3):
        optimizer.step()
    return optimizer.step


class BareLoop:
    """Moves the memory of one step when called. Needs a C compiler.

    Args:
        compiler: the command.
        size: numbers in an array.
        read, written: so many arrays are read, and so many of them written.
    """

    def __init__(self, compiler: str, size: int, read: int, written: int) -> None:
        library = Path(tempfile.mkdtemp()) / "bare.so"
        options = f"-O3 -march=native -shared -fPIC -pthread -DREAD={read} -DWRITTEN={written}".split()
        subprocess.run([compiler, *options, str(SOURCE), "-o", str(library)], check=True)
        self.function = ctypes.CDLL(str(library)).bare_traffic
        self.memory = [np.ones(size, np.float32) for _ in range(read)]
        self.arguments = ctypes.c_int64(size), (ctypes.c_void_p * 6)(*(x.ctypes.data for x in self.memory))
        self.threads = 2

    def set_threads(self, threads: int) -> None:
        self.threads = threads

    def __call__(self) -> None:
        self.function(*self.arguments, self.threads)


def bare_loop(size: int, rule: str) -> BareLoop | None:
    """The bare loop with a rule's traffic, or None where there is no C compiler."""
    compiler = shutil.which(os.environ.get("CC", "cc").split()[0])
    return None if compiler is None else BareLoop(compiler, size, *TRAFFIC[rule])
