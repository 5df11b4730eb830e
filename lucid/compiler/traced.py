"""Arrays that tell when their numbers are read by anything but the engine.

While a function is recorded, every tensor's ``array`` is seen as a TracedArray. What only looks at memory (shapes,
strides, slices, reshapes without a copy) works as always. All else, which the recorded program could not repeat,
is reported first, and then done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

report: list[Callable[[str], None]] = []  # the last one is told what was done

# What looks at memory, and gives another view of it.
_VIEWS = {"reshape", "transpose", "swapaxes", "squeeze", "view", "ravel", "diagonal", "__getitem__"}
_QUERIES = {
    "__new__", "__init__", "__init_subclass__", "__subclasshook__", "__class__", "__class_getitem__", "__dir__",
    "__getattribute__", "__setattr__", "__delattr__", "__hash__", "__len__", "__sizeof__", "__array_finalize__",
    "__array_ufunc__", "__array_function__", "__array_interface__", "__array_struct__", "__array_priority__",
    "__array_wrap__", "__array__", "__repr__", "__str__", "__format__", "__buffer__", "__release_buffer__",
    "setflags", "getfield",
}  # fmt: skip
_VIEW_FUNCTIONS = {
    np.broadcast_to, np.expand_dims, np.moveaxis, np.swapaxes, np.transpose, np.squeeze, np.reshape, np.ravel,
    np.diagonal, np.may_share_memory, np.shares_memory, np.shape, np.ndim, np.size, np.lib.stride_tricks.as_strided,
    np.lib.stride_tricks.sliding_window_view, np.lib.array_utils.byte_bounds, np.split, np.array_split,
}  # fmt: skip


def watched(array: np.ndarray) -> TracedArray:
    """A tensor's array as a TracedArray."""
    view = array.view(TracedArray)
    view.shown = array
    return view


def plain(x: Any) -> Any:
    """``x`` with every TracedArray in it as an ordinary array."""
    if isinstance(x, TracedArray):
        return np.ndarray.view(x, np.ndarray)
    if type(x) in (tuple, list):
        return type(x)(plain(item) for item in x)
    if isinstance(x, dict):
        return {key: plain(value) for key, value in x.items()}
    return x


def _told(what: str) -> None:
    if report:
        report[-1](what)


class TracedArray(np.ndarray):
    """See the module.

    Attributes:
        shown: the tensor's own array; None for a further view of it.
    """

    shown: np.ndarray | None = None

    @property
    def base(self) -> Any:
        """As that of the tensor's array."""
        return super().base if self.shown is None else self.shown.base

    @property
    def flags(self) -> Any:
        """Those of the tensor's array, so that they can be set."""
        return super().flags if self.shown is None else self.shown.flags

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        _told(f"numpy.{ufunc.__name__}")
        return getattr(ufunc, method)(*plain(inputs), **plain(options))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        result = function(*plain(args), **plain(kwargs))
        if function in _VIEW_FUNCTIONS:
            return _seen(self, result, function.__name__)
        _told(f"numpy.{function.__name__}")
        return result


def _seen(source: np.ndarray, result: Any, name: str) -> Any:
    """A view of ``source`` as a TracedArray; a copy, or a number of it, is reported."""
    if isinstance(result, (tuple, list)):
        return type(result)(_seen(source, item, name) for item in result)
    if isinstance(result, np.ndarray) and (not result.size or np.may_share_memory(result, plain(source))):
        return np.ndarray.view(result, TracedArray)
    if isinstance(result, (np.ndarray, np.generic)):
        _told(f"ndarray.{name}")
    return result


def _method(name: str) -> Any:
    """The method of ndarray of this name, watched."""
    own = getattr(np.ndarray, name)

    def method(self: TracedArray, *args: Any, **kwargs: Any) -> Any:
        result = own(plain(self), *plain(args), **plain(kwargs))
        if name in _VIEWS and (args or name != "view"):
            return _seen(self, result, name)
        _told(f"ndarray.{name}")
        return result

    method.__name__ = name
    return method


_COMPARISONS = {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__reduce__", "__reduce_ex__"}
for _name in dir(np.ndarray):
    if _name in _COMPARISONS or (_name not in _QUERIES and not hasattr(object, _name)):
        if callable(getattr(np.ndarray, _name)):
            setattr(TracedArray, _name, _method(_name))
