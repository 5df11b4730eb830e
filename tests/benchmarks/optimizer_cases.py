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
# What a large step of a rule must move, with the options of RULE_OPTIONS: for each pass the arrays of the size of the
# parameter that are read, and how many of them are written too.
TRAFFIC: dict[str, list[tuple[int, int]]] = {
    "SGD": [(2, 1)],
    "SGD momentum": [(3, 2)],
    "Adam": [(4, 3)],
    "Adam amsgrad": [(5, 4)],
    "AdamW": [(4, 3)],
    "Adamax": [(4, 3)],
    "NAdam": [(4, 3)],
    "RAdam": [(4, 3)],
    "Yogi": [(4, 3)],
    "AdaBelief": [(4, 3)],
    "Lion": [(3, 2)],
    "RMSprop": [(3, 2)],
    "RMSprop centered": [(5, 4)],
    "Adagrad": [(3, 2)],
    "Adadelta": [(4, 3)],
    "ASGD": [(3, 2)],
    "Rprop": [(4, 3)],
    "Lars": [(2, 0), (3, 2)],
    "Lamb": [(4, 2), (3, 1)],
    "NovoGrad": [(1, 0), (3, 2)],
    "Fromage": [(2, 0), (2, 1)],
    "SM3": [(2, 1)],
    "SM3 momentum": [(3, 2)],
    "Adafactor": [(1, 0), (2, 0), (2, 1)],
}
RULE_OPTIONS: dict[str, dict[str, Any]] = {
    "SGD momentum": {"momentum": 0.9},
    "Adam amsgrad": {"amsgrad": True},
    "RMSprop centered": {"centered": True, "momentum": 0.9},
    "SM3 momentum": {"momentum": 0.9},
}
MATRICES = ("SM3", "Adafactor")  # rules whose large case is a matrix


def arrays(case: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Parameters and gradients of a case, float32."""
    random = np.random.default_rng(0)
    return tuple([random.standard_normal(shape, dtype=np.float32) for shape in CASES[case]] for _ in range(2))


def lucid_step(case: str, rule: str = "AdamW", **options: Any):
    """A function that makes one step of lucid's optimizer, warmed up. ``rule`` may be a key of RULE_OPTIONS."""
    import lucid

    parameters, gradients = arrays(case)
    if rule.startswith(MATRICES):
        parameters, gradients = [
            [x.reshape(-1, 4096) if x.size % 4096 == 0 else x for x in arrays] for arrays in (parameters, gradients)
        ]
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
        passes: for each (read, written): so many arrays are read, and so many of them written.
    """

    def __init__(self, compiler: str, size: int, passes: list[tuple[int, int]]) -> None:
        self.passes = []
        for read, written in passes:
            library = Path(tempfile.mkdtemp()) / "bare.so"
            options = f"-O3 -march=native -fopenmp-simd -shared -fPIC -pthread -DREAD={read} -DWRITTEN={written}"
            subprocess.run([compiler, *options.split(), str(SOURCE), "-o", str(library)], check=True)
            self.passes.append(ctypes.CDLL(str(library)).bare_traffic)
        self.memory = [np.ones(size, np.float32) for _ in range(max(read for read, _ in passes))]
        places = [x.ctypes.data for x in self.memory]
        self.arguments = ctypes.c_int64(size), (ctypes.c_void_p * 6)(*places)
        self.threads = 2

    def set_threads(self, threads: int) -> None:
        self.threads = threads

    def __call__(self) -> None:
        for one in self.passes:
            one(*self.arguments, self.threads)


def bare_loop(size: int, rule: str) -> BareLoop | None:
    """The bare loop with a rule's traffic, or None where there is no C compiler."""
    compiler = shutil.which(os.environ.get("CC", "cc").split()[0])
    return None if compiler is None else BareLoop(compiler, size, TRAFFIC[rule])
