"""The recorded graph, and the way back through it. Knows no operation.

While recording, an operation gives its result a Node: which rules take the gradient of the result to the gradients of
the inputs, which tensors those rules need, and where each input came from. ``run_backward`` walks the nodes from the
newest to the oldest; a node is reached only after all that used its result, because those were made later.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any, TypeVar

import numpy as np

from lucid.autograd.grad_mode import mode
from lucid.engine import accumulate, check_writable, copy, owns_memory
from lucid.engine import dtype as number_type
from lucid.types import Tensor

before_backward: list[Any] = [None]  # a function of the roots, called first; see anomaly.py
_newer = itertools.count(0, -1).__next__


class _Visited(tuple[Any, ...]):
    """In the place of saved tensors, where a node had none, when backward has gone through it."""


VISITED = _Visited()
Rule = Callable[..., Any]
Hook = Callable[[Any], Any]
Result = TypeVar("Result", bound="Tensor | tuple[Tensor, ...]")


class Value:
    """What a tensor carries: its data, its gradient and its place in the graph. ``lucid.Tensor`` adds the operations.

    Attributes:
        array: the NumPy array that holds the numbers.
        pointer: its address for the engine.
        shape: its dimensions.
        dtype: its number type.
        strides: None when the memory is contiguous, else the steps between elements.
        requires_grad: whether gradients flow to it.
        node: the Node that made it; None for a leaf.
        version: a list that all tensors on this memory share. The first entry is a number, raised at each in-place
            change; what follows belongs to ``views.py``.
        base: for a view, the tensor whose memory it shows.
        restriction: only views have it: why this one must not be changed in place while recording.
        hooks: for a leaf, functions its gradient goes through.
    """

    __slots__ = (
        "__weakref__", "_grad", "array", "base", "dtype", "hooks", "node", "pointer", "requires_grad",
        "restriction", "shape", "strides", "version",
    )  # fmt: skip
    restriction: str

    def __init__(
        self,
        array: Any = None,
        pointer: Any = None,
        shape: Any = None,
        dtype: Any = None,
        strides: Any = None,
    ) -> None:
        if dtype.__class__ is not number_type:  # a user calls Tensor(2, 3) or Tensor([1, 2])
            given = tuple(x for x in (array, pointer, shape, dtype, strides) if x is not None)
            array, pointer, shape, dtype, strides = self._of_given(given)
        self.array: np.ndarray = array
        self.pointer: Any = pointer
        self.shape: tuple[int, ...] = shape
        self.dtype: number_type = dtype
        self.strides: tuple[int, ...] | None = strides
        self.requires_grad = False
        self._grad: Tensor | None = None
        self.node: Node | None = None
        self.version: list[Any] = [0]
        self.base: Tensor | None = None
        self.hooks: dict[int, Hook] | None = None

    def _of_given(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Memory, shape, type and strides for what a user gave to the class itself."""
        raise TypeError(f"{type(self).__name__}: not to be made by a call; use lucid.tensor")


# The names PyTorch prints that do not follow from ours.
_SHOWN = {
    "reshape": "ViewBackward0",
    "slice": "SliceBackward0",
    "to": "ToCopyBackward0",
    "linear": "AddmmBackward0",
    "conv1d": "ConvolutionBackward0",
    "conv2d": "ConvolutionBackward0",
    "conv_transpose1d": "ConvolutionBackward0",
    "conv_transpose2d": "ConvolutionBackward0",
    "cross_entropy": "NllLossBackward0",
    "gather_rows": "EmbeddingBackward0",
    "amax": "MaxBackward1",
    "amin": "MinBackward1",
    "norm": "LinalgVectorNormBackward0",
    "layer_norm": "NativeLayerNormBackward0",
    "batch_norm": "NativeBatchNormBackward0",
    "group_norm": "NativeGroupNormBackward0",
    "max_pool2d": "MaxPool2DWithIndicesBackward0",
    "avg_pool2d": "AvgPool2DBackward0",
    "softplus_beta": "SoftplusBackward0",
    "linear_relu": "ReluBackward0",
    "copy_slices": "CopySlices",
    "clamp": "ClampBackward1",
}


class Node:
    """One recorded operation.

    Attributes:
        name: the operation's name.
        rules: one function per input, ``rule(grad, *saved) -> gradient of that input``; or one function for all,
            which returns a sequence.
        edges: where each input came from: a Node, the leaf itself, or None where no gradient is wanted.
        saved: the tensors that the rules need; None once they were freed.
        version: the sum of their version numbers when they were saved.
        outputs: how many results the operation has; with more than one, ``grad`` is the list of their gradients.
        output: the position in ``saved`` of the result itself, or None. (Kept as an alias that has no node, because a
            node that held its own result could only be freed by the garbage collector.)
        hooks: functions that the gradient of the result goes through first.
        retained: the tensor whose ``.grad`` is to be kept, as a weak reference.
        order: newer nodes have smaller numbers.
    """

    __slots__ = (
        "__weakref__",
        "edges",
        "hooks",
        "name",
        "order",
        "output",
        "outputs",
        "retained",
        "rules",
        "saved",
        "version",
    )

    def __init__(self, name: str, rules: Any, edges: tuple[Any, ...], saved: tuple[Any, ...], version: int) -> None:
        self.name = name
        self.rules = rules
        self.edges = edges
        self.saved = saved
        self.version = version
        self.order = _newer()
        self.outputs = 1
        self.output: int | None = None
        self.hooks: Any = None
        self.retained: Any = None

    @property
    def shown_name(self) -> str:
        """What PyTorch calls the operation's class, as far as one name here is one there."""
        return _SHOWN.get(self.name) or "".join(part.capitalize() for part in self.name.split("_")) + "Backward0"

    def __repr__(self) -> str:
        return f"<{self.shown_name} object at {id(self):#x}>"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """Where each input came from, as pairs, the way PyTorch shows them: a leaf is an :class:`AccumulateGrad`."""
        return tuple((AccumulateGrad(edge) if isinstance(edge, Value) else edge, 0) for edge in self.edges)


class AccumulateGrad:
    """A leaf, where the graph is walked through.

    Attributes:
        variable: the leaf.
    """

    next_functions = ()

    def __init__(self, variable: Value) -> None:
        self.variable = variable

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self.variable):#x}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccumulateGrad) and other.variable is self.variable

    def __hash__(self) -> int:
        return id(self.variable)


class OutputNode(Node):
    """One of several results of an operation: takes its gradient to its place in the operation's list."""

    __slots__ = ("index",)

    def __init__(self, node: Node, index: int) -> None:
        Node.__init__(self, node.name, None, (node,), (), 0)
        self.index = index


def edge_of(x: Value) -> Any:
    """Where ``x`` came from, for a new node's edges."""
    return (x.node or x) if x.requires_grad else None


def needs_graph(*inputs: Any) -> bool:
    """Whether an operation on these inputs must be recorded. Inputs that are not tensors do not count."""
    if mode.recording:
        for x in inputs:
            if isinstance(x, Value) and x.requires_grad:
                return True
    return False


def record(
    name: str,
    result: Result,
    inputs: Sequence[Any],
    rules: Any,
    saved: tuple[Any, ...] = (),
    output: int | None = None,
) -> Result:
    """Gives ``result`` its place in the graph, when recording and when an input requires a gradient; returns it.

    Args:
        name: the operation's name, for messages and pictures.
        result: the tensor it made, or a tuple of them.
        inputs: its inputs; what is not a tensor (None, a number) gets no gradient.
        rules: see :class:`Node`.
        saved: the tensors the rules take after the gradient.
        output: the position in ``saved`` where the result itself is to be passed (``saved`` holds None there).
    """
    if not mode.recording:
        return result
    edges: list[Node | Value | None] = []
    wanted = False
    for x in inputs:
        if isinstance(x, Value) and x.requires_grad:
            wanted = True
            edges.append(x.node or x)
        else:
            edges.append(None)
    if not wanted:
        return result
    if output is not None:
        saved = saved[:output] + (detached_alias(result),) + saved[output + 1 :]  # noqa: RUF005
    version = 0
    for x in saved:
        version += x.version[0]
    node = Node(name, rules, tuple(edges), saved, version)
    node.output = output
    if isinstance(result, tuple):
        node.outputs = len(result)
        for index, one in enumerate(result):
            if one.dtype.is_floating_point:
                one.requires_grad = True
                one.node = OutputNode(node, index)
    else:
        result.requires_grad = True
        result.node = node
    return result


def detached_alias(x: Any) -> Tensor:
    """Another tensor on the same memory and version counter, outside the graph."""
    alias: Tensor = type(x)(x.array, x.pointer, x.shape, x.dtype, x.strides)
    alias.version = x.version
    alias.base = x.base
    return alias


def _unpack(node: Node, create_graph: bool) -> tuple[Any, ...]:
    """The saved tensors, unchanged since they were saved; when rules are recorded, with the result in its place."""
    saved = node.saved
    if saved is None:
        raise RuntimeError(
            f"backward: the tensors saved by {node.name} were freed by an earlier backward through this graph; "
            "pass retain_graph=True the first time"
        )
    version = 0
    for x in saved:
        version += x.version[0]
    if version != node.version:
        raise RuntimeError(
            f"backward: a tensor that {node.name} saved for its derivative was changed in place since "
            f"(versions {node.version} then, {version} now); change a clone() instead, or change it after backward"
        )
    if create_graph and node.output is not None:
        result = detached_alias(saved[node.output])
        result.node, result.requires_grad = node, True
        saved = (*saved[: node.output], result, *saved[node.output + 1 :])
    return saved


def _needed(roots: Sequence[Value], wanted: set[Any]) -> set[Any]:
    """The nodes on a way from the roots to the wanted leaves and nodes."""
    nodes: set[Any] = set()
    stack = [x.node for x in roots if x.node is not None]
    while stack:
        node = stack.pop()
        if node not in nodes:
            nodes.add(node)
            stack.extend(edge for edge in node.edges if isinstance(edge, Node))
    needed = set(wanted)
    for node in sorted(nodes, key=lambda n: n.order, reverse=True):  # the oldest first
        if any(edge in needed for edge in node.edges if edge is not None):
            needed.add(node)
    return needed


def run_backward(
    roots: Sequence[Value],
    grads: Sequence[Any],
    retain_graph: bool,
    create_graph: bool,
    wanted: Sequence[Value] | None = None,
) -> dict[Any, Any]:
    """Takes the gradients of the roots back through the graph.

    Args:
        roots: where to start.
        grads: the gradient at each root.
        retain_graph: keep the saved tensors for another backward.
        create_graph: record the rules themselves, so that gradients can be differentiated.
        wanted: only find the gradients of these; None: add to ``.grad`` of every leaf.

    Returns:
        With ``wanted``: the gradient of each that was reached, by its edge (see :func:`edge_of`).
    """
    captured: dict[Any, Any] = dict.fromkeys(edge_of(x) for x in wanted) if wanted is not None else {}
    needed = _needed(roots, set(captured)) if wanted is not None else None
    gradients: dict[Any, Any] = {}  # of nodes not yet visited, and of leaves
    shared = {id(g) for g in grads}  # gradients that somebody else also holds
    summed: set[Any] = set()  # edges whose gradient is a sum made here, so that it may be added to in place
    heap: list[tuple[int, Node]] = []

    def arrive_again(edge: Any, grad: Any) -> None:
        """A second gradient, and more, for an edge that waits already."""
        if edge in summed:
            accumulate(gradients[edge], grad)
        else:
            gradients[edge] = gradients[edge] + grad
            if not create_graph:
                summed.add(edge)

    if before_backward[0] is not None:
        before_backward[0](roots)
    before_mode, mode.recording = mode.recording, create_graph
    try:
        for root, grad in zip(roots, grads, strict=True):
            edge = edge_of(root)
            if edge in gradients:
                arrive_again(edge, grad)
            else:
                gradients[edge] = grad
                if isinstance(edge, Node):
                    heappush(heap, (edge.order, edge))
        while heap:
            node = heappop(heap)[1]
            grad = gradients.pop(node)
            if node.hooks or node.retained is not None:
                grad = _through_hooks(node, grad, shared)
            if captured and node in captured:
                captured[node] = grad
                shared.add(id(grad))
            rules = node.rules
            if rules is None:
                edge = node.edges[0]
                if needed is None or edge in needed:
                    if edge not in gradients:
                        gradients[edge] = [None] * edge.outputs
                        heappush(heap, (edge.order, edge))
                    gradients[edge][node.index] = grad  # type: ignore[attr-defined]
                continue
            saved = node.saved
            version = node.version
            for x in saved or ():
                version -= x.version[0]
            if version or saved is None or create_graph:
                saved = _unpack(node, create_graph)
            joint = None if type(rules) is tuple else rules(grad, *saved)
            for edge, rule in zip(node.edges, joint or rules):  # noqa: B905 (their lengths agree; this loop is hot)
                if edge is None or rule is None or (needed is not None and edge not in needed):
                    continue
                part = rule if joint else rule(grad, *saved)
                if edge in gradients:
                    arrive_again(edge, part)
                else:
                    gradients[edge] = part
                    if isinstance(edge, Node):
                        heappush(heap, (edge.order, edge))
            if not retain_graph:
                node.saved = None if saved else VISITED  # type: ignore[assignment]
        for leaf, grad in gradients.items():
            if leaf.hooks:
                grad = _call_hooks(leaf.hooks, grad)
                shared.add(id(grad))
            if wanted is not None:
                captured[leaf] = grad
            else:
                _accumulate(leaf, grad, create_graph, shared)
    finally:
        mode.recording = before_mode
    return captured


def _accumulate(leaf: Any, grad: Any, create_graph: bool, shared: set[int]) -> None:
    """Adds to ``leaf.grad``. The first gradient becomes it without a copy, if nobody else holds its memory."""
    if grad.shape != leaf.shape or grad.dtype is not leaf.dtype:
        raise RuntimeError(
            f"backward: the gradient is {describe(grad)}, but the leaf is {describe(leaf)}; "
            "its data was replaced after it was used"
        )
    if leaf._grad is None:
        if create_graph:
            leaf._grad = grad
        elif (
            grad.strides is None
            and grad.base is None
            and (grad.array.base is None or owns_memory(grad.array))
            and id(grad) not in shared
        ):
            leaf._grad = grad
            shared.add(id(grad))
        else:
            leaf._grad = copy(grad)
    elif create_graph:
        leaf._grad = leaf._grad + grad
    else:
        check_writable(leaf._grad, "backward")
        accumulate(leaf._grad, grad)
        leaf._grad.version[0] += 1


def _call_hooks(hooks: Any, grad: Any) -> Any:
    for hook in tuple(hooks.values()):
        changed = hook(grad)
        if changed is not None:
            if not isinstance(changed, Value) or changed.shape != grad.shape or changed.dtype is not grad.dtype:
                raise RuntimeError(
                    f"hook: expected None or a {grad.dtype} tensor of shape {grad.shape}, got {describe(changed)}"
                )
            grad = changed
    return grad


def _through_hooks(node: Node, grad: Any, shared: set[int]) -> Any:
    if node.hooks:
        grad = _call_hooks(node.hooks, grad)
    shared.add(id(grad))
    tensor = node.retained() if node.retained is not None else None
    if tensor is not None:
        tensor._grad = grad if tensor._grad is None else tensor._grad + grad
    return grad


def describe(x: Any) -> str:
    """What ``x`` is, for a message."""
    return f"{x.dtype} {x.shape}" if isinstance(x, Value) else f"{type(x).__name__}"


class RemovableHandle:
    """What ``register_hook`` returns: ``remove()`` takes the hook away again. Also a context manager."""

    def __init__(self, hooks: dict[int, Any], key: int) -> None:
        self._hooks = hooks
        self._key = key

    def remove(self) -> None:
        """Takes the hook away; a second call does nothing."""
        self._hooks.pop(self._key, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


_hook_keys = itertools.count()


def add_hook(hooks: dict[int, Any], hook: Any, first: bool = False) -> RemovableHandle:
    """Puts ``hook`` last in ``hooks``, or first."""
    key = next(_hook_keys)
    before = dict(hooks) if first else {}
    if first:
        hooks.clear()
    hooks[key] = hook
    hooks.update(before)
    return RemovableHandle(hooks, key)
