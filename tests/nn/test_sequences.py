"""Recurrent and transformer layers: values of PyTorch, options, errors."""

from pathlib import Path

import numpy as np
import pytest

import lucid
from lucid import nn
from tests.nn.sequence_layers import CASES, call_arguments, flat, loss_of, numbers

RECORDED = np.load(Path(__file__).parent / "torch_sequences.npz")


@pytest.mark.parametrize("case", CASES)
def test_as_pytorch(case):
    """State-dict names, results and gradients of every parameter."""
    name, options, arguments = CASES[case]
    layer = getattr(nn, name)(*options).double()
    assert list(layer.state_dict()) == RECORDED[f"{case}/names"].tolist()
    assert layer.extra_repr() == str(RECORDED[f"{case}/repr"])
    layer.load_state_dict({key: numbers(key, p.shape) for key, p in layer.named_parameters()})
    results = layer(**call_arguments(arguments, lucid.tensor))
    for i, x in enumerate(flat(results)):
        want = RECORDED[f"{case}/result{i}"]
        assert x.shape == want.shape
        np.testing.assert_allclose(x.detach().numpy(), want, rtol=1e-10, atol=1e-12)
    loss_of(results, lucid.tensor).backward()
    for key, parameter in layer.named_parameters():
        np.testing.assert_allclose(
            parameter.grad.numpy(), RECORDED[f"{case}/grad/{key}"], rtol=1e-8, atol=1e-11, err_msg=key
        )


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("options", [{}, {"batch_first": True}, {"num_layers": 2, "bidirectional": True}], ids=str)
def test_packed_input_is_each_sequence_on_its_own(name, options):
    layer = getattr(nn, name)(3, 4, **options).double()
    sequences = [lucid.randn(length, 3, dtype=lucid.float64) for length in (2, 5, 1, 5)]
    packed = nn.utils.rnn.pack_sequence(sequences, enforce_sorted=False)
    out, last = layer(packed)
    assert isinstance(out, nn.utils.rnn.PackedSequence)
    last = last[0] if name == "LSTM" else last
    for i, (x, got) in enumerate(zip(sequences, nn.utils.rnn.unpack_sequence(out), strict=True)):
        alone, alone_last = layer(x)
        alone_last = alone_last[0] if name == "LSTM" else alone_last
        np.testing.assert_allclose(got.detach().numpy(), alone.detach().numpy(), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(last[:, i].detach().numpy(), alone_last.detach().numpy(), rtol=1e-12, atol=1e-14)


def test_packed_states_keep_the_order_of_the_sequences():
    layer = nn.GRU(3, 4).double()
    sequences = [lucid.randn(length, 3, dtype=lucid.float64) for length in (1, 3)]
    hx = lucid.randn(1, 2, 4, dtype=lucid.float64)
    _, last = layer(nn.utils.rnn.pack_sequence(sequences, enforce_sorted=False), hx)
    for i, x in enumerate(sequences):
        np.testing.assert_allclose(last[:, i].detach().numpy(), layer(x, hx[:, i])[1].detach().numpy(), rtol=1e-12)


def test_gradients_reach_padded_input_through_packing():
    x = lucid.randn(2, 4, 3).requires_grad_()
    packed = nn.utils.rnn.pack_padded_sequence(x, [4, 2], batch_first=True)
    out, lengths = nn.utils.rnn.pad_packed_sequence(nn.LSTM(3, 5)(packed)[0], batch_first=True, total_length=6)
    assert out.shape == (2, 6, 5) and lengths.tolist() == [4, 2]
    assert (out.detach().numpy()[1, 2:] == 0).all()
    out.sum().backward()
    assert (x.grad.numpy()[1, 2:] == 0).all() and (x.grad.numpy()[1, :2] != 0).all()


def test_padding_and_back():
    rnn = nn.utils.rnn
    sequences = [lucid.arange(n) + 1 for n in (1, 3, 2)]
    padded = rnn.pad_sequence(sequences, batch_first=True, padding_value=-1)
    assert padded.tolist() == [[1, -1, -1], [1, 2, 3], [1, 2, -1]] and padded.dtype is lucid.int64
    assert rnn.pad_sequence(sequences, padding_value=-1).tolist() == padded.t().tolist()
    assert rnn.pad_sequence(sequences, True, 0, "left").tolist() == [[0, 0, 1], [1, 2, 3], [0, 1, 2]]
    assert [x.tolist() for x in rnn.unpad_sequence(padded, [1, 3, 2], True)] == [x.tolist() for x in sequences]
    packed = rnn.pack_padded_sequence(padded, lucid.tensor([1, 3, 2]), True, enforce_sorted=False)
    assert packed.data.tolist() == [1, 1, 1, 2, 2, 3] and packed.batch_sizes.tolist() == [3, 2, 1]
    assert packed.sorted_indices.tolist() == [1, 2, 0] and packed.unsorted_indices.tolist() == [2, 0, 1]
    again, lengths = rnn.pad_packed_sequence(packed, True, padding_value=-1)
    assert again.tolist() == padded.tolist() and lengths.tolist() == [1, 3, 2]


def test_packing_errors():
    rnn, x = nn.utils.rnn, lucid.ones(3, 2, 4)
    with pytest.raises(RuntimeError, match="enforce_sorted=False"):
        rnn.pack_padded_sequence(x, [1, 3])
    with pytest.raises(RuntimeError, match="lengths must be from 1 to 3"):
        rnn.pack_padded_sequence(x, [3, 0])
    with pytest.raises(RuntimeError, match="3 lengths for 2 sequences"):
        rnn.pack_padded_sequence(x, [3, 2, 1])
    with pytest.raises(ValueError, match="total_length"):
        rnn.pad_packed_sequence(rnn.pack_padded_sequence(x, [3, 2]), total_length=2)
    with pytest.raises(ValueError, match="padding_side"):
        rnn.pad_sequence([x], padding_side="top")
    with pytest.raises(RuntimeError, match="empty list"):
        rnn.pad_sequence([])


def test_dropout_is_between_layers_and_in_training_only():
    layer = nn.LSTM(3, 64, num_layers=2, dropout=0.5)
    x = lucid.randn(4, 2, 3)
    assert (layer(x)[0].detach().numpy() != layer(x)[0].detach().numpy()).any()
    assert (layer(x)[0].detach().numpy() != 0).all()  # the last layer's states are not dropped
    layer.eval()
    assert (layer(x)[0].detach().numpy() == layer(x)[0].detach().numpy()).all()
    with pytest.warns(UserWarning, match="between layers"):
        nn.GRU(3, 4, dropout=0.5)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_initial_distribution(name):
    for key, p in getattr(nn, name)(50, 100).named_parameters():
        values = p.detach().numpy()
        assert -0.1 <= values.min() < -0.09 and 0.09 < values.max() <= 0.1, key


def test_empty_batch():
    out, (h, c) = nn.LSTM(3, 4, 2, bidirectional=True)(lucid.ones(5, 0, 3))
    assert out.shape == (5, 0, 8) and h.shape == c.shape == (4, 0, 4)


def test_recurrent_errors():
    lstm = nn.LSTM(3, 4)
    with pytest.raises(ValueError, match=r"LSTM: expected input to be 2-D \(without batch\) or 3-D"):
        lstm(lucid.ones(1, 2, 3, 3))
    with pytest.raises(RuntimeError, match="must be equal to input_size=3"):
        lstm(lucid.ones(1, 2, 4))
    with pytest.raises(RuntimeError, match=r"hx must be \(1, 2, 4\), got shape \(2, 4\)"):
        lstm(lucid.ones(5, 2, 3), (lucid.ones(2, 4), lucid.ones(2, 4)))
    with pytest.raises(RuntimeError, match="at least one step"):
        lstm(lucid.ones(0, 2, 3))
    with pytest.raises(ValueError, match="proj_size must be from 0 to below hidden_size=4"):
        nn.LSTM(3, 4, proj_size=4)
    with pytest.raises(ValueError, match="nonlinearity"):
        nn.RNN(3, 4, nonlinearity="sin")
    with pytest.raises(ValueError, match="hidden_size must be greater than zero"):
        nn.GRU(3, 0)
    with pytest.raises(RuntimeError, match=r"GRUCell: input of shape \(2, 3\) needs states \(2, 4\)"):
        nn.GRUCell(3, 4)(lucid.ones(2, 3), lucid.ones(1, 4))


def test_causal_hint_gives_what_the_mask_gives():
    layer = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, 0.0), 2)
    mask = nn.Transformer.generate_square_subsequent_mask(6)
    x = lucid.randn(6, 3, 8)
    seen = [layer(x, mask).detach().numpy(), layer(x, mask, is_causal=True).detach().numpy()]
    seen.append(layer(x, mask < 0).detach().numpy())  # as bool: not looked at
    np.testing.assert_allclose(seen[0], seen[1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(seen[0], seen[2], rtol=1e-5, atol=1e-6)
    changed = x.clone()
    changed[5] += 1.0
    np.testing.assert_array_equal(layer(changed, mask).detach().numpy()[:5], seen[0][:5])


def test_transformer_dropout():
    model = nn.Transformer(8, 2, 1, 1, 16, dropout=0.5)
    src, tgt = lucid.randn(4, 2, 8), lucid.randn(3, 2, 8)
    assert (model(src, tgt).detach().numpy() != model(src, tgt).detach().numpy()).any()
    model.eval()
    np.testing.assert_array_equal(model(src, tgt).detach().numpy(), model(src, tgt).detach().numpy())


def test_attention_errors():
    layer, x = nn.MultiheadAttention(4, 2), lucid.ones(5, 2, 4)
    with pytest.raises(ValueError, match="embed_dim=4 must be divisible by num_heads=3"):
        nn.MultiheadAttention(4, 3)
    with pytest.raises(RuntimeError, match="is_causal says what attn_mask is"):
        layer(x, x, x, is_causal=True)
    with pytest.raises(RuntimeError, match=r"attn_mask has shape \(4, 5\)"):
        layer(x, x, x, attn_mask=lucid.zeros(4, 5))
    with pytest.raises(RuntimeError, match=r"key_padding_mask has shape \(5, 2\), expected \(2, 5\)"):
        layer(x, x, x, key_padding_mask=lucid.zeros(5, 2))
    with pytest.raises(TypeError, match="attn_mask must be bool or floating-point"):
        layer(x, x, x, attn_mask=lucid.zeros(5, 5, dtype=lucid.int64))
    with pytest.raises(RuntimeError, match="activation must be"):
        nn.TransformerEncoderLayer(4, 2, activation="sin")
    with pytest.raises(RuntimeError, match="batch number"):
        nn.Transformer(4, 2, 1, 1)(lucid.ones(3, 2, 4), lucid.ones(3, 1, 4))
