"""Module: what holds parameters and other modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, Protocol, TypeVar

from lucid import engine
from lucid.autograd.graph import Value, describe
from lucid.errors import KindError
from lucid.nn import module_hooks, module_state
from lucid.nn.module_hooks import call_with_hooks
from lucid.tensor import Parameter, Tensor

Self = TypeVar("Self", bound="Module")
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result", covariant=True)
_FLOATS = (engine.float32, engine.float64)


class _HasForward(Protocol[Arguments, Result]):
    """How a type checker sees a module that is called: with the arguments and the result of its ``forward``."""

    _call_hooks: dict[int, Any]

    def forward(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result: ...


class Table(dict[str, Any]):
    """The parameters, buffers or modules of a module by name, at this moment. What is put in or taken out here is so
    in the module."""

    def __init__(self, module: Module, register: Callable[[str, Any], None], found: dict[str, Any]) -> None:
        super().__init__(found)
        self._module = module
        self._register = register

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self:  # it keeps its place
            setattr(self._module, name, value)
        else:
            self._register(name, value)
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        delattr(self._module, name)

    def pop(self, name: str, *default: Any) -> Any:
        """Takes a name out of the module, and gives what it had."""
        if name not in self and default:
            return default[0]
        value = self[name]
        del self[name]
        return value

    def update(self, *others: Any, **more: Any) -> None:
        """Puts names into the module."""
        for name, value in dict(*others, **more).items():
            self[name] = value

    def clear(self) -> None:
        """Takes all names out of the module."""
        for name in list(self):
            del self[name]


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
    _version: int = 1  # of the layout of the state; state_dict notes it
    _kinds: dict[str, str]  # attribute name -> "parameter", "buffer", "constant" (a buffer not saved) or "module"
    _call_hooks: dict[int, Any]
    _state_hooks: dict[int, Any]

    def __init__(self) -> None:
        set_plainly = object.__setattr__
        set_plainly(self, "training", True)
        set_plainly(self, "_kinds", {})
        set_plainly(self, "_call_hooks", {})
        set_plainly(self, "_state_hooks", {})

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Takes over the attributes of a copied or unpickled module; its tables are its own from then on."""
        self.__dict__.update(state)
        for table in ("_kinds", "_call_hooks", "_state_hooks"):
            object.__setattr__(self, table, dict(state.get(table, {})))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the result; every module writes its own."""
        raise NotImplementedError(f"{type(self).__name__}: write a method forward(self, ...)")

    def __call__(self: _HasForward[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        if self._call_hooks:
            result: Result = call_with_hooks(self, args, kwargs)
            return result
        forward: Callable[..., Result] = self.forward
        return forward(*args, **kwargs) if kwargs else forward(*args)

    register_forward_pre_hook = module_hooks.register_forward_pre_hook
    register_forward_hook = module_hooks.register_forward_hook
    register_full_backward_pre_hook = module_hooks.register_full_backward_pre_hook
    register_full_backward_hook = module_hooks.register_full_backward_hook
    # -----------------------------------------------------------------------------------------------------------------
    # Attributes

    def __setattr__(self, name: str, value: Any) -> None:
        kinds = self.__dict__.get("_kinds")
        kind = "parameter" if isinstance(value, Parameter) else "module" if isinstance(value, Module) else None
        if kinds is None:
            if kind is not None:
                raise AttributeError(f"{type(self).__name__}: call super().__init__() before assigning {name!r}")
        elif kind is not None:
            if kinds.get(name) != kind:
                if not name or "." in name:
                    raise KeyError(f"{name!r} cannot be a name: it must not be empty or contain a dot")
                kinds.pop(name, None)  # so that it comes last among its new kind
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
        self._check_name(name, "parameter")
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
        self._check_name(name, "buffer", "constant")
        if tensor is not None and not isinstance(tensor, Value):
            raise TypeError(f"register_buffer: {name!r} must be a tensor or None, got {describe(tensor)}")
        self._kinds[name] = "buffer" if persistent else "constant"
        object.__setattr__(self, name, tensor)

    def add_module(self, name: str, module: Module | None) -> None:
        """Adds a module under a name."""
        self._check_name(name, "module")
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"add_module: {name!r} must be a Module or None, got {describe(module)}")
        self._kinds[name] = "module"
        object.__setattr__(self, name, module)

    register_module = add_module

    def _check_name(self, name: str, *kinds: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a name must be a string, got {type(name).__name__}")
        if not name or "." in name:
            raise KeyError(f"{name!r} cannot be a name: it must not be empty or contain a dot")
        if hasattr(self, name) and self._kinds.get(name) not in kinds:
            raise KeyError(f"{type(self).__name__} has an attribute {name!r} already")

    def _of_kind(self, *kinds: str) -> dict[str, Any]:
        own = self.__dict__
        return {name: own[name] for name, kind in self._kinds.items() if kind in kinds}

    @property
    def _parameters(self) -> dict[str, Any]:
        return Table(self, self.register_parameter, self._of_kind("parameter"))

    @property
    def _buffers(self) -> dict[str, Any]:
        return Table(self, self.register_buffer, self._of_kind("buffer", "constant"))

    @property
    def _modules(self) -> dict[str, Any]:
        return Table(self, self.add_module, self._of_kind("module"))

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

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all inside it."""
        return (module for _, module in self.named_modules(remove_duplicate=remove_duplicate))

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
        module: Module = self
        for name in target.split(".") if target else ():
            inside = module._modules
            if inside.get(name) is None:
                raise AttributeError(f"{type(module).__name__} has no module {name!r} (looking for {target!r})")
            module = inside[name]
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Puts a module in the place with a dotted name.

        Args:
            target: the name; what is before its last dot must be there.
            module: the module.
            strict: whether the place itself must be taken already.

        Raises:
            AttributeError: when what must be there is not.
            ValueError: for an empty name, or what is no module.
        """
        if not target or not isinstance(module, Module):
            raise ValueError(f"set_submodule: expected a name and a Module, got {target!r} and {describe(module)}")
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        if strict or hasattr(owner, name):
            self.get_submodule(target)
        setattr(owner, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter with a dotted name.

        Raises:
            AttributeError: when there is none.
        """
        found: Parameter = self._get(target, "parameter", "parameter")
        return found

    def get_buffer(self, target: str) -> Tensor:
        """The buffer with a dotted name.

        Raises:
            AttributeError: when there is none.
        """
        found: Tensor = self._get(target, "buffer", "buffer", "constant")
        return found

    def _get(self, target: str, what: str, *kinds: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        value = module._of_kind(*kinds).get(name)
        if value is None:
            raise AttributeError(f"{type(module).__name__} has no {what} {name!r} (looking for {target!r})")
        return value

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
        object.__setattr__(self, "training", mode)
        for module in self.children():
            module.train(mode)
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
        probes = [engine.empty((0,), before).to(*args, dtype=dtype, device=device).dtype for before in _FLOATS]
        if probes == [*_FLOATS]:  # no number type was asked for
            return self
        kind = probes[0]
        if not kind.is_floating_point:
            raise TypeError(f"to: parameters can be float32 or float64, not {kind}")
        return self._apply(lambda x: x.to(kind) if x.dtype.is_floating_point else x)

    def _apply(self: Self, fn: Callable[[Any], Any]) -> Self:
        """Puts ``fn(x)`` in the place of every parameter's and gradient's memory, and of every buffer."""
        for module in self.children():
            module._apply(fn)
        for value in self._of_kind("parameter").values():
            if value is not None:
                changed = fn(value.detach())
                if changed.array is not value.array:
                    value.data = changed
                if value._grad is not None:
                    changed = fn(value._grad.detach())
                    value._grad = value._grad if changed.array is value._grad.array else changed
        for name, value in self._of_kind("buffer", "constant").items():
            if value is not None:
                object.__setattr__(self, name, fn(value))
        return self

    def type(self: Self, dst_type: Any) -> Self:
        """Parameters and buffers in a number type, floating-point or not."""
        kind = engine.dtype_of(dst_type)
        if not kind.is_floating_point and any(p.requires_grad for p in self.parameters()):
            raise TypeError(f"type: parameters that require a gradient cannot be {kind}")
        return self._apply(lambda x: x.to(kind))

    def float(self: Self) -> Self:
        """Parameters and buffers as float32."""
        return self.to(engine.float32)

    def double(self: Self) -> Self:
        """Parameters and buffers as float64."""
        return self.to(engine.float64)

    def half(self: Self) -> Self:
        """Would be parameters and buffers as float16, which is not there.

        Raises:
            TypeError: always.
        """
        return self.to(engine.float16)

    def bfloat16(self: Self) -> Self:
        """Would be parameters and buffers as bfloat16, which is not there.

        Raises:
            TypeError: always.
        """
        return self.to(engine.bfloat16)

    def compile(self, **options: Any) -> None:
        """Changes nothing. What is compiled is a step, by :func:`lucid.compile`.

        Args:
            options: PyTorch's: fullgraph, dynamic, backend, mode, options, disable.

        Raises:
            TypeError: for another one.
        """
        unknown = options.keys() - {"fullgraph", "dynamic", "backend", "mode", "options", "disable"}
        if unknown:
            raise KindError(f"compile: there is no option {', '.join(sorted(unknown))}")

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

    state_dict = module_state.state_dict
    load_state_dict = module_state.load_state_dict
    _save_to_state_dict = module_state.save_own
    _load_from_state_dict = module_state.load_own

    def get_extra_state(self) -> Any:
        """What else is to be saved; a module that has such a thing writes this and :meth:`set_extra_state`."""
        raise RuntimeError(f"{type(self).__name__}: write get_extra_state() to save more than parameters and buffers")

    def set_extra_state(self, state: Any) -> None:
        """Takes back what :meth:`get_extra_state` gave."""
        raise RuntimeError(f"{type(self).__name__}: write set_extra_state(state) to load more than tensors")

    def _has_extra_state(self, direction: str) -> bool:
        name = f"{direction}_extra_state"
        return getattr(type(self), name) is not getattr(Module, name)

    register_state_dict_pre_hook = module_state.register_state_dict_pre_hook
    register_state_dict_post_hook = module_state.register_state_dict_post_hook
    _register_state_dict_hook = module_state.register_state_dict_hook
    register_load_state_dict_pre_hook = module_state.register_load_state_dict_pre_hook
    _register_load_state_dict_pre_hook = module_state.register_load_pre_hook
    register_load_state_dict_post_hook = module_state.register_load_state_dict_post_hook

    # -----------------------------------------------------------------------------------------------------------------
    # Printing

    def extra_repr(self) -> str:
        """What stands between the parentheses when the module is printed."""
        return ""

    def _get_name(self) -> str:
        """The name it prints under."""
        return type(self).__name__

    def __repr__(self) -> str:
        lines = []
        for name, module in self._modules.items():
            lines.append(f"({name}): " + repr(module).replace("\n", "\n  "))
        extra = self.extra_repr().splitlines()
        if not lines and len(extra) < 2:
            return f"{self._get_name()}({''.join(extra)})"
        body = "\n  ".join(extra + lines)
        return f"{self._get_name()}(\n  {body}\n)"
