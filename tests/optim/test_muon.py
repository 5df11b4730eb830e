"""Muon: PyTorch's recorded numbers, which it computes in bfloat16, and what Muon refuses."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

import lucid
from lucid.optim import Muon
from tests.optim.one_parameter import parameter

RECORD = runpy.run_path(str(Path(__file__).with_name("record_torch_trajectories.py")))
TORCH = np.load(RECORD["FILE"])
CASES = [case for case, (name, _, _) in RECORD["CASES"].items() if name == "Muon"]
Transcription = RECORD["RULES"]["Muon"]["transcription"]

every_case = pytest.mark.parametrize("case", CASES)


def bfloat16(x):
    """Rounded to the nearest bfloat16, to even where two are as near: the upper half of a float32's bits."""
    bits = np.asarray(x, np.float32).view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
    return bits.astype(np.uint32).view(np.float32).astype(np.float64)


def recorded_run(case, step, values, checkpoints=RECORD["CHECKPOINTS"]):
    """``values()`` after each checkpoint; ``step`` is given each parameter's gradient or None."""
    seen = []
    for t in range(1, checkpoints[-1] + 1):
        step([RECORD["gradient"](i, shape, t) for i, shape in enumerate(RECORD["CASES"][case][2])])
        if t in checkpoints:
            seen.append(values())
    return seen


def run_of_transcription(case, checkpoints=RECORD["CHECKPOINTS"], **more):
    _, options, shapes = RECORD["CASES"][case]
    rules = [Transcription(RECORD["start"](i, shape), **options, **more) for i, shape in enumerate(shapes)]

    def step(gradients):
        for rule, g in zip(rules, gradients, strict=True):
            if g is not None:
                rule.step(g)

    return recorded_run(case, step, lambda: np.concatenate([rule.p.reshape(-1) for rule in rules]), checkpoints)


def run_of_ours(case, kind):
    _, options, shapes = RECORD["CASES"][case]
    params = [parameter(RECORD["start"](i, shape), kind) for i, shape in enumerate(shapes)]
    optimizer = Muon(params, **options)

    def step(gradients):
        for p, g in zip(params, gradients, strict=True):
            p.grad = None if g is None else lucid.tensor(g.astype(kind))
        optimizer.step()

    seen = recorded_run(case, step, lambda: np.concatenate([p.detach().numpy().reshape(-1) for p in params]))
    return seen, [optimizer.state[p]["momentum_buffer"].numpy() for p in params]


@every_case
def test_transcription_rounded_to_bfloat16_is_pytorch(case):
    """With each product rounded, PyTorch's numbers to float64's last digits: bfloat16 is all that differs.

    For ten steps: later, sums whose terms PyTorch adds in float32 sometimes round to the bfloat16 beside.
    """
    rounded = run_of_transcription(case, RECORD["CHECKPOINTS"][:3], rounded=bfloat16)
    for mine, theirs in zip(rounded, TORCH[f"{case}/float64"], strict=False):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-14)


@every_case
def test_recorded_trajectories(case):
    """Float64 ours: the transcription, and as far from PyTorch as bfloat16 takes PyTorch from the transcription.

    That distance is not guessed: it is what rounding each product to bfloat16 does to the transcription (5 % more is
    granted for sums that round otherwise). A bound from the 8 digits of bfloat16 alone would say nothing, because
    five iterations enlarge the rounding of a small singular value by up to 3.4445^5.
    """
    exact, rounded = run_of_transcription(case), run_of_transcription(case, rounded=bfloat16)
    seen, buffers = run_of_ours(case, "float64")
    for mine, true, bound, theirs in zip(seen, exact, rounded, TORCH[f"{case}/float64"], strict=True):
        np.testing.assert_allclose(mine, true, rtol=1e-11, atol=1e-12)
        assert np.linalg.norm(mine - theirs) <= 1.05 * np.linalg.norm(bound - true)
    buffers = np.concatenate([b.reshape(-1) for b in buffers])
    np.testing.assert_allclose(buffers, TORCH[f"{case}/momentum_buffer"], rtol=1e-11)


@every_case
def test_float32_is_far_nearer_than_bfloat16(case, simd_level):
    exact = run_of_transcription(case)[-1]
    mine, theirs = run_of_ours(case, "float32")[0][-1], TORCH[f"{case}/float32"]
    assert np.linalg.norm(mine - exact) <= np.linalg.norm(theirs - exact) / 30


@pytest.mark.parametrize("shape", [(300, 200), (200, 300), (1, 500), (500, 1), (129, 129)])
def test_result_is_orthogonal(shape, simd_level, both_thread_counts):
    """With the polynomial (15 x - 10 x³ + 3 x⁵) / 8, which leaves 1 where it is: U Vᵀ of the gradient."""
    gradient = np.random.default_rng(1).standard_normal(shape)
    options = {"ns_coefficients": (15 / 8, -10 / 8, 3 / 8), "ns_steps": 30, "weight_decay": 0.0, "momentum": 0.0}

    def compute():
        p = parameter(np.zeros(shape), "float64")
        p.grad = lucid.tensor(gradient)
        Muon([p], lr=1.0, **options).step()
        return p.detach().numpy()

    u, _, v = np.linalg.svd(gradient, full_matrices=False)
    np.testing.assert_allclose(both_thread_counts(compute), -u @ v * np.sqrt(max(1, shape[0] / shape[1])), atol=1e-12)


@pytest.mark.parametrize("scale", [1e-30, 1e-10, 1e10])
def test_gradients_of_any_size(scale):
    g = np.random.default_rng(1).standard_normal((4, 6)) * scale
    p, e = parameter(np.ones((4, 6))), Transcription(np.ones((4, 6)))
    p.grad = lucid.tensor(g.astype(np.float32))
    Muon([p]).step()
    e.step(g)
    np.testing.assert_allclose(p.detach().numpy(), e.p, rtol=1e-6)


@pytest.mark.parametrize("shape", [(3,), (), (2, 3, 4)])
def test_only_matrices(shape):
    matrix, other = parameter(np.ones((2, 2))), parameter(np.ones(shape))
    with pytest.raises(ValueError, match="2D parameters"):
        Muon([matrix, other])
    optimizer = Muon([matrix])
    with pytest.raises(ValueError, match="2D parameters"):
        optimizer.add_param_group({"params": [other]})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"lr": -1.0}, ValueError, "lr must not be negative"),
        ({"momentum": -0.1}, ValueError, "momentum must not be negative"),
        ({"weight_decay": -0.1}, ValueError, "weight_decay must not be negative"),
        ({"eps": -1e-8}, ValueError, "eps must not be negative"),
        ({"ns_steps": 100}, ValueError, "0..99"),
        ({"ns_steps": -1}, ValueError, "0..99"),
        ({"ns_steps": 2.5}, TypeError, "must be an integer"),
        ({"ns_coefficients": (1.0, 2.0)}, ValueError, "3 numbers"),
        ({"ns_coefficients": 1.0}, TypeError, "3 numbers"),
        ({"adjust_lr_fn": "none"}, ValueError, '"original" or "match_rms_adamw"'),
        ({"adjust_lr_fn": 1}, ValueError, '"original" or "match_rms_adamw"'),
        ({"nesterov": "yes"}, TypeError, "True or False"),
        ({"betas": (0.9, 0.9)}, TypeError, "no option 'betas'"),
    ],
    ids=str,
)
def test_bad_option(options, error, words):
    with pytest.raises(error, match=words):
        Muon([parameter(np.ones((2, 2)))], **options)


def test_options_may_change_between_steps():
    p, q = parameter(np.ones((3, 4))), parameter(np.ones((3, 4)))
    one, other = Muon([p]), Muon([q], ns_steps=1, adjust_lr_fn="match_rms_adamw", ns_coefficients=(1.5, -0.5, 0.0))
    one.param_groups[0].update(ns_steps=1, adjust_lr_fn="match_rms_adamw", ns_coefficients=[1.5, -0.5, 0.0])
    p.grad = q.grad = lucid.tensor(np.arange(12, dtype=np.float32).reshape(3, 4))
    one.step()
    other.step()
    assert p.tolist() == q.tolist() != np.ones((3, 4)).tolist()
