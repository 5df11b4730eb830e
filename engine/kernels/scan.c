/* Scans of x[outer, n, inner] along the middle: running sums and products, carried in double precision, linear recurrences,
 * and running extremes with their positions. */
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "simd/math.h"

#define COLUMN_TASK 256 /* columns in a task */

typedef struct {
    const real *x, *factor; /* factor: of linear_scan; the gradient of prod_backward */
    real *out;
    int64_t *index; /* of cummax and cummin */
    int64_t n, inner, strips;
    int64_t reverse; /* of linear_scan */
} scan_job;

static void run_scan(void (*body)(void *, int64_t, int64_t), scan_job *j, int64_t outer) {
    int64_t width = j->inner < COLUMN_TASK ? j->inner : COLUMN_TASK;
    j->strips = (j->inner + COLUMN_TASK - 1) / COLUMN_TASK;
    parallel_for(outer * j->strips, 1 + 16384 / (j->n * width + 1), body, j);
}

#define SCAN(name, start, OPERATOR)                                                                                    \
    static void name##_body(void *context, int64_t begin, int64_t end) {                                               \
        const scan_job *j = context;                                                                                   \
        for (int64_t t = begin; t < end; t++) {                                                                        \
            int64_t first = t % j->strips * COLUMN_TASK, at = t / j->strips * j->n * j->inner + first;                 \
            int64_t width = j->inner - first < COLUMN_TASK ? j->inner - first : COLUMN_TASK;                           \
            double carried[COLUMN_TASK], one = start;                                                                  \
            if (j->inner == 1) {                                                                                       \
                for (int64_t i = at; i < at + j->n; i++) j->out[i] = (real)(one = one OPERATOR(double) j->x[i]);       \
                continue;                                                                                              \
            }                                                                                                          \
            for (int64_t c = 0; c < width; c++) carried[c] = start;                                                    \
            for (int64_t i = 0; i < j->n; i++, at += j->inner)                                                         \
                for (int64_t c = 0; c < width; c++)                                                                    \
                    j->out[at + c] = (real)(carried[c] = carried[c] OPERATOR(double) j->x[at + c]);                    \
        }                                                                                                              \
    }                                                                                                                  \
    void name##_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out) {                              \
        scan_job j = {.x = x, .out = out, .n = n, .inner = inner};                                                     \
        run_scan(name##_body, &j, outer);                                                                              \
    }

SCAN(cumsum, 0, +)
SCAN(cumprod, 1, *)

/* Forth with the product of the numbers before, and back with that of the numbers after: no division, so zeros are as
 * other numbers. */
static void prod_backward_body(void *context, int64_t begin, int64_t end) {
    const scan_job *j = context;
    for (int64_t t = begin; t < end; t++) {
        int64_t part = t / j->strips, first = t % j->strips * COLUMN_TASK, at = part * j->n * j->inner + first;
        int64_t width = j->inner - first < COLUMN_TASK ? j->inner - first : COLUMN_TASK;
        double carried[COLUMN_TASK];
        for (int64_t c = 0; c < width; c++) carried[c] = (double)j->factor[part * j->inner + first + c];
        for (int64_t i = 0; i < j->n; i++, at += j->inner)
            for (int64_t c = 0; c < width; c++) {
                j->out[at + c] = (real)carried[c];
                carried[c] *= (double)j->x[at + c];
            }
        for (int64_t c = 0; c < width; c++) carried[c] = 1;
        for (int64_t i = 0; i < j->n; i++) {
            at -= j->inner;
            for (int64_t c = 0; c < width; c++) {
                j->out[at + c] = (real)((double)j->out[at + c] * carried[c]);
                carried[c] *= (double)j->x[at + c];
            }
        }
    }
}
void prod_backward_real(int64_t outer, int64_t n, int64_t inner, const real *grad, const real *x, real *out) {
    scan_job j = {.x = x, .factor = grad, .out = out, .n = n, .inner = inner};
    run_scan(prod_backward_body, &j, outer);
}

/* Forward out[i] = x[i] + factor[i] out[i - 1]; backward out[i] = x[i] + factor[i + 1] out[i + 1]. */
static void linear_scan_body(void *context, int64_t begin, int64_t end) {
    const scan_job *j = context;
    for (int64_t t = begin; t < end; t++) {
        int64_t first = t % j->strips * COLUMN_TASK, at = t / j->strips * j->n * j->inner + first;
        int64_t width = j->inner - first < COLUMN_TASK ? j->inner - first : COLUMN_TASK;
        int64_t step = j->reverse ? -j->inner : j->inner;
        const real *factor = j->reverse ? j->factor + j->inner : j->factor;
        if (j->n == 0) continue;
        if (j->reverse) at += (j->n - 1) * j->inner;
        double carried[COLUMN_TASK], one = j->x[at];
        for (int64_t c = 0; c < width; c++) j->out[at + c] = (real)(carried[c] = (double)j->x[at + c]);
        for (int64_t i = 1; i < j->n; i++) {
            at += step;
            if (j->inner == 1)
                j->out[at] = (real)(one = (double)j->x[at] + (double)factor[at] * one);
            else
                for (int64_t c = 0; c < width; c++)
                    j->out[at + c] = (real)(carried[c] = (double)j->x[at + c] + (double)factor[at + c] * carried[c]);
        }
    }
}
void linear_scan_real(int64_t outer, int64_t n, int64_t inner, const real *x, const real *factor, int64_t reverse,
                      real *out) {
    scan_job j = {.x = x, .factor = factor, .out = out, .n = n, .inner = inner, .reverse = reverse};
    run_scan(linear_scan_body, &j, outer);
}

/* The last of equals; the first NaN and every one after it. */
#define EXTREMUM_SCAN(name, start, OPERATOR)                                                                           \
    static void name##_row(const scan_job *j, int64_t at) {                                                            \
        real best = start;                                                                                             \
        int64_t place = 0;                                                                                             \
        for (int64_t i = 0; i < j->n; i++) {                                                                           \
            real x = j->x[at + i];                                                                                     \
            if (x != x || x OPERATOR best) {                                                                           \
                best = x;                                                                                              \
                place = i;                                                                                             \
            }                                                                                                          \
            j->out[at + i] = best;                                                                                     \
            j->index[at + i] = place;                                                                                  \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_body(void *context, int64_t begin, int64_t end) {                                               \
        const scan_job *j = context;                                                                                   \
        for (int64_t t = begin; t < end; t++) {                                                                        \
            int64_t first = t % j->strips * COLUMN_TASK, at = t / j->strips * j->n * j->inner + first;                 \
            int64_t width = j->inner - first < COLUMN_TASK ? j->inner - first : COLUMN_TASK;                           \
            real best[COLUMN_TASK];                                                                                    \
            int64_t place[COLUMN_TASK] = {0};                                                                          \
            if (j->inner == 1) {                                                                                       \
                name##_row(j, at);                                                                                     \
                continue;                                                                                              \
            }                                                                                                          \
            for (int64_t c = 0; c < width; c++) best[c] = start;                                                       \
            for (int64_t i = 0; i < j->n; i++, at += j->inner)                                                         \
                for (int64_t c = 0; c < width; c++) {                                                                  \
                    real x = j->x[at + c];                                                                             \
                    int better = x != x || x OPERATOR best[c];                                                         \
                    best[c] = better ? x : best[c];                                                                    \
                    place[c] = better ? i : place[c];                                                                  \
                    j->out[at + c] = best[c];                                                                          \
                    j->index[at + c] = place[c];                                                                       \
                }                                                                                                      \
        }                                                                                                              \
    }                                                                                                                  \
    void name##_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out, int64_t *index) {              \
        scan_job j = {.x = x, .out = out, .index = index, .n = n, .inner = inner};                                     \
        run_scan(name##_body, &j, outer);                                                                              \
    }

EXTREMUM_SCAN(cummax, -REAL_INFINITY, >=)
EXTREMUM_SCAN(cummin, REAL_INFINITY, <=)
