"""Linear algebra. Factorizations and solvers are NumPy's (LAPACK), products the engine's; all can be differentiated."""

from lucid.ops.diagonal import linalg_diagonal as diagonal
from lucid.ops.factor import eigh, eigvalsh, svdvals
from lucid.ops.factor import linalg_cholesky as cholesky
from lucid.ops.factor import linalg_qr as qr
from lucid.ops.factor import linalg_svd as svd
from lucid.ops.matmul import matmul
from lucid.ops.matrix_norm import matrix_norm, norm, vector_norm
from lucid.ops.products import linalg_cross as cross
from lucid.ops.products import multi_dot, vecdot
from lucid.ops.solve import det, lstsq, matrix_power, matrix_rank, pinv, slogdet, solve
from lucid.ops.solve import linalg_inv as inv
from lucid.ops.triangular import LinAlgError, solve_triangular

__all__ = [
    "LinAlgError",
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "vecdot",
    "vector_norm",
]
