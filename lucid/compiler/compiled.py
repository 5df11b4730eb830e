"""``lucid.compile``: a function that is run once, recorded, and from then on made again from C."""

from __future__ import annotations

import functools
import threading
import types
import warnings
from collections.abc import Callable
from typing import Any

from lucid import engine
from lucid.autograd.grad_mode import mode
from lucid.autograd.graph import Value, before_backward
from lucid.compiler.program import CannotReplay, Program
from lucid.compiler.recording import Recording
from lucid.compiler.signature import Arguments, Signature
from lucid.ops.elementwise import default_dtype

KEPT = 8  # so many programs of a function; the one not used for longest goes
PATIENCE = 8  # so often a function is recorded again without one run of the program in between


class _Entry:
    """A signature, and the program for it; None when it runs eagerly."""

    __slots__ = ("dtype", "names", "program", "recording", "signature")

    def __init__(self, signature: Signature, program: Program | None, names: list[tuple[Any, Any, Any]]) -> None:
        self.signature, self.program, self.names = signature, program, names
        self.recording, self.dtype = mode.recording, default_dtype[0]

    def accepts(self, arguments: Arguments) -> bool:
        return self.recording is mode.recording and self.dtype is default_dtype[0] and self.signature.accepts(arguments)

    def changed(self, inputs: list[Any]) -> str | None:
        """None when all is as it was, else what changed."""
        for where, name, value in self.names:
            if _look_up(where, name) is not value:
                return f"the name {name!r} stands for another tensor now"
        return None if self.program is None else self.program.changed(inputs)


class CompiledFunction:
    """What :func:`compile` gives. Called like the function itself.

    Attributes:
        function: the function.
        recordings: how often it was recorded.
        replays: how often a program ran in its place.
    """

    def __init__(self, function: Callable[..., Any], fullgraph: bool = False) -> None:
        functools.update_wrapper(self, function)
        self.function, self.fullgraph = function, fullgraph
        self.recordings = self.replays = 0
        self._entries: list[_Entry] = []
        self._in_vain = 0  # recordings since a program ran
        self._lock = threading.Lock()
        self._eager = False

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def programs(self) -> list[Program]:
        """The programs there are, the last used first."""
        return [entry.program for entry in self._entries if entry.program is not None]

    def __repr__(self) -> str:
        return f"<compiled {self.function!r}: {len(self._entries)} programs>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if (
            self._eager
            or engine.recording is not None
            or before_backward[0] is not None
            or not self._lock.acquire(blocking=False)
        ):
            return self.function(*args, **kwargs)
        try:
            arguments = Arguments(args, kwargs)
            changed = None
            entries = self._entries
            for place, entry in enumerate(entries):
                if entry.accepts(arguments):
                    inputs = [arguments.leaves[i] for i in entry.signature.places]
                    found = entry.changed(inputs)
                    if found is None:
                        if place:
                            entries.insert(0, entries.pop(place))
                        if entry.program is None:
                            break
                        self._in_vain = 0
                        self.replays += 1
                        return entry.program.run(inputs)
                    changed = found
            else:
                return self._record(arguments, changed, args, kwargs)
        finally:
            self._lock.release()
        return self.function(*args, **kwargs)

    def _record(self, arguments: Arguments, changed: str | None, args: Any, kwargs: Any) -> Any:
        """Runs the function, and keeps what it did for the next time."""
        if changed is not None:
            self._in_vain += 1
            if self._in_vain > PATIENCE:
                self._eager = True
                self._tell(f"what it takes for granted changes at every call: {changed}")
                return self.function(*args, **kwargs)
        signature = Signature(arguments)
        recording = Recording(self.fullgraph)
        if signature.array():
            recording.problem = "an argument is a NumPy array; give lucid.from_numpy(array)"
        self.recordings += 1
        with recording:
            result = self.function(*args, **kwargs)
        program = None
        try:
            program = Program(recording, signature.inputs, result)
        except CannotReplay as reason:
            if self.fullgraph:
                raise RuntimeError(f"compile: {_name(self.function)} cannot be replayed: {reason}") from None
            self._tell(str(reason))
        names = [] if program is None else _tensor_names(self.function)
        self._entries = [_Entry(signature, program, names), *self._entries[: KEPT - 1]]
        return result

    def _tell(self, reason: str) -> None:
        warnings.warn(f"compile: {_name(self.function)} runs eagerly: {reason}", stacklevel=4)


def _name(function: Any) -> str:
    return getattr(function, "__qualname__", type(function).__name__)


_NOTHING = object()


def _look_up(where: Any, name: Any) -> Any:
    """What a global name or a closure's cell stands for."""
    if name is None:
        try:
            return where.cell_contents
        except ValueError:
            return _NOTHING
    return where.get(name, _NOTHING)


def _tensor_names(function: Any) -> list[tuple[Any, Any, Any]]:
    """The global names and closure cells of a function that stand for tensors: (dict or cell, name or None, tensor)."""
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if code is None:
        return []
    names = function.__globals__
    found: list[tuple[Any, Any, Any]] = [(names, name, names[name]) for name in code.co_names if name in names]
    found += [(cell, None, _look_up(cell, None)) for cell in function.__closure__ or ()]
    return [item for item in found if isinstance(item[2], Value)]
