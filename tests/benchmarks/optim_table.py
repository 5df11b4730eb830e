"""Adam alone, the gradients in place: lucid beside PyTorch, and beside a bare loop that moves the same memory."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from cases import CASES, Lucid, weights
from turns import THREADS, Contender, heading, table, take_turns, timed

SIZES = {
    "the mlp's 6 tensors": [w.shape for w in weights(CASES["mlp"])],
    "one tensor of 262,144": [(262_144,)],
    "one tensor of 33,554,432": [(33_554_432,)],
}
# lucid's share of the other's time that is asked for
BARS = {
    "the mlp's 6 tensors": {"PyTorch, fused": 0.1},
    "one tensor of 262,144": {"PyTorch, fused": 0.5},
    "one tensor of 33,554,432": {"PyTorch, fused": 1.0, "bare loop": 1.05},
}


def adam_step(framework: Any, shapes: list[tuple[int, ...]]) -> Callable[[], None]:
    """The step of an Adam over parameters of these shapes, whose gradients are there."""
    random = np.random.default_rng(0)
    params = []
    for shape in shapes:
        p = framework.tensor(random.standard_normal(shape, np.float32)).requires_grad_()
        p.grad = framework.tensor(random.standard_normal(shape, np.float32))
        params.append(p)
    step: Callable[[], None] = framework.optimizer("Adam", params).step
    return step


def bare_loop(n: int) -> Callable[[int], Callable[[], None]] | None:
    """For a thread count, a call of bare_adam_traffic.c over n parameters; None without a C compiler."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        return None
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "bare.so"
        source = Path(__file__).with_name("bare_adam_traffic.c")
        command = [compiler, "-O3", "-march=native", "-shared", "-fPIC", "-pthread", source, "-o", library]
        subprocess.run(command, check=True)
        function = ctypes.CDLL(str(library)).bare_traffic
    arrays = [np.full(n, 1e-3, np.float32) for _ in range(4)]
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in arrays]

    def with_threads(threads: int, keep: Any = arrays) -> Callable[[], None]:
        return lambda: function(ctypes.c_int64(n), *pointers, ctypes.c_int(threads))

    return with_threads


def main(frameworks: list[Any]) -> None:
    """Prints a table for each size."""
    for name, shapes in SIZES.items():
        contenders = []
        for framework in frameworks:
            step = timed(adam_step(framework, shapes))
            for n in THREADS:
                contenders.append(Contender(framework.name, n, partial(framework.set_num_threads, n), step))
        bare = bare_loop(shapes[0][0]) if len(shapes) == 1 else None
        if bare:
            contenders += [Contender("bare loop", n, lambda: None, timed(bare(n))) for n in THREADS]
        take_turns(contenders)
        heading(f"Adam, {name}")
        table(contenders, 1e-6, "µs a step", 0, BARS[name])


if __name__ == "__main__":
    main([Lucid])
