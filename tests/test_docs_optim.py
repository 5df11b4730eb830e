"""The pages on optimizers: one for each, with the constructor's options; their Python runs, their links lead on."""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lucid
from lucid.optim import LRScheduler, Optimizer
from lucid.optim.engine_optimizer import EngineOptimizer

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs" / "optim"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))
SECTIONS = ["Options", "State and memory", "When to choose it", "Example", "Beside PyTorch", "Source"]


def exported(base):
    """The classes of lucid.optim that are such, without the base itself, by name."""
    found = {name: getattr(lucid.optim, name) for name in lucid.optim.__all__}
    return {n: x for n, x in found.items() if isinstance(x, type) and issubclass(x, base) and x is not base}


OPTIMIZERS = exported(Optimizer)


def text_of(page):
    return (DOCS / page).read_text(encoding="utf-8")


def section(page, title):
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text_of(page), flags=re.M | re.S)
    assert found, f"{page} has no section {title!r}"
    return found[1]


def page_of(name):
    return f"{name.lower()}.md"


def test_pages_are_those_of_the_optimizers():
    assert set(PAGES) - {"README.md", "race.md"} == {page_of(name) for name in OPTIMIZERS}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_page_has_its_parts(name):
    text = text_of(page_of(name))
    assert text.startswith(f"# {name}\n")
    assert re.findall(r"^## (.*)$", text, flags=re.M) == SECTIONS
    formula = re.search(r"^\$\$\n.+?\n\$\$$", text, flags=re.M | re.S)
    assert formula and formula.start() < text.index("## Options")
    assert re.search(r"\b(19|20)\d\d\b", section(page_of(name), "Source")), "the source has no year"
    assert "**Choose it**" in text and "**Not**" in text
    assert len(text.splitlines()) < 110, "more than a screen or two"


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_option_table_is_the_signature(name):
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| .+ \|$", section(page_of(name), "Options"), flags=re.M)
    arguments = inspect.signature(OPTIMIZERS[name]).parameters.values()
    wanted = []
    for argument in arguments:
        if argument.name != "params" and argument.kind is not inspect.Parameter.VAR_KEYWORD:
            required = argument.default is inspect.Parameter.empty
            wanted.append((argument.name, "required" if required else repr(argument.default)))
    assert [(option, default_of(default)) for option, default in rows] == wanted


def default_of(cell):
    """A default as the table writes it, as Python writes it."""
    if cell == "required":
        return cell
    assert cell[0] == cell[-1] == "`", f"{cell} is not code"
    return repr(math.inf if cell == "`math.inf`" else ast.literal_eval(cell.strip("`")))


@pytest.mark.parametrize("name", [n for n, rule in OPTIMIZERS.items() if issubclass(rule, EngineOptimizer)])
def test_state_is_named(name):
    named = set(re.findall(r"`(\w+)`", section(page_of(name), "State and memory")))
    options = set(inspect.signature(OPTIMIZERS[name]).parameters)
    assert named - options == set(OPTIMIZERS[name].state_fields) - options


# ---------------------------------------------------------------------------------------------------------------------
# Python


def programs(page):
    return re.findall(r"^```python\n(.*?)^```$", text_of(page), flags=re.M | re.S)


@pytest.mark.parametrize(("page", "number"), [(p, i) for p in PAGES for i in range(len(programs(p)))])
def test_program(page, number, tmp_path, monkeypatch):
    """It runs by itself, and prints what its comments say: print(x)  # what."""
    program = programs(page)[number]
    for module in re.findall(r"^import (torch|matplotlib)", program, flags=re.M):
        pytest.importorskip(module)
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, f"{page}, program {number + 1}", "exec"), {"__name__": "__main__"})
    assert printed.getvalue().splitlines() == re.findall(r"^\s*print\(.*\)  # (.*)$", program, flags=re.M)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_has_an_example(name):
    assert any(f"lucid.optim.{name}(" in program for program in programs(page_of(name)))


# ---------------------------------------------------------------------------------------------------------------------
# Links, and the index


def anchors(text):
    """What a heading is called in a link."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", text_of(page), flags=re.M | re.S)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (DOCS / path) if path else DOCS / page
        assert target.exists(), f"{page} links to {link}"
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), f"{page} links to {link}"


def test_index_names_everything():
    index = text_of("README.md")
    assert set(re.findall(r"\]\((\w+\.md)\)", index)) >= set(PAGES) - {"README.md"}
    for name in exported(LRScheduler):
        assert f"`{name}`" in index, f"{name} is not in README.md"
    for name in lucid.optim.GradientOptions.__annotations__:
        assert f"`{name}`" in index, f"{name} is not in README.md"


def test_pictures_are_small():
    pictures = [path for path in DOCS.iterdir() if path.suffix in (".png", ".svg")]
    assert {path.name for path in pictures} >= {"race.png", "schedules.png"}
    assert all(path.stat().st_size < 400_000 for path in pictures)


# ---------------------------------------------------------------------------------------------------------------------
# "Add a rule to the engine": the walk is done as it is written, in a copy


def walk():
    """The files that the walk writes, or adds to: (path, code)."""
    text = section("README.md", "Add a rule to the engine")
    return re.findall(r"^\d\. `([\w./]+)`.*?^```\w*\n(.*?)^```$", text, flags=re.M | re.S)


def test_walk_has_its_files():
    paths = [path for path, _ in walk()]
    assert [path for path in paths if not (ROOT / path).exists()] == [
        "engine/optim/signum.c",
        "lucid/optim/signum.py",
        "tests/optim/rules/signum.py",
    ]
    assert set(paths) >= {"engine/lucid_engine.h", "lucid/optim/__init__.py"}


def added(text, path, code):
    """A file with what the walk adds to it."""
    if path.endswith(".h"):
        place = "/* ---- optim/adam.c ---- */\n"
        assert text.count(place) == 1
        return text.replace(place, f"{code}\n{place}")
    return f'{text}\n{code}\n__all__ += ["Signum"]\n'


@pytest.mark.slow
def test_walk_makes_a_rule(tmp_path):
    """The engine is built with the walk's rule, which must pass every test of rules."""
    for folder in ("engine", "lucid", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.o"))
    for file in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, tmp_path / file)
    for path, code in walk():
        target = tmp_path / path
        target.write_text(added(target.read_text(), path, code) if target.exists() else code)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for command in (
        ["setup.py", "-q", "build_ext", "--inplace"],
        ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/optim/test_rules.py", "-k", "Signum or transcription"],
        ["-m", "doctest", "lucid/optim/signum.py"],
    ):
        result = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert result.returncode == 0, f"{command}\n{result.stdout[-3000:]}{result.stderr[-3000:]}"
