"""Recurrent layers, attention, transformer layers and packed sequences."""


def _filled(module, x):
    """The module in evaluation mode, with parameters that both frameworks share."""
    for parameter in module.parameters():
        parameter.data = x(*parameter.shape).detach() * 0.3
    return module.eval()


def _flat(result):
    if isinstance(result, (tuple, list)) and not hasattr(result, "data"):
        return tuple(y for one in result for y in _flat(one))
    return () if result is None else (result,)


def _layer(name, options, shape, states=(), **more):
    def case(T, x):  # noqa: N803
        layer = _filled(getattr(T.nn, name)(*options, **more), x)
        hx = tuple(x(*s) for s in states)
        given = () if not hx else (hx,) if len(hx) > 1 else hx
        return _flat(layer(x(*shape), *given))

    return case


def _packed(name, options, **more):
    def case(T, x):  # noqa: N803
        layer = _filled(getattr(T.nn, name)(*options, **more), x)
        rnn = T.nn.utils.rnn
        packed = rnn.pack_padded_sequence(x(3, 5, 2), [2, 5, 1], batch_first=True, enforce_sorted=False)
        out, last = layer(packed)
        return (*rnn.pad_packed_sequence(out, batch_first=True), *_flat(last))

    return case


def _attention(q, k, v, mask=None, **options):
    def case(T, x):  # noqa: N803
        seen = None if mask is None else x.bool(*mask[1:]) if mask[0] == "bool" else x(*mask[1:])
        return T.nn.functional.scaled_dot_product_attention(x(*q), x(*k), x(*v), attn_mask=seen, **options)

    return case


def _multihead(options, shapes, mask=None, **more):
    def case(T, x):  # noqa: N803
        layer = _filled(T.nn.MultiheadAttention(4, 2, **options), x)
        extra = {} if mask is None else {"attn_mask": x(*mask)}
        return _flat(layer(*(x(*s) for s in shapes), **extra, **more))

    return case


def _transformer(name, options, shapes, causal=False, **more):
    def case(T, x):  # noqa: N803
        layer = _filled(getattr(T.nn, name)(*options, **more), x)
        masks = {}
        if causal:
            key = "src_mask" if name == "TransformerEncoderLayer" else "tgt_mask"
            masks[key] = T.nn.Transformer.generate_square_subsequent_mask(shapes[-1][0])
        return layer(*(x(*s) for s in shapes), **masks)

    return case


def _pad_sequence(T, x):  # noqa: N803
    rnn = T.nn.utils.rnn
    parts = [x(2, 3), x(4, 3), x(1, 3)]
    return (
        rnn.pad_sequence(parts),
        rnn.pad_sequence(parts, batch_first=True, padding_value=2.0),
        rnn.pad_sequence(parts, True, 0.0, "left"),
        *rnn.unpad_sequence(rnn.pad_sequence(parts), x.tensor([2, 4, 1], dtype="int64")),
    )


def _pack_sequence(T, x):  # noqa: N803
    packed = T.nn.utils.rnn.pack_sequence([x(2, 3), x(4, 3), x(1, 3)], enforce_sorted=False)
    return packed.data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices


_Q, _K, _V = (2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6)

CASES = {
    "nn.RNN": [
        _layer("RNN", (3, 4), (5, 2, 3)),
        _layer("RNN", (3, 4, 2), (5, 2, 3), [(2, 2, 4)], nonlinearity="relu", bias=False),
        _packed("RNN", (2, 3), batch_first=True),
    ],
    "nn.LSTM": [
        _layer("LSTM", (3, 4), (5, 2, 3)),
        _layer("LSTM", (3, 4, 2), (2, 5, 3), [(4, 2, 4)] * 2, batch_first=True, bidirectional=True),
        _layer("LSTM", (3, 4), (5, 3), [(1, 2), (1, 4)], proj_size=2),
        _packed("LSTM", (2, 3, 2), bidirectional=True),
        _packed("LSTM", (2, 3), proj_size=2),
    ],
    "nn.GRU": [
        _layer("GRU", (3, 4), (5, 2, 3)),
        _layer("GRU", (3, 4, 2), (5, 3), [(4, 4)], bidirectional=True, bias=False),
        _packed("GRU", (2, 3, 2), bidirectional=True),
    ],
    "nn.RNNCell": [_layer("RNNCell", (3, 4), (2, 3), [(2, 4)]), _layer("RNNCell", (3, 4), (3,), nonlinearity="relu")],
    "nn.LSTMCell": [_layer("LSTMCell", (3, 4), (2, 3), [(2, 4)] * 2), _layer("LSTMCell", (3, 4), (3,), bias=False)],
    "nn.GRUCell": [_layer("GRUCell", (3, 4), (2, 3), [(2, 4)]), _layer("GRUCell", (3, 4), (3,), bias=False)],
    "nn.functional.scaled_dot_product_attention": [
        _attention(_Q, _K, _V),
        _attention(_Q, _K, _V, is_causal=True),
        _attention(_Q, _K, _V, scale=0.3),
        _attention(_Q, _K, _V, ("bool", 5, 7)),
        _attention(_Q, _K, _V, ("float", 2, 1, 5, 7)),
        _attention((2, 6, 5, 4), (2, 2, 7, 4), (2, 2, 7, 4), enable_gqa=True),
        _attention((5, 4), (7, 4), (7, 4)),
    ],
    "nn.MultiheadAttention": [
        _multihead({}, [(5, 2, 4), (3, 2, 4), (3, 2, 4)]),
        _multihead({"batch_first": True}, [(2, 5, 4), (2, 3, 4), (2, 3, 4)], (5, 3), need_weights=False),
        _multihead({"kdim": 3, "vdim": 5, "bias": False}, [(5, 4), (3, 3), (3, 5)], average_attn_weights=False),
        _multihead({"add_bias_kv": True, "add_zero_attn": True}, [(5, 2, 4), (3, 2, 4), (3, 2, 4)], (4, 5, 3)),
    ],
    "nn.TransformerEncoderLayer": [
        _transformer("TransformerEncoderLayer", (4, 2, 6), [(5, 2, 4)]),
        _transformer("TransformerEncoderLayer", (4, 2, 6), [(5, 2, 4)], True, norm_first=True, activation="gelu"),
    ],
    "nn.TransformerDecoderLayer": [
        _transformer("TransformerDecoderLayer", (4, 2, 6), [(5, 2, 4), (3, 2, 4)]),
        _transformer("TransformerDecoderLayer", (4, 2, 6), [(5, 4), (3, 4)], norm_first=True, bias=False),
    ],
    "nn.Transformer": [
        _transformer("Transformer", (4, 2, 1, 1, 6), [(3, 2, 4), (5, 2, 4)]),
        _transformer("Transformer", (4, 2, 2, 2, 6), [(3, 2, 4), (5, 2, 4)], True),
    ],
    "nn.utils.rnn.pad_sequence": [_pad_sequence],
    "nn.utils.rnn.pack_sequence": [_pack_sequence],
}
