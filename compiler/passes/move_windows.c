/* move_windows.c - cuts the places of a list into windows, and chooses how large windows and the blocks in them are: the fewest cycles of
 * loads, POOLs and stores by an estimate, in which each transfer costs the memory's latency, and each run of bytes that lies apart some.
 */
#include "compiler/passes/move_windows.h"

#include <stdlib.h>
#include <string.h>

enum { RUN_CYCLES = 2, POOL_CYCLES = 16, WINDOW_BYTES_MAX = 16384, SHARES = 4 };

/* ---- windows ---- */

static uint32_t place_in(const struct qm_move_place *place, bool of_input) {
    return of_input ? place->in : place->out;
}

static int compare(uint32_t a, uint32_t b) {
    return (a > b) - (a < b);
}

static int compare_in(const void *a, const void *b) {
    const struct qm_move_place *x = a, *y = b;
    return x->in != y->in ? compare(x->in, y->in) : compare(x->out, y->out);
}

static int compare_out(const void *a, const void *b) {
    const struct qm_move_place *x = a, *y = b;
    return compare(x->out, y->out);
}

void move_sort_places(struct qm_move_place *places, uint32_t count, bool of_input) {
    qsort(places, count, sizeof *places, of_input ? compare_in : compare_out);
}

uint32_t move_window_places(const struct move_windows *windows, const struct qm_move_place *places, uint32_t left) {
    if (windows->bytes_max == UINT32_MAX) return left;
    uint32_t first = place_in(&places[0], windows->of_input), count = 1;
    for (; count < left; count++) {
        uint64_t at = place_in(&places[count], windows->of_input), before = place_in(&places[count - 1], windows->of_input);
        if (at + windows->span - first > windows->bytes_max || at > before + windows->span + windows->gap_max) break;
    }
    return count;
}

struct move_windows move_windows_of(const struct plan *plan, uint32_t layer, const struct plan_tiling *t, bool of_input, uint32_t span) {
    const struct qm_layer *l = &plan->network->layers[layer];
    const struct qm_machine *machine = plan->machine;
    bool resident = plan_storage(plan, of_input ? l->inputs[0] : l->output)->resident;
    struct move_windows windows = {.of_input = of_input, .span = span};
    windows.bytes_max = resident ? UINT32_MAX : of_input ? t->window_in : t->window_out;
    windows.gap_max = machine->dram_latency * plan_min(machine->axi_bytes, machine->dram_bytes_per_cycle);
    return windows;
}

uint32_t move_block_span(const struct qm_move *move, const struct move_block *block, bool of_input) {
    uint64_t bytes = block->elements.count;
    for (uint32_t i = 0; i < move->loop_count; i++)
        bytes += (uint64_t)(block->count[i] - 1) * (of_input ? move->loops[i].in : move->loops[i].out);
    return (uint32_t)bytes;
}

/* ---- what they cost ---- */

/* A layer, a way to cut it, and the scratch that counting takes. */
struct estimate {
    const struct plan *plan;
    uint32_t layer;
    const struct qm_move *move;
    struct plan_tiling t;
    struct move_block block;
    bool outside[2];                     /* input, output */
    struct qm_move_place *places, *part; /* [place_count] in the order of the output; scratch */
};

static uint64_t blocks_of_place(const struct estimate *e) {
    uint64_t blocks = plan_ceil_div(e->move->contiguous_bytes, e->block.elements.count);
    for (uint32_t i = 0; i < e->move->loop_count; i++) blocks *= plan_ceil_div(e->move->loops[i].count, e->block.count[i]);
    return blocks;
}

/* A transfer of so many runs. */
static uint64_t transfer_cycles(const struct estimate *e, uint64_t run_bytes, uint64_t runs) {
    const struct qm_machine *machine = e->plan->machine;
    return machine->dram_latency + runs * (RUN_CYCLES + cost_transfer(machine, run_bytes));
}

/* Of a block that is transferred for one place, by its strides. */
static uint64_t alone_cycles(const struct estimate *e, bool of_input) {
    struct move_runs runs = move_runs_of(e->move, &e->block, of_input, e->block.elements.count);
    uint64_t count = 1;
    for (uint32_t i = 0; i < runs.count; i++) count *= runs.rounds[i];
    return transfer_cycles(e, runs.bytes, count);
}

/* Of the POOLs of a block at one place: two of its loops that go up are rows and positions, each round of the others is an instruction. */
static uint64_t pool_cycles(const struct estimate *e) {
    uint64_t rounds = 1, longest = 1, second = 1;
    for (uint32_t i = 0; i < e->move->loop_count; i++) {
        uint64_t count = e->block.count[i];
        rounds *= count;
        if (e->move->loops[i].down || count <= second) continue;
        second = count > longest ? longest : count;
        longest = count > longest ? count : longest;
    }
    return rounds / (longest * second) * POOL_CYCLES + rounds * plan_ceil_div(e->block.elements.count, e->plan->machine->cols);
}

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static uint64_t all_alone_cycles(const struct estimate *e) {
    uint64_t cycles = pool_cycles(e);
    for (uint32_t side = 0; side < 2; side++)
        if (e->outside[side]) cycles = larger(cycles, alone_cycles(e, side == 0));
    return cycles * e->move->place_count * blocks_of_place(e);
}

/* Of the places of one of the output's windows, the windows of the input. */
static uint64_t input_cycles(const struct estimate *e, const struct move_windows *in, const struct qm_move_place *places, uint32_t count) {
    uint64_t cycles = 0;
    if (!e->outside[0]) return 0;
    memcpy(e->part, places, count * sizeof *places);
    move_sort_places(e->part, count, true);
    for (uint32_t at = 0, n; at < count; at += n) {
        n = move_window_places(in, &e->part[at], count - at);
        cycles += transfer_cycles(e, e->part[at + n - 1].in - e->part[at].in + in->span, 1);
    }
    return cycles;
}

/* The windows of the input and of the output. False: a block does not fit them. */
static bool find_windows(const struct estimate *e, struct move_windows windows[2]) {
    for (uint32_t side = 0; side < 2; side++) {
        uint32_t span = move_block_span(e->move, &e->block, side == 0);
        windows[side] = move_windows_of(e->plan, e->layer, &e->t, side == 0, span);
        if (span > windows[side].bytes_max) return false;
    }
    return true;
}

/* Loads, POOLs and stores run side by side, but for a window that is loaded back, which waits for the one before it. */
static uint64_t window_cycles(const struct estimate *e, const struct move_windows windows[2]) {
    uint64_t cycles = 0;
    for (uint32_t at = 0, n; at < e->move->place_count; at += n) {
        n = move_window_places(&windows[1], &e->places[at], e->move->place_count - at);
        uint64_t bytes = e->places[at + n - 1].out - e->places[at].out + windows[1].span;
        uint64_t load = input_cycles(e, &windows[0], &e->places[at], n), pools = n * pool_cycles(e);
        uint64_t store = e->outside[1] ? transfer_cycles(e, bytes, 1) : 0;
        bool complete = bytes == n * move_block_elements(e->move, &e->block);
        cycles += complete ? larger(larger(load, pools), store) : larger(load, pools) + 2 * store;
    }
    return cycles * blocks_of_place(e);
}

/* ---- the choice ---- */

/* Of what both windows have together, the input's has so many of SHARES parts. */
static void set_windows(struct estimate *e, uint32_t bytes, uint32_t share) {
    if (e->outside[0]) e->t.window_in = plan_min(e->outside[1] ? bytes / SHARES * share : bytes, WINDOW_BYTES_MAX);
    if (e->outside[1]) e->t.window_out = plan_min(e->outside[0] ? bytes / SHARES * (SHARES - share) : bytes, WINDOW_BYTES_MAX);
}

/* Two windows of each map are there at a time. */
static void try_shares(struct estimate *e, struct plan_tiling *best, uint64_t *least) {
    struct move_windows windows[2];
    uint32_t bytes = e->plan->layers[e->layer].hole_bytes / 2, shares = e->outside[0] && e->outside[1] ? SHARES - 1 : 1;
    for (uint32_t share = 1; share <= shares; share++) {
        set_windows(e, bytes, share);
        uint64_t cycles = find_windows(e, windows) ? window_cycles(e, windows) : UINT64_MAX;
        if (cycles >= *least) continue;
        *least = cycles;
        *best = e->t;
    }
}

/* Blocks of fewer and fewer bytes: all rounds of a place lie in its windows at once, or some. */
static void try_blocks(struct estimate *e, struct plan_tiling *best) {
    uint64_t least = all_alone_cycles(e), elements = UINT64_MAX;
    for (; e->t.block_bytes >= e->t.chunk_channels; e->t.block_bytes /= 2) {
        e->block = move_block_of(e->move, e->t.chunk_channels, e->t.block_bytes);
        if (move_block_elements(e->move, &e->block) != elements) try_shares(e, best, &least);
        elements = move_block_elements(e->move, &e->block);
    }
}

void move_choose_windows(const struct plan *plan, uint32_t layer, struct plan_tiling *t) {
    const struct qm_layer *l = &plan->network->layers[layer];
    uint32_t count = l->move.place_count;
    struct estimate e = {.plan = plan, .layer = layer, .move = &l->move, .t = *t};
    e.outside[0] = !plan_storage(plan, l->inputs[0])->resident;
    e.outside[1] = !plan_storage(plan, l->output)->resident;
    if (count == 0 || !(e.outside[0] || e.outside[1])) return;
    struct qm_arena *arena = qm_arena_create();
    e.places = QM_ARENA_NEW(arena, struct qm_move_place, count);
    e.part = QM_ARENA_NEW(arena, struct qm_move_place, count);
    memcpy(e.places, l->move.places, count * sizeof *e.places);
    move_sort_places(e.places, count, false);
    e.block = move_block_of(e.move, t->chunk_channels, t->block_bytes);
    try_blocks(&e, t);
    qm_arena_destroy(arena);
}
