"""Layers that make images larger or smaller, rearrange them, or cut them into windows."""

from __future__ import annotations

from typing import Any

from lucid.nn import functional as F  # noqa: N812
from lucid.nn.module import Module
from lucid.tensor import Tensor


class Upsample(Module):
    """Signals, images or volumes made larger or smaller; see :func:`lucid.nn.functional.interpolate`.

    Args:
        size: of the result, one number or one a side.
        scale_factor: instead of it, what the sides are multiplied by.
        mode: "nearest", "linear", "bilinear", "bicubic" or "trilinear".
        align_corners: whether the middles of the outermost pixels stay where they are.
        recompute_scale_factor: positions are worked out from the sizes and not from ``scale_factor``.

    Example:
        >>> import lucid
        >>> lucid.nn.Upsample(scale_factor=2, mode="bilinear")(lucid.randn(8, 3, 14, 14)).shape
        (8, 3, 28, 28)
    """

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size = size
        if isinstance(scale_factor, tuple | list):
            self.scale_factor: Any = tuple(float(factor) for factor in scale_factor)
        else:
            self.scale_factor = None if scale_factor is None else float(scale_factor)
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        """[batch, channels, ...] → [batch, channels, *size]."""
        return F.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self) -> str:
        """The size and the mode."""
        size = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{size}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Images made larger or smaller in mode "nearest".

    Args:
        size: of the result, one number or (height, width).
        scale_factor: instead of it, what the sides are multiplied by.

    Example:
        >>> import lucid
        >>> lucid.nn.UpsamplingNearest2d(scale_factor=2)(lucid.randn(8, 3, 14, 14)).shape
        (8, 3, 28, 28)
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """Images made larger or smaller in mode "bilinear" with ``align_corners=True``.

    Args:
        size: of the result, one number or (height, width).
        scale_factor: instead of it, what the sides are multiplied by.

    Example:
        >>> import lucid
        >>> lucid.nn.UpsamplingBilinear2d((1, 3))(lucid.tensor([[[[0.0, 4.0]]]])).tolist()
        [[[[0.0, 2.0, 4.0]]]]
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "bilinear", align_corners=True)


class PixelShuffle(Module):
    """Channels become pixels; see :func:`lucid.nn.functional.pixel_shuffle`.

    Args:
        upscale_factor: r.

    Example:
        >>> import lucid
        >>> lucid.nn.PixelShuffle(2)(lucid.randn(1, 12, 4, 5)).shape
        (1, 3, 8, 10)
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """[..., c·r², h, w] → [..., c, h·r, w·r]."""
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        """The factor."""
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Pixels become channels; see :func:`lucid.nn.functional.pixel_unshuffle`.

    Args:
        downscale_factor: r.

    Example:
        >>> import lucid
        >>> lucid.nn.PixelUnshuffle(2)(lucid.randn(1, 3, 8, 10)).shape
        (1, 12, 4, 5)
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """[..., c, h·r, w·r] → [..., c·r², h, w]."""
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        """The factor."""
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """Channels dealt out anew, one of each group in turn; see :func:`lucid.nn.functional.channel_shuffle`.

    Args:
        groups: how many groups of channels there are.

    Example:
        >>> import lucid
        >>> lucid.nn.ChannelShuffle(2)(lucid.arange(6).reshape(1, 6, 1)).flatten().tolist()
        [0, 3, 1, 4, 2, 5]
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        """[batch, channels, ...] → the same shape."""
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        """The groups."""
        return f"groups={self.groups}"


class Unfold(Module):
    """All windows of images, each as a column; see :func:`lucid.nn.functional.unfold`.

    Args:
        kernel_size: the window, one number or (height, width).
        dilation: steps between the window's elements.
        padding: zeros around the input.
        stride: steps between windows.

    Example:
        >>> import lucid
        >>> lucid.nn.Unfold(3, padding=1)(lucid.randn(8, 2, 5, 5)).shape
        (8, 18, 25)
    """

    def __init__(self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """[batch, channels, height, width] → [batch, channels · window, windows]."""
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """The options."""
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """Columns added up to images; see :func:`lucid.nn.functional.fold`.

    Args:
        output_size: of the images, one number or (height, width).
        kernel_size: the window, one number or (height, width).
        dilation: steps between the window's elements.
        padding: zeros around the images, what falls on them is dropped.
        stride: steps between windows.

    Example:
        >>> import lucid
        >>> lucid.nn.Fold((5, 5), 3, padding=1)(lucid.randn(8, 18, 25)).shape
        (8, 2, 5, 5)
    """

    def __init__(
        self, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """[batch, channels · window, windows] → [batch, channels, *output_size]."""
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """The options."""
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )
