"""The vectors of L-BFGS, on which the engine works (engine/optim/lbfgs.c)."""

from __future__ import annotations

import itertools
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, describe
from lucid.engine import NULL, ffi, lib
from lucid.optim.gradient_options import ReadsGradients, not_finite
from lucid.optim.line_search import Point


def is_number(x: Any) -> bool:
    return x.array.size == 1 if isinstance(x, Value) else isinstance(x, (numbers.Real, np.number))


def number_of(x: Any) -> float:
    return float(x.array.item() if isinstance(x, Value) else x)


def _address(x: Any, n: int, kind: Any) -> Any:
    """The address of a vector of n numbers. Looked up at each use: the state's tensors are in everybody's hands."""
    if x.shape != (n,) or x.dtype is not kind or x.strides is not None:
        raise ValueError(f"LBFGS.step: the closure put {describe(x)} in the place of a vector of {n} {kind} numbers")
    engine.check_writable(x)
    return x.pointer


class Room:
    """Vectors that are used again at every step, made when first asked for."""

    def __init__(self, n: int, kind: Any) -> None:
        self.n, self.kind = n, kind
        self._here: Any = None
        self._gradients: list[Any] = []
        self.spare: Any = None  # a pair that has left the history

    def vector(self) -> Any:
        """A new vector."""
        return engine.empty((self.n,), self.kind)

    def number(self, value: float) -> Any:
        """A tensor of one number."""
        with np.errstate(over="ignore"):
            return engine.wrap(np.array(value, self.kind.numpy))

    @property
    def here(self) -> Any:
        """The parameters where the line search begins."""
        if self._here is None:
            self._here = self.vector()
        return self._here

    def gradient(self, keep: Sequence[Point]) -> Any:
        """A vector that is not the gradient of one of these points."""
        for x in self._gradients:
            if all(x is not point.gradient for point in keep):
                return x
        self._gradients.append(self.vector())
        return self._gradients[-1]


class Row:
    """The parameters one after the other as one vector, and their gradients likewise. Lives for one step.

    Sizes are those at its beginning; addresses are looked up anew each time, since the closure may do anything.
    """

    def __init__(self, optimizer: ReadsGradients, params: Sequence[Any]) -> None:
        self.optimizer, self.params, self.kind = optimizer, list(params), params[0].dtype
        self.shapes = [p.shape for p in self.params]
        starts = [0, *itertools.accumulate(p.array.size for p in self.params)]
        self.n = starts[-1]
        self._start = ffi.new("int64_t[]", starts)
        self._tensors = ffi.new(f"{self.kind.array_type.item.cname} *[]", len(params))
        self._structure = ffi.new(f"lbfgs_row_{self.kind.suffix} *", (len(params), self._start, self._tensors))
        self._measured = ffi.new("double[3]")
        self._gather = getattr(lib, f"lbfgs_gather_{self.kind.suffix}")
        self._move = getattr(lib, f"lbfgs_move_{self.kind.suffix}")
        for p in self.params:
            engine.check_writable(p)

    def _checked(self, x: Any, index: int, what: str) -> Any:
        """``x``, contiguous, if it is as large as the parameter was at the beginning of the step."""
        if x.shape != self.shapes[index] or x.dtype is not self.kind:
            error = ValueError if x.dtype is self.kind else TypeError
            raise error(
                f"{self.optimizer._name()}.step: {self.optimizer._label(self.params[index])} is {self.kind} "
                f"{self.shapes[index]}, but {what} is {describe(x)}"
            )
        return engine.contiguous(x)

    def read_gradients(self, flat: Any, d: Any) -> tuple[float, float, float]:
        """Writes the gradients, read as the options say, into ``flat``; max |g|, Σ|g| and, with ``d``, g·d."""
        found = [
            None if p._grad is None else self._checked(p._grad, i, "its gradient") for i, p in enumerate(self.params)
        ]
        self._tensors[0 : len(found)] = [engine.pointer_or_null(x) for x in found]
        direction = NULL if d is None else _address(d, self.n, self.kind)
        options = self.optimizer.reading
        offender = self._gather(self._structure, options, direction, flat.pointer, self._measured)
        if offender >= 0 and self.optimizer.error_if_nonfinite:
            raise not_finite(self.optimizer, self.params[offender])
        return self._measured[0], self._measured[1], self._measured[2]

    def read_parameters(self, flat: Any) -> None:
        """Writes the parameters into ``flat``."""
        found = [self._checked(p, i, "now it") for i, p in enumerate(self.params)]
        self._tensors[0 : len(found)] = [x.pointer for x in found]
        self._gather(self._structure, NULL, NULL, flat.pointer, self._measured)

    def move(self, base: Any, t: float = 0.0, d: Any = None) -> None:
        """parameters ← base + t d; a base of None stands for the parameters, a d of None for no change."""
        addresses = [NULL if x is None else _address(x, self.n, self.kind) for x in (base, d)]
        found = [self._checked(p, i, "now it") for i, p in enumerate(self.params)]
        for p in self.params:
            engine.check_writable(p)
        self._tensors[0 : len(found)] = [x.pointer for x in found]
        self._move(self._structure, addresses[0], t, addresses[1])
        for p, x in zip(self.params, found, strict=True):
            if x is not p:
                engine.copy_into(p, x)
            p.version[0] += 1


class History:
    """The pairs, the direction and the last gradient: the tensors in the state, as the engine sees them for one step.

    The state has been checked, but a closure has run since. A pair that is dropped becomes the memory of the next one.
    """

    def __init__(self, state: Any, size: int, room: Room) -> None:
        self.state, self.size, self.room = state, size, room
        began = state["n_iter"] > 0
        self.d = state["d"] if began else room.vector()
        self.previous = state["prev_flat_grad"] if began else room.vector()
        names = ("old_dirs", "old_stps", "ro")
        self.pairs = list(zip(*(state[name] for name in names), strict=True)) if began else []
        for i, (y, s, ro) in enumerate(self.pairs):  # numbers put in by hand become tensors
            if not isinstance(ro, Value) or ro.dtype is not room.kind:
                self.pairs[i] = (y, s, room.number(number_of(ro)))
        del self.pairs[: max(0, len(self.pairs) - size)]
        # The addresses of y and s, taken once: they keep that memory alive, whatever the closure does to the tensors.
        self.places = [(_address(y, room.n, room.kind), _address(s, room.n, room.kind)) for y, s, _ in self.pairs]
        self.scale = number_of(state["H_diag"]) if began else 1.0
        suffix, self._vector = room.kind.suffix, room.kind.array_type.item.cname
        self._structure = ffi.new(f"lbfgs_history_{suffix} *")
        self._measured = ffi.new("double[2]")
        self._difference = getattr(lib, f"lbfgs_difference_{suffix}")
        self._direction = getattr(lib, f"lbfgs_direction_{suffix}")
        self._al_is_new = False
        self._describe()

    def _describe(self) -> None:
        """Writes the addresses of the pairs into the C structure."""
        count = len(self.pairs)
        if self._structure.count != count or self._structure.y == NULL:
            self._memory = [ffi.new(f"{self._vector} *[]", count) for _ in range(2)]
            self._memory += [ffi.new("double[]", count) for _ in range(2)]
            structure = self._structure
            structure.n, structure.count = self.room.n, count
            structure.y, structure.s, structure.ro, structure.al = self._memory
        self._memory[0][0:count] = [place[0] for place in self.places]
        self._memory[1][0:count] = [place[1] for place in self.places]
        self._memory[2][0:count] = [ro.array.item() for _, _, ro in self.pairs]

    def _show(self) -> None:
        """Puts the pairs into the state."""
        columns = [[pair[i] for pair in self.pairs] for i in range(3)]
        self.state.update(old_dirs=columns[0], old_stps=columns[1], ro=columns[2])

    def begin(self, gradient: Any) -> None:
        """Forgets everything but this gradient."""
        engine.copy_into(self.previous, gradient)
        self.pairs, self.places, self.scale = [], [], 1.0
        self._describe()
        self._show()
        self.state.update(d=self.d, H_diag=self.room.number(1.0), prev_flat_grad=self.previous)

    def learn(self, gradient: Any) -> None:
        """Takes the last step and the change of the gradient into the history, if they are worth it."""
        room = self.room
        y, s, ro = room.spare or (room.vector(), room.vector(), room.number(0.0))
        room.spare = (y, s, ro)
        previous, d, y_place, s_place = (_address(x, room.n, room.kind) for x in (self.previous, self.d, y, s))
        t = number_of(self.state["t"])
        self._difference(room.n, gradient.pointer, previous, t, d, y_place, s_place, self._measured)
        self.previous.version[0] += 1
        y_s, y_y = self._measured[0], self._measured[1]
        if y_s > 1e-10:
            room.spare = None
            if len(self.pairs) == self.size:
                room.spare = self.pairs.pop(0)
                del self.places[0]
            ro.array[...] = 1 / y_s
            for x in (y, s, ro):
                x.version[0] += 1
            self.pairs.append((y, s, ro))
            self.places.append((y_place, s_place))
            self._describe()
            self._show()
            self.state["H_diag"] = room.number(y_s / y_y if y_y else float("inf"))
            self.scale = self.state["H_diag"].item()

    def find_direction(self, gradient: Any) -> tuple[float, float]:
        """Writes d; its slope g·d and max |d|."""
        self._al_is_new = self.state["n_iter"] > 0
        self._structure.scale = self.scale
        d = _address(self.d, self.room.n, self.room.kind)
        self._direction(self._structure, gradient.pointer, d, self._measured)
        self.d.version[0] += 1
        return self._measured[0], self._measured[1]

    def write_al(self) -> None:
        """Shows the α of the last direction in the state."""
        if self._al_is_new:
            al = [self.room.number(x) for x in self._memory[3]]
            self.state["al"] = al + [None] * (self.size - len(al))
