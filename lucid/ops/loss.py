"""Losses with kernels of their own; the others are written with operations in ``lucid.nn.functional``."""

from __future__ import annotations

import warnings

import numpy as np

from lucid import engine
from lucid.autograd.grad_mode import mode
from lucid.autograd.graph import Value, record
from lucid.engine import pointer_or_null
from lucid.errors import ArgumentError, KindError, PositionError
from lucid.ops.arithmetic import add, mul, neg, sub
from lucid.ops.broadcast import expand, sum
from lucid.ops.elementwise import need_tensor
from lucid.ops.functions import sigmoid, sigmoid_backward
from lucid.ops.reduce import log_softmax, mean, softmax
from lucid.ops.view import permute, reshape, to_dtype
from lucid.types import Tensor

_cross_entropy, _cross_entropy_backward = engine.kernels("cross_entropy"), engine.kernels("cross_entropy_backward")
REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}


def reduced(operation: str, loss: Tensor, reduction: str) -> Tensor:
    """A loss per element, reduced as asked.

    Raises:
        ValueError: for another reduction than "none", "mean" and "sum".
    """
    if reduction not in REDUCTIONS:
        raise ArgumentError(f"{operation}: reduction must be 'none', 'mean' or 'sum', got {reduction!r}")
    if reduction == "mean":
        return mean(loss)
    return sum(loss) if reduction == "sum" else loss


def old_reduction(operation: str, size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction meant: ``reduction``, unless one of the two flags that were before it is given. They warn.

    Raises:
        TypeError: for flags that are not bools, as a reduction given without its name would be.
    """
    if size_average is None and reduce is None:
        return reduction
    for name, flag in (("size_average", size_average), ("reduce", reduce)):
        if not (flag is None or isinstance(flag, bool | int)):
            raise KindError(f"{operation}: {name} must be a bool, got {flag!r}; give the reduction as reduction=...")
    meant = (
        "none"
        if reduce is not None and not reduce
        else "sum"
        if size_average is not None and not size_average
        else "mean"
    )
    warnings.warn(f"{operation}: size_average and reduce are deprecated; write reduction={meant!r}", stacklevel=3)
    return meant


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """−log softmax(input) at the target class: softmax, logarithm and choice in one kernel.

    With label smoothing ε the target is (1 − ε) at its class plus ε / classes at every class (Szegedy et al. 2016).

    Args:
        input: logits, [batch, classes], [classes] or [batch, classes, d1, ...].
        target: class numbers (integers), [batch], [] or [batch, d1, ...]; or probabilities of the input's shape.
        weight: [classes], how much each class counts.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        ignore_index: targets with this number count nothing.
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" (over what counts, by weight) or "sum".
        label_smoothing: ε, from 0 to 1.

    Raises:
        ValueError: when shapes or options do not fit.
        TypeError: for what is not a tensor, integer logits, or a bool target.
        IndexError: for a class that is not there.

    Example:
        >>> import lucid
        >>> logits = lucid.zeros(2, 4)
        >>> round(lucid.nn.functional.cross_entropy(logits, lucid.tensor([0, 3])).item(), 4)
        1.3863
    """
    reduction = old_reduction("cross_entropy", size_average, reduce, reduction)
    if not isinstance(input, Value) or not isinstance(target, Value):
        raise KindError("cross_entropy: input and target must be tensors")
    if not 0.0 <= label_smoothing <= 1.0:
        raise ArgumentError(f"cross_entropy: label_smoothing must be from 0 to 1, got {label_smoothing}")
    if reduction not in REDUCTIONS:
        raise ArgumentError(f"cross_entropy: reduction must be 'none', 'mean' or 'sum', got {reduction!r}")
    shape = input.shape
    if not shape:
        raise ArgumentError("cross_entropy: input needs a class dimension, got a 0-d tensor")
    classes = shape[0] if len(shape) == 1 else shape[1]
    if weight is not None:
        need_tensor("cross_entropy", weight)
    if weight is not None and (weight.shape != (classes,) or weight.dtype is not input.dtype):
        raise ArgumentError(
            f"cross_entropy: weight must be {input.dtype} ({classes},), got {weight.dtype} {weight.shape}"
        )
    if target.dtype.is_floating_point:
        return _with_probabilities(input, target, weight, reduction, label_smoothing)
    if target.dtype is engine.bool_:
        raise KindError("cross_entropy: target must be class numbers (int64) or probabilities, got lucid.bool")
    rows, flat, wanted = _rows_and_classes("cross_entropy", input, target)
    loss = _fused(rows, flat, weight, int(ignore_index), float(label_smoothing), REDUCTIONS[reduction])
    return reshape(loss, wanted) if reduction == "none" and loss.shape != wanted else loss


def _rows_and_classes(operation: str, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor, tuple[int, ...]]:
    """The input as [rows, classes] and the class numbers as [rows]; and the shape of a loss for each."""
    shape = input.shape
    classes = shape[0] if len(shape) == 1 else shape[1]
    wanted = () if len(shape) == 1 else (shape[0], *shape[2:])
    if target.shape != wanted:
        raise ArgumentError(f"{operation}: input {shape} wants a target of shape {wanted}, got {target.shape}")
    if len(shape) == 2:
        rows = input
    else:  # the classes become the last dimension
        last = input if len(shape) == 1 else permute(input, 0, *range(2, len(shape)), 1)
        rows = reshape(last, (target.array.size, classes))
    numbers = engine.contiguous(to_dtype(target, engine.int64))
    return rows, numbers if len(numbers.shape) == 1 else reshape(numbers, (numbers.array.size,)), wanted


def _fused(
    logits: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, smoothing: float, reduction: int
) -> Tensor:
    """Cross entropy of logits [rows, classes] and class numbers [rows]."""
    kind = logits.dtype
    rows, classes = logits.shape
    dense = engine.contiguous(logits)
    weight = None if weight is None else engine.contiguous(weight)
    loss = engine.empty(() if reduction else (rows,), kind)
    log_sum_exp, total = engine.empty((rows,), kind), engine.empty((), kind)
    position = engine.kernel_for(_cross_entropy, kind, "cross_entropy")(
        rows, classes, dense.pointer, target.pointer, pointer_or_null(weight), ignore_index, smoothing, reduction,
        loss.pointer, log_sum_exp.pointer, total.pointer,
    )  # fmt: skip
    if position >= 0:
        raise PositionError(
            f"cross_entropy: target {target.array[position]} at position {position} is not a class; "
            f"there are {classes} (0 to {classes - 1})"
        )

    def rule(grad: Tensor, logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        if mode.recording:  # the second derivative: the same gradient, written with operations
            return _gradient_by_operations(grad, logits, target, weight, ignore_index, smoothing, reduction, total)
        dense, dense_grad = engine.contiguous(logits), engine.contiguous(grad)
        found = engine.empty((rows, classes), kind)
        _cross_entropy_backward[kind](
            rows, classes, dense.pointer, target.pointer, pointer_or_null(weight), ignore_index, smoothing,
            reduction, dense_grad.pointer, log_sum_exp.pointer, total.pointer, found.pointer,
        )  # fmt: skip
        return found

    return record(
        "cross_entropy", loss, (logits,), (rule,), (logits, target) if weight is None else (logits, target, weight)
    )


def _gradient_by_operations(
    grad: Tensor,
    logits: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    smoothing: float,
    reduction: int,
    total: Tensor,
) -> Tensor:
    """Σ_c q_c (softmax − e_c) per row, q the smoothed, weighted target; times grad, over the weight for the mean."""
    rows, classes = logits.shape
    kind = logits.dtype
    q = engine.empty((rows, classes), kind)
    weights = 1.0 if weight is None else weight.array
    counts = target.array != ignore_index
    q.array[:] = smoothing / classes * weights
    positions = counts.nonzero()[0]
    q.array[positions, target.array[positions]] += (1 - smoothing) * (
        1.0 if weight is None else weight.array[target.array[positions]]
    )
    if reduction == 1:
        with np.errstate(all="ignore"):
            q.array[:] /= total.array
    q.array[~counts] = 0
    found = sub(mul(softmax(logits, 1), sum(q, 1, True)), q)
    return mul(found, expand(grad if reduction else reshape(grad, (rows, 1)), (rows, classes)))


def _with_probabilities(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, smoothing: float
) -> Tensor:
    """Cross entropy with target probabilities: −Σ_c weight_c q_c log softmax_c."""
    if target.shape != input.shape:
        raise ArgumentError(f"cross_entropy: target probabilities have shape {target.shape}, input {input.shape}")
    dim = 0 if len(input.shape) == 1 else 1
    classes = input.shape[dim]
    q = to_dtype(target, input.dtype)
    if smoothing:
        q = add(mul(q, 1 - smoothing), smoothing / classes)
    if weight is not None:
        q = mul(q, reshape(weight, (classes, *(1,) * (len(input.shape) - dim - 1))))
    loss = mul(sum(mul(q, log_softmax(input, dim)), dim), -1)
    return reduced("cross_entropy", loss, reduction)


_nll_loss, _nll_loss_backward = engine.kernels("nll_loss"), engine.kernels("nll_loss_backward")


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """−input at the target class: the negative log-likelihood of log-probabilities.

    Args:
        input: log-probabilities, [batch, classes], [classes] or [batch, classes, d1, ...].
        target: class numbers (integers), [batch], [] or [batch, d1, ...].
        weight: [classes], how much each class counts.
        size_average: deprecated, as reduce: False and True mean the reductions "sum" and "mean".
        ignore_index: targets with this number count nothing.
        reduce: deprecated; False means the reduction "none".
        reduction: "none", "mean" (over what counts, by weight) or "sum".

    Raises:
        ValueError: when shapes or options do not fit.
        TypeError: for what is not a tensor, integer log-probabilities, or a target that is not integer.
        IndexError: for a class that is not there.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.nll_loss(lucid.tensor([[-1.0, -3.0]]), lucid.tensor([1])).item()
        3.0
    """
    reduction = old_reduction("nll_loss", size_average, reduce, reduction)
    if not isinstance(input, Value) or not isinstance(target, Value):
        raise KindError("nll_loss: input and target must be tensors")
    if reduction not in REDUCTIONS:
        raise ArgumentError(f"nll_loss: reduction must be 'none', 'mean' or 'sum', got {reduction!r}")
    if not input.shape:
        raise ArgumentError("nll_loss: input needs a class dimension, got a 0-d tensor")
    if target.dtype.is_floating_point or target.dtype is engine.bool_:
        raise KindError(f"nll_loss: target must be class numbers (int64), got {target.dtype}")
    rows, flat, wanted = _rows_and_classes("nll_loss", input, target)
    count, classes = rows.shape
    kind = rows.dtype
    if weight is not None and (weight.shape != (classes,) or weight.dtype is not kind):
        raise ArgumentError(f"nll_loss: weight must be {kind} ({classes},), got {weight.dtype} {weight.shape}")
    dense = engine.contiguous(rows)
    weight = None if weight is None else engine.contiguous(weight)
    code = REDUCTIONS[reduction]
    loss, total = engine.empty(() if code else (count,), kind), engine.empty((), kind)
    options = (int(ignore_index), code)
    position = engine.kernel_for(_nll_loss, kind, "nll_loss")(
        count, classes, dense.pointer, flat.pointer, pointer_or_null(weight), *options, loss.pointer, total.pointer
    )
    if position >= 0:
        raise PositionError(
            f"nll_loss: target {flat.array[position]} at position {position} is not a class; "
            f"there are {classes} (0 to {classes - 1})"
        )

    def gradient(grad: Tensor, flat: Tensor, weight: Tensor | None) -> Tensor:
        found, dense_grad = engine.empty((count, classes), kind), engine.contiguous(grad)
        _nll_loss_backward[kind](
            count,
            classes,
            flat.pointer,
            pointer_or_null(weight),
            *options,
            dense_grad.pointer,
            total.pointer,
            found.pointer,
        )
        return found

    def rule(grad: Tensor, flat: Tensor, weight: Tensor | None = None) -> Tensor:
        if not mode.recording:
            return gradient(grad, flat, weight)
        slopes = gradient(engine.wrap(np.ones(loss.shape, kind.numpy)), flat, weight)  # the loss is linear
        return mul(slopes, expand(grad if code else reshape(grad, (count, 1)), (count, classes)))

    loss = record("nll_loss", loss, (rows,), (rule,), (flat,) if weight is None else (flat, weight))
    return reshape(loss, wanted) if not code and loss.shape != wanted else loss


_bce_with_logits = engine.kernels("bce_with_logits")
_bce_with_logits_backward = engine.kernels("bce_with_logits_backward")


def bce_with_logits(input: Tensor, target: Tensor) -> Tensor:
    """max(x, 0) − x·y + log(1 + e^(−|x|)), elementwise: binary cross entropy of σ(input), without overflow.

    Raises:
        ValueError: when the two differ in shape or number type.
    """
    if input.shape != target.shape or input.dtype is not target.dtype:
        raise ArgumentError(
            f"binary_cross_entropy_with_logits: input is {input.dtype} {input.shape} "
            f"but target is {target.dtype} {target.shape}"
        )
    x, y = engine.contiguous(input), engine.contiguous(target)
    out = engine.empty(x.shape, x.dtype)
    kernel = engine.kernel_for(_bce_with_logits, x.dtype, "binary_cross_entropy_with_logits")
    kernel(out.array.size, x.pointer, y.pointer, out.pointer)
    return record("bce_with_logits", out, (input, target), _bce_rules, (input, target))


def bce_with_logits_backward(grad: Tensor, input: Tensor, target: Tensor) -> Tensor:
    """grad · (σ(input) − target): the derivative of :func:`bce_with_logits`."""
    x, y = engine.contiguous(input), engine.contiguous(target)
    step = 0 if grad.strides is not None and set(grad.strides) == {0} else 1  # one number for all elements
    dense = engine.contiguous(grad) if step else grad
    out = engine.empty(x.shape, x.dtype)
    _bce_with_logits_backward[x.dtype](out.array.size, dense.pointer, step, x.pointer, y.pointer, out.pointer)
    return record("bce_with_logits_backward", out, (grad, input, target), _bce_backward_rules, (grad, input, target))


_bce_rules = (bce_with_logits_backward, lambda grad, x, y: neg(mul(grad, x)))
_bce_backward_rules = (
    lambda g, grad, x, y: bce_with_logits_backward(g, x, y),
    lambda g, grad, x, y: sigmoid_backward(mul(g, grad), sigmoid(x)),
    lambda g, grad, x, y: neg(mul(g, grad)),
)
