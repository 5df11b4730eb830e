"""Muon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lucid.autograd.graph import describe
from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import LIKE_PARAMETER
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.options import not_negative, numbers_of, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack

_ADJUSTMENTS = {None: 0, "original": 0, "match_rms_adamw": 1}


def _fewer_than_100(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an integer, got {describe(value)}")
    if not 0 <= value < 100:
        raise ValueError(f"{name} must lie in 0..99, got {value}")
    return value


def _adjustment(name: str, value: Any) -> int:
    if not isinstance(value, (str, type(None))) or value not in _ADJUSTMENTS:
        raise ValueError(f'{name} must be None, "original" or "match_rms_adamw", got {value!r}')
    return _ADJUSTMENTS[value]


class Muon(EngineOptimizer):
    r"""Muon: momentum made orthogonal, for the weight matrices of hidden layers.

    A step then is as long in every direction of the matrix, in those that gradients seldom show too. Biases, embeddings
    and all else that is no matrix go to another optimizer, :class:`AdamW` for instance.

    With G the gradient (its negative with ``maximize``) of an n × m matrix:

    .. math::
        B_t &= μ B_{t-1} + (1 - μ) G \\
        X &= μ B_t + (1 - μ) G \text{ with nesterov, else } B_t; \qquad X_0 = X / \max(‖X‖, eps) \\
        X_{k+1} &= a X_k + (b A + c A^2) X_k, \quad A = X_k X_k^T, \qquad k = 0 … ns\_steps - 1 \\
        θ_t &= θ_{t-1} - lr·λ·θ_{t-1} - lr·adjustment·X_{ns\_steps}

    ‖X‖ is the Euclidean norm of all numbers; a matrix with n > m is transposed for the third line. The line is Newton's
    and Schulz's iteration: it takes every singular value to about 1.

    Args:
        params: as :class:`Optimizer`, matrices only.
        lr: learning rate, 0 or more; a number, a tensor of one element, or a schedule.
        weight_decay: λ, 0 or more; it acts on the parameter, not through the gradient.
        momentum: μ, 0 or more.
        nesterov: Nesterov's momentum.
        ns_coefficients: a, b and c.
        eps: keeps the divisor from zero, 0 or more.
        ns_steps: iterations, 0 to 99.
        adjust_lr_fn: "original" (or None): the adjustment is √max(1, n / m); "match_rms_adamw": 0.2 √max(n, m), with
            which steps are as large as AdamW's.
        maximize: go up instead of down (PyTorch's Muon does not have it).
        gradient_options: see :class:`GradientOptions`.

    Attributes:
        state: for each parameter that had a gradient "momentum_buffer" (B).

    Raises:
        ValueError, TypeError: for options outside these bounds, parameters that are no matrices, and as
            :class:`Optimizer`.

    Source: K. Jordan et al.: Muon: An optimizer for hidden layers in neural networks, 2024
    (https://kellerjordan.github.io/posts/muon/), as PyTorch writes it; J. Liu et al.: Muon is scalable for LLM
    training, 2025. PyTorch iterates in bfloat16, with two to three digits; here it is the parameter's number type.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.zeros(2, 2))
        >>> optimizer = lucid.optim.Muon([w], lr=1.0, weight_decay=0.0, ns_coefficients=(2.0, -1.5, 0.5), ns_steps=10)
        >>> w.grad = lucid.tensor([[3.0, 0.0], [0.0, -0.1]])
        >>> optimizer.step()
        >>> [[round(x, 4) for x in row] for row in w.tolist()]
        [[-1.0, 0.0], [0.0, 1.0]]
    """

    family = "muon"
    options = {
        "lr": not_negative,
        "weight_decay": not_negative,
        "momentum": not_negative,
        "nesterov": switch,
        "ns_coefficients": numbers_of(3),
        "eps": not_negative,
        "ns_steps": _fewer_than_100,
        "adjust_lr_fn": _adjustment,
        "maximize": switch,
    }
    state_fields = {"momentum_buffer": LIKE_PARAMETER}

    def __init__(
        self,
        params: Any = None,
        lr: Any = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
        *,
        maximize: bool = False,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **gradient_options)

    def check_group(self, group: Mapping[str, Any]) -> None:
        """Also refuses parameters that are no matrices."""
        super().check_group(group)
        for index, p in enumerate(group["params"]):
            if len(p.shape) != 2:
                raise ValueError(
                    f"Muon: only 2D parameters can be optimized, but parameter {index} has shape {tuple(p.shape)}; "
                    "give it to another optimizer, AdamW for instance"
                )
