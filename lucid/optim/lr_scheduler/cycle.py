"""Schedules that go up and down, and may take the momentum the other way."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping
from typing import Any

from lucid.optim.lr_scheduler.base import NEEDED, LRScheduler, write
from lucid.optim.lr_scheduler.function import saved_function


class _CyclingSchedule(LRScheduler):
    """Base of these: knows whether the optimizer has a momentum or a beta1 to cycle."""

    cycle_momentum: bool
    use_beta1: bool

    def _find_momentum(self) -> None:
        defaults = self.optimizer.defaults
        if "momentum" not in defaults and "betas" not in defaults:
            raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        self.use_beta1 = "betas" in defaults

    def _set_momentum(self, group: Any, value: Any) -> None:
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value

    def _begin_momentum(self, base: list[Any], largest: list[Any]) -> None:
        for group, low, high in zip(self.optimizer.param_groups, base, largest, strict=True):
            self._set_momentum(group, high)
            group["max_momentum"], group["base_momentum"] = high, low


class CyclicLR(_CyclingSchedule):
    r"""Goes up and down between ``base_lr`` and ``max_lr`` in straight lines.

    .. math:: η_t = base + (max - base) · h_t · scale

    where :math:`h_t` goes from 0 to 1 in ``step_size_up`` steps and back in ``step_size_down``. The scale is 1 in mode
    ``"triangular"``, :math:`2^{1-c}` in cycle c = 1, 2, ... in mode ``"triangular2"``, and :math:`gamma^t` in mode
    ``"exp_range"``. The momentum (of Adam, β₁) goes down where the learning rate goes up:
    :math:`max\_momentum - (max\_momentum - base\_momentum) · h_t · scale`.

    Args:
        optimizer: whose learning rates to set; None for a free schedule.
        base_lr: the lowest learning rate, or a list with one for each group.
        max_lr: the highest, likewise.
        step_size_up: steps up, more than 0.
        step_size_down: steps down, 0 or more; as many as up unless given.
        mode: ``"triangular"``, ``"triangular2"`` or ``"exp_range"``; not used when ``scale_fn`` is given.
        gamma: for ``"exp_range"``.
        scale_fn: a scale of your own, as a function of what ``scale_mode`` says.
        scale_mode: ``"cycle"`` or ``"iterations"``: whether ``scale_fn`` takes the cycle's number or the step's.
        cycle_momentum: cycle the momentum too.
        base_momentum: the lowest momentum, or a list with one for each group.
        max_momentum: the highest, likewise.
        last_epoch: as :class:`LRScheduler`.

    Raises:
        ValueError: for an argument outside these bounds, a list that does not fit the groups, or an optimizer without
            momentum when it should be cycled.

    Source: L. Smith: Cyclical learning rates for training neural networks, WACV 2017.

    Example:
        >>> [lr for [lr] in lucid.optim.CyclicLR(base_lr=0.0, max_lr=1.0, step_size_up=2).curve(6)]
        [0.0, 0.5, 1.0, 0.5, 0.0, 0.5]
    """

    _not_state = (*LRScheduler._not_state, "_scale_fn_custom")
    max_lrs: list[Any]
    base_momentums: list[Any]
    max_momentums: list[Any]

    def __init__(
        self,
        optimizer: Any = None,
        base_lr: float | list[float] = NEEDED,
        max_lr: float | list[float] = NEEDED,
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        self._given = {
            "base_lr": base_lr,
            "max_lr": max_lr,
            "base_momentum": base_momentum,
            "max_momentum": max_momentum,
        }
        for name, value in self._given.items():
            self._list_for_groups(name, value, len(value) if isinstance(value, (list, tuple)) else 1)
        up = float(self._number("step_size_up", step_size_up))
        down = up if step_size_down is None else float(self._number("step_size_down", step_size_down))
        if up <= 0 or down < 0:
            raise ValueError(f"{self._name()}: step_size_up must be positive and step_size_down not negative")
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        if scale_mode not in ("cycle", "iterations"):
            raise ValueError(f"{self._name()}: scale_mode must be 'cycle' or 'iterations', got {scale_mode!r}")
        if scale_fn is not None and not callable(scale_fn):
            raise TypeError(f"{self._name()}: scale_fn must be a function, got {scale_fn!r}")
        self.mode = mode
        self.gamma = self._number("gamma", gamma)
        self._scale_fn_custom = scale_fn
        if scale_fn is None:
            scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.scale_mode = scale_mode
        self.cycle_momentum = cycle_momentum
        super().__init__(optimizer, last_epoch)

    def starting_lr(self) -> Any:
        """The lowest learning rate."""
        given = self._given["base_lr"]
        return given[0] if isinstance(given, (list, tuple)) else given

    def _attach(self, groups: list[Any]) -> None:
        lists = {name: self._list_for_groups(name, value, len(groups)) for name, value in self._given.items()}
        self.max_lrs = lists["max_lr"]
        if self.cycle_momentum:
            self._find_momentum()
            self.base_momentums, self.max_momentums = lists["base_momentum"], lists["max_momentum"]
        if self.last_epoch == -1:
            for group, lr in zip(groups, lists["base_lr"], strict=True):
                write(group, "lr", lr)
            if self.cycle_momentum:
                self._begin_momentum(self.base_momentums, self.max_momentums)

    def _begin(self) -> None:
        super()._begin()
        self.base_lrs = self._list_for_groups("base_lr", self._given["base_lr"], len(self.base_lrs))

    def _join(self, twin: LRScheduler) -> None:
        momentums = ("base_momentums", "max_momentums") if self.cycle_momentum else ()
        for name in (*self._per_group, "max_lrs", *momentums):
            setattr(self, name, [*getattr(self, name), *getattr(twin, name)])

    def scale_fn(self, x: float) -> float:
        """The scale of a cycle, or at a step, as the mode has it."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        scale = 1.0
        if self.mode == "triangular2":
            scale = 1 / 2.0 ** (x - 1)
        elif self.mode == "exp_range":
            scale = self.gamma**x
        return scale

    def _next_lrs(self) -> list[Any]:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        lrs = [low + (high - low) * height * scale for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]
        if self.cycle_momentum:
            bounds = zip(self.base_momentums, self.max_momentums, strict=True)
            values = [high - (high - low) * height * scale for low, high in bounds]
            if len(values) == len(self.optimizer.param_groups):  # else the lrs are refused
                for group, value in zip(self.optimizer.param_groups, values, strict=True):
                    self._set_momentum(group, value)
        return lrs

    def state_dict(self) -> dict[str, Any]:
        """As :class:`LRScheduler`. Of ``scale_fn`` it holds the attributes of a callable object; functions have none
        to save, and stand as None."""
        function = self._scale_fn_custom
        state = super().state_dict()
        state["_scale_fn_custom"] = None if function is None else saved_function(function)
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """As :class:`LRScheduler`; ``scale_fn`` stays that of this schedule."""
        super().load_state_dict(state_dict)
        if state_dict["_scale_fn_custom"] is not None:
            self._scale_fn_custom.__dict__.update(state_dict["_scale_fn_custom"])

    def _checked_state(self, state_dict: Any) -> dict[str, Any]:
        checked = super()._checked_state(state_dict)
        if state_dict["_scale_fn_custom"] is not None and not hasattr(self._scale_fn_custom, "__dict__"):
            raise ValueError(
                f"{self._name()}.load_state_dict: the state is of a scale_fn with attributes, "
                f"here it is {self._scale_fn_custom!r}"
            )
        return checked


class OneCycleLR(_CyclingSchedule):
    r"""Goes up to ``max_lr`` once and then far down, over a number of steps that is known beforehand.

    From :math:`max\_lr / div\_factor` to :math:`max\_lr` in the first part ``pct_start`` of the steps, then down to
    :math:`max\_lr / (div\_factor · final\_div\_factor)`. From a to b at a part p of the way the learning rate is

    .. math:: b + \tfrac{1}{2} (a - b) (1 + \cos π p) \quad \text{or} \quad a + (b - a) p

    The momentum (of Adam, β₁) goes the other way, from ``max_momentum`` to ``base_momentum`` and back.

    Args:
        optimizer: whose learning rates to set; None for a free schedule.
        max_lr: the highest learning rate, or a list with one for each group.
        total_steps: the number of steps; or give the next two.
        epochs, steps_per_epoch: their product is the number of steps.
        pct_start: the part of the steps that goes up, a float in [0, 1].
        anneal_strategy: ``"cos"`` or ``"linear"``.
        cycle_momentum: cycle the momentum too.
        base_momentum: the lowest momentum, or a list with one for each group.
        max_momentum: the highest, likewise.
        div_factor: how much lower than ``max_lr`` it begins.
        final_div_factor: how much lower than its beginning it ends.
        three_phase: go down to the beginning in as many steps as up, and to the end in a third phase.
        last_epoch: as :class:`LRScheduler`.

    Raises:
        ValueError: for an argument outside these bounds, a list that does not fit the groups, or an optimizer without
            momentum when it should be cycled; also by ``step`` when the steps are over.

    Source: L. Smith, N. Topin: Super-convergence: very fast training of neural networks using large learning rates,
    2018, arXiv:1708.07120.

    Example:
        >>> curve = lucid.optim.OneCycleLR(max_lr=1.0, total_steps=10, anneal_strategy="linear").curve(10)
        >>> [round(lr, 3) for [lr] in curve]
        [0.04, 0.52, 1.0, 0.857, 0.714, 0.571, 0.429, 0.286, 0.143, 0.0]
    """

    def __init__(
        self,
        optimizer: Any = None,
        max_lr: float | list[float] = NEEDED,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self._given = {"max_lr": max_lr, "base_momentum": base_momentum, "max_momentum": max_momentum}
        for name, value in self._given.items():
            self._list_for_groups(name, value, len(value) if isinstance(value, (list, tuple)) else 1)
        self.total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        for name, value in (("div_factor", div_factor), ("final_div_factor", final_div_factor)):
            if self._number(name, value) == 0:
                raise ValueError(f"{self._name()}: {name} must not be 0")
            self._given[name] = value
        self._schedule_phases = _phases(pct_start, self.total_steps, three_phase)
        self._anneal_func_type = anneal_strategy
        self.cycle_momentum = cycle_momentum
        super().__init__(optimizer, last_epoch)

    def starting_lr(self) -> Any:
        """The learning rate at the beginning."""
        given = self._given["max_lr"]
        return (given[0] if isinstance(given, (list, tuple)) else given) / self._given["div_factor"]

    def _attach(self, groups: list[Any]) -> None:
        names = ("max_lr", "base_momentum", "max_momentum")
        lists = {name: self._list_for_groups(name, self._given[name], len(groups)) for name in names}
        if self.cycle_momentum:
            self._find_momentum()
        if self.last_epoch != -1:
            return
        for group, lr in zip(groups, lists["max_lr"], strict=True):
            group["initial_lr"] = lr / self._given["div_factor"]
            group["max_lr"] = lr
            group["min_lr"] = group["initial_lr"] / self._given["final_div_factor"]
        if self.cycle_momentum:
            self._begin_momentum(lists["base_momentum"], lists["max_momentum"])

    def _next_lrs(self) -> list[Any]:
        t, groups = self.last_epoch, self.optimizer.param_groups
        if t > self.total_steps:
            raise ValueError(f"Tried to step {t} times. The specified number of total steps is {self.total_steps}")
        start = 0.0
        for phase in self._schedule_phases:
            end = phase["end_step"]
            if t <= end or phase is self._schedule_phases[-1]:
                break
            start = end
        part = (t - start) / (end - start) if end != start else 1.0
        between = _along_cosine if self._anneal_func_type == "cos" else _along_line
        lrs = [between(group[phase["start_lr"]], group[phase["end_lr"]], part) for group in groups]
        if self.cycle_momentum:
            for group in groups:
                value = between(group[phase["start_momentum"]], group[phase["end_momentum"]], part)
                self._set_momentum(group, value)
        return lrs


def _total_steps(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is None and (epochs is None or steps_per_epoch is None):
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    product = 1
    given = {"total_steps": total_steps}
    if total_steps is None:
        given = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    for name, value in given.items():
        if not isinstance(value, numbers.Integral) or value <= 0:
            raise ValueError(f"Expected positive integer {name}, but got {value}")
        product *= int(value)
    return product


def _phases(pct_start: float, steps: int, three: bool) -> list[dict[str, Any]]:
    """Each phase with its last step, and the names of the group options between which it moves."""
    ends = (
        [pct_start * steps - 1, 2 * pct_start * steps - 2, steps - 1] if three else [pct_start * steps - 1, steps - 1]
    )
    lrs = ["initial_lr", "max_lr", "initial_lr", "min_lr"] if three else ["initial_lr", "max_lr", "min_lr"]
    momentums = ["max_momentum", "base_momentum", "max_momentum", "max_momentum"]
    return [
        {
            "end_step": end,
            "start_lr": lrs[i],
            "end_lr": lrs[i + 1],
            "start_momentum": momentums[i],
            "end_momentum": momentums[i + 1],
        }
        for i, end in enumerate(ends)
    ]


def _along_cosine(start: Any, end: Any, part: float) -> Any:
    return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)


def _along_line(start: Any, end: Any, part: float) -> Any:
    return (end - start) * part + start
