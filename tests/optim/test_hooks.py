"""Hooks around a step and around state dicts, for the engine's rules and for one in plain Python."""

from __future__ import annotations

import pytest

import lucid
from lucid.nn import Parameter
from lucid.optim import SGD, Optimizer


class SignDescent(Optimizer):
    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @lucid.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p -= group["lr"] * p.grad.sign()
        return "done"


class LoudSGD(SGD):
    def step(self, closure=None, grads=None):
        return super().step(closure, grads)


every_rule = pytest.mark.parametrize("rule", [SGD, SignDescent, LoudSGD])


def made(rule):
    w = Parameter(lucid.tensor([1.0]))
    w.grad = lucid.tensor([1.0])
    return w, rule([w], lr=0.5)


@every_rule
def test_step_hooks_run_once_and_in_order(rule):
    w, optimizer = made(rule)
    seen = []
    before = optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("before", w.item(), o is optimizer)))
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(("after", w.item(), args[0] is optimizer)))
    optimizer.step()
    assert seen == [("before", 1.0, True), ("after", 0.5, True)]
    before.remove()
    optimizer.step()
    assert seen[2:] == [("after", 0.0, True)]


@every_rule
def test_pre_hook_may_replace_the_arguments(rule):
    w, optimizer = made(rule)
    called = []
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o,), {"closure": lambda: called.append(1) or 7}))
    optimizer.step()
    assert w.item() == 0.5 and called == ([1] if rule is not SignDescent else [])
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 5)
    with pytest.raises(RuntimeError, match="args, kwargs"):
        optimizer.step()
    assert w.item() == 0.5


@every_rule
def test_a_step_that_raises_leaves_hooks_working(rule):
    w, optimizer = made(rule)
    seen = []
    handle = optimizer.register_step_pre_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        optimizer.step()
    handle.remove()
    optimizer.register_step_post_hook(lambda *_: seen.append(1))
    optimizer.step()
    assert w.item() == 0.5 and seen == [1]


@every_rule
def test_state_dict_hooks(rule):
    _, optimizer = made(rule)
    order = []
    optimizer.register_state_dict_pre_hook(lambda o: order.append("second"))
    optimizer.register_state_dict_pre_hook(lambda o: order.append("first"), prepend=True)
    optimizer.register_state_dict_post_hook(lambda o, d: {**d, "note": 5})
    optimizer.register_state_dict_post_hook(lambda o, d: order.append(d["note"]))
    saved = optimizer.state_dict()
    assert order == ["first", "second", 5] and saved["note"] == 5

    def halve(o, state):
        state["param_groups"] = [{**group, "lr": group["lr"] / 2} for group in state["param_groups"]]

    optimizer.register_load_state_dict_pre_hook(halve)
    optimizer.register_load_state_dict_pre_hook(lambda o, d: {k: v for k, v in d.items() if k != "note"})
    optimizer.register_load_state_dict_post_hook(lambda o: order.append(o.param_groups[0]["lr"]))
    optimizer.load_state_dict(saved)
    assert order[3:] == [0.25] and saved["param_groups"][0]["lr"] == 0.5 and saved["note"] == 5


def test_step_of_a_rule_in_python_needs_parameters():
    optimizer = SignDescent(None, lr=0.5)
    with pytest.raises(RuntimeError, match="register_trainable_weights"):
        optimizer.step()
    w, _ = made(SGD)
    assert optimizer.register_trainable_weights([w]) is optimizer
    assert optimizer.step() == "done" and w.item() == 0.5
    assert optimizer._opt_called
