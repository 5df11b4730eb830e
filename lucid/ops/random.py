"""Random numbers from the engine's Philox: the same for a seed whatever the thread count."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.grad_mode import no_grad
from lucid.autograd.graph import Value, record
from lucid.devices import CPU, check_device
from lucid.engine import ffi, lib
from lucid.errors import ArgumentError, KindError
from lucid.ops.arithmetic import add, mul
from lucid.ops.create import finish, full_like, given_sizes, is_tensor
from lucid.ops.elementwise import default_dtype, match_all, need_tensor, result_type
from lucid.ops.view import sizes
from lucid.types import Tensor

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
            raise KindError(f"manual_seed: expected an integer, got {seed!r}") from None
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
            raise ArgumentError(f"set_state: expected the uint8 tensor of {_STATE_BYTES} numbers that get_state gives")
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
    if generator is None:
        return default_generator.state
    if not isinstance(generator, Generator):
        raise TypeError(f"random: generator must be a lucid.Generator, got {type(generator).__name__}")
    if engine.recording is not None:
        engine.recording.kept.append(generator)
    return generator.state


def _draw(
    table: engine.Kernels, operation: str, size: Any, dtype: Any, generator: Any, low: float, high: float
) -> Tensor:
    kind = default_dtype[0] if dtype is None else engine.dtype_of(dtype)
    shape = sizes(size)
    if shape and min(shape) < 0:
        raise ArgumentError(f"{operation}: a tensor cannot have a negative size (shape {shape})")
    kernel = engine.kernel_for(table, kind, operation)
    out = engine.empty(shape, kind)
    kernel(_state(generator), out.array.size, low, high, out.pointer)
    return out


def rand(
    *shape: Any,
    size: Any = None,
    dtype: Any = None,
    generator: Generator | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform numbers from [0, 1)."""
    return finish(_draw(_uniform, "rand", given_sizes(shape, size), dtype, generator, 0.0, 1.0), requires_grad, device)


def randn(
    *shape: Any,
    size: Any = None,
    dtype: Any = None,
    generator: Generator | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from the standard normal distribution."""
    return finish(_draw(_normal, "randn", given_sizes(shape, size), dtype, generator, 0.0, 1.0), requires_grad, device)


def rand_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform numbers from [0, 1) in the shape and type of another tensor."""
    need_tensor("rand_like", input)
    return rand(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def randn_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Standard normal numbers in the shape and type of another tensor."""
    need_tensor("randn_like", input)
    return randn(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    dtype: Any = None,
    generator: Generator | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from the normal distribution with the given mean and standard deviation.

    Args:
        mean: a number, or a tensor with one mean for each number of the result.
        std: likewise; tensors broadcast, and get no gradient.
        size: of the result, for two numbers; one number without it.
        dtype: for two numbers; the default floating-point type unless given.
        generator: of the random numbers.
        device: ``"cpu"``.
        requires_grad: whether the result is a leaf that gets a gradient.

    Raises:
        ValueError: for a negative standard deviation.
        TypeError: for a size or dtype besides tensors.

    Example:
        >>> import lucid
        >>> lucid.normal(lucid.tensor([1.0, 2.0]), 0.0).tolist()
        [1.0, 2.0]
    """
    spread = std.array if isinstance(std, Value) else std
    if not np.all(np.greater_equal(spread, 0)):
        raise ArgumentError(f"normal: std must not be negative, got {std}")
    if not (isinstance(mean, Value) or isinstance(std, Value)):
        shape = () if size is None else size
        return finish(_draw(_normal, "normal", (shape,), dtype, generator, mean, std), requires_grad, device)
    if size is not None or dtype is not None:
        raise KindError("normal: size is for a mean and std that are numbers, and so is dtype; tensors have their own")
    kind = result_type(*(x for x in (mean, std) if is_tensor(x)))
    with no_grad():
        middle, width = match_all("normal", (mean, std), kind)
        noise = _draw(_normal, "normal", middle.shape, kind, generator, 0.0, 1.0)
        return finish(add(middle, mul(noise, width)), requires_grad, device)


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
        raise KindError(f"randint: expected (high, size) or (low, high, size), got {len(values)} arguments")
    low, high, size = (0, *values) if len(values) == 2 else values
    if low is None or high is None or not low < high:
        raise ArgumentError(f"randint: low must be below high, got {low} and {high}")
    if not -(2**63) <= low <= high < 2**63:
        raise ArgumentError(f"randint: {low} to {high} does not fit into int64")
    out = engine.empty(sizes((size,)), engine.int64)
    lib.random_integers(_state(generator), out.array.size, low, high, out.pointer)
    if dtype is not None:
        out = engine.convert(out, engine.dtype_of(dtype))
    return finish(out, requires_grad, device)


def randint_like(
    input: Tensor,
    low: int,
    high: int | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers from [low, high) in the shape and number type of another tensor; randint_like(x, high) starts at 0.

    Example:
        >>> import lucid
        >>> lucid.randint_like(lucid.zeros(2), 3, 4).tolist()
        [3.0, 3.0]
    """
    need_tensor("randint_like", input)
    low, high = (0, low) if high is None else (low, high)
    kind = dtype or input.dtype
    return randint(low, high, input.shape, dtype=kind, device=device, requires_grad=requires_grad)


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Numbers of categories drawn with the probabilities of ``input``, as int64. Computed by NumPy.

    Args:
        input: [categories] or [rows, categories], floating point: weights that need not sum to 1.
        num_samples: how many to draw from each row.
        replacement: whether a category can be drawn twice.
        generator: of the random numbers.

    Returns:
        [num_samples] or [rows, num_samples].

    Raises:
        TypeError: for integer weights.
        ValueError: for weights that are negative, not finite or all zero, and when fewer categories than
            ``num_samples`` can be drawn.

    Without replacement the categories with the smallest Eᵢ / weightᵢ are taken, in that order, Eᵢ from the exponential
    distribution: this draws like one after the other (Efraimidis and Spirakis 2006).

    Example:
        >>> import lucid
        >>> lucid.multinomial(lucid.tensor([0.0, 3.0, 0.0]), 2, replacement=True).tolist()
        [1, 1]
    """
    if not input.dtype.is_floating_point:
        raise KindError(f"multinomial: expects floating-point weights, got {input.dtype}; convert with .float() first")
    if len(input.shape) not in (1, 2) or num_samples < 1:
        raise ArgumentError(
            f"multinomial: expects weights of shape [categories] or [rows, categories] and at least one sample, got "
            f"shape {input.shape} and {num_samples} samples"
        )
    weights = input.array.reshape(-1, input.shape[-1]).astype(np.float64)
    possible = (weights > 0).sum(-1).min(initial=input.shape[-1])
    if not (np.isfinite(weights).all() and (weights >= 0).all()) or possible < 1:
        raise ArgumentError("multinomial: the weights of a row must be finite, not negative and not all 0")
    if not replacement and num_samples > possible:
        raise ArgumentError(
            f"multinomial: {num_samples} different categories cannot be drawn: a row has {possible} with a weight"
        )
    rows = len(weights)
    width = num_samples if replacement else weights.shape[-1]
    uniform = _draw(_uniform, "multinomial", (rows, width), engine.float64, generator, 0.0, 1.0).array
    if replacement:
        steps = weights.cumsum(-1)
        last = weights.shape[-1] - 1 - (weights[:, ::-1] > 0).argmax(-1)  # a sum may round to less than it is
        found = [
            np.searchsorted(s, u * s[-1], "right").clip(max=e) for s, u, e in zip(steps, uniform, last, strict=True)
        ]
        drawn = np.array(found, np.int64).reshape(rows, num_samples)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            times = np.where(weights > 0, -np.log1p(-uniform) / weights, np.inf)
        drawn = np.argsort(times, -1, kind="stable")[:, :num_samples].astype(np.int64)
    return engine.wrap(np.ascontiguousarray(drawn).reshape(*input.shape[:-1], num_samples))


def randperm(
    n: int,
    *,
    dtype: Any = None,
    generator: Generator | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """0 to n − 1 in random order, as int64."""
    check_device(device)
    if n < 0:
        raise ArgumentError(f"randperm: n must not be negative, got {n}")
    out = engine.empty((n,), engine.int64)
    lib.random_permutation(_state(generator), n, out.pointer)
    return finish(out if dtype is None else engine.convert(out, engine.dtype_of(dtype)), requires_grad, device)


def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that each element of ``input`` gives, else 0; with ``p``, 1 with that probability.

    Raises:
        ValueError: for a probability outside [0, 1].
    """
    given = input if p is None else full_like(input, p)
    chance = engine.contiguous(given)
    if chance.array.size and not (chance.array.min() >= 0 and chance.array.max() <= 1):
        raise ArgumentError("bernoulli: probabilities must be from 0 to 1")
    out = engine.empty(chance.shape, chance.dtype)
    kernel = engine.kernel_for(_bernoulli, chance.dtype, "bernoulli")
    kernel(_state(generator), out.array.size, chance.pointer, 1, out.pointer)
    return record("bernoulli", out, (input,), (lambda grad: mul(grad, 0.0),))


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
    need_tensor("dropout", input)
    if not 0.0 <= p <= 1.0:
        raise ArgumentError(f"dropout: p must be from 0 to 1, got {p}")
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
