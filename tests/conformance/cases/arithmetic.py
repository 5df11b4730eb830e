"""Cases of the elementwise operations and comparisons. The in-place forms run them too."""

from collections.abc import Callable
from typing import Any

import numpy as np

NAN, INF = float("nan"), float("inf")
SPECIAL = [NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1.5, 2.5]

Case = Callable[[Any, Any], Any]


def one(name: str, low: float, high: float, integers: bool = True) -> list[Case]:
    """Cases of an operation of one operand that is smooth from ``low`` to ``high``."""

    def f(T: Any) -> Any:
        return getattr(T, name)

    cases = [
        lambda T, x: f(T)(x.uniform(low, high, 3, 4)),
        lambda T, x: f(T)(x.uniform(low, high)),
        lambda T, x: f(T)(x.uniform(low, high, 0, 3)),
        lambda T, x: f(T)(x.uniform(low, high, 4, 3).transpose(0, 1)),
        lambda T, x: f(T)(x.uniform(low, high, 5, 6)[1::2, ::3]),
        lambda T, x: f(T)(x.uniform(low, high, 3, 1).expand(3, 4)),
        lambda T, x: f(T)(x.uniform(low, high, 41)),
        lambda T, x: f(T)(x.tensor(SPECIAL)),
        lambda T, x: f(T)(x.tensor([-1e30, -3.0, -1.0, 0.0, 1.0, 3.0, 1e30])),
    ]
    if integers:
        cases += [
            lambda T, x: f(T)(x.int(3, 4, low=1, high=4)),
            lambda T, x: f(T)(x.int(3, low=0, high=2, dtype="int32")),
            lambda T, x: f(T)(x.int(3, low=0, high=5, dtype="uint8")),
            lambda T, x: f(T)(x.bool(3)),
            lambda T, x: f(T)(x.int(low=1, high=4)),
        ]
    return [*cases, lambda T, x: f(T)("text"), lambda T, x: f(T)(1.5)]


def two(name: str, low: float = -2.0, high: float = 2.0, least: int = 1) -> list[Case]:
    """Cases of an operation of two operands from ``low`` to ``high``; integers from ``least``."""

    def f(T: Any) -> Any:
        return getattr(T, name)

    def r(x: Any, *shape: int) -> Any:
        return x.uniform(low, high, *shape)

    floats: list[Case] = [
        lambda T, x: f(T)(r(x, 3, 4), r(x, 3, 4)),
        lambda T, x: f(T)(r(x, 3, 1), r(x, 4)),
        lambda T, x: f(T)(r(x, 2, 1, 3), r(x, 1, 4, 1)),
        lambda T, x: f(T)(r(x), r(x, 3)),
        lambda T, x: f(T)(r(x, 3), r(x)),
        lambda T, x: f(T)(r(x), r(x)),
        lambda T, x: f(T)(r(x, 0, 3), r(x, 3)),
        lambda T, x: f(T)(r(x, 0), r(x, 1)),
        lambda T, x: f(T)(r(x, 4, 3).t(), r(x, 3, 4)),
        lambda T, x: f(T)(r(x, 3, 4), r(x, 6, 8)[::2, 1::2]),
        lambda T, x: f(T)(r(x, 3, 1).expand(3, 4), r(x, 3, 4)),
        lambda T, x: f(T)(r(x, 3), 2),
        lambda T, x: f(T)(r(x, 3), 1.5),
        lambda T, x: f(T)(r(x), 2),
        lambda T, x: f(T)(r(x, 3), x.tensor([1, 2, 3])),
        lambda T, x: f(T)(x.tensor([1, 2, 3], "int32"), r(x, 3)),
        lambda T, x: f(T)(x.tensor([1, 2, 3]), r(x)),
        lambda T, x: f(T)(r(x, 3), x.tensor([True, False, True])),
        lambda T, x: f(T)(x.tensor(np.repeat(SPECIAL, len(SPECIAL))), x.tensor(SPECIAL * len(SPECIAL))),
        lambda T, x: f(T)(r(x, 3), x.tensor([1.0, 2.0, 3.0], "float64")),
        lambda T, x: f(T)(r(x, 3), x.tensor(1.5, "float64")),
        lambda T, x: f(T)(r(x), x.tensor(1.5, "float64")),
        lambda T, x: f(T)(r(x, 3), x.tensor([1.5], "float32")),
        lambda T, x: f(T)(r(x, 3), r(x, 4)),
        lambda T, x: f(T)(r(x, 3), "text"),
        lambda T, x: f(T)(r(x, 3), None),
    ]
    kinds = ("uint8", "int32", "int64", "bool")
    integers: list[Case] = []
    for a in kinds:
        for b in kinds:
            integers.append(lambda T, x, a=a, b=b: f(T)(i(x, a, 3), i(x, b, 3)))
            integers.append(lambda T, x, a=a, b=b: f(T)(i(x, a, 3), i(x, b)))
        integers.append(lambda T, x, a=a: f(T)(i(x, a, 3), 2))
        integers.append(lambda T, x, a=a: f(T)(i(x, a), 2))
        integers.append(lambda T, x, a=a: f(T)(i(x, a, 3), 1.5))
        integers.append(lambda T, x, a=a: f(T)(i(x, a), 1.5))
        integers.append(lambda T, x, a=a: f(T)(i(x, a, 3), True))
        integers.append(lambda T, x, a=a: f(T)(i(x, a, 3), x.tensor(1.5)))

    def i(x: Any, kind: str, *shape: int) -> Any:
        return x.tensor(np.ones(shape), "bool") if kind == "bool" else x.int(*shape, low=least, high=5, dtype=kind)

    return floats + integers


def operators(symbol: str) -> list[Case]:
    """Cases of Python's operator, the number on either side."""
    f = eval(f"lambda a, b: a {symbol} b")
    return [
        lambda T, x: f(x.positive(3, 4), x.positive(4)),
        lambda T, x: f(x.positive(3), 2),
        lambda T, x: f(2, x.positive(3)),
        lambda T, x: f(1.5, x.positive(3)),
        lambda T, x: f(1.5, x.positive()),
        lambda T, x: f(True, x.positive(3)),
        lambda T, x: f(2, x.int(3, low=1)),
        lambda T, x: f(x.int(3, low=1), 2),
        lambda T, x: f(2.5, x.int(3, low=1)),
        lambda T, x: f(2, x.int(3, low=1, dtype="int32")),
        lambda T, x: f(2, x.tensor([True, True])),
        lambda T, x: f(2.5, x.tensor([True, True])),
        lambda T, x: f(True, x.tensor([True, True])),
        lambda T, x: f(x.positive(3), x.tensor([2, 1, 3])),
    ]


def compared(name: str) -> list[Case]:
    def f(T: Any) -> Any:
        return getattr(T, name)

    def number_below_uint8(T: Any, x: Any) -> Any:
        return f(T)(x.tensor([0, 200, 255], "uint8"), -1)

    def number_above_uint8(T: Any, x: Any) -> Any:
        return f(T)(x.tensor([0, 200, 255], "uint8"), 300)

    return two(name, least=0) + [
        lambda T, x: f(T)(x.tensor([1.0, 2.0, 3.0]), x.tensor([1, 3, 2])),
        lambda T, x: f(T)(x.tensor([1, 2, 3]), 2),
        lambda T, x: f(T)(x.tensor([1, 2, 3]), 2.5),
        number_below_uint8,
        number_above_uint8,
        lambda T, x: f(T)(x.tensor([16777217], "int64"), x.tensor([16777216.0], "float32")),
        lambda T, x: f(T)(x.tensor([0.1, 0.2], "float32"), 0.1),
    ]


SMOOTH = {
    "abs": (-2, 2), "acos": (-0.9, 0.9), "acosh": (1.1, 3), "asin": (-0.9, 0.9), "asinh": (-2, 2), "atan": (-2, 2),
    "atanh": (-0.9, 0.9), "ceil": (-3, 3), "cos": (-4, 4), "cosh": (-2, 2), "deg2rad": (-180, 180), "erf": (-2, 2),
    "erfc": (-2, 2), "exp": (-2, 2), "exp2": (-2, 2), "expm1": (-2, 2), "floor": (-3, 3), "frac": (-3, 3),
    "log": (0.2, 3), "log10": (0.2, 3), "log1p": (-0.5, 3), "log2": (0.2, 3), "neg": (-2, 2), "positive": (-2, 2),
    "rad2deg": (-1, 1), "reciprocal": (0.3, 2), "round": (-3, 3), "rsqrt": (0.3, 2), "sigmoid": (-3, 3),
    "sign": (-2, 2), "signbit": (-2, 2), "sin": (-4, 4), "sinh": (-2, 2), "sqrt": (0.2, 3), "square": (-2, 2),
    "tan": (-1, 1), "tanh": (-2, 2), "trunc": (-3, 3), "nan_to_num": (-2, 2), "logit": (0.1, 0.9),
    "isfinite": (-2, 2), "isinf": (-2, 2), "isnan": (-2, 2), "isneginf": (-2, 2), "isposinf": (-2, 2),
    "logical_not": (-2, 2),
}  # fmt: skip

SMOOTH |= {
    "absolute": (-2, 2), "arccos": (-0.9, 0.9), "arccosh": (1.1, 3), "arcsin": (-0.9, 0.9), "arcsinh": (-2, 2),
    "arctan": (-2, 2), "arctanh": (-0.9, 0.9), "negative": (-2, 2), "relu": (-2, 2),
}  # fmt: skip

CASES: dict[str, list[Case]] = {name: one(name, low, high) for name, (low, high) in SMOOTH.items()}
CASES |= {
    name: two(name)
    for name in """add atan2 copysign fmax fmin hypot logaddexp maximum minimum mul sub rsub logical_and logical_or
    logical_xor arctan2 multiply subtract""".split()
}
CASES |= {
    name: two(name, 0.3, 2.0)
    for name in ("div", "true_divide", "divide", "floor_divide", "fmod", "remainder", "pow", "xlogy")
}
CASES |= {name: compared(name) for name in "eq ne lt le gt ge not_equal less less_equal greater greater_equal".split()}
for _name, _symbol in {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "floor_divide": "//", "remainder": "%", "pow": "**", "eq": "==",
    "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
}.items():  # fmt: skip
    CASES[_name] += operators(_symbol)

CASES["add"] += [
    lambda T, x: T.add(x(3), x(3), alpha=2),
    lambda T, x: T.add(x(3), 2, alpha=0.5),
    lambda T, x: T.add(x.int(3), x.int(3), alpha=3),
    lambda T, x: T.add(x.int(3), x.int(3), alpha=1.5),
    lambda T, x: T.add(x.int(3), x(3), alpha=2),
    lambda T, x: T.add(x.tensor([250, 10], "uint8"), x.tensor([10, 10], "uint8")),
    lambda T, x: T.add(x.tensor([2**31 - 1], "int32"), 1),
    lambda T, x: T.add(x.bool(3), x.bool(3)),
    lambda T, x: x.bool(3) + x.bool(3),
    lambda T, x: 1 + x.tensor([1, 2], "uint8"),
]
CASES["sub"] += [
    lambda T, x: T.sub(x(3), x(3), alpha=2),
    lambda T, x: T.sub(x.int(3), 2, alpha=3),
    lambda T, x: T.sub(x.bool(3), x.bool(3)),
    lambda T, x: T.sub(x.tensor([1, 2], "uint8"), x.tensor([2, 1], "uint8")),
]
CASES["rsub"] += [lambda T, x: T.rsub(x(3), x(3), alpha=2), lambda T, x: T.rsub(x(3), 2, alpha=3)]
CASES["neg"] += [lambda T, x: -x(3), lambda T, x: -x.int(3), lambda T, x: -x.bool(3)]
CASES["abs"] += [
    lambda T, x: abs(x(3)),
    lambda T, x: T.abs(x.int(3, dtype="int32")),
    lambda T, x: T.abs(x.values([0.0])),
]
CASES["round"] += [
    lambda T, x: T.round(x.uniform(-30, 30, 9), decimals=1),
    lambda T, x: T.round(x.uniform(-300, 300, 9), decimals=-1),
    lambda T, x: T.round(x.tensor([0.5, 1.5, 2.5, -0.5])),
]
for _mode in ("floor", "trunc", None):
    CASES["div"] += [
        lambda T, x, m=_mode: T.div(x.uniform(-9, 9, 3, 4), x.positive(3, 4), rounding_mode=m),
        lambda T, x, m=_mode: T.div(x.int(3, 4), x.int(3, 4, low=1), rounding_mode=m),
        lambda T, x, m=_mode: T.div(x.int(3, 4), -2, rounding_mode=m),
        lambda T, x, m=_mode: T.div(x.int(3, 4), 2.5, rounding_mode=m),
        lambda T, x, m=_mode: T.div(x.int(3, 4, dtype="int32"), x.int(4, low=1, dtype="int32"), rounding_mode=m),
        lambda T, x, m=_mode: T.div(x.uniform(-9, 9, 3), 0.0, rounding_mode=m),
        lambda T, x, m=_mode: T.div(x.tensor([2**53 + 1]), x.tensor([1]), rounding_mode=m),
        lambda T, x, m=_mode: T.div(x.tensor([5]), x.tensor([0]), rounding_mode=m),
    ]
CASES["div"] += [lambda T, x: T.div(x(3), x(3), rounding_mode="up")]
for _name in ("floor_divide", "remainder", "fmod"):
    CASES[_name] += [
        lambda T, x, n=_name: getattr(T, n)(x.tensor([7.0, -7.0, 7.0, -7.0]), x.tensor([2.0, 2.0, -2.0, -2.0])),
        lambda T, x, n=_name: getattr(T, n)(x.tensor([7, -7, 7, -7]), x.tensor([2, 2, -2, -2])),
        lambda T, x, n=_name: getattr(T, n)(x.tensor([7, -7, 7, -7]), 3),
        lambda T, x, n=_name: getattr(T, n)(x.tensor([7, -7, 7, -7], "int32"), -3),
        lambda T, x, n=_name: getattr(T, n)(x.tensor([7.5, -7.5]), 0),
        lambda T, x, n=_name: getattr(T, n)(x.tensor([7, -7]), 0),
        lambda T, x, n=_name: getattr(T, n)(x.tensor([7, -7]), 2.5),
        lambda T, x, n=_name: getattr(T, n)(x.tensor([0.3, 1.0, 5.0]), 0.1),
    ]
for _exponent in (0, 1, 2, 3, 4, -1, -2, 0.5, -0.5, 2.5, 0.0, 1.0):
    CASES["pow"] += [
        lambda T, x, e=_exponent: T.pow(x.positive(3, 4), e),
        lambda T, x, e=_exponent: T.pow(x.int(3, low=1), e),
        lambda T, x, e=_exponent: T.pow(x.values([0.0, 1.0, 2.0]), e),
        lambda T, x, e=_exponent: T.pow(x.values([-1.0, -2.0]), e),
        lambda T, x, e=_exponent: T.pow(e, x.positive(3, 4)),
        lambda T, x, e=_exponent: T.pow(e, x.int(3, low=0)),
        lambda T, x, e=_exponent: T.pow(x.tensor(SPECIAL), e),
        lambda T, x, e=_exponent: T.pow(x.bool(3), e),
    ]
CASES["pow"] += [
    lambda T, x: T.pow(x.values([-1.0, -2.0]), x.tensor([2.0, 3.0])),
    lambda T, x: T.pow(x.values([0.0, 0.0]), x.values([0.0, 2.0])),
    lambda T, x: T.pow(0.0, x.values([0.0, 2.0])),
    lambda T, x: T.pow(-1.0, x.tensor([0.0, 2.0, 0.5])),
]
CASES["maximum"] += [lambda T, x: T.maximum(x.values([1.0, 2.0, 3.0]), x.values([1.0, 3.0, 2.0]))]
CASES["minimum"] += [lambda T, x: T.minimum(x.values([1.0, 2.0, 3.0]), x.values([1.0, 3.0, 2.0]))]
CASES["where"] = [
    lambda T, x: T.where(x.bool(3, 4), x(3, 4), x(3, 4)),
    lambda T, x: T.where(x.bool(3, 1), x(4), x(3, 4)),
    lambda T, x: T.where(x.bool(3, 4), x(3, 4), 0.0),
    lambda T, x: T.where(x.bool(3, 4), 1, x(3, 4)),
    lambda T, x: T.where(x.bool(3, 4), 1, 0),
    lambda T, x: T.where(x.bool(3, 4), 1.0, 0),
    lambda T, x: T.where(x.bool(3, 4), True, False),
    lambda T, x: T.where(x.bool(3), x.int(3), x(3)),
    lambda T, x: T.where(x.bool(3), x.int(3), x.int(3, dtype="int32")),
    lambda T, x: T.where(x.bool(3), x.int(3), 1.5),
    lambda T, x: T.where(x.bool(3), x(), x.tensor(1.0, "float64")),
    lambda T, x: T.where(x.bool(), x(2), x(2)),
    lambda T, x: T.where(x.bool(0), x(0), x(0)),
    lambda T, x: T.where(x.bool(3, 4)),
    lambda T, x: T.where(x.int(3), x(3), x(3)),
    lambda T, x: T.where(x(3), x(3), x(3)),
    lambda T, x: T.where(x.bool(3), x(4), x(3)),
    lambda T, x: T.where(x.bool(4, 3).t(), x(3, 4), x(3, 1)),
    lambda T, x: x(3).where(x.bool(3), x(3)),
    lambda T, x: x(3).where(x.bool(3), 0.0),
]
CASES["clamp"] = [
    lambda T, x: T.clamp(x(3, 4), -0.5, 0.5),
    lambda T, x: T.clamp(x(3, 4), min=-0.5),
    lambda T, x: T.clamp(x(3, 4), max=0.5),
    lambda T, x: T.clamp(x(3, 4), 0.5, -0.5),
    lambda T, x: T.clamp(x.values([-1.0, 0.0, 1.0]), -1.0, 1.0),
    lambda T, x: T.clamp(x(3, 4), x(4), x(3, 1)),
    lambda T, x: T.clamp(x(3, 4), min=x(4)),
    lambda T, x: T.clamp(x.int(3, 4), -1, 2),
    lambda T, x: T.clamp(x.int(3, 4), -1.5, 2),
    lambda T, x: T.clamp(x.int(3, 4, dtype="int32"), max=2),
    lambda T, x: T.clamp(x.tensor(SPECIAL), -1, 1),
    lambda T, x: T.clamp(x(0), -1, 1),
    lambda T, x: T.clamp(x(), -0.1, 0.1),
    lambda T, x: T.clamp(x(3)),
]
for _name in ("clamp_min", "clamp_max"):
    CASES[_name] = [
        lambda T, x, n=_name: getattr(T, n)(x(3, 4), 0.2),
        lambda T, x, n=_name: getattr(T, n)(x(3, 4), x(4)),
        lambda T, x, n=_name: getattr(T, n)(x.int(3, 4), 1),
        lambda T, x, n=_name: getattr(T, n)(x.int(3, 4), 1.5),
        lambda T, x, n=_name: getattr(T, n)(x.tensor(SPECIAL), 0.0),
    ]
for _name in ("addcmul", "addcdiv"):
    CASES[_name] = [
        lambda T, x, n=_name: getattr(T, n)(x(3, 4), x(3, 4), x.positive(3, 4)),
        lambda T, x, n=_name: getattr(T, n)(x(3, 4), x(4), x.positive(3, 1), value=0.5),
        lambda T, x, n=_name: getattr(T, n)(x(), x(4), x.positive(3, 1), value=2),
        lambda T, x, n=_name: getattr(T, n)(x.int(3), x.int(3), x.int(3, low=1)),
        lambda T, x, n=_name: getattr(T, n)(x(0), x(0), x.positive(0)),
    ]
CASES["lerp"] = [
    lambda T, x: T.lerp(x(3, 4), x(3, 4), 0.3),
    lambda T, x: T.lerp(x(3, 4), x(3, 4), 0.7),
    lambda T, x: T.lerp(x(3, 1), x(4), x(3, 4)),
    lambda T, x: T.lerp(x(3, 4), x(4), x()),
    lambda T, x: T.lerp(x.int(3), x(3), 0.5),
]
CASES["nan_to_num"] += [lambda T, x: T.nan_to_num(x.tensor(SPECIAL), nan=2.0, posinf=3.0, neginf=-3.0)]
CASES["logit"] += [lambda T, x: T.logit(x.tensor([0.0, 0.5, 1.0]), eps=0.1)]
CASES["isclose"] = [
    lambda T, x: T.isclose(x.tensor([1.0, 2.0, NAN, INF]), x.tensor([1.0 + 1e-6, 2.1, NAN, INF])),
    lambda T, x: T.isclose(x.tensor([NAN]), x.tensor([NAN]), equal_nan=True),
    lambda T, x: T.isclose(x(3), x(3), rtol=0.5, atol=0.5),
    lambda T, x: T.isclose(x.int(3), x.int(3)),
    lambda T, x: T.isclose(x(3, 1), x(4)),
    lambda T, x: T.isclose(x(3), x.int(3)),
]
CASES["allclose"] = [
    lambda T, x: T.allclose(x.tensor([1.0, 2.0]), x.tensor([1.0, 2.0 + 1e-6])),
    lambda T, x: T.allclose(x.tensor([1.0, 2.0]), x.tensor([1.0, 2.1])),
    lambda T, x: T.allclose(x.tensor([NAN]), x.tensor([NAN])),
    lambda T, x: T.allclose(x.tensor([NAN]), x.tensor([NAN]), equal_nan=True),
]
CASES["equal"] = [
    lambda T, x: T.equal(x.tensor([1.0, 2.0]), x.tensor([1.0, 2.0])),
    lambda T, x: T.equal(x.tensor([1.0, 2.0]), x.tensor([1.0, 3.0])),
    lambda T, x: T.equal(x.tensor([1.0, 2.0]), x.tensor([1.0])),
    lambda T, x: T.equal(x.tensor([NAN]), x.tensor([NAN])),
]

_TRUTH = "A bool is taken as 0 or 1 here; PyTorch refuses."
_NUMBER = "A number is taken where PyTorch asks for a tensor."
_NO_TENSOR = {"must be Tensor, not": _NUMBER}
_STEPS = "The derivative of a step function is zero here; PyTorch has none."
_WRAPS = "A number is compared by its value; PyTorch first wraps it into the tensor's type."

_BOOL_MINUS = {"with a bool tensor is not supported": _TRUTH}

INTENDED: dict[str, dict[str, str]] = {
    name: dict(_NO_TENSOR) for name in "atan2 maximum minimum logical_and logical_or logical_xor".split()
}
INTENDED |= {name: {"number_below_uint8": _WRAPS, "number_above_uint8": _WRAPS} for name in ("lt", "le", "gt", "ge")}
INTENDED |= {name: {"number_below_uint8": _WRAPS} for name in ("eq", "ne")}
INTENDED["remainder"] = {
    "remainder is not implemented (in the gradients)": (
        "Differentiable also with respect to the divisor of a number; PyTorch raises."
    )
}
INTENDED["floor_divide"] = {"floor_divide is not implemented (in the gradients)": _STEPS}
INTENDED |= {name: dict(_BOOL_MINUS) for name in ("sub", "rsub", "Tensor.sub_")}
INTENDED |= {
    name: {
        "with a bool tensor is not supported": "A bool exponent has a gradient; PyTorch's derivative fails.",
        "INTERNAL ASSERT FAILED": "A bool to a power of a bool tensor is computed; PyTorch fails inside.",
    }
    for name in ("pow", "Tensor.pow_")
}

INTENDED["arctan2"] = INTENDED["atan2"]
INTENDED["subtract"] = INTENDED["Tensor.subtract_"] = INTENDED["sub"]
for _name, _alias in {
    "ne": "not_equal",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
}.items():
    INTENDED[_alias] = INTENDED[_name]
