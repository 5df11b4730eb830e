"""Optimizers: how parameters follow their gradients."""

from lucid.optim import functional
from lucid.optim.adam import Adam, AdamW
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.optimizer import Optimizer
from lucid.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "GradientOptions", "Optimizer", "functional"]
