"""Clipping: gradients limited by their norm, or number by number. All of them go to the engine in one call."""

from __future__ import annotations

import math
import types
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, describe
from lucid.multi_tensor import TensorList
from lucid.nn.utils.convert_parameters import list_of_tensors
from lucid.ops.elementwise import default_dtype
from lucid.types import Tensor


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    r"""Scales all gradients by one factor, so that their norm is at most ``max_norm``. Changes them in place.

    .. math::
        g ← g · \min\left(1, \frac{max\_norm}{‖g‖ + 10^{-6}}\right)

    where ‖g‖ is :func:`get_total_norm` of all gradients. Parameters without a gradient are passed over.

    Args:
        parameters: one tensor, or an iterable of tensors (a generator is fine).
        max_norm: the largest norm.
        norm_type: order of the norm; ``inf`` or ``"inf"`` for the largest absolute value.
        error_if_nonfinite: raise if the norm is NaN or infinite. Otherwise a norm of NaN makes all gradients NaN, and
            an infinite one makes them 0, and NaN where they are infinite.
        foreach: chooses in PyTorch between ways of computing the same; there is one way here, so it changes nothing.

    Returns:
        The norm as it was before, a 0-d tensor: float64 if one of the gradients is, else float32; 0 if there are none.

    Raises:
        RuntimeError: for a norm that is not finite, if that is wished; for gradients whose memory cannot be written to.
        TypeError: for what is not a tensor, or gradients that are not floating point. After an error nothing is
            changed.

    Source: R. Pascanu, T. Mikolov, Y. Bengio: On the difficulty of training recurrent neural networks, ICML 2013.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.zeros(2))
        >>> w.grad = lucid.tensor([3.0, -4.0])
        >>> lucid.nn.utils.clip_grad_norm_([w], max_norm=1.0)
        tensor(5.)
        >>> w.grad
        tensor([ 0.6000, -0.8000])
    """
    operation = "clip_grad_norm_"
    if isinstance(parameters, types.GeneratorType):
        parameters = list(parameters)
        if not parameters:
            warnings.warn(f"{operation}: parameters is an empty generator; nothing is clipped", stacklevel=2)
    gradients = _gradients(operation, parameters)
    norm = _total_norm(gradients, norm_type, error_if_nonfinite)
    gradients.clip(engine.convert(norm, engine.float64), float(max_norm))
    return norm


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    r"""The norm of the tensors' norms: of all their numbers together, as if they were one vector.

    .. math::
        ‖x‖_p = \left(\sum_i |x_i|^p\right)^{1 / p}

    Order ``inf`` gives the largest and ``-inf`` the smallest absolute value. Order 0 counts, as in PyTorch, the tensors
    with a number that is not 0. Sums do not overflow or underflow where the norm itself does not.

    Args:
        tensors: one tensor, or an iterable of tensors; float32 and float64 may be mixed.
        norm_type: the order p; any number, or ``"inf"``.
        error_if_nonfinite, foreach: as :func:`clip_grad_norm_`.

    Returns:
        A 0-d tensor: float64 if one of the tensors is, else float32; 0 if there are none. Its gradient is not recorded.

    Raises:
        RuntimeError: for a norm that is not finite, if that is wished.
        ValueError: for a tensor without numbers with order ``inf`` or below 0.
        TypeError: for what is not a tensor, or not floating point.

    Example:
        >>> import lucid
        >>> lucid.nn.utils.get_total_norm([lucid.tensor([3.0]), lucid.tensor([4.0])])
        tensor(5.)
    """
    operation = "get_total_norm"
    return _total_norm(TensorList(operation, list_of_tensors(operation, tensors)), norm_type, error_if_nonfinite)


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """The second half of :func:`clip_grad_norm_`, with a norm that is known: scales the gradients in place.

    Args:
        parameters, max_norm, foreach: as :func:`clip_grad_norm_`.
        total_norm: a 0-d tensor, as :func:`get_total_norm` gives it, or a number.

    Raises:
        TypeError, RuntimeError: as :func:`clip_grad_norm_`.
        ValueError: for a ``total_norm`` that is not 0-d, or negative. Then nothing is changed.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.zeros(2))
        >>> w.grad = lucid.tensor([3.0, -4.0])
        >>> norm = lucid.nn.utils.get_total_norm([w.grad])
        >>> lucid.nn.utils.clip_grads_with_norm_([w], 10.0, norm)
        >>> w.grad
        tensor([ 3., -4.])
    """
    operation = "clip_grads_with_norm_"
    if isinstance(total_norm, Value) and total_norm.shape != ():
        raise ValueError(f"{operation}: total_norm must be a 0-d tensor, got {describe(total_norm)}")
    gradients, norm = _gradients(operation, parameters), float(total_norm)
    if norm < 0:
        raise ValueError(f"{operation}: total_norm must not be negative, got {norm}")
    gradients.clip(engine.wrap(np.asarray(norm)), float(max_norm))


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Limits every number of every gradient to [-clip_value, clip_value]. Changes them in place; NaN stays NaN.

    Args:
        parameters, foreach: as :func:`clip_grad_norm_`.
        clip_value: the largest absolute value.

    Raises:
        TypeError, RuntimeError: as :func:`clip_grad_norm_`.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.zeros(2))
        >>> w.grad = lucid.tensor([3.0, -0.5])
        >>> lucid.nn.utils.clip_grad_value_([w], 1.0)
        >>> w.grad
        tensor([ 1.0000, -0.5000])
    """
    limit = float(clip_value)
    _gradients("clip_grad_value_", parameters).clamp(-limit, limit)


def _gradients(operation: str, parameters: Any) -> TensorList:
    found = [p._grad for p in list_of_tensors(operation, parameters)]
    return TensorList(operation, [g for g in found if g is not None])


def _total_norm(tensors: TensorList, norm_type: float, error_if_nonfinite: bool) -> Tensor:
    order = float(norm_type)
    total = tensors.total_norm(order)
    kind = max(tensors.kinds, key=lambda kind: kind.itemsize, default=default_dtype[0])
    result = engine.convert(total, kind)  # beyond the largest float32 this is infinity
    if error_if_nonfinite and not math.isfinite(result.item()):
        raise RuntimeError(
            f"{tensors.operation}: the total norm of order {order} is {result.item()}, so nothing was clipped "
            "(error_if_nonfinite=False lets it through)"
        )
    return result
