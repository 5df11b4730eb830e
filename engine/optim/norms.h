/* Norms of whole parameters, for rules whose steps follow them. */
#pragma once
#include "group.h"

/* Squares of a vector are added up in double: those of float then stay in range, and sums of many keep their digits. */
typedef double doubles __attribute__((vector_size(VECTOR_BYTES)));
typedef struct {
    doubles low, high; /* of the halves of a vector of float; of double, low has all */
} square_sum;

INLINE void add_squares(square_sum *sum, vreal x) {
#if REAL_IS_DOUBLE
    sum->low = vfma(x, x, sum->low);
#else
#if defined(LEVEL_AVX512)
    doubles low = (doubles)_mm512_cvtps_pd(_mm512_castps512_ps256((__m512)x));
    doubles high = (doubles)_mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)x, 1));
#elif defined(LEVEL_AVX2)
    doubles low = (doubles)_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)x));
    doubles high = (doubles)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)x, 1));
#elif defined(__x86_64__)
    doubles low = (doubles)_mm_cvtps_pd((__m128)x), high = (doubles)_mm_cvtps_pd(_mm_movehl_ps((__m128)x, (__m128)x));
#elif defined(__aarch64__)
    doubles low = (doubles)vcvt_f64_f32(vget_low_f32((float32x4_t)x));
    doubles high = (doubles)vcvt_high_f64_f32((float32x4_t)x);
#else
    doubles low, high;
    for (int i = 0; i < LANES / 2; i++) {
        low[i] = (double)x[i];
        high[i] = (double)x[i + LANES / 2];
    }
#endif
    sum->low += low * low; /* products of two floats are exact in double */
    sum->high += high * high;
#endif
}

/* The sum of a whole vector, or of the n numbers that are left: what stands in the other lanes does not count. */
INLINE void add_squares_up_to(square_sum *sum, int64_t n, vreal x) {
    if (n < LANES) {
        real kept[LANES] = {0};
        store_up_to(kept, n, x);
        x = vload(kept);
    }
    add_squares(sum, x);
}

static inline double total_of(square_sum sum) {
    double total = 0;
    sum.low += sum.high;
    for (int i = 0; i < (int)(sizeof(doubles) / sizeof(double)); i++) total += sum.low[i];
    return total;
}

/* Defines sum_body name_sums, as RULE_BODY does, from name_squares(rule, numbers, j, left, found), which adds squares of
 * the vector at number j to found[each]. */
#define SUM_BODY(name, each)                                                                                           \
    static void name##_sums(const void *context, int64_t i, int64_t at, int64_t n, double *sums) {                     \
        const name##_rule rule = *(const name##_rule *)context;                                                        \
        const name##_numbers numbers = name##_numbers_at(&rule, i, at);                                                \
        square_sum found[each] = {{{0}, {0}}};                                                                         \
        int64_t j = 0;                                                                                                 \
        for (; j + LANES <= n; j += LANES) name##_squares(rule, numbers, j, LANES, found);                             \
        if (j < n) name##_squares(rule, numbers, j, n - j, found);                                                     \
        for (int k = 0; k < (each); k++) sums[k] += total_of(found[k]);                                                \
    }

/* a / b; 1 where either is 0, so that a parameter can leave 0, and one without gradient is left to the other terms. */
static inline double trust_ratio(double a, double b) { return a == 0 || b == 0 ? 1 : a / b; }

/* ---- norms of parameters and of gradients as they are read ---- */

typedef struct {
    const param_group_real *group;
    gradient_reading reading;
} norms_rule;

typedef struct {
    const real *p, *gradient;
} norms_numbers;

INLINE norms_numbers norms_numbers_at(const norms_rule *rule, int64_t i, int64_t at) {
    return (norms_numbers){rule->group->parameter[i] + at, rule->group->gradient[i] + at};
}

INLINE void norms_squares(norms_rule rule, norms_numbers x, int64_t j, int64_t left, square_sum *found) {
    vreal p = load_up_to(x.p + j, left);
    add_squares(&found[0], p);
    add_squares(&found[1], read_gradient(rule.reading, x.gradient + j, left, p)); /* beyond the last number 0 */
}

SUM_BODY(norms, 2)

typedef struct {
    double parameter, gradient;
} parameter_norms;

/* The norms of all parameters with a gradient, 0 for those without; read them before the next call. */
static inline const parameter_norms *norms_of(const param_group_real *group, gradient_reading reading) {
    norms_rule rule = {group, reading};
    const double *sums = group_sums(group, 2, norms_sums, &rule);
    parameter_norms *norms = thread_scratch(SCRATCH_NORMS, (size_t)group->count * sizeof *norms);
    for (int64_t i = 0; i < group->count; i++) norms[i] = (parameter_norms){sqrt(sums[2 * i]), sqrt(sums[2 * i + 1])};
    return norms;
}
