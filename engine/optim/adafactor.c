/* Adafactor: the running average of squared gradients of a matrix, kept as its means over rows and columns alone.
 *
 *   w = t^beta2_decay
 *   R <- (1 - w) R + w mean of g g along each row      row_var
 *   C <- (1 - w) C + w mean of g g down each column    col_var
 *   V  = R C / max(mean R, eps1)                       of a vector: V <- (1 - w) V + w g g, variance
 *   u  = g / sqrt(max(V, eps1^2))
 *   p <- p - lr weight_decay p - min(lr, 1 / sqrt(t)) max(eps2, RMS(p)) u / max(1, RMS(u) / d)
 *
 * Shazeer, Stern: Adafactor: Adaptive learning rates with sublinear memory cost (2018), with PyTorch's lr and eps1.
 *
 * Three passes over a matrix: the sums of p p and of g g; then the sum of u u; then the update. Parameters of more than
 * two dimensions are many matrices. */
#include "group.h"
#include <float.h>

/* The squares of a matrix are summed up in tiles. Few numbers are added one after the other; sums of tiles meet in
 * double. The sums that are kept until then are about 1/TILE_ROWS of the matrix. */
#define TILE_ROWS 64
#define TILE_COLS 1024
#define TILES_WORTH 65536 /* numbers that a thread takes at once */
#define BLOCK 1024        /* numbers that are added up in their own type elsewhere */

typedef struct {
    real *row_var, *col_var, *variance; /* variance: NULL of matrices */
    int64_t matrices, rows, cols;       /* of matrices */
    int64_t row_tiles, col_tiles;       /* of one matrix */
    real *mean;                         /* [matrices]: of row_var, at least eps1 */
    real *row_sums, *col_sums;          /* [matrices, col_tiles, rows] and [matrices, row_tiles, cols] */
    double weight;                      /* w */
    average_weights average;            /* the same for vectors */
    double alpha;                       /* min(lr, 1 / sqrt(t)) max(eps2, RMS(p)) */
    double square_sum;                  /* of u; of vectors, from the first pass */
    real change;                        /* alpha / max(1, RMS(u) / d) */
} adafactor_parameter;

typedef struct {
    const adafactor_group_real *group;
    gradient_reading reading;
    real smallest, decay; /* eps1^2, lr weight_decay */
    double eps1;
    adafactor_parameter *parameters;
} adafactor_rule;

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t pieces(int64_t n, int64_t size) { return (n + size - 1) / size; }

/* ---- the means of rows and columns ---- */

/* average[n] <- (1 - w) average + w sums / count, where sums[tiles, n] are added up first. Returns the sum of average. */
static double average_sums(double w, int64_t tiles, int64_t n, const real *sums, int64_t count, real *average) {
    double all = 0;
    for (int64_t at = 0; at < n; at += TILE_ROWS) {
        int64_t width = smaller(TILE_ROWS, n - at);
        double total[TILE_ROWS] = {0};
        for (int64_t tile = 0; tile < tiles; tile++)
            for (int64_t i = 0; i < width; i++) total[i] += (double)sums[tile * n + at + i];
        for (int64_t i = 0; i < width; i++) {
            average[at + i] = (real)((1 - w) * (double)average[at + i] + w * (total[i] / (double)count));
            all += (double)average[at + i];
        }
    }
    return all;
}

/* Brings row_var and col_var of a matrix up to date, from the sums of its tiles. */
static void average_matrix(const adafactor_rule *rule, const adafactor_parameter *x, int64_t matrix,
                           const real *row_sums, const real *col_sums) {
    real *row_var = x->row_var + matrix * x->rows, *col_var = x->col_var + matrix * x->cols;
    double mean = average_sums(x->weight, x->col_tiles, x->rows, row_sums, x->cols, row_var) / (double)x->rows;
    average_sums(x->weight, x->row_tiles, x->cols, col_sums, x->rows, col_var);
    x->mean[matrix] = (real)(mean < rule->eps1 ? rule->eps1 : mean);
}

/* Sums of squares of a tile of the gradient whose rows are `pitch` apart. */
static void sum_tile(gradient_reading reading, int64_t rows, int64_t cols, const real *gradient, int64_t pitch,
                     real *row_sums, real *col_sums) {
    memset(col_sums, 0, (size_t)cols * sizeof(real));
    for (int64_t i = 0; i < rows; i++, gradient += pitch) {
        vreal sum = {0};
        for (int64_t j = 0; j < cols; j += LANES) {
            vreal g = read_gradient(reading, gradient + j, cols - j, vset(0));
            sum = vfma(g, g, sum);
            store_up_to(col_sums + j, cols - j, vfma(g, g, load_up_to(col_sums + j, cols - j)));
        }
        row_sums[i] = vsum(sum);
    }
}

/* n tiles of parameter i, from its tile `at` on. A matrix that is one tile is done at once. */
static void sum_tiles(const void *context, int64_t i, int64_t at, int64_t n, int64_t slot) {
    const adafactor_rule *rule = context;
    const adafactor_parameter *x = rule->parameters + i;
    const real *gradient = rule->group->parameters.gradient[i];
    const int64_t tiles = x->row_tiles * x->col_tiles;
    (void)slot;
    for (int64_t tile = at; tile < at + n; tile++) {
        int64_t matrix = tile / tiles, row_tile = tile % tiles / x->col_tiles, col_tile = tile % x->col_tiles;
        int64_t row = row_tile * TILE_ROWS, col = col_tile * TILE_COLS;
        int64_t rows = smaller(TILE_ROWS, x->rows - row), cols = smaller(TILE_COLS, x->cols - col);
        const real *from = gradient + (matrix * x->rows + row) * x->cols + col;
        if (tiles == 1) {
            real row_sums[TILE_ROWS], col_sums[TILE_COLS];
            sum_tile(rule->reading, rows, cols, from, x->cols, row_sums, col_sums);
            average_matrix(rule, x, matrix, row_sums, col_sums);
        } else {
            sum_tile(rule->reading, rows, cols, from, x->cols,
                     x->row_sums + (matrix * x->col_tiles + col_tile) * x->rows + row,
                     x->col_sums + (matrix * x->row_tiles + row_tile) * x->cols + col);
        }
    }
}

/* ---- u ---- */

/* Numbers of a parameter that follow each other in one row: V is factor * across[j]. A vector is one row. */
typedef struct {
    int64_t n;
    real factor;
    const real *across;
} row_run;

INLINE row_run run_at(const adafactor_parameter *x, int64_t at, int64_t left) {
    left = smaller(left, BLOCK);
    if (x->variance) return (row_run){left, 1, x->variance + at};
    int64_t row = at / x->cols, col = at % x->cols, matrix = row / x->rows;
    return (row_run){smaller(left, x->cols - col), x->row_var[row] / x->mean[matrix],
                     x->col_var + matrix * x->cols + col};
}

INLINE vreal divided(vreal g, vreal v, real smallest) { return g / vsqrt(vmax(vset(smallest), v)); } /* NaN stays */

/* The first n lanes, zero in the others. */
INLINE vreal first_lanes(vreal v, int64_t n) {
    if (n >= LANES) return v;
    real x[LANES] = {0};
    vstore_partial(x, n, v);
    return vload(x);
}

/* sums[0]: p p. Of vectors sums[1]: u u, from a variance that is brought up to date here. */
static void first_sums(const void *context, int64_t i, int64_t at, int64_t n, double *sums) {
    const adafactor_rule rule = *(const adafactor_rule *)context;
    const adafactor_parameter x = rule.parameters[i];
    const real *parameter = rule.group->parameters.parameter[i] + at;
    const real *gradient = rule.group->parameters.gradient[i] + at;
    real *variance = x.variance ? x.variance + at : 0;
    for (int64_t begin = 0; begin < n; begin += BLOCK) {
        int64_t end = smaller(n, begin + BLOCK);
        vreal of_p = {0}, of_u = {0};
        for (int64_t j = begin; j < end; j += LANES) {
            vreal p = load_up_to(parameter + j, end - j);
            of_p = vfma(p, p, of_p);
            if (variance) {
                vreal g = read_gradient(rule.reading, gradient + j, end - j, p);
                vreal v = average(x.average, load_up_to(variance + j, end - j), g, g);
                store_up_to(variance + j, end - j, v);
                vreal u = first_lanes(divided(g, v, rule.smallest), end - j);
                of_u = vfma(u, u, of_u);
            }
        }
        sums[0] += (double)vsum(of_p);
        sums[1] += (double)vsum(of_u);
    }
}

/* Of matrices: u u. */
static void second_sums(const void *context, int64_t i, int64_t at, int64_t n, double *sums) {
    const adafactor_rule rule = *(const adafactor_rule *)context;
    const adafactor_parameter x = rule.parameters[i];
    const real *gradient = rule.group->parameters.gradient[i];
    if (x.variance) return;
    for (row_run run; n > 0; at += run.n, n -= run.n) {
        run = run_at(&x, at, n);
        vreal sum = {0};
        for (int64_t j = 0; j < run.n; j += LANES) {
            vreal g = read_gradient(rule.reading, gradient + at + j, run.n - j, vset(0));
            vreal v = run.factor * load_up_to(run.across + j, run.n - j);
            vreal u = first_lanes(divided(g, v, rule.smallest), run.n - j);
            sum = vfma(u, u, sum);
        }
        sums[0] += (double)vsum(sum);
    }
}

static void adafactor_body(const void *context, int64_t i, int64_t at, int64_t n) {
    const adafactor_rule rule = *(const adafactor_rule *)context;
    const adafactor_parameter x = rule.parameters[i];
    const real *gradient = rule.group->parameters.gradient[i];
    real *parameter = rule.group->parameters.parameter[i];
    for (row_run run; n > 0; at += run.n, n -= run.n) {
        run = run_at(&x, at, n);
        for (int64_t j = 0; j < run.n; j += LANES) {
            vreal p = load_up_to(parameter + at + j, run.n - j);
            vreal g = read_gradient(rule.reading, gradient + at + j, run.n - j, p);
            vreal v = run.factor * load_up_to(run.across + j, run.n - j);
            vreal u = divided(g, v, rule.smallest);
            vreal change = x.change * u;
            if (rule.decay != 0) change = vfma(vset(rule.decay), p, change);
            store_up_to(parameter + at + j, run.n - j, p - change);
        }
    }
}

/* ---- the step ---- */

/* What is known of parameter i, which has a gradient, before its numbers are looked at. Counts its step. */
static adafactor_parameter described(const adafactor_group_real *group, int64_t i) {
    const param_group_real *parameters = &group->parameters;
    const int64_t ndim = parameters->ndim[i], *shape = parameters->shape[i];
    double t = *parameters->step[i] += 1;
    adafactor_parameter x = {.weight = pow(t, group->beta2_decay), .alpha = fmin(group->lr, 1 / sqrt(t))};
    x.average = weights_of(1 - x.weight);
    x.average.rest = (real)x.weight;
    if (ndim < 2) {
        x.variance = group->variance[i];
    } else if (parameters->size[i]) {
        x.row_var = group->row_var[i];
        x.col_var = group->col_var[i];
        x.rows = shape[ndim - 2];
        x.cols = shape[ndim - 1];
        x.matrices = parameters->size[i] / (x.rows * x.cols);
        x.row_tiles = pieces(x.rows, TILE_ROWS);
        x.col_tiles = pieces(x.cols, TILE_COLS);
    }
    return x;
}

/* Numbers of row_sums and col_sums; matrices of one tile need none. */
static inline int64_t row_sums_of(const adafactor_parameter *x) {
    return x->row_tiles * x->col_tiles > 1 ? x->matrices * x->col_tiles * x->rows : 0;
}
static inline int64_t col_sums_of(const adafactor_parameter *x) {
    return x->row_tiles * x->col_tiles > 1 ? x->matrices * x->row_tiles * x->cols : 0;
}

/* Brings row_var and col_var of all matrices up to date. */
static void average_matrices(const adafactor_rule *rule) {
    const param_group_real *group = &rule->group->parameters;
    const int64_t count = group->count;
    adafactor_parameter *x = rule->parameters;
    int64_t *tiles = thread_scratch(SCRATCH_NORMS, (size_t)count * sizeof(int64_t));
    int64_t sums = 0, all_tiles = 0, in_matrices = 0;
    for (int64_t i = 0; i < count; i++) {
        tiles[i] = group->gradient[i] ? x[i].matrices * x[i].row_tiles * x[i].col_tiles : 0;
        if (!tiles[i]) continue;
        sums += x[i].matrices + row_sums_of(x + i) + col_sums_of(x + i);
        all_tiles += tiles[i];
        in_matrices += group->size[i];
    }
    if (!all_tiles) return;
    real *room = thread_scratch(SCRATCH_COEFFICIENTS, (size_t)sums * sizeof(real));
    for (int64_t i = 0; i < count; i++) {
        if (!tiles[i]) continue;
        x[i].mean = room;
        x[i].row_sums = x[i].mean + x[i].matrices;
        x[i].col_sums = x[i].row_sums + row_sums_of(x + i);
        room = x[i].col_sums + col_sums_of(x + i);
    }
    int64_t chunk = pieces(TILES_WORTH, pieces(in_matrices, all_tiles));
    tensor_walk walk = {count, tiles, group->gradient, chunk, sum_tiles, rule, 0};
    walk_tensors(&walk, lay_out(&walk));
    for (int64_t i = 0; i < count; i++)
        for (int64_t matrix = 0; tiles[i] && row_sums_of(x + i) && matrix < x[i].matrices; matrix++)
            average_matrix(rule, x + i, matrix, x[i].row_sums + matrix * x[i].col_tiles * x[i].rows,
                           x[i].col_sums + matrix * x[i].row_tiles * x[i].cols);
}

void adafactor_update_real(const adafactor_group_real *group) {
    const param_group_real *parameters = &group->parameters;
    const int64_t count = parameters->count;
    const double own = sizeof(real) == sizeof(double) ? DBL_EPSILON : (double)FLT_EPSILON;
    const double eps1 = group->eps[0] < 0 ? own : group->eps[0], eps2 = group->eps[1];
    adafactor_parameter *x = thread_scratch(SCRATCH_RULE, (size_t)count * sizeof(adafactor_parameter));
    adafactor_rule rule = {
        group, reading_of(parameters, 0), (real)(eps1 * eps1), (real)(group->lr * group->weight_decay), eps1, x};
    for (int64_t i = 0; i < count; i++)
        if (parameters->gradient[i]) x[i] = described(group, i);

    average_matrices(&rule);
    const double *sums = group_sums(parameters, 2, first_sums, &rule);
    for (int64_t i = 0; i < count; i++) {
        if (!parameters->gradient[i]) continue;
        double size = sqrt(sums[2 * i] / (double)parameters->size[i]);
        x[i].alpha *= size > eps2 ? size : eps2; /* NaN: eps2, as in PyTorch */
        x[i].square_sum = sums[2 * i + 1];
    }
    sums = group_sums(parameters, 1, second_sums, &rule);
    for (int64_t i = 0; i < count; i++) {
        if (!parameters->gradient[i]) continue;
        double size = sqrt((x[i].square_sum + sums[i]) / (double)parameters->size[i]) / group->d;
        x[i].change = (real)(size > 1 ? x[i].alpha / size : x[i].alpha);
    }
    update_group(parameters, adafactor_body, &rule);
}
