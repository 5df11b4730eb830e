"""Optimizers: how parameters follow their gradients."""

from lucid.optim.adam import Adam, AdamW
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.lbfgs import LBFGS
from lucid.optim.lookahead import Lookahead
from lucid.optim.optimizer import Optimizer
from lucid.optim.sgd import SGD

__all__ = ["LBFGS", "SGD", "Adam", "AdamW", "GradientOptions", "Lookahead", "Optimizer"]
