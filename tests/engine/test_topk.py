"""topk against a stable sort of keys in NumPy: NaN is the largest, of equal numbers the first comes first."""

import numpy as np
import pytest

from lucid._engine import ffi, lib


def topk(x, k, largest):
    rows, n = x.shape
    out, index = np.full((rows, k), 77, x.dtype), np.full((rows, k), 77, np.int64)
    name, kind = ("topk_f32", "float[]") if x.dtype == np.float32 else ("topk_f64", "double[]")
    getattr(lib, name)(
        rows, n, k, largest, ffi.from_buffer(kind, x), ffi.from_buffer(kind, out), ffi.from_buffer("int64_t[]", index)
    )
    return out, index


def expected(x, k, largest):
    key = np.where(np.isnan(x), np.inf, x)
    order = np.lexsort((np.arange(x.shape[1])[None].repeat(len(x), 0), ~np.isnan(x), -key) if largest else
                       (np.arange(x.shape[1])[None].repeat(len(x), 0), np.isnan(x), key), axis=1)  # fmt: skip
    index = order[:, :k]
    return np.take_along_axis(x, index, 1), index


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize(
    "rows, n, k", [(0, 5, 2), (3, 5, 0), (1, 1, 1), (4, 7, 7), (300, 33, 5), (3, 5000, 64), (2, 257, 1)]
)
def test_topk(simd, each_thread_count, dtype, largest, rows, n, k):
    rng = np.random.default_rng(1)
    for kind in ("normal", "ties", "special"):
        x = rng.standard_normal((rows, n)).astype(dtype)
        if kind == "ties":
            x = np.round(x)
        elif kind == "special":
            x = rng.choice(np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0], dtype), (rows, n))
        values, index = each_thread_count(lambda x=x: topk(x, k, largest))
        want, places = expected(x, k, largest)
        np.testing.assert_array_equal(values, want)
        np.testing.assert_array_equal(index, places)
