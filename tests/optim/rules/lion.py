"""Lion in NumPy float64, after algorithm 2 of the paper."""

import numpy as np


class Lion:
    def __init__(self, start, lr=1e-4, betas=(0.9, 0.99), weight_decay=0, maximize=False):
        self.p = np.array(start, np.float64)
        self.m = np.zeros(self.p.shape)
        self.lr, (self.beta1, self.beta2), self.weight_decay = lr, betas, weight_decay
        self.sign = -1 if maximize else 1

    def step(self, gradient):
        g = self.sign * gradient
        c = self.beta1 * self.m + (1 - self.beta1) * g
        self.p = self.p - self.lr * (np.sign(c) + self.weight_decay * self.p)
        self.m = self.beta2 * self.m + (1 - self.beta2) * g

    def state(self):
        return {"exp_avg": self.m}


RULES = {
    "Lion": {
        "transcription": Lion,
        "other": [
            {},
            {"weight_decay": 0.5, "lr": 3e-3},
            {"maximize": True, "weight_decay": 0.1},
            {"betas": (0.5, 0.95), "lr": 0.1},
            {"betas": (0.0, 0.0)},
            {"lr": 0.0},
        ],
        "state_numbers": lambda options, n: n,
    },
}
