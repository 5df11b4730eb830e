"""Losses and distances: formulas in float64 NumPy, derivatives, reductions, warnings, errors, modules."""

import math
import warnings

import numpy as np
import pytest

import lucid
from lucid import nn
from lucid.autograd import gradcheck, gradgradcheck
from lucid.nn import functional as F

rng = np.random.default_rng(0)
X, Y, W = rng.standard_normal((4, 6)), rng.standard_normal((4, 6)), rng.random((4, 6)) + 0.1
P, Q = rng.random((4, 6)) * 0.8 + 0.1, rng.random((4, 6)) * 0.8 + 0.1
SIGNS, COUNTS = np.where(Y > 0, 1.0, -1.0), np.round(np.abs(Y) * 3)
D = X - Y


def huber(d, delta):
    return np.where(np.abs(d) <= delta, d * d / 2, delta * (np.abs(d) - delta / 2))


def cosine(a, b):
    return (a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1))


def distance(a, b, p=2.0):
    return (np.abs(a - b + 1e-6) ** p).sum(-1) ** (1 / p)


TRIPLET = np.maximum(0, distance(X, Y, 3) - np.minimum(distance(X, P, 3), distance(Y, P, 3)) + 0.7)
TURN = SIGNS[:, 0]
STIRLING = np.where(
    COUNTS > 1, COUNTS * np.log(np.maximum(COUNTS, 1)) - COUNTS + np.log(2 * np.pi * np.maximum(COUNTS, 1)) / 2, 0
)
# (function, inputs, how many of them are differentiated, options, module, loss for each element)
LOSSES = [
    ("l1_loss", (X, Y), 2, {}, "L1Loss", np.abs(D)),
    ("mse_loss", (X, Y), 2, {}, "MSELoss", D * D),
    ("huber_loss", (X, Y), 2, {"delta": 0.7}, "HuberLoss", huber(D, 0.7)),
    ("smooth_l1_loss", (X, Y), 2, {"beta": 0.7}, "SmoothL1Loss", huber(D, 0.7) / 0.7),
    ("smooth_l1_loss", (X, Y), 2, {"beta": 0.0}, "SmoothL1Loss", np.abs(D)),
    ("binary_cross_entropy", (P, Q), 2, {}, "BCELoss", -Q * np.log(P) - (1 - Q) * np.log(1 - P)),
    ("kl_div", (X, P), 2, {}, "KLDivLoss", P * (np.log(P) - X)),
    ("kl_div", (X, Y), 2, {"log_target": True}, "KLDivLoss", np.exp(Y) * (Y - X)),
    ("poisson_nll_loss", (X, COUNTS), 1, {}, "PoissonNLLLoss", np.exp(X) - COUNTS * X),
    ("poisson_nll_loss", (P, COUNTS), 1, {"log_input": False, "full": True}, "PoissonNLLLoss",
     P - COUNTS * np.log(P + 1e-8) + STIRLING),
    ("gaussian_nll_loss", (X, Y, P), 3, {"full": True}, "GaussianNLLLoss",
     (np.log(P) + D * D / P + np.log(2 * np.pi)) / 2),
    ("gaussian_nll_loss", (X, Y, P[:, 0]), 3, {}, "GaussianNLLLoss", (np.log(P[:, :1]) + D * D / P[:, :1]) / 2),
    ("soft_margin_loss", (X, SIGNS), 1, {}, "SoftMarginLoss", np.log1p(np.exp(-SIGNS * X))),
    ("margin_ranking_loss", (X, Y, SIGNS), 2, {"margin": 0.3}, "MarginRankingLoss",
     np.maximum(0, -SIGNS * D + 0.3)),
    ("cosine_embedding_loss", (X, Y, TURN), 2, {"margin": 0.1}, "CosineEmbeddingLoss",
     np.where(TURN == 1, 1 - cosine(X, Y), np.maximum(0, cosine(X, Y) - 0.1))),
    ("triplet_margin_loss", (X, Y, P), 3, {"margin": 0.7, "p": 3.0, "swap": True}, "TripletMarginLoss", TRIPLET),
]  # fmt: skip


@pytest.mark.parametrize("case", LOSSES, ids=lambda c: c[0])
def test_losses(simd_level, case):
    name, arrays, differentiable, options, module, want = case
    inputs = [lucid.tensor(a) for a in arrays]
    function = getattr(F, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_allclose(function(*inputs, **options, reduction="none").numpy(), want, rtol=1e-9, atol=1e-12)
        assert function(*inputs, **options).item() == pytest.approx(want.mean(), rel=1e-9)
        assert function(*inputs, **options, reduction="sum").item() == pytest.approx(want.sum(), rel=1e-9)
        single = function(*(x.float() for x in inputs), **options)
        assert single.dtype is lucid.float32 and single.item() == pytest.approx(want.mean(), rel=1e-4)
        assert getattr(nn, module)(**options)(*inputs).item() == pytest.approx(want.mean(), rel=1e-9)
        leaves = [lucid.tensor(a, requires_grad=i < differentiable) for i, a in enumerate(arrays)]
        for reduction in ("none", "mean"):
            loss = lambda *xs: function(*xs, **options, reduction=reduction)  # noqa: E731, B023
            assert gradcheck(loss, leaves)
            assert gradgradcheck(loss, leaves)
        with pytest.raises(ValueError, match=f"{name}.*reduction must be"):
            function(*inputs, **options, reduction="average")


def test_weights():
    x, y, w = (lucid.tensor(a) for a in (X, Y, W))
    assert F.l1_loss(x, y, weight=w).item() == pytest.approx((W * np.abs(D)).sum() / W.sum())
    assert F.mse_loss(x, y, weight=w).item() == pytest.approx((W * D * D).sum() / W.sum())
    assert F.huber_loss(x, y, weight=w).item() == pytest.approx((W * huber(D, 1)).mean())
    with pytest.raises(ValueError, match=r"weight has shape \(6,\)"):
        F.l1_loss(x, y, weight=w[0])
    p, q = lucid.tensor(P), lucid.tensor(Q)
    np.testing.assert_allclose(F.binary_cross_entropy(p, q, w, reduction="none").numpy(), W * LOSSES[5][5], rtol=1e-12)
    assert nn.BCELoss(w)(p, q).item() == pytest.approx((W * LOSSES[5][5]).mean())


def test_ends_of_binary_cross_entropy(simd_level):
    """At 0 and 1 the loss is at most 100 and the gradient finite."""
    x = lucid.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    loss = F.binary_cross_entropy(x, lucid.tensor([0.0, 1.0, 1.0, 0.0]), reduction="none")
    assert loss.tolist() == [0.0, 0.0, 100.0, 100.0]
    loss.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [0, 0, -1e12, 1e12], rtol=1e-6)
    with pytest.raises(ValueError, match=r"from 0 to 1, got 1\.5"):
        F.binary_cross_entropy(lucid.tensor([1.5]), lucid.tensor([1.0]))


def test_shapes_warn():
    for function in (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss):
        with pytest.warns(UserWarning, match=r"input has shape \(4, 6\) but target has shape \(6,\)"):
            assert function(lucid.tensor(X), lucid.tensor(Y[0]), reduction="none").shape == (4, 6)
    with pytest.warns(UserWarning, match="batchmean"):
        F.kl_div(lucid.tensor(X), lucid.tensor(P))
    zero = lucid.tensor([[0.0, 1.0]])
    assert F.kl_div(lucid.tensor([[-5.0, 0.0]]), zero, reduction="batchmean").item() == 0.0
    want = (P * (np.log(P) - X)).sum() / 4
    assert nn.KLDivLoss(reduction="batchmean")(lucid.tensor(X), lucid.tensor(P)).item() == pytest.approx(want)


@pytest.mark.parametrize("shape", [(6, 4), (4,), (2, 4, 3), (2, 4, 3, 2), (0, 4)])
@pytest.mark.parametrize("weighted", [False, True])
def test_nll_loss(simd_level, shape, weighted):
    x = np.random.default_rng(1).standard_normal(shape)
    target = np.random.default_rng(2).integers(0, 4, shape[:1] + shape[2:] if len(shape) > 1 else ())
    if target.size > 2:
        target.flat[1] = -100
    weight = W[0, :4] if weighted else np.ones(4)
    rows, flat = np.moveaxis(x, min(1, x.ndim - 1), -1).reshape(-1, 4), target.reshape(-1)
    chosen = np.maximum(flat, 0)
    counts = np.where(flat >= 0, weight[chosen], 0)
    losses = -rows[np.arange(len(flat)), chosen] * counts
    options = {"weight": lucid.tensor(weight)} if weighted else {}
    leaf, t = lucid.tensor(x, requires_grad=True), lucid.tensor(target)
    got = F.nll_loss(leaf, t, reduction="none", **options)
    np.testing.assert_allclose(got.detach().numpy(), losses.reshape(target.shape), rtol=1e-14)
    if target.size == 0:
        assert math.isnan(F.nll_loss(leaf, t).item()) and F.nll_loss(leaf, t, reduction="sum").item() == 0
        return
    assert F.nll_loss(leaf, t, **options).item() == pytest.approx(losses.sum() / counts.sum())
    assert nn.NLLLoss(**options)(leaf, t).item() == pytest.approx(losses.sum() / counts.sum())
    for reduction in ("none", "mean", "sum"):
        loss = lambda x: F.nll_loss(x, t, reduction=reduction, **options)  # noqa: E731, B023
        assert gradcheck(loss, (leaf,)) and gradgradcheck(loss, (leaf,))
    logits = F.log_softmax(leaf, min(1, x.ndim - 1))
    assert F.nll_loss(logits, t, **options).item() == pytest.approx(F.cross_entropy(leaf, t, **options).item())


@pytest.mark.parametrize("p", [0.5, 1, 2, 3, math.inf, -math.inf])
def test_distances(p):
    leaves = [lucid.tensor(a, requires_grad=True) for a in (X, Y)]
    size = np.abs(D + 1e-6)
    norm = size.max(1) if p == math.inf else size.min(1) if p == -math.inf else (size**p).sum(1) ** (1 / p)
    np.testing.assert_allclose(F.pairwise_distance(*leaves, p).detach().numpy(), norm, rtol=1e-12)
    assert F.pairwise_distance(*leaves, p, keepdim=True).shape == (4, 1)
    length = np.linalg.norm(X, p, 1, keepdims=True)
    np.testing.assert_allclose(F.normalize(leaves[0], p).detach().numpy(), X / length, rtol=1e-12)
    for function in (lambda x, y: F.pairwise_distance(x, y, p), lambda x, y: F.normalize(x, p) * y):
        assert gradcheck(function, leaves) and gradgradcheck(function, leaves)


def test_cosine_and_zero_vectors():
    x, y = (lucid.tensor(a, requires_grad=True) for a in (X, Y))
    np.testing.assert_allclose(F.cosine_similarity(x, y).detach().numpy(), cosine(X, Y), rtol=1e-12)
    np.testing.assert_allclose(nn.CosineSimilarity(0)(x, y).detach().numpy(), cosine(X.T, Y.T), rtol=1e-12)
    assert F.cosine_similarity(x.unsqueeze(1), y.unsqueeze(0), -1).shape == (4, 4)
    assert gradcheck(F.cosine_similarity, (x, y)) and gradgradcheck(F.cosine_similarity, (x, y))
    for p in (0.5, 1, 2, 3, math.inf):
        zero = lucid.zeros(2, 3, requires_grad=True)
        for out in (F.normalize(zero, p), F.pairwise_distance(zero, zero.detach(), p, eps=0.0)):
            grad = lucid.autograd.grad(out.sum(), zero)[0]
            assert not np.isnan(grad.numpy()).any() and out.tolist() == lucid.zeros(out.shape).tolist()
    np.testing.assert_array_equal(
        nn.PairwiseDistance(1.0)(x, y).detach().numpy(), F.pairwise_distance(x, y, 1).detach()
    )


def test_one_hot_bilinear():
    assert F.one_hot(lucid.tensor([[0, 2]])).tolist() == [[[1, 0, 0], [0, 0, 1]]]
    assert F.one_hot(lucid.tensor(1), 3).tolist() == [0, 1, 0] and F.one_hot(lucid.tensor([1])).dtype is lucid.int64
    for bad in (lambda: F.one_hot(lucid.tensor([-1])), lambda: F.one_hot(lucid.tensor([3]), 3)):
        with pytest.raises(ValueError, match="one_hot: numbers from"):
            bad()
    with pytest.raises(TypeError, match="one_hot: expected an int64 tensor"):
        F.one_hot(lucid.ones(2))
    a, b, w, c = (rng.standard_normal(s) for s in ((3, 2, 2), (3, 2, 4), (5, 2, 4), (5,)))
    leaves = [lucid.tensor(v, requires_grad=True) for v in (a, b, w, c)]
    np.testing.assert_allclose(
        F.bilinear(*leaves).detach().numpy(), np.einsum("nbi,oij,nbj->nbo", a, w, b) + c, rtol=1e-12
    )
    assert gradcheck(F.bilinear, leaves) and gradgradcheck(F.bilinear, leaves)
    layer = nn.Bilinear(2, 4, 5)
    assert list(layer.state_dict()) == ["weight", "bias"] and layer.weight.shape == (5, 2, 4)
    assert repr(layer) == "Bilinear(in1_features=2, in2_features=4, out_features=5, bias=True)"
    assert layer.weight.abs().max().item() <= 1 / math.sqrt(2)
    with pytest.raises(ValueError, match="must end in 2 and 4"):
        layer(lucid.ones(3, 4), lucid.ones(3, 2))


def test_channel_dropout():
    """Whole channels are dropped, by sample; the kept ones grow; the share is right."""
    x = lucid.ones(50, 40, 3, 2)
    dropped = F.dropout2d(x, 0.25).numpy()
    per_channel = dropped.reshape(2000, 6)
    assert (per_channel == per_channel[:, :1]).all()
    np.testing.assert_allclose(np.unique(per_channel), [0, 4 / 3], rtol=1e-6)
    assert abs((per_channel[:, 0] == 0).mean() - 0.25) < 0.05
    one = F.dropout1d(lucid.ones(200, 3), 0.5).numpy()
    assert (one == one[:, :1]).all() and 0 < (one[:, 0] == 0).mean() < 1
    assert F.dropout2d(x, 0.5, training=False) is x and nn.Dropout2d(0.5).eval()(x) is x
    with pytest.warns(UserWarning, match="dropout1d"):
        F.dropout2d(x[0])
    with pytest.raises(ValueError, match="dropout1d: expected"):
        F.dropout1d(x)
    y = lucid.ones(3, 4, 5)
    assert F.dropout1d(y, 1.0, inplace=True) is y and y.sum().item() == 0
    for layer in (nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout):
        assert repr(layer(0.2)) == f"{layer.__name__}(p=0.2, inplace=False)"
        with pytest.raises(ValueError, match=f"{layer.__name__}: p must be from 0 to 1"):
            layer(1.5)


def test_alpha_dropout():
    """Mean 0 and variance 1 stay; two values for each input, and the gradient is the factor of the kept."""
    x = lucid.randn(200_000, dtype=lucid.float64)
    out = F.alpha_dropout(x, 0.3, training=True)
    assert abs(out.mean().item()) < 0.02 and abs(out.var().item() - 1) < 0.03
    alpha = 1.0507009873554805 * 1.6732632423543772
    scale = 1 / math.sqrt((alpha**2 * 0.3 + 1) * 0.7)
    leaf = lucid.zeros(1000, dtype=lucid.float64, requires_grad=True)
    out = nn.AlphaDropout(0.3)(leaf)
    values = np.unique(np.round(out.detach().numpy(), 12))
    np.testing.assert_allclose(values, [scale * alpha * (0.3 - 1), scale * alpha * 0.3], rtol=1e-9)
    out.sum().backward()
    np.testing.assert_allclose(np.unique(leaf.grad.numpy()), [0, scale])
    assert F.alpha_dropout(leaf, 0.3) is leaf and F.alpha_dropout(leaf, 1.0, True).sum().item() == 0


def test_errors():
    x, t = lucid.ones(2, 3), lucid.tensor([0, 1])
    cases = [
        (lambda: F.nll_loss(x, lucid.tensor([0, 3])), IndexError, "nll_loss: target 3 at position 1"),
        (lambda: F.nll_loss(x, t.float()), TypeError, "class numbers"),
        (lambda: F.nll_loss(x, lucid.tensor([0])), ValueError, r"wants a target of shape \(2,\)"),
        (lambda: F.nll_loss(x, t, lucid.ones(2)), ValueError, "weight must be"),
        (lambda: F.huber_loss(x, x, delta=0.0), ValueError, "delta must be positive"),
        (lambda: F.smooth_l1_loss(x, x, beta=-1.0), ValueError, "beta must not be negative"),
        (lambda: F.gaussian_nll_loss(x, x, -x), ValueError, "var must not be negative"),
        (lambda: F.gaussian_nll_loss(x, x, lucid.ones(3)), ValueError, "does not fit"),
        (lambda: F.triplet_margin_loss(x, x, x, margin=0.0), ValueError, "margin must be positive"),
        (lambda: F.triplet_margin_loss(x, x, x[0]), ValueError, "as many dimensions"),
        (lambda: F.margin_ranking_loss(x, x, x[0]), ValueError, "as many dimensions"),
        (lambda: F.cosine_embedding_loss(x, x, x), ValueError, "cosine_embedding_loss: expected inputs"),
        (lambda: F.pairwise_distance(x, lucid.ones(2)), ValueError, "pairwise_distance"),
        (lambda: F.cosine_similarity(x.long(), x.long()), TypeError, "floating-point"),
        (lambda: F.binary_cross_entropy(x, x[0]), ValueError, "target has shape"),
        (lambda: F.l1_loss(x, 1.0), TypeError, "expected two tensors"),
    ]
    for call, error, message in cases:
        with pytest.raises(error, match=message):
            call()
