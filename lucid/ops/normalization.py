"""Normalisation: mean and variance taken out, over features, groups of channels or batches. Fused kernels both ways."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lucid import engine
from lucid.autograd.grad_mode import mode
from lucid.autograd.graph import Value, describe, record
from lucid.engine import pointer_or_null
from lucid.errors import ArgumentError, KindError
from lucid.ops.arithmetic import add, div, mul, sub
from lucid.ops.broadcast import sum
from lucid.ops.functions import rsqrt
from lucid.ops.inplace import add_, mul_
from lucid.ops.reduce import mean
from lucid.ops.view import reshape
from lucid.types import Tensor

_group_norm, _group_norm_backward = engine.kernels("group_norm"), engine.kernels("group_norm_backward")
_batch_norm, _batch_norm_backward = engine.kernels("batch_norm"), engine.kernels("batch_norm_backward")


class _Layout(NamedTuple):
    """What shares a mean and a variance: the input seen as [batch, groups, channels of a group, inner]."""

    batch: int
    groups: int
    channels: int  # of a group
    inner: int
    dims: tuple[int, ...]  # those that mean and variance are taken over
    eps: float
    centred: bool = True  # whether the mean is subtracted
    fixed: bool = False  # whether mean and variance are given

    @property
    def sizes(self) -> tuple[int, int, int]:
        """[batch, channels, inner], as the kernels see it."""
        return self.batch, self.groups * self.channels, self.inner


_Plan = functools.lru_cache(maxsize=4096)(_Layout)


def _check(name: str, input: Any, size: int, **others: Any) -> None:
    """The input is floating point; the others are None, or hold ``size`` numbers of its type."""
    if not isinstance(input, Value):
        raise KindError(f"{name}: expected a tensor, got {type(input).__name__}")
    engine.kernel_for(_group_norm, input.dtype, name)
    for what, x in others.items():
        if x is None:
            continue
        if not isinstance(x, Value) or x.dtype is not input.dtype:
            raise KindError(f"{name}: {what} must be a {input.dtype} tensor as the input is, got {describe(x)}")
        if x.array.size != size:
            raise ArgumentError(f"{name}: {what} must hold {size} numbers for input {input.shape}, got shape {x.shape}")


def _normalise(
    name: str, plan: _Layout, x: Tensor, weight: Tensor | None, bias: Tensor | None, given: tuple[Tensor, ...] = ()
) -> tuple[Tensor, Tensor | None, Tensor]:
    """The result, and the mean and variance that were used. ``given``: those of a plan that is fixed."""
    by_batch = 0 in plan.dims
    kind = x.dtype
    dense = engine.contiguous(x)
    factors = None if weight is None else engine.contiguous(weight)
    summands = None if bias is None else engine.contiguous(bias)
    out = engine.empty(x.shape, kind)
    size = (plan.groups,) if by_batch else (plan.batch * plan.groups,)
    average, variance = given or (engine.empty(size, kind) if plan.centred else None, engine.empty(size, kind))
    pointers = (dense.pointer, pointer_or_null(factors), pointer_or_null(summands), plan.eps)
    statistics = (pointer_or_null(average), variance.pointer)
    if by_batch:
        _batch_norm[kind](*plan.sizes, *pointers, plan.fixed, out.pointer, *statistics)
    else:
        _group_norm[kind](*plan.sizes, plan.groups, *pointers, out.pointer, *statistics)
    if not mode.recording:
        return out, average, variance
    bias_shape = None if bias is None else bias.shape
    wanted = [p.shape if isinstance(p, Value) and p.requires_grad else None for p in (x, weight, bias)]

    def rule(grad: Tensor, x: Tensor, *rest: Tensor) -> tuple[Tensor | None, ...]:
        if mode.recording:  # the second derivative: the same gradients, written with operations
            own = rest[0] if weight is not None else None
            return _gradients_by_operations(plan, grad, x, own, bias_shape, given)
        dense_grad, dense_x = engine.contiguous(grad), engine.contiguous(x)
        found = [None if shape is None else engine.empty(shape, kind) for shape in wanted]
        inputs = (
            dense_grad.pointer, dense_x.pointer, pointer_or_null(factors), pointer_or_null(average),
            variance.pointer, plan.eps,
        )  # fmt: skip
        if by_batch:
            _batch_norm_backward[kind](*plan.sizes, *inputs, plan.fixed, *map(pointer_or_null, found))
        else:
            _group_norm_backward[kind](*plan.sizes, plan.groups, *inputs, *map(pointer_or_null, found))
        return tuple(found)

    saved = (x, *given) if weight is None else (x, weight, *given)
    return record(name, out, (x, weight, bias), rule, saved), average, variance


def _gradients_by_operations(
    plan: _Layout,
    grad: Tensor,
    x: Tensor,
    weight: Tensor | None,
    bias_shape: tuple[int, ...] | None,
    given: tuple[Tensor, ...],
) -> tuple[Tensor | None, ...]:
    """The gradients of input, weight and bias, from operations that can be differentiated again.

    With x̂ = (x − mean) · rstd and g the gradient times the weight: rstd · (g − mean(g) − x̂ · mean(g x̂)), Σ grad · x̂
    and Σ grad.
    """
    view = (plan.batch, plan.groups, plan.channels, plan.inner)
    x4, g4 = reshape(x, view), reshape(grad, view)
    if plan.fixed:
        average, variance = (reshape(p, (1, plan.groups, 1, 1)) for p in given)
        deviation = sub(x4, average)
    else:
        deviation = sub(x4, mean(x4, plan.dims, True)) if plan.centred else x4
        variance = mean(mul(deviation, deviation), plan.dims, True)
    rstd = rsqrt(add(variance, plan.eps))
    normal = mul(deviation, rstd)
    inside = g4 if weight is None else mul(g4, reshape(weight, (1, plan.groups, plan.channels, 1)))
    grad_x = inside
    if not plan.fixed:
        if plan.centred:
            grad_x = sub(grad_x, mean(inside, plan.dims, True))
        grad_x = sub(grad_x, mul(normal, mean(mul(inside, normal), plan.dims, True)))
    return (
        reshape(mul(grad_x, rstd), x.shape),
        None if weight is None else reshape(sum(mul(g4, normal), (0, 3)), weight.shape),
        None if bias_shape is None else reshape(sum(g4, (0, 3)), bias_shape),
    )


def _fits(x: Any, input: Tensor, shape: tuple[int, ...]) -> bool:
    """Whether a parameter is not there, or of that shape and the input's number type, which has kernels."""
    kind = input.dtype
    return kind in _group_norm and (x is None or (isinstance(x, Value) and x.dtype is kind and x.shape == shape))


def _over_last(
    name: str, input: Tensor, normalized_shape: Any, weight: Any, bias: Any, eps: float, centred: bool
) -> Tensor:
    shape = tuple(normalized_shape) if isinstance(normalized_shape, tuple | list) else (normalized_shape,)
    if any([not isinstance(n, int) for n in shape]):
        raise KindError(f"{name}: normalized_shape must be one or several integers, got {normalized_shape!r}")
    if not isinstance(input, Value) or not _fits(weight, input, shape) or not _fits(bias, input, shape):
        _check(name, input, math.prod(shape), weight=weight, bias=bias)
        what, x = ("weight", weight) if weight is not None and weight.shape != shape else ("bias", bias)
        raise ArgumentError(f"{name}: {what} must have shape {shape}, got {x.shape}")
    rest = len(input.shape) - len(shape)
    if not shape or input.shape[max(rest, 0) :] != shape:
        raise ArgumentError(f"{name}: input {input.shape} does not end in normalized_shape {shape}")
    rows, n, _ = engine.reduce_shape(input.shape, rest, len(input.shape) - 1)
    return _normalise(name, _Plan(rows, 1, n, 1, (2, 3), eps, centred), input, weight, bias)[0]


def layer_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x − mean) / √(var + eps) · weight + bias, mean and variance over the last dimensions (Ba, Kiros, Hinton 2016).

    Args:
        input: [..., *normalized_shape].
        normalized_shape: the sizes of the last dimensions, which are normalised together.
        weight: of that shape; 1 when None.
        bias: of that shape; 0 when None.
        eps: added to the variance.

    Raises:
        ValueError: when the input does not end in normalized_shape, or a parameter has another shape.
        TypeError: for integers, or parameters of another number type.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.layer_norm(lucid.tensor([1.0, 3.0]), (2,), eps=0.0).tolist()
        [-1.0, 1.0]
    """
    return _over_last("layer_norm", input, normalized_shape, weight, bias, eps, True)


def rms_norm(
    input: Tensor, normalized_shape: int | Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """x / √(mean(x²) + eps) · weight, the mean over the last dimensions (Zhang and Sennrich 2019).

    Args:
        input: [..., *normalized_shape].
        normalized_shape: the sizes of the last dimensions, which are normalised together.
        weight: of that shape; 1 when None.
        eps: added to the mean square; None: the number type's machine epsilon.

    Raises:
        ValueError: when the input does not end in normalized_shape, or the weight has another shape.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.rms_norm(lucid.tensor([3.0, 3.0]), (2,), eps=0.0).tolist()
        [1.0, 1.0]
    """
    if eps is None and isinstance(input, Value) and input.dtype.is_floating_point:
        eps = float(np.finfo(input.dtype.numpy).eps)
    return _over_last("rms_norm", input, normalized_shape, weight, None, 0.0 if eps is None else eps, False)


def _split(name: str, input: Any, least: int) -> tuple[int, int, int]:
    """[batch, channels, inner] of an input of at least so many dimensions."""
    if not isinstance(input, Value):
        raise KindError(f"{name}: expected a tensor, got {type(input).__name__}")
    shape = input.shape
    if len(shape) < least:
        raise ArgumentError(f"{name}: expected at least {least} dimensions (batch, channels, ...), got shape {shape}")
    return shape[0], shape[1], math.prod(shape[2:])


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Each group of channels of each sample normalised by its own mean and variance (Wu and He 2018).

    Args:
        input: [batch, channels, ...].
        num_groups: into how many groups the channels are cut, in order.
        weight: [channels]; 1 when None.
        bias: [channels]; 0 when None.
        eps: added to the variance.

    Raises:
        ValueError: when the channels cannot be cut so, or a group would be a single number.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.group_norm(lucid.tensor([[1.0, 3.0, 5.0, 7.0]]), 2, eps=0.0).tolist()
        [[-1.0, 1.0, -1.0, 1.0]]
    """
    batch, channels, inner = _split("group_norm", input, 2)
    _check("group_norm", input, channels, weight=weight, bias=bias)
    if not isinstance(num_groups, int):
        raise TypeError(f"group_norm: num_groups must be an integer, got {num_groups!r}")
    if num_groups < 1 or channels % num_groups:
        raise ArgumentError(f"group_norm: {channels} channels cannot be cut into {num_groups} equal groups")
    if batch * (channels // num_groups) * inner == 1:
        raise ArgumentError(f"group_norm: a group of input {input.shape} is a single number, which is its own mean")
    plan = _Plan(batch, num_groups, channels // num_groups, inner, (2, 3), eps)
    return _normalise("group_norm", plan, input, weight, bias)[0]


def _may_move(name: str, *running: Tensor | None) -> None:
    """Refuses running statistics that cannot be written to, before either is."""
    for one in running:
        if one is not None:
            engine.check_writable(one, name)


def _move(running: Tensor | None, found: Tensor, momentum: float) -> None:
    """running ← (1 − momentum) · running + momentum · found, unrecorded."""
    if running is not None:
        before, mode.recording = mode.recording, False
        try:
            add_(mul_(running, 1 - momentum), found, alpha=momentum)
        finally:
            mode.recording = before


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel normalised by its mean and variance over the batch (Ioffe and Szegedy 2015).

    In training these are the batch's own, and the running ones move towards them: r ← (1 − momentum) r + momentum · new
    (the variance new · n / (n − 1)). Otherwise the running ones are used.

    Args:
        input: [batch, channels, ...].
        running_mean: [channels], changed in place in training; may be None there.
        running_var: [channels], the same.
        weight: [channels]; 1 when None.
        bias: [channels]; 0 when None.
        training: whether the batch's own mean and variance are used.
        momentum: how far the running ones move, from 0 to 1.
        eps: added to the variance.

    Raises:
        ValueError: for one number per channel in training, running statistics missing otherwise, or other shapes.

    Example:
        >>> import lucid
        >>> mean, var = lucid.zeros(1), lucid.ones(1)
        >>> x = lucid.tensor([[1.0], [3.0]])
        >>> lucid.nn.functional.batch_norm(x, mean, var, training=True, momentum=0.5, eps=1e-12).tolist()
        [[-1.0], [1.0]]
        >>> mean.item(), var.item()
        (1.0, 1.5)
    """
    batch, channels, inner = _split("batch_norm", input, 2)
    size = (channels,)
    if not (
        _fits(weight, input, size)
        and _fits(bias, input, size)
        and _fits(running_mean, input, size)
        and _fits(running_var, input, size)
    ):
        statistics = {"running_mean": running_mean, "running_var": running_var}
        _check("batch_norm", input, channels, weight=weight, bias=bias, **statistics)
    if eps < 0 or (training and eps == 0):
        raise ArgumentError(
            f"batch_norm: eps must be {'positive in training' if training else 'at least 0'}, got {eps}"
        )
    plan = _Plan(batch, channels, 1, inner, (0, 2, 3), eps, fixed=not training)
    if not training:
        if running_mean is None or running_var is None:
            raise ArgumentError("batch_norm: running_mean and running_var are needed unless training=True")
        given = (engine.contiguous(running_mean), engine.contiguous(running_var))
        return _normalise("batch_norm", plan, input, weight, bias, given)[0]
    count = batch * inner
    if count == 1:
        raise ArgumentError(
            f"batch_norm: expected more than 1 value per channel when training, got input {input.shape}"
        )
    if not count:  # nothing to take a mean of; the gradients of weight and bias are 0
        nothing = engine.wrap(np.zeros(channels, input.dtype.numpy))
        return _normalise("batch_norm", plan._replace(fixed=True), input, weight, bias, (nothing, nothing))[0]
    _may_move("batch_norm", running_mean, running_var)
    out, average, variance = _normalise("batch_norm", plan, input, weight, bias)
    if average is not None:
        _move(running_mean, average, momentum)
        _move(running_var, mul(variance, count / (count - 1)), momentum)
    return out


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of each sample normalised by its own mean and variance (Ulyanov, Vedaldi, Lempitsky 2016).

    Args:
        input: [batch, channels, ...].
        running_mean: [channels], moved towards the samples' average, or None; see :func:`batch_norm`.
        running_var: [channels], the same.
        weight: [channels]; 1 when None.
        bias: [channels]; 0 when None.
        use_input_stats: False: the running statistics are used, as in :func:`batch_norm`.
        momentum: how far the running ones move, from 0 to 1.
        eps: added to the variance.

    Raises:
        ValueError: for one number per channel and sample, running statistics missing, or other shapes.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.instance_norm(lucid.tensor([[[1.0, 3.0], [4.0, 8.0]]]), eps=0.0).tolist()
        [[[-1.0, 1.0], [-1.0, 1.0]]]
    """
    batch, channels, inner = _split("instance_norm", input, 2)
    statistics = {"running_mean": running_mean, "running_var": running_var}
    _check("instance_norm", input, channels, weight=weight, bias=bias, **statistics)
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    if inner == 1:
        raise ArgumentError(f"instance_norm: expected more than 1 spatial element, got input {input.shape}")
    plan = _Plan(batch, channels, 1, inner, (2, 3), eps)
    _may_move("instance_norm", running_mean, running_var)
    out, average, variance = _normalise("instance_norm", plan, input, weight, bias)
    if batch and inner and average is not None:
        _move(running_mean, mean(reshape(average, (batch, channels)), 0), momentum)
        unbiased = div(mul(mean(reshape(variance, (batch, channels)), 0), inner), inner - 1)
        _move(running_var, unbiased, momentum)
    return out
