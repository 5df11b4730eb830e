/* Rows and numbers taken from, and added to, the places an index names. All indices are checked before anything is read
 * or written through one of them. Additions to one place are made in the order of the index: work is cut across columns,
 * never along the index, so that the sums have the same bits for any number of threads. */
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "simd/simd.h"
#include <stdatomic.h>

#define NUMBERS_PER_CHUNK 16384
#define COPIES_PER_CHUNK 65536 /* of a plain copy, which memory bounds more than the processor does */
#define LINES_OF_ROW 8         /* of a long row, written to by one thread */
#define ROWS_AHEAD 2           /* whose memory is asked for while a row is copied */
#define CACHE_LINE ((int64_t)(64 / sizeof(real))) /* numbers of a cache line */

typedef struct {
    int64_t n, m, inner, skip;
    int adds;
    real value;
    const real *from; /* NULL: the value */
    const int64_t *index;
    real *to;
} gather_job;

static int64_t chunk_of(int64_t numbers, int64_t numbers_each) {
    return numbers_each < numbers ? numbers / (numbers_each > 0 ? numbers_each : 1) : 1;
}

/* Columns of a chunk: whole cache lines, and several where they are pieces of long rows, each of another page. */
static int64_t columns_per_chunk(const gather_job *j) {
    int64_t columns = chunk_of(NUMBERS_PER_CHUNK, j->m),
            least = j->inner < LINES_OF_ROW * CACHE_LINE ? 1 : LINES_OF_ROW;
    int64_t lines = (columns + CACHE_LINE - 1) / CACHE_LINE;
    return (lines > least ? lines : least) * CACHE_LINE;
}

/* ---- Checking ---- */

#define CHECK_BLOCK 1024
#define CHECK_CHUNK 65536

typedef struct {
    const int64_t *index;
    int64_t limit;
    _Atomic int64_t first; /* the first outside so far; INT64_MAX: none */
} check_job;

static void check_body(void *context, int64_t begin, int64_t end) {
    check_job *j = context;
    const uint64_t last = (uint64_t)j->limit - 1; /* limit 0: every index leaves a sign bit */
    const int64_t *index = j->index;
    for (; begin < end; begin += CHECK_BLOCK) {
        int64_t stop = end - begin < CHECK_BLOCK ? end : begin + CHECK_BLOCK;
        uint64_t signs = 0; /* the sign bit is set by an index below 0 or above last */
        for (int64_t i = begin; i < stop; i++) signs |= (uint64_t)index[i] | (last - (uint64_t)index[i]);
        if (!(signs >> 63)) continue;
        while (index[begin] >= 0 && index[begin] < j->limit) begin++;
        int64_t first = atomic_load(&j->first);
        while (begin < first && !atomic_compare_exchange_weak(&j->first, &first, begin))
            ;
        return;
    }
}

/* Position of the first index not in 0..limit-1, or -1. */
static int64_t first_outside(int64_t n, const int64_t *index, int64_t limit) {
    check_job j = {index, limit, INT64_MAX};
    parallel_for(n, CHECK_CHUNK, check_body, &j);
    return j.first == INT64_MAX ? -1 : j.first;
}

/* ---- Rows ---- */

static inline void copy_row(int64_t n, const real *x, real *out) {
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) vstore(out + i, vload(x + i));
    for (; i < n; i++) out[i] = x[i];
}

/* Copies x, and asks for the memory of a row that is to come: rows picked at random are not where the processor looks
 * ahead by itself. */
static inline void copy_picked_row(int64_t n, const real *x, const real *coming, real *out) {
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

/* out[i] = x[index[i]] */
static inline void pick_numbers(int64_t n, const real *restrict x, const int64_t *restrict index, real *restrict out) {
    for (int64_t i = 0; i < n; i++) out[i] = x[index[i]];
}

/* Rows [begin, end) of out[outer * m, inner]. */
static void index_select_body(void *context, int64_t begin, int64_t end) {
    const gather_job *j = context;
    int64_t inner = j->inner, outer = begin / j->m, position = begin % j->m;
    for (int64_t r = begin; r < end; outer++, position = 0) {
        const real *x = j->from + outer * j->n * inner;
        int64_t last = j->m - position < end - r ? j->m : position + end - r;
        if (inner == 1) {
            pick_numbers(last - position, x, j->index + position, j->to + r);
            r += last - position;
        } else
            for (; position < last; position++, r++) {
                int64_t ahead = position + ROWS_AHEAD < last ? position + ROWS_AHEAD : position;
                copy_picked_row(inner, x + j->index[position] * inner, x + j->index[ahead] * inner, j->to + r * inner);
            }
    }
}

int64_t index_select_real(int64_t outer, int64_t n, int64_t inner, int64_t m, const real *x, const int64_t *index,
                          real *out) {
    int64_t bad = first_outside(m, index, n);
    if (bad >= 0) return bad;
    gather_job j = {.n = n, .m = m, .inner = inner, .from = x, .index = index, .to = out};
    parallel_for(outer * m, chunk_of(COPIES_PER_CHUNK, inner), index_select_body, &j);
    return -1;
}

int64_t gather_rows_real(int64_t n, int64_t row, int64_t table_rows, const real *table, const int64_t *index,
                         real *out) {
    return index_select_real(1, table_rows, row, n, table, index, out);
}

static inline void fill_row(int64_t n, real value, real *out) {
    for (int64_t i = 0; i < n; i++) out[i] = value;
}

/* One row of m numbers to out[index[i]], but for i with index[i] == skip. */
static inline void write_numbers(const gather_job *j, const real *restrict source, const int64_t *restrict index,
                                 int64_t skip, real *restrict out) {
    if (source && j->adds && skip < 0)
        for (int64_t i = 0; i < j->m; i++) out[index[i]] += source[i];
    else if (source && j->adds)
        for (int64_t i = 0; i < j->m; i++) {
            if (index[i] != skip) out[index[i]] += source[i];
        }
    else
        for (int64_t i = 0; i < j->m; i++) out[index[i]] = source ? source[i] : j->value;
}

/* Columns [begin, end) of the outer * inner there are: what stands there is added to, replaced, or set to a number. */
static void write_slices_body(void *context, int64_t begin, int64_t end) {
    const gather_job *j = context;
    int64_t inner = j->inner;
    while (begin < end) {
        int64_t outer = begin / inner, first = begin % inner;
        int64_t width = inner - first < end - begin ? inner - first : end - begin;
        const real *source = j->from ? j->from + outer * j->m * inner + first : 0;
        real *out = j->to + outer * j->n * inner + first;
        if (inner == 1) write_numbers(j, source, j->index, j->skip, out);
        for (int64_t p = 0; inner > 1 && p < j->m; p++) {
            if (j->index[p] == j->skip) continue;
            if (!source)
                fill_row(width, j->value, out + j->index[p] * inner);
            else if (j->adds)
                add_row(width, source + p * inner, out + j->index[p] * inner);
            else
                copy_row(width, source + p * inner, out + j->index[p] * inner);
        }
        begin += width;
    }
}

static int64_t write_slices(int64_t outer, gather_job j) {
    int64_t bad = first_outside(j.m, j.index, j.n);
    if (bad >= 0) return bad;
    parallel_for(outer * j.inner, columns_per_chunk(&j), write_slices_body, &j);
    return -1;
}

int64_t index_add_real(int64_t outer, int64_t n, int64_t inner, int64_t m, const real *source, const int64_t *index,
                       real *out) {
    return write_slices(
        outer,
        (gather_job){.n = n, .m = m, .inner = inner, .skip = -1, .adds = 1, .from = source, .index = index, .to = out});
}

int64_t index_copy_real(int64_t outer, int64_t n, int64_t inner, int64_t m, const real *source, double value,
                        const int64_t *index, real *out) {
    return write_slices(outer, (gather_job){.n = n,
                                            .m = m,
                                            .inner = inner,
                                            .skip = -1,
                                            .value = (real)value,
                                            .from = source,
                                            .index = index,
                                            .to = out});
}

int64_t scatter_add_rows_real(int64_t n, int64_t row, int64_t table_rows, const real *grad, const int64_t *index,
                              int64_t skip, real *table_grad) {
    return write_slices(1, (gather_job){.n = table_rows,
                                        .m = n,
                                        .inner = row,
                                        .skip = skip,
                                        .adds = 1,
                                        .from = grad,
                                        .index = index,
                                        .to = table_grad});
}

/* ---- Along the middle of x[outer, n, inner] ---- */

/* Rows [begin, end) of out[outer * m, inner]. */
static void gather_body(void *context, int64_t begin, int64_t end) {
    const gather_job *j = context;
    int64_t inner = j->inner, outer = begin / j->m, position = begin % j->m;
    for (int64_t r = begin; r < end; outer++, position = 0) {
        const real *restrict x = j->from + outer * j->n * inner;
        int64_t last = j->m - position < end - r ? j->m : position + end - r;
        if (inner == 1) {
            pick_numbers(last - position, x, j->index + r, j->to + r);
            r += last - position;
            continue;
        }
        for (; position < last; position++, r++) {
            const int64_t *restrict index = j->index + r * inner;
            real *restrict out = j->to + r * inner;
            for (int64_t i = 0; i < inner; i++) out[i] = x[index[i] * inner + i];
        }
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
static void scatter_body(void *context, int64_t begin, int64_t end) {
    const gather_job *j = context;
    int64_t inner = j->inner;
    while (begin < end) {
        int64_t outer = begin / inner, first = begin % inner;
        int64_t last = inner - first < end - begin ? inner : first + end - begin;
        const real *source = j->from ? j->from + outer * j->m * inner : 0;
        const int64_t *index = j->index + outer * j->m * inner;
        real *out = j->to + outer * j->n * inner;
        if (inner == 1) write_numbers(j, source, index, -1, out);
        for (int64_t p = 0; inner > 1 && p < j->m * inner; p += inner)
            if (!source)
                for (int64_t i = first; i < last; i++) out[index[p + i] * inner + i] = j->value;
            else if (j->adds)
                for (int64_t i = first; i < last; i++) out[index[p + i] * inner + i] += source[p + i];
            else
                for (int64_t i = first; i < last; i++) out[index[p + i] * inner + i] = source[p + i];
        begin += last - first;
    }
}

static int64_t scatter_job(int64_t outer, gather_job j) {
    int64_t bad = first_outside(outer * j.m * j.inner, j.index, j.n);
    if (bad >= 0) return bad;
    parallel_for(outer * j.inner, columns_per_chunk(&j), scatter_body, &j);
    return -1;
}

int64_t scatter_add_real(int64_t outer, int64_t n, int64_t inner, int64_t m, const real *source, const int64_t *index,
                         real *out) {
    return scatter_job(
        outer, (gather_job){.n = n, .m = m, .inner = inner, .adds = 1, .from = source, .index = index, .to = out});
}

int64_t scatter_real(int64_t outer, int64_t n, int64_t inner, int64_t m, const real *source, double value,
                     const int64_t *index, real *out) {
    return scatter_job(
        outer,
        (gather_job){.n = n, .m = m, .inner = inner, .value = (real)value, .from = source, .index = index, .to = out});
}
