"""Checks of derivatives against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.grad_mode import enable_grad
from lucid.autograd.graph import Value, edge_of, run_backward
from lucid.errors import ArgumentError


class GradcheckError(RuntimeError):
    """A derivative rule disagrees with finite differences."""


def _differentiable(results: Any) -> list[Any]:
    results = results if isinstance(results, (tuple, list)) else (results,)
    return [r for r in results if isinstance(r, Value) and r.requires_grad]


def _gradients(outputs: Sequence[Any], inputs: Sequence[Any], grads: Sequence[Any], create_graph: bool) -> list[Any]:
    """The gradient of each input; zeros where an input is not used."""
    captured = run_backward(outputs, grads, True, create_graph, inputs)
    found = []
    for x in inputs:
        g = captured[edge_of(x)]
        found.append(engine.wrap(np.zeros(x.shape, x.dtype.numpy)) if g is None else g)
    return found


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Compares the derivative rules of ``func`` with central finite differences, entry by entry of the Jacobian.

    ∂f/∂x ≈ (f(x + eps) − f(x − eps)) / (2 eps), to be within ``atol + rtol · |numerical|``.

    Args:
        func: takes the inputs, returns a tensor or a tuple of tensors.
        inputs: a tensor or a tuple; those that require a gradient are checked. They should be float64.
        eps: the step of the differences.
        atol: absolute tolerance.
        rtol: relative tolerance.
        raise_exception: raise when they differ; else return False.

    Returns:
        True when all agree.

    Raises:
        GradcheckError: when they differ, with the entry and both values.
        ValueError: when no input requires a gradient, or one is not float64.

    Example:
        >>> import lucid
        >>> x = lucid.tensor([0.3, -2.0], dtype=lucid.float64, requires_grad=True)
        >>> lucid.autograd.gradcheck(lucid.tanh, (x,))
        True
    """
    args = (inputs,) if isinstance(inputs, Value) else tuple(inputs)
    checked = [x for x in args if isinstance(x, Value) and x.requires_grad]
    if not checked:
        raise ArgumentError("gradcheck: no input requires a gradient")
    for x in checked:
        if x.dtype is not engine.float64:
            raise ArgumentError(f"gradcheck: differences need float64 inputs, got {x.dtype} of shape {x.shape}")
        if not x.array.flags.writeable:
            raise ArgumentError("gradcheck: an input is an expanded view; clone() it first")
    try:
        _check(func, args, checked, eps, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check(
    func: Callable[..., Any], args: Sequence[Any], checked: Sequence[Any], eps: float, atol: float, rtol: float
) -> None:
    with enable_grad():
        outputs = _differentiable(func(*args))
    if not outputs:
        _check_no_dependence(func, args, checked, eps)
        return
    analytical = [[np.zeros((x.array.size, out.array.size)) for x in checked] for out in outputs]
    for o, out in enumerate(outputs):
        for entry in range(out.array.size):
            one = np.zeros(out.shape, out.dtype.numpy)
            one.reshape(-1)[entry] = 1
            for i, g in enumerate(_gradients([out], checked, [engine.wrap(one)], False)):
                analytical[o][i][:, entry] = g.array.reshape(-1)
    for i, x in enumerate(checked):
        for number, position in enumerate(np.ndindex(x.shape)):
            above, below = (_values_at(func, args, x, position, step) for step in (eps, -eps))
            for o, (high, low) in enumerate(zip(above, below, strict=True)):
                numerical = (high - low) / (2 * eps)
                rule = analytical[o][i][number]
                bad = ~np.isclose(rule, numerical, rtol, atol, equal_nan=True)
                if bad.any():
                    entry = int(np.argmax(bad))
                    raise GradcheckError(
                        f"gradcheck: derivative of output {o}, entry {entry}, with respect to input {i} at "
                        f"{tuple(position)}: the rule gives {rule[entry]:.9g}, differences give {numerical[entry]:.9g}"
                    )


def _check_no_dependence(func: Callable[..., Any], args: Sequence[Any], checked: Sequence[Any], eps: float) -> None:
    """No output requires a gradient: then none may depend on the inputs."""
    for i, x in enumerate(checked):
        for position in np.ndindex(x.shape):
            above, below = (_values_at(func, args, x, position, step, every=True) for step in (eps, -eps))
            if any(not np.array_equal(h, b, equal_nan=True) for h, b in zip(above, below, strict=True)):
                raise GradcheckError(f"gradcheck: an output depends on input {i} but does not require a gradient")


def _values_at(
    func: Callable[..., Any], args: Sequence[Any], x: Any, position: Any, step: float, every: bool = False
) -> list[np.ndarray]:
    """The outputs, flat, with one entry of ``x`` moved by ``step``."""
    before = x.array[position]
    x.array[position] = before + step
    try:
        with enable_grad():
            results = func(*args)
        if every:
            results = results if isinstance(results, (tuple, list)) else (results,)
            chosen = [r for r in results if isinstance(r, Value)]
        else:
            chosen = _differentiable(results)
        return [np.array(r.array, np.float64).reshape(-1) for r in chosen]
    finally:
        x.array[position] = before


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Checks the second derivatives: :func:`gradcheck` of the gradients of ``func``.

    Args:
        func: as for gradcheck.
        inputs: as for gradcheck.
        grad_outputs: the gradients at the outputs; drawn at random (always the same ones) when None.
        eps: the step of the differences.
        atol: absolute tolerance.
        rtol: relative tolerance.
        raise_exception: raise when they differ; else return False.

    Returns:
        True when all agree.

    Raises:
        GradcheckError: when they differ.

    Example:
        >>> import lucid
        >>> x = lucid.tensor([0.3, -2.0], dtype=lucid.float64, requires_grad=True)
        >>> lucid.autograd.gradgradcheck(lucid.exp, (x,))
        True
    """
    args = (inputs,) if isinstance(inputs, Value) else tuple(inputs)
    with enable_grad():
        outputs = _differentiable(func(*args))
    if grad_outputs is None:
        generator = np.random.default_rng(0)
        starts = [engine.wrap(generator.standard_normal(o.shape).astype(o.dtype.numpy)) for o in outputs]
        for start in starts:
            start.requires_grad = True
    else:
        starts = [*((grad_outputs,) if isinstance(grad_outputs, Value) else grad_outputs)]
    count = len(args)

    def gradients(*values: Any) -> tuple[Any, ...]:
        found = _differentiable(func(*values[:count]))
        checked = [x for x in values[:count] if isinstance(x, Value) and x.requires_grad]
        return tuple(_gradients(found, checked, values[count:], True))

    return gradcheck(gradients, (*args, *starts), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception)
