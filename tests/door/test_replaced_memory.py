"""What was checked in the forward pass and replaced before backward: each case here once read or wrote astray."""

from __future__ import annotations

import pytest

import lucid
from lucid.nn import functional as F

FAR = 2**20  # numbers: an address so far behind a small array is nobody's


def test_a_bias_of_a_normalisation():
    for call in (
        lambda x, w, b: F.layer_norm(x, (FAR,), w, b),
        lambda x, w, b: F.group_norm(x, 1, w, b),
        lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
    ):
        x, w, b = lucid.ones(2, FAR), lucid.ones(FAR, requires_grad=True), lucid.ones(FAR, requires_grad=True)
        loss = call(x, w, b).sum()
        b.data = lucid.zeros(1)
        with pytest.raises(RuntimeError, match="data was replaced"):
            loss.backward()


def test_the_weight_of_a_loss():
    logits, target = lucid.zeros(2, FAR, requires_grad=True), lucid.tensor([0, FAR - 1])
    for loss in (F.cross_entropy, lambda x, y, w: F.nll_loss(F.log_softmax(x, 1), y, w)):
        weight = lucid.ones(FAR)
        found = loss(logits, target, weight)
        weight.data = lucid.zeros(1)
        with pytest.raises(RuntimeError, match="changed in place"):
            found.backward()
        weight = lucid.ones(FAR)
        found = loss(logits, target, weight)
        weight.mul_(2)  # once was silently used in the derivative
        with pytest.raises(RuntimeError, match="changed in place"):
            found.backward()


def test_the_indices_that_a_pooling_returned():
    x = lucid.arange(16.0).reshape(1, 4, 4).requires_grad_()
    out, index = F.max_pool2d(x, 2, return_indices=True)
    index.data = lucid.zeros(0, dtype=lucid.int64)
    out.sum().backward()
    assert x.grad.sum().item() == 4 and x.grad[0, 3, 3].item() == 1


@pytest.mark.parametrize("operation", ["max", "sort", "topk", "cummax", "median"])
def test_the_indices_that_a_choice_returned(operation):
    x = lucid.rand(3, 4, requires_grad=True)
    result = getattr(lucid, operation)(x, *((2,) if operation == "topk" else (1,)))
    result[1].data = lucid.zeros(3 * FAR, dtype=lucid.int64)
    try:
        result[0].sum().backward()
    except RuntimeError as error:
        assert "index now has" in str(error) or "changed in place" in str(error)
    else:
        assert x.grad.sum().item() == result[0].array.size


def test_the_numbers_of_a_recorded_tensor_keep_their_shape():
    x = lucid.rand(1, 1, 4, 4, requires_grad=True)
    y = F.max_pool2d(x, 2)
    with pytest.raises(ValueError, match="recorded tensor"):
        y.data = lucid.zeros(3)
    with pytest.raises(TypeError, match="recorded tensor"):
        y.data = lucid.zeros(1, 1, 2, 2, dtype=lucid.float64)
    y.data = lucid.zeros(1, 1, 2, 2)
    y.sum().backward()
    assert x.grad.sum().item() == 4


def test_a_gradient_of_another_shape_does_not_reach_a_leaf():
    x = lucid.ones(3, requires_grad=True)
    total = x.sum()
    x.data = lucid.ones(2)
    with pytest.raises(
        RuntimeError, match=r"the gradient is lucid.float32 \(3,\), but the leaf is lucid.float32 \(2,\)"
    ):
        total.backward()
    assert x.grad is None


def test_an_optimizer_sees_that_a_parameter_shrank_at_its_place():
    """A shorter view of the same memory begins at the same address."""
    p = lucid.nn.Parameter(lucid.ones(4))
    optimizer = lucid.optim.Adam([p], lr=0.1)
    p.grad = lucid.ones(4)
    optimizer.step()
    p.data = p.data[:2]
    before = p.tolist()
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        optimizer.step()
    assert p.tolist() == before
