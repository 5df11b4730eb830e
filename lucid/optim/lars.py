"""LARS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import LIKE_PARAMETER
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.options import not_negative, positive, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Lars(EngineOptimizer):
    r"""Layer-wise adaptive rate scaling: SGD whose steps follow the norm of each parameter. For large batches.

    With g the gradient (its negative with ``maximize``) and Euclidean norms of the whole parameter:

    .. math::
        λ &= trust\_coefficient \frac{‖θ_{t-1}‖}{‖g‖ + weight\_decay · ‖θ_{t-1}‖ + eps} \\
        b_t &= μ b_{t-1} + λ (g + weight\_decay · θ_{t-1}) \\
        θ_t &= θ_{t-1} - lr · b_t

    λ is 1 where ‖θ‖ or ‖g‖ is 0. With ``nesterov`` the last line has λ(g + weight_decay θ) + μ b_t in the place of b_t.

    Args:
        params: as :class:`Optimizer`.
        lr: learning rate, 0 or more; a number, a tensor of one element, or a schedule.
        momentum: μ, 0 or more.
        weight_decay: 0 or more; this times θ is added to the gradient, inside of λ.
        nesterov: Nesterov's momentum; needs momentum above 0.
        trust_coefficient: above 0; lr times this is about the relative change of a parameter in a step.
        eps: keeps the divisor from zero, 0 or more.
        maximize: go up instead of down.
        gradient_options: see :class:`GradientOptions`.

    Attributes:
        state: with momentum, for each parameter that had a gradient "momentum_buffer" (b).

    Raises:
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: Y. You, I. Gitman, B. Ginsburg: Large batch training of convolutional networks, 2017, algorithm 1. There lr
    is part of b; here, as in :class:`SGD` and in the implementations for PyTorch (timm's, NVIDIA's LARC, whose λ for
    norms of 0 this is), it is not: the same while lr stays the same. lr = 1 and eps = 1e-8 are timm's.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([3.0, -4.0]))
        >>> optimizer = lucid.optim.Lars([w], lr=0.5, trust_coefficient=0.2, eps=0)
        >>> w.sum().backward()
        >>> optimizer.step()  # by 0.5 · 0.2 · 5
        >>> [round(x, 5) for x in w.tolist()]
        [2.64645, -4.35355]
    """

    family = "lars"
    options = {
        "lr": not_negative,
        "momentum": not_negative,
        "weight_decay": not_negative,
        "nesterov": switch,
        "trust_coefficient": positive,
        "eps": not_negative,
        "maximize": switch,
    }
    state_fields = {"momentum_buffer": LIKE_PARAMETER}

    def __init__(
        self,
        params: Any = None,
        lr: Any = 1.0,
        momentum: float = 0.9,
        weight_decay: float = 0,
        nesterov: bool = False,
        trust_coefficient: float = 0.001,
        eps: float = 1e-8,
        *,
        maximize: bool = False,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "trust_coefficient": trust_coefficient,
            "eps": eps,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **gradient_options)

    def check_group(self, group: Mapping[str, Any]) -> None:
        """Also refuses Nesterov's momentum where there is none."""
        super().check_group(group)
        if group["nesterov"] and group["momentum"] <= 0:
            raise ValueError("Lars: nesterov needs a momentum above 0")

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """The buffer is there where it is used."""
        return ("momentum_buffer",) if group["momentum"] != 0 else ()
