/* Adam, AMSGrad and AdamW.
 *
 *   g <- g + weight_decay p          Adam's weight decay; AdamW's is p <- p - lr weight_decay p
 *   m <- beta1 m + (1 - beta1) g     exp_avg
 *   v <- beta2 v + (1 - beta2) g g   exp_avg_sq
 *   p <- p - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
 *
 * AMSGrad puts the largest v so far in the place of v in the last line. With eps_hat the last line is
 * p <- p - lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps), the form at the end of section 2 of the paper.
 * Kingma, Ba: Adam (2015); Reddi, Kale, Kumar: On the convergence of Adam and beyond (2018); Loshchilov, Hutter:
 * Decoupled weight decay regularization (2019). */
#include "moments.h"

MOMENTS_BODY(adam, ADAM)

static moments_step eps_hat_step(const moments_options *options, double t) {
    double first = -expm1(t * log(options->beta1)), second = -expm1(t * log(options->beta2));
    return (moments_step){.step_size = (real)(options->lr * sqrt(second) / first), .scale = 1};
}

void adam_update_real(const adam_group_real *group) {
    moments_rule rule = moments_rule_of(&group->parameters, MOMENTS_OPTIONS(group), group->exp_avg, group->exp_avg_sq,
                                        group->amsgrad ? group->max_exp_avg_sq : 0);
    count_and_step(&rule, group->eps_hat ? eps_hat_step : unbiased_step);
    update_group(&group->parameters, adam_body, &rule);
}
