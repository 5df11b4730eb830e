"""Records how PyTorch prints tensors: ``python tests/printing/record_torch_texts.py``.

``texts`` and ``operation_texts`` are also what the test calls, with lucid.
"""

import gzip
import itertools
import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("torch_texts.json.gz")
OPTIONS = [
    {},
    {"precision": 2},
    {"precision": 7, "linewidth": 40},
    {"sci_mode": True},
    {"sci_mode": False},
    {"threshold": 5, "edgeitems": 2},
    {"profile": "short"},
    {"profile": "full", "linewidth": 120},
]
SHAPES = [
    (),
    (0,),
    (1,),
    (3, 0),
    (7,),
    (30,),
    (1200,),
    (2, 3),
    (11, 12),
    (3, 400),
    (2, 1, 3),
    (12, 11, 13),
    (2, 1, 2, 3),
]


def arrays():
    """Numbers of many kinds, by name; of ordinary random generators whose streams do not change."""
    draw = np.random.RandomState(0)
    for shape in SHAPES:
        size = "x".join(map(str, shape)) or "scalar"
        normal = np.asarray(draw.randn(*shape))
        yield f"normal {size}", normal.astype(np.float32)
        yield f"whole {size}", np.round(normal * 100).astype(np.float64)
        yield f"small {size}", (normal * 1e-5).astype(np.float32)
        yield f"large {size}", (normal * 1e7).astype(np.float32)
        wide = np.asarray(normal * 10.0 ** draw.randint(-6, 6, shape or None))
        yield f"wide {size}", wide
        holes = np.asarray(draw.choice([np.inf, -np.inf, np.nan, 0.0, -0.0, 1.5], shape or None))
        yield f"holes {size}", holes.astype(np.float32)
        yield f"empty of numbers {size}", np.where(np.isfinite(holes), 0, holes).astype(np.float32)
        for kind in ("int64", "int32", "uint8", "bool"):
            yield (
                f"{kind} {size}",
                np.asarray(draw.randint(0, 2 if kind == "bool" else 250, shape or None)).astype(kind),
            )


def texts(framework):
    """Each text by the name of its case."""
    found = {}
    for number, (options, (name, array)) in enumerate(itertools.product(OPTIONS, arrays())):
        framework.set_printoptions(profile="default")
        framework.set_printoptions(**options)
        x = framework.tensor(array)
        if x.is_floating_point() and number % 3 == 0:
            x.requires_grad_()
            x = x * 1 if number % 2 else x
        shown = framework.nn.Parameter(x.detach()) if x.is_floating_point() and number % 5 == 0 else x
        found[f"{name} {options}"] = repr(shown)
    framework.set_printoptions(profile="default")
    return found


OPERATIONS = [
    "x + 1", "x - 1", "x * 2", "x / 2", "-x", "x.exp()", "x.log()", "x.relu()", "x.sigmoid()", "x.tanh()", "x.sqrt()",
    "x.abs()", "x.sin()", "x.pow(3)", "x.clamp(0, 1)", "x.sum()", "x.mean()", "x.max()", "x.min()", "x.prod()",
    "x.var()", "x.std()", "x.view(4)", "x.reshape(4)", "x.flatten()", "x.transpose(0, 1)", "x.permute(1, 0)",
    "x[0:1, 0:1]", "x.unsqueeze(0)", "x[:1, :1].squeeze()", "x.expand(3, 2, 2)", "x.clone()", "x @ x", "x.double()",
    "T.mm(x, x)", "T.cat([x, x])", "T.where(x > 2, x, x)", "T.softmax(x, 1)", "T.log_softmax(x, 1)", "x.cumsum(0)",
    "T.nn.functional.linear(x, x, x[0])", "T.nn.functional.conv2d(x[None, None], x[None, None])",
    "T.nn.functional.cross_entropy(x, T.tensor([0, 1]))", "T.nn.functional.gelu(x)", "x.logsumexp(1)", "x.norm()",
    "T.nn.functional.nll_loss(x, T.tensor([0, 1]))", "T.nn.functional.embedding(T.tensor([1, 0]), x)",
    "T.nn.functional.layer_norm(x, (2,))", "x.gather(0, T.tensor([[0, 1]]))", "T.maximum(x, x)", "T.atan2(x, x)",
    "T.nn.functional.silu(x)", "T.nn.functional.leaky_relu(x)", "T.nn.functional.max_pool2d(x[None, None], 2)",
]  # fmt: skip


def operation_texts(framework):
    """How the place in the graph prints, for results of recorded operations."""
    x = framework.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    return {text: repr(eval(text, {"x": x, "T": framework})).partition("grad_fn=")[2] for text in OPERATIONS}


if __name__ == "__main__":
    import torch

    found = {"torch": torch.__version__, "tensors": texts(torch), "operations": operation_texts(torch)}
    FILE.write_bytes(gzip.compress(json.dumps(found, indent=0).encode(), mtime=0))
