"""Normalisation layers: state, modes, running statistics, and how they print."""

import numpy as np
import pytest

import lucid
from lucid import nn


def test_state_and_text():
    keys = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    layer = nn.BatchNorm2d(3)
    assert list(layer.state_dict()) == keys
    assert repr(layer) == "BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)"
    assert layer.num_batches_tracked.dtype is lucid.int64 and layer.num_batches_tracked.shape == ()
    assert list(nn.BatchNorm1d(3, affine=False).state_dict()) == keys[2:]
    assert list(nn.BatchNorm1d(3, track_running_stats=False, bias=False).state_dict()) == keys[:1]
    assert list(nn.InstanceNorm1d(3).state_dict()) == []
    assert list(nn.InstanceNorm2d(3, affine=True, track_running_stats=True).state_dict()) == keys
    assert list(nn.LayerNorm((2, 3), bias=False).state_dict()) == ["weight"]
    assert list(nn.RMSNorm(4).state_dict()) == ["weight"] and nn.RMSNorm(4).weight.shape == (4,)
    assert repr(nn.LayerNorm(4)) == "LayerNorm((4,), eps=1e-05, elementwise_affine=True, bias=True)"
    assert repr(nn.RMSNorm(4)) == "RMSNorm((4,), eps=None, elementwise_affine=True)"
    assert repr(nn.GroupNorm(2, 4, affine=False)) == "GroupNorm(2, 4, eps=1e-05, affine=False, bias=False)"
    assert nn.GroupNorm(2, 4, dtype=lucid.float64).weight.dtype is lucid.float64


@pytest.mark.parametrize("momentum", [0.2, None])
def test_running_statistics(momentum):
    """With a momentum a moving average; with None the plain average over all batches. Fixed after eval()."""
    rng = np.random.default_rng(0)
    layer = nn.BatchNorm1d(2, momentum=momentum, dtype=lucid.float64)
    mean, var = np.zeros(2), np.ones(2)
    for step in range(1, 4):
        x = rng.standard_normal((5, 2)) + 3
        layer(lucid.tensor(x))
        m = momentum or 1 / step
        mean, var = (1 - m) * mean + m * x.mean(0), (1 - m) * var + m * x.var(0, ddof=1)
    assert layer.num_batches_tracked.item() == 3
    np.testing.assert_allclose(layer.running_mean.numpy(), mean)
    np.testing.assert_allclose(layer.running_var.numpy(), var)
    layer.eval()
    out = layer(lucid.tensor(x))
    np.testing.assert_allclose(out.detach().numpy(), (x - mean) / np.sqrt(var + 1e-5))
    assert layer.num_batches_tracked.item() == 3
    layer.reset_running_stats()
    assert layer.running_var.tolist() == [1, 1] and layer.num_batches_tracked.item() == 0


def test_without_running_statistics():
    x = lucid.randn(5, 2)
    layer = nn.BatchNorm1d(2, track_running_stats=False)
    trained = layer(x).tolist()
    assert layer.eval()(x).tolist() == trained


def test_instance_norm_without_batch():
    x = lucid.randn(3, 4, 5)
    for layer in (nn.InstanceNorm2d(3), nn.InstanceNorm2d(3, affine=True, track_running_stats=True)):
        np.testing.assert_allclose(layer(x).detach().numpy(), layer(x.unsqueeze(0)).detach().numpy()[0])
    with pytest.warns(UserWarning, match="4 channels, not 3"):
        nn.InstanceNorm1d(3)(lucid.randn(2, 4, 5))
    with pytest.raises(ValueError, match="4 channels, not 3"):
        nn.InstanceNorm1d(3, affine=True)(lucid.randn(2, 4, 5))


def test_errors():
    with pytest.raises(ValueError, match=r"BatchNorm2d: expected 4D input, got shape \(2, 3\)"):
        nn.BatchNorm2d(3)(lucid.ones(2, 3))
    with pytest.raises(ValueError, match="BatchNorm1d: expected 2D or 3D input"):
        nn.BatchNorm1d(3)(lucid.ones(3))
    with pytest.raises(ValueError, match="4 channels cannot be cut into 3"):
        nn.GroupNorm(3, 4)
