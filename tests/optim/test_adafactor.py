"""Adafactor: matrices and vectors of all shapes, its epsilons, and what it refuses."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

import lucid
from lucid.optim import Adafactor
from tests.optim.one_parameter import parameter

Transcription = runpy.run_path(str(Path(__file__).with_name("rules") / "adafactor.py"))["RULES"]["Adafactor"][
    "transcription"
]


def give(p, g):
    p.grad = lucid.tensor(np.asarray(g, p.dtype.name))


LARGE = [
    (70_003,),
    (300, 2500),
    (1, 70_003),
    (70_003, 1),
    (64, 1024),
    (65, 1025),
    (3, 200, 100),
    (500, 40, 3, 3),
    (90,),
]


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_large_parameters(kind, simd_level, both_thread_counts):
    """All cuts of the sums, in one group: the formulas, and the same bits for 1 and 2 threads."""
    random = np.random.default_rng(3)
    starts = [random.standard_normal(shape) for shape in LARGE]
    gradients = [[random.standard_normal(shape).astype(np.float32) for shape in LARGE] for _ in range(3)]

    def compute():
        params = [parameter(start, kind) for start in starts]
        optimizer = Adafactor(params, weight_decay=0.1)
        for step in gradients:
            for p, g in zip(params, step, strict=True):
                give(p, g)
            optimizer.step()
        return np.concatenate([p.detach().numpy().reshape(-1) for p in params])

    found, expected = both_thread_counts(compute), []
    for i, start in enumerate(starts):
        e = Transcription(start.astype(kind), weight_decay=0.1)
        for step in gradients:
            e.step(step[i].astype(np.float64))
        expected.append(e.p.reshape(-1))
    tolerance = 1e-12 if kind == "float64" else 1e-6
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=tolerance, atol=tolerance)


def test_state_has_pytorchs_shapes():
    shapes = {(5,): {"variance": (5,)}, (): {"variance": ()}, (4, 3): {"row_var": (4, 1), "col_var": (1, 3)}}
    shapes |= {(2, 6, 4, 3): {"row_var": (2, 6, 4, 1), "col_var": (2, 6, 1, 3)}}
    params = [parameter(np.ones(shape)) for shape in shapes]
    optimizer = Adafactor(params)
    for p in params:
        give(p, np.ones(p.shape))
    optimizer.step()
    for p, expected in zip(params, shapes.values(), strict=True):
        assert {name: tuple(x.shape) for name, x in optimizer.state[p].items()} == {"step": ()} | expected


def test_state_of_another_shape_is_refused():
    matrix, vector = parameter(np.ones((3, 2))), parameter(np.ones(6))
    one, other = Adafactor([matrix]), Adafactor([vector])
    for p, optimizer in ((matrix, one), (vector, other)):
        give(p, np.ones(p.shape))
        optimizer.step()
    saved = one.state_dict()
    with pytest.raises(ValueError, match=r"has \['step', 'row_var', 'col_var'\] but not 'variance'"):
        other.load_state_dict(saved)
    saved["state"][0]["variance"] = np.ones((3, 2))
    with pytest.raises(ValueError, match="has no state 'variance'"):
        one.load_state_dict(saved)


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_eps_of_none_is_that_of_the_number_type(kind):
    """Gradients so small that eps is all that divides them."""
    g = np.full((3, 4), np.finfo(kind).eps / 16)
    found = []
    for eps in (None, float(np.finfo(kind).eps), float(np.finfo(kind).eps) * 2):
        p = parameter(np.ones((3, 4)), kind)
        give(p, g)
        Adafactor([p], eps=(eps, 1e-3), lr=0.5).step()
        found.append(p.tolist())
    assert found[0] == found[1] != found[2]
    np.testing.assert_allclose(found[0], 1 - 0.5 / 16, rtol=1e-6)


@pytest.mark.parametrize("shape", [(4,), (2, 2), (5, 7)])
def test_zero_gradient(shape):
    """No change; with eps of 0 it is 0 / 0, as in PyTorch."""
    for eps, expected in ((None, 1.0), (0.0, np.nan)):
        p = parameter(np.ones(shape))
        give(p, np.zeros(shape))
        Adafactor([p], eps=(eps, 1e-3)).step()
        np.testing.assert_array_equal(p.detach().numpy(), np.full(shape, expected))


def test_eps_of_0_is_none_for_other_gradients():
    """The unused lanes of a vector are no part of the sums."""
    g = np.arange(1.0, 36).reshape(5, 7)
    for start in (np.ones((5, 7)), np.ones(35)):
        p, e = parameter(start), Transcription(start, eps=(0.0, 0.0))
        give(p, g.reshape(start.shape))
        Adafactor([p], eps=(0.0, 0.0)).step()
        e.step(g.reshape(start.shape))
        np.testing.assert_allclose(p.detach().numpy(), e.p, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"lr": -1.0}, ValueError, "lr must not be negative"),
        ({"beta2_decay": 0.1}, ValueError, "beta2_decay must be 0 or less"),
        ({"eps": (-1.0, 0.0)}, ValueError, r"eps\[0\] must not be negative"),
        ({"eps": (None, -1.0)}, ValueError, r"eps\[1\] must not be negative"),
        ({"eps": (None, None)}, TypeError, r"eps\[1\] must be a number"),
        ({"eps": 1e-8}, TypeError, "pair"),
        ({"eps": (1e-8,)}, ValueError, "pair"),
        ({"d": 0.9}, ValueError, "d must be 1 or more"),
        ({"weight_decay": -0.1}, ValueError, "weight_decay must not be negative"),
        ({"capturable": True}, ValueError, "not possible"),
    ],
    ids=str,
)
def test_bad_option(options, error, words):
    with pytest.raises(error, match=words):
        Adafactor([parameter(np.ones(2))], **options)
