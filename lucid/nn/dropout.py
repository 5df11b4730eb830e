"""Dropout."""

from __future__ import annotations

from lucid.nn import functional as F  # noqa: N812
from lucid.nn.module import Module
from lucid.tensor import Tensor


class Dropout(Module):
    """In training, each element zero with probability p, the others divided by 1 − p (Srivastava et al. 2014).

    Args:
        p: from 0 to 1.
        inplace: write the result over the input.

    Raises:
        ValueError: for p outside [0, 1].
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"Dropout: p must be from 0 to 1, got {p}")
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """The options."""
        return f"p={self.p}, inplace={self.inplace}"
