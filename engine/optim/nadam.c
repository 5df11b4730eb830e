/* NAdam: Adam with Nesterov's momentum, whose factor mu grows from step to step.
 *
 *   g <- g + weight_decay p                                or, decoupled, p <- p - lr weight_decay p
 *   mu(t) = beta1 (1 - 0.96^(t momentum_decay) / 2)        M(t) = mu(1) ... mu(t), mu_product
 *   m <- beta1 m + (1 - beta1) g                           exp_avg
 *   v <- beta2 v + (1 - beta2) g g                         exp_avg_sq
 *   p <- p - lr (g (1 - mu(t)) / (1 - M(t)) + m mu(t + 1) / (1 - M(t + 1))) / (sqrt(v / (1 - beta2^t)) + eps)
 *
 * Dozat: Incorporating Nesterov momentum into Adam (2016). */
#include "moments.h"

MOMENTS_BODY(nadam, NADAM)

void nadam_update_real(const nadam_group_real *group) {
    const param_group_real *parameters = &group->parameters;
    moments_rule rule = moments_rule_of(parameters, MOMENTS_OPTIONS(group), group->exp_avg, group->exp_avg_sq, 0);
    double log2 = log(group->beta2), t = 0, mu = 0, mu_next = 0, scale = 0;
    for (int64_t i = 0; i < parameters->count; i++) {
        if (!parameters->gradient[i]) continue;
        *parameters->step[i] += 1;
        if (*parameters->step[i] != t) { /* most often all parameters of a group have the same count */
            t = *parameters->step[i];
            mu = group->beta1 * (1 - 0.5 * pow(0.96, t * group->momentum_decay));
            mu_next = group->beta1 * (1 - 0.5 * pow(0.96, (t + 1) * group->momentum_decay));
            scale = 1 / sqrt(-expm1(t * log2));
        }
        *group->mu_product[i] *= (float)mu;
        double product = *group->mu_product[i];
        rule.steps[i] = (moments_step){(real)group->lr, (real)scale, (real)((1 - mu) / (1 - product)),
                                       (real)(mu_next / (1 - product * mu_next))};
    }
    update_group(parameters, nadam_body, &rule);
}
