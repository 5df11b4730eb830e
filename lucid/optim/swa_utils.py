"""Averages of a model over the steps of its training: stochastic weight averaging, and moving averages.

Source: Izmailov, Podoprikhin, Garipov, Vetrov and Wilson 2018, Averaging Weights Leads to Wider Optima and Better
Generalization.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

from lucid.autograd.grad_mode import no_grad
from lucid.devices import check_device
from lucid.errors import ArgumentError
from lucid.nn.module import Module
from lucid.nn.norm import BatchNorm1d, BatchNorm2d
from lucid.ops.create import tensor
from lucid.optim.lr_scheduler.base import LRScheduler
from lucid.optim.optimizer import Optimizer
from lucid.types import Tensor

Average = Callable[[Tensor, Tensor, Tensor], Tensor]  # of the average, the model's tensor and how many are averaged
MultiAverage = Callable[[list[Tensor], list[Tensor], Tensor], None]


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """For ``AveragedModel(avg_fn=)``: decay · average + (1 − decay) · new.

    Raises:
        ValueError: for a decay that is not from 0 to 1.
    """
    if not 0.0 <= decay <= 1.0:
        raise ArgumentError(f"get_ema_avg_fn: decay must be from 0 to 1, got {decay}")

    def average(averaged: Tensor, new: Tensor, count: Tensor) -> Tensor:
        return decay * averaged + (1 - decay) * new

    return average


def get_swa_avg_fn() -> Average:
    """For ``AveragedModel(avg_fn=)``: the mean of all, average + (new − average) / (count + 1)."""

    def average(averaged: Tensor, new: Tensor, count: Tensor) -> Tensor:
        return averaged + (new - averaged) / (count + 1)

    return average


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """As :func:`get_ema_avg_fn`, for ``AveragedModel(multi_avg_fn=)``: writes into the averages."""
    return _into(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> MultiAverage:
    """As :func:`get_swa_avg_fn`, for ``AveragedModel(multi_avg_fn=)``: writes into the averages."""
    return _into(get_swa_avg_fn())


def _into(average: Average) -> MultiAverage:
    def averages(averaged: list[Tensor], new: list[Tensor], count: Tensor) -> None:
        for a, x in zip(averaged, new, strict=True):
            a.copy_(average(a, x, count))

    return averages


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of the model's.

    Args:
        model: the model, copied deeply.
        device: ``"cpu"``.
        avg_fn: gives the new average from the average, the model's tensor and how many were averaged; the mean of all
            by default.
        multi_avg_fn: the same for all tensors at once, in place; goes before avg_fn.
        use_buffers: average the buffers too. Else they are copied at each update.

    Attributes:
        module: the averaged model.
        n_averaged: how many updates there were, a 0-d tensor.

    Raises:
        ValueError: for another device.

    Example:
        >>> import lucid
        >>> from lucid.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
        >>> model = lucid.nn.Linear(1, 1, bias=False)
        >>> averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
        >>> for weight in (1.0, 2.0):
        ...     _ = model.weight.data.fill_(weight)
        ...     averaged.update_parameters(model)
        >>> round(averaged.module.weight.item(), 4)
        1.1
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        check_device(device, "AveragedModel")
        if avg_fn is not None and multi_avg_fn is not None:
            raise ArgumentError("AveragedModel: give avg_fn or multi_avg_fn, not both")
        self.module = copy.deepcopy(model)
        self.register_buffer("n_averaged", tensor(0))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model computes."""
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Takes the model's present parameters into the averages; the first time they are copied."""
        own: list[Tensor] = list(self.module.parameters())
        new: list[Tensor] = list(model.parameters())
        if self.use_buffers:
            own += self.module.buffers()
            new += model.buffers()
        if int(self.n_averaged) == 0:
            for a, x in zip(own, new, strict=True):
                a.copy_(x)
        else:
            average = self.multi_avg_fn or _into(self.avg_fn or get_swa_avg_fn())
            average([a.detach() for a in own], [x.detach() for x in new], self.n_averaged)
        if not self.use_buffers:
            for a, x in zip(self.module.buffers(), model.buffers(), strict=True):
                a.copy_(x)
        self.n_averaged += 1


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Finds the running mean and variance of a model's batch norms anew, from all batches of a loader.

    Args:
        loader: gives batches; of a tuple or list the first part is the model's input.
        model: the model, mostly an :class:`AveragedModel`.
        device: ``"cpu"``.
    """
    check_device(device, "update_bn")
    norms = [m for m in model.modules() if isinstance(m, BatchNorm1d | BatchNorm2d)]
    if not norms:
        return
    training, momenta = model.training, [norm.momentum for norm in norms]
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
    for batch in loader:
        model(batch[0] if isinstance(batch, list | tuple) else batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(training)


class SWALR(LRScheduler):
    """Brings the learning rate to ``swa_lr`` in ``anneal_epochs`` steps and leaves it there.

    Args:
        optimizer: whose rate it sets.
        swa_lr: the rate at the end; one, or one for each parameter group.
        anneal_epochs: steps on the way; 0 to be there at once.
        anneal_strategy: ``"cos"`` or ``"linear"``: the way.
        last_epoch: the last step that was made; -1 at the start.

    With t = step / anneal_epochs, at most 1, and α = (1 − cos πt) / 2 or t, the rate is (1 − α) · before + α · swa_lr,
    where "before" is what the rate would be without: it is found back from the present one, so that another schedule
    may have set it.

    Raises:
        ValueError: for a strategy that is not there, or anneal_epochs below 0.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD([lucid.nn.Parameter(lucid.ones(1))], lr=1.0)
        >>> schedule = lucid.optim.swa_utils.SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
        >>> for _ in range(3):
        ...     print(schedule.get_last_lr())
        ...     optimizer.step()
        ...     schedule.step()
        [1.0]
        [0.75]
        [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"SWALR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ArgumentError(f"SWALR: anneal_epochs must be 0 or more, got {anneal_epochs!r}")
        groups = optimizer.param_groups
        rates = list(swa_lr) if isinstance(swa_lr, list | tuple) else [swa_lr] * len(groups)
        if len(rates) != len(groups):
            raise ArgumentError(f"SWALR: {len(rates)} rates for {len(groups)} parameter groups")
        self.swa_lrs = rates
        self.anneal_epochs = anneal_epochs
        self.anneal_strategy = anneal_strategy
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return t if self.anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list[float]:
        """The rates of the groups after this step."""
        step = self.last_epoch
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group, last in zip(self.optimizer.param_groups, self.swa_lrs, strict=True):
            start = last if before == 1 else (group["lr"] - before * last) / (1 - before)
            rates.append(now * last + (1 - now) * start)
        return rates
