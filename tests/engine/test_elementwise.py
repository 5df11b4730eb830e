"""Elementwise kernels against NumPy in float64: unary, binary, any layout, comparisons, choices."""

import math

import numpy as np
import pytest
from scipy import special

from lucid._engine import ffi, lib

REALS = [(np.float32, "f32", "float[]"), (np.float64, "f64", "double[]")]
SIZES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 100, 1023, 70001]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -2.5, 1e-30, 3.0, -3.0, 80.0, -80.0, math.inf, -math.inf, math.nan]


@pytest.fixture(params=REALS, ids=["f32", "f64"])
def real(request):
    return request.param


def pointer(x, real):
    return ffi.cast(real[2].replace("[]", " *"), x.__array_interface__["data"][0])


def kernel(name, real):
    return getattr(lib, f"{name}_{real[1]}")


def check(got, want, dtype, what, tolerance=16, scale=1e-3):
    """Equal within `tolerance` roundings of the result, or of `scale` where that is larger; NaN for NaN."""
    with np.errstate(all="ignore"):
        want = np.asarray(want).astype(dtype)
        size = np.maximum(np.abs(want), np.where(np.isfinite(scale), scale, 0))
        close = np.isfinite(want) & (np.abs(got - want) <= tolerance * np.finfo(dtype).eps * size)
    wrong = np.flatnonzero(~(close | (got == want) | (np.isnan(got) & np.isnan(want))))
    assert not wrong.size, (what, wrong[:5], got.ravel()[wrong[:5]], want.ravel()[wrong[:5]])


def numbers(n, dtype, seed=0):
    """Normal numbers, the special ones among them."""
    x = (3 * np.random.default_rng(seed).standard_normal(n)).astype(dtype)
    x[: min(n, 2000) : 7] = np.resize(np.roll(SPECIAL, seed), len(x[: min(n, 2000) : 7]))
    return x


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


erf = np.vectorize(math.erf, otypes=[np.float64])


def normal_distribution(x):
    return 0.5 * (1 + erf(x / math.sqrt(2)))


def gelu_tanh_gate(x):
    return 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def sign(x):
    return (x > 0) * 1.0 - (x < 0) * 1.0


UNARY = {
    **{name: getattr(np, name) for name in "exp expm1 exp2 log log1p log2 log10 sin cos tan".split()},
    **{name: getattr(np, name) for name in "sqrt square reciprocal sinh cosh tanh floor ceil trunc abs".split()},
    **{name: getattr(np, "arc" + name[1:]) for name in "asin acos atan asinh acosh atanh".split()},
    "neg": np.negative, "sign": sign, "rsqrt": lambda x: 1 / np.sqrt(x), "round": np.rint, "erf": erf,
    "erfc": np.vectorize(math.erfc, otypes=[np.float64]), "sigmoid": sigmoid, "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x * sigmoid(x), "gelu": lambda x: x * normal_distribution(x),
    "gelu_tanh": lambda x: x * gelu_tanh_gate(x), "softplus": lambda x: np.logaddexp(0, x),
    "logsigmoid": lambda x: -np.logaddexp(0, -x), "frac": lambda x: x - np.trunc(x),
    "logit": lambda x: np.log(x / (1 - x)),
}  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_unary(name, real, simd, each_thread_count):
    for n in SIZES:
        x = numbers(n if n < 70000 or name not in ("erf", "erfc", "gelu") else 20001, real[0])
        with np.errstate(all="ignore"):
            want = UNARY[name](x.astype(np.float64))

        def run(x=x):
            out = np.full(x.size + 1, 77, real[0])
            kernel(name, real)(x.size, pointer(x, real), pointer(out, real))
            assert out[-1] == 77, "wrote beyond the end"
            return out[:-1]

        # 1 + erf and 1 + tanh cancel for negative x, here or in the formula above; logit is the log of a rounded ratio
        scale = np.abs(x.astype(np.float64)) if name.startswith("gelu") else 1 if name == "logit" else 1e-3
        check(each_thread_count(run), want, real[0], (name, n), scale=scale)
        in_place = x.copy()
        kernel(name, real)(x.size, pointer(in_place, real), pointer(in_place, real))
        assert in_place.tobytes() == run().tobytes()


def test_small_results_keep_their_accuracy(real, simd):
    x = np.concatenate([10.0 ** np.arange(-30, 0), -(10.0 ** np.arange(-30, 0))]).astype(real[0])
    for name, want in (("tanh", np.tanh), ("expm1", np.expm1), ("log1p", np.log1p), ("erf", erf), ("sinh", np.sinh)):
        out = np.empty_like(x)
        kernel(name, real)(x.size, pointer(x, real), pointer(out, real))
        assert np.allclose(out, want(x.astype(np.float64)), rtol=4 * np.finfo(real[0]).eps, atol=0), name
    large = np.array([40, 80, -40, -80], real[0])
    out = np.empty_like(large)
    kernel("softplus", real)(4, pointer(large, real), pointer(out, real))
    assert np.allclose(out, [40 + math.exp(-40), 80, math.exp(-40), math.exp(-80)], rtol=1e-6, atol=0)


def remainder(a, b):
    """torch.remainder: Python's sign, by fmod."""
    r = np.fmod(a, b)
    return np.where((r != 0) & ((b < 0) != (r < 0)), r + b, r)


def floor_divide(a, b):
    r = np.fmod(a, b)
    q = (a - r) / b - ((r != 0) & ((b < 0) != (r < 0)))
    whole = np.where(q == 0, np.copysign(0, a / b), np.where(q - np.floor(q) > 0.5, np.floor(q) + 1, np.floor(q)))
    return np.where(b == 0, a / b, whole)


def gelu_backward(g, x):
    return g * (normal_distribution(x) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi))


def gelu_tanh_backward(g, x):
    s, slope = gelu_tanh_gate(x), 2 * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)
    return g * np.where(np.isinf(x), x > 0, s + x * s * (1 - s) * slope)


BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "maximum": np.maximum,
    "minimum": np.minimum,     "fmax": np.fmax, "fmin": np.fmin, "copysign": np.copysign, "atan2": np.arctan2,
    "hypot": np.hypot, "fmod": np.fmod, "logaddexp": np.logaddexp, "xlogy": special.xlogy,
    "remainder": remainder, "floor_divide": floor_divide,
    "relu_backward": lambda g, y: np.where(y <= 0, 0, g), "tanh_backward": lambda g, y: g * (1 - y * y),
    "sigmoid_backward": lambda g, y: g * (1 - y) * y, "gelu_backward": gelu_backward,
    "gelu_tanh_backward": gelu_tanh_backward, "silu_backward": lambda g, x: g * sigmoid(x) * (1 + x * (1 - sigmoid(x))),
}  # fmt: skip


@pytest.mark.parametrize("name", BINARY)
def test_binary(name, real, simd, each_thread_count):
    dtype = real[0]
    for n in SIZES if name != "gelu_backward" else SIZES[:-1]:
        full = numbers(max(n, 1), dtype), numbers(max(n, 1), dtype, seed=4)
        for a_step, b_step in ((1, 1), (1, 0), (0, 1), (0, 0)):
            a, b = (x[:n] if step else x[-1:] for x, step in zip(full, (a_step, b_step), strict=True))
            wide = np.broadcast_to(a, n).astype(np.float64), np.broadcast_to(b, n).astype(np.float64)
            with np.errstate(all="ignore"):
                want = BINARY[name](*wide)

            def run(a=a, b=b, a_step=a_step, b_step=b_step, n=n):
                out = np.full(n + 1, 77, dtype)
                kernel(name, real)(n, pointer(a, real), a_step, pointer(b, real), b_step, pointer(out, real))
                assert out[-1] == 77, "wrote beyond the end"
                return out[:-1]

            got = each_thread_count(run)
            if name in ("remainder", "floor_divide", "fmod") and dtype == np.float32:
                with np.errstate(all="ignore"):  # float64 rounds otherwise near an integer quotient
                    want = BINARY[name](np.broadcast_to(a, n), np.broadcast_to(b, n))
            # 1 - y^2 and the zero of gelu's and silu's slope cancel
            with np.errstate(invalid="ignore"):
                scale = np.abs(wide[0]) * (1 + wide[1] ** 2) if name.endswith("_backward") else 1e-3
                if name == "logaddexp":  # log(e^a + e^b) crosses 0 where a and b do not
                    scale = np.maximum(np.abs(wide[0]), np.abs(wide[1]))
            check(got, want, dtype, (name, n, a_step, b_step), scale=scale)
            if a_step and b_step:
                for i in (0, 1):  # out is a or b
                    operands = [a.copy(), b.copy()]
                    kernel(name, real)(
                        n, pointer(operands[0], real), 1, pointer(operands[1], real), 1, pointer(operands[i], real)
                    )
                    assert operands[i].tobytes() == got.tobytes()


def test_scalar_operands(real, simd):
    x = numbers(100, real[0])
    out = np.empty_like(x)
    sub = ffi.addressof(lib, f"sub_{real[1]}")
    kernel("binary_scalar", real)(sub, 100, pointer(x, real), 0.1, pointer(out, real))
    assert np.array_equal(out, x - real[0](0.1), equal_nan=True)
    kernel("scalar_binary", real)(sub, 100, 0.1, pointer(x, real), pointer(out, real))
    assert np.array_equal(out, real[0](0.1) - x, equal_nan=True)
    compared = np.empty(100, np.uint8)
    kernel("compare_scalar", real)(
        ffi.addressof(lib, f"lt_{real[1]}"), 100, pointer(x, real), 0.5, pointer_bytes(compared)
    )
    assert np.array_equal(compared, x < 0.5)


def pointer_bytes(x):
    return ffi.cast("uint8_t *", x.__array_interface__["data"][0])


LAYOUTS = {
    "same": ((5, 7), (5, 7)), "rows": ((5, 130), (130,)), "columns": ((5, 130), (5, 1)), "outer": ((40, 1), (1, 50)),
    "both": ((3, 1, 5), (1, 4, 1)), "numbers": ((), ()), "number": ((4, 9), ()),
    "empty": ((0, 3), (3,)), "last 1": ((300, 1), (1,)),
    "short rows": ((2000, 3), (3,)), "short columns": ((2000, 3), (2000, 1)), "five": ((2, 3, 4, 5, 6), (3, 1, 5, 1)),
    "channels": ((4, 8, 6, 6), (8, 1, 1)), "long": ((2, 70000), (70000,)), "tall": ((70000, 2), (70000, 1)),
    "one": ((1, 1, 1), (1,)),
    "wide": ((300, 400), (300, 400)), "vector": ((100000,), (1,)),
}  # fmt: skip


def variants(x):
    """The same numbers in other layouts of memory."""
    yield x
    if x.ndim >= 2:
        yield np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2)
        yield np.ascontiguousarray(x.T).T
    if x.ndim:
        spread = np.zeros((*x.shape[:-1], 2 * x.shape[-1] + 1), x.dtype)
        spread[..., 1::2] = x
        yield spread[..., 1::2]
        yield np.ascontiguousarray(x[..., ::-1])[..., ::-1]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_layout(layout, real, simd, each_thread_count):
    shapes = LAYOUTS[layout]
    shape = np.broadcast_shapes(*shapes)
    rng = np.random.default_rng(0)
    first, second = (rng.integers(-9, 9, s).astype(real[0]) for s in shapes)
    for a in variants(first):
        for b in variants(second):
            wide = [np.broadcast_to(x, shape) for x in (a, b)]
            arguments = [len(shape), ffi.new("int64_t[]", shape)]
            for x in wide:
                arguments += [pointer(x, real), ffi.new("int64_t[]", [s // x.itemsize for s in x.strides])]

            def run(arguments=arguments):
                out = np.full(shape, 77, real[0])
                compared = np.full(shape, 77, np.uint8)
                sub, lt = (ffi.addressof(lib, f"{name}_{real[1]}") for name in ("sub", "lt"))
                kernel("binary_strided", real)(sub, *arguments, pointer(out, real))
                kernel("compare_strided", real)(lt, *arguments, pointer_bytes(compared))
                return out, compared

            out, compared = each_thread_count(run)
            assert np.array_equal(out, a - b), (a.strides, b.strides)
            assert np.array_equal(compared, a < b), (a.strides, b.strides)
            if a is first and a.shape == shape:
                target = a.copy()
                arguments[2] = pointer(target, real)
                kernel("binary_strided", real)(ffi.addressof(lib, f"sub_{real[1]}"), *arguments, pointer(target, real))
                assert np.array_equal(target, out), "in place"


@pytest.mark.parametrize("name", ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"])
def test_comparison(name, real, simd, each_thread_count):
    short = {
        "equal": "eq",
        "not_equal": "ne",
        "less": "lt",
        "less_equal": "le",
        "greater": "gt",
        "greater_equal": "ge",
    }[name]
    for n in SIZES:
        full = numbers(max(n, 1), real[0]).round(), numbers(max(n, 1), real[0], 3).round()
        for steps in ((1, 1), (1, 0), (0, 1), (0, 0)):
            a, b = (x[:n] if step else x[:1] for x, step in zip(full, steps, strict=True))

            def run(a=a, b=b, steps=steps, n=n):
                out = np.full(n + 1, 77, np.uint8)
                kernel(short, real)(n, pointer(a, real), steps[0], pointer(b, real), steps[1], pointer_bytes(out))
                assert out[-1] == 77
                return out[:-1]

            assert np.array_equal(each_thread_count(run), np.broadcast_to(getattr(np, name)(a, b), n))


@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite", "signbit"])
def test_predicate(name, real, simd):
    for n in SIZES:
        x, out = numbers(n, real[0]), np.full(n + 1, 77, np.uint8)
        kernel(name, real)(n, pointer(x, real), pointer_bytes(out))
        assert np.array_equal(out[:-1], getattr(np, name)(x)) and out[-1] == 77


def test_where(real, simd, each_thread_count):
    for n in SIZES:
        condition = np.random.default_rng(0).integers(0, 3, n).astype(np.uint8)
        full = numbers(max(n, 1), real[0]), numbers(max(n, 1), real[0], 3)
        for steps in ((1, 1), (1, 0), (0, 1), (0, 0)):
            a, b = (x[:n] if step else x[:1] for x, step in zip(full, steps, strict=True))

            def run(a=a, b=b, steps=steps, n=n, condition=condition):
                out = np.full(n + 1, 77, real[0])
                kernel("where", real)(
                    n,
                    pointer_bytes(condition),
                    pointer(a, real),
                    steps[0],
                    pointer(b, real),
                    steps[1],
                    pointer(out, real),
                )
                assert out[-1] == 77
                return out[:-1]

            assert np.array_equal(each_thread_count(run), np.where(condition, a, b), equal_nan=True)


def test_combinations(real, simd, each_thread_count):
    for n in SIZES:
        x, a, b = (np.random.default_rng(i).standard_normal(n).astype(real[0]) for i in range(3))
        nan = numbers(n, real[0])

        def run(name, *arguments, n=n):
            def once():
                out = np.full(n + 1, 77, real[0])
                kernel(name, real)(
                    n, *(pointer(v, real) if isinstance(v, np.ndarray) else v for v in arguments), pointer(out, real)
                )
                assert out[-1] == 77
                return out[:-1]

            return each_thread_count(once)

        wide = [v.astype(np.float64) for v in (x, a, b)]
        tolerance = 1e-6 if real[0] == np.float32 else 1e-14
        assert np.array_equal(run("clamp", nan, -0.5, 1.0), np.clip(nan, real[0](-0.5), real[0](1)), equal_nan=True)
        assert np.array_equal(run("clamp", nan, 2.0, 1.0), np.where(np.isnan(nan), nan, 1), equal_nan=True)
        assert np.array_equal(run("clamp", nan, -math.inf, math.inf), nan, equal_nan=True)
        assert np.allclose(run("addcmul", x, a, b, 0.3), wide[0] + 0.3 * wide[1] * wide[2], rtol=0, atol=8 * tolerance)
        assert np.allclose(run("add_scaled", a, b, -0.3), wide[1] - 0.3 * wide[2], rtol=0, atol=2 * tolerance)
        assert np.allclose(run("lerp", a, b, 0.3), wide[1] + 0.3 * (wide[2] - wide[1]), rtol=0, atol=4 * tolerance)
        assert np.array_equal(run("lerp", a, b, 0.0), a) and np.array_equal(run("lerp", a, b, 1.0), b)
        assert np.array_equal(run("fill", 0.1), np.full(n, 0.1, real[0]))
        assert np.array_equal(run("clamp_backward", a, nan, -0.5, 1.0), np.where((nan >= -0.5) & (nan <= 1), a, 0))
        assert np.array_equal(run("nan_to_num", nan, 0.25, 7.0, -8.0), np.nan_to_num(nan, True, 0.25, 7.0, -8.0))
        b += np.copysign(real[0](0.5), b)
        wide[2] = b.astype(np.float64)
        assert np.allclose(run("addcdiv", x, a, b, 0.3), wide[0] + 0.3 * wide[1] / wide[2], rtol=0, atol=16 * tolerance)
        mixed = wide[1] + wide[0] * (wide[2] - wide[1])
        assert np.allclose(run("lerp_weights", a, b, x), mixed, rtol=0, atol=32 * tolerance)
        assert np.array_equal(run("lerp_weights", a, b, np.zeros_like(x)), a)
        assert np.array_equal(run("lerp_weights", a, b, np.ones_like(x)), b)
