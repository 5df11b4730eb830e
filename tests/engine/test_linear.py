"""The backward of a linear layer against NumPy in float64."""

import itertools

import numpy as np
import pytest

from lucid._engine import ffi, lib


def pointer(x):
    kind = "float *" if x.dtype == np.float32 else "double *"
    return ffi.cast(kind, x.__array_interface__["data"][0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [(0, 3, 2), (4, 0, 3), (4, 3, 0), (1, 1, 1), (32, 2, 16), (64, 128, 10), (33, 17, 65), (300, 200, 150)])
def test_linear_backward(simd, each_thread_count, dtype, sizes):
    rows, in_features, out_features = sizes
    random = np.random.default_rng(0)
    grad = random.standard_normal((rows, out_features)).astype(dtype)
    weight = random.standard_normal((in_features, out_features)).astype(dtype).T  # strided
    x = random.standard_normal((rows, in_features)).astype(dtype)
    function = lib.linear_backward_f32 if dtype == np.float32 else lib.linear_backward_f64
    want = [grad.astype(float) @ weight, grad.T.astype(float) @ x, grad.astype(float).sum(0)]
    for wanted in itertools.product((False, True), repeat=3):

        def compute(wanted=wanted):
            outs = [np.full(w.shape, np.nan, dtype) for w in want]
            strides = [s // x.itemsize for a in (x, weight) for s in a.strides]
            function(
                *(rows, in_features, out_features, pointer(grad), pointer(x), *strides[:2], pointer(weight), *strides[2:]),
                *(pointer(out) if asked else ffi.NULL for out, asked in zip(outs, wanted, strict=True)),
            )
            return tuple(outs)

        for got, expected, asked in zip(each_thread_count(compute), want, wanted, strict=True):
            if asked:
                np.testing.assert_allclose(got, expected, rtol=0, atol=(2e-4 if dtype == np.float32 else 1e-12))
            else:
                assert np.isnan(got).all()
