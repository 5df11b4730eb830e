"""lucid beside PyTorch, name by name: `make conformance`, or `python tests/conformance/run.py [name ...]`.

With names: the cases of those names, each with the first place where it differs. Without: all names, a summary, and the
table in docs/conformance.md (`--check` leaves the file alone). The exit code is 1 when something differs that
``intended`` does not explain.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import compare  # noqa: E402
import forms  # noqa: E402
import report  # noqa: E402
from compare import DTYPES, Case, difference  # noqa: E402
from names import NAMES, full_name  # noqa: E402

Intended = dict[str, dict[str, str]]


def load(folder: Path, names: Mapping[str, str]) -> tuple[dict[str, list[Case]], Intended]:
    """The cases and the intended differences of all files in a folder, under the names of the list.

    A file holds ``CASES = {name: [case, ...]}`` and may hold ``INTENDED = {name: {part of the message: reason}}``.

    Raises:
        KeyError: for a name that is not in the list.
    """
    cases: dict[str, list[Case]] = {}
    intended: Intended = {}
    for path in sorted(folder.glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"conformance_cases_{path.stem}", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, some in module.CASES.items():
            cases.setdefault(full_name(name, dict(names)), []).extend(some)
        for name, reasons in getattr(module, "INTENDED", {}).items():
            intended.setdefault(full_name(name, dict(names)), {}).update(reasons)
    return cases, intended


def label(case: Case) -> str:
    """Where a case is written, and its name if it has one."""
    code = getattr(case, "__code__", None)
    if code is None:
        return str(case)
    name = "" if code.co_name == "<lambda>" else f" {code.co_name}"
    return f"{Path(code.co_filename).name}:{code.co_firstlineno}{name}"


def differences(ours: Any, theirs: Any, name: str, cases: list[Case], first: bool = False) -> Iterator[str]:
    """Where the cases of a name differ, as texts; with ``first`` only the first of each case and form."""
    for form, run_as in forms.forms_of(theirs, name):
        for number, case in enumerate(cases):
            for dtype in DTYPES:
                found = difference(run_as(ours), run_as(theirs), case, dtype, f"{name} {number}")
                if found:
                    yield f"{form}, case {number} ({label(case)}), {dtype}: {found}"
                    if first:
                        break


def _fits(part: str, text: str) -> bool:
    """Whether a message contains the part; "…" in it stands for anything."""
    return re.search(".*".join(map(re.escape, part.split("…"))), text) is not None


def check(ours: Any, theirs: Any, name: str, cases: dict[str, list[Case]], reasons: dict[str, str]) -> report.Row:
    """What is to be said about one name."""
    absent = forms.absent(ours, theirs, name)
    if absent:
        return report.Row(name, "missing", [f"{', '.join(absent)} not there"])
    own = cases.get(name) or cases.get(forms.out_of_place(name) or "", [])
    if not own:
        return report.Row(name, "no case")
    keys = [(case, f"{name} {number}") for number, case in enumerate(own)]
    if all(isinstance(compare.run(theirs, case, DTYPES[0], key), compare.Failed) for case, key in keys):
        return report.Row(name, "differs", ["every case raises in PyTorch: nothing is compared"], len(own))
    found = list(differences(ours, theirs, name, own, first=True))
    used = {part: sum(_fits(part, text) for text in found) for part in reasons}
    rest = [text for text in found if not any(_fits(part, text) for part in reasons)]
    rest += [f"the intended difference {part!r} is not met by any case" for part, times in used.items() if not times]
    if rest:
        return report.Row(name, "differs", rest, len(own))
    if found:
        return report.Row(name, "intended", sorted({reasons[p] for p, times in used.items() if times}), len(own))
    return report.Row(name, "agree", [], len(own))


def main(arguments: list[str]) -> int:
    """Runs what the command line asks for; returns the exit code."""
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed here; it is what lucid is compared with: .venv/bin/python -m pip install torch")
        return 1
    import lucid

    torch.set_num_threads(1)
    only_check = "--check" in arguments
    asked = [full_name(name) for name in arguments if name != "--check"]
    cases, intended = load(HERE / "cases", NAMES)
    rows = {name: check(lucid, torch, name, cases, intended.get(name, {})) for name in asked or NAMES}
    if asked:
        for row in rows.values():
            print(row.name, "—", row.status, *row.details, sep="\n    ")
    else:
        report.summary(rows, NAMES)
        version = re.sub(r"\+.*", "", torch.__version__)
        if not only_check:
            target = HERE.parent.parent / "docs" / "conformance.md"
            target.write_text(report.document(rows, NAMES, version), encoding="utf-8")
    return int(any(row.status == "differs" for row in rows.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
