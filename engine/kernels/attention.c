/* Scaled dot-product attention without the matrix of all weights (Rabe and Staats 2021; Dao et al. 2022).
 *
 * Forward: a task is a block of queries of one head. It walks over blocks of keys, with the largest score and the sum of
 * exponentials so far in each row; when the largest grows, what was summed is scaled down. Backward computes a tile of
 * weights again from the scores and the saved logarithms of those sums. Gradients of keys and values add up over blocks
 * of queries in order, those of queries over blocks of keys in order, whoever computes them: so the bits are the same
 * whether a task has a whole head (every tile once) or a block of keys and then a block of queries (every tile twice,
 * for few heads and many threads). */
#include "kernels/gemm.h"
#include "kernels/softmax.h"
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "runtime/philox.h"
#include "runtime/scratch.h"

#define QUERIES 64 /* of a block */
#define KEYS 128
#define TASK_WORK (1 << 18) /* multiply-adds worth a launch */

typedef struct {
    const attention_shape *s;
    const real *query, *key, *value, *mask;
    real *out, *log_sum;
    const real *grad_out;
    real *grad_query, *grad_key, *grad_value;
    int64_t query_blocks, key_blocks;
} job;

/* A tile of scores: of head h of batch b, queries from `query` on, keys from `key` on. */
typedef struct {
    int64_t b, h, query, rows, key, cols;
} place;

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t pieces(int64_t n, int64_t size) { return (n + size - 1) / size; }

static inline int64_t at(attention_layout l, int64_t b, int64_t h, int64_t row) {
    return b * l.batch + h * l.head + row * l.row;
}

/* Keys from the first on that queries up to `last` see. */
static inline int64_t keys_seen(const attention_shape *s, int64_t last) {
    return s->causal ? smaller(s->keys, last + 1) : s->keys;
}

/* c[rows, cols] (+)= a[rows, k] b[k, cols] */
static void times(int64_t rows, int64_t cols, int64_t k, const real *a, int64_t a_row, int64_t a_col, const real *b,
                  int64_t b_row, int64_t b_col, real *c, int64_t c_row, int accumulate) {
    product p = {.m = rows,
                 .n = cols,
                 .k = k,
                 .a = a,
                 .a_row = a_row,
                 .a_col = a_col,
                 .b = b,
                 .b_row = b_row,
                 .b_col = b_col,
                 .c = c,
                 .c_row = c_row,
                 .accumulate = accumulate};
    multiply(1, &p);
}

/* x[rows, KEYS]: scale * query key^T + mask; -infinity where a query does not see. */
static void scores(const job *j, const place *p, real *x) {
    const attention_shape *s = j->s;
    const int64_t group = s->heads / s->key_heads;
    times(p->rows, p->cols, s->width, j->query + at(s->query, p->b, p->h, p->query), s->query.row, 1,
          j->key + at(s->key, p->b, p->h / group, p->key), 1, s->key.row, x, KEYS, 0);
    const vreal scale = vset((real)s->scale);
    for (int64_t r = 0; r < p->rows; r++, x += KEYS) {
        if (j->mask) {
            const real *mask = j->mask + at(s->mask, p->b, p->h, p->query + r) + p->key;
            for (int64_t i = 0; i < p->cols; i += LANES)
                vstore_left(x + i, p->cols - i,
                            vfma(vload_left(x + i, p->cols - i), scale, vload_left(mask + i, p->cols - i)));
        } else {
            for (int64_t i = 0; i < p->cols; i += LANES)
                vstore_left(x + i, p->cols - i, vload_left(x + i, p->cols - i) * scale);
        }
        if (s->causal)
            for (int64_t i = p->query + r + 1 > p->key ? p->query + r + 1 - p->key : 0; i < p->cols; i++)
                x[i] = -(real)INFINITY;
    }
}

/* ---- dropout: a block of random words for each 4 keys ---- */

/* factor[i] = 0 or 1 / (1 - dropout) for keys `key` to key + n of one query; key is a multiple of 4. */
static void dropout_row(const attention_shape *s, int64_t b, int64_t h, int64_t query, int64_t key, int64_t n,
                        real *factor) {
    const uint64_t threshold = (uint64_t)(s->dropout * 0x1p32 + 0.5);
    const real kept = (real)(1 / (1 - s->dropout));
    const int64_t row = (b * s->heads + h) * s->queries + query;
    uint64_t block = (uint64_t)s->drawn[1] + (uint64_t)(row * pieces(s->keys, 4) + key / 4);
    for (int64_t i = 0; i < n; i += 4, block++) {
        uint32_t words[4];
        philox4x32((uint64_t)s->drawn[0], block, 0, words);
        for (int64_t w = 0; w < smaller(4, n - i); w++) factor[i + w] = words[w] >= threshold ? kept : 0;
    }
}

/* x *= the factors of dropout; x[rows, KEYS], and y too when it is not NULL. */
static void drop(const attention_shape *s, const place *p, real *x, real *y) {
    for (int64_t r = 0; r < p->rows; r++) {
        real factor[KEYS];
        dropout_row(s, p->b, p->h, p->query + r, p->key, p->cols, factor);
        for (int64_t i = 0; i < p->cols; i++) x[r * KEYS + i] *= factor[i];
        if (y)
            for (int64_t i = 0; i < p->cols; i++) y[r * KEYS + i] *= factor[i];
    }
}

static void dropout_rows(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    const attention_shape *s = j->s;
    for (int64_t n = begin; n < end; n++)
        dropout_row(s, n / s->queries / s->heads, n / s->queries % s->heads, n % s->queries, 0, s->keys,
                    j->out + n * s->keys);
}

void attention_dropout_real(const attention_shape *shape, real *factor) {
    job j = {.s = shape, .out = factor};
    parallel_for(shape->batch * shape->heads * shape->queries, 4096 / (shape->keys + 1) + 1, dropout_rows, &j);
}

/* ---- forward ---- */

static inline void scale_row(int64_t n, real factor, real *x) {
    const vreal by = vset(factor);
    for (int64_t i = 0; i < n; i += LANES) vstore_left(x + i, n - i, vload_left(x + i, n - i) * by);
}

/* The rows of one block of queries. */
static void attend(const job *j, int64_t b, int64_t h, int64_t query, real *x) {
    const attention_shape *s = j->s;
    const int64_t rows = smaller(QUERIES, s->queries - query), kv = h / (s->heads / s->key_heads);
    const int64_t seen = keys_seen(s, query + rows - 1);
    real max[QUERIES], sum[QUERIES];
    real *out = j->out + at(s->out, b, h, query);
    for (int64_t r = 0; r < rows; r++) {
        max[r] = -(real)INFINITY;
        sum[r] = 0;
        memset(out + r * s->out.row, 0, (size_t)s->value_width * sizeof(real));
    }
    for (int64_t key = 0; key < seen; key += KEYS) {
        const place p = {b, h, query, rows, key, smaller(KEYS, seen - key)};
        scores(j, &p, x);
        for (int64_t r = 0; r < rows; r++) {
            real *row = x + r * KEYS, top = row_max(p.cols, row);
            if (top > max[r]) {
                if (sum[r] != 0) { /* (NaN too) */
                    real shrunk = vexp(vset(max[r] - top))[0];
                    sum[r] *= shrunk;
                    scale_row(s->value_width, shrunk, out + r * s->out.row);
                }
                max[r] = top;
            }
            /* nothing seen yet: the exponentials of -infinity less 0 are 0, of NaN NaN */
            sum[r] += row_exp_sum(p.cols, row, max[r] == -(real)INFINITY ? 0 : max[r], row);
        }
        if (s->dropout > 0) drop(s, &p, x, 0);
        times(rows, s->value_width, p.cols, x, KEYS, 1, j->value + at(s->value, b, kv, key), s->value.row, 1, out,
              s->out.row, 1);
    }
    real *log_sum = j->log_sum + (b * s->heads + h) * s->queries + query;
    for (int64_t r = 0; r < rows; r++) {
        const int nothing = sum[r] == 0;
        scale_row(s->value_width, nothing ? 0 : 1 / sum[r], out + r * s->out.row);
        log_sum[r] = nothing ? (real)INFINITY : max[r] + vlog(vset(sum[r]))[0]; /* exp(score - infinity) is 0 */
    }
}

static void attend_blocks(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    real *x = thread_scratch(SCRATCH_ATTENTION, QUERIES * KEYS * sizeof(real));
    for (int64_t n = begin; n < end; n++) {
        const int64_t head = n / j->query_blocks;
        attend(j, head / j->s->heads, head % j->s->heads, n % j->query_blocks * QUERIES, x);
    }
}

/* Tasks of about `work` multiply-adds in a chunk. */
static int64_t tasks_per_chunk(double work) { return work >= TASK_WORK ? 1 : (int64_t)(TASK_WORK / (work + 1)) + 1; }

static job prepare(const attention_shape *s, const real *query, const real *key, const real *value, const real *mask) {
    return (job){.s = s,
                 .query = query,
                 .key = key,
                 .value = value,
                 .mask = mask,
                 .query_blocks = pieces(s->queries, QUERIES),
                 .key_blocks = pieces(s->keys, KEYS)};
}

void attention_real(const attention_shape *shape, const real *query, const real *key, const real *value,
                    const real *mask, real *out, real *log_sum) {
    job j = prepare(shape, query, key, value, mask);
    j.out = out;
    j.log_sum = log_sum;
    const double work = (double)smaller(QUERIES, shape->queries) * (double)shape->keys *
                        (double)(shape->width + shape->value_width + 16);
    parallel_for(shape->batch * shape->heads * j.query_blocks, tasks_per_chunk(work), attend_blocks, &j);
}

/* ---- backward ---- */

/* One tile: its part of the gradients of queries, of keys and values, or of both. x and grad are [QUERIES, KEYS]. */
static void backward_tile(const job *j, const place *p, int queries, int keys, real *x, real *grad) {
    const attention_shape *s = j->s;
    const int64_t kv = p->h / (s->heads / s->key_heads), width = s->value_width;
    const real *grad_out = j->grad_out + at(s->grad_out, p->b, p->h, p->query);
    const real *out = j->out + at(s->out, p->b, p->h, p->query);
    const real *log_sum = j->log_sum + (p->b * s->heads + p->h) * s->queries + p->query;
    scores(j, p, x);
    for (int64_t r = 0; r < p->rows; r++) row_exp_sum(p->cols, x + r * KEYS, log_sum[r], x + r * KEYS);
    times(p->rows, p->cols, width, grad_out, s->grad_out.row, 1, j->value + at(s->value, p->b, kv, p->key), 1,
          s->value.row, grad, KEYS, 0);
    real kept[QUERIES * KEYS], *weights = x; /* what the values were multiplied with */
    if (s->dropout > 0) {
        memcpy(kept, x, sizeof kept);
        drop(s, p, kept, grad);
        weights = kept;
    }
    if (keys)
        times(p->cols, width, p->rows, weights, 1, KEYS, grad_out, s->grad_out.row, 1,
              j->grad_value + at(s->grad_value, p->b, kv, p->key), s->grad_value.row, 1);
    /* through the softmax: weight (gradient - sum of weight gradient), the sum being that of out grad_out */
    const vreal scale = vset((real)s->scale);
    for (int64_t r = 0; r < p->rows; r++) {
        vreal dot = {0};
        for (int64_t i = 0; i < width; i += LANES)
            dot = vfma(vload_left(out + r * s->out.row + i, width - i),
                       vload_left(grad_out + r * s->grad_out.row + i, width - i), dot);
        const vreal sum = vset(vsum(dot));
        real *row = x + r * KEYS;
        const real *g = grad + r * KEYS;
        for (int64_t i = 0; i < p->cols; i += LANES)
            vstore_left(row + i, p->cols - i,
                        vload_left(row + i, p->cols - i) * (vload_left(g + i, p->cols - i) - sum) * scale);
    }
    if (queries)
        times(p->rows, s->width, p->cols, x, KEYS, 1, j->key + at(s->key, p->b, kv, p->key), s->key.row, 1,
              j->grad_query + at(s->grad_query, p->b, p->h, p->query), s->grad_query.row, 1);
    if (keys)
        times(p->cols, s->width, p->rows, x, 1, KEYS, j->query + at(s->query, p->b, p->h, p->query), s->query.row, 1,
              j->grad_key + at(s->grad_key, p->b, kv, p->key), s->grad_key.row, 1);
}

/* The tile of block q of queries and block k of keys of a head, unless all of it is hidden. */
static void backward_at(const job *j, int64_t b, int64_t h, int64_t q, int64_t k, int queries, int keys) {
    const attention_shape *s = j->s;
    const int64_t rows = smaller(QUERIES, s->queries - q * QUERIES), seen = keys_seen(s, q * QUERIES + rows - 1);
    if (k * KEYS >= seen) return;
    const place p = {b, h, q * QUERIES, rows, k * KEYS, smaller(KEYS, seen - k * KEYS)};
    real *x = thread_scratch(SCRATCH_ATTENTION, 2 * QUERIES * KEYS * sizeof(real));
    backward_tile(j, &p, queries, keys, x, x + QUERIES * KEYS);
}

/* A task is a head of the keys: with all the heads of queries that look at it. */
static void backward_heads(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    const int64_t group = j->s->heads / j->s->key_heads;
    for (int64_t n = begin; n < end; n++)
        for (int64_t g = 0; g < group; g++)
            for (int64_t k = 0; k < j->key_blocks; k++)
                for (int64_t q = 0; q < j->query_blocks; q++)
                    backward_at(j, n / j->s->key_heads, n % j->s->key_heads * group + g, q, k, 1, 1);
}

/* A task is a block of keys. */
static void backward_keys(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    const int64_t group = j->s->heads / j->s->key_heads;
    for (int64_t n = begin; n < end; n++) {
        const int64_t head = n / j->key_blocks;
        for (int64_t g = 0; g < group; g++)
            for (int64_t q = 0; q < j->query_blocks; q++)
                backward_at(j, head / j->s->key_heads, head % j->s->key_heads * group + g, q, n % j->key_blocks, 0, 1);
    }
}

/* A task is a block of queries. */
static void backward_queries(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    for (int64_t n = begin; n < end; n++) {
        const int64_t head = n / j->query_blocks;
        for (int64_t k = 0; k < j->key_blocks; k++)
            backward_at(j, head / j->s->heads, head % j->s->heads, n % j->query_blocks, k, 1, 0);
    }
}

void attention_backward_real(const attention_shape *shape, const real *query, const real *key, const real *value,
                             const real *mask, const real *out, const real *log_sum, const real *grad_out,
                             real *grad_query, real *grad_key, real *grad_value) {
    job j = prepare(shape, query, key, value, mask);
    j.out = (real *)out;
    j.log_sum = (real *)log_sum;
    j.grad_out = grad_out;
    j.grad_query = grad_query;
    j.grad_key = grad_key;
    j.grad_value = grad_value;
    const int64_t heads = shape->batch * shape->key_heads, threads = num_threads();
    const double tile = (double)(shape->width + shape->value_width) * 2.5;
    const double work = tile * (double)shape->queries * (double)shape->keys * (double)(shape->heads / shape->key_heads);
    if (threads == 1 || heads % threads == 0 || heads >= 4 * threads || work * (double)heads < 4 * TASK_WORK) {
        parallel_for(heads, tasks_per_chunk(work), backward_heads, &j);
        return;
    }
    parallel_for(heads * j.key_blocks, tasks_per_chunk(work / (double)j.key_blocks), backward_keys, &j);
    parallel_for(shape->batch * shape->heads * j.query_blocks,
                 tasks_per_chunk(tile * (double)smaller(QUERIES, shape->queries) * (double)shape->keys),
                 backward_queries, &j);
}
