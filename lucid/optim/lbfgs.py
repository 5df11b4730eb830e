"""L-BFGS. The vectors are the engine's (engine/optim/lbfgs.c); here are the order of events and the line search."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from lucid import engine
from lucid.autograd.grad_mode import enable_grad
from lucid.autograd.graph import Value, describe
from lucid.optim.gradient_options import GradientOptions, ReadsGradients
from lucid.optim.lbfgs_vectors import History, Room, Row, is_number, number_of
from lucid.optim.line_search import Point, strong_wolfe
from lucid.optim.options import not_negative, number

if TYPE_CHECKING:
    from typing_extensions import Unpack

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


class LBFGS(ReadsGradients):
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
        params: as :class:`Optimizer`, all float32 or all float64. There is one param group only. A
            parameter without gradient counts as one whose gradient is zero.
        lr: the length of a step in units of -H g, or where the line search begins; 0 or more; a number or a tensor of
            one element.
        max_iter: iterations per step.
        max_eval: evaluations of the closure per step; None stands for max_iter · 5 // 4.
        tolerance_grad: largest gradient at which to stop.
        tolerance_change: smallest change of parameters or loss at which to go on.
        history_size: how many pairs are kept, 1 to 1,000,000; each takes the memory of two copies of the parameters.
        line_search_fn: None, or ``"strong_wolfe"``: search for a t where the loss has come down enough and the slope
            is flat enough (the strong Wolfe conditions, with 1e-4 and 0.9).
        gradient_options: see :class:`GradientOptions`; they act at every evaluation of the closure.

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
        params: Any = None,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
        **gradient_options: Unpack[GradientOptions],
    ) -> None:
        if max_eval is None:
            max_eval = self.options["max_iter"](f"{self._name()}: max_iter", max_iter) * 5 // 4
        values = (lr, max_iter, max_eval, tolerance_grad, tolerance_change, history_size, line_search_fn)
        self._room = Room(0, engine.float32)
        self._set_gradient_options(gradient_options)
        super().__init__(params, dict(zip(self.options, values, strict=True)))

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_room": Room(0, engine.float32)}

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
            if not isinstance(p, Value) or p.dtype.suffix is None:
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
        if all(is_number(state.get(name)) for name in needed) and number_of(state["n_iter"]) > 0:
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
                elif not is_number(x):
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
        row = Row(self, params)
        if (self._room.n, self._room.kind) != (row.n, row.kind):
            self._room = Room(row.n, row.kind)

        original, point = self._evaluate(closure, row)
        evaluations = 1
        state = self.state[params[0]]
        state.update({name: int(state.get(name, 0)) for name in ("func_evals", "n_iter")})
        state["func_evals"] += 1
        if point.largest <= option["tolerance_grad"]:
            return original
        history = History(state, option["history_size"], self._room)
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
        self, closure: Callable[[], Any], row: Row, t: float = 0.0, d: Any = None, keep: Sequence[Point] = ()
    ) -> tuple[Any, Point]:
        """What the closure returned, and the point where the parameters are.

        Here, and nowhere else, gradients are read. Their vector is one that no point in ``keep`` uses.
        """
        with enable_grad():
            returned = closure()
        if not is_number(returned):
            raise TypeError(f"{self._name()}.step: the closure must return the loss, got {describe(returned)}")
        gradient = self._room.gradient(keep)
        largest, total, slope = row.read_gradients(gradient, d)
        return returned, Point(t, number_of(returned), gradient, slope, largest, total)

    def _search(
        self,
        closure: Callable[[], Any],
        row: Row,
        d: Any,
        start: Point,
        t: float,
        reach: float,
        max_trials: int,
    ) -> tuple[Point, int]:
        """The line search. Moves the parameters to the point it finds; leaves them when an evaluation fails."""
        here = self._room.here
        row.read_parameters(here)
        used = 0

        def evaluate(t: float, keep: Sequence[Point]) -> Point:
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
