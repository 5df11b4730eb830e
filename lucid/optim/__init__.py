"""Optimizers: how parameters follow their gradients."""

from lucid.optim.adabelief import AdaBelief
from lucid.optim.adam import Adam, AdamW
from lucid.optim.adamax import Adamax
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.lion import Lion
from lucid.optim.nadam import NAdam
from lucid.optim.optimizer import Optimizer
from lucid.optim.radam import RAdam
from lucid.optim.sgd import SGD
from lucid.optim.yogi import Yogi

__all__ = [
    "SGD",
    "AdaBelief",
    "Adam",
    "AdamW",
    "Adamax",
    "GradientOptions",
    "Lion",
    "NAdam",
    "Optimizer",
    "RAdam",
    "Yogi",
]
