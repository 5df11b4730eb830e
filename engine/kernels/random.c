/* Random numbers: Philox words (runtime/philox.h), made many blocks at a time, and the distributions made of them.
 *
 * The stream of 32-bit words. Blocks are taken in groups of 16; the group's 64 words are the first word of each of its
 * blocks, then the second of each, and so on: the order in which a vector of blocks is stored. A float takes one word,
 * a double two neighbours. Element i therefore depends on the seed, the offset and i alone. A call uses whole groups. */
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "runtime/philox.h"
#include "simd/math.h"
#include "simd/simd.h"
#include "simd/trigonometry.h"

#define GROUP_BLOCKS 16
#define GROUP_WORDS 64
#define GROUP ((int64_t)(GROUP_WORDS * sizeof(uint32_t) / sizeof(real))) /* numbers of a group */
#define BATCH_GROUPS 8                                                   /* groups made at a time */
#define BATCH_WORDS (BATCH_GROUPS * GROUP_WORDS)                         /* 2 KB of the stack */
#define NUMBERS_PER_CHUNK 16384                                          /* a multiple of every batch */

/* ---- Words ---- */

/* 32-bit numbers in the low halves of 64-bit lanes; the high halves may hold anything. */
typedef uint64_t vwide __attribute__((vector_size(VECTOR_BYTES)));
#define WIDE_LANES ((int)(VECTOR_BYTES / sizeof(uint64_t)))

/* The 64-bit products of the low halves. */
static inline vwide multiply_low_halves(vwide a, vwide b) {
#if defined(LEVEL_AVX512)
    return (vwide)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(LEVEL_AVX2)
    return (vwide)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__x86_64__)
    return (vwide)_mm_mul_epu32((__m128i)a, (__m128i)b);
#elif defined(__aarch64__)
    return (vwide)vmull_u32(vmovn_u64((uint64x2_t)a), vmovn_u64((uint64x2_t)b));
#else
    return (a & 0xFFFFFFFFu) * (b & 0xFFFFFFFFu);
#endif
}

/* Blocks whose numbers are in `block`: their first words in c[0], ... */
static inline void philox_lanes(uint64_t seed, vwide block, vwide *c) {
    const vwide zero = {0}, multiplier0 = zero + PHILOX_MULTIPLIER_0, multiplier1 = zero + PHILOX_MULTIPLIER_1;
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    vwide c0 = block, c1 = block >> 32, c2 = zero, c3 = zero;
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        vwide product0 = multiply_low_halves(c0, multiplier0), product1 = multiply_low_halves(c2, multiplier1);
        c0 = (product1 >> 32) ^ c1 ^ (zero + key0);
        c1 = product1;
        c2 = (product0 >> 32) ^ c3 ^ (zero + key1);
        c3 = product0;
        key0 += PHILOX_KEY_STEP_0;
        key1 += PHILOX_KEY_STEP_1;
    }
    c[0] = c0;
    c[1] = c1;
    c[2] = c2;
    c[3] = c3;
}

/* words[groups, 64], the first group at block number `first`. */
static void philox_words(uint64_t seed, uint64_t first, int64_t groups, uint32_t *words) {
    vwide lane = {0};
    for (int i = 0; i < WIDE_LANES; i++) lane[i] = (uint64_t)i;
    for (int64_t g = 0; g < groups; g++, first += GROUP_BLOCKS, words += GROUP_WORDS)
        for (int b = 0; b < GROUP_BLOCKS; b += 2 * WIDE_LANES) {
            vwide even[4], odd[4], block = first + (uint64_t)b + 2 * lane;
            philox_lanes(seed, block, even);
            philox_lanes(seed, block + 1, odd);
            for (int w = 0; w < 4; w++) {
                vwide both = (even[w] & 0xFFFFFFFFu) | odd[w] << 32;
                memcpy(words + w * GROUP_BLOCKS + b, &both, sizeof both);
            }
        }
}

static uint64_t blocks_used(int64_t n, int64_t group) { return (uint64_t)((n + group - 1) / group) * GROUP_BLOCKS; }

/* ---- Words to numbers ---- */

#if REAL_IS_DOUBLE
/* Integers below 2^52 as doubles: written into the fraction of 2^52. */
static inline vreal small_to_double(vwide k) { return (vreal)(k | 0x4330000000000000u) - 0x1p52; }
static inline vwide load_words(const uint32_t *words) {
    vwide x;
    memcpy(&x, words, sizeof x);
    return x;
}
/* high * scale_high + low * scale_low, all products exact. */
static inline vreal fraction(vwide high, real scale_high, vwide low, real scale_low) {
    return small_to_double(high) * scale_high + small_to_double(low) * scale_low;
}
/* Uniform in [0, 1): a multiple of 2^-53. */
static inline vreal fraction_from_zero(const uint32_t *words) {
    vwide x = load_words(words);
    return fraction(x >> 32, 0x1p-32, (x >> 11) & 0x1FFFFF, 0x1p-53);
}
/* Uniform in (0, 1]: a multiple of 2^-53. */
static inline vreal fraction_to_one(const uint32_t *words) { return fraction_from_zero(words) + 0x1p-53; }
#define WORDS_PER_NUMBER 2
#define real_nextafter nextafter
#else
static inline vint load_words(const uint32_t *words) {
    vint x;
    memcpy(&x, words, sizeof x);
    return x;
}
/* Uniform in [0, 1): a multiple of 2^-24. */
static inline vreal fraction_from_zero(const uint32_t *words) {
    return __builtin_convertvector((load_words(words) >> 8) & 0xFFFFFF, vreal) * 0x1p-24f;
}
/* Uniform in (0, 1]: (word + 1/2) 2^-32, rounded. Fine steps near 0 give the normal its tails. */
static inline vreal fraction_to_one(const uint32_t *words) {
    vint x = load_words(words);
    vreal high = __builtin_convertvector((x >> 16) & 0xFFFF, vreal), low = __builtin_convertvector(x & 0xFFFF, vreal);
    return high * 0x1p-16f + (low * 0x1p-32f + 0x1p-33f); /* all exact but the last sum */
}
#define WORDS_PER_NUMBER 1
#define real_nextafter nextafterf
#endif

/* x as it is rounded here: the compiler may not make a fused multiply-add of it, so every level gives the same bits. */
static inline vreal rounded(vreal x) {
#if defined(LEVEL_AVX512)
    __asm__("" : "+v"(x));
#elif defined(__x86_64__)
    __asm__("" : "+x"(x));
#elif defined(__aarch64__)
    __asm__("" : "+w"(x));
#endif
    return x;
}

static inline void store_first(real *out, int64_t n, vreal v) {
    if (n >= LANES) vstore(out, v);
    else vstore_partial(out, n, v);
}

/* ---- Distributions ---- */

typedef struct {
    uint64_t seed, offset;
    const real *p, *x;
    int64_t p_step;
    real first, second; /* low and high, mean and std, or the scale of dropout */
    uint32_t threshold;
    real *out;
    uint8_t *mask;
} random_job;

/* The words of the next batch of at most BATCH_GROUPS groups, from number i on; returns how many numbers it has. */
static int64_t next_batch(const random_job *j, int64_t i, int64_t end, int64_t group, uint32_t *words) {
    int64_t count = end - i < BATCH_GROUPS * group ? end - i : BATCH_GROUPS * group;
    philox_words(j->seed, j->offset + blocks_used(i, group), (count + group - 1) / group, words);
    return count;
}

static void uniform_body(void *context, int64_t begin, int64_t end) {
    const random_job *j = context;
    const vreal low = vset(j->first), high = vset(j->second);
    const real below = real_nextafter(j->second, -INFINITY);
    const vreal last = vset(below > j->first ? below : j->first); /* the largest number below high */
    uint32_t words[BATCH_WORDS];
    for (int64_t i = begin, count; i < end; i += count) {
        count = next_batch(j, i, end, GROUP, words);
        for (int64_t k = 0; k < count; k += LANES) {
            vreal u = fraction_from_zero(words + k * WORDS_PER_NUMBER);
            vreal v = rounded(low * (REAL_C(1.0) - u)) + rounded(high * u); /* high - low might overflow */
            store_first(j->out + i + k, count - k, vmin(vmax(v, low), last));
        }
    }
}

void uniform_real(philox_state *state, int64_t n, double low, double high, real *out) {
    random_job j = {.seed = state->seed, .offset = state->offset, .first = (real)low, .second = (real)high, .out = out};
    parallel_for(n, NUMBERS_PER_CHUNK, uniform_body, &j);
    state->offset += blocks_used(n, GROUP);
}

/* Box and Muller (1958): sqrt(-2 ln u) cos t and sqrt(-2 ln u) sin t, u in (0, 1], t in [-pi, pi). Within a group, the
 * first half of the numbers are the cosines and the second half the sines. */
static inline void normal_group(const uint32_t *words, vreal mean, vreal std, real *out) {
    for (int64_t k = 0; k < GROUP / 2; k += LANES) {
        vreal u = fraction_to_one(words + k * WORDS_PER_NUMBER);
        vreal turn = fraction_from_zero(words + GROUP_WORDS / 2 + k * WORDS_PER_NUMBER) - REAL_C(0.5);
        vreal radius = vsqrt(REAL_C(-2.0) * vlog(u)) * std, angle = turn * REAL_C(6.283185307179586476925);
        vstore(out + k, vfma(radius, vcos(angle), mean));
        vstore(out + GROUP / 2 + k, vfma(radius, vsin(angle), mean));
    }
}

static void normal_body(void *context, int64_t begin, int64_t end) {
    const random_job *j = context;
    const vreal mean = vset(j->first), std = vset(j->second);
    uint32_t words[BATCH_WORDS];
    for (int64_t i = begin, count; i < end; i += count) {
        count = next_batch(j, i, end, GROUP, words);
        int64_t k = 0;
        for (; k + GROUP <= count; k += GROUP) normal_group(words + k * WORDS_PER_NUMBER, mean, std, j->out + i + k);
        if (k < count) {
            real last[GROUP_WORDS];
            normal_group(words + k * WORDS_PER_NUMBER, mean, std, last);
            memcpy(j->out + i + k, last, (size_t)(count - k) * sizeof(real));
        }
    }
}

void normal_real(philox_state *state, int64_t n, double mean, double std, real *out) {
    random_job j = {.seed = state->seed, .offset = state->offset, .first = (real)mean, .second = (real)std, .out = out};
    parallel_for(n, NUMBERS_PER_CHUNK / 2, normal_body, &j);
    state->offset += blocks_used(n, GROUP);
}

static void bernoulli_body(void *context, int64_t begin, int64_t end) {
    const random_job *j = context;
    const vreal one = vset(1), zero = {0};
    uint32_t words[BATCH_WORDS];
    for (int64_t i = begin, count; i < end; i += count) {
        count = next_batch(j, i, end, GROUP, words);
        const real *p = j->p + i * j->p_step;
        for (int64_t k = 0; k < count; k += LANES) {
            vreal chance = !j->p_step ? vset(*p) : count - k >= LANES ? vload(p + k) : vload_partial(p + k, count - k);
            vint happens = fraction_from_zero(words + k * WORDS_PER_NUMBER) < chance;
            store_first(j->out + i + k, count - k, vselect(happens, one, zero));
        }
    }
}

void bernoulli_real(philox_state *state, int64_t n, const real *p, int64_t p_step, real *out) {
    random_job j = {.seed = state->seed, .offset = state->offset, .p = p, .p_step = p_step, .out = out};
    parallel_for(n, NUMBERS_PER_CHUNK, bernoulli_body, &j);
    state->offset += blocks_used(n, GROUP);
}

/* ---- Dropout: one word for each number, whatever its type ---- */

static inline void scale_kept(int64_t n, real scale, const real *x, const uint8_t *mask, real *out) {
    for (int64_t i = 0; i < n; i++) out[i] = mask[i] ? x[i] * scale : 0;
}

static void dropout_body(void *context, int64_t begin, int64_t end) {
    const random_job *j = context;
    uint32_t words[BATCH_WORDS];
    for (int64_t i = begin, count; i < end; i += count) {
        count = next_batch(j, i, end, GROUP_WORDS, words);
        uint8_t *mask = j->mask + i;
        for (int64_t k = 0; k < count; k++) mask[k] = words[k] >= j->threshold;
        scale_kept(count, j->first, j->x + i, mask, j->out + i);
    }
}

static void dropout_backward_body(void *context, int64_t begin, int64_t end) {
    const random_job *j = context;
    scale_kept(end - begin, j->first, j->x + begin, j->mask + begin, j->out + begin);
}

void dropout_real(philox_state *state, int64_t n, double p, const real *x, real *out, uint8_t *mask) {
    uint64_t dropped = (uint64_t)(p * 0x1p32 + 0.5); /* of 2^32 words */
    if (dropped > UINT32_MAX) {
        memset(out, 0, (size_t)n * sizeof(real));
        memset(mask, 0, (size_t)n);
    } else {
        random_job j = {.seed = state->seed, .offset = state->offset, .first = (real)(1 / (1 - p)), .x = x, .out = out,
                        .mask = mask, .threshold = (uint32_t)dropped};
        parallel_for(n, NUMBERS_PER_CHUNK, dropout_body, &j);
    }
    state->offset += blocks_used(n, GROUP_WORDS);
}

void dropout_backward_real(int64_t n, double p, const real *grad, const uint8_t *mask, real *grad_x) {
    random_job j = {.first = (real)(1 / (1 - p)), .x = grad, .out = grad_x, .mask = (uint8_t *)mask};
    parallel_for(n, elementwise_chunk(2 * sizeof(real) + 1), dropout_backward_body, &j);
}
