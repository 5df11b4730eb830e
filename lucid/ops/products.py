"""Products made of matrix products: with something added, of several tensors, along chosen dimensions."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

from lucid import engine
from lucid.autograd.graph import Value, record
from lucid.errors import ArgumentError, KindError
from lucid.ops.arithmetic import add, mul, sub
from lucid.ops.broadcast import expand, sum
from lucid.ops.create import as_tensor, zeros_like
from lucid.ops.elementwise import common_shape
from lucid.ops.index import index_select
from lucid.ops.matmul import bmm, mm, mv
from lucid.ops.matmul import outer as outer
from lucid.ops.refusal import refuses
from lucid.ops.view import permute, reshape, wrap_dim
from lucid.types import Tensor

# ---------------------------------------------------------------------------------------------------------------------
# beta · input + alpha · product


def _added(operation: str, input: Tensor, product: Tensor, beta: float, alpha: float) -> Tensor:
    """beta · input + alpha · product; with beta 0 the input is not looked at."""
    if not isinstance(input, Value):
        raise KindError(f"{operation}: expected a tensor, got {type(input).__name__}")
    if input.dtype is not product.dtype:
        raise KindError(f"{operation}: input is {input.dtype}, the product {product.dtype}; convert one with .to()")
    if not product.dtype.is_floating_point and not (isinstance(beta, int) and isinstance(alpha, int)):
        raise KindError(f"{operation}: beta and alpha must be integers for {product.dtype}, got {beta} and {alpha}")
    if input.shape != product.shape and common_shape(operation, input, product) != product.shape:
        raise ArgumentError(f"{operation}: input has shape {input.shape}, which does not broadcast to {product.shape}")
    product = product if alpha == 1 else mul(product, alpha)
    if beta == 0:
        out = engine.same_start(product, product.array)
        return record(operation, out, (input, product), (lambda _: zeros_like(input), lambda grad: grad))
    return add(product, input if beta == 1 else mul(input, beta))


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · (mat1 @ mat2). With beta 0 the input is not looked at: its NaN do not spread.

    Args:
        input: broadcast to [m, n].
        mat1: [m, k].
        mat2: [k, n].
        beta: factor of the input.
        alpha: factor of the product.

    Raises:
        ValueError: when the shapes do not fit.
        TypeError: when the number types differ.

    Example:
        >>> import lucid
        >>> lucid.addmm(lucid.ones(2), lucid.ones(2, 3), lucid.ones(3, 2), alpha=2).tolist()
        [[7.0, 7.0], [7.0, 7.0]]
    """
    return _added("addmm", input, mm(mat1, mat2), beta, alpha)


def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · (mat @ vec): [m, k] @ [k] → [m]; otherwise as :func:`addmm`.

    Example:
        >>> import lucid
        >>> lucid.addmv(lucid.ones(2), lucid.ones(2, 3), lucid.ones(3)).tolist()
        [4.0, 4.0]
    """
    return _added("addmv", input, mv(mat, vec), beta, alpha)


@refuses
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · (vec1 ⊗ vec2): [m], [n] → [m, n]; otherwise as :func:`addmm`.

    Example:
        >>> import lucid
        >>> lucid.addr(lucid.zeros(2, 2), lucid.tensor([1.0, 2.0]), lucid.tensor([3.0, 4.0])).tolist()
        [[3.0, 4.0], [6.0, 8.0]]
    """
    return _added("addr", input, outer(vec1, vec2), beta, alpha)


def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · bmm(batch1, batch2): [b, m, k], [b, k, n] → [b, m, n]; otherwise as :func:`addmm`.

    Example:
        >>> import lucid
        >>> lucid.baddbmm(lucid.ones(1), lucid.ones(5, 2, 3), lucid.ones(5, 3, 4)).shape
        (5, 2, 4)
    """
    return _added("baddbmm", input, bmm(batch1, batch2), beta, alpha)


@refuses
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · Σ over the batch of batch1 @ batch2: [b, m, k], [b, k, n] → [m, n].

    The sum over the batch is one product of matrices, [m, b · k] @ [b · k, n]; otherwise as :func:`addmm`.

    Example:
        >>> import lucid
        >>> lucid.addbmm(lucid.zeros(2, 4), lucid.ones(5, 2, 3), lucid.ones(5, 3, 4)).tolist()[0]
        [15.0, 15.0, 15.0, 15.0]
    """
    a, b = batch1.shape, batch2.shape
    if len(a) != 3 or len(b) != 3 or a[0] != b[0] or a[2] != b[1]:
        raise ArgumentError(f"addbmm: shapes {a} and {b} do not multiply; expected [b, m, k] and [b, k, n]")
    rows = reshape(permute(batch1, 1, 0, 2), a[1], a[0] * a[2])
    return _added("addbmm", input, mm(rows, reshape(batch2, b[0] * b[1], b[2])), beta, alpha)


# ---------------------------------------------------------------------------------------------------------------------
# Products of two tensors


@refuses
def inner(input: Tensor, other: Tensor) -> Tensor:
    """Sums of products along the last dimension of both: [..., k], [*, k] → [..., *]. A 0-d tensor multiplies.

    Raises:
        ValueError: when the last sizes differ.

    Example:
        >>> import lucid
        >>> lucid.inner(lucid.tensor([1.0, 2.0]), lucid.tensor([3.0, 4.0])).item()
        11.0
    """
    if not input.shape or not other.shape:
        return mul(input, other)
    if input.shape[-1] != other.shape[-1]:
        raise ArgumentError(f"inner: the last sizes of shapes {input.shape} and {other.shape} differ")
    return tensordot(input, other, ([-1], [-1]))


@refuses
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Sums of products along chosen dimensions: what is left of a, then what is left of b.

    Args:
        a: any shape.
        b: any shape, of the same number type.
        dims: how many of the last dimensions of a meet the first ones of b; or two lists, the dimensions of a and
            those of b that meet.

    Raises:
        ValueError: when sizes that meet differ.

    Example:
        >>> import lucid
        >>> lucid.tensordot(lucid.ones(2, 3, 4), lucid.ones(4, 3, 5), dims=([1, 2], [1, 0])).shape
        (2, 5)
    """
    if isinstance(dims, Value):
        dims = dims.array.tolist()
    if isinstance(dims, int):
        if not 0 <= dims <= min(len(a.shape), len(b.shape)):
            raise ArgumentError(f"tensordot: dims is {dims}, for shapes {a.shape} and {b.shape}")
        dims = range(len(a.shape) - dims, len(a.shape)), range(dims)
    of_a, of_b = ([d] if isinstance(d, int) else list(d) for d in dims)
    of_a = [wrap_dim("tensordot", d, len(a.shape)) for d in of_a]
    of_b = [wrap_dim("tensordot", d, len(b.shape)) for d in of_b]
    if len(set(of_a)) < len(of_a) or len(set(of_b)) < len(of_b):
        raise ArgumentError(f"tensordot: a dimension appears twice in dims {of_a} and {of_b}")
    if len(of_a) != len(of_b):
        raise ArgumentError(f"tensordot: {len(of_a)} dimensions of a meet {len(of_b)} of b")
    for i, j in zip(of_a, of_b, strict=True):
        m, n = a.shape[i], b.shape[j]
        if m != n and 1 not in (m, n):
            raise ArgumentError(f"tensordot: size {m} (dim {i} of {a.shape}) meets size {n} (dim {j} of {b.shape})")
        if m != n:  # the one number meets the sum
            a, b = (a, sum(b, j, True)) if m == 1 else (sum(a, i, True), b)
    left = [d for d in range(len(a.shape)) if d not in of_a]
    right = [d for d in range(len(b.shape)) if d not in of_b]
    rows, columns = [a.shape[d] for d in left], [b.shape[d] for d in right]
    k = math.prod(a.shape[d] for d in of_a)
    product = mm(
        reshape(permute(a, *left, *of_a), math.prod(rows), k), reshape(permute(b, *of_b, *right), k, math.prod(columns))
    )
    return reshape(product, (*rows, *columns))


@refuses
def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product: every number of ``input`` replaced by that number times ``other``.

    Sizes multiply, dimension by dimension; missing dimensions in front count as 1.

    Example:
        >>> import lucid
        >>> lucid.kron(lucid.tensor([1.0, 10.0]), lucid.tensor([1.0, 2.0])).tolist()
        [1.0, 2.0, 10.0, 20.0]
    """
    ndim = max(len(input.shape), len(other.shape))
    a, b = ((1,) * (ndim - len(x.shape)) + tuple(x.shape) for x in (input, other))
    outside = reshape(input, [size for s in a for size in (s, 1)])
    inside = reshape(other, [size for s in b for size in (1, s)])
    return reshape(mul(outside, inside), [m * n for m, n in zip(a, b, strict=True)])


@refuses
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The vector product along a dimension of size 3; the others broadcast.

    Args:
        input: size 3 along ``dim``.
        other: size 3 along ``dim``.
        dim: the dimension of the vectors; None takes the first one of size 3.

    Raises:
        ValueError: when a size along ``dim`` is not 3.

    Example:
        >>> import lucid
        >>> lucid.cross(lucid.tensor([1.0, 0.0, 0.0]), lucid.tensor([0.0, 1.0, 0.0])).tolist()
        [0.0, 0.0, 1.0]
    """
    if dim is None:
        if 3 not in input.shape:
            raise ArgumentError(f"cross: no dimension of shape {input.shape} has size 3")
        return _cross("cross", input, other, input.shape.index(3))
    return _cross("cross", input, other, dim)


@refuses
def linalg_cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The vector product along a dimension of size 3, the last if not told another; the others broadcast.

    Raises:
        ValueError: when a size along ``dim`` is not 3.

    Example:
        >>> import lucid
        >>> lucid.linalg.cross(lucid.tensor([1.0, 0.0, 0.0]), lucid.eye(3)).tolist()
        [[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]
    """
    return _cross("linalg.cross", input, other, dim)


def _cross(operation: str, input: Tensor, other: Tensor, dim: int) -> Tensor:
    if len(input.shape) != len(other.shape):
        raise ArgumentError(f"{operation}: shapes {input.shape} and {other.shape} have different numbers of dimensions")
    if input.dtype is not other.dtype:
        raise KindError(f"{operation}: operands are {input.dtype} and {other.dtype}; convert one with .to()")
    along = wrap_dim(operation, dim, len(input.shape))
    if not input.shape or input.shape[along] != 3 or other.shape[along] != 3:
        raise ArgumentError(f"{operation}: sizes along dim {dim} must be 3, got shapes {input.shape} and {other.shape}")
    shape = common_shape(operation, input, other)
    a, b = (x if x.shape == shape else expand(x, shape) for x in (input, other))
    next_, last = as_tensor([1, 2, 0]), as_tensor([2, 0, 1])
    turned = [index_select(x, along, order) for x, order in ((a, next_), (b, last), (a, last), (b, next_))]
    return sub(mul(turned[0], turned[1]), mul(turned[2], turned[3]))


@refuses
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Inner products along a dimension; the others broadcast.

    Raises:
        TypeError: for integers.
        ValueError: when the shapes do not fit.

    Example:
        >>> import lucid
        >>> lucid.linalg.vecdot(lucid.eye(2), lucid.tensor([3.0, 4.0])).tolist()
        [3.0, 4.0]
    """
    common_shape("linalg.vecdot", x, y)
    for one in (x, y):
        if not one.dtype.is_floating_point:
            raise KindError(f"linalg.vecdot: expects floating-point numbers, got {one.dtype}; convert with .float()")
    return sum(mul(x, y), dim)


# ---------------------------------------------------------------------------------------------------------------------
# Products of several matrices


@refuses
def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of matrices, in the order of multiplying that takes the fewest operations.

    Args:
        tensors: at least two; matrices, of which the first may be a vector (a row) and the last one too (a column).

    Raises:
        ValueError: when there are fewer than two, or when the shapes do not fit.

    Source: the matrix chain problem, by dynamic programming (Cormen et al., Introduction to Algorithms, 15.2).

    Example:
        >>> import lucid
        >>> lucid.linalg.multi_dot([lucid.ones(10, 2), lucid.ones(2, 30), lucid.ones(30)]).shape
        (10,)
    """
    chain = list(tensors)
    if len(chain) < 2:
        raise ArgumentError(f"linalg.multi_dot: expects at least 2 tensors, got {len(chain)}")
    ends = len(chain[0].shape), len(chain[-1].shape)
    if any(len(x.shape) != 2 for x in chain[1:-1]) or not all(n in (1, 2) for n in ends):
        raise ArgumentError(f"linalg.multi_dot: expects matrices, got shapes {[x.shape for x in chain]}")
    if ends[0] == 1:
        chain[0] = reshape(chain[0], 1, -1)
    if ends[1] == 1:
        chain[-1] = reshape(chain[-1], -1, 1)
    out = _chain("linalg.multi_dot", chain)
    shape = ([out.shape[0]] if ends[0] == 2 else []) + ([out.shape[1]] if ends[1] == 2 else [])
    return reshape(out, shape)


@refuses
def chain_matmul(*matrices: Tensor) -> Tensor:
    """The product of matrices, in the order of multiplying that takes the fewest operations; see
    :func:`lucid.linalg.multi_dot`.

    Raises:
        ValueError: when there are none, or when the shapes do not fit.

    Example:
        >>> import lucid
        >>> lucid.chain_matmul(lucid.ones(3, 4), lucid.ones(4, 5), lucid.ones(5, 6)).shape
        (3, 6)
    """
    if not matrices or any(len(x.shape) != 2 for x in matrices):
        raise ArgumentError(f"chain_matmul: expects matrices, got shapes {[x.shape for x in matrices]}")
    return _chain("chain_matmul", list(matrices))


def _chain(operation: str, matrices: list[Tensor]) -> Tensor:
    for a, b in zip(matrices, matrices[1:], strict=False):
        if a.shape[1] != b.shape[0]:
            raise ArgumentError(f"{operation}: shapes {a.shape} and {b.shape} do not multiply")
    sizes = [matrices[0].shape[0], *(x.shape[1] for x in matrices)]

    @functools.cache
    def cheapest(first: int, last: int) -> tuple[int, int]:
        """The fewest multiplications for the product of matrices first..last, and after which one to part them."""
        if first == last:
            return 0, first
        return min(
            (cheapest(first, k)[0] + cheapest(k + 1, last)[0] + sizes[first] * sizes[k + 1] * sizes[last + 1], k)
            for k in range(first, last)
        )

    def product(first: int, last: int) -> Tensor:
        if first == last:
            return matrices[first]
        k = cheapest(first, last)[1]
        return mm(product(first, k), product(k + 1, last))

    return product(0, len(matrices) - 1)
