"""Cases of Module's own methods and of nn.init."""

from collections.abc import Callable
from typing import Any

Case = Callable[[Any, Any], Any]


def model(T: Any, x: Any) -> Any:
    """Layers inside layers, a shared parameter, buffers."""

    class Inner(T.nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.scale = T.nn.Parameter(T.tensor([2.0, 3.0]))
            self.register_buffer("count", T.tensor(4))
            self.register_buffer("hidden", T.tensor([1.0]), persistent=False)

        def forward(self, input: Any) -> Any:
            return input * self.scale

    class Outer(T.nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.first = T.nn.Linear(3, 2)
            self.inner = Inner()
            self.second = T.nn.Sequential(T.nn.Linear(2, 2), T.nn.Dropout(0.0))
            self.tied = self.inner.scale
            self.register_parameter("none", None)

        def forward(self, input: Any) -> Any:
            return self.second(self.inner(self.first(input)))

    return x.module(Outer())


def names(pairs: Any) -> list[str]:
    return [name for name, _ in pairs]


def _hooked(T: Any, x: Any) -> Any:
    seen: list[Any] = []
    m = model(T, x)
    handle = m.first.register_forward_hook(lambda module, args, result: seen.append((len(args), tuple(result.shape))))
    m.inner.register_forward_hook(lambda module, args, result: result * 10)
    m.inner.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
    out = m(x(4, 3))
    handle.remove()
    m(x(4, 3))
    return out, seen


def _zeroed(T: Any, x: Any, **options: Any) -> Any:
    m = model(T, x)
    m(x(4, 3)).sum().backward()
    m.zero_grad(**options)
    return [p.grad for p in m.parameters()]


def _loaded(T: Any, x: Any, change: Callable[[dict[str, Any]], Any], **options: Any) -> Any:
    m = model(T, x)
    state = dict(m.state_dict())
    change(state)
    result = m.load_state_dict(state, **options)
    return list(result.missing_keys), list(result.unexpected_keys), dict(m.state_dict())


def _cast(T: Any, x: Any, f: Callable[[Any], Any]) -> Any:
    m = model(T, x)
    same = f(m) is m
    return same, [p.dtype for p in m.parameters()], [b.dtype for b in m.buffers()]


CASES: dict[str, list[Case]] = {
    "nn.Module": [
        lambda T, x: model(T, x)(x(4, 3)),
        lambda T, x: repr(model(T, x)),
        lambda T, x: T.nn.Module()(x(2)),
        lambda T, x: model(T, x).nothing,
        lambda T, x: setattr(model(T, x), "first", 3),
        lambda T, x: setattr(model(T, x).inner, "scale", x(2)),
        lambda T, x: setattr(model(T, x).inner, "count", 3),
    ],
    "nn.Module.forward": [lambda T, x: T.nn.Module().forward(x(2)), lambda T, x: model(T, x).forward(x(4, 3))],
    "nn.Module.parameters": [
        lambda T, x: list(model(T, x).parameters()),
        lambda T, x: list(model(T, x).parameters(recurse=False)),
    ],
    "nn.Module.named_parameters": [
        lambda T, x: names(model(T, x).named_parameters()),
        lambda T, x: names(model(T, x).named_parameters("top")),
        lambda T, x: names(model(T, x).named_parameters(recurse=False)),
        lambda T, x: names(model(T, x).named_parameters(remove_duplicate=False)),
    ],
    "nn.Module.buffers": [lambda T, x: list(model(T, x).buffers())],
    "nn.Module.named_buffers": [
        lambda T, x: names(model(T, x).named_buffers()),
        lambda T, x: names(model(T, x).named_buffers(prefix="top", recurse=False)),
    ],
    "nn.Module.children": [lambda T, x: [repr(m) for m in model(T, x).children()]],
    "nn.Module.named_children": [lambda T, x: names(model(T, x).named_children())],
    "nn.Module.modules": [lambda T, x: [type(m).__name__ for m in model(T, x).modules()]],
    "nn.Module.named_modules": [
        lambda T, x: names(model(T, x).named_modules()),
        lambda T, x: names(model(T, x).named_modules(prefix="top")),
    ],
    "nn.Module.get_submodule": [
        lambda T, x: repr(model(T, x).get_submodule("second.0")),
        lambda T, x: type(model(T, x).get_submodule("")).__name__,
        lambda T, x: model(T, x).get_submodule("second.7"),
        lambda T, x: model(T, x).get_submodule("inner.scale"),
    ],
    "nn.Module.get_parameter": [
        lambda T, x: model(T, x).get_parameter("inner.scale"),
        lambda T, x: model(T, x).get_parameter("inner.count"),
    ],
    "nn.Module.get_buffer": [
        lambda T, x: model(T, x).get_buffer("inner.count"),
        lambda T, x: model(T, x).get_buffer("inner.scale"),
    ],
    "nn.Module.state_dict": [
        lambda T, x: model(T, x).state_dict(),
        lambda T, x: list(model(T, x).state_dict(prefix="top.")),
        lambda T, x: [v.requires_grad for v in model(T, x).state_dict(keep_vars=True).values()],
    ],
    "nn.Module.load_state_dict": [
        lambda T, x: _loaded(T, x, lambda s: None),
        lambda T, x: _loaded(T, x, lambda s: s.update({"first.bias": x.tensor([7.0, 8.0])})),
        lambda T, x: _loaded(T, x, lambda s: s.pop("first.bias"), strict=False),
        lambda T, x: _loaded(T, x, lambda s: s.pop("first.bias")),
        lambda T, x: _loaded(T, x, lambda s: s.update(other=x.tensor([1.0])), strict=False),
        lambda T, x: _loaded(T, x, lambda s: s.update(other=x.tensor([1.0]))),
        lambda T, x: _loaded(T, x, lambda s: s.update({"first.bias": x.tensor([7.0])})),
        lambda T, x: _loaded(T, x, lambda s: s.update({"first.bias": x.tensor([7.0])}), strict=False),
        lambda T, x: _loaded(T, x, lambda s: None, assign=True),
    ],
    "nn.Module.apply": [
        lambda T, x: (seen := [], repr(model(T, x).apply(lambda m: seen.append(type(m).__name__))), seen)[2]
    ],
    "nn.Module.train": [
        lambda T, x: [m.training for m in model(T, x).train(False).modules()],
        lambda T, x: [m.training for m in model(T, x).eval().train().modules()],
        lambda T, x: model(T, x).train("yes"),
    ],
    "nn.Module.eval": [lambda T, x: [m.training for m in model(T, x).eval().modules()]],
    "nn.Module.requires_grad_": [
        lambda T, x: [p.requires_grad for p in model(T, x).requires_grad_(False).parameters()],
        lambda T, x: [p.requires_grad for p in model(T, x).requires_grad_(False).requires_grad_().parameters()],
    ],
    "nn.Module.zero_grad": [
        lambda T, x: _zeroed(T, x),
        lambda T, x: _zeroed(T, x, set_to_none=False),
        lambda T, x: _zeroed(T, x, set_to_none=True),
    ],
    "nn.Module.to": [
        lambda T, x: _cast(T, x, lambda m: m.to(T.float64)),
        lambda T, x: _cast(T, x, lambda m: m.to("cpu")),
        lambda T, x: _cast(T, x, lambda m: m.to("cpu", T.float64)),
        lambda T, x: _cast(T, x, lambda m: m.to(device="cpu", dtype=T.float32)),
        lambda T, x: _cast(T, x, lambda m: m.to(T.device("cpu"))),
        lambda T, x: _cast(T, x, lambda m: m.to(T.int64)),
        lambda T, x: _cast(T, x, lambda m: m.to(x(1).double())),
    ],
    "nn.Module.float": [lambda T, x: _cast(T, x, lambda m: m.float())],
    "nn.Module.double": [lambda T, x: _cast(T, x, lambda m: m.double())],
    "nn.Module.register_forward_hook": [_hooked],
    "nn.Module.register_forward_pre_hook": [_hooked],
}


def _registered(T: Any, x: Any, what: str, name: str, value: Callable[[Any], Any], **options: Any) -> Any:
    m = model(T, x)
    getattr(m, f"register_{what}")(name, value(m), **options)
    return list(m.state_dict()), names(m.named_buffers()), names(m.named_parameters()), names(m.named_children())


for _what, _good in (
    ("buffer", lambda T, x: x.tensor([1.0])),
    ("parameter", lambda T, x: T.nn.Parameter(x.tensor([1.0]))),
    ("module", lambda T, x: T.nn.Linear(2, 2)),
):
    CASES[f"nn.Module.register_{_what}"] = [
        lambda T, x, w=_what, g=_good: _registered(T, x, w, "new", lambda m: g(T, x)),
        lambda T, x, w=_what: _registered(T, x, w, "new", lambda m: None),
        lambda T, x, w=_what, g=_good: _registered(T, x, w, "with.dot", lambda m: g(T, x)),
        lambda T, x, w=_what, g=_good: _registered(T, x, w, "", lambda m: g(T, x)),
        lambda T, x, w=_what, g=_good: _registered(T, x, w, "training", lambda m: g(T, x)),
        lambda T, x, w=_what: _registered(T, x, w, "new", lambda m: "text"),
    ]
CASES["nn.Module.add_module"] = [lambda T, x: (m := model(T, x), m.add_module("new", T.nn.ReLU()), repr(m))[2]]
CASES["nn.Module.register_buffer"] += [
    lambda T, x: _registered(T, x, "buffer", "new", lambda m: x.tensor([1.0]), persistent=False)
]


def _filled(T: Any, x: Any, name: str, deviation: float, *args: Any, **options: Any) -> Any:
    """Whether 2400 random numbers, 60 in and 40 out, have the mean 0 and the standard deviation that they should."""
    target = x.tensor([[0.0] * 60] * 40)
    result = getattr(T.nn.init, name)(target, *args, **options)
    numbers = target.numpy()
    return result is target, bool(abs(numbers.std() / deviation - 1) < 0.1), bool(abs(numbers.mean() / deviation) < 0.1)


CASES |= {
    "nn.init.constant_": [lambda T, x: T.nn.init.constant_(x.tensor([[1.0, 2.0]]), 0.3)],
    "nn.init.ones_": [lambda T, x: T.nn.init.ones_(x.tensor([[1.0, 2.0]]))],
    "nn.init.zeros_": [lambda T, x: T.nn.init.zeros_(x.tensor([[1.0, 2.0]]))],
    "nn.init.calculate_gain": [
        *(
            lambda T, x, n=name: float(T.nn.init.calculate_gain(n))
            for name in ("linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu", "conv_transpose1d")
        ),
        lambda T, x: T.nn.init.calculate_gain("leaky_relu", 0.2),
        lambda T, x: T.nn.init.calculate_gain("nothing"),
    ],
    "nn.init.uniform_": [
        lambda T, x: _filled(T, x, "uniform_", 3**-0.5, -1.0, 1.0),
        lambda T, x: _filled(T, x, "uniform_", 2 * 3**-0.5, -2, b=2),
    ],
    "nn.init.normal_": [
        lambda T, x: _filled(T, x, "normal_", 1.0),
        lambda T, x: _filled(T, x, "normal_", 0.5, mean=0.0, std=0.5),
    ],
}
for _name in ("xavier_uniform_", "xavier_normal_"):
    CASES[f"nn.init.{_name}"] = [
        lambda T, x, n=_name: _filled(T, x, n, 0.02**0.5),
        lambda T, x, n=_name: _filled(T, x, n, 3 * 0.02**0.5, gain=3.0),
        lambda T, x, n=_name: getattr(T.nn.init, n)(x.tensor([1.0, 2.0])),
    ]
for _name in ("kaiming_uniform_", "kaiming_normal_"):
    CASES[f"nn.init.{_name}"] = [
        lambda T, x, n=_name: _filled(T, x, n, (2 / 60) ** 0.5),
        lambda T, x, n=_name: _filled(T, x, n, (1 / 40) ** 0.5, a=1.0, mode="fan_out"),
        lambda T, x, n=_name: _filled(T, x, n, (2 / 60) ** 0.5, nonlinearity="relu"),
        lambda T, x, n=_name: _filled(T, x, n, 1.0, mode="other"),
        lambda T, x, n=_name: getattr(T.nn.init, n)(x.tensor([1.0, 2.0])),
    ]
