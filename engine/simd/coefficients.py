"""Prints the polynomial coefficients of math.h and its companions, float and double (needs mpmath; no part of a build).

Each is the minimax polynomial of its function under its weight, found by Remez exchange in 60 digits; the error printed
behind it is the largest weighted error before the coefficients are rounded.
"""

from __future__ import annotations

from collections.abc import Callable

from mpmath import mp, mpf

mp.dps = 60
Function = Callable[[mpf], mpf]


def remez(f: Function, weight: Function, low: mpf, high: mpf, degree: int) -> tuple[list[mpf], mpf]:
    """Coefficients, lowest power first, that minimise max |weight * (f - p)| over [low, high], and that maximum."""
    count = degree + 2
    points = [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * i / (count - 1)) for i in range(count)]
    grid_size = 60 * count
    grid = [low + (high - low) * (1 - mp.cos(mp.pi * i / grid_size)) / 2 for i in range(grid_size + 1)]
    values = [(x, f(x), weight(x)) for x in grid]
    for _ in range(12):
        rows = mp.matrix(count, count)
        right = mp.matrix(count, 1)
        for i, x in enumerate(points):
            for j in range(degree + 1):
                rows[i, j] = x**j
            rows[i, degree + 1] = (-1) ** i / weight(x)
            right[i] = f(x)
        solution = mp.lu_solve(rows, right)
        p = [solution[j] for j in range(degree + 1)]
        errors = [w * (y - mp.polyval(p[::-1], x)) for x, y, w in values]
        extremes: list[int] = []  # one per run of equal sign: the largest
        for i, e in enumerate(errors):
            if extremes and (errors[extremes[-1]] > 0) == (e > 0):
                if abs(e) > abs(errors[extremes[-1]]):
                    extremes[-1] = i
            else:
                extremes.append(i)
        while len(extremes) > count:  # drop the smaller end
            extremes.pop(0 if abs(errors[extremes[0]]) < abs(errors[extremes[-1]]) else -1)
        if len(extremes) < count:
            break
        points = [grid[i] for i in extremes]
    return p, max(abs(e) for e in errors)


def near_zero(f: Function, at_zero: mpf) -> Function:
    """f with its limit where the formula divides by zero."""
    return lambda x: at_zero if x == 0 else f(x)


def show(name: str, f: Function, weight: Function, low: float, high: float, degrees: tuple[int, int]) -> None:
    for kind, degree, digits in (("float", degrees[0], 9), ("double", degrees[1], 17)):
        if degree:
            p, error = remez(f, weight, mpf(low), mpf(high), degree)
            print(f"{name} {kind}: error 2^{float(mp.log(error, 2)):.1f}")
            print("   ", ", ".join(mp.nstr(c, digits, min_fixed=0, max_fixed=0) for c in p))


def log_tail(f: mpf) -> mpf:
    return (mp.log(1 + f) - f + f * f / 2) / f**3


def atanh_series(z: mpf, first: int) -> mpf:
    """2 (atanh(s) - the terms before s^first) / s^first, in z = s^2."""
    return 2 * mp.nsum(lambda i: z**i / (2 * i + first), [0, mp.inf])


def even(f: Function, z: mpf) -> mpf:
    return f(mp.sqrt(z))


def main() -> None:
    half, root = mp.log(2) / 2, mp.sqrt(2)
    show(
        "exp: (e^r - 1 - r) / r^2",
        near_zero(lambda r: (mp.expm1(r) - r) / r**2, mpf("0.5")),
        lambda r: abs(r) + mpf("1e-9"),
        -half * 1.001,
        half * 1.0011,
        (4, 9),
    )
    show(
        "exp2: (2^r - 1) / r",
        near_zero(lambda r: mp.expm1(r * mp.log(2)) / r, mp.log(2)),
        lambda r: abs(r) + mpf("1e-3"),
        mpf("-0.5"),
        mpf("0.5001"),
        (5, 10),
    )
    show(
        "log: (log(1 + f) - f + f^2 / 2) / f^3",
        near_zero(log_tail, mpf(1) / 3),
        near_zero(lambda f: abs(f**3 / mp.log(1 + f)) + mpf("1e-12"), mpf("1e-12")),
        1 / root - 1,
        root - mpf("0.9999"),
        (8, 0),
    )
    s2 = ((root - 1) / (root + 1)) ** 2
    show("log: 2 (atanh(s) - s) / s^3", lambda z: atanh_series(z, 3), lambda z: z + mpf("1e-9"), 0, s2 * 1.001, (0, 6))
    show(
        "pow: 2 (atanh(s) - s - s^3 / 3) / s^5",
        lambda z: atanh_series(z, 5),
        lambda z: z * z + mpf("1e-9"),
        0,
        s2 * 1.001,
        (3, 7),
    )
    show(
        "sin: (sin r - r) / r^3",
        near_zero(lambda z: even(lambda r: (mp.sin(r) - r) / r**3, z), -mpf(1) / 6),
        lambda z: z + mpf("1e-9"),
        0,
        (mp.pi / 4) ** 2 * 1.001,
        (2, 5),
    )
    show(
        "cos: (cos r - 1 + r^2 / 2) / r^4",
        near_zero(lambda z: even(lambda r: (mp.cos(r) - 1 + r * r / 2) / r**4, z), mpf(1) / 24),
        lambda z: z * z + mpf("1e-9"),
        0,
        (mp.pi / 4) ** 2 * 1.001,
        (2, 5),
    )
    show(
        "erf, |x| < 1: erf(x) / x - 1",
        near_zero(lambda z: even(lambda x: mp.erf(x) / x - 1, z), 2 / mp.sqrt(mp.pi) - 1),
        lambda z: mpf(1),
        0,
        mpf("1.001"),
        (6, 12),
    )
    show(
        "erf, 1 <= x < 4: -log(erfc(x)) in x - 1",
        lambda u: -mp.log(mp.erfc(u + 1)),
        lambda u: mp.erfc(u + 1),
        -0.001,
        3.001,
        (7, 0),
    )
    low, high, k = mpf("0.48"), mpf(28), mpf(3)

    def scaled_erfc(t: mpf) -> mpf:
        x = k * (1 + t) / (1 - t)
        return mp.exp(x * x) * mp.erfc(x) * (1 + 2 * x)

    show(
        "erfc: e^(x^2) erfc(x) (1 + 2 x) in t = (x - 3) / (x + 3)",
        scaled_erfc,
        lambda t: 1 / scaled_erfc(t),
        (low - k) / (low + k),
        (high - k) / (high + k),
        (10, 21),
    )


if __name__ == "__main__":
    main()
