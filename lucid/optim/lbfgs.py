"""L-BFGS. The vectors are the engine's (engine/optim/lbfgs.c); here are the order of events and the line search."""

from __future__ import annotations

import itertools
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from lucid import engine
from lucid.autograd.grad_mode import enable_grad
from lucid.autograd.graph import Value, describe
from lucid.engine import NULL, ffi, lib
from lucid.optim.engine_optimizer import not_negative, number
from lucid.optim.optimizer import Optimizer

# ---------------------------------------------------------------------------------------------------------------------
# Options


def _count(least: int, most: int) -> Callable[[str, Any], int]:
    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise TypeError(f"{name} must be a whole number, got {describe(value)}")
        found = int(value)
        if not least <= found <= most:
            raise ValueError(f"{name} must lie between {least} and {most}, got {found}")
        return found

    return check


def _line_search(name: str, value: Any) -> str | None:
    if value is not None and value != "strong_wolfe":
        raise ValueError(f"{name}: only 'strong_wolfe' and None are supported, got {value!r}")
    return "strong_wolfe" if value else None


# ---------------------------------------------------------------------------------------------------------------------


class LBFGS(Optimizer):
    r"""L-BFGS: steps along -H g, where H, an estimate of the inverse Hessian, comes from the last changes of g.

    One call of :meth:`step` makes up to ``max_iter`` iterations and runs the closure several times. With g the gradient
    of all parameters together, s a step and y the change of g that it made, for each of the last ``history_size``
    pairs:

    .. math::
        q &← -g \\
        α_i &← s_i·q / s_i·y_i,\quad q ← q - α_i y_i &&\text{from the newest pair to the oldest} \\
        q &← q \; (s·y) / (y·y) &&\text{of the newest pair} \\
        q &← q + (α_i - y_i·q / s_i·y_i)\, s_i &&\text{from the oldest pair to the newest} \\
        θ &← θ + t q

    t is ``lr`` (at the very first iteration ``lr`` · min(1, 1/Σ|g|)) or, with ``line_search_fn="strong_wolfe"``, what
    a search that begins there finds. A pair with s·y ≤ 1e-10 is not kept.

    A step ends when one of these holds: ``max_iter`` iterations or ``max_eval`` evaluations are made; max \|g\| ≤
    ``tolerance_grad``; max \|t q\| ≤ ``tolerance_change``; the loss changed by less than ``tolerance_change``; or the
    slope g·q is above -``tolerance_change``.

    Args:
        params: an iterable of Parameters, or of (name, Parameter) pairs, all float32 or all float64. There is one param
            group only. A parameter without gradient counts as one whose gradient is zero.
        lr: the length of a step in units of -H g, or where the line search begins; 0 or more; a number or a tensor of
            one element.
        max_iter: iterations per step.
        max_eval: evaluations of the closure per step; None stands for max_iter · 5 // 4.
        tolerance_grad: largest gradient at which to stop.
        tolerance_change: smallest change of parameters or loss at which to go on.
        history_size: how many pairs are kept, 1 to 1,000,000; each takes the memory of two copies of the parameters.
        line_search_fn: None, or ``"strong_wolfe"``: search for a t where the loss has come down enough and the slope
            is flat enough (the strong Wolfe conditions, with 1e-4 and 0.9).

    Attributes:
        param_groups: one dict with "params" and the options. Changes take effect at the next step.
        state: all of it is with the first parameter: "func_evals" and "n_iter" (counts since the beginning), "d" (q),
            "t", "old_dirs" (the y, oldest first), "old_stps" (the s), "ro" (1 / s·y), "H_diag" ((s·y) / (y·y)), "al"
            (α), "prev_flat_grad" and "prev_loss". Vectors and numbers are live tensors, which later steps write over.

    Raises:
        ValueError: for more than one param group.
        ValueError, TypeError: for options outside these bounds, and as :class:`Optimizer`.

    Source: D. Liu, J. Nocedal: On the limited memory BFGS method for large scale optimization, Mathematical Programming
    45, 1989. J. Nocedal, S. Wright: Numerical optimization, 2nd edition, 2006, algorithms 3.5, 3.6 and 7.4.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([-1.2, 1.0], dtype=lucid.float64))
        >>> optimizer = lucid.optim.LBFGS([w], max_iter=100, line_search_fn="strong_wolfe")
        >>> def rosenbrock():
        ...     optimizer.zero_grad()
        ...     loss = 100 * (w[1] - w[0] ** 2) ** 2 + (1 - w[0]) ** 2
        ...     loss.backward()
        ...     return loss
        >>> round(optimizer.step(rosenbrock).item(), 2), [round(x, 3) for x in w.tolist()]
        (24.2, [1.0, 1.0])
    """

    options: ClassVar[dict[str, Callable[[str, Any], Any]]] = {
        "lr": not_negative,
        "max_iter": _count(0, 2**53),
        "max_eval": _count(0, 2**53),
        "tolerance_grad": number,
        "tolerance_change": number,
        "history_size": _count(1, 1_000_000),
        "line_search_fn": _line_search,
    }

    def __init__(
        self,
        params: Any,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        if max_eval is None:
            max_eval = self.options["max_iter"](f"{self._name()}: max_iter", max_iter) * 5 // 4
        values = (lr, max_iter, max_eval, tolerance_grad, tolerance_change, history_size, line_search_fn)
        self._room = _Room(0, engine.float32)
        super().__init__(params, dict(zip(self.options, values, strict=True)))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_room": _Room(0, engine.float32)}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Takes the one param group there is; refuses a second one with a ValueError."""
        if self.param_groups:
            raise ValueError(f"{self._name()} doesn't support per-parameter options (parameter groups)")
        super().add_param_group(param_group)

    def check_group(self, group: Mapping[str, Any]) -> None:
        """Refuses options that are not what the rule needs, and parameters that do not fit into one vector."""
        self._option_values(group)
        if not group["params"]:
            raise ValueError(f"{self._name()}: the param group has no parameters; there is nothing to optimize")
        first = group["params"][0]
        for index, p in enumerate(group["params"]):
            if p.dtype.suffix is None:
                raise TypeError(
                    f"{self._name()}: parameter {index} is {describe(p)}; only float32 and float64 can be optimized"
                )
            if p.dtype is not first.dtype:
                raise TypeError(
                    f"{self._name()}: parameter {index} is {p.dtype} but parameter 0 is {first.dtype}; all must have "
                    "one number type, because they make up one vector: convert with .float() or .double() first"
                )

    def _option_values(self, group: Mapping[str, Any]) -> dict[str, Any]:
        missing = [name for name in self.options if name not in group]
        if missing:
            raise ValueError(f"{self._name()}: the param group has lost its option {missing[0]!r}")
        return {name: check(f"{self._name()}: {name}", group[name]) for name, check in self.options.items()}

    def check_state(self, p: Any, state: Mapping[str, Any], group: Mapping[str, Any]) -> None:
        """Refuses state of another rule, or of parameters with another number of elements."""
        if not state or p is not group["params"][0]:
            return
        needed = ["func_evals", "n_iter"]
        if all(_is_number(state.get(name)) for name in needed) and _number(state["n_iter"]) > 0:
            needed += ["d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss"]
        size = sum(p.array.size for p in group["params"])
        for name in needed:
            if name not in state:
                raise ValueError(
                    f"{self._name()}: the state has {list(state)} but not {name!r}; was it saved by another rule?"
                )
            value, many = state[name], name in ("old_dirs", "old_stps", "ro")
            if many and (not isinstance(value, list) or len(value) != len(state["old_dirs"])):
                raise ValueError(
                    f"{self._name()}: state {name!r} must be a list, as long as 'old_dirs'; got {describe(value)}"
                )
            for x in value if many else [value]:
                if name in ("d", "prev_flat_grad", "old_dirs", "old_stps"):
                    self._check_vector(name, x, size, p.dtype)
                elif not _is_number(x):
                    raise TypeError(f"{self._name()}: state {name!r} must hold numbers, got {describe(x)}")

    def _check_vector(self, name: str, x: Any, size: int, kind: Any) -> None:
        if not isinstance(x, Value) or x.dtype is not kind:
            raise TypeError(f"{self._name()}: state {name!r} must hold {kind} tensors, got {describe(x)}")
        if x.shape != (size,) or x.strides is not None:
            raise ValueError(
                f"{self._name()}: state {name!r} must hold contiguous tensors of shape {(size,)}, as there are so many "
                f"numbers in the parameters; got shape {x.shape}. optimizer.state.clear() begins anew"
            )
        engine.check_writable(x)

    def _loaded_value(self, p: Any, name: str, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [self._loaded_value(p, name, x) for x in value]
        return super()._loaded_value(p, name, value)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Makes up to ``max_iter`` iterations.

        What the closure gives is not judged: after a loss or a gradient that is not finite, the parameters may not be
        finite either. When the closure raises, the iterations that were complete stay, the parameters are where the
        last of them led, and a later step goes on from there.

        Args:
            closure: clears the gradients, computes the loss, calls backward and returns the loss: a number or a tensor
                of one element. It runs with gradients enabled.

        Returns:
            What the closure returned first.

        Raises:
            TypeError: without a closure, or when it returns no number.
            TypeError, ValueError: for options that were set to what they may not be, a gradient of another shape or
                number type than its parameter, or state that does not fit the parameters.
        """
        if not callable(closure):
            raise TypeError(
                f"{self._name()}.step needs a closure, because it evaluates the loss several times: a function that "
                "clears the gradients, computes the loss, calls backward and returns the loss"
            )
        if len(self.param_groups) != 1:
            raise ValueError(f"{self._name()} doesn't support per-parameter options (parameter groups)")
        group = self.param_groups[0]
        self.check_group(group)
        option = self._option_values(group)
        params = group["params"]
        self.check_state(params[0], self.state.get(params[0], {}), group)
        row = _Row(self, params)
        if (self._room.n, self._room.kind) != (row.n, row.kind):
            self._room = _Room(row.n, row.kind)

        original, point = self._evaluate(closure, row)
        evaluations = 1
        state = self.state[params[0]]
        state.update({name: int(state.get(name, 0)) for name in ("func_evals", "n_iter")})
        state["func_evals"] += 1
        if point.largest <= option["tolerance_grad"]:
            return original
        history = _History(state, option["history_size"], self._room)
        for iteration in range(1, option["max_iter"] + 1):
            # The state is at all times one that a step could have ended with: t is 0 until the parameters have moved.
            t = option["lr"]
            if state["n_iter"] == 0:
                history.begin(point.gradient)
                t *= 1 / point.total if point.total > 1 else 1
            else:
                history.learn(point.gradient)
            slope, reach = history.find_direction(point.gradient)
            point = point._replace(t=0.0, slope=slope)
            before = point.loss
            state.update(prev_loss=before, t=0.0)
            if slope > -option["tolerance_change"]:
                state["t"] = t
                state["n_iter"] += 1
                break
            used = 0
            if option["line_search_fn"]:
                trials = option["max_eval"] - evaluations
                point, used = self._search(closure, row, history.d, point, t, reach, trials)
                t = point.t
            else:
                row.move(None, t, history.d)
            state["t"] = t
            state["n_iter"] += 1
            if not option["line_search_fn"] and iteration < option["max_iter"]:
                point, used = self._evaluate(closure, row)[1], 1
            evaluations += used
            state["func_evals"] += used
            if (
                evaluations >= option["max_eval"]
                or point.largest <= option["tolerance_grad"]
                or reach * abs(t) <= option["tolerance_change"]
                or abs(point.loss - before) < option["tolerance_change"]
            ):
                break
        history.write_al()
        return original

    def _evaluate(
        self, closure: Callable[[], Any], row: _Row, t: float = 0.0, d: Any = None, keep: Sequence[_Point] = ()
    ) -> tuple[Any, _Point]:
        """What the closure returned, and the point where the parameters are.

        Here, and nowhere else, gradients are read. Their vector is one that no point in ``keep`` uses.
        """
        with enable_grad():
            returned = closure()
        if not _is_number(returned):
            raise TypeError(f"{self._name()}.step: the closure must return the loss, got {describe(returned)}")
        gradient = self._room.gradient(keep)
        largest, total, slope = row.read_gradients(gradient, d)
        return returned, _Point(t, _number(returned), gradient, slope, largest, total)

    def _search(
        self,
        closure: Callable[[], Any],
        row: _Row,
        d: Any,
        start: _Point,
        t: float,
        reach: float,
        max_trials: int,
    ) -> tuple[_Point, int]:
        """The line search. Moves the parameters to the point it finds; leaves them when an evaluation fails."""
        here = self._room.here
        row.read_parameters(here)
        used = 0

        def evaluate(t: float, keep: Sequence[_Point]) -> _Point:
            nonlocal used
            row.move(here, t, d)
            used += 1
            return self._evaluate(closure, row, t, d, keep)[1]

        try:
            point = strong_wolfe(evaluate, start, t, reach, max_trials)
            row.move(here, point.t, d)
        except BaseException:
            row.move(here)
            raise
        return point, used


def _is_number(x: Any) -> bool:
    return x.array.size == 1 if isinstance(x, Value) else isinstance(x, (numbers.Real, np.number))


def _number(x: Any) -> float:
    return float(x.array.item() if isinstance(x, Value) else x)


# ---------------------------------------------------------------------------------------------------------------------
# The line search: Nocedal and Wright's algorithms 3.5 and 3.6 with PyTorch's safeguards.


class _Point(NamedTuple):
    """A place on the line: t from its beginning; the loss, the gradient, the slope g·d; max |g| and Σ|g|."""

    t: float
    loss: float
    gradient: Any
    slope: float
    largest: float
    total: float


def strong_wolfe(
    evaluate: Callable[[float, Sequence[_Point]], _Point],
    start: _Point,
    t: float,
    reach: float,
    max_trials: int,
) -> _Point:
    r"""A point with loss ≤ loss₀ + 10⁻⁴ t slope₀ and \|slope\| ≤ 0.9 \|slope₀\|, or the best of ``max_trials``.

    Args:
        evaluate: the point at t; it must not write over the gradients of the points it is given.
        start: the beginning of the line, t = 0.
        t: where to look first.
        reach: max \|d\|, so that t · reach is the largest change of a parameter. The search also ends when the bracket
            is smaller than 1e-9 in these units (PyTorch's fixed number, whatever ``tolerance_change`` is).
        max_trials: evaluations, beside the first.
    """

    def too_high(point: _Point) -> bool:
        return point.loss > start.loss + 1e-4 * point.t * start.slope

    def flat(point: _Point) -> bool:
        return abs(point.slope) <= -0.9 * start.slope

    # Go on until two points have a minimum between them.
    before, point = start, evaluate(t, [start])
    trials = 0
    while trials < max_trials:
        if too_high(point) or (trials > 1 and point.loss >= before.loss):
            break
        if flat(point):
            return point
        if point.slope >= 0:
            break
        t = cubic_minimum(before, point, point.t + 0.01 * (point.t - before.t), point.t * 10)
        before, point = point, evaluate(t, [start, point])
        trials += 1
    else:
        before = start

    # Make the bracket smaller, from both ends.
    ends = [before, point]
    low = _lower(ends)
    stalled = False
    while trials < max_trials:
        left, right = sorted([ends[0].t, ends[1].t])  # NaN stays, so that the bracket has no width then
        if (right - left) * reach < 1e-9:
            break
        t = cubic_minimum(ends[0], ends[1], left, right)
        margin = 0.1 * (right - left)
        near = min(right - t, t - left) < margin
        if near and (stalled or not left < t < right):
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            stalled = False
        else:
            stalled = near
        point = evaluate(t, ends)
        trials += 1
        if too_high(point) or point.loss >= ends[low].loss:
            ends[1 - low] = point
            low = _lower(ends)
        elif flat(point):
            return point
        else:
            if point.slope * (ends[1 - low].t - ends[low].t) >= 0:
                ends[1 - low] = ends[low]
            ends[low] = point
    return ends[low]


def _lower(ends: list[_Point]) -> int:
    return 0 if ends[0].loss <= ends[1].loss else 1


def cubic_minimum(a: _Point, b: _Point, least: float, most: float) -> float:
    """Where the cubic with the losses and slopes of two points has its minimum, put between ``least`` and ``most``.

    Where it has none: the middle. Source: Nocedal and Wright, equation 3.59.
    """
    if a.t > b.t:
        a, b = b, a
    with np.errstate(all="ignore"):  # what is not finite goes its way, as in PyTorch
        width, rise = np.float64(b.t) - a.t, np.float64(b.loss) - a.loss
        mean = a.slope + b.slope - 3 * rise / width
        square = mean * mean - np.float64(a.slope) * b.slope
        if not square >= 0:
            return (least + most) / 2
        root = np.sqrt(square)
        t = float(b.t - width * ((b.slope + root - mean) / (b.slope - a.slope + 2 * root)))
    return min(max(t, least), most)


# ---------------------------------------------------------------------------------------------------------------------
# What the engine works on


def _address(x: Any, n: int, kind: Any) -> Any:
    """The address of a vector of n numbers. Looked up at each use: the state's tensors are in everybody's hands."""
    if x.shape != (n,) or x.dtype is not kind or x.strides is not None:
        raise ValueError(f"LBFGS.step: the closure put {describe(x)} in the place of a vector of {n} {kind} numbers")
    engine.check_writable(x)
    return x.pointer


class _Room:
    """Vectors that are used again at every step, made when first asked for."""

    def __init__(self, n: int, kind: Any) -> None:
        self.n, self.kind = n, kind
        self._here: Any = None
        self._gradients: list[Any] = []
        self.spare: Any = None  # a pair that has left the history

    def vector(self) -> Any:
        """A new vector."""
        return engine.empty((self.n,), self.kind)

    def number(self, value: float) -> Any:
        """A tensor of one number."""
        with np.errstate(over="ignore"):
            return engine.wrap(np.array(value, self.kind.numpy))

    @property
    def here(self) -> Any:
        """The parameters where the line search begins."""
        if self._here is None:
            self._here = self.vector()
        return self._here

    def gradient(self, keep: Sequence[_Point]) -> Any:
        """A vector that is not the gradient of one of these points."""
        for x in self._gradients:
            if all(x is not point.gradient for point in keep):
                return x
        self._gradients.append(self.vector())
        return self._gradients[-1]


class _Row:
    """The parameters one after the other as one vector, and their gradients likewise. Lives for one step.

    Sizes are those at its beginning; addresses are looked up anew each time, since the closure may do anything.
    """

    def __init__(self, optimizer: LBFGS, params: Sequence[Any]) -> None:
        self.optimizer, self.params, self.kind = optimizer, list(params), params[0].dtype
        self.shapes = [p.shape for p in self.params]
        starts = [0, *itertools.accumulate(p.array.size for p in self.params)]
        self.n = starts[-1]
        self._start = ffi.new("int64_t[]", starts)
        self._tensors = ffi.new(f"{self.kind.array_type.item.cname} *[]", len(params))
        self._structure = ffi.new(f"lbfgs_row_{self.kind.suffix} *", (len(params), self._start, self._tensors))
        self._measured = ffi.new("double[3]")
        self._gather = getattr(lib, f"lbfgs_gather_{self.kind.suffix}")
        self._move = getattr(lib, f"lbfgs_move_{self.kind.suffix}")
        for p in self.params:
            engine.check_writable(p)

    def _checked(self, x: Any, index: int, what: str) -> Any:
        """``x``, contiguous, if it is as large as the parameter was at the beginning of the step."""
        if x.shape != self.shapes[index] or x.dtype is not self.kind:
            error = ValueError if x.dtype is self.kind else TypeError
            raise error(
                f"{self.optimizer._name()}.step: {self.optimizer._label(self.params[index])} is {self.kind} "
                f"{self.shapes[index]}, but {what} is {describe(x)}"
            )
        return engine.contiguous(x)

    def read_gradients(self, flat: Any, d: Any) -> tuple[float, float, float]:
        """Writes the gradients into ``flat``; max |g|, Σ|g| and, with ``d``, g·d."""
        found = [
            None if p._grad is None else self._checked(p._grad, i, "its gradient") for i, p in enumerate(self.params)
        ]
        self._tensors[0 : len(found)] = [engine.pointer_or_null(x) for x in found]
        direction = NULL if d is None else _address(d, self.n, self.kind)
        self._gather(self._structure, direction, flat.pointer, self._measured)
        return self._measured[0], self._measured[1], self._measured[2]

    def read_parameters(self, flat: Any) -> None:
        """Writes the parameters into ``flat``."""
        found = [self._checked(p, i, "now it") for i, p in enumerate(self.params)]
        self._tensors[0 : len(found)] = [x.pointer for x in found]
        self._gather(self._structure, NULL, flat.pointer, self._measured)

    def move(self, base: Any, t: float = 0.0, d: Any = None) -> None:
        """parameters ← base + t d; a base of None stands for the parameters, a d of None for no change."""
        addresses = [NULL if x is None else _address(x, self.n, self.kind) for x in (base, d)]
        found = [self._checked(p, i, "now it") for i, p in enumerate(self.params)]
        for p in self.params:
            engine.check_writable(p)
        self._tensors[0 : len(found)] = [x.pointer for x in found]
        self._move(self._structure, addresses[0], t, addresses[1])
        for p, x in zip(self.params, found, strict=True):
            if x is not p:
                engine.copy_into(p, x)
            p.version[0] += 1


class _History:
    """The pairs, the direction and the last gradient: the tensors in the state, as the engine sees them for one step.

    The state has been checked, but a closure has run since. A pair that is dropped becomes the memory of the next one.
    """

    def __init__(self, state: Any, size: int, room: _Room) -> None:
        self.state, self.size, self.room = state, size, room
        began = state["n_iter"] > 0
        self.d = state["d"] if began else room.vector()
        self.previous = state["prev_flat_grad"] if began else room.vector()
        names = ("old_dirs", "old_stps", "ro")
        self.pairs = list(zip(*(state[name] for name in names), strict=True)) if began else []
        for i, (y, s, ro) in enumerate(self.pairs):  # numbers put in by hand become tensors
            if not isinstance(ro, Value) or ro.dtype is not room.kind:
                self.pairs[i] = (y, s, room.number(_number(ro)))
        del self.pairs[: max(0, len(self.pairs) - size)]
        # The addresses of y and s, taken once: they keep that memory alive, whatever the closure does to the tensors.
        self.places = [(_address(y, room.n, room.kind), _address(s, room.n, room.kind)) for y, s, _ in self.pairs]
        self.scale = _number(state["H_diag"]) if began else 1.0
        suffix, self._vector = room.kind.suffix, room.kind.array_type.item.cname
        self._structure = ffi.new(f"lbfgs_history_{suffix} *")
        self._measured = ffi.new("double[2]")
        self._difference = getattr(lib, f"lbfgs_difference_{suffix}")
        self._direction = getattr(lib, f"lbfgs_direction_{suffix}")
        self._al_is_new = False
        self._describe()

    def _describe(self) -> None:
        """Writes the addresses of the pairs into the C structure."""
        count = len(self.pairs)
        if self._structure.count != count or self._structure.y == NULL:
            self._memory = [ffi.new(f"{self._vector} *[]", count) for _ in range(2)]
            self._memory += [ffi.new("double[]", count) for _ in range(2)]
            structure = self._structure
            structure.n, structure.count = self.room.n, count
            structure.y, structure.s, structure.ro, structure.al = self._memory
        self._memory[0][0:count] = [place[0] for place in self.places]
        self._memory[1][0:count] = [place[1] for place in self.places]
        self._memory[2][0:count] = [ro.array.item() for _, _, ro in self.pairs]

    def _show(self) -> None:
        """Puts the pairs into the state."""
        columns = [[pair[i] for pair in self.pairs] for i in range(3)]
        self.state.update(old_dirs=columns[0], old_stps=columns[1], ro=columns[2])

    def begin(self, gradient: Any) -> None:
        """Forgets everything but this gradient."""
        engine.copy_into(self.previous, gradient)
        self.pairs, self.places, self.scale = [], [], 1.0
        self._describe()
        self._show()
        self.state.update(d=self.d, H_diag=self.room.number(1.0), prev_flat_grad=self.previous)

    def learn(self, gradient: Any) -> None:
        """Takes the last step and the change of the gradient into the history, if they are worth it."""
        room = self.room
        y, s, ro = room.spare or (room.vector(), room.vector(), room.number(0.0))
        room.spare = (y, s, ro)
        previous, d, y_place, s_place = (_address(x, room.n, room.kind) for x in (self.previous, self.d, y, s))
        t = _number(self.state["t"])
        self._difference(room.n, gradient.pointer, previous, t, d, y_place, s_place, self._measured)
        self.previous.version[0] += 1
        y_s, y_y = self._measured[0], self._measured[1]
        if y_s > 1e-10:
            room.spare = None
            if len(self.pairs) == self.size:
                room.spare = self.pairs.pop(0)
                del self.places[0]
            ro.array[...] = 1 / y_s
            for x in (y, s, ro):
                x.version[0] += 1
            self.pairs.append((y, s, ro))
            self.places.append((y_place, s_place))
            self._describe()
            self._show()
            self.state["H_diag"] = room.number(y_s / y_y if y_y else float("inf"))
            self.scale = self.state["H_diag"].item()

    def find_direction(self, gradient: Any) -> tuple[float, float]:
        """Writes d; its slope g·d and max |d|."""
        self._al_is_new = self.state["n_iter"] > 0
        self._structure.scale = self.scale
        d = _address(self.d, self.room.n, self.room.kind)
        self._direction(self._structure, gradient.pointer, d, self._measured)
        self.d.version[0] += 1
        return self._measured[0], self._measured[1]

    def write_al(self) -> None:
        """Shows the α of the last direction in the state."""
        if self._al_is_new:
            al = [self.room.number(x) for x in self._memory[3]]
            self.state["al"] = al + [None] * (self.size - len(al))
