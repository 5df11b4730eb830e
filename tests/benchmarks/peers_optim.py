"""Optimizers alone: Adam and AdamW beside PyTorch's, every rule beside a bare loop, and what clipping costs.

Each side runs at its better thread count of 1 and 2; rounds are interleaved; the figure is the median of the steps.
``python tests/benchmarks/peers_optim.py [peers] [rules] [clip]`` prints the tables.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from optimizer_cases import CASES, REPEATS, RULE_OPTIONS, TRAFFIC, arrays, bare_loop, lucid_step  # noqa: E402

ROUNDS = 5
BARS = {"mlp": 10.0, "262144": 2.0, "33554432": 1.0, "1000x1024": 5.0}


def torch_step(case: str, rule: str, fused: bool) -> Callable[[], Any]:
    """A function that makes one step of PyTorch's optimizer, warmed up."""
    import torch

    parameters, gradients = arrays(case)
    params = [torch.nn.Parameter(torch.from_numpy(p)) for p in parameters]
    for p, g in zip(params, gradients, strict=True):
        p.grad = torch.from_numpy(g)
    options = {**RULE_OPTIONS.get(rule, {}), **({"fused": True} if fused else {})}
    optimizer = getattr(torch.optim, rule.split()[0])(params, lr=1e-4, **options)
    for _ in range(3):
        optimizer.step()
    return optimizer.step


Side = tuple[Callable[[], Any], Callable[[int], Any]]  # a step, and what sets its number of threads


def measured(sides: dict[str, Side], repeats: int) -> dict[str, float]:
    """Microseconds a step for each side, at its better thread count."""
    times: dict[tuple[str, int], list[float]] = {(name, n): [] for name in sides for n in (1, 2)}
    for _ in range(ROUNDS):
        for (name, n), found in times.items():
            step, set_threads = sides[name]
            set_threads(n)
            step()
            for _ in range(max(2, repeats // ROUNDS)):
                begin = time.perf_counter()
                step()
                found.append(time.perf_counter() - begin)
    return {name: min(statistics.median(times[name, n]) for n in (1, 2)) * 1e6 for name in sides}


def peers() -> Iterator[dict[str, Any]]:
    """One row a case and rule: microseconds a step for each side, and PyTorch fused / lucid."""
    import torch

    import lucid

    for case in CASES:
        for rule in ("Adam", "AdamW", "SGD momentum"):
            sides: dict[str, Side] = {
                "lucid": (lucid_step(case, rule), lucid.set_num_threads),
                "torch fused": (torch_step(case, rule, True), torch.set_num_threads),
                "torch default": (torch_step(case, rule, False), torch.set_num_threads),
            }
            best = measured(sides, REPEATS[case])
            bar = BARS[case]
            yield {"case": f"{rule}, {case}", **best, "fused / lucid": best["torch fused"] / best["lucid"], "bar": bar}


def rules() -> Iterator[dict[str, Any]]:
    """One row a rule: its step over one large tensor, beside a bare loop that moves as much memory."""
    import lucid

    case = "33554432"
    for rule in TRAFFIC:
        bare = bare_loop(CASES[case][0][0], rule)
        if bare is None:
            raise SystemExit("the bare loop needs a C compiler")
        sides: dict[str, Side] = {
            "lucid": (lucid_step(case, rule), lucid.set_num_threads),
            "bare loop": (bare, bare.set_threads),
        }
        best = measured(sides, REPEATS[case])
        yield {"case": f"{rule}, {case}", **best, "lucid / bare loop": best["lucid"] / best["bare loop"], "bar": 1.1}


def clip() -> Iterator[dict[str, Any]]:
    """One row a case and rule: the step with gradients clipped by norm and by value, over the plain step."""
    import lucid

    for case in CASES:
        for rule in ("Adam", "SGD momentum", "SGD"):
            options: dict[str, dict[str, Any]] = {
                "plain": {},
                "by norm": {"grad_clip_norm": 1.0},
                "by value": {"grad_clip_value": 0.01},
                "norm measured only": {"grad_clip_norm": 1e30},
            }
            sides: dict[str, Side] = {
                name: (lucid_step(case, rule, **chosen), lucid.set_num_threads) for name, chosen in options.items()
            }
            best = measured(sides, REPEATS[case])
            ratios = {f"{name} / plain": best[name] / best["plain"] for name in best if name != "plain"}
            yield {"case": f"{rule}, {case}", **best, **ratios, "bar": 1.25}


def line_of(row: dict[str, Any]) -> str:
    """A row, to print."""
    return ", ".join(f"{k} {v:,.2f}" if isinstance(v, float) else str(v) for k, v in row.items())


if __name__ == "__main__":
    for table in sys.argv[1:] or ["peers", "rules", "clip"]:
        for row in {"peers": peers, "rules": rules, "clip": clip}[table]():
            print(line_of(row), flush=True)
