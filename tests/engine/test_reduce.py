"""Reductions, positions of extremes and scans against NumPy in float64."""

import numpy as np
import pytest

from lucid._engine import ffi, lib

REALS = [(np.float32, "f32", "float[]"), (np.float64, "f64", "double[]")]
SHAPES = [
    (1, 1, 1), (0, 3, 1), (3, 0, 1), (1, 0, 4), (2, 3, 0), (3, 1, 5), (5, 7, 1), (1, 9, 1), (1, 1000, 1), (3, 4097, 1),

    (64, 10, 1), (1, 64, 128), (1, 64, 130), (2, 33, 17), (3, 50, 2), (2, 129, 3), (1, 5000, 7), (4, 16, 16), (1, 31,
    600),
    (1, 1, 300), (7, 2, 15), (1, 300001, 1), (2, 140000, 1), (1, 70001, 5), (1, 2100, 130), (70, 3, 700), (300, 600, 1),
]  # fmt: skip


@pytest.fixture(params=REALS, ids=["f32", "f64"])
def real(request):
    return request.param


def call(name, real, x, outputs=("real",), extra=()):
    """The outputs [outer, inner] of a reduction of x[outer, n, inner]."""
    dtype, suffix, pointer = real
    outer, n, inner = x.shape
    out = [np.full((outer, inner), 77, dtype if kind == "real" else np.int64) for kind in outputs]
    pointers = [
        ffi.from_buffer(pointer if kind == "real" else "int64_t[]", o) for kind, o in zip(outputs, out, strict=True)
    ]
    getattr(lib, f"{name}_{suffix}")(outer, n, inner, ffi.from_buffer(pointer, x), *extra, *pointers)
    return tuple(out)


def data(shape, dtype, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "amax", "amin", "sum_squares", "logsumexp"])
def test_reduction(name, real, simd, each_thread_count):
    for shape in SHAPES:
        x = data(shape, real[0])
        if name == "prod":
            x = np.exp(x / max(1.0, shape[1] ** 0.5)).astype(real[0]) * np.sign(x)
        (got,) = each_thread_count(lambda x=x: call(name, real, x))
        wide = np.ascontiguousarray(x.astype(np.float64).transpose(0, 2, 1)).transpose(
            0, 2, 1
        )  # summed pairwise by NumPy
        with np.errstate(all="ignore"):
            if name in ("amax", "amin"):
                want = getattr(np, name)(wide, 1, initial=-np.inf if name == "amax" else np.inf)
            elif name == "sum_squares":
                want = (wide**2).sum(1)
            elif name == "logsumexp":
                want = np.log(np.exp(wide).sum(1))
            elif name == "mean":
                want = wide.sum(1) / shape[1] if shape[1] else np.full((shape[0], shape[2]), np.nan)
            else:
                want = getattr(np, name)(wide, 1)
            size = {"sum": np.abs(wide).sum(1), "mean": np.abs(wide).sum(1) / max(shape[1], 1)}.get(name, np.abs(want))
        eps = np.finfo(real[0]).eps
        steps = 12 + np.log2(max(shape[1], 1)) if name != "prod" else 8 + 2 * max(shape[1], 1) ** 0.5
        if name in ("amax", "amin"):
            assert np.array_equal(got, want), shape
        else:
            same = np.isnan(got) & np.isnan(want) | (got == want)
            with np.errstate(all="ignore"):
                error = np.where(same, 0, np.abs(got - want))
            assert np.all(error <= steps * eps * np.maximum(size, 1 if name == "logsumexp" else 0)), shape


def test_sum_error_is_pairwise(simd):
    x = np.full((1, 1 << 22, 1), 0.1, np.float32)
    exact = float(np.float32(0.1)) * (1 << 22)
    assert abs(call("sum", REALS[0], x)[0][0, 0] - exact) / exact < 4e-7
    columns = np.full((1, 1 << 19, 8), 0.1, np.float32)
    exact = float(np.float32(0.1)) * (1 << 19)
    assert np.abs(call("sum", REALS[0], columns)[0] - exact).max() / exact < 4e-7


@pytest.mark.parametrize("name", ["amax", "amin", "sum", "logsumexp"])
@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
def test_special_numbers(name, special, real, simd):
    for shape in [(3, 40, 1), (1, 40, 20), (2, 70, 3), (1, 5, 1)]:
        for at in (0, 3, shape[1] - 1):
            x = data(shape, real[0])
            x[0, at, 0] = special
            (got,) = call(name, real, x)
            wide = x.astype(np.float64)
            with np.errstate(invalid="ignore"):
                want = np.logaddexp.reduce(wide, 1) if name == "logsumexp" else getattr(np, name)(wide, 1)
            assert np.allclose(got, want, rtol=1e-4, atol=1e-5, equal_nan=True), (shape, at)


def test_logsumexp_of_infinities_and_large_numbers(real, simd):
    x = np.array([[[-np.inf], [-np.inf]], [[np.inf], [-np.inf]], [[1000], [1000]], [[-1000], [-1001]]], real[0])
    (got,) = call("logsumexp", real, x)
    assert np.allclose(got[:, 0], [-np.inf, np.inf, 1000 + np.log(2), -1000 + np.log1p(np.exp(-1))], rtol=1e-6)


@pytest.mark.parametrize("correction", [0.0, 1.0, 5.0])
def test_mean_var(correction, real, simd, each_thread_count):
    for shape in SHAPES:
        x = data(shape, real[0]) + real[0](1000)  # a large mean: the sum of squares would lose everything
        mean, var = each_thread_count(lambda x=x: call("mean_var", real, x, ("real", "real"), (correction,)))
        wide = x.astype(np.float64)
        if not shape[1]:
            assert np.isnan(mean).all() and np.isnan(var).all()
            continue
        want = wide.mean(1)
        with np.errstate(all="ignore"):
            # About the rounded mean, as any computation in this type has it.
            spread = ((wide - mean[:, None].astype(np.float64)) ** 2).sum(1) / np.float64(
                max(0.0, shape[1] - correction)
            )
        tolerance = 1e-5 if real[0] == np.float32 else 1e-12
        assert np.allclose(mean, want, rtol=tolerance / 10)
        assert np.allclose(var, spread, rtol=tolerance, equal_nan=True), shape


@pytest.mark.parametrize("name", ["max", "min"])
def test_positions(name, real, simd, each_thread_count):
    for shape in SHAPES:
        if shape[1] == 0:
            continue
        rng = np.random.default_rng(1)
        for x in (
            rng.integers(-4, 4, shape).astype(real[0]),
            data(shape, real[0]),
            np.where(rng.random(shape) < 0.02, np.nan, data(shape, real[0])).astype(real[0]),
        ):
            value, index = each_thread_count(lambda x=x: call(f"{name}_index", real, x, ("real", "index")))
            (alone,) = call(f"arg{name}", real, x, ("index",))
            want = getattr(np, f"arg{name}")(x, 1)  # NumPy too takes the first of equals and the first NaN
            assert np.array_equal(index, want), shape
            assert np.array_equal(alone, want), shape
            assert np.array_equal(value, np.take_along_axis(x, want[:, None], 1)[:, 0], equal_nan=True), shape


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_scan(name, real, simd, each_thread_count):
    dtype, suffix, pointer = real
    for shape in SHAPES:
        x = data(shape, dtype)
        if name == "cumprod":
            x = np.exp(x / max(1.0, shape[1] ** 0.5)).astype(dtype)

        def run(x=x, shape=shape):
            out = np.empty_like(x)
            getattr(lib, f"{name}_{suffix}")(*shape, ffi.from_buffer(pointer, x), ffi.from_buffer(pointer, out))
            return out

        got, want = each_thread_count(run), getattr(np, name)(x.astype(np.float64), 1)
        assert np.allclose(
            got, want, rtol=1e-6 if dtype == np.float32 else 1e-11, atol=1e-6 if dtype == np.float32 else 1e-11
        )


def test_linear_scan(real, simd, each_thread_count):
    dtype, suffix, pointer = real
    for shape in SHAPES:
        x, factor = data(shape, dtype), np.tanh(data(shape, dtype)).astype(dtype)
        factor[:, :1] = np.nan  # the first is not used

        def run(reverse, x=x, factor=factor, shape=shape):
            out = np.empty_like(x)
            a, b, to = (ffi.from_buffer(pointer, v) for v in (x, factor, out))
            getattr(lib, f"linear_scan_{suffix}")(*shape, a, b, reverse, to)
            return out

        n = min(shape[1], 3000)
        forward, backward = x[:, :n].astype(np.float64), x[:, shape[1] - n :].astype(np.float64)
        for i in range(1, n):
            forward[:, i] += factor[:, i].astype(np.float64) * forward[:, i - 1]
            backward[:, -i - 1] += factor[:, -i].astype(np.float64) * backward[:, -i]
        tolerance = 1e-6 if dtype == np.float32 else 1e-11
        got = each_thread_count(lambda run=run: (run(0), run(1)))
        assert np.allclose(got[0][:, :n], forward, rtol=tolerance, atol=tolerance)
        assert np.allclose(got[1][:, shape[1] - n :], backward, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["cummax", "cummin"])
def test_running_extremes(name, real, simd, each_thread_count):
    dtype, suffix, pointer = real
    for shape in SHAPES:
        x = data(shape, dtype).round(1)
        if x.size > 30:
            x.reshape(-1)[[7, 23]] = np.nan, np.inf

        def run(x=x, shape=shape):
            out, index = np.empty_like(x), np.full(shape, -1, np.int64)
            pointers = ffi.from_buffer(pointer, x), ffi.from_buffer(pointer, out), ffi.from_buffer("int64_t[]", index)
            getattr(lib, f"{name}_{suffix}")(*shape, *pointers)
            return out, index

        out, index = each_thread_count(run)
        want = (np.maximum if name == "cummax" else np.minimum).accumulate(x, 1)
        assert np.array_equal(out, want, equal_nan=True)
        stands = (x == want) | np.isnan(x)
        places = np.where(stands, np.arange(shape[1])[:, None], -1)
        assert np.array_equal(index, np.maximum.accumulate(places, 1))
