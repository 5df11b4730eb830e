"""Own operations in the other ways PyTorch programs write them."""

import gc
import weakref

import numpy as np
import pytest

import lucid
from lucid.autograd import Function, Variable, grad, gradcheck, gradgradcheck
from lucid.autograd.function import once_differentiable


class Doubled(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx, g):
        return g * 2


class Exponential(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        x.exp_()
        ctx.save_for_backward(x)
        return x

    @staticmethod
    def backward(ctx, g):
        (out,) = ctx.saved_tensors
        return g * out


def test_changed_argument_takes_the_place_of_the_result():
    a = lucid.tensor([1.0, 2.0], requires_grad=True)
    b = a * 1
    assert Doubled.apply(b) is b
    b.sum().backward()
    assert b.tolist() == [2.0, 4.0] and a.grad.tolist() == [2.0, 2.0]
    plain = lucid.ones(2)
    assert Doubled.apply(plain) is plain and plain.tolist() == [2.0, 2.0] and not plain.requires_grad


def test_changed_argument_that_was_saved():
    x = lucid.tensor([0.5, -1.0], dtype=lucid.float64, requires_grad=True)
    assert gradcheck(lambda x: Exponential.apply(x * 1), (x,))
    assert gradgradcheck(lambda x: Exponential.apply(x * 1), (x,))
    b = x * 1
    Exponential.apply(b)
    watch = weakref.ref(b.node)
    gc.disable()
    try:
        del b
        assert watch() is None, "the graph must not need the garbage collector"
    finally:
        gc.enable()


def test_earlier_savers_notice_the_change():
    a = lucid.ones(2, requires_grad=True)
    b = a * 1
    c = b * b
    Doubled.apply(b)
    with pytest.raises(RuntimeError, match="changed in place"):
        c.sum().backward()


def test_what_cannot_be_changed():
    leaf = lucid.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        Doubled.apply(leaf)
    b = lucid.ones(2, requires_grad=True) * 1
    view = b[:1]
    for x in (b, view):
        with pytest.raises(RuntimeError, match="view"):
            Doubled.apply(x)

    class Foreign(Doubled):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(lucid.ones(1))
            return x * 2

    with pytest.raises(RuntimeError, match="mark_dirty"):
        Foreign.apply(lucid.ones(1))


def test_context_set_up_after_forward():
    class Linear(Function):
        @staticmethod
        def forward(x, weight, bias=None):
            return x @ weight.t() if bias is None else x @ weight.t() + bias

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, weight, bias = inputs
            ctx.save_for_backward(x, weight, bias)

        @staticmethod
        def backward(ctx, g):
            x, weight, bias = ctx.saved_tensors
            assert ctx.needs_input_grad == (True, True, bias is not None)
            return g @ weight, g.t() @ x, None if bias is None else g.sum(0)

    draw = np.random.RandomState(0)
    x, weight, bias = (lucid.tensor(draw.randn(*s), requires_grad=True) for s in [(2, 3), (4, 3), (4,)])
    assert gradcheck(Linear.apply, (x, weight, bias)) and gradgradcheck(Linear.apply, (x, weight, bias))
    assert gradcheck(lambda x, weight: Linear.apply(x, weight, None), (x, weight))


def test_neither_way_is_named():
    class Empty(Function):
        pass

    with pytest.raises(NotImplementedError, match="forward"):
        Empty.apply(lucid.ones(1))


class Once(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * x * g


def test_once_differentiable():
    x = lucid.tensor([3.0], requires_grad=True)
    (first,) = grad(Once.apply(x).sum(), x, create_graph=True)
    assert first.tolist() == [6.0] and not first.requires_grad
    y = lucid.tensor([2.0], requires_grad=True)
    (first,) = grad(Once.apply(x), x, y * 1, create_graph=True)
    assert first.tolist() == [12.0] and first.requires_grad
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_variable():
    data = lucid.ones(2)
    x = Variable(data, requires_grad=True)
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0] and x.is_leaf and not data.requires_grad
    data[0] = 5
    assert x.tolist() == [5.0, 1.0]
    assert isinstance(x, Variable) and isinstance(data, Variable) and not isinstance(1.0, Variable)
    with pytest.raises(TypeError, match="Variable"):
        Variable([1.0])
    with pytest.raises(RuntimeError, match="floating"):
        Variable(lucid.ones(1, dtype=lucid.int64), requires_grad=True)


def test_grad_takes_its_arguments_in_order():
    x = lucid.tensor([3.0], requires_grad=True)
    other = lucid.ones(1, requires_grad=True)
    found = grad((x * x).sum(), [x, other], None, True, False, True, True)
    assert found[0].tolist() == [6.0] and found[1] is None
    for wrong in ({"only_inputs": False}, {"is_grads_batched": True}):
        with pytest.raises(ValueError, match="grad:"):
            grad(x.sum(), x, **wrong)


@pytest.mark.parametrize("name", ["add_", "sub_", "addcmul_", "addcdiv_"])
def test_factor_before_the_operands(name):
    p, g, h = lucid.tensor([1.0, 2.0]), lucid.tensor([4.0, 8.0]), lucid.tensor([2.0, 4.0])
    operands = (g,) if name in ("add_", "sub_") else (g, h)
    wanted = {"add_": [0.6, 1.2], "sub_": [1.4, 2.8], "addcmul_": [0.2, -1.2], "addcdiv_": [0.8, 1.8]}[name]
    assert getattr(p, name)(-0.1, *operands) is p
    np.testing.assert_allclose(p.numpy(), wanted, rtol=1e-6)
