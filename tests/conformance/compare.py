"""Runs a case in two frameworks and says where they first differ.

Two float results a (lucid) and b (PyTorch) agree when |a − b| ≤ 32 ε (1 + |b|), with ε the distance from 1 to
the next number of the coarsest type on the way: 1.2·10⁻⁷ for float32, 2.2·10⁻¹⁶ for float64. The inputs are of
order 1, so that 1 + |b| is the order of the numbers met on the way, and 32 leaves room for another order of
summation in sums of some hundred numbers. Second gradients are compared for float64 where PyTorch has them; as sums of
larger numbers that cancel they may differ by 1024 ε (1 + |b|). A NaN must meet a NaN and an infinity the same infinity.
All else (shapes, number types, integers, bools, texts) must be equal. What raises in PyTorch has to raise here, an
error that is caught as PyTorch's is.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from inputs import Inputs

ULPS = 32
SECOND_ULPS = 1024
DTYPES = ("float32", "float64")
# What a user's mistake may raise. Anything else is a mistake of the framework.
ERRORS = (ValueError, TypeError, RuntimeError, IndexError, KeyError, ArithmeticError, NotImplementedError)

Case = Callable[[Any, Inputs], Any]
_NOTHING = object()


class Differs(Exception):
    """The two frameworks differ; the message says where."""


class Failed:
    """What a run gave that raised: the error, and the results when only the gradients failed."""

    def __init__(self, error: Exception, results: Any) -> None:
        self.error = error
        self.results = results
        self.in_gradients = results is not _NOTHING

    def __str__(self) -> str:
        text = str(self.error).strip().split("\n")[0]
        return f"{type(self.error).__name__}: {text[:160]}" + (" (in the gradients)" if self.in_gradients else "")


class Run(NamedTuple):
    """What one framework gave for one case: results, states of modules, gradients, and their gradients.

    ``second`` is None where nothing can be said, and an error where the gradients could not be differentiated.
    """

    results: Any
    states: list[Any]
    gradients: list[Any]
    second: list[Any] | Exception | None


def run(framework: Any, case: Case, dtype: str, key: str) -> Run | Failed:
    """The case in one framework."""
    results: Any = _NOTHING
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            x = Inputs(framework, dtype, key)
            results = case(framework, x)
            gradients = _gradients(framework, results, x.learned, key)
            second = _second(framework, results, x.learned, key) if dtype == "float64" and gradients else None
            return Run(results, x.states, gradients, second)
    except Exception as error:  # whatever it is, it is what is compared
        return Failed(error, results)


def _tensors(value: Any, tensor_class: type) -> list[Any]:
    """The tensors among results."""
    if isinstance(value, tensor_class):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    return [t for part in value for t in _tensors(part, tensor_class)] if isinstance(value, (list, tuple)) else []


def _gradients(framework: Any, results: Any, learned: list[Any], key: str, create_graph: bool = False) -> list[Any]:
    """The gradients of a fixed random weighting of the tensors among the results."""
    outputs, start = [], []
    for number, t in enumerate(_tensors(results, framework.Tensor)):
        if t.requires_grad:
            weights = Inputs(framework, "float64", f"{key} weights{number or ''}")
            outputs.append(t)
            start.append(framework.tensor(weights.numpy(*t.shape).astype(str(t.dtype).split(".")[-1])))
    if not outputs or not learned:
        return []
    options = {"retain_graph": True, "create_graph": create_graph, "allow_unused": True}
    return list(framework.autograd.grad(outputs, learned, start, **options))


def _second(framework: Any, results: Any, learned: list[Any], key: str) -> list[Any] | Exception:
    """The gradients of a fixed random weighting of the gradients; zeros where an input has none."""
    try:
        first = _gradients(framework, results, learned, key, create_graph=True)
        first = [framework.zeros_like(t) if g is None else g for t, g in zip(learned, first, strict=True)]
        found = _gradients(framework, first, learned, key + " second") or [None] * len(learned)
    except Exception as error:  # PyTorch cannot differentiate everything twice; what it can is compared
        return error
    return [framework.zeros_like(t) if g is None else g for t, g in zip(learned, found, strict=True)]


def difference(ours: Any, theirs: Any, case: Case, dtype: str, key: str) -> str | None:
    """Where ``ours`` differs from ``theirs`` in a case; None when they agree."""
    a, b = run(ours, case, dtype, key), run(theirs, case, dtype, key)
    if isinstance(b, Failed):
        if _is_broken(b.error):
            return f"the case itself is wrong: {b}"
        if b.in_gradients and not (isinstance(a, Failed) and not a.in_gradients):
            found = _where(lambda: _compare("result", a.results, b.results, ours, theirs, dtype))
            if found:
                return found
        if not isinstance(a, Failed) or (a.in_gradients and not b.in_gradients):
            return f"no error, but PyTorch raises {b}"
        return None if isinstance(a.error, _as_caught(b.error)) else f"raises {a}; PyTorch {b}"
    if isinstance(a, Failed):
        return f"raises {a}"

    def compare() -> None:
        _compare("result", a.results, b.results, ours, theirs, dtype)
        _compare("state_dict", a.states, b.states, ours, theirs, dtype)
        passed = [str(t.dtype).split(".")[-1] for t in _tensors(b.results, theirs.Tensor) if t.requires_grad]
        coarsest = "float32" if "float32" in passed else dtype  # a gradient is no finer than what it came through
        for number, (mine, other) in enumerate(zip(a.gradients, b.gradients, strict=True)):
            _compare(f"gradient of input {number}", mine, other, ours, theirs, coarsest)
        if isinstance(b.second, list):
            if not isinstance(a.second, list):
                raise Differs(f"the gradients have no gradients: {type(a.second).__name__}: {a.second}"[:300])
            for number, (mine, other) in enumerate(zip(a.second, b.second, strict=True)):
                _compare(f"second gradient of input {number}", mine, other, ours, theirs, coarsest)

    return _where(compare)


def _as_caught(error: Exception) -> type[Exception] | tuple[type[Exception], ...]:
    """By what kind a program catches PyTorch's error; an assertion or a missing attribute is nothing to catch.

    Whether a wrong argument is a TypeError or a ValueError is left open.
    """
    for kind in (IndexError, RuntimeError):
        if isinstance(error, kind):
            return kind
    if isinstance(error, (TypeError, ValueError)):
        return TypeError, ValueError
    return ERRORS + ((AttributeError,) if isinstance(error, AttributeError) else ())


def _is_broken(error: Exception) -> bool:
    """Whether PyTorch's error shows that a case calls what does not exist; else such a case would agree."""
    absent = isinstance(error, AttributeError) and str(error).startswith(("module 'torch", "'Tensor' object"))
    return absent or isinstance(error, NameError)


def _where(compare: Callable[[], None]) -> str | None:
    """What a comparison says when it finds a difference."""
    try:
        compare()
    except Differs as found:
        return str(found)
    return None


def _compare(where: str, a: Any, b: Any, ours: Any, theirs: Any, dtype: str) -> None:
    if isinstance(b, theirs.Tensor):
        if not isinstance(a, ours.Tensor):
            raise Differs(f"{where} is {a!r}, PyTorch gives a tensor")
        _compare_tensors(where, a, b, dtype)
    elif isinstance(a, ours.Tensor):
        raise Differs(f"{where} is a tensor, PyTorch gives {b!r}")
    elif isinstance(b, Mapping):
        _compare(f"{where}'s keys", list(a), list(b), ours, theirs, dtype)
        for name in b:
            _compare(f"{where}[{name!r}]", a[name], b[name], ours, theirs, dtype)
    elif isinstance(b, (list, tuple)):
        if not isinstance(a, (list, tuple)) or len(a) != len(b):
            raise Differs(f"{where} is {a!r}, PyTorch {b!r}"[:300])
        if getattr(a, "_fields", None) != (getattr(b, "_fields", None) or _fields(b)):
            raise Differs(f"{where} has the fields {getattr(a, '_fields', None)}, PyTorch {_fields(b)}")
        for number, (mine, other) in enumerate(zip(a, b, strict=True)):
            _compare(f"{where} {number}" if len(b) > 1 else where, mine, other, ours, theirs, dtype)
    elif isinstance(b, float) and isinstance(a, float):
        _compare_arrays(where, np.asarray(a), np.asarray(b), dtype)
    elif type(a).__name__ == type(b).__name__ == "dtype" or _is_plain_type(a, b):
        if str(a).split(".")[-1] != str(b).split(".")[-1]:
            raise Differs(f"{where} is {a}, PyTorch {b}")
    elif type(a) is not type(b) or a != b:
        raise Differs(f"{where} is {a!r}, PyTorch {b!r}"[:300])


def _fields(value: Any) -> tuple[str, ...] | None:
    """The field names of one of PyTorch's named results, which are not Python's named tuples."""
    if type(value) in (tuple, list) or not hasattr(type(value), "n_fields"):
        return None
    return tuple(name for name, field in vars(type(value)).items() if type(field).__name__ == "member_descriptor")


def _is_plain_type(a: Any, b: Any) -> bool:
    return type(a).__name__ == type(b).__name__ and type(b).__name__ in ("device",)


def _compare_tensors(where: str, a: Any, b: Any, dtype: str) -> None:
    kinds = [str(t.dtype).split(".")[-1] for t in (a, b)]
    if kinds[0] != kinds[1]:
        raise Differs(f"{where} has dtype {kinds[0]}, PyTorch {kinds[1]}")
    if tuple(a.shape) != tuple(b.shape):
        raise Differs(f"{where} has shape {tuple(a.shape)}, PyTorch {tuple(b.shape)}")
    if a.requires_grad != b.requires_grad:
        raise Differs(f"{where} has requires_grad {a.requires_grad}, PyTorch {b.requires_grad}")
    _compare_arrays(where, a.numpy(force=True), b.numpy(force=True), dtype)


def _compare_arrays(where: str, a: np.ndarray[Any, Any], b: np.ndarray[Any, Any], dtype: str) -> None:
    with np.errstate(all="ignore"):
        if b.dtype.kind != "f":
            fits = a == b
        else:
            epsilon = max(np.finfo(b.dtype).eps, np.finfo(dtype).eps)
            ulps = SECOND_ULPS if where.startswith("second") else ULPS
            allowed = ulps * epsilon * (1 + np.abs(b.astype(np.float64)))
            near = np.abs(a.astype(np.float64) - b.astype(np.float64)) <= allowed
            fits = np.where(np.isfinite(a) & np.isfinite(b), near, (a == b) | (np.isnan(a) & np.isnan(b)))
    if not np.all(fits):
        place = tuple(map(int, np.argwhere(~np.asarray(fits))[0]))
        at = f" at {place} of shape {b.shape}" if place else ""
        raise Differs(f"{where}{at} is {a[place]}, PyTorch {b[place]} ({np.sum(~np.asarray(fits))} of {b.size} differ)")
