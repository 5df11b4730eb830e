"""Cases of Module and of the modules and parameters that hold others."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

Case = Callable[[Any, Any], Any]


def _model(T: Any, x: Any) -> Any:
    class Model(T.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("count", T.zeros(3))
            self.register_buffer("scratch", T.zeros(1), persistent=False)
            self.scale = T.nn.Parameter(T.ones(2))
            self.fc = T.nn.Linear(2, 3)
            self.body = T.nn.Sequential(T.nn.Linear(3, 3), T.nn.ReLU())
            self.late = T.nn.Parameter(T.ones(1))
            self.register_parameter("nothing", None)
            self.register_buffer("no_buffer", None)
            self.tied = self.fc
            self.empty: Any = None

        def forward(self, x: Any, y: Any = 0.0, *, factor: float = 1.0) -> Any:
            return self.body(self.tied(x * self.scale)) * self.late * factor + y

    return x.module(Model())


def _layers(T: Any) -> list[Any]:
    return [T.nn.Linear(2, 3), T.nn.ReLU(), T.nn.Tanh()]


def _names(T: Any, x: Any) -> Any:
    m = _model(T, x)
    kinds = [m.named_parameters, m.named_buffers, m.named_modules, m.named_children]
    return (
        *([name for name, _ in walk()] for walk in kinds),
        [n for n, _ in m.named_parameters("p", recurse=False)],
        [n for n, _ in m.named_parameters(remove_duplicate=False)],
        [n for n, _ in m.named_buffers("b", True, False)],
        [n for n, _ in m.named_modules(prefix="m", remove_duplicate=False)],
        [type(child).__name__ for child in m.modules()],
        list(m.state_dict()),
        list(m.state_dict(prefix="x")),
        m.get_submodule("body.0") is m.body[0],
        m.get_parameter("fc.bias") is m.fc.bias,
        m.get_buffer("scratch") is m.scratch,
    )


def _registration(T: Any, x: Any) -> Any:
    m = _model(T, x)
    m.count = T.ones(3)
    m.scale = None
    del m.late
    m.late = T.nn.Parameter(T.ones(4))
    m.extra = T.nn.Linear(1, 1)
    del m.scratch
    m.scratch = T.nn.Parameter(T.ones(1))
    m.register_buffer("more", T.ones(1))
    m.add_module("none", None)
    m.set_submodule("body.0", T.nn.Linear(3, 3, bias=False))
    return list(m.state_dict()), [n for n, _ in m.named_parameters()], [n for n, _ in m.named_children()], repr(m)


def _refused(change: Callable[[Any, Any], Any]) -> Case:
    return lambda T, x: change(T, _model(T, x))


class _LoadCase:
    """load_state_dict of a changed state; gives the message and the values, or what was raised."""

    def __init__(self, change: Callable[[Any, Any], None], **options: Any) -> None:
        self.change = change
        self.options = options

    def __call__(self, T: Any, x: Any) -> Any:
        m, other = _model(T, x), _model(T, x)
        state = other.state_dict()
        self.change(T, state)
        result = m.load_state_dict(state, **self.options)
        return sorted(result.missing_keys), result.unexpected_keys, *m.state_dict().values()


def _message(T: Any, x: Any) -> Any:
    m = _model(T, x)
    state = m.state_dict()
    del state["fc.bias"], state["scale"]
    state["fc"], state["a.b"], state["body.0.more"] = T.ones(1), T.ones(1), T.ones(1)
    try:
        m.load_state_dict(state)
    except RuntimeError as problem:
        return str(problem)


def _hooked(register: str, hook: Callable[..., Any], **options: Any) -> Case:
    def case(T: Any, x: Any) -> Any:
        m = _model(T, x)
        getattr(m, register)(lambda *args: hook(*args), **options)
        return m(x(4, 2), y=x(4, 3))

    return case


def _order_of_hooks(T: Any, x: Any) -> Any:
    m, seen = _model(T, x), []
    for i, prepend in enumerate([False, False, True]):
        m.register_forward_pre_hook(lambda module, args, i=i: seen.append(f"pre {i}"), prepend=prepend)
        m.register_forward_hook(lambda module, args, out, i=i: seen.append(f"post {i}"), prepend=prepend)
        m.fc.register_full_backward_hook(lambda module, gi, go, i=i: seen.append(f"back {i}"), prepend=prepend)
        m.fc.register_full_backward_pre_hook(lambda module, go, i=i: seen.append(f"back pre {i}"), prepend=prepend)
    m(x(4, 2)).sum().backward()
    return seen


class _Two:
    """A module of two inputs and several outputs, with backward hooks that note what they see."""

    def __init__(self, used: str, change: bool = False, leaf: bool = True) -> None:
        self.used = used
        self.change = change
        self.leaf = leaf

    def __call__(self, T: Any, x: Any) -> Any:
        class Inner(T.nn.Module):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.w = T.nn.Parameter(T.ones(3))

            def forward(self, a: Any, number: int, b: Any) -> Any:
                return a * self.w * number, (a * b).sum(), "text"

        m, seen = x.module(Inner()), []

        def kept(grads: Any) -> list[Any]:
            return [None if g is None else g.tolist() for g in grads]

        def pre(module: Any, grad_output: Any) -> Any:
            seen.append(kept(grad_output))
            if self.change:
                return tuple(None if g is None else g * 2 for g in grad_output)

        def post(module: Any, grad_input: Any, grad_output: Any) -> Any:
            seen.append((kept(grad_input), kept(grad_output)))
            if self.change and self.leaf:
                return tuple(None if g is None else g + 1 for g in grad_input)

        m.register_full_backward_pre_hook(pre)
        m.register_full_backward_hook(post)
        a, b = x.tensor([1.0, 2.0, 3.0]), x.tensor([0.5, -1.0, 4.0])
        if self.leaf:
            a.requires_grad_()
        out = m(a, 3, b)
        loss = {"both": lambda: out[0].sum() + out[1], "first": lambda: out[0].sum(), "second": lambda: out[1]}
        loss[self.used]().backward()
        return seen, None if a.grad is None else a.grad, m.w.grad


def _state_hooks(T: Any, x: Any) -> Any:
    m, seen = _model(T, x), []
    m.fc.register_state_dict_pre_hook(lambda module, prefix, keep_vars: seen.append(("pre", prefix, keep_vars)))
    m.body.register_state_dict_post_hook(lambda module, state, prefix, meta: seen.append((prefix, list(state))))
    m._register_state_dict_hook(lambda module, state, prefix, meta: OrderedDict(list(state.items())[:3]))
    return seen, list(m.state_dict()), seen


def _load_hooks(T: Any, x: Any) -> Any:
    m, seen = _model(T, x), []

    def rename(module: Any, state: Any, prefix: str, meta: Any, strict: bool, *lists: Any) -> None:
        seen.append((prefix, strict, [list(one) for one in lists]))
        if prefix + "old" in state:
            state[prefix + "bias"] = state.pop(prefix + "old")

    def forgive(module: Any, keys: Any) -> None:
        seen.append((type(module).__name__, len(keys.missing_keys)))
        keys.missing_keys.clear()

    m.fc.register_load_state_dict_pre_hook(rename)
    m.register_load_state_dict_post_hook(forgive)
    m.fc.register_load_state_dict_post_hook(lambda module, keys: seen.append((type(module).__name__, len(keys[0]))))
    state = m.state_dict()
    state["fc.old"] = state.pop("fc.bias") + 1
    del state["late"]
    return str(m.load_state_dict(state)), sorted(seen, key=str), m.fc.bias


class _Extra:
    """A module with a state of its own kind."""

    def __call__(self, T: Any, x: Any) -> Any:
        class Extra(T.nn.Linear):  # type: ignore[misc, name-defined]
            number = 3

            def get_extra_state(self) -> Any:
                return {"number": self.number}

            def set_extra_state(self, state: Any) -> None:
                self.number = state["number"]

        a, b = T.nn.Sequential(Extra(2, 2)), T.nn.Sequential(Extra(2, 2))
        a[0].number = 7
        b.load_state_dict(a.state_dict())
        plain = T.nn.Sequential(T.nn.Linear(2, 2)).load_state_dict(a.state_dict(), strict=False)
        missing = b.load_state_dict(T.nn.Sequential(T.nn.Linear(2, 2)).state_dict(), strict=False)
        return b[0].number, list(a.state_dict()), plain.unexpected_keys, missing.missing_keys


def _frozen(T: Any, x: Any) -> Any:
    class Frozen(T.nn.Module):  # type: ignore[misc, name-defined]
        def train(self, mode: bool = True) -> Any:
            return super().train(False)

    m = T.nn.Sequential(Frozen(), T.nn.ReLU()).train()
    return [one.training for one in m.modules()], [one.training for one in m.eval().modules()]


def _assigned(T: Any, x: Any) -> Any:
    m = _model(T, x)
    m.fc.weight.requires_grad_(False)
    state = {name: value.double() for name, value in m.state_dict().items()}
    state["late"] = T.nn.Parameter(T.ones(1))
    m.load_state_dict(state, assign=True)
    return (
        m.late is state["late"],
        str(m.fc.weight.dtype).split(".")[1],
        m.fc.weight.requires_grad,
        m.scale.requires_grad,
        type(m.scale).__name__,
        m.count is state["count"],
    )


def _copied(how: Callable[[Any], Any]) -> Case:
    def case(T: Any, x: Any) -> Any:
        m = x.module(T.nn.Sequential(*_layers(T), T.nn.ModuleDict({"a": T.nn.ReLU()})).eval())
        twin = how(m)
        twin.more = T.nn.Linear(1, 1)
        return list(twin.state_dict()), list(m.state_dict()), twin[1].training, repr(twin), twin[0](x(3, 2))

    return case


def _listed(change: Callable[[Any, Any], Any]) -> Case:
    """A Sequential or ModuleList after a change: what it gives, its names and how it prints."""

    def case(T: Any, x: Any) -> Any:
        found = []
        for make in (lambda *m: T.nn.Sequential(*m), lambda *m: T.nn.ModuleList(m)):
            modules = make(*_layers(T), *_layers(T))
            result = change(T, modules)
            found.append((repr(result), [n for n, _ in modules.named_modules()], repr(modules), len(modules)))
        return found

    return case


def _del(key: Any) -> Callable[[Any, Any], Any]:
    return lambda T, m: m.__delitem__(key)


def _dict_of(kind: str, change: Callable[[Any, Any], Any]) -> Case:
    def case(T: Any, x: Any) -> Any:
        make = (lambda: T.nn.ReLU()) if kind == "ModuleDict" else (lambda: T.nn.Parameter(T.ones(2)))
        held = getattr(T.nn, kind)(OrderedDict([("a", make()), ("b", make())]))
        result = change(held, make)
        return str(result).count("\n"), list(held.keys()), list(held.state_dict()), len(held), "a" in held

    return case


CASES: dict[str, list[Case]] = {
    "nn.Module": [
        _names,
        _registration,
        _order_of_hooks,
        _frozen,
        _message,
        _assigned,
        _state_hooks,
        _load_hooks,
        _Extra(),
        lambda T, x: _model(T, x)(x(4, 2), x(4, 3), factor=2.0),
        lambda T, x: repr(_model(T, x)),
        lambda T, x: repr(T.nn.Sequential(OrderedDict(a=T.nn.Sequential(*_layers(T)), b=T.nn.Identity()))),
        lambda T, x: T.nn.Module()(1),
        _LoadCase(lambda T, s: None),
        _LoadCase(lambda T, s: s.pop("fc.bias"), strict=False),
        _LoadCase(lambda T, s: s.update(more=T.ones(1)), strict=False),
        _LoadCase(lambda T, s: s.update(scale=T.ones(3)), strict=False),
        _LoadCase(lambda T, s: s.update(scale="text")),
        _LoadCase(lambda T, s: s.update(late=T.ones(2)[:1].expand(1))),
        _LoadCase(lambda T, s: s.pop("scale")),
        _LoadCase(lambda T, s: s.update({"scale.x": T.ones(1)}), strict=False),
        *[
            _refused(change)
            for change in (
                lambda T, m: setattr(m, "scale", T.zeros(2)),
                lambda T, m: setattr(m, "scale", 3),
                lambda T, m: setattr(m, "fc", T.zeros(2)),
                lambda T, m: setattr(m, "count", 3),
                lambda T, m: setattr(m, "a.b", T.nn.Parameter(T.ones(1))),
                lambda T, m: m.register_buffer("a.b", T.ones(1)),
                lambda T, m: m.register_buffer("", T.ones(1)),
                lambda T, m: m.register_buffer(3, T.ones(1)),
                lambda T, m: m.register_buffer("scale", T.ones(1)),
                lambda T, m: m.register_buffer("forward", T.ones(1)),
                lambda T, m: m.register_buffer("b", [1]),
                lambda T, m: m.register_parameter("p", T.ones(1)),
                lambda T, m: m.register_parameter("fc", None),
                lambda T, m: m.add_module("m", 3),
                lambda T, m: m.add_module("scale", T.nn.ReLU()),
                lambda T, m: m.get_submodule("body.7"),
                lambda T, m: m.get_submodule("body."),
                lambda T, m: m.get_parameter("body"),
                lambda T, m: m.get_parameter("nothing.x"),
                lambda T, m: m.get_buffer("scale"),
                lambda T, m: m.set_submodule("nosuch.0", T.nn.ReLU()),
                lambda T, m: m.set_submodule("", T.nn.ReLU()),
                lambda T, m: m.nosuch,
                lambda T, m: m.train(1),
                lambda T, m: m.load_state_dict([1]),
                lambda T, m: m.to(T.int64),
                lambda T, m: m(1, 2, 3, 4),
                lambda T, m: m.get_extra_state(),
            )
        ],
        _hooked("register_forward_pre_hook", lambda m, args: (args[0] * 2,)),
        _hooked("register_forward_pre_hook", lambda m, args: args[0] * 2),
        _hooked("register_forward_pre_hook", lambda m, args, kw: (args, {**kw, "factor": 3.0}), with_kwargs=True),
        _hooked("register_forward_pre_hook", lambda m, args, kw: None, with_kwargs=True),
        _hooked("register_forward_pre_hook", lambda m, args, kw: args, with_kwargs=True),
        _hooked("register_forward_hook", lambda m, args, out: out * 2),
        _hooked("register_forward_hook", lambda m, args, kw, out: out * kw["y"], with_kwargs=True),
        _hooked("register_full_backward_hook", lambda m, gi, go: (gi[0] * 2,)),
        _hooked("register_full_backward_hook", lambda m, gi, go: (gi[0] * go[0].sum(),)),
        _hooked("register_full_backward_hook", lambda m, gi, go: gi * 2),
        _hooked("register_full_backward_hook", lambda m, gi, go: None),
        _hooked("register_full_backward_pre_hook", lambda m, go: (go[0] * 2,)),
        _hooked("register_full_backward_pre_hook", lambda m, go: go * 2),
        *[_Two(used, change, leaf) for used in ("both", "first", "second") for change in (0, 1) for leaf in (0, 1)],
        _copied(copy.deepcopy),
        _copied(lambda m: pickle.loads(pickle.dumps(m))),
    ],
    "nn.Sequential": [
        lambda T, x: x.module(T.nn.Sequential(*_layers(T)))(x(4, 2)),
        lambda T, x: x.module(T.nn.Sequential(OrderedDict(a=T.nn.Linear(2, 2), b=T.nn.GELU())))(x(4, 2)),
        lambda T, x: T.nn.Sequential(*_layers(T))(x(4, 2), 3),
        lambda T, x: repr(T.nn.Sequential(*_layers(T)) + T.nn.Sequential(T.nn.ReLU())),
        lambda T, x: repr(T.nn.Sequential(*_layers(T)) * 2),
        lambda T, x: repr(2 * T.nn.Sequential(*_layers(T))),
        lambda T, x: T.nn.Sequential(*_layers(T)) * 0,
        lambda T, x: T.nn.Sequential(*_layers(T)) * 1.5,
        lambda T, x: T.nn.Sequential(*_layers(T)) + [1],
        lambda T, x: T.nn.Sequential(T.relu),
        lambda T, x: T.nn.Sequential(T.nn.ReLU()).insert(5, T.nn.ReLU()),
        lambda T, x: T.nn.Sequential(T.nn.ReLU()).insert(0, 3),
        lambda T, x: list(T.nn.Sequential(OrderedDict(a=T.nn.Linear(2, 2))).append(T.nn.Linear(1, 1)).state_dict()),
        lambda T, x: T.nn.Sequential()(x(2)),
    ],
    "nn.ModuleList": [
        _listed(lambda T, m: m),
        _listed(lambda T, m: m[1:3]),
        _listed(lambda T, m: m[::-2]),
        _listed(lambda T, m: m[-1]),
        _listed(lambda T, m: m.append(T.nn.Identity())),
        _listed(lambda T, m: m.extend([T.nn.Identity(), T.nn.ReLU()])),
        _listed(lambda T, m: m.insert(1, T.nn.Identity()) and None),
        lambda T, x: repr(T.nn.Sequential(*_layers(T)).insert(-1, T.nn.Identity())),
        _listed(lambda T, m: m.pop(1)),
        _listed(lambda T, m: m.pop(-1)),
        _listed(lambda T, m: m.__setitem__(-1, T.nn.Identity())),
        _listed(lambda T, m: m.__iadd__(type(m)())),
        *[_listed(_del(key)) for key in (0, -1, slice(1, 4), slice(None, None, 2))],
        *[_listed(lambda T, m, key=key: m[key]) for key in (6, -7)],
        _listed(lambda T, m: m.append(3)),
        _listed(lambda T, m: m.extend(T.nn.ReLU())),
        lambda T, x: repr(T.nn.ModuleList()),
        lambda T, x: repr(T.nn.ModuleList([T.nn.Sequential(T.nn.ReLU())] * 2 + [None])),
        lambda T, x: repr(T.nn.ModuleList([T.nn.ReLU()]) + T.nn.ModuleList([T.nn.Tanh()])),
        lambda T, x: T.nn.ModuleList([T.nn.ReLU()])(x(2)),
    ],
    "nn.ModuleDict": [
        _dict_of("ModuleDict", lambda held, make: repr(held)),
        _dict_of("ModuleDict", lambda held, make: held["b"]),
        _dict_of("ModuleDict", lambda held, make: held["c"]),
        _dict_of("ModuleDict", lambda held, make: held.__setitem__("c", make())),
        _dict_of("ModuleDict", lambda held, make: held.__setitem__("a", make())),
        _dict_of("ModuleDict", lambda held, make: held.__setitem__("keys", make())),
        _dict_of("ModuleDict", lambda held, make: held.__setitem__("c", 3)),
        _dict_of("ModuleDict", lambda held, make: held.__delitem__("a")),
        _dict_of("ModuleDict", lambda held, make: held.__delitem__("c")),
        _dict_of("ModuleDict", lambda held, make: held.pop("a")),
        _dict_of("ModuleDict", lambda held, make: held.clear()),
        _dict_of("ModuleDict", lambda held, make: held.update([("c", make()), ["d", make()]])),
        _dict_of("ModuleDict", lambda held, make: held.update({"d": make(), "c": make()})),
        _dict_of("ModuleDict", lambda held, make: held.update([("c",)])),
        _dict_of("ModuleDict", lambda held, make: held.update([1])),
        _dict_of("ModuleDict", lambda held, make: held.update(1)),
        lambda T, x: repr(T.nn.ModuleDict()),
    ],
    "nn.ParameterList": [
        lambda T, x: repr(T.nn.ParameterList([T.ones(2), "text", T.ones(2, 3)])).replace(T.__name__, ""),
        lambda T, x: [n for n, _ in T.nn.ParameterList([T.ones(2), 3, T.ones(1)]).named_parameters()],
        lambda T, x: list(T.nn.ParameterList([T.ones(2), 3]).append(T.ones(1)).extend([T.ones(3)]).state_dict()),
        lambda T, x: [type(p).__name__ for p in T.nn.ParameterList([T.ones(2), 3, T.nn.Parameter(T.ones(1))])],
        lambda T, x: len(T.nn.ParameterList([T.ones(2), 3, T.ones(1)])[::2]),
        lambda T, x: tuple(T.nn.ParameterList([T.ones(2), T.ones(3)])[-1].shape),
        lambda T, x: T.nn.ParameterList([T.ones(2), T.ones(3)])[2],
        lambda T, x: T.nn.ParameterList([T.ones(2)]).extend(T.nn.Parameter(T.ones(3))),
        lambda T, x: T.nn.ParameterList([T.ones(2)])(1),
        _copied(lambda m: copy.deepcopy(m)),
    ],
    "nn.ParameterDict": [
        _dict_of("ParameterDict", lambda held, make: repr(held)),
        _dict_of("ParameterDict", lambda held, make: held["b"] is held.b),
        _dict_of("ParameterDict", lambda held, make: held["c"]),
        _dict_of("ParameterDict", lambda held, make: held[1]),
        _dict_of("ParameterDict", lambda held, make: held.__setitem__("c", make().detach())),
        _dict_of("ParameterDict", lambda held, make: held.__setitem__("c", 3)),
        _dict_of("ParameterDict", lambda held, make: held.__setitem__("keys", make())),
        _dict_of("ParameterDict", lambda held, make: held.__delitem__("a")),
        _dict_of("ParameterDict", lambda held, make: held.__delitem__("c")),
        _dict_of("ParameterDict", lambda held, make: held.pop("a") is None),
        _dict_of("ParameterDict", lambda held, make: held.popitem()[0]),
        _dict_of("ParameterDict", lambda held, make: held.clear()),
        _dict_of("ParameterDict", lambda held, make: held.get("c", 4)),
        _dict_of("ParameterDict", lambda held, make: held.setdefault("c", 4)),
        _dict_of("ParameterDict", lambda held, make: list(reversed(held))),
        _dict_of("ParameterDict", lambda held, make: list((held | {"c": make()}).keys())),
        _dict_of("ParameterDict", lambda held, make: list(({"c": make()} | held).keys())),
        _dict_of("ParameterDict", lambda held, make: held.__ior__({"c": make()}).b is held.b),
        _dict_of("ParameterDict", lambda held, make: list(held.copy().items())[0][1] is held.a),
        _dict_of("ParameterDict", lambda held, make: list(held.fromkeys(["p", "q"], 3).values())),
        _dict_of("ParameterDict", lambda held, make: held.update([("c",)])),
        _dict_of("ParameterDict", lambda held, make: held.update(1)),
    ],
    "nn.Unflatten": [
        lambda T, x: T.nn.Unflatten(1, (2, 3))(x(4, 6)),
        lambda T, x: T.nn.Unflatten(-1, (2, -1))(x(4, 6)),
        lambda T, x: T.nn.Unflatten(0, (2, 2, 1))(x(4, 6)),
        lambda T, x: T.nn.Unflatten(1, (4, 3))(x(4, 6)),
        lambda T, x: T.nn.Unflatten(2, (4, 3))(x(4, 6)),
        lambda T, x: T.nn.Unflatten(1, (4, "a")),
        lambda T, x: repr(T.nn.Unflatten(1, (2, 3))),
    ],
    "nn.Flatten": [
        lambda T, x: T.nn.Flatten()(x(2, 3, 4)),
        lambda T, x: T.nn.Flatten(0, -2)(x(2, 3, 4)),
        lambda T, x: repr(T.nn.Flatten()),
    ],
    "nn.Identity": [
        lambda T, x: T.nn.Identity(3, a=2)(x(2, 3)),
        lambda T, x: repr(T.nn.Identity(3)),
    ],
}
