"""Padding layers."""

from __future__ import annotations

from typing import Any

from lucid.nn import functional as F  # noqa: N812
from lucid.nn.module import Module
from lucid.tensor import Tensor


class _Pad(Module):
    """Subclasses say in how many dimensions they pad, and how."""

    dims: int
    mode: str

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = (padding,) * 2 * self.dims if isinstance(padding, int) else tuple(padding)

    def forward(self, input: Tensor) -> Tensor:
        """The padded input."""
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        """The padding."""
        return f"{self.padding}"


class _ConstantPad(_Pad):
    mode = "constant"

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """The padded input."""
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        """The padding and the number."""
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The padding."""
        return f"{self.padding}"


class ConstantPad1d(_ConstantPad):
    """A number put at both ends of signals. See :func:`lucid.nn.functional.pad`.

    Args:
        padding: how many: one number or (left, right); a negative one takes numbers away.
        value: the number.

    Example:
        >>> import lucid
        >>> lucid.nn.ConstantPad1d(1, 7.0)(lucid.tensor([[[1.0, 2.0, 3.0]]])).tolist()
        [[[7.0, 1.0, 2.0, 3.0, 7.0]]]
    """

    dims = 1


class ConstantPad2d(_ConstantPad):
    """A number put around images. See :func:`lucid.nn.functional.pad`.

    Args:
        padding: how many: one number or (left, right, top, bottom); a negative one takes numbers away.
        value: the number.

    Example:
        >>> import lucid
        >>> lucid.nn.ConstantPad2d((1, 1, 0, 0), 7.0)(lucid.tensor([[[1.0, 2.0, 3.0]]])).tolist()
        [[[7.0, 1.0, 2.0, 3.0, 7.0]]]
    """

    dims = 2


class ZeroPad1d(_ZeroPad):
    """Zeros put at both ends of signals. See :func:`lucid.nn.functional.pad`.

    Args:
        padding: how many: one number or (left, right); a negative one takes numbers away.

    Example:
        >>> import lucid
        >>> lucid.nn.ZeroPad1d(1)(lucid.tensor([[[1.0, 2.0, 3.0]]])).tolist()
        [[[0.0, 1.0, 2.0, 3.0, 0.0]]]
    """

    dims = 1


class ZeroPad2d(_ZeroPad):
    """Zeros put around images. See :func:`lucid.nn.functional.pad`.

    Args:
        padding: how many: one number or (left, right, top, bottom); a negative one takes numbers away.

    Example:
        >>> import lucid
        >>> lucid.nn.ZeroPad2d((1, 1, 0, 0))(lucid.tensor([[[1.0, 2.0, 3.0]]])).tolist()
        [[[0.0, 1.0, 2.0, 3.0, 0.0]]]
    """

    dims = 2


class ReflectionPad1d(_Pad):
    """The input mirrored at both ends of signals; the edge is not repeated. See :func:`lucid.nn.functional.pad`.

    Args:
        padding: how many: one number or (left, right); each below the size of the side.

    Example:
        >>> import lucid
        >>> lucid.nn.ReflectionPad1d(1)(lucid.tensor([[[1.0, 2.0, 3.0]]])).tolist()
        [[[2.0, 1.0, 2.0, 3.0, 2.0]]]
    """

    dims = 1
    mode = "reflect"


class ReflectionPad2d(_Pad):
    """The input mirrored around images; the edge is not repeated. See :func:`lucid.nn.functional.pad`.

    Args:
        padding: how many: one number or (left, right, top, bottom); each below the size of the side.

    Example:
        >>> import lucid
        >>> lucid.nn.ReflectionPad2d((1, 1, 0, 0))(lucid.tensor([[[1.0, 2.0, 3.0]]])).tolist()
        [[[2.0, 1.0, 2.0, 3.0, 2.0]]]
    """

    dims = 2
    mode = "reflect"


class ReplicationPad1d(_Pad):
    """The edge of the input repeated at both ends of signals. See :func:`lucid.nn.functional.pad`.

    Args:
        padding: how many: one number or (left, right); a negative one takes numbers away.

    Example:
        >>> import lucid
        >>> lucid.nn.ReplicationPad1d(1)(lucid.tensor([[[1.0, 2.0, 3.0]]])).tolist()
        [[[1.0, 1.0, 2.0, 3.0, 3.0]]]
    """

    dims = 1
    mode = "replicate"


class ReplicationPad2d(_Pad):
    """The edge of the input repeated around images. See :func:`lucid.nn.functional.pad`.

    Args:
        padding: how many: one number or (left, right, top, bottom); a negative one takes numbers away.

    Example:
        >>> import lucid
        >>> lucid.nn.ReplicationPad2d((1, 1, 0, 0))(lucid.tensor([[[1.0, 2.0, 3.0]]])).tolist()
        [[[1.0, 1.0, 2.0, 3.0, 3.0]]]
    """

    dims = 2
    mode = "replicate"


class CircularPad1d(_Pad):
    """The input's other end put at both ends of signals. See :func:`lucid.nn.functional.pad`.

    Args:
        padding: how many: one number or (left, right); each at most the size of the side.

    Example:
        >>> import lucid
        >>> lucid.nn.CircularPad1d(1)(lucid.tensor([[[1.0, 2.0, 3.0]]])).tolist()
        [[[3.0, 1.0, 2.0, 3.0, 1.0]]]
    """

    dims = 1
    mode = "circular"


class CircularPad2d(_Pad):
    """The input's other end put around images. See :func:`lucid.nn.functional.pad`.

    Args:
        padding: how many: one number or (left, right, top, bottom); each at most the size of the side.

    Example:
        >>> import lucid
        >>> lucid.nn.CircularPad2d((1, 1, 0, 0))(lucid.tensor([[[1.0, 2.0, 3.0]]])).tolist()
        [[[3.0, 1.0, 2.0, 3.0, 1.0]]]
    """

    dims = 2
    mode = "circular"
