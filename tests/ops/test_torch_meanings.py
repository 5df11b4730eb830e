"""Meanings shared with PyTorch that no formula tells: number types, zero gradients, kinds of errors."""

import numpy as np
import pytest

import lucid


def learned(*values):
    return lucid.tensor(values, dtype=lucid.float64, requires_grad=True)


@pytest.mark.parametrize("mode", ["floor", "trunc"])
def test_rounding_division_has_the_gradient_zero(mode):
    a, b = learned(7.0, -7.0, 3.0), learned(2.0, 2.0, -0.5)
    out = lucid.div(a, b, rounding_mode=mode)
    out.sum().backward()
    np.testing.assert_array_equal(out.detach().numpy(), [3, -4 if mode == "floor" else -3, -6])
    assert a.grad.tolist() == b.grad.tolist() == [0.0] * 3
    a.grad = None
    lucid.div(a, 0.0, rounding_mode=mode).sum().backward()
    assert a.grad.tolist() == [0.0] * 3
    row = learned(1.0, 2.0)
    lucid.div(lucid.ones(3, 1, dtype=lucid.float64), row, rounding_mode=mode).sum().backward()
    assert row.grad.tolist() == [0.0] * 2


def test_rounding_division_of_integers_is_exact():
    big = 2**53 + 1
    assert lucid.div(lucid.tensor([big, -big]), lucid.tensor([1, 2]), rounding_mode="trunc").tolist() == [big, -(2**52)]
    assert lucid.div(lucid.tensor([7, -7, 7, -7]), lucid.tensor([2, 2, -2, -2]), rounding_mode="trunc").tolist() == [
        3, -3, -3, 3,
    ]  # fmt: skip
    assert lucid.div(7, lucid.tensor([2], dtype=lucid.int32), rounding_mode="trunc").dtype is lucid.int32
    with pytest.raises(ZeroDivisionError, match="fmod"):
        lucid.div(lucid.tensor([1]), 0, rounding_mode="trunc")


def test_bools_in_powers_and_signs():
    x = lucid.tensor([True, False])
    assert lucid.square(x).dtype is (x**2).dtype is lucid.int64 and (x**2).tolist() == [1, 0]
    assert lucid.sign(x).dtype is lucid.bool and lucid.sign(x).tolist() == [True, False]


def test_any_and_all_of_uint8_are_uint8():
    x = lucid.tensor([[0, 3], [0, 0]], dtype=lucid.uint8)
    assert x.any().dtype is x.all(1).dtype is x.any(dim=()).dtype is lucid.uint8
    assert x.any(1).tolist() == [1, 0] and x.any(dim=()).tolist() == [[0, 1], [0, 0]]
    assert (x > 0).any().dtype is lucid.bool


@pytest.mark.parametrize(
    "name", ["abs", "neg", "floor", "logical_not", "positive", "zeros_like", "ones_like", "empty_like"]
)
def test_what_is_no_tensor_is_a_type_error(name):
    with pytest.raises(TypeError, match=f"{name}: expected a tensor, got str"):
        getattr(lucid, name)("text")
    with pytest.raises(TypeError, match="logical_and: expected a tensor or a number, got str"):
        lucid.logical_and(lucid.ones(2), "text")


def test_arange_takes_names_and_cuts_for_integer_types():
    assert lucid.arange(end=3).tolist() == [0, 1, 2] and lucid.arange(start=1, end=6, step=2).tolist() == [1, 3, 5]

    assert lucid.arange(2.5, dtype=lucid.int64).tolist() == [0, 1]
    assert lucid.arange(1, 5.5, 1.5, dtype=lucid.int32).tolist() == [1, 2, 3, 4]
    for call in (lambda: lucid.arange(), lambda: lucid.arange(1, 2, 3, 4), lambda: lucid.arange(start=1)):
        with pytest.raises(TypeError, match="arange: expected"):
            call()
    with pytest.raises(ValueError, match="step 0"):
        lucid.arange(0, 3, 0.5, dtype=lucid.int64)


def test_normal_takes_tensors():
    mean, std = lucid.tensor([[100.0], [-100.0]]), lucid.tensor([0.0, 1.0, 2.0])
    out = lucid.normal(mean, std)
    assert out.shape == (2, 3) and out[:, 0].tolist() == [100.0, -100.0]
    assert (out[0] > 80).all() and (out[1] < -80).all()
    assert lucid.normal(mean).shape == (2, 1) and lucid.normal(1.0, std).shape == (3,)
    spread = lucid.normal(lucid.zeros(20000), 3.0)
    assert abs(spread.numpy().std() - 3) < 0.1
    with pytest.raises(TypeError, match="size is for"):
        lucid.normal(mean, std, (2, 3))
    for bad in (-1.0, lucid.tensor([-1.0])):
        with pytest.raises(ValueError, match="must not be negative"):
            lucid.normal(mean, bad)


def test_bernoulli_takes_one_probability_and_has_the_gradient_zero():
    p = learned(0.0, 1.0, 1.0)
    out = lucid.bernoulli(p)
    out.sum().backward()
    assert out.tolist() == [0.0, 1.0, 1.0] and p.grad.tolist() == [0.0] * 3
    assert lucid.bernoulli(p, 1.0).tolist() == [1.0] * 3
    with pytest.raises(ValueError, match="from 0 to 1"):
        lucid.bernoulli(p, 1.5)


def test_small_ones():
    x = lucid.tensor([[1, 2], [3, 4]])
    assert lucid.flip(x, dims=(0,)).tolist() == lucid.flip(x, 0).tolist() == [[3, 4], [1, 2]]
    with pytest.raises(ValueError, match="squeeze: a dimension appears twice"):
        lucid.zeros(1, 1).squeeze((0, -2))
    empty, full = learned(), lucid.ones(2, dtype=lucid.float64)
    lucid.cat([empty, full.reshape(1, 2).reshape(2)]).sum().backward()
    assert empty.grad.shape == (0,)
    empty.grad = None
    lucid.cat([empty, full.reshape(1, 2)]).sum().backward()
    assert empty.grad.shape == (0,)
    assert lucid.Generator().device == lucid.device("cpu")
    assert lucid.rand_like(full, requires_grad=True).requires_grad


def test_relu_keeps_integers():
    for kind in (lucid.int64, lucid.int32, lucid.uint8):
        for relu in (lucid.relu, lucid.nn.functional.relu, lucid.nn.ReLU()):
            out = relu(lucid.tensor([0, 3, 7], dtype=kind) - (0 if kind is lucid.uint8 else 2))
            assert out.dtype is kind and out.tolist() == ([0, 3, 7] if kind is lucid.uint8 else [0, 1, 5])
    assert lucid.tensor([-2, 3]).relu_().tolist() == [0, 3]


def test_linear_map_to_one_number():
    x, weight, bias = learned(1.0, 2.0, 3.0, 4.0).reshape(2, 2), learned(0.5, -1.0), learned(2.0)[0]
    out = lucid.nn.functional.linear(x, weight, bias)
    np.testing.assert_array_equal(out.detach().numpy(), [0.5, -0.5])
    assert lucid.nn.functional.linear(x[0], weight).item() == -1.5
    assert lucid.autograd.gradcheck(lucid.nn.functional.linear, (x, weight, bias))


@pytest.mark.parametrize("name", ["abs", "ceil", "floor", "round", "trunc", "positive", "argmax", "argmin", "median"])
def test_bools_have_no_size(name):
    with pytest.raises(TypeError, match=f"{name}: not implemented for lucid.bool"):
        getattr(lucid, name)(lucid.tensor([True, False]))


@pytest.mark.parametrize("name", ["fmod", "remainder", "floor_divide", "pow"])
def test_bools_are_not_divided_by_bools(name):
    truths = lucid.tensor([True, True])
    with pytest.raises(TypeError, match="not implemented for lucid.bool"):
        getattr(lucid, name)(truths, truths)
    assert getattr(lucid, name)(truths, lucid.tensor([1, 2])).dtype is lucid.int64
    assert lucid.pow(truths, True).tolist() == lucid.pow(truths, False).tolist() == [True, True]
    assert lucid.pow(lucid.tensor([False]), True).tolist() == [False]


def test_power_of_minus_one_half_is_the_reciprocal_root():
    x = learned(4.0, 0.25)
    y = x**-0.5
    y.sum().backward()
    np.testing.assert_array_equal(y.detach().numpy(), [0.5, 2])
    np.testing.assert_array_equal(x.grad.numpy(), [-0.0625, -4])
    assert np.isnan((lucid.tensor(-np.inf) ** -0.5).item())


@pytest.mark.parametrize("name", ["sum", "prod", "cumsum", "cumprod"])
def test_reductions_compute_in_the_type_of_out(name):
    x = lucid.tensor([1.5, 2.5])
    function = getattr(lucid, name)
    for kind in (lucid.float64, lucid.int64, lucid.int32):
        out = lucid.empty(0, dtype=kind)
        assert function(x, 0, out=out) is out
        want = function(x.to(kind), 0, dtype=kind)
        assert out.dtype is want.dtype is kind and out.tolist() == want.tolist()


def test_randint_like_and_aminmax_say_what_they_want():
    with pytest.raises(TypeError, match="randint_like: expected a tensor"):
        lucid.randint_like([1.0], 3)
    with pytest.raises(TypeError, match="aminmax: dim must be"):
        lucid.aminmax(lucid.ones(2, 2), dim=(0, 1))
