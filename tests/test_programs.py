"""What programs meet at the edges: kinds of errors, the graph walked through, texts of models."""

import numpy as np
import pytest

import lucid
from lucid import nn
from lucid.errors import ArgumentError, KindError

WRONG_SHAPES = {
    "add": lambda: lucid.ones(2) + lucid.ones(3),
    "add_": lambda: lucid.ones(2).add_(lucid.ones(3)),
    "matmul": lambda: lucid.ones(2, 3) @ lucid.ones(2, 3),
    "mm": lambda: lucid.mm(lucid.ones(2, 3), lucid.ones(2, 3)),
    "linear": lambda: nn.Linear(3, 2)(lucid.ones(2, 4)),
    "conv2d": lambda: nn.Conv2d(3, 2, 3)(lucid.ones(1, 1, 5, 5)),
    "view": lambda: lucid.ones(6).view(4, 2),
    "reshape": lambda: lucid.ones(6).reshape(4, -1),
    "cat": lambda: lucid.cat([lucid.ones(2, 2), lucid.ones(3, 3)]),
    "stack": lambda: lucid.stack([lucid.ones(2), lucid.ones(3)]),
    "expand": lambda: lucid.ones(2).expand(3),
    "item": lambda: lucid.ones(2).item(),
    "where": lambda: lucid.where(lucid.ones(2) > 0, lucid.ones(3), 0.0),
    "gather": lambda: lucid.ones(2, 2).gather(0, lucid.zeros(3, 3, dtype=lucid.int64)),
}
WRONG_TYPES = {
    "mean": lambda: lucid.tensor([1, 2]).mean(),
    "softmax": lambda: lucid.tensor([1, 2]).softmax(0),
    "linear": lambda: nn.Linear(3, 2)(lucid.ones(2, 3, dtype=lucid.float64)),
    "matmul": lambda: lucid.ones(2, 2) @ lucid.ones(2, 2, dtype=lucid.float64),
}


@pytest.mark.parametrize("name", WRONG_SHAPES)
def test_sizes_that_do_not_fit_are_of_both_kinds(name):
    for kind in (ValueError, RuntimeError, ArgumentError):
        with pytest.raises(kind):
            WRONG_SHAPES[name]()


@pytest.mark.parametrize("name", WRONG_TYPES)
def test_types_that_do_not_fit_are_of_both_kinds(name):
    for kind in (TypeError, RuntimeError, KindError):
        with pytest.raises(kind):
            WRONG_TYPES[name]()


def test_the_graph_can_be_walked_to_its_leaves():
    w, b = lucid.ones(2, requires_grad=True), lucid.ones(2, requires_grad=True)
    found, stack = [], [((w * 2 + b).sum().grad_fn)]
    while stack:
        function = stack.pop()
        found += [function.variable] if hasattr(function, "variable") else []
        stack += [following for following, _ in function.next_functions if following is not None]
    assert {id(x) for x in found} == {id(w), id(b)}
    (first, _), _ = (w * b).grad_fn.next_functions
    assert "AccumulateGrad" in repr(first) and first == (w + 1).grad_fn.next_functions[0][0]
    assert len({first, (w + 1).grad_fn.next_functions[0][0]}) == 1


def test_attention_prints_as_in_pytorch():
    assert repr(nn.MultiheadAttention(8, 2)) == (
        "MultiheadAttention(\n"
        "  (out_proj): NonDynamicallyQuantizableLinear(in_features=8, out_features=8, bias=True)\n"
        ")"
    )


@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_solve(upper):
    draw = np.random.RandomState(0)
    half, right = draw.randn(3, 4, 4), draw.randn(3, 4, 2)
    matrix = half @ half.swapaxes(1, 2) + np.eye(4)

    def solution(matrix, right):
        factor = lucid.linalg.cholesky(matrix)
        return lucid.cholesky_solve(right, factor.mT if upper else factor, upper)

    a, b = (lucid.tensor(x, requires_grad=True) for x in (matrix, right))
    np.testing.assert_allclose(solution(a, b).detach().numpy(), np.linalg.solve(matrix, right), rtol=1e-9)
    assert lucid.autograd.gradcheck(lambda h, b: solution(h @ h.mT + lucid.eye(4, dtype=lucid.float64), b), (a, b))


def test_shorter_names():
    assert lucid.autocast is lucid.amp.autocast and lucid.GradScaler is lucid.amp.GradScaler
    assert nn.parameter.Parameter is nn.Parameter and nn.modules.linear.Linear is nn.Linear

    from lucid.nn.modules.loss import MSELoss
    from lucid.nn.modules.module import Module
    from lucid.utils.data.dataloader import DataLoader

    assert (MSELoss, Module, DataLoader) == (nn.MSELoss, nn.Module, lucid.utils.data.DataLoader)


def test_results_with_gradients_become_numbers():
    p = lucid.ones(2, requires_grad=True)
    x = lucid.tensor([p.sum(), (p * 3).sum()])
    assert x.tolist() == [2.0, 6.0] and not x.requires_grad and x.dtype is lucid.float32
    assert lucid.tensor([[p[0], 2.0], (3.0, p.detach()[1])]).tolist() == [[1.0, 2.0], [3.0, 1.0]]
    assert lucid.tensor([lucid.tensor(1), lucid.tensor(2)]).dtype is lucid.int64


def test_number_types_together():
    kinds = [lucid.bool, lucid.uint8, lucid.int32, lucid.int64, lucid.float32, lucid.float64]
    for one in kinds:
        for other in kinds:
            wanted = lucid.result_type(lucid.zeros(1, dtype=one), lucid.zeros(1, dtype=other))
            assert lucid.promote_types(one, other) is wanted
            fits = lucid.can_cast(one, other)
            target = lucid.zeros(1, dtype=other)
            if fits:
                target.mul_(lucid.ones(1, dtype=one))
            else:
                with pytest.raises(TypeError):
                    target.mul_(lucid.ones(1, dtype=one))


def test_a_stream_of_its_own():
    lucid.manual_seed(0)
    wanted = lucid.rand(2).tolist(), lucid.rand(2).tolist()
    lucid.random.manual_seed(0)
    first = lucid.rand(2).tolist()
    with lucid.random.fork_rng():
        lucid.rand(7)
    assert (first, lucid.rand(2).tolist()) == wanted
    with lucid.random.fork_rng(enabled=False):
        lucid.manual_seed(0)
    assert lucid.rand(2).tolist() == wanted[0]


def test_new():
    x = lucid.ones(2, dtype=lucid.int64)
    assert x.new(2, 3).shape == (2, 3) and x.new([1, 2]).tolist() == [1, 2] and x.new(1).dtype is lucid.int64


def test_flags_that_scripts_set():
    assert lucid.version.cuda is None and not lucid.backends.cuda.is_built()
    before = lucid.backends.cuda.matmul.allow_tf32, lucid.backends.cudnn.allow_tf32
    lucid.backends.cuda.matmul.allow_tf32 = lucid.backends.cudnn.allow_tf32 = True
    assert lucid.ones(2, 2).mm(lucid.ones(2, 2)).tolist() == [[2.0, 2.0], [2.0, 2.0]]
    lucid.backends.cuda.matmul.allow_tf32, lucid.backends.cudnn.allow_tf32 = before


def test_gumbel_softmax():
    lucid.manual_seed(0)
    logits = lucid.tensor([0.0, 1.0, 2.0], requires_grad=True)
    drawn = nn.functional.gumbel_softmax(logits.expand(20000, 3), hard=True)
    assert set(drawn.detach().unique().tolist()) == {0.0, 1.0} and drawn.sum(1).eq(1).all()
    np.testing.assert_allclose(drawn.detach().mean(0).numpy(), logits.softmax(0).detach().numpy(), atol=0.02)
    soft = nn.functional.gumbel_softmax(logits.expand(4, 3).t(), tau=0.5, dim=0)
    np.testing.assert_allclose(soft.detach().sum(0).numpy(), 1.0, rtol=1e-6)
    nn.functional.gumbel_softmax(logits, hard=True)[0].backward()
    assert logits.grad.abs().sum() > 0
