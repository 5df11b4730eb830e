/* Working memory of a thread: see scratch.h. */
#include "scratch.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define ALIGNMENT 64

typedef struct {
    void *memory;
    size_t bytes;
} slot_t;

static _Thread_local slot_t slots[SCRATCH_SLOTS];
static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void free_slots(void *argument) {
    slot_t *mine = argument;
    for (int i = 0; i < SCRATCH_SLOTS; i++) {
        free(mine[i].memory);
        mine[i] = (slot_t){0};
    }
}

static void make_key(void) { pthread_key_create(&at_thread_end, free_slots); }

static void *grow(slot_t *slot, size_t bytes) {
    pthread_once(&once, make_key);
    pthread_setspecific(at_thread_end, slots);
    free(slot->memory);
    bytes += bytes / 4; /* a little more than asked, so that slowly growing sizes do not allocate each time */
    if (posix_memalign(&slot->memory, ALIGNMENT, bytes)) {
        fprintf(stderr, "lucid: out of memory: %zu bytes of working memory\n", bytes);
        abort();
    }
    slot->bytes = bytes;
    return slot->memory;
}

void *thread_scratch(int slot, size_t bytes) {
    slot_t *mine = &slots[slot];
    return bytes <= mine->bytes ? mine->memory : grow(mine, bytes);
}
