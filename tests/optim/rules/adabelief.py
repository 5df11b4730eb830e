"""AdaBelief in NumPy float64, after algorithm 2 of the paper; with rectify, RAdam's steps after its own paper."""

import numpy as np


class AdaBelief:
    def __init__(
        self,
        start,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-16,
        weight_decay=0,
        amsgrad=False,
        decoupled_weight_decay=True,
        rectify=False,
        maximize=False,
    ):
        self.p = np.array(start, np.float64)
        self.m, self.s, self.largest = np.zeros((3, *self.p.shape))
        self.t, self.sign = 0, -1 if maximize else 1
        self.lr, (self.beta1, self.beta2), self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.amsgrad, self.decoupled, self.rectify = amsgrad, decoupled_weight_decay, rectify

    def step(self, gradient):
        g = self.sign * gradient
        self.t += 1
        if self.decoupled:
            self.p = self.p * (1 - self.lr * self.weight_decay)
        else:
            g = g + self.weight_decay * self.p
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.s = self.beta2 * self.s + (1 - self.beta2) * (g - self.m) ** 2 + self.eps
        self.largest = np.maximum(self.largest, self.s)
        s = self.largest if self.amsgrad else self.s
        self.p = self.p - self.lr * self.m / (1 - self.beta1**self.t) * self.factor(s, 1 - self.beta2**self.t)

    def factor(self, s, correction):
        """What the unbiased average is multiplied by."""
        if not self.rectify:
            return 1 / (np.sqrt(s / correction) + self.eps)
        longest = 2 / (1 - self.beta2) - 1
        length = longest - 2 * self.t * (1 - correction) / correction
        if length <= 5:
            return 1
        rectified = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
        return np.sqrt(rectified * correction) / (np.sqrt(s) + self.eps)

    def state(self):
        found = {"step": self.t, "exp_avg": self.m, "exp_avg_var": self.s}
        return found | ({"max_exp_avg_var": self.largest} if self.amsgrad else {})


RULES = {
    "AdaBelief": {
        "transcription": AdaBelief,
        "other": [
            {},
            {"weight_decay": 0.05},
            {"weight_decay": 0.05, "decoupled_weight_decay": False, "maximize": True},
            {"amsgrad": True},
            {"rectify": True},
            {"rectify": True, "amsgrad": True, "weight_decay": 0.1},
            {"betas": (0.5, 0.95), "eps": 1e-8, "lr": 3e-3},
        ],
        "state_numbers": lambda options, n: (3 if options.get("amsgrad") else 2) * n,
    },
}
