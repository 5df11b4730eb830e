"""Embedding."""

from __future__ import annotations

from typing import Any

from lucid.nn import functional as F  # noqa: N812
from lucid.nn import init
from lucid.nn.module import Module
from lucid.ops import create
from lucid.tensor import Parameter, Tensor


class Embedding(Module):
    """A table of vectors, looked up by number.

    Args:
        num_embeddings: rows of the table.
        embedding_dim: length of each.
        device: ``"cpu"``.
        dtype: of the table; float32.

    Attributes:
        weight: [num_embeddings, embedding_dim], standard normal.

    Example:
        >>> import lucid
        >>> lucid.nn.Embedding(10, 3)(lucid.tensor([[1, 2, 4], [4, 3, 2]])).shape
        (2, 3, 3)
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.weight = Parameter(create.empty(num_embeddings, embedding_dim, dtype=dtype, device=device))
        init.normal_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        """[...] of integers → [..., embedding_dim]."""
        return F.embedding(input, self.weight)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.num_embeddings}, {self.embedding_dim}"
