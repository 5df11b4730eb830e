/* The floor under a large Adam step: a bare loop that moves the same memory (reads p, g, m, v; writes p, m, v) and does
 * next to nothing with it, on a fixed half for each of two threads. Compiled by bench_optim and peers_optim. */
#include <pthread.h>
#include <stdint.h>

typedef struct {
    float *p, *m, *v;
    const float *g;
    int64_t n;
} part;

static void *traffic(void *argument) {
    part *a = argument;
    float *restrict p = a->p, *restrict m = a->m, *restrict v = a->v;
    const float *restrict g = a->g;
    for (int64_t i = 0; i < a->n; i++) {
        m[i] += g[i];
        v[i] += g[i];
        p[i] += m[i] + v[i];
    }
    return 0;
}

void bare_traffic(int64_t n, float *p, const float *g, float *m, float *v, int threads) {
    int64_t half = threads > 1 ? n / 2 / 64 * 64 : n;
    part here = {p, m, v, g, half}, there = {p + half, m + half, v + half, g + half, n - half};
    pthread_t thread;
    int started = threads > 1 && !pthread_create(&thread, 0, traffic, &there);
    traffic(&here);
    if (started)
        pthread_join(thread, 0);
    else if (threads > 1)
        traffic(&there);
}
