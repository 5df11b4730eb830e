/* Softmax and log-softmax over the middle of x[outer, n, inner].
 *
 * softmax: exp(x - max) / sum exp(x - max); its derivative y * (g - sum(g y)).
 * log-softmax: x - max - log sum exp(x - max); its derivative g - exp(y) sum(g).
 *
 * inner == 1: rows, along which vectors lie. Otherwise vectors lie across columns, a block of which is taken down the
 * whole of n at a time. NaN, +inf and rows of -inf alone give NaN, as the formulas do. */
#include "kernels/softmax.h"
#include "lucid_engine.h"
#include "runtime/parallel.h"

#define COLUMNS 64 /* columns of a block: whole cache lines of each row */
#define COLUMN_VECTORS (COLUMNS / LANES)

typedef struct {
    int64_t n, inner, blocks; /* blocks of columns in each of outer */
    const real *x, *out;      /* the input; of a backward kernel the gradient and the forward's result */
    real *result;
    void (*columns)(int64_t n, int64_t inner, int64_t width, const real *x, const real *out, real *result);
} softmax_job;

static void columns_body(void *context, int64_t begin, int64_t end) {
    const softmax_job *j = context;
    for (int64_t item = begin; item < end; item++) {
        int64_t column = item % j->blocks * COLUMNS, at = item / j->blocks * j->n * j->inner + column;
        int64_t width = j->inner - column < COLUMNS ? j->inner - column : COLUMNS;
        j->columns(j->n, j->inner, width, j->x + at, j->out ? j->out + at : 0, j->result + at);
    }
}

/* Rows when inner is 1, else blocks of columns. */
static void run(int64_t outer, softmax_job *j, void (*rows_body)(void *, int64_t, int64_t)) {
    if (j->n == 0 || j->inner == 0) return;
    if (j->inner == 1) {
        parallel_for(outer, rows_per_chunk(j->n), rows_body, j);
    } else {
        j->blocks = (j->inner + COLUMNS - 1) / COLUMNS;
        parallel_for(outer * j->blocks, rows_per_chunk(j->n * (j->inner < COLUMNS ? j->inner : COLUMNS)), columns_body, j);
    }
}

/* For each vector of the block: v its number, i its column, left the columns from there on. */
#define EACH_VECTOR(width)                                                                                             \
    for (int64_t v = 0, i = 0, left = (width); left > 0; v++, i += LANES, left -= LANES)

static inline void column_max(int64_t n, int64_t inner, int64_t width, const real *x, vreal *top) {
    EACH_VECTOR(width) top[v] = vset(-(real)INFINITY);
    for (int64_t r = 0; r < n; r++)
        EACH_VECTOR(width) top[v] = vmax(vload_left(x + r * inner + i, left), top[v]);
}

/* ---- softmax ---- */

static inline void softmax_row(int64_t n, const real *x, real *out) {
    if (n <= LANES) { /* all of it in one register */
        vint present = first_lanes(n);
        vreal row = vselect(present, vload_left(x, n), vset(-(real)INFINITY));
        vreal e = vexp(row - vset(vmax_lanes(vselect(row == row, row, vset(-(real)INFINITY)))));
        e = vselect(present, e, (vreal){0});
        vstore_left(out, n, e * vset(1 / vsum(e)));
        return;
    }
    vreal scale = vset(1 / row_exp_sum(n, x, row_max(n, x), out));
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) vstore(out + i, vload(out + i) * scale);
    if (i < n) vstore_partial(out + i, n - i, vload_partial(out + i, n - i) * scale);
}

static void softmax_rows(void *context, int64_t begin, int64_t end) {
    const softmax_job *j = context;
    for (int64_t r = begin; r < end; r++) softmax_row(j->n, j->x + r * j->n, j->result + r * j->n);
}

static void softmax_columns(int64_t n, int64_t inner, int64_t width, const real *x, const real *unused, real *out) {
    (void)unused;
    vreal top[COLUMN_VECTORS], sum[COLUMN_VECTORS];
    column_max(n, inner, width, x, top);
    EACH_VECTOR(width) sum[v] = (vreal){0};
    for (int64_t r = 0; r < n; r++)
        EACH_VECTOR(width) {
            vreal e = vexp(vload_left(x + r * inner + i, left) - top[v]);
            vstore_left(out + r * inner + i, left, e);
            sum[v] += e;
        }
    EACH_VECTOR(width) sum[v] = REAL_C(1.0) / sum[v];
    for (int64_t r = 0; r < n; r++)
        EACH_VECTOR(width) vstore_left(out + r * inner + i, left, vload_left(out + r * inner + i, left) * sum[v]);
}

void softmax_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out) {
    softmax_job j = {.n = n, .inner = inner, .x = x, .result = out, .columns = softmax_columns};
    run(outer, &j, softmax_rows);
}

static void softmax_backward_rows(void *context, int64_t begin, int64_t end) {
    const softmax_job *j = context;
    int64_t n = j->n;
    for (int64_t r = begin; r < end; r++) {
        const real *grad = j->x + r * n, *out = j->out + r * n;
        real *grad_x = j->result + r * n;
        vreal sum = {0};
        for (int64_t i = 0; i < n; i += LANES) sum = vfma(vload_left(grad + i, n - i), vload_left(out + i, n - i), sum);
        vreal dot = vset(vsum(sum));
        for (int64_t i = 0; i < n; i += LANES)
            vstore_left(grad_x + i, n - i, vload_left(out + i, n - i) * (vload_left(grad + i, n - i) - dot));
    }
}

static void softmax_backward_columns(int64_t n, int64_t inner, int64_t width, const real *grad, const real *out,
                                     real *grad_x) {
    vreal dot[COLUMN_VECTORS];
    EACH_VECTOR(width) dot[v] = (vreal){0};
    for (int64_t r = 0; r < n; r++)
        EACH_VECTOR(width)
            dot[v] = vfma(vload_left(grad + r * inner + i, left), vload_left(out + r * inner + i, left), dot[v]);
    for (int64_t r = 0; r < n; r++)
        EACH_VECTOR(width) {
            vreal g = vload_left(grad + r * inner + i, left), y = vload_left(out + r * inner + i, left);
            vstore_left(grad_x + r * inner + i, left, y * (g - dot[v]));
        }
}

void softmax_backward_real(int64_t outer, int64_t n, int64_t inner, const real *grad, const real *out, real *grad_x) {
    softmax_job j = {.n = n, .inner = inner, .x = grad, .out = out, .result = grad_x, .columns = softmax_backward_columns};
    run(outer, &j, softmax_backward_rows);
}

/* ---- log-softmax ---- */

static void log_softmax_rows(void *context, int64_t begin, int64_t end) {
    const softmax_job *j = context;
    int64_t n = j->n;
    for (int64_t first = begin; first < end; first += LANES) { /* as many rows as there are lanes share one logarithm */
        real max[LANES], sum[LANES];
        int64_t rows = end - first < LANES ? end - first : LANES;
        for (int64_t k = 0; k < rows; k++) {
            const real *x = j->x + (first + k) * n;
            max[k] = row_max(n, x);
            sum[k] = row_exp_sum(n, x, max[k], 0);
        }
        vreal log_sum = vlog(vload_left(sum, rows));
        for (int64_t k = 0; k < rows; k++) {
            const real *x = j->x + (first + k) * n;
            real *out = j->result + (first + k) * n;
            vreal top = vset(max[k]), rest = vset(log_sum[k]);
            for (int64_t i = 0; i < n; i += LANES) vstore_left(out + i, n - i, vload_left(x + i, n - i) - top - rest);
        }
    }
}

static void log_softmax_columns(int64_t n, int64_t inner, int64_t width, const real *x, const real *unused, real *out) {
    (void)unused;
    vreal top[COLUMN_VECTORS], sum[COLUMN_VECTORS];
    column_max(n, inner, width, x, top);
    EACH_VECTOR(width) sum[v] = (vreal){0};
    for (int64_t r = 0; r < n; r++)
        EACH_VECTOR(width) sum[v] += vexp(vload_left(x + r * inner + i, left) - top[v]);
    EACH_VECTOR(width) sum[v] = vlog(sum[v]);
    for (int64_t r = 0; r < n; r++)
        EACH_VECTOR(width)
            vstore_left(out + r * inner + i, left, vload_left(x + r * inner + i, left) - top[v] - sum[v]);
}

void log_softmax_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out) {
    softmax_job j = {.n = n, .inner = inner, .x = x, .result = out, .columns = log_softmax_columns};
    run(outer, &j, log_softmax_rows);
}

static void log_softmax_backward_rows(void *context, int64_t begin, int64_t end) {
    const softmax_job *j = context;
    int64_t n = j->n;
    for (int64_t r = begin; r < end; r++) {
        const real *grad = j->x + r * n, *out = j->out + r * n;
        real *grad_x = j->result + r * n;
        vreal sums = {0};
        for (int64_t i = 0; i < n; i += LANES) sums += vload_left(grad + i, n - i);
        vreal sum = vset(vsum(sums));
        for (int64_t i = 0; i < n; i += LANES)
            vstore_left(grad_x + i, n - i, vload_left(grad + i, n - i) - vexp(vload_left(out + i, n - i)) * sum);
    }
}

static void log_softmax_backward_columns(int64_t n, int64_t inner, int64_t width, const real *grad, const real *out,
                                         real *grad_x) {
    vreal sum[COLUMN_VECTORS];
    EACH_VECTOR(width) sum[v] = (vreal){0};
    for (int64_t r = 0; r < n; r++)
        EACH_VECTOR(width) sum[v] += vload_left(grad + r * inner + i, left);
    for (int64_t r = 0; r < n; r++)
        EACH_VECTOR(width) {
            vreal g = vload_left(grad + r * inner + i, left), y = vload_left(out + r * inner + i, left);
            vstore_left(grad_x + r * inner + i, left, g - vexp(y) * sum[v]);
        }
}

void log_softmax_backward_real(int64_t outer, int64_t n, int64_t inner, const real *grad, const real *out,
                               real *grad_x) {
    softmax_job j = {.n = n, .inner = inner, .x = grad, .out = out, .result = grad_x,
                     .columns = log_softmax_backward_columns};
    run(outer, &j, log_softmax_backward_rows);
}
