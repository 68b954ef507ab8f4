/* post.c - items, latencies and events of the four instructions in closed form. */
#include "sim/cycle/post.h"

enum { PARAMETER_READS = 9 };

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

static uint64_t item_count(const struct qm_machine *machine, const struct qm_insn *insn) {
    switch (insn->opcode) {
    case QM_REQUANTIZE: return (uint64_t)insn->tiles * (PARAMETER_READS + positions(insn));
    case QM_POOL: return pieces(insn->channels, machine->cols) * positions(insn) * taps(insn);
    case QM_ADD: return 2 * pieces(insn->length, machine->cols);
    default: return positions(insn) * taps(insn) * pieces(insn->run_bytes, machine->cols);
    }
}

static uint64_t latency_cycles(const struct qm_insn *insn) {
    return insn->opcode == QM_ADD ? 7 : 5;
}

/* Channels in tiles 0 .. tile-1, and in the tile. */
static uint64_t channels_before(const struct qm_insn *insn, uint64_t tile, uint32_t tile_width) {
    return smaller(tile * tile_width, (uint64_t)insn->channels);
}

static uint64_t channels_of(const struct qm_insn *insn, uint64_t tile, uint32_t tile_width) {
    return channels_before(insn, tile + 1, tile_width) - channels_before(insn, tile, tile_width);
}

static struct post_work requantize_work(const struct qm_machine *machine, const struct qm_insn *insn, uint64_t items) {
    uint32_t width = qm_machine_tile(machine, insn->depthwise != 0);
    uint64_t rows = positions(insn), period = PARAMETER_READS + rows, tile = items / period, rest = items % period;
    uint64_t rest_rows = rest > PARAMETER_READS ? rest - PARAMETER_READS : 0;
    uint64_t elements = channels_before(insn, tile, width) * rows + channels_of(insn, tile, width) * rest_rows;
    return (struct post_work){
        .post_reads = (tile * PARAMETER_READS + rest - rest_rows) * machine->cols,
        .acc_reads = (tile * rows + rest_rows) * machine->cols,
        .requantize_ops = elements,
        .post_writes = elements,
    };
}

static struct post_work pool_work(const struct qm_machine *machine, const struct qm_insn *insn, uint64_t items) {
    uint64_t outputs = positions(insn), period = outputs * taps(insn), tile = items / period, rest = items % period;
    uint64_t before = channels_before(insn, tile, machine->cols), width = channels_of(insn, tile, machine->cols);
    uint64_t read = before * period + width * rest, written = before * outputs + width * (rest / taps(insn));
    return (struct post_work){.post_reads = read, .pool_ops = read, .requantize_ops = written, .post_writes = written};
}

static struct post_work add_work(const struct qm_machine *machine, const struct qm_insn *insn, uint64_t items) {
    uint64_t written = smaller(items / 2 * machine->cols, (uint64_t)insn->length);
    uint64_t read_first = smaller((items + 1) / 2 * machine->cols, (uint64_t)insn->length);
    return (struct post_work){
        .post_reads = read_first + written,
        .scale_ops = read_first + written,
        .requantize_ops = written,
        .post_writes = written,
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

/* Items of the tile of the next item that have been issued. */
static uint64_t issued_of_tile(const struct post *post) {
    return post->issued % (PARAMETER_READS + positions(post->insn));
}

enum post_activity post_activity(const struct post *post) {
    if (!post->is_busy) return POST_FREE;
    if (post->issued == post->items) return POST_DRAIN;
    if (post->insn->opcode == QM_REQUANTIZE && issued_of_tile(post) < PARAMETER_READS) return POST_PARAM;
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
    case POST_PARAM: return PARAMETER_READS - issued_of_tile(post);
    default: return has_tiles ? PARAMETER_READS + positions(post->insn) - issued_of_tile(post) : post->items - post->issued;
    }
}

void post_clock_start(struct post *post, const struct qm_insn *insn, uint64_t now) {
    post->is_busy = true;
    post->insn = insn;
    post->issued = 0;
    post->items = item_count(post->machine, insn);
    post->end_cycle = now + post->items + latency_cycles(insn);
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
