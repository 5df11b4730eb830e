"""What the door's tests share: the drawing of operands and arguments, and what is asked of every call."""

from __future__ import annotations

import inspect
import math
import warnings

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import lucid
from lucid import engine

REFUSALS = (TypeError, ValueError, IndexError, RuntimeError, OverflowError)  # RuntimeError: NotImplementedError too
KINDS = engine.DTYPES
FLOATS = (engine.float32, engine.float64)


def door(examples):
    """Makes two tests of a property of ``data``: a fixed small sample, and a larger one under the mark `slow`."""

    def make(function):
        def sample(count):
            options = {"deadline": None, "derandomize": True, "database": None}
            options["suppress_health_check"] = list(HealthCheck)
            return settings(max_examples=count, **options)(given(data=st.data())(function))

        function.__globals__[function.__name__ + "_more"] = pytest.mark.slow(sample(50 * examples))
        return sample(examples)

    return make


# ---------------------------------------------------------------------------------------------------------------------
# Operands

SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 1e-30, 1e30]
LAYOUTS = ["dense", "dense", "dense", "transposed", "stepped", "reversed", "expanded", "read-only"]


def draw(data, *choices):
    """One of the choices; the first is the simplest."""
    return data.draw(st.sampled_from(choices))


def numbers(data, shape, kind):
    """An array of numbers; now and then with NaN and infinities, or numbers far out, among them."""
    random = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    if kind is engine.bool_:
        return random.integers(0, 2, shape).astype(bool)
    odd = data.draw(st.integers(0, 7)) == 0
    if not kind.is_floating_point:
        x = random.integers(0, 4, shape) - (0 if kind is engine.uint8 else random.integers(0, 2))
        if odd and kind is not engine.uint8:
            limits = np.iinfo(kind.numpy)
            x = np.where(random.random(shape) < 0.3, random.choice([limits.min, limits.max, 2**30, -1], shape), x)
        return np.asarray(x, kind.numpy)
    x = random.standard_normal(shape)
    if odd:
        x = np.where(random.random(shape) < 0.3, random.choice(SPECIAL, shape), x)
    return np.asarray(x, kind.numpy)


def tensor(data, shape, kind=engine.float32):
    """A tensor in some layout; now and then it requires a gradient."""
    values = numbers(data, shape, kind)
    layout = draw(data, *LAYOUTS)
    if layout == "transposed":
        x = lucid.from_numpy(values.T.copy().T)
    elif layout in ("stepped", "reversed"):
        step = 2 if layout == "stepped" else -1
        memory = (
            np.repeat(values, 2, -1) if shape and layout == "stepped" else values[..., ::-1].copy() if shape else values
        )
        x = lucid.from_numpy(memory[..., ::step] if shape else memory)
    elif layout == "expanded" and shape and values.size:
        x = lucid.from_numpy(values[:1].copy()).expand(shape)
    elif layout == "read-only":
        values.flags.writeable = False
        x = lucid.from_numpy(values)
    else:
        x = lucid.from_numpy(values)
    assert x.shape == tuple(shape)
    if kind.is_floating_point and data.draw(st.integers(0, 3)) == 0:
        x.requires_grad = True
    return x


# Numbers that no size, step or count should be. Memory for so many numbers is refused by any system at once.
ODD_NUMBERS = [-1, 0, -(2**31), 2**31, 2**31 - 1, 2**32 + 1, 2**50, 2**62, 2**63 - 1, 2**63, -(2**63), 2**64, 10**30]
ODD = [
    None,
    True,
    False,
    1.5,
    2.0,
    -0.5,
    math.nan,
    math.inf,
    "x",
    "",
    (),
    [],
    (1, 2, 3, 4, 5),
    (None,),
    {},
    object(),
    b"1",
]


def odd(data, sizes=False):
    """A value that an argument should not have. ``sizes``: none that would ask for a few gigabytes."""
    numbers = [n for n in ODD_NUMBERS if not sizes or not 2**20 < abs(n) < 2**49]
    choices = st.one_of(st.sampled_from(ODD), st.sampled_from(numbers), st.sampled_from(numbers).map(lambda n: (1, n)))
    return data.draw(choices)


# ---------------------------------------------------------------------------------------------------------------------
# What is asked of a call


def tensors_in(*things):
    """All tensors among these, and in lists, tuples and dicts among them."""
    for one in things:
        if isinstance(one, lucid.Tensor):
            yield one
        elif isinstance(one, dict):
            yield from tensors_in(*one.values())
        elif isinstance(one, (list, tuple)):
            yield from tensors_in(*one)


def _state(x):
    """What an operation must leave as it is."""
    return (x.shape, x.dtype, x.strides, x.requires_grad, x.node, x.version[0], x.array.tobytes())


def sane(x):
    """The array, the pointer and the strides of a tensor say the same, and its numbers can be read."""
    assert x.shape == x.array.shape and x.array.dtype == x.dtype.numpy
    assert all(type(n) is int for n in x.shape)
    if x.array.size:
        assert int(engine.ffi.cast("intptr_t", x.pointer)) == x.array.ctypes.data
        steps = x.strides or engine.dense_strides(x.shape)
        seen = tuple(s // x.dtype.itemsize for s in x.array.strides)
        assert all(a == b for a, b, size in zip(steps, seen, x.shape, strict=True) if size > 1), (steps, seen, x.shape)
    if x.array.size < 2**20:  # an expanded view may have more elements than there is memory for
        np.testing.assert_array_equal(x.detach().clone().array, x.array)
    if x.requires_grad:
        assert x.dtype.is_floating_point


def attempt(name, call, *operands, changes=(), memory=False):
    """The result of ``call``, or its refusal, a message that names the operation.

    Args:
        name: what the message must name; None where it need not.
        call: makes the result.
        operands: what may not change (nor may ``changes``, when the call is refused).
        changes: tensors that the call may change.
        memory: whether a MemoryError is a refusal too: where the arguments ask for more memory than there is.
    """
    refusals = (*REFUSALS, MemoryError) if memory else REFUSALS
    watched, own = list(tensors_in(*operands)), list(tensors_in(*changes))
    before, own_before = [_state(x) for x in watched], [_state(x) for x in own]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = call()
    except refusals as error:
        text = str(error)
        named = name is None or name in text or (memory and ("no memory" in text or isinstance(error, MemoryError)))
        assert named, f"{name}: {type(error).__name__}: {text}"
        assert own_before == [_state(x) for x in own], f"{name}: refused ({text}), but an operand has changed"
        result = error
    assert before == [_state(x) for x in watched], f"{name}: an operand has changed"
    for x in tensors_in(result, *own):
        sane(x)
    return result


def back(data, result, *operands):
    """Backward through a result, where there is a way: once, twice, or after what it came from was replaced.

    Gradients have the shapes of their tensors; what cannot be differentiated any more is refused.
    """
    roots = [x for x in tensors_in(result) if x.requires_grad and x.array.size]
    if isinstance(result, Exception) or not roots:
        return
    how = draw(data, "once", "twice", "replaced")
    leaves = [x for x in tensors_in(*operands) if x.node is None]
    wanted = [x for x in leaves if x.requires_grad]
    if how == "replaced":
        for x in (*leaves, *(x for x in tensors_in(result) if x.node is None)):
            if data.draw(st.booleans()):
                replace(data, x)
    try:
        total = sum(root.sum() for root in roots)
        total.backward(create_graph=how == "twice")
        if how == "twice":
            for x in wanted:
                if x.grad is not None and x.grad.requires_grad:
                    (x.grad * x.grad).sum().backward(retain_graph=True)
    except REFUSALS as error:
        known = ("freed by an earlier backward", "no memory")  # two results of one graph; more than the machine has
        assert how != "once" or any(words in str(error) for words in known), error
    for x in wanted:
        if x.grad is not None:
            assert x.grad.shape == x.shape and x.grad.dtype is x.dtype or how == "replaced"
            sane(x.grad.detach())
            x.grad = None


def replace(data, x):
    """Puts other memory into a tensor: less of it, as a slice of something larger; or far numbers into an index."""
    if x.dtype is engine.int64 and x.array.flags.writeable and draw(data, True, False):
        x.array[...] = 2**40
        return
    shape = draw(data, (1,), (0,), (), x.shape, tuple(n + 1 for n in x.shape))
    x.data = lucid.ones(2, *shape, dtype=x.dtype)[1]


def parameters_of(function):
    """The parameters of a public function that can be given by name or place."""
    return [p for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_KEYWORD]
