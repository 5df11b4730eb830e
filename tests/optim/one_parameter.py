"""For tests of a rule on a single parameter with gradients of the test's own."""

from __future__ import annotations

import numpy as np

import lucid
from lucid.nn import Parameter


def parameter(values, kind="float32"):
    return Parameter(lucid.tensor(np.asarray(values, kind)))


def steps(optimizer, p, gradients):
    for g in gradients:
        p.grad = lucid.tensor(np.asarray(g, p.dtype.name))
        optimizer.step()
