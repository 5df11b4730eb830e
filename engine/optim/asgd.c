/* Averaged stochastic gradient descent.
 *
 *   p   <- p - eta (g + lambd p)
 *   ax  <- ax + mu (p - ax)                      the average; p itself while mu is 1
 *   eta <- lr / (1 + lambd lr t)^alpha           of the next update; lr for the first
 *   mu  <- 1 / max(1, t - t0)                    of the next update; 1 for the first
 *
 * Polyak, Juditsky: Acceleration of stochastic approximation by averaging (1992); the rates: Bottou: Large-scale machine
 * learning with stochastic gradient descent (2010). eta and mu are float numbers between updates, as PyTorch's. */
#include "group.h"

typedef struct {
    const asgd_group_real *group;
    gradient_reading reading;
    const real *coefficients;
} asgd_rule;

typedef struct {
    real *p, *ax;
    const real *gradient;
    real eta, mu;
} asgd_numbers;

INLINE asgd_numbers asgd_numbers_at(const asgd_rule *rule, int64_t i, int64_t at) {
    const param_group_real *x = &rule->group->parameters;
    return (asgd_numbers){x->parameter[i] + at, rule->group->ax[i] + at, x->gradient[i] + at, rule->coefficients[2 * i],
                          rule->coefficients[2 * i + 1]};
}

INLINE void asgd_vector(asgd_rule rule, asgd_numbers x, int64_t j, int64_t left) {
    vreal p = load_up_to(x.p + j, left), g = read_gradient(rule.reading, x.gradient + j, left, p);
    p = vfma(vset(-x.eta), g, p);
    vreal mean = p;
    if (x.mu != 1) {
        vreal before = load_up_to(x.ax + j, left);
        mean = vfma(vset(x.mu), p - before, before);
    }
    store_up_to(x.p + j, left, p);
    store_up_to(x.ax + j, left, mean);
}

RULE_BODY(asgd)

void asgd_update_real(const asgd_group_real *group) {
    const param_group_real *parameters = &group->parameters;
    real *coefficients = coefficients_for(parameters, 2);
    double t = 0, eta = 0, mu = 0;
    count_steps(parameters);
    for (int64_t i = 0; i < parameters->count; i++) {
        if (!parameters->gradient[i]) continue;
        coefficients[2 * i] = *group->eta[i];
        coefficients[2 * i + 1] = *group->mu[i];
        if (*parameters->step[i] != t) { /* most often all parameters of a group have the same count */
            t = *parameters->step[i];
            eta = group->lr / pow(1 + group->lambd * group->lr * t, group->alpha);
            mu = 1 / fmax(1, t - group->t0);
        }
        *group->eta[i] = (float)eta;
        *group->mu[i] = (float)mu;
    }
    /* the decay lambd acts as one more weight decay does */
    asgd_rule rule = {group, reading_of(parameters, group->weight_decay + group->lambd), coefficients};
    update_group(parameters, asgd_body, &rule);
}
