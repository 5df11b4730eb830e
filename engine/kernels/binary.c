/* Binary kernels: out[i] = f(a[i], b[i]), either of them perhaps one number for all. One loop shape for all kernels, the
 * function of two vectors written once each. Any other layout comes through strided.c. */
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "simd/math.h"

typedef struct {
    const real *a, *b;
    int64_t a_step, b_step;
    real *out;
} binary_job;

/* Elements in a chunk: of a function of a few instructions, of a vector function, of one taken from the C library. */
#define LIGHT elementwise_chunk(3 * sizeof(real))
#define VECTOR 8192
#define LIBRARY 2048

/* Defines the loop of the kernel `name`: EXPRESSION gives out from the vectors a and b. */
#define BODY(name, EXPRESSION)                                                                                         \
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
    }
/* The same from a function of two numbers. */
#define NUMBERS_BODY(name, function)                                                                                   \
    static void name##_body(void *context, int64_t begin, int64_t end) {                                               \
        const binary_job *j = context;                                                                                 \
        for (int64_t i = begin; i < end; i++) j->out[i] = function(j->a[i * j->a_step], j->b[i * j->b_step]);          \
    }

#define KERNEL(name, chunk)                                                                                            \
    void name##_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out) {             \
        binary_job j = {a, b, a_step, b_step, out};                                                                    \
        parallel_for(n, chunk, name##_body, &j);                                                                       \
    }
#define BINARY(name, chunk, EXPRESSION)                                                                                \
    BODY(name, EXPRESSION)                                                                                             \
    KERNEL(name, chunk)
#define BINARY_NUMBERS(name, function)                                                                                 \
    NUMBERS_BODY(name, function)                                                                                       \
    KERNEL(name, LIBRARY)

BINARY(add, LIGHT, a + b)
BINARY(sub, LIGHT, a - b)
BINARY(mul, LIGHT, a *b)
BINARY(div, LIGHT, a / b)
BINARY(copysign, LIGHT, vcopysign(a, b))
/* maximum and minimum give NaN where either is; fmax and fmin only where both are. */
BINARY(maximum, LIGHT, vmaximum(a, b))
BINARY(minimum, LIGHT, vminimum(a, b))
BINARY(fmax, LIGHT, vselect(b != b, a, vmax(a, b)))
BINARY(fmin, LIGHT, vselect(b != b, a, vmin(a, b)))

/* sqrt(a^2 + b^2), from the larger times a root between 1 and sqrt 2; infinite where either is. */
static inline vreal hypot_of(vreal a, vreal b) {
    const vreal infinity = vset(REAL_INFINITY);
    a = vabs(a);
    b = vabs(b);
    vreal large = vmaximum(a, b), ratio = vminimum(a, b) / large;
    vreal found = vselect(large == vset(0), large, large * vsqrt(vfma(ratio, ratio, vset(1))));
    return vselect((vint)(a == infinity) | (vint)(b == infinity), infinity, found);
}
BINARY(hypot, LIGHT, hypot_of(a, b))
/* log(e^a + e^b), from the larger of the two; equal infinities have no difference. */
static inline vreal logaddexp_of(vreal a, vreal b) {
    vint same = (vint)(a == b) & (vint)(vabs(a) == vset(REAL_INFINITY));
    return vselect(same, a, vmaximum(a, b) + vlog1p(vexp(-vabs(a - b))));
}
BINARY(logaddexp, VECTOR, logaddexp_of(a, b))
/* a log b, 0 where a is 0 (whatever b is but NaN). */
BINARY(xlogy, VECTOR, vselect((vint)(a == vset(0)) & (vint)(b == b), vset(0), a *vlog(b)))

/* pow: the commonest fixed exponents are products or a root (C's pow: of -0 it is 0, of -infinity infinity). */
BODY(pow, vpow(a, b))
BODY(pow_2, ((void)b, a *a))
BODY(pow_3, ((void)b, a *a *a))
BODY(pow_half, ((void)b, vselect(a == vset(-REAL_INFINITY), vset(REAL_INFINITY), vsqrt(a + vset(0)))))
void pow_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out) {
    binary_job j = {a, b, a_step, b_step, out};
    int fixed = n > 0 && b_step == 0;
    if (fixed && *b == 2)
        parallel_for(n, LIGHT, pow_2_body, &j);
    else if (fixed && *b == 3)
        parallel_for(n, LIGHT, pow_3_body, &j);
    else if (fixed && *b == REAL_C(0.5))
        parallel_for(n, LIGHT, pow_half_body, &j);
    else
        parallel_for(n, VECTOR, pow_body, &j);
}

/* From the C library. remainder and floor_divide have Python's sign convention: the remainder has the sign of b. */
#if REAL_IS_DOUBLE
#define LIBRARY_FUNCTION(function) function
#else
#define LIBRARY_FUNCTION(function) function##f
#endif
static real remainder_of(real a, real b) {
    real r = LIBRARY_FUNCTION(fmod)(a, b);
    return r != 0 && (b < 0) != (r < 0) ? r + b : r;
}
static real floor_quotient(real a, real b) {
    if (b == 0) return a / b;
    real r = LIBRARY_FUNCTION(fmod)(a, b), quotient = (a - r) / b;
    if (r != 0 && (b < 0) != (r < 0)) quotient -= 1;
    if (quotient == 0) return LIBRARY_FUNCTION(copysign)(0, a / b);
    real whole = LIBRARY_FUNCTION(floor)(quotient); /* quotient is within rounding of an integer */
    return quotient - whole > REAL_C(0.5) ? whole + 1 : whole;
}
BINARY_NUMBERS(atan2, LIBRARY_FUNCTION(atan2))
BINARY_NUMBERS(fmod, LIBRARY_FUNCTION(fmod))
BINARY_NUMBERS(remainder, remainder_of)
BINARY_NUMBERS(floor_divide, floor_quotient)

/* Backward pairs: a is the gradient of the result, b the result (relu, tanh, sigmoid) or the argument (the others). */
static inline vreal gelu_slope(vreal x) { /* Phi(x) + x phi(x) */
    const vreal half = vset(REAL_C(0.5));
    vreal density = vset(REAL_C(0.39894228040143268)) * vexp(-half * x * x);
    return vfma(x, density, vfma(half, verf(x * vset(REAL_C(0.70710678118654752))), half));
}
static inline vreal gelu_tanh_slope(vreal x) { /* s + x s (1 - s) u', gelu_tanh(x) = x s, s = sigmoid(u(x)) */
    const vreal c = vset(REAL_C(1.5957691216057308)), one = vset(1); /* u = c (x + 0.044715 x^3) */
    x = vmin(vset(100), vmax(vset(-100), x)); /* beyond, s (1 - s) is 0 and u' should not become infinite */
    vreal square = x * x, s = vsigmoid(c * x * vfma(vset(REAL_C(0.044715)), square, one));
    return vfma(x * s * (one - s), c * vfma(vset(REAL_C(0.134145)), square, one), s);
}
static inline vreal silu_slope(vreal x) { /* s (1 + x (1 - s)) */
    vreal s = vsigmoid(x);
    return s * vfma(x, vset(1) - s, vset(1));
}
BINARY(relu_backward, LIGHT, vselect(b <= vset(0), vset(0), a)) /* a NaN result lets the gradient through */
BINARY(tanh_backward, LIGHT, a *(vset(1) - b * b))
BINARY(sigmoid_backward, LIGHT, a *((vset(1) - b) * b))
BINARY(gelu_backward, VECTOR, a *gelu_slope(b))
BINARY(gelu_tanh_backward, VECTOR, a *gelu_tanh_slope(b))
BINARY(silu_backward, VECTOR, a *silu_slope(b))
