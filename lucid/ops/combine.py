"""Three operands in one pass over memory: addcmul, addcdiv, lerp."""

from __future__ import annotations

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, describe, record
from lucid.engine import NoKernel
from lucid.errors import KindError
from lucid.ops.arithmetic import div, mul, neg, sub
from lucid.ops.elementwise import alike, match_all, need_tensor, operand
from lucid.types import Operand, Tensor

_addcmul, _addcdiv = engine.kernels("addcmul"), engine.kernels("addcdiv")
_add_scaled = engine.kernels("add_scaled")
_lerp, _lerp_weights = engine.kernels("lerp"), engine.kernels("lerp_weights")


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value · tensor1 · tensor2, elementwise with broadcasting.

    Raises:
        TypeError: for integer tensors and a value that is not an integer.

    Example:
        >>> import lucid
        >>> lucid.addcmul(lucid.ones(2), lucid.tensor([1.0, 2.0]), lucid.tensor([3.0, 4.0]), value=10).tolist()
        [31.0, 81.0]
    """
    x, a, b = match_all("addcmul", (input, tensor1, tensor2))
    kind = x.dtype
    if not kind.is_floating_point:
        if not isinstance(value, int):
            raise KindError(f"addcmul: for {kind} tensors value must be an integer, got {value!r}")
        return engine.wrap(np.asarray(x.array + value * a.array * b.array, kind.numpy))
    rules = (
        lambda grad, a, b: grad,
        lambda grad, a, b: mul(grad, mul(b, value)),
        lambda grad, a, b: mul(grad, mul(a, value)),
    )
    return record("addcmul", _of_three(_addcmul, x, a, b, value), (x, a, b), rules, (a, b))


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value · tensor1 / tensor2, elementwise with broadcasting.

    Raises:
        TypeError: for integer tensors.
    """
    x, a, b = match_all("addcdiv", (input, tensor1, tensor2))
    if not x.dtype.is_floating_point:
        raise NoKernel("addcdiv", x.dtype)
    rules = (
        lambda grad, a, b: grad,
        lambda grad, a, b: mul(grad, div(value, b)),
        lambda grad, a, b: neg(mul(grad, div(mul(a, value), mul(b, b)))),
    )
    return record("addcdiv", _of_three(_addcdiv, x, a, b, value), (x, a, b), rules, (a, b))


def _of_three(table: engine.Kernels, x: Tensor, a: Tensor, b: Tensor, value: float) -> Tensor:
    """The kernel of ``table`` on three tensors of one shape."""
    out = engine.empty(x.shape, x.dtype)
    x, a, b = engine.contiguous(x), engine.contiguous(a), engine.contiguous(b)
    table[x.dtype](out.array.size, x.pointer, a.pointer, b.pointer, value, out.pointer)
    return out


def lerp(input: Tensor, end: Tensor, weight: Operand) -> Tensor:
    """input + weight · (end − input), elementwise with broadcasting; exact at weight 0 and 1.

    Args:
        input: where weight 0 is.
        end: where weight 1 is.
        weight: a number, or a tensor that broadcasts.

    Raises:
        TypeError: for integer tensors, or tensors of two number types.

    Example:
        >>> import lucid
        >>> lucid.lerp(lucid.tensor([0.0, 10.0]), lucid.tensor([1.0, 20.0]), 0.5).tolist()
        [0.5, 15.0]
    """
    weight = operand("lerp", weight)
    need_tensor("lerp", end)
    kind = input.dtype
    if not kind.is_floating_point:
        raise NoKernel("lerp", kind)
    if end.dtype is not kind or (isinstance(weight, Value) and weight.dtype is not kind):
        name, x = ("end", end) if end.dtype is not kind else ("weight", weight)
        raise KindError(f"lerp: input is {describe(input)} but {name} is {describe(x)}; convert one of them")
    if not isinstance(weight, Value):
        a, b = match_all("lerp", (input, end), kind)
        out = engine.mapped_two(_lerp[kind], a, b, weight)
        return record("lerp", out, (a, b), (lambda grad: mul(grad, 1 - weight), lambda grad: mul(grad, weight)))
    a, b, w = match_all("lerp", (input, end, weight), kind)
    out = engine.empty(a.shape, kind)
    dense = [engine.contiguous(x) for x in (a, b, w)]
    _lerp_weights[kind](out.array.size, *(x.pointer for x in dense), out.pointer)
    rules = (
        lambda grad, a, b, w: mul(grad, sub(1, w)),
        lambda grad, a, b, w: mul(grad, w),
        lambda grad, a, b, w: mul(grad, sub(b, a)),
    )
    return record("lerp", out, (a, b, w), rules, (a, b, w))


# ---------------------------------------------------------------------------------------------------------------------
# In place, straight into the memory of the first operand. What a function here cannot do, it leaves: False.


def _can_write(input: Tensor, *others: Tensor) -> bool:
    """Whether a kernel can read these and write over ``input``: one type and shape, contiguous, no overlap in part."""
    return (
        alike(input, *others)
        and input.dtype.is_floating_point
        and all(x.strides is None for x in (input, *others))
        and not any(engine.overlap_in_part(input, x) for x in others)
    )


def addcmul_into(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> bool:
    """input ← input + value · tensor1 · tensor2."""
    return _three_into(_addcmul, input, tensor1, tensor2, value)


def addcdiv_into(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> bool:
    """input ← input + value · tensor1 / tensor2."""
    return _three_into(_addcdiv, input, tensor1, tensor2, value)


def _three_into(table: engine.Kernels, x: Tensor, a: Tensor, b: Tensor, value: float) -> bool:
    if not _can_write(x, a, b):
        return False
    table[x.dtype](x.array.size, x.pointer, a.pointer, b.pointer, value, x.pointer)
    return True


def lerp_into(input: Tensor, end: Tensor, weight: Operand) -> bool:
    """input ← input + weight · (end − input), for a number as weight."""
    if not isinstance(weight, int | float) or not _can_write(input, end):
        return False
    _lerp[input.dtype](input.array.size, input.pointer, end.pointer, weight, input.pointer)
    return True


def add_into(input: Tensor, other: Tensor, *, alpha: float = 1) -> bool:
    """input ← input + alpha · other, for a tensor."""
    if not _can_write(input, other):
        return False
    _add_scaled[input.dtype](input.array.size, input.pointer, other.pointer, alpha, input.pointer)
    return True


def sub_into(input: Tensor, other: Tensor, *, alpha: float = 1) -> bool:
    """input ← input − alpha · other, for a tensor."""
    return add_into(input, other, alpha=-alpha)
