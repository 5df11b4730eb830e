"""Recurrent layers over whole sequences: one engine call forward, one backward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd.composed import composed_gradients
from lucid.autograd.grad_mode import mode
from lucid.autograd.graph import Value, describe, detached_alias, record
from lucid.engine import ffi, pointer_or_null
from lucid.errors import ArgumentError, KindError
from lucid.ops.activation import relu
from lucid.ops.arithmetic import add, mul, sub
from lucid.ops.functions import sigmoid, tanh
from lucid.ops.index import cat, chunk, narrow
from lucid.ops.matmul import linear
from lucid.types import Tensor

_forward, _backward = engine.kernels("recurrent"), engine.kernels("recurrent_backward")

KINDS = {"RNN_TANH": (0, 1), "RNN_RELU": (1, 1), "LSTM": (2, 4), "GRU": (3, 3)}  # the engine's number, and the gates


def recurrent(
    kind: str,
    input: Tensor,
    batch_sizes: Sequence[int],
    h0: Tensor,
    c0: Tensor | None,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
    w_hr: Tensor | None = None,
    reverse: bool = False,
) -> tuple[Tensor, ...]:
    """One direction of one recurrent layer over sequences whose rows lie step after step.

    Args:
        kind: "RNN_TANH", "RNN_RELU", "LSTM" or "GRU".
        input: [rows, input_size]: batch_sizes[0] rows of the first step, then batch_sizes[1] of the second, and so on.
        batch_sizes: rows of each step; they do not grow.
        h0: [batch_sizes[0], output_size], the state to begin with.
        c0: [batch_sizes[0], hidden_size], the cells to begin with, for an LSTM.
        w_ih: [gates · hidden_size, input_size].
        w_hh: [gates · hidden_size, output_size].
        b_ih: [gates · hidden_size], or None.
        b_hh: as b_ih.
        w_hr: [output_size, hidden_size], the projection of an LSTM; without it output_size is hidden_size.
        reverse: go from the last step to the first.

    Returns:
        The states [rows, output_size], the last state h_n of each sequence, and for an LSTM the last cells c_n.

    Raises:
        ValueError: when shapes do not fit.
        TypeError: for several number types.

    Formulas, with x the input and h the state before:
        RNN: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu.
        LSTM: i, f, o = σ(…), g = tanh(…); c' = f c + i g; h' = W_hr (o tanh c') (Hochreiter and Schmidhuber 1997).
        GRU: r, z = σ(…); n = tanh(W_in x + b_in + r (W_hn h + b_hn)); h' = (1 − z) n + z h (Cho et al. 2014).
    """
    batch_sizes = tuple(batch_sizes)
    inputs = (input, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr)
    _check(kind, batch_sizes, *inputs)
    number, gates = KINDS[kind]
    dense: list[Any] = [x if x is None or x.strides is None else engine.contiguous(x) for x in inputs]
    number_type = input.dtype
    rows, input_size = input.shape
    hidden_size, output_size = w_ih.shape[0] // gates, w_hh.shape[1]
    batch = h0.shape[0]
    sizes = engine.wrap(np.array(batch_sizes, np.int64))
    shape = ffi.new(
        "recurrent_shape *",
        (number, len(batch_sizes), input_size, hidden_size, output_size, int(reverse), sizes.pointer),
    )
    out, h_n = engine.empty((rows, output_size), number_type), engine.empty((batch, output_size), number_type)
    c_n = cells = hidden = None
    if kind == "LSTM":
        c_n = engine.empty((batch, hidden_size), number_type)
        cells = engine.empty((rows, hidden_size), number_type)
    if kind == "GRU" or w_hr is not None:
        hidden = engine.empty((rows, hidden_size), number_type)
    gate_values = engine.empty((rows, gates * hidden_size), number_type) if gates > 1 else out
    x, h, c, *weights = dense
    _forward[number_type](
        shape, _pointers("weights", number_type, weights), x.pointer, h.pointer, pointer_or_null(c), out.pointer,
        h_n.pointer, pointer_or_null(c_n), gate_values.pointer, pointer_or_null(cells), pointer_or_null(hidden),
    )  # fmt: skip
    results = (out, h_n) if c_n is None else (out, h_n, c_n)
    if not mode.recording:
        return results
    kept = (detached_alias(out), gate_values, cells, hidden)
    present = [x is not None for x in (*inputs, *kept)]

    def rule(grads: Sequence[Any], *saved: Tensor) -> tuple[Any, ...]:
        parts = iter(saved)
        everything = [next(parts) if there else None for there in present]
        inputs = everything[:8]
        if mode.recording:
            return composed_gradients(lambda *xs: _composed(kind, batch_sizes, reverse, *xs), inputs, grads)
        return _gradients(kind, (shape, sizes), inputs, everything[8:], grads)

    saved = tuple(x for x in (*inputs, *kept) if x is not None)
    return record(kind.lower(), results, inputs, rule, saved)


def _check(kind: str, batch_sizes: Sequence[int], *tensors: Any) -> None:
    """Everything that C relies on."""
    if kind not in KINDS:
        raise ValueError(f"recurrent: kind must be one of {', '.join(KINDS)}, got {kind!r}")
    names = ("input", "h0", "c0", "w_ih", "w_hh", "b_ih", "b_hh", "w_hr")
    first = tensors[0]
    for name, x in zip(names, tensors, strict=True):
        if x is not None and (not isinstance(x, Value) or x.dtype is not first.dtype):
            raise KindError(f"{kind}: input is {describe(first)} but {name} is {describe(x)}; convert one with .to()")
    engine.kernel_for(_forward, first.dtype, kind)
    _, _, _, w_ih, w_hh, b_ih, b_hh, w_hr = tensors
    gates = KINDS[kind][1]
    if len(first.shape) != 2 or len(w_ih.shape) != 2 or len(w_hh.shape) != 2 or w_ih.shape[0] % gates:
        raise ArgumentError(f"{kind}: shapes {first.shape}, {w_ih.shape} and {w_hh.shape} are not those of a layer")
    steps = list(batch_sizes)
    if not steps or min(steps) < 1 or steps != sorted(steps, reverse=True) or sum(steps) != first.shape[0]:
        raise ArgumentError(
            f"{kind}: batch sizes {steps[:8]} must be positive, must not grow, and must sum to {first.shape[0]} rows"
        )
    hidden, output = w_ih.shape[0] // gates, w_hh.shape[1]
    wanted = (
        (first.shape[0], w_ih.shape[1]),
        (steps[0], output),
        (steps[0], hidden) if kind == "LSTM" else None,
        w_ih.shape,
        (gates * hidden, output),
        None if b_ih is None else (gates * hidden,),
        None if b_ih is None else (gates * hidden,),
        None if w_hr is None and output == hidden else (output, hidden) if kind == "LSTM" else None,
    )
    for name, x, shape in zip(names, tensors, wanted, strict=True):
        given = None if x is None else x.shape
        if given != shape:
            raise ArgumentError(f"{kind}: {name} has shape {given}, expected {shape}")
    if kind != "LSTM" and output != hidden:
        raise ArgumentError(f"{kind}: w_hh has shape {w_hh.shape}, expected {(gates * hidden, hidden)}")


def _pointers(what: str, kind: engine.dtype, tensors: Sequence[Any]) -> Any:
    """recurrent_weights or recurrent_gradients: w_ih, w_hh, b_ih, b_hh, w_hr."""
    return ffi.new(f"recurrent_{what}_{kind.suffix} *", [pointer_or_null(x) for x in tensors])


def _gradients(
    kind: str, shape: Any, inputs: Sequence[Any], kept: Sequence[Any], grads: Sequence[Any]
) -> tuple[Any, ...]:
    """The gradient of each input, by the engine. Those of the states are always made, the others when wanted."""
    dense: list[Any] = [None if v is None else engine.contiguous(v) for v in inputs]
    x, h0, c0, *weights = dense
    out, gate_values, cells, hidden = kept
    number_type = x.dtype
    grad_out = None if grads[0] is None else engine.contiguous(grads[0])
    grad_h = _start(h0, grads[1])
    grad_c = None if c0 is None else _start(c0, grads[2])
    grad_x, *grad_weights = (
        engine.empty(v.shape, number_type) if v is not None and v.requires_grad else None
        for v in (inputs[0], *inputs[3:])
    )
    grad_gates = engine.empty(gate_values.shape, number_type)
    grad_hidden = None
    if hidden is not None:
        grad_hidden = engine.empty(out.shape if kind == "LSTM" else hidden.shape, number_type)
    previous = engine.empty(out.shape, number_type)
    _backward[number_type](
        shape[0], _pointers("weights", number_type, weights), x.pointer, h0.pointer, pointer_or_null(c0), out.pointer,
        gate_values.pointer, pointer_or_null(cells), pointer_or_null(hidden), pointer_or_null(grad_out), grad_h.pointer,
        pointer_or_null(grad_c), grad_gates.pointer, pointer_or_null(grad_hidden), previous.pointer,
        pointer_or_null(grad_x), _pointers("gradients", number_type, grad_weights),
    )  # fmt: skip
    return grad_x, grad_h, grad_c, *grad_weights


def _start(state: Tensor, grad: Any) -> Tensor:
    """The gradient of a last state, in memory of its own; zeros when there is none."""
    if grad is None:
        return engine.zeros(state.shape, state.dtype)
    start = engine.empty(state.shape, state.dtype)
    engine.copy_into(start, grad)
    return start


def _composed(kind: str, batch_sizes: Sequence[int], reverse: bool, *inputs: Any) -> tuple[Any, ...]:
    """The same with plain operations, step by step."""
    x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr = inputs
    from_input = linear(x, w_ih, b_ih)
    starts = [0]
    for size in batch_sizes:
        starts.append(starts[-1] + size)
    steps = range(len(batch_sizes))
    outs: list[Any] = [None] * len(batch_sizes)
    done: list[Any] = []  # last states (and cells) of sequences that ended, shortest first
    state = [s for s in (h0, c0) if s is not None]
    state = [narrow(s, 0, 0, batch_sizes[-1 if reverse else 0]) for s in state]
    for t in reversed(steps) if reverse else steps:
        size, before = batch_sizes[t], state[0].shape[0]
        if size > before:  # sequences that begin here, on the way back
            state = [
                cat([s, narrow(first, 0, before, size - before)]) for s, first in zip(state, (h0, c0), strict=False)
            ]
        elif size < before:
            done.append([narrow(s, 0, size, before - size) for s in state])
            state = [narrow(s, 0, 0, size) for s in state]
        state = _step(kind, narrow(from_input, 0, starts[t], size), state, w_hh, b_hh, w_hr)
        outs[t] = state[0]
    done.append(state)
    return cat(outs), *(cat(list(parts)) for parts in zip(*reversed(done), strict=True))


def _step(kind: str, from_input: Tensor, state: list[Any], w_hh: Tensor, b_hh: Any, w_hr: Any) -> list[Any]:
    h = state[0]
    from_state = linear(h, w_hh, b_hh)
    if kind == "GRU":
        (r, z, n), (hr, hz, hn) = chunk(from_input, 3, 1), chunk(from_state, 3, 1)
        r, z = sigmoid(add(r, hr)), sigmoid(add(z, hz))
        n = tanh(add(n, mul(r, hn)))
        return [add(n, mul(z, sub(h, n)))]
    total = add(from_input, from_state)
    if kind != "LSTM":
        return [tanh(total) if kind == "RNN_TANH" else relu(total)]
    i, f, g, o = chunk(total, 4, 1)
    c = add(mul(sigmoid(f), state[1]), mul(sigmoid(i), tanh(g)))
    h = mul(sigmoid(o), tanh(c))
    return [h if w_hr is None else linear(h, w_hr), c]
