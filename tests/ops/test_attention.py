"""Scaled dot-product attention against the formula in NumPy float64."""

import numpy as np
import pytest

import lucid
from lucid.autograd import gradcheck, gradgradcheck
from lucid.nn.functional import scaled_dot_product_attention

SHAPES = [(2, 3, 5, 7, 4, 6), (1, 1, 1, 1, 1, 1), (1, 2, 130, 300, 17, 16), (2, 1, 257, 129, 33, 20)]


def reference(q, k, v, mask=None, causal=False, scale=None):
    """Result, and the gradients of sum(out * weight) as a function of weight."""
    scale = 1 / np.sqrt(q.shape[-1]) if scale is None else scale
    scores = q @ k.swapaxes(-1, -2) * scale
    if causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    top = scores.max(-1, keepdims=True)
    e = np.exp(scores - np.where(np.isinf(top), 0, top))
    total = e.sum(-1, keepdims=True)
    p = e / np.where(total == 0, 1, total)

    def gradients(g):
        through = g @ v.swapaxes(-1, -2)
        s = p * (through - (p * through).sum(-1, keepdims=True)) * scale
        return s @ k, s.swapaxes(-1, -2) @ q, p.swapaxes(-1, -2) @ g

    return p @ v, gradients


def check(shapes, thread_counts, tolerance=1.0, **options):
    random = np.random.default_rng(0)
    arrays = [random.standard_normal(shape) for shape in shapes]
    mask = options.pop("mask", None)
    causal, scale = options.get("is_causal", False), options.get("scale")
    want, gradients = reference(*arrays, mask, causal, scale)
    grad = random.standard_normal(want.shape)
    for dtype, close in ((lucid.float32, 5e-5), (lucid.float64, 1e-11)):
        given = [lucid.tensor(a, dtype=dtype, requires_grad=True) for a in arrays]
        seen = None if mask is None else lucid.tensor(mask, dtype=lucid.bool if mask.dtype == bool else dtype)

        def compute(given=given, seen=seen, dtype=dtype):
            out = scaled_dot_product_attention(*given, attn_mask=seen, **options)
            found = lucid.autograd.grad(out, given, lucid.tensor(grad, dtype=dtype))
            return np.concatenate([x.detach().numpy().ravel() for x in (out, *found)])

        got = thread_counts(compute)
        expected = np.concatenate([x.ravel() for x in (want, *gradients(grad))])
        np.testing.assert_allclose(got, expected, rtol=close * tolerance, atol=close * tolerance)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"scale": 0.3}], ids=["plain", "causal", "scale"])
def test_values_and_gradients(simd_level, both_thread_counts, shape, options):
    b, h, queries, keys, width, value_width = shape
    check([(b, h, queries, width), (b, h, keys, width), (b, h, keys, value_width)], both_thread_counts, **options)


@pytest.mark.parametrize("kind", ["bool", "float", "keys", "one column", "heads"])
@pytest.mark.parametrize("shape", SHAPES)
def test_masks(simd_level, both_thread_counts, shape, kind):
    b, h, queries, keys, width, value_width = shape
    random = np.random.default_rng(1)
    mask = {
        "bool": random.random((queries, keys)) > 0.5,
        "float": random.standard_normal((queries, keys)),
        "keys": random.random((b, 1, 1, keys)) > 0.3,
        "one column": random.standard_normal((queries, 1)),
        "heads": random.random((h, queries, keys)) > 0.5,
    }[kind]
    if kind == "bool":
        mask[0] = False  # a query that sees nothing
    check([(b, h, queries, width), (b, h, keys, width), (b, h, keys, value_width)], both_thread_counts, mask=mask)


def test_scores_beyond_the_range_of_exp(simd_level, both_thread_counts):
    random = np.random.default_rng(2)
    q, k, v = (random.standard_normal((1, 2, 150, 8)) for _ in range(3))
    for factor in (1e3, 1e4):
        want, _ = reference(q, k * factor, v)
        given = [lucid.tensor(x) for x in (q, k * factor, v)]
        got = both_thread_counts(lambda given=given: scaled_dot_product_attention(*given).numpy())
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9)


def test_groups_of_heads(simd_level, both_thread_counts):
    random = np.random.default_rng(3)
    q, k, v = (random.standard_normal((2, heads, 70, 8)) for heads in (6, 2, 2))
    want, gradients = reference(q, k.repeat(3, 1), v.repeat(3, 1), causal=True)
    grad = random.standard_normal(want.shape)
    gq, gk, gv = gradients(grad)
    gk, gv = (g.reshape(2, 2, 3, 70, 8).sum(2) for g in (gk, gv))
    given = [lucid.tensor(x, requires_grad=True) for x in (q, k, v)]

    def compute():
        out = scaled_dot_product_attention(*given, is_causal=True, enable_gqa=True)
        found = lucid.autograd.grad(out, given, lucid.tensor(grad))
        return np.concatenate([x.detach().numpy().ravel() for x in (out, *found)])

    got = both_thread_counts(compute)
    np.testing.assert_allclose(got, np.concatenate([x.ravel() for x in (want, gq, gk, gv)]), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("lead", [(), (3,), (2, 1, 3)])
def test_any_number_of_dimensions_and_any_layout(lead):
    random = np.random.default_rng(4)
    q, k, v = (random.standard_normal((*lead, 4, rows)) for rows in (5, 6, 6))
    swap = [x.swapaxes(-1, -2) for x in (q, k, v)]
    given = [lucid.tensor(x, requires_grad=True) for x in (q, k, v)]
    out = scaled_dot_product_attention(*(x.transpose(-1, -2) for x in given))
    np.testing.assert_allclose(out.detach().numpy(), reference(*swap)[0], rtol=1e-12, atol=1e-12)
    out.sum().backward()
    want = reference(*swap)[1](np.ones(out.shape))
    for x, g in zip(given, want, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), g.swapaxes(-1, -2), rtol=1e-10, atol=1e-12)


def test_leading_dimensions_broadcast():
    q, k = lucid.randn(2, 1, 3, 4, dtype=lucid.float64), lucid.randn(5, 3, 4, dtype=lucid.float64)
    got = scaled_dot_product_attention(q, k, k).numpy()
    want, _ = reference(np.broadcast_to(q.numpy(), (2, 5, 3, 4)), k.numpy(), k.numpy())
    np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("shapes", [((0, 2, 3, 4),) * 3, ((1, 2, 0, 4), (1, 2, 3, 4), (1, 2, 3, 4))])
def test_empty(shapes):
    given = [lucid.zeros(*s).requires_grad_() for s in shapes]
    out = scaled_dot_product_attention(*given)
    assert out.shape == (*shapes[0][:3], 4)
    out.sum().backward()
    assert all((x.grad.numpy() == 0).all() for x in given)


def test_no_keys_give_zeros():
    out = scaled_dot_product_attention(lucid.ones(1, 2, 3, 4), lucid.ones(1, 2, 0, 4), lucid.ones(1, 2, 0, 5))
    assert out.tolist() == np.zeros((1, 2, 3, 5)).tolist()


def test_nan_stays_in_its_row(simd_level):
    q = lucid.randn(1, 1, 70, 4)
    q[0, 0, 65, 0] = float("nan")
    out = scaled_dot_product_attention(q, lucid.randn(1, 1, 9, 4), lucid.randn(1, 1, 9, 4)).numpy()
    assert np.isnan(out[0, 0, 65]).all() and not np.isnan(np.delete(out, 65, 2)).any()


def test_dropout(both_thread_counts):
    q = lucid.randn(2, 2, 150, 8)
    k = lucid.randn(2, 2, 150, 8)
    rows = lucid.eye(150).expand(2, 2, 150, 150).contiguous()  # so that the result is the weights

    def weights(p):
        lucid.manual_seed(7)
        return scaled_dot_product_attention(q, k, rows, dropout_p=p).numpy()

    whole, kept = weights(0.0), both_thread_counts(lambda: weights(0.25))
    dropped = kept == 0
    assert 0.24 < dropped.mean() < 0.26
    np.testing.assert_allclose(kept[~dropped], whole[~dropped] / 0.75, rtol=1e-5)
    assert (weights(1.0) == 0).all()
    assert (scaled_dot_product_attention(q, k, rows, dropout_p=0.25).numpy() != kept).any()  # goes on in the stream


def double(*shape):
    return lucid.randn(*shape, dtype=lucid.float64).requires_grad_()


@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"dropout_p": 0.4}, {"enable_gqa": True}], ids=str)
def test_first_and_second_derivatives(options):
    q, k, v = double(1, 2, 3, 2), double(1, 1 if "enable_gqa" in options else 2, 4, 2), double(1, 2, 4, 3)
    if "enable_gqa" in options:
        v = double(1, 1, 4, 3)

    def function(q, k, v):
        lucid.manual_seed(3)
        return scaled_dot_product_attention(q, k, v, **options)

    assert gradcheck(function, (q, k, v))
    assert gradgradcheck(function, (q, k, v))


def test_derivative_of_the_mask():
    q, mask = double(1, 2, 3, 2), double(3, 4)
    k, v = lucid.randn(1, 2, 4, 2, dtype=lucid.float64), lucid.randn(1, 2, 4, 3, dtype=lucid.float64)
    assert gradcheck(lambda q, mask: scaled_dot_product_attention(q, k, v, mask), (q, mask))
    assert gradgradcheck(lambda q, mask: scaled_dot_product_attention(q, k, v, mask), (q, mask))


def test_memory_grows_with_the_length_not_with_its_square():
    import tracemalloc

    def peak(length):
        x = lucid.randn(1, 1, length, 8).requires_grad_()
        tracemalloc.start()
        scaled_dot_product_attention(x, x, x).sum().backward()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(4096) < 6 * peak(1024)  # the matrix of weights would be 16 times as large


def test_errors():
    x = lucid.randn(2, 3, 4)
    with pytest.raises(ValueError, match=r"query \(2, 3, 4\), key \(2, 3, 5\).*do not fit"):
        scaled_dot_product_attention(x, lucid.randn(2, 3, 5), x)
    with pytest.raises(ValueError, match="attn_mask must be None when is_causal"):
        scaled_dot_product_attention(x, x, x, lucid.zeros(3, 3), is_causal=True)
    with pytest.raises(ValueError, match=r"attn_mask has shape \(5, 3\)"):
        scaled_dot_product_attention(x, x, x, lucid.zeros(5, 3))
    with pytest.raises(TypeError, match="attn_mask must be bool or lucid.float32"):
        scaled_dot_product_attention(x, x, x, lucid.zeros(3, 3, dtype=lucid.int64))
    with pytest.raises(TypeError, match="one number type"):
        scaled_dot_product_attention(x, x.double(), x)
    with pytest.raises(ValueError, match="dropout_p must be from 0 to 1"):
        scaled_dot_product_attention(x, x, x, dropout_p=1.5)
    with pytest.raises(ValueError, match="do not broadcast"):
        scaled_dot_product_attention(x, lucid.randn(3, 3, 4), lucid.randn(3, 3, 4))
    with pytest.raises(ValueError, match="multiple"):
        scaled_dot_product_attention(x, lucid.randn(3, 3, 4), lucid.randn(3, 3, 4), enable_gqa=True)
