"""Random numbers: the published Philox numbers, the same bits everywhere, and the right distributions."""

import math

import numpy as np
import pytest

from lucid._engine import ffi, lib

TYPES = [np.float32, np.float64]
SIZES = [0, 1, 3, 15, 16, 17, 31, 33, 63, 64, 65, 511, 512, 513, 1000, 16384, 16385, 100_003]
SEED = 0x1234_5678_9ABC_DEF0


def pointer(array):
    kind = {"f": "float[]", "d": "double[]", "B": "uint8_t[]", "l": "int64_t[]", "q": "int64_t[]"}[array.dtype.char]
    return ffi.from_buffer(kind, array)


def function(name, dtype):
    return getattr(lib, f"{name}_{'f32' if dtype == np.float32 else 'f64'}")


def state(seed=SEED, offset=0):
    return ffi.new("philox_state *", {"seed": seed, "offset": offset})


def philox(seed, blocks):
    """Words of the blocks by the paper's formulas: uint32[len(blocks), 4]."""
    block = np.asarray(blocks, np.uint64)
    mask = np.uint64(0xFFFFFFFF)
    c = [block & mask, block >> np.uint64(32), np.zeros_like(block), np.zeros_like(block)]
    key0, key1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0, p1 = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        high = np.uint64(32)
        c = [(p1 >> high) ^ c[1] ^ np.uint64(key0), p1 & mask, (p0 >> high) ^ c[3] ^ np.uint64(key1), p0 & mask]
        key0, key1 = (key0 + 0x9E3779B9) & 0xFFFFFFFF, (key1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(c, 1).astype(np.uint32)


def words(n, offset=0):
    """The first n words of the stream: groups of 16 blocks, first the first word of each."""
    groups = -(-n // 64)
    blocks = (np.arange(groups * 16, dtype=np.uint64) + np.uint64(offset)) & np.uint64(2**64 - 1)
    return philox(SEED, blocks).reshape(groups, 16, 4).transpose(0, 2, 1).ravel()[:n]


def uniform(n, low=0.0, high=1.0, dtype=np.float32, start=None):
    out = np.full(n, np.nan, dtype)
    function("uniform", dtype)(start or state(), n, low, high, pointer(out))
    return out


def normal(n, mean=0.0, std=1.0, dtype=np.float32, start=None):
    out = np.full(n, np.nan, dtype)
    function("normal", dtype)(start or state(), n, mean, std, pointer(out))
    return out


def bernoulli(n, p, dtype=np.float32, start=None):
    p, out = np.asarray(p, dtype).reshape(-1), np.full(n, np.nan, dtype)
    function("bernoulli", dtype)(start or state(), n, pointer(p), int(p.size != 1), pointer(out))
    return out


def dropout(x, p, start=None):
    out, mask = np.full_like(x, np.nan), np.full(x.size, 7, np.uint8)
    function("dropout", x.dtype.type)(start or state(), x.size, p, pointer(x), pointer(out), pointer(mask))
    return out, mask


def integers(n, low, high, start=None):
    out = np.full(n, -77, np.int64)
    lib.random_integers(start or state(), n, low, high, pointer(out))
    return out


def kolmogorov_smirnov(sample, cdf):
    """sqrt(n) times the largest distance between the sample's distribution and the cdf: above 1.95 once in a
    thousand."""
    x = np.sort(sample.astype(np.float64))
    n, f = x.size, cdf(x)
    return math.sqrt(n) * max(np.max(np.arange(1, n + 1) / n - f), np.max(f - np.arange(n) / n))


def normal_cdf(x):
    return 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


@pytest.mark.parametrize(
    "counter, key, expected",
    [  # Random123, known-answer vectors of philox4x32-10
        ((0, 0), 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((2**64 - 1, 2**64 - 1), 2**64 - 1, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x85A308D3_243F6A88, 0x03707344_13198A2E),
            0x299F31D0_A4093822,
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_published_answers(counter, key, expected):
    out = ffi.new("uint32_t[4]")
    lib.philox_block(key, *counter, out)
    assert tuple(out) == expected


@pytest.mark.parametrize("offset", [0, 7, 2**32 - 5, 2**64 - 3])
@pytest.mark.parametrize("n", SIZES)
def test_uniform_is_the_stream(simd, each_thread_count, n, offset):
    got = each_thread_count(lambda: uniform(n, start=state(offset=offset)))
    np.testing.assert_array_equal(got, (words(n, offset) >> 8).astype(np.float32) * np.float32(2**-24))
    got = each_thread_count(lambda: uniform(n, dtype=np.float64, start=state(offset=offset)))
    np.testing.assert_array_equal(got, (words(2 * n, offset).view(np.uint64) >> np.uint64(11)) * 2.0**-53)


@pytest.mark.parametrize("dtype", TYPES)
def test_every_level_gives_the_same_bits(dtype):
    results, before = [], lib.simd_level()
    x = np.linspace(-1, 1, 1003).astype(dtype)
    for level in range(8):
        if lib.set_simd_level(level) == level:
            results.append((uniform(1003, -0.3, 0.7, dtype), bernoulli(1003, 0.3, dtype), *dropout(x, 0.4)))
    lib.set_simd_level(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("dtype", TYPES)
def test_longer_arrays_begin_with_the_shorter(simd, dtype):
    """Element i depends on seed, offset and i, not on n."""
    x = np.ones(70_000, dtype)
    long = uniform(70_000, dtype=dtype), normal(70_000, dtype=dtype), dropout(x, 0.5)[1], integers(70_000, 0, 1000)
    for n in SIZES[:-1]:
        short = uniform(n, dtype=dtype), normal(n, dtype=dtype), dropout(x[:n], 0.5)[1], integers(n, 0, 1000)
        for a, b in zip(short, long, strict=True):
            np.testing.assert_array_equal(a, b[:n])


@pytest.mark.parametrize("dtype", TYPES)
def test_offset_moves_by_whole_groups(dtype):
    per_group = 64 if dtype == np.float32 else 32
    for n in (0, 1, 31, 64, 65, 1000):
        at = state(offset=5)
        uniform(n, dtype=dtype, start=at)
        assert at.offset == 5 + 16 * -(-n // per_group)
        first = at.offset
        normal(n, dtype=dtype, start=at)
        assert at.offset == 2 * first - 5
        at = state()
        dropout(np.ones(n, dtype), 0.5, at)
        assert at.offset == 16 * -(-n // 64)
        dropout(np.ones(n, dtype), 1.0, at)  # takes its blocks even when all is dropped
        assert at.offset == 32 * -(-n // 64)
        at = state()
        integers(n, 0, 10, at)
        assert at.offset == (n + 1) // 2
    assert at.seed == SEED


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("low, high", [(0, 1), (-0.25, 0.25), (3, 3.0000005), (-3e38, 3e38), (100, 101), (-2, -1)])
def test_uniform_stays_in_range(simd, dtype, low, high):
    x = uniform(200_000, low, high, dtype)
    assert (x >= dtype(low)).all() and (x < dtype(high)).all()
    if high - low > 1e-3:
        scaled = (x.astype(np.float64) / 2 - low / 2) / (high / 2 - low / 2)
        assert kolmogorov_smirnov(scaled, lambda v: v) < 1.95


def test_uniform_never_rounds_up_to_high(simd):
    x = uniform(1_000_000, 0, 16777216.0 + 2, np.float32)
    assert x.max() < 16777218
    assert (uniform(1000, 5, 5, np.float32) == 5).all()


@pytest.mark.parametrize("dtype", TYPES)
def test_normal_is_box_and_muller(simd, each_thread_count, dtype):
    n = 12_345
    got = each_thread_count(lambda: normal(n, dtype=dtype))
    full = -(-n // 64) * 64
    if dtype == np.float32:
        w = words(full).reshape(-1, 2, 32)
        u, t = (w[:, 0] + 0.5) * 2.0**-32, (w[:, 1] >> 8) * 2.0**-24
    else:
        w = words(2 * full).view(np.uint64).reshape(-1, 2, 16)
        u, t = ((w[:, 0] >> np.uint64(11)) + 1) * 2.0**-53, (w[:, 1] >> np.uint64(11)) * 2.0**-53
    radius, angle = np.sqrt(-2 * np.log(u)), 2 * np.pi * (t - 0.5)
    expected = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).ravel()[:n]
    # Near u = 1 a float's step of 2^-24 becomes sqrt(2 * 2^-24) in the radius.
    np.testing.assert_allclose(got, expected, rtol=0, atol=4e-4 if dtype == np.float32 else 1e-7)
    assert np.mean(np.abs(got - expected)) < (5e-7 if dtype == np.float32 else 1e-14)


@pytest.mark.parametrize("dtype", TYPES)
def test_normal_distribution(simd, dtype):
    n = 400_000
    x = normal(n, dtype=dtype).astype(np.float64)
    assert abs(x.mean()) < 4 / math.sqrt(n)
    assert abs(x.var() - 1) < 4 * math.sqrt(2 / n)
    assert abs((x**3).mean()) < 4 * math.sqrt(15 / n)
    assert abs((x**4).mean() - 3) < 4 * math.sqrt(96 / n)
    assert abs((x[1:] * x[:-1]).mean()) < 4 / math.sqrt(n)
    assert kolmogorov_smirnov(x[:50_000], normal_cdf) < 1.95
    tail = math.erfc(3.5 / math.sqrt(2)) * n
    assert abs((np.abs(x) > 3.5).sum() - tail) < 4 * math.sqrt(tail)


def test_normal_tails():
    """Six million floats reach as far as normal numbers do: 24 bits would stop at 5.77, 32 do at 6.76."""
    x = normal(6_000_000)
    assert 4.9 < np.abs(x).max() < 6.8 and np.isfinite(x).all()


@pytest.mark.parametrize("dtype", TYPES)
def test_normal_mean_and_std(simd, dtype):
    np.testing.assert_allclose(normal(1000, 3, 0.5, dtype), 3 + 0.5 * normal(1000, dtype=dtype), rtol=1e-6, atol=1e-6)
    assert (normal(100, 2.5, 0, dtype) == 2.5).all()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("n", [0, 1, 17, 65, 40_001])
def test_bernoulli(simd, each_thread_count, dtype, n):
    p = np.linspace(0, 1, n).astype(dtype) if n > 1 else np.full(n, 0.5, dtype)
    got = each_thread_count(lambda: bernoulli(n, p, dtype))
    np.testing.assert_array_equal(got, (uniform(n, dtype=dtype) < p).astype(dtype))
    np.testing.assert_array_equal(bernoulli(n, 0.0, dtype), np.zeros(n))
    np.testing.assert_array_equal(bernoulli(n, 1.0, dtype), np.ones(n))
    assert n < 1000 or abs(bernoulli(n, 0.3, dtype).mean() - 0.3) < 4 * math.sqrt(0.21 / n)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 1.0])
def test_dropout(simd, each_thread_count, dtype, n, p):
    x = np.linspace(-2, 2, n).astype(dtype)
    out, mask = each_thread_count(lambda: dropout(x, p))
    np.testing.assert_array_equal(mask, words(n) >= p * 2**32)
    scale = dtype(1 / (1 - p)) if p < 1 else dtype(0)
    np.testing.assert_array_equal(out, np.where(mask, x * scale, 0))
    grad_x = np.full_like(x, np.nan)
    function("dropout_backward", dtype)(n, p, pointer(x), pointer(mask), pointer(grad_x))
    np.testing.assert_array_equal(grad_x, out)
    assert n < 1000 or abs(mask.mean() - (1 - p)) <= 4 * math.sqrt(p * (1 - p) / n)


def test_dropout_in_place_and_nothing_passes_a_dropped_place():
    x = np.full(1000, np.inf, np.float32)
    mask = np.zeros(1000, np.uint8)
    lib.dropout_f32(state(), 1000, 0.5, pointer(x), pointer(x), pointer(mask))
    np.testing.assert_array_equal(x, np.where(mask, np.inf, 0))


@pytest.mark.parametrize("low, high", [(0, 1), (0, 2), (-3, 4), (0, 10), (-(2**63), 2**63 - 1), (5, 2**62 + 9)])
def test_integers(each_thread_count, low, high):
    n = 100_001
    x = each_thread_count(lambda: integers(n, low, high))
    assert x.min() >= low and x.max() < high
    if high - low <= 10:
        expected = n / (high - low)
        chi2 = ((np.bincount(x - low, minlength=high - low) - expected) ** 2 / expected).sum()
        assert chi2 < 35  # 9 degrees of freedom: once in 17,000
    else:
        u = (x.astype(np.float64) - low) / (high - low)
        assert kolmogorov_smirnov(u, lambda v: v) < 1.95


def test_integers_redraw_what_would_be_biased():
    """Of 3 * 2^62 values a third of all words must be redrawn; the exact rule, in Python's integers."""
    n, size = 500, 3 << 62
    got = integers(n, -(2**63), -(2**63) + size)
    biased = 2**64 % size
    assert biased > 0
    for i in range(n):
        for attempt in range(100):
            out = ffi.new("uint32_t[4]")
            lib.philox_block(SEED, i // 2, attempt, out)
            product = (out[i % 2 * 2] | out[i % 2 * 2 + 1] << 32) * size
            if product % 2**64 >= biased:
                break
        assert got[i] == (product >> 64) - 2**63


@pytest.mark.parametrize("n", [0, 1, 2, 3, 10, 1000, 1797])
def test_permutation(n):
    out = np.full(n, -1, np.int64)
    at = state()
    lib.random_permutation(at, n, pointer(out))
    np.testing.assert_array_equal(np.sort(out), np.arange(n))
    assert at.offset == (n + 1) // 2
    again = np.full(n, -1, np.int64)
    lib.random_permutation(state(), n, pointer(again))
    np.testing.assert_array_equal(out, again)


def test_permutations_are_equally_likely():
    at, counts = state(), {}
    out = np.zeros(4, np.int64)
    for _ in range(24_000):
        lib.random_permutation(at, 4, pointer(out))
        counts[tuple(out)] = counts.get(tuple(out), 0) + 1
    assert len(counts) == 24
    assert sum((c - 1000) ** 2 / 1000 for c in counts.values()) < 55  # 23 degrees of freedom: once in 5,000
