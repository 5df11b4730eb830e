"""Compiled steps beside eager ones: the same bits, whatever changes in between; and what has to run eagerly."""

import inspect
import warnings
from pathlib import Path

import numpy as np
import pytest

import lucid
from lucid import compile, nn
from lucid.engine import ffi, lib
from tests.compiler.models import MODELS, batches

pytestmark = pytest.mark.filterwarnings("error::UserWarning")


def both(name):
    """An eager and a compiled step with equal parameters, and what each changes."""
    kind, make = MODELS[name]
    lucid.manual_seed(0)
    eager, ours = make()
    lucid.manual_seed(0)
    step, theirs = make()
    return kind, eager, ours, compile(step), theirs


def equal(a, b):
    return np.array_equal(a.detach().numpy(), b.detach().numpy(), equal_nan=True)


def assert_equal_after(eager, ours, compiled, theirs, data, steps=8):
    for number in range(steps):
        batch = data[number % len(data)]
        lucid.manual_seed(number // 3)
        a = eager(*batch)
        lucid.manual_seed(number // 3)
        b = compiled(*batch)
        assert equal(a, b), f"step {number}: {a.item()} and {b.item()}"
    for p, q in zip(ours, theirs, strict=True):
        assert equal(p, q)
        assert (p.grad is None) == (q.grad is None)
        assert p.grad is None or equal(p.grad, q.grad)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", MODELS)
def test_the_same_bits_as_eager(name, threads):
    before = lucid.get_num_threads()
    lucid.set_num_threads(threads)
    try:
        kind, eager, ours, compiled, theirs = both(name)
        assert_equal_after(eager, ours, compiled, theirs, batches(kind))
    finally:
        lucid.set_num_threads(before)
    assert compiled.replays >= 5 and compiled.recordings <= 3


def test_options_of_the_optimizer_may_change():
    _, eager, ours, compiled, theirs = both("mlp")
    optimizers = [inspect.getclosurevars(step).nonlocals["optimizer"] for step in (eager, compiled.function)]
    data = batches("rows")
    for rate in (1e-2, 1e-3, 0.5):
        for optimizer in optimizers:
            optimizer.param_groups[0]["lr"] = rate
        assert_equal_after(eager, ours, compiled, theirs, data, 3)
    assert compiled.recordings <= 2


def test_eager_and_compiled_steps_in_turn():
    _, eager, ours, compiled, theirs = both("batch norm")
    data = batches("rows")
    for number in range(9):
        a = eager(*data[number % 3])
        b = (compiled if number % 3 else compiled.function)(*data[number % 3])
        assert equal(a, b)
    for p, q in zip(ours, theirs, strict=True):
        assert equal(p, q)
    assert compiled.replays >= 3


def test_other_shapes_and_modes_are_recorded_once_each():
    lucid.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.BatchNorm1d(8), nn.Linear(8, 2))
    compiled = compile(lambda x: model(x).detach())
    x, y = lucid.randn(6, 4), lucid.randn(3, 4)
    with lucid.no_grad():
        for _ in range(3):
            for training in (True, False):
                model.train(training)
                for batch in (x, y):
                    lucid.manual_seed(1)
                    before = [b.clone() for b in model.buffers()]
                    a = model(batch)
                    for b, old in zip(model.buffers(), before, strict=True):
                        b.copy_(old)
                    lucid.manual_seed(1)
                    assert equal(a, compiled(batch))
    assert compiled.recordings <= 6 and compiled.replays >= 6


def test_results_are_new_tensors():
    compiled = compile(lambda x: (x * 2, {"y": x + 1}))
    x, y = lucid.ones(3), lucid.zeros(3)
    compiled(x)
    a, rest = compiled(x)
    b, _ = compiled(y)
    assert a.tolist() == [2, 2, 2] and rest["y"].tolist() == [2, 2, 2] and b.tolist() == [0, 0, 0]


def test_a_gradient_that_is_kept_stays_as_it_was():
    _, _, _, compiled, theirs = both("mlp")
    data = batches("rows")
    for batch in data:
        compiled(*batch)
    kept = [p.grad for p in theirs]
    numbers = [g.clone() for g in kept]
    compiled(*data[0])
    assert all(equal(g, n) for g, n in zip(kept, numbers, strict=True))
    assert not any(equal(p.grad, n) for p, n in zip(theirs, numbers, strict=True))
    assert compiled.replays >= 2


def test_frozen_and_replaced_parameters_are_noticed():
    lucid.manual_seed(0)
    models = [nn.Linear(3, 3), nn.Linear(3, 3)]
    models[1].load_state_dict(models[0].state_dict())

    def step_of(model):
        def step(x):
            model.zero_grad()
            loss = (model(x) ** 2).sum()
            loss.backward()
            return loss

        return step

    eager, compiled = step_of(models[0]), compile(step_of(models[1]))
    x = lucid.randn(2, 3)
    changes = [
        lambda m: None,
        lambda m: m.bias.requires_grad_(False),
        lambda m: setattr(m, "weight", nn.Parameter(lucid.ones(3, 3))),
        lambda m: setattr(m.weight, "data", lucid.full((3, 3), 2.0)),
        lambda m: m.weight.mul_(0.5) if not m.weight.requires_grad else m.weight.detach().mul_(0.5),
    ]
    for change in changes:
        for model in models:
            change(model)
        for _ in range(3):
            assert equal(eager(x), compiled(x))
            for p, q in zip(models[0].parameters(), models[1].parameters(), strict=True):
                assert (p.grad is None) == (q.grad is None)
                assert p.grad is None or equal(p.grad, q.grad)


def test_tensors_known_by_other_names_are_noticed():
    class Holder:
        x = lucid.ones(2)

    holder = Holder()
    compiled = compile(lambda: holder.x * 3)
    for value in range(5):
        holder.x = lucid.full((2,), float(value))
        assert compiled().tolist() == [3.0 * value] * 2


def test_numbers_and_texts_are_part_of_the_signature():
    compiled = compile(lambda x, factor, name="a": x * factor if name == "a" else x + factor)
    x = lucid.ones(2)
    for _ in range(2):
        assert compiled(x, 2).tolist() == [2, 2]
        assert compiled(x, 3.0).tolist() == [3, 3]
        assert compiled(x, 3.0, name="b").tolist() == [4, 4]
    assert compiled.recordings == 3 and compiled.replays == 3


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: x * x.sum().item(), "item"),
        (lambda x: lucid.tensor(x.numpy() * 2), "view"),
        (lambda x: x if x.sum() > 0 else -x, "item"),
        (lambda x: x.median(0).values, "isnan"),
        (lambda x: x[x > 0], "nonzero"),
        (lambda x: lucid.tensor([float(v) for v in x[0]]), "item"),
    ],
)
def test_what_cannot_be_replayed_runs_eagerly(function, reason):
    compiled = compile(function)
    a, b = lucid.tensor([[1.0, -2.0], [3.0, 5.0]]), lucid.tensor([[-1.0, -2.0], [-3.0, 0.5]])
    with pytest.warns(UserWarning, match=rf"(?s)runs eagerly: .*{reason}.*test_compile.py, line"):
        compiled(a)
    for x in (a, b, a):
        assert equal(compiled(x), function(x))
    assert compiled.replays == 0
    with pytest.raises(RuntimeError, match="fullgraph"):
        compile(function, fullgraph=True)(a)


def test_a_tensor_that_is_kept_elsewhere():
    kept = []

    def step(x):
        kept.append(x * 2)
        return x + 1

    compiled = compile(step)
    with pytest.warns(UserWarning, match="kept"):
        compiled(lucid.ones(2))
    compiled(lucid.zeros(2))
    assert [x.tolist() for x in kept] == [[2, 2], [0, 0]]


def test_numbers_of_python_that_are_changed():
    def inside(x):
        total = lucid.tensor([1.0, 2.0])
        total += x
        return total * 2

    compiled = compile(inside)
    for value in range(4):
        x = lucid.full((2,), float(value))
        assert equal(compiled(x), inside(x))
    assert compiled.replays == 3

    def returned(x):
        total = lucid.tensor([1.0, 2.0])
        total += x
        return total

    compiled = compile(returned)
    with pytest.warns(UserWarning, match="Python's numbers"):
        first = compiled(lucid.ones(2))
    second = compiled(lucid.zeros(2))
    assert first.tolist() == [2, 3] and second.tolist() == [1, 2]


def test_a_generator_lives_as_long_as_the_program():
    def make():
        generator = lucid.Generator().manual_seed(3)
        return compile(lambda: lucid.rand(4, generator=generator))

    compiled, other = make(), lucid.Generator().manual_seed(3)
    for _ in range(4):
        assert equal(compiled(), lucid.rand(4, generator=other))
    assert compiled.replays == 3


def test_an_array_is_no_argument():
    compiled = compile(lambda x: lucid.from_numpy(x) * 2)
    with pytest.warns(UserWarning, match="NumPy array"):
        compiled(np.ones(2, np.float32))
    assert compiled(np.zeros(2, np.float32)).tolist() == [0, 0]


def test_an_index_out_of_range_is_told():
    table = lucid.randn(5, 2)
    compiled = compile(lambda i: lucid.nn.functional.embedding(i, table))
    compiled(lucid.tensor([0, 4]))
    assert compiled(lucid.tensor([1, 2])).shape == (2, 2)
    with pytest.raises(IndexError, match="position 1"):
        compiled(lucid.tensor([1, 5]))
    assert equal(compiled(lucid.tensor([3, 3])), table[lucid.tensor([3, 3])])


def test_errors_come_through_and_leave_nothing_behind():
    compiled = compile(lambda x: x.reshape(5) * 2)
    for _ in range(2):
        with pytest.raises(ValueError, match="reshape"):
            compiled(lucid.ones(4))
    assert compiled(lucid.ones(5)).shape == (5,)
    x = lucid.ones(3)
    assert type(x.array) is np.ndarray and lucid.engine.recording is None


def test_a_finite_gradient_is_asked_for():
    p = nn.Parameter(lucid.ones(2))
    optimizer = lucid.optim.SGD([p], lr=0.1, error_if_nonfinite=True)

    def step(x):
        optimizer.zero_grad()
        (p * x).sum().backward()
        optimizer.step()

    compiled = compile(step)
    for _ in range(3):
        compiled(lucid.ones(2))
    before = p.detach().clone()
    with pytest.raises(RuntimeError, match="NaN or infinity"):
        compiled(lucid.tensor([1.0, float("inf")]))
    assert equal(p, before)
    compiled(lucid.ones(2))
    assert not equal(p, before)


def test_schedules_inside_are_refused_and_outside_work():
    def make(inside):
        lucid.manual_seed(0)
        model = nn.Linear(2, 1)
        optimizer = lucid.optim.SGD(model.parameters(), lr=1.0)
        schedule = lucid.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)

        def step(x):
            optimizer.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            optimizer.step()
            if inside:
                schedule.step()
            return loss

        return step, schedule

    x = lucid.randn(4, 2)
    eager, schedule = make(False)
    compiled, other = make(False)
    compiled = compile(compiled)
    for _ in range(6):
        assert equal(eager(x), compiled(x))
        schedule.step()
        other.step()
    assert compiled.replays >= 4
    inside = compile(make(True)[0])
    with pytest.warns(UserWarning, match="schedule"):
        inside(x)


def test_compiled_inside_compiled_and_as_decorator():
    @lucid.compile
    def inner(x):
        return x * 2

    @lucid.compile(fullgraph=True)
    def outer(x):
        return inner(x) + 1

    for _ in range(3):
        assert outer(lucid.ones(2)).tolist() == [3, 3]
    assert inner.replays == 0 and outer.replays == 2 and outer.__name__ == "outer"


def test_intermediates_share_their_memory():
    def chain(x):
        for _ in range(20):
            x = (x * 1.5).tanh()
        return x

    compiled = compile(chain)
    x = lucid.randn(1000)
    a = compiled(x)
    assert equal(a, compiled(x)) and compiled.replays == 1
    assert compiled.programs()[0].arena_bytes <= 3 * 4032


def test_no_warning_where_all_is_well():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled = compile(lambda x, y: (x @ y).relu().sum())
        for _ in range(3):
            compiled(lucid.ones(2, 2), lucid.ones(2, 2))
    assert compiled.replays == 2


def test_a_module_is_replayed_without_gradients_and_stays_a_module():
    lucid.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    compiled = compile(model)
    x = lucid.randn(5, 3)
    with lucid.no_grad():
        for _ in range(3):
            assert equal(compiled(x), model(x))
    assert compiled.replayed.replays >= 1
    compiled(x).sum().backward()
    assert model[0].weight.grad is not None and len(list(compiled.parameters())) == 4
    assert list(compiled.state_dict())[0] == "_orig_mod.0.weight" and compiled._orig_mod is model
    compiled.eval()
    assert not model.training
    with lucid.no_grad():
        assert equal(compiled(x), model(x))


def test_options():
    def double(x):
        return 2 * x

    assert compile(double, disable=True) is double
    assert compile(backend="inductor", mode="max-autotune")(double)(lucid.ones(1)).item() == 2
    for options in ({"speed": 9}, {"dynamic": True}):
        with pytest.raises(TypeError, match="compile"):
            compile(double, **options)
    with pytest.raises(TypeError, match="function or a Module"):
        compile(3)


def test_every_kernel_can_be_recorded():
    """What programs hold is made by the build from the header, for every function that takes tensors."""
    signatures = [name for name in dir(lib) if name.endswith(("_f32", "_f64"))]
    found = set()
    for name in signatures:
        function = ffi.typeof(ffi.addressof(lib, name))
        letters = ffi.string(lib.recordable_parameters(name.encode())).decode()
        assert len(letters) == len(function.args), name
        for letter, argument in zip(letters, function.args, strict=True):
            kind = argument.kind
            if kind == "primitive":
                assert letter == ("d" if argument.cname == "double" else "n"), (name, argument)
            elif "(*)" in argument.cname:
                assert letter == "k", (name, argument)
            elif argument.item.kind == "struct":
                assert letter in "oc", (name, argument)
            elif argument.item.kind == "pointer":
                assert letter in "RW", (name, argument)
            else:
                assert letter in "rwl", (name, argument)
        found.add(name)
    assert len(found) > 300


def test_the_program_of_the_page():
    text = (Path(__file__).resolve().parents[2] / "docs" / "compile.md").read_text(encoding="utf-8")
    names = {}
    exec(text.split("```python\n")[1].split("```")[0], names)  # noqa: S102
    assert names["step"].replays >= 97
