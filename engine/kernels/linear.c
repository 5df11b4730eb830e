/* The backward of a linear layer, out = x weight^T + bias: up to three gradients in one call, because in small models
 * the calls cost as much as the products. */
#include "lucid_engine.h"

void linear_backward_real(int64_t rows, int64_t in_features, int64_t out_features, const real *grad, const real *x,
                          int64_t x_row, int64_t x_col, const real *weight, int64_t weight_row, int64_t weight_col,
                          real *grad_x, real *grad_weight, real *grad_bias) {
    if (grad_x)
        gemm_real(rows, in_features, out_features, grad, out_features, 1, weight, weight_row, weight_col, grad_x,
                  in_features, 0, 0, 0, 0);
    if (grad_weight)
        gemm_real(out_features, in_features, rows, grad, 1, out_features, x, x_row, x_col, grad_weight, in_features, 0, 0,
                  0, 0);
    if (grad_bias) sum_real(1, rows, out_features, grad, grad_bias);
}
