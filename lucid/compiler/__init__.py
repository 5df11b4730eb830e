"""Functions recorded once and made again from C: see :func:`lucid.compile`."""

from lucid.compiler.compile import compile  # noqa: A004
from lucid.compiler.compiled import CompiledFunction
from lucid.compiler.module import CompiledModule

__all__ = ["CompiledFunction", "CompiledModule", "compile"]
