"""RAdam in NumPy float64, after algorithm 2 of the paper, with PyTorch's rho > 5."""

import numpy as np


class RAdam:
    def __init__(
        self,
        start,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        decoupled_weight_decay=False,
        maximize=False,
    ):
        self.p = np.array(start, np.float64)
        self.m, self.v = np.zeros((2, *self.p.shape))
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
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        change = self.m / (1 - self.beta1**self.t)
        left = self.beta2**self.t
        longest = 2 / (1 - self.beta2) - 1
        length = longest - 2 * self.t * left / (1 - left)
        if length > 5:
            rectified = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            change = change * np.sqrt(rectified) * np.sqrt(1 - left) / (np.sqrt(self.v) + self.eps)
        self.p = self.p - self.lr * change

    def state(self):
        return {"step": self.t, "exp_avg": self.m, "exp_avg_sq": self.v}


RULES = {
    "RAdam": {
        "transcription": RAdam,
        "torch": [
            {},
            {"weight_decay": 0.05},
            {"weight_decay": 0.05, "decoupled_weight_decay": True, "maximize": True},
            {"betas": (0.5, 0.95), "eps": 1e-3, "lr": 3e-3},
            {"betas": (0.9, 0.6), "lr": 3e-3},
        ],
        "other": [{"betas": (0.0, 0.0)}, {"lr": 0.0}],
        "noise": 0.1,  # the last two cases: rounding the parameter alone makes 98 to 101 % of PyTorch's error
        "state_numbers": lambda options, n: 2 * n,
    },
}
