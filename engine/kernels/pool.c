/* Max and average pooling of planes x[planes, height, width] to out[planes, out_height, out_width].
 *
 * A row of outputs is made one window position after the other: position (kh, kw) of all the row's windows lies
 * stride_w apart in one row of the plane, so the loop over the row is one of vectors, without tests. Which columns have
 * that position inside the plane is known beforehand.
 *
 * The window that most networks use, 2 x 2 with stride 2, is done in registers instead. */
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "simd/simd.h"

#define NUMBERS_PER_CHUNK 16384
#define COLUMNS 128 /* outputs made at a time */

typedef struct {
    const pool2d_shape *shape;
    const real *x, *x_end;
    const int64_t *index;
    real *out;
    int64_t *index_out;
    int64_t count_include_pad, divisor_override;
} pool_job;

static int64_t chunk_of(int64_t numbers_each) {
    return numbers_each < NUMBERS_PER_CHUNK ? NUMBERS_PER_CHUNK / (numbers_each > 0 ? numbers_each : 1) : 1;
}
static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
/* a / b rounded up, a >= 0; a division takes longer than a vector of windows, and b is mostly 1 or 2. */
static inline int64_t divide_up(int64_t a, int64_t b) {
    return b == 1 ? a : b == 2 ? (int64_t)((uint64_t)(a + 1) >> 1) : (a + b - 1) / b;
}

/* ---- Numbers a stride apart ---- */

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

/* x[0], x[stride] ...: n of them, at most LANES; the lanes after them hold anything. `end` is where x's memory ends:
 * whole vectors are read before it. */
static inline vreal load_apart(const real *x, const real *end, int64_t stride, int64_t n) {
    if (stride == 1 && end - x >= LANES) return vload(x);
    if (stride == 2 && end - x >= 2 * LANES) return SHUFFLE(vload(x), vload(x + LANES), EVEN);
    real lanes[LANES] = {0};
    for (int64_t i = 0; i < smaller(n, LANES); i++) lanes[i] = x[i * stride];
    return vload(lanes);
}

static inline vint lane_numbers(void) {
    vint lane = {0};
    for (int i = 0; i < LANES; i++) lane[i] = (integer)i;
    return lane;
}
static inline vint first_lanes(int64_t n) { return lane_numbers() < vseti((integer)smaller(n, LANES)); }

static inline vint vloadi(const integer *p) {
    vint v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline void vstorei(integer *p, vint v) { memcpy(p, &v, sizeof v); }

/* ---- Windows ---- */

/* Row `row` of a plane's outputs, columns [first, last), and what is known of its windows. */
typedef struct {
    const pool2d_shape *shape;
    int64_t top, first, last; /* top: where the windows begin, maybe above the plane */
} row_windows;

/* One window position: count columns from `column` on (of those from `first`) have it inside the plane; it lies
 * `shift` numbers from the beginning of the plane's row `top` for the first of them. */
typedef struct {
    int64_t column, count, shift;
} position;

static inline int has_row(const row_windows *r, int64_t kh) {
    int64_t h = r->top + kh * r->shape->dilation_h;
    return h >= 0 && h < r->shape->height;
}

static inline position position_of(const row_windows *r, int64_t kh, int64_t kw) {
    const pool2d_shape *s = r->shape;
    int64_t left = kw * s->dilation_w - s->padding_w; /* where the position of column 0 lies */
    int64_t begin = larger(r->first, left < 0 ? divide_up(-left, s->stride_w) : 0);
    int64_t end = smaller(r->last, left < s->width ? divide_up(s->width - left, s->stride_w) : 0);
    return (position){begin - r->first, end - begin, kh * s->dilation_h * s->width + begin * s->stride_w + left};
}

/* ---- Max: the first of the largest, or the last NaN, as PyTorch's ---- */

/* Where the window that begins at `at` enters the plane's side, or -1 when it does not. */
static inline int64_t first_inside(int64_t at, int64_t kernel, int64_t dilation, int64_t size) {
    if (at < 0) {
        int64_t skipped = divide_up(-at, dilation);
        if (skipped >= kernel) return -1;
        at += skipped * dilation;
    }
    return at < size ? at : -1;
}

static inline vint replaces(vreal v, vreal best) { return (v > best) | (v != v); }

/* Makes one row: `left` says where each column's window enters the plane. Places are kept relative to the plane's row
 * `top`, so that they fit an integer as wide as a number. */
static inline void max_row(const row_windows *r, const real *plane, const real *x_end, const integer *left, real *out,
                           int64_t *index) {
    const pool2d_shape *s = r->shape;
    const int64_t n = r->last - r->first, top_place = r->top * s->width;
    const int64_t entry = first_inside(r->top, s->kernel_height, s->dilation_h, s->height);
    real best[COLUMNS + LANES];
    integer at[COLUMNS + LANES];
    for (int64_t k = 0; k < n; k += LANES) {
        vint outside = entry < 0 ? vseti(-1) : vloadi(left + k) < 0;
        vstore(best + k, vset(-(real)INFINITY));
        vstorei(at + k, vselecti(outside, vseti(-1), vloadi(left + k) + (integer)((entry - r->top) * s->width)));
    }
    const vint apart = lane_numbers() * (integer)s->stride_w;
    for (int64_t kh = 0; kh < s->kernel_height; kh++) {
        if (!has_row(r, kh)) continue;
        for (int64_t kw = 0; kw < s->kernel_width; kw++) {
            const position p = position_of(r, kh, kw);
            for (int64_t i = 0; i < p.count; i += LANES) {
                const int64_t k = p.column + i, shift = p.shift + i * s->stride_w, rest = p.count - i;
                vreal v = load_apart(plane + top_place + shift, x_end, s->stride_w, rest), old = vload(best + k);
                vint better = replaces(v, old);
                if (rest < LANES) better &= first_lanes(rest);
                vstore(best + k, vselect(better, v, old));
                vstorei(at + k, vselecti(better, apart + (integer)shift, vloadi(at + k)));
            }
        }
    }
    memcpy(out, best, (size_t)n * sizeof(real));
    if (index)
        for (int64_t k = 0; k < n; k++) index[k] = at[k] < 0 ? -1 : top_place + at[k];
}

/* Columns from `from` on of rows [begin, end) of out[planes * out_height, out_width]. */
static void max_rows(const pool_job *j, int64_t begin, int64_t end, int64_t from) {
    const pool2d_shape *s = j->shape;
    for (int64_t first = from; first < s->out_width; first += COLUMNS) {
        const int64_t last = smaller(first + COLUMNS, s->out_width);
        integer left[COLUMNS + LANES] = {0};
        for (int64_t w = first; w < last; w++)
            left[w - first] =
                (integer)first_inside(w * s->stride_w - s->padding_w, s->kernel_width, s->dilation_w, s->width);
        for (int64_t r = begin; r < end; r++) {
            const row_windows windows = {s, r % s->out_height * s->stride_h - s->padding_h, first, last};
            max_row(&windows, j->x + r / s->out_height * s->height * s->width, j->x_end, left,
                    j->out + r * s->out_width + first, j->index_out ? j->index_out + r * s->out_width + first : 0);
        }
    }
}

static void max_pool_body(void *context, int64_t begin, int64_t end) { max_rows(context, begin, end, 0); }

/* ---- Max, 2 x 2 with stride 2 ---- */

typedef int64_t vplace __attribute__((vector_size(8 * LANES), aligned(8), may_alias)); /* LANES places */

/* LANES windows whose first number is at place `place` of its plane: rows `above` and `below` from there on. */
static inline void max_quads(const real *above, const real *below, int64_t place, int64_t width, real *out,
                             int64_t *index) {
    const vreal a = vload(above), b = vload(above + LANES), c = vload(below), d = vload(below + LANES);
    const vreal v01 = SHUFFLE(a, b, ODD), v10 = SHUFFLE(c, d, EVEN), v11 = SHUFFLE(c, d, ODD);
    const vint first = {EVEN};
    vreal best = SHUFFLE(a, b, EVEN);
    vint better = replaces(v01, best), at = vselecti(better, first + 1, first);
    best = vselect(better, v01, best);
    better = replaces(v10, best);
    best = vselect(better, v10, best);
    at = vselecti(better, first + (integer)width, at);
    better = replaces(v11, best);
    vstore(out, vselect(better, v11, best));
    at = vselecti(better, first + (integer)(width + 1), at);
    if (index) *(vplace *)index = __builtin_convertvector(at, vplace) + place;
}

/* Rows [begin, end) of the outputs. A vector may run past the end of its row: what it leaves there is put right by the
 * next row, which is made after it. Where a vector would leave the input's or the chunk's memory, max_rows goes on. */
static void max_quads_body(void *context, int64_t begin, int64_t end) {
    const pool_job *j = context;
    const pool2d_shape *s = j->shape;
    const int64_t width = s->width, columns = s->out_width;
    int64_t row = begin % s->out_height;
    const real *plane = j->x + begin / s->out_height * s->height * width;
    for (int64_t r = begin; r < end; r++) {
        const real *above = plane + 2 * row * width, *below = above + width;
        const int64_t room = smaller((end - r) * columns, (j->x_end - below) / 2); /* outputs from the row's first on */
        int64_t w = 0;
        for (; w < columns && w + LANES <= room; w += LANES)
            max_quads(above + 2 * w, below + 2 * w, 2 * (row * width + w), width, j->out + r * columns + w,
                      j->index_out ? j->index_out + r * columns + w : 0);
        if (w < columns) max_rows(j, r, r + 1, w);
        if (++row == s->out_height) row = 0, plane += s->height * width;
    }
}

void max_pool2d_real(const pool2d_shape *shape, const real *x, real *out, int64_t *index) {
    const pool2d_shape *s = shape;
    pool_job j = {.shape = s, .x = x, .x_end = x + s->planes * s->height * s->width, .out = out, .index_out = index};
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
    return larger(count_include_pad ? end - at : smaller(end, size) - larger(at, 0),
                  1); /* 1: an empty window gives 0 */
}

/* counts[w - first] of columns [first, last); a given divisor is the row's count, and each column's is 1. */
static inline void column_counts(const pool_job *j, int64_t first, int64_t last, real *counts) {
    const pool2d_shape *s = j->shape;
    for (int64_t w = first; w < last; w++)
        counts[w - first] = j->divisor_override ? 1
                                                : (real)counted(w * s->stride_w - s->padding_w, s->kernel_width,
                                                                s->width, s->padding_w, j->count_include_pad);
}
static inline real row_count(const pool_job *j, int64_t row) {
    const pool2d_shape *s = j->shape;
    if (j->divisor_override) return (real)j->divisor_override;
    return (real)counted(row * s->stride_h - s->padding_h, s->kernel_height, s->height, s->padding_h,
                         j->count_include_pad);
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
            const int64_t row = r % s->out_height;
            const row_windows windows = {s, row * s->stride_h - s->padding_h, first, last};
            const real *x = j->x + r / s->out_height * s->height * s->width + windows.top * s->width;
            real sum[COLUMNS + LANES], count = row_count(j, row), *out = j->out + r * s->out_width + first;
            for (int64_t k = 0; k < last - first; k += LANES) vstore(sum + k, (vreal){0});
            for (int64_t kh = 0; kh < s->kernel_height; kh++) {
                if (!has_row(&windows, kh)) continue;
                for (int64_t kw = 0; kw < s->kernel_width; kw++) {
                    const position p = position_of(&windows, kh, kw);
                    for (int64_t i = 0; i < p.count; i += LANES) {
                        const int64_t k = p.column + i, rest = p.count - i;
                        vreal v = load_apart(x + p.shift + i * s->stride_w, j->x_end, s->stride_w, rest);
                        if (rest < LANES) v = vselect(first_lanes(rest), v, (vreal){0});
                        vstore(sum + k, vload(sum + k) + v);
                    }
                }
            }
            for (int64_t k = 0; k < last - first; k++) out[k] = sum[k] / (count * counts[k]);
        }
    }
}

void avg_pool2d_real(const pool2d_shape *shape, int64_t count_include_pad, int64_t divisor_override, const real *x,
                     real *out) {
    pool_job j = {.shape = shape,
                  .x = x,
                  .x_end = x + shape->planes * shape->height * shape->width,
                  .out = out,
                  .count_include_pad = count_include_pad,
                  .divisor_override = divisor_override};
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
            const int64_t row = r % s->out_height;
            const row_windows windows = {s, row * s->stride_h - s->padding_h, first, last};
            const real *grad = j->x + r * s->out_width + first, count = row_count(j, row);
            real *grad_x = j->out + r / s->out_height * size + windows.top * s->width;
            for (int64_t k = 0; k < last - first; k++) each[k] = grad[k] / (count * counts[k]);
            for (int64_t kh = 0; kh < s->kernel_height; kh++) {
                if (!has_row(&windows, kh)) continue;
                for (int64_t kw = 0; kw < s->kernel_width; kw++) {
                    const position p = position_of(&windows, kh, kw);
                    for (int64_t i = 0; i < p.count; i++) grad_x[p.shift + i * s->stride_w] += each[p.column + i];
                }
            }
        }
    }
}

void avg_pool2d_backward_real(const pool2d_shape *shape, int64_t count_include_pad, int64_t divisor_override,
                              const real *grad_out, real *grad_x) {
    pool_job j = {.shape = shape,
                  .x = grad_out,
                  .out = grad_x,
                  .count_include_pad = count_include_pad,
                  .divisor_override = divisor_override};
    parallel_for(shape->planes, chunk_of(shape->height * shape->width), avg_pool_backward_body, &j);
}
