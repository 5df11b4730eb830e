"""Activations against float64 NumPy: values, derivatives of first and second order, special numbers, modules."""

import math

import numpy as np
import pytest

import lucid
from lucid import nn
from lucid.autograd import gradcheck, gradgradcheck
from lucid.nn import functional as F


def elu(x, alpha=1.0, inside=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) * inside))


def hard_gate(x):
    return np.clip(x + 3, 0, 6) / 6


SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772
# name: (arguments, the formula)
FORMULAS = {
    "elu": ({"alpha": 1.5}, lambda x: elu(x, 1.5)),
    "celu": ({"alpha": 1.5}, lambda x: elu(x, 1.5, 1 / 1.5)),
    "selu": ({}, lambda x: SCALE * elu(x, ALPHA)),
    "leaky_relu": ({"negative_slope": 0.2}, lambda x: np.where(x > 0, x, 0.2 * x)),
    "hardtanh": ({"min_val": -0.5, "max_val": 2.0}, lambda x: np.clip(x, -0.5, 2)),
    "relu6": ({}, lambda x: np.clip(x, 0, 6)),
    "threshold": ({"threshold": 0.5, "value": 7.0}, lambda x: np.where(x <= 0.5, 7, x)),
    "hardshrink": ({"lambd": 0.7}, lambda x: np.where(np.abs(x) <= 0.7, 0, x)),
    "softshrink": ({"lambd": 0.7}, lambda x: np.where(np.abs(x) <= 0.7, 0, x - np.copysign(0.7, x))),
    "hardsigmoid": ({}, hard_gate),
    "hardswish": ({}, lambda x: x * hard_gate(x)),
    "softplus": ({"beta": 2.0, "threshold": 5.0}, lambda x: np.where(2 * x > 5, x, np.logaddexp(0, 2 * x) / 2)),
    "logsigmoid": ({}, lambda x: -np.logaddexp(0, -x)),
    "mish": ({}, lambda x: x * np.tanh(np.logaddexp(0, x))),
    "softsign": ({}, lambda x: x / (1 + np.abs(x))),
    "tanhshrink": ({}, lambda x: x - np.tanh(x)),
    "silu": ({}, lambda x: x / (1 + np.exp(-x))),
    "relu": ({}, lambda x: np.maximum(x, 0)),
}
INPLACE = ["celu", "elu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "mish", "relu", "relu6", "selu", "silu"]


def numbers(*shape, seed=0, scale=3.0):
    return np.random.default_rng(seed).standard_normal(shape) * scale


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FORMULAS)
def test_values(simd_level, both_thread_counts, name, dtype):
    options, formula = FORMULAS[name]
    for shape in [(), (0, 3), (5,), (7, 9), (40_001,)]:
        x = numbers(*shape).astype(dtype)
        run = lambda: getattr(F, name)(lucid.tensor(x), **options).numpy()  # noqa: E731, B023
        got = both_thread_counts(run)
        assert got.dtype == dtype and got.shape == x.shape
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(got, formula(x.astype(np.float64)), rtol=8 * eps, atol=4 * eps)
    x = lucid.tensor(numbers(6, 8).astype(dtype))
    want = getattr(F, name)(x.T.clone(), **options)
    assert getattr(F, name)(x.T, **options).tolist() == want.tolist()


@pytest.mark.parametrize("name", FORMULAS)
def test_derivatives(simd_level, name):
    options, _ = FORMULAS[name]
    x = lucid.tensor(numbers(5, 9), requires_grad=True)
    assert gradcheck(lambda x: getattr(F, name)(x, **options), (x,))
    assert gradgradcheck(lambda x: getattr(F, name)(x, **options), (x,))


def test_special_numbers(simd_level):
    """NaN stays; nothing overflows on the way to a finite result; infinite gradients of other pieces do no harm."""
    for name, (options, _) in FORMULAS.items():
        assert math.isnan(getattr(F, name)(lucid.tensor(float("nan")), **options).item()), name
    big = lucid.tensor([1e30, -1e30, 200.0, -200.0], requires_grad=True)
    for name in ("elu", "celu", "selu", "softplus", "logsigmoid", "mish", "hardswish", "silu"):
        out = getattr(F, name)(big)
        grad = lucid.autograd.grad(out.sum(), big)[0]
        assert np.isfinite(out.detach().numpy()).all() and np.isfinite(grad.numpy()).all(), name
    for name in ("relu6", "hardtanh", "hardshrink", "softshrink", "hardsigmoid", "threshold", "hardswish"):
        options = FORMULAS[name][0]
        x = lucid.tensor([-100.0 if name not in ("hardshrink", "softshrink") else 0.1], requires_grad=True)
        getattr(F, name)(x, **options).backward(lucid.tensor([float("inf")]))
        assert x.grad.tolist() == [0.0], name


@pytest.mark.parametrize("name", INPLACE)
def test_in_place(name):
    options, _ = FORMULAS[name]
    x = lucid.tensor(numbers(4, 5))
    want = getattr(F, name)(x, **options).tolist()
    assert getattr(F, name)(x, **options, inplace=True) is x and x.tolist() == want
    leaf = lucid.tensor(numbers(4, 5), requires_grad=True)
    by_copy = lucid.autograd.grad(getattr(F, name)(leaf, **options).sum(), leaf)[0]
    in_place = lucid.autograd.grad(getattr(F, name)(leaf * 1, **options, inplace=True).sum(), leaf)[0]
    assert in_place.tolist() == by_copy.tolist()
    with pytest.raises(RuntimeError, match="leaf"):
        getattr(F, name)(leaf, **options, inplace=True)


def test_glu_prelu_softmin():
    x = numbers(4, 6)
    for dim, (a, b) in {1: (x[:, :3], x[:, 3:]), 0: (x[:2], x[2:])}.items():
        np.testing.assert_allclose(F.glu(lucid.tensor(x), dim).numpy(), a / (1 + np.exp(-b)), rtol=1e-14)
    e = np.exp(-x)
    np.testing.assert_allclose(F.softmin(lucid.tensor(x), 0).numpy(), e / e.sum(0), rtol=1e-13)
    images, slopes = numbers(2, 3, 4), numbers(3, seed=1)
    want = np.where(images > 0, images, images * slopes.reshape(3, 1))
    np.testing.assert_array_equal(F.prelu(lucid.tensor(images), lucid.tensor(slopes)).numpy(), want)
    leaves = [lucid.tensor(a, requires_grad=True) for a in (images, slopes)]
    assert gradcheck(F.prelu, leaves) and gradgradcheck(F.prelu, leaves)
    one = [lucid.tensor(images, requires_grad=True), lucid.tensor([0.3], dtype=lucid.float64, requires_grad=True)]
    np.testing.assert_array_equal(F.prelu(*one).detach().numpy(), np.where(images > 0, images, images * 0.3))
    assert gradcheck(F.prelu, one) and gradgradcheck(F.prelu, one)
    F.prelu(lucid.tensor([float("inf"), -2.0]), w := lucid.tensor([0.5], requires_grad=True)).sum().backward()
    assert w.grad.tolist() == [-2.0]


def test_errors():
    cases = [
        (lambda: F.elu(lucid.ones(2).long()), TypeError, "elu: not implemented for lucid.int64"),
        (lambda: F.elu([1.0]), TypeError, "elu: expected a tensor, got list"),
        (lambda: F.elu(lucid.ones(2), lucid.ones(2)), TypeError, "elu: alpha must be a number"),
        (lambda: F.celu(lucid.ones(2), 0.0), ValueError, "celu: alpha must not be 0"),
        (lambda: F.hardtanh(lucid.ones(2), 2.0, 1.0), ValueError, "min_val 2.0 is above max_val 1.0"),
        (lambda: F.softshrink(lucid.ones(2), -1.0), ValueError, "lambd must not be negative"),
        (lambda: F.glu(lucid.ones(3)), ValueError, r"even size .* shape \(3,\)"),
        (lambda: F.prelu(lucid.ones(2, 3), lucid.ones(2)), ValueError, "one for each of 3 channels"),
        (lambda: F.prelu(lucid.ones(2, 3), lucid.ones(3).double()), TypeError, "weight is lucid.float64"),
        (lambda: nn.Softmax2d()(lucid.ones(2, 3)), ValueError, "3D or 4D"),
    ]
    for call, error, message in cases:
        with pytest.raises(error, match=message):
            call()


# How each module prints, as PyTorch prints it; and that it does what its function does.
TEXTS = {
    "CELU": "CELU(alpha=1.0)", "ELU": "ELU(alpha=1.0)", "GLU": "GLU(dim=-1)", "Hardshrink": "Hardshrink(0.5)",
    "Hardsigmoid": "Hardsigmoid()", "Hardswish": "Hardswish()", "Hardtanh": "Hardtanh(min_val=-1.0, max_val=1.0)",
    "LeakyReLU": "LeakyReLU(negative_slope=0.01)", "LogSigmoid": "LogSigmoid()", "Mish": "Mish()", "ReLU6": "ReLU6()",
    "SELU": "SELU()", "SiLU": "SiLU()", "Softplus": "Softplus(beta=1.0, threshold=20.0)",
    "Softshrink": "Softshrink(0.5)", "Softsign": "Softsign()", "Tanhshrink": "Tanhshrink()",
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_modules(name):
    module = getattr(nn, name)()
    assert repr(module) == TEXTS[name]
    x = lucid.randn(3, 4)
    function = getattr(F, {"LeakyReLU": "leaky_relu"}.get(name, name.lower()))
    assert module(x).tolist() == function(x).tolist()


def test_modules_with_arguments():
    assert repr(nn.ELU(2.0, inplace=True)) == "ELU(alpha=2.0, inplace=True)"
    assert repr(nn.Threshold(1.0, 2.0)) == "Threshold(threshold=1.0, value=2.0)"
    x = lucid.randn(2, 3, 4, 5)
    assert nn.Threshold(1.0, 2.0)(x).min().item() > 1
    for layer, function in ((nn.Softmax, F.softmax), (nn.Softmin, F.softmin), (nn.LogSoftmax, F.log_softmax)):
        assert repr(layer(dim=1)) == f"{layer.__name__}(dim=1)" and layer(1)(x).tolist() == function(x, 1).tolist()
    assert nn.Softmax2d()(x).tolist() == F.softmax(x, 1).tolist()
    prelu = nn.PReLU(3, init=0.5)
    assert list(prelu.state_dict()) == ["weight"] and prelu.weight.tolist() == [0.5] * 3
    assert repr(prelu) == "PReLU(num_parameters=3)" and prelu(x).tolist() == F.leaky_relu(x, 0.5).tolist()
