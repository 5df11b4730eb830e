"""Adam and AdamW alone beside PyTorch's fused and default ones, and beside a bare loop with the same memory traffic.

Each side runs at its better thread count of 1 and 2; rounds are interleaved; the figure is the median of the steps.
``python tests/benchmarks/peers_optim.py`` prints the table; ``run()`` returns its rows.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from optimizer_cases import CASES, REPEATS, arrays, bare_loop, lucid_step  # noqa: E402

ROUNDS = 5
BARS = {"mlp": 10.0, "262144": 2.0, "33554432": 1.0, "1000x1024": 5.0}


def torch_step(case: str, rule: str, fused: bool) -> Callable[[], Any]:
    """A function that makes one step of PyTorch's optimizer, warmed up."""
    import torch

    parameters, gradients = arrays(case)
    params = [torch.nn.Parameter(torch.from_numpy(p)) for p in parameters]
    for p, g in zip(params, gradients, strict=True):
        p.grad = torch.from_numpy(g)
    optimizer = getattr(torch.optim, rule)(params, lr=1e-4, **({"fused": True} if fused else {}))
    for _ in range(3):
        optimizer.step()
    return optimizer.step


def run() -> list[dict[str, Any]]:
    """One row a case and rule: microseconds a step for each side, and PyTorch fused / lucid."""
    import torch

    import lucid

    rows = []
    for case in CASES:
        for rule in ("Adam", "AdamW"):
            sides: dict[str, tuple[Callable[[], Any], Callable[[int], Any]]] = {
                "lucid": (lucid_step(case, rule), lucid.set_num_threads),
                "torch fused": (torch_step(case, rule, True), torch.set_num_threads),
                "torch default": (torch_step(case, rule, False), torch.set_num_threads),
            }
            if case == "33554432" and (bare := bare_loop(case)) is not None:
                sides["bare loop"] = bare, bare.set_threads
            times: dict[tuple[str, int], list[float]] = {(name, n): [] for name in sides for n in (1, 2)}
            for _ in range(ROUNDS):
                for (name, n), found in times.items():
                    step, set_threads = sides[name]
                    set_threads(n)
                    step()
                    for _ in range(max(2, REPEATS[case] // ROUNDS)):
                        begin = time.perf_counter()
                        step()
                        found.append(time.perf_counter() - begin)
            best = {name: min(statistics.median(times[name, n]) for n in (1, 2)) * 1e6 for name in sides}
            row = {"case": f"{rule}, {case}", **best, "fused / lucid": best["torch fused"] / best["lucid"]}
            row["bar"] = BARS[case]
            if "bare loop" in best:
                row["lucid / bare loop"] = best["lucid"] / best["bare loop"]
            rows.append(row)
    return rows


if __name__ == "__main__":
    for row in run():
        print(", ".join(f"{k} {v:,.2f}" if isinstance(v, float) else str(v) for k, v in row.items()))
