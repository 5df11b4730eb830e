"""lucid, PyTorch and JAX side by side in one run: `make bench-peers` or `python tests/benchmarks/peers.py [part ...]`.

Parts: op, moons, mlp, cnn, optim, gemm, conv, import; all when none is named. What each measures: docs/performance.md.

The contenders of a part take turns in short blocks, so that whatever else the machine does disturbs all of them alike.
Before each block some rounds are not counted. Every framework runs with 1 and with 2 threads, as contenders of their
own, and the better median counts. A peer that is not installed is said to be absent.
"""

from __future__ import annotations

import os
import sys

# NumPy's OpenBLAS reads these once, at its start: its own choice of kernels, and one thread in the GEMM table.
_WANTED = {"OPENBLAS_CORETYPE": None, "OPENBLAS_NUM_THREADS": "1"}
if __name__ == "__main__" and any(os.environ.get(name) != value for name, value in _WANTED.items()):
    _environment = {k: v for k, v in os.environ.items() if k not in _WANTED}
    _environment.update({k: v for k, v in _WANTED.items() if v is not None})
    os.execve(sys.executable, [sys.executable, *sys.argv], _environment)

import platform  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from functools import partial  # noqa: E402
from typing import Any  # noqa: E402

import conv_table  # noqa: E402
import gemm_table  # noqa: E402
import numpy as np  # noqa: E402
import peers_optim  # noqa: E402
from cases import CASES, CHAIN, Case, Lucid, chain, eager_step  # noqa: E402
from peer_frameworks import Torch, jax, jax_step, torch  # noqa: E402
from turns import THREADS, Contender, heading, table, take_turns, timed  # noqa: E402

import lucid  # noqa: E402


def frameworks() -> list[Any]:
    """The eager frameworks that are there."""
    return [Lucid, *([Torch(True), Torch(False)] if torch else [])]


def op() -> None:
    """A recorded elementwise operation on 8 numbers."""
    heading(f"A recorded elementwise operation on 8 numbers, y = y * w, {CHAIN} times in a row")
    for learned in (False, True):
        contenders = []
        for framework in frameworks():
            if getattr(framework, "fused", True):  # no optimizer here: PyTorch once
                name = framework.name.split(",")[0]
                for n in THREADS:
                    contenders.append(
                        Contender(name, n, partial(framework.set_num_threads, n), _op_round(*chain(framework, learned)))
                    )
        take_turns(contenders)
        what = "w learned" if learned else "w constant"
        table(contenders, 1e-6 * CHAIN, f"forward, µs, {what}", 0, {"PyTorch": 1.0})
        table(contenders, 1e-6 * CHAIN, f"backward, µs, {what}", 1, {"PyTorch": 1.0})


def _op_round(forward: Callable[[], Any], backward: Callable[[Any], None]) -> Callable[[], tuple[float, float]]:
    clock = time.perf_counter

    def round() -> tuple[float, float]:
        start = clock()
        y = forward()
        between = clock()
        backward(y)
        return between - start, clock() - between

    return round


STEP_BARS = {"moons": {"PyTorch, fused": 0.35}, "mlp": {"PyTorch, fused": 0.35}}


def steps(case: Case) -> None:
    """Whole training steps of one case."""
    contenders = []
    losses = {}
    for framework in frameworks():
        step = eager_step(framework, case)
        losses[framework.name] = [step().item() for _ in range(3)]
        for n in THREADS:
            contenders.append(Contender(framework.name, n, partial(framework.set_num_threads, n), timed(step)))
    if jax:
        for n in THREADS:
            step = jax_step(case, n)
            losses["JAX, jit"] = [step().item() for _ in range(3)]
            contenders.append(Contender("JAX, jit", n, lambda: None, timed(step)))
    for name, found in losses.items():  # all do the same work
        np.testing.assert_allclose(found, losses["lucid"], rtol=1e-4, err_msg=name)
    take_turns(contenders)
    heading(f"{case.name}: a step with {case.rule}")
    table(contenders, 1e-6, "µs a step", 0, STEP_BARS.get(case.name))


def optim() -> None:
    """Adam and AdamW alone."""
    heading("The optimizer alone, µs a step. Asked: fused / lucid >= bar; of bare loops and plain steps: <= bar")
    for rows in (*([peers_optim.peers] if torch else []), peers_optim.rules, peers_optim.clip):
        for row in rows():
            print("  " + peers_optim.line_of(row), flush=True)


def gemm() -> None:
    """Matrix products, one thread."""
    heading("SGEMM, one thread. Asked: >= 0.85 x OpenBLAS; >= 1.5 x PyTorch where AVX-512 is there and not Intel's")
    wanted = [s for s in gemm_table.SQUARE if min(s) >= 64 and np.prod(s) >= 64 * 64 * 128]
    gemm_table.compare([("", kind, *size) for size in wanted for kind in ("NN", "NT", "TN")])


def conv() -> None:
    """Convolutions, one thread."""
    heading("Convolutions, one thread")
    conv_table.main()


IMPORT = "import time, numpy; start = time.perf_counter(); import lucid; print(time.perf_counter() - start)"


def import_time() -> None:
    """How long `import lucid` takes when NumPy is there already, in fresh processes."""
    times = [float(subprocess.check_output([sys.executable, "-c", IMPORT])) for _ in range(12)][1:]
    median = statistics.median(times)
    heading("import lucid, after NumPy, in a fresh process")
    print(f"  median {median:.3f} s, least {min(times):.3f} s; asked: <= 0.15 s{'' if median <= 0.15 else '  MISSED'}")


PARTS: dict[str, Callable[[], None]] = {
    "op": op,
    **{name: lambda case=case: steps(case) for name, case in CASES.items()},
    "optim": optim,
    "gemm": gemm,
    "conv": conv,
    "import": import_time,
}


def main() -> None:
    """Prints the tables that the command line names."""
    chosen = sys.argv[1:] or list(PARTS)
    unknown = [name for name in chosen if name not in PARTS]
    if unknown:
        sys.exit(f"There is no part {unknown[0]!r}; choose from {', '.join(PARTS)}")
    versions = [f"lucid {lucid.__version__} ({lucid.engine.get_simd()})", f"NumPy {np.__version__}"]
    for name, module in (("PyTorch", torch), ("JAX", jax)):
        versions.append(f"{name} {module.__version__}" if module else f"{name} is absent")
    print(f"{', '.join(versions)}; Python {platform.python_version()}, {os.cpu_count()} processors")
    if not (torch and jax):
        print(f"To put the absent ones beside it: {sys.executable} -m pip install torch jax optax")
    for name in chosen:
        PARTS[name]()


if __name__ == "__main__":
    main()
