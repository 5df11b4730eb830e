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

/* ---- runtime/random.c: Philox4x32-10 (Salmon et al., SC 2011) ---- */
/* The place in the stream of random numbers. Each call takes the blocks (of 128 bits) it needs from `offset` on and moves
 * it; how many depends on n alone. Element i of a result depends on (seed, offset, i) alone: not on threads. */
typedef struct {
    uint64_t seed, offset;
} philox_state;
/* words[4] of one block, as published; does not belong to any state. */
void philox_block(uint64_t seed, uint64_t counter_low, uint64_t counter_high, uint32_t *words);
/* out[n] uniform in [low, high), without bias; low < high. */
void random_integers(philox_state *state, int64_t n, int64_t low, int64_t high, int64_t *out);
/* out[n]: 0..n-1 in random order. */
void random_permutation(philox_state *state, int64_t n, int64_t *out);

/* ---- kernels/pool.c: the shape of a pooling ---- */
typedef struct {
    int64_t planes, height, width, kernel_height, kernel_width, stride_h, stride_w, padding_h, padding_w;
    int64_t dilation_h, dilation_w, out_height, out_width;
} pool2d_shape;

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

/* ---- kernels/random.c: see philox_state above ---- */
/* Uniform in [low, high): multiples of 2^-24 (float) or 2^-53 (double) of the range; never high, for low < high. */
void uniform_real(philox_state *state, int64_t n, double low, double high, real *out);
void normal_real(philox_state *state, int64_t n, double mean, double std, real *out);
/* out[i] = 1 with probability p[i * p_step], else 0; p_step 0 or 1. */
void bernoulli_real(philox_state *state, int64_t n, const real *p, int64_t p_step, real *out);
/* out[i] = x[i] / (1 - p) and mask[i] = 1 with probability 1 - p, else 0 (whatever x[i] is); p in [0, 1]. out may be x. */
void dropout_real(philox_state *state, int64_t n, double p, const real *x, real *out, uint8_t *mask);
void dropout_backward_real(int64_t n, double p, const real *grad, const uint8_t *mask, real *grad_x);

/* ---- kernels/softmax.c: over the middle of x[outer, n, inner] ---- */
/* NaN, +inf and all -inf give NaN. grad_x may be grad. */
void softmax_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out);
void softmax_backward_real(int64_t outer, int64_t n, int64_t inner, const real *grad, const real *out, real *grad_x);
void log_softmax_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out);
void log_softmax_backward_real(int64_t outer, int64_t n, int64_t inner, const real *grad, const real *out, real *grad_x);

/* ---- kernels/cross_entropy.c: logits[rows, classes] against target[rows] ---- */
/* reduction: 0 none, 1 mean, 2 sum; loss[rows] for none, else loss[1]. weight[classes] may be NULL. Rows whose target is
 * ignore_index count nothing; the mean over no row is NaN. log_sum_exp[rows] (relative to the row's largest logit) and
 * total_weight[1] are kept for the backward. Returns the first row whose target is neither ignore_index nor in
 * 0..classes-1, or -1. */
int64_t cross_entropy_real(int64_t rows, int64_t classes, const real *logits, const int64_t *target, const real *weight,
                           int64_t ignore_index, double label_smoothing, int64_t reduction, real *loss,
                           real *log_sum_exp, real *total_weight);
/* grad_loss[rows] for reduction none, else grad_loss[1]. */
void cross_entropy_backward_real(int64_t rows, int64_t classes, const real *logits, const int64_t *target,
                                 const real *weight, int64_t ignore_index, double label_smoothing, int64_t reduction,
                                 const real *grad_loss, const real *log_sum_exp, const real *total_weight,
                                 real *grad_logits);
/* The same for log-probabilities, log_prob[rows, classes]. */
int64_t nll_loss_real(int64_t rows, int64_t classes, const real *log_prob, const int64_t *target, const real *weight,
                      int64_t ignore_index, int64_t reduction, real *loss, real *total_weight);
void nll_loss_backward_real(int64_t rows, int64_t classes, const int64_t *target, const real *weight,
                            int64_t ignore_index, int64_t reduction, const real *grad_loss, const real *total_weight,
                            real *grad_log_prob);
/* Elementwise; target[n] in [0, 1]. The backward gives grad[i * grad_step] * (sigmoid(x) - target), grad_step 0 or 1. */
void bce_with_logits_real(int64_t n, const real *x, const real *target, real *out);
void bce_with_logits_backward_real(int64_t n, const real *grad, int64_t grad_step, const real *x, const real *target,
                                   real *grad_x);

/* ---- kernels/gather.c: every index is checked first; returns the first position out of range (and does nothing), or -1 ---- */
/* out[n, row] = table[index[n], row] */
int64_t gather_rows_real(int64_t n, int64_t row, int64_t table_rows, const real *table, const int64_t *index, real *out);
/* table_grad[index[i], row] += grad[i, row] in the order of i, but for i with index[i] == skip (-1: none). */
int64_t scatter_add_rows_real(int64_t n, int64_t row, int64_t table_rows, const real *grad, const int64_t *index,
                              int64_t skip, real *table_grad);
/* out[outer, m, inner] = x[outer, index[outer, m, inner], inner], n being the size of x's middle */
int64_t gather_real(int64_t outer, int64_t n, int64_t inner, int64_t m, const real *x, const int64_t *index, real *out);
/* out[outer, index[outer, m, inner], inner] += source[outer, m, inner] in the order of m, n being the size of out's middle */
int64_t scatter_add_real(int64_t outer, int64_t n, int64_t inner, int64_t m, const real *source, const int64_t *index,
                         real *out);

/* ---- kernels/pool.c: planes x[planes, height, width] to out[planes, out_height, out_width] ---- */
/* index (may be NULL): place of the maximum in its plane, h * width + w: the first of equals, the last NaN if there is
 * one; -1 with value -inf for a window all outside. Padding counts as -inf. */
void max_pool2d_real(const pool2d_shape *shape, const real *x, real *out, int64_t *index);
/* Fills all of grad_x. Gradients whose index is outside the plane are dropped. */
void max_pool2d_backward_real(const pool2d_shape *shape, const real *grad_out, const int64_t *index, real *grad_x);
/* Dilation is not looked at. Divided by the positions inside the plane or, with count_include_pad, plane and padding. */
void avg_pool2d_real(const pool2d_shape *shape, int64_t count_include_pad, const real *x, real *out);
void avg_pool2d_backward_real(const pool2d_shape *shape, int64_t count_include_pad, const real *grad_out, real *grad_x);

#endif
