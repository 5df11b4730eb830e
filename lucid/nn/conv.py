"""Convolution and pooling layers."""

from __future__ import annotations

import math
from typing import Any

from lucid.nn import functional as F  # noqa: N812
from lucid.nn import init
from lucid.nn.module import Module
from lucid.ops import create
from lucid.ops.conv import pair
from lucid.tensor import Parameter, Tensor


class Conv2d(Module):
    """Cross-correlation of images with learned kernels; see :func:`lucid.nn.functional.conv2d`.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result.
        kernel_size: one number or (height, width).
        stride: steps between places.
        padding: zeros around the input, numbers, "same" or "valid".
        dilation: steps between the kernel's elements.
        groups: the channels are split into so many groups that do not mix.
        bias: whether there is a bias per output channel.
        padding_mode: ``"zeros"``; other modes are not there yet and refused.
        device: ``"cpu"``.
        dtype: of the parameters; float32.

    Attributes:
        weight: [out_channels, in_channels / groups, height, width], uniform from ±1/√fan_in.
        bias: [out_channels], the same; or None.

    Raises:
        ValueError: for options that do not fit.

    Example:
        >>> import lucid
        >>> lucid.nn.Conv2d(1, 16, 3, padding=1)(lucid.randn(8, 1, 28, 28)).shape
        (8, 16, 28, 28)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if padding_mode != "zeros":
            raise ValueError(
                f"Conv2d: padding_mode={padding_mode!r} is not there yet; pad with zeros, or pad the input"
            )
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"Conv2d: in_channels={in_channels} and out_channels={out_channels} must divide by groups={groups}"
            )
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ValueError(f"Conv2d: padding must be numbers, 'same' or 'valid', got {padding!r}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = pair("Conv2d", "kernel_size", kernel_size, 1)
        self.stride = pair("Conv2d", "stride", stride, 1)
        self.padding = padding if isinstance(padding, str) else pair("Conv2d", "padding", padding, 0)
        self.dilation = pair("Conv2d", "dilation", dilation, 1)
        self.groups = groups
        self.padding_mode = padding_mode
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = Parameter(create.empty(shape, dtype=dtype, device=device))
        if bias:
            self.bias: Any = Parameter(create.empty(out_channels, dtype=dtype, device=device))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the parameters anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in = init.fans(self.weight)[0]
            bound = 1 / math.sqrt(fan_in) if fan_in else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """[batch, in_channels, height, width] → [batch, out_channels, out_height, out_width]."""
        return F.conv2d(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        """The sizes, and the options that are not the default."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0, 0):
            text += f", padding={self.padding}"
        if self.dilation != (1, 1):
            text += f", dilation={self.dilation}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        return text if self.bias is not None else text + ", bias=False"


class MaxPool2d(Module):
    """The largest element in each window; see :func:`lucid.nn.functional.max_pool2d`.

    Args:
        kernel_size: the window, one number or (height, width).
        stride: steps between windows; the window's size when None.
        padding: −∞ around the input.
        dilation: steps between the window's elements.
        return_indices: also give the positions.
        ceil_mode: let a last window reach over the edge.
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        """[batch, channels, height, width] → [batch, channels, out_height, out_width]."""
        return F.max_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        """The options."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )
