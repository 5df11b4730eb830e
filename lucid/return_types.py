"""What operations with several results give: tuples whose parts have names.

Example:
    >>> import lucid
    >>> largest = lucid.tensor([[1.0, 3.0], [2.0, 0.0]]).max(1)
    >>> largest.values.tolist(), largest.indices.tolist()
    ([3.0, 2.0], [1, 0])
    >>> largest
    lucid.return_types.max(
    values=tensor([3., 2.]),
    indices=tensor([1, 0]))
"""

from __future__ import annotations

from typing import Any, NamedTuple

from lucid.types import Tensor


def _text(parts: Any) -> str:
    named = ",\n".join(f"{name}={part!r}" for name, part in zip(parts._fields, parts, strict=True))
    return f"lucid.return_types.{type(parts).__name__}(\n{named})"


class _ValuesAndIndices(NamedTuple):
    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return _text(self)


class max(_ValuesAndIndices):  # noqa: A001
    """The largest numbers along a dimension, and where they stood."""


class min(_ValuesAndIndices):  # noqa: A001
    """The smallest numbers along a dimension, and where they stood."""


class median(_ValuesAndIndices):
    """The medians along a dimension, and where they stood."""


class nanmedian(_ValuesAndIndices):
    """The medians along a dimension of what is not NaN, and where they stood."""


class cummax(_ValuesAndIndices):
    """The largest numbers so far along a dimension, and where they stood."""


class cummin(_ValuesAndIndices):
    """The smallest numbers so far along a dimension, and where they stood."""


class topk(_ValuesAndIndices):
    """The k largest or smallest numbers along a dimension, and where they stood."""


class kthvalue(_ValuesAndIndices):
    """The k-th smallest numbers along a dimension, and where they stood."""


class sort(_ValuesAndIndices):
    """The numbers in order along a dimension, and where they stood."""


class aminmax(NamedTuple):
    """The smallest and the largest numbers."""

    min: Tensor
    max: Tensor

    def __repr__(self) -> str:
        return _text(self)
