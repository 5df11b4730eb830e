/* Weighted sums of a few places each, along the middle of x[outer, n, inner]: interpolation, and padding that repeats the
 * input. More dimensions than one are done one after the other. */
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "simd/simd.h"

#define NUMBERS_PER_CHUNK 16384
#define CACHE_LINE ((int64_t)(64 / sizeof(real))) /* numbers of a cache line */

typedef struct {
    int64_t n, inner, m, taps;
    const int64_t *index;
    const double *weight;
    const real *from;
    real *to;
} resample_job;

static int64_t chunk_of(int64_t numbers_each) {
    return numbers_each < NUMBERS_PER_CHUNK ? NUMBERS_PER_CHUNK / (numbers_each > 0 ? numbers_each : 1) : 1;
}

/* Position of the first index not in 0..limit-1, or -1. */
static int64_t first_outside(int64_t n, const int64_t *index, int64_t limit) {
    for (int64_t i = 0; i < n; i++)
        if (index[i] < 0 || index[i] >= limit) return i;
    return -1;
}

/* out[n] = weight x[n], or added to it. */
static inline void scale_row(int64_t n, real weight, const real *x, real *out) {
    const vreal w = vset(weight);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) vstore(out + i, w * vload(x + i));
    for (; i < n; i++) out[i] = weight * x[i];
}
static inline void add_scaled_row(int64_t n, real weight, const real *x, real *out) {
    const vreal w = vset(weight);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) vstore(out + i, vload(out + i) + w * vload(x + i));
    for (; i < n; i++) out[i] += weight * x[i];
}

/* Rows [begin, end) of x[outer, n] and out[outer, m]: inner is 1. */
static void lines_body(void *context, int64_t begin, int64_t end) {
    const resample_job *j = context;
    const int64_t taps = j->taps, *index = j->index;
    const double *weight = j->weight;
    for (int64_t o = begin; o < end; o++) {
        const real *x = j->from + o * j->n;
        real *out = j->to + o * j->m;
        if (!weight)
            for (int64_t p = 0; p < j->m; p++) out[p] = x[index[p]];
        else
            for (int64_t p = 0; p < j->m; p++) {
                real sum = (real)weight[p * taps] * x[index[p * taps]];
                for (int64_t t = p * taps + 1; t < (p + 1) * taps; t++) sum += (real)weight[t] * x[index[t]];
                out[p] = sum;
            }
    }
}

static void lines_backward_body(void *context, int64_t begin, int64_t end) {
    const resample_job *j = context;
    const int64_t taps = j->taps, *index = j->index;
    const double *weight = j->weight;
    for (int64_t o = begin; o < end; o++) {
        const real *grad = j->from + o * j->m;
        real *grad_x = j->to + o * j->n;
        for (int64_t i = 0; i < j->n; i++) grad_x[i] = 0;
        if (!weight)
            for (int64_t p = 0; p < j->m; p++) grad_x[index[p]] += grad[p];
        else
            for (int64_t p = 0; p < j->m; p++)
                for (int64_t t = p * taps; t < (p + 1) * taps; t++) grad_x[index[t]] += (real)weight[t] * grad[p];
    }
}

/* Rows [begin, end) of out[outer * m, inner]. */
static void resample_body(void *context, int64_t begin, int64_t end) {
    const resample_job *j = context;
    const int64_t inner = j->inner, taps = j->taps;
    const real *x = j->from + begin / j->m * j->n * inner;
    int64_t place = begin % j->m;
    for (int64_t r = begin; r < end; r++) {
        const int64_t *index = j->index + place * taps;
        const double *weight = j->weight ? j->weight + place * taps : 0;
        real *out = j->to + r * inner;
        if (!weight) {
            memcpy(out, x + *index * inner, (size_t)inner * sizeof(real));
        } else {
            scale_row(inner, (real)weight[0], x + index[0] * inner, out);
            for (int64_t t = 1; t < taps; t++) add_scaled_row(inner, (real)weight[t], x + index[t] * inner, out);
        }
        if (++place == j->m) place = 0, x += j->n * inner;
    }
}

int64_t resample_real(int64_t outer, int64_t n, int64_t inner, int64_t m, int64_t taps, const int64_t *index,
                      const double *weight, const real *x, real *out) {
    const int64_t bad = first_outside(m * taps, index, n);
    if (bad >= 0) return bad;
    resample_job j = {n, inner, m, taps, index, weight, x, out};
    if (inner == 1)
        parallel_for(outer, chunk_of(m * taps), lines_body, &j);
    else
        parallel_for(outer * m, chunk_of(inner * taps), resample_body, &j);
    return -1;
}

/* Columns [begin, end) of the outer * inner there are. */
static void resample_backward_body(void *context, int64_t begin, int64_t end) {
    const resample_job *j = context;
    const int64_t inner = j->inner, taps = j->taps;
    while (begin < end) {
        const int64_t outer = begin / inner, first = begin % inner;
        const int64_t count = inner - first < end - begin ? inner - first : end - begin;
        const real *grad = j->from + outer * j->m * inner + first;
        real *grad_x = j->to + outer * j->n * inner + first;
        for (int64_t i = 0; i < j->n; i++)
            for (int64_t c = 0; c < count; c++) grad_x[i * inner + c] = 0;
        for (int64_t p = 0; p < j->m; p++)
            for (int64_t t = 0; t < taps; t++) {
                const real weight = j->weight ? (real)j->weight[p * taps + t] : 1;
                add_scaled_row(count, weight, grad + p * inner, grad_x + j->index[p * taps + t] * inner);
            }
        begin += count;
    }
}

int64_t resample_backward_real(int64_t outer, int64_t n, int64_t inner, int64_t m, int64_t taps, const int64_t *index,
                               const double *weight, const real *grad_out, real *grad_x) {
    const int64_t bad = first_outside(m * taps, index, n);
    if (bad >= 0) return bad;
    resample_job j = {n, inner, m, taps, index, weight, grad_out, grad_x};
    if (inner == 1) {
        parallel_for(outer, chunk_of(n + m * taps), lines_backward_body, &j);
        return -1;
    }
    const int64_t columns = chunk_of(n + m * taps);
    parallel_for(outer * inner, (columns + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE, resample_backward_body, &j);
    return -1;
}
