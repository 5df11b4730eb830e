"""Losses that push two things apart by a margin."""

from __future__ import annotations

from typing import Any

from lucid.autograd.graph import Value
from lucid.errors import ArgumentError, KindError
from lucid.ops.arithmetic import add, div, eq, lt, minimum, mul, neg, sub, where
from lucid.ops.broadcast import sum
from lucid.ops.elementwise import common_shape
from lucid.ops.functions import sqrt
from lucid.ops.loss import old_reduction, reduced
from lucid.ops.similarity import pairwise_distance
from lucid.types import Tensor


def _check(operation: str, *tensors: Any) -> None:
    for x in tensors:
        if not isinstance(x, Value):
            raise KindError(f"{operation}: expected a tensor, got {type(x).__name__}")


def _hinge(x: Tensor) -> Tensor:
    """max(x, 0), with derivative 1 at 0."""
    return where(lt(x, 0), 0.0, x)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, −target · (input1 − input2) + margin), reduced.

    Args:
        input1: scores, [any shape].
        input2: scores of the others, of as many dimensions.
        target: 1 where input1 should be the higher, −1 where input2 should.
        margin: by how much.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".

    Raises:
        ValueError: for different numbers of dimensions, shapes that do not broadcast, or another reduction.

    Example:
        >>> import lucid
        >>> one, other = lucid.tensor([1.0, 1.0]), lucid.tensor([0.0, 3.0])
        >>> lucid.nn.functional.margin_ranking_loss(one, other, lucid.ones(2), reduction="none").tolist()
        [0.0, 2.0]
    """
    reduction = old_reduction("margin_ranking_loss", size_average, reduce, reduction)
    _check("margin_ranking_loss", input1, input2, target)
    if not len(input1.shape) == len(input2.shape) == len(target.shape):
        raise ArgumentError(
            "margin_ranking_loss: inputs and target must have as many dimensions, "
            f"got {input1.shape}, {input2.shape} and {target.shape}"
        )
    loss = _hinge(add(mul(neg(target), sub(input1, input2)), margin))
    return reduced("margin_ranking_loss", loss, reduction)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 − cos for target 1, max(0, cos − margin) for target −1, cos of the angle between the vectors, reduced.

    Args:
        input1: [batch, width] or [width].
        input2: the same.
        target: [batch] or [], 1 or −1.
        margin: from −1 to 1; what the cosine may be for target −1.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".

    Raises:
        ValueError: for other shapes or another reduction.

    Example:
        >>> import lucid
        >>> x = lucid.tensor([[1.0, 0.0]])
        >>> lucid.nn.functional.cosine_embedding_loss(x, x, lucid.tensor([-1]), margin=0.5).item()
        0.5
    """
    reduction = old_reduction("cosine_embedding_loss", size_average, reduce, reduction)
    _check("cosine_embedding_loss", input1, input2, target)
    if len(target.shape) > 1 or not len(input1.shape) == len(input2.shape) == len(target.shape) + 1:
        raise ArgumentError(
            "cosine_embedding_loss: expected inputs [batch, width] and a target [batch], or [width] and [], "
            f"got {input1.shape}, {input2.shape} and {target.shape}"
        )
    common_shape("cosine_embedding_loss", input1, input2)
    eps, dim = 1e-12, len(target.shape)
    squares = mul(add(sum(mul(input1, input1), dim), eps), add(sum(mul(input2, input2), dim), eps))
    cos = div(sum(mul(input1, input2), dim), sqrt(squares))
    loss = add(where(eq(target, 1), sub(1, cos), 0.0), where(eq(target, -1), _hinge(sub(cos, margin)), 0.0))
    return reduced("cosine_embedding_loss", loss, reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, ‖anchor − positive‖ − ‖anchor − negative‖ + margin), reduced.

    Args:
        anchor: [batch, width] or [width].
        positive: of as many dimensions: what should be near.
        negative: of as many dimensions: what should be far.
        margin: by how much farther; positive.
        p: the exponent of the norm.
        eps: added to every difference.
        swap: count the distance of positive and negative, where it is smaller than anchor's (Balntas et al. 2016).
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".

    Raises:
        ValueError: for a margin that is not positive, shapes that do not fit, or another reduction.

    Example:
        >>> import lucid
        >>> a, b = lucid.zeros(1, 2), lucid.tensor([[3.0, 4.0]])
        >>> lucid.nn.functional.triplet_margin_loss(a, b, a, eps=0.0).item()
        6.0
    """
    reduction = old_reduction("triplet_margin_loss", size_average, reduce, reduction)
    _check("triplet_margin_loss", anchor, positive, negative)
    if not margin > 0:
        raise ArgumentError(f"triplet_margin_loss: margin must be positive, got {margin}")
    if not len(anchor.shape) == len(positive.shape) == len(negative.shape):
        raise ArgumentError(
            "triplet_margin_loss: anchor, positive and negative must have as many dimensions, "
            f"got {anchor.shape}, {positive.shape} and {negative.shape}"
        )
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = minimum(far, pairwise_distance(positive, negative, p, eps))
    loss = _hinge(add(sub(pairwise_distance(anchor, positive, p, eps), far), margin))
    return reduced("triplet_margin_loss", loss, reduction)
