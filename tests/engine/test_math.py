"""The vector functions' stated error bounds, in ulp, and their special values; at every SIMD level.

float32 is measured against float64, float64 against long double where NumPy has more than double there, else with the
reference's own error added to the bound. erf is measured against math.erf, which is within 1 ulp itself.
"""

import math

import numpy as np
import pytest

from lucid._engine import ffi, lib

EXTENDED = np.finfo(np.longdouble).nmant > np.finfo(np.float64).nmant
REALS = [(np.float32, "f32", "float[]", np.float64), (np.float64, "f64", "double[]", np.longdouble)]


@pytest.fixture(params=REALS, ids=["f32", "f64"])
def real(request):
    return request.param


def each(function):
    """A function of one Python float, on arrays, giving float64."""
    return lambda x: np.array([function(float(v)) for v in x], np.float64)


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


# name: (reference, largest error in ulp of float32, of float64), as simd/math.h and its companions state them
FUNCTIONS = {
    "exp": (np.exp, 1.1, 1.1),
    "exp2": (np.exp2, 1.3, 1.3),
    "expm1": (np.expm1, 2, 2.2),
    "log": (np.log, 1, 1),
    "log1p": (np.log1p, 1, 1),
    "log2": (np.log2, 1, 1),
    "log10": (np.log10, 1, 1),
    "sin": (np.sin, 2, 2),
    "cos": (np.cos, 2, 2),
    "tan": (np.tan, 3.5, 4),
    "tanh": (np.tanh, 2.75, 2.75),
    "sigmoid": (sigmoid, 2.5, 2.5),
    "erf": (each(math.erf), 1.75, 2),
    "erfc": (each(math.erfc), 5, 5),
}


def samples(dtype, few):
    """Numbers over all exponents and in the ranges where something happens."""
    rng = np.random.default_rng(0)
    n = 1500 if few else 15000
    bits = {np.float32: np.uint32, np.float64: np.uint64}[dtype]
    parts = [rng.integers(0, np.iinfo(bits).max, 2 * n, dtype=bits, endpoint=True).view(dtype)]
    parts += [rng.uniform(-size, size, n) for size in (1e-3, 0.1, 1, 3, 10, 100, 750, 1e4)]
    parts += [1 + rng.uniform(-0.01, 0.01, n), rng.uniform(0.4, 2, n), np.arange(n) * np.pi / 2]
    parts += [10.0 ** rng.uniform(-9, 8, n) * rng.choice([-1, 1], n)]
    info = np.finfo(dtype)
    edges = np.array(
        [0, info.tiny, info.smallest_subnormal, info.max, np.inf, 0.5, 1, 2, 4, 6, 9, 88, 89, 103, 104, 709, 746]
    )
    with np.errstate(over="ignore", invalid="ignore"):
        return np.concatenate([np.asarray(p, dtype) for p in [*parts, edges, -edges, [np.nan]]])


def ulps(got, want, dtype):
    """|got - want| in units in the last place of want; infinite where one is NaN or infinite alone."""
    info = np.finfo(dtype)
    with np.errstate(all="ignore"):
        rounded = want.astype(dtype)
        exponent = np.frexp(np.abs(want))[1]
        unit = np.ldexp(want.dtype.type(1), np.maximum(exponent - info.nmant - 1, info.minexp - info.nmant))
        error = np.abs(got.astype(want.dtype) - want) / unit
        same = (np.isnan(got) & np.isnan(rounded)) | ((got == rounded) & np.isinf(rounded))
    return np.where(same, 0, np.where(np.isnan(error), np.inf, error))


def unary(name, real, x):
    _, suffix, pointer, _ = real
    out = np.empty_like(x)
    getattr(lib, f"{name}_{suffix}")(x.size, ffi.from_buffer(pointer, x), ffi.from_buffer(pointer, out))
    return out


@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_bound(name, real, simd):
    dtype, _, _, wide = real
    reference, *bounds = FUNCTIONS[name]
    x = samples(dtype, few=name in ("erf", "erfc"))
    with np.errstate(all="ignore"):
        want = np.asarray(reference(x.astype(wide)))
    bound = bounds[dtype == np.float64]
    if dtype == np.float64 and (name in ("erf", "erfc") or not EXTENDED):
        bound += 1
    got = unary(name, real, x)
    error = ulps(got, want, dtype)
    worst = int(np.argmax(error))
    assert error[worst] <= bound, f"{name}({x[worst]!r}) = {got[worst]!r}, not {want[worst]!r}: {error[worst]} ulp"


@pytest.mark.parametrize("name", ["expm1", "log1p", "sin", "tan", "tanh", "erf", "round", "floor", "ceil", "trunc"])
def test_signed_zero(name, real, simd):
    out = unary(name, real, np.array([0.0, -0.0], real[0]))
    assert np.signbit(out).tolist() == [False, True] and not out.any()


def test_nearest_multiples_of_half_pi(simd):
    # The float32 and float64 numbers closest to a multiple of pi / 2: nothing but the exact pi is left of them.
    x = np.array([16367173 * 2.0**72, 11.0, 22.0, 355.0, 710.0, 51819.0, 103993.0, 208341.0], np.float64)
    for real in REALS:
        mine = x.astype(real[0])
        for name in ("sin", "cos", "tan"):
            want = getattr(np, name)(mine.astype(real[3]))
            assert ulps(unary(name, real, mine), want, real[0]).max() <= FUNCTIONS[name][1] + 1


def power(real, x, y):
    _, suffix, pointer, _ = real
    out = np.empty(max(x.size, y.size), real[0])
    px, py, po = (ffi.from_buffer(pointer, a) for a in (x, y, out))
    getattr(lib, f"pow_{suffix}")(out.size, px, int(x.size > 1), py, int(y.size > 1), po)
    return out


def test_pow_error_bound(real, simd):
    dtype, _, _, wide = real
    rng = np.random.default_rng(0)
    n = 20000
    pairs = [
        (rng.uniform(0, 4, n), rng.uniform(-40, 40, n)),
        (np.exp(rng.uniform(-80, 80, n)), rng.uniform(-2, 2, n)),
        (1 + rng.uniform(-0.01, 0.01, n), rng.uniform(-5e3, 5e3, n)),
        (-rng.integers(1, 30, n), rng.integers(-30, 30, n)),
        (rng.integers(1, 2**23, n) * float(np.finfo(dtype).smallest_subnormal), rng.uniform(-1, 1, n)),
    ]
    for x, y in pairs:
        x, y = np.asarray(x, dtype), np.asarray(y, dtype)
        with np.errstate(all="ignore"):
            want = np.power(x.astype(wide), y.astype(wide))
        assert ulps(power(real, x, y), want, dtype).max() <= (1.5 if EXTENDED or dtype == np.float32 else 2.5)
    x = np.asarray(rng.uniform(0, 4, n), dtype)
    for exponent in (2, 3, 0.5, -1, 1, 0, 4):
        y = np.array([exponent], dtype)
        want = np.power(x.astype(wide), wide(exponent))
        assert ulps(power(real, x, y), want, dtype).max() <= 1.5


def test_pow_special_cases(real, simd):
    dtype = real[0]
    special = [
        0.0,
        1,
        math.inf,
        0.5,
        2,
        3,
        1e30,
        2.5,
        1e-40,
        2.0**24 + 2,
        2.0**23 + 1,
        float(np.nextafter(dtype(1), dtype(2))),
    ]
    numbers = np.array([*special, *(-s for s in special), math.nan], dtype)
    x, y = (a.ravel() for a in np.meshgrid(numbers, numbers))

    def expected(a, b):
        try:
            return math.pow(a, b)
        except OverflowError:
            return -math.inf if a < 0 and b % 2 == 1 else math.inf
        except ValueError:  # Python refuses what C defines
            if a == 0:
                return math.copysign(math.inf, a) if b % 2 == 1 else math.inf
            return math.nan

    with np.errstate(over="ignore", under="ignore"):
        want = np.array([expected(float(a), float(b)) for a, b in zip(x, y, strict=True)]).astype(dtype)
    got = np.concatenate([power(real, numbers, np.array([b])) for b in numbers])  # one exponent for all
    for result in (power(real, x, y), got):
        same = (np.isnan(result) & np.isnan(want)) | ((result == want) & (np.signbit(result) == np.signbit(want)))
        with np.errstate(invalid="ignore"):
            close = np.isfinite(want) & (np.abs(result - want) <= 2 * np.finfo(dtype).eps * np.abs(want))
        wrong = np.flatnonzero(~(same | close))
        assert not wrong.size, [(x[i], y[i], result[i], want[i]) for i in wrong[:5]]


def test_an_element_does_not_depend_on_its_place(real, simd):
    x = np.random.default_rng(0).uniform(0.1, 3, 67).astype(real[0])
    for name in FUNCTIONS:
        whole = unary(name, real, x)
        for n in (1, 3, 8, 17):
            assert unary(name, real, x[:n].copy()).tobytes() == whole[:n].tobytes()
            assert unary(name, real, x[n:].copy()).tobytes() == whole[n:].tobytes()
