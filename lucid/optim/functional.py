"""Update rules as functions: from gradients, state and parameters to new state and parameters; nothing is changed.

Every rule of ``lucid.optim`` that runs in the engine has its functional form here, by its name in lower case, with the
options of the class; the numbers are those of the class, bit for bit::

    rule = lucid.optim.functional.adam(lr=1e-3)
    state = rule.init(params)
    params, state = rule.update(grads, state, params)
"""

from __future__ import annotations

import copy
import inspect
import numbers
import threading
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, ParamSpec

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, describe
from lucid.engine import NULL, ffi
from lucid.multi_tensor import copies
from lucid.optim.adabelief import AdaBelief
from lucid.optim.adadelta import Adadelta
from lucid.optim.adafactor import Adafactor
from lucid.optim.adagrad import Adagrad
from lucid.optim.adam import Adam, AdamW
from lucid.optim.adamax import Adamax
from lucid.optim.asgd import ASGD
from lucid.optim.engine_group import EngineGroup
from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.fromage import Fromage
from lucid.optim.lamb import Lamb
from lucid.optim.lars import Lars
from lucid.optim.lion import Lion
from lucid.optim.muon import Muon
from lucid.optim.nadam import NAdam
from lucid.optim.novograd import NovoGrad
from lucid.optim.radam import RAdam
from lucid.optim.rmsprop import RMSprop
from lucid.optim.rprop import Rprop
from lucid.optim.sgd import SGD
from lucid.optim.sm3 import SM3
from lucid.optim.yogi import Yogi

P = ParamSpec("P")
Tree = Any  # a tensor, or a list, tuple or dict of trees
Label = Callable[[str, int], str]
MOST_PLANS = 64  # that a rule keeps: for so many models of other shapes


class FunctionalRule:
    """An update rule as two functions: :meth:`init` and :meth:`update`. They may be called by several threads.

    It remembers nothing but how to call the engine for parameters of the shapes that it has met.

    Args:
        rule: the class of optimizers.
        options: by name, as the class takes them; ``lr`` may also be a function of the number of updates made so far.

    Example:
        >>> import lucid
        >>> init, update = lucid.optim.functional.sgd(lr=lambda count: 0.5 / (1 + count))
        >>> params = {"w": lucid.tensor([4.0])}
        >>> state = init(params)
        >>> for _ in range(2):
        ...     params, state = update({"w": lucid.tensor([2.0])}, state, params)
        >>> params["w"].tolist(), state["count"]
        ([2.5], 2)
    """

    def __init__(self, rule: type[EngineOptimizer], options: dict[str, Any]) -> None:
        self._rule, self._options = rule, options
        self._lr = options.get("lr")
        self._first_options = {**options, "lr": self._lr(0)} if callable(self._lr) else options
        self._plans: dict[Any, _Plan] = {}
        self._lock = threading.Lock()
        _Plan(rule, self._first_options, [engine.empty((1, 1), engine.float32)])  # refuses what options may not be

    def init(self, params: Tree) -> dict[str, Any]:
        """The state before the first update.

        Args:
            params: a list, tuple or dict of float32 or float64 tensors, or of such containers.

        Returns:
            A dict that may be looked at, copied and saved: ``"count"``, the updates made so far; and in the structure
            of ``params`` ``"fresh"``, True for a parameter that had no gradient yet, and all that the class has in
            ``state[p]``, by name. Numbers such as ``"step"`` are Python's.

            What belongs to a fresh parameter is filled anew at its first gradient, because it may depend on ``lr``.

        Raises:
            TypeError, ValueError: for params that the class refuses.
        """
        leaves = _leaves(params, self._where("init: params"))
        with self._lock:
            plan = self._plan_for(leaves)
            plan.set_lr(None)
            start = {name: [plan.start(name, p) for p in leaves] for name in plan.names}
        start = {"fresh": [True] * len(leaves), **start}
        return {"count": 0, **{name: _in_structure_of(params, iter(values)) for name, values in start.items()}}

    def update(
        self, grads: Tree, state: dict[str, Any], params: Tree, *, lr: Any = None
    ) -> tuple[Tree, dict[str, Any]]:
        """One step.

        Args:
            grads: tensors in the structure of ``params``; None for one that there is not.
            state: from :meth:`init` or the update before.
            params: as in :meth:`init`.
            lr: learning rate of this update in the place of the option: a number, a tensor of one element, or a
                function of ``state["count"]``.

        Returns:
            ``(new_params, new_state)`` in the same structure, in memory of their own: what was given stays as it is.
            New parameters are leaves; they require a gradient, and are Parameters, where the old ones do and are.

        Raises:
            TypeError, ValueError: for structures, shapes or number types that do not fit.
            RuntimeError: with ``error_if_nonfinite`` at a gradient that is not finite.
        """
        where = self._where("update: ")
        leaves = _leaves(params, where + "params")
        with self._lock:
            plan = self._plan_for(leaves)
            names = ("fresh", *plan.names)
            if not isinstance(state, dict) or set(state) != {"count", *names}:
                found = list(state) if isinstance(state, dict) else describe(state)
                raise ValueError(f"{where}state must be a dict of {['count', *names]}, got {found}")
            old = {name: _matching(params, state[name], f"{where}state[{name!r}]") for name in names}
            old |= {"params": leaves, "grads": _matching(params, grads, where + "grads")}
            rate = self._lr if lr is None else lr
            plan.set_lr(rate(state["count"]) if callable(rate) else rate)
            new = plan.update(old, lambda name, i: where + _place(name, params, i))
        new_state = {name: _in_structure_of(params, iter(new[name])) for name in names}
        return _in_structure_of(params, iter(new["params"])), {"count": state["count"] + 1, **new_state}

    def __iter__(self) -> Iterator[Callable[..., Any]]:
        """``init, update = adam(...)``."""
        return iter((self.init, self.update))

    def __repr__(self) -> str:
        return f"{self._rule.__name__.lower()}({', '.join(f'{k}={v!r}' for k, v in self._options.items())})"

    def __reduce__(self) -> Any:
        return FunctionalRule, (self._rule, self._options)  # addresses hold in this process only

    def _where(self, what: str) -> str:
        return f"{self._rule.__name__.lower()}.{what}"

    def _plan_for(self, params: list[Any]) -> _Plan:
        key = tuple([(p.shape, p.dtype) for p in params])
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) == MOST_PLANS:
                self._plans.clear()
            plan = self._plans[key] = _Plan(self._rule, self._first_options, params)
        return plan


class _Plan:
    """An update of parameters of some shapes and number types: C structures, which only addresses are put into.

    Attributes:
        optimizer: of the class, for its options and the functions that subclasses override; it has no parameters.
        names: what is remembered of a parameter.
    """

    def __init__(self, rule: type[EngineOptimizer], options: dict[str, Any], params: list[Any]) -> None:
        self.optimizer = rule([engine.empty(p.shape, p.dtype) for p in params], **options)
        self.group = self.optimizer.param_groups[0]
        self.names = self.optimizer.state_names(self.group)
        self.first_lr = self.group.get("lr")
        self.parts = [_Part(self.optimizer, self.names, kind) for kind in dict.fromkeys([p.dtype for p in params])]
        self.group["params"] = []

    def start(self, name: str, p: Any) -> Any:
        """What is remembered of a parameter at first."""
        field, start = self.optimizer.state_fields[name], self.optimizer.state_start(name, p, self.group)
        if field.is_number:
            return float(np.float32(start))
        shape = field.shape(p.shape)
        if shape is None:
            return None
        x = engine.empty(shape, p.dtype)
        x.array[...] = start
        return x

    def set_lr(self, lr: Any) -> None:
        """Tells C the learning rate; None for that of the options."""
        lr = self.first_lr if lr is None else lr
        if lr is not self.group.get("lr"):
            if "lr" not in self.group:
                raise TypeError(f"{self.optimizer._name()} has no lr")
            self.group["lr"] = lr
        for part in self.parts:
            if lr is not part.group.written.get("lr") or part.group.live:
                part.group.write_options()

    def update(self, old: dict[str, list[Any]], label: Label) -> dict[str, list[Any]]:
        """New values by name, from old ones: "params", "fresh" and those of the state, each a list over all parameters.

        Args:
            old: also "grads".
            label: names a parameter's value in messages, from the value's name and the number of the parameter.
        """
        begins = [bool(was) and g is not None for was, g in zip(old["fresh"], old["grads"], strict=True)]
        if any(begins):
            start = {name: list(old[name]) for name in self.names}
            for i in [i for i, begin in enumerate(begins) if begin]:
                for name in self.names:
                    start[name][i] = self.start(name, old["params"][i])
            old = {**old, **start}
        new: dict[str, list[Any]] = {name: list(values) for name, values in old.items()}
        for part in self.parts:
            part.prepare(old, begins, label)
        optimizer = self.optimizer
        if optimizer._measures:
            for number, part in enumerate(self.parts):
                part.measure(number, label)
        for part in self.parts:
            part.update(new)
        for i, p in enumerate(old["params"]):
            made = new["params"][i]
            if type(made) is not type(p):  # Parameters
                new["params"][i] = made = type(p)(made.array, made.pointer, made.shape, made.dtype)
            made.requires_grad = p.requires_grad
        new["fresh"] = [bool(was) and not begin for was, begin in zip(old["fresh"], begins, strict=True)]
        return new


class _Part:
    """The parameters of one number type: where C finds them is written anew at each update.

    Attributes:
        group: the C structure and the functions that take it.
        positions: which parameters these are.
        shapes: by name, of all tensors an update makes; None where a parameter has no such state.
        numbers: by name, C arrays of what is one number for each parameter.
        made, row: the new tensors, in the order of ``shapes``, and their addresses.
    """

    def __init__(self, optimizer: EngineOptimizer, names: tuple[str, ...], kind: engine.dtype) -> None:
        self.group = group = EngineGroup(optimizer, 0, optimizer.param_groups[0], kind, set())
        self.kind, self.positions, self.nothing = kind, group.positions, engine.empty((0,), kind)
        fields = {name: optimizer.state_fields[name] for name in names}
        tensors = {name: [f.shape(s) for s in group.shapes] for name, f in fields.items() if not f.is_number}
        self.shapes: dict[str, list[tuple[int, ...] | None]] = {"params": list(group.shapes), **tensors}
        self.numbers = {name: ffi.new("float[]", group.count) for name in names if name not in tensors}
        for name, row in self.numbers.items():
            self._array(name)[0 : len(self.positions)] = [row + i for i in range(len(self.positions))]
        self.made: list[Any] = []
        self.row: Any = None
        self.gradients: list[Any] = []
        # The parameters that the structure was made for are not needed any more.
        group.params = group.pointers = group.versions = group.moved = group.bare = []

    def _array(self, name: str) -> Any:
        return getattr(self.group.structure.parameters if name == "step" else self.group.structure, name)

    def prepare(self, old: dict[str, list[Any]], begins: list[bool], label: Label) -> None:
        """Copies the old values to new memory and tells C where that is, and where the gradients are."""
        count = len(self.positions)
        sources = []
        for name, shapes in self.shapes.items():
            values = self._mine(old[name])
            self._check(values, shapes, name, label)
            sources += [self.nothing if shape is None else x for x, shape in zip(values, shapes, strict=True)]
        self.made, self.row = copies(self.kind, sources)
        structure, addresses = self.group.structure, self.row.pointers
        structure.parameters.parameter = addresses
        for place, name in enumerate(self.shapes):
            if place:
                setattr(structure, name, addresses + place * count)
        for name, row in self.numbers.items():
            values = self._mine(old[name])
            for k, value in enumerate(values):
                if type(value) is not float and not isinstance(value, numbers.Real):
                    raise TypeError(f"{label(name, self.positions[k])} must be a number, got {describe(value)}")
            row[0:count] = values
        values = self._mine(old["grads"])
        self._check(values, self.shapes["params"], "grads", label)
        self.gradients = [g if g is None or g.strides is None else engine.contiguous(g) for g in values]
        self.group.gradients[0:count] = [NULL if g is None else g.pointer for g in self.gradients]
        structure.parameters.fresh[0:count] = self._mine(begins)

    def _mine(self, values: list[Any]) -> list[Any]:
        """Those of a list over all parameters that belong to this part."""
        return values if len(values) == len(self.positions) else [values[i] for i in self.positions]

    def _check(self, values: list[Any], shapes: list[tuple[int, ...] | None], name: str, label: Label) -> None:
        """Refuses tensors of another shape or number type."""
        kind = self.kind
        for k, (x, shape) in enumerate(zip(values, shapes, strict=True)):
            if isinstance(x, Value) and x.shape == shape and x.dtype is kind:
                continue
            if x is None and (name == "grads" or shape is None):
                continue
            error = ValueError if isinstance(x, Value) and x.dtype is kind else TypeError
            place = label(name, self.positions[k])
            raise error(f"{place} must be a {kind} tensor of shape {shape}, got {describe(x)}")

    def measure(self, before: int, label: Label) -> None:
        """As that of the group; the error names the place in ``grads``."""
        offender = self.group.norm(ffi.addressof(self.group.structure, "parameters"), before)
        if offender >= 0:
            raise RuntimeError(
                f"{label('grads', self.positions[offender])} has NaN or infinity (error_if_nonfinite=False lets it "
                "through)"
            )

    def update(self, new: dict[str, list[Any]]) -> None:
        """The one call."""
        self.group.function(self.group.structure)
        count = len(self.positions)
        found = {
            name: [None if shape is None else x for x, shape in zip(self.made[k * count :], shapes, strict=False)]
            for k, (name, shapes) in enumerate(self.shapes.items())
        }
        found |= {name: ffi.unpack(row, count) for name, row in self.numbers.items()}
        for name, values in found.items():
            if len(new[name]) == count:
                new[name] = values
            else:
                for i, value in zip(self.positions, values, strict=True):
                    new[name][i] = value
        self.made, self.row, self.gradients = [], None, []


# ---------------------------------------------------------------------------------------------------------------------
# Trees


def _leaves(tree: Tree, where: str) -> list[Any]:
    """All tensors in a tree, in order."""
    if isinstance(tree, Value):
        return [tree]
    if not isinstance(tree, (list, tuple, dict)):
        raise TypeError(f"{where} must be tensors in lists, tuples and dicts, got {describe(tree)}")
    found: list[Any] = []
    for key, x in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(x, Value):
            found.append(x)
        else:
            found += _leaves(x, f"{where}[{key!r}]")
    return found


def _matching(like: Tree, tree: Any, where: str) -> list[Any]:
    """What stands in a tree where ``like`` has its tensors, in that order; the containers must be the same."""
    if isinstance(like, Value):
        return [tree]
    if isinstance(like, dict):
        if not isinstance(tree, dict) or tree.keys() != like.keys():
            found = list(tree) if isinstance(tree, dict) else describe(tree)
            raise ValueError(f"{where} must be a dict of {list(like)} as params, got {found}")
        names = list(like)
        like, tree = list(like.values()), [tree[name] for name in names]
    else:
        if not isinstance(tree, (list, tuple)) or len(tree) != len(like):
            found = f"{len(tree)}" if isinstance(tree, (list, tuple)) else describe(tree)
            raise ValueError(f"{where} must be a list or tuple of {len(like)} as params, got {found}")
        names = list(range(len(like)))
    leaves: list[Any] = []
    for name, x, y in zip(names, like, tree, strict=True):
        if isinstance(x, Value):
            leaves.append(y)
        else:
            leaves += _matching(x, y, f"{where}[{name!r}]")
    return leaves


def _in_structure_of(like: Tree, leaves: Iterator[Any]) -> Any:
    """A tree of these leaves in the containers of ``like``."""
    if isinstance(like, dict):
        tree = copy.copy(like)
        for key, x in like.items():
            tree[key] = next(leaves) if isinstance(x, Value) else _in_structure_of(x, leaves)
        return tree
    if isinstance(like, (list, tuple)):
        items = [next(leaves) if isinstance(x, Value) else _in_structure_of(x, leaves) for x in like]
        if isinstance(like, list):
            return items
        return type(like)(*items) if hasattr(like, "_fields") else tuple(items)
    return next(leaves)


def _place(name: str, params: Tree, i: int) -> str:
    """How to find a value of parameter i: "grads['w'][0]"."""

    def places(tree: Tree, where: str) -> Iterator[str]:
        if isinstance(tree, Value):
            yield where
        else:
            for key, x in tree.items() if isinstance(tree, dict) else enumerate(tree):
                yield from places(x, f"{where}[{key!r}]")

    return list(places(params, name if name in ("params", "grads") else f"state[{name!r}]"))[i]


# ---------------------------------------------------------------------------------------------------------------------
# The rules


def functional_form(rule: Callable[Concatenate[Any, P], EngineOptimizer]) -> Callable[P, FunctionalRule]:
    """The function that makes a :class:`FunctionalRule` of a class: with its name in lower case, and its options.

    Args:
        rule: a class of optimizers that run in the engine, of ``lucid.optim`` or your own.

    Raises:
        TypeError: for another class.

    Example:
        >>> import lucid
        >>> adam = lucid.optim.functional.functional_form(lucid.optim.Adam)
        >>> adam(lr=0.1, amsgrad=True)
        adam(lr=0.1, amsgrad=True)
    """
    if not isinstance(rule, type) or not issubclass(rule, EngineOptimizer):
        raise TypeError(f"functional_form: expected a class of optimizers that run in the engine, got {rule!r}")
    signature = inspect.signature(rule)
    first, *options = signature.parameters.values()

    def make(*args: P.args, **kwargs: P.kwargs) -> FunctionalRule:
        bound = inspect.Signature(options).bind(*args, **kwargs).arguments
        for rest in [p.name for p in options if p.kind is p.VAR_KEYWORD]:
            bound |= bound.pop(rest, {})
        return FunctionalRule(rule, bound)

    name = rule.__name__
    make.__name__ = make.__qualname__ = name.lower()
    make.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=options, return_annotation="FunctionalRule"
    )
    make.__annotations__ = {p.name: p.annotation for p in options} | {"return": "FunctionalRule"}
    make.__doc__ = f"""The functional form of :class:`{rule.__module__}.{name}`.

    {(inspect.getdoc(rule) or "").splitlines()[0]}

    Args:
        The options of the class, with the same meanings and defaults; ``{first.name}`` is left out. ``lr`` may also be
        a function of the number of updates made so far.

    Returns:
        A :class:`FunctionalRule`: ``init(params)`` gives the state before the first update, and
        ``update(grads, state, params)`` new parameters and new state.

    Raises:
        TypeError, ValueError: for options that the class refuses.

    Formula and source: see the class.
    """
    return make


adabelief = functional_form(AdaBelief)
adadelta = functional_form(Adadelta)
adafactor = functional_form(Adafactor)
adagrad = functional_form(Adagrad)
adam = functional_form(Adam)
adamax = functional_form(Adamax)
adamw = functional_form(AdamW)
asgd = functional_form(ASGD)
fromage = functional_form(Fromage)
lamb = functional_form(Lamb)
lars = functional_form(Lars)
lion = functional_form(Lion)
muon = functional_form(Muon)
nadam = functional_form(NAdam)
novograd = functional_form(NovoGrad)
radam = functional_form(RAdam)
rmsprop = functional_form(RMSprop)
rprop = functional_form(Rprop)
sgd = functional_form(SGD)
sm3 = functional_form(SM3)
yogi = functional_form(Yogi)
