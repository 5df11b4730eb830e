"""AdaBelief."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import LIKE_PARAMETER, NUMBER
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.options import fraction, not_negative, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack


class AdaBelief(EngineOptimizer):
    r"""AdaBelief: Adam that divides by how far gradients are from their average: steady ones make large steps.

    With g the gradient (its negative with ``maximize``; plus ``weight_decay`` · θ if that is not decoupled) at step t:

    .. math::
        m_t &= β_1 m_{t-1} + (1 - β_1) g \\
        s_t &= β_2 s_{t-1} + (1 - β_2) (g - m_t)^2 + eps \\
        θ_t &= θ_{t-1} - lr \frac{m_t / (1 - β_1^t)}{\sqrt{s_t / (1 - β_2^t)} + eps}

    Args:
        params: as :class:`Optimizer`.
        lr: learning rate, 0 or more; a number, a tensor of one element, or a schedule.
        betas: β₁ and β₂, in [0, 1): how much of the averages m and s is kept at each step.
        eps: keeps the divisor from zero, 0 or more. It is under the root, too: Adam's 1e-8 is 1e-16 here.
        weight_decay: λ, 0 or more.
        amsgrad: divide by the largest s so far.
        decoupled_weight_decay: θ ← θ - lr·λ·θ beside the step, as :class:`AdamW`; False adds λθ to the gradient.
        rectify: take the steps of :class:`RAdam`, with s in the place of v.
        maximize: go up instead of down.
        gradient_options: see :class:`GradientOptions`; ``beta1`` and ``beta2`` override ``betas``.

    Attributes:
        state: for each parameter that had a gradient "step" (a float32 number), "exp_avg" (m), "exp_avg_var" (s) and,
            with amsgrad, "max_exp_avg_var".

    Raises:
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: J. Zhuang, T. Tang, Y. Ding, S. Tatikonda, N. Dvornek, X. Papademetris, J. Duncan: AdaBelief optimizer:
    Adapting stepsizes by the belief in observed gradients, NeurIPS 2020, algorithm 2. Defaults: eps and decoupled decay
    as in the authors' package since its version 0.1, because the paper's eps of 1e-8 hides most of s; ``rectify``
    is off as in the paper and in optax (the package has it on).

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([3.0, -3.0]))
        >>> optimizer = lucid.optim.AdaBelief([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> [round(x, 3) for x in w.tolist()]
        [2.444, -2.444]
    """

    family = "adabelief"
    options = {
        "lr": not_negative,
        "beta1": fraction,
        "beta2": fraction,
        "eps": not_negative,
        "weight_decay": not_negative,
        "amsgrad": switch,
        "decoupled_weight_decay": switch,
        "rectify": switch,
        "maximize": switch,
    }
    state_fields = {
        "step": NUMBER,
        "exp_avg": LIKE_PARAMETER,
        "exp_avg_var": LIKE_PARAMETER,
        "max_exp_avg_var": LIKE_PARAMETER,
    }

    def __init__(
        self,
        params: Any = None,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-16,
        weight_decay: float = 0,
        amsgrad: bool = False,
        decoupled_weight_decay: bool = True,
        rectify: bool = False,
        *,
        maximize: bool = False,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "decoupled_weight_decay": decoupled_weight_decay,
            "rectify": rectify,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **gradient_options)

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """The largest s is there where it is used."""
        return tuple(self.state_fields) if group["amsgrad"] else ("step", "exp_avg", "exp_avg_var")
