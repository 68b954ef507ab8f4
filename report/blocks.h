/* blocks.h - what the modules of rtl/ have on a machine, flip-flops, gates and bits of small memories: spec/energy/blocks.def. */
#ifndef QM_REPORT_BLOCKS_H
#define QM_REPORT_BLOCKS_H

#include "common/machine.h"

/* What a machine is made of; every module's share belongs to exactly one of them. */
enum qm_component {
    QM_COMPONENT_ARRAY,
    QM_COMPONENT_SCRATCHPAD,
    QM_COMPONENT_ACCUMULATOR,
    QM_COMPONENT_POST,
    QM_COMPONENT_DRAM,
    QM_COMPONENT_CONTROL,
    QM_COMPONENTS
};

const char *qm_component_name(unsigned component); /* "array", ... ; NULL for QM_COMPONENTS */

struct qm_block {
    const char *module; /* of rtl/ */
    enum qm_component component;
    double flip_flops, gates, bits; /* of all its instances that belong to the component */
};

enum {
#define QM_BLOCK(module, component, ...) QM_BLOCK_##component##_##module,
#include "spec/energy/blocks.def"
#undef QM_BLOCK
    QM_BLOCKS
};

void qm_blocks_of(const struct qm_machine *machine, struct qm_block blocks[QM_BLOCKS]);

/* Of all blocks of a component; module is NULL. */
struct qm_block qm_blocks_sum(const struct qm_machine *machine, enum qm_component component);

#endif
