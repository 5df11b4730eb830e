"""engine/optim/lbfgs.c against a float64 transcription of the two-loop recursion, and its sums and cuts."""

import math

import numpy as np
import pytest

from lucid._engine import ffi, lib

C_NAMES = {np.dtype(np.float32): ("float", "f32"), np.dtype(np.float64): ("double", "f64")}
KINDS = [np.float32, np.float64]
SIZES = [1, 2, 3, 7, 15, 16, 17, 63, 64, 65, 2047, 2048, 2049, 8191, 8193, 40_001]
MANY = 2048 * 4 * 256 + 2049  # more than the smallest segments hold


def function(name, dtype):
    return getattr(lib, f"{name}_{C_NAMES[np.dtype(dtype)][1]}")


def address(x):
    return ffi.NULL if x is None else ffi.from_buffer(f"{C_NAMES[x.dtype][0]}[]", x)


def placed(values, dtype, offset=1):
    """The numbers, that many numbers away from their alignment, between guards."""
    memory = np.full(len(values) + offset + 16, 77, dtype)
    memory[offset : offset + len(values)] = values
    return memory[offset : offset + len(values)]


def guards_stand(*arrays):
    for x in arrays:
        memory, lead = x.base, (x.ctypes.data - x.base.ctypes.data) // x.itemsize
        assert (memory[:lead] == 77).all() and (memory[lead + len(x) :] == 77).all()


class Row:
    """Tensors as a row; None stands for one without memory, of the size that `sizes` says."""

    def __init__(self, tensors, sizes, dtype):
        c_type, suffix = C_NAMES[np.dtype(dtype)]
        self.alive = [
            ffi.new("int64_t[]", [0, *np.cumsum(sizes, dtype=np.int64).tolist()]),
            ffi.new(f"{c_type} *[]", [address(x) for x in tensors]),
        ]
        self.struct = ffi.new(f"lbfgs_row_{suffix} *", (len(sizes), *self.alive))


def cut(n):
    """Sizes that add up to n: some zero, one large."""
    sizes = [0, min(n, 3), 0, max(0, n - 8), 0]
    return [*sizes, n - sum(sizes), 0]


def direction(y, s, ro, scale, gradient, dtype):
    """C's direction, α, slope and largest number."""
    c_type, suffix = C_NAMES[np.dtype(dtype)]
    out, al = placed(np.zeros(len(gradient)), dtype), np.full(len(y) + 1, 77.0)
    ro = np.array(ro, np.float64)
    pointers = [ffi.new(f"{c_type} *[]", [address(x) for x in rows]) for rows in (y, s)]
    history = ffi.new(
        f"lbfgs_history_{suffix} *",
        (len(gradient), len(y), *pointers, ffi.from_buffer("double[]", ro), ffi.from_buffer("double[]", al), scale),
    )
    measured = np.zeros(3)
    function("lbfgs_direction", dtype)(history, address(gradient), address(out), ffi.from_buffer("double[]", measured))
    guards_stand(out)
    assert al[-1] == 77 and measured[2] == 0
    return out, al[:-1], measured[:2]


def transcription(y, s, ro, scale, gradient):
    """The recursion in NumPy float64."""
    y, s, q = [x.astype(np.float64) for x in y], [x.astype(np.float64) for x in s], -gradient.astype(np.float64)
    al = np.zeros(len(y))
    for i in reversed(range(len(y))):
        al[i] = ro[i] * (s[i] @ q)
        q = q - al[i] * y[i]
    q = q * scale
    for i in range(len(y)):
        q = q + (al[i] - ro[i] * (y[i] @ q)) * s[i]
    return q, al


def history(n, count, dtype, seed=0):
    """Pairs as a quadratic with curvatures from 1 to 3 gives them."""
    random = np.random.default_rng(seed)
    curvature = 1 + 2 * random.random(n)
    s = [random.standard_normal(n) / math.sqrt(n) for _ in range(count)]
    y = [placed(curvature * x, dtype, 1 + i % 5) for i, x in enumerate(s)]
    s = [placed(x, dtype, 1 + i % 3) for i, x in enumerate(s)]
    ro = [1 / (a.astype(np.float64) @ b.astype(np.float64)) for a, b in zip(y, s, strict=True)]
    return y, s, ro, placed(random.standard_normal(n), dtype, 2)


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("count", [0, 1, 2, 5, 12])
@pytest.mark.parametrize("n", SIZES)
def test_direction(simd, each_thread_count, dtype, count, n):
    y, s, ro, gradient = history(n, count, dtype)
    wanted, al = transcription(y, s, ro, 0.6, gradient)
    got, got_al, (slope, largest) = each_thread_count(lambda: direction(y, s, ro, 0.6, gradient, dtype))
    tolerance = 2e-5 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance * np.abs(wanted).max())
    np.testing.assert_allclose(got_al, al, rtol=0, atol=tolerance * np.abs(al).max(initial=1))
    product = gradient.astype(np.float64) * got
    assert abs(slope - product.sum()) <= tolerance * np.abs(product).sum()
    assert largest == np.abs(got).max()


@pytest.mark.parametrize("dtype", KINDS)
def test_direction_of_many_numbers(simd, each_thread_count, dtype):
    y, s, ro, gradient = history(MANY, 2, dtype)
    wanted, _ = transcription(y, s, ro, 0.6, gradient)
    got, _, measured = each_thread_count(lambda: direction(y, s, ro, 0.6, gradient, dtype))
    tolerance = 2e-6 if dtype == np.float32 else 1e-14
    np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance * np.abs(wanted).max())
    assert measured[0] == pytest.approx(float(gradient.astype(np.float64) @ got), rel=tolerance)


def test_direction_solves_what_it_has_seen(simd):
    """With pairs along all axes of a quadratic the direction is Newton's."""
    curvature = np.array([0.5, 1.0, 2.0, 7.0])
    s = [placed(row, np.float64) for row in np.eye(4)]
    y = [placed(row, np.float64) for row in np.diag(curvature)]
    gradient = placed([1.0, -2.0, 3.0, 4.0], np.float64)
    got = direction(y, s, 1 / curvature, 123.0, gradient, np.float64)[0]
    np.testing.assert_allclose(got, -gradient / curvature, rtol=1e-15)


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("n", [*SIZES, 0, MANY])
def test_gather_and_measures(simd, each_thread_count, dtype, n):
    random, sizes = np.random.default_rng(0), cut(n)
    tensors = [placed(random.standard_normal(size), dtype) for size in sizes]
    tensors[1] = None
    flat = np.concatenate([np.zeros(size) if x is None else x for x, size in zip(tensors, sizes, strict=True)])
    d = placed(random.standard_normal(n), dtype)
    row = Row(tensors, sizes, dtype)

    def compute(d):
        out, measured = placed(np.ones(n), dtype), np.zeros(3)
        function("lbfgs_gather", dtype)(
            row.struct, ffi.NULL, address(d), address(out), ffi.from_buffer("double[]", measured)
        )
        guards_stand(out)
        return out, measured

    out, measured = each_thread_count(lambda: compute(d))
    assert out.tobytes() == flat.astype(dtype).tobytes()
    product = flat * d.astype(np.float64)
    tolerance = 1e-6 if dtype == np.float32 else 1e-14
    assert measured[0] == np.abs(flat).max(initial=0)
    assert measured[1] == pytest.approx(np.abs(flat).sum(), rel=tolerance)
    assert abs(measured[2] - product.sum()) <= tolerance * np.abs(product).sum()
    assert compute(None)[1].tolist() == [*measured[:2], 0]


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("n", [*SIZES, 0, MANY])
def test_move(simd, each_thread_count, dtype, n):
    random, sizes = np.random.default_rng(0), cut(n)
    start, base, d = (placed(random.standard_normal(n), dtype) for _ in range(3))
    cuts = np.cumsum(sizes)[:-1]

    def compute(base, d):
        tensors = [placed(x, dtype, i) for i, x in enumerate(np.split(start, cuts))]
        row = Row(tensors, sizes, dtype)
        function("lbfgs_move", dtype)(row.struct, address(base), 0.375, address(d))
        guards_stand(*tensors)
        return np.concatenate(tensors)

    for given in (base, None):
        wanted = (start if given is None else base) + 0.375 * d.astype(np.float64)
        got = each_thread_count(lambda given=given: compute(given, d))
        np.testing.assert_allclose(got, wanted, rtol=0, atol=4 * np.finfo(dtype).eps)
        unmoved = each_thread_count(lambda given=given: compute(given, None))
        assert unmoved.tobytes() == (start if given is None else base).tobytes()


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("n", [*SIZES, 0, MANY])
def test_difference(simd, each_thread_count, dtype, n):
    random = np.random.default_rng(0)
    gradient, before, d = (placed(random.standard_normal(n), dtype) for _ in range(3))

    def compute():
        previous, y, s = placed(before, dtype), placed(np.ones(n), dtype), placed(np.ones(n), dtype)
        measured = np.zeros(2)
        function("lbfgs_difference", dtype)(
            n, address(gradient), address(previous), 0.3, address(d), address(y), address(s),
            ffi.from_buffer("double[]", measured),
        )  # fmt: skip
        guards_stand(previous, y, s)
        return previous, y, s, measured

    previous, y, s, measured = each_thread_count(compute)
    assert previous.tobytes() == gradient.tobytes()
    assert y.tobytes() == (gradient - before).tobytes() and s.tobytes() == (d * dtype(0.3)).tobytes()
    y, s = y.astype(np.float64), s.astype(np.float64)
    tolerance = 1e-6 if dtype == np.float32 else 1e-14
    assert abs(measured[0] - y @ s) <= tolerance * np.abs(y * s).sum()
    assert measured[1] == pytest.approx(y @ y, rel=tolerance)


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("place", [0, 17, 2046, 2049, 30_000])
def test_nan_reaches_every_measure(simd, dtype, place):
    for n in {place + 1, place + 40}:
        x = placed(np.ones(n), dtype)
        x[place] = np.nan
        measured = np.zeros(3)
        row = Row([x], [n], dtype)
        out = placed(np.zeros(n), dtype)
        function("lbfgs_gather", dtype)(
            row.struct, ffi.NULL, address(x), address(out), ffi.from_buffer("double[]", measured)
        )
        assert np.isnan(measured).all()
        d, _, measured = direction([], [], [], 1.0, x, dtype)
        assert np.isnan(measured).all() and np.isnan(d).sum() == 1


@pytest.mark.parametrize("dtype", KINDS)
def test_infinite_gradient(simd, dtype):
    x = placed(np.ones(50), dtype)
    x[[3, 49]] = np.inf, -np.inf
    d, _, measured = direction([], [], [], 1.0, x, dtype)
    assert measured.tolist() == [-np.inf, np.inf] and d[3] == -np.inf and d[49] == np.inf
