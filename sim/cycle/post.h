/* post.h - the post unit: one instruction at a time, one item a cycle without a gap.
 *
 * What an instruction has counted after i items is a function of i alone (post_work), so that any number of cycles costs the same.
 * A row of wide elements occupies the unit for several cycles; each of them is an item here, and the first counts the row's events.
 */
#ifndef QM_SIM_CYCLE_POST_H
#define QM_SIM_CYCLE_POST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/counters.h"
#include "common/isa.h"
#include "common/machine.h"

/* Events up to some item of an instruction. */
struct post_work {
    uint64_t post_reads, post_writes, acc_reads, requantize_ops, scale_ops, pool_ops;
};

struct post {
    const struct qm_machine *machine;
    bool is_busy;
    const struct qm_insn *insn;
    uint64_t items, issued;
    uint64_t end_cycle;    /* known from the start on */
    struct post_work work; /* of the issued items */
};

/* What item `index` of an instruction reads and writes; addresses wrap like those of the hardware. */
struct post_item {
    bool reads;      /* the scratchpad */
    bool reads_sums; /* the accumulator */
    bool writes;     /* an output; its bytes may be none */
    uint32_t read_addr, acc_addr, out_addr, out_bytes;
};
struct post_item post_item(const struct qm_machine *machine, const struct qm_insn *insn, uint64_t index);

enum { POST_PARAMETER_READS = 9 };

/* Of a REQUANTIZE: reads of the table, which come before the first tile; and the items of a tile, parameter reads and the cycles of its rows. */
uint64_t post_table_reads(const struct qm_machine *machine, const struct qm_insn *insn);
uint64_t post_tile_items(const struct qm_insn *insn);

/* Items of an instruction: cycles in which it issues. */
uint64_t post_item_count(const struct qm_machine *machine, const struct qm_insn *insn);

/* From the issue of an item to its write. */
uint64_t post_latency_cycles(const struct qm_insn *insn);

enum post_activity { POST_FREE, POST_PARAM, POST_ROW, POST_DRAIN };

void post_reset(struct post *post);
enum post_activity post_activity(const struct post *post);
bool post_ends(const struct post *post, uint64_t now);

/* For how many cycles, this one included, the activity stays and no instruction ends; at least 1. */
uint64_t post_steady_cycles(const struct post *post, uint64_t now);

/* The edge of a cycle in which the unit starts. */
void post_clock_start(struct post *post, const struct qm_insn *insn, uint64_t now);

/* The edges of `cycles` cycles, at most the steady ones. */
void post_clock(struct post *post, uint64_t now, uint64_t cycles, struct qm_counters *counters);

/* Events of the first `items` items of insn. */
struct post_work post_work(const struct qm_machine *machine, const struct qm_insn *insn, uint64_t items);

#endif
