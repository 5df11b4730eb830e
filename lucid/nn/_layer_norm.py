"""Layer normalization for the transformer layers, composed of operations."""

from __future__ import annotations

from typing import Any

from lucid.nn.module import Module
from lucid.ops import create
from lucid.tensor import Parameter, Tensor


class LayerNorm(Module):
    """(x − mean) / √(var + eps) · weight + bias over the last dimension (Ba, Kiros and Hinton 2016).

    Args:
        normalized_shape: its size.
        eps: added to the variance.
        bias: whether there is a bias.
        device: ``"cpu"``.
        dtype: of the parameters; float32.
    """

    bias: Any

    def __init__(
        self, normalized_shape: int, eps: float = 1e-5, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.eps = eps
        self.weight = Parameter(create.ones((normalized_shape,), dtype=dtype, device=device))
        zeros = Parameter(create.zeros((normalized_shape,), dtype=dtype, device=device)) if bias else None
        self.register_parameter("bias", zeros)

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        centred = input - input.mean(-1, True)
        scaled = centred / (centred.square().mean(-1, True) + self.eps).sqrt() * self.weight
        return scaled if self.bias is None else scaled + self.bias
