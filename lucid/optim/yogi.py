"""Yogi."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import LIKE_PARAMETER, NUMBER
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.options import fraction, not_negative, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Yogi(EngineOptimizer):
    r"""Yogi: Adam whose second moment never changes by more than the size of g².

    A few small gradients after large ones do not make steps large, as they do with Adam.

    With g the gradient (its negative with ``maximize``; plus ``weight_decay`` · θ) at step t:

    .. math::
        m_t &= β_1 m_{t-1} + (1 - β_1) g \\
        v_t &= v_{t-1} - (1 - β_2) \operatorname{sign}(v_{t-1} - g^2) g^2 \\
        θ_t &= θ_{t-1} - lr \frac{m_t / (1 - β_1^t)}{\sqrt{v_t / (1 - β_2^t)} + eps}

    Args:
        params: as :class:`Optimizer`.
        lr: learning rate, 0 or more; a number, a tensor of one element, or a schedule.
        betas: β₁ and β₂, in [0, 1): how much of m is kept at each step, and how slowly v follows g².
        eps: keeps the divisor from zero, 0 or more.
        initial_accumulator: what m and v start from, 0 or more.
        weight_decay: λ, 0 or more; an L2 term λθ is added to the gradient.
        maximize: go up instead of down.
        decoupled_weight_decay: decay weights beside the step, as :class:`AdamW`: θ ← θ - lr·λ·θ.
        gradient_options: see :class:`GradientOptions`; ``beta1`` and ``beta2`` override ``betas``.

    Attributes:
        state: for each parameter that had a gradient "step" (a float32 number), "exp_avg" (m) and "exp_avg_sq" (v).

    Raises:
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: M. Zaheer, S. Reddi, D. Sachan, S. Kale, S. Kumar: Adaptive methods for nonconvex optimization, NeurIPS
    2018, algorithm 2. lr and eps are the paper's. The paper does not divide by 1 - βᵗ and does not say where v starts;
    here both are as in the established implementations, torch_optimizer's and optax's. Decoupled decay is an addition.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([3.0, -3.0]))
        >>> optimizer = lucid.optim.Yogi([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> [round(x, 3) for x in w.tolist()]
        [2.5, -2.5]
    """

    family = "yogi"
    options = {
        "lr": not_negative,
        "beta1": fraction,
        "beta2": fraction,
        "eps": not_negative,
        "initial_accumulator": not_negative,
        "weight_decay": not_negative,
        "maximize": switch,
        "decoupled_weight_decay": switch,
    }
    state_fields = {
        "step": NUMBER,
        "exp_avg": LIKE_PARAMETER,
        "exp_avg_sq": LIKE_PARAMETER,
    }

    def __init__(
        self,
        params: Any = None,
        lr: Any = 1e-2,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-3,
        initial_accumulator: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "initial_accumulator": initial_accumulator,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults, **gradient_options)

    def state_start(self, name: str, p: Any, group: Mapping[str, Any]) -> float:
        """Both moments start from an option."""
        if name == "step":
            return 0.0
        return not_negative("Yogi: initial_accumulator", group["initial_accumulator"])
