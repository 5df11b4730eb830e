"""The Python of README.md runs as it stands."""

import re
from pathlib import Path

import pytest

import lucid

README = Path(__file__).resolve().parent.parent / "README.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_program(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lucid.manual_seed(0)
    exec(compile(PROGRAMS[number], f"README.md, program {number + 1}", "exec"), {"__name__": "__main__"})
