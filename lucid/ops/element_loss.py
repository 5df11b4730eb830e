"""Losses of one number against one target each."""

from __future__ import annotations

import math
import warnings
from typing import Any

from lucid import engine
from lucid.autograd.grad_mode import no_grad
from lucid.autograd.graph import Value, describe, record
from lucid.errors import ArgumentError, KindError
from lucid.ops.activation_family import huber_of, softplus
from lucid.ops.arithmetic import abs, add, div, eq, gt, lt, maximum, mul, neg, sub, where
from lucid.ops.broadcast import broadcast_tensors, sum
from lucid.ops.create import ones_like
from lucid.ops.elementwise import is_number
from lucid.ops.functions import exp, log, log1p, square
from lucid.ops.loss import bce_with_logits, old_reduction, reduced
from lucid.ops.reduce import any
from lucid.ops.similarity import floor_value
from lucid.ops.view import to_dtype, unsqueeze
from lucid.types import Tensor


def _check(operation: str, *tensors: Any) -> None:
    for x in tensors:
        if not isinstance(x, Value):
            raise KindError(f"{operation}: expected two tensors, got {' and '.join(map(describe, tensors))}")


def _same_shape(operation: str, input: Any, target: Any) -> None:
    _check(operation, input, target)
    if input.shape != target.shape:
        raise ArgumentError(f"{operation}: input has shape {input.shape} but target has shape {target.shape}")


def _difference(operation: str, input: Any, target: Any) -> Tensor:
    """input − target. Two shapes are broadcast, which is seldom what was meant: a warning says so."""
    _check(operation, input, target)
    if input.shape != target.shape:
        warnings.warn(
            f"{operation}: input has shape {input.shape} but target has shape {target.shape}; they are broadcast, "
            "which is likely to give a wrong loss. Give both the same shape",
            stacklevel=3,
        )
    return sub(input, target)


def _weighted(operation: str, loss: Tensor, weight: Tensor | None, input: Tensor) -> Tensor:
    if weight is None:
        return loss
    _check(operation, weight)
    if weight.shape != input.shape:
        raise ArgumentError(f"{operation}: weight has shape {weight.shape} but input has shape {input.shape}")
    return mul(loss, weight)


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(input − target)², reduced.

    Args:
        input: [any shape].
        target: of the same shape; another that broadcasts gives a warning.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".
        weight: factors of the losses, of the same shape; the mean is over their sum.

    Raises:
        ValueError: for shapes that do not broadcast, or another reduction.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.mse_loss(lucid.tensor([1.0, 3.0]), lucid.zeros(2)).item()
        5.0
    """
    reduction = old_reduction("mse_loss", size_average, reduce, reduction)
    difference = _difference("mse_loss", input, target)
    if weight is None and reduction in ("mean", "sum") and difference.dtype in _sum_squares:
        return _squares_summed(
            "mse_loss", difference, (difference.array.size or math.nan) if reduction == "mean" else 1
        )
    return _reduced_by_weight("mse_loss", mul(difference, difference), weight, input, reduction)


_sum_squares = engine.kernels("sum_squares")


def _squares_summed(name: str, x: Tensor, share: float) -> Tensor:
    """Σ x² / share, without a tensor of the squares."""
    dense, total = engine.contiguous(x), engine.empty((), x.dtype)
    _sum_squares[x.dtype](1, dense.array.size, 1, dense.pointer, total.pointer)
    with no_grad():
        out = total if share == 1 else div(total, share)
    return record(name, out, (x,), (lambda grad, x: mul(x, mul(grad, 2 / share)),), (x,))


def _reduced_by_weight(operation: str, loss: Tensor, weight: Any, input: Tensor, reduction: str) -> Tensor:
    loss = _weighted(operation, loss, weight, input)
    if weight is not None and reduction == "mean":
        return div(sum(loss), sum(weight))
    return reduced(operation, loss, reduction)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|input − target|, reduced.

    Args:
        input: [any shape].
        target: of the same shape; another that broadcasts gives a warning.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".
        weight: factors of the losses, of the same shape; the mean is over their sum.

    Raises:
        ValueError: for shapes that do not broadcast, or another reduction.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.l1_loss(lucid.tensor([1.0, -3.0]), lucid.zeros(2)).item()
        2.0
    """
    reduction = old_reduction("l1_loss", size_average, reduce, reduction)
    loss = abs(_difference("l1_loss", input, target))
    return _reduced_by_weight("l1_loss", loss, weight, input, reduction)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """½ d² for |d| ≤ delta, beyond delta (|d| − ½ delta), d = input − target (Huber 1964), reduced.

    Args:
        input: [any shape].
        target: of the same shape; another that broadcasts gives a warning.
        reduction: "none", "mean" or "sum".
        delta: where the parabola becomes a line; positive.
        weight: factors of the losses, of the same shape.

    Returns:
        The loss in the number type of the input.

    Raises:
        ValueError: for a delta that is not positive, shapes that do not broadcast, or another reduction.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.huber_loss(lucid.tensor([1.0, 3.0]), lucid.zeros(2), reduction="none").tolist()
        [0.5, 2.5]
    """
    if not delta > 0:
        raise ArgumentError(f"huber_loss: delta must be positive, got {delta}")
    difference = to_dtype(_difference("huber_loss", input, target), input.dtype)
    loss = huber_of(difference, delta, 1.0)
    return reduced("huber_loss", _weighted("huber_loss", loss, weight, input), reduction)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """½ d² / beta for |d| < beta, beyond |d| − ½ beta, d = input − target (Girshick 2015), reduced.

    Args:
        input: [any shape].
        target: of the same shape; another that broadcasts gives a warning.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".
        beta: where the parabola becomes a line; with 0 it is the L1 loss.

    Raises:
        ValueError: for a negative beta, shapes that do not broadcast, or another reduction.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.smooth_l1_loss(lucid.tensor([1.0, 3.0]), lucid.zeros(2), beta=2.0).item()
        1.125
    """
    reduction = old_reduction("smooth_l1_loss", size_average, reduce, reduction)
    if beta < 0:
        raise ArgumentError(f"smooth_l1_loss: beta must not be negative, got {beta}")
    difference = _difference("smooth_l1_loss", input, target)
    loss = huber_of(difference, beta, 1 / beta) if beta else abs(difference)
    return reduced("smooth_l1_loss", loss, reduction)


_bce, _bce_backward = engine.kernels("bce"), engine.kernels("bce_backward")


def _bce_of(x: Tensor, y: Tensor) -> Tensor:
    dense, target = engine.contiguous(x), engine.contiguous(y)
    out = engine.empty(x.shape, x.dtype)
    kernel = engine.kernel_for(_bce, x.dtype, "binary_cross_entropy")
    kernel(out.array.size, dense.pointer, target.pointer, out.pointer)

    def rule_target(grad: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return mul(grad, sub(maximum(log1p(neg(x)), -100.0), maximum(log(x), -100.0)))

    return record("binary_cross_entropy", out, (x, y), (_bce_gradient, rule_target), (x, y))


def _bce_gradient(grad: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """grad · (x − y) / max(x (1 − x), 1e-12)."""
    dense_grad, dense, target = engine.contiguous(grad), engine.contiguous(x), engine.contiguous(y)
    out = engine.empty(x.shape, x.dtype)
    _bce_backward[x.dtype](out.array.size, dense_grad.pointer, 1, dense.pointer, target.pointer, out.pointer)

    def slope(x: Tensor) -> Tensor:
        return maximum(mul(x, sub(1, x)), 1e-12)

    def rule_input(g: Tensor, grad: Tensor, x: Tensor, y: Tensor) -> Tensor:
        width = slope(x)  # d/dx (x − y) / w = (w − (x − y) w') / w², w' = 1 − 2x
        return mul(mul(g, grad), div(sub(width, mul(sub(x, y), sub(1, mul(x, 2)))), mul(width, width)))

    rules = (
        lambda g, grad, x, y: _bce_gradient(g, x, y),
        rule_input,
        lambda g, grad, x, y: neg(div(mul(g, grad), slope(x))),
    )
    return record("binary_cross_entropy_backward", out, (grad, x, y), rules, (grad, x, y))


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """−[y log x + (1 − y) log(1 − x)], the logarithms at least −100, reduced.

    Args:
        input: probabilities x, from 0 to 1, [any shape]. For logits use :func:`binary_cross_entropy_with_logits`.
        target: y, from 0 to 1, of the same shape.
        weight: factors of the losses, broadcast to the shape.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".

    Raises:
        ValueError: for different shapes, an input outside [0, 1] or another reduction.

    Example:
        >>> import lucid
        >>> loss = lucid.nn.functional.binary_cross_entropy(lucid.tensor([0.5]), lucid.tensor([1.0]))
        >>> round(loss.item(), 4)
        0.6931
    """
    reduction = old_reduction("binary_cross_entropy", size_average, reduce, reduction)
    operation = "binary_cross_entropy"
    _same_shape(operation, input, target)
    outside = ~((input.array >= 0) & (input.array <= 1))  # NaN is outside too
    if outside.any():
        value = input.array[outside].reshape(-1)[0]
        raise ArgumentError(
            f"{operation}: input must be from 0 to 1, got {value}; for logits use {operation}_with_logits"
        )
    loss = _bce_of(input, to_dtype(target, input.dtype))
    if weight is not None:
        loss = mul(loss, weight)
    return reduced(operation, loss, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """−[p·y·log σ(x) + (1 − y)·log(1 − σ(x))], computed without overflow, reduced.

    Args:
        input: logits x, [any shape].
        target: y, from 0 to 1, of the same shape.
        weight: factors of the losses, broadcast to the shape.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
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
    reduction = old_reduction("binary_cross_entropy_with_logits", size_average, reduce, reduction)
    operation = "binary_cross_entropy_with_logits"
    _same_shape(operation, input, target)
    target = target if target.dtype is input.dtype else target.to(input.dtype)
    loss = bce_with_logits(input, target)
    if pos_weight is not None:  # the part of positives, −y·log σ(x), counts p times
        positives = mul(target, bce_with_logits(input, ones_like(input)))
        loss = add(loss, mul(positives, sub(pos_weight, 1)))
    if weight is not None:
        loss = mul(loss, weight)
    return reduced(operation, loss, reduction)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """The divergence of Kullback and Leibler (1951): t · (log t − input), reduced.

    Args:
        input: log-probabilities, [batch, ...].
        target: probabilities t, or with log_target their logarithms, of the same shape.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "sum", "batchmean" (the sum over the batch size: the mean divergence) or "mean" (over all
            elements: with a warning, because that is not the divergence).
        log_target: whether the target holds logarithms.

    Raises:
        ValueError: for shapes that do not broadcast, or another reduction.

    Example:
        >>> import lucid
        >>> p = lucid.tensor([[0.5, 0.5]])
        >>> lucid.nn.functional.kl_div(p.log(), p, reduction="batchmean").item()
        0.0
    """
    reduction = old_reduction("kl_div", size_average, reduce, reduction)
    _check("kl_div", input, target)
    if reduction == "mean":
        warnings.warn(
            "kl_div: reduction 'mean' divides by all elements; 'batchmean', by the batch size, is the divergence",
            stacklevel=2,
        )
    if log_target:
        loss = mul(exp(target), sub(target, input))
    else:
        loss = sub(mul(target, log(where(eq(target, 0), 1.0, target))), mul(target, input))
    if reduction == "batchmean":
        return div(sum(loss), input.shape[0]) if input.shape else sum(loss)
    return reduced("kl_div", loss, reduction)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """−log of the Poisson probability of a count: rate − target · log rate + log target!, reduced.

    Args:
        input: log rate, or with log_input=False the rate, [any shape].
        target: counts, of the same shape.
        log_input: what the input is.
        full: whether log target! counts, by Stirling's formula t log t − t + ½ log(2πt) for t > 1.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        eps: added to the rate inside the logarithm, with log_input=False.
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".

    Raises:
        ValueError: for shapes that do not broadcast, or another reduction.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.poisson_nll_loss(lucid.zeros(2), lucid.tensor([0.0, 3.0])).item()
        1.0
    """
    reduction = old_reduction("poisson_nll_loss", size_average, reduce, reduction)
    _check("poisson_nll_loss", input, target)
    if log_input:
        loss = sub(exp(input), mul(target, input))
    else:
        loss = sub(input, mul(target, log(add(input, eps))))
    if full:
        large = gt(target, 1)
        t = where(large, target, 1.0)
        stirling = add(sub(mul(t, log(t)), t), mul(log(mul(t, 2 * math.pi)), 0.5))
        loss = add(loss, where(large, stirling, 0.0))
    return reduced("poisson_nll_loss", loss, reduction)


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """−log of the normal density, ½ (log var + (input − target)² / var), reduced (Nix and Weigend 1994).

    Args:
        input: means, [..., width].
        target: of the same shape, or one that broadcasts.
        var: variances: a number, or of the input's shape, or with its last dimension missing or one dimension 1.
        full: whether the constant ½ log 2π counts.
        eps: the least variance; the derivative does not see it.
        reduction: "none", "mean" or "sum".

    Raises:
        ValueError: for a negative variance, shapes that do not fit, or another reduction.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.gaussian_nll_loss(lucid.zeros(2), lucid.tensor([1.0, 1.0]), lucid.ones(2)).item()
        0.5
    """
    _check("gaussian_nll_loss", input, target)
    variance: Any = mul(ones_like(input), var) if is_number(var) else var
    _check("gaussian_nll_loss", variance)
    if any(lt(variance, 0)):
        raise ArgumentError("gaussian_nll_loss: var must not be negative, and has entries that are")
    if variance.shape != input.shape:
        if input.shape[:-1] == variance.shape:
            variance = unsqueeze(variance, -1)
        elif len(variance.shape) != len(input.shape) or [
            m for n, m in zip(input.shape, variance.shape, strict=True) if n != m
        ] != [1]:
            raise ArgumentError(
                f"gaussian_nll_loss: var has shape {variance.shape}, which does not fit input {input.shape}"
            )
    variance = floor_value(variance, eps)
    loss = mul(add(log(variance), div(square(sub(input, target)), variance)), 0.5)
    if full:
        loss = add(loss, 0.5 * math.log(2 * math.pi))
    return reduced("gaussian_nll_loss", loss, reduction)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """log(1 + e^(−target · input)), reduced, without overflow.

    Args:
        input: scores, [any shape].
        target: 1 or −1, of the same shape.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" or "sum".

    Raises:
        ValueError: for shapes that do not broadcast, or another reduction.

    Example:
        >>> import lucid
        >>> round(lucid.nn.functional.soft_margin_loss(lucid.zeros(2), lucid.tensor([1.0, -1.0])).item(), 4)
        0.6931
    """
    reduction = old_reduction("soft_margin_loss", size_average, reduce, reduction)
    _check("soft_margin_loss", input, target)
    input, target = broadcast_tensors(input, target)
    return reduced("soft_margin_loss", softplus(neg(mul(target, input))), reduction)
