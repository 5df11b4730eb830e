"""Limits, combinations of three operands, predicates and the rarer functions: values, derivatives, types, errors."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

import lucid
from lucid.autograd import gradcheck, gradgradcheck

INF, NAN = math.inf, math.nan
rng = np.random.default_rng(3)


def draw(low, high, *shape):
    return lucid.tensor(rng.uniform(low, high, shape), dtype=lucid.float64, requires_grad=True)


BINARY = {
    "fmax": (np.fmax, -3, 3),
    "fmin": (np.fmin, -3, 3),
    "hypot": (np.hypot, 0.5, 3),
    "logaddexp": (np.logaddexp, -3, 3),
    "xlogy": (special.xlogy, 0.2, 3),
    "copysign": (np.copysign, -3, 3),
}
UNARY = {
    "logit": (special.logit, 0.1, 0.9),
    "frac": (lambda x: x - np.trunc(x), 0.1, 0.9),
    "deg2rad": (np.deg2rad, -90, 90),
    "rad2deg": (np.rad2deg, -2, 2),
    "nan_to_num": (np.nan_to_num, -2, 2),
}


@pytest.mark.parametrize("name", BINARY)
def test_binary_values_and_derivatives(name, simd_level):
    reference, low, high = BINARY[name]
    operation = getattr(lucid, name)
    for a, b in [
        (draw(low, high, 3, 4), draw(low, high, 4)),
        (draw(low, high, 4, 3).t(), draw(low, high, 3, 1)),
        (draw(low, high, 6, 9)[::2, 1::3], draw(low, high)),
        (draw(low, high, 0, 3), draw(low, high, 3)),
    ]:
        np.testing.assert_allclose(operation(a, b).detach().numpy(), reference(a.detach(), b.detach()), rtol=1e-14)
        a, b = a.detach().requires_grad_(), b.detach().requires_grad_()
        if a.numel():
            assert gradcheck(operation, (a, b)) and gradgradcheck(operation, (a, b))
    x = draw(low, high, 5)
    for call in (lambda x: operation(x, 1.5), lambda x: operation(1.5, x)):
        assert gradcheck(call, (x,)) and gradgradcheck(call, (x,))
    with pytest.raises(ValueError, match=rf"{name}.*\(3,\).*\(4,\)"):
        operation(lucid.ones(3), lucid.ones(4))


@pytest.mark.parametrize("name", UNARY)
def test_unary_values_and_derivatives(name, simd_level):
    reference, low, high = UNARY[name]
    operation = getattr(lucid, name)
    for x in (draw(low, high, 3, 4), draw(low, high, 4, 3).t(), draw(low, high, 37)[::2], draw(low, high)):
        np.testing.assert_allclose(operation(x).detach().numpy(), reference(x.detach()), rtol=1e-13)
        x = x.detach().requires_grad_()
        assert gradcheck(operation, (x,)) and gradgradcheck(operation, (x,))
    with pytest.raises(TypeError, match=f"{name}: expected a tensor, got str"):
        operation("text")


def test_clamp():
    x = lucid.tensor([-2.0, -1.0, 0.5, 1.0, 3.0, NAN, INF], requires_grad=True)
    y = x.clamp(-1, 1)
    np.testing.assert_array_equal(y.detach().numpy(), [-1, -1, 0.5, 1, 1, NAN, 1])
    y.sum().backward()
    assert x.grad.tolist() == [0, 1, 1, 1, 0, 0, 0]  # the limits themselves let it through
    assert lucid.clamp(lucid.tensor([0.0, 9.0]), 3, 1).tolist() == [1, 1]
    assert all(map(math.isnan, lucid.clamp(lucid.tensor([0.0, 9.0]), NAN).tolist()))
    assert lucid.clamp(lucid.tensor([1, 5]), 2).tolist() == [2, 5]
    assert lucid.clamp(lucid.tensor([1, 5]), 1.5).dtype is lucid.float32
    assert lucid.clamp_min(lucid.tensor([1.0, 5.0]), 2).tolist() == [2, 5]
    assert lucid.clamp_max(lucid.tensor([1.0, 5.0]), 2).tolist() == [1, 2]
    with pytest.raises(ValueError, match="min, max or both"):
        lucid.clamp(x)
    assert lucid.clamp(lucid.tensor([1, 9], dtype=lucid.uint8), -5, 4).tolist() == [1, 4]
    with pytest.raises(ValueError, match="uint8"):
        lucid.clamp(lucid.tensor([1], dtype=lucid.uint8), max=-5)


def test_clamp_by_tensors():
    x, low, high = draw(-2, 2, 3, 4), draw(-2, 0.5, 4), draw(-0.5, 2, 3, 1)
    np.testing.assert_allclose(
        lucid.clamp(x, low, high).detach().numpy(), np.clip(x.detach(), low.detach(), high.detach())
    )
    for call in (lucid.clamp, lambda x, low, high: lucid.clamp(x, max=high) + lucid.clamp(x, low)):
        assert gradcheck(call, (x, low, high)) and gradgradcheck(call, (x, low, high))
    assert gradcheck(lambda x: lucid.clamp(x, -0.5, 0.5), (x,)) and gradgradcheck(lambda x: x.clamp(0.0), (x,))


def test_addcmul_addcdiv_lerp(simd_level):
    x, a, b = draw(-2, 2, 3, 4), draw(-2, 2, 4), draw(0.5, 2, 3, 1)
    wide = [v.detach().numpy() for v in (x, a, b)]
    for operation, want in (
        (lambda x, a, b: lucid.addcmul(x, a, b, value=-0.3), wide[0] - 0.3 * wide[1] * wide[2]),
        (lambda x, a, b: lucid.addcdiv(x, a, b, value=-0.3), wide[0] - 0.3 * wide[1] / wide[2]),
        (lambda x, a, b: lucid.lerp(x, a, b), wide[0] + wide[2] * (wide[1] - wide[0])),
        (lambda x, a, b: lucid.lerp(x, a, 0.7) * b, (wide[0] + 0.7 * (wide[1] - wide[0])) * wide[2]),
        (lambda x, a, b: lucid.add(x, a, alpha=-0.3) * b, (wide[0] - 0.3 * wide[1]) * wide[2]),
        (lambda x, a, b: lucid.sub(x, a, alpha=2) * b, (wide[0] - 2 * wide[1]) * wide[2]),
    ):
        np.testing.assert_allclose(operation(x, a, b).detach().numpy(), want, rtol=1e-13, atol=1e-14)
        assert gradcheck(operation, (x, a, b)) and gradgradcheck(operation, (x, a, b))
    one = lucid.tensor([1, 2])
    assert lucid.addcmul(one, one, one, value=3).tolist() == [4, 14]
    assert lucid.add(one, one, alpha=3).tolist() == [4, 8]
    for wrong in (
        lambda: lucid.addcmul(one, one, one, value=0.5),
        lambda: lucid.addcdiv(one, one, one),
        lambda: lucid.lerp(one, one, 0.5),
        lambda: lucid.lerp(lucid.ones(2), lucid.ones(2, dtype=lucid.float64), 0.5),
        lambda: lucid.add(one, one, alpha=0.5),
    ):
        with pytest.raises(TypeError):
            wrong()


def test_predicates():
    x = lucid.tensor([1.0, -0.0, INF, -INF, NAN])
    assert lucid.isnan(x).tolist() == [False, False, False, False, True]
    assert lucid.isinf(x).tolist() == [False, False, True, True, False]
    assert lucid.isfinite(x).tolist() == [True, True, False, False, False]
    assert lucid.isposinf(x).tolist() == [False, False, True, False, False]
    assert lucid.isneginf(x).tolist() == [False, False, False, True, False]
    assert lucid.signbit(x[:4]).tolist() == [False, True, False, True]
    for operation in (lucid.isnan, lucid.isinf, lucid.signbit):
        assert operation(lucid.tensor([1, 2])).tolist() == [False, False]
    assert lucid.isfinite(lucid.zeros(4, 3).t()[:, ::2]).all()


def test_close_and_equal():
    a = lucid.tensor([1.0, NAN, INF, 0.0])
    b = lucid.tensor([1.0 + 1e-6, NAN, INF, 1e-9])
    assert a.isclose(b).tolist() == [True, False, True, True]
    assert a.isclose(b, equal_nan=True).all() and not a.allclose(b) and a.allclose(b, equal_nan=True)
    assert not a.isclose(b, rtol=0, atol=0)[0]
    assert lucid.equal(lucid.ones(2), lucid.ones(2)) and not lucid.equal(lucid.ones(2), lucid.ones(1, 2))
    assert not lucid.equal(a, a)  # NaN
    with pytest.raises(TypeError, match="float32 and lucid.float64"):
        lucid.isclose(a, a.double())
    with pytest.raises(ValueError, match="negative"):
        lucid.isclose(a, b, rtol=-1)
    with pytest.raises(ValueError, match=r"isclose.*\(2,\)"):
        lucid.isclose(a, lucid.ones(2))


def test_special_numbers():
    a, b = lucid.tensor([-INF, INF, 800.0]), lucid.tensor([-INF, INF, 1.0])
    assert lucid.logaddexp(a, b).tolist() == [-INF, INF, 800]
    got = lucid.xlogy(lucid.tensor([0.0, 0.0, NAN, 0.0]), lucid.tensor([0.0, -1.0, 2.0, NAN])).numpy()
    np.testing.assert_array_equal(got, [0, 0, NAN, NAN])
    got = lucid.logit(lucid.tensor([-1.0, 0.0, 1.0, 2.0])).numpy()
    np.testing.assert_array_equal(got, [NAN, -INF, INF, NAN])
    x = lucid.tensor([NAN, INF, -INF, 1.0], requires_grad=True)
    y = lucid.nan_to_num(x, 1.0, 2.0)
    assert y.tolist() == [1, 2, -np.finfo(np.float32).max, 1]
    y.sum().backward()
    assert x.grad.tolist() == [0, 0, 0, 1]
    x = lucid.tensor([1.0, NAN, 1.0, NAN], requires_grad=True)
    y = lucid.tensor([1.0, 1.0, NAN, NAN], requires_grad=True)
    lucid.fmax(x, y).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([1, 0, 1, 1], [0, 1, 0, 0])


def test_integers():
    x = lucid.tensor([5, -5, 1])
    assert lucid.div(x, 2, rounding_mode="trunc").tolist() == [2, -2, 0]
    assert lucid.div(lucid.tensor([2**60 + 1]), 2, rounding_mode="trunc").tolist() == [2**59]  # no detour over floats
    assert (x << 2).tolist() == [20, -20, 4] and (x >> 1).tolist() == [2, -3, 0]
    assert lucid.pow(lucid.tensor([1, -1, 2]), lucid.tensor([-1, -3, -2])).tolist() == [1, -1, 0]
    assert lucid.square(lucid.tensor([True])).dtype is lucid.int64
    assert lucid.sign(lucid.tensor([True, False])).dtype is lucid.bool
    for name in ("frac", "hypot", "logaddexp"):
        arguments = (x,) if name == "frac" else (x, x)
        with pytest.raises(TypeError, match=f"{name}: not implemented for lucid.int64"):
            getattr(lucid, name)(*arguments)
    assert lucid.xlogy(x.abs(), x.abs()).dtype is lucid.float32 and lucid.deg2rad(x).dtype is lucid.float32


def test_steps_have_a_gradient_of_zero():
    for operation in (
        lambda x: lucid.div(x, 2, rounding_mode="floor"),
        lambda x: lucid.div(7, x, rounding_mode="trunc"),
        lambda x: (x * 1).ge_(0.5),
    ):
        x = lucid.tensor([1.0, 0.0], requires_grad=True)
        operation(x).sum().backward()
        assert x.grad.tolist() == [0, 0]
    x = lucid.zeros(2, requires_grad=True)
    lucid.atan2(x, lucid.zeros(2)).sum().backward()
    assert x.grad.tolist() == [0, 0]


IN_PLACE = {
    "abs": (), "addcmul": (2.0, 3.0), "addcdiv": (2.0, 3.0), "clamp": (-0.5, 0.5), "clamp_min": (0.0,), "exp": (),
    "copysign": (-1.0,), "erf": (), "floor": (), "frac": (), "lerp": (2.0, 0.5), "log1p": (), "nan_to_num": (),
    "pow": (2,), "sigmoid": (), "square": (), "trunc": (), "xlogy": (2.0,), "remainder": (2.0,), "cumsum": (0,),
    "lt": (0.2,), "logical_not": (),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_forms(name):
    start = rng.uniform(-0.9, 0.9, (3, 4)).astype(np.float32)
    arguments = [
        lucid.full((3, 4), a) if name in ("addcmul", "addcdiv") or (name == "lerp" and i == 0) else a
        for i, a in enumerate(IN_PLACE[name])
    ]
    want = getattr(lucid.tensor(start), name)(*arguments)
    x = lucid.tensor(start)
    before = x.data_ptr()
    assert getattr(x, name + "_")(*arguments) is x and x.data_ptr() == before
    np.testing.assert_array_equal(x.numpy(), want.float().numpy())
    view = lucid.tensor(np.repeat(start, 2, 1))[:, ::2]
    getattr(view, name + "_")(*arguments)
    np.testing.assert_array_equal(view.numpy(), want.float().numpy())
    leaf = lucid.tensor(start, requires_grad=True)
    x = leaf * 1
    (getattr(x, name + "_")(*arguments) * 3).sum().backward()
    other = lucid.tensor(start, requires_grad=True)
    result = getattr(other, name)(*arguments)
    if result.requires_grad:
        (result * 3).sum().backward()
        np.testing.assert_array_equal(leaf.grad.numpy(), other.grad.numpy())
    else:
        assert not leaf.grad.numpy().any()
    with pytest.raises(RuntimeError, match="leaf"):
        getattr(other, name + "_")(*arguments)


def test_operators_in_place():
    x = y = lucid.tensor([1, 6])
    x <<= 2  # 4, 24
    x |= 1  # 5, 25
    x %= 7  # 5, 4
    x //= 2
    assert x.tolist() == [2, 2]
    x **= 3
    x ^= 1
    assert x is y and x.tolist() == [9, 9]


def test_numpy_operands():
    x = lucid.ones(2, 3)
    assert (x - np.ones((2, 3), np.float32)).tolist() == [[0, 0, 0]] * 2
    assert lucid.fmax(x, np.full((2, 3), 2.0, np.float32)).tolist() == [[2, 2, 2]] * 2


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_three_operands_of_any_layout(data):
    shape = tuple(data.draw(st.lists(st.integers(0, 4), max_size=4)))
    tensors, arrays = [], []
    for _ in range(3):
        own = tuple(1 if data.draw(st.booleans()) else s for s in shape)[data.draw(st.integers(0, len(shape))) :]
        array = rng.uniform(0.5, 2, tuple(2 * s for s in own))[tuple(slice(None, None, 2) for _ in own)]
        tensors.append(lucid.from_numpy(np.asarray(array)))
        arrays.append(array)
    a, b, c = arrays
    np.testing.assert_allclose(lucid.addcdiv(*tensors).numpy(), a + b / c, rtol=1e-12)
    np.testing.assert_allclose(lucid.lerp(*tensors).numpy(), a + c * (b - a), rtol=1e-12)
    np.testing.assert_allclose(lucid.clamp(*tensors).numpy(), np.minimum(np.maximum(a, b), c))
    assert lucid.isfinite(tensors[0]).all() or not a.size


def test_in_place_straight_into_memory():
    """What hand-written update rules do, beside the forms that make a new tensor; and where memory overlaps in part."""
    p, g, m = (rng.standard_normal(37) for _ in range(3))
    for name, arguments, options in (
        ("add", (g,), {"alpha": -0.1}),
        ("sub", (g,), {"alpha": 0.1}),
        ("addcmul", (g, m), {"value": 0.5}),
        ("addcdiv", (g, m), {"value": 0.5}),
        ("lerp", (g, 0.1), {}),
        ("clamp", (-0.5, 0.5), {}),
        ("clamp", (), {"max": 0.5}),
    ):
        given = [lucid.tensor(a) if isinstance(a, np.ndarray) else a for a in arguments]
        x = lucid.tensor(p)
        want = getattr(x, name)(*given, **options).numpy().copy()
        getattr(x, name + "_")(*given, **options)
        np.testing.assert_array_equal(x.numpy(), want)
        assert x._version == 1
        x = lucid.tensor(p)
        getattr(x, name + "_")(*(x if isinstance(a, lucid.Tensor) else a for a in given), **options)  # itself
        memory = lucid.tensor(p)
        head, tail = memory[:-1], memory[1:]
        shifted = [tail if isinstance(a, lucid.Tensor) else a for a in given]
        want = getattr(head, name)(*shifted, **options).numpy().copy()
        getattr(head, name + "_")(*shifted, **options)
        np.testing.assert_array_equal(head.numpy(), want)
    with pytest.raises(ValueError, match="min, max or both"):
        lucid.ones(2).clamp_()
    with pytest.raises(RuntimeError, match="read-only"):
        lucid.ones(1).expand(3).exp_()
