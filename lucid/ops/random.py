"""Random numbers from the engine's Philox: the same for a seed whatever the thread count."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.graph import Value, detached_alias, record
from lucid.devices import CPU, check_device
from lucid.engine import ffi, lib
from lucid.ops.arithmetic import add, mul
from lucid.ops.create import as_tensor, finish, full_like, zeros_like
from lucid.ops.elementwise import Tensor, common_shape, default_dtype, result_type
from lucid.ops.view import sizes

_uniform, _normal = engine.kernels("uniform"), engine.kernels("normal")
_bernoulli = engine.kernels("bernoulli")
_dropout, _dropout_backward = engine.kernels("dropout"), engine.kernels("dropout_backward")
_STATE_BYTES = ffi.sizeof("philox_state")


class Generator:
    """A stream of random numbers: a seed, and how far it has been read.

    Example:
        >>> import lucid
        >>> g = lucid.Generator().manual_seed(1)
        >>> a = lucid.rand(3, generator=g)
        >>> bool((a == lucid.rand(3, generator=g.manual_seed(1))).all())
        True
    """

    def __init__(self, device: Any = None) -> None:
        check_device(device)
        self.device = CPU
        self.state = ffi.new("philox_state *")
        self.manual_seed(0)

    def manual_seed(self, seed: int) -> Generator:
        """Starts the stream of ``seed`` (any integer, taken modulo 2⁶⁴) from the beginning."""
        try:
            self.state.seed = int(seed) % 2**64
        except (TypeError, ValueError, OverflowError):
            raise TypeError(f"manual_seed: expected an integer, got {seed!r}") from None
        self.state.offset = 0
        return self

    def seed(self) -> int:
        """Starts the stream of a seed drawn from the system; returns it."""
        seed = secrets.randbits(63)
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed."""
        return int(self.state.seed)

    def get_state(self) -> Tensor:
        """Seed and position, as a uint8 tensor."""
        return engine.wrap(np.frombuffer(bytes(ffi.buffer(self.state)), np.uint8).copy())

    def set_state(self, state: Tensor) -> None:
        """Goes back to what ``get_state`` gave.

        Raises:
            ValueError: for another tensor.
        """
        if not isinstance(state, Value) or state.dtype is not engine.uint8 or state.shape != (_STATE_BYTES,):
            raise ValueError(f"set_state: expected the uint8 tensor of {_STATE_BYTES} numbers that get_state gives")
        ffi.buffer(self.state)[:] = state.array.tobytes()

    def __getstate__(self) -> bytes:
        return bytes(ffi.buffer(self.state))

    def __setstate__(self, state: bytes) -> None:
        self.state = ffi.new("philox_state *")
        ffi.buffer(self.state)[:] = state


default_generator = Generator()
default_generator.seed()


def manual_seed(seed: int) -> Generator:
    """Seeds the random numbers of all functions that are not given a generator of their own.

    Example:
        >>> import lucid
        >>> _ = lucid.manual_seed(0)
        >>> a = lucid.rand(2)
        >>> _ = lucid.manual_seed(0)
        >>> bool((a == lucid.rand(2)).all())
        True
    """
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seeds from the system; returns the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed in use."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default random numbers, for :func:`set_rng_state`."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Goes back to a state from :func:`get_rng_state`."""
    default_generator.set_state(new_state)


def _state(generator: Generator | None) -> Any:
    return (default_generator if generator is None else generator).state


def _draw(
    table: engine.Kernels, operation: str, size: Any, dtype: Any, generator: Any, low: float, high: float
) -> Tensor:
    kind = default_dtype[0] if dtype is None else engine.dtype_of(dtype)
    shape = sizes(size)
    if shape and min(shape) < 0:
        raise ValueError(f"{operation}: a tensor cannot have a negative size (shape {shape})")
    kernel = engine.kernel_for(table, kind, operation)
    out = engine.empty(shape, kind)
    kernel(_state(generator), out.array.size, low, high, out.pointer)
    return out


def rand(
    *size: Any, dtype: Any = None, generator: Generator | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Uniform numbers from [0, 1)."""
    return finish(_draw(_uniform, "rand", size, dtype, generator, 0.0, 1.0), requires_grad, device)


def randn(
    *size: Any, dtype: Any = None, generator: Generator | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Numbers from the standard normal distribution."""
    return finish(_draw(_normal, "randn", size, dtype, generator, 0.0, 1.0), requires_grad, device)


def rand_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform numbers from [0, 1) in the shape and type of another tensor."""
    return rand(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def randn_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Standard normal numbers in the shape and type of another tensor."""
    return randn(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = (),
    *,
    dtype: Any = None,
    generator: Generator | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from the normal distribution with the given mean and standard deviation.

    Args:
        mean: a number, or a tensor with one for each result.
        std: a number or a tensor, not negative; broadcasts with ``mean``.
        size: the shape, when both are numbers.
        dtype: the number type; that of the tensors when there are any.
        generator: where the random numbers come from.
        device: ``"cpu"``.
        requires_grad: whether the result is a leaf that gets a gradient.

    Raises:
        ValueError: for a negative standard deviation.
    """
    if isinstance(mean, Value) or isinstance(std, Value):
        if tuple(size):
            raise TypeError("normal: size is for a mean and std that are numbers; tensors say the shape themselves")
        scale, centre = (detached_alias(x) if isinstance(x, Value) else as_tensor(x) for x in (std, mean))
        if scale.array.size and scale.array.min() < 0:
            raise ValueError("normal: std must not be negative")
        noise = _draw(
            _normal, "normal", (common_shape("normal", scale, centre),), result_type(std, mean), generator, 0.0, 1.0
        )
        return finish(add(mul(noise, scale), centre), requires_grad, device)
    if std < 0:
        raise ValueError(f"normal: std must not be negative, got {std}")
    return finish(_draw(_normal, "normal", (size,), dtype, generator, mean, std), requires_grad, device)


def randint(
    *args: Any,
    low: int | None = None,
    high: int | None = None,
    size: Any = None,
    dtype: Any = None,
    generator: Generator | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers from [low, high), as int64: randint(high, size) or randint(low, high, size).

    Raises:
        ValueError: when low is not below high.
    """
    values = [*args, *(x for x in (low, high, size) if x is not None)]
    if len(values) not in (2, 3):
        raise TypeError(f"randint: expected (high, size) or (low, high, size), got {len(values)} arguments")
    low, high, size = (0, *values) if len(values) == 2 else values
    if low is None or high is None or not low < high:
        raise ValueError(f"randint: low must be below high, got {low} and {high}")
    if not -(2**63) <= low <= high < 2**63:
        raise ValueError(f"randint: {low} to {high} does not fit into int64")
    out = engine.empty(sizes((size,)), engine.int64)
    lib.random_integers(_state(generator), out.array.size, low, high, out.pointer)
    if dtype is not None:
        out = engine.convert(out, engine.dtype_of(dtype))
    return finish(out, requires_grad, device)


def randperm(n: int, *, dtype: Any = None, generator: Generator | None = None, device: Any = None) -> Tensor:
    """0 to n − 1 in random order, as int64."""
    check_device(device)
    if n < 0:
        raise ValueError(f"randperm: n must not be negative, got {n}")
    out = engine.empty((n,), engine.int64)
    lib.random_permutation(_state(generator), n, out.pointer)
    return out if dtype is None else engine.convert(out, engine.dtype_of(dtype))


def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that each element of ``input`` gives, or with probability ``p``, else 0.

    The gradient is zero.

    Raises:
        ValueError: for a probability outside [0, 1].
    """
    chances = engine.contiguous(input if p is None else full_like(input, p))
    if chances.array.size and not (chances.array.min() >= 0 and chances.array.max() <= 1):
        raise ValueError("bernoulli: probabilities must be from 0 to 1")
    out = engine.empty(chances.shape, chances.dtype)
    kernel = engine.kernel_for(_bernoulli, chances.dtype, "bernoulli")
    kernel(_state(generator), out.array.size, chances.pointer, 1, out.pointer)
    return record("bernoulli", out, (input,), (zeros_like,))


def fill_uniform(out: Tensor, low: float, high: float, generator: Generator | None = None) -> None:
    """Overwrites a tensor with uniform numbers from [low, high)."""
    _overwrite(_uniform, "uniform_", out, low, high, generator)


def fill_normal(out: Tensor, mean: float, std: float, generator: Generator | None = None) -> None:
    """Overwrites a tensor with normal numbers."""
    _overwrite(_normal, "normal_", out, mean, std, generator)


def _overwrite(table: engine.Kernels, operation: str, out: Tensor, a: float, b: float, generator: Any) -> None:
    engine.check_writable(out)
    kernel = engine.kernel_for(table, out.dtype, operation)
    target = out if out.strides is None else engine.empty(out.shape, out.dtype)
    kernel(_state(generator), target.array.size, a, b, target.pointer)
    if target is not out:
        engine.copy_into(out, target)


def dropout(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """Each element zero with probability p, else divided by 1 − p (Srivastava et al. 2014).

    Args:
        input: [any shape].
        p: from 0 to 1.
        training: when false, the input is given back.

    Raises:
        ValueError: for p outside [0, 1].
    """
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout: p must be from 0 to 1, got {p}")
    if not training or p == 0.0:
        return input
    x = engine.contiguous(input)
    out, mask = engine.empty(x.shape, x.dtype), engine.empty(x.shape, engine.bool_)
    kernel = engine.kernel_for(_dropout, x.dtype, "dropout")
    kernel(_state(None), out.array.size, p, x.pointer, out.pointer, mask.pointer)
    return record("dropout", out, (input,), (lambda grad: _dropout_grad(grad, mask, p),))


def _dropout_grad(grad: Tensor, mask: Tensor, p: float) -> Tensor:
    dense = engine.contiguous(grad)
    out = engine.empty(grad.shape, grad.dtype)
    _dropout_backward[grad.dtype](out.array.size, p, dense.pointer, mask.pointer, out.pointer)
    return record("dropout_backward", out, (grad,), (lambda g: _dropout_grad(g, mask, p),))
