/* RAdam: Adam with smaller steps, or none that are divided, while few gradients are known.
 *
 *   g <- g + weight_decay p          or, decoupled, p <- p - lr weight_decay p
 *   m <- beta1 m + (1 - beta1) g     exp_avg
 *   v <- beta2 v + (1 - beta2) g g   exp_avg_sq
 *   rho = 2 / (1 - beta2) - 1 - 2 t beta2^t / (1 - beta2^t)
 *   p <- p - lr m / (1 - beta1^t) r sqrt(1 - beta2^t) / (sqrt(v) + eps)      if rho > 5, r as in rectified_step
 *   p <- p - lr m / (1 - beta1^t)                                            if not
 *
 * Liu, Jiang, He, Chen, Liu, Gao, Han: On the variance of the adaptive learning rate and beyond (2020), algorithm 2. */
#include "moments.h"

MOMENTS_BODY(radam, RADAM)

void radam_update_real(const radam_group_real *group) {
    moments_rule rule =
        moments_rule_of(&group->parameters, MOMENTS_OPTIONS(group), group->exp_avg, group->exp_avg_sq, 0);
    count_and_step(&rule, rectified_step);
    update_group(&group->parameters, radam_body, &rule);
}
