/* Recording: see program.c. What dispatch.c, which build.py generates, and program.c know of each other. */
#pragma once
#include <stdint.h>

typedef struct program program;

/* An argument: a whole number or an address, or a real number. */
typedef union {
    int64_t number;
    double real;
} program_word;

/* What a parameter of a recordable function is; build.py finds it by the parameter's type and name. */
enum {
    PARAMETER_NUMBER = 'n',       /* int, int64_t */
    PARAMETER_REAL = 'd',         /* double */
    PARAMETER_KERNEL = 'k',       /* a function */
    PARAMETER_READ = 'r',         /* numbers of a tensor, read only */
    PARAMETER_WRITTEN = 'w',      /* numbers of a tensor */
    PARAMETER_OBJECT = 'o',       /* a structure that lives on: kept by its address */
    PARAMETER_COPIED = 'c',       /* a structure that is copied */
    PARAMETER_LIST = 'l',         /* int64_t[ndim] or int64_t[count], copied */
    PARAMETER_READ_EACH = 'R',    /* the addresses of `count` tensors, read only; copied */
    PARAMETER_WRITTEN_EACH = 'W', /* the same, written */
};

/* A function that programs can hold. */
typedef struct {
    const char *name;
    const char *parameters;                     /* a letter each, from the list above */
    int64_t length;                             /* the place of the parameter that says how long lists are, or -1 */
    const int32_t *bytes;                       /* of the structure behind each parameter that is copied */
    int64_t (*call)(const program_word *words); /* what it returns, or -1 when that is nothing */
} recordable;

extern const recordable recordables[];

/* The program that this thread is recording, or NULL. Then comes the call, and record_end. */
extern program *volatile recording;
program *record_begin(int32_t function, const program_word *words);
void record_end(program *p);
