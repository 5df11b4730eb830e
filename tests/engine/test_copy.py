"""Strided copy against NumPy's, casts against stated conversions."""

import numpy as np
import pytest

from lucid._engine import ffi, lib

TYPES = [np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_]


def copy(source, target):
    """target[...] = source by the engine."""
    lib.copy_strided(
        source.itemsize, source.ndim, ffi.new("int64_t[]", source.shape),
        ffi.cast("void *", source.__array_interface__["data"][0]), ffi.new("int64_t[]", source.strides),
        ffi.cast("void *", target.__array_interface__["data"][0]), ffi.new("int64_t[]", target.strides),
    )  # fmt: skip


def views(dtype):
    """Arrays of many layouts."""
    rng = np.random.default_rng(0)

    def new(*shape):
        return rng.integers(0, 2 if dtype == np.bool_ else 100, shape).astype(dtype)

    yield new()
    yield new(0)
    yield new(3, 0, 2)
    yield new(1)
    yield new(17)
    yield new(1, 5, 1)
    yield new(40)[::2]
    yield new(40)[::-1]
    yield new(5, 7)
    yield new(5, 7).T
    yield new(33, 70).T
    yield new(33, 70)[:, 3:60]
    yield new(33, 70)[::2, ::3].T
    yield np.broadcast_to(new(7), (5, 7))
    yield np.broadcast_to(new(5, 1), (5, 7))
    yield np.broadcast_to(new(1), (3, 4, 5))
    yield np.broadcast_to(new(4, 1, 1), (3, 4, 5, 6))
    yield new(2, 3, 4, 5).transpose(3, 1, 0, 2)
    yield new(2, 3, 4, 5)[:, ::-1].transpose(0, 2, 3, 1)
    yield new(8, 16, 10, 10).transpose(0, 2, 3, 1)
    yield new(2, 1, 3, 1, 2).swapaxes(0, 4)
    yield new(600, 700).T
    yield new(3, 400, 300).transpose(0, 2, 1)
    yield new(400000)
    yield new(400001)[::-1]


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64])
def test_copy_from_any_layout(dtype, each_thread_count):
    for source in views(dtype):

        def run(source=source):
            target = np.zeros(source.shape, dtype)
            copy(source, target)
            return target

        assert np.array_equal(each_thread_count(run), source), (source.shape, source.strides)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_copy_to_any_layout(dtype, each_thread_count):
    for like in views(dtype):
        if 0 in like.strides or like.size == 0:
            continue
        straight = np.array(like, order="C")
        for source in (straight, straight[::-1] if like.ndim else straight):

            def run(like=like, source=source):
                order = np.argsort([-abs(s) for s in like.strides], kind="stable")
                memory = np.zeros([like.shape[i] * 2 for i in order], dtype)  # every second place, in the view's order
                inverse = np.argsort(order)
                target = memory[(slice(None, None, 2),) * like.ndim].transpose(inverse) if like.ndim else memory
                copy(source, target)
                assert np.array_equal(target, source), (like.shape, like.strides)
                return memory

            memory = each_thread_count(run)
            if dtype != np.uint8 and memory.ndim:
                assert np.count_nonzero(memory) == np.count_nonzero(source)  # nothing between was touched


def cast(source, to):
    target = np.full(source.shape, 99, TYPES[to])
    lib.cast(source.size, TYPES.index(source.dtype.type), ffi.from_buffer(source), to, ffi.from_buffer(target))
    return target


@pytest.mark.parametrize("to", range(6))
@pytest.mark.parametrize("source", range(6))
def test_cast(source, to, each_thread_count):
    for n in (0, 1, 15, 16, 17, 1000, 100003):
        rng = np.random.default_rng(n)
        x = rng.integers(0, 2, n) if TYPES[source] == np.bool_ else rng.uniform(-120, 120, n)
        x = (np.abs(x) if TYPES[source] == np.uint8 else x).astype(TYPES[source])
        want = x.astype(np.int64).astype(np.uint8) if to == 4 else x.astype(TYPES[to])
        got = each_thread_count(lambda x=x: cast(x, to))
        assert np.array_equal(got, want) and got.dtype == want.dtype


@pytest.mark.parametrize("source", [0, 1])
def test_cast_of_what_does_not_fit(source):
    x = np.array(
        [np.nan, np.inf, -np.inf, 300, -1, 1e20, -1e20, 2.9, -2.9, 2.0**31, -(2.0**31), -0.0, 0.25], TYPES[source]
    )
    low32, low64 = -(2**31), -(2**63)
    assert cast(x, 3).tolist() == [low32, low32, low32, 300, -1, low32, low32, 2, -2, low32, low32, 0, 0]
    assert cast(x, 2).tolist() == [low64, low64, low64, 300, -1, low64, low64, 2, -2, 2**31, low32, 0, 0]
    assert cast(x, 4).tolist() == [0, 0, 0, 44, 255, 0, 0, 2, 254, 0, 0, 0, 0]
    assert cast(x, 5).tolist() == [True] * 11 + [False, True]
    big = np.array([2**40 + 5, -(2**31) - 1, 256], np.int64)
    assert cast(big, 3).tolist() == [5, 2**31 - 1, 256]
    assert cast(big, 4).tolist() == [5, 255, 0]
