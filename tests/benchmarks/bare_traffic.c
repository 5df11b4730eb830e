/* The floor under one pass of an update rule: a bare loop that moves the same memory and does next to nothing with it,
 * every other CHUNK for each of two threads. Compiled with -DREAD=... and -DWRITTEN=...: so many arrays are read, and the
 * first of them are written as well. */
#include <pthread.h>
#include <stdint.h>

#define CHUNK 8192

typedef struct {
    float *const *x;
    int64_t n, first, step; /* chunks */
    float total;
} part;

static float chunk(float *const *x, int64_t begin, int64_t end) {
    float *restrict x0 = x[0], *restrict x1 = x[1], *restrict x2 = x[2], *restrict x3 = x[3], *restrict x4 = x[4],
                    *restrict x5 = x[5];
    float total = 0;
#pragma omp simd reduction(+ : total)
    for (int64_t i = begin; i < end; i++) {
        float sum = 0;
        if (READ > 0) sum += x0[i];
        if (READ > 1) sum += x1[i];
        if (READ > 2) sum += x2[i];
        if (READ > 3) sum += x3[i];
        if (READ > 4) sum += x4[i];
        if (READ > 5) sum += x5[i];
        sum *= 0.125f;
        if (WRITTEN == 0) total += sum;
        if (WRITTEN > 0) x0[i] = sum;
        if (WRITTEN > 1) x1[i] = sum;
        if (WRITTEN > 2) x2[i] = sum;
        if (WRITTEN > 3) x3[i] = sum;
        if (WRITTEN > 4) x4[i] = sum;
    }
    return total;
}

static void *traffic(void *argument) {
    part *a = argument;
    for (int64_t at = a->first * CHUNK; at < a->n; at += a->step * CHUNK)
        a->total += chunk(a->x, at, at + CHUNK < a->n ? at + CHUNK : a->n);
    return 0;
}

/* x[6] arrays of n numbers; those beyond READ are not looked at. Returns a sum of all where nothing is written. */
float bare_traffic(int64_t n, float *const *x, int threads) {
    int64_t step = threads > 1 ? 2 : 1;
    part here = {x, n, 0, step, 0}, there = {x, n, 1, step, 0};
    pthread_t thread;
    int started = threads > 1 && !pthread_create(&thread, 0, traffic, &there);
    traffic(&here);
    if (started)
        pthread_join(thread, 0);
    else if (threads > 1)
        traffic(&there);
    return here.total + there.total;
}
