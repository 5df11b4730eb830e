"""Adafactor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lucid.autograd.graph import describe
from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import NUMBER, Shape, StateField
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.options import not_negative, number, switch

if TYPE_CHECKING:
    from typing_extensions import Unpack


def _not_positive(name: str, value: Any) -> float:
    found = number(name, value)
    if found > 0:
        raise ValueError(f"{name} must be 0 or less, got {found}")
    return found


def _at_least_one(name: str, value: Any) -> float:
    found = number(name, value)
    if found < 1:
        raise ValueError(f"{name} must be 1 or more, got {found}")
    return found


def _epsilons(name: str, value: Any) -> list[float]:
    """The pair, with -1 for None: C then takes the number type's epsilon."""
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"{name} must be a pair (eps1 or None, eps2), got {describe(value)}")
    if len(value) != 2:
        raise ValueError(f"{name} must be a pair (eps1 or None, eps2), got {value!r}")
    first = -1.0 if value[0] is None else not_negative(f"{name}[0]", value[0])
    return [first, not_negative(f"{name}[1]", value[1])]


def _row_shape(shape: Shape) -> Shape | None:
    return (*shape[:-1], 1) if len(shape) > 1 else None


def _col_shape(shape: Shape) -> Shape | None:
    return (*shape[:-2], 1, shape[-1]) if len(shape) > 1 else None


def _vector_shape(shape: Shape) -> Shape | None:
    return shape if len(shape) < 2 else None


class Adafactor(EngineOptimizer):
    r"""Adafactor: steps relative to the parameter's size, with almost no memory for matrices.

    What Adam remembers of each number, Adafactor remembers of each row and column of a matrix. With G the gradient
    (its negative with ``maximize``) of an n × m matrix at step t, w = t^beta2_decay, and RMS the root mean square:

    .. math::
        R_t &= (1 - w) R_{t-1} + w · \text{mean of } G^2 \text{ along rows}, \qquad
        C_t = (1 - w) C_{t-1} + w · \text{mean of } G^2 \text{ down columns} \\
        U &= G / \max(\sqrt{V}, ε_1), \qquad V_{ij} = R_i C_j / \max(\text{mean } R, ε_1) \\
        θ_t &= θ_{t-1} - lr·λ·θ_{t-1}
              - \min(lr, 1/\sqrt{t}) \max(ε_2, RMS(θ_{t-1})) \frac{U}{\max(1, RMS(U) / d)}

    A parameter of more than two dimensions is many matrices, of its last two. A vector has V itself as the running
    average of G².

    Args:
        params: as :class:`Optimizer`.
        lr: the largest relative step, and the factor of weight decay, 0 or more; a number, a tensor of one element, or
            a schedule.
        beta2_decay: how w falls, 0 or less.
        eps: the pair (ε₁, ε₂), each 0 or more: ε₁ keeps divisors from zero, None for the number type's epsilon; ε₂ is
            the smallest size of a parameter that steps are relative to.
        d: steps whose RMS(U) is above d are shortened to it, 1 or more.
        weight_decay: λ, 0 or more; it acts on the parameter, not through the gradient.
        maximize: go up instead of down.
        gradient_options: see :class:`GradientOptions`.

    Attributes:
        state: for each parameter that had a gradient "step" (a float32 number) and, of matrices, "row_var" (R, shape
            [..., n, 1]) and "col_var" (C, [..., 1, m]), of others "variance" (V).

    Raises:
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: N. Shazeer, M. Stern: Adafactor: Adaptive learning rates with sublinear memory cost, ICML 2018, algorithms
    4 and 5, as PyTorch writes them: lr in the place of the paper's 0.01, ε₁ in the divisors and not added to G², and
    weight decay.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.full((3, 2), 2.0))
        >>> optimizer = lucid.optim.Adafactor([w], lr=0.25)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.tolist()
        [[1.5, 1.5], [1.5, 1.5], [1.5, 1.5]]
        >>> {name: tuple(x.shape) for name, x in optimizer.state[w].items()}
        {'step': (), 'row_var': (3, 1), 'col_var': (1, 2)}
    """

    family = "adafactor"
    options = {
        "lr": not_negative,
        "beta2_decay": _not_positive,
        "eps": _epsilons,
        "d": _at_least_one,
        "weight_decay": not_negative,
        "maximize": switch,
    }
    state_fields = {
        "step": NUMBER,
        "row_var": StateField(_row_shape),
        "col_var": StateField(_col_shape),
        "variance": StateField(_vector_shape),
    }

    def __init__(
        self,
        params: Any = None,
        lr: Any = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **gradient_options)
