"""Distances and angles as modules."""

from __future__ import annotations

from lucid.nn import functional as F  # noqa: N812
from lucid.nn.module import Module
from lucid.tensor import Tensor


class PairwiseDistance(Module):
    """‖x1 − x2 + eps‖ₚ along the last dimension; see :func:`lucid.nn.functional.pairwise_distance`.

    Args:
        p: the exponent of the norm.
        eps: added to every difference.
        keepdim: whether the last dimension stays, with size 1.
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """[..., width] twice → [...]."""
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class CosineSimilarity(Module):
    """The cosine of the angle along a dimension; see :func:`lucid.nn.functional.cosine_similarity`.

    Args:
        dim: the dimension of the vectors.
        eps: the least length that is divided by.
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Two tensors → their shape without ``dim``."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)
