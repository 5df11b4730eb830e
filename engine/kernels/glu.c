/* The gated linear unit: a sigmoid(b), a and b the halves of each row of x. */
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "simd/math.h"

#define SEGMENT 4096 /* numbers of a row that are a task */

typedef struct {
    int64_t n, segments;
    const real *grad, *x;
    real *out;
} glu_job;

/* What task number `task` is: n numbers from a and from b on, and where they stand in the result. */
typedef struct {
    int64_t n, at, at_a, at_b;
} segment;

static inline segment segment_of(const glu_job *j, int64_t task) {
    int64_t row = task / j->segments, first = task % j->segments * SEGMENT;
    return (segment){j->n - first < SEGMENT ? j->n - first : SEGMENT, row * j->n + first, 2 * row * j->n + first,
                     (2 * row + 1) * j->n + first};
}

static void glu_body(void *context, int64_t begin, int64_t end) {
    const glu_job *j = context;
    for (int64_t task = begin; task < end; task++) {
        segment s = segment_of(j, task);
        for (int64_t i = 0, left = s.n; left > 0; i += LANES, left -= LANES)
            store_up_to(j->out + s.at + i, left,
                        load_up_to(j->x + s.at_a + i, left) * vsigmoid(load_up_to(j->x + s.at_b + i, left)));
    }
}

static void glu_backward_body(void *context, int64_t begin, int64_t end) {
    const glu_job *j = context;
    for (int64_t task = begin; task < end; task++) {
        segment s = segment_of(j, task);
        for (int64_t i = 0, left = s.n; left > 0; i += LANES, left -= LANES) {
            vreal gate = vsigmoid(load_up_to(j->x + s.at_b + i, left));
            vreal part = load_up_to(j->grad + s.at + i, left) * gate;
            store_up_to(j->out + s.at_a + i, left, part);
            store_up_to(j->out + s.at_b + i, left, part * load_up_to(j->x + s.at_a + i, left) * (vset(1) - gate));
        }
    }
}

static void run(void (*body)(void *, int64_t, int64_t), int64_t outer, glu_job j) {
    j.segments = (j.n + SEGMENT - 1) / SEGMENT;
    int64_t each = j.n < SEGMENT ? j.n : SEGMENT;
    parallel_for(outer * j.segments, each ? 1 + 2 * SEGMENT / each : 1, body, &j);
}

void glu_real(int64_t outer, int64_t n, const real *x, real *out) {
    run(glu_body, outer, (glu_job){.n = n, .x = x, .out = out});
}

void glu_backward_real(int64_t outer, int64_t n, const real *grad, const real *x, real *grad_x) {
    run(glu_backward_body, outer, (glu_job){.n = n, .grad = grad, .x = x, .out = grad_x});
}
