/* LAMB: Adam's steps, each parameter's scaled to its norm.
 *
 *   m <- beta1 m + (1 - beta1) g     exp_avg
 *   v <- beta2 v + (1 - beta2) g g   exp_avg_sq
 *   u = (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps) + weight_decay p
 *   p <- p - lr min(|p|, clamp_value) / |u| u
 *
 * The ratio of the norms is 1 where either is 0, and with trust_clip at most 1. |u| must be known before the first number
 * of p is written: a first pass writes m and v and adds up squares, a second computes u again from m, v and p, which is
 * less to read and write than u itself would be. You et al.: Large batch optimization for deep learning (2020). */
#include "norms.h"

typedef struct {
    const lamb_group_real *group;
    gradient_reading reading;
    average_weights first, second;
    real eps, decay;
    const real *coefficients;
} lamb_rule;

/* first is 1 / (1 - beta1^t), second 1 / sqrt(1 - beta2^t), step_size lr times the ratio, for the second pass. */
typedef struct {
    real *p, *m, *v;
    const real *gradient;
    real first, second, step_size;
} lamb_numbers;

enum { LAMB_COEFFICIENTS = 3 };

INLINE lamb_numbers lamb_numbers_at(const lamb_rule *rule, int64_t i, int64_t at) {
    const param_group_real *x = &rule->group->parameters;
    const real *coefficients = rule->coefficients + LAMB_COEFFICIENTS * i;
    return (lamb_numbers){x->parameter[i] + at,
                          rule->group->exp_avg[i] + at,
                          rule->group->exp_avg_sq[i] + at,
                          x->gradient[i] + at,
                          coefficients[0],
                          coefficients[1],
                          coefficients[2]};
}

/* u */
INLINE vreal lamb_change(lamb_rule rule, lamb_numbers x, vreal m, vreal v, vreal p) {
    vreal ratio = m * x.first / vfma(vsqrt(v), vset(x.second), vset(rule.eps));
    return vfma(vset(rule.decay), p, ratio);
}

INLINE void lamb_squares(lamb_rule rule, lamb_numbers x, int64_t j, int64_t left, square_sum *found) {
    vreal p = load_up_to(x.p + j, left), g = read_gradient(rule.reading, x.gradient + j, left, p);
    vreal m = average(rule.first, load_up_to(x.m + j, left), g, vset(1));
    vreal v = average(rule.second, load_up_to(x.v + j, left), g, g);
    store_up_to(x.m + j, left, m);
    store_up_to(x.v + j, left, v);
    add_squares(&found[0], p);
    add_squares_up_to(&found[1], left, lamb_change(rule, x, m, v, p)); /* 0 / 0 beyond the last number */
}

INLINE void lamb_vector(lamb_rule rule, lamb_numbers x, int64_t j, int64_t left) {
    vreal p = load_up_to(x.p + j, left), m = load_up_to(x.m + j, left), v = load_up_to(x.v + j, left);
    store_up_to(x.p + j, left, vfma(vset(-x.step_size), lamb_change(rule, x, m, v, p), p));
}

SUM_BODY(lamb, 2)
RULE_BODY(lamb)

void lamb_update_real(const lamb_group_real *group) {
    const param_group_real *parameters = &group->parameters;
    real *coefficients = coefficients_for(parameters, LAMB_COEFFICIENTS);
    double log1 = log(group->beta1), log2 = log(group->beta2), t = 0, first = 1, second = 1;
    for (int64_t i = 0; i < parameters->count; i++) {
        if (!parameters->gradient[i]) continue;
        *parameters->step[i] += 1;
        if (group->bias_correction && *parameters->step[i] != t) { /* most often all have the same count */
            t = *parameters->step[i];
            first = 1 / -expm1(t * log1);
            second = 1 / sqrt(-expm1(t * log2));
        }
        coefficients[LAMB_COEFFICIENTS * i] = (real)first;
        coefficients[LAMB_COEFFICIENTS * i + 1] = (real)second;
    }
    lamb_rule rule = {group,
                      reading_of(parameters, 0),
                      weights_of(group->beta1),
                      weights_of(group->beta2),
                      (real)group->eps,
                      (real)group->weight_decay,
                      coefficients};
    const double *sums = group_sums(parameters, 2, lamb_sums, &rule);
    for (int64_t i = 0; i < parameters->count; i++) {
        double norm = sqrt(sums[2 * i]), change = sqrt(sums[2 * i + 1]);
        double ratio = trust_ratio(norm > group->clamp_value ? group->clamp_value : norm, change);
        if (group->trust_clip && ratio > 1) ratio = 1;
        coefficients[LAMB_COEFFICIENTS * i + 2] = (real)(group->lr * ratio);
    }
    update_group(parameters, lamb_body, &rule);
}
