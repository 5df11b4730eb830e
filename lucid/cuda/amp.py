"""The older names of lucid.amp for CUDA."""

from __future__ import annotations

from typing import Any

from lucid import amp

__all__ = ["GradScaler", "autocast"]


class autocast(amp.autocast):  # noqa: N801
    """``lucid.amp.autocast("cuda", ...)``; there is no CUDA, so it warns and does nothing.

    Example:
        >>> import lucid
        >>> with lucid.cuda.amp.autocast(enabled=False):
        ...     y = lucid.ones(2) * 2
    """

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        super().__init__("cuda", dtype, enabled, cache_enabled)


class GradScaler(amp.GradScaler):
    """``lucid.amp.GradScaler("cuda", ...)``; there is no CUDA, so an enabled one warns and does nothing.

    Example:
        >>> import lucid
        >>> lucid.cuda.amp.GradScaler(enabled=False).is_enabled()
        False
    """

    def __init__(
        self,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        super().__init__("cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled)
