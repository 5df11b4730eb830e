"""Tensor and Parameter. The class body is the list of operations; what each does is written in ``lucid.ops``."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any, overload

import numpy as np

from lucid import engine
from lucid.autograd import backward as run_backward_from
from lucid.autograd.graph import Node, RemovableHandle, Value, add_hook, describe, detached_alias
from lucid.devices import CPU, device
from lucid.errors import ArgumentError, KindError
from lucid.ops import (
    activation,
    activation_family,
    arithmetic,
    broadcast,
    building,
    combine,
    counting,
    create,
    elementwise,
    factor,
    functions,
    index,
    index_write,
    inplace,
    inplace_views,
    legacy,
    limits,
    norm,
    picking,
    predicates,
    products,
    random,
    reduce,
    scan,
    shape,
    slicing,
    solve,
    sorting,
    splitting,
    statistics,
    triangular,
)
from lucid.ops import diagonal as diagonals
from lucid.ops import matmul as matmuls
from lucid.ops import view as views
from lucid.ops.elementwise import default_dtype
from lucid.ops.numpy_names import takes_numpy_names
from lucid.printing import tensor_text
from lucid.tensor_queries import Queries


class Tensor(Queries):
    """An array of numbers of one type, with its place in the recorded graph.

    Make one with :func:`lucid.tensor`, :func:`lucid.zeros`, :func:`lucid.from_numpy` and the like. ``Tensor(2, 3)`` and
    ``Tensor([1, 2])`` also work, as in older scripts: sizes or numbers, always of the default number type.

    Example:
        >>> import lucid
        >>> w = lucid.tensor([1.0, 2.0], requires_grad=True)
        >>> (w * w).sum().backward()
        >>> w.grad
        tensor([2., 4.])
    """

    __slots__ = ()
    __module__ = "lucid"  # where it is to be found
    __array_priority__ = 1000  # NumPy's operators leave mixed expressions to the tensor
    __hash__ = object.__hash__  # by identity: == compares the elements

    # -----------------------------------------------------------------------------------------------------------------
    # Gradient and graph

    @property
    def grad(self) -> Tensor | None:
        """The gradient, summed over the calls of backward since it was last cleared; None before the first."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Value):
                raise KindError(f"grad: expected a tensor or None, got {type(value).__name__}")
            if value.shape != self.shape or value.dtype is not self.dtype:
                raise ArgumentError(
                    f"grad: a {describe(value)} tensor cannot be the gradient of a {describe(self)} one"
                )
            if value is self:
                raise ArgumentError("grad: a tensor cannot be its own gradient")
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def grad_fn(self) -> Node | None:
        """The recorded operation that made it; None for a leaf."""
        return self.node

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user and not by a recorded operation."""
        return self.node is None

    @property
    def _version(self) -> int:
        """How often its memory was changed in place."""
        version: int = self.version[0]
        return version

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Adds the gradients of this tensor to ``.grad`` of the leaves; see :func:`lucid.autograd.backward`."""
        run_backward_from(self, gradient, retain_graph, create_graph, inputs)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Says whether this leaf gets a gradient; returns it.

        Raises:
            RuntimeError: for a tensor that is not a leaf, or not floating point.
        """
        if self.node is not None and not requires_grad:
            raise RuntimeError(
                "requires_grad_: only of a leaf can this be changed; use detach() for a tensor without a graph"
            )
        if requires_grad and not self.dtype.is_floating_point:
            raise RuntimeError(f"requires_grad_: only floating-point tensors have gradients, not {self.dtype}")
        self.requires_grad = requires_grad
        return self

    def retain_grad(self) -> None:
        """Keeps the gradient of this tensor in ``.grad`` at the next backward, though it is not a leaf."""
        if not self.requires_grad:
            raise RuntimeError("retain_grad: the tensor does not require grad")
        if self.node is not None:
            self.node.retained = weakref.ref(self)

    @property
    def retains_grad(self) -> bool:
        """Whether :meth:`retain_grad` was called."""
        return self.node is not None and self.node.retained is not None and self.node.retained() is self

    def register_hook(self, hook: Callable[[Any], Any]) -> RemovableHandle:
        """Calls ``hook(grad)`` when the gradient of this tensor is known; what it returns (if not None) replaces it.

        Returns:
            A handle whose ``remove()`` takes the hook away.

        Raises:
            RuntimeError: when the tensor does not require a gradient.
        """
        if not self.requires_grad:
            raise RuntimeError("register_hook: the tensor does not require grad")
        holder = self if self.node is None else self.node
        if holder.hooks is None:
            holder.hooks = {}
        return add_hook(holder.hooks, hook)

    def detach(self) -> Tensor:
        """A tensor on the same memory, outside the graph."""
        alias: Tensor = detached_alias(self)
        if type(alias) is not Tensor:
            alias = Tensor(self.array, self.pointer, self.shape, self.dtype, self.strides)
            alias.version = self.version
        alias.base = None  # changes of the alias are not changes of what self is a view of
        return alias

    def detach_(self) -> Tensor:
        """Takes this tensor itself out of the graph.

        Raises:
            RuntimeError: for a view, which shows what its base is; use :meth:`detach`.
        """
        if self.base is not None:
            raise RuntimeError("detach_: a view cannot be detached in place; use detach()")
        self.node, self.requires_grad = None, False
        return self

    @property
    def data(self) -> Tensor:
        """The same memory outside the graph; backward does not notice writes to it. Assigning replaces the memory."""
        alias = self.detach()
        alias.version = [0]
        return alias

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Value):
            raise KindError(f"data: expected a tensor, got {type(value).__name__}")
        if self.requires_grad and not value.dtype.is_floating_point:
            raise RuntimeError(f"data: a tensor that requires grad must be floating point, got {describe(value)}")
        if self.node is not None and (value.dtype is not self.dtype or value.shape != self.shape):
            error = KindError if value.dtype is not self.dtype else ArgumentError
            raise error(
                f"data: {describe(value)} cannot replace {describe(self)} in a recorded tensor; detach() it first"
            )
        self.array, self.pointer, self.shape = value.array, value.pointer, value.shape
        self.dtype, self.strides = value.dtype, value.strides
        self.base = value.base
        self.version[0] += 1  # whoever saved this tensor, or its address, sees other numbers now

    # -----------------------------------------------------------------------------------------------------------------
    # Data and its shape

    @property
    def ndim(self) -> int:
        """How many dimensions it has."""
        return len(self.shape)

    def dim(self) -> int:
        """How many dimensions it has."""
        return len(self.shape)

    @overload
    def size(self, dim: None = None) -> tuple[int, ...]: ...
    @overload
    def size(self, dim: int) -> int: ...
    def size(self, dim: int | None = None) -> tuple[int, ...] | int:
        """The shape, or the size of one dimension."""
        return legacy.Size(self.shape) if dim is None else self.shape[views.wrap_dim("size", dim, len(self.shape))]

    def numel(self) -> int:
        """How many elements it has."""
        return self.array.size

    def element_size(self) -> int:
        """Bytes per element."""
        return self.dtype.itemsize

    @overload
    def stride(self, dim: None = None) -> tuple[int, ...]: ...
    @overload
    def stride(self, dim: int) -> int: ...
    def stride(self, dim: int | None = None) -> tuple[int, ...] | int:
        """The steps between neighbours along each dimension (or one), in elements."""
        steps = self.strides or engine.dense_strides(self.shape)
        return steps if dim is None else steps[views.wrap_dim("stride", dim, len(self.shape))]

    def is_contiguous(self) -> bool:
        """Whether the elements lie in memory in order, without gaps."""
        return self.strides is None

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self.array.ctypes.data

    def is_floating_point(self) -> bool:
        """Whether it holds float32 or float64 numbers."""
        return self.dtype.is_floating_point

    @property
    def device(self) -> device:
        """Where it lives: on the CPU."""
        return CPU

    def get_device(self) -> int:
        """-1, as for every tensor on the CPU."""
        return -1

    def item(self) -> float | int | bool:
        """The number in a tensor of one element.

        Raises:
            ValueError: when it has more, or none.
        """
        if self.array.size != 1:
            raise ArgumentError(f"item: a tensor of shape {self.shape} has {self.array.size} elements, not one")
        number: float | int | bool = self.array.item()
        return number

    def tolist(self) -> Any:
        """The numbers as nested lists."""
        return self.array.tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The numbers as a NumPy array on the same memory.

        Raises:
            RuntimeError: when it requires a gradient (writes would go unnoticed); use ``detach().numpy()`` or force.
        """
        if self.requires_grad and not force:
            raise RuntimeError("numpy: the tensor requires grad; use x.detach().numpy()")
        array: np.ndarray = self.array.view()  # an object of its own: what is done to its shape or dtype stays with it
        return array

    def cpu(self) -> Tensor:
        """The tensor itself."""
        return self

    def cuda(self, device: Any = "cuda", non_blocking: bool = False) -> Tensor:
        """Would move the tensor to a CUDA device.

        Raises:
            ValueError: always; there is none.
        """
        return views.to(self, device=device)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    @property
    def T(self) -> Tensor:  # noqa: N802
        """The dimensions in reverse order."""
        return views.reverse(self)

    @property
    def mT(self) -> Tensor:  # noqa: N802
        """The last two dimensions exchanged."""
        return views.transpose(self, -2, -1)

    def _of_given(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        x = legacy.made(default_dtype[0], args)
        return x.array, x.pointer, x.shape, x.dtype, x.strides

    def __len__(self) -> int:
        if not self.shape:
            raise KindError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise KindError("iteration over a 0-d tensor")
        return iter(splitting.unbind(self))

    def __contains__(self, value: Any) -> bool:
        return bool(reduce.any(arithmetic.eq(self, value)).item())

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise RuntimeError(f"the truth of a tensor of shape {self.shape} is ambiguous; use .any() or .all()")
        return bool(self.array.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.dtype.is_floating_point:
            raise KindError(f"a {self.dtype} tensor cannot be used as an index")
        return int(self.item())

    def __format__(self, specification: str) -> str:
        return format(self.item(), specification) if not self.shape else format(str(self), specification)

    def __repr__(self) -> str:
        return tensor_text(self)

    def __copy__(self) -> Tensor:
        return detached_alias(self) if self.node is None else self

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if self.node is not None:
            raise RuntimeError("deepcopy: only leaves of the graph can be copied deeply; use x.detach().clone()")
        copied = engine.empty(self.shape, self.dtype)
        engine.copy_into(copied, self)
        result = type(self)(copied.array, copied.pointer, copied.shape, copied.dtype)
        result.requires_grad = self.requires_grad
        if self._grad is not None:
            result._grad = self._grad.detach().clone()
        memo[id(self)] = result
        return result

    def __reduce__(self) -> Any:
        if self.node is not None:
            raise RuntimeError("pickle: only leaves of the graph can be pickled; use x.detach()")
        return _unpickle, (type(self), np.asarray(self.array, order="C"), self.requires_grad)

    # -----------------------------------------------------------------------------------------------------------------
    # Operations

    __add__ = __radd__ = add = arithmetic.add
    __sub__ = sub = arithmetic.sub
    __rsub__ = arithmetic.rsub
    __mul__ = __rmul__ = mul = arithmetic.mul
    __truediv__ = div = true_divide = arithmetic.div
    __rtruediv__ = arithmetic.rdiv
    __floordiv__ = floor_divide = arithmetic.floor_divide
    __rfloordiv__ = arithmetic.rfloor_divide
    __mod__ = remainder = arithmetic.remainder
    __rmod__ = arithmetic.rremainder
    fmod = arithmetic.fmod
    __pow__ = pow = functions.pow
    __rpow__ = functions.rpow
    __neg__ = neg = arithmetic.neg
    __pos__ = positive = arithmetic.positive
    __abs__ = abs = arithmetic.abs
    sign, floor, ceil, trunc, round = (
        arithmetic.sign,
        arithmetic.floor,
        arithmetic.ceil,
        arithmetic.trunc,
        arithmetic.round,
    )
    maximum, minimum, atan2 = arithmetic.maximum, arithmetic.minimum, arithmetic.atan2
    multiply, subtract, divide, absolute, negative = mul, sub, div, abs, neg
    arctan2 = atan2
    clamp = clip = limits.clamp
    clamp_min, clamp_max, fmax, fmin = limits.clamp_min, limits.clamp_max, limits.fmax, limits.fmin
    nan_to_num = limits.nan_to_num
    addcmul, addcdiv, lerp = combine.addcmul, combine.addcdiv, combine.lerp
    isnan, isinf, isfinite = predicates.isnan, predicates.isinf, predicates.isfinite
    isposinf, isneginf, signbit = predicates.isposinf, predicates.isneginf, predicates.signbit
    isclose, allclose, equal = predicates.isclose, predicates.allclose, predicates.equal

    __eq__ = arithmetic.equals  # type: ignore[assignment]  # a tensor, where object gives a bool
    __ne__ = arithmetic.differs  # type: ignore[assignment]
    __lt__ = lt = arithmetic.lt
    __le__ = le = arithmetic.le
    __gt__ = gt = arithmetic.gt
    __ge__ = ge = arithmetic.ge
    eq, ne = arithmetic.eq, arithmetic.ne
    not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge
    logical_and, logical_or, logical_xor = arithmetic.logical_and, arithmetic.logical_or, arithmetic.logical_xor
    logical_not = arithmetic.logical_not
    __and__ = __rand__ = bitwise_and = arithmetic.bitwise_and
    __or__ = __ror__ = bitwise_or = arithmetic.bitwise_or
    __xor__ = __rxor__ = bitwise_xor = arithmetic.bitwise_xor
    __lshift__ = bitwise_left_shift = arithmetic.bitwise_left_shift
    __rshift__ = bitwise_right_shift = arithmetic.bitwise_right_shift
    __invert__ = bitwise_not = arithmetic.bitwise_not

    square, sqrt, rsqrt, reciprocal = functions.square, functions.sqrt, functions.rsqrt, functions.reciprocal
    exp, exp2, expm1 = functions.exp, functions.exp2, functions.expm1
    log, log2, log10, log1p = functions.log, functions.log2, functions.log10, functions.log1p
    sin, cos, tan = functions.sin, functions.cos, functions.tan
    asin, acos, atan = functions.asin, functions.acos, functions.atan
    sinh, cosh, tanh = functions.sinh, functions.cosh, functions.tanh
    asinh, acosh, atanh = functions.asinh, functions.acosh, functions.atanh
    arcsin, arccos, arctan, arcsinh, arccosh, arctanh = asin, acos, atan, asinh, acosh, atanh
    erf, erfc, sigmoid, logit = functions.erf, functions.erfc, functions.sigmoid, functions.logit
    logaddexp, xlogy, hypot, copysign = functions.logaddexp, functions.xlogy, functions.hypot, functions.copysign
    frac, deg2rad, rad2deg = functions.frac, functions.deg2rad, functions.rad2deg
    relu = activation.relu

    sum, mean, prod, var, std = broadcast.sum, reduce.mean, reduce.prod, reduce.var, reduce.std
    var_mean, std_mean = reduce.var_mean, reduce.std_mean
    amax, amin, max, min, aminmax = reduce.amax, reduce.amin, reduce.max, reduce.min, reduce.aminmax
    nansum, nanmean, count_nonzero = statistics.nansum, statistics.nanmean, statistics.count_nonzero
    median, nanmedian = statistics.median, statistics.nanmedian
    norm, dist = norm.norm, norm.dist
    cumsum, cumprod, cummax, cummin, diff = scan.cumsum, scan.cumprod, scan.cummax, scan.cummin, scan.diff
    argmax, argmin, any, all = reduce.argmax, reduce.argmin, reduce.any, reduce.all
    logsumexp, softmax, log_softmax = reduce.logsumexp, reduce.softmax, reduce.log_softmax
    sum_to_size = broadcast.sum_to_size

    __matmul__ = matmul = matmuls.matmul
    __rmatmul__ = matmuls.rmatmul
    mm, bmm, mv, dot = matmuls.mm, matmuls.bmm, matmuls.mv, matmuls.dot
    addmm, addmv, addr = products.addmm, products.addmv, products.addr
    addbmm, baddbmm = products.addbmm, products.baddbmm
    outer = ger = products.outer
    vdot, inner, kron, cross = matmuls.dot, products.inner, products.kron, products.cross
    trace, cholesky, qr, svd = diagonals.trace, factor.cholesky, factor.qr, factor.svd
    cholesky_solve = triangular.cholesky_solve
    det, slogdet, logdet = solve.det, solve.slogdet, solve.logdet
    inverse, pinverse, matrix_power = solve.inverse, solve.pinverse, solve.matrix_power

    reshape, view, permute, transpose, t = views.reshape, views.view, views.permute, views.transpose, views.t
    squeeze, unsqueeze, flatten, flip = views.squeeze, views.unsqueeze, views.flatten, views.flip
    contiguous, clone, to = views.contiguous, views.clone, views.to
    type, half, bfloat16 = views.type_, views.half, views.bfloat16
    float, double, long, int, bool = views.float_, views.double, views.long, views.int_, views.bool_
    expand, expand_as, broadcast_to = broadcast.expand, broadcast.expand_as, broadcast.broadcast_to

    movedim, moveaxis, unfold, ravel = shape.movedim, shape.moveaxis, shape.unfold, shape.ravel
    swapaxes, swapdims, adjoint = shape.swapaxes, shape.swapdims, shape.adjoint
    reshape_as, view_as, unflatten = shape.reshape_as, shape.view_as, shape.unflatten
    fliplr, flipud, roll = shape.fliplr, shape.flipud, shape.roll
    repeat, tile, repeat_interleave = shape.repeat, shape.tile, shape.repeat_interleave
    diagonal, diag, diag_embed, diagflat = shape.diagonal, shape.diag, shape.diag_embed, shape.diagflat

    __getitem__, __setitem__ = picking.getitem, picking.setitem
    narrow, select, unbind, chunk = slicing.narrow, slicing.select, splitting.unbind, splitting.chunk
    split, split_with_sizes, tensor_split = splitting.split, splitting.split_with_sizes, splitting.tensor_split
    hsplit, vsplit, dsplit = splitting.hsplit, splitting.vsplit, splitting.dsplit
    gather, index_select, masked_select = index.gather, index.index_select, index.masked_select
    take, take_along_dim = index.take, index.take_along_dim
    scatter, scatter_, scatter_add, scatter_add_ = index.scatter, index.scatter_, index.scatter_add, index.scatter_add_
    index_put, index_put_ = picking.index_put, picking.index_put_
    index_add, index_add_ = index_write.index_add, index_write.index_add_
    index_copy, index_copy_ = index_write.index_copy, index_write.index_copy_
    index_fill, index_fill_ = index_write.index_fill, index_write.index_fill_
    masked_fill, masked_fill_ = index_write.masked_fill, index_write.masked_fill_
    masked_scatter, masked_scatter_ = index_write.masked_scatter, index_write.masked_scatter_
    topk, sort, argsort, msort = sorting.topk, sorting.sort, sorting.argsort, sorting.msort
    unique, unique_consecutive, nonzero = sorting.unique, sorting.unique_consecutive, sorting.nonzero
    histc = sorting.histc
    tril, triu = create.tril, create.triu
    new_tensor, new_empty, new_full = create.new_tensor, create.new_empty, create.new_full
    new_zeros, new_ones = create.new_zeros, create.new_ones
    bernoulli, multinomial = random.bernoulli, random.multinomial
    argwhere, bincount, kthvalue, quantile = counting.argwhere, counting.bincount, counting.kthvalue, counting.quantile
    isin, cov, corrcoef, rot90 = counting.isin, building.cov, building.corrcoef, building.rot90
    squeeze_, unsqueeze_, t_ = inplace_views.squeeze_, inplace_views.unsqueeze_, inplace_views.t_
    transpose_, swapaxes_, swapdims_ = inplace_views.transpose_, inplace_views.swapaxes_, inplace_views.swapdims_
    as_strided, prelu, hardshrink = inplace_views.as_strided, activation_family.prelu, activation_family.hardshrink
    arccos, arcsin, arctan, arctan2 = acos, asin, atan, atan2
    arccosh, arcsinh, arctanh = acosh, asinh, atanh
    greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne
    fix = trunc

    def where(self, condition: Tensor, other: Any) -> Tensor:
        """This tensor where the condition is true, else ``other``."""
        return arithmetic.where(condition, self, other)

    def type_as(self, other: Tensor) -> Tensor:
        """The tensor in the number type of another."""
        if not isinstance(other, Value):
            raise TypeError(f"type_as: expected a tensor, got {type(other).__name__}")
        return views.to_dtype(self, other.dtype)

    __iadd__ = add_ = inplace.add_
    __isub__ = sub_ = inplace.sub_
    __imul__ = mul_ = inplace.mul_
    __itruediv__ = div_ = inplace.div_
    zero_, fill_, copy_ = inplace.zero_, inplace.fill_, inplace.copy_
    uniform_, normal_ = inplace.uniform_, inplace.normal_
    neg_ = inplace.inplace_form("neg_", arithmetic.neg, arithmetic._neg)
    abs_ = inplace.inplace_form("abs_", arithmetic.abs, arithmetic._abs)
    sign_ = inplace.inplace_form("sign_", arithmetic.sign)
    floor_ = inplace.inplace_form("floor_", arithmetic.floor, arithmetic._floor)
    ceil_ = inplace.inplace_form("ceil_", arithmetic.ceil, arithmetic._ceil)
    trunc_ = inplace.inplace_form("trunc_", arithmetic.trunc, arithmetic._trunc)
    round_ = inplace.inplace_form("round_", arithmetic.round)
    __ifloordiv__ = floor_divide_ = inplace.inplace_form("floor_divide_", arithmetic.floor_divide)
    __imod__ = remainder_ = inplace.inplace_form("remainder_", arithmetic.remainder)
    fmod_ = inplace.inplace_form("fmod_", arithmetic.fmod)
    atan2_ = inplace.inplace_form("atan2_", arithmetic.atan2)
    eq_ = inplace.inplace_form("eq_", arithmetic.as_step(arithmetic.eq))
    ne_ = inplace.inplace_form("ne_", arithmetic.as_step(arithmetic.ne))
    lt_ = inplace.inplace_form("lt_", arithmetic.as_step(arithmetic.lt))
    le_ = inplace.inplace_form("le_", arithmetic.as_step(arithmetic.le))
    gt_ = inplace.inplace_form("gt_", arithmetic.as_step(arithmetic.gt))
    ge_ = inplace.inplace_form("ge_", arithmetic.as_step(arithmetic.ge))
    logical_and_ = inplace.inplace_form("logical_and_", arithmetic.as_step(arithmetic.logical_and))
    logical_or_ = inplace.inplace_form("logical_or_", arithmetic.as_step(arithmetic.logical_or))
    logical_xor_ = inplace.inplace_form("logical_xor_", arithmetic.as_step(arithmetic.logical_xor))
    logical_not_ = inplace.inplace_form("logical_not_", arithmetic.as_step(arithmetic.logical_not))
    __iand__ = bitwise_and_ = inplace.inplace_form("bitwise_and_", arithmetic.bitwise_and)
    __ior__ = bitwise_or_ = inplace.inplace_form("bitwise_or_", arithmetic.bitwise_or)
    __ixor__ = bitwise_xor_ = inplace.inplace_form("bitwise_xor_", arithmetic.bitwise_xor)
    bitwise_not_ = inplace.inplace_form("bitwise_not_", arithmetic.bitwise_not)
    __ilshift__ = bitwise_left_shift_ = inplace.inplace_form("bitwise_left_shift_", arithmetic.bitwise_left_shift)
    __irshift__ = bitwise_right_shift_ = inplace.inplace_form("bitwise_right_shift_", arithmetic.bitwise_right_shift)
    __ipow__ = pow_ = inplace.inplace_form("pow_", functions.pow)
    square_ = inplace.inplace_form("square_", functions.square)
    sqrt_ = inplace.inplace_form("sqrt_", functions.sqrt, functions._sqrt)
    rsqrt_ = inplace.inplace_form("rsqrt_", functions.rsqrt, functions._rsqrt)
    reciprocal_ = inplace.inplace_form("reciprocal_", functions.reciprocal, functions._reciprocal)
    exp_ = inplace.inplace_form("exp_", functions.exp, functions._exp)
    exp2_ = inplace.inplace_form("exp2_", functions.exp2, functions._exp2)
    expm1_ = inplace.inplace_form("expm1_", functions.expm1, functions._expm1)
    log_ = inplace.inplace_form("log_", functions.log, functions._log)
    log2_ = inplace.inplace_form("log2_", functions.log2, functions._log2)
    log10_ = inplace.inplace_form("log10_", functions.log10, functions._log10)
    log1p_ = inplace.inplace_form("log1p_", functions.log1p, functions._log1p)
    sin_ = inplace.inplace_form("sin_", functions.sin, functions._sin)
    cos_ = inplace.inplace_form("cos_", functions.cos, functions._cos)
    tan_ = inplace.inplace_form("tan_", functions.tan)
    asin_ = inplace.inplace_form("asin_", functions.asin)
    acos_ = inplace.inplace_form("acos_", functions.acos)
    atan_ = inplace.inplace_form("atan_", functions.atan)
    sinh_ = inplace.inplace_form("sinh_", functions.sinh)
    cosh_ = inplace.inplace_form("cosh_", functions.cosh)
    tanh_ = inplace.inplace_form("tanh_", functions.tanh, functions._tanh)
    asinh_ = inplace.inplace_form("asinh_", functions.asinh)
    acosh_ = inplace.inplace_form("acosh_", functions.acosh)
    atanh_ = inplace.inplace_form("atanh_", functions.atanh)
    erf_ = inplace.inplace_form("erf_", functions.erf, functions._erf)
    erfc_ = inplace.inplace_form("erfc_", functions.erfc)
    sigmoid_ = inplace.inplace_form("sigmoid_", functions.sigmoid, functions._sigmoid)
    logit_ = inplace.inplace_form("logit_", functions.logit)
    xlogy_ = inplace.inplace_form("xlogy_", functions.xlogy)
    hypot_ = inplace.inplace_form("hypot_", functions.hypot)
    copysign_ = inplace.inplace_form("copysign_", functions.copysign)
    frac_ = inplace.inplace_form("frac_", functions.frac)
    deg2rad_ = inplace.inplace_form("deg2rad_", functions.deg2rad)
    rad2deg_ = inplace.inplace_form("rad2deg_", functions.rad2deg)
    clamp_ = clip_ = inplace.inplace_form("clamp_", limits.clamp, limits.clamp_into)
    clamp_min_ = inplace.inplace_form("clamp_min_", limits.clamp_min)
    clamp_max_ = inplace.inplace_form("clamp_max_", limits.clamp_max)
    nan_to_num_ = inplace.inplace_form("nan_to_num_", limits.nan_to_num)
    addcmul_ = inplace.inplace_form("addcmul_", combine.addcmul, combine.addcmul_into)
    addcdiv_ = inplace.inplace_form("addcdiv_", combine.addcdiv, combine.addcdiv_into)
    lerp_ = inplace.inplace_form("lerp_", combine.lerp, combine.lerp_into)
    cumsum_ = inplace.inplace_form("cumsum_", scan.cumsum)
    cumprod_ = inplace.inplace_form("cumprod_", scan.cumprod)
    relu_ = inplace.inplace_form("relu_", activation.relu, activation._relu)
    tril_ = inplace.inplace_form("tril_", create.tril)
    triu_ = inplace.inplace_form("triu_", create.triu)
    multiply_, subtract_, divide_, true_divide_ = mul_, sub_, div_, div_
    absolute_, negative_, fix_ = abs_, neg_, trunc_
    arccos_, arcsin_, arctan_, arctan2_ = acos_, asin_, atan_, atan2_
    arccosh_, arcsinh_, arctanh_ = acosh_, asinh_, atanh_
    greater_, greater_equal_, less_, less_equal_, not_equal_ = gt_, ge_, lt_, le_, ne_
    addmm_ = inplace.inplace_form("addmm_", products.addmm)
    addmv_ = inplace.inplace_form("addmv_", products.addmv)
    addr_ = inplace.inplace_form("addr_", products.addr)
    addbmm_ = inplace.inplace_form("addbmm_", products.addbmm)
    baddbmm_ = inplace.inplace_form("baddbmm_", products.baddbmm)


for _name in (
    "all amax amin aminmax any argmax argmin argsort chunk count_nonzero cummax cummin cumprod cumsum diff log_softmax "
    "kthvalue logsumexp max mean median min nanmean nanmedian nansum prod quantile repeat_interleave softmax sort "
    "squeeze std sum take_along_dim tensor_split topk unbind unsqueeze var"
).split():
    setattr(Tensor, _name, takes_numpy_names(getattr(Tensor, _name)))


class Parameter(Tensor):
    """A leaf that a Module owns and an optimizer changes. It requires a gradient unless told otherwise.

    Args:
        data: the tensor whose memory it takes.
        requires_grad: whether it gets a gradient.

    Raises:
        TypeError: when data is not a floating-point tensor and a gradient is required.

    Example:
        >>> import lucid
        >>> lucid.nn.Parameter(lucid.ones(2)).requires_grad
        True
    """

    __slots__ = ()

    def __new__(cls, data: Any = None, requires_grad: Any = True, *rest: Any) -> Parameter:
        return super().__new__(cls)

    def __init__(self, data: Any = None, requires_grad: Any = True, *parts: Any) -> None:
        if parts:  # as Tensor's own: array, pointer, shape, dtype, strides
            super().__init__(data, requires_grad, *parts)
            return
        if data is None:
            data = engine.empty((0,), elementwise.default_dtype[0])
        if not isinstance(data, Value):
            raise KindError(f"Parameter: expected a tensor, got {type(data).__name__}")
        if requires_grad and not data.dtype.is_floating_point:
            raise KindError(f"Parameter: only floating-point tensors have gradients, not {data.dtype}")
        super().__init__(data.array, data.pointer, data.shape, data.dtype, data.strides)
        self.version = data.version
        self.requires_grad = bool(requires_grad)

    def __repr__(self) -> str:
        return "Parameter containing:\n" + tensor_text(self)


def _unpickle(tensor_class: type, array: np.ndarray, requires_grad: bool) -> Tensor:
    plain = engine.wrap(array)
    result: Tensor = tensor_class(plain.array, plain.pointer, plain.shape, plain.dtype)
    result.requires_grad = requires_grad
    return result


engine.register_tensor_class(Tensor)
