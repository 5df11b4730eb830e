"""Averaged stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import LIKE_PARAMETER, NUMBER, StateField
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.options import not_negative, number, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack


class ASGD(EngineOptimizer):
    r"""Averaged stochastic gradient descent: beside the parameter, the average of where it was.

    With g the gradient (its negative with ``maximize``; plus ``weight_decay`` · θ) at step t:

    .. math::
        θ_t &= θ_{t-1} - η_t (g + λ θ_{t-1}) \\
        a_t &= a_{t-1} + μ_t (θ_t - a_{t-1}) \\
        η_{t+1} &= \frac{lr}{(1 + λ lr t)^α}, \qquad η_1 = lr \\
        μ_{t+1} &= \frac{1}{\max(1, t - t_0)}, \qquad μ_1 = 1

    a is θ itself up to step t0 + 2, and from there on the mean of every θ. It is not put in the place of θ: read
    ``optimizer.state[p]["ax"]`` for it. η is made one step ahead, so that a changed ``lr`` acts from the step after the
    next on. Each parameter counts its own steps, and one without gradient is left alone.

    Args:
        params: as :class:`Optimizer`.
        lr: learning rate, 0 or more; a number, a tensor of one element, or a schedule.
        lambd: λ: a decay of θ, and how fast η falls.
        alpha: α: the power by which η falls.
        t0: the step at which averaging begins.
        weight_decay: 0 or more; this times θ is added to the gradient.
        maximize: go up instead of down.
        gradient_options: see :class:`GradientOptions`.

    Attributes:
        state: for each parameter that had a gradient "step", "eta" (η of the coming step) and "mu" (μ of the coming
            step), float32 numbers whatever the parameter is, as in PyTorch; and "ax" (a).

    Raises:
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: B. Polyak, A. Juditsky: Acceleration of stochastic approximation by averaging, SIAM J. Control Optim. 30,
    1992; the rates: L. Bottou: Large-scale machine learning with stochastic gradient descent, COMPSTAT 2010.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([4.0]))
        >>> optimizer = lucid.optim.ASGD([w], lr=0.25, lambd=0, t0=0)
        >>> for _ in range(3):
        ...     optimizer.zero_grad()
        ...     (w * w).sum().backward()
        ...     optimizer.step()
        >>> w.item(), optimizer.state[w]["ax"].item()  # by way of 2 and 1
        (0.5, 0.75)
    """

    family = "asgd"
    options = {
        "lr": not_negative,
        "lambd": number,
        "alpha": number,
        "t0": number,
        "weight_decay": not_negative,
        "maximize": switch,
    }
    state_fields = {
        "step": NUMBER,
        "eta": NUMBER,
        "mu": StateField(shape=NUMBER.shape, start=1.0, is_number=True),
        "ax": LIKE_PARAMETER,
    }

    def __init__(
        self,
        params: Any = None,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **gradient_options)

    def state_start(self, name: str, p: Any, group: Mapping[str, Any]) -> float:
        """The first η is the learning rate."""
        return not_negative("ASGD: lr", group["lr"]) if name == "eta" else super().state_start(name, p, group)
