"""Whether operations are recorded for backward: one flag per thread."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any, TypeVar, overload

F = TypeVar("F", bound=Callable[..., Any])
Mode = TypeVar("Mode", bound="_GradMode")


class _Mode(threading.local):
    recording = True


mode = _Mode()


class _GradMode:
    """A context manager and decorator that sets the flag and puts back what it was."""

    recording = True

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(mode.recording)
        mode.recording = self.recording

    def __exit__(self, *exception: object) -> None:
        mode.recording = self._before.pop()

    def __call__(self, function: F) -> F:
        recording = self.recording
        if inspect.isgeneratorfunction(function):
            generator: F = _wrap_generator(function, recording)
            return generator

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            before, mode.recording = mode.recording, recording
            try:
                return function(*args, **kwargs)
            finally:
                mode.recording = before

        return wrapped  # type: ignore[return-value]


def _wrap_generator(function: Any, recording: bool) -> Any:
    """A generator runs under the flag only while it runs, not while its caller does."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        generator = function(*args, **kwargs)
        resume: Callable[[], Any] = lambda: next(generator)  # noqa: E731
        while True:
            before, mode.recording = mode.recording, recording
            try:
                value = resume()
            except StopIteration as stop:
                return stop.value
            finally:
                mode.recording = before
            try:
                sent = yield value
            except GeneratorExit:
                generator.close()
                raise
            except BaseException as error:
                resume = functools.partial(generator.throw, error)
            else:
                resume = functools.partial(generator.send, sent)

    return wrapped


class no_grad(_GradMode):  # noqa: N801
    """Operations inside are not recorded: their results do not require gradients.

    A context manager and a decorator, as in PyTorch.

    Example:
        >>> import lucid
        >>> w = lucid.ones(2, requires_grad=True)
        >>> with lucid.no_grad():
        ...     y = w * 2
        >>> y.requires_grad
        False
    """

    recording = False

    @overload
    def __new__(cls: type[Mode], function: None = None) -> Mode: ...
    @overload
    def __new__(cls, function: Callable[..., Any]) -> Any: ...
    def __new__(cls, function: Any = None) -> Any:
        """``@no_grad`` without parentheses decorates at once."""
        self = super().__new__(cls)
        if function is None:
            return self
        self.__init__()  # type: ignore[misc]
        return self(function)


class enable_grad(no_grad):  # noqa: N801
    """Operations inside are recorded, also within ``no_grad``.

    Example:
        >>> import lucid
        >>> w = lucid.ones(2, requires_grad=True)
        >>> with lucid.no_grad(), lucid.enable_grad():
        ...     y = w * 2
        >>> y.requires_grad
        True
    """

    recording = True


class inference_mode(_GradMode):  # noqa: N801
    """As ``no_grad``, for code that will never need gradients; ``inference_mode(False)`` records as usual.

    Example:
        >>> import lucid
        >>> w = lucid.ones(2, requires_grad=True)
        >>> with lucid.inference_mode():
        ...     y = w * 2
        >>> y.requires_grad
        False
    """

    @overload
    def __new__(cls: type[Mode], mode: bool = True) -> Mode: ...
    @overload
    def __new__(cls, mode: Callable[..., Any]) -> Any: ...
    def __new__(cls, mode: Any = True) -> Any:
        """``@inference_mode`` without parentheses decorates at once."""
        self = super().__new__(cls)
        if not callable(mode):
            return self
        self.__init__()  # type: ignore[misc]
        return self(mode)

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self.recording = not mode


class set_grad_enabled(_GradMode):  # noqa: N801
    """Switches recording on or off: at once, and as a context manager for its body only.

    Args:
        mode: whether to record.

    Example:
        >>> import lucid
        >>> with lucid.set_grad_enabled(False):
        ...     lucid.is_grad_enabled()
        False
    """

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.recording = bool(mode)
        self._outside = is_grad_enabled()
        _set(self.recording)

    def __enter__(self) -> None:
        self._before.append(self._outside)
        _set(self.recording)

    def __call__(self, function: F) -> F:
        _set(self._outside)
        return super().__call__(function)


def _set(recording: bool) -> None:
    mode.recording = recording


def is_grad_enabled() -> bool:
    """Whether operations are being recorded in this thread."""
    return mode.recording
