"""Builds lucid._engine: the C engine, one copy of each kernel per instruction set and real type.

What happens here, in order:

1. ``lucid_engine.h`` is read. Between its ``generic`` markers everything is written once, with ``real`` for the number
   type; it is expanded to float (``add_real`` becomes ``add_f32``) and double (``add_f64``).
2. Every file of ``kernels/`` and ``optim/`` is compiled once per instruction set and real type, under its own names
   (``add_f32_avx2``), which a generated header of #defines gives it.
3. A generated ``dispatch.c`` holds, for each function, a pointer to the copy chosen at start-up and a function with the
   plain name that calls it, and that can be recorded into a program (see ``runtime/program.c`` and ``recordables.py``).
4. cffi (API mode) compiles the door from Python to those plain names.

Used by ``setup.py``; ``python setup.py build_ext --inplace`` rebuilds only what changed.
Environment: ``LUCID_SANITIZE=1`` builds with AddressSanitizer and UndefinedBehaviorSanitizer; ``CC`` names the compiler
(compiler.py checks it); on macOS ``ARCHFLAGS="-arch x86_64"`` builds for the other processor.
"""

from __future__ import annotations

import concurrent.futures
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import compiler
import recordables
from cffi import FFI
from setuptools import Extension
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

ENGINE = Path(__file__).resolve().parent
HEADER = ENGINE / "lucid_engine.h"

# The instruction sets of each processor family, narrowest first: the name used by LUCID_SIMD, and the compiler's flags.
LEVELS = {
    "x86_64": {
        "baseline": [],
        "avx2": ["-mavx2", "-mfma"],
        "avx512": ["-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mfma", "-mprefer-vector-width=512"],
    },
    "aarch64": {"neon": []},
}
REALS = {"f32": "float", "f64": "double"}

# No -ffast-math: NaN, infinities and signed zeros are IEEE's. -fno-math-errno and -fno-trapping-math change no value.
FLAGS = (
    "-std=gnu11 -O3 -fPIC -fvisibility=hidden -ffp-contract=fast -fno-math-errno -fno-trapping-math "
    "-Wall -Wextra -Werror -Wno-psabi -pthread"
).split()
SANITIZE = "-O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g".split()


# A stable ABI for all Pythons from 3.10 on: one wheel serves them. Builds without the global lock have no such ABI yet.
STABLE_ABI = not sysconfig.get_config_var("Py_GIL_DISABLED")


def instruction_sets(machine: str = "") -> dict[str, list[str]]:
    """The instruction sets to compile for a processor family (default: this machine's)."""
    machine = (machine or platform.machine()).lower()
    family = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    return LEVELS.get(family, {"baseline": []})


def header_parts(text: str) -> tuple[str, str, str]:
    """Cuts the header into its plain, its recordable and its generic part, without preprocessor lines and comments."""
    text = re.sub(r"/\*(?!\*\* (?:generic|recordable|plain) \*\*\*/).*?\*/", "", text, flags=re.S)
    text = re.sub(r"^\s*#.*$", "", text, flags=re.M)
    parts = {"plain": "", "recordable": "", "generic": ""}
    target = "plain"
    for piece in re.split(r"/\*\*\* (generic|recordable|plain) \*\*\*/", text):
        if piece in parts:
            target = piece
        else:
            parts[target] += piece
    return parts["plain"], parts["recordable"], parts["generic"]


def expand(generic: str, suffix: str) -> str:
    """The generic declarations for one real type."""
    return re.sub(r"_real\b", f"_{suffix}", re.sub(r"\breal\b", REALS[suffix], generic))


def declarations() -> str:
    """What cffi reads: the whole header, expanded for both real types."""
    plain, recordable, generic = header_parts(HEADER.read_text())
    return plain + recordable + "".join(expand(generic, suffix) for suffix in REALS)


def functions(text: str) -> list[tuple[str, str, str]]:
    """(result, name, parameters) of each function declared in ``text``."""
    text = re.sub(r"typedef[^;{]*\{.*?\}[^;]*;", "", text, flags=re.S)
    found = []
    for statement in text.split(";"):
        statement = " ".join(statement.split())
        match = re.fullmatch(r"(.*?[\s*])(\w+)\s*\((.*)\)", statement)
        if match and not statement.startswith("typedef"):
            found.append((match[1].strip(), match[2], match[3]))
    return found


def types(text: str) -> list[str]:
    """Names of the types that ``text`` defines: structures and kernel pointers."""
    return re.findall(r"typedef\s[^;{]*\(\*\s*(\w+)\)", text) + re.findall(r"\}\s*(\w+)\s*;", text)


def write_if_changed(path: Path, text: str) -> None:
    """Writes a generated file, keeping its time stamp when nothing changed."""
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names_header(suffix: str, level: str) -> str:
    """#defines under which a kernel file is compiled for one real type and instruction set."""
    _, recordable, generic = header_parts(HEADER.read_text())
    lines = [f"#define real {REALS[suffix]}", f"#define REAL_IS_{REALS[suffix].upper()} 1"]
    lines += [f"#define LEVEL_{level.upper()} 1"]
    lines += [f"#define {name} {name.replace('_real', '_' + suffix)}" for name in types(generic)]
    lines += [f"#define {name} {name.replace('_real', '_' + suffix)}_{level}" for _, name, _ in functions(generic)]
    return "\n".join(lines) + "\n" + runtime_names(recordable)


def runtime_names(recordable: str) -> str:
    """#defines under which the engine means the recordable functions of the runtime without their recording."""
    return "".join(f"#define {name} {name}_now\n" for _, name, _ in functions(recordable))


def dispatch_source(levels: list[str]) -> str:
    """dispatch.c: for each generic function a pointer to the chosen copy, and the function that calls it."""
    lines = ['#include "declarations.h"', '#include "runtime/dispatch.h"', '#include "runtime/program.h"', ""]
    _, recordable, generic = header_parts(HEADER.read_text())
    chosen, table = [], []
    for suffix in REALS:
        for result, name, parameters in functions(expand(generic, suffix)):
            lines += [f"{result} {name}_{level}({parameters});" for level in levels]
            lines += [f"static {result} (*{name}_chosen)({parameters}) = {name}_{levels[0]};"]
            more, entry = recordables.wrapper(result, name, parameters, f"{name}_chosen", len(table))
            lines += more
            table.append(entry)
            chosen.append(name)
    for result, name, parameters in functions(recordable):
        more, entry = recordables.wrapper(result, name, parameters, f"{name}_now", len(table))
        lines += [f"{result} {name}_now({parameters});", *more]
        table.append(entry)
    lines += ["const recordable recordables[] = {", *(f"    {entry}" for entry in table), "    {0},", "};", ""]
    names = ", ".join(f'"{level}"' for level in levels)
    lines += [f"const char *const simd_level_names[] = {{{names}, 0}};"]
    lines += ["void choose_kernels(int level) {", "    switch (level) {"]
    for number, level in enumerate(levels):
        lines += [
            f"    case {number}:",
            *(f"        {name}_chosen = {name}_{level};" for name in chosen),
            "        break;",
        ]
    lines += ["    }", "}"]
    return "\n".join(lines) + "\n"


def ffibuilder() -> FFI:
    """The cffi definition of the door."""
    builder = FFI()
    builder.cdef(declarations())
    builder.set_source("lucid._engine", '#include "declarations.h"\n', compiler_verbose=0)
    return builder


def extension() -> Extension:
    """The extension module, for setup.py."""
    target_machine()
    return Extension(
        "lucid._engine",
        sources=[],
        py_limited_api=STABLE_ABI,
        define_macros=[("Py_LIMITED_API", "0x030a0000")] if STABLE_ABI else [],
    )


def wheel_options() -> dict[str, str]:
    """bdist_wheel's options, for setup.py: the wheel's tag says what the extension is built for."""
    return {"py_limited_api": "cp310"} if STABLE_ABI else {}


def target_machine() -> str:
    """The processor to build for. On macOS, where Python may be built for two, this settles one for everything.

    Compiler, linker and the wheel's tag are told through the environment variables that Python's own tools read.
    """
    if sys.platform != "darwin":
        return platform.machine()
    asked = re.findall(r"-arch\s+(\S+)", os.environ.get("ARCHFLAGS", ""))
    if len(set(asked)) > 1:
        raise SystemExit(f"lucid builds for one processor at a time: set ARCHFLAGS='-arch {asked[0]}' and build again")
    machine = asked[0] if asked else platform.machine()
    os.environ["ARCHFLAGS"] = f"-arch {machine}"
    os.environ.setdefault("_PYTHON_HOST_PLATFORM", re.sub(r"[^-]+$", machine, sysconfig.get_platform()))
    target = sysconfig.get_config_var("MACOSX_DEPLOYMENT_TARGET")
    if target:
        os.environ.setdefault("MACOSX_DEPLOYMENT_TARGET", str(target))
    return machine


class BuildPackage(build_py):
    """build_py that starts from an empty folder, so that no file of an earlier build gets into a wheel."""

    def run(self) -> None:
        if not self.editable_mode:
            shutil.rmtree(Path(self.build_lib, "lucid"), ignore_errors=True)
        super().run()


class BuildEngine(build_ext):
    """build_ext that compiles the engine's sources, each with the flags of its instruction set."""

    def finalize_options(self) -> None:
        super().finalize_options()
        if self.editable_mode:  # pip gives a temporary folder; in `build_ext --inplace`'s, all may be built already
            self.build_temp = str(ENGINE.parent / "build" / f"temp.{self.plat_name}-{sys.implementation.cache_tag}")

    def run(self) -> None:
        try:
            self.command = compiler.find()
        except compiler.CompilerError as problem:
            raise SystemExit(str(problem)) from None
        if self.command != (sysconfig.get_config_var("CC") or "").split():
            os.environ["CC"] = " ".join(self.command)  # for setuptools, which compiles the door and links
        super().run()

    def build_extension(self, ext: Extension) -> None:
        sanitize = os.environ.get("LUCID_SANITIZE") == "1"
        flags = FLAGS + (SANITIZE if sanitize else [])
        machine = target_machine()
        flags += ["-arch", machine] if sys.platform == "darwin" else []
        build = Path(self.build_temp).resolve() / ("engine-sanitize" if sanitize else "engine")
        generated = build / "generated"
        levels = instruction_sets(machine)

        write_if_changed(
            generated / "declarations.h", "#pragma once\n#include <stdint.h>\n#include <stddef.h>\n" + declarations()
        )
        write_if_changed(generated / "dispatch.c", dispatch_source(list(levels)))
        door = generated / "_engine.c"
        ffibuilder().emit_c_code(str(generated / "_engine.new.c"))
        write_if_changed(door, (generated / "_engine.new.c").read_text())

        version = subprocess.run([*self.command, "--version"], capture_output=True, text=True, check=False).stdout
        how = f"{' '.join([*self.command, *flags])}\n{version}"
        write_if_changed(generated / "compiler.txt", how)
        everything = [*ENGINE.rglob("*.h"), generated / "declarations.h", generated / "compiler.txt", Path(__file__)]
        newest_shared = max(path.stat().st_mtime for path in everything)
        jobs: list[tuple[Path, Path, list[str]]] = []  # source, object, flags
        common = [f"-I{ENGINE}", f"-I{generated}"]
        names = generated / "names_runtime.h"
        write_if_changed(names, runtime_names(header_parts(HEADER.read_text())[1]))
        for source in sorted((ENGINE / "runtime").glob("*.c")):
            jobs.append((source, build / f"{source.stem}.o", [*flags, *common, "-include", str(names)]))
        jobs.append((generated / "dispatch.c", build / "dispatch.o", [*flags, *common]))
        for level, level_flags in levels.items():
            for suffix in REALS:
                names = generated / f"names_{suffix}_{level}.h"
                write_if_changed(names, names_header(suffix, level))
                for source in sorted([*(ENGINE / "kernels").glob("*.c"), *(ENGINE / "optim").glob("*.c")]):
                    target = build / f"{source.parent.name}_{source.stem}_{suffix}_{level}.o"
                    jobs.append((source, target, [*flags, *level_flags, *common, "-include", str(names)]))

        def compile_one(job: tuple[Path, Path, list[str]]) -> None:
            source, target, arguments = job
            named = [Path(a) for a in arguments if a.endswith(".h")]
            newest = max([newest_shared, source.stat().st_mtime, *(p.stat().st_mtime for p in named)])
            if target.exists() and target.stat().st_mtime > newest and not self.force:
                return
            command = [*self.command, *arguments, "-c", str(source), "-o", str(target)]
            result = subprocess.run(command, capture_output=True, text=True)
            if result.returncode:
                raise SystemExit(f"{' '.join(command)}\n{result.stderr}")

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(compile_one, jobs))

        # No path of this machine in the result: neither in debug information nor as a place to look for libraries.
        self.compiler.linker_so = [word for word in self.compiler.linker_so if not word.startswith("-Wl,-rpath")]
        linked = Path(self.build_temp, "linked.txt")  # what the extension was last linked from
        write_if_changed(linked, how + "\n".join(str(target) for _, target, _ in jobs))
        ext.sources = [str(door)]
        ext.include_dirs = [str(generated), str(ENGINE)]
        ext.extra_objects = [str(target) for _, target, _ in jobs]
        ext.extra_compile_args = ["-O2", *(SANITIZE if sanitize else ["-g0"])]
        ext.extra_link_args = ["-pthread", "-lm", *(SANITIZE if sanitize else [])]
        ext.depends = [*ext.extra_objects, str(linked)]
        super().build_extension(ext)
