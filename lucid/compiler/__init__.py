"""Functions recorded once and made again from C: see :func:`lucid.compile`."""

from lucid.compiler.compiled import CompiledFunction, compile  # noqa: A004

__all__ = ["CompiledFunction", "compile"]
