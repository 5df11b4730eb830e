"""Normalisation layers."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Sequence
from typing import Any

from lucid.nn import functional as F  # noqa: N812
from lucid.nn import init
from lucid.nn.module import Module
from lucid.ops import create
from lucid.tensor import Parameter, Tensor


def _affine(module: Module, shape: tuple[int, ...], weight: bool, bias: bool, device: Any, dtype: Any) -> None:
    """Gives the module a weight and a bias of that shape, or None in their places."""
    for name, wanted in (("weight", weight), ("bias", bias)):
        made = Parameter(create.empty(shape, dtype=dtype, device=device)) if wanted else None
        module.register_parameter(name, made)


def _reset(module: Any) -> None:
    """Weight 1, bias 0."""
    if module.weight is not None:
        init.ones_(module.weight)
    if getattr(module, "bias", None) is not None:
        init.zeros_(module.bias)


class _NormalizedShape(Module):
    """What LayerNorm and RMSNorm share: the shape that is normalised together."""

    weight: Any
    bias: Any

    def __init__(self, normalized_shape: int | Sequence[int], eps: float | None, elementwise_affine: bool) -> None:
        super().__init__()
        one = isinstance(normalized_shape, numbers.Integral)
        self.normalized_shape: tuple[int, ...] = (normalized_shape,) if one else tuple(normalized_shape)  # type: ignore
        self.eps: Any = eps
        self.elementwise_affine = elementwise_affine

    def reset_parameters(self) -> None:
        """Weight 1, bias 0."""
        _reset(self)

    def extra_repr(self) -> str:
        """The options."""
        text = f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        return f"{text}, bias={self.bias is not None}" if hasattr(self, "bias") else text


class LayerNorm(_NormalizedShape):
    """(x − mean) / √(var + eps) · weight + bias over the last dimensions; see :func:`lucid.nn.functional.layer_norm`.

    Args:
        normalized_shape: their sizes.
        eps: added to the variance.
        elementwise_affine: whether there are weight and bias.
        bias: whether there is a bias.
        device: ``"cpu"``.
        dtype: of the parameters; float32.

    Attributes:
        weight: [*normalized_shape], 1 at the start; or None.
        bias: [*normalized_shape], 0 at the start; or None.

    Example:
        >>> import lucid
        >>> lucid.nn.LayerNorm(4)(lucid.randn(2, 3, 4)).shape
        (2, 3, 4)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(normalized_shape, eps, elementwise_affine)
        _affine(self, self.normalized_shape, elementwise_affine, elementwise_affine and bias, device, dtype)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        """[..., *normalized_shape] → the same shape."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)


class RMSNorm(_NormalizedShape):
    """x / √(mean(x²) + eps) · weight over the last dimensions; see :func:`lucid.nn.functional.rms_norm`.

    Args:
        normalized_shape: their sizes.
        eps: added to the mean square; None: machine epsilon.
        elementwise_affine: whether there is a weight.
        device: ``"cpu"``.
        dtype: of the parameter; float32.

    Attributes:
        weight: [*normalized_shape], 1 at the start; or None.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(normalized_shape, eps, elementwise_affine)
        made = (
            Parameter(create.empty(self.normalized_shape, dtype=dtype, device=device)) if elementwise_affine else None
        )
        self.register_parameter("weight", made)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        """[..., *normalized_shape] → the same shape."""
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)


class GroupNorm(Module):
    """Groups of channels normalised, sample by sample; see :func:`lucid.nn.functional.group_norm`.

    Args:
        num_groups: into how many groups the channels are cut.
        num_channels: how many channels there are.
        eps: added to the variance.
        affine: whether there are weight and bias.
        device: ``"cpu"``.
        dtype: of the parameters; float32.
        bias: whether there is a bias.

    Raises:
        ValueError: when the channels cannot be cut into equal groups.
    """

    weight: Any
    bias: Any

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_groups < 1 or num_channels % num_groups:
            raise ValueError(f"GroupNorm: {num_channels} channels cannot be cut into {num_groups} equal groups")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        _affine(self, (num_channels,), affine, affine and bias, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1, bias 0."""
        _reset(self)

    def forward(self, input: Tensor) -> Tensor:
        """[batch, channels, ...] → the same shape."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The options."""
        text = f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"
        return f"{text}, bias={self.bias is not None}"


class _ChannelNorm(Module):
    """What batch and instance norm share: parameters and running statistics of each channel."""

    weight: Any
    bias: Any
    running_mean: Any
    running_var: Any
    num_batches_tracked: Any
    dims: tuple[int, ...]  # how many dimensions an input may have

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        device: Any,
        dtype: Any,
        bias: bool,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        _affine(self, (num_features,), affine, affine and bias, device, dtype)
        tracked = (
            create.zeros(num_features, dtype=dtype, device=device),
            create.ones(num_features, dtype=dtype, device=device),
            create.tensor(0, dtype="int64", device=device),
        )
        for name, value in zip(("running_mean", "running_var", "num_batches_tracked"), tracked, strict=True):
            self.register_buffer(name, value if track_running_stats else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Running mean 0, running variance 1, no batch counted."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Weight 1, bias 0, and the running statistics as at the start."""
        self.reset_running_stats()
        _reset(self)

    def _check_input_dim(self, input: Tensor) -> None:
        if len(input.shape) not in self.dims:
            wanted = " or ".join(f"{n}D" for n in self.dims)
            raise ValueError(f"{type(self).__name__}: expected {wanted} input, got shape {input.shape}")

    def extra_repr(self) -> str:
        """The options."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_ChannelNorm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        """[batch, channels, ...] → the same shape. In training the running statistics move."""
        self._check_input_dim(input)
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                momentum = 1.0 / float(self.num_batches_tracked)
        tracked = not self.training or self.track_running_stats
        own = self.training or (self.running_mean is None and self.running_var is None)
        return F.batch_norm(
            input,
            self.running_mean if tracked else None,
            self.running_var if tracked else None,
            self.weight,
            self.bias,
            own,
            momentum,
            self.eps,
        )


_BATCH_NORM = """Each channel normalised over the batch; see :func:`lucid.nn.functional.batch_norm`.

    Input {shapes}. In training by the batch's own mean and variance; after ``eval()`` by the running ones.

    Args:
        num_features: channels.
        eps: added to the variance.
        momentum: how far the running statistics move at each batch; None: they are the average of all batches.
        affine: whether there are weight and bias.
        track_running_stats: whether running statistics are kept; without them the batch's own are always used.
        device: ``"cpu"``.
        dtype: of the parameters and statistics; float32.
        bias: whether there is a bias.

    Attributes:
        weight: [channels], 1 at the start; or None.
        bias: [channels], 0 at the start; or None.
        running_mean: [channels], 0 at the start; or None.
        running_var: [channels], 1 at the start; or None.
        num_batches_tracked: how many batches they have seen; or None.

    Example:
        >>> import lucid
        >>> layer = lucid.nn.{name}(3)
        >>> layer(lucid.randn({example})).shape
        ({example})
        >>> layer.num_batches_tracked.item()
        1
    """


class BatchNorm1d(_BatchNorm):  # noqa: D101 (written below)
    __doc__ = _BATCH_NORM.format(
        shapes="[batch, channels] or [batch, channels, length]", name="BatchNorm1d", example="5, 3"
    )
    dims = (2, 3)


class BatchNorm2d(_BatchNorm):  # noqa: D101 (written below)
    __doc__ = _BATCH_NORM.format(shapes="[batch, channels, height, width]", name="BatchNorm2d", example="5, 3, 2, 2")
    dims = (4,)


class _InstanceNorm(_ChannelNorm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        """[batch, channels, ...] or, without a batch, [channels, ...] → the same shape."""
        self._check_input_dim(input)
        single = len(input.shape) == self.dims[0]
        channels = input.shape[0 if single else 1]
        if channels != self.num_features:
            text = f"{type(self).__name__}: input {input.shape} has {channels} channels, not {self.num_features}"
            if self.affine or self.track_running_stats:
                raise ValueError(text)
            warnings.warn(f"{text}; without affine and running statistics this changes nothing", stacklevel=2)
        out = F.instance_norm(
            input.unsqueeze(0) if single else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return out.squeeze(0) if single else out


_INSTANCE_NORM = """Each channel of each sample normalised; see :func:`lucid.nn.functional.instance_norm`.

    Input {shapes}.

    Args:
        num_features: channels.
        eps: added to the variance.
        momentum: how far the running statistics move at each batch.
        affine: whether there are weight and bias.
        track_running_stats: whether running statistics are kept, and used after ``eval()``.
        device: ``"cpu"``.
        dtype: of the parameters and statistics; float32.
        bias: whether there is a bias.

    Example:
        >>> import lucid
        >>> lucid.nn.{name}(3)(lucid.randn({example})).shape
        ({example})
    """


class InstanceNorm1d(_InstanceNorm):  # noqa: D101 (written below)
    __doc__ = _INSTANCE_NORM.format(
        shapes="[batch, channels, length] or [channels, length]", name="InstanceNorm1d", example="5, 3, 4"
    )
    dims = (2, 3)


class InstanceNorm2d(_InstanceNorm):  # noqa: D101 (written below)
    __doc__ = _INSTANCE_NORM.format(
        shapes="[batch, channels, height, width] or [channels, height, width]",
        name="InstanceNorm2d",
        example="5, 3, 2, 2",
    )
    dims = (3, 4)
