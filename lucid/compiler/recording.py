"""Running a function once while the engine writes down what it is asked to do.

Every tensor that is made or used meanwhile is noted: the class attributes ``array``, ``pointer`` and ``_grad`` of all
tensors are replaced by watched ones until the function returns. This costs nothing when nothing is recorded.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value
from lucid.compiler import traced
from lucid.engine import NULL, ffi, lib
from lucid.nn.module import Module

_ARRAY, _POINTER, _GRAD = (vars(Value)[name] for name in ("array", "pointer", "_grad"))  # how tensors hold these
_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Recording:
    """What one run of a function did. A context manager; the function runs inside it.

    Attributes:
        program: the engine's record of the calls.
        arrays: the memory of every tensor made, kept so that no two have the same addresses.
        made: weak references to these tensors.
        contents: memory whose numbers came from Python, with a copy of them.
        outside: tensors that were there before, and their version counters as they were found.
        grads: ``.grad`` of tensors as it was found, where it was looked at before it was set.
        changed_grads: the tensors whose ``.grad`` was set.
        modes: the modules that asked whether they train, and what they were told.
        updates: (number of the call, group) for each update of a param group.
        kept: what else has to live as long as the program.
        problem: why this cannot be made again without Python, or None.
    """

    def __init__(self, strict: bool = False) -> None:
        self.program = ffi.gc(lib.program_new(), lib.program_free)
        self.arrays: list[np.ndarray] = []
        self.made: dict[int, Any] = {}
        self.contents: list[tuple[np.ndarray, np.ndarray]] = []
        self.outside: dict[int, Any] = {}
        self.versions: dict[int, tuple[list[Any], int]] = {}
        self.grads: dict[int, tuple[Any, Any]] = {}
        self.changed_grads: dict[int, Any] = {}
        self.modes: dict[int, tuple[Any, bool]] = {}
        self.updates: list[tuple[int, Any]] = []
        self.kept: list[Any] = []
        self.problem: str | None = None
        self.strict = strict
        self._thread = threading.get_ident()
        self._before: Any = None

    # What the rest of the house reports.

    def cannot(self, what: str) -> None:
        """Notes why the run cannot be repeated, with the line of the user's code where that came up."""
        if self.problem is None and threading.get_ident() == self._thread:
            self.problem = f"{what}{_user_line()}"
        if self.strict:
            raise RuntimeError(f"compile: {self.problem}; fullgraph=True does not allow that")

    def updates_group(self, group: Any) -> None:
        """A param group is about to be updated by the next call."""
        self.updates.append((lib.program_calls(self.program), group))
        for version in group.moved:
            self.versions.setdefault(id(version), (version, version[0]))

    # What the watched attributes report.

    def _mine(self) -> bool:
        return threading.get_ident() == self._thread

    def _note_made(self, x: Any, array: np.ndarray) -> None:
        self.arrays.append(array)
        self.made[id(x)] = weakref.ref(x)

    def _note_used(self, x: Any) -> None:
        key = id(x)
        if key not in self.made and key not in self.outside:
            self.outside[key] = x
            self.versions.setdefault(id(x.version), (x.version, x.version[0]))

    def __enter__(self) -> Recording:
        if lib.program_record(self.program):
            raise RuntimeError("compile: another function is being recorded now")
        mine, wrap = self._mine, engine.wrap

        def get_array(x: Any) -> Any:
            array = _ARRAY.__get__(x)
            if not mine():
                return array
            self._note_used(x)
            return traced.watched(array)

        def set_array(x: Any, array: Any) -> None:
            array = traced.plain(array)
            _ARRAY.__set__(x, array)
            if mine():
                if id(x) in self.outside:
                    self.cannot("a tensor was given other memory")
                self._note_made(x, array)

        def get_pointer(x: Any) -> Any:
            if mine():
                self._note_used(x)
            return _POINTER.__get__(x)

        def get_grad(x: Any) -> Any:
            found = _GRAD.__get__(x)
            if mine() and id(x) not in self.made and id(x) not in self.changed_grads:
                self.grads.setdefault(id(x), (x, found))
            return found

        def set_grad(x: Any, grad: Any) -> None:
            _GRAD.__set__(x, grad)
            if mine() and id(x) not in self.made:
                self.changed_grads[id(x)] = x

        def wrapped(array: np.ndarray) -> Any:
            array = traced.plain(array)
            if mine():
                self.contents.append((array, array.copy()))
            return wrap(array)

        def get_training(module: Any) -> bool:
            flag: bool = module.__dict__["training"]
            if mine():
                self.modes.setdefault(id(module), (module, flag))
            return flag

        def set_training(module: Any, flag: bool) -> None:
            module.__dict__["training"] = flag

        setattr(Value, "array", property(get_array, set_array))  # noqa: B010 (a type checker knows them as attributes)
        setattr(Value, "pointer", property(get_pointer, _POINTER.__set__))  # noqa: B010
        setattr(Value, "_grad", property(get_grad, set_grad))  # noqa: B010
        setattr(Module, "training", property(get_training, set_training))  # noqa: B010
        engine.wrap = wrapped
        engine.recording = self
        self._before = wrap
        traced.report.append(lambda what: self.cannot(f"{what} takes numbers out of the recorded program"))
        return self

    def __exit__(self, *exception: object) -> None:
        lib.program_record(NULL)
        traced.report.pop()
        engine.recording = None
        engine.wrap = self._before
        delattr(Module, "training")  # noqa: B043
        for name, slot in (("array", _ARRAY), ("pointer", _POINTER), ("_grad", _GRAD)):
            setattr(Value, name, slot)

    def moved_versions(self) -> list[tuple[list[Any], int]]:
        """The version counters of what was there before that went up, and by how much."""
        found = [(version, version[0] - before) for version, before in self.versions.values()]
        return [(version, by) for version, by in found if by]

    def living(self) -> Iterator[Any]:
        """The tensors made in the run that somebody still holds."""
        for reference in self.made.values():
            x = reference()
            if x is not None:
                yield x


def _user_line() -> str:
    """`` (file.py, line 3: ...)``: where the innermost code outside of lucid is."""
    frame = sys._getframe(2)
    while frame is not None and os.path.abspath(frame.f_code.co_filename).startswith(_HERE):
        frame = frame.f_back  # type: ignore[assignment]
    if frame is None:
        return ""
    return f" ({frame.f_code.co_filename}, line {frame.f_lineno})"
