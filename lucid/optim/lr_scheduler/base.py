"""The base of every schedule: bound and free, stepping, and its state."""

from __future__ import annotations

import copy
import math
import numbers
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from lucid import engine
from lucid.autograd.graph import Value, describe
from lucid.optim.param_group import ParamGroup

EPOCH_DEPRECATION_WARNING = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. "
    "Please use `scheduler.step()` to step the scheduler. During the deprecation, if epoch is different from None, "
    "the closed form is used instead of the new chainable form, where available."
)
ORDER_WARNING = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. You should call them in the opposite order: "
    "`optimizer.step()` before `lr_scheduler.step()`. Failure to do this will result in skipping the first value of "
    "the learning rate schedule."
)


Given = TypeVar("Given")


class _Needed:
    """The default of an argument without default that follows ``optimizer``, which may be left out."""

    def __repr__(self) -> str:
        return "<needed>"


NEEDED: Any = _Needed()


def copied(value: Any) -> Any:
    """A number as it is; a tensor's numbers in a tensor of their own."""
    return value.detach().clone() if isinstance(value, Value) else value  # type: ignore[attr-defined]


def write(group: dict[str, Any], key: str, value: Any) -> None:
    """Sets an option of a group. A tensor keeps its place: the number goes into it."""
    current = group[key]
    if current is value:
        return
    if isinstance(current, Value):
        current.fill_(float(value))  # type: ignore[attr-defined]
    else:
        group[key] = value


class StandIn:
    """Has the groups and defaults of an optimizer, but no parameters: schedules can run on it without any effect."""

    def __init__(self, groups: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any]) -> None:
        self.param_groups = [
            ParamGroup({key: copied(value) for key, value in group.items() if key != "params"}) for group in groups
        ]
        self.defaults = ParamGroup(defaults)
        self._opt_called = False


class LRScheduler:
    """Base class of schedules. One of your own defines :meth:`get_lr`.

    Args:
        optimizer: whose learning rates to set; None for a free schedule, which an optimizer gets as its ``lr``.
        last_epoch: -1 to begin. To go on after so many steps give the last step's number: then the groups must have
            their ``"initial_lr"``, as those of a loaded optimizer do.
        base_lr: of a free schedule, what it starts from; 1e-3 unless given. A bound one starts from its groups' ``lr``.

    Attributes:
        optimizer: the optimizer, None while the schedule is free.
        base_lrs: the initial learning rate of each group.
        last_epoch: the number of the present step, from 0.

    Raises:
        TypeError: when ``optimizer`` is none.
        ValueError: when both ``optimizer`` and ``base_lr`` are given.
        KeyError: when a group has no ``"initial_lr"`` to resume from.

    Example:
        >>> from lucid.optim.lr_scheduler import LRScheduler
        >>> class Halving(LRScheduler):
        ...     def get_lr(self):
        ...         return [lr / 2**self.last_epoch for lr in self.base_lrs]
        >>> w = lucid.nn.Parameter(lucid.ones(1))
        >>> optimizer = lucid.optim.Adam([w], lr=0.5)
        >>> schedule = Halving(optimizer)
        >>> for _ in range(2):
        ...     optimizer.step()
        ...     schedule.step()
        >>> optimizer.param_groups[0]["lr"]
        0.125
    """

    # What the state does not hold: the optimizer, the arguments that become lists at binding, the schedule as made.
    _not_state: ClassVar[tuple[str, ...]] = ("optimizer", "_base_lr", "_given", "_as_made")
    # What older states may lack.
    _flags: ClassVar[tuple[str, ...]] = ("_is_initial", "_get_lr_called_within_step")
    # Lists with an item for each group.
    _per_group: ClassVar[tuple[str, ...]] = ("base_lrs", "_last_lr")

    optimizer: Any = None
    base_lrs: list[Any]
    last_epoch: Any
    _last_lr: list[Any]
    _step_count: int
    _base_lr: float | None = None
    _given: Mapping[str, Any] = {}
    _as_made: dict[str, Any] | None = None
    _is_initial = False
    _get_lr_called_within_step = False

    def __init__(self, optimizer: Any = None, last_epoch: int = -1, *, base_lr: float | None = None) -> None:
        self.last_epoch = self._number("last_epoch", last_epoch)
        if optimizer is None:
            self._base_lr = None if base_lr is None else self._number("base_lr", base_lr)
            return
        if base_lr is not None:
            raise ValueError(
                f"{self._name()}: base_lr is for a schedule without optimizer; "
                "the groups of a given optimizer have their own lr"
            )
        self.bind(optimizer)

    # -----------------------------------------------------------------------------------------------------------------
    # Free and bound

    @classmethod
    def _name(cls) -> str:
        return cls.__name__

    def _number(self, name: str, value: Given, tensor: bool = False) -> Given:
        """The argument, when it is a number (or, where one may be, a tensor of one element)."""
        if value is NEEDED:
            raise TypeError(f"{self._name()}: the argument {name!r} is missing")
        if tensor and isinstance(value, Value) and value.array.size == 1:
            return value
        if not isinstance(value, numbers.Real):
            raise TypeError(f"{self._name()}: {name} must be a number, got {describe(value)}")
        if math.isnan(value):
            raise ValueError(f"{self._name()}: {name} is NaN")
        return value

    def _list_for_groups(self, name: str, value: Any, count: int) -> list[Any]:
        """One value for each group, from a list of them or from one for all."""
        if not isinstance(value, (list, tuple)):
            value = [value] * count
        elif len(value) != count:
            raise ValueError(
                f"{name} must have the same length as optimizer.param_groups. "
                f"{name} has {len(value)} values, param_groups has {count}."
            )
        return [copied(self._number(name, item, tensor=True)) for item in value]

    def starting_lr(self) -> Any:
        """The learning rate that a free schedule gives to groups without their own, before its first factor."""
        return 1e-3 if self._base_lr is None else self._base_lr

    def bind(self, optimizer: Any) -> None:
        """Ties a free schedule to its optimizer, and sets the groups to the schedule's first values.

        Called by the optimizer that was given this schedule as ``lr``.

        Raises:
            TypeError: when it is no optimizer.
            ValueError: when the schedule has an optimizer already, or its arguments do not fit the groups. Then
                nothing is changed.
        """
        if not hasattr(optimizer, "param_groups"):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        if self._as_made is not None:
            raise ValueError(
                f"{self._name()}: has an optimizer already ({type(self.optimizer).__name__}); make another schedule"
            )
        groups = optimizer.param_groups
        before = [{key: copied(value) for key, value in group.items()} for group in groups]
        self._as_made = dict(self.__dict__)
        self.optimizer = optimizer
        try:
            self._attach(groups)
            self._begin()
        except BaseException:
            self._release()
            for group, was in zip(groups, before, strict=True):
                for key in [key for key in group if key not in was]:
                    del group[key]
                for key, value in was.items():
                    write(group, key, value)
            raise

    def _attach(self, groups: list[Any]) -> None:
        """Override to fit arguments to the groups before the first step."""

    def _begin(self) -> None:
        """Takes the initial learning rates and makes step 0."""
        groups = self.optimizer.param_groups
        if self.last_epoch == -1:
            if not any("initial_lr" in group for group in groups):
                self.optimizer._opt_called = False  # steps before the first schedule do not count
            for group in groups:
                group.setdefault("initial_lr", copied(group["lr"]))
        for number, group in enumerate(groups):
            if "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{number}] when resuming scheduler with "
                    "last_epoch >= 0; load the optimizer's state first, or begin with last_epoch=-1"
                )
        self.base_lrs = [copied(group["initial_lr"]) for group in groups]
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def _release(self) -> None:
        """Makes the schedule free again, as it was before binding."""
        made = self._as_made
        if made is not None:
            self.__dict__.clear()
            self.__dict__.update(made)

    def _bound(self, action: str) -> Any:
        """The optimizer."""
        if self.optimizer is None:
            raise RuntimeError(
                f"{self._name()}: cannot {action} before the schedule has an optimizer; "
                "give it to one, as Adam(params, lr=schedule)"
            )
        return self.optimizer

    def _free_copy(self) -> LRScheduler:
        """This schedule as it was made, before its first step, without optimizer."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__ if self._as_made is None else self._as_made)
        twin.__dict__.pop("optimizer", None)
        twin.last_epoch = -1
        return twin

    def _begun_on(self, stand_in: StandIn) -> LRScheduler:
        """A copy of this schedule at its first step, with the stand-in for an optimizer."""
        twin = self._free_copy()
        twin.bind(stand_in)
        stand_in._opt_called = True  # nobody forgot to step it
        return twin

    def _group_count(self) -> int:
        """How many groups a free schedule is made for."""
        return max([1, *[len(value) for value in self._given.values() if isinstance(value, (list, tuple))]])

    def _first_lrs(self) -> list[Any]:
        return [group.get("initial_lr", group["lr"]) for group in self.optimizer.param_groups]

    def _stand_in(self) -> StandIn:
        """What a copy of this schedule can run on: groups like those of the optimizer, at their initial lr."""
        if self.optimizer is None:
            options = {"lr": self.starting_lr(), "momentum": 0.0}
            return StandIn([options] * self._group_count(), options)
        groups = [
            {**{key: group[key] for key in group if key != "initial_lr"}, "lr": lr}
            for group, lr in zip(self.optimizer.param_groups, self._first_lrs(), strict=True)
        ]
        return StandIn(groups, self.optimizer.defaults)

    def curve(self, steps: int, metrics: Sequence[float] | None = None) -> list[list[float]]:
        """What this schedule does from its beginning. Nothing is changed; free schedules have a curve too.

        Args:
            steps: how many steps, 1 or more.
            metrics: for :class:`ReduceLROnPlateau` alone: what it would be told after each step but the last.

        Returns:
            for each step the learning rate of each group.

        Example:
            >>> lucid.optim.StepLR(base_lr=0.5, step_size=2, gamma=0.5).curve(4)
            [[0.5], [0.5], [0.25], [0.25]]
        """
        if not isinstance(steps, numbers.Integral) or steps < 1:
            raise ValueError(f"{self._name()}: steps must be a whole number of 1 or more, got {steps!r}")
        stand_in = self._stand_in()
        twin = self._begun_on(stand_in)
        rows = []
        for number in range(int(steps)):
            if number:
                twin._advance(metrics, number - 1)
            rows.append([float(group["lr"]) for group in stand_in.param_groups])
        return rows

    def _advance(self, metrics: Sequence[float] | None, number: int) -> None:
        if metrics is not None:
            raise ValueError(f"{self._name()}: takes no metrics")
        self.step()

    def lr_at(self, step: int) -> list[float]:
        """The learning rate of each group at a step, counted from 0. Nothing is changed.

        Example:
            >>> lucid.optim.ExponentialLR(base_lr=1.0, gamma=0.5).lr_at(3)
            [0.125]
        """
        return self.curve(step + 1)[-1]

    def group_added(self, group: dict[str, Any]) -> None:
        """Takes in a group that was added to the optimizer: its lr becomes what the schedule would have made of it.

        Called by the optimizer that was given this schedule as ``lr``.

        Raises:
            ValueError: when an argument was a list with one value for each of the groups there were. Then nothing is
                changed.
        """
        stand_in = StandIn([group], self._bound("add a group").defaults)
        twin = self._begun_on(stand_in)
        self._catch_up(twin)
        for key, value in stand_in.param_groups[0].items():
            if key in group:
                write(group, key, value)
            else:
                group[key] = value
        self._join(twin)

    def _catch_up(self, twin: LRScheduler) -> None:
        """Brings a copy for a new group to where this schedule is."""
        for _ in range(int(self._steps_done())):
            twin.step()

    def _steps_done(self) -> Any:
        return self.last_epoch

    def _join(self, twin: LRScheduler) -> None:
        """Takes the lists for a new group to one's own."""
        for name in self._per_group:
            setattr(self, name, [*getattr(self, name), *getattr(twin, name)])

    # -----------------------------------------------------------------------------------------------------------------
    # Steps

    def step(self, epoch: Any = None) -> None:
        """Sets the learning rates of the next step. Call it after ``optimizer.step()``.

        Args:
            epoch: deprecated: goes to this step, by the closed form where there is one.

        Raises:
            RuntimeError: when the schedule is free.
        """
        optimizer = self.optimizer
        if optimizer is None:
            self._bound("step")
        if engine.recording is not None:
            engine.recording.cannot("the step of a schedule is Python; call it outside of the function")
        before = self.last_epoch, self._step_count
        if self._step_count == 1 and not getattr(optimizer, "_opt_called", False):
            warnings.warn(ORDER_WARNING, UserWarning, stacklevel=2)
        if epoch is not None:
            warnings.warn(EPOCH_DEPRECATION_WARNING, UserWarning, stacklevel=2)
        self._step_count += 1
        try:
            self._update_lr(epoch)
        except BaseException:
            self.last_epoch, self._step_count = before
            raise

    def _update_lr(self, epoch: Any = None) -> None:
        if epoch is None:
            self.last_epoch += 1
            self._set_lrs(self.get_lr)
        else:
            self.last_epoch = epoch
            self._set_lrs(getattr(self, "_get_closed_form_lr", self.get_lr))

    def _set_lrs(self, compute: Any) -> None:
        """Writes into the groups what ``compute`` returns."""
        self._get_lr_called_within_step = True
        try:
            values = compute()
        finally:
            self._get_lr_called_within_step = False
        groups = self.optimizer.param_groups
        if len(values) != len(groups):
            raise ValueError(
                f"{self._name()}: has {len(values)} learning rates for {len(groups)} param groups; "
                "were groups added after the schedule was made?"
            )
        for group, value in zip(groups, values, strict=True):
            write(group, "lr", value)
        self._last_lr = [copied(group["lr"]) for group in groups]

    def get_lr(self) -> list[Any]:
        """The next learning rate of each group: for :meth:`step` alone. Others ask :meth:`get_last_lr`."""
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.",
                UserWarning,
                stacklevel=2,
            )
        return self._next_lrs()

    def _next_lrs(self) -> list[Any]:
        raise NotImplementedError(f"{self._name()} does not define get_lr")

    def _current_lrs(self) -> list[Any]:
        return [copied(group["lr"]) for group in self.optimizer.param_groups]

    def get_last_lr(self) -> list[Any]:
        """The learning rates of the groups as this schedule last set them: copies, for those that are tensors."""
        self._bound("get_last_lr")
        return [copied(lr) for lr in self._last_lr]

    # -----------------------------------------------------------------------------------------------------------------
    # State

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule is, and its arguments: PyTorch's keys, and copies of the lists."""
        self._bound("state_dict")
        return {key: copy.deepcopy(value) for key, value in self.__dict__.items() if key not in self._not_state}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes over a state made by :meth:`state_dict`, here or by PyTorch.

        The optimizer has its own state: load that too.

        Raises:
            RuntimeError: when the schedule is free.
            TypeError, ValueError: when it is not the state of such a schedule. Then nothing is changed.
        """
        self.__dict__.update(copy.deepcopy(self._checked_state(state_dict)))

    def _checked_state(self, state_dict: Any) -> dict[str, Any]:
        """The state as a dict, when it fits."""
        own = self.state_dict()
        where = f"{self._name()}.load_state_dict"
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"{where}: expected a dict, got {describe(state_dict)}")
        missing = [key for key in own if key not in state_dict and key not in self._flags]
        if missing:
            raise ValueError(f"{where}: {missing[0]!r} is missing; the state has {list(state_dict)[:12]}")
        for key, mine in own.items():
            theirs = state_dict.get(key, mine)
            if isinstance(mine, list) and not isinstance(theirs, (list, tuple)):
                raise ValueError(f"{where}: {key} must be a list, got {theirs!r}")
            if isinstance(mine, dict) and not isinstance(theirs, Mapping):
                raise ValueError(f"{where}: {key} must be a dict, got {theirs!r}")
            if isinstance(mine, numbers.Real) and not isinstance(theirs, (numbers.Real, type(None))):
                raise ValueError(f"{where}: {key} must be a number, got {theirs!r}")
        return {key: value for key, value in state_dict.items() if key not in self._not_state}


class _LRScheduler(LRScheduler):
    """The base class under its older name."""
