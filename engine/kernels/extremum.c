/* The largest and smallest numbers of x[outer, n, inner] over the middle, with their positions: the first of equals, and
 * the first NaN where there is one.
 *
 * Rows (inner = 1) are read twice: for the value, then up to where it stands. Columns keep value and position side by
 * side in vectors. */
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "simd/simd.h"

#define COLUMN_TASK 256 /* columns in a task */

typedef struct {
    const real *x;
    real *out; /* or NULL */
    int64_t *index;
    int64_t n, inner;
} extremum_job;

/* Is a before b: larger (smaller), or NaN where b is not? */
INLINE vint before(int largest, vreal a, vreal b) {
    vint ordered = largest ? (vint)(a > b) : (vint)(a < b);
    return ordered | ((vint)(a != a) & (vint)(b == b));
}
INLINE int number_before(int largest, real a, real b) { return (largest ? a > b : a < b) || (a != a && b == b); }

/* The value at its first place in x[n], which is known to be there. */
static int64_t position_of(real value, int64_t n, const real *x) {
    int64_t at = 0;
    if (value == value) {
        while (at + 2 * LANES <= n &&
               !vany((vint)(vload(x + at) == vset(value)) | (vint)(vload(x + at + LANES) == vset(value))))
            at += 2 * LANES;
        while (x[at] != value) at++;
    } else {
        while (at + LANES <= n && !vany((vint)(vload(x + at) != vload(x + at)))) at += LANES;
        while (x[at] == x[at]) at++;
    }
    return at;
}

INLINE void extremum_rows(int largest, const extremum_job *j, int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
        const real *x = j->x + r * j->n;
        int64_t n = j->n, i = 1, at = 0;
        real best = x[0];
        if (n >= 4 * LANES) {
            vreal b[4];
            for (int v = 0; v < 4; v++) b[v] = vload(x + v * LANES);
            for (i = 4 * LANES; i + 4 * LANES <= n; i += 4 * LANES)
                for (int v = 0; v < 4; v++) {
                    vreal next = vload(x + i + v * LANES);
                    b[v] = largest ? vmaximum(next, b[v]) : vminimum(next, b[v]);
                }
            for (int v = 1; v < 4; v++) b[0] = largest ? vmaximum(b[v], b[0]) : vminimum(b[v], b[0]);
            real lanes[LANES];
            vstore(lanes, b[0]);
            for (int half = LANES / 2; half; half /= 2)
                for (int k = 0; k < half; k++)
                    if (number_before(largest, lanes[k + half], lanes[k])) lanes[k] = lanes[k + half];
            best = lanes[0];
            for (; i < n; i++)
                if (number_before(largest, x[i], best)) best = x[i];
            at = position_of(best, n, x);
        } else {
            for (; i < n; i++)
                if (number_before(largest, x[i], best)) {
                    best = x[i];
                    at = i;
                }
        }
        if (j->out) j->out[r] = best;
        j->index[r] = at;
    }
}

/* `width` <= LANES columns from x, `pitch` numbers between rows. */
INLINE void extremum_vector(int largest, int64_t n, int64_t pitch, int64_t width, const real *x, real *out,
                            int64_t *index) {
    vreal best = width < LANES ? vload_partial(x, width) : vload(x);
    int64_t at[LANES] = {0};
    for (int64_t start = 1; start < n;) { /* positions are counted in `integer`, from `start` */
        int64_t stop = n - start > INT32_MAX ? start + INT32_MAX : n;
        vint position = vseti(-1);
        for (int64_t i = start; i < stop; i++) {
            vreal v = width < LANES ? vload_partial(x + i * pitch, width) : vload(x + i * pitch);
            vint better = before(largest, v, best);
            best = vselect(better, v, best);
            position = vselecti(better, vseti((integer)(i - start)), position);
        }
        for (int k = 0; k < LANES; k++)
            if (position[k] >= 0) at[k] = start + position[k];
        start = stop;
    }
    if (out && width < LANES)
        vstore_partial(out, width, best);
    else if (out)
        vstore(out, best);
    memcpy(index, at, (size_t)width * sizeof(int64_t));
}

INLINE void extremum_columns(int largest, const extremum_job *j, int64_t begin, int64_t end) {
    int64_t strips = (j->inner + COLUMN_TASK - 1) / COLUMN_TASK;
    for (int64_t t = begin; t < end; t++) {
        int64_t part = t / strips, first = t % strips * COLUMN_TASK;
        int64_t last = first + COLUMN_TASK < j->inner ? first + COLUMN_TASK : j->inner;
        for (int64_t c = first; c < last; c += LANES) {
            int64_t to = part * j->inner + c, width = last - c < LANES ? last - c : LANES;
            const real *x = j->x + part * j->n * j->inner + c;
            if (width < LANES)
                extremum_vector(largest, j->n, j->inner, width, x, j->out ? j->out + to : 0, j->index + to);
            else
                extremum_vector(largest, j->n, j->inner, LANES, x, j->out ? j->out + to : 0, j->index + to);
        }
    }
}

static void max_rows(void *job, int64_t begin, int64_t end) { extremum_rows(1, job, begin, end); }
static void min_rows(void *job, int64_t begin, int64_t end) { extremum_rows(0, job, begin, end); }
static void max_columns(void *job, int64_t begin, int64_t end) { extremum_columns(1, job, begin, end); }
static void min_columns(void *job, int64_t begin, int64_t end) { extremum_columns(0, job, begin, end); }

void max_index_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out, int64_t *index) {
    extremum_job j = {x, out, index, n, inner};
    int64_t chunk = 1 + 32768 / (n + 1), width = inner < COLUMN_TASK ? inner : COLUMN_TASK;
    if (n == 0 || inner == 0) return;
    if (inner == 1)
        parallel_for(outer, chunk, max_rows, &j);
    else
        parallel_for(outer * ((inner + COLUMN_TASK - 1) / COLUMN_TASK), 1 + chunk / width, max_columns, &j);
}

void min_index_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out, int64_t *index) {
    extremum_job j = {x, out, index, n, inner};
    int64_t chunk = 1 + 32768 / (n + 1), width = inner < COLUMN_TASK ? inner : COLUMN_TASK;
    if (n == 0 || inner == 0) return;
    if (inner == 1)
        parallel_for(outer, chunk, min_rows, &j);
    else
        parallel_for(outer * ((inner + COLUMN_TASK - 1) / COLUMN_TASK), 1 + chunk / width, min_columns, &j);
}

void argmax_real(int64_t outer, int64_t n, int64_t inner, const real *x, int64_t *index) {
    max_index_real(outer, n, inner, x, 0, index);
}
void argmin_real(int64_t outer, int64_t n, int64_t inner, const real *x, int64_t *index) {
    min_index_real(outer, n, inner, x, 0, index);
}

/* ---- the derivative of amax and amin ---- */

typedef struct {
    const real *grad, *x, *extreme;
    real *out;
    int64_t n, inner, strips;
} extreme_backward_job;

static void extreme_backward_body(void *context, int64_t begin, int64_t end) {
    const extreme_backward_job *j = context;
    for (int64_t t = begin; t < end; t++) {
        int64_t first = t % j->strips * COLUMN_TASK, from = t / j->strips * j->inner + first;
        int64_t width = j->inner - first < COLUMN_TASK ? j->inner - first : COLUMN_TASK;
        const real *x = j->x + t / j->strips * j->n * j->inner + first, *extreme = j->extreme + from;
        real *out = j->out + (x - j->x);
        double count[COLUMN_TASK] = {0};
        real share[COLUMN_TASK];
        for (int64_t i = 0; i < j->n; i++)
            for (int64_t c = 0; c < width; c++) count[c] += x[i * j->inner + c] == extreme[c];
        for (int64_t c = 0; c < width; c++) share[c] = (real)((double)j->grad[from + c] / count[c]);
        for (int64_t i = 0; i < j->n; i++)
            for (int64_t c = 0; c < width; c++)
                out[i * j->inner + c] = (real)(x[i * j->inner + c] == extreme[c]) * share[c]; /* of NaN: NaN */
    }
}

void extreme_backward_real(int64_t outer, int64_t n, int64_t inner, const real *grad, const real *x,
                           const real *extreme, real *out) {
    extreme_backward_job j = {grad, x, extreme, out, n, inner, (inner + COLUMN_TASK - 1) / COLUMN_TASK};
    int64_t width = inner < COLUMN_TASK ? inner : COLUMN_TASK;
    parallel_for(outer * j.strips, 1 + 16384 / (n * width + 1), extreme_backward_body, &j);
}
