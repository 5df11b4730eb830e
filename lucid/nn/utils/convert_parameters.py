"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lucid.autograd.graph import Value, describe
from lucid.errors import ArgumentError
from lucid.ops.joining import cat
from lucid.types import Tensor


def list_of_tensors(operation: str, given: Any) -> list[Any]:
    """One tensor, or an iterable of tensors, as a list.

    Raises:
        TypeError: for something else.
    """
    tensors = [given] if isinstance(given, Value) else list(given)
    for number, x in enumerate(tensors):
        if not isinstance(x, Value):
            raise TypeError(f"{operation}: expected tensors, but number {number} is {describe(x)}")
    return tensors


def parameters_to_vector(parameters: Tensor | Iterable[Tensor]) -> Tensor:
    """The numbers of all parameters, one after the other, in a new vector. Gradients flow back to them.

    Args:
        parameters: one tensor, or an iterable of tensors.

    Returns:
        A tensor [numbers of all parameters]; of the widest of their number types.

    Raises:
        ValueError: when there are none.
        TypeError: for what is not a tensor.

    Example:
        >>> import lucid
        >>> lucid.nn.utils.parameters_to_vector([lucid.ones(1, 2), lucid.zeros(3)])
        tensor([1., 1., 0., 0., 0.])
    """
    return cat([p.reshape(-1) for p in list_of_tensors("parameters_to_vector", parameters)])


def vector_to_parameters(vec: Tensor, parameters: Tensor | Iterable[Tensor]) -> None:
    """Gives the parameters the numbers of a vector, in order. As in PyTorch they then share its memory.

    Args:
        vec: a tensor [numbers of all parameters]; more are left over. Parameters take its number type.
        parameters: one tensor, or an iterable of tensors.

    Raises:
        TypeError: when vec is not a tensor, or not floating point while a parameter requires a gradient.
        ValueError: when vec is not one-dimensional or too short. Then nothing is changed.

    Example:
        >>> import lucid
        >>> model = lucid.nn.Linear(2, 1)
        >>> lucid.nn.utils.vector_to_parameters(lucid.tensor([1.0, 2.0, 3.0]), model.parameters())
        >>> model.weight.tolist(), model.bias.tolist()
        ([[1.0, 2.0]], [3.0])
    """
    operation = "vector_to_parameters"
    if not isinstance(vec, Value):
        raise TypeError(f"{operation}: vec must be a tensor, got {describe(vec)}")
    found = list_of_tensors(operation, parameters)
    needed = sum(p.numel() for p in found)
    if vec.shape != (vec.array.size,) or needed > vec.array.size:
        raise ArgumentError(f"{operation}: the parameters need a vector of {needed} numbers, got shape {vec.shape}")
    if not vec.dtype.is_floating_point and any(p.requires_grad for p in found):
        raise TypeError(f"{operation}: parameters that require a gradient cannot be {vec.dtype}")
    source: Any = vec.detach()
    at = 0
    for p in found:
        p.data = source[at : at + p.numel()].view(p.shape).data
        at += p.numel()
