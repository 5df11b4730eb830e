"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import LIKE_PARAMETER, NUMBER
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.options import fraction, not_negative, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Adam(EngineOptimizer):
    r"""Adam: steps of about ``lr``, whatever the size of the gradients.

    With g the gradient (its negative with ``maximize``; plus ``weight_decay`` · θ) at step t:

    .. math::
        m_t &= β_1 m_{t-1} + (1 - β_1) g \\
        v_t &= β_2 v_{t-1} + (1 - β_2) g^2 \\
        θ_t &= θ_{t-1} - lr \frac{m_t / (1 - β_1^t)}{\sqrt{v_t / (1 - β_2^t)} + eps}

    ``amsgrad`` puts the elementwise maximum of all v so far in the place of v in the last line. Each parameter counts
    its own steps, and one without gradient is left alone.

    Args:
        params: as :class:`Optimizer`.
        lr: learning rate, 0 or more; a number, a tensor of one element (which is read at each step), or a schedule.
        betas: β₁ and β₂, in [0, 1): how much of the averages m and v is kept at each step.
        eps: keeps the divisor from zero, 0 or more.
        weight_decay: λ, 0 or more; an L2 term λθ is added to the gradient.
        amsgrad: divide by the largest v so far.
        maximize: go up instead of down.
        decoupled_weight_decay: decay weights as :class:`AdamW` does.
        eps_hat: add eps to √v_t in the place of √(v_t / (1 - β₂ᵗ)):
            θ ← θ - lr · √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m_t / (√v_t + eps), the form at the end of section 2 of the paper.
        gradient_options: see :class:`GradientOptions`; ``beta1`` and ``beta2`` override ``betas``.

    Attributes:
        param_groups: dicts with "params" and the options, "beta1" and "beta2" each for itself; ``group["betas"]`` reads
            and writes the pair. Changes take effect at the next step.
        state: for each parameter that had a gradient "step" (a float32 number), "exp_avg" (m), "exp_avg_sq" (v) and,
            with amsgrad, "max_exp_avg_sq": live tensors of the parameter's shape.

    Raises:
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: D. Kingma, J. Ba: Adam: A method for stochastic optimization, ICLR 2015. S. Reddi, S. Kale, S. Kumar: On the
    convergence of Adam and beyond, ICLR 2018.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([3.0, -3.0]))
        >>> optimizer = lucid.optim.Adam([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.tolist()
        [2.5, -2.5]
    """

    family = "adam"
    options = {
        "lr": not_negative,
        "beta1": fraction,
        "beta2": fraction,
        "eps": not_negative,
        "weight_decay": not_negative,
        "amsgrad": switch,
        "maximize": switch,
        "decoupled_weight_decay": switch,
        "eps_hat": switch,
    }
    state_fields = {
        "step": NUMBER,
        "exp_avg": LIKE_PARAMETER,
        "exp_avg_sq": LIKE_PARAMETER,
        "max_exp_avg_sq": LIKE_PARAMETER,
    }

    def __init__(
        self,
        params: Any = None,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
        eps_hat: bool = False,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
            "eps_hat": eps_hat,
        }
        super().__init__(params, defaults, **gradient_options)

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """The largest v is there where it is used."""
        return tuple(self.state_fields) if group["amsgrad"] else ("step", "exp_avg", "exp_avg_sq")


class AdamW(Adam):
    r"""Adam with decoupled weight decay: θ ← θ - lr·λ·θ beside Adam's change, never through the gradient.

    Weights then shrink at a rate that does not depend on the size of their gradients.

    Args:
        params, lr, betas, eps, amsgrad, maximize, eps_hat, gradient_options: as :class:`Adam`.
        weight_decay: λ, 0 or more.

    Source: I. Loshchilov, F. Hutter: Decoupled weight decay regularization, ICLR 2019.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([4.0]))
        >>> optimizer = lucid.optim.AdamW([w], lr=0.5, weight_decay=0.5)
        >>> w.sum().backward()
        >>> optimizer.step()
        >>> w.tolist()
        [2.5]
    """

    def __init__(
        self,
        params: Any = None,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        eps_hat: bool = False,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            maximize=maximize,
            decoupled_weight_decay=True,
            eps_hat=eps_hat,
            **gradient_options,
        )
