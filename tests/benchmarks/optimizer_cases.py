"""The optimizer cases of the benchmarks, and the bare loop that is the floor under the largest."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

# The mlp's 6 tensors; one tensor that stays in cache; one that does not; and many small ones.
CASES = {
    "mlp": [(128, 64), (128,), (128, 128), (128,), (10, 128), (10,)],
    "262144": [(262_144,)],
    "33554432": [(33_554_432,)],
    "1000x1024": [(1024,)] * 1000,
}
REPEATS = {"mlp": 2000, "262144": 300, "33554432": 12, "1000x1024": 60}
SOURCE = Path(__file__).with_name("bare_adam_traffic.c")


def arrays(case: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Parameters and gradients of a case, float32."""
    random = np.random.default_rng(0)
    return tuple([random.standard_normal(shape, dtype=np.float32) for shape in CASES[case]] for _ in range(2))


def lucid_step(case: str, rule: str = "AdamW"):
    """A function that makes one step of lucid's optimizer, warmed up."""
    import lucid

    parameters, gradients = arrays(case)
    params = [lucid.nn.Parameter(lucid.from_numpy(p)) for p in parameters]
    for p, g in zip(params, gradients, strict=True):
        p.grad = lucid.from_numpy(g)
    optimizer = getattr(lucid.optim, rule)(params, lr=1e-4)
    for _ in range(3):
        optimizer.step()
    return optimizer.step


class BareLoop:
    """Moves the memory of one step when called. Needs a C compiler."""

    def __init__(self, compiler: str, case: str) -> None:
        library = Path(tempfile.mkdtemp()) / "bare.so"
        options = "-O3 -march=native -shared -fPIC -pthread".split()
        subprocess.run([compiler, *options, str(SOURCE), "-o", str(library)], check=True)
        self.function = ctypes.CDLL(str(library)).bare_traffic
        (p,), (g,) = arrays(case)
        self.memory = [p, g, np.zeros_like(p), np.zeros_like(p)]
        self.threads = 2

    def set_threads(self, threads: int) -> None:
        self.threads = threads

    def __call__(self) -> None:
        pointers = [ctypes.c_void_p(x.ctypes.data) for x in self.memory]
        self.function(ctypes.c_int64(self.memory[0].size), *pointers, self.threads)


def bare_loop(case: str) -> BareLoop | None:
    """The bare loop for a case, or None where there is no C compiler."""
    compiler = shutil.which(os.environ.get("CC", "cc").split()[0])
    return None if compiler is None else BareLoop(compiler, case)
