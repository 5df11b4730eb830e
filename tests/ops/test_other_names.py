"""The other names PyTorch has for operations, as methods and in place; bitwise operations refuse fractions."""

import numpy as np
import pytest

import lucid

ALIASES = {
    "absolute": "abs",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctanh": "atanh",
    "negative": "neg",
    "arctan2": "atan2",
    "not_equal": "ne",
    "less": "lt",
    "less_equal": "le",
    "greater": "gt",
    "greater_equal": "ge",
}


@pytest.mark.parametrize("alias", ALIASES)
def test_other_names(alias):
    name = ALIASES[alias]
    others = (0.25,) if name in ("atan2", "ne", "lt", "le", "gt", "ge") else ()
    x = lucid.tensor([0.25, 0.5]) + (1.0 if name == "acosh" else 0.0)
    want = getattr(lucid, name)(x, *others).numpy()
    np.testing.assert_array_equal(getattr(lucid, alias)(x, *others).numpy(), want)
    np.testing.assert_array_equal(getattr(x, alias)(*others).numpy(), want)
    changed = x.clone()
    assert getattr(changed, alias + "_")(*others) is changed
    np.testing.assert_array_equal(changed.numpy(), want.astype(np.float32))


def test_bits_of_fractions():
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift"):
        for other in (1.5, lucid.ones(2)):
            with pytest.raises(TypeError, match=f"{name}: works on integer"):
                getattr(lucid, name)(lucid.tensor([1, 2]), other)


def test_copy_takes_non_blocking():
    assert lucid.zeros(2).copy_(lucid.ones(2), non_blocking=True).tolist() == [1, 1]


def test_index_copy_says_how_many_slices_are_wanted():
    with pytest.raises(IndexError, match="2 slices along dim 0 for 1 places"):
        lucid.zeros(4, 3).index_copy(0, lucid.tensor([3]), lucid.ones(2, 3))


def test_eye_refuses_negative_sizes():
    with pytest.raises(ValueError, match="eye: sizes"):
        lucid.eye(-1)
