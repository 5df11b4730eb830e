/* Rows and numbers taken from, and added to, the places an index names. All indices are checked before anything is read
 * or written through one of them. Additions to one place are made in the order of the index: work is cut across columns,
 * never along the index, so that the sums have the same bits for any number of threads. */
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "simd/simd.h"

#define NUMBERS_PER_CHUNK 16384
#define COPIES_PER_CHUNK 65536 /* of a plain copy, which memory bounds more than the processor does */
#define ROWS_AHEAD 2           /* whose memory is asked for while a row is copied */
#define CACHE_LINE ((int64_t)(64 / sizeof(real))) /* numbers of a cache line */

typedef struct {
    int64_t n, row, m, inner, skip;
    const real *from;
    const int64_t *index;
    real *to;
} gather_job;

static int64_t chunk_of(int64_t numbers, int64_t numbers_each) {
    return numbers_each < numbers ? numbers / (numbers_each > 0 ? numbers_each : 1) : 1;
}

/* ---- Checking ---- */

#define CHECK_BLOCK 1024

/* Position of the first index not in 0..limit-1, or -1. */
static int64_t first_outside(int64_t n, const int64_t *index, int64_t limit) {
    const uint64_t last = (uint64_t)limit - 1; /* limit 0: every index leaves a sign bit */
    for (int64_t begin = 0; begin < n; begin += CHECK_BLOCK) {
        int64_t end = n - begin < CHECK_BLOCK ? n : begin + CHECK_BLOCK;
        uint64_t signs = 0; /* the sign bit is set by an index below 0 or above last */
        for (int64_t i = begin; i < end; i++) signs |= (uint64_t)index[i] | (last - (uint64_t)index[i]);
        if (signs >> 63)
            for (int64_t i = begin; i < end; i++)
                if (index[i] < 0 || index[i] >= limit) return i;
    }
    return -1;
}

/* ---- Rows ---- */

/* Copies x, and asks for the memory of a row that is to come: rows picked at random are not where the processor looks
 * ahead by itself. */
static inline void copy_row(int64_t n, const real *x, const real *coming, real *out) {
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        __builtin_prefetch(coming + i, 0, 2); /* into the second cache, which waits for more lines at a time */
        vstore(out + i, vload(x + i));
    }
    for (; i < n; i++) out[i] = x[i];
}

static inline void add_row(int64_t n, const real *x, real *out) {
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) vstore(out + i, vload(out + i) + vload(x + i));
    for (; i < n; i++) out[i] += x[i];
}

static void gather_rows_body(void *context, int64_t begin, int64_t end) {
    const gather_job *j = context;
    for (int64_t i = begin; i < end; i++) {
        int64_t ahead = i + ROWS_AHEAD < end ? i + ROWS_AHEAD : i;
        copy_row(j->row, j->from + j->index[i] * j->row, j->from + j->index[ahead] * j->row, j->to + i * j->row);
    }
}

int64_t gather_rows_real(int64_t n, int64_t row, int64_t table_rows, const real *table, const int64_t *index,
                         real *out) {
    int64_t bad = first_outside(n, index, table_rows);
    if (bad >= 0) return bad;
    gather_job j = {.row = row, .from = table, .index = index, .to = out};
    parallel_for(n, chunk_of(COPIES_PER_CHUNK, row), gather_rows_body, &j);
    return -1;
}

/* Columns [begin, end) of every row. */
static void scatter_add_rows_body(void *context, int64_t begin, int64_t end) {
    const gather_job *j = context;
    for (int64_t i = 0; i < j->n; i++)
        if (j->index[i] != j->skip)
            add_row(end - begin, j->from + i * j->row + begin, j->to + j->index[i] * j->row + begin);
}

int64_t scatter_add_rows_real(int64_t n, int64_t row, int64_t table_rows, const real *grad, const int64_t *index,
                              int64_t skip, real *table_grad) {
    int64_t bad = first_outside(n, index, table_rows);
    if (bad >= 0) return bad;
    gather_job j = {.n = n, .row = row, .skip = skip, .from = grad, .index = index, .to = table_grad};
    int64_t columns = chunk_of(NUMBERS_PER_CHUNK, n);
    parallel_for(row, (columns + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE, scatter_add_rows_body, &j);
    return -1;
}

/* ---- Along the middle of x[outer, n, inner] ---- */

/* Rows [begin, end) of out[outer * m, inner]. */
static void gather_body(void *context, int64_t begin, int64_t end) {
    const gather_job *j = context;
    int64_t inner = j->inner, outer = begin / j->m, position = begin % j->m;
    for (int64_t r = begin; r < end; r++) {
        const real *x = j->from + outer * j->n * inner;
        const int64_t *index = j->index + r * inner;
        real *out = j->to + r * inner;
        for (int64_t i = 0; i < inner; i++) out[i] = x[index[i] * inner + i];
        if (++position == j->m) position = 0, outer++;
    }
}

int64_t gather_real(int64_t outer, int64_t n, int64_t inner, int64_t m, const real *x, const int64_t *index,
                    real *out) {
    int64_t bad = first_outside(outer * m * inner, index, n);
    if (bad >= 0) return bad;
    gather_job j = {.n = n, .m = m, .inner = inner, .from = x, .index = index, .to = out};
    parallel_for(outer * m, chunk_of(NUMBERS_PER_CHUNK, inner), gather_body, &j);
    return -1;
}

/* Columns [begin, end) of the outer * inner there are. */
static void scatter_add_body(void *context, int64_t begin, int64_t end) {
    const gather_job *j = context;
    int64_t inner = j->inner;
    while (begin < end) {
        int64_t outer = begin / inner, first = begin % inner;
        int64_t last = inner - first < end - begin ? inner : first + end - begin;
        const real *source = j->from + outer * j->m * inner;
        const int64_t *index = j->index + outer * j->m * inner;
        real *out = j->to + outer * j->n * inner;
        for (int64_t p = 0; p < j->m; p++)
            for (int64_t i = first; i < last; i++) out[index[p * inner + i] * inner + i] += source[p * inner + i];
        begin += last - first;
    }
}

int64_t scatter_add_real(int64_t outer, int64_t n, int64_t inner, int64_t m, const real *source, const int64_t *index,
                         real *out) {
    int64_t bad = first_outside(outer * m * inner, index, n);
    if (bad >= 0) return bad;
    gather_job j = {.n = n, .m = m, .inner = inner, .from = source, .index = index, .to = out};
    int64_t columns = chunk_of(NUMBERS_PER_CHUNK, m);
    parallel_for(outer * inner, (columns + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE, scatter_add_body, &j);
    return -1;
}
