"""Cases of reductions, scans and softmax."""

from collections.abc import Callable
from typing import Any

NAN, INF = float("nan"), float("inf")

Case = Callable[[Any, Any], Any]


def reducing(name: str, several: bool = True, positive: bool = False) -> list[Case]:
    """Cases of a reduction with ``dim`` and ``keepdim``; ``several``: over several dimensions too."""

    def f(T: Any) -> Any:
        return getattr(T, name)

    def r(x: Any, *shape: int) -> Any:
        return x.positive(*shape) if positive else x(*shape)

    cases: list[Case] = [
        lambda T, x: f(T)(r(x, 3, 4)),
        lambda T, x: f(T)(r(x)),
        lambda T, x: f(T)(r(x), 0),
        lambda T, x: f(T)(r(x), -1),
        lambda T, x: f(T)(r(x, 3, 4), 0),
        lambda T, x: f(T)(r(x, 3, 4), -1, True),
        lambda T, x: f(T)(r(x, 3, 4), dim=1, keepdim=True),
        lambda T, x: f(T)(r(x, 2, 3, 4), dim=1),
        lambda T, x: f(T)(r(x, 2, 3, 4), dim=-3),
        lambda T, x: f(T)(r(x, 4, 3).t(), 0),
        lambda T, x: f(T)(r(x, 4, 6)[::2, 1::2], 1),
        lambda T, x: f(T)(r(x, 3, 1).expand(3, 4), 1),
        lambda T, x: f(T)(r(x, 0)),
        lambda T, x: f(T)(r(x, 0, 3), 0),
        lambda T, x: f(T)(r(x, 0, 3), 1),
        lambda T, x: f(T)(r(x, 3, 0), 0),
        lambda T, x: f(T)(r(x, 3, 0), 1),
        lambda T, x: f(T)(r(x, 3, 4), 2),
        lambda T, x: f(T)(r(x, 3, 4), -3),
        lambda T, x: f(T)(r(x, 1), 0),
        lambda T, x: f(T)(r(x, 200)),
        lambda T, x: f(T)(x.tensor([1.0, NAN, 3.0]), 0),
        lambda T, x: f(T)(x.tensor([1.0, INF, -INF]), 0),
        lambda T, x: f(T)(x.tensor([[1.0, 2.0], [NAN, 0.5]]), 1),
        lambda T, x: f(T)(x.int(3, 4)),
        lambda T, x: f(T)(x.int(3, 4), 1),
        lambda T, x: f(T)(x.int(3, 4, dtype="int32"), 0),
        lambda T, x: f(T)(x.int(3, 4, low=0, dtype="uint8"), 0),
        lambda T, x: f(T)(x.int(3, 4, low=0, dtype="uint8")),
        lambda T, x: f(T)(x.bool(3, 4), 0),
        lambda T, x: f(T)(x.bool(3, 4)),
        lambda T, x: f(T)(x.bool(0)),
        lambda T, x: f(T)(x.values([[1.0, 2.0, 2.0], [3.0, 3.0, 1.0]]), 1),
        lambda T, x: f(T)(x.values([0.0, 0.0])),
        lambda T, x: f(T)(x.values([2.0, 2.0]), 0),
    ]
    if several:
        cases += [
            lambda T, x: f(T)(r(x, 2, 3, 4), (0, 2)),
            lambda T, x: f(T)(r(x, 2, 3, 4), dim=(1, 2), keepdim=True),
            lambda T, x: f(T)(r(x, 2, 3, 4), dim=[-1, 0]),
            lambda T, x: f(T)(r(x, 2, 3, 4), dim=()),
            lambda T, x: f(T)(r(x, 2, 3, 4), dim=(0, 1, 2)),
            lambda T, x: f(T)(r(x, 2, 3), dim=(0, 0)),
            lambda T, x: f(T)(r(x, 2, 0, 3), dim=(0, 2)),
            lambda T, x: f(T)(r(x, 2, 0, 3), dim=(0, 1)),
        ]
    return cases


def dtypes(name: str, *args: Any) -> list[Case]:
    """Cases with a ``dtype``."""
    return [
        lambda T, x, k=kind: getattr(T, name)(x(3, 4), *args, dtype=getattr(T, k))
        for kind in ("float32", "float64", "int64")
    ] + [
        lambda T, x, k=kind: getattr(T, name)(x.int(3, 4), *args, dtype=getattr(T, k))
        for kind in ("float32", "float64", "int32", "int64")
    ]


CASES: dict[str, list[Case]] = {
    name: reducing(name) for name in ("sum", "mean", "amax", "amin", "any", "all", "nansum", "nanmean", "count_nonzero")
}
CASES |= {
    name: reducing(name, several=False) for name in ("prod", "argmax", "argmin", "max", "min", "median", "nanmedian")
}
CASES["sum"] += dtypes("sum") + dtypes("sum", 1)
CASES["mean"] += dtypes("mean") + dtypes("mean", 1)
CASES["prod"] += dtypes("prod") + [
    lambda T, x: T.prod(x.values([[0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [1.0, 2.0, 3.0]]), 1),
    lambda T, x: T.prod(x.values([0.0, 2.0, 3.0])),
]
for _name in ("max", "min"):
    CASES[_name] += [
        lambda T, x, n=_name: getattr(T, n)(x(3, 4), x(4)),
        lambda T, x, n=_name: getattr(T, n)(x(3, 4), 1).values,
        lambda T, x, n=_name: getattr(T, n)(x.int(3, 4), x.int(4)),
        lambda T, x, n=_name: getattr(T, n)(x.values([1.0, 1.0, 0.0, 0.0])),
        lambda T, x, n=_name: getattr(T, n)(x.values([[1.0, 1.0, 0.0, 0.0]]), -1),
    ]
for _name in ("var", "std", "var_mean", "std_mean"):
    CASES[_name] = reducing(_name) + [
        lambda T, x, n=_name: getattr(T, n)(x(3, 4), correction=0),
        lambda T, x, n=_name: getattr(T, n)(x(3, 4), 1, correction=0),
        lambda T, x, n=_name: getattr(T, n)(x(3, 4), 1, correction=2, keepdim=True),
        lambda T, x, n=_name: getattr(T, n)(x(3, 4), 1, correction=4),
        lambda T, x, n=_name: getattr(T, n)(x(3, 4), 1, unbiased=False),
        lambda T, x, n=_name: getattr(T, n)(x(3, 4), unbiased=False),
        lambda T, x, n=_name: getattr(T, n)(x(3, 4), False),
        lambda T, x, n=_name: getattr(T, n)(x(3, 4), 1, False),
        lambda T, x, n=_name: getattr(T, n)(x(3, 4), (0, 1), False, True),
    ]


def large_numbers(T: Any, x: Any) -> Any:
    return T.logsumexp(x.values([1000.0, 1000.0]), 0)


CASES["logsumexp"] = reducing("logsumexp")[1:] + [
    lambda T, x: T.logsumexp(x.tensor([INF, 1.0]), 0),
    lambda T, x: T.logsumexp(x.values([-INF, -INF]), 0),
    large_numbers,
]


def scanning(name: str) -> list[Case]:
    def f(T: Any) -> Any:
        return getattr(T, name)

    return [
        lambda T, x: f(T)(x(5), 0),
        lambda T, x: f(T)(x(3, 4), 0),
        lambda T, x: f(T)(x(3, 4), -1),
        lambda T, x: f(T)(x(2, 3, 4), dim=1),
        lambda T, x: f(T)(x(), 0),
        lambda T, x: f(T)(x(0), 0),
        lambda T, x: f(T)(x(0, 3), 1),
        lambda T, x: f(T)(x(4, 3).t(), 0),
        lambda T, x: f(T)(x.int(3, 4), 1),
        lambda T, x: f(T)(x.int(3, 4, dtype="int32"), 1),
        lambda T, x: f(T)(x.int(3, 4, low=0, dtype="uint8"), 1),
        lambda T, x: f(T)(x.bool(3, 4), 1),
        lambda T, x: f(T)(x.tensor([1.0, NAN, 2.0, INF]), 0),
        lambda T, x: f(T)(x(3, 4), 2),
    ]


CASES |= {name: scanning(name) for name in ("cumsum", "cumprod", "cummax", "cummin")}
CASES["cumsum"] += dtypes("cumsum", 0)
CASES["cumprod"] += dtypes("cumprod", 0) + [lambda T, x: T.cumprod(x.values([2.0, 0.0, 3.0, 0.0, 4.0]), 0)]
for _name in ("softmax", "log_softmax"):
    CASES[_name] = [
        lambda T, x, n=_name: getattr(T, n)(x(3, 4), 0),
        lambda T, x, n=_name: getattr(T, n)(x(3, 4), -1),
        lambda T, x, n=_name: getattr(T, n)(x(2, 3, 4), dim=1),
        lambda T, x, n=_name: getattr(T, n)(x(), 0),
        lambda T, x, n=_name: getattr(T, n)(x(0, 3), 1),
        lambda T, x, n=_name: getattr(T, n)(x(3, 0), 1),
        lambda T, x, n=_name: getattr(T, n)(x(4, 3).t(), 0),
        lambda T, x, n=_name: getattr(T, n)(x(3, 4), 1, dtype=T.float64),
        lambda T, x, n=_name: getattr(T, n)(x.int(3, 4), 1, dtype=T.float32),
        lambda T, x, n=_name: getattr(T, n)(x.int(3, 4), 1),
        lambda T, x, n=_name: getattr(T, n)(x.tensor([[1.0, NAN], [INF, 1.0], [-INF, 0.0], [-INF, -INF]]), 1),
        lambda T, x, n=_name: getattr(T, n)(x(3, 4), 2),
        lambda T, x, n=_name: getattr(T, n)(x(3, 4) * 100, 1),
    ]
CASES["Tensor.sum_to_size"] = [
    lambda T, x: x(2, 3).sum_to_size(1, 3),
    lambda T, x: x(2, 3).sum_to_size((3,)),
    lambda T, x: x(2, 3).sum_to_size(2, 3),
    lambda T, x: x(2, 3).sum_to_size(()),
    lambda T, x: x(4, 2, 3).sum_to_size(2, 1),
    lambda T, x: x(2, 3).sum_to_size(2, 2),
    lambda T, x: x.int(2, 3).sum_to_size(1, 3),
]

_NO_GRADIENT = "The result is an integer and has no gradient here; PyTorch raises when one is asked for."

INTENDED: dict[str, dict[str, str]] = {
    name: {"Autograd not support dtype: Long": _NO_GRADIENT} for name in ("sum", "prod", "cumsum")
}
INTENDED["logsumexp"] = {
    "doesn't match the broadcast shape": "dim=() means all dimensions, as in sum; PyTorch raises.",
    "large_numbers": "The gradient keeps its last digits; PyTorch takes it from the rounded result.",
}
INTENDED["count_nonzero"] = {"takes from 1 to 2 positional arguments": "Python's own error for an argument too many."}
