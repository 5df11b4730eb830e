"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import LIKE_PARAMETER
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.options import not_negative, number, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack


class SGD(EngineOptimizer):
    r"""Stochastic gradient descent, with momentum and Nesterov's momentum.

    With g the gradient (its negative with ``maximize``; plus ``weight_decay`` · θ):

    .. math::
        b_t &= μ b_{t-1} + (1 - dampening) g, \qquad b_1 = g \\
        θ_t &= θ_{t-1} - lr · b_t

    With ``nesterov`` the last line has g + μ b_t in the place of b_t; without momentum it has g.

    Args:
        params: as :class:`Optimizer`.
        lr: learning rate, 0 or more; a number, a tensor of one element, or a schedule.
        momentum: μ, 0 or more.
        dampening: how much less than 1 a gradient counts in b.
        weight_decay: 0 or more; this times θ is added to the gradient.
        nesterov: Nesterov's momentum; needs momentum above 0 and no dampening.
        maximize: go up instead of down.
        gradient_options: see :class:`GradientOptions`.

    Attributes:
        state: with momentum, for each parameter that had a gradient "momentum_buffer" (b).

    Raises:
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: I. Sutskever, J. Martens, G. Dahl, G. Hinton: On the importance of initialization and momentum in deep
    learning, ICML 2013, as PyTorch writes it: lr is not part of b.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([3.0, -3.0]))
        >>> optimizer = lucid.optim.SGD([w], lr=0.25, momentum=0.5)
        >>> for _ in range(2):
        ...     optimizer.zero_grad()
        ...     (w * w).sum().backward()
        ...     optimizer.step()
        >>> w.tolist()
        [0.0, 0.0]
    """

    family = "sgd"
    options = {
        "lr": not_negative,
        "momentum": not_negative,
        "dampening": number,
        "weight_decay": not_negative,
        "nesterov": switch,
        "maximize": switch,
    }
    state_fields = {"momentum_buffer": LIKE_PARAMETER}

    def __init__(
        self,
        params: Any = None,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **gradient_options)

    def check_group(self, group: Mapping[str, Any]) -> None:
        """Also refuses Nesterov's momentum where there is none, or dampening."""
        super().check_group(group)
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError("SGD: nesterov needs a momentum above 0 and a dampening of 0")

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """The buffer is there where it is used."""
        return ("momentum_buffer",) if group["momentum"] != 0 else ()
