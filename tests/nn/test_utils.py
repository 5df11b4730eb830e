"""Clipping and vectors of parameters: PyTorch's formulas in float64, and what it does with odd input."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lucid
from lucid import multi_tensor
from lucid._engine import lib
from lucid.nn import Parameter
from lucid.nn.utils import (
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
    parameters_to_vector,
    vector_to_parameters,
)

SHAPES = ((128, 64), (128,), (), (0, 3), (10, 7, 3), (70_001,))
ORDERS = (2.0, 1.0, 3.0, 0.5, math.inf, 0.0)
inf, nan = math.inf, math.nan


def params_with(*gradients):
    """Parameters with these gradients: arrays, tensors or None."""
    params = []
    for g in gradients:
        g = lucid.tensor(g) if isinstance(g, (np.ndarray, list)) else g
        params.append(Parameter(lucid.zeros(1) if g is None else lucid.zeros(g.shape, dtype=g.dtype)))
        params[-1].grad = g
    return params


def drawn(kinds=(np.float32,), shapes=SHAPES, seed=0):
    random = np.random.default_rng(seed)
    return [np.array(random.standard_normal(s) * 3).astype(kinds[i % len(kinds)]) for i, s in enumerate(shapes)]


def exact_norm(arrays, order):
    """The norm of norms, as torch.nn.utils.get_total_norm has it."""
    norms = np.array([np.linalg.norm(x.astype(np.float64).reshape(-1), order) for x in arrays])
    return np.linalg.norm(norms, order)


def numbers(params):
    return np.concatenate([p.grad.numpy().reshape(-1) for p in params]) if params else np.zeros(0)


# ---------------------------------------------------------------------------------------------------------------------
# Norms


@pytest.mark.parametrize("order", [*ORDERS, "inf", -inf, -1.0])
@pytest.mark.parametrize("kinds", [(np.float32,), (np.float64,), (np.float32, np.float64)], ids=["f32", "f64", "mixed"])
def test_total_norm(order, kinds, both_thread_counts):
    shapes = SHAPES if float(order) >= 0 and float(order) != inf else [s for s in SHAPES if 0 not in s]
    arrays = drawn(kinds, shapes)
    tensors = [lucid.tensor(x) for x in arrays]
    found = []
    both_thread_counts(lambda: found.append(get_total_norm(tensors, order)) or found[-1].numpy())
    assert found[0].shape == () and not found[0].requires_grad
    assert found[0].dtype is (lucid.float64 if np.float64 in kinds else lucid.float32)
    tolerance = 2e-6 if np.float32 in kinds else 1e-13
    np.testing.assert_allclose(found[0].item(), exact_norm(arrays, float(order)), rtol=tolerance)


def test_total_norm_of_one_tensor_of_generators_and_of_nothing():
    x = lucid.tensor([3.0, -4.0])
    assert get_total_norm(x).item() == get_total_norm(y for y in [x]).item() == get_total_norm((x,)).item() == 5
    for nothing in ([], (), (y for y in [])):
        found = get_total_norm(nothing)
        assert found.shape == () and found.dtype is lucid.float32 and found.item() == 0


def test_total_norm_of_order_0_counts_tensors_as_torch():
    tensors = [lucid.tensor(x) for x in ([1.0, 2.0, 3.0], [0.0], [0.0, 1.0], [nan])]
    assert get_total_norm(tensors, 0).item() == 3


def test_total_norm_of_tensors_without_numbers():
    tensors = [lucid.tensor([3.0, -4.0]), lucid.zeros(0)]
    assert [get_total_norm(tensors, order).item() for order in (2, 1, 0)] == [5, 7, 1]
    for order in (inf, -inf, -1, -2):
        with pytest.raises(ValueError, match=f"order {float(order)} of a tensor without numbers"):
            get_total_norm(tensors, order)


def test_total_norm_does_not_overflow_and_is_infinite_where_it_must():
    assert get_total_norm([lucid.tensor([3e30, 4e30])]).item() == np.float32(5e30)
    assert get_total_norm([lucid.tensor([3e-30, 4e-30])]).item() == np.float32(5e-30)
    assert get_total_norm([lucid.tensor([3e38, 3e38])]).item() == inf
    assert get_total_norm([lucid.tensor([3e38, 3e38]), lucid.zeros(1, dtype=lucid.float64)]).item() < 1e39


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_norms_that_are_not_finite(order, bad):
    tensors = [lucid.tensor([1.0, bad]), lucid.ones(3)]
    found = get_total_norm(tensors, order).item()
    if order == 0:
        assert found == 2
        return
    assert math.isnan(found) if math.isnan(bad) else found == inf
    params = params_with([1.0, bad], None)
    for call in (
        lambda: get_total_norm(tensors, order, error_if_nonfinite=True),
        lambda: clip_grad_norm_(params, 1.0, order, error_if_nonfinite=True),
    ):
        with pytest.raises(RuntimeError, match=f"the total norm of order {order} is (nan|inf)"):
            call()
    np.testing.assert_array_equal(params[0].grad.numpy(), np.float32([1.0, bad]))
    assert params[0].grad._version == 0


@pytest.mark.parametrize("x", ["transposed", "sliced", "expanded", "reversed", "permuted"])
def test_norms_of_any_layout(x):
    base = np.random.default_rng(0).standard_normal((4, 6, 5)).astype(np.float32)
    tensor = {
        "transposed": lucid.tensor(base[0]).T,
        "sliced": lucid.tensor(base)[1:3, ::2, 1:],
        "expanded": lucid.tensor(base[:, :1]).expand(4, 6, 5),
        "reversed": lucid.from_numpy(base[::-1, :, ::-1]),
        "permuted": lucid.tensor(base).permute(2, 0, 1),
    }[x]
    assert not tensor.is_contiguous()
    for order in (2.0, 1.0, 3.0):
        wanted = np.linalg.norm(tensor.numpy().astype(np.float64).reshape(-1), order)
        np.testing.assert_allclose(get_total_norm([tensor], order).item(), wanted, rtol=1e-6)


# ---------------------------------------------------------------------------------------------------------------------
# Clipping


@pytest.mark.parametrize("order", [*ORDERS, "inf"])
@pytest.mark.parametrize("kinds", [(np.float32,), (np.float64,), (np.float64, np.float32)], ids=["f32", "f64", "mixed"])
@pytest.mark.parametrize("max_norm", [0.5, 1e9, 0.0])
def test_clip_grad_norm(order, kinds, max_norm, simd_level, both_thread_counts):
    arrays = drawn(kinds, [s for s in SHAPES if 0 not in s])
    norm = exact_norm(arrays, float(order))

    def run():
        params = params_with(arrays[0], None, *arrays[1:])
        found = clip_grad_norm_(params, max_norm, order)
        assert found.dtype is (lucid.float64 if np.float64 in kinds else lucid.float32) and found.shape == ()
        np.testing.assert_allclose(found.item(), norm, rtol=2e-6 if np.float32 in kinds else 1e-13)
        assert params[1].grad is None
        assert all(p.grad._version == 1 for p in params if p.grad is not None)
        assert [p.grad.numpy().dtype for p in params if p.grad is not None] == [x.dtype for x in arrays]
        return numbers([p for p in params if p.grad is not None])

    factor = min(1.0, max_norm / (norm + 1e-6))
    wanted = np.concatenate([x.astype(np.float64).reshape(-1) * factor for x in arrays])
    np.testing.assert_allclose(both_thread_counts(run), wanted, rtol=2e-6 if np.float32 in kinds else 1e-13)


@pytest.mark.parametrize(
    ("gradient", "max_norm", "wanted"),
    [  # PyTorch's
        ([3.0, -4.0, 0.0], -1.0, [-0.6, 0.8, -0.0]),
        ([3.0, -4.0, 0.0], nan, [nan, nan, nan]),
        ([3.0, -4.0, 0.0], inf, [3.0, -4.0, 0.0]),
        ([3.0, -4.0, 0.0], "2", [1.2, -1.6, 0.0]),
        ([inf, 1.0], 1.0, [nan, 0.0]),
        ([inf, 1.0], inf, [nan, nan]),
        ([nan, 1.0], 1.0, [nan, nan]),
        ([0.0, 0.0], 1.0, [0.0, 0.0]),
    ],
)
def test_clip_grad_norm_of_odd_numbers(gradient, max_norm, wanted):
    (p,) = params_with(gradient)
    clip_grad_norm_(p, max_norm)
    np.testing.assert_allclose(p.grad.numpy(), np.float32(wanted), rtol=1e-6)


def test_arguments_by_name_one_tensor_generators_and_nothing():
    params = params_with([3.0, -4.0])
    found = clip_grad_norm_(
        parameters=(p for p in params), max_norm=1.0, norm_type=1, error_if_nonfinite=True, foreach=True
    )
    assert found.item() == 7
    assert clip_grad_norm_(params[0], 100.0, foreach=False).item() == pytest.approx(5 / 7, rel=1e-5)
    for nothing in ([], params_with(None, None), (p for p in params_with(None))):
        found = clip_grad_norm_(nothing, 1.0)
        assert found.shape == () and found.dtype is lucid.float32 and found.item() == 0
    with pytest.warns(UserWarning, match="empty generator"):
        assert clip_grad_norm_((p for p in []), 1.0).item() == 0
    clip_grad_value_([], 1.0)
    clip_grad_value_(params_with(None), 1.0)
    clip_grads_with_norm_([], 1.0, lucid.tensor(3.0))


def test_clip_grads_with_norm():
    params = params_with([3.0, -4.0], None, np.array([1.0]))
    norm = get_total_norm([p.grad for p in params if p.grad is not None])
    assert clip_grads_with_norm_((p for p in params), 1.0, norm) is None
    others = params_with([3.0, -4.0], None, np.array([1.0]))
    clip_grad_norm_(others, 1.0)
    assert params[0].grad.tolist() == others[0].grad.tolist() and params[2].grad.tolist() == others[2].grad.tolist()
    for total in (lucid.tensor(8), 8.0, lucid.tensor(8.0, dtype=lucid.float64)):
        (p,) = params_with([4.0, 0.0])
        clip_grads_with_norm_(p, 2.0, total)
        np.testing.assert_allclose(p.grad.numpy(), [1.0, 0.0], rtol=1e-6)
    for total, error in ((lucid.ones(1), ValueError), (-1.0, ValueError), ("a", ValueError), (None, TypeError)):
        with pytest.raises(error):
            clip_grads_with_norm_(p, 2.0, total)


@pytest.mark.parametrize(
    ("limit", "wanted"),
    [  # PyTorch's
        (1, [1.0, -1.0, 0.0, nan, 1.0, -1.0, -0.0]),
        (-1, [-1.0, -1.0, -1.0, nan, -1.0, -1.0, -1.0]),
        (nan, [nan] * 7),
        (inf, [3.0, -4.0, 0.0, nan, inf, -inf, -0.0]),
        (0, [0.0, -0.0, 0.0, nan, 0.0, -0.0, -0.0]),
        ("2", [2.0, -2.0, 0.0, nan, 2.0, -2.0, -0.0]),
    ],
)
def test_clip_grad_value(limit, wanted, simd_level):
    gradient = np.array([3.0, -4.0, 0.0, nan, inf, -inf, -0.0])
    params = params_with(gradient.astype(np.float32), None, gradient)
    assert clip_grad_value_(params, limit) is None
    for p in (params[0], params[2]):
        np.testing.assert_array_equal(p.grad.numpy(), wanted)
        np.testing.assert_array_equal(np.signbit(p.grad.numpy()[4:]), np.signbit(wanted[4:]))
        assert p.grad._version == 1


def test_gradients_that_share_memory_are_changed_as_often_as_they_appear():
    """PyTorch's numbers."""
    shared = lucid.tensor([3.0, -4.0])
    params = params_with(shared, shared)
    assert clip_grad_norm_(params, 1.0).item() == pytest.approx(50**0.5)
    np.testing.assert_allclose(shared.numpy(), [0.06, -0.08], rtol=1e-5)
    assert shared._version == 2
    whole = lucid.ones(6)
    assert clip_grad_norm_(params_with(whole[:4], whole[2:]), 1.0).item() == pytest.approx(8**0.5)
    np.testing.assert_allclose(whole.numpy(), [0.35355326, 0.35355326, 0.125, 0.125, 0.35355326, 0.35355326], rtol=2e-6)


@pytest.mark.parametrize("clip", ["norm", "value"])
def test_gradients_of_any_layout_are_changed_in_place(clip):
    base = np.random.default_rng(0).standard_normal((8, 6)).astype(np.float32)
    whole = lucid.tensor(base)
    parts = [whole[:4].T, whole[4:, ::2], whole[4:, 1::2]]
    params = params_with(*parts)
    norm = np.linalg.norm(base.astype(np.float64))
    if clip == "norm":
        assert clip_grad_norm_(params, 1.0).item() == pytest.approx(norm)
        np.testing.assert_allclose(whole.numpy(), base / norm, rtol=1e-5)
    else:
        clip_grad_value_(params, 0.5)
        np.testing.assert_array_equal(whole.numpy(), np.clip(base, -0.5, 0.5))
    assert all(p.grad is part for p, part in zip(params, parts, strict=True))
    assert whole._version == 3


@pytest.mark.parametrize("clip", [clip_grad_norm_, clip_grad_value_])
def test_what_cannot_be_written_to_is_refused_and_nothing_is_changed(clip):
    frozen = np.ones(3, np.float32)
    frozen.flags.writeable = False
    for bad in (lucid.ones(1).expand(3), lucid.from_numpy(frozen)):
        params = params_with([3.0, 4.0], bad)
        with pytest.raises(RuntimeError, match=f"{clip.__name__}: .*clone"):
            clip(params, 0.1)
        assert params[0].grad.tolist() == [3, 4] and params[0].grad._version == 0 and bad.tolist() == [1, 1, 1]


def test_what_is_no_tensor_or_not_floating_point_is_refused():
    whole = Parameter(lucid.tensor([1, 2]), requires_grad=False)
    whole.grad = lucid.tensor([3, 4])
    first = params_with([3.0, 4.0])[0]
    for call in (
        lambda: get_total_norm([lucid.tensor([1, 2])]),
        lambda: clip_grad_norm_([first, whole], 1.0),
        lambda: clip_grad_value_([first, whole], 1.0),
    ):
        with pytest.raises(TypeError, match="not implemented for lucid.int64"):
            call()
    for call in (
        lambda: get_total_norm([lucid.ones(1), None]),
        lambda: clip_grad_norm_([first, 1.0], 1.0),
        lambda: clip_grad_value_([first, "p"], 1.0),
        lambda: parameters_to_vector([first, 1.0]),
        lambda: vector_to_parameters(lucid.ones(3), [first, 1.0]),
    ):
        with pytest.raises(TypeError, match="expected tensors, but number 1 is"):
            call()
    with pytest.raises(TypeError, match="iterable"):
        clip_grad_norm_(None, 1.0)
    with pytest.raises(ValueError, match="abc"):
        get_total_norm([lucid.ones(1)], "abc")
    assert first.grad.tolist() == [3, 4]


def test_clipping_is_not_recorded_but_noticed():
    x = lucid.tensor([3.0, 4.0], requires_grad=True)
    (x**3).sum().backward(create_graph=True)
    assert x.grad.requires_grad
    later = (x.grad * x.grad).sum()
    norm = clip_grad_norm_(x, 1.0)
    assert not norm.requires_grad
    np.testing.assert_allclose(x.grad.detach().numpy(), np.array([27.0, 48.0]) / math.hypot(27, 48), rtol=1e-6)
    with pytest.raises(RuntimeError, match="in place|in-place"):
        later.backward()


def test_all_gradients_are_one_call(monkeypatch):
    calls = []
    for name in ("_norms", "_clip", "_clamp"):
        table = {
            kind: lambda *a, f=f, name=name: calls.append(name) or f(*a)
            for kind, f in getattr(multi_tensor, name).items()
        }
        monkeypatch.setattr(multi_tensor, name, table)
    params = params_with(*drawn(shapes=[(5, 3)] * 100))
    clip_grad_norm_(params, 1.0)
    clip_grad_value_(params, 0.1)
    assert calls == ["_norms", "_clip", "_clamp"]
    assert hasattr(lib, "clip_all_f32")


# ---------------------------------------------------------------------------------------------------------------------
# Vectors


def test_vector_of_parameters_and_back():
    arrays = drawn()
    params = [Parameter(lucid.tensor(x)) for x in arrays]
    vector = parameters_to_vector(p for p in params)
    np.testing.assert_array_equal(vector.detach().numpy(), np.concatenate([x.reshape(-1) for x in arrays]))
    (vector * 2).sum().backward()
    assert all((p.grad.numpy() == 2).all() for p in params if p.numel())
    new = lucid.tensor(np.arange(vector.numel(), dtype=np.float32))
    versions = [p._version for p in params]
    assert vector_to_parameters(new, (p for p in params)) is None
    assert parameters_to_vector(params).tolist() == new.tolist()
    assert [p.shape for p in params] == [x.shape for x in arrays]
    assert all(p.is_leaf and p.requires_grad and isinstance(p, Parameter) for p in params)
    assert all(p._version > v for p, v in zip(params, versions, strict=True))
    assert not np.shares_memory(vector.detach().numpy(), params[0].detach().numpy())


def test_parameters_share_the_vector_as_in_torch():
    vec = lucid.tensor(np.arange(8.0), requires_grad=True)
    params = [Parameter(lucid.zeros(2)), Parameter(lucid.zeros(1, 2))]
    vector_to_parameters(vec, params)  # numbers are left over, and the number type is the vector's
    assert [p.tolist() for p in params] == [[0, 1], [[2, 3]]]
    assert all(p.dtype is lucid.float64 for p in params)
    with lucid.no_grad():
        vec[3] = 7.0
    assert params[1].tolist() == [[2, 7]]
    vector_to_parameters(vec.detach()[::2], params)
    assert [p.tolist() for p in params] == [[0, 2], [[4, 6]]]


def test_vectors_that_do_not_fit_change_nothing():
    params = [Parameter(lucid.zeros(2)), Parameter(lucid.zeros(1, 2))]
    for bad in (lucid.ones(3), lucid.ones(2, 2), lucid.ones(()), lucid.zeros(0)):
        with pytest.raises(ValueError, match="need a vector of 4 numbers, got shape"):
            vector_to_parameters(bad, params)
    for bad in ([1.0, 2.0, 3.0, 4.0], np.ones(4), lucid.arange(4)):
        with pytest.raises(TypeError, match="vector_to_parameters"):
            vector_to_parameters(bad, params)
    assert [p.tolist() for p in params] == [[0, 0], [[0, 0]]]
    with pytest.raises(ValueError, match="at least one"):
        parameters_to_vector([])


def test_vectors_of_odd_parameters():
    assert parameters_to_vector(lucid.ones(2, 3)).shape == (6,)
    assert parameters_to_vector([lucid.tensor(2.0), lucid.zeros(0, 3), lucid.ones(2, 3).T]).shape == (7,)
    assert parameters_to_vector([lucid.ones(2), lucid.ones(2, dtype=lucid.float64)]).dtype is lucid.float64
    scalar, empty = Parameter(lucid.zeros(())), Parameter(lucid.zeros(0, 3))
    vector_to_parameters(lucid.tensor([5.0]), [empty, scalar])
    assert scalar.item() == 5 and empty.shape == (0, 3)
