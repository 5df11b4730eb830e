"""NAdam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import LIKE_PARAMETER, NUMBER
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.options import fraction, not_negative, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack


class NAdam(EngineOptimizer):
    r"""NAdam: Adam with Nesterov's momentum, which grows from step to step.

    With g the gradient (its negative with ``maximize``; plus ``weight_decay`` · θ) at step t:

    .. math::
        μ_t &= β_1 (1 - 0.96^{t · momentum\_decay} / 2), \qquad M_t = μ_1 ⋯ μ_t \\
        m_t &= β_1 m_{t-1} + (1 - β_1) g \\
        v_t &= β_2 v_{t-1} + (1 - β_2) g^2 \\
        θ_t &= θ_{t-1} - lr \frac{g (1 - μ_t) / (1 - M_t) + m_t μ_{t+1} / (1 - M_{t+1})}
               {\sqrt{v_t / (1 - β_2^t)} + eps}

    Args:
        params: as :class:`Optimizer`.
        lr: learning rate, 0 or more; a number, a tensor of one element, or a schedule.
        betas: β₁ and β₂, in [0, 1): how much of the averages m and v is kept at each step.
        eps: keeps the divisor from zero, 0 or more.
        weight_decay: λ, 0 or more; an L2 term λθ is added to the gradient.
        momentum_decay: how fast μ grows from about β₁ / 2 to β₁, 0 or more.
        decoupled_weight_decay: decay weights beside the step, as :class:`AdamW`: θ ← θ - lr·λ·θ.
        maximize: go up instead of down.
        gradient_options: see :class:`GradientOptions`; ``beta1`` and ``beta2`` override ``betas``.

    Attributes:
        state: for each parameter that had a gradient "step" and "mu_product" (M; float32 numbers), "exp_avg" (m) and
            "exp_avg_sq" (v).

    Raises:
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: T. Dozat: Incorporating Nesterov momentum into Adam, ICLR workshop 2016, as PyTorch writes it.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([3.0, -3.0]))
        >>> optimizer = lucid.optim.NAdam([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> [round(x, 3) for x in w.tolist()]
        [2.472, -2.472]
    """

    family = "nadam"
    options = {
        "lr": not_negative,
        "beta1": fraction,
        "beta2": fraction,
        "eps": not_negative,
        "weight_decay": not_negative,
        "momentum_decay": not_negative,
        "decoupled_weight_decay": switch,
        "maximize": switch,
    }
    state_fields = {
        "step": NUMBER,
        "mu_product": NUMBER._replace(start=1.0),
        "exp_avg": LIKE_PARAMETER,
        "exp_avg_sq": LIKE_PARAMETER,
    }

    def __init__(
        self,
        params: Any = None,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **gradient_options)
