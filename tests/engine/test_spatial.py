"""Convolution, pooling, padding, resampling and unfolding under odd sizes and options.

What is asked of each call: an error that names the operation, or a linear map and its transpose that go together
(<f(x), g> = <x, fᵀ(g)>), with the same bits for 1 and 2 threads. Values are compared in tests/ops. `make sanitize` runs
this with a sanitized engine.
"""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import lucid
from lucid import engine
from lucid.nn import functional as F

sample = settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=[*HealthCheck])
HUGE = 2**40


def few(data, *numbers):
    """One number, or one a side."""
    one = st.sampled_from(numbers)
    return data.draw(st.one_of(one, st.tuples(one, one)))


def images(data, least=0):
    n, c = data.draw(st.integers(0, 3)), data.draw(st.integers(1, 4))
    h, w = data.draw(st.integers(least, 9)), data.draw(st.sampled_from([0, 1, 2, 3, 5, 8, 17, 33, 70]))
    return n, c, h, max(w, least)


def filled(shape):
    return np.random.default_rng(len(shape) + sum(shape)).standard_normal(shape)


def check_linear(name, f, shape):
    """f at a random SIMD level's kernels, in both number types."""
    x = filled(shape)
    for dtype in (np.float64, np.float32):
        results = []
        for threads in (1, 2):
            engine.set_num_threads(threads)
            leaf = lucid.tensor(x.astype(dtype), requires_grad=True)
            try:
                out = f(leaf)
            except (ValueError, TypeError) as error:
                assert name in str(error), error
                return
            grad = filled(out.shape).astype(dtype)
            out.backward(lucid.from_numpy(grad))
            results.append((out.detach().numpy(), leaf.grad.numpy()))
        (out, back), again = results
        assert out.tobytes() == again[0].tobytes() and back.tobytes() == again[1].tobytes()
        terms, others = out.astype(np.float64) * grad, back.astype(np.float64) * x.astype(dtype)
        scale = 1 + np.abs(terms).sum() + np.abs(others).sum()
        assert abs(terms.sum() - others.sum()) <= (1e-5 if dtype == np.float32 else 1e-12) * scale


@pytest.fixture(params=engine.simd_levels(), autouse=True)
def settled(request):
    before = engine.get_simd(), engine.get_num_threads()
    engine.set_simd(request.param)
    yield
    engine.set_simd(before[0])
    engine.set_num_threads(before[1])


@sample
@given(st.data())
def test_conv_transpose2d(data):
    shape, groups = images(data, 1), data.draw(st.sampled_from([1, 1, 2, 3]))
    shape = (shape[0], shape[1] * groups, shape[2], min(shape[3], 17))
    w = lucid.tensor(filled((shape[1], data.draw(st.integers(1, 3)), *(data.draw(st.integers(1, 4)) for _ in "hw"))))
    options = {
        "stride": few(data, 1, 1, 2, 3, 7, 0, HUGE),
        "padding": few(data, 0, 0, 1, 2, 5, -1, HUGE),
        "output_padding": few(data, 0, 0, 0, 1, 2, HUGE),
        "dilation": few(data, 1, 1, 2, 3, HUGE),
        "groups": groups,
    }
    check_linear("conv_transpose2d", lambda x: F.conv_transpose2d(x, w.to(x.dtype), **options), shape)
    x = lucid.tensor(filled(shape))
    check_linear("conv_transpose2d", lambda w: F.conv_transpose2d(x.to(w.dtype), w, **options), w.shape)


@sample
@given(st.data())
def test_conv1d(data):
    n, c, _, length = images(data, 1)
    w = lucid.tensor(filled((data.draw(st.integers(1, 5)), c, data.draw(st.integers(1, 9)))))
    options = {
        "stride": data.draw(st.sampled_from([1, 1, 2, 3, 0, HUGE])),
        "padding": data.draw(st.sampled_from([0, 1, 4, 40, -1, HUGE, "same", "valid"])),
        "dilation": data.draw(st.sampled_from([1, 1, 2, 7, HUGE])),
    }
    check_linear("conv1d", lambda x: F.conv1d(x, w.to(x.dtype), **options), (n, c, length))


@sample
@given(st.data())
def test_avg_pool2d(data):
    options = {
        "kernel_size": few(data, 1, 2, 3, 5, 40, 0, HUGE),
        "stride": data.draw(st.sampled_from([None, 1, 2, (3, 1), 9, 0, HUGE])),
        "padding": few(data, 0, 0, 1, 2, 20, -1, HUGE),
        "ceil_mode": data.draw(st.booleans()),
        "count_include_pad": data.draw(st.booleans()),
        "divisor_override": data.draw(st.sampled_from([None, None, 3, -1, 2**62])),
    }
    check_linear("avg_pool2d", lambda x: F.avg_pool2d(x, **options), images(data))


@sample
@given(st.data())
def test_max_pool2d(data):
    options = {
        "kernel_size": few(data, 1, 2, 3, 5, 40, HUGE),
        "stride": data.draw(st.sampled_from([None, 1, 2, (3, 1), 9, HUGE])),
        "padding": few(data, 0, 0, 1, 2, 20, 2**29, HUGE),
        "dilation": few(data, 1, 1, 2, 9, 2**29, 2**30, HUGE),
        "ceil_mode": data.draw(st.booleans()),
    }
    shape = images(data)
    check_linear("max_pool2d", lambda x: F.max_pool2d(x, **options), shape)
    x = filled(shape)
    try:
        out, index = F.max_pool2d(lucid.tensor(x), return_indices=True, **options)
    except ValueError:
        return
    if x.size == 0:
        return
    planes, flat = x.reshape(*shape[:2], -1), index.numpy().reshape(*shape[:2], -1)
    picked = np.where(flat < 0, -np.inf, np.take_along_axis(planes, np.maximum(flat, 0), 2))
    np.testing.assert_array_equal(picked.reshape(out.shape), out.numpy())


@sample
@given(st.data())
def test_adaptive_pools(data):
    size, shape = few(data, 0, 1, 2, 3, 7, 35, 100), images(data)
    check_linear("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, size), shape)
    check_linear("adaptive_max_pool2d", lambda x: F.adaptive_max_pool2d(x, size), shape)


@sample
@given(st.data())
def test_pad(data):
    shape = data.draw(st.lists(st.integers(0, 7), min_size=1, max_size=5).map(tuple))
    pad = data.draw(st.lists(st.integers(-3, 9), max_size=6))
    mode = data.draw(st.sampled_from(["constant", "reflect", "replicate", "circular"]))
    check_linear("pad", lambda x: F.pad(x, pad, mode), shape)


@sample
@given(st.data())
def test_unfold_and_fold(data):
    options = {
        "kernel_size": few(data, 1, 2, 3, 6, 0, HUGE),
        "dilation": few(data, 1, 1, 2, 5, HUGE),
        "padding": few(data, 0, 0, 1, 3, 30, -1, HUGE),
        "stride": few(data, 1, 1, 2, 5, 0, HUGE),
    }
    shape = images(data)
    check_linear("unfold", lambda x: F.unfold(x, **options), shape)
    try:
        columns = F.unfold(lucid.tensor(filled(shape)), **options).shape
    except ValueError:
        columns = (2, 12, 6)
    check_linear("fold", lambda c: F.fold(c, shape[2:], **options), columns)


@sample
@given(st.data())
def test_interpolate(data):
    options = {"mode": data.draw(st.sampled_from(["nearest", "nearest-exact", "bilinear", "bicubic", "area"]))}
    if data.draw(st.booleans()):
        options["size"] = few(data, 0, 1, 2, 3, 9, 40)
    else:
        options["scale_factor"] = few(data, 0.1, 0.5, 0.999, 1, 1.5, 2, 3.7, 1e-9, -1.0)
    if options["mode"].startswith("bi"):
        options["align_corners"] = data.draw(st.booleans())
    check_linear("interpolate", lambda x: F.interpolate(x, **options), images(data))
