"""Schedules that are given as functions of the step."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any

from lucid.optim.lr_scheduler.base import NEEDED, LRScheduler

Function = Callable[[int], float]


class _FunctionSchedule(LRScheduler):
    """Base of these: a function of the step for each group."""

    _not_state = (*LRScheduler._not_state, "lr_lambdas")
    _per_group = (*LRScheduler._per_group, "lr_lambdas")
    lr_lambdas: list[Function]

    def __init__(
        self,
        optimizer: Any = None,
        lr_lambda: Function | list[Function] = NEEDED,
        last_epoch: int = -1,
        *,
        base_lr: float | None = None,
    ) -> None:
        if lr_lambda is NEEDED:
            raise TypeError(f"{self._name()}: the argument 'lr_lambda' is missing")
        for function in lr_lambda if isinstance(lr_lambda, (list, tuple)) else [lr_lambda]:
            if not callable(function):
                raise TypeError(f"lr_lambda should be a function, but got {type(function).__name__}")
        self._given = {"lr_lambda": lr_lambda}
        super().__init__(optimizer, last_epoch, base_lr=base_lr)

    def _attach(self, groups: list[Any]) -> None:
        given = self._given["lr_lambda"]
        if not isinstance(given, (list, tuple)):
            given = [given] * len(groups)
        elif len(given) != len(groups):
            raise ValueError(f"Expected {len(groups)} lr_lambdas, but got {len(given)}")
        self.lr_lambdas = list(given)

    def state_dict(self) -> dict[str, Any]:
        """As :class:`LRScheduler`. Of ``lr_lambdas`` it holds the attributes of callable objects; functions have none
        to save, and stand as None."""
        state = super().state_dict()
        state["lr_lambdas"] = [saved_function(function) for function in self.lr_lambdas]
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """As :class:`LRScheduler`; the functions stay those of this schedule."""
        super().load_state_dict(state_dict)
        for function, attributes in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            if attributes is not None:
                function.__dict__.update(attributes)

    def _checked_state(self, state_dict: Any) -> dict[str, Any]:
        checked = super()._checked_state(state_dict)
        saved = state_dict["lr_lambdas"]
        fits = [attributes is None or hasattr(f, "__dict__") for f, attributes in zip(self.lr_lambdas, saved)]  # noqa: B905
        if len(saved) != len(self.lr_lambdas) or not all(fits):
            raise ValueError(
                f"{self._name()}.load_state_dict: lr_lambdas {saved!r} do not fit the functions here, {self.lr_lambdas}"
            )
        return checked


def saved_function(function: Any) -> dict[str, Any] | None:
    """What a state holds of a callable: the attributes of an object, None of a function."""
    if isinstance(function, types.FunctionType) or not hasattr(function, "__dict__"):
        return None
    return dict(function.__dict__)


class LambdaLR(_FunctionSchedule):
    r"""Multiplies the initial learning rate by a function of the step.

    .. math:: η_t = η_0 · f(t)

    Args:
        optimizer: whose learning rates to set; None for a free schedule.
        lr_lambda: f, or a list with an f for each group.
        last_epoch, base_lr: as :class:`LRScheduler`.

    Raises:
        TypeError: when ``lr_lambda`` is no function.
        ValueError: when there are more or fewer functions than groups; also as :class:`LRScheduler`.

    Example:
        >>> lucid.optim.LambdaLR(base_lr=0.5, lr_lambda=lambda t: 1 / (1 + t)).curve(2)
        [[0.5], [0.25]]
    """

    def _next_lrs(self) -> list[Any]:
        if len(self.lr_lambdas) != len(self.base_lrs):
            raise ValueError(f"{self._name()}: {len(self.lr_lambdas)} functions for {len(self.base_lrs)} groups")
        t = self.last_epoch
        return [lr * function(t) for lr, function in zip(self.base_lrs, self.lr_lambdas, strict=True)]


class MultiplicativeLR(_FunctionSchedule):
    r"""Multiplies the present learning rate by a function of the step.

    .. math:: η_t = η_{t-1} · f(t)

    Args:
        optimizer: whose learning rates to set; None for a free schedule.
        lr_lambda: f, called from step 1 on, or a list with an f for each group.
        last_epoch, base_lr: as :class:`LRScheduler`.

    Raises:
        TypeError: when ``lr_lambda`` is no function.
        ValueError: when there are more or fewer functions than groups; also as :class:`LRScheduler`.

    Example:
        >>> lucid.optim.MultiplicativeLR(base_lr=1.0, lr_lambda=lambda t: 0.5).curve(3)
        [[1.0], [0.5], [0.25]]
    """

    def _next_lrs(self) -> list[Any]:
        current = self._current_lrs()
        if self._is_initial:
            return current
        if len(self.lr_lambdas) != len(current):
            raise ValueError(f"{self._name()}: {len(self.lr_lambdas)} functions for {len(current)} groups")
        return [lr * function(self.last_epoch) for lr, function in zip(current, self.lr_lambdas, strict=True)]
