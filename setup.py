"""Builds the C engine; everything else is in pyproject.toml."""

import sys
from pathlib import Path

from setuptools import setup

sys.path.insert(0, str(Path(__file__).resolve().parent / "engine"))

from build import BuildEngine, extension  # noqa: E402

setup(ext_modules=[extension()], cmdclass={"build_ext": BuildEngine})
