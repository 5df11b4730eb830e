"""Embedding."""

from __future__ import annotations

from typing import Any

from lucid.autograd.grad_mode import no_grad
from lucid.nn import functional as F  # noqa: N812
from lucid.nn import init
from lucid.nn.module import Module
from lucid.ops import create
from lucid.ops.embedding import padding_row
from lucid.tensor import Parameter, Tensor


class Embedding(Module):
    """A table of vectors, looked up by number; see :func:`lucid.nn.functional.embedding`.

    Args:
        num_embeddings: rows of the table.
        embedding_dim: length of each.
        padding_idx: a row that starts as zeros and gets no gradient; a negative number counts from the end.
        max_norm: rows looked up whose norm is larger are first scaled down to it, in the table itself.
        norm_type: the p of that norm.
        scale_grad_by_freq: divide the gradient of a row by how often it is looked up.
        sparse: True is refused; gradients are dense here.
        _weight: the table to start with; a new one when None.
        _freeze: whether the table gets no gradient at all.
        device: ``"cpu"``.
        dtype: of the table; float32.

    Attributes:
        weight: [num_embeddings, embedding_dim], standard normal.

    Raises:
        ValueError: for a padding_idx out of range, or a table of another shape.
        NotImplementedError: for ``sparse``.

    Example:
        >>> import lucid
        >>> lucid.nn.Embedding(10, 3)(lucid.tensor([[1, 2, 4], [4, 3, 2]])).shape
        (2, 3, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if sparse:
            raise NotImplementedError("Embedding: sparse gradients do not exist here; leave sparse=False")
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = None if padding_idx is None else padding_row("Embedding", padding_idx, num_embeddings)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        if _weight is None:
            table = create.empty(num_embeddings, embedding_dim, dtype=dtype, device=device)
            self.weight = Parameter(table, requires_grad=not _freeze)
            self.reset_parameters()
        elif _weight.shape != (num_embeddings, embedding_dim):
            raise ValueError(f"Embedding: the table must be {(num_embeddings, embedding_dim)}, got {_weight.shape}")
        else:
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    def reset_parameters(self) -> None:
        """New standard normal numbers; zeros in the padding row."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].zero_()

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """An embedding with the given table.

        Args:
            embeddings: [rows, width]; the module works on this memory.
            freeze: whether the table gets no gradient.
            padding_idx: as for the class, but the row keeps its numbers.
            max_norm: as for the class.
            norm_type: as for the class.
            scale_grad_by_freq: as for the class.
            sparse: as for the class.

        Raises:
            ValueError: for a table that is not a matrix.

        Example:
            >>> import lucid
            >>> lucid.nn.Embedding.from_pretrained(lucid.eye(2))(lucid.tensor([1])).tolist()
            [[0.0, 1.0]]
        """
        if len(embeddings.shape) != 2:
            raise ValueError(f"from_pretrained: the table must be [rows, width], got shape {embeddings.shape}")
        return cls(
            *embeddings.shape, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, embeddings, freeze
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        """[...] of integers → [..., embedding_dim]."""
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self) -> str:
        """The sizes, and what is not as usual."""
        usual = {"padding_idx": None, "max_norm": None, "norm_type": 2.0, "scale_grad_by_freq": False}
        said = [f"{name}={getattr(self, name)}" for name, value in usual.items() if getattr(self, name) != value]
        return ", ".join([f"{self.num_embeddings}, {self.embedding_dim}", *said])
