/* synchronize.c - tokens from hazards: what an instruction reads and writes, exactly, decides whom it waits for.
 *
 * For each instruction and each other unit, the latest earlier instruction of that unit with a hazard (one of the two writes what the other
 * touches) must have ended; units work in order, so it stands for all before it. What is known already needs no token: a unit that waited
 * for an instruction knows everything which that instruction had waited for when it started. So for each pair of units the instructions
 * waited for only grow, and the k-th wait meets the k-th signal. All waits go back in program order: there is no deadlock.
 *
 * A strided access is a set of bytes: begin <= b < end with (b - phase) mod period < run. Blocks of channels of one map interleave without
 * touching, and are seen to be apart.
 */
#include <stdlib.h>

#include "common/memory.h"
#include "common/precision.h"
#include "compiler/passes/passes.h"

enum space { SCRATCHPAD, ACCUMULATOR, ARENA };
enum { ACCESSES_MAX = 4 };

struct access {
    enum space space;
    bool writes;
    int64_t begin, end;
    int64_t period, phase, run; /* period 0: every byte */
};

struct node {
    struct access accesses[ACCESSES_MAX];
    uint32_t access_count;
    uint32_t index;          /* in the program */
    int64_t known[QM_UNITS]; /* when it starts: the last instruction of each unit (counted in the unit) that has ended for sure */
};

/* Instructions of each unit so far. */
struct history {
    struct node *nodes[QM_UNITS];
    int64_t counts[QM_UNITS];
};

/* ---- accesses ---- */

static int64_t gcd(int64_t a, int64_t b) {
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static int64_t modulo(int64_t a, int64_t b) {
    int64_t rest = a % b;
    return rest < 0 ? rest + b : rest;
}

static struct access *add_access(struct node *node, enum space space, bool writes, int64_t begin, int64_t bytes) {
    struct access *access = &node->accesses[node->access_count++];
    *access = (struct access){.space = space, .writes = writes, .begin = begin, .end = begin + bytes};
    return access;
}

/* Runs of `run` bytes at begin plus any multiple of the period. */
static void set_period(struct access *access, int64_t phase, int64_t period, int64_t run) {
    if (period <= run) return;
    access->period = period;
    access->phase = modulo(phase, period);
    access->run = run;
}

/* The stride when something is repeated, else nothing. */
static int64_t repeated(int64_t count, int64_t stride) {
    return count > 1 ? stride : 0;
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* What windows read: from the first touched byte of the first touched row inside the map to the last of the last. */
static void add_window(struct node *node, const struct qm_insn *insn, int64_t run) {
    int64_t y_last = insn->y_start + (insn->out_h - 1) * insn->y_stride + (insn->kernel_h - 1) * insn->y_dilation;
    int64_t x_last = insn->x_start + (insn->out_w - 1) * insn->x_stride + (insn->kernel_w - 1) * insn->x_dilation + run;
    int64_t y_begin = larger(insn->y_start, 0), y_end = smaller(y_last, insn->in_rows - 1);
    int64_t x_begin = larger(insn->x_start, 0), x_end = smaller(x_last, insn->in_row_bytes);
    if (y_begin > y_end || x_begin >= x_end) return; /* nothing but padding */
    int64_t begin = insn->in_addr + y_begin * insn->in_pitch + x_begin;
    struct access *access = add_access(node, SCRATCHPAD, false, begin, (y_end - y_begin) * insn->in_pitch + x_end - x_begin);
    int64_t period = gcd(repeated(insn->out_w, insn->x_stride), repeated(insn->kernel_w, insn->x_dilation));
    period = gcd(period, repeated(y_end - y_begin + 1, insn->in_pitch));
    set_period(access, insn->in_addr + y_begin * insn->in_pitch + insn->x_start, period, run);
}

static void add_output(struct node *node, const struct qm_insn *insn, int64_t run) {
    int64_t bytes = (insn->out_h - 1) * insn->out_pitch + (insn->out_w - 1) * insn->out_pixel + run;
    struct access *access = add_access(node, SCRATCHPAD, true, insn->out_addr, bytes);
    set_period(access, insn->out_addr, gcd(repeated(insn->out_h, insn->out_pitch), repeated(insn->out_w, insn->out_pixel)), run);
}

/* The two ends of a transfer. */
static void add_transfer(struct node *node, const struct qm_insn *insn, bool load) {
    int64_t rows = insn->row_count, planes = insn->plane_count, run = insn->row_bytes;
    int64_t dram = (planes - 1) * insn->dram_plane_stride + (rows - 1) * insn->dram_row_stride + run;
    int64_t spad = (planes - 1) * insn->spad_plane_stride + (rows - 1) * insn->spad_row_stride + run;
    struct access *access = add_access(node, ARENA, !load, insn->dram_addr, dram);
    set_period(access, insn->dram_addr, gcd(repeated(rows, insn->dram_row_stride), repeated(planes, insn->dram_plane_stride)), run);
    access = add_access(node, SCRATCHPAD, load, insn->spad_addr, spad);
    set_period(access, insn->spad_addr, gcd(repeated(rows, insn->spad_row_stride), repeated(planes, insn->spad_plane_stride)), run);
}

static void add_matmul(struct node *node, const struct qm_insn *insn, const struct qm_machine *machine) {
    add_window(node, insn, insn->depthwise ? insn->channels : insn->run_bytes);
    add_access(node, SCRATCHPAD, false, insn->weight_addr, qm_weight_bytes(insn, qm_machine_tile(machine, insn->depthwise != 0)));
    add_access(node, ACCUMULATOR, true, insn->acc_addr, insn->tiles * insn->out_h * insn->out_w);
}

static void add_requantize(struct node *node, const struct qm_insn *insn, const struct qm_machine *machine) {
    add_access(node, SCRATCHPAD, false, insn->param_addr, insn->tiles * 9 * (int64_t)machine->cols);
    add_access(node, ACCUMULATOR, false, insn->acc_addr, insn->tiles * insn->out_h * insn->out_w);
    if (insn->lookup == QM_lookup_TABLE) add_access(node, SCRATCHPAD, false, insn->table_addr, QM_TABLE_BYTES);
    add_output(node, insn, qm_output_bytes(insn, insn->channels));
}

static void find_accesses(struct node *node, const struct qm_insn *insn, const struct qm_machine *machine) {
    switch (insn->opcode) {
    case QM_LOAD: add_transfer(node, insn, true); break;
    case QM_STORE: add_transfer(node, insn, false); break;
    case QM_MATMUL: add_matmul(node, insn, machine); break;
    case QM_REQUANTIZE: add_requantize(node, insn, machine); break;
    case QM_POOL:
        add_window(node, insn, insn->channels);
        add_output(node, insn, qm_output_bytes(insn, insn->channels));
        break;
    case QM_COPY:
        add_window(node, insn, insn->run_bytes);
        add_output(node, insn, insn->kernel_h * insn->kernel_w * insn->run_bytes);
        break;
    default:
        add_access(node, SCRATCHPAD, false, insn->in_addr, insn->length);
        add_access(node, SCRATCHPAD, false, insn->b_addr, insn->length);
        add_access(node, SCRATCHPAD, true, insn->out_addr, qm_output_bytes(insn, insn->length));
    }
}

/* ---- hazards ---- */

/* Both periodic: apart when their runs do not meet modulo the common part of their periods. */
static bool interleave(const struct access *a, const struct access *b) {
    if (a->period == 0 || b->period == 0) return false;
    int64_t period = a->period == b->period ? a->period : gcd(a->period, b->period);
    int64_t shift = modulo(b->phase - a->phase, period);
    return a->run <= shift && shift + b->run <= period;
}

static bool meet(const struct access *a, const struct access *b) {
    if (a->space != b->space || !(a->writes || b->writes)) return false;
    if (a->end <= b->begin || b->end <= a->begin) return false;
    return !interleave(a, b);
}

static bool hazard(const struct node *a, const struct node *b) {
    for (uint32_t i = 0; i < a->access_count; i++)
        for (uint32_t j = 0; j < b->access_count; j++)
            if (meet(&a->accesses[i], &b->accesses[j])) return true;
    return false;
}

/* The latest instruction of the unit with a hazard to node that node does not know to have ended; -1: none. */
static int64_t last_hazard(const struct history *history, enum qm_unit unit, const struct node *node) {
    for (int64_t i = history->counts[unit] - 1; i > node->known[unit]; i--)
        if (hazard(&history->nodes[unit][i], node)) return i;
    return -1;
}

/* Waits for one unit, and learns what the instruction waited for knew. */
static void wait_for(const struct history *history, enum qm_unit unit, enum qm_unit own, struct node *node, struct qm_insn *insns) {
    int64_t found = last_hazard(history, unit, node);
    if (found < 0) return;
    const struct node *other = &history->nodes[unit][found];
    insns[node->index].wait |= 1 << unit;
    insns[other->index].signal |= 1 << own;
    for (int u = 0; u < QM_UNITS; u++)
        if (u != (int)own) node->known[u] = larger(node->known[u], u == (int)unit ? found : other->known[u]);
}

void qm_synchronize(struct qm_insn *insns, uint32_t count, const struct qm_machine *machine) {
    struct history history = {{0}, {0}};
    for (int u = 0; u < QM_UNITS; u++) history.nodes[u] = qm_alloc((count + 1) * sizeof *history.nodes[u]);
    for (uint32_t i = 0; i < count; i++) {
        enum qm_unit unit = qm_opcode_unit(insns[i].opcode);
        int64_t position = history.counts[unit];
        struct node *node = &history.nodes[unit][position];
        *node = (struct node){.index = i, .known = {-1, -1, -1, -1}};
        for (int u = 0; u < QM_UNITS && position > 0; u++) node->known[u] = history.nodes[unit][position - 1].known[u];
        insns[i].wait = insns[i].signal = 0;
        find_accesses(node, &insns[i], machine);
        for (int u = QM_UNITS - 1; u >= 0; u--)
            if (u != (int)unit) wait_for(&history, (enum qm_unit)u, unit, node, insns);
        history.counts[unit]++;
    }
    for (int u = 0; u < QM_UNITS; u++) free(history.nodes[u]);
}

bool qm_writes_what_it_reads(const struct qm_insn *insn, const struct qm_machine *machine) {
    struct node node = {0};
    find_accesses(&node, insn, machine);
    for (uint32_t i = 0; i < node.access_count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (meet(&node.accesses[i], &node.accesses[j])) return true;
    return false;
}

enum qm_status pass_synchronize(struct plan *plan) {
    struct qm_insn *insns = QM_ARENA_NEW(plan->arena, struct qm_insn, plan->op_count);
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const struct plan_step *step = &plan->steps[i];
        uint32_t count = step->last_op - step->first_op;
        struct plan_op *ops = &plan->ops[step->first_op];
        for (uint32_t j = 0; j < count; j++) insns[j] = ops[j].insn;
        qm_synchronize(insns, count, plan->machine);
        for (uint32_t j = 0; j < count; j++) {
            ops[j].insn.wait = insns[j].wait;
            ops[j].insn.signal = insns[j].signal;
        }
    }
    return QM_OK;
}
