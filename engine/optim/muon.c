/* Muon: momentum whose matrix is made orthogonal, so that a step is as long in every direction.
 *
 *   b <- momentum b + (1 - momentum) g                                 momentum_buffer
 *   x  = b, or with nesterov momentum b + (1 - momentum) g
 *   x <- x / max(|x|, eps)                                             Euclidean norm
 *   ns_steps times, a, b, c = ns_coefficients: x <- a x + (b A + c A A) x, A = x x^T
 *   p <- p - lr weight_decay p - lr adjustment x
 *
 * The loop is Newton and Schulz's with a polynomial of degree 5: it takes the singular values of x to about 1. Of a
 * matrix with more rows than columns it is that of x^T: x <- x (a + b A + c A A), A = x^T x. The work matrices are the
 * thread's scratch memory.
 *
 * Jordan et al.: Muon: An optimizer for hidden layers in neural networks (2024); the adjustment match_rms_adamw: Liu et
 * al.: Muon is scalable for LLM training (2025). */
#include "group.h"

/* A group of one parameter: update_group and group_sums on it have one job, and products between them theirs. */
typedef struct {
    param_group_real parameter;
    gradient_reading reading;
    average_weights momentum;
    int nesterov;
    real *momentum_buffer, *x; /* x: work memory of the parameter's size */
    real decay, change;        /* lr weight_decay, lr adjustment */
} muon_rule;

/* x and the new momentum buffer; sums[0]: the square sum of x. */
static void direction(const void *context, int64_t i, int64_t at, int64_t n, double *sums) {
    const muon_rule rule = *(const muon_rule *)context;
    const real *gradient = rule.parameter.gradient[i] + at;
    real *buffer = rule.momentum_buffer + at, *x = rule.x + at;
    vreal sum = {0};
    for (int64_t j = 0; j < n; j += LANES) {
        vreal g = read_gradient(rule.reading, gradient + j, n - j, vset(0));
        vreal b = average(rule.momentum, load_up_to(buffer + j, n - j), g, vset(1));
        store_up_to(buffer + j, n - j, b);
        if (rule.nesterov) b = average(rule.momentum, b, g, vset(1));
        store_up_to(x + j, n - j, b);
        sum = vfma(b, b, sum);
    }
    sums[0] += (double)vsum(sum);
}

static void muon_body(const void *context, int64_t i, int64_t at, int64_t n) {
    const muon_rule rule = *(const muon_rule *)context;
    real *parameter = rule.parameter.parameter[i] + at;
    for (int64_t j = 0; j < n; j += LANES) {
        vreal p = load_up_to(parameter + j, n - j), change = rule.change * load_up_to(rule.x + at + j, n - j);
        if (rule.decay != 0) change = vfma(vset(rule.decay), p, change);
        store_up_to(parameter + j, n - j, p - change);
    }
}

/* Makes x[rows, cols] orthogonal; `other` is as large, `work` 3 square matrices of the smaller side. Returns where the
 * result is: x or other. */
static real *orthogonal(const muon_group_real *group, int64_t rows, int64_t cols, real *x, real *other, real *work) {
    const double *coefficients = group->ns_coefficients;
    const int wide = rows <= cols;
    const int64_t n = wide ? rows : cols;
    real *square = work, *factor = square + n * n, *polynomial = factor + n * n;
    for (int64_t step = 0; step < group->ns_steps; step++) {
        if (wide)
            gemm_real(n, n, cols, x, cols, 1, x, 1, cols, square, n, 0, 0, 0, 0);
        else
            gemm_real(n, n, rows, x, 1, cols, x, cols, 1, square, n, 0, 0, 0, 0);
        /* a + A (b + c A) */
        binary_scalar_real(mul_real, n * n, square, coefficients[2], factor);
        for (int64_t i = 0; i < n; i++) factor[i * n + i] += (real)coefficients[1];
        gemm_real(n, n, n, square, n, 1, factor, n, 1, polynomial, n, 0, 0, 0, 0);
        for (int64_t i = 0; i < n; i++) polynomial[i * n + i] += (real)coefficients[0];
        if (wide)
            gemm_real(n, cols, n, polynomial, n, 1, x, cols, 1, other, cols, 0, 0, 0, 0);
        else
            gemm_real(rows, n, n, x, cols, 1, polynomial, n, 1, other, cols, 0, 0, 0, 0);
        real *result = other;
        other = x;
        x = result;
    }
    return x;
}

static double adjustment(int adjust_lr_fn, double rows, double cols) {
    return adjust_lr_fn ? 0.2 * sqrt(fmax(rows, cols)) : sqrt(fmax(1, rows / cols));
}

/* The group that is parameter i alone. */
static param_group_real only(const param_group_real *group, int64_t i) {
    param_group_real one = *group;
    one.count = 1;
    one.size += i;
    one.parameter += i;
    one.gradient += i;
    one.fresh += i;
    return one;
}

void muon_update_real(const muon_group_real *group) {
    const param_group_real *parameters = &group->parameters;
    for (int64_t i = 0; i < parameters->count; i++) {
        const int64_t size = parameters->size[i], rows = parameters->shape[i][0], cols = parameters->shape[i][1];
        const int64_t n = rows < cols ? rows : cols;
        if (!parameters->gradient[i] || !size) continue;
        real *x = thread_scratch(SCRATCH_RULE, (size_t)(2 * size + 3 * n * n) * sizeof(real));
        muon_rule rule = {.parameter = only(parameters, i),
                          .reading = reading_of(parameters, 0),
                          .momentum = weights_of(group->momentum),
                          .nesterov = group->nesterov,
                          .momentum_buffer = group->momentum_buffer[i],
                          .x = x,
                          .decay = (real)(group->lr * group->weight_decay),
                          .change = (real)(group->lr * adjustment(group->adjust_lr_fn, (double)rows, (double)cols))};
        double norm = sqrt(*group_sums(&rule.parameter, 1, direction, &rule));
        binary_scalar_real(div_real, size, x, norm < group->eps ? group->eps : norm, x); /* NaN stays */
        rule.x = orthogonal(group, rows, cols, x, x + size, x + 2 * size);
        update_group(&rule.parameter, muon_body, &rule);
    }
}
