"""Records PyTorch's learning-rate schedules as torch_schedules.npz, for tests that run without PyTorch.

Run with PyTorch installed: ``python tests/optim/record_torch_schedules.py``.

The cases below are told in words that PyTorch and lucid both have, so that the test runs the very same table: ``run``
takes the module of the schedules and a function that makes an optimizer. For each case it gives what every group has
after each step: lr, and momentum or beta1 where they are cycled.
"""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("torch_schedules.npz")
STEPS = 110


class Decay:
    """A callable with attributes: those are saved in a state."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, t):
        return self.rate**t


def metric(t):
    """A loss that falls, stalls, falls again and stalls for good, with small bumps from integer arithmetic."""
    bump = (t * 7919 % 101) / 101 * 0.002
    if t < 20:
        return 2.0 - 0.05 * t + bump
    if t < 45:
        return 1.0 + bump
    return max(0.4, 1.0 - 0.03 * (t - 45)) + bump


def inverse(t):
    return 1 / (1 + 0.1 * t)


def gentle(t):
    return 0.95 if t % 3 else 1.01


def own_scale(x):
    return 1 / (1 + 0.3 * x)


# A case: optimizer ("sgd" with momentum, or "adam"), lr of each group, and the schedules as (class, arguments). What
# stands in "seq" or "chain" is made of the others. Functions are named.
SGD2 = ("sgd", (0.1, 0.03))
ADAM3 = ("adam", (0.001, 0.5, 0.0123))
SGD1 = ("sgd", (0.7,))
FUNCTIONS = {"inverse": inverse, "gentle": gentle, "own_scale": own_scale, "decay": Decay}


def simple(optimizer, name, **arguments):
    return {"optimizer": optimizer, "schedule": (name, arguments)}


CASES = {
    "step_1": simple(SGD1, "StepLR", step_size=1),
    "step_7": simple(ADAM3, "StepLR", step_size=7, gamma=0.7),
    "step_30": simple(SGD2, "StepLR", step_size=30),
    "step_up": simple(SGD2, "StepLR", step_size=20, gamma=1.3),
    "multistep": simple(SGD2, "MultiStepLR", milestones=[5, 20, 60], gamma=0.3),
    "multistep_twice": simple(ADAM3, "MultiStepLR", milestones=[50, 10, 10, 0, 200], gamma=0.6),
    "constant": simple(SGD2, "ConstantLR"),
    "constant_40": simple(ADAM3, "ConstantLR", factor=0.17, total_iters=40),
    "constant_one": simple(SGD1, "ConstantLR", factor=1, total_iters=3),
    "constant_never": simple(SGD1, "ConstantLR", factor=0.5, total_iters=0),
    "linear": simple(SGD2, "LinearLR"),
    "linear_down": simple(ADAM3, "LinearLR", start_factor=1.0, end_factor=0.0, total_iters=77),
    "linear_up": simple(ADAM3, "LinearLR", start_factor=0.001, end_factor=0.9, total_iters=33),
    "linear_0": simple(SGD1, "LinearLR", start_factor=0.25, total_iters=0),
    "exponential": simple(SGD2, "ExponentialLR", gamma=0.95),
    "exponential_up": simple(ADAM3, "ExponentialLR", gamma=1.02),
    "exponential_0": simple(SGD1, "ExponentialLR", gamma=0.0),
    "polynomial": simple(SGD2, "PolynomialLR"),
    "polynomial_2": simple(ADAM3, "PolynomialLR", total_iters=90, power=2.0),
    "polynomial_09": simple(SGD2, "PolynomialLR", total_iters=60, power=0.9),
    "polynomial_0": simple(SGD1, "PolynomialLR", total_iters=0),
    "cosine_10": simple(SGD2, "CosineAnnealingLR", T_max=10),
    "cosine_33": simple(ADAM3, "CosineAnnealingLR", T_max=33, eta_min=1e-4),
    "cosine_1": simple(SGD1, "CosineAnnealingLR", T_max=1, eta_min=0.01),
    "cosine_long": simple(SGD2, "CosineAnnealingLR", T_max=1000, eta_min=0.5),
    "cosine_odd": simple(SGD2, "CosineAnnealingLR", T_max=7.3),
    "restarts_10": simple(SGD2, "CosineAnnealingWarmRestarts", T_0=10),
    "restarts_mult": simple(ADAM3, "CosineAnnealingWarmRestarts", T_0=4, T_mult=2, eta_min=1e-5),
    "restarts_3": simple(SGD1, "CosineAnnealingWarmRestarts", T_0=1, T_mult=3, eta_min=1),
    "lambda": simple(SGD2, "LambdaLR", lr_lambda="inverse"),
    "lambda_list": simple(SGD2, "LambdaLR", lr_lambda=["inverse", "gentle"]),
    "lambda_object": simple(SGD2, "LambdaLR", lr_lambda=["decay:0.97", "inverse"]),
    "multiplicative": simple(ADAM3, "MultiplicativeLR", lr_lambda="gentle"),
    "multiplicative_list": simple(SGD2, "MultiplicativeLR", lr_lambda=["inverse", "gentle"]),
    "cyclic": simple(SGD2, "CyclicLR", base_lr=0.01, max_lr=0.3, step_size_up=9),
    "cyclic_lists": simple(
        SGD2, "CyclicLR", base_lr=[0.01, 0.02], max_lr=[0.3, 0.7], step_size_up=5, step_size_down=13,
        base_momentum=[0.6, 0.7], max_momentum=[0.95, 0.8],
    ),
    "cyclic_triangular2": simple(
        SGD2, "CyclicLR", base_lr=0.01, max_lr=0.3, step_size_up=8, mode="triangular2", cycle_momentum=False
    ),
    "cyclic_exp": simple(
        ADAM3, "CyclicLR", base_lr=1e-4, max_lr=3e-3, step_size_up=11, step_size_down=4, mode="exp_range", gamma=0.98
    ),
    "cyclic_own_cycle": simple(
        ADAM3, "CyclicLR", base_lr=1e-4, max_lr=3e-3, step_size_up=6, mode="exp_range", scale_fn="own_scale"
    ),
    "cyclic_own_iterations": simple(
        SGD2, "CyclicLR", base_lr=0.2, max_lr=0.1, step_size_up=6, scale_fn="decay:0.9", scale_mode="iterations"
    ),
    "onecycle": simple(SGD2, "OneCycleLR", max_lr=0.4, total_steps=110),
    "onecycle_lists": simple(
        ADAM3, "OneCycleLR", max_lr=[0.01, 1.0, 0.3], epochs=12, steps_per_epoch=11, pct_start=0.25,
        anneal_strategy="linear", base_momentum=[0.8, 0.81, 0.82], max_momentum=[0.9, 0.91, 0.92],
    ),
    "onecycle_three": simple(
        SGD2, "OneCycleLR", max_lr=0.4, total_steps=120, three_phase=True, pct_start=0.4, div_factor=7.0,
        final_div_factor=300.0,
    ),
    "onecycle_no_momentum": simple(
        SGD2, "OneCycleLR", max_lr=0.4, total_steps=111, three_phase=True, cycle_momentum=False,
        anneal_strategy="linear",
    ),
    "onecycle_down": simple(SGD2, "OneCycleLR", max_lr=0.4, total_steps=115, pct_start=0.0),
    "plateau": simple(SGD2, "ReduceLROnPlateau"),
    "plateau_fast": simple(ADAM3, "ReduceLROnPlateau", factor=0.5, patience=2, threshold=0.01),
    "plateau_abs": simple(
        SGD2, "ReduceLROnPlateau", factor=0.6, patience=3, threshold=0.02, threshold_mode="abs", cooldown=4,
        min_lr=[0.01, 0.02],
    ),
    "plateau_max": simple(ADAM3, "ReduceLROnPlateau", mode="max", factor=0.3, patience=4, cooldown=2, min_lr=1e-6),
    "plateau_max_abs": simple(
        ADAM3, "ReduceLROnPlateau", mode="max", factor=0.3, patience=4, threshold=0.01, threshold_mode="abs", eps=1e-3
    ),
    "seq": simple(
        SGD2, "SequentialLR",
        schedulers=[("ConstantLR", {"factor": 0.1, "total_iters": 20}), ("ExponentialLR", {"gamma": 0.9})],
        milestones=[20],
    ),
    "seq_many": simple(
        ADAM3, "SequentialLR",
        schedulers=[
            ("LinearLR", {"start_factor": 0.01, "total_iters": 10}),
            ("CosineAnnealingLR", {"T_max": 30, "eta_min": 1e-5}),
            ("StepLR", {"step_size": 5, "gamma": 0.5}),
            ("PolynomialLR", {"total_iters": 20, "power": 2.0}),
            ("MultiStepLR", {"milestones": [0, 4, 9], "gamma": 0.5}),
        ],
        milestones=[10, 40, 60, 80],
    ),
    "seq_not_closed": simple(
        SGD2, "SequentialLR",
        schedulers=[
            ("LambdaLR", {"lr_lambda": "inverse"}),
            ("MultiplicativeLR", {"lr_lambda": "gentle"}),
            ("CosineAnnealingWarmRestarts", {"T_0": 6, "T_mult": 2}),
            ("CosineAnnealingWarmRestarts", {"T_0": 5}),
        ],
        milestones=[13, 40, 80],
    ),
    "seq_cycles": simple(
        SGD2, "SequentialLR",
        schedulers=[
            ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.2, "step_size_up": 7}),
            ("OneCycleLR", {"max_lr": 0.5, "total_steps": 70}),
        ],
        milestones=[50],
    ),
    "seq_at_once": simple(
        SGD2, "SequentialLR",
        schedulers=[("ConstantLR", {}), ("ExponentialLR", {"gamma": 0.9}), ("LinearLR", {"total_iters": 30})],
        milestones=[0, 50],
    ),
    "seq_in_seq": simple(
        SGD2, "SequentialLR",
        schedulers=[
            ("SequentialLR", {
                "schedulers": [("LinearLR", {"total_iters": 8}), ("ExponentialLR", {"gamma": 0.97})],
                "milestones": [8],
            }),
            ("StepLR", {"step_size": 10}),
        ],
        milestones=[60],
    ),
    "chain_in_seq": simple(
        SGD2, "SequentialLR",
        schedulers=[
            ("ChainedScheduler", {
                "schedulers": [("LinearLR", {"total_iters": 8}), ("ExponentialLR", {"gamma": 0.97})],
            }),
            ("StepLR", {"step_size": 10}),
        ],
        milestones=[60],
    ),
    "chain": simple(
        SGD2, "ChainedScheduler",
        schedulers=[("ConstantLR", {"factor": 0.1, "total_iters": 20}), ("ExponentialLR", {"gamma": 0.9})],
    ),
    "chain_many": simple(
        ADAM3, "ChainedScheduler",
        schedulers=[
            ("LinearLR", {"start_factor": 0.1, "total_iters": 15}),
            ("MultiplicativeLR", {"lr_lambda": "gentle"}),
            ("StepLR", {"step_size": 30, "gamma": 0.5}),
            ("CosineAnnealingLR", {"T_max": 200}),
            ("PolynomialLR", {"total_iters": 150}),
        ],
    ),
    "chain_cosine": simple(
        SGD2, "ChainedScheduler",
        schedulers=[("CosineAnnealingLR", {"T_max": 12, "eta_min": 0.001}), ("ExponentialLR", {"gamma": 0.99})],
    ),
    "seq_in_chain": simple(
        SGD2, "ChainedScheduler",
        schedulers=[
            ("SequentialLR", {
                "schedulers": [("LinearLR", {"total_iters": 8}), ("ExponentialLR", {"gamma": 0.97})],
                "milestones": [8],
            }),
            ("StepLR", {"step_size": 25}),
        ],
    ),
}  # fmt: skip

# Where the closed form is asked for by step(epoch), in this order; and a few steps without epoch after it.
EPOCHS = [3, 0, 10, 11, 40, 7, 100, 5, 20, 64]
EPOCH_CASES = [
    "step_7", "multistep", "multistep_twice", "constant_40", "linear_up", "linear_down", "exponential", "polynomial_2",
    "cosine_33", "restarts_10", "restarts_mult", "lambda", "cyclic", "cyclic_exp", "onecycle",
]  # fmt: skip
FRACTIONS = [0.25, 3.5, 4.0, 11.75, 12.0, 27.9, 28.0, 60.5, 2.5]

# Resumed in a new schedule with last_epoch, from the groups as they were then; WHEN steps were made.
WHEN = (1, 10, 37)
RESUME_CASES = [
    "step_7", "multistep", "constant_40", "linear_up", "linear_down", "exponential", "polynomial_2", "cosine_10",
    "cosine_33", "restarts_10", "lambda", "multiplicative", "cyclic", "cyclic_exp", "onecycle", "onecycle_lists",
]  # fmt: skip


def argument(value):
    """A function by its name; lists of names too."""
    if isinstance(value, str) and value.partition(":")[0] in FUNCTIONS:
        name, _, rate = value.partition(":")
        return FUNCTIONS[name](float(rate)) if rate else FUNCTIONS[name]
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [argument(item) for item in value]
    return value


def build(module, optimizer, description, **more):
    """The schedule of a case, on this optimizer."""
    name, arguments = description
    arguments = {key: argument(value) for key, value in arguments.items()}
    if "schedulers" in arguments:
        arguments["schedulers"] = [build(module, optimizer, inner) for inner in arguments["schedulers"]]
        if name == "ChainedScheduler":
            return module.ChainedScheduler(**arguments)
    return getattr(module, name)(optimizer, **arguments, **more)


def advance(schedule, t):
    """The step after optimizer.step(); the metric of max mode rises."""
    if type(schedule).__name__ == "ReduceLROnPlateau":
        schedule.step(metric(t) if schedule.mode == "min" else 3 - metric(t))
    else:
        schedule.step()


def seen(optimizer):
    """lr of each group, and momentum or beta1."""
    groups = optimizer.param_groups
    return [[float(g["lr"]) for g in groups], [g["momentum"] if "momentum" in g else g["betas"][0] for g in groups]]


def run(optimizer, schedule, steps=STEPS, first=0):
    """What the groups have at each step, from the present one."""
    rows = [seen(optimizer)]
    for t in range(first, first + steps):
        optimizer.step()
        advance(schedule, t)
        rows.append(seen(optimizer))
    return rows


def run_epochs(optimizer, schedule, epochs):
    """What the groups have after each step(epoch), then after five plain steps."""
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for epoch in [*epochs, None, None, None, None, None]:
            optimizer.step()
            schedule.step() if epoch is None else schedule.step(epoch)
            rows.append(seen(optimizer))
    return rows


def options_of(optimizer):
    """The groups' options that a checkpoint would hold."""
    names = ("lr", "initial_lr", "momentum", "betas", "max_lr", "min_lr", "base_momentum", "max_momentum")
    return [{name: group[name] for name in names if name in group} for group in optimizer.param_groups]


def plain(value):
    """For json: a Counter's keys are numbers, which json would turn into text; infinity has no json."""
    if isinstance(value, dict) and type(value).__name__ == "Counter":
        return {"Counter": sorted(value.items())}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return {"inf": math.copysign(1, value)}
    return value


def main():
    """Writes the file."""
    import torch
    from torch.optim import lr_scheduler

    def make(kind, lrs, tensor=False):
        groups = [{"params": [torch.zeros(1)], "lr": torch.tensor(lr) if tensor else lr} for lr in lrs]
        if kind == "sgd":
            return torch.optim.SGD(groups, lr=0.1, momentum=0.9, foreach=False)
        return torch.optim.Adam(groups, lr=0.1, betas=(0.9, 0.99), foreach=False)

    arrays, states = {}, {"torch": torch.__version__}
    for name, case in CASES.items():
        optimizer = make(*case["optimizer"])
        schedule = build(lr_scheduler, optimizer, case["schedule"])
        arrays[f"run {name}"] = run(optimizer, schedule)
        for when in WHEN:
            optimizer = make(*case["optimizer"])
            schedule = build(lr_scheduler, optimizer, case["schedule"])
            run(optimizer, schedule, when)
            states[f"{name} {when}"] = [plain(schedule.state_dict()), plain(options_of(optimizer))]
            if name in RESUME_CASES:
                groups = [{"params": [torch.zeros(1)], **options} for options in options_of(optimizer)]
                again = type(optimizer)(groups, lr=0.1, foreach=False)
                resumed = build(lr_scheduler, again, case["schedule"], last_epoch=when)
                arrays[f"resumed {name} {when}"] = run(again, resumed, 40)
        if name in EPOCH_CASES:
            optimizer = make(*case["optimizer"])
            rows = run_epochs(optimizer, build(lr_scheduler, optimizer, case["schedule"]), EPOCHS)
            arrays[f"epochs {name}"] = rows
        if name.startswith("restarts"):
            optimizer = make(*case["optimizer"])
            rows = run_epochs(optimizer, build(lr_scheduler, optimizer, case["schedule"]), FRACTIONS)
            arrays[f"fractions {name}"] = rows
        optimizer = make(*case["optimizer"], tensor=True)
        arrays[f"tensor {name}"] = run(optimizer, build(lr_scheduler, optimizer, case["schedule"]), 40)
    text = json.dumps(states, separators=(",", ":")).encode()
    arrays["states"] = np.frombuffer(text, np.uint8)
    np.savez_compressed(FILE, **{name: np.asarray(rows) for name, rows in arrays.items()})
    print(f"{FILE.name}: {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
