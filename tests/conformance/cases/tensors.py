"""Cases of casts, queries and grad modes."""

from collections.abc import Callable
from typing import Any

Case = Callable[[Any, Any], Any]

SPECIAL = [0.0, -0.0, 1.7, -1.7, 2.0, float("nan"), float("inf")]

CASES: dict[str, list[Case]] = {}
for _name in ("bool", "float", "double", "int", "long"):
    CASES[f"Tensor.{_name}"] = [
        lambda T, x, n=_name: getattr(x(2, 3), n)(),
        lambda T, x, n=_name: getattr(x.int(4), n)(),
        lambda T, x, n=_name: getattr(x.bool(4), n)(),
        lambda T, x, n=_name: getattr(x(2, 3).t(), n)(),
        lambda T, x, n=_name: getattr(x(), n)(),
        lambda T, x, n=_name: getattr(x(0), n)(),
        lambda T, x, n=_name: getattr(x.tensor(SPECIAL[:5]), n)(),
        lambda T, x, n=_name: getattr(x.tensor([-1, 255, 256]), n)(),
    ]
CASES["Tensor.bool"] += [lambda T, x: x.tensor(SPECIAL).bool()]
_KINDS = ("float32", "float64", "int64", "int32", "uint8", "bool")
for _name in ("to", "type"):
    CASES[f"Tensor.{_name}"] = [
        *(lambda T, x, n=_name, k=kind: getattr(x.positive(3), n)(getattr(T, k)) for kind in _KINDS),
        *(lambda T, x, n=_name, k=kind: getattr(x.int(3, low=0), n)(getattr(T, k)) for kind in _KINDS),
        lambda T, x, n=_name: (a := x(3)) is getattr(a, n)(x.dtype),
    ]
CASES["Tensor.type"] += [lambda T, x: x.int(3).type("torch.FloatTensor")]
CASES["Tensor.to"] += [
    lambda T, x: x(3).to("cpu"),
    lambda T, x: x(3).to("cpu", T.float64),
    lambda T, x: x(3).to(device="cpu", dtype=T.float64),
    lambda T, x: x(3).to(x.tensor([1.0], "float64")),
    lambda T, x: (a := x(3)) is a.to(a),
    lambda T, x: (a := x(3)) is a.to(a.dtype, copy=True),
    lambda T, x: x(3).to(T.float64, non_blocking=True),
    lambda T, x: x(3).to("nowhere"),
]
CASES["Tensor.dtype"] = [lambda T, x: [x(2).dtype, x.int(2).dtype, x.bool(2).dtype, x(2).dtype.is_floating_point]]
CASES["Tensor.shape"] = [lambda T, x: [x(2, 3).shape, x().shape, x(0).shape, len(x(2, 3).shape), x(2, 3).shape[-1]]]
CASES["Tensor.ndim"] = [lambda T, x: [x(2, 3).ndim, x().ndim]]
CASES["Tensor.dim"] = [lambda T, x: [x(2, 3).dim(), x().dim()]]
CASES["Tensor.size"] = [
    lambda T, x: [x(2, 3).size(), x(2, 3).size(0), x(2, 3).size(-1), x(2, 3).size(dim=1)],
    lambda T, x: x(2, 3).size(2),
    lambda T, x: x().size(0),
    lambda T, x: x(2, 3).size().numel(),
]
CASES["Tensor.numel"] = [lambda T, x: [x(2, 3).numel(), x().numel(), x(0, 3).numel()]]
CASES["Tensor.item"] = [
    lambda T, x: x().item(),
    lambda T, x: x(1, 1).item(),
    lambda T, x: x.int().item(),
    lambda T, x: x.bool(1).item(),
    lambda T, x: x(2).item(),
    lambda T, x: x(0).item(),
]
CASES["Tensor.tolist"] = [
    lambda T, x: x.int(2, 3).tolist(),
    lambda T, x: x.bool(2).tolist(),
    lambda T, x: x.tensor([1.5, 2.5]).tolist(),
    lambda T, x: x.int().tolist(),
    lambda T, x: x.int(0, 2).tolist(),
]
CASES["Tensor.numpy"] = [
    lambda T, x: x.tensor([1.0, 2.0]).numpy().tolist(),
    lambda T, x: str(x.int(2, dtype="int32").numpy().dtype),
    lambda T, x: x(2).numpy(),
    lambda T, x: x(2).numpy(force=True).shape,
    lambda T, x: x(2, 3).detach().t().numpy().strides,
]
CASES["Tensor.detach"] = [
    lambda T, x: x(3).detach(),
    lambda T, x: (x(3) * 2).detach().is_leaf,
    lambda T, x: x.int(2).detach(),
]
CASES["Tensor.is_leaf"] = [
    lambda T, x: [x(2).is_leaf, (x(2) * 2).is_leaf, (x.tensor([1.0]) * 2).is_leaf, x.int(2).is_leaf]
]
CASES["Tensor.requires_grad_"] = [
    lambda T, x: x.tensor([1.0]).requires_grad_(),
    lambda T, x: x(2).requires_grad_(False),
    lambda T, x: (x(2) * 2).requires_grad_(False),
    lambda T, x: (x(2) * 2).requires_grad_(True),
    lambda T, x: x.int(2).requires_grad_(),
    lambda T, x: x.int(2).requires_grad_(False),
]


def _retained(T: Any, x: Any) -> Any:
    y = x(3) * 2
    y.retain_grad()
    (y * y).sum().backward()
    return y.grad, y.retains_grad


def _leaf_retains(T: Any, x: Any) -> Any:
    a = x(3)
    a.retain_grad()
    (a * a).sum().backward()
    return a.grad, a.retains_grad


CASES["Tensor.retain_grad"] = [_retained, _leaf_retains, lambda T, x: x.tensor([1.0]).retain_grad()]


def _hooked(T: Any, x: Any) -> Any:
    a = x(3)
    y = a * 2
    seen: list[Any] = []
    handle = y.register_hook(lambda g: seen.append(g.clone()))
    y.register_hook(lambda g: g * 10)
    (y * y).sum().backward()
    handle.remove()
    return seen, a.grad


CASES["Tensor.register_hook"] = [_hooked, lambda T, x: x.tensor([1.0]).register_hook(print)]
CASES["Tensor.stride"] = [
    lambda T, x: [x(2, 3).stride(), x(2, 3).t().stride(), x(2, 3).stride(0), x(2, 3).stride(-1), x().stride()],
    lambda T, x: [x(4, 6)[::2, 1::3].stride(), x(3, 1).expand(3, 4).stride(), T.zeros(2, 0, 3).stride()],
    lambda T, x: x(2, 3).stride(2),
]


def _same_place(T: Any, x: Any) -> Any:
    a = x(3, 4)
    return [a.data_ptr() == a.view(12).data_ptr(), a[1].data_ptr() - a.data_ptr(), a.data_ptr() == a.clone().data_ptr()]


CASES["Tensor.data_ptr"] = [_same_place]


def _info(T: Any, kind: str) -> list[Any]:
    i = T.finfo(getattr(T, kind))
    return [i.bits, i.eps, i.max, i.min, i.tiny, i.smallest_normal, i.resolution, i.dtype]


CASES["finfo"] = [
    lambda T, x: _info(T, "float32"),
    lambda T, x: _info(T, "float64"),
    lambda T, x: T.finfo(x.dtype).eps,
    lambda T, x: T.finfo().max,
    lambda T, x: T.finfo(T.int64),
]
CASES["iinfo"] = [
    *(
        lambda T, x, k=kind: [getattr(T.iinfo(getattr(T, k)), a) for a in ("bits", "max", "min", "dtype")]
        for kind in ("int64", "int32", "uint8")
    ),
    lambda T, x: T.iinfo(T.float32),
    lambda T, x: T.iinfo(T.bool),
]
CASES["get_default_dtype"] = [lambda T, x: T.get_default_dtype()]


def _with_default(T: Any, x: Any) -> Any:
    before = T.get_default_dtype()
    T.set_default_dtype(x.dtype)
    try:
        made = [T.zeros(2), T.ones(2), T.full((2,), 1.5), T.eye(2), T.linspace(0, 1, 3), T.tensor([1.5]), T.tensor(1)]
        made += [T.arange(0, 1, 0.5), T.arange(3), T.as_tensor([2.5]), x.int(3) / 2, x.int(3) * 1.5, T.exp(x.int(3))]
        return (
            made,
            T.rand(2).dtype,
            T.randn(2).dtype,
            T.empty(1).dtype,
            T.get_default_dtype(),
            T.nn.Linear(1, 1).weight.dtype,
        )
    finally:
        T.set_default_dtype(before)


CASES["set_default_dtype"] = [_with_default, lambda T, x: T.set_default_dtype(T.int64)]
CASES["is_tensor"] = [lambda T, x: [T.is_tensor(x(2)), T.is_tensor(2), T.is_tensor([x(2)])]]


def _in(mode: str, *args: Any) -> Case:
    def case(T: Any, x: Any) -> Any:
        a = x(3)
        with getattr(T, mode)(*args):
            inside = a * 2
            recording = T.is_grad_enabled()
        return inside.requires_grad, recording, T.is_grad_enabled(), (a * 2).requires_grad

    return case


def _decorated(mode: str, *args: Any) -> Case:
    return lambda T, x: getattr(T, mode)(*args)(lambda a: (a * 2).requires_grad)(x(3))


for _name in ("no_grad", "enable_grad"):
    CASES[_name] = [_in(_name), _decorated(_name)]
CASES["inference_mode"] = [
    _in("inference_mode"), _in("inference_mode", True), _in("inference_mode", False), _decorated("inference_mode"),
    lambda T, x: T.inference_mode(lambda a: (a * 2).requires_grad)(x(3)),
]  # fmt: skip
CASES["set_grad_enabled"] = [_in("set_grad_enabled", True), _in("set_grad_enabled", False)]
CASES["is_grad_enabled"] = [_in("no_grad")]
