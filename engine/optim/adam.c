/* Adam, AMSGrad and AdamW.
 *
 *   g <- -g                          maximize
 *   g <- g + weight_decay p          Adam's weight decay; AdamW's is p <- p - lr weight_decay p
 *   m <- beta1 m + (1 - beta1) g     exp_avg
 *   v <- beta2 v + (1 - beta2) g g   exp_avg_sq
 *   p <- p - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
 *
 * AMSGrad puts the largest v so far in the place of v in the last line. Kingma, Ba: Adam (2015); Reddi, Kale, Kumar: On
 * the convergence of Adam and beyond (2018); Loshchilov, Hutter: Decoupled weight decay regularization (2019). */
#include "group.h"

/* beta and 1 - beta for moving averages. A beta rounded to float would be off by up to 3e-8, and a steady average by
 * 3e-8 / (1 - beta) of its value: 3e-5 for 0.999. So beta is the sum of two numbers. `high` lies below beta, which makes
 * `low` positive: there is no difference in which an average that is infinite would become NaN. */
typedef struct {
    real high, low, rest;
} average_weights;

static average_weights weights_of(double beta) {
    real high = (real)beta;
    if (high > 0 && (double)high >= beta) {
        integer bits;
        memcpy(&bits, &high, sizeof bits);
        bits--; /* the next number towards zero */
        memcpy(&high, &bits, sizeof bits);
    }
    return (average_weights){high, (real)(beta - (double)high), (real)(1 - beta)};
}

/* beta old + (1 - beta) a b, where the small terms are added first: one rounding at the size of `old`. */
static inline vreal average(average_weights w, vreal old, vreal a, vreal b) {
    return vfma(vset(w.high), old, vfma(vset(w.low), old, w.rest * a * b));
}

typedef struct {
    const adam_group_real *group;
    average_weights first, second;
    real eps, l2, decay; /* l2: weight decay added to the gradient; decay: lr weight_decay of AdamW */
} adam_rule;

/* The memory of one parameter, from some number on; step_size is lr / (1 - beta1^t), scale 1 / sqrt(1 - beta2^t). */
typedef struct {
    real *p, *m, *v, *largest;
    const real *gradient;
    real step_size, scale;
    int maximize;
} adam_numbers;

/* One vector, or the last `left` numbers of one. */
static inline __attribute__((always_inline)) void adam_vector(adam_rule r, adam_numbers x, int64_t j, int64_t left) {
    vreal p = load_up_to(x.p + j, left), g = load_up_to(x.gradient + j, left);
    if (x.maximize) g = -g;
    if (r.l2 != 0) g = vfma(vset(r.l2), p, g);
    vreal first = average(r.first, load_up_to(x.m + j, left), g, vset(1));
    vreal second = average(r.second, load_up_to(x.v + j, left), g, g);
    store_up_to(x.m + j, left, first);
    store_up_to(x.v + j, left, second);
    if (x.largest) {
        vreal before = load_up_to(x.largest + j, left);
        second = vselect((before >= second) | (before != before), before, second); /* NaN stays NaN */
        store_up_to(x.largest + j, left, second);
    }
    vreal ratio = first / vfma(vsqrt(second), vset(x.scale), vset(r.eps));
    vreal changed = vfma(vset(-x.step_size), ratio, p);
    if (r.decay != 0) changed = p - vfma(vset(r.decay), p, x.step_size * ratio); /* p is rounded once, as without */
    store_up_to(x.p + j, left, changed);
}

static void adam_body(const void *rule, int64_t i, int64_t at, int64_t n) {
    const adam_rule r = *(const adam_rule *)rule; /* a copy: stores to p, m and v cannot change it */
    const adam_group_real *group = r.group;
    const real *coefficient = group->parameters.coefficient + 2 * i;
    adam_numbers x = {group->parameters.parameter[i] + at, group->exp_avg[i] + at, group->exp_avg_sq[i] + at,
                      group->amsgrad ? group->max_exp_avg_sq[i] + at : 0, group->parameters.gradient[i] + at,
                      coefficient[0], coefficient[1], group->maximize};
    int64_t j = 0;
    for (; j + LANES <= n; j += LANES) adam_vector(r, x, j, LANES);
    if (j < n) adam_vector(r, x, j, n - j);
}

void adam_update_real(const adam_group_real *group) {
    const param_group_real *parameters = &group->parameters;
    double log1 = log(group->beta1), log2 = log(group->beta2), t = 0, step_size = 0, scale = 0;
    for (int64_t i = 0; i < parameters->count; i++) {
        if (!parameters->gradient[i]) continue;
        *parameters->step[i] += 1;
        if (*parameters->step[i] != t) { /* most often all parameters of a group have the same count */
            t = *parameters->step[i];
            step_size = group->lr / -expm1(t * log1);
            scale = 1 / sqrt(-expm1(t * log2));
        }
        parameters->coefficient[2 * i] = (real)step_size;
        parameters->coefficient[2 * i + 1] = (real)scale;
    }
    double decay = group->decoupled ? group->lr * group->weight_decay : 0;
    adam_rule rule = {group, weights_of(group->beta1), weights_of(group->beta2), (real)group->eps,
                      group->decoupled ? 0 : (real)group->weight_decay, (real)decay};
    update_group(parameters, adam_body, &rule);
}
