"""The curve of a schedule as a picture."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from lucid.autograd.graph import describe
from lucid.optim.lr_scheduler.base import LRScheduler


def plot(
    schedule: LRScheduler,
    steps: int,
    *,
    metrics: Sequence[float] | None = None,
    ax: Any = None,
    label: str | None = None,
) -> Any:
    """Draws the learning rate over the steps, from the schedule's beginning, one line for each group.

    The schedule and its optimizer stay as they are. Free schedules can be drawn too.

    Args:
        schedule: any schedule.
        steps: how many steps, 1 or more.
        metrics: for :class:`ReduceLROnPlateau` alone: what it would be told after each step but the last.
        ax: the matplotlib Axes to draw on; a new one unless given.
        label: the line's name in the legend; the schedule's class unless given.

    Returns:
        the Axes: ``ax.figure.savefig("schedule.png")``, or ``matplotlib.pyplot.show()``.

    Raises:
        ImportError: when matplotlib is not installed.
        TypeError: when ``schedule`` is none.

    Example:
        >>> from lucid.optim import lr_scheduler
        >>> ax = lr_scheduler.plot(lucid.optim.StepLR(base_lr=0.1, step_size=30), 90)  # doctest: +SKIP
    """
    if not isinstance(schedule, LRScheduler):
        raise TypeError(f"plot: expected a schedule, got {describe(schedule)}")
    rows = schedule.curve(steps, metrics)
    if ax is None:
        try:  # an optional package, and slow to import: only for those who draw
            pyplot = importlib.import_module("matplotlib.pyplot")
        except ImportError:
            raise ImportError("plot: needs matplotlib; install it with: pip install 'lucid-mini[plot]'") from None
        _, ax = pyplot.subplots()
    label = type(schedule).__name__ if label is None else label
    for number in range(len(rows[0])):
        name = label if len(rows[0]) == 1 else f"{label}, group {number}"
        ax.plot(range(len(rows)), [row[number] for row in rows], label=name)
    ax.set_xlabel("step")
    ax.set_ylabel("learning rate")
    ax.legend()
    return ax
