"""Matrix products beside NumPy's OpenBLAS and, when it is importable, PyTorch: one table, float32.

Each row interleaves the contenders in one process and takes the best of many short rounds.
Run: ``python tests/benchmarks/gemm_table.py [square|models|threads|all]``. One thread each, except for ``threads``,
which sets one and two threads of the engine side by side.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ.pop("OPENBLAS_CORETYPE", None)

import numpy as np

from lucid._engine import ffi, lib

try:
    import torch
except ImportError:
    torch = None

LEVELS = [i for i in range(8) if lib.simd_level_name(i) != ffi.NULL]
ROUND_SECONDS = float(os.environ.get("ROUND_SECONDS", "0.002"))
ROUNDS = int(os.environ.get("ROUNDS", "25"))

# m, n, k
SQUARE = [
    (16, 16, 16), (32, 16, 16), (32, 32, 32), (48, 48, 48), (64, 64, 64), (64, 64, 128), (96, 96, 96), (128, 128, 128),
    (192, 192, 192), (256, 256, 256), (384, 384, 384), (512, 512, 512), (768, 768, 768), (1024, 1024, 1024),
    (1000, 1000, 1000), (64, 1024, 1024), (1024, 64, 1024), (1024, 1024, 64), (1, 1024, 1024), (1024, 1, 1024),
]  # fmt: skip
# batch, inputs, outputs of the linear layers in moons, mlp, lstm, cnn and gpt
LAYERS = [
    (32, 2, 16), (32, 16, 16), (32, 16, 1), (64, 64, 128), (64, 128, 128), (64, 128, 10), (32, 64, 256),
    (1024, 32, 256), (1024, 64, 65), (64, 1568, 64), (64, 64, 10), (1024, 64, 192), (1024, 64, 64), (1024, 64, 256),
    (1024, 256, 64),
]  # fmt: skip


def best_times(calls: list[Callable[[], object]]) -> list[float]:
    """The best time of one call for each of ``calls``, in seconds, rounds interleaved."""
    counts = []
    for call in calls:
        call()
        start = time.perf_counter()
        call()
        counts.append(max(1, int(ROUND_SECONDS / (time.perf_counter() - start + 1e-9))))
    best = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for i, (call, count) in enumerate(zip(calls, counts, strict=True)):
            start = time.perf_counter()
            for _ in range(count):
                call()
            best[i] = min(best[i], (time.perf_counter() - start) / count)
    return best


def engine_call(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> Callable[[], object]:
    """A call of gemm_f32 for c = a @ b, a and b contiguous or transposed."""

    def pointer(x: np.ndarray) -> object:
        return ffi.from_buffer("float[]", x if x.flags.c_contiguous else x.T)

    (m, k), n = a.shape, b.shape[1]
    strides = [s // a.itemsize for s in (*a.strides, *b.strides)]
    pa, pb, pc = pointer(a), pointer(b), ffi.from_buffer("float[]", c)
    gemm, null = lib.gemm_f32, ffi.NULL
    return lambda: gemm(m, n, k, pa, strides[0], strides[1], pb, strides[2], strides[3], pc, n, null, 0, 0, null)


def operands(kind: str, m: int, n: int, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """a[m, k], b[k, n] (those marked T in ``kind`` transposed in memory) and room for c."""
    random = np.random.default_rng(0)

    def matrix(rows: int, cols: int, transposed: bool) -> np.ndarray:
        x = random.standard_normal((cols, rows) if transposed else (rows, cols), dtype=np.float32)
        return x.T if transposed else x

    return matrix(m, k, kind[0] == "T"), matrix(k, n, kind[1] == "T"), np.empty((m, n), np.float32)


def compare(cases: list[tuple[str, str, int, int, int]]) -> None:
    """Prints a row for each case (label, kind, m, n, k), and the geometric means."""
    lib.set_num_threads(1)
    if torch:
        torch.set_num_threads(1)
    print(f"{'case':22} {'kind':4} {'m':>5} {'n':>5} {'k':>5} {'µs':>9} {'GFLOP/s':>8} {'OpenBLAS':>9} {'PyTorch':>8}")
    ratios: list[list[float]] = []
    for label, kind, m, n, k in cases:
        a, b, c = operands(kind, m, n, k)
        d = np.empty_like(c)
        calls: list[Callable[[], object]] = [engine_call(a, b, c), lambda a=a, b=b, d=d: np.matmul(a, b, out=d)]
        if torch:
            ta, tb, tc = torch.from_numpy(a), torch.from_numpy(b), torch.empty(m, n)
            calls.append(lambda ta=ta, tb=tb, tc=tc: torch.mm(ta, tb, out=tc))
        best = best_times(calls)
        np.testing.assert_allclose(c, d, rtol=1e-3, atol=1e-3)
        ratios.append([t / best[0] for t in best[1:]])
        shown = " ".join(f"{r:8.2f}x" for r in ratios[-1])
        print(
            f"{label:22} {kind:4} {m:5} {n:5} {k:5} {best[0] * 1e6:9.2f} {2 * m * n * k / best[0] / 1e9:8.1f} {shown}"
        )
    means = np.exp(np.log(np.array(ratios)).mean(axis=0))
    print("geometric mean:", " ".join(f"{r:.2f}x" for r in means))


def threads() -> None:
    """Prints the engine's gain from a second thread."""
    print(f"{'kind':4} {'m':>5} {'n':>5} {'k':>5} {'1 thread µs':>12} {'2 threads µs':>13} {'gain':>6}")
    for m, n, k in SQUARE:
        for kind in ("NN", "NT", "TN"):
            call = engine_call(*operands(kind, m, n, k))

            def with_threads(count: int, call: Callable[[], object] = call) -> Callable[[], object]:
                def run() -> None:
                    if lib.num_threads() != count:
                        lib.set_num_threads(count)
                    call()

                return run

            one, two = best_times([with_threads(1), with_threads(2)])
            print(f"{kind:4} {m:5} {n:5} {k:5} {one * 1e6:12.1f} {two * 1e6:13.1f} {one / two:5.2f}x")


def main() -> None:
    """Prints the tables that the command line names."""
    level = {ffi.string(lib.simd_level_name(i)).decode(): i for i in LEVELS}.get(
        os.environ.get("LUCID_SIMD", ""), LEVELS[-1]
    )
    lib.set_simd_level(level)
    print("level", ffi.string(lib.simd_level_name(level)).decode())
    chosen = sys.argv[1] if len(sys.argv) > 1 else "all"
    if chosen in ("square", "all"):
        compare([("", kind, m, n, k) for m, n, k in SQUARE for kind in ("NN", "NT", "TN")])
    if chosen in ("models", "all"):
        cases = []
        for batch, inputs, outputs in LAYERS:
            layer = f"{batch} x {inputs} -> {outputs}"
            cases.append((layer, "NT", batch, outputs, inputs))
            cases.append((layer + " dx", "NN", batch, inputs, outputs))
            cases.append((layer + " dw", "TN", outputs, inputs, batch))
        compare(cases)
    if chosen in ("threads", "all"):
        threads()


if __name__ == "__main__":
    main()
