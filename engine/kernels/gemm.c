/* Matrix products.
 *
 * c is cut into blocks, by size alone; a block is one thread's. Within a block k runs in pieces of K_BLOCK. For each
 * piece, rows of a are packed once where that pays; then for each panel (one tile wide) of b's columns, packed where
 * that pays or must be, the tiles down the block's rows. So a panel of b stays in L1 and the packed rows of a in L2.
 * The value of an element depends on k alone: pieces of k in order, one chain of multiply-adds within a piece. */
#include "kernels/gemm.h"
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"
#include "simd/math.h"

#define K_BLOCK 256          /* a panel of b: 256 * 2 vectors, 32 KB on AVX-512 */
#define ROW_BLOCK 384        /* packed rows of a: 384 * 256 numbers, 384 KB in float */
#define TASK_WORK (1 << 20)  /* multiply-adds worth a launch: about 10 µs */
#define TASKS 16             /* pieces that a large product is cut into at least, so that threads finish together */
#define MOST_DOTS 2          /* c of so few rows or columns is made of dot products when both operands lie along k */

typedef struct {
    int64_t m, n, k;
    const real *a, *b;
    int64_t a_batch, a_row, a_col, b_batch, b_row, b_col;
    real *c, *pre;
    int64_t c_batch, c_row;
    const real *bias;
    int64_t activation, accumulate;
    int64_t row_blocks, col_blocks; /* the cut of c */
    int64_t block_rows, block_cols;
    int dots, pack_a, pack_b;
} product;

/* ---- tiles ---- */

#define TILE(rows, vectors)                                                                                            \
    static void tile_##rows##x##vectors(const tile_job *t) { tile(rows, vectors, t); }
TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1)
TILE(7, 1) TILE(8, 1) TILE(9, 1) TILE(10, 1) TILE(11, 1) TILE(12, 1)
TILE(1, 2) TILE(2, 2) TILE(3, 2) TILE(4, 2) TILE(5, 2) TILE(6, 2)
TILE(1, 4) TILE(2, 4)
#if TILE_ROWS == 12
TILE(7, 2) TILE(8, 2) TILE(9, 2) TILE(10, 2) TILE(11, 2) TILE(12, 2)
TILE(3, 4) TILE(4, 4) TILE(5, 4) TILE(6, 4)
#endif

typedef void (*tile_kernel)(const tile_job *);
static const tile_kernel narrow_tiles[] = {tile_1x1, tile_2x1, tile_3x1, tile_4x1,  tile_5x1,  tile_6x1,
                                           tile_7x1, tile_8x1, tile_9x1, tile_10x1, tile_11x1, tile_12x1};
static const tile_kernel tiles[] = {tile_1x2, tile_2x2, tile_3x2, tile_4x2, tile_5x2, tile_6x2,
#if TILE_ROWS == 12
                                    tile_7x2, tile_8x2, tile_9x2, tile_10x2, tile_11x2, tile_12x2
#endif
};
static const tile_kernel wide_tiles[] = {tile_1x4, tile_2x4,
#if TILE_ROWS == 12
                                         tile_3x4, tile_4x4, tile_5x4, tile_6x4
#endif
};

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t pieces(int64_t n, int64_t size) { return (n + size - 1) / size; }

/* Rows of tile number i when `rows` rows are dealt out evenly over `count` tiles. */
static inline int64_t dealt(int64_t rows, int64_t count, int64_t i) { return rows / count + (i < rows % count); }

/* ---- packing ---- */

/* out[k, width] from b[k, cols], the columns beyond cols zero. */
static void pack_panel(int64_t k, int64_t cols, int64_t width, const real *b, int64_t b_row, int64_t b_col, real *out) {
    if (b_col == 1) {
        for (int64_t l = 0; l < k; l++, b += b_row, out += width) {
            int64_t j = 0;
            for (; j + LANES <= cols; j += LANES) vstore(out + j, vload(b + j));
            if (j < cols) vstore(out + j, vload_partial(b + j, cols - j));
        }
    } else if (b_row == 1) {
        for (int64_t j = 0; j < cols; j += LANES) {
            int64_t columns = smaller(LANES, cols - j);
            for (int64_t l = 0; l < k; l += LANES) {
                vreal x[LANES];
                int64_t count = smaller(LANES, k - l);
                load_block(x, b + j * b_col + l, b_col, columns, count);
                transpose(x);
                real *to = out + l * width + j;
                UNROLL for (int i = 0; i < LANES; i++)
                    if (i < count) vstore(to + i * width, x[i]);
            }
        }
    } else {
        for (int64_t l = 0; l < k; l++)
            for (int64_t j = 0; j < width; j++) out[l * width + j] = j < cols ? b[l * b_row + j * b_col] : 0;
    }
}

/* out[k, rows] from a[rows, k], rows <= TILE_ROWS_MOST. Writes up to LANES - 1 numbers past the end of out. */
static void pack_rows(int64_t rows, int64_t k, const real *a, int64_t a_row, int64_t a_col, real *out) {
    if (a_col == 1) {
        for (int64_t l = 0; l < k; l += LANES) {
            int64_t count = smaller(LANES, k - l);
            /* Whole vectors are stored where fewer rows are left: the last rows first, then what those stores ran over. */
            for (int64_t i = (rows - 1) / LANES * LANES; i >= 0; i -= LANES) {
                vreal x[LANES];
                load_block(x, a + i * a_row + l, a_row, smaller(LANES, rows - i), count);
                transpose(x);
                real *to = out + l * rows + i;
                UNROLL for (int j = 0; j < LANES; j++)
                    if (j < count) vstore(to + j * rows, x[j]);
            }
        }
    } else if (a_row == 1 && rows <= LANES) {
        for (int64_t l = 0; l < k; l++)
            vstore(out + l * rows, rows == LANES ? vload(a + l * a_col) : vload_partial(a + l * a_col, rows));
    } else {
        for (int64_t l = 0; l < k; l++)
            for (int64_t i = 0; i < rows; i++) out[l * rows + i] = a[i * a_row + l * a_col];
    }
}

/* ---- what follows the product ---- */

static inline vreal activate(int64_t activation, vreal x) {
    switch (activation) {
    case 1:
        return vmax((vreal){0}, x);
    case 2: /* x / 2 (1 + erf(x / sqrt 2)) */
        return REAL_C(0.5) * x * (REAL_C(1.0) + verf(x * REAL_C(0.70710678118654752440)));
    case 3: /* x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) */
        return REAL_C(0.5) * x *
               (REAL_C(1.0) + vtanh(REAL_C(0.79788456080286535588) * (x + REAL_C(0.044715) * x * x * x)));
    default:
        return x;
    }
}

/* c[rows, cols] holds the values before the activation: copies them to pre, and applies it. */
static void finish(const product *p, int64_t rows, int64_t cols, real *c, real *pre) {
    for (int64_t i = 0; i < rows; i++, c += p->c_row) {
        for (int64_t j = 0; j < cols; j += LANES) {
            int64_t count = cols - j;
            if (count >= LANES) {
                vreal x = vload(c + j);
                if (pre) vstore(pre + j, x);
                vstore(c + j, activate(p->activation, x));
            } else {
                vreal x = vload_partial(c + j, count);
                if (pre) vstore_partial(pre + j, count, x);
                vstore_partial(c + j, count, activate(p->activation, x));
            }
        }
        if (pre) pre += p->c_row;
    }
}

/* ---- dot products ---- */

/* c[rows, cols], few of either: element by element the dot product of two contiguous stretches of k numbers. */
static ALWAYS_INLINE void dot_tile(const int rows, const int cols, int64_t k, const real *a, int64_t a_row, const real *b,
                                   int64_t b_col, real out[][4]) {
    vreal acc[4][4];
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < cols; j++) acc[i][j] = (vreal){0};
    int64_t l = 0;
    for (; l + LANES <= k; l += LANES) {
        UNROLL for (int i = 0; i < rows; i++) {
            vreal x = vload(a + i * a_row + l);
            UNROLL for (int j = 0; j < cols; j++) acc[i][j] = vfma(x, vload(b + j * b_col + l), acc[i][j]);
        }
    }
    if (l < k) {
        UNROLL for (int i = 0; i < rows; i++) {
            vreal x = vload_partial(a + i * a_row + l, k - l);
            UNROLL for (int j = 0; j < cols; j++)
                acc[i][j] = vfma(x, vload_partial(b + j * b_col + l, k - l), acc[i][j]);
        }
    }
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < cols; j++) out[i][j] = vsum(acc[i][j]);
}

static void dot_block(const product *p, int64_t rows, int64_t cols, const real *a, const real *b, real *c, real *pre,
                      const real *bias) {
    for (int64_t i = 0; i < rows; i += 4) {
        for (int64_t j = 0; j < cols; j += 4) {
            int64_t rows_here = smaller(4, rows - i), cols_here = smaller(4, cols - j);
            real out[4][4];
            const real *a_here = a + i * p->a_row, *b_here = b + j * p->b_col;
            if (rows_here == 4 && cols_here == 1) {
                dot_tile(4, 1, p->k, a_here, p->a_row, b_here, p->b_col, out);
            } else if (rows_here == 4 && cols_here == 2) {
                dot_tile(4, 2, p->k, a_here, p->a_row, b_here, p->b_col, out);
            } else if (rows_here == 1 && cols_here == 4) {
                dot_tile(1, 4, p->k, a_here, p->a_row, b_here, p->b_col, out);
            } else if (rows_here == 2 && cols_here == 4) {
                dot_tile(2, 4, p->k, a_here, p->a_row, b_here, p->b_col, out);
            } else {
                for (int64_t r = 0; r < rows_here; r++)
                    for (int64_t s = 0; s < cols_here; s++)
                        dot_tile(1, 1, p->k, a_here + r * p->a_row, 0, b_here + s * p->b_col, 0, (real(*)[4]) & out[r][s]);
            }
            for (int64_t r = 0; r < rows_here; r++) {
                real *to = c + (i + r) * p->c_row + j;
                for (int64_t s = 0; s < cols_here; s++)
                    to[s] = (p->accumulate ? to[s] + out[r][s] : out[r][s]) + (bias ? bias[j + s] : 0);
            }
        }
    }
    if (p->activation || pre) finish(p, rows, cols, c, pre);
}

/* ---- blocks ---- */

static int64_t tile_vectors(int64_t rows, int64_t cols) {
    if (rows <= TILE_ROWS_WIDE && cols > 2 * LANES) return 4;
    return cols > LANES ? 2 : 1;
}

/* c[rows, cols] of one block. */
static void block(const product *p, int64_t rows, int64_t cols, const real *a, const real *b, real *c, real *pre,
                  const real *bias) {
    const int64_t k_pieces = p->k ? pieces(p->k, K_BLOCK) : 1, k_piece = pieces(p->k, k_pieces);
    const int64_t widest = tile_vectors(rows, cols);
    const int64_t most_rows = widest == 4 ? TILE_ROWS_WIDE : widest == 2 ? TILE_ROWS : TILE_ROWS_NARROW;
    const int64_t row_tiles = pieces(rows, most_rows);
    const int finishing = pre || p->activation > 1;

    const int64_t panel_size = k_piece * TILE_VECTORS_MOST * LANES, rows_size = p->pack_a ? rows * k_piece + LANES : 0;
    real *panel = thread_scratch(SCRATCH_GEMM, (size_t)(panel_size + rows_size) * sizeof(real));
    real *packed = panel + panel_size;

    for (int64_t piece = 0, l = 0; piece < k_pieces; piece++, l += k_piece) {
        const int64_t k = smaller(k_piece, p->k - l);
        const int is_last = piece + 1 == k_pieces;
        tile_job t = {.k = k, .c_row = p->c_row, .add = p->accumulate || piece, .relu = is_last && p->activation == 1 && !pre};
        if (p->pack_a) {
            for (int64_t i = 0, r = 0; i < row_tiles; i++) {
                int64_t count = dealt(rows, row_tiles, i);
                pack_rows(count, k, a + r * p->a_row + l * p->a_col, p->a_row, p->a_col, packed + r * k);
                r += count;
            }
        }
        for (int64_t j = 0, width; j < cols; j += width) {
            int64_t vectors = widest == 4 && cols - j <= 2 * LANES ? 2 : widest;
            if (cols - j <= LANES) vectors = 1;
            width = vectors * LANES;
            const int64_t cols_here = smaller(width, cols - j);
            const tile_kernel *kernels = vectors == 4 ? wide_tiles : vectors == 2 ? tiles : narrow_tiles;
            t.last = cols_here - (vectors - 1) * LANES;
            t.bias = is_last && bias ? bias + j : 0;
            t.b = b + l * p->b_row + j * p->b_col;
            t.b_row = p->b_row;
            if (p->pack_b || cols_here < width) {
                pack_panel(k, cols_here, width, t.b, p->b_row, p->b_col, panel);
                t.b = panel;
                t.b_row = width;
            }
            for (int64_t i = 0, r = 0; i < row_tiles; i++) {
                const int64_t count = dealt(rows, row_tiles, i);
                t.c = c + r * p->c_row + j;
                t.a = p->pack_a ? packed + r * k : a + r * p->a_row + l * p->a_col;
                t.a_row = p->pack_a ? 1 : p->a_row;
                t.a_col = p->pack_a ? count : p->a_col;
                kernels[count - 1](&t);
                if (is_last && finishing) finish(p, count, cols_here, t.c, pre ? pre + r * p->c_row + j : 0);
                r += count;
            }
        }
    }
}

/* Blocks [begin, end) of the blocks of all batches. */
static void blocks(void *context, int64_t begin, int64_t end) {
    const product *p = context;
    for (int64_t number = begin; number < end; number++) {
        int64_t batch = number / (p->row_blocks * p->col_blocks), rest = number % (p->row_blocks * p->col_blocks);
        int64_t row = rest / p->col_blocks * p->block_rows, col = rest % p->col_blocks * p->block_cols;
        int64_t rows = smaller(p->block_rows, p->m - row), cols = smaller(p->block_cols, p->n - col);
        (p->dots ? dot_block : block)(p, rows, cols, p->a + batch * p->a_batch + row * p->a_row,
                                      p->b + batch * p->b_batch + col * p->b_col,
                                      p->c + batch * p->c_batch + row * p->c_row + col,
                                      p->pre ? p->pre + row * p->c_row + col : 0, p->bias ? p->bias + col : 0);
    }
}

/* Chooses the way and the cut, from sizes and strides alone, and runs it. */
static void multiply(int64_t batch, product *p) {
    if (batch <= 0 || p->m <= 0 || p->n <= 0) return;
    /* A product of a transposed matrix and a column is a row times that matrix. */
    if (p->n == 1 && p->m > 1 && p->a_row == 1 && p->c_row == 1 && !p->bias) {
        *p = (product){.m = 1, .n = p->m, .k = p->k, .a = p->b, .a_batch = p->b_batch, .a_row = 0, .a_col = p->b_row, .b = p->a,
                       .b_batch = p->a_batch, .b_row = p->a_col, .b_col = 1, .c = p->c, .c_batch = p->c_batch, .c_row = p->m,
                       .activation = p->activation, .accumulate = p->accumulate, .pre = p->pre};
    }
    const int64_t m = p->m, n = p->n, k = p->k;
    const int b_along_k = p->b_row == 1 || k == 1;
    p->dots = p->a_col == 1 && b_along_k && (m <= MOST_DOTS || n <= MOST_DOTS) && k > 1 && k >= LANES;
    p->pack_b = p->b_col != 1 || (m > 4 * TILE_ROWS && k * n * (int64_t)sizeof(real) > 32768);
    p->pack_a = n > 8 * LANES && (m * k * (int64_t)sizeof(real) > 65536);

    p->row_blocks = p->dots ? 1 : pieces(m, ROW_BLOCK);
    p->col_blocks = 1;
    const int64_t wanted = smaller(m * n * k / TASK_WORK, TASKS);
    while (batch * p->row_blocks * p->col_blocks < wanted) {
        int64_t rows = pieces(m, p->row_blocks), cols = pieces(n, p->col_blocks);
        if (rows >= cols && rows >= 2 * TILE_ROWS)
            p->row_blocks *= 2;
        else if (cols >= 4 * LANES)
            p->col_blocks *= 2;
        else if (rows >= 2 * TILE_ROWS)
            p->row_blocks *= 2;
        else
            break;
    }
    p->block_rows = pieces(pieces(m, p->row_blocks), TILE_ROWS) * TILE_ROWS;
    p->block_cols = pieces(pieces(n, p->col_blocks), 2 * LANES) * 2 * LANES;
    p->row_blocks = pieces(m, p->block_rows);
    p->col_blocks = pieces(n, p->block_cols);
    const int64_t block_work = p->block_rows * p->block_cols * k;
    parallel_for(batch * p->row_blocks * p->col_blocks, block_work >= TASK_WORK ? 1 : TASK_WORK / (block_work + 1) + 1, blocks, p);
}

void gemm_real(int64_t m, int64_t n, int64_t k, const real *a, int64_t a_row, int64_t a_col, const real *b, int64_t b_row,
               int64_t b_col, real *c, int64_t c_row, const real *bias, int64_t activation, int64_t accumulate, real *pre) {
    product p = {.m = m, .n = n, .k = k, .a = a, .a_row = a_row, .a_col = a_col, .b = b, .b_row = b_row, .b_col = b_col, .c = c,
                 .c_row = c_row, .bias = bias, .activation = activation, .accumulate = accumulate, .pre = pre};
    multiply(1, &p);
}

void gemm_batched_real(int64_t batch, int64_t m, int64_t n, int64_t k, const real *a, int64_t a_batch, int64_t a_row,
                       int64_t a_col, const real *b, int64_t b_batch, int64_t b_row, int64_t b_col, real *c, int64_t c_batch,
                       int64_t c_row, int64_t accumulate) {
    /* One b for all, and a's and c's rows run on from batch to batch: one product of all the rows. */
    if (b_batch == 0 && a_batch == m * a_row && c_batch == m * c_row) {
        m *= batch;
        batch = 1;
    }
    product p = {.m = m, .n = n, .k = k, .a = a, .a_batch = a_batch, .a_row = a_row, .a_col = a_col, .b = b, .b_batch = b_batch,
                 .b_row = b_row, .b_col = b_col, .c = c, .c_batch = c_batch, .c_row = c_row, .accumulate = accumulate};
    multiply(batch, &p);
}
