/* Recorded programs: the calls of the engine's functions, kept with their arguments, to be made again without Python.
 *
 * While a thread records, dispatch.c reports each call of a kernel here before making it. Structures, shapes and other
 * small lists that an argument points to are copied; the addresses of tensors are kept as they are, until Python, which
 * knows what lies where, says with program_place which words of the program are the address of which memory.
 * program_move then writes a new address of that memory into all of them, so that a run only calls. */
#include "lucid_engine.h"
#include "program.h"
#include "parallel.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    int32_t function, first; /* its words begin here */
} call;

typedef struct {
    int64_t *address; /* a word of the program that holds an address */
    int64_t offset;   /* in bytes, from where the memory begins */
} place;

typedef struct {
    place *places;
    int64_t count, room;
} memory;

struct program {
    pthread_t owner;
    call *calls;
    program_word *words;
    int64_t call_count, call_room, word_count, word_room;
    void **copies; /* what arguments point to */
    int64_t copy_count, copy_room;
    memory *memories;
    int64_t memory_count;
    int64_t reported; /* by the call that stopped the last run */
};

program *volatile recording;

/* Room for one more item; grows by half. There is no way on without memory. */
static void *more(void *items, int64_t count, int64_t *room, size_t bytes) {
    if (count < *room) return items;
    *room = count + count / 2 + 16;
    void *grown = realloc(items, (size_t)*room * bytes);
    if (!grown) {
        fputs("lucid: no memory left for a recorded program\n", stderr);
        abort();
    }
    return grown;
}

program *program_new(void) { return calloc(1, sizeof(program)); }

void program_free(program *p) {
    if (!p) return;
    for (int64_t i = 0; i < p->copy_count; i++) free(p->copies[i]);
    for (int64_t i = 0; i < p->memory_count; i++) free(p->memories[i].places);
    free(p->calls);
    free(p->words);
    free(p->copies);
    free(p->memories);
    free(p);
}

int program_record(program *p) {
    if (p && recording) return -1;
    if (p) p->owner = pthread_self();
    recording = p;
    return 0;
}

static void *copied(program *p, const void *source, int64_t bytes) {
    int64_t unused = 0;
    void *copy = more(NULL, bytes, &unused, 1);
    memcpy(copy, source, (size_t)bytes);
    p->copies = more(p->copies, p->copy_count, &p->copy_room, sizeof *p->copies);
    return p->copies[p->copy_count++] = copy;
}

program *record_begin(int32_t function, const program_word *words) {
    program *p = recording;
    if (!p || !pthread_equal(p->owner, pthread_self())) return NULL;
    recording = NULL; /* what the function itself calls belongs to it */
    const recordable *f = &recordables[function];
    p->calls = more(p->calls, p->call_count, &p->call_room, sizeof *p->calls);
    p->calls[p->call_count++] = (call){function, (int32_t)p->word_count};
    int64_t length = f->length < 0 ? 0 : words[f->length].number;
    for (int64_t i = 0; f->parameters[i]; i++) {
        program_word word = words[i];
        const void *behind = (const void *)(intptr_t)word.number;
        int64_t bytes = -1;
        switch (f->parameters[i]) {
        case PARAMETER_COPIED:
            bytes = f->bytes[i];
            break;
        case PARAMETER_LIST:
        case PARAMETER_READ_EACH:
        case PARAMETER_WRITTEN_EACH:
            bytes = length * (int64_t)sizeof(int64_t);
        }
        if (bytes >= 0 && behind) word.number = (intptr_t)copied(p, behind, bytes);
        p->words = more(p->words, p->word_count, &p->word_room, sizeof *p->words);
        p->words[p->word_count++] = word;
    }
    return p;
}

void record_end(program *p) {
    if (p) recording = p;
}

const char *recordable_parameters(const char *function) {
    for (const recordable *f = recordables; f->name; f++)
        if (!strcmp(f->name, function)) return f->parameters;
    return NULL;
}

int64_t program_calls(const program *p) { return p->call_count; }

const char *program_function(const program *p, int64_t i) { return recordables[p->calls[i].function].name; }

const char *program_parameters(const program *p, int64_t i) { return recordables[p->calls[i].function].parameters; }

int64_t *program_words(const program *p, int64_t i) { return &p->words[p->calls[i].first].number; }

int64_t program_list_length(const program *p, int64_t i) {
    int64_t length = recordables[p->calls[i].function].length;
    return length < 0 ? 0 : p->words[p->calls[i].first + length].number;
}

int program_keep(program *p, int64_t count, const int64_t *kept) {
    for (int64_t i = 0; i < count; i++)
        if (kept[i] < 0 || kept[i] >= p->call_count || (i && kept[i] <= kept[i - 1])) return -1;
    for (int64_t i = 0; i < count; i++) p->calls[i] = p->calls[kept[i]];
    p->call_count = count;
    return 0;
}

void program_place(program *p, int64_t which, int64_t *address, int64_t offset) {
    if (which >= p->memory_count) {
        int64_t room = p->memory_count;
        memory *grown = realloc(p->memories, (size_t)(which + 1) * sizeof *grown);
        if (!grown) abort();
        memset(grown + room, 0, (size_t)(which + 1 - room) * sizeof *grown);
        p->memories = grown;
        p->memory_count = which + 1;
    }
    memory *m = &p->memories[which];
    m->places = more(m->places, m->count, &m->room, sizeof *m->places);
    m->places[m->count++] = (place){address, offset};
}

void program_move(program *p, int64_t which, const void *address) {
    if (which < 0 || which >= p->memory_count) return;
    const memory *m = &p->memories[which];
    for (int64_t i = 0; i < m->count; i++) *m->places[i].address = (intptr_t)address + m->places[i].offset;
}

int64_t program_run(program *p, int64_t first, int64_t end) {
    const program_word *words = p->words;
    for (int64_t i = first; i < end; i++) {
        call c = p->calls[i];
        int64_t found = recordables[c.function].call(words + c.first);
        if (found >= 0) {
            p->reported = found;
            return i;
        }
    }
    return -1;
}

int64_t program_reported(const program *p) { return p->reported; }

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int64_t program_measure(program *p, int64_t first, int64_t end, double *taken) {
    for (int64_t i = first; i < end; i++) {
        double start = seconds();
        if (program_run(p, i, i + 1) >= 0) return i;
        taken[i - first] = seconds() - start;
    }
    return -1;
}
