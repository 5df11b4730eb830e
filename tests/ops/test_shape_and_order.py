"""Shapes made of shapes, joining, scattering, sorting: values against NumPy, derivatives by finite differences."""

import numpy as np
import pytest

import lucid
from lucid.autograd import gradcheck, gradgradcheck

rng = np.random.default_rng(3)
T = lucid.tensor
A = rng.standard_normal((2, 3, 4))
M = A[0]
MASK = M > 0
AT = T([2, 0, 2])
FULL = T([[0, 2, 1, 2], [1, 1, 0, 0]])


def added(x, index, source, axis):
    out = np.moveaxis(x.copy(), axis, 0)
    np.add.at(out, index, np.moveaxis(source, axis, 0))
    return np.moveaxis(out, 0, axis)


def put_along(x, index, values, axis):
    out = x.copy()
    np.put_along_axis(out, index, values, axis)
    return out


# name: (the operation, NumPy's, the input)
CASES = {
    "movedim": (lambda x: x.movedim((0, 2), (2, 0)), lambda a: np.moveaxis(a, (0, 2), (2, 0)), A),
    "swapaxes": (lambda x: x.swapaxes(0, -1), lambda a: a.swapaxes(0, -1), A),
    "ravel": (lambda x: x.T.ravel(), lambda a: a.T.ravel(), M),
    "unflatten": (lambda x: x.unflatten(-1, (2, -1)), lambda a: a.reshape(2, 3, 2, 2), A),
    "reshape_as": (lambda x: x.reshape_as(lucid.zeros(12)), lambda a: a.reshape(12), M),
    "fliplr": (lambda x: x.fliplr(), np.fliplr, M),
    "flipud": (lambda x: x.flipud(), np.flipud, M),
    "roll": (lambda x: x.roll((1, -2), (0, 1)), lambda a: np.roll(a, (1, -2), (0, 1)), M),
    "roll flat": (lambda x: x.roll(5), lambda a: np.roll(a, 5), M),
    "unfold": (lambda x: x.unfold(1, 3, 1), lambda a: np.lib.stride_tricks.sliding_window_view(a, 3, 1), M),
    "unfold of a transpose": (
        lambda x: x.T.unfold(0, 2, 2),
        lambda a: np.lib.stride_tricks.sliding_window_view(a.T, 2, 0)[::2],
        M,
    ),
    "repeat": (lambda x: x.repeat(2, 1, 3), lambda a: np.tile(a, (2, 1, 3)), M),
    "tile": (lambda x: x.tile(2), lambda a: np.tile(a, 2), M),
    "repeat_interleave": (lambda x: x.repeat_interleave(T([1, 0, 2]), 0), lambda a: np.repeat(a, [1, 0, 2], 0), M),
    "diagonal": (lambda x: x.diagonal(1, -1, 0), lambda a: a.diagonal(1, -1, 0), A),
    "diag": (lambda x: lucid.diag(x[0], -1), lambda a: np.diag(a[0], -1), M),
    "diag of a matrix": (lambda x: x.diag(1), lambda a: np.diag(a, 1), M),
    "diag_embed": (lambda x: x.diag_embed(0, 0, 1), lambda a: np.einsum("ij,jk->jki", a, np.eye(4)), M),
    "diagflat": (lambda x: x.diagflat(), lambda a: np.diagflat(a), M),
    "pad": (lambda x: lucid.constant_pad_nd(x, (1, -1, 0, 2)), lambda a: np.pad(a, ((0, 2), (1, 0)))[:, :-1], M),
    "meshgrid": (
        lambda x: lucid.meshgrid(x[0], x[1, :2], indexing="xy")[0],
        lambda a: np.meshgrid(a[0], a[1, :2])[0],
        M,
    ),
    "hstack": (lambda x: lucid.hstack([x, x[:, :1]]), lambda a: np.hstack([a, a[:, :1]]), M),
    "vstack": (lambda x: lucid.vstack([x, x[0]]), lambda a: np.vstack([a, a[0]]), M),
    "dstack": (lambda x: lucid.dstack([x, x]), lambda a: np.dstack([a, a]), M),
    "column_stack": (lambda x: lucid.column_stack([x[:, 0], x]), lambda a: np.column_stack([a[:, 0], a]), M),
    "atleast_3d": (lambda x: lucid.atleast_3d(x), lambda a: np.atleast_3d(a), M),
    "tensor_split": (lambda x: x.tensor_split(3, 1)[0], lambda a: np.array_split(a, 3, 1)[0], M),
    "hsplit": (lambda x: x.hsplit([1, 3])[1], lambda a: np.hsplit(a, [1, 3])[1], M),
    "take": (lambda x: x.take(T([[-1, 0], [5, 5]])), lambda a: a.take([[-1, 0], [5, 5]]), M),
    "take_along_dim": (
        lambda x: lucid.take_along_dim(x, T([[1], [0], [3]]), 1),
        lambda a: np.take_along_axis(a, np.array([[1], [0], [3]]), 1),
        M,
    ),
    "index_select": (lambda x: x.index_select(1, AT), lambda a: a[:, [2, 0, 2]], M),
    "masked_select": (lambda x: x.masked_select(T(MASK)), lambda a: a[MASK], M),
    "masked_fill": (lambda x: x.masked_fill(T(MASK[0]), 2.0), lambda a: np.where(MASK[0], 2.0, a), M),
    "masked_scatter": (lambda x: x.masked_scatter(T(MASK), x * 3), lambda a: _placed(a, MASK, a * 3), M),
    "index_add": (
        lambda x: x.index_add(1, AT, x[:, 1:], alpha=2.0),
        lambda a: added(a, [2, 0, 2], 2 * a[:, 1:], 1),
        M,
    ),
    "index_fill": (lambda x: x.index_fill(0, T([-1]), 4.0), lambda a: np.concatenate([a[:2], [[4.0] * 4]]), M),
    "index_copy": (lambda x: x.index_copy(0, T([1]), x[2:]), lambda a: a[[0, 2, 2]], M),
    "index_put": (
        lambda x: x.index_put((T([0, 0]), T([1, 1])), x[0, :2], accumulate=True),
        lambda a: a + np.eye(3, 4, 1) * [[1], [0], [0]] * a[0, :2].sum(),
        M,
    ),
    "scatter": (
        lambda x: x.scatter(0, T([[0, 2, 1, 2]]), x[:1] * 2),
        lambda a: put_along(a, np.array([[0, 2, 1, 2]]), 2 * a[:1], 0),
        M,
    ),
    "scatter_add": (lambda x: x.scatter_add(0, FULL, x[1:]), lambda a: _scatter_added(a), M),
    "topk": (lambda x: x.topk(2).values, lambda a: -np.sort(-a)[..., :2], A),
    "topk of a middle dimension": (lambda x: x.topk(2, 1, False).values, lambda a: np.sort(a, 1)[:, :2], A),
    "sort": (lambda x: x.sort(1).values, lambda a: np.sort(a, 1), A),
    "sort descending": (lambda x: x.sort(descending=True).values, lambda a: -np.sort(-a), A),
    "msort": (lambda x: x.msort(), lambda a: np.sort(a, 0), M),
    "tril": (lambda x: x.tril(1), lambda a: np.tril(a, 1), A),
}


def _placed(a, mask, values):
    out = a.copy()
    out[mask] = values.reshape(-1)[: mask.sum()]
    return out


def _scatter_added(a):
    out = a.copy()
    for (i, j), place in np.ndenumerate(FULL.numpy()):
        out[place, j] += a[1 + i, j]
    return out


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name, simd_level, both_thread_counts):
    operation, reference, array = CASES[name]
    for dtype in (np.float32, np.float64):
        for layout in (
            array.astype(dtype),
            array.T.astype(dtype, order="C").T,
            np.repeat(array, 2, 1).astype(dtype)[:, ::2],
        ):
            got = both_thread_counts(lambda layout=layout: operation(lucid.from_numpy(layout)).numpy())
            assert got.dtype == dtype
            np.testing.assert_allclose(got, reference(array.astype(dtype)), rtol=1e-6)
    if simd_level == lucid.engine.simd_levels()[-1]:
        x = lucid.tensor(array, requires_grad=True)
        assert gradcheck(operation, (x,)) and gradgradcheck(operation, (x,))


def test_joined_number_types():
    assert lucid.cat([T([1]), T([1.5])]).dtype is lucid.float32
    assert lucid.stack([T([1], dtype=lucid.int32), T([2])]).dtype is lucid.int64
    assert lucid.cat([T([True]), T([2], dtype=lucid.uint8)]).tolist() == [1, 2]


def test_order_of_special_numbers():
    nan, inf = float("nan"), float("inf")
    x = T([1.0, nan, inf, -inf, nan, 1.0])
    assert x.sort().indices.tolist() == [3, 0, 5, 2, 1, 4] and x.argsort(descending=True).tolist() == [1, 4, 2, 0, 5, 3]
    assert x.topk(3).indices.tolist() == [1, 4, 2] and x.topk(3, largest=False).indices.tolist() == [3, 0, 5]
    values, inverse, counts = lucid.unique(T([3, 1, 3]), return_inverse=True, return_counts=True)
    assert (values.tolist(), inverse.tolist(), counts.tolist()) == ([1, 3], [1, 0, 1], [1, 2])
    assert lucid.nonzero(T([[0, 1], [2, 0]]), as_tuple=True)[1].tolist() == [1, 0]
    with pytest.raises(ValueError, match="topk: k 7"):
        x.topk(7)


def test_uint8_masks_are_deprecated():
    with pytest.warns(UserWarning, match="uint8 is deprecated"):
        assert T([1.0, 2.0, 3.0])[T([1, 0, 1], dtype=lucid.uint8)].tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda x: x.movedim((0, 0), (0, 1)), ValueError, "movedim: a dimension appears twice"),
        (lambda x: x.unflatten(1, (3, 2)), ValueError, r"unflatten: shape \(4,\)"),
        (lambda x: x.unfold(0, 4, 1), ValueError, "unfold: a window of 4 does not fit into size 3"),
        (lambda x: x.diagonal(0, 1, 1), ValueError, "diagonal: dim1 and dim2 are both 1"),
        (lambda x: x.repeat(2), ValueError, "repeat: 1 numbers for the 2 dimensions"),
        (lambda x: x.repeat_interleave(T([1, 2]), 0), ValueError, "repeat_interleave: 2 repeats for size 3"),
        (lambda x: x.view(lucid.int32), TypeError, "view: lucid.float32 memory cannot be seen as lucid.int32"),
        (lambda x: x.index_select(0, T([-1])), IndexError, "index_select: index -1.*size 3"),
        (
            lambda x: x.index_add(0, T([0]), lucid.ones(2, 4)),
            ValueError,
            "index_add: source has 2 slices along dim 0 for 1 places",
        ),
        (lambda x: x.scatter(1, T([[4]]), 1.0), IndexError, "scatter: index 4.*size 4"),
        (lambda x: x.masked_fill(T([1]), 0.0), TypeError, "masked_fill: mask must be a bool tensor"),
        (lambda x: x.masked_scatter(x > -9, x[0]), ValueError, "masked_scatter: the mask is true 12 times"),
        (lambda x: x.hsplit(3), ValueError, "hsplit: size 4 of dimension 1 cannot be cut into 3"),
        (lambda x: lucid.meshgrid(x), ValueError, "meshgrid: expected vectors"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(lucid.ones(3, 4))
