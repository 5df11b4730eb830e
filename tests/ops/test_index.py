"""Indexing, picking and joining: values against NumPy, derivatives by finite differences."""

import math

import numpy as np
import pytest

import lucid
from lucid.autograd import gradcheck, gradgradcheck

rng = np.random.default_rng(13)
T = lucid.tensor
S = slice(None)


def double(*shape):
    return lucid.tensor(rng.standard_normal(shape), requires_grad=True)


def leaf(values):
    return lucid.tensor(np.asarray(values, np.float64), requires_grad=True)


CUBE = rng.standard_normal((2, 3, 4))
BASIC = {
    "number": (1,),
    "negative": (-1,),
    "NumPy number": (np.int64(1),),
    "two numbers": (1, -2),
    "all numbers": (0, 1, 2),
    "0-d tensor": (T(1), S, T(-1)),
    "slice": (slice(1, None),),
    "slices with steps": (S, slice(0, 3, 2), slice(1, None, 3)),
    "negative slices": (slice(-2, None), slice(None, -1)),
    "slice beyond the end": (slice(1, 99), slice(5, 9)),
    "slice of tensors": (slice(T(0), T(1)),),
    "ellipsis": (...,),
    "ellipsis first": (..., 1),
    "ellipsis last": (1, ...),
    "ellipsis of nothing": (0, 1, ..., 2),
    "None": (None,),
    "None inside": (1, None, S, None),
    "None at the end": (..., None),
    "nothing": (),
}
PICKING = {
    "list": ([0, 1, 0],),
    "range": (range(2),),
    "NumPy array": (np.array([1, 0]),),
    "vector": (T([1, 0, 1, -1]),),
    "int32": (T([1, -2], dtype=lucid.int32),),
    "matrix": (T([[1, 0], [0, -2]]),),
    "empty": (T([], dtype=lucid.int64),),
    "second dimension": (S, T([2, 0, 0])),
    "last dimension": (..., T([3, 3, 0])),
    "two neighbours": (S, T([2, 0]), T([3, 0])),
    "two apart": (T([0, 1]), S, T([0, 2])),
    "three": (T([0, 1]), T([2, 1]), T([0, -1])),
    "broadcast": (T([[0], [1]]), T([0, 2])),
    "lists": ([0, 1], [1, 2]),
    "None before": (None, T([1, 0])),
    "None between": (T([1, 0]), None, T([1, 0])),
    "vector and slice": (T([1, 1]), slice(0, 2)),
    "mask": (T(CUBE > 0),),
    "mask of rows": (T([True, False]),),
    "mask of two dimensions": (T(CUBE[:, :, 0] > 0),),
    "mask inside": (S, T([True, False, True])),
    "mask of the last two": (S, T(CUBE[0] > 0)),
    "mask of nothing": (T(CUBE > 99),),
    "mask list": ([True, False],),
    "mask and vector": (T([True, True]), T([0, 2])),
    "True": (True,),
    "False": (False,),
    "0-d mask": (T(True),),
}
# NumPy puts these dimensions elsewhere; PyTorch's answer in terms of NumPy
MIXED = {
    "number and vector": ((0, T([0, 2])), lambda x: x[0][[0, 2]]),
    "number, slice, vector": ((0, S, T([0, 2])), lambda x: x[0][:, [0, 2]]),
    "0-d tensor, slice, vector": ((T(1), S, T([1, 2])), lambda x: x[1][:, [1, 2]]),
    "vector, slice, number": ((T([0, 1, 1]), S, 2), lambda x: x[:, :, 2][[0, 1, 1]]),
    "number, None, vector": ((0, None, T([1, 2]), ...), lambda x: x[0][None][:, [1, 2]]),
    "slice, mask, number": ((S, [True, False, True], 2), lambda x: x[:, :, 2][:, [0, 2]]),
}


def for_numpy(part):
    if isinstance(part, lucid.Tensor):
        return part.numpy() if part.shape or part.dtype is lucid.bool else part.item()
    if isinstance(part, slice):
        return slice(*(p.item() if isinstance(p, lucid.Tensor) else p for p in (part.start, part.stop, part.step)))
    return list(part) if isinstance(part, range) else part


def cases():
    for name, key in {**BASIC, **PICKING}.items():
        yield name, key, lambda x, key=key: x[tuple(map(for_numpy, key))]
    for name, (key, reference) in MIXED.items():
        yield name, key, reference


CASES = {name: (key, reference) for name, key, reference in cases()}


@pytest.mark.parametrize("name", CASES)
def test_getitem(name, simd_level, both_thread_counts):
    key, reference = CASES[name]
    for dtype in (np.float32, np.float64, np.int64, np.bool_):
        for array in (
            CUBE.astype(dtype),
            CUBE.astype(dtype).transpose(2, 1, 0).copy().T,
            np.repeat(CUBE.astype(dtype), 2, 1)[:, ::2],
        ):
            x = lucid.from_numpy(array)
            got = both_thread_counts(lambda x=x: x[key].numpy())
            want = reference(array)
            assert got.dtype == dtype and got.shape == want.shape
            np.testing.assert_array_equal(got, want)
    x = lucid.tensor(CUBE)
    assert np.shares_memory(x[key].numpy(), x.numpy()) == (name in BASIC and x[key].numel() > 0)
    if len(key) == 1:  # x[i] is x[(i,)]
        assert x[key[0]].tolist() == x[key].tolist()


@pytest.mark.parametrize("name", CASES)
def test_getitem_derivatives(name):
    key, _ = CASES[name]
    x = leaf(CUBE)
    assert gradcheck(lambda x: x[key], (x,)) and gradgradcheck(lambda x: x[key], (x,))
    assert gradgradcheck(lambda x: (x * x)[key] * 2, (x,))
    y = double(4, 3, 2)
    assert gradgradcheck(lambda y: y.T[key], (y,))


@pytest.mark.parametrize("name", CASES)
def test_setitem(name):
    key, reference = CASES[name]
    for dtype in (lucid.float64, lucid.float32, lucid.int64, lucid.bool):
        for value in (7, lucid.tensor(True), 3.0):
            x = lucid.zeros(2, 3, 4, dtype=dtype)
            x[key] = value
            picked = np.zeros((2, 3, 4), bool)  # the places: found by reading numbers of places
            places = reference(np.arange(24).reshape(2, 3, 4))
            picked.reshape(-1)[places] = True
            number = value.item() if isinstance(value, lucid.Tensor) else value
            np.testing.assert_array_equal(
                x.numpy(), np.where(picked, np.asarray(number).astype(dtype.numpy), 0).astype(dtype.numpy)
            )
    places = reference(np.arange(24).reshape(2, 3, 4))
    x = lucid.zeros(2, 3, 4)
    values = np.arange(places.size, dtype=np.float32).reshape(places.shape)
    if len(set(places.reshape(-1).tolist())) == places.size:  # otherwise it is not said which write comes last
        x[key] = lucid.tensor(values)
        np.testing.assert_array_equal(x[key].numpy(), values)
        x[key] = lucid.tensor(values[None])  # dimensions of size 1 in front fit too
        x[key] = values * 2
        np.testing.assert_array_equal(reference(x.numpy()), values * 2)
    version = x._version
    x[key] = 1.5
    assert x._version == version + 1


@pytest.mark.parametrize("name", CASES)
def test_setitem_derivatives(name):
    key, reference = CASES[name]
    places = reference(np.arange(24).reshape(2, 3, 4))
    if len(set(places.reshape(-1).tolist())) < places.size:
        return

    def written(x, value):
        y = x * 1.0
        y[key] = value
        return y * y

    x = leaf(CUBE)
    values = [leaf(rng.standard_normal(places.shape)), leaf(0.7), leaf(rng.standard_normal((1, 1, *places.shape)))]
    if places.ndim:
        values.append(leaf(rng.standard_normal(places.shape[1:])))
    for value in values:
        assert gradcheck(written, (x, value)) and gradgradcheck(written, (x, value))
    assert gradcheck(lambda x: written(x, 2.0), (x,))
    target = lucid.zeros(2, 3, 4, dtype=lucid.float64)  # a plain tensor joins the graph
    target[key] = values[0] * 2
    assert target.requires_grad
    target.sum().backward()
    assert values[0].grad.tolist() == np.full(places.shape, 2.0).tolist()


def test_writing_through_views():
    x = lucid.zeros(3, 4)
    x[1][2] = 5.0
    x.T[0] = lucid.tensor([1.0, 2.0, 3.0])
    x[:, 1::2].add_(10)
    assert x.tolist() == [[1, 10, 0, 10], [2, 10, 5, 10], [3, 10, 0, 10]]
    x[1:] = x[:-1]  # the halves overlap
    assert x[:, 0].tolist() == [1, 1, 2]
    x[x > 5] = 0
    assert x.amax().item() <= 5
    x[0, :2], x[0, 2:] = 8, x[0, :2].clone()
    x[[0, 0]] = lucid.tensor(4)  # int64 into float32
    assert x[0].tolist() == [4] * 4 and x.dtype is lucid.float32
    i = lucid.zeros(3, dtype=lucid.int64)
    i[1] = 2.9
    assert i.tolist() == [0, 2, 0]


def test_writing_errors_change_nothing():
    w = lucid.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="index assignment.*leaf.*no_grad"):
        w[0] = 2.0
    h = w * 2
    with pytest.raises(RuntimeError, match="index assignment.*several that split"):
        h.split(2)[0][0] = 2.0
    with lucid.no_grad():
        w[0] = 2.0
    assert w.tolist() == [2, 1, 1] and h.tolist() == [2, 2, 2]
    x = lucid.zeros(2, 3)
    for key, value, kind, message in [
        (2, 1.0, IndexError, r"index assignment.*2.*\(2, 3\)"),
        (T([0, 5]), 1.0, IndexError, r"index assignment.*5.*\(2, 3\)"),
        (0, lucid.ones(2), ValueError, r"index assignment.*\(2,\).*\(3,\)"),
        (slice(0, 1), lucid.ones(2, 3), ValueError, "index assignment"),
        ((0, 0, 0), 1.0, IndexError, "index assignment"),
        (T([True] * 3), 1.0, IndexError, "index assignment"),
        (0, "a", TypeError, "index assignment.*str"),
        (0, None, TypeError, "index assignment.*NoneType"),
        (1.0, 1.0, IndexError, "index assignment"),
    ]:
        for target in (x, (w * 0)[:2].expand(3, 2).T.clone()):
            version = target._version
            with pytest.raises(kind, match=message):
                target[key] = value
            assert target.tolist() == [[0] * 3] * 2 and target._version == version


def test_changed_index_is_noticed():
    x, index = double(4, 2), T([0, 1])
    for f in (lambda: x.gather(0, index.reshape(1, 2)), lambda: lucid.nn.functional.embedding(index, x)):
        y = f()
        index.add_(1)
        with pytest.raises(RuntimeError, match="gather.*changed in place"):
            y.sum().backward()
    y = x[index, [0, 1]]  # this one has a copy
    before = index.tolist()
    index.zero_()
    y.sum().backward()
    assert x.grad.numpy()[before, [0, 1]].tolist() == [1, 1]


def test_getitem_errors():
    x = lucid.tensor(CUBE)
    for key, kind, message in [
        (2, IndexError, r"index.*2.*\(2, 3, 4\)"),
        (-3, IndexError, "index.*-3"),
        ((0, 3), IndexError, "index.*3"),
        ((0, 0, 0, 0), IndexError, "index.*too many"),
        ((T([0]), 0, 0, 0), IndexError, "index: too many indices: 4 for 3"),
        (T([0, 2]), IndexError, "index 2 is out of bounds for dimension 0 with size 2"),
        (T([0, -3]), IndexError, "index -3 is out of bounds for dimension 0 with size 2"),
        ((S, T([3])), IndexError, "index.*3"),
        (T([True, False, True]), IndexError, r"shape of the mask \(3,\).*\(2,\)"),
        ((T([0, 1]), T([0, 1, 2])), IndexError, r"index.*\(2,\).*\(3,\)"),
        (T([1.0]), IndexError, "float32"),
        (1.0, IndexError, "index: float cannot be an index"),
        ("a", IndexError, "index"),
        (slice(None, None, -1), ValueError, "step.*-1.*flip"),
        (slice(None, None, 0), ValueError, "step"),
    ]:
        with pytest.raises(kind, match=message):
            x[key]
    with pytest.raises(IndexError, match="index"):
        lucid.tensor(1.0)[0]
    with pytest.raises(IndexError, match="index"):
        lucid.tensor(1.0)[T([0])]


def test_getitem_of_0d_and_empty():
    s, e = leaf(2.5), double(0, 3)
    for key, shape in [
        (..., ()),
        ((), ()),
        (None, (1,)),
        ((None, ...), (1,)),
        (True, (1,)),
        (False, (0,)),
        (T(True), (1,)),
    ]:
        assert s[key].shape == shape
        assert gradcheck(lambda s, key=key: s[key], (s,)) and gradgradcheck(lambda s, key=key: s[key], (s,))
    for key, shape in [
        (slice(None), (0, 3)),
        (T([], dtype=lucid.int64), (0, 3)),
        ((..., 1), (0,)),
        ((S, T([2, 2])), (0, 2)),
    ]:
        assert e[key].shape == shape
        assert gradcheck(lambda e, key=key: e[key], (e,)) and gradgradcheck(lambda e, key=key: e[key], (e,))
    with pytest.raises(IndexError, match="size 0"):
        e[T([0])]
    assert [x.tolist() for x in lucid.tensor([[1, 2], [3, 4]])] == [[1, 2], [3, 4]]
    assert 3 in lucid.tensor([1, 3]) and 4 not in lucid.tensor([1, 3])


# ---------------------------------------------------------------------------------------------------------------------
# Picking


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_gather(dtype, simd_level, both_thread_counts):
    for shape in [(7,), (3, 5), (2, 3, 4), (5, 64), (300, 70), (2, 0, 3), (1,)]:
        for dim in range(-1, len(shape)):
            for count in (0, 1, shape[dim], shape[dim] + 3):
                sizes = list(shape)
                sizes[dim] = count
                if shape[dim] == 0 and count:
                    continue
                array = (rng.standard_normal(shape) * 9).astype(dtype)
                index = rng.integers(0, max(shape[dim], 1), sizes)
                for x in (array, array[::-1]):
                    got = both_thread_counts(
                        lambda x=x, index=index, dim=dim: (
                            lucid.from_numpy(x).gather(dim, lucid.from_numpy(index)).numpy()
                        )
                    )
                    np.testing.assert_array_equal(got, np.take_along_axis(x, index, dim))


def test_gather_derivatives_and_errors():
    x = double(2, 3, 4)
    for dim in (0, 1, 2, -1):
        for cut in ((2, 3, 4), (1, 2, 3)):
            index = T(rng.integers(0, x.shape[dim], cut))
            assert gradcheck(lambda x, i=index, d=dim: x.gather(d, i), (x,)) and gradgradcheck(
                lambda x, i=index, d=dim: x.gather(d, i), (x,)
            )
            assert gradcheck(lambda x, i=index, d=dim: x.transpose(0, 0).gather(d, i), (x,))
    many = T(rng.integers(0, 3, (2, 9, 4)))
    assert gradgradcheck(lambda x: x.gather(1, many), (x,))
    v, s = double(5), leaf(2.5)
    assert v.gather(0, T(2)).shape == () and gradcheck(lambda v: v.gather(0, T(2)), (v,))
    assert s.gather(0, T([0, 0])).tolist() == [2.5, 2.5] and gradcheck(lambda s: s.gather(0, T([0, 0])), (s,))
    assert s.gather(-1, T(0)).item() == 2.5
    assert x.gather(1, T(np.zeros((2, 0, 4), np.int64))).shape == (2, 0, 4)
    assert x.gather(1, T(np.zeros((1, 1, 1), np.int32))).shape == (1, 1, 1)
    for dim, index, kind, message in [
        (1, np.full((2, 1, 4), 3), IndexError, "gather: index 3 at position 0 is out of range for size 3"),
        (1, np.full((2, 1, 4), -1), IndexError, "gather: index -1"),
        (0, np.zeros(1, int), ValueError, r"gather: index shape \(1,\).*\(2, 3, 4\)"),
        (1, np.zeros((3, 1, 4), int), ValueError, r"gather: index shape \(3, 1, 4\)"),
        (1, np.zeros((2, 3, 4)), TypeError, "gather.*float64"),
        (3, np.zeros((2, 3, 4), int), IndexError, "gather: dim 3"),
    ]:
        with pytest.raises(kind, match=message):
            x.gather(dim, T(index))
    with pytest.raises(TypeError, match="gather.*list"):
        x.gather(0, [0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_index_select(dtype, simd_level, both_thread_counts):
    array = (rng.standard_normal((6, 5, 4)) * 9).astype(dtype)
    for x in (array, array.T, array[::2, :, 1:]):
        for dim in (0, 1, 2, -1):
            index = rng.integers(0, x.shape[dim], 9)
            got = both_thread_counts(lambda x=x, d=dim, i=index: lucid.from_numpy(x).index_select(d, T(i)).numpy())
            np.testing.assert_array_equal(got, x.take(index, dim))
    large = rng.standard_normal((5000, 33)).astype(dtype)
    index = rng.integers(0, 5000, 7000)
    np.testing.assert_array_equal(both_thread_counts(lambda: lucid.from_numpy(large)[T(index)].numpy()), large[index])


def test_index_select_derivatives_and_errors():
    x = double(2, 3, 4)
    for dim in (0, 1, -1):
        for index in ([1, 0, 1], [0], []):
            f = lambda x, d=dim, i=index: x.index_select(d, T(i, dtype=lucid.int64))  # noqa: E731
            assert gradcheck(f, (x,)) and gradgradcheck(f, (x,))
    assert x.index_select(1, T(1)).shape == (2, 1, 4)  # a 0-d index counts as a vector of one
    s = leaf(2.5)
    assert s.index_select(0, T([0])).shape == () and gradcheck(lambda s: s.index_select(0, T([0])), (s,))
    for dim, index, kind, message in [
        (0, [-1], IndexError, "index_select: index -1 at position 0.*size 2"),
        (1, [0, 3], IndexError, "index_select: index 3 at position 1.*size 3"),
        (0, [[0]], ValueError, r"index_select.*\(1, 1\)"),
        (3, [0], IndexError, "index_select: dim 3"),
        (0, [0.0], TypeError, "index_select.*float32"),
    ]:
        with pytest.raises(kind, match=message):
            x.index_select(dim, T(index))


# ---------------------------------------------------------------------------------------------------------------------
# Joining and cutting


def test_cat_and_stack(simd_level):
    for dtype in (np.float32, np.float64, np.int64, np.bool_):
        a, b = (rng.standard_normal((2, 3, 4)) > 0).astype(dtype), rng.standard_normal((2, 3, 4)).astype(dtype)
        for dim in (0, 1, 2, -1, -3):
            for parts in ((a, b), (a, b[::-1], a), (a,), (a.transpose(0, 1, 2), np.broadcast_to(b[:1], b.shape))):
                np.testing.assert_array_equal(
                    lucid.cat([lucid.from_numpy(p) for p in parts], dim).numpy(), np.concatenate(parts, dim)
                )
                np.testing.assert_array_equal(
                    lucid.stack([lucid.from_numpy(p) for p in parts], dim).numpy(), np.stack(parts, dim)
                )
        np.testing.assert_array_equal(lucid.cat([T(a), T(b[:, :1])], 1).numpy(), np.concatenate([a, b[:, :1]], 1))
    assert lucid.stack([T(1.0), T(2.0)]).tolist() == [1, 2] and lucid.stack([T([1.0]), T([2.0])], -1).shape == (1, 2)
    assert lucid.cat([lucid.zeros(0), lucid.ones(2, 3), lucid.zeros(0)]).shape == (2, 3)  # empty vectors pass
    assert lucid.cat([lucid.zeros(0, 3), lucid.ones(2, 3)]).shape == (2, 3) and lucid.cat(
        [lucid.zeros(0)] * 2
    ).shape == (0,)
    assert (
        lucid.cat([T([1, 2]), T([1.5])]).dtype is lucid.float32
        and lucid.cat([T([1.5]), T([1.5], dtype=lucid.float64)]).dtype is lucid.float64
    )
    assert lucid.stack([T([True]), T([3])]).dtype is lucid.int64


def test_cat_and_stack_derivatives():
    a, b, e = double(2, 3), double(2, 3), double(0, 3)
    for dim in (0, 1, -1):
        assert gradcheck(lambda a, b, d=dim: lucid.cat([a, b, a], d), (a, b)) and gradgradcheck(
            lambda a, b, d=dim: lucid.cat([a, b * b], d), (a, b)
        )
        assert gradcheck(lambda a, b, d=dim: lucid.stack([a, b, a], d), (a, b)) and gradgradcheck(
            lambda a, b, d=dim: lucid.stack([a * b, b], d), (a, b)
        )
    assert gradcheck(lambda a, e: lucid.cat([e, a]), (a, e)) and gradgradcheck(
        lambda a, b: lucid.cat([a.T, b.T[1:]]), (a, b)
    )
    c = lucid.ones(2, 3, requires_grad=True)
    (lucid.cat([c, a]) ** 2).sum().backward()
    assert c.grad.dtype is lucid.float32 and c.grad.tolist() == [[2] * 3] * 2


def test_cutting():
    x = lucid.tensor(CUBE)
    for dim in (0, 1, 2, -1):
        size = CUBE.shape[dim]
        for step in (1, 2, 3, 7):
            pieces = x.split(step, dim)
            want = np.split(CUBE, range(step, size, step), dim)
            assert len(pieces) == len(want)
            for piece, w in zip(pieces, want, strict=True):
                np.testing.assert_array_equal(piece.numpy(), w)
                assert np.shares_memory(piece.numpy(), x.numpy())
        sections = [1, 0, size - 1]
        assert [p.shape[dim] for p in x.split(sections, dim)] == sections
        for i, (u, s) in enumerate(zip(x.unbind(dim), range(size), strict=True)):
            np.testing.assert_array_equal(u.numpy(), CUBE.take(s, dim))
            np.testing.assert_array_equal(x.select(dim, i - size).numpy(), CUBE.take(s, dim))
    assert [c.shape for c in lucid.zeros(7, 2).chunk(3)] == [(3, 2), (3, 2), (1, 2)]
    assert [c.shape for c in lucid.zeros(6).chunk(4)] == [(2,)] * 3  # fewer than asked, as PyTorch does
    assert [c.shape for c in lucid.zeros(0, 3).chunk(2)] == [(0, 3)] * 2 and [
        c.shape for c in lucid.zeros(0, 3).split(2)
    ] == [(0, 3)]
    assert (
        [c.shape for c in lucid.zeros(0, 3).split(0)] == [(0, 3)]
        and lucid.zeros(0, 3).unbind() == ()
        and len(lucid.zeros(2, 0).unbind()) == 2
    )
    assert (
        x.narrow(2, 1, 2).tolist() == CUBE[:, :, 1:3].tolist() and x.narrow(1, -2, 1).tolist() == CUBE[:, 1:2].tolist()
    )
    assert x.narrow(0, 2, 0).shape == (0, 3, 4)
    x[0].narrow(1, 0, 2).zero_()
    assert x[0, :, :2].tolist() == [[0, 0]] * 3


def test_cutting_derivatives():
    x = double(2, 3, 4)
    for f in (
        lambda x: x.split(2, 1),
        lambda x: x.split([3, 1], -1),
        lambda x: x.chunk(2, 2),
        lambda x: x.unbind(1),
        lambda x: x.narrow(1, 1, 2),
        lambda x: x.select(2, -1),
        lambda x: x.split(2, 1)[1],
        lambda x: [p * p for p in x.chunk(3, 1)],
    ):
        assert gradcheck(f, (x,)) and gradgradcheck(f, (x,))


def test_joining_and_cutting_errors():
    x, s = lucid.zeros(2, 3), T(1.0)
    for f, kind, message in [
        (lambda: lucid.cat([]), ValueError, "cat.*at least one"),
        (lambda: lucid.stack([]), ValueError, "stack.*at least one"),
        (lambda: lucid.cat([x, lucid.zeros(2, 4)]), ValueError, r"cat.*\(2, 3\).*\(2, 4\).*0"),
        (lambda: lucid.cat([x, lucid.zeros(3)]), ValueError, r"cat.*\(2, 3\).*\(3,\)"),
        (lambda: lucid.cat([s, s]), ValueError, "cat.*0-d.*stack"),
        (lambda: lucid.cat([x, 1.0]), TypeError, "cat.*float"),
        (lambda: lucid.stack([x, 1.0]), TypeError, "stack.*float"),
        (lambda: lucid.stack([x, lucid.zeros(3)]), ValueError, r"stack.*\(2, 3\).*\(3,\)"),
        (lambda: lucid.cat([x, x], 2), IndexError, "cat: dim 2"),
        (lambda: lucid.stack([x, x], 3), IndexError, "stack: dim 3"),
        (lambda: x.split(0), ValueError, "split.*0"),
        (lambda: x.split(-1), ValueError, "split.*-1"),
        (lambda: x.split([1, 2]), ValueError, r"split.*\[1, 2\].*2"),
        (lambda: x.split([-1, 3]), ValueError, "split"),
        (lambda: x.chunk(0), ValueError, "chunk.*0"),
        (lambda: x.narrow(1, 2, 2), ValueError, "narrow.*2.*3"),
        (lambda: x.narrow(1, -9, 1), ValueError, "narrow.*-9"),
        (lambda: x.narrow(1, 2, -1), ValueError, "narrow.*-1"),
        (lambda: x.select(0, 2), IndexError, "2"),
        (lambda: s.unbind(), ValueError, "unbind.*0-d"),
        (lambda: s.split(1), ValueError, "split.*0-d"),
        (lambda: s.chunk(1), ValueError, "chunk.*0-d"),
        (lambda: s.narrow(0, 0, 1), ValueError, "narrow.*0-d"),
        (lambda: s.select(0, 0), ValueError, "select.*0-d"),
        (lambda: len(s), TypeError, "0-d"),
        (lambda: list(s), TypeError, "0-d"),
    ]:
        with pytest.raises(kind, match=message):
            f()
    assert math.prod(x.shape) == 6
