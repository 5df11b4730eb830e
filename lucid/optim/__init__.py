"""Optimizers: how parameters follow their gradients."""

from lucid.optim.adam import Adam, AdamW
from lucid.optim.fromage import Fromage
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.lamb import Lamb
from lucid.optim.lars import Lars
from lucid.optim.novograd import NovoGrad
from lucid.optim.optimizer import Optimizer
from lucid.optim.sgd import SGD
from lucid.optim.sm3 import SM3

__all__ = [
    "SGD",
    "SM3",
    "Adam",
    "AdamW",
    "Fromage",
    "GradientOptions",
    "Lamb",
    "Lars",
    "NovoGrad",
    "Optimizer",
]
