/* Random integers and permutations. Element i takes 64 bits: half i % 2 of block i / 2.
 *
 * A number below `range` is the high word of bits * range (Lemire, "Fast random integer generation in an interval",
 * ACM TOMACS 2019): unbiased, because the few products that would give one value more often than another are drawn
 * again. Redrawing takes the same block with the attempt in the counter's upper half, so that an element never depends
 * on the others. */
#include "lucid_engine.h"
#include "parallel.h"
#include "philox.h"

#define INTEGERS_PER_CHUNK 8192

__extension__ typedef unsigned __int128 uint128;

void philox_block(uint64_t seed, uint64_t counter_low, uint64_t counter_high, uint32_t *words) {
    philox4x32(seed, counter_low, counter_high, words);
}

static inline uint64_t half_block(const uint32_t *words, int64_t half) {
    return words[2 * half] | (uint64_t)words[2 * half + 1] << 32;
}

/* Element i below `range` (> 0), from its bits at the first attempt. */
static inline uint64_t below(uint64_t range, uint64_t bits, uint64_t seed, uint64_t offset, int64_t i) {
    uint128 product = (uint128)bits * range;
    if ((uint64_t)product < range) {
        uint64_t biased = -range % range; /* 2^64 mod range */
        for (uint64_t attempt = 1; (uint64_t)product < biased; attempt++) {
            uint32_t words[4];
            philox4x32(seed, offset + (uint64_t)(i / 2), attempt, words);
            product = (uint128)half_block(words, i % 2) * range;
        }
    }
    return (uint64_t)(product >> 64);
}

typedef struct {
    uint64_t seed, offset, low, range;
    int64_t *out;
} integers_job;

static void integers_body(void *context, int64_t begin, int64_t end) {
    const integers_job *j = context;
    for (int64_t i = begin; i < end; i += 2) {
        uint32_t words[4];
        philox4x32(j->seed, j->offset + (uint64_t)(i / 2), 0, words);
        for (int64_t half = 0; half < 2 && i + half < end; half++)
            j->out[i + half] =
                (int64_t)(j->low + below(j->range, half_block(words, half), j->seed, j->offset, i + half));
    }
}

void random_integers(philox_state *state, int64_t n, int64_t low, int64_t high, int64_t *out) {
    uint64_t range = high > low ? (uint64_t)high - (uint64_t)low : 1;
    integers_job j = {state->seed, state->offset, (uint64_t)low, range, out};
    parallel_for(n, INTEGERS_PER_CHUNK, integers_body, &j);
    state->offset += (uint64_t)(n + 1) / 2;
}

void random_reserve(philox_state *state, int64_t blocks, int64_t *drawn) {
    drawn[0] = (int64_t)state->seed;
    drawn[1] = (int64_t)state->offset;
    state->offset += (uint64_t)blocks;
}

/* Fisher and Yates's shuffle, from the last position down: position i changes places with one of 0..i. */
void random_permutation(philox_state *state, int64_t n, int64_t *out) {
    uint32_t words[4];
    for (int64_t i = 0; i < n; i++) out[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        if (i == n - 1 || i % 2) philox4x32(state->seed, state->offset + (uint64_t)(i / 2), 0, words);
        int64_t other = (int64_t)below((uint64_t)i + 1, half_block(words, i % 2), state->seed, state->offset, i);
        int64_t kept = out[i];
        out[i] = out[other];
        out[other] = kept;
    }
    state->offset += (uint64_t)(n + 1) / 2;
}
