"""Module: what holds parameters and other modules."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np

from lucid import engine
from lucid.autograd import no_grad
from lucid.autograd.graph import RemovableHandle, Value, add_hook, describe
from lucid.devices import names_device
from lucid.tensor import Parameter, Tensor

Self = TypeVar("Self", bound="Module")


class LoadResult(NamedTuple):
    """What ``load_state_dict`` found: names that were missing, and names it did not expect."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """Base class of layers and models: write ``__init__`` (call ``super().__init__()`` first) and ``forward``.

    Parameters, buffers and modules that are assigned as attributes are found by name: in ``parameters()``,
    ``state_dict()`` and so on. They are plain attributes; a table remembers which names are of which kind.

    Attributes:
        training: whether the module is in training mode; see :meth:`train` and :meth:`eval`.

    Example:
        >>> import lucid
        >>> class Model(lucid.nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.fc = lucid.nn.Linear(2, 1)
        ...     def forward(self, x):
        ...         return self.fc(x).relu()
        >>> Model()(lucid.ones(3, 2)).shape
        (3, 1)
    """

    training: bool
    _kinds: dict[str, str]
    _pre_hooks: dict[int, Any]
    _forward_hooks: dict[int, Any]

    def __init__(self) -> None:
        set_plainly = object.__setattr__
        set_plainly(self, "training", True)
        set_plainly(
            self, "_kinds", {}
        )  # attribute name -> "parameter", "buffer", "constant" (buffer not saved), "module"
        set_plainly(self, "_pre_hooks", {})
        set_plainly(self, "_forward_hooks", {})

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the result; every module writes its own."""
        raise NotImplementedError(f"{type(self).__name__}: write a method forward(self, ...)")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._pre_hooks or self._forward_hooks:
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs) if kwargs else self.forward(*args)

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for hook in tuple(self._pre_hooks.values()):
            changed = hook(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        result = self.forward(*args, **kwargs)
        for hook in tuple(self._forward_hooks.values()):
            changed = hook(self, args, result)
            if changed is not None:
                result = changed
        return result

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Calls ``hook(module, args)`` before ``forward``; what it returns (if not None) replaces the arguments."""
        return add_hook(self._pre_hooks, hook)

    def register_forward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Calls ``hook(module, args, result)`` after ``forward``; what it returns (if not None) replaces the result."""
        return add_hook(self._forward_hooks, hook)

    # -----------------------------------------------------------------------------------------------------------------
    # Attributes

    def __setattr__(self, name: str, value: Any) -> None:
        kinds = self.__dict__.get("_kinds")
        kind = "parameter" if isinstance(value, Parameter) else "module" if isinstance(value, Module) else None
        if kinds is None:
            if kind is not None:
                raise AttributeError(f"{type(self).__name__}: call super().__init__() before assigning {name!r}")
        elif kind is not None:
            kinds[name] = kind
        elif name in kinds and value is not None:
            before = kinds[name]
            if before in ("parameter", "module"):
                wanted = "a Parameter" if before == "parameter" else "a Module"
                raise TypeError(f"{type(self).__name__}.{name} is {wanted}; cannot assign {describe(value)} (or None)")
            if not isinstance(value, Value):
                raise TypeError(f"{type(self).__name__}.{name} is a buffer; cannot assign {describe(value)}")
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        self._kinds.pop(name, None)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Adds a parameter under a name; None keeps the place."""
        self._check_name(name)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"register_parameter: {name!r} must be a Parameter or None, got {describe(param)}")
        self._kinds[name] = "parameter"
        object.__setattr__(self, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Adds a tensor that is part of the state but not trained.

        Args:
            name: its attribute name.
            tensor: the tensor, or None.
            persistent: whether it is part of ``state_dict``.
        """
        self._check_name(name)
        if tensor is not None and not isinstance(tensor, Value):
            raise TypeError(f"register_buffer: {name!r} must be a tensor or None, got {describe(tensor)}")
        self._kinds[name] = "buffer" if persistent else "constant"
        object.__setattr__(self, name, tensor)

    def add_module(self, name: str, module: Module | None) -> None:
        """Adds a module under a name."""
        self._check_name(name)
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"add_module: {name!r} must be a Module or None, got {describe(module)}")
        self._kinds[name] = "module"
        object.__setattr__(self, name, module)

    register_module = add_module

    def _check_name(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a name must be a string, got {type(name).__name__}")
        if not name or "." in name:
            raise KeyError(f"{name!r} cannot be a name: it must not be empty or contain a dot")
        if hasattr(self, name) and name not in self._kinds:
            raise KeyError(f"{type(self).__name__} has an attribute {name!r} already")

    def _of_kind(self, *kinds: str) -> dict[str, Any]:
        own = self.__dict__
        return {name: own[name] for name, kind in self._kinds.items() if kind in kinds}

    @property
    def _parameters(self) -> dict[str, Any]:
        return self._of_kind("parameter")

    @property
    def _buffers(self) -> dict[str, Any]:
        return self._of_kind("buffer", "constant")

    @property
    def _modules(self) -> dict[str, Any]:
        return self._of_kind("module")

    # -----------------------------------------------------------------------------------------------------------------
    # Walking through

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly inside, with their names."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules directly inside."""
        return (module for _, module in self.named_children())

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module (under the name ``""``) and all inside it, with their dotted names; each once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all inside it."""
        return (module for _, module in self.named_modules())

    def _named(
        self, kinds: tuple[str, ...], prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[Any] = set()
        for module_name, module in (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        ):
            for name, value in module._of_kind(*kinds).items():
                if value is not None and (not remove_duplicate or value not in seen):
                    seen.add(value)
                    yield (f"{module_name}.{name}" if module_name else name), value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their dotted names; a shared one once."""
        return self._named(("parameter",), prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters; a shared one once.

        Example:
            >>> import lucid
            >>> [tuple(p.shape) for p in lucid.nn.Linear(2, 3).parameters()]
            [(3, 2), (3,)]
        """
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their dotted names."""
        return self._named(("buffer", "constant"), prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module with a dotted name.

        Raises:
            AttributeError: when there is none.
        """
        module: Any = self
        for name in filter(None, target.split(".")):
            if name not in module._modules:
                raise AttributeError(f"{type(module).__name__} has no module {name!r} (looking for {target!r})")
            module = module._modules[name]
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter with a dotted name.

        Raises:
            AttributeError: when there is none.
        """
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if name not in module._parameters:
            raise AttributeError(f"{type(module).__name__} has no parameter {name!r} (looking for {target!r})")
        return module._parameters[name]

    def apply(self: Self, fn: Callable[[Module], Any]) -> Self:
        """Calls ``fn`` with every module inside, then with this one; returns this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # -----------------------------------------------------------------------------------------------------------------
    # Modes, gradients, types

    def train(self: Self, mode: bool = True) -> Self:
        """Training mode on (or off) for this module and all inside it; returns it."""
        if not isinstance(mode, bool):
            raise ValueError(f"train: mode must be True or False, got {mode!r}")
        for module in self.modules():
            object.__setattr__(module, "training", mode)
        return self

    def eval(self: Self) -> Self:
        """Training mode off: dropout passes everything, and so on."""
        return self.train(False)

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
        """Says whether the parameters get gradients; returns the module."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clears the gradients of all parameters: to None, or to zeros."""
        for parameter in self.parameters():
            if set_to_none:
                parameter._grad = None
            elif parameter._grad is not None:
                parameter._grad = parameter._grad.detach().zero_()

    def to(self: Self, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False) -> Self:
        """Converts floating-point parameters and buffers to a number type; returns the module itself.

        Raises:
            ValueError: for a device other than the CPU.
        """
        probe = engine.empty((0,), engine.float32).to(*args, dtype=dtype, device=device)
        asked = dtype is not None or any(not isinstance(a, bool) and not names_device(a) for a in args)
        if not asked:
            return self
        if not probe.dtype.is_floating_point:
            raise TypeError(f"to: parameters can be float32 or float64, not {probe.dtype}")
        for module in self.modules():
            for value in module._of_kind("parameter").values():
                if value is not None and value.dtype is not probe.dtype:
                    value.data = value.detach().to(probe.dtype)
                    if value._grad is not None:
                        value._grad = value._grad.detach().to(probe.dtype)
            for name, value in module._of_kind("buffer", "constant").items():
                if value is not None and value.dtype.is_floating_point:
                    object.__setattr__(module, name, value.to(probe.dtype))
        return self

    def float(self: Self) -> Self:
        """Parameters and buffers as float32."""
        return self.to(engine.float32)

    def double(self: Self) -> Self:
        """Parameters and buffers as float64."""
        return self.to(engine.float64)

    def cpu(self: Self) -> Self:
        """The module itself."""
        return self

    def cuda(self: Self, device: Any = "cuda") -> Self:
        """Would move the module to a CUDA device.

        Raises:
            ValueError: always; there is none.
        """
        return self.to(device=device)

    # -----------------------------------------------------------------------------------------------------------------
    # State

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False) -> OrderedDict[str, Tensor]:
        """Parameters and persistent buffers by dotted name, outside the graph, on the same memory.

        Example:
            >>> import lucid
            >>> list(lucid.nn.Linear(2, 3).state_dict())
            ['weight', 'bias']
        """
        state: OrderedDict[str, Tensor] = OrderedDict()
        for module_name, module in self.named_modules(prefix=prefix.rstrip("."), remove_duplicate=False):
            start = f"{module_name}." if module_name else ""
            for kind in ("parameter", "buffer"):
                for name, value in module._of_kind(kind).items():
                    if value is not None:
                        state[start + name] = value if keep_vars else value.detach()
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> LoadResult:
        """Copies values into parameters and buffers by name. Nothing is changed when it raises.

        Args:
            state_dict: tensors (or NumPy arrays) by dotted name, as :meth:`state_dict` gives them.
            strict: whether missing and unexpected names are errors.
            assign: take the given tensors' memory instead of copying.

        Returns:
            The missing and the unexpected names.

        Raises:
            RuntimeError: for names that do not match (strict), or shapes that differ, all of them listed.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"load_state_dict: expected a mapping of names to tensors, got {type(state_dict).__name__}")
        own = self.state_dict(keep_vars=True)
        given = {name: _as_tensor(name, value) for name, value in state_dict.items()}
        result = LoadResult([n for n in own if n not in given], [n for n in given if n not in own])
        problems = []
        if strict:
            problems += [f"missing: {', '.join(result.missing_keys)}"] if result.missing_keys else []
            problems += [f"unexpected: {', '.join(result.unexpected_keys)}"] if result.unexpected_keys else []
        problems += [
            f"{name} has shape {given[name].shape}, the module wants {mine.shape}"
            for name, mine in own.items()
            if name in given and given[name].shape != mine.shape
        ]
        if problems:
            raise RuntimeError(f"load_state_dict: {type(self).__name__}: " + "; ".join(problems))
        with no_grad():
            for name, mine in own.items():
                if name in given:
                    if assign:
                        mine.data = given[name].to(mine.dtype)
                    else:
                        mine.copy_(given[name])
        return result

    def extra_repr(self) -> str:
        """What stands between the parentheses when the module is printed."""
        return ""

    def __repr__(self) -> str:
        lines = []
        for name, module in self._modules.items():
            lines.append(f"({name}): " + repr(module).replace("\n", "\n  "))
        extra = self.extra_repr().splitlines()
        if not lines and len(extra) < 2:
            return f"{type(self).__name__}({''.join(extra)})"
        body = "\n  ".join(extra + lines)
        return f"{type(self).__name__}(\n  {body}\n)"


def _as_tensor(name: str, value: Any) -> Tensor:
    if isinstance(value, Value):
        return value  # type: ignore[return-value]
    try:
        return engine.wrap(value.view(np.ndarray))
    except (AttributeError, TypeError, ValueError):
        raise TypeError(f"load_state_dict: {name} is a {type(value).__name__}, not a tensor") from None
