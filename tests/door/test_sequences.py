"""Recurrent layers, attention and packed sequences whose sizes, options and attributes do not agree."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np

import lucid
from lucid.nn import functional as F
from lucid.nn.utils import rnn
from lucid.ops.recurrent import recurrent
from tests.door.drawing import FLOATS, KINDS, attempt, back, door, draw, odd, tensor
from tests.door.test_windows import near


@door(80)
def test_recurrent(data):
    kind = draw(data, "LSTM", "GRU", "RNN_TANH", "RNN_RELU")
    gates = {"LSTM": 4, "GRU": 3}.get(kind, 1)
    number = draw(data, *FLOATS)
    width, hidden = data.draw(st.integers(0, 3)), data.draw(st.integers(0, 3))
    projects = kind == "LSTM" and draw(data, False, True)
    output = data.draw(st.integers(1, 3)) if projects else hidden
    sizes = sorted(data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=4)), reverse=True)

    def made(*shape):
        return tensor(
            data, tuple(near(data, n) for n in shape), number if data.draw(st.integers(0, 39)) else draw(data, *KINDS)
        )

    args = [made(sum(sizes), width), sizes, made(sizes[0], output), made(sizes[0], hidden) if kind == "LSTM" else None]
    args += [made(gates * hidden, width), made(gates * hidden, output)]
    args += [made(gates * hidden), made(gates * hidden)] if draw(data, True, False) else [None, None]
    args += [made(output, hidden) if projects else None]
    if data.draw(st.integers(0, 7)) == 0:
        args[1] = draw(
            data, [], [0], [1, 2], [-1, 5], [2**63], [2**62, 2**62], [1.0], [True], "ab", np.array(sizes), sizes + [1]
        )
    reverse = draw(data, False, True)
    result = attempt(None, lambda: recurrent(kind, *args, reverse), args)
    back(data, result, args)


class Lying(list):
    """Says another thing each time it is asked."""

    def __iter__(self):
        self.append(1000)
        return iter([1000] if len(self) > 2 else [2, 1])

    def __len__(self):
        return 2


def test_batch_sizes_that_change_while_they_are_read():
    x, h, w, v = lucid.ones(3, 2), lucid.ones(2, 2), lucid.ones(2, 2), lucid.ones(2, 2)
    out, _ = recurrent("RNN_TANH", x, Lying(), h, None, w, v)
    assert out.shape == (3, 2)


LAYERS = {"LSTM": lucid.nn.LSTM, "GRU": lucid.nn.GRU, "RNN": lucid.nn.RNN}
SETTINGS = [
    "hidden_size",
    "input_size",
    "num_layers",
    "proj_size",
    "bidirectional",
    "mode",
    "batch_first",
    "dropout",
    "bias",
]


@door(48)
def test_layers_edited_by_hand(data):
    """Attributes of a layer set to anything, and weights whose memory was replaced."""
    layer = LAYERS[draw(data, *LAYERS)](2, 3, draw(data, 1, 2), bidirectional=draw(data, False, True))
    x = tensor(data, tuple(data.draw(st.lists(st.integers(0, 3), min_size=2, max_size=3))), lucid.float32)
    if data.draw(st.booleans()):
        x = tensor(data, (2, 2, 2), lucid.float32)
    name = draw(data, *SETTINGS)
    setattr(layer, name, draw(data, 1, 2, 4, "LSTM", "GRU", "RNN_TANH", odd(data)))
    if data.draw(st.booleans()):
        weight = draw(data, *layer.parameters())
        weight.data = tensor(data, tuple(data.draw(st.lists(st.integers(0, 4), max_size=2))), lucid.float32).detach()
    result = attempt(None, lambda: layer(x), x)
    back(data, result, x)


@door(48)
def test_packed_sequences_edited_by_hand(data):
    lengths = sorted(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)), reverse=True)
    padded = tensor(data, (max(lengths), len(lengths), 2), lucid.float32)
    packed = rnn.pack_padded_sequence(padded, lengths)
    change = draw(data, "batch_sizes", "data", "sorted_indices", "unsorted_indices")
    numbers = data.draw(st.lists(draw(data, st.integers(-2, 6), st.sampled_from([2**31, 2**62, -(2**63)])), max_size=5))
    if change == "data":
        value = tensor(data, tuple(data.draw(st.lists(st.integers(0, 6), max_size=3))), draw(data, *KINDS))
    else:
        value = draw(
            data, lucid.tensor(numbers, dtype=lucid.int64), lucid.tensor(numbers, dtype=lucid.float32), None, numbers, 3
        )
    packed = packed._replace(**{change: value})
    layer = LAYERS[draw(data, *LAYERS)](2, 3, bidirectional=draw(data, False, True))
    back(data, attempt(None, lambda: layer(packed), padded), padded)
    back(
        data,
        attempt(
            None,
            lambda: rnn.pad_packed_sequence(packed, total_length=draw(data, None, 1, 5, odd(data, True))),
            memory=True,
        ),
    )
    attempt(None, lambda: rnn.unpack_sequence(packed), memory=True)


@door(40)
def test_packing(data):
    x = tensor(data, tuple(data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))), draw(data, *KINDS))
    lengths = data.draw(st.lists(st.integers(-1, 4), max_size=4))
    given = draw(data, lengths, lucid.tensor(lengths, dtype=lucid.int64), odd(data))
    options = {"batch_first": draw(data, False, True), "enforce_sorted": draw(data, True, False)}
    result = attempt(None, lambda: rnn.pack_padded_sequence(x, given, **options), x)
    if not isinstance(result, Exception):
        back(data, attempt(None, lambda: rnn.pad_packed_sequence(result)), x)


@door(80)
def test_attention(data):
    kind, gqa = draw(data, *FLOATS), draw(data, False, True)
    lead = data.draw(st.lists(st.integers(0, 3), min_size=1 if gqa else 0, max_size=3))
    heads = draw(data, 1, 2, 4) if gqa else None
    queries, keys, width, value_width = (data.draw(st.integers(0, 4)) for _ in range(4))

    def made(rows, columns, own=False):
        shape = [*lead[:-1], heads if own else draw(data, 1, 2, heads)] if gqa else lead
        shape = [n if data.draw(st.integers(0, 15)) else 1 for n in shape]
        return tensor(
            data,
            (*shape, near(data, rows), near(data, columns)),
            kind if data.draw(st.integers(0, 30)) else draw(data, *KINDS),
        )

    q, k, v = made(queries, width, True), made(keys, width), made(keys, value_width)
    mask = None
    if draw(data, False, True):
        shape = (*(lead[:-1] + [heads] if gqa else lead), near(data, queries), near(data, keys))
        mask = tensor(data, tuple(draw(data, n, n, 1) for n in shape), draw(data, lucid.bool, kind, *KINDS))
    options = {
        "dropout_p": draw(data, 0.0, 0.0, 0.5, 1.0, -0.1, odd(data)), "is_causal": draw(data, False, True),
        "scale": draw(data, None, 0.5, 0.0, float("nan"), odd(data)), "enable_gqa": gqa,
    }  # fmt: skip
    back(
        data,
        attempt(None, lambda: F.scaled_dot_product_attention(q, k, v, mask, **options), q, k, v, mask),
        q,
        k,
        v,
        mask,
    )


@door(32)
def test_attention_layers_edited_by_hand(data):
    layer = lucid.nn.MultiheadAttention(4, 2, batch_first=draw(data, False, True))
    x = tensor(data, (3, 2, 4), lucid.float32)
    setattr(
        layer,
        draw(data, "num_heads", "embed_dim", "head_dim", "dropout", "kdim", "vdim", "batch_first"),
        draw(data, 1, 3, 4, 8, odd(data)),
    )
    if data.draw(st.booleans()):
        weight = draw(data, *layer.parameters())
        weight.data = tensor(data, tuple(data.draw(st.lists(st.integers(0, 12), max_size=2))), lucid.float32).detach()
    mask = tensor(data, tuple(data.draw(st.lists(st.integers(1, 4), max_size=3))), draw(data, *KINDS)).detach()
    options = {
        draw(data, "attn_mask", "key_padding_mask"): draw(data, None, mask),
        "need_weights": draw(data, True, False),
    }
    back(data, attempt(None, lambda: layer(x, x, x, **options), x, mask), x)
