"""Normalisation, activations, losses and distances: what is run in both frameworks and compared."""


def _f(name, *shapes, positive=False, **options):
    """A case: the function of that name on float inputs of these shapes."""

    def case(T, x):
        make = x.positive if positive else x
        return getattr(T.nn.functional, name)(*(make(*shape) for shape in shapes), **options)

    return case


def _classes(name, shape, **options):
    """A loss of class numbers 0 to 3."""

    def case(T, x):
        target = x.int(*(shape[:1] + shape[2:] if len(shape) > 1 else ()), low=0, high=4)
        return getattr(T.nn.functional, name)(x(*shape), target, **options)

    return case


def _batch_norm(shape, training):
    def case(T, x):
        mean, var = x.tensor([0.5, -1.0, 2.0], dtype="float32"), x.tensor([1.0, 0.5, 2.0], dtype="float32")
        out = T.nn.functional.batch_norm(x(*shape), mean, var, x(3), x(3), training, 0.3)
        return out, mean, var

    return case


def _signs(name, shapes, signs, **options):
    def case(T, x):
        return getattr(T.nn.functional, name)(*(x(*s) for s in shapes), x.tensor(signs, dtype="float32"), **options)

    return case


_PLAIN = [
    "celu", "elu", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid", "mish",
    "relu", "relu6", "selu", "silu", "softplus", "softshrink", "softsign", "tanhshrink",
]  # fmt: skip
_REDUCTIONS = ("none", "mean", "sum")

CASES = {name: [_f(name, (4, 7)), _f(name, ()), _f(name, (0, 3))] for name in _PLAIN}
CASES |= {
    "layer_norm": [
        lambda T, x: T.nn.functional.layer_norm(x(3, 4, 5), (5,), x(5), x(5)),
        lambda T, x: T.nn.functional.layer_norm(x(3, 4, 5).transpose(0, 2), (4, 3), x(4, 3), None, 1e-3),
    ],
    "rms_norm": [
        lambda T, x: T.nn.functional.rms_norm(x(3, 9), (9,), x(9)),
        _f("rms_norm", (2, 5), normalized_shape=(5,)),
    ],
    "group_norm": [
        lambda T, x: T.nn.functional.group_norm(x(2, 6, 3, 3), 3, x(6), x(6)),
        _f("group_norm", (4, 6), num_groups=2),
    ],
    "instance_norm": [lambda T, x: T.nn.functional.instance_norm(x(2, 3, 5), None, None, x(3), x(3))],
    "batch_norm": [_batch_norm(s, t) for s in ((5, 3), (4, 3, 2), (2, 3, 4, 4)) for t in (True, False)],
    "threshold": [_f("threshold", (4, 7), threshold=0.2, value=5.0)],
    "glu": [_f("glu", (4, 6)), _f("glu", (4, 6), dim=0)],
    "softmin": [_f("softmin", (4, 6), dim=1)],
    "prelu": [_f("prelu", (4, 6), (1,)), _f("prelu", (4, 6, 2), (6,))],
    "normalize": [_f("normalize", (4, 6), p=p) for p in (1, 2, 3)],
    "cosine_similarity": [_f("cosine_similarity", (4, 6), (4, 6)), _f("cosine_similarity", (4, 1, 6), (3, 6), dim=-1)],
    "pairwise_distance": [_f("pairwise_distance", (4, 6), (4, 6), p=p) for p in (1, 2, 3)],
    "bilinear": [_f("bilinear", (3, 2), (3, 4), (5, 2, 4), (5,))],
    "one_hot": [lambda T, x: T.nn.functional.one_hot(x.int(4, low=0, high=5), 5)],
    "l1_loss": [_f("l1_loss", (4, 6), (4, 6), reduction=r) for r in _REDUCTIONS],
    "mse_loss": [_f("mse_loss", (4, 6), (4, 6), reduction=r) for r in _REDUCTIONS],
    "huber_loss": [_f("huber_loss", (4, 6), (4, 6), reduction=r, delta=0.6) for r in _REDUCTIONS],
    "smooth_l1_loss": [_f("smooth_l1_loss", (4, 6), (4, 6), reduction=r, beta=0.6) for r in _REDUCTIONS],
    "kl_div": [_f("kl_div", (4, 6), (4, 6), reduction=r, log_target=True) for r in ("none", "batchmean", "sum")],
    "gaussian_nll_loss": [
        lambda T, x: T.nn.functional.gaussian_nll_loss(x(4, 6), x(4, 6), x.positive(4, 6), full=True),
        lambda T, x: T.nn.functional.gaussian_nll_loss(x(4, 6), x(4, 6), x.positive(4), reduction="sum"),
    ],
    "poisson_nll_loss": [
        _f("poisson_nll_loss", (4, 6), (4, 6)),
        _f("poisson_nll_loss", (4,), (4,), positive=True, log_input=False),
    ],
    "soft_margin_loss": [_signs("soft_margin_loss", [(4,)], [1, -1, 1, -1])],
    "margin_ranking_loss": [_signs("margin_ranking_loss", [(4,), (4,)], [1, -1, 1, -1], margin=0.3)],
    "cosine_embedding_loss": [_signs("cosine_embedding_loss", [(4, 5), (4, 5)], [1, -1, 1, -1], margin=0.1)],
    "triplet_margin_loss": [_f("triplet_margin_loss", (4, 6), (4, 6), (4, 6), swap=s) for s in (False, True)],
    "nll_loss": [_classes("nll_loss", s, reduction=r) for s in ((5, 4), (4,), (2, 4, 3)) for r in _REDUCTIONS],
    "cross_entropy": [
        *(_classes("cross_entropy", s, label_smoothing=0.2, ignore_index=1) for s in ((5, 4), (2, 4, 3))),
        lambda T, x: T.nn.functional.cross_entropy(x(5, 4), x(5, 4).softmax(1), label_smoothing=0.1),
    ],
    "binary_cross_entropy": [
        lambda T, x: T.nn.functional.binary_cross_entropy(x(4, 6).sigmoid(), x(4, 6).sigmoid()),
    ],
}
