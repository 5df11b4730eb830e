"""How a tensor prints: the text that PyTorch writes for the same numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lucid import engine
from lucid.errors import ArgumentError
from lucid.number_types import get_default_dtype
from lucid.types import Tensor


@dataclass
class PrintOptions:
    """What :func:`set_printoptions` sets."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


options = PrintOptions()
_PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Sets how tensors print. What is not given stays as it is, but for ``sci_mode``.

    Args:
        precision: digits after the point; at first 4.
        threshold: with more elements than these, only the ends of the dimensions are shown; at first 1000.
        edgeitems: how many elements an end has; at first 3.
        linewidth: characters in a line; at first 80.
        profile: ``"default"``, ``"short"`` (2 digits, ends of 2) or ``"full"`` (everything is shown); what else is
            given goes on top of it.
        sci_mode: True for powers of ten, False for none, None to decide by the numbers.

    Raises:
        ValueError: for a profile that is not one of these.

    Example:
        >>> import lucid
        >>> lucid.set_printoptions(precision=2)
        >>> lucid.tensor([1 / 3, 2 / 3])
        tensor([0.33, 0.67])
        >>> lucid.set_printoptions(profile="default")
    """
    if profile is not None:
        if profile not in _PROFILES:
            raise ArgumentError(f"set_printoptions: profile must be one of {', '.join(_PROFILES)}, got {profile!r}")
        options.__dict__.update(_PROFILES[profile])
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    options.__dict__.update({name: value for name, value in given.items() if value is not None})
    options.sci_mode = sci_mode


def tensor_text(x: Tensor, name: str = "tensor") -> str:
    """The text of a tensor: its numbers, and after them what is not the default."""
    array = x.array
    indent = len(name) + 1
    notes = []
    if array.size == 0:
        numbers = "[]"
        if array.ndim != 1:
            notes.append(f"size={tuple(x.shape)}")
        if x.dtype is not get_default_dtype():
            notes.append(f"dtype={x.dtype}")
    else:
        shortened = array.size > options.threshold
        text_of, width = _number_format(_ends(array) if shortened else array)
        numbers = _nested(array, indent, shortened, text_of, width)
        if x.dtype not in (get_default_dtype(), engine.int64, engine.bool_):
            notes.append(f"dtype={x.dtype}")
    if x.node is not None:
        notes.append(f"grad_fn=<{x.node.shown_name}>")
    elif x.requires_grad:
        notes.append("requires_grad=True")

    text = f"{name}({numbers}"
    column = len(text) - text.rfind("\n") + 1  # as PyTorch counts it
    for note in notes:
        if column + len(note) + 2 > options.linewidth:
            text += ",\n" + " " * indent + note
            column = indent + len(note)
        else:
            text += ", " + note
            column += len(note) + 2
    return text + ")"


def _ends(array: np.ndarray) -> np.ndarray:
    """The first and last elements of every dimension: those that are shown."""
    edge = options.edgeitems
    for axis, size in enumerate(array.shape):
        if size > 2 * edge:
            array = np.take(array, [*range(edge), *range(size - edge, size)], axis)
    return array


def _number_format(shown: np.ndarray) -> tuple[Callable[[Any], str], int]:
    """The function that writes one number, all to the same width; and the width."""
    if shown.dtype.kind != "f":
        width = max((len(str(value)) for value in shown.ravel().tolist()), default=1)
        return lambda value: str(value).rjust(width), width
    precision = options.precision
    numbers = shown.astype(np.float64).ravel()
    numbers = numbers[np.isfinite(numbers) & (numbers != 0)]
    sizes = np.abs(numbers)
    whole = bool((numbers == np.ceil(numbers)).all())
    powers = options.sci_mode and numbers.size > 0
    if options.sci_mode is None and numbers.size:
        powers = sizes.max() / sizes.min() > 1000 or sizes.max() > 1e8 or (not whole and sizes.min() < 1e-4)
    style = f".{precision}e" if powers else ".0f" if whole else f".{precision}f"
    point = "." if whole and not powers else ""
    width = max((len(format(number, style) + point) for number in numbers.tolist()), default=1)

    def text_of(value: float) -> str:
        return (format(value, style) + (point if math.isfinite(value) else "")).rjust(width)

    return text_of, width


def _nested(array: np.ndarray, indent: int, shortened: bool, text_of: Callable[[Any], str], width: int) -> str:
    """The numbers in their brackets, each row in lines of the allowed width."""
    if not array.ndim:
        return text_of(array.item())
    edge = options.edgeitems
    cut = shortened and len(array) > 2 * edge
    shown: Any = [*array[:edge], *array[len(array) - edge :]] if cut else array
    if array.ndim > 1:
        parts = [_nested(row, indent + 1, shortened, text_of, width) for row in shown]
        if cut:
            parts.insert(edge, "...")
        separator = "," + "\n" * (array.ndim - 1) + " " * (indent + 1)
        return "[" + separator.join(parts) + "]"
    parts = [text_of(number.item()) for number in shown]
    per_line = max(1, (options.linewidth - indent) // (width + 2))
    if cut:
        parts.insert(edge, " ...")
    lines = [", ".join(parts[i : i + per_line]) for i in range(0, len(parts), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
