/* Operations on many tensors in one call: norms of gradients; tensors scaled, clamped and copied. */
#include "kernels/multi_tensor.h"
#include "simd/power.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>

#define PIECE 65536 /* numbers: 5 µs from memory */
#define BLOCK 2048  /* numbers summed in their own type; sums of blocks meet in double */

/* ---- norms ----
 *
 * Those of order 0, 1, 2, inf and -inf need one pass. All others, and sums that leave the range of their type, are
 * computed as L (sum (|x| / L)^order)^(1 / order) with L the largest |x| (the smallest for a negative order): the sum
 * lies between 1 and the number of numbers. */
enum { NONZERO, ABSOLUTES, SQUARES, LARGEST, SMALLEST, POWERS };

/* What a vector adds to what was found so far. */
INLINE vreal fold(int kind, vreal so_far, vreal x, real scale, real order) {
    switch (kind) {
    case NONZERO:
        return so_far + vselect((vint)(x != vset(0)), vset(1), vset(0));
    case ABSOLUTES:
        return so_far + vabs(x);
    case SQUARES:
        return vfma(x, x, so_far);
    case LARGEST:
        return vmaximum(vabs(x), so_far);
    case SMALLEST:
        return vminimum(vabs(x), so_far);
    default:
        return so_far + vpow(vabs(x) / scale, vset(order));
    }
}

/* The same for what pieces and lanes have found. */
static inline double join(int kind, double a, double b) {
    if (kind != LARGEST && kind != SMALLEST) return a + b;
    if (a != a || b != b) return a != a ? a : b;
    return (kind == LARGEST) == (a > b) ? a : b;
}

static inline double nothing_found(int kind) { return kind == SMALLEST ? INFINITY : 0; }

INLINE double fold_numbers(int kind, const real *x, int64_t n, real scale, real order) {
    const vreal nothing = vset((real)nothing_found(kind));
    const real filling = kind == SMALLEST || (kind == POWERS && order < 0) ? REAL_INFINITY : 0; /* adds nothing */
    double total = nothing_found(kind);
    for (int64_t begin = 0; begin < n; begin += BLOCK) {
        int64_t end = begin + BLOCK < n ? begin + BLOCK : n, i = begin;
        vreal s[4] = {nothing, nothing, nothing, nothing};
        for (; i + 4 * LANES <= end; i += 4 * LANES)
            for (int v = 0; v < 4; v++) s[v] = fold(kind, s[v], vload(x + i + v * LANES), scale, order);
        for (; i < end; i += LANES) {
            vreal rest = vset(filling);
            memcpy(&rest, x + i, (size_t)(end - i < LANES ? end - i : LANES) * sizeof(real));
            s[0] = fold(kind, s[0], rest, scale, order);
        }
        if (kind == LARGEST || kind == SMALLEST) {
            for (int v = 1; v < 4; v++) s[0] = fold(kind, s[0], s[v], scale, order);
            for (int lane = 0; lane < LANES; lane++) total = join(kind, total, (double)s[0][lane]);
        } else {
            total += (double)vsum((s[0] + s[1]) + (s[2] + s[3]));
        }
    }
    return total;
}

typedef struct {
    int kind;
    const real *const *x;
    const double *scale; /* of POWERS: by tensor */
    real order;
    double *found; /* by slot */
} fold_job;

static double fold_with(int kind, const real *x, int64_t n, double scale, real order) {
    switch (kind) {
    case NONZERO:
        return fold_numbers(NONZERO, x, n, 0, 0);
    case ABSOLUTES:
        return fold_numbers(ABSOLUTES, x, n, 0, 0);
    case SQUARES:
        return fold_numbers(SQUARES, x, n, 0, 0);
    case LARGEST:
        return fold_numbers(LARGEST, x, n, 0, 0);
    case SMALLEST:
        return fold_numbers(SMALLEST, x, n, 0, 0);
    default: /* a scale of 0, infinity or NaN is the norm already */
        return scale > 0 && scale < INFINITY ? fold_numbers(POWERS, x, n, (real)scale, order) : 0;
    }
}

static void fold_piece(const void *context, int64_t i, int64_t at, int64_t n, int64_t slot) {
    const fold_job *job = context;
    job->found[slot] = fold_with(job->kind, job->x[i] + at, n, job->scale ? job->scale[i] : 0, job->order);
}

static int has_numbers(int64_t size, const real *x) { return x && size; }

/* One result for each tensor: read them before the next call. */
static const double *fold_all(int kind, int64_t count, const int64_t *size, const real *const *x, const double *scale,
                              double order) {
    fold_job job = {kind, x, scale, (real)order, 0};
    tensor_walk walk = {count, size, x, PIECE, fold_piece, &job, 0};
    int64_t total = lay_out(&walk);
    double *results = thread_scratch(SCRATCH_SUMS, (size_t)(count + slots_of(&walk, total)) * sizeof(double));
    job.found = results + count;
    walk_tensors(&walk, total);
    for (int64_t i = 0; i < count; i++) {
        results[i] = nothing_found(kind);
        if (!has_numbers(size[i], x[i])) continue;
        for (int64_t slot = first_slot(&walk, i); slot <= last_slot(&walk, i); slot++)
            results[i] = join(kind, results[i], job.found[slot]);
    }
    return results;
}

static void scaled_norms(int64_t count, const int64_t *size, const real *const *x, double order, double *norms) {
    const double *found = fold_all(order > 0 ? LARGEST : SMALLEST, count, size, x, 0, order);
    memcpy(norms, found, (size_t)count * sizeof(double));
    found = fold_all(POWERS, count, size, x, norms, order);
    for (int64_t i = 0; i < count; i++)
        if (norms[i] > 0 && norms[i] < INFINITY) norms[i] *= pow(found[i], 1 / (double)(real)order);
}

void norms_of_order_real(int64_t count, const int64_t *size, const real *const *x, double order, double *norms) {
    const double small = sizeof(real) == sizeof(double) ? 1e-280 : 1e-30; /* below, squares have lost digits */
    int kind = order == 0           ? NONZERO
               : order == 1         ? ABSOLUTES
               : order == 2         ? SQUARES
               : order == INFINITY  ? LARGEST
               : order == -INFINITY ? SMALLEST
                                    : POWERS;
    if (kind == POWERS) {
        scaled_norms(count, size, x, order, norms);
    } else {
        memcpy(norms, fold_all(kind, count, size, x, 0, 0), (size_t)count * sizeof(double));
        for (int64_t i = 0; i < count; i++) {
            int in_range = kind == SQUARES ? norms[i] >= small && norms[i] <= DBL_MAX : norms[i] <= DBL_MAX;
            if ((kind == SQUARES || kind == ABSOLUTES) && !in_range && has_numbers(size[i], x[i]))
                scaled_norms(1, size + i, x + i, order, norms + i);
            else if (kind == SQUARES)
                norms[i] = sqrt(norms[i]);
        }
    }
    for (int64_t i = 0; i < count; i++) {
        if (!has_numbers(size[i], x[i])) norms[i] = 0;
        if (order != order) norms[i] = NAN;
    }
}

void norms_real(int64_t count, const int64_t *size, const real *const *x, double *norms) {
    norms_of_order_real(count, size, x, 2, norms);
}

/* ---- changes in place ---- */

typedef struct {
    uintptr_t begin, end;
} stretch;

static int by_begin(const void *a, const void *b) {
    uintptr_t first = ((const stretch *)a)->begin, second = ((const stretch *)b)->begin;
    return (first > second) - (first < second);
}

/* Do some of the tensors share memory? */
static int any_overlap(int64_t count, const int64_t *size, real *const *x) {
    stretch *found = thread_scratch(SCRATCH_STRETCHES, (size_t)count * sizeof(stretch));
    int64_t n = 0;
    int sorted = 1;
    for (int64_t i = 0; i < count; i++) {
        if (!has_numbers(size[i], x[i])) continue;
        found[n] = (stretch){(uintptr_t)x[i], (uintptr_t)(x[i] + size[i])};
        if (n && found[n].begin < found[n - 1].begin) sorted = 0;
        n++;
    }
    if (!sorted) qsort(found, (size_t)n, sizeof(stretch), by_begin);
    for (int64_t i = 1; i < n; i++)
        if (found[i].begin < found[i - 1].end) return 1;
    return 0;
}

typedef struct {
    real *const *x;
    real factor, low, high;
} change_job;

/* All tensors in one walk; those that share memory one after the other. */
static void change_all(int64_t count, const int64_t *size, piece_body body, change_job job) {
    int64_t step = any_overlap(count, size, job.x) ? 1 : count;
    for (int64_t i = 0; i < count; i += step, job.x += step) {
        tensor_walk walk = {step, size + i, (const real *const *)job.x, PIECE, body, &job, 0};
        walk_tensors(&walk, lay_out(&walk));
    }
}

static void scale_piece(const void *context, int64_t i, int64_t at, int64_t n, int64_t slot) {
    const change_job *job = context;
    real *x = job->x[i] + at, factor = job->factor;
    (void)slot;
    for (int64_t j = 0; j < n; j += LANES) store_up_to(x + j, n - j, load_up_to(x + j, n - j) * factor);
}

static void clamp_piece(const void *context, int64_t i, int64_t at, int64_t n, int64_t slot) {
    const change_job *job = context;
    real *x = job->x[i] + at;
    vreal low = vset(job->low), high = vset(job->high);
    (void)slot;
    for (int64_t j = 0; j < n; j += LANES)
        store_up_to(x + j, n - j, vminimum(high, vmaximum(low, load_up_to(x + j, n - j))));
}

void scale_all_real(int64_t count, const int64_t *size, real *const *x, double factor) {
    if ((real)factor == 1) return;
    change_all(count, size, scale_piece, (change_job){x, (real)factor, 0, 0});
}

void clip_all_real(int64_t count, const int64_t *size, real *const *x, const double *norm, double max_norm) {
    const double factor = max_norm / (norm[0] + 1e-6);
    scale_all_real(count, size, x, factor >= 1 ? 1 : factor);
}

void clamp_all_real(int64_t count, const int64_t *size, real *const *x, double low, double high) {
    change_all(count, size, clamp_piece, (change_job){x, 0, (real)low, (real)high});
}

typedef struct {
    const real *const *x;
    real *const *out;
} copy_job;

static void copy_piece(const void *context, int64_t i, int64_t at, int64_t n, int64_t slot) {
    const copy_job *job = context;
    (void)slot;
    memcpy(job->out[i] + at, job->x[i] + at, (size_t)n * sizeof(real));
}

void copy_all_real(int64_t count, const int64_t *size, const real *const *x, real *const *out) {
    copy_job job = {x, out};
    tensor_walk walk = {count, size, x, PIECE, copy_piece, &job, 0};
    walk_tensors(&walk, lay_out(&walk));
}
