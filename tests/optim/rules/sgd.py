"""Stochastic gradient descent in NumPy float64."""

import numpy as np


class SGD:
    def __init__(self, start, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False):
        self.p, self.b = np.array(start, np.float64), None
        self.lr, self.momentum, self.dampening, self.weight_decay = lr, momentum, dampening, weight_decay
        self.nesterov, self.sign = nesterov, -1 if maximize else 1

    def step(self, gradient):
        g = self.sign * gradient + self.weight_decay * self.p
        if self.momentum:
            self.b = np.array(g) if self.b is None else self.momentum * self.b + (1 - self.dampening) * g
            g = g + self.momentum * self.b if self.nesterov else self.b
        self.p = self.p - self.lr * g

    def state(self):
        return {"momentum_buffer": self.b} if self.momentum else {}


RULES = {
    "SGD": {
        "transcription": SGD,
        "torch": [
            {},
            {"lr": 0.01, "weight_decay": 0.1},
            {"momentum": 0.9},
            {"momentum": 0.8, "dampening": 0.5, "weight_decay": 0.01},
            {"momentum": 0.9, "nesterov": True, "maximize": True},
        ],
        "other": [{"lr": 0.0}, {"maximize": True}],
        "noise": 0.1,  # the parameter's own rounding
        "state_numbers": lambda options, n: n if options.get("momentum") else 0,
    },
}
