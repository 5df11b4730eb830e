"""Matrix products, on the engine's GEMM. Transposed operands are read by their strides, without a copy.

Products of integers, which no training step repeats, are NumPy's.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.grad_mode import mode
from lucid.autograd.graph import Node, Value, edge_of, record
from lucid.engine import dense_strides
from lucid.errors import ArgumentError, KindError
from lucid.ops.activation import gelu_backward, gelu_tanh_backward, relu_backward
from lucid.ops.arithmetic import add, mul
from lucid.ops.broadcast import broadcast_shapes, expand, sum
from lucid.ops.elementwise import operand
from lucid.ops.refusal import refuses
from lucid.ops.view import reshape, reverse, transpose
from lucid.types import Tensor

_gemm = engine.kernels("gemm")
_gemm_batched = engine.kernels("gemm_batched")
_linear_backward = engine.kernels("linear_backward")
empty = engine.empty
NULL = engine.NULL


def _check_operands(operation: str, a: Any, b: Any) -> None:
    for x in (a, b):
        if not isinstance(x, Value):
            raise KindError(f"{operation}: expected a tensor, got {type(x).__name__}")
    if a.dtype is not b.dtype:
        raise KindError(f"{operation}: operands are {a.dtype} and {b.dtype}; convert one with .to()")
    if a.dtype is engine.bool_:
        raise engine.NoKernel(operation, a.dtype)


def _of_integers(a: Tensor, b: Tensor) -> Tensor:
    """The product of integer matrices, one or many. It wraps around like the sums it is made of."""
    return engine.wrap(np.asarray(np.matmul(a.array, b.array)))


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices: [m, k] @ [k, n] → [m, n].

    Raises:
        ValueError: when the shapes do not fit.

    Example:
        >>> import lucid
        >>> lucid.mm(lucid.ones(2, 3), lucid.ones(3, 1)).tolist()
        [[3.0], [3.0]]
    """
    a, b = input, mat2
    if _multiply(a, b):
        return _product(a, b, False, False)
    _check_operands("mm", a, b)
    if len(a.shape) != 2 or len(b.shape) != 2 or a.shape[1] != b.shape[0]:
        raise ArgumentError(f"mm: shapes {a.shape} and {b.shape} do not multiply; expected [m, k] and [k, n]")
    return _of_integers(a, b)


def _multiply(a: Any, b: Any) -> bool:
    """Whether these are two matrices of one number type, which has a kernel, and fit."""
    return (
        isinstance(a, Value)
        and isinstance(b, Value)
        and len(a.shape) == len(b.shape) == 2
        and a.shape[1] == b.shape[0]
        and a.dtype is b.dtype
        and a.dtype in _gemm
    )


def _product(a: Tensor, b: Tensor, a_transposed: bool, b_transposed: bool) -> Tensor:
    """The product of two matrices, each as it is or transposed; their shapes and types fit."""
    kind = a.dtype
    a_row, a_col = a.strides or (a.shape[1], 1)
    b_row, b_col = b.strides or (b.shape[1], 1)
    m, k = a.shape
    n = b.shape[1]
    if a_transposed:
        m, k, a_row, a_col = k, m, a_col, a_row
    if b_transposed:
        n, b_row, b_col = b.shape[0], b_col, b_row
    out = empty((m, n), kind)
    _gemm[kind](m, n, k, a.pointer, a_row, a_col, b.pointer, b_row, b_col, out.pointer, n, NULL, 0, 0, NULL)
    if mode.recording and (a.requires_grad or b.requires_grad):
        out.requires_grad = True
        rules = _product_rules[a_transposed, b_transposed]
        out.node = Node("mm", rules, (edge_of(a), edge_of(b)), (a, b), a.version[0] + b.version[0])
    return out


# d(a b) = da b + a db, with the transpositions as they were: aᵀ takes its gradient transposed.
_product_rules = {
    (False, False): (
        lambda grad, a, b: _product(grad, b, False, True),
        lambda grad, a, b: _product(a, grad, True, False),
    ),
    (False, True): (
        lambda grad, a, b: _product(grad, b, False, False),
        lambda grad, a, b: _product(grad, a, True, False),
    ),
    (True, False): (
        lambda grad, a, b: _product(b, grad, False, True),
        lambda grad, a, b: _product(a, grad, False, False),
    ),
    (True, True): (
        lambda grad, a, b: _product(b, grad, True, True),
        lambda grad, a, b: _product(grad, a, True, True),
    ),
}


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Products of matrices in pairs: [b, m, k] @ [b, k, n] → [b, m, n].

    Raises:
        ValueError: when the shapes do not fit.
    """
    a, b = input, mat2
    _check_operands("bmm", a, b)
    if len(a.shape) != 3 or len(b.shape) != 3 or a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        raise ArgumentError(f"bmm: shapes {a.shape} and {b.shape} do not multiply; expected [b, m, k] and [b, k, n]")
    if a.dtype not in _gemm:
        return _of_integers(a, b)
    (batch, m, k), n = a.shape, b.shape[2]
    out = empty((batch, m, n), a.dtype)
    _gemm_batched[a.dtype](
        batch, m, n, k, a.pointer, *(a.strides or dense_strides(a.shape)),
        b.pointer, *(b.strides or dense_strides(b.shape)), out.pointer, m * n, n, 0,
    )  # fmt: skip
    return record("bmm", out, (a, b), _bmm_rules, (a, b))


_bmm_rules = (
    lambda grad, a, b: bmm(grad, transpose(b, 1, 2)),
    lambda grad, a, b: bmm(transpose(a, 1, 2), grad),
)


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The inner product of two vectors.

    Raises:
        ValueError: when they are not vectors of one length.
    """
    _check_operands("dot", input, tensor)
    if len(input.shape) != 1 or input.shape != tensor.shape:
        raise ArgumentError(f"dot: expects two vectors of one length, got shapes {input.shape} and {tensor.shape}")
    return sum(mul(input, tensor)) if input.dtype in _gemm else _of_integers(input, tensor)


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """A matrix times a vector: [m, k] @ [k] → [m]."""
    _check_operands("mv", input, vec)
    if len(input.shape) != 2 or len(vec.shape) != 1 or input.shape[1] != vec.shape[0]:
        raise ArgumentError(f"mv: shapes {input.shape} and {vec.shape} do not multiply; expected [m, k] and [k]")
    return _times_vector(input, vec) if input.dtype in _gemm else _of_integers(input, vec)


def _times_vector(a: Tensor, v: Tensor) -> Tensor:
    """The product of a matrix and a vector that fit."""
    kind, (m, k) = a.dtype, a.shape
    a_row, a_col = a.strides or (k, 1)
    out = empty((m,), kind)
    step = v.strides[0] if v.strides else 1
    _gemm[kind](m, 1, k, a.pointer, a_row, a_col, v.pointer, step, 1, out.pointer, 1, NULL, 0, 0, NULL)
    return record("mv", out, (a, v), _times_vector_rules, (a, v))


_times_vector_rules = (lambda grad, a, v: outer(grad, v), lambda grad, a, v: _times_vector(reverse(a), grad))


@refuses
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """The outer product of two vectors: [m], [n] → [m, n].

    Raises:
        ValueError: when they are not vectors.

    Example:
        >>> import lucid
        >>> lucid.outer(lucid.tensor([1.0, 2.0]), lucid.tensor([3.0, 4.0])).tolist()
        [[3.0, 4.0], [6.0, 8.0]]
    """
    a, b = input, vec2
    if len(a.shape) != 1 or len(b.shape) != 1:
        raise ArgumentError(f"outer: expects two vectors, got shapes {a.shape} and {b.shape}")
    kind = a.dtype
    if kind is not b.dtype or kind not in _gemm:
        return mul(reshape(a, -1, 1), reshape(b, 1, -1))
    (m,), (n,) = a.shape, b.shape
    out = empty((m, n), kind)
    a_step, b_step = a.strides[0] if a.strides else 1, b.strides[0] if b.strides else 1
    _gemm[kind](m, n, 1, a.pointer, a_step, 1, b.pointer, 1, b_step, out.pointer, n, NULL, 0, 0, NULL)
    return record("outer", out, (a, b), _outer_rules, (a, b))


_outer_rules = (
    lambda grad, a, b: _times_vector(grad, b),
    lambda grad, a, b: _times_vector(reverse(grad), a),
)


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product ``input @ other``, with vectors and batches as in NumPy and PyTorch.

    Two vectors give their inner product; a vector counts as a row on the left and a column on the right; dimensions
    before the last two are batches and broadcast.

    Raises:
        ValueError: when the shapes do not fit.

    Example:
        >>> import lucid
        >>> (lucid.ones(5, 2, 3) @ lucid.ones(3, 4)).shape
        (5, 2, 4)
    """
    a, b = input, other
    if _multiply(a, b):
        return _product(a, b, False, False)
    if not (isinstance(a, Value) and isinstance(b, Value)):
        a, b = operand("matmul", a), operand("matmul", b)  # a NumPy array may stand beside a tensor
    _check_operands("matmul", a, b)
    a_dims, b_dims = len(a.shape), len(b.shape)
    if a_dims == 2 and b_dims == 2 and a.shape[1] == b.shape[0]:
        return mm(a, b)
    inner = b.shape[max(b_dims - 2, 0)] if b_dims else None
    if not a_dims or not b_dims or a.shape[-1] != inner:
        raise ArgumentError(f"matmul: shapes {a.shape} and {b.shape} do not multiply")
    if a_dims == 1 and b_dims == 1:
        return dot(a, b)
    if a_dims == 1:
        out = matmul(reshape(a, 1, -1), b)
        return reshape(out, (*out.shape[:-2], out.shape[-1]))
    if b_dims == 1 and a_dims == 2:
        return mv(a, b)
    if b_dims == 1:
        out = matmul(a, reshape(b, -1, 1))
        return reshape(out, out.shape[:-1])
    if b_dims == 2:  # the batch of the left joins its rows
        rows = mm(reshape(a, math.prod(a.shape[:-1]), a.shape[-1]), b)
        return reshape(rows, (*a.shape[:-1], b.shape[1]))
    try:
        batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError as error:
        raise ArgumentError(f"matmul: batch {error}") from None
    count = math.prod(batch)
    pair = (
        reshape(x if x.shape[:-2] == batch else expand(x, (*batch, *x.shape[-2:])), (count, *x.shape[-2:]))
        for x in (a, b)
    )
    out = bmm(*pair)
    return reshape(out, (*batch, *out.shape[-2:]))


def rmatmul(input: Tensor, other: Tensor) -> Tensor:
    """other @ input."""
    return matmul(other, input)


# ---------------------------------------------------------------------------------------------------------------------
# Linear: x @ weightᵀ + bias, with the activation in the same pass

_ACTIVATIONS = {None: 0, "relu": 1, "gelu": 2, "gelu_tanh": 3}


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None, activation: str | None = None) -> Tensor:
    """input @ weightᵀ + bias.

    Args:
        input: [..., in_features].
        weight: [out_features, in_features]; [in_features] for one feature, whose dimension the result leaves out.
        bias: [out_features], or None.
        activation: ``"relu"``, ``"gelu"`` or ``"gelu_tanh"`` is applied in the same pass over memory.

    Returns:
        [..., out_features].

    Raises:
        ValueError: when the shapes do not fit.

    Example:
        >>> import lucid
        >>> lucid.nn.functional.linear(lucid.ones(2, 3), lucid.ones(4, 3), lucid.ones(4)).tolist()[0]
        [4.0, 4.0, 4.0, 4.0]
    """
    for x in (input, weight) if bias is None else (input, weight, bias):
        if not isinstance(x, Value):
            raise KindError(f"linear: expected a tensor, got {type(x).__name__}")
    shape, weight_shape = input.shape, weight.shape
    if len(weight_shape) != 2:
        return _linear_vector(input, weight, bias, activation)
    out_features, in_features = weight_shape
    if not shape or shape[-1] != in_features:
        raise ArgumentError(
            f"linear: input has {shape[-1] if shape else 'no'} features (shape {shape}) "
            f"but weight expects {in_features} (shape {weight_shape})"
        )
    if bias is not None and bias.shape != (out_features,):
        raise ArgumentError(f"linear: bias has shape {bias.shape} but weight gives {out_features} features")
    kind = input.dtype
    if kind is not weight.dtype or (bias is not None and kind is not bias.dtype):
        raise KindError(
            f"linear: input is {kind}, weight {weight.dtype}"
            + (f", bias {bias.dtype}" if bias is not None else "")
            + "; convert one with .to()"
        )
    if activation not in _ACTIVATIONS:
        raise ArgumentError(f"linear: activation must be one of {list(_ACTIVATIONS)}, got {activation!r}")
    if len(shape) == 2:
        return _linear(input, weight, bias, activation)
    out = _linear(reshape(input, math.prod(shape[:-1]), in_features), weight, bias, activation)
    return reshape(out, (*shape[:-1], out_features))


def _linear_vector(input: Tensor, weight: Tensor, bias: Tensor | None, activation: str | None) -> Tensor:
    """input @ weight + bias, for a weight of one dimension and a bias of none."""
    if len(weight.shape) != 1 or activation is not None or (bias is not None and bias.shape):
        given = f"weight of shape {weight.shape}" + ("" if bias is None else f", bias of shape {bias.shape}")
        raise ArgumentError(f"linear: expected weight [out_features, in_features] and bias [out_features], got {given}")
    out = matmul(input, weight)
    return out if bias is None else add(out, bias)


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None, activation: str | None) -> Tensor:
    """The linear map on a matrix."""
    kind = x.dtype
    rows, in_features = x.shape
    out_features = weight.shape[0]
    kernel = _gemm.get(kind) or engine.kernel_for(_gemm, kind, "linear")
    out = empty((rows, out_features), kind)
    # GELU's derivative needs the numbers before it; ReLU's can be told from the result.
    before = empty((rows, out_features), kind) if activation in ("gelu", "gelu_tanh") and mode.recording else None
    x_row, x_col = x.strides or (in_features, 1)
    w_row, w_col = weight.strides or (in_features, 1)
    dense_bias = bias if bias is None or bias.strides is None else engine.contiguous(bias)
    kernel(
        rows, out_features, in_features, x.pointer, x_row, x_col, weight.pointer, w_col, w_row,
        out.pointer, out_features,
        NULL if dense_bias is None else dense_bias.pointer, _ACTIVATIONS[activation], 0,
        NULL if before is None else before.pointer,
    )  # fmt: skip
    wants = x.requires_grad, weight.requires_grad, bias is not None and bias.requires_grad
    if not mode.recording or wants == (False, False, False):
        return out
    rule = _linear_rules[wants]
    if activation is None:
        out.requires_grad = True
        edges = (edge_of(x), edge_of(weight), None if bias is None else edge_of(bias))
        out.node = Node("linear", rule, edges, (x, weight), x.version[0] + weight.version[0])
        return out
    inputs = (x, weight, bias)
    backward = {"relu": relu_backward, "gelu": gelu_backward, "gelu_tanh": gelu_tanh_backward}[activation]

    def rules(grad: Tensor, x: Tensor, weight: Tensor, seen: Tensor) -> Any:
        if mode.recording and before is not None:  # the second derivative sees how the numbers before it came about
            seen = linear(x, weight, bias)
        return rule(backward(grad, seen), x, weight)

    if before is None:
        return record("linear_relu", out, inputs, rules, (x, weight, None), output=2)
    return record("linear_" + str(activation), out, inputs, rules, (x, weight, before))


def _linear_rule(wants_x: bool, wants_weight: bool, wants_bias: bool) -> Callable[..., Any]:
    """The derivative rule of the linear map for the inputs whose gradients are wanted: one call of the engine."""

    def rule(grad: Tensor, x: Tensor, weight: Tensor) -> Any:
        if mode.recording:  # the same, written with operations
            return (
                _product(grad, weight, False, False) if wants_x else None,
                _product(grad, x, True, False) if wants_weight else None,
                sum(grad, 0) if wants_bias else None,
            )
        kind = grad.dtype
        rows, in_features = x.shape
        out_features = weight.shape[0]
        grad_x = empty(x.shape, kind) if wants_x else None
        grad_weight = empty(weight.shape, kind) if wants_weight else None
        grad_bias = empty((out_features,), kind) if wants_bias else None
        x_row, x_col = x.strides or (in_features, 1)
        weight_row, weight_col = weight.strides or (in_features, 1)
        _linear_backward[kind](
            rows, in_features, out_features, (grad if grad.strides is None else engine.contiguous(grad)).pointer,
            x.pointer, x_row, x_col, weight.pointer, weight_row, weight_col, NULL if grad_x is None else grad_x.pointer,
            NULL if grad_weight is None else grad_weight.pointer, NULL if grad_bias is None else grad_bias.pointer,
        )  # fmt: skip
        return grad_x, grad_weight, grad_bias

    return rule


_linear_rules = {wants: _linear_rule(*wants) for wants in itertools.product((False, True), repeat=3)}
