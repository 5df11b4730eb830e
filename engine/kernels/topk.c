/* The k best numbers of each row. The best so far stand in a heap, the worst of them on top, built in the result's own
 * memory: most numbers are compared with the worst and passed over. At the end the heap is taken apart, worst first. */
#include "lucid_engine.h"
#include "runtime/parallel.h"

#define NUMBERS_PER_CHUNK 8192

typedef struct {
    int64_t n, k, largest;
    const real *x;
    real *out;
    int64_t *index;
} topk_job;

/* Whether a comes before b; NaN is larger than all. */
static inline int beats(int64_t largest, real a, real b) {
    return largest ? a > b || (a != a && b == b) : a < b || (b != b && a == a);
}

/* Whether the number at place a of the heap is worse than that at b: of equal ones, the later. */
static inline int worse(int64_t largest, const real *x, const int64_t *index, int64_t a, int64_t b) {
    return beats(largest, x[b], x[a]) || (!beats(largest, x[a], x[b]) && index[a] > index[b]);
}

static inline void swap(real *x, int64_t *index, int64_t a, int64_t b) {
    real number = x[a];
    int64_t place = index[a];
    x[a] = x[b], index[a] = index[b];
    x[b] = number, index[b] = place;
}

/* Moves the number at place i down a heap of `size`, until none below it is worse. */
static void sift_down(int64_t largest, real *x, int64_t *index, int64_t i, int64_t size) {
    for (;;) {
        int64_t worst = i, left = 2 * i + 1, right = left + 1;
        if (left < size && worse(largest, x, index, left, worst)) worst = left;
        if (right < size && worse(largest, x, index, right, worst)) worst = right;
        if (worst == i) return;
        swap(x, index, i, worst);
        i = worst;
    }
}

static void topk_row(int64_t n, int64_t k, int64_t largest, const real *x, real *out, int64_t *index) {
    for (int64_t i = 0; i < k; i++) out[i] = x[i], index[i] = i;
    for (int64_t i = k / 2 - 1; i >= 0; i--) sift_down(largest, out, index, i, k);
    for (int64_t i = k; i < n; i++)
        if (beats(largest, x[i], out[0])) {
            out[0] = x[i], index[0] = i;
            sift_down(largest, out, index, 0, k);
        }
    for (int64_t size = k - 1; size > 0; size--) {
        swap(out, index, 0, size);
        sift_down(largest, out, index, 0, size);
    }
}

static void topk_body(void *context, int64_t begin, int64_t end) {
    const topk_job *j = context;
    for (int64_t r = begin; r < end; r++)
        topk_row(j->n, j->k, j->largest, j->x + r * j->n, j->out + r * j->k, j->index + r * j->k);
}

void topk_real(int64_t rows, int64_t n, int64_t k, int64_t largest, const real *x, real *out, int64_t *index) {
    if (k == 0) return;
    topk_job j = {n, k, largest, x, out, index};
    parallel_for(rows, 1 + NUMBERS_PER_CHUNK / n, topk_body, &j);
}
