"""Gather and scatter-add against NumPy; indices out of range are reported and never followed."""

import numpy as np
import pytest

from lucid._engine import ffi, lib

TYPES = [np.float32, np.float64]


def pointer(array):
    return ffi.from_buffer(
        {"f": "float[]", "d": "double[]", "l": "int64_t[]", "q": "int64_t[]"}[array.dtype.char], array
    )


def function(name, dtype):
    return getattr(lib, f"{name}_{'f32' if dtype == np.float32 else 'f64'}")


def gather_rows(table, index):
    out = np.full((index.size, table.shape[1]), 77, table.dtype)
    bad = function("gather_rows", table.dtype)(
        index.size, table.shape[1], len(table), pointer(table), pointer(index), pointer(out)
    )
    return out, bad


def scatter_add_rows(grad, index, start, skip=-1):
    out = start.copy()
    bad = function("scatter_add_rows", grad.dtype)(
        index.size, grad.shape[1], len(out), pointer(grad), pointer(index), skip, pointer(out)
    )
    return out, bad


def gather(x, index):
    (outer, n, inner), m = x.shape, index.shape[1]
    out = np.full(index.shape, 77, x.dtype)
    return out, function("gather", x.dtype)(outer, n, inner, m, pointer(x), pointer(index), pointer(out))


def scatter_add(source, index, start):
    (outer, m, inner), n = source.shape, start.shape[1]
    out = start.copy()
    return out, function("scatter_add", out.dtype)(outer, n, inner, m, pointer(source), pointer(index), pointer(out))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    "n, row, table_rows",
    [
        (0, 5, 3),
        (4, 0, 3),
        (1, 1, 1),
        (7, 3, 2),
        (64, 16, 10),
        (33, 17, 5),
        (2048, 64, 100),
        (5000, 65, 3),
        (3, 40_000, 4),
        (3000, 1, 50),
        (900, 700, 60),
    ],
)
def test_rows(simd, each_thread_count, dtype, n, row, table_rows):
    rng = np.random.default_rng(0)
    table, grad = rng.standard_normal((table_rows, row)).astype(dtype), rng.standard_normal((n, row)).astype(dtype)
    index = rng.integers(0, table_rows, n)
    out, bad = each_thread_count(lambda: gather_rows(table, index))
    assert bad == -1
    np.testing.assert_array_equal(out, table[index])
    for skip in (-1, 0, table_rows - 1):
        got, bad = each_thread_count(lambda skip=skip: scatter_add_rows(grad, index, table, skip))
        expected = table.copy()
        np.add.at(expected, index[index != skip], grad[index != skip])  # one after the other, in order
        assert bad == -1
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    "outer, n, inner, m",
    [(0, 3, 2, 2), (2, 3, 0, 2), (2, 3, 2, 0), (1, 1, 1, 1), (5, 7, 1, 3), (300, 10, 1, 1), (4, 9, 13, 20), (1, 50,
    300, 70),
     (40, 5, 33, 30), (1, 4, 1, 20_000), (3, 100, 1, 50_000), (2, 50, 600, 300)],
)  # fmt: skip
def test_along_the_middle(simd, each_thread_count, dtype, outer, n, inner, m):
    rng = np.random.default_rng(0)
    x, source = (
        rng.standard_normal((outer, n, inner)).astype(dtype),
        rng.standard_normal((outer, m, inner)).astype(dtype),
    )
    index = rng.integers(0, n, (outer, m, inner))
    out, bad = each_thread_count(lambda: gather(x, index))
    assert bad == -1
    np.testing.assert_array_equal(out, np.take_along_axis(x, index, 1))
    got, bad = each_thread_count(lambda: scatter_add(source, index, x))
    expected = x.copy()
    o, _, i = np.indices(index.shape)
    np.add.at(expected, (o, index, i), source)
    assert bad == -1
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("wrong", [-1, 10, 2**31, 2**62, -(2**63), 2**63 - 1])
@pytest.mark.parametrize("where", [[0], [2999], [1024], [2500, 1025, 1030]])
def test_out_of_range(simd, wrong, where):
    table, grad = np.ones((10, 6), np.float32), np.ones((3000, 6), np.float32)
    index = np.arange(3000) % 10
    index[where] = wrong
    out, bad = gather_rows(table, index)
    assert bad == min(where) and (out == 77).all()
    for skip in (-1, 3):
        out, bad = scatter_add_rows(grad, index, table, skip)
        assert bad == min(where) and (out == 1).all()
    x, index = np.ones((5, 10, 6), np.float64), index.reshape(5, 100, 6)
    out, bad = gather(x, index)
    assert bad == min(where) and (out == 77).all()
    out, bad = scatter_add(np.ones((5, 100, 6)), index, x)
    assert bad == min(where) and (out == 1).all()


@pytest.mark.parametrize("where", [[199_999], [65_535, 65_536], [150_000, 70_001, 70_000], list(range(200_000))])
def test_the_first_of_many_is_named(simd, each_thread_count, where):
    """Whichever thread meets one first."""
    index = np.arange(200_000) % 7
    index[where] = 7
    start, grad = np.ones((7, 1), np.float32), np.ones((index.size, 1), np.float32)
    out, bad = each_thread_count(lambda: scatter_add_rows(grad, index, start))
    assert bad == min(where)
    np.testing.assert_array_equal(out, start)


def test_empty_table():
    table = np.zeros((0, 4), np.float32)
    assert gather_rows(table, np.zeros(3, np.int64))[1] == 0
    assert gather_rows(table, np.zeros(0, np.int64))[1] == -1
    assert scatter_add_rows(np.zeros((3, 4), np.float32), np.zeros(3, np.int64), table)[1] == 0


def with_source(name, dtype, x, source, index, out, *value):
    """index_add, index_copy, scatter: on a copy of ``out`` [outer, n, inner]."""
    (outer, n, inner), m = out.shape, index.shape[1] if index.ndim == 3 else index.size
    out = out.copy()
    start = ffi.NULL if source is None else pointer(source)
    return out, function(name, dtype)(outer, n, inner, m, start, *value, pointer(index), pointer(out))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    "outer, n, inner, m",
    [(0, 3, 2, 2), (2, 3, 0, 2), (2, 3, 2, 0), (1, 1, 1, 1), (5, 7, 1, 3), (3, 10, 17, 40), (1, 50, 300, 70),
     (40, 5, 33, 30), (300, 9, 1, 200), (3, 40, 500, 300)],
)  # fmt: skip
def test_slices_and_assignment(simd, each_thread_count, dtype, outer, n, inner, m):
    rng = np.random.default_rng(0)
    x, source = (rng.standard_normal((outer, size, inner)).astype(dtype) for size in (n, m))
    index, full = rng.integers(0, n, m), rng.integers(0, n, (outer, m, inner))

    def select():
        out = np.full(source.shape, 77, dtype)
        return out, function("index_select", dtype)(outer, n, inner, m, pointer(x), pointer(index), pointer(out))

    out, bad = each_thread_count(select)
    assert bad == -1
    np.testing.assert_array_equal(out, x[:, index])
    added, bad = each_thread_count(lambda: with_source("index_add", dtype, x, source, index, x))
    expected = x.copy()
    for i, place in enumerate(index):  # one after the other, in order
        expected[:, place] += source[:, i]
    assert bad == -1
    np.testing.assert_array_equal(added, expected)
    for given in (source, None):
        got, bad = each_thread_count(lambda given=given: with_source("index_copy", dtype, x, given, index, x, 2.5))
        expected = x.copy()
        for i, place in enumerate(index):
            expected[:, place] = 2.5 if given is None else given[:, i]
        assert bad == -1
        np.testing.assert_array_equal(got, expected)
        got, bad = each_thread_count(lambda given=given: with_source("scatter", dtype, x, given, full, x, 2.5))
        expected = x.copy()
        o, _, i = np.indices((outer, 1, inner))
        for p in range(m):
            expected[o, full[:, p : p + 1], i] = 2.5 if given is None else given[:, p : p + 1]
        assert bad == -1
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("wrong", [-1, 10, 2**31, -(2**63), 2**63 - 1])
def test_slices_out_of_range(simd, wrong):
    x = np.ones((5, 10, 6), np.float32)
    index, full = np.arange(30) % 10, np.zeros((5, 30, 6), np.int64)
    index[7], full[2, 7, 3] = wrong, wrong
    source = np.zeros((5, 30, 6), np.float32)
    out = source.copy()
    select = function("index_select", np.float32)
    assert select(5, 10, 6, 30, pointer(x), pointer(index), pointer(out)) == 7 and not out.any()
    for name, at, value, place in (
        ("index_add", index, (), 7),
        ("index_copy", index, (1.0,), 7),
        ("scatter", full, (1.0,), (2 * 30 + 7) * 6 + 3),
    ):
        out, bad = with_source(name, np.float32, x, source, at, x, *value)
        assert bad == place and (out == 1).all()
