"""The normalisation kernels write all of their results and nothing beside them, and read nothing beside their inputs.

Values are checked in tests/ops/test_norm.py, at each instruction set and with 1 and 2 threads.
"""

import numpy as np
import pytest

from lucid._engine import ffi, lib

MARGIN, MARK = 32, 7e7


def placed(numbers, fill):
    """A row of numbers with a margin of ``fill`` on both sides, and the pointer to its first."""
    around = np.full(numbers.size + 2 * MARGIN, fill, numbers.dtype)
    around[MARGIN:-MARGIN] = numbers
    c_type = "float *" if numbers.dtype == np.float32 else "double *"
    return around, ffi.cast(c_type, around[MARGIN:].ctypes.data)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["group", "batch"])
@pytest.mark.parametrize(
    ("batch", "channels", "inner", "groups"),
    [(3, 4, 5, 2), (2, 6, 1, 3), (5, 70, 1, 1), (1, 3, 33, 3), (4, 3, 2, 3), (17, 129, 1, 1), (0, 2, 3, 1)],
)
def test_margins(simd, dtype, kind, batch, channels, inner, groups):
    suffix = "f32" if dtype == np.float32 else "f64"
    rng = np.random.default_rng(0)
    n, sets = batch * channels * inner, batch * groups if kind == "group" else channels
    x, grad, weight, bias = (
        placed(rng.standard_normal(size).astype(dtype), np.nan) for size in (n, n, channels, channels)
    )
    results = {
        name: placed(np.full(size, MARK, dtype), MARK)
        for name, size in (
            ("out", n),
            ("mean", sets),
            ("var", sets),
            ("x", n),
            ("weight", channels),
            ("bias", channels),
        )
    }
    out, mean, var, grad_x, grad_weight, grad_bias = (p for _, p in results.values())
    forward, backward = (getattr(lib, f"{kind}_norm{part}_{suffix}") for part in ("", "_backward"))
    sizes = (batch, channels, inner, groups) if kind == "group" else (batch, channels, inner)
    fixed = () if kind == "group" else (0,)
    forward(*sizes, x[1], weight[1], bias[1], 1e-5, *fixed, out, mean, var)
    backward(*sizes, grad[1], x[1], weight[1], mean, var, 1e-5, *fixed, grad_x, grad_weight, grad_bias)
    for name, (around, _) in results.items():
        assert (around[:MARGIN] == MARK).all() and (around[-MARGIN:] == MARK).all(), f"{name}: written beside"
        inside = around[MARGIN:-MARGIN]
        assert not (inside == MARK).any(), f"{name}: not all written"
        assert batch == 0 or not np.isnan(inside).any(), f"{name}: the margins of an input were read"
