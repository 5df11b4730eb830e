/* PReLU: x where x > 0, else slope x, with a slope for each channel of x[outer, channels, inner].
 *
 * Planes of `inner` numbers are cut into segments, which have one slope. Where inner is 1, rows of `channels` numbers have
 * slopes side by side. The sums for the slopes' gradients are taken by task and put together in the order of the tasks. */
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"
#include "simd/simd.h"

#define SEGMENT 4096
#define NUMBERS_PER_CHUNK 16384
#define MOST_PARTS 64

typedef struct {
    int64_t channels, inner, segments, rows_in_part;
    const real *grad, *x, *weight;
    real *out;
    double *sums; /* [plane, segment], or [part, channels] */
} prelu_job;

static inline vreal value_of(vreal x, vreal slope) { return vselect(x > vset(0), x, slope * x); }
static inline vreal zero_above(vreal x, vreal v) { return vselect(x > vset(0), vset(0), v); }

/* ---- Planes ---- */

typedef struct {
    int64_t first, n, channel;
} segment;

static inline segment segment_of(const prelu_job *j, int64_t task) {
    int64_t plane = task / j->segments, begin = task % j->segments * SEGMENT;
    int64_t n = j->inner - begin < SEGMENT ? j->inner - begin : SEGMENT;
    return (segment){plane * j->inner + begin, n, plane % j->channels};
}

static void prelu_planes(void *context, int64_t begin, int64_t end) {
    const prelu_job *j = context;
    for (int64_t task = begin; task < end; task++) {
        segment s = segment_of(j, task);
        vreal slope = vset(j->weight[s.channel]);
        for (int64_t i = 0; i < s.n; i += LANES)
            store_up_to(j->out + s.first + i, s.n - i, value_of(load_up_to(j->x + s.first + i, s.n - i), slope));
    }
}

static void prelu_backward_planes(void *context, int64_t begin, int64_t end) {
    const prelu_job *j = context;
    for (int64_t task = begin; task < end; task++) {
        segment s = segment_of(j, task);
        vreal slope = vset(j->weight[s.channel]), sum = {0};
        for (int64_t i = 0; i < s.n; i += LANES) {
            vreal x = load_up_to(j->x + s.first + i, s.n - i), g = load_up_to(j->grad + s.first + i, s.n - i);
            sum += zero_above(x, g * x);
            if (j->out) store_up_to(j->out + s.first + i, s.n - i, vselect(x > vset(0), g, slope * g));
        }
        if (j->sums) j->sums[task] = vsum(sum);
    }
}

/* ---- Rows ---- */

static void prelu_rows(void *context, int64_t begin, int64_t end) {
    const prelu_job *j = context;
    for (int64_t r = begin; r < end; r++) {
        const real *x = j->x + r * j->channels;
        for (int64_t i = 0, left = j->channels; left > 0; i += LANES, left -= LANES)
            store_up_to(j->out + r * j->channels + i, left,
                        value_of(load_up_to(x + i, left), load_up_to(j->weight + i, left)));
    }
}

/* A part of the rows: vectors down the columns. */
static void prelu_backward_rows(void *context, int64_t begin, int64_t end) {
    const prelu_job *j = context;
    double *sums = j->sums ? j->sums + begin / j->rows_in_part * j->channels : 0;
    for (int64_t i = 0, left = j->channels; left > 0; i += LANES, left -= LANES) {
        vreal slope = load_up_to(j->weight + i, left), sum = {0};
        for (int64_t at = begin * j->channels + i; at < end * j->channels; at += j->channels) {
            vreal x = load_up_to(j->x + at, left), g = load_up_to(j->grad + at, left);
            sum += zero_above(x, g * x);
            if (j->out) store_up_to(j->out + at, left, vselect(x > vset(0), g, slope * g));
        }
        for (int64_t c = 0; sums && c < LANES && c < left; c++) sums[i + c] = sum[c];
    }
}

/* ---- Both ---- */

static int64_t chunk_of(int64_t numbers_each) {
    return numbers_each < NUMBERS_PER_CHUNK ? NUMBERS_PER_CHUNK / (numbers_each ? numbers_each : 1) : 1;
}

void prelu_real(int64_t outer, int64_t channels, int64_t inner, const real *x, const real *weight, real *out) {
    prelu_job j = {channels, inner, (inner + SEGMENT - 1) / SEGMENT, .x = x, .weight = weight, .out = out};
    if (inner == 1)
        parallel_for(outer, chunk_of(channels), prelu_rows, &j);
    else
        parallel_for(outer * channels * j.segments, chunk_of(inner < SEGMENT ? inner : SEGMENT), prelu_planes, &j);
}

void prelu_backward_real(int64_t outer, int64_t channels, int64_t inner, const real *grad, const real *x,
                         const real *weight, real *grad_x, real *grad_weight) {
    prelu_job j = {channels, inner, (inner + SEGMENT - 1) / SEGMENT, .grad = grad, .x = x, .weight = weight};
    int64_t least = (outer + MOST_PARTS - 1) / MOST_PARTS, rows = chunk_of(channels);
    j.rows_in_part = rows > least ? rows : least;
    j.out = grad_x;
    int64_t parts =
        inner == 1 ? (outer + j.rows_in_part - 1) / j.rows_in_part : outer; /* sums[parts, channels, each] */
    int64_t each = inner == 1 ? 1 : j.segments;
    if (grad_weight) j.sums = thread_scratch(SCRATCH_GRADIENTS, (size_t)(parts * channels * each + 1) * sizeof(double));
    if (inner == 1)
        parallel_for(outer, j.rows_in_part, prelu_backward_rows, &j);
    else
        parallel_for(outer * channels * each, chunk_of(inner < SEGMENT ? inner : SEGMENT), prelu_backward_planes, &j);
    for (int64_t c = 0; grad_weight && c < channels; c++) {
        double sum = 0;
        for (int64_t p = 0; p < parts; p++)
            for (int64_t s = 0; s < each; s++) sum += j.sums[(p * channels + c) * each + s];
        grad_weight[c] = (real)sum;
    }
}
