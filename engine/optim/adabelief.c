/* AdaBelief: Adam divided by how far gradients are from their average, not by how large they are.
 *
 *   g <- g + weight_decay p                               or, decoupled, p <- p - lr weight_decay p
 *   m <- beta1 m + (1 - beta1) g                          exp_avg
 *   s <- beta2 s + (1 - beta2) (g - m) (g - m) + eps      exp_avg_var
 *   p <- p - lr (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + eps)
 *
 * amsgrad puts the largest s so far in the place of s in the last line; with rectify that line is RAdam's.
 * Zhuang, Tang, Ding, Tatikonda, Dvornek, Papademetris, Duncan: AdaBelief optimizer (2020), algorithm 2. */
#include "moments.h"

MOMENTS_BODY(adabelief, ADABELIEF)

void adabelief_update_real(const adabelief_group_real *group) {
    moments_rule rule = moments_rule_of(&group->parameters, MOMENTS_OPTIONS(group), group->exp_avg, group->exp_avg_var,
                                        group->amsgrad ? group->max_exp_avg_var : 0);
    count_and_step(&rule, group->rectify ? rectified_step : unbiased_step);
    update_group(&group->parameters, adabelief_body, &rule);
}
