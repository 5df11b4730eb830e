"""Multi-head attention as a layer."""

from __future__ import annotations

import math
from typing import Any

from lucid import engine
from lucid.autograd.graph import Value, describe
from lucid.nn import functional as F  # noqa: N812
from lucid.nn import init
from lucid.nn.linear import Linear
from lucid.nn.module import Module
from lucid.ops import create
from lucid.ops.arithmetic import where
from lucid.ops.attention import scaled_dot_product_attention, take_apart
from lucid.ops.broadcast import expand
from lucid.ops.index import cat, narrow
from lucid.ops.matmul import matmul
from lucid.ops.reduce import mean, softmax
from lucid.ops.view import reshape, transpose, unsqueeze
from lucid.tensor import Parameter, Tensor


class NonDynamicallyQuantizableLinear(Linear):
    """The Linear layer behind the heads, under the name with which PyTorch prints it."""


class MultiheadAttention(Module):
    """Attention in several subspaces at once: cat(head₁ … headₙ) W_out, headᵢ = attention(q W_qᵢ, k W_kᵢ, v W_vᵢ).

    Args:
        embed_dim: size of queries and of the result.
        num_heads: heads, each of embed_dim / num_heads numbers.
        dropout: probability that an attention weight is dropped, in training.
        bias: whether the projections have biases.
        add_bias_kv: a learned key and value are put behind those given.
        add_zero_attn: a key and a value of zeros are put behind those given.
        kdim: size of the keys; embed_dim when None.
        vdim: size of the values; embed_dim when None.
        batch_first: input and output are [batch, length, ...] instead of [length, batch, ...].
        device: ``"cpu"``.
        dtype: of the parameters; float32.

    Attributes:
        in_proj_weight: [3 · embed_dim, embed_dim] of queries, keys and values, when these have one size; else None, and
            q_proj_weight, k_proj_weight [embed_dim, kdim] and v_proj_weight [embed_dim, vdim]. Xavier-uniform.
        in_proj_bias: [3 · embed_dim], zeros; or None.
        out_proj: the Linear layer behind the heads; its bias begins with zeros.
        bias_k: [1, 1, embed_dim], Xavier-normal; or None.
        bias_v: the same.

    Raises:
        ValueError: when embed_dim cannot be divided into the heads.

    Source: Vaswani et al., "Attention is all you need", 2017.

    Example:
        >>> import lucid
        >>> x = lucid.randn(2, 5, 16)
        >>> out, weights = lucid.nn.MultiheadAttention(16, 4, batch_first=True)(x, x, x)
        >>> out.shape, weights.shape
        ((2, 5, 16), (2, 5, 5))
    """

    q_proj_weight: Any
    k_proj_weight: Any
    v_proj_weight: Any
    in_proj_weight: Any
    in_proj_bias: Any
    bias_k: Any
    bias_v: Any

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"MultiheadAttention: embed_dim and num_heads must be greater than 0, got {embed_dim} and {num_heads}"
            )
        if embed_dim % num_heads:
            raise ValueError(f"MultiheadAttention: embed_dim={embed_dim} must be divisible by num_heads={num_heads}")
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        self.add_zero_attn = add_zero_attn
        together = self.kdim == embed_dim and self.vdim == embed_dim
        shapes = {
            "q_proj_weight": None if together else (embed_dim, embed_dim),
            "k_proj_weight": None if together else (embed_dim, self.kdim),
            "v_proj_weight": None if together else (embed_dim, self.vdim),
            "in_proj_weight": (3 * embed_dim, embed_dim) if together else None,
            "in_proj_bias": (3 * embed_dim,) if bias else None,
            "bias_k": (1, 1, embed_dim) if add_bias_kv else None,
            "bias_v": (1, 1, embed_dim) if add_bias_kv else None,
        }
        for name, shape in shapes.items():
            empty = None if shape is None else Parameter(create.empty(shape, dtype=dtype, device=device))
            self.register_parameter(name, empty)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias, device, dtype)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Draws the parameters anew (but for out_proj's weight)."""
        for name, parameter in self.named_parameters(recurse=False):
            if name.endswith("weight"):
                init.xavier_uniform_(parameter)
            elif name == "in_proj_bias":
                init.zeros_(parameter)
            else:
                init.xavier_normal_(parameter)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The result, and the attention weights.

        Args:
            query: [queries, batch, embed_dim] (see ``batch_first``), or [queries, embed_dim].
            key: [keys, batch, kdim], or [keys, kdim].
            value: [keys, batch, vdim], or [keys, vdim].
            key_padding_mask: [batch, keys] (or [keys]): bool, True for a key that nobody sees; or numbers that are
                added to the scores.
            need_weights: also give the weights, which takes memory for all of them. Without, attention is fused.
            attn_mask: [queries, keys] or [batch · heads, queries, keys]: bool, True where a query does not see a key;
                or numbers that are added.
            average_attn_weights: the weights as a mean over the heads, [batch, queries, keys]; else
                [batch, heads, queries, keys].
            is_causal: says that ``attn_mask`` hides all later keys, so that the fused way need not read it.

        Returns:
            The result in the layout of the query, and the weights or None.

        Raises:
            RuntimeError: when shapes do not fit, or for ``is_causal`` without a mask.
        """
        batched = len(query.shape) == 3
        self._check(query, key, value, key_padding_mask)
        if is_causal and attn_mask is None:
            raise RuntimeError("MultiheadAttention: is_causal says what attn_mask is; give the mask too")
        swapped = batched and not self.batch_first
        same_keys, same_query = value is key, query is key
        if not batched:
            query, key, value = (unsqueeze(x, 0) for x in (query, key, value))
            key_padding_mask = None if key_padding_mask is None else unsqueeze(key_padding_mask, 0)
        elif swapped:
            query, key, value = (transpose(x, 0, 1) for x in (query, key, value))
        batch, queries, _ = query.shape
        mask = self._mask("attn_mask", attn_mask, query)
        if mask is not None:
            full = (batch * self.num_heads, queries, key.shape[1])
            if mask.shape not in (full, full[1:]):
                raise RuntimeError(
                    f"MultiheadAttention: attn_mask has shape {mask.shape}, expected {full[1:]} or {full}"
                )
            mask = reshape(mask, (batch, self.num_heads, *full[1:])) if len(mask.shape) == 3 else mask
        padding = self._mask("key_padding_mask", key_padding_mask, query)
        q, k, v = self._heads(query, key, value, same_keys and same_query, same_keys)
        k, v, extra = self._extended(k, v)
        if extra:
            mask, padding = (
                x if x is None else cat([x, create.zeros((*x.shape[:-1], extra), dtype=x.dtype)], -1)
                for x in (mask, padding)
            )
        causal = is_causal and padding is None and not need_weights
        if causal:
            mask = None
        if padding is not None:
            padding = reshape(padding, (batch, 1, 1, k.shape[2]))
            mask = padding if mask is None else mask + padding
        dropout = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            heads, weights = _with_weights(q, k, v, mask, dropout)
            weights = mean(weights, 1) if average_attn_weights else weights
        else:
            heads = scaled_dot_product_attention(q, k, v, mask, dropout, causal)
        out = self.out_proj(reshape(transpose(heads, 1, 2), (batch, queries, self.embed_dim)))
        if not batched:
            return reshape(out, (queries, self.embed_dim)), None if weights is None else reshape(
                weights, weights.shape[1:]
            )
        return transpose(out, 0, 1) if swapped else out, weights

    def _check(self, query: Any, key: Any, value: Any, key_padding_mask: Any) -> None:
        """Dimensions and sizes of what is given."""
        dims = len(query.shape)
        shapes = f"query {query.shape}, key {key.shape}, value {value.shape}"
        if dims not in (2, 3) or len(key.shape) != dims or len(value.shape) != dims:
            raise RuntimeError(f"MultiheadAttention: expects all 3-D, or all 2-D without batch, got {shapes}")
        wanted = (self.embed_dim, self.kdim, self.vdim)
        if (query.shape[-1], key.shape[-1], value.shape[-1]) != wanted:
            raise RuntimeError(f"MultiheadAttention: {shapes} must end in the sizes {wanted}")
        batch_dim, length_dim = (0, 1) if self.batch_first and dims == 3 else (1, 0)
        lengths_agree = key.shape[length_dim] == value.shape[length_dim]
        if not lengths_agree or (dims == 3 and len({x.shape[batch_dim] for x in (query, key, value)}) > 1):
            raise RuntimeError(f"MultiheadAttention: {shapes} do not fit together")
        if key_padding_mask is not None:
            expected = key.shape[:1] if dims == 2 else (key.shape[batch_dim], key.shape[length_dim])
            if key_padding_mask.shape != expected:
                raise RuntimeError(
                    f"MultiheadAttention: key_padding_mask has shape {key_padding_mask.shape}, expected {expected}"
                )

    @staticmethod
    def _mask(name: str, mask: Tensor | None, query: Tensor) -> Tensor | None:
        """The mask as what is added to the scores."""
        if mask is None:
            return None
        if not isinstance(mask, Value) or (mask.dtype is not engine.bool_ and not mask.dtype.is_floating_point):
            raise TypeError(f"MultiheadAttention: {name} must be bool or floating-point, got {describe(mask)}")
        if mask.dtype is engine.bool_:
            return where(mask, create.full((), -math.inf, dtype=query.dtype), create.zeros((), dtype=query.dtype))
        return mask.to(query.dtype)

    def _heads(
        self, query: Tensor, key: Tensor, value: Tensor, all_same: bool, same_keys: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values projected: [batch, heads, length, head_dim]. What has one input has one product."""
        size, weight, bias = self.embed_dim, self.in_proj_weight, self.in_proj_bias

        def projected(x: Tensor, count: int, w: Any, b: Any) -> tuple[Tensor, ...]:
            together = F.linear(x, w, b)
            shape = (*x.shape[:2], count, self.num_heads, self.head_dim)
            return tuple(transpose(part, 1, 2) for part in take_apart(reshape(together, shape), 2))

        def part(x: Any, start: int, count: int) -> Any:
            return None if x is None else narrow(x, 0, start * size, count * size)

        if weight is None:
            single = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
            q, k, v = (projected(x, 1, single[i], part(bias, i, 1))[0] for i, x in enumerate((query, key, value)))
        elif all_same:
            q, k, v = projected(query, 3, weight, bias)
        elif same_keys:
            (q,) = projected(query, 1, part(weight, 0, 1), part(bias, 0, 1))
            k, v = projected(key, 2, part(weight, 1, 2), part(bias, 1, 2))
        else:
            inputs = enumerate((query, key, value))
            q, k, v = (projected(x, 1, part(weight, i, 1), part(bias, i, 1))[0] for i, x in inputs)
        return q, k, v

    def _extended(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, int]:
        """Keys and values with the learned one and the zeros behind them, and how many those are."""
        extra = 0
        batch = k.shape[0]
        one = (batch, self.num_heads, 1, self.head_dim)
        if self.bias_k is not None:
            k, v = (
                cat([x, expand(reshape(b, (1, *one[1:])), one)], 2) for x, b in ((k, self.bias_k), (v, self.bias_v))
            )
            extra += 1
        if self.add_zero_attn:
            k, v = (cat([x, create.zeros(one, dtype=x.dtype)], 2) for x in (k, v))
            extra += 1
        return k, v, extra


def _with_weights(q: Tensor, k: Tensor, v: Tensor, mask: Any, dropout: float) -> tuple[Tensor, Tensor]:
    """Attention with all weights in memory."""
    scores = matmul(q * math.sqrt(1 / q.shape[3]), transpose(k, 2, 3))
    weights = softmax(scores if mask is None else scores + mask, 3)
    if dropout:
        weights = F.dropout(weights, dropout)
    return matmul(weights, v), weights
