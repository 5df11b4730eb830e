"""Errors are caught by Python's name for them and by the one PyTorch uses."""

import pytest

import lucid
from lucid.nn import functional as F

x, integers = lucid.ones(2, 3), lucid.tensor([1, 2])

MISTAKES = {
    "shapes": (lambda: x + lucid.ones(2), (ValueError, RuntimeError), "broadcast"),
    "shapes in place": (lambda: lucid.ones(3).add_(x), (ValueError, RuntimeError), "shape"),
    "product": (lambda: x @ x, (ValueError, RuntimeError), "matmul"),
    "reshape": (lambda: x.reshape(4), (ValueError, RuntimeError), "reshape"),
    "cat": (lambda: lucid.cat([x, lucid.ones(2)]), (ValueError, RuntimeError), "cat"),
    "layer": (lambda: F.linear(x, x[:, :2]), (ValueError, RuntimeError), "linear"),
    "loss": (lambda: F.cross_entropy(x, integers[:1]), (ValueError, RuntimeError), "cross_entropy"),
    "number types": (lambda: x @ x.double().T, (TypeError, RuntimeError), "float64"),
    "number type in place": (lambda: integers.add_(1.5), (TypeError, RuntimeError), "does not fit"),
    "no kernel": (lambda: F.gelu(integers), (TypeError, RuntimeError, NotImplementedError), "gelu"),
    "bools": (lambda: lucid.tensor([True]) - lucid.tensor([True]), (TypeError, RuntimeError), "sub.*bool"),
    "dimension": (lambda: x.sum(2), (IndexError,), "dim"),
    "position": (lambda: x.gather(1, lucid.tensor([[3]])), (IndexError, RuntimeError), "gather"),
    "nothing": (lambda: lucid.ones(0, 3).argmax(0), (IndexError, ValueError, RuntimeError), "argmax"),
    "division": (lambda: integers // 0, (ZeroDivisionError, RuntimeError), "zero"),
    "device": (lambda: lucid.ones(1, device="nowhere"), (ValueError, RuntimeError), "nowhere"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_caught_by_either_name(mistake):
    call, kinds, text = MISTAKES[mistake]
    for kind in kinds:
        with pytest.raises(kind, match=text):
            call()
