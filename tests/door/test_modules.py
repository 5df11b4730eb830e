"""Modules whose attributes, parameters and buffers were edited by hand, and state dicts that do not fit."""

from __future__ import annotations

import hypothesis.strategies as st

import lucid
from lucid import nn
from tests.door.drawing import KINDS, attempt, back, door, draw, odd, tensor

MODULES = {
    "Linear": (lambda: nn.Linear(3, 4), (2, 3)),
    "Bilinear": (lambda: nn.Bilinear(3, 3, 2), (2, 3)),
    "Conv1d": (lambda: nn.Conv1d(2, 4, 3, padding=1, groups=2), (2, 2, 5)),
    "Conv2d": (lambda: nn.Conv2d(2, 4, (2, 3), padding=1), (2, 2, 5, 4)),
    "Conv2d circular": (lambda: nn.Conv2d(2, 4, 3, padding=1, padding_mode="circular"), (2, 2, 5, 4)),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(2, 4, 3), (2, 2, 5)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(2, 4, 3, stride=2), (2, 2, 3, 4)),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), (2, 2, 4, 4)),
    "AvgPool2d": (lambda: nn.AvgPool2d(2), (2, 2, 4, 4)),
    "AvgPool1d": (lambda: nn.AvgPool1d(2), (2, 2, 4)),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d(2), (2, 2, 4, 4)),
    "AdaptiveMaxPool1d": (lambda: nn.AdaptiveMaxPool1d(2), (2, 2, 4)),
    "LPPool2d": (lambda: nn.LPPool2d(2, 2), (2, 2, 4, 4)),
    "Unfold": (lambda: nn.Unfold(2), (2, 2, 4, 4)),
    "Fold": (lambda: nn.Fold((3, 3), 2), (2, 8, 4)),
    "Upsample": (lambda: nn.Upsample(scale_factor=2), (2, 2, 3)),
    "PixelShuffle": (lambda: nn.PixelShuffle(2), (2, 4, 3, 3)),
    "ZeroPad2d": (lambda: nn.ZeroPad2d(1), (2, 2, 3, 3)),
    "ReflectionPad1d": (lambda: nn.ReflectionPad1d(1), (2, 2, 3)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3), (4, 3)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(2), (2, 2, 3, 3)),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), (2, 4, 3)),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(2, affine=True, track_running_stats=True), (2, 2, 4)),
    "LayerNorm": (lambda: nn.LayerNorm((2, 3)), (4, 2, 3)),
    "RMSNorm": (lambda: nn.RMSNorm(3), (4, 3)),
    "Dropout": (lambda: nn.Dropout(0.5), (4, 3)),
    "Dropout2d": (lambda: nn.Dropout2d(0.5), (2, 2, 3, 3)),
    "PReLU": (lambda: nn.PReLU(2), (2, 2, 3)),
    "GELU": (lambda: nn.GELU(), (2, 3)),
    "Softmax": (lambda: nn.Softmax(1), (2, 3)),
    "Flatten": (lambda: nn.Flatten(), (2, 3, 2)),
    "Unflatten": (lambda: nn.Unflatten(1, (2, 2)), (2, 4)),
    "Softplus": (lambda: nn.Softplus(), (2, 3)),
    "Hardtanh": (lambda: nn.Hardtanh(), (2, 3)),
    "LSTMCell": (lambda: nn.LSTMCell(3, 2), (2, 3)),
    "GRUCell": (lambda: nn.GRUCell(3, 2), (2, 3)),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(4, 2, 8), (3, 2, 4)),
}


def edit(data, module):
    """One change by hand: of an option, or of the memory of a parameter or buffer."""
    plain = {n for n, v in vars(module).items() if not n.startswith("_") and not isinstance(v, nn.Module)}
    options = sorted(plain - {"inplace"})
    tensors = [*module.parameters(), *(b for b in module.buffers() if b is not None)]
    if tensors and (not options or draw(data, True, False)):
        x = draw(data, *tensors)
        shape = draw(data, (1,), (0,), (), (*x.shape, 2), x.shape[:1], x.shape)
        x.data = tensor(data, shape, draw(data, lucid.float32, *KINDS)).detach()
    elif options:
        setattr(module, draw(data, *options), draw(data, 1, 2, (1, 1), "mean", odd(data, True), odd(data, True)))


@door(160)
def test_modules_edited_by_hand(data):
    make, shape = MODULES[draw(data, *MODULES)]
    module = make()
    x = tensor(data, shape, lucid.float32)
    arguments = (x, x) if isinstance(module, nn.Bilinear) else (x,)
    if data.draw(st.booleans()):
        module.eval()
    for _ in range(data.draw(st.integers(1, 2))):
        try:
            edit(data, module)
        except (TypeError, ValueError, RuntimeError, AttributeError):
            return  # refused by the assignment
    result = attempt(None, lambda: module(*arguments), x, memory=True)
    back(data, result, x, list(module.parameters()))


@door(60)
def test_state_dicts_that_do_not_fit(data):
    """Loaded whole, or refused with the module as it was, where shapes differ."""
    make, shape = MODULES[draw(data, *(name for name, (m, _) in MODULES.items() if list(m().parameters())))]
    module = make()
    state = dict(module.state_dict())
    name = draw(data, *state)
    old = {key: value.clone() for key, value in state.items()}
    state[name] = draw(data, tensor(data, (2, 5), draw(data, *KINDS)).detach(), odd(data), old[name].tolist())
    result = attempt(None, lambda: module.load_state_dict(state, strict=draw(data, True, False)))
    if isinstance(result, Exception):
        assert all(module.state_dict()[key].shape == value.shape for key, value in old.items())
    back(data, attempt(None, lambda: module(lucid.ones(shape)), memory=True))


@door(60)
def test_embeddings(data):
    weight = tensor(data, tuple(data.draw(st.lists(st.integers(0, 4), min_size=2, max_size=2))), draw(data, *KINDS))
    layer = nn.Embedding(3, 2)
    if data.draw(st.booleans()):
        layer.weight.requires_grad = weight.dtype.is_floating_point
        layer.weight.data = weight.detach()
    shape = tuple(data.draw(st.lists(st.integers(0, 3), max_size=3)))
    x = tensor(data, shape, draw(data, lucid.int64, lucid.int64, lucid.int32, *KINDS))
    back(data, attempt(None, lambda: layer(x), x), list(layer.parameters()), x.detach())
