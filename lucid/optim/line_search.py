"""A line search for the strong Wolfe conditions: algorithms 3.5 and 3.6 of Nocedal, Wright; safeguards as PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np


class Point(NamedTuple):
    """A place on the line: t from its beginning; the loss, the gradient, the slope g·d; max |g| and Σ|g|."""

    t: float
    loss: float
    gradient: Any
    slope: float
    largest: float
    total: float


def strong_wolfe(
    evaluate: Callable[[float, Sequence[Point]], Point],
    start: Point,
    t: float,
    reach: float,
    max_trials: int,
) -> Point:
    r"""A point with loss ≤ loss₀ + 10⁻⁴ t slope₀ and \|slope\| ≤ 0.9 \|slope₀\|, or the best of ``max_trials``.

    Args:
        evaluate: the point at t; it must not write over the gradients of the points it is given.
        start: the beginning of the line, t = 0.
        t: where to look first.
        reach: max \|d\|, so that t · reach is the largest change of a parameter. The search also ends when the bracket
            is smaller than 1e-9 in these units (PyTorch's fixed number, whatever ``tolerance_change`` is).
        max_trials: evaluations, beside the first.
    """

    def too_high(point: Point) -> bool:
        return point.loss > start.loss + 1e-4 * point.t * start.slope

    def flat(point: Point) -> bool:
        return abs(point.slope) <= -0.9 * start.slope

    # Go on until two points have a minimum between them.
    before, point = start, evaluate(t, [start])
    trials = 0
    while trials < max_trials:
        if too_high(point) or (trials > 1 and point.loss >= before.loss):
            break
        if flat(point):
            return point
        if point.slope >= 0:
            break
        t = cubic_minimum(before, point, point.t + 0.01 * (point.t - before.t), point.t * 10)
        before, point = point, evaluate(t, [start, point])
        trials += 1
    else:
        before = start

    # Make the bracket smaller, from both ends.
    ends = [before, point]
    low = _lower(ends)
    stalled = False
    while trials < max_trials:
        left, right = sorted([ends[0].t, ends[1].t])  # NaN stays, so that the bracket has no width then
        if (right - left) * reach < 1e-9:
            break
        t = cubic_minimum(ends[0], ends[1], left, right)
        margin = 0.1 * (right - left)
        near = min(right - t, t - left) < margin
        if near and (stalled or not left < t < right):
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            stalled = False
        else:
            stalled = near
        point = evaluate(t, ends)
        trials += 1
        if too_high(point) or point.loss >= ends[low].loss:
            ends[1 - low] = point
            low = _lower(ends)
        elif flat(point):
            return point
        else:
            if point.slope * (ends[1 - low].t - ends[low].t) >= 0:
                ends[1 - low] = ends[low]
            ends[low] = point
    return ends[low]


def _lower(ends: list[Point]) -> int:
    return 0 if ends[0].loss <= ends[1].loss else 1


def cubic_minimum(a: Point, b: Point, least: float, most: float) -> float:
    """Where the cubic with the losses and slopes of two points has its minimum, put between ``least`` and ``most``.

    Where it has none: the middle. Source: Nocedal and Wright, equation 3.59.
    """
    if a.t > b.t:
        a, b = b, a
    with np.errstate(all="ignore"):  # what is not finite goes its way, as in PyTorch
        width, rise = np.float64(b.t) - a.t, np.float64(b.loss) - a.loss
        mean = a.slope + b.slope - 3 * rise / width
        square = mean * mean - np.float64(a.slope) * b.slope
        if not square >= 0:
            return (least + most) / 2
        root = np.sqrt(square)
        t = float(b.t - width * ((b.slope + root - mean) / (b.slope - a.slope + 2 * root)))
    return min(max(t, least), most)
