/* post.c - items, latencies and events of the four instructions in closed form. */
#include "sim/cycle/post.h"

#include "common/precision.h"

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t positions(const struct qm_insn *insn) {
    return (uint64_t)insn->out_h * (uint64_t)insn->out_w;
}

static uint64_t taps(const struct qm_insn *insn) {
    return (uint64_t)insn->kernel_h * (uint64_t)insn->kernel_w;
}

static uint64_t pieces(int64_t elements, uint32_t lanes) {
    return ((uint64_t)elements + lanes - 1) / lanes;
}

uint64_t post_table_reads(const struct qm_machine *machine, const struct qm_insn *insn) {
    return insn->lookup == QM_lookup_TABLE ? pieces(QM_TABLE_BYTES, machine->cols) : 0;
}

uint64_t post_tile_items(const struct qm_insn *insn) {
    return POST_PARAMETER_READS + positions(insn) * (uint64_t)qm_row_cycles(insn);
}

uint64_t post_item_count(const struct qm_machine *machine, const struct qm_insn *insn) {
    switch (insn->opcode) {
    case QM_REQUANTIZE: return post_table_reads(machine, insn) + (uint64_t)insn->tiles * post_tile_items(insn);
    case QM_POOL: return pieces(insn->channels, machine->cols) * positions(insn) * taps(insn);
    case QM_ADD: return 2 * pieces(insn->length, machine->cols);
    default: return positions(insn) * taps(insn) * pieces(insn->run_bytes, machine->cols);
    }
}

uint64_t post_latency_cycles(const struct qm_insn *insn) {
    return insn->opcode == QM_ADD ? 7 : 5;
}

/* Channels in tiles 0 .. tile-1, and in the tile. */
static uint64_t channels_before(const struct qm_insn *insn, uint64_t tile, uint32_t tile_width) {
    return smaller(tile * tile_width, (uint64_t)insn->channels);
}

static uint64_t channels_of(const struct qm_insn *insn, uint64_t tile, uint32_t tile_width) {
    return channels_before(insn, tile + 1, tile_width) - channels_before(insn, tile, tile_width);
}

static uint64_t output_bytes(const struct qm_insn *insn, uint64_t elements) {
    return (uint64_t)qm_output_bytes(insn, (int64_t)elements);
}

static struct post_work requantize_work(const struct qm_machine *machine, const struct qm_insn *insn, uint64_t items) {
    uint32_t width = qm_machine_tile(machine, insn->depthwise != 0);
    uint64_t table_items = smaller(items, post_table_reads(machine, insn)),
             table_bytes = smaller(table_items * machine->cols, QM_TABLE_BYTES);
    uint64_t rows = positions(insn), period = post_tile_items(insn), tile = (items - table_items) / period,
             rest = (items - table_items) % period;
    uint64_t params = smaller(rest, POST_PARAMETER_READS), cycles = (uint64_t)qm_row_cycles(insn),
             rest_rows = (rest - params + cycles - 1) / cycles;
    uint64_t before = channels_before(insn, tile, width), n = channels_of(insn, tile, width);
    return (struct post_work){
        .post_reads = table_bytes + (tile * POST_PARAMETER_READS + params) * machine->cols,
        .acc_reads = (tile * rows + rest_rows) * machine->cols,
        .requantize_ops = before * rows + n * rest_rows,
        .post_writes = output_bytes(insn, before) * rows + output_bytes(insn, n) * rest_rows,
    };
}

static struct post_work pool_work(const struct qm_machine *machine, const struct qm_insn *insn, uint64_t items) {
    uint64_t outputs = positions(insn), period = outputs * taps(insn), tile = items / period, rest = items % period;
    uint64_t before = channels_before(insn, tile, machine->cols), width = channels_of(insn, tile, machine->cols);
    uint64_t read = before * period + width * rest, rest_outputs = rest / taps(insn);
    return (struct post_work){
        .post_reads = read,
        .pool_ops = read,
        .requantize_ops = before * outputs + width * rest_outputs,
        .post_writes = output_bytes(insn, before) * outputs + output_bytes(insn, width) * rest_outputs,
    };
}

static struct post_work add_work(const struct qm_machine *machine, const struct qm_insn *insn, uint64_t items) {
    uint64_t written = smaller(items / 2 * machine->cols, (uint64_t)insn->length);
    uint64_t read_first = smaller((items + 1) / 2 * machine->cols, (uint64_t)insn->length);
    return (struct post_work){
        .post_reads = read_first + written,
        .scale_ops = insn->binary == QM_binary_PRODUCT ? written : read_first + written,
        .requantize_ops = written,
        .post_writes = output_bytes(insn, written),
    };
}

static struct post_work copy_work(const struct qm_machine *machine, const struct qm_insn *insn, uint64_t items) {
    uint64_t run = (uint64_t)insn->run_bytes, period = pieces(insn->run_bytes, machine->cols);
    uint64_t bytes = items / period * run + smaller(items % period * machine->cols, run);
    return (struct post_work){.post_reads = bytes, .post_writes = bytes};
}

struct post_work post_work(const struct qm_machine *machine, const struct qm_insn *insn, uint64_t items) {
    switch (insn->opcode) {
    case QM_REQUANTIZE: return requantize_work(machine, insn, items);
    case QM_POOL: return pool_work(machine, insn, items);
    case QM_ADD: return add_work(machine, insn, items);
    default: return copy_work(machine, insn, items);
    }
}

void post_reset(struct post *post) {
    *post = (struct post){.machine = post->machine};
}

/* Reads of a REQUANTIZE before its next row: of the table with the first tile's parameters, or of parameters; 0: the next item is of a row. */
static uint64_t reads_left(const struct post *post) {
    uint64_t table = post_table_reads(post->machine, post->insn);
    if (post->issued < table) return table + POST_PARAMETER_READS - post->issued;
    uint64_t of_tile = (post->issued - table) % post_tile_items(post->insn);
    return of_tile < POST_PARAMETER_READS ? POST_PARAMETER_READS - of_tile : 0;
}

/* Items of a REQUANTIZE until the next tile, when the next item is of a row. */
static uint64_t row_items_left(const struct post *post) {
    uint64_t period = post_tile_items(post->insn);
    return period - (post->issued - post_table_reads(post->machine, post->insn)) % period;
}

enum post_activity post_activity(const struct post *post) {
    if (!post->is_busy) return POST_FREE;
    if (post->issued == post->items) return POST_DRAIN;
    if (post->insn->opcode == QM_REQUANTIZE && reads_left(post) > 0) return POST_PARAM;
    return POST_ROW;
}

bool post_ends(const struct post *post, uint64_t now) {
    return post->is_busy && now == post->end_cycle;
}

uint64_t post_steady_cycles(const struct post *post, uint64_t now) {
    bool has_tiles = post->is_busy && post->insn->opcode == QM_REQUANTIZE;
    switch (post_activity(post)) {
    case POST_FREE: return UINT64_MAX;
    case POST_DRAIN: return now == post->end_cycle ? 1 : post->end_cycle - now;
    case POST_PARAM: return reads_left(post);
    default: return has_tiles ? row_items_left(post) : post->items - post->issued;
    }
}

void post_clock_start(struct post *post, const struct qm_insn *insn, uint64_t now) {
    post->is_busy = true;
    post->insn = insn;
    post->issued = 0;
    post->items = post_item_count(post->machine, insn);
    post->end_cycle = now + post->items + post_latency_cycles(insn);
    post->work = (struct post_work){0};
}

static void count(const struct post_work *from, const struct post_work *to, struct qm_counters *counters) {
    counters->value[QM_C_post_reads] += to->post_reads - from->post_reads;
    counters->value[QM_C_post_writes] += to->post_writes - from->post_writes;
    counters->value[QM_C_acc_reads] += to->acc_reads - from->acc_reads;
    counters->value[QM_C_requantize_ops] += to->requantize_ops - from->requantize_ops;
    counters->value[QM_C_scale_ops] += to->scale_ops - from->scale_ops;
    counters->value[QM_C_pool_ops] += to->pool_ops - from->pool_ops;
}

void post_clock(struct post *post, uint64_t now, uint64_t cycles, struct qm_counters *counters) {
    if (post->issued < post->items) {
        post->issued += cycles;
        struct post_work work = post_work(post->machine, post->insn, post->issued);
        count(&post->work, &work, counters);
        post->work = work;
    }
    if (now == post->end_cycle) post->is_busy = false;
}
