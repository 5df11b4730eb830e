"""Optimizers whose parameters, gradients, state and options were replaced by nonsense between two steps."""

from __future__ import annotations

import threading

import hypothesis.strategies as st

import lucid
from lucid import optim
from lucid.optim.engine_optimizer import EngineOptimizer
from tests.door.drawing import KINDS, attempt, door, draw, odd, tensor

OPTIMIZERS = [
    one
    for name in dir(optim)
    if isinstance(one := getattr(optim, name), type) and issubclass(one, optim.Optimizer) and one is not optim.Optimizer
    and one not in (optim.Lookahead, optim.LBFGS)
]  # fmt: skip


def optimizer_of(data, params):
    """An optimizer of some sort for these parameters, and a closure for those that want one."""
    kind = draw(data, *OPTIMIZERS, optim.LBFGS, optim.Lookahead)
    if kind is optim.Lookahead:
        return optim.Lookahead(optim.Adam(params, lr=0.1))
    return kind(params, lr=0.1)


def step(optimizer, params):
    def closure():
        return sum((p * p).sum() for p in params) if params else lucid.zeros(())

    if isinstance(optimizer, optim.LBFGS):
        return optimizer.step(closure)
    return optimizer.step()


def any_tensor(data):
    x = tensor(
        data, tuple(data.draw(st.lists(st.integers(0, 4), max_size=3))), draw(data, lucid.float32, *KINDS)
    ).detach()
    return x


def spoil(data, optimizer, params):
    """One change that no program should make. Returns its name."""
    p = draw(data, *params)
    what = draw(data, "data", "grad", "state tensor", "state tensor's data", "state", "option", "params", "state_dict")
    held = (
        optimizer.optimizer if isinstance(optimizer, optim.Lookahead) and hasattr(optimizer, "optimizer") else optimizer
    )
    group = held.param_groups[0]
    if what == "data":
        p.data = draw(data, any_tensor(data), p.data[:1] if p.shape else p.data, p.data.T)
    elif what == "grad":
        p._grad = any_tensor(data)
    elif what.startswith("state tensor"):
        state = held.state.get(p)
        if state:
            name = draw(data, *sorted(state))
            if what == "state tensor" or not isinstance(state[name], lucid.Tensor):
                state[name] = draw(data, any_tensor(data), odd(data))
            else:
                state[name].data = any_tensor(data)
    elif what == "state":
        held.state[p] = draw(data, {}, {"step": 3}, {"exp_avg": any_tensor(data)}, odd(data))
    elif what == "option":
        name = draw(data, *sorted(n for n in group if n != "params"))
        group[name] = draw(data, odd(data), (odd(data), odd(data)), any_tensor(data), 1.0, 0.0)
    elif what == "params":
        group["params"] = draw(
            data, [], params[:1], params + params, [any_tensor(data)], odd(data), [1], list(reversed(params))
        )
    else:
        saved = optimizer.state_dict()
        for state in saved["state"].values():
            for name in list(state):
                if data.draw(st.booleans()):
                    state[name] = draw(data, any_tensor(data), odd(data))
        attempt(None, lambda: optimizer.load_state_dict(saved), params)
    return what


@door(100)
def test_steps_after_nonsense(data):
    """A step is made, or refused with all parameters as they were."""
    params = [
        lucid.nn.Parameter(
            tensor(data, shape, draw(data, lucid.float32, lucid.float32, lucid.float64)).detach().clone()
        )
        for shape in data.draw(st.lists(st.sampled_from([(3, 2), (4, 4), (2, 3), (3, 1)]), min_size=1, max_size=3))
    ]
    try:
        optimizer = optimizer_of(data, params)
    except (TypeError, ValueError):
        return  # not for parameters of these shapes and number types
    for p in params:
        p.grad = lucid.ones(p.shape, dtype=p.dtype)
    step(optimizer, params)
    for _ in range(data.draw(st.integers(1, 3))):
        try:
            spoil(data, optimizer, params)
        except (TypeError, ValueError, RuntimeError, AttributeError, IndexError, KeyError, OverflowError):
            pass  # refused by the assignment itself
        for p in params:
            if p.grad is None:
                p.grad = lucid.ones(p.shape, dtype=p.dtype)
        several = isinstance(optimizer, (optim.LBFGS, optim.Lookahead))
        call = lambda: step(optimizer, params)  # noqa: E731
        if several:
            attempt(None, call)
        else:
            attempt(None, call, changes=params)


def test_a_step_keeps_the_gradients_that_another_thread_lets_go():
    """C reads without Python's lock: zero_grad meanwhile must not free what it reads. (The sanitizers tell.)"""
    p = lucid.nn.Parameter(lucid.ones(100_000))
    optimizer = optim.Adam([p], lr=0.1)
    done = threading.Event()

    def let_go():
        while not done.is_set():
            p.grad = None

    thread = threading.Thread(target=let_go)
    thread.start()
    try:
        for _ in range(50):
            p.grad = lucid.ones(100_000)
            optimizer.step()
    finally:
        done.set()
        thread.join()
    assert p.isfinite().all()


def test_there_are_optimizers():
    assert len(OPTIMIZERS) > 15 and EngineOptimizer
