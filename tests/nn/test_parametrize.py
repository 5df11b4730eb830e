"""Computed parameters: values and names as PyTorch's, training through them, and back to plain parameters."""

import copy
import pickle

import numpy as np
import pytest

import lucid
from lucid import nn
from lucid.autograd import gradcheck, gradgradcheck
from lucid.nn.utils import parametrize
from lucid.nn.utils.parametrizations import _WeightNorm, weight_norm


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).T

    def right_inverse(self, x):
        return x.triu()


class Doubled(nn.Module):
    def forward(self, x):
        return 2 * x


class Wider(nn.Module):
    def forward(self, x):
        return lucid.cat([x, x], 0)


def norms(v, dim):
    axes = tuple(d for d in range(v.ndim) if d != dim) if dim is not None else None
    return np.sqrt((v**2).sum(axes, keepdims=dim is not None))


@pytest.mark.parametrize("dim", [0, 1, 2, None])
def test_weight_norm_values(dim):
    """g has PyTorch's shape, and the weight is what it was before."""
    module = nn.Module()
    start = np.random.standard_normal((4, 3, 2))
    module.weight = nn.Parameter(lucid.tensor(start))
    assert weight_norm(module, dim=dim) is module
    held = module.parametrizations.weight
    assert held.original0.shape == norms(start, dim).shape
    np.testing.assert_allclose(held.original0.detach().numpy(), norms(start, dim), rtol=1e-14)
    np.testing.assert_allclose(module.weight.detach().numpy(), start, rtol=1e-14)
    with lucid.no_grad():
        held.original1.mul_(3)
        held.original0.mul_(0.5)
    np.testing.assert_allclose(module.weight.detach().numpy(), start / 2, rtol=1e-14)
    inputs = tuple(x.detach().clone().requires_grad_() for x in (held.original0, held.original1))
    assert gradcheck(_WeightNorm(dim), inputs) and gradgradcheck(_WeightNorm(dim), inputs)


def test_weight_norm_names():
    """PyTorch's names, in its order."""
    layer = weight_norm(nn.Linear(3, 2))
    names = ["bias", "parametrizations.weight.original0", "parametrizations.weight.original1"]
    assert list(layer.state_dict()) == [name for name, _ in layer.named_parameters()] == names
    assert type(layer).__name__ == "ParametrizedLinear" and isinstance(layer, nn.Linear)
    assert isinstance(layer.parametrizations["weight"][0], _WeightNorm) and list(layer.parametrizations) == ["weight"]
    other = weight_norm(nn.Linear(3, 2))
    other.load_state_dict(layer.state_dict())
    assert other.weight.tolist() == layer.weight.tolist()
    inside = nn.Sequential(weight_norm(nn.Linear(3, 2)))
    old = dict(zip(("0.bias", "0.weight_g", "0.weight_v"), layer.state_dict().values(), strict=True))
    inside.load_state_dict(old)
    assert inside[0].weight.tolist() == layer.weight.tolist()


def test_weight_norm_trains():
    layer = weight_norm(nn.Linear(3, 1))
    optimizer = lucid.optim.SGD(layer.parameters(), lr=0.1)
    x, y = lucid.randn(16, 3), lucid.randn(16, 1)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = ((layer(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] and layer.parametrizations.weight.original0.grad is not None


def test_assignment_goes_through_right_inverse():
    layer = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    a = lucid.randn(3, 3)
    a = a + a.T
    layer.weight = a
    assert layer.weight.tolist() == a.tolist()
    assert layer.parametrizations.weight.original.tolist() == a.triu().tolist()
    layer.weight = nn.Parameter(2 * a)  # a parameter too is only a value here
    assert layer.weight.tolist() == (2 * a).tolist() and "weight" not in dict(layer.named_parameters())
    parametrize.register_parametrization(layer, "weight", Doubled())
    with pytest.raises(RuntimeError, match="Doubled has no right_inverse"):
        layer.weight = a


def test_one_after_the_other():
    layer = nn.Linear(3, 3)
    before = layer.weight.detach().clone()
    kept = layer.weight
    doubled = Doubled()
    for _ in range(3):
        parametrize.register_parametrization(layer, "weight", doubled)
    assert len(layer.parametrizations.weight) == 3 and layer.parametrizations.weight.original is kept
    assert layer.weight.tolist() == (8 * before).tolist()
    layer.weight.sum().backward()
    assert (kept.grad == 8).all()


def test_buffers():
    norm = nn.Module()
    norm.register_buffer("scale", lucid.ones(2))
    parametrize.register_parametrization(norm, "scale", Doubled())
    assert norm.scale.tolist() == [2, 2] and list(norm.state_dict()) == ["parametrizations.scale.original"]
    parametrize.remove_parametrizations(norm, "scale")
    assert list(norm.state_dict()) == ["scale"] and norm.scale.tolist() == [2, 2] and type(norm) is nn.Module


def test_removal():
    for leave, factor in ((True, 2), (False, 1)):
        layer = nn.Linear(3, 2)
        weight, start = layer.weight, layer.weight.detach().clone()
        parametrize.register_parametrization(layer, "weight", Doubled())
        parametrize.register_parametrization(layer, "bias", Doubled())
        assert parametrize.is_parametrized(layer) and parametrize.is_parametrized(layer, "bias")
        parametrize.remove_parametrizations(layer, "bias")
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=leave)
        assert layer.weight is weight and weight.tolist() == (factor * start).tolist()
        assert type(layer) is nn.Linear and not parametrize.is_parametrized(layer)
        assert sorted(layer.state_dict()) == ["bias", "weight"]
    layer = weight_norm(nn.Linear(3, 2))
    value = layer.weight.tolist()
    with pytest.raises(ValueError, match="2 tensors"):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight.tolist() == value and isinstance(layer.weight, nn.Parameter) and layer.weight.is_leaf


def test_copies_are_independent():
    layer = weight_norm(nn.Linear(3, 2))
    other = copy.deepcopy(layer)
    with lucid.no_grad():
        other.parametrizations.weight.original0.zero_()
    assert layer.weight.abs().sum().item() > 0 and other.weight.abs().sum().item() == 0
    parametrize.remove_parametrizations(other, "weight")
    assert type(other) is nn.Linear and parametrize.is_parametrized(layer, "weight")
    with pytest.raises(RuntimeError, match="state_dict"):
        pickle.dumps(layer)


def test_mistakes_change_nothing():
    layer = nn.Linear(3, 2)
    with pytest.raises(ValueError, match=r"no parameter or buffer 'weights'.*\['bias', 'weight'\]"):
        parametrize.register_parametrization(layer, "weights", Doubled())
    with pytest.raises(ValueError, match="unsafe=True"):
        parametrize.register_parametrization(layer, "weight", Wider())
    with pytest.raises(ValueError, match="not parametrized"):
        parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear and list(layer.state_dict()) == ["weight", "bias"]
    Wider.right_inverse = lambda self, x: x * 2
    before = layer.weight.tolist()
    with pytest.raises(ValueError, match="unsafe=True"):
        parametrize.register_parametrization(layer, "weight", Wider())
    assert layer.weight.tolist() == before
    del Wider.right_inverse
    parametrize.register_parametrization(layer, "weight", Wider(), unsafe=True)
    assert layer.weight.shape == (4, 3)
    parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight.shape == (4, 3)
