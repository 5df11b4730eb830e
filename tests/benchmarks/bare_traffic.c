/* The floor under one pass of an update rule: a bare loop that moves the same memory and does next to nothing with it,
 * on a fixed half for each of two threads. Compiled with -DREAD=... and -DWRITTEN=...: so many arrays are read, and the
 * first of them are written as well. */
#include <pthread.h>
#include <stdint.h>

typedef struct {
    float *const *x;
    int64_t begin, end;
    float total;
} part;

static void *traffic(void *argument) {
    part *a = argument;
    float total = 0;
    float *restrict x0 = a->x[0], *restrict x1 = a->x[1], *restrict x2 = a->x[2], *restrict x3 = a->x[3],
                    *restrict x4 = a->x[4], *restrict x5 = a->x[5];
#pragma omp simd reduction(+ : total)
    for (int64_t i = a->begin; i < a->end; i++) {
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
    a->total = total;
    return 0;
}

/* x[6] arrays of n numbers; those beyond READ are not looked at. Returns a sum of all where nothing is written. */
float bare_traffic(int64_t n, float *const *x, int threads) {
    int64_t half = threads > 1 ? n / 2 / 64 * 64 : n;
    part here = {x, 0, half, 0}, there = {x, half, n, 0};
    pthread_t thread;
    int started = threads > 1 && !pthread_create(&thread, 0, traffic, &there);
    traffic(&here);
    if (started)
        pthread_join(thread, 0);
    else if (threads > 1)
        traffic(&there);
    return here.total + there.total;
}
