"""SM3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import LIKE_PARAMETER, StateField
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.options import fraction, not_negative, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack

_ONE_FOR_EACH_INDEX = StateField(shape=lambda shape: (sum(shape) if shape else 1,))


class SM3(EngineOptimizer):
    r"""SM3-II: Adagrad with one accumulator for each row and each column in the place of one for each number.

    With g the gradient (its negative with ``maximize``; plus ``weight_decay`` · θ), for a parameter of n dimensions
    with accumulators μ₁ ... μₙ, one number for each index of the dimension, all 0 at first:

    .. math::
        ν_{i_1 ... i_n} &= \min(μ_1[i_1], ..., μ_n[i_n]) + g_{i_1 ... i_n}^2 \\
        μ_d[i] &= \max \{ν_{i_1 ... i_n} : i_d = i\} \\
        m &= momentum · m + (1 - momentum) \frac{g}{\sqrt{ν + eps}} \\
        θ &= θ - lr · m

    where 0 / 0 is 0. With ``beta`` above 0 the first line is ν = beta · min(...) + (1 - beta) g²: steps do not shrink
    for ever. A vector, or a single number, has an accumulator for each number: that is Adagrad.

    Args:
        params: as :class:`Optimizer`.
        lr: learning rate, 0 or more; a number, a tensor of one element, or a schedule.
        momentum: in [0, 1).
        beta: in [0, 1); 0 sums up squares as the paper does.
        eps: keeps the divisor from zero, 0 or more.
        weight_decay: 0 or more; this times θ is added to the gradient.
        maximize: go up instead of down.
        gradient_options: see :class:`GradientOptions`.

    Attributes:
        state: for each parameter that had a gradient "accumulator" and, with momentum, "momentum_buffer" (m).
            "accumulator" is one row of numbers, μ₁ then μ₂ and so on: n₁ + n₂ for a matrix of n₁ × n₂.

    Raises:
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: R. Anil, V. Gupta, T. Koren, Y. Singer: Memory-efficient adaptive optimization, NeurIPS 2019, algorithm
    SM3-II; momentum and eps as in its authors' code; ``beta`` and the other defaults as in torch_optimizer.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.zeros(2, 2))
        >>> optimizer = lucid.optim.SM3([w], lr=0.5)
        >>> (w * lucid.tensor([[1.0, 2.0], [3.0, 0.0]])).sum().backward()
        >>> optimizer.step()
        >>> w.tolist()
        [[-0.5, -0.5], [-0.5, 0.0]]
        >>> optimizer.state[w]["accumulator"].tolist()  # of the rows, of the columns
        [4.0, 9.0, 9.0, 4.0]
    """

    family = "sm3"
    options = {
        "lr": not_negative,
        "momentum": fraction,
        "beta": fraction,
        "eps": not_negative,
        "weight_decay": not_negative,
        "maximize": switch,
    }
    state_fields = {"accumulator": _ONE_FOR_EACH_INDEX, "momentum_buffer": LIKE_PARAMETER}

    def __init__(
        self,
        params: Any = None,
        lr: Any = 0.1,
        momentum: float = 0,
        beta: float = 0,
        eps: float = 1e-30,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "beta": beta,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **gradient_options)

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """The buffer is there where it is used."""
        return tuple(self.state_fields) if group["momentum"] != 0 else ("accumulator",)
