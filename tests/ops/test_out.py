"""``out=``: written where it is said, checked, and refused while recording."""

import numpy as np
import pytest

import lucid

CALLS = {
    "exp": lambda x, out: lucid.exp(x, out=out),
    "add": lambda x, out: lucid.add(x, 2.0, alpha=3, out=out),
    "mul": lambda x, out: lucid.mul(x, x, out=out),
    "cumsum": lambda x, out: lucid.cumsum(x, dim=0, out=out),
    "clamp": lambda x, out: lucid.clamp(x, max=1.0, out=out),
    "matmul": lambda x, out: lucid.matmul(x.diag() if hasattr(x, "diag") else lucid.eye(3) * x, x, out=out),
    "stack": lambda x, out: lucid.stack([x[0], x[1], x[2]], out=out),
    "sum": lambda x, out: lucid.sum(lucid.stack([x, x]), 0, out=out),
}


@pytest.mark.parametrize("name", CALLS)
def test_out(name):
    x = lucid.tensor([1.0, 2.0, -3.0])
    want = CALLS[name](x, None).numpy()
    for out in (lucid.zeros(3), lucid.zeros(6)[::2], lucid.zeros(3, dtype=lucid.float64), lucid.empty(0)):
        before = out._version
        assert CALLS[name](x, out) is out and out._version > before
        np.testing.assert_array_equal(out.numpy(), want.astype(out.numpy().dtype))
    with pytest.warns(UserWarning, match=r"out has shape \(5,\)"):
        assert CALLS[name](x, lucid.zeros(5)).shape == (3,)
    integers = lucid.zeros(3, dtype=lucid.int64)
    if name not in ("sum", "cumsum"):  # which are computed in the type of out
        with pytest.raises(TypeError, match=f"{name}: the result is lucid.float32"):
            CALLS[name](x, integers)
        assert integers.tolist() == [0, 0, 0]
    with pytest.raises(TypeError, match="out must be a tensor"):
        CALLS[name](x, [1.0])
    with pytest.raises(RuntimeError, match="read-only"):
        CALLS[name](x, lucid.zeros(1).expand(3))


def test_out_is_an_operand():
    x = lucid.tensor([1.0, 2.0])
    lucid.add(x, x, out=x)
    assert x.tolist() == [2, 4]


def test_out_of_several_results():
    values, indices = lucid.empty(0), lucid.empty(0, dtype=lucid.int64)
    found = lucid.max(lucid.tensor([[1.0, 3.0], [2.0, 0.0]]), 1, out=(values, indices))
    assert found.values is values and values.tolist() == [3, 2] and indices.tolist() == [1, 0]
    with pytest.raises(TypeError, match="1 tensors for 2 results"):
        lucid.max(lucid.ones(2, 2), 1, out=values)


def test_out_of_indexing_and_order():
    x, index = lucid.tensor([3.0, 1.0, 2.0]), lucid.tensor([2, 0])
    calls = {
        "take": (index,),
        "index_add": (0, index, lucid.ones(2)),
        "scatter": (0, index, lucid.ones(2)),
        "masked_select": (x > 1,),
        "msort": (),
    }
    for name, args in calls.items():
        function, out = getattr(lucid, name), lucid.empty(0)
        assert function(x, *args, out=out) is out and out.tolist() == function(x, *args).tolist()
    assert lucid.concatenate([x, x], out=lucid.zeros(6)).tolist() == [3, 1, 2, 3, 1, 2]
    values, places = lucid.empty(0), lucid.empty(0, dtype=lucid.int64)
    found = lucid.topk(x, 2, out=(values, places))
    assert found.values is values and values.tolist() == [3, 2] and places.tolist() == [0, 2]


def test_out_is_not_recorded():
    x = lucid.ones(2, requires_grad=True)
    out = lucid.zeros(2)
    for call in (lambda: lucid.exp(x, out=out), lambda: lucid.cat([x], out=out), lambda: lucid.exp(out, out=x)):
        with pytest.raises(RuntimeError, match="not recorded"):
            call()
    assert out.tolist() == [0, 0]
    with lucid.no_grad():
        assert lucid.mul(x, 3, out=out).tolist() == [3, 3]


def test_out_of_creation():
    out = lucid.zeros(4)
    lucid.arange(4, out=out)
    assert out.tolist() == [0, 1, 2, 3]
    lucid.ones(4, out=out)
    assert out.tolist() == [1, 1, 1, 1]
