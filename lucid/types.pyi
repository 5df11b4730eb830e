from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # the checkers read tensor.py after the modules that its class body is made of
    from lucid.tensor import Tensor as Tensor

Operand: TypeAlias = Tensor | float
