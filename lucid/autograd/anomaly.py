"""Finding where a NaN came from: which line of the forward made the operation whose derivative is NaN.

While it is on, every new node of the graph remembers the line that made it, and the rules of the nodes that backward
will pass are wrapped in a check. While it is off nothing is different: the node's constructor is the plain one.
"""

from __future__ import annotations

import os
import traceback
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lucid.autograd import graph
from lucid.autograd.graph import Node, Value

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_made_at: weakref.WeakKeyDictionary[Node, traceback.StackSummary] = weakref.WeakKeyDictionary()
_plain_init = Node.__init__


class _Settings:
    on = False
    check_nan = True


def _remembering_init(self: Node, *args: Any, **options: Any) -> None:
    _plain_init(self, *args, **options)
    _made_at[self] = traceback.StackSummary.from_list(traceback.extract_stack()[:-1])


def _set(on: bool, check_nan: bool) -> None:
    _Settings.on, _Settings.check_nan = on, check_nan
    Node.__init__ = _remembering_init if on else _plain_init  # type: ignore[method-assign]
    graph.before_backward[0] = _watch if on and check_nan else None


def _watch(roots: Sequence[Value]) -> None:
    """Wraps the rules of all nodes behind the roots in a check of what they give."""
    seen: set[Node] = set()
    waiting = [x.node for x in roots if x.node is not None]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        waiting += [edge for edge in node.edges if isinstance(edge, Node)]
        rules, stack = node.rules, _made_at.get(node)
        if type(rules) is tuple:
            node.rules = tuple(
                rule if rule is None or isinstance(rule, _Checked) else _Checked(rule, node.name, stack, number)
                for number, rule in enumerate(rules)
            )
        elif rules is not None and not isinstance(rules, _Checked):
            node.rules = _Checked(rules, node.name, stack, None)


class _Checked:
    """A derivative rule whose results are looked at. It knows no node, so that the graph stays free of circles."""

    def __init__(self, rule: Callable[..., Any], name: str, stack: Any, number: int | None) -> None:
        self.rule, self.name, self.stack, self.number = rule, name, stack, number

    def __call__(self, *args: Any) -> Any:
        found = self.rule(*args)
        if _Settings.on and _Settings.check_nan:
            for number, part in enumerate(found) if self.number is None else [(self.number, found)]:
                if isinstance(part, Value) and part.dtype.is_floating_point and np.isnan(part.array).any():
                    raise RuntimeError(
                        f"backward: the derivative of {self.name} with respect to operand {number} is NaN. "
                        f"{_where(self.stack)}"
                    )
        return found


def _where(stack: Any) -> str:
    """The line outside lucid that made an operation, and the way there."""
    if stack is None:
        return "It was recorded before anomaly detection was on, so the line is not known."
    outside = [frame for frame in stack if not os.path.abspath(frame.filename).startswith(_PACKAGE + os.sep)]
    last = outside[-1] if outside else stack[-1]
    lines = "".join(traceback.format_list(stack))
    return f"It was recorded in {last.filename}, line {last.lineno}: {last.line}\nThe calls that led there:\n{lines}"


class set_detect_anomaly:  # noqa: N801
    """Switches anomaly detection on or off: at once, and as a context manager for its body only.

    Args:
        mode: whether new operations remember their line.
        check_nan: whether backward raises at a NaN.

    Example:
        >>> import lucid
        >>> _ = lucid.autograd.set_detect_anomaly(True)
        >>> lucid.autograd.is_anomaly_enabled()
        True
        >>> _ = lucid.autograd.set_detect_anomaly(False)
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = (_Settings.on, _Settings.check_nan)
        _set(bool(mode), bool(check_nan))

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        _set(*self._before)


class detect_anomaly:  # noqa: N801
    """A context in which backward raises at the first NaN and names the line of the forward that it comes from.

    Slow: for looking for a mistake, not for training.

    Args:
        check_nan: whether backward raises at a NaN.

    Raises:
        RuntimeError: by backward, when a derivative is NaN.

    Example:
        >>> import lucid
        >>> x = lucid.tensor(-1.0, requires_grad=True)
        >>> with lucid.autograd.detect_anomaly():
        ...     try:
        ...         x.sqrt().backward()
        ...     except RuntimeError as error:
        ...         print(str(error).split(".")[0])
        backward: the derivative of sqrt with respect to operand 0 is NaN
    """

    def __init__(self, check_nan: bool = True) -> None:
        self._check_nan = check_nan
        self._before: list[tuple[bool, bool]] = []

    def __enter__(self) -> None:
        self._before.append((_Settings.on, _Settings.check_nan))
        _set(True, self._check_nan)

    def __exit__(self, *exception: object) -> None:
        _set(*self._before.pop())


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on."""
    return _Settings.on


def is_anomaly_check_nan_enabled() -> bool:
    """Whether backward looks for NaN while anomaly detection is on."""
    return _Settings.check_nan
