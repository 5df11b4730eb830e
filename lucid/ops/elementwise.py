"""The way of every elementwise operation: operands brought to one type and one shape, kernel called, rule recorded."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.grad_mode import mode
from lucid.autograd.graph import Node, Value, edge_of, record
from lucid.engine import Elementwise, NoKernel, float32, float64
from lucid.errors import ArgumentError, KindError
from lucid.ops.broadcast import broadcast_shapes, spread, sum_to_size
from lucid.ops.view import to_dtype
from lucid.types import Operand, Tensor

engine_binary = engine.binary
engine_unary = engine.unary
default_dtype = [float32]  # of numbers that become floating-point tensors; a list, because it can be set


# ---------------------------------------------------------------------------------------------------------------------
# Operands: one number type, one shape

_RANK = {engine.bool_: 0, engine.uint8: 1, engine.int32: 2, engine.int64: 3, float32: 4, float64: 5}


def result_type(*operands: Operand) -> engine.dtype:
    """The number type of a result, by PyTorch's rules.

    A higher category (bool, integer, floating) wins; within one category tensors with dimensions win over 0-d tensors,
    those over Python numbers; among equals the wider type wins.

    Example:
        >>> import lucid
        >>> lucid.result_type(lucid.zeros(2, dtype=lucid.int64), 1.5)
        lucid.float32
    """
    levels: list[list[engine.dtype]] = [[], [], []]  # tensors with dimensions, 0-d tensors, numbers
    for x in operands:
        if isinstance(x, Value):
            levels[0 if x.shape else 1].append(x.dtype)
        else:
            levels[2].append(_number_type(x))
    found: engine.dtype | None = None
    for level in levels:
        if level:
            best = max(level, key=_RANK.__getitem__)
            if found is None or best.category > found.category:
                found = best
    if found is None:
        raise ArgumentError("result_type: expected at least one tensor or number")
    return found


def _number_type(x: Any) -> engine.dtype:
    if isinstance(x, bool):
        return engine.bool_
    return engine.int64 if isinstance(x, numbers.Integral) else default_dtype[0]


def is_number(x: Any) -> bool:
    """A Python or NumPy number."""
    return isinstance(x, (int, float, numbers.Real, np.number, np.bool_))


def operand(operation: str, x: Any) -> Any:
    """A tensor or a plain Python number, from what a user may give as an operand."""
    if isinstance(x, Value) or x.__class__ is float or x.__class__ is int:
        return x
    if isinstance(x, np.ndarray) and x.ndim:
        return engine.wrap(np.ascontiguousarray(x).view(np.ndarray))  # see Tensor.numpy
    if isinstance(x, np.ndarray | np.generic):
        return x.item()
    if is_number(x):
        return x
    raise KindError(f"{operation}: expected a tensor or a number, got {type(x).__name__}")


def need_tensor(operation: str, x: Any) -> None:
    """Raises TypeError for what is not a tensor."""
    if not isinstance(x, Value):
        raise KindError(f"{operation}: expected a tensor, got {type(x).__name__}")


def common_shape(operation: str, *tensors: Tensor) -> tuple[int, ...]:
    """The shape that the tensors broadcast to; the error, when they do not, names the operation."""
    try:
        return broadcast_shapes(*[x.shape for x in tensors])
    except ValueError as error:
        raise ArgumentError(f"{operation}: {error}") from None


def match(operation: str, a: Any, b: Any, kind: engine.dtype | None = None) -> tuple[Tensor, Tensor]:
    """Two tensors in one number type and one shape."""
    if kind is None and a.dtype is not b.dtype:
        kind = result_type(a, b)
    if kind is not None:
        a, b = to_dtype(a, kind), to_dtype(b, kind)
    if a.shape != b.shape:
        shape = common_shape(operation, a, b)
        a = a if a.shape == shape else spread(a, shape)
        b = b if b.shape == shape else spread(b, shape)
    return a, b


def alike(first: Operand, *others: Operand) -> bool:
    """Whether all are tensors of one number type and one shape."""
    if not isinstance(first, Value):
        return False
    kind, shape = first.dtype, first.shape
    for x in others:
        if not isinstance(x, Value) or x.dtype is not kind or x.shape != shape:
            return False
    return True


def match_all(operation: str, operands: tuple[Operand, ...], kind: engine.dtype | None = None) -> Sequence[Any]:
    """Tensors and numbers as tensors of one number type and one shape."""
    if (kind is None or kind is getattr(operands[0], "dtype", None)) and alike(*operands):
        return operands
    if kind is None:
        kind = result_type(*operands)
    tensors = [
        to_dtype(x, kind) if isinstance(x, Value) else engine.wrap(np.asarray(operand(operation, x), kind.numpy))
        for x in operands
    ]
    shape = tensors[0].shape
    if all(x.shape == shape for x in tensors):
        return tensors
    shape = common_shape(operation, *tensors)
    return [x if x.shape == shape else spread(x, shape) for x in tensors]


def no_bools(operation: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` of integer arrays; bools are refused."""

    def of_integers(*operands: Any) -> Any:
        if all(x.dtype == bool if isinstance(x, np.ndarray) else isinstance(x, bool) for x in operands):
            raise NoKernel(operation, engine.bool_)
        return function(*operands)

    return of_integers


def no_integers(operation: str) -> Callable[..., Any]:
    """Refuses what is not floating point."""

    def refuse(a: Any) -> Any:
        raise NoKernel(operation, engine.wrap(a).dtype)

    return refuse


# ---------------------------------------------------------------------------------------------------------------------
# The way of every binary operation


class Binary:
    """A binary operation: its kernels and its two derivative rules.

    Args:
        name: the C name of the kernels.
        left: rule for the first operand, ``left(grad, a, b)``; without saved operands ``left(grad)``. None: zero.
        right: rule for the second.
        saves: whether the rules need the operands.
        integers: the NumPy function for integer and bool tensors.
        floats: whether integer operands are converted to floating point first.
    """

    __slots__ = ("family", "floats", "name", "rules", "saves")

    def __init__(
        self,
        name: str,
        left: Callable[..., Any] | None,
        right: Callable[..., Any] | None,
        saves: bool = True,
        integers: Callable[..., Any] | None = None,
        floats: bool = False,
    ) -> None:
        self.family = Elementwise(name, integers)
        self.name = name
        self.rules = (left, right)
        self.saves = saves
        self.floats = floats


def binary(op: Binary, a: Any, b: Any) -> Tensor:
    """Runs and records ``op``. This is the path of every ``x * y``: what it does first decides the overhead."""
    if b.__class__ is float or b.__class__ is int:
        return _binary_plain_number(op, a, b)
    try:
        out: Tensor | None = engine_binary(op.family, a, b)
    except (AttributeError, NoKernel):
        return _binary_number(op, a, b)
    if out is None:
        return _binary_unlike(op, a, b)
    if (a.requires_grad or b.requires_grad) and mode.recording:
        out.requires_grad = True
        edges = (a.node or edge_of(a), b.node or edge_of(b))
        if op.saves:
            out.node = Node(op.name, op.rules, edges, (a, b), a.version[0] + b.version[0])
        else:
            out.node = Node(op.name, op.rules, edges, (), 0)
    return out


def _binary_plain_number(op: Binary, a: Tensor, number: float) -> Tensor:
    """``op`` of a tensor and a Python number: the short way for floating-point tensors."""
    try:
        if not a.dtype.is_floating_point:
            return _binary_number(op, a, number)
    except AttributeError:
        return _binary_number(op, a, number)
    out = engine.binary_number(op.family, a, number)
    if a.requires_grad and mode.recording:
        rule = op.rules[0]
        if rule is None or not op.saves:
            return record(op.name, out, (a,), (rule,))
        return record(op.name, out, (a,), (lambda grad, a: rule(grad, a, number),), (a,))
    return out


def _binary_unlike(op: Binary, a: Operand, b: Operand) -> Tensor:
    """``op`` on operands of two shapes or number types."""
    if not (isinstance(a, Value) and isinstance(b, Value)):
        return _binary_number(op, a, b)
    if a.dtype is not b.dtype:
        kind = result_type(a, b)
        return binary(op, to_dtype(a, kind), to_dtype(b, kind))
    shape = common_shape(op.name, a, b)
    if a.dtype not in op.family.table:
        return binary(op, *match(op.name, a, b))
    out = engine.binary_broadcast(op.family, a, b, shape)
    if (a.requires_grad or b.requires_grad) and mode.recording:
        out.requires_grad = True
        rules = (_summed(op.rules[0], a.shape, shape), _summed(op.rules[1], b.shape, shape))
        saved, version = ((a, b), a.version[0] + b.version[0]) if op.saves else ((), 0)
        out.node = Node(op.name, rules, (edge_of(a), edge_of(b)), saved, version)
    return out


def _summed(rule: Any, before: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    """The rule of an operand that was broadcast from ``before`` to ``shape``."""
    if rule is None or before == shape:
        return rule
    return lambda *args: sum_to_size(rule(*args), before)


def _binary_number(op: Binary, a: Operand, b: Operand) -> Tensor:
    """``op`` where an operand is a number, or something to be converted."""
    given = a, b
    a, b = operand(op.name, a), operand(op.name, b)
    if isinstance(a, Value) and isinstance(b, Value):
        if op.floats and not a.dtype.is_floating_point:
            a, b = to_dtype(a, default_dtype[0]), to_dtype(b, default_dtype[0])
        elif a is given[0] and b is given[1] and a.dtype is b.dtype and a.shape == b.shape:
            raise NoKernel(op.name, a.dtype)
        return binary(op, a, b)
    if not isinstance(a, Value) and not isinstance(b, Value):
        return binary(op, engine.wrap(np.asarray(a, _number_type(a).numpy)), b)
    number_first = not isinstance(a, Value)
    x: Any
    number: Any
    x, number = (b, a) if number_first else (a, b)
    kind = x.dtype
    if not kind.is_floating_point:
        kind = default_dtype[0] if op.floats else result_type(x, number)
        x = to_dtype(x, kind)
    if not number_first:
        return (
            _binary_plain_number(op, x, number)
            if kind.is_floating_point
            else engine.binary_number(op.family, x, number)
        )
    out = engine.number_binary(op.family, number, x)
    rule = op.rules[1]
    if rule is None or not op.saves:
        return record(op.name, out, (x,), (rule,))
    return record(op.name, out, (x,), (lambda grad, x: rule(grad, number, x),), (x,))


# ---------------------------------------------------------------------------------------------------------------------
# The way of every operation of one operand


class Unary:
    """An operation of one operand: its kernel and its derivative rule.

    Args:
        name: the C name of the kernel.
        rule: ``rule(grad, x)`` or ``rule(grad, out)`` or ``rule(grad)``, by ``saves``.
        saves: what the rule needs: ``"input"``, ``"output"`` or nothing.
        integers: the NumPy function for integer and bool tensors; without one they are converted to floating point.
    """

    __slots__ = ("family", "floats", "name", "rules", "saves")

    def __init__(
        self, name: str, rule: Callable[..., Any], saves: str = "", integers: Callable[..., Any] | None = None
    ) -> None:
        self.family = Elementwise(name, integers)
        self.name = name
        self.rules = (rule,)
        self.saves = saves
        self.floats = integers is None


def unary(op: Unary, x: Tensor) -> Tensor:
    """Runs and records ``op``."""
    try:
        out = engine_unary(op.family, x)
    except NoKernel:
        if not op.floats:
            raise
        return unary(op, to_dtype(x, default_dtype[0]))
    except AttributeError:
        need_tensor(op.name, x)
        raise
    if x.requires_grad and mode.recording:
        out.requires_grad = True
        saves = op.saves
        edges = (x.node or x,)
        if saves == "input":
            out.node = Node(op.name, op.rules, edges, (x,), x.version[0])
        elif saves:
            alias = engine.new(out.array, out.pointer, out.shape, out.dtype)  # as detached_alias, of a fresh tensor
            alias.version = out.version
            out.node = node = Node(op.name, op.rules, edges, (alias,), 0)
            node.output = 0
        else:
            out.node = Node(op.name, op.rules, edges, (), 0)
    return out
