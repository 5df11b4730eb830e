"""Learning-rate schedules: formulas of those PyTorch has not, free and bound, later groups, warnings, errors."""

from __future__ import annotations

import copy
import math
import pickle
import runpy
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import lucid
from lucid.nn import Parameter
from lucid.optim import Adam, Optimizer, lr_scheduler
from lucid.optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiplicativeLR,
    MultiStepLR,
    NoamScheduler,
    OneCycleLR,
    PiecewiseConstantSchedule,
    PolynomialLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
    WarmupCosineSchedule,
    WarmupScheduler,
)

RECORD = runpy.run_path(str(Path(__file__).with_name("record_torch_schedules.py")))
NAMES = """LambdaLR MultiplicativeLR StepLR MultiStepLR ConstantLR LinearLR ExponentialLR CosineAnnealingLR
    CosineAnnealingWarmRestarts PolynomialLR CyclicLR OneCycleLR ReduceLROnPlateau SequentialLR ChainedScheduler
    NoamScheduler NoamLR WarmupScheduler WarmupCosineSchedule PiecewiseConstantSchedule LRScheduler""".split()


class Plain(Optimizer):
    """An optimizer as users write them, without momentum."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})

    def step(self, closure=None):
        """Nothing to do."""


def weight():
    return Parameter(lucid.ones(1))


def plain(*lrs):
    return Plain([{"params": [weight()], "lr": lr} for lr in lrs or (0.1,)])


def adam(lr=0.1):
    return Adam([weight()], lr=lr)


def rows(optimizer, schedule, steps):
    """The groups' lr at each step."""
    found = [[group["lr"] for group in optimizer.param_groups]]
    for _ in range(steps):
        optimizer.step()
        schedule.step()
        found.append([group["lr"] for group in optimizer.param_groups])
    return found


def contents(optimizer):
    return copy.deepcopy([{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups])


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    assert getattr(lucid.optim, name) is getattr(lucid.optim.lr_scheduler, name)
    assert issubclass(getattr(lucid.optim, name), LRScheduler)
    assert name in lucid.optim.__all__ and name in lr_scheduler.__all__


# ---------------------------------------------------------------------------------------------------------------------
# Formulas

T = np.arange(121)


@pytest.mark.parametrize("size, warmup, factor", [(512, 4000, 1.0), (64, 10, 2.0), (7, 1, 0.3), (128, 50, 1)])
def test_noam(size, warmup, factor):
    s = np.maximum(T, 1).astype(float)
    expected = factor / np.sqrt(size) * np.where(s < warmup, s / (warmup * np.sqrt(warmup)), 1 / np.sqrt(s))
    optimizer = plain(0.5, 3.0)
    found = np.array(rows(optimizer, NoamScheduler(optimizer, size, warmup, factor), 120))
    np.testing.assert_allclose(found, np.stack([expected, expected], 1), rtol=1e-14)
    np.testing.assert_allclose(
        np.array(lucid.optim.NoamLR(d_model=size, warmup_steps=warmup, factor=factor).curve(121))[:, 0],
        expected,
        rtol=1e-14,
    )


@pytest.mark.parametrize("epochs, start", [(5, 0.0), (40, 0.01), (0, 0.3), (1, 2.0), (200, 0.0)])
def test_warmup(epochs, start):
    optimizer = plain(0.5, 3.0)
    found = np.array(rows(optimizer, WarmupScheduler(optimizer, epochs, start), 120))
    for column, base in zip(found.T, (0.5, 3.0), strict=True):
        expected = np.interp(T, [0, epochs], [start, base]) if epochs else np.full(121, base)
        np.testing.assert_allclose(column, expected, rtol=1e-14)


@pytest.mark.parametrize(
    "warmup, total, start, low", [(10, 100, 0.0, 0.0), (30, 60, 0.02, 1e-3), (0, 50, 0.7, 0.1), (40, 40, 0, 0.0)]
)
def test_warmup_cosine(warmup, total, start, low):
    optimizer = plain(0.5, 3.0)
    found = np.array(rows(optimizer, WarmupCosineSchedule(optimizer, warmup, total, start, low), 120))
    for column, base in zip(found.T, (0.5, 3.0), strict=True):
        expected = []
        for t in range(121):
            if t < warmup:
                expected.append(start + t * (base - start) / warmup)
            else:
                done = 1 if t >= total and total > warmup else (t - warmup) / max(total - warmup, 1)
                expected.append(low + (base - low) * math.cos(math.pi / 2 * min(done, 1)) ** 2)
        np.testing.assert_allclose(column, expected, rtol=1e-13, atol=1e-16)


def test_piecewise_constant():
    optimizer = plain(0.5, 3.0)
    schedule = PiecewiseConstantSchedule(optimizer, boundaries=[3, 10, 60], values=[0.4, 0.7, 0.1, 0.05])
    expected = [0.4] * 3 + [0.7] * 7 + [0.1] * 50 + [0.05] * 61
    assert rows(optimizer, schedule, 120) == [[lr, lr] for lr in expected]
    default = PiecewiseConstantSchedule()
    assert [default.lr_at(t)[0] for t in (0, 999, 1000, 1999, 2000)] == [1.0, 1.0, 0.1, 0.1, 0.01]


def test_constant_lr_of_factor_zero_comes_back():
    assert ConstantLR(base_lr=0.3, factor=0, total_iters=2).curve(4) == [[0], [0], [0.3], [0.3]]


def test_cosine_whose_bottom_is_between_the_steps():
    """At every second step a factor has nothing to act on, and rounding hides it from the remainder."""
    curve = CosineAnnealingLR(base_lr=0.5, T_max=1 / 3).curve(5)
    np.testing.assert_allclose(np.array(curve)[:, 0], [0.5, 0, 0.5, 0, 0.5], atol=1e-15)


def test_onecycle_whose_way_up_is_one_step():
    curve = OneCycleLR(max_lr=1.0, total_steps=10, pct_start=0.1).curve(2)
    assert curve[0] == [1.0] and 0.9 < curve[1][0] < 1


def test_the_optimizer_uses_the_lr():
    """With a steady gradient Adam moves by lr at each step."""
    w = Parameter(lucid.tensor(np.zeros(1)))
    schedule = ExponentialLR(base_lr=0.5, gamma=0.5)
    optimizer = Adam([w], lr=schedule, eps=0)
    places = []
    for _ in range(4):
        w.grad = lucid.tensor(np.ones(1))
        optimizer.step()
        schedule.step()
        places.append(w.item())
    np.testing.assert_allclose(np.diff([0.0, *places]), [-0.5, -0.25, -0.125, -0.0625], rtol=1e-14)


# ---------------------------------------------------------------------------------------------------------------------
# Free and bound


def test_free_schedule_is_bound_by_its_optimizer():
    schedule = LinearLR(base_lr=1.0, start_factor=0.5, total_iters=2)
    assert schedule.starting_lr() == 1.0 and schedule.optimizer is None
    optimizer = Plain([{"params": [weight()]}, {"params": [weight()], "lr": 4.0}], lr=schedule)
    assert schedule.optimizer is optimizer
    assert optimizer.defaults["lr"] == 1.0
    assert schedule.base_lrs == [group["initial_lr"] for group in optimizer.param_groups] == [1.0, 4.0]
    assert rows(optimizer, schedule, 2) == [[0.5, 2.0], [0.75, 3.0], [1.0, 4.0]]
    assert ExponentialLR(gamma=0.5).starting_lr() == 1e-3


@pytest.mark.parametrize("action", ["step", "get_last_lr", "state_dict"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: StepLR(base_lr=0.1, step_size=3),
        lambda: LambdaLR(base_lr=0.1, lr_lambda=lambda t: 1),
        lambda: CosineAnnealingWarmRestarts(base_lr=0.1, T_0=3),
        lambda: CyclicLR(base_lr=0.1, max_lr=1.0),
        lambda: ChainedScheduler([ExponentialLR(base_lr=0.1, gamma=0.9)]),
        lambda: SequentialLR(schedulers=[ExponentialLR(base_lr=0.1, gamma=0.9)], milestones=[]),
    ],
)
def test_free_schedule_says_what_it_needs(make, action):
    with pytest.raises(RuntimeError, match=r"cannot .* before the schedule has an optimizer; give it to one"):
        getattr(make(), action)()
    with pytest.raises(RuntimeError, match="cannot step before the schedule has an optimizer"):
        ReduceLROnPlateau(base_lr=0.1).step(1.0)


def test_a_schedule_has_one_optimizer():
    schedule = ExponentialLR(base_lr=0.1, gamma=0.5)
    first = Plain([weight()], lr=schedule)
    with pytest.raises(ValueError, match="has an optimizer already"):
        Plain([weight()], lr=schedule)
    with pytest.raises(ValueError, match="has an optimizer already"):
        schedule.bind(first)


@pytest.mark.parametrize("wrong", [3, "sgd", object()])
def test_no_optimizer(wrong):
    name = type(wrong).__name__
    for make in (lambda: StepLR(wrong, 3), lambda: CyclicLR(wrong, 0.1, 1.0), lambda: ReduceLROnPlateau(wrong)):
        with pytest.raises(TypeError, match=f"{name} is not an Optimizer"):
            make()
    with pytest.raises(TypeError, match=f"{name} is not an Optimizer"):
        SequentialLR(wrong, [ExponentialLR(gamma=0.9)], [])


def test_optimizer_and_base_lr():
    with pytest.raises(ValueError, match="base_lr is for a schedule without optimizer"):
        StepLR(plain(), 3, base_lr=0.1)


def test_free_composites_agree_on_base_lr():
    parts = [LinearLR(total_iters=3), ExponentialLR(base_lr=0.4, gamma=0.5)]
    schedule = SequentialLR(schedulers=parts, milestones=[3])
    assert schedule.starting_lr() == 0.4
    optimizer = Plain([weight()], lr=schedule)
    assert all(part.optimizer is optimizer for part in parts)
    assert rows(optimizer, schedule, 5)[3:] == [[0.4], [0.2], [0.1]]
    with pytest.raises(ValueError, match=r"must agree on base_lr, got \[0.1, 0.4\]"):
        ChainedScheduler([LinearLR(base_lr=0.1), ExponentialLR(base_lr=0.4, gamma=0.5)])
    with pytest.raises(ValueError, match="belong to the same optimizer"):
        ChainedScheduler([LinearLR(), ExponentialLR(plain(), gamma=0.5)])


def test_binding_that_fails_changes_nothing():
    def broken(t):
        raise KeyError("broken")

    makers = [
        lambda: LambdaLR(lr_lambda=broken),
        lambda: LambdaLR(lr_lambda=[abs, abs]),
        lambda: OneCycleLR(max_lr=0.1, total_steps=5),  # no momentum
        lambda: CyclicLR(base_lr=[0.1, 0.2], max_lr=0.5),
        lambda: ChainedScheduler([ExponentialLR(gamma=0.5), LambdaLR(lr_lambda=broken)]),
        lambda: SequentialLR(schedulers=[ConstantLR(), LambdaLR(lr_lambda=broken)], milestones=[3]),
    ]
    for make in makers:
        optimizer, schedule = plain(0.1), make()
        before = contents(optimizer)
        for _ in range(2):
            with pytest.raises((KeyError, ValueError)):
                schedule.bind(optimizer)
            assert contents(optimizer) == before and schedule.optimizer is None
            assert all(inner.optimizer is None for inner in getattr(schedule, "_schedulers", []))


def test_resuming_needs_the_initial_lr():
    with pytest.raises(KeyError, match=r"param 'initial_lr' is not specified in param_groups\[0\]"):
        StepLR(plain(), 3, last_epoch=5)


def test_a_schedule_of_ones_own():
    """As they are written for PyTorch: the optimizer may be set before the base class sees it."""

    class Halving(LRScheduler):
        def __init__(self, optimizer, every, last_epoch=-1):
            self.optimizer, self.every = optimizer, every
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            return [lr / 2 ** (self.last_epoch // self.every) for lr in self.base_lrs]

    optimizer = plain(1.0, 8.0)
    schedule = Halving(optimizer, 2)
    assert rows(optimizer, schedule, 4) == [[1, 8], [1, 8], [0.5, 4], [0.5, 4], [0.25, 2]]
    assert schedule.curve(3) == [[1, 8], [1, 8], [0.5, 4]]
    with pytest.raises(NotImplementedError, match="LRScheduler does not define get_lr"):
        LRScheduler(plain())


@pytest.mark.parametrize("through", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies(through):
    w = weight()
    schedule = SequentialLR(schedulers=[LinearLR(), CosineAnnealingLR(T_max=9)], milestones=[5])
    optimizer = Adam([w], lr=schedule)
    rows(optimizer, schedule, 7)
    again, copied = through((optimizer, schedule))
    assert copied.optimizer is again is not optimizer
    assert rows(again, copied, 9) == rows(optimizer, schedule, 9)


# ---------------------------------------------------------------------------------------------------------------------
# Groups that come later

LATER = {
    "step": lambda: StepLR(base_lr=0.1, step_size=4, gamma=0.7),
    "multistep": lambda: MultiStepLR(base_lr=0.1, milestones=[3, 9, 20], gamma=0.7),
    "constant": lambda: ConstantLR(base_lr=0.1, total_iters=8),
    "linear": lambda: LinearLR(base_lr=0.1, total_iters=20),
    "exponential": lambda: ExponentialLR(base_lr=0.1, gamma=0.9),
    "polynomial": lambda: PolynomialLR(base_lr=0.1, total_iters=20, power=1.5),
    "cosine": lambda: CosineAnnealingLR(base_lr=0.1, T_max=7, eta_min=0.01),
    "restarts": lambda: CosineAnnealingWarmRestarts(base_lr=0.1, T_0=3, T_mult=2),
    "lambda": lambda: LambdaLR(base_lr=0.1, lr_lambda=RECORD["inverse"]),
    "multiplicative": lambda: MultiplicativeLR(base_lr=0.1, lr_lambda=RECORD["gentle"]),
    "cyclic": lambda: CyclicLR(base_lr=0.1, max_lr=0.6, step_size_up=4),
    "cyclic_no_momentum": lambda: CyclicLR(base_lr=0.1, max_lr=0.6, step_size_up=4, cycle_momentum=False),
    "onecycle": lambda: OneCycleLR(max_lr=0.4, total_steps=40),
    "noam": lambda: NoamScheduler(model_size=16, warmup_steps=10),
    "warmup": lambda: WarmupScheduler(base_lr=0.1, warmup_epochs=15),
    "warmup_cosine": lambda: WarmupCosineSchedule(base_lr=0.1, warmup_steps=5, total_steps=25),
    "piecewise": lambda: PiecewiseConstantSchedule(boundaries=[5, 15], values=[0.3, 0.2, 0.1]),
    "chain": lambda: ChainedScheduler([LinearLR(base_lr=0.1, total_iters=15), ExponentialLR(gamma=0.9)]),
    "sequence": lambda: SequentialLR(
        schedulers=[LinearLR(base_lr=0.1, total_iters=8), CosineAnnealingLR(T_max=12), StepLR(step_size=2)],
        milestones=[8, 20],
    ),
}


@pytest.mark.filterwarnings("ignore:Detected call:UserWarning")
@pytest.mark.parametrize("name", LATER)
@pytest.mark.parametrize("when", [0, 1, 11])
def test_added_group_joins_the_schedule(name, when):
    """From when it comes it has what it would have had if it had been there from the start."""
    second = {"params": [weight()], "lr": 0.7}
    whole = LATER[name]()
    optimizer = Adam([{"params": [weight()]}, second], lr=whole)
    expected = rows(optimizer, whole, 30)
    expected_options = contents(optimizer)
    late = LATER[name]()
    optimizer = Adam([weight()], lr=late)
    rows(optimizer, late, when)
    optimizer.add_param_group({"params": [weight()], "lr": 0.7})
    assert rows(optimizer, late, 30 - when) == expected[when:]
    assert contents(optimizer) == expected_options
    assert RECORD["plain"](late.state_dict()) == RECORD["plain"](whole.state_dict())


def test_added_group_that_a_list_has_no_value_for():
    schedule = LambdaLR(base_lr=0.1, lr_lambda=[abs, abs])
    optimizer = Plain([{"params": [weight()]}, {"params": [weight()]}], lr=schedule)
    with pytest.raises(ValueError, match="Expected 1 lr_lambdas, but got 2"):
        optimizer.add_param_group({"params": [weight()]})
    assert len(optimizer.param_groups) == len(schedule.lr_lambdas) == len(schedule.base_lrs) == 2


def test_added_group_and_plateau():
    schedule = ReduceLROnPlateau(base_lr=0.8, factor=0.5, patience=0, min_lr=0.1)
    optimizer = Plain([weight()], lr=schedule)
    for metric in (1.0, 1.0):
        schedule.step(metric)
    optimizer.add_param_group({"params": [weight()], "lr": 0.6})
    assert schedule.get_last_lr() == [0.4, 0.6]
    schedule.step(1.0)
    assert [group["lr"] for group in optimizer.param_groups] == schedule.get_last_lr() == [0.2, 0.3]


def test_added_group_when_the_schedule_was_bound_by_hand():
    """As with PyTorch: those that go on from the present lr go on, others cannot."""
    optimizer = plain(0.8)
    schedule = StepLR(optimizer, 1, gamma=0.5)
    optimizer.add_param_group({"params": [weight()], "lr": 0.4})
    assert rows(optimizer, schedule, 1) == [[0.8, 0.4], [0.4, 0.2]]
    optimizer = plain(0.8)
    schedule = WarmupScheduler(optimizer)
    optimizer.add_param_group({"params": [weight()], "lr": 0.4})
    optimizer.step()
    for _ in range(2):
        with pytest.raises(ValueError, match="has 1 learning rates for 2 param groups"):
            schedule.step()
        assert schedule.last_epoch == 0
    optimizer = plain(0.8)
    schedule = ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.1])
    optimizer.add_param_group({"params": [weight()], "lr": 0.4})
    schedule.step(1.0)
    with pytest.raises(RuntimeError, match=r"number of param groups .*\(2\) differs .*\(1\)"):
        schedule.step(1.0)


# ---------------------------------------------------------------------------------------------------------------------
# Warnings


def test_order_of_steps():
    def order(optimizer, schedule):
        with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)`") as caught:
            schedule.step()
        assert caught[0].filename == __file__
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # once is enough
            optimizer.step()
            schedule.step()
            schedule.step()

    for optimizer in (plain(), adam()):
        order(optimizer, ExponentialLR(optimizer, 0.9))
    free = ExponentialLR(base_lr=0.1, gamma=0.9)
    order(adam(free), free)
    optimizer = plain()
    optimizer.step()  # before there was a schedule: its first value is skipped all the same
    order(optimizer, StepLR(optimizer, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = StepLR(optimizer, 3)
        second.step()  # the optimizer has been stepped under a schedule
        optimizer = adam()
        rows(optimizer, ExponentialLR(optimizer, 0.9), 3)


def test_get_lr_is_for_step():
    schedule = StepLR(plain(0.5), 3)
    with pytest.warns(UserWarning, match=r"please use `get_last_lr\(\)`") as caught:
        assert schedule.get_lr() == [0.5]
    assert caught[0].filename == __file__


def test_step_with_epoch_warns():
    optimizer = plain(1.0)
    schedule = ExponentialLR(optimizer, 0.5)
    optimizer.step()
    with pytest.warns(UserWarning) as caught:
        schedule.step(3)
    assert [str(w.message) for w in caught] == [lr_scheduler.EPOCH_DEPRECATION_WARNING]
    assert caught[0].filename == __file__
    assert schedule.get_last_lr() == [0.125]
    with pytest.warns(UserWarning, match="epoch parameter in `scheduler.step"):
        ReduceLROnPlateau(optimizer).step(1.0, epoch=4)


# ---------------------------------------------------------------------------------------------------------------------
# Errors

WRONG = [
    (lambda o: StepLR(o), TypeError, "StepLR: the argument 'step_size' is missing"),
    (lambda o: StepLR(o, 0), ValueError, "step_size must be positive"),
    (lambda o: StepLR(o, 3, "x"), TypeError, "gamma must be a number"),
    (lambda o: StepLR(o, 3, float("nan")), ValueError, "gamma is NaN"),
    (lambda o: MultiStepLR(o), TypeError, "the argument 'milestones' is missing"),
    (lambda o: MultiStepLR(o, 3), TypeError, "milestones must be a list"),
    (lambda o: MultiStepLR(o, ["a"]), TypeError, "a milestone must be a number"),
    (lambda o: ConstantLR(o, 1.1), ValueError, "Constant multiplicative factor expected to be between 0 and 1."),
    (lambda o: LinearLR(o, 0), ValueError, "Starting multiplicative factor expected to be greater than 0"),
    (lambda o: LinearLR(o, 0.5, 1.5), ValueError, "Ending multiplicative factor expected to be between 0 and 1."),
    (lambda o: LinearLR(o, total_iters=-1), ValueError, "total_iters must not be negative"),
    (lambda o: PolynomialLR(o, -1), ValueError, "total_iters must not be negative"),
    (lambda o: ExponentialLR(o), TypeError, "the argument 'gamma' is missing"),
    (lambda o: CosineAnnealingLR(o, 0), ValueError, "T_max must be positive"),
    (lambda o: CosineAnnealingWarmRestarts(o, 0), ValueError, "Expected positive integer T_0, but got 0"),
    (lambda o: CosineAnnealingWarmRestarts(o, 2.0), ValueError, "Expected positive integer T_0, but got 2.0"),
    (lambda o: CosineAnnealingWarmRestarts(o, 2, 0), ValueError, "Expected integer T_mult >= 1, but got 0"),
    (lambda o: CosineAnnealingWarmRestarts(o, 2, eta_min="0"), ValueError, "Expected float or int eta_min, but got 0"),
    (lambda o: LambdaLR(o, 3), TypeError, "lr_lambda should be a function, but got int"),
    (lambda o: LambdaLR(o, [abs, abs]), ValueError, "Expected 1 lr_lambdas, but got 2"),
    (lambda o: MultiplicativeLR(o, None), TypeError, "lr_lambda should be a function, but got NoneType"),
    (lambda o: CyclicLR(o, 0.1, [0.2, 0.3]), ValueError, "max_lr must have the same length as optimizer.param_groups"),
    (lambda o: CyclicLR(o, 0.1), TypeError, "the argument 'max_lr' is missing"),
    (lambda o: CyclicLR(o, 0.1, 0.2, mode="square"), ValueError, "mode is invalid and scale_fn is None"),
    (lambda o: CyclicLR(o, 0.1, 0.2, scale_mode="x"), ValueError, "scale_mode must be"),
    (lambda o: CyclicLR(o, 0.1, 0.2, 0), ValueError, "step_size_up must be positive"),
    (lambda o: CyclicLR(o, 0.1, 0.2), ValueError, "optimizer must support momentum or beta1"),
    (lambda o: OneCycleLR(o, 0.1), ValueError, "You must define either total_steps OR"),
    (lambda o: OneCycleLR(o, 0.1, 0), ValueError, "Expected positive integer total_steps, but got 0"),
    (lambda o: OneCycleLR(o, 0.1, epochs=2.5, steps_per_epoch=2), ValueError, "Expected positive integer epochs"),
    (lambda o: OneCycleLR(o, 0.1, 9, pct_start=2.0), ValueError, "Expected float between 0 and 1 pct_start"),
    (lambda o: OneCycleLR(o, 0.1, 9, anneal_strategy="x"), ValueError, "anneal_strategy must be one of"),
    (lambda o: OneCycleLR(o, 0.1, 9), ValueError, "optimizer must support momentum or beta1"),
    (lambda o: OneCycleLR(o, 0.1, 9, div_factor=0), ValueError, "div_factor must not be 0"),
    (lambda o: ReduceLROnPlateau(o, factor=1.0), ValueError, "Factor should be < 1.0."),
    (lambda o: ReduceLROnPlateau(o, "best"), ValueError, "mode best is unknown!"),
    (lambda o: ReduceLROnPlateau(o, threshold_mode="x"), ValueError, "threshold mode x is unknown!"),
    (lambda o: ReduceLROnPlateau(o, min_lr=[0, 0]), ValueError, "expected 1 min_lrs, got 2"),
    (lambda o: ChainedScheduler([]), ValueError, "expects at least one scheduler to be chained"),
    (lambda o: ChainedScheduler([3]), TypeError, "ChainedScheduler at index 0 should have `optimizer`"),
    (lambda o: ChainedScheduler([ReduceLROnPlateau(o)]), ValueError, "does not support `ReduceLROnPlateau`"),
    (lambda o: ChainedScheduler([StepLR(o, 1), StepLR(plain(), 1)]), ValueError, "at index 1 has Plain"),
    (lambda o: SequentialLR(o, [], []), ValueError, "expects at least one scheduler"),
    (lambda o: SequentialLR(o, [StepLR(o, 1)], [3]), ValueError, "number of milestones to be equal to 1"),
    (lambda o: SequentialLR(o, [StepLR(o, 1)] * 3, [3, 1]), ValueError, "milestones must be increasing"),
    (lambda o: SequentialLR(o, [StepLR(o, 1)]), TypeError, "milestones must be a list"),
    (lambda o: NoamScheduler(o, 0, 5), ValueError, "model_size must be positive"),
    (lambda o: NoamScheduler(o, 4, 5, d_model=4), ValueError, "d_model is another name of model_size"),
    (lambda o: NoamScheduler(o, 4), TypeError, "the argument 'warmup_steps' is missing"),
    (lambda o: WarmupScheduler(o, -1), ValueError, "warmup_epochs must not be negative"),
    (lambda o: WarmupCosineSchedule(o, 9, 5), ValueError, "needs 0 <= warmup_steps <= total_steps, got 9 and 5"),
    (lambda o: PiecewiseConstantSchedule(o, [1], [1.0]), ValueError, "one value more than boundaries, got 1 and 1"),
    (lambda o: PiecewiseConstantSchedule(o, [2, 2], [1, 2, 3]), ValueError, "boundaries must be increasing"),
]


@pytest.mark.parametrize("make, error, text", WRONG, ids=[text[:40] for _, _, text in WRONG])
def test_wrong_arguments(make, error, text):
    optimizer = plain()
    before = contents(optimizer)
    with pytest.raises(error, match=text.replace("(", r"\(")):
        make(optimizer)
    if "Scheduler(" not in text and "Sequential" not in text and "at index" not in text:
        now = contents(optimizer)
        for group in now:
            group.pop("initial_lr", None)  # inner schedules of a wrong composite are bound already
        assert now == before


def test_onecycle_ends():
    optimizer = adam()
    schedule = OneCycleLR(optimizer, 0.1, total_steps=3)
    rows(optimizer, schedule, 3)
    before = contents(optimizer)
    for _ in range(2):
        with pytest.raises(ValueError, match="Tried to step 4 times. The specified number of total steps is 3"):
            schedule.step()
        assert contents(optimizer) == before and schedule.last_epoch == 3


def test_restarts_do_not_go_before_the_beginning():
    schedule = CosineAnnealingWarmRestarts(plain(), 5)
    with pytest.raises(ValueError, match="Expected non-negative epoch, but got -1"):
        schedule.step(-1)
    assert schedule.last_epoch == schedule.T_cur == 0


def test_a_step_that_fails_is_not_counted():
    optimizer = plain()
    schedule = LambdaLR(optimizer, lambda t: 1 / (3 - t))
    rows(optimizer, schedule, 2)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            schedule.step()
        assert schedule.last_epoch == 2 and schedule._step_count == 3


BAD_STATES = [
    (3, TypeError, "expected a dict"),
    ({}, ValueError, "'milestones' is missing"),
    ({"gamma": 3}, ValueError, "is missing"),
    ({"last_epoch": "5"}, ValueError, "last_epoch must be a number, got '5'"),
    ({"base_lrs": 0.1}, ValueError, "base_lrs must be a list, got 0.1"),
    ({"milestones": [3]}, ValueError, r"milestones must be a dict, got \[3\]"),
]


@pytest.mark.parametrize("wrong, error, text", BAD_STATES)
def test_bad_states(wrong, error, text):
    schedule = MultiStepLR(plain(), [3])
    before = schedule.state_dict()
    if isinstance(wrong, Mapping) and text.startswith(("last", "base", "mile")):
        wrong = {**before, **wrong}
    with pytest.raises(error, match=text):
        schedule.load_state_dict(wrong)
    assert schedule.state_dict() == before


def test_states_of_other_schedules():
    one = SequentialLR(schedulers=[ConstantLR(), StepLR(step_size=3)], milestones=[4])
    rows(Plain([weight()], lr=one), one, 5)
    state = one.state_dict()
    other = SequentialLR(schedulers=[ConstantLR(), ExponentialLR(gamma=0.4)], milestones=[4])
    Plain([weight()], lr=other)
    before = other.state_dict()
    with pytest.raises(ValueError, match="ExponentialLR.load_state_dict: 'gamma' is missing"):
        other.load_state_dict({**state, "_schedulers": [state["_schedulers"][0], {"last_epoch": 1}]})
    with pytest.raises(ValueError, match="the state is of 1 schedules, this is made of 2"):
        other.load_state_dict({**state, "_schedulers": state["_schedulers"][:1]})
    assert other.state_dict() == before
    two = LambdaLR(plain(0.1), abs)
    with pytest.raises(ValueError, match="do not fit the functions"):
        two.load_state_dict({**two.state_dict(), "lr_lambdas": [None, None]})
    with pytest.raises(ValueError, match="do not fit the functions"):
        two.load_state_dict({**two.state_dict(), "lr_lambdas": [{"rate": 3}]})
    three = ReduceLROnPlateau(plain(0.1))
    with pytest.raises(ValueError, match="unknown mode 'best'"):
        three.load_state_dict({**three.state_dict(), "mode": "best"})
    four = CyclicLR(adam(), 0.1, 0.2)
    with pytest.raises(ValueError, match="scale_fn with attributes"):
        four.load_state_dict({**four.state_dict(), "_scale_fn_custom": {"rate": 3}})


def test_state_is_a_copy():
    schedule = MultiStepLR(plain(0.5), [3, 5])
    state = schedule.state_dict()
    state["base_lrs"][0], state["_last_lr"][0] = 7.0, 7.0
    state["milestones"][4] = 1
    schedule.get_last_lr()[0] = 7.0
    assert schedule.base_lrs == schedule.get_last_lr() == [0.5]
    assert dict(schedule.milestones) == {3: 1, 5: 1}
    schedule.load_state_dict({**state, "milestones": state["milestones"]})
    state["milestones"][9], state["base_lrs"][0] = 1, 9.0
    assert 9 not in schedule.milestones and schedule.base_lrs == [7.0]


def test_curve_arguments():
    with pytest.raises(ValueError, match="steps must be a whole number of 1 or more, got 0"):
        ExponentialLR(gamma=0.5).curve(0)
    with pytest.raises(ValueError, match="takes no metrics"):
        ExponentialLR(gamma=0.5).curve(3, metrics=[1, 1])
    with pytest.raises(ValueError, match="give metrics, one for each step but the last"):
        ReduceLROnPlateau().curve(3, metrics=[1.0])
    optimizer = plain(0.8, 0.4)
    schedule = ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
    schedule.step(1.0)
    schedule.step(1.0)
    assert schedule.curve(3, metrics=[1.0, 2.0]) == [[0.8, 0.4], [0.8, 0.4], [0.4, 0.2]]
    assert schedule.get_last_lr() == [0.4, 0.2]


# ---------------------------------------------------------------------------------------------------------------------
# Pictures


@pytest.fixture
def pyplot():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    yield pyplot
    pyplot.close("all")


def test_plot(pyplot):
    optimizer = plain(1.0, 0.5)
    schedule = ExponentialLR(optimizer, 0.5)
    rows(optimizer, schedule, 2)
    before = contents(optimizer), schedule.state_dict()
    ax = lr_scheduler.plot(schedule, 4)
    assert isinstance(ax, pyplot.Axes)
    assert [line.get_ydata().tolist() for line in ax.lines] == [[1, 0.5, 0.25, 0.125], [0.5, 0.25, 0.125, 0.0625]]
    assert [line.get_xdata().tolist() for line in ax.lines] == [[0, 1, 2, 3]] * 2
    assert [line.get_label() for line in ax.lines] == ["ExponentialLR, group 0", "ExponentialLR, group 1"]
    assert (contents(optimizer), schedule.state_dict()) == before
    free = lr_scheduler.plot(ReduceLROnPlateau(base_lr=1.0), 3, metrics=[1, 1], ax=ax, label="waits")
    assert free is ax and len(ax.lines) == 3 and ax.lines[2].get_label() == "waits"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "learning rate")
    ax.figure.canvas.draw()


def test_plot_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"plot: needs matplotlib; install it with: pip install 'lucid-mini\[plot\]'"):
        lr_scheduler.plot(ExponentialLR(gamma=0.5), 3)
    with pytest.raises(TypeError, match="plot: expected a schedule, got "):
        lr_scheduler.plot(0.1, 3)
