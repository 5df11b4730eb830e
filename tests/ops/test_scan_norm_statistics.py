"""Scans, norms, medians and reductions that pass over NaN: values against NumPy, derivatives by finite differences."""

import math

import numpy as np
import pytest

import lucid
from lucid.autograd import gradcheck, gradgradcheck

INF, NAN = math.inf, math.nan
rng = np.random.default_rng(11)


def draw(*shape, low=-2.0, high=2.0):
    return lucid.tensor(rng.uniform(low, high, shape), dtype=lucid.float64, requires_grad=True)


LAYOUTS = {
    "vector": lambda: draw(7),
    "matrix": lambda: draw(3, 4),
    "cube": lambda: draw(2, 3, 4),
    "transposed": lambda: draw(4, 3).t(),
    "sliced": lambda: draw(6, 8)[::2, 1::3],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_scans(layout, simd_level):
    for dim in range(-LAYOUTS[layout]().ndim, LAYOUTS[layout]().ndim):
        x = LAYOUTS[layout]()
        array = x.detach().numpy()
        np.testing.assert_allclose(x.cumsum(dim).detach().numpy(), np.cumsum(array, dim), rtol=1e-13)
        np.testing.assert_allclose(x.cumprod(dim).detach().numpy(), np.cumprod(array, dim), rtol=1e-13)
        for name, extreme in (("cummax", np.maximum), ("cummin", np.minimum)):
            found = getattr(x, name)(dim)
            np.testing.assert_array_equal(found.values.detach().numpy(), extreme.accumulate(array, dim))
            taken = np.take_along_axis(array, found.indices.numpy(), dim)
            np.testing.assert_array_equal(taken, found.values.detach().numpy())
        leaf = x.detach().clone().requires_grad_()
        for operation in (
            lambda x, d=dim: x.cumprod(d),
            lambda x, d=dim: x.cumsum(d),
            lambda x, d=dim: x.cummax(d).values,
            lambda x, d=dim: x.diff(dim=d),
        ):
            assert gradcheck(operation, (leaf,)) and gradgradcheck(operation, (leaf,))


@pytest.mark.parametrize("zeros", [[0], [2], [1, 3], [4], [0, 1, 2, 3, 4]])
def test_cumprod_with_zeros(zeros):
    start = rng.uniform(0.5, 2, (2, 5))
    start[0, zeros] = 0
    x = lucid.tensor(start, dtype=lucid.float64, requires_grad=True)
    assert gradcheck(lambda x: x.cumprod(1), (x,)) and gradgradcheck(lambda x: x.cumprod(1), (x,))
    assert gradcheck(lambda x: x.cumprod(0), (x,))


def test_scans_of_other_inputs():
    for name, want in (("cumsum", [1, 3, 6]), ("cumprod", [1, 2, 6])):
        out = getattr(lucid, name)(lucid.tensor([1, 2, 3], dtype=lucid.int32), 0)
        assert out.dtype is lucid.int64 and out.tolist() == want
        assert getattr(lucid, name)(lucid.tensor([True, True]), 0).dtype is lucid.int64
        assert getattr(lucid, name)(lucid.tensor([1, 2]), 0, dtype=lucid.float64).dtype is lucid.float64
        assert getattr(lucid, name)(lucid.zeros(0, 3), 0).shape == (0, 3)
        assert getattr(lucid, name)(lucid.tensor(2.0), 0).item() == 2
        with pytest.raises(IndexError):
            getattr(lucid, name)(lucid.ones(2), 1)
    found = lucid.cummax(lucid.tensor([[3, 1, 3], [2, 5, 4]]), 1)
    assert found.values.tolist() == [[3, 3, 3], [2, 5, 5]] and found.indices.tolist() == [[0, 0, 2], [0, 1, 1]]
    found = lucid.cummin(lucid.tensor([2.0, 2.0, NAN, 1.0, NAN]), 0)
    assert found.indices.tolist() == [0, 1, 2, 2, 4] and np.isnan(found.values.numpy()[2:]).all()
    assert repr(found).startswith("lucid.return_types.cummin(\nvalues=tensor(")
    assert lucid.cummax(lucid.tensor(3.0), -1).indices.item() == 0


def test_diff():
    x = lucid.tensor([[1, 4, 9], [0, 0, 5]])
    assert x.diff().tolist() == [[3, 5], [0, 5]] and x.diff(dim=0).tolist() == [[-1, -4, -4]]
    assert x.diff(2).tolist() == [[2], [5]] and x.diff(9).shape == (2, 0) and x.diff(0).tolist() == x.tolist()
    assert lucid.diff(lucid.tensor([True, False, False])).tolist() == [True, False]
    one = lucid.zeros(2, 1, dtype=lucid.int64)
    assert x.diff(prepend=one, append=one).tolist() == [[1, 3, 5, -9], [0, 0, 5, -5]]
    with pytest.raises(ValueError, match="0-d"):
        lucid.diff(lucid.tensor(1.0))
    with pytest.raises(ValueError, match="negative"):
        x.diff(-1)


ORDERS = [0, 0.5, 1, 1.5, 2, 3, -1, INF, -INF]


@pytest.mark.parametrize("p", ORDERS)
def test_norm(p, simd_level):
    for layout in LAYOUTS.values():
        x = layout()
        array = x.detach().numpy()
        np.testing.assert_allclose(x.norm(p).item(), np.linalg.norm(array.reshape(-1), p), rtol=1e-13)
        if x.ndim > 1:
            np.testing.assert_allclose(x.norm(p, 0).detach().numpy(), np.linalg.norm(array, p, 0), rtol=1e-13)
        leaf = x.detach().clone().requires_grad_()
        if p:
            assert gradcheck(lambda x: x.norm(p), (leaf,)) and gradgradcheck(lambda x: x.norm(p, -1), (leaf,))
    x = draw(2, 3, 4)
    kept = x.norm(p, (0, -1), keepdim=True)
    assert kept.shape == (1, 3, 1)
    flat = np.moveaxis(x.detach().numpy(), 1, 0).reshape(3, -1)
    np.testing.assert_allclose(kept.detach().numpy().reshape(-1), np.linalg.norm(flat, p, 1), rtol=1e-13)
    assert gradcheck(lambda a, b: lucid.dist(a, b, p), (draw(3, 4), draw(4)))


def test_norm_where_it_has_no_slope():
    for p, numbers, want in (
        (2, [0.0, 0.0], [0, 0]),
        (3, [0.0, 0.0], [0, 0]),
        (1, [0.0, -2.0], [0, -1]),
        (0.5, [0.0, 2.0], [0, 1]),
        (INF, [-2.0, 2.0, 1.0], [-0.5, 0.5, 0]),
        (0, [0.0, 2.0], [0, 0]),
    ):
        x = lucid.tensor(numbers, requires_grad=True)
        x.norm(p).backward()
        np.testing.assert_allclose(x.grad.numpy(), want, rtol=1e-6)
    assert lucid.zeros(0).norm().item() == 0 and lucid.zeros(2, 0).norm(3, 1).tolist() == [0, 0]
    assert (
        lucid.tensor([3, 4]).norm(dtype=lucid.float32).item() == 5 and lucid.tensor([3.0, 4.0]).norm("fro").item() == 5
    )
    with pytest.raises(ValueError, match="no elements"):
        lucid.zeros(0).norm(INF)
    with pytest.raises(TypeError, match="norm: expects floating-point"):
        lucid.tensor([3, 4]).norm()
    with pytest.raises(ValueError, match="'nuc'"):
        lucid.ones(2, 2).norm("nuc")


@pytest.mark.parametrize("name", ["var", "std"])
def test_spread_and_mean(name, simd_level):
    for dim, correction in ((None, 1), (0, 0), ((0, 2), 1), (-1, 2), (1, 0.5)):
        x = draw(3, 4, 5)
        spread, mean = getattr(lucid, f"{name}_mean")(x, dim, correction=correction, keepdim=True)
        wide = x.detach().numpy()
        want = getattr(np, name)(wide, dim, ddof=correction, keepdims=True)
        np.testing.assert_allclose(spread.detach().numpy(), want, rtol=1e-13)
        np.testing.assert_allclose(mean.detach().numpy(), wide.mean(dim, keepdims=True), rtol=1e-13, atol=1e-16)
        single = getattr(x, name)(dim, correction=correction, keepdim=True)
        np.testing.assert_array_equal(single.detach().numpy(), spread.detach().numpy())

        def both(x, dim=dim, correction=correction):
            spread, mean = getattr(lucid, f"{name}_mean")(x, dim, correction=correction)
            return spread * mean

        assert gradcheck(both, (x,)) and gradgradcheck(both, (x,))
    x = draw(3, 4)
    old = [getattr(x, name)(False), getattr(x, name)(1, False), getattr(x, name)(1, True, True)]
    new = [getattr(x, name)(correction=0), getattr(x, name)(1, correction=0), getattr(x, name)(1, keepdim=True)]
    for a, b in zip(old, new, strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
    same = lucid.full((3,), 2.0, requires_grad=True)
    getattr(same, name)().backward()
    assert same.grad.tolist() == [0, 0, 0]
    one = lucid.tensor([2.0], requires_grad=True)
    got = getattr(one, name)()
    got.backward()
    assert math.isnan(got.item()) and math.isnan(one.grad.item())
    with pytest.raises(TypeError, match=name):
        getattr(lucid.tensor([1, 2]), name)()


def test_median():
    x = draw(4, 5)
    array = np.sort(x.detach().numpy(), 1)
    found = x.median(1)
    np.testing.assert_array_equal(found.values.detach().numpy(), array[:, 2])
    np.testing.assert_array_equal(
        x[:, :4].median(1, keepdim=True).values.detach().numpy(), np.sort(x[:, :4].detach().numpy(), 1)[:, 1:2]
    )
    assert gradcheck(lambda x: x.median(1).values, (x,)) and gradcheck(lambda x: x.t().median(0).values, (x,))
    assert gradcheck(lambda x: x.median(), (x,)) and gradgradcheck(lambda x: x.median() * x.sum(), (x,))
    equal = lucid.tensor([1.0, 1.0, 1.0, 2.0], requires_grad=True)
    equal.median().backward()
    np.testing.assert_allclose(equal.grad.numpy(), [1 / 3, 1 / 3, 1 / 3, 0], rtol=1e-6)
    missing = lucid.tensor([[3.0, NAN, 1.0], [NAN, NAN, NAN], [5.0, 7.0, 6.0]])
    found = missing.median(1)
    np.testing.assert_array_equal(found.values.numpy(), [NAN, NAN, 6])
    assert found.indices.tolist() == [1, 0, 2]
    found = missing.nanmedian(1)
    np.testing.assert_array_equal(found.values.numpy(), [1, NAN, 6])
    assert missing.nanmedian().item() == 5 and math.isnan(missing.median().item())
    assert math.isnan(lucid.zeros(0).median().item()) and lucid.tensor(3.0).median(0).values.item() == 3
    assert lucid.tensor([[3, 1], [2, 9]]).median(0).values.tolist() == [2, 1]
    with pytest.raises(ValueError, match=r"median.*\(2, 0\)"):
        lucid.zeros(2, 0).median(1)


def test_nan_and_counts():
    x = lucid.tensor([[1.0, NAN, 2.0], [NAN, NAN, 0.0]], requires_grad=True)
    assert x.nansum().item() == 3 and x.nansum(1).tolist() == [3, 0] and x.nanmean(1).tolist() == [1.5, 0]
    assert math.isnan(lucid.tensor([NAN]).nanmean().item()) and lucid.tensor([1, 2]).nansum().dtype is lucid.int64
    x.nanmean(1).sum().backward()
    assert x.grad.tolist() == [[0.5, 0, 0.5], [0, 0, 1]]
    assert x.count_nonzero().item() == 5 and x.count_nonzero(0).tolist() == [2, 2, 1]  # NaN is not zero
    assert lucid.zeros(0, 2).count_nonzero(0).tolist() == [0, 0]
    full = draw(3, 4)
    assert gradcheck(lambda x: x.nansum(0), (full,)) and gradgradcheck(lambda x: x.nanmean((0, 1)), (full,))
    with pytest.raises(TypeError, match="mean"):
        lucid.tensor([1, 2]).nanmean()


def test_extremes_together():
    x = draw(3, 4)
    found = x.aminmax(dim=1, keepdim=True)
    np.testing.assert_array_equal(found.min.detach().numpy(), x.detach().numpy().min(1, keepdims=True))
    np.testing.assert_array_equal(found.max.detach().numpy(), x.detach().numpy().max(1, keepdims=True))
    assert repr(lucid.tensor([1.0, 2.0]).aminmax()) == "lucid.return_types.aminmax(\nmin=tensor(1.),\nmax=tensor(2.))"
    assert gradcheck(lambda x: x.aminmax().max - x.aminmax().min, (x,))
    assert lucid.tensor([1, 0], dtype=lucid.uint8).any().dtype is lucid.uint8


@pytest.mark.parametrize("dim", [0, (0, 2), (0, 1, 2)])
def test_logsumexp_derivatives(dim, simd_level):
    x = draw(2, 3, 4)
    assert gradcheck(lambda x: x.logsumexp(dim), (x,)) and gradgradcheck(lambda x: x.logsumexp(dim), (x,))
    large = (x.detach() + 1000).float().requires_grad_()
    large.logsumexp(dim).sum().backward()
    shares = large.grad.sum(dim)
    np.testing.assert_allclose(shares.numpy(), np.ones(shares.shape), rtol=1e-6)  # no loss to the size of the numbers
