/* Cross entropy of logits[rows, classes] against target[rows], negative log-likelihood, and binary cross entropy.
 *
 * With y the target, w the class weights (1 without), s the label smoothing and l = log sum exp(x), the loss of a row is
 *     (1 - s) w_y (l - x_y) + s / classes * sum_c w_c (l - x_c);
 * "mean" divides the sum of the rows by the sum of w_y. Its derivative by x_c, with p = exp(x - l), is
 *     ((1 - s) w_y + s / classes * sum w) p_c - (1 - s) w_y [c = y] - s / classes * w_c.
 * l is kept relative to the row's largest logit: x - max and l - max are then exact to their own last bit, however far
 * from 0 the logits are. */
#include "kernels/softmax.h"
#include "lucid_engine.h"
#include "runtime/parallel.h"

#define MAX_PARTS 128 /* chunks of rows whose sums are put together, in order */

enum { NONE, MEAN, SUM };

typedef struct {
    double loss, weight; /* sums over the rows of a chunk */
    int64_t bad;         /* first row whose target is out of range, or -1 */
} partial_loss;

typedef struct {
    int64_t classes, chunk, ignore_index, reduction;
    double smoothing, weight_sum;
    const real *logits, *weight, *grad_loss, *total_weight, *log_sum_kept;
    const int64_t *target;
    real *loss, *log_sum, *grad_logits;
    partial_loss *parts;
} loss_job;

static inline int in_range(const loss_job *j, int64_t target) { return target >= 0 && target < j->classes; }
static inline double class_weight(const loss_job *j, int64_t target) { return j->weight ? j->weight[target] : 1; }

/* Is the row to be counted? A target out of range is noted. */
static inline int counts(const loss_job *j, int64_t row, partial_loss *part) {
    int64_t target = j->target[row];
    if (target == j->ignore_index) return 0;
    if (in_range(j, target)) return 1;
    if (part->bad < 0) part->bad = row;
    return 0;
}

static inline void add_row(const loss_job *j, int64_t row, double loss, double weight, partial_loss *part) {
    if (j->reduction == NONE) j->loss[row] = (real)loss;
    part->loss += loss;
    part->weight += weight;
}

/* Runs the forward body over all rows and puts its parts together. */
static int64_t reduce_rows(int64_t rows, loss_job *j, void (*body)(void *, int64_t, int64_t), int64_t row_numbers,
                           real *total_weight) {
    partial_loss parts[MAX_PARTS], all = {0, 0, -1};
    int64_t least = (rows + MAX_PARTS - 1) / MAX_PARTS, chunk = rows_per_chunk(row_numbers);
    j->chunk = chunk > least ? chunk : least;
    j->parts = parts;
    parallel_for(rows, j->chunk, body, j);
    for (int64_t p = 0; p * j->chunk < rows; p++) {
        all.loss += parts[p].loss;
        all.weight += parts[p].weight;
        if (all.bad < 0) all.bad = parts[p].bad;
    }
    if (j->reduction != NONE) *j->loss = (real)(j->reduction == MEAN ? all.loss / all.weight : all.loss);
    *total_weight = (real)all.weight;
    return all.bad;
}

/* What the gradient of a row's loss is multiplied by. */
static inline double row_scale(const loss_job *j, int64_t row) {
    double grad = j->grad_loss[j->reduction == NONE ? row : 0];
    return j->reduction == MEAN ? grad / *j->total_weight : grad;
}

static double sum_of_weights(int64_t classes, const real *weight) {
    double sum = 0;
    if (!weight) return (double)classes;
    for (int64_t c = 0; c < classes; c++) sum += weight[c];
    return sum;
}

/* ---- Cross entropy ---- */

/* Sum of weight[c] * (max - x[c]). */
static inline real weighted_gap(int64_t n, const real *x, real max, const real *weight) {
    const vreal top = vset(max);
    vreal sum = {0};
    for (int64_t i = 0; i < n; i += LANES) {
        vreal gap = top - vload_left(x + i, n - i);
        if (weight) gap *= vload_left(weight + i, n - i);
        sum += n - i >= LANES ? gap : vselect(first_lanes(n - i), gap, (vreal){0});
    }
    return vsum(sum);
}

/* Few classes: LANES rows at a time, turned so that each row has a lane and classes come one after the other. */
#define FEW (2 * LANES)

/* turned[n][LANES] from the classes of `rows` rows; 0 in the lanes of rows that are not there. */
static inline void turn(int64_t rows, int64_t n, const real *x, real *turned) {
    if (rows < LANES) memset(turned, 0, (size_t)(n * LANES) * sizeof(real));
    for (int64_t k = 0; k < rows; k++)
        for (int64_t c = 0; c < n; c++) turned[c * LANES + k] = x[k * n + c];
}

static inline vreal turned_max(int64_t n, const real *turned) {
    vreal top = vset(-(real)INFINITY); /* a NaN is passed over, as row_max does */
    for (int64_t c = 0; c < n; c++) top = vmax(vload(turned + c * LANES), top);
    return top;
}

static inline void few_max_and_sum(int64_t rows, int64_t n, const real *x, real *max, real *sum) {
    real turned[FEW * LANES];
    turn(rows, n, x, turned);
    vreal top = turned_max(n, turned), total = {0};
    for (int64_t c = 0; c < n; c++) total += vexp(vload(turned + c * LANES) - top);
    vstore(max, top);
    vstore(sum, total);
}

static void cross_entropy_body(void *context, int64_t begin, int64_t end) {
    const loss_job *j = context;
    partial_loss part = {0, 0, -1};
    int64_t n = j->classes;
    for (int64_t first = begin; first < end; first += LANES) { /* as many rows as there are lanes share one logarithm */
        real max[LANES], sum[LANES];
        int64_t rows = end - first < LANES ? end - first : LANES;
        for (int64_t k = 0; k < rows; k++) {
            const real *x = j->logits + (first + k) * n;
            int counted = counts(j, first + k, &part);
            if (n < FEW) continue;
            max[k] = counted ? row_max(n, x) : 0;
            sum[k] = counted ? row_exp_sum(n, x, max[k], 0) : 1;
        }
        if (n < FEW) few_max_and_sum(rows, n, j->logits + first * n, max, sum);
        vreal log_sum = vlog(vload_left(sum, rows));
        vstore_left(j->log_sum + first, rows, log_sum);
        for (int64_t k = 0; k < rows; k++) {
            int64_t row = first + k, target = j->target[row];
            if (target == j->ignore_index || !in_range(j, target)) {
                add_row(j, row, 0, 0, &part);
                continue;
            }
            const real *x = j->logits + row * n;
            double weight = class_weight(j, target), l = log_sum[k];
            double loss = weight * ((double)(max[k] - x[target]) + l);
            if (j->smoothing != 0) {
                double all = weighted_gap(n, x, max[k], j->weight) + j->weight_sum * l;
                loss = (1 - j->smoothing) * loss + j->smoothing / (double)n * all;
            }
            add_row(j, row, loss, weight, &part);
        }
    }
    j->parts[begin / j->chunk] = part;
}

int64_t cross_entropy_real(int64_t rows, int64_t classes, const real *logits, const int64_t *target, const real *weight,
                           int64_t ignore_index, double label_smoothing, int64_t reduction, real *loss,
                           real *log_sum_exp, real *total_weight) {
    loss_job j = {.classes = classes,
                  .ignore_index = ignore_index,
                  .reduction = reduction,
                  .logits = logits,
                  .smoothing = label_smoothing,
                  .target = target,
                  .weight = weight,
                  .loss = loss,
                  .log_sum = log_sum_exp,
                  .weight_sum = label_smoothing != 0 ? sum_of_weights(classes, weight) : 0};
    return reduce_rows(rows, &j, cross_entropy_body, classes, total_weight);
}

/* The factors of a row's derivative: of p_c, of [c = y], and of w_c. All 0 where the row does not count. */
typedef struct {
    real all, at_target, each;
} row_factors;

static inline row_factors factors_of(const loss_job *j, int64_t row) {
    int64_t target = j->target[row];
    if (target == j->ignore_index || !in_range(j, target)) return (row_factors){0, 0, 0};
    double scale = row_scale(j, row), spread = j->smoothing / (double)j->classes * scale;
    double at_target = (1 - j->smoothing) * class_weight(j, target) * scale;
    return (row_factors){(real)(at_target + spread * j->weight_sum), (real)at_target, (real)spread};
}

static void cross_entropy_backward_few(void *context, int64_t begin, int64_t end) {
    const loss_job *j = context;
    int64_t n = j->classes;
    for (int64_t first = begin; first < end; first += LANES) {
        real turned[FEW * LANES], all[LANES] = {0}, at_target[LANES], each[LANES] = {0};
        int64_t rows = end - first < LANES ? end - first : LANES;
        for (int64_t k = 0; k < rows; k++) {
            row_factors f = factors_of(j, first + k);
            all[k] = f.all, at_target[k] = f.at_target, each[k] = f.each;
        }
        turn(rows, n, j->logits + first * n, turned);
        vreal top = turned_max(n, turned), log_sum = vload_left(j->log_sum_kept + first, rows);
        for (int64_t c = 0; c < n; c++) {
            vreal g = vexp(vload(turned + c * LANES) - top - log_sum) * vload(all);
            if (j->smoothing != 0) g -= j->weight ? vload(each) * vset(j->weight[c]) : vload(each);
            vstore(turned + c * LANES, g);
        }
        for (int64_t k = 0; k < rows; k++) {
            int64_t target = j->target[first + k];
            real *grad = j->grad_logits + (first + k) * n;
            if (target == j->ignore_index || !in_range(j, target)) { /* whatever its logits are */
                memset(grad, 0, (size_t)n * sizeof(real));
                continue;
            }
            for (int64_t c = 0; c < n; c++) grad[c] = turned[c * LANES + k];
            grad[target] -= at_target[k];
        }
    }
}

static void cross_entropy_backward_body(void *context, int64_t begin, int64_t end) {
    const loss_job *j = context;
    int64_t n = j->classes;
    for (int64_t row = begin; row < end; row++) {
        int64_t target = j->target[row];
        const real *x = j->logits + row * n;
        real *grad = j->grad_logits + row * n;
        if (target == j->ignore_index || !in_range(j, target)) {
            memset(grad, 0, (size_t)n * sizeof(real));
            continue;
        }
        row_factors f = factors_of(j, row);
        const vreal top = vset(row_max(n, x)), log_sum = vset(j->log_sum_kept[row]);
        const vreal all = vset(f.all), each = vset(f.each);
        for (int64_t i = 0; i < n; i += LANES) {
            vreal g = vexp(vload_left(x + i, n - i) - top - log_sum) * all;
            if (j->smoothing != 0) g -= j->weight ? each * vload_left(j->weight + i, n - i) : each;
            vstore_left(grad + i, n - i, g);
        }
        grad[target] -= f.at_target;
    }
}

void cross_entropy_backward_real(int64_t rows, int64_t classes, const real *logits, const int64_t *target,
                                 const real *weight, int64_t ignore_index, double label_smoothing, int64_t reduction,
                                 const real *grad_loss, const real *log_sum_exp, const real *total_weight,
                                 real *grad_logits) {
    loss_job j = {.classes = classes,
                  .ignore_index = ignore_index,
                  .reduction = reduction,
                  .logits = logits,
                  .smoothing = label_smoothing,
                  .target = target,
                  .weight = weight,
                  .grad_loss = grad_loss,
                  .log_sum_kept = log_sum_exp,
                  .total_weight = total_weight,
                  .grad_logits = grad_logits,
                  .weight_sum = label_smoothing != 0 ? sum_of_weights(classes, weight) : 0};
    parallel_for(rows, rows_per_chunk(classes),
                 classes < FEW ? cross_entropy_backward_few : cross_entropy_backward_body, &j);
}

/* ---- Negative log-likelihood: -w_y x_y of log-probabilities x ---- */

#define NLL_ROW_COST 16 /* a row reads one number from anywhere: as much work as 16 in a row */

static void nll_loss_body(void *context, int64_t begin, int64_t end) {
    const loss_job *j = context;
    partial_loss part = {0, 0, -1};
    for (int64_t row = begin; row < end; row++) {
        if (counts(j, row, &part)) {
            int64_t target = j->target[row];
            double weight = class_weight(j, target);
            add_row(j, row, -weight * (double)j->logits[row * j->classes + target], weight, &part);
        } else {
            add_row(j, row, 0, 0, &part);
        }
    }
    j->parts[begin / j->chunk] = part;
}

int64_t nll_loss_real(int64_t rows, int64_t classes, const real *log_prob, const int64_t *target, const real *weight,
                      int64_t ignore_index, int64_t reduction, real *loss, real *total_weight) {
    loss_job j = {.classes = classes,
                  .ignore_index = ignore_index,
                  .reduction = reduction,
                  .logits = log_prob,
                  .target = target,
                  .weight = weight,
                  .loss = loss};
    return reduce_rows(rows, &j, nll_loss_body, NLL_ROW_COST, total_weight);
}

static void nll_loss_backward_body(void *context, int64_t begin, int64_t end) {
    const loss_job *j = context;
    int64_t n = j->classes;
    memset(j->grad_logits + begin * n, 0, (size_t)((end - begin) * n) * sizeof(real));
    for (int64_t row = begin; row < end; row++) {
        int64_t target = j->target[row];
        if (target == j->ignore_index || !in_range(j, target)) continue;
        j->grad_logits[row * n + target] = (real)(-class_weight(j, target) * row_scale(j, row));
    }
}

void nll_loss_backward_real(int64_t rows, int64_t classes, const int64_t *target, const real *weight,
                            int64_t ignore_index, int64_t reduction, const real *grad_loss, const real *total_weight,
                            real *grad_log_prob) {
    loss_job j = {.classes = classes,
                  .ignore_index = ignore_index,
                  .reduction = reduction,
                  .target = target,
                  .weight = weight,
                  .grad_loss = grad_loss,
                  .total_weight = total_weight,
                  .grad_logits = grad_log_prob};
    parallel_for(rows, rows_per_chunk(classes > NLL_ROW_COST ? classes : NLL_ROW_COST), nll_loss_backward_body, &j);
}

/* ---- Binary cross entropy with logits: |x| (x > 0 ? 1 - y : y) + log(1 + exp(-|x|)); derivative sigmoid(x) - y ---- */

typedef struct {
    int64_t grad_step;
    const real *grad, *x, *target;
    real *out;
} binary_loss_job;

static void bce_with_logits_body(void *context, int64_t begin, int64_t end) {
    const binary_loss_job *j = context;
    for (int64_t i = begin; i < end; i += LANES) {
        vreal x = vload_left(j->x + i, end - i), target = vload_left(j->target + i, end - i);
        vreal size = vabs(x), wrong = vselect(x > 0, REAL_C(1.0) - target, target);
        vstore_left(j->out + i, end - i, size * wrong + vlog1p(vexp(-size)));
    }
}

void bce_with_logits_real(int64_t n, const real *x, const real *target, real *out) {
    binary_loss_job j = {.x = x, .target = target, .out = out};
    parallel_for(n, SOFTMAX_NUMBERS_PER_CHUNK, bce_with_logits_body, &j);
}

static void bce_with_logits_backward_body(void *context, int64_t begin, int64_t end) {
    const binary_loss_job *j = context;
    for (int64_t i = begin; i < end; i += LANES) {
        vreal x = vload_left(j->x + i, end - i), target = vload_left(j->target + i, end - i);
        vreal grad = j->grad_step ? vload_left(j->grad + i, end - i) : vset(*j->grad);
        vstore_left(j->out + i, end - i, grad * (vsigmoid(x) - target));
    }
}

void bce_with_logits_backward_real(int64_t n, const real *grad, int64_t grad_step, const real *x, const real *target,
                                   real *grad_x) {
    binary_loss_job j = {.grad_step = grad_step, .grad = grad, .x = x, .target = target, .out = grad_x};
    parallel_for(n, SOFTMAX_NUMBERS_PER_CHUNK, bce_with_logits_backward_body, &j);
}

/* ---- Binary cross entropy of probabilities; logarithms are at least -100, so that no loss is infinite ---- */

static void bce_body(void *context, int64_t begin, int64_t end) {
    const binary_loss_job *j = context;
    const vreal least = vset(-100), one = vset(1);
    for (int64_t i = begin; i < end; i += LANES) {
        vreal x = vload_left(j->x + i, end - i), target = vload_left(j->target + i, end - i);
        vreal yes = vmax(least, vlog(x)), no = vmax(least, vlog1p(-x));
        vstore_left(j->out + i, end - i, (target - one) * no - target * yes);
    }
}

void bce_real(int64_t n, const real *x, const real *target, real *out) {
    binary_loss_job j = {.x = x, .target = target, .out = out};
    parallel_for(n, SOFTMAX_NUMBERS_PER_CHUNK, bce_body, &j);
}

static void bce_backward_body(void *context, int64_t begin, int64_t end) {
    const binary_loss_job *j = context;
    const vreal least = vset(REAL_C(1e-12)), one = vset(1);
    for (int64_t i = begin; i < end; i += LANES) {
        vreal x = vload_left(j->x + i, end - i), target = vload_left(j->target + i, end - i);
        vreal grad = j->grad_step ? vload_left(j->grad + i, end - i) : vset(*j->grad);
        vstore_left(j->out + i, end - i, grad * (x - target) / vmax(least, (one - x) * x));
    }
}

void bce_backward_real(int64_t n, const real *grad, int64_t grad_step, const real *x, const real *target,
                       real *grad_x) {
    binary_loss_job j = {.grad_step = grad_step, .grad = grad, .x = x, .target = target, .out = grad_x};
    parallel_for(n, SOFTMAX_NUMBERS_PER_CHUNK, bce_backward_body, &j);
}
