"""lucid.nn.functional: what it offers, and that functions, methods and operations are the same."""

import inspect

import numpy as np
import pytest

import lucid
from lucid.nn import functional as F

NAMES = [
    "binary_cross_entropy_with_logits",
    "conv2d",
    "cross_entropy",
    "dropout",
    "embedding",
    "gelu",
    "linear",
    "log_softmax",
    "max_pool2d",
    "mse_loss",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "tanh",
]
# The parameters that PyTorch's functions have and that are called by name; lucid may have more.
PYTORCH = {
    "binary_cross_entropy_with_logits": "input target weight reduction pos_weight",
    "conv2d": "input weight bias stride padding dilation groups",
    "cross_entropy": "input target weight ignore_index reduction label_smoothing",
    "dropout": "input p training inplace",
    "embedding": "input weight",
    "gelu": "input approximate",
    "linear": "input weight bias",
    "log_softmax": "input dim dtype",
    "max_pool2d": "input kernel_size stride padding dilation ceil_mode return_indices",
    "mse_loss": "input target reduction",
    "relu": "input",
    "sigmoid": "input",
    "silu": "input",
    "softmax": "input dim dtype",
    "tanh": "input",
}
DEFAULTS = {
    "conv2d": {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1},
    "cross_entropy": {"weight": None, "ignore_index": -100, "reduction": "mean", "label_smoothing": 0.0},
    "dropout": {"p": 0.5, "training": True, "inplace": False},
    "gelu": {"approximate": "none"},
    "max_pool2d": {"stride": None, "padding": 0, "dilation": 1, "ceil_mode": False, "return_indices": False},
    "mse_loss": {"reduction": "mean"},
}


@pytest.mark.parametrize("name", NAMES)
def test_signatures(name):
    assert name in F.__all__
    function = getattr(F, name)
    parameters = inspect.signature(function).parameters
    positions = [list(parameters).index(p) for p in PYTORCH[name].split()]
    assert positions == sorted(positions), "parameters come in PyTorch's order"
    for parameter, default in DEFAULTS.get(name, {}).items():
        assert parameters[parameter].default == default
    assert function.__doc__ and len(function.__doc__.splitlines()[0]) > 10


def test_same_as_operations_and_methods():
    x = lucid.randn(3, 4)
    for name in ("relu", "sigmoid", "tanh"):
        want = getattr(lucid, name)(x).tolist()
        assert getattr(F, name)(x).tolist() == want and getattr(x, name)().tolist() == want
    for name in ("softmax", "log_softmax"):
        want = getattr(lucid, name)(x, 1).tolist()
        assert getattr(F, name)(x, dim=1).tolist() == want and getattr(x, name)(-1).tolist() == want
    np.testing.assert_allclose(F.softmax(x, 1).sum(1).numpy(), 1, rtol=1e-6)
    np.testing.assert_allclose(F.log_softmax(x, 0).exp().numpy(), F.softmax(x, 0).numpy(), rtol=1e-5)
    assert F.softmax(x.long(), 0, dtype=lucid.float64).dtype is lucid.float64


def test_losses_agree():
    """Two classes are the binary cross entropy of the difference; one-hot probabilities are class numbers."""
    x, t = lucid.randn(6, 2, dtype=lucid.float64), lucid.tensor([0, 1, 1, 0, 1, 0])
    binary = F.binary_cross_entropy_with_logits(x[:, 1] - x[:, 0], t.double())
    assert F.cross_entropy(x, t).item() == pytest.approx(binary.item(), rel=1e-14)
    y, u = lucid.randn(6, 5, dtype=lucid.float64), lucid.randint(5, (6,))
    for options in ({}, {"label_smoothing": 0.3}, {"reduction": "none"}, {"reduction": "sum"}):
        by_class, by_probability = (F.cross_entropy(y, target, **options) for target in (u, lucid.eye(5).double()[u]))
        np.testing.assert_allclose(by_class.numpy(), by_probability.numpy(), rtol=1e-13)
    logs = F.log_softmax(y, 1).gather(1, u.reshape(6, 1))
    assert F.cross_entropy(y, u).item() == pytest.approx(-logs.mean().item(), rel=1e-14)


def test_convolution_is_a_matrix_product():
    """A kernel as large as the image is the linear map; one by one it mixes channels; a linear layer is both."""
    x, w, b = lucid.randn(4, 3, 5, 6), lucid.randn(7, 3, 5, 6), lucid.randn(7)
    by_conv = F.conv2d(x, w, b).flatten(1).numpy()
    np.testing.assert_allclose(by_conv, F.linear(x.flatten(1), w.flatten(1), b).numpy(), rtol=1e-4, atol=1e-4)
    k = lucid.randn(7, 3, 1, 1)
    mixed = (k.reshape(7, 3) @ x.reshape(4, 3, 30)).reshape(4, 7, 5, 6)
    np.testing.assert_allclose(F.conv2d(x, k).numpy(), mixed.numpy(), rtol=1e-4, atol=1e-5)
