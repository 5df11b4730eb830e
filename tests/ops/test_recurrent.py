"""Recurrent layers over sequences against the formulas in NumPy float64."""

import numpy as np
import pytest

import lucid
from lucid.autograd import gradcheck, gradgradcheck
from lucid.ops.recurrent import KINDS, recurrent

SIZES = [3, 2, 2, 1]  # of the steps: four sequences of lengths 4, 3, 1
CASES = [(kind, projected, reverse) for kind in KINDS for reverse in (False, True) for projected in (False, True)]
CASES = [case for case in CASES if case[0] == "LSTM" or not case[1]]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step(kind, x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr):
    """One element of one sequence."""
    a, b = w_ih @ x + b_ih, w_hh @ h + b_hh
    if kind == "RNN_TANH":
        return np.tanh(a + b), c
    if kind == "RNN_RELU":
        return np.maximum(a + b, 0), c
    if kind == "LSTM":
        i, f, g, o = np.split(a + b, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        return (h if w_hr is None else w_hr @ h), c
    (ar, az, an), (br, bz, bn) = np.split(a, 3), np.split(b, 3)
    r, z = sigmoid(ar + br), sigmoid(az + bz)
    return (1 - z) * np.tanh(an + r * bn) + z * h, c


def reference(kind, reverse, sizes, x, h0, c0, *weights):
    """Each sequence on its own, element after element."""
    starts = np.cumsum(sizes) - sizes
    out = np.zeros((len(x), h0.shape[1]))
    h_n, c_n = np.zeros(h0.shape), np.zeros((len(h0), weights[0].shape[0] // KINDS[kind][1]))
    for s in range(sizes[0]):
        h, c = h0[s], None if c0 is None else c0[s]
        steps = [t for t in range(len(sizes)) if s < sizes[t]]
        for t in reversed(steps) if reverse else steps:
            h, c = step(kind, x[starts[t] + s], h, c, *weights)
            out[starts[t] + s] = h
        h_n[s] = h
        if c is not None:
            c_n[s] = c
    return (out, h_n, c_n) if kind == "LSTM" else (out, h_n)


def inputs(kind, projected, sizes, width, units, seed=0):
    random = np.random.default_rng(seed)
    gates, size = KINDS[kind][1] * units, units - 1 if projected else units
    shapes = [(sum(sizes), width), (sizes[0], size), (sizes[0], units) if kind == "LSTM" else None]
    shapes += [(gates, width), (gates, size), (gates,), (gates,), (size, units) if projected else None]
    return [None if shape is None else random.standard_normal(shape) / np.sqrt(shape[-1]) for shape in shapes]


@pytest.mark.parametrize(("kind", "projected", "reverse"), CASES)
@pytest.mark.parametrize(
    ("sizes", "width", "units"), [(SIZES, 2, 3), ([1], 1, 2), ([5] * 3, 9, 37), ([40, 33, 7], 3, 70)]
)
def test_values(simd_level, both_thread_counts, kind, projected, reverse, sizes, width, units):
    arrays = inputs(kind, projected, sizes, width, units)
    want = reference(kind, reverse, sizes, *arrays)
    for dtype, tolerance in ((lucid.float32, 2e-5), (lucid.float64, 1e-12)):
        x, h0, c0, *rest = (None if a is None else lucid.tensor(a, dtype=dtype) for a in arrays)

        def compute(args=(x, h0, c0, *rest)):
            found = recurrent(kind, args[0], sizes, *args[1:], reverse=reverse)
            return np.concatenate([f.array.ravel() for f in found])

        got = both_thread_counts(compute)
        np.testing.assert_allclose(got, np.concatenate([w.ravel() for w in want]), rtol=tolerance, atol=tolerance)


def tensors(kind, projected, sizes=SIZES, width=2, units=3):
    return [
        None if a is None else lucid.tensor(a, dtype=lucid.float64, requires_grad=True)
        for a in inputs(kind, projected, sizes, width, units)
    ]


@pytest.mark.parametrize(("kind", "projected", "reverse"), CASES)
def test_gradients(simd_level, kind, projected, reverse):
    args = tensors(kind, projected)
    places = [i for i, x in enumerate(args) if x is not None]

    def function(*given):
        full = list(args)
        for place, x in zip(places, given, strict=True):
            full[place] = x
        return recurrent(kind, full[0], SIZES, *full[1:], reverse=reverse)

    given = tuple(args[i] for i in places)
    assert gradcheck(function, given)
    if simd_level == lucid.engine.simd_levels()[-1]:
        assert gradgradcheck(function, given)


@pytest.mark.parametrize(("kind", "projected", "reverse"), CASES)
def test_gradients_of_larger_sizes_are_those_of_the_composed_formula(
    simd_level, both_thread_counts, kind, projected, reverse
):
    """The kernel against the plain operations that double backward goes through."""
    args = tensors(kind, projected, [40, 33, 33, 7], 5, 70)
    given = [x for x in args if x is not None]
    random = np.random.default_rng(1)
    outs = recurrent(kind, args[0], [40, 33, 33, 7], *args[1:], reverse=reverse)
    weights = [lucid.tensor(random.standard_normal(o.shape)) for o in outs]

    def gradients(create_graph=False):
        outs = recurrent(kind, args[0], [40, 33, 33, 7], *args[1:], reverse=reverse)
        return lucid.autograd.grad(outs, given, weights, create_graph=create_graph)

    got = both_thread_counts(lambda: np.concatenate([g.array.ravel() for g in gradients()]))
    want = np.concatenate([g.detach().array.ravel() for g in gradients(create_graph=True)])
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("used", [0, 1, 2])
def test_one_result_alone(used):
    args = tensors("LSTM", False)
    given = [x for x in args if x is not None]
    fused = lucid.autograd.grad(recurrent("LSTM", args[0], SIZES, *args[1:])[used].sum(), given)
    composed = lucid.autograd.grad(
        recurrent("LSTM", args[0], SIZES, *args[1:])[used].sum(), given, create_graph=True, materialize_grads=True
    )
    for a, b in zip(fused, composed, strict=True):
        np.testing.assert_allclose(a.array, b.detach().array, rtol=1e-12, atol=1e-13)


def test_strided_inputs_and_nan():
    x = lucid.randn(4, 6, dtype=lucid.float64)
    w_ih, w_hh = lucid.randn(4, 12, dtype=lucid.float64).t(), lucid.randn(6, 12, dtype=lucid.float64)[::2].t()
    h, c = lucid.zeros(6, 3, dtype=lucid.float64), lucid.zeros(3, 6, dtype=lucid.float64).t()
    strided = recurrent("LSTM", x.t(), [6], h, c, w_ih, w_hh)
    dense = recurrent("LSTM", x.t().contiguous(), [6], h, c.contiguous(), w_ih.contiguous(), w_hh.contiguous())
    for a, b in zip(strided, dense, strict=True):
        np.testing.assert_array_equal(a.array, b.array)
    h = h.clone()
    h[2, 0] = float("nan")
    out = recurrent("LSTM", x.t(), [6], h, c, w_ih, w_hh)[0]
    assert np.isnan(out.array[2]).all() and not np.isnan(out.array[[0, 1, 3, 4, 5]]).any()


def test_errors_leave_everything_as_it_was():
    args = tensors("GRU", False)
    for sizes in ([2, 3, 2, 1], [3, 2, 2], [3, 2, 2, 1, 0], []):
        with pytest.raises(ValueError, match="GRU: batch sizes"):
            recurrent("GRU", args[0], sizes, *args[1:])
    with pytest.raises(ValueError, match=r"GRU: h0 has shape \(2, 3\), expected \(3, 3\)"):
        recurrent("GRU", args[0], SIZES, args[1][:2], *args[2:])
    with pytest.raises(ValueError, match="GRU: b_hh has shape None"):
        recurrent("GRU", args[0], SIZES, *args[1:6], None)
    with pytest.raises(TypeError, match="GRU: input is lucid.float64.* but h0 is lucid.float32"):
        recurrent("GRU", args[0], SIZES, args[1].float(), *args[2:])
    with pytest.raises(TypeError, match="not implemented for lucid.int64"):
        recurrent("GRU", *(x if x is None or i == 1 else x.long() for i, x in enumerate([args[0], SIZES, *args[1:]])))


def test_a_saved_result_changed_in_place_is_noticed():
    args = tensors("GRU", False)
    out, _ = recurrent("GRU", args[0], SIZES, *args[1:])
    loss = out.sum()
    with lucid.no_grad():
        out.mul_(2.0)
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()
