"""Cases of transformer layers and stacks: order of normalisation, activations, masks, layouts; hooks of modules."""

from collections.abc import Callable
from typing import Any

Case = Callable[[Any, Any], Any]
INF = float("inf")


def causal(T: Any, x: Any, n: int) -> Any:
    return T.nn.Transformer.generate_square_subsequent_mask(n, dtype=x.dtype)


def padding(T: Any, x: Any, *shape: int) -> Any:
    """True for padding: the last key of the last sample."""
    mask = T.zeros(*shape, dtype=T.bool)
    mask[..., -1:] = True
    return mask


def applied(layer: Any, x: Any, *inputs: Any, **masks: Any) -> Any:
    return x.module(layer)(*inputs, **masks)


LAYER_OPTIONS: list[dict[str, Any]] = [
    {},
    {"norm_first": True},
    {"activation": "gelu"},
    {"bias": False},
    {"layer_norm_eps": 0.1},
    {"dim_feedforward": 3},
    {"norm_first": True, "activation": "gelu", "bias": False, "batch_first": True},
    {"activation": "tanh"},
]
OPTIONS = {"dim_feedforward": 6, "dropout": 0.0}

CASES: dict[str, list[Case]] = {
    "nn.TransformerEncoderLayer": [
        *(
            lambda T, x, o=o: applied(T.nn.TransformerEncoderLayer(4, 2, **{**OPTIONS, **o}), x, x(5, 3, 4))
            for o in LAYER_OPTIONS
        ),
        lambda T, x: applied(T.nn.TransformerEncoderLayer(4, 2, **OPTIONS), x, x(5, 4)),
        lambda T, x: applied(
            T.nn.TransformerEncoderLayer(4, 2, **OPTIONS, activation=T.nn.functional.silu), x, x(5, 3, 4)
        ),
        lambda T, x: applied(T.nn.TransformerEncoderLayer(4, 2, **OPTIONS), x, x(5, 3, 4), causal(T, x, 5)),
        lambda T, x: applied(
            T.nn.TransformerEncoderLayer(4, 2, **OPTIONS), x, x(5, 3, 4), src_mask=causal(T, x, 5), is_causal=True
        ),
        lambda T, x: applied(
            T.nn.TransformerEncoderLayer(4, 2, **OPTIONS), x, x(5, 3, 4), src_key_padding_mask=padding(T, x, 3, 5)
        ),
        lambda T, x: applied(T.nn.TransformerEncoderLayer(4, 2, **OPTIONS), x, x(5, 3, 6)),
        lambda T, x: T.nn.TransformerEncoderLayer(5, 2),
        lambda T, x: T.nn.TransformerEncoderLayer(4, 2).eval()(x(0, 3, 4).float()).shape,
        lambda T, x: repr(T.nn.TransformerEncoderLayer(4, 2)),
    ],
    "nn.TransformerDecoderLayer": [
        *(
            lambda T, x, o=o: applied(T.nn.TransformerDecoderLayer(4, 2, **{**OPTIONS, **o}), x, x(5, 3, 4), x(5, 3, 4))
            for o in LAYER_OPTIONS
        ),
        lambda T, x: applied(T.nn.TransformerDecoderLayer(4, 2, **OPTIONS), x, x(5, 4), x(3, 4)),
        lambda T, x: applied(
            T.nn.TransformerDecoderLayer(4, 2, **OPTIONS),
            x,
            x(5, 3, 4),
            x(2, 3, 4),
            tgt_mask=causal(T, x, 5),
            memory_mask=x.tensor([[0.0, -INF]] * 5),
            tgt_key_padding_mask=padding(T, x, 3, 5),
        ),
        lambda T, x: applied(
            T.nn.TransformerDecoderLayer(4, 2, **OPTIONS),
            x,
            x(5, 3, 4),
            x(2, 3, 4),
            memory_key_padding_mask=padding(T, x, 3, 2),
        ),
        lambda T, x: repr(T.nn.TransformerDecoderLayer(4, 2)),
    ],
    "nn.TransformerEncoder": [
        *(
            lambda T, x, o=o, n=n: applied(
                T.nn.TransformerEncoder(T.nn.TransformerEncoderLayer(4, 2, **{**OPTIONS, **o}), n), x, x(5, 3, 4)
            )
            for o in LAYER_OPTIONS
            for n in (1, 2)
        ),
        lambda T, x: applied(
            T.nn.TransformerEncoder(T.nn.TransformerEncoderLayer(4, 2, **OPTIONS), 2, T.nn.LayerNorm(4)), x, x(5, 3, 4)
        ),
        lambda T, x: applied(
            T.nn.TransformerEncoder(T.nn.TransformerEncoderLayer(4, 2, **OPTIONS), 2, norm=T.nn.LayerNorm(4)),
            x,
            x(5, 3, 4),
            mask=causal(T, x, 5),
            is_causal=True,
        ),
        lambda T, x: applied(
            T.nn.TransformerEncoder(T.nn.TransformerEncoderLayer(4, 2, **OPTIONS), 2), x, x(5, 3, 4), causal(T, x, 5)
        ),
        lambda T, x: applied(
            T.nn.TransformerEncoder(T.nn.TransformerEncoderLayer(4, 2, **OPTIONS), 2),
            x,
            x(5, 3, 4),
            src_key_padding_mask=padding(T, x, 3, 5),
        ),
        lambda T, x: applied(
            T.nn.TransformerEncoder(T.nn.TransformerEncoderLayer(4, 2, **OPTIONS, batch_first=True), 2).eval(),
            x,
            x(3, 5, 4),
            src_key_padding_mask=padding(T, x, 3, 5),
        ),
        lambda T, x: applied(
            T.nn.TransformerEncoder(T.nn.TransformerEncoderLayer(4, 2, **OPTIONS), 2, enable_nested_tensor=False),
            x,
            x(5, 4),
        ),
        lambda T, x: applied(T.nn.TransformerEncoder(T.nn.TransformerEncoderLayer(4, 2, **OPTIONS), 2), x, x(5, 3, 3)),
        lambda T, x: repr(T.nn.TransformerEncoder(T.nn.TransformerEncoderLayer(4, 2), 2)),
    ],
    "nn.TransformerDecoder": [
        *(
            lambda T, x, o=o, n=n: applied(
                T.nn.TransformerDecoder(
                    T.nn.TransformerDecoderLayer(4, 2, **{**OPTIONS, "layer_norm_eps": 0.5, **o}), n
                ),
                x,
                x(5, 3, 4),
                x(5, 3, 4),
            )
            for o in LAYER_OPTIONS
            for n in ((1, 2) if "layer_norm_eps" not in o else (1,))
        ),
        lambda T, x: applied(
            T.nn.TransformerDecoder(T.nn.TransformerDecoderLayer(4, 2, **OPTIONS), 2, T.nn.LayerNorm(4)),
            x,
            x(5, 3, 4),
            x(2, 3, 4),
            tgt_mask=causal(T, x, 5),
            tgt_is_causal=True,
        ),
        lambda T, x: applied(
            T.nn.TransformerDecoder(T.nn.TransformerDecoderLayer(4, 2, **OPTIONS), 2),
            x,
            x(5, 3, 4),
            x(2, 3, 4),
            causal(T, x, 5),
            None,
            padding(T, x, 3, 5).float().masked_fill(padding(T, x, 3, 5), -INF).to(x.dtype),
            padding(T, x, 3, 2),
        ),
        lambda T, x: applied(
            T.nn.TransformerDecoder(T.nn.TransformerDecoderLayer(4, 2, **OPTIONS), 1), x, x(5, 4), x(2, 4)
        ),
        lambda T, x: applied(
            T.nn.TransformerDecoder(T.nn.TransformerDecoderLayer(4, 2, **OPTIONS), 1), x, x(5, 3, 4), x(2, 2, 4)
        ),
        lambda T, x: repr(T.nn.TransformerDecoder(T.nn.TransformerDecoderLayer(4, 2), 2, T.nn.LayerNorm(4))),
    ],
    "nn.Bilinear": [
        lambda T, x: applied(T.nn.Bilinear(3, 4, 5), x, x(2, 3), x(2, 4)),
        lambda T, x: applied(T.nn.Bilinear(3, 4, 5, bias=False), x, x(2, 3), x(2, 4)),
        lambda T, x: applied(T.nn.Bilinear(3, 4, 1), x, x(3), x(4)),
        lambda T, x: applied(T.nn.Bilinear(3, 4, 2), x, x(2, 6, 3), x(2, 6, 4)),
        lambda T, x: applied(T.nn.Bilinear(3, 4, 2), x, x(0, 3), x(0, 4)),
        lambda T, x: applied(T.nn.Bilinear(3, 4, 2), x, x(3, 2).t(), x(4, 2).t()),
        lambda T, x: applied(T.nn.Bilinear(3, 4, 2), x, x(2, 4), x(2, 3)),
        lambda T, x: applied(T.nn.Bilinear(3, 4, 2), x, x(2, 3), x(3, 4)),
        lambda T, x: T.nn.Bilinear(0, 4, 2),
        lambda T, x: repr(T.nn.Bilinear(3, 4, 2, False)),
        lambda T, x: [T.nn.Bilinear(3, 4, 2, dtype=T.float64).weight.dtype, T.nn.Bilinear(3, 4, 2).weight.shape],
        lambda T, x: bool((T.nn.Bilinear(9, 4, 2).weight.abs() <= 1 / 3).all()),
        lambda T, x: T.nn.functional.bilinear(x(2, 3), x(2, 4), x(5, 3, 4)),
    ],
}

# ---------------------------------------------------------------------------------------------------------------------
# Backward hooks: called when, with what, and what their answer does.


def _hooked(register: Callable[[Any, Any], Any], learned: bool = True) -> Case:
    """A hook on the middle of three layers."""

    def case(T: Any, x: Any) -> Any:
        layers = x.module(T.nn.Sequential(T.nn.Linear(4, 3), T.nn.Tanh(), T.nn.Linear(3, 2)))
        seen: list[Any] = []
        handle = register(layers, seen)
        data = x(5, 4) if learned else x(5, 4).detach()
        layers(data).pow(2).sum().backward()
        handle.remove()
        layers(data).sum().backward()
        return seen, [p.grad for p in layers.parameters()], data.grad

    return case


def _sees(index: int) -> Callable[[Any, Any], Any]:
    def register(layers: Any, seen: list[Any]) -> Any:
        return layers[index].register_full_backward_hook(
            lambda module, grad_in, grad_out: seen.append((type(module).__name__, grad_in, grad_out))
        )

    return register


def _doubles(layers: Any, seen: list[Any]) -> Any:
    return layers[1].register_full_backward_hook(lambda module, grad_in, grad_out: (grad_in[0] * 2,))


def _in_order(T: Any, x: Any) -> Any:
    layers = x.module(T.nn.Sequential(T.nn.Linear(4, 3), T.nn.Linear(3, 2)))
    seen: list[Any] = []
    for name, layer in (("all", layers), ("first", layers[0]), ("second", layers[1])):
        layer.register_full_backward_pre_hook(lambda m, g, name=name: seen.append(f"{name} before"))
        layer.register_full_backward_hook(lambda m, i, o, name=name: seen.append(f"{name} one"))
        layer.register_full_backward_hook(lambda m, i, o, name=name: seen.append(f"{name} two"), prepend=True)
    layers(x(5, 4)).sum().backward()
    return seen


def _several(T: Any, x: Any) -> Any:
    """A module of several inputs and outputs, of which one is no tensor and one needs no gradient."""

    class Pair(T.nn.Module):  # type: ignore[name-defined, misc]
        def forward(self, a: Any, b: Any, factor: float, mask: Any) -> Any:
            return a * b * factor, a + b + mask

    module, seen = Pair(), []
    module.register_full_backward_hook(lambda m, i, o: seen.append((i, o)))
    one, two = module(x(3), x(3), 2.0, x.tensor([1.0, 2.0, 3.0]))
    (one * two).sum().backward()
    return seen


def _wrong_count(layers: Any, seen: list[Any]) -> Any:
    return layers[1].register_full_backward_hook(lambda module, grad_in, grad_out: (grad_in[0], grad_in[0]))


def _pre(layers: Any, seen: list[Any]) -> Any:
    return layers[1].register_full_backward_pre_hook(lambda module, grad_out: (grad_out[0] * 3,))


CASES["nn.Module.register_full_backward_hook"] = [
    _hooked(_sees(0)),
    _hooked(_sees(0), False),
    _hooked(_sees(1)),
    _hooked(_sees(2)),
    _hooked(_doubles),
    _hooked(_wrong_count),
    _hooked(_pre),
    _in_order,
    _several,
]
