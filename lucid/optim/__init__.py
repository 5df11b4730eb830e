"""Optimizers: how parameters follow their gradients. Schedules: how the learning rate changes meanwhile."""

from lucid.optim import functional, lr_scheduler
from lucid.optim.adabelief import AdaBelief
from lucid.optim.adadelta import Adadelta
from lucid.optim.adagrad import Adagrad
from lucid.optim.adafactor import Adafactor
from lucid.optim.adam import Adam, AdamW
from lucid.optim.adamax import Adamax
from lucid.optim.asgd import ASGD
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.lbfgs import LBFGS
from lucid.optim.lion import Lion
from lucid.optim.lookahead import Lookahead
from lucid.optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiplicativeLR,
    MultiStepLR,
    NoamLR,
    NoamScheduler,
    OneCycleLR,
    PiecewiseConstantSchedule,
    PolynomialLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
    WarmupCosineSchedule,
    WarmupScheduler,
)
from lucid.optim.nadam import NAdam
from lucid.optim.fromage import Fromage
from lucid.optim.lamb import Lamb
from lucid.optim.lars import Lars
from lucid.optim.novograd import NovoGrad
from lucid.optim.muon import Muon
from lucid.optim.optimizer import Optimizer
from lucid.optim.radam import RAdam
from lucid.optim.rmsprop import RMSprop
from lucid.optim.rprop import Rprop
from lucid.optim.sgd import SGD
from lucid.optim.yogi import Yogi

__all__ = [
    "LBFGS",
    "SGD",
    "GradientOptions",
    "Lookahead",
    "Adam",
    "AdamW",
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
    "Optimizer",
    "PiecewiseConstantSchedule",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "WarmupCosineSchedule",
    "WarmupScheduler",
    "lr_scheduler",
    "ASGD",
    "Adadelta",
    "Adagrad",
    "RMSprop",
    "Rprop",
    "AdaBelief",
    "Adamax",
    "Lion",
    "NAdam",
    "RAdam",
    "Yogi",
]
__all__ = ["SGD", "Adam", "AdamW", "GradientOptions", "Optimizer", "functional"]
from lucid.optim.sm3 import SM3
    "SM3",
    "Fromage",
    "Lamb",
    "Lars",
    "NovoGrad",
__all__ = ["SGD", "Adafactor", "Adam", "AdamW", "GradientOptions", "Muon", "Optimizer"]
