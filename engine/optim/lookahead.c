/* Lookahead: slow weights that follow the fast ones of another rule.
 *
 *   slow <- slow + alpha (p - slow)
 *   p <- slow
 *
 * Slow weights that are fresh are p. Zhang, Lucas, Hinton, Ba: Lookahead optimizer: k steps forward, 1 step back (2019). */
#include "group.h"

typedef struct {
    const lookahead_group_real *group;
    real alpha;
} lookahead_rule;

typedef struct {
    real *p, *slow;
    int fresh;
} lookahead_numbers;

INLINE lookahead_numbers lookahead_numbers_at(const lookahead_rule *rule, int64_t i, int64_t at) {
    const param_group_real *x = &rule->group->parameters;
    return (lookahead_numbers){x->parameter[i] + at, rule->group->slow_param[i] + at, x->fresh[i]};
}

INLINE void lookahead_vector(lookahead_rule rule, lookahead_numbers x, int64_t j, int64_t left) {
    vreal p = load_up_to(x.p + j, left), slow = load_up_to(x.slow + j, left);
    vreal changed = x.fresh ? p : vfma(vset(rule.alpha), p - slow, slow);
    store_up_to(x.slow + j, left, changed);
    store_up_to(x.p + j, left, changed);
}

RULE_BODY(lookahead)

void lookahead_update_real(const lookahead_group_real *group) {
    lookahead_rule rule = {group, (real)group->alpha};
    update_group(&group->parameters, lookahead_body, &rule);
}
