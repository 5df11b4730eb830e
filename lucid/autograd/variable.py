"""Variable: what tensors with gradients were called before 2018. A tensor is all of it now."""

from __future__ import annotations

from typing import Any

from lucid.autograd.graph import Value, describe, detached_alias
from lucid.errors import KindError


class _VariableType(type):
    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, Value)

    def __call__(cls, data: Any, requires_grad: bool = False) -> Any:
        if not isinstance(data, Value):
            raise KindError(f"Variable: expected a tensor, got {type(data).__name__}")
        if requires_grad and not data.dtype.is_floating_point:
            raise RuntimeError(f"Variable: only floating-point tensors have gradients, not {describe(data)}")
        x = detached_alias(data)
        x.base = None
        x.requires_grad = bool(requires_grad)
        return x


class Variable(metaclass=_VariableType):
    """``Variable(x, requires_grad)``: a leaf on the memory of ``x``. Every tensor is a Variable for ``isinstance``.

    Example:
        >>> import lucid
        >>> x = lucid.autograd.Variable(lucid.ones(2), requires_grad=True)
        >>> x, isinstance(x, lucid.autograd.Variable)
        (tensor([1., 1.], requires_grad=True), True)
    """
