"""Lion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import LIKE_PARAMETER
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.options import fraction, not_negative, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Lion(EngineOptimizer):
    r"""Lion: steps of exactly ``lr`` along the sign of an average of gradients.

    With g the gradient (its negative with ``maximize``):

    .. math::
        c_t &= β_1 m_{t-1} + (1 - β_1) g \\
        θ_t &= θ_{t-1} - lr (\operatorname{sign}(c_t) + λ θ_{t-1}) \\
        m_t &= β_2 m_{t-1} + (1 - β_2) g

    Its lr is 3 to 10 times smaller than AdamW's, and its weight decay as many times larger. A number of c that is 0
    makes no step, one that is NaN a step to NaN.

    Args:
        params: as :class:`Optimizer`.
        lr: learning rate, 0 or more; a number, a tensor of one element, or a schedule.
        betas: β₁ and β₂, in [0, 1): the part of m in c, and how much of m is kept at each step.
        weight_decay: λ, 0 or more; decoupled, as in :class:`AdamW`.
        maximize: go up instead of down.
        gradient_options: see :class:`GradientOptions`; ``beta1`` and ``beta2`` override ``betas``.

    Attributes:
        state: for each parameter that had a gradient "exp_avg" (m).

    Raises:
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: X. Chen, C. Liang, D. Huang, E. Real, K. Wang and others: Symbolic discovery of optimization algorithms,
    NeurIPS 2023, algorithm 2; defaults of the authors' implementation.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([3.0, -3.0, 0.0]))
        >>> optimizer = lucid.optim.Lion([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.tolist()
        [2.5, -2.5, 0.0]
    """

    family = "lion"
    options = {
        "lr": not_negative,
        "beta1": fraction,
        "beta2": fraction,
        "weight_decay": not_negative,
        "maximize": switch,
    }
    state_fields = {
        "exp_avg": LIKE_PARAMETER,
    }

    def __init__(
        self,
        params: Any = None,
        lr: Any = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0,
        *,
        maximize: bool = False,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **gradient_options)
