"""Parameters that are computed: a module's tensor made from other tensors each time it is used.

``register_parametrization(layer, "weight", f)`` makes ``layer.weight`` the result of ``f(original)``; what is trained
and saved is the original, as ``layer.parametrizations.weight.original``.
"""

from __future__ import annotations

import copy
from typing import Any

from lucid.autograd import no_grad
from lucid.autograd.graph import Value, describe
from lucid.nn.container import ModuleDict, ModuleList
from lucid.nn.module import Module
from lucid.ops.create import is_tensor
from lucid.ops.view import clone
from lucid.tensor import Parameter


class ParametrizationList(ModuleList):
    """The originals of one computed tensor, and the modules that are applied to them one after the other.

    Attributes:
        original: the tensor that is trained; ``original0``, ``original1``, ... when ``right_inverse`` of the first
            module gives several.
        is_tensor: whether there is only one.
        ntensors: how many there are.
        unsafe: whether the modules may change shape and number type.
    """

    original: Any
    is_tensor: bool
    ntensors: int
    unsafe: bool

    def __init__(self, first: Module, original: Any, unsafe: bool) -> None:
        super().__init__([first])
        self.unsafe = unsafe
        with no_grad():
            new: Any = first.right_inverse(original) if hasattr(first, "right_inverse") else original
        self.is_tensor = isinstance(new, Value)
        if not self.is_tensor and not isinstance(new, tuple | list):
            raise ValueError(f"right_inverse must return a tensor or a sequence of them, got {describe(new)}")
        self.ntensors = 1 if self.is_tensor else len(new)
        if not unsafe:
            _check_same(first(new) if self.is_tensor else first(*new), original)
        if self.is_tensor:
            if new.dtype is not original.dtype:
                raise ValueError(f"right_inverse may not change {original.dtype} to {new.dtype}")
            _set(original, new)  # the parameter itself stays: an optimizer may hold it
            _register(self, "original", original)
        else:
            for i, one in enumerate(new):
                if not is_tensor(one):
                    raise ValueError(f"right_inverse must return tensors, got {describe(one)} at place {i}")
                with no_grad():
                    kept = clone(one)
                if isinstance(original, Parameter):
                    kept = Parameter(kept, original.requires_grad)
                _register(self, f"original{i}", kept)

    def originals(self) -> list[Any]:
        """The tensors that are trained."""
        return [self.original] if self.is_tensor else [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def forward(self) -> Any:
        """The computed tensor."""
        first, *rest = self
        x = first(*self.originals())
        for module in rest:
            x = module(x)
        return x

    def right_inverse(self, value: Any) -> None:
        """Gives the originals the values from which ``value`` is computed.

        Raises:
            RuntimeError: when a module has no ``right_inverse``.
            ValueError: when it gives other tensors than the originals.
        """
        with no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"{type(module).__name__} has no right_inverse, so this cannot be assigned")
                value = module.right_inverse(value)
        values = [value] if self.is_tensor else list(value)
        originals = self.originals()
        if len(values) != len(originals) or any(x.dtype is not y.dtype for x, y in zip(values, originals, strict=True)):
            raise ValueError(
                f"right_inverse gave {[describe(x) for x in values]} for originals {[describe(x) for x in originals]}"
            )
        for original, one in zip(originals, values, strict=True):
            _set(original, one)


def _set(tensor: Any, value: Any) -> None:
    """Gives a parameter or buffer another value, and if need be another shape."""
    if value is tensor:
        return
    with no_grad():
        if value.shape == tensor.shape:
            tensor.copy_(value.detach())
        else:
            tensor.data = value.detach().clone()


def _register(module: Module, name: str, tensor: Any) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _held(module: Any) -> ModuleDict:
    """What a module has in ``parametrizations``."""
    held: ModuleDict = module.parametrizations
    return held


def _check_same(result: Any, tensor: Any) -> None:
    if not isinstance(result, Value):
        raise ValueError(f"a parametrization must return a tensor, got {describe(result)}")
    if result.dtype is not tensor.dtype or result.shape != tensor.shape:
        raise ValueError(
            f"the parametrization makes {describe(result)} of {describe(tensor)}; pass unsafe=True to allow it"
        )


# ---------------------------------------------------------------------------------------------------------------------
# The module's class: a subclass of its own, with a property for each computed tensor


class _Parametrized:
    """What the subclass adds."""

    parametrizations: ModuleDict

    def __setattr__(self, name: str, value: Any) -> None:
        if is_parametrized(self, name) and name != "parametrizations":
            self.parametrizations[name].right_inverse(value)
        else:
            super().__setattr__(name, value)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        new = type(self).__new__(type(self))
        memo[id(self)] = new
        new.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return new

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise RuntimeError("a module with parametrizations cannot be pickled; save its state_dict()")


def _computed(name: str) -> property:
    def get(self: Any) -> Any:
        if is_parametrized(self, name):
            return self.parametrizations[name]()
        if name not in self.__dict__:  # taken away, or about to be put back
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return self.__dict__[name]

    def set_plainly(self: Any, value: Any) -> None:
        self.__dict__[name] = value

    def delete(self: Any) -> None:
        del self.__dict__[name]

    return property(get, set_plainly, delete, f"The computed {name}.")


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Makes a parameter or buffer of a module the result of another module.

    Args:
        module: the module that has the tensor. Its class becomes a subclass, ``ParametrizedLinear`` and so on.
        tensor_name: the attribute.
        parametrization: ``forward(original)`` gives the tensor. If there is a method ``right_inverse(tensor)``, it
            gives the original that the present value is computed from, or a tuple of originals, which ``forward``
            then takes as its arguments; and the attribute can be assigned. Without it the original is the tensor as
            it is. Another parametrization of the same tensor is applied to the result of those before.
        unsafe: allow it to change shape and number type; nothing is checked then.

    Returns:
        The module.

    Raises:
        ValueError: when there is no such tensor, or when the result does not fit.

    Example:
        >>> import lucid
        >>> class Symmetric(lucid.nn.Module):
        ...     def forward(self, x):
        ...         return x.triu() + x.triu(1).T
        >>> layer = lucid.nn.Linear(3, 3)
        >>> _ = lucid.nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric())
        >>> bool((layer.weight == layer.weight.T).all())
        True
        >>> [name for name, _ in layer.named_parameters()]
        ['bias', 'parametrizations.weight.original']
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        before = _held(module)[tensor_name]
        if not unsafe:
            value = before()
            result = parametrization(value)
            _check_same(result, value)
            if hasattr(parametrization, "right_inverse"):
                _check_same(parametrization.right_inverse(result), value)
        before.append(parametrization)
        before.unsafe |= unsafe
        return module
    tensors = dict(module.named_parameters(recurse=False)) | dict(module.named_buffers(recurse=False))
    if tensor_name not in tensors:
        raise ValueError(
            f"register_parametrization: {type(module).__name__} has no parameter or buffer {tensor_name!r}; "
            f"it has {sorted(tensors)}"
        )
    computed = ParametrizationList(parametrization, tensors[tensor_name], unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        base = type(module)
        module.__class__ = type(f"Parametrized{base.__name__}", (_Parametrized, base), {"__module__": __name__})
        module.parametrizations = ModuleDict()
    setattr(type(module), tensor_name, _computed(tensor_name))
    _held(module)[tensor_name] = computed
    return module


def is_parametrized(module: Any, tensor_name: str | None = None) -> bool:
    """Whether the tensor of that name (any tensor, when None) is computed.

    Example:
        >>> import lucid
        >>> lucid.nn.utils.parametrize.is_parametrized(lucid.nn.Linear(2, 2))
        False
    """
    held = module.__dict__.get("parametrizations")
    if not isinstance(held, ModuleDict):
        return False
    return len(held) > 0 if tensor_name is None else tensor_name in held


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Makes a computed tensor a plain parameter or buffer again.

    Args:
        module: the module.
        tensor_name: the attribute.
        leave_parametrized: keep the value as it is computed now; else that of the original, when there is only one.
            (One original stays the same parameter object, so an optimizer that holds it goes on.)

    Returns:
        The module.

    Raises:
        ValueError: when the tensor is not computed; for ``leave_parametrized=False`` and several originals.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"remove_parametrizations: {tensor_name!r} of {type(module).__name__} is not parametrized")
    computed = _held(module)[tensor_name]
    value = computed()
    if computed.is_tensor:
        tensor = computed.original
        if leave_parametrized:
            _set(tensor, value)
    elif leave_parametrized:
        tensor = value.detach().clone()
        if value.requires_grad or any(isinstance(x, Parameter) for x in computed.originals()):
            tensor = Parameter(tensor, value.requires_grad)
    else:
        raise ValueError(
            f"remove_parametrizations: {tensor_name!r} is computed from {computed.ntensors} tensors; "
            "only leave_parametrized=True is possible"
        )
    del _held(module)[tensor_name]
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = type(module).__mro__[2]
    _register(module, tensor_name, tensor)
    return module
