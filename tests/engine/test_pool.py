"""Max and average pooling, forward and backward, against NumPy."""

import numpy as np
import pytest

from lucid._engine import ffi, lib

TYPES = [np.float32, np.float64]


class Case:
    """Planes, their sides, and the window."""

    def __init__(self, planes, height, width, kernel, stride, padding=(0, 0), dilation=(1, 1), more=(0, 0)):
        self.planes, self.height, self.width = planes, height, width
        self.kernel, self.stride, self.padding, self.dilation = kernel, stride, padding, dilation
        self.out_height, self.out_width = (
            (size + 2 * p - d * (k - 1) - 1) // s + 1 + extra
            for size, p, d, k, s, extra in zip((height, width), padding, dilation, kernel, stride, more, strict=True)
        )

    def shape(self):
        return ffi.new(
            "pool2d_shape *",
            (self.planes, self.height, self.width, *self.kernel, *self.stride, *self.padding, *self.dilation,
             self.out_height, self.out_width),
        )  # fmt: skip

    def positions(self):
        """For each window position: outputs [h0:h1, w0:w1] that have it inside the plane, and the plane's
        slices there."""
        for kh in range(self.kernel[0]):
            for kw in range(self.kernel[1]):
                h = np.arange(self.out_height) * self.stride[0] - self.padding[0] + kh * self.dilation[0]
                w = np.arange(self.out_width) * self.stride[1] - self.padding[1] + kw * self.dilation[1]
                rows, columns = (
                    np.flatnonzero((h >= 0) & (h < self.height)),
                    np.flatnonzero((w >= 0) & (w < self.width)),
                )
                yield np.ix_(rows, columns), np.ix_(h[rows], w[columns])

    def __repr__(self):
        return f"{self.planes}x{self.height}x{self.width}k{self.kernel}s{self.stride}p{self.padding}d{self.dilation}"


CASES = [
    *(
        Case(3, h, w, (2, 2), (2, 2))
        for h, w in [(2, 2), (3, 3), (4, 6), (8, 8), (14, 14), (28, 28), (15, 17), (5, 33), (7, 300)]
    ),
    Case(200, 14, 14, (2, 2), (2, 2)),
    Case(64, 28, 28, (2, 2), (2, 2)),
    Case(1, 2, 2000, (2, 2), (2, 2)),
    Case(0, 4, 4, (2, 2), (2, 2)),
    Case(3, 9, 12, (3, 3), (2, 2), (1, 1)),
    Case(70, 20, 20, (3, 3), (1, 1), (1, 1)),
    Case(3, 13, 11, (3, 3), (2, 2), (1, 1), (2, 2), (1, 1)),
    Case(3, 15, 17, (2, 2), (2, 2), more=(1, 1)),
    Case(3, 8, 8, (2, 3), (1, 2), (1, 1), (2, 1)),
    Case(3, 5, 5, (5, 5), (5, 5), (2, 2), more=(1, 1)),
    Case(2, 40, 470, (3, 3), (3, 3)),
    Case(2, 6, 300, (1, 2), (1, 1)),
    Case(2, 7, 7, (7, 7), (1, 1)),
    Case(2, 10, 10, (3, 3), (4, 4)),
    Case(1, 1, 1, (1, 1), (1, 1)),
    Case(1, 2, 2, (2, 2), (1, 1), (1, 1), (3, 3)),  # windows all outside the plane
]


def pointer(array):
    if array is None:
        return ffi.NULL
    return ffi.from_buffer(
        {"f": "float[]", "d": "double[]", "l": "int64_t[]", "q": "int64_t[]"}[array.dtype.char], array
    )


def function(name, dtype):
    return getattr(lib, f"{name}_{'f32' if dtype == np.float32 else 'f64'}")


def max_pool(case, x, with_index=True):
    out = np.full((case.planes, case.out_height, case.out_width), 77, x.dtype)
    index = np.full(out.shape, -77) if with_index else None
    function("max_pool2d", x.dtype)(case.shape(), pointer(x), pointer(out), pointer(index))
    return (out, index) if with_index else out


def max_pool_backward(case, grad, index):
    grad_x = np.full((case.planes, case.height, case.width), 77, grad.dtype)
    function("max_pool2d_backward", grad.dtype)(case.shape(), pointer(grad), pointer(index), pointer(grad_x))
    return grad_x


def avg_pool(case, x, include):
    out = np.full((case.planes, case.out_height, case.out_width), 77, x.dtype)
    function("avg_pool2d", x.dtype)(case.shape(), include, 0, pointer(x), pointer(out))
    return out


def avg_pool_backward(case, grad, include):
    grad_x = np.full((case.planes, case.height, case.width), 77, grad.dtype)
    function("avg_pool2d_backward", grad.dtype)(case.shape(), include, 0, pointer(grad), pointer(grad_x))
    return grad_x


def expected_max(case, x):
    out = np.full((case.planes, case.out_height, case.out_width), -np.inf, x.dtype)
    index = np.full(out.shape, -1)
    places = np.arange(case.height * case.width).reshape(case.height, case.width)
    for at, inside in case.positions():
        value = x[(slice(None), *inside)]
        best, place = out[(slice(None), *at)], index[(slice(None), *at)]
        better = (value > best) | np.isnan(value) | (place < 0)
        out[(slice(None), *at)] = np.where(better, value, best)
        index[(slice(None), *at)] = np.where(better, places[inside], place)
    return out, index


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("case", CASES, ids=repr)
@pytest.mark.parametrize("kind", ["different", "equal", "special"])
def test_max(simd, each_thread_count, dtype, case, kind):
    rng = np.random.default_rng(0)
    shape = (case.planes, case.height, case.width)
    x = rng.standard_normal(shape).astype(dtype)
    if kind == "equal":
        x = rng.integers(-2, 3, shape).astype(dtype)
    if kind == "special":
        x[rng.random(shape) < 0.5] = -np.inf
        x[rng.random(shape) < 0.1] = np.inf
        x[rng.random(shape) < 0.1] = np.nan
    out, index = each_thread_count(lambda: max_pool(case, x))
    expected, expected_index = expected_max(case, x)
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(index, expected_index)
    np.testing.assert_array_equal(each_thread_count(lambda: max_pool(case, x, with_index=False)), expected)

    grad = rng.standard_normal(out.shape).astype(dtype)
    grad_x = np.zeros((case.planes, case.height * case.width), dtype)
    plane = np.broadcast_to(np.arange(case.planes)[:, None, None], index.shape)
    np.add.at(grad_x, (plane[index >= 0], index[index >= 0]), grad[index >= 0])
    np.testing.assert_array_equal(
        each_thread_count(lambda: max_pool_backward(case, grad, index)), grad_x.reshape(shape)
    )


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("case", [c for c in CASES if c.dilation == (1, 1)], ids=repr)
@pytest.mark.parametrize("include", [0, 1])
def test_average(simd, each_thread_count, dtype, case, include):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((case.planes, case.height, case.width)).astype(dtype)
    total = np.zeros((case.planes, case.out_height, case.out_width))
    inside_count = np.zeros(total.shape[1:])
    for at, inside in case.positions():
        total[(slice(None), *at)] += x[(slice(None), *inside)]
        inside_count[at] += 1
    if include:
        sides = []
        for axis in (0, 1):
            size, out_size = ((case.height, case.out_height), (case.width, case.out_width))[axis]
            start = np.arange(out_size) * case.stride[axis] - case.padding[axis]
            sides.append(np.minimum(start + case.kernel[axis], size + case.padding[axis]) - start)
        count = np.outer(*sides)
    else:
        count = inside_count
    eps = np.finfo(dtype).eps
    out = each_thread_count(lambda: avg_pool(case, x, include))
    np.testing.assert_allclose(out, total / count, rtol=10 * eps, atol=10 * eps)
    grad = rng.standard_normal(out.shape).astype(dtype)
    grad_x = np.zeros(x.shape)
    for at, inside in case.positions():
        grad_x[(slice(None), *inside)] += (grad / count)[(slice(None), *at)]
    got = each_thread_count(lambda: avg_pool_backward(case, grad, include))
    np.testing.assert_allclose(got, grad_x, rtol=20 * eps, atol=20 * eps)


@pytest.mark.parametrize("wrong", [-1, 16, 2**40, -(2**63), 2**63 - 1])
def test_wrong_index_is_not_followed(wrong):
    case = Case(3, 4, 4, (2, 2), (2, 2))
    x = np.arange(48, dtype=np.float32).reshape(3, 4, 4)
    _, index = max_pool(case, x)
    right = max_pool_backward(case, np.ones_like(index, np.float32), index)
    index[1, 0, 0] = wrong
    got = max_pool_backward(case, np.ones_like(index, np.float32), index)
    right[1, 1, 1] = 0
    np.testing.assert_array_equal(got, right)
