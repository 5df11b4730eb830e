"""Finds the C compiler, or says in one line what to install. Runs before anything is installed: standard library only.

``python engine/compiler.py`` prints the problem, if there is one, and nothing when all is well.
``python engine/compiler.py sanitizers`` prints the libraries that a sanitized extension needs preloaded.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

OLDEST_GCC = 10
OLDEST_CLANG = 14
INSTALL_COMPILER = "Debian, Ubuntu: apt install build-essential; Fedora: dnf install gcc; macOS: xcode-select --install"
INSTALL_HEADERS = "Debian, Ubuntu: apt install python3-dev; Fedora: dnf install python3-devel"

# Preprocessed to see which compiler this is; the words that are no macro stay as they are. The engine needs attributes.
VERSION_SOURCE = """
#if !defined(__has_attribute)
lucid_compiler other 0
#elif !__has_attribute(vector_size) || !__has_attribute(constructor)
lucid_compiler other 0
#elif defined(__clang__)
lucid_compiler clang __clang_major__
#elif defined(__GNUC__)
lucid_compiler gcc __GNUC__
#endif
"""


class CompilerError(Exception):
    """No compiler that can build the engine; the message is one line that says what to install."""


def candidates() -> list[list[str]]:
    """The compilers to try, best first: $CC alone if it is set, else the one that built Python, then usual names."""
    if os.environ.get("CC"):
        return [os.environ["CC"].split()]
    names = [sysconfig.get_config_var("CC") or "", "cc", "gcc", "clang"]
    return [name.split() for name in dict.fromkeys(names) if name]


def run(command: list[str], source: str) -> tuple[int, str]:
    """The exit code of a compiler fed with ``source``, and what it wrote."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "probe.c")
        path.write_text(source)
        done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def problem_of(compiler: list[str]) -> str | None:
    """What is wrong with one compiler; None when it can build the engine."""
    if not shutil.which(compiler[0]):
        return f"'{compiler[0]}' was not found"
    code, text = run([*compiler, "-E", "-P"], VERSION_SOURCE)
    found = re.search(r"lucid_compiler (\w+) (\d+)", text)
    if code or not found:
        return f"'{' '.join(compiler)}' does not work"
    kind, version = found[1], int(found[2])
    if kind == "other" or version < {"gcc": OLDEST_GCC, "clang": OLDEST_CLANG}[kind]:
        return f"'{' '.join(compiler)}' is {'too old' if kind == 'other' else f'{kind} {version}'}"
    code, _ = run([*compiler, "-fsyntax-only"], "#include <stdlib.h>\n#include <pthread.h>\n")
    if code:
        return f"'{' '.join(compiler)}' finds no headers of the C library"
    return None


def find() -> list[str]:
    """The compiler's command. Raises CompilerError with one line when there is none, or Python.h is missing."""
    problems = []
    for compiler in candidates():
        problem = problem_of(compiler)
        if problem is None:
            check_python_header()
            return compiler
        problems.append(problem)
    told = [p for p in problems if not p.endswith("was not found")] or problems
    wish = f"a C compiler (gcc {OLDEST_GCC} or newer, or clang {OLDEST_CLANG} or newer)"
    raise CompilerError(f"lucid needs {wish}, and {told[0]}: install one ({INSTALL_COMPILER}) or name one with CC=")


def check_python_header() -> None:
    """Raises CompilerError when Python's own C header is not installed."""
    include = sysconfig.get_paths()["include"]
    if not Path(include, "Python.h").exists():
        wish = "lucid needs Python's C headers"
        raise CompilerError(f"{wish}, and {include}/Python.h is not there: install them ({INSTALL_HEADERS})")


def sanitizer_libraries() -> list[str]:
    """The sanitizers' runtime libraries, in the order in which they are to be preloaded into Python."""
    compiler = find()
    clang = "clang" in run([*compiler, "-E", "-P"], VERSION_SOURCE)[1]
    if platform.system() == "Darwin":
        names = ["libclang_rt.asan_osx_dynamic.dylib"]
    elif clang:  # its AddressSanitizer library holds the other one too; the form of its name has changed over time
        names = [f"libclang_rt.asan-{platform.machine()}.so", "libclang_rt.asan.so"]
    else:  # libstdc++ so that exceptions of C++ extensions (SciPy's) are caught through AddressSanitizer
        names = ["libasan.so", "libubsan.so", "libstdc++.so"]
    paths = []
    for name in names:
        done = subprocess.run([*compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=False)
        if os.path.isabs(done.stdout.strip()):
            paths.append(os.path.realpath(done.stdout.strip()))
    if not paths or (not clang and len(paths) < 2):
        raise CompilerError(f"lucid's sanitized build needs the libraries {', '.join(names)} of '{' '.join(compiler)}'")
    return paths


if __name__ == "__main__":
    try:
        if sys.argv[1:] == ["sanitizers"]:
            print(":".join(sanitizer_libraries()))
        else:
            find()
    except CompilerError as problem:
        if sys.argv[1:] == ["sanitizers"]:
            sys.exit(str(problem))
        print(problem)
