/* Adagrad.
 *
 *   s <- s + g g                                              sum
 *   p <- p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)
 *
 * Duchi, Hazan, Singer: Adaptive subgradient methods for online learning and stochastic optimization (2011). */
#include "group.h"

typedef struct {
    const adagrad_group_real *group;
    gradient_reading reading;
    real eps;
    const real *rates;
} adagrad_rule;

typedef struct {
    real *p, *sum;
    const real *gradient;
    real rate; /* lr / (1 + (t - 1) lr_decay) */
} adagrad_numbers;

INLINE adagrad_numbers adagrad_numbers_at(const adagrad_rule *rule, int64_t i, int64_t at) {
    const param_group_real *x = &rule->group->parameters;
    return (adagrad_numbers){x->parameter[i] + at, rule->group->sum[i] + at, x->gradient[i] + at, rule->rates[i]};
}

INLINE void adagrad_vector(adagrad_rule rule, adagrad_numbers x, int64_t j, int64_t left) {
    vreal p = load_up_to(x.p + j, left), g = read_gradient(rule.reading, x.gradient + j, left, p);
    vreal sum = vfma(g, g, load_up_to(x.sum + j, left));
    store_up_to(x.sum + j, left, sum);
    store_up_to(x.p + j, left, vfma(vset(-x.rate), g / (vsqrt(sum) + rule.eps), p));
}

RULE_BODY(adagrad)

void adagrad_update_real(const adagrad_group_real *group) {
    const param_group_real *parameters = &group->parameters;
    real *rates = coefficients_for(parameters, 1);
    count_steps(parameters);
    for (int64_t i = 0; i < parameters->count; i++)
        if (parameters->gradient[i])
            rates[i] = (real)(group->lr / (1 + (*parameters->step[i] - 1.0) * group->lr_decay));
    adagrad_rule rule = {group, reading_of(parameters, group->weight_decay), (real)group->eps, rates};
    update_group(parameters, adagrad_body, &rule);
}
