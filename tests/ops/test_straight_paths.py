"""The engine calls behind joins, rolls, repetitions, triangles, and the backward of prod, amax and amin."""

import numpy as np
import pytest

import lucid
from lucid import engine

LAYOUTS = {
    "contiguous": lambda x: x,
    "transposed": lambda x: x.transpose(0, -1).contiguous().transpose(0, -1),
    "every other": lambda x: lucid.stack([x, x], -1).flatten(-2)[..., ::2],
}


def made(shape, layout="contiguous", dtype=np.float32):
    """A tensor of random numbers in that layout, and the numbers."""
    values = (np.random.randn(*shape) * 10).astype(dtype)
    x = LAYOUTS[layout](lucid.tensor(values))
    assert x.tolist() == values.tolist()
    return x, values


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8, np.bool_])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_moved_numbers(layout, dtype):
    x, values = made((3, 4, 5), layout, dtype)
    y, more = made((3, 4, 5), dtype=dtype)
    for dim in range(3):
        assert np.array_equal(lucid.cat([x, y, x], dim).numpy(), np.concatenate([values, more, values], dim))
        for shift in (-7, 0, 1, 5):
            assert np.array_equal(x.roll(shift, dim).numpy(), np.roll(values, shift, dim))
    for dim in range(4):
        assert np.array_equal(lucid.stack([x, y], dim).numpy(), np.stack([values, more], dim))
    assert np.array_equal(x.repeat(2, 1, 3, 2).numpy(), np.tile(values, (2, 1, 3, 2)))
    for diagonal in (-9, -2, 0, 1, 4, 2**40):
        assert np.array_equal(x.tril(diagonal).numpy(), np.tril(values, diagonal))
        assert np.array_equal(x.triu(diagonal).numpy(), np.triu(values, diagonal))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 0, 4)])
def test_without_numbers(shape):
    x = lucid.zeros(*shape, requires_grad=True)
    results = [x.tril(), x.roll(1, 0), x.repeat(*(2,) * len(shape)), lucid.cat([x, x]), lucid.stack([x, x], 1)]
    for result in results:
        result.sum().backward()
    assert x.grad.shape == shape
    assert results[2].shape == tuple(2 * n for n in shape)


def test_what_does_not_fit_is_refused():
    x = lucid.zeros(2, 3)
    for parts in ([x], [x, x, x], [x, lucid.zeros(2, 3, dtype=lucid.float64)]):
        with pytest.raises(ValueError, match="joined"):
            engine.joined(parts, (4, 3), 0)
    for cut in (-1, 3):
        with pytest.raises(ValueError, match="rolled"):
            engine.rolled(x, cut, 0)


def test_large_ones_by_any_thread_count(both_thread_counts):
    x = lucid.randn(700, 900)
    both_thread_counts(lambda: lucid.cat([x, x], 1).numpy())
    both_thread_counts(lambda: x.tril(3).numpy())
    both_thread_counts(lambda: x.roll(333, 1).numpy())


@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("name", ["prod", "amax", "amin"])
def test_backward(simd_level, both_thread_counts, name, dim):
    values = np.random.randint(-2, 3, (4, 37, 300)).astype(np.float64)  # many zeros, many equal extremes
    values[1, :, 2] = 1.5
    x = lucid.tensor(values, dtype=lucid.float64, requires_grad=True)
    out = getattr(x, name)(dim)
    grad = np.random.randn(*out.shape)

    def gradient():
        return lucid.autograd.grad(out, x, lucid.tensor(grad, dtype=lucid.float64), retain_graph=True)[0].numpy()

    spread = np.expand_dims(grad, dim)
    if name == "prod":
        n = values.shape[dim]
        rows = [np.delete(values, i, dim).prod(dim) for i in range(n)]
        wanted = spread * np.stack(rows, dim)
    else:
        chosen = values == np.expand_dims(getattr(values, name[1:])(dim), dim)
        wanted = spread * chosen / chosen.sum(dim, keepdims=True)
    np.testing.assert_allclose(both_thread_counts(gradient), wanted, rtol=1e-12, atol=1e-12)


def test_an_index_changed_before_backward_is_noticed():
    x = lucid.randn(3, 2, requires_grad=True)
    index = lucid.tensor([0, 2])
    out = x[index].sum()
    index[0] = 1
    with pytest.raises(RuntimeError, match="changed in place"):
        out.backward()
    added = lucid.index_add(x, 0, index, lucid.ones(2, 2, requires_grad=True)).sum()
    index[0] = 0  # a copy was kept
    added.backward()


def test_a_broadcast_operand_gets_the_sum():
    for a_shape, b_shape in [((4, 8), (8,)), ((4, 1), (3, 1, 8)), ((), (2, 3)), ((2, 3), (1,)), ((0, 3), (3,))]:
        a = lucid.randn(*a_shape, dtype=lucid.float64).abs().add(0.5).requires_grad_()
        b = lucid.randn(*b_shape, dtype=lucid.float64).abs().add(0.5).requires_grad_()
        for operation in (lucid.add, lucid.sub, lucid.mul, lucid.div, lucid.atan2, lucid.pow):
            assert operation(a, b).tolist() == operation(*lucid.broadcast_tensors(a, b)).tolist()
            assert lucid.autograd.gradcheck(operation, (a, b))
            assert lucid.autograd.gradgradcheck(operation, (a, b))
