"""The tables of a module, written to as programs do; older names of initial values; half precision refused."""

import copy
import pickle

import numpy as np
import pytest

import lucid
from lucid import nn


def names(module):
    return [name for name, _ in module.named_parameters()]


def test_what_is_put_in_or_taken_out_is_so_in_the_module():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    model._modules["2"] = nn.Linear(3, 1)
    assert len(model) == 3 and model(lucid.ones(1, 2)).shape == (1, 1)
    model._modules["1"] = nn.Tanh()
    assert [type(m).__name__ for m in model] == ["Linear", "Tanh", "Linear"]
    del model._modules["2"]
    assert len(model) == 2 and not hasattr(model, "2")

    layer = model[0]
    weight = layer._parameters.pop("weight")
    assert names(layer) == ["bias"] and not hasattr(layer, "weight")
    layer._parameters["weight"] = weight
    assert names(layer) == ["bias", "weight"] and layer.weight is weight
    layer._parameters.update(bias=None)
    assert names(layer) == ["weight"] and layer.bias is None
    layer._parameters.clear()
    assert names(layer) == []
    assert layer._parameters.pop("weight", "nothing") == "nothing"
    with pytest.raises(KeyError):
        layer._parameters.pop("weight")

    norm = nn.BatchNorm1d(2)
    norm._buffers["running_mean"] = lucid.ones(2)
    norm._buffers["more"] = lucid.zeros(1)
    assert norm.running_mean.tolist() == [1.0, 1.0] and "more" in norm.state_dict()


def test_what_does_not_fit_is_refused_there_too():
    layer = nn.Linear(2, 2)
    for table, value in ((layer._parameters, lucid.ones(2, 2)), (layer._modules, "text"), (layer._buffers, 1.0)):
        with pytest.raises((TypeError, KeyError)):
            table["weight" if table is layer._parameters else "new"] = value
    assert names(layer) == ["weight", "bias"] and not hasattr(layer, "new")


def test_tables_do_not_hinder_copies():
    layer = nn.Linear(2, 2)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert names(other) == ["weight", "bias"] and other.weight is not layer.weight


def test_half_precision_and_compilers():
    layer = nn.Linear(2, 2)
    for call in (layer.half, layer.bfloat16, lucid.ones(1).half):
        with pytest.raises(TypeError, match="float32"):
            call()
    assert layer.weight.dtype is lucid.float32 and layer.compile(mode="default") is None
    with pytest.raises(TypeError, match="speed"):
        layer.compile(speed=1)


def test_unmatched_names_print_as_in_pytorch():
    found = nn.Linear(1, 1).load_state_dict({"weight": lucid.ones(1, 1)}, strict=False)
    assert repr(found) == "_IncompatibleKeys(missing_keys=['bias'], unexpected_keys=[])"


OLDER = (
    "uniform normal constant eye dirac xavier_uniform xavier_normal kaiming_uniform kaiming_normal orthogonal sparse"
)


@pytest.mark.parametrize("name", OLDER.split())
def test_older_names_of_initial_values(name):
    arguments = {"constant": (2.5,), "sparse": (0.5,)}.get(name, ())
    x, y = (lucid.zeros(3, 3, 3) if name == "dirac" else lucid.zeros(3, 3) for _ in range(2))
    lucid.manual_seed(0)
    getattr(nn.init, name + "_")(x, *arguments)
    lucid.manual_seed(0)
    with pytest.warns(FutureWarning, match=f"nn.init.{name}_"):
        assert getattr(nn.init, name)(y, *arguments) is y
    np.testing.assert_array_equal(x.numpy(), y.numpy())
