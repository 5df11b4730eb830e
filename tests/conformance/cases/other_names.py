"""Cases of aliases, bitwise operations, in-place forms of structured operations, and other names beside the list."""

from collections.abc import Callable
from typing import Any

Case = Callable[[Any, Any], Any]
KINDS = ("int64", "int32", "uint8", "bool")


def bits(name: str, low: int, high: int) -> list[Case]:
    """Two operands of every pair of integer types, numbers on either side, broadcasting, and what is refused."""

    def f(T: Any) -> Any:
        return getattr(T, name)

    def made(x: Any, kind: str, *shape: int) -> Any:
        return x.bool(*shape) if kind == "bool" else x.int(*shape, low=low, high=high, dtype=kind)

    kinds = KINDS[:-1] if "shift" in name else KINDS
    return [
        *(lambda T, x, a=a, b=b: f(T)(made(x, a, 3), made(x, b, 3)) for a in kinds for b in kinds),
        *(lambda T, x, a=a: f(T)(made(x, a, 3), 2) for a in kinds),
        *(lambda T, x, a=a: f(T)(made(x, a), made(x, "int64", 2, 1)) for a in kinds),
        lambda T, x: f(T)(made(x, "int64", 3, 4), made(x, "int64", 4, 3).t()),
        lambda T, x: f(T)(made(x, "int64", 0), made(x, "int64", 1)),
        lambda T, x: f(T)(x(3), 2),
        lambda T, x: f(T)(made(x, "int64", 3), made(x, "int64", 4)),
        lambda T, x: f(T)(made(x, "int64", 3), 1.5),
    ]


CASES: dict[str, list[Case]] = {name: bits(name, 0, 9) for name in ("bitwise_and", "bitwise_or", "bitwise_xor")}
CASES |= {name: bits(name, 0, 5) for name in ("bitwise_left_shift", "bitwise_right_shift")}
CASES["bitwise_not"] = [
    *(lambda T, x, k=k: T.bitwise_not(x.int(3, low=0, dtype=k)) for k in KINDS[:-1]),
    lambda T, x: T.bitwise_not(x.bool(3)),
    lambda T, x: T.bitwise_not(x(3)),
    lambda T, x: ~x.int(3),
]
CASES["bitwise_and"] += [lambda T, x: x.int(3) & 6, lambda T, x: 6 & x.int(3), lambda T, x: x.bool(3) & x.bool(3)]
CASES["bitwise_or"] += [lambda T, x: x.int(3) | 6, lambda T, x: 6 | x.int(3), lambda T, x: x.bool(3) | True]
CASES["bitwise_xor"] += [lambda T, x: x.int(3) ^ 6, lambda T, x: 6 ^ x.int(3), lambda T, x: x.bool(3) ^ x.bool(3)]
CASES["bitwise_left_shift"] += [lambda T, x: x.int(3, low=0) << 2]
CASES["bitwise_right_shift"] += [lambda T, x: x.int(3) >> 1]
for _name in ("atleast_1d", "atleast_2d", "atleast_3d"):
    CASES[_name] = [
        *(lambda T, x, n=_name, s=s: getattr(T, n)(x(*s)) for s in ((), (3,), (2, 3), (2, 3, 4), (2, 0))),
        lambda T, x, n=_name: getattr(T, n)(x(), x(3)),
        lambda T, x, n=_name: getattr(T, n)((x(), x(3))),
    ]
for _name in ("dstack", "column_stack"):
    CASES[_name] = [
        *(lambda T, x, n=_name, s=s: getattr(T, n)((x(*s), x(*s))) for s in ((3,), (2, 3), (2, 3, 4), ())),
        lambda T, x, n=_name: getattr(T, n)([x(2, 3), x.int(2, 3)]),
        lambda T, x, n=_name: getattr(T, n)([x(2, 3), x(3, 3)]),
    ]
for _name in ("concat", "concatenate"):
    CASES[_name] = [
        lambda T, x, n=_name: getattr(T, n)([x(2, 3), x(1, 3)]),
        lambda T, x, n=_name: getattr(T, n)((x(2, 3), x(2, 1)), dim=-1),
        lambda T, x, n=_name: getattr(T, n)([x(2), x.int(2)]),
        lambda T, x, n=_name: getattr(T, n)([x(2, 3), x(2, 2)]),
    ]


def submodule_exchanged(T: Any, x: Any) -> Any:
    module = T.nn.Sequential(T.nn.ReLU(), T.nn.Sequential(T.nn.Tanh()))
    module.set_submodule("1.0", T.nn.ReLU())
    return repr(module)


CASES |= {
    "adjoint": [lambda T, x: T.adjoint(x(2, 3)), lambda T, x: T.adjoint(x(4, 2, 3)), lambda T, x: T.adjoint(x(3))],
    "broadcast_shapes": [
        lambda T, x: tuple(T.broadcast_shapes((2, 1), (3,))),
        lambda T, x: tuple(T.broadcast_shapes((2, 1), (), (1, 1, 3))),
        lambda T, x: tuple(T.broadcast_shapes((2, 0), (1,))),
        lambda T, x: T.broadcast_shapes((2,), (3,)),
    ],
    "chain_matmul": [
        lambda T, x: T.chain_matmul(x(2, 3), x(3, 4), x(4, 2)),
        lambda T, x: T.chain_matmul(x(2, 3), x(3, 4)),
        lambda T, x: T.chain_matmul(x(2, 3), x(2, 4)),
    ],
    "clip": [
        lambda T, x: T.clip(x(3, 4), -0.5, 0.5),
        lambda T, x: T.clip(x(3, 4), min=-0.5),
        lambda T, x: T.clip(x(3, 4), max=x(4)),
        lambda T, x: T.clip(x.int(3), 0, 1),
        lambda T, x: T.clip(x(3)),
    ],
    "dsplit": [
        lambda T, x: T.dsplit(x(2, 2, 4), 2),
        lambda T, x: T.dsplit(x(2, 2, 4), [1, 3]),
        lambda T, x: T.dsplit(x(2, 2), 2),
        lambda T, x: T.dsplit(x(2, 2, 4), 3),
    ],
    "ger": [lambda T, x: T.ger(x(3), x(2)), lambda T, x: T.ger(x(3, 1), x(2))],
    "det": [lambda T, x: T.det(x(3, 3)), lambda T, x: T.det(x(2, 3, 3)), lambda T, x: T.det(x(2, 3))],
    "inverse": [lambda T, x: T.inverse(x(3, 3)), lambda T, x: T.inverse(x(2, 2, 2)), lambda T, x: T.inverse(x(2, 3))],
    "pinverse": [lambda T, x: T.pinverse(x(3, 2)), lambda T, x: T.pinverse(x(2, 4))],
    "slogdet": [lambda T, x: T.slogdet(x(3, 3)), lambda T, x: T.slogdet(x(2, 3, 3))],
    "matrix_power": [lambda T, x, n=n: T.matrix_power(x(3, 3), n) for n in (-2, -1, 0, 1, 2, 5)],
    "linalg.matmul": [lambda T, x: T.linalg.matmul(x(2, 3), x(3, 4)), lambda T, x: T.linalg.matmul(x(3), x(3))],
    "vdot": [lambda T, x: T.vdot(x(3), x(3)), lambda T, x: T.vdot(x.int(3), x.int(3)), lambda T, x: T.vdot(x(3), x(4))],
    "index_copy": [
        lambda T, x: T.index_copy(x(4, 3), 0, x.tensor([3, 0]), x(2, 3)),
        lambda T, x: T.index_copy(x(4, 3), 1, x.tensor([2]), x(4, 1)),
        lambda T, x: T.index_copy(x(4), -1, x.tensor([1, 3]), x(2)),
        lambda T, x: T.index_copy(x(4, 3), 0, x.tensor([3, 9]), x(2, 3)),
        lambda T, x: T.index_copy(x(4, 3), 0, x.tensor([3]), x(2, 3)),
    ],
    "masked_scatter": [
        lambda T, x: T.masked_scatter(x(3, 4), x.bool(3, 4), x(12)),
        lambda T, x: T.masked_scatter(x(3, 4), x.bool(4), x(3, 4)),
        lambda T, x: T.masked_scatter(x(3, 4), T.ones(3, 4, dtype=T.bool), x(3)),
    ],
    "moveaxis": [
        lambda T, x: T.moveaxis(x(2, 3, 4), 0, -1),
        lambda T, x: T.moveaxis(x(2, 3, 4), (0, 1), (1, 2)),
        lambda T, x: T.moveaxis(x(2, 3), 5, 0),
    ],
    "swapaxes": [lambda T, x: T.swapaxes(x(2, 3, 4), 0, -1), lambda T, x: T.swapaxes(x(2), 0, 3)],
    "swapdims": [lambda T, x: T.swapdims(x(2, 3, 4), 0, -1), lambda T, x: T.swapdims(x(2), 0, 3)],
    "take": [
        lambda T, x: T.take(x(3, 4), x.tensor([[0, 11], [-1, 5]])),
        lambda T, x: T.take(x(4, 3).t(), x.tensor([1, 1])),
        lambda T, x: T.take(x(3, 4), x.tensor([12])),
        lambda T, x: T.take(x(3), x.tensor([], "int64")),
    ],
    "result_type": [
        *(lambda T, x, a=a, b=b: T.result_type(x.tensor([1], a), x.tensor([1], b)) for a in KINDS for b in KINDS),
        lambda T, x: T.result_type(x(3), 1),
        lambda T, x: T.result_type(x.int(3), 1.5),
        lambda T, x: T.result_type(x.bool(3), 1),
        lambda T, x: T.result_type(x.int(3), x.tensor(1.5, "float64")),
        lambda T, x: T.result_type(1, 2.5),
    ],
    "Tensor.copy_": [
        lambda T, x: (x(3, 4) * 1).copy_(x(3, 4)),
        lambda T, x: (x(3, 4) * 1).copy_(x(4)),
        lambda T, x: x.int(3).copy_(x.tensor([1.7, -1.7, 2.0])),
        lambda T, x: (x(3) * 1).copy_(x.int(3), non_blocking=True),
        lambda T, x: (x(3) * 1).copy_(x(4)),
        lambda T, x: (x(4, 3) * 1).t().copy_(x(3, 4)),
    ],
    "Tensor.fill_": [
        lambda T, x: (x(3) * 1).fill_(2),
        lambda T, x: (x(3) * 1).fill_(x()),
        lambda T, x: x.int(3).fill_(2.7),
        lambda T, x: x.bool(3).fill_(3),
        lambda T, x: (x(3) * 1).fill_(x(3)),
    ],
    "Tensor.zero_": [
        lambda T, x: (x(3) * 1).zero_(),
        lambda T, x: x.int(3).zero_(),
        lambda T, x: x.bool(3).zero_(),
        lambda T, x: x(3).zero_(),
    ],
    "Tensor.normal_": [
        lambda T, x: T.zeros(3, dtype=x.dtype).normal_(2.0, 0.0),
        lambda T, x: T.zeros(2, 3).normal_(std=2.0).shape,
        lambda T, x: T.zeros(3).normal_(0.0, -1.0),
    ],
    "Tensor.uniform_": [
        lambda T, x: T.zeros(3, dtype=x.dtype).uniform_(2.0, 2.0),
        lambda T, x: bool(((a := T.zeros(300).uniform_(-1, 2)) >= -1).all()) and bool((a < 2).all()),
        lambda T, x: T.zeros(3).uniform_(2.0, 1.0),
    ],
    "Tensor.new_empty": [
        lambda T, x: x(2).new_empty(2, 3).shape,
        lambda T, x: x(2).new_empty((2, 3), dtype=T.int64).dtype,
        lambda T, x: x.int(2).new_empty((2,)).dtype,
    ],
    "Tensor.type_as": [lambda T, x: x(3).type_as(x.int(2)), lambda T, x: x.int(3).type_as(x(2))],
    "Tensor.element_size": [lambda T, x: [x(2).element_size(), x.int(2).element_size(), x.bool(2).element_size()]],
    "Tensor.is_contiguous": [
        lambda T, x: [x(2, 3).is_contiguous(), x(2, 3).t().is_contiguous(), x(4)[::2].is_contiguous()],
        lambda T, x: [x(2, 1).t().is_contiguous(), x(0, 3).t().is_contiguous(), x(3, 1).expand(3, 4).is_contiguous()],
    ],
    "Tensor.is_floating_point": [lambda T, x: [x(2).is_floating_point(), x.int(2).is_floating_point()]],
    "nn.functional.alpha_dropout": [
        lambda T, x: T.nn.functional.alpha_dropout(x(3, 4), 0.5),
        lambda T, x: T.nn.functional.alpha_dropout(x(3, 4), 0.0, training=True),
        lambda T, x: T.nn.functional.alpha_dropout(x(3, 4), 1.0, training=True),
        lambda T, x: T.nn.functional.alpha_dropout(x(3, 4), 1.5, training=True),
    ],
    "nn.functional.lp_pool1d": [
        *(lambda T, x, p=p: T.nn.functional.lp_pool1d(x.positive(2, 3, 8), p, 3, 2) for p in (1, 2, 3.0)),
        lambda T, x: T.nn.functional.lp_pool1d(x.positive(3, 8), 2, 3, ceil_mode=True),
    ],
    "nn.functional.lp_pool2d": [
        *(lambda T, x, p=p: T.nn.functional.lp_pool2d(x.positive(2, 3, 6, 6), p, (3, 2), 2) for p in (1, 2, 3.0)),
        lambda T, x: T.nn.functional.lp_pool2d(x.positive(3, 5, 5), 2, 2, ceil_mode=True),
    ],
    "nn.functional.upsample": [
        lambda T, x: T.nn.functional.upsample(x(2, 3, 4), scale_factor=2),
        lambda T, x: T.nn.functional.upsample(x(2, 3, 4, 4), size=(5, 6), mode="bilinear", align_corners=True),
    ],
    "nn.functional.upsample_bilinear": [
        lambda T, x: T.nn.functional.upsample_bilinear(x(2, 3, 4, 4), scale_factor=2),
        lambda T, x: T.nn.functional.upsample_bilinear(x(2, 3, 4, 4), size=(5, 6)),
    ],
    "nn.UpsamplingBilinear2d": [
        lambda T, x: T.nn.UpsamplingBilinear2d(scale_factor=2)(x(2, 3, 4, 4)),
        lambda T, x: repr(T.nn.UpsamplingBilinear2d((5, 6))),
        lambda T, x: T.nn.UpsamplingBilinear2d((5, 6))(x(2, 3, 4, 4)),
    ],
    "nn.UpsamplingNearest2d": [
        lambda T, x: T.nn.UpsamplingNearest2d(scale_factor=2)(x(2, 3, 4, 4)),
        lambda T, x: repr(T.nn.UpsamplingNearest2d((5, 6))),
        lambda T, x: T.nn.UpsamplingNearest2d((5, 6))(x(2, 3, 4, 4)),
    ],
    "nn.ChannelShuffle": [
        lambda T, x: T.nn.ChannelShuffle(2)(x(2, 6, 2, 2)),
        lambda T, x: repr(T.nn.ChannelShuffle(2)),
        lambda T, x: T.nn.ChannelShuffle(4)(x(2, 6, 2, 2)),
    ],
    "nn.CosineSimilarity": [
        lambda T, x: T.nn.CosineSimilarity()(x(3, 4), x(3, 4)),
        lambda T, x: T.nn.CosineSimilarity(dim=0, eps=0.5)(x(3, 4), x(4)),
        lambda T, x: T.nn.CosineSimilarity()(x.tensor([[0.0, 0.0]]), x(1, 2)),
        lambda T, x: repr(T.nn.CosineSimilarity()),
    ],
    "nn.PairwiseDistance": [
        *(lambda T, x, p=p: T.nn.PairwiseDistance(p)(x(3, 4), x(3, 4)) for p in (1, 2.0, 3)),
        lambda T, x: T.nn.PairwiseDistance(keepdim=True, eps=0.1)(x(3, 4), x(4)),
        lambda T, x: T.nn.PairwiseDistance()(x(4), x(4)),
        lambda T, x: repr(T.nn.PairwiseDistance()),
    ],
    "nn.Softmax2d": [
        lambda T, x: T.nn.Softmax2d()(x(2, 3, 2, 2)),
        lambda T, x: T.nn.Softmax2d()(x(3, 2, 2)),
        lambda T, x: T.nn.Softmax2d()(x(3, 2)),
        lambda T, x: repr(T.nn.Softmax2d()),
    ],
    "nn.utils.rnn.unpad_sequence": [
        lambda T, x: T.nn.utils.rnn.unpad_sequence(x(4, 3, 2) * 1, x.tensor([4, 1, 2])),
        lambda T, x: T.nn.utils.rnn.unpad_sequence(x(3, 4, 2) * 1, x.tensor([4, 1, 2]), batch_first=True),
    ],
    "nn.utils.rnn.unpack_sequence": [
        lambda T, x: T.nn.utils.rnn.unpack_sequence(
            T.nn.utils.rnn.pack_sequence([x(2, 3), x(4, 3)], enforce_sorted=False)
        ),
    ],
    "nn.Module.set_submodule": [
        submodule_exchanged,
        lambda T, x: T.nn.Sequential(T.nn.ReLU()).set_submodule("", T.nn.ReLU()),
        lambda T, x: T.nn.Sequential(T.nn.ReLU()).set_submodule("a.b", T.nn.ReLU()),
    ],
}  # fmt: skip
