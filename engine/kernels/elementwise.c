/* Elementwise kernels: one loop shape for all of them, the function of two vectors written once each. */
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "simd/simd.h"

typedef struct {
    const real *a, *b;
    int64_t a_step, b_step;
    real *out;
} binary_job;

/* Defines the kernel `name`: EXPRESSION gives out from the vectors a and b. */
#define BINARY(name, EXPRESSION)                                                                                       \
    static inline vreal name##_vector(vreal a, vreal b) { return EXPRESSION; }                                         \
    static void name##_body(void *context, int64_t begin, int64_t end) {                                               \
        const binary_job *j = context;                                                                                 \
        const real *a = j->a + begin * j->a_step, *b = j->b + begin * j->b_step;                                       \
        real *out = j->out + begin;                                                                                    \
        int64_t n = end - begin, i = 0, full = n - n % LANES;                                                          \
        if (j->a_step && j->b_step)                                                                                    \
            for (; i < full; i += LANES) vstore(out + i, name##_vector(vload(a + i), vload(b + i)));                   \
        else if (j->a_step)                                                                                            \
            for (vreal vb = vset(*b); i < full; i += LANES) vstore(out + i, name##_vector(vload(a + i), vb));          \
        else if (j->b_step)                                                                                            \
            for (vreal va = vset(*a); i < full; i += LANES) vstore(out + i, name##_vector(va, vload(b + i)));          \
        else                                                                                                           \
            for (vreal v = name##_vector(vset(*a), vset(*b)); i < full; i += LANES) vstore(out + i, v);                \
        if (i < n) {                                                                                                   \
            vreal va = j->a_step ? vload_partial(a + i, n - i) : vset(*a);                                             \
            vreal vb = j->b_step ? vload_partial(b + i, n - i) : vset(*b);                                             \
            vstore_partial(out + i, n - i, name##_vector(va, vb));                                                     \
        }                                                                                                              \
    }                                                                                                                  \
    void name##_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out) {             \
        binary_job j = {a, b, a_step, b_step, out};                                                                    \
        parallel_for(n, elementwise_chunk(3 * sizeof(real)), name##_body, &j);                                         \
    }

BINARY(add, a + b)
BINARY(sub, a - b)
BINARY(mul, a *b)
BINARY(div, a / b)

void binary_scalar_real(binary_kernel_real kernel, int64_t n, const real *a, double b, real *out) {
    real number = (real)b;
    kernel(n, a, 1, &number, 0, out);
}

void scalar_binary_real(binary_kernel_real kernel, int64_t n, double a, const real *b, real *out) {
    real number = (real)a;
    kernel(n, &number, 0, b, 1, out);
}

/* A row of `n` numbers with any stride, as a contiguous row (a short copy) or as one number for all (step 0). */
#define BLOCK 512
static const real *row(const real *x, int64_t stride, int64_t n, real *copy) {
    if (stride == 0 || stride == 1) return x;
    for (int64_t i = 0; i < n; i++) copy[i] = x[i * stride];
    return copy;
}

void binary_strided_real(binary_kernel_real kernel, int64_t ndim, const int64_t *shape, const real *a,
                         const int64_t *a_strides, const real *b, const int64_t *b_strides, real *out) {
    int64_t outer = 1, last = ndim ? shape[ndim - 1] : 1;
    int64_t a_stride = ndim ? a_strides[ndim - 1] : 1, b_stride = ndim ? b_strides[ndim - 1] : 1;
    for (int64_t d = 0; d + 1 < ndim; d++) outer *= shape[d];
    real a_copy[BLOCK], b_copy[BLOCK];
    for (int64_t r = 0; r < outer; r++) {
        int64_t rest = r, a_at = 0, b_at = 0;
        for (int64_t d = ndim - 2; d >= 0; d--) {
            int64_t i = rest % shape[d];
            rest /= shape[d];
            a_at += i * a_strides[d];
            b_at += i * b_strides[d];
        }
        for (int64_t i = 0; i < last; i += BLOCK) {
            int64_t n = last - i < BLOCK ? last - i : BLOCK;
            kernel(n, row(a + a_at + i * a_stride, a_stride, n, a_copy), a_stride != 0,
                   row(b + b_at + i * b_stride, b_stride, n, b_copy), b_stride != 0, out + r * last + i);
        }
    }
}
