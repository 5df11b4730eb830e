"""Adamax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import LIKE_PARAMETER, NUMBER
from lucid.optim.gradient_options import OptionsButForeach
from lucid.optim.options import fraction, not_negative, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Adamax(EngineOptimizer):
    r"""Adamax: Adam that divides by the largest recent gradient, not by a root mean square.

    With g the gradient (its negative with ``maximize``; plus ``weight_decay`` · θ) at step t:

    .. math::
        m_t &= β_1 m_{t-1} + (1 - β_1) g \\
        u_t &= \max(β_2 u_{t-1}, |g| + eps) \\
        θ_t &= θ_{t-1} - \frac{lr}{1 - β_1^t} \frac{m_t}{u_t}

    Args:
        params: as :class:`Optimizer`.
        lr: learning rate, 0 or more; a number, a tensor of one element, or a schedule.
        betas: β₁ and β₂, in [0, 1): how much of m and of u is kept at each step.
        eps: keeps the divisor from zero, 0 or more.
        weight_decay: λ, 0 or more; an L2 term λθ is added to the gradient.
        foreach: accepted and without effect, as in :class:`GradientOptions`; PyTorch has it at this place.
        maximize: go up instead of down.
        gradient_options: see :class:`GradientOptions`; ``beta1`` and ``beta2`` override ``betas``.

    Attributes:
        state: for each parameter that had a gradient "step" (a float32 number), "exp_avg" (m) and "exp_inf" (u).

    Raises:
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: D. Kingma, J. Ba: Adam: A method for stochastic optimization, ICLR 2015, algorithm 2, as PyTorch writes it:
    the paper has no eps, and weights do not decay.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([3.0, -3.0]))
        >>> optimizer = lucid.optim.Adamax([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.tolist()
        [2.5, -2.5]
    """

    family = "adamax"
    options = {
        "lr": not_negative,
        "beta1": fraction,
        "beta2": fraction,
        "eps": not_negative,
        "weight_decay": not_negative,
        "maximize": switch,
    }
    state_fields = {
        "step": NUMBER,
        "exp_avg": LIKE_PARAMETER,
        "exp_inf": LIKE_PARAMETER,
    }

    def __init__(
        self,
        params: Any = None,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        **gradient_options: Unpack[OptionsButForeach],
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, foreach=foreach, **gradient_options)
