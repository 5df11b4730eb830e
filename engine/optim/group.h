/* What every update rule shares: the walk over the numbers of a param group.
 *
 * A rule is a body that updates `n` numbers of one parameter, and a function that counts the steps up, works out each
 * parameter's coefficients and calls update_group. adam.c is the example to follow. */
#pragma once
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "simd/simd.h"

/* Updates n numbers of parameter i, from its number `at` on. */
typedef void (*rule_body)(const void *rule, int64_t i, int64_t at, int64_t n);

typedef struct {
    const param_group_real *group;
    rule_body body;
    const void *rule;
} group_job;

/* Parameters begin at multiples of GROUP_ALIGNMENT in the row of all numbers, so that cuts inside a parameter keep its
 * alignment to cache lines. GROUP_CHUNK numbers are 5 µs of Adam in cache, a few times what waking a thread costs. */
#define GROUP_ALIGNMENT 64
#define GROUP_CHUNK 32768

/* A whole vector, or the n numbers that are left. */
static inline vreal load_up_to(const real *x, int64_t n) { return n >= LANES ? vload(x) : vload_partial(x, n); }
static inline void store_up_to(real *x, int64_t n, vreal v) {
    if (n >= LANES)
        vstore(x, v);
    else
        vstore_partial(x, n, v);
}

/* The last parameter that begins at or before `at`. */
static inline int64_t parameter_at(const param_group_real *group, int64_t at) {
    int64_t low = 0, high = group->count - 1;
    while (low < high) {
        int64_t middle = (low + high + 1) / 2;
        if (group->start[middle] <= at)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static void group_chunk(void *context, int64_t begin, int64_t end) {
    const group_job *j = context;
    const param_group_real *group = j->group;
    for (int64_t i = parameter_at(group, begin); i < group->count && group->start[i] < end; i++) {
        int64_t from = begin > group->start[i] ? begin - group->start[i] : 0, to = end - group->start[i];
        if (to > group->size[i]) to = group->size[i];
        if (group->gradient[i] && from < to) j->body(j->rule, i, from, to - from);
    }
}

/* Runs the body over all numbers of all parameters that have a gradient, cut into chunks across parameters. */
static inline void update_group(const param_group_real *group, rule_body body, const void *rule) {
    int64_t total = 0;
    for (int64_t i = 0; i < group->count; i++) {
        group->start[i] = total;
        if (group->gradient[i]) total += (group->size[i] + GROUP_ALIGNMENT - 1) / GROUP_ALIGNMENT * GROUP_ALIGNMENT;
    }
    group_job job = {group, body, rule};
    parallel_for(total, GROUP_CHUNK, group_chunk, &job);
}
