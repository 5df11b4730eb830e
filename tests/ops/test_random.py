"""Random numbers: distributions by their moments and extremes, the same for a seed whatever the machine does."""

import math

import numpy as np
import pytest
from scipy import stats

import lucid
from lucid.autograd import gradcheck, gradgradcheck
from lucid.nn import functional as F

N = 200_001


def in_standard_errors(sample, mean, deviation):
    return abs(np.mean(sample, dtype=np.float64) - mean) / (deviation / math.sqrt(np.size(sample)))


DRAWS = {
    "rand": lambda g: lucid.rand(N, generator=g),
    "randn": lambda g: lucid.randn(N, generator=g),
    "rand float64": lambda g: lucid.rand(3, 333, dtype=lucid.float64, generator=g),
    "randn float64": lambda g: lucid.randn(999, dtype=lucid.float64, generator=g),
    "normal": lambda g: lucid.normal(1.0, 2.0, (7, 9), generator=g),
    "randint": lambda g: lucid.randint(3, 17, (N,), generator=g),
    "randperm": lambda g: lucid.randperm(10007, generator=g),
    "bernoulli": lambda g: lucid.bernoulli(lucid.full((N,), 0.3), generator=g),
    "uniform_": lambda g: lucid.empty(4, 5).T.uniform_(2, 3, generator=g),
    "normal_": lambda g: lucid.empty(4, 5)[:, ::2].normal_(generator=g),
}


@pytest.mark.parametrize("name", DRAWS)
def test_reproducible(name, simd_level, both_thread_counts):
    """The same numbers for a seed: with 1 and 2 threads, from a generator and from the default, after set_rng_state."""
    draw = DRAWS[name]
    first = both_thread_counts(lambda: draw(lucid.Generator().manual_seed(5)).numpy().copy())
    lucid.manual_seed(5)
    assert draw(None).numpy().tobytes() == first.tobytes()
    state = lucid.get_rng_state()
    second = draw(None).numpy().copy()
    assert second.tobytes() != first.tobytes()
    lucid.set_rng_state(state)
    assert draw(None).numpy().tobytes() == second.tobytes()
    g = lucid.Generator().manual_seed(5)
    draw(g)
    lucid.rand(3)  # another stream does not disturb it
    assert draw(g).numpy().tobytes() == second.tobytes()
    assert draw(lucid.Generator().manual_seed(6)).numpy().tobytes() != first.tobytes()


@pytest.mark.parametrize("dtype", [lucid.float32, lucid.float64], ids=repr)
def test_uniform_and_normal(dtype):
    u, z = lucid.rand(N, dtype=dtype).numpy(), lucid.randn(N, dtype=dtype).numpy()
    assert u.dtype == z.dtype == dtype.numpy and u.min() >= 0 and u.max() < 1
    assert in_standard_errors(u, 0.5, math.sqrt(1 / 12)) < 4 and stats.kstest(u, "uniform").pvalue > 1e-4
    assert in_standard_errors(z, 0, 1) < 4 and in_standard_errors(z.astype(np.float64) ** 2, 1, math.sqrt(2)) < 4
    assert stats.kstest(z, "norm").pvalue > 1e-4 and np.isfinite(z).all() and abs(z).max() > 3.5
    for sample in (u - 0.5, z):  # neighbours know nothing of each other
        assert abs(np.corrcoef(sample[:-1], sample[1:])[0, 1]) < 4 / math.sqrt(N)
    v = lucid.empty(N, dtype=dtype).uniform_(-3, 5).numpy()
    assert v.min() >= -3 and v.max() < 5 and in_standard_errors(v, 1, 8 / math.sqrt(12)) < 4
    w = lucid.normal(2.0, 3.0, (N,), dtype=dtype).numpy()
    assert in_standard_errors(w, 2, 3) < 4 and abs(w.std() - 3) < 0.05


def test_integers_and_permutations():
    x = lucid.randint(-3, 4, (70_000,))
    assert x.dtype is lucid.int64 and sorted(set(x.tolist())) == list(range(-3, 4))
    assert stats.chisquare(np.bincount(x.numpy() + 3)).pvalue > 1e-4
    assert (
        lucid.randint(5, (2, 3)).shape == (2, 3)
        and lucid.randint(1, (4,)).tolist() == [0] * 4
        and lucid.randint(2, ()).shape == ()
    )
    assert (
        lucid.randint(0, 9, size=(2,)).shape
        == lucid.randint(9, size=(2,)).shape
        == lucid.randint(low=3, high=9, size=(2,)).shape
        == (2,)
    )
    assert lucid.randint(9, (3,), dtype=lucid.float32).dtype is lucid.float32
    wide = lucid.randint(-(2**62), 2**62, (1000,)).numpy()
    assert wide.min() < -(2**60) and wide.max() > 2**60
    for n in (0, 1, 2, 1000):
        p = lucid.randperm(n)
        assert p.dtype is lucid.int64 and sorted(p.tolist()) == list(range(n))
    firsts = [lucid.randperm(3).tolist() for _ in range(600)]
    assert (
        stats.chisquare(list({str(p): sum(q == p for q in firsts) for p in firsts}.values())).pvalue > 1e-4
        and len({*map(str, firsts)}) == 6
    )
    b = lucid.bernoulli(lucid.tensor([0.0, 1.0, 0.25]).expand(N // 3, 3)).numpy()
    assert (
        b.dtype == np.float32
        and (b[:, 0] == 0).all()
        and (b[:, 1] == 1).all()
        and in_standard_errors(b[:, 2], 0.25, math.sqrt(3) / 4) < 4
    )


def test_shapes_and_types():
    for f in (lucid.rand, lucid.randn):
        assert f(2, 3).shape == f((2, 3)).shape == (2, 3) and f().shape == () and f(0, 3).shape == (0, 3)
        assert (
            f(2).dtype is lucid.float32
            and f(2, dtype=lucid.float64).dtype is lucid.float64
            and f(2, requires_grad=True).requires_grad
        )
    x = lucid.zeros(3, 2, dtype=lucid.float64)
    assert lucid.rand_like(x).dtype is lucid.randn_like(x.T).dtype is lucid.float64 and lucid.randn_like(x.T).shape == (
        2,
        3,
    )


def test_generator():
    g = lucid.Generator()
    assert (
        g.manual_seed(42) is g
        and g.initial_seed() == 42
        and lucid.manual_seed(3).initial_seed() == lucid.initial_seed() == 3
    )
    state = g.get_state()
    assert state.dtype is lucid.uint8
    a = lucid.rand(4, generator=g)
    h = lucid.Generator()
    h.set_state(state)
    assert lucid.rand(4, generator=h).tolist() == a.tolist()
    assert g.seed() == g.initial_seed() != 42 and lucid.seed() == lucid.initial_seed()
    g.manual_seed(-1)
    assert (
        lucid.rand(2, generator=g).tolist()
        == lucid.rand(2, generator=lucid.Generator().manual_seed(2**64 - 1)).tolist()
    )
    before = g.get_state().tolist()
    for wrong in (lucid.zeros(3, dtype=lucid.uint8), lucid.zeros(16), "a"):
        with pytest.raises(ValueError, match="set_state"):
            g.set_state(wrong)
    assert g.get_state().tolist() == before


@pytest.mark.parametrize("dtype", [lucid.float32, lucid.float64], ids=repr)
def test_dropout(dtype, simd_level, both_thread_counts):
    x = lucid.full((N,), 3.0, dtype=dtype)
    for p in (0.1, 0.5, 0.9):
        got = both_thread_counts(lambda p=p: (lucid.manual_seed(1), F.dropout(x, p).numpy())[1])
        assert got.dtype == dtype.numpy and in_standard_errors(got == 0, p, math.sqrt(p * (1 - p))) < 4
        np.testing.assert_allclose(got[got != 0], 3 / (1 - p), rtol=1e-6)
    lucid.manual_seed(1)
    assert F.dropout(x, 0.9).numpy().tobytes() == got.tobytes() and F.dropout(x, 0.9).numpy().tobytes() != got.tobytes()
    assert F.dropout(x, 0.5, training=False) is x and F.dropout(x, 0.0) is x and (F.dropout(x, 1.0).numpy() == 0).all()
    assert F.dropout(lucid.zeros(0, 3), 0.5).shape == (0, 3) and F.dropout(x[0], 0.5).shape == ()
    n = lucid.tensor([math.nan, math.inf] * 50, dtype=dtype)
    kept = F.dropout(n, 0.5).numpy()
    assert np.isnan(kept[::2][~(kept[::2] == 0)]).all() and set(kept[1::2].tolist()) == {0.0, math.inf}


def test_dropout_derivatives_and_errors():
    def dropped(x, p=0.4):
        lucid.manual_seed(3)
        return F.dropout(x, p)

    for shape in [(), (5,), (3, 4), (0, 2)]:
        x = lucid.tensor(np.random.default_rng(1).standard_normal(shape), requires_grad=True)
        assert gradcheck(dropped, (x,)) and gradgradcheck(lambda x: dropped(x * x), (x,))
        assert gradcheck(lambda x: dropped(x, 1.0), (x,))
        if len(shape) == 2:
            assert gradgradcheck(lambda x: dropped(x.T), (x,))
    h = x.detach().clone()
    assert F.dropout(h, 1.0, inplace=True) is h and (h.numpy() == 0).all()
    x = lucid.ones(100, requires_grad=True)
    y = x * 2
    F.dropout(y, 0.5, inplace=True)
    y.sum().backward()
    assert (x.grad.numpy() == y.detach().numpy()).all() and set(x.grad.tolist()) == {0.0, 4.0}
    for p in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match=f"dropout.*{p}"):
            F.dropout(x, p)
    with pytest.raises(TypeError, match="dropout.*int64"):
        F.dropout(lucid.ones(2, dtype=lucid.int64), 0.5)


def test_errors():
    state = lucid.get_rng_state().tolist()
    for f, kind, message in [
        (lambda: lucid.rand(-1), ValueError, "rand.*-1"),
        (lambda: lucid.randn(2, dtype=lucid.int64), TypeError, "randn.*int64"),
        (lambda: lucid.randint(5, 5, (2,)), ValueError, "randint.*5"),
        (lambda: lucid.randint(0, (2,)), ValueError, "randint.*0"),
        (lambda: lucid.randint(5), TypeError, "randint"),
        (lambda: lucid.randint(5, (-2,)), ValueError, "-2|negative"),
        (lambda: lucid.randperm(-1), ValueError, "randperm.*-1"),
        (lambda: lucid.normal(0.0, -1.0, (2,)), ValueError, "normal.*-1"),
        (lambda: lucid.bernoulli(lucid.tensor([0.5, 1.5])), ValueError, "bernoulli"),
        (lambda: lucid.bernoulli(lucid.tensor([math.nan])), ValueError, "bernoulli"),
        (lambda: lucid.zeros(2).uniform_(1, 0), ValueError, "uniform_.*1.*0"),
        (lambda: lucid.zeros(2).normal_(0, -1), ValueError, "normal_.*-1"),
        (lambda: lucid.zeros(2, dtype=lucid.int64).uniform_(), TypeError, "uniform_.*int64"),
        (lambda: lucid.zeros(1).expand(3).normal_(), RuntimeError, "expanded"),
    ]:
        with pytest.raises(kind, match=message):
            f()
    assert lucid.get_rng_state().tolist() == state


def test_multinomial_draws_by_weight():
    lucid.manual_seed(3)
    weights = lucid.tensor([[1.0, 0.0, 3.0], [2.0, 2.0, 0.0]])
    drawn = lucid.multinomial(weights, 20000, replacement=True).numpy()
    for row, want in zip(drawn, ([0.25, 0, 0.75], [0.5, 0.5, 0]), strict=True):
        np.testing.assert_allclose(np.bincount(row, minlength=3) / 20000, want, atol=0.015)
    firsts = lucid.multinomial(lucid.ones(5000, 1) * lucid.tensor([1.0, 2.0, 3.0]), 2).numpy()
    assert (firsts[:, 0] != firsts[:, 1]).all()
    pairs = {(a, b): np.mean((firsts == (a, b)).all(1)) for a in range(3) for b in range(3) if a != b}
    for (a, b), found in pairs.items():  # one after the other: p_a, then p_b of what is left
        assert abs(found - (a + 1) / 6 * (b + 1) / (5 - a)) < 0.03
    g = lucid.Generator().manual_seed(4)
    again = [lucid.multinomial(weights, 2, generator=g.manual_seed(4)).tolist() for _ in range(2)]
    assert again[0] == again[1] and sorted(again[0][0]) == [0, 2]


@pytest.mark.parametrize(
    ("weights", "count", "error", "message"),
    [
        ([1.0, -1.0], 1, ValueError, "not negative"),
        ([0.0, 0.0], 1, ValueError, "not all 0"),
        ([1.0, float("nan")], 1, ValueError, "finite"),
        ([1.0, 0.0], 2, ValueError, "2 different categories"),
        ([1.0], 0, ValueError, "at least one sample"),
        ([[[1.0]]], 1, ValueError, "shape"),
        ([1, 1], 1, TypeError, "floating-point"),
    ],
)
def test_multinomial_refuses(weights, count, error, message):
    with pytest.raises(error, match=f"multinomial.*{message}"):
        lucid.multinomial(lucid.tensor(weights), count)


def test_randint_like_and_normal_of_tensors():
    x = lucid.zeros(3, 4, dtype=lucid.float64)
    drawn = lucid.randint_like(x, 2, 5)
    assert drawn.dtype is lucid.float64 and set(drawn.flatten().tolist()) <= {2, 3, 4} and drawn.shape == (3, 4)
    assert set(lucid.randint_like(x, 1, dtype=lucid.int64).flatten().tolist()) == {0}
    means = lucid.arange(3.0).expand(20000, 3)
    drawn = lucid.normal(means, lucid.tensor([1.0, 2.0, 0.0])).numpy()
    np.testing.assert_allclose(drawn.mean(0), [0, 1, 2], atol=0.06)
    np.testing.assert_allclose(drawn.std(0), [1, 2, 0], atol=0.06)
    assert lucid.bernoulli(lucid.zeros(5), 1.0).tolist() == [1] * 5
    with pytest.raises(ValueError, match="std"):
        lucid.normal(0.0, lucid.tensor([-1.0]))
    with pytest.raises(TypeError, match="size"):
        lucid.normal(lucid.zeros(2), 1.0, (2,))
