"""Apple's Metal: not used."""


def is_available() -> bool:
    """False.

    Example:
        >>> import lucid
        >>> lucid.backends.mps.is_available()
        False
    """
    return False


def is_built() -> bool:
    """False."""
    return False
