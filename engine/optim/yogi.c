/* Yogi: Adam whose second moment moves towards g g by a step of the size of g g alone.
 *
 *   g <- g + weight_decay p                      or, decoupled, p <- p - lr weight_decay p
 *   m <- beta1 m + (1 - beta1) g                 exp_avg
 *   v <- v - (1 - beta2) sign(v - g g) g g       exp_avg_sq; both start from initial_accumulator
 *   p <- p - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
 *
 * Zaheer, Reddi, Sachan, Kale, Kumar: Adaptive methods for nonconvex optimization (2018), algorithm 2. */
#include "moments.h"

MOMENTS_BODY(yogi, YOGI)

void yogi_update_real(const yogi_group_real *group) {
    moments_rule rule =
        moments_rule_of(&group->parameters, MOMENTS_OPTIONS(group), group->exp_avg, group->exp_avg_sq, 0);
    count_and_step(&rule, unbiased_step);
    update_group(&group->parameters, yogi_body, &rule);
}
