"""In-place operations. Each raises the tensor's version, so that backward notices a saved tensor that was changed.

What a recorded change does to the graph is told in ``rebase.py``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from lucid import engine
from lucid.autograd.graph import Node, Value, edge_of
from lucid.errors import ArgumentError, KindError
from lucid.ops import arithmetic, combine, create, random
from lucid.ops.broadcast import expand
from lucid.ops.elementwise import Binary, Unary
from lucid.ops.rebase import as_before, changed, may_change, take_over, zeros_like
from lucid.ops.refusal import refuses
from lucid.ops.view import reshape, to_dtype
from lucid.types import Tensor

FACTORS = {"add_": "alpha", "sub_": "alpha", "addcmul_": "value", "addcdiv_": "value"}


def _is_number_for(kind: engine.dtype, x: Any, op: Binary) -> bool:
    """Whether ``op`` of such a tensor and the number ``x`` is again of that type."""
    if kind.is_floating_point:
        return isinstance(x, int | float)
    return x.__class__ is int and kind.category == 1 and not op.floats


def _inplace(
    name: str,
    operation: Callable[..., Any],
    op: Binary | None = None,
    direct: Callable[..., bool] | None = None,
) -> Callable[..., Tensor]:
    """The in-place form of ``operation``.

    When nothing is recorded it goes straight into memory: through ``op``'s kernel, or by ``direct``, which says whether
    it could.
    """

    def apply(input: Tensor, *args: Any, **options: Any) -> Tensor:
        recorded = may_change(name, input, *args)
        other = args[0] if args else None
        if op is not None and not options and len(args) == 1 and not (recorded and op.saves):
            fits = isinstance(other, Value) and other.shape == input.shape and other.dtype is input.dtype
            if fits or _is_number_for(input.dtype, other, op):
                engine.binary_into(op.family, input, other)
                input.version[0] += 1
                if recorded:  # the rules need none of the numbers that were written over
                    edges = (edge_of(input), edge_of(other) if isinstance(other, Value) else None)
                    changed(input, Node(op.name, op.rules, edges, (), 0))
                return input
        if len(args) > 1 and isinstance(args[1], Value) and name in FACTORS and not isinstance(args[0], Value):
            options[FACTORS[name]], args = args[0], args[1:]  # the older order: add_(alpha, other)
        if direct is not None and not recorded and direct(input, *args, **options):
            input.version[0] += 1
            return input
        result = operation(as_before(input) if recorded else input, *args, **options)
        if result.shape != input.shape:
            raise ArgumentError(f"{name}: the result has shape {result.shape}, which does not fit into {input.shape}")
        if result.dtype is not input.dtype:
            if result.dtype.category > input.dtype.category:
                raise KindError(f"{name}: the result is {result.dtype} and does not fit into {input.dtype}")
            result = to_dtype(result, input.dtype)
        return take_over(input, result, recorded)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"In-place form of :func:`{name.rstrip('_')}`: the tensor itself takes the result."
    return apply


add_ = _inplace("add_", arithmetic.add, arithmetic._add, combine.add_into)
sub_ = _inplace("sub_", arithmetic.sub, arithmetic._sub, combine.sub_into)
mul_ = _inplace("mul_", arithmetic.mul, arithmetic._mul)
div_ = _inplace("div_", arithmetic.div, arithmetic._div)


def inplace_form(
    name: str, operation: Callable[..., Any], direct: Callable[..., bool] | Unary | None = None
) -> Callable[..., Tensor]:
    """The in-place form of an operation whose first operand is the tensor itself.

    Args:
        name: with the underscore.
        operation: what it is the form of.
        direct: the same straight in the tensor's memory, ``direct(input, ...)`` says whether it could; or a Unary,
            whose kernel can do so.
    """
    if isinstance(direct, Unary):
        return _inplace(name, operation, None, functools.partial(engine.unary_into, direct.family))
    return _inplace(name, operation, None, direct)


def _overwrite(name: str, input: Tensor, write: Callable[[], None]) -> Tensor:
    """For a write that does not read the tensor: its numbers are constants from now on."""
    recorded = may_change(name, input)
    write()
    input.version[0] += 1
    if recorded:
        changed(input, None)
    return input


def zero_(input: Tensor) -> Tensor:
    """Sets all numbers to zero."""
    return _overwrite("zero_", input, lambda: create.fill_with(input, 0))


def fill_(input: Tensor, value: float) -> Tensor:
    """Sets all numbers to ``value``, a number or a 0-d tensor (whose gradient is recorded).

    Raises:
        ValueError: for a number that does not fit, or a tensor with dimensions.
    """
    if isinstance(value, Value):
        if value.shape:
            raise ArgumentError(f"fill_: expected a number or a 0-d tensor, got shape {value.shape}")
        return copy_(input, value)
    return _overwrite("fill_", input, lambda: create.fill_with(input, value))


@refuses
def copy_(input: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """Takes over the numbers of ``src``, broadcast to the tensor's shape and converted to its type.

    Args:
        input: the tensor that is changed.
        src: any tensor that broadcasts.
        non_blocking: without meaning on the CPU, as in PyTorch.

    Raises:
        ValueError: when src does not broadcast to the tensor.
    """
    recorded = may_change("copy_", input, src)
    source = src if src.dtype is input.dtype else to_dtype(src, input.dtype)
    surplus = max(len(source.shape) - len(input.shape), 0)
    if surplus and set(source.shape[:surplus]) == {1}:
        source = reshape(source, source.shape[surplus:])
    if source.shape != input.shape:
        try:
            source = expand(source, input.shape)
        except ValueError as error:
            raise ArgumentError(f"copy_: {error}") from None
    engine.copy_into(input, source)
    input.version[0] += 1
    if recorded:
        changed(input, Node("copy", (zeros_like, lambda grad: grad), (edge_of(input), edge_of(source)), (), 0))
    return input


def uniform_(input: Tensor, a: float = 0.0, b: float = 1.0, *, generator: Any = None) -> Tensor:
    """Takes uniform random numbers from [a, b)."""
    if a > b:
        raise ArgumentError(f"uniform_: from {a} to {b} is empty")
    return _overwrite("uniform_", input, lambda: random.fill_uniform(input, a, b, generator))


def normal_(input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
    """Takes normal random numbers."""
    if std < 0:
        raise ArgumentError(f"normal_: std must not be negative, got {std}")
    return _overwrite("normal_", input, lambda: random.fill_normal(input, mean, std, generator))
