"""Mixed precision as far as there is any: everything is float32 or float64, and half precision is refused."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from lucid import engine
from lucid.autograd import no_grad
from lucid.autograd.graph import Value
from lucid.devices import device as device_class


def _is_there(device_type: str) -> bool:
    try:
        device_class(device_type)
    except ValueError:
        return False
    return True


class autocast(contextlib.ContextDecorator):  # noqa: N801
    """Where PyTorch computes in half precision, lucid computes as without it.

    Args:
        device_type: ``"cpu"``; for another device it warns that there is none, and is disabled, as PyTorch's is then.
        dtype: float32 to enable it. PyTorch's default on the CPU is bfloat16.
        enabled: False for a region that is as if autocast were not there.
        cache_enabled: whether PyTorch keeps converted weights; nothing is converted here.

    Raises:
        TypeError: when it is enabled for half precision, which is not there.

    Example:
        >>> import lucid
        >>> with lucid.amp.autocast("cpu", dtype=lucid.float32):
        ...     y = lucid.ones(2) @ lucid.ones(2)
        >>> y.dtype
        lucid.float32
    """

    def __init__(
        self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if enabled and not _is_there(device_type):
            warnings.warn(f"autocast: there is no device {device_type!r}; disabled", UserWarning, stacklevel=2)
            enabled = False
        if enabled and (dtype is None or engine.dtype_of(dtype) is not engine.float32):
            raise TypeError(
                f"autocast: {'bfloat16, the default on the CPU,' if dtype is None else dtype} is not there; "
                "pass enabled=False, or dtype=lucid.float32"
            )
        self.enabled = enabled

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *exception: object) -> None:
        pass


class GradScaler:
    """Scales the loss so that small gradients do not vanish, and takes the scale out of them again.

    The scale s grows by ``growth_factor`` after ``growth_interval`` steps in a row without infinite or NaN gradients. A
    step with such gradients is skipped, and s shrinks by ``backoff_factor``.

    Args:
        device: ``"cpu"``. For another device (PyTorch's default is ``"cuda"``) it warns that there is none, and is
            disabled, as PyTorch's is then.
        init_scale: s at the start.
        growth_factor: above 1.
        backoff_factor: below 1.
        growth_interval: in steps.
        enabled: False for a scaler that changes nothing: ``scale`` gives back what it gets, ``step`` is the
            optimizer's own.

    Raises:
        ValueError: for a factor on the wrong side of 1.

    Source: Micikevicius et al., "Mixed Precision Training", ICLR (2018).

    Example:
        >>> import lucid
        >>> model = lucid.nn.Linear(3, 1)
        >>> optimizer = lucid.optim.SGD(model.parameters(), lr=0.1)
        >>> scaler = lucid.amp.GradScaler("cpu")
        >>> scaler.scale(model(lucid.ones(2, 3)).mean()).backward()
        >>> scaler.step(optimizer)
        >>> scaler.update()
        >>> model.bias.grad.item(), scaler.get_scale()
        (1.0, 65536.0)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if enabled and not _is_there(device):
            warnings.warn(f"GradScaler: there is no device {device!r}; disabled", UserWarning, stacklevel=2)
            enabled = False
        if growth_factor <= 1.0 or not 0.0 < backoff_factor < 1.0:
            raise ValueError(
                f"GradScaler: growth_factor must be above 1 and backoff_factor from 0 to 1, "
                f"got {growth_factor} and {backoff_factor}"
            )
        self._enabled = enabled
        self._scale = float(init_scale)
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._good_steps = 0
        self._found: dict[int, bool] = {}  # by optimizer: whether its gradients, unscaled, are infinite or NaN
        self._stepped: set[int] = set()

    def is_enabled(self) -> bool:
        """Whether it does anything."""
        return self._enabled

    def get_scale(self) -> float:
        """s; 1 when disabled."""
        return self._scale if self._enabled else 1.0

    def scale(self, outputs: Any) -> Any:
        """A tensor, or several in a list, multiplied by s."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Value):
            return outputs * self._scale  # type: ignore[operator]
        if isinstance(outputs, Iterable):
            return type(outputs)(self.scale(x) for x in outputs)  # type: ignore[call-arg]
        raise TypeError(f"scale: expected a tensor or several, got {type(outputs).__name__}")

    def unscale_(self, optimizer: Any) -> None:
        """Divides the gradients of an optimizer's parameters by s; to be called before they are clipped.

        Raises:
            RuntimeError: when it was called already since the last update.
        """
        if not self._enabled:
            return
        if id(optimizer) in self._found:
            raise RuntimeError(
                "unscale_: the gradients of this optimizer were unscaled already since the last update()"
            )
        if id(optimizer) in self._stepped:
            raise RuntimeError("unscale_: comes after step(); call update() first")
        bad = False
        with no_grad():
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        parameter.grad.mul_(1.0 / self._scale)
                        bad = bad or not bool(np.isfinite(parameter.grad.array).all())
        self._found[id(optimizer)] = bad

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step(...)`` on unscaled gradients; skipped, giving None, when one is infinite or NaN.

        Raises:
            RuntimeError: when called twice for an optimizer without :meth:`update`.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs or any(callable(x) for x in args):
            raise RuntimeError("step: a closure cannot be used while the scaler is enabled")
        if id(optimizer) in self._stepped:
            raise RuntimeError("step: was called already for this optimizer since the last update()")
        if id(optimizer) not in self._found:
            self.unscale_(optimizer)
        self._stepped.add(id(optimizer))
        return None if self._found[id(optimizer)] else optimizer.step(*args, **kwargs)

    def update(self, new_scale: float | None = None) -> None:
        """Adapts s after a step, or sets it.

        Raises:
            RuntimeError: when there was no step, and no new scale is given.
        """
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale = float(new_scale)
        elif not self._found:
            raise RuntimeError("update: there was no step since the last update(); call step(optimizer) first")
        elif any(self._found.values()):
            self._scale *= self._backoff_factor
            self._good_steps = 0
        else:
            self._good_steps += 1
            if self._good_steps == self._growth_interval:
                grown = self._scale * self._growth_factor
                self._scale = grown if math.isfinite(grown) else self._scale
                self._good_steps = 0
        self._found.clear()
        self._stepped.clear()

    def state_dict(self) -> dict[str, Any]:
        """Scale, factors and the count of good steps; empty when disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self._scale,
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._good_steps,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes back to what :meth:`state_dict` gave.

        Raises:
            RuntimeError: for the state of a disabled scaler.
        """
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError("load_state_dict: the state is empty; it was saved from a disabled GradScaler")
        self._scale = state_dict["scale"]
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._good_steps = state_dict["_growth_tracker"]


def custom_fwd(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Marks the ``forward`` of a Function for autocast; nothing is converted, so it stays as it is."""
    return function if function is not None else lambda f: f


custom_bwd = custom_fwd
