"""Settings that PyTorch scripts make at their start, where one way of computing leaves nothing to choose."""

from __future__ import annotations

from typing import Any

from lucid import engine
from lucid.devices import CPU, check_device, device
from lucid.errors import ArgumentError
from lucid.number_types import set_default_dtype

_PRECISIONS = ("highest", "high", "medium")
_deterministic = [False]
_precision = ["highest"]


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Asks for results that are the same bits in every run: they always are, so this changes nothing.

    Example:
        >>> import lucid
        >>> lucid.use_deterministic_algorithms(True)
        >>> lucid.are_deterministic_algorithms_enabled()
        True
        >>> lucid.use_deterministic_algorithms(False)
    """
    _deterministic[0] = bool(mode)


def are_deterministic_algorithms_enabled() -> bool:
    """What :func:`use_deterministic_algorithms` was last told. (Results are deterministic in any case.)"""
    return _deterministic[0]


def set_float32_matmul_precision(precision: str) -> None:
    """Allows products of float32 matrices to be less exact. They are always computed in float32, the highest.

    Args:
        precision: ``"highest"``, ``"high"`` or ``"medium"``: how little is enough.

    Raises:
        ValueError: for another word.
    """
    if precision not in _PRECISIONS:
        raise ArgumentError(f"set_float32_matmul_precision: expected one of {_PRECISIONS}, got {precision!r}")
    _precision[0] = precision


def get_float32_matmul_precision() -> str:
    """What :func:`set_float32_matmul_precision` was last told."""
    return _precision[0]


def set_default_device(device: Any) -> None:
    """Sets where new tensors live: on the CPU.

    Raises:
        ValueError: for another device.
    """
    check_device(device, "set_default_device")


def get_default_device() -> device:
    """The CPU."""
    return CPU


def set_default_tensor_type(t: Any) -> None:
    """The older way to call :func:`lucid.set_default_dtype`.

    Args:
        t: ``lucid.FloatTensor`` or ``lucid.DoubleTensor``, or such a name as a text.

    Raises:
        TypeError: for a type that is not floating point.

    Example:
        >>> import lucid
        >>> lucid.set_default_tensor_type("lucid.DoubleTensor")
        >>> lucid.zeros(1).dtype
        lucid.float64
        >>> lucid.set_default_tensor_type(lucid.FloatTensor)
    """
    names = {"FloatTensor": engine.float32, "DoubleTensor": engine.float64}
    set_default_dtype(names.get(t.rpartition(".")[2], t) if isinstance(t, str) else t)


def get_num_interop_threads() -> int:
    """1: operations run one after another; each may use several threads, see :func:`lucid.set_num_threads`."""
    return 1
