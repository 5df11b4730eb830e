"""What other libraries compute with: none of them is used here."""

from lucid.backends import cuda, cudnn, mps

__all__ = ["cuda", "cudnn", "mps"]
