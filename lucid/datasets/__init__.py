"""Data sets that come with lucid, small enough to need no download."""

from lucid.datasets.optical_digits import digits

__all__ = ["digits"]
