"""lucid: a mini deep-learning framework with its own tensor engine in C.

Names and meanings are PyTorch's.
"""

import math
from typing import TYPE_CHECKING, NoReturn

from lucid import (
    accelerator,
    amp,
    autograd,
    backends,
    cuda,
    datasets,
    engine,
    linalg,
    nn,
    optim,
    random,
    return_types,
    utils,
)
from lucid.amp import GradScaler, autocast
from lucid.autograd import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from lucid.compiler import compile  # noqa: A004
from lucid.devices import device
from lucid.dtypes import strided_layout
from lucid.engine import (
    bfloat16,
    dtype,
    float16,
    float32,
    float64,
    get_num_threads,
    int32,
    int64,
    set_num_threads,
    uint8,
)
from lucid.engine import bool_ as bool  # noqa: A004
from lucid.nn.functional import (
    alpha_dropout,
    bilinear,
    celu,
    cosine_similarity,
    dropout,
    group_norm,
    hardshrink,
    layer_norm,
    pairwise_distance,
    prelu,
    rms_norm,
    selu,
    threshold,
)
from lucid.number_types import can_cast, finfo, get_default_dtype, iinfo, promote_types, set_default_dtype
from lucid.ops.activation import relu
from lucid.ops.arithmetic import (
    abs,  # noqa: A004
    add,
    atan2,
    bitwise_and,
    bitwise_left_shift,
    bitwise_not,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    ceil,
    div,
    eq,
    floor,
    floor_divide,
    fmod,
    ge,
    gt,
    le,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    lt,
    maximum,
    minimum,
    mul,
    ne,
    neg,
    positive,
    remainder,
    round,  # noqa: A004
    rsub,
    sign,
    sub,
    trunc,
    where,
)
from lucid.ops.broadcast import broadcast_shapes, broadcast_tensors, broadcast_to, sum, sum_to_size  # noqa: A004
from lucid.ops.building import block_diag, cartesian_prod, corrcoef, cov, rot90, trapezoid
from lucid.ops.combine import addcdiv, addcmul, lerp
from lucid.ops.conv import conv1d, conv2d, conv_transpose1d, conv_transpose2d
from lucid.ops.counting import argwhere, bincount, isin, kthvalue, quantile
from lucid.ops.create import (
    arange,
    as_tensor,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    is_tensor,
    linspace,
    logspace,
    ones,
    ones_like,
    tensor,
    tril,
    tril_indices,
    triu,
    triu_indices,
    zeros,
    zeros_like,
)
from lucid.ops.diagonal import trace
from lucid.ops.distance import cdist
from lucid.ops.einsum import einsum
from lucid.ops.elementwise import result_type
from lucid.ops.factor import cholesky, qr, svd
from lucid.ops.functions import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    copysign,
    cos,
    cosh,
    deg2rad,
    erf,
    erfc,
    exp,
    exp2,
    expm1,
    frac,
    hypot,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    logit,
    pow,  # noqa: A004
    rad2deg,
    reciprocal,
    rsqrt,
    sigmoid,
    sin,
    sinh,
    sqrt,
    square,
    tan,
    tanh,
    xlogy,
)
from lucid.ops.index import (
    gather,
    index_select,
    masked_select,
    scatter,
    scatter_add,
    take,
    take_along_dim,
)
from lucid.ops.index_write import (
    index_add,
    index_copy,
    index_fill,
    masked_fill,
    masked_scatter,
)
from lucid.ops.inplace_views import as_strided
from lucid.ops.joining import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    cat,
    column_stack,
    dstack,
    hstack,
    stack,
    vstack,
)
from lucid.ops.legacy import BoolTensor, ByteTensor, DoubleTensor, FloatTensor, IntTensor, LongTensor, Size
from lucid.ops.limits import clamp, clamp_max, clamp_min, fmax, fmin, nan_to_num
from lucid.ops.matmul import bmm, dot, matmul, mm, mv
from lucid.ops.norm import dist, norm
from lucid.ops.numpy_names import takes_numpy_names
from lucid.ops.out import takes_out
from lucid.ops.pad import constant_pad_nd
from lucid.ops.picking import index_put, index_put_
from lucid.ops.pool import adaptive_avg_pool1d, avg_pool1d, max_pool1d, max_pool2d
from lucid.ops.predicates import (
    allclose,
    equal,
    isclose,
    isfinite,
    isinf,
    isnan,
    isneginf,
    isposinf,
    signbit,
)
from lucid.ops.products import (
    addbmm,
    addmm,
    addmv,
    addr,
    baddbmm,
    chain_matmul,
    cross,
    inner,
    kron,
    outer,
    tensordot,
)
from lucid.ops.random import (
    Generator,
    bernoulli,
    get_rng_state,
    initial_seed,
    manual_seed,
    multinomial,
    normal,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
    seed,
    set_rng_state,
)
from lucid.ops.reduce import (
    all,  # noqa: A004
    amax,
    amin,
    aminmax,
    any,  # noqa: A004
    argmax,
    argmin,
    log_softmax,
    logsumexp,
    max,  # noqa: A004
    mean,
    min,  # noqa: A004
    prod,
    softmax,
    std,
    std_mean,
    var,
    var_mean,
)
from lucid.ops.refusal import refuses
from lucid.ops.resample import channel_shuffle, pixel_shuffle, pixel_unshuffle
from lucid.ops.scan import cummax, cummin, cumprod, cumsum, diff
from lucid.ops.shape import (
    adjoint,
    diag,
    diag_embed,
    diagflat,
    diagonal,
    fliplr,
    flipud,
    meshgrid,
    movedim,
    ravel,
    repeat_interleave,
    roll,
    tile,
    unflatten,
)
from lucid.ops.slicing import narrow, select
from lucid.ops.solve import det, inverse, logdet, matrix_power, pinverse, slogdet
from lucid.ops.sorting import (
    argsort,
    bucketize,
    histc,
    msort,
    nonzero,
    searchsorted,
    sort,
    topk,
    unique,
    unique_consecutive,
)
from lucid.ops.splitting import chunk, dsplit, hsplit, split, split_with_sizes, tensor_split, unbind, vsplit
from lucid.ops.statistics import count_nonzero, median, nanmean, nanmedian, nansum
from lucid.ops.triangular import cholesky_solve
from lucid.ops.view import clone, flatten, flip, permute, reshape, squeeze, t, transpose, unsqueeze
from lucid.outside import missing
from lucid.printing import set_printoptions
from lucid.script_settings import (
    are_deterministic_algorithms_enabled,
    get_default_device,
    get_float32_matmul_precision,
    get_num_interop_threads,
    set_default_device,
    set_default_tensor_type,
    set_float32_matmul_precision,
    use_deterministic_algorithms,
)
from lucid.serialization import load, save
from lucid.tensor import Tensor
from lucid.version import __version__

__all__ = [
    "BoolTensor", "ByteTensor", "DoubleTensor", "FloatTensor", "Generator", "GradScaler", "IntTensor", "LongTensor",
    "Size", "Tensor", "__version__", "abs", "absolute", "accelerator", "acos", "acosh", "adaptive_avg_pool1d", "add",
    "addbmm", "addcdiv", "addcmul", "addmm", "addmv", "addr", "adjoint", "all", "allclose", "alpha_dropout", "amax",
    "amin", "aminmax", "amp", "any", "arange", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh",
    "are_deterministic_algorithms_enabled", "argmax", "argmin", "argsort", "argwhere", "as_strided", "as_tensor",
    "asin", "asinh", "atan", "atan2", "atanh", "atleast_1d", "atleast_2d", "atleast_3d", "autocast", "autograd",
    "avg_pool1d", "backends", "baddbmm", "bernoulli", "bfloat16", "bilinear",
    "bincount", "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or",
    "bitwise_right_shift", "bitwise_xor", "block_diag", "bmm", "bool", "broadcast_shapes", "broadcast_tensors",
    "broadcast_to", "bucketize", "can_cast", "cartesian_prod", "cat", "cdist", "ceil", "celu", "chain_matmul",
    "channel_shuffle", "cholesky", "cholesky_solve", "chunk", "clamp", "clamp_max", "clamp_min", "clip", "clone",
    "column_stack", "compile", "concat", "concatenate", "constant_pad_nd", "conv1d", "conv2d", "conv_transpose1d",
    "conv_transpose2d", "copysign", "corrcoef", "cos", "cosh", "cosine_similarity",
    "count_nonzero", "cov", "cross", "cuda", "cummax", "cummin", "cumprod", "cumsum", "datasets", "deg2rad", "det",
    "device", "diag", "diag_embed", "diagflat", "diagonal", "diff", "dist", "div", "divide", "dot", "double", "dropout",
    "dsplit", "dstack", "dtype", "einsum", "empty", "empty_like", "enable_grad", "engine", "eq", "equal",
    "erf", "erfc", "exp", "exp2", "expm1", "eye", "finfo", "flatten", "flip", "fliplr", "flipud", "float", "float16",
    "float32", "float64", "floor", "floor_divide", "fmax", "fmin", "fmod", "frac", "from_numpy", "full", "full_like",
    "gather", "ge", "ger", "get_default_device", "get_default_dtype", "get_float32_matmul_precision",
    "get_num_interop_threads", "get_num_threads", "get_rng_state", "greater", "greater_equal", "group_norm", "gt",
    "half", "hardshrink", "histc", "hsplit", "hstack", "hypot", "iinfo", "index_add", "index_copy", "index_fill",
    "index_put", "index_put_", "index_select", "inference_mode", "initial_seed", "inner", "int",
    "int32", "int64", "inverse", "is_grad_enabled", "is_tensor", "isclose", "isfinite", "isin", "isinf", "isnan",
    "isneginf", "isposinf", "kron", "layer_norm", "le", "lerp", "less", "less_equal", "linalg", "linspace",
    "load", "log", "log10", "log1p", "log2", "log_softmax", "logaddexp", "logdet", "logical_and", "logical_not",
    "logical_or", "logical_xor", "logit", "logspace", "logsumexp", "long", "lt", "manual_seed",
    "masked_fill", "masked_scatter", "masked_select", "matmul", "matrix_power", "max", "max_pool1d", "max_pool2d",
    "maximum", "mean", "median", "meshgrid", "min", "minimum", "mm", "moveaxis", "movedim", "msort", "mul",
    "multinomial", "multiply", "mv", "nan_to_num", "nanmean", "nanmedian", "nansum", "narrow", "ne", "neg", "negative",
    "nn", "no_grad", "nonzero", "norm", "normal", "not_equal", "ones", "ones_like", "optim", "outer",
    "pairwise_distance", "permute", "pinverse", "pixel_shuffle", "pixel_unshuffle", "positive",
    "pow", "prelu", "prod", "promote_types", "qr", "rad2deg", "rand", "rand_like", "randint", "randint_like", "randn",
    "randn_like", "random", "randperm", "ravel", "reciprocal", "relu", "remainder", "repeat_interleave", "reshape",
    "result_type", "return_types", "rms_norm", "roll", "rot90", "round", "rsqrt", "rsub", "save", "scatter",
    "scatter_add", "searchsorted", "seed", "select", "selu", "set_default_device", "set_default_dtype",
    "set_default_tensor_type", "set_float32_matmul_precision", "set_grad_enabled", "set_num_threads",
    "set_printoptions", "set_rng_state", "sigmoid", "sign", "signbit", "sin", "sinh", "slogdet", "softmax", "sort",
    "split", "split_with_sizes", "sqrt", "square", "squeeze", "stack", "std", "std_mean", "sub", "subtract", "sum",
    "sum_to_size", "svd", "swapaxes", "swapdims", "t", "take", "take_along_dim", "tan", "tanh", "tensor",
    "tensor_split", "tensordot", "threshold", "tile", "topk", "trace", "transpose", "tril", "tril_indices",
    "triu", "triu_indices", "true_divide", "trunc", "uint8", "unbind", "unflatten", "unique",
    "unique_consecutive", "unsqueeze", "use_deterministic_algorithms", "utils", "var", "var_mean", "vdot", "vsplit",
    "vstack", "where", "xlogy", "zeros", "zeros_like",
]  # fmt: skip

# The functions with out=. Methods and operators go to the operations themselves.
for _operation in (
    (abs, acos, acosh, add, addcdiv, addcmul, addmm, all, amax, amin, aminmax, any, arange, argmax, argmin, asin)
    + (asinh, atan, atan2, atanh, bernoulli, bitwise_and, bitwise_left_shift, bitwise_not, bitwise_or)
    + (bitwise_right_shift, bitwise_xor, bmm, bucketize, cat, ceil, clamp, clamp_max, clamp_min, column_stack)
    + (copysign, cos, cosh, cummax, cummin, cumprod, cumsum, deg2rad, diag, diff, div, dot, dstack, empty, eq, erf)
    + (erfc, exp, exp2, expm1, eye, floor, floor_divide, fmax, fmin, fmod, frac, full, gather, ge, gt, histc, hstack)
    + (hypot, index_add, index_copy, index_select, isneginf, isposinf, le, lerp, linspace, log, log10, log1p, log2)
    + (log_softmax, logaddexp, logical_and, logical_not, logical_or, logical_xor, logit, logspace, logsumexp, lt)
    + (masked_select, matmul, max, maximum, mean, median, min, minimum, mm, msort, mul, multinomial, mv, nan_to_num)
    + (nanmean, nanmedian, nansum, ne, neg, nonzero, norm, normal, ones, outer, pow, prod, rad2deg, rand, randint)
    + (randn, randperm, reciprocal, remainder, round, rsqrt, scatter, scatter_add, searchsorted, sigmoid, sign)
    + (signbit, sin, sinh, softmax, sort, sqrt, square, stack, std, sub, sum, take, take_along_dim, tan, tanh, topk)
    + (tril, triu, trunc, var, vstack, where, xlogy, zeros)
):
    globals()[_operation.__name__] = takes_out(_operation)
for _other in (
    argsort, chunk, count_nonzero, kthvalue, quantile, repeat_interleave, squeeze, std_mean, tensor_split, unbind,
    unsqueeze, var_mean,
):  # fmt: skip
    globals()[_other.__name__] = takes_numpy_names(_other)

# Those without out=. They say, as the others do, when they are given something else than a tensor.
for _plain in (
    (adjoint, argsort, atleast_1d, atleast_2d, atleast_3d, broadcast_to, chunk, clone, count_nonzero, diag_embed)
    + (diagflat, diagonal, dsplit, flatten, flip, fliplr, flipud, hsplit, index_fill, masked_fill, masked_scatter)
    + (movedim, narrow, permute, randint_like, ravel, repeat_interleave, reshape, roll, select, split)
    + (split_with_sizes, squeeze, std_mean, sum_to_size, t, tensor_split, tile, trace, transpose, unbind, unflatten)
    + (unique, unique_consecutive, unsqueeze, var_mean, vsplit, argwhere, as_strided, bincount, block_diag)
    + (cartesian_prod, corrcoef, cov, isin, kthvalue, quantile, rot90, trapezoid)
):
    globals()[_plain.__name__] = refuses(_plain)


# Methods that are functions too.
for _name in (
    "abs acos acosh addmv arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh ceil clamp clamp_max "
    "clamp_min clip cos cosh deg2rad detach erf erfc exp exp2 expm1 fill floor frac log log10 log1p log2 logit "
    "nan_to_num neg negative rad2deg reciprocal relu round rsqrt sigmoid sin sinh sqrt square tan tanh trunc xlogy zero"
).split():
    globals()[_name + "_"] = refuses(getattr(Tensor, _name + "_"))
detach, numel, is_floating_point = refuses(Tensor.detach), refuses(Tensor.numel), refuses(Tensor.is_floating_point)
is_complex, is_nonzero = refuses(Tensor.is_complex), refuses(Tensor.is_nonzero)
is_same_size, is_signed = refuses(Tensor.is_same_size), refuses(Tensor.is_signed)
inf, nan, pi, e, newaxis = math.inf, math.nan, math.pi, math.e, None
strided = strided_layout
asarray = as_tensor

float = float32  # noqa: A001
double = float64
half = float16
long = int64
int = int32  # noqa: A001

# Other names for the same operations.
absolute, negative, multiply, subtract, divide, true_divide, clip = abs, neg, mul, sub, div, div, clamp
arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh = acos, acosh, asin, asinh, atan, atan2, atanh
greater, greater_equal, less, less_equal, not_equal, concat, concatenate = gt, ge, lt, le, ne, cat, cat
ger, row_stack, trapz, fix = outer, vstack, trapezoid, trunc
moveaxis, swapaxes, swapdims = movedim, transpose, transpose
vdot = dot

if not TYPE_CHECKING:  # a type checker knows the names

    def __getattr__(name: str) -> NoReturn:
        """Says of a name that is not here what there is instead."""
        raise missing(__name__, name, globals())
