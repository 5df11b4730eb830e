"""The models that are measured, each defined once for lucid and for the frameworks put beside it.

A case builds its model from a namespace of layers (``lucid.nn``, ``torch.nn`` or ``peer_frameworks.JaxLayers``), which
have the same names and arguments. A framework is an adapter with ``nn``, ``losses``, ``tensor`` and ``optimizer``;
lucid's is here, the others' are in peer_frameworks.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import lucid

LEARNING_RATE = 1e-4


@dataclass(frozen=True)
class Case:
    """One model with its batch, loss and update rule.

    Attributes:
        name: as on the command line.
        model: builds it from a namespace of layers.
        batch: makes inputs and targets from a NumPy random generator.
        loss: a key of a framework's ``losses``.
        rule: ``"Adam"`` or ``"AdamW"``.
    """

    name: str
    model: Callable[[Any], Any]
    batch: Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]
    loss: str
    rule: str


def _moons(nn: Any) -> Any:
    return nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))


def _moons_batch(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return random.standard_normal((32, 2), np.float32), random.integers(0, 2, (32, 1)).astype(np.float32)


def _mlp(nn: Any) -> Any:
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))


def _mlp_batch(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return random.standard_normal((64, 64), np.float32), random.integers(0, 10, 64)


def _cnn(nn: Any) -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1568, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


def _cnn_batch(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return random.standard_normal((64, 1, 28, 28), np.float32), random.integers(0, 10, 64)


CASES = {
    case.name: case
    for case in (
        Case("moons", _moons, _moons_batch, "binary_cross_entropy_with_logits", "Adam"),
        Case("mlp", _mlp, _mlp_batch, "cross_entropy", "AdamW"),
        Case("cnn", _cnn, _cnn_batch, "cross_entropy", "AdamW"),
    )
}


def batch(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """The same inputs and targets for every framework."""
    return case.batch(np.random.default_rng(0))


def weights(case: Case) -> list[np.ndarray]:
    """The parameters that every framework begins with."""
    lucid.manual_seed(0)
    return [p.detach().numpy().copy() for p in case.model(lucid.nn).parameters()]


class Lucid:
    """lucid as a framework to be measured."""

    name = "lucid"
    nn = lucid.nn
    losses = {
        "cross_entropy": lucid.nn.functional.cross_entropy,
        "binary_cross_entropy_with_logits": lucid.nn.functional.binary_cross_entropy_with_logits,
    }
    tensor = staticmethod(lucid.tensor)
    no_grad = lucid.no_grad
    set_num_threads = staticmethod(lucid.set_num_threads)

    @staticmethod
    def optimizer(rule: str, params: Any) -> Any:
        """``Adam`` or ``AdamW`` at the cases' learning rate."""
        return getattr(lucid.optim, rule)(params, lr=LEARNING_RATE)


def eager_step(framework: Any, case: Case) -> Callable[[], float]:
    """A function that makes one whole step: zero_grad, forward, loss, backward, update. It returns the loss."""
    model = case.model(framework.nn)
    with framework.no_grad():
        for p, values in zip(model.parameters(), weights(case), strict=True):
            p.copy_(framework.tensor(values))
    inputs, targets = map(framework.tensor, batch(case))
    loss_of = framework.losses[case.loss]
    optimizer = framework.optimizer(case.rule, model.parameters())

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of(model(inputs), targets)
        loss.backward()
        optimizer.step()
        return loss

    return step


CHAIN = 100  # operations in a row


def chain(framework: Any, learned: bool) -> tuple[Callable[[], Any], Callable[[Any], None]]:
    """Recorded operations on 8 numbers: a function that runs y = y * w CHAIN times, and one that goes backward.

    Args:
        framework: the adapter.
        learned: whether w gets a gradient too, which makes backward two products and a sum an operation instead of one
            product.
    """
    w = framework.tensor(np.full(8, 0.999, np.float32)).requires_grad_(learned)
    start = framework.tensor(np.ones(8, np.float32)).requires_grad_()
    ones = framework.tensor(np.ones(8, np.float32))

    def forward() -> Any:
        y = start
        for _ in range(CHAIN):
            y = y * w
        return y

    def backward(y: Any) -> None:
        w.grad = start.grad = None
        y.backward(ones)

    return forward, backward
