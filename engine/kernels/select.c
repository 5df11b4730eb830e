/* Comparisons and predicates (to bytes 0 or 1), choices between numbers, and combinations of three operands. */
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "simd/math.h"

#define CHUNK elementwise_chunk(3 * sizeof(real))

/* ---- comparisons: plain loops, which the compiler turns into vectors of bytes ---- */

typedef struct {
    const real *a, *b;
    int64_t a_step, b_step;
    uint8_t *out;
} compare_job;

#define COMPARE(name, OPERATOR)                                                                                        \
    static void name##_body(void *context, int64_t begin, int64_t end) {                                               \
        const compare_job *j = context;                                                                                \
        const real *restrict a = j->a + begin * j->a_step, *restrict b = j->b + begin * j->b_step;                     \
        uint8_t *restrict out = j->out + begin;                                                                        \
        int64_t n = end - begin;                                                                                       \
        if (j->a_step && j->b_step)                                                                                    \
            for (int64_t i = 0; i < n; i++) out[i] = a[i] OPERATOR b[i];                                               \
        else if (j->a_step)                                                                                            \
            for (int64_t i = 0; i < n; i++) out[i] = a[i] OPERATOR b[0];                                               \
        else if (j->b_step)                                                                                            \
            for (int64_t i = 0; i < n; i++) out[i] = a[0] OPERATOR b[i];                                               \
        else                                                                                                           \
            memset(out, a[0] OPERATOR b[0], (size_t)n);                                                                \
    }                                                                                                                  \
    void name##_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, uint8_t *out) {          \
        compare_job j = {a, b, a_step, b_step, out};                                                                   \
        parallel_for(n, CHUNK, name##_body, &j);                                                                       \
    }
COMPARE(eq, ==)
COMPARE(ne, !=)
COMPARE(lt, <)
COMPARE(le, <=)
COMPARE(gt, >)
COMPARE(ge, >=)

#define PREDICATE(name, CONDITION)                                                                                     \
    static void name##_body(void *context, int64_t begin, int64_t end) {                                               \
        const compare_job *j = context;                                                                                \
        const real *restrict a = j->a;                                                                                 \
        uint8_t *restrict out = j->out;                                                                                \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            real x = a[i], size = x < 0 ? -x : x;                                                                      \
            out[i] = CONDITION;                                                                                        \
        }                                                                                                              \
    }                                                                                                                  \
    void name##_real(int64_t n, const real *x, uint8_t *out) {                                                         \
        compare_job j = {x, 0, 1, 0, out};                                                                             \
        parallel_for(n, CHUNK, name##_body, &j);                                                                       \
    }
PREDICATE(isnan, size != size)
PREDICATE(isinf, size == REAL_INFINITY)
PREDICATE(isfinite, size < REAL_INFINITY)
PREDICATE(signbit, ((void)size, __builtin_signbit(x) != 0)) /* of -0 and of NaN too */

/* ---- choices and combinations ---- */

/* Four inputs at most, those that are not there NULL; parameters as numbers. */
typedef struct {
    const uint8_t *condition;
    const real *x, *a, *b;
    int64_t a_step, b_step;
    real first, second, third;
    real *out;
} ternary_job;

/* LANES bytes as a mask: true where they are not 0. */
static inline vint load_mask(const uint8_t *p, int64_t n) {
    typedef uint8_t bytes __attribute__((vector_size(LANES)));
    bytes b = {0};
    memcpy(&b, p, (size_t)n);
    return (vint)(__builtin_convertvector(b, vint) != vseti(0));
}

static void where_body(void *context, int64_t begin, int64_t end) {
    const ternary_job *j = context;
    const real *a = j->a + begin * j->a_step, *b = j->b + begin * j->b_step;
    int64_t n = end - begin, i = 0, full = n - n % LANES;
    for (; i < full; i += LANES) {
        vreal va = j->a_step ? vload(a + i) : vset(*a), vb = j->b_step ? vload(b + i) : vset(*b);
        vstore(j->out + begin + i, vselect(load_mask(j->condition + begin + i, LANES), va, vb));
    }
    if (i < n) {
        vreal va = j->a_step ? vload_partial(a + i, n - i) : vset(*a),
              vb = j->b_step ? vload_partial(b + i, n - i) : vset(*b);
        vstore_partial(j->out + begin + i, n - i, vselect(load_mask(j->condition + begin + i, n - i), va, vb));
    }
}
void where_real(int64_t n, const uint8_t *condition, const real *a, int64_t a_step, const real *b, int64_t b_step,
                real *out) {
    ternary_job j = {.condition = condition, .a = a, .a_step = a_step, .b = b, .b_step = b_step, .out = out};
    parallel_for(n, CHUNK, where_body, &j);
}

void where_number_real(int64_t n, const uint8_t *condition, int64_t wanted, const real *x, double number, real *out) {
    const real other = (real)number;
    if (wanted)
        where_real(n, condition, x, 1, &other, 0, out);
    else
        where_real(n, condition, &other, 0, x, 1, out);
}

/* Defines the loop `name`_body: EXPRESSION of the vectors x, a, b (of those asked for) and the numbers first, second,
 * third. */
#define LOAD_NOTHING(p, i, n) vset(0)
#define LOAD_VECTOR(p, i, n) ((n) < LANES ? vload_partial((p) + (i), n) : vload((p) + (i)))
#define TERNARY(name, LOAD_X, LOAD_A, LOAD_B, EXPRESSION)                                                              \
    static inline void name##_step(const ternary_job *j, int64_t i, int64_t n) {                                       \
        vreal x = LOAD_X(j->x, i, n), a = LOAD_A(j->a, i, n), b = LOAD_B(j->b, i, n);                                  \
        vreal first = vset(j->first), second = vset(j->second), third = vset(j->third);                                \
        (void)x, (void)a, (void)b, (void)first, (void)second, (void)third;                                             \
        if (n < LANES)                                                                                                 \
            vstore_partial(j->out + i, n, EXPRESSION);                                                                 \
        else                                                                                                           \
            vstore(j->out + i, EXPRESSION);                                                                            \
    }                                                                                                                  \
    static void name##_body(void *context, int64_t begin, int64_t end) {                                               \
        const ternary_job job = *(const ternary_job *)context;                                                         \
        int64_t i = begin, full = end - (end - begin) % LANES;                                                         \
        for (; i < full; i += LANES) name##_step(&job, i, LANES);                                                      \
        if (i < end) name##_step(&job, i, end - i);                                                                    \
    }

TERNARY(fill, LOAD_NOTHING, LOAD_NOTHING, LOAD_NOTHING, first)
TERNARY(clamp, LOAD_VECTOR, LOAD_NOTHING, LOAD_NOTHING, vmin(second, vmax(first, x)))
TERNARY(clamp_backward, LOAD_NOTHING, LOAD_VECTOR, LOAD_VECTOR,
        vselect((vint)(b >= first) & (vint)(b <= second), a, vset(0)))
TERNARY(nan_to_num, LOAD_VECTOR, LOAD_NOTHING, LOAD_NOTHING,
        vselect(x != x, first, vselect(x == vset(REAL_INFINITY), second, vselect(x == vset(-REAL_INFINITY), third, x))))
TERNARY(addcdiv, LOAD_VECTOR, LOAD_VECTOR, LOAD_VECTOR, x + first * a / b)
TERNARY(addcmul, LOAD_VECTOR, LOAD_VECTOR, LOAD_VECTOR, vfma(first, a *b, x))
TERNARY(add_scaled, LOAD_NOTHING, LOAD_VECTOR, LOAD_VECTOR, vfma(first, b, a))
TERNARY(lerp_weights, LOAD_VECTOR, LOAD_VECTOR, LOAD_VECTOR,
        vselect(vabs(x) < vset(REAL_C(0.5)), vfma(x, b - a, a), vfma(x - vset(1), b - a, b)))
TERNARY(lerp_from_a, LOAD_NOTHING, LOAD_VECTOR, LOAD_VECTOR, vfma(first, b - a, a))
TERNARY(lerp_from_b, LOAD_NOTHING, LOAD_VECTOR, LOAD_VECTOR, vfma(first - vset(1), b - a, b))

void fill_real(int64_t n, double value, real *out) {
    ternary_job j = {.first = (real)value, .out = out};
    parallel_for(n, CHUNK, fill_body, &j);
}
void clamp_real(int64_t n, const real *x, double low, double high, real *out) {
    ternary_job j = {.x = x, .first = (real)low, .second = (real)high, .out = out};
    parallel_for(n, CHUNK, clamp_body, &j);
}
void clamp_backward_real(int64_t n, const real *grad, const real *x, double low, double high, real *out) {
    ternary_job j = {.a = grad, .b = x, .first = (real)low, .second = (real)high, .out = out};
    parallel_for(n, CHUNK, clamp_backward_body, &j);
}
void nan_to_num_real(int64_t n, const real *x, double nan, double posinf, double neginf, real *out) {
    ternary_job j = {.x = x, .first = (real)nan, .second = (real)posinf, .third = (real)neginf, .out = out};
    parallel_for(n, CHUNK, nan_to_num_body, &j);
}
void addcdiv_real(int64_t n, const real *x, const real *a, const real *b, double value, real *out) {
    ternary_job j = {.x = x, .a = a, .b = b, .first = (real)value, .out = out};
    parallel_for(n, CHUNK, addcdiv_body, &j);
}
void addcmul_real(int64_t n, const real *x, const real *a, const real *b, double value, real *out) {
    ternary_job j = {.x = x, .a = a, .b = b, .first = (real)value, .out = out};
    parallel_for(n, CHUNK, addcmul_body, &j);
}
void add_scaled_real(int64_t n, const real *a, const real *b, double alpha, real *out) {
    ternary_job j = {.a = a, .b = b, .first = (real)alpha, .out = out};
    parallel_for(n, CHUNK, add_scaled_body, &j);
}
void lerp_real(int64_t n, const real *a, const real *b, double weight, real *out) {
    ternary_job j = {.a = a, .b = b, .first = (real)weight, .out = out};
    parallel_for(n, CHUNK, fabs(weight) < 0.5 ? lerp_from_a_body : lerp_from_b_body, &j); /* exact at both ends */
}
void lerp_weights_real(int64_t n, const real *a, const real *b, const real *weight, real *out) {
    ternary_job j = {.x = weight, .a = a, .b = b, .out = out};
    parallel_for(n, CHUNK, lerp_weights_body, &j);
}
