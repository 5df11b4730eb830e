"""The base of every optimizer: param groups, state, and their way into and out of a state_dict."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, describe
from lucid.optim.hooks import OptimizerHooks
from lucid.optim.lr_scheduler import LRScheduler
from lucid.optim.param_group import ParamGroup, State, pair_of_betas

Self = TypeVar("Self", bound="Optimizer")


class Optimizer(OptimizerHooks):
    """Base class of optimizers. A rule of your own overrides :meth:`step`; plain tensor operations will do.

    Args:
        params: an iterable of Parameters; of dicts, each with ``"params"`` and options of that group; of
            (name, Parameter) pairs, as ``model.named_parameters()`` gives them; or a dict of Parameters by name.
            None: they come later, by :meth:`register_trainable_weights`.
        defaults: the options, with the values that groups have unless they say otherwise.

    Attributes:
        param_groups: a list of dicts with ``"params"`` and the options. Changes take effect at the next step.
        state: what the rule remembers, by parameter: ``state[p]["exp_avg"]``. A parameter's dict is made when it is
            first asked for.
        defaults: the options' default values.

    Raises:
        TypeError: when ``params`` is a tensor, or holds something that is none.
        ValueError: when ``params`` is empty, or has a tensor that is not a leaf or comes twice.

    Example:
        >>> import lucid
        >>> from lucid.optim import Optimizer
        >>> class SignDescent(Optimizer):
        ...     def __init__(self, params, lr):
        ...         super().__init__(params, {"lr": lr})
        ...
        ...     @lucid.no_grad()
        ...     def step(self, closure=None):
        ...         for group in self.param_groups:
        ...             for p in group["params"]:
        ...                 if p.grad is not None:
        ...                     p -= group["lr"] * p.grad.sign()
        >>> w = lucid.nn.Parameter(lucid.tensor([1.0, -2.0]))
        >>> optimizer = SignDescent([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.tolist()
        [0.5, -1.5]
    """

    def __init__(self, params: Any, defaults: Mapping[str, Any]) -> None:
        super().__init__()
        self._opt_called = False  # a step was made; schedules look at it
        if isinstance(params, Value):
            raise TypeError(
                f"{self._name()}: params must be an iterable of Parameters, not one tensor; put it in a list"
            )
        self.defaults = ParamGroup(defaults)
        schedule = self.defaults.get("lr")
        self._schedule = schedule if isinstance(schedule, LRScheduler) else None
        if self._schedule is not None:
            if self._schedule.optimizer is not None:
                raise ValueError(f"{self._name()}: the schedule given as lr has an optimizer already; make another")
            self.defaults["lr"] = self._schedule.starting_lr()
        self.state = State()
        self.param_groups: list[ParamGroup] = []
        if params is not None:
            self.register_trainable_weights(params)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Makes a rule's own ``step`` run its hooks."""
        super().__init_subclass__(**kwargs)
        step = cls.__dict__.get("step")
        if step is not None and not getattr(step, "runs_hooks", False):
            cls.step = _with_hooks(step)  # type: ignore[method-assign]

    def register_trainable_weights(self: Self, params: Any) -> Self:
        """Adds the parameters to optimize, for an optimizer made without: ``Adam(lr=1e-3)``.

        Args:
            params: as the class takes them. Parameters that come when there are some already form groups of their own.

        Returns:
            The optimizer.

        Raises:
            TypeError, ValueError: as the class; then nothing is added.
        """
        try:
            given = list(params.items() if isinstance(params, Mapping) else params)
        except TypeError:
            raise TypeError(f"{self._name()}: params must be an iterable of Parameters, got {params!r}") from None
        if not given:
            raise ValueError(f"{self._name()}: params is empty; there is nothing to optimize")
        before, waiting = len(self.param_groups), self._schedule
        if waiting is not None and waiting.optimizer is None:
            self._schedule = None  # it is bound when all groups are there
        try:
            for group in given if isinstance(given[0], dict) else [{"params": given}]:
                self.add_param_group(group)
            self._schedule = waiting
            self._bind_schedule()
        except Exception:
            del self.param_groups[before:]
            raise
        finally:
            self._schedule = waiting
        return self

    def _bind_schedule(self) -> None:
        if self._schedule is not None and self._schedule.optimizer is None:
            self._schedule.bind(self)

    def _check_has_parameters(self) -> None:
        if not self.param_groups:
            raise RuntimeError(
                f"{self._name()}.step: there are no parameters yet; give them to the optimizer or call "
                "register_trainable_weights(model.parameters()) first"
            )

    @classmethod
    def _name(cls) -> str:
        return cls.__name__

    def _label(self, p: Any) -> str:
        """How to name a parameter in a message."""
        for number, group in enumerate(self.param_groups):
            for index, mine in enumerate(group["params"]):
                if mine is p:
                    name = group["param_names"][index] if "param_names" in group else index
                    return f"parameter {name} of group {number}"
        return "a parameter"

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds a group, for instance of layers that are to be trained from now on.

        Args:
            param_group: ``"params"`` (a Parameter, or an iterable of Parameters or of (name, Parameter) pairs) and
                options; the others are the defaults. The dict itself is left as it is.

        Raises:
            TypeError, ValueError: as the class; then no group is added.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"{self._name()}: a param group must be a dict, got {describe(param_group)}")
        if "params" not in param_group:
            raise ValueError(f'{self._name()}: a param group needs "params"; this one has {list(param_group)}')
        params, names = self._parameters(param_group["params"])
        others = {id(p) for group in self.param_groups for p in group["params"]}
        for number, p in enumerate(params):
            if not isinstance(p, Value):
                raise TypeError(f"{self._name()}: can only optimize tensors, but parameter {number} is {describe(p)}")
            label = f"parameter {names[number] if names else number} {p.shape}"
            if p.node is not None:
                raise ValueError(f"{self._name()}: {label} is the result of an operation; only leaves can be optimized")
            if id(p) in others:
                raise ValueError(f"{self._name()}: {label} appears more than once")
            others.add(id(p))
        if self.param_groups and (names is not None) != ("param_names" in self.param_groups[0]):
            raise ValueError(f"{self._name()}: all param groups must have names, or none")
        group = ParamGroup(params=params)
        if names is not None:
            group["param_names"] = names
        for source in (self.defaults, param_group):
            group.update({key: value for key, value in source.items() if key != "params"})
        if isinstance(group.get("lr"), LRScheduler):
            raise TypeError(
                f"{self._name()}: a schedule is for the whole optimizer, lr=schedule; a group's lr is a number, which "
                "the schedule starts from"
            )
        self.check_group(group)
        if self._schedule is not None and self._schedule.optimizer is not None:
            self._schedule.group_added(group)
        self.param_groups.append(group)
        self._bind_schedule()

    def _parameters(self, given: Any) -> tuple[list[Any], list[str] | None]:
        """The parameters of a group, and their names if they have some."""
        if isinstance(given, Value):
            return [given], None
        if isinstance(given, Mapping):
            given = given.items()
        if isinstance(given, (set, frozenset)):
            raise TypeError(f"{self._name()}: a set of parameters has no order; use a list")
        if not isinstance(given, Iterable) or isinstance(given, str):
            raise TypeError(f"{self._name()}: params must be an iterable of Parameters, got {given!r}")
        items = list(given)
        named = [isinstance(item, tuple) for item in items]
        if not any(named):
            return items, None
        if not all(named) or not all(len(item) == 2 and isinstance(item[0], str) for item in items):
            raise ValueError(f"{self._name()}: all parameters must be (name, Parameter) pairs, or none")
        return [item[1] for item in items], [item[0] for item in items]

    def check_group(self, group: Mapping[str, Any]) -> None:
        """Override to refuse a group's options: called before a group is added or loaded."""

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Makes one update of all parameters.

        Args:
            closure: computes the loss again and returns it.
        """
        raise NotImplementedError(f"{self._name()} does not define step")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clears the gradients of all parameters.

        Args:
            set_to_none: drop them (the default), so that a parameter which gets none is skipped by the next step;
                else fill them with zeros.
        """
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p._grad = None
                    continue
                gradient = p._grad
                if gradient is None:
                    continue
                if gradient.requires_grad or not gradient.array.flags.writeable:
                    p._grad = engine.wrap(np.zeros(gradient.shape, gradient.dtype.numpy))
                else:
                    engine.fill(gradient, 0)
                    gradient.version[0] += 1

    def state_dict(self) -> dict[str, Any]:
        """The optimizer's state in PyTorch's layout; the tensors are the live ones, not copies.

        Returns:
            ``{"state": {index: {name: tensor}}, "param_groups": [{option: value, "params": [index]}]}``, where
            parameters are counted through all groups. ``beta1`` and ``beta2`` are also there as ``betas``.
            PyTorch's ``load_state_dict`` takes it when its tensors are made PyTorch's, ``torch.tensor(x.numpy())``. It
            keeps options that it does not know, but does not follow them (``eps_hat``).
        """
        for hook in tuple(self._before_save.values()):
            hook(self)
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            packed: dict[str, Any] = {}
            for key, value in group.items():
                if key == "beta1" and "betas" in group:
                    packed["betas"] = group["betas"]
                packed[key] = value
            packed["params"] = [numbers.setdefault(id(p), len(numbers)) for p in group["params"]]
            groups.append(packed)
        state = {
            numbers[id(p)] if isinstance(p, Value) else p: dict(of_p) if isinstance(of_p, dict) else of_p
            for p, of_p in self.state.items()
            if not isinstance(p, Value) or id(p) in numbers
        }
        state_dict = {"state": state, "param_groups": groups}
        for hook in tuple(self._after_save.values()):
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        return state_dict

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes over a state made by :meth:`state_dict`, here or by PyTorch (its tensors as arrays).

        Values are copied. Floating point state is converted to the parameter's number type; numbers such as ``step``
        are float32.

        Args:
            state_dict: of an optimizer of the same rule with groups of the same sizes.

        Raises:
            TypeError, ValueError: when it does not fit this optimizer; then nothing is changed.
        """
        if self._before_load and isinstance(state_dict, Mapping):
            state_dict = dict(state_dict)  # hooks may change it
        for hook in tuple(self._before_load.values()):
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        groups, state = self._unpack(state_dict)
        owner: dict[Any, tuple[Any, ParamGroup]] = {}  # by the index in the state_dict
        new_groups = []
        for mine, theirs in zip(self.param_groups, groups, strict=True):
            new = self._loaded_group(mine, theirs)
            new_groups.append(new)
            owner.update({key: (p, new) for key, p in zip(theirs["params"], mine["params"], strict=True)})
        loaded = State()
        for key, of_p in state.items():
            if key in owner:
                p, group = owner[key]
                loaded[p] = self._loaded_state(p, group, key, of_p)
            else:
                loaded[key] = copy.deepcopy(of_p)
        for mine, new in zip(self.param_groups, new_groups, strict=True):
            mine.clear()
            mine.update(new)
        self.state.clear()
        self.state.update(loaded)
        for hook in tuple(self._after_load.values()):
            hook(self)

    def _unpack(self, state_dict: Mapping[str, Any]) -> tuple[list[Any], Mapping[Any, Any]]:
        """The groups and the state, when they fit."""
        where = f"{self._name()}.load_state_dict"
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= set(state_dict):
            raise ValueError(f'{where}: expected a dict with "state" and "param_groups", got {_summary(state_dict)}')
        groups, state = state_dict["param_groups"], state_dict["state"]
        if not isinstance(state, Mapping):
            raise ValueError(f'{where}: "state" must be a dict, got {_summary(state)}')
        if not isinstance(groups, (list, tuple)) or not all(isinstance(g, Mapping) and "params" in g for g in groups):
            raise ValueError(f'{where}: "param_groups" must be a list of dicts with "params"')
        sizes, own = [len(g["params"]) for g in groups], [len(g["params"]) for g in self.param_groups]
        if sizes != own:
            raise ValueError(f"{where}: the state has groups of {sizes} parameters, this optimizer has {own}")
        numbers = [number for group in groups for number in group["params"]]
        if len(set(numbers)) != len(numbers):
            raise ValueError(f"{where}: a parameter's index appears more than once in param_groups")
        return list(groups), state

    def _loaded_group(self, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> ParamGroup:
        """The options of a group as they were saved, for the parameters that are there now."""
        new = ParamGroup(self.defaults)
        new.update({key: copy.deepcopy(value) for key, value in theirs.items() if key not in ("betas", "params")})
        if "betas" in theirs:
            pair = pair_of_betas(theirs["betas"])
            if (theirs.get("beta1", pair[0]), theirs.get("beta2", pair[1])) != pair:
                raise ValueError(
                    f"{self._name()}.load_state_dict: betas {pair} contradict beta1 and beta2 beside them; "
                    "change both, or delete one"
                )
            new["betas"] = pair
        new["params"] = mine["params"]
        if "param_names" in mine:
            new.setdefault("param_names", mine["param_names"])
        self.check_group(new)
        return new

    def _loaded_state(self, p: Any, group: ParamGroup, key: Any, of_p: Any) -> dict[str, Any]:
        """A copy of one parameter's state, of the parameter's number type."""
        if not isinstance(of_p, Mapping):
            raise ValueError(
                f"{self._name()}.load_state_dict: the state of parameter {key} must be a dict, got {_summary(of_p)}"
            )
        copied = {name: self._loaded_value(p, name, value) for name, value in of_p.items() if value is not None}
        self.check_state(p, copied, group)
        return copied

    def _loaded_value(self, p: Any, name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._loaded_value(p, key, inner) for key, inner in value.items()}
        array = value.array if isinstance(value, Value) else value
        is_number = self._is_number(name)
        if is_number and isinstance(array, (int, float, np.number)):
            array = np.float32(array)
        if not isinstance(array, (np.ndarray, np.generic)):
            return copy.deepcopy(value)
        kind = np.dtype(np.float32) if is_number else p.dtype.numpy
        return self._state_tensor(p, np.array(array, kind if array.dtype.kind == "f" else None, order="C"))

    def _is_number(self, name: str) -> bool:
        """Whether this state is one float32 number whatever its parameter is."""
        return name == "step"

    def _state_tensor(self, p: Any, array: np.ndarray) -> Any:
        """A state tensor of ``p`` with these numbers."""
        return engine.wrap(array)

    def check_state(self, p: Any, state: Mapping[str, Any], group: Mapping[str, Any]) -> None:
        """Override to refuse the loaded state of a parameter of ``group``."""

    def __repr__(self) -> str:
        lines = [f"{self._name()} ("]
        for number, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {number}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
            lines.append("")
        return "\n".join([*lines[:-1], ")"])


def _with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """A step written in Python, with the hooks around it."""

    @functools.wraps(step)
    def hooked(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._check_has_parameters()
        if engine.recording is not None:
            engine.recording.cannot(f"the step of {type(self).__name__} is written in Python")
        if self._has_step_hooks and not self._in_step:
            result = self._step_between_hooks(step, args, kwargs)
        else:
            result = step(self, *args, **kwargs)
        self._opt_called = True
        return result

    return hooked


def _summary(x: Any) -> str:
    return f"a dict with {list(x)[:8]}" if isinstance(x, Mapping) else describe(x)
