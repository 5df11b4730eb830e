"""Gradients: the recorded graph, the way back through it, grad modes, own operations, and checks of derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lucid import engine
from lucid.autograd import functional
from lucid.autograd.anomaly import (
    detect_anomaly,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    set_detect_anomaly,
)
from lucid.autograd.function import Function, once_differentiable
from lucid.autograd.grad_mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from lucid.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from lucid.autograd.graph import Node, Value, describe, edge_of, run_backward
from lucid.autograd.variable import Variable
from lucid.errors import KindError

__all__ = [
    "Function",
    "GradcheckError",
    "Node",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "no_grad",
    "once_differentiable",
    "set_detect_anomaly",
    "set_grad_enabled",
]


def _as_tuple(tensors: Any) -> tuple[Any, ...]:
    return (tensors,) if isinstance(tensors, Value) else tuple(tensors)


def _root_gradients(operation: str, roots: Sequence[Any], grads: Any) -> list[Any]:
    """The gradient to start from at each root: as given, or 1 for a scalar."""
    given = [None] * len(roots) if grads is None else list(_as_tuple(grads))
    if len(given) != len(roots):
        raise RuntimeError(f"{operation}: {len(roots)} tensors but {len(given)} gradients")
    found = []
    for root, gradient in zip(roots, given, strict=True):
        if not isinstance(root, Value):
            raise KindError(f"{operation}: expected a tensor, got {describe(root)}")
        if not root.requires_grad:
            raise RuntimeError(
                f"{operation}: tensor of shape {root.shape} does not require grad and has no graph; "
                "was it made under no_grad, or from leaves without requires_grad=True?"
            )
        if gradient is None:
            if root.array.size != 1:
                raise RuntimeError(
                    f"{operation}: a gradient can be made up only for a scalar, not for shape {root.shape}; "
                    "give one of that shape, or reduce the tensor (sum, mean) first"
                )
            gradient = engine.empty(root.shape, root.dtype)
            engine.fill(gradient, 1.0)
        elif not isinstance(gradient, Value) or gradient.shape != root.shape or gradient.dtype is not root.dtype:
            raise RuntimeError(
                f"{operation}: gradient is {describe(gradient)} but the tensor is {root.dtype} {root.shape}"
            )
        found.append(gradient)
    return found


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Adds the gradients of ``tensors`` to ``.grad`` of the leaves they were computed from.

    Args:
        tensors: one tensor or several.
        grad_tensors: for each the gradient to start from, of its shape; may be None for scalars (then 1).
        retain_graph: keep what the derivative rules saved, for another backward. Default: ``create_graph``.
        create_graph: record the derivative rules, so that the gradients can be differentiated.
        inputs: only these leaves get a gradient. Default: all.

    Raises:
        RuntimeError: for a tensor that requires no gradient, a missing or ill-shaped start gradient, a graph whose
            tensors were freed, or a saved tensor changed in place.

    Example:
        >>> import lucid
        >>> x = lucid.tensor([1.0, 2.0], requires_grad=True)
        >>> lucid.autograd.backward((x * x).sum())
        >>> x.grad.tolist()
        [2.0, 4.0]
    """
    roots = _as_tuple(tensors)
    grads = _root_gradients("backward", roots, grad_tensors)
    keep = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        run_backward(roots, grads, keep, create_graph)
        return
    leaves = _as_tuple(inputs)
    if not leaves:
        raise RuntimeError("backward: inputs is empty; leave it out to reach all leaves")
    found = run_backward(roots, grads, keep, create_graph, leaves)
    for leaf in leaves:
        gradient = found.get(edge_of(leaf))
        if gradient is not None:
            leaf._grad = gradient if leaf._grad is None else leaf._grad + gradient


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of ``outputs`` with respect to ``inputs``, as a tuple; no ``.grad`` is touched.

    Args:
        outputs: one tensor or several; their gradients are summed.
        inputs: one tensor or several, leaves or not.
        grad_outputs: the gradient at each output; may be None for scalars (then 1).
        retain_graph: keep what the derivative rules saved. Default: ``create_graph``.
        create_graph: record the derivative rules, for higher derivatives.
        only_inputs: True; it is here because PyTorch has it.
        allow_unused: give None for an input that the outputs do not depend on; else that is an error.
        is_grads_batched: False; gradients for several grad_outputs take several calls, with ``retain_graph=True``.
        materialize_grads: give zeros instead of None.

    Raises:
        ValueError: for another ``only_inputs`` or ``is_grads_batched``.
        RuntimeError: as :func:`backward`; and for an input that is not used, or requires no gradient.

    Example:
        >>> import lucid
        >>> x = lucid.tensor(3.0, requires_grad=True)
        >>> (dx,) = lucid.autograd.grad(x**3, x, create_graph=True)
        >>> dx.item(), lucid.autograd.grad(dx, x)[0].item()
        (27.0, 18.0)
    """
    if not only_inputs or is_grads_batched:
        raise ValueError("grad: only_inputs must be True and is_grads_batched False; call grad once for each gradient")
    roots, wanted = _as_tuple(outputs), _as_tuple(inputs)
    if allow_unused is None:
        allow_unused = materialize_grads
    grads = _root_gradients("grad", roots, grad_outputs)
    for x in wanted:
        if not isinstance(x, Value) or not x.requires_grad:
            raise RuntimeError(f"grad: an input ({describe(x)}) does not require grad")
    keep = create_graph if retain_graph is None else retain_graph
    captured = run_backward(roots, grads, keep, create_graph, wanted)
    found: list[Any] = []
    for number, x in enumerate(wanted):
        gradient = captured[edge_of(x)]
        if gradient is None and not allow_unused:
            raise RuntimeError(
                f"grad: input {number} (shape {x.shape}) was not used to compute the outputs; "
                "pass allow_unused=True to get None for it"
            )
        if gradient is None and materialize_grads:
            gradient = engine.zeros(x.shape, x.dtype)
        found.append(gradient)
    return tuple(found)
