/* Arithmetic, comparisons and sums of whole numbers and truth values: what a training step does with indices, counts and
 * masks. One loop for each type and operation, written by macros; the compiler does the rest. */
#include "lucid_engine.h"
#include "parallel.h"

typedef struct {
    int64_t operation, a_step, b_step;
    const char *a, *b;
    char *out;
} job;

/* Whole numbers wrap around: additions and the like are done without sign. */
#define EACH(type, expression)                                                                                         \
    for (int64_t i = begin; i < end; i++) {                                                                            \
        const type x = a[i * j->a_step], y = b[i * j->b_step];                                                         \
        out[i] = (expression);                                                                                         \
    }                                                                                                                  \
    break;

#define ARITHMETIC(name, type, wrapping)                                                                               \
    static void name(void *context, int64_t begin, int64_t end) {                                                      \
        const job *j = context;                                                                                        \
        const type *a = (const type *)j->a, *b = (const type *)j->b;                                                   \
        type *out = (type *)j->out;                                                                                    \
        switch (j->operation) {                                                                                        \
        case INTEGER_ADD:                                                                                              \
            EACH(type, (type)((wrapping)x + (wrapping)y))                                                              \
        case INTEGER_SUB:                                                                                              \
            EACH(type, (type)((wrapping)x - (wrapping)y))                                                              \
        case INTEGER_MUL:                                                                                              \
            EACH(type, (type)((wrapping)x * (wrapping)y))                                                              \
        case INTEGER_MAXIMUM:                                                                                          \
            EACH(type, x > y ? x : y)                                                                                  \
        case INTEGER_MINIMUM:                                                                                          \
            EACH(type, x < y ? x : y)                                                                                  \
        case INTEGER_AND:                                                                                              \
            EACH(type, (type)(x & y))                                                                                  \
        case INTEGER_OR:                                                                                               \
            EACH(type, (type)(x | y))                                                                                  \
        case INTEGER_XOR:                                                                                              \
            EACH(type, (type)(x ^ y))                                                                                  \
        }                                                                                                              \
    }

#define COMPARISON(name, type)                                                                                         \
    static void name(void *context, int64_t begin, int64_t end) {                                                      \
        const job *j = context;                                                                                        \
        const type *a = (const type *)j->a, *b = (const type *)j->b;                                                   \
        uint8_t *out = (uint8_t *)j->out;                                                                              \
        switch (j->operation) {                                                                                        \
        case INTEGER_EQ:                                                                                               \
            EACH(type, x == y)                                                                                         \
        case INTEGER_NE:                                                                                               \
            EACH(type, x != y)                                                                                         \
        case INTEGER_LT:                                                                                               \
            EACH(type, x < y)                                                                                          \
        case INTEGER_LE:                                                                                               \
            EACH(type, x <= y)                                                                                         \
        case INTEGER_GT:                                                                                               \
            EACH(type, x > y)                                                                                          \
        case INTEGER_GE:                                                                                               \
            EACH(type, x >= y)                                                                                         \
        }                                                                                                              \
    }

ARITHMETIC(arithmetic_int64, int64_t, uint64_t)
ARITHMETIC(arithmetic_int32, int32_t, uint32_t)
ARITHMETIC(arithmetic_uint8, uint8_t, uint32_t)
COMPARISON(comparison_int64, int64_t)
COMPARISON(comparison_int32, int32_t)
COMPARISON(comparison_uint8, uint8_t)

void integer_arithmetic(int64_t operation, int64_t type, int64_t n, const void *a, int64_t a_step, const void *b,
                        int64_t b_step, void *out) {
    job j = {operation, a_step, b_step, a, b, out};
    const int64_t bytes = type == TYPE_INT64 ? 8 : type == TYPE_INT32 ? 4 : 1;
    parallel_for(n, elementwise_chunk(3 * bytes),
                 bytes == 8   ? arithmetic_int64
                 : bytes == 4 ? arithmetic_int32
                              : arithmetic_uint8,
                 &j);
}

void integer_comparison(int64_t operation, int64_t type, int64_t n, const void *a, int64_t a_step, const void *b,
                        int64_t b_step, uint8_t *out) {
    job j = {operation, a_step, b_step, a, b, (char *)out};
    const int64_t bytes = type == TYPE_INT64 ? 8 : type == TYPE_INT32 ? 4 : 1;
    parallel_for(n, elementwise_chunk(2 * bytes + 1),
                 bytes == 8   ? comparison_int64
                 : bytes == 4 ? comparison_int32
                              : comparison_uint8,
                 &j);
}

typedef struct {
    int64_t type, n, inner;
    const void *x;
    int64_t *out;
} sum_job;

static void sum_body(void *context, int64_t begin, int64_t end) {
    const sum_job *j = context;
    for (int64_t o = begin; o < end; o++) {
        uint64_t sum = 0;
        const int64_t first = o / j->inner * j->n * j->inner + o % j->inner;
        if (j->type == TYPE_INT64)
            for (int64_t i = 0; i < j->n; i++) sum += (uint64_t)((const int64_t *)j->x)[first + i * j->inner];
        else if (j->type == TYPE_INT32)
            for (int64_t i = 0; i < j->n; i++) sum += (uint64_t)((const int32_t *)j->x)[first + i * j->inner];
        else
            for (int64_t i = 0; i < j->n; i++) sum += ((const uint8_t *)j->x)[first + i * j->inner];
        j->out[o] = (int64_t)sum;
    }
}

void integer_sum(int64_t type, int64_t outer, int64_t n, int64_t inner, const void *x, int64_t *out) {
    sum_job j = {type, n, inner, x, out};
    parallel_for(outer * inner, 65536 / (n + 1) + 1, sum_body, &j);
}
