"""Fromage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.options import not_negative, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Fromage(EngineOptimizer):
    r"""Frobenius matched gradient descent: each parameter moves by ``lr`` times its own norm. Without state.

    With g the gradient (its negative with ``maximize``; plus ``weight_decay`` · θ) and Euclidean norms of the whole
    parameter:

    .. math::
        θ_t = \frac{1}{\sqrt{1 + lr^2}} \left(θ_{t-1} - lr \frac{‖θ_{t-1}‖}{‖g‖} g\right)

    The ratio of the norms is 1 where either is 0.

    Args:
        params: as :class:`Optimizer`.
        lr: learning rate, 0 or more; a number, a tensor of one element, or a schedule.
        weight_decay: 0 or more; this times θ is added to the gradient. (The paper has none.)
        maximize: go up instead of down.
        gradient_options: see :class:`GradientOptions`. Only the direction of gradients counts.

    Attributes:
        state: empty.

    Raises:
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: J. Bernstein, A. Vahdat, Y. Yue, M.-Y. Liu: On the distance between two neural networks and the stability of
    learning, NeurIPS 2020, algorithm 1, with its authors' lr and their ratio for norms of 0.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([3.0, -4.0]))
        >>> optimizer = lucid.optim.Fromage([w], lr=0.75)
        >>> (w * lucid.tensor([4.0, 3.0])).sum().backward()
        >>> optimizer.step()  # at a right angle to w, whose norm stays
        >>> [round(x, 5) for x in w.tolist()]
        [0.0, -5.0]
    """

    family = "fromage"
    options = {"lr": not_negative, "weight_decay": not_negative, "maximize": switch}
    state_fields = {}

    def __init__(
        self,
        params: Any = None,
        lr: Any = 0.01,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        defaults = {"lr": lr, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, defaults, **gradient_options)
