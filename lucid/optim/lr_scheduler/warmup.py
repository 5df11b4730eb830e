"""Schedules that begin with a warm-up, and one in pieces. Each is a formula of the step."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from lucid.optim.lr_scheduler.base import NEEDED, LRScheduler


class NoamScheduler(LRScheduler):
    r"""The schedule of the Transformer: up in a straight line, then down with the root of the step.

    .. math:: η_t = \frac{factor}{\sqrt{model\_size}} · \min(s^{-1/2}, s · warmup\_steps^{-3/2}), \quad s = \max(t, 1)

    All groups get this learning rate, whatever their own. It is highest at step ``warmup_steps``.

    Args:
        optimizer: whose learning rates to set; None for a free schedule.
        model_size: the width of the model, more than 0.
        warmup_steps: steps up, more than 0.
        factor: of the whole curve, more than 0.
        last_epoch: as :class:`LRScheduler`.
        d_model: another name of ``model_size``.

    Raises:
        ValueError: for an argument outside these bounds; also as :class:`LRScheduler`.

    Source: A. Vaswani et al.: Attention is all you need, NeurIPS 2017, section 5.3.

    Example:
        >>> schedule = lucid.optim.NoamScheduler(model_size=4, warmup_steps=4)
        >>> schedule.lr_at(2), schedule.lr_at(4), schedule.lr_at(16)
        ([0.125], [0.25], [0.125])
    """

    def __init__(
        self,
        optimizer: Any = None,
        model_size: int = NEEDED,
        warmup_steps: int = NEEDED,
        factor: float = 1.0,
        last_epoch: int = -1,
        *,
        d_model: int | None = None,
    ) -> None:
        if d_model is not None:
            if model_size is not NEEDED:
                raise ValueError(f"{self._name()}: d_model is another name of model_size; give one of them")
            model_size = d_model
        for name, value in (("model_size", model_size), ("warmup_steps", warmup_steps), ("factor", factor)):
            if self._number(name, value) <= 0:
                raise ValueError(f"{self._name()}: {name} must be positive, got {value}")
        self.model_size, self.warmup_steps, self.factor = model_size, warmup_steps, factor
        super().__init__(optimizer, last_epoch)

    def starting_lr(self) -> Any:
        """The learning rate of step 0."""
        return self._value(0)

    def _value(self, t: float) -> float:
        s = max(t, 1)
        lr: float = self.factor * self.model_size**-0.5 * min(s**-0.5, s * self.warmup_steps**-1.5)
        return lr

    def _next_lrs(self) -> list[Any]:
        return [self._value(self.last_epoch)] * len(self.optimizer.param_groups)


NoamLR = NoamScheduler


class WarmupScheduler(LRScheduler):
    r"""Goes up in a straight line from ``warmup_start_lr`` to the initial learning rate, and stays there.

    .. math:: η_t = start + (η_0 - start) · \min(t / warmup\_epochs, 1)

    Args:
        optimizer: whose learning rates to set; None for a free schedule.
        warmup_epochs: steps up, 0 or more.
        warmup_start_lr: the learning rate at step 0.
        last_epoch, base_lr: as :class:`LRScheduler`.

    Raises:
        ValueError: when ``warmup_epochs`` is negative; also as :class:`LRScheduler`.

    Source: P. Goyal et al.: Accurate, large minibatch SGD: training ImageNet in 1 hour, 2017, arXiv:1706.02677.

    Example:
        >>> lucid.optim.WarmupScheduler(base_lr=1.0, warmup_epochs=2).curve(4)
        [[0.0], [0.5], [1.0], [1.0]]
    """

    def __init__(
        self,
        optimizer: Any = None,
        warmup_epochs: int = 5,
        warmup_start_lr: float = 0.0,
        last_epoch: int = -1,
        *,
        base_lr: float | None = None,
    ) -> None:
        if self._number("warmup_epochs", warmup_epochs) < 0:
            raise ValueError(f"{self._name()}: warmup_epochs must not be negative, got {warmup_epochs}")
        self.warmup_epochs = warmup_epochs
        self.warmup_start_lr = self._number("warmup_start_lr", warmup_start_lr)
        super().__init__(optimizer, last_epoch, base_lr=base_lr)

    def _next_lrs(self) -> list[Any]:
        return _line(self.warmup_start_lr, self.base_lrs, self.last_epoch, self.warmup_epochs)


def _line(start: float, ends: list[Any], t: float, steps: float) -> list[Any]:
    """From ``start`` to each end in so many steps; the ends themselves from there on."""
    return [start + (end - start) * (t / steps) if t < steps else end for end in ends]


class WarmupCosineSchedule(LRScheduler):
    r"""A warm-up in a straight line, then half a cosine down to ``eta_min``, where it stays.

    .. math::
        η_t &= start + (η_0 - start) · t / W && \text{for } t < W = warmup\_steps \\
        η_t &= η_{min} + \tfrac{1}{2} (η_0 - η_{min}) (1 + \cos(π \min((t - W) / (T - W), 1)))
        && \text{from there, } T = total\_steps

    Args:
        optimizer: whose learning rates to set; None for a free schedule.
        warmup_steps: steps up, 0 or more.
        total_steps: all steps, at least ``warmup_steps``.
        warmup_start_lr: the learning rate at step 0.
        eta_min: the learning rate at the end.
        last_epoch, base_lr: as :class:`LRScheduler`.

    Raises:
        ValueError: for an argument outside these bounds; also as :class:`LRScheduler`.

    Source: the two parts are those of :class:`WarmupScheduler` and :class:`CosineAnnealingLR`.

    Example:
        >>> curve = lucid.optim.WarmupCosineSchedule(base_lr=1.0, warmup_steps=2, total_steps=6).curve(8)
        >>> [round(lr, 3) for [lr] in curve]
        [0.0, 0.5, 1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    def __init__(
        self,
        optimizer: Any = None,
        warmup_steps: int = 1000,
        total_steps: int = 10000,
        warmup_start_lr: float = 0.0,
        eta_min: float = 0.0,
        last_epoch: int = -1,
        *,
        base_lr: float | None = None,
    ) -> None:
        if not 0 <= self._number("warmup_steps", warmup_steps) <= self._number("total_steps", total_steps):
            raise ValueError(
                f"{self._name()}: needs 0 <= warmup_steps <= total_steps, got {warmup_steps} and {total_steps}"
            )
        self.warmup_steps, self.total_steps = warmup_steps, total_steps
        self.warmup_start_lr = self._number("warmup_start_lr", warmup_start_lr)
        self.eta_min = self._number("eta_min", eta_min)
        super().__init__(optimizer, last_epoch, base_lr=base_lr)

    def _next_lrs(self) -> list[Any]:
        t, low = self.last_epoch, self.eta_min
        if t < self.warmup_steps:
            return _line(self.warmup_start_lr, self.base_lrs, t, self.warmup_steps)
        part = min((t - self.warmup_steps) / max(self.total_steps - self.warmup_steps, 1), 1.0)
        return [low + (lr - low) * (1 + math.cos(math.pi * part)) / 2 for lr in self.base_lrs]


class PiecewiseConstantSchedule(LRScheduler):
    r"""One learning rate until the first boundary, the next from there on, and so forth.

    .. math:: η_t = values[\#\{b ∈ boundaries: b ≤ t\}]

    All groups get this learning rate, whatever their own.

    Args:
        optimizer: whose learning rates to set; None for a free schedule.
        boundaries: increasing step numbers; [1000, 2000] unless given.
        values: learning rates, one more than boundaries; [1.0, 0.1, 0.01] unless given.
        last_epoch: as :class:`LRScheduler`.

    Raises:
        ValueError: when the lists do not fit each other, or the boundaries do not increase.

    Example:
        >>> schedule = lucid.optim.PiecewiseConstantSchedule(boundaries=[2, 3], values=[1.0, 0.5, 0.25])
        >>> schedule.curve(5)
        [[1.0], [1.0], [0.5], [0.25], [0.25]]
    """

    def __init__(
        self,
        optimizer: Any = None,
        boundaries: Sequence[int] | None = None,
        values: Sequence[float] | None = None,
        last_epoch: int = -1,
    ) -> None:
        self.boundaries = [self._number("a boundary", x) for x in ([1000, 2000] if boundaries is None else boundaries)]
        self.values = [self._number("a value", x) for x in ([1.0, 0.1, 0.01] if values is None else values)]
        if len(self.boundaries) != len(self.values) - 1:
            raise ValueError(
                f"{self._name()}: needs one value more than boundaries, got {len(self.values)} and "
                f"{len(self.boundaries)}"
            )
        if any(b <= a for a, b in zip(self.boundaries, self.boundaries[1:], strict=False)):
            raise ValueError(f"{self._name()}: boundaries must be increasing, got {self.boundaries}")
        super().__init__(optimizer, last_epoch)

    def starting_lr(self) -> Any:
        """The learning rate of step 0."""
        return self._value(0)

    def _value(self, t: float) -> float:
        return self.values[bisect_right(self.boundaries, t)]

    def _next_lrs(self) -> list[Any]:
        return [self._value(self.last_epoch)] * len(self.optimizer.param_groups)
