"""Making tensors: number types, values and errors."""

import math

import numpy as np
import pytest

import lucid
from lucid.autograd import gradcheck, gradgradcheck

T = lucid.tensor


def test_number_types_of_data():
    for data, dtype in [
        (3, lucid.int64),
        (3.5, lucid.float32),
        (True, lucid.bool),
        ([1, 2], lucid.int64),
        ([1, 2.5], lucid.float32),
        ([True, False], lucid.bool),
        ([True, 2], lucid.int64),
        ((1, 2), lucid.int64),
        (range(3), lucid.int64),
        ([], lucid.float32),
        ([[], []], lucid.float32),
        (np.float64(3), lucid.float64),
        (np.int32(4), lucid.int32),
        (np.ones(2, np.float32), lucid.float32),
        (np.ones(2), lucid.float64),
        ([np.float64(1.5)], lucid.float64),
        (np.uint8(3), lucid.uint8),
        (2**40, lucid.int64),
        (math.nan, lucid.float32),
    ]:
        x = T(data)
        assert x.dtype is dtype, data
        np.testing.assert_array_equal(x.numpy(), np.asarray(data, dtype.numpy))
        for wanted in (lucid.float64, lucid.float32, lucid.int32, "float64", np.float32, float):
            assert T(data if data is not math.nan else 1.0, dtype=wanted).numpy().dtype == (
                np.float32 if wanted is float else lucid.zeros(1, dtype=wanted).numpy().dtype
            )
    assert T([[], []]).shape == (2, 0) and T(3).shape == ()


def test_tensor_copies_and_from_numpy_shares():
    array = np.arange(6.0).reshape(2, 3)
    copy, shared, same = T(array), lucid.from_numpy(array), lucid.as_tensor(array)
    array[0, 0] = 9
    assert copy[0, 0].item() == 0 and shared[0, 0].item() == 9 and same[0, 0].item() == 9
    shared[0, 1] = 8
    assert array[0, 1] == 8 and shared.numpy() is not array and np.shares_memory(shared.numpy(), array)
    x = T([1.0, 2.0], requires_grad=True)
    again = T(x)
    assert (
        not again.requires_grad and again.tolist() == [1, 2] and not np.shares_memory(again.numpy(), x.detach().numpy())
    )
    assert (
        lucid.as_tensor(x) is x
        and lucid.as_tensor(x, lucid.float64).dtype is lucid.float64
        and lucid.as_tensor([1]).tolist() == [1]
    )
    for view in (array.T, array[:, ::2], array[::-1], np.broadcast_to(array[:1], (4, 3)), array[:0]):
        t = lucid.from_numpy(view)
        assert (
            t.tolist() == view.tolist()
            and (t + 1).tolist() == (view + 1).tolist()
            and t.contiguous().tolist() == view.tolist()
        )
        assert T(view).is_contiguous() and T(view).tolist() == view.tolist()
    with pytest.raises(RuntimeError, match="read-only|expanded"):
        lucid.from_numpy(np.broadcast_to(array[:1], (4, 3))).zero_()
    read_only = np.zeros(2)
    read_only.flags.writeable = False
    with pytest.raises(RuntimeError, match="read-only"):
        lucid.from_numpy(read_only).add_(1)


def test_tensor_errors():
    for f, kind, message in [
        (lambda: T([[1], [2, 3]]), ValueError, "tensor.*lengths"),
        (lambda: T("a"), TypeError, "tensor.*'a'"),
        (lambda: T(None), TypeError, "tensor.*None"),
        (lambda: T([None]), TypeError, "tensor"),
        (lambda: T(1 + 2j), TypeError, "tensor"),
        (lambda: T(np.ones(2, np.float16)), TypeError, "float16"),
        (lambda: T([1.0], dtype="int99"), TypeError, "int99"),
        (lambda: T([1], requires_grad=True), TypeError, "requires_grad.*int64"),
        (lambda: T([1.0], device="cuda"), ValueError, "cuda"),
        (lambda: lucid.from_numpy([1.0]), TypeError, "from_numpy.*list"),
        (lambda: lucid.from_numpy(np.array(["a"])), TypeError, "<U1"),
        (lambda: lucid.from_numpy(np.ones(3, ">f8")), (TypeError, ValueError), "f8|byte"),
        (lambda: lucid.from_numpy(np.frombuffer(b"\0" * 17, np.uint8)[1:].view(np.float64)), ValueError, "aligned"),
        (lambda: lucid.zeros(2, -1), ValueError, "-1"),
        (lambda: lucid.zeros(2.5), TypeError, "float"),
        (lambda: lucid.full((2,), "a"), TypeError, "full.*str"),
        (lambda: lucid.full((-1,), 1), ValueError, "-1"),
        (lambda: lucid.eye(-1), ValueError, "-1|negative"),
        (lambda: lucid.linspace(0, 1, -1), ValueError, "linspace.*-1"),
        (lambda: lucid.arange(0, 1, 0), ValueError, "arange.*0"),
        (lambda: lucid.arange(1, 0), ValueError, "arange"),
        (lambda: lucid.arange(0, 1, -1), ValueError, "arange.*-1"),
        (lambda: lucid.arange(), TypeError, "arange"),
        (lambda: lucid.arange(1, 2, 3, 4), TypeError, "arange.*4"),
        (lambda: lucid.tril(lucid.ones(3)), ValueError, r"tril.*\(3,\)"),
        (lambda: lucid.triu(lucid.ones(3)), ValueError, r"triu.*\(3,\)"),
    ]:
        with pytest.raises(kind, match=message):
            f()


@pytest.mark.parametrize(
    "dtype", [lucid.float32, lucid.float64, lucid.int64, lucid.int32, lucid.uint8, lucid.bool], ids=repr
)
def test_filled(dtype, simd_level):
    for shape in [(), (0,), (3,), (2, 3), (2, 0), (1000,)]:
        for f, value in ((lucid.zeros, 0), (lucid.ones, 1), (lambda *s, **k: lucid.full(s, 1, **k), 1)):
            x = f(*shape, dtype=dtype)
            assert x.dtype is dtype and x.shape == shape and (x.numpy() == value).all() and x.is_contiguous()
        x = lucid.ones(shape, dtype=dtype)
        for like, value in ((lucid.zeros_like(x), 0), (lucid.ones_like(x), 1), (lucid.full_like(x, 1), 1)):
            assert like.dtype is dtype and like.shape == shape and (like.numpy() == value).all()
        assert lucid.empty_like(x).shape == shape and lucid.empty_like(x, dtype=lucid.float32).dtype is lucid.float32
    x = lucid.ones(2, 3, dtype=dtype).T
    x.fill_(0)
    assert x.numpy().sum() == 0 and lucid.zeros_like(x).is_contiguous()


def test_defaults():
    assert (
        lucid.zeros(2).dtype
        is lucid.empty(2).dtype
        is lucid.eye(2).dtype
        is lucid.linspace(0, 1, 2).dtype
        is lucid.float32
    )
    assert (
        lucid.full((2,), 7).dtype is lucid.int64
        and lucid.full((2,), 7.5).dtype is lucid.float32
        and lucid.full((2,), True).dtype is lucid.bool
    )
    assert lucid.full((2,), T(3.0)).tolist() == [3, 3] and lucid.zeros([2, 3]).shape == lucid.zeros((2, 3)).shape == (
        2,
        3,
    )
    assert (
        lucid.zeros(2, requires_grad=True).requires_grad
        and not lucid.zeros_like(lucid.zeros(2, requires_grad=True)).requires_grad
    )
    assert lucid.full((2,), math.inf).tolist() == [math.inf] * 2


def test_ranges():
    for args, want, dtype in [
        ((5,), [0, 1, 2, 3, 4], lucid.int64),
        ((2, 9, 3), [2, 5, 8], lucid.int64),
        ((9, 2, -3), [9, 6, 3], lucid.int64),
        ((0,), [], lucid.int64),
        ((3, 3), [], lucid.int64),
        ((5.0,), [0, 1, 2, 3, 4], lucid.float32),
        ((0, 10, 2.5), [0, 2.5, 5, 7.5], lucid.float32),
        ((T(2), T(4)), [2, 3], lucid.int64),
    ]:
        x = lucid.arange(*args)
        assert x.tolist() == want and x.dtype is dtype
    assert lucid.arange(0.0, 1.0, 0.1).shape == (10,) and lucid.arange(0.0, 0.3, 0.1).shape == (3,)
    assert lucid.arange(3, dtype=lucid.float64).dtype is lucid.float64 and lucid.arange(2**53, 2**53 + 2).tolist() == [
        2**53,
        2**53 + 1,
    ]
    np.testing.assert_allclose(lucid.linspace(-2, 3, 7, dtype=lucid.float64).numpy(), np.linspace(-2, 3, 7), rtol=1e-15)
    assert lucid.linspace(0, 1, 0).shape == (0,) and lucid.linspace(4, 5, 1).tolist() == [4]
    assert (
        lucid.eye(2, 3).tolist() == [[1, 0, 0], [0, 1, 0]]
        and lucid.eye(0).shape == (0, 0)
        and lucid.eye(2, dtype=lucid.int64).dtype is lucid.int64
    )


def test_triangles():
    rng = np.random.default_rng(3)
    for shape in [(3, 3), (2, 4), (4, 2), (2, 3, 3), (0, 3), (3, 0)]:
        for dtype in (np.float64, np.float32, np.int64, np.bool_):
            x = (rng.standard_normal(shape) * 4).astype(dtype)
            for k in (-2, -1, 0, 1, 5):
                for f, reference in ((lucid.tril, np.tril), (lucid.triu, np.triu)):
                    got = f(T(x), k)
                    assert got.numpy().dtype == dtype
                    np.testing.assert_array_equal(got.numpy(), reference(x, k))
    assert lucid.tril(lucid.full((2, 2), math.nan))[0, 1].item() == 0
    x = T(rng.standard_normal((2, 3, 3)), requires_grad=True)
    for f in (lucid.tril, lucid.triu):
        assert gradcheck(f, (x,)) and gradgradcheck(lambda x, f=f: f(x * x, 1), (x,))


def test_in_place_filling():
    x = lucid.zeros(2, 3)
    version = x._version
    assert x.fill_(2) is x and x._version == version + 1 and x.sum().item() == 12
    assert x.zero_().sum().item() == 0 and x.copy_(lucid.ones(3)).sum().item() == 6
    x.copy_(T([[True], [False]]))
    assert x.tolist() == [[1] * 3, [0] * 3]
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        x.copy_(lucid.ones(4))
    assert x.tolist() == [[1] * 3, [0] * 3]
    w = lucid.ones(3, requires_grad=True)
    for change in (w.zero_, lambda: w.fill_(1), lambda: w.copy_(x[0]), lambda: w.add_(1), w.uniform_, w.normal_):
        with pytest.raises(RuntimeError, match="leaf.*no_grad"):
            change()
    assert w.tolist() == [1] * 3


def test_logspace():
    np.testing.assert_allclose(lucid.logspace(-1, 2, 4).numpy(), [0.1, 1, 10, 100], rtol=1e-6)
    assert lucid.logspace(0, 3, 4, base=2, dtype=lucid.int64).tolist() == [1, 2, 4, 8]
    assert lucid.logspace(0, 1, 0).shape == (0,) and lucid.logspace(0, 1, 2, requires_grad=True).requires_grad
    with pytest.raises(ValueError, match="steps"):
        lucid.logspace(0, 1, -1)


def test_triangle_indices():
    for offset in (-2, 0, 1, 5):
        assert lucid.tril_indices(3, 4, offset).tolist() == np.array(np.tril_indices(3, offset, 4)).tolist()
        assert lucid.triu_indices(3, 4, offset).tolist() == np.array(np.triu_indices(3, offset, 4)).tolist()
    assert lucid.tril_indices(2, 2, dtype=lucid.int32).dtype is lucid.int32
    assert lucid.tril_indices(0, 3).shape == (2, 0)
    with pytest.raises(ValueError, match="tril_indices.*-1"):
        lucid.tril_indices(-1, 2)
    with pytest.raises(TypeError, match="integers"):
        lucid.triu_indices(2, 2, dtype=lucid.float32)


def test_new_methods_keep_the_number_type():
    x = lucid.ones(2, dtype=lucid.float64)
    assert x.new_zeros(2, 3).shape == x.new_ones((2, 3)).shape == x.new_empty(size=(2, 3)).shape == (2, 3)
    for made in (x.new_zeros(1), x.new_ones(1), x.new_empty(1), x.new_full((1,), 2), x.new_tensor([1, 2])):
        assert made.dtype is lucid.float64
    assert x.new_tensor([1, 2], dtype=lucid.int64).dtype is lucid.int64
    assert lucid.tensor([1]).new_full((2,), 1.5).tolist() == [1, 1]
    assert x.new_zeros(2, requires_grad=True).requires_grad and not x.requires_grad


def test_sizes_and_numbers_by_name():
    assert lucid.zeros(size=(2, 3)).shape == lucid.rand(size=(2, 3)).shape == lucid.ones(size=[2, 3]).shape == (2, 3)
    assert lucid.arange(end=3).tolist() == [0, 1, 2] and lucid.arange(1, end=3).tolist() == [1, 2]
    assert lucid.arange(start=4, end=0, step=-2).tolist() == [4, 2]
    assert lucid.arange(2.9, dtype=lucid.int64).tolist() == [0, 1]
    with pytest.raises(TypeError, match="start is given twice"):
        lucid.arange(1, 2, start=0)
    with pytest.raises(TypeError, match="end"):
        lucid.arange(start=1)


def test_full_finds_its_type():
    kinds = {True: lucid.bool, 2: lucid.int64, 2.5: lucid.float32, np.int32(2): lucid.int64}
    for value, kind in kinds.items():
        assert lucid.full((2,), value).dtype is kind
    assert lucid.full((2,), np.float32(0.5)).tolist() == [0.5, 0.5]
    assert lucid.full((2,), lucid.tensor(3)).dtype is lucid.int64
    for operation in (lucid.zeros_like, lucid.ones_like, lucid.empty_like, lucid.rand_like):
        with pytest.raises(TypeError, match="expected a tensor, got int"):
            operation(3)
