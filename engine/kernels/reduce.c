/* Reductions of x[outer, n, inner] over the middle to out[outer, inner].
 *
 * Sums are pairwise: 16 terms one after the other, in many lanes, then halves onto halves, as a binary counter does it
 * (after block 1 comes block 2: add; after blocks 3 and 4: add, and add to the first sum; ...). The error grows with
 * log2(n), and the order depends on the sizes only.
 *
 * rows (inner = 1): vectors along the row. columns (inner > 1): vectors across the columns, whole rows of up to
 * STRIP_COLUMNS at a time. Where inner is smaller than a vector, LANES rows are read as one row of LANES * inner columns,
 * folded at the end. */
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "simd/math.h"
#include <stdlib.h>

#define ROW_BLOCK (64 * LANES) /* 4 accumulators of 16 vectors each */
#define COLUMN_BLOCK 16        /* rows added one after the other */
#define STRIP_COLUMNS 256      /* at least LANES * LANES */
#define LEVELS 40              /* of the binary counter: enough for any n */
#define SEGMENT 65536          /* numbers of one row, or of all columns, that one thread takes */
#define MAX_SEGMENTS 64

typedef enum { SUM, PROD, AMAX, AMIN, SQUARES, DEVIATIONS, EXPONENTIALS } operation;

INLINE real start_of(operation op) {
    return op == PROD ? 1 : op == AMAX ? -REAL_INFINITY : op == AMIN ? REAL_INFINITY : 0;
}
/* What one number contributes; centre is 0 but for the last two. */
INLINE vreal term_of(operation op, vreal x, vreal centre) {
    if (op == SQUARES) return x * x;
    if (op == DEVIATIONS) return (x - centre) * (x - centre);
    if (op == EXPONENTIALS) return vexp(x - centre);
    return x;
}
INLINE vreal combined(operation op, vreal a, vreal b) { /* a what there is so far, b what comes to it */
    if (op == PROD) return a * b;
    if (op == AMAX) return vmaximum(b, a);
    if (op == AMIN) return vminimum(b, a);
    return a + b;
}
/* out[0..count) from finished reductions: the logarithm for EXPONENTIALS. */
INLINE void finish(operation op, int64_t count, const real *reduced, const real *centre, real *out) {
    int64_t i = 0;
    if (op != EXPONENTIALS) {
        if (out != reduced) memcpy(out, reduced, (size_t)count * sizeof(real));
        return;
    }
    for (; i + LANES <= count; i += LANES) vstore(out + i, vlog(vload(reduced + i)) + vload(centre + i));
    if (i < count)
        vstore_partial(out + i, count - i,
                       vlog(vload_partial(reduced + i, count - i)) + vload_partial(centre + i, count - i));
}
INLINE real combined_numbers(operation op, real a, real b) {
    if (op == PROD) return a * b;
    if (op == AMAX) return a > b || a != a ? a : b;
    if (op == AMIN) return a < b || a != a ? a : b;
    return a + b;
}
/* All lanes into one, halves onto halves. */
INLINE real combined_lanes(operation op, vreal v) {
    real x[LANES];
    memcpy(x, &v, sizeof x);
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++) x[i] = combined_numbers(op, x[i], x[i + half]);
    return x[0];
}

typedef struct {
    const real *x, *centre; /* centre: NULL or [outer, inner] */
    real *out;              /* for EXPONENTIALS it is the centre's own memory */
    int64_t outer, n, inner;
    int64_t segment, segments; /* of n; out is then [segments, inner] */
} reduce_job;

/* ---- rows ---- */

/* A row of less than two vectors, number by number (vectors would be mostly empty). */
INLINE real reduce_short_row(operation op, int64_t n, const real *x, real centre) {
    real s[4] = {start_of(op), start_of(op), start_of(op), start_of(op)};
    for (int64_t i = 0; i < n; i++) {
        real d = x[i] - centre, term = op == SQUARES ? x[i] * x[i] : op == DEVIATIONS ? d * d : x[i];
        s[i % 4] = combined_numbers(op, s[i % 4], term);
    }
    return combined_numbers(op, combined_numbers(op, s[0], s[1]), combined_numbers(op, s[2], s[3]));
}

/* One row or a segment of one. */
INLINE real reduce_row(operation op, int64_t n, const real *x, real centre) {
    if (op != EXPONENTIALS && n < 2 * LANES) return reduce_short_row(op, n, x, centre);
    vreal start = vset(start_of(op)), c = vset(centre), level[LEVELS];
    int64_t i = 0, blocks = 0;
    int depth = 0;
    for (; i + ROW_BLOCK <= n; i += ROW_BLOCK) {
        vreal s0 = start, s1 = start, s2 = start, s3 = start;
        for (int64_t k = i; k < i + ROW_BLOCK; k += 4 * LANES) {
            s0 = combined(op, s0, term_of(op, vload(x + k), c));
            s1 = combined(op, s1, term_of(op, vload(x + k + LANES), c));
            s2 = combined(op, s2, term_of(op, vload(x + k + 2 * LANES), c));
            s3 = combined(op, s3, term_of(op, vload(x + k + 3 * LANES), c));
        }
        vreal sum = combined(op, combined(op, s0, s1), combined(op, s2, s3));
        for (int64_t carry = blocks++; carry & 1; carry >>= 1) sum = combined(op, level[--depth], sum);
        level[depth++] = sum;
    }
    vreal s0 = start, s1 = start;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        s0 = combined(op, s0, term_of(op, vload(x + i), c));
        s1 = combined(op, s1, term_of(op, vload(x + i + LANES), c));
    }
    if (i + LANES <= n) {
        s0 = combined(op, s0, term_of(op, vload(x + i), c));
        i += LANES;
    }
    if (i < n) { /* lanes beyond the end contribute what the reduction starts with */
        real rest[LANES];
        vreal tail = term_of(op, vload_partial(x + i, n - i), c);
        memcpy(rest, &tail, sizeof rest);
        for (int64_t k = n - i; k < LANES; k++) rest[k] = start_of(op);
        s1 = combined(op, s1, vload(rest));
    }
    vreal total = combined(op, s0, s1);
    while (depth) total = combined(op, level[--depth], total);
    return combined_lanes(op, total);
}

INLINE void reduce_rows(operation op, const reduce_job *j, int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
        real centre = j->centre ? j->centre[r] : 0, reduced = reduce_row(op, j->n, j->x + r * j->n, centre);
        finish(op, 1, &reduced, &centre, j->out + r);
    }
}

/* Segments of one row. */
INLINE void reduce_row_segments(operation op, const reduce_job *j, int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; s++) {
        int64_t first = s * j->segment, n = j->n - first < j->segment ? j->n - first : j->segment;
        j->out[s] = reduce_row(op, n, j->x + first, j->centre ? *j->centre : 0);
    }
}

/* ---- columns ---- */

/* out[0..width) from `rows` <= COLUMN_BLOCK rows, one after the other; the first row starts it. */
INLINE void reduce_block(operation op, int64_t rows, int64_t width, const real *x, int64_t pitch, const real *centre,
                         real *out) {
    int64_t c = 0;
    for (; c + 4 * LANES <= width; c += 4 * LANES) {
        vreal s[4], m[4];
        for (int v = 0; v < 4; v++) {
            m[v] = centre ? vload(centre + c + v * LANES) : vset(0);
            s[v] = term_of(op, vload(x + c + v * LANES), m[v]);
        }
        for (int64_t r = 1; r < rows; r++)
            for (int v = 0; v < 4; v++)
                s[v] = combined(op, s[v], term_of(op, vload(x + r * pitch + c + v * LANES), m[v]));
        for (int v = 0; v < 4; v++) vstore(out + c + v * LANES, s[v]);
    }
    for (; c + LANES <= width; c += LANES) {
        vreal m = centre ? vload(centre + c) : vset(0), s = term_of(op, vload(x + c), m);
        for (int64_t r = 1; r < rows; r++) s = combined(op, s, term_of(op, vload(x + r * pitch + c), m));
        vstore(out + c, s);
    }
    if (c < width) {
        int64_t rest = width - c;
        vreal m = centre ? vload_partial(centre + c, rest) : vset(0), s = term_of(op, vload_partial(x + c, rest), m);
        for (int64_t r = 1; r < rows; r++) s = combined(op, s, term_of(op, vload_partial(x + r * pitch + c, rest), m));
        vstore_partial(out + c, rest, s);
    }
}

/* sum = combined(first, sum) on width numbers. */
INLINE void combine_onto(operation op, int64_t width, const real *first, real *sum) {
    int64_t c = 0;
    for (; c + LANES <= width; c += LANES) vstore(sum + c, combined(op, vload(first + c), vload(sum + c)));
    if (c < width)
        vstore_partial(sum + c, width - c,
                       combined(op, vload_partial(first + c, width - c), vload_partial(sum + c, width - c)));
}

/* out[0..width), width <= STRIP_COLUMNS, from n >= 1 rows. */
INLINE void reduce_strip(operation op, int64_t n, int64_t width, const real *x, int64_t pitch, const real *centre,
                         real *out) {
    real level[LEVELS][STRIP_COLUMNS];
    int depth = 0;
    for (int64_t r = 0, block = 0; r < n; r += COLUMN_BLOCK, block++) {
        int64_t rows = n - r < COLUMN_BLOCK ? n - r : COLUMN_BLOCK;
        real *sum = level[depth];
        reduce_block(op, rows, width, x + r * pitch, pitch, centre, rows == n ? out : sum);
        if (rows == n) return;
        for (int64_t carry = block; carry & 1; carry >>= 1) {
            combine_onto(op, width, sum, level[depth - 1]);
            sum = level[--depth];
        }
        depth++;
    }
    while (depth > 1) {
        combine_onto(op, width, level[depth - 1], level[depth - 2]);
        depth--;
    }
    memcpy(out, level[0], (size_t)width * sizeof(real));
}

/* out[0..inner) for inner < LANES: LANES rows at a time as one wide row, then the wide row's parts onto one another. */
INLINE void reduce_narrow(operation op, int64_t n, int64_t inner, const real *x, const real *centre, real *out) {
    real wide[STRIP_COLUMNS], wide_centre[STRIP_COLUMNS];
    int64_t together = n / LANES, width = LANES * inner;
    if (together) {
        for (int64_t c = 0; centre && c < width; c++) wide_centre[c] = centre[c % inner];
        reduce_strip(op, together, width, x, width, centre ? wide_centre : 0, wide);
        for (int half = LANES / 2; half; half /= 2) combine_onto(op, half * inner, wide + half * inner, wide);
        memcpy(out, wide, (size_t)inner * sizeof(real));
    }
    if (together * LANES < n) {
        real rest[LANES];
        reduce_block(op, n - together * LANES, inner, x + together * width, inner, centre, rest);
        if (together)
            combine_onto(op, inner, rest, out);
        else
            memcpy(out, rest, (size_t)inner * sizeof(real));
    }
}

INLINE int64_t strip_width(const reduce_job *j, int64_t strip) {
    int64_t left = j->inner - strip * STRIP_COLUMNS;
    return left < STRIP_COLUMNS ? left : STRIP_COLUMNS;
}

/* out[0..width): columns [first, first + width) of one of the outer parts, rows [row, row + n). */
INLINE void reduce_columns_of(operation op, const reduce_job *j, int64_t part, int64_t first, int64_t width,
                              int64_t row, int64_t n, const real *centre, real *out) {
    const real *x = j->x + (part * j->n + row) * j->inner + first;
    if (j->inner < LANES)
        reduce_narrow(op, n, j->inner, x, centre, out);
    else
        reduce_strip(op, n, width, x, j->inner, centre, out);
}

INLINE void reduce_columns(operation op, const reduce_job *j, int64_t begin, int64_t end) {
    int64_t strips = (j->inner + STRIP_COLUMNS - 1) / STRIP_COLUMNS;
    for (int64_t t = begin; t < end; t++) {
        int64_t first = t % strips * STRIP_COLUMNS, width = strip_width(j, t % strips);
        real *out = j->out + t / strips * j->inner + first;
        const real *centre = j->centre ? j->centre + t / strips * j->inner + first : 0;
        if (op == EXPONENTIALS) {
            real reduced[STRIP_COLUMNS];
            reduce_columns_of(op, j, t / strips, first, width, 0, j->n, centre, reduced);
            finish(op, width, reduced, centre, out);
        } else {
            reduce_columns_of(op, j, t / strips, first, width, 0, j->n, centre, out);
        }
    }
}

INLINE void reduce_column_segments(operation op, const reduce_job *j, int64_t begin, int64_t end) {
    int64_t strips = (j->inner + STRIP_COLUMNS - 1) / STRIP_COLUMNS;
    for (int64_t t = begin; t < end; t++) {
        int64_t row = t / strips * j->segment, first = t % strips * STRIP_COLUMNS;
        int64_t n = j->n - row < j->segment ? j->n - row : j->segment;
        reduce_columns_of(op, j, 0, first, strip_width(j, t % strips), row, n, j->centre ? j->centre + first : 0,
                          j->out + t / strips * j->inner + first);
    }
}

/* ---- how the work is cut ---- */

typedef void (*loop_body)(void *context, int64_t begin, int64_t end);
typedef struct {
    loop_body rows, row_segments, columns, column_segments;
} loops;

/* The segments' results onto the first, pairwise. */
INLINE void combine_segments(operation op, int64_t segments, int64_t width, real *partial) {
    for (int64_t step = 1; step < segments; step *= 2)
        for (int64_t s = 0; s + step < segments; s += 2 * step)
            combine_onto(op, width, partial + (s + step) * width, partial + s * width);
}

INLINE void reduce(operation op, const loops *loop, int64_t outer, int64_t n, int64_t inner, const real *x,
                   const real *centre, real *out) {
    reduce_job j = {.x = x, .centre = centre, .out = out, .outer = outer, .n = n, .inner = inner};
    int64_t results = outer * inner, chunk = 1 + (SEGMENT / 2) / (n + 1);
    if (n == 0) {
        for (int64_t i = 0; i < results; i++) out[i] = start_of(op);
        return;
    }
    if (results == 0) return;
    int64_t strips = (inner + STRIP_COLUMNS - 1) / STRIP_COLUMNS, tasks = outer * strips;
    int64_t part = n * inner; /* numbers in one of the outer parts */
    if (part < 2 * SEGMENT || tasks >= MAX_SEGMENTS) {
        if (inner == 1)
            parallel_for(outer, chunk, loop->rows, &j);
        else
            parallel_for(tasks, 1 + chunk / (inner < STRIP_COLUMNS ? inner : STRIP_COLUMNS), loop->columns, &j);
        return;
    }
    /* Few and large: the middle is cut too. There are less than MAX_SEGMENTS strips. */
    int64_t per_segment = (part / MAX_SEGMENTS > SEGMENT ? part / MAX_SEGMENTS : SEGMENT) / inner;
    int64_t unit = LANES * COLUMN_BLOCK;
    j.segment = per_segment < unit ? unit : per_segment - per_segment % unit;
    j.segments = (n + j.segment - 1) / j.segment;
    int64_t size = j.segments * inner;
    real few[4 * MAX_SEGMENTS], *partial = size <= 4 * MAX_SEGMENTS ? few : malloc((size_t)size * sizeof(real));
    if (!partial) { /* no memory: not cut */
        parallel_for(tasks, 1, loop->columns, &j);
        return;
    }
    j.out = partial;
    for (int64_t p = 0; p < outer; p++) {
        j.x = x + p * part;
        j.centre = centre ? centre + p * inner : 0;
        if (inner == 1)
            parallel_for(j.segments, 1, loop->row_segments, &j);
        else
            parallel_for(j.segments * strips, 1, loop->column_segments, &j);
        combine_segments(op, j.segments, inner, partial);
        finish(op, inner, partial, j.centre, out + p * inner);
    }
    if (partial != few) free(partial);
}

#define REDUCTION(name, op)                                                                                            \
    static void name##_rows(void *job, int64_t begin, int64_t end) { reduce_rows(op, job, begin, end); }               \
    static void name##_row_segments(void *job, int64_t begin, int64_t end) {                                           \
        reduce_row_segments(op, job, begin, end);                                                                      \
    }                                                                                                                  \
    static void name##_columns(void *job, int64_t begin, int64_t end) { reduce_columns(op, job, begin, end); }         \
    static void name##_column_segments(void *job, int64_t begin, int64_t end) {                                        \
        reduce_column_segments(op, job, begin, end);                                                                   \
    }                                                                                                                  \
    static void reduce_##name(int64_t outer, int64_t n, int64_t inner, const real *x, const real *centre, real *out) { \
        static const loops loop = {name##_rows, name##_row_segments, name##_columns, name##_column_segments};          \
        reduce(op, &loop, outer, n, inner, x, centre, out);                                                            \
    }

REDUCTION(sum, SUM)
REDUCTION(prod, PROD)
REDUCTION(amax, AMAX)
REDUCTION(amin, AMIN)
REDUCTION(squares, SQUARES)
REDUCTION(deviations, DEVIATIONS)
REDUCTION(exponentials, EXPONENTIALS)

/* ---- the functions ---- */

void sum_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out) {
    reduce_sum(outer, n, inner, x, 0, out);
}
void prod_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out) {
    reduce_prod(outer, n, inner, x, 0, out);
}
void amax_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out) {
    reduce_amax(outer, n, inner, x, 0, out);
}
void amin_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out) {
    reduce_amin(outer, n, inner, x, 0, out);
}
void sum_squares_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out) {
    reduce_squares(outer, n, inner, x, 0, out);
}

void mean_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out) {
    reduce_sum(outer, n, inner, x, 0, out);
    for (int64_t i = 0; i < outer * inner; i++) out[i] /= (real)n;
}

void mean_var_real(int64_t outer, int64_t n, int64_t inner, const real *x, double correction, real *mean_out,
                   real *var_out) {
    real divisor = (real)((double)n - correction);
    if (divisor < 0) divisor = 0;
    mean_real(outer, n, inner, x, mean_out);
    reduce_deviations(outer, n, inner, x, mean_out, var_out);
    for (int64_t i = 0; i < outer * inner; i++) var_out[i] /= divisor;
}

/* log(sum e^(x - m)) + m, m the largest number (0 where that is infinite). */
void logsumexp_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out) {
    reduce_amax(outer, n, inner, x, 0, out);
    for (int64_t i = 0; i < outer * inner; i++)
        if (isinf(out[i])) out[i] = n ? 0 : -REAL_INFINITY;
    if (n) reduce_exponentials(outer, n, inner, x, out, out);
}
