"""Adamax in NumPy float64, after algorithm 2 of the paper, with PyTorch's eps."""

import numpy as np


class Adamax:
    def __init__(self, start, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, maximize=False):
        self.p = np.array(start, np.float64)
        self.m, self.u = np.zeros((2, *self.p.shape))
        self.t, self.sign = 0, -1 if maximize else 1
        self.lr, (self.beta1, self.beta2), self.eps, self.weight_decay = lr, betas, eps, weight_decay

    def step(self, gradient):
        g = self.sign * gradient + self.weight_decay * self.p
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.u = np.maximum(self.beta2 * self.u, np.abs(g) + self.eps)
        self.p = self.p - self.lr / (1 - self.beta1**self.t) * self.m / self.u

    def state(self):
        return {"step": self.t, "exp_avg": self.m, "exp_inf": self.u}


RULES = {
    "Adamax": {
        "transcription": Adamax,
        "torch": [
            {},
            {"weight_decay": 0.05},
            {"maximize": True, "weight_decay": 0.01},
            {"betas": (0.5, 0.95), "eps": 1e-3, "lr": 3e-3},
        ],
        "other": [{"betas": (0.0, 0.0)}, {"lr": 0.0}],
        "noise": 0.1,  # the parameter's own rounding alone makes 97 to 100 % of PyTorch's error without weight decay
        "state_numbers": lambda options, n: 2 * n,
    },
}
