"""Module: what holds parameters and other modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from lucid import engine, settings
from lucid.autograd.graph import RemovableHandle, Value, add_hook, describe
from lucid.nn import module_state
from lucid.nn.module_hooks import CallHook, call_with_hooks
from lucid.nn.module_state import EXTRA_STATE, LoadResult, StateHook
from lucid.tensor import Parameter, Tensor

Self = TypeVar("Self", bound="Module")
_FLOATS = (engine.float32, engine.float64)


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

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._call_hooks:
            return call_with_hooks(self, args, kwargs)
        return self.forward(*args, **kwargs) if kwargs else self.forward(*args)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Calls ``hook(module, args)`` before ``forward``; what it returns (if not None) replaces the arguments.

        Args:
            hook: the function.
            prepend: before the other pre-hooks, and not after them.
            with_kwargs: call ``hook(module, args, kwargs)``, which returns None or both: ``(args, kwargs)``.
        """
        return add_hook(self._call_hooks, CallHook("forward_pre", hook, with_kwargs), prepend)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Calls ``hook(module, args, result)`` after ``forward``; what it returns (if not None) replaces the result.

        Args:
            hook: the function.
            prepend: before the other forward hooks, and not after them.
            with_kwargs: call ``hook(module, args, kwargs, result)``.
            always_call: call it also when ``forward`` raised.
        """
        return add_hook(self._call_hooks, CallHook("forward", hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Calls ``hook(module, grad_output)`` when the gradients of the outputs are known.

        ``grad_output`` is a tuple; what the hook returns (if not None) replaces it.
        """
        return add_hook(self._call_hooks, CallHook("backward_pre", hook), prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Calls ``hook(module, grad_input, grad_output)`` when the gradients of the inputs are known.

        Both are tuples, with None for what has no gradient; ``grad_input`` speaks of the positional arguments. What the
        hook returns (if not None) goes on in place of ``grad_input``. Inputs and outputs of a module with such hooks
        are views, so they cannot be changed in place while recording.

        Example:
            >>> import lucid
            >>> layer = lucid.nn.Linear(2, 1)
            >>> with layer.register_full_backward_hook(lambda module, grad_input, grad_output: print(grad_output)):
            ...     layer(lucid.ones(1, 2)).sum().backward()
            (tensor([[1.]]),)
        """
        return add_hook(self._call_hooks, CallHook("backward", hook), prepend)

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
        module: Any = self
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
        """Changes nothing: there is no compiler, the operations are compiled already; see :func:`lucid.compile`."""
        settings.compile(self, **options)

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

    def state_dict(self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """Parameters and persistent buffers by dotted name, outside the graph, on the same memory.

        Args:
            destination: a dict that takes them; None for a new OrderedDict.
            prefix: what stands before every name.
            keep_vars: give the parameters themselves, which require gradients.

        Example:
            >>> import lucid
            >>> list(lucid.nn.Linear(2, 3).state_dict())
            ['weight', 'bias']
        """
        return module_state.save(self, destination, prefix, keep_vars)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Puts the state of this module, without those inside it, into ``destination``."""
        for kind in ("parameter", "buffer"):
            for name, value in self._of_kind(kind).items():
                if value is not None:
                    destination[prefix + name] = value if keep_vars else value.detach()
        if self._has_extra_state("get"):
            destination[prefix + EXTRA_STATE] = self.get_extra_state()

    def get_extra_state(self) -> Any:
        """What else is to be saved; a module that has such a thing writes this and :meth:`set_extra_state`."""
        raise RuntimeError(f"{type(self).__name__}: write get_extra_state() to save more than parameters and buffers")

    def set_extra_state(self, state: Any) -> None:
        """Takes back what :meth:`get_extra_state` gave."""
        raise RuntimeError(f"{type(self).__name__}: write set_extra_state(state) to load more than tensors")

    def _has_extra_state(self, direction: str) -> bool:
        name = f"{direction}_extra_state"
        return getattr(type(self), name) is not getattr(Module, name)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> LoadResult:
        """Copies values into parameters and buffers by name. Nothing is changed when it raises.

        (A post-hook that lets missing names pass runs when the values are there; if it does not, they stay.)

        Args:
            state_dict: tensors (or NumPy arrays) by dotted name, as :meth:`state_dict` gives them.
            strict: whether missing and unexpected names are errors.
            assign: put the given tensors, with their number types, in place of the module's own instead of copying.

        Returns:
            The missing and the unexpected names.

        Raises:
            RuntimeError: for names that do not match (strict), or shapes that differ, all of them listed.
        """
        return module_state.load(self, state_dict, strict, assign)

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Takes the state of this module, without those inside it, from ``state_dict``."""
        module_state.load_own(
            self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )

    def register_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Calls ``hook(module, prefix, keep_vars)`` before :meth:`state_dict` looks at the module."""
        return add_hook(self._state_hooks, StateHook("save_pre", hook))

    def register_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Calls ``hook(module, state_dict, prefix, local_metadata)`` when the module's state is in the dict."""
        return add_hook(self._state_hooks, StateHook("save_post", hook))

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """As :meth:`register_state_dict_post_hook`; what the hook returns (if not None) replaces the dict."""
        return add_hook(self._state_hooks, StateHook("save_post", hook, replaces=True))

    def register_load_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Calls ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)``
        before the module takes its state; it may change the dict and the lists."""
        return add_hook(self._state_hooks, StateHook("load_pre", hook))

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., None], with_module: bool = False
    ) -> RemovableHandle:
        """As :meth:`register_load_state_dict_pre_hook`, by default without the module."""
        return add_hook(self._state_hooks, StateHook("load_pre", hook, with_module))

    def register_load_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Calls ``hook(module, incompatible_keys)`` when the state is loaded; it may take names out of the lists."""
        return add_hook(self._state_hooks, StateHook("load_post", hook))

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
