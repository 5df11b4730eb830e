"""Initial values: bounds and moments as PyTorch's."""

import math

import numpy as np
import pytest
from scipy import stats

import lucid
from lucid import nn
from lucid.nn import init


def is_uniform(x, bound):
    """Within ±bound, near it at both ends, and evenly spread."""
    x = x.detach().numpy().astype(np.float64).reshape(-1)
    assert x.min() >= -bound and x.max() <= bound and x.max() > 0.97 * bound and x.min() < -0.97 * bound
    assert stats.kstest(x, stats.uniform(-bound, 2 * bound).cdf).pvalue > 1e-4


def is_normal(x, deviation):
    x = x.detach().numpy().astype(np.float64).reshape(-1)
    assert stats.kstest(x, stats.norm(0, deviation).cdf).pvalue > 1e-4


@pytest.mark.parametrize("dtype", [lucid.float32, lucid.float64], ids=repr)
def test_layers(dtype):
    """PyTorch: weight and bias of Linear and Conv2d from ±1/√fan_in, embeddings standard normal."""
    linear = nn.Linear(400, 300, dtype=dtype)
    is_uniform(linear.weight, 1 / math.sqrt(400))
    is_uniform(linear.bias, 1 / math.sqrt(400))
    conv = nn.Conv2d(8, 1000, (3, 5), groups=2, dtype=dtype)
    is_uniform(conv.weight, 1 / math.sqrt(4 * 15))
    is_uniform(conv.bias, 1 / math.sqrt(4 * 15))
    embedding = nn.Embedding(300, 40, dtype=dtype)
    is_normal(embedding.weight, 1)
    for module in (linear, conv, embedding):
        assert all(p.dtype is dtype and p.is_leaf and p.requires_grad for p in module.parameters())
        before = [p.tolist() for p in module.parameters()]
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
            assert [p.tolist() for p in module.parameters()] != before
    assert nn.Linear(0, 3).bias.tolist() == [0, 0, 0] and nn.Linear(3, 0).weight.shape == (0, 3)
    lucid.manual_seed(1)
    a = nn.Linear(3, 4)
    lucid.manual_seed(1)
    assert nn.Linear(3, 4).weight.tolist() == a.weight.tolist()


def test_distributions():
    w, k = lucid.empty(200, 300), lucid.empty(100, 20, 3, 4)
    assert init.fans(w) == (300, 200) and init.fans(k) == (240, 1200)
    is_uniform(init.xavier_uniform_(w), math.sqrt(6 / 500))
    is_uniform(init.xavier_uniform_(k, gain=2.0), 2 * math.sqrt(6 / 1440))
    is_normal(init.xavier_normal_(w, gain=0.5), 0.5 * math.sqrt(2 / 500))
    is_uniform(init.kaiming_uniform_(w), math.sqrt(2) * math.sqrt(3 / 300))
    is_uniform(init.kaiming_uniform_(k, a=math.sqrt(5)), 1 / math.sqrt(240))
    is_uniform(init.kaiming_uniform_(k, mode="fan_out", nonlinearity="relu"), math.sqrt(2) * math.sqrt(3 / 1200))
    is_normal(init.kaiming_normal_(k), math.sqrt(2 / 240))
    is_normal(init.kaiming_normal_(w, mode="fan_out", nonlinearity="linear"), math.sqrt(1 / 200))
    is_uniform(init.uniform_(w, -2.0, 2.0), 2)
    is_normal(init.normal_(w, 0.0, 3.0), 3)
    is_normal(init.normal_(w.T), 1)
    assert (
        (init.zeros_(w).numpy() == 0).all()
        and (init.ones_(w).numpy() == 1).all()
        and (init.constant_(w, 2.5).numpy() == 2.5).all()
    )
    for f in (init.xavier_uniform_, init.kaiming_normal_, init.uniform_, init.normal_):
        a, b = (f(lucid.empty(5, 4), generator=lucid.Generator().manual_seed(3)).tolist() for _ in range(2))
        assert a == b
    p = nn.Parameter(lucid.zeros(3, 3))
    assert init.kaiming_uniform_(p) is p and p.requires_grad and p.is_leaf and p.sum().item() != 0
    assert (
        init.kaiming_uniform_(lucid.empty(0, 3)).shape == init.kaiming_normal_(lucid.empty(3, 0)).shape[::-1] == (0, 3)
    )


def test_gains():
    for name, want in [
        ("linear", 1),
        ("conv2d", 1),
        ("sigmoid", 1),
        ("tanh", 5 / 3),
        ("relu", math.sqrt(2)),
        ("leaky_relu", math.sqrt(2 / 1.0001)),
        ("selu", 0.75),
    ]:
        assert init.calculate_gain(name) == pytest.approx(want, rel=1e-15)
    assert init.calculate_gain("leaky_relu", 0.2) == pytest.approx(math.sqrt(2 / 1.04))


def test_errors():
    w = lucid.zeros(3, 3)
    for f, message in [
        (lambda: init.calculate_gain("swish"), "swish"),
        (lambda: init.xavier_uniform_(lucid.zeros(3)), r"2 dimensions.*\(3,\)"),
        (lambda: init.kaiming_uniform_(lucid.zeros(3)), r"2 dimensions.*\(3,\)"),
        (lambda: init.kaiming_normal_(w, mode="fan"), "'fan'"),
        (lambda: init.kaiming_normal_(w, nonlinearity="swish"), "swish"),
        (lambda: init.normal_(w, 0.0, -1.0), "-1"),
        (lambda: init.uniform_(w, 1.0, 0.0), "1.0"),
    ]:
        with pytest.raises(ValueError, match=message):
            f()
        assert w.tolist() == [[0] * 3] * 3
