"""Dropout."""

from __future__ import annotations

from lucid.nn import functional as F  # noqa: N812
from lucid.nn.module import Module
from lucid.tensor import Tensor


class _Dropout(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"{type(self).__name__}: p must be from 0 to 1, got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        """The options."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """In training, each element zero with probability p, the others divided by 1 − p (Srivastava et al. 2014).

    Args:
        p: from 0 to 1.
        inplace: write the result over the input.

    Raises:
        ValueError: for p outside [0, 1].
    """

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """In training, whole channels of [batch, channels, length] zero with probability p, the others divided by 1 − p.

    Args:
        p: from 0 to 1.
        inplace: write the result over the input.

    Raises:
        ValueError: for p outside [0, 1].
    """

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """In training, whole channels of [batch, channels, height, width] zero with probability p, the others grown.

    Args:
        p: from 0 to 1.
        inplace: write the result over the input.

    Raises:
        ValueError: for p outside [0, 1].
    """

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """Dropout that keeps mean and variance, for SELU; see :func:`lucid.nn.functional.alpha_dropout`.

    Args:
        p: from 0 to 1.
        inplace: write the result over the input.

    Raises:
        ValueError: for p outside [0, 1].
    """

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.alpha_dropout(input, self.p, self.training, self.inplace)
