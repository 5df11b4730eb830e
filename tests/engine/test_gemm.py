"""Matrix products against NumPy in float64."""

import math

import numpy as np
import pytest

from lucid._engine import ffi, lib

DTYPES = [np.float32, np.float64]
SIZES = [0, 1, 2, 3, 7, 8, 9, 10, 12, 13, 15, 16, 17, 31, 32, 33, 48, 65]
SHAPES = [  # m, n, k
    (0, 5, 3), (5, 0, 3), (5, 3, 0), (1, 1, 1), (1, 1, 100), (1, 33, 70), (33, 1, 70), (2, 40, 19), (40, 2, 19), (1,
    300, 9),
    (4, 4, 4), (5, 100, 31), (7, 129, 17), (12, 32, 8), (13, 33, 9), (25, 65, 50), (32, 16, 2), (32, 1, 16), (64, 10,
    128),
    (10, 128, 64), (64, 64, 385), (3, 200, 800), (129, 140, 131), (500, 530, 390),
]  # fmt: skip
LAYOUTS = ["NN", "NT", "TN", "TT", "strided", "broadcast"]


def pointer(x):
    """The engine's pointer to the first element of a (possibly strided) array."""
    kind = "float *" if x.dtype == np.float32 else "double *"
    return ffi.cast(kind, x.__array_interface__["data"][0])


def strides(x):
    return [s // x.itemsize for s in x.strides]


def function(name, dtype):
    return getattr(lib, f"{name}_{'f32' if dtype == np.float32 else 'f64'}")


def matrix(random, rows, cols, dtype, layout):
    """Random numbers in one of the layouts, the array exactly as large as its data (a sanitizer sees over-reads)."""
    if layout == "T":
        return random.standard_normal((cols, rows)).astype(dtype).T
    if layout == "S":
        return random.standard_normal((rows, 2, cols, 3)).astype(dtype)[:, 1, :, 2]
    if layout == "B":
        return np.broadcast_to(random.standard_normal((1, cols)).astype(dtype), (rows, cols))
    return random.standard_normal((rows, cols)).astype(dtype)


def operands(m, n, k, dtype, layout, seed=0):
    random = np.random.default_rng(seed)
    kinds = {"strided": "SS", "broadcast": "BB"}.get(layout, layout)
    return matrix(random, m, k, dtype, kinds[0]), matrix(random, k, n, dtype, kinds[1])


def gemm(a, b, c, bias=None, activation=0, accumulate=0, pre=None):
    """Calls the engine; c (and pre) may be a slice of a wider array."""
    (m, k), n = a.shape, b.shape[1]
    null = ffi.NULL
    function("gemm", c.dtype)(
        m, n, k, pointer(a), *strides(a), pointer(b), *strides(b), pointer(c), c.strides[0] // c.itemsize,
        null if bias is None else pointer(bias), activation, accumulate, null if pre is None else pointer(pre),
    )  # fmt: skip


def activate(x, activation):
    if activation == 1:
        return np.where(x < 0, 0, x)
    if activation == 2:
        return x / 2 * (1 + np.vectorize(math.erf, otypes=[float])(x / math.sqrt(2)))
    if activation == 3:
        return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x


def tolerance(a, b, dtype):
    """k + 2 roundings of the sum of the products' sizes."""
    sizes = np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64)
    return (a.shape[1] + 4) * np.finfo(dtype).eps * (sizes + 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_product(simd, each_thread_count, dtype, layout):
    for m, n, k in SHAPES:
        a, b = operands(m, n, k, dtype, layout)

        def compute(a=a, b=b, m=m, n=n):
            wide = np.full((m, n + 3), 7, dtype)
            gemm(a, b, wide[:, :n])
            return wide

        wide = each_thread_count(compute)
        assert (wide[:, n:] == 7).all(), "wrote beyond the columns"
        expected = a.astype(np.float64) @ b.astype(np.float64)
        assert (np.abs(wide[:, :n] - expected) <= tolerance(a, b, dtype)).all(), (m, n, k)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["NN", "NT", "TN"])
def test_small_sizes(simd, dtype, layout):
    for m in SIZES:
        for n in SIZES:
            for k in (0, 1, 5, 16, 35):
                a, b = operands(m, n, k, dtype, layout)
                c = np.full((m, n), np.nan, dtype)
                gemm(a, b, c)
                assert (np.abs(c - a.astype(np.float64) @ b) <= tolerance(a, b, dtype)).all(), (m, n, k)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", [0, 1, 2, 3])
@pytest.mark.parametrize("with_pre", [False, True])
def test_epilogue(simd, each_thread_count, dtype, activation, with_pre):
    for m, n, k in SHAPES:
        if m * n > 20000 and activation > 1:
            continue
        for layout in ("NT", "NN"):
            a, b = operands(m, n, k, dtype, layout)
            bias = np.random.default_rng(1).standard_normal(n).astype(dtype)

            def compute(a=a, b=b, bias=bias, m=m, n=n):
                c, pre = np.full((m, n), np.nan, dtype), np.full((m, n), np.nan, dtype)
                gemm(a, b, c, bias, activation, pre=pre if with_pre else None)
                return c, pre

            c, pre = each_thread_count(compute)
            expected = a.astype(np.float64) @ b + bias
            bound = tolerance(a, b, dtype) + np.abs(bias) * np.finfo(dtype).eps
            if with_pre:
                assert (np.abs(pre - expected) <= bound).all()
            assert (np.abs(c - activate(expected, activation)) <= 2 * bound + 4 * np.finfo(dtype).eps).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_activation_without_bias(simd, dtype):
    """Also where the product is turned round or made of dot products."""
    for (m, n, k), layout in [((70, 1, 20), "TN"), ((70, 1, 20), "NN"), ((1, 70, 20), "NN"), ((9, 9, 9), "TT")]:
        a, b = operands(m, n, k, dtype, layout)
        c, pre = np.empty((m, n), dtype), np.empty((m, n), dtype)
        gemm(a, b, c, activation=1, pre=pre)
        expected = a.astype(np.float64) @ b
        np.testing.assert_allclose(pre, expected, atol=1e-4)
        np.testing.assert_array_equal(c, np.maximum(pre, 0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_accumulate(simd, each_thread_count, dtype, layout):
    for m, n, k in SHAPES:
        a, b = operands(m, n, k, dtype, layout)
        start = np.random.default_rng(2).standard_normal((m, n)).astype(dtype)

        def compute(a=a, b=b, start=start):
            c = start.copy()
            gemm(a, b, c, accumulate=1)
            return c

        c = each_thread_count(compute)
        bound = tolerance(a, b, dtype) * 1.1 + 2 * np.finfo(dtype).eps * np.abs(start)
        assert (np.abs(c - (start + a.astype(np.float64) @ b)) <= bound).all(), (m, n, k)


@pytest.mark.parametrize("dtype", DTYPES)
def test_zero_k_gives_bias(simd, dtype):
    bias = np.array([1.5, -2.0, 3.0], dtype)
    c = np.full((4, 3), np.nan, dtype)
    gemm(np.empty((4, 0), dtype), np.empty((0, 3), dtype), c, bias, 1)
    np.testing.assert_array_equal(c, np.tile([1.5, 0.0, 3.0], (4, 1)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 40, 20), (40, 1, 20), (2, 33, 20), (13, 33, 20), (64, 10, 400), (70, 70, 5)])
@pytest.mark.parametrize("layout", ["NN", "NT", "TN"])
def test_nan_and_infinity(simd, dtype, shape, layout):
    m, n, k = shape
    a, b = (np.ascontiguousarray(x) for x in operands(m, n, k, dtype, "NN"))
    a[m // 2, k // 3] = np.nan
    a[m - 1, k - 1] = np.inf
    a[0, 0] = 0
    b[0, n - 1] = np.inf
    if layout == "NT":
        b = np.ascontiguousarray(b.T).T
    if layout == "TN":
        a = np.ascontiguousarray(a.T).T
    c = np.empty((m, n), dtype)
    gemm(a, b, c, np.zeros(n, dtype), 1)
    with np.errstate(invalid="ignore"):
        expected = activate(a.astype(np.float64) @ b, 1)
    np.testing.assert_allclose(c, expected, rtol=1e-3, atol=1e-3)
    assert np.isnan(c).any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "shape", [(64, 64, 16, 64), (3, 1, 7, 9), (5, 70, 33, 20), (0, 3, 3, 3), (4, 13, 1, 8), (2, 300, 200, 260)]
)
@pytest.mark.parametrize("shared", ["", "a", "b"])
@pytest.mark.parametrize("layout", ["NN", "NT", "TN"])
def test_batched(simd, each_thread_count, dtype, shape, shared, layout):
    batch, m, n, k = shape
    random = np.random.default_rng(3)
    a = random.standard_normal((1 if shared == "a" else batch, *((k, m) if layout[0] == "T" else (m, k)))).astype(dtype)
    b = random.standard_normal((1 if shared == "b" else batch, *((n, k) if layout[1] == "T" else (k, n)))).astype(dtype)
    a_view = a.swapaxes(1, 2) if layout[0] == "T" else a
    b_view = b.swapaxes(1, 2) if layout[1] == "T" else b
    start = random.standard_normal((batch, m, n)).astype(dtype)
    for accumulate in (0, 1):

        def compute(accumulate=accumulate):
            c = start.copy()
            function("gemm_batched", dtype)(
                batch, m, n, k, pointer(a), 0 if shared == "a" else m * k, *strides(a_view)[1:],
                pointer(b), 0 if shared == "b" else k * n, *strides(b_view)[1:], pointer(c), m * n, n, accumulate,
            )  # fmt: skip
            return c

        c = each_thread_count(compute)
        expected = np.matmul(a_view.astype(np.float64), b_view.astype(np.float64)) + accumulate * start
        sizes = np.matmul(np.abs(a_view), np.abs(b_view))
        assert (np.abs(c - expected) <= (k + 4) * np.finfo(dtype).eps * (sizes + 4)).all()


def test_batches_have_the_bits_of_single_products(simd):
    """Rows of all batches may be run as one product: the bits are the same as one by one."""
    random = np.random.default_rng(4)
    a, b = random.standard_normal((6, 33, 50), np.float32), random.standard_normal((50, 40), np.float32)
    c = np.empty((6, 33, 40), np.float32)
    lib.gemm_batched_f32(6, 33, 40, 50, pointer(a), 33 * 50, 50, 1, pointer(b), 0, 40, 1, pointer(c), 33 * 40, 40, 0)
    for i in range(6):
        one = np.empty((33, 40), np.float32)
        gemm(a[i], b, one)
        assert one.tobytes() == c[i].tobytes()
