"""Options and number types of nn that PyTorch has: deprecated flags, implicit dimensions, integers, empty batches."""

import numpy as np
import pytest

import lucid
from lucid import nn
from lucid.nn import functional as F


def learned(*values):
    return lucid.tensor(values, dtype=lucid.float64, requires_grad=True)


A, B = [1.0, 2.0, 5.0], [1.5, 0.0, 4.0]

LOSSES = {
    "mse_loss": nn.MSELoss,
    "l1_loss": nn.L1Loss,
    "smooth_l1_loss": nn.SmoothL1Loss,
    "kl_div": nn.KLDivLoss,
    "poisson_nll_loss": nn.PoissonNLLLoss,
    "soft_margin_loss": nn.SoftMarginLoss,
    "binary_cross_entropy_with_logits": nn.BCEWithLogitsLoss,
}


@pytest.mark.filterwarnings("ignore:kl_div")
@pytest.mark.parametrize("name", LOSSES)
def test_flags_that_were_before_reduction(name):
    a, b = lucid.tensor(A), lucid.tensor(B)
    for flags, meant in (
        ({"size_average": True}, "mean"),
        ({"size_average": False}, "sum"),
        ({"reduce": False}, "none"),
        ({"reduce": True}, "mean"),
        ({"size_average": False, "reduce": True}, "sum"),
        ({"size_average": False, "reduce": False}, "none"),
    ):
        want = getattr(F, name)(a, b, reduction=meant).tolist()
        with pytest.warns(UserWarning, match=f"write reduction='{meant}'"):
            assert getattr(F, name)(a, b, **flags).tolist() == want
        with pytest.warns(UserWarning, match="deprecated"):
            assert LOSSES[name](**flags)(a, b).tolist() == want


def test_losses_take_their_arguments_in_the_order_of_pytorch():
    x, t, w = lucid.randn(4, 3), lucid.tensor([0, 1, 2, 1]), lucid.tensor([0.5, 1.0, 2.0])
    for loss in (F.cross_entropy, F.nll_loss):
        want = loss(x, t, weight=w, ignore_index=1, reduction="sum").item()
        assert loss(x, t, w, None, 1, None, "sum").item() == want
    a, b = lucid.tensor(A), lucid.tensor(B)
    assert F.mse_loss(a, b, None, None, "sum").item() == F.mse_loss(a, b, reduction="sum").item()
    want = F.poisson_nll_loss(a, b, eps=0.5, log_input=False, reduction="sum").item()
    assert F.poisson_nll_loss(a, b, False, False, None, 0.5, None, "sum").item() == want
    with pytest.raises(TypeError, match="reduction="):
        F.mse_loss(a, b, "sum")


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
def test_softmax_chooses_a_dimension_with_a_warning(name):
    module = {"softmax": nn.Softmax, "log_softmax": nn.LogSoftmax, "softmin": nn.Softmin}[name]
    for shape, dim in (((), 0), ((3,), 0), ((2, 3), 1), ((2, 3, 4), 0), ((2, 3, 4, 2), 1)):
        x = lucid.randn(*shape)
        for call in (getattr(F, name), module()):
            with pytest.warns(UserWarning, match="dim="):
                found = call(x)
            assert found.tolist() == getattr(F, name)(x, dim).tolist()
    assert getattr(F, name)(x, 0, 3, lucid.float64).dtype is lucid.float64


def test_limits_of_integers():
    for kind in (lucid.int64, lucid.int32):
        x = lucid.tensor([-3, 0, 2, 9], dtype=kind)
        for found, want in (
            (F.hardtanh(x, -2, 2), [-2, 0, 2, 2]),
            (F.hardtanh(x, -1.9, 2.9), [-1, 0, 2, 2]),
            (F.relu6(x), [0, 0, 2, 6]),
            (F.threshold(x, 1, 7), [7, 7, 2, 9]),
            (F.threshold(x, 0.9, 5.7), [5, 5, 2, 9]),
        ):
            assert found.dtype is kind and found.tolist() == want
        assert F.relu6(x, inplace=True) is x and x.tolist() == [0, 0, 2, 6]
    assert F.softsign(lucid.tensor([-1, 3])).tolist() == [-0.5, 0.75]
    for value in (float("nan"), float("inf"), 2.0**70):
        with pytest.raises(ValueError, match="do not fit"):
            F.threshold(lucid.tensor([1]), 0, value)
    with pytest.raises(ValueError, match="uint8"):
        F.hardtanh(lucid.tensor([1], dtype=lucid.uint8))


def test_what_is_only_for_floating_point_says_so():
    for function in (F.gelu, F.silu, lambda x: F.gelu(x, approximate="tanh"), F.elu):
        for catch in (TypeError, NotImplementedError, RuntimeError):
            with pytest.raises(catch, match="not implemented for lucid.int64"):
                function(lucid.tensor([1, 2]))
    with pytest.raises(TypeError, match="relu.*bool"):
        F.relu(lucid.tensor([True]))


@pytest.mark.parametrize(("drop", "shape"), [(F.dropout1d, (2, 3, 4)), (F.dropout2d, (2, 3, 4, 2))])
def test_dropped_channels_in_place_have_gradients(drop, shape):
    x = lucid.randn(*shape, requires_grad=True)
    changed = x * 1
    out = drop(changed, 0.5, inplace=True)
    assert out is changed
    out.sum().backward()
    np.testing.assert_allclose(out.detach().numpy(), (x.grad * x.detach()).numpy(), rtol=1e-6)


@pytest.mark.parametrize(("module", "shape"), [(nn.BatchNorm1d(3), (0, 3)), (nn.BatchNorm2d(3), (0, 3, 2, 2))])
def test_an_empty_batch_changes_nothing(module, shape):
    x = lucid.zeros(*shape, requires_grad=True)
    module(x).sum().backward()
    assert module.weight.grad.tolist() == module.bias.grad.tolist() == [0, 0, 0]
    assert x.grad.shape == shape
    assert module.running_mean.tolist() == [0, 0, 0] and module.running_var.tolist() == [1, 1, 1]


def test_losses_of_odd_inputs():
    with pytest.raises(ValueError, match="from 0 to 1, got nan"):
        F.binary_cross_entropy(lucid.tensor([float("nan")]), lucid.tensor([1.0]))
    a, b = lucid.tensor(A, requires_grad=True), lucid.tensor(B, dtype=lucid.float64)
    loss = F.huber_loss(a, b)
    assert loss.dtype is lucid.float32
    loss.backward()
    np.testing.assert_allclose(a.grad.numpy(), np.array([-0.5, 1, 1]) / 3, rtol=1e-6)
    with pytest.raises(ValueError, match="margin must be positive"):
        nn.TripletMarginLoss(margin=0.0)
    with pytest.raises(ValueError, match="max_val must be above min_val"):
        nn.Hardtanh(1.0, 1.0)


def second(function, *values):
    """The second derivative at each number."""
    x = learned(*values)
    (first,) = lucid.autograd.grad(function(x).sum(), x, create_graph=True)
    (found,) = lucid.autograd.grad(first.sum(), x)
    return found.tolist()


def test_second_derivatives_at_the_bends():
    assert second(F.elu, -1.0, 0.0, 1.0) == [np.exp(-1.0), 0.0, 0.0]
    assert second(F.selu, 0.0, 2.0) == [0.0, 0.0]
    assert second(lambda x: F.huber_loss(x, learned(0.0, 0.0, 0.0), delta=1.0, reduction="sum"), 0.5, 1.0, -2.0) == [
        1.0,
        0.0,
        0.0,
    ]
    zeros = learned(0.0, 0.0)
    assert second(lambda x: F.smooth_l1_loss(x, zeros, beta=0.5, reduction="sum"), 0.25, 0.5) == [2.0, 0.0]


def test_cross_entropy_that_ignores_everything_is_flat():
    for reduction in ("mean", "sum"):
        x = lucid.randn(2, 3, dtype=lucid.float64, requires_grad=True)
        loss = F.cross_entropy(x, lucid.tensor([1, 1]), ignore_index=1, reduction=reduction)
        for create_graph in (False, True):
            (first,) = lucid.autograd.grad(loss, x, create_graph=create_graph, retain_graph=True)
            assert first.tolist() == [[0.0] * 3] * 2
        assert lucid.autograd.grad(first.sum(), x)[0].tolist() == [[0.0] * 3] * 2


def test_second_derivatives_pass_backward_hooks():
    layers = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    x = learned(0.5, -1.0)
    want = None
    for hooked in (False, True):
        seen = []
        if hooked:
            for layer in (layers, *layers):
                layer.register_full_backward_hook(lambda module, into, out, seen=seen: seen.append(type(module)))
        (first,) = lucid.autograd.grad(layers(x).sum(), x, create_graph=True)
        assert seen == ([nn.Linear, nn.Tanh, nn.Linear, nn.Sequential] if hooked else [])
        (found,) = lucid.autograd.grad((first * first).sum(), x)
        want = found.tolist() if want is None else want
        assert found.tolist() == want
