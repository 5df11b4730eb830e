"""The forms in which a name can be called: as a function, as a method of Tensor, in place.

A case is written once, ``lambda T, x: T.add(x(3), x(3))``. For the other forms it gets a framework in which
``T.add(a, b)`` means ``a.add(b)``, or ``a.clone().add_(b)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


class _With:
    """A framework in which one name means something else."""

    def __init__(self, framework: Any, name: str, function: Callable[..., Any]) -> None:
        self._framework = framework
        setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._framework, name)


def _tensor(framework: Any, input: Any) -> Any:
    """What a method can be called on: the first argument, if it is a tensor."""
    if not isinstance(input, framework.Tensor):
        raise TypeError(f"a {type(input).__name__} has no methods of Tensor")
    return input


def _as_method(framework: Any, name: str) -> Any:
    def call(input: Any, *args: Any, **options: Any) -> Any:
        return getattr(_tensor(framework, input), name)(*args, **options)

    return _With(framework, name, call)


def _in_place(framework: Any, name: str) -> Any:
    def call(input: Any, *args: Any, **options: Any) -> Any:
        changed = _tensor(framework, input).clone()
        result = getattr(changed, name + "_")(*args, **options)
        if result is not changed:
            raise RuntimeError(f"{name}_ does not return the tensor itself")
        return changed

    return _With(framework, name, call)


def out_of_place(name: str) -> str | None:
    """``add`` for ``Tensor.add_``; None for what is no in-place form."""
    if name.startswith("Tensor.") and name.endswith("_") and not name.endswith("__"):
        return name.removeprefix("Tensor.").removesuffix("_")
    return None


def has_method(theirs: Any, name: str) -> bool:
    """Whether PyTorch has a function as a method of Tensor too."""
    return "." not in name and callable(getattr(theirs, name, None)) and callable(getattr(theirs.Tensor, name, None))


def forms_of(theirs: Any, name: str) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """The forms of a name, each with the framework to give to its cases."""
    plain = out_of_place(name)
    if plain is not None and hasattr(theirs, plain):
        yield "in place", lambda framework: _in_place(framework, plain)
        return
    yield "called", lambda framework: framework
    if has_method(theirs, name):
        yield "as a method", lambda framework: _as_method(framework, name)


def absent(ours: Any, theirs: Any, name: str) -> list[str]:
    """Which of the paths that a name stands for lead nowhere."""
    paths = [name] + ([f"Tensor.{name}"] if has_method(theirs, name) else [])
    return [path for path in paths if not _leads_somewhere(ours, path)]


def _leads_somewhere(framework: Any, path: str) -> bool:
    found = framework
    for part in path.split("."):
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True
