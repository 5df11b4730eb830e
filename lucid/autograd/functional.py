"""Derivatives of functions: Jacobians, Hessians, and their products with vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.grad_mode import enable_grad
from lucid.autograd.graph import Value, describe, detached_alias, edge_of, record, run_backward
from lucid.errors import ArgumentError, KindError

Function = Callable[..., Any]

__all__ = ["hessian", "jacobian", "jvp", "vjp"]


def _as_tuple(operation: str, what: str, x: Any) -> tuple[Any, ...]:
    found = tuple(x) if isinstance(x, (tuple, list)) else (x,)
    for number, one in enumerate(found):
        if not isinstance(one, Value):
            raise KindError(
                f"{operation}: {what} must be a tensor or a tuple of tensors; number {number} is {describe(one)}"
            )
    return found


def _like(x: Any, plain: bool) -> Any:
    """A tuple given back as it came: alone when there was one tensor and no tuple."""
    return x[0] if plain else x


def _prepared(inputs: tuple[Any, ...], create_graph: bool) -> tuple[Any, ...]:
    """The inputs to differentiate at: in their graph when the result shall be differentiable, else outside it."""
    return tuple(x.view(x.shape) if create_graph and x.requires_grad else _learned(detached_alias(x)) for x in inputs)


def _learned(x: Any) -> Any:
    if x.dtype.is_floating_point:
        x.requires_grad = True
    return x


def _zeros(x: Any) -> Any:
    return engine.zeros(x.shape, x.dtype)


def _run(operation: str, func: Function, inputs: tuple[Any, ...], strict: bool) -> tuple[tuple[Any, ...], bool]:
    """The outputs of ``func`` as a tuple, and whether it gave one tensor alone."""
    outputs = func(*inputs)
    found = _as_tuple(operation, "what the function returns", outputs)
    for number, out in enumerate(found):
        if strict and not out.requires_grad:
            raise RuntimeError(
                f"{operation}: output {number} does not depend on the inputs, and strict=True asks for that"
            )
    return found, isinstance(outputs, Value)


def _grads(
    operation: str, outputs: Any, inputs: tuple[Any, ...], start: Any, create_graph: bool, strict: bool
) -> tuple[Any, ...]:
    """Gradients, with zeros where there are none; ``strict`` makes those an error."""
    learned = [(out, g) for out, g in zip(outputs, start, strict=True) if out.requires_grad]
    wanted = [x for x in inputs if x.requires_grad]
    captured = run_backward([out for out, _ in learned], [g for _, g in learned], True, create_graph, wanted)
    found = [captured.get(edge_of(x)) if x.requires_grad else None for x in inputs]
    for number, (x, gradient) in enumerate(zip(inputs, found, strict=True)):
        if strict and gradient is None:
            raise RuntimeError(
                f"{operation}: the outputs do not depend on input {number}, and strict=True asks for that"
            )
        if strict and create_graph and gradient is not None and not gradient.requires_grad:
            raise RuntimeError(
                f"{operation}: the derivative with respect to input {number} (shape {x.shape}) does not depend on the "
                "inputs, so it has no derivative itself; strict=True and create_graph=True ask for one"
            )
    return tuple(_zeros(x) if g is None else g for x, g in zip(inputs, found, strict=True))


def _finished(x: tuple[Any, ...], create_graph: bool) -> tuple[Any, ...]:
    return x if create_graph else tuple(one.detach() for one in x)


def _vectors(operation: str, v: Any, like: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    """The vectors to multiply with: as given, or 1 for a single number."""
    if v is None:
        if len(like) != 1 or like[0].array.size != 1:
            raise RuntimeError(
                f"{operation}: v may be left out only when {what} is one number; give tensors of its shape"
            )
        one = engine.empty(like[0].shape, like[0].dtype)
        engine.fill(one, 1.0)
        return (one,)
    found = _as_tuple(operation, "v", v)
    if [x.shape for x in found] != [x.shape for x in like]:
        raise RuntimeError(
            f"{operation}: v has the shapes {[x.shape for x in found]}, {what} {[x.shape for x in like]}"
        )
    return found


def vjp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The outputs of a function, and vᵀ J: the product of a vector with its Jacobian.

    Args:
        func: takes tensors, returns a tensor or a tuple of them.
        inputs: a tensor or a tuple of them, where to differentiate.
        v: of the shapes of the outputs; may be left out when that is one number.
        create_graph: make the results differentiable.
        strict: raise when an output does not depend on the inputs, where else the derivative is zeros.

    Returns:
        The outputs, and the product in the shapes of the inputs.

    Raises:
        RuntimeError: for shapes of ``v`` that do not fit, and see ``strict``.

    Example:
        >>> import lucid
        >>> x = lucid.tensor([1.0, 2.0])
        >>> lucid.autograd.functional.vjp(lambda x: (x**2).sum(), x)[1].tolist()
        [2.0, 4.0]
    """
    given = _as_tuple("vjp", "inputs", inputs)
    with enable_grad():
        at = _prepared(given, create_graph)
        outputs, alone = _run("vjp", func, at, strict)
        start = _vectors("vjp", v, outputs, "the output")
        found = _grads("vjp", outputs, at, start, create_graph, strict)
    return (
        _like(_finished(outputs, create_graph), alone),
        _like(_finished(found, create_graph), isinstance(inputs, Value)),
    )


def jvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The outputs of a function, and J v: the product of its Jacobian with a vector.

    Found by differentiating uᵀ J, which is linear in u, once more.

    Args:
        func: takes tensors, returns a tensor or a tuple of them.
        inputs: a tensor or a tuple of them, where to differentiate.
        v: of the shapes of the inputs; may be left out when that is one number.
        create_graph: make the results differentiable.
        strict: raise when an output does not depend on the inputs, where else the derivative is zeros.

    Returns:
        The outputs, and the product in their shapes.

    Raises:
        RuntimeError: for shapes of ``v`` that do not fit, and see ``strict``.

    Example:
        >>> import lucid
        >>> x = lucid.tensor([1.0, 2.0])
        >>> lucid.autograd.functional.jvp(lambda x: x**2, x, lucid.tensor([1.0, 10.0]))[1].tolist()
        [2.0, 40.0]
    """
    given = _as_tuple("jvp", "inputs", inputs)
    with enable_grad():
        direction = _vectors("jvp", v, given, "the input")
        at = _prepared(given, create_graph)
        outputs, alone = _run("jvp", func, at, strict)
        u = tuple(_learned(_zeros(out)) for out in outputs)
        rows = _grads("jvp", outputs, at, u, True, strict)
        used = [(row, d) for row, d in zip(rows, direction, strict=True) if row.requires_grad]
        found = _grads("jvp", [row for row, _ in used], u, [d for _, d in used], create_graph, strict)
    return _like(_finished(outputs, create_graph), alone), _like(_finished(found, create_graph), alone)


def _check_plain(operation: str, vectorize: bool, strategy: str) -> None:
    if vectorize:
        raise ArgumentError(f"{operation}: vectorize=True is not there; leave it out, the values are the same")
    if strategy != "reverse-mode":
        raise ArgumentError(f"{operation}: strategy {strategy!r} is not there; use 'reverse-mode'")


def jacobian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of a function: ∂ output / ∂ input, of the shape of the output followed by that of the input.

    Args:
        func: takes tensors, returns a tensor or a tuple of them.
        inputs: a tensor or a tuple of them, where to differentiate.
        create_graph: make the result differentiable.
        strict: raise when an output does not depend on an input, where else the derivative is zeros.
        vectorize: False, the only one there is: a backward for each number of the output.
        strategy: ``"reverse-mode"``, the only one there is.

    Returns:
        A tensor; a tuple over the inputs when they are a tuple; and a tuple over the outputs when they are one.

    Raises:
        RuntimeError: see ``strict``.
        ValueError: for another strategy.

    Example:
        >>> import lucid
        >>> lucid.autograd.functional.jacobian(lambda x: x**2, lucid.tensor([1.0, 2.0])).tolist()
        [[2.0, 0.0], [0.0, 4.0]]
    """
    _check_plain("jacobian", vectorize, strategy)
    given = _as_tuple("jacobian", "inputs", inputs)
    with enable_grad():
        at = _prepared(given, create_graph)
        outputs, alone = _run("jacobian", func, at, strict)
        found = tuple(_rows(out, at, create_graph, strict) for out in outputs)
    plain = isinstance(inputs, Value)
    return _like(tuple(_like(_finished(blocks, create_graph), plain) for blocks in found), alone)


def _rows(out: Any, at: tuple[Any, ...], create_graph: bool, strict: bool) -> tuple[Any, ...]:
    """The Jacobian of one output with respect to each input: a backward for each of its numbers."""
    rows = []
    for number in range(out.array.size):
        unit = _zeros(out)
        unit.array.reshape(-1)[number] = 1
        rows.append(_grads("jacobian", (out,), at, (unit,), create_graph, strict))
    blocks = []
    for number, x in enumerate(at):
        total = np.zeros((out.array.size, *x.shape), x.dtype.numpy)
        for position, row in enumerate(rows):
            total[position] = row[number].array
        rules = tuple(lambda grad, position=position: grad[position] for position in range(len(rows)))
        block = record("jacobian", engine.wrap(total), [row[number] for row in rows], rules)
        blocks.append(block.reshape(*out.shape, *x.shape))
    return tuple(blocks)


def hessian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of a function that gives one number: ∂² output / ∂ input ∂ input.

    Args:
        func: takes tensors, returns a tensor of one element.
        inputs: a tensor or a tuple of them, where to differentiate.
        create_graph: make the result differentiable.
        strict: raise when a derivative does not depend on an input, where else the second derivative is zeros.
        vectorize: False, the only one there is.
        outer_jacobian_strategy: ``"reverse-mode"``, the only one there is.

    Returns:
        A tensor of the shape of the input twice; for a tuple of inputs a tuple of tuples.

    Raises:
        RuntimeError: for a function that gives more than one number, and see ``strict``.

    Example:
        >>> import lucid
        >>> lucid.autograd.functional.hessian(lambda x: (x**3).sum(), lucid.tensor([1.0, 2.0])).tolist()
        [[6.0, 0.0], [0.0, 12.0]]
    """
    _check_plain("hessian", vectorize, outer_jacobian_strategy)
    plain = isinstance(inputs, Value)

    def gradient(*at: Any) -> tuple[Any, ...]:
        found: Any = jacobian(number, at, create_graph=True, strict=strict)
        return tuple(found)

    def number(*at: Any) -> Any:
        out = func(*at)
        if not isinstance(out, Value) or out.array.size != 1:
            raise RuntimeError(f"hessian: the function must give a tensor of one element, got {describe(out)}")
        return out.reshape(())  # type: ignore[attr-defined]

    found = jacobian(gradient, inputs, create_graph, strict)
    return found[0] if plain else found
