/* Running sums and products of x[outer, n, inner] along the middle, carried in double precision. */
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "simd/simd.h"

#define COLUMN_TASK 256 /* columns in a task */

typedef struct {
    const real *x;
    real *out;
    int64_t n, inner, strips;
} scan_job;

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
        scan_job j = {x, out, n, inner, (inner + COLUMN_TASK - 1) / COLUMN_TASK};                                      \
        int64_t width = inner < COLUMN_TASK ? inner : COLUMN_TASK;                                                     \
        parallel_for(outer *j.strips, 1 + 16384 / (n * width + 1), name##_body, &j);                                   \
    }

SCAN(cumsum, 0, +)
SCAN(cumprod, 1, *)
