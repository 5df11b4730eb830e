"""Cases of nn.init, nn.utils and what is left: what does not depend on the random stream."""

from collections.abc import Callable
from typing import Any

Case = Callable[[Any, Any], Any]
NAN, INF = float("nan"), float("inf")


def orthogonal(*shape: int, **options: Any) -> Case:
    """The rows (or columns) are orthogonal and of one length: the products, rounded."""

    def case(T: Any, x: Any) -> Any:
        w = T.empty(*shape, dtype=T.float64)
        given = T.nn.init.orthogonal_(w, **options)
        flat = w.reshape(shape[0], -1)
        products = flat @ flat.t() if flat.shape[0] <= flat.shape[1] else flat.t() @ flat
        return given is w, (products * 1e6).round() / 1e6, w.requires_grad

    return case


def sparse(rows: int, columns: int, sparsity: float, std: float = 0.01) -> Case:
    """How many zeros each column has; and that the rest is of the size of std."""

    def case(T: Any, x: Any) -> Any:
        w = T.nn.init.sparse_(T.empty(rows, columns), sparsity, std)
        return (w == 0).sum(0), bool(w.abs().max() < 6 * std), bool((w != 0).sum() == 0 or w.abs().max() > 0.1 * std)

    return case


def truncated(mean: float, std: float, a: float, b: float) -> Case:
    """Within the limits; mean and deviation, coarsely."""

    def case(T: Any, x: Any) -> Any:
        T.manual_seed(2)
        w = T.nn.init.trunc_normal_(T.empty(60000, dtype=T.float64), mean, std, a, b)
        inside = bool((w >= a).all()) and bool((w <= b).all())
        return inside, bool(abs(float(w.mean()) - expected[0]) < 0.03), bool(abs(float(w.std()) - expected[1]) < 0.03)

    from math import erf, exp, pi, sqrt

    def density(t: float) -> float:
        return exp(-t * t / 2) / sqrt(2 * pi)

    low, high = (a - mean) / std, (b - mean) / std
    mass = (erf(high / sqrt(2)) - erf(low / sqrt(2))) / 2
    shift = (density(low) - density(high)) / mass
    variance = 1 + (low * density(low) - high * density(high)) / mass - shift**2
    expected = mean + std * shift, std * sqrt(variance)
    return case


CASES: dict[str, list[Case]] = {
    "nn.init.orthogonal_": [
        orthogonal(3, 3),
        orthogonal(3, 5),
        orthogonal(5, 3),
        orthogonal(4, 2, 3),
        orthogonal(2, 3, 2, 2),
        orthogonal(3, 3, gain=2.0),
        orthogonal(1, 1),
        lambda T, x: T.nn.init.orthogonal_(T.empty(3)),
        lambda T, x: T.nn.init.orthogonal_(T.empty(0, 3)).shape,
        lambda T, x: T.nn.init.orthogonal_(T.nn.Parameter(T.empty(2, 2))).requires_grad,
        lambda T, x: T.nn.init.orthogonal_(T.empty(2, 2, dtype=T.int64)),
    ],
    "nn.init.sparse_": [
        sparse(10, 4, 0.1),
        sparse(10, 4, 0.25),
        sparse(7, 3, 0.5, 2.0),
        sparse(5, 2, 1.0),
        sparse(5, 2, 0.0),
        lambda T, x: T.nn.init.sparse_(T.empty(3), 0.1),
        lambda T, x: T.nn.init.sparse_(T.empty(3, 2, 2), 0.1),
    ],
    "nn.init.trunc_normal_": [
        truncated(0.0, 1.0, -2.0, 2.0),
        truncated(1.0, 0.5, 0.0, 1.5),
        truncated(0.0, 1.0, 0.5, 3.0),
        truncated(0.0, 0.02, -2.0, 2.0),
        lambda T, x: T.nn.init.trunc_normal_(T.empty(2, 3)).shape,
        lambda T, x: T.nn.init.trunc_normal_(T.nn.Parameter(T.empty(2))).requires_grad,
        lambda T, x: T.nn.init.trunc_normal_(T.empty(2), generator=T.Generator().manual_seed(3)).shape,
    ],
    "nn.init.eye_": [
        lambda T, x: T.nn.init.eye_(T.empty(3, 3)),
        lambda T, x: T.nn.init.eye_(T.empty(2, 4)),
        lambda T, x: T.nn.init.eye_(T.empty(4, 2, dtype=T.float64)),
        lambda T, x: T.nn.init.eye_(T.nn.Parameter(T.empty(2, 2))),
        lambda T, x: T.nn.init.eye_(T.empty(3)),
        lambda T, x: T.nn.init.eye_(T.empty(2, 2, 2)),
    ],
    "nn.init.dirac_": [
        lambda T, x: T.nn.init.dirac_(T.empty(3, 3, 3)),
        lambda T, x: T.nn.init.dirac_(T.empty(2, 4, 5)),
        lambda T, x: T.nn.init.dirac_(T.empty(4, 2, 3, 3)),
        lambda T, x: T.nn.init.dirac_(T.empty(4, 2, 2, 4)),
        lambda T, x: T.nn.init.dirac_(T.empty(2, 2, 3, 1, 3)),
        lambda T, x: T.nn.init.dirac_(T.empty(6, 2, 3), 3),
        lambda T, x: T.nn.init.dirac_(T.empty(6, 2, 3), groups=2),
        lambda T, x: T.nn.init.dirac_(T.empty(5, 2, 3), groups=2),
        lambda T, x: T.nn.init.dirac_(T.empty(2, 2)),
    ],
}


def with_gradients(T: Any, x: Any, *shapes: tuple[int, ...]) -> list[Any]:
    """Parameters that have gradients; the last one has none."""
    parameters = [T.nn.Parameter(x(*shape).detach()) for shape in shapes]
    for p in parameters[:-1]:
        p.grad = x(*p.shape).detach() * 3
    return parameters


def clipped(*args: Any, **options: Any) -> Case:
    def case(T: Any, x: Any) -> Any:
        parameters = with_gradients(T, x, (3, 4), (), (5,), (2,))
        total = T.nn.utils.clip_grad_norm_(parameters, *args, **options)
        return total, [p.grad for p in parameters]

    return case


def clipped_to_finite(T: Any, x: Any) -> Any:
    p = T.nn.Parameter(x.tensor([1.0, 2.0]))
    p.grad = x.tensor([NAN, 1.0])
    return T.nn.utils.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)


def clipped_infinite(T: Any, x: Any) -> Any:
    p = T.nn.Parameter(x.tensor([1.0, 2.0]))
    p.grad = x.tensor([INF, 1.0])
    return T.nn.utils.clip_grad_norm_(p, 1.0), p.grad


def values_clipped(limit: float, **options: Any) -> Case:
    def case(T: Any, x: Any) -> Any:
        parameters = with_gradients(T, x, (3, 4), (), (2,))
        return T.nn.utils.clip_grad_value_(parameters, limit, **options), [p.grad for p in parameters]

    return case


def one_clipped(T: Any, x: Any) -> Any:
    p = with_gradients(T, x, (3,), ())[0]
    T.nn.utils.clip_grad_value_(p, 0.5)
    return p.grad


def of_generator(T: Any, x: Any) -> Any:
    parameters = with_gradients(T, x, (3, 4), (5,), (2,))
    total = T.nn.utils.clip_grad_norm_((p for p in parameters), 0.1)
    return total, [p.grad for p in parameters]


CASES |= {
    "nn.utils.clip_grad_norm_": [
        *(clipped(1.0, p) for p in (0.5, 1, 1.0, 2, 2.0, 3.0, INF)),
        clipped(1e3),
        clipped(0.0),
        clipped(max_norm=0.5, norm_type=2.0, error_if_nonfinite=True),
        clipped(1.0, 2.0, False, False),
        clipped_to_finite,
        clipped_infinite,
        of_generator,
        lambda T, x: T.nn.utils.clip_grad_norm_([], 1.0),
        lambda T, x: T.nn.utils.clip_grad_norm_(T.nn.Parameter(x.tensor([1.0])), 1.0),
        lambda T, x: T.nn.utils.clip_grad_norm_(with_gradients(T, x, (3,), ())[0], 1.0),
    ],
    "nn.utils.clip_grad_value_": [
        values_clipped(0.5),
        values_clipped(2),
        values_clipped(0.0),
        values_clipped(0.5, foreach=False),
        one_clipped,
    ],
    "nn.utils.get_total_norm": [
        *(lambda T, x, p=p: T.nn.utils.get_total_norm([x(3, 4), x(), x(5)], p) for p in (0.5, 1, 2, 2.0, 3, INF)),
        lambda T, x: T.nn.utils.get_total_norm([]),
        lambda T, x: T.nn.utils.get_total_norm([x.tensor([NAN])]),
        lambda T, x: T.nn.utils.get_total_norm([x.tensor([NAN])], error_if_nonfinite=True),
        lambda T, x: T.nn.utils.get_total_norm([x(0)]),
        lambda T, x: T.nn.utils.get_total_norm(x(3)),
        lambda T, x: T.nn.utils.get_total_norm([x(3), x.tensor([1.0, 2.0], "float64")]),
    ],
    "nn.utils.parameters_to_vector": [
        lambda T, x: T.nn.utils.parameters_to_vector([x(3, 4), x(), x(0), x(2)]),
        lambda T, x: T.nn.utils.parameters_to_vector(x.module(T.nn.Linear(3, 2)).parameters()),
        lambda T, x: T.nn.utils.parameters_to_vector([x(4, 3).t()]),
        lambda T, x: T.nn.utils.parameters_to_vector([]),
    ],
}


def filled_from(n: int) -> Case:
    def case(T: Any, x: Any) -> Any:
        parameters = [T.nn.Parameter(x(3, 2).detach()), T.nn.Parameter(x().detach())]
        vector = x(n)
        answer = T.nn.utils.vector_to_parameters(vector, parameters)
        shared = parameters[0].data_ptr() == vector.data_ptr()
        return answer, [p.detach() for p in parameters], [p.requires_grad for p in parameters], shared

    return case


CASES["nn.utils.vector_to_parameters"] = [
    filled_from(7),
    filled_from(9),
    filled_from(5),
    lambda T, x: T.nn.utils.vector_to_parameters([1.0], []),
    lambda T, x: T.nn.utils.vector_to_parameters(x(0), []),
]


def packed(lengths: Any, *args: Any, **options: Any) -> Case:
    def case(T: Any, x: Any) -> Any:
        found = T.nn.utils.rnn.pack_padded_sequence(x(5, 3, 2), lengths, *args, **options)
        return found.data, found.batch_sizes, found.sorted_indices, found.unsorted_indices

    return case


def packed_tensor_lengths(T: Any, x: Any) -> Any:
    lengths = x.tensor([2, 5, 3])
    return tuple(T.nn.utils.rnn.pack_padded_sequence(x(5, 3, 2), lengths, enforce_sorted=False))


def unpacked(lengths: list[int], batch_first: bool = False, **options: Any) -> Case:
    def case(T: Any, x: Any) -> Any:
        rnn = T.nn.utils.rnn
        together = rnn.pack_padded_sequence(x(5, 3, 2), lengths, batch_first, enforce_sorted=False)
        return rnn.pad_packed_sequence(together, **options)

    return case


CASES |= {
    "nn.utils.rnn.pack_padded_sequence": [
        packed([5, 3, 2]),
        packed([5, 3, 3]),
        packed([1, 1, 1]),
        packed([4, 4, 2]),
        packed([2, 5, 3], enforce_sorted=False),
        packed([2, 5, 3], False, False),
        packed([2, 3, 2, 1, 3], batch_first=True, enforce_sorted=False),
        packed_tensor_lengths,
        packed([2, 5, 3]),
        packed([5, 3, 0]),
        packed([5, 3]),
        packed([6, 3, 2]),
        lambda T, x: T.nn.utils.rnn.pack_padded_sequence(x(5, 3), [5, 3, 2]).data,
    ],
    "nn.utils.rnn.pad_packed_sequence": [
        unpacked([2, 5, 3]),
        unpacked([5, 3, 2], padding_value=-1.0),
        unpacked([4, 3, 2], total_length=6),
        unpacked([5, 3, 2], total_length=4),
        unpacked([2, 3, 2, 1, 3], True),
        lambda T, x: T.nn.utils.rnn.pad_packed_sequence(
            T.nn.utils.rnn.pack_sequence([x(4, 2), x(2, 2)]), batch_first=True, padding_value=2.0, total_length=7
        ),
    ],
}


def normed(make: Callable[[Any], Any], *shape: int, name: str = "weight", dim: int | None = 0) -> Case:
    """A module with weight normalisation: its parameters, result and gradients."""

    def case(T: Any, x: Any) -> Any:
        module = x.module(T.nn.utils.parametrizations.weight_norm(make(T), name, dim))
        return module(x(*shape)), getattr(module, name), [n for n, _ in module.named_parameters()]

    return case


def starts_equal(T: Any, x: Any) -> Any:
    layer = T.nn.Linear(4, 3)
    before = layer.weight.detach().clone()
    T.nn.utils.parametrizations.weight_norm(layer)
    return bool((layer.weight - before).abs().max() < 1e-6), list(layer.state_dict())


def taken_off(T: Any, x: Any) -> Any:
    layer = x.module(T.nn.utils.parametrizations.weight_norm(T.nn.Linear(4, 3)))
    weight = layer.weight.detach().clone()
    T.nn.utils.parametrize.remove_parametrizations(layer, "weight")
    return weight, layer.weight.detach(), list(layer.state_dict()), type(layer.weight).__name__


def assigned(T: Any, x: Any) -> Any:
    layer = T.nn.utils.parametrizations.weight_norm(T.nn.Linear(2, 2, dtype=x.dtype))
    layer.weight = x.tensor([[3.0, 4.0], [1.0, 0.0]])
    return layer.weight.detach(), layer.parametrizations.weight.original0.detach()


CASES["nn.utils.parametrizations.weight_norm"] = [
    normed(lambda T: T.nn.Linear(4, 3), 2, 4),
    normed(lambda T: T.nn.Linear(4, 3), 2, 4, dim=1),
    normed(lambda T: T.nn.Linear(4, 3), 2, 4, dim=-1),
    normed(lambda T: T.nn.Linear(4, 3), 2, 4, dim=None),
    normed(lambda T: T.nn.Conv2d(2, 3, 2), 2, 2, 4, 4),
    normed(lambda T: T.nn.Conv1d(2, 3, 2, bias=False), 2, 2, 4),
    normed(lambda T: T.nn.Linear(4, 3), 2, 4, name="bias", dim=None),
    starts_equal,
    taken_off,
    assigned,
    lambda T, x: T.nn.utils.parametrizations.weight_norm(T.nn.Linear(4, 3), "nothing"),
    lambda T, x: T.nn.utils.parametrizations.weight_norm(T.nn.Linear(4, 3), dim=5),
]

KINDS = ("float32", "float64", "int64", "int32", "uint8", "bool")
for _name, _args in (("new_zeros", ()), ("new_ones", ()), ("new_full", (3,))):

    def made(x: Any, n: str, a: tuple[Any, ...], shape: Any, **options: Any) -> Any:
        return getattr(x(2, 2), n)(shape, *a, **options)

    CASES[f"Tensor.{_name}"] = [
        lambda T, x, n=_name, a=_args: made(x, n, a, (2, 3)),
        lambda T, x, n=_name, a=_args: made(x, n, a, [2, 3]),
        lambda T, x, n=_name, a=_args: made(x, n, a, ()),
        lambda T, x, n=_name, a=_args: made(x, n, a, (0, 2)),
        *(lambda T, x, n=_name, a=_args, k=k: made(x, n, a, (2,), dtype=getattr(T, k)) for k in KINDS),
        *(lambda T, x, n=_name, a=_args, k=k: getattr(x.tensor([1, 1], k), n)((2,), *a) for k in KINDS),
        lambda T, x, n=_name, a=_args: made(x, n, a, (2,), requires_grad=True),
        lambda T, x, n=_name, a=_args: made(x, n, a, (2,), device="cpu"),
        lambda T, x, n=_name, a=_args: getattr(x.int(2), n)((2,), *a, requires_grad=True),
        lambda T, x, n=_name, a=_args: made(x, n, a, (-1,)),
        lambda T, x, n=_name, a=_args: made(x, n, a, "text"),
    ]
CASES["Tensor.new_zeros"] += [lambda T, x: x(2).new_zeros(2, 3), lambda T, x: x(2).new_zeros(size=(2, 3))]
CASES["Tensor.new_ones"] += [lambda T, x: x(2).new_ones(2, 3), lambda T, x: x(2).new_ones(size=(2, 3))]
CASES["Tensor.new_full"] += [
    lambda T, x: x(2).new_full((2, 3), fill_value=1.5),
    lambda T, x: x.int(2).new_full((2,), 1.5),
    lambda T, x: x.bool(2).new_full((2,), 2),
    lambda T, x: x(2).new_full((2,), True),
    lambda T, x: x(2).new_full((2,), x.tensor(2.0)),
    lambda T, x: x(2).new_full((2,), NAN),
    lambda T, x: x.int(2).new_full((2,), NAN),
]
CASES["Tensor.new_tensor"] = [
    lambda T, x: x(2).new_tensor([1, 2]),
    lambda T, x: x(2).new_tensor([[1.5], [2.5]]),
    lambda T, x: x.int(2).new_tensor([1.7, 2]),
    lambda T, x: x.bool(2).new_tensor([0, 2]),
    lambda T, x: x(2).new_tensor(3),
    lambda T, x: x(2).new_tensor([]),
    lambda T, x: x(2).new_tensor([1, 2], dtype=T.int64),
    lambda T, x: x(2).new_tensor([1, 2], requires_grad=True),
    lambda T, x: x.int(2).new_tensor([1, 2], requires_grad=True),
    lambda T, x: x(2).new_tensor(x.tensor([1, 2])),
    lambda T, x: x(2).new_tensor(x.numpy(3)),
    lambda T, x: x(2).new_tensor("text"),
]
CASES["randint_like"] = [
    lambda T, x: (a := T.randint_like(x(400).detach(), 3), a.shape, a.dtype, T.unique(a))[1:],
    lambda T, x: T.unique(T.randint_like(x(400).detach(), 2, 5)),
    lambda T, x: T.unique(T.randint_like(x.int(400), -2, 1)),
    lambda T, x: T.unique(T.randint_like(x.int(400, low=0, dtype="uint8"), 3)),
    lambda T, x: T.randint_like(x(2, 3), 1),
    lambda T, x: T.randint_like(x(2, 3), 4, 5, dtype=T.int32),
    lambda T, x: T.randint_like(x(2, 3).detach(), low=4, high=5),
    lambda T, x: T.randint_like(x(0, 3), 5),
    lambda T, x: T.randint_like(x(2).detach(), 4, 5, requires_grad=True),
    lambda T, x: T.randint_like(x(2), 5, 5),
    lambda T, x: T.randint_like(x(2), 0),
    lambda T, x: T.randint_like([1.0], 5),
]
CASES["aminmax"] = [
    lambda T, x: T.aminmax(x(3, 4)),
    lambda T, x: T.aminmax(x(3, 4), dim=0),
    lambda T, x: T.aminmax(x(3, 4), dim=-1, keepdim=True),
    lambda T, x: T.aminmax(x(3, 4), keepdim=True),
    lambda T, x: T.aminmax(x()),
    lambda T, x: T.aminmax(x(), dim=0),
    lambda T, x: T.aminmax(x(4, 3).t(), dim=1),
    lambda T, x: T.aminmax(x.values([1.0, 1.0, 2.0, 2.0])),
    lambda T, x: T.aminmax(x.values([[1.0, 1.0], [2.0, 2.0]]), dim=1),
    lambda T, x: T.aminmax(x.tensor([1.0, NAN, INF])),
    lambda T, x: T.aminmax(x.tensor([[1.0, NAN], [INF, -INF]]), dim=0),
    lambda T, x: T.aminmax(x.int(3, 4), dim=1),
    lambda T, x: T.aminmax(x.int(3, 4, low=0, dtype="uint8")),
    lambda T, x: T.aminmax(x.bool(3, 4), dim=1),
    lambda T, x: T.aminmax(x(0)),
    lambda T, x: T.aminmax(x(0, 3), dim=0),
    lambda T, x: T.aminmax(x(0, 3), dim=1),
    lambda T, x: T.aminmax(x(3, 4), dim=2),
    lambda T, x: T.aminmax(x(3, 4), dim=(0, 1)),
]

# ---------------------------------------------------------------------------------------------------------------------
# out= for the functions that programs use it with.

ONE = "abs ceil cos erf exp expm1 floor log log1p log2 neg reciprocal round rsqrt sigmoid sign sin sqrt tan tanh trunc"
TWO = "add atan2 div eq fmod ge gt le lt maximum minimum mul ne pow remainder sub true_divide logical_and logical_or"
OUT_KINDS = {  # the others only take a result of their type
    "sum": KINDS, "prod": KINDS, "cumsum": KINDS[:-1], "cumprod": KINDS[:-1], "amax": ("", "int32"),
    "any": ("bool",), "all": ("bool",), "argmax": ("int64",), "argmin": ("int64",),
    "zeros": ("", "int64"), "ones": ("", "bool"), "full": ("", "float64"), "eye": ("", "uint8"),
    "linspace": ("", "int64", "float64"), "arange": ("", "int64", "float64"), "addcmul": ("", "int64", "float64"),
}  # fmt: skip
OUT_KINDS |= {name: ("",) for name in "abs ceil floor neg round sign trunc".split()}
REDUCED = "sum mean prod amax amin any all argmax argmin cumsum cumprod logsumexp std var norm nansum"


def into(call: Callable[[Any, Any, Any], Any], kind: str = "", shape: tuple[int, ...] = (0,)) -> Case:
    """The result written into a tensor of a type; whether that tensor is what is returned."""

    def case(T: Any, x: Any) -> Any:
        with T.no_grad():
            out = T.zeros(*shape, dtype=getattr(T, kind) if kind else x.dtype)
            return call(T, x, out) is out, out

    return case


for _name in ONE.split():
    CASES.setdefault(_name, []).extend(
        into(lambda T, x, out, n=_name: getattr(T, n)(x.positive(3, 4), out=out), k)
        for k in OUT_KINDS.get(_name, ("", *KINDS))
    )
for _name in TWO.split():
    CASES.setdefault(_name, []).extend([
        *(into(lambda T, x, out, n=_name: getattr(T, n)(x(3, 4), x.positive(4), out=out), k) for k in ("", *KINDS)),
        *(into(lambda T, x, out, n=_name: getattr(T, n)(x.int(3), x.int(3, low=1), out=out), k) for k in KINDS),
        into(lambda T, x, out, n=_name: getattr(T, n)(x(2, 1), x.positive(3), out=out), "", (2, 3)),
    ])  # fmt: skip
for _name in REDUCED.split():
    CASES.setdefault(_name, []).extend(
        into(lambda T, x, out, n=_name: getattr(T, n)(x(3, 4), 1, out=out), k) for k in OUT_KINDS.get(_name, ("",))
    )
for _name, _call in {
    "mm": lambda T, x, out: T.mm(x(2, 3), x(3, 4), out=out),
    "bmm": lambda T, x, out: T.bmm(x(2, 2, 3), x(2, 3, 4), out=out),
    "addmm": lambda T, x, out: T.addmm(x(4), x(2, 3), x(3, 4), beta=0.5, out=out),
    "cat": lambda T, x, out: T.cat([x(2, 3), x(1, 3)], out=out),
    "stack": lambda T, x, out: T.stack([x(2, 3), x(2, 3)], 1, out=out),
    "clamp": lambda T, x, out: T.clamp(x(3), -0.1, 0.5, out=out),
    "where": lambda T, x, out: T.where(x.bool(3), x(3), x(3), out=out),
    "index_select": lambda T, x, out: T.index_select(x(3, 4), 1, x.tensor([0, 2, 2]), out=out),
    "gather": lambda T, x, out: T.gather(x(3, 4), 1, x.tensor([[0], [3], [1]]), out=out),
    "tril": lambda T, x, out: T.tril(x(3, 4), out=out),
    "triu": lambda T, x, out: T.triu(x(3, 4), 1, out=out),
    "diag": lambda T, x, out: T.diag(x(3), out=out),
    "lerp": lambda T, x, out: T.lerp(x(3), x(3), 0.3, out=out),
    "addcmul": lambda T, x, out: T.addcmul(x(3), x(3), x(3), value=0.3, out=out),
    "addcdiv": lambda T, x, out: T.addcdiv(x(3), x(3), x.positive(3), value=0.3, out=out),
    "arange": lambda T, x, out: T.arange(4, out=out),
    "linspace": lambda T, x, out: T.linspace(0, 1, 5, out=out),
    "zeros": lambda T, x, out: T.zeros(2, 3, out=out),
    "ones": lambda T, x, out: T.ones(2, 3, out=out),
    "full": lambda T, x, out: T.full((2, 3), 1.5, out=out),
    "eye": lambda T, x, out: T.eye(3, out=out),
    "outer": lambda T, x, out: T.outer(x(3), x(2), out=out),
    "dot": lambda T, x, out: T.dot(x(3), x(3), out=out),
    "mv": lambda T, x, out: T.mv(x(2, 3), x(3), out=out),
    "normal": lambda T, x, out: T.normal(x.tensor([1.0, 2.0]), x.tensor([0.0, 0.0]), out=out),
    "take_along_dim": lambda T, x, out: T.take_along_dim(x(3, 4), x.tensor([[0], [3], [1]]), 1, out=out),
    "masked_select": lambda T, x, out: T.masked_select(x(3, 4), x.bool(3, 4), out=out),
    "bernoulli": lambda T, x, out: T.bernoulli(x.tensor([0.0, 1.0]), out=out),
}.items():
    CASES.setdefault(_name, []).extend(into(_call, k) for k in OUT_KINDS.get(_name, ("",)))
for _name in ("sort", "topk", "max", "min", "median", "cummax"):
    _args = (2,) if _name == "topk" else (1,)

    def _two(T: Any, x: Any, n: str = _name, a: tuple[int, ...] = _args) -> Any:
        with T.no_grad():
            values, indices = T.zeros(0, dtype=x.dtype), T.zeros(0, dtype=T.int64)
            found = getattr(T, n)(x(3, 4), *a, out=(values, indices))
            return found[0] is values, found.indices is indices, values, indices

    CASES.setdefault(_name, []).append(_two)

INTENDED = {
    "nn.utils.parametrizations.weight_norm": {
        "second gradient of input": "PyTorch's second derivative is wrong; its own gradgradcheck finds so."
    },
    "nn.utils.parameters_to_vector": {"view size is not compatible": "A transposed parameter is taken too."},
}
