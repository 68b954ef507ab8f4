/* tile.c - chooses how each layer is cut, and lays its constants out in the order in which the array reads them.
 *
 * The choices follow the closed forms of docs/machine.md: steps times positions is the time of a convolution, so the form with the fewest steps wins; a
 * quarter of the accumulator at most belongs to one MATMUL, so that four can be in flight; chunks are small enough for computing to follow loading closely.
 */
#include <stdlib.h>
#include <string.h>

#include "compiler/ir/plan.h"

enum { FIELD16 = 65535, FIELD8 = 255 };

struct cutter {
    struct qm_plan *plan;
    const struct qm_layer *layer;
    const struct qm_value *in, *out;
    struct qm_tiling *tiling;
};

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static uint32_t most(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

static uint32_t ceil_div(uint32_t a, uint32_t b) {
    return (a + b - 1) / b;
}

/* ---- the form of the product ---- */

static bool can_pack(const struct qm_layer *layer, const struct qm_value *in) {
    return (layer->dilation_w == 1 || layer->kernel_w == 1) && layer->kernel_w * in->c <= FIELD16;
}

/* Steps of a dense convolution over all tiles. */
static uint64_t dense_steps(const struct cutter *cut) {
    const struct qm_machine *machine = cut->plan->machine;
    uint32_t taps = can_pack(cut->layer, cut->in) ? ceil_div(cut->layer->kernel_w * cut->in->c, machine->rows)
                                                  : cut->layer->kernel_w * ceil_div(cut->in->c, machine->rows);
    return (uint64_t)ceil_div(cut->out->c, machine->cols) * cut->layer->kernel_h * taps;
}

static uint64_t depthwise_steps(const struct cutter *cut) {
    return (uint64_t)ceil_div(cut->out->c, qm_machine_tile(cut->plan->machine, true)) * cut->layer->kernel_h * cut->layer->kernel_w;
}

static void choose_form(struct cutter *cut) {
    struct qm_tiling *tiling = cut->tiling;
    tiling->depthwise = cut->layer->kind == QM_LAYER_DEPTHWISE && depthwise_steps(cut) <= dense_steps(cut);
    tiling->packed = !tiling->depthwise && can_pack(cut->layer, cut->in);
    tiling->tile = qm_machine_tile(cut->plan->machine, tiling->depthwise);
    tiling->tiles = ceil_div(cut->out->c, tiling->tile);
    tiling->runs = tiling->packed ? 1 : cut->layer->kernel_w;
    tiling->run_bytes = tiling->depthwise ? 1 : tiling->packed ? cut->layer->kernel_w * cut->in->c : cut->in->c;
}

/* ---- parts of the reduction ---- */

static uint32_t part_weights(const struct qm_tiling *tiling, const struct qm_part *part) {
    return part->kernel_h * tiling->runs * part->run_bytes * tiling->tile;
}

static struct qm_part *new_part(struct cutter *cut, uint32_t ky0, uint32_t kernel_h, uint32_t run0, uint32_t run_bytes) {
    struct qm_part *part = &cut->tiling->parts[cut->tiling->part_count++];
    *part = (struct qm_part){ky0, kernel_h, run0, run_bytes};
    return part;
}

/* One part when a tile's weights fit the limit, else rows of the window, else pieces of its runs. */
static void cut_reduction(struct cutter *cut, uint32_t limit_bytes) {
    struct qm_tiling *tiling = cut->tiling;
    uint32_t row_bytes = tiling->runs * tiling->run_bytes * tiling->tile;
    uint32_t rows = most(1, least(cut->layer->kernel_h, limit_bytes / row_bytes));
    uint32_t run = rows > 1 || row_bytes <= limit_bytes ? tiling->run_bytes : most(1, limit_bytes / (tiling->runs * tiling->tile));
    if (run < tiling->run_bytes && run > cut->plan->machine->rows) run -= run % cut->plan->machine->rows;
    tiling->parts = QM_ARENA_NEW(cut->plan->arena, struct qm_part, ceil_div(cut->layer->kernel_h, rows) * ceil_div(tiling->run_bytes, run));
    for (uint32_t ky = 0; ky < cut->layer->kernel_h; ky += rows)
        for (uint32_t at = 0; at < tiling->run_bytes; at += run)
            new_part(cut, ky, least(rows, cut->layer->kernel_h - ky), at, least(run, tiling->run_bytes - at));
}

/* ---- blocks of the output ---- */

/* Bytes that a block of h rows moves when neither map stays in the scratchpad. */
static uint64_t block_bytes(const struct cutter *cut, uint32_t h) {
    uint64_t in_rows = least(cut->in->h, (h - 1) * cut->layer->stride_h + (cut->layer->kernel_h - 1) * cut->layer->dilation_h + 1);
    return in_rows * cut->in->w * cut->in->c * cut->layer->input_count + (uint64_t)h * cut->out->w * cut->out->c;
}

static bool is_large(const struct cutter *cut, const struct qm_value *value) {
    return (uint64_t)value->h * value->w * value->c > cut->plan->machine->scratchpad_bytes / 3;
}

/* Positions a block may have at most, and rows that the scratchpad can hold of maps too large to stay there. */
static void cut_output(struct cutter *cut, uint32_t positions_max) {
    struct qm_tiling *tiling = cut->tiling;
    uint32_t w = least(cut->out->w, positions_max), h = most(1, least(cut->out->h, positions_max / w));
    if (is_large(cut, cut->in) || is_large(cut, cut->out))
        while (h > 1 && block_bytes(cut, h) > cut->plan->machine->scratchpad_bytes / 5) h--;
    h = ceil_div(cut->out->h, ceil_div(cut->out->h, h));
    tiling->blocks = QM_ARENA_NEW(cut->plan->arena, struct qm_block, ceil_div(cut->out->h, h) * ceil_div(cut->out->w, w));
    for (uint32_t y = 0; y < cut->out->h; y += h)
        for (uint32_t x = 0; x < cut->out->w; x += w)
            tiling->blocks[tiling->block_count++] = (struct qm_block){y, least(h, cut->out->h - y), x, least(w, cut->out->w - x)};
}

/* ---- constants ---- */

static void append(struct qm_bytes *bytes, const void *data, size_t size) {
    if (bytes->size + size > bytes->capacity) {
        bytes->capacity = 2 * (bytes->size + size) + 4096;
        bytes->data = realloc(bytes->data, bytes->capacity);
        QM_CHECK(bytes->data != NULL);
    }
    if (data != NULL)
        memcpy(bytes->data + bytes->size, data, size);
    else
        memset(bytes->data + bytes->size, 0, size);
    bytes->size += size;
}

/* Weights of one window row's run for n channels from first on: to[byte][channel]. */
static void put_dense_run(const struct cutter *cut, uint32_t window, const struct qm_part *part, uint32_t first, uint32_t n, uint8_t *to) {
    const struct qm_layer *layer = cut->layer;
    for (uint32_t c = 0; c < n; c++) {
        const int8_t *from = layer->weights + ((size_t)(first + c) * layer->kernel_h * layer->kernel_w + window) * cut->in->c + part->run0;
        for (uint32_t i = 0; i < part->run_bytes; i++) to[(size_t)i * n + c] = (uint8_t)from[i];
    }
}

/* A depthwise layer on the dense array: channel c meets only byte c of each tap. */
static void put_diagonal_run(const struct cutter *cut, uint32_t window, const struct qm_part *part, uint32_t first, uint32_t n,
                             uint8_t *to) {
    memset(to, 0, (size_t)part->run_bytes * n);
    for (uint32_t i = 0; i < part->run_bytes; i++) {
        uint32_t tap = (part->run0 + i) / cut->in->c, channel = (part->run0 + i) % cut->in->c;
        if (channel >= first && channel < first + n)
            to[(size_t)i * n + channel - first] = (uint8_t)cut->layer->weights[(window + tap) * cut->out->c + channel];
    }
}

static void append_tile(const struct cutter *cut, uint32_t tile, const struct qm_part *part) {
    const struct qm_tiling *tiling = cut->tiling;
    uint32_t first = tile * tiling->tile, n = least(tiling->tile, cut->out->c - first);
    size_t run_weights = (size_t)part->run_bytes * n, size = part->kernel_h * tiling->runs * run_weights;
    struct qm_bytes *image = &cut->plan->image;
    append(image, NULL, size);
    uint8_t *to = image->data + image->size - size;
    for (uint32_t ky = part->ky0; ky < part->ky0 + part->kernel_h; ky++)
        for (uint32_t kx = 0; kx < tiling->runs; kx++, to += run_weights) {
            uint32_t window = ky * cut->layer->kernel_w + kx;
            if (tiling->depthwise)
                memcpy(to, cut->layer->weights + (size_t)window * cut->out->c + first, n);
            else if (cut->layer->kind == QM_LAYER_DEPTHWISE)
                put_diagonal_run(cut, window, part, first, n, to);
            else
                put_dense_run(cut, window, part, first, n, to);
        }
}

static void put_i32(uint8_t *to, int32_t value) {
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)((uint32_t)value >> 8 * i);
}

static void append_params(const struct cutter *cut, uint32_t tile) {
    uint32_t cols = cut->plan->machine->cols, width = cut->tiling->tile;
    struct qm_bytes *image = &cut->plan->image;
    append(image, NULL, 9 * cols);
    uint8_t *record = image->data + image->size - 9 * cols;
    for (uint32_t c = 0; c < width && tile * width + c < cut->out->c; c++) {
        uint32_t channel = tile * width + c;
        put_i32(record + 4 * c, cut->layer->bias[channel]);
        put_i32(record + 4 * (cols + c), cut->layer->scales[channel].multiplier);
        record[8 * cols + c] = (uint8_t)cut->layer->scales[channel].shift;
    }
}

static void fill_chunk(const struct cutter *cut, struct qm_chunk *chunk) {
    const struct qm_tiling *tiling = cut->tiling;
    chunk->image_offset = (uint32_t)cut->plan->image.size;
    bool is_last = chunk->part0 + chunk->parts == tiling->part_count;
    for (uint32_t tile = 0; is_last && tile < chunk->tiles; tile++) append_params(cut, chunk->tile0 + tile);
    chunk->param_bytes = (uint32_t)cut->plan->image.size - chunk->image_offset;
    for (uint32_t group = 0; group < chunk->tiles; group += tiling->group)
        for (uint32_t part = chunk->part0; part < chunk->part0 + chunk->parts; part++)
            for (uint32_t tile = group; tile < least(group + tiling->group, chunk->tiles); tile++)
                append_tile(cut, chunk->tile0 + tile, &tiling->parts[part]);
    chunk->size_bytes = (uint32_t)cut->plan->image.size - chunk->image_offset;
    append(&cut->plan->image, NULL, (64 - cut->plan->image.size % 64) % 64);
}

/* Chunks of whole tiles, or of one part of one tile when the reduction is cut. */
static void cut_channels(struct cutter *cut, uint32_t chunk_bytes) {
    struct qm_tiling *tiling = cut->tiling;
    uint32_t tile_bytes = 9 * cut->plan->machine->cols;
    for (uint32_t i = 0; i < tiling->part_count; i++) tile_bytes += part_weights(tiling, &tiling->parts[i]);
    bool whole = tiling->part_count == 1;
    uint32_t tiles = whole ? most(1, least(tiling->tiles, chunk_bytes / tile_bytes)) : 1;
    tiling->group = least(tiling->group, tiles);
    tiles -= tiles % tiling->group;
    tiling->chunks = QM_ARENA_NEW(cut->plan->arena, struct qm_chunk, ceil_div(tiling->tiles, tiles) * tiling->part_count);
    for (uint32_t tile = 0; tile < tiling->tiles; tile += tiles)
        for (uint32_t part = 0; part < tiling->part_count; part++) {
            struct qm_chunk *chunk = &tiling->chunks[tiling->chunk_count++];
            *chunk = (struct qm_chunk){.tile0 = tile, .tiles = least(tiles, tiling->tiles - tile), .part0 = part, .parts = 1};
            fill_chunk(cut, chunk);
        }
}

static enum qm_order choose_order(const struct cutter *cut) {
    const struct qm_tiling *tiling = cut->tiling;
    uint32_t scratchpad = cut->plan->machine->scratchpad_bytes;
    const struct qm_chunk *last = &tiling->chunks[tiling->chunk_count - 1];
    uint64_t weights = last->image_offset + last->size_bytes - tiling->chunks[0].image_offset;
    if (weights <= scratchpad / 8 * 3 && (tiling->part_count == 1 || weights <= scratchpad / 4)) return QM_ALL_WEIGHTS;
    return tiling->part_count > 1 || is_large(cut, cut->in) || is_large(cut, cut->out) ? QM_BLOCKS_OUTSIDE : QM_CHUNKS_OUTSIDE;
}

static enum qm_status check_fields(const struct cutter *cut, struct qm_diag *diag) {
    const struct qm_layer *layer = cut->layer;
    bool window_fits = layer->kernel_h <= FIELD8 && layer->kernel_w <= FIELD8 && layer->stride_h <= FIELD8 && layer->dilation_h <= FIELD8;
    bool map_fits = (uint64_t)cut->in->w * cut->in->c <= FIELD16 && cut->in->h <= FIELD16 && cut->out->c <= FIELD16;
    bool steps_fit = (uint64_t)layer->stride_w * cut->in->c <= FIELD16 && (uint64_t)layer->dilation_w * cut->in->c <= FIELD16;
    if (window_fits && map_fits && steps_fit) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%s: operator %u: a map of %ux%ux%u or its window is larger than the machine's instructions can say",
                   cut->plan->network->graph->file, layer->graph_op, cut->in->h, cut->in->w, cut->in->c);
}

static enum qm_status tile_layer(struct cutter *cut, struct qm_diag *diag) {
    const struct qm_machine *machine = cut->plan->machine;
    uint32_t rows_max = most(1, machine->accumulator_rows / 4);
    if (cut->layer->kind == QM_LAYER_SOFTMAX) return QM_OK;
    QM_TRY(check_fields(cut, diag));
    if (!qm_layer_has_weights(cut->layer)) {
        cut_output(cut, most(cut->out->w, cut->out->h * cut->out->w / 4));
        return QM_OK;
    }
    choose_form(cut);
    cut_output(cut, rows_max);
    cut->tiling->group = most(1, least(cut->tiling->tiles, rows_max / (cut->tiling->blocks[0].h * cut->tiling->blocks[0].w)));
    cut_reduction(cut, machine->scratchpad_bytes / 4);
    cut_channels(cut, machine->scratchpad_bytes / 32);
    cut->tiling->order = choose_order(cut);
    return QM_OK;
}

enum qm_status qm_pass_tile(struct qm_plan *plan, struct qm_diag *diag) {
    const struct qm_network *network = plan->network;
    plan->tilings = QM_ARENA_NEW(plan->arena, struct qm_tiling, network->layer_count);
    for (uint32_t i = 0; i < network->layer_count; i++) {
        const struct qm_layer *layer = &network->layers[i];
        struct cutter cut = {.plan = plan, .layer = layer, .tiling = &plan->tilings[i]};
        cut.in = &network->values[layer->inputs[0]];
        cut.out = &network->values[layer->output];
        QM_TRY(tile_layer(&cut, diag));
    }
    return QM_OK;
}
