"""Kinds of errors that have two names: what Python calls such a mistake, and what PyTorch raises for it.

``except ValueError`` and ``except RuntimeError`` both catch a ShapeError.
"""


class ShapeError(ValueError, RuntimeError):
    """Sizes that do not fit: shapes, dimensions, numbers of elements.

    Example:
        >>> import lucid
        >>> try:
        ...     lucid.ones(2) + lucid.ones(3)
        ... except RuntimeError as error:
        ...     print(error)
        add: shapes (2,) and (3,) do not broadcast: sizes 2 and 3 meet in dimension -1
    """


class DtypeError(TypeError, RuntimeError):
    """A number type that an operation does not take, or two that do not go together."""
