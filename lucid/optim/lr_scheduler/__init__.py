"""Learning-rate schedules: how the step size changes while a model learns.

A schedule is bound, ``StepLR(optimizer, step_size=30)``, or free, ``StepLR(base_lr=0.1, step_size=30)``: a free one is
given to an optimizer as its ``lr``, and the optimizer binds it. Either way call ``schedule.step()`` after
``optimizer.step()``.
"""

from lucid.optim.lr_scheduler.base import EPOCH_DEPRECATION_WARNING, LRScheduler, _LRScheduler
from lucid.optim.lr_scheduler.composite import ChainedScheduler, SequentialLR
from lucid.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from lucid.optim.lr_scheduler.cycle import CyclicLR, OneCycleLR
from lucid.optim.lr_scheduler.decay import ConstantLR, ExponentialLR, LinearLR, MultiStepLR, PolynomialLR, StepLR
from lucid.optim.lr_scheduler.function import LambdaLR, MultiplicativeLR
from lucid.optim.lr_scheduler.picture import plot
from lucid.optim.lr_scheduler.plateau import ReduceLROnPlateau
from lucid.optim.lr_scheduler.warmup import (
    NoamLR,
    NoamScheduler,
    PiecewiseConstantSchedule,
    WarmupCosineSchedule,
    WarmupScheduler,
)

__all__ = [
    "EPOCH_DEPRECATION_WARNING",
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "NoamLR",
    "NoamScheduler",
    "OneCycleLR",
    "PiecewiseConstantSchedule",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "WarmupCosineSchedule",
    "WarmupScheduler",
    "_LRScheduler",
    "plot",
]
