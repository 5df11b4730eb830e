"""Every case of the comparison with PyTorch, compiled: recorded with some inputs, replayed with others, as eager."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import lucid
from lucid.autograd.graph import Value
from lucid.compiler import tree

FOLDER = Path(__file__).resolve().parent.parent / "conformance"
sys.path.insert(0, str(FOLDER))

import run as comparison  # noqa: E402
from inputs import Inputs  # noqa: E402
from names import NAMES  # noqa: E402

CASES, _ = comparison.load(FOLDER / "cases", NAMES)
OUTSIDE = ("utils.", "nn.utils", "autograd", "manual", "cuda", "amp", "seed")
KEYS = [(name, number) for name in CASES if not name.startswith(OUTSIDE) for number in range(len(CASES[name]))]


class Kept(Inputs):
    """Inputs that remembers what it made."""

    def __init__(self, key):
        super().__init__(lucid, "float32", key)
        self.order = []

    def _noted(self, made):
        self.order.append(made)
        return made

    def _learned(self, array):
        return self._noted(super()._learned(array))

    def int(self, *args, **options):
        return self._noted(super().int(*args, **options))

    def bool(self, *shape):
        return self._noted(super().bool(*shape))

    def tensor(self, *args, **options):
        return self._noted(super().tensor(*args, **options))

    def numpy(self, *shape):
        return self._noted(super().numpy(*shape))

    def module(self, module):
        return self._noted(super().module(module))


class Given:
    """Inputs that gives what was made before, in order."""

    dtype = lucid.float32

    def __init__(self, order):
        self._order = iter(order)

    def __call__(self, *shape):
        return next(self._order)

    def __getattr__(self, name):
        return lambda *args, **options: next(self._order)


def made(case, key):
    """The inputs of a case; None when it raises, or takes other than tensors."""
    inputs = Kept(key)
    case(lucid, inputs)
    for x in inputs.order:
        if not isinstance(x, Value):
            return None
        x.grad = None
    return inputs.order


def step_of(case):
    """The case as a function of its inputs: its results, when their gradients have been taken back."""

    def step(*order):
        result = case(lucid, Given(order))
        tensors = [x for x in tree.leaves(result) if isinstance(x, Value)]
        loss = None
        for number, x in enumerate(tensors):
            if x.requires_grad:
                weights = np.random.default_rng(number).standard_normal(x.shape)
                part = (x * lucid.tensor(weights, dtype=x.dtype)).sum()
                loss = part if loss is None else loss + part
        if loss is not None:
            loss.backward()
        return [x.detach() for x in tensors] if tensors else result

    return step


def numbers(result, order):
    found = [x.detach().numpy().copy() if isinstance(x, Value) else x for x in tree.leaves(result)]
    return found + [None if x.grad is None else x.grad.numpy().copy() for x in order]


def same(a, b):
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    return type(a) is type(b) and (a == b or a != a)


def check(name, number):
    """1 when the case was replayed, 0 when it ran eagerly or says nothing."""
    case = CASES[name][number]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            orders = [made(case, key) for key in "aabb"]
        except Exception:  # noqa: BLE001 (a case that has to raise)
            return 0
        if any(order is None for order in orders):
            return 0
        step = step_of(case)
        compiled = lucid.compile(step)
        for eager, other in (orders[:2], orders[2:]):
            try:
                lucid.manual_seed(0)
                expected = numbers(step(*eager), eager)
            except Exception:  # noqa: BLE001
                return 0
            lucid.manual_seed(0)
            got = numbers(compiled(*other), other)
            assert len(got) == len(expected), (name, number)
            assert all(map(same, got, expected)), (name, number)
    return compiled.replays


def test_some_cases():
    assert sum(check(*key) for key in KEYS[::4]) > 0.4 * len(KEYS[::4])


@pytest.mark.slow
def test_all_cases():
    assert sum(check(*key) for key in KEYS) > 0.4 * len(KEYS)
