"""lucid.nn.functional: what it offers, and that functions, methods and operations are the same."""

import inspect

import numpy as np
import pytest

import lucid
from lucid.nn import functional as F

# The parameters that PyTorch's functions have and that are called by name; lucid may have more.
PYTORCH = {
    "alpha_dropout": "input p training inplace",
    "batch_norm": "input running_mean running_var weight bias training momentum eps",
    "bilinear": "input1 input2 weight bias",
    "binary_cross_entropy": "input target weight reduction",
    "binary_cross_entropy_with_logits": "input target weight reduction pos_weight",
    "celu": "input alpha inplace",
    "conv2d": "input weight bias stride padding dilation groups",
    "cosine_embedding_loss": "input1 input2 target margin reduction",
    "cosine_similarity": "x1 x2 dim eps",
    "cross_entropy": "input target weight ignore_index reduction label_smoothing",
    "dropout": "input p training inplace",
    "dropout1d": "input p training inplace",
    "dropout2d": "input p training inplace",
    "elu": "input alpha inplace",
    "embedding": "input weight",
    "gaussian_nll_loss": "input target var full eps reduction",
    "gelu": "input approximate",
    "glu": "input dim",
    "group_norm": "input num_groups weight bias eps",
    "hardshrink": "input lambd",
    "hardsigmoid": "input inplace",
    "hardswish": "input inplace",
    "hardtanh": "input min_val max_val inplace",
    "huber_loss": "input target reduction delta weight",
    "instance_norm": "input running_mean running_var weight bias use_input_stats momentum eps",
    "kl_div": "input target reduction log_target",
    "l1_loss": "input target reduction weight",
    "layer_norm": "input normalized_shape weight bias eps",
    "leaky_relu": "input negative_slope inplace",
    "linear": "input weight bias",
    "log_softmax": "input dim dtype",
    "logsigmoid": "input",
    "margin_ranking_loss": "input1 input2 target margin reduction",
    "max_pool2d": "input kernel_size stride padding dilation ceil_mode return_indices",
    "mish": "input inplace",
    "mse_loss": "input target reduction",
    "nll_loss": "input target weight ignore_index reduction",
    "normalize": "input p dim eps",
    "one_hot": "tensor num_classes",
    "pairwise_distance": "x1 x2 p eps keepdim",
    "poisson_nll_loss": "input target log_input full eps reduction",
    "prelu": "input weight",
    "relu": "input",
    "relu6": "input inplace",
    "rms_norm": "input normalized_shape weight eps",
    "selu": "input inplace",
    "sigmoid": "input",
    "silu": "input",
    "smooth_l1_loss": "input target reduction beta",
    "soft_margin_loss": "input target reduction",
    "softmax": "input dim dtype",
    "softmin": "input dim dtype",
    "softplus": "input beta threshold",
    "softshrink": "input lambd",
    "softsign": "input",
    "tanh": "input",
    "tanhshrink": "input",
    "threshold": "input threshold value inplace",
    "triplet_margin_loss": "anchor positive negative margin p eps swap reduction",
}
NAMES = list(PYTORCH)
DEFAULTS = {
    "alpha_dropout": {"p": 0.5, "training": False, "inplace": False},
    "batch_norm": {"weight": None, "bias": None, "training": False, "momentum": 0.1, "eps": 1e-05},
    "binary_cross_entropy": {"weight": None, "reduction": "mean"},
    "celu": {"alpha": 1.0, "inplace": False},
    "cosine_embedding_loss": {"margin": 0, "reduction": "mean"},
    "dropout1d": {"p": 0.5, "training": True, "inplace": False},
    "dropout2d": {"p": 0.5, "training": True, "inplace": False},
    "elu": {"alpha": 1.0, "inplace": False},
    "gaussian_nll_loss": {"full": False, "eps": 1e-06, "reduction": "mean"},
    "glu": {"dim": -1},
    "group_norm": {"weight": None, "bias": None, "eps": 1e-05},
    "hardsigmoid": {"inplace": False},
    "hardswish": {"inplace": False},
    "hardtanh": {"min_val": -1.0, "max_val": 1.0, "inplace": False},
    "huber_loss": {"reduction": "mean", "delta": 1.0, "weight": None},
    "instance_norm": {
        "running_mean": None,
        "running_var": None,
        "weight": None,
        "bias": None,
        "use_input_stats": True,
        "momentum": 0.1,
        "eps": 1e-05,
    },
    "kl_div": {"reduction": "mean", "log_target": False},
    "l1_loss": {"reduction": "mean", "weight": None},
    "layer_norm": {"weight": None, "bias": None, "eps": 1e-05},
    "leaky_relu": {"negative_slope": 0.01, "inplace": False},
    "margin_ranking_loss": {"margin": 0, "reduction": "mean"},
    "mish": {"inplace": False},
    "nll_loss": {"weight": None, "ignore_index": -100, "reduction": "mean"},
    "normalize": {"p": 2.0, "dim": 1, "eps": 1e-12},
    "poisson_nll_loss": {"log_input": True, "full": False, "eps": 1e-08, "reduction": "mean"},
    "relu6": {"inplace": False},
    "rms_norm": {"weight": None, "eps": None},
    "selu": {"inplace": False},
    "smooth_l1_loss": {"reduction": "mean", "beta": 1.0},
    "soft_margin_loss": {"reduction": "mean"},
    "threshold": {"inplace": False},
    "triplet_margin_loss": {"margin": 1.0, "p": 2, "eps": 1e-06, "swap": False, "reduction": "mean"},
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
