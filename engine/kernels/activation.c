/* Activations with numbers to set: out = f(x; a, b), and their gradients. One loop shape for all, the functions of one
 * vector written once each. Where a function has pieces, a piece is chosen, never multiplied by 0: infinite gradients of
 * other pieces do not become NaN. */
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "simd/math.h"

typedef struct {
    const real *grad, *x;
    real a, b;
    real *out;
} activation_job;

#define LIGHT elementwise_chunk(3 * sizeof(real)) /* elements in a chunk: of a few instructions, of a vector function */
#define VECTOR 8192
#define SET(number) vset(REAL_C(number))

/* Defines the two kernels of `name`: VALUE gives out from the vectors x, a and b, GRADIENT from g (grad) too. */
#define ACTIVATION(name, chunk, VALUE, GRADIENT)                                                                       \
    static inline vreal name##_value(vreal x, vreal a, vreal b) {                                                      \
        (void)a, (void)b;                                                                                              \
        return VALUE;                                                                                                  \
    }                                                                                                                  \
    static inline vreal name##_slope(vreal g, vreal x, vreal a, vreal b) {                                             \
        (void)a, (void)b;                                                                                              \
        return GRADIENT;                                                                                               \
    }                                                                                                                  \
    static void name##_value_body(void *context, int64_t begin, int64_t end) {                                         \
        const activation_job *j = context;                                                                             \
        vreal a = vset(j->a), b = vset(j->b);                                                                          \
        for (int64_t i = begin; i < end; i += LANES)                                                                   \
            store_up_to(j->out + i, end - i, name##_value(load_up_to(j->x + i, end - i), a, b));                       \
    }                                                                                                                  \
    static void name##_slope_body(void *context, int64_t begin, int64_t end) {                                         \
        const activation_job *j = context;                                                                             \
        vreal a = vset(j->a), b = vset(j->b);                                                                          \
        for (int64_t i = begin; i < end; i += LANES) {                                                                 \
            vreal g = load_up_to(j->grad + i, end - i), x = load_up_to(j->x + i, end - i);                             \
            store_up_to(j->out + i, end - i, name##_slope(g, x, a, b));                                                \
        }                                                                                                              \
    }                                                                                                                  \
    void name##_activation_real(int64_t n, const real *x, double a, double b, real *out) {                             \
        activation_job j = {.x = x, .a = (real)a, .b = (real)b, .out = out};                                           \
        parallel_for(n, chunk, name##_value_body, &j);                                                                 \
    }                                                                                                                  \
    void name##_gradient_real(int64_t n, const real *grad, const real *x, double a, double b, real *out) {             \
        activation_job j = {.grad = grad, .x = x, .a = (real)a, .b = (real)b, .out = out};                             \
        parallel_for(n, chunk, name##_slope_body, &j);                                                                 \
    }

#define ZERO SET(0.0)
#define ONE SET(1.0)

/* log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), without overflow. */
static inline vreal softplus_of(vreal x) { return vmax(ZERO, x) + vlog1p(vexp(-vabs(x))); }

/* tanh(log(1 + e^x)) = ((1 + e^x)^2 - 1) / ((1 + e^x)^2 + 1) = n / (n + 2) with n = e^x (e^x + 2); 1 where e^x would
 * overflow. */
static inline vreal mish_gate(vreal x) {
    vreal e = vexp(vmin(SET(30.0), x)), n = e * (e + SET(2.0));
    return n / (n + SET(2.0));
}
static inline vreal
mish_slope_of(vreal x) { /* t + x (1 - t^2) sigmoid(x); far out x (1 - t^2) is 0, not infinity times 0 */
    vreal t = mish_gate(x), bounded = vmin(SET(1000.0), vmax(SET(-1000.0), x));
    return vfma(bounded * vsigmoid(x), (ONE - t) * (ONE + t), t);
}

static inline vreal hard_gate(vreal x) { return vmin(SET(6.0), vmax(ZERO, x + SET(3.0))) / SET(6.0); }
static inline vint inside(vreal x, vreal bound) { return (x >= -bound) & (x <= bound); }

/* Where x is NaN the gradient passes as for x > 0. */
ACTIVATION(elu, VECTOR, vselect(x > ZERO, x, a *vexpm1(b *x)), vselect(x <= ZERO, g *a *b *vexp(b *x), g))
ACTIVATION(selu, VECTOR, vselect(x > ZERO, a *x, b *vexpm1(x)), g *vselect(x <= ZERO, b *vexp(x), a))
ACTIVATION(leaky_relu, LIGHT, vselect(x > ZERO, x, a *x), vselect(x > ZERO, g, a *g))
ACTIVATION(hardtanh, LIGHT, vmin(b, vmax(a, x)), vselect((x <= a) | (x >= b), ZERO, g))
ACTIVATION(threshold, LIGHT, vselect(x <= a, b, x), vselect(x <= a, ZERO, g))
ACTIVATION(hardshrink, LIGHT, vselect(inside(x, a), ZERO, x), vselect(inside(x, a), ZERO, g))
ACTIVATION(softshrink, LIGHT, vselect(inside(x, a), ZERO, x - vcopysign(a, x)), vselect(inside(x, a), ZERO, g))
ACTIVATION(hardsigmoid, LIGHT, hard_gate(x), vselect((x > SET(-3.0)) & (x < SET(3.0)), g / SET(6.0), ZERO))
ACTIVATION(hardswish, LIGHT, x *hard_gate(x),
           vselect(x <= SET(-3.0), ZERO, vselect(x < SET(3.0), g *(x / SET(3.0) + SET(0.5)), g)))
ACTIVATION(softplus_beta, VECTOR, vselect(a *x > b, x, softplus_of(a *x) / a), vselect(a *x > b, g, g *vsigmoid(a *x)))
ACTIVATION(log_sigmoid, VECTOR, -softplus_of(-x), g *vsigmoid(-x))
ACTIVATION(mish, VECTOR, x *mish_gate(x), g *mish_slope_of(x))
ACTIVATION(softsign, LIGHT, x / (ONE + vabs(x)), g / ((ONE + vabs(x)) * (ONE + vabs(x))))
ACTIVATION(huber, LIGHT, b *vselect(vabs(x) <= a, SET(0.5) * x * x, a *(vabs(x) - SET(0.5) * a)),
           g *b *vmin(a, vmax(-a, x)))
