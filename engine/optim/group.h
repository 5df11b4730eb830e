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

/* Parameters lie in the row of all numbers as their memory lies in cache lines: a position that is a multiple of
 * LINE is the beginning of a line. So cuts fall between lines, where a vector of 64 bytes costs half as much to load and
 * store as across two. (State is best allocated with its parameter's offset within a line.)
 * GROUP_CHUNK numbers are 5 µs of Adam in cache, a few times what waking a thread costs. */
#define LINE (64 / (int64_t)sizeof(real))
#define GROUP_CHUNK 8192
#define WORTH_ALIGNING (16 * LANES)

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
        if (!group->gradient[i] || from >= to) continue;
        int64_t before_line = -(group->start[i] + from) & (LINE - 1);
        if (VECTOR_BYTES == 64 && before_line && to - from >= WORTH_ALIGNING) {
            j->body(j->rule, i, from, before_line);
            from += before_line;
        }
        j->body(j->rule, i, from, to - from);
    }
}

/* Runs the body over all numbers of all parameters that have a gradient, cut into chunks across parameters. */
static inline void update_group(const param_group_real *group, rule_body body, const void *rule) {
    int64_t total = 0;
    for (int64_t i = 0; i < group->count; i++) {
        group->start[i] = total;
        if (!group->gradient[i]) continue;
        group->start[i] += (int64_t)((uintptr_t)group->parameter[i] / sizeof(real) % LINE);
        total = (group->start[i] + group->size[i] + LINE - 1) / LINE * LINE;
    }
    group_job job = {group, body, rule};
    parallel_for(total, GROUP_CHUNK, group_chunk, &job);
}
