/* Pooling of planes x[planes, height, width] to a given number of windows. They differ in size by one where the sides do
 * not divide, and then neighbours overlap. */
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "simd/simd.h"

#define NUMBERS_PER_CHUNK 16384

typedef struct {
    const pool2d_shape *shape;
    const real *x;
    real *out;
    int64_t *index;
} adaptive_job;

typedef struct {
    int64_t begin, end;
} window;

static inline window window_of(int64_t number, int64_t size, int64_t windows) {
    return (window){number * size / windows, ((number + 1) * size + windows - 1) / windows};
}

static int64_t chunk_of(int64_t numbers_each) {
    return numbers_each < NUMBERS_PER_CHUNK ? NUMBERS_PER_CHUNK / (numbers_each > 0 ? numbers_each : 1) : 1;
}

static inline real sum_of(int64_t n, const real *x) {
    real sum = 0;
    int64_t i = 0;
    if (n >= LANES) {
        vreal lanes = {0};
        for (; i + LANES <= n; i += LANES) lanes += vload(x + i);
        sum = vsum(lanes);
    }
    for (; i < n; i++) sum += x[i];
    return sum;
}

/* Rows [begin, end) of out[planes * out_height, out_width]. */
static void average_body(void *context, int64_t begin, int64_t end) {
    const adaptive_job *j = context;
    const pool2d_shape *s = j->shape;
    for (int64_t r = begin; r < end; r++) {
        const real *plane = j->x + r / s->out_height * s->height * s->width;
        const window rows = window_of(r % s->out_height, s->height, s->out_height);
        for (int64_t w = 0; w < s->out_width; w++) {
            const window cols = window_of(w, s->width, s->out_width);
            const int64_t across = cols.end - cols.begin, count = (rows.end - rows.begin) * across;
            real sum = 0;
            if (across == s->width) /* whole rows lie one after the other */
                sum = sum_of(count, plane + rows.begin * s->width);
            else
                for (int64_t h = rows.begin; h < rows.end; h++)
                    sum += sum_of(across, plane + h * s->width + cols.begin);
            j->out[r * s->out_width + w] = sum / (real)count;
        }
    }
}

void adaptive_avg_pool2d_real(const pool2d_shape *shape, const real *x, real *out) {
    adaptive_job j = {.shape = shape, .x = x, .out = out};
    if (shape->out_height <= 0 || shape->out_width <= 0) return;
    parallel_for(shape->planes * shape->out_height, chunk_of(shape->height / shape->out_height * shape->width),
                 average_body, &j);
}

/* Planes [begin, end). */
static void average_backward_body(void *context, int64_t begin, int64_t end) {
    const adaptive_job *j = context;
    const pool2d_shape *s = j->shape;
    const int64_t size = s->height * s->width;
    memset(j->out + begin * size, 0, (size_t)((end - begin) * size) * sizeof(real));
    for (int64_t r = begin * s->out_height; r < end * s->out_height; r++) {
        real *plane = j->out + r / s->out_height * size;
        const window rows = window_of(r % s->out_height, s->height, s->out_height);
        for (int64_t w = 0; w < s->out_width; w++) {
            const window cols = window_of(w, s->width, s->out_width);
            const real each = j->x[r * s->out_width + w] / (real)((rows.end - rows.begin) * (cols.end - cols.begin));
            for (int64_t h = rows.begin; h < rows.end; h++)
                for (int64_t i = cols.begin; i < cols.end; i++) plane[h * s->width + i] += each;
        }
    }
}

void adaptive_avg_pool2d_backward_real(const pool2d_shape *shape, const real *grad_out, real *grad_x) {
    adaptive_job j = {.shape = shape, .x = grad_out, .out = grad_x};
    parallel_for(shape->planes, chunk_of(shape->height * shape->width), average_backward_body, &j);
}

/* Rows [begin, end) of out[planes * out_height, out_width]. */
static void max_body(void *context, int64_t begin, int64_t end) {
    const adaptive_job *j = context;
    const pool2d_shape *s = j->shape;
    for (int64_t r = begin; r < end; r++) {
        const real *plane = j->x + r / s->out_height * s->height * s->width;
        const window rows = window_of(r % s->out_height, s->height, s->out_height);
        for (int64_t w = 0; w < s->out_width; w++) {
            const window cols = window_of(w, s->width, s->out_width);
            int64_t best = rows.begin * s->width + cols.begin;
            real largest = -(real)INFINITY;
            for (int64_t h = rows.begin; h < rows.end; h++)
                for (int64_t i = h * s->width + cols.begin; i < h * s->width + cols.end; i++)
                    if (plane[i] > largest || plane[i] != plane[i]) largest = plane[i], best = i;
            j->out[r * s->out_width + w] = largest;
            if (j->index) j->index[r * s->out_width + w] = best;
        }
    }
}

void adaptive_max_pool2d_real(const pool2d_shape *shape, const real *x, real *out, int64_t *index) {
    adaptive_job j = {.shape = shape, .x = x, .out = out, .index = index};
    if (shape->out_height <= 0 || shape->out_width <= 0) return;
    parallel_for(shape->planes * shape->out_height, chunk_of(4 * (shape->height / shape->out_height) * shape->width),
                 max_body, &j);
}
