"""Muon in NumPy float64, after K. Jordan's article, with PyTorch's defaults and its averaged momentum."""

import numpy as np


class Muon:
    """``rounded`` stands for the number type of the iteration: PyTorch's is bfloat16."""

    def __init__(
        self,
        start,
        lr=1e-3,
        weight_decay=0.1,
        momentum=0.95,
        nesterov=True,
        ns_coefficients=(3.4445, -4.7750, 2.0315),
        eps=1e-7,
        ns_steps=5,
        adjust_lr_fn=None,
        maximize=False,
        rounded=lambda x: x,
    ):
        self.p = np.array(start, np.float64)
        self.b = np.zeros(self.p.shape)
        self.lr, self.weight_decay, self.momentum, self.nesterov = lr, weight_decay, momentum, nesterov
        self.coefficients, self.eps, self.ns_steps = ns_coefficients, eps, ns_steps
        self.adjust_lr_fn, self.sign, self.rounded = adjust_lr_fn, -1 if maximize else 1, rounded

    def orthogonal(self, x):
        """The iteration as the article has it: of a tall matrix, that of its transpose."""
        if x.shape[0] > x.shape[1]:
            return self.orthogonal(x.T).T
        a, b, c = self.coefficients
        rounded = self.rounded
        x = rounded(x)
        x = rounded(x / np.maximum(rounded(np.sqrt(np.sum(x**2))), self.eps))
        for _ in range(self.ns_steps):
            square = rounded(x @ x.T)
            factor = rounded(b * square + c * square @ square)
            x = rounded(a * x + factor @ x)
        return x

    def step(self, gradient):
        g = self.sign * gradient
        self.b = self.momentum * self.b + (1 - self.momentum) * g
        x = self.momentum * self.b + (1 - self.momentum) * g if self.nesterov else self.b
        rows, cols = self.p.shape
        if self.adjust_lr_fn == "match_rms_adamw":
            adjustment = 0.2 * np.sqrt(max(rows, cols))
        else:
            adjustment = np.sqrt(max(1, rows / max(cols, 1)))
        self.p = self.p - self.lr * self.weight_decay * self.p - self.lr * adjustment * self.orthogonal(x)

    def state(self):
        return {"momentum_buffer": self.b}


RULES = {
    "Muon": {
        "transcription": Muon,
        "torch_in_bfloat16": [
            {},
            {"lr": 0.02, "weight_decay": 0.0, "nesterov": False},
            {"momentum": 0.5, "adjust_lr_fn": "match_rms_adamw", "ns_steps": 3},
            {"ns_coefficients": (2.0, -1.5, 0.5), "ns_steps": 12, "eps": 1e-3, "adjust_lr_fn": "original"},
        ],
        "other": [
            {},
            {"lr": 0.02, "weight_decay": 0.0, "nesterov": False},
            {"momentum": 0.5, "adjust_lr_fn": "match_rms_adamw", "ns_steps": 3, "maximize": True},
            {"ns_coefficients": (2.0, -1.5, 0.5), "ns_steps": 12, "eps": 1e-3, "adjust_lr_fn": "original"},
            {"lr": 0.0},
            {"ns_steps": 0, "eps": 100.0},
            {"momentum": 0.0},
        ],
        "shapes": ((12, 8), (8, 12), (3, 5), (5, 5), (0, 4), (1, 7), (40, 33)),
        "state_numbers": lambda options, n: n,
    },
}
