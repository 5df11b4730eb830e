"""NAdam in NumPy float64, after the paper. The product of all mu is a float32 number, as in PyTorch."""

import numpy as np


class NAdam:
    def __init__(
        self,
        start,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        momentum_decay=4e-3,
        decoupled_weight_decay=False,
        maximize=False,
    ):
        self.p = np.array(start, np.float64)
        self.m, self.v = np.zeros((2, *self.p.shape))
        self.t, self.product, self.sign = 0, np.float32(1), -1 if maximize else 1
        self.lr, (self.beta1, self.beta2), self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.momentum_decay, self.decoupled = momentum_decay, decoupled_weight_decay

    def mu(self, t):
        return self.beta1 * (1 - 0.5 * 0.96 ** (t * self.momentum_decay))

    def step(self, gradient):
        g = self.sign * gradient
        self.t += 1
        if self.decoupled:
            self.p = self.p * (1 - self.lr * self.weight_decay)
        else:
            g = g + self.weight_decay * self.p
        mu, following = self.mu(self.t), self.mu(self.t + 1)
        self.product = self.product * np.float32(mu)
        product = float(self.product)
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        ahead = following * self.m / (1 - product * following) + (1 - mu) * g / (1 - product)
        self.p = self.p - self.lr * ahead / (np.sqrt(self.v / (1 - self.beta2**self.t)) + self.eps)

    def state(self):
        return {"step": self.t, "mu_product": self.product, "exp_avg": self.m, "exp_avg_sq": self.v}


RULES = {
    "NAdam": {
        "transcription": NAdam,
        "torch": [
            {},
            {"weight_decay": 0.05},
            {"weight_decay": 0.05, "decoupled_weight_decay": True, "maximize": True},
            {"momentum_decay": 0.1, "betas": (0.5, 0.95), "eps": 1e-3, "lr": 3e-3},
        ],
        "other": [{"betas": (0.0, 0.0)}, {"momentum_decay": 0.0}, {"lr": 0.0}],
        "state_numbers": lambda options, n: 2 * n,
    },
}
