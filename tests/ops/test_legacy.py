"""The older ways to make tensors and to name arguments, and settings that scripts make."""

import numpy as np
import pytest

import lucid

CLASSES = {
    "FloatTensor": lucid.float32,
    "DoubleTensor": lucid.float64,
    "LongTensor": lucid.int64,
    "IntTensor": lucid.int32,
    "ByteTensor": lucid.uint8,
    "BoolTensor": lucid.bool,
}


@pytest.mark.parametrize("name", CLASSES)
def test_typed_tensors(name):
    make, kind = getattr(lucid, name), CLASSES[name]
    x = make([[1, 0], [1, 1]])
    assert type(x) is lucid.Tensor and x.dtype is kind and x.tolist() == [[1, 0], [1, 1]]
    assert make(2, 3).shape == (2, 3) and make().shape == (0,) and make(x.size()).shape == (2, 2)
    assert make(np.ones(2)).dtype is kind
    assert isinstance(x, make) and not isinstance(x.tolist(), make)
    assert all(isinstance(x, getattr(lucid, other)) == (other == name) for other in CLASSES)
    assert lucid.ones(2).type(make).dtype is kind and lucid.zeros(1, dtype=make).dtype is kind
    with pytest.raises(TypeError, match=name):
        make("text" and 2.5)
    with pytest.raises(TypeError, match=name):
        make([1], [2])
    with pytest.raises(TypeError, match="convert it"):
        make(lucid.ones(2, dtype=lucid.int64 if kind is not lucid.int64 else lucid.float32))


def test_tensor_by_its_class():
    assert lucid.Tensor([1, 2]).tolist() == [1.0, 2.0] and lucid.Tensor([1, 2]).dtype is lucid.float32
    assert lucid.Tensor().shape == (0,) and lucid.Tensor(3).shape == (3,)
    assert lucid.Tensor(1, 2, 3, 4, 0).shape == (1, 2, 3, 4, 0)  # five sizes at most; lucid.empty takes more
    assert lucid.Tensor(np.arange(3)).tolist() == [0.0, 1.0, 2.0]
    x = lucid.ones(2)
    lucid.Tensor(x)[0] = 5
    assert x.tolist() == [5.0, 1.0], "of a tensor it is another view of the memory"
    for wrong in (2.5, "text", None.__class__):
        with pytest.raises(TypeError):
            lucid.Tensor(wrong)
    lucid.set_default_dtype(lucid.float64)
    try:
        assert lucid.Tensor([1]).dtype is lucid.float64
    finally:
        lucid.set_default_dtype(lucid.float32)


def test_sizes():
    x = lucid.zeros(2, 3)
    assert x.size().numel() == 6 and x.size() == (2, 3) == x.shape and lucid.Size([2, 3]) == x.shape
    assert isinstance(x.size(), lucid.Size) and isinstance(x.shape, lucid.Size) and not isinstance((1.5,), lucid.Size)


NUMPY_NAMES = [
    (lambda T, x: x.sum(axis=0), lambda a: a.sum(0)),
    (lambda T, x: x.mean(axis=1, keepdims=True), lambda a: a.mean(1, keepdims=True)),
    (lambda T, x: x.var(axis=0, keepdims=True), lambda a: a.var(0, ddof=1, keepdims=True)),
    (lambda T, x: x.argmax(axis=1), lambda a: a.argmax(1)),
    (lambda T, x: x.cumsum(axis=1), lambda a: a.cumsum(1)),
    (lambda T, x: T.sum(x, axis=(0, 1)), lambda a: a.sum()),
    (lambda T, x: T.max(x, axis=1, keepdims=True).values, lambda a: a.max(1, keepdims=True)),
    (lambda T, x: T.cat([x, x], axis=1), lambda a: np.concatenate([a, a], 1)),
    (lambda T, x: T.stack([x, x], axis=1), lambda a: np.stack([a, a], 1)),
    (lambda T, x: T.unsqueeze(x, axis=0).squeeze(axis=0), lambda a: a),
]


@pytest.mark.parametrize(("call", "wanted"), NUMPY_NAMES)
def test_numpy_names(call, wanted):
    numbers = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(call(lucid, lucid.tensor(numbers)).numpy(), wanted(numbers))


def test_an_argument_given_twice_is_refused():
    x = lucid.ones(2, 3)
    for call in (lambda: x.sum(dim=0, axis=0), lambda: lucid.sum(x, dim=0, axis=1), lambda: x.sum(0, axis=0)):
        with pytest.raises(TypeError):
            call()


def test_settings_of_scripts():
    assert lucid.get_float32_matmul_precision() == "highest"
    lucid.set_float32_matmul_precision("high")
    assert lucid.get_float32_matmul_precision() == "high"
    lucid.set_float32_matmul_precision("highest")
    with pytest.raises(ValueError, match="exact"):
        lucid.set_float32_matmul_precision("exact")
    lucid.set_default_device("cpu")
    with pytest.raises(ValueError, match="cuda"):
        lucid.set_default_device("cuda")
    assert lucid.get_default_device() == lucid.device("cpu")
    with pytest.raises(TypeError, match="float"):
        lucid.set_default_tensor_type(lucid.LongTensor)
