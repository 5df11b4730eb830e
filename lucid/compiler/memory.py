"""Which memory the calls of a program use, from when to when, and where it shall lie.

Memory that only the program itself uses is put into one arena, where memory that is not needed any more makes room for
what comes later.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from lucid.engine import ffi, lib

LINE = 64  # bytes: where memory begins in the arena


class Use(NamedTuple):
    """A word of the program that holds an address."""

    call: int
    word: Any  # int64_t *
    address: int
    writes: bool


class Block:
    """Memory in one piece.

    Attributes:
        start, end: addresses.
        first, last: the calls that use it first and last; -1 when none does.
        uses: the words that hold an address in it.
        written: whether a call writes to it.
    """

    __slots__ = ("end", "first", "last", "start", "uses", "written")

    def __init__(self, start: int, end: int) -> None:
        self.start, self.end = start, end
        self.uses: list[Use] = []
        self.first = self.last = -1
        self.written = False

    @property
    def nbytes(self) -> int:
        """Its size."""
        return self.end - self.start

    def add(self, use: Use) -> None:
        """Notes a use; uses come in the order of the calls."""
        if not self.uses:
            self.first = use.call
        self.last = use.call
        self.uses.append(use)
        self.written |= use.writes


def bounds(array: np.ndarray) -> tuple[int, int]:
    """Where an array's memory begins and ends. One without numbers counts a byte."""
    low, high = np.lib.array_utils.byte_bounds(array)
    return int(low), max(int(high), int(low) + 1)


class Blocks:
    """Pieces of memory that do not overlap, found by address.

    Args:
        spans: (start, end) of each; those that overlap become one.
    """

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        self.all: list[Block] = []
        for start, end in sorted(spans):
            if self.all and start < self.all[-1].end:
                self.all[-1].end = max(self.all[-1].end, end)
            else:
                self.all.append(Block(start, end))
        self._starts = [block.start for block in self.all]

    def at(self, address: int) -> Block | None:
        """The block that holds an address."""
        place = bisect.bisect_right(self._starts, address) - 1
        if place >= 0 and address < self.all[place].end:
            return self.all[place]
        return None

    def meets(self, start: int, end: int) -> bool:
        """Whether a piece of memory overlaps one of these."""
        place = bisect.bisect_left(self._starts, end) - 1
        return place >= 0 and start < self.all[place].end


def call_name(program: Any, number: int) -> str:
    """The name of the function that a call of the program calls."""
    return ffi.string(lib.program_function(program, number)).decode()  # type: ignore[no-any-return]


def uses(program: Any) -> Iterator[Use]:
    """All words of a program that hold addresses of numbers, in order."""
    for number in range(lib.program_calls(program)):
        letters = ffi.string(lib.program_parameters(program, number)).decode()
        words = lib.program_words(program, number)
        function = ffi.typeof(ffi.addressof(lib, call_name(program, number)))
        for place, letter in enumerate(letters):
            if not words[place]:
                continue
            if letter in "rw":
                yield Use(number, words + place, words[place], letter == "w")
            elif letter in "RW":
                row = ffi.cast("int64_t *", words[place])
                for item in range(lib.program_list_length(program, number)):
                    if row[item]:
                        yield Use(number, row + item, row[item], letter == "W")
            elif letter == "c":
                yield from _uses_in_structure(number, words[place], function.args[place].item)


def _uses_in_structure(number: int, address: int, kind: Any) -> Iterator[Use]:
    for _, field in kind.fields:
        if field.type.kind == "pointer":
            word = ffi.cast("int64_t *", address + field.offset)
            if word[0]:
                constant = ffi.getctype(field.type).startswith("const ") or " const" in ffi.getctype(field.type)
                yield Use(number, word, word[0], not constant)


def layout(blocks: Sequence[Block]) -> tuple[list[int], int]:
    """Offsets in an arena, so that blocks in use at the same time do not overlap; and the size of the arena.

    The largest goes first, each to the lowest place that is free while it is in use.
    """
    offsets = [0] * len(blocks)
    placed: list[int] = []
    size = 0
    for i in sorted(range(len(blocks)), key=lambda i: -blocks[i].nbytes):
        mine = blocks[i]
        taken = sorted(
            (offsets[j], offsets[j] + blocks[j].nbytes)
            for j in placed
            if blocks[j].first <= mine.last and mine.first <= blocks[j].last
        )
        offset = 0
        for start, end in taken:
            if offset + mine.nbytes <= start:
                break
            offset = max(offset, -(-end // LINE) * LINE)
        offsets[i] = offset
        placed.append(i)
        size = max(size, offset + mine.nbytes)
    return offsets, size
