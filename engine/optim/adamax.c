/* Adamax: Adam with the largest gradient, which fades, in the place of the second moment.
 *
 *   g <- g + weight_decay p
 *   m <- beta1 m + (1 - beta1) g        exp_avg
 *   u <- max(beta2 u, |g| + eps)        exp_inf
 *   p <- p - lr / (1 - beta1^t) m / u
 *
 * Kingma, Ba: Adam (2015), algorithm 2. */
#include "group.h"

typedef struct {
    const adamax_group_real *group;
    gradient_reading reading;
    average_weights first, fading;
    real eps;
    const real *step_sizes;
} adamax_rule;

typedef struct {
    real *p, *m, *u;
    const real *gradient;
    real step_size;
} adamax_numbers;

INLINE adamax_numbers adamax_numbers_at(const adamax_rule *rule, int64_t i, int64_t at) {
    const adamax_group_real *group = rule->group;
    const param_group_real *x = &group->parameters;
    return (adamax_numbers){x->parameter[i] + at, group->exp_avg[i] + at, group->exp_inf[i] + at, x->gradient[i] + at,
                            rule->step_sizes[i]};
}

INLINE void adamax_vector(adamax_rule rule, adamax_numbers x, int64_t j, int64_t left) {
    vreal p = load_up_to(x.p + j, left), g = read_gradient(rule.reading, x.gradient + j, left, p);
    vreal m = average(rule.first, load_up_to(x.m + j, left), g, vset(1));
    vreal before = load_up_to(x.u + j, left);
    vreal faded = vmin(product(rule.fading, before), before); /* infinity, less a part of it, stays */
    vreal u = vmaximum(vabs(g) + rule.eps, faded);
    store_up_to(x.m + j, left, m);
    store_up_to(x.u + j, left, u);
    store_up_to(x.p + j, left, vfma(vset(-x.step_size), m / u, p));
}

RULE_BODY(adamax)

/* Factors for beta u as u - (1 - beta) u: one rounding at the size of u, even without fused multiply-adds. */
static average_weights fading_of(double beta) {
    average_weights w = weights_of(beta);
    if (beta > 0.5) {
        w.high = 1;
        w.low = (real)(beta - 1);
    }
    return w;
}

void adamax_update_real(const adamax_group_real *group) {
    const param_group_real *parameters = &group->parameters;
    real *step_sizes = coefficients_for(parameters, 1);
    double log1 = log(group->beta1), t = 0, step_size = 0;
    for (int64_t i = 0; i < parameters->count; i++) {
        if (!parameters->gradient[i]) continue;
        *parameters->step[i] += 1;
        if (*parameters->step[i] != t) { /* most often all parameters of a group have the same count */
            t = *parameters->step[i];
            step_size = group->lr / -expm1(t * log1);
        }
        step_sizes[i] = (real)step_size;
    }
    adamax_rule rule = {group,
                        reading_of(parameters, group->weight_decay),
                        weights_of(group->beta1),
                        fading_of(group->beta2),
                        (real)group->eps,
                        step_sizes};
    update_group(parameters, adamax_body, &rule);
}
