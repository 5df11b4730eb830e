"""RAdam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import LIKE_PARAMETER, NUMBER
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.options import fraction, not_negative, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack


class RAdam(EngineOptimizer):
    r"""RAdam: Adam whose steps are smaller, or without divisor, while few gradients are known.

    With g the gradient (its negative with ``maximize``; plus ``weight_decay`` · θ) at step t:

    .. math::
        m_t &= β_1 m_{t-1} + (1 - β_1) g, \qquad v_t = β_2 v_{t-1} + (1 - β_2) g^2 \\
        ρ_∞ &= 2 / (1 - β_2) - 1, \qquad ρ_t = ρ_∞ - 2 t β_2^t / (1 - β_2^t) \\
        r_t &= \sqrt{\frac{(ρ_t - 4) (ρ_t - 2) ρ_∞}{(ρ_∞ - 4) (ρ_∞ - 2) ρ_t}} \\
        θ_t &= θ_{t-1} - lr \frac{m_t}{1 - β_1^t} \cdot
               \begin{cases} r_t \sqrt{1 - β_2^t} / (\sqrt{v_t} + eps) & ρ_t > 5 \\ 1 & ρ_t ≤ 5 \end{cases}

    Args:
        params: as :class:`Optimizer`.
        lr: learning rate, 0 or more; a number, a tensor of one element, or a schedule.
        betas: β₁ and β₂, in [0, 1): how much of the averages m and v is kept at each step.
        eps: keeps the divisor from zero, 0 or more.
        weight_decay: λ, 0 or more; an L2 term λθ is added to the gradient.
        decoupled_weight_decay: decay weights beside the step, as :class:`AdamW`: θ ← θ - lr·λ·θ.
        maximize: go up instead of down.
        gradient_options: see :class:`GradientOptions`; ``beta1`` and ``beta2`` override ``betas``.

    Attributes:
        state: for each parameter that had a gradient "step" (a float32 number), "exp_avg" (m) and "exp_avg_sq" (v).

    Raises:
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: L. Liu, H. Jiang, P. He, W. Chen, X. Liu, J. Gao, J. Han: On the variance of the adaptive learning rate and
    beyond, ICLR 2020, algorithm 2, as PyTorch writes it: ρ_t > 5 where the paper has 4.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([3.0, -3.0]))
        >>> optimizer = lucid.optim.RAdam([w], lr=0.25)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> [round(x, 6) for x in w.tolist()]  # the first steps have no divisor
        [1.5, -1.5]
    """

    family = "radam"
    options = {
        "lr": not_negative,
        "beta1": fraction,
        "beta2": fraction,
        "eps": not_negative,
        "weight_decay": not_negative,
        "decoupled_weight_decay": switch,
        "maximize": switch,
    }
    state_fields = {
        "step": NUMBER,
        "exp_avg": LIKE_PARAMETER,
        "exp_avg_sq": LIKE_PARAMETER,
    }

    def __init__(
        self,
        params: Any = None,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **gradient_options)
