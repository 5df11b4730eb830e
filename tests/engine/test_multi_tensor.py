"""Kernels on many tensors in one call, against NumPy in float64."""

import math

import numpy as np
import pytest

from lucid._engine import ffi, lib

REALS = [(np.float32, "f32", "float"), (np.float64, "f64", "double")]
SIZES = (0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 64, 65, 127, 2047, 2048, 2049, 5000, 65535, 65536, 65537, 200_001, 0, 5)
ORDERS = (2.0, 1.0, 0.0, math.inf, -math.inf, 3.0, 0.5, 1.5, 2.5, 10.0, -1.0, -2.0, -0.5)


@pytest.fixture(params=REALS, ids=["f32", "f64"])
def real(request):
    return request.param


def pointers(kind, arrays):
    return [ffi.NULL if x is None else ffi.from_buffer(f"{kind}[]", x) for x in arrays]


def sizes(arrays):
    return [0 if x is None else x.size for x in arrays]


def norms(real, arrays, order):
    found = np.full(len(arrays), 77.0)
    out = ffi.from_buffer("double[]", found)
    getattr(lib, f"norms_of_order_{real[1]}")(len(arrays), sizes(arrays), pointers(real[2], arrays), order, out)
    return found


def exact(x, order):
    """The norm in float64, of numbers divided by the one that counts most."""
    size = np.abs(x.astype(np.float64))
    if order == 0:
        return float(np.count_nonzero(size))
    if np.isnan(size).any():
        return math.nan
    scale = size.max() if order > 0 else size.min()
    if scale in (0, math.inf) or math.isinf(order):
        return scale
    return scale * np.sum((size / scale) ** order) ** (1 / order)


def drawn(real, seed=0, offset=0):
    """Noise of these sizes, each `offset` numbers into its memory, which begins at a cache line."""
    random = np.random.default_rng(seed)
    found = []
    for size in SIZES:
        room = np.empty(size + offset + 64, real[0])
        lead = (-room.ctypes.data % 64) // room.itemsize + offset
        found.append(room[lead : lead + size])
        found[-1][...] = random.standard_normal(size) * 10.0 ** random.integers(-3, 3)
    return found


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("offset", [0, 1, 5])
def test_norms(order, offset, real, simd, each_thread_count):
    arrays = drawn(real, offset=offset)
    arrays.insert(3, None)
    found = each_thread_count(lambda: norms(real, arrays, order))
    expected = [0.0 if x is None or x.size == 0 else exact(x, order) for x in arrays]
    if order in (0, math.inf, -math.inf):
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=3e-6 if real[0] == np.float32 else 1e-14)
    if order == 2:
        same = np.empty(len(arrays))
        out = ffi.from_buffer("double[]", same)
        getattr(lib, f"norms_{real[1]}")(len(arrays), sizes(arrays), pointers(real[2], arrays), out)
        assert same.tobytes() == found.tobytes()


def test_the_order_is_rounded_to_the_number_type(real, simd):
    x = np.random.default_rng(0).standard_normal(1000).astype(real[0])
    for order in (1.1, 0.3, -1.7, 1e-3 + 2):
        rounded = float(real[0](order))
        tolerance = 2e-6 if real[0] == np.float32 else 1e-14
        np.testing.assert_allclose(norms(real, [x], order), exact(x, rounded), rtol=tolerance)


@pytest.mark.parametrize("order", ORDERS)
def test_numbers_that_are_not_finite(order, real, simd):
    for size in (1, 5, 16, 100, 3000):
        for at in {0, size // 2, size - 1}:
            for bad in (math.nan, math.inf, -math.inf):
                x = np.linspace(1, 2, size).astype(real[0])
                x[at] = bad
                with np.errstate(all="ignore"):
                    wanted = exact(x, order)
                    if order < 0 and math.isinf(bad):
                        rest = np.delete(x, at)
                        wanted = exact(rest, order) if rest.size else math.inf
                np.testing.assert_allclose(norms(real, [x], order), wanted, rtol=1e-6)


@pytest.mark.parametrize("order", ORDERS)
def test_zeros(order, real, simd):
    for size in (1, 7, 64, 5000):
        x = np.zeros(size, real[0])
        assert norms(real, [x, -x], order).tolist() == [0, 0]
        x[size // 2] = -3
        wanted = 1 if order == 0 else 3 if order > 0 or size == 1 else 0
        np.testing.assert_allclose(norms(real, [x], order), wanted, rtol=1e-6)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("power", ["largest", "smallest", "small"])
def test_norms_do_not_overflow_or_underflow(order, power, real, simd, each_thread_count):
    limits = np.finfo(real[0])
    scale = {"largest": float(limits.max) / 4e5, "smallest": float(limits.tiny), "small": float(limits.tiny) ** 0.6}
    if order == 0.5 and power == "largest":
        scale["largest"] /= 1e6  # the norm itself is n^2 times as large as its numbers
    arrays = [(np.random.default_rng(1).uniform(1, 2, n) * scale[power]).astype(real[0]) for n in (3, 64, 70_000)]
    found = each_thread_count(lambda: norms(real, arrays, order))
    expected = [exact(x, order) for x in arrays]
    np.testing.assert_allclose(found, expected, rtol=3e-6 if real[0] == np.float32 else 1e-13, atol=0)


def test_an_order_that_is_nan(real, simd):
    assert np.isnan(norms(real, [np.ones(3, real[0]), np.zeros(0, real[0])], math.nan)).all()


@pytest.mark.parametrize("n", [1, 1000])
def test_norms_of_many_small_tensors(n, real, simd, each_thread_count):
    whole = np.random.default_rng(0).standard_normal((n, 130)).astype(real[0])
    for order in (2.0, 1.0, math.inf, 3.0):
        found = each_thread_count(lambda order=order: norms(real, list(whole), order))
        np.testing.assert_allclose(found, [exact(x, order) for x in whole], rtol=2e-6)


def changed(name, real, arrays, *numbers):
    getattr(lib, f"{name}_{real[1]}")(len(arrays), sizes(arrays), pointers(real[2], arrays), *numbers)


@pytest.mark.parametrize("offset", [0, 1, 5])
@pytest.mark.parametrize("name", ["scale_all", "clamp_all", "copy_all"])
def test_changes(name, offset, real, simd, each_thread_count):
    before = drawn(real, offset=offset)

    def run():
        rooms = [np.full(x.size + 2, 77, real[0]) for x in before]
        arrays = [room[1:-1] for room in rooms]
        for x, start in zip(arrays, before, strict=True):
            x[...] = start if name != "copy_all" else 77
        if name == "copy_all":
            out = pointers(real[2], arrays)
            getattr(lib, f"copy_all_{real[1]}")(len(arrays), sizes(arrays), pointers(real[2], before), out)
        else:
            changed(name, real, [*arrays, None], *((0.3,) if name == "scale_all" else (-0.25, 0.5)))
        assert all(room[0] == room[-1] == 77 for room in rooms), "memory outside a tensor was written to"
        return np.concatenate(arrays)

    found = each_thread_count(run)
    start = np.concatenate(before)
    expected = {
        "scale_all": start * real[0](0.3),
        "clamp_all": np.clip(start, real[0](-0.25), real[0](0.5)),
        "copy_all": start,
    }
    assert found.tobytes() == expected[name].tobytes()


def test_scaling_and_clamping_of_special_numbers(real, simd):
    start = np.array([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.5, -1.5] * 5, real[0])
    for factor in (0.0, -2.0, 1.0, math.nan, math.inf):
        x = start.copy()
        changed("scale_all", real, [x], factor)
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(x, start * real[0](factor))
    for low, high in ((-1, 1), (1, -1), (0, 0), (-math.inf, math.inf), (-math.inf, 1), (math.nan, 1), (-1, math.nan)):
        x = start.copy()
        changed("clamp_all", real, [x], low, high)
        np.testing.assert_array_equal(x, np.minimum(real[0](high), np.maximum(real[0](low), start)))
    x = start.copy()
    changed("clamp_all", real, [x], -0.0, 0.0)
    np.testing.assert_array_equal(np.signbit(x[1:7]), [False, True, False, True, False, True])


def test_tensors_that_overlap_are_changed_one_after_the_other(real, simd, each_thread_count):
    def run():
        whole = np.ones(300_000, real[0])
        parts = [whole[100_000:], whole[:200_000], np.ones(10, real[0]), whole[150_000:150_001], whole[100_000:]]
        changed("scale_all", real, parts, 0.5)
        return whole

    found = each_thread_count(run)
    expected = np.full(300_000, 0.25)
    expected[:100_000] = 0.5
    expected[100_000:200_000] = 0.125
    expected[150_000] = 0.0625
    np.testing.assert_array_equal(found, expected)
