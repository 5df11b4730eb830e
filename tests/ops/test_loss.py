"""Losses: values against NumPy in float64 and numbers recorded from PyTorch, derivatives by finite differences."""

import itertools
import math
import re

import numpy as np
import pytest
from scipy import special

import lucid
from lucid.autograd import grad, gradcheck, gradgradcheck
from lucid.nn import functional as F

rng = np.random.default_rng(16)
nan, inf = math.nan, math.inf
TOLERANCE = {np.float32: 3e-6, np.float64: 1e-13}


def double(*shape):
    return lucid.tensor(rng.standard_normal(shape), requires_grad=True)


def cross_entropy(x, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    """The formula, in float64; classes in dimension 1 (or 0 without batch)."""
    x = x.astype(np.float64)
    axis = min(1, x.ndim - 1)
    classes = x.shape[axis]
    logs = np.moveaxis(special.log_softmax(x, axis) if x.size else x, axis, -1)
    w = np.ones(classes) if weight is None else weight.astype(np.float64)
    if target.dtype.kind == "f":
        q = np.moveaxis(target.astype(np.float64), axis, -1) * (1 - label_smoothing) + label_smoothing / classes
        loss = -(q * w * logs).sum(-1)
        counted = np.ones(loss.shape)
    else:
        valid = target != ignore_index
        safe = np.where(valid, target, 0)
        one_hot = np.eye(classes)[safe]
        counted = np.where(valid, w[safe], 0.0)
        loss = -((one_hot * (1 - label_smoothing) + label_smoothing / classes) * w * logs).sum(-1) * valid
    if reduction == "none":
        return loss
    with np.errstate(invalid="ignore"):
        return loss.sum() if reduction == "sum" else loss.sum() / counted.sum()


def options_of(classes, dtype, probabilities):
    """All combinations of the options."""
    weights = (None, rng.uniform(0.3, 2, classes).astype(dtype))
    ignored = (-100,) if probabilities else (-100, 1)
    for weight, smoothing, ignore, reduction in itertools.product(
        weights, (0.0, 0.1, 1.0), ignored, ("mean", "sum", "none")
    ):
        yield {"weight": weight, "label_smoothing": smoothing, "ignore_index": ignore, "reduction": reduction}


def in_lucid(options):
    weight = options["weight"]
    return {**options, "weight": None if weight is None else lucid.from_numpy(weight)}


SHAPES = [(4, 5), (5,), (2, 5, 3), (2, 4, 3, 2), (3, 1), (64, 10)]


def target_of(shape, dtype, probabilities):
    axis = min(1, len(shape) - 1)
    if probabilities:
        return special.softmax(rng.standard_normal(shape), axis).astype(dtype)
    return rng.integers(0, shape[axis], shape[:axis] + shape[axis + 1 :])


@pytest.mark.parametrize("probabilities", [False, True], ids=["classes", "probabilities"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_values(probabilities, dtype, simd_level, both_thread_counts):
    for shape in SHAPES:
        axis = min(1, len(shape) - 1)
        target = target_of(shape, dtype, probabilities)
        plain = (rng.standard_normal(shape) * 4).astype(dtype)
        for x in (plain, plain[::-1], plain.T.copy().T, plain + dtype(500)):
            for options in options_of(shape[axis], dtype, probabilities):
                got = both_thread_counts(
                    lambda x=x, t=target, o=options: F.cross_entropy(
                        lucid.from_numpy(x), lucid.tensor(t), **in_lucid(o)
                    ).numpy()
                )
                want = cross_entropy(x, np.asarray(target), **options)
                assert got.dtype == dtype and got.shape == np.shape(want)
                np.testing.assert_allclose(
                    got,
                    want,
                    rtol=TOLERANCE[dtype],
                    atol=TOLERANCE[dtype] * max(1, np.abs(x).max()) * max(1, np.size(target)),
                )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_large(dtype, simd_level, both_thread_counts):
    """Enough rows for two threads: values and gradients, the same bits."""
    x, target = rng.standard_normal((3000, 37)).astype(dtype), rng.integers(0, 37, 3000)

    def both(reduction):
        t = lucid.tensor(x, requires_grad=True)
        loss = F.cross_entropy(t, lucid.tensor(target), reduction=reduction, label_smoothing=0.1)
        return np.concatenate([loss.detach().numpy().reshape(-1), grad(loss.sum(), t)[0].numpy().reshape(-1)])

    for reduction in ("mean", "sum", "none"):
        got = both_thread_counts(lambda r=reduction: both(r))
        count = 3000 if reduction == "none" else 1
        want = cross_entropy(x, target, reduction=reduction, label_smoothing=0.1)
        np.testing.assert_allclose(got[:count], np.reshape(want, -1), rtol=1e-5 if dtype == np.float32 else 1e-12)
        q = np.eye(37)[target] * 0.9 + 0.1 / 37
        slope = (special.softmax(x.astype(np.float64), 1) - q) / (3000 if reduction == "mean" else 1)
        np.testing.assert_allclose(
            got[count:],
            slope.reshape(-1),
            rtol=1e-4 if dtype == np.float32 else 1e-11,
            atol=1e-7 if dtype == np.float32 else 1e-15,
        )


@pytest.mark.parametrize("probabilities", [False, True], ids=["classes", "probabilities"])
@pytest.mark.parametrize("shape", [(3, 4), (4,), (2, 3, 2), (1, 2, 2, 1), (2, 1)], ids=str)
def test_cross_entropy_derivatives(shape, probabilities):
    x, target = double(*shape), lucid.tensor(target_of(shape, np.float64, probabilities))
    for options in options_of(shape[min(1, len(shape) - 1)], np.float64, probabilities):
        if (
            options["ignore_index"] >= 0
            and options["reduction"] == "mean"
            and (target.numpy() == options["ignore_index"]).all()
        ):
            continue  # the mean of nothing is NaN
        f = lambda x, t=target, o=options: F.cross_entropy(x, t, **in_lucid(o))  # noqa: E731
        assert gradcheck(f, (x,)) and gradgradcheck(f, (x,)), options
    assert gradgradcheck(lambda x: F.cross_entropy(x * x, target), (x,))
    if probabilities:
        target.requires_grad_()
        f = lambda x, t: F.cross_entropy(x, t, label_smoothing=0.2)  # noqa: E731
        assert gradcheck(f, (x, target)) and gradgradcheck(f, (x, target))
    if len(shape) == 2:
        y = double(*shape[::-1])
        assert gradcheck(lambda y: F.cross_entropy(y.T, target), (y,)) and gradgradcheck(
            lambda y: F.cross_entropy(y.T, target), (y,)
        )


def test_cross_entropy_as_pytorch():
    x = lucid.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]], dtype=lucid.float64)
    t, p = lucid.tensor([2, 0]), lucid.tensor([[0.2, 0.3, 0.5], [0.7, 0.0, 0.3]], dtype=lucid.float64)
    w = lucid.tensor([1.0, 2.0, 0.5], dtype=lucid.float64)
    for options, by_class, by_probability in [
        ({}, 0.28599195303219055, 1.2234919530321906),
        ({"reduction": "sum"}, 0.5719839060643811, 2.446983906064381),
        ({"reduction": "none"}, [0.24131129665715703, 0.3306726094072241], [1.441311296657157, 1.0056726094072241]),
        ({"weight": w}, 0.30088550515720175, 1.4859742897430777),
        (
            {"weight": w, "reduction": "none"},
            [0.12065564832857852, 0.3306726094072241],
            [2.353376861490015, 0.6185717179961405],
        ),
        ({"label_smoothing": 0.1}, 0.4193252863655239, 1.263075286365524),
        ({"weight": w, "label_smoothing": 0.1}, 0.5625068140020446, 1.5561592552891923),
        ({"weight": w, "label_smoothing": 0.1, "ignore_index": 0}, 0.7734861362114447, None),
        ({"ignore_index": 2}, 0.3306726094072241, None),
    ]:
        np.testing.assert_allclose(F.cross_entropy(x, t, **options).numpy(), by_class, rtol=1e-14)
        if by_probability is not None:
            np.testing.assert_allclose(F.cross_entropy(x, p, **options).numpy(), by_probability, rtol=1e-14)
    for other in (t.int(), t.to(lucid.uint8)):
        assert F.cross_entropy(x, other).item() == pytest.approx(0.28599195303219055, rel=1e-14)


def test_cross_entropy_edges(simd_level):
    x, t = lucid.zeros(0, 5), lucid.zeros(0, dtype=lucid.int64)
    assert math.isnan(F.cross_entropy(x, t)) and F.cross_entropy(x, t, reduction="sum").item() == 0
    assert F.cross_entropy(x, t, reduction="none").shape == (0,) and math.isnan(F.cross_entropy(x, x))
    x = lucid.zeros(2, 3, requires_grad=True)
    ignored = lucid.tensor([-100, -100])
    assert math.isnan(F.cross_entropy(x, ignored)) and F.cross_entropy(x, ignored, reduction="none").tolist() == [0, 0]
    F.cross_entropy(x, ignored, reduction="sum").backward()
    assert x.grad.tolist() == [[0] * 3] * 2
    for dtype in (lucid.float32, lucid.float64):
        rows = lucid.tensor([[inf, 1, 2], [-inf, 0, 1], [1, 2, -inf], [nan, 0, 0], [1000, 0, -1000]], dtype=dtype)
        loss = F.cross_entropy(rows, lucid.tensor([0, 0, 0, 1, 2]), reduction="none").tolist()
        assert (
            math.isnan(loss[0])
            and loss[1] == inf
            and loss[2] == pytest.approx(math.log(1 + math.e))
            and math.isnan(loss[3])
            and loss[4] == 2000
        )


def test_cross_entropy_errors():
    x, t = lucid.ones(2, 3), lucid.tensor([0, 1])
    for args, options, kind, message in [
        ((x, lucid.tensor([0, 3])), {}, IndexError, r"cross_entropy: target 3 at position 1.*3 \(0 to 2\)"),
        ((x, lucid.tensor([-1, 0])), {}, IndexError, "cross_entropy: target -1 at position 0"),
        ((x, lucid.tensor([0, 1, 1])), {}, ValueError, r"cross_entropy.*\(2, 3\).*\(2,\).*\(3,\)"),
        ((x, lucid.tensor([[0], [1]])), {}, ValueError, r"cross_entropy.*\(2, 1\)"),
        ((lucid.ones(2, 3, 4), t), {}, ValueError, r"cross_entropy.*\(2, 3, 4\).*\(2, 4\).*\(2,\)"),
        ((x, lucid.ones(2, 4)), {}, ValueError, r"cross_entropy.*\(2, 4\).*\(2, 3\)"),
        ((lucid.tensor(1.0), lucid.tensor(0)), {}, ValueError, "cross_entropy.*0-d"),
        ((x, t, lucid.ones(2)), {}, ValueError, r"cross_entropy: weight.*\(3,\).*\(2,\)"),
        ((x, t, lucid.ones(3).double()), {}, ValueError, "cross_entropy: weight.*float64"),
        ((x, t), {"reduction": "avg"}, ValueError, "cross_entropy: reduction.*'avg'"),
        ((x, t), {"label_smoothing": 1.5}, ValueError, "cross_entropy: label_smoothing.*1.5"),
        ((x, t), {"label_smoothing": nan}, ValueError, "cross_entropy: label_smoothing.*nan"),
        ((x.long(), t), {}, TypeError, "cross_entropy.*int64"),
        ((x, t == 1), {}, TypeError, "cross_entropy.*bool"),
        ((x, 1), {}, TypeError, "cross_entropy"),
    ]:
        with pytest.raises(kind, match=message):
            F.cross_entropy(*args, **options)


def test_changed_target_is_noticed():
    x, t = double(2, 3), lucid.tensor([0, 1])
    loss = F.cross_entropy(x, t)
    t.zero_()
    with pytest.raises(RuntimeError, match="cross_entropy.*changed in place"):
        loss.backward()


# ---------------------------------------------------------------------------------------------------------------------
# Elementwise losses


def bce(x, y, weight=1.0, pos_weight=1.0):
    x, y = x.astype(np.float64), y.astype(np.float64)
    return weight * (pos_weight * y * np.logaddexp(0, -x) + (1 - y) * np.logaddexp(0, x))


REDUCE = {"none": lambda v: v, "mean": np.mean, "sum": np.sum}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reduction", REDUCE)
def test_elementwise_losses(dtype, reduction, simd_level, both_thread_counts):
    for shape in [(), (7,), (3, 4), (4, 9), (300, 150)]:
        x, y = np.asarray(rng.standard_normal(shape) * 8, dtype), np.asarray(rng.uniform(0, 1, shape), dtype)
        w, p = (np.asarray(rng.uniform(0, high, shape[-1:]), dtype) for high in (2, 3))
        for a, b in ((x, y), (x.T, y.T), (x[::-1], y[::-1])) if x.ndim == 2 else ((x, y),):
            cases = [(F.mse_loss, (), (a.astype(np.float64) - b) ** 2)]
            cases.append((F.binary_cross_entropy_with_logits, (), bce(a, b)))
            if a is x:
                cases.append((F.binary_cross_entropy_with_logits, (w, p), bce(x, y, w, p)))
                cases.append((F.binary_cross_entropy_with_logits, (None, p), bce(x, y, 1.0, p)))
            for f, extra, want in cases:
                names = dict(
                    zip(
                        ("weight", "pos_weight"),
                        (None if e is None else lucid.from_numpy(e) for e in extra),
                        strict=False,
                    )
                )
                got = both_thread_counts(
                    lambda f=f, a=a, b=b, names=names: f(
                        lucid.from_numpy(a), lucid.from_numpy(b), reduction=reduction, **names
                    ).numpy()
                )
                want = REDUCE[reduction](want)
                assert got.dtype == dtype and got.shape == np.shape(want)
                np.testing.assert_allclose(
                    got, want, rtol=1e-5 if dtype == np.float32 else 1e-12, atol=TOLERANCE[dtype] * 10
                )


def test_elementwise_losses_derivatives():
    w, p = lucid.tensor(rng.uniform(0, 2, 4)), lucid.tensor(rng.uniform(0, 3, (3, 1)))
    for shape in [(), (3, 4), (0, 4)]:
        x, y = double(*shape), lucid.tensor(rng.uniform(0, 1, shape), requires_grad=True)
        for reduction in REDUCE:
            if shape == (0, 4) and reduction == "mean":
                continue
            fs = [
                lambda x, y, r=reduction: F.mse_loss(x, y, reduction=r),
                lambda x, y, r=reduction: F.binary_cross_entropy_with_logits(x, y, reduction=r),
            ]
            if shape == (3, 4):
                fs.append(
                    lambda x, y, r=reduction: F.binary_cross_entropy_with_logits(x, y, w, reduction=r, pos_weight=p)
                )
                fs.append(
                    lambda x, y, r=reduction: F.binary_cross_entropy_with_logits(
                        x.T.T, (y * y), pos_weight=w, reduction=r
                    )
                )
            for f in fs:
                assert gradcheck(f, (x, y)) and gradgradcheck(f, (x, y))
    xt, y = double(4, 3), lucid.tensor(rng.uniform(0, 1, (3, 4)))
    assert gradgradcheck(lambda xt: F.binary_cross_entropy_with_logits(xt.T, y), (xt,)) and gradgradcheck(
        lambda xt: F.mse_loss(xt.T, y), (xt,)
    )


def test_elementwise_losses_edges(simd_level):
    for dtype in (lucid.float32, lucid.float64):
        x = lucid.tensor([1000.0, -1000.0, 0.0, inf, -inf, nan, -1000.0], dtype=dtype, requires_grad=True)
        y = lucid.tensor([1.0, 0.0, 0.5, 0.0, 1.0, 0.5, 1.0], dtype=dtype)
        loss = F.binary_cross_entropy_with_logits(x, y, reduction="none")
        np.testing.assert_allclose(loss.detach().numpy(), [0, 0, math.log(2), inf, inf, nan, 1000], rtol=1e-6)
        loss.sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), [0, 0, 0, 1, -1, nan, -1], atol=1e-7)
    empty = lucid.zeros(0, 3)
    for f in (F.mse_loss, F.binary_cross_entropy_with_logits):
        assert (
            math.isnan(f(empty, empty))
            and f(empty, empty, reduction="sum").item() == 0
            and f(empty, empty, reduction="none").shape == (0, 3)
        )


def test_bce_as_pytorch():
    x = lucid.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]], dtype=lucid.float64)
    y = lucid.tensor([[1.0, 0.0, 0.25], [0.0, 1.0, 0.5]], dtype=lucid.float64)
    w = lucid.tensor([1.0, 2.0, 0.5], dtype=lucid.float64)
    none = [
        [0.4740769841801067, 0.3132616875182228, 1.6269280110429725],
        [1.7014132779827524, 0.5759394198788436, 0.7618710061148999],
    ]
    f = F.binary_cross_entropy_with_logits
    np.testing.assert_allclose(f(x, y, reduction="none").numpy(), none, rtol=1e-14)
    np.testing.assert_allclose(
        [f(x, y).item(), f(x, y, pos_weight=w).item(), f(x, y, w, reduction="sum", pos_weight=w).item()],
        [0.9089150644529663, 0.9548910089479241, 6.1501289488390665],
        rtol=1e-14,
    )


def test_elementwise_losses_errors():
    x = lucid.ones(3, 1)
    for f, name in ((F.mse_loss, "mse_loss"), (F.binary_cross_entropy_with_logits, "binary_cross_entropy_with_logits")):
        error = (
            pytest.warns(UserWarning) if f is F.mse_loss else pytest.raises(ValueError)
        )  # one broadcasts, as PyTorch
        with error as caught:
            f(x, lucid.ones(3))
        message = str(caught[0].message if f is F.mse_loss else caught.value)
        assert re.search(rf"{name}.*\(3, 1\).*\(3,\)", message)
        with pytest.raises(ValueError, match=f"{name}: reduction.*'avg'"):
            f(x, x, reduction="avg")
        with pytest.raises(TypeError, match=f"{name}.*float"):
            f(x, 1.0)


# ---------------------------------------------------------------------------------------------------------------------
# Embedding


def test_embedding(simd_level, both_thread_counts):
    for dtype in (np.float32, np.float64):
        table = rng.standard_normal((50, 17)).astype(dtype)
        for shape in [(), (9,), (3, 4), (2, 0), (400, 30)]:
            index = rng.integers(0, 50, shape)
            got = both_thread_counts(lambda i=index, t=table: F.embedding(lucid.tensor(i), lucid.from_numpy(t)).numpy())
            np.testing.assert_array_equal(got, table[index])
            w = lucid.tensor(table, requires_grad=True)
            grad_at = np.zeros((50, 17))
            np.add.at(grad_at, index, 1.0)
            F.embedding(lucid.tensor(index), w).sum().backward()
            np.testing.assert_array_equal(w.grad.numpy(), grad_at)
    w = double(4, 3)
    index = lucid.tensor([[0, 2], [2, 3]])
    assert gradcheck(lambda w: F.embedding(index, w), (w,)) and gradgradcheck(lambda w: F.embedding(index, w * w), (w,))
    wt = double(3, 4)
    assert gradcheck(lambda wt: F.embedding(index, wt.T), (wt,))
    for args, kind, message in [
        ((lucid.tensor([0, 4]), w), IndexError, "4 at position 1.*size 4"),
        ((lucid.tensor([-1]), w), IndexError, "-1 at position 0"),
        ((lucid.tensor([0.0]), w), TypeError, "float32"),
        ((lucid.tensor([0]), double(4)), ValueError, r"embedding.*\(4,\)"),
        (([0], w), TypeError, "list"),
    ]:
        with pytest.raises(kind, match=message):
            F.embedding(*args)
