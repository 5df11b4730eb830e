"""The cases in which recurrent and transformer layers are compared with recorded values of PyTorch.

A case is (class name, arguments of the class, arguments of the call by name). Shapes of the call's arguments stand for
numbers that :func:`numbers` makes, as it makes the parameters, so that nothing but results has to be recorded.
"""

import numpy as np

MASK = np.tri(5, dtype=bool) == 0
PADDING = np.array([[False] * 5, [False, False, False, True, True]])

CASES = {
    "rnn": ("RNN", (3, 4, 2), {"input": (5, 2, 3)}),
    "rnn_relu": ("RNN", (3, 4, 1, "relu", False, True), {"input": (2, 5, 3), "hx": (1, 2, 4)}),
    "gru": ("GRU", (3, 4, 2, True, True, 0.0, True), {"input": (2, 5, 3), "hx": (4, 2, 4)}),
    "lstm": ("LSTM", (3, 4, 2, True, False, 0.0, True), {"input": (5, 2, 3), "hx": ((4, 2, 4), (4, 2, 4))}),
    "lstm_projected": ("LSTM", (3, 4, 2, False, False, 0.0, True, 2), {"input": (5, 3), "hx": ((4, 2), (4, 4))}),
    "rnn_cell": ("RNNCell", (3, 4, True, "relu"), {"input": (2, 3), "hx": (2, 4)}),
    "lstm_cell": ("LSTMCell", (3, 4), {"input": (2, 3)}),
    "gru_cell": ("GRUCell", (3, 4, False), {"input": (3,), "hx": (4,)}),
    "attention": ("MultiheadAttention", (4, 2), {"query": (5, 2, 4), "key": (3, 2, 4), "value": (3, 2, 4)}),
    "attention_masked": (
        "MultiheadAttention",
        (4, 2, 0.0, True, True, True, 3, 6, True),
        {
            "query": (2, 5, 4), "key": (2, 5, 3), "value": (2, 5, 6), "key_padding_mask": PADDING,
            "need_weights": True, "attn_mask": MASK, "average_attn_weights": False,
        },
    ),
    "attention_fused": (
        "MultiheadAttention",
        (4, 2, 0.0, False),
        {
            "query": (5, 2, 4), "key": (5, 2, 4), "value": (5, 2, 4), "key_padding_mask": PADDING,
            "need_weights": False, "attn_mask": MASK,
        },
    ),
    "encoder_layer": (
        "TransformerEncoderLayer",
        (4, 2, 6, 0.0, "gelu"),
        {"src": (5, 2, 4), "src_mask": MASK, "src_key_padding_mask": PADDING},
    ),
    "decoder_layer": (
        "TransformerDecoderLayer",
        (4, 2, 6, 0.0, "relu", 1e-3, True, True, False),
        {"tgt": (2, 5, 4), "memory": (2, 5, 4), "tgt_mask": MASK, "memory_key_padding_mask": PADDING},
    ),
    "transformer": ("Transformer", (4, 2, 2, 2, 6, 0.0), {"src": (3, 2, 4), "tgt": (5, 2, 4), "tgt_mask": MASK}),
}  # fmt: skip


def numbers(name, shape):
    """Numbers that depend on the name and the shape alone."""
    return np.random.default_rng(sum(map(ord, name))).standard_normal(shape) * 0.5


def call_arguments(arguments, tensor):
    """Shapes become tensors by ``tensor(array)``; so do masks. Other values stay."""

    def made(name, value):
        if isinstance(value, np.ndarray):
            return tensor(value)
        if isinstance(value, tuple) and isinstance(value[0], tuple):
            return tuple(made(f"{name}{i}", shape) for i, shape in enumerate(value))
        return tensor(numbers(name, value)) if isinstance(value, tuple) else value

    return {name: made(name, value) for name, value in arguments.items()}


def flat(results):
    """All tensors in nested tuples."""
    if isinstance(results, (tuple, list)):
        return [x for one in results for x in flat(one)]
    return [] if results is None else [results]


def loss_of(results, tensor):
    """A number that all results take part in: each times numbers of its own."""
    total = 0.0
    for i, x in enumerate(flat(results)):
        total = total + (x * tensor(numbers(f"loss{i}", tuple(x.shape)))).sum()
    return total
