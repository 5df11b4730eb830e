"""``clip_grad_norm_`` beside PyTorch's (foreach, its default), and the functional AdamW beside the class.

Each side runs at its better thread count of 1 and 2; rounds are interleaved; the figure is the median of the calls.
``python tests/benchmarks/peers_clip.py`` prints microseconds a call; ``run()`` returns them.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from optimizer_cases import arrays, lucid_step  # noqa: E402

ROUNDS = 5
REPEATS = {"mlp": 2000, "1000x1024": 200}
CLIPPED, UNCLIPPED = -1.0, 1e9  # a negative norm turns gradients around: their size stays, at every call


def clip(side: Any, tensor_of: Callable[[Any], Any], case: str, max_norm: float) -> Callable[[], Any]:
    """A function that clips gradients of a case; ``side`` is lucid or torch."""
    params = []
    for values in arrays(case)[1]:
        params.append(side.nn.Parameter(tensor_of(values * 0)))
        params[-1].grad = tensor_of(values.copy())
    return lambda: side.nn.utils.clip_grad_norm_(params, max_norm)


def functional_step(case: str) -> Callable[[], Any]:
    """A function that makes one step of the functional AdamW."""
    import lucid

    params, gradients = ([lucid.from_numpy(x) for x in side] for side in arrays(case))
    rule = lucid.optim.functional.adamw(lr=1e-4)
    kept = [params, rule.init(params)]

    def step() -> None:
        kept[:] = rule.update(gradients, kept[1], kept[0])

    return step


def run() -> list[dict[str, Any]]:
    """One row a case: microseconds for each side."""
    import torch

    import lucid

    rows = []
    for case, repeats in REPEATS.items():
        comparisons: dict[str, dict[str, Callable[[], Any]]] = {
            f"clip_grad_norm_, {case}, {'clipped' if limit < 0 else 'not clipped'}": {
                "lucid": clip(lucid, lucid.from_numpy, case, limit),
                "torch": clip(torch, torch.from_numpy, case, limit),
            }
            for limit in (CLIPPED, UNCLIPPED)
        }
        comparisons[f"AdamW, {case}"] = {"class": lucid_step(case), "functional": functional_step(case)}
        for name, sides in comparisons.items():
            times: dict[tuple[str, int], list[float]] = {(side, n): [] for side in sides for n in (1, 2)}
            for _ in range(ROUNDS):
                for (side, n), found in times.items():
                    (torch if side == "torch" else lucid).set_num_threads(n)
                    sides[side]()
                    for _ in range(repeats // ROUNDS):
                        begin = time.perf_counter()
                        sides[side]()
                        found.append(time.perf_counter() - begin)
            best = {side: min(statistics.median(times[side, n]) for n in (1, 2)) * 1e6 for side in sides}
            rows.append({"case": name, **best})
    return rows


if __name__ == "__main__":
    for row in run():
        print(", ".join(f"{k} {v:,.1f}" if isinstance(v, float) else str(v) for k, v in row.items()))
