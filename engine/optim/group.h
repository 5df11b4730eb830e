/* What update rules share: the walk over the numbers of a param group, how gradients are read, moving averages.
 *
 * A rule is three things (sgd.c is the example to follow): a structure of what it needs, a function that updates one
 * vector of numbers, and the function Python calls, which works out each parameter's coefficients and starts the walk. */
#pragma once
#include "kernels/multi_tensor.h"
#include <math.h>

/* ---- the walk ---- */

/* Updates n numbers of parameter i, from its number `at` on. */
typedef void (*rule_body)(const void *rule, int64_t i, int64_t at, int64_t n);

typedef struct {
    const param_group_real *group;
    rule_body body;
    const void *rule;
} group_job;

/* GROUP_CHUNK numbers are 5 µs of Adam in cache, a few times what waking a thread costs. */
#define GROUP_CHUNK 8192
#define WORTH_ALIGNING (16 * LANES)

/* A vector of 64 bytes costs half as much to load and store within a cache line as across two, so a piece begins with
 * the numbers before its first whole line. (State is best allocated with its parameter's offset within a line.) */
static void update_piece(const void *context, int64_t i, int64_t at, int64_t n, int64_t slot) {
    const group_job *job = context;
    (void)slot;
    int64_t place = (int64_t)((uintptr_t)(job->group->parameter[i] + at) / sizeof(real));
    int64_t before_line = -place & (LINE - 1);
    if (VECTOR_BYTES == 64 && before_line && n >= WORTH_ALIGNING) {
        job->body(job->rule, i, at, before_line);
        at += before_line;
        n -= before_line;
    }
    job->body(job->rule, i, at, n);
}

/* Runs the body over all numbers of all parameters that have a gradient, and marks their state as used. */
static inline void update_group(const param_group_real *group, rule_body body, const void *rule) {
    group_job job = {group, body, rule};
    tensor_walk walk = {group->count, group->size, group->gradient, GROUP_CHUNK, update_piece, &job, 0};
    walk_tensors(&walk, lay_out(&walk));
    for (int64_t i = 0; i < group->count; i++)
        if (group->gradient[i]) group->fresh[i] = 0;
}

/* Counts the coming update, for rules that need no more of the count. */
static inline void count_steps(const param_group_real *group) {
    for (int64_t i = 0; i < group->count; i++)
        if (group->gradient[i]) *group->step[i] += 1;
}

/* Defines rule_body name_body from the function name_vector(rule, numbers, j, left), which updates the vector at number
 * j, or the `left` numbers that are left, and the function name_numbers_at(rule, i, at), which finds the memory of
 * parameter i. Rule and numbers are copies: stores to parameters and state cannot change them. */
#define RULE_BODY(name)                                                                                                \
    static void name##_body(const void *context, int64_t i, int64_t at, int64_t n) {                                   \
        const name##_rule rule = *(const name##_rule *)context;                                                        \
        const name##_numbers numbers = name##_numbers_at(&rule, i, at);                                                \
        int64_t j = 0;                                                                                                 \
        for (; j + LANES <= n; j += LANES) name##_vector(rule, numbers, j, LANES);                                     \
        if (j < n) name##_vector(rule, numbers, j, n - j);                                                             \
    }

/* Room for `each` numbers of every parameter, until the rule's function returns. */
static inline real *coefficients_for(const param_group_real *group, int64_t each) {
    return thread_scratch(SCRATCH_COEFFICIENTS, (size_t)(group->count * each) * sizeof(real));
}

/* ---- sums over a parameter: norms, for rules that look at a parameter as a whole ---- */

/* Adds up what it finds in n numbers of parameter i, from its number `at` on, into sums[each]. */
typedef void (*sum_body)(const void *rule, int64_t i, int64_t at, int64_t n, double *sums);

typedef struct {
    sum_body body;
    const void *rule;
    int64_t each;
    double *slots;
} sum_job;

static void sum_piece(const void *context, int64_t i, int64_t at, int64_t n, int64_t slot) {
    const sum_job *job = context;
    double *sums = job->slots + slot * job->each;
    for (int64_t k = 0; k < job->each; k++) sums[k] = 0;
    job->body(job->rule, i, at, n, sums);
}

/* `each` sums for every parameter with a gradient, [count, each]: read them before the next call. The order of
 * additions depends on sizes alone. */
static inline const double *group_sums(const param_group_real *group, int64_t each, sum_body body, const void *rule) {
    sum_job job = {body, rule, each, 0};
    tensor_walk walk = {group->count, group->size, group->gradient, GROUP_CHUNK, sum_piece, &job, 0};
    int64_t total = lay_out(&walk), results = group->count * each;
    double *sums = thread_scratch(SCRATCH_SUMS, (size_t)(results + slots_of(&walk, total) * each) * sizeof(double));
    job.slots = sums + results;
    walk_tensors(&walk, total);
    for (int64_t i = 0; i < group->count; i++) {
        for (int64_t k = 0; k < each; k++) sums[i * each + k] = 0;
        if (!group->gradient[i] || group->size[i] == 0) continue;
        for (int64_t slot = first_slot(&walk, i); slot <= last_slot(&walk, i); slot++)
            for (int64_t k = 0; k < each; k++) sums[i * each + k] += job.slots[slot * each + k];
    }
    return sums;
}

/* ---- gradients ---- */

/* g <- factor g, within [-limit, limit], plus l2 p. */
typedef struct {
    real factor, limit, l2;
} gradient_reading;

/* How the group's gradients are read; l2 is a weight decay that goes through the gradient, or 0. */
static inline gradient_reading reading_of(const param_group_real *group, double l2) {
    const gradient_options *options = group->options;
    double factor = 1 / options->scale;
    if (options->max_norm < INFINITY) {
        double clipped = options->max_norm / (sqrt(options->square_sum) * factor + 1e-6);
        if (!(clipped >= 1)) factor *= clipped; /* NaN gets through */
    }
    return (gradient_reading){(real)(group->maximize ? -factor : factor), (real)options->max_value, (real)l2};
}

/* The gradient of a vector of numbers p. */
INLINE vreal read_gradient(gradient_reading reading, const real *gradient, int64_t left, vreal p) {
    vreal g = load_up_to(gradient, left);
    if (reading.factor != 1) g *= reading.factor;
    if (reading.limit < INFINITY) g = vmin(vset(reading.limit), vmax(vset(-reading.limit), g)); /* NaN stays NaN */
    if (reading.l2 != 0) g = vfma(vset(reading.l2), p, g);
    return g;
}

/* ---- factors that do not change from step to step ---- */

/* beta and 1 - beta for moving averages, or any other factor that acts in the same direction at each step. A beta rounded to float would be off by up to 3e-8, and a steady average by
 * 3e-8 / (1 - beta) of its value: 3e-5 for 0.999. So beta is the sum of two numbers. `high` lies below beta, which makes
 * `low` positive: there is no difference in which an average that is infinite would become NaN. */
typedef struct {
    real high, low, rest;
} average_weights;

static inline average_weights weights_of(double beta) {
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
INLINE vreal average(average_weights w, vreal old, vreal a, vreal b) {
    return vfma(vset(w.high), old, vfma(vset(w.low), old, w.rest * a * b));
}

/* beta x */
INLINE vreal product(average_weights w, vreal x) { return vfma(vset(w.high), x, w.low * x); }
