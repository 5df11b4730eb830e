"""Rprop in NumPy float64, after Riedmiller, Braun (1993) but without going back after a change of sign."""

import numpy as np


class Rprop:
    def __init__(self, start, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50), weight_decay=0, maximize=False):
        self.p = np.array(start, np.float64)
        self.before, self.size = np.zeros(self.p.shape), np.full(self.p.shape, float(lr))
        self.t = 0
        self.etas, self.step_sizes, self.weight_decay, self.sign = etas, step_sizes, weight_decay, -1 if maximize else 1

    def step(self, gradient):
        g = self.sign * gradient + self.weight_decay * self.p
        self.t += 1
        turned = np.sign(g) * np.sign(self.before)
        factor = np.choose((turned + 1).astype(int), [self.etas[0], 1, self.etas[1]])
        self.size = np.clip(self.size * factor, *self.step_sizes)
        g = np.where(turned < 0, 0, g)
        self.p = self.p - np.sign(g) * self.size
        self.before = g

    def state(self):
        return {"step": self.t, "prev": self.before, "step_size": self.size}


RULES = {
    "Rprop": {
        "transcription": Rprop,
        "torch": [
            {},
            {"lr": 0.1, "maximize": True},
            {"etas": (0.3, 1.7), "step_sizes": (1e-3, 0.5)},
        ],
        "other": [{"lr": 0.0}, {"weight_decay": 0.1}, {"etas": (0.9, 1.01), "lr": 1e-3}],
        # The parameter's own rounding, of few numbers: those that gradients drive to 50,000, five of which are half of
        # the sum of squares.
        "noise": 0.2,
        "nan_is_no_direction": True,  # its sign is 0, as PyTorch's
        "refused": [
            ({"lr": -1e-3}, ValueError),
            ({"weight_decay": -1e-3}, ValueError),
            ({"etas": (0.0, 1.2)}, ValueError),
            ({"etas": (1.0, 1.2)}, ValueError),
            ({"etas": (0.5, 1.0)}, ValueError),
            ({"etas": (0.5, float("nan"))}, ValueError),
            ({"etas": (0.5, 1.2, 2.0)}, ValueError),
            ({"etas": 0.5}, TypeError),
            ({"step_sizes": (-1e-6, 50.0)}, ValueError),
            ({"step_sizes": (2.0, 1.0)}, ValueError),
            ({"step_sizes": (1e-6, None)}, TypeError),
        ],
        "state_numbers": lambda options, n: 2 * n,
    },
}
