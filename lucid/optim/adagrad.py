"""Adagrad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import LIKE_PARAMETER, NUMBER
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.options import not_negative, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Adagrad(EngineOptimizer):
    r"""Adagrad: gradients divided by the root of the sum of all their squares so far.

    With g the gradient (its negative with ``maximize``; plus ``weight_decay`` · θ) at step t:

    .. math::
        s_t &= s_{t-1} + g^2, \qquad s_0 = initial\_accumulator\_value \\
        θ_t &= θ_{t-1} - \frac{lr}{1 + (t - 1) lr\_decay} · \frac{g}{\sqrt{s_t} + eps}

    Each parameter counts its own steps, and one without gradient is left alone.

    Args:
        params: as :class:`Optimizer`.
        lr: learning rate, 0 or more; a number, a tensor of one element, or a schedule.
        lr_decay: 0 or more: how fast the learning rate falls.
        weight_decay: 0 or more; this times θ is added to the gradient.
        initial_accumulator_value: 0 or more: what sums begin with; a group may have its own. A sum is made at the first
            step that finds a gradient.
        eps: keeps the divisor from zero, 0 or more.
        maximize: go up instead of down.
        gradient_options: see :class:`GradientOptions`.

    Attributes:
        state: for each parameter that had a gradient "step" (a float32 number) and "sum" (s).

    Raises:
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: J. Duchi, E. Hazan, Y. Singer: Adaptive subgradient methods for online learning and stochastic
    optimization, JMLR 12, 2011; ``lr_decay`` and ``initial_accumulator_value`` as in PyTorch.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([3.0, -3.0]))
        >>> optimizer = lucid.optim.Adagrad([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.tolist()
        [2.5, -2.5]
    """

    family = "adagrad"
    options = {
        "lr": not_negative,
        "lr_decay": not_negative,
        "weight_decay": not_negative,
        "initial_accumulator_value": not_negative,
        "eps": not_negative,
        "maximize": switch,
    }
    state_fields = {"step": NUMBER, "sum": LIKE_PARAMETER}

    def __init__(
        self,
        params: Any = None,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "eps": eps,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **gradient_options)

    def state_start(self, name: str, p: Any, group: Mapping[str, Any]) -> float:
        """Sums begin with the group's initial_accumulator_value."""
        if name == "sum":
            return not_negative("Adagrad: initial_accumulator_value", group["initial_accumulator_value"])
        return super().state_start(name, p, group)
