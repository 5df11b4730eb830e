"""Names that programs use and that stand beside the surface: counting, building, views in place, queries."""

import numpy as np

STEPS = np.linspace(0, 1, 5).tolist()

CASES = {
    "argwhere": [lambda T, x: T.argwhere(x.bool(3, 4)), lambda T, x: T.argwhere(x(3, 4) > 0)],
    "bincount": [
        lambda T, x: T.bincount(x.int(9, low=0, high=5)),
        lambda T, x: T.bincount(x.int(9, low=0, high=5, dtype="int32"), minlength=8),
        lambda T, x: T.bincount(x.int(9, low=0, high=5), x(9).detach()),
        lambda T, x: T.bincount(x.int(0)),
        lambda T, x: T.bincount(x.tensor([-1, 2], "int64")),
        lambda T, x: T.bincount(x.int(2, 2)),
        lambda T, x: T.bincount(x(3).detach()),
    ],
    "isin": [
        lambda T, x: T.isin(x.int(3, 4), x.int(2)),
        lambda T, x: T.isin(x.int(3, 4), 2, invert=True),
        lambda T, x: T.isin(3, x.int(5)),
        lambda T, x: T.isin(x.int(3), x.int(0)),
    ],
    "kthvalue": [
        lambda T, x: T.kthvalue(x(3, 4), 2)[0],
        lambda T, x: T.kthvalue(x(3, 4), 3, 0, True)[0],
        lambda T, x: T.kthvalue(x(3, 4), 1, axis=0),
        lambda T, x: T.kthvalue(x.values([2.0, float("nan"), 1.0]), 3),
        lambda T, x: T.kthvalue(x(), 1),
        lambda T, x: T.kthvalue(x(3), 4),
        lambda T, x: T.kthvalue(x(3), 0),
        lambda T, x: T.kthvalue(x.int(3, 4), 2, keepdim=True).values,
    ],
    "quantile": [
        *(
            lambda T, x, way=way, dim=dim, keepdim=keepdim: T.quantile(
                x(4, 5), 0.37, dim=dim, keepdim=keepdim, interpolation=way
            )
            for way in ("linear", "lower", "higher", "nearest", "midpoint")
            for dim in (None, 0, -1)
            for keepdim in (False, True)
        ),
        lambda T, x: T.quantile(x(4, 5), x.tensor(STEPS, str(x.dtype).rpartition(".")[2]), dim=1),
        lambda T, x: T.quantile(x(4, 5), x.tensor(STEPS, str(x.dtype).rpartition(".")[2]), keepdim=True),
        lambda T, x: T.quantile(x.values([[1.0, float("nan")], [2.0, 3.0]]), 0.5, dim=1),
        lambda T, x: T.quantile(x(4, 5), 1.5),
        lambda T, x: T.quantile(x(0), 0.5),
        lambda T, x: T.quantile(x.int(4), 0.5),
        lambda T, x: T.quantile(x(4), 0.5, interpolation="cubic"),
        lambda T, x: T.quantile(x(), 0.5),
    ],
    "block_diag": [
        lambda T, x: T.block_diag(x(2, 3), x(2), x()),
        lambda T, x: T.block_diag(x(2, 2)),
        lambda T, x: T.block_diag(x(2, 2, 2)),
    ],
    "cartesian_prod": [
        lambda T, x: T.cartesian_prod(x(2), x(3)),
        lambda T, x: T.cartesian_prod(x(2), x(3), x(2)),
        lambda T, x: T.cartesian_prod(x(2)),
    ],
    "rot90": [
        *(lambda T, x, k=k: T.rot90(x(2, 3), k) for k in range(-2, 6)),
        lambda T, x: T.rot90(x(2, 3, 4), 1, (1, 2)),
        lambda T, x: T.rot90(x(2, 3, 4), 3, (-1, 0)),
        lambda T, x: T.rot90(x(2, 3), 1, (0, 0)),
        lambda T, x: T.rot90(x(2, 3), 1, (0, 3)),
    ],
    "cov": [
        lambda T, x: T.cov(x(3, 6)),
        lambda T, x: T.cov(x(6)),
        lambda T, x: T.cov(x(3, 6), correction=0),
        lambda T, x: T.cov(x(3, 6), fweights=x.int(6, low=1, high=4)),
        lambda T, x: T.cov(x(3, 6), aweights=x.positive(6).detach()),
        lambda T, x: T.cov(x(3, 6), fweights=x.int(6, low=1, high=4), aweights=x.positive(6).detach()),
        lambda T, x: T.cov(x(2, 3, 4)),
    ],
    "corrcoef": [lambda T, x: T.corrcoef(x(3, 6)), lambda T, x: T.corrcoef(x(6).detach())],
    "trapezoid": [
        lambda T, x: T.trapezoid(x(3, 4)),
        lambda T, x: T.trapezoid(x(3, 4), dx=0.5, dim=0),
        lambda T, x: T.trapezoid(x(3, 4), x(4)),
        lambda T, x: T.trapezoid(x(3, 4), x(3, 4), dim=0),
        lambda T, x: T.trapezoid(x(3, 1)),
    ],
    "Tensor.t_": [lambda T, x: (x(2, 3) * 1).t_(), lambda T, x: x(2, 3).t_(), lambda T, x: (x(3) * 1).t_()],
    "Tensor.squeeze_": [
        lambda T, x: (x(2, 1, 3, 1) * 1).squeeze_(),
        lambda T, x: (x(2, 1, 3, 1) * 1).squeeze_(1),
        lambda T, x: (x(2, 1, 3, 1) * 1).squeeze_(0),
    ],
    "Tensor.unsqueeze_": [
        lambda T, x: (x(2, 3) * 1).unsqueeze_(-1),
        lambda T, x: (x(2, 3) * 1).unsqueeze_(0).mul_(x(2, 3)),
    ],
    "Tensor.transpose_": [lambda T, x: (x(2, 3, 4) * 1).transpose_(0, 2)],
    "Tensor.swapaxes_": [lambda T, x: (x(2, 3, 4) * 1).swapaxes_(0, 1)],
    "Tensor.swapdims_": [lambda T, x: (x(2, 3, 4) * 1).swapdims_(0, -1)],
    "Tensor.fill_diagonal_": [
        lambda T, x: (x(3, 4) * 1).fill_diagonal_(2.5),
        lambda T, x: (x(7, 3) * 1).fill_diagonal_(2.5),
        lambda T, x: (x(7, 3) * 1).fill_diagonal_(2.5, wrap=True),
        lambda T, x: (x(2, 2, 2) * 1).fill_diagonal_(0),
        lambda T, x: (x(2, 2, 3) * 1).fill_diagonal_(0),
        lambda T, x: (x(3) * 1).fill_diagonal_(0),
    ],
    "Tensor.apply_": [lambda T, x: x(2, 3).detach().apply_(lambda v: v * v)],
    "Tensor.map_": [lambda T, x: x(2, 3).detach().map_(x(3).detach(), lambda a, b: a - 2 * b)],
    "as_strided": [
        lambda T, x: T.as_strided(x(9).detach(), (2, 3), (3, 1), 1),
        lambda T, x: T.as_strided(x(9).detach(), (3, 3), (2, 1)),
        lambda T, x: T.as_strided(x(9).detach(), (3, 3), (9, 1)),
        lambda T, x: T.as_strided(x(9).detach(), (3,), (3, 1)),
    ],
    "Tensor.nelement": [
        lambda T, x: (x(2, 3).nelement(), x(2, 3).ndimension(), x.int(3).itemsize, x.int(3).nbytes, x.bool(2).nbytes)
    ],
    "Tensor.storage_offset": [
        lambda T, x: (x(3, 4).storage_offset(), x(3, 4)[1:, 2].storage_offset(), x(3, 4)[1:][1:].t().storage_offset())
    ],
    "Tensor.is_same_size": [
        lambda T, x: (x(2).is_same_size(x(2)), x(2).is_same_size(x(2, 1)), T.is_same_size(x(), x())),
        lambda T, x: (
            x.int(1).is_signed(),
            x.bool(1).is_signed(),
            x.tensor([1], "uint8").is_signed(),
            x(1).is_complex(),
        ),
        lambda T, x: (T.is_nonzero(x.tensor([2], "int64")), x(1).is_cpu, x(1).is_sparse, x(1).is_quantized),
        lambda T, x: T.is_nonzero(x(2)),
    ],
    "numel": [lambda T, x: (T.numel(x(2, 3)), T.is_floating_point(x(1)), T.is_floating_point(x.int(1)))],
}
