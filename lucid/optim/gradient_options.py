"""How an optimizer reads gradients, before its rule sees them: divided, clipped, checked. The engine does it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from lucid.engine import ffi
from lucid.optim.optimizer import Optimizer
from lucid.optim.options import not_negative, number, switch

if TYPE_CHECKING:
    pass


class OptionsButForeach(TypedDict, total=False):
    """:class:`GradientOptions` for rules that have ``foreach`` among their own arguments."""

    grad_scale: float
    grad_clip_norm: float | None
    grad_clip_value: float | None
    error_if_nonfinite: bool
    beta1: float
    beta2: float
    fused: bool | None
    capturable: bool
    differentiable: bool


class GradientOptions(OptionsButForeach, total=False):
    """Options of every optimizer, beside those of its rule. Gradients themselves are never changed.

    They apply in this order: g ← g / ``grad_scale``; then, with ``grad_clip_norm``,
    g ← g · min(1, grad_clip_norm / (‖g‖ + 1e-6)) where ‖g‖ is the Euclidean norm of all gradients of the optimizer
    together; then, with ``grad_clip_value``, each number is limited to [-grad_clip_value, grad_clip_value].

    Keys:
        grad_scale: what gradients are divided by, above 0 (default 1): the factor of a scaled loss, or the number of
            batches summed up.
        grad_clip_norm: the largest norm, 0 or more; None (the default) for no limit.
        grad_clip_value: the largest absolute value of a number, 0 or more; None (the default) for no limit.
        error_if_nonfinite: raise RuntimeError at a gradient with NaN or infinity, before anything is changed. Default
            False: they go through, as in PyTorch.
        beta1, beta2: in the place of the first and second of ``betas``, for rules with betas.
        foreach, fused: accepted for programs written for PyTorch, where they choose between ways of computing the same
            numbers. There is one way here, the fused one, so they change nothing.
        capturable, differentiable: must be False; there are no GPUs, and steps are not recorded for backward.
    """

    foreach: bool | None


def not_finite(optimizer: Optimizer, p: Any) -> RuntimeError:
    """What is raised at a gradient of ``p`` with NaN or infinity."""
    return RuntimeError(
        f"{optimizer._name()}.step: the gradient of {optimizer._label(p)} has NaN or infinity; nothing was changed "
        "(error_if_nonfinite=False lets it through)"
    )


class ReadsGradients(Optimizer):
    """An optimizer with :class:`GradientOptions`, as attributes that may be changed at any time.

    Attributes:
        reading: the C structure that all update rules read.
    """

    reading: Any
    _measures: bool  # the norm is needed before a step

    def _set_gradient_options(self, options: Mapping[str, Any]) -> None:
        name = type(self).__name__
        for key in ("capturable", "differentiable"):
            if options.get(key):
                raise ValueError(f"{name}: {key}=True is not possible in lucid; leave it out")
        unknown = [key for key in options if key not in GradientOptions.__optional_keys__]
        if unknown:
            raise TypeError(f"{name}: there is no option {unknown[0]!r}")
        without_betas = [key for key in ("beta1", "beta2") if key in options]
        if without_betas:
            raise TypeError(f"{name}: {without_betas[0]} is for rules that have betas")
        self.reading = ffi.new("gradient_options *")
        self.grad_scale = options.get("grad_scale", 1.0)
        self.grad_clip_value = options.get("grad_clip_value")
        self.grad_clip_norm = options.get("grad_clip_norm")
        self.error_if_nonfinite = options.get("error_if_nonfinite", False)

    def __getstate__(self) -> dict[str, Any]:
        kept = dict(self.__dict__)  # addresses hold in this process only
        del kept["reading"]
        return {**kept, "gradient_options": self._gradient_options()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        options = state.pop("gradient_options")
        self.__dict__.update(state)
        self._set_gradient_options(options)

    def _gradient_options(self) -> GradientOptions:
        """The options as they were given, to make the like of this optimizer."""
        return {
            "grad_scale": self.grad_scale,
            "grad_clip_norm": self.grad_clip_norm,
            "grad_clip_value": self.grad_clip_value,
            "error_if_nonfinite": self.error_if_nonfinite,
        }

    @property
    def grad_scale(self) -> float:
        """What gradients are divided by."""
        return float(self.reading.scale)

    @grad_scale.setter
    def grad_scale(self, value: float) -> None:
        found = number("grad_scale", value)
        if not 0 < found < math.inf:
            raise ValueError(f"grad_scale must be above 0 and finite, got {found}")
        self.reading.scale = found

    @property
    def grad_clip_norm(self) -> float | None:
        """The largest norm of all gradients together, or None."""
        return _none_if_infinite(self.reading.max_norm)

    @grad_clip_norm.setter
    def grad_clip_norm(self, value: float | None) -> None:
        self.reading.max_norm = math.inf if value is None else not_negative("grad_clip_norm", value)
        self._measures = self.error_if_nonfinite or self.reading.max_norm < math.inf

    @property
    def grad_clip_value(self) -> float | None:
        """The largest absolute value of a number in a gradient, or None."""
        return _none_if_infinite(self.reading.max_value)

    @grad_clip_value.setter
    def grad_clip_value(self, value: float | None) -> None:
        self.reading.max_value = math.inf if value is None else not_negative("grad_clip_value", value)

    @property
    def error_if_nonfinite(self) -> bool:
        """Whether NaN and infinity in gradients are refused."""
        return bool(self.reading.refuse_nonfinite)

    @error_if_nonfinite.setter
    def error_if_nonfinite(self, value: bool) -> None:
        self.reading.refuse_nonfinite = switch("error_if_nonfinite", value)
        self._measures = self.error_if_nonfinite or self.reading.max_norm < math.inf


def _none_if_infinite(limit: float) -> float | None:
    return None if limit == math.inf else limit
