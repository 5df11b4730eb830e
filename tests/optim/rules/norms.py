"""Rules that look at norms of whole parameters, in NumPy float64, after their papers."""

import numpy as np


def norm(x):
    return float(np.sqrt((x**2).sum()))


class Lars:
    """You, Gitman, Ginsburg (2017), algorithm 1, with its learning rate γ taken out of the momentum."""

    def __init__(
        self,
        start,
        lr=1.0,
        momentum=0.9,
        weight_decay=0.0,
        nesterov=False,
        trust_coefficient=0.001,
        eps=1e-8,
        maximize=False,
    ):
        self.w, self.v = np.array(start, np.float64), np.zeros(np.shape(start))
        self.gamma, self.m, self.beta, self.eta = lr, momentum, weight_decay, trust_coefficient
        self.nesterov, self.eps, self.sign = nesterov, eps, -1 if maximize else 1

    @property
    def p(self):
        return self.w

    def step(self, gradient):
        g = self.sign * gradient
        local_rate = 1.0
        if norm(self.w) > 0 and norm(g) > 0:
            local_rate = self.eta * norm(self.w) / (norm(g) + self.beta * norm(self.w) + self.eps)
        g = local_rate * (g + self.beta * self.w)
        self.v = self.m * self.v + g
        self.w = self.w - self.gamma * (g + self.m * self.v if self.nesterov else self.v)

    def state(self):
        return {"momentum_buffer": self.v} if self.m else {}


class Lamb:
    """You et al. (2020), algorithm 2."""

    def __init__(
        self,
        start,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-6,
        weight_decay=0.01,
        clamp_value=np.inf,
        bias_correction=True,
        trust_clip=False,
        maximize=False,
    ):
        self.p, self.t = np.array(start, np.float64), 0
        self.m, self.v = np.zeros((2, *self.p.shape))
        self.eta, (self.beta1, self.beta2), self.eps, self.decay = lr, betas, eps, weight_decay
        self.clamp_value, self.corrects, self.trust_clip = clamp_value, bias_correction, trust_clip
        self.sign = -1 if maximize else 1

    def step(self, gradient):
        g = self.sign * gradient
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        m, v = self.m, self.v
        if self.corrects:
            m, v = m / (1 - self.beta1**self.t), v / (1 - self.beta2**self.t)
        update = m / (np.sqrt(v) + self.eps) + self.decay * self.p
        phi = min(norm(self.p), self.clamp_value)
        ratio = phi / norm(update) if phi > 0 and norm(update) > 0 else 1.0
        if self.trust_clip:
            ratio = min(ratio, 1.0)
        self.p = self.p - self.eta * ratio * update

    def state(self):
        return {"step": self.t, "exp_avg": self.m, "exp_avg_sq": self.v}


class NovoGrad:
    """Ginsburg et al. (2019), algorithm 1, starting as NVIDIA's code does."""

    def __init__(
        self,
        start,
        lr=1e-3,
        betas=(0.95, 0.98),
        eps=1e-8,
        weight_decay=0.0,
        grad_averaging=False,
        amsgrad=False,
        maximize=False,
    ):
        self.p = np.array(start, np.float64)
        self.m, self.v, self.largest = np.zeros(self.p.shape), 0.0, 0.0
        self.lr, (self.beta1, self.beta2), self.eps, self.decay = lr, betas, eps, weight_decay
        self.weight = 1 - self.beta1 if grad_averaging else 1.0
        self.amsgrad, self.sign = amsgrad, -1 if maximize else 1

    def step(self, gradient):
        g = self.sign * gradient
        self.v = norm(g) ** 2 if self.v == 0 else self.beta2 * self.v + (1 - self.beta2) * norm(g) ** 2
        self.largest = max(self.largest, self.v)
        v = self.largest if self.amsgrad else self.v
        self.m = self.beta1 * self.m + self.weight * (g / (np.sqrt(v) + self.eps) + self.decay * self.p)
        self.p = self.p - self.lr * self.m

    def state(self):
        found = {"exp_avg": self.m, "exp_avg_sq": self.v}
        return found | ({"max_exp_avg_sq": self.largest} if self.amsgrad else {})


class Fromage:
    """Bernstein, Vahdat, Yue, Liu (2020), algorithm 1."""

    def __init__(self, start, lr=0.01, weight_decay=0.0, maximize=False):
        self.p = np.array(start, np.float64)
        self.eta, self.decay, self.sign = lr, weight_decay, -1 if maximize else 1

    def step(self, gradient):
        g = self.sign * gradient + self.decay * self.p
        ratio = norm(self.p) / norm(g) if norm(self.p) > 0 and norm(g) > 0 else 1.0
        self.p = (self.p - self.eta * ratio * g) / np.sqrt(1 + self.eta**2)

    def state(self):
        return {}


RULES = {
    "Lars": {
        "transcription": Lars,
        "other": [
            {},
            {"lr": 10.0, "weight_decay": 0.1},
            {"lr": 3.0, "momentum": 0.8, "nesterov": True, "weight_decay": 0.01, "maximize": True},
            {"momentum": 0, "trust_coefficient": 0.01, "eps": 1e-2},
            {"lr": 0.0, "eps": 0.0},
        ],
        "state_numbers": lambda options, n: n if options.get("momentum", 0.9) else 0,
    },
    "Lamb": {
        "transcription": Lamb,
        "other": [
            {},
            {"weight_decay": 0.0, "maximize": True},
            {"lr": 0.01, "betas": (0.5, 0.95), "eps": 1e-3, "weight_decay": 0.2},
            {"clamp_value": 0.5},
            {"trust_clip": True, "bias_correction": False},
            {"lr": 0.0, "betas": (0.0, 0.0)},
        ],
        "state_numbers": lambda options, n: 2 * n,
    },
    "NovoGrad": {
        "transcription": NovoGrad,
        "other": [
            {},
            {"lr": 0.01, "weight_decay": 0.01, "betas": (0.9, 0.5)},
            {"grad_averaging": True, "amsgrad": True, "maximize": True},
            {"betas": (0.0, 0.0), "eps": 1e-2},
            {"lr": 0.0},
        ],
        "state_numbers": lambda options, n: n + (2 if options.get("amsgrad") else 1),
    },
    "Fromage": {
        "transcription": Fromage,
        "other": [{}, {"lr": 0.1, "weight_decay": 0.1}, {"maximize": True}, {"lr": 0.0}],
        "state_numbers": lambda options, n: 0,
    },
}
