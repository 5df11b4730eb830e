"""Embedding: rows by number, the padding row, limited norms, gradients shared by how often a row is looked up."""

import numpy as np
import pytest

import lucid
from lucid import nn
from lucid.autograd import gradcheck, gradgradcheck
from lucid.nn import functional as F

NUMBERS = np.array([[0, 3, 1], [1, 1, 4]])


def table(rows=5, width=3):
    return lucid.tensor(np.random.default_rng(3).standard_normal((rows, width)), requires_grad=True)


@pytest.mark.parametrize("padding_idx", [None, 0, 1, -1, -5])
@pytest.mark.parametrize("by_frequency", [False, True])
def test_gradient_counts_every_look_up(padding_idx, by_frequency):
    weight = table()
    found = F.embedding(lucid.tensor(NUMBERS), weight, padding_idx, scale_grad_by_freq=by_frequency)
    np.testing.assert_array_equal(found.detach().numpy(), weight.detach().numpy()[NUMBERS])
    grad = np.random.default_rng(4).standard_normal(found.shape)
    found.backward(lucid.tensor(grad))
    expected = np.zeros((5, 3))
    np.add.at(expected, NUMBERS, grad)
    if by_frequency:
        expected /= np.maximum(np.bincount(NUMBERS.reshape(-1), minlength=5), 1)[:, None]
    if padding_idx is not None:
        expected[padding_idx] = 0
    np.testing.assert_allclose(weight.grad.numpy(), expected, rtol=1e-14)


def test_twice_differentiable():
    index = lucid.tensor(NUMBERS)
    assert gradcheck(lambda w: F.embedding(index, w), (table(),))
    assert gradgradcheck(lambda w: F.embedding(index, w) ** 2, (table(),))


def test_the_shared_gradient_is_differentiable():
    index, weight = lucid.tensor(NUMBERS), table()
    found = F.embedding(index, weight, 4, scale_grad_by_freq=True)
    grad = lucid.ones_like(found).requires_grad_()
    (by_weight,) = lucid.autograd.grad(found, weight, grad, create_graph=True)
    (by_grad,) = lucid.autograd.grad((by_weight * weight.detach()).sum(), grad)
    share = np.array([1, 1 / 3, 1, 1, 0])[:, None]
    np.testing.assert_allclose(by_grad.numpy(), (weight.detach().numpy() * share)[NUMBERS], rtol=1e-14)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, np.inf])
def test_rows_looked_up_are_limited(p):
    weight = table()
    before = weight.detach().numpy().copy()
    expected = before.copy()
    for row in np.unique(NUMBERS):
        norm = np.linalg.norm(before[row], p)
        if norm > 0.8:
            expected[row] *= 0.8 / (norm + 1e-7)
    found = F.embedding(lucid.tensor(NUMBERS), weight, max_norm=0.8, norm_type=p)
    np.testing.assert_allclose(weight.detach().numpy(), expected, rtol=1e-14)
    np.testing.assert_array_equal(found.detach().numpy(), weight.detach().numpy()[NUMBERS])
    assert (expected[2] == before[2]).all() and weight._version == 1
    found.sum().backward()
    assert weight.grad.sum().item() == 18


def test_a_change_of_the_table_is_noticed():
    weight = table() * 1
    squared = (weight * weight).sum()
    F.embedding(lucid.tensor(NUMBERS), weight, max_norm=0.1)
    with pytest.raises(RuntimeError, match="changed"):
        squared.backward()


def test_mistakes():
    for padding_idx in (5, -6):
        with pytest.raises(ValueError, match="within the 5 rows"):
            F.embedding(lucid.tensor(NUMBERS), table(), padding_idx)
        with pytest.raises(ValueError, match="within the 5 rows"):
            nn.Embedding(5, 3, padding_idx)
    with pytest.raises(NotImplementedError, match="sparse"):
        F.embedding(lucid.tensor(NUMBERS), table(), sparse=True)
    with pytest.raises(NotImplementedError, match="sparse"):
        nn.Embedding(5, 3, sparse=True)
    with pytest.raises(IndexError):
        F.embedding(lucid.tensor([5]), table(), max_norm=1.0)
    with pytest.raises(ValueError, match="must be"):
        nn.Embedding(5, 3, _weight=lucid.ones(5, 2))


def test_module():
    module = nn.Embedding(5, 3, padding_idx=-2)
    assert module.padding_idx == 3 and module.weight[3].tolist() == [0, 0, 0] and module.weight[2].tolist() != [0, 0, 0]
    module(lucid.tensor([3, 2])).sum().backward()
    assert module.weight.grad[3].tolist() == [0, 0, 0] and module.weight.grad[2].tolist() == [1, 1, 1]
    assert repr(nn.Embedding(5, 3, 1, 2.0, 1.0, True)) == (
        "Embedding(5, 3, padding_idx=1, max_norm=2.0, norm_type=1.0, scale_grad_by_freq=True)"
    )


def test_from_pretrained():
    given = lucid.tensor([[1.0, 2.0], [3.0, 4.0]])
    module = nn.Embedding.from_pretrained(given, padding_idx=0)
    assert not module.weight.requires_grad and module.weight[0].tolist() == [1, 2]
    assert module.weight.data_ptr() == given.data_ptr()
    assert nn.Embedding.from_pretrained(given, freeze=False).weight.requires_grad
    with pytest.raises(ValueError, match="rows, width"):
        nn.Embedding.from_pretrained(lucid.ones(3))
