"""Schedules that multiply the learning rate by a factor which depends on the step alone.

They are chainable: each step starts from the learning rate that is there, so that several may act on one optimizer.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from lucid.optim.lr_scheduler.base import NEEDED, LRScheduler


class _FactorSchedule(LRScheduler):
    """Base of these: a factor to the next step, and the factor from the initial learning rate."""

    def _factor(self, t: int) -> float | None:
        """From step t - 1 to step t; None for no change."""
        raise NotImplementedError

    def _closed_factor(self, t: int) -> float:
        """From the initial learning rate to step t."""
        raise NotImplementedError

    def _next_lrs(self) -> list[Any]:
        factor = self._factor(self.last_epoch)
        if factor is None:
            return self._current_lrs()
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def _get_closed_form_lr(self) -> list[Any]:
        factor = self._closed_factor(self.last_epoch)
        return [lr * factor for lr in self.base_lrs]


class StepLR(_FactorSchedule):
    r"""Multiplies the learning rate by ``gamma`` every ``step_size`` steps.

    .. math:: η_t = η_0 · γ^{⌊t / step\_size⌋}

    Args:
        optimizer: whose learning rates to set; None for a free schedule.
        step_size: steps between two changes, more than 0.
        gamma: the factor.
        last_epoch, base_lr: as :class:`LRScheduler`.

    Raises:
        ValueError: when ``step_size`` is 0 or less; also as :class:`LRScheduler`.

    Example:
        >>> lucid.optim.StepLR(base_lr=0.5, step_size=2, gamma=0.5).curve(5)
        [[0.5], [0.5], [0.25], [0.25], [0.125]]
    """

    def __init__(
        self,
        optimizer: Any = None,
        step_size: int = NEEDED,
        gamma: float = 0.1,
        last_epoch: int = -1,
        *,
        base_lr: float | None = None,
    ) -> None:
        self.step_size = self._number("step_size", step_size)
        if step_size <= 0:
            raise ValueError(f"{self._name()}: step_size must be positive, got {step_size}")
        self.gamma = self._number("gamma", gamma)
        super().__init__(optimizer, last_epoch, base_lr=base_lr)

    def _factor(self, t: int) -> float | None:
        return None if t == 0 or t % self.step_size else self.gamma

    def _closed_factor(self, t: int) -> float:
        return self.gamma ** (t // self.step_size)


class MultiStepLR(_FactorSchedule):
    r"""Multiplies the learning rate by ``gamma`` at each milestone.

    .. math:: η_t = η_0 · γ^{\#\{m ∈ milestones: m ≤ t\}}

    Args:
        optimizer: whose learning rates to set; None for a free schedule.
        milestones: step numbers; one that comes twice counts twice.
        gamma: the factor.
        last_epoch, base_lr: as :class:`LRScheduler`.

    Example:
        >>> lucid.optim.MultiStepLR(base_lr=1.0, milestones=[1, 3], gamma=0.5).curve(4)
        [[1.0], [0.5], [0.5], [0.25]]
    """

    def __init__(
        self,
        optimizer: Any = None,
        milestones: Iterable[int] = NEEDED,
        gamma: float = 0.1,
        last_epoch: int = -1,
        *,
        base_lr: float | None = None,
    ) -> None:
        if milestones is NEEDED:
            raise TypeError(f"{self._name()}: the argument 'milestones' is missing")
        if not isinstance(milestones, Iterable):
            raise TypeError(f"{self._name()}: milestones must be a list of step numbers, got {milestones!r}")
        self.milestones = Counter(self._number("a milestone", step) for step in milestones)
        self.gamma = self._number("gamma", gamma)
        super().__init__(optimizer, last_epoch, base_lr=base_lr)

    def state_dict(self) -> dict[str, Any]:
        """As :class:`LRScheduler`, with the milestones as a plain dict, which :func:`lucid.save` can store."""
        return {**super().state_dict(), "milestones": dict(self.milestones)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """As :class:`LRScheduler`."""
        super().load_state_dict(state_dict)
        self.milestones = Counter(self.milestones)

    def _factor(self, t: int) -> float | None:
        return self.gamma ** self.milestones[t] if t in self.milestones else None

    def _closed_factor(self, t: int) -> float:
        return self.gamma ** bisect_right(sorted(self.milestones.elements()), t)


class ConstantLR(_FactorSchedule):
    r"""Keeps the learning rate at a fraction ``factor`` for ``total_iters`` steps.

    .. math:: η_t = η_0 · (factor \text{ if } t < total\_iters \text{ else } 1)

    Args:
        optimizer: whose learning rates to set; None for a free schedule.
        factor: from 0 to 1.
        total_iters: how many steps; with 0 there is no end, as in PyTorch.
        last_epoch, base_lr: as :class:`LRScheduler`.

    Raises:
        ValueError: when ``factor`` is outside these bounds; also as :class:`LRScheduler`.

    Example:
        >>> lucid.optim.ConstantLR(base_lr=1.0, factor=0.25, total_iters=2).curve(4)
        [[0.25], [0.25], [1.0], [1.0]]
    """

    def __init__(
        self,
        optimizer: Any = None,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
        *,
        base_lr: float | None = None,
    ) -> None:
        if not 0 <= self._number("factor", factor) <= 1:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor = factor
        self.total_iters = self._number("total_iters", total_iters)
        super().__init__(optimizer, last_epoch, base_lr=base_lr)

    def _next_lrs(self) -> list[Any]:
        if self.factor == 0 and self.last_epoch == self.total_iters != 0:
            return self._get_closed_form_lr()  # nothing is left that a factor could bring back
        return super()._next_lrs()

    def _factor(self, t: int) -> float | None:
        if t == 0:
            return self.factor
        return 1.0 / self.factor if t == self.total_iters else None

    def _closed_factor(self, t: int) -> float:
        return self.factor + (t >= self.total_iters) * (1 - self.factor)


class LinearLR(_FactorSchedule):
    r"""Moves the factor in a straight line from ``start_factor`` to ``end_factor``: a warm-up, or a cool-down.

    .. math:: η_t = η_0 · (start + (end - start) · \min(t, T) / T), \quad T = total\_iters

    Args:
        optimizer: whose learning rates to set; None for a free schedule.
        start_factor: at step 0, in (0, 1].
        end_factor: from step ``total_iters`` on, in [0, 1].
        total_iters: how many steps, 0 or more.
        last_epoch, base_lr: as :class:`LRScheduler`.

    Raises:
        ValueError: when an argument is outside these bounds; also as :class:`LRScheduler`.

    Example:
        >>> lucid.optim.LinearLR(base_lr=1.0, start_factor=0.5, total_iters=2).curve(4)
        [[0.5], [0.75], [1.0], [1.0]]
    """

    def __init__(
        self,
        optimizer: Any = None,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
        *,
        base_lr: float | None = None,
    ) -> None:
        if not 0 < self._number("start_factor", start_factor) <= 1:
            raise ValueError("Starting multiplicative factor expected to be greater than 0 and less or equal to 1.")
        if not 0 <= self._number("end_factor", end_factor) <= 1:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        if self._number("total_iters", total_iters) < 0:
            raise ValueError(f"{self._name()}: total_iters must not be negative, got {total_iters}")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch, base_lr=base_lr)

    def _factor(self, t: int) -> float | None:
        if t == 0:
            return self.start_factor
        if self._is_initial or t > self.total_iters:
            return None
        change = self.end_factor - self.start_factor
        return 1.0 + change / (self.total_iters * self.start_factor + (t - 1) * change)

    def _closed_factor(self, t: int) -> float:
        if t >= self.total_iters == 0:
            return self.start_factor
        change = self.end_factor - self.start_factor
        return self.start_factor + change * min(self.total_iters, t) / self.total_iters


class ExponentialLR(_FactorSchedule):
    r"""Multiplies the learning rate by ``gamma`` at each step.

    .. math:: η_t = η_0 · γ^t

    Args:
        optimizer: whose learning rates to set; None for a free schedule.
        gamma: the factor.
        last_epoch, base_lr: as :class:`LRScheduler`.

    Example:
        >>> w = lucid.nn.Parameter(lucid.ones(1))
        >>> schedule = lucid.optim.ExponentialLR(base_lr=1.0, gamma=0.5)
        >>> optimizer = lucid.optim.Adam([w], lr=schedule)
        >>> optimizer.step()
        >>> schedule.step()
        >>> schedule.get_last_lr()
        [0.5]
    """

    def __init__(
        self, optimizer: Any = None, gamma: float = NEEDED, last_epoch: int = -1, *, base_lr: float | None = None
    ) -> None:
        self.gamma = self._number("gamma", gamma)
        super().__init__(optimizer, last_epoch, base_lr=base_lr)

    def _factor(self, t: int) -> float | None:
        return None if self._is_initial else self.gamma

    def _closed_factor(self, t: int) -> float:
        return self.gamma**t


class PolynomialLR(_FactorSchedule):
    r"""Takes the learning rate to 0 along a power of the steps that are left.

    .. math:: η_t = η_0 · (1 - \min(t, T) / T)^{power}, \quad T = total\_iters

    Args:
        optimizer: whose learning rates to set; None for a free schedule.
        total_iters: how many steps, 0 or more.
        power: 1 for a straight line.
        last_epoch, base_lr: as :class:`LRScheduler`.

    Raises:
        ValueError: when ``total_iters`` is negative; also as :class:`LRScheduler`.

    Example:
        >>> lucid.optim.PolynomialLR(base_lr=1.0, total_iters=2, power=2).curve(4)
        [[1.0], [0.25], [0.0], [0.0]]
    """

    def __init__(
        self,
        optimizer: Any = None,
        total_iters: int = 5,
        power: float = 1.0,
        last_epoch: int = -1,
        *,
        base_lr: float | None = None,
    ) -> None:
        if self._number("total_iters", total_iters) < 0:
            raise ValueError(f"{self._name()}: total_iters must not be negative, got {total_iters}")
        self.total_iters = total_iters
        self.power = self._number("power", power)
        super().__init__(optimizer, last_epoch, base_lr=base_lr)

    def _factor(self, t: int) -> float | None:
        if self._is_initial or t > self.total_iters:
            return None
        left, before = 1.0 - t / self.total_iters, 1.0 - (t - 1) / self.total_iters
        factor: float = (left / before) ** self.power
        return factor

    def _closed_factor(self, t: int) -> float:
        if self.total_iters == 0:
            return 1.0
        factor: float = (1.0 - min(self.total_iters, t) / self.total_iters) ** self.power
        return factor
