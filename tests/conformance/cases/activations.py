"""Cases of the activations: as modules and as functions, with their options, at the corners, for integers."""

from collections.abc import Callable
from typing import Any

Case = Callable[[Any, Any], Any]
NAN, INF = float("nan"), float("inf")
CORNERS = [NAN, INF, -INF, 0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 6.0, 20.0, -20.0, 100.0, -100.0]

# name: the options to run it with
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "CELU": [{}, {"alpha": 0.5}, {"alpha": -2.0}, {"alpha": 0.0}],
    "ELU": [{}, {"alpha": 0.5}, {"alpha": 0}],
    "GELU": [{}, {"approximate": "tanh"}],
    "Hardshrink": [{}, {"lambd": 0.2}, {"lambd": -0.5}, {"lambd": 0}],
    "Hardsigmoid": [{}],
    "Hardswish": [{}],
    "Hardtanh": [{}, {"min_val": -0.3, "max_val": 0.7}, {"min_val": 1.0, "max_val": 1.0}, {"min_val": 2, "max_val": 1}],
    "LeakyReLU": [{}, {"negative_slope": 0.3}, {"negative_slope": -0.3}, {"negative_slope": 0}],
    "LogSigmoid": [{}],
    "Mish": [{}],
    "ReLU": [{}],
    "ReLU6": [{}],
    "SELU": [{}],
    "Sigmoid": [{}],
    "SiLU": [{}],
    "Softplus": [{}, {"beta": 2.0}, {"threshold": 0.5}, {"beta": 0.5, "threshold": 1}, {"beta": -1.0}],
    "Softshrink": [{}, {"lambd": 0.2}, {"lambd": 0.0}, {"lambd": -0.5}],
    "Softsign": [{}],
    "Tanh": [{}],
    "Tanhshrink": [{}],
    "Threshold": [{"threshold": 0.2, "value": 5.0}, {"threshold": 0, "value": 1}, {"threshold": -0.5, "value": NAN}],
    "Softmax": [{"dim": 0}, {"dim": -1}, {"dim": 2}, {"dim": 5}, {}],
    "Softmin": [{"dim": 0}, {"dim": -1}, {"dim": 2}, {"dim": 5}, {}],
    "LogSoftmax": [{"dim": 0}, {"dim": -1}, {"dim": 2}, {"dim": 5}, {}],
    "GLU": [{}, {"dim": 0}, {"dim": 1}, {"dim": -2}, {"dim": 4}],
}
INPLACE = "CELU ELU Hardsigmoid Hardswish Hardtanh LeakyReLU Mish ReLU ReLU6 SELU SiLU Threshold".split()
BY_DIM = ("Softmax", "Softmin", "LogSoftmax", "GLU")


def as_module(name: str, options: dict[str, Any], *shape: int) -> Case:
    def case(T: Any, x: Any) -> Any:
        module = x.module(getattr(T.nn, name)(**options))
        return module(x(*shape)), repr(module)

    return case


def inplace(name: str, options: dict[str, Any], recorded: bool) -> Case:
    def case(T: Any, x: Any) -> Any:
        given = x(3, 4) * 2 if recorded else x(3, 4).detach()
        module = getattr(T.nn, name)(**options, inplace=True)
        return module(given), given, repr(module)

    return case


def function(name: str, options: dict[str, Any], make: Callable[[Any], Any]) -> Case:
    return lambda T, x: getattr(T.nn.functional, name)(make(x), **options)


CASES: dict[str, list[Case]] = {}
for _name, _all in OPTIONS.items():
    _shapes = [(4, 2, 6), (2,), (2, 0, 2)] if _name in BY_DIM else [(4, 7), (), (0, 3), (2, 3, 2, 2)]
    CASES[f"nn.{_name}"] = [as_module(_name, o, *s) for o in _all for s in _shapes]
    if _name in INPLACE:
        CASES[f"nn.{_name}"] += [inplace(_name, o, recorded) for o in _all for recorded in (True, False)]
    _function = {"LeakyReLU": "leaky_relu", "LogSoftmax": "log_softmax"}.get(_name, _name.lower())
    _inputs: list[Callable[[Any], Any]] = [lambda x: x(4, 6).t(), lambda x: x(6, 8)[::2, ::2]]
    if _name not in BY_DIM:
        _inputs += [
            lambda x: x.tensor(CORNERS),
            lambda x: x.values([0.0, -0.0]),
            lambda x: x.int(5),
            lambda x: x.int(5, low=0, dtype="uint8"),
            lambda x: x.int(5, dtype="int32"),
            lambda x: [1.0, 2.0],
        ]
    CASES[f"nn.functional.{_function}"] = [function(_function, o, make) for o in _all for make in _inputs]
CASES["nn.functional.threshold"] += [lambda T, x: T.nn.functional.threshold(x(3), 0.1, 20, True)]
CASES["nn.functional.glu"] += [lambda T, x: T.nn.functional.glu(x(3, 5)), lambda T, x: T.nn.functional.glu(x())]
CASES["nn.functional.softmin"] += [lambda T, x: T.nn.functional.softmin(x(3, 5), 1, dtype=T.float64)]
CASES["nn.PReLU"] = [
    as_module("PReLU", {}, 3, 4),
    as_module("PReLU", {}),
    as_module("PReLU", {}, 2),
    as_module("PReLU", {"num_parameters": 4}, 3, 4),
    as_module("PReLU", {"num_parameters": 4}, 3, 4, 2, 2),
    as_module("PReLU", {"num_parameters": 4}, 4),
    as_module("PReLU", {"num_parameters": 3}, 3, 4),
    as_module("PReLU", {"num_parameters": 1, "init": 0.5}, 0, 2),
    lambda T, x: T.nn.PReLU(3, 0.1).weight,
    lambda T, x: T.nn.PReLU(dtype=T.float64).weight,
    lambda T, x: T.nn.functional.prelu(x.tensor(CORNERS), x.tensor([0.5])),
    lambda T, x: T.nn.functional.prelu(x(3, 4), x()),
    lambda T, x: T.nn.functional.prelu(x(3, 4).t(), x(3)),
    lambda T, x: T.nn.functional.prelu(x(3, 4), x(2, 2)),
]

# ---------------------------------------------------------------------------------------------------------------------
# Dropout: what does not depend on the random stream.


def kept(name: str, shape: tuple[int, ...], p: float, per_channel: int) -> Case:
    """Of ones: the values there are, whether whole channels fall together, and roughly how many stay."""

    def case(T: Any, x: Any) -> Any:
        T.manual_seed(5)
        out = getattr(T.nn, name)(p)(T.ones(*shape))
        rows = out.reshape(-1, per_channel)
        alike = bool((rows == rows[:, :1]).all())
        share = float((rows[:, 0] != 0).double().mean())
        return sorted(set(out.reshape(-1).tolist())), alike, abs(share - (1 - p)) < 0.1

    return case


def gradient_of_dropped(name: str, *shape: int) -> Case:
    """The gradient is 1 / (1 − p) where the number stays, else 0."""

    def case(T: Any, x: Any) -> Any:
        given = T.ones(*shape, requires_grad=True)
        out = getattr(T.nn, name)(0.5)(given)
        out.sum().backward()
        return bool((given.grad == out.detach()).all())

    return case


for _name, _shape, _channel in (
    ("Dropout", (400, 5), 1),
    ("Dropout1d", (50, 20, 3), 3),
    ("Dropout1d", (500, 3), 3),
    ("Dropout2d", (50, 20, 3, 2), 6),
):
    CASES.setdefault(f"nn.{_name}", []).extend([
        kept(_name, _shape, 0.25, _channel), kept(_name, _shape, 0.0, _channel), kept(_name, _shape, 1.0, _channel),
        gradient_of_dropped(_name, *_shape),
    ])  # fmt: skip
for _name in ("Dropout", "Dropout1d", "Dropout2d", "AlphaDropout"):
    _shapes = {"Dropout1d": [(2, 3, 4), (3, 4)], "Dropout2d": [(2, 3, 4, 5), (3, 4, 5)]}.get(_name, [(3, 4), ()])
    CASES.setdefault(f"nn.{_name}", []).extend(
        [lambda T, x, n=_name, s=s: getattr(T.nn, n)(0.4).eval()(x(*s)) for s in _shapes]
        + [lambda T, x, n=_name, s=s: getattr(T.nn, n)(0.0)(x(*s)) for s in _shapes]
        + [lambda T, x, n=_name, s=s: getattr(T.nn, n)(0.3)(x(*s)).shape for s in _shapes]
        + [
            lambda T, x, n=_name: repr(getattr(T.nn, n)()),
            lambda T, x, n=_name: repr(getattr(T.nn, n)(0.1, True)),
            lambda T, x, n=_name: getattr(T.nn, n)(-0.1),
            lambda T, x, n=_name: getattr(T.nn, n)(1.1),
            lambda T, x, n=_name: getattr(T.nn, n)(0.5)(x(2, 2, 2, 2, 2)).shape,
        ]
    )
for _name in ("dropout1d", "dropout2d"):
    _shapes = [(2, 3, 4), (3, 4), (4,)] if _name == "dropout1d" else [(2, 3, 4, 5), (3, 4, 5), (4, 5)]
    CASES[f"nn.functional.{_name}"] = [
        *(lambda T, x, n=_name, s=s: getattr(T.nn.functional, n)(x(*s), 0.5, False) for s in _shapes),
        *(lambda T, x, n=_name, s=s: getattr(T.nn.functional, n)(x(*s), 0.0) for s in _shapes),
        *(lambda T, x, n=_name, s=s: getattr(T.nn.functional, n)(x(*s), 1.0) for s in _shapes),
        *(lambda T, x, n=_name, s=s: getattr(T.nn.functional, n)(x(*s) * 1, 1.0, inplace=True) for s in _shapes),
        lambda T, x, n=_name: getattr(T.nn.functional, n)(x(2, 3, 4, 5)[0], 1.5),
    ]


def alpha_dropout_keeps(T: Any, x: Any) -> Any:
    """Mean 0 and variance 1 stay; the dropped numbers are all one number."""
    T.manual_seed(3)
    out = T.nn.AlphaDropout(0.2)(T.randn(20000, dtype=T.float64))
    numbers, counts = T.unique(out, return_counts=True)
    most = int(counts.argmax())
    share = float(counts[most]) / 20000
    return abs(float(out.mean())) < 0.05, abs(float(out.std()) - 1) < 0.05, abs(share - 0.2) < 0.02, numbers[most]


def alpha_dropout_of_numbers(T: Any, x: Any) -> Any:
    return sorted({round(v, 5) for v in T.nn.AlphaDropout(0.4)(T.ones(500)).tolist()})


CASES["nn.AlphaDropout"] += [
    alpha_dropout_keeps, alpha_dropout_of_numbers, lambda T, x: T.nn.AlphaDropout(1.0)(x(3)),
]  # fmt: skip

_SLOPE = {"with a negative slope": "Differentiable in place for a negative slope too; PyTorch refuses."}

INTENDED = {
    "nn.CELU": _SLOPE,
    "nn.LeakyReLU": _SLOPE,
    "nn.functional.gelu": {"is inf, PyTorch nan": "gelu(∞) is ∞; PyTorch's vector code gives NaN."},
    "hardsigmoid": {
        "float64: gradient of input 0": "PyTorch rounds 1/6 to float32 in the gradient of float64 numbers."
    },
    "nn.Hardsigmoid": {
        "float64: gradient of input": "PyTorch rounds 1/6 to float32 in the gradient of float64 numbers."
    },
}
