/* Matrix products.
 *
 * c is cut into blocks; a block is one thread's. Within a block k runs in pieces of at most K_BLOCK. For each piece, rows of
 * a are packed once where that pays; then for each panel (one tile wide) of b's columns, packed where that pays or must
 * be, the tiles down the block's rows. So a panel of b stays in L1 and the rows of a in L2.
 *
 * The value of an element depends on m, n, k and the layouts alone, not on the cut: pieces of k in order, within a piece
 * one chain of multiply-adds. So the cut may follow the number of threads (few large blocks waste least), and the bits
 * are still the same for any number of them. */
#include "kernels/gemm.h"
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"
#include "simd/math.h"

#define K_BLOCK 384                      /* a panel of b is 384 * 2 vectors: 48 KB on AVX-512, 24 KB on AVX2 */
#define PACKED_BYTES (768 * 1024)        /* rows of a packed at a time: most of an L2 */
#define DIRECT_A_BYTES (1024 * 1024)     /* a up to this size, or used for less than DIRECT_A_COLUMNS, is not packed: */
#define DIRECT_A_COLUMNS 512             /* broadcasts read any layout, and packing would cost more than it saves */
#define DIRECT_B_BYTES (32 * 1024)       /* b up to this size, or used by few tiles, is not packed when its rows are */
#define DIRECT_B_TILES 4                 /* contiguous */
#define TASK_WORK (1 << 18)              /* multiply-adds worth a launch: about 2.5 µs */
#define MOST_DOTS 2                      /* c of so few rows or columns: dot products, when both operands lie along k */
#define VECTOR_PRODUCT_WEIGHT 4          /* a product with a vector waits for memory: so many multiply-adds' time each */
#define TASKS_PER_THREAD 4

enum { BY_TILES, BY_DOTS, BY_ROWS };

/* ---- tiles ---- */

#define TILE(rows, vectors)                                                                                            \
    static void tile_##rows##x##vectors(const tile_job *t) { tile(rows, vectors, 0, t); }
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
                      const real *bias, const real *row_bias) {
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
                    to[s] = (p->accumulate ? to[s] + out[r][s] : out[r][s]) + (bias ? bias[j + s] : 0) + (row_bias ? row_bias[i + r] : 0);
            }
        }
    }
    if (p->activation || pre) finish(p, rows, cols, c, pre);
}

/* ---- one row ---- */

#define ROWS_AT_ONCE 8 /* rows of b in one pass over c */

/* c[cols], b's rows contiguous: b is read once, a few whole rows at a time, as memory likes it best. */
static void row_block(const product *p, int64_t rows, int64_t cols, const real *a, const real *b, real *c, real *pre,
                      const real *bias, const real *row_bias) {
    (void)rows; /* one */
    if (!p->accumulate) memset(c, 0, (size_t)cols * sizeof(real));
    int64_t l = 0;
    for (; l + ROWS_AT_ONCE <= p->k; l += ROWS_AT_ONCE, b += ROWS_AT_ONCE * p->b_row) {
        vreal x[ROWS_AT_ONCE];
        UNROLL for (int i = 0; i < ROWS_AT_ONCE; i++) x[i] = vset(a[(l + i) * p->a_col]);
        int64_t j = 0;
        for (; j + LANES <= cols; j += LANES) {
            vreal acc = vload(c + j);
            UNROLL for (int i = 0; i < ROWS_AT_ONCE; i++) acc = vfma(x[i], vload(b + i * p->b_row + j), acc);
            vstore(c + j, acc);
        }
        if (j < cols) {
            vreal acc = vload_partial(c + j, cols - j);
            UNROLL for (int i = 0; i < ROWS_AT_ONCE; i++)
                acc = vfma(x[i], vload_partial(b + i * p->b_row + j, cols - j), acc);
            vstore_partial(c + j, cols - j, acc);
        }
    }
    for (; l < p->k; l++, b += p->b_row) {
        vreal x = vset(a[l * p->a_col]);
        int64_t j = 0;
        for (; j + LANES <= cols; j += LANES) vstore(c + j, vfma(x, vload(b + j), vload(c + j)));
        if (j < cols)
            vstore_partial(c + j, cols - j, vfma(x, vload_partial(b + j, cols - j), vload_partial(c + j, cols - j)));
    }
    if (bias)
        for (int64_t j = 0; j < cols; j++) c[j] += bias[j];
    if (row_bias)
        for (int64_t j = 0; j < cols; j++) c[j] += *row_bias;
    if (p->activation || pre) finish(p, 1, cols, c, pre);
}

/* ---- blocks ---- */

/* Vectors in the next panel when `cols` columns are left: the last vector may be partly used, the others not. */
static inline int64_t panel_vectors(int64_t rows, int64_t cols) {
    if (rows <= TILE_ROWS_WIDE && cols > 3 * LANES) return 4;
    return cols > LANES ? 2 : 1;
}

/* c[rows, cols] of one block. */
static void tile_block(const product *p, int64_t rows, int64_t cols, const real *a, const real *b, real *c, real *pre,
                  const real *bias, const real *row_bias) {
    const int64_t k_pieces = p->k ? pieces(p->k, K_BLOCK) : 1, k_piece = pieces(p->k, k_pieces);
    const int64_t widest = panel_vectors(rows, cols);
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
            const int64_t vectors = panel_vectors(rows, cols - j);
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
                t.row_bias = is_last && row_bias ? row_bias + r : 0;
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
        const real *a = p->a + batch * p->a_batch + row * p->a_row, *b = p->b + batch * p->b_batch + col * p->b_col;
        real *c = p->c + batch * p->c_batch + row * p->c_row + col, *pre = p->pre ? p->pre + row * p->c_row + col : 0;
        const real *bias = p->bias ? p->bias + col : 0, *row_bias = p->row_bias ? p->row_bias + row : 0;
        if (p->way == BY_DOTS)
            dot_block(p, rows, cols, a, b, c, pre, bias, row_bias);
        else if (p->way == BY_ROWS)
            row_block(p, rows, cols, a, b, c, pre, bias, row_bias);
        else
            tile_block(p, rows, cols, a, b, c, pre, bias, row_bias);
    }
}

/* The cut of c: enough blocks for the threads, each worth a launch; rows of tiles and panels stay whole. */
static void cut(int64_t batch, product *p) {
    const int64_t m = p->m, n = p->n, k = p->k, threads = num_threads();
    /* (as double: the product of three sizes may be beyond 2^63) */
    const double work = (double)m * (double)n * (double)k * (p->way == BY_TILES ? 1 : VECTOR_PRODUCT_WEIGHT);
    const int64_t most = threads == 1 || p->way != BY_TILES ? threads : threads * TASKS_PER_THREAD;
    const int64_t wanted = work * (double)batch >= (double)most * TASK_WORK ? most : (int64_t)(work * (double)batch / TASK_WORK);
    int64_t row_blocks = 1, col_blocks = 1;
    while (batch * row_blocks * col_blocks < wanted) {
        const int64_t rows = m / row_blocks, cols = n / col_blocks;
        if (rows >= cols && rows >= 2 * TILE_ROWS)
            row_blocks *= 2;
        else if (cols >= 4 * LANES)
            col_blocks *= 2;
        else
            break;
    }
    p->block_rows = pieces(pieces(m, row_blocks), TILE_ROWS) * TILE_ROWS;
    p->block_cols = pieces(pieces(n, col_blocks), 2 * LANES) * 2 * LANES;
    if (p->pack_a) {
        const int64_t most_rows = PACKED_BYTES / (smaller(k, K_BLOCK) * (int64_t)sizeof(real));
        const int64_t row_pieces = pieces(p->block_rows, most_rows);
        p->block_rows = pieces(pieces(p->block_rows, row_pieces), TILE_ROWS) * TILE_ROWS;
    }
    p->row_blocks = pieces(m, p->block_rows);
    p->col_blocks = pieces(n, p->block_cols);
}

/* Chooses the way from sizes and layouts, and runs it. */
void multiply(int64_t batch, product *p) {
    if (batch <= 0 || p->m <= 0 || p->n <= 0) return;
    /* A transposed matrix times a column is a row times that matrix. */
    if (p->n == 1 && p->m > 1 && p->a_row == 1 && p->c_row == 1 && !p->bias && !p->row_bias) {
        product turned = *p;
        turned.m = 1, turned.n = p->m, turned.c_row = p->m;
        turned.a = p->b, turned.a_batch = p->b_batch, turned.a_row = 0, turned.a_col = p->b_row;
        turned.b = p->a, turned.b_batch = p->a_batch, turned.b_row = p->a_col, turned.b_col = 1;
        *p = turned;
    }
    const int64_t m = p->m, n = p->n, k = p->k, bytes = sizeof(real);
    p->way = BY_TILES;
    if (k >= LANES && p->a_col == 1 && p->b_row == 1 && (m <= MOST_DOTS || n <= MOST_DOTS)) p->way = BY_DOTS;
    if (m == 1 && n >= 2 * LANES && p->b_col == 1) p->way = BY_ROWS;
    p->pack_a = n >= DIRECT_A_COLUMNS && m * k > DIRECT_A_BYTES / bytes;
    p->pack_b = p->b_col != 1 || (!p->b_is_packed && m > DIRECT_B_TILES * TILE_ROWS && k * n > DIRECT_B_BYTES / bytes);
    cut(batch, p);
    const double block_work = (double)p->block_rows * (double)p->block_cols * (double)k + 1;
    parallel_for(batch * p->row_blocks * p->col_blocks, block_work >= TASK_WORK ? 1 : (int64_t)(TASK_WORK / block_work) + 1, blocks,
                 p);
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
