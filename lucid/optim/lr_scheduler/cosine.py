"""Schedules along a cosine."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lucid.optim.lr_scheduler.base import NEEDED, LRScheduler


class CosineAnnealingLR(LRScheduler):
    r"""Takes the learning rate down to ``eta_min`` along half a cosine, and up again if it goes on.

    .. math:: η_t = η_{min} + \tfrac{1}{2} (η_0 - η_{min}) (1 + \cos(π t / T_{max}))

    It is chainable: each step starts from the learning rate that is there.

    Args:
        optimizer: whose learning rates to set; None for a free schedule.
        T_max: steps from the top to the bottom, more than 0.
        eta_min: the lowest learning rate.
        last_epoch, base_lr: as :class:`LRScheduler`.

    Raises:
        ValueError: when ``T_max`` is 0 or less; also as :class:`LRScheduler`.

    Source: I. Loshchilov, F. Hutter: SGDR: Stochastic gradient descent with warm restarts, ICLR 2017 (without the
    restarts).

    Example:
        >>> [round(lr, 3) for [lr] in lucid.optim.CosineAnnealingLR(base_lr=1.0, T_max=4).curve(5)]
        [1.0, 0.854, 0.5, 0.146, 0.0]
    """

    def __init__(
        self,
        optimizer: Any = None,
        T_max: int = NEEDED,
        eta_min: float = 0.0,
        last_epoch: int = -1,
        *,
        base_lr: float | None = None,
    ) -> None:
        if self._number("T_max", T_max) <= 0:
            raise ValueError(f"{self._name()}: T_max must be positive, got {T_max}")
        self.T_max = T_max
        self.eta_min = self._number("eta_min", eta_min)
        super().__init__(optimizer, last_epoch, base_lr=base_lr)

    def _next_lrs(self) -> list[Any]:
        t, T, low = self.last_epoch, self.T_max, self.eta_min
        if self._is_initial:
            return self._current_lrs()
        before = 1 + math.cos(math.pi * (t - 1) / T)
        if (t - 1 - T) % (2 * T) == 0 or before == 0:  # up from the bottom, where a factor has nothing to act on
            up = 1 - math.cos(math.pi / T)
            now = self._current_lrs()
            if len(now) != len(self.base_lrs):
                raise ValueError(f"{self._name()}: {len(self.base_lrs)} initial learning rates for {len(now)} groups")
            return [lr + (base - low) * up / 2 for lr, base in zip(now, self.base_lrs, strict=True)]
        factor = (1 + math.cos(math.pi * t / T)) / before
        return [factor * (group["lr"] - low) + low for group in self.optimizer.param_groups]

    def _get_closed_form_lr(self) -> list[Any]:
        t, T, low = self.last_epoch, self.T_max, self.eta_min
        return [low + (lr - low) * (1 + math.cos(math.pi * t / T)) / 2 for lr in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    r"""Takes the learning rate down to ``eta_min`` along half a cosine, then starts again at the top.

    .. math:: η_t = η_{min} + \tfrac{1}{2} (η_0 - η_{min}) (1 + \cos(π T_{cur} / T_i))

    with :math:`T_{cur}` steps since the last restart and :math:`T_i` steps between restarts.

    Args:
        optimizer: whose learning rates to set; None for a free schedule.
        T_0: steps until the first restart.
        T_mult: each interval is so many times the one before; 1 or more.
        eta_min: the lowest learning rate.
        last_epoch, base_lr: as :class:`LRScheduler`.

    Raises:
        ValueError: when ``T_0`` or ``T_mult`` is no whole number of 1 or more; also as :class:`LRScheduler`.

    Source: I. Loshchilov, F. Hutter: SGDR: Stochastic gradient descent with warm restarts, ICLR 2017.

    Example:
        >>> [round(lr, 2) for [lr] in lucid.optim.CosineAnnealingWarmRestarts(base_lr=1.0, T_0=2, T_mult=2).curve(7)]
        [1.0, 0.5, 1.0, 0.85, 0.5, 0.15, 1.0]
    """

    T_cur: float
    T_i: int

    def __init__(
        self,
        optimizer: Any = None,
        T_0: int = NEEDED,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
        *,
        base_lr: float | None = None,
    ) -> None:
        if not isinstance(self._number("T_0", T_0), (int, np.integer)) or T_0 <= 0:
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if not isinstance(T_mult, (int, np.integer)) or T_mult < 1:
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (int, float, np.number)):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = self._number("eta_min", eta_min)
        super().__init__(optimizer, last_epoch, base_lr=base_lr)

    def _attach(self, groups: list[Any]) -> None:
        self.T_cur = self.last_epoch

    def _next_lrs(self) -> list[Any]:
        low = self.eta_min
        return [low + (lr - low) * (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2 for lr in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Sets the learning rates of the next step.

        Args:
            epoch: go to this step instead; it may lie between two, as ``epoch + batch / batches``.

        Raises:
            ValueError: when ``epoch`` is negative.
            RuntimeError: when the schedule is free.
        """
        self._bound("step")
        before = self.last_epoch, self.T_cur, self.T_i
        try:
            self._go_to(0 if epoch is None and self.last_epoch < 0 else epoch)
            self._set_lrs(self.get_lr)
        except BaseException:
            self.last_epoch, self.T_cur, self.T_i = before
            raise

    def _go_to(self, epoch: float | None) -> None:
        """Sets where in which interval we are."""
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        elif self._number("epoch", epoch) < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        elif epoch < self.T_0:
            self.T_cur, self.T_i = epoch, self.T_0
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))  # restarts so far
            self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**n
        self.last_epoch = math.floor(epoch)
