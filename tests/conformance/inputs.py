"""The inputs of a case: the same numbers for every framework."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np


class Inputs:
    """Makes the inputs of one run of one case. ``x(3, 4)`` is a float tensor that requires a gradient.

    Args:
        framework: the module to make tensors with.
        dtype: "float32" or "float64", the type of the float inputs.
        key: names the run; the same key gives the same numbers.

    Attributes:
        dtype: the framework's object for that type.
        learned: the tensors whose gradients are compared, in the order in which they were made.
        states: what modules given to :meth:`module` hold: names, shapes and types.
    """

    def __init__(self, framework: Any, dtype: str, key: str) -> None:
        self._framework = framework
        self._numpy = np.dtype(dtype)
        self.dtype = getattr(framework, dtype)
        self._random = np.random.default_rng(zlib.crc32(key.encode()))
        self.learned: list[Any] = []
        self.states: list[Any] = []

    def _learned(self, array: Any) -> Any:
        made = self._framework.tensor(np.asarray(array, self._numpy), requires_grad=True)
        self.learned.append(made)
        return made

    def __call__(self, *shape: int) -> Any:
        """Standard normal numbers."""
        return self._learned(self._random.standard_normal(shape))

    def uniform(self, low: float, high: float, *shape: int) -> Any:
        """Numbers from [low, high)."""
        return self._learned(self._random.uniform(low, high, shape))

    def positive(self, *shape: int) -> Any:
        """Numbers from [0.2, 2)."""
        return self.uniform(0.2, 2.0, *shape)

    def values(self, data: Any) -> Any:
        """The given numbers, as a float tensor that requires a gradient."""
        return self._learned(data)

    def int(self, *shape: int, low: int = -5, high: int = 6, dtype: str = "int64") -> Any:
        """Integers from [low, high)."""
        return self._framework.tensor(np.asarray(self._random.integers(low, high, shape), dtype))

    def bool(self, *shape: int) -> Any:
        """True and False."""
        return self._framework.tensor(np.asarray(self._random.integers(0, 2, shape), "bool"))

    def tensor(self, data: Any, dtype: str | None = None) -> Any:
        """The given numbers, without gradient; floats become the run's type when ``dtype`` is None."""
        array = np.asarray(data, dtype)
        if dtype is None and array.dtype.kind == "f":
            array = array.astype(self._numpy)
        return self._framework.tensor(array)

    def numpy(self, *shape: int) -> np.ndarray[Any, Any]:
        """Standard normal numbers as a NumPy array of the run's type."""
        return np.asarray(self._random.standard_normal(shape), self._numpy)

    def module(self, module: Any) -> Any:
        """The module in the run's number type, its parameters filled with the same numbers in every framework.

        Their gradients are compared, and so are the names, shapes and types in its ``state_dict``.
        """
        module = module.double() if self._numpy == np.float64 else module.float()
        own = dict(module.state_dict())
        self.states.append([(name, tuple(value.shape), value.dtype) for name, value in own.items()])
        parameters = dict(module.named_parameters())
        for name in sorted(parameters):
            size = tuple(own[name].shape)
            own[name] = self._framework.tensor(np.asarray(self._random.standard_normal(size) * 0.5, self._numpy))
        module.load_state_dict(own)
        self.learned += [parameters[name] for name in sorted(parameters)]
        return module
