/* The loop that Adam and its relatives share: a moving average m of gradients, divided by the root of a second moment v.
 *
 *   g <- g + weight_decay p             or, decoupled, p <- p - lr weight_decay p
 *   m <- beta1 m + (1 - beta1) g        exp_avg
 *   v <- the rule's second moment of g
 *   p <- p - step_size m / (scale sqrt(v) + eps)
 *
 * A rule is the line of v, or of the numerator, that it has for itself (moments_vector), and what it takes for step_size
 * and scale, which depend on how many updates the parameter has had. */
#pragma once
#include "group.h"

/* Known where the loop is compiled: each rule has a copy with its own lines alone. */
typedef enum { ADAM, YOGI, ADABELIEF, NADAM, RADAM } moments_kind;

/* Of one parameter. A scale of 0 is for steps without divisor; of_gradient and of_average make NAdam's numerator. */
typedef struct {
    real step_size, scale, of_gradient, of_average;
} moments_step;

/* Options that all these rules have. */
typedef struct {
    double lr, beta1, beta2, eps, weight_decay;
    int decoupled_weight_decay;
} moments_options;

typedef struct {
    const param_group_real *parameters;
    moments_options options;
    real **m, **v, **largest; /* largest is NULL, or gets the largest v so far, which then is the divisor */
    gradient_reading reading;
    average_weights first, second;
    real eps, decay; /* decay: lr weight_decay where it is decoupled */
    moments_step *steps;
} moments_rule;

#define MOMENTS_OPTIONS(group)                                                                                         \
    ((moments_options){(group)->lr, (group)->beta1, (group)->beta2, (group)->eps, (group)->weight_decay,               \
                       (group)->decoupled_weight_decay})

/* The rule but for its steps, for which there is room. */
static inline moments_rule moments_rule_of(const param_group_real *parameters, moments_options options, real **m,
                                           real **v, real **largest) {
    int decoupled = options.decoupled_weight_decay;
    return (moments_rule){parameters,
                          options,
                          m,
                          v,
                          largest,
                          reading_of(parameters, decoupled ? 0 : options.weight_decay),
                          weights_of(options.beta1),
                          weights_of(options.beta2),
                          (real)options.eps,
                          (real)(decoupled ? options.lr * options.weight_decay : 0),
                          (moments_step *)coefficients_for(parameters, sizeof(moments_step) / sizeof(real))};
}

/* ---- step sizes ---- */

/* Update number t: lr / (1 - beta1^t) and 1 / sqrt(1 - beta2^t), which undo that averages start from 0. */
static inline moments_step unbiased_step(const moments_options *options, double t) {
    double first = -expm1(t * log(options->beta1)), second = -expm1(t * log(options->beta2));
    return (moments_step){.step_size = (real)(options->lr / first), .scale = (real)(1 / sqrt(second))};
}

/* RAdam's: the numbers behind v, rho, must be more than 5 for its variance to be known. It then makes the step smaller;
 * before that there is no divisor. The correction of v is in the step size, away from eps. */
static inline moments_step rectified_step(const moments_options *options, double t) {
    double log2 = log(options->beta2), first = -expm1(t * log(options->beta1)), second = -expm1(t * log2);
    double longest = 2 / (1 - options->beta2) - 1, rho = longest - 2 * t * exp(t * log2) / second;
    double step_size = options->lr / first;
    if (!(rho > 5)) return (moments_step){.step_size = (real)step_size};
    double variance = (rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho);
    return (moments_step){.step_size = (real)(step_size * sqrt(second * variance)), .scale = 1};
}

/* Counts an update of each parameter with a gradient, and finds its step. */
static inline void count_and_step(moments_rule *rule, moments_step (*step_of)(const moments_options *, double)) {
    const param_group_real *parameters = rule->parameters;
    moments_step step = {0};
    double t = 0;
    for (int64_t i = 0; i < parameters->count; i++) {
        if (!parameters->gradient[i]) continue;
        *parameters->step[i] += 1;
        if (*parameters->step[i] != t) { /* most often all parameters of a group have the same count */
            t = *parameters->step[i];
            step = step_of(&rule->options, t);
        }
        rule->steps[i] = step;
    }
}

/* ---- the loop ---- */

typedef struct {
    real *p, *m, *v, *largest;
    const real *gradient;
    moments_step step;
} moments_numbers;

INLINE moments_numbers moments_numbers_at(const moments_rule *rule, int64_t i, int64_t at) {
    const param_group_real *x = rule->parameters;
    return (moments_numbers){x->parameter[i] + at, rule->m[i] + at,
                             rule->v[i] + at,      rule->largest ? rule->largest[i] + at : 0,
                             x->gradient[i] + at,  rule->steps[i]};
}

/* The second moment after gradient g, m being their new average. */
INLINE vreal second_moment(moments_rule rule, moments_kind kind, vreal v, vreal g, vreal m) {
    if (kind == YOGI) { /* v + (1 - beta2) sign(g g - v) g g */
        vreal square = g * g, one = vset(1);
        vreal sign = vselect(square > v, one, vselect(square < v, -one, vset(0)));
        return vfma(sign * rule.second.rest, square, v); /* 0 times NaN is NaN */
    }
    if (kind == ADABELIEF) return average(rule.second, v, g - m, g - m) + rule.eps;
    return average(rule.second, v, g, g);
}

INLINE void moments_vector(moments_rule rule, moments_numbers x, int64_t j, int64_t left, moments_kind kind) {
    vreal p = load_up_to(x.p + j, left), g = read_gradient(rule.reading, x.gradient + j, left, p);
    vreal first = average(rule.first, load_up_to(x.m + j, left), g, vset(1));
    vreal second = second_moment(rule, kind, load_up_to(x.v + j, left), g, first);
    store_up_to(x.m + j, left, first);
    store_up_to(x.v + j, left, second);
    if (x.largest) {
        vreal before = load_up_to(x.largest + j, left);
        second = vselect((before >= second) | (before != before), before, second); /* NaN stays NaN */
        store_up_to(x.largest + j, left, second);
    }
    vreal ratio = kind == NADAM ? vfma(vset(x.step.of_gradient), g, x.step.of_average * first) : first;
    if (!(kind == RADAM || kind == ADABELIEF) || x.step.scale != 0)
        ratio /= vfma(vsqrt(second), vset(x.step.scale), vset(rule.eps));
    vreal changed = vfma(vset(-x.step.step_size), ratio, p);
    if (rule.decay != 0)
        changed = p - vfma(vset(rule.decay), p, x.step.step_size * ratio); /* p is rounded once, as without */
    store_up_to(x.p + j, left, changed);
}

/* Defines rule_body name_body: the loop of this kind. */
#define MOMENTS_BODY(name, kind)                                                                                       \
    typedef moments_rule name##_rule;                                                                                  \
    typedef moments_numbers name##_numbers;                                                                            \
    INLINE name##_numbers name##_numbers_at(const name##_rule *rule, int64_t i, int64_t at) {                          \
        return moments_numbers_at(rule, i, at);                                                                        \
    }                                                                                                                  \
    INLINE void name##_vector(name##_rule rule, name##_numbers x, int64_t j, int64_t left) {                           \
        moments_vector(rule, x, j, left, kind);                                                                        \
    }                                                                                                                  \
    RULE_BODY(name)
