"""In-place operations. Each raises the tensor's version, so that backward notices a saved tensor that was changed.

While recording, ``x.add_(y)`` is recorded like ``x + y``, and x takes the place of the result in the graph.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from lucid import engine
from lucid.autograd.graph import Value, needs_graph
from lucid.ops import arithmetic, combine, create, random
from lucid.ops.broadcast import expand
from lucid.ops.elementwise import Binary, Tensor, Unary
from lucid.ops.index import index_put, write_at
from lucid.ops.view import to_dtype


def _may_change(name: str, input: Tensor, *others: Any) -> bool:
    """Checks that ``input`` may be written to; says whether the change must be recorded."""
    engine.check_writable(input, name)
    recorded = needs_graph(input, *others)
    if recorded and input.requires_grad and input.node is None:
        raise RuntimeError(
            f"{name}: a leaf that requires grad cannot be changed in place while recording; use lucid.no_grad()"
        )
    if recorded and input.base is not None:
        raise RuntimeError(
            f"{name}: changing a view in place is not recorded, so its gradient would be wrong; "
            "write the result to a new tensor, or use lucid.no_grad() or detach() if no gradient is wanted"
        )
    return recorded


def _take_over(input: Tensor, result: Tensor) -> Tensor:
    """Writes ``result`` into ``input`` and gives ``input`` its place in the graph."""
    engine.copy_into(input, result)
    input.version[0] += 1
    if result.requires_grad:
        input.requires_grad, input.node = True, result.node
    return input


def _as_before(input: Tensor) -> Tensor:
    """The tensor as it stands now, at its place in the graph, on memory that the change does not touch."""
    before = engine.empty(input.shape, input.dtype)
    engine.copy_into(before, input)
    before.requires_grad, before.node = input.requires_grad, input.node
    return before


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

    def changed(input: Tensor, *args: Any, **options: Any) -> Tensor:
        recorded = _may_change(name, input, *args)
        other = args[0] if args else None
        if op is not None and not recorded and not options and len(args) == 1:
            fits = isinstance(other, Value) and other.shape == input.shape and other.dtype is input.dtype
            if fits or (isinstance(other, int | float) and input.dtype.is_floating_point):
                engine.binary_into(op.family, input, other)
                input.version[0] += 1
                return input
        if direct is not None and not recorded and direct(input, *args, **options):
            input.version[0] += 1
            return input
        result = operation(_as_before(input) if recorded else input, *args, **options)
        if result.shape != input.shape:
            raise ValueError(f"{name}: the result has shape {result.shape}, which does not fit into {input.shape}")
        if result.dtype is not input.dtype:
            if result.dtype.category > input.dtype.category:
                raise TypeError(f"{name}: the result is {result.dtype} and does not fit into {input.dtype}")
            result = to_dtype(result, input.dtype)
        return _take_over(input, result)

    changed.__name__ = changed.__qualname__ = name
    changed.__doc__ = f"In-place form of :func:`{name.rstrip('_')}`: the tensor itself takes the result."
    return changed


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


def _overwrite(name: str, input: Tensor) -> None:
    """For a write that does not read the tensor: it leaves the graph it was in."""
    if _may_change(name, input):
        input.node, input.requires_grad = None, False
    input.version[0] += 1


def zero_(input: Tensor) -> Tensor:
    """Sets all numbers to zero."""
    return fill_(input, 0)


def fill_(input: Tensor, value: float) -> Tensor:
    """Sets all numbers to ``value``."""
    _overwrite("fill_", input)
    create.fill_with(input, value.array.item() if isinstance(value, Value) else value)
    return input


def copy_(input: Tensor, src: Tensor) -> Tensor:
    """Takes over the numbers of ``src``, broadcast to the tensor's shape and converted to its type.

    Raises:
        ValueError: when src does not broadcast to the tensor.
    """
    recorded = _may_change("copy_", input, src)
    source = src if src.dtype is input.dtype else to_dtype(src, input.dtype)
    if source.shape != input.shape:
        try:
            source = expand(source, input.shape)
        except ValueError as error:
            raise ValueError(f"copy_: {error}") from None
    if recorded:
        if source is src or source.strides is not None:
            source = source.clone()
        input.node, input.requires_grad = None, False
        return _take_over(input, source)
    engine.copy_into(input, source)
    input.version[0] += 1
    return input


def setitem(input: Tensor, key: Any, value: Any) -> None:
    """``input[key] = value``: writes into the tensor's memory; recorded, when ``input`` or ``value`` has a gradient.

    Args:
        input: the tensor to write to.
        key: an index, as for reading.
        value: a tensor or numbers, broadcast to the shape of ``input[key]`` and converted to its number type.

    Raises:
        RuntimeError: while recording, for a leaf that requires a gradient, or for a view.
        IndexError: for an index out of range.
        ValueError: when value does not broadcast.

    Example:
        >>> import lucid
        >>> x = lucid.zeros(2, 3)
        >>> x[:, 1] = lucid.tensor([5.0, 6.0])
        >>> x.tolist()
        [[0.0, 5.0, 0.0], [0.0, 6.0, 0.0]]
    """
    if _may_change("index assignment", input, value):
        _take_over(input, index_put(_as_before(input), key, value))
    else:
        write_at(input, key, value)
        input.version[0] += 1


def uniform_(input: Tensor, a: float = 0.0, b: float = 1.0, *, generator: Any = None) -> Tensor:
    """Takes uniform random numbers from [a, b)."""
    if a > b:
        raise ValueError(f"uniform_: from {a} to {b} is empty")
    _overwrite("uniform_", input)
    random.fill_uniform(input, a, b, generator)
    return input


def normal_(input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
    """Takes normal random numbers."""
    if std < 0:
        raise ValueError(f"normal_: std must not be negative, got {std}")
    _overwrite("normal_", input)
    random.fill_normal(input, mean, std, generator)
    return input
