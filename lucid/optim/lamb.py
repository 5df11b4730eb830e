"""LAMB."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import LIKE_PARAMETER, NUMBER
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.options import fraction, not_negative, positive, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Lamb(EngineOptimizer):
    r"""LAMB: steps of :class:`Adam`, each parameter's scaled to its norm. For large batches.

    With g the gradient (its negative with ``maximize``) at step t, and Euclidean norms of the whole parameter:

    .. math::
        m_t &= β_1 m_{t-1} + (1 - β_1) g \\
        v_t &= β_2 v_{t-1} + (1 - β_2) g^2 \\
        u &= \frac{m_t / (1 - β_1^t)}{\sqrt{v_t / (1 - β_2^t)} + eps} + weight\_decay · θ_{t-1} \\
        θ_t &= θ_{t-1} - lr \frac{φ(‖θ_{t-1}‖)}{‖u‖} u, \qquad φ(x) = \min(x, clamp\_value)

    The ratio φ(‖θ‖) / ‖u‖ is 1 where either norm is 0, and with ``trust_clip`` at most 1.

    Args:
        params: as :class:`Optimizer`.
        lr: learning rate, 0 or more; a number, a tensor of one element, or a schedule.
        betas: β₁ and β₂, in [0, 1).
        eps: keeps the divisor from zero, 0 or more.
        weight_decay: 0 or more; this times θ is part of u.
        clamp_value: above 0; φ's upper bound (in cybertronai's pytorch-lamb and in torch_optimizer, where it is 10).
        bias_correction: divide the averages by 1 - β₁ᵗ and 1 - β₂ᵗ; without, they count as they are.
        trust_clip: limit the ratio to 1 (LAMBC, in timm).
        maximize: go up instead of down.
        gradient_options: see :class:`GradientOptions`; ``beta1`` and ``beta2`` override ``betas``, and
            ``grad_clip_norm=1`` limits the norm of all gradients as NVIDIA's FusedLAMB does.

    Attributes:
        state: for each parameter that had a gradient "step" (a float32 number), "exp_avg" (m) and "exp_avg_sq" (v).

    Raises:
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: Y. You et al.: Large batch optimization for deep learning: training BERT in 76 minutes, ICLR 2020,
    algorithm 2, with its β and eps, φ(x) = x, and the weight decay of its BERT.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([3.0, -4.0]))
        >>> optimizer = lucid.optim.Lamb([w], lr=0.5, weight_decay=0)
        >>> w.sum().backward()
        >>> optimizer.step()  # by 0.5 · 5
        >>> [round(x, 4) for x in w.tolist()]
        [1.2322, -5.7678]
    """

    family = "lamb"
    options = {
        "lr": not_negative,
        "beta1": fraction,
        "beta2": fraction,
        "eps": not_negative,
        "weight_decay": not_negative,
        "clamp_value": positive,
        "bias_correction": switch,
        "trust_clip": switch,
        "maximize": switch,
    }
    state_fields = {"step": NUMBER, "exp_avg": LIKE_PARAMETER, "exp_avg_sq": LIKE_PARAMETER}

    def __init__(
        self,
        params: Any = None,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.01,
        clamp_value: float = math.inf,
        bias_correction: bool = True,
        *,
        trust_clip: bool = False,
        maximize: bool = False,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "clamp_value": clamp_value,
            "bias_correction": bias_correction,
            "trust_clip": trust_clip,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **gradient_options)
