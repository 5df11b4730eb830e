"""Lookahead, a wrapper around another optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lucid import engine
from lucid.optim.engine_optimizer import EngineOptimizer
from lucid.optim.engine_rule import LIKE_PARAMETER
from lucid.optim.hooks import OptimizerHooks
from lucid.optim.optimizer import Optimizer
from lucid.optim.options import number


def _share(name: str, value: Any) -> float:
    """A number in [0, 1]."""
    found = number(name, value)
    if not 0 <= found <= 1:
        raise ValueError(f"{name} must lie in [0, 1], got {found}")
    return found


class _SlowWeights(EngineOptimizer):
    """The engine's part: slow ← slow + alpha · (θ - slow), θ ← slow. Gradients only say which parameters take part."""

    family = "lookahead"
    options = {"alpha": _share}
    state_fields = {"slow_param": LIKE_PARAMETER}


class Lookahead(Optimizer):
    r"""Lookahead: another optimizer makes k steps, then slow weights φ follow and the parameters θ return to them.

    .. math::
        φ ← φ + α (θ - φ), \qquad θ ← φ

    φ begins as the parameters are at the first step. The other optimizer's state (momentum and so on) goes on as it is.

    Args:
        optimizer: the one that makes the steps; its param groups and options are this one's too.
        k: steps between two returns, 1 or more.
        alpha: α, in [0, 1]: 0 forgets the k steps, 1 keeps them whole.

    Attributes:
        optimizer: the one inside.
        param_groups, state: those of the one inside. Schedules may be bound to either.

    Raises:
        TypeError, ValueError: for another thing than an optimizer, or numbers outside these bounds.

    Source: M. Zhang, J. Lucas, G. Hinton, J. Ba: Lookahead optimizer: k steps forward, 1 step back, NeurIPS 2019.

    Example:
        >>> import lucid
        >>> w = lucid.nn.Parameter(lucid.tensor([4.0]))
        >>> optimizer = lucid.optim.Lookahead(lucid.optim.SGD([w], lr=1.0), k=2, alpha=0.5)
        >>> for _ in range(2):
        ...     optimizer.zero_grad()
        ...     w.sum().backward()
        ...     optimizer.step()
        >>> w.tolist()
        [3.0]
    """

    def __init__(self, optimizer: Optimizer, k: int = 5, alpha: float = 0.5) -> None:
        OptimizerHooks.__init__(self)
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"Lookahead: optimizer must be an Optimizer, got {type(optimizer).__name__}")
        if not isinstance(k, int) or isinstance(k, bool) or k < 1:
            raise ValueError(f"Lookahead: k must be a whole number of 1 or more, got {k!r}")
        self._opt_called = False
        self.optimizer, self.k = optimizer, k
        self._slow = _SlowWeights(None, {"alpha": alpha})
        _share("Lookahead: alpha", alpha)
        self._steps = 0  # since the last return

    @property
    def alpha(self) -> float:
        """How far slow weights follow."""
        return float(self._slow.defaults["alpha"])

    @property
    def param_groups(self) -> list[Any]:  # type: ignore[override]
        """Those of the optimizer inside."""
        return self.optimizer.param_groups

    @property
    def state(self) -> Any:  # type: ignore[override]
        """What the optimizer inside remembers."""
        return self.optimizer.state

    @property
    def defaults(self) -> Any:  # type: ignore[override]
        """The options of the optimizer inside."""
        return self.optimizer.defaults

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As the optimizer inside; slow weights of the group begin at the next step."""
        self.optimizer.add_param_group(param_group)

    def register_trainable_weights(self, params: Any) -> Lookahead:
        """As the optimizer inside."""
        self.optimizer.register_trainable_weights(params)
        return self

    def step(self, closure: Callable[[], Any] | None = None, **arguments: Any) -> Any:
        """A step of the optimizer inside, and at every k-th the return to the slow weights.

        Args:
            closure, arguments: for the optimizer inside.
        """
        if engine.recording is not None:
            engine.recording.cannot("Lookahead counts its steps in Python")
        self._follow()
        loss = self.optimizer.step(closure, **arguments)
        self._steps += 1
        if self._steps >= self.k:
            self._slow.step(grads=self._parameters_of_all())
            self._steps = 0
        return loss

    def _parameters_of_all(self) -> list[Any]:
        return [p for group in self.param_groups for p in group["params"]]

    def _follow(self) -> None:
        """Begins slow weights for parameters that have none yet."""
        for group in self.param_groups[len(self._slow.param_groups) :]:
            self._slow.add_param_group({"params": list(group["params"])})
        params, known = self._parameters_of_all(), self._slow.state
        if len(known) < len(params):
            self._slow.step(grads=[None if p in known else p for p in params])

    def state_dict(self) -> dict[str, Any]:
        """The state of the optimizer inside, and ``"lookahead"``.

        That is a dict of k, alpha, the steps since the last return, and the slow weights by the parameter's index.
        """
        slow = {index: of_p["slow_param"] for index, of_p in self._slow.state_dict()["state"].items()}
        own = {"k": self.k, "alpha": self.alpha, "steps": self._steps, "slow_param": slow}
        return {**self.optimizer.state_dict(), "lookahead": own}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes over what :meth:`state_dict` gave; a state of the optimizer inside alone begins new slow weights.

        Raises:
            TypeError, ValueError: when it does not fit; then nothing is changed.
        """
        own = state_dict.get("lookahead", {})
        loaded = Lookahead(self.optimizer, own.get("k", self.k), own.get("alpha", self.alpha))
        for group in self.param_groups:
            loaded._slow.add_param_group({"params": list(group["params"])})
        if own:
            state = {index: {"slow_param": slow} for index, slow in own["slow_param"].items()}
            loaded._slow.load_state_dict({"state": state, "param_groups": loaded._slow.state_dict()["param_groups"]})
        self.optimizer.load_state_dict({key: value for key, value in state_dict.items() if key != "lookahead"})
        self.k, self._slow, self._steps = loaded.k, loaded._slow, int(own.get("steps", 0))
