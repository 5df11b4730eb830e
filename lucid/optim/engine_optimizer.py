"""Update rules that run in the engine: each param group goes to C in one call.

A rule is a C body (see engine/optim/sgd.c) and a subclass of EngineOptimizer that names it, its options and its state.

What C needs of a group (addresses, sizes, options) is written into a C structure once and kept; a step only puts the
gradients' addresses in. Groups and state count their changes (see CountedDict), so a step knows by comparing numbers
that the structure still holds, and writes it anew when it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lucid import engine
from lucid.autograd.grad_mode import enable_grad
from lucid.autograd.graph import describe
from lucid.optim.engine_group import (
    EngineGroup,
    check_state_tensor,
    gradients_by_parameter,
    memory_beside,
)
from lucid.optim.engine_rule import EngineRule
from lucid.optim.gradient_options import GradientOptions
from lucid.optim.param_group import ParamGroup, State, pair_of_betas

if TYPE_CHECKING:
    from typing_extensions import Unpack


class EngineOptimizer(EngineRule):
    """Base of the rules that run in the engine.

    Args:
        params: as :class:`Optimizer`.
        defaults: the rule's options with their default values, ``betas`` as a pair.
        gradient_options: see :class:`GradientOptions`.

    A subclass has the class attributes of :class:`EngineRule`.
    """

    def __init__(self, params: Any, defaults: Mapping[str, Any], **gradient_options: Unpack[GradientOptions]) -> None:
        self._engine_groups: list[EngineGroup] = []
        self._known_groups = -1  # so many param groups are described by them
        self._state_version = [0]
        self._version_seen = 0
        self._sums: dict[int, Any] = {}  # what sum_grad added up, by the parameter's id; memory is kept
        self._summed: set[int] = set()  # those in use
        values = dict[str, Any]()
        chosen: dict[str, Any] = dict(gradient_options)
        for name, value in defaults.items():
            if name == "betas":
                first, second = pair_of_betas(value)
                values |= {"beta1": chosen.pop("beta1", first), "beta2": chosen.pop("beta2", second)}
            else:
                values[name] = value
        self._set_gradient_options(chosen)
        super().__init__(params, values)

    def check_state(self, p: Any, state: Mapping[str, Any], group: Mapping[str, Any]) -> None:
        """Refuses state of another rule, or of a parameter of another shape."""
        missing = [name for name in self.state_names_of(p, self.state_names(group)) if name not in state]
        if state and missing:
            raise ValueError(
                f"{self._name()}: the state of {self._label(p)} has {list(state)} but not {missing[0]!r}; "
                "was it saved by another rule?"
            )
        for name in self.state_fields:
            if name in state:
                check_state_tensor(self, name, state[name], p)

    def step(self, closure: Callable[[], Any] | None = None, grads: Any = None) -> Any:
        """Updates every parameter that has a gradient.

        Args:
            closure: computes the loss again, calls backward and returns the loss. It runs first, with gradients
                enabled.
            grads: gradients to use in the place of those that the parameters have: tensors in the order of the
                parameters (None for one that there is not), or a dict of them by the parameters' names.

        Returns:
            What the closure returned, or None.

        Raises:
            TypeError, ValueError: for options that were set to what they may not be, a gradient of another shape or
                number type than its parameter, or state that does not fit it. Then nothing is changed.
            RuntimeError: without parameters; with ``error_if_nonfinite`` at a gradient that is not finite.
        """
        if self._has_step_hooks and not self._in_step:
            return self._step_between_hooks(type(self).step, (closure, grads), {})
        loss = None
        if closure is not None:
            if not callable(closure):
                raise TypeError(
                    f"{self._name()}.step: closure must be a function, got {describe(closure)}; "
                    "gradients are given as grads="
                )
            with enable_grad():
                loss = closure()
        given = self._given(grads) if grads is not None or self._summed else None
        groups, state, engine_groups = self.param_groups, self.state, self._engine_groups
        ready = self._known_groups == len(groups) and self._version_seen == self._state_version[0]
        if ready:
            for group in engine_groups:
                if not group.gather(groups, state, given) or group.needs_state:
                    ready = False
                    break
        made = [] if ready else self._prepare(given)
        if self._measures:
            self._measure(made)
        for group in self._engine_groups:
            group.update()
        self._version_seen = self._state_version[0]
        self._opt_called = True
        if self._summed:
            self._summed.clear()
        return loss

    step.runs_hooks = True  # type: ignore[attr-defined]

    def can_repeat(self) -> bool:
        """For a recorded step: whether C still knows all groups as they are; options that changed are written."""
        groups, state = self.param_groups, self.state
        if self._known_groups != len(groups) or self._version_seen != self._state_version[0]:
            return False
        for group in self._engine_groups:
            if not group.holds(groups, state):
                return False
        return not self._summed

    def repeated(self) -> None:
        """A recorded step was made again."""
        self._version_seen = self._state_version[0]
        self._opt_called = True

    def sum_grad(self) -> None:
        """Adds the gradients to sums that the optimizer keeps, and clears them. The next step uses the sums.

        For batches too large to be computed at once: call it after each backward, then :meth:`step`. Gradients that
        are there at the step are added too. (``grad_scale`` turns sums into means.)

        Raises:
            TypeError, ValueError: for a gradient of another shape or number type than its parameter; then nothing is
                changed.

        Example:
            >>> import lucid
            >>> x = lucid.nn.Parameter(lucid.tensor([1.0]))
            >>> optimizer = lucid.optim.SGD([x], lr=0.1)
            >>> for _ in range(3):
            ...     (x + 1).sum().backward()
            ...     optimizer.sum_grad()
            >>> optimizer.step()
            >>> round(x.item(), 6)
            0.7
        """
        found = [p for group in self.param_groups for p in group["params"] if p._grad is not None]
        for p in found:
            if p._grad.shape != p.shape or p._grad.dtype is not p.dtype:
                raise ValueError(
                    f"{self._name()}.sum_grad: {self._label(p)} is {describe(p)}, but its gradient is "
                    f"{describe(p._grad)}"
                )
        for p in found:
            total = self._sums.get(id(p))
            if total is None or total.shape != p.shape or total.dtype is not p.dtype:
                total = self._sums[id(p)] = engine.empty(p.shape, p.dtype)
                self._summed.discard(id(p))
            if id(p) in self._summed:
                engine.accumulate(total, engine.contiguous(p._grad))
            else:
                engine.copy_into(total, p._grad)
                self._summed.add(id(p))
            p._grad = None

    def _given(self, grads: Any) -> dict[int, Any]:
        """The gradients of this step, when they are not simply those of the parameters."""
        if grads is not None:
            if self._summed:
                raise RuntimeError(
                    f"{self._name()}.step: sum_grad() has summed up gradients, which grads would replace; "
                    "call step() without grads first"
                )
            return gradients_by_parameter(self, grads)
        given = {}
        for group in self.param_groups:
            for p in group["params"]:
                gradient = p._grad
                if id(p) in self._summed:
                    total = self._sums[id(p)]
                    if gradient is not None:  # a new tensor: if the step is refused, the sum must be as it was
                        copy = engine.empty(total.shape, total.dtype)
                        engine.copy_into(copy, total)
                        engine.accumulate(copy, gradient)
                        total = copy
                    gradient = total
                given[id(p)] = gradient
        return given

    def _prepare(self, given: dict[int, Any] | None) -> list[tuple[Any, str]]:
        """Writes the C structures anew where they do not hold any more. What can be refused is refused here.

        Returns:
            The state that was made: (parameter, name).
        """
        self._check_has_parameters()
        known = self._engine_groups if self._version_seen == self._state_version[0] else []
        self._engine_groups, self._known_groups = [], -1  # after an error all are made anew
        if type(self.state) is not State:  # replaced by hand
            self.state = State(self.state)
        for index, group in enumerate(self.param_groups):
            if type(group) is not ParamGroup:
                self.param_groups[index] = ParamGroup(group)
        found = self._described(known, given, [])
        made = [state for group in found for state in group.make_state()]
        if made:
            found = self._described(found, given, made)
        self._engine_groups, self._known_groups = found, len(self.param_groups)
        return made

    def _described(
        self, known: list[EngineGroup], given: dict[int, Any] | None, made: list[tuple[Any, str]]
    ) -> list[EngineGroup]:
        """A structure for each group and number type, with its gradients in place; known ones that hold are kept."""
        described = []
        fresh = {id(p) for p, _ in made}
        for index, group in enumerate(self.param_groups):
            self.check_group(group)
            mine = [one for one in known if one.group is group and one.index == index]
            if not mine or not all([one.gather(self.param_groups, self.state, given) for one in mine]):
                kinds = dict.fromkeys(p.dtype for p in group["params"])
                mine = [EngineGroup(self, index, group, kind, fresh) for kind in kinds]
                for one in mine:
                    one.gather(self.param_groups, self.state, given)
            described += mine
        return described

    def _measure(self, made: list[tuple[Any, str]]) -> None:
        """Sums up the squares of all gradients, for clipping; refuses those that are not finite if that is wished."""
        try:
            for number, group in enumerate(self._engine_groups):
                group.measure(number)
        except RuntimeError:
            for p, name in made:
                del self.state[p][name]
            for p in dict.fromkeys(p for p, _ in made):
                if not self.state[p]:
                    del self.state[p]
            raise

    def _is_number(self, name: str) -> bool:
        return name in self.state_fields and self.state_fields[name].is_number

    def _state_tensor(self, p: Any, array: np.ndarray) -> Any:
        """A state tensor of ``p`` with these numbers, or on this very memory if it was made by ``memory_beside``."""
        if array.shape and array.base is None and array.dtype == p.dtype.numpy:
            room = memory_beside(p, array.shape)
            room[...] = array
            array = room
        tensor = engine.wrap(array)
        tensor.version = self._state_version  # one counter for all state, because all of it changes at every step
        return tensor

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_engine_groups": [], "_known_groups": -1, "_sums": {}, "_summed": set()}
