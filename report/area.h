/* area.h - what a machine takes on silicon at 45 nm: its blocks times the figures of spec/energy/area.def, which says what is not in it. */
#ifndef QM_REPORT_AREA_H
#define QM_REPORT_AREA_H

#include "report/blocks.h"

struct qm_area {
    double nominal_um2, low_um2, high_um2;
};

/* Gates, flip-flops and bits of a block. */
struct qm_area qm_area_of_block(const struct qm_block *block);

/* The memory of a component: of the scratchpad and the accumulator; else 0. */
struct qm_area qm_area_of_memory(const struct qm_machine *machine, enum qm_component component);

/* Of the whole machine: all blocks and memories; all lows, all highs, because they are of one synthesis. */
struct qm_area qm_area_sum(const struct qm_machine *machine);

#endif
