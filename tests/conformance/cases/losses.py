"""Cases of the losses: every option and reduction, as modules and as functions, at the edges of what they are for."""

from collections.abc import Callable
from typing import Any

Case = Callable[[Any, Any], Any]
NAN, INF = float("nan"), float("inf")

# The loss as a function: its name.
FUNCTIONS = {
    "BCELoss": "binary_cross_entropy", "CosineEmbeddingLoss": "cosine_embedding_loss", "HuberLoss": "huber_loss",
    "GaussianNLLLoss": "gaussian_nll_loss", "KLDivLoss": "kl_div", "L1Loss": "l1_loss", "NLLLoss": "nll_loss",
    "MarginRankingLoss": "margin_ranking_loss", "PoissonNLLLoss": "poisson_nll_loss",
    "SmoothL1Loss": "smooth_l1_loss", "SoftMarginLoss": "soft_margin_loss", "MSELoss": "mse_loss",
    "TripletMarginLoss": "triplet_margin_loss", "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "CrossEntropyLoss": "cross_entropy",
}  # fmt: skip
REDUCTIONS = ("mean", "sum", "none")

Inputs = Callable[[Any], tuple[Any, ...]]


def losses(
    name: str, inputs: list[Inputs], options: list[dict[str, Any]], reductions: tuple[str, ...] = REDUCTIONS
) -> None:
    """Adds the cases of a loss with every input, option and reduction."""
    module, function = CASES.setdefault(f"nn.{name}", []), CASES.setdefault(f"nn.functional.{FUNCTIONS[name]}", [])
    for make in inputs:
        for some in options:
            for reduction in reductions:

                def as_module(T: Any, x: Any, make: Inputs = make, o: Any = some, r: str = reduction) -> Any:
                    return getattr(T.nn, name)(reduction=r, **o)(*make(x))

                def as_function(T: Any, x: Any, make: Inputs = make, o: Any = some, r: str = reduction) -> Any:
                    return getattr(T.nn.functional, FUNCTIONS[name])(*make(x), reduction=r, **o)

                module.append(as_module)
                function.append(as_function)
    for some in options:
        module.append(lambda T, x, o=some: repr(getattr(T.nn, name)(**o)))
        module.append(lambda T, x, o=some: list(getattr(T.nn, name)(**o).state_dict()))
    module.append(lambda T, x: getattr(T.nn, name)(reduction="average")(*inputs[0](x)))
    for old in ({"size_average": False}, {"reduce": False}, {"size_average": True, "reduce": True}):
        module.append(lambda T, x, o=old: getattr(T.nn, name)(**o)(*inputs[0](x)))


CASES: dict[str, list[Case]] = {}

PAIRS: list[Inputs] = [
    lambda x: (x(3, 4), x(3, 4)),
    lambda x: (x(4, 3).t(), x(3, 4)),
    lambda x: (x(), x()),
    lambda x: (x(0), x(0)),
    lambda x: (x(3, 4), x(4)),
    lambda x: (x(3, 4), x(3, 4, 1)[..., 0].detach()),
    lambda x: (x(3), x.int(3)),
    lambda x: (x.values([1.0, 2.0, 2.0]), x.values([1.0, 1.0, 2.0])),
    lambda x: (x.tensor([NAN, INF, 1.0, -INF]), x.tensor([0.0, 0.0, INF, -INF])),
    lambda x: (x(3), x(4)),
    lambda x: (x(3), 1.0),
    lambda x: (x(3), x.tensor([1.0, 2.0, 3.0], "float64")),
]
losses("L1Loss", PAIRS, [{}])
losses("MSELoss", PAIRS, [{}])
losses("SmoothL1Loss", PAIRS, [{}, {"beta": 0.3}, {"beta": 0.0}, {"beta": 2}, {"beta": -1.0}])
CASES["nn.functional.l1_loss"] += [
    *(
        lambda T, x, r=r: T.nn.functional.l1_loss(x(3, 4), x(3, 4), reduction=r, weight=x.positive(3, 4).detach())
        for r in REDUCTIONS
    ),
]
CASES["nn.functional.mse_loss"] += [
    *(
        lambda T, x, r=r: T.nn.functional.mse_loss(x(3, 4), x(3, 4), reduction=r, weight=x.positive(3, 4).detach())
        for r in REDUCTIONS
    ),
]
losses("HuberLoss", PAIRS, [{}, {"delta": 0.3}, {"delta": 2}, {"delta": 0.0}, {"delta": -1.0}])
SIGNS: list[Inputs] = [
    lambda x: (x(4), x.tensor([1.0, -1.0, 1.0, -1.0])),
    lambda x: (x(2, 2), x.tensor([[1, -1], [1, -1]])),
    lambda x: (x(3), x(3).detach()),
    lambda x: (x(0), x(0).detach()),
    lambda x: (x(), x().detach()),
    lambda x: (x.tensor([100.0, -100.0, 1000.0]), x.tensor([-1.0, 1.0, -1.0])),
    lambda x: (x(3), x(4).detach()),
    lambda x: (x(3, 2), x(2).detach()),
]
losses("SoftMarginLoss", SIGNS, [{}])
PROBABILITIES: list[Inputs] = [
    lambda x: (x.uniform(0.1, 0.9, 3, 4), x.uniform(0.0, 1.0, 3, 4)),
    lambda x: (x.uniform(0.1, 0.9, 4, 3).t(), x.uniform(0.0, 1.0, 3, 4)),
    lambda x: (x.uniform(0.1, 0.9), x.uniform(0.0, 1.0)),
    lambda x: (x.uniform(0.1, 0.9, 0), x.uniform(0.0, 1.0, 0)),
    lambda x: (x.values([0.0, 1.0, 1.0, 0.0]), x.tensor([0.0, 1.0, 0.0, 1.0])),
    lambda x: (x.uniform(0.1, 0.9, 3), x.uniform(0.0, 1.0, 4)),
    lambda x: (x.uniform(0.1, 0.9, 3, 4), x.uniform(0.0, 1.0, 4)),
    lambda x: (x.tensor([1.5]), x.tensor([1.0])),
    lambda x: (x.tensor([-0.5]), x.tensor([1.0])),
    lambda x: (x.tensor([NAN]), x.tensor([1.0])),
    lambda x: (x.uniform(0.1, 0.9, 3), x.int(3, low=0, high=2)),
]
losses("BCELoss", PROBABILITIES, [{}])
LOGITS: list[Inputs] = [
    lambda x: (x(3, 4), x.uniform(0.0, 1.0, 3, 4)),
    lambda x: (x(4, 3).t(), x.uniform(0.0, 1.0, 3, 4)),
    lambda x: (x(), x.uniform(0.0, 1.0)),
    lambda x: (x(0), x.uniform(0.0, 1.0, 0)),
    lambda x: (x(3, 4), x.uniform(0.0, 1.0, 4)),
    lambda x: (x.tensor([100.0, -100.0, INF, -INF, NAN]), x.tensor([0.0, 1.0, 1.0, 0.0, 0.5])),
]
losses("BCEWithLogitsLoss", LOGITS, [{}])
for _name, _make in (("BCELoss", PROBABILITIES[0]), ("BCEWithLogitsLoss", LOGITS[0])):
    for _reduction in REDUCTIONS:
        CASES[f"nn.{_name}"] += [
            lambda T, x, n=_name, m=_make, r=_reduction, w=w: getattr(T.nn, n)(x.tensor(w), reduction=r)(*m(x))
            for w in ([0.5, 1.0, 2.0, 0.1], [[0.5], [2.0], [1.0]], 3.0, [1.0, 2.0])
        ]
    CASES[f"nn.{_name}"] += [lambda T, x, n=_name: list(getattr(T.nn, n)(x.tensor([1.0])).state_dict())]
losses(
    "KLDivLoss",
    [
        lambda x: (x(3, 4).log_softmax(1), x(3, 4).softmax(1)),
        lambda x: (x(3, 4), x.uniform(0.1, 1.0, 3, 4)),
        lambda x: (x(4, 3).t(), x.uniform(0.1, 1.0, 3, 4)),
        lambda x: (x(), x.uniform(0.1, 1.0)),
        lambda x: (x(0), x.uniform(0.1, 1.0, 0)),
        lambda x: (x(3), x.tensor([0.0, 1.0, -1.0])),
        lambda x: (x(3, 4), x.uniform(0.1, 1.0, 4)),
        lambda x: (x(3), x.uniform(0.1, 1.0, 4)),
    ],
    [{}, {"log_target": True}],
    ("mean", "sum", "none", "batchmean"),
)
losses(
    "PoissonNLLLoss",
    [
        lambda x: (x.positive(3, 4), x.int(3, 4, low=0, high=4)),
        lambda x: (x.positive(3, 4), x.positive(3, 4)),
        lambda x: (x.positive(4, 3).t(), x.positive(4)),
        lambda x: (x.positive(), x.positive()),
        lambda x: (x.positive(0), x.positive(0)),
        lambda x: (x.values([0.0, 1.0]), x.tensor([0.0, 3.0])),
        lambda x: (x.positive(3), x.positive(4)),
    ],
    [{}, {"log_input": False}, {"full": True}, {"log_input": False, "full": True, "eps": 0.1}],
)
losses(
    "GaussianNLLLoss",
    [
        lambda x: (x(3, 4), x(3, 4), x.positive(3, 4)),
        lambda x: (x(3, 4), x(3, 4), x.positive(3, 1)),
        lambda x: (x(3, 4), x(3, 4), x.positive(3)),
        lambda x: (x(3, 4), x(3, 4), x.positive(4)),
        lambda x: (x(3, 4), x(4), x.positive(3, 4)),
        lambda x: (x(3), x(3), x.tensor([0.0, 1e-8, 1.0])),
        lambda x: (x(3), x(3), x.tensor([-1.0, 1.0, 1.0])),
        lambda x: (x(), x(), x.positive()),
        lambda x: (x(0), x(0), x.positive(0)),
        lambda x: (x(3), x(4), x.positive(3)),
        lambda x: (x(3), x(3), 2.0),
    ],
    [{}, {"full": True}, {"eps": 0.7}, {"eps": -1.0}],
)
CASES["nn.GaussianNLLLoss"] = [c for c in CASES["nn.GaussianNLLLoss"][:-3]]  # newer than size_average
losses(
    "MarginRankingLoss",
    [
        lambda x: (x(4), x(4), x.tensor([1.0, -1.0, 1.0, -1.0])),
        lambda x: (x(3, 4), x(3, 4), x.tensor([1.0, -1.0, 1.0, -1.0]).expand(3, 4)),
        lambda x: (x(3, 4), x(3, 4), x.tensor([1, -1, 1, -1]).expand(3, 4)),
        lambda x: (x(3, 4), x(4), x(3, 1)),
        lambda x: (x.values([1.0, 2.0]), x.values([1.0, 2.0]), x.tensor([1.0, -1.0])),
        lambda x: (x(), x(), x()),
        lambda x: (x(0), x(0), x(0)),
        lambda x: (x(3), x(4), x(3)),
    ],
    [{}, {"margin": 0.5}, {"margin": -0.5}],
)
losses(
    "CosineEmbeddingLoss",
    [
        lambda x: (x(4, 5), x(4, 5), x.tensor([1.0, -1.0, 1.0, -1.0])),
        lambda x: (x(4, 5), x(4, 5), x.tensor([1, -1, 1, -1])),
        lambda x: (x(5), x(5), x.tensor(1)),
        lambda x: (x(5), x(5), x.tensor(-1.0)),
        lambda x: (x(2, 2), x.values([[0.0, 0.0], [1.0, 1.0]]), x.tensor([1, -1])),
        lambda x: (x(4, 5), x(4, 5), x.tensor([1, -1, 0, 3])),
        lambda x: (x(0, 5), x(0, 5), x.tensor([], "int64")),
        lambda x: (x(4, 5), x(4, 5), x.tensor([1, -1, 1])),
        lambda x: (x(4, 5), x(4, 3), x.tensor([1, -1, 1, 1])),
        lambda x: (x(2, 4, 5), x(2, 4, 5), x.tensor([1, -1])),
    ],
    [{}, {"margin": 0.4}, {"margin": -0.4}],
)
losses(
    "TripletMarginLoss",
    [
        lambda x: (x(4, 5), x(4, 5), x(4, 5)),
        lambda x: (x(5), x(5), x(5)),
        lambda x: (x(2, 4, 5), x(2, 4, 5), x(2, 4, 5)),
        lambda x: (x(4, 5), x(1, 5), x(4, 5)),
        lambda x: (x(0, 5), x(0, 5), x(0, 5)),
        lambda x: (x(4, 5), x(5), x(4, 5)),
        lambda x: (x(4, 5), x(4, 5), x(4, 3)),
    ],
    [{}, {"margin": 0.2}, {"p": 1.0}, {"p": 3}, {"swap": True}, {"eps": 0.1}, {"p": INF}, {"margin": 0.0}],
)
CLASSES: list[Inputs] = [
    lambda x: (x(4, 3), x.int(4, low=0, high=3)),
    lambda x: (x(3, 4).t(), x.int(4, low=0, high=3)),
    lambda x: (x(3), x.int(low=0, high=3)),
    lambda x: (x(2, 3, 4), x.int(2, 4, low=0, high=3)),
    lambda x: (x(2, 3, 2, 2), x.int(2, 2, 2, low=0, high=3)),
    lambda x: (x(2, 4, 3).transpose(1, 2), x.int(2, 4, low=0, high=3)),
    lambda x: (x(0, 3), x.int(0)),
    lambda x: (x(4, 3), x.tensor([0, -100, 2, 1])),
    lambda x: (x(4, 3), x.tensor([1, 1, 1, 1])),
    lambda x: (x(4, 3), x.tensor([0, 3, 0, 0])),
    lambda x: (x(4, 3), x.tensor([0, -1, 0, 0])),
    lambda x: (x(4, 3), x.int(3, low=0, high=3)),
    lambda x: (x(4, 3), x.int(4, 3, low=0, high=3)),
    lambda x: (x(4, 3), x(4)),
    lambda x: (x(4, 3), x.int(4, low=0, high=3, dtype="int32")),
    lambda x: (x(4, 3), x.int(4, low=0, high=3, dtype="uint8")),
    lambda x: (x(), x.int(low=0, high=1)),
]
losses("NLLLoss", CLASSES, [{}, {"ignore_index": 1}, {"ignore_index": -7}])
losses("CrossEntropyLoss", CLASSES, [{}, {"ignore_index": 1}, {"label_smoothing": 0.1}])
for _name in ("NLLLoss", "CrossEntropyLoss"):
    for _reduction in REDUCTIONS:
        CASES[f"nn.{_name}"] += [
            lambda T, x, n=_name, m=m, r=_reduction, w=w, i=i: getattr(T.nn, n)(
                x.tensor(w), reduction=r, ignore_index=i
            )(*m(x))
            for m in (CLASSES[0], CLASSES[2], CLASSES[3], CLASSES[4], CLASSES[8])
            for w in ([0.5, 1.0, 2.0], [0.0, 0.0, 1.0])
            for i in (-100, 1)
        ]
    CASES[f"nn.{_name}"] += [
        lambda T, x, n=_name: getattr(T.nn, n)(x.tensor([1.0, 2.0]))(*CLASSES[0](x)),
        lambda T, x, n=_name: list(getattr(T.nn, n)(x.tensor([1.0])).state_dict()),
        lambda T, x, n=_name: getattr(T.nn, n)(weight=x.tensor([1.0, 2.0, 3.0]), size_average=False)(*CLASSES[0](x)),
    ]
CASES["nn.CrossEntropyLoss"] += [
    lambda T, x, r=r, s=s, m=m: T.nn.CrossEntropyLoss(reduction=r, label_smoothing=s)(*m(x))
    for r in REDUCTIONS
    for s in (0.0, 0.3)
    for m in (
        lambda x: (x(4, 3), x(4, 3).softmax(1)),
        lambda x: (x(3), x(3).softmax(0)),
        lambda x: (x(2, 3, 4), x.uniform(0, 1, 2, 3, 4)),
        lambda x: (x(4, 3), x(4, 2)),
    )
]

_INT = {
    "expected target dtype to be Long or Byte": "Class numbers of int32 are taken too; PyTorch refuses.",
}
_ROUNDED = "PyTorch rounds the number 1e-12, which keeps the quotient finite, to float32."
_CONVERTED = "Integer targets are converted; PyTorch refuses."
_BCE = {
    "second gradient of input": _ROUNDED,
    "float64: gradient of input 0 at (2,) of shape (4,)": _ROUNDED,
    "Found dtype Long but expected Float": _CONVERTED,
}
_COSINE = {"float64: gradient of input 1 at (0, 0) of shape (2, 2)": _ROUNDED}
_HUBER = {
    "but expected Float (in the gradients)": "A target of another type is converted; PyTorch has no gradient then."
}
_SOFT = {", PyTorch inf": "Computed without overflow."}

INTENDED = {
    "nn.NLLLoss": _INT, "nn.CrossEntropyLoss": _INT, "nll_loss": _INT, "cross_entropy": _INT,
    "nn.BCELoss": _BCE, "binary_cross_entropy": _BCE,
    "nn.CosineEmbeddingLoss": _COSINE, "cosine_embedding_loss": _COSINE,
    "nn.HuberLoss": _HUBER, "huber_loss": _HUBER,
    "nn.SoftMarginLoss": _SOFT, "soft_margin_loss": _SOFT,
}  # fmt: skip
