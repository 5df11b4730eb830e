"""Convolution and its gradients against NumPy in float64."""

import numpy as np
import pytest

from lucid._engine import ffi, lib

DTYPES = [np.float32, np.float64]
# batch, in channels, height, width, out channels, kernel, stride, padding, dilation, groups
CASES = [
    (2, 1, 28, 28, 16, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    (3, 16, 14, 14, 32, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    (2, 6, 9, 11, 10, (1, 1), (1, 1), (0, 0), (1, 1), 1),
    (2, 6, 9, 11, 10, (1, 1), (1, 1), (0, 0), (1, 1), 2),
    (5, 6, 5, 4, 7, (1, 1), (2, 2), (0, 0), (1, 1), 1),
    (3, 4, 13, 10, 5, (5, 5), (1, 1), (2, 2), (1, 1), 1),
    (2, 5, 12, 15, 9, (3, 3), (2, 2), (1, 1), (1, 1), 1),
    (2, 8, 11, 17, 12, (3, 2), (2, 3), (1, 0), (1, 1), 4),
    (2, 6, 15, 18, 6, (3, 3), (1, 1), (1, 1), (1, 1), 6),
    (2, 6, 15, 18, 12, (3, 3), (2, 2), (1, 1), (1, 1), 6),
    (2, 3, 17, 16, 4, (3, 3), (1, 1), (2, 2), (2, 2), 1),
    (1, 3, 17, 19, 4, (3, 2), (2, 2), (3, 1), (2, 3), 1),
    (2, 3, 8, 8, 4, (3, 3), (1, 1), (4, 5), (1, 1), 1),
    (1, 2, 3, 3, 3, (3, 3), (1, 1), (0, 0), (1, 1), 1),
    (9, 20, 2, 2, 30, (2, 2), (1, 1), (0, 0), (1, 1), 1),
    (7, 20, 4, 5, 30, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    (1, 70, 9, 33, 40, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    (1, 2, 2, 700, 3, (2, 3), (1, 1), (0, 1), (1, 1), 1),
    (1, 48, 1, 600, 3, (1, 9), (1, 1), (0, 4), (1, 1), 1),
    (1, 1, 1, 1, 1, (1, 1), (1, 1), (0, 0), (1, 1), 1),
    (2, 2, 5, 5, 1, (21, 21), (1, 1), (10, 10), (1, 1), 1),
    (2, 3, 10, 10, 4, (2, 2), (3, 4), (0, 0), (1, 1), 1),
    (20, 3, 6, 6, 8, (3, 3), (1, 1), (0, 0), (1, 1), 1),
    (67, 40, 4, 4, 24, (4, 4), (2, 2), (1, 1), (1, 1), 1),
    (67, 12, 5, 6, 8, (3, 2), (2, 3), (1, 0), (1, 1), 2),
    (0, 3, 6, 6, 8, (3, 3), (1, 1), (0, 0), (1, 1), 1),
    (2, 0, 6, 6, 8, (3, 3), (1, 1), (0, 0), (1, 1), 1),
]  # fmt: skip
IDS = [f"{c[0]}x{c[1]}x{c[2]}x{c[3]}-{c[4]}-k{c[5]}-s{c[6]}-p{c[7]}-d{c[8]}-g{c[9]}".replace(" ", "") for c in CASES]


class Case:
    """One convolution: its sizes, random operands, and the float64 results."""

    def __init__(self, case, dtype):
        n, c, h, w, o, (kh, kw), (sh, sw), (ph, pw), (dh, dw), g = case
        oh, ow = (h + 2 * ph - dh * (kh - 1) - 1) // sh + 1, (w + 2 * pw - dw * (kw - 1) - 1) // sw + 1
        self.shape = ffi.new("conv2d_shape *", [n, c, h, w, o, kh, kw, sh, sw, ph, pw, dh, dw, g, oh, ow])
        self.dtype = dtype
        random = np.random.default_rng(0)
        self.x = random.standard_normal((n, c, h, w)).astype(dtype)
        self.weight = random.standard_normal((o, c // g, kh, kw)).astype(dtype)
        self.bias = random.standard_normal(o).astype(dtype)
        self.grad_out = random.standard_normal((n, o, oh, ow)).astype(dtype)

        padded = np.pad(self.x.astype(np.float64), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
        weight = self.weight.astype(np.float64).reshape(g, o // g, c // g, kh, kw)
        grad = self.grad_out.astype(np.float64).reshape(n, g, o // g, oh, ow)
        out, grad_padded, grad_weight = np.zeros_like(grad), np.zeros_like(padded), np.zeros_like(weight)
        for i in range(kh):
            for j in range(kw):
                at = np.s_[:, :, i * dh : i * dh + (oh - 1) * sh + 1 : sh, j * dw : j * dw + (ow - 1) * sw + 1 : sw]
                patch = padded[at].reshape(n, g, c // g, oh, ow)
                out += np.einsum("ngchw,goc->ngohw", patch, weight[..., i, j])
                grad_weight[..., i, j] = np.einsum("ngchw,ngohw->goc", patch, grad)
                grad_padded[at] += np.einsum("ngohw,goc->ngchw", grad, weight[..., i, j]).reshape(n, c, oh, ow)
        self.out = out.reshape(self.grad_out.shape)
        self.grad_x = grad_padded[:, :, ph : ph + h, pw : pw + w]
        self.grad_weight = grad_weight.reshape(self.weight.shape)
        self.grad_bias = self.grad_out.astype(np.float64).sum((0, 2, 3))

    def call(self, name, *arguments):
        kind = "float[]" if self.dtype == np.float32 else "double[]"
        arguments = [ffi.from_buffer(kind, a) if isinstance(a, np.ndarray) else a for a in arguments]
        getattr(lib, f"{name}_{'f32' if self.dtype == np.float32 else 'f64'}")(self.shape, *arguments)

    def check(self, value, expected, terms):
        """The error of a sum of so many products of normal numbers."""
        bound = 8 * np.finfo(self.dtype).eps * (terms + 4)
        np.testing.assert_allclose(value, expected, rtol=0, atol=bound)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=IDS)
@pytest.mark.parametrize("activation", [0, 1])
def test_forward(simd, each_thread_count, dtype, case, activation):
    c = Case(case, dtype)
    for bias in (c.bias, ffi.NULL):

        def compute(bias=bias):
            out = np.full(c.out.shape, np.nan, dtype)
            c.call("conv2d", c.x, c.weight, bias, activation, out)
            return out

        expected = c.out + (0 if bias is ffi.NULL else c.bias[:, None, None])
        c.check(each_thread_count(compute), np.maximum(expected, 0) if activation else expected, c.weight[0].size)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_backward(simd, each_thread_count, dtype, case):
    c = Case(case, dtype)

    def compute():
        grad_x, grad_weight = np.full(c.x.shape, np.nan, dtype), np.full(c.weight.shape, np.nan, dtype)
        alone, grad_bias = np.full(c.weight.shape, np.nan, dtype), np.full(c.bias.shape, np.nan, dtype)
        c.call("conv2d_backward_input", c.grad_out, c.weight, grad_x)
        c.call("conv2d_backward_weight", c.x, c.grad_out, grad_weight, grad_bias)
        c.call("conv2d_backward_weight", c.x, c.grad_out, alone, ffi.NULL)
        assert alone.tobytes() == grad_weight.tobytes()
        return grad_x, grad_weight, grad_bias

    grad_x, grad_weight, grad_bias = each_thread_count(compute)
    pixels = c.grad_out[:, :1].size
    c.check(grad_x, c.grad_x, c.weight.size)
    c.check(grad_weight, c.grad_weight, pixels)
    c.check(grad_bias, c.grad_bias, pixels)


@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_stays_within_its_reach(simd, dtype):
    """A NaN reaches the pixels that touch it, and no other; padding is zero, not a product with infinity's
    neighbour."""
    c = Case((2, 4, 9, 9, 5, (3, 3), (1, 1), (1, 1), (1, 1), 1), dtype)
    c.x[0, 2, 4, 4] = np.nan
    c.x[1, 0, 0, 0] = np.inf
    out = np.empty(c.out.shape, dtype)
    c.call("conv2d", c.x, c.weight, ffi.NULL, 1, out)
    expected = np.zeros(c.out.shape, bool)
    expected[0, :, 3:6, 3:6] = True
    np.testing.assert_array_equal(np.isnan(out), expected)
    assert (np.isinf(out[1, :, :2, :2]) | (out[1, :, :2, :2] == 0)).all()
    assert np.isfinite(out[1, :, 2:]).all()


def test_threads_many_images(simd, each_thread_count):
    """Enough work for the tasks to be shared out."""
    c = Case((40, 16, 14, 14, 32, (3, 3), (1, 1), (1, 1), (1, 1), 1), np.float32)

    def compute():
        out, grad_x = np.empty(c.out.shape, np.float32), np.empty(c.x.shape, np.float32)
        grad_weight, grad_bias = np.empty(c.weight.shape, np.float32), np.empty(32, np.float32)
        c.call("conv2d", c.x, c.weight, c.bias, 1, out)
        c.call("conv2d_backward_input", c.grad_out, c.weight, grad_x)
        c.call("conv2d_backward_weight", c.x, c.grad_out, grad_weight, grad_bias)
        return out, grad_x, grad_weight, grad_bias

    each_thread_count(compute)
