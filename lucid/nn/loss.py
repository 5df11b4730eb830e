"""Losses as modules."""

from __future__ import annotations

from typing import Any

from lucid.nn import functional as F  # noqa: N812
from lucid.nn.module import Module
from lucid.tensor import Tensor


class CrossEntropyLoss(Module):
    """−log softmax(input) at the target class; see :func:`lucid.nn.functional.cross_entropy`.

    Args:
        weight: [classes], how much each class counts.
        ignore_index: targets with this number count nothing.
        reduction: "none", "mean" or "sum".
        label_smoothing: from 0 to 1.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.label_smoothing = label_smoothing

    weight: Any

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Logits [batch, classes, ...] and class numbers [batch, ...] (or probabilities) → the loss."""
        return F.cross_entropy(input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing)


class MSELoss(Module):
    """(input − target)², reduced; see :func:`lucid.nn.functional.mse_loss`.

    Args:
        reduction: "none", "mean" or "sum".
    """

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Two tensors of one shape → the loss."""
        return F.mse_loss(input, target, self.reduction)


class BCEWithLogitsLoss(Module):
    """Binary cross entropy of σ(input); see :func:`lucid.nn.functional.binary_cross_entropy_with_logits`.

    Args:
        weight: factors of the losses.
        reduction: "none", "mean" or "sum".
        pos_weight: the weight of positive targets.
    """

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean", pos_weight: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)
        self.reduction = reduction

    weight: Any
    pos_weight: Any

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Logits and targets of one shape → the loss."""
        return F.binary_cross_entropy_with_logits(input, target, self.weight, self.reduction, self.pos_weight)
