"""Checkpoints: the same numbers and gradients as without, and no graph in between."""

import gc
import weakref

import numpy as np
import pytest

import lucid
from lucid import nn
from lucid.utils.checkpoint import checkpoint, checkpoint_sequential


def tensors(*shapes):
    draw = np.random.RandomState(0)
    return [lucid.tensor(draw.randn(*shape), requires_grad=True) for shape in shapes]


def model():
    lucid.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Dropout(0.5), nn.Linear(5, 2), nn.Sigmoid()).double()


def gradients(run, x):
    net = model()
    lucid.manual_seed(1)
    out = run(net, x)
    found = lucid.autograd.grad((out * out).sum(), [x, *net.parameters()])
    return [out.detach().numpy(), *(g.numpy() for g in found)]


@pytest.mark.parametrize(
    "run",
    [
        lambda net, x: checkpoint(net, x, use_reentrant=False),
        lambda net, x: checkpoint(lambda x: net(x), x, use_reentrant=True),
        lambda net, x: checkpoint_sequential(net, 2, x, use_reentrant=False),
        lambda net, x: checkpoint_sequential(list(net), 3, x),
    ],
)
def test_same_numbers_and_gradients(run):
    (x,) = tensors((4, 3))
    for ours, plain in zip(gradients(run, x), gradients(lambda net, x: net(x), x), strict=True):
        np.testing.assert_array_equal(ours, plain)


def test_backward_reaches_the_parameters_when_no_input_requires_grad():
    net, x = nn.Linear(3, 1), lucid.ones(2, 3)
    checkpoint(net, x).sum().backward()
    assert net.weight.grad.tolist() == [[2.0, 2.0, 2.0]] and net.bias.grad.tolist() == [2.0]


def test_higher_derivatives():
    x, y = tensors((3,), (3,))
    assert lucid.autograd.gradcheck(lambda x, y: checkpoint(lambda a, b: a.tanh() * b, x, y), (x, y))
    assert lucid.autograd.gradgradcheck(lambda x, y: checkpoint(lambda a, b: a.tanh() * b, x, y), (x, y))
    assert lucid.autograd.gradgradcheck(lambda x: checkpoint(lambda a: a.exp(), x * 2), (x,))


def test_several_results_and_other_arguments():
    x, y = tensors((2,), (2,))
    first, second = checkpoint(lambda a, factor, b, shift=0: (a * factor, a + b + shift), x, 3.0, y, shift=1.0)
    (first + 2 * second).sum().backward()
    assert x.grad.tolist() == [5.0, 5.0] and y.grad.tolist() == [2.0, 2.0]
    (alone,) = checkpoint(lambda a: (a * 2,), x)
    assert alone.requires_grad


def test_nothing_is_kept_in_between():
    kept = []

    def part(x):
        inside = x.exp()
        kept.append(weakref.ref(inside))
        return inside * inside

    (x,) = tensors((3,))
    gc.disable()
    try:
        out = checkpoint(part, x)
        assert kept[0]() is None
    finally:
        gc.enable()
    out.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp(2 * x.detach().numpy()))


def test_under_no_grad_it_is_the_function():
    with lucid.no_grad():
        assert not checkpoint(nn.Linear(2, 1), lucid.ones(1, 2)).requires_grad
    assert not checkpoint(lambda x: x * 2, lucid.ones(2)).requires_grad


def test_the_stream_of_random_numbers_goes_on():
    lucid.manual_seed(3)
    x = lucid.ones(4, requires_grad=True)
    out = checkpoint(lambda x: nn.functional.dropout(x, 0.5), x)
    before = lucid.get_rng_state()
    out.sum().backward()
    assert x.grad.tolist() == out.tolist() and lucid.equal(before, lucid.get_rng_state())


def test_what_is_refused():
    (x,) = tensors((2,))
    outside = x * 2
    with pytest.raises(RuntimeError, match="pass it as an argument"):
        checkpoint(lambda a: a * outside, x)
    with pytest.raises(TypeError, match="tuple of tensors"):
        checkpoint(lambda a: [a * 2], x)
    with pytest.raises(ValueError, match="cannot be cut into 3"):
        checkpoint_sequential([nn.ReLU()], 3, x)
    leaf = lucid.ones(2, requires_grad=True)
    moved = leaf * 1
    out = checkpoint(lambda a: a * a, moved)
    moved.add_(1)
    with pytest.raises(RuntimeError, match="changed in place"):
        out.sum().backward()
