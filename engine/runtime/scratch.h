/* Working memory of a thread: packed operands, unfolded patches. Grown once, reused by every call, freed with the thread. */
#pragma once
#include <stddef.h>

/* Who uses it: a kernel's slot is its own, so that one kernel may call another. */
enum {
    SCRATCH_GEMM,
    SCRATCH_CONV,
    SCRATCH_CONV_SHARED,
    SCRATCH_CONV_OFFSETS,
    SCRATCH_WALK,
    SCRATCH_SUMS,
    SCRATCH_COEFFICIENTS,
    SCRATCH_NORMS,
    SCRATCH_RULE,
    SCRATCH_STRETCHES,
    SCRATCH_SLOTS
};

/* At least `bytes` bytes, 64-byte aligned, contents undefined; this thread's until its next call for the same slot.
 * Ends the program with a message when the system has no memory left. */
void *thread_scratch(int slot, size_t bytes);
