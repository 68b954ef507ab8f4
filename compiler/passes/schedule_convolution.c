/* schedule_convolution.c - a convolution as MATMUL and REQUANTIZE pairs over its blocks, chunks, groups of tiles and parts.
 *
 *   for each block, for each chunk (or the other way round)
 *       LOAD the rows the block needs, LOAD the chunk's weights and parameters     when they have changed
 *       COPY the next block's windows                                               im2col
 *       for each group of tiles: MATMUL (one a part of K), REQUANTIZE
 *       STORE the block                                                             a map outside the scratchpad
 *
 * Computed weights come from the arena as a matrix [K][channels], of which LOADs make the rows of tiles that the machine reads; one matrix
 * after the other with its own blocks. The zero point of the input leaves their sums by more MATMULs, which see nothing but its negative.
 * Sums take the accumulator in turn, so that a MATMUL can fill rows while REQUANTIZE reads others.
 */
#include "common/precision.h"
#include "compiler/passes/passes.h"
#include "compiler/passes/sharing.h"

enum { RING_MAX = 2 };

struct conv {
    struct plan *plan;
    uint32_t layer;
    const struct qm_layer *l;
    const struct plan_tiling *t;
    const struct plan_window *window;
    uint32_t blocks_w, blocks, chunks, tile; /* blocks: of one matrix */
    uint32_t block, chunk;                   /* that are loaded; PLAN_NONE: none */
    struct area in;                          /* of the block */
    uint32_t matrix;                         /* of computed weights: whose turn it is */
    uint32_t weights, weights_base;          /* buffer, and the offset in it of what `weights` offsets count from */
    uint32_t results[RING_MAX], windows[RING_MAX];
    uint32_t table;              /* buffer */
    struct destination residual; /* of the block's channels */
    uint32_t stores;             /* made so far: results take their buffers in turn */
};

static struct block block_at(const struct conv *c, uint32_t index) {
    uint32_t h = lowering_matrix_h(&c->t->lowering), place = index % c->blocks, matrix = index / c->blocks;
    uint32_t y = place / c->blocks_w * c->t->block_h, x = place % c->blocks_w * c->t->block_w;
    return (struct block){matrix * h + y, x, plan_min(c->t->block_h, h - y), plan_min(c->t->block_w, c->window->out_w - x)};
}

static struct range chunk_at(const struct conv *c, uint32_t index) {
    uint32_t first = index * c->t->chunk_channels;
    return (struct range){first, plan_min(c->t->chunk_channels, c->t->lowering.channels - first)};
}

/* ---- constants ---- */

static void add_constant(struct conv *c, struct range channels, uint32_t bytes) {
    struct plan *plan = c->plan;
    uint32_t index = plan_add_constant(plan);
    struct plan_constant *constant = &plan->constants[index];
    constant->layer = c->layer;
    constant->channel = channels.first;
    constant->channels = channels.count;
    constant->offset = plan_ceil_div(plan->image_bytes, PLAN_ARENA_ALIGNMENT) * PLAN_ARENA_ALIGNMENT;
    constant->bytes = bytes;
    plan->image_bytes = constant->offset + constant->bytes;
}

static uint32_t param_bytes(const struct conv *c, uint32_t channels) {
    return QM_PARAMETER_BYTES * plan_ceil_div(channels, c->tile) * c->plan->machine->cols;
}

/* Takes the constants of a layer before that has the same, as the examples of a batch do. False: there is none. A trial begins with a layer
 * within the network: those before that have no constants in it. */
static bool share_constants(struct conv *c) {
    const struct plan *plan = c->plan;
    const uint32_t *same = plan->network->same_numbers;
    if (same == NULL || plan->constant_count == 0) return false;
    uint32_t first = plan->constants[0].layer, other = same[c->layer];
    while (other != PLAN_NONE && other >= first && !sharing_same_cuts(&plan->layers[other].tiling, c->t)) other = same[other];
    if (other == PLAN_NONE || other < first) return false;
    plan->layers[c->layer].first_constant = plan->layers[other].first_constant;
    return true;
}

/* Adds a constant for each chunk, with its weights, unless they are computed, and parameters, and one for the table. */
static void add_constants(struct conv *c) {
    struct plan *plan = c->plan;
    if (share_constants(c)) return;
    plan->layers[c->layer].first_constant = plan->constant_count;
    for (uint32_t i = 0; i < c->chunks; i++) {
        struct range channels = chunk_at(c, i);
        uint32_t bytes = tile_chunk_bytes(plan->machine, &c->t->lowering, channels.count);
        add_constant(c, channels, qm_layer_is_product(c->l) ? param_bytes(c, channels.count) : bytes);
    }
    if (c->l->table != NULL) add_constant(c, (struct range){0, 0}, QM_TABLE_BYTES);
}

/* Adds a LOAD to a buffer, which may be issued from an operation on. */
static void load_to(struct conv *c, const struct qm_insn *insn, uint32_t buffer, uint32_t after) {
    uint32_t op = plan_add_op(c->plan, c->layer, insn);
    c->plan->ops[op].after = plan_max(after, c->plan->stages[c->plan->stage_count - 1].first_op);
    plan_use(c->plan, op, PLAN_WRITE, buffer);
}

/* Loads bytes of the layer's constant `index` from offset on to a place in a buffer. */
static void load_constant_to(struct conv *c, uint32_t index, uint32_t offset, uint32_t bytes, uint32_t buffer, uint32_t at) {
    const struct plan *plan = c->plan;
    const struct plan_constant *constant = &plan->constants[plan->layers[c->layer].first_constant + index];
    struct qm_insn insn = {.opcode = QM_LOAD, .row_bytes = bytes, .row_count = 1, .plane_count = 1, .spad_addr = at};
    insn.dram_addr = (int64_t)plan->image_offset + constant->offset + offset;
    load_to(c, &insn, buffer, 0);
}

/* The same to a buffer of their own, which it returns. */
static uint32_t load_bytes(struct conv *c, uint32_t index, uint32_t offset, uint32_t bytes) {
    uint32_t buffer = plan_add_buffer(c->plan, bytes);
    load_constant_to(c, index, offset, bytes, buffer, 0);
    return buffer;
}

/* Weights and parameters of a chunk, or a part of them. */
static void load_constant(struct conv *c, uint32_t chunk, uint32_t offset, uint32_t bytes) {
    c->weights = load_bytes(c, chunk, offset, bytes);
    c->weights_base = offset;
}

/* ---- parts of the reduction ---- */

/* Kernel rows and run bytes of one MATMUL, and where its weights begin in the chunk's constant. */
struct part {
    struct range kernel_h, run;
    uint32_t offset, bytes;
    bool first, last;
};

static uint32_t part_rows(const struct conv *c, const struct part *part) {
    return lowering_rows(&c->t->lowering, part->kernel_h.count, part->run.count);
}

/* Bytes of the part's weights, for so many of the chunk's channels. */
static uint32_t part_bytes(const struct conv *c, const struct part *part, uint32_t channels) {
    return (uint32_t)lowering_weight_bytes(c->plan->machine, &c->t->lowering, part_rows(c, part), channels);
}

static struct part first_part(const struct conv *c, uint32_t channels) {
    struct part part = {.kernel_h = {0, c->t->part_kernel_h}, .run = {0, c->t->part_run}, .first = true};
    part.bytes = part_bytes(c, &part, channels);
    part.last = part.kernel_h.count == lowering_kernel_rows(&c->t->lowering) && part.run.count == c->window->run_bytes;
    return part;
}

static void next_part(const struct conv *c, uint32_t channels, struct part *part) {
    const struct plan_window *w = c->window;
    part->offset += part->bytes;
    part->first = false;
    part->run.first += part->run.count;
    if (part->run.first == w->run_bytes) {
        part->run.first = 0;
        part->kernel_h.first += part->kernel_h.count;
    }
    part->run.count = plan_min(c->t->part_run, w->run_bytes - part->run.first);
    part->kernel_h.count = plan_min(c->t->part_kernel_h, w->kernel_h - part->kernel_h.first % w->kernel_h);
    part->bytes = part_bytes(c, part, channels);
    uint32_t end = part->kernel_h.first + part->kernel_h.count;
    part->last = part->run.first + part->run.count == w->run_bytes && end == lowering_kernel_rows(&c->t->lowering);
}

/* ---- computed weights ---- */

/* Loads rows of the matrix, of `tiles` tiles of so many channels from channel `first` on, to a place in the buffer, tile after tile. */
static void load_tiles(struct conv *c, struct range rows, uint32_t first, uint32_t width, uint32_t tiles, uint32_t at) {
    const struct plan_value *matrices = plan_storage(c->plan, c->l->inputs[1]);
    uint32_t channels = c->t->lowering.channels, depth = c->window->run_bytes;
    struct qm_insn insn = {.opcode = QM_LOAD, .row_bytes = width, .row_count = rows.count, .plane_count = tiles, .spad_addr = at};
    insn.dram_addr = matrices->arena_offset + ((int64_t)c->matrix * depth + rows.first) * channels + first;
    if (width == channels) {
        insn.row_bytes = (int64_t)rows.count * channels;
        insn.row_count = 1;
    }
    if (insn.row_count > 1) {
        insn.dram_row_stride = channels;
        insn.spad_row_stride = width;
    }
    if (tiles > 1) {
        insn.dram_plane_stride = width;
        insn.spad_plane_stride = (int64_t)rows.count * width;
    }
    load_to(c, &insn, c->weights, matrices->ready_op);
}

/* A part of a chunk's weights and, with its last, the parameters, in the place of a constant with both. */
static void load_matrix(struct conv *c, uint32_t chunk, const struct part *part) {
    struct range channels = chunk_at(c, chunk);
    uint32_t params = part->last ? param_bytes(c, channels.count) : 0, tiles = channels.count / c->tile, rest = channels.count % c->tile;
    c->weights = plan_add_buffer(c->plan, part->bytes + params);
    c->weights_base = part->offset;
    if (tiles > 0) load_tiles(c, part->run, channels.first, c->tile, tiles, 0);
    if (rest > 0) load_tiles(c, part->run, channels.first + tiles * c->tile, rest, 1, tiles * c->tile * part->run.count);
    if (params > 0) load_constant_to(c, chunk, 0, params, c->weights, part->bytes);
}

/* Lets a window see nothing but a number. */
static void see_only(struct qm_insn *insn, int32_t number) {
    insn->in_row_bytes = 1;
    insn->x_start = 1;
    insn->in_unsigned = number > INT8_MAX;
    insn->pad_value = (uint8_t)number;
}

/* ---- windows ---- */

/* Channels of a group and where they stand in their chunk; of a block all positions, or a stretch of each row. */
struct group {
    uint32_t block, chunk, accumulator, tiles;
    struct range chunk_channels, channels;
    const struct plan_stretch *stretch; /* folded */
};

/* Gathers the windows of a block. */
static void copy_windows(struct conv *c, uint32_t index) {
    struct block block = block_at(c, index);
    uint32_t depth = lowering_depth(&c->t->lowering);
    struct qm_insn insn = {.opcode = QM_COPY, .pad_value = (uint8_t)c->l->pad_value};
    area_set_window(&insn, c->window, &block, &c->in);
    insn.out_pixel = depth;
    insn.out_pitch = (int64_t)block.w * depth;
    uint32_t op = plan_add_op(c->plan, c->layer, &insn);
    plan_use(c->plan, op, PLAN_READ, c->in.buffer);
    plan_use(c->plan, op, PLAN_WRITE, c->windows[index % c->t->ring]);
}

static void set_im2col_window(const struct conv *c, struct qm_insn *insn, uint32_t index) {
    struct block block = block_at(c, index), all = {0, 0, block.h * block.w, 1};
    uint32_t depth = lowering_depth(&c->t->lowering);
    struct plan_window dense = {.in_rows = all.h, .in_row_bytes = depth, .kernel_h = 1, .kernel_w = 1, .run_bytes = depth};
    dense.y_stride = 1;
    dense.out_h = all.h;
    dense.out_w = 1;
    struct area area = {.rows = all.h, .bytes = depth, .pitch = depth};
    area_set_window(insn, &dense, &all, &area);
}

/* Folds the window: what were rows of the map are its samples, and positions of the stretch its rows. */
static void fold_window(const struct conv *c, struct qm_insn *insn, const struct plan_stretch *stretch) {
    const struct qm_insn plain = *insn;
    int64_t pixel = c->window->run_bytes / c->t->lowering.group, pitch = plain.in_pitch;
    insn->in_pitch = pixel;
    insn->in_rows = plain.in_row_bytes / pixel - (stretch->width - 1);
    insn->in_row_bytes = (plain.in_rows - 1) * pitch + stretch->width * pixel;
    insn->kernel_h = plain.kernel_w;
    insn->kernel_w = plain.kernel_h;
    insn->y_start = plain.x_start / pixel + stretch->x;
    insn->x_start = plain.y_start * pitch;
    insn->y_stride = stretch->step;
    insn->x_stride = plain.out_h > 1 ? plain.y_stride * pitch : 0;
    insn->y_dilation = plain.x_dilation / pixel;
    insn->x_dilation = plain.y_dilation * pitch;
    insn->out_h = stretch->count;
    insn->out_w = plain.out_h;
}

static void set_window(const struct conv *c, struct qm_insn *insn, const struct group *g, const struct part *part) {
    struct block block = block_at(c, g->block);
    struct range channels = g->channels;
    struct plan_window window = *c->window;
    window.kernel_h = part->kernel_h.count;
    window.y_start += (int32_t)(part->kernel_h.first % c->window->kernel_h * window.y_dilation);
    if (c->t->lowering.depthwise) {
        window.x_start += (int32_t)channels.first;
        window.run_bytes = channels.count;
    } else {
        window.x_start += (int32_t)part->run.first;
        window.run_bytes = part->run.count;
    }
    area_set_window(insn, &window, &block, &c->in);
    if (lowering_is_folded(&c->t->lowering)) fold_window(c, insn, g->stretch);
    if (c->t->lowering.depthwise) chain_set(insn, c->plan->machine);
    insn->pad_value = (uint8_t)c->l->pad_value;
}

/* ---- one group of tiles of one block ---- */

static uint32_t take_accumulator(struct plan *plan, uint32_t rows) {
    if (plan->accumulator_next + rows > plan->machine->accumulator_rows) plan->accumulator_next = 0;
    uint32_t first = plan->accumulator_next;
    plan->accumulator_next += rows;
    return first;
}

/* The products of a part; with a number, of that instead of the map, to be added. */
static void add_matmul(struct conv *c, const struct group *g, const struct part *part, int32_t number) {
    uint32_t within = g->channels.first - g->chunk_channels.first;
    struct qm_insn insn = {.opcode = QM_MATMUL, .channels = g->channels.count};
    if (c->t->lowering.im2col)
        set_im2col_window(c, &insn, g->block);
    else
        set_window(c, &insn, g, part);
    insn.precision = c->t->lowering.precision;
    insn.in_unsigned = c->l->in_unsigned;
    insn.depthwise = c->t->lowering.depthwise;
    insn.weight_zero = c->l->weight_zero;
    insn.accumulate = !part->first || number != 0;
    if (number != 0) see_only(&insn, number);
    insn.weight_addr = (int64_t)part->offset - c->weights_base + part_bytes(c, part, within);
    insn.acc_addr = g->accumulator;
    insn.tiles = g->tiles;
    uint32_t op = plan_add_op(c->plan, c->layer, &insn);
    plan_use(c->plan, op, PLAN_READ, c->t->lowering.im2col ? c->windows[g->block % c->t->ring] : c->in.buffer);
    plan_use(c->plan, op, PLAN_READ_MORE, c->weights);
}

/* What is stored at once of a block, or of the residual, which is a map alike: all channels, or those of a chunk. */
static struct target stored_target(const struct conv *c, uint32_t value, uint32_t block, uint32_t chunk) {
    uint32_t bits = c->plan->network->values[value].bits, pixel = plan_bytes(c->t->lowering.channels, bits);
    struct range channels = chunk_at(c, chunk), bytes = {plan_bytes(channels.first, bits), plan_bytes(channels.count, bits)};
    if (c->t->rows_outer) bytes = (struct range){0, pixel};
    return (struct target){value, c->window->out_w, pixel, block_at(c, block), bytes};
}

static void set_residual(const struct conv *c, struct qm_insn *insn, uint32_t channel) {
    const struct qm_layer *l = c->l;
    insn->residual = 1;
    insn->in_unsigned = c->plan->network->values[l->inputs[1]].dtype == QM_U8;
    insn->b_addr = (int64_t)c->residual.offset + channel;
    insn->b_pitch = c->residual.pitch;
    insn->b_pixel = c->residual.pixel;
    insn->a_min = l->a_min;
    insn->a_max = l->a_max;
    schedule_operands(insn, l);
}

/* Folds what is written, and the residual, like the window: a row for each position of the stretch. */
static void fold_output(const struct conv *c, struct qm_insn *insn, const struct plan_stretch *stretch) {
    const struct qm_insn plain = *insn;
    uint32_t group = c->t->lowering.group;
    int64_t pixel = plain.out_pixel / group, b_pixel = plain.b_pixel / group;
    insn->channels = plain.channels / group * stretch->width;
    insn->out_h = stretch->count;
    insn->out_w = plain.out_h;
    insn->out_addr += stretch->x * pixel;
    insn->out_pitch = stretch->step * pixel;
    insn->out_pixel = plain.out_pitch;
    insn->b_addr += stretch->x * b_pixel;
    insn->b_pitch = stretch->step * b_pixel;
    insn->b_pixel = plain.b_pitch;
}

static void add_requantize(struct conv *c, const struct group *g, uint32_t param_offset) {
    uint32_t bits = c->t->lowering.out_bits, first = c->t->rows_outer ? 0 : g->chunk_channels.first;
    struct block block = block_at(c, g->block);
    struct target target = stored_target(c, c->l->output, g->block, g->chunk);
    struct destination to = schedule_destination(c->plan, &target, c->results[c->stores % c->t->ring]);
    struct qm_insn insn = {.opcode = QM_REQUANTIZE, .lookup = c->l->table != NULL ? QM_lookup_TABLE : QM_lookup_OFF};
    insn.depthwise = c->t->lowering.depthwise;
    insn.rounding = c->l->rounding;
    insn.param_addr = param_offset;
    insn.acc_addr = g->accumulator;
    insn.channels = g->channels.count;
    insn.tiles = g->tiles;
    insn.out_h = block.h;
    insn.out_w = block.w;
    insn.out_type = bits == 4 ? QM_out_type_BITS4 : bits == 8 ? QM_out_type_BITS8 : QM_out_type_BITS32;
    insn.out_addr = (int64_t)to.offset + plan_bytes(g->channels.first - first, bits);
    insn.out_pitch = to.pitch;
    insn.out_pixel = to.pixel;
    insn.out_zero = c->l->out_zero;
    insn.clamp_min = c->l->clamp_min;
    insn.clamp_max = c->l->clamp_max;
    if (c->l->residual) set_residual(c, &insn, g->channels.first - first);
    if (lowering_is_folded(&c->t->lowering)) fold_output(c, &insn, g->stretch);
    uint32_t op = plan_add_op(c->plan, c->layer, &insn);
    plan_use(c->plan, op, PLAN_READ, c->weights);
    if (c->l->table != NULL) plan_use(c->plan, op, PLAN_READ_MORE, c->table);
    if (c->l->residual) plan_use(c->plan, op, PLAN_READ_MORE, c->residual.buffer);
    plan_use(c->plan, op, PLAN_WRITE, to.buffer);
}

/* Takes the input's zero point off the products of a part. */
static void correct(struct conv *c, const struct group *g, const struct part *part) {
    for (int32_t missing = -c->l->in_zero; missing != 0; missing -= lowering_correction(missing))
        add_matmul(c, g, part, lowering_correction(missing));
}

static void load_part(struct conv *c, uint32_t chunk, const struct part *part) {
    if (qm_layer_is_product(c->l))
        load_matrix(c, chunk, part);
    else
        load_constant(c, chunk, part->offset, part->bytes + (part->last ? param_bytes(c, chunk_at(c, chunk).count) : 0));
}

static void add_matmuls(struct conv *c, const struct group *g, uint32_t *param_offset) {
    uint32_t channels = g->chunk_channels.count;
    struct part part = first_part(c, channels);
    for (;; next_part(c, channels, &part)) {
        if (c->t->split) load_part(c, g->chunk, &part);
        add_matmul(c, g, &part, 0);
        if (c->t->lowering.passes > 1) correct(c, g, &part);
        if (part.last) break;
    }
    uint32_t tile = (g->channels.first - g->chunk_channels.first) / c->tile;
    *param_offset = part.offset + part.bytes - c->weights_base + QM_PARAMETER_BYTES * tile * c->plan->machine->cols;
}

/* ---- loops ---- */

static void load_block(struct conv *c, uint32_t index) {
    if (c->block == index) return;
    struct block block = block_at(c, index);
    struct area wanted = area_of_block(c->window, &block);
    c->in = schedule_input(c->plan, c->layer, c->l->inputs[0], &wanted, c->window->in_row_bytes);
    c->block = index;
}

/* The residual of a block, or of its channels in a chunk. */
static void load_residual(struct conv *c, uint32_t block, uint32_t chunk) {
    uint32_t value = c->l->inputs[1];
    struct target target = stored_target(c, value, block, chunk);
    struct plan_nest nest = {target.block.h, target.block.w, target.channels.count, .position = target.pixel_bytes};
    nest.row = target.width * target.pixel_bytes;
    nest.first = target.block.y * nest.row + target.block.x * nest.position + target.channels.first;
    uint32_t end = nest.first + (nest.rows - 1) * nest.row + (nest.positions - 1) * nest.position + nest.contiguous_bytes;
    uint32_t buffer = schedule_part(c->plan, c->layer, value, end, nest.rows * nest.positions * nest.contiguous_bytes);
    if (!plan_storage(c->plan, value)->resident) schedule_gather(c->plan, c->layer, value, &nest, buffer, 0);
    c->residual = schedule_destination(c->plan, &target, buffer);
}

static void load_chunk(struct conv *c, uint32_t index) {
    uint32_t of_all = c->matrix * c->chunks + index;
    if (c->chunk == of_all || c->t->split) return;
    struct part whole = first_part(c, chunk_at(c, index).count);
    if (qm_layer_is_product(c->l))
        load_matrix(c, index, &whole);
    else
        load_constant(c, index, 0, c->plan->constants[c->plan->layers[c->layer].first_constant + index].bytes);
    c->chunk = of_all;
}

/* A folded block of so many rows, stretch by stretch of each. */
static void do_stretches(struct conv *c, struct group *g, uint32_t rows) {
    struct plan_stretch stretches[PLAN_STRETCHES];
    uint32_t count = lowering_stretches(&c->t->lowering, stretches), param_offset;
    for (uint32_t i = 0; i < count; i++) {
        g->stretch = &stretches[i];
        g->accumulator = take_accumulator(c->plan, stretches[i].count * rows);
        add_matmuls(c, g, &param_offset);
        add_requantize(c, g, param_offset);
    }
}

static void do_groups(struct conv *c, uint32_t block_index, uint32_t chunk_index) {
    struct block block = block_at(c, block_index);
    struct range chunk = chunk_at(c, chunk_index);
    uint32_t group_channels = c->t->matmul_tiles * c->tile;
    for (uint32_t at = 0; at < chunk.count; at += group_channels) {
        struct group group = {.block = block_index, .chunk = chunk_index, .chunk_channels = chunk};
        group.channels = (struct range){chunk.first + at, plan_min(group_channels, chunk.count - at)};
        group.tiles = plan_ceil_div(group.channels.count, c->tile);
        if (lowering_is_folded(&c->t->lowering)) {
            do_stretches(c, &group, block.h);
            continue;
        }
        group.accumulator = take_accumulator(c->plan, group.tiles * block.h * block.w);
        uint32_t param_offset;
        add_matmuls(c, &group, &param_offset);
        bool spare = c->t->ring > 1 ? at == 0 : at + group_channels >= chunk.count; /* with one buffer, all groups must have read it */
        if (c->t->lowering.im2col && spare && block_index + 1 < c->blocks) {
            load_block(c, block_index + 1);
            copy_windows(c, block_index + 1);
        }
        add_requantize(c, &group, param_offset);
    }
}

static void do_block_and_chunk(struct conv *c, uint32_t block, uint32_t chunk) {
    load_chunk(c, chunk);
    if (!c->t->lowering.im2col) load_block(c, block);
    if (c->t->lowering.im2col && block == 0) {
        load_block(c, 0);
        copy_windows(c, 0);
    }
    if (c->l->residual && (chunk == 0 || !c->t->rows_outer)) load_residual(c, block, chunk);
    do_groups(c, block, chunk);
    if (c->t->rows_outer && chunk + 1 < c->chunks) return;
    struct target target = stored_target(c, c->l->output, block, chunk);
    schedule_store_block(c->plan, c->layer, &target, c->results[c->stores++ % c->t->ring]);
}

static void add_rings(struct conv *c) {
    uint32_t positions = c->t->block_h * c->t->block_w;
    uint32_t channels = c->t->rows_outer ? c->t->lowering.channels : c->t->chunk_channels;
    for (uint32_t i = 0; i < c->t->ring; i++) {
        if (!plan_storage(c->plan, c->l->output)->resident)
            c->results[i] = plan_add_buffer(c->plan, positions * plan_bytes(channels, c->t->lowering.out_bits));
        if (c->t->lowering.im2col) c->windows[i] = plan_add_buffer(c->plan, positions * lowering_depth(&c->t->lowering));
    }
}

/* The blocks and chunks of all weights, or of one matrix of them. */
static void do_matrix(struct conv *c) {
    bool rows_outer = c->t->rows_outer;
    uint32_t outer = rows_outer ? c->blocks : c->chunks, inner = rows_outer ? c->chunks : c->blocks, first = c->matrix * c->blocks;
    for (uint32_t i = 0; i < outer; i++)
        for (uint32_t j = 0; j < inner; j++) do_block_and_chunk(c, first + (rows_outer ? i : j), rows_outer ? j : i);
}

void schedule_convolution(struct plan *plan, uint32_t layer) {
    const struct plan_tiling *t = &plan->layers[layer].tiling;
    struct conv c = {.plan = plan, .layer = layer, .l = &plan->network->layers[layer], .t = t, .window = &t->lowering.window};
    c.blocks_w = plan_ceil_div(c.window->out_w, t->block_w);
    c.blocks = c.blocks_w * plan_ceil_div(lowering_matrix_h(&t->lowering), t->block_h);
    c.chunks = plan_ceil_div(t->lowering.channels, t->chunk_channels);
    c.tile = qm_machine_tile(plan->machine, t->lowering.depthwise);
    c.block = c.chunk = PLAN_NONE;
    add_constants(&c);
    add_rings(&c);
    if (c.l->table != NULL) c.table = load_bytes(&c, c.chunks, 0, QM_TABLE_BYTES);
    for (; c.matrix < t->lowering.matrices; c.matrix++) do_matrix(&c);
}
