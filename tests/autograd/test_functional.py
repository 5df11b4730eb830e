"""jacobian, hessian, vjp and jvp against formulas in NumPy."""

import numpy as np
import pytest

import lucid
from lucid.autograd.functional import hessian, jacobian, jvp, vjp

A = np.array([[1.0, -2.0, 0.5], [0.3, 1.5, -1.0]])


def tensor(array):
    return lucid.tensor(np.asarray(array, np.float64))


def curve(x):
    """R³ → R²: sin(A x), with the Jacobian diag(cos(A x)) A."""
    return (tensor(A) @ x).sin()


X = np.array([0.4, -0.2, 0.9])
J = np.cos(A @ X)[:, None] * A


def test_jacobian_and_products():
    np.testing.assert_allclose(jacobian(curve, tensor(X)).numpy(), J, rtol=1e-14)
    out, product = vjp(curve, tensor(X), tensor([2.0, -1.0]))
    np.testing.assert_allclose(product.numpy(), [2.0, -1.0] @ J, rtol=1e-14)
    np.testing.assert_allclose(out.numpy(), np.sin(A @ X), rtol=1e-14)
    out, product = jvp(curve, tensor(X), tensor([2.0, -1.0, 3.0]))
    np.testing.assert_allclose(product.numpy(), J @ [2.0, -1.0, 3.0], rtol=1e-14)
    assert not out.requires_grad and not product.requires_grad


def test_hessian():
    x = np.array([0.5, -1.0])
    found = hessian(lambda x: (x[0] ** 3) * x[1] + x[1] ** 2, tensor(x))
    np.testing.assert_allclose(found.numpy(), [[6 * x[0] * x[1], 3 * x[0] ** 2], [3 * x[0] ** 2, 2.0]], rtol=1e-14)
    found = hessian(lambda a, b: (a * b).sum(), (tensor([1.0, 2.0]), tensor([3.0, 4.0])))
    assert [[block.tolist() for block in row] for row in found] == [
        [[[0, 0], [0, 0]], [[1, 0], [0, 1]]],
        [[[1, 0], [0, 1]], [[0, 0], [0, 0]]],
    ]


def test_structures_of_inputs_and_outputs():
    a, b = tensor([1.0, 2.0]), tensor([[3.0], [4.0], [5.0]])
    found = jacobian(lambda a, b: (a * 2, b.sum()), (a, b))
    assert [[tuple(block.shape) for block in row] for row in found] == [[(2, 2), (2, 3, 1)], [(2,), (3, 1)]]
    assert isinstance(jacobian(lambda a: a * 2, (a,)), tuple) and jacobian(lambda a: a * 2, (a,))[0].shape == (2, 2)
    assert jacobian(lambda a: a.sum(), a).shape == (2,)
    assert a.requires_grad is False and a.grad is None


def test_the_result_is_differentiable_when_asked():
    x = tensor(X).requires_grad_()
    found = jacobian(curve, x, create_graph=True)
    (gradient,) = lucid.autograd.grad(found.sum(), x)
    expected = (-np.sin(A @ X)[:, None, None] * A[:, :, None] * A[:, None, :]).sum((0, 1))
    np.testing.assert_allclose(gradient.numpy(), expected, rtol=1e-13)
    assert lucid.autograd.gradcheck(lambda x: jvp(curve, x, tensor([1.0, 2.0, 3.0]), create_graph=True)[1], (x,))
    assert lucid.autograd.gradcheck(lambda x: hessian(lambda x: curve(x).sum(), x, create_graph=True), (x,))
    with lucid.no_grad():  # recording is switched on inside
        assert not jacobian(curve, x).requires_grad
        np.testing.assert_allclose(jacobian(curve, x).numpy(), J, rtol=1e-14)


def test_strict_refuses_what_does_not_depend():
    x = tensor(X)
    for call, message in (
        (lambda: jacobian(lambda x: lucid.zeros(2), x, strict=True), "output 0 does not depend"),
        (lambda: vjp(lambda x, y: x * 2, (x, x), x, strict=True), "do not depend on input 1"),
        (lambda: jacobian(lambda x: x * 2, x, strict=True, create_graph=True), "has no derivative itself"),
        (lambda: hessian(lambda x: x.sum(), x, strict=True), "derivative"),
    ):
        with pytest.raises(RuntimeError, match=message):
            call()
    assert jacobian(lambda x: lucid.zeros(2), x).tolist() == [[0.0] * 3] * 2
    assert hessian(lambda x: x.sum(), x).tolist() == [[0.0] * 3] * 3


def test_errors():
    x = tensor(X)
    for call, kind, message in (
        (lambda: vjp(curve, x), RuntimeError, "v may be left out only when the output is one number"),
        (lambda: vjp(curve, x, x), RuntimeError, r"v has the shapes \[\(3,\)\], the output \[\(2,\)\]"),
        (lambda: jvp(curve, x), RuntimeError, "the input is one number"),
        (lambda: jacobian(curve, 3.0), TypeError, "inputs must be a tensor"),
        (lambda: jacobian(lambda x: 3.0, x), TypeError, "what the function returns must be a tensor"),
        (lambda: hessian(curve, x), RuntimeError, "a tensor of one element"),
        (lambda: jacobian(curve, x, vectorize=True), ValueError, "vectorize"),
        (lambda: jacobian(curve, x, strategy="forward-mode"), ValueError, "forward-mode"),
    ):
        with pytest.raises(kind, match=message):
            call()
