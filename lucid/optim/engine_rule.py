"""What an update rule of the engine declares: its name in C, its options, its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

from lucid.autograd.graph import Value, describe
from lucid.optim.gradient_options import ReadsGradients
from lucid.optim.options import Check

Shape = tuple[int, ...]


class StateField(NamedTuple):
    """What a rule remembers of a parameter.

    Attributes:
        shape: the shape of the tensor, from the parameter's; None: such a parameter does not have this state.
        start: what it is filled with at first (see ``EngineRule.state_start``).
        is_number: one float32 number, whatever the parameter's number type is.
    """

    shape: Callable[[Shape], Shape | None]
    start: float = 0.0
    is_number: bool = False


LIKE_PARAMETER = StateField(shape=lambda shape: shape)
NUMBER = StateField(shape=lambda shape: (), is_number=True)


class EngineRule(ReadsGradients):
    """The declarations of a rule. What makes its steps is :class:`EngineOptimizer`.

    Attributes:
        family: the C name: ``adam`` stands for ``adam_group_f32``, ``adam_update_f32`` and their float64 twins.
        options: what users may set, by name, with the function that checks it. The C structure has a field for each.
        state_fields: what is remembered of a parameter, by name. The C structure has a field for each.
        constants: fields of the C structure that are the same for all groups.
    """

    family: ClassVar[str]
    options: ClassVar[dict[str, Check]]
    state_fields: ClassVar[dict[str, StateField]]
    constants: ClassVar[dict[str, float]] = {}
    _state_version: list[int]  # of all state tensors that the optimizer made

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Which of ``state_fields`` a parameter of this group needs. Override where an option decides."""
        return tuple(self.state_fields)

    def state_names_of(self, p: Any, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of ``names`` that a parameter of this shape has."""
        return tuple(name for name in names if self.state_fields[name].shape(p.shape) is not None)

    def state_start(self, name: str, p: Any, group: Mapping[str, Any]) -> float:
        """What new state is filled with. Override where an option decides."""
        return self.state_fields[name].start

    def check_group(self, group: Mapping[str, Any]) -> None:
        """Refuses options that are not what the rule needs, and parameters without gradients."""
        missing = [name for name in self.options if name not in group]
        if missing:
            raise ValueError(f"{self._name()}: a param group has lost its option {missing[0]!r}")
        for name, check in self.options.items():
            check(f"{self._name()}: {name}", group[name])
        for index, p in enumerate(group["params"]):
            if not isinstance(p, Value) or p.dtype.suffix is None:
                raise TypeError(
                    f"{self._name()}: parameter {index} is {describe(p)}; only float32 and float64 can be optimized"
                )
