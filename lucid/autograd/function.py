"""A user's own operation: forward and backward in Python."""

from __future__ import annotations

import functools
import weakref
from typing import Any

from lucid import engine
from lucid.autograd.grad_mode import mode
from lucid.autograd.graph import OutputNode, Value, describe, detached_alias, needs_graph, record
from lucid.autograd.views import views_of
from lucid.errors import KindError


class Context:
    """What ``forward`` leaves for ``backward``. Any attribute may be set on it.

    Attributes:
        needs_input_grad: for each argument of ``forward``, whether its gradient is wanted.
    """

    needs_input_grad: tuple[bool, ...] = ()

    def __init__(self) -> None:
        self._saved: tuple[Any, ...] = ()
        self._non_differentiable: tuple[Any, ...] = ()
        self._dirty: tuple[Any, ...] = ()
        self._materialize = True

    def save_for_backward(self, *tensors: Any) -> None:
        """Keeps tensors (inputs, results or intermediates; None is allowed) for ``backward``."""
        self._saved = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors that were saved, as ``backward`` needs them."""
        return self._saved

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Says that these results carry no gradient."""
        self._non_differentiable = tensors

    def mark_dirty(self, *tensors: Any) -> None:
        """Says that these arguments were changed in place. ``forward`` has to return them."""
        self._dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether ``backward`` gets zeros (the default) or None for results that were not used."""
        self._materialize = value


class Function:
    """Base class of own operations: write ``forward`` and ``backward``, call ``apply``.

    ``forward(ctx, *args)`` computes; it is not recorded. ``backward(ctx, *grads)`` gets the gradient of each result
    and returns the gradient of each argument (None where there is none). It is written with lucid's operations, so
    it can be differentiated again.

    ``forward(*args)`` without the context works too, with a second method ``setup_context(ctx, inputs, output)`` that
    leaves what ``backward`` needs.

    Example:
        >>> import lucid
        >>> class Cube(lucid.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x * x * x
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (x,) = ctx.saved_tensors
        ...         return grad * 3 * x * x
        >>> x = lucid.tensor(2.0, requires_grad=True)
        >>> Cube.apply(x).backward()
        >>> x.grad.item()
        12.0
    """

    @staticmethod
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        """Computes the result, or a tuple of results."""
        raise NotImplementedError("Function: write a static method forward(ctx, ...)")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Computes the gradient of each argument of ``forward``."""
        raise NotImplementedError("Function: write a static method backward(ctx, ...)")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Leaves what ``backward`` needs, when ``forward`` is written without the context."""
        raise NotImplementedError("Function: write forward(ctx, ...), or forward(...) and setup_context")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Runs ``forward`` and records the operation."""
        ctx = Context()
        ctx.needs_input_grad = tuple(isinstance(x, Value) and x.requires_grad for x in args)
        before, mode.recording = mode.recording, False
        try:
            if cls.setup_context is Function.setup_context:
                result = cls.forward(ctx, *args, **kwargs)
            else:
                result = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, result)
        finally:
            mode.recording = before
        returned = result if isinstance(result, tuple) else (result,)
        recorded = needs_graph(*args)
        _check_dirty(cls.__name__, ctx, args, returned, recorded)
        # A result that is an argument itself becomes an alias of it, so that the argument keeps its own place.
        results = tuple(detached_alias(r) if any(r is x for x in args) else r for r in returned)
        if recorded:
            _record(cls, ctx, args, results)
        if ctx._dirty:
            results = tuple(
                _moved(x, r) if any(x is d for d in ctx._dirty) else r for x, r in zip(returned, results, strict=True)
            )
            ctx._dirty = ()  # the context is the node's, and the node is the argument's: not a circle
        return results if isinstance(result, tuple) else results[0]


def once_differentiable(backward: Any) -> Any:
    """For a ``backward`` that is not written with lucid's operations: its gradients cannot be differentiated again.

    Example:
        >>> import lucid
        >>> class Double(lucid.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         return lucid.tensor(2 * x.detach().numpy())
        ...     @staticmethod
        ...     @lucid.autograd.once_differentiable
        ...     def backward(ctx, grad):
        ...         return lucid.tensor(2 * grad.numpy())
        >>> x = lucid.ones(1, requires_grad=True)
        >>> Double.apply(x).backward()
        >>> x.grad
        tensor([2.])
    """

    def refuse(grad: Any) -> Any:
        raise RuntimeError("backward: a function marked with once_differentiable cannot be differentiated twice")

    @functools.wraps(backward)
    def once(ctx: Any, *grads: Any) -> Any:
        before, mode.recording = mode.recording, False
        try:
            found = backward(ctx, *grads)
        finally:
            mode.recording = before
        if not needs_graph(*grads):
            return found
        several = tuple(found) if isinstance(found, tuple | list) else (found,)
        given = tuple(g for g in grads if isinstance(g, Value) and g.requires_grad)
        marked = tuple(
            record("error", detached_alias(g), given[:1], (refuse,)) if isinstance(g, Value) else g for g in several
        )
        return marked if isinstance(found, tuple | list) else marked[0]

    return once


def _check_dirty(name: str, ctx: Context, args: tuple[Any, ...], returned: tuple[Any, ...], recorded: bool) -> None:
    """Raises when an argument that was changed in place cannot get a new place in the graph."""
    for x in ctx._dirty:
        if not any(x is argument for argument in args) or not any(x is result for result in returned):
            raise RuntimeError(f"{name}: mark_dirty is for arguments of forward that it also returns")
        if recorded and x.requires_grad and x.node is None:
            raise RuntimeError(f"{name}: a leaf that requires grad cannot be changed in place while recording")
        if recorded and (x.base is not None or views_of(x)):
            raise RuntimeError(f"{name}: a tensor with views, or a view, cannot be changed here; work on its clone()")


def _moved(x: Any, result: Any) -> Any:
    """An argument that was changed in place, at the place of the result."""
    if result.node is not None:
        x.requires_grad, x.node = True, result.node
    return x


def _record(function: type[Function], ctx: Context, args: tuple[Any, ...], results: tuple[Any, ...]) -> None:
    """Gives the results their place in the graph. What ``forward`` saved moves to the node, which watches it."""
    rule = _Rule(function, ctx, args, results)
    if not rule.differentiable:
        return
    outputs = tuple(results[i] for i in rule.differentiable)
    saved = tuple(
        detached_alias(x) if i in rule.saved_results else x for i, x in enumerate(ctx._saved) if x is not None
    )
    record(function.__name__, outputs if len(outputs) > 1 else outputs[0], args, rule, saved)
    node = outputs[0].node
    rule.node = weakref.ref(node.edges[0] if len(outputs) > 1 else node)
    ctx._saved = ()


class _Rule:
    """The derivative rule of one call of a Function: its ``backward``, between two checks."""

    def __init__(self, function: type[Function], ctx: Context, args: tuple[Any, ...], results: tuple[Any, ...]) -> None:
        self.function = function
        self.ctx = ctx
        self.arguments = [(x.shape, x.dtype, x.requires_grad) if isinstance(x, Value) else None for x in args]
        self.results = [(r.shape, r.dtype) if isinstance(r, Value) else None for r in results]
        excluded = ctx._non_differentiable
        if ctx._dirty:  # a changed argument that was saved is the result
            changed = {id(x): r for x in ctx._dirty for r in results if isinstance(r, Value) and r.array is x.array}
            ctx._saved = tuple(changed.get(id(x), x) for x in ctx._saved)
        self.differentiable = [
            i
            for i, r in enumerate(results)
            if isinstance(r, Value) and r.dtype.is_floating_point and not any(r is x for x in excluded)
        ]
        for x in ctx._saved:
            if x is not None and not isinstance(x, Value):
                raise KindError(
                    f"{function.__name__}: save_for_backward takes tensors and None, got {type(x).__name__}; "
                    "keep other values as attributes of ctx"
                )
        self.kept = [x is not None for x in ctx._saved]
        # position among the saved -> number among the differentiable results
        self.saved_results = {
            i: number
            for i, x in enumerate(ctx._saved)
            for number, position in enumerate(self.differentiable)
            if x is results[position]
        }
        self.node: Any = None

    def __call__(self, grad: Any, *saved: Any) -> list[Any]:
        grads: list[Any] = [None] * len(self.results)
        for position, one in zip(self.differentiable, grad if len(self.differentiable) > 1 else [grad], strict=True):
            grads[position] = one
        if self.ctx._materialize:
            grads = [
                _zeros(*result) if g is None and result is not None else g
                for g, result in zip(grads, self.results, strict=True)
            ]
        tensors = iter(saved)
        self.ctx._saved = tuple(self._restored(i, next(tensors)) if kept else None for i, kept in enumerate(self.kept))
        try:
            found = self.function.backward(self.ctx, *grads)
        finally:
            self.ctx._saved = ()
        return self._checked(found, saved)

    def _restored(self, i: int, x: Any) -> Any:
        """A saved tensor; when the rule itself is recorded, a saved result gets its place in the graph back."""
        if i not in self.saved_results or not mode.recording:
            return x
        x = detached_alias(x)
        node = self.node()
        x.node = OutputNode(node, self.saved_results[i]) if node.outputs > 1 else node
        x.requires_grad = True
        return x

    def _checked(self, found: Any, saved: tuple[Any, ...]) -> list[Any]:
        """The gradients that ``backward`` returned, one per argument, each of its argument's shape and type."""
        name = self.function.__name__
        grads = list(found) if isinstance(found, (tuple, list)) else [found]
        while len(grads) > len(self.arguments) and grads[-1] is None:
            grads.pop()
        if len(grads) != len(self.arguments):
            raise RuntimeError(
                f"{name}.backward returned {len(grads)} gradients for the {len(self.arguments)} arguments of forward"
            )
        for number, (g, argument) in enumerate(zip(grads, self.arguments, strict=True)):
            if g is None:
                continue
            if argument is None:
                raise RuntimeError(f"{name}.backward: argument {number} is not a tensor, so its gradient must be None")
            if not isinstance(g, Value) or g.shape != argument[0] or g.dtype is not argument[1]:
                raise RuntimeError(
                    f"{name}.backward: gradient {number} is {describe(g)}, the argument is {argument[1]} {argument[0]}"
                )
            if any(g is x for x in saved):  # a leaf must not get a saved tensor as its gradient
                grads[number] = g.clone()  # type: ignore[attr-defined]
        return grads


def _zeros(shape: tuple[int, ...], dtype: Any) -> Any:
    return engine.zeros(shape, dtype)
