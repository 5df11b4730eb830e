"""Reductions and softmax: values against NumPy in float64, derivatives by finite differences."""

import itertools
import math

import numpy as np
import pytest
from scipy import special

import lucid
from lucid.autograd import grad, gradcheck, gradgradcheck

rng = np.random.default_rng(11)
nan, inf = math.nan, math.inf

REDUCTIONS = {
    "sum": (lucid.sum, np.sum),
    "mean": (lucid.mean, np.mean),
    "amax": (lucid.amax, np.max),
    "amin": (lucid.amin, np.min),
    "var": (lucid.var, lambda x, **k: np.var(x, ddof=1, **k)),
    "std": (lucid.std, lambda x, **k: np.std(x, ddof=1, **k)),
    "logsumexp": (lucid.logsumexp, special.logsumexp),
}
ALONG = {
    "cumsum": (lucid.cumsum, lambda x, axis: np.cumsum(x, axis)),
    "softmax": (lucid.softmax, lambda x, axis: special.softmax(x, axis)),
    "log_softmax": (lucid.log_softmax, lambda x, axis: special.log_softmax(x, axis)),
}
NEEDS_TWO = ("var", "std")
TOLERANCE = {np.float32: 3e-6, np.float64: 3e-14}
CUBE_DIMS = [0, 1, 2, -1, -3, (0, 1), (1, 2), (0, 2), (-1, 0), [1], (0, 1, 2), (2, 0, 1)]


def double(x):
    return lucid.tensor(np.asarray(x, np.float64), requires_grad=True)


def layouts(dtype):
    """Arrays of every layout: (array, the dimensions to reduce over)."""
    draw = lambda *shape: rng.standard_normal(shape).astype(dtype)  # noqa: E731
    return [
        (draw(37), [0]),
        (draw(2, 3, 4), CUBE_DIMS),
        (draw(4, 3, 2).T, [0, 1, 2, (0, 2), (0, 1, 2)]),
        (draw(12, 20)[1:-1:2, ::3], [0, 1, (0, 1)]),
        (np.broadcast_to(draw(5, 1, 7), (5, 4, 7)), [0, 1, (0, 2), (0, 1, 2)]),
        (draw(7)[::-1], [0]),
        (draw(3, 30001), [0, 1, (0, 1)]),
        (draw(20001, 5), [0, 1]),
        (draw(2, 4, 3, 5, 2), [(0, 2, 4), (1, 3), (0, 3), 2]),
    ]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_values(name, dtype, simd_level, both_thread_counts):
    operation, reference = REDUCTIONS[name]
    for x, all_dims in layouts(dtype):
        exact = x.astype(np.float64)
        for dim in all_dims:
            axis = dim if isinstance(dim, int) else tuple(dim)
            got = both_thread_counts(lambda x=x, dim=dim: operation(lucid.from_numpy(x), dim).numpy())
            want = reference(exact, axis=axis)
            assert got.dtype == dtype and got.shape == want.shape
            scale = np.abs(exact).sum(axis) if name == "sum" else 1
            assert (np.abs(got - want) <= TOLERANCE[dtype] * (np.abs(want) + scale)).all(), (name, x.shape, dim)
            kept = operation(lucid.from_numpy(x), dim, keepdim=True)
            assert kept.shape == reference(exact, axis=axis, keepdims=True).shape
            assert kept.numpy().tobytes() == got.tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ALONG)
def test_values_along(name, dtype, simd_level, both_thread_counts):
    operation, reference = ALONG[name]
    for x, _ in layouts(dtype):
        for dim in range(-1, x.ndim):
            got = both_thread_counts(lambda x=x, dim=dim: operation(lucid.from_numpy(x), dim).numpy())
            want = reference(x.astype(np.float64), dim)
            assert got.dtype == dtype and got.shape == want.shape
            scale = np.abs(x.astype(np.float64)).sum(dim, keepdims=True) if name == "cumsum" else 1
            assert (np.abs(got - want) <= TOLERANCE[dtype] * (np.abs(want) + scale)).all(), (name, x.shape, dim)


@pytest.mark.parametrize("name", ["prod", "argmax", "argmin", "max", "min"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_of_one_dimension(name, dtype, simd_level, both_thread_counts):
    operation = getattr(lucid, name)
    for x, dims in layouts(dtype):
        if name == "prod" and x.size > 1000:
            x = np.sign(x) * (1 + 1e-4 * np.abs(x)).astype(dtype)
        exact = x.astype(np.float64)
        for dim in (d for d in dims if isinstance(d, int)):
            got = both_thread_counts(lambda x=x, dim=dim: _arrays(operation(lucid.from_numpy(x), dim)))
            if name == "prod":
                np.testing.assert_allclose(got, exact.prod(dim), rtol=1e-3 if dtype == np.float32 else 1e-10)
            elif name in ("argmax", "argmin"):
                np.testing.assert_array_equal(got, getattr(exact, name)(dim))
            else:
                np.testing.assert_array_equal(got[0], getattr(exact, name)(dim))
                np.testing.assert_array_equal(got[1], getattr(exact, "arg" + name)(dim))
        whole = operation(lucid.from_numpy(x))
        assert whole.shape == ()
        if name != "prod":
            assert whole.item() == getattr(exact, name)()


def _arrays(result):
    return np.stack([r.numpy().astype(np.float64) for r in result]) if isinstance(result, tuple) else result.numpy()


DERIVATIVE_SHAPES = [
    ((), None),
    ((), 0),
    ((3,), None),
    ((3,), 0),
    ((2, 3), None),
    ((2, 3), 0),
    ((2, 3), -1),
    ((2, 3, 2), (0, 2)),
    ((2, 3, 2), 1),
    ((2, 3, 2), (1, 2)),
]


@pytest.mark.parametrize("name", [*REDUCTIONS, "prod", "max", "min"])
def test_derivatives(name):
    operation = getattr(lucid, name)
    for shape, dim in DERIVATIVE_SHAPES:
        if dim is None and name == "logsumexp":
            dim = tuple(range(len(shape)))
        if isinstance(dim, tuple) and name in ("prod", "max", "min"):
            continue
        n = math.prod(shape) if dim is None else math.prod(shape[d] for d in np.atleast_1d(dim)) if shape else 1
        if name in NEEDS_TWO and n < 2:
            continue
        x = double(rng.permutation(math.prod(shape)).reshape(shape) * 0.37 - 0.9)
        for options in ({}, {"keepdim": True}):
            if dim is None:
                f = operation
            else:
                f = lambda x, dim=dim, options=options: operation(x, dim, **options)  # noqa: E731
            assert gradcheck(f, (x,)), (name, shape, dim)
            assert gradgradcheck(f, (x,)), (name, shape, dim)
    along = (lambda x, d: operation(x, d)[0]) if name in ("max", "min") else operation
    x = double(rng.permutation(12).reshape(3, 4) * 0.37 - 0.9)
    for f in (lambda x: along(x.T, 0), lambda x: along(x[:, ::2], 0), lambda x: along(x * x, 1)):
        assert gradcheck(f, (x,)) and gradgradcheck(f, (x,))
    if name in ("sum", "mean", "logsumexp", "prod"):  # the others have corners where all are equal
        assert gradgradcheck(lambda x: operation(x[:, :1].expand(3, 2), 1), (x,))


@pytest.mark.parametrize("name", ALONG)
def test_derivatives_along(name):
    operation = ALONG[name][0]
    for shape in [(), (1,), (4,), (2, 3), (2, 3, 2), (0, 3), (3, 0)]:
        x = double(rng.standard_normal(shape))
        for dim in range(-1, max(len(shape), 1)):
            assert gradcheck(lambda x, dim=dim: operation(x, dim), (x,))
            assert gradgradcheck(lambda x, dim=dim: operation(x, dim), (x,))
    x = double(rng.standard_normal((3, 4)))
    assert gradgradcheck(lambda x: operation(x.T, 0), (x,))
    assert gradgradcheck(lambda x: operation(x[:, 1::2], 1), (x,))


def test_empty():
    """No elements: what PyTorch gives, or an error where nothing can be chosen."""
    x = lucid.zeros(0, 3, dtype=lucid.float64, requires_grad=True)
    assert lucid.sum(x).item() == 0 and lucid.sum(x, 0).tolist() == [0, 0, 0] and lucid.sum(x, 1).shape == (0,)
    assert math.isnan(lucid.mean(x)) and np.isnan(lucid.mean(x, 0).tolist()).all() and lucid.mean(x, 1).shape == (0,)
    assert lucid.prod(x).item() == 1 and lucid.prod(x, 0).tolist() == [1, 1, 1] and lucid.prod(x, 1).shape == (0,)
    assert lucid.logsumexp(x, 0).tolist() == [-inf] * 3 and lucid.logsumexp(x, 1).shape == (0,)
    assert lucid.logsumexp(x, (0, 1), True).tolist() == [[-inf]]
    assert math.isnan(lucid.var(x)) and np.isnan(lucid.std(x, 0).tolist()).all()
    assert lucid.all(x).item() is True and lucid.any(x).item() is False
    assert lucid.cumsum(x, 0).shape == (0, 3) and lucid.softmax(x, 0).shape == (0, 3)
    assert lucid.amax(x, 1).shape == (0,) and lucid.argmax(x, 1).shape == (0,) and lucid.max(x, 1).indices.shape == (0,)
    for f in (lucid.amax, lucid.amin, lucid.argmax, lucid.argmin, lucid.max, lucid.min):
        for args in ((), (0,)):
            with pytest.raises(ValueError, match=r"arg|am|max|min.*no elements.*\(0, 3\)"):
                f(x, *args)
    for f in (lucid.sum, lucid.mean, lucid.prod):
        assert gradcheck(lambda x, f=f: f(x, 0), (x,)) and gradgradcheck(lambda x, f=f: f(x), (x,))
    assert gradcheck(lambda x: lucid.logsumexp(x, 0), (x,))


def test_zero_dimensional():
    x = lucid.tensor(2.5)
    for f in (lucid.sum, lucid.mean, lucid.amax, lucid.amin, lucid.prod):
        for dims in ((), (0,), (-1,)):
            assert f(x, *dims).item() == 2.5 and f(x, *dims).shape == ()
        assert f(x, 0, keepdim=True).shape == ()
    assert lucid.max(x, 0) == (2.5, 0) and lucid.argmax(x).item() == 0 and lucid.argmin(x, -1).item() == 0
    assert math.isnan(lucid.var(x)) and lucid.var(x, correction=0).item() == 0
    assert lucid.softmax(x, 0).item() == 1 and lucid.log_softmax(x, -1).item() == 0 and lucid.cumsum(x, 0).item() == 2.5
    assert lucid.logsumexp(x, 0).item() == 2.5
    with pytest.raises(IndexError, match=r"sum.*dim 1.*0 dim"):
        x.sum(1)


def test_dims():
    x = lucid.ones(2, 3, 4)
    assert x.sum(()).shape == () and x.sum((), True).shape == (1, 1, 1) and x.mean([]).shape == ()
    assert x.amax(()).shape == () and x.var(()).shape == ()
    assert x.any(()).shape == (2, 3, 4)  # any and all alone reduce over nothing then
    assert x.sum((0, -1)).tolist() == [8, 8, 8] and x.sum((2, 0), keepdim=True).shape == (1, 3, 1)
    assert x.any((0, 2)).tolist() == [True] * 3 and x.all(1, keepdim=True).shape == (2, 1, 4)
    for name in ("sum", "mean", "amax", "var", "std", "logsumexp", "any", "all"):
        f = getattr(lucid, name)
        with pytest.raises(IndexError, match=rf"{name}.*dim 3 is out of range.*3 dim"):
            f(x, 3)
        with pytest.raises(ValueError, match=rf"{name}.*twice"):
            f(x, (0, -3))
    for name in ("cumsum", "softmax", "log_softmax", "argmax", "max", "prod"):
        with pytest.raises(IndexError, match=rf"{name}.*dim -4 is out of range"):
            getattr(lucid, name)(x, -4)


def test_number_types():
    i, b = lucid.tensor([[1, 5], [3, 2]]), lucid.tensor([True, False, True])
    assert i.sum().dtype is lucid.int64 and i.sum(0).tolist() == [4, 7] and b.sum().item() == 2
    assert i.int().sum().dtype is lucid.int64 and i.int().prod().dtype is lucid.int64 and i.prod(1).tolist() == [5, 6]
    assert i.sum(dtype=lucid.float32).dtype is lucid.float32 and i.float().sum(dtype=lucid.int32).dtype is lucid.int32
    assert i.amax().item() == 5 and i.amin(1).tolist() == [1, 2] and i.amax().dtype is lucid.int64
    assert (
        i.argmax().item() == 1 and i.argmax(0).tolist() == [1, 0] and i.argmin(1, keepdim=True).tolist() == [[0], [1]]
    )
    assert (
        i.max(0).values.tolist() == [3, 5]
        and i.max(0).indices.tolist() == [1, 0]
        and i.cumsum(0).tolist() == [[1, 5], [4, 7]]
    )
    assert b.cumsum(0).tolist() == [1, 1, 2] and i.int().cumsum(0).dtype is lucid.int64
    assert i.mean(dtype=lucid.float32).item() == 2.75 and i.softmax(0, dtype=lucid.float64).dtype is lucid.float64
    np.testing.assert_allclose(i.logsumexp(1).tolist(), [5.0181499, 3.3132617], rtol=1e-6)
    assert i.logsumexp(1).dtype is lucid.float32
    for f in (lucid.mean, lucid.var, lucid.std, lambda x: lucid.softmax(x, 0), lambda x: lucid.log_softmax(x, 0)):
        with pytest.raises(TypeError, match="int64"):
            f(i)


def test_nan_and_infinities(simd_level):
    for dtype in (lucid.float32, lucid.float64):
        x = lucid.tensor([[1, nan, 3, nan], [inf, 2, -inf, 0]], dtype=dtype)
        assert math.isnan(x.sum()) and math.isnan(x.amax()) and math.isnan(x.amin())
        assert np.isnan(x.sum(1).tolist()).all() and x.sum(0)[0].item() == inf
        assert x.argmax(1).tolist() == [1, 0] and x.argmin(1).tolist() == [1, 2]
        values, indices = x.max(1)
        assert math.isnan(values[0]) and values[1].item() == inf and indices.tolist() == [1, 0]
        assert x.min(1).indices.tolist() == [1, 2]
        assert x.cumsum(1)[0, 0].item() == 1 and np.isnan(x.cumsum(1)[0, 1:].numpy()).all()
        rows = lucid.tensor(
            [[-inf, -inf], [inf, 1], [inf, inf], [-inf, 1], [inf, -inf], [1000, 1000], [-1000, -1000]], dtype=dtype
        )
        want = [-inf, inf, inf, 1, inf, 1000 + math.log(2), -1000 + math.log(2)]
        np.testing.assert_allclose(rows.logsumexp(1).numpy(), want, rtol=1e-6)
        assert rows.softmax(1)[3].tolist() == [0, 1] and rows.log_softmax(1)[3].tolist() == [-inf, 0]
        assert rows.softmax(1)[5].tolist() == [0.5, 0.5] and np.isnan(rows.softmax(1)[0].numpy()).all()
        long = np.zeros(103)
        long[71] = nan
        assert (
            math.isnan(lucid.tensor(long, dtype=dtype).amax()) and lucid.tensor(long, dtype=dtype).argmax().item() == 71
        )
        assert lucid.tensor([-0.0, 0.0], dtype=dtype).sum().item() == 0
    x = lucid.tensor([[-inf, 1.0], [1000, 1000]], dtype=lucid.float64, requires_grad=True)
    x.logsumexp(1).sum().backward()
    assert x.grad.tolist() == [[0, 1], [0.5, 0.5]]


def test_extremes_share_or_choose():
    """amax divides the gradient among equals; max with a dimension gives it to the first."""
    x = lucid.tensor([[3.0, 1.0, 3.0], [2.0, 2.0, 2.0]], requires_grad=True)
    for f, want in [
        (lambda x: x.amax(1).sum(), [[0.5, 0, 0.5], [1 / 3] * 3]),
        (lambda x: x.amin(0).sum(), [[0, 1, 0], [1, 0, 1]]),
        (lambda x: x.max(), [[0.5, 0, 0.5], [0, 0, 0]]),
        (lambda x: x.min(), [[0, 1, 0], [0, 0, 0]]),
        (lambda x: x.max(1).values.sum(), [[1, 0, 0], [1, 0, 0]]),
        (lambda x: x.min(1)[0].sum(), [[0, 1, 0], [1, 0, 0]]),
    ]:
        np.testing.assert_allclose(grad(f(x), x)[0].numpy(), want, rtol=1e-6)
    result = x.max(1)
    assert result._fields == ("values", "indices") and result.indices.dtype is lucid.int64
    assert x.max(dim=1, keepdim=True).values.shape == (2, 1) and not result.indices.requires_grad
    assert lucid.max(x, lucid.tensor(2.5)).tolist() == [[3, 2.5, 3], [2.5] * 3]
    assert lucid.min(x, x * 0).tolist() == [[0] * 3] * 2


def test_var_and_std():
    x = lucid.tensor([[1.0, 2.0, 4.0], [3.0, 3.0, 3.0]], dtype=lucid.float64, requires_grad=True)
    for correction in (0, 1, 2, 0.5):
        np.testing.assert_allclose(x.var(1, correction=correction).tolist(), np.array([14 / 3, 0]) / (3 - correction))
        assert gradgradcheck(lambda x, c=correction: x.var(1, correction=c), (x,))
    assert x.var(1, unbiased=False).tolist() == x.var(1, correction=0).tolist()
    assert lucid.tensor([1.0, 2.0]).var(correction=2).item() == inf and math.isnan(lucid.tensor([1.0]).var())
    x.std(1).sum().backward()  # where all are equal the gradient is 0, not NaN
    np.testing.assert_allclose(x.grad.tolist(), [[-0.43643578, -0.10910895, 0.54554473], [0, 0, 0]], rtol=1e-7)
    far = 1e8 + np.array([0.0, 1.0, 2.0])
    np.testing.assert_allclose(lucid.tensor(far).var().item(), 1.0, rtol=1e-7)


@pytest.mark.parametrize(
    "row", [[2.0, 3.0, 5.0, 0.5], [0.0, 2.0, 3.0, 4.0], [0.0, 2.0, 0.0, 4.0], [0.0, 0.0, 0.0, 2.0], [-1.5]]
)
def test_prod_with_zeros(row):
    x = double(row)
    assert gradcheck(lucid.prod, (x,)) and gradgradcheck(lucid.prod, (x,))
    square = double([row, [1.0] * len(row)])
    for dim in (0, 1):
        assert gradcheck(lambda x, dim=dim: lucid.prod(x, dim, keepdim=True), (square,))
        assert gradgradcheck(lambda x, dim=dim: lucid.prod(x, dim), (square,))
    first = grad(lucid.prod(x), x, create_graph=True)[0]
    others = [math.prod(row[:i] + row[i + 1 :]) for i in range(len(row))]
    np.testing.assert_allclose(first.tolist(), others)
    if len(row) > 1:
        for i in range(len(row)):
            hessian = grad(first[i], x, retain_graph=True)[0].tolist()
            want = [
                0 if i == j else math.prod(v for k, v in enumerate(row) if k not in (i, j)) for j in range(len(row))
            ]
            np.testing.assert_allclose(hessian, want)


def test_cumsum_gradient_does_not_cancel():
    x = lucid.ones(4, requires_grad=True)
    x.cumsum(0).backward(lucid.tensor([1e8, 1.0, 1.0, 1.0]))
    assert x.grad.tolist() == [1e8, 3, 2, 1]  # 1e8 + 3 is 1e8 in float32


def test_any_and_all():
    x = lucid.tensor([[0.0, nan], [0.0, 0.0], [1.0, -2.0]])
    assert x.any(1).tolist() == [True, False, True] and x.all(1).tolist() == [False, False, True]
    assert x.any().dtype is lucid.bool and x.all().item() is False and lucid.tensor([2, 3]).all().item() is True


def test_sum_of_gradients_of_expanded():
    """Sum and expand are each other's derivative, whatever dimensions."""
    for shape, dim in [((2, 3, 4), (0, 2)), ((2, 3, 4), 1), ((3,), None)]:
        x = double(rng.standard_normal(shape))
        x.sum(dim).backward(lucid.ones_like(x.sum(dim)))
        assert x.grad.tolist() == np.ones(shape).tolist()
    x = double(rng.standard_normal((3, 1)))
    assert gradgradcheck(lambda x: x.expand(2, 3, 4).mean((0, 2)), (x,))
    assert gradcheck(lambda x: (x * x).expand(2, 3, 4).sum_to_size(3, 1), (x,))
    assert gradcheck(lambda x: (x * x).expand(2, 3, 4).sum_to_size(2, 1, 4), (x,))
    with pytest.raises(ValueError, match=r"sum_to_size.*\(2,\).*\(3, 1\)"):
        x.sum_to_size(2)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (3, 1, 2, 4, 2), (2, 0, 3, 2), (0, 3, 2, 0), (5, 40, 30, 7)])
def test_any_choice_of_dimensions(shape):
    """Reduced dimensions next to each other or apart, of contiguous memory and of a view."""
    array = np.random.default_rng(0).standard_normal(shape)
    views = [(lucid.tensor(array), array)]
    views.append((lucid.tensor(np.ascontiguousarray(array.T)).permute(*range(len(shape))[::-1]), array))
    for x, values in views:
        for count in range(1, len(shape) + 1):
            for dims in itertools.combinations(range(len(shape)), count):
                for keep in (False, True):
                    want = values.sum(dims, keepdims=keep)
                    np.testing.assert_allclose(x.sum(dims, keep).numpy(), want, rtol=1e-11, atol=1e-11)
                n = math.prod(shape[d] for d in dims)
                mean = x.mean(dims).numpy()
                np.testing.assert_allclose(mean, values.sum(dims) / n if n else np.full(mean.shape, np.nan), atol=1e-12)
                if values.size:
                    np.testing.assert_array_equal(x.amax(dims).numpy(), values.max(dims))
                    np.testing.assert_array_equal(x.amin(dims).numpy(), values.min(dims))
                    want = np.log(np.exp(values).sum(dims))
                    np.testing.assert_allclose(x.logsumexp(dims).numpy(), want, rtol=1e-12)


def test_derivatives_over_dimensions_apart():
    x = lucid.tensor(np.random.default_rng(0).standard_normal((2, 3, 2, 2)), requires_grad=True)
    for name in ("sum", "mean", "logsumexp", "amax"):
        for dims in ((0, 2), (0, 2, 3), (1, 3)):
            function = lambda x, name=name, dims=dims: getattr(x, name)(dims)  # noqa: E731
            assert gradcheck(function, (x,))
            assert name == "amax" or gradgradcheck(function, (x,))
