"""Anomaly detection: backward names the line of the forward whose derivative is NaN."""

import pytest

import lucid
from lucid.autograd import detect_anomaly, graph, set_detect_anomaly
from lucid.autograd.graph import Node

PLAIN = Node.__init__


def learned(value):
    return lucid.tensor([value], requires_grad=True)


def test_the_line_is_named():
    x = learned(-1.0)
    with detect_anomaly():
        y = x * 2
        z = y.sqrt()  # this line
        loss = (z + 1).sum()
        with pytest.raises(RuntimeError, match="derivative of sqrt with respect to operand 0 is NaN") as caught:
            loss.backward()
    assert f"{__file__}, line" in str(caught.value)
    assert "z = y.sqrt()  # this line" in str(caught.value)
    assert x.grad is None


def test_operations_of_several_inputs_and_own_functions_are_watched():
    class Bad(lucid.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            return a + b

        @staticmethod
        def backward(ctx, grad):
            return grad, grad * float("nan")

    with detect_anomaly():
        with pytest.raises(RuntimeError, match="derivative of Bad with respect to operand 1 is NaN"):
            Bad.apply(learned(1.0), learned(1.0)).backward()
        with pytest.raises(RuntimeError, match="derivative of div with respect to operand 1 is NaN"):
            (learned(0.0) / learned(0.0)).backward()


def test_a_graph_made_before_is_checked_without_its_line():
    y = learned(-1.0).sqrt()
    with detect_anomaly(), pytest.raises(RuntimeError, match="recorded before anomaly detection was on"):
        y.backward()


def test_nothing_stays_when_it_is_off():
    x = learned(-1.0)
    with detect_anomaly():
        assert lucid.autograd.is_anomaly_enabled() and Node.__init__ is not PLAIN
        y = x.sqrt()
    assert not lucid.autograd.is_anomaly_enabled()
    assert Node.__init__ is PLAIN and graph.before_backward == [None]
    y.backward()
    assert x.grad.isnan().all() if hasattr(x.grad, "isnan") else x.grad.item() != x.grad.item()


def test_values_are_the_same_and_nan_may_be_let_through():
    def gradient():
        x = lucid.tensor([1.0, 2.0], requires_grad=True)
        (x.exp() * x).sum().backward()
        return x.grad.tolist()

    plain = gradient()
    with detect_anomaly():
        assert gradient() == plain
    x = learned(-1.0)
    with detect_anomaly(check_nan=False):
        assert not lucid.autograd.is_anomaly_check_nan_enabled()
        x.sqrt().backward()
    assert x.grad.item() != x.grad.item()


def test_switched_on_and_off_as_a_function_and_nested():
    set_detect_anomaly(True)
    try:
        with set_detect_anomaly(False):
            learned(-1.0).sqrt().backward()
        with pytest.raises(RuntimeError, match="sqrt"):
            learned(-1.0).sqrt().backward()
    finally:
        set_detect_anomaly(False)
    learned(-1.0).sqrt().backward()


def test_second_derivatives_are_watched():
    x = learned(0.0)
    with detect_anomaly():
        (first,) = lucid.autograd.grad(x**1.5, x, create_graph=True)
        assert first.item() == 0.0
        lucid.autograd.grad(first, x)  # 0.75 / √0: infinite, not NaN
        with pytest.raises(RuntimeError, match="NaN"):
            lucid.autograd.grad(first * x.sqrt(), x)
