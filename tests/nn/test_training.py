"""Whole models: their derivatives, and 20 steps of training against what PyTorch's gave (record_torch_training.py)."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import lucid
from lucid import nn
from lucid.autograd import gradcheck, gradgradcheck

_spec = importlib.util.spec_from_file_location(
    "record_torch_training", Path(__file__).with_name("record_torch_training.py")
)
recorded = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(recorded)
NUMBERS = json.loads(recorded.FILE.read_text())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("model", ["mlp", "cnn"])
def test_training_as_pytorch(model, dtype, simd_level, both_thread_counts):
    def run():
        result = recorded.train(lucid, nn, lucid.optim, model, getattr(lucid, dtype))
        return np.array(result["losses"] + result["squares"])

    got = both_thread_counts(run)
    want = NUMBERS[f"{model} {dtype}"]
    np.testing.assert_allclose(got, want["losses"] + want["squares"], rtol=1e-11 if dtype == "float64" else 2e-4)
    assert got[recorded.STEPS - 1] < 0.9 * got[0]


@pytest.mark.parametrize("model", ["mlp", "cnn"])
def test_gradcheck_of_models(model):
    """Every parameter of a whole small model, in float64."""
    if model == "mlp":
        net = nn.Sequential(
            nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3), nn.GELU(), nn.Dropout(0.4), nn.Linear(3, 2)
        ).double()
        x = lucid.randn(5, 3, dtype=lucid.float64)
    else:
        net = nn.Sequential(
            nn.Conv2d(1, 2, 3, padding=1), nn.GELU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 2)
        ).double()
        x = lucid.randn(2, 1, 4, 4, dtype=lucid.float64)
    x.requires_grad_()
    target = lucid.arange(x.shape[0]) % 2
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.1)

    def loss(x, *parameters):  # the parameters are changed in place by the check
        lucid.manual_seed(0)
        return loss_of(net(x), target)

    assert gradcheck(loss, (x, *net.parameters())) and gradgradcheck(loss, (x, *net.parameters()))
