"""Adagrad in NumPy float64, after Duchi, Hazan, Singer (2011); the falling rate is PyTorch's."""

import numpy as np


class Adagrad:
    def __init__(
        self, start, lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10, maximize=False
    ):
        self.p = np.array(start, np.float64)
        self.sum = np.full(self.p.shape, float(initial_accumulator_value))
        self.t = 0
        self.lr, self.lr_decay, self.eps, self.weight_decay = lr, lr_decay, eps, weight_decay
        self.sign = -1 if maximize else 1

    def step(self, gradient):
        g = self.sign * gradient + self.weight_decay * self.p
        self.t += 1
        self.sum = self.sum + g**2
        self.p = self.p - self.lr / (1 + (self.t - 1) * self.lr_decay) * g / (np.sqrt(self.sum) + self.eps)

    def state(self):
        return {"step": self.t, "sum": self.sum}


RULES = {
    "Adagrad": {
        "transcription": Adagrad,
        "torch": [
            {},
            {"lr": 0.1, "lr_decay": 0.01},
            {"initial_accumulator_value": 2.5, "maximize": True},
            {"lr": 0.05, "lr_decay": 1e-3, "weight_decay": 0.1, "initial_accumulator_value": 0.1, "eps": 1e-3},
        ],
        "other": [{"lr": 0.0}, {"lr_decay": 3.0}],
        "noise": 0.1,  # the parameter's own rounding
        "refused": [
            ({"lr": -1e-3}, ValueError),
            ({"lr_decay": -1e-3}, ValueError),
            ({"eps": -1e-3}, ValueError),
            ({"weight_decay": -1e-3}, ValueError),
            ({"initial_accumulator_value": -1e-3}, ValueError),
            ({"eps": "small"}, TypeError),
        ],
        "state_numbers": lambda options, n: n,
    },
}
