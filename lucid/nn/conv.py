"""Convolution layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lucid.nn import functional as F  # noqa: N812
from lucid.nn import init
from lucid.nn.module import Module
from lucid.ops import create
from lucid.ops.conv import several
from lucid.tensor import Parameter, Tensor

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _Conv(Module):
    """What the layers share: options, parameters and how they start.

    Subclasses say how many dimensions they work in, and whether they are transposed.
    """

    dims: int
    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        output_padding: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: in_channels={in_channels} and out_channels={out_channels} must divide by groups={groups}"
            )
        if padding_mode not in PADDING_MODES:
            raise ValueError(f"{name}: padding_mode must be one of {', '.join(PADDING_MODES)}, got {padding_mode!r}")
        if self.transposed and padding_mode != "zeros":
            raise ValueError(f"{name}: padding_mode must be 'zeros' here, got {padding_mode!r}")
        if isinstance(padding, str) and (self.transposed or padding not in ("same", "valid")):
            names = "numbers" if self.transposed else "numbers, 'same' or 'valid'"
            raise ValueError(f"{name}: padding must be {names}, got {padding!r}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = several(name, "kernel_size", kernel_size, self.dims, 1)
        self.stride = several(name, "stride", stride, self.dims, 1)
        self.padding: Any = padding if isinstance(padding, str) else several(name, "padding", padding, self.dims, 0)
        self.dilation = several(name, "dilation", dilation, self.dims, 1)
        self.output_padding = several(name, "output_padding", output_padding, self.dims, 0)
        if padding == "same" and max(self.stride) > 1:
            raise ValueError(f"{name}: padding='same' needs stride 1, got {stride}")
        self.groups = groups
        self.padding_mode = padding_mode
        outer, inner = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = Parameter(create.empty((outer, inner // groups, *self.kernel_size), dtype=dtype, device=device))
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

    def padded(self, input: Tensor) -> tuple[Tensor, Any]:
        """The input with its padding, unless that is zeros; and the padding that is left to the convolution."""
        if self.padding_mode == "zeros" or self.padding == "valid":
            return input, self.padding
        if self.padding == "same":
            total = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            sides = [(n // 2, n - n // 2) for n in total]
        else:
            sides = [(n, n) for n in self.padding]
        return F.pad(input, [n for side in reversed(sides) for n in side], self.padding_mode), 0

    def extra_repr(self) -> str:
        """The sizes, and the options that are not the default."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        none, one = (0,) * self.dims, (1,) * self.dims
        if self.padding != none:
            text += f", padding={self.padding}"
        if self.dilation != one:
            text += f", dilation={self.dilation}"
        if self.output_padding != none:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        return text if self.padding_mode == "zeros" else text + f", padding_mode={self.padding_mode}"


class Conv1d(_Conv):
    """Cross-correlation of signals with learned kernels; see :func:`lucid.nn.functional.conv1d`.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result.
        kernel_size: numbers in a kernel.
        stride: steps between places.
        padding: numbers put at both ends, or "same" or "valid".
        dilation: steps between the kernel's elements.
        groups: the channels are split into so many groups that do not mix.
        bias: whether there is a bias per output channel.
        padding_mode: what is put there: "zeros", "reflect", "replicate" or "circular", see
            :func:`lucid.nn.functional.pad`.
        device: ``"cpu"``.
        dtype: of the parameters; float32.

    Attributes:
        weight: [out_channels, in_channels / groups, kernel_size], uniform from ±1/√fan_in.
        bias: [out_channels], the same; or None.

    Raises:
        ValueError: for options that do not fit.

    Example:
        >>> import lucid
        >>> lucid.nn.Conv1d(3, 16, 5, padding="same", padding_mode="circular")(lucid.randn(8, 3, 100)).shape
        (8, 16, 100)
    """

    dims = 1

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
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias, padding_mode, device,
            dtype,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        """[batch, in_channels, length] → [batch, out_channels, out_length]."""
        input, padding = self.padded(input)
        return F.conv1d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv2d(_Conv):
    """Cross-correlation of images with learned kernels; see :func:`lucid.nn.functional.conv2d`.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result.
        kernel_size: one number or (height, width).
        stride: steps between places.
        padding: rows and columns put around the input, or "same" or "valid".
        dilation: steps between the kernel's elements.
        groups: the channels are split into so many groups that do not mix.
        bias: whether there is a bias per output channel.
        padding_mode: what is put there: "zeros", "reflect", "replicate" or "circular", see
            :func:`lucid.nn.functional.pad`.
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

    dims = 2

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
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias, padding_mode, device,
            dtype,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        """[batch, in_channels, height, width] → [batch, out_channels, out_height, out_width]."""
        input, padding = self.padded(input)
        return F.conv2d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class _ConvTranspose(_Conv):
    transposed = True

    def needed_padding(self, input: Tensor, output_size: Sequence[int] | None) -> tuple[int, ...]:
        """The output_padding that gives a result of ``output_size``."""
        if output_size is None:
            return self.output_padding
        sides, name = input.shape[-self.dims :], type(self).__name__
        wanted = tuple(output_size)[-self.dims :] if len(output_size) == len(input.shape) else tuple(output_size)
        if len(wanted) != self.dims:
            raise ValueError(
                f"{name}: output_size must have {self.dims} or {len(input.shape)} sizes, got {output_size}"
            )
        least = tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for n, s, p, d, k in zip(sides, self.stride, self.padding, self.dilation, self.kernel_size, strict=True)
        )
        most = tuple(n + s - 1 for n, s in zip(least, self.stride, strict=True))
        if any(not low <= n <= high for low, n, high in zip(least, wanted, most, strict=True)):
            raise ValueError(
                f"{name}: output_size must be from {least} to {most} for input of shape {input.shape}, got {wanted}"
            )
        return tuple(n - low for n, low in zip(wanted, least, strict=True))


class ConvTranspose1d(_ConvTranspose):
    """Numbers of signals spread by learned kernels; see :func:`lucid.nn.functional.conv_transpose1d`.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result.
        kernel_size: numbers in a kernel.
        stride: steps between the places of neighbours in the result.
        padding: numbers cut off at both ends of the result.
        output_padding: numbers fewer cut off at its end; smaller than stride or dilation.
        groups: the channels are split into so many groups that do not mix.
        bias: whether there is a bias per output channel.
        dilation: steps between the kernel's elements.
        padding_mode: ``"zeros"``.
        device: ``"cpu"``.
        dtype: of the parameters; float32.

    Attributes:
        weight: [in_channels, out_channels / groups, kernel_size], uniform from ±1/√fan_in, where fan_in is
            out_channels / groups · kernel_size.
        bias: [out_channels], the same; or None.

    Raises:
        ValueError: for options that do not fit.

    Example:
        >>> import lucid
        >>> layer = lucid.nn.ConvTranspose1d(16, 3, 4, stride=2, padding=1)
        >>> layer(lucid.randn(8, 16, 50)).shape, layer(lucid.randn(8, 16, 50), output_size=[101]).shape
        ((8, 3, 100), (8, 3, 101))
    """

    dims = 1

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """[batch, in_channels, length] → [batch, out_channels, out_length].

        Args:
            input: the signals.
            output_size: the length of the result, where several are possible; instead of output_padding.
        """
        more = self.needed_padding(input, output_size)
        return F.conv_transpose1d(
            input, self.weight, self.bias, self.stride, self.padding, more, self.groups, self.dilation
        )


class ConvTranspose2d(_ConvTranspose):
    """Numbers of images spread by learned kernels; see :func:`lucid.nn.functional.conv_transpose2d`.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result.
        kernel_size: one number or (height, width).
        stride: steps between the places of neighbours in the result.
        padding: rows and columns cut off at all sides of the result.
        output_padding: rows and columns fewer cut off at its end; smaller than stride or dilation.
        groups: the channels are split into so many groups that do not mix.
        bias: whether there is a bias per output channel.
        dilation: steps between the kernel's elements.
        padding_mode: ``"zeros"``.
        device: ``"cpu"``.
        dtype: of the parameters; float32.

    Attributes:
        weight: [in_channels, out_channels / groups, height, width], uniform from ±1/√fan_in, where fan_in is
            out_channels / groups · height · width.
        bias: [out_channels], the same; or None.

    Raises:
        ValueError: for options that do not fit.

    Example:
        >>> import lucid
        >>> layer = lucid.nn.ConvTranspose2d(16, 3, 3, stride=2)
        >>> layer(lucid.randn(8, 16, 14, 14)).shape, layer(lucid.randn(8, 16, 14, 14), output_size=(30, 29)).shape
        ((8, 3, 29, 29), (8, 3, 30, 29))
    """

    dims = 2

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """[batch, in_channels, height, width] → [batch, out_channels, out_height, out_width].

        Args:
            input: the images.
            output_size: of the result, where several are possible; instead of output_padding.
        """
        more = self.needed_padding(input, output_size)
        return F.conv_transpose2d(
            input, self.weight, self.bias, self.stride, self.padding, more, self.groups, self.dilation
        )
