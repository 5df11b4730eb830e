"""Layers: each computes what its function computes, with its own parameters and options, and says so when it cannot."""

import numpy as np
import pytest

import lucid
from lucid import nn
from lucid.autograd import gradcheck, gradgradcheck
from lucid.nn import functional as F

rng = np.random.default_rng(17)


def double(*shape):
    return lucid.tensor(rng.standard_normal(shape), requires_grad=True)


# layer, the shape of its input, the same by functions
LAYERS = {
    "Linear": (lambda: nn.Linear(3, 4), (2, 3), lambda m, x: x @ m.weight.T + m.bias),
    "Linear, no bias": (lambda: nn.Linear(3, 4, bias=False), (2, 2, 3), lambda m, x: x @ m.weight.T),
    "Linear, vector": (lambda: nn.Linear(3, 1), (3,), lambda m, x: (m.weight * x).sum(1) + m.bias),
    "Conv2d": (lambda: nn.Conv2d(2, 3, (2, 3)), (1, 2, 4, 5), lambda m, x: F.conv2d(x, m.weight, m.bias)),
    "Conv2d, options": (
        lambda: nn.Conv2d(2, 4, 3, stride=2, padding=(1, 2), dilation=(1, 2), groups=2, bias=False),
        (1, 2, 5, 5),
        lambda m, x: F.conv2d(x, m.weight, None, 2, (1, 2), (1, 2), 2),
    ),
    "Conv2d, same": (
        lambda: nn.Conv2d(1, 2, (2, 3), padding="same"),
        (1, 1, 4, 4),
        lambda m, x: F.conv2d(x, m.weight, m.bias, padding="same"),
    ),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), (1, 2, 4, 5), lambda m, x: F.max_pool2d(x, 2)),
    "MaxPool2d, options": (
        lambda: nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True),
        (2, 5, 4),
        lambda m, x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True),
    ),
    "ReLU": (nn.ReLU, (2, 3), lambda m, x: x * (x > 0)),
    "GELU": (nn.GELU, (2, 3), lambda m, x: x * 0.5 * (1 + lucid.erf(x / 2**0.5))),
    "GELU, tanh": (
        lambda: nn.GELU("tanh"),
        (2, 3),
        lambda m, x: x * 0.5 * (1 + lucid.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3))),
    ),
    "SiLU": (nn.SiLU, (2, 3), lambda m, x: x / (1 + lucid.exp(-x))),
    "Tanh": (nn.Tanh, (2, 3), lambda m, x: lucid.tanh(x)),
    "Sigmoid": (nn.Sigmoid, (2, 3), lambda m, x: 1 / (1 + lucid.exp(-x))),
    "Flatten": (nn.Flatten, (2, 3, 2), lambda m, x: x.reshape(2, 6)),
    "Flatten, dimensions": (lambda: nn.Flatten(0, 1), (2, 3, 2), lambda m, x: x.reshape(6, 2)),
    "Identity": (lambda: nn.Identity(3, unused=True), (2, 3), lambda m, x: x),
    "Dropout, eval": (lambda: nn.Dropout(0.5).eval(), (2, 3), lambda m, x: x),
    "Dropout of nothing": (lambda: nn.Dropout(0.0), (2, 3), lambda m, x: x),
    "Sequential": (
        lambda: nn.Sequential(nn.Linear(3, 2), nn.Tanh()),
        (2, 3),
        lambda m, x: lucid.tanh(x @ m[0].weight.T + m[0].bias),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name, simd_level):
    make, shape, reference = LAYERS[name]
    layer = make().double()
    x = double(*shape)
    np.testing.assert_allclose(layer(x).detach().numpy(), reference(layer, x).detach().numpy(), rtol=1e-12, atol=1e-14)
    single = make()
    assert single(x.detach().float()).dtype is lucid.float32


@pytest.mark.parametrize("name", LAYERS)
def test_layer_derivatives(name):
    """With respect to the input and to every parameter."""
    make, shape, _ = LAYERS[name]
    layer, x = make().double(), double(*shape)
    f = lambda x, *parameters: layer(x)  # noqa: E731
    assert gradcheck(f, (x, *layer.parameters())) and gradgradcheck(f, (x, *layer.parameters()))


LOSSES = {
    "CrossEntropyLoss": (
        nn.CrossEntropyLoss,
        F.cross_entropy,
        {"weight": [1.0, 2.0, 0.5], "ignore_index": 1, "label_smoothing": 0.1},
        [0, 1, 2, 2],
    ),
    "CrossEntropyLoss, probabilities": (
        nn.CrossEntropyLoss,
        F.cross_entropy,
        {"weight": [1.0, 2.0, 0.5], "label_smoothing": 0.1},
        None,
    ),
    "MSELoss": (nn.MSELoss, F.mse_loss, {}, None),
    "BCEWithLogitsLoss": (
        nn.BCEWithLogitsLoss,
        F.binary_cross_entropy_with_logits,
        {"weight": [1.0, 2.0, 0.5], "pos_weight": [3.0, 1.0, 2.0]},
        None,
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    kind, function, options, target = LOSSES[name]
    options = {k: lucid.tensor(v, dtype=lucid.float64) if isinstance(v, list) else v for k, v in options.items()}
    x = double(4, 3)
    y = lucid.tensor(rng.uniform(0, 1, (4, 3))) if target is None else lucid.tensor(target)
    for reduction in ("mean", "sum", "none"):
        for chosen in ({}, options):
            loss = kind(**chosen, reduction=reduction)
            assert loss(x, y).tolist() == function(x, y, **chosen, reduction=reduction).tolist()
            assert gradcheck(loss, (x, y)) and gradgradcheck(loss, (x, y))
            tensors = [k for k, v in chosen.items() if isinstance(v, lucid.Tensor)]
            assert list(loss.state_dict()) == tensors and list(loss.parameters()) == []
    loss = kind(**options).float()
    assert loss(x.detach().float(), y if target is not None else y.float()).dtype is lucid.float32
    with pytest.raises(ValueError, match="reduction.*'avg'"):
        kind(reduction="avg")(x, y)


def test_dropout_layer():
    layer, x = nn.Dropout(0.25), lucid.ones(1000)
    values = layer(x).numpy()
    assert set(np.unique(values).tolist()) == {0.0, np.float32(1 / 0.75)} and 150 < (values == 0).sum() < 350
    assert layer.eval()(x) is x and layer.train()(x).tolist() != values.tolist()
    h = x.clone()
    assert nn.Dropout(0.5, inplace=True)(h) is h and (h.numpy() == 0).any()
    for p in (-0.1, 1.5):
        with pytest.raises(ValueError, match=f"Dropout.*{p}"):
            nn.Dropout(p)


def test_relu_in_place():
    x = lucid.tensor([-1.0, 2.0], requires_grad=True)
    h = x * 3
    assert nn.ReLU(inplace=True)(h) is h and h.tolist() == [0, 6]
    h.sum().backward()
    assert x.grad.tolist() == [0, 3]


def test_embedding_layer():
    layer = nn.Embedding(5, 3).double()
    index = lucid.tensor([[0, 4], [4, 1]])
    assert layer(index).tolist() == layer.weight.detach().numpy()[index.numpy()].tolist()
    assert gradcheck(lambda w: layer(index), (layer.weight,)) and gradgradcheck(lambda w: layer(index), (layer.weight,))
    with pytest.raises(IndexError, match="5 at position 0.*size 5"):
        layer(lucid.tensor([5]))


def test_return_indices():
    values, index = nn.MaxPool2d(2, return_indices=True)(lucid.arange(16.0).reshape(1, 4, 4))
    assert values.tolist() == [[[5, 7], [13, 15]]] and index.tolist() == [[[5, 7], [13, 15]]]


def test_errors():
    for f, kind, message in [
        (
            lambda: nn.Linear(3, 4)(lucid.ones(2, 5)),
            ValueError,
            r"linear: input has 5 features \(shape \(2, 5\)\).*3 \(shape \(4, 3\)\)",
        ),
        (lambda: nn.Linear(3, 4)(lucid.ones(2, 3).double()), TypeError, "linear.*float64.*float32"),
        (lambda: nn.Linear(-1, 4), ValueError, "-1"),
        (lambda: nn.Conv2d(3, 4, 3)(lucid.ones(1, 2, 5, 5)), ValueError, "conv2d: input has 2 channels"),
        (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "Conv2d: in_channels=3 and out_channels=4.*groups=2"),
        (lambda: nn.Conv2d(4, 4, 3, groups=0), ValueError, "groups=0"),
        (lambda: nn.Conv2d(1, 1, 0), ValueError, "Conv2d: kernel_size.*0"),
        (lambda: nn.Conv2d(1, 1, 3, stride=0), ValueError, "Conv2d: stride.*0"),
        (lambda: nn.Conv2d(1, 1, 3, padding="full"), ValueError, "Conv2d: padding.*'full'"),
        (lambda: nn.Conv2d(1, 1, 3, padding_mode="mirror"), ValueError, "Conv2d: padding_mode.*'mirror'"),
        (lambda: nn.GELU("fast")(lucid.ones(1)), ValueError, "gelu: approximate.*'fast'"),
        (lambda: nn.Linear(3, 4, device="cuda"), ValueError, "cuda"),
    ]:
        with pytest.raises(kind, match=message):
            f()


@pytest.mark.parametrize("dtype", [lucid.float32, lucid.float64])
def test_sequential_joins_linear_and_activation_without_a_trace(dtype, simd_level):
    """The same bits, forward and backward, as module by module; hooks still see what is between."""
    for activation in (nn.ReLU(), nn.ReLU(inplace=True), nn.GELU(), nn.GELU("tanh"), nn.Tanh()):
        model = nn.Sequential(nn.Linear(7, 33), activation, nn.Linear(33, 5), nn.Linear(5, 3), activation).to(dtype)
        x = lucid.randn(19, 7, dtype=dtype, requires_grad=True)
        results = []
        for joined in (True, False):
            model.zero_grad()
            x.grad = None
            y = x
            if joined:
                y = model(x)
            else:
                for module in model:
                    y = module(y)
            (y * y).sum().backward()
            results.append(
                [y.detach().numpy().tobytes(), *(p.grad.numpy().tobytes() for p in (x, *model.parameters()))]
            )
        assert results[0] == results[1], activation
        seen = []
        with model[0].register_forward_hook(lambda module, args, out: seen.append(out.shape)):
            model(x)
        with model[1].register_forward_pre_hook(lambda module, args: seen.append(args[0].shape)):
            model(x)
        assert seen[:2] == [(19, 33), (19, 33)]
