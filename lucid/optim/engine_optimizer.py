"""Update rules that run in the engine: each param group goes to C in one call.

A rule is a C body (see engine/optim/adam.c) and a subclass of EngineOptimizer that names it, its options and its state.

What C needs of a group (addresses, sizes, options) is written into a C structure once and kept; a step only puts the
gradients' addresses in. Groups and state count their changes (see CountedDict), so a step knows by comparing numbers
that the structure still holds, and writes it anew when it does not.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping
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
    if type(value) is not float and not isinstance(value, numbers.Real):
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
        self._parts: list[_Part] = []
        self._parts_of = 0  # so many groups
        self._state_version = [0]
        self._version_seen = 0
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
        groups, state, parts = self.param_groups, self.state, self._parts
        ready = self._parts_of == len(groups) and self._version_seen == self._state_version[0]
        if ready:
            for part in parts:
                if not part.gather(groups, state) or part.live or part.needs_state:
                    ready = False
                    break
        if not ready:
            parts = self._prepare()
        for part in parts:
            part.update()
        self._version_seen = self._state_version[0]
        return loss

    def _prepare(self) -> list[_Part]:
        """Writes the C structures anew where they do not hold any more. What can be refused is refused here."""
        known = self._parts if self._version_seen == self._state_version[0] else []
        self._parts, self._parts_of = [], -1  # after an error all are made anew
        if type(self.state) is not State:  # replaced by hand
            self.state = State(self.state)
        for index, group in enumerate(self.param_groups):
            if type(group) is not ParamGroup:
                self.param_groups[index] = ParamGroup(group)
        parts = self._placed(known)
        if any([part.make_state() for part in parts]):
            parts = self._placed(parts)
        self._parts, self._parts_of = parts, len(self.param_groups)
        return parts

    def _placed(self, known: list[_Part]) -> list[_Part]:
        """A part for each group and number type, with its gradients in place; those known ones that hold are kept."""
        placed = []
        for index, group in enumerate(self.param_groups):
            values = {**self.constants, **self._option_values(group)}
            names = self.state_names(group)
            mine = [part for part in known if part.group is group and part.state_names == names and part.index == index]
            for part in mine:
                part.set_options(values)
            if not mine or not all([part.gather(self.param_groups, self.state) for part in mine]):
                kinds = dict.fromkeys(p.dtype for p in group["params"])
                mine = [_Part(self, index, group, names, values, kind) for kind in kinds]
                for part in mine:
                    part.gather(self.param_groups, self.state)
            placed += mine
        return placed

    def _state_tensor(self, p: Any, array: np.ndarray) -> Any:
        """A state tensor of ``p`` with these numbers, or on this very memory if it was made by ``_zeros_beside``."""
        if array.shape and array.shape == p.shape and array.base is None:
            room = _zeros_beside(p)
            room[...] = array
            array = room
        tensor = engine.wrap(array)
        tensor.version = self._state_version  # one counter for all state, because all of it changes at every step
        return tensor

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_parts": [], "_parts_of": -1}  # addresses hold in this process only


class _Part:
    """The parameters of one number type in a group (most often all of it): their C structure, and whether it holds.

    Attributes:
        bare: the parameters without state, because they never had a gradient.
        foreign: state tensors put in by hand, each with the address that C knows. (Those that the optimizer made share
            a version counter, which tells of any change to them.)
        live: an option is a tensor, which may change unseen, so that options are read at every step.
        needs_state: some of ``bare`` have a gradient now.
        scattered: the parameters that are not contiguous, each with the contiguous copy that C updates.
        versions: the version counters that a step raises.
    """

    __slots__ = (
        "bare", "copies", "count", "foreign", "function", "gradients", "group", "group_changes", "group_seen", "index",
        "kind", "live", "memory", "moved", "needs_state", "optimizer", "params", "pointers", "positions", "scattered",
        "shapes", "state", "state_changes", "state_names", "state_seen", "structure", "versions",
    )  # fmt: skip

    def __init__(
        self,
        optimizer: EngineOptimizer,
        index: int,
        group: ParamGroup,
        names: tuple[str, ...],
        values: dict[str, float],
        kind: Any,
    ) -> None:
        if kind.suffix is None:
            raise TypeError(f"{optimizer._name()}: only float32 and float64 parameters can be optimized, not {kind}")
        self.optimizer, self.index, self.group, self.kind, self.state_names = optimizer, index, group, kind, names
        self.function = getattr(lib, f"{optimizer.family}_update_{kind.suffix}")
        self.structure = ffi.new(f"{optimizer.family}_group_{kind.suffix} *")
        self.group_changes = group.changes
        self.set_options(values)
        self.state: State = optimizer.state
        self.state_changes, self.state_seen = self.state.changes, self.state.changes[0]
        self.needs_state = False
        self.count = len(group["params"])
        self.positions = [i for i, p in enumerate(group["params"]) if p.dtype is kind]
        self.params = [group["params"][i] for i in self.positions]
        self.pointers = [p.pointer for p in self.params]
        self.shapes = [p.shape for p in self.params]
        self.copies: list[Any] = []  # of gradients that are not contiguous; alive until C is done
        self.scattered: list[Any] = []
        for p in self.params:
            engine.check_writable(p)
            if p.strides is not None:
                self.scattered.append((p, engine.empty(p.shape, kind)))
        states = [self._state_of(p) for p in self.params]
        self.bare = [p for p, state in zip(self.params, states, strict=True) if state is None]
        tensors = [x for state in states if state is not None for x in state]
        self.foreign = [(x, x.pointer) for x in tensors if x.version is not optimizer._state_version]
        self.versions = [p.version for p in self.params]
        self.versions += {id(x.version): x.version for x in tensors}.values()
        self.moved = self.versions
        self._describe(states)

    def _describe(self, states: list[list[Any] | None]) -> None:
        """Writes sizes and addresses into the C structure."""
        number_name, count = self.kind.array_type.item.cname, len(self.params)
        copies = {id(p): copy for p, copy in self.scattered}
        self.gradients = ffi.new(f"{number_name} const *[]", count)
        # cffi's arrays do not own what they point to: `memory` keeps alive what C has the address of.
        self.memory: list[Any] = [[x.pointer for state in states if state is not None for x in state]]
        described = self.structure.parameters
        described.count = count
        described.gradient = self.gradients
        described.size = self._kept(ffi.new("int64_t[]", [p.array.size for p in self.params]))
        places = [copies.get(id(p), p).pointer for p in self.params]
        described.parameter = self._kept(ffi.new(f"{number_name} *[]", places))
        described.start = self._kept(ffi.new("int64_t[]", count))
        described.coefficient = self._kept(ffi.new(f"{number_name}[]", 2 * count))
        for index, name in enumerate(self.state_names):
            addresses = [NULL if state is None else state[index].pointer for state in states]
            item = "float" if name == "step" else number_name
            array = self._kept(ffi.new(f"{item} *[]", addresses))
            setattr(described if name == "step" else self.structure, name, array)

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

    def set_options(self, values: dict[str, float]) -> None:
        """Writes the group's options into the C structure."""
        for name, value in values.items():
            setattr(self.structure, name, value)
        self.live = any(isinstance(self.group.get(name), Value) for name in values)
        self.group_seen = self.group_changes[0]

    def gather(self, groups: list[Any], state: Any) -> bool:
        """Puts the addresses of the gradients in their places. False: the structure does not hold any more."""
        if (
            groups[self.index] is not self.group
            or self.group_changes[0] != self.group_seen
            or state is not self.state
            or self.state_changes[0] != self.state_seen
        ):
            return False
        params = self.group["params"]
        if len(params) != self.count:
            return False
        if len(self.params) != self.count:
            params = [params[i] for i in self.positions]
        for x, pointer in self.foreign:
            if x.pointer is not pointer:
                return False
        if self.copies:
            self.copies.clear()
        kind = self.kind
        found = []
        all_there = True
        for p, own, pointer, shape in zip(params, self.params, self.pointers, self.shapes):  # noqa: B905 (a keyword costs 0.1 µs)
            if p is not own or p.pointer is not pointer:
                return False
            gradient = p._grad
            if gradient is None:
                found.append(NULL)
                all_there = False
            elif gradient.shape == shape and gradient.dtype is kind and gradient.strides is None:
                found.append(gradient.pointer)
            else:
                found.append(self._contiguous(p, shape, gradient))
        self.gradients[0 : len(found)] = found
        if all_there:
            self.moved = self.versions
        else:
            self.moved = [p.version for p in params if p._grad is not None]
            if self.moved:
                self.moved += self.versions[len(params) :]
        if self.bare:
            self.needs_state = any(p._grad is not None for p in self.bare)
        return True

    def _contiguous(self, p: Any, shape: tuple[int, ...], gradient: Any) -> Any:
        """The address of a contiguous copy of the gradient."""
        if gradient.shape != shape or gradient.dtype is not self.kind:
            error = ValueError if gradient.shape != shape else TypeError
            label = f"{self.optimizer._name()}.step: {self.optimizer._label(p)}"
            raise error(f"{label} is {describe(p)}, but its gradient is {describe(gradient)}")
        copy = engine.contiguous(gradient)
        self.copies.append(copy)
        return copy.pointer

    def make_state(self) -> bool:
        """Allocates what state is missing for parameters with a gradient; whether there was any."""
        first = [p for p in self.bare if p._grad is not None]
        for p in first:
            state = self.optimizer.state[p]
            for name in self.state_names:
                if name not in state:
                    zeros = np.zeros((), np.float32) if name == "step" else _zeros_beside(p)
                    state[name] = self.optimizer._state_tensor(p, zeros)
        return bool(first)

    def update(self) -> None:
        """The one call."""
        for p, copy in self.scattered:
            engine.copy_into(copy, p)
        self.function(self.structure)
        for p, copy in self.scattered:
            engine.copy_into(p, copy)
        for version in self.moved:
            version[0] += 1
        if self.copies:
            self.copies.clear()


_LINE = 64  # bytes that memory hands over at once


def _zeros_beside(p: Any) -> np.ndarray:
    """Zeros of the shape of ``p``, at the same place within a cache line: C meets line ends in all of them at once."""
    wanted = p.array.ctypes.data % _LINE
    room = np.zeros(p.array.nbytes + _LINE, np.uint8)
    lead = (wanted - room.ctypes.data) % _LINE
    return room[lead : lead + p.array.nbytes].view(p.dtype.numpy).reshape(p.shape)


def _check_state_tensor(optimizer: str, name: str, x: Any, p: Any) -> None:
    """Refuses a state tensor that C cannot use for the parameter."""
    kind, shape = (engine.float32, ()) if name == "step" else (p.dtype, p.shape)
    if not isinstance(x, Value) or x.dtype is not kind:
        raise TypeError(
            f"{optimizer}: state {name!r} of a parameter {describe(p)} must be a {kind} tensor, got {describe(x)}"
        )
    if x.shape != shape or x.strides is not None:
        raise ValueError(
            f"{optimizer}: state {name!r} of a parameter of shape {p.shape} must be contiguous and of shape {shape}, "
            f"got shape {x.shape}{'' if x.strides is None else f' with strides {x.strides}'}"
        )
    engine.check_writable(x)
