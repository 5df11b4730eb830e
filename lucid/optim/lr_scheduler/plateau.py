"""A schedule that waits until learning stalls."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, SupportsFloat

from lucid.optim.lr_scheduler.base import EPOCH_DEPRECATION_WARNING, LRScheduler, copied, write


class ReduceLROnPlateau(LRScheduler):
    r"""Multiplies the learning rate by ``factor`` when a metric has not become better for more than ``patience`` steps.

    .. math:: η ← \max(η · factor, min\_lr)

    A metric m is better than the best so far b when, in mode "min", m < b (1 - threshold) with "rel", and
    m < b - threshold with "abs"; in mode "max", m > b (1 + threshold) and m > b + threshold.

    Args:
        optimizer: whose learning rates to set; None for a free schedule.
        mode: ``"min"`` when small is good, ``"max"`` when large is good.
        factor: less than 1.
        patience: so many bad steps are let pass.
        threshold: how much better is better.
        threshold_mode: ``"rel"`` or ``"abs"``.
        cooldown: so many steps after a reduction do not count as bad.
        min_lr: the lowest learning rate, or a list with one for each group.
        eps: a smaller change than this is not made.
        base_lr: as :class:`LRScheduler`.

    Attributes:
        best: the best metric so far.
        num_bad_epochs: bad steps since.
        in_cooldown: whether bad steps do not count now.

    Raises:
        ValueError: for an argument outside these bounds, or a list that does not fit the groups.

    Example:
        >>> schedule = lucid.optim.ReduceLROnPlateau(base_lr=1.0, factor=0.5, patience=1)
        >>> schedule.curve(5, metrics=[3.0, 2.0, 2.0, 2.0])
        [[1.0], [1.0], [1.0], [1.0], [0.5]]
    """

    _not_state = (*LRScheduler._not_state, "_start_lrs")
    _per_group = ("_last_lr", "_start_lrs", "min_lrs")
    _start_lrs: list[Any]
    min_lrs: list[Any]

    def __init__(
        self,
        optimizer: Any = None,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0,
        eps: float = 1e-8,
        *,
        base_lr: float | None = None,
    ) -> None:
        if self._number("factor", factor) >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        for item in min_lr if isinstance(min_lr, (list, tuple)) else [min_lr]:
            self._number("min_lr", item)
        self._given = {"min_lr": min_lr}
        self.factor = factor
        self.patience = self._number("patience", patience)
        self.cooldown = self._number("cooldown", cooldown)
        self.eps = self._number("eps", eps)
        self.mode = mode
        self.threshold = self._number("threshold", threshold)
        self.threshold_mode = threshold_mode
        super().__init__(optimizer, -1, base_lr=base_lr)

    def _attach(self, groups: list[Any]) -> None:
        given = self._given["min_lr"]
        if isinstance(given, (list, tuple)):
            if len(given) != len(groups):
                raise ValueError(f"expected {len(groups)} min_lrs, got {len(given)}")
            self.default_min_lr, self.min_lrs = None, list(given)
        else:
            self.default_min_lr, self.min_lrs = given, [given] * len(groups)

    def _begin(self) -> None:
        self.last_epoch = 0
        self._start_lrs, self._last_lr = self._current_lrs(), self._current_lrs()
        self.mode_worse = math.inf if self.mode == "min" else -math.inf
        self._reset()

    def _reset(self) -> None:
        self.best = self.mode_worse
        self.cooldown_counter = self.num_bad_epochs = 0

    def _first_lrs(self) -> list[Any]:
        return self._start_lrs

    def _catch_up(self, twin: LRScheduler) -> None:
        """A new group begins with its own lr: what the metrics were is not known any more."""

    def _advance(self, metrics: Sequence[float] | None, number: int) -> None:
        if metrics is None or number >= len(metrics):
            raise ValueError(
                f"{self._name()}: the learning rate follows a metric; give metrics, one for each step but the last"
            )
        self.step(metrics[number])

    @property
    def in_cooldown(self) -> bool:
        return self.cooldown_counter > 0

    def _is_better(self, a: float, best: float) -> bool:
        if self.mode == "min":
            return a < (best * (1.0 - self.threshold) if self.threshold_mode == "rel" else best - self.threshold)
        return a > (best * (self.threshold + 1.0) if self.threshold_mode == "rel" else best + self.threshold)

    def step(self, metrics: SupportsFloat, epoch: Any = None) -> None:  # type: ignore[override]
        """Looks at the metric, and reduces the learning rates if it has stalled.

        Args:
            metrics: the number that should become better.
            epoch: deprecated: the number of this step.

        Raises:
            RuntimeError: when the schedule is free, or has a list ``min_lr`` and groups were added since.
        """
        self._bound("step")
        current = float(metrics)
        if epoch is not None:
            warnings.warn(EPOCH_DEPRECATION_WARNING, UserWarning, stacklevel=2)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self._current_lrs()

    def _reduce_lr(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"The number of param groups in the `optimizer` ({len(groups)}) differs from when "
                    f"`ReduceLROnPlateau` was initialized ({len(self.min_lrs)}), usually due to a new param group "
                    "being added to the optimizer. Please modify the `min_lrs` field to match the length of the "
                    "`optimizer` param groups."
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, lowest in zip(groups, self.min_lrs, strict=True):
            old = float(group["lr"])
            new = max(old * self.factor, lowest)
            if old - new > self.eps:
                write(group, "lr", copied(new))

    def _checked_state(self, state_dict: Any) -> dict[str, Any]:
        state = super()._checked_state(state_dict)
        if state["mode"] not in ("min", "max") or state["threshold_mode"] not in ("rel", "abs"):
            raise ValueError(
                f"{self._name()}.load_state_dict: unknown mode {state['mode']!r} or {state['threshold_mode']!r}"
            )
        return state
