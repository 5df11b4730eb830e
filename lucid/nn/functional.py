"""Layers and losses as functions."""

from __future__ import annotations

from typing import Any

import lucid.ops.loss as losses
from lucid.autograd.graph import Value, describe
from lucid.ops.activation import gelu, relu, silu
from lucid.ops.arithmetic import add, mul, sub
from lucid.ops.attention import scaled_dot_product_attention
from lucid.ops.conv import conv2d, max_pool2d
from lucid.ops.create import ones_like
from lucid.ops.elementwise import Tensor
from lucid.ops.functions import sigmoid, tanh
from lucid.ops.index import gather_rows
from lucid.ops.inplace import copy_
from lucid.ops.loss import cross_entropy
from lucid.ops.matmul import linear
from lucid.ops.random import dropout as _dropout
from lucid.ops.reduce import log_softmax, softmax

__all__ = [
    "binary_cross_entropy_with_logits",
    "conv2d",
    "cross_entropy",
    "dropout",
    "embedding",
    "gelu",
    "linear",
    "log_softmax",
    "max_pool2d",
    "mse_loss",
    "relu",
    "scaled_dot_product_attention",
    "sigmoid",
    "silu",
    "softmax",
    "tanh",
]


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each element zero with probability p, else divided by 1 − p; the input itself when not training.

    Args:
        input: [any shape].
        p: probability, from 0 to 1.
        training: whether to drop at all.
        inplace: write the result over the input.

    Raises:
        ValueError: for p outside [0, 1].

    Source: Srivastava et al., "Dropout", JMLR 15 (2014).

    Example:
        >>> import lucid
        >>> _ = lucid.manual_seed(0)
        >>> sorted(set(lucid.nn.functional.dropout(lucid.ones(100), 0.5).tolist()))
        [0.0, 2.0]
    """
    out = _dropout(input, p, training)
    return copy_(input, out) if inplace and out is not input else out


def embedding(input: Tensor, weight: Tensor) -> Tensor:
    """Rows of a table by number: input [...] of integers, weight [rows, width] → [..., width].

    Raises:
        IndexError: for a row that is not there.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.embedding(lucid.tensor([1, 0]), lucid.eye(2)).tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    if len(weight.shape) != 2:
        raise ValueError(f"embedding: weight must be [rows, width], got shape {weight.shape}")
    return gather_rows(weight, input)


def _same_shape(operation: str, input: Any, target: Any) -> None:
    if not isinstance(input, Value) or not isinstance(target, Value):
        raise TypeError(f"{operation}: expected two tensors, got {describe(input)} and {describe(target)}")
    if input.shape != target.shape:
        raise ValueError(f"{operation}: input has shape {input.shape} but target has shape {target.shape}")


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """(input − target)², reduced.

    Args:
        input: [any shape].
        target: of the same shape.
        reduction: "none", "mean" or "sum".

    Raises:
        ValueError: for different shapes (nothing is broadcast) or another reduction.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.mse_loss(lucid.tensor([1.0, 3.0]), lucid.zeros(2)).item()
        5.0
    """
    _same_shape("mse_loss", input, target)
    difference = sub(input, target)
    return losses.reduced("mse_loss", mul(difference, difference), reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """−[p·y·log σ(x) + (1 − y)·log(1 − σ(x))], computed without overflow, reduced.

    Args:
        input: logits x, [any shape].
        target: y, from 0 to 1, of the same shape.
        weight: factors of the losses, broadcast to the shape.
        reduction: "none", "mean" or "sum".
        pos_weight: p, the weight of positive targets, broadcast to the shape; 1 when None.

    Raises:
        ValueError: for different shapes or another reduction.

    Example:
        >>> import lucid
        >>> loss = lucid.nn.functional.binary_cross_entropy_with_logits(lucid.zeros(2), lucid.tensor([0.0, 1.0]))
        >>> round(loss.item(), 4)
        0.6931
    """
    operation = "binary_cross_entropy_with_logits"
    _same_shape(operation, input, target)
    target = target if target.dtype is input.dtype else target.to(input.dtype)
    loss = losses.bce_with_logits(input, target)
    if pos_weight is not None:  # the part of positives, −y·log σ(x), counts p times
        positives = mul(target, losses.bce_with_logits(input, ones_like(input)))
        loss = add(loss, mul(positives, sub(pos_weight, 1)))
    if weight is not None:
        loss = mul(loss, weight)
    return losses.reduced(operation, loss, reduction)
