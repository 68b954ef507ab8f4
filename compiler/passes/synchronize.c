/* synchronize.c - tokens from hazards: an instruction waits for those of other units that touch the same bytes, and for nothing else.
 *
 * Units end their instructions in order, so what unit v knows of unit u is one number: how many of u's instructions have ended whenever v's next one
 * may start. A wait makes v know all that the signaller knew when it started, so that most hazards are already covered. Signals and waits
 * of a pair (u, v) are placed with rising indices, so the k-th wait takes the k-th signal: a counter needs no names.
 */
#include <stdlib.h>
#include <string.h>

#include "compiler/compiler.h"

enum space { SCRATCHPAD, ACCUMULATOR, ARENA };
enum { MAX_RANGES = 3 };

struct range {
    enum space space;
    bool writes;
    int64_t first, end;
};

struct access {
    uint32_t count;
    struct range ranges[MAX_RANGES];
};

/* What is known to have ended: for each unit a number of instructions. */
struct knowledge {
    uint32_t ended[QM_UNITS];
};

struct node {
    struct access access;
    struct knowledge at_end; /* what anybody knows who has seen this instruction end */
};

struct unit {
    uint32_t *insns; /* indices in program order */
    uint32_t count;
    struct knowledge knowledge; /* of the instruction about to start */
};

static void touch(struct access *access, enum space space, bool writes, int64_t first, int64_t size) {
    QM_CHECK(access->count < MAX_RANGES);
    access->ranges[access->count++] = (struct range){space, writes, first, first + size};
}

static void touch_window(struct access *access, const struct qm_insn *insn) {
    touch(access, SCRATCHPAD, false, insn->in_addr, (insn->in_rows - 1) * insn->in_pitch + insn->in_row_bytes);
}

static void touch_output(struct access *access, const struct qm_insn *insn, int64_t pixel_bytes) {
    touch(access, SCRATCHPAD, true, insn->out_addr,
          (insn->out_h - 1) * insn->out_pitch + (insn->out_w - 1) * insn->out_pixel + pixel_bytes);
}

static void touch_transfer(struct access *access, const struct qm_insn *insn) {
    bool loads = insn->opcode == QM_LOAD;
    int64_t planes = insn->plane_count - 1, rows = insn->row_count - 1;
    touch(access, SCRATCHPAD, loads, insn->spad_addr, planes * insn->spad_plane_stride + rows * insn->spad_row_stride + insn->row_bytes);
    touch(access, ARENA, !loads, insn->dram_addr, planes * insn->dram_plane_stride + rows * insn->dram_row_stride + insn->row_bytes);
}

static struct access access_of(const struct qm_insn *insn, const struct qm_machine *machine) {
    struct access access = {0};
    int64_t sums = insn->tiles * insn->out_h * insn->out_w, taps = insn->kernel_h * insn->kernel_w * insn->run_bytes;
    switch (insn->opcode) {
    case QM_LOAD:
    case QM_STORE: touch_transfer(&access, insn); break;
    case QM_MATMUL:
        touch_window(&access, insn);
        touch(&access, SCRATCHPAD, false, insn->weight_addr, taps * insn->channels);
        touch(&access, ACCUMULATOR, true, insn->acc_addr, sums);
        break;
    case QM_REQUANTIZE:
        touch(&access, ACCUMULATOR, false, insn->acc_addr, sums);
        touch(&access, SCRATCHPAD, false, insn->param_addr, insn->tiles * 9 * machine->cols);
        touch_output(&access, insn, insn->channels);
        break;
    case QM_POOL:
    case QM_COPY:
        touch_window(&access, insn);
        touch_output(&access, insn, insn->opcode == QM_POOL ? insn->channels : taps);
        break;
    default:
        touch(&access, SCRATCHPAD, false, insn->in_addr, insn->length);
        touch(&access, SCRATCHPAD, false, insn->b_addr, insn->length);
        touch(&access, SCRATCHPAD, true, insn->out_addr, insn->length);
    }
    return access;
}

static bool conflict(const struct access *a, const struct access *b) {
    for (uint32_t i = 0; i < a->count; i++)
        for (uint32_t j = 0; j < b->count; j++) {
            const struct range *x = &a->ranges[i], *y = &b->ranges[j];
            if (x->space == y->space && (x->writes || y->writes) && x->first < y->end && y->first < x->end) return true;
        }
    return false;
}

static void learn(struct knowledge *knowledge, const struct knowledge *more) {
    for (int unit = 0; unit < QM_UNITS; unit++)
        if (more->ended[unit] > knowledge->ended[unit]) knowledge->ended[unit] = more->ended[unit];
}

/* MATMUL reads what STORE reads and writes only sums. */
static bool never_conflict(int a, int b) {
    return (a == QM_UNIT_MATMUL && b == QM_UNIT_STORE) || (a == QM_UNIT_STORE && b == QM_UNIT_MATMUL);
}

/* The last instruction of unit u that conflicts and is not known to have ended, as its place in the unit; -1: none. */
static int64_t find_hazard(const struct node *nodes, const struct unit *u, uint32_t known, const struct access *access) {
    for (int64_t i = (int64_t)u->count - 1; i >= (int64_t)known; i--)
        if (conflict(&nodes[u->insns[i]].access, access)) return i;
    return -1;
}

/* The latest instruction of another unit that index must wait for and does not know to have ended; -1: none. Waiting for the latest first teaches most. */
static int64_t latest_hazard(const struct qm_insn *insns, const struct node *nodes, const struct unit *units, uint32_t index) {
    int own = (int)qm_opcode_unit(insns[index].opcode);
    int64_t latest = -1;
    for (int other = 0; other < QM_UNITS; other++) {
        if (other == own || never_conflict(own, other)) continue;
        int64_t hazard = find_hazard(nodes, &units[other], units[own].knowledge.ended[other], &nodes[index].access);
        if (hazard >= 0 && units[other].insns[hazard] > latest) latest = units[other].insns[hazard];
    }
    return latest;
}

static void order(struct qm_insn *insns, struct node *nodes, struct unit *units, uint32_t index) {
    int own = (int)qm_opcode_unit(insns[index].opcode);
    struct knowledge *knowledge = &units[own].knowledge;
    for (int64_t signaller; (signaller = latest_hazard(insns, nodes, units, index)) >= 0;) {
        insns[signaller].signal |= 1 << own;
        insns[index].wait |= 1 << qm_opcode_unit(insns[signaller].opcode);
        learn(knowledge, &nodes[signaller].at_end);
    }
    units[own].insns[units[own].count++] = index;
    nodes[index].at_end = *knowledge;
    nodes[index].at_end.ended[own] = units[own].count;
}

void qm_synchronize(struct qm_insn *insns, uint32_t count, const struct qm_machine *machine) {
    struct node *nodes = calloc(count + 1, sizeof *nodes);
    uint32_t *places = calloc((size_t)QM_UNITS * count + 1, sizeof *places);
    struct unit units[QM_UNITS] = {0};
    QM_CHECK(nodes != NULL && places != NULL);
    for (int unit = 0; unit < QM_UNITS; unit++) units[unit].insns = places + (size_t)unit * count;
    for (uint32_t i = 0; i < count; i++) {
        insns[i].wait = insns[i].signal = 0;
        nodes[i].access = access_of(&insns[i], machine);
        order(insns, nodes, units, i);
    }
    free(nodes);
    free(places);
}
