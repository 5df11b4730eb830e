"""Linear algebra: derivatives by finite differences, values and batches against NumPy in float64, errors."""

import math

import numpy as np
import pytest

import lucid
from lucid import linalg
from lucid.autograd import gradcheck, gradgradcheck

rng = np.random.default_rng(41)


def double(*shape):
    return lucid.tensor(rng.standard_normal(shape), requires_grad=True)


def regular(*shape):
    return lucid.tensor(rng.standard_normal(shape) * 0.3 + 2 * np.eye(shape[-1]), requires_grad=True)


def apart(*shape):
    """Matrices with singular values that differ clearly."""
    m, n = shape[-2:]
    values = np.array([3.0, 2.0, 1.0, 0.5, 4.0])[: min(m, n)]
    base = np.zeros((m, n))
    np.fill_diagonal(base, values)
    return lucid.tensor(rng.standard_normal(shape) * 0.15 + base, requires_grad=True)


def symmetric(x):
    return (x + x.mT) / 2


def positive(x):
    return x @ x.mT + lucid.eye(x.shape[-1], dtype=lucid.float64)


DIFFERENTIABLE = {
    "cholesky": (lambda a: linalg.cholesky(positive(a)), lambda: [double(2, 3, 3)]),
    "cholesky upper": (lambda a: linalg.cholesky(positive(a), upper=True), lambda: [double(3, 3)]),
    "qr square": (linalg.qr, lambda: [regular(3, 3)]),
    "qr tall": (linalg.qr, lambda: [apart(2, 4, 3)]),
    "qr wide": (linalg.qr, lambda: [apart(3, 4)]),
    "qr complete": (lambda a: linalg.qr(a, "complete"), lambda: [apart(3, 4)]),
    "qr only R": (lambda a: linalg.qr(a).R, lambda: [apart(4, 3)]),
    "qr only Q": (lambda a: linalg.qr(a).Q, lambda: [apart(4, 3)]),
    "svd square": (lambda a: linalg.svd(a, False), lambda: [apart(3, 3)]),
    "svd tall": (lambda a: linalg.svd(a, False), lambda: [apart(2, 4, 3)]),
    "svd wide": (lambda a: linalg.svd(a, False), lambda: [apart(3, 4)]),
    "svd only U": (lambda a: linalg.svd(a, False).U, lambda: [apart(4, 3)]),
    "svd only Vh": (lambda a: linalg.svd(a, False).Vh, lambda: [apart(3, 4)]),
    "svd full": (lambda a: linalg.svd(a)[0][:, :2], lambda: [apart(3, 2)]),
    "svdvals": (linalg.svdvals, lambda: [apart(2, 3, 4)]),
    "old svd": (lucid.svd, lambda: [apart(4, 3)]),
    "eigh": (lambda a: linalg.eigh(symmetric(a)), lambda: [apart(2, 3, 3)]),
    "eigvalsh": (lambda a: linalg.eigvalsh(symmetric(a), "U"), lambda: [apart(3, 3)]),
    "solve": (linalg.solve, lambda: [regular(2, 1, 3, 3), double(4, 3, 2)]),
    "solve vector": (linalg.solve, lambda: [regular(3, 3), double(3)]),
    "solve right": (lambda a, b: linalg.solve(a, b, left=False), lambda: [regular(3, 3), double(2, 3)]),
    "inv": (linalg.inv, lambda: [regular(2, 3, 3)]),
    "det": (linalg.det, lambda: [regular(2, 3, 3)]),
    "logdet": (lambda a: lucid.logdet(positive(a)), lambda: [double(3, 3)]),
    "slogdet": (lambda a: linalg.slogdet(a).logabsdet, lambda: [regular(2, 3, 3)]),
    "matrix_power": (lambda a: linalg.matrix_power(a, 5), lambda: [double(2, 3, 3)]),
    "negative power": (lambda a: linalg.matrix_power(a, -2), lambda: [regular(3, 3)]),
    "pinv tall": (linalg.pinv, lambda: [apart(4, 3)]),
    "pinv wide": (linalg.pinv, lambda: [apart(2, 3, 4)]),
    "lstsq": (lambda a, b: linalg.lstsq(a, b).solution, lambda: [apart(4, 3), double(4, 2)]),
    "vecdot": (linalg.vecdot, lambda: [double(2, 3), double(3)]),
    "multi_dot": (lambda *x: linalg.multi_dot(x), lambda: [double(3), double(3, 2), double(2, 4), double(4)]),
    "chain_matmul": (lucid.chain_matmul, lambda: [double(2, 3), double(3, 2), double(2, 4)]),
    "cross": (lucid.cross, lambda: [double(3, 2), double(3, 2)]),
    "linalg cross": (linalg.cross, lambda: [double(1, 3), double(2, 3)]),
    "kron": (lucid.kron, lambda: [double(2, 3), double(2)]),
    "inner": (lucid.inner, lambda: [double(2, 3), double(2, 3)]),
    "tensordot": (lambda a, b: lucid.tensordot(a, b, ([0, 2], [1, 0])), lambda: [double(2, 3, 4), double(4, 2)]),
    "addmv": (lambda *x: lucid.addmv(*x, beta=0.5, alpha=2), lambda: [double(1), double(2, 3), double(3)]),
    "addr": (lambda *x: lucid.addr(*x, beta=0.5, alpha=2), lambda: [double(3), double(2), double(3)]),
    "baddbmm": (lucid.baddbmm, lambda: [double(1, 3), double(2, 2, 4), double(2, 4, 3)]),
    "addbmm": (lambda *x: lucid.addbmm(*x, beta=0, alpha=2), lambda: [double(2, 3), double(2, 2, 4), double(2, 4, 3)]),
    "trace": (lucid.trace, lambda: [double(3, 4)]),
    "diagonal": (lambda a: linalg.diagonal(a, offset=1), lambda: [double(2, 3, 4)]),
    "einsum": (lambda a, b: lucid.einsum("biij,...jk->b...k", a, b), lambda: [double(2, 3, 3, 2), double(2, 2, 3)]),
    "einsum stretched": (lambda a, b: lucid.einsum("ij,jk->ik", a, b), lambda: [double(2, 1), double(3, 2)]),
    "einsum of three": (lambda *x: lucid.einsum("ab,bc,ca->b", *x), lambda: [double(2, 3), double(3, 2), double(2, 2)]),
    **{
        f"cdist {p}": (lambda a, b, p=p: lucid.cdist(a, b, p), lambda: [double(2, 3, 4), double(2, 2, 4)])
        for p in (0.5, 1, 1.5, 2, 3, math.inf)
    },
    "cdist by product": (
        lambda a, b: lucid.cdist(a, b, compute_mode="use_mm_for_euclid_dist"),
        lambda: [double(3, 4), double(2, 4)],
    ),
    **{
        f"vector_norm {p}": (lambda a, p=p: linalg.vector_norm(a, p, (0, 2)), lambda: [double(2, 3, 2)])
        for p in (-2, 0.5, 1, 1.5, 2, 3.5, math.inf, -math.inf)
    },
    **{
        f"matrix_norm {p}": (lambda a, p=p: linalg.matrix_norm(a, p, (0, 2)), lambda: [double(3, 2, 2)])
        for p in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)
    },
    **{
        f"solve_triangular {upper} {left} {unit}": (
            lambda a, b, u=upper, s=left, o=unit: linalg.solve_triangular(a, b, upper=u, left=s, unitriangular=o),
            lambda: [regular(2, 3, 3), double(3, 3)],
        )
        for upper in (False, True)
        for left in (False, True)
        for unit in (False, True)
    },
}


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_derivatives(name):
    function, inputs = DIFFERENTIABLE[name]
    assert gradcheck(function, tuple(inputs()))
    assert gradgradcheck(function, tuple(inputs()))


def test_solve_triangular_gradient_stays_in_the_triangle():
    for upper in (False, True):
        A, B = regular(3, 3), double(3, 2)
        (grad,) = lucid.autograd.grad(linalg.solve_triangular(A, B, upper=upper).sum(), A)
        assert not np.any(np.tril(grad.numpy(), -1) if upper else np.triu(grad.numpy(), 1))


def test_singular_determinant():
    """The derivative is the matrix of cofactors also where the determinant is 0, and so is the derivative of that."""
    for rank, kept in ((2, [3.0, 2.0, 0.0]), (1, [3.0, 0.0, 0.0])):
        u, v = (np.linalg.qr(rng.standard_normal((3, 3)))[0] for _ in range(2))
        a = u * kept @ v
        cofactors = [
            [(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(a, i, 0), j, 1)) for j in range(3)] for i in range(3)
        ]
        for batch in (a, np.stack([a, np.eye(3)])):
            x = lucid.tensor(batch, requires_grad=True)
            linalg.det(x).sum().backward()
            np.testing.assert_allclose(x.grad.numpy().reshape(-1, 3, 3)[0], cofactors, atol=1e-13)
        assert rank == 1 or gradgradcheck(linalg.det, (lucid.tensor(a, requires_grad=True),), atol=1e-4)
    x = lucid.tensor(np.array([[1.0, 2.0], [2.0, 4.0]]), requires_grad=True)
    linalg.det(x).backward()
    np.testing.assert_allclose(x.grad.numpy(), [[4, -2], [-2, 1]], atol=1e-14)


EQUATIONS = [
    ("ij,jk->ik", (3, 4), (4, 5)),
    ("bij,bkj->bik", (2, 3, 4), (2, 5, 4)),
    ("...ij,...jk->...ik", (6, 1, 3, 4), (2, 4, 5)),
    ("iij,jk->ki", (3, 3, 4), (4, 5)),
    ("abc,cd,dae->be", (2, 3, 4), (4, 5), (5, 2, 6)),
    ("bqhd,bkhd->bhqk", (2, 3, 4, 5), (2, 6, 4, 5)),
    ("a,b,c->cab", (2,), (3,), (4,)),
    ("ij,ij->", (3, 4), (3, 4)),
]


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-13), (np.int64, 0)])
@pytest.mark.parametrize("case", EQUATIONS, ids=lambda case: case[0])
def test_einsum_values(case, dtype, tolerance, both_thread_counts):
    equation, *shapes = case
    arrays = [rng.integers(-4, 5, shape).astype(dtype) for shape in shapes]
    turned = [a.T.copy().T for a in arrays]
    want = np.einsum(equation, *(a.astype(np.float64) for a in arrays))
    for operands in (arrays, turned):
        got = both_thread_counts(lambda o=operands: lucid.einsum(equation, *map(lucid.from_numpy, o)).numpy())
        assert got.dtype == dtype and got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


def test_einsum_without_copies():
    """Attention's products read the heads where they lie."""
    q, k = lucid.rand(2, 3, 8, 4), lucid.rand(2, 5, 8, 4)
    assert lucid.einsum("bqhd,bkhd->bhqk", q, k).shape == (2, 8, 3, 5)
    x = lucid.rand(3, 4)
    assert np.shares_memory(lucid.einsum("ij->ji", x).numpy(), x.numpy())


@pytest.mark.parametrize("dtype", [lucid.float32, lucid.float64], ids=repr)
def test_results_keep_the_type(dtype):
    a = (lucid.rand(2, 3, 3) + lucid.eye(3)).to(dtype)
    results = [
        linalg.cholesky(a @ a.mT), *linalg.qr(a), *linalg.svd(a), linalg.svdvals(a), *linalg.eigh(a), linalg.inv(a),
        linalg.det(a), *linalg.slogdet(a), lucid.logdet(a), linalg.solve(a, a), linalg.pinv(a), linalg.norm(a),
        linalg.solve_triangular(a, a, upper=True), linalg.matrix_norm(a, "nuc"), linalg.matrix_power(a, -3),
        linalg.matrix_power(a, 0), lucid.cdist(a, a), linalg.lstsq(a, a).solution, lucid.einsum("bii->b", a),
    ]  # fmt: skip
    assert all(x.dtype is dtype for x in results)
    assert linalg.matrix_rank(a).dtype is lucid.int64


def test_names_of_results():
    a = lucid.eye(2)
    assert linalg.qr(a)._fields == lucid.qr(a)._fields == ("Q", "R")
    assert linalg.svd(a)._fields == ("U", "S", "Vh") and lucid.svd(a)._fields == ("U", "S", "V")
    assert linalg.slogdet(a)._fields == ("sign", "logabsdet")
    assert linalg.eigh(a)._fields == ("eigenvalues", "eigenvectors")
    assert linalg.lstsq(a, a)._fields == ("solution", "residuals", "rank", "singular_values")


def test_methods_are_the_functions():
    a, v, b = lucid.rand(3, 3) + 2 * lucid.eye(3), lucid.rand(3), lucid.rand(2, 3, 3)
    for name, args in {
        "det": (), "slogdet": (), "logdet": (), "inverse": (), "pinverse": (), "matrix_power": (2,), "trace": (),
        "qr": (), "svd": (), "inner": (v,), "kron": (a,), "cross": (a,), "addmm": (a, a), "addmv": (a, v),
        "addr": (v, v), "addbmm": (b, b),
    }.items():  # fmt: skip
        x = v if name == "addmv" else a
        got, want = getattr(x, name)(*args), getattr(lucid, name)(x, *args)
        for one, other in zip(*((r if isinstance(r, tuple) else (r,)) for r in (got, want)), strict=True):
            assert one.tolist() == other.tolist()
    x = lucid.zeros(2, 2)
    assert x.addmm_(lucid.ones(2, 3), lucid.ones(3, 2), alpha=2) is x and x.tolist() == [[6, 6], [6, 6]]
    assert lucid.zeros(2).addmv_(lucid.ones(2, 3), lucid.ones(3)).tolist() == [3, 3]
    assert lucid.ones(2, 2).addr_(lucid.ones(2), lucid.ones(2), beta=0.5).tolist() == [[1.5, 1.5], [1.5, 1.5]]


def test_cdist_accuracy_rule():
    """The product of matrices loses the digits of close rows: it is taken for more than 25 rows only."""
    a = lucid.tensor([[1000.0, 1000.0]])
    b = lucid.tensor([[1000.0, 1000.001]])
    exact = float(np.float32(1000.001) - np.float32(1000))
    assert lucid.cdist(a, b).item() == pytest.approx(exact)
    assert lucid.cdist(a.expand(26, 2), b)[0, 0].item() != pytest.approx(exact, rel=0.1)
    far = lucid.cdist(a.expand(26, 2), b, compute_mode="donot_use_mm_for_euclid_dist")
    assert far[0, 0].item() == pytest.approx(exact)


def test_cdist_at_distance_zero():
    for p in (0, 0.5, 1, 1.5, 2, 3, math.inf):
        x = double(30, 3)
        out = linalg.diagonal(lucid.cdist(x, x.detach(), p, "donot_use_mm_for_euclid_dist"))
        (grad,) = lucid.autograd.grad(out.sum(), x)
        assert not out.detach().numpy().any() and not grad.numpy().any()


ERRORS = [
    (lambda: linalg.inv(lucid.zeros(2, 2)), linalg.LinAlgError, "linalg.inv: the matrix is singular"),
    (lambda: linalg.inv(lucid.stack([lucid.eye(2), lucid.zeros(2, 2)])), linalg.LinAlgError, "batch element 1"),
    (lambda: linalg.solve(lucid.ones(2, 2), lucid.ones(2)), linalg.LinAlgError, "singular"),
    (lambda: linalg.cholesky(lucid.tensor([[1.0, 2], [2, 1]])), linalg.LinAlgError, "minor of order 2"),
    (lambda: linalg.svd(lucid.tensor([[math.nan]])), linalg.LinAlgError, "NaN"),
    (lambda: linalg.eigh(lucid.tensor([[math.inf]])), linalg.LinAlgError, "infinite"),
    (lambda: linalg.inv(lucid.ones(2, 3)), ValueError, r"square matrices, got shape \(2, 3\)"),
    (lambda: linalg.det(lucid.ones(2, 2, dtype=lucid.int64)), TypeError, "int64"),
    (lambda: linalg.inv([[1.0]]), TypeError, "list"),
    (lambda: linalg.solve(lucid.eye(2), lucid.ones(3)), ValueError, r"\(2, 2\) and \(3,\)"),
    (lambda: linalg.solve(lucid.eye(2), lucid.ones(2, dtype=lucid.float64)), TypeError, "float64"),
    (lambda: linalg.qr(lucid.eye(2), "all"), ValueError, "'all'"),
    (lambda: lucid.einsum("ij,jk", lucid.ones(2, 3), lucid.ones(2, 3)), ValueError, "'j' .* 3 and 2"),
    (lambda: lucid.einsum("ij", lucid.ones(2)), ValueError, "1 dimensions"),
    (lambda: lucid.einsum("i->k", lucid.ones(2)), ValueError, "'k' is in the result"),
    (lambda: lucid.einsum("i,j", lucid.ones(2)), ValueError, "speaks of 2 operands, got 1"),
    (lambda: lucid.einsum("i-j", lucid.ones(2)), ValueError, "letters"),
    (lambda: lucid.tensordot(lucid.ones(2), lucid.ones(3), 1), ValueError, "size 2 .* meets size 3"),
    (lambda: lucid.cdist(lucid.ones(2, 3), lucid.ones(2, 4)), ValueError, r"\(2, 3\) and \(2, 4\)"),
    (lambda: lucid.cdist(lucid.ones(2, 3), lucid.ones(2, 3), -1), ValueError, "at least 0"),
    (lambda: linalg.multi_dot([lucid.ones(2, 2)]), ValueError, "at least 2"),
    (lambda: lucid.trace(lucid.ones(2)), ValueError, r"\(2,\)"),
    (lambda: lucid.mm(lucid.ones(2, 2).bool(), lucid.ones(2, 2).bool()), TypeError, "bool"),
]


@pytest.mark.parametrize("case", range(len(ERRORS)))
def test_errors(case):
    call, kind, text = ERRORS[case]
    with pytest.raises(kind, match=text):
        call()


def test_derivatives_that_do_not_exist():
    for mode in ("r", "complete"):
        with pytest.raises(RuntimeError, match="reduced"):
            linalg.qr(double(4, 3), mode).R.sum().backward()
    x = lucid.ones(2, 2, requires_grad=True)
    with pytest.raises(linalg.LinAlgError, match="singular"):
        linalg.slogdet(x).logabsdet.backward()
    sign = linalg.slogdet(lucid.eye(2, requires_grad=True)).sign
    assert sign.requires_grad


def test_results_are_freed_at_once():
    """No result is held by its own node: that could only be freed by the garbage collector."""
    import gc
    import weakref

    gc.collect()
    gc.disable()
    try:
        for function in (linalg.qr, linalg.svd, linalg.inv, linalg.det, linalg.eigh, linalg.pinv):
            result = function(regular(3, 3))
            seen = weakref.ref(result[0] if isinstance(result, tuple) else result)
            del result
            assert seen() is None, function.__name__
    finally:
        gc.enable()


def test_changed_in_place():
    x = regular(3, 3)
    a = x * 1
    out = linalg.inv(a)
    out2 = linalg.det(a)
    a.mul_(2)
    out.sum().backward()  # the inverse itself is all it needs
    with pytest.raises(RuntimeError, match="changed in place"):
        out2.backward()


def test_integer_products():
    a, b = rng.integers(-9, 9, (3, 4)), rng.integers(-9, 9, (4, 2))
    for dtype in (np.int64, np.int32, np.uint8):
        x, y = lucid.tensor(a.astype(dtype)), lucid.tensor(b.astype(dtype))
        for got in (x @ y, lucid.mm(x, y), lucid.einsum("ij,jk->ik", x, y), lucid.tensordot(x, y, 1)):
            assert got.numpy().dtype == dtype and (got.numpy() == a.astype(dtype) @ b.astype(dtype)).all()
    assert lucid.dot(lucid.tensor([2, 3], dtype=lucid.int32), lucid.tensor([4, 5], dtype=lucid.int32)).tolist() == 23
