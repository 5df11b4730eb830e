/* Fromage: steps of lr times the parameter's norm.
 *
 *   p <- (p - lr |p| / |g| g) / sqrt(1 + lr^2)
 *
 * The ratio of the norms is 1 where either is 0. Bernstein, Vahdat, Yue, Liu: On the distance between two neural networks
 * and the stability of learning (2020). */
#include "norms.h"

typedef struct {
    const fromage_group_real *group;
    gradient_reading reading;
    real shrink; /* 1 - 1 / sqrt(1 + lr^2) */
    const real *step_sizes;
} fromage_rule;

typedef struct {
    real *p;
    const real *gradient;
    real step_size;
} fromage_numbers;

INLINE fromage_numbers fromage_numbers_at(const fromage_rule *rule, int64_t i, int64_t at) {
    const param_group_real *x = &rule->group->parameters;
    return (fromage_numbers){x->parameter[i] + at, x->gradient[i] + at, rule->step_sizes[i]};
}

INLINE void fromage_vector(fromage_rule rule, fromage_numbers x, int64_t j, int64_t left) {
    vreal p = load_up_to(x.p + j, left), g = read_gradient(rule.reading, x.gradient + j, left, p);
    store_up_to(x.p + j, left, p - vfma(vset(rule.shrink), p, x.step_size * g)); /* p is rounded once */
}

RULE_BODY(fromage)

void fromage_update_real(const fromage_group_real *group) {
    const param_group_real *parameters = &group->parameters;
    double lr = group->lr, root = sqrt(1 + lr * lr);
    real *step_sizes = coefficients_for(parameters, 1);
    fromage_rule rule = {group, reading_of(parameters, group->weight_decay), (real)(lr * lr / (root * (root + 1))),
                         step_sizes};
    const parameter_norms *norms = norms_of(parameters, rule.reading);
    for (int64_t i = 0; i < parameters->count; i++)
        step_sizes[i] = (real)(lr / root * trust_ratio(norms[i].parameter, norms[i].gradient));
    update_group(parameters, fromage_body, &rule);
}
