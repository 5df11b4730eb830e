"""Update rules that run in the engine: each param group goes to C in one call.

A rule is a C body (see engine/optim/adam.c) and a subclass of EngineOptimizer that names it, its options and its state.

What C needs of a group (addresses, sizes, options) is written into a C structure once and kept; a step only puts the
gradients' addresses in. Groups and state count their changes (see CountedDict), so a step knows by comparing two numbers
that the structure still holds, and writes it anew when it does not.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping
from operator import is_
from typing import Any, ClassVar

import numpy as np

from lucid import engine
from lucid.autograd.grad_mode import enable_grad
from lucid.autograd.graph import Value, describe
from lucid.engine import NULL, ffi, lib
from lucid.optim.optimizer import Optimizer
from lucid.optim.param_group import ParamGroup, State

# ---------------------------------------------------------------------------------------------------------------------
# Options: each has a function (name, value) -> number that refuses bad values.


def number(name: str, value: Any) -> float:
    """Any number that is not NaN; a tensor of one element stands for its number."""
    if isinstance(value, Value) and value.array.size == 1:
        value = value.array.item()
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {describe(value)}")
    if math.isnan(value):
        raise ValueError(f"{name} is NaN")
    return float(value)


def not_negative(name: str, value: Any) -> float:
    """A number of 0 or more."""
    found = number(name, value)
    if found < 0:
        raise ValueError(f"{name} must not be negative, got {found}")
    return found


def fraction(name: str, value: Any) -> float:
    """A number in [0, 1)."""
    found = number(name, value)
    if not 0 <= found < 1:
        raise ValueError(f"{name} must lie in [0, 1), got {found}")
    return found


def switch(name: str, value: Any) -> int:
    """True or False."""
    if not isinstance(value, (bool, int, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {describe(value)}")
    return int(bool(value))


Check = Callable[[str, Any], float]

# ---------------------------------------------------------------------------------------------------------------------


class EngineOptimizer(Optimizer):
    """Base of the rules that run in the engine.

    Attributes:
        family: the C name: ``adam`` stands for ``adam_group_f32``, ``adam_update_f32`` and their float64 twins.
        options: what users may set, by name, with the function that checks it. The C structure has a field for each.
        state_fields: what is remembered of a parameter, by name: ``step`` is a number, the others are tensors of the
            parameter's shape. The C structure has a field for each.
        constants: fields of the C structure that are the same for all groups.
    """

    family: ClassVar[str]
    options: ClassVar[dict[str, Check]]
    state_fields: ClassVar[tuple[str, ...]]
    constants: ClassVar[dict[str, float]] = {}

    def __init__(self, params: Any, defaults: Mapping[str, Any]) -> None:
        self._plans: list[_GroupPlan] = []
        self._state_version = [0]
        super().__init__(params, defaults)

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Which of ``state_fields`` a parameter of this group needs. Override where an option decides."""
        return self.state_fields

    def check_group(self, group: Mapping[str, Any]) -> None:
        """Refuses options that are not what the rule needs, and parameters without gradients."""
        self._option_values(group)
        for index, p in enumerate(group["params"]):
            if p.dtype.suffix is None:
                raise TypeError(
                    f"{self._name()}: parameter {index} is {describe(p)}; only float32 and float64 can be optimized"
                )

    def check_state(self, p: Any, state: Mapping[str, Any], group: Mapping[str, Any]) -> None:
        """Refuses state of another rule, or of a parameter of another shape."""
        missing = [name for name in self.state_names(group) if name not in state]
        if state and missing:
            raise ValueError(
                f"{self._name()}: the state of {self._label(p)} has {list(state)} but not {missing[0]!r}; "
                "was it saved by another rule?"
            )
        for name in self.state_fields:
            if name in state:
                _check_state_tensor(self._name(), name, state[name], p)

    def _option_values(self, group: Mapping[str, Any]) -> dict[str, float]:
        missing = [name for name in self.options if name not in group]
        if missing:
            raise ValueError(f"{self._name()}: a param group has lost its option {missing[0]!r}")
        return {name: check(f"{self._name()}: {name}", group[name]) for name, check in self.options.items()}

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates every parameter that has a gradient.

        Args:
            closure: computes the loss again, calls backward and returns the loss. It runs first, with gradients
                enabled.

        Returns:
            What the closure returned, or None.

        Raises:
            TypeError, ValueError: for options that were set to what they may not be, a gradient of another shape or
                number type than its parameter, or state that does not fit it. Then nothing is changed.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        if type(self.state) is not State:  # replaced by hand
            self.state = State(self.state)
        plans, groups = self._plans, self.param_groups
        if len(plans) != len(groups):
            plans = self._plans = [_GroupPlan(self) for _ in groups]
        bare = False
        for plan, group in zip(plans, groups, strict=True):
            plan.prepare(group)
            bare = bare or plan.bare
        if bare:
            for plan in plans:
                plan.make_state()
            for plan in plans:
                plan.state_changes = self.state.changes[0]
        for plan in plans:
            for part in plan.parts:
                part.update()
        return loss

    def _state_tensor(self, array: np.ndarray) -> Any:
        """All state made here shares one version counter, because all of it changes at every step."""
        tensor = super()._state_tensor(array)
        tensor.version = self._state_version
        return tensor

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_plans": []}  # addresses hold in this process only


class _GroupPlan:
    """What the engine was told of one param group, and whether it still holds.

    Attributes:
        parts: one for each number type in the group, so most often a single one.
        bare: some parameter has no state, because it never had a gradient.
        live: an option is a tensor, which may change unseen, so that options are read at every step.
    """

    __slots__ = (
        "bare", "group", "group_changes", "live", "optimizer", "params", "parts", "state", "state_changes", "state_names",
        "values",
    )  # fmt: skip

    def __init__(self, optimizer: EngineOptimizer) -> None:
        self.optimizer = optimizer
        self.group: Any = None
        self.state: Any = None
        self.group_changes = self.state_changes = -1
        self.params: list[Any] = []
        self.parts: list[_Part] = []
        self.values: dict[str, float] = {}
        self.state_names: tuple[str, ...] = ()
        self.bare = self.live = False

    def prepare(self, group: Any) -> None:
        """Everything that can be refused is refused here; nothing of the user's is changed."""
        if self.group is not group or self.group_changes != group.changes[0] or self.live:
            group = self.read(group)
        params = group["params"]
        if (
            self.state is not self.optimizer.state
            or self.state_changes != self.state.changes[0]
            or len(params) != len(self.params)
            or not all(map(is_, params, self.params))
        ):
            self.place(params)
        if not all([part.gather() for part in self.parts]):
            self.place(params)
            for part in self.parts:
                part.gather()

    def read(self, group: Any) -> ParamGroup:
        """Takes the options of a group that was changed."""
        optimizer = self.optimizer
        if type(group) is not ParamGroup:  # a plain dict, put in by hand
            plain, group = group, ParamGroup(group)
            optimizer.param_groups[:] = [group if g is plain else g for g in optimizer.param_groups]
        options = optimizer._option_values(group)
        names = optimizer.state_names(group)
        if names != self.state_names:
            self.state_names = names
            self.state_changes = -1
        self.values = {**optimizer.constants, **options}
        for part in self.parts:
            part.set_options(self.values)
        self.live = any(isinstance(group[name], Value) for name in options)
        self.group, self.group_changes = group, group.changes[0]
        return group

    def place(self, params: list[Any]) -> None:
        """Writes down where parameters and state are."""
        kinds = dict.fromkeys(p.dtype for p in params)
        self.parts = [_Part(self, k, [p for p in params if p.dtype is k]) for k in kinds]
        self.params = list(params)
        self.bare = any(part.bare for part in self.parts)
        self.state = self.optimizer.state
        self.state_changes = self.state.changes[0]

    def make_state(self) -> None:
        """Allocates the state of parameters that have their first gradient now."""
        if any([part.make_state() for part in self.parts]):
            self.place(self.params)
            for part in self.parts:
                part.gather()


class _Part:
    """The C structure of the parameters of one number type in a group."""

    __slots__ = (
        "bare", "copies", "function", "gradients", "kind", "memory", "moved", "optimizer", "rows", "scattered", "state_names",
        "structure", "versions",
    )  # fmt: skip

    def __init__(self, plan: _GroupPlan, kind: Any, params: list[Any]) -> None:
        optimizer, state_names = plan.optimizer, plan.state_names
        if kind.suffix is None:
            raise TypeError(f"{optimizer._name()}: only float32 and float64 parameters can be optimized, not {kind}")
        count = len(params)
        self.optimizer, self.kind, self.state_names = optimizer, kind, state_names
        self.function = getattr(lib, f"{optimizer.family}_update_{kind.suffix}")
        self.structure = ffi.new(f"{optimizer.family}_group_{kind.suffix} *")
        self.set_options(plan.values)
        self.copies: list[Any] = []  # of gradients that are not contiguous; alive until C is done
        self.scattered: list[Any] = []  # parameters that are not contiguous, each with the contiguous copy that C updates
        self.rows, pointers = [], []
        for p in params:
            engine.check_writable(p)
            place = p
            if p.strides is not None:
                place = engine.empty(p.shape, kind)
                self.scattered.append((p, place))
            self.rows.append((p, p.pointer, p.shape))
            pointers.append(place.pointer)
        number_name = kind.array_type.item.cname
        states = [self._state_of(p) for p in params]
        self.bare = [p for p, state in zip(params, states, strict=True) if state is None]
        self.gradients = ffi.new(f"{number_name} const *[]", count)
        # cffi's arrays do not own what they point to: `memory` keeps everything alive that C has the address of.
        self.memory: list[Any] = [self.gradients, pointers, states]
        described = self.structure.parameters
        described.count = count
        described.gradient = self.gradients
        described.size = self._kept(ffi.new("int64_t[]", [p.array.size for p in params]))
        described.parameter = self._kept(ffi.new(f"{number_name} *[]", pointers))
        described.start = self._kept(ffi.new("int64_t[]", count))
        described.coefficient = self._kept(ffi.new(f"{number_name}[]", 2 * count))
        for index, name in enumerate(state_names):
            addresses = [NULL if state is None else state[index].pointer for state in states]
            item = "float" if name == "step" else number_name
            array = self._kept(ffi.new(f"{item} *[]", addresses))
            setattr(described if name == "step" else self.structure, name, array)
        # The version counters to raise, once each: the state that the optimizer made has one in common.
        common = {id(t.version): t.version for state in states if state is not None for t in state}
        self.versions = [*(p.version for p in params), *common.values()]
        self.moved = self.versions

    def set_options(self, values: dict[str, float]) -> None:
        """Writes the options into the C structure."""
        for name, value in values.items():
            setattr(self.structure, name, value)

    def _kept(self, x: Any) -> Any:
        self.memory.append(x)
        return x

    def _state_of(self, p: Any) -> list[Any] | None:
        """The state tensors of a parameter, or None when some are still to be made."""
        state = self.optimizer.state.get(p)
        if not state or any(name not in state for name in self.state_names):
            return None
        for name in self.state_names:
            _check_state_tensor(self.optimizer._name(), name, state[name], p)
        return [state[name] for name in self.state_names]

    def gather(self) -> bool:
        """Puts the addresses of the gradients in their places. False: a parameter has other memory by now."""
        found: list[Any] = []
        append = found.append
        kind = self.kind
        if self.copies:
            self.copies.clear()
        all_there = True
        for p, pointer, shape in self.rows:
            if p.pointer is not pointer:
                return False
            gradient = p._grad
            if gradient is None:
                append(NULL)
                all_there = False
            elif gradient.shape == shape and gradient.dtype is kind and gradient.strides is None:
                append(gradient.pointer)
            else:
                append(self._contiguous(p, gradient))
        self.gradients[0 : len(found)] = found
        self.moved = self.versions if all_there else self._moved()
        return True

    def _contiguous(self, p: Any, gradient: Any) -> Any:
        """The address of a copy of a gradient that is not contiguous."""
        if gradient.shape != p.shape or gradient.dtype is not p.dtype:
            error = ValueError if gradient.shape != p.shape else TypeError
            label = self.optimizer._label(p)
            raise error(f"{self.optimizer._name()}.step: {label} is {describe(p)}, but its gradient is {describe(gradient)}")
        copy = engine.contiguous(gradient)
        self.copies.append(copy)
        return copy.pointer

    def _moved(self) -> list[Any]:
        """The version counters to raise when some gradients are missing."""
        moved = [p.version for p, _, _ in self.rows if p._grad is not None]
        return moved + self.versions[len(self.rows) :] if moved else []

    def make_state(self) -> bool:
        """Allocates what state is missing for parameters with a gradient; whether there was any."""
        first = [p for p in self.bare if p._grad is not None]
        for p in first:
            state = self.optimizer.state[p]
            for name in self.state_names:
                if name not in state:
                    zeros = np.zeros((), np.float32) if name == "step" else _zeros_beside(p)
                    state[name] = self.optimizer._state_tensor(zeros)
        return bool(first)

    def update(self) -> None:
        """The one call."""
        for p, place in self.scattered:
            engine.copy_into(place, p)
        self.function(self.structure)
        for p, place in self.scattered:
            engine.copy_into(p, place)
        for version in self.moved:
            version[0] += 1
        if self.copies:
            self.copies.clear()


_LINE = 64  # bytes that memory hands over at once


def _zeros_beside(p: Any) -> np.ndarray:
    """Zeros of the shape of ``p``, at the same place within a cache line: C then meets line ends in all of them at once."""
    wanted = p.array.ctypes.data % _LINE
    room = np.zeros(p.array.nbytes + _LINE, np.uint8)
    lead = (wanted - room.ctypes.data) % _LINE
    return room[lead : lead + p.array.nbytes].view(p.dtype.numpy).reshape(p.shape)


def _check_state_tensor(optimizer: str, name: str, x: Any, p: Any) -> None:
    """Refuses a state tensor that C cannot use for the parameter."""
    kind, shape = (engine.float32, ()) if name == "step" else (p.dtype, p.shape)
    if not isinstance(x, Value) or x.dtype is not kind:
        raise TypeError(f"{optimizer}: state {name!r} of a parameter {describe(p)} must be a {kind} tensor, got {describe(x)}")
    if x.shape != shape or x.strides is not None:
        raise ValueError(
            f"{optimizer}: state {name!r} of a parameter of shape {p.shape} must be contiguous and of shape {shape}, "
            f"got shape {x.shape}{'' if x.strides is None else f' with strides {x.strides}'}"
        )
    engine.check_writable(x)
