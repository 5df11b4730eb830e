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
int num_threads(void);      /* at the start, the processors that the process may run on */
int set_num_threads(int n); /* n, or -1 when n is not in 1..256 */

/* ---- runtime/memory.c: memory of large results ---- */
/* At least `bytes` bytes from a cache line on, contents undefined; NULL when there are none. Memory that is given back is
 * kept for the next that takes as much, the newest first; beyond the limit the oldest goes back to the system. */
void *take_memory(int64_t bytes);
void give_memory(void *memory);
int64_t kept_memory(void);    /* bytes that wait to be taken */
int64_t release_memory(void); /* gives them to the system, and says how many they were */
int64_t kept_memory_limit(void);
int64_t
set_kept_memory_limit(int64_t bytes); /* the limit now (a sanitized build keeps nothing), or -1 for less than 0 */

/* ---- runtime/copy.c: strided copy and casts, below ---- */
/* The types of cast, as numbers. */
enum { TYPE_FLOAT32, TYPE_FLOAT64, TYPE_INT64, TYPE_INT32, TYPE_UINT8, TYPE_BOOL };

/* ---- runtime/random.c: Philox4x32-10 (Salmon et al., SC 2011) ---- */
/* The place in the stream of random numbers. Each call takes the blocks (of 128 bits) it needs from `offset` on and moves
 * it; how many depends on n alone. Element i of a result depends on (seed, offset, i) alone: not on threads. */
typedef struct {
    uint64_t seed, offset;
} philox_state;
/* words[4] of one block, as published; does not belong to any state. */
void philox_block(uint64_t seed, uint64_t counter_low, uint64_t counter_high, uint32_t *words);
/* ---- optim/gradient.c: how all update rules of an optimizer read gradients ---- */
/* g / scale, times min(1, max_norm / (norm + 1e-6)), within [-max_value, max_value]. */
typedef struct {
    double scale;
    double max_norm;      /* infinity: no limit; else gradient_norm has summed up square_sum for this step */
    double max_value;     /* infinity: no limit */
    double square_sum;    /* of all gradients of the optimizer, as they are */
    int refuse_nonfinite; /* gradients are looked at before a step, for numbers that are not finite */
} gradient_options;

/* ---- kernels/pool.c: the shape of a pooling ---- */
typedef struct {
    int64_t planes, height, width, kernel_height, kernel_width, stride_h, stride_w, padding_h, padding_w;
    int64_t dilation_h, dilation_w, out_height, out_width;
} pool2d_shape;

/* ---- kernels/conv.c ---- */
/* x[batch, in_channels, height, width] convolved with weight[out_channels, in_channels / groups, kernel_height,
 * kernel_width] gives out[batch, out_channels, out_height, out_width]. */
typedef struct {
    int64_t batch, in_channels, height, width, out_channels, kernel_height, kernel_width, stride_h, stride_w, padding_h,
        padding_w, dilation_h, dilation_w, groups, out_height, out_width;
} conv2d_shape;

/* ---- kernels/recurrent.c ---- */
enum { RECURRENT_TANH, RECURRENT_RELU, RECURRENT_LSTM, RECURRENT_GRU };
/* One direction of one layer. The rows of a sequence lie step after step: batch_sizes[0] rows, then batch_sizes[1], ...;
 * the sizes do not grow, are not 0, and the rows of a step belong to the first of those of the step before. */
typedef struct {
    int64_t kind, steps, input_size, hidden_size;
    int64_t output_size; /* of what goes on to the next step: hidden_size, or what an LSTM projects to */
    int64_t reverse;     /* from the last step to the first */
    const int64_t *batch_sizes;
} recurrent_shape;

/* ---- kernels/attention.c ---- */
typedef struct {
    int64_t batch, head, row; /* steps in numbers; the numbers of a row are neighbours */
} attention_layout;
/* query[batch, heads, queries, width], key[batch, key_heads, keys, width], value[batch, key_heads, keys, value_width];
 * heads is a multiple of key_heads. */
typedef struct {
    int64_t batch, heads, key_heads, queries, keys, width, value_width;
    double scale;
    int64_t causal;       /* query i sees keys 0..i */
    double dropout;       /* probability in [0, 1); 0: none. Which are dropped depends on `drawn` and place alone. */
    const int64_t *drawn; /* [2], by random_reserve: a block of words for each 4 keys of each query */
    attention_layout query, key, value, out, mask, grad_out, grad_query, grad_key, grad_value;
} attention_shape;

/* ---- runtime/integers.c, below ---- */
enum { INTEGER_ADD, INTEGER_SUB, INTEGER_MUL, INTEGER_MAXIMUM, INTEGER_MINIMUM, INTEGER_AND, INTEGER_OR, INTEGER_XOR };
enum { INTEGER_EQ, INTEGER_NE, INTEGER_LT, INTEGER_LE, INTEGER_GT, INTEGER_GE };

/* ---- runtime/program.c: recorded programs ---- */
/* Calls of the functions below, with their arguments, made again without Python. */
typedef struct program program;
program *program_new(void);
void program_free(program *p);
/* From now on this thread's calls are kept in p as they are made; NULL: no more. -1 when a recording is under way. */
int program_record(program *p);
/* The letters of runtime/program.h for a function's parameters; NULL for one that programs cannot hold. */
const char *recordable_parameters(const char *function);
int64_t program_calls(const program *p);
const char *program_function(const program *p, int64_t i); /* the name of what call i calls */
/* A letter for each parameter of call i, see runtime/program.h; and its arguments, a word each, which may be changed. */
const char *program_parameters(const program *p, int64_t i);
int64_t *program_words(const program *p, int64_t i);
int64_t program_list_length(const program *p, int64_t i); /* of the lists it is given */
/* Leaves only the calls kept[count], which ascend. -1 when they do not. */
int program_keep(program *p, int64_t count, const int64_t *kept);
/* *address, a word of the program, is where memory number `which` begins, and `offset` bytes on. */
void program_place(program *p, int64_t which, int64_t *address, int64_t offset);
/* Memory number `which` lies at `address` from now on. */
void program_move(program *p, int64_t which, const void *address);
/* Makes calls first..end-1. Returns -1, or the call that reported an offender, which program_reported gives. */
int64_t program_run(program *p, int64_t first, int64_t end);
int64_t program_reported(const program *p);
/* The same, and taken[end - first]: the seconds that each call took. */
int64_t program_measure(program *p, int64_t first, int64_t end, double *taken);

/*** recordable ***/
/* Functions of the runtime that programs hold. Those of the generic part they hold too. */

/* ---- runtime/copy.c: strided copy and casts ---- */
/* target = source, `shape` numbers of itemsize 1, 2, 4 or 8 bytes in at most 64 dimensions. Strides in bytes, of the
 * source also 0 (broadcast). No two numbers of the target share memory, nor do source and target. */
void copy_strided(int64_t itemsize, int64_t ndim, const int64_t *shape, const void *source,
                  const int64_t *source_strides, void *target, const int64_t *target_strides);
/* The same for `rows` runs of `columns` numbers; source and target step so many numbers from run to run. */
void copy_rows(int64_t itemsize, int64_t rows, int64_t columns, const void *source, int64_t source_step, void *target,
               int64_t target_step);
/* target[batch, rows, columns] = source below the diagonal (`upper`: above it) and on it, 0 elsewhere. Diagonal d begins
 * at column d of row 0, for negative d at row -d of column 0. */
void copy_triangle(int64_t itemsize, int64_t batch, int64_t rows, int64_t columns, int64_t diagonal, int64_t upper,
                   const void *source, void *target);
/* target[i] = source[i] in another type, contiguous. C's conversion, and where C has none: a float that the integer type
 * cannot hold gives its smallest number, uint8 is taken from int64 modulo 256; bool is x != 0, NaN included. */
void cast(int64_t n, int64_t from, const void *source, int64_t to, void *target);

/* target[n] = a number of itemsize 1, 2, 4 or 8 bytes, given as its bits. */
void fill_items(int64_t itemsize, int64_t n, int64_t bits, void *target);

/* ---- runtime/integers.c: numbers of a type (TYPE_INT64 to TYPE_BOOL), operands and steps as in binary.c ---- */
/* Whole numbers wrap around. out may be a or b where its step is 1. */
void integer_arithmetic(int64_t operation, int64_t type, int64_t n, const void *a, int64_t a_step, const void *b,
                        int64_t b_step, void *out);
void integer_comparison(int64_t operation, int64_t type, int64_t n, const void *a, int64_t a_step, const void *b,
                        int64_t b_step, uint8_t *out);
/* x[outer, n, inner] summed up over the middle to out[outer, inner]. */
void integer_sum(int64_t type, int64_t outer, int64_t n, int64_t inner, const void *x, int64_t *out);

/* ---- runtime/random.c ---- */
/* out[n] uniform in [low, high), without bias; low < high. */
void random_integers(philox_state *state, int64_t n, int64_t low, int64_t high, int64_t *out);
/* Takes so many blocks of the stream for a kernel that makes its random numbers itself: drawn[2] is the seed and the offset
 * of the first. */
void random_reserve(philox_state *state, int64_t blocks, int64_t *drawn);
/* out[n]: 0..n-1 in random order. */
void random_permutation(philox_state *state, int64_t n, int64_t *out);

/*** generic ***/
#ifdef real /* kernels see this part; the runtime, which knows no number type, does not */

/* ---- kernels/unary.c ---- */
/* out[i] = f(x[i]); out may be x. round is to the nearest even; sign(NaN) is 0; gelu_tanh is the tanh approximation. */
typedef void (*unary_kernel_real)(int64_t n, const real *x, real *out);
void neg_real(int64_t n, const real *x, real *out);
void abs_real(int64_t n, const real *x, real *out);
void sign_real(int64_t n, const real *x, real *out);
void square_real(int64_t n, const real *x, real *out);
void reciprocal_real(int64_t n, const real *x, real *out);
void sqrt_real(int64_t n, const real *x, real *out);
void rsqrt_real(int64_t n, const real *x, real *out);
void floor_real(int64_t n, const real *x, real *out);
void ceil_real(int64_t n, const real *x, real *out);
void round_real(int64_t n, const real *x, real *out);
void trunc_real(int64_t n, const real *x, real *out);
void frac_real(int64_t n, const real *x, real *out); /* x - trunc(x) */
void exp_real(int64_t n, const real *x, real *out);
void exp2_real(int64_t n, const real *x, real *out);
void expm1_real(int64_t n, const real *x, real *out);
void log_real(int64_t n, const real *x, real *out);
void log1p_real(int64_t n, const real *x, real *out);
void log2_real(int64_t n, const real *x, real *out);
void log10_real(int64_t n, const real *x, real *out);
void sin_real(int64_t n, const real *x, real *out);
void cos_real(int64_t n, const real *x, real *out);
void tan_real(int64_t n, const real *x, real *out);
void asin_real(int64_t n, const real *x, real *out);
void acos_real(int64_t n, const real *x, real *out);
void atan_real(int64_t n, const real *x, real *out);
void sinh_real(int64_t n, const real *x, real *out);
void cosh_real(int64_t n, const real *x, real *out);
void asinh_real(int64_t n, const real *x, real *out);
void acosh_real(int64_t n, const real *x, real *out);
void atanh_real(int64_t n, const real *x, real *out);
void tanh_real(int64_t n, const real *x, real *out);
void erf_real(int64_t n, const real *x, real *out);
void erfc_real(int64_t n, const real *x, real *out);
void sigmoid_real(int64_t n, const real *x, real *out);
void relu_real(int64_t n, const real *x, real *out);
void silu_real(int64_t n, const real *x, real *out);
void gelu_real(int64_t n, const real *x, real *out);
void gelu_tanh_real(int64_t n, const real *x, real *out);
void softplus_real(int64_t n, const real *x, real *out);
void logsigmoid_real(int64_t n, const real *x, real *out);
void logit_real(int64_t n, const real *x, real *out); /* log(x / (1 - x)) */

/* ---- kernels/binary.c ---- */
/* out[i] = f(a[i * a_step], b[i * b_step]), steps 0 (one number for all) or 1; out may be a or b where its step is 1.
 * maximum and minimum are NaN where either operand is, fmax and fmin where both are. remainder has the sign of b.
 * logaddexp is log(e^a + e^b); xlogy a log(b), and 0 where a is. */
typedef void (*binary_kernel_real)(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void add_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void sub_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void mul_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void div_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void pow_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void maximum_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void minimum_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void fmax_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void fmin_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void copysign_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void atan2_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void logaddexp_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void xlogy_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void hypot_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void fmod_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void remainder_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void floor_divide_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
/* The gradient of the argument: a the gradient of the result, b the result (relu, tanh, sigmoid) or the argument. */
void relu_backward_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void tanh_backward_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void sigmoid_backward_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void silu_backward_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void gelu_backward_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);
void gelu_tanh_backward_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, real *out);

/* ---- kernels/activation.c: activations with numbers to set; what a and b are stands with each ---- */
/* out[i] = f(x[i]); out may be x. The backward: out[i] = grad[i] f'(x[i]); out may be grad or x. */
void elu_activation_real(int64_t n, const real *x, double a, double b, real *out); /* x > 0 ? x : a (e^(b x) - 1) */
void elu_gradient_real(int64_t n, const real *grad, const real *x, double a, double b, real *out);
void selu_activation_real(int64_t n, const real *x, double a, double b,
                          real *out); /* a: scale, b: scale alpha: x > 0 ? a x : b (e^x - 1) */
void selu_gradient_real(int64_t n, const real *grad, const real *x, double a, double b, real *out);
void leaky_relu_activation_real(int64_t n, const real *x, double a, double b, real *out); /* x > 0 ? x : a x */
void leaky_relu_gradient_real(int64_t n, const real *grad, const real *x, double a, double b, real *out);
void hardtanh_activation_real(int64_t n, const real *x, double a, double b,
                              real *out); /* a below a, b above b, x between (a NaN stays) */
void hardtanh_gradient_real(int64_t n, const real *grad, const real *x, double a, double b, real *out);
void threshold_activation_real(int64_t n, const real *x, double a, double b, real *out); /* x > a ? x : b; NaN stays */
void threshold_gradient_real(int64_t n, const real *grad, const real *x, double a, double b, real *out);
void hardshrink_activation_real(int64_t n, const real *x, double a, double b, real *out); /* 0 for |x| <= a, else x */
void hardshrink_gradient_real(int64_t n, const real *grad, const real *x, double a, double b, real *out);
void softshrink_activation_real(int64_t n, const real *x, double a, double b,
                                real *out); /* 0 for |x| <= a, else x moved by a towards 0 */
void softshrink_gradient_real(int64_t n, const real *grad, const real *x, double a, double b, real *out);
void hardsigmoid_activation_real(int64_t n, const real *x, double a, double b,
                                 real *out); /* min(6, max(0, x + 3)) / 6 */
void hardsigmoid_gradient_real(int64_t n, const real *grad, const real *x, double a, double b, real *out);
void hardswish_activation_real(int64_t n, const real *x, double a, double b, real *out); /* x hardsigmoid(x) */
void hardswish_gradient_real(int64_t n, const real *grad, const real *x, double a, double b, real *out);
void softplus_beta_activation_real(int64_t n, const real *x, double a, double b,
                                   real *out); /* log(1 + e^(a x)) / a; x where a x > b */
void softplus_beta_gradient_real(int64_t n, const real *grad, const real *x, double a, double b, real *out);
void log_sigmoid_activation_real(int64_t n, const real *x, double a, double b, real *out); /* log sigmoid(x) */
void log_sigmoid_gradient_real(int64_t n, const real *grad, const real *x, double a, double b, real *out);
void mish_activation_real(int64_t n, const real *x, double a, double b, real *out); /* x tanh(log(1 + e^x)) */
void mish_gradient_real(int64_t n, const real *grad, const real *x, double a, double b, real *out);
void softsign_activation_real(int64_t n, const real *x, double a, double b, real *out); /* x / (1 + |x|) */
void softsign_gradient_real(int64_t n, const real *grad, const real *x, double a, double b, real *out);
void huber_activation_real(int64_t n, const real *x, double a, double b,
                           real *out); /* b x^2 / 2 for |x| <= a, else b a (|x| - a / 2) */
void huber_gradient_real(int64_t n, const real *grad, const real *x, double a, double b, real *out);

/* ---- kernels/prelu.c: x[outer, channels, inner], weight[channels] ---- */
/* out = x > 0 ? x : weight x; out may be x. Backward: grad_weight = sums of grad x where x is not > 0; each where its
 * pointer is not NULL. */
void prelu_real(int64_t outer, int64_t channels, int64_t inner, const real *x, const real *weight, real *out);
void prelu_backward_real(int64_t outer, int64_t channels, int64_t inner, const real *grad, const real *x,
                         const real *weight, real *grad_x, real *grad_weight);

/* ---- kernels/glu.c: x[outer, 2, n], out[outer, n] ---- */
void glu_real(int64_t outer, int64_t n, const real *x, real *out); /* x[:, 0] sigmoid(x[:, 1]) */
void glu_backward_real(int64_t outer, int64_t n, const real *grad, const real *x, real *grad_x);

/* ---- kernels/select.c ---- */
/* Comparisons: bytes 0 or 1, operands and steps as in binary.c. */
typedef void (*compare_kernel_real)(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step,
                                    uint8_t *out);
void eq_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, uint8_t *out);
void ne_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, uint8_t *out);
void lt_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, uint8_t *out);
void le_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, uint8_t *out);
void gt_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, uint8_t *out);
void ge_real(int64_t n, const real *a, int64_t a_step, const real *b, int64_t b_step, uint8_t *out);
typedef void (*predicate_kernel_real)(int64_t n, const real *x, uint8_t *out);
void isnan_real(int64_t n, const real *x, uint8_t *out);
void isinf_real(int64_t n, const real *x, uint8_t *out);
void isfinite_real(int64_t n, const real *x, uint8_t *out);
void signbit_real(int64_t n, const real *x, uint8_t *out); /* 1 for -0 and for a NaN with the sign too */
/* out may be any of the inputs of its type that has step 1. */
void where_real(int64_t n, const uint8_t *condition, const real *a, int64_t a_step, const real *b, int64_t b_step,
                real *out);
/* out[i] = x[i] where the condition is `wanted` (0 or 1), else number; out may be x. */
void where_number_real(int64_t n, const uint8_t *condition, int64_t wanted, const real *x, double number, real *out);
void clamp_real(int64_t n, const real *x, double low, double high, real *out); /* min(max(x, low), high); NaN stays */
/* grad where low <= x <= high, else 0: the gradient of clamp. */
void clamp_backward_real(int64_t n, const real *grad, const real *x, double low, double high, real *out);
void nan_to_num_real(int64_t n, const real *x, double nan, double posinf, double neginf, real *out);
void addcdiv_real(int64_t n, const real *x, const real *a, const real *b, double value,
                  real *out); /* x + value a / b */
void addcmul_real(int64_t n, const real *x, const real *a, const real *b, double value, real *out); /* x + value a b */
void add_scaled_real(int64_t n, const real *a, const real *b, double alpha, real *out);             /* a + alpha b */
void lerp_real(int64_t n, const real *a, const real *b, double weight, real *out); /* a + weight (b - a) */
void lerp_weights_real(int64_t n, const real *a, const real *b, const real *weight, real *out);
void fill_real(int64_t n, double value, real *out);

/* ---- kernels/strided.c ---- */
/* One operand a number: out[i] = f(a[i], b), or f(a, b[i]). */
void binary_scalar_real(binary_kernel_real kernel, int64_t n, const real *a, double b, real *out);
void scalar_binary_real(binary_kernel_real kernel, int64_t n, double a, const real *b, real *out);
void compare_scalar_real(compare_kernel_real kernel, int64_t n, const real *a, double b, uint8_t *out);
/* Any layout, 64 dimensions at most: out[shape] contiguous; a and b read with their strides (0 where broadcast). out
 * may be an operand that is contiguous itself. */
void binary_strided_real(binary_kernel_real kernel, int64_t ndim, const int64_t *shape, const real *a,
                         const int64_t *a_strides, const real *b, const int64_t *b_strides, real *out);
void compare_strided_real(compare_kernel_real kernel, int64_t ndim, const int64_t *shape, const real *a,
                          const int64_t *a_strides, const real *b, const int64_t *b_strides, uint8_t *out);

/* ---- kernels/reduce.c ---- */
/* x[outer, n, inner] reduced over the middle to out[outer, inner]. Of nothing (n = 0): sum 0, prod 1, mean NaN, amax
 * -infinity, amin infinity, logsumexp -infinity. Sums are pairwise; NaN stays in amax and amin. */
void sum_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out);
void mean_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out);
void prod_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out);
void amax_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out);
void amin_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out);
void sum_squares_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out);
void logsumexp_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out);
/* var = sum (x - mean)^2 / max(0, n - correction). */
void mean_var_real(int64_t outer, int64_t n, int64_t inner, const real *x, double correction, real *mean_out,
                   real *var_out);

/* ---- kernels/extremum.c ---- */
/* x[outer, n, inner], n > 0: the position along the middle of the first largest (smallest) number, or of the first NaN,
 * as index[outer, inner]; max_index and min_index give the number too. */
void argmax_real(int64_t outer, int64_t n, int64_t inner, const real *x, int64_t *index);
void argmin_real(int64_t outer, int64_t n, int64_t inner, const real *x, int64_t *index);
void max_index_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out, int64_t *index);
void min_index_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out, int64_t *index);
/* The derivative of amax and amin: grad[outer, inner] shared evenly by the numbers of x equal to extreme[outer, inner]. */
void extreme_backward_real(int64_t outer, int64_t n, int64_t inner, const real *grad, const real *x,
                           const real *extreme, real *out);

/* ---- kernels/scan.c ---- */
/* out[outer, n, inner]: the sums and products of x[outer, 0..i, inner], carried in double; out may be x. */
void cumsum_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out);
void cumprod_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out);
/* The derivative of prod: out[outer, n, inner] = grad[outer, inner] times the product of all the others of x there. */
void prod_backward_real(int64_t outer, int64_t n, int64_t inner, const real *grad, const real *x, real *out);
/* out[i] = x[i] + factor[i] out[i - 1] along the middle, out[0] = x[0]; when reverse is not 0 from the end, out[i] = x[i]
 * + factor[i + 1] out[i + 1]. factor[0] is not used. Carried in double; out may be x. */
void linear_scan_real(int64_t outer, int64_t n, int64_t inner, const real *x, const real *factor, int64_t reverse,
                      real *out);
/* The largest (smallest) so far and where it stood: the last of equals; from the first NaN on, the latest NaN. */
void cummax_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out, int64_t *index);
void cummin_real(int64_t outer, int64_t n, int64_t inner, const real *x, real *out, int64_t *index);

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

/* ---- kernels/linear.c ---- */
/* The gradients of out[rows, out_features] = x weight^T + bias from that of out, each where its pointer is not NULL:
 * grad_x[rows, in_features] = grad weight; grad_weight[out_features, in_features] = grad^T x; grad_bias[out_features]
 * = sums of grad's columns. x[rows, in_features] and weight[out_features, in_features] with their strides. */
void linear_backward_real(int64_t rows, int64_t in_features, int64_t out_features, const real *grad, const real *x,
                          int64_t x_row, int64_t x_col, const real *weight, int64_t weight_row, int64_t weight_col,
                          real *grad_x, real *grad_weight, real *grad_bias);

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
void log_softmax_backward_real(int64_t outer, int64_t n, int64_t inner, const real *grad, const real *out,
                               real *grad_x);

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

/* Binary cross entropy of probabilities: -y max(log x, -100) - (1 - y) max(log(1 - x), -100); its derivative by x with
 * x (1 - x) at least 1e-12, times grad[i * grad_step]. */
void bce_real(int64_t n, const real *x, const real *target, real *out);
void bce_backward_real(int64_t n, const real *grad, int64_t grad_step, const real *x, const real *target, real *grad_x);
/* ---- kernels/norm.c: x[batch, channels, inner]; weight[channels] and bias[channels] may be NULL ---- */
/* out = (x - mean) / sqrt(var + eps) weight + bias, var being the sum of squared deviations over their number. */
/* group_norm: mean[batch, groups] and var of each channels / groups channels of a sample, written. mean NULL: nothing is
 * subtracted, var is the mean square (RMS norm). Layer norm: channels the normalised numbers, inner = groups = 1. */
void group_norm_real(int64_t batch, int64_t channels, int64_t inner, int64_t groups, const real *x, const real *weight,
                     const real *bias, double eps, real *out, real *mean, real *var);
/* Each of grad_x, grad_weight[channels] and grad_bias[channels] that is not NULL. */
void group_norm_backward_real(int64_t batch, int64_t channels, int64_t inner, int64_t groups, const real *grad,
                              const real *x, const real *weight, const real *mean, const real *var, double eps,
                              real *grad_x, real *grad_weight, real *grad_bias);
/* batch_norm: mean[channels] and var[channels] over batch and inner, written; with fixed != 0 they are given, and read. */
void batch_norm_real(int64_t batch, int64_t channels, int64_t inner, const real *x, const real *weight,
                     const real *bias, double eps, int64_t fixed, real *out, real *mean, real *var);
void batch_norm_backward_real(int64_t batch, int64_t channels, int64_t inner, const real *grad, const real *x,
                              const real *weight, const real *mean, const real *var, double eps, int64_t fixed,
                              real *grad_x, real *grad_weight, real *grad_bias);

/* ---- kernels/gather.c: every index is checked first; returns the first position out of range (and does nothing), or -1 ---- */
/* out[n, row] = table[index[n], row] */
int64_t gather_rows_real(int64_t n, int64_t row, int64_t table_rows, const real *table, const int64_t *index,
                         real *out);
/* table_grad[index[i], row] += grad[i, row] in the order of i, but for i with index[i] == skip (-1: none). */
int64_t scatter_add_rows_real(int64_t n, int64_t row, int64_t table_rows, const real *grad, const int64_t *index,
                              int64_t skip, real *table_grad);
/* out[outer, m, inner] = x[outer, index[outer, m, inner], inner], n being the size of x's middle */
int64_t gather_real(int64_t outer, int64_t n, int64_t inner, int64_t m, const real *x, const int64_t *index, real *out);
/* out[outer, index[outer, m, inner], inner] += source[outer, m, inner] in the order of m, n being the size of out's middle */
int64_t scatter_add_real(int64_t outer, int64_t n, int64_t inner, int64_t m, const real *source, const int64_t *index,
                         real *out);
/* The same with assignment, the last to one place staying; source NULL: `value` is written. */
int64_t scatter_real(int64_t outer, int64_t n, int64_t inner, int64_t m, const real *source, double value,
                     const int64_t *index, real *out);
/* One index[m] for all: out[o, i, :] = x[o, index[i], :] of x[outer, n, inner]. */
int64_t index_select_real(int64_t outer, int64_t n, int64_t inner, int64_t m, const real *x, const int64_t *index,
                          real *out);
/* out[o, index[i], :] += source[o, i, :], and = for index_copy (source NULL: `value`); the last to one place stays. */
int64_t index_add_real(int64_t outer, int64_t n, int64_t inner, int64_t m, const real *source, const int64_t *index,
                       real *out);
int64_t index_copy_real(int64_t outer, int64_t n, int64_t inner, int64_t m, const real *source, double value,
                        const int64_t *index, real *out);

/* ---- kernels/topk.c ---- */
/* The k largest (largest 0: smallest) of each row of x[rows, n], the best first, and where they stood; 0 <= k <= n. NaN
 * counts as larger than all numbers; of equal numbers the first comes first. */
void topk_real(int64_t rows, int64_t n, int64_t k, int64_t largest, const real *x, real *out, int64_t *index);

/* ---- kernels/pool.c: planes x[planes, height, width] to out[planes, out_height, out_width] ---- */
/* index (may be NULL): place of the maximum in its plane, h * width + w: the first of equals, the last NaN if there is
 * one; -1 with value -inf for a window all outside. Padding counts as -inf. */
void max_pool2d_real(const pool2d_shape *shape, const real *x, real *out, int64_t *index);
/* Fills all of grad_x. Gradients whose index is outside the plane are dropped. */
void max_pool2d_backward_real(const pool2d_shape *shape, const real *grad_out, const int64_t *index, real *grad_x);
/* Dilation is not looked at. Divided by the positions inside the plane or, with count_include_pad, plane and padding; or
 * by divisor_override unless that is 0. */
void avg_pool2d_real(const pool2d_shape *shape, int64_t count_include_pad, int64_t divisor_override, const real *x,
                     real *out);
void avg_pool2d_backward_real(const pool2d_shape *shape, int64_t count_include_pad, int64_t divisor_override,
                              const real *grad_out, real *grad_x);

/* ---- kernels/adaptive_pool.c: of the shape only planes, height, width, out_height, out_width count ---- */
/* Window i of a side reaches from i * size / windows, rounded down, to (i + 1) * size / windows, rounded up. */
void adaptive_avg_pool2d_real(const pool2d_shape *shape, const real *x, real *out);
void adaptive_avg_pool2d_backward_real(const pool2d_shape *shape, const real *grad_out, real *grad_x);
/* index as of max_pool2d, whose backward is this one's too. */
void adaptive_max_pool2d_real(const pool2d_shape *shape, const real *x, real *out, int64_t *index);

/* ---- kernels/unfold.c: columns[planes, kernel_height * kernel_width, out_height * out_width] ---- */
/* What lies under each place of the window, for all windows; 0 outside of the plane. */
void unfold2d_real(const pool2d_shape *shape, const real *x, real *columns);
/* Each number of the columns added to where unfold2d took it from. Fills all of x. */
void fold2d_real(const pool2d_shape *shape, const real *columns, real *x);

/* ---- kernels/resample.c: along the middle of x[outer, n, inner]; the index is checked as in gather.c ---- */
/* out[outer, m, inner] = sum over t of weight[m, t] x[outer, index[m, t], inner], t < taps.
 * weight NULL: taps is 1, and numbers are copied. */
int64_t resample_real(int64_t outer, int64_t n, int64_t inner, int64_t m, int64_t taps, const int64_t *index,
                      const double *weight, const real *x, real *out);
/* grad_x[outer, index[m, t], inner] += weight[m, t] grad_out[outer, m, inner], in the order of m. Fills all of grad_x. */
int64_t resample_backward_real(int64_t outer, int64_t n, int64_t inner, int64_t m, int64_t taps, const int64_t *index,
                               const double *weight, const real *grad_out, real *grad_x);

/* ---- kernels/recurrent.c: rows = the sum of batch_sizes, batch = batch_sizes[0], G gates of hidden_size (1, LSTM 4 in
 * the order i f g o, GRU 3 in the order r z n) ---- */
typedef struct {
    const real *w_ih, *w_hh; /* [G * hidden_size, input_size], [G * hidden_size, output_size] */
    const real *b_ih, *b_hh; /* [G * hidden_size], both or neither NULL */
    const real *w_hr;        /* [output_size, hidden_size], or NULL */
} recurrent_weights_real;
/* out[rows, output_size] and the last states h_n[batch, output_size], c_n[batch, hidden_size] from x[rows, input_size] and
 * the first states h0, c0 (c0 and c_n: LSTM). For the backward: gates[rows, G * hidden_size] after their nonlinearity (of
 * an RNN gates is out itself), an LSTM's cells[rows, hidden_size], and hidden[rows, hidden_size]: a GRU's
 * W_hn h + b_hn, a projecting LSTM's o tanh(c), else NULL. */
void recurrent_real(const recurrent_shape *shape, const recurrent_weights_real *weights, const real *x, const real *h0,
                    const real *c0, real *out, real *h_n, real *c_n, real *gates, real *cells, real *hidden);
/* Gradients: grad_h and grad_c come in as those of h_n and c_n and leave as those of h0 and c0. grad_out may be NULL, and
 * so may grad_x and every pointer of `gradients`, which are not wanted then. Working memory: grad_gates as gates,
 * grad_hidden[rows, hidden_size] of a GRU or [rows, output_size] of a projecting LSTM, previous[rows, output_size]. */
typedef struct {
    real *w_ih, *w_hh, *b_ih, *b_hh, *w_hr;
} recurrent_gradients_real;
void recurrent_backward_real(const recurrent_shape *shape, const recurrent_weights_real *weights, const real *x,
                             const real *h0, const real *c0, const real *out, const real *gates, const real *cells,
                             const real *hidden, const real *grad_out, real *grad_h, real *grad_c, real *grad_gates,
                             real *grad_hidden, real *previous, real *grad_x,
                             const recurrent_gradients_real *gradients);

/* ---- kernels/attention.c ---- */
/* out[batch, heads, queries, value_width] = softmax(scale query key^T + mask) value, mask[batch, heads, queries, keys] or
 * NULL; 0 for a query that sees nothing. log_sum[batch, heads, queries] is kept for the backward. */
void attention_real(const attention_shape *shape, const real *query, const real *key, const real *value,
                    const real *mask, real *out, real *log_sum);
/* factor[batch, heads, queries, keys] = 0 where dropout drops, else 1 / (1 - dropout). */
void attention_dropout_real(const attention_shape *shape, real *factor);
/* Adds to the gradients. */
void attention_backward_real(const attention_shape *shape, const real *query, const real *key, const real *value,
                             const real *mask, const real *out, const real *log_sum, const real *grad_out,
                             real *grad_query, real *grad_key, real *grad_value);

/* ---- kernels/multi_tensor.c: `count` tensors in one call; those whose pointer is NULL are passed over ---- */
/* norms[i] = the Euclidean norm of x[i]; 0 without numbers. NaN where there is a NaN, else infinity where there is one. */
void norms_real(int64_t count, const int64_t *size, const real *const *x, double *norms);
/* (sum |x|^order)^(1 / order); for 0 how many numbers are not 0, for inf and -inf the largest and smallest |x|; 0 without
 * numbers. NaN where there is a NaN (but for 0) or the order is one. The order is rounded to real. */
void norms_of_order_real(int64_t count, const int64_t *size, const real *const *x, double order, double *norms);
/* x[i] <- factor x[i]. Here and in clamp_all the tensors may overlap: then they are changed one after the other. */
void scale_all_real(int64_t count, const int64_t *size, real *const *x, double factor);
/* The same with the factor max_norm / (norm[0] + 1e-6), which is 1 at most. */
void clip_all_real(int64_t count, const int64_t *size, real *const *x, const double *norm, double max_norm);
/* x[i] <- min(high, max(low, x[i])); NaN where x[i] or a limit is NaN. */
void clamp_all_real(int64_t count, const int64_t *size, real *const *x, double low, double high);
/* out[i] <- x[i] */
void copy_all_real(int64_t count, const int64_t *size, const real *const *x, real *const *out);

/* ---- optim/group.h: what every update rule is given ---- */
/* The parameters of a param group. A rule skips those without gradient. Nothing here overlaps. */
typedef struct {
    int64_t count;       /* parameters; the arrays below hold so many */
    const int64_t *size; /* numbers in each */
    const int64_t *ndim; /* their shapes, for rules that look at rows and columns */
    const int64_t **shape;
    real **parameter;      /* updated in place */
    const real **gradient; /* NULL: no gradient now */
    float **step;          /* updates made so far, each a number somewhere; for rules that count */
    uint8_t *fresh;        /* not 0: the state was made for the coming update, which clears this */
    int maximize;          /* go along the gradients, not against them */
    gradient_options *options;
} param_group_real;

/* ---- optim/gradient.c ---- */
/* Sums up the squares of the group's gradients in options->square_sum, on top of what is there if `more` is not 0. Returns
 * the first parameter whose gradient holds a number that is not finite if the options look for that, else -1. */
int64_t gradient_norm_real(const param_group_real *group, int64_t more);

/* ---- optim/sgd.c ---- */
typedef struct {
    param_group_real parameters;
    real **momentum_buffer; /* read when momentum is not 0 */
    double lr;
    double momentum;
    double dampening;
    double weight_decay;
    int nesterov;
} sgd_group_real;
void sgd_update_real(const sgd_group_real *group);

typedef struct {
    param_group_real parameters;
    real **momentum_buffer; /* read when momentum is not 0 */
    double lr;
    double momentum;
    double weight_decay;
    double trust_coefficient;
    double eps;
    int nesterov;
} lars_group_real;
void lars_update_real(const lars_group_real *group);

/* ---- optim/lookahead.c ---- */
/* Gradients are not read; those that are NULL leave their parameters out. */
typedef struct {
    param_group_real parameters;
    real **slow_param;
    double alpha;
} lookahead_group_real;
void lookahead_update_real(const lookahead_group_real *group);

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
    int decoupled_weight_decay; /* it acts on the parameter (AdamW), not through the gradient (Adam) */
    int amsgrad;
    int eps_hat; /* eps is added to sqrt(v), not to sqrt(v / (1 - beta2^t)) */
} adam_group_real;
void adam_update_real(const adam_group_real *group);

/* ---- optim/lbfgs.c ---- */
/* Tensors one after the other, as one row of numbers. */
typedef struct {
    int64_t count;        /* tensors */
    const int64_t *start; /* [count + 1]: where each begins in the row; the last is the length of the row */
    real **tensor;        /* NULL stands for zeros, where the row is only read */
} lbfgs_row_real;
/* flat[n] = the row, read as gradients are with these options (NULL: as it is). measured[3]: the largest |number| (NaN if
 * there is a NaN), the sum of |numbers|, and flat times direction[n] (0 where that is NULL). Returns the first tensor with
 * a number that is not finite if the options look for that, else -1. */
int64_t lbfgs_gather_real(const lbfgs_row_real *row, gradient_options *options, const real *direction, real *flat,
                          double *measured);
/* row = base + step direction. base[n] NULL: the row itself; direction[n] NULL: no step. */
void lbfgs_move_real(const lbfgs_row_real *row, const real *base, double step, const real *direction);
/* y = gradient - previous, then previous = gradient; s = step direction. measured[2]: y s and y y. All of n numbers. */
void lbfgs_difference_real(int64_t n, const real *gradient, real *previous, double step, const real *direction, real *y,
                           real *s, double *measured);
/* What is known of the curvature: pairs of a change of the gradient and the step that made it, the oldest first. */
typedef struct {
    int64_t n;        /* numbers in a vector */
    int64_t count;    /* pairs */
    real **y;         /* [count] changes of the gradient */
    real **s;         /* [count] steps */
    const double *ro; /* [count] 1 / (y s) */
    double *al;       /* [count] written: ro (s q), q as it was when the pair was met */
    double scale;     /* the inverse Hessian before any pair, times the unit matrix */
} lbfgs_history_real;
/* direction[n] = -H gradient[n], H the inverse Hessian by the pairs. measured[2]: gradient times direction, and the
 * largest |direction| (NaN if there is a NaN). */
void lbfgs_direction_real(const lbfgs_history_real *history, const real *gradient, real *direction, double *measured);

/* ---- optim/rmsprop.c ---- */
typedef struct {
    param_group_real parameters;
    real **square_avg;
    real **momentum_buffer; /* read when momentum is not 0 */
    real **grad_avg;        /* read when centered is set */
    double lr;
    double alpha;
    double eps;
    double weight_decay;
    double momentum;
    int centered;
} rmsprop_group_real;
void rmsprop_update_real(const rmsprop_group_real *group);

/* ---- optim/adagrad.c ---- */
typedef struct {
    param_group_real parameters;
    real **sum;
    double lr;
    double lr_decay;
    double weight_decay;
    double initial_accumulator_value; /* what Python fills a new sum with */
    double eps;
} adagrad_group_real;
void adagrad_update_real(const adagrad_group_real *group);

/* ---- optim/adadelta.c ---- */
typedef struct {
    param_group_real parameters;
    real **square_avg;
    real **acc_delta;
    double lr;
    double rho;
    double eps;
    double weight_decay;
} adadelta_group_real;
void adadelta_update_real(const adadelta_group_real *group);

/* ---- optim/asgd.c ---- */
typedef struct {
    param_group_real parameters;
    float **eta; /* of the coming update: one number a parameter, as mu */
    float **mu;
    real **ax;
    double lr;
    double lambd;
    double alpha;
    double t0;
    double weight_decay;
} asgd_group_real;
void asgd_update_real(const asgd_group_real *group);

/* ---- optim/rprop.c ---- */
typedef struct {
    param_group_real parameters;
    real **prev;
    real **step_size;
    double lr; /* what Python fills a new step_size with */
    double etas[2];
    double step_sizes[2];
    double weight_decay;
} rprop_group_real;
void rprop_update_real(const rprop_group_real *group);

/* ---- optim/adamax.c ---- */
typedef struct {
    param_group_real parameters;
    real **exp_avg;
    real **exp_inf;
    double lr;
    double beta1;
    double beta2;
    double eps;
    double weight_decay;
} adamax_group_real;
void adamax_update_real(const adamax_group_real *group);

/* ---- optim/nadam.c ---- */
typedef struct {
    param_group_real parameters;
    float **mu_product;
    real **exp_avg;
    real **exp_avg_sq;
    double lr;
    double beta1;
    double beta2;
    double eps;
    double weight_decay;
    int decoupled_weight_decay;
    double momentum_decay;
} nadam_group_real;
void nadam_update_real(const nadam_group_real *group);

/* ---- optim/radam.c ---- */
typedef struct {
    param_group_real parameters;
    real **exp_avg;
    real **exp_avg_sq;
    double lr;
    double beta1;
    double beta2;
    double eps;
    double weight_decay;
    int decoupled_weight_decay;
} radam_group_real;
void radam_update_real(const radam_group_real *group);

/* ---- optim/yogi.c ---- */
typedef struct {
    param_group_real parameters;
    real **exp_avg;
    real **exp_avg_sq;
    double lr;
    double beta1;
    double beta2;
    double eps;
    double weight_decay;
    int decoupled_weight_decay;
    double initial_accumulator; /* what state starts from */
} yogi_group_real;
void yogi_update_real(const yogi_group_real *group);

/* ---- optim/adabelief.c ---- */
typedef struct {
    param_group_real parameters;
    real **exp_avg;
    real **exp_avg_var;
    real **max_exp_avg_var; /* read when amsgrad is set */
    double lr;
    double beta1;
    double beta2;
    double eps;
    double weight_decay;
    int decoupled_weight_decay;
    int amsgrad;
    int rectify; /* RAdam's steps */
} adabelief_group_real;
void adabelief_update_real(const adabelief_group_real *group);

/* ---- optim/lion.c ---- */
typedef struct {
    param_group_real parameters;
    real **exp_avg;
    double lr;
    double beta1;
    double beta2;
    double weight_decay;
} lion_group_real;
void lion_update_real(const lion_group_real *group);

/* ---- optim/lamb.c ---- */
typedef struct {
    param_group_real parameters;
    real **exp_avg;
    real **exp_avg_sq;
    double lr;
    double beta1;
    double beta2;
    double eps;
    double weight_decay;
    double clamp_value;  /* the norm of a parameter counts up to this */
    int bias_correction; /* divide the averages by 1 - beta^t */
    int trust_clip;      /* the trust ratio counts up to 1 */
} lamb_group_real;
void lamb_update_real(const lamb_group_real *group);

/* ---- optim/novograd.c ---- */
typedef struct {
    param_group_real parameters;
    real **exp_avg;
    real **exp_avg_sq;     /* one number each */
    real **max_exp_avg_sq; /* likewise; read when amsgrad is set */
    double lr;
    double beta1;
    double beta2;
    double eps;
    double weight_decay;
    int grad_averaging; /* new gradients count 1 - beta1 */
    int amsgrad;
} novograd_group_real;
void novograd_update_real(const novograd_group_real *group);

/* ---- optim/fromage.c ---- */
typedef struct {
    param_group_real parameters;
    double lr;
    double weight_decay;
} fromage_group_real;
void fromage_update_real(const fromage_group_real *group);

/* ---- optim/sm3.c ---- */
typedef struct {
    param_group_real parameters;
    real **accumulator;     /* for each dimension as many numbers as its size, one dimension after the other */
    real **momentum_buffer; /* read when momentum is not 0 */
    double lr;
    double momentum;
    double beta; /* 0: squares are summed up; else averaged */
    double eps;
    double weight_decay;
} sm3_group_real;
void sm3_update_real(const sm3_group_real *group);

/* ---- optim/adafactor.c ---- */
typedef struct {
    param_group_real parameters;
    real **row_var; /* [..., rows, 1] and [..., 1, columns] of a parameter of two or more dimensions */
    real **col_var;
    real **variance; /* of the others */
    double lr;
    double beta2_decay;
    double eps[2]; /* the first negative: the number type's own epsilon */
    double d;
    double weight_decay;
} adafactor_group_real;
void adafactor_update_real(const adafactor_group_real *group);

/* ---- optim/muon.c ---- */
typedef struct {
    param_group_real parameters; /* matrices */
    real **momentum_buffer;
    double lr;
    double weight_decay;
    double momentum;
    int nesterov;
    double ns_coefficients[3];
    double eps;
    int64_t ns_steps;
    int adjust_lr_fn; /* 0 original, 1 match_rms_adamw */
} muon_group_real;
void muon_update_real(const muon_group_real *group);

/* ---- kernels/conv.c ---- */
/* out = x * weight + bias[out_channels] (unless NULL), then the activation: 0 none, 1 ReLU. */
void conv2d_real(const conv2d_shape *shape, const real *x, const real *weight, const real *bias, int64_t activation,
                 real *out);
void conv2d_backward_input_real(const conv2d_shape *shape, const real *grad_out, const real *weight, real *grad_x);
/* grad_bias may be NULL. */
void conv2d_backward_weight_real(const conv2d_shape *shape, const real *x, const real *grad_out, real *grad_weight,
                                 real *grad_bias);

#endif
