"""Padding against np.pad, its gradients by finite differences."""

import math

import numpy as np
import pytest

import lucid
from lucid.autograd import gradcheck, gradgradcheck
from lucid.nn import functional as F

rng = np.random.default_rng(22)
MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}

# shape, pad
CASES = [
    ((2, 3, 5), (2, 3)),
    ((3, 5), (4, 0)),
    ((3, 40), (33, 20)),
    ((2, 3, 4, 5), (1, 2, 3, 0)),
    ((4, 4, 5), (0, 2, 1, 1)),
    ((2, 3, 3, 4, 5), (1, 2, 2, 1, 0, 2)),
    ((0, 3, 4), (1, 1)),
]


def numpy_pad(x, pad, mode):
    pairs = list(zip(pad[::2], pad[1::2], strict=True))[::-1]
    return np.pad(x, [(0, 0)] * (x.ndim - len(pairs)) + pairs, MODES[mode])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("shape", "pad"), CASES)
def test_values(shape, pad, mode, simd_level, both_thread_counts):
    for dtype in (np.float32, np.float64, np.int64, np.uint8):
        plain = rng.integers(0, 100, shape).astype(dtype)
        order = tuple(range(plain.ndim))[::-1]
        for x in (plain, plain.transpose(order).copy().transpose(order), np.repeat(plain, 2, -1)[..., ::2]):
            got = both_thread_counts(lambda x=x: F.pad(lucid.from_numpy(x), pad, mode).numpy())
            assert got.dtype == dtype
            np.testing.assert_array_equal(got, numpy_pad(plain, pad, mode))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("shape", "pad"), [*CASES[:2], *CASES[3:], ((2, 3, 4), (-1, 2)), ((2, 3, 4), (-1, -2))])
def test_derivatives(shape, pad, mode):
    x = lucid.tensor(rng.standard_normal(shape), requires_grad=True)
    f = lambda x: F.pad(x * x, pad, mode)  # noqa: E731
    assert gradcheck(f, (x,)) and gradgradcheck(f, (x,))
    y = lucid.tensor(rng.standard_normal((3, 2, 5)), requires_grad=True)
    assert gradcheck(lambda y: F.pad(y.transpose(0, 1)[:, ::2], (1, 1), mode), (y,))


def test_negative_pads_take_away():
    x = lucid.tensor([[1.0, 2.0, 3.0, 4.0, 5.0]])
    assert F.pad(x, (-1, 2), value=9.0).tolist() == [[2, 3, 4, 5, 9, 9]]
    assert F.pad(x, (-1, 2), "replicate").tolist() == [[2, 3, 4, 5, 5, 5]]
    assert F.pad(x, (-1, 2), "reflect").tolist() == [[2, 3, 4, 5, 4, 3]]
    assert F.pad(x, (-1, 2), "circular").tolist() == [[2, 3, 4, 5, 2, 3]]  # as PyTorch: what is left goes on
    assert F.pad(x, (-2, -3)).shape == (1, 0)
    assert lucid.constant_pad_nd(x, (-4, 1, 1, 0), math.inf).tolist() == [[math.inf] * 2, [5, math.inf]]


def test_padding_by_nothing_is_a_copy():
    x = lucid.ones(1, 2)
    for mode in MODES:
        y = F.pad(x, (0, 0), mode)
        y[0, 0] = 5.0
        assert x.tolist() == [[1, 1]]


def test_errors():
    x = lucid.ones(2, 3, 4)
    for call, kind, message in [
        (lambda: F.pad(x, (1,)), ValueError, r"\(1,\).*\(2, 3, 4\)"),
        (lambda: F.pad(x, (1,) * 8), ValueError, r"\(2, 3, 4\)"),
        (lambda: F.pad(x, (-2, -3)), ValueError, "takes away more"),
        (lambda: F.pad(x, (-5, 5)), ValueError, "takes away more"),
        (lambda: F.pad(x, (4, 0), "reflect"), ValueError, r"reflect.*dimension 2.*\(2, 3, 4\).*4 and 0"),
        (lambda: F.pad(x, (0, 5), "circular"), ValueError, "circular.*0 and 5"),
        (lambda: F.pad(x[:, :, :0], (1, 1), "replicate"), ValueError, r"replicate.*\(2, 3, 0\)"),
        (lambda: F.pad(x, (1, 1), "mirror"), ValueError, "mode.*'mirror'"),
        (lambda: F.pad(x, (1, 1), "reflect", 2.0), ValueError, "reflect.*value.*2.0"),
        (lambda: F.pad(x, (1,) * 6, "reflect"), ValueError, r"\(2, 3, 4\)"),
        (lambda: F.pad(x.to(lucid.uint8), (1, 1), value=-1000), ValueError, "constant_pad_nd"),
        (lambda: F.pad(1.0, (1, 1)), TypeError, "float"),
    ]:
        with pytest.raises(kind, match=message):
            call()
