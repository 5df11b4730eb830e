/* exp, log, tanh, erf and their relatives on vectors; sin, cos and pow come with it.
 *
 * Each function says its largest error in ulp (units in the last place of the exact result), float then double, as
 * tests/engine/test_math.py checks it at every instruction set. All of them take and give subnormals, infinities,
 * NaN and signed zeros as the C library does; they have no branches on the data, except where it is said.
 *
 * The polynomials are minimax polynomials computed for this file: coefficients.py prints them. The ways around them are
 * the standard ones: Cody and Waite's reduction (Software Manual for the Elementary Functions, 1980), Tang's and Sun's
 * arrangement of log in f - f^2/2 + ..., and Shepherd and Laframboise's variable for erfc (Math. Comp. 36, 1981). */
#pragma once
#include "simd/simd.h"

typedef unsigned_integer vuint __attribute__((vector_size(VECTOR_BYTES)));

/* Adding SHIFTER to |x| < 2^(MANTISSA_BITS - 1) rounds x to the nearest integer, which then stands in the low bits. */
#if REAL_IS_DOUBLE
#define SHIFTER 0x1.8p52
#define SMALLEST_NORMAL 0x1p-1022
#define SQRT_HALF_BITS 0x3fe6a09e667f3bcdULL
#else
#define SHIFTER 0x1.8p23f
#define SMALLEST_NORMAL 0x1p-126f
#define SQRT_HALF_BITS 0x3f3504f3U
#endif
#define REAL_INFINITY ((real)INFINITY)
#define REAL_NAN ((real)NAN)

/* c[0] + c[1] x + ... ; unrolled, the coefficients being constants. */
static inline __attribute__((always_inline)) vreal polynomial(vreal x, const real *c, int count) {
    vreal p = vset(c[count - 1]);
    for (int i = count - 2; i >= 0; i--) p = vfma(p, x, vset(c[i]));
    return p;
}
#define POLYNOMIAL(x, ...)                                                                                             \
    polynomial(x, (const real[]){__VA_ARGS__}, (int)(sizeof((const real[]){__VA_ARGS__}) / sizeof(real)))

static inline vreal vcopysign(vreal size, vreal sign) { return (vreal)((vint)vabs(size) | vsignbits(sign)); }

/* The rounding error of p = a * b: a * b - p exactly (but for underflow). Not written a * b - p, because a compiler may
 * then see p - p. Without fused multiply-add: Dekker's splitting, the halves cut out of the bits. */
static inline vreal product_error(vreal a, vreal b, vreal p) {
#if defined(LEVEL_AVX512) || defined(LEVEL_AVX2)
    return (vreal)V(fmsub)((native_vreal)a, (native_vreal)b, (native_vreal)p);
#elif defined(__aarch64__)
    return (vreal)NEON(fma)((native_vreal)(-p), (native_vreal)a, (native_vreal)b);
#else
    const vint high_half = vseti(-((integer)1 << (MANTISSA_BITS / 2 + 1)));
    vreal a_high = (vreal)((vint)a & high_half), b_high = (vreal)((vint)b & high_half);
    vreal a_low = a - a_high, b_low = b - b_high;
    return ((a_high * b_high - p) + (a_high * b_low + a_low * b_high)) + a_low * b_low;
#endif
}

/* ---- rounding to integers: exact ---- */

#if defined(LEVEL_AVX512)
#define ROUND_NATIVE(x, mode) (vreal) V(roundscale)((native_vreal)(x), mode)
#elif defined(LEVEL_AVX2)
#define ROUND_NATIVE(x, mode) (vreal) V(round)((native_vreal)(x), mode)
#endif

#if defined(ROUND_NATIVE) /* mode: 8 is "no exception", the low bits the direction */
static inline vreal vround(vreal x) { return ROUND_NATIVE(x, 8); }
static inline vreal vfloor(vreal x) { return ROUND_NATIVE(x, 9); }
static inline vreal vceil(vreal x) { return ROUND_NATIVE(x, 10); }
static inline vreal vtrunc(vreal x) { return ROUND_NATIVE(x, 11); }
#elif defined(__aarch64__)
static inline vreal vround(vreal x) { return (vreal)NEON(rndn)((native_vreal)x); }
static inline vreal vfloor(vreal x) { return (vreal)NEON(rndm)((native_vreal)x); }
static inline vreal vceil(vreal x) { return (vreal)NEON(rndp)((native_vreal)x); }
static inline vreal vtrunc(vreal x) { return (vreal)NEON(rnd)((native_vreal)x); }
#else
static inline vreal vround(vreal x) { /* half to even; numbers of 2^MANTISSA_BITS and more are integers already */
    const vreal limit = vset(SHIFTER / REAL_C(1.5));
    vreal size = vabs(x);
    return vselect(size < limit, vcopysign((size + limit) - limit, x), x);
}
static inline vreal vfloor(vreal x) {
    vreal r = vround(x);
    return vcopysign(r - (vreal)((vint)(r > x) & (vint)vset(1)), x);
}
static inline vreal vceil(vreal x) {
    vreal r = vround(x);
    return vcopysign(r + (vreal)((vint)(r < x) & (vint)vset(1)), x);
}
static inline vreal vtrunc(vreal x) { return vcopysign(vfloor(vabs(x)), x); }
#endif

/* ---- exp and its relatives ---- */

#if REAL_IS_DOUBLE
#define LN2_HIGH 0x1.62e42fefa3800p-1 /* its trailing zeros make k * LN2_HIGH exact */
#define LN2_LOW 0x1.ef35793c76730p-45
#define EXP_LOWEST (-746.0) /* exp is 0 below, infinite above EXP_HIGHEST */
#define EXP_HIGHEST 710.0
#define EXPM1_LOWEST (-50.0) /* expm1 is -1 below */
#define TANH_HIGHEST 40.0    /* tanh(x / 2) is 1 above */
#define LINEAR_BELOW 0x1p-54 /* expm1(x) is x below */
#define TANH_LINEAR_BELOW 0x1p-27
#else
#define LN2_HIGH 0x1.62e4p-1f
#define LN2_LOW 0x1.7f7d1cp-20f
#define EXP_LOWEST (-104.0f)
#define EXP_HIGHEST 89.0f
#define EXPM1_LOWEST (-30.0f)
#define TANH_HIGHEST 20.0f
#define LINEAR_BELOW 0x1p-25f
#define TANH_LINEAR_BELOW 0x1p-13f
#endif

/* p * 2^n for n = shifted - SHIFTER between -2 and 2 times the exponent range; rounded once. */
static inline vreal scale_by_power(vreal p, vreal shifted) {
#if defined(LEVEL_AVX512)
    return (vreal)V(scalef)((native_vreal)p, (native_vreal)(shifted - vset(SHIFTER)));
#else
    vuint twice_biased = (vuint)shifted - (vuint)vset(SHIFTER) + (unsigned_integer)(2 * EXPONENT_BIAS);
    vuint first = twice_biased >> 1, second = twice_biased - first;
    return p * (vreal)(first << MANTISSA_BITS) * (vreal)(second << MANTISSA_BITS);
#endif
}

/* x = n ln 2 + r, |r| <= ln 2 / 2: gives r and n + SHIFTER. */
static inline vreal reduce_by_ln2(vreal x, vreal *shifted) {
    *shifted = vfma(x, vset(REAL_C(1.4426950408889634)), vset(SHIFTER));
    vreal n = *shifted - vset(SHIFTER);
    return vfma(n, vset(-LN2_LOW), vfma(n, vset(-LN2_HIGH), x));
}

/* e^r - 1 for |r| <= ln 2 / 2, relative error 2^-26 or 2^-55 before rounding. */
static inline vreal expm1_reduced(vreal r) {
#if REAL_IS_DOUBLE
    vreal q = POLYNOMIAL(r, 5.0000000000000056e-1, 1.6666666666666687e-1, 4.1666666666572924e-2, 8.3333333333140946e-3,
                         1.3888888932625684e-3, 1.9841269904363511e-4, 2.4801504131676137e-5, 2.7557226543114247e-6,
                         2.7626457550548408e-7, 2.51149872506491e-8);
#else
    vreal q = POLYNOMIAL(r, 5.00000006e-1f, 1.66665425e-1f, 4.16662783e-2f, 8.36664748e-3f, 1.39467679e-3f);
#endif
    return vfma(r * r, q, r);
}

/* e^(x + low), low a small correction to x. */
static inline vreal exp_corrected(vreal x, vreal low) {
    vreal shifted;
    x = vmin(vset(EXP_HIGHEST), vmax(vset(EXP_LOWEST), x)); /* NaN stays */
    vreal r = reduce_by_ln2(x, &shifted) + low;
    return scale_by_power(vset(1) + expm1_reduced(r), shifted);
}

/* e^x. 1.1 and 1.1 ulp. */
static inline vreal vexp(vreal x) {
    vreal shifted;
    x = vmin(vset(EXP_HIGHEST), vmax(vset(EXP_LOWEST), x));
    vreal r = reduce_by_ln2(x, &shifted);
    return scale_by_power(vset(1) + expm1_reduced(r), shifted);
}

/* 2^x. 1.3 and 1.3 ulp. */
static inline vreal vexp2(vreal x) {
#if REAL_IS_DOUBLE
    x = vmin(vset(1025), vmax(vset(-1080), x));
#else
    x = vmin(vset(129), vmax(vset(-155), x));
#endif
    vreal shifted = x + vset(SHIFTER), r = x - (shifted - vset(SHIFTER));
#if REAL_IS_DOUBLE
    vreal q = POLYNOMIAL(r, 6.9314718055994531e-1, 2.4022650695910133e-1, 5.5504108664821748e-2, 9.6181291075933706e-3,
                         1.333355814637715e-3, 1.5403530458045072e-4, 1.5252733869583057e-5, 1.3215434828787646e-6,
                         1.0178045525399934e-7, 7.0738588699507192e-9, 4.4575400790139345e-10);
#else
    vreal q =
        POLYNOMIAL(r, 6.93147206e-1f, 2.40226514e-1f, 5.55032789e-2f, 9.61800239e-3f, 1.34002461e-3f, 1.54768109e-4f);
#endif
    return scale_by_power(vfma(r, q, vset(1)), shifted);
}

/* 2^(n + by) for n = shifted - SHIFTER, inside the range of normal numbers. */
static inline vreal power_of_two(vreal shifted, int by) {
    return (vreal)(((vuint)shifted - (vuint)vset(SHIFTER) + (unsigned_integer)(EXPONENT_BIAS + by)) << MANTISSA_BITS);
}

/* e^x - 1 = 2 (2^(n-1) (e^r - 1) + 2^(n-1) - 1/2), halved so that it overflows only where the result does.
 * 2 and 2.2 ulp. */
static inline vreal vexpm1(vreal x) {
    vreal shifted, clamped = vmin(vset(EXP_HIGHEST), vmax(vset(EXPM1_LOWEST), x));
    vreal q = expm1_reduced(reduce_by_ln2(clamped, &shifted)), scale = power_of_two(shifted, -1);
    vreal result = vset(2) * vfma(scale, q, scale - vset(REAL_C(0.5)));
    return vselect(vabs(x) < vset(LINEAR_BELOW), x, result);
}

/* tanh(x) = t / (t + 2), t = e^(2 |x|) - 1. 2.75 and 2.75 ulp. */
static inline vreal vtanh(vreal x) {
    vreal size = vabs(x), shifted;
    vreal q = expm1_reduced(reduce_by_ln2(vmin(vset(TANH_HIGHEST), size + size), &shifted));
    vreal scale = power_of_two(shifted, 0), t = vfma(scale, q, scale - vset(1));
    return vselect(size < vset(TANH_LINEAR_BELOW), x, vcopysign(t / (t + vset(2)), x));
}

/* 1 / (1 + e^-x), from e^-|x| so that nothing overflows. 2.5 and 2.5 ulp. */
static inline vreal vsigmoid(vreal x) {
    vreal e = vexp(-vabs(x));
    return vselect(x < vset(0), e, vset(1)) / (vset(1) + e);
}

/* ---- log and its relatives ---- */

/* x = 2^k (1 + f) for a positive normal x, 1 + f from sqrt(1/2) to sqrt(2): gives f, and k less `scaled_by`. */
static inline vreal split_exponent(vreal x, vuint scaled_by, vreal *k) {
    const unsigned_integer one_bits = (unsigned_integer)EXPONENT_BIAS << MANTISSA_BITS;
    vuint moved = (vuint)x + (one_bits - SQRT_HALF_BITS);
    vuint exponent = (moved >> MANTISSA_BITS) - scaled_by; /* with bias */
    *k = (vreal)(exponent + (vuint)vset(SHIFTER)) - vset(SHIFTER + EXPONENT_BIAS);
    vuint mantissa = moved & ((((unsigned_integer)1) << MANTISSA_BITS) - 1);
    return (vreal)(mantissa + SQRT_HALF_BITS) - vset(1);
}

/* The same for any positive number: subnormals are scaled up first. */
#define SUBNORMAL_SHIFT (MANTISSA_BITS + 1)
static inline vreal split_positive(vreal x, vreal *k) {
    vint subnormal = x < vset(SMALLEST_NORMAL);
    x = vselect(subnormal, x * vset((real)((uint64_t)1 << SUBNORMAL_SHIFT)), x);
    return split_exponent(x, (vuint)subnormal & (unsigned_integer)SUBNORMAL_SHIFT, k);
}

/* log(1 + f) - f + f^2 / 2 for the f of split_exponent; half_square = f^2 / 2. */
static inline vreal log_tail(vreal f, vreal half_square) {
#if REAL_IS_DOUBLE
    vreal s = f / (vset(2) + f), z = s * s;
    vreal p = POLYNOMIAL(z, 6.6666666666667349e-1, 3.9999999999411099e-1, 2.8571428743261758e-1, 2.2222198476061963e-1,
                         1.8183569736264444e-1, 1.5313903329432869e-1, 1.4797506973252228e-1);
    return s * vfma(z, p, half_square);
#else
    (void)half_square;
    vreal p = POLYNOMIAL(f, 3.33333126e-1f, -2.50000098e-1f, 2.00021193e-1f, -1.66679823e-1f, 1.42195223e-1f,
                         -1.24058172e-1f, 1.18886528e-1f, -1.16744465e-1f, 6.74396861e-2f);
    return f * f * f * p;
#endif
}

/* What a logarithm with its pole at `pole` gives for x at it, beyond it, infinite or NaN; else `result`. */
static inline vreal log_special(vreal x, real pole, vreal result) {
    result = vselect(x < vset(REAL_INFINITY), result, x); /* infinity and NaN */
    result = vselect(x > vset(pole), result, vset(-REAL_INFINITY));
    return vselect(x >= vset(pole), result, vset(REAL_NAN));
}

/* k ln 2 + log(1 + f) + correction. */
static inline vreal log_assembled(vreal k, vreal f, vreal correction) {
    vreal half_square = vset(REAL_C(0.5)) * f * f;
    vreal small = log_tail(f, half_square) + vfma(k, vset(LN2_LOW), correction);
    return vfma(k, vset(LN2_HIGH), f - (half_square - small));
}

/* 1 and 1 ulp. */
static inline vreal vlog(vreal x) {
    vreal k, f = split_positive(x, &k);
    return log_special(x, 0, log_assembled(k, f, vset(0)));
}

/* log(1 + x): the rounding error of 1 + x is put back. 1 and 1 ulp. */
static inline vreal vlog1p(vreal x) {
    vreal k, u = vset(1) + x, f = split_exponent(u, (vuint)vseti(0), &k);
    vreal lost = vselect(x > vset(1), vset(1) - (u - x), x - (u - vset(1))) / u;
    vint near = k == vset(0);
    f = vselect(near, x, f);
    vreal result = log_special(x, -1, log_assembled(k, f, vselect(near, vset(0), lost)));
    return vselect(x == vset(0), x, result); /* -0 */
}

/* The logarithm of another base: k * log_2 + log(1 + f) * log_e, both constants in two parts, the first of them short
 * enough that its products are exact. */
static inline vreal log_of_base(vreal x, real log_2_high, real log_2_low, real log_e_high, real log_e_low) {
    vreal k, f = split_positive(x, &k), half_square = vset(REAL_C(0.5)) * f * f;
    const vint high_half = vseti(-((integer)1 << (MANTISSA_BITS / 2 + 1)));
    vreal high = (vreal)((vint)(f - half_square) & high_half);
    vreal low = ((f - high) - half_square) + log_tail(f, half_square);
    vreal main_part = k * vset(log_2_high), added = high * vset(log_e_high), sum = main_part + added;
    vreal rest = (main_part - sum) + added;
    rest += vfma(k, vset(log_2_low), vfma(high, vset(log_e_low), low * vset(log_e_high + log_e_low)));
    return log_special(x, 0, sum + rest);
}

/* 1 and 1 ulp. */
static inline vreal vlog2(vreal x) {
#if REAL_IS_DOUBLE
    return log_of_base(x, 1, 0, 0x1.715476p+0, 0x1.4ae0bf85ddf44p-26);
#else
    return log_of_base(x, 1, 0, 0x1.714p+0f, 0x1.47652cp-12f);
#endif
}

/* 1 and 1 ulp. */
static inline vreal vlog10(vreal x) {
#if REAL_IS_DOUBLE
    return log_of_base(x, 0x1.344135p-2, 0x1.3ef3fde623e25p-31, 0x1.bcb7b1p-2, 0x1.49b9438ca9aaep-28);
#else
    return log_of_base(x, 0x1.344p-2f, 0x1.3509f8p-18f, 0x1.bcap-2f, 0x1.7b1526p-14f);
#endif
}

/* ---- erf ---- */

/* erf(x) for |x| < 1. */
static inline vreal erf_small(vreal x) {
    vreal z = x * x;
#if REAL_IS_DOUBLE
    vreal p = POLYNOMIAL(z, 1.2837916709551257e-1, -3.7612638903183748e-1, 1.1283791670954882e-1,
                         -2.6866170645077357e-2, 5.2239776248231081e-3, -8.5483269811041207e-4, 1.2055331120692094e-4,
                         -1.4925595465086955e-5, 1.6461003361915345e-6, -1.6350340069952753e-7, 1.4659938736528676e-8,
                         -1.1373402997998621e-9, 5.9579857417132332e-11);
#else
    vreal p = POLYNOMIAL(z, 1.28379166e-1f, -3.76126271e-1f, 1.12835993e-1f, -2.68544021e-2f, 5.18944383e-3f,
                         -8.01994364e-4f, 7.88584754e-5f);
#endif
    return vfma(x, p, x);
}

/* erfc(x) for 0.48 <= x <= 28: e^(-x^2) g(t) / (1 + 2 x), t = (x - 3) / (x + 3). */
static inline vreal erfc_large(vreal x) {
    vreal t = (x - vset(3)) / (x + vset(3)), square = x * x, error = product_error(x, x, square);
#if REAL_IS_DOUBLE
    vreal g = POLYNOMIAL(t, 1.2530080582697296, -1.3562110612458133e-1, -4.7562294353449555e-2, 1.2964515870278165e-1,
                         -1.1927366341539107e-1, 6.8308027343149145e-2, -2.377051491635128e-2, 2.529391831066992e-3,
                         1.8886903250557991e-3, -7.7983242114464699e-4, -1.0515949419004343e-4, 1.251002399004084e-4,
                         4.9477481931827653e-6, -2.0103858393761067e-5, -7.2511235400340585e-7, 3.4800046971200443e-6,
                         3.4157351770953393e-7, -6.2701982679009706e-7, -1.1868554594712904e-7, 1.0900997490185972e-7,
                         2.1741595002536358e-8, -1.4285999199570055e-8);
#else
    vreal g =
        POLYNOMIAL(t, 1.25300806f, -1.35621048e-1f, -4.75619984e-2f, 1.29643106e-1f, -1.1927841e-1f, 6.83286207e-2f,
                   -2.37440818e-2f, 2.44328347e-3f, 1.82837774e-3f, -6.16576379e-4f, -5.47191964e-5f);
#endif
    return exp_corrected(-square, -error) * (g / vfma(vset(2), x, vset(1)));
}

/* 1.75 and 2 ulp. */
static inline vreal verf(vreal x) {
    vreal size = vabs(x);
#if REAL_IS_DOUBLE
    vreal tail = erfc_large(vmax(vset(1), vmin(vset(6), size)));
#else /* erfc = e^-v, v a polynomial: nothing more is needed where erfc is added to 1 */
    vreal u = vmin(vset(4), size) - vset(1);
    vreal v = POLYNOMIAL(u, 1.84960551f, 2.63896751f, 8.43107082e-1f, 4.15634803e-2f, -1.00464512e-2f, 2.01196526e-3f,
                         -2.89527331e-4f, 2.16866428e-5f);
    vreal tail = vexp(-v);
#endif
    return vselect(size < vset(1), erf_small(x), vcopysign(vset(1) - tail, x));
}

/* 1 - erf(x). 5 and 5 ulp. */
static inline vreal verfc(vreal x) {
    vreal size = vabs(x), tail = erfc_large(vmax(vset(REAL_C(0.5)), vmin(vset(28), size)));
    vreal outside = vselect(x < vset(0), vset(2) - tail, tail);
    return vselect(size < vset(REAL_C(0.5)), vset(1) - erf_small(x), outside);
}

#include "simd/power.h"
#include "simd/trigonometry.h"
