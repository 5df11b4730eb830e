"""A user's own operations, and the checks of derivatives."""

import gc
import weakref

import pytest

import lucid
from lucid.autograd import Function, GradcheckError, gradcheck, gradgradcheck


class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        out = x.exp()
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx, grad):
        (out,) = ctx.saved_tensors
        return grad * out


class SumAndProduct(Function):
    @staticmethod
    def forward(ctx, a, b, scale):
        ctx.scale = scale
        product = a * b
        ctx.save_for_backward(a, None, b, product)
        return (a + b) * scale, product

    @staticmethod
    def backward(ctx, grad_sum, grad_product):
        a, nothing, b, product = ctx.saved_tensors
        assert nothing is None
        grad_a = grad_sum * ctx.scale + grad_product * (product / a)
        grad_b = grad_sum * ctx.scale + grad_product * a if ctx.needs_input_grad[1] else None
        return grad_a, grad_b, None


def pair(requires=True):
    return [lucid.tensor(v, dtype=lucid.float64, requires_grad=requires) for v in ([0.5, -1.2], [2.0, 0.3])]


def test_saved_result_and_second_derivative():
    (x, _) = pair()
    assert gradcheck(Exp.apply, (x,))
    assert gradgradcheck(Exp.apply, (x,))


def test_two_results():
    a, b = pair()
    f = lambda a, b: SumAndProduct.apply(a, b, 3.0)  # noqa: E731
    assert gradcheck(f, (a, b))
    assert gradgradcheck(f, (a, b))
    s, p = f(a, b)
    s.sum().backward()  # the other result unused: its gradient is zeros
    assert a.grad.tolist() == [3.0, 3.0]


def test_not_recorded_without_need():
    a, b = pair(False)
    s, p = SumAndProduct.apply(a, b, 1.0)
    assert not s.requires_grad and s.is_leaf
    x = lucid.ones(2, requires_grad=True)
    with lucid.no_grad():
        assert not Exp.apply(x).requires_grad


def test_freed_without_the_garbage_collector():
    gc.collect()
    gc.disable()
    try:
        x = lucid.ones(2, requires_grad=True)
        y = Exp.apply(x)
        ref = weakref.ref(y.array)
        y.sum().backward()
        del y
        assert ref() is None
    finally:
        gc.enable()


def test_freed_graph_and_changed_tensors_are_noticed():
    x = lucid.ones(2, requires_grad=True)
    y = Exp.apply(x)
    y.sum().backward()
    with pytest.raises(RuntimeError, match="Exp.*freed"):
        y.sum().backward()
    y = Exp.apply(x)
    with lucid.no_grad():
        y.add_(1)
    with pytest.raises(RuntimeError, match="Exp.*changed in place"):
        y.sum().backward()


def test_mistakes_are_named():
    class TooMany(Exp):
        @staticmethod
        def backward(ctx, grad):
            return grad, grad

    class WrongShape(Exp):
        @staticmethod
        def backward(ctx, grad):
            return grad.sum()

    class NotForTensors(Exp):
        @staticmethod
        def forward(ctx, x, n):
            return x * n

        @staticmethod
        def backward(ctx, grad):
            return grad, grad

    class SavesANumber(Exp):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(3)
            return x * 3

    x = lucid.ones(2, requires_grad=True)
    for function, args, message in [
        (TooMany, (x,), "2 gradients"),
        (WrongShape, (x,), r"\(\).*\(2,\)"),
        (NotForTensors, (x, 2), "argument 1 is not a tensor"),
    ]:
        with pytest.raises(RuntimeError, match=message):
            function.apply(*args).sum().backward()
    with pytest.raises(TypeError, match="save_for_backward"):
        SavesANumber.apply(x)
    with pytest.raises(NotImplementedError, match="forward"):
        Function.apply(x)


def test_result_that_is_an_argument():
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    x = lucid.ones(2, requires_grad=True)
    y = Same.apply(x)
    assert y is not x and x.is_leaf
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_non_differentiable_result():
    class WithIndex(Function):
        @staticmethod
        def forward(ctx, x):
            mask = x * 0
            ctx.mark_non_differentiable(mask)
            return x * 2, mask

        @staticmethod
        def backward(ctx, grad, grad_mask):
            assert grad_mask.tolist() == [0.0, 0.0]
            return grad * 2

    x = lucid.ones(2, requires_grad=True)
    y, mask = WithIndex.apply(x)
    assert y.requires_grad and not mask.requires_grad
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_saved_tensor_as_gradient_is_copied():
    class GivesSaved(Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(w)
            return (x * w).sum()

        @staticmethod
        def backward(ctx, grad):
            return ctx.saved_tensors[0], None

    x, w = lucid.ones(2, requires_grad=True), lucid.tensor([3.0, 4.0])
    GivesSaved.apply(x, w).backward()
    x.grad.zero_()
    assert w.tolist() == [3.0, 4.0]


def test_gradcheck_finds_wrong_rules():
    class Wrong(Exp):
        @staticmethod
        def backward(ctx, grad):
            return grad * ctx.saved_tensors[0] * 1.01

    class WrongSecond(Exp):
        @staticmethod
        def backward(ctx, grad):
            return grad * ctx.saved_tensors[0].detach()

    (x, _) = pair()
    with pytest.raises(GradcheckError, match="the rule gives"):
        gradcheck(Wrong.apply, (x,))
    assert gradcheck(Wrong.apply, (x,), raise_exception=False) is False
    assert gradcheck(WrongSecond.apply, (x,))
    with pytest.raises(GradcheckError):
        gradgradcheck(WrongSecond.apply, (x,))
    with pytest.raises(GradcheckError, match="does not require"):
        gradcheck(lambda x: x.detach() * 2, (x,))
    with pytest.raises(ValueError, match="float64"):
        gradcheck(lucid.exp, (lucid.ones(1, requires_grad=True),))
    with pytest.raises(ValueError, match="no input"):
        gradcheck(lucid.exp, (lucid.ones(1, dtype=lucid.float64),))
