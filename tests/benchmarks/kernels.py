"""Operations on medium and large data, lucid beside PyTorch.

`python tests/benchmarks/kernels.py [--one-thread] [part of a name ...]`

Each operation forward and backward, at sizes of small models and of a million numbers, with 1 and 2 threads in one run.
The rows are sorted: where lucid does worst against PyTorch comes first. The cases are in kernel_cases.py.

- A time is the best tenth of all counted calls: other work on the machine only adds.
- `/ torch`: lucid's better thread count to PyTorch's better one.
- `/ pass`: lucid's better thread count to a bare pass over the same memory, which is lucid's copy kernel moving as many
  bytes. Forward moves the inputs and the result; backward the gradient of the result, the inputs and their gradients.
- `2 thr`: how many times faster two threads are than one.

With --one-thread the times are processor times of one thread: what other programs do at the same time counts less.
PyTorch may be absent; then rows are sorted by the bare pass.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from kernel_cases import CASES, KernelCase
from peer_frameworks import torch
from turns import THREADS, Contender, take_turns

import lucid
from lucid import engine

SECONDS = 0.25  # a contender's time
ONE_THREAD = "--one-thread" in sys.argv
COUNTS = THREADS[:1] if ONE_THREAD else THREADS
clock = time.thread_time if ONE_THREAD else time.perf_counter


def best_tenth(contender: Contender, quantity: int) -> float:
    """The time, in µs, that a tenth of the calls stayed below."""
    return float(np.quantile([times[quantity] for times in contender.times], 0.1)) * 1e6


def tensors(framework: Any, arrays: list[np.ndarray]) -> list[Any]:
    """The arrays as tensors; those of floats want gradients."""
    made = [framework.from_numpy(array.copy()) for array in arrays]
    return [x.requires_grad_() if x.is_floating_point() else x for x in made]


def round_of(framework: Any, case: KernelCase, arrays: list[np.ndarray]) -> tuple[Callable[[], tuple[float, ...]], Any]:
    """A round that runs the case forward, then backward; and what it results in."""
    inputs = tensors(framework, arrays)
    learned = [x for x in inputs if x.requires_grad]
    run = case.build(framework)
    out = run(*inputs)
    grad = framework.from_numpy(np.random.default_rng(1).standard_normal(tuple(out.shape)).astype(np.float32))

    def round() -> tuple[float, ...]:
        for x in learned:
            x.grad = None
        start = clock()
        out = run(*inputs)
        between = clock()
        if learned:
            out.backward(grad)
        return between - start, clock() - between

    return round, out


def bare_pass(nbytes: int) -> Callable[[], tuple[float, ...]]:
    """A round that moves so many bytes, half of them read and half written."""
    x, out = lucid.ones(max(nbytes // 8, 1)), lucid.ones(max(nbytes // 8, 1))

    def round() -> tuple[float, ...]:
        start = clock()
        engine.copy_into(out, x)
        return (clock() - start,)

    return round


def measure(case: KernelCase) -> list[dict[str, Any]]:
    """The rows of one case: forward, and backward where there is one."""
    arrays = case.arrays(np.random.default_rng(0))
    contenders = []
    results = {}
    for name, framework in (("lucid", lucid), ("torch", torch)):
        if framework is None:
            continue
        round, results[name] = round_of(framework, case, arrays)
        for n in COUNTS:
            contenders.append(Contender(name, n, partial(framework.set_num_threads, n), round))
    if torch and case.same:
        theirs, ours = (results[name].detach().numpy() for name in ("torch", "lucid"))
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4, err_msg=case.name)
    floats = sum(array.nbytes for array in arrays if array.dtype.kind == "f")
    every = sum(array.nbytes for array in arrays)
    result = results["lucid"].array.nbytes
    moved = [every + result, result + every + floats]
    for quantity, nbytes in enumerate(moved):
        for n in COUNTS:
            contenders.append(Contender(f"pass {quantity}", n, partial(lucid.set_num_threads, n), bare_pass(nbytes)))
    take_turns(contenders, SECONDS)
    rows = []
    for quantity, direction in enumerate(("forward", "backward")):
        if direction == "backward" and not floats:
            continue
        times = {(c.name, c.threads): best_tenth(c, quantity) for c in contenders if not c.name.startswith("pass")}
        floor = min(best_tenth(c, 0) for c in contenders if c.name == f"pass {quantity}")
        ours = min(times["lucid", n] for n in COUNTS)
        row = {"name": f"{case.name} {direction}", "times": times, "pass": ours / floor}
        row["threads"] = times["lucid", COUNTS[0]] / times["lucid", COUNTS[-1]]
        row["torch"] = ours / min(times["torch", n] for n in COUNTS) if torch else 0.0
        rows.append(row)
    return rows


def main() -> None:
    """Prints the table of the cases that the command line names, of all when it names none."""
    wanted = [part for part in sys.argv[1:] if not part.startswith("--")]
    chosen = [case for case in CASES if not wanted or any(part in case.name for part in wanted)]
    if not chosen:
        sys.exit(
            f"No case has {' or '.join(map(repr, wanted))} in its name; there are {', '.join(c.name for c in CASES)}"
        )
    rows = []
    for number, case in enumerate(chosen, 1):
        if sys.stderr.isatty():
            print(f"\r{number} of {len(chosen)}: {case.name:40}", end="", file=sys.stderr, flush=True)
        rows += measure(case)
    rows.sort(key=lambda row: -(row["torch"] or row["pass"]))
    columns = [f"{name} {n}" for name in ("lucid", "torch") for n in COUNTS]
    titles = "".join(f"{column:>9}" for column in columns)
    print(f"\n{'µs':44}{titles}  / torch  / pass{'' if ONE_THREAD else '  2 thr'}")
    for row in rows:
        cells = [row["times"].get((name, n)) for name in ("lucid", "torch") for n in COUNTS]
        text = "".join("         " if cell is None else f"{cell:9.1f}" for cell in cells)
        threads = "" if ONE_THREAD else f"{row['threads']:7.2f}"
        print(f"{row['name']:44}{text}{row['torch']:9.2f}{row['pass']:8.2f}{threads}")


if __name__ == "__main__":
    main()
