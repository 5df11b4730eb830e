"""Elementwise operations: values against NumPy in float64, derivatives by finite differences."""

import math

import numpy as np
import pytest
from scipy import special

import lucid
from lucid.autograd import gradcheck, gradgradcheck
from lucid.nn import functional as F

rng = np.random.default_rng(7)


def gelu(x):
    return 0.5 * x * (1 + special.erf(x / math.sqrt(2)))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


# name: (operation, reference, domain)
REAL = (-4.0, 4.0)
POSITIVE = (0.05, 8.0)
UNIT = (-0.97, 0.97)
UNARY = {
    "neg": (lucid.neg, np.negative, REAL),
    "abs": (lucid.abs, np.abs, REAL),
    "square": (lucid.square, np.square, REAL),
    "sqrt": (lucid.sqrt, np.sqrt, POSITIVE),
    "rsqrt": (lucid.rsqrt, lambda x: 1 / np.sqrt(x), POSITIVE),
    "reciprocal": (lucid.reciprocal, np.reciprocal, POSITIVE),
    "exp": (lucid.exp, np.exp, REAL),
    "exp2": (lucid.exp2, np.exp2, REAL),
    "expm1": (lucid.expm1, np.expm1, REAL),
    "log": (lucid.log, np.log, POSITIVE),
    "log2": (lucid.log2, np.log2, POSITIVE),
    "log10": (lucid.log10, np.log10, POSITIVE),
    "log1p": (lucid.log1p, np.log1p, (-0.9, 8.0)),
    "sin": (lucid.sin, np.sin, REAL),
    "cos": (lucid.cos, np.cos, REAL),
    "tan": (lucid.tan, np.tan, (-1.4, 1.4)),
    "asin": (lucid.asin, np.arcsin, UNIT),
    "acos": (lucid.acos, np.arccos, UNIT),
    "atan": (lucid.atan, np.arctan, REAL),
    "sinh": (lucid.sinh, np.sinh, REAL),
    "cosh": (lucid.cosh, np.cosh, REAL),
    "tanh": (lucid.tanh, np.tanh, REAL),
    "asinh": (lucid.asinh, np.arcsinh, REAL),
    "acosh": (lucid.acosh, np.arccosh, (1.1, 9.0)),
    "atanh": (lucid.atanh, np.arctanh, UNIT),
    "erf": (lucid.erf, special.erf, REAL),
    "erfc": (lucid.erfc, special.erfc, REAL),
    "sigmoid": (lucid.sigmoid, special.expit, REAL),
    "relu": (lucid.relu, lambda x: np.maximum(x, 0), REAL),
    "gelu": (F.gelu, gelu, REAL),
    "gelu_tanh": (lambda x: F.gelu(x, "tanh"), gelu_tanh, REAL),
    "silu": (F.silu, lambda x: x * special.expit(x), REAL),
}
STEPS = {
    "sign": (lucid.sign, np.sign),
    "floor": (lucid.floor, np.floor),
    "ceil": (lucid.ceil, np.ceil),
    "trunc": (lucid.trunc, np.trunc),
    "round": (lucid.round, np.round),
}
BINARY = {
    "add": (lucid.add, np.add, REAL),
    "sub": (lucid.sub, np.subtract, REAL),
    "mul": (lucid.mul, np.multiply, REAL),
    "div": (lucid.div, np.divide, POSITIVE),
    "pow": (lucid.pow, np.power, (0.2, 3.0)),
    "maximum": (lucid.maximum, np.maximum, REAL),
    "minimum": (lucid.minimum, np.minimum, REAL),
    "atan2": (lucid.atan2, np.arctan2, REAL),
}
MODULO = {"fmod": (lucid.fmod, np.fmod), "remainder": (lucid.remainder, np.remainder)}
DIVIDES_INTO = (0.3, 0.9)


def layouts(low, high, dtype):
    """Arrays of every layout that an operation may be given: (name, NumPy array)."""
    draw = lambda *shape: rng.uniform(low, high, shape).astype(dtype)  # noqa: E731
    return [
        ("scalar", draw()),
        ("empty", draw(0, 3)),
        ("vector", draw(37)),
        ("matrix", draw(5, 9)),
        ("transposed", draw(9, 5).T),
        ("sliced", draw(12, 20)[1:-1:2, ::3]),
        ("broadcast", np.broadcast_to(draw(1, 7), (4, 7))),
        ("large", draw(3, 70001)),
    ]


TOLERANCE = {np.float32: 2e-6, np.float64: 2e-14}


def close(got, want, dtype):
    np.testing.assert_allclose(got, want, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", UNARY)
def test_unary_values(name, dtype, simd_level, both_thread_counts):
    operation, reference, domain = UNARY[name]
    for _, x in layouts(*domain, dtype):
        got = both_thread_counts(lambda x=x: operation(lucid.from_numpy(x)).numpy())
        assert got.dtype == dtype and got.shape == x.shape
        close(got, reference(x.astype(np.float64)), dtype)


@pytest.mark.parametrize("name", STEPS)
def test_steps(name, simd_level):
    operation, reference = STEPS[name]
    for dtype in (np.float32, np.float64):
        for _, x in layouts(-5, 5, dtype):
            np.testing.assert_array_equal(operation(lucid.from_numpy(x)).numpy(), reference(x))
        halves = np.array([-2.5, -1.5, -0.5, -0.0, 0.0, 0.5, 1.5, 2.5, 1e30, np.inf, -np.inf], dtype)
        np.testing.assert_array_equal(operation(lucid.from_numpy(halves)).numpy(), reference(halves))
    x = lucid.tensor([-1.5, 2.2], requires_grad=True)
    operation(x).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", UNARY)
def test_unary_derivatives(name):
    operation, _, (low, high) = UNARY[name]
    for shape in [(), (0,), (3, 4)]:
        x = rng.uniform(low, high, shape)
        x = np.where(np.abs(x) < 0.01, 0.02, x)  # away from the corner of abs and relu
        t = lucid.tensor(x, dtype=lucid.float64, requires_grad=True)
        assert gradcheck(operation, (t,))
        assert gradgradcheck(operation, (t,))
        if x.ndim == 2:
            assert gradcheck(lambda t: operation(t.T), (t,))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", BINARY)
def test_binary_values(name, dtype, simd_level, both_thread_counts):
    operation, reference, domain = BINARY[name]
    for (_, a), (_, b) in zip(layouts(*domain, dtype), layouts(*domain, dtype), strict=True):
        got = both_thread_counts(lambda a=a, b=b: operation(lucid.from_numpy(a), lucid.from_numpy(b)).numpy())
        assert got.dtype == dtype
        close(got, reference(a.astype(np.float64), b.astype(np.float64)), dtype)


SHAPES = [
    ((), ()), ((3,), ()), ((), (2, 3)), ((4, 3), (3,)), ((4, 1), (1, 3)), ((2, 1, 3), (5, 1)), ((0, 3), (3,)), ((1,),
    (0,)),
    ((1, 1), (2,)), ((6, 4, 5), (6, 1, 5)),
]  # fmt: skip


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("name", BINARY)
def test_binary_broadcast(name, shapes):
    operation, reference, domain = BINARY[name]
    a, b = (rng.uniform(*domain, shape) for shape in shapes)
    for x, y in ((a, b), (b, a)):
        got = operation(lucid.tensor(x), lucid.tensor(y))
        np.testing.assert_allclose(got.numpy(), reference(x, y), rtol=1e-13)
        tx, ty = (lucid.tensor(v, requires_grad=True) for v in (x, y))
        if got.numel() < 30:
            assert gradcheck(operation, (tx, ty))


@pytest.mark.parametrize("name", BINARY)
def test_binary_derivatives(name):
    operation, _, (low, high) = BINARY[name]
    a, b = (lucid.tensor(rng.uniform(low, high, (2, 3)), requires_grad=True) for _ in range(2))
    assert gradcheck(operation, (a, b))
    assert gradgradcheck(operation, (a, b))
    assert gradcheck(lambda a, b: operation(a.T, b.T), (a, b))
    for number in (0.7, 2):
        assert gradcheck(lambda a, number=number: operation(a, number), (a,))
        assert gradgradcheck(lambda a, number=number: operation(a, number), (a,))
        assert gradcheck(lambda a, number=number: operation(number, a), (a,))
        assert gradgradcheck(lambda a, number=number: operation(number, a), (a,))


@pytest.mark.parametrize("name", MODULO)
def test_modulo(name):
    operation, reference = MODULO[name]
    a, b = rng.uniform(-9, 9, (50,)), rng.uniform(0.5, 3, (50,)) * np.where(rng.random(50) < 0.5, -1, 1)
    np.testing.assert_allclose(operation(lucid.tensor(a), lucid.tensor(b)).numpy(), reference(a, b), atol=1e-13)
    x, y = (
        lucid.tensor([7.3, -7.3, 5.1], dtype=lucid.float64, requires_grad=True),
        lucid.tensor([2.0, 2.0, -3.0], dtype=lucid.float64, requires_grad=True),
    )
    assert gradcheck(operation, (x, y))
    assert (lucid.tensor([7, -7, 7, -7]) % lucid.tensor([3, 3, -3, -3])).tolist() == [1, 2, -2, -1]
    assert lucid.fmod(lucid.tensor([7, -7]), 3).tolist() == [1, -1]


def test_special_values(simd_level):
    """NaN, infinities and signed zeros are IEEE's."""
    values = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 1e-42, 1e-310])
    for dtype in (np.float32, np.float64):
        v = values.astype(dtype)
        for name, (operation, reference, _) in UNARY.items():
            if name in ("gelu", "gelu_tanh", "silu"):  # inf · 0 in the formula; the limits are checked below
                continue
            with np.errstate(all="ignore"):
                want = reference(v.astype(np.float64)).astype(dtype)
            got = operation(lucid.from_numpy(v)).numpy()
            np.testing.assert_allclose(got, want, rtol=1e-6, atol=0, err_msg=name)
            zero = (want == 0) & (name != "relu")  # of max(-0, 0) either is right
            assert (np.signbit(got)[zero] == np.signbit(want)[zero]).all(), name
        a, b = (x.reshape(-1) for x in np.meshgrid(v, v))
        for name, (operation, reference, _) in BINARY.items():
            with np.errstate(all="ignore"):
                want = reference(a, b)
            got = operation(lucid.from_numpy(a), lucid.from_numpy(b)).numpy()
            np.testing.assert_allclose(got, want, rtol=1e-6, atol=0, err_msg=name)
        edges = lucid.from_numpy(np.array([np.nan, np.inf, -np.inf, -1e30], dtype))
        for operation in (F.gelu, lambda x: F.gelu(x, "tanh"), F.silu):
            got = operation(edges).numpy()
            assert np.isnan(got[0]) and got[1] == np.inf and (got[2:] == 0).sum() + np.isnan(got[2:]).sum() == 2


def test_comparisons(simd_level):
    numbers = np.array([1.0, 2.0, 2.0, np.nan, -0.0, 0.0, np.inf, -np.inf])
    functions = {
        "eq": np.equal,
        "ne": np.not_equal,
        "lt": np.less,
        "le": np.less_equal,
        "gt": np.greater,
        "ge": np.greater_equal,
    }
    for dtype in (np.float32, np.float64, np.int64):
        with np.errstate(invalid="ignore"):
            v = np.tile(numbers, 9).astype(dtype)
        w = np.roll(v, 1)
        for name, function in functions.items():
            got = getattr(lucid, name)(lucid.from_numpy(v), lucid.from_numpy(w))
            assert got.dtype is lucid.bool
            np.testing.assert_array_equal(got.numpy(), function(v, w))
            np.testing.assert_array_equal(getattr(lucid, name)(lucid.from_numpy(v), 2).numpy(), function(v, 2))
            np.testing.assert_array_equal(getattr(lucid, name)(2, lucid.from_numpy(v)).numpy(), function(2, v))
            m = v.reshape(8, 9)
            np.testing.assert_array_equal(
                getattr(lucid, name)(lucid.from_numpy(m.T), lucid.from_numpy(m[0, :8])).numpy(), function(m.T, m[0, :8])
            )
    assert (lucid.ones(2) == None) is False  # noqa: E711
    assert (lucid.ones(2) != "a") is True


def test_where():
    c = np.array([[True, False, True]])
    a, b = rng.standard_normal((2, 3)), rng.standard_normal((2, 1))
    np.testing.assert_array_equal(
        lucid.where(lucid.tensor(c), lucid.tensor(a), lucid.tensor(b)).numpy(), np.where(c, a, b)
    )
    assert lucid.where(lucid.tensor(c), 1, 0).dtype is lucid.int64
    ta, tb = lucid.tensor(a, requires_grad=True), lucid.tensor(b, requires_grad=True)
    assert gradcheck(lambda a, b: lucid.where(lucid.tensor(c), a, b), (ta, tb))
    assert gradgradcheck(lambda a, b: lucid.where(lucid.tensor(c), a, b), (ta, tb))
    s = lucid.tensor(2.0, dtype=lucid.float64, requires_grad=True)
    assert gradcheck(lambda s: lucid.where(lucid.tensor(c), s, 0.0), (s,))
    with pytest.raises(TypeError, match="bool"):
        lucid.where(lucid.ones(2), 1, 2)


def test_promotion():
    i64, i32, u8, f32, f64, b = (
        lucid.ones(2, dtype=d)
        for d in (lucid.int64, lucid.int32, lucid.uint8, lucid.float32, lucid.float64, lucid.bool)
    )
    assert (f32 + f64).dtype is lucid.float64
    assert (i64 + f32).dtype is lucid.float32
    assert (i32 + i64).dtype is lucid.int64
    assert (u8 + i32).dtype is lucid.int32
    assert (b + u8).dtype is lucid.uint8
    assert (f32 + 1).dtype is lucid.float32
    assert (f32 + 1.5).dtype is lucid.float32
    assert (i64 + 1.5).dtype is lucid.float32
    assert (i32 + 1).dtype is lucid.int32
    assert (b + 1).dtype is lucid.int64
    assert (f32 * lucid.tensor(2.0, dtype=lucid.float64)).dtype is lucid.float32  # 0-d yields to dimensions
    assert (i64 * lucid.tensor(2.0, dtype=lucid.float64)).dtype is lucid.float64
    assert (i64 / i64).dtype is lucid.float32
    assert (i64 // 2).dtype is lucid.int64
    assert lucid.exp(i64).dtype is lucid.float32
    assert (f32 * np.float64(2)).dtype is lucid.float32
    assert (np.float64(2) * f32).dtype is lucid.float32
    assert type(np.float64(2) * f32) is lucid.Tensor
    assert (f32 + np.ones(2)).dtype is lucid.float64
    assert (i64**2).tolist() == [1, 1]
    with pytest.raises(ValueError, match="negative integer power"):
        i64**-1
    x = lucid.ones(2, requires_grad=True)
    (x + lucid.ones(2, dtype=lucid.float64)).sum().backward()
    assert x.grad.dtype is lucid.float32


def test_integers():
    a, b = lucid.tensor([7, -7, 3]), lucid.tensor([2, 2, -5])
    assert (a + b).tolist() == [9, -5, -2]
    assert (a // b).tolist() == [3, -4, -1]
    assert lucid.div(a, b, rounding_mode="trunc").tolist() == [3, -3, 0]
    assert (-a).tolist() == [-7, 7, -3]
    assert abs(a).tolist() == [7, 7, 3]
    assert (a & 3).tolist() == [3, 1, 3]
    assert (~lucid.tensor([True, False])).tolist() == [False, True]
    with pytest.raises(ZeroDivisionError):
        a // 0
    with pytest.raises(TypeError, match="atan2|float"):
        lucid.ones(2) & 1


def test_errors_name_operation_and_shapes():
    with pytest.raises(ValueError, match=r"mul.*\(2, 3\).*\(4,\)"):
        lucid.ones(2, 3) * lucid.ones(4)
    with pytest.raises(TypeError, match="add.*str"):
        lucid.ones(2) + "a"
    with pytest.raises(TypeError, match="exp.*list"):
        lucid.exp([1.0])
    with pytest.raises(ValueError, match="rounding_mode"):
        lucid.div(lucid.ones(1), 2, rounding_mode="up")
    with pytest.raises(ValueError, match="approximate"):
        F.gelu(lucid.ones(1), "fast")
