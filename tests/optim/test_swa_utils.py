"""Averaged models and the schedule to their learning rate, against their formulas in NumPy."""

import math

import numpy as np
import pytest

import lucid
from lucid import nn, optim
from lucid.optim.swa_utils import (
    SWALR,
    AveragedModel,
    get_ema_avg_fn,
    get_ema_multi_avg_fn,
    get_swa_multi_avg_fn,
    update_bn,
)


def trained(**options):
    """The parameters of a model at six times, and the last averages of them."""
    draw = np.random.RandomState(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    averaged = AveragedModel(model, **options)
    seen = []
    for _ in range(6):
        with lucid.no_grad():
            for p in model.parameters():
                p.copy_(lucid.tensor(draw.randn(*p.shape)))
        model(lucid.tensor(draw.randn(8, 3).astype(np.float32)))
        averaged.update_parameters(model)
        seen.append([x.detach().numpy().astype(np.float64) for x in (*model.parameters(), *model.buffers())])
    return model, averaged, seen


def ema(values, decay):
    average = values[0]
    for value in values[1:]:
        average = decay * average + (1 - decay) * value
    return average


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, lambda values: np.mean(values, 0)),
        ({"multi_avg_fn": get_swa_multi_avg_fn()}, lambda values: np.mean(values, 0)),
        ({"avg_fn": get_ema_avg_fn(0.7)}, lambda values: ema(values, 0.7)),
        ({"multi_avg_fn": get_ema_multi_avg_fn(0.7)}, lambda values: ema(values, 0.7)),
    ],
)
@pytest.mark.parametrize("use_buffers", [False, True])
def test_averages(options, wanted, use_buffers):
    model, averaged, seen = trained(**options, use_buffers=use_buffers)
    count = len(list(model.parameters()))
    for number, x in enumerate((*averaged.module.parameters(), *averaged.module.buffers())):
        values = [at[number] for at in seen]
        floating = x.dtype.is_floating_point
        target = wanted(values) if number < count or use_buffers else values[-1]
        if floating:
            np.testing.assert_allclose(x.detach().numpy(), target, rtol=1e-5, atol=1e-6)
        elif not use_buffers:
            assert x.item() == 6
    assert averaged.n_averaged.item() == 6 and "n_averaged" in averaged.state_dict()
    assert not any(p is q for p in model.parameters() for q in averaged.parameters())


def test_update_bn_finds_the_statistics_of_all_batches():
    draw = np.random.RandomState(1)
    model, averaged, _ = trained()
    averaged.eval()
    norm = averaged.module[1]
    batches = [lucid.tensor(draw.randn(8, 3).astype(np.float32)) for _ in range(3)]
    update_bn([(batch, None) for batch in batches], averaged)
    with lucid.no_grad():
        hidden = [averaged.module[0](batch).numpy() for batch in batches]
    np.testing.assert_allclose(norm.running_mean.numpy(), np.mean([h.mean(0) for h in hidden], 0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(norm.running_var.numpy(), np.mean([h.var(0, ddof=1) for h in hidden], 0), rtol=1e-4)
    assert norm.momentum == 0.1 and not averaged.training
    update_bn(batches, nn.Linear(3, 1))


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("epochs", [0, 1, 4])
def test_schedule(strategy, epochs):
    groups = [{"params": [nn.Parameter(lucid.ones(1))], "lr": lr} for lr in (0.1, 0.3)]
    optimizer = optim.SGD(groups, lr=1.0)
    schedule = SWALR(optimizer, swa_lr=[0.5, 0.01], anneal_epochs=epochs, anneal_strategy=strategy)
    for step in range(7):
        t = min(1, max(step, int(epochs == 0)) / max(1, epochs))
        share = t if strategy == "linear" else (1 - math.cos(math.pi * t)) / 2
        wanted = [(1 - share) * start + share * last for start, last in ((0.1, 0.5), (0.3, 0.01))]
        assert schedule.get_last_lr() == pytest.approx(wanted, rel=1e-9)
        optimizer.step()
        schedule.step()


def test_what_is_refused():
    model = nn.Linear(1, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for wrong in ({"anneal_strategy": "square"}, {"anneal_epochs": -1}, {"anneal_epochs": 1.5}):
        with pytest.raises(ValueError, match="SWALR: anneal"):
            SWALR(optimizer, swa_lr=0.1, **wrong)
    with pytest.raises(ValueError, match="2 rates for 1"):
        SWALR(optimizer, swa_lr=[0.1, 0.2])
    with pytest.raises(ValueError, match="decay"):
        get_ema_avg_fn(1.5)
    with pytest.raises(ValueError, match="not both"):
        AveragedModel(model, avg_fn=get_ema_avg_fn(), multi_avg_fn=get_ema_multi_avg_fn())
    with pytest.raises(ValueError, match="cuda"):
        AveragedModel(model, device="cuda")
