/* A walk over the numbers of many tensors in one call, cut into chunks across them: a thousand small tensors cost one
 * launch of the threads, as one large tensor does. */
#pragma once
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"
#include "simd/simd.h"

/* Does something with n numbers of tensor i, from its number `at` on. Every piece has its own slot; those of a tensor
 * follow each other. */
typedef void (*piece_body)(const void *context, int64_t i, int64_t at, int64_t n, int64_t slot);

typedef struct {
    int64_t count;
    const int64_t *size;
    const real *const *present; /* tensors whose pointer here is NULL are passed over */
    int64_t chunk;
    piece_body body;
    const void *context;
    int64_t *start; /* where a tensor begins in the row of all numbers; lay_out fills it */
} tensor_walk;

/* A tensor begins at a multiple of LINE in the row, so that chunks of a tensor whose memory begins at a cache line do so
 * too. The cuts depend on sizes alone, and so do the sums of pieces. */
#define LINE (64 / (int64_t)sizeof(real))

/* The length of the row. */
static inline int64_t lay_out(tensor_walk *walk) {
    int64_t total = 0;
    walk->start = thread_scratch(SCRATCH_WALK, (size_t)walk->count * sizeof(int64_t));
    for (int64_t i = 0; i < walk->count; i++) {
        walk->start[i] = total;
        if (walk->present[i]) total += (walk->size[i] + LINE - 1) / LINE * LINE;
    }
    return total;
}

/* The last tensor that begins at or before `at`. */
static inline int64_t tensor_at(const tensor_walk *walk, int64_t at) {
    int64_t low = 0, high = walk->count - 1;
    while (low < high) {
        int64_t middle = (low + high + 1) / 2;
        if (walk->start[middle] <= at)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static void walk_chunk(void *context, int64_t begin, int64_t end) {
    const tensor_walk *walk = context;
    for (int64_t i = tensor_at(walk, begin); i < walk->count && walk->start[i] < end; i++) {
        int64_t from = begin > walk->start[i] ? begin - walk->start[i] : 0, to = end - walk->start[i];
        if (to > walk->size[i]) to = walk->size[i];
        if (walk->present[i] && from < to) walk->body(walk->context, i, from, to - from, begin / walk->chunk + i);
    }
}

/* Runs the body over all numbers; `total` is what lay_out gave. */
static inline void walk_tensors(tensor_walk *walk, int64_t total) {
    parallel_for(total, walk->chunk, walk_chunk, walk);
}

/* So many slots are there. */
static inline int64_t slots_of(const tensor_walk *walk, int64_t total) {
    return (total + walk->chunk - 1) / walk->chunk + walk->count;
}

/* The slots of tensor i, which has numbers. */
static inline int64_t first_slot(const tensor_walk *walk, int64_t i) { return walk->start[i] / walk->chunk + i; }
static inline int64_t last_slot(const tensor_walk *walk, int64_t i) {
    return (walk->start[i] + walk->size[i] - 1) / walk->chunk + i;
}
