"""Windows over planes, with odd sizes and options: convolution, pooling, folding, padding, resampling; both ways."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np

import lucid
from lucid import engine
from lucid.nn import functional as F
from tests.door.drawing import FLOATS, KINDS, attempt, back, door, draw, odd, tensor

SIDE = st.integers(0, 7)


def option(data, usual, dims, allocates=False):
    """An option of a window, mostly small; one number or one a side."""
    if data.draw(st.integers(0, 24)) == 0:
        return odd(data, sizes=allocates)
    numbers = st.sampled_from([usual] * 6 + [1, 1, 2, 3, 0, -1, 5])
    if data.draw(st.booleans()):
        return data.draw(numbers)
    return tuple(data.draw(st.lists(numbers, min_size=dims, max_size=dims)))


def near(data, size):
    """A size, now and then another one."""
    return size if data.draw(st.integers(0, 11)) else data.draw(st.integers(0, 4))


def planes(data, dims, kind):
    """A batch of planes, or one without batch."""
    lead = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=3 if data.draw(st.integers(0, 9)) == 0 else 2))
    return tensor(data, (*lead, *data.draw(st.lists(SIDE, min_size=dims, max_size=dims))), kind)


def kind_of(data):
    return draw(data, *FLOATS, *FLOATS, *FLOATS, *KINDS)


def tried(data, name, function, args, options):
    """The call, checked, and its backward."""
    result = attempt(name, lambda: function(*args, **options), args, options, memory=True)
    back(data, result, args)
    return result


@door(100)
def test_convolution(data):
    dims, kind, transposed = draw(data, 2, 1), kind_of(data), draw(data, False, True)
    groups = draw(data, 1, 1, 2, 3)
    batch, ins, outs = (
        data.draw(st.integers(0, 3)),
        groups * data.draw(st.integers(0, 2)),
        groups * data.draw(st.integers(0, 2)),
    )
    kernel = data.draw(st.lists(st.integers(0, 4), min_size=dims, max_size=dims))
    sides = data.draw(st.lists(SIDE, min_size=dims, max_size=dims))
    x = tensor(data, (*([batch] if draw(data, True, False) else []), near(data, ins), *sides), kind)
    lead = (ins, outs // groups) if transposed else (outs, ins // groups)
    weight = tensor(data, (*(near(data, n) for n in lead), *kernel), kind)
    bias = draw(data, None, tensor(data, (near(data, outs),), kind))
    options = {
        "stride": option(data, 1, dims),
        "padding": option(data, 0, dims, True),
        "dilation": option(data, 1, dims),
        "groups": groups if data.draw(st.integers(0, 9)) else odd(data),
    }
    if not transposed and data.draw(st.integers(0, 5)) == 0:
        options["padding"] = draw(data, "same", "valid", "x")
    if transposed:
        options["stride"], options["dilation"] = (option(data, 1, dims, True) for _ in range(2))
        options["output_padding"] = option(data, 0, dims, True)
    name = f"conv{'_transpose' if transposed else ''}{dims}d"
    tried(data, name, getattr(F, name), (x, weight, bias), options)


@door(100)
def test_pooling(data):
    dims, kind = draw(data, 2, 1), kind_of(data)
    what = draw(data, "max_pool", "avg_pool", "lp_pool", "adaptive_avg_pool", "adaptive_max_pool")
    name, x, options = f"{what}{dims}d", planes(data, dims, kind), {}
    if what.startswith("adaptive"):
        args = (x, option(data, 2, dims, True))
        if what == "adaptive_max_pool":
            options["return_indices"] = draw(data, False, True)
    else:
        args = (x, option(data, 2, dims))
        options = {"stride": draw(data, None, option(data, 1, dims)), "ceil_mode": draw(data, False, True)}
        if what == "lp_pool":
            args = (x, draw(data, 2, 1.0, 3, 0, -1.5), args[1])
        else:
            options["padding"] = option(data, 0, dims)
        if what == "max_pool":
            options |= {"dilation": option(data, 1, dims), "return_indices": draw(data, False, True)}
        if what == "avg_pool":
            options["count_include_pad"] = draw(data, True, False)
        if name == "avg_pool2d":
            options["divisor_override"] = draw(data, None, 1, -3, 0, odd(data))
    tried(data, name if what != "lp_pool" else None, getattr(F, name), args, options)


@door(60)
def test_folding(data):
    kind, kernel = kind_of(data), option(data, 2, 2)
    options = {"dilation": option(data, 1, 2), "padding": option(data, 0, 2, True), "stride": option(data, 1, 2)}
    if draw(data, True, False):
        tried(data, "unfold", F.unfold, (planes(data, 2, kind), kernel), options)
        return
    sides = data.draw(st.lists(SIDE, min_size=2, max_size=2))
    columns = attempt(None, lambda: F.unfold(lucid.zeros(2, 3, *sides), kernel, **options), memory=True)
    shape = (2, 12, 4) if isinstance(columns, Exception) else columns.shape
    x = tensor(data, tuple(near(data, n) for n in shape[data.draw(st.integers(0, 1)) :]), kind)
    tried(data, "fold", F.fold, (x, tuple(sides) if data.draw(st.integers(0, 5)) else odd(data, True), kernel), options)


@door(60)
def test_padding(data):
    x = tensor(data, tuple(data.draw(st.lists(st.integers(0, 5), max_size=5))), draw(data, *KINDS))
    mode = draw(data, "constant", "reflect", "replicate", "circular", "constant", "mirror")
    count = 2 * draw(data, 1, 2, 3) if data.draw(st.integers(0, 5)) else data.draw(st.integers(0, 13))
    pad = data.draw(st.lists(st.integers(-3, 6), min_size=count, max_size=count).map(tuple))
    if data.draw(st.integers(0, 9)) == 0:
        pad = odd(data, True)
    tried(data, "pad", F.pad, (x, pad, mode, draw(data, None, 1.5, 0, odd(data))), {})


@door(80)
def test_resampling(data):
    dims = draw(data, 1, 2, 3)
    modes = {1: ("linear",), 2: ("bilinear", "bicubic"), 3: ("trilinear",)}[dims]
    mode = draw(data, *modes, "nearest", "nearest-exact", "area", "cubic")
    x = planes(data, dims, kind_of(data))
    options = {"mode": mode, "align_corners": draw(data, None, False, True)}
    sizes = draw(data, True, False)
    if sizes:
        options["size"] = option(data, 3, dims, True)
    else:
        options["scale_factor"] = draw(data, 2, 0.5, 1.7, (0.3,) * dims, 3.9, 0.01, -1, odd(data, True))
        options["recompute_scale_factor"] = draw(data, None, True)
    tried(data, "interpolate", F.interpolate, (x,), options)


@door(40)
def test_pixels(data):
    x = tensor(
        data,
        tuple(data.draw(st.lists(draw(data, st.integers(0, 6), st.sampled_from([4, 8])), max_size=5))),
        kind_of(data),
    )
    name = draw(data, "pixel_shuffle", "pixel_unshuffle", "channel_shuffle")
    tried(data, name, getattr(F, name), (x, draw(data, 2, 1, 3, odd(data))), {})


@door(60)
def test_normalisation(data):
    kind = draw(data, *FLOATS)
    shape = tuple(data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=4)))
    x = tensor(data, shape, kind if data.draw(st.integers(0, 7)) else draw(data, *KINDS))
    name = draw(data, "layer_norm", "rms_norm", "group_norm", "batch_norm", "instance_norm")
    eps = {"eps": draw(data, 1e-5, 0.0, -1.0, float("nan"), odd(data))} if data.draw(st.integers(0, 3)) == 0 else {}
    last = shape[data.draw(st.integers(0, len(shape) - 1)) :]

    def vector(sizes):
        sizes = tuple(near(data, n) for n in sizes)
        return draw(data, None, tensor(data, sizes, kind), tensor(data, sizes, draw(data, kind, *KINDS)))

    if name in ("layer_norm", "rms_norm"):
        given = draw(data, last, list(last), last[0] if len(last) == 1 else last, odd(data))
        weights = (vector(last), vector(last)) if name == "layer_norm" else (vector(last),)
        tried(data, name, getattr(F, name), (x, given, *weights), eps)
        return
    channels = shape[1:2] or (2,)
    if name == "group_norm":
        tried(data, name, F.group_norm, (x, draw(data, 1, 2, 0, odd(data)), vector(channels), vector(channels)), eps)
        return
    running = [vector(channels) for _ in range(2)]
    for one in running:
        if one is not None:
            one.requires_grad = False
    flag = draw(data, True, False)
    args = (x, *running, vector(channels), vector(channels), flag, draw(data, 0.1, 1.0, 0, odd(data)))
    function = getattr(F, name)
    result = attempt(None, lambda: function(*args, **eps), x, args[3:], changes=running)
    back(data, result, args)


def test_running_statistics_move_both_or_not_at_all():
    fixed = np.ones(2, np.float32)
    fixed.flags.writeable = False
    mean, var = lucid.zeros(2), lucid.from_numpy(fixed)
    for norm, x in ((F.batch_norm, lucid.rand(3, 2)), (F.instance_norm, lucid.rand(3, 2, 4))):
        result = attempt(norm.__name__, lambda: norm(x, mean, var, None, None, True), changes=[mean, var])
        assert isinstance(result, RuntimeError)


def test_the_sizes_of_c_are_not_passed_by():
    """Numbers that would overflow a product of sizes are refused by name."""
    x, w = lucid.zeros(1, 1, 3, 3), lucid.zeros(1, 1, 2, 2)
    far = 2**62
    for name, call in {
        "conv2d": lambda: F.conv2d(x, w, padding=far),
        "conv_transpose2d": lambda: F.conv_transpose2d(x, w, stride=far),
        "max_pool2d": lambda: F.max_pool2d(x, far),
        "avg_pool2d": lambda: F.avg_pool2d(x, (far, 1)),
        "unfold": lambda: F.unfold(x, 2, padding=far),
        "fold": lambda: F.fold(lucid.zeros(1, 4, 4), (far, far), 2),
        "interpolate": lambda: F.interpolate(x, size=far),
        "adaptive_avg_pool2d": lambda: F.adaptive_avg_pool2d(x, far),
        "pad": lambda: F.pad(x, (far, far)),
    }.items():
        assert isinstance(attempt(name, call, x, w, memory=True), Exception)
    assert F.conv2d(x, w, stride=far, dilation=1).shape == (1, 1, 1, 1)
    assert F.conv2d(x, lucid.zeros(1, 1, 1, 1), dilation=far).shape == (1, 1, 3, 3)
    assert engine.may_overlap((2, 2), (1, 1))
