"""Scaled dot-product attention, fused: its memory grows with the length of the sequences, not with its square."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.composed import composed_gradients
from lucid.autograd.grad_mode import mode
from lucid.autograd.graph import Value, describe, detached_alias, record
from lucid.engine import dense_strides, ffi, lib, pointer_or_null
from lucid.errors import ArgumentError, KindError
from lucid.ops.arithmetic import add, mul, where
from lucid.ops.broadcast import broadcast_shapes, expand
from lucid.ops.index import stack
from lucid.ops.matmul import matmul
from lucid.ops.random import default_generator
from lucid.ops.reduce import softmax
from lucid.ops.view import reshape, transpose
from lucid.types import Tensor

_forward, _backward = engine.kernels("attention"), engine.kernels("attention_backward")
_dropout = engine.kernels("attention_dropout")


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(scale · query keyᵀ + mask) value: each query's mean of the values, weighted by how well the keys fit.

    Args:
        query: [..., heads, queries, width].
        key: [..., heads, keys, width].
        value: [..., heads, keys, value_width].
        attn_mask: broadcast to [..., heads, queries, keys]: bool, True where a query sees a key; or numbers of the
            query's type that are added to the scores.
        dropout_p: probability that a weight is dropped (always, there is no training mode here).
        is_causal: query i sees keys 0 to i; not together with ``attn_mask``.
        scale: factor of the scores; 1/√width when None.
        enable_gqa: key and value may have fewer heads, each for a group of query heads (Ainslie et al. 2023).

    Returns:
        [..., heads, queries, value_width]; zeros for a query that sees no key.

    Raises:
        ValueError: when shapes or options do not fit.
        TypeError: for different number types.

    Source: Vaswani et al., "Attention is all you need", 2017; computed as in Dao et al., "FlashAttention", 2022. A
    derivative of second order, and one with respect to the mask, goes through the composed formula, with all weights in
    memory.

    Example:
        >>> import lucid
        >>> q = k = v = lucid.eye(2).reshape(1, 1, 2, 2)
        >>> lucid.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)[0, 0, 0].tolist()
        [1.0, 0.0]
    """
    operation = "scaled_dot_product_attention"
    batch, scale = _check(operation, query, key, value, dropout_p, scale, enable_gqa)
    if attn_mask is not None:
        if is_causal:
            raise ArgumentError(f"{operation}: attn_mask must be None when is_causal is True")
        attn_mask = _as_numbers(operation, attn_mask, query)
        try:
            fits = broadcast_shapes(attn_mask.shape, (*batch, query.shape[-2], key.shape[-2]))
        except ValueError:
            fits = ()
        if fits != (*batch, query.shape[-2], key.shape[-2]):
            raise ArgumentError(
                f"{operation}: attn_mask has shape {attn_mask.shape}, which does not broadcast to "
                f"{(*batch, query.shape[-2], key.shape[-2])}"
            )
    lead = batch[:-1] if enable_gqa else batch
    q, k, v = (_four(x, (*lead, *x.shape[-3 if enable_gqa else -2 :])) for x in (query, key, value))
    mask = attn_mask if attn_mask is None else _four(attn_mask, (*batch, query.shape[-2], key.shape[-2]))
    out = _attention(q, k, v, mask, float(dropout_p), bool(is_causal), scale)
    return out if len(batch) == 2 else reshape(out, (*batch, query.shape[-2], value.shape[-1]))


def _check(
    operation: str, query: Any, key: Any, value: Any, dropout_p: float, scale: float | None, enable_gqa: bool
) -> tuple[tuple[int, ...], float]:
    """The dimensions before the last two, and the scale."""
    for x in (query, key, value):
        if not isinstance(x, Value) or x.dtype is not query.dtype:
            raise KindError(
                f"{operation}: query is {describe(query)}, key {describe(key)}, value {describe(value)}; "
                "give tensors of one number type"
            )
    engine.kernel_for(_forward, query.dtype, operation)
    shapes = f"query {query.shape}, key {key.shape}, value {value.shape}"
    least = 3 if enable_gqa else 2
    if min(len(x.shape) for x in (query, key, value)) < least:
        raise ArgumentError(f"{operation}: expects at least {least} dimensions, got {shapes}")
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise ArgumentError(f"{operation}: {shapes} do not fit; expected [..., L, E], [..., S, E] and [..., S, V]")
    if not 0.0 <= dropout_p <= 1.0:
        raise ArgumentError(f"{operation}: dropout_p must be from 0 to 1, got {dropout_p}")
    if enable_gqa:
        heads, key_heads = query.shape[-3], key.shape[-3]
        if key_heads != value.shape[-3] or key_heads == 0 or heads % key_heads:
            raise ArgumentError(
                f"{operation}: {shapes}: the heads of query must be a multiple of those of key and value"
            )
    cut = -3 if enable_gqa else -2
    try:
        lead = broadcast_shapes(*(x.shape[:cut] for x in (query, key, value)))
    except ValueError:
        raise ArgumentError(f"{operation}: {shapes}: the dimensions before the last {-cut} do not broadcast") from None
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1]) if query.shape[-1] else 1.0
    return (*lead, query.shape[-3]) if enable_gqa else lead, float(scale)


def _as_numbers(operation: str, mask: Tensor, query: Tensor) -> Tensor:
    """The mask as what is added to the scores."""
    if not isinstance(mask, Value) or mask.dtype not in (engine.bool_, query.dtype):
        raise KindError(f"{operation}: attn_mask must be bool or {query.dtype}, got {describe(mask)}")
    if mask.dtype is engine.bool_:
        return engine.wrap(np.where(mask.array, 0, -np.inf).astype(query.dtype.numpy))
    return mask


def _four(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """x broadcast to ``shape`` and seen as [batch, heads, rows, columns], a view where it can be."""
    if x.shape != shape:
        x = expand(x, shape)
    if len(shape) == 4:
        return x
    if len(shape) < 4:
        return reshape(x, (*(1,) * (4 - len(shape)), *shape))
    return reshape(x, (math.prod(shape[:-3]), *shape[-3:]))


def _rows(x: Tensor) -> Tensor:
    """x itself when the numbers of its rows are neighbours, else a copy."""
    return x if x.strides is None or x.strides[-1] == 1 or x.shape[-1] == 1 else engine.contiguous(x)


def _layout(x: Tensor | None) -> tuple[int, ...]:
    """attention_layout: steps between batches, heads and rows."""
    return (0, 0, 0) if x is None else (x.strides or dense_strides(x.shape))[:3]


def _head_last(shape: tuple[int, ...], kind: engine.dtype, zeros: bool = False) -> Tensor:
    """[batch, heads, rows, columns] that lies in memory as [batch, rows, heads, columns], as layers want it next."""
    batch, heads, rows, columns = shape
    base = (engine.zeros if zeros else engine.empty)((batch, rows, heads, columns), kind)
    x = engine.same_start(base, base.array.transpose(0, 2, 1, 3))
    x.base = None
    return x


class _Call:
    """One call: the options that both ways need."""

    __slots__ = ("causal", "drawn", "dropout", "scale")

    def __init__(self, dropout: float, causal: bool, scale: float, blocks: int) -> None:
        self.dropout, self.causal, self.scale = dropout, causal, scale
        self.drawn = None
        if dropout:
            self.drawn = engine.empty((2,), engine.int64)
            lib.random_reserve(default_generator.state, blocks, self.drawn.pointer)

    def shape(self, q: Tensor, k: Tensor, v: Tensor, *layouts: Any) -> Any:
        """attention_shape, with the layouts of out, mask, and the gradients of out, query, key and value."""
        batch, heads, queries, width = q.shape
        places = [_layout(x) for x in (q, k, v, *layouts)]
        places += [(0, 0, 0)] * (9 - len(places))
        return ffi.new(
            "attention_shape *",
            (batch, heads, k.shape[1], queries, k.shape[2], width, v.shape[3], self.scale, self.causal, self.dropout,
             pointer_or_null(self.drawn), *places),
        )  # fmt: skip


def _attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Any, dropout: float, causal: bool, scale: float
) -> Tensor:
    """Attention on four dimensions; everything has been checked."""
    kind = query.dtype
    (batch, heads, queries, _), keys = query.shape, key.shape[2]
    call = _Call(dropout, causal, scale, batch * heads * queries * -(-keys // 4))
    q, k, v = _rows(query), _rows(key), _rows(value)
    seen = None if mask is None else _rows(mask)
    out = _head_last((batch, heads, queries, value.shape[3]), kind)
    log_sum = engine.empty((batch, heads, queries), kind)
    _forward[kind](
        call.shape(q, k, v, out, seen), q.pointer, k.pointer, v.pointer, pointer_or_null(seen), out.pointer,
        log_sum.pointer,
    )  # fmt: skip
    inputs = (query, key, value, mask)

    def rule(grad: Tensor, *saved: Tensor) -> Any:
        query, key, value, out, log_sum, *rest = saved
        mask = rest[0] if rest else None
        if mode.recording or (mask is not None and mask.requires_grad):
            return composed_gradients(lambda *xs: (_composed(call, *xs),), (query, key, value, mask), [grad])
        return (*_gradients(call, query, key, value, mask, out, log_sum, grad), None)

    saved = (query, key, value, detached_alias(out), log_sum)
    return record("attention", out, inputs, rule, saved if mask is None else (*saved, mask))


def _gradients(call: _Call, query: Tensor, key: Tensor, value: Tensor, mask: Any, *forward: Tensor) -> Sequence[Tensor]:
    """The gradients of query, key and value, by the engine."""
    out, log_sum, grad = forward
    kind = query.dtype
    q, k, v, grad = _rows(query), _rows(key), _rows(value), _rows(grad)
    seen = None if mask is None else _rows(mask)
    grads = [_head_last(x.shape, kind, zeros=True) for x in (query, key, value)]
    _backward[kind](
        call.shape(q, k, v, out, seen, grad, *grads), q.pointer, k.pointer, v.pointer, pointer_or_null(seen),
        out.pointer, log_sum.pointer, grad.pointer, *(x.pointer for x in grads),
    )  # fmt: skip
    return grads


def _composed(call: _Call, query: Tensor, key: Tensor, value: Tensor, mask: Any) -> Tensor:
    """The same with plain operations."""
    group = query.shape[1] // key.shape[1]
    if group > 1:
        batch, heads, rows, _ = key.shape
        key, value = (
            reshape(
                expand(reshape(x, (batch, heads, 1, rows, x.shape[3])), (batch, heads, group, rows, x.shape[3])),
                (batch, heads * group, rows, x.shape[3]),
            )
            for x in (key, value)
        )
    scores = mul(matmul(query, transpose(key, 2, 3)), call.scale)
    if call.causal:
        mask = engine.wrap(np.triu(np.full(scores.shape[2:], -np.inf, scores.dtype.numpy), 1))
    blind = None
    if mask is not None:
        scores = add(scores, mask)
        blind = engine.wrap(np.all(scores.array == -np.inf, 3, keepdims=True))
        scores = where(blind, 0.0, scores)
    weights = softmax(scores, 3)
    if blind is not None:
        weights = where(blind, 0.0, weights)
    if call.dropout:
        factor = engine.empty(scores.shape, scores.dtype)
        _dropout[scores.dtype](call.shape(query, key, value), factor.pointer)
        weights = mul(weights, factor)
    return matmul(weights, value)


def take_apart(input: Tensor, dim: int) -> tuple[Tensor, ...]:
    """The slices along a dimension, as views. Their gradients are put together in one pass, where each on its own would
    be put into zeros of the whole and those be summed: so one product can make queries, keys and values."""
    moved = np.moveaxis(input.array, dim, 0)
    parts = tuple(engine.view(input, part) for part in moved)

    shape, kind = moved.shape[1:], input.dtype.numpy

    def rule(grads: Sequence[Any]) -> tuple[Tensor]:
        return (stack([engine.wrap(np.zeros(shape, kind)) if grad is None else grad for grad in grads], dim),)

    return record("take_apart", parts, (input,), rule)
