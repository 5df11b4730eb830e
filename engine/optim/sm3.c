/* SM3-II: Adagrad with an accumulator for each row, column, ... of a parameter, not for each number.
 *
 *   nu <- g g + the smallest of the accumulators of the number's row, column, ...
 *   each accumulator <- the largest nu of its numbers
 *   m <- momentum m + (1 - momentum) g / sqrt(nu + eps)     momentum_buffer; 0 / 0 is 0
 *   p <- p - lr m
 *
 * With beta the first line is nu <- beta smallest + (1 - beta) g g.
 *
 * A parameter is walked as a matrix: its columns are the last dimension, or the last few where that one is short, its
 * lines the others. Where several dimensions make a side of the matrix, their accumulators are spread over it before the
 * step and gathered after it. The matrix is cut into blocks that run at the same time. Each has maxima of its own, because
 * the old accumulators are read until the last block is done.
 *
 * Anil, Gupta, Koren, Singer: Memory-efficient adaptive optimization (2019). */
#include "group.h"

enum { COLUMNS_ENOUGH = 32, COLUMNS_MOST = 65536, BLOCK_WIDTH = 8192, BLOCK_NUMBERS = 65536 };

/* The lines or the columns of a parameter. */
typedef struct {
    const int64_t *shape; /* of the dimensions that make them */
    int64_t dims;
    int64_t size;
    int64_t block, blocks; /* so many in a block, and so many blocks */
    real *accumulator;     /* in the state: of one dimension after the other */
    real *smallest;        /* [size]: of the accumulators that meet there, before the step */
    real *largest;         /* [blocks of the other side, size]: nu */
} sm3_side;

typedef struct {
    sm3_side lines, columns;
    int64_t start, distance; /* in the row of all numbers: where it begins, and how far apart its blocks do */
} sm3_matrix;

typedef struct {
    const sm3_group_real *group;
    gradient_reading reading;
    average_weights lr, momentum;
    real keep, add, eps; /* nu = keep smallest + add g g */
    const sm3_matrix *matrices;
} sm3_rule;

/* ---- a parameter as a matrix ---- */

static int64_t pieces_of(int64_t n, int64_t piece) { return (n + piece - 1) / piece; }

/* Without its memory. */
static sm3_matrix matrix_of(const sm3_group_real *group, int64_t i, int64_t start) {
    const int64_t *shape = group->parameters.shape[i], size = group->parameters.size[i];
    int64_t ndim = group->parameters.ndim[i] ? group->parameters.ndim[i] : 1, outer = ndim - 1, width = shape[outer];
    while (outer > 0 && width < COLUMNS_ENOUGH && width * shape[outer - 1] <= COLUMNS_MOST) width *= shape[--outer];
    sm3_side lines = {.shape = shape, .dims = outer, .size = size / width, .accumulator = group->accumulator[i]};
    sm3_side columns = {.shape = shape + outer, .dims = ndim - outer, .size = width};
    columns.accumulator = lines.accumulator;
    for (int64_t d = 0; d < outer; d++) columns.accumulator += shape[d];
    columns.block = pieces_of(width, pieces_of(width, BLOCK_WIDTH) * LINE) * LINE; /* equal, and whole cache lines */
    columns.blocks = pieces_of(width, columns.block);
    lines.block = columns.block < BLOCK_NUMBERS ? BLOCK_NUMBERS / columns.block : 1;
    lines.blocks = pieces_of(lines.size, lines.block);
    return (sm3_matrix){lines, columns, start, pieces_of(size, lines.blocks * columns.blocks)};
}

/* Gives a side its memory, from `memory` on, and returns what lies behind it. Where one dimension makes the side, its
 * accumulators are what is spread. Those of a vector are also the maxima: nobody reads a number after it is written. */
static real *place(sm3_side *side, const sm3_side *other, real *memory) {
    side->smallest = side->accumulator;
    if (side->dims != 1) {
        side->smallest = memory;
        memory += side->size;
    }
    side->largest = side->accumulator;
    if (side->dims != 1 || other->dims != 0) {
        side->largest = memory;
        memory += other->blocks * side->size;
    }
    return memory;
}

/* At least what `place` takes for both sides. */
static int64_t memory_of(const sm3_matrix *x) {
    return (1 + x->columns.blocks) * x->lines.size + (1 + x->lines.blocks) * x->columns.size;
}

static void spread(const sm3_side *side) {
    if (side->dims == 1) return;
    const real *accumulator = side->accumulator;
    for (int64_t d = 0; d < side->dims; d++) accumulator += side->shape[d];
    int64_t size = 1;
    side->smallest[0] = (real)INFINITY;
    for (int64_t d = side->dims - 1; d >= 0; d--) {
        accumulator -= side->shape[d];
        for (int64_t a = side->shape[d] - 1; a >= 0; a--) /* the first last: the others are made of it */
            for (int64_t j = 0; j < size; j += LANES) {
                vreal low = vminimum(vset(accumulator[a]), load_up_to(side->smallest + j, size - j));
                store_up_to(side->smallest + a * size + j, size - j, low);
            }
        size *= side->shape[d];
    }
}

static void raise_to(real *x, const real *y, int64_t n) {
    for (int64_t j = 0; j < n; j += LANES)
        store_up_to(x + j, n - j, vmaximum(load_up_to(x + j, n - j), load_up_to(y + j, n - j)));
}

/* Of numbers of 0 or more, or NaN: their bits are in the same order, with NaN above all. */
static real largest_lane(vreal v) {
    unsigned_integer bits[LANES], most = 0;
    memcpy(bits, &v, sizeof v);
    for (int i = 0; i < LANES; i++) most = bits[i] > most ? bits[i] : most;
    real largest;
    memcpy(&largest, &most, sizeof most);
    return largest;
}

static real largest_of(const real *x, int64_t n) {
    vreal largest = {0};
    for (int64_t j = 0; j < n; j += LANES) largest = vmaximum(load_up_to(x + j, n - j), largest);
    return largest_lane(largest);
}

static void gather(const sm3_side *side, const sm3_side *other) {
    int64_t size = side->size;
    real *accumulator = side->accumulator, *x = side->largest;
    for (int64_t k = 1; k < other->blocks; k++) raise_to(x, x + k * size, size);
    for (int64_t d = 0; d + 1 < side->dims; d++) {
        size /= side->shape[d];
        for (int64_t a = 0; a < side->shape[d]; a++) {
            accumulator[a] = largest_of(x + a * size, size);
            if (a) raise_to(x, x + a * size, size);
        }
        accumulator += side->shape[d];
    }
    if (side->dims && x != accumulator) memcpy(accumulator, x, (size_t)size * sizeof(real));
}

/* ---- the update ---- */

/* Updates numbers in a line, from its number `at` of parameter i on, and returns their largest nu. */
INLINE real sm3_line(sm3_rule rule, int64_t i, int64_t at, int64_t n, real line, const real *column, real *largest,
                     int is_first) {
    const param_group_real *parameters = &rule.group->parameters;
    real *p_at = parameters->parameter[i] + at;
    real *m_at = rule.group->momentum != 0 ? rule.group->momentum_buffer[i] + at : 0;
    const real *gradient = parameters->gradient[i] + at;
    vreal largest_here = {0};
    for (int64_t j = 0; j < n; j += LANES) {
        int64_t left = n - j;
        vreal p = load_up_to(p_at + j, left), g = read_gradient(rule.reading, gradient + j, left, p);
        vreal smallest = vminimum(vset(line), load_up_to(column + j, left));
        vreal nu = vfma(vset(rule.keep), smallest, rule.add * g * g);
        largest_here = vmaximum(nu, largest_here);
        store_up_to(largest + j, left, is_first ? nu : vmaximum(load_up_to(largest + j, left), nu));
        vreal change = vselect(g == 0, vset(0), g / vsqrt(nu + rule.eps));
        if (m_at) {
            change = average(rule.momentum, load_up_to(m_at + j, left), change, vset(1));
            store_up_to(m_at + j, left, change);
        }
        store_up_to(p_at + j, left, p - product(rule.lr, change));
    }
    return largest_lane(largest_here);
}

static void sm3_block(const sm3_rule *given, int64_t i, int64_t block) {
    const sm3_rule rule = *given;
    const sm3_matrix x = rule.matrices[i];
    const sm3_side *lines = &x.lines, *columns = &x.columns;
    int64_t down = block / columns->blocks, across = block % columns->blocks;
    int64_t first = down * lines->block, end = first + lines->block, from = across * columns->block;
    int64_t n = columns->size - from < columns->block ? columns->size - from : columns->block;
    if (end > lines->size) end = lines->size;
    for (int64_t l = first; l < end; l++)
        lines->largest[across * lines->size + l] =
            sm3_line(rule, i, l * columns->size + from, n, lines->smallest[l], columns->smallest + from,
                     columns->largest + down * columns->size + from, l == first);
}

/* The blocks that begin in [begin, end) of the row of all numbers. */
static void sm3_blocks(void *context, int64_t begin, int64_t end) {
    const sm3_rule *rule = context;
    const sm3_matrix *matrices = rule->matrices;
    int64_t i = 0, high = rule->group->parameters.count - 1;
    while (i < high) { /* the last that starts at or before begin */
        int64_t middle = (i + high + 1) / 2;
        if (matrices[middle].start <= begin)
            i = middle;
        else
            high = middle - 1;
    }
    for (; i < rule->group->parameters.count && matrices[i].start < end; i++) {
        const sm3_matrix *x = &matrices[i];
        int64_t blocks = x->lines.blocks * x->columns.blocks; /* 0: nothing to do */
        int64_t block = begin > x->start ? pieces_of(begin - x->start, x->distance) : 0;
        for (; block < blocks && x->start + block * x->distance < end; block++) sm3_block(rule, i, block);
    }
}

void sm3_update_real(const sm3_group_real *group) {
    const param_group_real *parameters = &group->parameters;
    int64_t count = parameters->count, row = 0, needed = 0;
    sm3_matrix *matrices = thread_scratch(SCRATCH_WALK, (size_t)count * sizeof *matrices);
    for (int64_t i = 0; i < count; i++) {
        matrices[i] = (sm3_matrix){.start = row, .distance = 1};
        if (!parameters->gradient[i] || parameters->size[i] == 0) continue;
        matrices[i] = matrix_of(group, i, row);
        row += parameters->size[i];
        needed += memory_of(&matrices[i]);
    }
    real *memory = thread_scratch(SCRATCH_RULE, (size_t)needed * sizeof(real));
    for (int64_t i = 0; i < count; i++) {
        sm3_side *lines = &matrices[i].lines, *columns = &matrices[i].columns;
        if (columns->size == 0) continue;
        memory = place(columns, lines, place(lines, columns, memory));
        spread(lines);
        spread(columns);
    }
    sm3_rule rule = {.group = group,
                     .reading = reading_of(parameters, group->weight_decay),
                     .lr = weights_of(group->lr),
                     .momentum = weights_of(group->momentum),
                     .keep = group->beta != 0 ? (real)group->beta : 1,
                     .add = (real)(1 - group->beta),
                     .eps = (real)group->eps,
                     .matrices = matrices};
    parallel_for(row, BLOCK_NUMBERS, sm3_blocks, &rule);
    for (int64_t i = 0; i < count; i++) {
        if (matrices[i].columns.size == 0) continue;
        gather(&matrices[i].lines, &matrices[i].columns);
        gather(&matrices[i].columns, &matrices[i].lines);
        parameters->fresh[i] = 0;
    }
}
