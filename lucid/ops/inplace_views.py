"""Views in place: the tensor itself is seen in another shape afterwards. Its memory stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lucid import engine
from lucid.autograd.grad_mode import mode
from lucid.autograd.graph import Value, detached_alias
from lucid.errors import ArgumentError
from lucid.ops import shape, view
from lucid.ops.elementwise import need_tensor
from lucid.ops.rebase import _move
from lucid.types import Tensor


def _inplace_view(name: str, operation: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def apply(input: Tensor, *args: Any, **options: Any) -> Tensor:
        need_tensor(name, input)
        if mode.recording and input.requires_grad and input.node is None:
            raise RuntimeError(f"{name}: a leaf that requires grad cannot be changed in place while recording")
        before = detached_alias(input)
        before.requires_grad, before.node = input.requires_grad, input.node
        recording, mode.recording = mode.recording, mode.recording or input.node is not None
        try:
            seen = operation(before, *args, **options)
        finally:
            mode.recording = recording
        if seen is before:
            return input
        input.array, input.pointer, input.shape, input.strides = seen.array, seen.pointer, seen.shape, seen.strides
        input.version[0] += 1
        if input.node is not None and seen.node is not None:
            _move(input, seen.node)
        return input

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"In-place form of :func:`{name[:-1]}`: the tensor itself gets the shape."
    return apply


squeeze_, unsqueeze_ = _inplace_view("squeeze_", view.squeeze), _inplace_view("unsqueeze_", view.unsqueeze)
t_, transpose_ = _inplace_view("t_", view.t), _inplace_view("transpose_", view.transpose)
swapaxes_ = _inplace_view("swapaxes_", shape.swapaxes)
swapdims_ = _inplace_view("swapdims_", shape.swapdims)


def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A view of the memory of ``input`` by sizes and steps, without any regard to its shape.

    Args:
        input: contiguous; for another one take ``x.contiguous()``.
        size: the shape of the view.
        stride: the steps between neighbours along each dimension, in numbers.
        storage_offset: where it begins, counted from the first number of the input; 0 unless given.

    Raises:
        ValueError: when it leads out of the memory, or the input is not contiguous.
        RuntimeError: for a tensor that requires a gradient: unfold, expand and slices are recorded, this is not.

    Example:
        >>> import lucid
        >>> lucid.as_strided(lucid.arange(5), (3, 2), (1, 1)).tolist()
        [[0, 1], [1, 2], [2, 3]]
    """
    need_tensor("as_strided", input)
    sizes, strides = tuple(size), tuple(stride)
    if len(sizes) != len(strides) or input.strides is not None:
        raise ArgumentError(f"as_strided: size {sizes} and stride {strides} must be as long, and the input contiguous")
    if mode.recording and isinstance(input, Value) and input.requires_grad:
        raise RuntimeError("as_strided: is not recorded for gradients; use unfold, expand or slices")
    return engine.strided(input, sizes, strides, storage_offset or 0)
