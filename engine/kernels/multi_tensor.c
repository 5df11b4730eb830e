/* Operations on many tensors in one call: norms of gradients, gradients scaled, clamped and summed. */
#include "kernels/multi_tensor.h"
#include <float.h>
#include <math.h>

#define NORM_CHUNK 65536 /* numbers: 5 µs from memory */
#define BLOCK 2048       /* numbers summed in their own type; sums of blocks meet in double */

/* Sum of n squares. */
static double square_sum(const real *x, int64_t n) {
    double total = 0;
    for (int64_t begin = 0; begin < n; begin += BLOCK) {
        int64_t end = begin + BLOCK < n ? begin + BLOCK : n, i = begin;
        vreal s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
        for (; i + 4 * LANES <= end; i += 4 * LANES) {
            vreal a = vload(x + i), b = vload(x + i + LANES), c = vload(x + i + 2 * LANES),
                  d = vload(x + i + 3 * LANES);
            s0 = vfma(a, a, s0);
            s1 = vfma(b, b, s1);
            s2 = vfma(c, c, s2);
            s3 = vfma(d, d, s3);
        }
        for (; i < end; i += LANES) {
            vreal a = load_up_to(x + i, end - i);
            s0 = vfma(a, a, s0);
        }
        total += (double)vsum((s0 + s1) + (s2 + s3));
    }
    return total;
}

/* The norm where squares leave the range of their type: numbers are divided by the largest first. */
static double scaled_norm(const real *x, int64_t n) {
    double largest = 0, total = 0;
    for (int64_t i = 0; i < n; i++) {
        if (x[i] != x[i]) return (double)x[i];
        if (fabs((double)x[i]) > largest) largest = fabs((double)x[i]);
    }
    if (largest == 0 || isinf(largest)) return largest;
    for (int64_t i = 0; i < n; i++) total += ((double)x[i] / largest) * ((double)x[i] / largest);
    return largest * sqrt(total);
}

typedef struct {
    const real *const *x;
    double *sums; /* by slot */
} norm_job;

static void norm_piece(const void *context, int64_t i, int64_t at, int64_t n, int64_t slot) {
    const norm_job *job = context;
    job->sums[slot] = square_sum(job->x[i] + at, n);
}

void norms_real(int64_t count, const int64_t *size, const real *const *x, double *norms) {
    norm_job job = {x, 0};
    tensor_walk walk = {count, size, x, NORM_CHUNK, norm_piece, &job, 0};
    int64_t total = lay_out(&walk);
    job.sums = thread_scratch(SCRATCH_SUMS, (size_t)slots_of(&walk, total) * sizeof(double));
    walk_tensors(&walk, total);
    const double small = sizeof(real) == sizeof(double) ? 1e-280 : 1e-30; /* below, squares have lost digits */
    for (int64_t i = 0; i < count; i++) {
        norms[i] = 0;
        if (!x[i] || size[i] == 0) continue;
        double sum = 0;
        for (int64_t slot = first_slot(&walk, i); slot <= last_slot(&walk, i); slot++) sum += job.sums[slot];
        norms[i] = sum >= small && sum <= DBL_MAX ? sqrt(sum) : scaled_norm(x[i], size[i]);
    }
}
