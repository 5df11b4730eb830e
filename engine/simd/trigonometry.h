/* sin, cos and tan on vectors. See math.h for what is promised. */
#pragma once
#include "simd/math.h"

/* pi / 2 in parts, so that x - n pi / 2 keeps its relative accuracy up to |x| = REDUCED_BELOW. With fused multiply-add
 * the first product is subtracted exactly; without it the parts are short, so that n * part is exact. */
#if defined(LEVEL_AVX512) || defined(LEVEL_AVX2) || defined(__aarch64__)
#if REAL_IS_DOUBLE
#define HALF_PI_PARTS 0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110
#define REDUCED_BELOW 1e6
#else
#define HALF_PI_PARTS 0x1.921fb6p+0f, -0x1.777a5cp-25f, -0x1.ee59dap-50f
#define REDUCED_BELOW 1e5f
#endif
#elif REAL_IS_DOUBLE
#define HALF_PI_PARTS 0x1.921fb544p+0, 0x1.0b4611a6p-34, 0x1.3198a2ep-69, 0x1.b839a252049c1p-104
#define REDUCED_BELOW 1e6
#else
#define HALF_PI_PARTS 0x1.92p+0f, 0x1.fb4p-12f, 0x1.444p-24f, 0x1.68cp-39f, 0x1.1a6264p-54f
#define REDUCED_BELOW 1e4f
#endif

#if REAL_IS_DOUBLE
#define scalar_sin sin
#define scalar_cos cos
#define scalar_tan tan
#else
#define scalar_sin sinf
#define scalar_cos cosf
#define scalar_tan tanf
#endif

/* x = n pi / 2 + r, |r| <= pi / 4: gives sin r and cos r, and n in the low bits of *quadrant. */
static inline void sin_cos_reduced(vreal x, vreal *sine, vreal *cosine, vuint *quadrant) {
    static const real parts[] = {HALF_PI_PARTS};
    vreal shifted = vfma(x, vset(REAL_C(0.63661977236758134)), vset(SHIFTER)), n = shifted - vset(SHIFTER), r = x;
    *quadrant = (vuint)shifted;
    for (int i = 0; i < (int)(sizeof parts / sizeof parts[0]); i++) r = vfma(n, vset(-parts[i]), r);
    vreal z = r * r, half = vset(REAL_C(0.5)) * z, one_less = vset(1) - half;
#if REAL_IS_DOUBLE
    vreal s = POLYNOMIAL(z, -1.6666666666666632e-1, 8.3333333333223702e-3, -1.9841269829771318e-4,
                         2.7557313678706446e-6, -2.5050755966654124e-8, 1.5896666767233487e-10);
    vreal c = POLYNOMIAL(z, 4.1666666666666599e-2, -1.3888888888874065e-3, 2.4801587289443506e-5,
                         -2.7557314340650852e-7, 2.0875721620866463e-9, -1.1359559114849711e-11);
#else
    vreal s = POLYNOMIAL(z, -1.66666549e-1f, 8.33217584e-3f, -1.95169773e-4f);
    vreal c = POLYNOMIAL(z, 4.16666468e-2f, -1.38873645e-3f, 2.44380911e-5f);
#endif
    *sine = vfma(z * r, s, r);
    *cosine = one_less + (((vset(1) - one_less) - half) + z * z * c);
}

/* Some lane beyond the reduction's range? NaN and infinity are not: they give NaN by themselves. */
static inline int beyond_reduction(vreal x) {
    vreal size = vabs(x);
    return vany((size > vset(REDUCED_BELOW)) & (size < vset(REAL_INFINITY)));
}

/* sin(x + quarters * pi / 2) but for the lanes beyond the reduction's range, which keep the reduced formula. */
static inline vreal sin_shifted(vreal x, unsigned_integer quarters) {
    vreal sine, cosine;
    vuint quadrant;
    sin_cos_reduced(x, &sine, &cosine, &quadrant);
    quadrant += quarters;
    vint odd = (vint)(quadrant & (unsigned_integer)1) != vseti(0);
    vuint sign = (quadrant & (unsigned_integer)2) << (sizeof(real) * 8 - 2);
    return (vreal)((vuint)vselect(odd, cosine, sine) ^ sign);
}

/* Each lane from the C library: arguments so large are rare. */
#define LANES_FROM_LIBRARY(function, x, result)                                                                        \
    for (int i = 0; i < LANES; i++)                                                                                    \
        if (fabs((double)x[i]) > REDUCED_BELOW) result[i] = function(x[i])

/* 2 and 2 ulp. */
static inline vreal vsin(vreal x) {
    vreal result = vselect(x == vset(0), x, sin_shifted(x, 0)); /* sin(-0) is -0 */
    if (__builtin_expect(beyond_reduction(x), 0)) LANES_FROM_LIBRARY(scalar_sin, x, result);
    return result;
}

/* 2 and 2 ulp. */
static inline vreal vcos(vreal x) {
    vreal result = sin_shifted(x, 1);
    if (__builtin_expect(beyond_reduction(x), 0)) LANES_FROM_LIBRARY(scalar_cos, x, result);
    return result;
}

/* sin / cos, or -cos / sin in the odd quadrants. 3.5 and 4 ulp. */
static inline vreal vtan(vreal x) {
    vreal sine, cosine;
    vuint quadrant;
    sin_cos_reduced(x, &sine, &cosine, &quadrant);
    vint odd = (vint)(quadrant & (unsigned_integer)1) != vseti(0);
    vreal result = vselect(odd, -cosine, sine) / vselect(odd, sine, cosine);
    result = vselect(x == vset(0), x, result);
    if (__builtin_expect(beyond_reduction(x), 0)) LANES_FROM_LIBRARY(scalar_tan, x, result);
    return result;
}
