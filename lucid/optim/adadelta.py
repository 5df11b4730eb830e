"""Adadelta."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import LIKE_PARAMETER, NUMBER
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.options import not_negative, portion, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Adadelta(EngineOptimizer):
    r"""Adadelta: steps in the unit of the parameter itself, without a learning rate to find.

    With g the gradient (its negative with ``maximize``; plus ``weight_decay`` · θ):

    .. math::
        v_t &= ρ v_{t-1} + (1 - ρ) g^2 \\
        Δ_t &= \frac{\sqrt{u_{t-1} + eps}}{\sqrt{v_t + eps}} g \\
        u_t &= ρ u_{t-1} + (1 - ρ) Δ_t^2 \\
        θ_t &= θ_{t-1} - lr · Δ_t

    Args:
        params: as :class:`Optimizer`.
        lr: what changes are multiplied by, 0 or more; 1 in the paper. A number, a tensor of one element, or a schedule.
        rho: ρ, in [0, 1]: how much of the averages is kept at each step.
        eps: 0 or more. It keeps the divisor from zero, and gives the first step its size: with 0 nothing ever moves.
        weight_decay: 0 or more; this times θ is added to the gradient.
        maximize: go up instead of down.
        gradient_options: see :class:`GradientOptions`.

    Attributes:
        state: for each parameter that had a gradient "step" (a float32 number), "square_avg" (v) and "acc_delta" (u).

    Raises:
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: M. Zeiler: Adadelta: an adaptive learning rate method, 2012, algorithm 1.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([3.0, -3.0]))
        >>> optimizer = lucid.optim.Adadelta([w], rho=0.75, eps=1.0)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> [round(x, 4) for x in w.tolist()]
        [1.1026, -1.1026]
    """

    family = "adadelta"
    options = {
        "lr": not_negative,
        "rho": portion,
        "eps": not_negative,
        "weight_decay": not_negative,
        "maximize": switch,
    }
    state_fields = {"step": NUMBER, "square_avg": LIKE_PARAMETER, "acc_delta": LIKE_PARAMETER}

    def __init__(
        self,
        params: Any = None,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        defaults = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, defaults, **gradient_options)
