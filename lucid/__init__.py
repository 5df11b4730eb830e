"""lucid: a mini deep-learning framework with its own tensor engine in C.

Names and meanings are PyTorch's.
"""

from lucid import autograd, datasets, nn, optim
from lucid.autograd import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from lucid.engine import bool_ as bool  # noqa: A004
from lucid.engine import (
    dtype,
    float32,
    float64,
    get_num_threads,
    int32,
    int64,
    set_num_threads,
    uint8,
)
from lucid.ops.activation import relu
from lucid.ops.arithmetic import (
    abs,  # noqa: A004
    add,
    atan2,
    bitwise_and,
    bitwise_not,
    bitwise_or,
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
from lucid.ops.broadcast import broadcast_shapes, broadcast_tensors, broadcast_to, sum  # noqa: A004
from lucid.ops.create import (
    arange,
    as_tensor,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    tensor,
    tril,
    triu,
    zeros,
    zeros_like,
)
from lucid.ops.elementwise import result_type
from lucid.ops.functions import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    exp2,
    expm1,
    log,
    log1p,
    log2,
    log10,
    pow,  # noqa: A004
    reciprocal,
    rsqrt,
    sigmoid,
    sin,
    sinh,
    sqrt,
    square,
    tan,
    tanh,
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
from lucid.ops.joining import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    cat,
    column_stack,
    concat,
    concatenate,
    dstack,
    hstack,
    row_stack,
    stack,
    vstack,
)
from lucid.ops.matmul import addmm, bmm, dot, matmul, mm, mv, outer
from lucid.ops.picking import index_put, index_put_
from lucid.ops.random import (
    Generator,
    bernoulli,
    get_rng_state,
    initial_seed,
    manual_seed,
    normal,
    rand,
    rand_like,
    randint,
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
    any,  # noqa: A004
    argmax,
    argmin,
    cumsum,
    log_softmax,
    logsumexp,
    max,  # noqa: A004
    mean,
    min,  # noqa: A004
    prod,
    softmax,
    std,
    var,
)
from lucid.ops.shape import (
    adjoint,
    constant_pad_nd,
    diag,
    diag_embed,
    diagflat,
    diagonal,
    fliplr,
    flipud,
    meshgrid,
    moveaxis,
    movedim,
    ravel,
    repeat_interleave,
    roll,
    swapaxes,
    swapdims,
    tile,
    unflatten,
)
from lucid.ops.slicing import narrow, select
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
from lucid.ops.view import clone, flatten, flip, permute, reshape, squeeze, t, transpose, unsqueeze
from lucid.serialization import load, save
from lucid.tensor import Tensor
from lucid.version import __version__

float = float32  # noqa: A001
double = float64
long = int64
int = int32  # noqa: A001
