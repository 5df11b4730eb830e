/* The pieces of a matrix product: the register-blocked tile, and the packing of operands for it.
 *
 * A tile is `rows` rows by `vectors` vectors of c, held in registers while k runs:
 *     acc[i][v] += a[i, l] (one number, broadcast) * b[l, v] (a vector)
 * a is read through strides, so any layout will do; b's rows must be contiguous. Each element of c is one chain of
 * multiply-adds over k, so its value does not depend on the tile that it fell into. */
#pragma once
#include "simd/simd.h"

/* Register plan: rows * vectors accumulators, the vectors of b and one broadcast number. 32 registers on AVX-512 and
 * Arm: 12 x 2 (24 + 2 + 1); 16 elsewhere: 6 x 2 (12 + 2 + 1). One vector serves narrow c, four serve c of few rows,
 * where two would leave too few independent chains to hide the latency of a multiply-add. */
#if defined(LEVEL_AVX512) || defined(__aarch64__)
#define TILE_ROWS 12
#define TILE_ROWS_WIDE 6
#else
#define TILE_ROWS 6
#define TILE_ROWS_WIDE 2
#endif
#define TILE_ROWS_NARROW 12
#define TILE_ROWS_MOST 12
#define TILE_VECTORS_MOST 4

#if REAL_IS_DOUBLE
#define VECTOR_LANES (VECTOR_BYTES / 8) /* LANES for the preprocessor */
#else
#define VECTOR_LANES (VECTOR_BYTES / 4)
#endif

typedef struct {
    int64_t k;
    const real *a;
    int64_t a_row, a_col;
    const real *b;
    int64_t b_row;
    const int64_t *b_offsets; /* of a gathered tile: row l of b is at b + b_offsets[l] */
    real *c;
    int64_t c_row;
    int64_t last;         /* columns in the last vector, 1..LANES */
    int add;              /* c += instead of c = */
    int relu;             /* the activation is ReLU */
    const real *bias;     /* bias[columns], or NULL */
    const real *row_bias; /* row_bias[rows], or NULL */
} tile_job;

/* Loops over tile rows and vectors must vanish, or the accumulators would live in memory. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define ALWAYS_INLINE inline __attribute__((always_inline))

static ALWAYS_INLINE void tile(const int rows, const int vectors, const int gathered, const tile_job *t) {
    vreal acc[TILE_ROWS_MOST][TILE_VECTORS_MOST];
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int v = 0; v < vectors; v++) acc[i][v] = (vreal){0};

    /* Three rows share a pointer: with a_row and 2 * a_row as offsets that is four pointers for twelve rows. */
    const int64_t a_row = t->a_row, a_col = t->a_col, b_row = t->b_row;
    const real *a[(TILE_ROWS_MOST + 2) / 3];
    UNROLL for (int i = 0; i < rows; i += 3) a[i / 3] = t->a + i * a_row;
    const real *b = t->b;
    const int64_t *offsets = t->b_offsets;
    for (int64_t l = t->k; l > 0; l--) {
        if (gathered) b = t->b + *offsets++;
        vreal y[TILE_VECTORS_MOST];
        UNROLL for (int v = 0; v < vectors; v++) y[v] = vload(b + v * LANES);
        UNROLL for (int i = 0; i < rows; i++) {
            vreal x = vset(a[i / 3][i % 3 * a_row]);
            UNROLL for (int v = 0; v < vectors; v++) acc[i][v] = vfma(x, y[v], acc[i][v]);
        }
        UNROLL for (int i = 0; i < rows; i += 3) a[i / 3] += a_col;
        if (!gathered) b += b_row;
    }

    const int64_t c_row = t->c_row, last = t->last, end = (vectors - 1) * LANES;
    if (t->add)
        UNROLL for (int i = 0; i < rows; i++) {
            UNROLL for (int v = 0; v < vectors - 1; v++) acc[i][v] += vload(t->c + i * c_row + v * LANES);
            const real *c = t->c + i * c_row + end;
            acc[i][vectors - 1] += last == LANES ? vload(c) : vload_partial(c, last);
        }
    if (t->bias) {
        vreal y[TILE_VECTORS_MOST];
        UNROLL for (int v = 0; v < vectors - 1; v++) y[v] = vload(t->bias + v * LANES);
        y[vectors - 1] = last == LANES ? vload(t->bias + end) : vload_partial(t->bias + end, last);
        UNROLL for (int i = 0; i < rows; i++)
            UNROLL for (int v = 0; v < vectors; v++) acc[i][v] += y[v];
    }
    if (t->row_bias)
        UNROLL for (int i = 0; i < rows; i++) {
            vreal y = vset(t->row_bias[i]);
            UNROLL for (int v = 0; v < vectors; v++) acc[i][v] += y;
        }
    if (t->relu)
        UNROLL for (int i = 0; i < rows; i++)
            UNROLL for (int v = 0; v < vectors; v++) acc[i][v] = vmax((vreal){0}, acc[i][v]);
    UNROLL for (int i = 0; i < rows; i++) {
        real *c = t->c + i * c_row;
        UNROLL for (int v = 0; v < vectors - 1; v++) vstore(c + v * LANES, acc[i][v]);
    }
    if (last == LANES)
        UNROLL for (int i = 0; i < rows; i++) vstore(t->c + i * c_row + end, acc[i][vectors - 1]);
    else
        UNROLL for (int i = 0; i < rows; i++) vstore_partial(t->c + i * c_row + end, last, acc[i][vectors - 1]);
}

/* Interleave the lower and the upper halves of two vectors: a0 b0 a1 b1 ... */
#if VECTOR_LANES == 2
#define LOWER_INDICES 0, 2
#define UPPER_INDICES 1, 3
#elif VECTOR_LANES == 4
#define LOWER_INDICES 0, 4, 1, 5
#define UPPER_INDICES 2, 6, 3, 7
#elif VECTOR_LANES == 8
#define LOWER_INDICES 0, 8, 1, 9, 2, 10, 3, 11
#define UPPER_INDICES 4, 12, 5, 13, 6, 14, 7, 15
#elif VECTOR_LANES == 16
#define LOWER_INDICES 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define UPPER_INDICES 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#endif
#if defined(__clang__)
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (vint){__VA_ARGS__})
#endif

/* Transposes x[LANES, LANES]: log2(LANES) times, row i and row i + LANES / 2 are interleaved into rows 2i and 2i + 1. */
static ALWAYS_INLINE void transpose(vreal x[LANES]) {
    UNROLL for (int step = 1; step < LANES; step *= 2) {
        vreal y[LANES];
        UNROLL for (int i = 0; i < LANES / 2; i++) {
            y[2 * i] = SHUFFLE(x[i], x[i + LANES / 2], LOWER_INDICES);
            y[2 * i + 1] = SHUFFLE(x[i], x[i + LANES / 2], UPPER_INDICES);
        }
        UNROLL for (int i = 0; i < LANES; i++) x[i] = y[i];
    }
}

/* x[LANES, LANES] from rows `stride` apart, `rows` of them and `cols` numbers in each; the rest zero. */
static ALWAYS_INLINE void load_block(vreal x[LANES], const real *p, int64_t stride, int64_t rows, int64_t cols) {
    if (rows == LANES && cols == LANES) {
        UNROLL for (int i = 0; i < LANES; i++) x[i] = vload(p + i * stride);
    } else if (cols == LANES) {
        UNROLL for (int i = 0; i < LANES; i++) x[i] = i < rows ? vload(p + i * stride) : (vreal){0};
    } else {
        UNROLL for (int i = 0; i < LANES; i++) x[i] = i < rows ? vload_partial(p + i * stride, cols) : (vreal){0};
    }
}

/* ---- gemm.c, for the kernels that are made of products ---- */

typedef struct {
    int64_t m, n, k;
    const real *a, *b;
    int64_t a_batch, a_row, a_col, b_batch, b_row, b_col;
    real *c, *pre;
    int64_t c_batch, c_row;
    const real *bias;     /* bias[n] */
    const real *row_bias; /* row_bias[m] */
    int64_t activation, accumulate; /* c's old value, the product, the bias; then the activation */
    int b_is_packed;                /* b's rows lie well for the cache as they are */
    /* filled in by multiply */
    int way, pack_a, pack_b;
    int64_t row_blocks, col_blocks, block_rows, block_cols; /* the cut of c */
} product;

/* multiply, under a name of this instruction set and type (gemm_real is one, see build.py). */
#define NAME_OF_COPY_(name, suffix) name##suffix
#define NAME_OF_COPY(name, suffix) NAME_OF_COPY_(name, suffix)
#define multiply NAME_OF_COPY(gemm_real, _multiply)

/* Runs `batch` products. */
void multiply(int64_t batch, product *p);
