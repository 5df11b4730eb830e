"""What an operation on 8 to 64 numbers costs, lucid beside PyTorch: `python tests/benchmarks/overhead.py [name ...]`.

On inputs this small the time is that of the way to the kernel and of the recording, not of arithmetic. A round makes
``CALLS`` calls on as many separate inputs, once recorded, once under ``no_grad``, and goes backward through the
recorded ones at once, down to the gradients of the leaves. Times are µs a call, medians; the two frameworks take turns
in one process, each with one thread. Without PyTorch lucid's times stand alone. A name is a group (see
``overhead_cases.py``), or that of an operation.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from overhead_cases import GROUPS, Cases
from peer_frameworks import torch
from turns import Contender, take_turns

import lucid
from lucid.autograd.graph import run_backward

CALLS = 20
QUANTITIES = ("forward", "no grad", "backward")


def inputs_for(T: Any, given: tuple[Any, ...]) -> list[Any]:
    """The inputs of one call, as tensors of the framework ``T``."""
    found = []
    for x in given:
        constant = isinstance(x, tuple)
        array = np.array(x[1] if constant else x)
        if array.shape == () and array.dtype == np.int64:
            found.append(int(array))
        else:
            found.append(T.tensor(array))
            if array.dtype == np.float32 and not constant:
                found[-1].requires_grad_()
    return found


def floating_results(result: Any) -> list[Any]:
    """The results that can go backward."""
    results = result if isinstance(result, (tuple, list)) else (result,)
    return [y for y in results if getattr(y, "requires_grad", False)]


# Straight into the two engines: what autograd.backward does before, checking each root, is no operation's cost.


def lucid_backward(roots: list[Any], grads: list[Any]) -> None:
    """Gradients of the leaves behind the roots."""
    run_backward(roots, grads, False, False)


def torch_backward(roots: list[Any], grads: list[Any]) -> None:
    """The same in PyTorch."""
    run = torch.autograd.Variable._execution_engine.run_backward
    run(tuple(roots), tuple(grads), False, False, (), allow_unreachable=True, accumulate_grad=True)


def round_of(T: Any, make: Callable[[Any], Any], given: tuple[Any, ...]) -> Callable[[], tuple[float, ...]]:
    """A measured round: the times of a forward, of one without a graph, and of a backward. 0 where there is none."""
    function = make(T)
    calls = [inputs_for(T, given) for _ in range(CALLS)]
    leaves = [x for call in calls for x in call if getattr(x, "requires_grad", False)]
    starts: list[Any] = []
    for call in calls:
        starts += [T.ones_like(y).detach() for y in floating_results(function(*call))]
    clock = time.perf_counter
    backward = lucid_backward if T is lucid else torch_backward

    def round() -> tuple[float, ...]:
        for leaf in leaves:
            leaf.grad = None
        begin = clock()
        results = [function(*call) for call in calls]
        recorded = clock() - begin
        roots = [y for result in results for y in floating_results(result)]
        backwards = 0.0
        if roots:
            begin = clock()
            backward(roots, starts)
            backwards = clock() - begin
        del results, roots
        with T.no_grad():
            begin = clock()
            for call in calls:
                function(*call)
            plain = clock() - begin
        return recorded, plain, backwards

    return round


def measure(case: tuple[Any, ...], seconds: float) -> dict[str, list[float]]:
    """The medians of a case by framework, in µs a call."""
    make, *given = case
    contenders = []
    for name, T in (("lucid", lucid), *([("PyTorch", torch)] if torch else [])):
        contenders.append(Contender(name, 1, partial(T.set_num_threads, 1), round_of(T, make, tuple(given))))
    take_turns(contenders, seconds)
    return {c.name: [c.median(i) * 1e6 / CALLS for i in range(len(QUANTITIES))] for c in contenders}


def line(name: str, found: dict[str, list[float]]) -> str:
    """A row of the table: lucid, PyTorch and their ratio, for each quantity."""
    ours, theirs = found["lucid"], found.get("PyTorch")
    row = f"{name:26}"
    for i, time_taken in enumerate(ours):
        if not time_taken:
            row += " " * 24
        elif theirs is None:
            row += f"{time_taken:8.2f}" + " " * 16
        else:
            row += f"{time_taken:8.2f}{theirs[i]:8.2f}{time_taken / theirs[i]:6.2f}  "
    return row


def worst(found: dict[str, list[float]]) -> float:
    """The largest ratio of forward and backward to PyTorch; lucid's forward where there is no PyTorch."""
    theirs = found.get("PyTorch")
    if theirs is None:
        return found["lucid"][0]
    return max(ours / its for ours, its in zip(found["lucid"], theirs, strict=True) if its)


def main() -> None:
    """Measures what the command line names and prints it, the worst first."""
    parser = argparse.ArgumentParser(description="The overhead of small operations.")
    parser.add_argument("names", nargs="*", help=f"groups ({', '.join(GROUPS)}) or operations; default: all")
    parser.add_argument("--seconds", type=float, default=0.3, help="of measuring, for each operation and framework")
    options = parser.parse_args()
    groups = {group: cases() for group, cases in GROUPS.items()}
    every: Cases = {name: case for cases in groups.values() for name, case in cases.items()}
    chosen: Cases = {}
    for name in options.names or groups:
        if name not in groups and name not in every:
            parser.error(f"there is no group or operation {name!r}")
        chosen |= groups.get(name) or {name: every[name]}
    found = {name: measure(case, options.seconds) for name, case in chosen.items()}
    heads = "".join(f"{quantity:>8}{'PyTorch':>8}{'ratio':>6}  " for quantity in QUANTITIES)
    print(f"{'µs a call':26}{heads}")
    for name in sorted(found, key=lambda name: -worst(found[name])):
        print(line(name, found[name]))
    if torch:
        for i, quantity in enumerate(QUANTITIES):
            ratios = [t["lucid"][i] / t["PyTorch"][i] for t in found.values() if t["PyTorch"][i]]
            if ratios:
                above = sum(ratio > 1 for ratio in ratios)
                mean = np.exp(np.mean(np.log(ratios)))
                print(f"{quantity}: geometric mean {mean:.2f}, above 1.00: {above} of {len(ratios)}")


if __name__ == "__main__":
    main()
