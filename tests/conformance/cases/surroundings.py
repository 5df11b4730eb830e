"""Cases of devices, mixed precision, and lucid.autograd."""

from collections.abc import Callable
from typing import Any

Case = Callable[[Any, Any], Any]


def A(T: Any) -> Any:
    return T.autograd


def _backward(T: Any, x: Any, **options: Any) -> Any:
    a, b = x(3), x(3)
    y = (a * b).sum() + (a * a).sum()
    A(T).backward(y, **options)
    return a.grad, b.grad


def _twice(T: Any, x: Any, retain: bool) -> Any:
    a = x(3)
    y = (a * a).sum()
    y.backward(retain_graph=retain)
    y.backward()
    return a.grad


def _second(T: Any, x: Any) -> Any:
    a = x(3)
    (first,) = A(T).grad((a**3).sum(), a, create_graph=True)
    return first, A(T).grad(first.sum(), a)[0]


def _grad(T: Any, x: Any, f: Callable[[Any, Any], Any], **options: Any) -> Any:
    a, b = x(3), x(3)
    return A(T).grad(f(a, b), (a, b), **options)


def _cube(T: Any) -> Any:
    class Cube(T.autograd.Function):  # type: ignore[name-defined]
        @staticmethod
        def forward(ctx: Any, input: Any, factor: float) -> Any:
            ctx.save_for_backward(input)
            ctx.factor = factor
            return input * input * input * factor

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (input,) = ctx.saved_tensors
            return grad * 3 * input * input * ctx.factor, None

    return Cube.apply


def _pair(T: Any) -> Any:
    class Pair(T.autograd.Function):  # type: ignore[name-defined]
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any) -> Any:
            ctx.save_for_backward(a, b)
            return a * b, a + b

        @staticmethod
        def backward(ctx: Any, left: Any, right: Any) -> Any:
            a, b = ctx.saved_tensors
            return left * b + right, left * a + right

    return Pair.apply


CASES: dict[str, list[Case]] = {
    "autograd.backward": [
        _backward,
        lambda T, x: _backward(T, x, retain_graph=True),
        lambda T, x: _twice(T, x, True),
        lambda T, x: _twice(T, x, False),
        lambda T, x: A(T).backward(x(3)),
        lambda T, x: A(T).backward(x.tensor([1.0]).sum()),
        lambda T, x: (a := x(3), A(T).backward([a * 2, a * 3], [x.tensor([1.0] * 3)] * 2), a.grad)[2],
    ],
    "autograd.grad": [
        lambda T, x: _grad(T, x, lambda a, b: (a * b).sum()),
        lambda T, x: _grad(T, x, lambda a, b: a.sum()),
        lambda T, x: _grad(T, x, lambda a, b: a.sum(), allow_unused=True),
        lambda T, x: _grad(T, x, lambda a, b: a.sum(), materialize_grads=True),
        lambda T, x: _grad(T, x, lambda a, b: a * b),
        lambda T, x: _grad(T, x, lambda a, b: a * b, grad_outputs=x.tensor([1.0, 2.0, 3.0])),
        lambda T, x: _grad(T, x, lambda a, b: (a * b).sum(), create_graph=True),
        _second,
    ],
    "autograd.Function": [
        lambda T, x: _cube(T)(x(3, 4), 2.0),
        lambda T, x: _pair(T)(x(3), x(3)),
        lambda T, x: _pair(T)(x(3), x.tensor([1.0, 2.0, 3.0]))[0],
        lambda T, x: T.autograd.Function.apply(x(3)),
    ],
    "autograd.gradcheck": [
        lambda T, x: A(T).gradcheck(lambda a, b: (a * b).sin(), (x(3).double().detach().requires_grad_(),) * 2),
        lambda T, x: A(T).gradcheck(lambda a: a.detach() * a, (x.positive(3).double().detach().requires_grad_(),)),
    ],
    "autograd.gradgradcheck": [
        lambda T, x: A(T).gradgradcheck(lambda a: (a * a).sin(), (x(3).double().detach().requires_grad_(),)),
    ],
}


def _through(f: Callable[[Any, Any], Any]) -> list[Case]:
    """A function of lucid.autograd.functional, without and with create_graph."""
    return [lambda T, x: f(T, x)({}), lambda T, x: f(T, x)({"create_graph": True})]


def F(T: Any) -> Any:
    return T.autograd.functional


CASES["autograd.functional.jacobian"] = [
    *_through(lambda T, x: lambda o: F(T).jacobian(lambda a: a * a * a, x(3), **o)),
    *_through(lambda T, x: lambda o: F(T).jacobian(lambda a: a.sum(), x(2, 3), **o)),
    *_through(lambda T, x: lambda o: F(T).jacobian(lambda a: a.sum(0), x(2, 3), **o)),
    *_through(lambda T, x: lambda o: F(T).jacobian(lambda a, b: a * b.sum(), (x(2), x(3)), **o)),
    *_through(lambda T, x: lambda o: F(T).jacobian(lambda a, b: (a * 2, b.exp()), (x(2), x(3)), **o)),
    lambda T, x: F(T).jacobian(lambda a, b: a * 2, (x(2), x(3))),
    lambda T, x: F(T).jacobian(lambda a, b: a * 2, (x(2), x(3)), strict=True),
    lambda T, x: F(T).jacobian(lambda a: T.zeros(2), x(2)),
    lambda T, x: F(T).jacobian(lambda a: T.zeros(2), x(2), strict=True),
    lambda T, x: F(T).jacobian(lambda a: a * 2, x(2), strict=True, create_graph=True),
    lambda T, x: F(T).jacobian(lambda a: a * 2, x.tensor([1.0, 2.0])),
    lambda T, x: F(T).jacobian(lambda a: a * 2, x(0)),
    lambda T, x: F(T).jacobian(lambda a: a * 2, 3.0),
    lambda T, x: F(T).jacobian(lambda a: 3.0, x(2)),
]
CASES["autograd.functional.hessian"] = [
    *_through(lambda T, x: lambda o: F(T).hessian(lambda a: (a**3).sum(), x(3), **o)),
    *_through(lambda T, x: lambda o: F(T).hessian(lambda a: (a.exp() * a.sum()).sum(), x(2, 2), **o)),
    *_through(lambda T, x: lambda o: F(T).hessian(lambda a, b: (a * a * b.sum()).sum(), (x(2), x(3)), **o)),
    lambda T, x: F(T).hessian(lambda a: a.sum(), x(3)),
    lambda T, x: F(T).hessian(lambda a: a.sum(), x(3), strict=True),
    lambda T, x: F(T).hessian(lambda a: a * a, x(3)),
    lambda T, x: F(T).hessian(lambda a: (a * a).sum().reshape(1), x(3)),
]
CASES["autograd.functional.vjp"] = [
    *_through(lambda T, x: lambda o: F(T).vjp(lambda a: a * a * a, x(3), x(3), **o)),
    *_through(lambda T, x: lambda o: F(T).vjp(lambda a: (a * a).sum(), x(3), **o)),
    *_through(lambda T, x: lambda o: F(T).vjp(lambda a, b: (a * b.sum(), b * 2), (x(2), x(3)), (x(2), x(3)), **o)),
    lambda T, x: F(T).vjp(lambda a: a * a, x(3)),
    lambda T, x: F(T).vjp(lambda a: a * a, x(3), x(2)),
    lambda T, x: F(T).vjp(lambda a, b: a * 2, (x(2), x(3)), x(2)),
    lambda T, x: F(T).vjp(lambda a, b: a * 2, (x(2), x(3)), x(2), strict=True),
    lambda T, x: F(T).vjp(lambda a: T.zeros(2), x(2), x(2), strict=True),
]
CASES["autograd.functional.jvp"] = [
    *_through(lambda T, x: lambda o: F(T).jvp(lambda a: a * a * a, x(3), x(3), **o)),
    *_through(lambda T, x: lambda o: F(T).jvp(lambda a: a.sum(0), x(2, 3), x(2, 3), **o)),
    *_through(lambda T, x: lambda o: F(T).jvp(lambda a, b: (a * b.sum(), b.exp()), (x(2), x(3)), (x(2), x(3)), **o)),
    lambda T, x: F(T).jvp(lambda a: a * a, x()),
    lambda T, x: F(T).jvp(lambda a: a * a, x(3)),
    lambda T, x: F(T).jvp(lambda a: a * a, x(3), x(2)),
    lambda T, x: F(T).jvp(lambda a: a * 2, x(3), x(3)),
    lambda T, x: F(T).jvp(lambda a, b: a * 2, (x(2), x(3)), (x(2), x(3)), strict=True),
]


def _anomaly(T: Any, x: Any, start: float, **options: Any) -> Any:
    a = x.values([start])
    with A(T).detect_anomaly(**options):
        a.sqrt().sum().backward()
    return a.grad


def _set_anomaly(T: Any, x: Any, on: bool) -> Any:
    a = x.values([-1.0])
    with A(T).set_detect_anomaly(on):
        a.sqrt().sum().backward()
    return a.grad


CASES["autograd.detect_anomaly"] = [
    lambda T, x: _anomaly(T, x, 4.0),
    lambda T, x: _anomaly(T, x, -1.0),
    lambda T, x: _anomaly(T, x, -1.0, check_nan=False),
]
CASES["autograd.set_detect_anomaly"] = [lambda T, x: _set_anomaly(T, x, True), lambda T, x: _set_anomaly(T, x, False)]

# ---------------------------------------------------------------------------------------------------------------------

CASES["device"] = [
    lambda T, x: [str(T.device("cpu")), repr(T.device("cpu")), T.device("cpu").type, T.device("cpu").index],
    lambda T, x: [str(T.device("cpu", 0)), repr(T.device("cpu:0")), T.device("cpu:0").index],
    lambda T, x: [T.device("cpu") == T.device("cpu"), T.device("cpu") == T.device("cpu:0"), T.device("cpu") == "cpu"],
    lambda T, x: len({T.device("cpu"), T.device("cpu")}),
    lambda T, x: T.zeros(2, device=T.device("cpu")),
    lambda T, x: x(2).to(T.device("cpu"), T.float64),
    lambda T, x: T.device("nowhere"),
    lambda T, x: T.zeros(2, device="cuda"),
    lambda T, x: x(2).to("cuda"),
    lambda T, x: T.nn.Linear(2, 2).to("cuda"),
    lambda T, x: T.device(T.device("cpu")).type,
]
CASES["Tensor.device"] = [
    lambda T, x: [str(x(2).device), repr(x(2).device), x(2).device == T.device("cpu"), x(2).is_cuda, x(2).get_device()]
]
for _name in ("cuda.is_available", "cuda.device_count", "backends.mps.is_available", "accelerator.is_available"):
    CASES[_name] = [lambda T, x, n=_name: _at(T, n)()]


def _at(T: Any, path: str) -> Any:
    for part in path.split("."):
        T = getattr(T, part)
    return T


def _product(T: Any, x: Any, *args: Any, path: str = "amp.autocast", **options: Any) -> Any:
    with _at(T, path)(*args, **options):
        return x(2, 3) @ x(3, 2)


CASES["amp.autocast"] = [
    lambda T, x: _product(T, x, "cpu", enabled=False),
    lambda T, x: _product(T, x, "cpu", dtype=T.float32),
    lambda T, x: _product(T, x, "cuda"),
    lambda T, x: _product(T, x, "cuda", dtype=T.float16, enabled=False),
    lambda T, x: _product(T, x, "cpu", dtype=T.bfloat16),
    lambda T, x: T.amp.autocast("cpu", enabled=False)(lambda: x(2) * 2)(),
]
CASES["cuda.amp.autocast"] = [
    lambda T, x: _product(T, x, path="cuda.amp.autocast"),
    lambda T, x: _product(T, x, enabled=False, path="cuda.amp.autocast"),
]


def _scaled(T: Any, x: Any, scaler: Any, bad: bool = False) -> Any:
    model = x.module(T.nn.Linear(3, 1))
    optimizer = T.optim.SGD(model.parameters(), lr=0.1)
    scales = []
    for step in range(3):
        optimizer.zero_grad()
        loss = model(x(4, 3)).mean() * (float("inf") if bad and step == 1 else 1.0)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        scales.append(scaler.get_scale())
    return scales, scaler.is_enabled(), scaler.state_dict(), [p.detach() for p in model.parameters()]


CASES["amp.GradScaler"] = [
    lambda T, x: _scaled(T, x, T.amp.GradScaler("cpu", enabled=False)),
    lambda T, x: _scaled(T, x, T.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)),
    lambda T, x: _scaled(T, x, T.amp.GradScaler("cpu", init_scale=8.0), bad=True),
    lambda T, x: _scaled(T, x, T.amp.GradScaler()),
    lambda T, x: T.amp.GradScaler("cpu").update(),
    lambda T, x: T.amp.GradScaler("cpu").scale([x(2), x(2)]),
]
CASES["cuda.amp.GradScaler"] = [lambda T, x: _scaled(T, x, T.cuda.amp.GradScaler())]
CASES["float16"] = [lambda T, x: T.zeros(2, dtype=T.float16), lambda T, x: repr(T.float16).split(".")[-1]]
CASES["bfloat16"] = [lambda T, x: T.zeros(2, dtype=T.bfloat16), lambda T, x: repr(T.bfloat16).split(".")[-1]]

_HALF = "Half precision is refused: there are kernels for float32 and float64."
INTENDED = {
    "float16": {"raises KindError": _HALF},
    "bfloat16": {"raises KindError": _HALF},
    "amp.autocast": {"raises KindError": _HALF},
    "autograd.functional.jacobian": {"stack expects a non-empty TensorList": "The Jacobian of no numbers is empty."},
}
