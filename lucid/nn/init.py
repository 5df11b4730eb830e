"""Initial values of parameters. Every function changes the tensor in place, unrecorded, and returns it."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd import no_grad
from lucid.ops.random import randperm
from lucid.types import Tensor

_GAINS = {
    "linear": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv3d": 1.0, "conv_transpose1d": 1.0, "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0), "selu": 0.75,
}  # fmt: skip


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which a nonlinearity should widen the initial values so that variances stay as they are.

    Args:
        nonlinearity: "linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu".
        param: the negative slope of leaky_relu (0.01).

    Raises:
        ValueError: for another nonlinearity.
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        raise ValueError(
            f"calculate_gain: unknown nonlinearity {nonlinearity!r}; choose from {sorted([*_GAINS, 'leaky_relu'])}"
        )
    return _GAINS[nonlinearity]


def fans(tensor: Tensor) -> tuple[int, int]:
    """(fan_in, fan_out): how many numbers an output is made of, and how many outputs an input goes into.

    Raises:
        ValueError: for fewer than two dimensions.
    """
    shape = tensor.shape
    if len(shape) < 2:
        raise ValueError(f"init: fan in and fan out need at least 2 dimensions, got shape {shape}")
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


@no_grad()
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform from [a, b)."""
    return tensor.uniform_(a, b, generator=generator)


@no_grad()
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with the given mean and standard deviation."""
    return tensor.normal_(mean, std, generator=generator)


@no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """All numbers ``val``."""
    return tensor.fill_(val)


def zeros_(tensor: Tensor) -> Tensor:
    """All zeros."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """All ones."""
    return constant_(tensor, 1.0)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform from [−a, a), a = gain · √(6 / (fan_in + fan_out)) (Glorot and Bengio 2010)."""
    bound = gain * math.sqrt(6.0 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with standard deviation gain · √(2 / (fan_in + fan_out)) (Glorot and Bengio 2010)."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(fans(tensor))), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"kaiming: mode must be 'fan_in' or 'fan_out', got {mode!r}")
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Uniform from [−b, b), b = gain · √(3 / fan) (He et al. 2015). Empty tensors are left alone.

    Args:
        tensor: at least two dimensions.
        a: the negative slope of leaky_relu.
        mode: "fan_in" keeps variances on the way forward, "fan_out" on the way back.
        nonlinearity: see :func:`calculate_gain`.
        generator: random numbers of its own.
    """
    if 0 in tensor.shape:
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Normal with standard deviation gain / √fan (He et al. 2015); arguments as :func:`kaiming_uniform_`."""
    if 0 in tensor.shape:
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


@no_grad()
def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix, as much of it as the shape [n, m] has room for.

    Raises:
        ValueError: when the tensor is not a matrix.

    Example:
        >>> import lucid
        >>> lucid.nn.init.eye_(lucid.empty(2, 3)).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    if len(tensor.shape) != 2:
        raise ValueError(f"eye_: expects a matrix, got shape {tensor.shape}")
    return tensor.copy_(engine.wrap(np.eye(*tensor.shape, dtype=tensor.dtype.numpy)))


@no_grad()
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Convolution weights that pass their input on: 1 in the middle of the filter from channel i to channel i, else 0.

    Args:
        tensor: [out_channels, in_channels / groups, *kernel], of 3 to 5 dimensions.
        groups: the groups of the convolution; each passes on its own channels.

    Raises:
        ValueError: for another number of dimensions, or channels that the groups do not divide.

    Example:
        >>> import lucid
        >>> lucid.nn.init.dirac_(lucid.empty(2, 2, 3)).tolist()
        [[[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]
    """
    shape = tensor.shape
    if len(shape) not in (3, 4, 5):
        raise ValueError(f"dirac_: expects 3 to 5 dimensions, got shape {shape}")
    if groups < 1 or shape[0] % groups:
        raise ValueError(f"dirac_: {groups} groups do not divide the {shape[0]} output channels")
    weights = np.zeros(shape, tensor.dtype.numpy)
    own = shape[0] // groups
    channel = np.arange(min(own, shape[1]))
    middle = tuple(size // 2 for size in shape[2:])
    for first in range(0, shape[0], own or 1):
        ones: Any = (first + channel, channel, *middle)
        weights[ones] = 1
    return tensor.copy_(engine.wrap(weights))


@no_grad()
def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Tensor:
    """Normal with the given mean and standard deviation, without what lies outside [a, b].

    Numbers outside are drawn again. When most would be (a and b far from the mean), uniform numbers from [a, b] are
    drawn instead and each is kept with the probability of its density over the largest one there is.

    Args:
        tensor: any shape.
        mean: of the normal distribution before it is cut.
        std: its standard deviation.
        a: the smallest number allowed.
        b: the largest number allowed.
        generator: random numbers of its own.

    Raises:
        ValueError: for a ≥ b, a std that is not positive, or an infinite a or b when most numbers would be outside.

    Example:
        >>> import lucid
        >>> x = lucid.nn.init.trunc_normal_(lucid.empty(1000), std=0.5, a=-1.0, b=1.0)
        >>> bool((x.abs() <= 1).all())
        True
    """
    if not a < b or not std > 0:
        raise ValueError(f"trunc_normal_: expects a < b and std > 0, got a={a}, b={b}, std={std}")
    inside = (math.erf((b - mean) / std / math.sqrt(2)) - math.erf((a - mean) / std / math.sqrt(2))) / 2
    direct = inside > 0.3
    if not direct and math.isinf(b - a):
        raise ValueError(f"trunc_normal_: [{a}, {b}] is infinite and far from mean {mean}; give finite bounds")
    kind = tensor.dtype
    low, high = kind.numpy.type(a), kind.numpy.type(b)
    peak = (min(max(mean, a), b) - mean) / std
    values = np.empty(tensor.array.size, kind.numpy)
    wanted = np.arange(values.size)
    while wanted.size:
        fresh = engine.empty(wanted.shape, kind)
        if direct:
            drawn = fresh.normal_(mean, std, generator=generator).array
            good = (drawn >= low) & (drawn <= high)
        else:
            drawn = fresh.uniform_(a, b, generator=generator).array
            chance = engine.empty(wanted.shape, kind).uniform_(generator=generator).array
            good = chance < np.exp((peak**2 - ((drawn - mean) / std) ** 2) / 2)
        values[wanted[good]] = drawn[good]
        wanted = wanted[~good]
    return tensor.copy_(engine.wrap(values.reshape(tensor.shape)))


@no_grad()
def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """An orthogonal matrix, uniform among all of them, times ``gain`` (Saxe et al. 2013). Empty tensors are left alone.

    Args:
        tensor: at least two dimensions, seen as [n, rest]: the rows are orthonormal, or the columns when n > rest.
        gain: a factor.
        generator: random numbers of its own.

    Raises:
        ValueError: for fewer than two dimensions.

    Example:
        >>> import lucid
        >>> w = lucid.nn.init.orthogonal_(lucid.empty(2, 5))
        >>> ((w @ w.T) - lucid.eye(2)).abs().max().item() < 1e-6
        True
    """
    shape = tensor.shape
    if len(shape) < 2:
        raise ValueError(f"orthogonal_: expects at least 2 dimensions, got shape {shape}")
    if 0 in shape:
        return tensor
    normal = engine.empty((shape[0], math.prod(shape[1:])), tensor.dtype).normal_(0, 1, generator=generator).array
    wide = normal.shape[0] < normal.shape[1]
    q, r = np.linalg.qr(normal.T if wide else normal)
    q = q * np.sign(r.diagonal())  # makes it uniform (Mezzadri 2006)
    return tensor.copy_(engine.wrap(np.ascontiguousarray(q.T if wide else q).reshape(shape))).mul_(gain)


@no_grad()
def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Normal with mean 0, and a share of zeros in every column, at random (Martens 2010).

    Args:
        tensor: a matrix [n, m].
        sparsity: the share of zeros, rounded up to whole numbers of a column.
        std: the standard deviation of the others.
        generator: random numbers of its own.

    Raises:
        ValueError: when the tensor is not a matrix, or sparsity is not from 0 to 1.

    Example:
        >>> import lucid
        >>> (lucid.nn.init.sparse_(lucid.empty(10, 3), sparsity=0.25) == 0).sum(0).tolist()
        [3, 3, 3]
    """
    if len(tensor.shape) != 2:
        raise ValueError(f"sparse_: expects a matrix, got shape {tensor.shape}")
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparse_: sparsity must be from 0 to 1, got {sparsity}")
    rows, columns = tensor.shape
    values = engine.empty(tensor.shape, tensor.dtype).normal_(0, std, generator=generator).array
    zeros = math.ceil(sparsity * rows)
    for column in range(columns):
        values[randperm(rows, generator=generator).array[:zeros], column] = 0
    return tensor.copy_(engine.wrap(values))


def _older(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    name = function.__name__

    @functools.wraps(function)
    def older(*args: Any, **options: Any) -> Tensor:
        warnings.warn(f"nn.init.{name[:-1]} is the older name of nn.init.{name}", FutureWarning, stacklevel=2)
        return function(*args, **options)

    older.__doc__ = f"The older name of :func:`{name}`; warns."
    return older


uniform, normal, constant, eye, dirac = (_older(f) for f in (uniform_, normal_, constant_, eye_, dirac_))
xavier_uniform, xavier_normal = _older(xavier_uniform_), _older(xavier_normal_)
kaiming_uniform, kaiming_normal = _older(kaiming_uniform_), _older(kaiming_normal_)
orthogonal, sparse = _older(orthogonal_), _older(sparse_)
