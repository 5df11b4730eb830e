/* Strided copy and casts between number types.
 *
 * copy_strided puts the dimensions in the order of the target's strides and merges neighbours. What is left is cut into
 * tasks of the last two dimensions, `rows` and `columns`, and is one of: runs of contiguous bytes (memcpy), a
 * transposition (blocks of which both sides are read and written by whole cache lines), or plain strided rows. */
#include "lucid_engine.h"
#include "parallel.h"
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#define MAX_DIMS 64
#define LINE_BYTES 64           /* a transposition goes by blocks of so many bytes of the source's lines (their rows) */
#define BLOCK_COLUMNS 64        /* and of so many of the target's numbers */
#define TRANSPOSED_COLUMNS 2048 /* columns in a task of a transposition */
#define TASK_BYTES (1 << 17)    /* what one thread takes at a time */
#define SHORT_RUN 64            /* bytes, below which a loop is quicker than memcpy */

typedef struct {
    const char *source;
    char *target;
    int64_t itemsize;
    int ndim; /* at least 2, the last with the target's smallest stride */
    int transposed;
    int64_t shape[MAX_DIMS + 1], from[MAX_DIMS + 1], to[MAX_DIMS + 1]; /* from, to: strides in bytes */
    int64_t task_rows, task_columns, row_tasks, column_tasks;
} copy_job;

/* rows x columns items of a size the compiler knows, so that each is one load and one store. */
static inline __attribute__((always_inline)) void copy_items(size_t itemsize, int64_t rows, int64_t columns,
                                                             const char *source, int64_t from_row, int64_t from,
                                                             char *target, int64_t to_row, int64_t to) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++)
            memcpy(target + r * to_row + c * to, source + r * from_row + c * from, itemsize);
}

/* The same for any size, one number for a whole row where `from` is 0. */
static void copy_any_items(int64_t size, int64_t rows, int64_t columns, const char *source, int64_t from_row,
                           int64_t from, char *target, int64_t to_row, int64_t to) {
    if (from == size && to == size && columns * size >= SHORT_RUN)
        for (int64_t r = 0; r < rows; r++) memcpy(target + r * to_row, source + r * from_row, (size_t)(columns * size));
    else if (size == 4 && from == 4 && to == 4)
        copy_items(4, rows, columns, source, from_row, 4, target, to_row, 4);
    else if (size == 4 && from == 0 && to == 4)
        copy_items(4, rows, columns, source, from_row, 0, target, to_row, 4);
    else if (size == 4 && to == 4)
        copy_items(4, rows, columns, source, from_row, from, target, to_row, 4);
    else if (size == 4)
        copy_items(4, rows, columns, source, from_row, from, target, to_row, to);
    else if (size == 8 && from == 0 && to == 8)
        copy_items(8, rows, columns, source, from_row, 0, target, to_row, 8);
    else if (size == 8 && to == 8)
        copy_items(8, rows, columns, source, from_row, from, target, to_row, 8);
    else if (size == 8)
        copy_items(8, rows, columns, source, from_row, from, target, to_row, to);
    else if (size == 2)
        copy_items(2, rows, columns, source, from_row, from, target, to_row, to);
    else
        copy_items(1, rows, columns, source, from_row, from, target, to_row, to);
}

/* A block of a transposition: BLOCK_COLUMNS pieces of source lines, one after the other, into a buffer; from there whole
 * stretches of target lines. So each line is read and written once, even where all of them fall on one place of the
 * cache, as they do when their distance is a power of two. */
static void transpose_block(int64_t size, int64_t rows, int64_t columns, const char *source, int64_t from, char *target,
                            int64_t to_row) {
    char buffer[BLOCK_COLUMNS * LINE_BYTES];
    if (rows * size == LINE_BYTES)
        for (int64_t c = 0; c < columns; c++) memcpy(buffer + c * LINE_BYTES, source + c * from, LINE_BYTES);
    else
        for (int64_t c = 0; c < columns; c++) memcpy(buffer + c * LINE_BYTES, source + c * from, (size_t)(rows * size));
    if (size == 4)
        copy_items(4, rows, columns, buffer, 4, LINE_BYTES, target, to_row, 4);
    else if (size == 8)
        copy_items(8, rows, columns, buffer, 8, LINE_BYTES, target, to_row, 8);
    else if (size == 2)
        copy_items(2, rows, columns, buffer, 2, LINE_BYTES, target, to_row, 2);
    else
        copy_items(1, rows, columns, buffer, 1, LINE_BYTES, target, to_row, 1);
}

static void copy_block(const copy_job *j, int64_t rows, int64_t columns, const char *source, char *target) {
    int64_t from_row = j->from[j->ndim - 2], from = j->from[j->ndim - 1], to_row = j->to[j->ndim - 2],
            to = j->to[j->ndim - 1], size = j->itemsize;
    if (j->transposed && from_row == size && to == size)
        transpose_block(size, rows, columns, source, from, target, to_row);
    else
        copy_any_items(size, rows, columns, source, from_row, from, target, to_row, to);
}

static void copy_body(void *context, int64_t begin, int64_t end) {
    const copy_job *j = context;
    int last = j->ndim - 1;
    for (int64_t task = begin; task < end; task++) {
        int64_t column = task % j->column_tasks * j->task_columns,
                row = task / j->column_tasks % j->row_tasks * j->task_rows;
        int64_t rest = task / j->column_tasks / j->row_tasks;
        int64_t rows = j->shape[last - 1] - row < j->task_rows ? j->shape[last - 1] - row : j->task_rows;
        int64_t columns = j->shape[last] - column < j->task_columns ? j->shape[last] - column : j->task_columns;
        const char *source = j->source + row * j->from[last - 1] + column * j->from[last];
        char *target = j->target + row * j->to[last - 1] + column * j->to[last];
        for (int d = last - 2; d >= 0; d--) {
            source += rest % j->shape[d] * j->from[d];
            target += rest % j->shape[d] * j->to[d];
            rest /= j->shape[d];
        }
        int64_t step_rows = j->transposed ? LINE_BYTES / j->itemsize : rows,
                step_columns = j->transposed ? BLOCK_COLUMNS : columns;
        for (int64_t c = 0; c < columns; c += step_columns)
            for (int64_t r = 0; r < rows; r += step_rows)
                copy_block(j, rows - r < step_rows ? rows - r : step_rows,
                           columns - c < step_columns ? columns - c : step_columns,
                           source + r * j->from[last - 1] + c * j->from[last],
                           target + r * j->to[last - 1] + c * j->to[last]);
    }
}

static void swap_dims(copy_job *j, int a, int b) {
    int64_t shape = j->shape[a], from = j->from[a], to = j->to[a];
    j->shape[a] = j->shape[b], j->from[a] = j->from[b], j->to[a] = j->to[b];
    j->shape[b] = shape, j->from[b] = from, j->to[b] = to;
}

/* Dimensions of size 1 dropped, the others by the target's strides, the largest first, and merged where both allow it. */
static void simplify(copy_job *j, int64_t ndim, const int64_t *shape, const int64_t *from, const int64_t *to) {
    int used = 0;
    for (int64_t d = 0; d < ndim; d++) {
        if (shape[d] == 1) continue;
        j->shape[used] = shape[d], j->from[used] = from[d], j->to[used] = to[d];
        for (int k = used++; k > 0 && llabs(j->to[k - 1]) < llabs(j->to[k]); k--) swap_dims(j, k - 1, k);
    }
    j->ndim = 0;
    for (int d = 0; d < used; d++) {
        int before = j->ndim - 1;
        if (before >= 0 && j->from[before] == j->from[d] * j->shape[d] && j->to[before] == j->to[d] * j->shape[d])
            j->shape[before] *= j->shape[d];
        else
            before = j->ndim++, j->shape[before] = j->shape[d];
        j->from[before] = j->from[d], j->to[before] = j->to[d];
    }
    while (j->ndim < 2) { /* a row, or a number, as rows and columns */
        j->shape[j->ndim] = 1, j->from[j->ndim] = j->to[j->ndim] = 0;
        if (j->ndim++ == 1) swap_dims(j, 0, 1);
    }
}

void copy_strided(int64_t itemsize, int64_t ndim, const int64_t *shape, const void *source,
                  const int64_t *source_strides, void *target, const int64_t *target_strides) {
    copy_job j;
    int64_t n = 1;
    for (int64_t d = 0; d < ndim; d++) n *= shape[d];
    if (n == 0) return;
    j.source = source;
    j.target = target;
    j.itemsize = itemsize;
    simplify(&j, ndim, shape, source_strides, target_strides);
    int last = j.ndim - 1, nearest = last;
    for (int d = 0; d < last; d++) /* the dimension along which the source is contiguous */
        if (j.from[d] && llabs(j.from[d]) < llabs(j.from[nearest])) nearest = d;
    j.transposed = nearest != last && j.from[last] != 0;
    if (j.transposed) swap_dims(&j, nearest, last - 1);
    int64_t rows = j.shape[last - 1], columns = j.shape[last], items = TASK_BYTES / itemsize;
    int64_t widest = j.transposed ? TRANSPOSED_COLUMNS : items;
    j.task_columns = columns < widest ? columns : widest;
    j.task_rows = items / j.task_columns < rows ? items / j.task_columns : rows;
    j.row_tasks = (rows + j.task_rows - 1) / j.task_rows;
    j.column_tasks = (columns + j.task_columns - 1) / j.task_columns;
    int64_t tasks = n / (rows * columns) * j.row_tasks * j.column_tasks;
    parallel_for(tasks, 1 + items / (j.task_rows * j.task_columns) / 2, copy_body, &j);
}

void copy_rows(int64_t itemsize, int64_t rows, int64_t columns, const void *source, int64_t source_step, void *target,
               int64_t target_step) {
    int64_t shape[2] = {rows, columns}, from[2] = {source_step * itemsize, itemsize};
    int64_t to[2] = {target_step * itemsize, itemsize};
    copy_strided(itemsize, 2, shape, source, from, target, to);
}

typedef struct {
    const char *source;
    char *target;
    int64_t itemsize, rows, columns, diagonal, upper;
} triangle_job;

static void triangle_body(void *context, int64_t begin, int64_t end) {
    const triangle_job *j = context;
    size_t whole = (size_t)(j->columns * j->itemsize);
    for (int64_t r = begin; r < end; r++) {
        const char *source = j->source + (size_t)r * whole;
        char *target = j->target + (size_t)r * whole;
        int64_t cut = r % j->rows + j->diagonal + !j->upper; /* the first column that is otherwise than column 0 */
        cut = cut < 0 ? 0 : cut > j->columns ? j->columns : cut;
        size_t first = (size_t)(cut * j->itemsize);
        if (j->upper) {
            memset(target, 0, first);
            memcpy(target + first, source + first, whole - first);
        } else {
            memcpy(target, source, first);
            memset(target + first, 0, whole - first);
        }
    }
}

void copy_triangle(int64_t itemsize, int64_t batch, int64_t rows, int64_t columns, int64_t diagonal, int64_t upper,
                   const void *source, void *target) {
    int64_t reach = rows > columns ? rows : columns; /* a diagonal farther off is outside all the same */
    diagonal = diagonal > reach ? reach : diagonal < -reach ? -reach : diagonal;
    triangle_job j = {source, target, itemsize, rows, columns, diagonal, upper};
    parallel_for(batch * rows, 1 + TASK_BYTES / (columns * itemsize + 1), triangle_body, &j);
}

/* ---- casts ---- */

typedef uint8_t boolean;

#if defined(__x86_64__) /* what the processor's instructions do by themselves */
static inline int64_t int64_from(double x) { return _mm_cvttsd_si64(_mm_set_sd(x)); }
static inline int32_t int32_from(double x) { return _mm_cvttsd_si32(_mm_set_sd(x)); }
#else
static inline int64_t int64_from(double x) { return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN; }
static inline int32_t int32_from(double x) { return x > -0x1p31 - 1 && x < 0x1p31 ? (int32_t)x : INT32_MIN; }
#endif

#define SAME(x) (x)
#define TO_FLOAT(x) ((float)(x))
#define TO_DOUBLE(x) ((double)(x))
#define TO_INT64(x) ((int64_t)(x))
#define TO_INT32(x) ((int32_t)(x)) /* modulo 2^32: gcc and clang define it */
#define TO_UINT8(x) ((uint8_t)(x))
#define FLOAT_TO_UINT8(x) ((uint8_t)int64_from(x))
#define TO_BOOL(x) ((x) != 0)

typedef struct {
    const void *source;
    void *target;
} cast_job;

#define CAST(name, from, to, CONVERT)                                                                                  \
    static void name(void *context, int64_t begin, int64_t end) {                                                      \
        const from *restrict source = ((const cast_job *)context)->source;                                             \
        to *restrict target = ((const cast_job *)context)->target;                                                     \
        for (int64_t i = begin; i < end; i++) target[i] = CONVERT(source[i]);                                          \
    }
/* All casts from one type. */
#define CASTS_FROM(from, FLOAT, DOUBLE, INT64, INT32, UINT8)                                                           \
    CAST(from##_to_float, from, float, FLOAT)                                                                          \
    CAST(from##_to_double, from, double, DOUBLE)                                                                       \
    CAST(from##_to_int64, from, int64_t, INT64)                                                                        \
    CAST(from##_to_int32, from, int32_t, INT32)                                                                        \
    CAST(from##_to_uint8, from, uint8_t, UINT8)                                                                        \
    CAST(from##_to_bool, from, boolean, TO_BOOL)
CASTS_FROM(float, SAME, TO_DOUBLE, int64_from, int32_from, FLOAT_TO_UINT8)
CASTS_FROM(double, TO_FLOAT, SAME, int64_from, int32_from, FLOAT_TO_UINT8)
CASTS_FROM(int64_t, TO_FLOAT, TO_DOUBLE, SAME, TO_INT32, TO_UINT8)
CASTS_FROM(int32_t, TO_FLOAT, TO_DOUBLE, TO_INT64, SAME, TO_UINT8)
CASTS_FROM(uint8_t, TO_FLOAT, TO_DOUBLE, TO_INT64, TO_INT32, SAME)
CASTS_FROM(boolean, TO_BOOL, TO_BOOL, TO_BOOL, TO_BOOL, TO_BOOL) /* memory said to be bool may hold any byte */

#define ROW(from)                                                                                                      \
    { from##_to_float, from##_to_double, from##_to_int64, from##_to_int32, from##_to_uint8, from##_to_bool }

void cast(int64_t n, int64_t from, const void *source, int64_t to, void *target) {
    static void (*const bodies[6][6])(void *, int64_t, int64_t) = {ROW(float),   ROW(double),  ROW(int64_t),
                                                                   ROW(int32_t), ROW(uint8_t), ROW(boolean)};
    cast_job j = {source, target};
    if (from < 0 || from > TYPE_BOOL || to < 0 || to > TYPE_BOOL) return;
    parallel_for(n, 16384, bodies[from][to], &j);
}

typedef struct {
    int64_t itemsize;
    int64_t bits;
    char *target;
} fill_job;

static void fill_part(void *context, int64_t begin, int64_t end) {
    const fill_job *j = context;
    if (j->bits == 0) {
        memset(j->target + begin * j->itemsize, 0, (size_t)((end - begin) * j->itemsize));
    } else if (j->itemsize == 8) {
        int64_t *target = (int64_t *)j->target;
        for (int64_t i = begin; i < end; i++) target[i] = j->bits;
    } else if (j->itemsize == 4) {
        int32_t *target = (int32_t *)j->target;
        for (int64_t i = begin; i < end; i++) target[i] = (int32_t)j->bits;
    } else {
        for (int64_t i = begin; i < end; i++) memcpy(j->target + i * j->itemsize, &j->bits, (size_t)j->itemsize);
    }
}

void fill_items(int64_t itemsize, int64_t n, int64_t bits, void *target) {
    fill_job job = {itemsize, bits, target};
    parallel_for(n, elementwise_chunk(itemsize), fill_part, &job);
}
