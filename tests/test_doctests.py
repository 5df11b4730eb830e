"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import lucid

MODULES = [
    name for _, name, _ in pkgutil.walk_packages(lucid.__path__, "lucid.") if not name.startswith("lucid._engine")
]


@pytest.mark.parametrize("name", ["lucid", *MODULES])
def test_examples(name):
    if name.startswith("lucid.utils.tensorboard"):
        pytest.importorskip("tensorboard")
    module = importlib.import_module(name)
    lucid.manual_seed(0)
    names = {"lucid": lucid, "np": np}
    results = doctest.testmod(module, extraglobs=names, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.failed == 0, f"{results.failed} of {results.attempted} examples of {name} fail (see above)"
