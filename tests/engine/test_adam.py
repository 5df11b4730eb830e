"""engine/optim/adam.c against a float64 transcription of the formulas."""

import numpy as np
import pytest

from lucid._engine import ffi, lib

C_NAMES = {np.dtype(np.float32): ("float", "f32"), np.dtype(np.float64): ("double", "f64")}
OPTIONS = [
    {},
    {"weight_decay": 0.1},
    {"weight_decay": 0.1, "decoupled": 1},
    {"amsgrad": 1},
    {"maximize": 1},
    {"amsgrad": 1, "maximize": 1, "weight_decay": 0.01},
    {"amsgrad": 1, "maximize": 1, "weight_decay": 0.01, "decoupled": 1},
    {"beta1": 0.0, "beta2": 0.0},
    {"beta1": 0.2, "beta2": 0.4},
    {"beta1": 0.5, "beta2": 0.5},
    {"eps": 0.0, "lr": 0.0},
]
DEFAULTS = {"lr": 1e-2, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0}
DEFAULTS |= {"decoupled": 0, "amsgrad": 0, "maximize": 0}


class Group:
    """A param group in C over NumPy arrays; `offset` moves every array that many numbers away from its alignment."""

    def __init__(self, parameters, dtype=np.float32, offset=0, **options):
        self.c_type, suffix = C_NAMES[np.dtype(dtype)]
        self.update = getattr(lib, f"adam_update_{suffix}")
        sizes = [len(p) for p in parameters]
        self.dtype, self.offset = dtype, offset
        self.parameters = [self.placed(p) for p in parameters]
        self.exp_avg, self.exp_avg_sq, self.largest = ([self.placed(np.zeros(n)) for n in sizes] for _ in range(3))
        self.steps = np.zeros(len(sizes), np.float32)
        self.struct = ffi.new(f"adam_group_{suffix} *")
        inner = self.struct.parameters
        self.arrays = [
            ffi.new("int64_t[]", sizes),
            self.pointers(self.parameters),
            ffi.new(f"{self.c_type} const *[]", len(sizes)),
            ffi.new("float *[]", [ffi.from_buffer("float[]", self.steps[i:]) for i in range(len(sizes))]),
            ffi.new("int64_t[]", len(sizes)),
            ffi.new(f"{self.c_type}[]", 2 * len(sizes)),
            *map(self.pointers, (self.exp_avg, self.exp_avg_sq, self.largest)),
        ]
        inner.count = len(sizes)
        inner.size, inner.parameter, inner.gradient, inner.step, inner.start, inner.coefficient = self.arrays[:6]
        self.struct.exp_avg, self.struct.exp_avg_sq, self.struct.max_exp_avg_sq = self.arrays[6:]
        for name, value in (DEFAULTS | options).items():
            setattr(self.struct, name, value)

    def placed(self, values):
        memory = np.empty(len(values) + self.offset, self.dtype)
        memory[self.offset :] = values
        return memory[self.offset :]

    def pointers(self, arrays):
        return ffi.new(f"{self.c_type} *[]", [ffi.from_buffer(f"{self.c_type}[]", a) for a in arrays])

    def step(self, gradients):
        """One update; None in the place of a gradient that is not there."""
        placed = [g if g is None else self.placed(g) for g in gradients]
        for i, g in enumerate(placed):
            self.arrays[2][i] = ffi.NULL if g is None else ffi.from_buffer(f"{self.c_type}[]", g)
        self.update(self.struct)

    def numbers(self):
        return np.concatenate([*self.parameters, *self.exp_avg, *self.exp_avg_sq, *self.largest, self.steps])


class Transcription:
    """The formulas of the Adam family in NumPy float64."""

    def __init__(self, parameter, **options):
        self.p = np.array(parameter, np.float64)
        self.m, self.v, self.largest = np.zeros((3, self.p.size))
        self.t, self.o = 0, DEFAULTS | options

    def step(self, gradient):
        o, g = self.o, np.array(gradient, np.float64)
        self.t += 1
        g = -g if o["maximize"] else g
        if o["weight_decay"] and o["decoupled"]:
            self.p = self.p - o["lr"] * o["weight_decay"] * self.p
        elif o["weight_decay"]:
            g = g + o["weight_decay"] * self.p
        self.m = o["beta1"] * self.m + (1 - o["beta1"]) * g
        self.v = o["beta2"] * self.v + (1 - o["beta2"]) * g * g
        self.largest = np.maximum(self.largest, self.v)
        v = self.largest if o["amsgrad"] else self.v
        m_hat, v_hat = self.m / (1 - o["beta1"] ** self.t), v / (1 - o["beta2"] ** self.t)
        self.p = self.p - o["lr"] * m_hat / (np.sqrt(v_hat) + o["eps"])


def gradients(sizes, steps, dtype, seed=0):
    random = np.random.default_rng(seed)
    return [
        [(random.standard_normal(n) * 10.0 ** random.integers(-3, 3)).astype(dtype) for n in sizes]
        for _ in range(steps)
    ]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_formulas(simd, each_thread_count, dtype, options):
    sizes = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 1000, 0]
    start = gradients(sizes, 1, dtype, seed=1)[0]
    every = gradients(sizes, 20, dtype)
    expected = [Transcription(p, **options) for p in start]

    def compute():
        group = Group(start, dtype, **options)
        for now in every:
            group.step(now)
        return group.numbers()

    numbers = each_thread_count(compute)
    for now in every:
        for e, g in zip(expected, now, strict=True):
            e.step(g)
    largest = [e.largest if options.get("amsgrad") else np.zeros(e.p.size) for e in expected]
    wanted = np.concatenate(
        [*(e.p for e in expected), *(e.m for e in expected), *(e.v for e in expected), *largest, [20] * len(sizes)]
    )
    tolerance = 2e-5 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(numbers, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [[200_003], [1024] * 200, [1, 70_000, 3, 0, 32_768, 65_537], []], ids=len)
def test_chunks_across_parameters(simd, each_thread_count, dtype, sizes):
    """Whatever the cuts, a number's update depends on that number alone."""
    start, every = gradients(sizes, 1, dtype, seed=1)[0], gradients(sizes, 3, dtype)

    def compute():
        group = Group(start, dtype, amsgrad=1, weight_decay=0.1)
        for now in every:
            group.step(now)
        return np.concatenate([*group.parameters, np.zeros(0, dtype)])

    together = each_thread_count(compute)
    one = Group([np.concatenate([*start, np.zeros(3, dtype)])], dtype, offset=1, amsgrad=1, weight_decay=0.1)
    for now in every:
        one.step([np.concatenate([*now, np.ones(3, dtype)])])
    assert together.tobytes() == one.parameters[0][:-3].tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parameter_without_gradient_is_skipped(simd, dtype):
    sizes = [40_000, 5, 40_000, 9]
    group = Group(gradients(sizes, 1, dtype)[0], dtype)
    alone = Group([group.parameters[2].copy()], dtype)
    untouched = [group.parameters[i].copy() for i in (0, 1, 3)]
    for now in gradients(sizes, 3, dtype):
        group.step([None, None, now[2], None])
        alone.step([now[2]])
    assert group.steps.tolist() == [0, 0, 3, 0]
    assert all(np.array_equal(group.parameters[i], before) for i, before in zip((0, 1, 3), untouched, strict=True))
    assert np.array_equal(group.parameters[2], alone.parameters[0])
    group.step([None] * 4)
    assert group.steps.tolist() == [0, 0, 3, 0]


def test_step_counts_are_per_parameter(simd):
    """A parameter that joins late starts at its own first step."""
    (early, late), every = gradients([50, 50], 1, np.float64, seed=1)[0], gradients([50, 50], 6, np.float64)
    group, expected = Group([early, late], np.float64), [Transcription(early), Transcription(late)]
    for t, now in enumerate(every):
        group.step([now[0], now[1] if t >= 3 else None])
        expected[0].step(now[0])
        if t >= 3:
            expected[1].step(now[1])
    for p, e in zip(group.parameters, expected, strict=True):
        np.testing.assert_allclose(p, e.p, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("amsgrad", [0, 1])
def test_not_finite(simd, dtype, amsgrad):
    """NaN and infinite gradients spoil their own number only; a gradient whose square overflows stops it for good."""
    huge = np.finfo(dtype).max / 4
    group = Group([np.ones(40, dtype)], dtype, amsgrad=amsgrad)
    first = np.full(40, 0.5, dtype)
    first[[3, 20, 37]] = np.nan
    first[[5, 21]] = np.inf
    first[[6, 38]] = -np.inf
    first[[7, 39]] = huge
    for now in (first, np.full(40, 0.5, dtype), first, np.full(40, 0.5, dtype)):
        group.step([now])
    p = group.parameters[0]
    spoiled = [3, 5, 6, 20, 21, 37, 38]
    assert np.isnan(p[spoiled]).all()
    assert np.isposinf(group.exp_avg_sq[0][[5, 6, 7, 21, 38, 39]]).all()
    assert (p[[7, 39]] == 1).all(), "an infinite average makes no change"
    fine = np.delete(p, [*spoiled, 7, 39])
    assert (fine == fine[0]).all() and fine[0] < 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_amsgrad_keeps_nan(simd, dtype):
    group = Group([np.ones(20, dtype)], dtype, amsgrad=1)
    group.largest[0][4] = np.nan
    group.step([np.ones(20, dtype)])
    assert np.isnan(group.largest[0][4]) and np.isnan(group.parameters[0][4])
    assert np.isfinite(np.delete(group.parameters[0], 4)).all()


def test_infinite_parameter_without_weight_decay(simd):
    """No weight decay is not a decay by zero, which would make NaN of an infinite parameter."""
    for decoupled in (0, 1):
        group = Group([np.array([np.inf, -np.inf, 1.0])], decoupled=decoupled)
        group.step([np.ones(3)])
        assert group.parameters[0][:2].tolist() == [np.inf, -np.inf] and np.isfinite(group.exp_avg[0]).all()


@pytest.mark.parametrize("beta2", [0.9, 0.99, 0.999, 0.9999])
def test_averages_do_not_drift(simd, beta2):
    """beta rounded to float32 would put a steady average off by up to 3e-8 / (1 - beta)."""
    steps = int(20 / (1 - beta2)) if beta2 < 0.9999 else 20_000
    random = np.random.default_rng(0)
    group, expected = Group([np.zeros(64)], beta2=beta2), Transcription(np.zeros(64), beta2=beta2)
    for _ in range(steps):
        g = random.standard_normal(64).astype(np.float32)
        group.step([g])
        expected.step(g)
    error = group.exp_avg_sq[0] / expected.v - 1
    assert abs(error.mean()) < 1e-6
