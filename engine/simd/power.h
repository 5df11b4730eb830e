/* pow on vectors: e^(y log x) with log x and the product carried to twice the precision. See math.h. */
#pragma once
#include "simd/math.h"

/* high + low = log(x) for positive x, to about 2^-40 (float) or 2^-65 (double) of its size.
 * With s = f / (2 + f): log(1 + f) = 2 atanh(s) = 2 s + 2/3 s^3 + s^5 (2/5 + 2/7 s^2 + ...); the first two terms are
 * computed in two parts, the rest is small enough for one. */
static inline vreal log_in_two_parts(vreal x, vreal *low) {
    vreal k, f = split_positive(x, &k);
    vreal d = vset(2) + f, d_low = f - (d - vset(2)), s = f / d;
    vreal product = s * d;
    vreal s_low = (((f - product) - product_error(s, d, product)) - s * d_low) / d;
    vreal z = s * s, z_low = product_error(s, s, z) + vset(2) * s * s_low;
    vreal cube = s * z, cube_low = product_error(s, z, cube) + (s * z_low + s_low * z);
#if REAL_IS_DOUBLE
    const vreal third = vset(0x1.5555555555555p-1), third_low = vset(0x1.5555555555555p-55); /* 2/3 */
    vreal p = POLYNOMIAL(z, 3.9999999999999977e-1, 2.8571428571445217e-1, 2.222222221751081e-1, 1.818181887347337e-1,
                         1.5384556654898538e-1, 1.333632575316818e-1, 1.1674648957150616e-1, 1.1990428114443311e-1);
    const vreal ln2_lowest = vset(0x1.f97b57a079a19p-103);
#else
    const vreal third = vset(0x1.555556p-1f), third_low = vset(-0x1.555556p-26f);
    vreal p = POLYNOMIAL(z, 3.99999982e-1f, 2.85718752e-1f, 2.21849392e-1f, 1.94691596e-1f);
    const vreal ln2_lowest = vset(0x1.ef357ap-45f);
#endif
    vreal term = third * cube;
    vreal term_low = product_error(third, cube, term) + (third * cube_low + third_low * cube) + cube * z * p;
    /* k ln 2 + 2 s + term: each sum keeps what it rounds away, the larger number first */
    vreal first = k * vset(LN2_HIGH), second = s + s, sum = first + second;
    vreal sum_low = second - (sum - first);
    vreal high = sum + term, high_low = term - (high - sum);
    vreal rest = vfma(k, ln2_lowest, (s_low + s_low) + term_low + sum_low + high_low);
    vreal middle = k * vset(LN2_LOW); /* 2^-44 of ln 2 and less, but more than one rounding of `high` */
    vreal result = high + middle;
    *low = (middle - (result - high)) + (rest + product_error(k, vset(LN2_LOW), middle));
    return result;
}

/* x^y with C's special cases. 1.5 and 1.5 ulp. */
static inline vreal vpow(vreal x, vreal y) {
    const vreal zero = vset(0), one = vset(1), infinity = vset(REAL_INFINITY);
#if REAL_IS_DOUBLE
    const vreal largest = vset(0x1p64); /* beyond it x^y is 0, 1 or infinite */
#else
    const vreal largest = vset(0x1p33f);
#endif
    vreal size = vabs(x), low, high = log_in_two_parts(size, &low);
    vreal bounded = vmin(largest, vmax(-largest, y));
    vreal product = bounded * high, product_low = product_error(bounded, high, product) + bounded * low;
    vint usual = vabs(product) < vset(-2 * EXP_LOWEST); /* otherwise the low part says nothing */
    vreal result = exp_corrected(product, vselect(usual, product_low, zero));
    /* |x| = 0 or infinity */
    vreal extreme = vselect((vint)(size == zero) ^ (vint)(y < zero), zero, infinity);
    result = vselect((vint)(size == zero) | (vint)(size == infinity), extreme, result);
    /* negative x: the sign of an odd power; no other than integer powers */
    vreal half = y * vset(REAL_C(0.5));
    vint integral = vfloor(y) == y, odd = integral & (vint)(vfloor(half) != half);
    result = (vreal)((vint)result | (odd & vsignbits(x)));
    vint undefined = (vint)(x < zero) & (vint)(size < infinity) & ~integral;
    result = vselect(undefined, vset(REAL_NAN), result);
    result = vselect((vint)(x != x) | (vint)(y != y), x + y, result);
    return vselect((vint)(x == one) | (vint)(y == zero), one, result);
}
