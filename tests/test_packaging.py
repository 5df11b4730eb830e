"""The build: what it asks of a machine and how it says so, what is in the wheel, and that the wheel stands alone."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import lucid
from lucid import _engine

ROOT = Path(__file__).resolve().parent.parent
ENGINE = ROOT / "engine"
STABLE_ABI = not sysconfig.get_config_var("Py_GIL_DISABLED")


@pytest.fixture
def build(monkeypatch):
    """engine/build.py as a module."""
    monkeypatch.syspath_prepend(str(ENGINE))
    for name in ("build", "compiler"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import build

    yield build
    for name in ("build", "compiler"):
        sys.modules.pop(name, None)


def run(command, folder, **environment):
    """What a command prints; when it fails, the test fails with what it said."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment or None)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def script(path, text):
    """A program that is a few lines of shell."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_version_is_written_once():
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", lucid.__version__)
    assert lucid.__version__ == lucid.version.__version__
    try:
        installed = metadata.version("lucid-mini")
    except metadata.PackageNotFoundError:
        pytest.skip("lucid is imported from its folder, not installed")
    assert lucid.__version__ == installed


def test_import_needs_only_the_three_dependencies():
    code = "import sys, lucid; print(' '.join(sys.modules))"
    environment = dict(os.environ, PYTHONPATH=str(Path(lucid.__file__).parent.parent))
    loaded = run([sys.executable, "-c", code], ROOT, **environment)
    others = {"scipy", "matplotlib", "tqdm", "pytest", "hypothesis", "setuptools", "torch", "jax"}
    assert not others & set(loaded.split())


def test_engine_file_serves_every_python_and_names_no_place():
    path = Path(_engine.__file__)
    assert not STABLE_ABI or path.name == "_engine.abi3.so"
    content = path.read_bytes()
    assert str(ROOT).encode() not in content and sys.prefix.encode() not in content


def test_flags_are_portable(build):
    flags = [*build.FLAGS, *(flag for levels in build.LEVELS.values() for level in levels.values() for flag in level)]
    assert not [flag for flag in flags if re.search("native|fast-math|^-Ofast|^-I|^-L", flag)]
    assert {"-Wall", "-Wextra", "-Werror"} <= set(flags)


def test_header_is_read(build):
    plain, recordable, generic = build.header_parts(
        "/* a (comment); */\n#pragma once\nint f(void);\n/*** recordable ***/\nvoid h(int64_t n, void *x);\n"
        "/*** generic ***/\n#ifdef real\n"
        "typedef void (*kernel_real)(int64_t n, real *x);\ntypedef struct { real a; int64_t n; } pair_real;\n"
        "void g_real(kernel_real k,\n            real *x);\n#endif\n"
    )
    assert build.functions(plain) == [("int", "f", "void")]
    assert build.functions(recordable) == [("void", "h", "int64_t n, void *x")]
    assert build.types(generic) == ["kernel_real", "pair_real"]
    assert build.functions(build.expand(generic, "f64")) == [("void", "g_f64", "kernel_f64 k, double *x")]


# ---- what is missing is said in one line ----


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("echo lucid_compiler gcc 9", "is gcc 9"),
        ("echo lucid_compiler clang 13", "is clang 13"),
        ("echo lucid_compiler other 0", "is too old"),
        ("echo error: no developer tools >&2; exit 1", "does not work"),
        ('case "$*" in *-E*) echo lucid_compiler gcc 12;; *) exit 1;; esac', "finds no headers of the C library"),
    ],
)
def test_compiler_that_cannot_build(build, tmp_path, monkeypatch, answer, said):
    monkeypatch.setenv("CC", script(tmp_path / "cc", answer))
    with pytest.raises(build.compiler.CompilerError) as caught:
        build.compiler.find()
    message = str(caught.value)
    assert said in message and "gcc 10 or newer, or clang 14 or newer" in message and "install" in message
    assert "\n" not in message


def test_no_compiler_at_all(build, monkeypatch, tmp_path):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(build.compiler.sysconfig, "get_config_var", lambda _: "gcc -pthread")
    with pytest.raises(build.compiler.CompilerError, match="and 'gcc' was not found: install one"):
        build.compiler.find()


def test_second_compiler_is_taken_where_the_first_is_too_old(build, monkeypatch, tmp_path):
    monkeypatch.delenv("CC", raising=False)
    old = script(tmp_path / "old", "echo lucid_compiler gcc 9")
    good = 'case "$*" in *-E*) echo lucid_compiler clang 14;; esac'
    script(tmp_path / "cc", good)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(build.compiler.sysconfig, "get_config_var", lambda _: old)
    assert build.compiler.find() == ["cc"]


def test_no_python_header(build, monkeypatch, tmp_path):
    monkeypatch.setattr(build.compiler.sysconfig, "get_paths", lambda: {"include": str(tmp_path)})
    with pytest.raises(build.compiler.CompilerError, match="Python.h is not there: install them"):
        build.compiler.find()


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("exit 127", "does not run"),
        ("echo 3.9.18", "is older"),
        ('case "$2" in *venv*) exit 1;; *) echo new;; esac', "needs the venv module"),
    ],
)
def test_python_that_cannot_build(tmp_path, python, said):
    printed = run(["sh", "engine/check.sh", script(tmp_path / "python", python)], ROOT)
    assert said in printed and "install" in printed and printed.count("\n") == 1


def test_this_machine_passes_the_check():
    assert run(["sh", "engine/check.sh", sys.executable], ROOT) == ""


# ---- macOS, where one Python may serve two processors ----


@pytest.mark.parametrize(
    ("machine", "flags", "target", "platform"),
    [
        ("arm64", None, "arm64", "macosx-11.0-arm64"),
        ("x86_64", None, "x86_64", "macosx-11.0-x86_64"),
        ("arm64", "-arch x86_64", "x86_64", "macosx-11.0-x86_64"),
    ],
)
def test_macos_builds_for_one_processor(build, monkeypatch, machine, flags, target, platform):
    for name in ("ARCHFLAGS", "_PYTHON_HOST_PLATFORM", "MACOSX_DEPLOYMENT_TARGET"):
        monkeypatch.setenv(name, "")  # so that it is put back afterwards
        monkeypatch.delenv(name)
    if flags:
        monkeypatch.setenv("ARCHFLAGS", flags)
    monkeypatch.setattr(build.sys, "platform", "darwin")
    monkeypatch.setattr(build.platform, "machine", lambda: machine)
    monkeypatch.setattr(build.sysconfig, "get_platform", lambda: "macosx-11.0-universal2")
    monkeypatch.setattr(build.sysconfig, "get_config_var", lambda _: "11.0")
    assert build.target_machine() == target
    assert os.environ["ARCHFLAGS"] == f"-arch {target}"
    assert os.environ["_PYTHON_HOST_PLATFORM"] == platform
    assert os.environ["MACOSX_DEPLOYMENT_TARGET"] == "11.0"


def test_macos_builds_for_two_processors_are_refused(build, monkeypatch):
    monkeypatch.setenv("ARCHFLAGS", "-arch arm64 -arch x86_64")
    monkeypatch.setattr(build.sys, "platform", "darwin")
    with pytest.raises(SystemExit, match="one processor at a time"):
        build.target_machine()


# ---- the wheel and the source archive ----


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """A source archive made from a copy of the project, and a wheel made from that archive alone."""
    folder = tmp_path_factory.mktemp("archives")
    copy = folder / "project"
    ignore = shutil.ignore_patterns(".*", "build", "dist", "*.so", "__pycache__", "*.egg-info", "runs")
    shutil.copytree(ROOT, copy, ignore=ignore, symlinks=True)
    run([sys.executable, "setup.py", "-q", "sdist", "-d", str(folder)], copy)
    (source,) = folder.glob("*.tar.gz")
    build = ["wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source)]
    run([sys.executable, "-m", "pip", *build], folder)
    (wheel,) = folder.glob("*.whl")
    return source, wheel


@pytest.mark.slow
def test_source_archive_is_whole(archives):
    with tarfile.open(archives[0]) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    sources = {str(path.relative_to(ROOT)) for path in ENGINE.rglob("*") if path.suffix in (".c", ".h", ".py", ".sh")}
    assert sources <= names
    assert {"LICENSE", "README.md", "Makefile", "lucid/datasets/digits.npz", "examples/digits.py"} <= names
    assert not [name for name in names if name.endswith((".so", ".o", ".pyc")) or name.startswith("build/")]


@pytest.mark.slow
def test_wheel_holds_the_package_and_nothing_else(archives):
    wheel = archives[1]
    assert re.fullmatch(rf"lucid_mini-{re.escape(lucid.__version__)}-cp310-abi3-\w+\.whl", wheel.name) or not STABLE_ABI
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        engine = archive.read(next(name for name in names if name.startswith("lucid/_engine")))
        about = next(archive.read(name).decode() for name in names if name.endswith("METADATA"))
    assert {name.split("/")[0] for name in names} == {"lucid", f"lucid_mini-{lucid.__version__}.dist-info"}
    assert {"lucid/py.typed", "lucid/datasets/digits.npz", "lucid/datasets/digits.md"} <= set(names)
    assert not [name for name in names if name.endswith((".c", ".h", ".o"))]
    needs = {re.split(r"[><= ;]", line)[1] for line in re.findall(r"Requires-Dist: .*", about) if "extra" not in line}
    assert needs == {"numpy", "cffi", "safetensors"}
    for place in (ROOT, sys.prefix, sys.base_prefix, wheel.parent, Path.home()):
        assert str(place).encode() not in engine


@pytest.mark.slow
def test_wheel_stands_alone(archives, tmp_path):
    site = tmp_path / "site"
    run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(site), str(archives[1])], tmp_path)
    code = "import lucid; print(lucid.__file__); print((lucid.ones(3) + 1).tolist(), len(lucid.datasets.digits()[1]))"
    # -S: without the .pth files, so that the editable installation of this folder stays out of sight.
    path = f"{site}:{sysconfig.get_paths()['platlib']}"
    place, values = run([sys.executable, "-S", "-s", "-c", code], tmp_path, PYTHONPATH=path).splitlines()
    assert Path(place).is_relative_to(tmp_path) and values == "[2.0, 2.0, 2.0] 1797"
