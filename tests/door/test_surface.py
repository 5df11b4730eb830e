"""Every public function and method with arguments drawn by the names of its parameters: a result or a refusal."""

from __future__ import annotations

import inspect
import types

import hypothesis.strategies as st
import pytest

import lucid
from lucid import engine
from lucid.nn import functional as F
from tests.door.drawing import KINDS, attempt, back, door, draw, odd, parameters_of, tensor

# Settings, files, memory; hooks that take functions.
NOT_OPERATIONS = {
    "load", "save", "set_default_dtype", "set_num_threads", "set_rng_state", "get_rng_state", "manual_seed", "seed",
    "initial_seed", "takes_out", "takes_numpy_names", "set_default_tensor_type", "set_default_device",
    "set_printoptions", "set_float32_matmul_precision", "use_deterministic_algorithms", "compile",
    "is_grad_enabled", "get_default_dtype", "get_num_threads", "set_grad_enabled",
    "inplace_form", "describe", "register_hook", "data_ptr", "numpy", "tolist", "from_numpy",
}  # fmt: skip


def functions_of(room):
    """The public functions of a module or class, by name."""
    found = {}
    borrowed = {"add", "bernoulli", "copy_", "full", "gather_rows", "mul", "ones", "permute", "reshape", "sum"}
    for name in dir(room):
        one = getattr(room, name)
        if name.startswith("_") or name in NOT_OPERATIONS or isinstance(one, (type, types.ModuleType)):
            continue
        if room is F and name in borrowed:  # for its own use
            continue
        if callable(one) and hasattr(one, "__name__"):
            found[name] = one
    return found


ROOMS = {"lucid": lucid, "functional": F, "linalg": lucid.linalg, "Tensor": lucid.Tensor}
FUNCTIONS = {f"{room}.{name}": one for room, where in ROOMS.items() for name, one in functions_of(where).items()}

# What each parameter may be, by its name: a function of (data, shape, kind).
SIZES = st.integers(0, 4)


def _shape(data, shape):
    """A shape like ``shape``: itself, one that broadcasts, a part of it, or another."""
    how = data.draw(st.integers(0, 9))
    if how < 6:
        return shape
    if how == 6:
        return tuple(draw(data, n, 1) for n in shape)
    if how == 7:
        return shape[data.draw(st.integers(0, len(shape))) :]
    if how == 8:
        return tuple(reversed(shape))
    return tuple(data.draw(st.lists(SIZES, max_size=4)))


def _kind(data, kind):
    return kind if data.draw(st.integers(0, 5)) else draw(data, *KINDS)


def _tensor(data, shape, kind):
    return tensor(data, _shape(data, shape), _kind(data, kind))


def _index(data, shape, kind):
    return tensor(data, _shape(data, shape), draw(data, engine.int64, engine.int64, engine.int32))


def _number(data, shape, kind):
    return draw(data, 1, 0, 2, 0.5, -1, 1.5, 3, -2.5, True)


def _dim(data, shape, kind):
    return data.draw(st.integers(-len(shape) - 1, len(shape)))


def _dims(data, shape, kind):
    return draw(data, _dim(data, shape, kind), tuple(data.draw(st.lists(st.integers(-3, 3), max_size=4))), None)


def _small(data, shape, kind):
    return draw(data, 1, 2, 3, 0, -1, (1, 2), (2, 1), [2], (1, 1, 1))


def _sizes(data, shape, kind):
    return draw(data, shape, tuple(_shape(data, shape)), (-1,), (2, -1), list(shape), 2)


def _flag(data, shape, kind):
    return draw(data, False, True)


def _tensors(data, shape, kind):
    return [_tensor(data, shape, kind) for _ in range(data.draw(st.integers(0, 3)))]


def _choice(*names):
    return lambda data, shape, kind: draw(data, *names)


def _mask(data, shape, kind):
    return tensor(data, _shape(data, shape), _kind(data, engine.bool_))


BY_NAME = {
    **dict.fromkeys(["dim", "dim0", "dim1", "dim2", "start_dim", "end_dim", "axis", "dimension"], _dim),
    **dict.fromkeys(["source", "destination"], _dim),
    **dict.fromkeys(["dims", "axes", "shifts"], _dims),
    **dict.fromkeys(["index", "indices", "sorter", "target"], _index),
    **dict.fromkeys(["mask", "condition", "attn_mask"], _mask),
    **dict.fromkeys(["size", "shape", "sizes", "normalized_shape"], _sizes),
    **dict.fromkeys(["tensors", "matrices", "operands"], _tensors),
    **dict.fromkeys(
        ["kernel_size", "stride", "padding", "dilation", "output_size", "output_padding", "pad", "groups", "num_groups",
         "n", "m", "k", "chunks", "split_size_or_sections", "indices_or_sections", "split_sizes", "sections", "length",
         "start", "end", "steps", "step", "repeats", "upscale_factor", "downscale_factor", "bins", "decimals",
         "num_samples", "num_classes", "offset", "diagonal", "scale_factor", "row", "col", "d", "low", "high", "ord"],
        _small,
    ),
    "reduction": _choice("mean", "sum", "none", "all"),
    "mode": _choice("nearest", "bilinear", "constant", "reflect", "replicate", "circular", "area", "reduced"),
    "rounding_mode": _choice(None, "floor", "trunc", "ceil"),
    "reduce": _choice(None, "add", "multiply", "mean"),
    "indexing": _choice("ij", "xy", "yx"),
    "dtype": lambda data, shape, kind: draw(data, None, *KINDS, "float32", lucid.float16, int, float, bool),
    "device": _choice(None, "cpu", "cuda"),
    "approximate": _choice("none", "tanh", "erf"),
    "generator": _choice(None),
    "hook": _choice(None),
    "out": lambda data, shape, kind: _tensor(data, shape, kind),
    "equation": _choice("ij,jk->ik", "ii", "...i,...i->...", "ij->ji", "i,i", "i", "->", "ij", "iij,", "i->ii"),
}  # fmt: skip
ALLOCATES = {
    "size", "sizes", "shape", "padding", "pad", "output_size", "scale_factor", "repeats", "n", "m", "steps", "end",
    "num_classes", "start", "output_padding", "row", "col", "offset", "diagonal", "bins", "num_samples", "k", "dims",
    "length", "args", "minlength", "stride", "dilation", "chunks", "indices_or_sections", "split_size_or_sections",
    "sections",
}  # fmt: skip
TENSORS = {"input", "other", "self", "A", "B"}


def argument(data, parameter, shape, kind):
    """A value for a parameter, mostly one of its sort."""
    name = parameter.name
    if data.draw(st.integers(0, 15)) == 0:
        return odd(data, sizes=name in ALLOCATES)
    if name in BY_NAME:
        return BY_NAME[name](data, shape, kind)
    said = str(parameter.annotation)
    if name in TENSORS or "Tensor" in said:
        return _tensor(data, shape, kind)
    if "Operand" in said or "Any" in said:
        return draw(data, _tensor, _number)(data, shape, kind)
    if "bool" in said:
        return _flag(data, shape, kind)
    return _number(data, shape, kind)


def arguments(data, function, shape, kind):
    """Arguments for a function: all that it needs, and some that it does not."""
    args, options = [], {}
    for p in parameters_of(function):
        if p.kind is p.VAR_POSITIONAL:
            if p.name == "operands":
                args.append(BY_NAME["equation"](data, shape, kind))
            args += [argument(data, p.replace(name=p.name), shape, kind) for _ in range(data.draw(st.integers(0, 3)))]
        elif p.kind is p.KEYWORD_ONLY:
            if (
                p.name != "out"
                and data.draw(st.integers(0, 2)) == 0
                or p.name == "out"
                and data.draw(st.integers(0, 7)) == 0
            ):
                options[p.name] = argument(data, p, shape, kind)
        elif p.default is p.empty:
            args.append(argument(data, p, shape, kind))
        elif len(options) == 0 and data.draw(st.integers(0, 3)):
            args.append(argument(data, p, shape, kind))
        elif data.draw(st.booleans()):
            options[p.name] = argument(data, p, shape, kind)
            break
    return args, options


def check(data, name):
    function = FUNCTIONS[name]
    kind = draw(data, engine.float32, engine.float32, *KINDS)
    shape = tuple(data.draw(st.lists(SIZES, max_size=4)))
    args, options = arguments(data, function, shape, kind)
    if name.startswith("Tensor."):
        args[0] = tensor(data, shape, kind)
    own = name.rpartition(".")[2]
    in_place = (
        own.endswith("_") or own in ("backward", "retain_grad") or "inplace" in inspect.signature(function).parameters
    )
    changes = [*(args[:1] if in_place else ()), *([options["out"]] if "out" in options else ())]
    others = [a for a in [*args, *options.values()] if not any(a is c for c in changes)]
    result = attempt(None, lambda: function(*args, **options), *others, changes=changes, memory=True)
    if not in_place:
        back(data, result, *args, *options.values())


@pytest.mark.parametrize("room", ROOMS)
def test_functions(room):
    """Some calls of each; see the slow test for many."""
    names = [name for name in FUNCTIONS if name.startswith(room + ".")]

    @door(2 * len(names))
    def calls(data):
        check(data, draw(data, *names))

    calls()


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_many_calls(name):
    @door(200)
    def calls(data):
        check(data, name)

    calls()


def test_every_function_has_a_signature():
    assert len(FUNCTIONS) > 700
    for function in FUNCTIONS.values():
        inspect.signature(function)
