"""Batches from samples: numbers, arrays and tensors are stacked, containers keep their form."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from lucid.autograd.graph import Value
from lucid.ops import create
from lucid.ops.joining import stack


def default_collate(batch: list[Any]) -> Any:
    """One batch from a list of samples of one kind.

    Tensors and NumPy arrays are stacked along a new first dimension; floats become a float64 tensor, ints and bools an
    int64 and a bool tensor; strings and bytes stay a list. A dict, list or named tuple of such things gives one of
    batches, a tuple a list of batches.

    Raises:
        TypeError: for samples of another kind.
        RuntimeError: for sequences of different lengths.

    Example:
        >>> from lucid.utils.data import default_collate
        >>> default_collate([{"x": [1.0, 2], "name": "a"}, {"x": [3.0, 4], "name": "b"}])
        {'x': [tensor([1., 3.], dtype=lucid.float64), tensor([2, 4])], 'name': ['a', 'b']}
    """
    first = batch[0]
    if isinstance(first, Value):
        return stack(batch)
    if isinstance(first, np.ndarray):
        if first.dtype.kind in "USOV":
            raise TypeError(f"default_collate: arrays of {first.dtype} cannot become a tensor")
        return stack([create.as_tensor(array) for array in batch])
    if isinstance(first, np.bool_ | np.number):
        return create.as_tensor(np.asarray(batch))
    if isinstance(first, float):
        return create.tensor(batch, dtype="float64")
    if isinstance(first, int):
        return create.tensor(batch)
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        return _like(first, {key: default_collate([sample[key] for sample in batch]) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(default_collate(list(part)) for part in zip(*batch, strict=True)))
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            lengths = sorted({len(sample) for sample in batch})
            raise RuntimeError(
                f"default_collate: the samples of a batch have the lengths {lengths}; give a collate_fn of your own, "
                "or samples of one length"
            )
        parts = [default_collate(list(part)) for part in zip(*batch, strict=True)]
        return parts if isinstance(first, tuple) else _like(first, parts)
    raise TypeError(
        f"default_collate: a batch can be made of tensors, NumPy arrays, numbers, strings, dicts and lists, not of "
        f"{type(first).__module__}.{type(first).__qualname__}; give a collate_fn of your own"
    )


def default_convert(data: Any) -> Any:
    """NumPy arrays in a sample as tensors, on the same memory; containers keep their form, all else stays.

    Example:
        >>> import numpy
        >>> from lucid.utils.data import default_convert
        >>> default_convert((numpy.zeros(2), "a"))
        [tensor([0., 0.], dtype=lucid.float64), 'a']
    """
    if isinstance(data, np.ndarray | np.number | np.bool_):
        return data if data.dtype.kind in "USOV" else create.as_tensor(data)
    if isinstance(data, Mapping):
        return _like(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*map(default_convert, data))
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        parts = list(map(default_convert, data))
        return parts if isinstance(data, tuple) else _like(data, parts)
    return data


def _like(container: Any, parts: Any) -> Any:
    """``parts`` in a container of the same class, with its other attributes; a plain one where that cannot be made."""
    kind: Callable[..., Any] = type(container)
    if kind in (dict, list):
        return parts
    try:
        if not isinstance(container, MutableMapping | MutableSequence):
            return kind(parts)
        made: Any = copy.copy(container)
        for key, part in parts.items() if isinstance(parts, dict) else enumerate(parts):
            made[key] = part
        return made
    except TypeError:  # it wants other arguments, or holds numbers only
        return parts
