"""Losses as modules."""

from __future__ import annotations

from typing import Any

from lucid.nn import functional as F  # noqa: N812
from lucid.nn.module import Module
from lucid.ops.loss import old_reduction
from lucid.tensor import Tensor


class CrossEntropyLoss(Module):
    """−log softmax(input) at the target class; see :func:`lucid.nn.functional.cross_entropy`.

    Args:
        weight: [classes], how much each class counts.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        ignore_index: targets with this number count nothing.
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".
        label_smoothing: from 0 to 1.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = old_reduction("CrossEntropyLoss", size_average, reduce, reduction)
        self.label_smoothing = label_smoothing

    weight: Any

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Logits [batch, classes, ...] and class numbers [batch, ...] (or probabilities) → the loss."""
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class MSELoss(Module):
    """(input − target)², reduced; see :func:`lucid.nn.functional.mse_loss`.

    Args:
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self.reduction = old_reduction("MSELoss", size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Two tensors of one shape → the loss."""
        return F.mse_loss(input, target, reduction=self.reduction)


class BCEWithLogitsLoss(Module):
    """Binary cross entropy of σ(input); see :func:`lucid.nn.functional.binary_cross_entropy_with_logits`.

    Args:
        weight: factors of the losses.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".
        pos_weight: the weight of positive targets.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)
        self.reduction = old_reduction("BCEWithLogitsLoss", size_average, reduce, reduction)

    weight: Any
    pos_weight: Any

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Logits and targets of one shape → the loss."""
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class NLLLoss(Module):
    """−input at the target class; see :func:`lucid.nn.functional.nll_loss`.

    Args:
        weight: [classes], how much each class counts.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        ignore_index: targets with this number count nothing.
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".
    """

    weight: Any

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = old_reduction("NLLLoss", size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Log-probabilities [batch, classes, ...] and class numbers [batch, ...] → the loss."""
        return F.nll_loss(input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class L1Loss(Module):
    """|input − target|, reduced; see :func:`lucid.nn.functional.l1_loss`.

    Args:
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self.reduction = old_reduction("L1Loss", size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Two tensors of one shape → the loss."""
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(Module):
    """½ d² / beta for |d| < beta, beyond |d| − ½ beta, reduced; see :func:`lucid.nn.functional.smooth_l1_loss`.

    Args:
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".
        beta: where the parabola becomes a line.
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        super().__init__()
        self.reduction = old_reduction("SmoothL1Loss", size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Two tensors of one shape → the loss."""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(Module):
    """½ d² for |d| ≤ delta, beyond delta (|d| − ½ delta), reduced; see :func:`lucid.nn.functional.huber_loss`.

    Args:
        reduction: "none", "mean" or "sum".
        delta: where the parabola becomes a line.
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__()
        self.reduction = reduction
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Two tensors of one shape → the loss."""
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class BCELoss(Module):
    """Binary cross entropy of probabilities; see :func:`lucid.nn.functional.binary_cross_entropy`.

    Args:
        weight: factors of the losses.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".
    """

    weight: Any

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.reduction = old_reduction("BCELoss", size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Probabilities and targets of one shape → the loss."""
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class KLDivLoss(Module):
    """The divergence of Kullback and Leibler; see :func:`lucid.nn.functional.kl_div`.

    Args:
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean", "batchmean" or "sum".
        log_target: whether targets are logarithms.
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__()
        self.reduction = old_reduction("KLDivLoss", size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Log-probabilities and probabilities of one shape → the loss."""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(Module):
    """−log of the Poisson probability of a count; see :func:`lucid.nn.functional.poisson_nll_loss`.

    Args:
        log_input: whether inputs are logarithms of rates.
        full: whether log target! counts.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        eps: added to the rate inside the logarithm.
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-8,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self.log_input = log_input
        self.full = full
        self.eps = eps
        self.reduction = old_reduction("PoissonNLLLoss", size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Rates and counts of one shape → the loss."""
        return F.poisson_nll_loss(
            input, target, log_input=self.log_input, full=self.full, eps=self.eps, reduction=self.reduction
        )


class GaussianNLLLoss(Module):
    """−log of the normal density; see :func:`lucid.nn.functional.gaussian_nll_loss`.

    Args:
        full: whether the constant ½ log 2π counts.
        eps: the least variance.
        reduction: "none", "mean" or "sum".
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__()
        self.full = full
        self.eps = eps
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        """Means, targets and variances → the loss."""
        return F.gaussian_nll_loss(input, target, var, full=self.full, eps=self.eps, reduction=self.reduction)


class SoftMarginLoss(Module):
    """log(1 + e^(−target · input)), reduced; see :func:`lucid.nn.functional.soft_margin_loss`.

    Args:
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self.reduction = old_reduction("SoftMarginLoss", size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Scores and targets (1 or −1) of one shape → the loss."""
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MarginRankingLoss(Module):
    """max(0, −target · (input1 − input2) + margin), reduced; see :func:`lucid.nn.functional.margin_ranking_loss`.

    Args:
        margin: by how much the scores should differ.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".
    """

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self.margin = margin
        self.reduction = old_reduction("MarginRankingLoss", size_average, reduce, reduction)

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """Two tensors of scores and the targets (1 or −1) → the loss."""
        return F.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(Module):
    """1 − cos for target 1, max(0, cos − margin) for target −1, reduced.

    See :func:`lucid.nn.functional.cosine_embedding_loss`.

    Args:
        margin: what the cosine may be for target −1.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".
    """

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self.margin = margin
        self.reduction = old_reduction("CosineEmbeddingLoss", size_average, reduce, reduction)

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """Two tensors [batch, width] and the targets [batch] → the loss."""
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class TripletMarginLoss(Module):
    """max(0, ‖anchor − positive‖ − ‖anchor − negative‖ + margin), reduced.

    See :func:`lucid.nn.functional.triplet_margin_loss`.

    Args:
        margin: by how much farther; positive.
        p: the exponent of the norm.
        eps: added to every difference.
        swap: count the distance of positive and negative where it is smaller.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        if not margin > 0:
            raise ValueError(f"TripletMarginLoss: margin must be positive, got {margin}")
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap
        self.reduction = old_reduction("TripletMarginLoss", size_average, reduce, reduction)

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Three tensors [batch, width] → the loss."""
        return F.triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
        )
