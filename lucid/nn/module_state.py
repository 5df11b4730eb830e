"""How a module gives and takes its state. What fits is found first, and nothing is changed unless all of it does."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from lucid import engine
from lucid.autograd.grad_mode import no_grad
from lucid.autograd.graph import RemovableHandle, Value, add_hook, describe
from lucid.tensor import Parameter

EXTRA_STATE = "_extra_state"  # the name under which get_extra_state's result is kept


class LoadResult(NamedTuple):
    """What ``load_state_dict`` found: names that were missing, and names it did not expect."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class StateHook(NamedTuple):
    """A function to run when a module's state is saved or loaded.

    Attributes:
        kind: ``"save_pre"``, ``"save_post"``, ``"load_pre"`` or ``"load_post"``.
        function: the user's.
        with_module: whether a ``"load_pre"`` hook is given the module first.
        replaces: whether what a ``"save_post"`` hook returns replaces the state.
    """

    kind: str
    function: Callable[..., Any]
    with_module: bool = True
    replaces: bool = False


def state_dict(module: Any, *, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> dict[str, Any]:
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
    if destination is None:
        destination = OrderedDict()
        destination._metadata = OrderedDict()
    local_metadata = {"version": module._version}
    if hasattr(destination, "_metadata"):
        destination._metadata[prefix[:-1]] = local_metadata
    hooks = tuple(module._state_hooks.values())
    for hook in hooks:
        if hook.kind == "save_pre":
            hook.function(module, prefix, keep_vars)
    module._save_to_state_dict(destination, prefix, keep_vars)
    for name, child in module._modules.items():
        if child is not None:
            child.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
    for hook in hooks:
        if hook.kind == "save_post":
            changed = hook.function(module, destination, prefix, local_metadata)
            if changed is not None and not hook.replaces:
                raise RuntimeError("a state_dict post-hook changes the state in place and returns None")
            destination = destination if changed is None else changed
    saved: dict[str, Any] = destination
    return saved


def save_own(module: Any, destination: Any, prefix: str, keep_vars: bool) -> None:
    """Puts the state of this module, without those inside it, into ``destination``."""
    for kind in ("parameter", "buffer"):
        for name, value in module._of_kind(kind).items():
            if value is not None:
                destination[prefix + name] = value if keep_vars else value.detach()
    if module._has_extra_state("get"):
        destination[prefix + EXTRA_STATE] = module.get_extra_state()


def load_state_dict(
    module: Any, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
) -> LoadResult:
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
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"load_state_dict: expected a mapping of names to tensors, got {type(state_dict).__name__}")
    metadata = getattr(state_dict, "_metadata", None) or {}
    result = LoadResult([], [])
    problems: list[str] = []
    changes: list[Callable[[], Any]] = []
    visited: list[Any] = []

    def visit(module: Any, state: dict[str, Any], prefix: str) -> None:
        local_metadata = dict(metadata.get(prefix[:-1], {}), changes=changes)
        if assign:
            local_metadata["assign_to_params_buffers"] = True
        module._load_from_state_dict(
            state, prefix, local_metadata, True, result.missing_keys, result.unexpected_keys, problems
        )
        for name, child in module._modules.items():
            if child is not None:
                start = f"{prefix}{name}."
                visit(child, {key: value for key, value in state.items() if key.startswith(start)}, start)
        visited.append(module)

    def check() -> None:
        lines = list(problems)
        if strict and result.unexpected_keys:
            lines.insert(0, f"Unexpected key(s) in state_dict: {_quoted(result.unexpected_keys)}. ")
        if strict and result.missing_keys:
            lines.insert(0, f"Missing key(s) in state_dict: {_quoted(result.missing_keys)}. ")
        if lines:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(module).__name__}:\n\t" + "\n\t".join(lines))

    visit(module, OrderedDict(state_dict), "")
    hooks = [(m, hook.function) for m in visited for hook in m._state_hooks.values() if hook.kind == "load_post"]
    if not hooks or problems:
        check()
    with no_grad():
        for change in changes:
            change()
    for owner, hook in hooks:  # they may take names out of the lists
        if hook(owner, result) is not None:
            raise RuntimeError("a load_state_dict post-hook changes the lists of names in place and returns None")
    check()
    return result


def load_own(
    module: Any,
    state_dict: Any,
    prefix: str,
    local_metadata: dict[str, Any],
    strict: bool,
    missing_keys: list[str],
    unexpected_keys: list[str],
    error_msgs: list[str],
) -> None:
    """Takes the state of this module, without those inside it, from ``state_dict``."""
    arguments = (state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
    for hook in tuple(module._state_hooks.values()):
        if hook.kind == "load_pre":
            hook.function(*((module, *arguments) if hook.with_module else arguments))
    own = {**module._of_kind("parameter"), **module._of_kind("buffer")}
    own = {name: value for name, value in own.items() if value is not None}
    assign = local_metadata.get("assign_to_params_buffers", False)
    changes: list[Callable[[], Any]] = []
    for name, mine in own.items():
        key = prefix + name
        if key not in state_dict:
            if strict:
                missing_keys.append(key)
            continue
        given = _as_tensor(state_dict[key])
        if given is None:
            error_msgs.append(
                f'While copying the parameter named "{key}", expected a tensor or a NumPy array from checkpoint but '
                f"received {describe(state_dict[key])}"
            )
            continue
        if mine.shape == () and given.shape == (1,):  # how scalars were once written
            given = given[0]
        if given.shape != mine.shape:
            error_msgs.append(
                f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, the shape in "
                f"current model is {mine.shape}."
            )
        elif assign:
            changes.append(partial(setattr, module, name, _in_place_of(mine, given)))
        else:
            changes.append(partial(mine.copy_, given))
    extra = prefix + EXTRA_STATE
    if module._has_extra_state("set"):
        if extra in state_dict:
            changes.append(partial(module.set_extra_state, state_dict[extra]))
        elif strict:
            missing_keys.append(extra)
    elif strict and extra in state_dict:
        unexpected_keys.append(extra)
    if strict:
        for key in state_dict:
            if key.startswith(prefix) and key != extra:
                first, dot, _ = key[len(prefix) :].partition(".")
                if first not in (module._modules if dot else own):
                    unexpected_keys.append(key)
    if "changes" in local_metadata:
        local_metadata["changes"].extend(changes)
    else:  # called by itself, outside load_state_dict
        with no_grad():
            for change in changes:
                change()


def _as_tensor(value: Any) -> Any:
    """A tensor or a NumPy array as a tensor; None for anything else."""
    if isinstance(value, Value):
        return value
    try:
        return engine.wrap(value.view(np.ndarray))
    except (AttributeError, TypeError, ValueError):
        return None


def _in_place_of(mine: Any, given: Any) -> Any:
    """``given`` itself, as a Parameter where a Parameter was."""
    if isinstance(mine, Parameter) and not isinstance(given, Parameter):
        return Parameter(given.detach(), requires_grad=mine.requires_grad)
    return given


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


# ---------------------------------------------------------------------------------------------------------------------
# Hooks


def register_state_dict_pre_hook(module: Any, hook: Callable[..., None]) -> RemovableHandle:
    """Calls ``hook(module, prefix, keep_vars)`` before :meth:`state_dict` looks at the module."""
    return add_hook(module._state_hooks, StateHook("save_pre", hook))


def register_state_dict_post_hook(module: Any, hook: Callable[..., None]) -> RemovableHandle:
    """Calls ``hook(module, state_dict, prefix, local_metadata)`` when the module's state is in the dict."""
    return add_hook(module._state_hooks, StateHook("save_post", hook))


def register_state_dict_hook(module: Any, hook: Callable[..., Any]) -> RemovableHandle:
    """As :meth:`register_state_dict_post_hook`; what the hook returns (if not None) replaces the dict."""
    return add_hook(module._state_hooks, StateHook("save_post", hook, replaces=True))


def register_load_state_dict_pre_hook(module: Any, hook: Callable[..., None]) -> RemovableHandle:
    """Calls ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)``
    before the module takes its state; it may change the dict and the lists."""
    return add_hook(module._state_hooks, StateHook("load_pre", hook))


def register_load_pre_hook(module: Any, hook: Callable[..., None], with_module: bool = False) -> RemovableHandle:
    """As :meth:`register_load_state_dict_pre_hook`, by default without the module."""
    return add_hook(module._state_hooks, StateHook("load_pre", hook, with_module))


def register_load_state_dict_post_hook(module: Any, hook: Callable[..., None]) -> RemovableHandle:
    """Calls ``hook(module, incompatible_keys)`` when the state is loaded; it may take names out of the lists."""
    return add_hook(module._state_hooks, StateHook("load_post", hook))
