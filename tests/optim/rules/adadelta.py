"""Adadelta in NumPy float64, after algorithm 1 of Zeiler (2012)."""

import numpy as np


class Adadelta:
    def __init__(self, start, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, maximize=False):
        self.p = np.array(start, np.float64)
        self.of_gradients, self.of_changes = np.zeros((2, *self.p.shape))
        self.t = 0
        self.lr, self.rho, self.eps, self.weight_decay, self.sign = lr, rho, eps, weight_decay, -1 if maximize else 1

    def rms(self, mean_square):
        return np.sqrt(mean_square + self.eps)

    def step(self, gradient):
        g = self.sign * gradient + self.weight_decay * self.p
        self.t += 1
        self.of_gradients = self.rho * self.of_gradients + (1 - self.rho) * g**2
        change = -self.rms(self.of_changes) / self.rms(self.of_gradients) * g
        self.of_changes = self.rho * self.of_changes + (1 - self.rho) * change**2
        self.p = self.p + self.lr * change

    def state(self):
        return {"step": self.t, "square_avg": self.of_gradients, "acc_delta": self.of_changes}


RULES = {
    "Adadelta": {
        "transcription": Adadelta,
        "torch": [
            {},
            {"lr": 0.3, "weight_decay": 0.05},
            {"rho": 0.99, "eps": 1e-4, "maximize": True},
        ],
        "other": [{"rho": 0.0}, {"rho": 1.0, "eps": 1e-3}, {"lr": 0.0}],
        "noise": 0.1,  # the parameter's own rounding
        "refused": [
            ({"lr": -1e-3}, ValueError),
            ({"rho": -1e-3}, ValueError),
            ({"eps": -1e-3}, ValueError),
            ({"weight_decay": -1e-3}, ValueError),
            ({"rho": 1.001}, ValueError),
            ({"rho": None}, TypeError),
        ],
        "state_numbers": lambda options, n: 2 * n,
    },
}
