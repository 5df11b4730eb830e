"""Builds the C engine; everything else is in pyproject.toml."""

import sys
from pathlib import Path

from setuptools import setup

sys.path.insert(0, str(Path(__file__).resolve().parent / "engine"))

from build import BuildEngine, BuildPackage, extension, wheel_options  # noqa: E402

setup(
    ext_modules=[extension()],
    cmdclass={"build_py": BuildPackage, "build_ext": BuildEngine},
    options={"bdist_wheel": wheel_options()},
)
