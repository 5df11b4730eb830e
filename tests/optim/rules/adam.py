"""Adam and AdamW in NumPy float64, after their papers."""

import numpy as np


class Adam:
    decoupled = False

    def __init__(
        self,
        start,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        amsgrad=False,
        maximize=False,
        decoupled_weight_decay=False,
        eps_hat=False,
    ):
        self.p = np.array(start, np.float64)
        self.m, self.v, self.largest = np.zeros((3, *self.p.shape))
        self.t = 0
        self.lr, (self.beta1, self.beta2), self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.amsgrad, self.sign, self.eps_hat = amsgrad, -1 if maximize else 1, eps_hat
        self.decoupled = self.decoupled or decoupled_weight_decay

    def step(self, gradient):
        g = self.sign * gradient
        self.t += 1
        if self.decoupled:
            self.p = self.p - self.lr * self.weight_decay * self.p
        else:
            g = g + self.weight_decay * self.p
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        self.largest = np.maximum(self.largest, self.v)
        v = self.largest if self.amsgrad else self.v
        correction1, correction2 = 1 - self.beta1**self.t, 1 - self.beta2**self.t
        if self.eps_hat:
            self.p = self.p - self.lr * np.sqrt(correction2) / correction1 * self.m / (np.sqrt(v) + self.eps)
        else:
            self.p = self.p - self.lr * (self.m / correction1) / (np.sqrt(v / correction2) + self.eps)

    def state(self):
        found = {"step": self.t, "exp_avg": self.m, "exp_avg_sq": self.v}
        return found | ({"max_exp_avg_sq": self.largest} if self.amsgrad else {})


class AdamW(Adam):
    decoupled = True

    def __init__(self, start, weight_decay=1e-2, **options):
        super().__init__(start, weight_decay=weight_decay, **options)


RULES = {
    "Adam": {
        "transcription": Adam,
        "torch": [
            {},
            {"weight_decay": 0.05},
            {"amsgrad": True},
            {"maximize": True},
            {"betas": (0.5, 0.95), "eps": 1e-3, "lr": 3e-3},
            {"weight_decay": 0.05, "amsgrad": True, "maximize": True},
            {"weight_decay": 0.05, "decoupled_weight_decay": True},
        ],
        "other": [
            {"betas": (0.0, 0.0)},
            {"betas": (0.5, 0.5), "lr": 0.1},
            {"lr": 0.0},
            {"eps_hat": True, "eps": 1e-3},
            {"eps_hat": True, "amsgrad": True, "weight_decay": 0.01},
        ],
        "state_numbers": lambda options, n: (3 if options.get("amsgrad") else 2) * n,
    },
    "AdamW": {
        "transcription": AdamW,
        "torch": [
            {},
            {"amsgrad": True, "weight_decay": 0.1},
            {"weight_decay": 0.1, "amsgrad": True, "maximize": True, "betas": (0.95, 0.99)},
        ],
        "other": [{"eps_hat": True, "weight_decay": 0.1}],
        "state_numbers": lambda options, n: (3 if options.get("amsgrad") else 2) * n,
    },
}
