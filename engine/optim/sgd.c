/* Stochastic gradient descent, with momentum, and Nesterov's.
 *
 *   b <- momentum b + (1 - dampening) g     momentum_buffer; its first value is g
 *   g <- b, or with nesterov g + momentum b
 *   p <- p - lr g
 *
 * Sutskever, Martens, Dahl, Hinton: On the importance of initialization and momentum in deep learning (2013). */
#include "group.h"

typedef struct {
    const sgd_group_real *group;
    gradient_reading reading;
    average_weights lr, momentum; /* momentum.rest: 1 - dampening */
} sgd_rule;

typedef struct {
    real *p, *momentum_buffer;
    const real *gradient;
    int fresh;
} sgd_numbers;

INLINE sgd_numbers sgd_numbers_at(const sgd_rule *rule, int64_t i, int64_t at) {
    const sgd_group_real *group = rule->group;
    const param_group_real *x = &group->parameters;
    return (sgd_numbers){x->parameter[i] + at, group->momentum != 0 ? group->momentum_buffer[i] + at : 0,
                         x->gradient[i] + at, x->fresh[i]};
}

INLINE void sgd_vector(sgd_rule rule, sgd_numbers x, int64_t j, int64_t left) {
    vreal p = load_up_to(x.p + j, left), g = read_gradient(rule.reading, x.gradient + j, left, p);
    if (x.momentum_buffer) {
        vreal before = load_up_to(x.momentum_buffer + j, left);
        vreal b = x.fresh ? g : average(rule.momentum, before, g, vset(1));
        store_up_to(x.momentum_buffer + j, left, b);
        g = rule.group->nesterov ? g + product(rule.momentum, b) : b;
    }
    store_up_to(x.p + j, left, p - product(rule.lr, g));
}

RULE_BODY(sgd)

void sgd_update_real(const sgd_group_real *group) {
    sgd_rule rule = {group, reading_of(&group->parameters, group->weight_decay), weights_of(group->lr),
                     weights_of(group->momentum)};
    rule.momentum.rest = (real)(1 - group->dampening);
    update_group(&group->parameters, sgd_body, &rule);
}
