/* Convolution as a matrix product whose right operand is never written out whole.
 *
 * For a group of channels, out[channels_out, pixels] = weight[channels_out, k] @ patches[k, pixels], where k runs over
 * (channel in, kernel row, kernel column) and patches[k, pixel] is the number of x under that place of the kernel. A task
 * takes one block of pixels: some rows of an image, or a few whole small images. It copies the channels with their
 * padding (gather). Then there are three ways:
 *   views    a row of patches is a stretch of the padded channel, if the pixels are taken with its row length (some
 *            columns too many, which are dropped): tiles read it there, nothing is laid out. For few channels out.
 *   patches  laid out row by row (unfold), some channels at a time, and multiplied. For many channels out, where the
 *            columns too many would cost more than the layout.
 *   direct   for one or two channels out a group (depthwise): plain sums over the taps.
 *
 * The gradient of x is a convolution too, of grad_out with the kernel turned round, where the strides are 1; elsewhere
 * weight^T @ grad_out gives the gradients of the patches, which are added up where they came from (fold). The gradient of
 * the weight is patches @ grad_out^T, summed over parts of the batch in a fixed order. */
#include "kernels/gemm.h"
#include "lucid_engine.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"

#define K_BLOCK 384                   /* rows of patches at a time, more or less: whole channels */
#define PATCHES_BYTES (256 * 1024)    /* of a task, in L2 */
#define VIEWS_BYTES (512 * 1024)      /* of padded channels, when they are not laid out */
#define SMALL_IMAGE 64                /* images of fewer pixels are taken together, up to about */
#define SMALL_IMAGES 192              /* so many pixels */
#define FEW_CHANNELS 2                /* with so few channels out a group, a product would not pay for the patches */
#define UNFOLD_COST 4                 /* time to lay out a number of patches: so many multiply-adds */
#define DROP_COST 6                   /* time to copy a result out of the columns too many: so many */
#define TASK_WORK (1 << 20)           /* multiply-adds worth a launch */
#define PARTS 16                      /* of the batch, whose weight gradients are summed apart */
#define PARTS_BYTES (8 * 1024 * 1024) /* unless they are larger than this together */

typedef struct {
    const conv2d_shape *shape;
    const real *x, *weight, *bias, *grad_out;
    real *out, *grad_x, *parts, *bias_parts;
    int64_t activation;
    int64_t channels_in, channels_out, taps, k; /* of a group: k = channels_in * taps */
    int64_t block_channels, channel_blocks;     /* channels in, unfolded at a time */
    int64_t block_images, image_blocks;         /* the pixels of a block: images > 1 only with whole images, */
    int64_t block_rows, row_blocks;             /* rows > 1 only with whole rows */
    int64_t block_cols, col_blocks;
    int64_t patches_row;                        /* from one row of patches to the next */
    int64_t phase_cols, phase_rows, padded_plane; /* padded[channels, stride_h, stride_w, phase_rows, phase_cols] */
    const int64_t *offsets;                     /* of k's places in padded: offsets[block_channels * taps] */
    int views;
    int64_t part_images, part_count;
} plan;

typedef struct {
    int64_t image, images, row, rows, col, cols;
} pixels;

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t pieces(int64_t n, int64_t size) { return (n + size - 1) / size; }
static inline int64_t even_piece(int64_t n, int64_t most) { return pieces(n, pieces(n, larger(most, 1))); }
static inline int64_t work_chunk(int64_t work) { return work >= TASK_WORK ? 1 : TASK_WORK / (work + 1) + 1; }

static plan make_plan(const conv2d_shape *s) {
    plan p = {.shape = s, .channels_in = s->in_channels / s->groups, .channels_out = s->out_channels / s->groups,
              .taps = s->kernel_height * s->kernel_width};
    p.k = p.channels_in * p.taps;
    p.block_channels = even_piece(p.channels_in, K_BLOCK / p.taps);
    p.channel_blocks = pieces(p.channels_in, p.block_channels);
    const int64_t image = s->out_height * s->out_width;
    const int64_t most = larger(PATCHES_BYTES / (p.block_channels * p.taps * (int64_t)sizeof(real)), 2 * LANES);
    p.block_rows = even_piece(s->out_height, smaller(most / s->out_width, s->out_height));
    p.block_cols = p.block_rows > 1 || s->out_width <= most ? s->out_width : even_piece(s->out_width, most);
    p.block_images = image < SMALL_IMAGE && image <= most ? smaller(s->batch, smaller(most, SMALL_IMAGES) / image) : 1;
    p.block_images = even_piece(s->batch, p.block_images);
    p.image_blocks = pieces(s->batch, p.block_images);
    p.row_blocks = pieces(s->out_height, p.block_rows);
    p.col_blocks = pieces(s->out_width, p.block_cols);
    /* An odd number of vectors spreads the rows over the sets of a cache. The last stores of a row run over its end. */
    p.patches_row = (pieces(p.block_images * p.block_rows * p.block_cols + LANES - 1, LANES) | 1) * LANES;
    p.phase_cols = p.block_cols + (s->kernel_width - 1) * s->dilation_w / s->stride_w;
    p.phase_rows = p.block_rows + (s->kernel_height - 1) * s->dilation_h / s->stride_h;
    p.padded_plane = s->stride_h * s->stride_w * p.phase_rows * p.phase_cols;

    int64_t *offsets = thread_scratch(SCRATCH_CONV_OFFSETS, (size_t)(p.block_channels * p.taps) * sizeof(int64_t));
    p.offsets = offsets;
    for (int64_t channel = 0; channel < p.block_channels; channel++)
        for (int64_t i = 0; i < s->kernel_height; i++)
            for (int64_t j = 0; j < s->kernel_width; j++) {
                const int64_t row = i * s->dilation_h, col = j * s->dilation_w;
                const int64_t phase = row % s->stride_h * s->stride_w + col % s->stride_w;
                *offsets++ = channel * p.padded_plane +
                             (phase * p.phase_rows + row / s->stride_h) * p.phase_cols + col / s->stride_w;
            }
    return p;
}

static int is_empty(const conv2d_shape *s) {
    return s->batch <= 0 || s->out_channels <= 0 || s->out_height <= 0 || s->out_width <= 0;
}

/* Block `number` of the pixels of all images. */
static pixels block_of_pixels(const plan *p, int64_t number) {
    const conv2d_shape *s = p->shape;
    const int64_t col = number % p->col_blocks * p->block_cols, row = number / p->col_blocks % p->row_blocks * p->block_rows;
    const int64_t image = number / p->col_blocks / p->row_blocks * p->block_images;
    return (pixels){image, smaller(p->block_images, s->batch - image), row,
                    smaller(p->block_rows, s->out_height - row), col, smaller(p->block_cols, s->out_width - col)};
}

/* Numbers of working memory: the padded channels, where loads may run over the end; then the patches, where stores may. */
static int64_t padded_size(const plan *p, int64_t channels) { return (channels * p->padded_plane / LANES + 3) * LANES; }
static int64_t patches_size(const plan *p) { return p->block_channels * p->taps * p->patches_row + LANES; }

/* out[n] = x[n], out[n..] may be overwritten up to the next whole vector, x not read beyond n. */
static inline void copy_row(int64_t n, const real *x, real *out) {
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) vstore(out + i, vload(x + i));
    if (i < n) vstore(out + i, vload_partial(x + i, n - i));
}

/* padded[channels, stride_h, stride_w, phase_rows, phase_cols]: the rows and columns of x[channels] (of one image) that the
 * block's pixels touch, zeros where they lie outside. Rows and columns are dealt out by their remainders modulo the
 * strides, so that pixels side by side find their numbers side by side. */
static void gather(const plan *p, const real *x, int64_t channels, const pixels *b, real *padded) {
    const conv2d_shape *s = p->shape;
    const int64_t phases = s->stride_h * s->stride_w, cols = p->phase_cols;
    for (int64_t number = 0; number < channels * phases; number++) {
        const int64_t phase = number % phases;
        const real *channel = x + number / phases * s->height * s->width;
        const int64_t first_row = b->row * s->stride_h - s->padding_h + phase / s->stride_w;
        const int64_t first = b->col * s->stride_w - s->padding_w + phase % s->stride_w;
        const int64_t begin = first >= 0 ? 0 : smaller(pieces(-first, s->stride_w), cols);
        const int64_t end = first >= s->width ? 0 : smaller(pieces(s->width - first, s->stride_w), cols);
        const int64_t rows = p->phase_rows, height = s->height, width = s->width, down = s->stride_h, along = s->stride_w;
        real *out = padded + number * rows * cols;
        for (int64_t r = 0, row = first_row; r < rows; r++, row += down, out += cols) {
            if (row < 0 || row >= height || end <= begin) {
                for (int64_t j = 0; j < cols; j += LANES) vstore(out + j, (vreal){0});
                continue;
            }
            const real *from = channel + row * width + first;
            for (int64_t j = 0; j < begin; j += LANES) vstore(out + j, (vreal){0});
            if (along == 1)
                copy_row(end - begin, from + begin, out + begin);
            else
                for (int64_t j = begin; j < end; j++) out[j] = from[j * along];
            for (int64_t j = end; j < cols; j += LANES) vstore(out + j, (vreal){0});
        }
    }
}

/* patches[channels * taps, pixels of one image] from padded. */
static void unfold(const plan *p, const real *padded, int64_t channels, const pixels *b, real *patches) {
    const int64_t rows = b->rows, cols = b->cols, count = channels * p->taps, step = p->phase_cols;
    const int64_t patches_row = p->patches_row, *offsets = p->offsets;
    for (int64_t k = 0; k < count; k++, patches += patches_row) {
        const real *from = padded + offsets[k];
        real *to = patches;
        if (cols <= LANES)
            for (int64_t row = 0; row < rows; row++, from += step, to += cols) vstore(to, vload(from));
        else
            for (int64_t row = 0; row < rows; row++, from += step, to += cols)
                for (int64_t col = 0; col < cols; col += LANES) vstore(to + col, vload(from + col));
    }
}

/* The patches of a block: `channels` channels from number `channel` (of all in x) on. */
static void make_patches(const plan *p, int64_t channel, int64_t channels, const pixels *b, real *padded, real *patches) {
    const conv2d_shape *s = p->shape;
    for (int64_t i = 0; i < b->images; i++) {
        gather(p, p->x + ((b->image + i) * s->in_channels + channel) * s->height * s->width, channels, b, padded);
        unfold(p, padded, channels, b, patches + i * b->rows * b->cols);
    }
}

/* ---- direct ---- */

/* out[rows, cols] (=, +=) weight[channels * taps] . padded, for one channel out; `count` rows of pixels at a time. */
static ALWAYS_INLINE void direct_rows(const int count, const plan *p, const real *padded, const real *weight, int64_t k,
                                      int64_t cols, int is_first, real bias, int relu, real *out) {
    const int64_t step = p->phase_cols, out_row = p->shape->out_width, *offsets = p->offsets;
    for (int64_t col = 0; col < cols; col += LANES) {
        const int64_t left = cols - col;
        vreal acc[4];
        UNROLL for (int r = 0; r < count; r++) {
            const real *old = out + r * out_row + col;
            acc[r] = is_first ? (vreal){0} : left >= LANES ? vload(old) : vload_partial(old, left);
        }
        for (int64_t l = 0; l < k; l++) {
            const real *from = padded + offsets[l] + col;
            const vreal x = vset(weight[l]);
            UNROLL for (int r = 0; r < count; r++) acc[r] = vfma(x, vload(from + r * step), acc[r]);
        }
        UNROLL for (int r = 0; r < count; r++) {
            vreal y = acc[r] + vset(bias);
            if (relu) y = vmax((vreal){0}, y);
            if (left >= LANES)
                vstore(out + r * out_row + col, y);
            else
                vstore_partial(out + r * out_row + col, left, y);
        }
    }
}

static void direct(const plan *p, const real *padded, const real *weight, int64_t k, const pixels *b, int is_first, real bias,
                   int relu, real *out) {
    const int64_t out_row = p->shape->out_width;
    int64_t row = 0;
    for (; row + 4 <= b->rows; row += 4, padded += 4 * p->phase_cols)
        direct_rows(4, p, padded, weight, k, b->cols, is_first, bias, relu, out + row * out_row);
    for (; row < b->rows; row++, padded += p->phase_cols)
        direct_rows(1, p, padded, weight, k, b->cols, is_first, bias, relu, out + row * out_row);
}

/* ---- views ---- */

#define GATHERED(rows, vectors)                                                                                        \
    static void gathered_##rows##x##vectors(const tile_job *t) { tile(rows, vectors, 1, t); }
GATHERED(1, 1) GATHERED(2, 1) GATHERED(3, 1) GATHERED(4, 1) GATHERED(5, 1) GATHERED(6, 1)
GATHERED(1, 2) GATHERED(2, 2) GATHERED(3, 2) GATHERED(4, 2) GATHERED(5, 2) GATHERED(6, 2)
#if TILE_ROWS == 12
GATHERED(7, 1) GATHERED(8, 1) GATHERED(9, 1) GATHERED(10, 1) GATHERED(11, 1) GATHERED(12, 1)
GATHERED(7, 2) GATHERED(8, 2) GATHERED(9, 2) GATHERED(10, 2) GATHERED(11, 2) GATHERED(12, 2)
#endif

typedef void (*tile_kernel)(const tile_job *);
static const tile_kernel gathered[][2] = {
    {gathered_1x1, gathered_1x2},   {gathered_2x1, gathered_2x2},   {gathered_3x1, gathered_3x2},
    {gathered_4x1, gathered_4x2},   {gathered_5x1, gathered_5x2},   {gathered_6x1, gathered_6x2},
#if TILE_ROWS == 12
    {gathered_7x1, gathered_7x2},   {gathered_8x1, gathered_8x2},   {gathered_9x1, gathered_9x2},
    {gathered_10x1, gathered_10x2}, {gathered_11x1, gathered_11x2}, {gathered_12x1, gathered_12x2},
#endif
};

/* Columns of a block when its pixels are taken with the row length of padded, in whole vectors. */
static int64_t view_cols(const plan *p, int64_t rows, int64_t cols) {
    return pieces((rows - 1) * p->phase_cols + cols, LANES) * LANES;
}

/* out[channels_out, pixels of a block] from padded[channels_in]; results[TILE_ROWS, view_cols] is working memory. */
static void multiply_views(const plan *p, const real *padded, const real *weight, const real *bias, const pixels *b,
                           real *results, real *out) {
    const conv2d_shape *s = p->shape;
    const int64_t view = view_cols(p, b->rows, b->cols), tiles = pieces(p->channels_out, TILE_ROWS);
    for (int64_t number = 0, o = 0; number < tiles; number++) {
        const int64_t rows = p->channels_out / tiles + (number < p->channels_out % tiles);
        for (int64_t channel = 0; channel < p->channels_in; channel += p->block_channels) {
            const int64_t channels = smaller(p->block_channels, p->channels_in - channel);
            const int is_last = channel + channels == p->channels_in;
            tile_job t = {.k = channels * p->taps, .a = weight + o * p->k + channel * p->taps, .a_row = p->k, .a_col = 1,
                          .b_offsets = p->offsets, .c_row = view, .last = LANES, .add = channel > 0,
                          .relu = is_last && p->activation == 1, .row_bias = is_last && bias ? bias + o : 0};
            for (int64_t col = 0; col < view; col += 2 * LANES) {
                t.b = padded + channel * p->padded_plane + col;
                t.c = results + col;
                gathered[rows - 1][view - col > LANES](&t);
            }
        }
        for (const real *from = results; from < results + rows * view; from += view, o++) {
            real *to = out + o * s->out_height * s->out_width;
            for (int64_t row = 0; row < b->rows; row++, to += s->out_width) {
                const real *from_row = from + row * p->phase_cols;
                int64_t col = 0;
                for (; col + LANES <= b->cols; col += LANES) vstore(to + col, vload(from_row + col));
                if (col < b->cols) vstore_partial(to + col, b->cols - col, vload_partial(from_row + col, b->cols - col));
            }
        }
    }
}

/* ---- forward ---- */

/* Tasks of the forward pass: number = block of pixels * groups + group. */
static void forward_tasks(void *context, int64_t begin, int64_t end) {
    const plan *p = context;
    const conv2d_shape *s = p->shape;
    const int64_t image_size = s->out_height * s->out_width;
    const int few = p->channels_out <= FEW_CHANNELS, together = p->block_images > 1 && !few;
    const int64_t gathered_size = padded_size(p, p->views ? p->channels_in : p->block_channels);
    const int64_t patches_or_none = few || p->views ? 0 : patches_size(p);
    const int64_t results_size = p->views ? TILE_ROWS * view_cols(p, p->block_rows, p->block_cols)
                                          : together ? p->channels_out * p->patches_row : 0;
    real *padded = thread_scratch(SCRATCH_CONV, (size_t)(gathered_size + patches_or_none + results_size) * sizeof(real));
    real *patches = padded + gathered_size, *results = patches + patches_or_none;
    for (int64_t number = begin; number < end; number++) {
        const int64_t group = number % s->groups;
        const pixels b = block_of_pixels(p, number / s->groups);
        const int64_t count = b.images * b.rows * b.cols;
        const real *weight = p->weight + group * p->channels_out * p->k;
        const real *bias = p->bias ? p->bias + group * p->channels_out : 0;
        real *out = p->out + (b.image * s->out_channels + group * p->channels_out) * image_size + b.row * s->out_width + b.col;
        if (p->views) {
            const real *x = p->x + (b.image * s->in_channels + group * p->channels_in) * s->height * s->width;
            gather(p, x, p->channels_in, &b, padded);
            multiply_views(p, padded, weight, bias, &b, results, out);
            continue;
        }
        for (int64_t channel = 0; channel < p->channels_in; channel += p->block_channels) {
            const int64_t channels = smaller(p->block_channels, p->channels_in - channel);
            const int64_t in_x = group * p->channels_in + channel;
            const int is_first = channel == 0, is_last = channel + channels == p->channels_in;
            const int relu = is_last && p->activation == 1;
            if (few) {
                for (int64_t i = 0; i < b.images; i++) {
                    gather(p, p->x + ((b.image + i) * s->in_channels + in_x) * s->height * s->width, channels, &b, padded);
                    for (int64_t o = 0; o < p->channels_out; o++)
                        direct(p, padded, weight + o * p->k + channel * p->taps, channels * p->taps, &b, is_first,
                               is_last && bias ? bias[o] : 0, relu, out + (i * s->out_channels + o) * image_size);
                }
                continue;
            }
            make_patches(p, in_x, channels, &b, padded, patches);
            product m = {.m = p->channels_out, .n = count, .k = channels * p->taps, .a = weight + channel * p->taps,
                         .a_row = p->k, .a_col = 1, .b = patches, .b_row = p->patches_row, .b_col = 1, .b_is_packed = 1,
                         .c = together ? results : out, .c_row = together ? p->patches_row : image_size,
                         .row_bias = is_last ? bias : 0, .activation = relu, .accumulate = !is_first};
            multiply(1, &m);
        }
        for (int64_t i = 0; together && i < b.images; i++)
            for (int64_t o = 0; o < p->channels_out; o++)
                memcpy(out + (i * s->out_channels + o) * image_size, results + o * p->patches_row + i * image_size,
                       (size_t)image_size * sizeof(real));
    }
}

/* A kernel of one tap that touches every pixel once: x is its own patches. */
static int is_pointwise(const conv2d_shape *s) {
    return s->kernel_height == 1 && s->kernel_width == 1 && s->stride_h == 1 && s->stride_w == 1 && s->padding_h == 0 &&
           s->padding_w == 0 && s->out_height * s->out_width >= SMALL_IMAGE;
}

/* Views cost columns too many, patches their layout: whichever is less. */
static void choose_views(plan *p) {
    const double rows_of_patches = (double)pieces(p->block_rows * p->block_cols, LANES) * LANES;
    const double too_many = (double)view_cols(p, p->block_rows, p->block_cols) / rows_of_patches - 1;
    p->views = p->channels_out > FEW_CHANNELS && p->block_images == 1 &&
               p->channels_in * p->padded_plane * (int64_t)sizeof(real) <= VIEWS_BYTES &&
               too_many + DROP_COST / (double)p->k < UNFOLD_COST / (double)p->channels_out;
}

void conv2d_real(const conv2d_shape *s, const real *x, const real *weight, const real *bias, int64_t activation, real *out) {
    if (is_empty(s)) return;
    const int64_t image = s->out_height * s->out_width;
    if (s->in_channels == 0) { /* an empty sum */
        for (int64_t i = 0; i < s->batch * s->out_channels * image; i++) {
            const real y = bias ? bias[i / image % s->out_channels] : 0;
            out[i] = activation == 1 && y < 0 ? 0 : y;
        }
        return;
    }
    plan p = make_plan(s);
    if (is_pointwise(s) && p.channels_out > FEW_CHANNELS) {
        for (int64_t g = 0; g < s->groups; g++) {
            product m = {.m = p.channels_out, .n = image, .k = p.channels_in, .a = weight + g * p.channels_out * p.k,
                         .a_row = p.k, .a_col = 1, .b = x + g * p.channels_in * image, .b_batch = s->in_channels * image,
                         .b_row = image, .b_col = 1, .c = out + g * p.channels_out * image,
                         .c_batch = s->out_channels * image, .c_row = image,
                         .row_bias = bias ? bias + g * p.channels_out : 0, .activation = activation};
            multiply(s->batch, &m);
        }
        return;
    }
    p.x = x, p.weight = weight, p.bias = bias, p.activation = activation, p.out = out;
    choose_views(&p);
    const int64_t work = p.channels_out * p.k * p.block_images * p.block_rows * p.block_cols;
    parallel_for(p.image_blocks * p.row_blocks * p.col_blocks * s->groups, work_chunk(work), forward_tasks, &p);
}

/* ---- gradient of x ---- */

/* grad_x[channels] += gradients of patches, where they came from. */
static void fold(const plan *p, const real *patches, int64_t channels, const pixels *b, real *grad_x) {
    const conv2d_shape *s = p->shape;
    for (int64_t channel = 0; channel < channels; channel++, grad_x += s->height * s->width)
        for (int64_t i = 0; i < s->kernel_height; i++)
            for (int64_t j = 0; j < s->kernel_width; j++, patches += p->patches_row) {
                const int64_t first = b->col * s->stride_w - s->padding_w + j * s->dilation_w; /* the column of pixel 0 */
                const int64_t begin = first >= 0 ? 0 : pieces(-first, s->stride_w);
                const int64_t end = first >= s->width ? 0 : smaller(b->cols, pieces(s->width - first, s->stride_w));
                for (int64_t r = 0; r < b->rows; r++) {
                    const int64_t row = (b->row + r) * s->stride_h - s->padding_h + i * s->dilation_h;
                    if (row < 0 || row >= s->height) continue;
                    real *to = grad_x + row * s->width;
                    const real *from = patches + r * b->cols;
                    for (int64_t col = begin; col < end; col++) to[first + col * s->stride_w] += from[col];
                }
            }
}

/* Tasks: number = (block of images * groups + group) * channel_blocks + block of channels. Of small images some are taken
 * together, their pixels side by side: a product of a few columns would leave most of each vector empty. */
static void fold_tasks(void *context, int64_t begin, int64_t end) {
    const plan *p = context;
    const conv2d_shape *s = p->shape;
    const int64_t image_size = s->out_height * s->out_width, x_size = s->height * s->width;
    const int together = p->block_images > 1;
    const int64_t beside_size = together ? p->channels_out * p->patches_row : 0;
    real *patches = thread_scratch(SCRATCH_CONV, (size_t)(patches_size(p) + beside_size) * sizeof(real));
    real *beside = patches + patches_size(p);
    for (int64_t number = begin; number < end; number++) {
        const int64_t channel = number % p->channel_blocks * p->block_channels;
        const int64_t group = number / p->channel_blocks % s->groups;
        const int64_t image = number / p->channel_blocks / s->groups * p->block_images;
        const int64_t channels = smaller(p->block_channels, p->channels_in - channel);
        const int64_t images = smaller(p->block_images, s->batch - image);
        const real *grad_out = p->grad_out + (image * s->out_channels + group * p->channels_out) * image_size;
        real *grad_x = p->grad_x + (image * s->in_channels + group * p->channels_in + channel) * x_size;
        for (int64_t i = 0; i < images; i++)
            memset(grad_x + i * s->in_channels * x_size, 0, (size_t)(channels * x_size) * sizeof(real));
        for (int64_t i = 0; together && i < images; i++)
            for (int64_t o = 0; o < p->channels_out; o++)
                memcpy(beside + o * p->patches_row + i * image_size, grad_out + (i * s->out_channels + o) * image_size,
                       (size_t)image_size * sizeof(real));
        for (int64_t block = 0; block < p->row_blocks * p->col_blocks; block++) {
            const pixels b = block_of_pixels(p, block);
            product m = {.m = channels * p->taps,
                         .n = images * b.rows * b.cols,
                         .k = p->channels_out,
                         .a = p->weight + group * p->channels_out * p->k + channel * p->taps,
                         .a_row = 1,
                         .a_col = p->k,
                         .b = together ? beside : grad_out + b.row * s->out_width + b.col,
                         .b_row = together ? p->patches_row : image_size,
                         .b_col = 1,
                         .c = patches,
                         .c_row = p->patches_row};
            multiply(1, &m);
            for (int64_t i = 0; i < images; i++)
                fold(p, patches + i * image_size, channels, &b, grad_x + i * s->in_channels * x_size);
        }
    }
}

void conv2d_backward_input_real(const conv2d_shape *s, const real *grad_out, const real *weight, real *grad_x) {
    if (s->batch <= 0 || s->in_channels <= 0 || s->height <= 0 || s->width <= 0) return;
    if (is_empty(s)) {
        memset(grad_x, 0, (size_t)(s->batch * s->in_channels * s->height * s->width) * sizeof(real));
        return;
    }
    plan p = make_plan(s);
    if (s->stride_h == 1 && s->stride_w == 1) {
        /* turned[in_channels, out_channels / groups, taps]: the kernel turned round, its channels exchanged */
        real *turned = thread_scratch(SCRATCH_CONV_SHARED, (size_t)(s->out_channels * p.k) * sizeof(real));
        for (int64_t g = 0; g < s->groups; g++)
            for (int64_t c = 0; c < p.channels_in; c++)
                for (int64_t o = 0; o < p.channels_out; o++) {
                    const real *from = weight + ((g * p.channels_out + o) * p.channels_in + c) * p.taps;
                    real *to = turned + ((g * p.channels_in + c) * p.channels_out + o) * p.taps;
                    for (int64_t t = 0; t < p.taps; t++) to[t] = from[p.taps - 1 - t];
                }
        conv2d_shape back = *s;
        back.in_channels = s->out_channels, back.out_channels = s->in_channels;
        back.height = s->out_height, back.width = s->out_width, back.out_height = s->height, back.out_width = s->width;
        back.padding_h = (s->kernel_height - 1) * s->dilation_h - s->padding_h; /* negative: less than all of grad_out */
        back.padding_w = (s->kernel_width - 1) * s->dilation_w - s->padding_w;
        conv2d_real(&back, grad_out, turned, 0, 0, grad_x);
        return;
    }
    p.weight = weight, p.grad_out = grad_out, p.grad_x = grad_x;
    const int64_t work = p.channels_out * p.block_channels * p.taps * p.block_images * s->out_height * s->out_width;
    parallel_for(p.image_blocks * s->groups * p.channel_blocks, work_chunk(work), fold_tasks, &p);
}

/* ---- gradient of the weight ---- */

/* sum[channels] = (+=) the sum of each channel's pixels */
static void sum_pixels(int64_t channels, int64_t image_size, const real *grad_out, int accumulate, real *sum) {
    for (int64_t o = 0; o < channels; o++, grad_out += image_size) {
        vreal acc = {0};
        int64_t i = 0;
        for (; i + LANES <= image_size; i += LANES) acc += vload(grad_out + i);
        if (i < image_size) acc += vload_partial(grad_out + i, image_size - i);
        sum[o] = (accumulate ? sum[o] : 0) + vsum(acc);
    }
}

/* out[pixels, channels] from grad_out[channels, pixels] */
static void transpose_pixels(int64_t channels, int64_t count, const real *grad_out, real *out) {
    for (int64_t o = 0; o < channels; o += LANES)
        for (int64_t i = 0; i < count; i += LANES) {
            vreal x[LANES];
            const int64_t rows = smaller(LANES, channels - o), cols = smaller(LANES, count - i);
            load_block(x, grad_out + o * count + i, count, rows, cols);
            transpose(x);
            real *to = out + i * channels + o;
            UNROLL for (int j = 0; j < LANES; j++) {
                if (j >= cols) continue;
                if (rows == LANES)
                    vstore(to + j * channels, x[j]);
                else
                    vstore_partial(to + j * channels, rows, x[j]);
            }
        }
}

/* Tasks: number = (part * groups + group) * channel_blocks + block of channels. Each sums into its own
 * parts[part, group, its k, channels_out]; the first block of channels sums grad_out into bias_parts[part, out_channels]. */
static void weight_tasks(void *context, int64_t begin, int64_t end) {
    const plan *p = context;
    const conv2d_shape *s = p->shape;
    const int64_t image_size = s->out_height * s->out_width;
    const int64_t gathered_size = padded_size(p, p->block_channels);
    const int together = p->block_images > 1;
    const int64_t turned_size = together ? p->block_images * image_size * p->channels_out : 0;
    real *padded = thread_scratch(SCRATCH_CONV, (size_t)(gathered_size + patches_size(p) + turned_size) * sizeof(real));
    real *patches = padded + gathered_size, *turned = patches + patches_size(p);
    for (int64_t number = begin; number < end; number++) {
        const int64_t channel = number % p->channel_blocks * p->block_channels;
        const int64_t group = number / p->channel_blocks % s->groups, part = number / p->channel_blocks / s->groups;
        const int64_t channels = smaller(p->block_channels, p->channels_in - channel);
        const int64_t last_image = smaller((part + 1) * p->part_images, s->batch);
        real *sum = p->parts + ((part * s->groups + group) * p->k + channel * p->taps) * p->channels_out;
        real *bias_sum = p->bias_parts + part * s->out_channels + group * p->channels_out;
        int accumulate = 0;
        for (int64_t image = part * p->part_images; image < last_image; image += p->block_images) {
            const int64_t images = smaller(p->block_images, last_image - image);
            const real *grad_out = p->grad_out + (image * s->out_channels + group * p->channels_out) * image_size;
            for (int64_t block = 0; block < p->row_blocks * p->col_blocks; block++, accumulate = 1) {
                pixels b = block_of_pixels(p, block);
                b.image = image, b.images = images;
                make_patches(p, group * p->channels_in + channel, channels, &b, padded, patches);
                product m = {.m = channels * p->taps, .n = p->channels_out, .k = images * b.rows * b.cols, .a = patches,
                             .a_row = p->patches_row, .a_col = 1, .b = grad_out + b.row * s->out_width + b.col, .b_row = 1,
                             .b_col = image_size, .c = sum, .c_row = p->channels_out, .accumulate = accumulate};
                if (together) {
                    for (int64_t i = 0; i < images; i++)
                        transpose_pixels(p->channels_out, image_size, grad_out + i * s->out_channels * image_size,
                                         turned + i * image_size * p->channels_out);
                    m.b = turned, m.b_row = p->channels_out, m.b_col = 1;
                }
                multiply(1, &m);
            }
            for (int64_t i = 0; channel == 0 && i < images; i++)
                sum_pixels(p->channels_out, image_size, grad_out + i * s->out_channels * image_size,
                           image + i > part * p->part_images, bias_sum);
        }
    }
}

void conv2d_backward_weight_real(const conv2d_shape *s, const real *x, const real *grad_out, real *grad_weight,
                                 real *grad_bias) {
    if (s->out_channels <= 0) return;
    if (is_empty(s) || s->in_channels == 0) {
        const int64_t k = s->in_channels / s->groups * s->kernel_height * s->kernel_width;
        const int64_t image = s->out_height * s->out_width;
        memset(grad_weight, 0, (size_t)(s->out_channels * k) * sizeof(real));
        if (grad_bias) memset(grad_bias, 0, (size_t)s->out_channels * sizeof(real));
        for (int64_t i = 0; grad_bias && i < s->batch; i++)
            sum_pixels(s->out_channels, image, grad_out + i * s->out_channels * image, 1, grad_bias);
        return;
    }
    plan p = make_plan(s);
    const int64_t size = s->out_channels * p.k;
    const int64_t most = larger(1, smaller(PARTS, PARTS_BYTES / (size * (int64_t)sizeof(real))));
    p.part_images = pieces(pieces(s->batch, smaller(most, s->batch)), p.block_images) * p.block_images;
    p.part_count = pieces(s->batch, p.part_images);
    p.x = x, p.grad_out = grad_out;
    p.parts = thread_scratch(SCRATCH_CONV_SHARED, (size_t)(p.part_count * (size + s->out_channels)) * sizeof(real));
    p.bias_parts = p.parts + p.part_count * size;
    const int64_t work = p.channels_out * p.block_channels * p.taps * s->out_height * s->out_width * p.part_images;
    parallel_for(p.part_count * s->groups * p.channel_blocks, work_chunk(work), weight_tasks, &p);

    /* grad_weight[group, channels_out, k] = the sum over the parts of parts[part, group, k, channels_out] */
    for (int64_t g = 0; g < s->groups; g++)
        for (int64_t o = 0; o < p.channels_out; o++)
            for (int64_t k = 0; k < p.k; k++) {
                real sum = 0;
                for (int64_t part = 0; part < p.part_count; part++)
                    sum += p.parts[((part * s->groups + g) * p.k + k) * p.channels_out + o];
                grad_weight[(g * p.channels_out + o) * p.k + k] = sum;
            }
    for (int64_t o = 0; grad_bias && o < s->out_channels; o++) {
        real sum = 0;
        for (int64_t part = 0; part < p.part_count; part++) sum += p.bias_parts[part * s->out_channels + o];
        grad_bias[o] = sum;
    }
}
