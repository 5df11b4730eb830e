/* The numbers under each place of a window, laid out for all windows (im2col), and their way back (col2im). */
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "simd/simd.h"

#define NUMBERS_PER_CHUNK 16384

typedef struct {
    const pool2d_shape *shape;
    const real *from;
    real *to;
} unfold_job;

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t chunk_of(int64_t numbers_each) {
    return numbers_each < NUMBERS_PER_CHUNK ? NUMBERS_PER_CHUNK / (numbers_each > 0 ? numbers_each : 1) : 1;
}

/* The outputs [begin, end) along one side for which a place of the window lies inside; it lies at `at` for output 0. */
typedef struct {
    int64_t at, begin, end;
} reach;

static inline reach reach_of(int64_t place, int64_t dilation, int64_t padding, int64_t stride, int64_t size,
                             int64_t out) {
    const int64_t at = place * dilation - padding;
    const int64_t end = at >= size ? 0 : smaller(out, (size - at + stride - 1) / stride);
    return (reach){at, at >= 0 ? 0 : smaller(end, (-at + stride - 1) / stride), end};
}

/* Rows [begin, end) of columns[planes * kernel_height * kernel_width, out_height * out_width]. */
static void unfold_body(void *context, int64_t begin, int64_t end) {
    const unfold_job *j = context;
    const pool2d_shape *s = j->shape;
    const int64_t taps = s->kernel_height * s->kernel_width, outputs = s->out_height * s->out_width;
    memset(j->to + begin * outputs, 0, (size_t)((end - begin) * outputs) * sizeof(real));
    for (int64_t r = begin; r < end; r++) {
        const int64_t kh = r % taps / s->kernel_width, kw = r % s->kernel_width;
        const reach rows = reach_of(kh, s->dilation_h, s->padding_h, s->stride_h, s->height, s->out_height);
        const reach cols = reach_of(kw, s->dilation_w, s->padding_w, s->stride_w, s->width, s->out_width);
        const real *plane = j->from + r / taps * s->height * s->width;
        for (int64_t h = rows.begin; h < rows.end; h++) {
            const real *from = plane + (rows.at + h * s->stride_h) * s->width;
            real *to = j->to + r * outputs + h * s->out_width;
            if (s->stride_w == 1 && cols.begin < cols.end)
                memcpy(to + cols.begin, from + cols.at + cols.begin, (size_t)(cols.end - cols.begin) * sizeof(real));
            else
                for (int64_t w = cols.begin; w < cols.end; w++) to[w] = from[cols.at + w * s->stride_w];
        }
    }
}

void unfold2d_real(const pool2d_shape *shape, const real *x, real *columns) {
    unfold_job j = {shape, x, columns};
    parallel_for(shape->planes * shape->kernel_height * shape->kernel_width,
                 chunk_of(shape->out_height * shape->out_width), unfold_body, &j);
}

/* Planes [begin, end). */
static void fold_body(void *context, int64_t begin, int64_t end) {
    const unfold_job *j = context;
    const pool2d_shape *s = j->shape;
    const int64_t size = s->height * s->width;
    memset(j->to + begin * size, 0, (size_t)((end - begin) * size) * sizeof(real));
    for (int64_t p = begin; p < end; p++) {
        real *plane = j->to + p * size;
        for (int64_t kh = 0; kh < s->kernel_height; kh++) {
            const reach rows = reach_of(kh, s->dilation_h, s->padding_h, s->stride_h, s->height, s->out_height);
            for (int64_t kw = 0; kw < s->kernel_width; kw++) {
                const reach cols = reach_of(kw, s->dilation_w, s->padding_w, s->stride_w, s->width, s->out_width);
                const int64_t row_of_columns = (p * s->kernel_height + kh) * s->kernel_width + kw;
                for (int64_t h = rows.begin; h < rows.end; h++) {
                    const real *from = j->from + (row_of_columns * s->out_height + h) * s->out_width;
                    real *to = plane + (rows.at + h * s->stride_h) * s->width;
                    for (int64_t w = cols.begin; w < cols.end; w++) to[cols.at + w * s->stride_w] += from[w];
                }
            }
        }
    }
}

void fold2d_real(const pool2d_shape *shape, const real *columns, real *x) {
    unfold_job j = {shape, columns, x};
    parallel_for(shape->planes,
                 chunk_of(shape->kernel_height * shape->kernel_width * shape->out_height * shape->out_width), fold_body,
                 &j);
}
