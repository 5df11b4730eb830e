/* Binary kernels and comparisons on any layout: operands broadcast, transposed or sliced.
 *
 * The shape is first simplified (dimensions of size 1 dropped, neighbours merged where both operands allow it), then cut
 * into tiles of the last two dimensions. In a tile, an operand whose rows are contiguous or one repeated number is read
 * where it is; any other is copied into a small buffer (a transposed operand is read by whole cache lines, because a
 * tile has as many rows as fill some). The kernel then runs once a row, or once a tile where rows are too short for that. */
#include "lucid_engine.h"
#include "runtime/parallel.h"

#define MAX_DIMS 64
#define TILE 1024     /* numbers in an operand's copy */
#define SHORT_ROW 32  /* rows below this are put together into one call */
#define COPIED_ROW 64 /* columns of a tile of which an operand is copied */
#define LONG_ROW 8192 /* columns of a tile read in place */

/* An operand's part of a tile: x[r * pitch + c * step]. */
typedef struct {
    const real *x;
    int64_t pitch, step;
} tile_rows;

typedef struct {
    binary_kernel_real binary; /* one of the two kernels */
    compare_kernel_real compare;
    const real *x[2];
    real *out;
    uint8_t *compared;
    int ndim; /* at least 2 */
    int64_t shape[MAX_DIMS], strides[2][MAX_DIMS];
    int64_t tile_rows, tile_columns, row_tiles, column_tiles;
} strided_job;

static void run_kernel(const strided_job *j, int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step,
                       int64_t at) {
    if (j->binary)
        j->binary(n, a, a_step, b, b_step, j->out + at);
    else
        j->compare(n, a, a_step, b, b_step, j->compared + at);
}

/* copy[rows, columns] = x[r * row_stride + c * column_stride]. */
static void copy_tile(int64_t rows, int64_t columns, const real *x, int64_t row_stride, int64_t column_stride,
                      real *copy) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) copy[r * columns + c] = x[r * row_stride + c * column_stride];
}

static void run_tile(const strided_job *j, int64_t tile) {
    int last = j->ndim - 1;
    int64_t column = tile % j->column_tiles * j->tile_columns,
            row = tile / j->column_tiles % j->row_tiles * j->tile_rows;
    int64_t outer = tile / j->column_tiles / j->row_tiles;
    int64_t rows = j->shape[last - 1] - row < j->tile_rows ? j->shape[last - 1] - row : j->tile_rows;
    int64_t columns = j->shape[last] - column < j->tile_columns ? j->shape[last] - column : j->tile_columns;
    int64_t out_at = (outer * j->shape[last - 1] + row) * j->shape[last] + column;
    int whole = columns < SHORT_ROW && columns == j->shape[last]; /* one call for the tile */
    real copies[2][TILE];
    tile_rows operand[2];
    for (int i = 0; i < 2; i++) {
        const int64_t *strides = j->strides[i];
        const real *x = j->x[i] + row * strides[last - 1] + column * strides[last];
        int64_t rest = outer;
        for (int d = last - 2; d >= 0; d--) {
            x += rest % j->shape[d] * strides[d];
            rest /= j->shape[d];
        }
        int in_place = strides[last] == 0 || strides[last] == 1;
        if (whole) in_place = in_place && strides[last - 1] == strides[last] * columns;
        operand[i] = (tile_rows){x, strides[last - 1], strides[last]};
        if (!in_place) {
            copy_tile(rows, columns, x, strides[last - 1], strides[last], copies[i]);
            operand[i] = (tile_rows){copies[i], columns, 1};
        }
    }
    if (whole) {
        columns *= rows;
        rows = 1;
    }
    for (int64_t r = 0; r < rows; r++)
        run_kernel(j, columns, operand[0].x + r * operand[0].pitch, operand[0].step,
                   operand[1].x + r * operand[1].pitch, operand[1].step, out_at + r * j->shape[last]);
}

static void strided_body(void *context, int64_t begin, int64_t end) {
    for (int64_t tile = begin; tile < end; tile++) run_tile(context, tile);
}

/* Fills in the simplified shape: no dimension of size 1, none that both operands walk as a part of the one before. */
static void simplify(strided_job *j, int64_t ndim, const int64_t *shape, const int64_t *a_strides,
                     const int64_t *b_strides) {
    const int64_t *given[2] = {a_strides, b_strides};
    j->ndim = 0;
    for (int64_t d = 0; d < ndim; d++) {
        if (shape[d] == 1) continue;
        int before = j->ndim - 1;
        if (before >= 0 && j->strides[0][before] == given[0][d] * shape[d] &&
            j->strides[1][before] == given[1][d] * shape[d]) {
            j->shape[before] *= shape[d];
        } else {
            before = j->ndim++;
            j->shape[before] = shape[d];
        }
        for (int i = 0; i < 2; i++) j->strides[i][before] = given[i][d];
    }
}

static void run_strided(strided_job *j, int64_t ndim, const int64_t *shape, const int64_t *a_strides,
                        const int64_t *b_strides) {
    int64_t n = 1;
    for (int64_t d = 0; d < ndim; d++) n *= shape[d];
    if (n == 0) return;
    simplify(j, ndim, shape, a_strides, b_strides);
    if (j->ndim == 0) {
        run_kernel(j, 1, j->x[0], 1, j->x[1], 1, 0);
        return;
    }
    int in_place = 1, last = j->ndim - 1;
    for (int i = 0; i < 2; i++) in_place = in_place && (j->strides[i][last] == 0 || j->strides[i][last] == 1);
    if (j->ndim == 1) {
        if (in_place) {
            run_kernel(j, n, j->x[0], j->strides[0][0], j->x[1], j->strides[1][0], 0);
            return;
        }
        for (int i = 0; i < 2; i++) { /* a row of its own */
            j->strides[i][1] = j->strides[i][0];
            j->strides[i][0] = 0;
        }
        j->shape[1] = j->shape[0];
        j->shape[0] = 1;
        j->ndim = 2;
        last = 1;
    }
    int64_t rows = j->shape[last - 1], columns = j->shape[last],
            widest = in_place    ? LONG_ROW
                     : rows == 1 ? TILE
                                 : COPIED_ROW;
    j->tile_columns = columns < widest ? columns : widest;
    j->tile_rows = TILE / j->tile_columns > 1 ? TILE / j->tile_columns : 1;
    j->row_tiles = (rows + j->tile_rows - 1) / j->tile_rows;
    j->column_tiles = (columns + j->tile_columns - 1) / j->tile_columns;
    int64_t tiles = n / (rows * columns) * j->row_tiles * j->column_tiles;
    int64_t numbers_per_tile = j->tile_columns * (j->tile_rows < rows ? j->tile_rows : rows);
    parallel_for(tiles, 1 + 32768 / numbers_per_tile, strided_body, j);
}

void binary_strided_real(binary_kernel_real kernel, int64_t ndim, const int64_t *shape, const real *a,
                         const int64_t *a_strides, const real *b, const int64_t *b_strides, real *out) {
    strided_job j;
    j.binary = kernel;
    j.compare = 0;
    j.x[0] = a;
    j.x[1] = b;
    j.out = out;
    run_strided(&j, ndim, shape, a_strides, b_strides);
}

void compare_strided_real(compare_kernel_real kernel, int64_t ndim, const int64_t *shape, const real *a,
                          const int64_t *a_strides, const real *b, const int64_t *b_strides, uint8_t *out) {
    strided_job j;
    j.binary = 0;
    j.compare = kernel;
    j.x[0] = a;
    j.x[1] = b;
    j.compared = out;
    run_strided(&j, ndim, shape, a_strides, b_strides);
}

void binary_scalar_real(binary_kernel_real kernel, int64_t n, const real *a, double b, real *out) {
    real number = (real)b;
    kernel(n, a, 1, &number, 0, out);
}

void scalar_binary_real(binary_kernel_real kernel, int64_t n, double a, const real *b, real *out) {
    real number = (real)a;
    kernel(n, &number, 0, b, 1, out);
}

void compare_scalar_real(compare_kernel_real kernel, int64_t n, const real *a, double b, uint8_t *out) {
    real number = (real)b;
    kernel(n, a, 1, &number, 0, out);
}
