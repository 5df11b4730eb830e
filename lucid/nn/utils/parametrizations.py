"""Ready-made parametrizations; see :mod:`lucid.nn.utils.parametrize`."""

from __future__ import annotations

from typing import Any

from lucid.nn.module import Module
from lucid.nn.utils.parametrize import register_parametrization
from lucid.ops.arithmetic import div, mul
from lucid.ops.matrix_norm import vector_norm
from lucid.types import Tensor


class _WeightNorm(Module):
    """weight = magnitude · direction / ‖direction‖, with norms over all dimensions but one, or over all."""

    def __init__(self, dim: int | None) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def _norm(self, x: Tensor) -> Tensor:
        if self.dim == -1:
            return vector_norm(x)
        if not 0 <= self.dim < len(x.shape):
            raise IndexError(f"weight_norm: dim {self.dim} is out of range for shape {x.shape}")
        others = tuple(d for d in range(len(x.shape)) if d != self.dim)
        return vector_norm(x, 2, others, keepdim=True) if others else vector_norm(x.reshape(-1, 1), 2, 1)

    def forward(self, magnitude: Tensor, direction: Tensor) -> Tensor:
        return mul(direction, div(magnitude, self._norm(direction)))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return self._norm(weight), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Trains the length and the direction of weights apart: w = g · v / ‖v‖.

    Args:
        module: the module that has the weight.
        name: the attribute.
        dim: the dimension whose slices each have a length g of their own; None (or −1) for one length of all.

    Returns:
        The module. g is ``module.parametrizations.weight.original0``, v ``original1``: new parameters, which an
        optimizer made before does not know. A state in which they are called ``weight_g`` and ``weight_v`` fits too.

    Raises:
        ValueError: when the module has no such parameter.

    Source: Salimans and Kingma 2016, Weight Normalization.

    Example:
        >>> import lucid
        >>> layer = lucid.nn.utils.parametrizations.weight_norm(lucid.nn.Linear(20, 40))
        >>> layer.parametrizations.weight.original0.shape, layer.parametrizations.weight.original1.shape
        ((40, 1), (40, 20))
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(_: Module, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        """The names of a state saved with PyTorch's older weight_norm."""
        old = prefix + name + "_g", prefix + name + "_v"
        if all(key in state for key in old):
            for i, key in enumerate(old):
                state[f"{prefix}parametrizations.{name}.original{i}"] = state.pop(key)

    module.register_load_state_dict_pre_hook(rename)
    return module
