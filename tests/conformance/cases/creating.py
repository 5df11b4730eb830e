"""Cases of creation and of random numbers. Of random numbers, what does not depend on the stream is compared."""

from collections.abc import Callable
from typing import Any

import numpy as np

Case = Callable[[Any, Any], Any]

KINDS = ("float32", "float64", "int64", "int32", "uint8", "bool")

CASES: dict[str, list[Case]] = {}
for _name in ("zeros", "ones"):
    CASES[_name] = [
        lambda T, x, n=_name: getattr(T, n)(2, 3),
        lambda T, x, n=_name: getattr(T, n)((2, 3)),
        lambda T, x, n=_name: getattr(T, n)([2, 0]),
        lambda T, x, n=_name: getattr(T, n)(()),
        lambda T, x, n=_name: getattr(T, n)(3, requires_grad=True),
        lambda T, x, n=_name: getattr(T, n)(3, device="cpu"),
        lambda T, x, n=_name: getattr(T, n)(3, dtype=T.int64, requires_grad=True),
        lambda T, x, n=_name: getattr(T, n)(-1),
        *(lambda T, x, n=_name, k=kind: getattr(T, n)(2, dtype=getattr(T, k)) for kind in KINDS),
    ]
CASES["empty"] = [
    lambda T, x: [T.empty(2, 3).shape, T.empty(2, 3).dtype, T.empty(()).shape, T.empty(2, dtype=T.int32).dtype],
    lambda T, x: T.empty(0, 3),
    lambda T, x: T.empty(3, requires_grad=True).requires_grad,
]
CASES["full"] = [
    lambda T, x: T.full((2, 3), 1.5),
    lambda T, x: T.full((2,), 3),
    lambda T, x: T.full((2,), True),
    lambda T, x: T.full((), 2.0),
    lambda T, x: T.full((2,), 3, dtype=x.dtype),
    lambda T, x: T.full((2,), 2.7, dtype=T.int64),
    lambda T, x: T.full((2,), 300, dtype=T.uint8),
    lambda T, x: T.full((2,), float("nan")),
    lambda T, x: T.full((2,), x.tensor(1.5)),
    lambda T, x: T.full([2], 1.0, requires_grad=True),
]
CASES["tensor"] = [
    lambda T, x: T.tensor(1),
    lambda T, x: T.tensor(1.5),
    lambda T, x: T.tensor(True),
    lambda T, x: T.tensor([1, 2.5]),
    lambda T, x: T.tensor([True, 2]),
    lambda T, x: T.tensor([True, False]),
    lambda T, x: T.tensor([]),
    lambda T, x: T.tensor([[], []]),
    lambda T, x: T.tensor([[1, 2], [3, 4]]),
    lambda T, x: T.tensor((1, 2)),
    lambda T, x: T.tensor(range(3)),
    lambda T, x: T.tensor(np.arange(3)),
    lambda T, x: T.tensor(np.arange(3.0)),
    lambda T, x: T.tensor(np.float64(2)),
    lambda T, x: T.tensor([np.float32(1), np.float32(2)]),
    lambda T, x: T.tensor(np.arange(6).reshape(2, 3).T),
    lambda T, x: T.tensor([T.tensor(1.0), T.tensor(2.0)]),
    lambda T, x: T.tensor([x.tensor(1), x.tensor(2)]),
    lambda T, x: T.tensor([1, 2], dtype=x.dtype),
    lambda T, x: T.tensor([1.7, -1.7], dtype=T.int64),
    lambda T, x: T.tensor([0.0, 2.0], dtype=T.bool),
    lambda T, x: T.tensor(x.tensor([1.0, 2.0])),
    lambda T, x: T.tensor([1.0], requires_grad=True),
    lambda T, x: T.tensor([1], requires_grad=True),
    lambda T, x: T.tensor([[1], [2, 3]]),
    lambda T, x: T.tensor("text"),
    lambda T, x: T.tensor(None),
    lambda T, x: T.tensor(float("inf")),
    lambda T, x: T.tensor(2**40),
    lambda T, x: T.tensor(2**70),
]
CASES["as_tensor"] = [
    lambda T, x: T.as_tensor([1.0, 2.0]),
    lambda T, x: T.as_tensor([1, 2], dtype=x.dtype),
    lambda T, x: T.as_tensor(np.arange(3.0)),
    lambda T, x: T.as_tensor(x.tensor([1.0])),
    lambda T, x: T.as_tensor(x.tensor([1.0]), dtype=T.int64),
    lambda T, x: (a := x.tensor([1.0])) is T.as_tensor(a),
    lambda T, x: T.as_tensor(1.5),
    lambda T, x: T.as_tensor([1.0], device="cpu"),
]


def _written(T: Any, x: Any) -> Any:
    array = x.numpy(3)
    made = T.from_numpy(array)
    array[0] = 9.0
    return made


CASES["from_numpy"] = [
    lambda T, x: T.from_numpy(x.numpy(2, 3)),
    lambda T, x: T.from_numpy(x.numpy(2, 3).T),
    lambda T, x: T.from_numpy(x.numpy(4, 6)[::2, 1::2]),
    lambda T, x: T.from_numpy(np.arange(3, dtype="int32")),
    lambda T, x: T.from_numpy(np.array(1.0)),
    lambda T, x: T.from_numpy(np.zeros((0, 2))),
    lambda T, x: T.from_numpy([1, 2]),
    lambda T, x: T.from_numpy(np.array(["a"])),
    _written,
]
CASES["arange"] = [
    lambda T, x: T.arange(5),
    lambda T, x: T.arange(5.0),
    lambda T, x: T.arange(1, 5),
    lambda T, x: T.arange(1, 6, 2),
    lambda T, x: T.arange(1, 5.5),
    lambda T, x: T.arange(0, 1, 0.1),
    lambda T, x: T.arange(0, 1, 0.3, dtype=x.dtype),
    lambda T, x: T.arange(5, 0, -1),
    lambda T, x: T.arange(5, -0.5, -1.5),
    lambda T, x: T.arange(0),
    lambda T, x: T.arange(3, dtype=x.dtype),
    lambda T, x: T.arange(3, dtype=T.int32),
    lambda T, x: T.arange(2.5, dtype=T.int64),
    lambda T, x: T.arange(end=4),
    lambda T, x: T.arange(start=1, end=4, step=2),
    lambda T, x: T.arange(x.tensor(4)),
    lambda T, x: T.arange(3.0, requires_grad=True),
    lambda T, x: T.arange(1, 5, 0),
    lambda T, x: T.arange(1, 5, -1),
    lambda T, x: T.arange(),
    lambda T, x: T.arange(1000000, 1000010, dtype=T.float32),
]
CASES["linspace"] = [
    lambda T, x: T.linspace(0, 1, 5),
    lambda T, x: T.linspace(-2, 2, 11, dtype=x.dtype),
    lambda T, x: T.linspace(3, -1, steps=4),
    lambda T, x: T.linspace(0, 1, 1),
    lambda T, x: T.linspace(0, 1, 0),
    lambda T, x: T.linspace(0, 10, 4, dtype=T.int64),
    lambda T, x: T.linspace(0, 1, -1),
    lambda T, x: T.linspace(start=0, end=1, steps=3),
    lambda T, x: T.linspace(0, 1, 3, requires_grad=True),
]
CASES["eye"] = [
    lambda T, x: T.eye(3),
    lambda T, x: T.eye(2, 4),
    lambda T, x: T.eye(3, 2, dtype=x.dtype),
    lambda T, x: T.eye(2, dtype=T.int64),
    lambda T, x: T.eye(2, dtype=T.bool),
    lambda T, x: T.eye(0),
    lambda T, x: T.eye(2, requires_grad=True),
    lambda T, x: T.eye(-1),
]
for _name in ("zeros_like", "ones_like"):
    CASES[_name] = [
        lambda T, x, n=_name: getattr(T, n)(x(2, 3)),
        lambda T, x, n=_name: getattr(T, n)(x.int(2)),
        lambda T, x, n=_name: getattr(T, n)(x.bool(2)),
        lambda T, x, n=_name: getattr(T, n)(x(2, 3), dtype=T.int32),
        lambda T, x, n=_name: getattr(T, n)(x(2), requires_grad=True),
        lambda T, x, n=_name: getattr(T, n)(x()),
        lambda T, x, n=_name: getattr(T, n)(x(2, 3).t()),
        lambda T, x, n=_name: getattr(T, n)(2),
    ]
CASES["empty_like"] = [
    lambda T, x: [T.empty_like(x(2, 3)).shape, T.empty_like(x.int(2)).dtype, T.empty_like(x(2), dtype=T.bool).dtype],
    lambda T, x: T.empty_like(x(0, 2)),
]
CASES["full_like"] = [
    lambda T, x: T.full_like(x(2, 3), 1.5),
    lambda T, x: T.full_like(x.int(2), 3),
    lambda T, x: T.full_like(x.int(2), 2.5),
    lambda T, x: T.full_like(x.int(2), 2.5, dtype=x.dtype),
    lambda T, x: T.full_like(x.bool(2), True),
]


def facts(y: Any, low: float = -99.0, high: float = 99.0) -> list[Any]:
    """What a random tensor shows of itself without its numbers."""
    within = bool((y >= low).all()) and bool((y <= high).all())
    return [tuple(y.shape), y.dtype, y.requires_grad, within]


def repeats(T: Any, draw: Callable[[], Any]) -> bool:
    T.manual_seed(7)
    first = draw()
    T.manual_seed(7)
    return bool((first == draw()).all())


for _name in ("rand", "randn"):
    CASES[_name] = [
        lambda T, x, n=_name: facts(getattr(T, n)(2, 3)),
        lambda T, x, n=_name: facts(getattr(T, n)((2, 3), dtype=x.dtype)),
        lambda T, x, n=_name: facts(getattr(T, n)([4])),
        lambda T, x, n=_name: facts(getattr(T, n)(())),
        lambda T, x, n=_name: facts(getattr(T, n)(0, 2)),
        lambda T, x, n=_name: facts(getattr(T, n)(2, requires_grad=True)),
        lambda T, x, n=_name: facts(getattr(T, n)(2, generator=T.Generator(), device="cpu")),
        lambda T, x, n=_name: repeats(T, lambda: getattr(T, n)(5)),
        lambda T, x, n=_name: getattr(T, n)(2, dtype=T.int64),
        lambda T, x, n=_name: getattr(T, n)(-2),
    ]
CASES["rand"] += [lambda T, x: facts(T.rand(1000), 0, 1)]
for _name in ("rand_like", "randn_like"):
    CASES[_name] = [
        lambda T, x, n=_name: facts(getattr(T, n)(x(2, 3))),
        lambda T, x, n=_name: facts(getattr(T, n)(x(2), dtype=T.float64)),
        lambda T, x, n=_name: facts(getattr(T, n)(x(2), requires_grad=True)),
        lambda T, x, n=_name: facts(getattr(T, n)(x.int(2), dtype=x.dtype)),
        lambda T, x, n=_name: getattr(T, n)(x.int(2)),
    ]
CASES["randint"] = [
    lambda T, x: facts(T.randint(5, (100,)), 0, 4),
    lambda T, x: facts(T.randint(-3, 5, (10, 10)), -3, 4),
    lambda T, x: facts(T.randint(low=2, high=5, size=(3,)), 2, 4),
    lambda T, x: facts(T.randint(5, (3,), dtype=T.int32), 0, 4),
    lambda T, x: facts(T.randint(5, (3,), dtype=x.dtype), 0, 4),
    lambda T, x: T.randint(1, (3,)),
    lambda T, x: facts(T.randint(5, ())),
    lambda T, x: facts(T.randint(5, (0,))),
    lambda T, x: T.randint(5, 5, (3,)),
    lambda T, x: T.randint(5, 2, (3,)),
    lambda T, x: repeats(T, lambda: T.randint(100, (9,))),
]
CASES["randperm"] = [
    lambda T, x: facts(T.randperm(10), 0, 9),
    lambda T, x: sorted(T.randperm(10).tolist()),
    lambda T, x: facts(T.randperm(0)),
    lambda T, x: facts(T.randperm(4, dtype=T.int32)),
    lambda T, x: facts(T.randperm(4, generator=T.Generator().manual_seed(1))),
    lambda T, x: T.randperm(-1),
]
CASES["normal"] = [
    lambda T, x: facts(T.normal(0.0, 1.0, (2, 3))),
    lambda T, x: facts(T.normal(5.0, 0.1, size=(2, 3)), 4, 6),
    lambda T, x: facts(T.normal(x.tensor([1.0, 2.0]), x.tensor([0.1, 0.1]))),
    lambda T, x: facts(T.normal(x.tensor([1.0, 2.0]))),
    lambda T, x: facts(T.normal(2.0, x.tensor([0.1, 0.1]))),
    lambda T, x: facts(T.normal(x.tensor([1.0, 2.0]), 0.5)),
    lambda T, x: T.normal(0.0, -1.0, (2,)),
]
CASES["bernoulli"] = [
    lambda T, x: T.bernoulli(x.tensor([0.0, 1.0])),
    lambda T, x: facts(T.bernoulli(x.tensor([0.5] * 9)), 0, 1),
    lambda T, x: T.bernoulli(x.uniform(0, 1, 3) * 0),
    lambda T, x: T.bernoulli(x.tensor([2.0])),
    lambda T, x: T.bernoulli(x.tensor([1])),
    lambda T, x: T.bernoulli(x.tensor([0.5, 0.5]), 1.0),
]
CASES["manual_seed"] = [
    lambda T, x: T.manual_seed(3).initial_seed(),
    lambda T, x: T.manual_seed(-1) is not None,
    lambda T, x: T.manual_seed("text"),
]
CASES["seed"] = [lambda T, x: isinstance(T.seed(), int)]
CASES["Generator"] = [
    lambda T, x: T.Generator().manual_seed(3).initial_seed(),
    lambda T, x: isinstance(T.Generator().seed(), int),
    lambda T, x: T.Generator(device="cpu").manual_seed(2).get_state().dtype,
    lambda T, x: _state_again(T, T.Generator()),
    lambda T, x: str(T.Generator().device),
]


def _state_again(T: Any, generator: Any) -> bool:
    state = generator.get_state()
    first = T.rand(4, generator=generator)
    generator.set_state(state)
    return bool((first == T.rand(4, generator=generator)).all())


def _default_state_again(T: Any, x: Any) -> bool:
    state = T.get_rng_state()
    first = T.rand(4)
    T.set_rng_state(state)
    return bool((first == T.rand(4)).all())


CASES["get_rng_state"] = [_default_state_again, lambda T, x: (T.get_rng_state().dtype, T.get_rng_state().ndim)]
CASES["set_rng_state"] = [_default_state_again, lambda T, x: T.set_rng_state(x(3))]
