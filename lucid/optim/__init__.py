"""Optimizers: how parameters follow their gradients. Schedules: how the learning rate changes meanwhile."""

from lucid.optim import (
    functional,
    lr_scheduler,
    swa_utils,  # noqa: E402, I001 (it needs what is above)
)
from lucid.optim.adabelief import AdaBelief
from lucid.optim.adadelta import Adadelta
from lucid.optim.adafactor import Adafactor
from lucid.optim.adagrad import Adagrad
from lucid.optim.adam import Adam, AdamW
from lucid.optim.adamax import Adamax
from lucid.optim.asgd import ASGD
from lucid.optim.fromage import Fromage
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.lamb import Lamb
from lucid.optim.lars import Lars
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
from lucid.optim.muon import Muon
from lucid.optim.nadam import NAdam
from lucid.optim.novograd import NovoGrad
from lucid.optim.optimizer import Optimizer
from lucid.optim.radam import RAdam
from lucid.optim.rmsprop import RMSprop
from lucid.optim.rprop import Rprop
from lucid.optim.sgd import SGD
from lucid.optim.sm3 import SM3
from lucid.optim.yogi import Yogi

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "SM3",
    "AdaBelief",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "Fromage",
    "GradientOptions",
    "LRScheduler",
    "Lamb",
    "LambdaLR",
    "Lars",
    "LinearLR",
    "Lion",
    "Lookahead",
    "MultiStepLR",
    "MultiplicativeLR",
    "Muon",
    "NAdam",
    "NoamLR",
    "NoamScheduler",
    "NovoGrad",
    "OneCycleLR",
    "Optimizer",
    "PiecewiseConstantSchedule",
    "PolynomialLR",
    "RAdam",
    "RMSprop",
    "ReduceLROnPlateau",
    "Rprop",
    "SequentialLR",
    "StepLR",
    "WarmupCosineSchedule",
    "WarmupScheduler",
    "Yogi",
    "functional",
    "lr_scheduler",
    "swa_utils",
]
