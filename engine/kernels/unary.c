/* Unary kernels: out[i] = f(x[i]). One loop shape for all, the function of one vector written once each. */
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "simd/math.h"

typedef struct {
    const real *x;
    real *out;
} unary_job;

/* Elements in a chunk: of a function of a few instructions, of a vector function, of one taken from the C library. */
#define LIGHT elementwise_chunk(2 * sizeof(real))
#define VECTOR 8192
#define LIBRARY 2048

/* Defines the kernel `name`: EXPRESSION gives out from the vector x. */
#define UNARY(name, chunk, EXPRESSION)                                                                                 \
    static inline vreal name##_vector(vreal x) { return EXPRESSION; }                                                  \
    static void name##_body(void *context, int64_t begin, int64_t end) {                                               \
        const unary_job *j = context;                                                                                  \
        int64_t i = begin, full = end - (end - begin) % LANES;                                                         \
        for (; i < full; i += LANES) vstore(j->out + i, name##_vector(vload(j->x + i)));                               \
        if (i < end) vstore_partial(j->out + i, end - i, name##_vector(vload_partial(j->x + i, end - i)));             \
    }                                                                                                                  \
    void name##_real(int64_t n, const real *x, real *out) {                                                            \
        unary_job j = {x, out};                                                                                        \
        parallel_for(n, chunk, name##_body, &j);                                                                       \
    }

/* Defines the kernel `name` from the C library's function of one number. */
#if REAL_IS_DOUBLE
#define LIBRARY_FUNCTION(function) function
#else
#define LIBRARY_FUNCTION(function) function##f
#endif
#define UNARY_LIBRARY(name, function)                                                                                  \
    static void name##_body(void *context, int64_t begin, int64_t end) {                                               \
        const unary_job *j = context;                                                                                  \
        for (int64_t i = begin; i < end; i++) j->out[i] = LIBRARY_FUNCTION(function)(j->x[i]);                         \
    }                                                                                                                  \
    void name##_real(int64_t n, const real *x, real *out) {                                                            \
        unary_job j = {x, out};                                                                                        \
        parallel_for(n, LIBRARY, name##_body, &j);                                                                     \
    }

#define ZERO vset(0)
#define ONE vset(1)

UNARY(neg, LIGHT, -x)
UNARY(abs, LIGHT, vabs(x))
UNARY(sign, LIGHT, (vreal)((vint)(x > ZERO) & (vint)ONE) - (vreal)((vint)(x < ZERO) & (vint)ONE)) /* NaN gives 0 */
UNARY(square, LIGHT, x *x)
UNARY(reciprocal, LIGHT, ONE / x)
UNARY(sqrt, LIGHT, vsqrt(x))
UNARY(rsqrt, LIGHT, ONE / vsqrt(x))
UNARY(floor, LIGHT, vfloor(x))
UNARY(ceil, LIGHT, vceil(x))
UNARY(round, LIGHT, vround(x))
UNARY(trunc, LIGHT, vtrunc(x))
UNARY(frac, LIGHT, x - vtrunc(x))

UNARY(exp, VECTOR, vexp(x))
UNARY(exp2, VECTOR, vexp2(x))
UNARY(expm1, VECTOR, vexpm1(x))
UNARY(log, VECTOR, vlog(x))
UNARY(log1p, VECTOR, vlog1p(x))
UNARY(log2, VECTOR, vlog2(x))
UNARY(log10, VECTOR, vlog10(x))
UNARY(sin, VECTOR, vsin(x))
UNARY(cos, VECTOR, vcos(x))
UNARY(tan, VECTOR, vtan(x))
UNARY(tanh, VECTOR, vtanh(x))
UNARY(erf, VECTOR, verf(x))
UNARY(erfc, VECTOR, verfc(x))

UNARY_LIBRARY(asin, asin)
UNARY_LIBRARY(acos, acos)
UNARY_LIBRARY(atan, atan)
UNARY_LIBRARY(sinh, sinh)
UNARY_LIBRARY(cosh, cosh)
UNARY_LIBRARY(asinh, asinh)
UNARY_LIBRARY(acosh, acosh)
UNARY_LIBRARY(atanh, atanh)

/* Activations. log(1 + e^x) is max(x, 0) + log(1 + e^-|x|), which neither overflows nor loses the small results. */
static inline vreal softplus_of(vreal x) { return vmax(ZERO, x) + vlog1p(vexp(-vabs(x))); }
static inline vreal normal_distribution(vreal x) { /* Phi(x) */
    return vset(REAL_C(0.5)) * (ONE + verf(x * vset(REAL_C(0.70710678118654752))));
}
static inline vreal gelu_tanh_gate(vreal x) { /* (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, as a sigmoid */
    return vsigmoid(vset(REAL_C(1.5957691216057308)) * x * vfma(vset(REAL_C(0.044715)) * x, x, ONE));
}

UNARY(relu, LIGHT, vmax(ZERO, x)) /* NaN stays; relu(-0) is -0, which compares equal */
UNARY(sigmoid, VECTOR, vsigmoid(x))
UNARY(silu, VECTOR, x *vsigmoid(x))
UNARY(gelu, VECTOR, x *normal_distribution(x))
UNARY(gelu_tanh, VECTOR, x *gelu_tanh_gate(x))
UNARY(softplus, VECTOR, softplus_of(x))
UNARY(logsigmoid, VECTOR, -softplus_of(-x))
UNARY(logit, VECTOR, vlog(x / (ONE - x)))
