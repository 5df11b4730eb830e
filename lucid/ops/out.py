"""``out=``: a result written into a tensor that is there already.

The functions of the ``lucid`` module take it; the operations below do not know it, and methods and operators, which
training steps use, go straight to them.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from lucid import engine
from lucid.autograd.graph import Value, needs_graph
from lucid.errors import KindError
from lucid.ops.numpy_names import renamed
from lucid.ops.refusal import refusal
from lucid.ops.view import to_dtype
from lucid.types import Tensor


def takes_out(operation: Callable[..., Any]) -> Callable[..., Any]:
    """``operation`` with the further argument ``out``.

    ``out`` is a tensor, or for several results a tuple of them. The result is written into it, converted to its number
    type, and it is returned. Where its shape differs it takes over the result's memory; that warns, unless it is empty.

    Raises:
        RuntimeError: while recording, when ``out`` or an operand requires a gradient.
        TypeError: when the result does not fit into the number type.
    """

    parameters = list(inspect.signature(operation).parameters.values())
    required = [p.name for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    plain = required == [p.name for p in parameters]

    # The first two are the last one with less to do: a call without out should cost next to nothing.
    def of_one(input: Any, *, out: Any = None) -> Any:
        try:
            return operation(input) if out is None else _into(out, operation, (input,), {})
        except AttributeError as error:
            raise refusal(operation.__name__, (input,), error) from None

    def of_two(input: Any, other: Any, *, out: Any = None) -> Any:
        try:
            return operation(input, other) if out is None else _into(out, operation, (input, other), {})
        except AttributeError as error:
            raise refusal(operation.__name__, (input, other), error) from None

    def of_any(*args: Any, out: Any = None, **options: Any) -> Any:
        if options:
            options = renamed(operation.__name__, options)
        try:
            return operation(*args, **options) if out is None else _into(out, operation, args, options)
        except AttributeError as error:
            raise refusal(operation.__name__, (*args, *options.values()), error) from None

    fits: dict[tuple[str, ...], Callable[..., Any]] = {("input",): of_one, ("input", "other"): of_two} if plain else {}
    with_out = functools.update_wrapper(fits.get(tuple(required), of_any), operation)
    argument = inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None)
    with_out.__signature__ = inspect.Signature([*parameters, argument])  # type: ignore[attr-defined]
    return with_out


# Computed in the number type of out.
_TYPED_BY_OUT = "sum prod cumsum cumprod zeros ones full eye arange linspace logspace".split()


def _into(out: Any, operation: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    name = operation.__name__
    targets = out if isinstance(out, tuple | list) else (out,)
    for target in targets:
        if not isinstance(target, Value):
            raise KindError(f"{name}: out must be a tensor, got {type(target).__name__}")
    operands = [x for one in args for x in (one if isinstance(one, tuple | list) else (one,))]
    if needs_graph(*operands, *options.values(), *targets):
        raise RuntimeError(f"{name}: out= is not recorded for gradients; leave it away, or use lucid.no_grad()")
    if name in _TYPED_BY_OUT and options.get("dtype") is None:
        options = {**options, "dtype": targets[0].dtype}
    results = operation(*args, **options)
    several = results if isinstance(results, tuple) else (results,)
    if len(targets) != len(several):
        raise KindError(f"{name}: out has {len(targets)} tensors for {len(several)} results")
    pairs = list(zip(targets, several, strict=True))
    for target, result in pairs:
        _check(name, target, result)
    for target, result in pairs:
        _write(name, target, result)
    return type(results)(*out) if hasattr(results, "_fields") else out


def _check(name: str, target: Tensor, result: Tensor) -> None:
    if result.dtype.category > target.dtype.category:
        raise KindError(f"{name}: the result is {result.dtype} and does not fit into out, which is {target.dtype}")
    if target.shape == result.shape:
        engine.check_writable(target, name)


def _write(name: str, target: Tensor, result: Tensor) -> None:
    result = result if result.dtype is target.dtype else to_dtype(result, target.dtype)
    if target.shape == result.shape:
        engine.copy_into(target, result)
        target.version[0] += 1
        return
    if target.array.size:
        warnings.warn(
            f"{name}: out has shape {target.shape} and takes the shape {result.shape} of the result; give an empty "
            "tensor, or one of that shape",
            stacklevel=5,
        )
    target.data = result
