"""cuDNN: not used. Its flags are here because scripts set them without asking; there is nothing they could change.

Results on the CPU are the same bits in every run and for every number of threads.

Attributes:
    allow_tf32: False until it is set.
    benchmark: False until it is set.
    deterministic: True until it is set.
    enabled: False until it is set.
"""

allow_tf32 = False
benchmark = False
deterministic = True
enabled = False


def is_available() -> bool:
    """False."""
    return False


def version() -> None:
    """None: there is no cuDNN."""
