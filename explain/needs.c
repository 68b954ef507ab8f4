/* needs.c - what a part of a run needs at least: what its instructions issue, as docs/machine.md has it one a cycle, and its bytes. */
#include "explain/explain.h"

uint64_t explain_need(const struct qm_report_part *part, enum explain_need need) {
    const struct qm_machine *machine = part->report->source.machine;
    const uint64_t *value = part->counters.value;
    uint64_t cells = (uint64_t)machine->rows * machine->cols, beats = value[QM_C_dram_read_beats] + value[QM_C_dram_write_beats];
    uint32_t rate = machine->dram_bytes_per_cycle < machine->axi_bytes ? machine->dram_bytes_per_cycle : machine->axi_bytes;
    switch (need) {
    case EXPLAIN_PRODUCTS: return (uint64_t)(part->cell_cycles / (double)cells);
    case EXPLAIN_STREAMS: return part->causes[QM_LAYER_COMPUTE]; /* a row entered in each */
    case EXPLAIN_WEIGHTS: return part->weight_rows;
    case EXPLAIN_POST: return part->post_items;
    case EXPLAIN_MEMORY: return beats * machine->axi_bytes / rate;
    case EXPLAIN_NEEDS: break;
    }
    return 0;
}
