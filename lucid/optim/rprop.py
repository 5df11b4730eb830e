"""Resilient backpropagation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import LIKE_PARAMETER, NUMBER
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.options import not_negative, numbers_of, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack


def _etas(name: str, value: Any) -> list[float]:
    """What steps are multiplied by: below 1, above 1."""
    smaller, larger = numbers_of(2)(name, value)
    if not 0 < smaller < 1 < larger:
        raise ValueError(f"{name} must lie in (0, 1) and above 1, got {value!r}")
    return [smaller, larger]


def _bounds(name: str, value: Any) -> list[float]:
    """The smallest and the largest step."""
    smallest, largest = numbers_of(2, not_negative)(name, value)
    if smallest > largest:
        raise ValueError(f"{name} must be (smallest, largest), got {value!r}")
    return [smallest, largest]


class Rprop(EngineOptimizer):
    r"""Resilient backpropagation: each number has its own step size, and only the signs of its gradients count.

    With g the gradient (its negative with ``maximize``; plus ``weight_decay`` · θ) and g' the one before, number by
    number:

    .. math::
        s_t &= η^+ s_{t-1} \text{ where } g g' > 0, \quad η^- s_{t-1} \text{ where } g g' < 0,
               \quad\text{else } s_{t-1} \\
        s_t &← \min(\max(s_t, smallest), largest) \\
        g &← 0 \text{ where } g g' < 0 \\
        θ_t &= θ_{t-1} - s_t · sign(g)

    The sign of g g' is found from their signs, so that it is right where the product is too small for float32. It is
    for gradients of all data: noise changes signs.

    Args:
        params: as :class:`Optimizer`.
        lr: the step size at the start, 0 or more, as it is at a parameter's first gradient; a number or a tensor of one
            element.
        etas: η⁻ in (0, 1) and η⁺ above 1.
        step_sizes: the smallest and the largest step size, 0 or more.
        weight_decay: 0 or more; this times θ is added to the gradient, as in the second source. PyTorch has none.
        maximize: go up instead of down.
        gradient_options: see :class:`GradientOptions`.

    Attributes:
        state: for each parameter that had a gradient "step" (a float32 number), "prev" (g', with the zeros that were
            put in) and "step_size" (s).

    Raises:
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: M. Riedmiller, H. Braun: A direct adaptive method for faster backpropagation learning: the RPROP algorithm,
    ICNN 1993, but without going back after a change of sign, as in PyTorch. M. Riedmiller: Rprop - description and
    implementation details, University of Karlsruhe 1994.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([3.0, -100.0]))
        >>> optimizer = lucid.optim.Rprop([w], lr=0.5, etas=(0.5, 1.5))
        >>> for _ in range(2):
        ...     optimizer.zero_grad()
        ...     (w * w).sum().backward()
        ...     optimizer.step()
        >>> w.tolist()
        [1.75, -98.75]
    """

    family = "rprop"
    options = {
        "lr": not_negative,
        "etas": _etas,
        "step_sizes": _bounds,
        "weight_decay": not_negative,
        "maximize": switch,
    }
    state_fields = {"step": NUMBER, "prev": LIKE_PARAMETER, "step_size": LIKE_PARAMETER}

    def __init__(
        self,
        params: Any = None,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        weight_decay: float = 0,
        maximize: bool = False,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **gradient_options)

    def state_start(self, name: str, p: Any, group: Mapping[str, Any]) -> float:
        """The first step size is the learning rate."""
        return not_negative("Rprop: lr", group["lr"]) if name == "step_size" else super().state_start(name, p, group)
