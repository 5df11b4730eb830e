"""Convolutions, forward and both gradients, beside PyTorch when it is importable: one table, float32, one thread each.

Run: ``python tests/benchmarks/conv_table.py``. GFLOP/s count multiply-adds twice; ratios are
PyTorch's time over the engine's.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
from gemm_table import LEVELS, best_times

from lucid._engine import ffi, lib

try:
    import torch
except ImportError:
    torch = None

# batch, in channels, size, out channels, kernel, stride, padding, dilation, groups
CASES = [
    (64, 1, 28, 16, 3, 1, 1, 1, 1), (64, 16, 14, 32, 3, 1, 1, 1, 1), (32, 1, 8, 16, 3, 1, 1, 1, 1), (32, 16, 8, 32, 3,
    1, 1, 1, 1),
    (16, 64, 28, 64, 3, 1, 1, 1, 1), (16, 64, 28, 64, 1, 1, 0, 1, 1), (16, 64, 28, 128, 3, 2, 1, 1, 1), (16, 64, 28,
    128, 1, 2, 0, 1, 1),
    (16, 3, 32, 32, 5, 1, 2, 1, 1), (16, 32, 32, 32, 5, 1, 2, 1, 1), (16, 64, 28, 64, 3, 1, 1, 1, 4), (16, 64, 28, 64,
    3, 1, 1, 1, 64),
    (16, 64, 28, 64, 3, 2, 1, 1, 64), (8, 256, 7, 256, 3, 1, 1, 1, 1), (8, 512, 4, 512, 3, 1, 1, 1, 1), (2, 3, 224,
    64, 7, 2, 3, 1, 1),
    (16, 32, 28, 32, 3, 1, 2, 2, 1), (1, 64, 56, 64, 3, 1, 1, 1, 1),
]  # fmt: skip


def passes(n: int, c: int, size: int, o: int, k: int, stride: int, padding: int, dilation: int, groups: int) -> list:
    """(name, engine's call, PyTorch's call or None) of the three passes."""
    out_size = (size + 2 * padding - dilation * (k - 1) - 1) // stride + 1
    two = [k, k, stride, stride, padding, padding, dilation, dilation]
    shape = ffi.new("conv2d_shape *", [n, c, size, size, o, *two, groups, out_size, out_size])
    random = np.random.default_rng(0)
    x = random.standard_normal((n, c, size, size), dtype=np.float32)
    weight = random.standard_normal((o, c // groups, k, k), dtype=np.float32)
    bias = random.standard_normal(o, dtype=np.float32)
    grad = random.standard_normal((n, o, out_size, out_size), dtype=np.float32)
    out, grad_x, grad_weight, grad_bias = (np.empty_like(a) for a in (grad, x, weight, bias))
    px, pw, pb, pg, po, pgx, pgw, pgb = (
        ffi.from_buffer("float[]", a) for a in (x, weight, bias, grad, out, grad_x, grad_weight, grad_bias)
    )
    calls: list[list] = [
        ["forward", lambda: lib.conv2d_f32(shape, px, pw, pb, 0, po), None],
        ["grad x", lambda: lib.conv2d_backward_input_f32(shape, pg, pw, pgx), None],
        ["grad weight", lambda: lib.conv2d_backward_weight_f32(shape, px, pg, pgw, pgb), None],
    ]
    if torch:
        tx, tw, tb, tg = (torch.from_numpy(a) for a in (x, weight, bias, grad))

        def backward(*mask: bool) -> Callable[[], object]:
            both = [stride] * 2, [padding] * 2, [dilation] * 2
            return lambda: torch.ops.aten.convolution_backward(
                tg, tx, tw, [o], *both, False, [0, 0], groups, list(mask)
            )

        calls[0][2] = lambda: torch.nn.functional.conv2d(tx, tw, tb, stride, padding, dilation, groups)
        calls[1][2] = backward(True, False, False)
        calls[2][2] = backward(False, True, True)
        for call, result, expected in zip(
            calls, (out, grad_x, grad_weight), (calls[0][2](), calls[1][2]()[0], calls[2][2]()[1]), strict=True
        ):
            call[1]()
            np.testing.assert_allclose(result, expected.numpy(), rtol=1e-2, atol=1e-2 * float(expected.abs().max()))
    return calls


def main() -> None:
    """Prints the table."""
    level = {ffi.string(lib.simd_level_name(i)).decode(): i for i in LEVELS}.get(
        os.environ.get("LUCID_SIMD", ""), LEVELS[-1]
    )
    lib.set_simd_level(level)
    lib.set_num_threads(1)
    if torch:
        torch.set_num_threads(1)
    print(
        f"{'images  channels  size':>24} {'kernel':>7} {'stride':>6} {'groups':>6} "
        f"{'pass':12} {'µs':>9} {'GFLOP/s':>8} {'PyTorch':>8}"
    )
    ratios = []
    with torch.no_grad() if torch else open(os.devnull):
        for case in CASES:
            n, c, size, o, k, stride, padding, dilation, groups = case
            out_size = (size + 2 * padding - dilation * (k - 1) - 1) // stride + 1
            flops = 2 * n * o * (c // groups) * k * k * out_size**2
            for name, engine, peer in passes(*case):
                best = best_times([engine, *([peer] if peer else [])])
                ratio = f"{best[1] / best[0]:7.2f}x" if peer else ""
                ratios += [best[1] / best[0]] if peer else []
                print(
                    f"{n:4} {c:5} -> {o:4} {size:4}² {k:6}² {stride:6} {groups:6} {name:12} {best[0] * 1e6:9.1f}"
                    f" {flops / best[0] / 1e9:8.1f} {ratio}"
                )
    if ratios:
        print(f"geometric mean: {np.exp(np.log(ratios).mean()):.2f}x, least: {min(ratios):.2f}x")


if __name__ == "__main__":
    main()
