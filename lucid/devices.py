"""Devices: there is the CPU. What portable scripts ask about other devices gets an honest answer."""

from __future__ import annotations

from typing import Any

from lucid.errors import ArgumentError


class device:  # noqa: N801
    """Where a tensor lives: the CPU.

    Args:
        type: ``"cpu"`` or ``"cpu:0"``, or a device.
        index: 0 or None; the CPU counts as one device.

    Attributes:
        type: ``"cpu"``.
        index: 0 when it was given, else None.

    Raises:
        ValueError: for a device that is not there.

    Example:
        >>> import lucid
        >>> d = lucid.device("cuda" if lucid.cuda.is_available() else "cpu")
        >>> d, d.type, lucid.zeros(2, device=d).device == d
        (device(type='cpu'), 'cpu', True)
    """

    __slots__ = ("index", "type")

    def __init__(self, type: Any = "cpu", index: int | None = None) -> None:
        name, _, number = str(type).partition(":")
        if number:
            if index is not None:
                raise ArgumentError(f"device: {type!r} has an index already, so {index} cannot be another")
            index = int(number) if number.isdigit() else -1
        if name != "cpu" or index not in (None, 0):
            raise ArgumentError(f"device {str(type)!r} is not there; lucid computes on the CPU: use device='cpu'")
        self.type = name
        self.index = index

    def __repr__(self) -> str:
        return f"device(type='{self.type}'" + (")" if self.index is None else f", index={self.index})")

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and self.index == other.index

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type, self.index)

    def __enter__(self) -> device:
        return self

    def __exit__(self, *exception: object) -> None:
        pass


CPU = device("cpu")
NAMES = ("cpu", "cuda", "mps", "xpu", "meta")  # strings that mean a device and not a number type


def check_device(asked: Any, operation: str = "") -> None:
    """Nothing for the CPU, however it is named, or None.

    Raises:
        ValueError: for any other device; with the name of the operation, if given.
    """
    if asked is not None and asked is not CPU:
        try:
            device(asked)
        except ValueError as error:
            raise ArgumentError(f"{operation}: {error}" if operation else str(error)) from None


def names_device(x: Any) -> bool:
    """Whether an argument of ``to`` means a device."""
    return isinstance(x, device) or (isinstance(x, str) and x.partition(":")[0] in NAMES)
