"""RMSprop in NumPy float64, after Hinton's lecture 6.5 and Graves (2013)."""

import numpy as np


class RMSprop:
    def __init__(
        self, start, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False, maximize=False
    ):
        self.p = np.array(start, np.float64)
        self.mean_square, self.mean, self.change = np.zeros((3, *self.p.shape))
        self.t = 0
        self.lr, self.alpha, self.eps, self.weight_decay = lr, alpha, eps, weight_decay
        self.momentum, self.centered, self.sign = momentum, centered, -1 if maximize else 1

    def step(self, gradient):
        g = self.sign * gradient + self.weight_decay * self.p
        self.t += 1
        self.mean_square = self.alpha * self.mean_square + (1 - self.alpha) * g**2
        self.mean = self.alpha * self.mean + (1 - self.alpha) * g
        variance = np.maximum(self.mean_square - self.mean**2, 0) if self.centered else self.mean_square
        self.change = self.momentum * self.change + g / (np.sqrt(variance) + self.eps)
        self.p = self.p - self.lr * self.change

    def state(self):
        found = {"step": self.t, "square_avg": self.mean_square}
        found |= {"momentum_buffer": self.change} if self.momentum else {}
        return found | ({"grad_avg": self.mean} if self.centered else {})


RULES = {
    "RMSprop": {
        "transcription": RMSprop,
        "torch": [
            {},
            {"weight_decay": 0.05, "maximize": True},
            {"momentum": 0.9, "lr": 1e-3},
            {"centered": True, "alpha": 0.95},
            {"centered": True, "momentum": 0.5, "eps": 1e-3, "weight_decay": 0.01},
        ],
        "other": [{"alpha": 0.0}, {"alpha": 1.0, "eps": 0.1}, {"lr": 0.0, "momentum": 0.9}],
        "refused": [
            ({"lr": -1e-3}, ValueError),
            ({"alpha": -1e-3}, ValueError),
            ({"eps": -1e-3}, ValueError),
            ({"weight_decay": -1e-3}, ValueError),
            ({"momentum": -1e-3}, ValueError),
            ({"alpha": float("nan")}, ValueError),
            ({"centered": "yes"}, TypeError),
        ],
        "state_numbers": lambda options, n: (1 + bool(options.get("momentum")) + options.get("centered", False)) * n,
    },
}
