"""RMSprop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import LIKE_PARAMETER, NUMBER
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.options import not_negative, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack


class RMSprop(EngineOptimizer):
    r"""RMSprop: gradients divided by a moving average of their size.

    With g the gradient (its negative with ``maximize``; plus ``weight_decay`` · θ):

    .. math::
        v_t &= α v_{t-1} + (1 - α) g^2 \\
        b_t &= momentum · b_{t-1} + \frac{g}{\sqrt{v_t} + eps} \\
        θ_t &= θ_{t-1} - lr · b_t

    ``centered`` divides by the standard deviation: it puts v_t - a_t² in the place of v_t in the second line, where
    a_t = α a_{t-1} + (1 - α) g is the mean; a difference that rounding makes negative counts as 0.

    Args:
        params: as :class:`Optimizer`.
        lr: learning rate, 0 or more; a number, a tensor of one element, or a schedule.
        alpha: α, 0 or more: how much of the averages is kept at each step.
        eps: keeps the divisor from zero, 0 or more.
        weight_decay: 0 or more; this times θ is added to the gradient.
        momentum: 0 or more: how much of the last change is made again.
        centered: divide by the standard deviation of gradients, not by their root mean square.
        maximize: go up instead of down.
        gradient_options: see :class:`GradientOptions`.

    Attributes:
        state: for each parameter that had a gradient "step" (a float32 number), "square_avg" (v) and, where they are
            used, "momentum_buffer" (b) and "grad_avg" (a).

    Raises:
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: T. Tieleman, G. Hinton: Lecture 6.5, Neural networks for machine learning, Coursera 2012; centered:
    A. Graves: Generating sequences with recurrent neural networks, 2013, equations 38 to 45; eps outside of the root,
    as PyTorch writes it.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([3.0, -3.0]))
        >>> optimizer = lucid.optim.RMSprop([w], lr=0.25, alpha=0.75)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.tolist()
        [2.5, -2.5]
    """

    family = "rmsprop"
    options = {
        "lr": not_negative,
        "alpha": not_negative,
        "eps": not_negative,
        "weight_decay": not_negative,
        "momentum": not_negative,
        "centered": switch,
        "maximize": switch,
    }
    state_fields = {
        "step": NUMBER,
        "square_avg": LIKE_PARAMETER,
        "momentum_buffer": LIKE_PARAMETER,
        "grad_avg": LIKE_PARAMETER,
    }

    def __init__(
        self,
        params: Any = None,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        defaults = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "centered": centered,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **gradient_options)

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """The last change and the mean are there where they are used."""
        unused = {"momentum_buffer": group["momentum"] == 0, "grad_avg": not group["centered"]}
        return tuple(name for name in self.state_fields if not unused.get(name))
