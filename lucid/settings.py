"""The engine's settings: how many threads, and which instruction set."""

from __future__ import annotations

import os
from typing import cast

from lucid._engine import ffi, lib
from lucid.errors import ArgumentError


def set_num_threads(n: int) -> None:
    """Sets how many threads the engine's kernels may use, 1 to 256. The results do not depend on it.

    Raises:
        ValueError: for another number.

    Example:
        >>> import lucid
        >>> lucid.set_num_threads(1)
        >>> lucid.get_num_threads()
        1
    """
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= 256 or lib.set_num_threads(n) != n:
        raise ArgumentError(f"set_num_threads: {n!r} is not a number of threads; give an int from 1 to 256")


def get_num_threads() -> int:
    """How many threads the engine's kernels may use; at the start LUCID_NUM_THREADS, or the number of processors."""
    threads: int = lib.num_threads()
    return threads


def simd_levels() -> list[str]:
    """The instruction sets that this build and this processor have, narrowest first."""
    names: list[str] = []
    while (name := lib.simd_level_name(len(names))) != ffi.NULL:
        names.append(ffi.string(name).decode())
    return names


def get_simd() -> str:
    """The instruction set in use: the widest there is, or the one named by LUCID_SIMD."""
    level: int = lib.simd_level()
    return simd_levels()[level]


def set_simd(name: str) -> None:
    """Chooses the instruction set of all kernels.

    Raises:
        ValueError: when this build or this processor does not have it.
    """
    levels = simd_levels()
    if not isinstance(name, str) or name not in levels:
        raise ArgumentError(f"SIMD level {name!r} is not available here; choose from {', '.join(levels)}")
    lib.set_simd_level(levels.index(name))


def _start() -> None:
    asked = os.environ.get("LUCID_SIMD")
    set_simd(asked or simd_levels()[-1])
    threads = os.environ.get("LUCID_NUM_THREADS")
    if threads:
        set_num_threads(int(threads) if threads.isdigit() else cast(int, threads))


_start()
