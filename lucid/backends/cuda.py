"""CUDA: not used. Its flags are here because scripts set them without asking; there is nothing they could change.

Attributes:
    matmul: ``allow_tf32`` and two other flags; False until they are set.
"""

from types import SimpleNamespace

matmul = SimpleNamespace(
    allow_tf32=False, allow_fp16_reduced_precision_reduction=False, allow_bf16_reduced_precision_reduction=False
)


def is_built() -> bool:
    """False.

    Example:
        >>> import lucid
        >>> lucid.backends.cuda.matmul.allow_tf32 = True
        >>> lucid.backends.cuda.is_built()
        False
    """
    return False
