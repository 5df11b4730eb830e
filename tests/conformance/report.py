"""What the comparison found, as text: a summary on the screen and the table in docs/conformance.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

STATUSES = ("agree", "intended", "differs", "missing", "no case")


class Row(NamedTuple):
    """What is said about one name.

    Attributes:
        name: the name.
        status: one of STATUSES; "intended" is a difference that has a reason.
        details: where it differs, or the reasons.
        cases: how many cases it has.
    """

    name: str
    status: str
    details: list[str] = []
    cases: int = 0


def _counts(rows: Mapping[str, Row], names: Mapping[str, str]) -> dict[str, list[int]]:
    """How many names of each section have each status."""
    sections = dict.fromkeys(names.values())
    return {
        section: [sum(names[r.name] == section and r.status == status for r in rows.values()) for status in STATUSES]
        for section in sections
    }


def summary(rows: Mapping[str, Row], names: Mapping[str, str]) -> None:
    """Prints the counts by section, and every name that differs with the first place."""
    print(f"{'':26}" + "".join(f"{status:>10}" for status in STATUSES))
    counts = _counts(rows, names)
    for section, numbers in (counts | {"all": [sum(column) for column in zip(*counts.values(), strict=True)]}).items():
        print(f"{section:26}" + "".join(f"{n:10}" for n in numbers))
    for row in rows.values():
        if row.status == "differs":
            print(f"{row.name}: {row.details[0]}" + (f" (and {n} more)" if (n := len(row.details) - 1) else ""))


def document(rows: Mapping[str, Row], names: Mapping[str, str], version: str) -> str:
    """docs/conformance.md."""
    counts = _counts(rows, names)
    total = [sum(column) for column in zip(*counts.values(), strict=True)]
    lines = [
        "# Conformance",
        "",
        f"Written by `make conformance`, which compares lucid with PyTorch {version}; do not edit.",
        "",
        "Every name of the public surface runs the same cases in both frameworks, as a function and, where PyTorch",
        "has it, as a method of Tensor and in place, with float32 and with float64 inputs. Compared are values,",
        "shapes, number types, `requires_grad`, the gradients of a fixed random weighting of the results with",
        "respect to every float input, for float64 the gradients of these gradients, the names in a module's",
        "`state_dict`, and whether an error is raised, which has to be caught as PyTorch's is. Two floating-point",
        "results agree when they differ by at most 32 ε (1 + |PyTorch's|), second gradients by 1024 ε, with",
        "ε = 1.2·10⁻⁷ for float32 and 2.2·10⁻¹⁶ for float64; the inputs are of order 1. All else must be equal. How",
        "far single functions are from the true value is another question: the tests of the engine hold them to a",
        "few units in the last place.",
        "",
        "*intended*: differs, for a reason given below. *no case*: it is there, but nothing compares it yet.",
        "",
        "| | cases | agree | intended | differs | missing | no case |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    cases = {s: sum(r.cases for r in rows.values() if names[r.name] == s) for s in counts}
    for section, numbers in (counts | {"**all**": total}).items():
        count = cases.get(section, sum(cases.values()))
        lines.append(f"| {section} | {count} | " + " | ".join(str(n or "") for n in numbers) + " |")
    intended = [row for row in rows.values() if row.status == "intended"]
    if intended:
        lines += ["", "## Intended differences", ""]
        reasons: dict[str, list[str]] = {}
        for row in intended:
            for reason in row.details:
                reasons.setdefault(reason, []).append(f"`{row.name}`")
        lines += [f"- {reason} {' '.join(some)}" for reason, some in reasons.items()]
    differs = [row for row in rows.values() if row.status == "differs"]
    if differs:
        lines += ["", "## Differences", ""]
        lines += [f"- `{row.name}`: {row.details[0]}" for row in differs]
    for status in ("missing", "no case"):
        lines += _by_section(status, rows, names)
    return "\n".join(lines) + "\n"


def _by_section(status: str, rows: Mapping[str, Row], names: Mapping[str, str]) -> list[str]:
    """The names of one status, a line for each section."""
    found: dict[str, list[str]] = {}
    for row in rows.values():
        if row.status == status:
            found.setdefault(names[row.name], []).append(f"`{row.name}`")
    if not found:
        return []
    return ["", f"## {status.capitalize()}", "", *(f"- {section}: {' '.join(some)}" for section, some in found.items())]
