"""Layers, losses and what holds them."""

from lucid.nn import functional, init, utils
from lucid.nn.activation import GELU, ReLU, Sigmoid, SiLU, Tanh
from lucid.nn.attention import MultiheadAttention
from lucid.nn.container import Sequential
from lucid.nn.conv import Conv2d, MaxPool2d
from lucid.nn.dropout import Dropout
from lucid.nn.embedding import Embedding
from lucid.nn.linear import Flatten, Identity, Linear
from lucid.nn.loss import BCEWithLogitsLoss, CrossEntropyLoss, MSELoss
from lucid.nn.module import Module
from lucid.nn.recurrent import GRU, LSTM, RNN, GRUCell, LSTMCell, RNNBase, RNNCell, RNNCellBase
from lucid.nn.transformer import (
    Transformer,
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)
from lucid.tensor import Parameter

__all__ = [
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "BCEWithLogitsLoss",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "Identity",
    "LSTMCell",
    "Linear",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "MultiheadAttention",
    "Parameter",
    "RNNBase",
    "RNNCell",
    "RNNCellBase",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Tanh",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "functional",
    "init",
    "utils",
]
