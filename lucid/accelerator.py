"""Accelerators: there are none."""


def is_available() -> bool:
    """False.

    Example:
        >>> import lucid
        >>> lucid.accelerator.is_available(), lucid.accelerator.device_count(), lucid.accelerator.current_accelerator()
        (False, 0, None)
    """
    return False


def device_count() -> int:
    """0."""
    return 0


def current_accelerator(check_available: bool = False) -> None:
    """None."""
