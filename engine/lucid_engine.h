/* lucid_engine.h: everything Python may call, and nothing else. cffi reads this very file (see build.py).
 *
 * The generic part is written once for float and double: `real` is the number type, and add_real becomes add_f32 and
 * add_f64. A kernel's file is compiled once per instruction set and real type, so a kernel's name is the same in this
 * header, in its file and (with _f32 or _f64) in Python.
 *
 * Conventions. Counts and strides are int64_t, strides count elements. x[rows, cols] in a comment is the shape of a
 * contiguous array. Pointers never overlap unless it is said; `out` may be the very pointer of an input where it is said.
 * The caller has checked every size; what only the data can tell (an index out of range) the kernel checks itself and
 * returns the position of the first offender, or -1 when all is well. */
#pragma once
#include <stdint.h>

/*** plain ***/

/* ---- runtime/simd_level.c: instruction sets, 0 the narrowest ---- */
const char *simd_level_name(int level); /* NULL when this processor or this build does not have it */
int simd_level(void);
int set_simd_level(int level); /* the level, or -1 when it is not there */

/* ---- runtime/parallel.c: the thread pool ---- */
int num_threads(void);
int set_num_threads(int n); /* n, or -1 when n is not in 1..256 */

/*** generic ***/
#ifdef real /* kernels see this part; the runtime, which knows no number type, does not */

/* ---- kernels/elementwise.c ---- */
/* Binary kernels: out[i] = f(a[i * a_step], b[i * b_step]), steps 0 (one number for all) or 1; out may be a or b. */
typedef void (*binary_kernel_real)(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void add_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void sub_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void mul_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void div_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);

/* One operand a number: out[i] = f(a[i], b), or f(a, b[i]). */
void binary_scalar_real(binary_kernel_real kernel, int64_t n, const real *a, double b, real *out);
void scalar_binary_real(binary_kernel_real kernel, int64_t n, double a, const real *b, real *out);
/* Any layout: out[shape] contiguous; a and b read with their strides (0 where they are broadcast). */
void binary_strided_real(binary_kernel_real kernel, int64_t ndim, const int64_t *shape, const real *a,
                         const int64_t *a_strides, const real *b, const int64_t *b_strides, real *out);

/* ---- optim/group.h: what every update rule is given ---- */
/* The parameters of a param group. A rule skips those without gradient, and counts the others' steps up. */
typedef struct {
    int64_t count;         /* parameters; the arrays below hold so many */
    const int64_t *size;   /* numbers in each */
    real **parameter;      /* updated in place; this and all state may not overlap */
    const real **gradient; /* NULL: no gradient now */
    float **step;          /* updates made so far, each a number somewhere */
    int64_t *start;        /* room for the rule: where a parameter begins in the row of all numbers */
    real *coefficient;     /* room for the rule: [count, 2] */
} param_group_real;

/* ---- optim/adam.c ---- */
typedef struct {
    param_group_real parameters;
    real **exp_avg;
    real **exp_avg_sq;
    real **max_exp_avg_sq; /* read when amsgrad is set */
    double lr;
    double beta1;
    double beta2;
    double eps;
    double weight_decay;
    int decoupled; /* weight decay acts on the parameter (AdamW), not through the gradient (Adam) */
    int amsgrad;
    int maximize;
} adam_group_real;
void adam_update_real(const adam_group_real *group);

#endif
