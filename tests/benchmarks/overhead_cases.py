"""The operations that ``overhead.py`` measures on small inputs, by name: how to make each, and its inputs.

A case is ``(make, *inputs)``. ``make(T)`` gives the function that is timed; ``T`` is ``lucid`` or ``torch``. Inputs are
arrays: those of floating-point numbers become leaves that want a gradient, all others constants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Cases = dict[str, tuple[Any, ...]]

_random = np.random.default_rng(0)


def between(low: float, high: float, *shape: int) -> np.ndarray:
    """Numbers of an open interval."""
    return _random.uniform(low, high, shape).astype(np.float32)


V, W, X = (between(0.1, 0.9, 8) for _ in range(3))  # vectors
M, N = between(0.1, 0.9, 4, 8), between(0.1, 0.9, 4, 8)  # matrices
A, B = between(0.1, 0.9, 8, 4), between(0.1, 0.9, 4)
BATCH, ROW = between(0.1, 0.9, 2, 4, 8), between(0.1, 0.9, 2, 8, 4)  # products of several matrices
LARGE, SIGNED = between(1.1, 1.9, 8), between(-0.9, 0.9, 8)
IMAGE = between(-1, 1, 1, 2, 4, 4)
IX, ROWS = np.array([0, 2, 1]), _random.integers(0, 4, (4, 8))
MASK, VMASK = _random.random((4, 8)) < 0.5, _random.random(8) < 0.5
CLASSES = np.array([0, 3, 7, 1])
PROBABILITIES = np.array([0, 1, 1, 0, 1, 0, 0, 1], bool)


def named(name: str, *arguments: Any, **options: Any) -> Callable[[Any], Any]:
    """The function of that name with arguments after the inputs."""

    def make(T: Any) -> Any:
        function = T
        for part in name.split("."):
            function = getattr(function, part)
        return (lambda *inputs: function(*inputs, *arguments, **options)) if arguments or options else function

    return make


def layer(name: str, *arguments: Any, **options: Any) -> Callable[[Any], Any]:
    """The module of that name."""
    return lambda T: getattr(T.nn, name)(*arguments, **options)


def written(function: Callable[..., Any]) -> Callable[[Any], Any]:
    """An expression that needs no framework's name."""
    return lambda T: function


def elementwise() -> Cases:
    """One or two operands of 8 numbers."""
    found: Cases = {}
    for name in (
        "abs acos asin asinh atan atanh ceil cos cosh deg2rad erf erfc exp exp2 expm1 floor frac log log10 log1p log2 "
        "logit neg positive rad2deg reciprocal round rsqrt sigmoid sign sin sinh sqrt square tan tanh trunc nan_to_num"
    ).split():
        found[name] = named(name), V
    found["acosh"] = named("acosh"), LARGE
    for (
        name
    ) in "add sub mul div pow maximum minimum fmax fmin atan2 hypot logaddexp xlogy copysign fmod remainder".split():
        found[name] = named(name), V, W
    for name in "eq ne lt le gt ge isclose logical_and logical_or".split():
        found[name] = named(name), V, W
    for name in "isnan isinf isfinite signbit logical_not".split():
        found[name] = named(name), V
    return found | {
        "x + y": (written(lambda x, y: x + y), V, W),
        "x + 2": (written(lambda x: x + 2), V),
        "2 - x": (written(lambda x: 2 - x), V),
        "x * 2": (written(lambda x: x * 2.0), V),
        "2 / x": (written(lambda x: 2.0 / x), V),
        "x ** 2": (written(lambda x: x**2), V),
        "x ** 0.5": (written(lambda x: x**0.5), V),
        "-x": (written(lambda x: -x), V),
        "x > 0.5": (written(lambda x: x > 0.5), V),
        "M + row": (written(lambda x, y: x + y), M, V),
        "M * column": (written(lambda x, y: x * y), M, between(0.1, 0.9, 4, 1)),
        "M * scalar": (written(lambda x, y: x * y), M, between(0.1, 0.9)),
        "where": (lambda T: lambda c, x, y: T.where(c, x, y), VMASK, V, W),
        "where number": (lambda T: lambda c, x: T.where(c, x, 0.0), VMASK, V),
        "clamp": (named("clamp", 0.2, 0.7), V),
        "clamp_min": (named("clamp_min", 0.2), V),
        "lerp": (named("lerp", 0.3), V, W),
        "lerp tensor": (named("lerp"), V, W, X),
        "addcmul": (named("addcmul"), V, W, X),
        "addcdiv": (named("addcdiv"), V, W, X),
        "masked_fill": (written(lambda x, m: x.masked_fill(m, 0.0)), V, VMASK),
        "clone": (named("clone"), V),
        "detach": (written(lambda x: x.detach()), V),
        "to float64": (written(lambda x: x.double()), V),
        "int + int": (written(lambda x, y: x + y), IX, IX),
        "zeros_like": (named("zeros_like"), V),
        "ones": (lambda T: lambda: T.ones(8),),
        "rand": (lambda T: lambda: T.rand(8),),
        "randn_like": (named("randn_like"), V),
    }


def reductions() -> Cases:
    """Over all numbers, and over one dimension."""
    found: Cases = {}
    for name in "sum mean prod amax amin max min var std norm median".split():
        found[name] = named(name), M
    for name in "sum mean prod amax amin max min var std norm logsumexp softmax log_softmax cumsum cumprod".split():
        found[f"{name} dim"] = named(name, dim=-1), M
    for name in "argmax argmin count_nonzero all any".split():
        found[name] = named(name), M
    return found | {
        "sum keepdim": (written(lambda x: x.sum(0, keepdim=True)), M),
        "mean dims": (written(lambda x: x.mean((1, 2))), BATCH),
        "argmax dim": (written(lambda x: x.argmax(-1)), M),
        "norm vector": (lambda T: T.linalg.vector_norm, V),
        "dist": (named("dist"), V, W),
        "sort": (named("sort"), V),
        "topk": (named("topk", 3), V),
        "item": (written(lambda x: x.item()), between(0, 1)),
    }


def shapes() -> Cases:
    """Views, joining, cutting."""
    return {
        "reshape": (written(lambda x: x.reshape(8, 4)), M),
        "reshape -1": (written(lambda x: x.reshape(-1)), M),
        "view": (written(lambda x: x.view(8, 4)), M),
        "flatten": (written(lambda x: x.flatten(1)), BATCH),
        "unflatten": (written(lambda x: x.unflatten(1, (2, 4))), M),
        "transpose": (written(lambda x: x.transpose(0, 1)), M),
        "T": (written(lambda x: x.T), M),
        "t": (written(lambda x: x.t()), M),
        "mT": (written(lambda x: x.mT), BATCH),
        "permute": (written(lambda x: x.permute(2, 0, 1)), BATCH),
        "movedim": (written(lambda x: x.movedim(0, 2)), BATCH),
        "squeeze": (written(lambda x: x.squeeze(1)), between(0, 1, 4, 1, 2)),
        "unsqueeze": (written(lambda x: x.unsqueeze(1)), V),
        "expand": (written(lambda x: x.expand(4, 8)), V),
        "expand_as": (lambda T: lambda x, y: x.expand_as(y), V, M),
        "broadcast_to": (named("broadcast_to", (4, 8)), V),
        "repeat": (written(lambda x: x.repeat(2, 2)), M),
        "tile": (written(lambda x: x.tile(2)), M),
        "repeat_interleave": (written(lambda x: x.repeat_interleave(2, 0)), M),
        "narrow": (written(lambda x: x.narrow(0, 1, 2)), M),
        "select": (written(lambda x: x.select(1, 2)), M),
        "diagonal": (named("diagonal"), M),
        "diag": (named("diag"), V),
        "flip": (written(lambda x: x.flip(0)), M),
        "roll": (written(lambda x: x.roll(1, 0)), M),
        "tril": (named("tril"), M),
        "triu": (named("triu"), M),
        "contiguous": (written(lambda x: x.t().contiguous()), M),
        "cat": (lambda T: lambda x, y: T.cat((x, y)), M, N),
        "cat dim 1": (lambda T: lambda x, y: T.cat((x, y), 1), M, N),
        "stack": (lambda T: lambda x, y: T.stack((x, y)), M, N),
        "hstack": (lambda T: lambda x, y: T.hstack((x, y)), M, N),
        "split": (written(lambda x: x.split(4, 1)), M),
        "chunk": (written(lambda x: x.chunk(2, 0)), M),
        "chunk dim 1": (written(lambda x: x.chunk(2, -1)), M),
        "unbind": (written(lambda x: x.unbind(0)), M),
        "tensor_split": (written(lambda x: x.tensor_split(2)), M),
        "meshgrid": (lambda T: lambda x, y: T.meshgrid(x, y, indexing="ij"), V, W),
        "pad": (lambda T: lambda x: T.nn.functional.pad(x, (1, 1)), M),
    }


def indexing() -> Cases:
    """x[...] and what is like it."""
    return {
        "x[0]": (written(lambda x: x[0]), M),
        "x[1, 2]": (written(lambda x: x[1, 2]), M),
        "x[1:3]": (written(lambda x: x[1:3]), M),
        "x[:, 1]": (written(lambda x: x[:, 1]), M),
        "x[:, 1:3]": (written(lambda x: x[:, 1:3]), M),
        "x[::2]": (written(lambda x: x[::2]), M),
        "x[..., None]": (written(lambda x: x[..., None]), M),
        "x[..., 0]": (written(lambda x: x[..., 0]), M),
        "x[ix]": (written(lambda x, i: x[i]), M, IX),
        "x[:, ix]": (written(lambda x, i: x[:, i]), M, IX),
        "x[ix, ix]": (written(lambda x, i: x[i, i]), M, IX),
        "x[mask]": (written(lambda x, m: x[m]), M, MASK),
        "x[0] = v": (_assign, M, V),
        "index_select": (named("index_select"), M, np.array(0), IX),
        "gather": (written(lambda x, i: x.gather(0, i)), M, ROWS),
        "scatter_add": (written(lambda x, i, y: x.scatter_add(0, i, y)), M, ROWS, N),
        "index_add": (written(lambda x, i, y: x.index_add(0, i, y)), M, IX, between(0, 1, 3, 8)),
        "masked_select": (named("masked_select"), M, MASK),
        "take_along_dim": (written(lambda x, i: x.take_along_dim(i, 0)), M, ROWS),
    }


def _assign(T: Any) -> Any:
    def assign(x: Any, v: Any) -> Any:
        y = x.clone()
        y[0] = v
        return y

    return assign


def products() -> Cases:
    """Products of matrices and vectors."""
    return {
        "matmul": (named("matmul"), M, A),
        "x @ y": (written(lambda x, y: x @ y), M, A),
        "matmul vector": (named("matmul"), M, V),
        "mm": (named("mm"), M, A),
        "bmm": (named("bmm"), BATCH, ROW),
        "x @ y.T": (written(lambda x, y: x @ y.T), M, N),
        "mv": (named("mv"), M, V),
        "dot": (named("dot"), V, W),
        "outer": (named("outer"), V, W),
        "addmm": (named("addmm"), B, M, A),
        "baddbmm": (named("baddbmm"), between(0, 1, 2, 4, 4), BATCH, ROW),
        "linear": (named("nn.functional.linear"), M, N, B),
        "linear no bias": (named("nn.functional.linear"), M, N),
        "einsum": (lambda T: lambda x, y: T.einsum("ij,jk->ik", x, y), M, A),
        "cross": (lambda T: lambda x, y: T.linalg.cross(x, y), between(0, 1, 4, 3), between(0, 1, 4, 3)),
    }


def functional() -> Cases:
    """Activations, losses, norms, pooling."""
    found: Cases = {}
    for name in (
        "celu elu gelu hardshrink hardsigmoid hardswish hardtanh leaky_relu logsigmoid mish relu relu6 selu silu "
        "softplus softshrink softsign tanhshrink"
    ).split():
        found[name] = named(f"nn.functional.{name}"), SIGNED
    for name in "huber_loss l1_loss mse_loss smooth_l1_loss poisson_nll_loss kl_div".split():
        found[name] = named(f"nn.functional.{name}"), V, W
    found["kl_div"] = named("nn.functional.kl_div", reduction="batchmean"), V, W
    f = "nn.functional."
    one = np.ones(8, np.int64)
    target = PROBABILITIES.astype(np.float32)
    return found | {
        "gelu tanh": (named(f + "gelu", approximate="tanh"), SIGNED),
        "glu": (named(f + "glu"), M),
        "prelu": (named(f + "prelu"), M, between(0, 1, 1)),
        "threshold": (named(f + "threshold", 0.1, 20.0), SIGNED),
        "F.softmax": (named(f + "softmax", dim=-1), M),
        "F.log_softmax": (named(f + "log_softmax", dim=-1), M),
        "softmin": (named(f + "softmin", dim=-1), M),
        "normalize": (named(f + "normalize", dim=-1), M),
        "dropout": (named(f + "dropout", 0.5), M),
        "embedding": (lambda T: lambda i, w: T.nn.functional.embedding(i, w), IX, M),
        "one_hot": (named(f + "one_hot", 8), CLASSES),
        "cross_entropy": (named(f + "cross_entropy"), M, CLASSES),
        "cross_entropy smoothed": (named(f + "cross_entropy", label_smoothing=0.1), M, CLASSES),
        "nll_loss": (named(f + "nll_loss"), M, CLASSES),
        "binary_cross_entropy": (named(f + "binary_cross_entropy"), V, ("constant", target)),
        "bce_with_logits": (named(f + "binary_cross_entropy_with_logits"), V, ("constant", target)),
        "gaussian_nll_loss": (named(f + "gaussian_nll_loss"), V, W, X),
        "soft_margin_loss": (named(f + "soft_margin_loss"), V, one),
        "margin_ranking_loss": (named(f + "margin_ranking_loss"), V, W, one),
        "triplet_margin_loss": (named(f + "triplet_margin_loss"), M, N, between(0, 1, 4, 8)),
        "cosine_similarity": (named(f + "cosine_similarity"), M, N),
        "cosine_embedding_loss": (named(f + "cosine_embedding_loss"), M, N, one[:4]),
        "pairwise_distance": (named(f + "pairwise_distance"), M, N),
        "layer_norm": (named(f + "layer_norm", (8,)), M),
        "layer_norm affine": (lambda T: lambda x, w, b: T.nn.functional.layer_norm(x, (8,), w, b), M, V, W),
        "rms_norm": (named(f + "rms_norm", (8,)), M),
        "group_norm": (named(f + "group_norm", 2), IMAGE),
        "instance_norm": (named(f + "instance_norm"), IMAGE),
        "max_pool2d": (named(f + "max_pool2d", 2), IMAGE),
        "avg_pool2d": (named(f + "avg_pool2d", 2), IMAGE),
        "max_pool1d": (named(f + "max_pool1d", 2), M),
        "adaptive_avg_pool2d": (named(f + "adaptive_avg_pool2d", 1), IMAGE),
        "conv1d": (named(f + "conv1d"), between(-1, 1, 1, 2, 8), between(-1, 1, 2, 2, 3)),
        "conv2d": (named(f + "conv2d"), IMAGE, between(-1, 1, 2, 2, 3, 3)),
        "interpolate": (named(f + "interpolate", scale_factor=2), IMAGE),
        "pixel_shuffle": (named(f + "pixel_shuffle", 2), between(0, 1, 1, 4, 2, 2)),
        "attention": (named(f + "scaled_dot_product_attention"), BATCH, BATCH, BATCH),
    }


def modules() -> Cases:
    """Calls of layers."""
    return {
        "nn.Linear": (layer("Linear", 8, 8), M),
        "nn.ReLU": (layer("ReLU"), M),
        "nn.Identity": (layer("Identity"), M),
        "nn.Dropout": (layer("Dropout"), M),
        "nn.Flatten": (layer("Flatten"), BATCH),
        "nn.Embedding": (layer("Embedding", 8, 8), IX),
        "nn.LayerNorm": (layer("LayerNorm", 8), M),
        "nn.RMSNorm": (layer("RMSNorm", 8), M),
        "nn.BatchNorm1d": (layer("BatchNorm1d", 8), M),
        "nn.BatchNorm2d": (layer("BatchNorm2d", 2), IMAGE),
        "nn.Conv2d": (layer("Conv2d", 2, 2, 3), IMAGE),
        "nn.MaxPool2d": (layer("MaxPool2d", 2), IMAGE),
        "nn.MSELoss": (layer("MSELoss"), V, W),
        "nn.CrossEntropyLoss": (layer("CrossEntropyLoss"), M, CLASSES),
        "nn.LSTMCell": (layer("LSTMCell", 8, 8), M),
        "nn.GRUCell": (layer("GRUCell", 8, 8), M),
        "nn.RNN": (layer("RNN", 8, 8), M),
        "nn.MultiheadAttention": (lambda T: _self_attention(T), M),
        "nn.Sequential": (lambda T: T.nn.Sequential(T.nn.Linear(8, 8), T.nn.Tanh(), T.nn.Linear(8, 1)), M),
    }


def _self_attention(T: Any) -> Any:
    attention = T.nn.MultiheadAttention(8, 2)
    return lambda x: attention(x, x, x, need_weights=False)[0]


def changes() -> Cases:
    """Changes in place; of a product, because a leaf cannot be changed while recording."""
    found: Cases = {
        f"(x*y).{name}_(z)": (written(lambda x, y, z, name=f"{name}_": getattr(x * y, name)(z)), V, W, X)
        for name in ("add", "mul", "copy")
    }
    for name in ("relu_", "exp_", "sigmoid_", "zero_"):
        found[f"(x*y).{name}()"] = written(lambda x, y, name=name: getattr(x * y, name)()), V, W
    return found | {
        "(x*y).clamp_(0)": (written(lambda x, y: (x * y).clamp_(0.2)), V, W),
        "(x*y).mul_(2)": (written(lambda x, y: (x * y).mul_(2.0)), V, W),
        "(x*y).masked_fill_": (written(lambda x, y, m: (x * y).masked_fill_(m, 0.0)), V, W, VMASK),
        "(x*y)[0] = z": (_assign_product, M, N, V),
        "zero_grad": (_zero_grad,),
    }


def _assign_product(T: Any) -> Any:
    def assign(x: Any, y: Any, z: Any) -> Any:
        product = x * y
        product[0] = z
        return product

    return assign


def _zero_grad(T: Any) -> Any:
    parameters = [T.nn.Parameter(T.zeros(8)) for _ in range(6)]
    return T.optim.SGD(parameters, lr=0.1).zero_grad


GROUPS: dict[str, Callable[[], Cases]] = {
    "elementwise": elementwise,
    "reductions": reductions,
    "shapes": shapes,
    "indexing": indexing,
    "products": products,
    "functional": functional,
    "modules": modules,
    "changes": changes,
}
