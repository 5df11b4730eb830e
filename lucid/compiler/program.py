"""A recorded run that can be made again: with other inputs, on the live parameters, without Python in between."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from sys import getrefcount
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import VISITED, Node, Value
from lucid.compiler import memory, tree
from lucid.compiler.memory import Block, Blocks, bounds
from lucid.compiler.recording import Recording
from lucid.engine import ffi, lib

ARENA = 0  # memories have numbers; this is the first


class CannotReplay(Exception):
    """Why a recorded run cannot be made again."""


class Made:
    """A tensor that each run makes anew: what it is like, and where in its memory it begins.

    Args:
        x: as the recorded run made it.
        block: its memory.
        number: the engine's number for this memory.
    """

    __slots__ = ("dtype", "nbytes", "node", "number", "offset", "plain", "requires_grad", "shape", "strides")

    def __init__(self, x: Any, block: Block, number: int) -> None:
        self.shape, self.dtype, self.strides, self.number = x.shape, x.dtype, x.strides, number
        self.requires_grad, self.node = x.requires_grad, x.node
        self.offset = int(x.array.ctypes.data) - block.start
        self.nbytes = block.nbytes
        self.plain = x.strides is None and not self.offset

    def fresh(self, program: Any) -> Any:
        """A new tensor, to whose memory the program will write."""
        if self.plain:
            x = engine.empty(self.shape, self.dtype)
            lib.program_move(program, self.number, x.pointer)
        else:
            room = np.empty(self.nbytes, np.uint8)
            steps = [step * self.dtype.itemsize for step in self.strides or engine.dense_strides(self.shape)]
            x = engine.wrap(np.ndarray(self.shape, self.dtype.numpy, room, self.offset, steps))
            lib.program_move(program, self.number, ffi.from_buffer("char[]", room))
        x.requires_grad, x.node = self.requires_grad, self.node
        return x


class Grad:
    """The gradient that a run leaves with a tensor. It is the same tensor each time, unless somebody else holds it.

    Args:
        x: the tensor.
        grad: its gradient after the recorded run.
        made: how to make another; None for a gradient that was there before, or no gradient.
    """

    __slots__ = ("grad", "made", "x")

    def __init__(self, x: Any, grad: Any, made: Made | None) -> None:
        self.x, self.grad, self.made = x, grad, made

    def is_shared(self) -> bool:
        """Whether somebody else holds the gradient of the last run, which the next would write over."""
        return getrefcount(self.grad) > (3 if self.x._grad is self.grad else 2)


class Program:
    """What a :class:`Recording` found, made ready to run.

    Args:
        recording: of the run.
        inputs: the tensors that were given to the function; each run takes others in their place.
        result: what the function returned.

    Raises:
        CannotReplay: when Python has to take part.

    Attributes:
        arena: memory for what is only needed while the program runs.
        outside: tensors that the function uses by itself, with their addresses and ``requires_grad``.
        modes: modules, and whether they train.
        found_grads: gradients that the function went on from.
        left_grads: the tensors whose gradients it sets, with what it sets (see :class:`Grad`).
        contents: memory whose numbers came from Python; with them, where the program overwrites them.
        versions: the version counters that go up, and by how much.
        input_versions, input_grads: the same of the arguments, and the gradients they get, by their place.
        ungraded: the places of arguments that had no gradient.
    """

    def __init__(self, recording: Recording, inputs: Sequence[Any], result: Any) -> None:
        if recording.problem is not None:
            raise CannotReplay(recording.problem)
        self.engine = recording.program
        self.kept = recording.kept  # C knows where it is
        self.calls: int = lib.program_calls(self.engine)
        self.modes = list(recording.modes.values())
        places = {id(x): place for place, x in enumerate(inputs)}
        self.found_grads = [(x, grad) for key, (x, grad) in recording.grads.items() if key not in places]
        if any(grad is not None for key, (_, grad) in recording.grads.items() if key in places):
            raise CannotReplay("it adds to the gradient that an argument has already")
        left = [(x, x._grad) for x in recording.changed_grads.values()]
        counters = {id(x.version): place for place, x in enumerate(inputs)}
        moved = recording.moved_versions()
        self.versions = [(version, by) for version, by in moved if id(version) not in counters]
        self.input_versions = [(counters[id(version)], by) for version, by in moved if id(version) in counters]
        given = {id(x) for x in inputs}
        used = [x for key, x in recording.outside.items() if key not in given]
        self.outside: list[tuple[Any, Any, bool, int]] = []
        self.tables = [(g, ffi.unpack(g.gradients, len(g.params))) for _, g in recording.updates]
        self.updates = dict(recording.updates)
        self.optimizers = list({id(g.optimizer): g.optimizer for g, _ in self.tables}.values())
        _check_survivors(recording, result, [grad for _, grad in left])
        made, arguments = self._blocks(used, recording, inputs)
        self._find_uses(made, arguments, recording)
        fixed = self._contents(recording, made)
        self._number = ARENA + len(inputs)
        left_grads = self._grads(left, made, fixed)
        del left
        self.left_grads = [one for one in left_grads if id(one.x) not in places]
        self.input_grads = [(places[id(one.x)], one.made) for one in left_grads if id(one.x) in places]
        self.ungraded = [places[key] for key in recording.grads if key in places]
        for _, addresses in self.tables:
            for address in addresses:
                block = made.at(int(ffi.cast("intptr_t", address)))
                if block is not None and id(block) not in fixed:
                    raise CannotReplay("an optimizer was given a gradient that is not contiguous, or not kept")
        self.result = self._results(result, made, inputs, used, fixed)
        self._place([b for b in made.all if b.uses and id(b) not in fixed], inputs, arguments)
        recording.outside.clear()
        while used:
            x = used.pop()
            self.outside.append((x, x.pointer, x.requires_grad, getrefcount(x) + 1))

    # -----------------------------------------------------------------------------------------------------------------
    # Making it

    def _blocks(self, used: Sequence[Any], recording: Recording, inputs: Sequence[Any]) -> tuple[Blocks, Blocks]:
        """The memory that was made in the run, and that of the arguments."""
        others = Blocks([bounds(x.array) for x in used])
        arguments = Blocks([bounds(x.array) for x in inputs])
        if len(arguments.all) != len(inputs):
            raise CannotReplay("two of the arguments share memory")
        if any(others.meets(block.start, block.end) for block in arguments.all):
            raise CannotReplay("an argument shares memory with a tensor that the function uses by itself")
        spans = [bounds(array) for array in recording.arrays]
        made = Blocks([span for span in spans if not others.meets(*span) and not arguments.meets(*span)])
        self._others = Blocks([(b.start, b.end) for b in others.all] + [span for span in spans if others.meets(*span)])
        return made, arguments

    def _find_uses(self, made: Blocks, arguments: Blocks, recording: Recording) -> None:
        for use in memory.uses(self.engine):
            block = made.at(use.address) or arguments.at(use.address) or self._others.at(use.address)
            if block is None:
                name = memory.call_name(self.engine, use.call)
                raise CannotReplay(f"{name} was given memory that belongs to no tensor")
            block.add(use)
        del self._others

    def _contents(self, recording: Recording, made: Blocks) -> set[int]:
        """Memory that Python wrote: it stays where it is, and gets its numbers again where the program changes them."""
        living = {bounds(x.array)[0] for x in recording.living()}
        self.contents: list[Any] = []
        self.rewritten: list[tuple[np.ndarray, np.ndarray]] = []
        found = set()
        for array, numbers in recording.contents:
            block = made.at(bounds(array)[0])
            if block is None:
                continue
            found.add(id(block))
            self.contents.append(array)
            if block.written:
                if block.start in living:
                    raise CannotReplay("a tensor made of Python's numbers is changed, and kept or returned")
                self.rewritten.append((array, numbers))
        return found

    def _grads(self, left: list[tuple[Any, Any]], made: Blocks, fixed: set[int]) -> list[Grad]:
        """The gradients that are left, each in memory that can be exchanged."""
        found = []
        for x, grad in left:
            block = None if grad is None else made.at(bounds(grad.array)[0])
            if block is None:
                found.append(Grad(x, grad, None))
                continue
            if id(block) in fixed or grad.node is not None:
                raise CannotReplay("a gradient shares its memory with another tensor, or has a graph")
            fixed.add(id(block))
            found.append(Grad(x, grad, self._made(grad, block)))
        return found

    def _made(self, x: Any, block: Block) -> Made:
        self._number += 1
        self._tell(self._number, block, 0)
        return Made(x, block, self._number)

    def _results(self, result: Any, made: Blocks, inputs: Sequence[Any], used: Sequence[Any], fixed: set[int]) -> Any:
        """The result with a :class:`Made` in the place of each tensor that each run makes."""
        known: dict[int, Any] = {id(x): Given(place) for place, x in enumerate(inputs)}

        def described(x: Any) -> Any:
            if not isinstance(x, Value):
                return x
            if id(x) not in known:
                block = made.at(bounds(x.array)[0])
                if block is None or id(block) in fixed:
                    if not any(x.array is one for one in self.contents) and id(x) not in {id(one) for one in used}:
                        raise CannotReplay(
                            "the function returns a gradient, a view of an argument or parameter, or two tensors on "
                            "the same memory; return clones"
                        )
                    known[id(x)] = x
                else:
                    fixed.add(id(block))
                    known[id(x)] = self._made(x, block)
            return known[id(x)]

        return tree.mapped(described, result)

    def _place(self, temporary: list[Block], inputs: Sequence[Any], arguments: Blocks) -> None:
        """Gives the program's own memory its place, and tells the engine which words are addresses of arguments."""
        offsets, size = memory.layout(temporary)
        self.arena_bytes = size
        self.arena = np.empty(size + memory.LINE, np.uint8)
        start = int(self.arena.ctypes.data)
        for block, offset in zip(temporary, offsets, strict=True):
            self._tell(ARENA, block, offset)
        lib.program_move(self.engine, ARENA, ffi.cast("void *", start + -start % memory.LINE))
        for number, x in enumerate(inputs, ARENA + 1):
            mine = arguments.at(bounds(x.array)[0])
            assert mine is not None
            self._tell(number, mine, int(x.array.ctypes.data) - mine.start)

    def _tell(self, number: int, mine: Block, offset: int) -> None:
        for use in mine.uses:
            lib.program_place(self.engine, number, use.word, offset + use.address - mine.start)

    # -----------------------------------------------------------------------------------------------------------------
    # Running it

    def changed(self, inputs: Sequence[Any]) -> str | None:
        """None when all is still as the recorded run found it; else what is not."""
        for place in self.ungraded:
            if inputs[place]._grad is not None:
                return "an argument has a gradient, or has none"
        for x, pointer, requires_grad, holders in self.outside:
            if x.pointer is not pointer or x.requires_grad is not requires_grad or getrefcount(x) < holders:
                return f"a tensor of shape {x.shape} that it uses was replaced, or requires_grad was set"
        for module, flag in self.modes:
            if module.training is not flag:
                return f"{type(module).__name__} was changed between train and eval"
        for x, grad in self.found_grads:
            if x._grad is not grad:
                return f"the gradient of a tensor of shape {x.shape} is another one, or None"
        for optimizer in self.optimizers:
            if not optimizer.can_repeat():
                return f"{type(optimizer).__name__} has other groups or other state"
        return None

    def run(self, inputs: Sequence[Any]) -> Any:
        """The function again, on these inputs. :meth:`holds` has been asked."""
        program, move = self.engine, lib.program_move
        for number, x in enumerate(inputs, ARENA + 1):
            move(program, number, x.pointer)
        for left in self.left_grads:
            if left.made is not None and left.is_shared():
                self._replace(left)
        for array, numbers in self.rewritten:
            array[...] = numbers
        for group, addresses in self.tables:
            if group.filled_by is not self:
                group.gradients[0 : len(addresses)] = addresses
                group.filled_by = self
        fresh: dict[Any, Any] = {}

        def actual(x: Any) -> Any:
            if type(x) is Made:
                if x not in fresh:
                    fresh[x] = x.fresh(program)
                return fresh[x]
            return inputs[x.place] if type(x) is Given else x

        result = tree.mapped(actual, self.result)
        grads = [(place, None if made is None else made.fresh(program)) for place, made in self.input_grads]
        stopped = lib.program_run(program, 0, self.calls)
        for version, by in self.versions:
            version[0] += by
        for optimizer in self.optimizers:
            optimizer.repeated()
        for place, by in self.input_versions:
            inputs[place].version[0] += by
        for left in self.left_grads:
            left.x._grad = left.grad
        for place, grad in grads:
            inputs[place]._grad = grad
        if stopped >= 0:
            place = lib.program_reported(program)
            if stopped in self.updates:
                raise self.updates[stopped].not_finite(place)
            name = memory.call_name(program, stopped)
            raise IndexError(f"{name}: the index at position {place} is out of range, in a compiled function")
        return result

    def _replace(self, left: Grad) -> None:
        """Gives a gradient new memory, because the old one belongs to somebody else now."""
        assert left.made is not None
        before = left.grad.pointer
        left.grad = left.made.fresh(self.engine)
        for group, addresses in self.tables:
            for place, address in enumerate(addresses):
                if address == before:
                    addresses[place] = left.grad.pointer
            group.filled_by = None


class Given:
    """In a result: the argument at this place."""

    __slots__ = ("place",)

    def __init__(self, place: int) -> None:
        self.place = place


def _check_survivors(recording: Recording, result: Any, grads: list[Any]) -> None:
    """Refuses a run of which tensors are left that will not be made anew by each run."""
    for x in tree.leaves(result):
        if isinstance(x, Value) and x.node is not None:
            _let_go_of_graph(x)
    expected = {id(x) for x in [*tree.leaves(result), *grads]}
    given = {bounds(array)[0] for array, _ in recording.contents}

    def strange() -> list[Any]:
        return [x for x in recording.living() if id(x) not in expected and bounds(x.array)[0] not in given]

    if strange():
        gc.collect()
    for x in strange():
        raise CannotReplay(
            f"a tensor made in the function ({x.dtype} {x.shape}) is kept after it, other than as its result or as a "
            "gradient"
        )


def _let_go_of_graph(x: Any) -> None:
    """Gives a result whose graph was gone through a node that only says so.

    Raises:
        CannotReplay: when backward has not gone through its graph yet.
    """
    seen, stack = set(), [x.node]
    while stack:
        node = stack.pop()
        if node in seen or not isinstance(node, Node):
            continue
        seen.add(node)
        if node.saved is not None and node.saved is not VISITED and node.rules is not None:
            raise CannotReplay("the function returns a tensor whose graph is still to be gone back through")
        stack.extend(node.edges)
    x.node = Node(x.node.name, (), (), (), 0)
    x.node.saved = None
