/* The thread pool: loops cut into chunks of a fixed size, so that results do not depend on the number of threads. */
#pragma once
#include <stdint.h>

/* Runs body(context, begin, end) over [0, n) cut at the multiples of `chunk`, on as many threads as are set.
 * The cuts depend on n and chunk only; which thread runs which chunk is not fixed. One chunk, one thread, a pool in use
 * by another caller or a call from inside a body: the chunks run here, in order. Bodies must not write to each other's
 * memory. Launch costs about 1 µs when the workers are awake: make a chunk worth at least 2 µs of work. */
void parallel_for(int64_t n, int64_t chunk, void (*body)(void *context, int64_t begin, int64_t end), void *context);

/* Elements in a chunk of elementwise work that moves `bytes_per_element` bytes of memory per element. */
static inline int64_t elementwise_chunk(int64_t bytes_per_element) {
    int64_t chunk = (256 * 1024) / bytes_per_element;
    return chunk - chunk % 64;
}
