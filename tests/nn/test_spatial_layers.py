"""Convolution, pooling, padding and resampling layers: what their functions compute, with PyTorch's parameters."""

import math

import numpy as np
import pytest

import lucid
from lucid import nn
from lucid.autograd import gradcheck, gradgradcheck
from lucid.nn import functional as F

rng = np.random.default_rng(25)


def double(*shape):
    return lucid.tensor(rng.standard_normal(shape), requires_grad=True)


# layer, the shape of its input, the same by functions
LAYERS = {
    "Conv1d": (
        lambda: nn.Conv1d(2, 4, 3, 2, 1, 2, 2),
        (1, 2, 9),
        lambda m, x: F.conv1d(x, m.weight, m.bias, 2, 1, 2, 2),
    ),
    "Conv1d, same, mirrored": (
        lambda: nn.Conv1d(2, 3, 4, padding="same", padding_mode="reflect"),
        (1, 2, 6),
        lambda m, x: F.conv1d(F.pad(x, (1, 2), "reflect"), m.weight, m.bias),
    ),
    "Conv1d, ring, without batch": (
        lambda: nn.Conv1d(2, 3, 3, padding=3, padding_mode="circular", bias=False),
        (2, 4),
        lambda m, x: F.conv1d(F.pad(x, (3, 3), "circular"), m.weight),
    ),
    "Conv2d, repeated edge": (
        lambda: nn.Conv2d(1, 2, 3, 2, (1, 2), padding_mode="replicate"),
        (1, 1, 4, 5),
        lambda m, x: F.conv2d(F.pad(x, (2, 2, 1, 1), "replicate"), m.weight, m.bias, 2),
    ),
    "Conv2d, valid ring": (
        lambda: nn.Conv2d(1, 2, 2, padding="valid", padding_mode="circular"),
        (1, 1, 3, 4),
        lambda m, x: F.conv2d(x, m.weight, m.bias),
    ),
    "ConvTranspose1d": (
        lambda: nn.ConvTranspose1d(4, 2, 3, 2, 1, 1, 2, dilation=2),
        (1, 4, 4),
        lambda m, x: F.conv_transpose1d(x, m.weight, m.bias, 2, 1, 1, 2, 2),
    ),
    "ConvTranspose2d": (
        lambda: nn.ConvTranspose2d(2, 3, (3, 2), (2, 1), (1, 0), (1, 0), bias=False),
        (1, 2, 3, 3),
        lambda m, x: F.conv_transpose2d(x, m.weight, None, (2, 1), (1, 0), (1, 0)),
    ),
    "MaxPool1d": (
        lambda: nn.MaxPool1d(3, 2, 1, 1, ceil_mode=True),
        (1, 2, 6),
        lambda m, x: F.max_pool1d(x, 3, 2, 1, 1, True),
    ),
    "AvgPool1d": (
        lambda: nn.AvgPool1d(3, 2, 1, True, False),
        (1, 2, 6),
        lambda m, x: F.avg_pool1d(x, 3, 2, 1, True, False),
    ),
    "AvgPool2d": (
        lambda: nn.AvgPool2d((2, 3), None, 1, divisor_override=5),
        (1, 2, 6, 7),
        lambda m, x: F.avg_pool2d(x, (2, 3), padding=1, divisor_override=5),
    ),
    "LPPool1d": (lambda: nn.LPPool1d(3, 2), (1, 2, 6), lambda m, x: F.lp_pool1d(x * x, 3, 2)),
    "LPPool2d": (lambda: nn.LPPool2d(3, 2, 1), (1, 2, 4, 4), lambda m, x: F.lp_pool2d(x * x, 3, 2, 1)),
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(4), (1, 2, 6), lambda m, x: F.adaptive_avg_pool1d(x, 4)),
    "AdaptiveAvgPool2d": (
        lambda: nn.AdaptiveAvgPool2d((None, 2)),
        (1, 2, 3, 5),
        lambda m, x: F.adaptive_avg_pool2d(x, (3, 2)),
    ),
    "AdaptiveMaxPool1d": (lambda: nn.AdaptiveMaxPool1d(4), (1, 2, 6), lambda m, x: F.adaptive_max_pool1d(x, 4)),
    "AdaptiveMaxPool2d": (lambda: nn.AdaptiveMaxPool2d(2), (2, 3, 5), lambda m, x: F.adaptive_max_pool2d(x, 2)),
    "ConstantPad1d": (lambda: nn.ConstantPad1d((1, -1), 2.5), (1, 3), lambda m, x: F.pad(x, (1, -1), value=2.5)),
    "ConstantPad2d": (lambda: nn.ConstantPad2d(1, -1.0), (2, 3), lambda m, x: F.pad(x, (1,) * 4, value=-1.0)),
    "ZeroPad1d": (lambda: nn.ZeroPad1d(2), (2, 3), lambda m, x: F.pad(x, (2, 2))),
    "ZeroPad2d": (lambda: nn.ZeroPad2d((0, 1, 2, 3)), (2, 3), lambda m, x: F.pad(x, (0, 1, 2, 3))),
    "ReflectionPad1d": (lambda: nn.ReflectionPad1d(2), (2, 3), lambda m, x: F.pad(x, (2, 2), "reflect")),
    "ReflectionPad2d": (lambda: nn.ReflectionPad2d(1), (2, 3, 3), lambda m, x: F.pad(x, (1,) * 4, "reflect")),
    "ReplicationPad1d": (lambda: nn.ReplicationPad1d((0, 4)), (2, 3), lambda m, x: F.pad(x, (0, 4), "replicate")),
    "ReplicationPad2d": (lambda: nn.ReplicationPad2d(2), (1, 2, 2), lambda m, x: F.pad(x, (2,) * 4, "replicate")),
    "CircularPad1d": (lambda: nn.CircularPad1d((3, 1)), (2, 3), lambda m, x: F.pad(x, (3, 1), "circular")),
    "CircularPad2d": (lambda: nn.CircularPad2d(2), (1, 2, 3), lambda m, x: F.pad(x, (2,) * 4, "circular")),
    "Upsample": (
        lambda: nn.Upsample(None, (2, 1.5), "bilinear", True),
        (1, 1, 2, 3),
        lambda m, x: F.interpolate(x, (4, 4), mode="bilinear", align_corners=True),
    ),
    "UpsamplingNearest2d": (lambda: nn.UpsamplingNearest2d(3), (1, 1, 2, 2), lambda m, x: F.interpolate(x, 3)),
    "UpsamplingBilinear2d": (
        lambda: nn.UpsamplingBilinear2d(scale_factor=2),
        (1, 1, 2, 2),
        lambda m, x: F.interpolate(x, 4, mode="bilinear", align_corners=True),
    ),
    "PixelShuffle": (lambda: nn.PixelShuffle(2), (1, 4, 2, 2), lambda m, x: F.pixel_shuffle(x, 2)),
    "PixelUnshuffle": (lambda: nn.PixelUnshuffle(2), (1, 1, 4, 2), lambda m, x: F.pixel_unshuffle(x, 2)),
    "ChannelShuffle": (lambda: nn.ChannelShuffle(2), (1, 4, 3), lambda m, x: F.channel_shuffle(x, 2)),
    "Unfold": (lambda: nn.Unfold(2, (1, 2), 1, 2), (1, 2, 3, 4), lambda m, x: F.unfold(x, 2, (1, 2), 1, 2)),
    "Fold": (lambda: nn.Fold((3, 4), 2), (1, 8, 6), lambda m, x: F.fold(x, (3, 4), 2)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    make, shape, by_functions = LAYERS[name]
    layer, x = make().double(), double(*shape)
    powers = name.startswith("LPPool")  # roots of sums: of squares, so that no sum is negative
    f = lambda x, *_: layer(x * x if powers else x)  # noqa: E731
    np.testing.assert_allclose(f(x).detach().numpy(), by_functions(layer, x).detach().numpy(), rtol=1e-12, atol=1e-13)
    inputs = (x, *layer.parameters())
    assert gradcheck(f, inputs) and gradgradcheck(f, inputs)


@pytest.mark.parametrize(
    ("make", "fan_in"),
    [
        (lambda: nn.Conv1d(8, 32, 5, groups=2), 4 * 5),
        (lambda: nn.Conv2d(4, 32, (3, 5)), 4 * 15),
        (lambda: nn.ConvTranspose1d(32, 8, 5, groups=2), 4 * 5),
        (lambda: nn.ConvTranspose2d(32, 8, 3), 8 * 9),
    ],
)
def test_parameters_start_uniform(make, fan_in):
    layer, bound = make(), 1 / math.sqrt(fan_in)
    assert list(layer.state_dict()) == ["weight", "bias"]
    weight = layer.weight.detach().numpy()
    assert np.abs(weight).max() <= bound and np.abs(layer.bias.detach().numpy()).max() <= bound
    assert abs(weight.std() - bound / math.sqrt(3)) < 0.1 * bound and abs(weight.mean()) < 0.1 * bound


def test_output_size():
    layer = nn.ConvTranspose2d(2, 3, 3, stride=(2, 3), padding=1)
    x = lucid.randn(1, 2, 4, 5)
    assert layer(x).shape == (1, 3, 7, 13)
    for size in [(8, 15), (7, 14), (1, 3, 8, 13)]:
        assert layer(x, output_size=size).shape == (1, 3, *size[-2:])
    for size in [(9, 13), (7, 12), (7,), (3, 7, 13)]:
        with pytest.raises(ValueError, match="ConvTranspose2d: output_size"):
            layer(x, output_size=size)


def test_texts():
    for layer, text in [
        (nn.Conv1d(2, 4, 3, padding="same", padding_mode="reflect"),
         "Conv1d(2, 4, kernel_size=(3,), stride=(1,), padding=same, padding_mode=reflect)"),
        (nn.ConvTranspose2d(2, 4, 3, 2, 1, (1, 0), 2, False, 2),
         "ConvTranspose2d(2, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), dilation=(2, 2), "
         "output_padding=(1, 0), groups=2, bias=False)"),
        (nn.AvgPool1d(3), "AvgPool1d(kernel_size=(3,), stride=(3,), padding=(0,))"),
        (nn.LPPool2d(1.5, (2, 3), 2, True), "LPPool2d(norm_type=1.5, kernel_size=(2, 3), stride=2, ceil_mode=True)"),
        (nn.AdaptiveAvgPool2d((None, 4)), "AdaptiveAvgPool2d(output_size=(None, 4))"),
        (nn.ConstantPad1d(2, 3.5), "ConstantPad1d(padding=(2, 2), value=3.5)"),
        (nn.ZeroPad2d((1, 1, 0, 0)), "ZeroPad2d((1, 1, 0, 0))"),
        (nn.Upsample(scale_factor=2), "Upsample(scale_factor=2.0, mode='nearest')"),
        (nn.Fold((4, 5), 2, stride=2), "Fold(output_size=(4, 5), kernel_size=2, dilation=1, padding=0, stride=2)"),
    ]:  # fmt: skip
        assert repr(layer) == text


def test_errors():
    for call, message in [
        (lambda: nn.Conv1d(2, 3, 3, padding="same", stride=2), "Conv1d: padding='same' needs stride 1"),
        (lambda: nn.Conv1d(2, 3, (3, 3)), r"Conv1d: kernel_size.*\(3, 3\)"),
        (lambda: nn.Conv2d(2, 3, 3, padding_mode="mirror"), "Conv2d: padding_mode.*'mirror'"),
        (lambda: nn.ConvTranspose2d(2, 3, 3, padding_mode="reflect"), "ConvTranspose2d: padding_mode.*'reflect'"),
        (lambda: nn.ConvTranspose1d(2, 3, 3, padding="same"), "ConvTranspose1d: padding.*'same'"),
        (lambda: nn.ConvTranspose1d(2, 3, 3, output_padding=1)(lucid.ones(1, 2, 4)), "output_padding"),
        (lambda: nn.ReflectionPad1d((1, 2, 3))(lucid.ones(2, 4)), r"pad.*\(1, 2, 3\)"),
        (lambda: nn.Upsample()(lucid.ones(1, 1, 2)), "size or scale_factor"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
