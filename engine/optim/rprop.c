/* Rprop: every number has its own step size, and only the signs of its gradients count.
 *
 *   s <- within(step_sizes, etas[1] s)   step_size, where g and prev have the same sign
 *   s <- within(step_sizes, etas[0] s)   where they have opposite signs; then also g <- 0
 *   p <- p - s sign(g)
 *   prev <- g
 *
 * Riedmiller, Braun: A direct adaptive method for faster backpropagation learning: the RPROP algorithm (1993), without
 * its way back after a change of sign. */
#include "group.h"

typedef struct {
    const rprop_group_real *group;
    gradient_reading reading;
    average_weights shrink, grow;
    real smallest, largest;
} rprop_rule;

typedef struct {
    real *p, *prev, *step_size;
    const real *gradient;
} rprop_numbers;

INLINE rprop_numbers rprop_numbers_at(const rprop_rule *rule, int64_t i, int64_t at) {
    const rprop_group_real *group = rule->group;
    const param_group_real *x = &group->parameters;
    return (rprop_numbers){x->parameter[i] + at, group->prev[i] + at, group->step_size[i] + at, x->gradient[i] + at};
}

INLINE void rprop_vector(rprop_rule rule, rprop_numbers x, int64_t j, int64_t left) {
    vreal p = load_up_to(x.p + j, left), g = read_gradient(rule.reading, x.gradient + j, left, p);
    vreal prev = load_up_to(x.prev + j, left), size = load_up_to(x.step_size + j, left), zero = vset(0);
    /* Signs are compared: g prev would be 0 for small numbers. NaN has no sign. */
    vint same = ((g > zero) & (prev > zero)) | ((g < zero) & (prev < zero));
    vint opposite = ((g > zero) & (prev < zero)) | ((g < zero) & (prev > zero));
    size = vselect(same, product(rule.grow, size), vselect(opposite, product(rule.shrink, size), size));
    size = vmin(vset(rule.largest), vmax(vset(rule.smallest), size));
    g = vselect(opposite, zero, g);
    store_up_to(x.step_size + j, left, size);
    store_up_to(x.prev + j, left, g);
    store_up_to(x.p + j, left, vselect(g > zero, p - size, vselect(g < zero, p + size, p)));
}

RULE_BODY(rprop)

void rprop_update_real(const rprop_group_real *group) {
    const param_group_real *parameters = &group->parameters;
    count_steps(parameters);
    rprop_rule rule = {group,
                       reading_of(parameters, group->weight_decay),
                       weights_of(group->etas[0]),
                       weights_of(group->etas[1]),
                       (real)group->step_sizes[0],
                       (real)group->step_sizes[1]};
    update_group(parameters, rprop_body, &rule);
}
