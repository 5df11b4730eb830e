/* The thread pool.
 *
 * A launch publishes a job (body, context, number of chunks) under a new generation number; the caller and the workers
 * take chunks from one shared counter until none is left; the caller then waits until every worker that joined has
 * left. Workers spin for a short while after a job, because a training step launches many jobs in a row, and then sleep
 * on a condition variable, where they cost nothing.
 *
 * After fork() the child has no workers: a handler forgets them, and the next launch starts new ones. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "parallel.h"
#include "lucid_engine.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS 256
#define SPIN_NANOSECONDS 200000 /* longer than what lies between two launches of a small model's training step */

typedef struct {
    void (*body)(void *context, int64_t begin, int64_t end);
    void *context;
    int64_t n, chunk, chunks;
} job_t;

static pthread_mutex_t launch_lock = PTHREAD_MUTEX_INITIALIZER; /* one job at a time */
static pthread_mutex_t sleep_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;

static job_t job;                      /* written before generation is raised, read by workers that joined */
static _Atomic int64_t next_chunk;     /* the next chunk to take */
static _Atomic uint64_t state;         /* generation << 16 | open << 15 | workers inside the job */
static _Atomic int sleepers;
static _Atomic int wanted_threads = 1;
static int started_workers = 0;
static _Thread_local int inside_body = 0;

#define OPEN ((uint64_t)1 << 15)
#define INSIDE (OPEN - 1)
#define GENERATION ((uint64_t)1 << 16)

static inline void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

static int64_t nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void take_chunks(const job_t *j) {
    inside_body = 1;
    for (;;) {
        int64_t c = atomic_fetch_add_explicit(&next_chunk, 1, memory_order_relaxed);
        if (c >= j->chunks) break;
        int64_t begin = c * j->chunk, end = begin + j->chunk;
        j->body(j->context, begin, end < j->n ? end : j->n);
    }
    inside_body = 0;
}

/* Enters the open job, if there is one that this worker has not seen. */
static int join_job(uint64_t *seen) {
    uint64_t s = atomic_load_explicit(&state, memory_order_acquire);
    while ((s & OPEN) && s / GENERATION != *seen) {
        if (atomic_compare_exchange_weak_explicit(&state, &s, s + 1, memory_order_acq_rel, memory_order_acquire)) {
            *seen = s / GENERATION;
            return 1;
        }
    }
    return 0;
}

/* Is there an open job for worker number `index` that it has not seen? (Threads may have been taken away since it was
 * started: the first wanted_threads - 1 workers take part.) */
static int job_waits(uint64_t seen, int index) {
    uint64_t s = atomic_load(&state);
    return (s & OPEN) && s / GENERATION != seen && index < atomic_load_explicit(&wanted_threads, memory_order_relaxed) - 1;
}

/* Waits for a job: spinning first, then asleep. */
static void await_job(uint64_t seen, int index) {
    int64_t give_up = nanoseconds() + SPIN_NANOSECONDS;
    do {
        for (int i = 0; i < 64; i++) {
            if (job_waits(seen, index)) return;
            pause_briefly();
        }
    } while (nanoseconds() < give_up);
    pthread_mutex_lock(&sleep_lock);
    atomic_fetch_add(&sleepers, 1);
    while (!job_waits(seen, index)) pthread_cond_wait(&wake, &sleep_lock);
    atomic_fetch_sub(&sleepers, 1);
    pthread_mutex_unlock(&sleep_lock);
}

static void *worker(void *argument) {
    int index = (int)(intptr_t)argument;
    uint64_t seen = 0;
    for (;;) {
        await_job(seen, index);
        if (join_job(&seen)) {
            take_chunks(&job);
            atomic_fetch_sub_explicit(&state, 1, memory_order_acq_rel);
        }
    }
    return 0;
}

static void start_workers(void) {
    while (started_workers < wanted_threads - 1) {
        pthread_t thread;
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        int failed = pthread_create(&thread, &attributes, worker, (void *)(intptr_t)started_workers);
        pthread_attr_destroy(&attributes);
        if (failed) {
            wanted_threads = started_workers + 1; /* the system gives no more */
            return;
        }
        started_workers++;
    }
}

static void run_here(int64_t n, int64_t chunk, void (*body)(void *, int64_t, int64_t), void *context) {
    for (int64_t begin = 0; begin < n; begin += chunk) body(context, begin, begin + chunk < n ? begin + chunk : n);
}

void parallel_for(int64_t n, int64_t chunk, void (*body)(void *, int64_t, int64_t), void *context) {
    if (n <= 0) return;
    if (n <= chunk || wanted_threads == 1 || inside_body || pthread_mutex_trylock(&launch_lock)) {
        run_here(n, chunk, body, context);
        return;
    }
    start_workers();
    job = (job_t){body, context, n, chunk, (n + chunk - 1) / chunk};
    atomic_store_explicit(&next_chunk, 0, memory_order_relaxed);
    uint64_t generation = atomic_load_explicit(&state, memory_order_relaxed) / GENERATION + 1;
    atomic_store(&state, generation * GENERATION + OPEN);
    if (atomic_load(&sleepers)) {
        pthread_mutex_lock(&sleep_lock);
        pthread_cond_broadcast(&wake);
        pthread_mutex_unlock(&sleep_lock);
    }
    take_chunks(&job);
    atomic_fetch_and_explicit(&state, ~OPEN, memory_order_acq_rel); /* nobody joins any more */
    while (atomic_load_explicit(&state, memory_order_acquire) & INSIDE) pause_briefly();
    pthread_mutex_unlock(&launch_lock);
}

/* fork: the child keeps this memory but none of the workers. */
static void before_fork(void) {
    pthread_mutex_lock(&launch_lock);
    pthread_mutex_lock(&sleep_lock);
}
static void after_fork_parent(void) {
    pthread_mutex_unlock(&sleep_lock);
    pthread_mutex_unlock(&launch_lock);
}
static void after_fork_child(void) {
    started_workers = 0;
    atomic_store(&sleepers, 0);
    pthread_mutex_init(&sleep_lock, 0);
    pthread_cond_init(&wake, 0);
    pthread_mutex_init(&launch_lock, 0);
}

/* The processors that this process may run on. */
static int processors(void) {
#if defined(__linux__)
    cpu_set_t allowed;
    if (!sched_getaffinity(0, sizeof allowed, &allowed)) {
        int n = CPU_COUNT(&allowed);
        return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
    }
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : (int)n;
}

__attribute__((constructor)) static void prepare_pool(void) {
    wanted_threads = processors();
    pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

int num_threads(void) { return wanted_threads; }

int set_num_threads(int n) {
    if (n < 1 || n > MAX_THREADS) return -1;
    pthread_mutex_lock(&launch_lock); /* not in the middle of a job */
    wanted_threads = n;
    pthread_mutex_unlock(&launch_lock);
    return n;
}
