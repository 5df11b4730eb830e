"""What other libraries compute with: none of them is used here."""

from lucid.backends import cudnn, mps

__all__ = ["cudnn", "mps"]
