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


def kept_memory() -> int:
    """Bytes of large results that are gone, kept for those to come: see :func:`set_kept_memory_limit`."""
    number: int = lib.kept_memory()
    return number


def release_memory() -> int:
    """Gives the memory that is kept for results to come back to the system, and says how many bytes it was.

    Example:
        >>> import lucid
        >>> freed = lucid.engine.release_memory()
        >>> lucid.engine.kept_memory()
        0
    """
    number: int = lib.release_memory()
    return number


def set_kept_memory_limit(limit: int) -> int:
    """Sets how much memory of results that are gone is kept for those to come; what is more goes to the system.

    A training step makes the same large arrays again and again. Fresh memory from the system costs more than most
    kernels, because it is handed out page by page when it is first written to.

    Args:
        limit: bytes, 0 to keep nothing. At the start it is an eighth of the machine's memory.

    Returns:
        the limit before.

    Raises:
        ValueError: for a number below 0, or one that is not an int.

    Example:
        >>> import lucid
        >>> before = lucid.engine.set_kept_memory_limit(0)
        >>> lucid.engine.kept_memory()
        0
        >>> _ = lucid.engine.set_kept_memory_limit(before)
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or not 0 <= limit < 2**63:
        raise ArgumentError(f"set_kept_memory_limit: {limit!r} is not a number of bytes; give an int, 0 or more")
    before: int = lib.kept_memory_limit()
    lib.set_kept_memory_limit(limit)
    return before


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
