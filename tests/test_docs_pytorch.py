"""The page for those who come from PyTorch: its programs run and print what they say, its links lead on."""

import contextlib
import io
import re
from pathlib import Path

import pytest

import lucid

DOCS = Path(__file__).resolve().parent.parent / "docs"
TEXT = (DOCS / "coming-from-pytorch.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", TEXT, flags=re.M | re.S)
PROSE = re.sub(r"^```.*?^```$", "", TEXT, flags=re.M | re.S)


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_program(number, tmp_path, monkeypatch):
    """It runs by itself, and prints what its comments say: print(x)  # what."""
    program = PROGRAMS[number]
    if re.search(r"^import torch$", program, flags=re.M):
        pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, f"program {number + 1}", "exec"), {"__name__": "__main__"})
    assert printed.getvalue().splitlines() == re.findall(r"^\s*print\(.*\)  # (.*)$", program, flags=re.M)


def test_links_lead_somewhere():
    headings = {title.lower().replace(" ", "-") for title in re.findall(r"^#+ (.*)$", PROSE, flags=re.M)}
    for link in re.findall(r"\]\(([^)\s]+)\)", PROSE):
        path, _, anchor = link.partition("#")
        assert (DOCS / path).exists() and (not anchor or anchor in headings), link


def test_what_is_said_not_to_be_there_is_not():
    """First column of the table: names with "no name" beside them; those that raise, raise."""
    for line in re.findall(r"^\| (.*) \| no name \| .* \|$", PROSE, flags=re.M):
        for name in re.findall(r"`(?:torch\.)?([\w.]+)`", line):
            owner = lucid.nn if hasattr(lucid.nn, name.removeprefix("nn.")) or name[0].isupper() else lucid
            assert not hasattr(owner, name.removeprefix("nn.")), name
    for kind in (lucid.float16, lucid.bfloat16):
        with pytest.raises(TypeError, match="float32"):
            lucid.zeros(1, dtype=kind)
    for name in ("int8", "int16", "complex64"):
        assert not hasattr(lucid, name)
    with pytest.raises(TypeError, match="cannot be stored"):
        lucid.save(lucid.nn.Linear(1, 1), "never.pt")
    for call in (lambda: lucid.device("cuda"), lambda: lucid.ones(1).cuda()):
        with pytest.raises(ValueError, match="cuda"):
            call()
    with pytest.raises(RuntimeError):
        lucid.ones(1).expand(3).add_(1)
