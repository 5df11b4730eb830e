"""Yogi in NumPy float64: the second moment of algorithm 2 of the paper, with the usual start and bias correction."""

import numpy as np


class Yogi:
    def __init__(
        self,
        start,
        lr=1e-2,
        betas=(0.9, 0.999),
        eps=1e-3,
        initial_accumulator=1e-6,
        weight_decay=0,
        maximize=False,
        decoupled_weight_decay=False,
    ):
        self.p = np.array(start, np.float64)
        self.m, self.v = np.full((2, *self.p.shape), initial_accumulator)
        self.t, self.sign = 0, -1 if maximize else 1
        self.lr, (self.beta1, self.beta2), self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.decoupled = decoupled_weight_decay

    def step(self, gradient):
        g = self.sign * gradient
        self.t += 1
        if self.decoupled:
            self.p = self.p * (1 - self.lr * self.weight_decay)
        else:
            g = g + self.weight_decay * self.p
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.v - (1 - self.beta2) * np.sign(self.v - g**2) * g**2
        m, v = self.m / (1 - self.beta1**self.t), self.v / (1 - self.beta2**self.t)
        self.p = self.p - self.lr * m / (np.sqrt(v) + self.eps)

    def state(self):
        return {"step": self.t, "exp_avg": self.m, "exp_avg_sq": self.v}


RULES = {
    "Yogi": {
        "transcription": Yogi,
        "other": [
            {},
            {"weight_decay": 0.05},
            {"weight_decay": 0.05, "decoupled_weight_decay": True, "maximize": True},
            {"betas": (0.5, 0.95), "eps": 1e-2, "lr": 3e-3, "initial_accumulator": 0.1},
            {"betas": (0.0, 0.5), "initial_accumulator": 0.0},
        ],
        "state_numbers": lambda options, n: 2 * n,
    },
}
