"""Sequences of different lengths: padded into one tensor, or packed step after step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, describe
from lucid.errors import PositionError
from lucid.ops.create import full
from lucid.ops.index import cat, index_select, narrow
from lucid.ops.view import reshape, transpose
from lucid.types import Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Packed(NamedTuple):
    data: Any
    batch_sizes: Any
    sorted_indices: Any
    unsorted_indices: Any


class PackedSequence(_Packed):
    """Sequences packed step after step: what recurrent layers take instead of a padded tensor.

    Made by :func:`pack_padded_sequence` and :func:`pack_sequence`; the fields are a named tuple's.

    Attributes:
        data: [sum of lengths, ...]: the first elements of all sequences, then the second, and so on.
        batch_sizes: int64 [longest length], how many sequences have each step.
        sorted_indices: the order from longest to shortest in which the sequences lie, or None: as they were given.
        unsorted_indices: the order back.
    """

    __slots__ = ()

    def __new__(
        cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None, unsorted_indices: Any = None
    ) -> PackedSequence:
        """Fills in ``unsorted_indices`` from ``sorted_indices``."""
        if batch_sizes is None:
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same with ``data`` converted; see :meth:`lucid.Tensor.to`."""
        return self._replace(data=self.data.to(*args, **kwargs))

    def double(self) -> PackedSequence:
        """The same in float64."""
        return self.to(engine.float64)

    def float(self) -> PackedSequence:
        """The same in float32."""
        return self.to(engine.float32)

    def cpu(self) -> PackedSequence:
        """Itself."""
        return self

    def sizes(self, operation: str) -> np.ndarray:
        """``batch_sizes``, if they can be those of the data.

        Raises:
            TypeError: for what is not a tensor.
            ValueError: unless they are a vector of positive integers that do not grow and add up to the data's rows.
        """
        data, given = self.data, self.batch_sizes
        if not isinstance(data, Value) or not isinstance(given, Value):
            raise TypeError(
                f"{operation}: data and batch_sizes must be tensors, got {describe(data)}, {describe(given)}"
            )
        sizes = given.array
        if len(given.shape) != 1 or not sizes.size or sizes.dtype.kind != "i" or not data.shape:
            raise ValueError(f"{operation}: batch_sizes must be a vector of integers, got {describe(given)}")
        if sizes.min() < 1 or (sizes[1:] > sizes[:-1]).any() or sum(sizes.tolist()) != data.shape[0]:
            raise ValueError(
                f"{operation}: batch_sizes {sizes[:8].tolist()} must be positive, must not grow, and must sum to the "
                f"{data.shape[0]} rows of data"
            )
        return sizes

    def order(self, operation: str, name: str) -> np.ndarray | None:
        """``sorted_indices`` or ``unsorted_indices``, if they are an order of the sequences; or None.

        Raises:
            ValueError: unless each sequence is in it once.
        """
        given, count = getattr(self, name), int(self.batch_sizes.array[0])
        if given is None:
            return None
        whole = isinstance(given, Value) and sorted(given.array.reshape(-1).tolist()) == list(range(count))
        if not whole or given.shape != (count,):
            raise ValueError(f"{operation}: {name} must hold the numbers from 0 to {count - 1}, got {describe(given)}")
        return np.asarray(given.array)

    @property
    def is_cuda(self) -> bool:
        """False."""
        return False


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The order that undoes ``permutation``; None of None."""
    return None if permutation is None else engine.wrap(np.argsort(permutation.array, kind="stable"))


def _lengths(operation: str, lengths: Any) -> np.ndarray:
    array = np.asarray(lengths.array if isinstance(lengths, Value) else lengths)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ValueError(f"{operation}: lengths must be a list or a 1-d tensor of integers, got shape {array.shape}")
    return array.astype(np.int64)


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Packs a padded batch of sequences.

    Args:
        input: [longest, batch, ...], or [batch, longest, ...] with ``batch_first``.
        lengths: the length of each sequence, at least 1.
        batch_first: whether the batch is the first dimension.
        enforce_sorted: the sequences must come from longest to shortest; without it they are put in that order, which
            the result remembers.

    Raises:
        RuntimeError: for lengths that are not sorted, not positive, too large or not one per sequence.

    Example:
        >>> import lucid
        >>> x = lucid.tensor([[1.0, 2.0, 3.0], [4.0, 0.0, 0.0]])
        >>> packed = lucid.nn.utils.rnn.pack_padded_sequence(x, [3, 1], batch_first=True)
        >>> packed.data.tolist(), packed.batch_sizes.tolist()
        ([1.0, 4.0, 2.0, 3.0], [2, 1, 1])
    """
    operation = "pack_padded_sequence"
    length = _lengths(operation, lengths)
    if len(input.shape) < 2 or not input.array.size:
        raise RuntimeError(f"{operation}: cannot pack a tensor of shape {input.shape}")
    if batch_first:
        input = transpose(input, 0, 1)
    steps, batch = input.shape[:2]
    if length.size != batch:
        raise RuntimeError(f"{operation}: {length.size} lengths for {batch} sequences (input of shape {input.shape})")
    if length.min() < 1 or length.max() > steps:
        raise PositionError(f"{operation}: lengths must be from 1 to {steps}, got {length.tolist()}")
    order = None
    if enforce_sorted:
        if (np.diff(length) > 0).any():
            raise RuntimeError(
                f"{operation}: lengths {length.tolist()} must be sorted in decreasing order when enforce_sorted is "
                "True; pass enforce_sorted=False to have them sorted"
            )
    else:
        order = np.argsort(-length, kind="stable")
        length = length[order]
    batch_sizes = (length[None, :] > np.arange(length[0])[:, None]).sum(1)
    columns = np.arange(batch) if order is None else order
    places = np.concatenate([t * batch + columns[:size] for t, size in enumerate(batch_sizes)])
    rows = reshape(input, (steps * batch, *input.shape[2:]))
    return PackedSequence(
        index_select(rows, 0, engine.wrap(places)),
        engine.wrap(batch_sizes.astype(np.int64)),
        None if order is None else engine.wrap(order),
    )


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """The padded batch and the lengths: undoes :func:`pack_padded_sequence`, in the order given to it.

    Args:
        sequence: packed.
        batch_first: give [batch, longest, ...] instead of [longest, batch, ...].
        padding_value: what is put behind the shorter ones.
        total_length: pad to this length, at least the longest.

    Raises:
        ValueError: when a sequence is longer than ``total_length``.

    Example:
        >>> import lucid
        >>> from lucid.nn.utils.rnn import pack_sequence, pad_packed_sequence
        >>> padded, lengths = pad_packed_sequence(pack_sequence([lucid.ones(2), lucid.ones(1)]), batch_first=True)
        >>> padded.tolist(), lengths.tolist()
        ([[1.0, 1.0], [1.0, 0.0]], [2, 1])
    """
    if not isinstance(sequence, PackedSequence):
        raise TypeError(f"pad_packed_sequence: expected a PackedSequence, got {type(sequence).__name__}")
    sizes = sequence.sizes("pad_packed_sequence")
    steps, batch = len(sizes), int(sizes[0])
    if total_length is not None and total_length < steps:
        raise ValueError(
            f"pad_packed_sequence: total_length must be at least the length of the longest sequence, "
            f"got {total_length} < {steps}"
        )
    data = sequence.data
    starts = np.cumsum(sizes) - sizes
    order = sequence.order("pad_packed_sequence", "unsorted_indices")
    columns = np.arange(batch) if order is None else order
    place = starts[:, None] + columns[None, :]
    place[columns[None, :] >= sizes[:, None]] = data.shape[0]  # the row of padding behind the data
    if total_length is not None:
        place = np.concatenate([place, np.full((total_length - steps, batch), data.shape[0])])
    rows = cat([data, full((1, *data.shape[1:]), padding_value, dtype=data.dtype)])
    out = reshape(index_select(rows, 0, engine.wrap(place.reshape(-1))), (*place.shape, *data.shape[1:]))
    lengths = (sizes[:, None] > np.arange(batch)[None, :]).sum(0)[columns].astype(np.int64)
    return transpose(out, 0, 1) if batch_first else out, engine.wrap(lengths)


def pad_sequence(
    sequences: Iterable[Tensor], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Sequences of different lengths in one tensor, the shorter ones padded.

    Args:
        sequences: tensors [length, ...].
        batch_first: give [batch, longest, ...] instead of [longest, batch, ...].
        padding_value: what is put beside the shorter ones.
        padding_side: "right" (behind them) or "left" (before them).

    Raises:
        ValueError: for another side.
        RuntimeError: for no sequences.

    Example:
        >>> import lucid
        >>> lucid.nn.utils.rnn.pad_sequence([lucid.ones(2), lucid.ones(1)], batch_first=True).tolist()
        [[1.0, 1.0], [1.0, 0.0]]
    """
    if padding_side not in ("left", "right"):
        raise ValueError(f"pad_sequence: padding_side must be 'left' or 'right', got {padding_side!r}")
    parts = list(sequences)
    if not parts:
        raise RuntimeError("pad_sequence: received an empty list of sequences")
    longest = max(x.shape[0] for x in parts)
    rows = []
    for x in parts:
        padding = full((longest - x.shape[0], *x.shape[1:]), padding_value, dtype=x.dtype)
        both = [x, padding] if padding_side == "right" else [padding, x]
        rows.append(reshape(cat(both), (1, longest, *x.shape[1:])))
    out = cat(rows)
    return out if batch_first else transpose(out, 0, 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """The sequences without their padding: undoes :func:`pad_sequence`.

    Args:
        padded_sequences: [longest, batch, ...], or [batch, longest, ...] with ``batch_first``.
        lengths: the length of each.
        batch_first: whether the batch is the first dimension.
    """
    rows = padded_sequences if batch_first else transpose(padded_sequences, 0, 1)
    count = _lengths("unpad_sequence", lengths)
    return [narrow(rows[i], 0, 0, int(count[i])) for i in range(len(count))]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Packs sequences of different lengths; arguments as :func:`pack_padded_sequence`.

    Example:
        >>> import lucid
        >>> lucid.nn.utils.rnn.pack_sequence([lucid.tensor([1.0, 2.0]), lucid.tensor([3.0])]).data.tolist()
        [1.0, 3.0, 2.0]
    """
    lengths = [x.shape[0] for x in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed batch: undoes :func:`pack_sequence`."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), batch_first=True)
