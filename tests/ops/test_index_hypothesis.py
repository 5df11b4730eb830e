"""Index operations on drawn shapes, layouts and indices: right, or refused, and never out of bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import lucid

REFUSED = (IndexError, ValueError, TypeError, RuntimeError, NotImplementedError)
DTYPES = [np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_]
FENCE = 7  # numbers around every array that nothing may touch


def laid_out(draw, shape, kind):
    """A tensor of some layout inside a larger array, the array, and a check that nothing around it changed."""
    layout = draw(st.sampled_from(["contiguous", "reversed dims", "steps"]))
    sizes = tuple(reversed(shape)) if layout == "reversed dims" else tuple(2 * n for n in shape)
    sizes = shape if layout == "contiguous" else sizes
    count = int(np.prod(sizes))
    whole = (np.arange(count + 2 * FENCE) % 5).astype(kind)
    part = whole[FENCE : FENCE + count].reshape(sizes)
    part = part.T if layout == "reversed dims" else part[tuple(slice(None, None, 2) for _ in shape)] if shape and (
        layout == "steps"
    ) else part  # fmt: skip
    outside = np.ones(whole.shape, bool)
    mask = outside[FENCE : FENCE + count].reshape(sizes)
    mask = mask.T if layout == "reversed dims" else mask[tuple(slice(None, None, 2) for _ in shape)] if shape and (
        layout == "steps"
    ) else mask  # fmt: skip
    mask[...] = False
    before = whole.copy()
    return lucid.from_numpy(part), part, lambda: np.testing.assert_array_equal(whole[outside], before[outside])


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_writing_stays_inside(data):
    draw = data.draw
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    kind = draw(st.sampled_from(DTYPES))
    x, array, untouched = laid_out(draw, shape, kind)
    before = array.copy()
    dim = draw(st.integers(-4, 3))
    size = shape[dim] if -len(shape) <= dim < len(shape) else 1
    numbers = st.integers(0, max(size - 1, 0)) if draw(st.integers(0, 3)) else st.integers(-size - 1, size + 1)
    name = draw(
        st.sampled_from(
            ["index_add_", "index_copy_", "index_fill_", "scatter_", "scatter_add_", "scatter_value", "setitem", "mask"]
        )
    )
    vector = np.array(draw(st.lists(numbers, max_size=4)), draw(st.sampled_from([np.int64, np.int32])))
    full = draw(
        hnp.arrays(np.int64, draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)), elements=numbers)
    )
    source_shape = list(shape)
    if source_shape and -len(shape) <= dim < len(shape):
        source_shape[dim] = vector.size
    source = draw(hnp.arrays(kind, tuple(source_shape), elements=st.integers(0, 1)))
    like_index = draw(hnp.arrays(kind, full.shape, elements=st.integers(0, 1)))
    T = lucid.from_numpy
    calls = {
        "index_add_": lambda: x.index_add_(dim, T(vector), T(source)),
        "index_copy_": lambda: x.index_copy_(dim, T(vector), T(source)),
        "index_fill_": lambda: x.index_fill_(dim, T(vector), 1),
        "scatter_": lambda: x.scatter_(dim, T(full), T(like_index)),
        "scatter_add_": lambda: x.scatter_add_(dim, T(full), T(like_index)),
        "scatter_value": lambda: x.scatter_(dim, T(full), 1),
        "setitem": lambda: x.__setitem__((slice(None),) * (dim % 4) + (T(vector),), 1),
        "mask": lambda: x.masked_fill_(T(draw(hnp.arrays(np.bool_, shape))), 1),
    }
    try:
        calls[name]()
    except REFUSED:
        np.testing.assert_array_equal(array, before)
        untouched()
        return
    untouched()
    if name in ("index_add_", "index_copy_") and shape and vector.size and kind != np.bool_:
        expected = np.moveaxis(before.copy(), dim, 0)
        for i, place in enumerate(vector):
            part = np.moveaxis(source, dim, 0)[i]
            expected[place] = part if name == "index_copy_" else expected[place] + part
        np.testing.assert_array_equal(np.moveaxis(array, dim, 0), expected)
    if name in ("scatter_", "scatter_add_") and shape and full.size and kind != np.bool_:
        expected = before.copy()
        full, like_index = np.atleast_1d(full, like_index)  # 0-d indices fit a vector
        for place in np.ndindex(full.shape):
            target = list(place)
            target[dim] = full[place]
            value = like_index[place]
            expected[tuple(target)] = value if name == "scatter_" else expected[tuple(target)] + value
        np.testing.assert_array_equal(array, expected)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_reading_and_writing_through_the_same_index(data):
    """x[key] = value, then x[key] gives value, its gradient is 1, and that of what was written over 0."""
    draw = data.draw
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    key = []
    for size in shape[: draw(st.integers(1, len(shape)))]:
        what = draw(st.sampled_from(["int", "slice", "list", "mask"]))
        if what == "int":
            key.append(draw(st.integers(-size, size - 1)))
        elif what == "slice":
            key.append(slice(draw(st.integers(-size, size)), None, draw(st.integers(1, 2))))
        elif what == "list":
            key.append(lucid.tensor([draw(st.integers(-size, size - 1))]))
        else:
            key.append(lucid.tensor(np.array([True] + [False] * (size - 1))))
    key = tuple(key)
    x = lucid.ones(*shape, dtype=lucid.float64, requires_grad=True)
    h = x * 1
    value = lucid.full(h[key].shape, 3.0, dtype=lucid.float64, requires_grad=True)
    h[key] = value
    assert h[key].tolist() == value.tolist()
    (h * 2).sum().backward()
    assert (value.grad.numpy() == 2).all() and value.grad.shape == value.shape
    written = np.zeros(shape, bool)
    marks = lucid.from_numpy(written)
    marks[key] = True
    np.testing.assert_array_equal(x.grad.numpy(), np.where(written, 0.0, 2.0))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_views_of_any_shape(data):
    draw = data.draw
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
    x, array, untouched = laid_out(draw, shape, np.float64)
    small = st.integers(-6, 6)
    name = draw(st.sampled_from(["unfold", "diagonal", "narrow", "movedim", "roll", "pad", "repeat", "select"]))
    a, b, c = draw(small), draw(small), draw(small)
    calls = {
        "unfold": lambda: (x.unfold(a, b, c), np.moveaxis(np.lib.stride_tricks.sliding_window_view(array, b, a), a, 0)),
        "diagonal": lambda: (x.diagonal(a, b, c), np.diagonal(array, a, b, c)),
        "narrow": lambda: (x.narrow(a, b, c), np.take(array, range(b % array.shape[a], b % array.shape[a] + c), a)),
        "movedim": lambda: (x.movedim(a, b), np.moveaxis(array, a, b)),
        "roll": lambda: (x.roll(b, a), np.roll(array, b, a)),
        "pad": lambda: (lucid.constant_pad_nd(x, (a, b), 2.0), None),
        "repeat": lambda: (x.repeat(*[abs(a)] * len(shape)), np.tile(array, [abs(a)] * len(shape))),
        "select": lambda: (x.select(a, b), np.take(array, b, a)),
    }
    try:
        got, want = calls[name]()
    except (*REFUSED, ZeroDivisionError):
        return
    if name == "pad":
        want = np.pad(array, [(0, 0)] * (array.ndim - 1) + [(max(a, 0), max(b, 0))], constant_values=2.0)
        want = want[..., max(-a, 0) : want.shape[-1] - max(-b, 0)]
    if name == "unfold":
        got, want = lucid.movedim(got, a, 0) if a != -1 else got.movedim(-2, 0), want[::c]
        if a < 0:
            return  # NumPy appends the windows first, so that negative dims mean another
    np.testing.assert_array_equal(got.numpy(), want)
    got.sum().item()  # every number can be read
    untouched()


def test_indices_in_the_memory_that_is_written():
    numbers = np.zeros(64, np.int64)
    x, index = lucid.from_numpy(numbers.view(np.float64)), lucid.from_numpy(numbers)
    x.scatter_(0, index, lucid.full((64,), 1e300, dtype=lucid.float64))  # bits that are no index
    assert x[0].item() == 1e300 and (numbers[1:] == 0).all()
    x.zero_()
    x.index_add_(0, index, x)
    with pytest.raises(IndexError):
        x.index_add_(0, lucid.tensor([64]), lucid.ones(1, dtype=lucid.float64))
    assert not numbers.any()
