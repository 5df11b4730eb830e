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

/* ---- kernels/conv.c ---- */
/* x[batch, in_channels, height, width] convolved with weight[out_channels, in_channels / groups, kernel_height,
 * kernel_width] gives out[batch, out_channels, out_height, out_width]. */
typedef struct {
    int64_t batch, in_channels, height, width, out_channels, kernel_height, kernel_width, stride_h, stride_w, padding_h,
        padding_w, dilation_h, dilation_w, groups, out_height, out_width;
} conv2d_shape;

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

/* ---- kernels/gemm.c ---- */
/* c[m, n] = a[m, k] @ b[k, n], any transposition by strides: element i, l of a is a[i * a_row + l * a_col]. Then + bias[n]
 * when bias is not NULL, then the activation: 0 none, 1 ReLU, 2 GELU by erf, 3 GELU by tanh. pre[m, n], when not NULL,
 * receives the values before the activation. accumulate != 0 adds to c instead, without bias and activation. c and pre
 * have row stride c_row and column stride 1. */
void gemm_real(int64_t m, int64_t n, int64_t k, const real *a, int64_t a_row, int64_t a_col, const real *b,
               int64_t b_row, int64_t b_col, real *c, int64_t c_row, const real *bias, int64_t activation,
               int64_t accumulate, real *pre);
/* The same for each of `batch` products, operands a_batch, b_batch (0: one for all) and c_batch elements apart. */
void gemm_batched_real(int64_t batch, int64_t m, int64_t n, int64_t k, const real *a, int64_t a_batch, int64_t a_row,
                       int64_t a_col, const real *b, int64_t b_batch, int64_t b_row, int64_t b_col, real *c,
                       int64_t c_batch, int64_t c_row, int64_t accumulate);

/* ---- kernels/conv.c ---- */
/* out = x * weight + bias[out_channels] (unless NULL), then the activation: 0 none, 1 ReLU. */
void conv2d_real(const conv2d_shape *shape, const real *x, const real *weight, const real *bias, int64_t activation,
                 real *out);
void conv2d_backward_input_real(const conv2d_shape *shape, const real *grad_out, const real *weight, real *grad_x);
/* grad_bias may be NULL. */
void conv2d_backward_weight_real(const conv2d_shape *shape, const real *x, const real *grad_out, real *grad_weight,
                                 real *grad_bias);

#endif
