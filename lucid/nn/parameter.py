"""PyTorch's longer path to Parameter."""

from lucid.tensor import Parameter

__all__ = ["Parameter"]
