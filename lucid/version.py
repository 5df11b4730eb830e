"""The version of lucid: the one place where it is written (pyproject.toml reads it from here)."""

__version__ = "0.1.0"
cuda = None  # the version of CUDA it was built with, which scripts print
