"""Errors of two kinds at once, for programs that were written for PyTorch.

Python's word for a shape that does not fit is ValueError, and for a wrong number type TypeError. PyTorch raises
RuntimeError for both. The errors here are caught by either name.
"""

from __future__ import annotations


class ArgumentError(ValueError, RuntimeError):
    """A number, shape or option that does not fit.

    Example:
        >>> import lucid
        >>> try:
        ...     lucid.ones(2) + lucid.ones(3)
        ... except RuntimeError as error:
        ...     print(isinstance(error, ValueError))
        True
    """


class KindError(TypeError, RuntimeError):
    """A thing of the wrong kind, or a tensor of the wrong number type."""


class DivisionError(ZeroDivisionError, RuntimeError):
    """Integers divided by zero."""


class PositionError(IndexError, ValueError, RuntimeError):
    """A dimension or an element that is not there."""
