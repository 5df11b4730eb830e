"""Optimizers: how parameters follow their gradients."""

from lucid.optim.adam import Adam, AdamW
from lucid.optim.optimizer import Optimizer

__all__ = ["Adam", "AdamW", "Optimizer"]
