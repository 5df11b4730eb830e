"""Averaged stochastic gradient descent in NumPy float64: Polyak and Juditsky (1992) with Bottou's rates (2010)."""

import numpy as np


class ASGD:
    """The two rates are float32 numbers between steps, whatever the parameter is, as PyTorch's."""

    def __init__(self, start, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0, maximize=False):
        self.p = np.array(start, np.float64)
        self.average = np.zeros(self.p.shape)
        self.t, self.eta, self.mu = 0, float(np.float32(lr)), 1.0
        self.lr, self.lambd, self.alpha, self.t0, self.weight_decay = lr, lambd, alpha, t0, weight_decay
        self.sign = -1 if maximize else 1

    def step(self, gradient):
        g = self.sign * gradient + self.weight_decay * self.p
        self.t += 1
        self.p = (1 - self.lambd * self.eta) * self.p - self.eta * g
        self.average = self.average + self.mu * (self.p - self.average)
        self.eta = float(np.float32(self.lr * (1 + self.lambd * self.lr * self.t) ** -self.alpha))
        self.mu = float(np.float32(1 / max(1, self.t - self.t0)))

    def state(self):
        return {"step": self.t, "eta": self.eta, "mu": self.mu, "ax": self.average}


RULES = {
    "ASGD": {
        "transcription": ASGD,
        "torch": [
            {},
            {"lr": 0.03, "lambd": 0.1, "t0": 50},
            {"lr": 0.02, "lambd": 0.01, "alpha": 0.5, "t0": 0, "weight_decay": 0.1, "maximize": True},
        ],
        "other": [{"lr": 0.0, "t0": 10}, {"lambd": 0, "t0": 3.5}, {"alpha": 0, "lambd": 0.5}, {"alpha": -0.5}],
        "noise": 0.1,  # the parameter's own rounding
        "refused": [
            ({"lr": -1e-3}, ValueError),
            ({"weight_decay": -1e-3}, ValueError),
            ({"t0": "late"}, TypeError),
            ({"lambd": float("nan")}, ValueError),
            ({"alpha": None}, TypeError),
        ],
        "state_numbers": lambda options, n: n,
    },
}
