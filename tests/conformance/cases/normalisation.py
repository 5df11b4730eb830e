"""Cases of the normalisation layers: statistics kept, options, shapes that are refused."""

from collections.abc import Callable
from typing import Any

Case = Callable[[Any, Any], Any]


def states(module: Any) -> list[Any]:
    """The buffers that the layer has after the calls."""
    return [(name, value.clone()) for name, value in module.named_buffers()]


def layer(name: str, args: tuple[Any, ...], *shapes: tuple[int, ...], training: bool = True, **options: Any) -> Case:
    """A layer, called with inputs of these shapes one after another; its buffers afterwards, and how it prints."""

    def case(T: Any, x: Any) -> Any:
        module = x.module(getattr(T.nn, name)(*args, **options)).train(training)
        return [module(x(*shape)) for shape in shapes], states(module), repr(module)

    return case


def then_eval(name: str, args: tuple[Any, ...], shape: tuple[int, ...], **options: Any) -> Case:
    """Two calls in training, then one in evaluation."""

    def case(T: Any, x: Any) -> Any:
        module = x.module(getattr(T.nn, name)(*args, **options))
        first = [module(x(*shape)) for _ in range(2)]
        return first, module.eval()(x(*shape)), states(module)

    return case


def made(name: str, args: tuple[Any, ...], **options: Any) -> Case:
    """What a new layer holds."""

    def case(T: Any, x: Any) -> Any:
        module = getattr(T.nn, name)(*args, **options)
        return [(key, value) for key, value in module.state_dict().items()], repr(module)

    return case


OPTIONS: list[dict[str, Any]] = [
    {},
    {"affine": False},
    {"track_running_stats": False},
    {"affine": False, "track_running_stats": False},
    {"momentum": None},
    {"momentum": 0.7},
    {"momentum": 0.0},
    {"eps": 0.5},
    {"affine": True, "track_running_stats": True},
]
CASES: dict[str, list[Case]] = {}
for _name, _shapes, _wrong in (
    ("BatchNorm1d", [(4, 3), (4, 3, 5), (2, 3, 1)], [(3,), (4, 2), (2, 3, 4, 5), (1, 3)]),
    ("BatchNorm2d", [(4, 3, 2, 2), (2, 3, 4, 1), (1, 3, 2, 2)], [(4, 3), (3, 2, 2), (2, 4, 2, 2), (1, 3, 1, 1)]),
    ("InstanceNorm1d", [(2, 3, 5), (3, 5), (1, 3, 2)], [(3,), (2, 4, 5), (2, 3, 1), (2, 3, 4, 5)]),
    ("InstanceNorm2d", [(2, 3, 2, 4), (3, 4, 2)], [(3, 2), (2, 4, 2, 2), (2, 3, 1, 1), (2, 3, 4, 5, 1)]),
):
    CASES[f"nn.{_name}"] = [
        *(layer(_name, (3,), _shapes[0], _shapes[0], training=t, **o) for o in OPTIONS for t in (True, False)),
        *(then_eval(_name, (3,), s, **o) for o in OPTIONS for s in _shapes),
        *(layer(_name, (3,), s) for s in _wrong),
        *(layer(_name, (3,), s, training=False) for s in _wrong),
        layer(_name, (3,), (0, *_shapes[0][1:])),
        layer(_name, (3,), (0, *_shapes[0][1:]), training=False),
        made(_name, (3,)),
        *(made(_name, (3,), **o) for o in OPTIONS),
        made(_name, (3, 1e-3, 0.2, True, True)),
        lambda T, x, n=_name, s=_shapes[0]: getattr(T.nn, n)(3).double()(x(*s).double()).dtype,
        lambda T, x, n=_name: getattr(T.nn, n)(3, dtype=T.float64, device="cpu").state_dict(),
    ]


def loads_old_statistics(T: Any, x: Any) -> Any:
    """State from a layer with statistics, into one that has them."""
    one, two = T.nn.BatchNorm1d(3), T.nn.BatchNorm1d(3)
    one(x(4, 3).detach().float())
    return two.load_state_dict(one.state_dict()), two.num_batches_tracked, two.state_dict()


def resets(T: Any, x: Any) -> Any:
    module = T.nn.BatchNorm1d(3)
    module(x(4, 3).detach().float())
    module.reset_running_stats()
    return states(module)


CASES["nn.BatchNorm1d"] += [loads_old_statistics, resets]
CASES["nn.BatchNorm2d"] += [
    lambda T, x: x.module(T.nn.BatchNorm2d(3))(x(2, 4, 5, 3).permute(0, 3, 1, 2)),
    lambda T, x: x.module(T.nn.BatchNorm2d(3))(x(2, 3, 4, 1).expand(2, 3, 4, 5)),
    lambda T, x: x.module(T.nn.BatchNorm2d(3))(x.int(2, 3, 4, 5)),
]
CASES["nn.GroupNorm"] = [
    layer("GroupNorm", (2, 6), (3, 6)),
    layer("GroupNorm", (2, 6), (3, 6, 4)),
    layer("GroupNorm", (3, 6), (2, 6, 2, 3)),
    layer("GroupNorm", (1, 6), (2, 6, 2)),
    layer("GroupNorm", (6, 6), (2, 6, 8)),
    layer("GroupNorm", (3, 6), (2, 6, 2), eps=0.5),
    layer("GroupNorm", (3, 6), (2, 6, 2), affine=False),
    layer("GroupNorm", (3, 6, 1e-2, False), (2, 6, 2)),
    layer("GroupNorm", (3, 6), (0, 6, 2)),
    layer("GroupNorm", (3, 6), (2, 5, 2)),
    layer("GroupNorm", (4, 6), (2, 6, 2)),
    layer("GroupNorm", (3, 6), (6,)),
    lambda T, x: x.module(T.nn.GroupNorm(3, 6))(x(2, 4, 6).transpose(1, 2)),
    made("GroupNorm", (3, 6)),
    made("GroupNorm", (3, 6), dtype=None, device="cpu"),
]
CASES["nn.LayerNorm"] = [
    layer("LayerNorm", (5,), (2, 5)),
    layer("LayerNorm", (5,), (5,)),
    layer("LayerNorm", (5,), (2, 3, 5)),
    layer("LayerNorm", ((3, 5),), (2, 3, 5)),
    layer("LayerNorm", ([2, 3, 5],), (2, 3, 5)),
    layer("LayerNorm", (5,), (2, 5), eps=0.3),
    layer("LayerNorm", (5,), (2, 5), elementwise_affine=False),
    layer("LayerNorm", (5,), (2, 5), bias=False),
    layer("LayerNorm", (5, 1e-3, False, False), (2, 5)),
    layer("LayerNorm", (5,), (0, 5)),
    layer("LayerNorm", (5,), (5, 4)),
    layer("LayerNorm", ((3, 5),), (5,)),
    layer("LayerNorm", ((),), (5,)),
    lambda T, x: x.module(T.nn.LayerNorm(4))(x(4, 3).t()),
    lambda T, x: x.module(T.nn.LayerNorm((4, 2)))(x(3, 1, 2).expand(3, 4, 2)),
    made("LayerNorm", (5,)),
    made("LayerNorm", ((2, 3),), bias=False),
]
CASES["nn.RMSNorm"] = [
    layer("RMSNorm", (5,), (2, 5)),
    layer("RMSNorm", (5,), (5,)),
    layer("RMSNorm", ((3, 5),), (2, 3, 5)),
    layer("RMSNorm", (5,), (2, 5), eps=0.3),
    layer("RMSNorm", (5,), (2, 5), elementwise_affine=False),
    layer("RMSNorm", (5, 1e-2, False), (2, 5)),
    layer("RMSNorm", (5,), (0, 5)),
    layer("RMSNorm", (5,), (5, 4)),
    layer("RMSNorm", ((3, 5),), (5,)),
    lambda T, x: x.module(T.nn.RMSNorm(4))(x(4, 3).t()),
    lambda T, x: T.nn.RMSNorm(2, dtype=x.dtype)(x.tensor([[0.0, 0.0]])),
    made("RMSNorm", (5,)),
    made("RMSNorm", ((2, 3),), eps=1e-6),
]


def _statistics(T: Any, x: Any) -> Any:
    return x.tensor([0.5, -1.0, 2.0]), x.tensor([1.0, 0.5, 2.0])


def _with_statistics(name: str, shape: tuple[int, ...], *options: Any, affine: bool = True) -> Case:
    """batch_norm or instance_norm with running statistics, which may change."""

    def case(T: Any, x: Any) -> Any:
        mean, var = _statistics(T, x)
        learned = (x(3), x(3)) if affine else (None, None)
        return getattr(T.nn.functional, name)(x(*shape), mean, var, *learned, *options), mean, var

    return case


CASES["nn.functional.batch_norm"] = [
    *(
        _with_statistics("batch_norm", s, training, momentum, 1e-3)
        for s in ((4, 3), (2, 3, 4), (2, 3, 2, 2), (2, 3, 1, 2, 2))
        for training in (True, False)
        for momentum in (0.0, 0.3, 1.0)
    ),
    _with_statistics("batch_norm", (4, 3), affine=False),
    lambda T, x: T.nn.functional.batch_norm(x(4, 3), None, None, training=True),
    lambda T, x: T.nn.functional.batch_norm(x(4, 3), None, None),
    lambda T, x: T.nn.functional.batch_norm(x(4, 3), *_statistics(T, x), weight=x(3)),
    lambda T, x: T.nn.functional.batch_norm(x(4, 3), *_statistics(T, x), bias=x(3)),
    lambda T, x: T.nn.functional.batch_norm(x(4, 3), *_statistics(T, x), x(2)),
    lambda T, x: T.nn.functional.batch_norm(x(1, 3), *_statistics(T, x), training=True),
    lambda T, x: T.nn.functional.batch_norm(x(1, 3, 2), None, None, training=True),
]
CASES["nn.functional.instance_norm"] = [
    *(
        _with_statistics("instance_norm", s, use_input_stats, 0.3, 1e-3)
        for s in ((2, 3, 4), (2, 3, 2, 2))
        for use_input_stats in (True, False)
    ),
    lambda T, x: T.nn.functional.instance_norm(x(2, 3, 4)),
    lambda T, x: T.nn.functional.instance_norm(x(2, 3, 4), weight=x(3), bias=x(3), eps=0.1),
    lambda T, x: T.nn.functional.instance_norm(x(2, 3, 1)),
    lambda T, x: T.nn.functional.instance_norm(x(2, 3, 4), use_input_stats=False),
]
CASES["nn.functional.group_norm"] = [
    lambda T, x: T.nn.functional.group_norm(x(2, 6, 3), 3),
    lambda T, x: T.nn.functional.group_norm(x(2, 6, 3), 3, x(6)),
    lambda T, x: T.nn.functional.group_norm(x(2, 6, 3), 3, None, x.tensor([0.5] * 6), 0.1),
    lambda T, x: T.nn.functional.group_norm(x(2, 6, 3), 4),
    lambda T, x: T.nn.functional.group_norm(x(2, 6, 3), 3, x(5)),
]
CASES["nn.functional.layer_norm"] = [
    lambda T, x: T.nn.functional.layer_norm(x(2, 6), [6], bias=x(6)),
    lambda T, x: T.nn.functional.layer_norm(x(2, 6), (5,)),
    lambda T, x: T.nn.functional.layer_norm(x(2, 6), (6,), x(5)),
]
CASES["nn.functional.rms_norm"] = [
    lambda T, x: T.nn.functional.rms_norm(x(2, 6), [6], x(6), 0.1),
    lambda T, x: T.nn.functional.rms_norm(x(2, 6), (5,)),
    lambda T, x: T.nn.functional.rms_norm(x(2, 3, 6), (3, 6), x(3, 6)),
]
