/* Adam, AMSGrad and AdamW.
 *
 *   g <- g + weight_decay p          Adam's weight decay; AdamW's is p <- p - lr weight_decay p
 *   m <- beta1 m + (1 - beta1) g     exp_avg
 *   v <- beta2 v + (1 - beta2) g g   exp_avg_sq
 *   p <- p - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
 *
 * AMSGrad puts the largest v so far in the place of v in the last line. With eps_hat the last line is
 * p <- p - lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps), the form at the end of section 2 of the paper. Kingma, Ba: Adam (2015); Reddi, Kale, Kumar: On
 * the convergence of Adam and beyond (2018); Loshchilov, Hutter: Decoupled weight decay regularization (2019). */
#include "group.h"

typedef struct {
    const adam_group_real *group;
    gradient_reading reading;
    average_weights first, second;
    real eps, decay; /* decay: lr weight_decay of AdamW */
    const real *coefficients;
} adam_rule;

/* step_size is lr / (1 - beta1^t), scale 1 / sqrt(1 - beta2^t); with eps_hat the first holds both. */
typedef struct {
    real *p, *m, *v, *largest;
    const real *gradient;
    real step_size, scale;
} adam_numbers;

INLINE adam_numbers adam_numbers_at(const adam_rule *rule, int64_t i, int64_t at) {
    const adam_group_real *group = rule->group;
    const param_group_real *x = &group->parameters;
    return (adam_numbers){x->parameter[i] + at,         group->exp_avg[i] + at,
                          group->exp_avg_sq[i] + at,    group->amsgrad ? group->max_exp_avg_sq[i] + at : 0,
                          x->gradient[i] + at,          rule->coefficients[2 * i],
                          rule->coefficients[2 * i + 1]};
}

INLINE void adam_vector(adam_rule rule, adam_numbers x, int64_t j, int64_t left) {
    vreal p = load_up_to(x.p + j, left), g = read_gradient(rule.reading, x.gradient + j, left, p);
    vreal first = average(rule.first, load_up_to(x.m + j, left), g, vset(1));
    vreal second = average(rule.second, load_up_to(x.v + j, left), g, g);
    store_up_to(x.m + j, left, first);
    store_up_to(x.v + j, left, second);
    if (x.largest) {
        vreal before = load_up_to(x.largest + j, left);
        second = vselect((before >= second) | (before != before), before, second); /* NaN stays NaN */
        store_up_to(x.largest + j, left, second);
    }
    vreal ratio = first / vfma(vsqrt(second), vset(x.scale), vset(rule.eps));
    vreal changed = vfma(vset(-x.step_size), ratio, p);
    if (rule.decay != 0)
        changed = p - vfma(vset(rule.decay), p, x.step_size * ratio); /* p is rounded once, as without */
    store_up_to(x.p + j, left, changed);
}

RULE_BODY(adam)

void adam_update_real(const adam_group_real *group) {
    const param_group_real *parameters = &group->parameters;
    real *coefficients = coefficients_for(parameters, 2);
    double log1 = log(group->beta1), log2 = log(group->beta2), t = 0, step_size = 0, scale = 0;
    for (int64_t i = 0; i < parameters->count; i++) {
        if (!parameters->gradient[i]) continue;
        *parameters->step[i] += 1;
        if (*parameters->step[i] != t) { /* most often all parameters of a group have the same count */
            t = *parameters->step[i];
            step_size = group->lr / -expm1(t * log1);
            scale = 1 / sqrt(-expm1(t * log2));
            if (group->eps_hat) {
                step_size /= scale;
                scale = 1;
            }
        }
        coefficients[2 * i] = (real)step_size;
        coefficients[2 * i + 1] = (real)scale;
    }
    int decoupled = group->decoupled_weight_decay;
    double l2 = decoupled ? 0 : group->weight_decay, decay = decoupled ? group->lr * group->weight_decay : 0;
    adam_rule rule = {group,
                      reading_of(parameters, l2),
                      weights_of(group->beta1),
                      weights_of(group->beta2),
                      (real)group->eps,
                      (real)decay,
                      coefficients};
    update_group(parameters, adam_body, &rule);
}
