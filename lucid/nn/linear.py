"""Linear layer, and what only changes the shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lucid.errors import ArgumentError
from lucid.nn import functional as F  # noqa: N812
from lucid.nn import init
from lucid.nn.module import Module
from lucid.ops import create
from lucid.ops.view import wrap_dim
from lucid.tensor import Parameter, Tensor


class Identity(Module):
    """Gives its input back. Any arguments are accepted and not used, so that it can take another layer's place."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        """The input."""
        return input


class Linear(Module):
    """y = x Wᵀ + b.

    Args:
        in_features: size of the last dimension of the input.
        out_features: size of the last dimension of the result.
        bias: whether there is a b.
        dtype: of the parameters; float32.
        device: ``"cpu"``.

    Attributes:
        weight: [out_features, in_features], uniform from ±1/√in_features.
        bias: [out_features], the same; or None.

    Example:
        >>> import lucid
        >>> lucid.nn.Linear(20, 30)(lucid.randn(128, 20)).shape
        (128, 30)
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(create.empty(out_features, in_features, dtype=dtype, device=device))
        if bias:
            self.bias: Any = Parameter(create.empty(out_features, dtype=dtype, device=device))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the parameters anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """[..., in_features] → [..., out_features]."""
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """y_k = x₁ᵀ A_k x₂ + b_k.

    Args:
        in1_features: size of the last dimension of x₁.
        in2_features: size of the last dimension of x₂.
        out_features: size of the last dimension of the result.
        bias: whether there is a b.
        device: ``"cpu"``.
        dtype: of the parameters; float32.

    Attributes:
        weight: [out_features, in1_features, in2_features], uniform from ±1/√in1_features.
        bias: [out_features], the same; or None.

    Raises:
        ValueError: for in1_features below 1.

    Example:
        >>> import lucid
        >>> lucid.nn.Bilinear(20, 30, 40)(lucid.randn(128, 20), lucid.randn(128, 30)).shape
        (128, 40)
    """

    bias: Any

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in1_features < 1:
            raise ValueError(f"Bilinear: in1_features must be at least 1, got {in1_features}")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = Parameter(create.empty(out_features, in1_features, in2_features, dtype=dtype, device=device))
        made = Parameter(create.empty(out_features, dtype=dtype, device=device)) if bias else None
        self.register_parameter("bias", made)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the parameters anew."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        """[..., in1_features] and [..., in2_features] → [..., out_features]."""
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class Flatten(Module):
    """Dimensions start_dim to end_dim joined into one.

    Args:
        start_dim: the first of them.
        end_dim: the last of them.
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        """[batch, ...] → [batch, all the rest]."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The dimensions."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """One dimension split into several.

    Args:
        dim: the dimension.
        unflattened_size: the sizes it is split into; one may be -1.

    Raises:
        TypeError: for sizes that are not ints (dimensions have no names here).

    Example:
        >>> import lucid
        >>> lucid.nn.Unflatten(1, (2, 3))(lucid.ones(4, 6)).shape
        (4, 2, 3)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        if not isinstance(dim, int):
            raise TypeError(f"Unflatten: dim must be an int, got {dim!r}")
        if not isinstance(unflattened_size, tuple | list) or not all(isinstance(n, int) for n in unflattened_size):
            raise TypeError(f"Unflatten: unflattened_size must be a tuple of ints, got {unflattened_size!r}")
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        """[..., n, ...] → [..., *unflattened_size, ...]."""
        shape = input.shape
        dim = wrap_dim("Unflatten", self.dim, len(shape))
        if -1 not in self.unflattened_size and math.prod(self.unflattened_size) != shape[dim]:
            raise ArgumentError(
                f"Unflatten: dimension {self.dim} of shape {shape} cannot be split into {tuple(self.unflattened_size)}"
            )
        return input.reshape(*shape[:dim], *self.unflattened_size, *shape[dim + 1 :])

    def extra_repr(self) -> str:
        """The dimension and the sizes."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
