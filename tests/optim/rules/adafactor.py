"""Adafactor in NumPy float64, after algorithms 4 and 5 of its paper, with PyTorch's lr and eps."""

import numpy as np


def root_mean_square(x):
    return np.sqrt(np.mean(x**2))


class Adafactor:
    def __init__(self, start, lr=1e-2, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0.0, maximize=False):
        self.p = np.array(start, np.float64)
        self.t = 0
        self.lr, self.beta2_decay, self.d, self.weight_decay = lr, beta2_decay, d, weight_decay
        self.eps1 = np.finfo(np.asarray(start).dtype).eps if eps[0] is None else eps[0]
        self.eps2, self.sign = eps[1], -1 if maximize else 1
        shape = self.p.shape
        if self.p.ndim < 2:
            self.v = np.zeros(shape)
        else:
            self.r, self.c = np.zeros((*shape[:-1], 1)), np.zeros((*shape[:-2], 1, shape[-1]))

    def step(self, gradient):
        self.t += 1
        if self.p.size == 0:
            return
        g = self.sign * gradient
        w = self.t**self.beta2_decay
        relative = min(self.lr, 1 / np.sqrt(self.t))
        size = max(self.eps2, root_mean_square(self.p)) * relative
        if self.p.ndim < 2:
            self.v = v = (1 - w) * self.v + w * g**2
        else:
            self.r = (1 - w) * self.r + w * np.mean(g**2, axis=-1, keepdims=True)
            self.c = (1 - w) * self.c + w * np.mean(g**2, axis=-2, keepdims=True)
            v = self.r * self.c / np.maximum(np.mean(self.r, axis=-2, keepdims=True), self.eps1)
        u = g / np.maximum(np.sqrt(v), self.eps1)
        clipped = u / max(1.0, root_mean_square(u) / self.d)
        self.p = self.p - self.lr * self.weight_decay * self.p - size * clipped

    def state(self):
        return {"step": self.t} | ({"variance": self.v} if self.p.ndim < 2 else {"row_var": self.r, "col_var": self.c})


RULES = {
    "Adafactor": {
        "transcription": Adafactor,
        "torch": [
            {},
            {"lr": 0.1, "weight_decay": 0.05},
            {"beta2_decay": -0.3, "eps": (1e-3, 0.5), "d": 2.0},
            {"weight_decay": 0.1, "maximize": True},
        ],
        "other": [
            {"lr": 0.0, "weight_decay": 0.1},
            {"beta2_decay": 0.0},
            {"lr": 1.0, "d": 5.0},
            {"eps": (0.5, 0.0)},
        ],
        "shapes": ((12, 8), (17,), (3, 5), (), (0, 4), (2, 3, 4), (70, 3), (1, 1)),
        # Steps are relative to RMS(p), so the rounding of the few largest numbers is all of the error: rounding p alone
        # in the transcription gives as much, and PyTorch's own two loops differ by a factor of 1.8.
        "noise": 0.6,
        "state_numbers": lambda options, n: 50 + 40,  # rows and columns of the matrix it is asked for
    },
}
