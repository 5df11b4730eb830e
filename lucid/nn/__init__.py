"""Layers, losses and what holds them."""

from lucid.nn import functional, init, utils
from lucid.nn.activation import GELU, ReLU, Sigmoid, SiLU, Tanh
from lucid.nn.container import ModuleDict, ModuleList, Sequential
from lucid.nn.conv import Conv2d, MaxPool2d
from lucid.nn.dropout import Dropout
from lucid.nn.embedding import Embedding
from lucid.nn.linear import Flatten, Identity, Linear, Unflatten
from lucid.nn.loss import BCEWithLogitsLoss, CrossEntropyLoss, MSELoss
from lucid.nn.module import Module
from lucid.nn.parameter_container import ParameterDict, ParameterList
from lucid.tensor import Parameter

__all__ = [
    "GELU",
    "BCEWithLogitsLoss",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
    "Identity",
    "Linear",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "Parameter",
    "ParameterDict",
    "ParameterList",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Tanh",
    "Unflatten",
    "functional",
    "init",
    "utils",
]
