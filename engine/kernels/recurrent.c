/* Recurrent layers: one direction of one layer over whole sequences, forward and backward.
 *
 * The products with the inputs are one matrix product over all steps. Then the steps: the units are cut into blocks, and a
 * task takes one block from the product with the previous state through all its gates, so that a step is one launch.
 * The columns of w_hh that a block needs are packed once for all steps. Backward is the same the other way round: a
 * task adds up the gradient of its units' state from all gates of the later step, and takes it through the gates. The
 * gradients of weights and inputs are again products over all steps. */
#include "kernels/gemm.h"
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"
#include "simd/math.h"

#define TASK_WORK (1 << 18) /* multiply-adds worth a launch */
#define GATE_WORK 40        /* what the nonlinearities of one unit cost, in multiply-adds */

/* The gates of a unit, and where they stand. */
enum { GATE_I, GATE_F, GATE_G, GATE_O };
enum { GATE_R, GATE_Z, GATE_N };

/* Rows whose previous state lies together: a step has those that were there before it, and those that begin. */
typedef struct {
    int64_t first, rows;
    const real *h, *c; /* of row `first` */
} part;

typedef struct {
    int64_t kind, gates, units, outputs, width; /* width: units in a block */
    int64_t batch, rows;                        /* in the first step; in all */
    const int64_t *batch_sizes;
    int64_t steps, reverse;
    const recurrent_weights_real *weights;
    const real *packed; /* w_hh by blocks, or NULL */
    const real *h0, *c0, *out;
    real *all_cells;
    /* of the step at hand */
    int64_t count; /* rows */
    int parts;
    part part[2];
    real *gate, *cells, *hidden, *result;
    /* backward */
    int64_t later; /* rows of the step before it on the way back, 0: none */
    const real *later_gates, *later_hidden, *cell, *hidden_now, *gate_now, *out_now, *grad_out;
    real *grad_h, *grad_c, *grad_gates, *grad_hidden, *grad_units;
} walk;

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t gate_count(int64_t kind) { return kind == RECURRENT_LSTM ? 4 : kind == RECURRENT_GRU ? 3 : 1; }

static walk prepare(const recurrent_shape *s, const recurrent_weights_real *weights, const real *h0, const real *c0,
                    const real *out, real *cells) {
    walk w = {.kind = s->kind,
              .gates = gate_count(s->kind),
              .units = s->hidden_size,
              .outputs = s->output_size,
              .batch = s->batch_sizes[0],
              .batch_sizes = s->batch_sizes,
              .steps = s->steps,
              .reverse = s->reverse,
              .weights = weights,
              .h0 = h0,
              .c0 = c0,
              .out = out,
              .all_cells = cells};
    for (int64_t t = 0; t < s->steps; t++) w.rows += s->batch_sizes[t];
    w.width = (w.batch <= TILE_ROWS_WIDE ? 4 : 2) * LANES;
    return w;
}

/* Step number i on the way through the sequence: its number in time, and its first row, given that of step i - 1. */
static int64_t time_of(const walk *w, int64_t i) { return w->reverse ? w->steps - 1 - i : i; }

/* The rows of step t, which begin at row `at`, by where their previous state is. */
static void find_parts(walk *w, int64_t t, int64_t at) {
    const int64_t neighbour = w->reverse ? t + 1 : t - 1;
    const int64_t there = neighbour < 0 || neighbour >= w->steps ? 0 : w->batch_sizes[neighbour];
    const int64_t continuing = smaller(w->batch_sizes[t], there);
    const int64_t before = w->reverse ? at + w->batch_sizes[t] : at - there;
    w->count = w->batch_sizes[t];
    w->parts = 0;
    if (continuing)
        w->part[w->parts++] =
            (part){0, continuing, w->out + before * w->outputs, w->all_cells ? w->all_cells + before * w->units : 0};
    if (continuing < w->count)
        w->part[w->parts++] = (part){continuing, w->count - continuing, w->h0 + continuing * w->outputs,
                                     w->c0 ? w->c0 + continuing * w->units : 0};
}

/* Runs body over the blocks of units, `work` multiply-adds for each unit. */
static void over_blocks(walk *w, int64_t work, void (*body)(void *, int64_t, int64_t)) {
    const int64_t blocks = (w->units + w->width - 1) / w->width, each = work * w->width + 1;
    parallel_for(blocks, each >= TASK_WORK ? 1 : TASK_WORK / each + 1, body, w);
}

/* ---- forward ---- */

/* packed: for each block of units, for each gate, the columns [outputs, units of the block] of w_hh transposed. */
static void pack_forward(const walk *w, real *packed) {
    const int64_t k = w->outputs;
    for (int64_t j = 0; j < w->units; j += w->width) {
        const int64_t width = smaller(w->width, w->units - j);
        for (int64_t g = 0; g < w->gates; g++, packed += k * width) {
            const real *from = w->weights->w_hh + (g * w->units + j) * k;
            for (int64_t i = 0; i < width; i += LANES)
                for (int64_t l = 0; l < k; l += LANES) {
                    vreal x[LANES];
                    const int64_t columns = smaller(LANES, width - i), count = smaller(LANES, k - l);
                    load_block(x, from + i * k + l, k, columns, count);
                    transpose(x);
                    UNROLL for (int r = 0; r < LANES; r++) if (r < count)
                        store_up_to(packed + (l + r) * width + i, columns, x[r]);
                }
        }
    }
}

static void rnn_forward(const walk *w, int64_t row, int64_t j, int64_t width) {
    real *h = w->gate + row * w->units + j;
    for (int64_t i = 0; i < width; i += LANES) {
        vreal x = load_up_to(h + i, width - i);
        store_up_to(h + i, width - i, w->kind == RECURRENT_RELU ? vmax((vreal){0}, x) : vtanh(x));
    }
}

static void lstm_forward(const walk *w, int64_t row, int64_t j, int64_t width, const real *c_before) {
    const int64_t n = w->units;
    real *gate = w->gate + row * 4 * n + j, *c = w->cells + row * n + j, *h = w->hidden + row * n + j;
    for (int64_t i = 0; i < width; i += LANES) {
        const int64_t left = width - i;
        vreal in = vsigmoid(load_up_to(gate + GATE_I * n + i, left)),
              forget = vsigmoid(load_up_to(gate + GATE_F * n + i, left));
        vreal new = vtanh(load_up_to(gate + GATE_G * n + i, left)),
              open = vsigmoid(load_up_to(gate + GATE_O * n + i, left));
        vreal cell = vfma(forget, load_up_to(c_before + j + i, left), in * new);
        store_up_to(gate + GATE_I * n + i, left, in);
        store_up_to(gate + GATE_F * n + i, left, forget);
        store_up_to(gate + GATE_G * n + i, left, new);
        store_up_to(gate + GATE_O * n + i, left, open);
        store_up_to(c + i, left, cell);
        store_up_to(h + i, left, open * vtanh(cell));
    }
}

static void gru_forward(const walk *w, int64_t row, int64_t j, int64_t width, const real *h_before) {
    const int64_t n = w->units;
    real *gate = w->gate + row * 3 * n + j, *h = w->result + row * n + j;
    const real *hidden = w->hidden + row * n + j;
    for (int64_t i = 0; i < width; i += LANES) {
        const int64_t left = width - i;
        vreal reset = vsigmoid(load_up_to(gate + GATE_R * n + i, left)),
              keep = vsigmoid(load_up_to(gate + GATE_Z * n + i, left));
        vreal new = vtanh(vfma(reset, load_up_to(hidden + i, left), load_up_to(gate + GATE_N * n + i, left)));
        store_up_to(gate + GATE_R * n + i, left, reset);
        store_up_to(gate + GATE_Z * n + i, left, keep);
        store_up_to(gate + GATE_N * n + i, left, new);
        store_up_to(h + i, left, vfma(keep, load_up_to(h_before + j + i, left) - new, new));
    }
}

static void forward_blocks(void *context, int64_t begin, int64_t end) {
    const walk *w = context;
    const int64_t n = w->units, k = w->outputs;
    for (int64_t block = begin; block < end; block++) {
        const int64_t j = block * w->width, width = smaller(w->width, n - j);
        for (int p = 0; p < w->parts; p++) {
            const part *from = &w->part[p];
            for (int64_t g = 0; g < w->gates; g++) {
                const int separate = w->kind == RECURRENT_GRU && g == GATE_N;
                product x = {.m = from->rows,
                             .n = width,
                             .k = k,
                             .a = from->h,
                             .a_row = k,
                             .a_col = 1,
                             .c = w->gate + from->first * w->gates * n + g * n + j,
                             .c_row = w->gates * n,
                             .accumulate = 1};
                if (w->packed)
                    x.b = w->packed + (w->gates * j + g * width) * k, x.b_row = width, x.b_col = 1, x.b_is_packed = 1;
                else
                    x.b = w->weights->w_hh + (g * n + j) * k, x.b_row = 1, x.b_col = k;
                if (separate) {
                    x.c = w->hidden + from->first * n + j, x.c_row = n, x.accumulate = 0;
                    x.bias = w->weights->b_hh ? w->weights->b_hh + g * n + j : 0;
                }
                multiply(1, &x);
            }
            for (int64_t r = 0; r < from->rows; r++) {
                if (w->kind == RECURRENT_LSTM)
                    lstm_forward(w, from->first + r, j, width, from->c + r * n);
                else if (w->kind == RECURRENT_GRU)
                    gru_forward(w, from->first + r, j, width, from->h + r * k);
                else
                    rnn_forward(w, from->first + r, j, width);
            }
        }
    }
}

/* gates = x w_ih^T + the biases that are added to it: of a GRU's n only b_ih. */
static void multiply_inputs(const walk *w, int64_t input_size, const real *x, real *gates) {
    const recurrent_weights_real *weights = w->weights;
    const int64_t size = w->gates * w->units;
    real *bias = 0;
    if (weights->b_ih) {
        bias = thread_scratch(SCRATCH_RECURRENT, (size_t)size * sizeof(real));
        const int64_t both = w->kind == RECURRENT_GRU ? 2 * w->units : size;
        for (int64_t i = 0; i < size; i++) bias[i] = weights->b_ih[i] + (i < both ? weights->b_hh[i] : 0);
    }
    gemm_real(w->rows, size, input_size, x, input_size, 1, weights->w_ih, 1, input_size, gates, size, bias, 0, 0, 0);
}

void recurrent_real(const recurrent_shape *shape, const recurrent_weights_real *weights, const real *x, const real *h0,
                    const real *c0, real *out, real *h_n, real *c_n, real *gates, real *cells, real *hidden) {
    walk w = prepare(shape, weights, h0, c0, out, cells);
    const int64_t n = w.units, k = w.outputs, size = w.gates * n;
    multiply_inputs(&w, shape->input_size, x, gates);
    if (w.steps > 1) {
        real *packed = thread_scratch(SCRATCH_RECURRENT, (size_t)(size * k) * sizeof(real));
        pack_forward(&w, packed);
        w.packed = packed;
    }
    for (int64_t i = 0, at = w.reverse ? w.rows : 0; i < w.steps; i++) {
        const int64_t t = time_of(&w, i);
        if (w.reverse) at -= w.batch_sizes[t];
        find_parts(&w, t, at);
        w.gate = gates + at * size;
        w.cells = cells ? cells + at * n : 0;
        w.result = out + at * k;
        w.hidden = hidden ? hidden + at * n : w.result;
        over_blocks(&w, w.count * (w.gates * k + GATE_WORK), forward_blocks);
        if (weights->w_hr) gemm_real(w.count, k, n, w.hidden, n, 1, weights->w_hr, 1, n, w.result, k, 0, 0, 0, 0);
        /* the rows that the next step does not go on with have reached their last state */
        const int64_t next = i + 1 < w.steps ? smaller(w.count, w.batch_sizes[time_of(&w, i + 1)]) : 0;
        memcpy(h_n + next * k, w.result + next * k, (size_t)((w.count - next) * k) * sizeof(real));
        if (c_n) memcpy(c_n + next * n, w.cells + next * n, (size_t)((w.count - next) * n) * sizeof(real));
        if (!w.reverse) at += w.count;
    }
}

/* ---- backward ---- */

/* packed: for each block of the state's numbers the columns of w_hh, [gates * units, numbers of the block]. */
static void pack_backward(const walk *w, real *packed) {
    const int64_t rows = w->gates * w->units;
    for (int64_t j = 0; j < w->outputs; j += w->width) {
        const int64_t width = smaller(w->width, w->outputs - j);
        for (int64_t l = 0; l < rows; l++, packed += width)
            memcpy(packed, w->weights->w_hh + l * w->outputs + j, (size_t)width * sizeof(real));
    }
}

/* grad_h[later, columns j to j + width] = what the gates of the later step pass on; of a GRU, added to what is there. */
static void state_gradient(const walk *w, int64_t j, int64_t width) {
    const int64_t n = w->units, k = w->outputs, size = w->gates * n;
    product x = {.m = w->later,
                 .n = width,
                 .k = size,
                 .a = w->later_gates,
                 .a_row = size,
                 .a_col = 1,
                 .b = w->packed ? w->packed + size * j : w->weights->w_hh + j,
                 .b_row = w->packed ? width : k,
                 .b_col = 1,
                 .b_is_packed = w->packed != 0,
                 .c = w->grad_h + j,
                 .c_row = k};
    if (w->kind != RECURRENT_GRU) {
        multiply(1, &x);
        return;
    }
    product last = x; /* n looks at the state through r */
    x.k = 2 * n, x.accumulate = 1;
    multiply(1, &x);
    last.k = n, last.accumulate = 1, last.b += 2 * n * last.b_row, last.a = w->later_hidden, last.a_row = n;
    multiply(1, &last);
}

#define ONE vset(1)

static void rnn_backward(const walk *w, int64_t row, int64_t j, int64_t width, const real *grad) {
    const real *h = w->out_now + row * w->units + j;
    real *to = w->grad_gates + row * w->units + j;
    for (int64_t i = 0; i < width; i += LANES) {
        vreal y = load_up_to(h + i, width - i), g = load_up_to(grad + i, width - i);
        vreal through = w->kind == RECURRENT_RELU ? (vreal)((vint)(y > (vreal){0}) & (vint)g) : g * (ONE - y * y);
        store_up_to(to + i, width - i, through);
    }
}

static void lstm_backward(const walk *w, int64_t row, int64_t j, int64_t width, const real *grad,
                          const real *c_before) {
    const int64_t n = w->units;
    const real *gate = w->gate_now + row * 4 * n + j, *c = w->cell + row * n + j;
    real *to = w->grad_gates + row * 4 * n + j, *grad_c = w->grad_c + row * n + j;
    for (int64_t i = 0; i < width; i += LANES) {
        const int64_t left = width - i;
        vreal in = load_up_to(gate + GATE_I * n + i, left), forget = load_up_to(gate + GATE_F * n + i, left);
        vreal new = load_up_to(gate + GATE_G * n + i, left), open = load_up_to(gate + GATE_O * n + i, left);
        vreal y = vtanh(load_up_to(c + i, left)), g = load_up_to(grad + i, left);
        vreal cell = vfma(g * open, ONE - y * y, load_up_to(grad_c + i, left));
        store_up_to(to + GATE_I * n + i, left, cell * new *in *(ONE - in));
        store_up_to(to + GATE_F * n + i, left, cell * load_up_to(c_before + j + i, left) * forget * (ONE - forget));
        store_up_to(to + GATE_G * n + i, left, cell * in * (ONE - new *new));
        store_up_to(to + GATE_O * n + i, left, g * y * open * (ONE - open));
        store_up_to(grad_c + i, left, cell * forget);
    }
}

static void gru_backward(const walk *w, int64_t row, int64_t j, int64_t width, const real *grad, const real *h_before) {
    const int64_t n = w->units;
    const real *gate = w->gate_now + row * 3 * n + j, *hidden = w->hidden_now + row * n + j;
    real *to = w->grad_gates + row * 3 * n + j, *to_hidden = w->grad_hidden + row * n + j;
    real *grad_h = w->grad_h + row * n + j;
    for (int64_t i = 0; i < width; i += LANES) {
        const int64_t left = width - i;
        vreal reset = load_up_to(gate + GATE_R * n + i, left), keep = load_up_to(gate + GATE_Z * n + i, left);
        vreal new = load_up_to(gate + GATE_N * n + i, left), g = load_up_to(grad + i, left);
        vreal before = load_up_to(h_before + j + i, left);
        vreal through_new = g * (ONE - keep) * (ONE - new *new);
        store_up_to(to + GATE_R * n + i, left, through_new * load_up_to(hidden + i, left) * reset * (ONE - reset));
        store_up_to(to + GATE_Z * n + i, left, g * (before - new) * keep * (ONE - keep));
        store_up_to(to + GATE_N * n + i, left, through_new);
        store_up_to(to_hidden + i, left, through_new * reset);
        store_up_to(grad_h + i, left, g * keep);
    }
}

/* One block of units: the gradient of their state, then of their gates. grad_units (of a projecting LSTM) has it ready. */
static void backward_blocks(void *context, int64_t begin, int64_t end) {
    const walk *w = context;
    const int64_t n = w->units;
    for (int64_t block = begin; block < end; block++) {
        const int64_t j = block * w->width, width = smaller(w->width, n - j);
        if (w->later && !w->grad_units) state_gradient(w, j, width);
        for (int p = 0; p < w->parts; p++) {
            const part *from = &w->part[p];
            for (int64_t r = 0, row = from->first; r < from->rows; r++, row++) {
                real sum[4 * LANES];
                const real *grad = (w->grad_units ? w->grad_units : w->grad_h) + row * n + j;
                if (w->grad_out && !w->grad_units) {
                    const real *own = w->grad_out + row * n + j;
                    for (int64_t i = 0; i < width; i += LANES)
                        vstore(sum + i, load_up_to(grad + i, width - i) + load_up_to(own + i, width - i));
                    grad = sum;
                }
                if (w->kind == RECURRENT_LSTM)
                    lstm_backward(w, row, j, width, grad, from->c + r * n);
                else if (w->kind == RECURRENT_GRU)
                    gru_backward(w, row, j, width, grad, from->h + r * n);
                else
                    rnn_backward(w, row, j, width, grad);
            }
        }
    }
}

/* Before the gates of a projecting LSTM: the gradients of its projected state, and of the state before the projection. */
static void through_projection(const walk *w) {
    const int64_t n = w->units, k = w->outputs;
    if (w->later)
        gemm_real(w->later, k, 4 * n, w->later_gates, 4 * n, 1, w->weights->w_hh, k, 1, w->grad_h, k, 0, 0, 0, 0);
    if (!w->count) return;
    if (w->grad_out)
        add_real(w->count * k, w->grad_h, 1, w->grad_out, 1, w->grad_hidden);
    else
        memcpy(w->grad_hidden, w->grad_h, (size_t)(w->count * k) * sizeof(real));
    gemm_real(w->count, n, k, w->grad_hidden, k, 1, w->weights->w_hr, n, 1, w->grad_units, n, 0, 0, 0, 0);
}

/* The gradients of the weights, from those of all gates. */
static void weight_gradients(const walk *w, int64_t input_size, const real *x, const real *previous,
                             const real *grad_gates, const real *grad_hidden, const real *hidden,
                             const recurrent_gradients_real *to) {
    const int64_t rows = w->rows, n = w->units, k = w->outputs, size = w->gates * n;
    const int64_t direct = w->kind == RECURRENT_GRU ? 2 * n : size; /* gates that the state reaches as the input does */
    if (to->w_ih)
        gemm_real(size, input_size, rows, grad_gates, 1, size, x, input_size, 1, to->w_ih, input_size, 0, 0, 0, 0);
    if (to->w_hh) {
        gemm_real(direct, k, rows, grad_gates, 1, size, previous, k, 1, to->w_hh, k, 0, 0, 0, 0);
        if (direct < size)
            gemm_real(n, k, rows, grad_hidden, 1, n, previous, k, 1, to->w_hh + direct * k, k, 0, 0, 0, 0);
    }
    if (to->w_hr) gemm_real(k, n, rows, grad_hidden, 1, k, hidden, n, 1, to->w_hr, n, 0, 0, 0, 0);
    if (to->b_ih) sum_real(1, rows, size, grad_gates, to->b_ih);
    if (to->b_hh) {
        if (to->b_ih)
            memcpy(to->b_hh, to->b_ih, (size_t)size * sizeof(real));
        else
            sum_real(1, rows, size, grad_gates, to->b_hh);
        if (direct < size) sum_real(1, rows, n, grad_hidden, to->b_hh + direct);
    }
}

void recurrent_backward_real(const recurrent_shape *shape, const recurrent_weights_real *weights, const real *x,
                             const real *h0, const real *c0, const real *out, const real *gates, const real *cells,
                             const real *hidden, const real *grad_out, real *grad_h, real *grad_c, real *grad_gates,
                             real *grad_hidden, real *previous, real *grad_x,
                             const recurrent_gradients_real *gradients) {
    walk w = prepare(shape, weights, h0, c0, out, (real *)cells);
    const int64_t n = w.units, k = w.outputs, size = w.gates * n;
    const int64_t hidden_width = weights->w_hr ? k : n;
    const int pack = w.steps > 1 && !weights->w_hr;
    real *scratch = thread_scratch(SCRATCH_RECURRENT, (size_t)(pack            ? size * k
                                                               : weights->w_hr ? w.batch * n
                                                                               : 1) *
                                                          sizeof(real));
    if (pack) {
        pack_backward(&w, scratch);
        w.packed = scratch;
    }
    w.grad_h = grad_h;
    w.grad_c = grad_c;
    if (weights->w_hr) w.grad_units = scratch;
    /* the way back: one turn more than there are steps, in which the gradients only reach the first state */
    for (int64_t i = w.steps - 1, at = w.reverse ? 0 : w.rows; i >= -1; i--) {
        w.count = w.parts = 0;
        if (i >= 0) {
            const int64_t t = time_of(&w, i);
            if (!w.reverse) at -= w.batch_sizes[t];
            find_parts(&w, t, at);
            w.gate_now = gates + at * size;
            w.cell = cells ? cells + at * n : 0;
            w.hidden_now = hidden ? hidden + at * n : 0;
            w.out_now = out + at * k;
            w.grad_out = grad_out ? grad_out + at * k : 0;
            w.grad_gates = grad_gates + at * size;
            w.grad_hidden = grad_hidden ? grad_hidden + at * hidden_width : 0;
            for (int p = 0; p < w.parts; p++)
                memcpy(previous + (at + w.part[p].first) * k, w.part[p].h, (size_t)(w.part[p].rows * k) * sizeof(real));
            if (w.reverse) at += w.count;
        }
        if (weights->w_hr) through_projection(&w);
        over_blocks(&w, (w.count > w.later ? w.count : w.later) * (size + GATE_WORK), backward_blocks);
        w.later = w.count;
        w.later_gates = w.grad_gates;
        w.later_hidden = w.grad_hidden;
    }
    if (grad_x)
        gemm_real(w.rows, shape->input_size, size, grad_gates, size, 1, weights->w_ih, shape->input_size, 1, grad_x,
                  shape->input_size, 0, 0, 0, 0);
    weight_gradients(&w, shape->input_size, x, previous, grad_gates, grad_hidden, hidden, gradients);
}
