"""Lengths of vectors, distances and angles between them."""

from __future__ import annotations

from lucid.autograd.grad_mode import no_grad
from lucid.autograd.graph import record
from lucid.errors import KindError
from lucid.ops.arithmetic import add, div, maximum, mul, sub, where
from lucid.ops.broadcast import sum
from lucid.ops.elementwise import common_shape, need_tensor, result_type
from lucid.ops.norm import p_norm
from lucid.ops.view import to_dtype
from lucid.types import Tensor


def floor_value(x: Tensor, least: float) -> Tensor:
    """x, but at least ``least`` (NaN stays): for the derivative x itself, as if nothing had been cut off."""
    with no_grad():
        out = maximum(x, least)
    return record("floor_value", out, (x,), (lambda grad: grad,))


def _two_floating(operation: str, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    for x in (a, b):
        need_tensor(operation, x)
    kind = result_type(a, b)
    if not kind.is_floating_point:
        raise KindError(f"{operation}: expects floating-point numbers, got {kind}; convert with .float() first")
    common_shape(operation, a, b)
    return to_dtype(a, kind), to_dtype(b, kind)


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """x / max(‖x‖ₚ, eps) along ``dim``.

    Args:
        input: [any shape].
        p: the exponent of the norm.
        dim: the dimension whose vectors get length 1.
        eps: the least that is divided by.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.normalize(lucid.tensor([[0.0, 2.0]])).tolist()
        [[0.0, 1.0]]
    """
    length = p_norm("normalize", input, p, dim, True)
    return div(input, where(length < eps, eps, length))


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """‖x1 − x2 + eps‖ₚ along the last dimension.

    Args:
        x1: [..., width].
        x2: a shape that broadcasts with it.
        p: the exponent of the norm.
        eps: added to every difference, so that the derivative exists.
        keepdim: whether the last dimension stays, with size 1.

    Raises:
        ValueError: when the shapes do not broadcast.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.pairwise_distance(lucid.tensor([3.0, 4.0]), lucid.zeros(2), eps=0.0).item()
        5.0
    """
    x1, x2 = _two_floating("pairwise_distance", x1, x2)
    return p_norm("pairwise_distance", add(sub(x1, x2), eps), p, -1, keepdim)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 · x2 / (max(‖x1‖, eps) max(‖x2‖, eps)) along ``dim``.

    Args:
        x1: [any shape].
        x2: a shape that broadcasts with it.
        dim: the dimension of the vectors, after broadcasting.
        eps: the least length that is divided by.

    Raises:
        ValueError: when the shapes do not broadcast.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.cosine_similarity(lucid.tensor([1.0, 0.0]), lucid.tensor([2.0, 0.0]), dim=0).item()
        1.0
    """
    x1, x2 = _two_floating("cosine_similarity", x1, x2)
    shape = common_shape("cosine_similarity", x1, x2)
    x1, x2 = (x if x.shape == shape else x.expand(shape) for x in (x1, x2))
    directions = [div(x, floor_value(p_norm("cosine_similarity", x, 2, dim, True), eps)) for x in (x1, x2)]
    return sum(mul(*directions), dim)
