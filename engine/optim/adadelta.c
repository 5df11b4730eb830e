/* Adadelta.
 *
 *   v <- rho v + (1 - rho) g g              square_avg
 *   d <- sqrt(u + eps) / sqrt(v + eps) g    the change, but for lr
 *   u <- rho u + (1 - rho) d d              acc_delta
 *   p <- p - lr d
 *
 * Zeiler: Adadelta: an adaptive learning rate method (2012), algorithm 1. */
#include "group.h"

typedef struct {
    const adadelta_group_real *group;
    gradient_reading reading;
    average_weights lr, rho;
    real eps;
} adadelta_rule;

typedef struct {
    real *p, *square_avg, *acc_delta;
    const real *gradient;
} adadelta_numbers;

INLINE adadelta_numbers adadelta_numbers_at(const adadelta_rule *rule, int64_t i, int64_t at) {
    const adadelta_group_real *group = rule->group;
    const param_group_real *x = &group->parameters;
    return (adadelta_numbers){x->parameter[i] + at, group->square_avg[i] + at, group->acc_delta[i] + at,
                              x->gradient[i] + at};
}

INLINE void adadelta_vector(adadelta_rule rule, adadelta_numbers x, int64_t j, int64_t left) {
    vreal p = load_up_to(x.p + j, left), g = read_gradient(rule.reading, x.gradient + j, left, p);
    vreal square = average(rule.rho, load_up_to(x.square_avg + j, left), g, g);
    vreal before = load_up_to(x.acc_delta + j, left);
    vreal delta = vsqrt(before + rule.eps) / vsqrt(square + rule.eps) * g; /* one root of the ratio could underflow */
    store_up_to(x.square_avg + j, left, square);
    store_up_to(x.acc_delta + j, left, average(rule.rho, before, delta, delta));
    store_up_to(x.p + j, left, p - product(rule.lr, delta));
}

RULE_BODY(adadelta)

void adadelta_update_real(const adadelta_group_real *group) {
    const param_group_real *parameters = &group->parameters;
    count_steps(parameters);
    adadelta_rule rule = {group, reading_of(parameters, group->weight_decay), weights_of(group->lr),
                          weights_of(group->rho), (real)group->eps};
    update_group(parameters, adadelta_body, &rule);
}
