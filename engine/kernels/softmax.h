/* What softmax and cross entropy share: one row of numbers at a time, while it is in cache. */
#pragma once
#include "simd/math.h"
#include "simd/simd.h"

#define SOFTMAX_NUMBERS_PER_CHUNK 16384

/* How many rows of n numbers make a chunk of work. */
static inline int64_t rows_per_chunk(int64_t n) {
    return n < SOFTMAX_NUMBERS_PER_CHUNK ? SOFTMAX_NUMBERS_PER_CHUNK / (n > 0 ? n : 1) : 1;
}

/* Mask of the first n lanes. */
static inline vint first_lanes(int64_t n) {
    vint lane = {0};
    for (int i = 0; i < LANES; i++) lane[i] = (integer)i;
    return lane < vseti((integer)n);
}

/* The next numbers of a row of which n are left: a whole vector, or a partial one with zeros. And its counterpart. */
static inline vreal vload_left(const real *p, int64_t n) { return n >= LANES ? vload(p) : vload_partial(p, n); }
static inline void vstore_left(real *p, int64_t n, vreal v) {
    if (n >= LANES) vstore(p, v);
    else vstore_partial(p, n, v);
}

/* The largest lane; no lane is NaN. */
static inline real vmax_lanes(vreal v) {
#if defined(LEVEL_AVX512)
    return V(reduce_max)((__typeof__(V(setzero)()))v);
#else
    real x[LANES];
    memcpy(x, &v, sizeof x);
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++) x[i] = x[i] > x[i + half] ? x[i] : x[i + half];
    return x[0];
#endif
}

/* Largest of x[n], -inf for none. A NaN is passed over: it comes back in the sum of exponentials. */
static inline real row_max(int64_t n, const real *x) {
    const vreal lowest = vset(-(real)INFINITY);
    vreal top = lowest, other = lowest;
    int64_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        top = vmax(vload(x + i), top);
        other = vmax(vload(x + i + LANES), other);
    }
    if (i + LANES <= n) {
        other = vmax(vload(x + i), other);
        i += LANES;
    }
    if (i < n) top = vmax(vselect(first_lanes(n - i), vload_partial(x + i, n - i), lowest), top);
    return vmax_lanes(vmax(top, other));
}

/* Sum of exp(x[n] - max); the exponentials go to `out` unless it is NULL. */
static inline real row_exp_sum(int64_t n, const real *x, real max, real *out) {
    const vreal top = vset(max);
    vreal sum = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vreal e = vexp(vload(x + i) - top);
        if (out) vstore(out + i, e);
        sum += e;
    }
    if (i < n) {
        vreal e = vexp(vload_partial(x + i, n - i) - top);
        if (out) vstore_partial(out + i, n - i, e);
        sum += vselect(first_lanes(n - i), e, (vreal){0});
    }
    return vsum(sum);
}
