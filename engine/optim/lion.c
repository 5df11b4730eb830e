/* Lion: steps of lr along the sign of an average of gradients.
 *
 *   c <- beta1 m + (1 - beta1) g
 *   p <- p - lr (sign(c) + weight_decay p)
 *   m <- beta2 m + (1 - beta2) g            exp_avg
 *
 * Chen, Liang, Huang, Real, Wang and others: Symbolic discovery of optimization algorithms (2023), algorithm 2. */
#include "group.h"

typedef struct {
    const lion_group_real *group;
    gradient_reading reading;
    average_weights lr, direction, memory;
    real decay;
} lion_rule;

typedef struct {
    real *p, *m;
    const real *gradient;
} lion_numbers;

INLINE lion_numbers lion_numbers_at(const lion_rule *rule, int64_t i, int64_t at) {
    const param_group_real *x = &rule->group->parameters;
    return (lion_numbers){x->parameter[i] + at, rule->group->exp_avg[i] + at, x->gradient[i] + at};
}

INLINE void lion_vector(lion_rule rule, lion_numbers x, int64_t j, int64_t left) {
    vreal p = load_up_to(x.p + j, left), g = read_gradient(rule.reading, x.gradient + j, left, p);
    vreal m = load_up_to(x.m + j, left), c = average(rule.direction, m, g, vset(1)), zero = vset(0);
    vreal sign = vselect(c > zero, vset(1), vselect(c < zero, vset(-1), c)); /* c is 0 or NaN */
    store_up_to(x.m + j, left, average(rule.memory, m, g, vset(1)));
    store_up_to(x.p + j, left, p - vfma(vset(rule.decay), p, product(rule.lr, sign)));
}

RULE_BODY(lion)

void lion_update_real(const lion_group_real *group) {
    lion_rule rule = {group,
                      reading_of(&group->parameters, 0),
                      weights_of(group->lr),
                      weights_of(group->beta1),
                      weights_of(group->beta2),
                      (real)(group->lr * group->weight_decay)};
    update_group(&group->parameters, lion_body, &rule);
}
