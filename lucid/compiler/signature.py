"""What a recorded run takes for granted of the arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lucid.autograd.graph import Value
from lucid.compiler import tree

_BY_VALUE = (bool, int, float, str, bytes, type(None), complex)


class Arguments:
    """The arguments of a call, as a flat list.

    Attributes:
        leaves: what stands in the positional arguments, and in those by name.
        structure: how they were nested; None for positional arguments that are not nested.
    """

    __slots__ = ("leaves", "structure")

    def __init__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        if kwargs or any(isinstance(x, (tuple, list, dict)) for x in args):
            self.leaves: Sequence[Any] = list(tree.leaves((args, kwargs)))
            self.structure: Any = tree.structure((args, kwargs))
        else:
            self.leaves, self.structure = args, None


class Signature:
    """What the arguments of a run were like.

    Args:
        arguments: of the run.

    Attributes:
        inputs: the tensors among them, each once.
        places: where in the flat list each of them stands.
    """

    __slots__ = ("inputs", "others", "places", "structure", "tensors")

    def __init__(self, arguments: Arguments) -> None:
        self.structure = arguments.structure
        self.inputs: list[Any] = []
        self.places: list[int] = []
        self.tensors: list[tuple[int, Any, Any, Any, Any, bool, int]] = []
        self.others: list[tuple[int, type, Any]] = []
        first: dict[int, int] = {}
        for place, x in enumerate(arguments.leaves):
            if isinstance(x, Value):
                where = first.setdefault(id(x), place)
                self.tensors.append((place, type(x), x.shape, x.dtype, x.strides, x.requires_grad, where))
                if where == place:
                    self.inputs.append(x)
                    self.places.append(place)
            else:
                self.others.append((place, type(x), x))

    def array(self) -> bool:
        """Whether a NumPy array is among the arguments."""
        return any(issubclass(kind, np.ndarray) for _, kind, _ in self.others)

    def accepts(self, arguments: Arguments) -> bool:
        """Whether other arguments are alike: tensors in form, numbers and texts in value, all else the same objects.

        (Arrays are alike, because a function that is given one runs eagerly.)
        """
        leaves = arguments.leaves
        if self.structure != arguments.structure or len(leaves) != len(self.tensors) + len(self.others):
            return False
        for place, kind, shape, dtype, strides, requires_grad, first in self.tensors:
            x = leaves[place]
            if (
                type(x) is not kind
                or x.shape != shape
                or x.dtype is not dtype
                or x.strides != strides
                or x.requires_grad is not requires_grad
                or (first != place and x is not leaves[first])
            ):
                return False
        for place, kind, value in self.others:
            x = leaves[place]
            if x is not value and (
                type(x) is not kind or not (kind is np.ndarray or (kind in _BY_VALUE and x == value))
            ):
                return False
        return True
