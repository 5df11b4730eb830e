"""Optimizers: how parameters follow their gradients."""

from lucid.optim.adafactor import Adafactor
from lucid.optim.adam import Adam, AdamW
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.muon import Muon
from lucid.optim.optimizer import Optimizer
from lucid.optim.sgd import SGD

__all__ = ["SGD", "Adafactor", "Adam", "AdamW", "GradientOptions", "Muon", "Optimizer"]
