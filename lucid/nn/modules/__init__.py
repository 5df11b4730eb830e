"""PyTorch's longer paths to what is in ``lucid.nn``: ``from lucid.nn.modules.loss import MSELoss`` and the like.

Each of PyTorch's files has the name of a module of ``lucid.nn`` or of a few of them; all of ``lucid.nn`` is found in
each, so that one need not know which.
"""

from __future__ import annotations

import sys

from lucid import nn
from lucid.nn import *  # noqa: F403
from lucid.nn.module import Module

_FILES = (
    "activation adaptive batchnorm container conv distance dropout flatten fold instancenorm linear loss module "
    "normalization padding pixelshuffle pooling rnn sparse transformer upsampling"
)
for _file in _FILES.split():
    sys.modules[f"{__name__}.{_file}"] = nn
    globals()[_file] = nn

__all__ = ["Module", *nn.__all__]
