/* Max and average pooling of planes x[planes, height, width] to out[planes, out_height, out_width].
 *
 * A row of outputs is made one window position after the other: position (kh, kw) of all the row's windows lies
 * stride_w apart in one row of the plane, so the loop over the row has no tests and becomes vectors. The columns whose
 * windows have that position inside the plane are known beforehand.
 *
 * The window that most networks use, 2 x 2 with stride 2, is done with whole vectors instead. */
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "simd/simd.h"

#define NUMBERS_PER_CHUNK 16384
#define COLUMNS 128 /* outputs made at a time */

typedef struct {
    const pool2d_shape *shape;
    const real *x;
    const int64_t *index;
    real *out;
    int64_t *index_out;
    int64_t count_include_pad;
} pool_job;

static int64_t chunk_of(int64_t numbers_each) {
    return numbers_each < NUMBERS_PER_CHUNK ? NUMBERS_PER_CHUNK / (numbers_each > 0 ? numbers_each : 1) : 1;
}
static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; } /* a >= 0 */

/* Of the outputs [begin, end), those whose window position lies inside 0..size-1: begin and end are narrowed.
 * `at` is where the position of output 0 lies. */
static inline void narrow(int64_t at, int64_t stride, int64_t size, int64_t *begin, int64_t *end) {
    *begin = larger(*begin, at < 0 ? divide_up(-at, stride) : 0);
    *end = smaller(*end, at < size ? divide_up(size - at, stride) : 0);
}

/* ---- Max: the first of the largest, or the last NaN, as PyTorch's ---- */

/* The first position of the window that begins at `at` to lie inside the plane's side, or -1 when none does. */
static inline int64_t first_inside(int64_t at, int64_t kernel, int64_t dilation, int64_t size) {
    if (at < 0) {
        int64_t skipped = divide_up(-at, dilation);
        if (skipped >= kernel) return -1;
        at += skipped * dilation;
    }
    return at < size ? at : -1;
}

/* best[i], at[i] from the numbers x[i * stride], whose places are place + i * stride. */
static inline void take_larger(int64_t n, const real *x, int64_t stride, int64_t place, real *best, int64_t *at) {
    for (int64_t i = 0; i < n; i++) {
        real v = x[i * stride];
        int64_t here = place + i * stride;
        int better = (v > best[i]) | (v != v);
        best[i] = better ? v : best[i];
        at[i] = better ? here : at[i];
    }
}

/* Columns [first, last) of row `row` of a plane's outputs. left[w - first]: where column w's window enters the plane. */
static inline void max_row(const pool2d_shape *s, const real *plane, int64_t row, int64_t first, int64_t last,
                           const int64_t *left, real *out, int64_t *index) {
    int64_t at[COLUMNS], top = row * s->stride_h - s->padding_h;
    real best[COLUMNS];
    int64_t top_inside = first_inside(top, s->kernel_height, s->dilation_h, s->height);
    for (int64_t k = 0; k < last - first; k++) {
        at[k] = top_inside < 0 || left[k] < 0 ? -1 : top_inside * s->width + left[k];
        best[k] = -(real)INFINITY;
    }
    for (int64_t kh = 0; kh < s->kernel_height; kh++) {
        int64_t h = top + kh * s->dilation_h;
        if (h < 0 || h >= s->height) continue;
        for (int64_t kw = 0; kw < s->kernel_width; kw++) {
            int64_t shift = kw * s->dilation_w - s->padding_w, begin = first, end = last;
            narrow(shift, s->stride_w, s->width, &begin, &end);
            int64_t place = h * s->width + begin * s->stride_w + shift, k = begin - first;
            if (begin >= end) continue;
            if (s->stride_w == 1) take_larger(end - begin, plane + place, 1, place, best + k, at + k);
            else if (s->stride_w == 2) take_larger(end - begin, plane + place, 2, place, best + k, at + k);
            else take_larger(end - begin, plane + place, s->stride_w, place, best + k, at + k);
        }
    }
    memcpy(out + first, best, (size_t)(last - first) * sizeof(real));
    if (index) memcpy(index + first, at, (size_t)(last - first) * sizeof(int64_t));
}

/* Columns from `from` on of rows [begin, end) of out[planes * out_height, out_width]. */
static void max_rows(const pool_job *j, int64_t begin, int64_t end, int64_t from) {
    const pool2d_shape *s = j->shape;
    for (int64_t first = from; first < s->out_width; first += COLUMNS) {
        int64_t left[COLUMNS], last = smaller(first + COLUMNS, s->out_width);
        for (int64_t w = first; w < last; w++)
            left[w - first] = first_inside(w * s->stride_w - s->padding_w, s->kernel_width, s->dilation_w, s->width);
        for (int64_t r = begin; r < end; r++)
            max_row(s, j->x + r / s->out_height * s->height * s->width, r % s->out_height, first, last, left,
                    j->out + r * s->out_width, j->index_out ? j->index_out + r * s->out_width : 0);
    }
}

static void max_pool_body(void *context, int64_t begin, int64_t end) { max_rows(context, begin, end, 0); }

/* ---- Max, 2 x 2 with stride 2 ---- */

/* SHUFFLE(a, b, numbers): the lanes of a and b, counted through, that the numbers name. */
#if defined(__clang__)
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (vint){__VA_ARGS__})
#endif
#if VECTOR_BYTES == 16 && REAL_IS_DOUBLE
#define EVEN 0, 2
#define ODD 1, 3
#elif VECTOR_BYTES == (REAL_IS_DOUBLE ? 32 : 16)
#define EVEN 0, 2, 4, 6
#define ODD 1, 3, 5, 7
#elif VECTOR_BYTES == (REAL_IS_DOUBLE ? 64 : 32)
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14
#define ODD 1, 3, 5, 7, 9, 11, 13, 15
#else
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#endif

typedef int64_t vplace __attribute__((vector_size(8 * LANES), aligned(8), may_alias)); /* LANES positions */

static inline vint replaces(vreal v, vreal best) { return (v > best) | (v != v); }

/* Windows of LANES outputs: rows `above` and `below` of the plane from the first of them on. */
static inline void max_quads(const real *above, const real *below, int64_t place, int64_t width, real *out,
                             int64_t *index) {
    vreal a = vload(above), b = vload(above + LANES), c = vload(below), d = vload(below + LANES);
    vreal v01 = SHUFFLE(a, b, ODD), v10 = SHUFFLE(c, d, EVEN), v11 = SHUFFLE(c, d, ODD), best = SHUFFLE(a, b, EVEN);
    vint at = {EVEN}; /* places of the windows' first numbers, from `place` on */
    const vint first = at;
    vint better = replaces(v01, best);
    best = vselect(better, v01, best);
    at = vselecti(better, first + 1, at);
    better = replaces(v10, best);
    best = vselect(better, v10, best);
    at = vselecti(better, first + (integer)width, at);
    better = replaces(v11, best);
    best = vselect(better, v11, best);
    at = vselecti(better, first + (integer)(width + 1), at);
    vstore(out, best);
    if (index) *(vplace *)index = __builtin_convertvector(at, vplace) + place;
}

/* Rows [begin, end) of the outputs. A vector may run past the end of its row: what it leaves there is put right by the
 * next row, which is made after it. Where a vector would leave the plane's or the chunk's memory, single numbers. */
static void max_quads_body(void *context, int64_t begin, int64_t end) {
    const pool_job *j = context;
    const pool2d_shape *s = j->shape;
    const int64_t numbers = s->planes * s->height * s->width;
    for (int64_t r = begin; r < end; r++) {
        int64_t plane = r / s->out_height * s->height * s->width, above = r % s->out_height * 2 * s->width, w = 0;
        int64_t out = r * s->out_width, room = smaller(end * s->out_width - out, s->out_width + LANES - 1) - LANES;
        room = smaller(room, (numbers - plane - above - s->width) / 2 - LANES);
        for (; w <= room; w += LANES)
            max_quads(j->x + plane + above + 2 * w, j->x + plane + above + s->width + 2 * w, above + 2 * w, s->width,
                      j->out + out + w, j->index_out ? j->index_out + out + w : 0);
        if (w < s->out_width) max_rows(j, r, r + 1, w);
    }
}

void max_pool2d_real(const pool2d_shape *shape, const real *x, real *out, int64_t *index) {
    const pool2d_shape *s = shape;
    pool_job j = {.shape = s, .x = x, .out = out, .index_out = index};
    int quads = s->kernel_height == 2 && s->kernel_width == 2 && s->stride_h == 2 && s->stride_w == 2 &&
                s->padding_h == 0 && s->padding_w == 0 && s->dilation_h == 1 && s->dilation_w == 1 &&
                2 * s->out_height <= s->height && 2 * s->out_width <= s->width && s->width < INT32_MAX / 2;
    int64_t taps = quads ? 4 : 4 * s->kernel_height * s->kernel_width;
    parallel_for(s->planes * s->out_height, chunk_of(s->out_width * taps), quads ? max_quads_body : max_pool_body, &j);
}

/* Planes [begin, end). */
static void max_pool_backward_body(void *context, int64_t begin, int64_t end) {
    const pool_job *j = context;
    const uint64_t size = (uint64_t)(j->shape->height * j->shape->width);
    const int64_t outputs = j->shape->out_height * j->shape->out_width;
    for (int64_t p = begin; p < end; p++) {
        real *grad_x = j->out + p * (int64_t)size;
        memset(grad_x, 0, size * sizeof(real));
        for (int64_t i = p * outputs; i < (p + 1) * outputs; i++)
            if ((uint64_t)j->index[i] < size) grad_x[j->index[i]] += j->x[i];
    }
}

void max_pool2d_backward_real(const pool2d_shape *shape, const real *grad_out, const int64_t *index, real *grad_x) {
    pool_job j = {.shape = shape, .x = grad_out, .index = index, .out = grad_x};
    parallel_for(shape->planes, chunk_of(shape->height * shape->width), max_pool_backward_body, &j);
}

/* ---- Average ---- */

/* How many positions of the window that begins at `at` are divided by: those inside the plane, or those inside the plane
 * and its padding. */
static inline int64_t counted(int64_t at, int64_t kernel, int64_t size, int64_t padding, int64_t count_include_pad) {
    int64_t end = smaller(at + kernel, size + padding);
    return larger(count_include_pad ? end - at : smaller(end, size) - larger(at, 0), 1); /* 1: an empty window gives 0 */
}

/* counts[w - first] of columns [first, last). */
static inline void column_counts(const pool_job *j, int64_t first, int64_t last, real *counts) {
    const pool2d_shape *s = j->shape;
    for (int64_t w = first; w < last; w++)
        counts[w - first] = (real)counted(w * s->stride_w - s->padding_w, s->kernel_width, s->width, s->padding_w,
                                          j->count_include_pad);
}
static inline real row_count(const pool_job *j, int64_t row) {
    const pool2d_shape *s = j->shape;
    return (real)counted(row * s->stride_h - s->padding_h, s->kernel_height, s->height, s->padding_h,
                         j->count_include_pad);
}

static inline void add_from(int64_t n, const real *x, int64_t stride, real *sum) {
    for (int64_t i = 0; i < n; i++) sum[i] += x[i * stride];
}
static inline void add_to(int64_t n, real *x, int64_t stride, const real *each) {
    for (int64_t i = 0; i < n; i++) x[i * stride] += each[i];
}

/* Goes through the window positions of columns [first, last) of a row: adds the plane's numbers to values[last - first],
 * or values to the plane's numbers. */
static inline void each_position(const pool2d_shape *s, int64_t row, int64_t first, int64_t last, const real *plane,
                                 real *grad_plane, real *values) {
    for (int64_t kh = 0; kh < s->kernel_height; kh++) {
        int64_t h = row * s->stride_h - s->padding_h + kh;
        if (h < 0 || h >= s->height) continue;
        for (int64_t kw = 0; kw < s->kernel_width; kw++) {
            int64_t shift = kw - s->padding_w, begin = first, end = last;
            narrow(shift, s->stride_w, s->width, &begin, &end);
            int64_t place = h * s->width + begin * s->stride_w + shift, n = end - begin;
            if (begin >= end) continue;
            if (grad_plane) add_to(n, grad_plane + place, s->stride_w, values + begin - first);
            else if (s->stride_w == 1) add_from(n, plane + place, 1, values + begin - first);
            else if (s->stride_w == 2) add_from(n, plane + place, 2, values + begin - first);
            else add_from(n, plane + place, s->stride_w, values + begin - first);
        }
    }
}

/* Rows [begin, end) of out[planes * out_height, out_width]. */
static void avg_pool_body(void *context, int64_t begin, int64_t end) {
    const pool_job *j = context;
    const pool2d_shape *s = j->shape;
    for (int64_t first = 0; first < s->out_width; first += COLUMNS) {
        int64_t last = smaller(first + COLUMNS, s->out_width);
        real counts[COLUMNS];
        column_counts(j, first, last, counts);
        for (int64_t r = begin; r < end; r++) {
            int64_t row = r % s->out_height;
            real sum[COLUMNS] = {0}, count = row_count(j, row);
            each_position(s, row, first, last, j->x + r / s->out_height * s->height * s->width, 0, sum);
            real *out = j->out + r * s->out_width + first;
            for (int64_t k = 0; k < last - first; k++) out[k] = sum[k] / (count * counts[k]);
        }
    }
}

void avg_pool2d_real(const pool2d_shape *shape, int64_t count_include_pad, const real *x, real *out) {
    pool_job j = {.shape = shape, .x = x, .out = out, .count_include_pad = count_include_pad};
    int64_t taps = shape->kernel_height * shape->kernel_width;
    parallel_for(shape->planes * shape->out_height, chunk_of(shape->out_width * taps), avg_pool_body, &j);
}

/* Planes [begin, end). */
static void avg_pool_backward_body(void *context, int64_t begin, int64_t end) {
    const pool_job *j = context;
    const pool2d_shape *s = j->shape;
    const int64_t size = s->height * s->width;
    memset(j->out + begin * size, 0, (size_t)((end - begin) * size) * sizeof(real));
    for (int64_t first = 0; first < s->out_width; first += COLUMNS) {
        int64_t last = smaller(first + COLUMNS, s->out_width);
        real counts[COLUMNS], each[COLUMNS];
        column_counts(j, first, last, counts);
        for (int64_t r = begin * s->out_height; r < end * s->out_height; r++) {
            int64_t row = r % s->out_height;
            const real *grad = j->x + r * s->out_width + first;
            real count = row_count(j, row);
            for (int64_t k = 0; k < last - first; k++) each[k] = grad[k] / (count * counts[k]);
            each_position(s, row, first, last, 0, j->out + r / s->out_height * size, each);
        }
    }
}

void avg_pool2d_backward_real(const pool2d_shape *shape, int64_t count_include_pad, const real *grad_out, real *grad_x) {
    pool_job j = {.shape = shape, .x = grad_out, .out = grad_x, .count_include_pad = count_include_pad};
    parallel_for(shape->planes, chunk_of(shape->height * shape->width), avg_pool_backward_body, &j);
}
