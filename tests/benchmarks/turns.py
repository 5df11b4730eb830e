"""Contenders that take turns, and the tables of what they took."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

THREADS = (1, 2)
SECONDS = 3.0  # a contender's time in a table
BLOCK_SECONDS = 0.02
UNCOUNTED = 3  # rounds at the beginning of a block, in which threads and caches find their way back


@dataclass
class Contender:
    """One framework at one thread count.

    Attributes:
        name: of the framework.
        threads: its thread count.
        prepare: called before each block.
        round: one measured round; returns its times in seconds, one for each quantity measured.
        times: those of all counted rounds.
    """

    name: str
    threads: int
    prepare: Callable[[], None]
    round: Callable[[], tuple[float, ...]]
    times: list[tuple[float, ...]] = field(default_factory=list)

    def median(self, quantity: int = 0) -> float:
        """The median time, in seconds."""
        return statistics.median(times[quantity] for times in self.times)


def take_turns(contenders: list[Contender], seconds: float = SECONDS) -> None:
    """Runs all contenders, block by block in turn, until each had about ``seconds``."""
    rounds = []
    for c in contenders:
        c.prepare()
        for _ in range(5):
            c.round()
        rounds.append(max(1, int(BLOCK_SECONDS / max(sum(c.round()), 1e-7))))
    end = time.perf_counter() + seconds * len(contenders)
    while time.perf_counter() < end or not contenders[-1].times:
        for c, count in zip(contenders, rounds, strict=True):
            c.prepare()
            for _ in range(UNCOUNTED if count > 1 else 1):
                c.round()
            c.times.extend(c.round() for _ in range(count))


def timed(call: Callable[[], Any]) -> Callable[[], tuple[float]]:
    """A round that is one call."""
    clock = time.perf_counter

    def round() -> tuple[float]:
        start = clock()
        call()
        return (clock() - start,)

    return round


def best(contenders: list[Contender], quantity: int = 0) -> dict[str, float]:
    """The median of each framework at its better thread count, in seconds."""
    found: dict[str, float] = {}
    for c in contenders:
        found[c.name] = min(found.get(c.name, float("inf")), c.median(quantity))
    return found


def heading(text: str) -> None:
    """The title of a table."""
    print(f"\n{text}", flush=True)


def table(
    contenders: list[Contender], unit: float, label: str, quantity: int = 0, bars: dict[str, float] | None = None
) -> None:
    """Prints medians by thread count, and lucid's share of each framework's best, beside what is asked for."""
    found = best(contenders, quantity)
    ours = found["lucid"]
    print(f"  {label:26}" + "".join(f"{n} thread{'s' * (n > 1)}".rjust(12) for n in THREADS) + "   lucid / it    asked")
    for name, its in found.items():
        cells = {c.threads: f"{c.median(quantity) / unit:.2f}" for c in contenders if c.name == name}
        row = f"  {name:26}" + "".join(cells.get(n, "").rjust(12) for n in THREADS)
        if name != "lucid":
            row += f"{ours / its:11.2f} x"
            asked = (bars or {}).get(name)
            row += "" if asked is None else f"   <= {asked:.2f} {'' if ours / its <= asked else '  MISSED'}"
        print(row)
