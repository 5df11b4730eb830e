"""Cases of nn: functions, layers, losses, Module, init."""

from collections.abc import Callable
from typing import Any

Case = Callable[[Any, Any], Any]
NAN, INF = float("nan"), float("inf")


def F(T: Any) -> Any:
    return T.nn.functional


CASES: dict[str, list[Case]] = {}
for _name in ("relu", "sigmoid", "silu", "tanh", "gelu"):
    CASES[f"nn.functional.{_name}"] = [
        lambda T, x, n=_name: getattr(F(T), n)(x(3, 4)),
        lambda T, x, n=_name: getattr(F(T), n)(x(4, 3).t()),
        lambda T, x, n=_name: getattr(F(T), n)(x()),
        lambda T, x, n=_name: getattr(F(T), n)(x(0)),
        lambda T, x, n=_name: getattr(F(T), n)(x.tensor([NAN, INF, -INF, 0.0, -0.0, 30.0, -30.0])),
        lambda T, x, n=_name: getattr(F(T), n)(x.int(3)),
        lambda T, x, n=_name: getattr(F(T), n)(x.values([0.0])),
    ]
for _name in ("relu", "silu"):
    CASES[f"nn.functional.{_name}"] += [lambda T, x, n=_name: getattr(F(T), n)(x(3) * 1, inplace=True)]
CASES["nn.functional.gelu"] += [
    lambda T, x: F(T).gelu(x(3, 4), approximate="tanh"),
    lambda T, x: F(T).gelu(x(3, 4), approximate="none"),
    lambda T, x: F(T).gelu(x(3, 4), approximate="other"),
]
for _name in ("softmax", "log_softmax"):
    CASES[f"nn.functional.{_name}"] = [
        lambda T, x, n=_name: getattr(F(T), n)(x(3, 4), 0),
        lambda T, x, n=_name: getattr(F(T), n)(x(3, 4), dim=-1),
        lambda T, x, n=_name: getattr(F(T), n)(x(2, 3, 4), 1, dtype=T.float64),
        lambda T, x, n=_name: getattr(F(T), n)(x.tensor([[INF, 0.0], [-INF, -INF]]), 1),
    ]
CASES["nn.functional.linear"] = [
    lambda T, x: F(T).linear(x(2, 3), x(4, 3)),
    lambda T, x: F(T).linear(x(2, 3), x(4, 3), x(4)),
    lambda T, x: F(T).linear(x(3), x(4, 3), x(4)),
    lambda T, x: F(T).linear(x(5, 2, 3), x(4, 3), x(4)),
    lambda T, x: F(T).linear(x(3, 2).t(), x(3, 4).t(), x(4)),
    lambda T, x: F(T).linear(x(0, 3), x(4, 3), x(4)),
    lambda T, x: F(T).linear(x(2, 0), x(4, 0), x(4)),
    lambda T, x: F(T).linear(x(2, 3), x(3)),
    lambda T, x: F(T).linear(x(2, 3), x(4, 5)),
    lambda T, x: F(T).linear(x(2, 3), x(4, 3), x(5)),
    lambda T, x: F(T).linear(x.int(2, 3), x(4, 3)),
    lambda T, x: F(T).linear(input=x(2, 3), weight=x(4, 3), bias=None),
]
CASES["nn.functional.conv2d"] = [
    lambda T, x: F(T).conv2d(x(2, 3, 6, 7), x(4, 3, 3, 3)),
    lambda T, x: F(T).conv2d(x(2, 3, 6, 7), x(4, 3, 3, 3), x(4), 2, 1),
    lambda T, x: F(T).conv2d(x(2, 3, 6, 7), x(4, 3, 3, 2), x(4), stride=(2, 1), padding=(1, 0), dilation=(1, 2)),
    lambda T, x: F(T).conv2d(x(2, 4, 6, 6), x(4, 2, 3, 3), groups=2),
    lambda T, x: F(T).conv2d(x(2, 4, 6, 6), x(8, 1, 3, 3), padding=1, groups=4),
    lambda T, x: F(T).conv2d(x(2, 3, 6, 6), x(4, 3, 3, 3), padding="same"),
    lambda T, x: F(T).conv2d(x(2, 3, 6, 6), x(4, 3, 2, 2), padding="same"),
    lambda T, x: F(T).conv2d(x(2, 3, 6, 6), x(4, 3, 3, 3), padding="valid"),
    lambda T, x: F(T).conv2d(x(3, 6, 6), x(4, 3, 3, 3)),
    lambda T, x: F(T).conv2d(x(2, 3, 6, 6), x(4, 3, 1, 1)),
    lambda T, x: F(T).conv2d(x(0, 3, 6, 6), x(4, 3, 3, 3)),
    lambda T, x: F(T).conv2d(x(2, 6, 6, 3).permute(0, 3, 1, 2), x(4, 3, 3, 3)),
    lambda T, x: F(T).conv2d(x(2, 3, 2, 2), x(4, 3, 3, 3)),
    lambda T, x: F(T).conv2d(x(2, 2, 6, 6), x(4, 3, 3, 3)),
    lambda T, x: F(T).conv2d(x(2, 3, 6, 6), x(4, 3, 3, 3), padding="same", stride=2),
    lambda T, x: F(T).conv2d(x(2, 3, 6, 6), x(4, 3, 3, 3), stride=0),
]
CASES["nn.functional.max_pool2d"] = [
    lambda T, x: F(T).max_pool2d(x(2, 3, 6, 7), 2),
    lambda T, x: F(T).max_pool2d(x(2, 3, 6, 7), (3, 2), stride=1, padding=1),
    lambda T, x: F(T).max_pool2d(x(2, 3, 6, 7), 2, 2, 0, 2),
    lambda T, x: F(T).max_pool2d(x(2, 3, 7, 7), 2, ceil_mode=True),
    lambda T, x: F(T).max_pool2d(x(2, 3, 7, 7), 3, 2, 1, ceil_mode=True),
    lambda T, x: F(T).max_pool2d(x(3, 6, 6), 2),
    lambda T, x: F(T).max_pool2d(x(2, 3, 6, 7), 2, return_indices=True),
    lambda T, x: F(T).max_pool2d(x(0, 3, 6, 6), 2),
    lambda T, x: F(T).max_pool2d(x.tensor([[[[1.0, NAN], [2.0, 3.0]]]]), 2),
    lambda T, x: F(T).max_pool2d(x.values([[[[1.0, 1.0], [1.0, 1.0]]]]), 2),
    lambda T, x: F(T).max_pool2d(x(2, 3, 6, 7), 2, padding=2),
    lambda T, x: F(T).max_pool2d(x(2, 3, 1, 1), 2),
    lambda T, x: F(T).max_pool2d(x(6, 7), 2),
]


def _limited(T: Any, x: Any, norm_type: float) -> Any:
    table = x(5, 4)
    return F(T).embedding(x.tensor([0, 1, 1, 3]), table, None, 0.7, norm_type), table.detach()


CASES["nn.functional.embedding"] = [
    lambda T, x: F(T).embedding(x.int(3, low=0, high=5), x(5, 4)),
    lambda T, x: F(T).embedding(x.int(2, 3, low=0, high=5), x(5, 4)),
    lambda T, x: F(T).embedding(x.tensor([0, 0, 1], "int32"), x(5, 4)),
    lambda T, x: F(T).embedding(x.tensor(2), x(5, 4)),
    lambda T, x: F(T).embedding(x.int(0), x(5, 4)),
    lambda T, x: F(T).embedding(x.tensor([0, 1, 1]), x(5, 4), padding_idx=1),
    lambda T, x: F(T).embedding(x.tensor([0, 1, 1]), x(5, 4), padding_idx=-1),
    lambda T, x: F(T).embedding(x.tensor([0, 1, 1, 3]), x(5, 4), 9),
    lambda T, x: F(T).embedding(x.tensor([0, 1, 1, 3]), x(5, 4), scale_grad_by_freq=True),
    lambda T, x: F(T).embedding(x.tensor([[0, 1], [1, 3]]), x(5, 4), 3, scale_grad_by_freq=True),
    *(lambda T, x, p=p: _limited(T, x, p) for p in (1.0, 2.0, 3.0, INF)),
    lambda T, x: F(T).embedding(x.tensor([0]), x(5)),
    lambda T, x: F(T).embedding(x.tensor([5]), x(5, 4)),
    lambda T, x: F(T).embedding(x.tensor([-1]), x(5, 4)),
    lambda T, x: F(T).embedding(x(2), x(5, 4)),
]
CASES["nn.functional.dropout"] = [
    lambda T, x: F(T).dropout(x(3, 4), 0.0),
    lambda T, x: F(T).dropout(x(3, 4), 1.0),
    lambda T, x: F(T).dropout(x(3, 4), 0.5, training=False),
    lambda T, x: F(T).dropout(x(3, 4), 0.5, False),
    lambda T, x: F(T).dropout(x(3, 4), 1.5),
    lambda T, x: F(T).dropout(x(3, 4) * 1, 1.0, inplace=True),
    lambda T, x: sorted(set(F(T).dropout(x.tensor([1.0] * 99), 0.5).tolist())),
]
for _reduction in ("mean", "sum", "none"):
    CASES.setdefault("nn.functional.mse_loss", []).extend([
        lambda T, x, r=_reduction: F(T).mse_loss(x(3, 4), x(3, 4), reduction=r),
        lambda T, x, r=_reduction: F(T).mse_loss(x(), x(), reduction=r),
        lambda T, x, r=_reduction: F(T).mse_loss(x(0), x(0), reduction=r),
        lambda T, x, r=_reduction: F(T).mse_loss(x(3, 4), x(4), reduction=r),
        lambda T, x, r=_reduction: F(T).mse_loss(x(3), x.int(3), reduction=r),
    ])  # fmt: skip
    CASES.setdefault("nn.functional.binary_cross_entropy_with_logits", []).extend([
        lambda T, x, r=_reduction: _bce(T)(x(3, 4), x.uniform(0, 1, 3, 4), reduction=r),
        lambda T, x, r=_reduction: _bce(T)(x(3, 4), x.uniform(0, 1, 3, 4), x.positive(4).detach(), reduction=r),
        lambda T, x, r=_reduction: _bce(T)(x(3, 4), x.uniform(0, 1, 3, 4), pos_weight=x.positive(4).detach(),
                                           reduction=r),
        lambda T, x, r=_reduction: _bce(T)(x.tensor([100.0, -100.0]), x.tensor([0.0, 0.0]), reduction=r),
        lambda T, x, r=_reduction: _bce(T)(x(3), x.int(3, low=0, high=2), reduction=r),
        lambda T, x, r=_reduction: _bce(T)(x(3), x.uniform(0, 1, 4), reduction=r),
    ])  # fmt: skip
    for _smoothing in (0.0, 0.1):
        CASES.setdefault("nn.functional.cross_entropy", []).extend([
            lambda T, x, r=_reduction, s=_smoothing: _ce(T)(x(4, 3), _y(x, 4), reduction=r, label_smoothing=s),
            lambda T, x, r=_reduction, s=_smoothing: _ce(T)(x(4, 3), _y(x, 4), x.tensor([0.5, 1.0, 2.0]), reduction=r,
                                                            label_smoothing=s),
            lambda T, x, r=_reduction, s=_smoothing: _ce(T)(x(4, 3, 5), _y(x, 4, 5), reduction=r, label_smoothing=s),
            lambda T, x, r=_reduction, s=_smoothing: _ce(T)(x(3), _y(x), reduction=r, label_smoothing=s),
            lambda T, x, r=_reduction, s=_smoothing: _ce(T)(x(4, 3), x.tensor([0, -100, 2, 1]), reduction=r,
                                                            label_smoothing=s),
            lambda T, x, r=_reduction, s=_smoothing: _ce(T)(x(4, 3), x.tensor([0, 2, 2, 1]), ignore_index=2,
                                                            reduction=r, label_smoothing=s),
            lambda T, x, r=_reduction, s=_smoothing: _ce(T)(x(4, 3), x.uniform(0, 1, 4, 3), reduction=r,
                                                            label_smoothing=s),
            lambda T, x, r=_reduction, s=_smoothing: _ce(T)(x(4, 3), x.uniform(0, 1, 4, 3), x.tensor([0.5, 1.0, 2.0]),
                                                            reduction=r, label_smoothing=s),
            lambda T, x, r=_reduction, s=_smoothing: _ce(T)(x(2, 3, 5), x.uniform(0, 1, 2, 3, 5), reduction=r,
                                                            label_smoothing=s),
            lambda T, x, r=_reduction, s=_smoothing: _ce(T)(x(0, 3), x.int(0), reduction=r, label_smoothing=s),
        ])  # fmt: skip
CASES["nn.functional.mse_loss"] += [lambda T, x: F(T).mse_loss(x(3), x(3), reduction="other")]
CASES["nn.functional.cross_entropy"] += [
    lambda T, x: _ce(T)(x(4, 3), x.tensor([0, 3, 0, 0])),
    lambda T, x: _ce(T)(x(4, 3), x.tensor([0, -1, 0, 0])),
    lambda T, x: _ce(T)(x(4, 3), x.tensor([0, 1])),
    lambda T, x: _ce(T)(x(4, 3), x.tensor([-100] * 4)),
    lambda T, x: _ce(T)(x(4, 3), _y(x, 4), label_smoothing=2.0),
    lambda T, x: _ce(T)(x.tensor([[INF, 0.0], [-INF, 0.0]]), x.tensor([0, 1])),
]


def _ce(T: Any) -> Any:
    return F(T).cross_entropy


def _bce(T: Any) -> Any:
    return F(T).binary_cross_entropy_with_logits


def _y(x: Any, *shape: int) -> Any:
    return x.int(*shape, low=0, high=3)


# ---------------------------------------------------------------------------------------------------------------------
# Modules: made, filled with the same numbers, called, printed.


def layer(name: str, args: tuple[Any, ...], shape: tuple[int, ...] | None = None, /, **options: Any) -> Case:
    """A module applied to a float input of a shape; and how it prints."""

    def case(T: Any, x: Any) -> Any:
        module = x.module(getattr(T.nn, name)(*args, **options))
        return module(x(*(shape or (3, 4)))), repr(module)

    return case


CASES |= {
    "nn.Identity": [layer("Identity", ()), layer("Identity", (54,), unused=True)],
    "nn.Flatten": [
        layer("Flatten", (), (2, 3, 4)),
        layer("Flatten", (0, 1), (2, 3, 4)),
        layer("Flatten", (), (2, 3, 4), start_dim=-2),
        layer("Flatten", (), (3,)),
    ],
    "nn.Linear": [
        layer("Linear", (4, 5)),
        layer("Linear", (4, 5), bias=False),
        layer("Linear", (4, 5), (2, 3, 4)),
        layer("Linear", (4, 5), (4,)),
        layer("Linear", (4, 0)),
        layer("Linear", (3, 5)),
        lambda T, x: T.nn.Linear(2, 3, dtype=T.float64).weight.dtype,
        lambda T, x: T.nn.Linear(2, 3, device="cpu").weight.shape,
        lambda T, x: [T.nn.Linear(2, 3).in_features, T.nn.Linear(2, 3, bias=False).bias],
    ],
    "nn.Conv2d": [
        layer("Conv2d", (3, 4, 3), (2, 3, 6, 6)),
        layer("Conv2d", (3, 4, (3, 2)), (2, 3, 6, 6), stride=2, padding=1),
        layer("Conv2d", (3, 6, 3), (2, 3, 6, 6), groups=3, bias=False),
        layer("Conv2d", (3, 4, 3), (2, 3, 6, 6), padding="same", dilation=2),
        layer("Conv2d", (3, 4, 3), (3, 6, 6)),
        layer("Conv2d", (3, 4, 3), (2, 3, 6, 6), padding=1, padding_mode="reflect"),
        layer("Conv2d", (3, 4, 3), (2, 3, 6, 6), padding=1, padding_mode="circular"),
        layer("Conv2d", (3, 4, 3), (2, 3, 6, 6), groups=2),
    ],
    "nn.MaxPool2d": [
        layer("MaxPool2d", (2,), (2, 3, 6, 6)),
        layer("MaxPool2d", (3,), (2, 3, 6, 6), stride=2, padding=1),
        layer("MaxPool2d", (2,), (2, 3, 7, 7), ceil_mode=True),
        layer("MaxPool2d", (2,), (2, 3, 7, 7), return_indices=True),
    ],
    "nn.Dropout": [
        layer("Dropout", (0.0,)),
        layer("Dropout", (1.0,)),
        lambda T, x: T.nn.Dropout().eval()(x(3)),
        lambda T, x: T.nn.Dropout(1.5),
        lambda T, x: repr(T.nn.Dropout(0.1, inplace=True)),
    ],
    "nn.Embedding": [
        lambda T, x: x.module(T.nn.Embedding(5, 3))(x.int(2, 3, low=0, high=5)),
        lambda T, x: x.module(T.nn.Embedding(5, 3, padding_idx=1))(x.tensor([0, 1, 1, 4])),
        lambda T, x: T.nn.Embedding(5, 3, padding_idx=1).weight[1],
        lambda T, x: repr(T.nn.Embedding(5, 3, padding_idx=-1)),
        lambda T, x: x.module(T.nn.Embedding(5, 3))(x.tensor([5])),
        lambda T, x: T.nn.Embedding(5, 3, padding_idx=9),
        lambda T, x: repr(T.nn.Embedding(5, 3, 1, 2.0, 1.0, True)),
        lambda T, x: x.module(T.nn.Embedding(5, 3, -2, 0.5, scale_grad_by_freq=True))(x.tensor([0, 1, 1, 3])),
        lambda T, x: T.nn.Embedding(5, 3, _weight=x.tensor([[1.0, 2.0]] * 5)),
        lambda T, x: T.nn.Embedding(2, 2, _weight=x.tensor([[1.0, 2.0], [3.0, 4.0]]), _freeze=True).weight,
        lambda T, x: T.nn.Embedding.from_pretrained(x.tensor([[1.0, 2.0], [3.0, 4.0]]))(x.tensor([1, 0])),
        lambda T, x: T.nn.Embedding.from_pretrained(x.tensor([[1.0, 2.0]]), freeze=False, padding_idx=0).weight,
        lambda T, x: T.nn.Embedding.from_pretrained(x.tensor([1.0, 2.0])),
        lambda T, x: T.nn.Embedding(5, 3, dtype=T.float64).weight.dtype,
    ],
    "nn.Sequential": [
        lambda T, x: x.module(T.nn.Sequential(T.nn.Linear(4, 3), T.nn.ReLU(), T.nn.Linear(3, 2)))(x(3, 4)),
        lambda T, x: repr(T.nn.Sequential(T.nn.Linear(4, 3), T.nn.Sequential(T.nn.ReLU()))),
        lambda T, x: [len(T.nn.Sequential(T.nn.ReLU(), T.nn.Tanh())), repr(T.nn.Sequential(T.nn.ReLU())[0])],
        lambda T, x: repr(T.nn.Sequential(T.nn.ReLU(), T.nn.Tanh(), T.nn.SiLU())[1:]),
        lambda T, x: repr(T.nn.Sequential(T.nn.ReLU()).append(T.nn.Tanh())),
        lambda T, x: T.nn.Sequential()(x(3)),
    ],
    "nn.Parameter": [
        lambda T, x: T.nn.Parameter(x.tensor([1.0, 2.0])),
        lambda T, x: T.nn.Parameter(x.tensor([1.0]), requires_grad=False),
        lambda T, x: T.nn.Parameter(x.tensor([1])),
        lambda T, x: repr(T.nn.Parameter(x.tensor([1.0], "float32"))),
        lambda T, x: [T.nn.Parameter(x.tensor([1.0])).is_leaf, isinstance(T.nn.Parameter(x.tensor([1.0])), T.Tensor)],
    ],
}
for _name in ("ReLU", "Sigmoid", "SiLU", "Tanh", "GELU"):
    CASES[f"nn.{_name}"] = [layer(_name, ()), layer(_name, (), (0, 2))]
CASES["nn.GELU"] += [layer("GELU", (), approximate="tanh")]
CASES["nn.ReLU"] += [lambda T, x: repr(T.nn.ReLU(inplace=True)), lambda T, x: T.nn.ReLU(True)(x(3) * 1)]


def loss(name: str, target: Callable[[Any], Any], shape: tuple[int, ...] = (4, 3), **options: Any) -> list[Case]:
    """A loss in its reductions."""
    return [
        lambda T, x, r=r: getattr(T.nn, name)(reduction=r, **options)(x(*shape), target(x))
        for r in ("mean", "sum", "none")
    ] + [lambda T, x: repr(getattr(T.nn, name)(**options))]


CASES["nn.MSELoss"] = loss("MSELoss", lambda x: x(4, 3))
CASES["nn.BCEWithLogitsLoss"] = loss("BCEWithLogitsLoss", lambda x: x.uniform(0, 1, 4, 3)) + [
    lambda T, x: T.nn.BCEWithLogitsLoss(weight=x.tensor([0.5, 1.0, 2.0]))(x(4, 3), x.uniform(0, 1, 4, 3)),
    lambda T, x: T.nn.BCEWithLogitsLoss(pos_weight=x.tensor([0.5, 1.0, 2.0]))(x(4, 3), x.uniform(0, 1, 4, 3)),
    lambda T, x: list(T.nn.BCEWithLogitsLoss(pos_weight=x.tensor([2.0])).state_dict()),
]
CASES["nn.CrossEntropyLoss"] = (
    loss("CrossEntropyLoss", lambda x: x.int(4, low=0, high=3))
    + loss("CrossEntropyLoss", lambda x: x.tensor([0, 1, 2, 1]), ignore_index=1, label_smoothing=0.2)
    + [lambda T, x: list(T.nn.CrossEntropyLoss(weight=x.tensor([1.0, 2.0, 3.0])).state_dict())]
)

INTENDED = {
    "nn.functional.binary_cross_entropy_with_logits": {
        "can't be cast to the desired output type Long": "Integer targets are converted; PyTorch refuses.",
    },
}
