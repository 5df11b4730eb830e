"""Padding: numbers put around a tensor, or taken away from its edges."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, record
from lucid.errors import ArgumentError, KindError
from lucid.ops.resample import resample
from lucid.ops.view import clone
from lucid.types import Tensor


def _pairs(operation: str, pad: Any, input: Tensor) -> list[tuple[int, int]]:
    """(before, after) for the last dimensions, in their order. PyTorch's list begins with the last."""
    if not isinstance(input, Value):
        raise KindError(f"{operation}: expected a tensor, got {type(input).__name__}")
    try:
        numbers = [operator.index(n) for n in pad]
    except TypeError as error:
        raise KindError(f"{operation}: pad must be a tuple of integers, got {pad!r} ({error})") from None
    if len(numbers) % 2 or len(numbers) > 2 * len(input.shape):
        raise ArgumentError(
            f"{operation}: pad must be (before, after) for some of the last dimensions, the last first, "
            f"got {tuple(pad)} for shape {input.shape}"
        )
    pairs = list(zip(numbers[::2], numbers[1::2], strict=True))[::-1]
    for size, (before, after) in zip(input.shape[len(input.shape) - len(pairs) :], pairs, strict=True):
        if min(before, 0) + min(after, 0) + size < 0 or before + after + size < 0:
            raise ArgumentError(f"{operation}: pad {tuple(pad)} takes away more than there is in shape {input.shape}")
    return pairs


def constant_pad_nd(input: Tensor, pad: Sequence[int], value: float = 0) -> Tensor:
    """One number put around a tensor.

    Args:
        input: [any shape], any number type.
        pad: how many (before, after) for the last dimension, then for the one before it and so on; a negative number
            takes slices away.
        value: the number.

    Raises:
        ValueError: for numbers that do not fit the shape.

    Example:
        >>> import lucid
        >>> lucid.constant_pad_nd(lucid.tensor([[1, 2]]), (0, 1, 1, 0), 7).tolist()
        [[7, 7, 7], [1, 2, 7]]
    """
    pairs = _pairs("constant_pad_nd", pad, input)
    lead = len(input.shape) - len(pairs)
    sides = list(zip(input.shape[lead:], pairs, strict=True))
    out = engine.empty((*input.shape[:lead], *(size + a + b for size, (a, b) in sides)), input.dtype)
    try:
        engine.fill(out, value)
    except (OverflowError, ValueError, TypeError) as error:
        kind = KindError if isinstance(error, TypeError) else ArgumentError
        raise kind(f"constant_pad_nd: value {value!r} does not fit into {input.dtype} ({error})") from None
    kept: Any = (..., *[slice(max(-a, 0), size - max(-b, 0)) for size, (a, b) in sides])
    place: Any = (..., *[slice(max(a, 0), size + a + b - max(b, 0)) for size, (a, b) in sides])
    steps = engine.dense_strides(out.shape)[lead:]
    start = sum([max(a, 0) * step for (a, _), step in zip(pairs, steps, strict=True)])
    is_smaller = any([a < 0 or b < 0 for a, b in pairs])
    source = engine.view(input, input.array[kept]) if is_smaller else input
    engine.copy_into(engine.view(out, out.array[place], start), source)
    back = [-operator.index(n) for n in pad]
    return record("constant_pad_nd", out, (input,), (lambda grad: constant_pad_nd(grad, back),))


@functools.lru_cache(maxsize=256)
def _places(mode: str, size: int, before: int, after: int) -> Tensor:
    """Which of ``size`` numbers stands at each place of the padded dimension: [size + before + after, 1]."""
    if mode == "circular":  # what is taken away is not repeated
        first, count = max(-before, 0), size - max(-before, 0) - max(-after, 0)
        place = first + (np.arange(size + before + after) - max(before, 0)) % max(count, 1)
    else:
        place = np.arange(-before, size + after)
        if mode == "reflect":
            place = size - 1 - abs(size - 1 - abs(place))
        place = place.clip(0, size - 1)
    return engine.wrap(place.astype(np.int64).reshape(-1, 1))


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Numbers put around a tensor.

    Args:
        input: [any shape] for "constant"; for the others, with k dimensions to be padded, of k + 1 dimensions or
            k + 2, and k at most 3.
        pad: how many (before, after) for the last dimension, then for the one before it and so on; a negative number
            takes slices away.
        mode: "constant", "reflect" (the edge is a mirror and not repeated), "replicate" (the edge is repeated) or
            "circular" (the other end goes on).
        value: the number of "constant"; 0 when None.

    Raises:
        ValueError: for numbers that do not fit the shape: "reflect" needs pads below the size, "circular" up to it.

    Example:
        >>> import lucid
        >>> x = lucid.tensor([[1.0, 2.0, 3.0]])
        >>> for mode in ("constant", "reflect", "replicate", "circular"):
        ...     print(lucid.nn.functional.pad(x, (2, 1), mode).tolist())
        [[0.0, 0.0, 1.0, 2.0, 3.0, 0.0]]
        [[3.0, 2.0, 1.0, 2.0, 3.0, 2.0]]
        [[1.0, 1.0, 1.0, 2.0, 3.0, 3.0]]
        [[2.0, 3.0, 1.0, 2.0, 3.0, 1.0]]
    """
    if mode == "constant":
        return constant_pad_nd(input, pad, 0 if value is None else value)
    if mode not in ("reflect", "replicate", "circular"):
        raise ArgumentError(f"pad: mode must be 'constant', 'reflect', 'replicate' or 'circular', got {mode!r}")
    if value:
        raise ArgumentError(f"pad: mode {mode!r} takes no value, got {value}")
    pairs = _pairs("pad", pad, input)
    ndim = len(input.shape)
    if not 1 <= len(pairs) <= 3 or ndim - len(pairs) not in (1, 2):
        raise ArgumentError(
            f"pad: mode {mode!r} pads all dimensions but the first one or two, and at most three; "
            f"got pad {tuple(pad)} for shape {input.shape}"
        )
    out = input
    for dim, (before, after) in enumerate(pairs, ndim - len(pairs)):
        size = input.shape[dim]
        most = {"reflect": size - 1, "circular": size}.get(mode, math.inf)
        if max(before, after) > most or size == 0 or size + before + after == 0:
            raise ArgumentError(
                f"pad: mode {mode!r} cannot pad dimension {dim} of shape {input.shape} by {before} and {after}"
            )
        if before or after:
            out = resample(out, dim, _places(mode, size, before, after))
    return clone(input) if out is input else out
