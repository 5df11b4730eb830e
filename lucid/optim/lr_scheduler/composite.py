"""Schedules made of schedules."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from lucid.optim.lr_scheduler.base import NEEDED, LRScheduler, copied, write
from lucid.optim.lr_scheduler.plateau import ReduceLROnPlateau


class _Composite(LRScheduler):
    """Base of these: a list of schedules of the same optimizer, or of free ones."""

    _not_state = (*LRScheduler._not_state, "_schedulers")
    _per_group = ("_last_lr",)
    _schedulers: list[LRScheduler]

    def _take(self, optimizer: Any, schedulers: Sequence[LRScheduler]) -> float | None:
        """Keeps the schedules, when they fit. Returns the base_lr that free ones agree on, if they state one."""
        for number, schedule in enumerate(schedulers):
            if not isinstance(schedule, LRScheduler):
                raise TypeError(
                    f"{self._name()} at index {number} should have `optimizer` as its attribute: "
                    f"expected a schedule, got {schedule!r}"
                )
            if isinstance(schedule, ReduceLROnPlateau):
                raise ValueError(
                    f"{self._name()} does not support `ReduceLROnPlateau` scheduler as it requires additional kwargs "
                    f"to be specified when calling `step`, but got one at index {number} in the given schedulers "
                    "sequence."
                )
            if schedule.optimizer is not optimizer:
                raise ValueError(
                    f"{self._name()} expects all schedulers to belong to the same optimizer, but got scheduler "
                    f"{schedule._name()} at index {number} has {_owner(schedule.optimizer)}, which is different from "
                    f"{_owner(optimizer)}."
                )
        self._schedulers = list(schedulers)
        if optimizer is not None:
            return None
        stated = sorted({schedule._base_lr for schedule in schedulers if schedule._base_lr is not None})
        if len(stated) > 1:
            raise ValueError(f"{self._name()}: free schedules must agree on base_lr, got {stated}")
        return stated[0] if stated else None

    def starting_lr(self) -> Any:
        """The ``base_lr`` that the schedules agree on, or what the first one starts from."""
        return self._schedulers[0].starting_lr() if self._base_lr is None else self._base_lr

    def bind(self, optimizer: Any) -> None:
        """As :class:`LRScheduler`; binds the free schedules it is made of, in their order."""
        free = [schedule for schedule in self._schedulers if schedule._as_made is None]
        try:
            super().bind(optimizer)
        except BaseException:
            for schedule in free:
                schedule._release()
            raise

    def _attach(self, groups: list[Any]) -> None:
        for schedule in self._schedulers:
            if schedule.optimizer is None:
                schedule.bind(self.optimizer)

    def _free_copy(self) -> LRScheduler:
        twin = super()._free_copy()
        twin.__dict__["_schedulers"] = [schedule._free_copy() for schedule in self._schedulers]
        return twin

    def _group_count(self) -> int:
        return max(schedule._group_count() for schedule in self._schedulers)

    def _join(self, twin: LRScheduler) -> None:
        super()._join(twin)
        for mine, new in zip(self._schedulers, twin._schedulers, strict=True):  # type: ignore[attr-defined]
            mine._join(new)

    def state_dict(self) -> dict[str, Any]:
        """As :class:`LRScheduler`, with the states of the schedules as ``_schedulers``."""
        state = super().state_dict()
        state["_schedulers"] = [schedule.state_dict() for schedule in self._schedulers]
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """As :class:`LRScheduler`, with all its schedules."""
        super().load_state_dict(state_dict)
        for schedule, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            schedule.load_state_dict(state)

    def _checked_state(self, state_dict: Any) -> dict[str, Any]:
        checked = super()._checked_state(state_dict)
        states = state_dict["_schedulers"]
        if len(states) != len(self._schedulers):
            raise ValueError(
                f"{self._name()}.load_state_dict: the state is of {len(states)} schedules, "
                f"this is made of {len(self._schedulers)}"
            )
        for schedule, state in zip(self._schedulers, states, strict=True):
            schedule._checked_state(state)
        return checked


def _owner(optimizer: Any) -> str:
    return "no optimizer" if optimizer is None else type(optimizer).__name__


class SequentialLR(_Composite):
    """One schedule after another, each from its own beginning.

    Args:
        optimizer: whose learning rates to set, the same as that of ``schedulers``; None when they are free.
        schedulers: the schedules.
        milestones: the steps at which the second, the third, ... begin: increasing, one fewer than schedules.
        last_epoch: as :class:`LRScheduler`.

    Raises:
        ValueError: when there are no schedules, the milestones do not fit them, one is a
            :class:`ReduceLROnPlateau`, or they have not all this optimizer; when free ones state different ``base_lr``.
        TypeError: when one is no schedule.

    Example:
        >>> from lucid.optim import ExponentialLR, LinearLR, SequentialLR
        >>> warmup = LinearLR(base_lr=1.0, start_factor=0.5, total_iters=2)
        >>> schedule = SequentialLR(schedulers=[warmup, ExponentialLR(gamma=0.5)], milestones=[3])
        >>> [lr for [lr] in schedule.curve(6)]
        [0.5, 0.75, 1.0, 1.0, 0.5, 0.25]
    """

    _milestones: list[int]

    def __init__(
        self,
        optimizer: Any = None,
        schedulers: Sequence[LRScheduler] = NEEDED,
        milestones: Sequence[int] = NEEDED,
        last_epoch: int = -1,
    ) -> None:
        for name, value in (("schedulers", schedulers), ("milestones", milestones)):
            if not isinstance(value, (list, tuple)):
                raise TypeError(f"{self._name()}: {name} must be a list, got {value!r}")
        if len(schedulers) < 1:
            raise ValueError(f"{self._name()} expects at least one scheduler, but got no scheduler.")
        if optimizer is not None and not hasattr(optimizer, "param_groups"):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        base_lr = self._take(optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than the number of "
                f"milestone points, but got number of schedulers {len(schedulers)} and the number of milestones to be "
                f"equal to {len(milestones)}"
            )
        self._milestones = [self._number("a milestone", step) for step in milestones]
        if sorted(self._milestones) != self._milestones:
            raise ValueError(f"{self._name()}: milestones must be increasing, got {self._milestones}")
        super().__init__(optimizer, last_epoch, base_lr=base_lr)

    def _begin(self) -> None:
        self.last_epoch += 1
        for group in self.optimizer.param_groups:
            write(group, "lr", copied(group["initial_lr"]))
        _undo(self)
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:  # type: ignore[override]
        """Steps the schedule whose turn it is.

        Raises:
            RuntimeError: when the schedule is free.
        """
        self._bound("step")
        self.last_epoch += 1
        number = bisect_right(self._milestones, self.last_epoch)
        schedule = self._schedulers[number]
        try:
            if number > 0 and self._milestones[number - 1] == self.last_epoch:
                schedule._update_lr(0)
            else:
                schedule.step()
        except BaseException:
            self.last_epoch -= 1
            raise
        self._last_lr = schedule.get_last_lr()


def _undo(schedule: LRScheduler) -> None:
    """Takes back the first step of every schedule inside."""
    if isinstance(schedule, _Composite):
        for inner in schedule._schedulers:
            _undo(inner)
    else:
        schedule.last_epoch -= 1


class ChainedScheduler(_Composite):
    """Several schedules at once: each changes what the one before it left.

    Args:
        schedulers: the schedules; those that are no chainable ones overwrite what is before them.
        optimizer: theirs, unless given; None when they are free.

    Raises:
        ValueError: when there are no schedules, one is a :class:`ReduceLROnPlateau`, or they have not all the same
            optimizer; when free ones state different ``base_lr``.
        TypeError: when one is no schedule.

    Example:
        >>> from lucid.optim import ChainedScheduler, ConstantLR, ExponentialLR
        >>> hold = ConstantLR(base_lr=1.0, factor=0.25, total_iters=2)
        >>> [lr for [lr] in ChainedScheduler([hold, ExponentialLR(gamma=0.5)]).curve(4)]
        [0.25, 0.125, 0.25, 0.125]
    """

    _not_state = (*_Composite._not_state, "last_epoch")

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Any = None) -> None:
        if not isinstance(schedulers, (list, tuple)):
            raise TypeError(f"{self._name()}: schedulers must be a list, got {schedulers!r}")
        if len(schedulers) < 1:
            raise ValueError(f"{self._name()} expects at least one scheduler to be chained, but got no scheduler.")
        if optimizer is None:
            optimizer = getattr(schedulers[0], "optimizer", None)
        elif not hasattr(optimizer, "param_groups"):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        super().__init__(optimizer, base_lr=self._take(optimizer, schedulers))

    def _begin(self) -> None:
        self._last_lr = self._current_lrs()

    def _steps_done(self) -> Any:
        return max(schedule._steps_done() for schedule in self._schedulers)

    def step(self) -> None:  # type: ignore[override]
        """Steps all schedules, in their order.

        Raises:
            RuntimeError: when the schedule is free.
        """
        self._bound("step")
        for schedule in self._schedulers:
            schedule.step()
        self._last_lr = self._current_lrs()
