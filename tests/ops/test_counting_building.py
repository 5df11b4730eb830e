"""Counting, choosing by rank, building and pair sums: values of NumPy, derivatives by differences."""

import numpy as np
import pytest

import lucid
from lucid.autograd import gradcheck, gradgradcheck


def numbers(*shape):
    return np.random.RandomState(0).randn(*shape)


def test_counts():
    x = np.random.RandomState(0).randint(0, 6, 40)
    weights = numbers(40)
    assert lucid.bincount(lucid.tensor(x), minlength=9).tolist() == np.bincount(x, minlength=9).tolist()
    found = lucid.bincount(lucid.tensor(x), lucid.tensor(weights))
    assert found.dtype is lucid.float64
    np.testing.assert_allclose(found.numpy(), np.bincount(x, weights))
    assert lucid.bincount(lucid.tensor(x), lucid.tensor(weights.astype(np.float32))).dtype is lucid.float32
    assert lucid.argwhere(lucid.tensor(x > 3)).tolist() == np.argwhere(x > 3).tolist()
    assert lucid.isin(lucid.tensor(x), lucid.tensor([2, 5])).tolist() == np.isin(x, [2, 5]).tolist()
    for wrong in (lucid.tensor([-1]), lucid.tensor([[1]])):
        with pytest.raises(ValueError, match="bincount"):
            lucid.bincount(wrong)
    with pytest.raises(TypeError, match="bincount"):
        lucid.bincount(lucid.ones(2))
    with pytest.raises(ValueError, match="weights"):
        lucid.bincount(lucid.tensor([1]), lucid.ones(2))


@pytest.mark.parametrize("way", ["linear", "lower", "higher", "nearest", "midpoint"])
@pytest.mark.parametrize("dim", [None, 0, 1, -1])
def test_quantiles(way, dim):
    x, q = numbers(5, 6), np.array([0.0, 0.21, 0.5, 1.0])
    for keepdim in (False, True):
        found = lucid.quantile(lucid.tensor(x), lucid.tensor(q), dim, keepdim, interpolation=way)
        wanted = np.quantile(x, q, axis=dim, keepdims=keepdim, method=way)
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12)
    one = lucid.quantile(lucid.tensor(x), 0.21, dim, interpolation=way)
    np.testing.assert_allclose(one.numpy(), np.quantile(x, 0.21, axis=dim, method=way), rtol=1e-12)


def test_ranks():
    x = numbers(4, 5)
    for dim in (0, 1, -2):
        values, indices = lucid.kthvalue(lucid.tensor(x), 2, dim)
        order = np.argsort(x, dim)
        np.testing.assert_array_equal(indices.numpy(), np.take(order, 1, dim))
        np.testing.assert_array_equal(values.numpy(), np.take(np.sort(x, dim), 1, dim))
    for k in (0, 6):
        with pytest.raises(ValueError, match="kthvalue"):
            lucid.kthvalue(lucid.tensor(x), k)
    for wrong in ({"q": -0.1}, {"q": 0.5, "interpolation": "cubic"}, {"q": [[0.5]]}):
        with pytest.raises(ValueError, match="quantile"):
            lucid.quantile(lucid.tensor(x), **wrong)
    with pytest.raises(ValueError, match="no elements"):
        lucid.quantile(lucid.zeros(0), 0.5)
    with pytest.raises(TypeError, match="quantile"):
        lucid.quantile(lucid.tensor([1]), 0.5)


def test_pair_sums():
    x, where = numbers(3, 7), np.sort(numbers(7))
    counts, weights = np.array([1, 2, 1, 3, 1, 1, 2]), np.abs(numbers(7))
    np.testing.assert_allclose(lucid.cov(lucid.tensor(x)).numpy(), np.cov(x))
    found = lucid.cov(lucid.tensor(x), correction=0, fweights=lucid.tensor(counts), aweights=lucid.tensor(weights))
    np.testing.assert_allclose(found.numpy(), np.cov(x, ddof=0, fweights=counts, aweights=weights))
    found = lucid.cov(lucid.tensor(x), aweights=lucid.tensor(weights))
    np.testing.assert_allclose(found.numpy(), np.cov(x, aweights=weights))
    np.testing.assert_allclose(lucid.corrcoef(lucid.tensor(x)).numpy(), np.corrcoef(x))
    np.testing.assert_allclose(lucid.trapezoid(lucid.tensor(x), lucid.tensor(where)).numpy(), np.trapezoid(x, where))
    np.testing.assert_allclose(lucid.trapz(lucid.tensor(x), dx=0.3, dim=0).numpy(), np.trapezoid(x, dx=0.3, axis=0))
    with pytest.raises(ValueError, match="not both"):
        lucid.trapezoid(lucid.tensor(x), lucid.tensor(where), dx=1.0)


def test_blocks_choices_turns():
    found = lucid.block_diag(lucid.ones(1, 2), lucid.tensor([[2.0], [3.0]]), lucid.tensor([4.0, 5.0]))
    assert found.tolist() == [[1, 1, 0, 0, 0], [0, 0, 2, 0, 0], [0, 0, 3, 0, 0], [0, 0, 0, 4, 5]]
    assert lucid.cartesian_prod(lucid.tensor([1, 2]), lucid.tensor([3, 4])).tolist() == [[1, 3], [1, 4], [2, 3], [2, 4]]
    x = numbers(2, 3, 4)
    for k in range(-3, 6):
        for dims in ((0, 1), (2, 0), (-1, 1)):
            np.testing.assert_array_equal(lucid.rot90(lucid.tensor(x), k, dims).numpy(), np.rot90(x, k, dims))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: lucid.quantile(x, lucid.tensor([0.2, 0.9], dtype=lucid.float64), 1),
        lambda x: lucid.kthvalue(x, 2, 0).values,
        lambda x: lucid.cov(x),
        lambda x: lucid.corrcoef(x),
        lambda x: lucid.trapezoid(x, lucid.arange(4, dtype=lucid.float64) ** 2),
        lambda x: lucid.block_diag(x, x * x),
        lambda x: lucid.cartesian_prod(x[0], x[1]),
        lambda x: lucid.rot90(x, 3),
    ],
)
def test_derivatives(function):
    x = lucid.tensor(numbers(3, 4), requires_grad=True)
    assert gradcheck(function, (x,)) and gradgradcheck(function, (x,))
