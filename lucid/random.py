"""The stream of random numbers, under PyTorch's path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lucid.ops.random import get_rng_state, initial_seed, manual_seed, seed, set_rng_state

__all__ = ["fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


@contextmanager
def fork_rng(devices: Any = None, enabled: bool = True) -> Iterator[None]:
    """What is drawn inside does not move the stream outside.

    Args:
        devices: names of CUDA devices whose streams are kept too; there are none.
        enabled: False to do nothing.

    Example:
        >>> import lucid
        >>> state = lucid.get_rng_state()
        >>> with lucid.random.fork_rng():
        ...     _ = lucid.manual_seed(0)
        >>> lucid.equal(state, lucid.get_rng_state())
        True
    """
    state = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(state)
