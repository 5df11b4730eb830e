"""The transformer (Vaswani et al., "Attention is all you need", 2017) and its layers."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

from lucid.autograd.graph import Value
from lucid.nn import functional as F  # noqa: N812
from lucid.nn import init
from lucid.nn.attention import MultiheadAttention
from lucid.nn.container import ModuleList
from lucid.nn.dropout import Dropout
from lucid.nn.linear import Linear
from lucid.nn.module import Module
from lucid.nn.norm import LayerNorm
from lucid.ops import create
from lucid.tensor import Tensor

_NAMED = {"relu": F.relu, "gelu": F.gelu}


def _activation(operation: str, activation: Any) -> Any:
    if isinstance(activation, str):
        if activation not in _NAMED:
            raise RuntimeError(f"{operation}: activation must be 'relu', 'gelu' or a function, got {activation!r}")
        return _NAMED[activation]
    return activation


def _says_causal(mask: Tensor | None, is_causal: bool | None) -> bool:
    """Whether a mask is the causal one: as the caller says, or by looking at it."""
    if is_causal is not None or mask is None:
        return is_causal is True
    if not mask.dtype.is_floating_point or len(mask.shape) != 2 or mask.shape[0] != mask.shape[1]:
        return False
    causal = Transformer.generate_square_subsequent_mask(mask.shape[0], dtype=mask.dtype)
    return bool((mask == causal).all())


class _Layer(Module):
    """What both kinds of layers share: the block of two linear layers, and where the normalization goes."""

    linear1: Linear
    linear2: Linear
    dropout: Dropout
    activation: Callable[[Tensor], Tensor]
    norm_first: bool

    def _block(self, x: Tensor, norm: Module, inside: Callable[[Tensor], Tensor]) -> Tensor:
        """x + inside(norm(x)), or norm(x + inside(x))."""
        return x + inside(norm(x)) if self.norm_first else norm(x + inside(x))

    def _feed_forward(self, x: Tensor, last: Dropout) -> Tensor:
        linear = self.linear1
        fused = "relu" if self.activation is F.relu else "gelu" if self.activation is F.gelu else None
        if fused and not linear._call_hooks:
            x = F.linear(x, linear.weight, linear.bias, fused)
        else:
            x = self.activation(linear(x))
        return last(self.linear2(self.dropout(x)))


class TransformerEncoderLayer(_Layer):
    """Self-attention, then two linear layers; each with dropout, added to its input, and normalized.

    Args:
        d_model: size of the elements.
        nhead: heads of the attention.
        dim_feedforward: size between the two linear layers.
        dropout: probability, at all places.
        activation: "relu", "gelu" or a function, between the linear layers.
        layer_norm_eps: eps of the normalizations.
        batch_first: [batch, length, d_model] instead of [length, batch, d_model].
        norm_first: normalize what goes into each part, not what comes out.
        bias: whether linear layers and normalizations have biases.
        device: ``"cpu"``.
        dtype: of the parameters; float32.

    Example:
        >>> import lucid
        >>> lucid.nn.TransformerEncoderLayer(16, 4, 32)(lucid.randn(5, 2, 16)).shape
        (5, 2, 16)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Any = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **place)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **place)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **place)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = _activation("TransformerEncoderLayer", activation)

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """The sequence after the layer; the masks are :class:`MultiheadAttention`'s."""

        def attend(x: Tensor) -> Tensor:
            found, _ = self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)
            return self.dropout1(found)

        x = self._block(src, self.norm1, attend)
        return self._block(x, self.norm2, lambda x: self._feed_forward(x, self.dropout2))


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to the encoder's result, then two linear layers; arguments as the encoder layer's.

    Example:
        >>> import lucid
        >>> layer = lucid.nn.TransformerDecoderLayer(16, 4, 32)
        >>> layer(lucid.randn(5, 2, 16), lucid.randn(7, 2, 16)).shape
        (5, 2, 16)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Any = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **place)
        self.multihead_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **place)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **place)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **place)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place)
        self.norm3 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = _activation("TransformerDecoderLayer", activation)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The sequence ``tgt`` after the layer, having looked at ``memory``; the masks are MultiheadAttention's."""

        def attend(x: Tensor) -> Tensor:
            found, _ = self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)
            return self.dropout1(found)

        def look(x: Tensor) -> Tensor:
            found, _ = self.multihead_attn(
                x, memory, memory, memory_key_padding_mask, False, memory_mask, is_causal=memory_is_causal
            )
            return self.dropout2(found)

        x = self._block(tgt, self.norm1, attend)
        x = self._block(x, self.norm2, look)
        return self._block(x, self.norm3, lambda x: self._feed_forward(x, self.dropout3))


class TransformerEncoder(Module):
    """Several encoder layers, copies of one, and a normalization behind them.

    Args:
        encoder_layer: the layer to be copied.
        num_layers: how many copies.
        norm: a module for the result, or None.
        enable_nested_tensor: for PyTorch a permission to leave padding out in evaluation; it changes no result that is
            not padding, and here nothing.
        mask_check: the same.

    Example:
        >>> import lucid
        >>> layer = lucid.nn.TransformerEncoderLayer(16, 4, 32)
        >>> lucid.nn.TransformerEncoder(layer, 2)(lucid.randn(5, 2, 16)).shape
        (5, 2, 16)
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """The sequence after all layers. ``is_causal`` says that ``mask`` is the causal one; None: look at it."""
        causal = _says_causal(mask, is_causal)
        for layer in self.layers:
            src = layer(src, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=causal)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """Several decoder layers, copies of one, and a normalization behind them.

    Args:
        decoder_layer: the layer to be copied.
        num_layers: how many copies.
        norm: a module for the result, or None.
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(decoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The sequence ``tgt`` after all layers; arguments as the layer's."""
        causal = _says_causal(tgt_mask, tgt_is_causal)
        for layer in self.layers:
            tgt = layer(
                tgt,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=causal,
                memory_is_causal=memory_is_causal,
            )
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """Encoder and decoder: ``tgt`` looks at what the encoder made of ``src``.

    Args:
        d_model: size of the elements.
        nhead: heads of the attentions.
        num_encoder_layers: layers of the encoder.
        num_decoder_layers: layers of the decoder.
        dim_feedforward: size between the two linear layers of each.
        dropout: probability, at all places.
        activation: "relu", "gelu" or a function.
        custom_encoder: a module in the encoder's place.
        custom_decoder: a module in the decoder's place.
        layer_norm_eps: eps of the normalizations.
        batch_first: [batch, length, d_model] instead of [length, batch, d_model].
        norm_first: normalize what goes into each part, not what comes out.
        bias: whether linear layers and normalizations have biases.
        device: ``"cpu"``.
        dtype: of the parameters; float32.

    All matrices begin Xavier-uniform.

    Example:
        >>> import lucid
        >>> model = lucid.nn.Transformer(16, 4, 1, 1, 32)
        >>> model(lucid.randn(7, 2, 16), lucid.randn(5, 2, 16)).shape
        (5, 2, 16)
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Any = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options = (
            d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias, device,
            dtype,
        )  # fmt: skip

        def norm() -> LayerNorm:
            return LayerNorm(d_model, eps=layer_norm_eps, bias=bias, device=device, dtype=dtype)

        if custom_encoder is None:
            custom_encoder = TransformerEncoder(TransformerEncoderLayer(*options), num_encoder_layers, norm())
        if custom_decoder is None:
            custom_decoder = TransformerDecoder(TransformerDecoderLayer(*options), num_decoder_layers, norm())
        self.encoder = custom_encoder
        self.decoder = custom_decoder
        for parameter in self.parameters():
            if len(parameter.shape) > 1:
                init.xavier_uniform_(parameter)
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """[source length, batch, d_model] and [target length, batch, d_model] → the latter's shape.

        Raises:
            RuntimeError: when batches or sizes differ.
        """
        if not isinstance(src, Value) or not isinstance(tgt, Value) or len(src.shape) != len(tgt.shape):
            raise RuntimeError("Transformer: src and tgt must be tensors of as many dimensions")
        batch_dim = 0 if self.batch_first else 1
        if len(src.shape) == 3 and src.shape[batch_dim] != tgt.shape[batch_dim]:
            raise RuntimeError(
                f"Transformer: the batch number of src and tgt must be equal, got shapes {src.shape} and {tgt.shape}"
            )
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError(
                f"Transformer: the feature number of src and tgt must be d_model={self.d_model}, "
                f"got shapes {src.shape} and {tgt.shape}"
            )
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        out: Tensor = self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )
        return out

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """The causal mask [sz, sz]: −∞ above the diagonal, 0 elsewhere.

        Example:
            >>> import lucid
            >>> lucid.nn.Transformer.generate_square_subsequent_mask(2).tolist()
            [[0.0, -inf], [0.0, 0.0]]
        """
        return create.triu(create.full((sz, sz), -math.inf, dtype=dtype, device=device), 1)
