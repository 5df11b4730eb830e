/* NovoGrad: gradients divided by a moving average of their norm, one number for each parameter.
 *
 *   v <- beta2 v + (1 - beta2) |g|^2             exp_avg_sq; while it is 0, |g|^2
 *   m <- beta1 m + g / (sqrt(v) + eps) + weight_decay p      exp_avg
 *   p <- p - lr m
 *
 * With grad_averaging what is added to m counts 1 - beta1. Amsgrad puts the largest v so far in the place of v in the
 * second line. Ginsburg et al.: Stochastic gradient methods with layer-wise adaptive moments for training of deep
 * networks (2019). */
#include "norms.h"

typedef struct {
    const novograd_group_real *group;
    gradient_reading reading;
    average_weights first, lr; /* first.rest: what is new counts so much */
    real decay;
    const real *divisors;
} novograd_rule;

typedef struct {
    real *p, *m;
    const real *gradient;
    real divisor;
} novograd_numbers;

INLINE novograd_numbers novograd_numbers_at(const novograd_rule *rule, int64_t i, int64_t at) {
    const param_group_real *x = &rule->group->parameters;
    return (novograd_numbers){x->parameter[i] + at, rule->group->exp_avg[i] + at, x->gradient[i] + at,
                              rule->divisors[i]};
}

INLINE void novograd_squares(novograd_rule rule, novograd_numbers x, int64_t j, int64_t left, square_sum *found) {
    add_squares(found, read_gradient(rule.reading, x.gradient + j, left, vset(0)));
}

INLINE void novograd_vector(novograd_rule rule, novograd_numbers x, int64_t j, int64_t left) {
    vreal p = load_up_to(x.p + j, left), g = read_gradient(rule.reading, x.gradient + j, left, p);
    vreal scaled = vfma(vset(rule.decay), p, g / vset(x.divisor));
    vreal m = average(rule.first, load_up_to(x.m + j, left), scaled, vset(1));
    store_up_to(x.m + j, left, m);
    store_up_to(x.p + j, left, p - product(rule.lr, m));
}

SUM_BODY(novograd, 1)
RULE_BODY(novograd)

void novograd_update_real(const novograd_group_real *group) {
    const param_group_real *parameters = &group->parameters;
    real *divisors = coefficients_for(parameters, 1);
    novograd_rule rule = {
        group,   reading_of(parameters, 0), weights_of(group->beta1), weights_of(group->lr), (real)group->weight_decay,
        divisors};
    if (!group->grad_averaging) rule.first.rest = 1;
    const double *squares = group_sums(parameters, 1, novograd_sums, &rule);
    for (int64_t i = 0; i < parameters->count; i++) {
        if (!parameters->gradient[i]) continue;
        double v = (double)*group->exp_avg_sq[i];
        v = v == 0 ? squares[i] : group->beta2 * v + (1 - group->beta2) * squares[i];
        *group->exp_avg_sq[i] = (real)v;
        if (group->amsgrad) {
            double largest = (double)*group->max_exp_avg_sq[i];
            if (largest >= v || largest != largest) v = largest; /* NaN stays NaN */
            *group->max_exp_avg_sq[i] = (real)v;
        }
        divisors[i] = (real)(sqrt(v) + group->eps);
    }
    update_group(parameters, novograd_body, &rule);
}
