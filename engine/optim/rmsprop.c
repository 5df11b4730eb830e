/* RMSprop, centered or not, with or without momentum.
 *
 *   v <- alpha v + (1 - alpha) g g   square_avg
 *   a <- alpha a + (1 - alpha) g     grad_avg, when centered
 *   g <- g / (sqrt(v) + eps), or centered g / (sqrt(v - a a) + eps)
 *   b <- momentum b + g              momentum_buffer; without momentum b is g
 *   p <- p - lr b
 *
 * Tieleman, Hinton: Lecture 6.5, Neural networks for machine learning (2012); centered: Graves: Generating sequences
 * with recurrent neural networks (2013), equations 38 to 45. */
#include "group.h"

typedef struct {
    const rmsprop_group_real *group;
    gradient_reading reading;
    average_weights lr, alpha, momentum;
    real eps;
} rmsprop_rule;

typedef struct {
    real *p, *square_avg, *grad_avg, *momentum_buffer;
    const real *gradient;
} rmsprop_numbers;

INLINE rmsprop_numbers rmsprop_numbers_at(const rmsprop_rule *rule, int64_t i, int64_t at) {
    const rmsprop_group_real *group = rule->group;
    const param_group_real *x = &group->parameters;
    return (rmsprop_numbers){x->parameter[i] + at, group->square_avg[i] + at,
                             group->centered ? group->grad_avg[i] + at : 0,
                             group->momentum != 0 ? group->momentum_buffer[i] + at : 0, x->gradient[i] + at};
}

INLINE void rmsprop_vector(rmsprop_rule rule, rmsprop_numbers x, int64_t j, int64_t left) {
    vreal p = load_up_to(x.p + j, left), g = read_gradient(rule.reading, x.gradient + j, left, p);
    vreal square = average(rule.alpha, load_up_to(x.square_avg + j, left), g, g);
    store_up_to(x.square_avg + j, left, square);
    if (x.grad_avg) {
        vreal mean = average(rule.alpha, load_up_to(x.grad_avg + j, left), g, vset(1));
        store_up_to(x.grad_avg + j, left, mean);
        square = vmax(vset(0), vfma(-mean, mean, square)); /* rounding may leave less than 0; NaN stays */
    }
    vreal b = g / (vsqrt(square) + rule.eps);
    if (x.momentum_buffer) {
        b = average(rule.momentum, load_up_to(x.momentum_buffer + j, left), b, vset(1));
        store_up_to(x.momentum_buffer + j, left, b);
    }
    store_up_to(x.p + j, left, p - product(rule.lr, b));
}

RULE_BODY(rmsprop)

void rmsprop_update_real(const rmsprop_group_real *group) {
    const param_group_real *parameters = &group->parameters;
    count_steps(parameters);
    rmsprop_rule rule = {group,
                         reading_of(parameters, group->weight_decay),
                         weights_of(group->lr),
                         weights_of(group->alpha),
                         weights_of(group->momentum),
                         (real)group->eps};
    rule.momentum.rest = 1;
    update_group(parameters, rmsprop_body, &rule);
}
