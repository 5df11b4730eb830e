/* Memory of large results, kept when it is given back and handed out again.
 *
 * The system hands out fresh memory page by page: at the first touch of each page it interrupts the program and writes
 * zeros, which takes several times as long as a kernel needs for the page. A training step makes and drops the same large
 * arrays again and again, so blocks that are given back stay here, up to a limit, for the next that asks for their size.
 *
 * Sizes are rounded up to classes, four for each power of two. Free blocks stand in two lists, both newest first: one for
 * each class, from whose head blocks are taken (the newest is likely to be in the caches), and one of all, from whose end
 * the oldest go back to the system when the limit is passed. The newest of all is the newest of its class, the oldest of
 * all the oldest of its class, so that a block never leaves from the middle of a class. */
#define _GNU_SOURCE /* madvise */
#include "lucid_engine.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define LINE 64                      /* blocks begin at a cache line; the first line is the header */
#define HUGE_PAGE ((int64_t)2 << 20) /* larger blocks begin at such a page, where the system has them */
#define LEAST_BITS 12
#define CLASSES (4 * (47 - LEAST_BITS)) /* a processor's addresses have 47 bits */

/* A sanitized build gives each block back at once and makes it no larger than asked for, so that errors are seen. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

typedef struct block {
    int64_t bytes; /* without the header */
    int64_t class;
    struct block *newer, *older; /* of its class */
    struct block *newer_of_all, *older_of_all;
    char rest[LINE - 2 * sizeof(int64_t) - 4 * sizeof(void *)];
} block_t;
_Static_assert(sizeof(block_t) == LINE, "what follows the header begins at a cache line");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static block_t *newest[CLASSES], *oldest[CLASSES], *newest_of_all, *oldest_of_all;
static int64_t kept, limit;

/* The class of a size, and the size of its blocks: 2^k times 1, 1.25, 1.5 or 1.75. */
static int64_t class_of(int64_t bytes, int64_t *rounded) {
    if (bytes <= (int64_t)1 << LEAST_BITS) {
        *rounded = (int64_t)1 << LEAST_BITS;
        return 0;
    }
    int64_t k = 63 - __builtin_clzll((uint64_t)bytes - 1), quarter = (int64_t)1 << (k - 2);
    int64_t steps = (bytes - 1 - ((int64_t)1 << k)) / quarter + 1; /* 1 to 4 quarters above 2^k */
    *rounded = ((int64_t)1 << k) + steps * quarter;
    return 4 * (k - LEAST_BITS) + steps;
}

static block_t *take_kept(int64_t class) {
    block_t *b = newest[class];
    if (!b) return 0;
    newest[class] = b->older;
    *(b->older ? &b->older->newer : &oldest[class]) = 0;
    *(b->newer_of_all ? &b->newer_of_all->older_of_all : &newest_of_all) = b->older_of_all;
    *(b->older_of_all ? &b->older_of_all->newer_of_all : &oldest_of_all) = b->newer_of_all;
    kept -= b->bytes;
    return b;
}

static void keep(block_t *b) {
    b->newer = b->newer_of_all = 0;
    b->older = newest[b->class];
    b->older_of_all = newest_of_all;
    *(b->older ? &b->older->newer : &oldest[b->class]) = b;
    *(b->older_of_all ? &b->older_of_all->newer_of_all : &oldest_of_all) = b;
    newest[b->class] = newest_of_all = b;
    kept += b->bytes;
}

/* Takes the oldest blocks out until `most` bytes are left. Returns them, linked by `older`, to be freed. */
static block_t *take_oldest(int64_t most) {
    block_t *taken = 0;
    while (kept > most) {
        block_t *b = oldest_of_all;
        oldest_of_all = b->newer_of_all;
        *(oldest_of_all ? &oldest_of_all->older_of_all : &newest_of_all) = 0;
        oldest[b->class] = b->newer;
        *(b->newer ? &b->newer->older : &newest[b->class]) = 0;
        kept -= b->bytes;
        b->older = taken;
        taken = b;
    }
    return taken;
}

static void free_all(block_t *b) {
    while (b) {
        block_t *next = b->older;
        free(b);
        b = next;
    }
}

static block_t *fresh(int64_t bytes, int64_t class) {
    void *memory;
    int huge = bytes >= 2 * HUGE_PAGE;
    if (posix_memalign(&memory, huge ? HUGE_PAGE : LINE, (size_t)bytes + LINE)) return 0;
#if defined(MADV_HUGEPAGE)
    if (huge) madvise(memory, (size_t)bytes + LINE, MADV_HUGEPAGE); /* 512 times fewer pages to touch; a wish */
#endif
    *(block_t *)memory = (block_t){.bytes = bytes, .class = class};
    return memory;
}

void *take_memory(int64_t bytes) {
    if (bytes < 0 || bytes > (int64_t)1 << 46) return 0;
    int64_t rounded, class = class_of(bytes, &rounded);
    pthread_mutex_lock(&lock);
    block_t *b = take_kept(class);
    pthread_mutex_unlock(&lock);
    if (!b) b = fresh(SANITIZED ? bytes : rounded, class);
    if (!b) { /* what is kept may be what is missing */
        release_memory();
        b = fresh(SANITIZED ? bytes : rounded, class);
    }
    return b ? b + 1 : 0;
}

void give_memory(void *memory) {
    block_t *b = (block_t *)memory - 1, *surplus;
    pthread_mutex_lock(&lock);
    keep(b);
    surplus = take_oldest(limit);
    pthread_mutex_unlock(&lock);
    free_all(surplus);
}

int64_t kept_memory(void) {
    pthread_mutex_lock(&lock);
    int64_t bytes = kept;
    pthread_mutex_unlock(&lock);
    return bytes;
}

int64_t release_memory(void) {
    pthread_mutex_lock(&lock);
    int64_t bytes = kept;
    block_t *all = take_oldest(0);
    pthread_mutex_unlock(&lock);
    free_all(all);
    return bytes;
}

int64_t kept_memory_limit(void) { return limit; }

int64_t set_kept_memory_limit(int64_t bytes) {
    if (bytes < 0) return -1;
    pthread_mutex_lock(&lock);
    limit = SANITIZED ? 0 : bytes;
    block_t *surplus = take_oldest(limit);
    pthread_mutex_unlock(&lock);
    free_all(surplus);
    return limit;
}

/* fork: no other thread may be in the middle of a list. */
static void before_fork(void) { pthread_mutex_lock(&lock); }
static void after_fork(void) { pthread_mutex_unlock(&lock); }
static void after_fork_child(void) { pthread_mutex_init(&lock, 0); }

/* At the start the limit is an eighth of the machine's memory. */
__attribute__((constructor)) static void prepare_memory(void) {
    set_kept_memory_limit(((int64_t)sysconf(_SC_PHYS_PAGES) / 8) * (int64_t)sysconf(_SC_PAGESIZE));
    pthread_atfork(before_fork, after_fork, after_fork_child);
}
