"""CUDA devices: there are none. What scripts ask before they use one, and what they call in any case, is here."""

from __future__ import annotations

from typing import Any, NoReturn

from lucid.cuda import amp

__all__ = [
    "amp",
    "current_device",
    "device_count",
    "empty_cache",
    "get_device_name",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "memory_allocated",
    "reset_peak_memory_stats",
    "synchronize",
]


def _absent(operation: str) -> NoReturn:
    raise RuntimeError(f"cuda.{operation}: there is no CUDA device; ask lucid.cuda.is_available() first")


def is_available() -> bool:
    """False.

    Example:
        >>> import lucid
        >>> lucid.cuda.is_available(), lucid.cuda.device_count()
        (False, 0)
    """
    return False


def is_initialized() -> bool:
    """False."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Seeds the CUDA device, of which there is none: as in PyTorch this may be called anywhere."""


def manual_seed_all(seed: int) -> None:
    """Seeds all CUDA devices, of which there are none: as in PyTorch this may be called anywhere."""


def empty_cache() -> None:
    """Gives back the memory of CUDA devices; there is none."""


def reset_peak_memory_stats(device: Any = None) -> None:
    """Forgets how much memory was in use; there is none."""


def memory_allocated(device: Any = None) -> int:
    """0: how many bytes are in use on a CUDA device."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """0: how many bytes were in use at most on a CUDA device."""
    return 0


def synchronize(device: Any = None) -> NoReturn:
    """Would wait for a CUDA device.

    Raises:
        RuntimeError: always; there is none.
    """
    _absent("synchronize")


def current_device() -> NoReturn:
    """Would give the number of the CUDA device in use.

    Raises:
        RuntimeError: always; there is none.
    """
    _absent("current_device")


def get_device_name(device: Any = None) -> NoReturn:
    """Would give the name of a CUDA device.

    Raises:
        RuntimeError: always; there is none.
    """
    _absent("get_device_name")
