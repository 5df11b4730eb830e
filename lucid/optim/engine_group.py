"""What C knows of a param group: a structure of addresses, sizes and options, and whether it still holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, describe
from lucid.engine import NULL, ffi, lib
from lucid.optim.engine_rule import EngineRule, Shape
from lucid.optim.gradient_options import not_finite
from lucid.optim.param_group import ParamGroup, State

_MISSING: Any = object()
_UNWRITTEN: Any = object()
_MAY_CHANGE = (Value, np.ndarray, list)  # options of these types may change without the group's knowing


class EngineGroup:
    """The parameters of one number type in a group (most often all of it): their C structure, and whether it holds.

    Attributes:
        addresses: those of the gradients, which keep their memory while C reads it, though another thread lets it go.
        bare: the parameters without state, because they never had a gradient.
        foreign: state tensors put in by hand, each with the address that C knows. (Those that the optimizer made share
            a version counter, which tells of any change to them.)
        live: the options that are tensors or lists, which may change unseen, so that they are read at every step.
        needs_state: some of ``bare`` have a gradient now.
        scattered: the parameters that are not contiguous, each with the contiguous copy that C updates.
        versions: the version counters that a step raises.
        written: the options that C was told, as they stand in the group.
    """

    __slots__ = (
        "addresses", "bare", "copies", "count", "filled_by", "foreign", "function", "gradients", "group",
        "group_changes", "group_seen", "index", "kind", "live", "memory", "moved", "needs_state", "norm", "optimizer",
        "params", "pointers", "positions", "scattered", "shapes", "state", "state_changes", "state_names",
        "state_seen", "structure", "versions", "written",
    )  # fmt: skip

    def __init__(self, optimizer: EngineRule, index: int, group: ParamGroup, kind: Any, made: set[int]) -> None:
        if kind.suffix is None:
            raise TypeError(f"{optimizer._name()}: only float32 and float64 parameters can be optimized, not {kind}")
        self.optimizer, self.index, self.group, self.kind = optimizer, index, group, kind
        self.state_names = optimizer.state_names(group)
        self.function = getattr(lib, f"{optimizer.family}_update_{kind.suffix}")
        self.norm = getattr(lib, f"gradient_norm_{kind.suffix}")
        self.structure = ffi.new(f"{optimizer.family}_group_{kind.suffix} *")
        for name, value in optimizer.constants.items():
            setattr(self.structure, name, value)
        self.group_changes = group.changes
        self.written: dict[str, Any] = dict.fromkeys(optimizer.options, _UNWRITTEN)
        self.live: set[str] = set()
        self.write_options()
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
        tensors = [x for state in states if state is not None for x in state if x is not None]
        self.foreign = [(x, x.pointer) for x in tensors if x.version is not optimizer._state_version]
        self.versions = [p.version for p in self.params]
        self.versions += {id(x.version): x.version for x in tensors}.values()
        self.moved = self.versions
        self._describe(states, made)

    def _describe(self, states: list[list[Any] | None], made: set[int]) -> None:
        """Writes sizes and addresses into the C structure."""
        number_name, count = self.kind.array_type.item.cname, len(self.params)
        copies = {id(p): copy for p, copy in self.scattered}
        self.gradients = ffi.new(f"{number_name} const *[]", count)
        # cffi's arrays do not own what they point to: `memory` keeps alive what C has the address of.
        self.memory: list[Any] = [[x.pointer for state in states if state is not None for x in state if x is not None]]
        described = self.structure.parameters
        described.count = count
        described.gradient = self.gradients
        described.options = self.optimizer.reading
        described.size = self._kept(ffi.new("int64_t[]", [p.array.size for p in self.params]))
        described.ndim = self._kept(ffi.new("int64_t[]", [len(shape) for shape in self.shapes]))
        shapes = [self._kept(ffi.new("int64_t[]", shape or (1,))) for shape in self.shapes]
        described.shape = self._kept(ffi.new("int64_t const *[]", shapes))
        places = [copies.get(id(p), p).pointer for p in self.params]
        described.parameter = self._kept(ffi.new(f"{number_name} *[]", places))
        described.fresh = self._kept(ffi.new("uint8_t[]", [id(p) in made for p in self.params]))
        for index, name in enumerate(self.state_names):
            addresses = [NULL if state is None or state[index] is None else state[index].pointer for state in states]
            item = "float" if self.optimizer.state_fields[name].is_number else number_name
            array = self._kept(ffi.new(f"{item} *[]", addresses))
            setattr(described if name == "step" else self.structure, name, array)

    def _kept(self, x: Any) -> Any:
        self.memory.append(x)
        return x

    def _state_of(self, p: Any) -> list[Any] | None:
        """The state tensors of a parameter, or None when some are still to be made."""
        if not self.state_names:
            return []
        state, names = self.optimizer.state.get(p), self.optimizer.state_names_of(p, self.state_names)
        if not state or any(name not in state for name in names):
            return None
        for name in names:
            check_state_tensor(self.optimizer, name, state[name], p)
        return [state[name] if name in names else None for name in self.state_names]

    def write_options(self) -> bool:
        """Writes the options that changed into the C structure. False: now another state is needed.

        Raises:
            TypeError, ValueError: for what an option may not be; then C is told nothing of it.
        """
        group, optimizer, written = self.group, self.optimizer, self.written
        for name in optimizer.options:
            value = dict.get(group, name, _MISSING)
            if value is not written[name] or name in self.live:
                if value is _MISSING:
                    raise ValueError(f"{optimizer._name()}: a param group has lost its option {name!r}")
                checked = optimizer.options[name](f"{optimizer._name()}: {name}", value)
                setattr(self.structure.parameters if name == "maximize" else self.structure, name, checked)
                written[name] = value
                (self.live.add if isinstance(value, _MAY_CHANGE) else self.live.discard)(name)
        holds = optimizer.state_names(group) == self.state_names
        self.group_seen = self.group_changes[0] if holds else -1
        return holds

    def gather(self, groups: list[Any], state: Any, given: dict[int, Any] | None) -> bool:
        """Puts the addresses of the gradients in their places. False: the structure does not hold any more.

        Args:
            groups, state: of the optimizer.
            given: gradients by the ``id`` of the parameter, or None for those that the parameters have.
        """
        if not self.holds(groups, state):
            return False
        params = self.group["params"]
        if len(self.params) != self.count:
            params = [params[i] for i in self.positions]
        if self.copies:
            self.copies.clear()
        kind = self.kind
        addresses = []
        all_there = True
        for p, own, pointer, shape in zip(params, self.params, self.pointers, self.shapes):  # noqa: B905 (a keyword costs 0.1 µs)
            if p is not own or p.pointer is not pointer or p.shape is not shape:
                return False
            gradient = p._grad if given is None else given[id(p)]
            if gradient is None:
                addresses.append(NULL)
                all_there = False
            elif gradient.shape == shape and gradient.dtype is kind and gradient.strides is None:
                addresses.append(gradient.pointer)
            else:
                addresses.append(self._contiguous(p, shape, gradient))
        self.gradients[0 : len(addresses)] = addresses
        self.filled_by = None
        self.addresses = addresses
        if all_there:
            self.moved = self.versions
        else:
            self.moved = [p.version for p, address in zip(params, addresses, strict=True) if address != NULL]
            if self.moved:
                self.moved += self.versions[len(params) :]
        if self.bare:
            self.needs_state = bool(self._wanting())
        return True

    def holds(self, groups: list[Any], state: Any) -> bool:
        """Whether C knows the group as it is; options that changed are written. (Gradients are looked at by gather.)"""
        if (
            groups[self.index] is not self.group
            or state is not self.state
            or self.state_changes[0] != self.state_seen
            or ((self.live or self.group_changes[0] != self.group_seen) and not self.write_options())
            or len(self.group["params"]) != self.count
        ):
            return False
        for x, pointer in self.foreign:
            if x.pointer is not pointer:
                return False
        return True

    def _wanting(self) -> list[Any]:
        """The parameters with a gradient now, and without state."""
        present = {id(p) for p, address in zip(self.params, self.gradients, strict=True) if address != NULL}
        return [p for p in self.bare if id(p) in present]

    def _contiguous(self, p: Any, shape: Shape, gradient: Any) -> Any:
        """The address of a contiguous copy of the gradient."""
        if gradient.shape != shape or gradient.dtype is not self.kind:
            error = ValueError if gradient.shape != shape else TypeError
            label = f"{self.optimizer._name()}.step: {self.optimizer._label(p)}"
            raise error(f"{label} is {describe(p)}, but its gradient is {describe(gradient)}")
        copy = engine.contiguous(gradient)
        self.copies.append(copy)
        return copy.pointer

    def make_state(self) -> list[tuple[Any, str]]:
        """Allocates what state is missing for parameters with a gradient. Returns what it made: (parameter, name)."""
        made = []
        optimizer = self.optimizer
        for p in self._wanting():
            state = optimizer.state[p]
            for name in optimizer.state_names_of(p, self.state_names):
                if name not in state:
                    field, start = optimizer.state_fields[name], optimizer.state_start(name, p, self.group)
                    shape = field.shape(p.shape) or ()
                    memory = np.empty((), np.float32) if field.is_number else memory_beside(p, shape)
                    memory[...] = start
                    state[name] = optimizer._state_tensor(p, memory)
                    made.append((p, name))
        return made

    def measure(self, before: int) -> None:
        """Adds the gradients' squares to the optimizer's sum, which the first group begins.

        Args:
            before: so many groups have been added.

        Raises:
            RuntimeError: at a number that is not finite, where the optimizer wants that.
        """
        if engine.recording is not None:
            engine.recording.updates_group(self)
        offender = self.norm(ffi.addressof(self.structure, "parameters"), before)
        if offender >= 0:
            raise self.not_finite(offender)

    def not_finite(self, offender: int) -> RuntimeError:
        """The error for a gradient with a number that is not finite."""
        return not_finite(self.optimizer, self.params[offender])

    def update(self) -> None:
        """The one call."""
        held, self.addresses = self.addresses, []  # noqa: F841 (until C is done)
        for p, copy in self.scattered:
            engine.copy_into(copy, p)
        if engine.recording is not None:
            engine.recording.updates_group(self)
        self.function(self.structure)
        for p, copy in self.scattered:
            engine.copy_into(p, copy)
        for version in self.moved:
            version[0] += 1
        if self.copies:
            self.copies.clear()


_LINE = 64  # bytes that memory hands over at once


def memory_beside(p: Any, shape: Shape) -> np.ndarray:
    """Memory of p's number type, at the same place within a cache line: C meets line ends in all of them at once."""
    nbytes = int(np.prod(shape, dtype=np.int64)) * p.dtype.itemsize
    wanted = p.array.ctypes.data % _LINE
    room = np.empty(nbytes + _LINE, np.uint8)
    lead = (wanted - room.ctypes.data) % _LINE
    memory: np.ndarray = room[lead : lead + nbytes].view(p.dtype.numpy)
    return memory.reshape(shape)


def check_state_tensor(optimizer: EngineRule, name: str, x: Any, p: Any) -> None:
    """Refuses a state tensor that C cannot use for the parameter."""
    field, title = optimizer.state_fields[name], optimizer._name()
    kind, shape = engine.float32 if field.is_number else p.dtype, field.shape(p.shape)
    if shape is None:
        raise ValueError(f"{title}: a parameter of shape {p.shape} has no state {name!r}")
    if not isinstance(x, Value) or x.dtype is not kind:
        raise TypeError(
            f"{title}: state {name!r} of a parameter {describe(p)} must be a {kind} tensor, got {describe(x)}"
        )
    if x.shape != shape or x.strides is not None:
        raise ValueError(
            f"{title}: state {name!r} of a parameter of shape {p.shape} must be contiguous and of shape {shape}, "
            f"got shape {x.shape}{'' if x.strides is None else f' with strides {x.strides}'}"
        )
    engine.check_writable(x)


def gradients_by_parameter(optimizer: EngineRule, grads: Any) -> dict[int, Any]:
    """The gradients given to ``step``, by the ``id`` of their parameter: None where there is none.

    Args:
        grads: in the order of the parameters, or by name; None in the place of one that there is not.
    """
    where = f"{optimizer._name()}.step: grads"
    params = [p for group in optimizer.param_groups for p in group["params"]]
    if isinstance(grads, Mapping):
        if not all("param_names" in group for group in optimizer.param_groups):
            raise ValueError(f"{where} is a dict, but the parameters have no names; give them as (name, Parameter)")
        names = [name for group in optimizer.param_groups for name in group["param_names"]]
        twice = [name for name in grads if names.count(name) > 1]
        if twice:
            raise ValueError(f"{where} has {twice[0]!r}, but several parameters have this name; give a list")
        unknown = [name for name in grads if name not in names]
        if unknown:
            raise ValueError(f"{where} has {unknown[0]!r}, but no parameter has this name")
        items = [grads.get(name) for name in names]
    elif isinstance(grads, Value):
        raise TypeError(f"{where} must be a list of tensors or a dict of them by name, not one tensor")
    else:
        items = list(grads)
        if len(items) != len(params):
            raise ValueError(f"{where} has {len(items)} gradients, but there are {len(params)} parameters")
    for number, item in enumerate(items):
        if isinstance(item, np.ndarray):
            items[number] = engine.wrap(item)
        elif item is not None and not isinstance(item, Value):
            raise TypeError(f"{where}: gradient {number} must be a tensor or None, got {describe(item)}")
    return {id(p): item for p, item in zip(params, items, strict=True)}
