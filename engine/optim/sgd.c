/* Stochastic gradient descent, with momentum, and Nesterov's; LARS, which gives each parameter a rate of its own.
 *
 *   b <- momentum b + (1 - dampening) g     momentum_buffer; its first value is g
 *   g <- b, or with nesterov g + momentum b
 *   p <- p - lr g
 *
 * LARS is this with ratio (g + weight_decay p) in the place of g, where the norms are of the whole parameter:
 *
 *   ratio = trust_coefficient |p| / (|g| + weight_decay |p| + eps), and 1 where |p| or |g| is 0
 *
 * Sutskever, Martens, Dahl, Hinton: On the importance of initialization and momentum in deep learning (2013). You,
 * Gitman, Ginsburg: Large batch training of convolutional networks (2017). */
#include "norms.h"

typedef struct {
    const sgd_group_real *group;
    gradient_reading reading;
    average_weights lr, momentum; /* momentum.rest: 1 - dampening */
    const real *ratios;           /* NULL: 1 */
} sgd_rule;

typedef struct {
    real *p, *momentum_buffer;
    const real *gradient;
    real ratio;
    int fresh;
} sgd_numbers;

INLINE sgd_numbers sgd_numbers_at(const sgd_rule *rule, int64_t i, int64_t at) {
    const sgd_group_real *group = rule->group;
    const param_group_real *x = &group->parameters;
    return (sgd_numbers){x->parameter[i] + at, group->momentum != 0 ? group->momentum_buffer[i] + at : 0,
                         x->gradient[i] + at, rule->ratios ? rule->ratios[i] : 1, x->fresh[i]};
}

INLINE void sgd_vector(sgd_rule rule, sgd_numbers x, int64_t j, int64_t left) {
    vreal p = load_up_to(x.p + j, left), g = read_gradient(rule.reading, x.gradient + j, left, p);
    if (rule.ratios) g *= x.ratio;
    if (x.momentum_buffer) {
        vreal before = load_up_to(x.momentum_buffer + j, left);
        vreal b = x.fresh ? g : average(rule.momentum, before, g, vset(1));
        store_up_to(x.momentum_buffer + j, left, b);
        g = rule.group->nesterov ? g + product(rule.momentum, b) : b;
    }
    store_up_to(x.p + j, left, p - product(rule.lr, g));
}

RULE_BODY(sgd)

static void sgd_update(const sgd_group_real *group, const real *ratios) {
    sgd_rule rule = {group, reading_of(&group->parameters, group->weight_decay), weights_of(group->lr),
                     weights_of(group->momentum), ratios};
    rule.momentum.rest = (real)(1 - group->dampening);
    update_group(&group->parameters, sgd_body, &rule);
}

void sgd_update_real(const sgd_group_real *group) { sgd_update(group, 0); }

void lars_update_real(const lars_group_real *group) {
    const param_group_real *parameters = &group->parameters;
    const parameter_norms *norms = norms_of(parameters, reading_of(parameters, 0));
    real *ratios = coefficients_for(parameters, 1);
    for (int64_t i = 0; i < parameters->count; i++) {
        double p = norms[i].parameter, g = norms[i].gradient;
        ratios[i] =
            (real)trust_ratio(group->trust_coefficient * p, g == 0 ? 0 : g + group->weight_decay * p + group->eps);
    }
    sgd_group_real sgd = {*parameters, group->momentum_buffer, group->lr,      group->momentum,
                          0,           group->weight_decay,    group->nesterov};
    sgd_update(&sgd, ratios);
}
