"""Pooling layers."""

from __future__ import annotations

from typing import Any

from lucid.nn import functional as F  # noqa: N812
from lucid.nn.module import Module
from lucid.ops.conv import several
from lucid.tensor import Tensor


class _MaxPool(Module):
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

    def extra_repr(self) -> str:
        """The options."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest element in each window; see :func:`lucid.nn.functional.max_pool1d`.

    Args:
        kernel_size: the window.
        stride: steps between windows; the window's size when None.
        padding: −∞ at both ends.
        dilation: steps between the window's elements.
        return_indices: also give the positions.
        ceil_mode: let a last window reach over the edge.

    Example:
        >>> import lucid
        >>> lucid.nn.MaxPool1d(2)(lucid.tensor([[1.0, 3.0, 2.0, 0.0]])).tolist()
        [[3.0, 2.0]]
    """

    def forward(self, input: Tensor) -> Any:
        """[batch, channels, length] → [batch, channels, out_length]."""
        return F.max_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


class MaxPool2d(_MaxPool):
    """The largest element in each window; see :func:`lucid.nn.functional.max_pool2d`.

    Args:
        kernel_size: the window, one number or (height, width).
        stride: steps between windows; the window's size when None.
        padding: −∞ around the input.
        dilation: steps between the window's elements.
        return_indices: also give the positions.
        ceil_mode: let a last window reach over the edge.

    Example:
        >>> import lucid
        >>> lucid.nn.MaxPool2d(2)(lucid.randn(8, 16, 28, 28)).shape
        (8, 16, 14, 14)
    """

    def forward(self, input: Tensor) -> Any:
        """[batch, channels, height, width] → [batch, channels, out_height, out_width]."""
        return F.max_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


class AvgPool1d(Module):
    """The mean of each window; see :func:`lucid.nn.functional.avg_pool1d`.

    Args:
        kernel_size: the window.
        stride: steps between windows; the window's size when None.
        padding: zeros at both ends.
        ceil_mode: let a last window reach over the edge.
        count_include_pad: whether the zeros count as numbers of the window.

    Example:
        >>> import lucid
        >>> lucid.nn.AvgPool1d(2)(lucid.tensor([[1.0, 3.0, 2.0, 0.0]])).tolist()
        [[2.0, 1.0]]
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = several("AvgPool1d", "kernel_size", kernel_size, 1, 1)
        self.stride = self.kernel_size if stride is None else several("AvgPool1d", "stride", stride, 1, 1)
        self.padding = several("AvgPool1d", "padding", padding, 1, 0)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """[batch, channels, length] → [batch, channels, out_length]."""
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        """The window."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(Module):
    """The mean of each window; see :func:`lucid.nn.functional.avg_pool2d`.

    Args:
        kernel_size: the window, one number or (height, width).
        stride: steps between windows; the window's size when None.
        padding: zeros around the input.
        ceil_mode: let a last window reach over the edge.
        count_include_pad: whether the zeros count as numbers of the window.
        divisor_override: divide the sums by this.

    Example:
        >>> import lucid
        >>> lucid.nn.AvgPool2d(2)(lucid.ones(8, 16, 28, 28)).shape
        (8, 16, 14, 14)
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """[batch, channels, height, width] → [batch, channels, out_height, out_width]."""
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        """The window."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _LPPool(Module):
    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        """The options."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The p-norm of each window; see :func:`lucid.nn.functional.lp_pool1d`.

    Args:
        norm_type: p.
        kernel_size: the window.
        stride: steps between windows; the window's size when None.
        ceil_mode: let a last window reach over the edge.

    Example:
        >>> import lucid
        >>> lucid.nn.LPPool1d(2, 2)(lucid.tensor([[3.0, 4.0]])).tolist()
        [[5.0]]
    """

    def forward(self, input: Tensor) -> Tensor:
        """[batch, channels, length] → [batch, channels, out_length]."""
        return F.lp_pool1d(input, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)


class LPPool2d(_LPPool):
    """The p-norm of each window; see :func:`lucid.nn.functional.lp_pool2d`.

    Args:
        norm_type: p.
        kernel_size: the window, one number or (height, width).
        stride: steps between windows; the window's size when None.
        ceil_mode: let a last window reach over the edge.

    Example:
        >>> import lucid
        >>> lucid.nn.LPPool2d(2, 2)(lucid.ones(1, 2, 4)).tolist()
        [[[2.0, 2.0]]]
    """

    def forward(self, input: Tensor) -> Tensor:
        """[batch, channels, height, width] → [batch, channels, out_height, out_width]."""
        return F.lp_pool2d(input, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)


class _AdaptivePool(Module):
    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        """The size."""
        return f"output_size={self.output_size}"


class _AdaptiveMaxPool(_AdaptivePool):
    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveAvgPool1d(_AdaptivePool):
    """The means of a given number of windows; see :func:`lucid.nn.functional.adaptive_avg_pool1d`.

    Args:
        output_size: windows.

    Example:
        >>> import lucid
        >>> lucid.nn.AdaptiveAvgPool1d(2)(lucid.tensor([[1.0, 3.0, 2.0, 0.0]])).tolist()
        [[2.0, 1.0]]
    """

    def forward(self, input: Tensor) -> Tensor:
        """[batch, channels, length] → [batch, channels, output_size]."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptivePool):
    """The means of a given number of windows; see :func:`lucid.nn.functional.adaptive_avg_pool2d`.

    Args:
        output_size: windows, one number or (height, width); None for as many as there are rows or columns.

    Example:
        >>> import lucid
        >>> lucid.nn.AdaptiveAvgPool2d((1, None))(lucid.ones(8, 64, 9, 7)).shape
        (8, 64, 1, 7)
    """

    def forward(self, input: Tensor) -> Tensor:
        """[batch, channels, height, width] → [batch, channels, *output_size]."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest elements of a given number of windows; see :func:`lucid.nn.functional.adaptive_max_pool1d`.

    Args:
        output_size: windows.
        return_indices: also give the positions.

    Example:
        >>> import lucid
        >>> lucid.nn.AdaptiveMaxPool1d(2)(lucid.tensor([[1.0, 3.0, 2.0, 0.0]])).tolist()
        [[3.0, 2.0]]
    """

    def forward(self, input: Tensor) -> Any:
        """[batch, channels, length] → [batch, channels, output_size]."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest elements of a given number of windows; see :func:`lucid.nn.functional.adaptive_max_pool2d`.

    Args:
        output_size: windows, one number or (height, width); None for as many as there are rows or columns.
        return_indices: also give the positions.

    Example:
        >>> import lucid
        >>> lucid.nn.AdaptiveMaxPool2d(1)(lucid.ones(8, 64, 9, 7)).shape
        (8, 64, 1, 1)
    """

    def forward(self, input: Tensor) -> Any:
        """[batch, channels, height, width] → [batch, channels, *output_size]."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)
