/* What is found out about all gradients before a step. */
#include "optim/group.h"

int64_t gradient_norm_real(const param_group_real *group, int64_t more) {
    double *norms = thread_scratch(SCRATCH_NORMS, (size_t)group->count * sizeof(double));
    int64_t offender = -1;
    if (!more) group->options->square_sum = 0;
    norms_real(group->count, group->size, group->gradient, norms);
    for (int64_t i = 0; i < group->count; i++) {
        group->options->square_sum += norms[i] * norms[i];
        if (group->options->refuse_nonfinite && offender < 0 && !isfinite(norms[i])) offender = i;
    }
    return offender;
}
