"""The engine's settings: threads, instruction set, the environment variables."""

import os
import subprocess
import sys

import pytest

import lucid
from lucid import engine


def run(code, **environment):
    """Runs a program in a new Python; gives its exit status and what it printed."""
    result = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )
    return result.returncode, (result.stdout + result.stderr).strip()


def test_threads():
    before = lucid.get_num_threads()
    lucid.set_num_threads(3)
    assert lucid.get_num_threads() == 3
    for bad in (0, -1, 257, 2.0, "2", True, None):
        with pytest.raises(ValueError, match="set_num_threads.*1 to 256"):
            lucid.set_num_threads(bad)
    assert lucid.get_num_threads() == 3
    lucid.set_num_threads(before)


def test_simd_levels():
    levels = engine.simd_levels()
    before = engine.get_simd()
    assert before in levels and len(levels) >= 1
    with pytest.raises(ValueError, match="'mmx' is not available here; choose from"):
        engine.set_simd("mmx")
    assert engine.get_simd() == before


@pytest.mark.parametrize("level", engine.simd_levels())
def test_simd_by_environment(level):
    assert run("from lucid import engine; print(engine.get_simd())", LUCID_SIMD=level) == (0, level)


def test_environment_that_means_nothing_is_refused():
    status, text = run("import lucid", LUCID_SIMD="mmx")
    assert status != 0 and "'mmx'" in text.splitlines()[-1]
    for value in ("0", "many", "-3"):
        status, text = run("import lucid", LUCID_NUM_THREADS=value)
        assert status != 0 and repr(value) in text.splitlines()[-1] or value in text.splitlines()[-1]
    assert run("import lucid; print(lucid.get_num_threads())", LUCID_NUM_THREADS="3") == (0, "3")


def test_widest_level_is_the_default():
    code = "from lucid import engine; print(engine.get_simd() == engine.simd_levels()[-1])"
    assert run(code, LUCID_SIMD="") == (0, "True")
