"""Elementwise operations, creation, reductions and scans: what the general cases leave out."""

from __future__ import annotations

import math
from typing import Any

INF, NAN = math.inf, math.nan


def _pairs(name: str) -> list[Any]:
    """A function of two tensors: layouts, types and special numbers."""
    f = lambda T: getattr(T, name)  # noqa: E731
    return [
        lambda T, x: f(T)(x(3, 4), x(4)),
        lambda T, x: f(T)(x(4, 3).t(), x(3, 1)),
        lambda T, x: f(T)(x(4, 6)[::2, 1::3], x()),
        lambda T, x: f(T)(x(0, 3), x(3)),
        lambda T, x: f(T)(x.positive(3, 4), x.positive(3, 4)),
        lambda T, x: f(T)(x.values([1.0, 1.0, INF, -INF, 2.0]), x.values([1.0, NAN, 1.0, INF, 2.0])),
        lambda T, x: f(T)(x(3), x(4)),
    ]


def _scan(name: str) -> list[Any]:
    f = lambda T: getattr(T, name)  # noqa: E731
    return [
        lambda T, x: f(T)(x(3, 4), -1),
        lambda T, x: f(T)(x(2, 3, 4), 1),
        lambda T, x: f(T)(x(3, 4).t(), 0),
        lambda T, x: f(T)(x(), 0),
        lambda T, x: f(T)(x.int(3, 4), 0),
        lambda T, x: f(T)(x.tensor([3, 1, 3, 5], "uint8"), 0),
        lambda T, x: f(T)(x.bool(5), 0),
        lambda T, x: f(T)(x.values([2.0, 0.0, 3.0, 0.0, 4.0]), 0),
        lambda T, x: f(T)(x.values([1.0, NAN, 3.0, INF]), 0),
        lambda T, x: f(T)(x(3), 2),
    ]


def _out(call: Any) -> list[Any]:
    """``call(T, x, out)``: a fitting tensor, an empty one, one of another type, one that cannot hold the result."""

    def written(T: Any, x: Any, out: Any) -> Any:  # noqa: N803
        with T.no_grad():
            result = call(T, x, out)
        return result, result is out

    return [
        lambda T, x: written(T, x, T.zeros(3, dtype=x.dtype)),
        lambda T, x: written(T, x, T.empty(0, dtype=x.dtype)),
        lambda T, x: written(T, x, T.zeros(3, dtype=T.float64)),
        lambda T, x: written(T, x, T.zeros(3, dtype=T.int64)),
        lambda T, x: written(T, x, T.zeros(6, dtype=x.dtype)[::2]),
        lambda T, x: call(T, x, T.zeros(3, dtype=x.dtype)),
    ]


CASES = {
    "add": [
        lambda T, x: T.add(x(3, 4), x(4), alpha=0.5),
        lambda T, x: T.add(x(4, 3).t(), x(3, 4), alpha=-2),
        lambda T, x: T.add(x.int(3), x.int(3), alpha=2),
        lambda T, x: T.add(x.int(3), x.int(3), alpha=0.5),
        lambda T, x: T.add(x.int(3), x(3), alpha=0.5),
        lambda T, x: T.add(x(3), 2, alpha=3),
        *_out(lambda T, x, out: T.add(x(3), x(3), out=out)),
    ],
    "exp": _out(lambda T, x, out: T.exp(x(3), out=out)),
    "sum": _out(lambda T, x, out: T.sum(x(3, 4), 1, out=out)),
    "cat": _out(lambda T, x, out: T.cat([x(1), x(2)], out=out)),
    "matmul": _out(lambda T, x, out: T.matmul(x(3, 4), x(4), out=out)),
    "max": [
        lambda T, x: T.max(
            x.tensor([[1.0, 3.0], [2.0, 0.0]]), 1, out=(T.zeros(2, dtype=x.dtype), T.zeros(2, dtype=T.int64))
        ).values,
        lambda T, x: repr(T.max(x.tensor([[1.0, 3.0], [2.0, 0.0]], "float32"), 1)).split(".")[-2:],
        lambda T, x: T.max(x(3, 4), 1).values + T.min(x(3, 4), dim=0, keepdim=True).values.sum(),
    ],
    "clamp": [
        lambda T, x: T.clamp(x(3, 4), x(4), x(3, 1)),
        lambda T, x: T.clamp(
            x.values([1.0, 2.0, 3.0, NAN, 2.0, 2.0]),
            x.values([1.0, 3.0, 0.0, 1.0, 5.0, 0.0]),
            x.values([2.0, 4.0, 3.0, 2.0, 1.0, 1.0]),
        ),
        lambda T, x: T.clamp(x.values([1.0, 2.0, NAN, 1.0]), min=x.values([1.0, 3.0, 1.0, NAN])),
        lambda T, x: T.clamp(x.values([1.0, 2.0, NAN, 1.0]), max=x.values([1.0, 3.0, 1.0, NAN])),
        lambda T, x: T.clamp(x.values([1.0, NAN, INF, -INF]), -0.5, 0.5),
        lambda T, x: T.clamp(x(3), min=NAN),
        lambda T, x: T.clamp(x(3), 1, -1),
        lambda T, x: T.clamp(x.int(5), 1.5),
        lambda T, x: T.clamp(x.int(5), x.int(5), 2 * x.int(5)),
    ],
    "fmax": _pairs("fmax"),
    "fmin": _pairs("fmin"),
    "hypot": _pairs("hypot"),
    "copysign": [*_pairs("copysign")[:5], lambda T, x: T.copysign(x.int(3), -1), lambda T, x: T.copysign(x(3), -0.0)],
    "logaddexp": [
        *_pairs("logaddexp"),
        lambda T, x: T.logaddexp(x.values([-INF, INF, 800.0]), x.values([-INF, INF, 1.0])),
    ],
    "xlogy": [
        *_pairs("xlogy"),
        lambda T, x: T.xlogy(x.values([0.0, 0.0, NAN, 0.0]), x.values([0.0, -1.0, 2.0, NAN])),
        lambda T, x: T.xlogy(0, x.positive(3)),
        lambda T, x: T.xlogy(x(3), 2),
        lambda T, x: T.xlogy(x.int(3, low=0), x.int(3, low=1)),
    ],
    "logit": [
        lambda T, x: T.logit(x.uniform(0.1, 0.9, 3, 4)),
        lambda T, x: T.logit(x.values([-1.0, 0.0, 0.5, 1.0, 2.0])),
        lambda T, x: T.logit(x.values([-1.0, 0.0, 0.5, 1.0, 2.0]), 0.25),
    ],
    "lerp": [
        lambda T, x: T.lerp(x(3, 4), x(4), -0.7),
        lambda T, x: T.lerp(x(3, 4), x(3, 1), x(4)),
        lambda T, x: T.lerp(x(4, 3).t(), x(3, 4), 0.75),
    ],
    "addcmul": [
        lambda T, x: T.addcmul(x(3, 4), x(4), x(3, 1), value=-0.5),
        lambda T, x: T.addcmul(x.int(3), x.int(3), x.int(3), value=2),
    ],
    "addcdiv": [
        lambda T, x: T.addcdiv(x(3, 4), x(4), x.positive(3, 1), value=-0.5),
        lambda T, x: T.addcdiv(x.int(3), x.int(3), x.int(3, low=1)),
    ],
    "nan_to_num": [
        lambda T, x: T.nan_to_num(x.values([NAN, INF, -INF, 1.0])),
        lambda T, x: T.nan_to_num(x.values([NAN, INF, -INF, 1.0]), 1.0, 2.0, -3.0),
        lambda T, x: T.nan_to_num(x(4, 3).t(), posinf=1.0),
    ],
    "div": [
        lambda T, x: T.div(x.tensor([2**40 + 1, -7]), 2, rounding_mode="trunc"),
        lambda T, x: T.div(x.values([7.0, -7.0]), 0, rounding_mode="trunc"),
        lambda T, x: T.div(x.values([7.0, -7.0]), x.values([2.0]), rounding_mode="floor"),
    ],
    "atan2": [lambda T, x: T.atan2(x.values([0.0, 1.0]), x.values([0.0, 0.0]))],
    "pow": [lambda T, x: T.pow(x.tensor([1, -1, 2]), x.tensor([-1, -3, -2])), lambda T, x: T.pow(x.bool(3), 2)],
    "cumprod": _scan("cumprod"),
    "cumsum": _scan("cumsum"),
    "cummax": [*_scan("cummax")[:9], lambda T, x: T.cummax(x.values([2.0, 2.0, 1.0, 2.0]), 0)],
    "cummin": [*_scan("cummin")[:9], lambda T, x: T.cummin(x.values([NAN, 2.0, NAN, 2.0]), 0)],
    "norm": [
        *(lambda T, x, p=p: T.norm(x(3, 4), p) for p in (0, 0.5, 1, 2, 2.5, 3, -1, INF, -INF, "fro", None)),
        *(lambda T, x, p=p: T.norm(x(2, 3, 4), p, dim=(0, -1), keepdim=True) for p in (0.5, 1, 2, 3, INF)),
        *(lambda T, x, p=p: T.norm(x.values([0.0, 0.0]), p) for p in (0.5, 1, 2, 3, INF)),
        *(lambda T, x, p=p: T.norm(x.values([0.0, 2.0, -2.0]), p) for p in (0.5, 1, 2, 3, INF)),
        lambda T, x: T.norm(x(0)),
        lambda T, x: T.norm(x(0), INF),
        lambda T, x: T.norm(x.int(3)),
    ],
    "dist": [lambda T, x, p=p: T.dist(x(3, 4), x(4), p) for p in (1, 2, 3.5, INF)],
    "median": [
        lambda T, x: T.median(x.values([1.0, 1.0, 1.0, 2.0])),
        lambda T, x: T.median(x.values([1.0, NAN])),
        lambda T, x: T.median(x(5, 4), 0),
        lambda T, x: T.median(x(4, 5).t(), -1, keepdim=True),
        lambda T, x: T.median(x.tensor([[3, 1, 2], [9, 7, 8]]), 1),
        lambda T, x: T.median(x(2, 0), 1),
    ],
    "nanmedian": [
        lambda T, x: T.nanmedian(x.values([1.0, NAN, 3.0])),
        lambda T, x: T.nanmedian(x.values([[1.0, NAN, 3.0], [NAN, NAN, 2.0]]), 1),
        lambda T, x: T.nanmedian(x.values([NAN, NAN])),
    ],
    "std_mean": [
        lambda T, x: T.std_mean(x(3, 4), 1, correction=0),
        lambda T, x: T.std_mean(x.values([2.0, 2.0])),
        lambda T, x: T.std_mean(x(2, 3, 4), (0, 2), keepdim=True),
    ],
    "var": [
        lambda T, x: T.var(x(3, 4), False),
        lambda T, x: T.var(x(3, 4), 1, False),
        lambda T, x: T.var(x(3, 4), 1, True, True),
        lambda T, x: T.var(x.values([2.0])),
    ],
    "diff": [
        lambda T, x: T.diff(x(3, 4)),
        lambda T, x: T.diff(x(3, 4), 2, 0),
        lambda T, x: T.diff(x(3), 5),
        lambda T, x: T.diff(x(3), 0),
        lambda T, x: T.diff(x(3), prepend=x(1), append=x(2)),
        lambda T, x: T.diff(x.bool(5)),
        lambda T, x: T.diff(x()),
    ],
    "normal": [
        lambda T, x: T.normal(x.tensor([1.0, 2.0]), 0.0),
        lambda T, x: T.normal(2.0, x.tensor([[0.0], [0.0]])),
        lambda T, x: T.normal(x.tensor([1.0, 2.0]), x.tensor([[0.0], [0.0]])),
    ],
    "multinomial": [
        lambda T, x: T.multinomial(x.tensor([0.0, 3.0, 0.0]), 4, replacement=True),
        lambda T, x: T.multinomial(x.tensor([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]]), 2).sum(-1),
        lambda T, x: T.multinomial(x.tensor([1.0, -1.0]), 1),
        lambda T, x: T.multinomial(x.tensor([0.0, 0.0]), 1),
        lambda T, x: T.multinomial(x.tensor([1, 1]), 1),
        lambda T, x: T.multinomial(x.tensor([1.0, 1.0]), 3),
    ],
    "zeros": [lambda T, x: T.zeros(size=(2, 3)), lambda T, x: T.zeros((2, 3), dtype=T.uint8)],
    "rand": [lambda T, x: T.rand(size=(2, 3)).shape],
    "logspace": [lambda T, x: T.logspace(-1, 2, 4), lambda T, x: T.logspace(0, 4, 5, base=2, dtype=T.int64)],
    "tril_indices": [lambda T, x, o=o: T.tril_indices(3, 4, o) for o in (-2, 0, 2)],
    "triu_indices": [lambda T, x, o=o: T.triu_indices(3, 4, o) for o in (-2, 0, 2)],
}  # fmt: skip

_TRUTH = "False counts as 0 and True as 1; PyTorch refuses."
_NUMBERS = {"must be Tensor, not": "A number is accepted in place of the tensor; PyTorch refuses."}
_GRADIENT = {"is not implemented": "Differentiable, or without slope; PyTorch has no derivative."}
_STEP = {"gradient of input": "The gradient of a truth is 0; PyTorch lets the gradient of the old value through."}

INTENDED: dict[str, dict[str, str]] = {name: dict(_NUMBERS) for name in "fmax fmin hypot logaddexp".split()}
INTENDED |= {f"Tensor.{name}_": dict(_NUMBERS) for name in "atan2 hypot".split()}
INTENDED |= {f"Tensor.{name}_": dict(_NUMBERS | _STEP) for name in "logical_and logical_or logical_xor".split()}
INTENDED |= {"Tensor.logical_not_": dict(_STEP)}
INTENDED |= {f"Tensor.{name}_": dict(_GRADIENT) for name in "acosh asinh atanh".split()}
INTENDED |= {"Tensor.floor_divide_": dict(_GRADIENT)}
INTENDED |= {
    name: {"(reducing.py:62)": "dim=() means all dimensions; PyTorch's derivative takes it for none."}
    for name in "std std_mean var var_mean".split()
}
INTENDED |= {
    name: {"has requires_grad False, PyTorch True": "PyTorch gives the empty input itself for its gradient."}
    for name in ("cummax", "cummin")
}
INTENDED["cumprod"] = {
    "Autograd not support dtype: Long": "As for cumsum: the result has no gradient.",
    "(elementwise.py:36)": "The gradient of an element does not depend on it; PyTorch divides by it, here by NaN.",
}
INTENDED["norm"] = {"PyTorch gives None": "The gradient for p = 0 is 0; PyTorch leaves it out."}
INTENDED["matmul"] = {"must have the same dtype": "out= has one rule for all: the result is converted to its type."}
INTENDED["logaddexp"] |= {"bool tensor is not supported": _TRUTH}
INTENDED["Tensor.remainder_"] = dict(_GRADIENT)
INTENDED |= {
    name: {"(reducing.py:32)": "PyTorch gives numbers that were never set, for an expanded tensor."}
    for name in ("median", "nanmedian")
}
for _name in "eq ne lt le gt ge".split():
    INTENDED[f"Tensor.{_name}_"] = {
        "has requires_grad False, PyTorch True": "An integer tensor never requires a gradient.",
        "number_below_uint8": "A number is compared as it is; PyTorch first wraps it into the type.",
    }
    if _name not in ("eq", "ne"):
        INTENDED[f"Tensor.{_name}_"]["number_above_uint8"] = INTENDED[f"Tensor.{_name}_"]["number_below_uint8"]

_FINITE = {"second gradient…PyTorch nan": "The second derivative is taken at the edge too, where PyTorch gives NaN."}
for _name in "atan2 logaddexp logit pow norm linalg.vector_norm Tensor.atan2_ Tensor.logit_ Tensor.pow_".split():
    INTENDED[_name] = INTENDED.get(_name, {}) | _FINITE
for _name in ("var", "var_mean"):
    INTENDED[_name] |= {
        "second gradient…is nan, PyTorch 0.0": "The second derivative at one number is NaN as the first is."
    }

# The other names of the same operations.
INTENDED["Tensor.arctan2_"] = dict(_NUMBERS)
INTENDED["Tensor.cumprod_"] = {"(elementwise.py:36)": INTENDED["cumprod"]["(elementwise.py:36)"]}
for _name in ("cumsum", "cumprod"):
    INTENDED[f"Tensor.{_name}_"] = INTENDED.get(f"Tensor.{_name}_", {}) | {
        "Bad in-place call": "The result is converted back into the tensor's type; PyTorch refuses."
    }
for _name, _alias in {
    "acosh": "arccosh", "asinh": "arcsinh", "atanh": "arctanh", "ne": "not_equal", "lt": "less",
    "le": "less_equal", "gt": "greater", "ge": "greater_equal",
}.items():  # fmt: skip
    INTENDED[f"Tensor.{_alias}_"] = INTENDED[f"Tensor.{_name}_"]
