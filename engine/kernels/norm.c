/* Normalisation of x[batch, channels, inner]: out = (x - mean) rstd weight + bias, rstd = 1 / sqrt(var + eps).
 *
 * With d = x - mean and, over the n numbers that share mean and var, S1 = sum(g w) and S2 = sum(g w d), the derivative is
 *     grad_x = rstd (g w - S1 / n - d rstd^2 S2 / n),  grad_weight = sum(g d rstd),  grad_bias = sum(g);
 * without the terms of S1 where nothing was subtracted, of both where mean and var were given.
 *
 * Sets: group norm's are contiguous (channels / groups * inner numbers of a sample); batch norm's are one channel of every
 * sample. Where inner is 1, weight and bias change from number to number; else they stay for a run of `inner` numbers.
 * Sums are taken in vectors over BLOCK numbers at most, and those in double, in an order that depends on sizes only. */
#include "kernels/softmax.h"
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"

#define BLOCK 2048   /* numbers summed in vectors, a few in each lane */
#define ROWS 32      /* rows summed in vectors down the columns */
#define MAX_PARTS 64 /* chunks of samples whose gradients of weight and bias are put together, in order */
#define COLUMNS 64   /* channels of a block where inner is 1: whole cache lines of each row */
#define COLUMN_VECTORS (COLUMNS / LANES)

typedef struct {
    int64_t batch, channels, inner, groups, chunk;
    double eps;
    const real *grad, *x, *weight, *bias;
    real *out, *mean, *var, *grad_weight, *grad_bias;
    real *parts; /* [part, 2, channels]: sums for grad_weight, for grad_bias */
    /* batch norm's: pieces, their sums[pieces, channels] (first mean and squared deviations, then of g and g d), and the
     * factors of each channel */
    int64_t rows, segments, pieces;
    double *sums, *sums2;
    real *scale, *slope, *shift;
} norm_job;

typedef struct {
    double plain, product; /* of g and of g d */
} gradient_sums;

static inline double rstd_of(const norm_job *j, double var) { return 1 / sqrt(var + j->eps); }

/* ---- A run of numbers ---- */

/* Sum of x - centre, or of its square. */
INLINE double run_sum(int squared, int64_t n, const real *x, real centre) {
    double total = 0;
    vreal c = vset(centre);
    for (int64_t first = 0; first < n; first += BLOCK) {
        int64_t end = n - first < BLOCK ? n : first + BLOCK, i = first;
        vreal s[4] = {{0}, {0}, {0}, {0}};
        for (; i + 4 * LANES <= end; i += 4 * LANES)
            for (int v = 0; v < 4; v++) {
                vreal d = vload(x + i + v * LANES) - c;
                s[v] = squared ? vfma(d, d, s[v]) : s[v] + d;
            }
        for (; i < end; i += LANES) {
            vreal d = vload_left(x + i, end - i) - c;
            if (end - i < LANES) d = vselect(first_lanes(end - i), d, (vreal){0});
            s[0] = squared ? vfma(d, d, s[0]) : s[0] + d;
        }
        total += vsum((s[0] + s[1]) + (s[2] + s[3]));
    }
    return total;
}

/* Sums of g w and g w (x - mean); w one for each number, or NULL. */
INLINE void add_gradient_sums(int64_t n, const real *grad, const real *x, const real *w, real mean,
                              gradient_sums *sums) {
    vreal centre = vset(mean);
    for (int64_t first = 0; first < n; first += BLOCK) {
        int64_t end = n - first < BLOCK ? n : first + BLOCK, i = first;
        vreal plain[2] = {{0}, {0}}, product[2] = {{0}, {0}};
        for (; i + 2 * LANES <= end; i += 2 * LANES)
            for (int v = 0; v < 2; v++) {
                vreal g = vload(grad + i + v * LANES);
                if (w) g *= vload(w + i + v * LANES);
                plain[v] += g;
                product[v] = vfma(g, vload(x + i + v * LANES) - centre, product[v]);
            }
        for (; i < end; i += LANES) {
            vreal g = vload_left(grad + i, end - i), d = vload_left(x + i, end - i) - centre;
            if (w) g *= vload_left(w + i, end - i);
            plain[0] += g;
            product[0] = vfma(g, end - i < LANES ? vselect(first_lanes(end - i), d, (vreal){0}) : d, product[0]);
        }
        sums->plain += vsum(plain[0] + plain[1]);
        sums->product += vsum(product[0] + product[1]);
    }
}

/* out = (x - mean) scale + shift. */
static inline void normalise_run(int64_t n, const real *x, real mean, real scale, real shift, real *out) {
    vreal c = vset(mean), a = vset(scale), b = vset(shift);
    for (int64_t i = 0; i < n; i += LANES) vstore_left(out + i, n - i, vfma(vload_left(x + i, n - i) - c, a, b));
}

/* out = scale (weight g + slope (x - mean) + shift): what cancels meets before it is scaled. */
static inline void combine_run(int64_t n, const real *grad, const real *x, real mean, real weight, real slope,
                               real shift, real scale, real *out) {
    vreal c = vset(mean), w = vset(weight), a = vset(slope), b = vset(shift), factor = vset(scale);
    for (int64_t i = 0; i < n; i += LANES) {
        vreal d = vload_left(x + i, n - i) - c;
        vstore_left(out + i, n - i, factor * vfma(vload_left(grad + i, n - i), w, vfma(d, a, b)));
    }
}

/* ---- Group norm ---- */

/* Mean (unless it stays 0) and variance of n contiguous numbers: of a block, then put together (Chan et al. 1979), so that
 * a long row is read from memory once. */
static inline void moments(int64_t n, const real *x, int centred, double *mean, double *var) {
    double m = 0, squares = 0;
    for (int64_t first = 0; first < n; first += 2 * BLOCK) {
        int64_t count = n - first < 2 * BLOCK ? n - first : 2 * BLOCK;
        double own = centred ? run_sum(0, count, x + first, 0) / (double)count : 0, gap = own - m;
        double rest = own - (double)(real)own; /* deviations are taken from a rounded mean */
        squares += run_sum(1, count, x + first, (real)own) - (double)count * rest * rest;
        if (centred) {
            squares += gap * gap * ((double)first / (double)(first + count) * (double)count);
            m += gap * ((double)count / (double)(first + count));
        }
    }
    *mean = n ? m : NAN;
    *var = n ? squares / (double)n : NAN;
    if (*var < 0) *var = 0;
}

static void group_norm_body(void *context, int64_t begin, int64_t end) {
    const norm_job *j = context;
    int64_t channels = j->channels / j->groups, n = channels * j->inner;
    for (int64_t set = begin; set < end; set++) {
        const real *x = j->x + set * n;
        real *out = j->out + set * n;
        int64_t first = set % j->groups * channels;
        const real *weight = j->weight ? j->weight + first : 0, *bias = j->bias ? j->bias + first : 0;
        double m, var;
        moments(n, x, j->mean != 0, &m, &var);
        j->var[set] = (real)var;
        if (j->mean) j->mean[set] = (real)m;
        real mean = j->mean ? (real)m : 0, rstd = (real)rstd_of(j, j->var[set]);
        if (j->inner == 1) {
            vreal c = vset(mean), r = vset(rstd);
            for (int64_t i = 0; i < n; i += LANES) {
                vreal v = (vload_left(x + i, n - i) - c) * r;
                if (weight) v *= vload_left(weight + i, n - i);
                if (bias) v += vload_left(bias + i, n - i);
                vstore_left(out + i, n - i, v);
            }
        } else if (!weight && !bias) {
            normalise_run(n, x, mean, rstd, 0, out);
        } else {
            for (int64_t c = 0; c < channels; c++)
                normalise_run(j->inner, x + c * j->inner, mean, weight ? rstd * weight[c] : rstd, bias ? bias[c] : 0,
                              out + c * j->inner);
        }
    }
}

void group_norm_real(int64_t batch, int64_t channels, int64_t inner, int64_t groups, const real *x, const real *weight,
                     const real *bias, double eps, real *out, real *mean, real *var) {
    norm_job j = {.channels = channels,
                  .inner = inner,
                  .groups = groups,
                  .eps = eps,
                  .x = x,
                  .weight = weight,
                  .bias = bias,
                  .out = out,
                  .mean = mean,
                  .var = var};
    parallel_for(batch * groups, rows_per_chunk(channels / groups * inner), group_norm_body, &j);
}

/* One set whose numbers have weights of their own; part_weight and part_bias: this set's channels. */
static inline void backward_row(const norm_job *j, int64_t n, const real *grad, const real *x, const real *weight,
                                real mean, double rstd, real *out, real *part_weight, real *part_bias) {
    gradient_sums sums = {0, 0};
    if (out && weight) add_gradient_sums(n, grad, x, weight, mean, &sums);
    if (out && !weight) add_gradient_sums(n, grad, x, 0, mean, &sums);
    vreal centre = vset(mean), r = vset((real)rstd), shift = vset(j->mean ? (real)(-sums.plain / (double)n) : 0);
    vreal slope = vset((real)(-rstd * rstd * sums.product / (double)n));
    for (int64_t i = 0; i < n; i += LANES) {
        int64_t left = n - i;
        vreal g = vload_left(grad + i, left), d = vload_left(x + i, left) - centre;
        if (part_weight) vstore_left(part_weight + i, left, vfma(g, d * r, vload_left(part_weight + i, left)));
        if (part_bias) vstore_left(part_bias + i, left, vload_left(part_bias + i, left) + g);
        if (weight) g *= vload_left(weight + i, left);
        if (out) vstore_left(out + i, left, r * (g + vfma(d, slope, shift)));
    }
}

/* One set of channels that are runs of numbers. */
static inline void backward_runs(const norm_job *j, int64_t channels, const real *grad, const real *x,
                                 const real *weight, real mean, double rstd, real *out, real *part_weight,
                                 real *part_bias) {
    int64_t inner = j->inner;
    double n = (double)(channels * inner);
    gradient_sums sums = {0, 0};
    for (int64_t c = 0; c < channels; c++) {
        gradient_sums own = {0, 0};
        double w = weight ? weight[c] : 1;
        add_gradient_sums(inner, grad + c * inner, x + c * inner, 0, mean, &own);
        if (part_weight) part_weight[c] += (real)(own.product * rstd);
        if (part_bias) part_bias[c] += (real)own.plain;
        sums.plain += w * own.plain;
        sums.product += w * own.product;
    }
    if (!out) return;
    real shift = j->mean ? (real)(-sums.plain / n) : 0, slope = (real)(-rstd * rstd * sums.product / n);
    for (int64_t c = 0; c < channels; c++)
        combine_run(inner, grad + c * inner, x + c * inner, mean, weight ? weight[c] : 1, slope, shift, (real)rstd,
                    out + c * inner);
}

/* Samples begin..end, which are one part. */
static void group_norm_backward_body(void *context, int64_t begin, int64_t end) {
    const norm_job *j = context;
    int64_t channels = j->channels / j->groups, n = channels * j->inner;
    real *part = j->parts + begin / j->chunk * 2 * j->channels;
    memset(part, 0, (size_t)(2 * j->channels) * sizeof(real));
    for (int64_t set = begin * j->groups; set < end * j->groups; set++) {
        int64_t first = set % j->groups * channels;
        const real *grad = j->grad + set * n, *x = j->x + set * n, *weight = j->weight ? j->weight + first : 0;
        real *out = j->out ? j->out + set * n : 0, mean = j->mean ? j->mean[set] : 0;
        real *part_weight = j->grad_weight ? part + first : 0,
             *part_bias = j->grad_bias ? part + j->channels + first : 0;
        double rstd = rstd_of(j, j->var[set]);
        if (j->inner == 1)
            backward_row(j, n, grad, x, weight, mean, rstd, out, part_weight, part_bias);
        else
            backward_runs(j, channels, grad, x, weight, mean, rstd, out, part_weight, part_bias);
    }
}

/* out[channels] = sums of the parts. */
static void sum_parts(int64_t parts, int64_t channels, const real *part, real *out) {
    for (int64_t first = 0; first < channels; first += COLUMNS) {
        double sum[COLUMNS] = {0};
        int64_t width = channels - first < COLUMNS ? channels - first : COLUMNS;
        for (int64_t p = 0; p < parts; p++)
            for (int64_t c = 0; c < width; c++) sum[c] += part[p * 2 * channels + first + c];
        for (int64_t c = 0; c < width; c++) out[first + c] = (real)sum[c];
    }
}

void group_norm_backward_real(int64_t batch, int64_t channels, int64_t inner, int64_t groups, const real *grad,
                              const real *x, const real *weight, const real *mean, const real *var, double eps,
                              real *grad_x, real *grad_weight, real *grad_bias) {
    int64_t least = (batch + MAX_PARTS - 1) / MAX_PARTS, chunk = rows_per_chunk(channels * inner);
    if (chunk < least) chunk = least;
    int64_t parts = (batch + chunk - 1) / chunk;
    real *sums = thread_scratch(SCRATCH_GRADIENTS, (size_t)(parts * 2 * channels + 1) * sizeof(real));
    norm_job j = {.channels = channels,
                  .inner = inner,
                  .groups = groups,
                  .chunk = chunk,
                  .eps = eps,
                  .grad = grad,
                  .x = x,
                  .weight = weight,
                  .out = grad_x,
                  .mean = (real *)mean,
                  .var = (real *)var,
                  .grad_weight = grad_weight,
                  .grad_bias = grad_bias,
                  .parts = sums};
    parallel_for(batch, chunk, group_norm_backward_body, &j);
    if (grad_weight) sum_parts(parts, channels, sums, grad_weight);
    if (grad_bias) sum_parts(parts, channels, sums + channels, grad_bias);
}

/* ---- Batch norm ----
 *
 * The numbers of a channel are cut into pieces, `rows` samples each and, where runs are long, a segment of the run. The
 * sums of a piece are taken while it is in the cache; those of all pieces are put together in their order. So each
 * number is read from memory twice, once for the sums and once for the result, and few channels keep many threads busy.
 * Where inner is 1, a piece is the same rows of all channels, and vectors go across them. */

#define PIECE 16384 /* numbers of a channel in a piece */
#define PIECES 32   /* most pieces where inner is 1 */

typedef struct {
    int64_t first, rows, from, width; /* of samples first .. first + rows the numbers from .. from + width of the run */
} piece;

static inline piece piece_of(const norm_job *j, int64_t number) {
    int64_t first = number / j->segments * j->rows, from = number % j->segments * PIECE;
    int64_t rows = j->batch - first < j->rows ? j->batch - first : j->rows;
    return (piece){first, rows, from, j->inner - from < PIECE ? j->inner - from : PIECE};
}

/* Cuts the channels; room for two sums of each piece and channel, and three numbers of each channel. */
static void cut(norm_job *j) {
    j->segments = (j->inner + PIECE - 1) / PIECE;
    j->rows = PIECE / (j->inner > 1 ? j->inner : j->channels + (j->channels == 0));
    if (j->inner == 1 && j->rows < (j->batch + PIECES - 1) / PIECES) j->rows = (j->batch + PIECES - 1) / PIECES;
    if (j->rows < 1) j->rows = 1;
    j->pieces = (j->batch + j->rows - 1) / j->rows * j->segments;
    size_t sums = (size_t)(j->pieces * j->channels), channels = (size_t)j->channels;
    j->sums = thread_scratch(SCRATCH_GRADIENTS, 2 * sums * sizeof(double) + 3 * channels * sizeof(real) + 1);
    j->sums2 = j->sums + sums;
    j->scale = (real *)(j->sums2 + sums);
    j->slope = j->scale + channels;
    j->shift = j->slope + channels;
}

/* Runs body over all pieces of all channels, number piece * channels + channel; or over all pieces, where inner is 1. */
static void over_pieces(norm_job *j, void (*runs)(void *, int64_t, int64_t),
                        void (*columns)(void *, int64_t, int64_t)) {
    if (j->inner == 1)
        parallel_for(j->pieces, rows_per_chunk(j->rows * j->channels), columns, j);
    else
        parallel_for(j->pieces * j->channels, rows_per_chunk(j->inner < PIECE ? j->rows * j->inner : PIECE), runs, j);
}

/* ---- Of runs ---- */

static void run_moments(void *context, int64_t begin, int64_t end) {
    const norm_job *j = context;
    int64_t step = j->channels * j->inner;
    for (int64_t task = begin; task < end; task++) {
        piece p = piece_of(j, task / j->channels);
        const real *x = j->x + p.first * step + task % j->channels * j->inner + p.from;
        double n = (double)(p.rows * p.width), sum = 0, squares = 0;
        for (int64_t b = 0; b < p.rows; b++) sum += run_sum(0, p.width, x + b * step, 0);
        double mean = sum / n, rest = mean - (double)(real)mean; /* deviations are taken from a rounded mean */
        for (int64_t b = 0; b < p.rows; b++) squares += run_sum(1, p.width, x + b * step, (real)mean);
        j->sums[task] = mean;
        j->sums2[task] = squares - n * rest * rest;
    }
}

static void run_normalise(void *context, int64_t begin, int64_t end) {
    const norm_job *j = context;
    int64_t step = j->channels * j->inner;
    for (int64_t task = begin; task < end; task++) {
        piece p = piece_of(j, task / j->channels);
        int64_t c = task % j->channels, at = p.first * step + c * j->inner + p.from;
        for (int64_t b = 0; b < p.rows; b++, at += step)
            normalise_run(p.width, j->x + at, j->mean[c], j->scale[c], j->shift[c], j->out + at);
    }
}

static void run_gradient_sums(void *context, int64_t begin, int64_t end) {
    const norm_job *j = context;
    int64_t step = j->channels * j->inner;
    for (int64_t task = begin; task < end; task++) {
        piece p = piece_of(j, task / j->channels);
        int64_t c = task % j->channels, at = p.first * step + c * j->inner + p.from;
        gradient_sums sums = {0, 0};
        for (int64_t b = 0; b < p.rows; b++, at += step)
            add_gradient_sums(p.width, j->grad + at, j->x + at, 0, j->mean[c], &sums);
        j->sums[task] = sums.plain;
        j->sums2[task] = sums.product;
    }
}

static void run_gradients(void *context, int64_t begin, int64_t end) {
    const norm_job *j = context;
    int64_t step = j->channels * j->inner;
    for (int64_t task = begin; task < end; task++) {
        piece p = piece_of(j, task / j->channels);
        int64_t c = task % j->channels, at = p.first * step + c * j->inner + p.from;
        for (int64_t b = 0; b < p.rows; b++, at += step)
            combine_run(p.width, j->grad + at, j->x + at, j->mean[c], 1, j->slope[c], j->shift[c], j->scale[c],
                        j->out + at);
    }
}

/* ---- Of columns: inner 1, blocks of channels, vectors across them ---- */

#define EACH_VECTOR(width) for (int64_t v = 0, i = 0, left = (width); left > 0; v++, i += LANES, left -= LANES)
#define EACH_BLOCK(channels)                                                                                           \
    for (int64_t c = 0, width; c < (channels) && (width = (channels)-c < COLUMNS ? (channels)-c : COLUMNS);            \
         c += COLUMNS)

/* total[width] = sums down the rows of (x - centre), of its square, or of (x - centre) grad where grad is not NULL. */
INLINE void column_sums_of(int64_t width, int squared, int64_t rows, int64_t step, const real *x, const real *grad,
                           const real *centre, double *total) {
    for (int64_t c = 0; c < width; c++) total[c] = 0;
    for (int64_t first = 0; first < rows; first += ROWS) {
        int64_t end = rows - first < ROWS ? rows : first + ROWS;
        vreal s[COLUMN_VECTORS];
        real sum[COLUMNS];
        EACH_VECTOR(width) s[v] = (vreal){0};
        for (int64_t r = first; r < end; r++) EACH_VECTOR(width) {
                vreal d = vload_left(x + r * step + i, left);
                if (centre) d -= vload_left(centre + i, left);
                if (grad)
                    s[v] = vfma(d, vload_left(grad + r * step + i, left), s[v]);
                else
                    s[v] = squared ? vfma(d, d, s[v]) : s[v] + d;
            }
        EACH_VECTOR(width) vstore(sum + i, s[v]);
        for (int64_t c = 0; c < width; c++) total[c] += sum[c];
    }
}

INLINE void column_sums(int64_t width, int squared, int64_t rows, int64_t step, const real *x, const real *grad,
                        const real *centre, double *total) {
    if (width == COLUMNS) /* a loop of its own, whose sums stay in registers */
        column_sums_of(COLUMNS, squared, rows, step, x, grad, centre, total);
    else
        column_sums_of(width, squared, rows, step, x, grad, centre, total);
}

static void column_moments(void *context, int64_t begin, int64_t end) {
    const norm_job *j = context;
    for (int64_t number = begin; number < end; number++) {
        piece p = piece_of(j, number);
        double n = (double)p.rows, rest[COLUMNS];
        real centre[COLUMNS];
        EACH_BLOCK(j->channels) {
            const real *x = j->x + p.first * j->channels + c;
            double *mean = j->sums + number * j->channels + c, *squares = j->sums2 + number * j->channels + c;
            column_sums(width, 0, p.rows, j->channels, x, 0, 0, mean);
            for (int64_t i = 0; i < width; i++) {
                mean[i] /= n;
                centre[i] = (real)mean[i];
                rest[i] = mean[i] - (double)centre[i];
            }
            column_sums(width, 1, p.rows, j->channels, x, 0, centre, squares);
            for (int64_t i = 0; i < width; i++) squares[i] -= n * rest[i] * rest[i];
        }
    }
}

static void column_normalise(void *context, int64_t begin, int64_t end) {
    const norm_job *j = context;
    for (int64_t number = begin; number < end; number++) {
        piece p = piece_of(j, number);
        for (int64_t at = p.first * j->channels, r = 0; r < p.rows; r++, at += j->channels) EACH_VECTOR(j->channels) {
                vreal d = vload_left(j->x + at + i, left) - vload_left(j->mean + i, left);
                vstore_left(j->out + at + i, left,
                            vfma(d, vload_left(j->scale + i, left), vload_left(j->shift + i, left)));
            }
    }
}

static void column_gradient_sums(void *context, int64_t begin, int64_t end) {
    const norm_job *j = context;
    for (int64_t number = begin; number < end; number++) {
        piece p = piece_of(j, number);
        EACH_BLOCK(j->channels) {
            const real *x = j->x + p.first * j->channels + c, *grad = j->grad + p.first * j->channels + c;
            int64_t at = number * j->channels + c;
            column_sums(width, 0, p.rows, j->channels, grad, 0, 0, j->sums + at);
            column_sums(width, 0, p.rows, j->channels, x, grad, j->mean + c, j->sums2 + at);
        }
    }
}

static void column_gradients(void *context, int64_t begin, int64_t end) {
    const norm_job *j = context;
    for (int64_t number = begin; number < end; number++) {
        piece p = piece_of(j, number);
        for (int64_t at = p.first * j->channels, r = 0; r < p.rows; r++, at += j->channels) EACH_VECTOR(j->channels) {
                vreal d = vload_left(j->x + at + i, left) - vload_left(j->mean + i, left);
                vreal rest = vfma(d, vload_left(j->slope + i, left), vload_left(j->shift + i, left));
                vreal g = vload_left(j->grad + at + i, left);
                vstore_left(j->out + at + i, left, vload_left(j->scale + i, left) * (g + rest));
            }
    }
}

/* ---- Both ---- */

/* Mean and variance of the channels from those of the pieces, one piece after the other (Chan et al. 1979). */
static void join_moments(const norm_job *j) {
    double *mean = j->sums, *squares = j->sums2, n = 0; /* the first piece's, to which the others are added */
    for (int64_t number = 0; number < j->pieces; number++) {
        piece p = piece_of(j, number);
        double own = (double)(p.rows * p.width), part = own / (n + own), both = n * part;
        const double *own_mean = mean + number * j->channels, *own_squares = squares + number * j->channels;
        for (int64_t c = 0; number && c < j->channels; c++) {
            double gap = own_mean[c] - mean[c];
            mean[c] += gap * part;
            squares[c] += own_squares[c] + gap * gap * both;
        }
        n += own;
    }
    for (int64_t c = 0; c < j->channels; c++) {
        double var = n ? squares[c] / n : NAN;
        j->mean[c] = (real)(n ? mean[c] : NAN);
        j->var[c] = (real)(var < 0 ? 0 : var);
    }
}

void batch_norm_real(int64_t batch, int64_t channels, int64_t inner, const real *x, const real *weight,
                     const real *bias, double eps, int64_t fixed, real *out, real *mean, real *var) {
    norm_job j = {.batch = batch, .channels = channels, .inner = inner, .eps = eps, .x = x, .out = out, .mean = mean};
    j.var = var;
    cut(&j);
    if (!fixed) {
        over_pieces(&j, run_moments, column_moments);
        join_moments(&j);
    }
    for (int64_t c = 0; c < channels; c++) {
        j.scale[c] = (real)(rstd_of(&j, var[c]) * (weight ? weight[c] : 1));
        j.shift[c] = bias ? bias[c] : 0;
    }
    over_pieces(&j, run_normalise, column_normalise);
}

/* The sums of the channels from those of the pieces: into the first piece's. */
static void join_sums(const norm_job *j) {
    for (int64_t number = 1; number < j->pieces; number++)
        for (int64_t c = 0; c < j->channels; c++) {
            j->sums[c] += j->sums[number * j->channels + c];
            j->sums2[c] += j->sums2[number * j->channels + c];
        }
}

void batch_norm_backward_real(int64_t batch, int64_t channels, int64_t inner, const real *grad, const real *x,
                              const real *weight, const real *mean, const real *var, double eps, int64_t fixed,
                              real *grad_x, real *grad_weight, real *grad_bias) {
    norm_job j = {
        .batch = batch, .channels = channels, .inner = inner, .eps = eps, .grad = grad, .x = x, .out = grad_x};
    j.mean = (real *)mean;
    cut(&j);
    int summed = j.pieces && (!fixed || grad_weight || grad_bias);
    if (summed) {
        over_pieces(&j, run_gradient_sums, column_gradient_sums);
        join_sums(&j);
    }
    double n = (double)(batch * inner);
    for (int64_t c = 0; c < channels; c++) {
        double rstd = rstd_of(&j, var[c]), plain = summed ? j.sums[c] : 0, product = summed ? j.sums2[c] : 0;
        if (grad_weight) grad_weight[c] = (real)(product * rstd);
        if (grad_bias) grad_bias[c] = (real)plain;
        j.scale[c] = (real)(rstd * (weight ? weight[c] : 1));
        j.slope[c] = fixed ? 0 : (real)(-rstd * rstd * product / n);
        j.shift[c] = fixed ? 0 : (real)(-plain / n);
    }
    if (grad_x) over_pieces(&j, run_gradients, column_gradients);
}
