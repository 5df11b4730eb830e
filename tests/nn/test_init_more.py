"""Initial values with a structure: identities, orthogonal and sparse matrices, the truncated normal distribution."""

import math

import numpy as np
import pytest
from scipy import stats

import lucid
from lucid import nn
from lucid.nn import init


@pytest.mark.parametrize("dtype", [lucid.float32, lucid.float64], ids=repr)
@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [
        (0, 1, -2, 2),
        (1, 0.5, 0, math.inf),
        (0, 1, 2, 4),
        (0, 1, -9, -3),
        (5, 2, -1, 2),
        (0, 1, -0.1, 0.1),
        (0, 1, 30, 31),
    ],
)
def test_truncated_normal(mean, std, a, b, dtype):
    x = lucid.empty(200, 100, dtype=dtype)
    assert init.trunc_normal_(x, mean, std, a, b) is x
    numbers = x.numpy().astype(np.float64).reshape(-1)
    assert numbers.min() >= np.float32(a) and numbers.max() <= np.float32(b)
    wanted = stats.truncnorm((a - mean) / std, (b - mean) / std, mean, std)
    assert stats.kstest(numbers, wanted.cdf).pvalue > 1e-4


def test_truncated_normal_refuses():
    for arguments in ((0, 1, 2, 2), (0, 0, -1, 1), (0, 1, 8, math.inf), (0, 1, 2, -2)):
        x = lucid.ones(3)
        with pytest.raises(ValueError, match="trunc_normal_"):
            init.trunc_normal_(x, *arguments)
        assert x.tolist() == [1, 1, 1]


@pytest.mark.parametrize("dtype", [lucid.float32, lucid.float64], ids=repr)
@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (4, 2, 3), (1, 6)])
def test_orthogonal(shape, dtype):
    x = init.orthogonal_(lucid.empty(*shape, dtype=dtype), gain=1.5).numpy().astype(np.float64)
    x = x.reshape(shape[0], -1) / 1.5
    product = x @ x.T if x.shape[0] <= x.shape[1] else x.T @ x
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-6 if dtype is lucid.float32 else 1e-13)


def test_orthogonal_is_uniform():
    """The first entry of a uniform rotation of the plane is a cosine; its sign is as often − as +."""
    found = [init.orthogonal_(lucid.empty(2, 2))[0, 0].item() for _ in range(2000)]
    assert stats.kstest(np.arccos(found), stats.uniform(0, math.pi).cdf).pvalue > 1e-4


def test_sparse():
    for sparsity, zeros in ((0.0, 0), (0.1, 5), (0.25, 13), (1.0, 50)):
        x = init.sparse_(lucid.empty(50, 400), sparsity, std=0.5)
        assert ((x == 0).sum(0) == zeros).all()
    x = init.sparse_(lucid.empty(50, 400), 0.5, std=0.5).numpy()
    assert stats.kstest(x[x != 0].astype(np.float64), stats.norm(0, 0.5).cdf).pvalue > 1e-4
    assert (x == 0).sum(1).std() > 5  # zeros are not in the same rows everywhere


def test_identities():
    assert init.eye_(lucid.ones(3, 2)).tolist() == [[1, 0], [0, 1], [0, 0]]
    x = lucid.randn(2, 4, 9, 8)
    for groups in (1, 2):
        conv = nn.Conv2d(4, 4, 3, padding=1, groups=groups, bias=False)
        init.dirac_(conv.weight, groups)
        assert conv(x).tolist() == x.tolist()
    weight = init.dirac_(lucid.ones(6, 2, 4), 2).numpy()
    assert weight.sum() == 4 and weight[0, 0, 2] == weight[1, 1, 2] == weight[3, 0, 2] == weight[4, 1, 2] == 1


def test_parameters_stay_leaves_and_generators_count():
    makers = {
        "uniform_": (), "normal_": (), "xavier_uniform_": (), "xavier_normal_": (), "kaiming_uniform_": (),
        "kaiming_normal_": (), "trunc_normal_": (), "orthogonal_": (), "sparse_": (0.5,),
    }  # fmt: skip
    for name, args in makers.items():
        results = []
        for _ in range(2):
            parameter = nn.Parameter(lucid.empty(4, 6))
            generator = lucid.Generator().manual_seed(3)
            assert getattr(init, name)(parameter, *args, generator=generator) is parameter
            assert parameter.is_leaf and parameter.requires_grad
            results.append(parameter.tolist())
        assert results[0] == results[1], name
    for name in ("eye_", "ones_", "zeros_"):
        assert getattr(init, name)(nn.Parameter(lucid.empty(4, 6))).is_leaf


def test_errors():
    for call, text in [
        (lambda: init.eye_(lucid.ones(3)), r"eye_.*\(3,\)"),
        (lambda: init.dirac_(lucid.ones(3, 3)), r"dirac_.*\(3, 3\)"),
        (lambda: init.dirac_(lucid.ones(3, 3, 3), 2), "2 groups .* 3 output"),
        (lambda: init.orthogonal_(lucid.ones(3)), r"orthogonal_.*\(3,\)"),
        (lambda: init.sparse_(lucid.ones(3, 3, 3), 0.5), r"sparse_.*\(3, 3, 3\)"),
        (lambda: init.sparse_(lucid.ones(3, 3), 1.5), "from 0 to 1"),
        (lambda: init.calculate_gain("prelu"), "'prelu'"),
    ]:
        with pytest.raises(ValueError, match=text):
            call()
    assert init.calculate_gain("conv_transpose2d") == 1 and init.calculate_gain("tanh") == 5 / 3
    assert init.orthogonal_(lucid.empty(0, 3)).shape == (0, 3)
