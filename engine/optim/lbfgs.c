/* L-BFGS: the vectors of all parameters together, and the two-loop recursion over them.
 *
 * The recursion (Nocedal, Wright: Numerical optimization, algorithm 7.4), with the sign turned at the start:
 *
 *   q <- -gradient
 *   from the newest pair to the oldest:  al_i <- ro_i (s_i q),  q <- q - al_i y_i
 *   q <- scale q
 *   from the oldest pair to the newest:  q <- q + (al_i - ro_i (y_i q)) s_i
 *
 * Each line adds a multiple of one vector to q and asks for the product of q with the next. So one pass over memory does
 * both: 2 count + 1 passes for the whole direction.
 *
 * Sums: BLOCK numbers are added in the lanes of four vectors, blocks in double one after the other to the sum of a
 * segment, segments in double one after the other. Where they are cut depends on n alone. */
#include "optim/group.h"

#define BLOCK 2048
#define MIN_SEGMENT (4 * BLOCK) /* about 3 µs of a pass in cache */
#define MAX_SEGMENTS 256

static inline int64_t segment_of(int64_t n) {
    int64_t segment = ((n + MAX_SEGMENTS - 1) / MAX_SEGMENTS + BLOCK - 1) / BLOCK * BLOCK;
    return segment > MIN_SEGMENT ? segment : MIN_SEGMENT;
}
static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline double larger(double a, double b) { return b != b || b > a ? b : a; } /* a NaN stays */

/* The sum of four vectors and of what was left for plain numbers. */
static inline double sum_of(const vreal *sum, real rest) {
    return (double)vsum((sum[0] + sum[1]) + (sum[2] + sum[3])) + (double)rest;
}

/* What the segments found, each at its own place. */
typedef struct {
    double largest[MAX_SEGMENTS], first[MAX_SEGMENTS], second[MAX_SEGMENTS];
} findings;

static double added(const double *found, int64_t n) {
    double sum = 0;
    for (int64_t i = 0, segment = segment_of(n); i * segment < n; i++) sum += found[i];
    return sum;
}
static double largest_of(const double *found, int64_t n) {
    double largest = 0;
    for (int64_t i = 0, segment = segment_of(n); i * segment < n; i++) largest = larger(largest, found[i]);
    return largest;
}

/* ---- measures ---- */

static double largest_in_block(int64_t n, const real *x) {
    vreal largest[4] = {{0}};
    int64_t j = 0;
    for (; j + 4 * LANES <= n; j += 4 * LANES)
        for (int k = 0; k < 4; k++) largest[k] = vmaximum(vabs(vload(x + j + k * LANES)), largest[k]);
    vreal all = vmaximum(vmaximum(largest[0], largest[1]), vmaximum(largest[2], largest[3]));
    double found = 0;
    for (int k = 0; k < LANES; k++) found = larger(found, all[k]);
    for (; j < n; j++) found = larger(found, fabs((double)x[j]));
    return found;
}

static double total_of_block(int64_t n, const real *x) {
    vreal sum[4] = {{0}};
    real rest = 0;
    int64_t j = 0;
    for (; j + 4 * LANES <= n; j += 4 * LANES)
        for (int k = 0; k < 4; k++) sum[k] += vabs(vload(x + j + k * LANES));
    for (; j < n; j++) rest += x[j] < 0 ? -x[j] : x[j];
    return sum_of(sum, rest);
}

static double product_of_block(int64_t n, const real *x, const real *z) {
    vreal sum[4] = {{0}};
    real rest = 0;
    int64_t j = 0;
    for (; j + 4 * LANES <= n; j += 4 * LANES)
        for (int k = 0; k < 4; k++) sum[k] = vfma(vload(x + j + k * LANES), vload(z + j + k * LANES), sum[k]);
    for (; j < n; j++) rest += x[j] * z[j];
    return sum_of(sum, rest);
}

/* ---- between the tensors and the row ---- */

typedef struct {
    const lbfgs_row_real *row;
    const real *base, *direction;
    real *flat;
    real step;
    int64_t segment;
    findings *found;
    gradient_reading reading;
} row_job;

/* The last tensor that begins at or before `at`. */
static int64_t row_tensor_at(const lbfgs_row_real *row, int64_t at) {
    int64_t low = 0, high = row->count - 1;
    while (low < high) {
        int64_t middle = (low + high + 1) / 2;
        if (row->start[middle] <= at)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* flat[begin..end) of the row, from tensor i on; the tensor that holds the end. */
static int64_t copy_from_row(const lbfgs_row_real *row, int64_t i, int64_t begin, int64_t end, real *flat) {
    for (int64_t at = begin;; i++) {
        int64_t to = smaller(row->start[i + 1], end);
        size_t bytes = to > at ? (size_t)(to - at) * sizeof(real) : 0;
        if (bytes && row->tensor[i])
            memcpy(flat + at, row->tensor[i] + (at - row->start[i]), bytes);
        else if (bytes)
            memset(flat + at, 0, bytes);
        if (to == end) return i;
        at = to;
    }
}

/* What the optimizer's options make of n numbers of gradients. */
static void read_gradients(gradient_reading reading, int64_t n, real *x) {
    if (reading.factor == 1 && reading.limit == INFINITY) return;
    for (int64_t j = 0; j < n; j += LANES) store_up_to(x + j, n - j, read_gradient(reading, x + j, n - j, vset(0)));
}

static void gather_body(void *context, int64_t begin, int64_t end) {
    const row_job *j = context;
    double largest = 0, total = 0, product = 0;
    int64_t i = row_tensor_at(j->row, begin);
    for (int64_t at = begin; at < end; at += BLOCK) {
        int64_t n = smaller(BLOCK, end - at);
        i = copy_from_row(j->row, i, at, at + n, j->flat);
        read_gradients(j->reading, n, j->flat + at);
        largest = larger(largest, largest_in_block(n, j->flat + at));
        total += total_of_block(n, j->flat + at);
        if (j->direction) product += product_of_block(n, j->flat + at, j->direction + at);
    }
    int64_t place = begin / j->segment;
    j->found->largest[place] = largest;
    j->found->first[place] = total;
    j->found->second[place] = product;
}

int64_t lbfgs_gather_real(const lbfgs_row_real *row, gradient_options *options, const real *direction, real *flat,
                          double *measured) {
    int64_t n = row->start[row->count], offender = -1;
    findings found;
    row_job job = {.row = row,
                   .direction = direction,
                   .flat = flat,
                   .segment = segment_of(n),
                   .found = &found,
                   .reading = {1, INFINITY, 0}};
    if (options) {
        int64_t *size = thread_scratch(SCRATCH_RULE, (size_t)row->count * sizeof(int64_t));
        for (int64_t i = 0; i < row->count; i++) size[i] = row->start[i + 1] - row->start[i];
        param_group_real group = {
            .count = row->count, .size = size, .gradient = (const real **)row->tensor, .options = options};
        if (options->max_norm < INFINITY || options->refuse_nonfinite) offender = gradient_norm_real(&group, 0);
        job.reading = reading_of(&group, 0);
    }
    parallel_for(n, job.segment, gather_body, &job);
    measured[0] = largest_of(found.largest, n);
    measured[1] = added(found.first, n);
    measured[2] = added(found.second, n);
    return offender;
}

/* out = base + step direction on n numbers; out may be base. */
static void moved(int64_t n, const real *base, real step, const real *direction, real *out) {
    int64_t j = 0;
    for (; j + LANES <= n; j += LANES) vstore(out + j, vfma(vset(step), vload(direction + j), vload(base + j)));
    if (j < n)
        vstore_partial(out + j, n - j,
                       vfma(vset(step), vload_partial(direction + j, n - j), vload_partial(base + j, n - j)));
}

static void move_body(void *context, int64_t begin, int64_t end) {
    const row_job *j = context;
    const lbfgs_row_real *row = j->row;
    for (int64_t i = row_tensor_at(row, begin); i < row->count && row->start[i] < end; i++) {
        int64_t from = begin > row->start[i] ? begin : row->start[i], n = smaller(row->start[i + 1], end) - from;
        if (n <= 0) continue;
        real *out = row->tensor[i] + (from - row->start[i]);
        const real *base = j->base ? j->base + from : out;
        if (j->direction)
            moved(n, base, j->step, j->direction + from, out);
        else if (base != out)
            memcpy(out, base, (size_t)n * sizeof(real));
    }
}

void lbfgs_move_real(const lbfgs_row_real *row, const real *base, double step, const real *direction) {
    int64_t n = row->start[row->count];
    row_job job = {.row = row, .base = base, .direction = direction, .step = (real)step};
    parallel_for(n, segment_of(n), move_body, &job);
}

/* ---- the newest pair ---- */

typedef struct {
    const real *gradient, *direction;
    real *previous, *y, *s;
    real step;
    int64_t segment;
    findings *found;
} difference_job;

static void difference_body(void *context, int64_t begin, int64_t end) {
    const difference_job *j = context;
    double y_s = 0, y_y = 0;
    for (int64_t at = begin; at < end; at += BLOCK) {
        int64_t n = smaller(BLOCK, end - at), k = 0;
        for (; k + LANES <= n; k += LANES) {
            vreal gradient = vload(j->gradient + at + k);
            vstore(j->y + at + k, gradient - vload(j->previous + at + k));
            vstore(j->s + at + k, j->step * vload(j->direction + at + k));
            vstore(j->previous + at + k, gradient);
        }
        for (; k < n; k++) {
            j->y[at + k] = j->gradient[at + k] - j->previous[at + k];
            j->s[at + k] = j->step * j->direction[at + k];
            j->previous[at + k] = j->gradient[at + k];
        }
        y_s += product_of_block(n, j->y + at, j->s + at);
        y_y += product_of_block(n, j->y + at, j->y + at);
    }
    j->found->first[begin / j->segment] = y_s;
    j->found->second[begin / j->segment] = y_y;
}

void lbfgs_difference_real(int64_t n, const real *gradient, real *previous, double step, const real *direction, real *y,
                           real *s, double *measured) {
    findings found;
    difference_job job = {gradient, direction, previous, y, s, (real)step, segment_of(n), &found};
    parallel_for(n, job.segment, difference_body, &job);
    measured[0] = added(found.first, n);
    measured[1] = added(found.second, n);
}

/* ---- the direction ---- */

/* out = scale (in + a x), and the product of out with z. x NULL: out = scale in. out may be in. */
typedef struct {
    const real *in, *x, *z;
    real *out;
    real a, scale;
    int64_t segment;
    findings *found;
} pass_job;

static inline __attribute__((always_inline)) double pass_block(pass_job j, int with_x, int64_t at, int64_t n) {
    const real *in = j.in + at, *x = with_x ? j.x + at : 0, *z = j.z + at;
    real *out = j.out + at, rest = 0;
    vreal sum[4] = {{0}};
    int64_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        for (int k = 0; k < 4; k++) {
            vreal q = vload(in + i + k * LANES);
            if (with_x) q = vfma(vset(j.a), vload(x + i + k * LANES), q);
            q *= j.scale;
            vstore(out + i + k * LANES, q);
            sum[k] = vfma(q, vload(z + i + k * LANES), sum[k]);
        }
    for (; i < n; i++) {
        real q = in[i];
        if (with_x) q += j.a * x[i];
        q *= j.scale;
        out[i] = q;
        rest += q * z[i];
    }
    return sum_of(sum, rest);
}

static void pass_body(void *context, int64_t begin, int64_t end) {
    const pass_job j = *(const pass_job *)context; /* a copy: stores to `out` cannot change it */
    double sum = 0;
    for (int64_t at = begin; at < end; at += BLOCK) {
        int64_t n = smaller(BLOCK, end - at);
        sum += j.x ? pass_block(j, 1, at, n) : pass_block(j, 0, at, n);
    }
    j.found->first[begin / j.segment] = sum;
}

static double pass(int64_t n, const real *in, double a, const real *x, double scale, const real *z, real *out) {
    findings found;
    pass_job job = {in, x, z, out, (real)a, (real)scale, segment_of(n), &found};
    parallel_for(n, job.segment, pass_body, &job);
    return added(found.first, n);
}

static void largest_body(void *context, int64_t begin, int64_t end) {
    const pass_job *j = context;
    double largest = 0;
    for (int64_t at = begin; at < end; at += BLOCK)
        largest = larger(largest, largest_in_block(smaller(BLOCK, end - at), j->in + at));
    j->found->largest[begin / j->segment] = largest;
}

void lbfgs_direction_real(const lbfgs_history_real *history, const real *gradient, real *direction, double *measured) {
    int64_t n = history->n, count = history->count;
    real **y = history->y, **s = history->s, *q = direction;
    const double *ro = history->ro;
    double *al = history->al, scale = history->scale, product;
    if (count == 0) {
        measured[0] = pass(n, gradient, 0, 0, -scale, gradient, q);
    } else {
        product = pass(n, gradient, 0, 0, -1, s[count - 1], q);
        for (int64_t i = count - 1; i > 0; i--) {
            al[i] = ro[i] * product;
            product = pass(n, q, -al[i], y[i], 1, s[i - 1], q);
        }
        al[0] = ro[0] * product;
        product = pass(n, q, -al[0], y[0], scale, y[0], q);
        for (int64_t i = 0; i < count - 1; i++) product = pass(n, q, al[i] - ro[i] * product, s[i], 1, y[i + 1], q);
        double last = al[count - 1] - ro[count - 1] * product;
        measured[0] = pass(n, q, last, s[count - 1], 1, gradient, q);
    }
    findings found;
    pass_job job = {.in = q, .segment = segment_of(n), .found = &found};
    parallel_for(n, job.segment, largest_body, &job);
    measured[1] = largest_of(found.largest, n);
}
