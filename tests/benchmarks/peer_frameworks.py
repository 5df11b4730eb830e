"""PyTorch and JAX as frameworks to be measured beside lucid. Either may be absent."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from cases import LEARNING_RATE, Case, batch, weights

try:
    import torch
except ImportError:
    torch = None
try:
    import jax
    import jax.numpy as jnp
    import optax
except ImportError:
    jax = None


# ---------------------------------------------------------------------------------------------------------------------
# PyTorch


class Torch:
    """PyTorch, eager.

    Args:
        fused: whether the optimizer is the fused one, or PyTorch's default.
    """

    def __init__(self, fused: bool) -> None:
        self.fused = fused
        self.name = "PyTorch, fused" if fused else "PyTorch, default"
        self.nn = torch.nn
        self.losses = {
            "cross_entropy": torch.nn.functional.cross_entropy,
            "binary_cross_entropy_with_logits": torch.nn.functional.binary_cross_entropy_with_logits,
        }
        self.tensor = torch.from_numpy
        self.no_grad = torch.no_grad
        self.set_num_threads = torch.set_num_threads

    def optimizer(self, rule: str, params: Any) -> Any:
        """``Adam`` or ``AdamW`` at the cases' learning rate."""
        options = {"fused": True} if self.fused else {}
        return getattr(torch.optim, rule)(params, lr=LEARNING_RATE, **options)


# ---------------------------------------------------------------------------------------------------------------------
# JAX: layers are functions (parameters, x) -> x with a count of their parameters


def _layer(count: int, function: Callable[[list[Any], Any], Any]) -> SimpleNamespace:
    return SimpleNamespace(count=count, function=function)


def _convolution(padding: int) -> Callable[[list[Any], Any], Any]:
    def convolve(p: list[Any], x: Any) -> Any:
        dims = ("NCHW", "OIHW", "NCHW")
        out = jax.lax.conv_general_dilated(x, p[0], (1, 1), [(padding, padding)] * 2, dimension_numbers=dims)
        return out + p[1][:, None, None]

    return convolve


def _max_pool(size: int) -> Callable[[list[Any], Any], Any]:
    window = (1, 1, size, size)
    return lambda p, x: jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")


def _sequential(*layers: SimpleNamespace) -> SimpleNamespace:
    def run(p: list[Any], x: Any) -> Any:
        for layer in layers:
            x = layer.function(p[: layer.count], x)
            p = p[layer.count :]
        return x

    return _layer(sum(layer.count for layer in layers), run)


class JaxLayers:
    """The layers of the cases, by PyTorch's names. Sizes are those of the parameters that are given to them."""

    Sequential = staticmethod(_sequential)
    Linear = staticmethod(lambda inputs, outputs: _layer(2, lambda p, x: x @ p[0].T + p[1]))
    Conv2d = staticmethod(lambda inputs, outputs, kernel, padding=0: _layer(2, _convolution(padding)))
    MaxPool2d = staticmethod(lambda size: _layer(0, _max_pool(size)))
    Flatten = staticmethod(lambda: _layer(0, lambda p, x: x.reshape(x.shape[0], -1)))
    ReLU = staticmethod(lambda: _layer(0, lambda p, x: jax.nn.relu(x)))
    Tanh = staticmethod(lambda: _layer(0, lambda p, x: jnp.tanh(x)))


def jax_step(case: Case, threads: int) -> Callable[[], Any]:
    """A function that makes one whole step, compiled, and waits for it. It returns the loss.

    One thread is asked for by a compiler option, so that both thread counts live in one process.
    """
    model = case.model(JaxLayers)
    inputs, targets = map(jnp.asarray, batch(case))
    options = {"Adam": (optax.adam, {}), "AdamW": (optax.adamw, {"weight_decay": 1e-2})}
    rule, settings = options[case.rule]
    optimizer = rule(LEARNING_RATE, **settings)
    losses = {
        "cross_entropy": lambda x, y: optax.softmax_cross_entropy_with_integer_labels(x, y).mean(),
        "binary_cross_entropy_with_logits": lambda x, y: optax.sigmoid_binary_cross_entropy(x, y).mean(),
    }
    loss_of = losses[case.loss]

    def update(params: list[Any], state: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
        loss, grads = jax.value_and_grad(lambda p: loss_of(model.function(p, x), y))(params)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    compiled = jax.jit(update, donate_argnums=(0, 1), compiler_options={"xla_cpu_multi_thread_eigen": threads > 1})
    params = [jnp.asarray(w) for w in weights(case)]
    held = [params, optimizer.init(params)]

    def step() -> Any:
        held[0], held[1], loss = compiled(held[0], held[1], inputs, targets)
        jax.block_until_ready((held, loss))
        return loss

    return step
