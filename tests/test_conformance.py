"""The comparison of tests/conformance sees what it has to see: tried on two small frameworks, without PyTorch."""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parent / "conformance"
MODULES = ("names", "inputs", "compare", "forms", "report", "run")


@pytest.fixture
def tools(monkeypatch):
    """The modules of tests/conformance."""
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
    for name in MODULES:
        sys.modules.pop(name, None)


def framework(slope=2.0, scale=2.0, dtype=None, learns=True, bend=None):
    """A framework that can double: ``T.double(x)`` is ``scale · x``, with the derivatives ``slope`` and ``bend``."""

    class Tensor:
        def __init__(self, array, requires_grad=False, source=None):
            self.array, self.requires_grad, self.source = np.asarray(array), requires_grad, source
            self.shape, self.dtype = self.array.shape, self.array.dtype
            self.slope = slope

        def detach(self):
            return self

        def numpy(self, force=False):
            return self.array

        def clone(self):
            return Tensor(self.array.copy(), self.requires_grad, self.source or self)

        def double(self):
            if not self.shape:
                raise ValueError("double: of one number")
            return Tensor((self.array * scale).astype(dtype or self.dtype), self.requires_grad and learns, self)

        def double_(self):
            self.array *= scale
            return self

    def grad(outputs, inputs, start, allow_unused, retain_graph, create_graph):
        if not all(out.source for out in outputs):
            raise RuntimeError("not recorded")
        return [
            next((slopes(o, g, x, create_graph) for o, g in zip(outputs, start, strict=True) if o.source is x), None)
            for x in inputs
        ]

    def slopes(out, start, x, create_graph):
        if create_graph and bend == "none":
            raise RuntimeError("not differentiable twice")
        found = Tensor(start.array * out.slope, create_graph and bend is not None, x)
        found.slope = bend
        return found

    return SimpleNamespace(
        Tensor=Tensor,
        tensor=Tensor,
        float32=np.float32,
        float64=np.float64,
        double=lambda x: x.double(),
        zeros_like=lambda x: Tensor(np.zeros_like(x.array)),
        autograd=SimpleNamespace(grad=grad),
    )


CASES = {"double": [lambda T, x: T.double(x(3, 4)), lambda T, x: T.double(x.int(3)), lambda T, x: T.double(x())]}


def check(tools, ours, cases=None, reasons=None, name="double"):
    return tools.run.check(ours, framework(), name, CASES if cases is None else cases, reasons or {})


def test_what_agrees_agrees(tools):
    row = check(tools, framework())
    assert (row.status, row.details, row.cases) == ("agree", [], 3)


@pytest.mark.parametrize(
    ("other", "text"),
    [
        ({"scale": 2.001}, "result at (0, 0) of shape (3, 4) is"),
        ({"scale": np.nan}, "is nan, PyTorch"),
        ({"dtype": "float16"}, "result has dtype float16, PyTorch float32"),
        ({"slope": 2.001}, "gradient of input 0 at (0, 0)"),
        ({"learns": False}, "result has requires_grad False, PyTorch True"),
    ],
)
def test_what_differs_is_seen_in_every_form(tools, other, text):
    row = check(tools, framework(**other))
    assert row.status == "differs"
    assert any(text in found for found in row.details), row.details
    for form in ("called", "as a method"):
        assert any(found.startswith(form) for found in row.details)


def test_a_difference_in_one_number_type_is_seen(tools):
    ours = framework(scale=2 * (1 + 1e-12))  # nothing to float32
    assert all("float64" in found for found in check(tools, ours).details)
    assert check(tools, ours).status == "differs"


def test_rounding_is_no_difference(tools):
    assert check(tools, framework(scale=2 * (1 + 4e-16), slope=2 * (1 - 4e-16))).status == "agree"


@pytest.mark.parametrize("path", ["double", "Tensor.double"])
def test_a_missing_function_or_method_is_seen(tools, path):
    ours = framework()
    del (ours.Tensor if "." in path else ours).double
    if path == "Tensor.double":
        ours.double = lambda x: x
    row = check(tools, ours)
    assert row.status == "missing"
    assert path in row.details[0]


def test_the_in_place_form_runs_the_cases_of_the_function(tools):
    cases = {"double": [lambda T, x: T.double(x.int(3, 4))]}
    assert check(tools, framework(), cases, name="Tensor.double_").status == "agree"
    row = check(tools, framework(scale=3), cases, name="Tensor.double_")
    assert row.status == "differs"
    assert row.details[0].startswith("in place")


def test_a_name_without_case_does_not_agree(tools):
    assert check(tools, framework(), {}).status == "no case"


def test_errors_are_compared(tools):
    silent = framework()
    silent.Tensor.double = silent.double = lambda x: x
    only_error = {"double": [*CASES["double"][2:], lambda T, x: 1]}
    row = check(tools, silent, only_error)
    assert row.status == "differs"
    assert "no error, but PyTorch raises ValueError" in row.details[0]

    confused = framework()
    confused.double = lambda x: x.nothing
    assert "raises AttributeError" in check(tools, confused, only_error).details[0]
    assert "raises AttributeError" in check(tools, confused).details[0]


@pytest.mark.parametrize(
    ("kind", "caught"),
    [(RuntimeError, False), (IndexError, False), (TypeError, True), (ValueError, True), (AssertionError, True)],
)
def test_errors_have_to_be_caught_as_pytorchs_are(tools, kind, caught):
    def refusing(error):
        def refuse(x):
            raise error("no")

        made = framework()
        made.double = refuse
        return made

    run = tools.compare
    case = CASES["double"][0]
    text = run.difference(refusing(ValueError), refusing(kind), case, "float32", "key")
    assert (text is None) == caught, text
    assert run.difference(refusing(kind), refusing(kind), case, "float32", "key") is None or kind is AssertionError


def test_second_gradients_are_compared(tools):
    compare, case = tools.compare, CASES["double"][0]

    def found(ours, theirs, dtype="float64"):
        return compare.difference(framework(bend=ours), framework(bend=theirs), case, dtype, "key")

    assert found(3.0, 3.0) is None and found(0.0, None) is None and found(3.0, "none") is None
    assert "second gradient of input 0 at (0, 0)" in found(3.0, 4.0)
    assert "the gradients have no gradients: RuntimeError" in found("none", 3.0)
    assert found(3.0, 4.0, "float32") is None
    assert found(1.0 + 1e-13, 1.0) is None and "second" in found(1.0 + 1e-11, 1.0)


def test_cases_that_compare_nothing_are_seen(tools):
    row = check(tools, framework(), {"double": CASES["double"][2:]})
    assert row.status == "differs"
    assert "every case raises" in row.details[0]
    row = check(tools, framework(), {"double": [*CASES["double"], lambda T, x: nothing]})  # noqa: F821
    assert row.status == "differs"
    assert "the case itself is wrong: NameError" in row.details[0]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (1, 1.0), (1, True), ("a", "b"), ((1, 2), (1, 3)), ((1,), (1, 2)), ({"a": 1}, {"b": 1}), (None, 0),
        (float("nan"), 1.0), ([1.0], 1.0),
    ],
)  # fmt: skip
def test_plain_results_are_compared(tools, ours, theirs):
    mine, other = framework(), framework()
    mine.made, other.made = ours, theirs
    case = lambda T, x: T.made  # noqa: E731
    assert tools.compare.difference(mine, other, case, "float32", "key") is not None
    assert tools.compare.difference(mine, mine, case, "float32", "key") is None


def test_an_intended_difference_needs_its_reason_and_must_be_met(tools):
    ours = framework(scale=2.5, dtype="float16")
    assert check(tools, ours, reasons={"float16, PyTorch float32": "Short."}).status == "differs"
    ours = framework(scale=2.5)
    cases = {"double": CASES["double"][:1]}
    row = check(tools, ours, cases, {"result at": "Larger is better."})
    assert (row.status, row.details) == ("intended", ["Larger is better."])
    row = check(tools, framework(), cases, {"result at": "Larger is better."})
    assert row.status == "differs"
    assert "not met by any case" in row.details[0]


def test_all_files_of_cases_belong_to_the_list(tools):
    cases, intended = tools.run.load(FOLDER / "cases", tools.names.NAMES)
    assert set(cases) <= set(tools.names.NAMES)
    assert set(intended) <= set(cases) | {n for n in tools.names.NAMES if tools.forms.out_of_place(n) in cases}
    with pytest.raises(KeyError, match="not in names.py"):
        tools.names.full_name("nothing")
    assert tools.names.full_name("clip_grad_norm_") == "nn.utils.clip_grad_norm_"


def test_the_document_counts_by_section(tools):
    names = {"a": "One", "b": "One", "c": "Two"}
    row = tools.report.Row
    rows = {"a": row("a", "agree", [], 2), "b": row("b", "differs", ["here"], 1), "c": row("c", "no case")}
    text = tools.report.document(rows, names, "2.0")
    assert "| One | 3 | 1 |  | 1 |  |  |" in text
    assert "| **all** | 3 | 1 |  | 1 |  | 1 |" in text
    assert "- `b`: here" in text
    rows |= {name: row(name, "intended", ["Because.", f"Only {name}."]) for name in "ac"}
    assert "- Because. `a` `c`\n- Only a. `a`\n- Only c. `c`" in tools.report.document(rows, names, "2.0")
    assert "- Two: `c`" in text


def test_a_part_of_a_message_may_leave_something_out(tools):
    fits = tools.run._fits
    assert fits("second…PyTorch nan", "second gradient of input 0 is 1.0, PyTorch nan (1 of 2 differ)")
    assert not fits("second…PyTorch nan", "gradient of input 0 is 1.0, PyTorch nan")
    assert fits("(1,)", "at (1,) of") and not fits("(1,)", "at 1, of")
