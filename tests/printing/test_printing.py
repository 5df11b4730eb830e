"""Tensors print as in PyTorch: texts recorded from it by ``record_torch_texts.py``."""

import gzip
import json
import runpy
from pathlib import Path

import pytest

import lucid

RECORD = runpy.run_path(str(Path(__file__).with_name("record_torch_texts.py")))
RECORDED = json.loads(gzip.decompress(RECORD["FILE"].read_bytes()))


def test_tensors_print_as_recorded():
    ours = RECORD["texts"](lucid)
    theirs = {name: text.replace("torch.", "lucid.") for name, text in RECORDED["tensors"].items()}
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_recorded_operations_print_as_recorded():
    assert RECORD["operation_texts"](lucid) == {
        name: text.replace("torch.", "lucid.") for name, text in RECORDED["operations"].items()
    }


def test_default_dtype_is_not_named():
    before = lucid.get_default_dtype()
    lucid.set_default_dtype(lucid.float64)
    try:
        assert repr(lucid.zeros(1)) == "tensor([0.])"
        assert repr(lucid.zeros(1, dtype=lucid.float32)) == "tensor([0.], dtype=lucid.float32)"
    finally:
        lucid.set_default_dtype(before)


def test_unknown_profile_is_refused():
    with pytest.raises(ValueError, match="set_printoptions: profile"):
        lucid.set_printoptions(profile="long")
