/* The vector type of the instruction set this file is compiled for, and what can be done with it.
 *
 * vreal holds LANES numbers of type real; vint the integers of the same width, as comparisons give them (all ones for
 * true). + - * / and comparisons are written as for plain numbers (GCC and Clang vector types); the functions below are
 * what those types lack. A kernel is written once with them and compiled for every instruction set. */
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* For functions that a loop is specialised by: compiled into it, with its constants. */
#define INLINE static inline __attribute__((always_inline))

#if defined(LEVEL_AVX512)
#define VECTOR_BYTES 64
#elif defined(LEVEL_AVX2)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

#if REAL_IS_DOUBLE
typedef int64_t integer;
typedef uint64_t unsigned_integer;
#define REAL_C(x) (x)
#define MANTISSA_BITS 52
#define EXPONENT_BIAS 1023
#define real_sqrt sqrt
#else
typedef int32_t integer;
typedef uint32_t unsigned_integer;
#define REAL_C(x) (x##f)
#define MANTISSA_BITS 23
#define EXPONENT_BIAS 127
#define real_sqrt sqrtf
#endif

#define LANES ((int)(VECTOR_BYTES / sizeof(real)))

typedef real vreal __attribute__((vector_size(VECTOR_BYTES)));
typedef integer vint __attribute__((vector_size(VECTOR_BYTES)));
typedef real vreal_anywhere __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(real)), may_alias));

/* Intrinsics are named by width and type: V(sqrt) is _mm512_sqrt_ps, _mm256_sqrt_pd, ... */
#define JOIN_(a, b, c) a##b##c
#define JOIN(a, b, c) JOIN_(a, b, c)
#if defined(LEVEL_AVX512)
#define V_PREFIX _mm512_
#elif defined(LEVEL_AVX2)
#define V_PREFIX _mm256_
#else
#define V_PREFIX _mm_
#endif
#if REAL_IS_DOUBLE
#define V(operation) JOIN(V_PREFIX, operation, _pd)
#define NEON(operation) JOIN(v, operation, q_f64)
#else
#define V(operation) JOIN(V_PREFIX, operation, _ps)
#define NEON(operation) JOIN(v, operation, q_f32)
#endif

/* The type that the intrinsics take. */
#if defined(__x86_64__)
typedef __typeof__(V(setzero)()) native_vreal;
#elif defined(__aarch64__) && REAL_IS_DOUBLE
typedef float64x2_t native_vreal;
#elif defined(__aarch64__)
typedef float32x4_t native_vreal;
#endif

static inline vreal vload(const real *p) { return *(const vreal_anywhere *)p; }
static inline void vstore(real *p, vreal v) { *(vreal_anywhere *)p = v; }

#if defined(LEVEL_AVX2)
/* All ones in the first n lanes: a window on ones followed by zeros. */
static inline __m256i partial_mask(int64_t n) {
    static const integer ones[2 * LANES] = {-1, -1, -1, -1,
#if !REAL_IS_DOUBLE
                                            -1, -1, -1, -1
#endif
    };
    return _mm256_loadu_si256((const __m256i *)(ones + LANES - n));
}
#endif

/* The first n < LANES numbers, the others zero; and their counterpart. Memory beyond them is not touched. */
static inline vreal vload_partial(const real *p, int64_t n) {
#if defined(LEVEL_AVX512) && REAL_IS_DOUBLE
    return (vreal)_mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), p);
#elif defined(LEVEL_AVX512)
    return (vreal)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif defined(LEVEL_AVX2)
    return (vreal)V(maskload)(p, partial_mask(n));
#else
    vreal v = {0};
    memcpy(&v, p, (size_t)n * sizeof(real));
    return v;
#endif
}
static inline void vstore_partial(real *p, int64_t n, vreal v) {
#if defined(LEVEL_AVX512) && REAL_IS_DOUBLE
    _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1), (__m512d)v);
#elif defined(LEVEL_AVX512)
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#elif defined(LEVEL_AVX2)
    V(maskstore)(p, partial_mask(n), (__typeof__(V(setzero)()))v);
#else
    memcpy(p, &v, (size_t)n * sizeof(real));
#endif
}

/* A whole vector, or the n numbers that are left. */
static inline vreal load_up_to(const real *x, int64_t n) { return n >= LANES ? vload(x) : vload_partial(x, n); }
static inline void store_up_to(real *x, int64_t n, vreal v) {
    if (n >= LANES)
        vstore(x, v);
    else
        vstore_partial(x, n, v);
}

static inline vreal vset(real x) { return x - (vreal){0}; } /* every lane x; x - 0 is x, for -0.0 too */
static inline vint vseti(integer x) { return x - (vint){0}; }

/* mask ? a : b, lane by lane. */
static inline vreal vselect(vint mask, vreal a, vreal b) { return (vreal)((mask & (vint)a) | (~mask & (vint)b)); }
static inline vint vselecti(vint mask, vint a, vint b) { return (mask & a) | (~mask & b); }

static inline vreal vabs(vreal x) { return (vreal)((vint)x & ~(vint)vset(-REAL_C(0.0))); }
static inline vint vsignbits(vreal x) { return (vint)x & (vint)vset(-REAL_C(0.0)); }

/* a * b + c, rounded once where the instruction set can (all but x86-64's baseline). Named, not left to the compiler:
 * in a * b + c * d it may fuse either product, and not the same one in a loop and in the loop's tail. */
static inline vreal vfma(vreal a, vreal b, vreal c) {
#if defined(LEVEL_AVX512) || defined(LEVEL_AVX2)
    typedef __typeof__(V(setzero)()) vector;
    return (vreal)V(fmadd)((vector)a, (vector)b, (vector)c);
#elif defined(__aarch64__)
    typedef __typeof__(NEON(dup_n)(0)) vector;
    return (vreal)NEON(fma)((vector)c, (vector)a, (vector)b);
#else
    return a * b + c;
#endif
}

static inline vreal vsqrt(vreal x) {
#if defined(__x86_64__)
    return (vreal)V(sqrt)((native_vreal)x);
#elif defined(__aarch64__)
    return (vreal)NEON(sqrt)((native_vreal)x);
#else
    for (int i = 0; i < LANES; i++) x[i] = real_sqrt(x[i]);
    return x;
#endif
}

/* The larger and the smaller of two; b where either is NaN (so put the one whose NaN must survive second). */
#if defined(__x86_64__) /* what the processor's instructions do by themselves */
static inline vreal vmax(vreal a, vreal b) { return (vreal)V(max)((native_vreal)a, (native_vreal)b); }
static inline vreal vmin(vreal a, vreal b) { return (vreal)V(min)((native_vreal)a, (native_vreal)b); }
#else
static inline vreal vmax(vreal a, vreal b) { return vselect(a > b, a, b); }
static inline vreal vmin(vreal a, vreal b) { return vselect(a < b, a, b); }
#endif

/* The larger and the smaller of two; NaN where either is. (vmax keeps b's NaN; a's is put back by the selection, which
 * needs a alone, so that a running maximum is best given as b.) */
static inline vreal vmaximum(vreal a, vreal b) { return vselect(a != a, a, vmax(a, b)); }
static inline vreal vminimum(vreal a, vreal b) { return vselect(a != a, a, vmin(a, b)); }

/* Sum of all lanes, always in the same order: halves onto halves. */
static inline real vsum(vreal v) {
#if defined(LEVEL_AVX512)
    return V(reduce_add)((__typeof__(V(setzero)()))v);
#else
    real x[LANES];
    memcpy(x, &v, sizeof x);
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++) x[i] += x[i + half];
    return x[0];
#endif
}

/* Any lane true? */
static inline int vany(vint mask) {
#if defined(LEVEL_AVX512)
    return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(LEVEL_AVX2)
    return _mm256_movemask_epi8((__m256i)mask) != 0;
#elif defined(__x86_64__)
    return _mm_movemask_epi8((__m128i)mask) != 0;
#elif defined(__aarch64__)
    return vmaxvq_u32((uint32x4_t)mask) != 0;
#else
    integer found = 0;
    for (int i = 0; i < LANES; i++) found |= mask[i];
    return found != 0;
#endif
}
