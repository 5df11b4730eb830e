"""SM3 in NumPy float64, after its paper."""

import numpy as np


class SM3:
    """Anil, Gupta, Koren, Singer (2019), SM3-II, covered by a tensor's slices; momentum as in its authors' code."""

    def __init__(self, start, lr=0.1, momentum=0.0, beta=0.0, eps=1e-30, weight_decay=0.0, maximize=False):
        self.p = np.array(start, np.float64)
        self.m = np.zeros(self.p.shape)
        self.mu = [np.zeros(n) for n in self.p.shape or (1,)]
        self.lr, self.momentum, self.beta, self.eps = lr, momentum, beta, eps
        self.decay, self.sign = weight_decay, -1 if maximize else 1

    def step(self, gradient):
        g = np.atleast_1d(self.sign * gradient + self.decay * self.p)
        dimensions = range(g.ndim)
        broad = [mu.reshape([-1 if d == k else 1 for k in dimensions]) for d, mu in enumerate(self.mu)]
        nu = np.full(g.shape, np.inf)
        for mu in broad:
            nu = np.minimum(nu, mu)
        nu = self.beta * nu + (1 - self.beta) * g**2 if self.beta else nu + g**2
        for d in dimensions:
            self.mu[d] = nu.max(axis=tuple(k for k in dimensions if k != d), initial=0)
        scaled = np.divide(g, np.sqrt(nu + self.eps), out=np.zeros(g.shape), where=g != 0).reshape(self.p.shape)
        self.m = self.momentum * self.m + (1 - self.momentum) * scaled
        self.p = self.p - self.lr * self.m

    def state(self):
        found = {"accumulator": np.concatenate(self.mu)}
        return found | ({"momentum_buffer": self.m} if self.momentum else {})


RULES = {
    "SM3": {
        "transcription": SM3,
        "other": [
            {},
            {"momentum": 0.9, "weight_decay": 0.01},
            {"lr": 0.01, "momentum": 0.5, "beta": 0.9, "eps": 1e-8, "maximize": True},
            {"beta": 0.99},
            {"lr": 0.0},
            {"eps": 0.0, "lr": 1.0},
        ],
        # of the matrix of 50 × 40 that the test has: an accumulator for each row and each column
        "state_numbers": lambda options, n: 50 + 40 + (n if options.get("momentum") else 0),
    },
}
