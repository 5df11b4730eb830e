"""Layers and losses as functions."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, describe
from lucid.errors import ArgumentError, KindError
from lucid.ops.activation import gelu
from lucid.ops.activation import relu as _relu
from lucid.ops.activation import silu as _silu
from lucid.ops.activation_family import (
    SELU_ALPHA,
    SELU_SCALE,
    celu,
    elu,
    glu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    logsigmoid,
    mish,
    prelu,
    relu6,
    selu,
    softplus,
    softshrink,
    softsign,
    tanhshrink,
    threshold,
)
from lucid.ops.arithmetic import add, mul
from lucid.ops.attention import scaled_dot_product_attention
from lucid.ops.broadcast import sum
from lucid.ops.conv import conv1d, conv2d, conv_transpose1d, conv_transpose2d
from lucid.ops.create import full, ones
from lucid.ops.element_loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    gaussian_nll_loss,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    poisson_nll_loss,
    smooth_l1_loss,
    soft_margin_loss,
)
from lucid.ops.elementwise import need_tensor
from lucid.ops.embedding import embedding
from lucid.ops.fold import fold, unfold
from lucid.ops.functions import sigmoid, tanh
from lucid.ops.inplace import copy_, inplace_form, mul_
from lucid.ops.loss import cross_entropy, nll_loss
from lucid.ops.margin_loss import cosine_embedding_loss, margin_ranking_loss, triplet_margin_loss
from lucid.ops.matmul import linear
from lucid.ops.normalization import batch_norm, group_norm, instance_norm, layer_norm, rms_norm
from lucid.ops.pad import pad
from lucid.ops.pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    avg_pool1d,
    avg_pool2d,
    lp_pool1d,
    lp_pool2d,
    max_pool1d,
    max_pool2d,
)
from lucid.ops.random import bernoulli
from lucid.ops.random import dropout as _dropout
from lucid.ops.reduce import log_softmax as _log_softmax
from lucid.ops.reduce import softmax as _softmax
from lucid.ops.refusal import refuses
from lucid.ops.resample import channel_shuffle, interpolate, pixel_shuffle, pixel_unshuffle
from lucid.ops.similarity import cosine_similarity, normalize, pairwise_distance
from lucid.ops.view import permute, reshape
from lucid.types import Tensor

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "alpha_dropout",
    "avg_pool1d",
    "avg_pool2d",
    "batch_norm",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "channel_shuffle",
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "dropout2d",
    "elu",
    "embedding",
    "fold",
    "gaussian_nll_loss",
    "gelu",
    "glu",
    "group_norm",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "huber_loss",
    "instance_norm",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "lp_pool1d",
    "lp_pool2d",
    "margin_ranking_loss",
    "max_pool1d",
    "max_pool2d",
    "mish",
    "mse_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pairwise_distance",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "prelu",
    "relu",
    "relu6",
    "rms_norm",
    "scaled_dot_product_attention",
    "selu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "triplet_margin_loss",
    "unfold",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
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


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(input, 0), elementwise; written over the input when ``inplace``. The derivative at 0 is 0."""
    return _relu_(input) if inplace else _relu(input)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x · σ(x), also called swish; written over the input when ``inplace``."""
    return _silu_(input) if inplace else _silu(input)


def _implicit(name: str, input: Tensor, dim: int | None) -> int:
    """The dimension meant; without one dimension 0 of tensors of 0, 1 or 3 dimensions, else 1, with a warning."""
    if dim is not None:
        return dim
    need_tensor(name, input)
    warnings.warn(f"{name}: say over which dimension, as dim=...; leaving it out is deprecated", stacklevel=3)
    return 0 if len(input.shape) in (0, 1, 3) else 1


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """exp(xᵢ) / Σⱼ exp(xⱼ) along ``dim``, without overflow.

    Args:
        input: [any shape].
        dim: the dimension. None is deprecated: 0 for tensors of 0, 1 or 3 dimensions, else 1, with a warning.
        _stacklevel: without meaning, as in PyTorch.
        dtype: what the input is converted to first.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.softmax(lucid.tensor([0.0, 0.0]), dim=0).tolist()
        [0.5, 0.5]
    """
    return _softmax(input, _implicit("softmax", input, dim), dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """xᵢ − log Σⱼ exp(xⱼ) along ``dim``, without overflow; arguments as for :func:`softmax`."""
    return _log_softmax(input, _implicit("log_softmax", input, dim), dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Softmax of −x along ``dim``: exp(−xᵢ) / Σⱼ exp(−xⱼ); arguments as for :func:`softmax`.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.softmin(lucid.tensor([0.0, 0.0]), dim=0).tolist()
        [0.5, 0.5]
    """
    return _softmax(mul(input, -1), _implicit("softmin", input, dim), dtype)


_relu_, _silu_ = inplace_form("relu_", _relu), inplace_form("silu_", _silu)


@refuses
def gumbel_softmax(logits: Tensor, tau: float = 1.0, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """softmax((logits + g) / tau) with random g of the Gumbel distribution: a choice that has gradients.

    Args:
        logits: logarithms of the probabilities, not normalized.
        tau: the temperature; the smaller, the nearer to 0 and 1.
        hard: give 1 at the largest and 0 elsewhere, with the gradients of the soft result.
        eps: not used, as in PyTorch.
        dim: the dimension of the choices.

    Source: Jang, Gu and Poole 2017, Categorical Reparameterization with Gumbel-Softmax.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.gumbel_softmax(lucid.tensor([0.0, 100.0]), hard=True).tolist()
        [0.0, 1.0]
    """
    noise: Any = engine.empty(logits.shape, logits.dtype)
    gumbel = noise.exponential_().log().neg()
    soft = softmax((logits + gumbel) / tau, dim)
    if not hard:
        return soft
    chosen: Any = engine.empty(soft.shape, soft.dtype)
    chosen.zero_().scatter_(dim, soft.argmax(dim, True), 1.0)
    result: Tensor = chosen - soft.detach() + soft
    return result


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """1 at each class number, 0 elsewhere: [...] → [..., num_classes], int64.

    Args:
        tensor: class numbers, int64, not negative.
        num_classes: how many classes; −1: one more than the largest number.

    Raises:
        TypeError: when it is not int64.
        ValueError: for a number outside 0 to num_classes − 1, or no numbers to count the classes by.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.one_hot(lucid.tensor([1, 0])).tolist()
        [[0, 1], [1, 0]]
    """
    if not isinstance(tensor, Value) or tensor.dtype is not engine.int64:
        raise KindError(f"one_hot: expected an int64 tensor, got {describe(tensor)}")
    numbers = tensor.array
    if num_classes <= 0 and (num_classes != -1 or not numbers.size):
        raise ArgumentError(f"one_hot: num_classes must be positive, or -1 with numbers to count by; got {num_classes}")
    classes = int(numbers.max()) + 1 if num_classes == -1 else num_classes
    if numbers.size and not 0 <= numbers.min() <= numbers.max() < classes:
        raise ArgumentError(
            f"one_hot: numbers from {numbers.min()} to {numbers.max()} are not all in 0 to {classes - 1}"
        )
    return engine.wrap((numbers[..., None] == np.arange(classes)).astype(np.int64))


def _drop_channels(operation: str, input: Tensor, channel: int, p: float, training: bool, inplace: bool) -> Tensor:
    """Whole channels zero, the others divided by 1 − p; the dimensions up to ``channel`` are told apart."""
    if not 0.0 <= p <= 1.0:
        raise ArgumentError(f"{operation}: p must be from 0 to 1, got {p}")
    if not training or p == 0:
        return input
    shape = (*input.shape[: channel + 1], *(1,) * (len(input.shape) - channel - 1))
    return (mul_ if inplace else mul)(input, _dropout(ones(shape, dtype=input.dtype), p, True))


@refuses
def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels zero with probability p, the others divided by 1 − p (Tompson et al. 2015).

    Args:
        input: [batch, channels, length] or [channels, length].
        p: probability, from 0 to 1.
        training: whether to drop at all.
        inplace: write the result over the input.

    Raises:
        ValueError: for p outside [0, 1], or another number of dimensions.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.dropout1d(lucid.ones(2, 3), 1.0).tolist()
        [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    if len(input.shape) not in (2, 3):
        raise ArgumentError(f"dropout1d: expected [batch, channels, length] or [channels, length], got {input.shape}")
    return _drop_channels("dropout1d", input, len(input.shape) - 2, p, training, inplace)


@refuses
def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels zero with probability p, the others divided by 1 − p (Tompson et al. 2015).

    Args:
        input: [batch, channels, height, width]; three dimensions, as [batch, channels, length], give a warning.
        p: probability, from 0 to 1.
        training: whether to drop at all.
        inplace: write the result over the input.

    Raises:
        ValueError: for p outside [0, 1], or fewer than two dimensions.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.dropout2d(lucid.ones(1, 1, 1, 2), 1.0).tolist()
        [[[[0.0, 0.0]]]]
    """
    if len(input.shape) < 2:
        raise ArgumentError(f"dropout2d: expected [batch, channels, height, width], got shape {input.shape}")
    if len(input.shape) != 4:
        warnings.warn(
            f"dropout2d: input {input.shape} is taken as [batch, channels, ...]; for [.., length] use dropout1d",
            stacklevel=2,
        )
    return _drop_channels("dropout2d", input, 1, p, training, inplace)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout to SELU’s limit −1.7581 that keeps mean 0 and variance 1 (Klambauer et al. 2017).

    Args:
        input: [any shape].
        p: probability, from 0 to 1.
        training: whether to drop at all.
        inplace: write the result over the input.

    Raises:
        ValueError: for p outside [0, 1].

    Example:
        >>> import lucid
        >>> lucid.nn.functional.alpha_dropout(lucid.ones(2), 0.5, training=False).tolist()
        [1.0, 1.0]
    """
    if not 0.0 <= p <= 1.0:
        raise ArgumentError(f"alpha_dropout: p must be from 0 to 1, got {p}")
    if not training or p == 0:
        return input
    if p == 1:
        out = mul(input, 0.0)
    else:
        alpha = SELU_ALPHA * SELU_SCALE
        scale = 1 / math.sqrt((alpha**2 * p + 1) * (1 - p))
        kept = bernoulli(full(input.shape, 1 - p, dtype=input.dtype))
        shift = mul(add(mul(kept, alpha), alpha * (p - 1)), scale)  # −alpha where dropped, and alpha p everywhere
        out = add(mul(input, mul(kept, scale)), shift)
    return copy_(input, out) if inplace else out


@refuses
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y_k = x₁ᵀ A_k x₂ + b_k.

    Args:
        input1: x₁, [..., in1_features].
        input2: x₂, [..., in2_features], the other sizes the same.
        weight: A, [out_features, in1_features, in2_features].
        bias: b, [out_features]; 0 when None.

    Raises:
        ValueError: when the shapes do not fit.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.bilinear(lucid.ones(1, 2), lucid.ones(1, 3), lucid.ones(1, 2, 3)).tolist()
        [[6.0]]
    """
    if len(weight.shape) != 3 or input1.shape[:-1] != input2.shape[:-1]:
        raise ArgumentError(f"bilinear: inputs {input1.shape} and {input2.shape} with weight {weight.shape} do not fit")
    out, in1, in2 = weight.shape
    if not input1.shape or (input1.shape[-1], input2.shape[-1]) != (in1, in2):
        raise ArgumentError(
            f"bilinear: inputs {input1.shape} and {input2.shape} must end in {in1} and {in2} (weight {weight.shape})"
        )
    if bias is not None and bias.shape != (out,):
        raise ArgumentError(f"bilinear: bias must have shape ({out},), got {bias.shape}")
    lead = input1.shape[:-1]
    halfway = linear(input1, reshape(permute(weight, 0, 2, 1), (out * in2, in1)))
    products = mul(reshape(halfway, (*lead, out, in2)), reshape(input2, (*lead, 1, in2)))
    found = sum(products, -1)
    return found if bias is None else add(found, bias)


def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """PyTorch's older name of :func:`interpolate`.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.upsample(lucid.tensor([[[1.0, 2.0]]]), scale_factor=2).tolist()
        [[[1.0, 1.0, 2.0, 2.0]]]
    """
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """:func:`interpolate` in mode "nearest".

    Example:
        >>> import lucid
        >>> lucid.nn.functional.upsample_nearest(lucid.tensor([[[1.0, 2.0]]]), 3).tolist()
        [[[1.0, 1.0, 2.0]]]
    """
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """:func:`interpolate` in mode "bilinear" with ``align_corners=True``.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.upsample_bilinear(lucid.tensor([[[[0.0, 4.0]]]]), (1, 3)).tolist()
        [[[[0.0, 2.0, 4.0]]]]
    """
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)
