"""The operations that kernels.py measures, each written once for lucid and PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = Callable[[np.random.Generator], list[np.ndarray]]


@dataclass(frozen=True)
class KernelCase:
    """One operation at one size.

    Attributes:
        name: the operation and the shape.
        build: given the framework, the function of its inputs to be measured.
        arrays: makes the inputs. Those of floats get gradients.
        same: whether both frameworks must give the same numbers (not where they are random).
    """

    name: str
    build: Callable[[Any], Callable[..., Any]]
    arrays: Arrays
    same: bool = True


CASES: list[KernelCase] = []


def normal(*shapes: tuple[int, ...]) -> Arrays:
    """Normally distributed float32 arrays."""
    return lambda random: [random.standard_normal(shape, np.float32) for shape in shapes]


def add(name: str, build: Callable[[Any], Callable[..., Any]], *shapes: tuple[int, ...], **options: Any) -> None:
    """A case of float inputs of these shapes; the first is named."""
    size = "x".join(map(str, shapes[0]))
    CASES.append(KernelCase(f"{name} {size}", build, normal(*shapes), **options))


def add_indexed(
    name: str, build: Callable[[Any], Callable[..., Any]], shape: tuple[int, ...], indices: tuple[int, ...], limit: int
) -> None:
    """A case of one float input and an index of this shape, below ``limit``."""
    size = "x".join(map(str, shape))

    def arrays(random: np.random.Generator) -> list[np.ndarray]:
        return [random.standard_normal(shape, np.float32), random.integers(0, limit, indices)]

    CASES.append(KernelCase(f"{name} {size}", build, arrays))


ROWS = ((64, 128), (256, 1024), (1024, 1024))
IMAGE = (64, 16, 28, 28)
MILLION = (1 << 20,)

# ---- Elementwise ----

for size in ((8192,), (1 << 18,), MILLION):
    add("relu", lambda T: T.relu, size)
    add("gelu", lambda T: T.nn.functional.gelu, size)
    add("mul", lambda T: T.mul, size, size)
    add("dropout", lambda T: lambda x: T.nn.functional.dropout(x, 0.1), size, same=False)
for name in ("silu", "elu", "leaky_relu", "softplus", "mish", "hardswish"):
    add(name, lambda T, name=name: getattr(T.nn.functional, name), MILLION)
for name in ("tanh", "sigmoid", "exp", "sin"):
    add(name, lambda T, name=name: getattr(T, name), MILLION)
add("gelu tanh", lambda T: lambda x: T.nn.functional.gelu(x, approximate="tanh"), MILLION)
add("log_sigmoid", lambda T: T.nn.functional.logsigmoid, MILLION)
add("clamp", lambda T: lambda x: T.clamp(x, -0.5, 0.5), MILLION)
add("where", lambda T: lambda a, b: T.where(a > 0, a, b), MILLION, MILLION)
add("lerp", lambda T: lambda a, b: T.lerp(a, b, 0.3), MILLION, MILLION)
add("maximum", lambda T: T.maximum, MILLION, MILLION)
add("pow 2", lambda T: lambda x: x**2, MILLION)
add("add bias", lambda T: T.add, (1024, 1024), (1024,))
add("add channel", lambda T: T.add, IMAGE, (1, 16, 1, 1))
add("masked_fill", lambda T: lambda x: x.masked_fill(x > 0, 0.0), MILLION)
add("prelu", lambda T: T.nn.functional.prelu, IMAGE, (16,))
add("prelu one slope", lambda T: T.nn.functional.prelu, IMAGE, (1,))
add("glu", lambda T: T.nn.functional.glu, (1024, 1024))

# ---- Softmax and losses ----

for size in ROWS:
    add("softmax", lambda T: lambda x: T.softmax(x, -1), size)
    add("log_softmax", lambda T: lambda x: T.log_softmax(x, -1), size)
    add("softmax dim 0", lambda T: lambda x: T.softmax(x, 0), size)
add("softmax dim 1", lambda T: lambda x: T.softmax(x, 1), IMAGE)
for rows, classes in ((64, 10), (1024, 65), (256, 1024), (1024, 4096)):
    add_indexed("cross_entropy", lambda T: T.nn.functional.cross_entropy, (rows, classes), (rows,), classes)
add_indexed("cross_entropy images", lambda T: T.nn.functional.cross_entropy, (16, 8, 64, 64), (16, 64, 64), 8)
for name in ("mse_loss", "smooth_l1_loss", "binary_cross_entropy_with_logits"):
    add(name, lambda T, name=name: lambda x, y: getattr(T.nn.functional, name)(x, y.detach()), MILLION, MILLION)

# ---- Normalisation ----

for size in ROWS:
    last = size[-1:]
    add("layer_norm", lambda T, n=last: lambda x, w, b: T.nn.functional.layer_norm(x, n, w, b), size, last, last)
    add("rms_norm", lambda T, n=last: lambda x, w: T.nn.functional.rms_norm(x, n, w), size, last)
    add("batch_norm", lambda T: lambda x, w, b: T.nn.functional.batch_norm(x, None, None, w, b, True), size, last, last)
for size in (IMAGE, (32, 2, 128, 128)):
    channel = size[1:2]
    add(
        "batch_norm",
        lambda T: lambda x, w, b: T.nn.functional.batch_norm(x, None, None, w, b, True),
        size,
        channel,
        channel,
    )
    add("group_norm", lambda T: lambda x, w, b: T.nn.functional.group_norm(x, 2, w, b), size, channel, channel)

# ---- Reductions and scans ----

for name in ("sum", "amax", "var", "logsumexp", "cumsum"):
    add(f"{name} dim 1", lambda T, name=name: lambda x: getattr(T, name)(x, 1), (1024, 1024))
    add(f"{name} dim 0", lambda T, name=name: lambda x: getattr(T, name)(x, 0), (1024, 1024))
add("sum", lambda T: T.sum, MILLION)
add("mean", lambda T: T.mean, MILLION)
add("max dim 1", lambda T: lambda x: T.max(x, 1)[0], (1024, 1024))
add("mean of channels", lambda T: lambda x: T.mean(x, (0, 2, 3)), IMAGE)
add("mean of planes", lambda T: lambda x: T.mean(x, (2, 3)), IMAGE)
add("norm", lambda T: T.linalg.norm, MILLION)

# ---- Joining, picking, moving ----

add("cat dim 0", lambda T: lambda a, b: T.cat((a, b), 0), (512, 1024), (512, 1024))
add("cat dim 1", lambda T: lambda a, b: T.cat((a, b), 1), (1024, 512), (1024, 512))
add("stack dim 1", lambda T: lambda a, b: T.stack((a, b), 1), (512, 1024), (512, 1024))
add("transpose, contiguous", lambda T: lambda x: x.transpose(0, 1).contiguous(), (1024, 1024))
add("permute, contiguous", lambda T: lambda x: x.permute(0, 2, 3, 1).contiguous(), IMAGE)
add("pad", lambda T: lambda x: T.nn.functional.pad(x, (1, 1, 1, 1)), IMAGE)
add("slice", lambda T: lambda x: x[:, ::2].contiguous(), (1024, 1024))
add_indexed("index_select", lambda T: lambda x, i: T.index_select(x, 0, i), (4096, 256), (4096,), 4096)
add_indexed("index_select dim 1", lambda T: lambda x, i: T.index_select(x, 1, i), (1024, 1024), (512,), 1024)
add_indexed("gather dim 1", lambda T: lambda x, i: T.gather(x, 1, i), (1024, 1024), (1024, 512), 1024)
add_indexed("gather dim 0", lambda T: lambda x, i: T.gather(x, 0, i), (1024, 1024), (512, 1024), 1024)
add_indexed("embedding small", lambda T: lambda w, i: T.nn.functional.embedding(i, w), (65, 64), (16, 64), 65)
add_indexed("embedding", lambda T: lambda w, i: T.nn.functional.embedding(i, w), (10000, 256), (32, 128), 10000)
add_indexed(
    "scatter_add dim 0", lambda T: lambda x, i: T.zeros(1024, 1024).scatter_add(0, i, x), (512, 1024), (512, 1024), 1024
)

# ---- Images ----

add("max_pool2d 2", lambda T: lambda x: T.nn.functional.max_pool2d(x, 2), IMAGE)
add("max_pool2d 3 by 2", lambda T: lambda x: T.nn.functional.max_pool2d(x, 3, 2, 1), IMAGE)
add("avg_pool2d 2", lambda T: lambda x: T.nn.functional.avg_pool2d(x, 2), IMAGE)
add("avg_pool2d 3", lambda T: lambda x: T.nn.functional.avg_pool2d(x, 3, 1, 1), IMAGE)
add("adaptive_avg_pool2d 1", lambda T: lambda x: T.nn.functional.adaptive_avg_pool2d(x, 1), IMAGE)
add("upsample nearest", lambda T: lambda x: T.nn.functional.interpolate(x, scale_factor=2), IMAGE)
add("upsample bilinear", lambda T: lambda x: T.nn.functional.interpolate(x, scale_factor=2, mode="bilinear"), IMAGE)
add("conv2d 3", lambda T: lambda x, w, b: T.nn.functional.conv2d(x, w, b, padding=1), IMAGE, (32, 16, 3, 3), (32,))
add(
    "conv_transpose2d 2",
    lambda T: lambda x, w, b: T.nn.functional.conv_transpose2d(x, w, b, stride=2),
    IMAGE,
    (16, 8, 2, 2),
    (8,),
)
add(
    "conv_transpose2d 3",
    lambda T: lambda x, w, b: T.nn.functional.conv_transpose2d(x, w, b, padding=1),
    IMAGE,
    (16, 16, 3, 3),
    (16,),
)
add("conv1d 3", lambda T: lambda x, w, b: T.nn.functional.conv1d(x, w, b, padding=1), (32, 64, 256), (64, 64, 3), (64,))

# ---- Sequences ----


def recurrent(kind: str) -> Callable[[Any], Callable[..., Any]]:
    """A recurrent layer of 64 inputs and 64 hidden numbers; its own parameters get gradients too."""

    def build(framework: Any) -> Callable[..., Any]:
        layer = getattr(framework.nn, kind)(64, 64, batch_first=True)
        weights = np.random.default_rng(2)
        for p in layer.parameters():
            p.data.copy_(framework.from_numpy(weights.normal(0, 0.1, tuple(p.shape)).astype(np.float32)))
        return lambda x: layer(x)[0]

    return build


add("LSTM", recurrent("LSTM"), (32, 32, 64))
add("GRU", recurrent("GRU"), (32, 32, 64))
for size in ((16, 4, 64, 16), (4, 8, 256, 64)):
    add("attention", lambda T: T.nn.functional.scaled_dot_product_attention, size, size, size)
    add("attention causal",
        lambda T: lambda q, k, v: T.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True),
        size, size, size)  # fmt: skip
