"""NovoGrad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import LIKE_PARAMETER, StateField
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.options import fraction, not_negative, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack

# One number of the parameter's own type: as float32 it would limit steps of float64 parameters to 8 digits.
_ONE_OF_ITS_TYPE = StateField(shape=lambda shape: ())


class NovoGrad(EngineOptimizer):
    r"""NovoGrad: gradients divided by a moving average of their norm, which is one number for each parameter.

    With g the gradient (its negative with ``maximize``) and Euclidean norms of the whole parameter:

    .. math::
        v_t &= β_2 v_{t-1} + (1 - β_2) ‖g‖^2, \qquad v_1 = ‖g‖^2 \\
        m_t &= β_1 m_{t-1} + \frac{g}{\sqrt{v_t} + eps} + weight\_decay · θ_{t-1} \\
        θ_t &= θ_{t-1} - lr · m_t

    With ``grad_averaging`` what is added to β₁m counts 1 - β₁. ``amsgrad`` puts the largest v so far in the place of v
    in the second line.

    Args:
        params: as :class:`Optimizer`.
        lr: learning rate, 0 or more; a number, a tensor of one element, or a schedule.
        betas: β₁ and β₂, in [0, 1).
        eps: keeps the divisor from zero, 0 or more.
        weight_decay: 0 or more; this times θ is added to the divided gradient.
        grad_averaging: make m an average of what is added to it, not a sum.
        amsgrad: divide by the largest v so far.
        maximize: go up instead of down.
        gradient_options: see :class:`GradientOptions`; ``beta1`` and ``beta2`` override ``betas``.

    Attributes:
        state: for each parameter that had a gradient "exp_avg" (m), "exp_avg_sq" (v, one number of the parameter's
            type) and, with amsgrad, "max_exp_avg_sq" (the same).

    Raises:
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: B. Ginsburg et al.: Stochastic gradient methods with layer-wise adaptive moments for training of deep
    networks, 2019, algorithm 1, with its β. As in NVIDIA's implementation v is ‖g‖² as long as it is 0 (gradients of 0
    at first do not count), and ``grad_averaging`` holds for the first step too.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([2.0, 2.0]))
        >>> optimizer = lucid.optim.NovoGrad([w], lr=0.5, eps=0)
        >>> (w * lucid.tensor([3.0, -4.0])).sum().backward()
        >>> optimizer.step()  # by 0.5 · (3, -4) / 5
        >>> [round(x, 5) for x in w.tolist()]
        [1.7, 2.4]
    """

    family = "novograd"
    options = {
        "lr": not_negative,
        "beta1": fraction,
        "beta2": fraction,
        "eps": not_negative,
        "weight_decay": not_negative,
        "grad_averaging": switch,
        "amsgrad": switch,
        "maximize": switch,
    }
    state_fields = {
        "exp_avg": LIKE_PARAMETER,
        "exp_avg_sq": _ONE_OF_ITS_TYPE,
        "max_exp_avg_sq": _ONE_OF_ITS_TYPE,
    }

    def __init__(
        self,
        params: Any = None,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.95, 0.98),
        eps: float = 1e-8,
        weight_decay: float = 0,
        grad_averaging: bool = False,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "grad_averaging": grad_averaging,
            "amsgrad": amsgrad,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **gradient_options)

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """The largest v is there where it is used."""
        return tuple(self.state_fields) if group["amsgrad"] else ("exp_avg", "exp_avg_sq")
