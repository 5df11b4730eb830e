"""Cases of convolution, pooling, padding, resampling and unfolding, and of their modules."""

from collections.abc import Callable
from typing import Any

import numpy as np

NAN, INF = float("nan"), float("inf")
Case = Callable[[Any, Any], Any]


def calls(
    name: str, shapes: list[tuple[int, ...]], options: list[dict[str, Any]], *more: tuple[int, ...]
) -> list[Case]:
    """``T.nn.functional.name`` of each shape with each set of options; ``more`` are the shapes of further tensors."""
    return [
        lambda T, x, s=s, o=o: getattr(T.nn.functional, name)(x(*s), *(x(*m) for m in more), **o)
        for s in shapes
        for o in options
    ]


def given(name: str, arguments: list[tuple[Any, ...]]) -> list[Case]:
    """``T.nn.functional.name`` of arguments; a list stands for a float tensor of that shape."""
    return [
        lambda T, x, a=a: getattr(T.nn.functional, name)(*(x(*v) if isinstance(v, list) else v for v in a))
        for a in arguments
    ]


def layer(name: str, arguments: list[tuple[tuple[Any, ...], dict[str, Any]]], *shapes: tuple[int, ...]) -> list[Case]:
    """A module with its options, on inputs of each shape; and how it shows itself."""
    made: list[Case] = [
        lambda T, x, a=a, o=o, s=s: x.module(getattr(T.nn, name)(*a, **o))(x(*s)) for a, o in arguments for s in shapes
    ]
    return made + [lambda T, x, a=a, o=o: repr(getattr(T.nn, name)(*a, **o)) for a, o in arguments]


def special(name: str, *arguments: Any) -> list[Case]:
    """Inputs with NaN, infinities and equals."""
    values = np.array([1.0, NAN, 2.0, 2.0, -INF, INF, 3.0, NAN, 0.0, -1.0, INF, 5.0, 5.0, 1.0, 0.0, -INF, 2.0, 1.0])
    shape = (1, 1, 18) if name.endswith("1d") else (1, 3, 6)
    return [
        lambda T, x: getattr(T.nn.functional, name)(x.tensor(values.reshape(shape)), *arguments),
        lambda T, x: getattr(T.nn.functional, name)(x.tensor(np.full(shape, -INF)), *arguments),
    ]


CONV1D = [
    {},
    {"stride": 2},
    {"padding": 2, "dilation": 2},
    {"stride": (3,), "padding": (1,), "dilation": (2,)},
    {"padding": "same"},
    {"padding": "same", "dilation": 3},
    {"padding": "valid", "stride": 2},
    {"padding": "same", "stride": 2},
    {"stride": 0},
    {"stride": (1, 2)},
    {"groups": 3},
]
CONV2D = [
    {},
    {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2)},
    {"padding": "same", "dilation": (2, 1)},
    {"stride": 3},
    {"padding": (1,)},
]
TRANSPOSED1D = [
    {},
    {"stride": 2, "output_padding": 1},
    {"stride": 3, "padding": 1, "dilation": 2},
    {"dilation": 3, "output_padding": 2, "padding": 2},
    {"stride": 2, "dilation": 3, "output_padding": 2},
    {"output_padding": 1},
    {"padding": 50},
]
TRANSPOSED2D = [
    {},
    {"stride": 2, "padding": 1, "output_padding": 1},
    {"stride": (3, 1), "padding": (0, 1), "output_padding": (2, 0), "dilation": (1, 2)},
    {"stride": (2, 1), "dilation": (3, 4), "output_padding": (2, 3)},
    {"padding": 2},
    {"padding": -1},
]
MAX = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 1, "padding": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "return_indices": True},
    {"kernel_size": 2, "stride": 3, "dilation": 2, "return_indices": True},
    {"kernel_size": 2, "stride": 4, "ceil_mode": True},
    {"kernel_size": 3, "padding": 2},
    {"kernel_size": 2, "stride": 0},
    {"kernel_size": 100},
]
AVERAGE = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 1, "padding": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
    {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False},
    {"kernel_size": 4, "stride": 3, "padding": 2, "count_include_pad": False},
    {"kernel_size": 2, "stride": 4, "ceil_mode": True},
    {"kernel_size": 3, "padding": 2},
    {"kernel_size": 100},
]
SIGNALS = [(2, 3, 9), (3, 10), (1, 1, 13), (0, 2, 9), (9,), (2, 3, 4, 9)]
IMAGES = [(2, 3, 7, 8), (3, 9, 6), (1, 1, 5, 11), (0, 2, 7, 7), (7, 7), (1, 2, 3, 7, 7)]
SIZES = [{"output_size": n} for n in (1, 2, 3, 7, 12, 0, -1, (4,))]
SIZES2D = [{"output_size": n} for n in (1, (2, 3), (None, 2), (3, None), (5, 5), (9, 1), (0, 2), (1, 2, 3))]

PAD: list[tuple[Any, ...]] = [
    ([2, 3], (1, 2)),
    ([4], (1, 2), "constant", 2.5),
    ([2, 3, 4], (1, 0, 2, 1, 0, 1), "constant", NAN),
    ([2, 3, 4], (-1, 2, 1, -2), "constant", 1.0),
    ([2, 3], (-1, -2)),
    ([2, 3], (-2, -2)),
    ([2, 3], (-4, 5)),
    ([2, 0], (1, 1)),
    ([], (1, 1)),
    ([], ()),
    ([3], (1,)),
    ([3], (1, 1, 1, 1)),
    ([3], (1, 1), "mirror"),
    ([2, 3], (1, 1), "reflect", 1.0),
    ([0, 3, 4], (1, 1), "reflect"),
    ([2, 3, 0], (1, 1), "replicate"),
    ([4], (1, 1), "reflect"),
    ([3, 4], (1, 1, 1, 1), "reflect"),
    ([1, 2, 3, 4], (1, 1), "replicate"),
    *(
        (list(shape), pad, mode)
        for mode in ("reflect", "replicate", "circular")
        for shape, pad in [
            ((2, 3, 5), (2, 3)),
            ((3, 5), (4, 0)),
            ((3, 5), (5, 0)),
            ((3, 5), (6, 0)),
            ((3, 5), (0, 0)),
            ((2, 3, 4, 5), (1, 2, 3, 0)),
            ((2, 4, 5), (0, 2, 1, 1)),
            ((2, 3, 3, 4, 5), (1, 2, 2, 1, 0, 2)),
            ((3, 3, 4, 5), (1, 2, 0, 0, 2, 1)),
            ((2, 3, 5), (-1, 2)),
            ((2, 3, 5), (2, -2)),
            ((2, 3, 5), (-2, -1)),
            ((2, 3, 5), (-1, 4)),
            ((1, 1, 1), (0, 1)),
        ]
    ),
]

INTERPOLATE: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    *(
        (shape, {"size": size, "mode": mode, **more})
        for mode, shape, more in [
            ("nearest", (2, 3, 7), {}),
            ("nearest-exact", (2, 3, 7), {}),
            ("linear", (2, 3, 7), {}),
            ("linear", (2, 3, 7), {"align_corners": True}),
            ("area", (2, 3, 7), {}),
        ]
        for size in (1, 2, 3, 5, 7, 8, 14, 21, 30)
    ),
    *(
        (shape, {"size": size, "mode": mode, **more})
        for mode, shape, more in [
            ("nearest", (2, 2, 5, 4), {}),
            ("nearest-exact", (2, 2, 5, 4), {}),
            ("bilinear", (2, 2, 5, 4), {}),
            ("bilinear", (2, 2, 5, 4), {"align_corners": True}),
            ("bicubic", (2, 2, 5, 4), {}),
            ("bicubic", (2, 2, 5, 4), {"align_corners": True}),
            ("area", (2, 2, 5, 4), {}),
        ]
        for size in (3, (5, 4), (10, 8), (1, 9), (4, 3), [2, 17])
    ),
    *(
        (shape, {"scale_factor": scale, "mode": mode, "recompute_scale_factor": again})
        for mode, shape in [
            ("nearest", (1, 2, 5, 7)),
            ("bilinear", (1, 2, 5, 7)),
            ("bicubic", (1, 2, 5, 7)),
            ("nearest-exact", (1, 2, 5, 7)),
            ("area", (1, 2, 5, 7)),
        ]
        for scale in (2, 1.5, 0.7, (2.3, 0.5), 1, 3.0, (1.0, 1.99))
        for again in (None, True, False)
    ),
    ((1, 2, 3, 4, 5), {"size": (4, 4, 4)}),
    ((1, 2, 3, 4, 5), {"scale_factor": 2, "mode": "trilinear"}),
    ((1, 2, 3, 4, 5), {"size": (2, 7, 3), "mode": "trilinear", "align_corners": True}),
    ((0, 2, 3, 4), {"size": 5}),
    ((1, 2, 0, 4), {"size": 5}),
    ((1, 2, 3, 4), {"size": 0}),
    ((1, 2, 3, 4), {"scale_factor": 0.1}),
    ((1, 2, 3, 4), {}),
    ((1, 2, 3, 4), {"size": 2, "scale_factor": 2}),
    ((1, 2, 3, 4), {"size": (2,)}),
    ((1, 2, 3, 4), {"size": 2, "mode": "linear"}),
    ((1, 2, 3), {"size": 2, "mode": "bilinear"}),
    ((1, 2, 3), {"size": 2, "mode": "bicubic"}),
    ((2, 3), {"size": 2}),
    ((1, 2, 3, 4), {"size": 2, "mode": "cubic"}),
    ((1, 2, 3, 4), {"size": 2, "align_corners": True}),
    ((1, 2, 3, 4), {"size": 2, "recompute_scale_factor": True}),
]

LP1D: list[Case] = [
    lambda T, x, p=p, o=o: T.nn.functional.lp_pool1d(x.positive(2, 3, 10), p, **o)
    for p in (1, 2, 3, 1.5, 0)
    for o in [{"kernel_size": 3}, {"kernel_size": 2, "stride": 3, "ceil_mode": True}]
] + calls("lp_pool1d", [(2, 3, 9), (3, 9)], [{"norm_type": 2, "kernel_size": 3}])
LP2D: list[Case] = [
    lambda T, x, p=p, o=o: T.nn.functional.lp_pool2d(x.positive(2, 3, 7, 8), p, **o)
    for p in (1, 2, 3.0)
    for o in [{"kernel_size": 3}, {"kernel_size": (2, 3), "stride": (3, 2), "ceil_mode": True}]
] + calls("lp_pool2d", [(2, 3, 7, 7), (3, 7, 7)], [{"norm_type": 2, "kernel_size": 3}])

CASES: dict[str, list[Case]] = {
    "conv1d": [
        *calls("conv1d", [(2, 2, 9), (2, 8), (0, 2, 9), (2, 3, 9), (2, 2, 2)], CONV1D, (4, 2, 3), (4,)),
        *calls("conv1d", [(1, 4, 10)], [{"groups": 2, "stride": 2}, {"padding": "same", "groups": 2}], (6, 2, 4)),
        lambda T, x: T.nn.functional.conv1d(x(2, 9, 3).transpose(1, 2), x(3, 4, 2).permute(2, 0, 1)[:, :3]),
        lambda T, x: T.nn.functional.conv1d(x(1, 2, 5), x(3, 2, 3), x(4)),
    ],
    "conv2d": [
        *calls("conv2d", [(2, 2, 7, 8), (2, 9, 6), (2, 3, 7, 7)], CONV2D, (4, 2, 3, 2), (4,)),
        *calls("conv2d", [(2, 4, 6, 7)], [{"groups": 4}, {"groups": 4, "stride": 2, "padding": 1}], (8, 1, 3, 3)),
    ],
    "conv_transpose1d": [
        *calls("conv_transpose1d", [(2, 4, 5), (4, 6), (1, 4, 1), (2, 3, 5)], TRANSPOSED1D, (4, 3, 3), (3,)),
        *calls("conv_transpose1d", [(0, 4, 5)], [{"stride": 2}], (4, 3, 3), (3,)),
        *calls("conv_transpose1d", [(2, 4, 5)], [{"groups": 2, "stride": 2}, {"groups": 4}], (4, 3, 2)),
        lambda T, x: T.nn.functional.conv_transpose1d(x(1, 2, 5), x(2, 3, 3), x(2)),
    ],
    "conv_transpose2d": [
        *calls("conv_transpose2d", [(2, 4, 4, 5), (4, 3, 6), (1, 4, 1, 1)], TRANSPOSED2D, (4, 3, 3, 2), (3,)),
        *calls("conv_transpose2d", [(2, 4, 4, 5)], [{"groups": 2, "stride": 2}, {"groups": 4}], (4, 1, 3, 3)),
        lambda T, x: T.nn.functional.conv_transpose2d(x(2, 3, 5, 4).transpose(2, 3), x(3, 2, 3, 3), None, 2),
    ],
    "max_pool1d": calls("max_pool1d", SIGNALS, MAX) + special("max_pool1d", 3, 2, 1, 1, True, True),
    "max_pool2d": calls("max_pool2d", IMAGES, MAX) + special("max_pool2d", 3, 2, 1, 1, True, True),
    "avg_pool1d": calls("avg_pool1d", SIGNALS, AVERAGE) + special("avg_pool1d", 3, 2, 1),
    "avg_pool2d": [
        *calls("avg_pool2d", IMAGES, AVERAGE),
        *special("avg_pool2d", 3, 2, 1),
        *calls("avg_pool2d", [(2, 3, 7, 8)], [{"kernel_size": (2, 3), "divisor_override": n} for n in (1, 5, -2, 0)]),
        *calls("avg_pool2d", [(3, 7, 8)], [{"kernel_size": 3, "padding": 1, "ceil_mode": True, "divisor_override": 4}]),
    ],
    "adaptive_avg_pool1d": calls("adaptive_avg_pool1d", SIGNALS, SIZES) + special("adaptive_avg_pool1d", 5),
    "adaptive_avg_pool2d": calls("adaptive_avg_pool2d", IMAGES, SIZES2D) + special("adaptive_avg_pool2d", (2, 4)),
    "adaptive_max_pool1d": [
        *calls("adaptive_max_pool1d", SIGNALS, SIZES),
        *calls("adaptive_max_pool1d", SIGNALS, [{"output_size": 4, "return_indices": True}]),
        *special("adaptive_max_pool1d", 5, True),
    ],
    "adaptive_max_pool2d": [
        *calls("adaptive_max_pool2d", IMAGES, SIZES2D),
        *calls("adaptive_max_pool2d", IMAGES, [{"output_size": (4, 3), "return_indices": True}]),
        *special("adaptive_max_pool2d", (2, 4), True),
    ],
    "nn.functional.pad": [
        *given("pad", PAD),
        lambda T, x: T.nn.functional.pad(x.int(2, 3), (1, 1), value=2.7),
        lambda T, x: T.nn.functional.pad(x.bool(2, 3), (1, 1)),
        lambda T, x: T.nn.functional.pad(x.int(2, 3, dtype="uint8", low=0), (0, 2, 1, 0), "constant", 7),
        lambda T, x: T.nn.functional.pad(x.int(1, 2, 3), (2, 3), "circular"),
        lambda T, x: T.nn.functional.pad(x(4, 3, 2).permute(2, 1, 0), (2, 3), "reflect"),
    ],
    "constant_pad_nd": [
        lambda T, x: T.constant_pad_nd(x(2, 3), (1, 2)),
        lambda T, x: T.constant_pad_nd(x(2, 3), [1, -1, 0, 2], 1.5),
        lambda T, x: T.constant_pad_nd(x.int(2, 3), (1, 2), 4),
        lambda T, x: T.constant_pad_nd(x(2, 3), (1, 2, 3)),
        lambda T, x: T.constant_pad_nd(x(4, 3).t()[1:], (0, 2), -INF),
    ],
    "interpolate": [
        *(lambda T, x, s=s, o=o: T.nn.functional.interpolate(x(*s), **o) for s, o in INTERPOLATE),
        lambda T, x: T.nn.functional.interpolate(x.int(1, 2, 3, 4, dtype="uint8", low=0), scale_factor=2),
        lambda T, x: T.nn.functional.interpolate(x.tensor(np.array([[[1.0, INF, 2.0, NAN]]])), 7, mode="linear"),
        lambda T, x: T.nn.functional.interpolate(x.tensor(np.array([[[1.0, INF, 2.0, NAN]]])), 4, mode="linear"),
        lambda T, x: T.nn.functional.interpolate(x.tensor(np.array([[[1.0, INF, 2.0, NAN]]])), 9),
    ],
    "upsample_nearest": [
        lambda T, x: T.nn.functional.upsample_nearest(x(1, 2, 3, 4), 5),
        lambda T, x: T.nn.functional.upsample_nearest(x(1, 2, 3), scale_factor=2),
    ],
    "nn.functional.unfold": calls(
        "unfold",
        [(2, 3, 5, 6), (3, 5, 6), (0, 2, 5, 5), (5, 6)],
        [
            {"kernel_size": 2},
            {"kernel_size": (3, 2), "stride": 2, "padding": 1},
            {"kernel_size": 2, "dilation": (2, 3), "padding": (3, 0), "stride": (1, 2)},
            {"kernel_size": 1, "padding": 4, "stride": 3},
            {"kernel_size": 9},
            {"kernel_size": 0},
        ],
    ),
    "fold": given(
        "fold",
        [
            ([2, 12, 20], (5, 6), 2),
            ([12, 20], (5, 6), 2),
            ([2, 12, 12], (5, 6), (3, 2), 1, 1, 2),
            ([2, 8, 12], (4, 5), 2, (2, 1), 1, (2, 1)),
            ([0, 12, 20], (5, 6), 2),
            ([2, 12, 19], (5, 6), 2),
            ([2, 11, 20], (5, 6), 2),
            ([2, 3, 4, 5], (5, 6), 2),
        ],
    ),
    "pixel_shuffle": given(
        "pixel_shuffle",
        [([2, 8, 3, 4], 2), ([9, 2, 3], 3), ([2, 3, 4, 2, 2], 2), ([7, 3, 4], 2), ([3, 4], 2), ([0, 4, 2, 2], 2)]
        + [([4, 2, 2], 0), ([4, 2, 2], 1)],
    ),
    "pixel_unshuffle": given(
        "pixel_unshuffle",
        [([2, 2, 6, 4], 2), ([1, 6, 9], 3), ([2, 3, 1, 4, 2], 2), ([1, 4, 5], 2), ([4, 4], 2), ([4, 2, 2], 0)],
    ),
    "channel_shuffle": given(
        "channel_shuffle",
        [([2, 6, 3, 4], 2), ([1, 6, 3], 3), ([2, 6, 2, 2, 2], 6), ([1, 5, 2], 2), ([4, 2], 2), ([1, 4, 2], 0)],
    ),
    "nn.Conv1d": [
        *layer(
            "Conv1d",
            [
                ((2, 4, 3), {}),
                ((2, 4, 3, 2, 2, 2, 2), {"bias": False}),
                ((2, 3, 4), {"padding": "same", "padding_mode": "reflect"}),
                ((2, 3, (5,)), {"padding": 2, "padding_mode": "replicate", "stride": 2}),
                ((2, 3, 3), {"padding": 3, "padding_mode": "circular"}),
                ((2, 3, 3), {"padding": "valid", "padding_mode": "circular"}),
                ((2, 3, 3), {"padding": "same", "stride": 2}),
                ((2, 3, 3), {"padding_mode": "mirror"}),
                ((2, 3, 3), {"groups": 2}),
            ],
            (2, 2, 9),
            (2, 8),
            (2, 3, 9),
        )
    ],
    "nn.Conv2d": [
        *layer(
            "Conv2d",
            [
                ((2, 4, 3), {}),
                ((2, 4, (3, 2), 2, (2, 1), 1, 2), {"bias": False}),
                ((2, 3, (4, 3)), {"padding": "same", "padding_mode": "reflect", "dilation": (1, 2)}),
                ((2, 3, 3), {"padding": (1, 2), "padding_mode": "replicate"}),
                ((2, 3, 3), {"padding": (2, 0), "padding_mode": "circular", "stride": 2}),
            ],
            (2, 2, 9, 8),
            (2, 8, 9),
        )
    ],
    "nn.ConvTranspose1d": [
        *layer(
            "ConvTranspose1d",
            [
                ((2, 4, 3), {}),
                ((2, 4, 3, 2, 1, 1), {"groups": 2, "bias": False}),
                ((2, 3, 2), {"dilation": 3, "output_padding": 2}),
                ((2, 3, 2), {"padding_mode": "reflect"}),
                ((2, 3, 2), {"output_padding": 1}),
            ],
            (2, 2, 5),
            (2, 6),
        ),
        lambda T, x: x.module(T.nn.ConvTranspose1d(2, 3, 3, 2))(x(1, 2, 4), output_size=[10]),
        lambda T, x: x.module(T.nn.ConvTranspose1d(2, 3, 3, 2))(x(1, 2, 4), output_size=[11]),
    ],
    "nn.ConvTranspose2d": [
        *layer(
            "ConvTranspose2d",
            [
                ((2, 4, 3), {}),
                ((2, 4, (3, 2), 2, 1, 1), {"groups": 2, "bias": False}),
                ((2, 3, 2), {"dilation": (3, 1), "output_padding": (2, 0)}),
            ],
            (2, 2, 4, 5),
            (2, 5, 4),
        ),
        lambda T, x: x.module(T.nn.ConvTranspose2d(2, 3, 3, 2))(x(1, 2, 4, 4), output_size=(10, 9)),
        lambda T, x: x.module(T.nn.ConvTranspose2d(2, 3, 3, 2))(x(1, 2, 4, 4), output_size=(1, 3, 9, 10)),
        lambda T, x: x.module(T.nn.ConvTranspose2d(2, 3, 3, 2))(x(1, 2, 4, 4), output_size=(12, 9)),
        lambda T, x: x.module(T.nn.ConvTranspose2d(2, 3, 3, 2))(x(1, 2, 4, 4), output_size=(9,)),
    ],
    "nn.MaxPool1d": layer("MaxPool1d", [((2,), {}), ((3, 2, 1, 1, True, True), {})], (2, 3, 9)),
    "nn.MaxPool2d": layer("MaxPool2d", [((2,), {}), (((3, 2), 2, 1, 1, True, True), {})], (2, 3, 9, 8)),
    "nn.AvgPool1d": layer("AvgPool1d", [((2,), {}), ((3, 2, 1, True, False), {})], (2, 3, 9)),
    "nn.AvgPool2d": layer("AvgPool2d", [((2,), {}), (((3, 2), 2, 1, True, False, 3), {})], (2, 3, 9, 8)),
    "nn.LPPool1d": layer("LPPool1d", [((2, 3), {}), ((2, 3, 2, True), {})], (2, 3, 9)) + LP1D,
    "nn.LPPool2d": layer("LPPool2d", [((2, 3), {}), ((2.0, (3, 2), 2, True), {})], (2, 3, 9, 8)) + LP2D,
    "nn.AdaptiveAvgPool1d": layer("AdaptiveAvgPool1d", [((4,), {})], (2, 3, 9)),
    "nn.AdaptiveAvgPool2d": layer("AdaptiveAvgPool2d", [((4,), {}), (((None, 3),), {})], (2, 3, 9, 8)),
    "nn.AdaptiveMaxPool1d": layer("AdaptiveMaxPool1d", [((4,), {}), ((4, True), {})], (2, 3, 9)),
    "nn.AdaptiveMaxPool2d": layer("AdaptiveMaxPool2d", [((4,), {}), (((None, 3), True), {})], (2, 3, 9, 8)),
    **{
        f"nn.{name}Pad{d}d": layer(
            f"{name}Pad{d}d",
            [((p, *more), {}) for p in (1, (2, 1) * d, (-1, 2) * d, (1, 2, 3), (9, 0) * d)],
            (2, 3, *(5, 6)[-d:]),
            (3, *(5, 6)[-d:]),
        )
        for name, more in [
            ("Constant", (2.5,)),
            ("Zero", ()),
            ("Reflection", ()),
            ("Replication", ()),
            ("Circular", ()),
        ]
        for d in (1, 2)
    },
    "nn.Upsample": layer(
        "Upsample",
        [
            ((), {"scale_factor": 2}),
            (((5, 7), None, "bilinear", True), {}),
            ((), {"scale_factor": (1.5, 2), "mode": "bicubic"}),
            ((), {"scale_factor": 1.7, "mode": "bilinear", "recompute_scale_factor": True}),
            ((), {}),
        ],
        (2, 3, 4, 5),
    ),
    "nn.PixelShuffle": layer("PixelShuffle", [((2,), {})], (2, 8, 3, 4), (4, 2, 2)),
    "nn.PixelUnshuffle": layer("PixelUnshuffle", [((2,), {})], (2, 2, 4, 6), (1, 2, 2)),
    "nn.Unfold": layer("Unfold", [((2,), {}), (((3, 2), 1, 2, (2, 1)), {})], (2, 3, 5, 6)),
    "nn.Fold": layer("Fold", [(((5, 6), 2), {}), (((4, 5), 2, (2, 1), 1, (2, 1)), {})], (2, 8, 20), (2, 8, 12)),
}

EMPTY = "An empty result has a gradient: zeros."
INTENDED = {
    "adaptive_avg_pool1d": {"Expected grad_output to have non-zero size": EMPTY},
    "adaptive_avg_pool2d": {
        "Expected grad_output to have non-zero size": EMPTY,
        "or without batch, got shape": "Every output size takes inputs of 3 or 4 dimensions; PyTorch's 1 takes any.",
    },
    "adaptive_max_pool1d": {"Expected grad_output to have non-zero size": EMPTY},
    "adaptive_max_pool2d": {"Expected grad_output to have non-zero size": EMPTY},
    "pixel_shuffle": {"returned an invalid gradient": "PyTorch's gradient of an empty input has a wrong shape."},
}
